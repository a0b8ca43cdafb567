// Levels 0 to 3 for an edit: its own consistency, its files, the receipt and ε_edit by replay, and every count again.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/edit_metrics.h"
#include "engine/certificate/verify_block.h"
#include "engine/values/edit_certificate.h"

#include <optional>
#include <string>

namespace blockcert::certificate {

// What is kept of an edit for level 4.
struct EditOutcome {
    const EditCertificate* certificate = nullptr;
    std::optional<EditColumns> columns; // as recorded, if the file is the one that the certificate names
};

// Rows consistency.edit, consistency.manifest, edit.tolerance, edit.blocks, edit.evaluation, edit.markers; from level 1
// on artifact.sha256, tensor.sha256, structure.effect, consistency.tokens; from level 2 on edit.receipt, edit.error,
// the arithmetic of edit.effect, edit.plausible and edit.changes.
[[nodiscard]] EditOutcome verifyEdit(const EditCertificate& certificate, BlockContext& block, CheckList& checks,
                                     const RunContext& context);

// ρ of the replayed local error: relative to a token's scale, by the dtype that the issuer replayed in.
[[nodiscard]] double comparisonTolerance(const EditCertificate& certificate);

// "edit NAME"
[[nodiscard]] std::string editText(const EditCertificate& certificate);

}
