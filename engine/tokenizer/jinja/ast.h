// A parsed chat template.
#pragma once

#include "engine/tokenizer/jinja/value.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace blockcert::tokenizer::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;
struct Statement;
using Block = std::vector<Statement>;

struct Arguments {
    std::vector<ExpressionPtr> positional;
    std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct NameExpression {
    std::string name;
};

struct LiteralExpression {
    Value value;
};

struct ListExpression {
    std::vector<ExpressionPtr> items;
    bool tuple = false;
};

struct DictionaryExpression {
    std::vector<std::pair<ExpressionPtr, ExpressionPtr>> items;
};

enum class UnaryOperator : std::uint8_t { Not, Minus, Plus };

struct UnaryExpression {
    UnaryOperator operation;
    ExpressionPtr operand;
};

enum class BinaryOperator : std::uint8_t {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    Concat,
    And,
    Or
};

struct BinaryExpression {
    BinaryOperator operation;
    ExpressionPtr left;
    ExpressionPtr right;
};

enum class Comparison : std::uint8_t { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, In, NotIn };

struct CompareExpression { // a < b <= c
    ExpressionPtr first;
    std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};

struct ConditionalExpression {
    ExpressionPtr condition;
    ExpressionPtr then;
    ExpressionPtr otherwise; // may be null: undefined
};

struct AttributeExpression { // object.name
    ExpressionPtr object;
    std::string name;
};

struct SubscriptExpression { // object[index]
    ExpressionPtr object;
    ExpressionPtr index;
};

struct SliceExpression { // object[start:stop:step], each may be null
    ExpressionPtr object;
    ExpressionPtr start;
    ExpressionPtr stop;
    ExpressionPtr step;
};

struct CallExpression {
    ExpressionPtr callee;
    Arguments arguments;
};

struct FilterExpression {
    ExpressionPtr object; // null: what the enclosing block captured
    std::string name;
    Arguments arguments;
};

struct TestExpression {
    ExpressionPtr object;
    std::string name;
    Arguments arguments;
    bool negated = false;
};

struct Expression {
    std::variant<NameExpression, LiteralExpression, ListExpression, DictionaryExpression, UnaryExpression,
                 BinaryExpression, CompareExpression, ConditionalExpression, AttributeExpression, SubscriptExpression,
                 SliceExpression, CallExpression, FilterExpression, TestExpression>
        node;
    int line = 1;
    int depth = 1; // of the tree below; bounded by the parser, so that walking it may recurse
};

struct TextStatement {
    std::string text;
};

struct OutputStatement {
    ExpressionPtr value;
};

struct IfStatement {
    std::vector<std::pair<ExpressionPtr, Block>> branches;
    std::unique_ptr<Block> otherwise;
};

struct ForStatement {
    std::vector<std::string> targets; // several: each item is taken apart
    ExpressionPtr items;
    ExpressionPtr condition; // may be null
    std::unique_ptr<Block> body;
    std::unique_ptr<Block> otherwise; // may be null
};

struct SetStatement {
    std::vector<std::string> targets;
    std::string member;          // of a namespace, the only target; else empty
    ExpressionPtr value;         // null: what the body prints
    std::unique_ptr<Block> body; // may be null
    ExpressionPtr filters;       // over the body; may be null
};

struct MacroStatement {
    std::string name;
    std::vector<std::pair<std::string, ExpressionPtr>> parameters; // with default, or null
    std::unique_ptr<Block> body;
};

struct FilterStatement { // {% filter … %}
    ExpressionPtr filters;
    std::unique_ptr<Block> body;
};

struct GroupStatement { // {% generation %}
    std::unique_ptr<Block> body;
};

struct BreakStatement {};

struct ContinueStatement {};

struct Statement {
    std::variant<TextStatement, OutputStatement, IfStatement, ForStatement, SetStatement, MacroStatement,
                 FilterStatement, GroupStatement, BreakStatement, ContinueStatement>
        node;
    int line = 1;
};

}
