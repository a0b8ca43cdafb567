// The map in words and as data: for screen readers, the clipboard and "describe this view".
#include "widgets/change.h"
#include "widgets/error_legend.h"
#include "widgets/number_text.h"
#include "widgets/token_heatmap.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <cmath>

namespace blockcert::widgets {

namespace {

QJsonValue jsonNumber(double value)
{
    return std::isfinite(value) ? QJsonValue(value) : QJsonValue(QJsonValue::Null);
}

QJsonArray jsonTop(const TopFive& top)
{
    QJsonArray array;
    for (const Candidate& candidate : top)
        array.append(QJsonArray{candidate.id, candidate.piece, jsonNumber(candidate.logit)});
    return array;
}

}

QString TokenHeatmap::description() const
{
    if (!m_map || m_grid.rows().empty())
        return tr("No run is shown.");
    qint64 measured = 0;
    qint64 covered = 0;
    double extreme = missing;
    GridPosition worst;
    const bool large = m_scale.striking() == Striking::Large;
    for (int row = 0; row < m_values.rows(); ++row) {
        measured += m_values.rowMarginal(row).measured;
        covered += m_values.rowMarginal(row).covered;
        for (int column = 0; column < m_values.columns(); ++column) {
            const double value = std::abs(m_values.value(row, column));
            if (!isMissing(value) && (isMissing(extreme) || (large ? value > extreme : value < extreme))) {
                extreme = value;
                worst = {row, column};
            }
        }
    }
    if (measured == 0)
        return tr("%1: nothing is measured yet.").arg(metricTitle(m_metric));
    const QString symbol = thresholdSymbol(m_metric);
    QString text =
        tr("%1: %2 cells measured.")
            .arg(isChange(*m_map) ? tr("Difference B − A, %1").arg(metricTitle(m_metric)) : metricTitle(m_metric),
                 countText(measured));
    if (m_scale.isCoverage())
        return text + u' ' + tr("%1 of them are covered, %2.").arg(countText(covered), coverageText(covered, measured));
    if (m_scale.hasThreshold())
        text += u' ' + tr("%1 of them are above %2 = %3.")
                           .arg(countText(measured - covered), symbol, exactNumber(m_scale.threshold()));
    const CellKey key = keyOf(worst);
    return text + u' ' +
           (large ? tr("The largest is %1 at prompt %2, token %3, block %4.")
                  : tr("The smallest is %1 at prompt %2, token %3, block %4."))
               .arg(tableNumber(extreme))
               .arg(key.prompt)
               .arg(key.token)
               .arg(key.block);
}

QString TokenHeatmap::cellSentence(const CellKey& key) const
{
    const auto position = positionOf(key);
    if (!position)
        return {};
    const HeatmapRow& row = m_grid.rows()[static_cast<std::size_t>(position->row)];
    const double value = m_values.value(position->row, position->column);
    const bool whole = row.token == HeatmapRow::wholePrompt;
    const QString where = whole
                              ? tr("Prompt %1, block %2").arg(key.prompt).arg(key.block)
                              : tr("Token %1 “%2”, block %3").arg(key.token).arg(rowLabel(*m_map, row)).arg(key.block);
    if (isMissing(value))
        return tr("%1: not measured").arg(where);
    if (m_scale.isCoverage())
        return whole        ? tr("%1: %2 of the tokens are covered").arg(where, coverageText(value))
               : value >= 1 ? tr("%1: covered").arg(where)
                            : tr("%1: not covered").arg(where);
    QString number = isChange(*m_map) ? tr("%1: %2, B − A = %3").arg(where, metricName(m_metric), signedNumber(value))
                                      : tr("%1: %2 %3").arg(where, metricName(m_metric), exactNumber(value));
    if (whole)
        number += m_view.aggregate == Aggregate::Mean
                      ? tr(" on average")
                      : tr(" at token %1").arg(m_values.tokenOf(position->row, position->column));
    if (!m_scale.hasThreshold())
        return number;
    return m_scale.isWithin(value) ? tr("%1, within %2").arg(number, thresholdSymbol(m_metric))
                                   : tr("%1, above %2").arg(number, thresholdSymbol(m_metric));
}

QString TokenHeatmap::cellJson(const CellKey& key) const
{
    if (!positionOf(key))
        return {};
    const auto& prompt = m_map->prompts[static_cast<std::size_t>(key.prompt)];
    const auto at = static_cast<std::size_t>(key.token);
    if (at >= prompt.tokens.size())
        return {};
    const Token& token = prompt.tokens[at];
    QJsonObject object{
        {QStringLiteral("block"), key.block},     {QStringLiteral("prompt"), key.prompt},
        {QStringLiteral("prompt_id"), prompt.id}, {QStringLiteral("token"), key.token},
        {QStringLiteral("token_id"), token.id},   {QStringLiteral("piece"), token.piece},
        {QStringLiteral("run"), m_map->run},      {QStringLiteral("tau_act"), jsonNumber(m_map->thresholds.tauAct)}};
    const MapCell* cell =
        m_map->cell(static_cast<std::size_t>(m_map->columnOf(key.block)), static_cast<std::size_t>(key.prompt));
    const auto number = [&](const QString& name, const std::vector<double>& values) {
        object.insert(name, at < values.size() ? jsonNumber(values[at]) : QJsonValue(QJsonValue::Null));
    };
    const MapCell none;
    const MapCell& shown = cell != nullptr ? *cell : none;
    number(QStringLiteral("error"), shown.error);
    number(QStringLiteral("relative"), shown.relative);
    number(QStringLiteral("error_attn"), shown.errorAttention);
    number(QStringLiteral("error_mlp"), shown.errorMlp);
    number(QStringLiteral("output_norm"), shown.outputNorm);
    number(QStringLiteral("margin"), shown.margin);
    number(QStringLiteral("loss_base"), shown.lossBase);
    number(QStringLiteral("loss_stitched"), shown.lossStitched);
    number(QStringLiteral("kl"), shown.kl);
    if (at < shown.topBase.size())
        object.insert(QStringLiteral("top_base"), jsonTop(shown.topBase[at]));
    if (at < shown.topStitched.size())
        object.insert(QStringLiteral("top_stitched"), jsonTop(shown.topStitched[at]));
    return QString::fromUtf8(QJsonDocument(object).toJson(QJsonDocument::Indented));
}

QString TokenHeatmap::selectionText() const
{
    if (!m_selection || !m_map)
        return {};
    QStringList head{QStringLiteral("prompt"), QStringLiteral("token"), QStringLiteral("piece")};
    for (int column = m_selection->from.column; column <= m_selection->to.column; ++column)
        head << QStringLiteral("block %1").arg(blockAt(column));
    QStringList lines{head.join(u'\t')};
    for (int row = m_selection->from.row; row <= m_selection->to.row; ++row) {
        const HeatmapRow& key = m_grid.rows()[static_cast<std::size_t>(row)];
        if (key.isHeading())
            continue;
        QStringList fields{QString::number(key.prompt), key.token >= 0 ? QString::number(key.token) : QString(),
                           rowLabel(*m_map, key)};
        for (int column = m_selection->from.column; column <= m_selection->to.column; ++column) {
            const double value = m_values.value(row, column);
            fields << (isMissing(value) ? QString() : exactNumber(value));
        }
        lines << fields.join(u'\t');
    }
    return lines.join(u'\n') + u'\n';
}

QString TokenHeatmap::selectionSentence() const
{
    const MapSlice chosen = slice();
    if (chosen.isEmpty())
        return {};
    qint64 measured = 0;
    qint64 beyond = 0;
    Summary sum(m_scale.striking());
    for (const int block : chosen.blocks)
        for (const MapSlice::Place& place : chosen.tokens) {
            const MapCell* cell =
                m_map->cell(static_cast<std::size_t>(m_map->columnOf(block)), static_cast<std::size_t>(place.prompt));
            const double value =
                cell == nullptr ? missing
                                : valueOf(*cell, m_metric, static_cast<std::size_t>(place.token), m_map->thresholds);
            if (isMissing(value))
                continue;
            sum.add(value);
            ++measured;
            beyond += m_scale.isCoverage() ? (value < 1 ? 1 : 0) : (m_scale.isWithin(value) ? 0 : 1);
        }
    QString text = tr("%1 tokens × %2 blocks: %3 measured")
                       .arg(countText(static_cast<std::int64_t>(chosen.tokens.size())),
                            countText(static_cast<std::int64_t>(chosen.blocks.size())), countText(measured));
    if (measured == 0)
        return text;
    if (m_scale.isCoverage())
        return text + tr(", %1 not covered").arg(countText(beyond));
    if (m_scale.hasThreshold())
        text += tr(", %1 above %2").arg(countText(beyond), thresholdSymbol(m_metric));
    return text + (m_scale.striking() == Striking::Large ? tr(", largest %1, mean %2") : tr(", smallest %1, mean %2"))
                      .arg(tableNumber(sum.extreme()), tableNumber(sum.mean()));
}

}
