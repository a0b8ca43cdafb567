#include "engine/protocol/read_run.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/stitch_codec.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/protocol/run_documents.h"

namespace blockcert::protocol {

namespace {

using certificate::RunFolder;

// Only what SHA256SUMS lists is part of the run.
void readStitches(const RunFolder& folder, const std::string& sums, RunReading& read)
{
    std::vector<certificate::SumLine> files;
    try {
        files = certificate::readSums(sums);
    } catch (const Error& error) {
        read.problems.push_back(error.what());
    }
    const auto take = [&](const Json& json, const std::string& path) {
        read.stitches.push_back(certificate::stitchFromJson(json, path));
    };
    readListed(folder, files, certificate::stitchNamed, take, read.problems);
}

}

RunReading readRun(const RunFolder& folder)
{
    RunReading read;
    Json ignored;
    read.document = readManifest(folder, ignored);
    for (const BlockFailure& failure : read.document.state.failed)
        read.problems.push_back(failure.sentence);
    read.certificates = readCertificates(folder, read.document, read.problems).values;
    const bool hasSums = folder.exists(certificate::sumsName);
    read.complete = read.document.state.complete && hasSums;
    if (hasSums) {
        const std::string sums = folder.readText(std::string(certificate::sumsName), largestRunJson);
        read.digest = sha256Of(sums);
        readStitches(folder, sums, read);
    }
    return read;
}

}
