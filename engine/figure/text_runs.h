// Which parts of a text stand low and small: what formulas write with an underscore, as in τ_act, W_Q and ‖W − Ŵ‖_F.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace blockcert::figure {

struct TextRun {
    std::string text; // without the underscore
    bool subscript = false;

    friend bool operator==(const TextRun&, const TextRun&) = default;
};

// Of a subscript, in the size of the text it belongs to.
inline constexpr double subscriptSize = 0.72;
inline constexpr double subscriptDrop = 0.22; // below the base line

// The text in pieces, of one kind in turn. Letters and digits behind an underscore are a subscript where what they
// belong to is one of the paper's symbols (α, ε, τ or W standing alone, or a norm): names of files and prompts keep
// their underscores. `text` has passed drawable().
[[nodiscard]] std::vector<TextRun> textRuns(std::string_view text);

}
