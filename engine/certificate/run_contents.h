// Levels 0 and 1 of a verification: what a run directory says it holds, and whether its files are those.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/values/certificate.h"
#include "engine/values/edit_certificate.h"
#include "engine/values/stitch_certificate.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
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
    std::vector<StitchCertificate> stitches; // of the stitched models to verify, by name
    std::vector<EditCertificate> edits;      // of the edits to verify, by name
    std::map<std::string, std::string> sums; // path -> digest, as SHA256SUMS lists them
};

// What of a run is to be verified: all of it, one block, one stitched model with the blocks it replaces and the edit it
// uses, or one edit with the blocks it changes.
struct Selection {
    std::optional<LayerIndex> block;
    std::optional<std::string> stitch;
    std::optional<std::string> edit;

    [[nodiscard]] bool isWhole() const { return !block && !stitch && !edit; }
};

// Reads SHA256SUMS, run.json and the certificates, each opened once and, from level 1 on, hashed from the very bytes
// that are parsed. Throws FormatError where the folder is not a run,
// UnsupportedError for another major version; whatever else is wrong becomes a row.
[[nodiscard]] RunContents readContents(const RunFolder& folder, const Selection& selection, int level,
                                       CheckList& checks, const RunContext& context);

// The certificate of a block that is to be verified; null if there is none.
[[nodiscard]] const Certificate* certificateOf(const RunContents& contents, LayerIndex block);

// The certificate of an edit that is to be verified; null if there is none.
[[nodiscard]] const EditCertificate* editOf(const RunContents& contents, std::string_view name);

// Row sums.sha256 for one listed file whose digest was computed elsewhere.
void addSumRow(const RunContents& contents, const std::string& path, const std::string& recomputed, CheckList& checks);

}
