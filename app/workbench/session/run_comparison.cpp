#include "app/workbench/session/run_comparison.h"

#include "widgets/change.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::MapCell;
using widgets::TokenMap;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("RunComparison", text);
}

bool sameIds(const widgets::MapPrompt& a, const widgets::MapPrompt& b)
{
    return std::equal(a.tokens.begin(), a.tokens.end(), b.tokens.begin(), b.tokens.end(),
                      [](const widgets::Token& x, const widgets::Token& y) { return x.id == y.id; });
}

const widgets::BlockRow* rowOf(const std::vector<widgets::BlockRow>& rows, int block)
{
    const auto found =
        std::find_if(rows.begin(), rows.end(), [block](const widgets::BlockRow& row) { return row.block == block; });
    return found == rows.end() ? nullptr : &*found;
}

std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b)
{
    std::vector<double> result(std::min(a.size(), b.size()));
    for (std::size_t i = 0; i < result.size(); ++i)
        result[i] = b[i] - a[i]; // of what is missing nothing is known
    return result;
}

std::shared_ptr<const MapCell> changeOf(const MapCell& a, const MapCell& b)
{
    auto cell = std::make_shared<MapCell>();
    cell->error = differences(a.error, b.error);
    cell->relative = differences(a.relative, b.relative);
    cell->errorAttention = differences(a.errorAttention, b.errorAttention);
    cell->errorMlp = differences(a.errorMlp, b.errorMlp);
    cell->outputNorm = differences(a.outputNorm, b.outputNorm);
    cell->margin = differences(a.margin, b.margin);
    cell->kl = differences(a.kl, b.kl);
    // The two surrogates' losses against each other: a map shows ℓ_B − ℓ_A.
    cell->lossBase = a.lossStitched;
    cell->lossStitched = b.lossStitched;
    cell->topBase = a.topStitched;
    cell->topStitched = b.topStitched;
    return cell;
}

// Where the error that decides differs most; of equal differences the first.
void findLargestChange(widgets::ComparedBlock& row, const TokenMap& change, bool isRelative)
{
    const int column = change.columnOf(row.block);
    for (std::size_t prompt = 0; column >= 0 && prompt < change.prompts.size(); ++prompt) {
        const MapCell* cell = change.cell(static_cast<std::size_t>(column), prompt);
        if (cell == nullptr)
            continue;
        const std::vector<double>& values = isRelative ? cell->relative : cell->error;
        const std::vector<widgets::Token>& tokens = change.prompts[prompt].tokens;
        for (std::size_t token = 0; token < std::min(values.size(), tokens.size()); ++token) {
            if (widgets::isMissing(values[token]) ||
                (row.changeAt.isValid() && std::abs(values[token]) <= std::abs(row.largestChange)))
                continue;
            row.changeAt = {row.block, static_cast<int>(prompt), static_cast<int>(token)};
            row.changePiece = tokens[token].piece;
            row.largestChange = values[token];
        }
    }
}

QStringList differencesOf(const RunView& a, const RunView& b, int common)
{
    QStringList list;
    const auto differ = [&list](const QString& what, const QString& first, const QString& second) {
        if (first != second)
            list << tr("%1: %2 in A, %3 in B")
                        .arg(what, first.isEmpty() ? u"–"_s : first, second.isEmpty() ? u"–"_s : second);
    };
    differ(tr("Model"), a.model, b.model);
    differ(tr("Prompts"), a.prompts, b.prompts);
    differ(tr("Baseline"), a.baselineDtype, b.baselineDtype);
    differ(tr("Replay"), a.replayDtype, b.replayDtype);
    const widgets::Thresholds& s = a.map->thresholds;
    const widgets::Thresholds& t = b.map->thresholds;
    differ(u"τ_act"_s, widgets::exactNumber(s.tauAct), widgets::exactNumber(t.tauAct));
    differ(u"τ_rel"_s, widgets::exactNumber(s.tauRel), widgets::exactNumber(t.tauRel));
    differ(u"τ_loss"_s, widgets::exactNumber(s.tauLoss), widgets::exactNumber(t.tauLoss));
    differ(u"α_act"_s, widgets::exactNumber(s.alphaAct), widgets::exactNumber(t.alphaAct));
    differ(u"α_loss"_s, widgets::exactNumber(s.alphaLoss), widgets::exactNumber(t.alphaLoss));
    differ(tr("Deciding measure"), s.relativeDecides ? tr("relative") : tr("absolute"),
           t.relativeDecides ? tr("relative") : tr("absolute"));
    const auto onlyA = static_cast<int>(a.map->prompts.size()) - common;
    const auto onlyB = static_cast<int>(b.map->prompts.size()) - common;
    if (onlyA > 0)
        list << tr("%1 of the %2 prompts of A are not in B").arg(onlyA).arg(a.map->prompts.size());
    if (onlyB > 0)
        list << tr("%1 of the %2 prompts of B are not in A").arg(onlyB).arg(b.map->prompts.size());
    return list;
}

QStringList weakerOf(const std::vector<widgets::ComparedBlock>& blocks)
{
    QStringList list;
    QStringList dropped;
    QStringList lost;
    int coverage = 0;
    for (const widgets::ComparedBlock& row : blocks) {
        if (row.a && !row.b)
            dropped << QString::number(row.block);
        if (!row.a || !row.b)
            continue;
        if (row.a->state == widgets::BlockState::Certified && row.b->state != widgets::BlockState::Certified)
            lost << QString::number(row.block);
        coverage += row.b->activationCoverage < row.a->activationCoverage ? 1 : 0;
    }
    if (!lost.isEmpty())
        list << tr("Certified in A, not in B: %1").arg(lost.join(u", "_s));
    if (!dropped.isEmpty())
        list << tr("In A, not in B: %1").arg(dropped.join(u", "_s));
    if (coverage > 0)
        list << (coverage == 1 ? tr("One block covers fewer tokens in B")
                               : tr("%1 blocks cover fewer tokens in B").arg(coverage));
    return list;
}

QString sentenceOf(const RunComparison& comparison)
{
    if (comparison.commonPrompts == 0)
        return tr("A and B have no prompt with the same tokens, so none of their numbers can be compared.");
    int both = 0;
    int larger = 0;
    int equal = 0;
    for (const widgets::ComparedBlock& row : comparison.blocks) {
        if (!row.a || !row.b)
            continue;
        ++both;
        const double a = comparison.isRelative ? row.a->relativeEpsilon : row.a->epsilon;
        const double b = comparison.isRelative ? row.b->relativeEpsilon : row.b->epsilon;
        larger += b > a ? 1 : 0;
        equal += b == a ? 1 : 0;
    }
    if (both == 0)
        return tr("A and B have no block in common.");
    if (equal == both)
        return tr("ε is the same in A and B at every one of the %1 common blocks.").arg(both);
    return tr("ε is larger in B at %1 of %2 common blocks, equal at %3; %4 prompts have the same tokens.")
        .arg(larger)
        .arg(both)
        .arg(equal)
        .arg(comparison.commonPrompts);
}

}

std::vector<std::pair<QString, QString>> metadataOf(const RunView& a, const RunView* b)
{
    const auto digest = [](const RunView& run) { return run.digest.isEmpty() ? u"none, unfinished"_s : run.digest; };
    if (b == nullptr)
        return {{u"run_digest"_s, digest(a)}};
    std::vector<std::pair<QString, QString>> metadata;
    for (const auto& [side, run] : {std::pair{u"a"_s, &a}, {u"b"_s, b}}) {
        const widgets::Thresholds& own = run->map->thresholds;
        metadata.insert(metadata.end(), {{side + u"_run"_s, run->name},
                                         {side + u"_run_digest"_s, digest(*run)},
                                         {side + u"_tau_act"_s, widgets::exactNumber(own.tauAct)},
                                         {side + u"_tau_rel"_s, widgets::exactNumber(own.tauRel)},
                                         {side + u"_tau_loss"_s, widgets::exactNumber(own.tauLoss)}});
    }
    metadata.emplace_back(u"covered_by"_s, u"the thresholds of A"_s);
    return metadata;
}

RunComparison compare(const RunView& a, const RunView& b)
{
    RunComparison comparison;
    comparison.isRelative = a.map->thresholds.relativeDecides;
    comparison.threshold = comparison.isRelative ? a.map->thresholds.tauRel : a.map->thresholds.tauAct;
    std::set<int> numbers;
    for (const std::vector<widgets::BlockRow>* rows : {a.blocks.get(), b.blocks.get()}) {
        for (const widgets::BlockRow& row : *rows)
            numbers.insert(row.block);
    }
    for (const int block : numbers) {
        widgets::ComparedBlock row;
        row.block = block;
        if (const widgets::BlockRow* found = rowOf(*a.blocks, block))
            row.a = *found;
        if (const widgets::BlockRow* found = rowOf(*b.blocks, block))
            row.b = *found;
        comparison.blocks.push_back(std::move(row));
    }
    // B in A's order: each prompt of B is taken once.
    std::vector<int> pairs(a.map->prompts.size(), -1);
    std::vector<bool> taken(b.map->prompts.size(), false);
    for (std::size_t p = 0; p < pairs.size(); ++p) {
        for (std::size_t q = 0; q < taken.size() && pairs[p] < 0; ++q) {
            if (!taken[q] && sameIds(a.map->prompts[p], b.map->prompts[q])) {
                taken[q] = true;
                pairs[p] = static_cast<int>(q);
                ++comparison.commonPrompts;
            }
        }
    }
    auto other = std::make_shared<TokenMap>(*a.map);
    auto change = std::make_shared<TokenMap>(*a.map);
    change->thresholds = widgets::noThresholds();
    change->run = tr("%1 − %2").arg(b.map->run, a.map->run);
    other->run = b.map->run;
    other->model = b.map->model;
    for (std::size_t column = 0; column < a.map->blocks.size(); ++column) {
        const int columnOfB = b.map->columnOf(a.map->blocks[column]);
        for (std::size_t p = 0; p < pairs.size(); ++p) {
            const std::size_t at = column * pairs.size() + p;
            std::shared_ptr<const MapCell> cell;
            if (columnOfB >= 0 && pairs[p] >= 0)
                cell = b.map->cells[static_cast<std::size_t>(columnOfB) * b.map->prompts.size() +
                                    static_cast<std::size_t>(pairs[p])];
            other->cells[at] = cell;
            change->cells[at] = cell && a.map->cells[at] ? changeOf(*a.map->cells[at], *cell) : nullptr;
        }
    }
    for (widgets::ComparedBlock& row : comparison.blocks)
        findLargestChange(row, *change, comparison.isRelative);
    auto rows = std::make_shared<std::vector<widgets::BlockRow>>(*b.blocks);
    for (widgets::BlockRow& row : *rows) {
        const auto at = std::find(pairs.begin(), pairs.end(), row.worst.prompt);
        row.worst.prompt = row.worst.isValid() && at != pairs.end() ? static_cast<int>(at - pairs.begin()) : -1;
    }
    comparison.otherBlocks = std::move(rows);
    comparison.hasOtherThresholds = !(a.map->thresholds == b.map->thresholds);
    comparison.other = std::move(other);
    comparison.change = std::move(change);
    comparison.differences = differencesOf(a, b, comparison.commonPrompts);
    comparison.weaker = weakerOf(comparison.blocks);
    comparison.sentence = sentenceOf(comparison);
    return comparison;
}

}
