#include "engine/base/error.h"
#include "engine/tokenizer/jinja/interpreter.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace blockcert::tokenizer::jinja {

CallArguments::CallArguments(std::string function, std::vector<Value> positional,
                             std::vector<std::pair<std::string, Value>> named)
    : m_function(std::move(function))
    , m_positional(std::move(positional))
    , m_named(std::move(named))
{
}

Value CallArguments::next(std::string_view name)
{
    if (m_next < m_positional.size())
        return m_positional[m_next++];
    const auto found = std::ranges::find_if(m_named, [name](const auto& entry) { return entry.first == name; });
    if (found == m_named.end())
        return Value::undefined(std::string(name));
    Value value = std::move(found->second);
    m_named.erase(found);
    return value;
}

Value CallArguments::require(std::string_view name)
{
    Value value = next(name);
    if (value.isUndefined())
        throw FormatError("\"" + m_function + "\" needs the argument \"" + std::string(name) + "\".");
    return value;
}

std::string CallArguments::requireText(std::string_view name)
{
    const Value value = require(name);
    if (value.asText() == nullptr)
        throw FormatError("\"" + m_function + "\" needs a string as \"" + std::string(name) + "\", not " +
                          typeName(value) + ".");
    return *value.asText();
}

std::int64_t CallArguments::integer(std::string_view name, std::int64_t fallback)
{
    const Value value = next(name);
    if (value.isUndefined() || value.isNone())
        return fallback;
    const std::int64_t* integer = value.as<std::int64_t>();
    if (integer == nullptr)
        throw FormatError("\"" + m_function + "\" needs an integer as \"" + std::string(name) + "\", not " +
                          typeName(value) + ".");
    return *integer;
}

bool CallArguments::flag(std::string_view name, bool fallback)
{
    const Value value = next(name);
    return value.isUndefined() ? fallback : truth(value);
}

std::vector<Value> CallArguments::restPositional()
{
    std::vector<Value> rest(std::make_move_iterator(m_positional.begin() + static_cast<std::ptrdiff_t>(m_next)),
                            std::make_move_iterator(m_positional.end()));
    m_next = m_positional.size();
    return rest;
}

std::vector<std::pair<std::string, Value>> CallArguments::restNamed()
{
    return std::exchange(m_named, {});
}

void CallArguments::finish() const
{
    if (m_next < m_positional.size())
        throw UnsupportedError("\"" + m_function + "\" gets more arguments than this version implements.");
    if (!m_named.empty())
        throw UnsupportedError("\"" + m_function + "\" gets the argument \"" + m_named.front().first +
                               "\", which this version does not implement.");
}

}
