#include "engine/base/error.h"
#include "engine/base/strict_json.h"

#include <charconv>
#include <cmath>

namespace blockcert {

std::string toHexFloat(double value)
{
    if (!std::isfinite(value))
        throw NumericError("A number that is not finite cannot be written.");
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value), std::chars_format::hex).ptr;
    return (std::signbit(value) ? "-0x" : "0x") + std::string(buffer, end);
}

double fromHexFloat(std::string_view text)
{
    std::string_view digits = text;
    const bool negative = digits.starts_with('-');
    if (negative)
        digits.remove_prefix(1);
    double value = 0;
    const bool prefixed = digits.starts_with("0x") && text.size() <= 32;
    if (prefixed) {
        digits.remove_prefix(2);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::hex);
        if (error == std::errc() && end == digits.data() + digits.size() && !digits.starts_with('-') &&
            std::isfinite(value))
            return negative ? -value : value;
    }
    throw FormatError("\"" + std::string(text.substr(0, 40)) +
                      "\" is not a hexadecimal floating-point number such as 0x1.8p+1.");
}

Json certifiedNumber(double value)
{
    return Json{{"hex", toHexFloat(value)}, {"value", value}};
}

double readCertifiedNumber(const Json& value, std::string_view where)
{
    if (!value.is_object() || value.size() != 2 || !value.contains("hex") || !value.contains("value") ||
        !value["hex"].is_string() || !value["value"].is_number())
        throw FormatError(std::string(where) +
                          " must be a certified number: an object with \"value\" and \"hex\" alone.");
    const double exact = fromHexFloat(value["hex"].get_ref<const std::string&>());
    const double decimal = value["value"].get<double>();
    if (exact != decimal)
        throw FormatError(std::string(where) + " says two different numbers: value " + value["value"].dump() +
                          ", hex " + value["hex"].get_ref<const std::string&>() + ".");
    return exact;
}

}
