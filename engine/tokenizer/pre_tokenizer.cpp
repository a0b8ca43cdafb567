#include "engine/tokenizer/pre_tokenizer.h"

#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/unicode.h"

#include <string_view>
#include <utility>

namespace blockcert::tokenizer {

namespace {

void appendParts(const Word& word, const std::vector<Span>& parts, std::vector<Word>& words)
{
    for (const Span& part : parts)
        if (part.end > part.begin)
            words.push_back({word.text.substr(part.begin, part.end - part.begin), word.atStart && part.begin == 0});
}

// Every character that `isMatch` accepts as a match of its own, and the runs between them.
std::vector<Span> characterSpans(std::string_view text, bool (*isMatch)(char32_t))
{
    std::vector<Span> spans;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t begin = i;
        const bool match = isMatch(nextCodePoint(text, i));
        if (!match && !spans.empty() && !spans.back().match)
            spans.back().end = i;
        else
            spans.push_back({begin, i, match});
    }
    return spans;
}

// Runs of word characters and runs of the rest, without white space.
std::vector<Span> wordRuns(std::string_view text)
{
    std::vector<Span> spans;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t begin = i;
        const char32_t c = nextCodePoint(text, i);
        const bool word = isWordCharacter(c);
        if (!word && isWhiteSpace(c))
            continue;
        if (!spans.empty() && spans.back().end == begin && spans.back().match == word)
            spans.back().end = i;
        else
            spans.push_back({begin, i, word});
    }
    return spans;
}

struct Cut {
    Word word; // taken over
    std::vector<Word>& words;

    void operator()(const ByteLevelStep& step)
    {
        static const Pattern gpt2 = Pattern::regex(patterns::gpt2, "ByteLevel");
        if (step.addPrefixSpace && !word.text.starts_with(' '))
            word.text.insert(word.text.begin(), ' ');
        const std::size_t first = words.size();
        if (step.useRegex)
            appendParts(word, gpt2.spans(word.text), words);
        else
            words.push_back(std::move(word));
        for (std::size_t i = first; i < words.size(); ++i)
            words[i].text = toByteLetters(words[i].text);
    }

    void operator()(const DigitsStep& step)
    {
        appendParts(word,
                    applyBehaviour(characterSpans(word.text, isNumeric),
                                   step.individual ? SplitBehaviour::Isolated : SplitBehaviour::Contiguous),
                    words);
    }

    void operator()(const SplitStep& step)
    {
        std::vector<Span> spans = step.pattern.spans(word.text);
        if (step.invert)
            for (Span& span : spans)
                span.match = !span.match;
        appendParts(word, applyBehaviour(spans, step.behaviour), words);
    }

    void operator()(const WhiteSpaceStep&)
    {
        appendParts(word, applyBehaviour(characterSpans(word.text, isWhiteSpace), SplitBehaviour::Removed), words);
    }

    void operator()(const WordRunsStep&) { appendParts(word, wordRuns(word.text), words); }

    void operator()(const PunctuationStep& step)
    {
        appendParts(word, applyBehaviour(characterSpans(word.text, isPunctuation), step.behaviour), words);
    }

    void operator()(const MetaspaceStep& step)
    {
        const bool prepend =
            step.scheme == PrependScheme::Always || (step.scheme == PrependScheme::First && word.atStart);
        const bool marked = word.text.starts_with(' ') || word.text.starts_with(step.replacement);
        std::string text = prepend && !marked ? step.replacement : "";
        text.reserve(word.text.size());
        for (const char c : word.text) {
            if (c == ' ')
                text += step.replacement;
            else
                text += c;
        }
        word.text = std::move(text);
        if (step.split)
            appendParts(
                word,
                applyBehaviour(Pattern::literal(step.replacement).spans(word.text), SplitBehaviour::MergedWithNext),
                words);
        else
            words.push_back(std::move(word));
    }
};

}

std::vector<Word> preTokenize(const std::vector<PreTokenizerStep>& steps, Word text)
{
    std::vector<Word> words;
    words.push_back(std::move(text));
    for (const PreTokenizerStep& step : steps) {
        std::vector<Word> next;
        next.reserve(words.size());
        for (Word& word : words) {
            Cut cut{std::move(word), next};
            std::visit(cut, step);
        }
        words = std::move(next);
    }
    return words;
}

}
