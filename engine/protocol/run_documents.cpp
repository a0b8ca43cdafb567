#include "engine/protocol/run_documents.h"

#include "engine/base/error.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/run_folder.h"

#include <algorithm>

namespace blockcert::protocol {

namespace {

using certificate::RunFolder;

// Prompts may be longer than other texts.
Json readJson(const RunFolder& folder, const std::string& path)
{
    JsonLimits limits;
    limits.stringBytes = largestRunJson;
    return parseStrictJson(folder.readText(path, largestRunJson), path, limits);
}

}

certificate::RunDocument readManifest(const RunFolder& folder, Json& raw)
{
    const std::string name(certificate::manifestName);
    if (!folder.exists(name))
        throw FileError(folder.path().string() + " is no run directory: it holds no run.json.");
    raw = readJson(folder, name);
    return certificate::runFromJson(raw, name);
}

CertificateReading readCertificates(const RunFolder& folder, const certificate::RunDocument& run, Json& problems)
{
    CertificateReading read;
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

void readListed(const RunFolder& folder, const std::vector<certificate::SumLine>& files,
                std::optional<std::string> (*nameIn)(std::string_view),
                const std::function<void(const Json&, const std::string&)>& take, Json& problems)
{
    for (const certificate::SumLine& file : files) {
        if (!nameIn(file.path))
            continue;
        try {
            take(readJson(folder, file.path), file.path);
        } catch (const Error& error) {
            problems.push_back(error.what());
        }
    }
}

}
