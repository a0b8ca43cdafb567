#include "engine/ir/program_json.h"

#include "engine/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace blockcert::ir {

namespace {

constexpr std::int64_t largestExtent = std::int64_t{1} << 32U;
constexpr std::size_t largestRank = 4;
constexpr std::size_t longestName = 256;

bool isNameCharacter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
}

bool isHexDigit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

}

ObjectReader::ObjectReader(const Json& object, std::string where)
    : m_object(object)
    , m_where(std::move(where))
{
    if (!m_object.is_object())
        refuse("must be a JSON object");
}

void ObjectReader::refuse(const std::string& sentence) const
{
    throw FormatError(fmt::format("{}: {}.", m_where, sentence));
}

bool ObjectReader::has(const std::string& key) const
{
    return m_object.contains(key);
}

const Json& ObjectReader::field(const std::string& key)
{
    m_known.insert(key);
    const auto found = m_object.find(key);
    if (found == m_object.end())
        refuse(fmt::format("the field \"{}\" is missing", key));
    return *found;
}

const Json& ObjectReader::array(const std::string& key)
{
    const Json& value = field(key);
    if (!value.is_array())
        refuse(fmt::format("the field \"{}\" must be a list", key));
    return value;
}

std::string ObjectReader::text(const std::string& key)
{
    const Json& value = field(key);
    if (!value.is_string())
        refuse(fmt::format("the field \"{}\" must be a text", key));
    return value.get<std::string>();
}

std::string ObjectReader::name(const std::string& key)
{
    std::string value = text(key);
    if (value.size() > longestName || !std::all_of(value.begin(), value.end(), isNameCharacter))
        refuse(fmt::format("the field \"{}\" is not a name of letters, digits, dots and dashes", key));
    return value;
}

std::string ObjectReader::digest(const std::string& key)
{
    std::string value = text(key);
    if (value.size() != 64 || !std::all_of(value.begin(), value.end(), isHexDigit))
        refuse(fmt::format("the field \"{}\" is not a SHA-256 of 64 hexadecimal digits", key));
    return value;
}

std::int64_t ObjectReader::integer(const std::string& key, std::int64_t smallest, std::int64_t largest)
{
    const Json& value = field(key);
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
    if (!fits || value.get<std::int64_t>() < smallest || value.get<std::int64_t>() > largest)
        refuse(fmt::format("the field \"{}\" must be an integer between {} and {}", key, smallest, largest));
    return value.get<std::int64_t>();
}

std::int32_t ObjectReader::count(const std::string& key)
{
    return static_cast<std::int32_t>(integer(key, 0, 1 << 20));
}

double ObjectReader::number(const std::string& key)
{
    return readCertifiedNumber(field(key), fmt::format("{}: the field \"{}\"", m_where, key));
}

DType ObjectReader::dtype(const std::string& key)
{
    const std::optional<DType> dtype = dtypeNamed(text(key));
    if (!dtype)
        refuse(fmt::format("the field \"{}\" names no element type", key));
    return *dtype;
}

std::vector<std::int64_t> ObjectReader::shape(const std::string& key)
{
    std::vector<std::int64_t> shape;
    for (const Json& extent : array(key)) {
        if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > static_cast<std::uint64_t>(largestExtent))
            refuse(fmt::format("the field \"{}\" holds an extent that is not between 0 and {}", key, largestExtent));
        shape.push_back(extent.get<std::int64_t>());
    }
    if (shape.size() > largestRank)
        refuse(
            fmt::format("the field \"{}\" has {} dimensions; at most {} are allowed", key, shape.size(), largestRank));
    return shape;
}

void ObjectReader::end() const
{
    for (const auto& item : m_object.items())
        if (!m_known.contains(item.key())) {
            const bool plain =
                item.key().size() <= longestName && std::all_of(item.key().begin(), item.key().end(), isNameCharacter);
            refuse(plain ? fmt::format("there is an unknown field \"{}\"", item.key())
                         : std::string("there is an unknown field"));
        }
}

}
