#include "engine/tokenizer/jinja/lexer.h"

#include "engine/base/error.h"
#include "engine/tokenizer/jinja/python_text.h"
#include "engine/tokenizer/unicode.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace blockcert::tokenizer::jinja {

namespace {

// Longest first.
constexpr std::array<std::string_view, 26> operators = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                        "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                        ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

bool isDigit(char c)
{
    return c >= '0' && c <= '9';
}

bool isNameStart(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// As Jinja does: every kind of line end becomes \n, one at the very end goes.
std::string normaliseLines(std::string_view source)
{
    std::string result;
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i] != '\r') {
            result += source[i];
            continue;
        }
        result += '\n';
        if (i + 1 < source.size() && source[i + 1] == '\n')
            ++i;
    }
    if (result.ends_with('\n'))
        result.pop_back();
    return result;
}

class Lexer {
public:
    explicit Lexer(std::string_view source)
        : m_source(normaliseLines(source))
    {
    }

    std::vector<Token> run()
    {
        while (m_position < m_source.size())
            textAndTag();
        put(TokenKind::End, "");
        return std::move(m_tokens);
    }

private:
    [[nodiscard]] std::string_view rest() const { return std::string_view(m_source).substr(m_position); }

    [[nodiscard]] bool lookingAt(std::string_view text) const { return rest().starts_with(text); }

    [[noreturn]] void fail(const std::string& what) const
    {
        throw FormatError("The chat template, line " + std::to_string(m_line) + ": " + what + ".");
    }

    void advance(std::size_t count)
    {
        m_line += static_cast<int>(std::ranges::count(rest().substr(0, count), '\n'));
        m_position += count;
    }

    void put(TokenKind kind, std::string text) { m_tokens.push_back({kind, std::move(text), m_line}); }

    void skipSpace()
    {
        while (m_position < m_source.size()) {
            std::size_t after = m_position;
            if (!isPythonSpace(nextCodePoint(m_source, after)))
                return;
            advance(after - m_position);
        }
    }

    void textAndTag()
    {
        std::size_t at = m_position;
        while (at < m_source.size() &&
               !(m_source[at] == '{' && at + 1 < m_source.size() &&
                 (m_source[at + 1] == '{' || m_source[at + 1] == '%' || m_source[at + 1] == '#')))
            ++at;
        std::string_view text = std::string_view(m_source).substr(m_position, at - m_position);
        if (at >= m_source.size()) {
            putText(text);
            advance(text.size());
            return;
        }
        const char type = m_source[at + 1];
        const char sign = at + 2 < m_source.size() ? m_source[at + 2] : '\0';
        const std::size_t whole = text.size();
        if (sign == '-') {
            text = strip(text, Side::Right, std::nullopt);
        } else if (sign != '+' && type != '{') { // lstrip_blocks
            const std::size_t newLine = text.rfind('\n');
            const std::size_t begin = newLine == std::string_view::npos ? 0 : newLine + 1;
            if ((begin > 0 || m_lineStarting) && strip(text.substr(begin), Side::Left, std::nullopt).empty())
                text = text.substr(0, begin);
        }
        putText(text);
        advance(whole + 2);
        if (sign == '-' || sign == '+')
            advance(1);
        if (type == '#')
            comment();
        else if (type == '{')
            output();
        else
            statement();
    }

    void putText(std::string_view text)
    {
        if (!text.empty())
            put(TokenKind::Text, std::string(text));
    }

    // Behind a tag that ended without a sign: trim_blocks takes one line end, '-' all white space.
    void endTag(char sign, bool block)
    {
        const std::size_t before = m_position;
        if (sign == '-')
            skipSpace();
        else if (sign != '+' && block && lookingAt("\n"))
            advance(1);
        m_lineStarting = m_position > before && m_source[m_position - 1] == '\n';
    }

    void comment()
    {
        const std::size_t end = rest().find("#}");
        if (end == std::string_view::npos)
            fail("a comment without end");
        const char sign = end > 0 ? rest()[end - 1] : '\0';
        advance(end + 2);
        endTag(sign == '-' || sign == '+' ? sign : '\0', true);
    }

    void output()
    {
        put(TokenKind::OutputBegin, "");
        const char sign = inside("}}", false);
        put(TokenKind::OutputEnd, "");
        endTag(sign, false);
    }

    void statement()
    {
        // {% raw %} … {% endraw %} is text.
        std::string_view tag = strip(rest(), Side::Left, std::nullopt);
        if (tag.starts_with("raw")) {
            const std::string_view behind = strip(tag.substr(3), Side::Left, std::nullopt);
            if (behind.starts_with("%}") || behind.starts_with("-%}")) {
                raw(rest().size() - behind.size(), behind.front());
                return;
            }
        }
        put(TokenKind::StatementBegin, "");
        const char sign = inside("%}", true);
        put(TokenKind::StatementEnd, "");
        endTag(sign, true);
    }

    void raw(std::size_t toEnd, char sign)
    {
        advance(toEnd + (sign == '%' ? 2 : 3));
        endTag(sign == '%' ? '\0' : sign, false); // trim_blocks spares the begin of a raw block
        std::size_t at = 0;
        while ((at = rest().find("{%", at)) != std::string_view::npos) {
            std::string_view tag = rest().substr(at + 2);
            const char begin = tag.empty() ? '\0' : tag.front();
            if (begin == '-' || begin == '+')
                tag.remove_prefix(1);
            tag = strip(tag, Side::Left, std::nullopt);
            if (!tag.starts_with("endraw")) {
                at += 2;
                continue;
            }
            tag = strip(tag.substr(6), Side::Left, std::nullopt);
            const char end = tag.empty() ? '\0' : tag.front();
            if (end == '-' || end == '+')
                tag.remove_prefix(1);
            if (!tag.starts_with("%}"))
                fail("an endraw that does not end");
            std::string_view text = rest().substr(0, at);
            const std::size_t consumed = rest().size() - tag.size() + 2;
            if (begin == '-') {
                text = strip(text, Side::Right, std::nullopt);
            } else if (begin != '+') {
                const std::size_t newLine = text.rfind('\n');
                const std::size_t first = newLine == std::string_view::npos ? 0 : newLine + 1;
                if ((first > 0 || m_lineStarting) && strip(text.substr(first), Side::Left, std::nullopt).empty())
                    text = text.substr(0, first);
            }
            putText(text);
            advance(consumed);
            endTag(end == '-' || end == '+' ? end : '\0', true);
            return;
        }
        fail("a raw block without end");
    }

    // Tokens up to the end of the tag, which counts only outside brackets. Returns the end's sign.
    char inside(std::string_view end, bool plusAllowed)
    {
        std::string brackets;
        while (true) {
            skipSpace();
            if (m_position >= m_source.size())
                fail("a tag without end");
            if (brackets.empty()) {
                const char c = m_source[m_position];
                if (lookingAt(end)) {
                    advance(2);
                    return '\0';
                }
                if ((c == '-' || (c == '+' && plusAllowed)) && rest().substr(1).starts_with(end)) {
                    advance(3);
                    return c;
                }
            }
            token(brackets);
        }
    }

    void token(std::string& brackets)
    {
        const char c = m_source[m_position];
        if (isNameStart(c)) {
            std::size_t length = 1;
            while (length < rest().size() && (isNameStart(rest()[length]) || isDigit(rest()[length])))
                ++length;
            put(TokenKind::Name, std::string(rest().substr(0, length)));
            advance(length);
        } else if (isDigit(c)) {
            number();
        } else if (c == '"' || c == '\'') {
            string(c);
        } else {
            symbol(brackets);
        }
    }

    void symbol(std::string& brackets)
    {
        const auto found = std::ranges::find_if(operators, [this](std::string_view text) { return lookingAt(text); });
        if (found == operators.end())
            fail("unexpected character \"" + replaceInvalidUtf8(rest().substr(0, 1)) + "\"");
        const char c = found->front();
        if (found->size() == 1 && (c == '(' || c == '[' || c == '{'))
            brackets += c == '(' ? ')' : c == '[' ? ']' : '}';
        if (found->size() == 1 && (c == ')' || c == ']' || c == '}')) {
            if (brackets.empty() || brackets.back() != c)
                fail(std::string("unexpected \"") + c + "\"");
            brackets.pop_back();
        }
        put(TokenKind::Operator, std::string(*found));
        advance(found->size());
    }

    void number()
    {
        std::size_t length = 0;
        const auto digits = [&] {
            while (length < rest().size() && (isDigit(rest()[length]) || rest()[length] == '_'))
                ++length;
        };
        digits();
        bool isFloat = false;
        const auto at = [&](std::size_t i) { return i < rest().size() ? rest()[i] : '\0'; };
        if (at(length) == '.' && isDigit(at(length + 1))) {
            isFloat = true;
            ++length;
            digits();
        }
        const std::size_t sign = at(length + 1) == '+' || at(length + 1) == '-' ? 1 : 0;
        if ((at(length) == 'e' || at(length) == 'E') && isDigit(at(length + 1 + sign))) {
            isFloat = true;
            length += 1 + sign;
            digits();
        }
        std::string text;
        std::ranges::copy_if(rest().substr(0, length), std::back_inserter(text), [](char c) { return c != '_'; });
        if (isNameStart(at(length)))
            fail("a number followed by a letter");
        put(isFloat ? TokenKind::Float : TokenKind::Integer, std::move(text));
        advance(length);
    }

    void string(char quote)
    {
        std::string text;
        std::size_t i = 1;
        const std::string_view all = rest();
        while (i < all.size() && all[i] != quote) {
            if (all[i] != '\\') {
                text += all[i++];
                continue;
            }
            if (i + 1 >= all.size())
                break;
            i += escape(all.substr(i + 1), text) + 1;
        }
        if (i >= all.size())
            fail("a string without end");
        put(TokenKind::String, std::move(text));
        advance(i + 1);
    }

    // What follows a backslash; returns how many bytes it took. Unknown escapes keep their backslash.
    std::size_t escape(std::string_view text, std::string& result)
    {
        static constexpr std::string_view names = "\\'\"abfnrtv";
        static constexpr std::string_view values = "\\'\"\a\b\f\n\r\t\v";
        const char c = text.front();
        if (c == '\n')
            return 1;
        if (const std::size_t known = names.find(c); known != std::string_view::npos) {
            result += values[known];
            return 1;
        }
        const std::size_t hexDigits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        std::uint32_t value = 0;
        std::size_t length = 0;
        if (hexDigits > 0) {
            for (length = 1; length <= hexDigits && length < text.size(); ++length) {
                const std::size_t digit = std::string_view("0123456789abcdef0123456789ABCDEF").find(text[length]);
                if (digit == std::string_view::npos)
                    break;
                value = value * 16 + static_cast<std::uint32_t>(digit % 16);
            }
            if (length != hexDigits + 1)
                fail("an escape with too few digits");
        } else if (c >= '0' && c <= '7') {
            for (; length < 3 && length < text.size() && text[length] >= '0' && text[length] <= '7'; ++length)
                value = value * 8 + static_cast<std::uint32_t>(text[length] - '0');
        } else {
            result += '\\';
            return 0;
        }
        if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
            fail("an escape that is no character");
        appendUtf8(result, value);
        return length;
    }

    std::string m_source;
    std::size_t m_position = 0;
    int m_line = 1;
    bool m_lineStarting = true; // the last tag took a line end along
    std::vector<Token> m_tokens;
};

}

std::vector<Token> tokenize(std::string_view source)
{
    return Lexer(source).run();
}

}
