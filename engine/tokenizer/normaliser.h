// The steps that rewrite a text before it is split.
#pragma once

#include "engine/tokenizer/character_map.h"
#include "engine/tokenizer/pattern.h"
#include "engine/tokenizer/unicode.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace blockcert::tokenizer {

struct LowercaseStep {};

struct PrependStep { // in front of a text that is not empty
    std::string prefix;
    bool onlyAtStart = false; // of the whole prompt, not of every fragment between added tokens
};

struct ReplaceStep {
    Pattern pattern;
    std::string replacement;
};

struct StripStep { // white space
    bool left = true;
    bool right = true;
};

struct CollapseSpacesStep {}; // SentencePiece: no space at either end, no two in a row (U+0020; U+2581 at the end)

using NormaliserStep =
    std::variant<NormalForm, LowercaseStep, PrependStep, ReplaceStep, StripStep, CollapseSpacesStep, CharacterMap>;

// `atStart`: the text begins where the prompt begins. Throws ResourceError if the result grows beyond 256 MiB.
[[nodiscard]] std::string applyNormaliser(const std::vector<NormaliserStep>& steps, std::string_view text,
                                          bool atStart);

// `text` with every match of `pattern` replaced.
[[nodiscard]] std::string replaceMatches(const ReplaceStep& step, std::string_view text);

}
