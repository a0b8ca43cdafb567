#include "app/engine/parameters.h"

#include "app/command_line/verb_description.h"
#include "engine/base/error.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace blockcert::engine {

namespace {

// As somebody who typed the command knows it: "--ranks" for the option behind the parameter "ranks".
std::string wordFor(const std::string& method, std::string_view key)
{
    const auto* verb = command_line::findVerb(method == "minimise" ? "failures" : method);
    if (verb != nullptr)
        for (const command_line::OptionDescription& option : verb->arguments) {
            std::string own = option.key();
            std::ranges::transform(own, own.begin(),
                                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            if (own == key)
                return option.name;
        }
    return "the parameter " + std::string(key);
}

}

Parameters::Parameters(std::string method, const Json& object)
    : m_method(std::move(method))
    , m_object(&object)
{
}

const Json* Parameters::find(std::string_view key)
{
    m_asked.emplace(key);
    const auto found = m_object->find(key);
    return found == m_object->end() || found->is_null() ? nullptr : &*found;
}

void Parameters::refuse(std::string_view key, const std::string& what) const
{
    throw UsageError(m_method + ": " + wordFor(m_method, key) + " " + what + ".");
}

std::string Parameters::text(std::string_view key)
{
    const Json* value = find(key);
    if (!value)
        refuse(key, "is missing");
    if (!value->is_string())
        refuse(key, "must be a text");
    if (value->get_ref<const std::string&>().empty())
        refuse(key, "is empty; give it a value, or leave it out");
    return value->get<std::string>();
}

std::string Parameters::text(std::string_view key, const std::string& fallback)
{
    return find(key) ? text(key) : fallback;
}

std::int64_t Parameters::integer(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most)
{
    const Json* value = find(key);
    if (!value)
        return fallback;
    const bool fits = value->is_number_integer() && *value >= least && *value <= most;
    if (!fits)
        refuse(key, "is " + value->dump() + ", which is no whole number from " + std::to_string(least) + " to " +
                        std::to_string(most));
    return value->get<std::int64_t>();
}

std::optional<double> Parameters::number(std::string_view key)
{
    const Json* value = find(key);
    if (!value)
        return std::nullopt;
    if (!value->is_number())
        refuse(key, "is " + value->dump() + ", which is no number");
    return value->get<double>();
}

bool Parameters::flag(std::string_view key)
{
    const Json* value = find(key);
    if (value && !value->is_boolean())
        refuse(key, "must be true or false");
    return value && value->get<bool>();
}

std::string Parameters::word(std::string_view key, const std::vector<std::string>& words)
{
    const Json* value = find(key);
    if (!value)
        return words.front();
    std::string list;
    for (const std::string& word : words) {
        if (*value == word)
            return word;
        list += (list.empty() ? "" : ", ") + word;
    }
    refuse(key, "is " + value->dump() + ", which is none of " + list);
}

Json Parameters::object(std::string_view key)
{
    const Json* value = find(key);
    if (!value)
        return Json::object();
    if (!value->is_object())
        refuse(key, "must be a JSON object");
    return *value;
}

Json Parameters::array(std::string_view key, std::size_t most)
{
    const Json* value = find(key);
    if (!value)
        return Json::array();
    if (!value->is_array() || value->size() > most)
        refuse(key, "must be a JSON array of at most " + std::to_string(most) + " elements");
    return *value;
}

void Parameters::finish() const
{
    for (const auto& [key, value] : m_object->items())
        if (!m_asked.contains(key))
            refuse(key, "is not known");
}

}
