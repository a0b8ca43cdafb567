#include "engine/figure/shared_line.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace blockcert::figure {

namespace {

constexpr double longestDash = 6; // pixels
constexpr double shortestDash = 1.5;
constexpr double behind = 0.4; // how much larger a marker is than the one before it
constexpr double most = 2.6;   // of the usual size: a ring around the others, not a plate

using Pixel = std::pair<long, long>;
using Stretch = std::pair<Pixel, Pixel>; // both ends, the smaller first

Pixel pixelOf(Place place)
{
    return {std::lround(place.x), std::lround(place.y)};
}

Stretch stretchOf(Place from, Place to)
{
    return std::minmax({pixelOf(from), pixelOf(to)});
}

// All corners of all lines, by row of pixels and by column, so that level and upright parts are cut where another line
// bends upon them.
struct Corners {
    std::map<long, std::set<double>> xOfRow;
    std::map<long, std::set<double>> yOfColumn;
};

Corners cornersOf(const std::vector<CurveLine>& lines)
{
    Corners corners;
    for (const CurveLine& line : lines)
        for (const Place& place : line.points) {
            corners.xOfRow[pixelOf(place).second].insert(place.x);
            corners.yOfColumn[pixelOf(place).first].insert(place.y);
        }
    return corners;
}

// Values strictly between, on the way from one to the other.
std::vector<double> between(const std::set<double>& values, double from, double to)
{
    std::vector<double> found(values.upper_bound(std::min(from, to)), values.lower_bound(std::max(from, to)));
    if (from > to)
        std::ranges::reverse(found);
    return found;
}

std::vector<Place> cut(const std::vector<Place>& points, const Corners& corners)
{
    std::vector<Place> finer;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (i > 0) {
            const Place& from = points[i - 1];
            const Place& to = points[i];
            if (from.y == to.y && from.x != to.x)
                for (const double x : between(corners.xOfRow.at(pixelOf(from).second), from.x, to.x))
                    finer.push_back({x, from.y});
            else if (from.x == to.x && from.y != to.y)
                for (const double y : between(corners.yOfColumn.at(pixelOf(from).first), from.y, to.y))
                    finer.push_back({from.x, y});
        }
        finer.push_back(points[i]);
    }
    return finer;
}

double lengthOf(const std::vector<Place>& points)
{
    double length = 0;
    for (std::size_t i = 1; i < points.size(); ++i)
        length += std::hypot(points[i].x - points[i - 1].x, points[i].y - points[i - 1].y);
    return length;
}

}

std::vector<LinePiece> piecesOf(const std::vector<CurveLine>& lines)
{
    const Corners corners = cornersOf(lines);
    std::vector<CurveLine> finer;
    std::map<Stretch, std::set<std::size_t>> sharers;
    for (const CurveLine& line : lines) {
        finer.push_back({line.series, cut(line.points, corners)});
        const std::vector<Place>& points = finer.back().points;
        for (std::size_t i = 1; i < points.size(); ++i)
            sharers[stretchOf(points[i - 1], points[i])].insert(line.series);
    }
    std::vector<LinePiece> pieces;
    for (const CurveLine& line : finer) {
        const std::set<std::size_t>* last = nullptr;
        for (std::size_t i = 1; i < line.points.size(); ++i) {
            const std::set<std::size_t>& all = sharers.at(stretchOf(line.points[i - 1], line.points[i]));
            // Less than a pixel long: part of whatever it adjoins.
            const bool isPoint = pixelOf(line.points[i - 1]) == pixelOf(line.points[i]);
            if (last == nullptr || (!isPoint && all != *last)) {
                const auto turn = static_cast<std::size_t>(std::distance(all.begin(), all.find(line.series)));
                pieces.push_back({line.series, {line.points[i - 1]}, turn, all.size()});
                last = &all;
            }
            pieces.back().points.push_back(line.points[i]);
        }
    }
    return pieces;
}

SharedDash sharedDash(const LinePiece& piece)
{
    const auto count = static_cast<double>(piece.sharers);
    const double dash = std::clamp(lengthOf(piece.points) / (2 * count), shortestDash, longestDash);
    return {{dash, (count - 1) * dash}, static_cast<double>((piece.sharers - piece.turn) % piece.sharers) * dash};
}

std::vector<double> markerSizes(const std::vector<CurvePlace>& places)
{
    std::map<Pixel, std::vector<std::size_t>> groups; // by place, from left to right
    for (std::size_t i = 0; i < places.size(); ++i)
        groups[pixelOf(places[i].at)].push_back(i);
    const auto seriesOf = [&](const std::vector<std::size_t>& group) {
        std::vector<std::size_t> series;
        for (const std::size_t i : group)
            series.push_back(places[i].series);
        std::ranges::sort(series);
        const auto [first, last] = std::ranges::unique(series);
        series.erase(first, last);
        return series;
    };
    std::map<std::vector<std::size_t>, std::size_t> shared; // how many places these curves share
    for (const auto& [pixel, group] : groups)
        ++shared[seriesOf(group)];
    std::map<std::vector<std::size_t>, std::size_t> met;
    std::vector<double> sizes(places.size(), 1);
    for (auto& [pixel, group] : groups) {
        std::ranges::sort(group, {}, [&](std::size_t i) { return places[i].series; });
        const std::vector<std::size_t> series = seriesOf(group);
        const bool inTurn = shared[series] >= series.size();
        const std::size_t turn = met[series]++ % series.size();
        std::size_t k = 0; // of its curves
        for (std::size_t i = 0; i < group.size(); ++i) {
            if (i > 0 && places[group[i]].series == places[group[i - 1]].series) { // one of a curve stands for all
                sizes[group[i]] = 0;
                continue;
            }
            sizes[group[i]] =
                inTurn ? (k == turn ? 1 : 0) : std::min(1 + behind * static_cast<double>(series.size() - 1 - k), most);
            ++k;
        }
    }
    return sizes;
}

}
