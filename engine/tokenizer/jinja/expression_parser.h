// Parses expressions from a template's tokens; the statement parser is built on it.
#pragma once

#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/lexer.h"

#include <string>
#include <string_view>
#include <vector>

namespace blockcert::tokenizer::jinja {

// Single use, single thread.
class ExpressionParser {
public:
    static constexpr int deepest = 200;

    explicit ExpressionParser(std::vector<Token> tokens)
        : m_tokens(std::move(tokens))
    {
    }

    [[nodiscard]] ExpressionPtr expression(bool withConditional = true);
    // Expressions with commas between them are one tuple.
    [[nodiscard]] ExpressionPtr tupleOrExpression(bool withConditional = true);
    // name(arguments)|name… over `object`, which may be null; the first name is not preceded by '|'.
    [[nodiscard]] ExpressionPtr filterChain(ExpressionPtr object);

    [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
    Token take();
    [[nodiscard]] bool atOperator(std::string_view text) const;
    [[nodiscard]] bool atName(std::string_view text) const;
    bool takeOperator(std::string_view text);
    bool takeName(std::string_view text);
    void expectOperator(std::string_view text);
    [[nodiscard]] std::string expectName();
    [[noreturn]] void fail(const std::string& what) const;

private:
    template <class Node>
    [[nodiscard]] ExpressionPtr make(Node node);

    [[nodiscard]] ExpressionPtr disjunction();
    [[nodiscard]] ExpressionPtr conjunction();
    [[nodiscard]] ExpressionPtr negation();
    [[nodiscard]] ExpressionPtr comparison();
    [[nodiscard]] ExpressionPtr sum();
    [[nodiscard]] ExpressionPtr concatenation();
    [[nodiscard]] ExpressionPtr product();
    [[nodiscard]] ExpressionPtr power();
    [[nodiscard]] ExpressionPtr unary(bool withFilters);
    [[nodiscard]] ExpressionPtr primary();
    [[nodiscard]] ExpressionPtr name();
    [[nodiscard]] ExpressionPtr number();
    [[nodiscard]] ExpressionPtr parenthesised();
    [[nodiscard]] ExpressionPtr list();
    [[nodiscard]] ExpressionPtr dictionary();
    [[nodiscard]] ExpressionPtr postfix(ExpressionPtr object);
    [[nodiscard]] ExpressionPtr postfixFilters(ExpressionPtr object);
    [[nodiscard]] ExpressionPtr subscript(ExpressionPtr object);
    [[nodiscard]] ExpressionPtr filter(ExpressionPtr object);
    [[nodiscard]] ExpressionPtr test(ExpressionPtr object);
    [[nodiscard]] Arguments arguments();
    [[nodiscard]] bool tupleEnds() const;

    std::vector<Token> m_tokens;
    std::size_t m_position = 0;
    int m_depth = 0; // of the calls to expression(): hostile input must not exhaust the stack
};

}
