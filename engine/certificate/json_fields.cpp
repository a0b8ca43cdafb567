#include "engine/certificate/json_fields.h"

#include "engine/base/error.h"
#include "engine/base/schema_name.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace blockcert::certificate {

namespace {

// A day and second that exist, to the second, with four digits of a year from 1 on.
bool isUtcTime(std::string_view text)
{
    constexpr std::string_view form = "dddd-dd-ddTdd:dd:ddZ";
    const auto fits = [](char c, char wanted) { return wanted == 'd' ? c >= '0' && c <= '9' : c == wanted; };
    if (text.size() != form.size() || !std::equal(text.begin(), text.end(), form.begin(), fits))
        return false;
    const auto number = [&](std::size_t at, std::size_t digits) {
        int value = 0;
        for (const char c : text.substr(at, digits))
            value = 10 * value + (c - '0');
        return value;
    };
    const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                          std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                          std::chrono::day(static_cast<unsigned>(number(8, 2)))};
    return number(0, 4) > 0 && day.ok() && number(11, 2) < 24 && number(14, 2) < 60 && number(17, 2) < 60;
}

}

JsonFields::JsonFields(const Json& object, std::string where)
    : m_object(&object)
    , m_where(std::move(where))
{
    if (!object.is_object())
        throw FormatError(m_where + " must be a JSON object, found " + object.type_name() + ".");
}

bool JsonFields::has(std::string_view key) const
{
    return m_object->contains(key);
}

std::string JsonFields::path(std::string_view key) const
{
    const bool atRoot = m_where.find(": ") == std::string::npos;
    return m_where + (atRoot ? ": " : ".") + std::string(key);
}

void JsonFields::refuse(std::string_view key, std::string_view problem) const
{
    throw FormatError(path(key) + " " + std::string(problem) + ".");
}

const Json& JsonFields::value(std::string_view key)
{
    const auto found = m_object->find(key);
    if (found == m_object->end())
        refuse(key, "is missing");
    m_asked.emplace(key);
    return *found;
}

JsonFields JsonFields::object(std::string_view key)
{
    return {value(key), path(key)};
}

const Json& JsonFields::array(std::string_view key)
{
    const Json& found = value(key);
    if (!found.is_array())
        refuse(key, "must be an array");
    return found;
}

std::vector<JsonFields> JsonFields::objects(std::string_view key)
{
    std::vector<JsonFields> elements;
    for (const Json& element : array(key))
        elements.emplace_back(element, path(key) + "[" + std::to_string(elements.size()) + "]");
    return elements;
}

std::string JsonFields::text(std::string_view key)
{
    const Json& found = value(key);
    if (!found.is_string())
        refuse(key, "must be a string");
    return found.get<std::string>();
}

std::int64_t JsonFields::integer(std::string_view key, std::int64_t least, std::int64_t most)
{
    const Json& found = value(key);
    const bool fits = found.is_number_integer() &&
                      !(found.is_number_unsigned() && found.get<std::uint64_t>() > std::uint64_t{INT64_MAX});
    if (!fits || found.get<std::int64_t>() < least || found.get<std::int64_t>() > most)
        refuse(key, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most) + ", found " +
                        found.dump());
    return found.get<std::int64_t>();
}

std::int32_t JsonFields::index(std::string_view key)
{
    return static_cast<std::int32_t>(integer(key, 0, std::numeric_limits<std::int32_t>::max()));
}

std::int64_t JsonFields::count(std::string_view key)
{
    return integer(key, 0, std::int64_t{1} << 53);
}

std::uint64_t JsonFields::unsignedInteger(std::string_view key)
{
    const Json& found = value(key);
    if (!found.is_number_unsigned())
        refuse(key, "must be an unsigned 64-bit integer, found " + found.dump());
    return found.get<std::uint64_t>();
}

bool JsonFields::boolean(std::string_view key)
{
    const Json& found = value(key);
    if (!found.is_boolean())
        refuse(key, "must be true or false");
    return found.get<bool>();
}

double JsonFields::number(std::string_view key)
{
    return readCertifiedNumber(value(key), path(key));
}

double JsonFields::notNegative(std::string_view key)
{
    const double value = number(key);
    if (value < 0)
        refuse(key, "must not be negative");
    return value;
}

std::optional<double> JsonFields::numberOrNull(std::string_view key)
{
    const Json& found = value(key);
    if (found.is_null())
        return std::nullopt;
    return readCertifiedNumber(found, path(key));
}

std::string JsonFields::digest(std::string_view key)
{
    std::string found = text(key);
    if (!isSha256(found))
        refuse(key, "must be a SHA-256 of 64 lower-case hexadecimal digits");
    return found;
}

std::string JsonFields::digestOrEmpty(std::string_view key)
{
    std::string found = text(key);
    if (!found.empty() && !isSha256(found))
        refuse(key, "must be empty or a SHA-256 of 64 lower-case hexadecimal digits");
    return found;
}

std::string JsonFields::utcTime(std::string_view key)
{
    std::string found = text(key);
    if (!isUtcTime(found))
        refuse(key, "must be a time in UTC such as \"2026-01-02T03:04:05Z\"");
    return found;
}

std::vector<std::string> JsonFields::texts(std::string_view key)
{
    std::vector<std::string> found;
    for (const Json& element : array(key)) {
        if (!element.is_string())
            refuse(key, "must hold strings only");
        found.push_back(element.get<std::string>());
    }
    return found;
}

std::vector<std::int64_t> JsonFields::integers(std::string_view key, std::int64_t least, std::int64_t most)
{
    std::vector<std::int64_t> found;
    for (const Json& element : array(key)) {
        const bool fits = element.is_number_integer() &&
                          (!element.is_number_unsigned() || element.get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
        if (!fits || element.get<std::int64_t>() < least || element.get<std::int64_t>() > most)
            refuse(key, "must hold integers from " + std::to_string(least) + " to " + std::to_string(most) +
                            ", found " + element.dump());
        found.push_back(element.get<std::int64_t>());
    }
    return found;
}

void JsonFields::requireText(std::string_view key, std::string_view expected)
{
    if (const std::string found = text(key); found != expected)
        refuse(key, "must be \"" + std::string(expected) + "\", found \"" + found + "\"");
}

void JsonFields::finish() const
{
    for (const auto& [key, unused] : m_object->items())
        if (!m_asked.contains(key))
            refuse(key, "is not a field of this schema (additions belong under 'extensions')");
}

void requireSchema(JsonFields& fields, std::string_view family, int major)
{
    requireSchemaName(fields.text("schema"), family, major, fields.path("schema"));
}

Json parseDocument(std::string_view text, std::string_view source)
{
    JsonLimits limits;
    limits.bytes = largestDocument;
    limits.stringBytes = largestDocument;
    return parseStrictJson(text, source, limits);
}

bool isSha256(std::string_view text)
{
    return text.size() == 64 && std::all_of(text.begin(), text.end(),
                                            [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}
