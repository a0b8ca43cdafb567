#include "engine/tokenizer/jinja/python_text.h"

#include "engine/base/error.h"
#include "engine/tokenizer/unicode.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utf8proc.h>

namespace blockcert::tokenizer::jinja {

namespace {

void requireAscii(std::string_view text)
{
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
        throw UnsupportedError("The chat template changes the case of text outside ASCII, which this version does not "
                               "implement.");
}

char upper(char c)
{
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool isLetter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool isPrintable(char32_t c)
{
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    case UTF8PROC_CATEGORY_ZS: return c == ' ';
    default: return true;
    }
}

}

bool isPythonSpace(char32_t codePoint)
{
    return isWhiteSpace(codePoint) || (codePoint >= 0x1C && codePoint <= 0x1F);
}

std::size_t findText(std::string_view text, std::string_view wanted, std::size_t from)
{
    if (from > text.size())
        return std::string_view::npos;
    // Two-way search in glibc; std::string's own is a product of the sizes for 'aaa…' and 'aaa…b'.
    const void* found = memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
    return found == nullptr ? std::string_view::npos
                            : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t findLastText(std::string_view text, std::string_view wanted)
{
    const std::string backwards(text.rbegin(), text.rend());
    const std::size_t found = findText(backwards, std::string(wanted.rbegin(), wanted.rend()));
    return found == std::string::npos ? found : text.size() - found - wanted.size();
}

std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> characters)
{
    std::vector<char32_t> set;
    for (std::size_t i = 0; characters && i < characters->size();)
        set.push_back(nextCodePoint(*characters, i));
    std::ranges::sort(set);
    const auto goes = [&](char32_t c) { return characters ? std::ranges::binary_search(set, c) : isPythonSpace(c); };
    while (side != Side::Right && !text.empty()) {
        std::size_t after = 0;
        if (!goes(nextCodePoint(text, after)))
            break;
        text.remove_prefix(after);
    }
    while (side != Side::Left && !text.empty()) {
        std::size_t before = text.size();
        if (!goes(previousCodePoint(text, before)))
            break;
        text = text.substr(0, before);
    }
    return text;
}

std::vector<std::string> splitSpace(std::string_view text, std::int64_t most)
{
    std::vector<std::string> parts;
    text = strip(text, Side::Left, std::nullopt);
    while (!text.empty()) {
        if (most >= 0 && static_cast<std::int64_t>(parts.size()) == most) {
            parts.emplace_back(strip(text, Side::Right, std::nullopt));
            break;
        }
        std::size_t end = 0;
        for (std::size_t i = 0; i < text.size(); end = i)
            if (isPythonSpace(nextCodePoint(text, i)))
                break;
        parts.emplace_back(text.substr(0, end));
        text = strip(text.substr(end), Side::Left, std::nullopt);
    }
    return parts;
}

std::vector<std::string> split(std::string_view text, std::string_view separator, std::int64_t most)
{
    std::vector<std::string> parts;
    std::size_t at = 0;
    while ((most < 0 || static_cast<std::int64_t>(parts.size()) < most) &&
           (at = findText(text, separator)) != std::string_view::npos) {
        parts.emplace_back(text.substr(0, at));
        text.remove_prefix(at + separator.size());
    }
    parts.emplace_back(text);
    return parts;
}

std::vector<std::string> splitFromRight(std::string_view text, std::string_view separator, std::int64_t most)
{
    const auto turned = [](std::string_view part) { return std::string(part.rbegin(), part.rend()); };
    std::vector<std::string> parts = split(turned(text), turned(separator), most);
    for (std::string& part : parts)
        part = turned(part);
    std::ranges::reverse(parts);
    return parts;
}

std::vector<std::string> splitLines(std::string_view text)
{
    std::vector<std::string> lines;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t at = i;
        const char32_t c = nextCodePoint(text, i);
        const bool ends =
            (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
        if (!ends)
            continue;
        if (c == '\r' && i < text.size() && text[i] == '\n')
            ++i;
        lines.emplace_back(text.substr(begin, at - begin));
        begin = i;
    }
    if (begin < text.size())
        lines.emplace_back(text.substr(begin));
    return lines;
}

std::string replaceText(std::string_view text, std::string_view from, std::string_view to, std::int64_t most)
{
    std::string result;
    std::int64_t done = 0;
    if (from.empty()) { // Python inserts between all code points
        for (std::size_t i = 0; i <= text.size();) {
            if (most < 0 || done++ < most)
                result += to;
            if (i == text.size())
                break;
            const std::size_t begin = i;
            static_cast<void>(nextCodePoint(text, i));
            result += text.substr(begin, i - begin);
        }
        return result;
    }
    std::size_t at = 0;
    while ((most < 0 || done++ < most) && (at = findText(text, from)) != std::string_view::npos) {
        result += text.substr(0, at);
        result += to;
        text.remove_prefix(at + from.size());
    }
    result += text;
    return result;
}

std::int64_t countCodePoints(std::string_view text)
{
    return std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

std::vector<std::string_view> codePoints(std::string_view text)
{
    std::vector<std::string_view> result;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t begin = i;
        static_cast<void>(nextCodePoint(text, i));
        result.push_back(text.substr(begin, i - begin));
    }
    return result;
}

std::string upperCase(std::string_view text)
{
    requireAscii(text);
    std::string result(text);
    std::ranges::transform(result, result.begin(), upper);
    return result;
}

std::string lowerCase(std::string_view text)
{
    requireAscii(text);
    std::string result(text);
    std::ranges::transform(result, result.begin(), lower);
    return result;
}

std::string capitalise(std::string_view text)
{
    std::string result = lowerCase(text);
    if (!result.empty())
        result.front() = upper(result.front());
    return result;
}

std::string titleCase(std::string_view text)
{
    std::string result = lowerCase(text);
    for (std::size_t i = 0; i < result.size(); ++i)
        if (i == 0 || !isLetter(result[i - 1]))
            result[i] = upper(result[i]);
    return result;
}

std::string representText(std::string_view text)
{
    const bool doubleQuotes = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
    const char quote = doubleQuotes ? '"' : '\'';
    std::string result(1, quote);
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t begin = i;
        const char32_t c = nextCodePoint(text, i);
        char escaped[16];
        if (c == static_cast<char32_t>(quote) || c == '\\')
            (result += '\\') += static_cast<char>(c);
        else if (c == '\n')
            result += "\\n";
        else if (c == '\r')
            result += "\\r";
        else if (c == '\t')
            result += "\\t";
        else if (isPrintable(c))
            result += text.substr(begin, i - begin);
        else {
            std::snprintf(escaped, sizeof escaped,
                          c < 0x100     ? "\\x%02x"
                          : c < 0x10000 ? "\\u%04x"
                                        : "\\U%08x",
                          static_cast<unsigned>(c));
            result += escaped;
        }
    }
    return result + quote;
}

std::string representNumber(double value)
{
    if (std::isnan(value))
        return "nan";
    if (std::isinf(value))
        return value < 0 ? "-inf" : "inf";
    char buffer[64];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
    std::string scientific(buffer, end);
    const std::size_t e = scientific.find('e');
    const int exponent = std::atoi(scientific.c_str() + e + 1);
    if (exponent < -4 || exponent >= 16) // C's and Python's exponents both have at least two digits
        return scientific;
    const auto fixedEnd = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
    std::string fixed(buffer, fixedEnd);
    return fixed.find('.') == std::string::npos ? fixed + ".0" : fixed;
}

std::vector<std::int64_t> sliceIndices(std::int64_t length, std::optional<std::int64_t> start,
                                       std::optional<std::int64_t> stop, std::optional<std::int64_t> step)
{
    const std::int64_t by = step.value_or(1);
    if (by == 0)
        throw FormatError("The chat template slices with a step of 0.");
    const std::int64_t low = by > 0 ? 0 : -1;
    const std::int64_t high = by > 0 ? length : length - 1;
    const auto bounded = [&](std::optional<std::int64_t> index, std::int64_t fallback) {
        if (!index)
            return fallback;
        const std::int64_t value = *index < 0 ? *index + length : *index;
        return std::clamp(value, low, high);
    };
    std::vector<std::int64_t> indices;
    const std::int64_t last = bounded(stop, by > 0 ? high : low);
    for (std::int64_t i = bounded(start, by > 0 ? low : high); by > 0 ? i < last : i > last;) {
        indices.push_back(i);
        if (by > length || by < -length) // one step leaves the sequence; avoids overflow
            break;
        i += by;
    }
    return indices;
}

}
