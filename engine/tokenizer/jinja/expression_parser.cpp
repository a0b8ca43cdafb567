#include "engine/tokenizer/jinja/expression_parser.h"

#include "engine/base/error.h"
#include "engine/tokenizer/jinja/child_depth.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <type_traits>

namespace blockcert::tokenizer::jinja {

namespace {

class DepthGuard {
public:
    explicit DepthGuard(int& depth)
        : m_depth(depth)
    {
        if (++m_depth > ExpressionParser::deepest)
            throw ResourceError("The chat template nests expressions deeper than " +
                                std::to_string(ExpressionParser::deepest) + " levels.");
    }

    ~DepthGuard() { --m_depth; }

    DepthGuard(const DepthGuard&) = delete;
    DepthGuard& operator=(const DepthGuard&) = delete;

private:
    int& m_depth;
};

}

template <class Node>
ExpressionPtr ExpressionParser::make(Node node)
{
    ChildDepth children;
    children(node);
    if (children.depth >= deepest)
        throw ResourceError("The chat template, line " + std::to_string(peek().line) +
                            ": an expression is deeper than " + std::to_string(deepest) + " levels.");
    auto expression = std::make_unique<Expression>();
    expression->node = std::move(node);
    expression->line = peek().line;
    expression->depth = children.depth + 1;
    return expression;
}

const Token& ExpressionParser::peek(std::size_t ahead) const
{
    return m_tokens[std::min(m_position + ahead, m_tokens.size() - 1)];
}

Token ExpressionParser::take()
{
    Token token = peek();
    if (m_position + 1 < m_tokens.size())
        ++m_position;
    return token;
}

bool ExpressionParser::atOperator(std::string_view text) const
{
    return peek().kind == TokenKind::Operator && peek().text == text;
}

bool ExpressionParser::atName(std::string_view text) const
{
    return peek().kind == TokenKind::Name && peek().text == text;
}

bool ExpressionParser::takeOperator(std::string_view text)
{
    const bool found = atOperator(text);
    if (found)
        take();
    return found;
}

bool ExpressionParser::takeName(std::string_view text)
{
    const bool found = atName(text);
    if (found)
        take();
    return found;
}

void ExpressionParser::expectOperator(std::string_view text)
{
    if (!takeOperator(text))
        fail("expected \"" + std::string(text) + "\"");
}

std::string ExpressionParser::expectName()
{
    if (peek().kind != TokenKind::Name)
        fail("expected a name");
    return take().text;
}

void ExpressionParser::fail(const std::string& what) const
{
    throw FormatError("The chat template, line " + std::to_string(peek().line) + ": " + what +
                      (peek().text.empty() ? "" : ", found \"" + peek().text.substr(0, 40) + "\"") + ".");
}

ExpressionPtr ExpressionParser::expression(bool withConditional)
{
    const DepthGuard guard(m_depth);
    ExpressionPtr result = disjunction();
    while (withConditional && takeName("if")) {
        ExpressionPtr condition = disjunction();
        ExpressionPtr otherwise = takeName("else") ? expression() : nullptr;
        result = make(ConditionalExpression{std::move(condition), std::move(result), std::move(otherwise)});
    }
    return result;
}

bool ExpressionParser::tupleEnds() const
{
    return peek().kind == TokenKind::OutputEnd || peek().kind == TokenKind::StatementEnd || atOperator(")");
}

ExpressionPtr ExpressionParser::tupleOrExpression(bool withConditional)
{
    ExpressionPtr first = expression(withConditional);
    if (!atOperator(","))
        return first;
    ListExpression tuple{{}, true};
    tuple.items.push_back(std::move(first));
    while (takeOperator(",") && !tupleEnds())
        tuple.items.push_back(expression(withConditional));
    return make(std::move(tuple));
}

ExpressionPtr ExpressionParser::disjunction()
{
    ExpressionPtr left = conjunction();
    while (takeName("or"))
        left = make(BinaryExpression{BinaryOperator::Or, std::move(left), conjunction()});
    return left;
}

ExpressionPtr ExpressionParser::conjunction()
{
    ExpressionPtr left = negation();
    while (takeName("and"))
        left = make(BinaryExpression{BinaryOperator::And, std::move(left), negation()});
    return left;
}

ExpressionPtr ExpressionParser::negation()
{
    const DepthGuard guard(m_depth);
    if (takeName("not"))
        return make(UnaryExpression{UnaryOperator::Not, negation()});
    return comparison();
}

ExpressionPtr ExpressionParser::comparison()
{
    static constexpr std::pair<std::string_view, Comparison> operations[] = {
        {"==", Comparison::Equal},     {"!=", Comparison::NotEqual}, {"<", Comparison::Less},
        {"<=", Comparison::LessEqual}, {">", Comparison::Greater},   {">=", Comparison::GreaterEqual},
    };
    CompareExpression compare{sum(), {}};
    while (true) {
        const auto* const found =
            std::ranges::find_if(operations, [this](const auto& entry) { return atOperator(entry.first); });
        if (found != std::end(operations)) {
            take();
            compare.rest.emplace_back(found->second, sum());
        } else if (takeName("in")) {
            compare.rest.emplace_back(Comparison::In, sum());
        } else if (atName("not") && peek(1).kind == TokenKind::Name && peek(1).text == "in") {
            take();
            take();
            compare.rest.emplace_back(Comparison::NotIn, sum());
        } else {
            break;
        }
    }
    return compare.rest.empty() ? std::move(compare.first) : make(std::move(compare));
}

ExpressionPtr ExpressionParser::sum()
{
    ExpressionPtr left = concatenation();
    while (atOperator("+") || atOperator("-")) {
        const auto operation = take().text == "+" ? BinaryOperator::Add : BinaryOperator::Subtract;
        left = make(BinaryExpression{operation, std::move(left), concatenation()});
    }
    return left;
}

ExpressionPtr ExpressionParser::concatenation()
{
    ExpressionPtr left = product();
    while (takeOperator("~"))
        left = make(BinaryExpression{BinaryOperator::Concat, std::move(left), product()});
    return left;
}

ExpressionPtr ExpressionParser::product()
{
    static constexpr std::pair<std::string_view, BinaryOperator> operations[] = {
        {"*", BinaryOperator::Multiply},
        {"/", BinaryOperator::Divide},
        {"//", BinaryOperator::FloorDivide},
        {"%", BinaryOperator::Modulo},
    };
    ExpressionPtr left = power();
    while (true) {
        const auto* const found =
            std::ranges::find_if(operations, [this](const auto& entry) { return atOperator(entry.first); });
        if (found == std::end(operations))
            return left;
        take();
        left = make(BinaryExpression{found->second, std::move(left), power()});
    }
}

ExpressionPtr ExpressionParser::power()
{
    ExpressionPtr left = unary(true);
    while (takeOperator("**"))
        left = make(BinaryExpression{BinaryOperator::Power, std::move(left), unary(true)});
    return left;
}

ExpressionPtr ExpressionParser::unary(bool withFilters)
{
    const DepthGuard guard(m_depth);
    ExpressionPtr node;
    if (takeOperator("-"))
        node = make(UnaryExpression{UnaryOperator::Minus, unary(false)});
    else if (takeOperator("+"))
        node = make(UnaryExpression{UnaryOperator::Plus, unary(false)});
    else
        node = primary();
    node = postfix(std::move(node));
    return withFilters ? postfixFilters(std::move(node)) : std::move(node);
}

ExpressionPtr ExpressionParser::name()
{
    const std::string text = take().text;
    if (text == "true" || text == "True")
        return make(LiteralExpression{Value::boolean(true)});
    if (text == "false" || text == "False")
        return make(LiteralExpression{Value::boolean(false)});
    if (text == "none" || text == "None")
        return make(LiteralExpression{Value::none()});
    return make(NameExpression{text});
}

ExpressionPtr ExpressionParser::number()
{
    const Token token = take();
    const char* begin = token.text.data();
    const char* end = begin + token.text.size();
    if (token.kind == TokenKind::Float) {
        double value = 0;
        if (std::from_chars(begin, end, value).ec != std::errc())
            fail("a number out of range");
        return make(LiteralExpression{Value::number(value)});
    }
    std::int64_t value = 0;
    if (std::from_chars(begin, end, value).ec != std::errc())
        fail("an integer out of range");
    return make(LiteralExpression{Value::integer(value)});
}

ExpressionPtr ExpressionParser::primary()
{
    switch (peek().kind) {
    case TokenKind::Name: return name();
    case TokenKind::Integer:
    case TokenKind::Float: return number();
    case TokenKind::String: {
        std::string text = take().text;
        while (peek().kind == TokenKind::String) // adjacent literals are one
            text += take().text;
        return make(LiteralExpression{Value::text(std::move(text))});
    }
    default: break;
    }
    if (atOperator("("))
        return parenthesised();
    if (atOperator("["))
        return list();
    if (atOperator("{"))
        return dictionary();
    fail("expected an expression");
}

ExpressionPtr ExpressionParser::parenthesised()
{
    expectOperator("(");
    if (takeOperator(")"))
        return make(ListExpression{{}, true});
    ExpressionPtr inside = tupleOrExpression();
    expectOperator(")");
    return inside;
}

ExpressionPtr ExpressionParser::list()
{
    expectOperator("[");
    ListExpression list;
    while (!atOperator("]")) {
        if (!list.items.empty()) {
            expectOperator(",");
            if (atOperator("]"))
                break;
        }
        list.items.push_back(expression());
    }
    expectOperator("]");
    return make(std::move(list));
}

ExpressionPtr ExpressionParser::dictionary()
{
    expectOperator("{");
    DictionaryExpression dictionary;
    while (!atOperator("}")) {
        if (!dictionary.items.empty()) {
            expectOperator(",");
            if (atOperator("}"))
                break;
        }
        ExpressionPtr key = expression();
        expectOperator(":");
        dictionary.items.emplace_back(std::move(key), expression());
    }
    expectOperator("}");
    return make(std::move(dictionary));
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr object)
{
    while (true) {
        if (takeOperator(".")) {
            if (peek().kind == TokenKind::Integer)
                object = make(SubscriptExpression{std::move(object), number()});
            else
                object = make(AttributeExpression{std::move(object), expectName()});
        } else if (atOperator("[")) {
            object = subscript(std::move(object));
        } else if (atOperator("(")) {
            Arguments call = arguments();
            object = make(CallExpression{std::move(object), std::move(call)});
        } else {
            return object;
        }
    }
}

ExpressionPtr ExpressionParser::postfixFilters(ExpressionPtr object)
{
    while (true) {
        if (takeOperator("|")) {
            object = filter(std::move(object));
        } else if (takeName("is")) {
            object = test(std::move(object));
        } else if (atOperator("(")) {
            Arguments call = arguments();
            object = make(CallExpression{std::move(object), std::move(call)});
        } else {
            return object;
        }
    }
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr object)
{
    expectOperator("[");
    SliceExpression slice;
    bool isSlice = false;
    if (!atOperator(":"))
        slice.start = expression();
    if (takeOperator(":")) {
        isSlice = true;
        if (!atOperator("]") && !atOperator(":"))
            slice.stop = expression();
        if (takeOperator(":") && !atOperator("]"))
            slice.step = expression();
    }
    expectOperator("]");
    if (!isSlice)
        return make(SubscriptExpression{std::move(object), std::move(slice.start)});
    slice.object = std::move(object);
    return make(std::move(slice));
}

ExpressionPtr ExpressionParser::filter(ExpressionPtr object)
{
    FilterExpression filter{std::move(object), expectName(), {}};
    while (takeOperator("."))
        filter.name += "." + expectName();
    if (atOperator("("))
        filter.arguments = arguments();
    return make(std::move(filter));
}

ExpressionPtr ExpressionParser::filterChain(ExpressionPtr object)
{
    do {
        object = filter(std::move(object));
    } while (takeOperator("|"));
    return object;
}

ExpressionPtr ExpressionParser::test(ExpressionPtr object)
{
    TestExpression test;
    test.negated = takeName("not");
    test.object = std::move(object);
    test.name = expectName();
    if (atOperator("(")) {
        test.arguments = arguments();
    } else {
        // One argument without parentheses, unless an operator in words follows.
        const Token& next = peek();
        const bool operand = next.kind == TokenKind::Name || next.kind == TokenKind::String ||
                             next.kind == TokenKind::Integer || next.kind == TokenKind::Float || atOperator("[") ||
                             atOperator("{");
        const bool word = atName("else") || atName("or") || atName("and") || atName("is") || atName("if") ||
                          atName("in") || atName("not");
        if (operand && !word)
            test.arguments.positional.push_back(postfix(primary()));
    }
    return make(std::move(test));
}

Arguments ExpressionParser::arguments()
{
    Arguments result;
    expectOperator("(");
    bool first = true;
    while (!atOperator(")")) {
        if (!first) {
            expectOperator(",");
            if (atOperator(")"))
                break;
        }
        first = false;
        if (atOperator("*") || atOperator("**"))
            fail("unpacked arguments are not implemented");
        if (peek().kind == TokenKind::Name && peek(1).kind == TokenKind::Operator && peek(1).text == "=") {
            std::string key = take().text;
            take();
            result.named.emplace_back(std::move(key), expression());
        } else {
            if (!result.named.empty())
                fail("a positional argument behind a named one");
            result.positional.push_back(expression());
        }
    }
    expectOperator(")");
    return result;
}

}
