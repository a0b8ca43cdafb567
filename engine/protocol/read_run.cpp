#include "engine/protocol/read_run.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/stitch_codec.h"
#include "engine/certificate/stitch_layout.h"

#include <algorithm>

namespace blockcert::protocol {

namespace {

using certificate::RunFolder;

constexpr std::size_t largestJson = 64U << 20U;

// JSON of this project, whose prompts may be longer than other texts.
Json readJson(const RunFolder& folder, const std::string& path)
{
    JsonLimits limits;
    limits.stringBytes = largestJson;
    return parseStrictJson(folder.readText(path, largestJson), path, limits);
}

void readManifest(const RunFolder& folder, RunReading& read)
{
    const std::string name(certificate::manifestName);
    if (!folder.exists(name))
        throw FileError(folder.path().string() + " is no run directory: it holds no run.json.");
    read.document = certificate::runFromJson(readJson(folder, name), name);
}

void readCertificates(const RunFolder& folder, RunReading& read)
{
    const RunState& state = read.document.state;
    for (const LayerIndex block : read.document.manifest.request.blocks) {
        const std::string path = certificate::certificatePath(block);
        if (!folder.exists(path)) {
            if (std::ranges::find(state.finished, block) != state.finished.end())
                read.problems.push_back(path + " is missing, although run.json says that the block is finished.");
            continue;
        }
        try {
            read.certificates.push_back(certificate::certificateFromJson(readJson(folder, path), path));
        } catch (const Error& error) {
            read.problems.push_back(error.what());
        }
    }
}

// Only what SHA256SUMS lists is part of the run.
void readStitches(const RunFolder& folder, const std::string& sums, RunReading& read)
{
    try {
        for (const certificate::SumLine& line : certificate::readSums(sums)) {
            if (!certificate::stitchNamed(line.path))
                continue;
            try {
                read.stitches.push_back(certificate::stitchFromJson(readJson(folder, line.path), line.path));
            } catch (const Error& error) {
                read.problems.push_back(error.what());
            }
        }
    } catch (const Error& error) {
        read.problems.push_back(error.what());
    }
}

}

RunReading readRun(const RunFolder& folder)
{
    RunReading read;
    readManifest(folder, read);
    for (const BlockFailure& failure : read.document.state.failed)
        read.problems.push_back(failure.sentence);
    readCertificates(folder, read);
    const bool hasSums = folder.exists(certificate::sumsName);
    read.complete = read.document.state.complete && hasSums;
    if (hasSums) {
        const std::string sums = folder.readText(std::string(certificate::sumsName), largestJson);
        read.digest = sha256Of(sums);
        readStitches(folder, sums, read);
    }
    return read;
}

}
