// A run directory as it describes itself: manifest and certificates, read as somebody else's and not recomputed.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/run_codec.h"
#include "engine/values/certificate.h"
#include "engine/values/stitch_certificate.h"

#include <string>
#include <vector>

namespace blockcert::certificate {
class RunFolder;
}

namespace blockcert::protocol {

struct RunReading {
    certificate::RunDocument document;
    bool complete = false;
    std::string digest;                      // of SHA256SUMS, which tells this run from every other; or empty
    std::vector<Certificate> certificates;   // by block
    std::vector<StitchCertificate> stitches; // of those that SHA256SUMS lists
    Json problems = Json::array();           // a sentence for each thing that could not be read
};

// Throws FileError if the folder is no run, FormatError or UnsupportedError if run.json cannot be read.
[[nodiscard]] RunReading readRun(const certificate::RunFolder& folder);

}
