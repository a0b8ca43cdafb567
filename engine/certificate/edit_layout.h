// Where edits lie in a run directory, what they are called, and how effect.h5 is laid out.
#pragma once

#include "engine/artifact/tensor_archive.h"
#include "engine/certificate/edit_metrics.h"
#include "engine/values/edit_certificate.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::certificate {

// "edits/NAME/certificate.json" and "edits/NAME/effect.h5"; names as those of stitched models (isStitchName).
[[nodiscard]] std::string editCertificatePath(std::string_view name);
[[nodiscard]] std::string editEffectPath(std::string_view name);
// The name in "edits/NAME/certificate.json"; nothing for any other path.
[[nodiscard]] std::optional<std::string> editNamed(std::string_view path);
inline constexpr std::string_view editFolder = "edits";

// SHA-256 of what was asked for.
[[nodiscard]] std::string editRequestDigest(const EditRequest& request);

// Everything about the file's shape that follows from a certificate. Throws FormatError for what no edit can declare.
struct EditShape {
    std::vector<std::int64_t> offset;        // [P + 1]
    std::vector<std::int64_t> heldoutOffset; // [Q + 1]
    std::int64_t blocks = 0;
    std::int64_t layers = 0;
};

[[nodiscard]] EditShape editShapeOf(const EditCertificate& certificate);

// The datasets in the order of writing. Completions and patch tensors have the extents that `columns` gives them.
[[nodiscard]] std::vector<std::pair<artifact::ArchiveEntry, HostTensor>> effectTensors(const EditColumns& columns);

// Throws FormatError for other datasets, shapes or offsets than the certificate demands, values that are not finite, a
// norm or divergence below zero, and ids below zero.
[[nodiscard]] EditColumns readEffect(artifact::ArchiveReader& archive, const EditShape& shape);

}
