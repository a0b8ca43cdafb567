#include "engine/figure/text_runs.h"

#include "engine/figure/figure_text.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace blockcert::figure {

namespace {

bool isWordCharacter(std::string_view character)
{
    return character.size() == 1 && std::isalnum(static_cast<unsigned char>(character.front())) != 0;
}

// Whether what ends before `at` takes a subscript.
bool isSymbol(const std::vector<std::string_view>& all, std::size_t at)
{
    static constexpr std::array<std::string_view, 4> letters = {"α", "ε", "τ", "W"};
    if (at == 0)
        return false;
    if (all[at - 1] == "‖")
        return true;
    const bool alone = at == 1 || !(isWordCharacter(all[at - 2]) || all[at - 2] == "_" || all[at - 2] == "-");
    return alone && std::ranges::find(letters, all[at - 1]) != letters.end();
}

}

std::vector<TextRun> textRuns(std::string_view text)
{
    std::vector<TextRun> runs;
    const auto append = [&](std::string_view part, bool subscript) {
        if (runs.empty() || runs.back().subscript != subscript)
            runs.push_back({"", subscript});
        runs.back().text += part;
    };
    if (text.find('_') == std::string_view::npos) {
        runs.push_back({std::string(text), false});
        return runs;
    }
    const std::vector<std::string_view> all = characters(text);
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::size_t end = i + 1;
        while (end < all.size() && isWordCharacter(all[end]))
            ++end;
        const bool opens = all[i] == "_" && end > i + 1 && isSymbol(all, i) && (end == all.size() || all[end] != "_");
        if (!opens) {
            append(all[i], false);
            continue;
        }
        for (++i; i < end; ++i)
            append(all[i], true);
        --i;
    }
    return runs;
}

}
