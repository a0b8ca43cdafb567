#include "engine/tokenizer/jinja/interpreter.h"

#include "engine/base/error.h"
#include "engine/tokenizer/jinja/pinned_date.h"
#include "engine/tokenizer/jinja/python_text.h"

#include <algorithm>
#include <utility>

namespace blockcert::tokenizer::jinja {

namespace {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
// Clang before 17 does not deduce it for an aggregate.
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

constexpr std::int64_t longestRange = 100'000;
constexpr std::size_t longestComplaint = 1000; // bytes

// What a template says goes into a sentence for the user.
std::string shortened(std::string text)
{
    if (text.size() <= longestComplaint)
        return text;
    std::size_t end = longestComplaint;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) // not inside a character
        --end;
    return text.substr(0, end) + "\xE2\x80\xA6";
}

}

Interpreter::Interpreter(std::map<std::string, Value, std::less<>> globals, std::string date, Limits limits)
    : m_date(std::move(date))
    , m_limits(limits)
{
    m_scopes.push_back(std::move(globals));
    m_scopes.emplace_back();
    const std::pair<const char*, Function> functions[] = {{"range", Function::Range},
                                                          {"dict", Function::MakeDictionary},
                                                          {"namespace", Function::MakeNamespace},
                                                          {"raise_exception", Function::RaiseException},
                                                          {"strftime_now", Function::StrftimeNow}};
    for (const auto& [name, function] : functions)
        m_scopes.front().emplace(name, Value(Value::Data(function)));
}

std::string Interpreter::run(const Block& program)
{
    std::string output;
    const auto where = [this](const Error& error) {
        return "The chat template fails at line " + std::to_string(m_line) + ": " + error.what();
    };
    try {
        static_cast<void>(execute(program, output));
    } catch (const UsageError&) {
        throw;
    } catch (const UnsupportedError& error) {
        throw UnsupportedError(where(error));
    } catch (const ResourceError& error) {
        throw ResourceError(where(error));
    } catch (const Error& error) {
        throw FormatError(where(error));
    }
    return output;
}

void Interpreter::charge(std::size_t bytes)
{
    m_steps += 1 + static_cast<std::int64_t>(bytes / 256);
    if (m_steps > m_limits.steps)
        throw ResourceError("It needs more than " + std::to_string(m_limits.steps) + " steps.");
}

Value Interpreter::text(std::string value)
{
    charge(value.size());
    if (value.size() > m_limits.outputBytes)
        throw ResourceError("A text grows beyond " + std::to_string(m_limits.outputBytes) + " bytes.");
    return Value::text(std::move(value));
}

void Interpreter::append(std::string& output, std::string_view more)
{
    charge(more.size());
    if (output.size() + more.size() > m_limits.outputBytes)
        throw ResourceError("It prints more than " + std::to_string(m_limits.outputBytes) + " bytes.");
    output += more;
}

Interpreter::Flow Interpreter::execute(const Block& block, std::string& output)
{
    for (const Statement& statement : block)
        if (const Flow flow = execute(statement, output); flow != Flow::Normal)
            return flow;
    return Flow::Normal;
}

Interpreter::Flow Interpreter::execute(const Statement& statement, std::string& output)
{
    m_line = statement.line;
    charge(0);
    return std::visit(Overloaded{
                          [&](const TextStatement& node) {
                              append(output, node.text);
                              return Flow::Normal;
                          },
                          [&](const OutputStatement& node) {
                              const Value value = evaluate(*node.value);
                              charge(weightOf(value));
                              append(output, print(value));
                              return Flow::Normal;
                          },
                          [&](const IfStatement& node) { return runIf(node, output); },
                          [&](const ForStatement& node) { return runFor(node, output); },
                          [&](const SetStatement& node) { return runSet(node); },
                          [&](const MacroStatement& node) {
                              m_scopes.back()[node.name] = Value(Value::Data(&node));
                              return Flow::Normal;
                          },
                          [&](const FilterStatement& node) {
                              Value result;
                              const Flow flow = captured(*node.body, node.filters.get(), result);
                              append(output, print(result));
                              return flow;
                          },
                          [&](const GroupStatement& node) { return execute(*node.body, output); },
                          [](const BreakStatement&) { return Flow::Break; },
                          [](const ContinueStatement&) { return Flow::Continue; },
                      },
                      statement.node);
}

Interpreter::Flow Interpreter::runIf(const IfStatement& statement, std::string& output)
{
    for (const auto& [condition, block] : statement.branches)
        if (truth(evaluate(*condition)))
            return execute(block, output);
    return statement.otherwise ? execute(*statement.otherwise, output) : Flow::Normal;
}

Interpreter::Flow Interpreter::runFor(const ForStatement& statement, std::string& output)
{
    std::vector<Value> items = iterate(evaluate(*statement.items));
    if (statement.condition) {
        std::vector<Value> kept;
        for (Value& item : items) {
            m_scopes.emplace_back();
            assign(statement.targets, item);
            if (truth(evaluate(*statement.condition)))
                kept.push_back(std::move(item));
            m_scopes.pop_back();
        }
        items = std::move(kept);
    }
    if (items.empty())
        return statement.otherwise ? execute(*statement.otherwise, output) : Flow::Normal;
    const Value list = Value::list(items);
    const auto shared = *list.as<std::shared_ptr<const List>>();
    for (std::size_t i = 0; i < items.size(); ++i) {
        charge(0);
        m_scopes.emplace_back(); // what an iteration sets, the next does not see
        m_scopes.back()["loop"] =
            Value(Value::Data(std::make_shared<const Loop>(Loop{static_cast<std::int64_t>(i), shared})));
        assign(statement.targets, items[i]);
        const Flow flow = execute(*statement.body, output);
        m_scopes.pop_back();
        if (flow == Flow::Break)
            break;
    }
    return Flow::Normal;
}

Interpreter::Flow Interpreter::captured(const Block& body, const Expression* filters, Value& result)
{
    std::string inner;
    m_scopes.emplace_back();
    const Flow flow = execute(body, inner);
    m_scopes.pop_back();
    result = Value::text(std::move(inner));
    if (filters != nullptr) {
        const Value input = result;
        const Value* outer = std::exchange(m_captured, &input);
        result = evaluate(*filters);
        m_captured = outer;
    }
    return flow;
}

Interpreter::Flow Interpreter::runSet(const SetStatement& statement)
{
    Value value;
    Flow flow = Flow::Normal;
    if (statement.value)
        value = evaluate(*statement.value);
    else
        flow = captured(*statement.body, statement.filters.get(), value);
    if (statement.member.empty()) {
        assign(statement.targets, value);
        return flow;
    }
    const Value target = lookUp(statement.targets.front());
    const auto* space = target.as<std::shared_ptr<Namespace>>();
    if (space == nullptr)
        throw FormatError("\"" + statement.targets.front() + "\" is " + typeName(target) +
                          ", only members of a namespace can be set.");
    if (value.as<std::shared_ptr<Namespace>>() != nullptr)
        throw UnsupportedError("A namespace inside a namespace is not implemented.");
    (*space)->members[statement.member] = value;
    return flow;
}

void Interpreter::assign(const std::vector<std::string>& targets, const Value& value)
{
    if (targets.size() == 1) {
        m_scopes.back()[targets.front()] = value;
        return;
    }
    const std::vector<Value> items = iterate(value);
    if (items.size() != targets.size())
        throw FormatError(std::to_string(targets.size()) + " names cannot take " + std::to_string(items.size()) +
                          " values.");
    for (std::size_t i = 0; i < items.size(); ++i)
        m_scopes.back()[targets[i]] = items[i];
}

Value Interpreter::lookUp(const std::string& name) const
{
    for (auto scope = m_scopes.rbegin(); scope != m_scopes.rend(); ++scope)
        if (const auto found = scope->find(name); found != scope->end())
            return found->second;
    return Value::undefined(name);
}

Value Interpreter::optional(const ExpressionPtr& expression)
{
    return expression ? evaluate(*expression) : Value::none();
}

Value Interpreter::evaluate(const Expression& expression)
{
    charge(0);
    return std::visit(
        Overloaded{
            [&](const NameExpression& node) { return lookUp(node.name); },
            [&](const LiteralExpression& node) { return node.value; },
            [&](const ListExpression& node) {
                std::vector<Value> items;
                for (const ExpressionPtr& item : node.items)
                    items.push_back(evaluate(*item));
                return Value::list(std::move(items), node.tuple);
            },
            [&](const DictionaryExpression& node) {
                std::vector<std::pair<std::string, Value>> items;
                for (const auto& [key, value] : node.items) {
                    const Value name = evaluate(*key);
                    if (name.asText() == nullptr)
                        throw UnsupportedError("A dictionary key that is " + typeName(name) + " is not implemented.");
                    items.emplace_back(*name.asText(), evaluate(*value));
                }
                return Value::dictionary(std::move(items));
            },
            [&](const UnaryExpression& node) { return unary(node); },
            [&](const BinaryExpression& node) { return binary(node); },
            [&](const CompareExpression& node) { return Value::boolean(compareAll(node)); },
            [&](const ConditionalExpression& node) {
                if (truth(evaluate(*node.condition)))
                    return evaluate(*node.then);
                return node.otherwise ? evaluate(*node.otherwise) : Value::undefined("the missing else of an if");
            },
            [&](const AttributeExpression& node) { return attribute(evaluate(*node.object), node.name); },
            [&](const SubscriptExpression& node) {
                const Value object = evaluate(*node.object);
                return subscript(object, evaluate(*node.index));
            },
            [&](const SliceExpression& node) { return slice(node); },
            [&](const CallExpression& node) { return call(node); },
            [&](const FilterExpression& node) { return filter(node); },
            [&](const TestExpression& node) {
                const Value object = evaluate(*node.object);
                return Value::boolean(applyTest(node.name, object, evaluate(node.name, node.arguments)) !=
                                      node.negated);
            },
        },
        expression.node);
}

CallArguments Interpreter::evaluate(const std::string& function, const Arguments& arguments)
{
    std::vector<Value> positional;
    for (const ExpressionPtr& argument : arguments.positional)
        positional.push_back(evaluate(*argument));
    std::vector<std::pair<std::string, Value>> named;
    for (const auto& [name, argument] : arguments.named)
        named.emplace_back(name, evaluate(*argument));
    return {function, std::move(positional), std::move(named)};
}

Value Interpreter::filter(const FilterExpression& node)
{
    const Value object = node.object ? evaluate(*node.object) : m_captured != nullptr ? *m_captured : Value();
    charge(weightOf(object));
    return applyFilter(node.name, object, evaluate(node.name, node.arguments));
}

Value Interpreter::call(const CallExpression& node)
{
    // A method is looked for before a member: Python's order.
    if (const auto* method = std::get_if<AttributeExpression>(&node.callee->node)) {
        const Value object = evaluate(*method->object);
        const Value member = attribute(object, method->name);
        if (member.isUndefined() || member.asText() != nullptr) {
            charge(weightOf(object));
            return callMethod(*this, object, method->name, evaluate(method->name, node.arguments));
        }
    }
    const Value callee = evaluate(*node.callee);
    if (const auto* macro = callee.as<const MacroStatement*>())
        return callMacro(**macro, evaluate((*macro)->name, node.arguments));
    if (const auto* function = callee.as<Function>())
        return callFunction(*function, evaluate("the function", node.arguments));
    throw FormatError("It calls " + typeName(callee) +
                      (callee.isUndefined() ? " (\"" + callee.as<Undefined>()->name + "\")" : "") + ".");
}

Value Interpreter::callMacro(const MacroStatement& macro, CallArguments arguments)
{
    if (++m_macroDepth > m_limits.macroDepth)
        throw ResourceError("Macros call each other deeper than " + std::to_string(m_limits.macroDepth) + " levels.");
    // A macro sees its parameters and the top level, not its caller's loops.
    std::vector<Scope> callerScopes(std::make_move_iterator(m_scopes.begin() + 2),
                                    std::make_move_iterator(m_scopes.end()));
    m_scopes.resize(2);
    m_scopes.emplace_back();
    for (const auto& [name, fallback] : macro.parameters) {
        Value value = arguments.next(name);
        if (value.isUndefined() && fallback)
            value = evaluate(*fallback);
        m_scopes.back()[name] = std::move(value);
    }
    arguments.finish();
    std::string output;
    static_cast<void>(execute(*macro.body, output));
    m_scopes.resize(2);
    std::ranges::move(callerScopes, std::back_inserter(m_scopes));
    --m_macroDepth;
    return Value::text(std::move(output));
}

Value Interpreter::callFunction(Function function, CallArguments arguments)
{
    switch (function) {
    case Function::Range: {
        std::vector<std::int64_t> bounds;
        for (const Value& value : arguments.restPositional()) {
            const auto* integer = value.as<std::int64_t>();
            if (integer == nullptr)
                throw FormatError("range() needs integers, not " + typeName(value) + ".");
            bounds.push_back(*integer);
        }
        arguments.finish();
        if (bounds.empty() || bounds.size() > 3)
            throw FormatError("range() needs one to three integers.");
        const std::int64_t start = bounds.size() == 1 ? 0 : bounds[0];
        const std::int64_t stop = bounds.size() == 1 ? bounds[0] : bounds[1];
        const std::int64_t step = bounds.size() == 3 ? bounds[2] : 1;
        if (step == 0 || std::max({std::abs(start), std::abs(stop), std::abs(step)}) > (std::int64_t{1} << 40))
            throw FormatError("range() has a step of 0 or bounds that are too large.");
        std::vector<Value> items;
        for (std::int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
            charge(0);
            if (static_cast<std::int64_t>(items.size()) >= longestRange)
                throw ResourceError("range() yields more than " + std::to_string(longestRange) + " numbers.");
            items.push_back(Value::integer(i));
        }
        return Value::list(std::move(items));
    }
    case Function::MakeDictionary: {
        auto items = arguments.restNamed();
        arguments.finish();
        return Value::dictionary(std::move(items));
    }
    case Function::MakeNamespace: {
        auto space = std::make_shared<Namespace>();
        const std::vector<Value> bases = arguments.restPositional();
        for (const Value& base : bases) {
            if (base.asDictionary() == nullptr)
                throw UnsupportedError("namespace() of " + typeName(base) + " is not implemented.");
            for (const auto& [name, value] : base.asDictionary()->items)
                space->members[name] = value;
        }
        for (auto& [name, value] : arguments.restNamed()) {
            if (value.as<std::shared_ptr<Namespace>>() != nullptr)
                throw UnsupportedError("A namespace inside a namespace is not implemented.");
            space->members[name] = std::move(value);
        }
        return Value(Value::Data(std::move(space)));
    }
    case Function::RaiseException:
        throw UsageError("The model's chat template refuses these messages: " +
                         shortened(print(arguments.require("message"))));
    case Function::StrftimeNow: {
        const std::string format = arguments.requireText("format");
        arguments.finish();
        m_usedDate = true;
        charge(format.size());
        return text(formatDate(m_date, format));
    }
    }
    return {};
}

}
