// Finds the places where a tokenizer's literal or regular expression matches, as the reference's engine does.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::tokenizer {

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool match = false;

    friend bool operator==(const Span&, const Span&) = default;
};

// What becomes of the places where a pattern matches when a text is split by it.
enum class SplitBehaviour { Isolated, Removed, Contiguous, MergedWithPrevious, MergedWithNext };

// Immutable; shared by copies; const members may be called from several threads.
class Pattern {
public:
    [[nodiscard]] static Pattern literal(std::string text);
    // A regular expression in the reference's dialect (Oniguruma, Ruby syntax). It comes from a file: what PCRE2
    // would read differently is an UnsupportedError, what it cannot compile a FormatError; both name `source`.
    [[nodiscard]] static Pattern regex(std::string_view expression, std::string_view source);

    // Matches and what lies between them, covering the whole text. Throws ResourceError if an expression that is
    // not known to run in linear time needs more work than is reasonable for the text.
    [[nodiscard]] std::vector<Span> spans(std::string_view text) const;

private:
    struct Program;
    explicit Pattern(std::shared_ptr<const Program> program);
    std::shared_ptr<const Program> m_program;
};

// The parts of a text of which `spans` covers the whole; parts may be empty.
[[nodiscard]] std::vector<Span> applyBehaviour(const std::vector<Span>& spans, SplitBehaviour behaviour);

// The expressions of GPT-2 (also SmolLM2), Llama 3 and Qwen 2, and what llama.cpp takes where a file names none:
// linear on every text, so they run without a budget.
namespace patterns {
extern const std::string_view gpt2;
extern const std::string_view llama3;
extern const std::string_view qwen2;
// Applied one after the other, each to the parts that the ones before leave.
extern const std::array<std::string_view, 4> llamaCppDefault;
}

// Rewrites an expression for PCRE2 (UTF, UCP, multi-line): \s, \d and general categories mean what they mean in the
// reference's Unicode version; constructs that the two engines understand differently are UnsupportedError.
[[nodiscard]] std::string translatePattern(std::string_view expression, std::string_view source);

}
