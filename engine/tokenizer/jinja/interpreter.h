// Runs a parsed chat template within bounds.
#pragma once

#include "engine/tokenizer/jinja/ast.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::tokenizer::jinja {

// What a template may use up; a step is an evaluated node or 256 bytes of text that are copied or compared.
struct Limits {
    std::int64_t steps = 1'000'000;
    std::size_t outputBytes = 1U << 20U; // also the size of any single text
    int macroDepth = 16;
};

// Values of arguments, taken by position or name.
class CallArguments {
public:
    CallArguments(std::string function, std::vector<Value> positional,
                  std::vector<std::pair<std::string, Value>> named);

    // The next parameter; undefined if it is not given.
    [[nodiscard]] Value next(std::string_view name);
    [[nodiscard]] Value require(std::string_view name);
    [[nodiscard]] std::string requireText(std::string_view name);
    [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t fallback);
    [[nodiscard]] bool flag(std::string_view name, bool fallback);
    // All that are left, in order.
    [[nodiscard]] std::vector<Value> restPositional();
    [[nodiscard]] std::vector<std::pair<std::string, Value>> restNamed();
    // Throws UnsupportedError if something was given that nobody asked for.
    void finish() const;

private:
    std::string m_function;
    std::vector<Value> m_positional;
    std::vector<std::pair<std::string, Value>> m_named;
    std::size_t m_next = 0;
};

// Single use, single thread.
class Interpreter {
public:
    Interpreter(std::map<std::string, Value, std::less<>> globals, std::string date, Limits limits);

    // Throws FormatError for what Python would refuse, UnsupportedError for what is not implemented, UsageError for
    // raise_exception(), ResourceError beyond the limits; all name the line.
    [[nodiscard]] std::string run(const Block& program);

    [[nodiscard]] bool usedDate() const { return m_usedDate; }

    // For filters, tests and methods.
    void charge(std::size_t bytes);
    [[nodiscard]] Value text(std::string value); // refused above the limit
    // The items of a list, the keys of a dictionary, the code points of a string, nothing of undefined.
    [[nodiscard]] std::vector<Value> iterate(const Value& value);
    [[nodiscard]] Value attribute(const Value& object, std::string_view name);
    [[nodiscard]] bool contains(const Value& container, const Value& item);
    [[nodiscard]] Value applyFilter(const std::string& name, const Value& object, CallArguments arguments);
    [[nodiscard]] bool applyTest(const std::string& name, const Value& object, CallArguments arguments);

private:
    enum class Flow : std::uint8_t { Normal, Break, Continue };
    using Scope = std::map<std::string, Value, std::less<>>;

    [[nodiscard]] Flow execute(const Block& block, std::string& output);
    [[nodiscard]] Flow execute(const Statement& statement, std::string& output);
    [[nodiscard]] Flow runFor(const ForStatement& statement, std::string& output);
    [[nodiscard]] Flow runIf(const IfStatement& statement, std::string& output);
    [[nodiscard]] Flow runSet(const SetStatement& statement);
    [[nodiscard]] Flow captured(const Block& body, const Expression* filters, Value& result);
    void append(std::string& output, std::string_view text);
    void assign(const std::vector<std::string>& targets, const Value& value);

    [[nodiscard]] Value evaluate(const Expression& expression);
    [[nodiscard]] Value optional(const ExpressionPtr& expression);
    [[nodiscard]] Value lookUp(const std::string& name) const;
    [[nodiscard]] Value binary(const BinaryExpression& node);
    [[nodiscard]] Value arithmetic(BinaryOperator operation, const Value& left, const Value& right);
    [[nodiscard]] Value add(const Value& left, const Value& right);
    [[nodiscard]] Value repeat(const Value& value, std::int64_t times);
    [[nodiscard]] Value unary(const UnaryExpression& node);
    [[nodiscard]] bool compareAll(const CompareExpression& node);
    [[nodiscard]] bool compareTwo(Comparison operation, const Value& left, const Value& right);
    [[nodiscard]] Value subscript(const Value& object, const Value& index);
    [[nodiscard]] Value slice(const SliceExpression& node);
    [[nodiscard]] Value filter(const FilterExpression& node);
    [[nodiscard]] Value call(const CallExpression& node);
    [[nodiscard]] Value callFunction(Function function, CallArguments arguments);
    [[nodiscard]] Value callMacro(const MacroStatement& macro, CallArguments arguments);
    [[nodiscard]] CallArguments evaluate(const std::string& function, const Arguments& arguments);

    std::vector<Scope> m_scopes; // the first holds globals, the second what the top level sets
    std::string m_date;
    Limits m_limits;
    std::int64_t m_steps = 0;
    int m_line = 1;
    int m_macroDepth = 0;
    bool m_usedDate = false;
    const Value* m_captured = nullptr; // what a filter block works on
};

// Methods of strings, dictionaries and lists.
[[nodiscard]] Value callMethod(Interpreter& interpreter, const Value& object, const std::string& name,
                               CallArguments arguments);

}
