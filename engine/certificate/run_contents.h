// Levels 0 and 1 of a verification: what a run directory says it holds, and whether its files are those.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/values/certificate.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::certificate {

// What could be read. Artifacts (the .h5 files) are only opened when their block's turn comes.
struct RunContents {
    RunDocument run;
    std::string digest;                      // SHA-256 of SHA256SUMS, which tells this run from others; or empty
    bool readable = false;                   // run.json was read; the rest only makes sense then
    std::vector<Certificate> certificates;   // of the blocks to verify, ascending
    std::map<std::string, std::string> sums; // path -> digest, as SHA256SUMS lists them
};

// Reads SHA256SUMS, run.json and the certificates, each opened once and, from level 1 on, hashed from the very bytes
// that are parsed. `onlyBlock` restricts everything to one block. Throws FormatError where the folder is not a run,
// UnsupportedError for another major version; whatever else is wrong becomes a row.
[[nodiscard]] RunContents readContents(const RunFolder& folder, std::optional<LayerIndex> onlyBlock, int level,
                                       CheckList& checks, const RunContext& context);

// Row sums.sha256 for one listed file whose digest was computed elsewhere.
void addSumRow(const RunContents& contents, const std::string& path, const std::string& recomputed, CheckList& checks);

}
