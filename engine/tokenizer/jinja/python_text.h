// Python's text functions on UTF-8 strings; positions count code points.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::tokenizer::jinja {

[[nodiscard]] bool isPythonSpace(char32_t codePoint); // str.isspace()

// First or last place of `wanted`, npos if there is none, in a time that grows with the sizes and not with their
// product.
[[nodiscard]] std::size_t findText(std::string_view text, std::string_view wanted, std::size_t from = 0);
[[nodiscard]] std::size_t findLastText(std::string_view text, std::string_view wanted);

enum class Side { Left, Right, Both };

// Without `characters`: white space. Otherwise the set of its code points.
[[nodiscard]] std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> characters);
[[nodiscard]] std::vector<std::string> splitSpace(std::string_view text, std::int64_t most);
[[nodiscard]] std::vector<std::string> split(std::string_view text, std::string_view separator, std::int64_t most);
[[nodiscard]] std::vector<std::string> splitFromRight(std::string_view text, std::string_view separator,
                                                      std::int64_t most);
[[nodiscard]] std::vector<std::string> splitLines(std::string_view text);
[[nodiscard]] std::string replaceText(std::string_view text, std::string_view from, std::string_view to,
                                      std::int64_t most);
[[nodiscard]] std::int64_t countCodePoints(std::string_view text);
[[nodiscard]] std::vector<std::string_view> codePoints(std::string_view text);

// ASCII only: throw UnsupportedError for letters outside it, whose case Python maps in more ways than we do.
[[nodiscard]] std::string upperCase(std::string_view text);
[[nodiscard]] std::string lowerCase(std::string_view text);
[[nodiscard]] std::string capitalise(std::string_view text);
[[nodiscard]] std::string titleCase(std::string_view text);

[[nodiscard]] std::string representText(std::string_view text); // repr()
[[nodiscard]] std::string representNumber(double value);

// start, stop, step of a slice -> indices; throws FormatError for a step of 0.
[[nodiscard]] std::vector<std::int64_t> sliceIndices(std::int64_t length, std::optional<std::int64_t> start,
                                                     std::optional<std::int64_t> stop,
                                                     std::optional<std::int64_t> step);

}
