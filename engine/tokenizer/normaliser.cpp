#include "engine/tokenizer/normaliser.h"

#include "engine/base/error.h"

namespace blockcert::tokenizer {

namespace {

constexpr std::size_t largestResult = 256U << 20U;

void requireSize(std::size_t size)
{
    if (size > largestResult)
        throw ResourceError("A text grows to more than " + std::to_string(largestResult) +
                            " bytes in the tokenizer's normaliser; shorten it.");
}

std::string strip(const StripStep& step, std::string_view text)
{
    while (step.left && !text.empty()) {
        std::size_t after = 0;
        if (!isWhiteSpace(nextCodePoint(text, after)))
            break;
        text.remove_prefix(after);
    }
    while (step.right && !text.empty()) {
        std::size_t before = text.size();
        if (!isWhiteSpace(previousCodePoint(text, before)))
            break;
        text = text.substr(0, before);
    }
    return std::string(text);
}

std::string collapseSpaces(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    for (const char c : text)
        if (c != ' ' || (!result.empty() && result.back() != ' '))
            result += c;
    // At the end SentencePiece has already turned spaces into its mark and takes both away.
    constexpr std::string_view mark = "\xE2\x96\x81";
    std::string_view kept = result;
    while (kept.ends_with(' ') || kept.ends_with(mark))
        kept.remove_suffix(kept.ends_with(' ') ? 1 : mark.size());
    result.resize(kept.size());
    return result;
}

struct Apply {
    std::string_view text;
    bool atStart;

    std::string operator()(NormalForm form) const { return normalise(text, form); }

    std::string operator()(const LowercaseStep&) const { return lowercase(text); }

    std::string operator()(const PrependStep& step) const
    {
        return text.empty() || (step.onlyAtStart && !atStart) ? std::string(text) : step.prefix + std::string(text);
    }

    std::string operator()(const ReplaceStep& step) const { return replaceMatches(step, text); }

    std::string operator()(const StripStep& step) const { return strip(step, text); }

    std::string operator()(const CollapseSpacesStep&) const { return collapseSpaces(text); }

    std::string operator()(const CharacterMap& map) const { return map.apply(text, largestResult); }
};

}

std::string replaceMatches(const ReplaceStep& step, std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    for (const Span& span : step.pattern.spans(text)) {
        result += span.match ? std::string_view(step.replacement) : text.substr(span.begin, span.end - span.begin);
        requireSize(result.size());
    }
    return result;
}

std::string applyNormaliser(const std::vector<NormaliserStep>& steps, std::string_view text, bool atStart)
{
    std::string result(text);
    for (const NormaliserStep& step : steps) {
        result = std::visit(Apply{result, atStart}, step);
        requireSize(result.size());
    }
    return result;
}

}
