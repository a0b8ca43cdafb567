#include "engine/protocol/run_listing.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/stitch_codec.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/protocol/block_rows.h"
#include "engine/protocol/edit_rows.h"
#include "engine/protocol/named_tensors.h"
#include "engine/protocol/run_documents.h"
#include "engine/protocol/standouts.h"
#include "engine/protocol/stitch_rows.h"
#include "engine/protocol/token_rows.h"
#include "engine/protocol/weight_rows.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

namespace blockcert::protocol {

namespace {

using certificate::RunDocument;
using certificate::RunFolder;

// Reading the norms of a block costs a child process: of a run of many blocks only those with the largest errors.
constexpr std::size_t blocksWithNorms = 4;

// What tells this run from every other: the digest of the file that lists all others.
std::string digestOf(const RunFolder& folder)
{
    return sha256Of(folder.readText(std::string(certificate::sumsName), largestRunJson));
}

// What SHA256SUMS lists: the files that are part of the run.
std::vector<certificate::SumLine> readFiles(const RunFolder& folder, Json& problems)
{
    try {
        if (folder.exists(certificate::sumsName))
            return certificate::readSums(folder.readText(certificate::sumsName, largestRunJson));
    } catch (const Error& error) {
        problems.push_back(error.what());
    }
    return {};
}

// Documents that are read as they stand, though they are not the files that the run was finished with.
void compareDocuments(const RunFolder& folder, const std::vector<certificate::SumLine>& files, Json& problems)
{
    for (const certificate::SumLine& file : files) {
        const auto isSaid = [&](const Json& problem) {
            return problem.get_ref<const std::string&>().find(file.path) != std::string::npos;
        };
        if (!file.path.ends_with(".json") || std::ranges::any_of(problems, isSaid))
            continue;
        try {
            if (sha256Of(folder.readText(file.path, largestRunJson)) != file.sha256)
                problems.push_back(file.path + " is not the file that SHA256SUMS lists; blockcert verify says more.");
        } catch (const Error& error) {
            problems.push_back(error.what());
        }
    }
}

Json filesToJson(const std::vector<certificate::SumLine>& files)
{
    Json list = Json::array();
    for (const certificate::SumLine& file : files)
        list.push_back({{"path", file.path}, {"sha256", file.sha256}});
    return list;
}

std::vector<double> readNorms(const RunFolder& folder, const Certificate& certificate,
                              const std::filesystem::path& childProgram)
{
    const std::string path = certificate::probesPath(certificate.block);
    const HostTensor tensor =
        openNamedTensors(folder, certificate.artifacts, path, childProgram)->readAll("output_norm");
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
            norms[certificates[i].block] = readNorms(folder, certificates[i], childProgram);
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
    const std::size_t told = problems.size(); // by the run itself: no damage
    CertificateReading certificates = readCertificates(folder, document, problems);
    context.step();

    Json rows = Json::array();
    for (const Certificate& certificate : certificates.values)
        rows.push_back(blockRow(certificate, document.manifest.prompts));
    const std::vector<certificate::SumLine> files = readFiles(folder, problems);
    Json stitches = Json::array();
    std::vector<StitchCertificate> stitched;
    const auto takeStitch = [&](const Json& json, const std::string& path) {
        stitched.push_back(certificate::stitchFromJson(json, path));
        stitches.push_back(stitchRow(stitched.back(), document.manifest.prompts));
    };
    readListed(folder, files, certificate::stitchNamed, takeStitch, problems);
    Json edits = Json::array();
    const auto takeEdit = [&](const Json& json, const std::string& path) {
        edits.push_back(editRow(certificate::editFromJson(json, path)));
    };
    readListed(folder, files, certificate::editNamed, takeEdit, problems);
    compareDocuments(folder, files, problems);
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
                    {"files", filesToJson(files)},
                    {"command", document.manifest.commandLine}};
    if (options.weights)
        addSpectra(folder, certificates.values, options.childProgram, listing["weights"], problems);
    if (options.tokens)
        addTokenRows(folder, document, {certificates.values, stitched}, options, context, listing, problems);
    const auto norms = normsOfWorstBlocks(folder, certificates.values, options.childProgram, problems);
    listing["notes"] = standouts(document.manifest, certificates.values, norms);
    listing["damaged"] = problems.size() > told;
    listing["problems"] = std::move(problems);
    return listing;
}

}
