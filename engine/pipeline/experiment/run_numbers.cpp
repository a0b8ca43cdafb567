#include "engine/pipeline/experiment/run_numbers.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/probe_reader.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/pipeline/experiment/deciding_measure.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace blockcert::pipeline {

const Certificate* RunNumbers::find(LayerIndex block) const
{
    const auto found = std::ranges::find(certificates, block, &Certificate::block);
    return found == certificates.end() ? nullptr : &*found;
}

RunNumbers readRunNumbers(const std::filesystem::path& run)
{
    const certificate::RunFolder folder(run);
    const auto read = [&](const std::string& path) {
        return certificate::parseDocument(folder.readText(path, certificate::largestDocument), path);
    };
    const std::string manifest(certificate::manifestName);
    RunNumbers numbers{certificate::runFromJson(read(manifest), manifest), {}};
    for (const LayerIndex block : numbers.run.state.finished) {
        const std::string path = certificate::certificatePath(block);
        numbers.certificates.push_back(certificate::certificateFromJson(read(path), path));
    }
    std::ranges::sort(numbers.certificates, {}, &Certificate::block);
    return numbers;
}

std::vector<PromptNumbers> readTokenNumbers(const std::filesystem::path& run, const Certificate& certificate,
                                            const std::filesystem::path& childProgram)
{
    const std::string path = certificate::probesPath(certificate.block);
    const certificate::OpenFile file = certificate::RunFolder(run).open(path);
    certificate::ProbeReader reader(artifact::openForeignArchive(file.descriptor(), path, childProgram),
                                    certificate::probeShapeOf(certificate), certificate.block);
    const bool isRelative = decidingMeasure(certificate.request.policy).isRelative;
    std::vector<PromptNumbers> prompts;
    for (std::int64_t p = 0; p < reader.shape().prompts(); ++p) {
        CellRecord cell = reader.readNumbers(PromptIndex{static_cast<std::int32_t>(p)});
        prompts.push_back(
            {isRelative ? certificate::relativeErrors(cell.error, cell.outputNorm) : std::move(cell.error)});
    }
    return prompts;
}

double coverageAt(std::span<const double> error, double tau)
{
    const auto covered = std::ranges::count_if(error, [tau](double e) { return e <= tau; });
    return error.empty() ? 0 : static_cast<double>(covered) / static_cast<double>(error.size());
}

double meanOf(std::span<const double> values)
{
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::size_t bestPrompt(const Certificate& certificate)
{
    const std::vector<PromptMetrics>& prompts = certificate.metrics.prompts;
    const DecidingMeasure measure = decidingMeasure(certificate.request.policy);
    const auto better = [&](const PromptMetrics& a, const PromptMetrics& b) {
        const double coverA = measure.of(a).coverage.value();
        const double coverB = measure.of(b).coverage.value();
        return coverA != coverB ? coverA > coverB : measure.of(a).mean < measure.of(b).mean;
    };
    return static_cast<std::size_t>(std::ranges::min_element(prompts, better) - prompts.begin());
}

}
