#include "engine/artifact/config_fields.h"

#include "engine/artifact/shown.h"
#include "engine/base/error.h"

#include <cmath>
#include <utility>

namespace blockcert::artifact {

ConfigFields::ConfigFields(const Json& object, std::string source)
    : m_object(object)
    , m_source(std::move(source))
{
    if (!object.is_object())
        throw FormatError(m_source + " is not a JSON object.");
}

const Json* ConfigFields::find(const char* key)
{
    m_read.insert(key);
    const auto found = m_object.find(key);
    return found == m_object.end() || found->is_null() ? nullptr : &*found;
}

std::string ConfigFields::describe(const std::string& key) const
{
    const std::string value = m_object.at(key).dump(-1, ' ', true, Json::error_handler_t::replace);
    return shown(key) + " is " + (value.size() > 120 ? value.substr(0, 120) + "…" : value);
}

void ConfigFields::refuse(const char* key, const std::string& expected) const
{
    throw FormatError(m_source + ": " + describe(key) + ", where " + expected + " is expected.");
}

std::optional<std::int64_t> ConfigFields::integer(const char* key, std::int64_t smallest, std::int64_t largest)
{
    const Json* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    const std::string expected = "an integer from " + std::to_string(smallest) + " to " + std::to_string(largest);
    if (!value->is_number_integer())
        refuse(key, expected);
    if (value->is_number_unsigned() && !std::in_range<std::int64_t>(value->get<std::uint64_t>()))
        refuse(key, expected);
    const auto number = value->get<std::int64_t>();
    if (number < smallest || number > largest)
        refuse(key, expected);
    return number;
}

std::int64_t ConfigFields::requiredInteger(const char* key, std::int64_t smallest, std::int64_t largest)
{
    const std::optional<std::int64_t> value = integer(key, smallest, largest);
    if (!value)
        throw FormatError(m_source + " has no " + shown(key) + ", which every model of this kind states.");
    return *value;
}

std::optional<double> ConfigFields::positive(const char* key)
{
    const Json* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (!value->is_number() || !std::isfinite(value->get<double>()) || value->get<double>() <= 0)
        refuse(key, "a positive number");
    return value->get<double>();
}

std::optional<bool> ConfigFields::flag(const char* key)
{
    const Json* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (!value->is_boolean())
        refuse(key, "true or false");
    return value->get<bool>();
}

std::optional<std::string> ConfigFields::text(const char* key)
{
    const Json* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (!value->is_string())
        refuse(key, "text");
    return value->get<std::string>();
}

std::vector<std::int64_t> ConfigFields::integers(const char* key)
{
    const Json* value = find(key);
    if (value == nullptr)
        return {};
    const Json list = value->is_array() ? *value : Json::array({*value});
    if (list.size() > 64)
        refuse(key, "a list of at most 64 integers");
    std::vector<std::int64_t> numbers;
    for (const Json& entry : list) {
        if (!entry.is_number_integer() ||
            (entry.is_number_unsigned() && !std::in_range<std::int64_t>(entry.get<std::uint64_t>())))
            refuse(key, "an integer or a list of integers");
        numbers.push_back(entry.get<std::int64_t>());
    }
    return numbers;
}

const Json* ConfigFields::object(const char* key)
{
    const Json* value = find(key);
    if (value != nullptr && !value->is_object())
        refuse(key, "an object");
    return value;
}

std::vector<std::string> ConfigFields::unread() const
{
    std::vector<std::string> keys;
    for (const auto& [key, value] : m_object.items()) {
        if (!value.is_null() && !m_read.contains(key))
            keys.push_back(key);
    }
    return keys;
}

bool isSwitchedOff(const Json& value)
{
    switch (value.type()) {
    case Json::value_t::null: return true;
    case Json::value_t::boolean: return !value.get<bool>();
    case Json::value_t::string:
    case Json::value_t::array:
    case Json::value_t::object:
        return value.empty() || (value.is_string() && value.get_ref<const std::string&>().empty());
    default: return value.is_number() && value.get<double>() == 0;
    }
}

}
