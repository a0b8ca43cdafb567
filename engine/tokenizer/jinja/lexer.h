// Cuts a chat template into text and tokens, with Jinja's white-space rules as chat templates use them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::tokenizer::jinja {

enum class TokenKind : std::uint8_t {
    Text,           // outside tags
    OutputBegin,    // {{
    OutputEnd,      // }}
    StatementBegin, // {%
    StatementEnd,   // %}
    Name,
    String, // with its escapes resolved
    Integer,
    Float,
    Operator,
    End,
};

struct Token {
    TokenKind kind = TokenKind::End;
    std::string text;
    int line = 1;
};

// trim_blocks and lstrip_blocks are on; comments are gone; the last token is End. Throws FormatError (line).
[[nodiscard]] std::vector<Token> tokenize(std::string_view source);

}
