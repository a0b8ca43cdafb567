#include "engine/tokenizer/unicode.h"

#include "engine/base/error.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utf8proc.h>
#include <utility>
#include <vector>

namespace blockcert::tokenizer {

namespace {

std::uint8_t byteAt(std::string_view text, std::size_t position)
{
    return static_cast<std::uint8_t>(text[position]);
}

// Length of the valid sequence at `position`, or 0; then `maximalPart` is how many bytes belong together.
std::size_t sequenceLength(std::string_view text, std::size_t position, std::size_t& maximalPart)
{
    maximalPart = 1;
    const std::uint8_t lead = byteAt(text, position);
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xBF;
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F;
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    for (std::size_t i = 1; i < length; ++i) {
        if (position + i >= text.size() || byteAt(text, position + i) < low || byteAt(text, position + i) > high)
            return 0;
        maximalPart = i + 1;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

bool inAdditions(char32_t codePoint, std::string_view category)
{
    return std::ranges::any_of(categoryAdditions(), [&](const CategoryAddition& range) {
        return range.category.starts_with(category) && codePoint >= range.first && codePoint <= range.last;
    });
}

utf8proc_category_t categoryOf(char32_t codePoint)
{
    return utf8proc_category(static_cast<utf8proc_int32_t>(codePoint));
}

// Code points that decompose or combine, but are younger than the tables of the reference's normal forms (Unicode 9):
// to it they are letters like any other. U+11930 is here so that it does not compose to U+11938. Sorted.
constexpr std::pair<char32_t, char32_t> youngMarks[] = {
    {0x7FD, 0x7FD},     {0x898, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},     {0xC3C, 0xC3C},
    {0xD3B, 0xD3C},     {0xEBA, 0xEBA},     {0x1715, 0x1715},   {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},
    {0x32FF, 0x32FF},   {0xA7F2, 0xA7F4},   {0xA82C, 0xA82C},   {0xAB69, 0xAB69},   {0x10781, 0x10785},
    {0x10787, 0x107B0}, {0x107B2, 0x107BA}, {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF},
    {0x10F46, 0x10F50}, {0x10F82, 0x10F85}, {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E},
    {0x11839, 0x1183A}, {0x11930, 0x11930}, {0x11938, 0x11938}, {0x1193D, 0x1193E}, {0x11943, 0x11943},
    {0x119E0, 0x119E0}, {0x11A34, 0x11A34}, {0x11A47, 0x11A47}, {0x11A99, 0x11A99}, {0x11D42, 0x11D42},
    {0x11D44, 0x11D45}, {0x11D97, 0x11D97}, {0x11F41, 0x11F42}, {0x16FF0, 0x16FF1}, {0x1E030, 0x1E06D},
    {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF},
    {0x1F16C, 0x1F16C}, {0x1FBF0, 0x1FBF9}};

// Lower case of capitals younger than utf8proc 2.8's tables (Unicode 15).
char32_t youngLowercase(char32_t c)
{
    if (c >= 0x10D50 && c <= 0x10D65)
        return c + 0x20;
    if (c >= 0x16EA0 && c <= 0x16EB8)
        return c + 0x1B;
    switch (c) {
    case 0x1C89:
    case 0xA7CC:
    case 0xA7CE:
    case 0xA7D2:
    case 0xA7D4:
    case 0xA7DA: return c + 1;
    case 0xA7CB: return 0x264;
    case 0xA7DC: return 0x19B;
    default: return c;
    }
}

bool isOpaque(char32_t codePoint)
{
    if (codePoint < youngMarks[0].first)
        return false;
    const auto* const behind =
        std::ranges::upper_bound(youngMarks, codePoint, {}, &std::pair<char32_t, char32_t>::first);
    return (behind != std::begin(youngMarks) && codePoint <= std::prev(behind)->second) || inAdditions(codePoint, "");
}

int combiningClass(utf8proc_int32_t codePoint)
{
    return utf8proc_get_property(codePoint)->combining_class;
}

// Canonical ordering by a stable sort of each run of marks: utf8proc's own is quadratic in the run's length.
void orderMarks(std::vector<utf8proc_int32_t>& text)
{
    for (auto begin = text.begin(); begin != text.end();) {
        if (combiningClass(*begin) == 0) {
            ++begin;
            continue;
        }
        auto end = begin;
        while (end != text.end() && combiningClass(*end) != 0)
            ++end;
        std::stable_sort(begin, end,
                         [](utf8proc_int32_t a, utf8proc_int32_t b) { return combiningClass(a) < combiningClass(b); });
        begin = end;
    }
}

void flushNormalised(std::vector<utf8proc_int32_t>& segment, bool compose, std::string& result)
{
    orderMarks(segment);
    auto length = static_cast<utf8proc_ssize_t>(segment.size());
    if (compose && length > 0)
        length = utf8proc_normalize_utf32(segment.data(), length,
                                          static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    for (utf8proc_ssize_t i = 0; i < length; ++i)
        appendUtf8(result, static_cast<char32_t>(segment[static_cast<std::size_t>(i)]));
    segment.clear();
}

}

std::optional<std::size_t> firstInvalidUtf8(std::string_view text)
{
    std::size_t part = 0;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = sequenceLength(text, i, part);
        if (length == 0)
            return i;
        i += length;
    }
    return std::nullopt;
}

void requireUtf8(std::string_view text, std::string_view what)
{
    if (const auto offset = firstInvalidUtf8(text))
        throw FormatError(std::string(what) + " is not valid UTF-8 at byte " + std::to_string(*offset) +
                          "; save it as UTF-8.");
}

std::string replaceInvalidUtf8(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        std::size_t part = 0;
        const std::size_t length = sequenceLength(text, i, part);
        if (length == 0)
            result += "\xEF\xBF\xBD";
        else
            result += text.substr(i, length);
        i += length == 0 ? part : length;
    }
    return result;
}

char32_t nextCodePoint(std::string_view text, std::size_t& position)
{
    const std::uint8_t lead = byteAt(text, position++);
    if (lead < 0x80)
        return lead;
    const int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    char32_t result = lead & (0x3FU >> static_cast<unsigned>(more));
    for (int i = 0; i < more; ++i)
        result = (result << 6U) | (byteAt(text, position++) & 0x3FU);
    return result;
}

char32_t previousCodePoint(std::string_view text, std::size_t& position)
{
    do {
        --position;
    } while ((byteAt(text, position) & 0xC0U) == 0x80U);
    std::size_t start = position;
    return nextCodePoint(text, start);
}

void appendUtf8(std::string& text, char32_t codePoint)
{
    const auto put = [&text](char32_t byte) { text += static_cast<char>(static_cast<std::uint8_t>(byte)); };
    if (codePoint < 0x80) {
        put(codePoint);
    } else if (codePoint < 0x800) {
        put(0xC0U | (codePoint >> 6U));
        put(0x80U | (codePoint & 0x3FU));
    } else if (codePoint < 0x10000) {
        put(0xE0U | (codePoint >> 12U));
        put(0x80U | ((codePoint >> 6U) & 0x3FU));
        put(0x80U | (codePoint & 0x3FU));
    } else {
        put(0xF0U | (codePoint >> 18U));
        put(0x80U | ((codePoint >> 12U) & 0x3FU));
        put(0x80U | ((codePoint >> 6U) & 0x3FU));
        put(0x80U | (codePoint & 0x3FU));
    }
}

bool isWhiteSpace(char32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool isNumeric(char32_t c)
{
    if (c < 0x80)
        return c >= '0' && c <= '9';
    // The reference's digit class is one Unicode version ahead of its regular expressions.
    if ((c >= 0x11DE0 && c <= 0x11DE9) || (c >= 0x16FF4 && c <= 0x16FF6))
        return true;
    const utf8proc_category_t category = categoryOf(c);
    return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_NO ||
           (category == UTF8PROC_CATEGORY_CN && inAdditions(c, "N"));
}

bool isWordCharacter(char32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    switch (categoryOf(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    case UTF8PROC_CATEGORY_CN: return inAdditions(c, "L") || inAdditions(c, "M") || inAdditions(c, "Nd");
    default: break;
    }
    // Other_Alphabetic symbols (circled and squared letters) and Join_Control.
    return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
           (c >= 0x1F170 && c <= 0x1F189) || c == 0x200C || c == 0x200D;
}

std::string lowercase(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const char32_t c = nextCodePoint(text, i);
        if (c == 0x130)
            result += "i\xCC\x87"; // the only code point whose full lower case is longer
        else
            appendUtf8(result,
                       youngLowercase(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)))));
    }
    return result;
}

std::string normalise(std::string_view text, NormalForm form)
{
    const bool compose = form == NormalForm::Nfc || form == NormalForm::Nfkc;
    const bool compatible = form == NormalForm::Nfkc || form == NormalForm::Nfkd;
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                                        (compatible ? UTF8PROC_COMPAT : UTF8PROC_STABLE));
    std::string result;
    result.reserve(text.size());
    std::vector<utf8proc_int32_t> segment;
    for (std::size_t i = 0; i < text.size();) {
        const char32_t c = nextCodePoint(text, i);
        if (isOpaque(c)) {
            flushNormalised(segment, compose, result);
            appendUtf8(result, c);
            continue;
        }
        utf8proc_int32_t buffer[32]; // the longest decomposition has 18 code points
        int boundary = 0;
        const utf8proc_ssize_t count =
            utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), buffer, 32, options, &boundary);
        if (count < 0 || count > 32)
            segment.push_back(static_cast<utf8proc_int32_t>(c));
        else
            segment.insert(segment.end(), buffer, buffer + count);
    }
    flushNormalised(segment, compose, result);
    return result;
}

}
