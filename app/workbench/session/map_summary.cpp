#include "app/workbench/session/map_summary.h"

#include "widgets/error_scale.h"
#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QStringList>

#include <algorithm>
#include <cmath>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using widgets::CellKey;
using widgets::Metric;

QString tr(const char* text)
{
    return QCoreApplication::translate("MapSummary", text);
}

constexpr int fewBlocks = 4; // so many are listed one by one

struct Tally {
    qint64 measured = 0; // token × block pairs
    qint64 above = 0;
    double extreme = widgets::missing; // largest magnitude; smallest for margins
    CellKey worst;
    std::vector<qint64> aboveOfBlock; // by column
    std::vector<qint64> tokensOfBlock;
    qint64 relativeWithin = 0;
    qint64 relativeMeasured = 0;
};

Tally tally(const widgets::TokenMap& map, Metric metric, double threshold)
{
    Tally result;
    result.aboveOfBlock.resize(map.blocks.size());
    result.tokensOfBlock.resize(map.blocks.size());
    for (std::size_t column = 0; column < map.blocks.size(); ++column) {
        for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt) {
            const widgets::MapCell* cell = map.cell(column, prompt);
            if (!cell)
                continue;
            for (std::size_t token = 0; token < map.prompts[prompt].tokens.size(); ++token) {
                const double relative = widgets::valueOf(*cell, Metric::Relative, token, map.thresholds);
                if (!widgets::isMissing(relative)) {
                    ++result.relativeMeasured;
                    result.relativeWithin += relative <= map.thresholds.tauRel ? 1 : 0;
                }
                const double value = std::abs(widgets::valueOf(*cell, metric, token, map.thresholds));
                if (widgets::isMissing(value))
                    continue;
                ++result.measured;
                ++result.tokensOfBlock[column];
                if (value > threshold) {
                    ++result.above;
                    ++result.aboveOfBlock[column];
                }
                const bool isWorse = metric == Metric::Margin ? value < result.extreme : value > result.extreme;
                if (widgets::isMissing(result.extreme) || isWorse) {
                    result.extreme = value;
                    result.worst = {map.blocks[column], static_cast<int>(prompt), static_cast<int>(token)};
                }
            }
        }
    }
    return result;
}

QString pieceOf(const widgets::TokenMap& map, const CellKey& key)
{
    const widgets::MapPrompt& prompt = map.prompts[static_cast<std::size_t>(key.prompt)];
    return widgets::visiblePiece(prompt.tokens[static_cast<std::size_t>(key.token)].piece);
}

QString placeOf(const widgets::TokenMap& map, const CellKey& key)
{
    const widgets::MapPrompt& prompt = map.prompts[static_cast<std::size_t>(key.prompt)];
    return tr("“%1”, token %2 of prompt %3").arg(pieceOf(map, key)).arg(key.token).arg(prompt.id);
}

QString symbolOf(Metric metric)
{
    switch (metric) {
    case Metric::Relative: return u"τ_rel"_s;
    case Metric::LossDifference: return u"τ_loss"_s;
    default: return u"τ"_s;
    }
}

QString share(qint64 part, qint64 whole)
{
    return widgets::coverageText(part, whole);
}

}

MapSummary summarise(const widgets::TokenMap& map, Metric metric)
{
    if (metric == Metric::Coverage) // coverage counts tokens by the error that decides
        return summarise(map, widgets::decidingMetric(map.thresholds));
    const double threshold = widgets::thresholdOf(map.thresholds, metric);
    const Tally counted = tally(map, metric, widgets::isMissing(threshold) ? INFINITY : threshold);
    if (counted.measured == 0)
        return {metric == Metric::LossDifference ? tr("No loss was measured.")
                : metric == Metric::Kl           ? tr("No KL divergence was measured.")
                                                 : tr("Nothing has been measured yet."),
                {}};
    const QString largest = widgets::tableNumber(counted.extreme);
    const QString place = placeOf(map, counted.worst);
    if (metric == Metric::Margin)
        return {tr("The smallest margin is %1, at block %2: %3.").arg(largest).arg(counted.worst.block).arg(place),
                counted.worst};
    if (metric == Metric::Kl)
        return {tr("The largest KL divergence is %1 nats, at block %2: %3.")
                    .arg(largest)
                    .arg(counted.worst.block)
                    .arg(place),
                counted.worst};

    const QString tau = u"%1 = %2"_s.arg(symbolOf(metric), widgets::exactNumber(threshold));
    if (counted.above == 0)
        return {tr("Every token is within %1 at every measured block; the largest value is %2, at block %3: %4.")
                    .arg(tau, largest)
                    .arg(counted.worst.block)
                    .arg(place),
                counted.worst};
    if (counted.above == counted.measured) {
        QString sentence = tr("No token is within %1").arg(tau);
        if (metric == Metric::Error && counted.relativeMeasured > 0) {
            // Small beside what they are errors of: a 16-bit baseline's rounding looks so, a poor surrogate does not.
            const bool small = counted.relativeWithin * 10 >= counted.relativeMeasured * 9;
            sentence += (small ? tr(": the outputs are too large, or the baseline rounds too coarsely, for that. The "
                                    "relative measure (%1 = %2) covers %3.")
                               : tr("; the relative measure (%1 = %2) covers %3."))
                            .arg(symbolOf(Metric::Relative), widgets::exactNumber(map.thresholds.tauRel),
                                 share(counted.relativeWithin, counted.relativeMeasured));
        } else {
            sentence += u'.';
        }
        return {sentence, counted.worst};
    }
    const auto blocksAbove =
        std::count_if(counted.aboveOfBlock.begin(), counted.aboveOfBlock.end(), [](qint64 count) { return count > 0; });
    if (counted.above == 1)
        return {tr("One token is excluded at block %1: %2, with %3.")
                    .arg(counted.worst.block)
                    .arg(place, widgets::comparisonText(counted.extreme, threshold)),
                counted.worst};
    const auto most = std::max_element(counted.aboveOfBlock.begin(), counted.aboveOfBlock.end());
    const auto column = static_cast<std::size_t>(most - counted.aboveOfBlock.begin());
    if (blocksAbove == 1)
        return {tr("%1 of %2 tokens are excluded at block %3; the largest value is %4: %5.")
                    .arg(counted.above)
                    .arg(counted.tokensOfBlock[column])
                    .arg(map.blocks[column])
                    .arg(largest, place),
                counted.worst};
    if (blocksAbove <= fewBlocks) {
        QStringList places;
        for (std::size_t i = 0; i < map.blocks.size(); ++i) {
            if (counted.aboveOfBlock[i] > 0)
                places << tr("%1 at block %2").arg(counted.aboveOfBlock[i]).arg(map.blocks[i]);
        }
        return {tr("%1 tokens are excluded: %2 (of %3 tokens each); the largest value is %4: %5.")
                    .arg(counted.above)
                    .arg(places.join(tr(", ")))
                    .arg(counted.tokensOfBlock[column])
                    .arg(largest, place),
                counted.worst};
    }
    QString sentence =
        tr("%1 of %2 token–block pairs are above %3, at %4 of %5 blocks; most at block %6 (%7 of %8 tokens).")
            .arg(widgets::countText(counted.above), widgets::countText(counted.measured), tau)
            .arg(blocksAbove)
            .arg(map.blocks.size())
            .arg(map.blocks[column])
            .arg(*most)
            .arg(counted.tokensOfBlock[column]);
    if (metric == Metric::Error && 2 * counted.above > counted.measured && counted.relativeMeasured > 0)
        sentence += u' ' + tr("The relative measure (%1 = %2) covers %3.")
                               .arg(symbolOf(Metric::Relative), widgets::exactNumber(map.thresholds.tauRel),
                                    share(counted.relativeWithin, counted.relativeMeasured));
    return {sentence, counted.worst};
}

namespace {

// "The check at level 3 failed at block 15."
QString refutation(const widgets::RunVerdict& verdict)
{
    constexpr qsizetype named = 4;
    QStringList blocks;
    for (const int block : verdict.failedBlocks)
        blocks << QString::number(block);
    if (blocks.isEmpty())
        return tr("The check at level %1 failed.").arg(verdict.level);
    if (blocks.size() == 1)
        return tr("The check at level %1 failed at block %2.").arg(verdict.level).arg(blocks.front());
    return tr("The check at level %1 failed at %2.")
        .arg(verdict.level)
        .arg(blocks.size() <= named ? tr("blocks %1").arg(blocks.join(u", "_s)) : tr("%1 blocks").arg(blocks.size()));
}

}

QString summariseBlocks(const std::vector<widgets::BlockRow>& rows, const std::optional<widgets::RunVerdict>& verdict)
{
    using widgets::BlockState;
    const auto count = [&rows](BlockState state) {
        return std::count_if(rows.begin(), rows.end(),
                             [state](const widgets::BlockRow& row) { return row.state == state; });
    };
    const auto certified = count(BlockState::Certified);
    const auto refused = count(BlockState::Refused);
    const auto judged = certified + count(BlockState::NotCertified) + refused;
    // Their cells are all there; what is claimed of them comes with their certificates.
    const auto measured = std::count_if(rows.begin(), rows.end(), [](const widgets::BlockRow& row) {
        return row.state == BlockState::Waiting && !widgets::isMissing(row.epsilon);
    });
    const auto waiting = static_cast<std::ptrdiff_t>(rows.size()) - judged - measured;
    if (judged == 0 && measured == 0)
        return {};
    QStringList parts;
    if (measured > 0)
        parts << (measured == 1 ? tr("One block is measured and has no certificate yet")
                                : tr("%1 blocks are measured and have no certificate yet").arg(measured));
    const auto confirmed = std::count_if(rows.begin(), rows.end(), [&verdict](const widgets::BlockRow& row) {
        return row.state == BlockState::Certified && verdict && verdict->of(row.block) == CheckState::Verified;
    });
    int leastLevel = 9;
    bool areLossesClaimed = false;
    for (const widgets::BlockRow& row : rows) {
        if (row.state != BlockState::Certified || !verdict || verdict->of(row.block) != CheckState::Verified)
            continue;
        leastLevel = std::min(leastLevel, verdict->levelOf(row.block));
        areLossesClaimed = areLossesClaimed || verdict->markOf(row.block, !widgets::isMissing(row.lossCoverage)) ==
                                                   widgets::Mark::ButLosses;
    }
    QString claim = certified != judged
                        ? tr("%1 of %2 measured blocks are certified under their policy").arg(certified).arg(judged)
                    : judged == 1 ? tr("The measured block is certified under its policy")
                                  : tr("All %1 measured blocks are certified under their policy").arg(judged);
    const bool isRecomputed = std::all_of(rows.begin(), rows.end(), [&verdict](const widgets::BlockRow& row) {
        return (row.state != BlockState::Certified && row.state != BlockState::NotCertified) ||
               (verdict && verdict->of(row.block) == CheckState::Verified);
    });
    if (certified == 0) // that none is certified is a claim as well
        claim = (verdict && verdict->state == CheckState::Failed ? refutation(*verdict) + u' ' : QString()) + claim +
                (isRecomputed ? QString() : tr(", says the issuer"));
    else if (verdict && verdict->state == CheckState::Failed)
        claim =
            refutation(*verdict) + u' ' + claim + tr(", says the issuer: that is not supported by what is in the run");
    else if (confirmed == certified)
        claim += tr(", recomputed here at level %1").arg(leastLevel) +
                 (!areLossesClaimed ? QString()
                  : leastLevel < 4  ? tr("; the losses behind that are the issuer's word below level 4")
                                    : tr("; the losses behind that are the issuer's word"));
    else
        claim += confirmed == 0 ? tr(", says the issuer; nothing of it has been recomputed here")
                                : tr(", says the issuer; %1 of them recomputed here").arg(confirmed);
    if (judged > 0)
        parts.prepend(claim);
    if (refused > 0)
        parts << tr("%1 could not be measured").arg(refused);
    if (waiting > 0)
        parts << tr("%1 not measured yet").arg(waiting);
    return parts.join(u"; "_s) + u'.';
}

}
