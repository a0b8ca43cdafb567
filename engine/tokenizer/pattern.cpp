#include "engine/tokenizer/pattern.h"

#include "engine/base/error.h"
#include "engine/tokenizer/unicode.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <algorithm>
#include <cstdint>
#include <optional>
#include <pcre2.h>

namespace blockcert::tokenizer {

namespace patterns {
const std::string_view gpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view llama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view qwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::array<std::string_view, 4> llamaCppDefault = {R"([\p{P}\$\+<=>\^~\|]+)", gpt2, R"(\p{N}+)",
                                                         "[0-9][0-9][0-9]"};
}

namespace {

// Work allowed to expressions of unknown cost, in steps of the matcher, and the longest text they may be run on:
// loops over single characters are not counted, so the text bounds those.
constexpr std::uint64_t budgetBase = 1'000'000;
constexpr std::uint64_t budgetPerByte = 1'000;
constexpr std::size_t longestGuardedText = 256U << 10U;
constexpr std::uint32_t matchLimit = 200'000'000; // per starting point: the longest text has 64 MiB
constexpr std::uint32_t depthLimit = 1'000'000;
constexpr std::uint32_t heapLimitKiB = 256U << 10U;
constexpr std::size_t longestExpression = 16U << 10U;

struct CodeDeleter {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }

    void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }

    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }

    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

template <class T>
using Handle = std::unique_ptr<T, CodeDeleter>;

int countCallout(pcre2_callout_block*, void* budget)
{
    auto& left = *static_cast<std::uint64_t*>(budget);
    if (left == 0)
        return PCRE2_ERROR_MATCHLIMIT;
    --left;
    return 0;
}

std::string messageOf(int code)
{
    PCRE2_UCHAR text[256] = {};
    pcre2_get_error_message(code, text, sizeof text);
    std::string result;
    for (const PCRE2_UCHAR c : text) {
        if (c == 0)
            break;
        result += static_cast<char>(c);
    }
    return result;
}

PCRE2_SPTR bytesOf(std::string_view text)
{
    return reinterpret_cast<PCRE2_SPTR>(text.data()); // PCRE2's code unit is unsigned char
}

}

struct Pattern::Program {
    std::string literal; // used if code is null
    Handle<pcre2_code> code;
    std::string source;
    bool guarded = false;

    [[nodiscard]] std::vector<Span> find(std::string_view text) const
    {
        return code ? findRegex(text) : findLiteral(text);
    }

private:
    static void add(std::vector<Span>& spans, std::size_t& previous, std::size_t begin, std::size_t end)
    {
        if (previous != begin)
            spans.push_back({previous, begin, false});
        spans.push_back({begin, end, true});
        previous = end;
    }

    static void finish(std::vector<Span>& spans, std::size_t previous, std::size_t size)
    {
        if (previous != size || spans.empty())
            spans.push_back({previous, size, false});
    }

    [[nodiscard]] std::vector<Span> findLiteral(std::string_view text) const
    {
        std::vector<Span> spans;
        std::size_t previous = 0;
        for (std::size_t at = 0; !literal.empty() && (at = text.find(literal, at)) != std::string_view::npos;
             at += literal.size())
            add(spans, previous, at, at + literal.size());
        finish(spans, previous, text.size());
        return spans;
    }

    [[nodiscard]] std::vector<Span> findRegex(std::string_view text) const
    {
        if (guarded && text.size() > longestGuardedText)
            throw ResourceError(source + ": its regular expression is not known to be fast, so it is run on at most " +
                                std::to_string(longestGuardedText) + " bytes of text at once, not " +
                                std::to_string(text.size()) + "; shorten the text.");
        const Handle<pcre2_match_context> context(pcre2_match_context_create(nullptr));
        const Handle<pcre2_match_data> data(pcre2_match_data_create_from_pattern(code.get(), nullptr));
        if (!context || !data)
            throw ResourceError("Not enough memory to match a regular expression.");
        std::uint64_t budget = budgetBase + budgetPerByte * text.size();
        pcre2_set_match_limit(context.get(), matchLimit);
        pcre2_set_depth_limit(context.get(), depthLimit);
        pcre2_set_heap_limit(context.get(), heapLimitKiB);
        if (guarded)
            pcre2_set_callout(context.get(), countCallout, &budget);

        std::vector<Span> spans;
        std::size_t previous = 0;
        std::size_t from = 0;
        std::optional<std::size_t> lastEnd;
        while (from <= text.size()) {
            // The text was checked before; checking again at every match would make this quadratic.
            const int found = pcre2_match(code.get(), bytesOf(text), text.size(), from, PCRE2_NO_UTF_CHECK, data.get(),
                                          context.get());
            if (found == PCRE2_ERROR_NOMATCH)
                break;
            if (found < 0)
                throw ResourceError(source + ": its regular expression needs too much work on a text of " +
                                    std::to_string(text.size()) + " bytes (" + messageOf(found) + ").");
            const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(data.get());
            const std::size_t begin = offsets[0];
            const std::size_t end = offsets[1];
            if (begin == end && lastEnd == end) { // an empty match right behind a match does not count
                if (from >= text.size())
                    break;
                static_cast<void>(nextCodePoint(text, from));
                continue;
            }
            add(spans, previous, begin, end);
            from = end;
            lastEnd = end;
        }
        finish(spans, previous, text.size());
        return spans;
    }
};

Pattern::Pattern(std::shared_ptr<const Program> program)
    : m_program(std::move(program))
{
}

Pattern Pattern::literal(std::string text)
{
    auto program = std::make_shared<Program>();
    program->literal = std::move(text);
    return Pattern(std::move(program));
}

Pattern Pattern::regex(std::string_view expression, std::string_view source)
{
    if (expression.size() > longestExpression)
        throw ResourceError(std::string(source) + ": a regular expression of " + std::to_string(expression.size()) +
                            " bytes is longer than the limit of " + std::to_string(longestExpression) + ".");
    requireUtf8(expression, std::string(source) + ": a regular expression");
    auto program = std::make_shared<Program>();
    program->source = source;
    program->guarded = expression != patterns::llama3 && expression != patterns::qwen2 &&
                       std::ranges::find(patterns::llamaCppDefault, expression) == patterns::llamaCppDefault.end();
    const std::string translated = translatePattern(expression, source);
    const Handle<pcre2_compile_context> context(pcre2_compile_context_create(nullptr));
    if (!context)
        throw ResourceError("Not enough memory to compile a regular expression.");
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context.get(), 64);
    const std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C |
                                  (program->guarded ? PCRE2_AUTO_CALLOUT : 0U);
    int error = 0;
    PCRE2_SIZE offset = 0;
    program->code.reset(pcre2_compile(bytesOf(translated), translated.size(), options, &error, &offset, context.get()));
    if (!program->code)
        throw FormatError(std::string(source) + ": a regular expression cannot be compiled: " + messageOf(error) +
                          " (near byte " + std::to_string(offset) + " of its PCRE2 form).");
    return Pattern(std::move(program));
}

std::vector<Span> Pattern::spans(std::string_view text) const
{
    return m_program->find(text);
}

std::vector<Span> applyBehaviour(const std::vector<Span>& spans, SplitBehaviour behaviour)
{
    std::vector<Span> parts;
    bool previous = false;
    switch (behaviour) {
    case SplitBehaviour::Isolated: return spans;
    case SplitBehaviour::Removed:
        std::ranges::copy_if(spans, std::back_inserter(parts), [](const Span& span) { return !span.match; });
        return parts;
    case SplitBehaviour::Contiguous:
        for (const Span& span : spans) {
            if (span.match == previous && !parts.empty())
                parts.back().end = span.end;
            else
                parts.push_back(span);
            previous = span.match;
        }
        return parts;
    case SplitBehaviour::MergedWithPrevious:
        for (const Span& span : spans) {
            if (span.match && !previous && !parts.empty())
                parts.back().end = span.end;
            else
                parts.push_back(span);
            previous = span.match;
        }
        return parts;
    case SplitBehaviour::MergedWithNext:
        for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
            if (span->match && !previous && !parts.empty())
                parts.back().begin = span->begin;
            else
                parts.push_back(*span);
            previous = span->match;
        }
        std::ranges::reverse(parts);
        return parts;
    }
    return parts;
}

}
