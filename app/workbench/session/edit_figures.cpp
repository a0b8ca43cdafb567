#include "app/workbench/session/edit_figures.h"

#include "widgets/number_text.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using figure::Mark;
using figure::Series;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("EditFigures", text);
}

std::optional<double> given(double value)
{
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

figure::Point pointOf(double x, const std::optional<Share>& share)
{
    if (!share || share->total == 0)
        return {x, std::nullopt};
    return {x, share->value(), share->low, share->high};
}

// Adds a series and, between its measurements, what they do not say.
void addMeasured(figure::Panel& panel, const QString& name, std::vector<figure::Point> points)
{
    std::erase_if(points, [](const figure::Point& point) { return !point.y; });
    std::vector<figure::Point> between;
    for (const figure::Point& point : points)
        between.push_back({point.x, point.y});
    if (between.size() > 1)
        panel.series.push_back({tr("interpolated, not measured").toStdString(), Mark::Between, std::move(between)});
    panel.series.push_back({name.toStdString(), Mark::Markers, std::move(points)});
}

template <class Value>
std::vector<figure::Point> pointsOf(const std::vector<CurvePoint>& points, Value value)
{
    std::vector<figure::Point> made;
    for (const CurvePoint& point : points)
        made.push_back({point.strength, value(point.effect)});
    return made;
}

std::optional<double> ofLocal(const EditEffect& effect, double LocalEffect::*field)
{
    return effect.local ? given((*effect.local).*field) : std::nullopt;
}

std::optional<double> ofDownstream(const EditEffect& effect, double DownstreamEffect::*field)
{
    return effect.downstream ? given((*effect.downstream).*field) : std::nullopt;
}

}

QString quantityName(CurveQuantity quantity)
{
    switch (quantity) {
    case CurveQuantity::LocalError: return tr("Local error");
    case CurveQuantity::FinalDeviation: return tr("Final deviation");
    case CurveQuantity::HeldoutKl: return tr("Held-out KL");
    case CurveQuantity::HeldoutPerplexity: return tr("Held-out perplexity");
    case CurveQuantity::Accuracy: return tr("Answer and refuse accuracy");
    }
    return {};
}

int countOf(const std::vector<CurvePoint>& points, CurveQuantity quantity)
{
    return static_cast<int>(std::ranges::count_if(points, [quantity](const CurvePoint& point) {
        switch (quantity) {
        case CurveQuantity::LocalError: return point.effect.local != nullptr;
        case CurveQuantity::Accuracy: return point.effect.completions != nullptr;
        default: return point.effect.downstream != nullptr;
        }
    }));
}

figure::Figure curveFigure(const std::vector<CurvePoint>& points, CurveQuantity quantity, std::optional<double> now,
                           const EditScope& scope)
{
    figure::Figure figure;
    figure.title = tr("%1 against α").arg(quantityName(quantity)).toStdString();
    figure.scope = u"%1 · %2"_s.arg(scope.model, scope.what).toStdString();
    figure.metadata = {{"model", scope.model.toStdString()}, {"edits", scope.what.toStdString()}};
    figure.panelHeight = 300;
    figure::Panel panel;
    panel.x.label = scope.strength.isEmpty() ? tr("strength α").toStdString() : scope.strength.toStdString();
    panel.x.lower = 0; // from nothing to all of it, at least
    panel.x.upper = 1;
    for (const CurvePoint& point : points) {
        panel.x.lower = std::min(*panel.x.lower, point.strength);
        panel.x.upper = std::max(*panel.x.upper, point.strength);
    }
    if (now) {
        panel.x.lower = std::min(*panel.x.lower, *now);
        panel.x.upper = std::max(*panel.x.upper, *now);
    }
    panel.y.lower = 0;
    QString about;
    switch (quantity) {
    case CurveQuantity::LocalError:
        panel.y.label = tr("‖edited − unedited‖₂ of the block").toStdString();
        addMeasured(panel, tr("largest over tokens (ε)"),
                    pointsOf(points, [](const EditEffect& e) { return ofLocal(e, &LocalEffect::epsilon); }));
        addMeasured(panel, tr("mean over tokens"),
                    pointsOf(points, [](const EditEffect& e) { return ofLocal(e, &LocalEffect::mean); }));
        about = tr("Of the edited blocks' outputs, on the unedited model's own inputs.");
        break;
    case CurveQuantity::FinalDeviation:
        panel.y.label = tr("largest ‖h′ − h‖₂").toStdString();
        addMeasured(panel, tr("before the final norm"),
                    pointsOf(points, [](const EditEffect& e) { return ofDownstream(e, &DownstreamEffect::finalPre); }));
        addMeasured(panel, tr("after the final norm"), pointsOf(points, [](const EditEffect& e) {
                        return ofDownstream(e, &DownstreamEffect::finalPost);
                    }));
        about = tr("Of the final hidden state, over all tokens of the prompts.");
        break;
    case CurveQuantity::HeldoutKl:
        panel.y.label = tr("KL(unedited ‖ edited), nats").toStdString();
        addMeasured(panel, tr("mean over held-out tokens"),
                    pointsOf(points, [](const EditEffect& e) { return ofDownstream(e, &DownstreamEffect::klMean); }));
        about = tr("Of the next token's distribution, on held-out prompts.");
        break;
    case CurveQuantity::HeldoutPerplexity:
        panel.y.label = tr("perplexity").toStdString();
        panel.y.lower.reset();
        addMeasured(panel, tr("edited"), pointsOf(points, [](const EditEffect& e) {
                        return ofDownstream(e, &DownstreamEffect::perplexityAfter);
                    }));
        for (const CurvePoint& point : points)
            if (const auto before = ofDownstream(point.effect, &DownstreamEffect::perplexityBefore); before) {
                panel.rules.push_back({figure::Direction::Horizontal, *before, tr("unedited").toStdString()});
                break;
            }
        about = tr("On held-out prompts.");
        break;
    case CurveQuantity::Accuracy: {
        panel.y = {.label = tr("share of prompts").toStdString(), .lower = 0, .upper = 1};
        const auto shares = [&points](bool answer) {
            std::vector<figure::Point> made;
            for (const CurvePoint& point : points)
                if (const auto& completions = point.effect.completions; completions)
                    made.push_back(
                        pointOf(point.strength, answer ? completions->after.answer : completions->after.refuse));
            return made;
        };
        addMeasured(panel, tr("answered where it should answer"), shares(true));
        addMeasured(panel, tr("refused where it should refuse"), shares(false));
        about = tr("By the markers' word; whiskers are Wilson 95 % intervals, and with a dozen prompts they are wide.");
        break;
    }
    }
    // The legend names measurements first.
    std::stable_partition(panel.series.begin(), panel.series.end(),
                          [](const Series& series) { return series.mark != Mark::Between; });
    if (now)
        panel.rules.push_back(
            {figure::Direction::Vertical, *now, tr("α = %1, now").arg(widgets::tickNumber(*now)).toStdString()});
    figure.caption = tr("Markers are measurements. %1").arg(about).toStdString();
    figure.panels = {std::move(panel)};
    return figure;
}

figure::Figure layersFigure(const DownstreamEffect& effect, const DownstreamEffect* other, const QString& otherName,
                            const EditScope& scope)
{
    figure::Figure figure;
    figure.title = tr("Deviation after every block").toStdString();
    figure.scope = u"%1 · %2"_s.arg(scope.model, scope.what).toStdString();
    figure.metadata = {{"model", scope.model.toStdString()}, {"edits", scope.what.toStdString()}};
    figure.caption =
        tr("‖h′ − h‖₂ of the residual stream, over all tokens of the prompts. Measured; a zero has no place "
           "on the axis.")
            .toStdString();
    figure.panelHeight = 300;
    figure::Panel panel;
    panel.x.label = tr("after block").toStdString();
    panel.y = {.label = tr("deviation ‖h′ − h‖₂").toStdString(), .scale = figure::Scale::Log};
    const auto add = [&panel](const QString& name, const std::vector<double>& values) {
        Series series{name.toStdString(), Mark::LineMarkers, {}};
        double at = 0;
        for (const double value : values)
            series.points.push_back({at++, value > 0 ? given(value) : std::nullopt});
        panel.series.push_back(std::move(series));
    };
    add(tr("largest"), effect.layerLargest);
    add(tr("mean"), effect.layerMean);
    if (other) {
        add(tr("largest, %1").arg(otherName), other->layerLargest);
        add(tr("mean, %1").arg(otherName), other->layerMean);
    }
    figure.panels = {std::move(panel)};
    return figure;
}

widgets::ValueRows sideEffectRows(const DownstreamEffect& effect)
{
    widgets::ValueRows rows;
    rows.columns = {
        {tr("Held-out prompt"), false, 18, {}},
        {tr("Loss change"), true, 14, tr("Mean loss with the edit minus without it, nats a token")},
        {tr("KL"), true, 12, tr("KL(unedited ‖ edited) of the next token, mean, nats")},
        {tr("Same next"), true, 12, tr("Share of tokens after which the most likely next one is the same")}};
    for (const int at : worstFirst(effect)) {
        const DownstreamEffect::Prompt& prompt = effect.prompts[static_cast<std::size_t>(at)];
        widgets::ValueCell id;
        id.text = prompt.id;
        widgets::ValueCell change = widgets::ValueCell::of(prompt.lossChange);
        change.isSigned = true;
        widgets::ValueCell same = widgets::ValueCell::of(prompt.agreement);
        if (!widgets::isMissing(prompt.agreement)) { // as the receipt has it
            same.text = widgets::percentText(prompt.agreement);
            same.toolTip = widgets::exactNumber(prompt.agreement);
        }
        rows.rows.push_back({id, change, widgets::ValueCell::of(prompt.meanKl), same});
    }
    return rows;
}

figure::Figure sideEffectFigure(const DownstreamEffect& effect, const EditScope& scope)
{
    figure::Figure figure;
    figure.title = tr("Side effects on held-out prompts").toStdString();
    figure.scope = u"%1 · %2"_s.arg(scope.model, scope.what).toStdString();
    figure.caption = tr("Mean loss with the edit minus without it, nats a token, worst first. Measured.").toStdString();
    figure.metadata = {{"model", scope.model.toStdString()}, {"edits", scope.what.toStdString()}};
    figure.panelHeight = 300;
    figure::Panel panel;
    panel.x.label = tr("held-out prompt").toStdString();
    panel.y.label = tr("loss change, nats a token").toStdString();
    Series change{tr("loss change").toStdString(), Mark::Bars, {}};
    double at = 0;
    for (const int prompt : worstFirst(effect)) {
        const DownstreamEffect::Prompt& one = effect.prompts[static_cast<std::size_t>(prompt)];
        panel.x.categories.push_back(one.id.toStdString());
        change.points.push_back({at++, given(one.lossChange)});
    }
    panel.series = {std::move(change)};
    figure.panels = {std::move(panel)};
    return figure;
}

}
