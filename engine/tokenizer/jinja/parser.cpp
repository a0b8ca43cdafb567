#include "engine/tokenizer/jinja/parser.h"

#include "engine/base/error.h"
#include "engine/tokenizer/jinja/expression_parser.h"

#include <initializer_list>

namespace blockcert::tokenizer::jinja {

namespace {

constexpr std::size_t largestTemplate = 1U << 20U;
constexpr int deepestBlocks = 60;

class Parser {
public:
    explicit Parser(std::vector<Token> tokens)
        : m_expressions(std::move(tokens))
    {
    }

    Block run()
    {
        Block block = statements({});
        if (m_expressions.peek().kind != TokenKind::End)
            m_expressions.fail("a tag that closes nothing");
        return block;
    }

private:
    // Up to a statement whose keyword is in `ends`; its keyword is the next token then.
    Block statements(std::initializer_list<std::string_view> ends)
    {
        if (++m_depth > deepestBlocks)
            throw ResourceError("The chat template nests blocks deeper than " + std::to_string(deepestBlocks) +
                                " levels.");
        Block block;
        while (true) {
            const Token& token = m_expressions.peek();
            if (token.kind == TokenKind::End) {
                if (ends.size() > 0)
                    m_expressions.fail("a block without end, expected " + std::string(*(ends.end() - 1)));
                break;
            }
            const int line = token.line;
            if (token.kind == TokenKind::Text) {
                block.push_back({TextStatement{m_expressions.take().text}, line});
            } else if (token.kind == TokenKind::OutputBegin) {
                m_expressions.take();
                block.push_back({OutputStatement{m_expressions.tupleOrExpression()}, line});
                expect(TokenKind::OutputEnd);
            } else if (token.kind == TokenKind::StatementBegin) {
                m_expressions.take();
                const Token& keyword = m_expressions.peek();
                bool ended = ends.size() == 0 &&
                             (keyword.text.starts_with("end") || keyword.text == "else" || keyword.text == "elif");
                for (const std::string_view end : ends)
                    ended = ended || (keyword.kind == TokenKind::Name && keyword.text == end);
                if (ended)
                    break;
                block.push_back(statement());
            } else {
                m_expressions.fail("unexpected token");
            }
        }
        --m_depth;
        return block;
    }

    void expect(TokenKind kind)
    {
        if (m_expressions.peek().kind != kind)
            m_expressions.fail("expected the end of the tag");
        m_expressions.take();
    }

    std::unique_ptr<Block> body(std::initializer_list<std::string_view> ends)
    {
        expect(TokenKind::StatementEnd);
        return std::make_unique<Block>(statements(ends));
    }

    // Behind statements(): the closing keyword and the end of its tag.
    void close()
    {
        m_expressions.take();
        expect(TokenKind::StatementEnd);
    }

    Statement statement()
    {
        const int line = m_expressions.peek().line;
        const std::string keyword = m_expressions.expectName();
        if (keyword == "if")
            return {ifStatement(), line};
        if (keyword == "for")
            return {forStatement(), line};
        if (keyword == "set")
            return {setStatement(), line};
        if (keyword == "macro")
            return {macro(), line};
        if (keyword == "filter")
            return {filterStatement(), line};
        if (keyword == "generation") {
            GroupStatement group{body({"endgeneration"})};
            close();
            return {std::move(group), line};
        }
        if ((keyword == "break" || keyword == "continue") && m_loops > 0) {
            expect(TokenKind::StatementEnd);
            if (keyword == "break")
                return {BreakStatement{}, line};
            return {ContinueStatement{}, line};
        }
        static constexpr std::string_view known[] = {"block", "extends", "include", "import",     "from",
                                                     "call",  "with",    "do",      "autoescape", "trans"};
        for (const std::string_view name : known)
            if (keyword == name)
                throw UnsupportedError("The chat template, line " + std::to_string(line) + ": the statement \"" +
                                       keyword + "\" is not implemented.");
        m_expressions.fail("unknown statement \"" + keyword + "\"");
    }

    IfStatement ifStatement()
    {
        IfStatement result;
        ExpressionPtr condition = m_expressions.tupleOrExpression(false);
        while (true) {
            const auto then = body({"elif", "else", "endif"});
            result.branches.emplace_back(std::move(condition), std::move(*then));
            if (!m_expressions.atName("elif"))
                break;
            m_expressions.take();
            condition = m_expressions.tupleOrExpression(false);
        }
        if (m_expressions.takeName("else"))
            result.otherwise = body({"endif"});
        close();
        return result;
    }

    std::vector<std::string> targets()
    {
        std::vector<std::string> names;
        const bool parenthesised = m_expressions.takeOperator("(");
        do {
            names.push_back(m_expressions.expectName());
        } while (m_expressions.takeOperator(","));
        if (parenthesised)
            m_expressions.expectOperator(")");
        return names;
    }

    ForStatement forStatement()
    {
        ForStatement result;
        result.targets = targets();
        if (!m_expressions.takeName("in"))
            m_expressions.fail("expected \"in\"");
        result.items = m_expressions.tupleOrExpression(false);
        if (m_expressions.takeName("if"))
            result.condition = m_expressions.expression();
        if (m_expressions.atName("recursive"))
            throw UnsupportedError("The chat template, line " + std::to_string(m_expressions.peek().line) +
                                   ": recursive loops are not implemented.");
        ++m_loops;
        result.body = body({"else", "endfor"});
        --m_loops;
        if (m_expressions.takeName("else"))
            result.otherwise = body({"endfor"});
        close();
        return result;
    }

    SetStatement setStatement()
    {
        SetStatement result;
        result.targets = targets();
        if (m_expressions.takeOperator(".")) {
            if (result.targets.size() != 1)
                m_expressions.fail("a member among several targets");
            result.member = m_expressions.expectName();
        }
        if (m_expressions.takeOperator("=")) {
            result.value = m_expressions.tupleOrExpression();
            expect(TokenKind::StatementEnd);
            return result;
        }
        if (m_expressions.takeOperator("|"))
            result.filters = m_expressions.filterChain(nullptr);
        result.body = body({"endset"});
        close();
        return result;
    }

    MacroStatement macro()
    {
        if (m_depth > 1)
            throw UnsupportedError("The chat template, line " + std::to_string(m_expressions.peek().line) +
                                   ": a macro inside another block is not implemented.");
        MacroStatement result;
        result.name = m_expressions.expectName();
        m_expressions.expectOperator("(");
        while (!m_expressions.atOperator(")")) {
            if (!result.parameters.empty())
                m_expressions.expectOperator(",");
            std::string name = m_expressions.expectName();
            ExpressionPtr value = m_expressions.takeOperator("=") ? m_expressions.expression() : nullptr;
            if (!value && !result.parameters.empty() && result.parameters.back().second)
                m_expressions.fail("a parameter without default behind one with default");
            result.parameters.emplace_back(std::move(name), std::move(value));
        }
        m_expressions.expectOperator(")");
        const int loops = std::exchange(m_loops, 0); // a break inside would leave the macro
        result.body = body({"endmacro"});
        m_loops = loops;
        m_expressions.take();
        if (m_expressions.peek().kind == TokenKind::Name) // {% endmacro name %}
            m_expressions.take();
        expect(TokenKind::StatementEnd);
        return result;
    }

    FilterStatement filterStatement()
    {
        FilterStatement result;
        result.filters = m_expressions.filterChain(nullptr);
        result.body = body({"endfilter"});
        close();
        return result;
    }

    ExpressionParser m_expressions;
    int m_depth = 0;
    int m_loops = 0;
};

}

Block parse(std::string_view source)
{
    if (source.size() > largestTemplate)
        throw ResourceError("A chat template of " + std::to_string(source.size()) +
                            " bytes is larger than the limit of " + std::to_string(largestTemplate) + ".");
    return Parser(tokenize(source)).run();
}

}
