// The steps that cut a normalised text into the words a model encodes one by one.
#pragma once

#include "engine/tokenizer/pattern.h"

#include <string>
#include <variant>
#include <vector>

namespace blockcert::tokenizer {

struct Word {
    std::string text;
    bool atStart = false; // begins where the prompt begins
};

struct ByteLevelStep { // cuts by GPT-2's expression, then writes bytes as letters
    bool addPrefixSpace = false;
    bool useRegex = true;
};

struct DigitsStep {
    bool individual = false;
};

struct SplitStep {
    Pattern pattern;
    SplitBehaviour behaviour = SplitBehaviour::Isolated;
    bool invert = false;
};

struct WhiteSpaceStep {}; // cuts at white space, which is dropped

struct WordRunsStep {}; // runs of word characters, and runs of what is neither those nor white space, which is dropped

struct PunctuationStep {
    SplitBehaviour behaviour = SplitBehaviour::Isolated;
};

enum class PrependScheme { Always, First, Never };

struct MetaspaceStep {
    std::string replacement; // one code point for every space
    PrependScheme scheme = PrependScheme::Always;
    bool split = true;
};

using PreTokenizerStep =
    std::variant<ByteLevelStep, DigitsStep, SplitStep, MetaspaceStep, WhiteSpaceStep, WordRunsStep, PunctuationStep>;

[[nodiscard]] std::vector<Word> preTokenize(const std::vector<PreTokenizerStep>& steps, Word text);

}
