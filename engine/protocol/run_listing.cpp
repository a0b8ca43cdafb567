#include "engine/protocol/run_listing.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/stitch_codec.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/protocol/block_rows.h"
#include "engine/protocol/edit_rows.h"
#include "engine/protocol/standouts.h"
#include "engine/protocol/stitch_rows.h"
#include "engine/protocol/token_rows.h"
#include "engine/protocol/weight_rows.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace blockcert::protocol {

namespace {

using certificate::RunDocument;
using certificate::RunFolder;

constexpr std::size_t largestJson = 64U << 20U;

// Reading the norms of a block costs a child process: of a run of many blocks only those with the largest errors.
constexpr std::size_t blocksWithNorms = 4;

// JSON of this project, whose prompts may be longer than other texts.
Json readJson(const RunFolder& folder, const std::string& path)
{
    JsonLimits limits;
    limits.stringBytes = largestJson;
    return parseStrictJson(folder.readText(path, largestJson), path, limits);
}

RunDocument readManifest(const RunFolder& folder, Json& raw)
{
    const std::string name(certificate::manifestName);
    if (!folder.exists(name))
        throw FileError(folder.path().string() + " is no run directory: it holds no run.json.");
    raw = readJson(folder, name);
    return certificate::runFromJson(raw, name);
}

// What tells this run from every other: the digest of the file that lists all others.
std::string digestOf(const RunFolder& folder)
{
    return sha256Of(folder.readText(std::string(certificate::sumsName), largestJson));
}

// What SHA256SUMS lists: the files that are part of the run.
Json readFiles(const RunFolder& folder, Json& problems)
{
    Json files = Json::array();
    try {
        if (folder.exists(certificate::sumsName))
            for (const certificate::SumLine& line :
                 certificate::readSums(folder.readText(certificate::sumsName, largestJson)))
                files.push_back({{"path", line.path}, {"sha256", line.sha256}});
    } catch (const Error& error) {
        problems.push_back(error.what());
    }
    return files;
}

struct ReadCertificates {
    std::vector<Certificate> values;
    Json raw = Json::array();
};

ReadCertificates readCertificates(const RunFolder& folder, const RunDocument& run, Json& problems)
{
    ReadCertificates read;
    for (const LayerIndex block : run.manifest.request.blocks) {
        const std::string path = certificate::certificatePath(block);
        if (!folder.exists(path)) {
            if (std::ranges::find(run.state.finished, block) != run.state.finished.end())
                problems.push_back(path + " is missing, although run.json says that the block is finished.");
            continue;
        }
        try {
            Json json = readJson(folder, path);
            read.values.push_back(certificate::certificateFromJson(json, path));
            read.raw.push_back(std::move(json));
        } catch (const Error& error) {
            problems.push_back(error.what());
        }
    }
    return read;
}

Json readStitches(const RunFolder& folder, const RunDocument& run, const Json& files, Json& problems)
{
    Json rows = Json::array();
    for (const Json& file : files) {
        const std::string path = file.at("path");
        if (!certificate::stitchNamed(path))
            continue;
        try {
            rows.push_back(stitchRow(certificate::stitchFromJson(readJson(folder, path), path), run.manifest.prompts));
        } catch (const Error& error) {
            problems.push_back(error.what());
        }
    }
    return rows;
}

Json readEdits(const RunFolder& folder, const Json& files, Json& problems)
{
    Json rows = Json::array();
    for (const Json& file : files) {
        const std::string path = file.at("path");
        if (!certificate::editNamed(path))
            continue;
        try {
            rows.push_back(editRow(certificate::editFromJson(readJson(folder, path), path)));
        } catch (const Error& error) {
            problems.push_back(error.what());
        }
    }
    return rows;
}

std::vector<double> readNorms(const RunFolder& folder, LayerIndex block, const std::filesystem::path& childProgram)
{
    const std::string path = certificate::probesPath(block);
    const certificate::OpenFile file = folder.open(path);
    const HostTensor tensor =
        artifact::openForeignArchive(file.descriptor(), path, childProgram)->readAll("output_norm");
    if (tensor.dtype != DType::F64)
        throw FormatError(path + ": output_norm is not of type F64.");
    std::vector<double> norms(static_cast<std::size_t>(tensor.elementCount()));
    std::memcpy(norms.data(), tensor.bytes.data(), tensor.bytes.size());
    return norms;
}

std::map<LayerIndex, std::vector<double>> normsOfWorstBlocks(const RunFolder& folder,
                                                             std::vector<Certificate> certificates,
                                                             const std::filesystem::path& childProgram, Json& problems)
{
    const std::size_t count = std::min(blocksWithNorms, certificates.size());
    std::ranges::partial_sort(certificates, certificates.begin() + static_cast<std::ptrdiff_t>(count),
                              std::ranges::greater(), [](const Certificate& c) { return c.metrics.l2.epsilon; });
    std::map<LayerIndex, std::vector<double>> norms;
    for (std::size_t i = 0; i < count; ++i) {
        try {
            norms[certificates[i].block] = readNorms(folder, certificates[i].block, childProgram);
        } catch (const Error& error) {
            problems.push_back(error.what());
        }
    }
    return norms;
}

}

Json showRun(const std::filesystem::path& run, const ShowOptions& options, const RunContext& context)
{
    const RunFolder folder(run);
    Json manifest;
    const RunDocument document = readManifest(folder, manifest);
    Json problems = Json::array();
    for (const BlockFailure& failure : document.state.failed)
        problems.push_back(failure.sentence);
    ReadCertificates certificates = readCertificates(folder, document, problems);
    context.step();

    Json rows = Json::array();
    for (const Certificate& certificate : certificates.values)
        rows.push_back(blockRow(certificate, document.manifest.prompts));
    Json files = readFiles(folder, problems);
    Json stitches = readStitches(folder, document, files, problems);
    Json edits = readEdits(folder, files, problems);
    const bool complete = document.state.complete && folder.exists(certificate::sumsName);
    Json listing = {{"run", run.string()},
                    {"complete", complete},
                    {"resumable", !complete},
                    {"digest", complete ? Json(digestOf(folder)) : Json()},
                    {"manifest", std::move(manifest)},
                    {"certificates", std::move(certificates.raw)},
                    {"blocks", std::move(rows)},
                    {"weights", weightRows(certificates.values)},
                    {"stitches", std::move(stitches)},
                    {"edits", std::move(edits)},
                    {"files", std::move(files)},
                    {"command", document.manifest.commandLine}};
    if (options.weights)
        addSpectra(folder, options.childProgram, listing["weights"], problems);
    if (options.tokens)
        addTokenRows(folder, document, certificates.values, options, context, listing, problems);
    const auto norms = normsOfWorstBlocks(folder, certificates.values, options.childProgram, problems);
    listing["notes"] = standouts(document.manifest, certificates.values, norms);
    listing["problems"] = std::move(problems);
    return listing;
}

}
