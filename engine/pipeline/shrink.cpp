#include "engine/pipeline/shrink.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace blockcert::pipeline {

namespace {

using Selection = std::vector<std::int64_t>;

Selection without(const Selection& all, std::size_t begin, std::size_t end)
{
    Selection rest(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(begin));
    rest.insert(rest.end(), all.begin() + static_cast<std::ptrdiff_t>(end), all.end());
    return rest;
}

}

Shrunk shrink(std::int64_t count, std::int64_t mostTests, const std::function<bool(const Selection&)>& fails)
{
    Shrunk result;
    result.kept.resize(static_cast<std::size_t>(count));
    std::iota(result.kept.begin(), result.kept.end(), 0);
    std::map<Selection, bool> known;
    std::size_t parts = 2;
    while (result.kept.size() > 1) {
        const std::size_t size = result.kept.size();
        parts = std::min(parts, size);
        bool shorter = false;
        // From the end: what stands last is what nothing else depends on.
        for (std::size_t part = parts; part-- > 0 && !shorter;) {
            const Selection rest = without(result.kept, part * size / parts, (part + 1) * size / parts);
            auto answer = known.find(rest);
            if (answer == known.end()) {
                if (result.tests == mostTests)
                    return result;
                ++result.tests;
                answer = known.emplace(rest, fails(rest)).first;
            }
            if (answer->second) {
                result.kept = rest;
                shorter = true;
            }
        }
        if (shorter)
            parts = std::max<std::size_t>(parts - 1, 2);
        else if (parts < size)
            parts *= 2;
        else
            break;
    }
    result.minimal = true;
    return result;
}

}
