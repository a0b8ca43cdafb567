// Typed access to the members of a JSON object, with errors that name file and member.
#pragma once

#include "engine/base/error.h"
#include "engine/base/strict_json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blockcert::tokenizer {

// Null if the member is missing or null.
[[nodiscard]] inline const Json* member(const Json& object, std::string_view name)
{
    if (!object.is_object())
        return nullptr;
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

[[noreturn]] inline void badMember(std::string_view where, std::string_view name, std::string_view expected)
{
    throw FormatError(std::string(where) + ": \"" + std::string(name) + "\" must be " + std::string(expected) + ".");
}

[[nodiscard]] inline const Json& requireMember(const Json& object, std::string_view name, std::string_view where)
{
    if (const Json* value = member(object, name))
        return *value;
    throw FormatError(std::string(where) + ": \"" + std::string(name) + "\" is missing.");
}

[[nodiscard]] inline const std::string& requireText(const Json& object, std::string_view name, std::string_view where)
{
    const Json& value = requireMember(object, name, where);
    if (!value.is_string())
        badMember(where, name, "a string");
    return value.get_ref<const std::string&>();
}

[[nodiscard]] inline bool flag(const Json& object, std::string_view name, bool fallback, std::string_view where)
{
    const Json* value = member(object, name);
    if (value == nullptr)
        return fallback;
    if (!value->is_boolean())
        badMember(where, name, "true or false");
    return value->get<bool>();
}

[[nodiscard]] inline std::int64_t requireInteger(const Json& value, std::string_view what, std::string_view where)
{
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX))
        badMember(where, what, "an integer");
    return value.get<std::int64_t>();
}

}
