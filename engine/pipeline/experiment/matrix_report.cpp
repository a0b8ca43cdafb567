#include "engine/pipeline/experiment/matrix_report.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/base/run_context.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/widen.h"
#include "engine/pipeline/experiment/figure_parts.h"

#include <algorithm>
#include <map>
#include <utility>

namespace blockcert::pipeline {

namespace {

using namespace figure;

// A curve shows about so many of a spectrum's values; the table has all of them.
constexpr std::size_t shownValues = 24;

struct CutRun {
    ComparedRun variant;
    std::int64_t asked = 0;
    RunNumbers numbers;
};

// Singular values of one block's matrices, falling, by the matrix's name.
using Spectra = std::map<std::string, std::vector<double>>;

// "W_Q" for "q.weight": as the paper writes the attention's matrices; others keep their own names.
std::string titleOf(const std::string& weight)
{
    static const std::map<std::string, std::string> titles = {
        {"q.weight", "W_Q"}, {"k.weight", "W_K"}, {"v.weight", "W_V"}, {"o.weight", "W_O"}};
    const auto found = titles.find(weight);
    return found == titles.end() ? weight : found->second;
}

// In the order in which a block uses them, as far as they are the attention's.
std::vector<std::string> matricesOf(const std::vector<CutRun>& runs)
{
    std::vector<std::string> names = {"q.weight", "k.weight", "v.weight", "o.weight"};
    std::vector<std::string> found;
    const auto take = [&](const std::string& name) {
        if (std::ranges::find(found, name) == found.end())
            found.push_back(name);
    };
    std::vector<std::string> present;
    for (const CutRun& run : runs)
        for (const Certificate& certificate : run.numbers.certificates)
            for (const WeightDistance& distance : certificate.surrogateWeights)
                if (distance.rank)
                    present.push_back(distance.name);
    for (const std::string& name : names)
        if (std::ranges::find(present, name) != present.end())
            take(name);
    for (const std::string& name : present)
        take(name);
    return found;
}

const WeightDistance* distanceOf(const Certificate& certificate, const std::string& matrix)
{
    const auto found = std::ranges::find(certificate.surrogateWeights, matrix, &WeightDistance::name);
    return found == certificate.surrogateWeights.end() || !found->rank ? nullptr : &*found;
}

Spectra readSpectra(const std::filesystem::path& run, const Certificate& certificate,
                    const std::vector<std::string>& matrices, const std::filesystem::path& childProgram)
{
    const std::string path = certificate::irPath(certificate.block);
    const certificate::OpenFile file = certificate::RunFolder(run).open(path);
    const auto archive = artifact::openForeignArchive(file.descriptor(), path, childProgram);
    Spectra spectra;
    for (const std::string& matrix : matrices)
        if (archive->find("spectrum/" + matrix) != nullptr)
            spectra[matrix] = certificate::widened(archive->readAll("spectrum/" + matrix));
    return spectra;
}

Json share(double part, double whole)
{
    return whole > 0 ? Json(part / whole) : Json();
}

Table matrixTable(const std::vector<CutRun>& runs, const std::vector<std::string>& matrices,
                  const std::map<LayerIndex, Spectra>& spectra)
{
    Table table{"matrices",
                "Every matrix that was cut",
                {{"variant", "surrogate"},
                 {"block", "block"},
                 {"matrix", "matrix"},
                 {"rank_asked", "rank asked"},
                 {"rank_used", "rank used"},
                 {"full_rank", "full rank"},
                 {"norm", "‖W‖_F"},
                 {"distance", "‖W − Ŵ‖_F"},
                 {"relative_distance", "relative"}},
                {}};
    for (const CutRun& run : runs)
        for (const Certificate& certificate : run.numbers.certificates)
            for (const std::string& matrix : matrices)
                if (const WeightDistance* distance = distanceOf(certificate, matrix))
                    table.rows.push_back({run.variant.label, certificate.block.value, titleOf(matrix), run.asked,
                                          *distance->rank, spectra.at(certificate.block).at(matrix).size(),
                                          distance->norm, distance->distance,
                                          share(distance->distance, distance->norm)});
    return table;
}

Table spectrumTable(const std::map<LayerIndex, Spectra>& spectra, const std::vector<std::string>& matrices)
{
    Table table{"spectrum",
                "Singular values of the model's matrices",
                {{"block", "block"}, {"matrix", "matrix"}, {"index", "index"}, {"singular_value", "singular value"}},
                {}};
    for (const auto& [block, values] : spectra)
        for (const std::string& matrix : matrices)
            if (const auto found = values.find(matrix); found != values.end())
                for (std::size_t i = 0; i < found->second.size(); ++i)
                    table.rows.push_back({block.value, titleOf(matrix), i + 1, found->second[i]});
    return table;
}

// Evenly over the whole, with the first and the last one.
std::vector<std::size_t> shownPlaces(std::size_t count)
{
    std::vector<std::size_t> places;
    const std::size_t shown = std::min(count, shownValues);
    for (std::size_t i = 0; i < shown; ++i)
        places.push_back(shown == 1 ? 0 : i * (count - 1) / (shown - 1));
    return places;
}

Panel panelOf(const std::string& matrix, const char* x, const char* y)
{
    Panel panel;
    panel.title = titleOf(matrix);
    panel.x.label = x;
    panel.y.label = y;
    return panel;
}

Series seriesOf(LayerIndex block)
{
    return {"block " + std::to_string(block.value), Mark::LineMarkers, {}};
}

Figure spectrumFigure(const std::map<LayerIndex, Spectra>& spectra, const std::vector<std::string>& matrices,
                      const std::vector<std::int64_t>& ranks)
{
    Figure figure;
    figure.title = "Spectra of the matrices that were cut";
    figure.caption = "Singular values of the model's own matrices, falling; about " + std::to_string(shownValues) +
                     " of each are drawn, spectrum.csv has all. What lies right of a rank is what cutting to it loses: "
                     "‖W − Ŵ‖² is the sum of those squares.";
    figure.columns = 2;
    for (const std::string& matrix : matrices) {
        Panel panel = panelOf(matrix, "index", "singular value");
        panel.x.lower = 0;
        panel.y.scale = Scale::Log;
        std::size_t full = 0;
        for (const auto& [block, values] : spectra) {
            const auto found = values.find(matrix);
            if (found == values.end())
                continue;
            Series series = seriesOf(block);
            for (const std::size_t place : shownPlaces(found->second.size()))
                if (found->second[place] > 0)
                    series.points.push_back({static_cast<double>(place + 1), found->second[place]});
            full = std::max(full, found->second.size());
            panel.series.push_back(std::move(series));
        }
        for (const std::int64_t rank : ranks)
            if (rank < static_cast<std::int64_t>(full))
                panel.rules.push_back({Direction::Vertical, static_cast<double>(rank), "rank " + std::to_string(rank)});
        figure.panels.push_back(std::move(panel));
    }
    return figure;
}

Figure distanceFigure(const std::vector<CutRun>& runs, const std::vector<std::string>& matrices,
                      const std::map<LayerIndex, Spectra>& spectra)
{
    Figure figure;
    figure.title = "How far the cut matrices are from the model's";
    figure.caption = "‖W − Ŵ‖_F ÷ ‖W‖_F of each block's matrix. A rank at or above a matrix's own leaves it as it is: "
                     "distance 0. Lines only join the measurements of one block.";
    figure.columns = 2;
    for (const std::string& matrix : matrices) {
        Panel panel = panelOf(matrix, "rank asked for", "relative distance");
        panel.y.lower = 0;
        panel.y.upper = 1;
        for (const CutRun& run : runs)
            panel.x.categories.push_back(std::to_string(run.asked));
        for (const auto& [block, ignored] : spectra) {
            Series series = seriesOf(block);
            for (std::size_t v = 0; v < runs.size(); ++v) {
                const Certificate* certificate = runs[v].numbers.find(block);
                const WeightDistance* distance = certificate ? distanceOf(*certificate, matrix) : nullptr;
                if (distance && distance->norm > 0)
                    series.points.push_back({static_cast<double>(v), distance->distance / distance->norm});
            }
            panel.series.push_back(std::move(series));
        }
        figure.panels.push_back(std::move(panel));
    }
    return figure;
}

}

void addMatrices(const ExperimentResults& results, const std::vector<ComparedRun>& variants,
                 const std::vector<std::int64_t>& ranks, ExperimentReport& report)
{
    std::vector<CutRun> runs;
    for (std::size_t i = 0; i < variants.size(); ++i)
        runs.push_back({variants[i], ranks[i], results.numbers(variants[i].run)});
    const std::vector<std::string> matrices = matricesOf(runs);
    if (matrices.empty())
        return;
    // The spectra are the model's own: the same in every run that cuts.
    std::map<LayerIndex, Spectra> spectra;
    for (const CutRun& run : runs)
        for (const Certificate& certificate : run.numbers.certificates) {
            results.context.step();
            if (!spectra.contains(certificate.block))
                spectra[certificate.block] =
                    readSpectra(results.run(run.variant.run).folder, certificate, matrices, results.childProgram);
        }
    report.tables.push_back(matrixTable(runs, matrices, spectra));
    report.tables.push_back(spectrumTable(spectra, matrices));
    report.figures.push_back({"spectrum.svg", spectrumFigure(spectra, matrices, ranks)});
    report.figures.push_back({"distance.svg", distanceFigure(runs, matrices, spectra)});
}

}
