// The tests of the interpreter: value is name(arguments).
#include "engine/base/error.h"
#include "engine/tokenizer/jinja/interpreter.h"

#include <functional>

namespace blockcert::tokenizer::jinja {

namespace {

struct Input {
    Interpreter& interpreter;
    const Value& object;
    CallArguments& arguments;

    [[nodiscard]] Value other() const { return arguments.require("other"); }
};

bool isInteger(const Value& value)
{
    return value.as<std::int64_t>() != nullptr;
}

bool isSequence(const Value& value)
{
    return value.asText() != nullptr || value.asList() != nullptr || value.asDictionary() != nullptr ||
           value.isUndefined();
}

std::int64_t requireInteger(const Value& value)
{
    if (const std::optional<std::int64_t> integer = integerOf(value))
        return *integer;
    throw FormatError("A test of numbers is asked of " + typeName(value) + ".");
}

bool divisible(const Input& in)
{
    const std::int64_t by = requireInteger(in.arguments.require("num"));
    if (by == 0)
        throw FormatError("It divides by zero.");
    return by == -1 || requireInteger(in.object) % by == 0;
}

// Identity; for values without identity of their own it is equality of kind and content.
bool sameAs(const Input& in)
{
    const Value other = in.other();
    return in.object.data().index() == other.data().index() && equal(in.object, other);
}

bool isCallable(const Value& value)
{
    return value.as<Function>() != nullptr || value.as<const MacroStatement*>() != nullptr;
}

const std::map<std::string, std::function<bool(const Input&)>, std::less<>>& testTable()
{
    static const std::map<std::string, std::function<bool(const Input&)>, std::less<>> table = {
        {"defined", [](const Input& in) { return !in.object.isUndefined(); }},
        {"undefined", [](const Input& in) { return in.object.isUndefined(); }},
        {"none", [](const Input& in) { return in.object.isNone(); }},
        {"string", [](const Input& in) { return in.object.asText() != nullptr; }},
        {"number", [](const Input& in) { return in.object.isNumber(); }},
        {"integer", [](const Input& in) { return isInteger(in.object); }},
        {"float", [](const Input& in) { return in.object.as<double>() != nullptr; }},
        {"boolean", [](const Input& in) { return in.object.as<bool>() != nullptr; }},
        {"true", [](const Input& in) { return in.object.as<bool>() != nullptr && *in.object.as<bool>(); }},
        {"false", [](const Input& in) { return in.object.as<bool>() != nullptr && !*in.object.as<bool>(); }},
        {"mapping", [](const Input& in) { return in.object.asDictionary() != nullptr; }},
        {"sequence", [](const Input& in) { return isSequence(in.object); }},
        {"iterable", [](const Input& in) { return isSequence(in.object); }},
        {"callable", [](const Input& in) { return isCallable(in.object); }},
        {"sameas", sameAs},
        {"divisibleby", divisible},
        {"even", [](const Input& in) { return requireInteger(in.object) % 2 == 0; }},
        {"odd", [](const Input& in) { return requireInteger(in.object) % 2 != 0; }},
        {"in", [](const Input& in) { return in.interpreter.contains(in.arguments.require("seq"), in.object); }},
        {"equalto", [](const Input& in) { return equal(in.object, in.other()); }},
        {"eq", [](const Input& in) { return equal(in.object, in.other()); }},
        {"==", [](const Input& in) { return equal(in.object, in.other()); }},
        {"ne", [](const Input& in) { return !equal(in.object, in.other()); }},
        {"!=", [](const Input& in) { return !equal(in.object, in.other()); }},
        {"lt", [](const Input& in) { return compare(in.object, in.other()) < 0; }},
        {"lessthan", [](const Input& in) { return compare(in.object, in.other()) < 0; }},
        {"le", [](const Input& in) { return compare(in.object, in.other()) <= 0; }},
        {"gt", [](const Input& in) { return compare(in.object, in.other()) > 0; }},
        {"greaterthan", [](const Input& in) { return compare(in.object, in.other()) > 0; }},
        {"ge", [](const Input& in) { return compare(in.object, in.other()) >= 0; }},
    };
    return table;
}

}

bool Interpreter::applyTest(const std::string& name, const Value& object, CallArguments arguments)
{
    const auto found = testTable().find(name);
    if (found == testTable().end())
        throw UnsupportedError("The test \"" + name + "\" is not implemented.");
    charge(weightOf(object));
    const bool result = found->second(Input{*this, object, arguments});
    arguments.finish();
    return result;
}

}
