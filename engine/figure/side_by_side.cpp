#include "engine/figure/side_by_side.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace blockcert::figure {

namespace {

constexpr double touching = 4;     // pixels: markers closer than this hide each other
constexpr double apart = 6;        // pixels between neighbours, where there is room
constexpr double least = 1;        // below this a shift shows nothing
constexpr double sameShare = 4e-3; // of the axis: less than a line's width

bool isCurve(const Series& series)
{
    return series.mark == Mark::Markers || series.mark == Mark::LineMarkers || series.mark == Mark::Steps;
}

// Both at the same places of x, and at the same heights as far as one can see.
bool agree(const Series& a, const Series& b, const PreparedPanel& panel)
{
    if (a.points.size() != b.points.size())
        return false;
    const auto height = [&](double y) { return std::clamp(shareOf(y, panel.y, panel.panel->y.scale), 0.0, 1.0); };
    for (std::size_t i = 0; i < a.points.size(); ++i) {
        const Point& p = a.points[i];
        const Point& q = b.points[i];
        if (p.x != q.x || p.y.has_value() != q.y.has_value())
            return false;
        if (p.y && !(std::abs(height(*p.y) - height(*q.y)) <= sameShare))
            return false;
    }
    return !a.points.empty();
}

std::string listed(const std::vector<std::string>& names)
{
    std::string text = names.front();
    for (std::size_t i = 1; i < names.size(); ++i)
        text += (i + 1 == names.size() ? " and " : ", ") + names[i];
    return text;
}

// Names of curves that agree, each set once.
std::vector<std::string> agreementsOf(const PreparedPanel& panel)
{
    const std::vector<Series>& all = panel.panel->series;
    std::vector<std::string> sets;
    std::vector<bool> taken(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::vector<std::string> names = {all[i].name};
        for (std::size_t j = i + 1; j < all.size() && isCurve(all[i]) && !taken[i]; ++j)
            if (!taken[j] && isCurve(all[j]) && agree(all[i], all[j], panel)) {
                names.push_back(all[j].name);
                taken[j] = true;
            }
        if (names.size() > 1)
            sets.push_back(names.size() == all.size() && names.size() > 2 ? "all" : listed(names));
    }
    return sets;
}

}

std::vector<double> sideBySide(const std::vector<CurvePlace>& places, double widest)
{
    std::vector<double> shifts(places.size());
    std::vector<std::size_t> order(places.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
        return std::pair(std::round(places[a].at.x), places[a].at.y) <
               std::pair(std::round(places[b].at.x), places[b].at.y);
    });
    // The room beside a marker is the distance to the next place of x.
    double room = widest;
    for (std::size_t i = 1; i < order.size(); ++i)
        if (const double gap = places[order[i]].at.x - places[order[i - 1]].at.x; gap > 1)
            room = std::min(room, gap * 0.8);
    for (std::size_t begin = 0; begin < order.size();) {
        std::size_t end = begin + 1;
        while (end < order.size() && std::round(places[order[end]].at.x) == std::round(places[order[begin]].at.x) &&
               places[order[end]].at.y - places[order[end - 1]].at.y < touching)
            ++end;
        std::vector<std::size_t> group(order.begin() + static_cast<std::ptrdiff_t>(begin),
                                       order.begin() + static_cast<std::ptrdiff_t>(end));
        std::ranges::sort(group, {}, [&](std::size_t i) { return places[i].series; });
        const auto count = static_cast<double>(group.size());
        const double step = group.size() > 1 ? std::min(apart, room / (count - 1)) : 0;
        for (std::size_t i = 0; i < group.size() && step >= least; ++i)
            shifts[group[i]] = (static_cast<double>(i) - (count - 1) / 2) * step;
        begin = end;
    }
    return shifts;
}

std::string agreementsIn(const Figure& figure, const std::vector<PreparedPanel>& panels)
{
    std::vector<std::string> sets;
    std::map<std::string, std::vector<std::string>> where;
    for (const PreparedPanel& panel : panels)
        for (const std::string& set : agreementsOf(panel)) {
            if (!where.contains(set))
                sets.push_back(set);
            where[set].push_back(panel.panel->title);
        }
    std::string text;
    for (const std::string& set : sets) {
        const std::vector<std::string>& titles = where[set];
        std::string words = set;
        if (figure.panels.size() > 1 && titles.size() == figure.panels.size())
            words += " in every panel";
        else if (titles.size() > 2)
            words += " in " + std::to_string(titles.size()) + " panels";
        else if (figure.panels.size() > 1 && !titles.front().empty())
            words += titles.size() == 1 ? " (panel " + titles.front() + ")"
                                        : " (panels " + titles.front() + " and " + titles.back() + ")";
        text += (text.empty() ? "" : "; ") + words;
    }
    return text.empty() ? "" : "Coinciding curves: " + text + ".";
}

}
