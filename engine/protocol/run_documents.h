// The JSON documents of a run, read one by one as somebody else's: what cannot be read becomes a sentence.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_layout.h"
#include "engine/values/certificate.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::certificate {
class RunFolder;
}

namespace blockcert::protocol {

// No document of a run is longer.
inline constexpr std::size_t largestRunJson = 64U << 20U;

// run.json, and in `raw` as it stands there. Throws FileError if the folder is no run, FormatError or UnsupportedError
// if run.json cannot be read.
[[nodiscard]] certificate::RunDocument readManifest(const certificate::RunFolder& folder, Json& raw);

struct CertificateReading {
    std::vector<Certificate> values; // by block
    Json raw = Json::array();        // the same as they stand in their files
};

// The certificates of the blocks that were asked for, as far as they are there; `problems` gets a sentence for each
// that is not, though the run says that it is, and for each that cannot be read.
[[nodiscard]] CertificateReading readCertificates(const certificate::RunFolder& folder,
                                                  const certificate::RunDocument& run, Json& problems);

// Gives `take` each listed document for whose path `nameIn` finds a name; what either throws is a problem.
void readListed(const certificate::RunFolder& folder, const std::vector<certificate::SumLine>& files,
                std::optional<std::string> (*nameIn)(std::string_view),
                const std::function<void(const Json& json, const std::string& path)>& take, Json& problems);

}
