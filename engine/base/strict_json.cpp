#include "engine/base/strict_json.h"

#include "engine/base/error.h"

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace blockcert {

namespace {

// Builds the value itself, so that every rule is checked while the text is read and nothing is built in vain.
class StrictBuilder : public nlohmann::json_sax<Json> {
public:
    StrictBuilder(std::string_view source, const JsonLimits& limits)
        : m_source(source)
        , m_limits(limits)
    {
    }

    bool null() override { return put(nullptr); }

    bool boolean(bool value) override { return put(value); }

    bool number_integer(std::int64_t value) override { return put(value); }

    bool number_unsigned(std::uint64_t value) override { return put(value); }

    bool number_float(double value, const std::string& text) override
    {
        if (!std::isfinite(value) || text.size() > m_limits.numberCharacters)
            refuse("the number " + text.substr(0, 40) + " is too long or too large");
        // The parser falls back to a float for integers beyond 64 bits; such a number would lose digits.
        if (!m_limits.roundWideIntegers && text.find_first_of(".eE") == std::string::npos)
            refuse("the integer " + text.substr(0, 40) + " does not fit in 64 bits");
        return put(value);
    }

    bool string(std::string& value) override
    {
        checkString(value);
        return put(std::move(value));
    }

    bool binary(Json::binary_t&) override { return false; }

    bool start_object(std::size_t) override { return open(Json::object()); }

    bool key(std::string& value) override
    {
        checkString(value);
        const auto [entry, isNew] = m_stack.back().get_ref<Json::object_t&>().try_emplace(std::move(value));
        if (!isNew)
            refuse("the key \"" + entry->first.substr(0, 80) + "\" appears twice in one object");
        m_place.back() = &entry->second;
        return true;
    }

    bool end_object() override { return close(); }

    bool start_array(std::size_t) override { return open(Json::array()); }

    bool end_array() override { return close(); }

    bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception& error) override
    {
        // nlohmann reports a number that overflows as "out of range": say it in our words.
        const std::string near = token.size() > 40 ? token.substr(token.size() - 40) : token;
        const bool range = std::string_view(error.what()).find("out_of_range") != std::string_view::npos;
        throw FormatError(m_source + (range ? ": a number is out of range" : ": not valid JSON") + " at byte " +
                          std::to_string(position) + (near.empty() ? "" : ", near \"" + printable(near) + "\"") + ".");
    }

    Json take() { return std::move(m_root); }

private:
    static std::string printable(const std::string& text)
    {
        std::string result;
        for (const char c : text)
            result += (c >= ' ' && c <= '~') ? c : '?';
        return result;
    }

    [[noreturn]] void refuse(const std::string& why) const { throw FormatError(m_source + ": " + why + "."); }

    void checkString(const std::string& value) const
    {
        if (value.size() > m_limits.stringBytes)
            refuse("a string has " + std::to_string(value.size()) + " bytes, more than the limit of " +
                   std::to_string(m_limits.stringBytes));
    }

    bool open(Json value)
    {
        if (m_stack.size() >= m_limits.depth)
            refuse("nested deeper than " + std::to_string(m_limits.depth) + " levels");
        m_stack.push_back(std::move(value));
        m_place.push_back(nullptr);
        return true;
    }

    bool close()
    {
        Json value = std::move(m_stack.back());
        m_stack.pop_back();
        m_place.pop_back();
        return put(std::move(value));
    }

    bool put(Json value)
    {
        if (++m_values > m_limits.values)
            refuse("more than " + std::to_string(m_limits.values) + " values");
        if (m_stack.empty())
            m_root = std::move(value);
        else if (m_stack.back().is_array())
            m_stack.back().push_back(std::move(value));
        else
            *m_place.back() = std::move(value);
        return true;
    }

    std::string m_source;
    JsonLimits m_limits;
    std::size_t m_values = 0;
    Json m_root;
    std::vector<Json> m_stack;
    std::vector<Json*> m_place; // of each object that is open, where the value of its last key belongs
};

void requireFinite(const Json& value)
{
    if (value.is_number_float() && !std::isfinite(value.get<double>()))
        throw NumericError("A number that is not finite cannot be written as JSON.");
    if (value.is_structured())
        for (const Json& item : value)
            requireFinite(item);
}

std::string dump(const Json& value, int indentation)
{
    requireFinite(value);
    try {
        return value.dump(indentation);
    } catch (const Json::exception&) {
        throw FormatError("A text that is not valid UTF-8 cannot be written as JSON.");
    }
}

}

Json parseStrictJson(std::string_view text, std::string_view source, const JsonLimits& limits)
{
    if (text.size() > limits.bytes)
        throw ResourceError(std::string(source) + ": " + std::to_string(text.size()) +
                            " bytes of JSON are more than the limit of " + std::to_string(limits.bytes) + ".");
    if (text.starts_with("\xEF\xBB\xBF"))
        throw FormatError(std::string(source) + ": not valid JSON at byte 0: it begins with a byte order mark.");
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        throw FormatError(std::string(source) + ": not valid JSON: it is empty.");
    StrictBuilder builder(source, limits);
    if (!Json::sax_parse(text, &builder))
        throw FormatError(std::string(source) + ": not valid JSON.");
    return builder.take();
}

std::string writeJson(const Json& value)
{
    return dump(value, 2) + "\n";
}

std::string writeJsonLine(const Json& value)
{
    return dump(value, -1);
}

std::vector<std::string> differingMembers(const Json& a, const Json& b)
{
    std::vector<std::string> names;
    if (!a.is_object() || !b.is_object())
        return names;
    for (const auto& [key, value] : a.items())
        if (!b.contains(key) || b.at(key) != value)
            names.push_back(key);
    for (const auto& [key, value] : b.items())
        if (!a.contains(key))
            names.push_back(key);
    return names;
}

}
