#include "widgets/heatmap_order.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace blockcert::widgets {

namespace {

std::size_t lengthOf(const TokenMap& map, std::size_t prompt)
{
    return map.prompts[prompt].tokens.size();
}

// Orders `items` so that the most striking value comes first; missing ones come last, equals stay as they were.
void sortByValue(std::vector<int>& items, const std::vector<double>& values, Striking striking)
{
    std::stable_sort(items.begin(), items.end(), [&](int a, int b) {
        const double left = values[static_cast<std::size_t>(a)];
        const double right = values[static_cast<std::size_t>(b)];
        if (isMissing(left) || isMissing(right))
            return !isMissing(left) && isMissing(right);
        return striking == Striking::Large ? left > right : left < right;
    });
}

std::vector<int> counted(std::size_t count)
{
    std::vector<int> items(count);
    std::iota(items.begin(), items.end(), 0);
    return items;
}

// One number for each token of the prompt, over the blocks.
std::vector<double> tokenValues(const TokenMap& map, Metric metric, std::size_t prompt, Aggregate aggregate)
{
    std::vector<Summary> sums(lengthOf(map, prompt), Summary(strikingEnd(metric)));
    for (std::size_t column = 0; column < map.blocks.size(); ++column)
        if (const MapCell* cell = map.cell(column, prompt))
            for (std::size_t token = 0; token < sums.size(); ++token)
                sums[token].add(valueOf(*cell, metric, token, map.thresholds));
    std::vector<double> values;
    values.reserve(sums.size());
    for (const Summary& sum : sums)
        values.push_back(sum.value(aggregate));
    return values;
}

std::vector<double> promptValues(const TokenMap& map, Metric metric, Aggregate aggregate)
{
    std::vector<double> values;
    for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt) {
        Summary sum(strikingEnd(metric));
        for (std::size_t column = 0; column < map.blocks.size(); ++column)
            if (const MapCell* cell = map.cell(column, prompt))
                for (std::size_t token = 0; token < lengthOf(map, prompt); ++token)
                    sum.add(valueOf(*cell, metric, token, map.thresholds));
        values.push_back(sum.value(aggregate));
    }
    return values;
}

// Over the prompts that are shown.
std::vector<double> columnValues(const TokenMap& map, Metric metric, Aggregate aggregate, std::optional<int> only)
{
    std::vector<double> values;
    for (std::size_t column = 0; column < map.blocks.size(); ++column) {
        Summary sum(strikingEnd(metric));
        for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt) {
            const MapCell* cell = map.cell(column, prompt);
            if (cell == nullptr || (only && static_cast<int>(prompt) != *only))
                continue;
            for (std::size_t token = 0; token < lengthOf(map, prompt); ++token)
                sum.add(valueOf(*cell, metric, token, map.thresholds));
        }
        values.push_back(sum.value(aggregate));
    }
    return values;
}

void sortByTag(std::vector<int>& prompts, const TokenMap& map)
{
    QStringList groups; // by first appearance, prompts without a tag last
    for (const MapPrompt& prompt : map.prompts)
        if (const QString group = groupOf(prompt); !group.isEmpty() && !groups.contains(group))
            groups << group;
    groups << QString();
    std::stable_sort(prompts.begin(), prompts.end(), [&](int a, int b) {
        return groups.indexOf(groupOf(map.prompts[static_cast<std::size_t>(a)])) <
               groups.indexOf(groupOf(map.prompts[static_cast<std::size_t>(b)]));
    });
}

}

bool Summary::add(double value)
{
    const double magnitude = std::abs(value);
    if (isMissing(magnitude))
        return false;
    const bool isExtreme =
        m_count == 0 || (m_striking == Striking::Large ? magnitude > m_extreme : magnitude < m_extreme);
    if (isExtreme)
        m_extreme = magnitude;
    m_sum += magnitude;
    ++m_count;
    return isExtreme;
}

Aggregate aggregateOf(Metric metric, Aggregate wanted)
{
    return metric == Metric::Coverage ? Aggregate::Mean : wanted;
}

QString groupOf(const MapPrompt& prompt)
{
    return prompt.tags.isEmpty() ? QString() : prompt.tags.front();
}

HeatmapArrangement arrange(const TokenMap& map, Metric metric, const HeatmapLayout& layout)
{
    const Aggregate aggregate = aggregateOf(metric, layout.aggregate);
    const Striking striking = strikingEnd(metric);
    const bool byValue = layout.rowOrder == RowOrder::Value;
    const std::optional<int> only = layout.unit == RowUnit::Tokens ? layout.prompt : std::nullopt;
    HeatmapArrangement result;
    result.columns = counted(map.blocks.size());
    if (layout.columnOrder == ColumnOrder::Value)
        sortByValue(result.columns, columnValues(map, metric, aggregate, only), striking);

    std::vector<int> prompts = counted(map.prompts.size());
    if (only)
        prompts = {*only};
    else if (byValue)
        sortByValue(prompts, promptValues(map, metric, aggregate), striking);
    else if (layout.rowOrder == RowOrder::Tag)
        sortByTag(prompts, map);
    const bool hasTags = std::any_of(map.prompts.begin(), map.prompts.end(),
                                     [](const MapPrompt& prompt) { return !prompt.tags.isEmpty(); });
    const bool grouped = layout.rowOrder == RowOrder::Tag && !only && hasTags;
    std::optional<QString> group;
    for (const int prompt : prompts) {
        const auto at = static_cast<std::size_t>(prompt);
        if (const QString own = groupOf(map.prompts[at]); grouped && group != own) {
            result.rows.push_back({prompt, HeatmapRow::tagHeading});
            group = own;
        }
        if (layout.unit == RowUnit::Prompts) {
            result.rows.push_back({prompt, HeatmapRow::wholePrompt});
            continue;
        }
        if (!only)
            result.rows.push_back({prompt, HeatmapRow::promptHeading});
        std::vector<int> order = counted(lengthOf(map, at));
        if (byValue)
            sortByValue(order, tokenValues(map, metric, at, aggregate), striking);
        for (const int token : order)
            result.rows.push_back({prompt, token});
    }
    return result;
}

}
