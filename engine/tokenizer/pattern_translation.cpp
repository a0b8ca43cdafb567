#include "engine/base/error.h"
#include "engine/tokenizer/pattern.h"
#include "engine/tokenizer/unicode.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace blockcert::tokenizer {

namespace {

// White_Space; PCRE2's own \s also has U+180E.
constexpr std::string_view whiteSpace = "\\t-\\r \\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}"
                                        "\\x{202F}\\x{205F}\\x{3000}";
constexpr std::string_view notWhiteSpace =
    "\\x{0}-\\x{8}\\x{E}-\\x{1F}!-\\x{84}\\x{86}-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}"
    "\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{10FFFF}";

// Categories whose additions we know (Mn and Mc are missing because a code point moved from one to the other).
constexpr std::array<std::string_view, 14> categories = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "N",
                                                         "Nd", "Nl", "No", "M",  "P",  "S",  "Z"};

class Translator {
public:
    Translator(std::string_view expression, std::string_view source)
        : m_expression(expression)
        , m_source(source)
    {
    }

    std::string run()
    {
        while (!atEnd()) {
            const char c = peek();
            if (c == '\\')
                escape(false);
            else if (c == '[')
                characterClass();
            else if (c == '(')
                openGroup();
            else if (c == ')')
                closeGroup();
            else if (c == '{')
                interval();
            else
                literal(c);
        }
        return m_result;
    }

private:
    [[nodiscard]] bool atEnd() const { return m_position >= m_expression.size(); }

    [[nodiscard]] char peek(std::size_t ahead = 0) const
    {
        return m_position + ahead < m_expression.size() ? m_expression[m_position + ahead] : '\0';
    }

    [[nodiscard]] bool lookingAt(std::string_view text) const
    {
        return m_expression.substr(m_position).starts_with(text);
    }

    void copy(std::size_t count)
    {
        m_result += m_expression.substr(m_position, count);
        m_position += count;
    }

    [[noreturn]] void refuse(const std::string& what) const
    {
        throw UnsupportedError(std::string(m_source) + ": the regular expression uses " + what + " at its byte " +
                               std::to_string(m_position) + ", which this version does not implement.");
    }

    [[noreturn]] void malformed(const std::string& what) const
    {
        throw FormatError(std::string(m_source) + ": the regular expression has " + what + " at its byte " +
                          std::to_string(m_position) + ".");
    }

    void literal(char c)
    {
        // Case-insensitive matching of these pairs may, in the reference, match one code point (ß, ﬁ, ﬆ …).
        static constexpr std::array<std::string_view, 5> folding = {"ss", "ff", "fi", "fl", "st"};
        if (ignoresCase() && !m_result.empty()) {
            const auto lower = [](char x) { return x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x; };
            const std::string pair{lower(m_result.back()), lower(c)};
            if (std::ranges::find(folding, pair) != folding.end())
                refuse("\"" + pair + "\" without regard to case");
        }
        copy(1);
    }

    void openGroup()
    {
        bool ignoreCase = ignoresCase();
        if (lookingAt("(*"))
            refuse("\"(*\"");
        if (lookingAt("(?i:")) {
            ignoreCase = true;
            copy(4);
        } else if (lookingAt("(?<=") || lookingAt("(?<!")) {
            copy(4);
        } else if (lookingAt("(?:") || lookingAt("(?=") || lookingAt("(?!") || lookingAt("(?>")) {
            copy(3);
        } else if (lookingAt("(?")) {
            refuse("\"" + std::string(m_expression.substr(m_position, 3)) + "\"");
        } else {
            copy(1);
        }
        m_groups.push_back(ignoreCase);
    }

    void closeGroup()
    {
        if (m_groups.empty())
            malformed("a closing parenthesis too many");
        m_groups.pop_back();
        copy(1);
    }

    // {n}, {n,}, {n,m}, {,m}; a suffix means something else to the two engines in some cases.
    void interval()
    {
        const std::size_t close = m_expression.find('}', m_position);
        if (close == std::string_view::npos)
            refuse("an unescaped \"{\"");
        const std::string_view inside = m_expression.substr(m_position + 1, close - m_position - 1);
        const std::size_t comma = inside.find(',');
        const bool digits = std::ranges::all_of(inside, [](char c) { return (c >= '0' && c <= '9') || c == ','; });
        if (inside.empty() || !digits || inside == "," || std::ranges::count(inside, ',') > 1)
            refuse("an unescaped \"{\"");
        m_result += comma == 0 ? "{0" : "{";
        m_result += inside;
        m_result += '}';
        m_position = close + 1;
        if (peek() == '+' || (peek() == '?' && comma == std::string_view::npos))
            refuse("\"" + std::string(1, peek()) + "\" behind \"}\"");
    }

    void characterClass()
    {
        copy(1);
        if (peek() == '^')
            copy(1);
        if (peek() == ']')
            refuse("\"]\" as first member of a class");
        m_lastWasSet = false;
        m_lastWasRange = false;
        bool first = true;
        while (peek() != ']') {
            if (atEnd())
                malformed("a class without end");
            if (peek() == '[')
                refuse("an unescaped \"[\" inside a class");
            if (lookingAt("&&"))
                refuse("\"&&\" inside a class");
            if (peek() == '\\') {
                escape(true);
            } else {
                const bool range = peek() == '-' && !first && peek(1) != ']';
                if (range && m_lastWasSet)
                    refuse("a range that begins with a set");
                copy(1);
                m_lastWasRange = range;
                m_lastWasSet = false;
            }
            first = false;
        }
        copy(1);
    }

    void set(std::string_view members, bool inverted, bool inClass)
    {
        if (inClass) {
            if (m_lastWasRange)
                refuse("a range that ends with a set");
            m_result += members;
        } else {
            m_result += inverted ? "[^" : "[";
            m_result += members;
            m_result += ']';
        }
        m_lastWasSet = true;
        m_lastWasRange = false;
    }

    void category(std::string_view name, bool inverted, bool inClass)
    {
        if (std::ranges::find(categories, name) == categories.end())
            refuse("\\p{" + std::string(name) + "}");
        if (inClass && inverted)
            refuse("an inverted category inside a class");
        if (ignoresCase())
            refuse("\\p without regard to case");
        std::string members = "\\p{" + std::string(name) + "}";
        for (const CategoryAddition& range : categoryAdditions()) {
            if (!range.category.starts_with(name))
                continue;
            char text[40];
            std::snprintf(text, sizeof text, range.first == range.last ? "\\x{%X}" : "\\x{%X}-\\x{%X}",
                          static_cast<unsigned>(range.first), static_cast<unsigned>(range.last));
            members += text;
        }
        set(members, inverted, inClass);
    }

    void propertyEscape(bool inClass)
    {
        bool inverted = peek(1) == 'P';
        const std::size_t close = m_expression.find('}', m_position);
        if (peek(2) != '{' || close == std::string_view::npos)
            refuse("\\p without braces");
        std::string_view name = m_expression.substr(m_position + 3, close - m_position - 3);
        if (name.starts_with('^')) {
            inverted = !inverted;
            name.remove_prefix(1);
        }
        category(name, inverted, inClass);
        m_position = close + 1;
    }

    // \xHH, \x{H…}, \uHHHH
    void codePointEscape()
    {
        std::string_view digits;
        std::size_t length = 0;
        if (peek(2) == '{') {
            const std::size_t close = m_expression.find('}', m_position);
            if (close == std::string_view::npos)
                malformed("\\x{ without end");
            digits = m_expression.substr(m_position + 3, close - m_position - 3);
            length = close + 1 - m_position;
        } else {
            const std::size_t count = peek(1) == 'x' ? 2 : 4;
            digits = m_expression.substr(std::min(m_position + 2, m_expression.size()), count);
            length = 2 + count;
            if (digits.size() != count)
                malformed("a code point with too few digits");
        }
        std::uint32_t value = 0;
        for (const char c : digits) {
            const int digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0 || digits.size() > 6)
                malformed("a code point that is not hexadecimal");
            value = value * 16 + static_cast<std::uint32_t>(digit);
        }
        if (digits.empty() || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
            malformed("a code point that does not exist");
        if (length == 4 && peek(1) == 'x' && value >= 0x80)
            refuse("a single byte above \\x7F");
        char text[16];
        std::snprintf(text, sizeof text, "\\x{%X}", static_cast<unsigned>(value));
        m_result += text;
        m_position += length;
    }

    void escape(bool inClass)
    {
        const char c = peek(1);
        switch (c) {
        case '\0': malformed("a backslash at its end");
        case 's': set(whiteSpace, false, inClass); break;
        case 'S': set(inClass ? notWhiteSpace : whiteSpace, true, inClass); break;
        case 'd': category("Nd", false, inClass); break;
        case 'D': category("Nd", true, inClass); break;
        case 'p':
        case 'P': propertyEscape(inClass); return;
        case 'x':
        case 'u':
            codePointEscape();
            plainMember();
            return;
        case 'v':
            m_result += "\\x{B}";
            plainMember();
            break;
        case 'r':
        case 'n':
        case 't':
        case 'f':
        case 'a':
        case 'e':
            copy(2);
            plainMember();
            return;
        case 'A':
        case 'Z':
        case 'z':
            if (inClass)
                refuse("\\" + std::string(1, c) + " inside a class");
            copy(2);
            return;
        default:
            if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
                refuse("\\" + std::string(1, c));
            if (static_cast<std::uint8_t>(c) >= 0x80)
                refuse("an escape before a code point outside ASCII");
            copy(2);
            plainMember();
            return;
        }
        m_position += 2;
    }

    void plainMember()
    {
        m_lastWasSet = false;
        m_lastWasRange = false;
    }

    [[nodiscard]] bool ignoresCase() const { return !m_groups.empty() && m_groups.back(); }

    std::string_view m_expression;
    std::string_view m_source;
    std::size_t m_position = 0;
    std::string m_result;
    std::vector<bool> m_groups;  // does the open group ignore case?
    bool m_lastWasSet = false;   // the last member of the class was \s, \p{…}
    bool m_lastWasRange = false; // the last member was the hyphen of a range
};

}

std::string translatePattern(std::string_view expression, std::string_view source)
{
    return Translator(expression, source).run();
}

}
