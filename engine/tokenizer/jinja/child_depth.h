// How deep the tree below a new expression node is, so that the parser can bound it.
#pragma once

#include "engine/tokenizer/jinja/ast.h"

#include <algorithm>

namespace blockcert::tokenizer::jinja {

// The deepest of an expression's direct children.
class ChildDepth {
public:
    int depth = 0;

    void add(const ExpressionPtr& child)
    {
        if (child)
            depth = std::max(depth, child->depth);
    }

    void add(const Arguments& arguments)
    {
        for (const ExpressionPtr& argument : arguments.positional)
            add(argument);
        for (const auto& [name, argument] : arguments.named)
            add(argument);
    }

    void operator()(const NameExpression&) {}

    void operator()(const LiteralExpression&) {}

    void operator()(const ListExpression& node)
    {
        for (const ExpressionPtr& item : node.items)
            add(item);
    }

    void operator()(const DictionaryExpression& node)
    {
        for (const auto& [key, value] : node.items) {
            add(key);
            add(value);
        }
    }

    void operator()(const UnaryExpression& node) { add(node.operand); }

    void operator()(const BinaryExpression& node)
    {
        add(node.left);
        add(node.right);
    }

    void operator()(const CompareExpression& node)
    {
        add(node.first);
        for (const auto& [operation, operand] : node.rest)
            add(operand);
    }

    void operator()(const ConditionalExpression& node)
    {
        add(node.condition);
        add(node.then);
        add(node.otherwise);
    }

    void operator()(const AttributeExpression& node) { add(node.object); }

    void operator()(const SubscriptExpression& node)
    {
        add(node.object);
        add(node.index);
    }

    void operator()(const SliceExpression& node)
    {
        add(node.object);
        add(node.start);
        add(node.stop);
        add(node.step);
    }

    void operator()(const CallExpression& node)
    {
        add(node.callee);
        add(node.arguments);
    }

    void operator()(const FilterExpression& node)
    {
        add(node.object);
        add(node.arguments);
    }

    void operator()(const TestExpression& node)
    {
        add(node.object);
        add(node.arguments);
    }
};

}
