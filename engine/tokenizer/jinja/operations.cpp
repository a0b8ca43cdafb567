// Operators, members and iteration of the interpreter.
#include "engine/base/error.h"
#include "engine/tokenizer/jinja/interpreter.h"
#include "engine/tokenizer/jinja/python_text.h"

#include <algorithm>
#include <cmath>

namespace blockcert::tokenizer::jinja {

namespace {

[[noreturn]] void undefinedUse(const Value& value, const std::string& what)
{
    throw FormatError("\"" + value.as<Undefined>()->name + "\" is undefined, but " + what + ".");
}

std::int64_t integerArithmetic(BinaryOperator operation, std::int64_t a, std::int64_t b)
{
    std::int64_t result = 0;
    bool overflow = false;
    if (operation == BinaryOperator::Add) {
        overflow = __builtin_add_overflow(a, b, &result);
    } else if (operation == BinaryOperator::Subtract) {
        overflow = __builtin_sub_overflow(a, b, &result);
    } else if (operation == BinaryOperator::Multiply) {
        overflow = __builtin_mul_overflow(a, b, &result);
    } else if (b == 0) {
        throw FormatError("It divides by zero.");
    } else if (b == -1) { // the one divisor whose quotient may not fit
        if (operation == BinaryOperator::FloorDivide)
            overflow = __builtin_sub_overflow(0, a, &result);
    } else {
        const std::int64_t rest = a % b;
        const bool adjust = rest != 0 && (rest < 0) != (b < 0); // Python rounds down
        result = operation == BinaryOperator::Modulo ? rest + (adjust ? b : 0) : a / b - (adjust ? 1 : 0);
    }
    if (overflow)
        throw UnsupportedError("Integers beyond 64 bits are not implemented.");
    return result;
}

std::int64_t integerPower(std::int64_t base, std::int64_t exponent)
{
    std::int64_t result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0)
            result = integerArithmetic(BinaryOperator::Multiply, result, base);
        if (exponent > 1)
            base = integerArithmetic(BinaryOperator::Multiply, base, base);
    }
    return result;
}

double floatArithmetic(BinaryOperator operation, double a, double b)
{
    switch (operation) {
    case BinaryOperator::Add: return a + b;
    case BinaryOperator::Subtract: return a - b;
    case BinaryOperator::Multiply: return a * b;
    case BinaryOperator::Power: return std::pow(a, b);
    default: break;
    }
    if (b == 0)
        throw FormatError("It divides by zero.");
    if (operation == BinaryOperator::Divide)
        return a / b;
    if (operation == BinaryOperator::FloorDivide)
        return std::floor(a / b);
    const double rest = std::fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Value loopMember(const Loop& loop, std::string_view name)
{
    const auto length = static_cast<std::int64_t>(loop.items->items.size());
    const auto item = [&](std::int64_t index) {
        return index >= 0 && index < length ? loop.items->items[static_cast<std::size_t>(index)]
                                            : Value::undefined("there is no " + std::string(name));
    };
    if (name == "index")
        return Value::integer(loop.index + 1);
    if (name == "index0")
        return Value::integer(loop.index);
    if (name == "revindex")
        return Value::integer(length - loop.index);
    if (name == "revindex0")
        return Value::integer(length - loop.index - 1);
    if (name == "first")
        return Value::boolean(loop.index == 0);
    if (name == "last")
        return Value::boolean(loop.index + 1 == length);
    if (name == "length")
        return Value::integer(length);
    if (name == "previtem")
        return item(loop.index - 1);
    if (name == "nextitem")
        return item(loop.index + 1);
    throw UnsupportedError("loop." + std::string(name) + " is not implemented.");
}

}

Value Interpreter::unary(const UnaryExpression& node)
{
    const Value operand = evaluate(*node.operand);
    if (node.operation == UnaryOperator::Not)
        return Value::boolean(!truth(operand));
    if (!operand.isNumber())
        throw FormatError("A sign in front of " + typeName(operand) + ".");
    if (const double* number = operand.as<double>())
        return Value::number(node.operation == UnaryOperator::Minus ? -*number : *number);
    const std::int64_t value = *integerOf(operand);
    return Value::integer(node.operation == UnaryOperator::Minus ? integerArithmetic(BinaryOperator::Subtract, 0, value)
                                                                 : value);
}

Value Interpreter::binary(const BinaryExpression& node)
{
    Value left = evaluate(*node.left);
    if (node.operation == BinaryOperator::And)
        return truth(left) ? evaluate(*node.right) : left;
    if (node.operation == BinaryOperator::Or)
        return truth(left) ? left : evaluate(*node.right);
    const Value right = evaluate(*node.right);
    if (node.operation != BinaryOperator::Concat)
        return arithmetic(node.operation, left, right);
    charge(weightOf(left) + weightOf(right));
    return text(print(left) + print(right));
}

Value Interpreter::add(const Value& left, const Value& right)
{
    if (left.asText() != nullptr && right.asText() != nullptr)
        return text(*left.asText() + *right.asText());
    const List* a = left.asList();
    const List* b = right.asList();
    if (a == nullptr || b == nullptr || a->tuple != b->tuple)
        throw FormatError("It adds " + typeName(left) + " and " + typeName(right) + ".");
    charge((a->items.size() + b->items.size()) * 64);
    std::vector<Value> items = a->items;
    items.insert(items.end(), b->items.begin(), b->items.end());
    return Value::list(std::move(items), a->tuple);
}

Value Interpreter::repeat(const Value& value, std::int64_t times)
{
    times = std::max<std::int64_t>(times, 0);
    if (static_cast<std::uint64_t>(times) > m_limits.outputBytes)
        throw ResourceError("It repeats a value " + std::to_string(times) + " times.");
    const auto count = static_cast<std::size_t>(times);
    if (const std::string* unit = value.asText()) {
        if (!unit->empty() && count > m_limits.outputBytes / unit->size())
            throw ResourceError("A text grows beyond " + std::to_string(m_limits.outputBytes) + " bytes.");
        std::string result;
        for (std::size_t i = 0; i < count; ++i)
            result += *unit;
        return text(std::move(result));
    }
    std::vector<Value> items;
    for (std::size_t i = 0; i < count; ++i) {
        charge(value.asList()->items.size() * 64);
        items.insert(items.end(), value.asList()->items.begin(), value.asList()->items.end());
    }
    return Value::list(std::move(items), value.asList()->tuple);
}

Value Interpreter::arithmetic(BinaryOperator operation, const Value& left, const Value& right)
{
    for (const Value* value : {&left, &right})
        if (value->isUndefined())
            undefinedUse(*value, "it is calculated with");
    const bool numbers = left.isNumber() && right.isNumber();
    if (!numbers && operation == BinaryOperator::Add)
        return add(left, right);
    const auto sequence = [](const Value& value) { return value.asText() != nullptr || value.asList() != nullptr; };
    const auto leftInteger = integerOf(left);
    const auto rightInteger = integerOf(right);
    if (operation == BinaryOperator::Multiply && sequence(left) && rightInteger)
        return repeat(left, *rightInteger);
    if (operation == BinaryOperator::Multiply && sequence(right) && leftInteger)
        return repeat(right, *leftInteger);
    if (operation == BinaryOperator::Modulo && left.asText() != nullptr)
        throw UnsupportedError("Formatting a text with % is not implemented.");
    if (!numbers)
        throw FormatError("It calculates with " + typeName(left) + " and " + typeName(right) + ".");
    const bool integers = leftInteger && rightInteger;
    if (integers && operation == BinaryOperator::Power && *rightInteger >= 0)
        return Value::integer(integerPower(*leftInteger, *rightInteger));
    if (integers && operation != BinaryOperator::Divide && operation != BinaryOperator::Power)
        return Value::integer(integerArithmetic(operation, *leftInteger, *rightInteger));
    return Value::number(floatArithmetic(operation, toDouble(left), toDouble(right)));
}

bool Interpreter::compareAll(const CompareExpression& node)
{
    Value left = evaluate(*node.first);
    for (const auto& [operation, operand] : node.rest) {
        Value right = evaluate(*operand);
        charge(std::min(weightOf(left), weightOf(right)));
        if (!compareTwo(operation, left, right))
            return false;
        left = std::move(right);
    }
    return true;
}

bool Interpreter::compareTwo(Comparison operation, const Value& left, const Value& right)
{
    switch (operation) {
    case Comparison::Equal: return equal(left, right);
    case Comparison::NotEqual: return !equal(left, right);
    case Comparison::Less: return compare(left, right) < 0;
    case Comparison::LessEqual: return compare(left, right) <= 0;
    case Comparison::Greater: return compare(left, right) > 0;
    case Comparison::GreaterEqual: return compare(left, right) >= 0;
    case Comparison::In: return contains(right, left);
    case Comparison::NotIn: return !contains(right, left);
    }
    return false;
}

bool Interpreter::contains(const Value& container, const Value& item)
{
    charge(weightOf(container));
    if (const std::string* whole = container.asText()) {
        if (item.asText() == nullptr)
            throw FormatError("It looks for " + typeName(item) + " in a string.");
        return findText(*whole, *item.asText()) != std::string::npos;
    }
    if (const List* list = container.asList()) {
        charge(list->items.size() * std::min<std::size_t>(weightOf(item), 4096));
        return std::ranges::any_of(list->items, [&item](const Value& other) { return equal(item, other); });
    }
    if (const Dictionary* dictionary = container.asDictionary())
        return item.asText() != nullptr && dictionary->find(*item.asText()) != nullptr;
    if (container.isUndefined())
        return false;
    throw FormatError("It looks into " + typeName(container) + ".");
}

std::vector<Value> Interpreter::iterate(const Value& value)
{
    std::vector<Value> items;
    if (const List* list = value.asList()) {
        charge(list->items.size() * 64);
        return list->items;
    }
    if (const Dictionary* dictionary = value.asDictionary()) {
        for (const auto& [key, item] : dictionary->items) {
            charge(key.size());
            items.push_back(Value::text(key));
        }
    } else if (const std::string* whole = value.asText()) {
        for (const std::string_view c : codePoints(*whole)) {
            charge(0);
            items.push_back(Value::text(std::string(c)));
        }
    } else if (!value.isUndefined()) {
        throw FormatError("It loops over " + typeName(value) + ".");
    }
    return items;
}

Value Interpreter::attribute(const Value& object, std::string_view name)
{
    if (object.isUndefined())
        undefinedUse(object, "its member \"" + std::string(name) + "\" is used");
    const Value missing = Value::undefined(std::string(name));
    if (const auto* space = object.as<std::shared_ptr<Namespace>>()) {
        const auto found = (*space)->members.find(name);
        return found == (*space)->members.end() ? missing : found->second;
    }
    if (const auto* loop = object.as<std::shared_ptr<const Loop>>())
        return loopMember(**loop, name);
    if (const Dictionary* dictionary = object.asDictionary())
        if (const Value* value = dictionary->find(name))
            return *value;
    return missing;
}

Value Interpreter::subscript(const Value& object, const Value& index)
{
    if (object.isUndefined())
        undefinedUse(object, "it is indexed");
    if (const std::string* name = index.asText())
        return attribute(object, *name);
    const std::optional<std::int64_t> position = integerOf(index);
    if (!position)
        return Value::undefined(print(index));
    const auto place = [&](std::size_t length) -> std::optional<std::size_t> {
        const std::int64_t value = *position < 0 ? *position + static_cast<std::int64_t>(length) : *position;
        if (value < 0 || value >= static_cast<std::int64_t>(length))
            return std::nullopt;
        return static_cast<std::size_t>(value);
    };
    if (const List* list = object.asList()) {
        const auto at = place(list->items.size());
        return at ? list->items[*at] : Value::undefined("item " + std::to_string(*position));
    }
    if (const std::string* whole = object.asText()) {
        charge(whole->size());
        const auto letters = codePoints(*whole);
        const auto at = place(letters.size());
        return at ? Value::text(std::string(letters[*at])) : Value::undefined("item " + std::to_string(*position));
    }
    return Value::undefined("item " + std::to_string(*position));
}

Value Interpreter::slice(const SliceExpression& node)
{
    const Value object = evaluate(*node.object);
    const auto bound = [&](const ExpressionPtr& expression) -> std::optional<std::int64_t> {
        const Value value = optional(expression);
        if (value.isNone())
            return std::nullopt;
        const std::optional<std::int64_t> integer = integerOf(value);
        if (!integer)
            throw FormatError("It slices with " + typeName(value) + ".");
        return std::clamp(*integer, -(std::int64_t{1} << 40), std::int64_t{1} << 40);
    };
    const auto start = bound(node.start);
    const auto stop = bound(node.stop);
    const auto step = bound(node.step);
    if (object.isUndefined())
        undefinedUse(object, "it is sliced");
    if (const List* list = object.asList()) {
        charge(list->items.size() * 64);
        std::vector<Value> items;
        for (const std::int64_t i : sliceIndices(static_cast<std::int64_t>(list->items.size()), start, stop, step))
            items.push_back(list->items[static_cast<std::size_t>(i)]);
        return Value::list(std::move(items), list->tuple);
    }
    if (const std::string* whole = object.asText()) {
        charge(whole->size() * 4);
        const auto letters = codePoints(*whole);
        std::string result;
        for (const std::int64_t i : sliceIndices(static_cast<std::int64_t>(letters.size()), start, stop, step))
            result += letters[static_cast<std::size_t>(i)];
        return text(std::move(result));
    }
    return Value::undefined("a part of " + typeName(object));
}

}
