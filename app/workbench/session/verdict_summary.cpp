#include "app/workbench/session/verdict_summary.h"

#include "engine/values/recomputed_losses.h"
#include "widgets/check_list.h"

#include <QCoreApplication>
#include <QFileInfo>
#include <QRegularExpression>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using widgets::CheckRow;

QString tr(const char* text)
{
    return QCoreApplication::translate("VerdictSummary", text);
}

std::optional<double> numberIn(const QString& text)
{
    bool isNumber = false;
    const double value = text.toDouble(&isNumber);
    return isNumber ? std::optional(value) : std::nullopt;
}

// Failed before gaps, gaps before a weaker claim, that before a weaker tick; a check that was not required leaves no
// mark.
int gravity(widgets::Mark mark)
{
    using widgets::Mark;
    switch (mark) {
    case Mark::Failed: return 5;
    case Mark::NotChecked: return 4;
    case Mark::WeakerThanPolicy: return 3;
    case Mark::Unchanged: return 2;
    case Mark::ButLosses: return 1;
    case Mark::Verified: break;
    }
    return 0;
}

CheckRow merge(const std::vector<const CheckRow*>& rows)
{
    CheckRow merged = *rows.front();
    const auto same = [&rows](QString CheckRow::*field) {
        return std::all_of(rows.begin(), rows.end(),
                           [&](const CheckRow* row) { return row->*field == rows.front()->*field; });
    };
    const bool areFiles = rows.front()->where.contains(u'/');
    const QString count = (areFiles ? tr("%1 files") : tr("%1 blocks")).arg(rows.size());
    if (same(&CheckRow::issuer) && same(&CheckRow::recomputed)) {
        merged.where = count;
    } else if (std::all_of(rows.begin(), rows.end(), [](const CheckRow* row) { return numberIn(row->issuer); })) {
        const bool wantsSmallest = merged.id.contains("coverage"_L1) || merged.title.contains("coverage"_L1);
        const auto compare = [](const CheckRow* a, const CheckRow* b) {
            return *numberIn(a->issuer) < *numberIn(b->issuer);
        };
        const CheckRow* shown = wantsSmallest ? *std::min_element(rows.begin(), rows.end(), compare)
                                              : *std::max_element(rows.begin(), rows.end(), compare);
        merged = *shown;
        merged.where = (wantsSmallest ? tr("smallest of %1, %2") : tr("largest of %1, %2")).arg(count, shown->where);
    } else {
        merged.where = count;
        if (!same(&CheckRow::issuer))
            merged.issuer = tr("%1 values").arg(rows.size());
        if (!same(&CheckRow::recomputed))
            merged.recomputed = std::any_of(rows.begin(), rows.end(),
                                            [](const CheckRow* row) { return widgets::differsWithinAllowance(*row); })
                                    ? tr("all within what is allowed")
                                    : tr("all equal");
    }
    if (!same(&CheckRow::how))
        merged.how = rows.front()->how.section(u',', 0, 0);
    if (!same(&CheckRow::detail))
        merged.detail.clear();
    return merged;
}

}

CheckState worseOf(CheckState a, CheckState b)
{
    return gravity(widgets::markOf(a)) >= gravity(widgets::markOf(b)) ? a : b;
}

widgets::Mark worseOf(widgets::Mark a, widgets::Mark b)
{
    return gravity(a) >= gravity(b) ? a : b;
}

std::vector<int> blocksWithLosses(const widgets::VerdictView& verdict)
{
    RecomputedLosses losses;
    for (const CheckRow& row : verdict.checks)
        losses.see(row.id.toStdString(), row.where.toStdString(), row.state == CheckState::Verified);
    std::vector<int> found;
    for (const std::string& where : losses.blocks())
        if (const std::optional<int> block = blockOfCheck(QString::fromStdString(where)))
            found.push_back(*block);
    std::sort(found.begin(), found.end());
    return found;
}

std::optional<int> blockOfCheck(const QString& where)
{
    static const QRegularExpression block(u"^block[ _]0*(\\d+)"_s);
    const QRegularExpressionMatch match = block.match(where);
    return match.hasMatch() ? std::optional(match.captured(1).toInt()) : std::nullopt;
}

widgets::VerdictView condensed(const widgets::VerdictView& verdict)
{
    using Kind = std::tuple<QString, QString, QString, CheckState, bool>;
    std::map<Kind, std::vector<const CheckRow*>> kinds;
    const auto kindOf = [](const CheckRow& row) { return Kind{row.id, row.group, row.title, row.state, row.required}; };
    const auto mayMerge = [](const CheckRow& row) {
        return blockOfCheck(row.where) && (row.state == CheckState::Verified || !row.required);
    };
    for (const CheckRow& row : verdict.checks) {
        if (mayMerge(row))
            kinds[kindOf(row)].push_back(&row);
    }
    widgets::VerdictView result = verdict;
    result.checks.clear();
    for (const CheckRow& row : verdict.checks) {
        if (!mayMerge(row)) {
            result.checks.push_back(row);
            continue;
        }
        const std::vector<const CheckRow*>& rows = kinds[kindOf(row)];
        if (rows.size() == 1)
            result.checks.push_back(row);
        else if (rows.front() == &row)
            result.checks.push_back(merge(rows));
    }
    return result;
}

QStringList condensedLines(const QStringList& lines)
{
    static const QRegularExpression ending(u"^(.*) \\(block \\d+\\)$"_s);
    QStringList kinds; // in the order of their first line
    std::map<QString, int> counts;
    for (const QString& line : lines) {
        const QRegularExpressionMatch match = ending.match(line);
        const QString kind = match.hasMatch() ? match.captured(1) : line;
        if (++counts[kind] == 1)
            kinds << kind;
    }
    QStringList shorter;
    for (const QString& line : lines) {
        const QRegularExpressionMatch match = ending.match(line);
        const QString kind = match.hasMatch() ? match.captured(1) : line;
        if (!kinds.removeOne(kind))
            continue;
        shorter << (match.hasMatch() && counts[kind] > 1 ? tr("%1 (%2 blocks)").arg(kind).arg(counts[kind]) : line);
    }
    return shorter;
}

bool wantsModel(const widgets::VerdictView& verdict)
{
    return verdict.state == CheckState::NotChecked &&
           std::any_of(verdict.checks.begin(), verdict.checks.end(), [](const CheckRow& row) {
               return row.required && row.state == CheckState::NotChecked && row.detail.contains("--model"_L1);
           });
}

namespace {

// What the folder rests on outside itself, each with the checks that tie it to the folder. One that no check has looked
// at stands there as not checked.
std::vector<widgets::ArtifactNode> linksOf(const widgets::VerdictView& verdict)
{
    struct Link {
        QString name;
        QStringList checks;
    };

    const Link links[] = {
        {tr("Weights of the model"), {u"replay.weights"_s, u"model.ir"_s, u"model.config"_s, u"expect.model"_s}},
        {tr("What the model computes"),
         {u"model.states"_s, u"model.top"_s, u"model.loss_base"_s, u"model.loss_stitched"_s, u"loss.tokens"_s}},
        {tr("Tokenizer"), {u"model.tokens"_s}},
        {tr("Prompts"), {u"provenance.prompts"_s, u"expect.prompts"_s}},
    };
    std::vector<widgets::ArtifactNode> nodes;
    for (const Link& link : links) {
        widgets::ArtifactNode node{link.name, tr("not at this level"), CheckState::NotChecked, {}};
        bool isNew = true;
        for (const CheckRow& row : verdict.checks) {
            if (!link.checks.contains(row.id))
                continue;
            node.state = isNew ? row.state : worseOf(node.state, row.state);
            if (isNew || node.state == row.state)
                node.note = row.how;
            isNew = false;
        }
        nodes.push_back(std::move(node));
    }
    return nodes;
}

}

widgets::ArtifactNode artifactsOf(const widgets::VerdictView& verdict)
{
    widgets::ArtifactNode root{QFileInfo(verdict.run).fileName(), {}, verdict.state, {}};
    std::optional<widgets::ArtifactNode> others;
    std::map<int, widgets::ArtifactNode> blocks;
    std::map<QString, widgets::ArtifactNode> files;
    const auto note = [](widgets::ArtifactNode& node, const CheckRow& row, bool isNew) {
        if (!row.required && row.state == CheckState::NotChecked)
            return;
        node.state = isNew ? row.state : worseOf(node.state, row.state);
    };
    for (const CheckRow& row : verdict.checks) {
        if (row.id == "sums.others"_L1 && row.state == CheckState::NotChecked) {
            // One certificate was verified: what holds for it says nothing of the folder.
            root.state = worseOf(root.state, CheckState::NotChecked);
            root.note = tr("one certificate of it");
            others = widgets::ArtifactNode{row.title, tr("not checked"), CheckState::NotChecked, {}};
            continue;
        }
        if (row.where.isEmpty())
            continue;
        if (const std::optional<int> block = blockOfCheck(row.where)) {
            const bool isNew = !blocks.contains(*block);
            widgets::ArtifactNode& node = blocks[*block];
            node.name = tr("block %1").arg(*block);
            note(node, row, isNew);
            QString file = row.where.section(u'/', 1);
            // A number of the block that is not the one recomputed stands in its certificate.
            if (file.isEmpty() && row.state == CheckState::Failed)
                file = u"certificate.json"_s;
            if (file.isEmpty())
                continue;
            const auto found = std::find_if(node.children.begin(), node.children.end(),
                                            [&file](const widgets::ArtifactNode& child) { return child.name == file; });
            if (found == node.children.end()) {
                node.children.push_back({file, {}, row.state, {}});
            } else {
                note(*found, row, false);
            }
        } else {
            const bool isNew = !files.contains(row.where);
            widgets::ArtifactNode& node = files[row.where];
            node.name = row.where;
            note(node, row, isNew);
        }
    }
    for (auto& [name, node] : files)
        root.children.push_back(std::move(node));
    if (blocks.size() > 4) {
        widgets::ArtifactNode all{tr("%1 blocks").arg(blocks.size()), {}, CheckState::Verified, {}};
        for (auto& [block, node] : blocks) {
            all.state = worseOf(all.state, node.state);
            all.children.push_back(std::move(node));
        }
        root.children.push_back(std::move(all));
    } else {
        for (auto& [block, node] : blocks)
            root.children.push_back(std::move(node));
    }
    if (others)
        root.children.push_back(std::move(*others));
    for (widgets::ArtifactNode& link : linksOf(verdict))
        root.children.push_back(std::move(link));
    return root;
}

QString meaningOf(const widgets::VerdictView& verdict)
{
    switch (verdict.state) {
    case CheckState::Failed: {
        const auto failed = std::count_if(verdict.checks.begin(), verdict.checks.end(),
                                          [](const CheckRow& row) { return row.state == CheckState::Failed; });
        return tr("%1 of %2 checks do not hold. What the folder claims is not supported by what is in it.")
            .arg(failed)
            .arg(verdict.checks.size());
    }
    case CheckState::NotChecked:
        return tr("A check that this level needs could not be made. Nothing is claimed until it is.");
    case CheckState::WeakerThanPolicy:
        return verdict.level < widgets::firstReplayLevel
                   ? tr("By the numbers that the run states, and that were not recomputed, it does not meet the "
                        "thresholds: the claim is weaker than the policy.")
                   : tr("The numbers hold, but they do not meet the thresholds: the claim is weaker than the policy.");
    case CheckState::Verified: break;
    }
    if (verdict.level >= 3)
        return tr("On the recorded tokens every surrogate block gave an output as close to the recorded one as the "
                  "certificate states, recomputed here in double precision.");
    if (verdict.level == 2)
        return tr("Every file is the one that was listed, and the cells drawn at random give the stated numbers.");
    return tr("Every file is the one that was listed. No number was recomputed.");
}

}
