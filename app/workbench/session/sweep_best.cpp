#include "app/workbench/session/sweep_best.h"

#include <QCoreApplication>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("SweepBest", text);
}

bool overlap(const std::optional<Share>& a, const std::optional<Share>& b)
{
    return a && b && a->low <= b->high && b->low <= a->high;
}

// Whether the unedited model has as large a sum of both shares.
bool isBeaten(const SweepRow& best, const SweepRow* unedited, SweepPrice price)
{
    return unedited && price == SweepPrice::Answers &&
           unedited->answerShare() + unedited->refuseShare() >= best.answerShare() + best.refuseShare();
}

QString comparison(const SweepRow& best, const SweepRow& unedited)
{
    const QString plain =
        tr("unedited it answers %1 and refuses %2").arg(shareText(unedited.answer), shareText(unedited.refuse));
    const bool answers = overlap(best.answer, unedited.answer);
    const bool refusals = overlap(best.refuse, unedited.refuse);
    if (answers && refusals)
        return tr("Both intervals overlap those without the edit (%1): these prompts are too few to tell them apart.")
            .arg(plain);
    if (!answers && !refusals)
        return tr("Neither interval overlaps the one without the edit (%1).").arg(plain);
    return answers ? tr("The intervals of answers overlap, those of refusals do not (%1).").arg(plain)
                   : tr("The intervals of refusals overlap, those of answers do not (%1).").arg(plain);
}

}

int wantedRows(const SweepTable& table)
{
    return static_cast<int>(table.blocks.size() * table.alphas.size() + 1);
}

int rowsOf(const SweepTable& table, const QString& condition)
{
    return static_cast<int>(std::ranges::count(table.rows, condition, &SweepRow::condition));
}

QString bestSentence(const SweepTable& table, const QString& condition, SweepPrice price)
{
    QStringList sentences;
    if (const int there = rowsOf(table, condition); there < wantedRows(table))
        sentences << tr("Only %1 of this condition's %2 rows are there, so this may change.")
                         .arg(there)
                         .arg(wantedRows(table));
    const int best = bestOf(table, condition, price);
    if (best < 0) {
        sentences << tr("No edit is on the front: the unedited model is at least as good in both.");
        return sentences.join(u' ');
    }
    const SweepRow& row = table.rows[static_cast<std::size_t>(best)];
    const SweepRow* unedited = baselineOf(table, condition);
    sentences << (isBeaten(row, unedited, price) ? tr("No edit is worth more than none; the nearest is %1.")
                                                 : tr("The best compromise is %1."))
                     .arg(sweepRowText(row));
    if (unedited)
        sentences << comparison(row, *unedited);
    sentences << tr("%1 rows are on the front.").arg(frontOf(table, condition, price).size());
    return sentences.join(u' ');
}

}
