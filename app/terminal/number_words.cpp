#include "app/terminal/number_words.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>

namespace blockcert::terminal {

namespace {

constexpr int fewDigits = 3;

std::string significantDigits(double value, int digits)
{
    if (value == 0)
        return "0";
    if (!std::isfinite(value))
        return fmt::format("{}", value);
    const std::string scientific = fmt::format("{:.{}e}", value, digits - 1); // rounds before the size is judged
    const int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
    if (exponent >= -3 && exponent <= 2)
        return fmt::format("{:.{}f}", value, digits - 1 - exponent);
    return fmt::format("{}e{}", scientific.substr(0, scientific.find('e')), exponent);
}

}

std::string threeDigits(double value)
{
    return significantDigits(value, fewDigits);
}

std::string threeDigits(double value, double threshold)
{
    const auto side = [threshold](double number) { return number > threshold; };
    constexpr int allDigits = 17;
    std::string text = threeDigits(value);
    for (int digits = fewDigits + 1; digits <= allDigits && side(std::strtod(text.c_str(), nullptr)) != side(value);
         ++digits)
        text = significantDigits(value, digits);
    return text;
}

std::string plainNumber(double value, int digits)
{
    std::string text = fmt::format("{:.{}g}", value, digits);
    if (const std::size_t zero = text.find("e-0"); zero != std::string::npos)
        text.erase(zero + 2, 1);
    return text;
}

std::string percent(double share)
{
    if (share == 0 || share == 1)
        return share == 0 ? "0 %" : "100 %";
    const std::string text = fmt::format("{:.1f} %", share * 100);
    if (text == "0.0 %" || text == "-0.0 %") // not nothing, and not all
        return "< 0.1 %";
    return text == "100.0 %" ? share < 1 ? "99.9 %" : "100 %" : text;
}

std::string bytes(double count)
{
    constexpr std::array<const char*, 5> units = {"bytes", "kB", "MB", "GB", "TB"};
    std::size_t unit = 0;
    while (count >= 999.5 && unit + 1 < units.size()) {
        count /= 1000;
        ++unit;
    }
    return unit == 0 ? fmt::format("{:.0f} bytes", count) : fmt::format("{} {}", threeDigits(count), units[unit]);
}

std::string largeCount(std::int64_t count)
{
    const auto value = static_cast<double>(count);
    if (value >= 1e9)
        return fmt::format("{:.2f} billion", value / 1e9);
    if (value >= 1e6)
        return fmt::format("{:.1f} million", value / 1e6);
    return grouped(count);
}

std::string grouped(std::int64_t count)
{
    std::string digits = std::to_string(count);
    const std::size_t first = digits.front() == '-' ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3;) {
        at -= 3;
        digits.insert(at, " ");
    }
    return digits;
}

std::string duration(double seconds)
{
    if (seconds < 1)
        return fmt::format("{:.2f} s", seconds);
    if (seconds < 60)
        return fmt::format("{:.1f} s", seconds);
    const auto whole = static_cast<std::int64_t>(std::llround(seconds));
    if (whole < 3600)
        return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string counted(std::int64_t count, const std::string& noun)
{
    return grouped(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string shortDigest(const std::string& sha256)
{
    return sha256.size() < 12 ? sha256 : sha256.substr(0, 4) + "…" + sha256.substr(sha256.size() - 4);
}

}
