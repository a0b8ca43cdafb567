// Where stitched models lie in a run directory, what they are called, and how replay.h5 is laid out.
#pragma once

#include "engine/artifact/tensor_archive.h"
#include "engine/certificate/stitch_metrics.h"
#include "engine/values/stitch_certificate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::certificate {

inline constexpr std::string_view stitchFolder = "stitch";

// "stitch/NAME/certificate.json" and "stitch/NAME/replay.h5"
[[nodiscard]] std::string stitchCertificatePath(std::string_view name);
[[nodiscard]] std::string stitchReplayPath(std::string_view name);

// 1 to 64 letters, digits, '.', '_' or '-', not beginning with '.'.
[[nodiscard]] bool isStitchName(std::string_view name);

// The name in "stitch/NAME/certificate.json"; nothing for any other path.
[[nodiscard]] std::optional<std::string> stitchNamed(std::string_view path);

// SHA-256 of what was asked for: blocks with the digests of their certificates, the edit, replay dtype, bisection.
[[nodiscard]] std::string stitchRequestDigest(const StitchRequest& request);

// What decides the shapes of replay.h5.
struct StitchShape {
    std::vector<std::int64_t> offset; // [P + 1], strictly ascending from 0
    std::int64_t layers = 0;

    [[nodiscard]] std::int64_t prompts() const { return static_cast<std::int64_t>(offset.size()) - 1; }

    [[nodiscard]] std::int64_t tokens() const { return offset.back(); }
};

// The shape a certificate declares. Throws FormatError if it is beyond what this program accepts.
[[nodiscard]] StitchShape stitchShapeOf(const StitchCertificate& certificate);

// The datasets of replay.h5 in their order; losses are left out where nothing is predicted.
[[nodiscard]] std::vector<artifact::ArchiveEntry> replayLayout(const StitchShape& shape);

// One dataset of that layout.
[[nodiscard]] HostTensor replayTensor(const StitchColumns& columns, const artifact::ArchiveEntry& entry);

// Throws FormatError for other datasets than replayLayout(shape), other offsets, or values that cannot be: not finite,
// a norm or a divergence below zero, an id below −1.
[[nodiscard]] StitchColumns readReplay(artifact::ArchiveReader& archive, const StitchShape& shape);
// The same for names, types and shapes alone: before anything is read.
void requireReplayLayout(const artifact::ArchiveReader& archive, const StitchShape& shape);

}
