#include "engine/base/ranges_text.h"

namespace blockcert {

std::vector<std::string> rangeParts(std::span<const std::int32_t> ascending, std::string_view dash)
{
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < ascending.size();) {
        std::size_t end = i + 1;
        while (end < ascending.size() && ascending[end] == ascending[end - 1] + 1)
            ++end;
        if (end - i >= 3) {
            parts.push_back(std::to_string(ascending[i]) + std::string(dash) + std::to_string(ascending[end - 1]));
            i = end;
        }
        for (; i < end; ++i)
            parts.push_back(std::to_string(ascending[i]));
    }
    return parts;
}

std::string rangesText(std::span<const std::int32_t> ascending, std::string_view dash)
{
    std::string text;
    for (const std::string& part : rangeParts(ascending, dash))
        text += (text.empty() ? "" : ", ") + part;
    return text;
}

std::string blocksText(std::span<const std::int32_t> ascending, std::string_view dash)
{
    if (ascending.empty())
        return "";
    return (ascending.size() == 1 ? "block " : "blocks ") + rangesText(ascending, dash);
}

}
