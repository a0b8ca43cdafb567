// The weights in which a run's surrogates are not the baseline: ranks, distances and, where asked for, spectra.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/certificate.h"

#include <filesystem>
#include <span>

namespace blockcert::certificate {
class RunFolder;
}

namespace blockcert::protocol {

// One row for each block and weight: {block, weight, rank_asked, rank, full_rank, norm, distance, spectrum}; the ranks
// are null unless it was decomposed.
[[nodiscard]] Json weightRows(std::span<const Certificate> certificates);

// Puts the singular values of decomposed matrices, falling, into `spectrum`. What cannot be read, or is not what the
// certificate names, becomes a problem.
void addSpectra(const certificate::RunFolder& folder, std::span<const Certificate> certificates,
                const std::filesystem::path& childProgram, Json& rows, Json& problems);

}
