#include "engine/tokenizer/jinja/pinned_date.h"

#include "engine/artifact/shown.h"
#include "engine/base/error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>

namespace blockcert::tokenizer::jinja {

namespace {

constexpr std::array<std::string_view, 12> monthNames = {"January",   "February", "March",    "April",
                                                         "May",       "June",     "July",     "August",
                                                         "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> dayNames = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                      "Thursday", "Friday", "Saturday"};
constexpr std::size_t shortName = 3; // letters of %b and %a

std::optional<unsigned> digits(std::string_view text, std::size_t fewest, std::size_t most)
{
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.size() < fewest || text.size() > most || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::optional<std::chrono::year_month_day> parse(std::string_view date)
{
    const std::size_t first = date.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : date.find(' ', first + 1);
    if (second == std::string_view::npos)
        return std::nullopt;
    const auto day = digits(date.substr(0, first), 1, 2);
    const auto year = digits(date.substr(second + 1), 4, 4);
    const std::string_view name = date.substr(first + 1, second - first - 1);
    const auto month =
        std::ranges::find_if(monthNames, [name](std::string_view each) { return each.substr(0, shortName) == name; });
    if (!day || !year || *year < 1000 || month == monthNames.end()) // glibc and musl pad years below 1000 differently
        return std::nullopt;
    const std::chrono::year_month_day found(std::chrono::year(static_cast<int>(*year)),
                                            std::chrono::month(static_cast<unsigned>(month - monthNames.begin()) + 1),
                                            std::chrono::day(*day));
    return found.ok() ? std::optional(found) : std::nullopt;
}

// `pad` is '0', ' ', or '-' for none.
std::string number(unsigned value, std::size_t width, char pad)
{
    std::string text = std::to_string(value);
    if (pad != '-' && text.size() < width)
        text.insert(0, width - text.size(), pad);
    return text;
}

}

std::string formatDate(std::string_view date, std::string_view format)
{
    using namespace std::chrono;
    const std::optional<year_month_day> parsed = parse(date);
    if (!parsed)
        throw FormatError("The date that is pinned for templates, " + artifact::shown(std::string(date)) +
                          ", is not written as 26 Jul 2024 is.");
    const unsigned day = static_cast<unsigned>(parsed->day());
    const unsigned month = static_cast<unsigned>(parsed->month());
    const auto year = static_cast<unsigned>(static_cast<int>(parsed->year()));
    const std::string_view monthName = monthNames.at(month - 1);
    const std::string_view dayName = dayNames.at(weekday(sys_days(*parsed)).c_encoding());
    const auto dayOfYear =
        static_cast<unsigned>((sys_days(*parsed) - sys_days(parsed->year() / January / 1)).count() + 1);

    std::string result;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%') {
            result += format[i];
            continue;
        }
        const std::size_t start = i;
        const bool unpadded = i + 1 < format.size() && format[i + 1] == '-';
        i += unpadded ? 2 : 1;
        const char field = i < format.size() ? format[i] : '\0';
        const char pad = unpadded ? '-' : '0';
        // A number may go without its padding, a name may not.
        const bool known =
            std::string_view(unpadded ? "dmyHIMSj" : "dmyHIMSjbBaAYpe%").find(field) != std::string_view::npos;
        if (field == '\0' || !known)
            throw UnsupportedError("strftime_now() with " +
                                   artifact::shown(std::string(format.substr(start, i - start + 1))) +
                                   " is not implemented, only %d %m %y %H %I %M %S %j, these with a \"-\" after the "
                                   "%, and %b %B %a %A %Y %p %e %%.");
        switch (field) {
        case 'd': result += number(day, 2, pad); break;
        case 'e': result += number(day, 2, ' '); break;
        case 'm': result += number(month, 2, pad); break;
        case 'y': result += number(year % 100, 2, pad); break;
        case 'j': result += number(dayOfYear, 3, pad); break;
        case 'I': // midnight on a clock of twelve hours
            result += "12";
            break;
        case 'Y': result += number(year, 4, '0'); break;
        case 'b': result += monthName.substr(0, shortName); break;
        case 'B': result += monthName; break;
        case 'a': result += dayName.substr(0, shortName); break;
        case 'A': result += dayName; break;
        case 'p': result += "AM"; break;
        case '%': result += '%'; break;
        default: // hours, minutes and seconds of midnight
            result += number(0, 2, pad);
        }
    }
    return result;
}

}
