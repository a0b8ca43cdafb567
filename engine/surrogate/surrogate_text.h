// Surrogates and ablations as the command line spells them: "low-rank:64:attn", "noise-wq:0.01".
#pragma once

#include "engine/values/surrogate.h"

#include <string>
#include <string_view>

namespace blockcert::surrogate {

// FAMILY of `--surrogate`: exact, low-rank:R[:attn|mlp|all], quant:Q8_0|Q5_1|Q4_0|Q4_1, checkpoint:MODEL.
struct SurrogateText {
    SurrogateChoice choice;
    std::string model; // of a checkpoint: as asked for
};

// Throws UsageError with one sentence that says what would be right.
[[nodiscard]] SurrogateText parseSurrogate(std::string_view text);

// `--ablate`: drop-rope, invert-mask, zero-wv, noise-wq[:SCALE]; the scale is 0.01 unless given. Throws UsageError.
[[nodiscard]] Ablation parseAblation(std::string_view text);

// The inverse, with every default written out. A checkpoint is "checkpoint" alone; None is "".
[[nodiscard]] std::string textOf(const SurrogateChoice& choice);
[[nodiscard]] std::string textOf(const Ablation& ablation);

[[nodiscard]] std::string_view nameOf(SurrogateFamily family);
[[nodiscard]] std::string_view nameOf(MatrixGroup matrices);
[[nodiscard]] std::string_view nameOf(Ablation::Kind kind); // "none", "drop-rope", …

// The types that a surrogate can be rounded to.
[[nodiscard]] bool isQuantisedFamily(DType dtype);

}
