#include "engine/certificate/block_list.h"

#include "engine/base/error.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

namespace blockcert::certificate {

namespace {

std::int32_t numberOf(std::string_view text, const std::string& whole)
{
    std::int32_t value = -1;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || stop != text.data() + text.size() || value < 0)
        throw UsageError("--blocks " + whole + ": write all, or indices and ranges such as 0,5,10-12.");
    return value;
}

}

std::vector<LayerIndex> blocksFrom(const std::string& text, std::int32_t layers)
{
    std::set<LayerIndex> chosen;
    if (text == "all") {
        for (std::int32_t layer = 0; layer < layers; ++layer)
            chosen.insert(LayerIndex{layer});
        return {chosen.begin(), chosen.end()};
    }
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string_view part = std::string_view(text).substr(begin, end - begin);
        const std::size_t dash = part.find('-');
        const std::int32_t first = numberOf(part.substr(0, dash), text);
        const std::int32_t last = dash == std::string_view::npos ? first : numberOf(part.substr(dash + 1), text);
        if (last < first)
            throw UsageError("--blocks " + text + ": the range " + std::string(part) +
                             " ends before it begins; write the smaller number first.");
        if (last >= layers)
            throw UsageError("--blocks " + text + ": " + std::string(part) + " is not within 0-" +
                             std::to_string(layers - 1) + ", the blocks of this model.");
        for (std::int32_t layer = first; layer <= last; ++layer)
            chosen.insert(LayerIndex{layer});
        begin = end + 1;
    }
    return {chosen.begin(), chosen.end()};
}

}
