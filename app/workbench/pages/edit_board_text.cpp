#include "app/workbench/pages/edit_board_text.h"

#include "app/workbench/pages/edit_board.h"
#include "widgets/number_text.h"

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

QString tr(const char* text)
{
    return EditBoard::tr(text);
}

QString rowName(const LocalEffect& local, int prompt)
{
    const auto at = static_cast<std::size_t>(prompt);
    if (prompt < 0 || at >= local.prompts.size())
        return u"–"_s;
    return local.prompts[at].id.isEmpty() ? QString::number(prompt) : local.prompts[at].id;
}

}

QString stageText(const JobProgress& progress)
{
    const QString stage = progress.stage == "hash"_L1       ? tr("Hashing the model's files")
                          : progress.stage == "load"_L1     ? tr("Loading weights")
                          : progress.stage == "prepare"_L1  ? tr("Running the unedited model once")
                          : progress.stage == "effect"_L1   ? tr("Running the edited model")
                          : progress.stage == "predict"_L1  ? tr("Predicting held-out tokens")
                          : progress.stage == "generate"_L1 ? tr("Writing completions")
                                                            : tr("Opening the model");
    if (progress.total <= 0)
        return stage;
    const bool isBytes = progress.unit == "bytes"_L1;
    const auto text = [isBytes](qint64 count) {
        return isBytes ? widgets::bytesText(static_cast<quint64>(count)) : widgets::countText(count);
    };
    return tr("%1: %2 of %3").arg(stage, text(progress.done), text(progress.total)) +
           (isBytes ? QString() : u' ' + progress.unit) +
           (progress.done >= progress.total ? tr(", finishing") : QString());
}

QString effectSentence(const EditLab& lab)
{
    const EditEffect effect = lab.shown();
    using Phase = EditLab::Phase;
    if (enabledSteps(lab.edits().stack()).empty())
        return tr("Every edit is off: the model is as it was.");
    if (const QString obstacle = lab.obstacle(); !obstacle.isEmpty())
        return obstacle;
    if (lab.fault())
        return tr("Not measured.");
    if (lab.isStopped() && !effect.local)
        return tr("Stopped. Change the stack or press Measure to go on.");
    if (!effect.local)
        return lab.last() ? tr("Measuring; the numbers are still those of %1.")
                                .arg(lab.last()->effect.edits.isEmpty() ? tr("the state before")
                                                                        : stepSentence(lab.last()->stack.back()))
                          : tr("Measuring …");
    if (effect.isNeutral)
        return tr("Every strength is neutral: the edited model is the unedited one, bit for bit.");
    QString text =
        tr("At the edited blocks a token moves by at most %1").arg(widgets::tableNumber(effect.local->epsilon));
    if (effect.downstream)
        text +=
            tr("; at the end that is %1 before and %2 after the final norm, and held-out perplexity goes from %3 to "
               "%4.")
                .arg(widgets::tableNumber(effect.downstream->finalPre),
                     widgets::tableNumber(effect.downstream->finalPost),
                     widgets::tableNumber(effect.downstream->perplexityBefore),
                     widgets::tableNumber(effect.downstream->perplexityAfter));
    else
        text += lab.phase() == Phase::Downstream || lab.phase() == Phase::Waiting
                    ? tr("; the model behind them is being run.")
                    : u"."_s;
    return text + u' ' + tr("Measured on %1 tokens.").arg(widgets::countText(effect.local->tokens));
}

widgets::GridValues tokenGrid(const LocalEffect& local, const widgets::PromptList* prompts)
{
    widgets::GridValues values;
    values.rowTitle = tr("prompt");
    values.columnTitle = tr("token");
    values.quantity = tr("Local error");
    std::size_t longest = 0;
    for (const LocalEffect::Prompt& prompt : local.prompts)
        longest = std::max(longest, prompt.errors.size());
    for (std::size_t token = 0; token < longest; ++token)
        values.columns << (token % 5 == 0 ? QString::number(token) : QString());
    values.cells.resize(longest * local.prompts.size());
    for (std::size_t p = 0; p < local.prompts.size(); ++p) {
        const LocalEffect::Prompt& prompt = local.prompts[p];
        const widgets::PromptRow* known = prompts && p < prompts->prompts.size() ? &prompts->prompts[p] : nullptr;
        // Only where the same tokens were encoded: a condition puts others in front.
        if (known && known->tokens.size() != prompt.errors.size())
            known = nullptr;
        values.rows << rowName(local, static_cast<int>(p));
        for (std::size_t token = 0; token < longest; ++token) {
            widgets::GridCell& cell = values.cells[p * longest + token];
            cell.exists = token < prompt.errors.size();
            if (!cell.exists)
                continue;
            cell.value = prompt.errors[token];
            const QString piece = known ? u" “%1”"_s.arg(widgets::visiblePiece(known->tokens[token].piece)) : QString();
            cell.toolTip =
                tr("%1, token %2%3: %4")
                    .arg(values.rows.back(), QString::number(token), piece, widgets::exactNumber(cell.value));
            cell.isMarked = static_cast<int>(p) == local.worst.prompt && static_cast<int>(token) == local.worst.token;
        }
    }
    // The twentieth part of the tokens that changes most is warm.
    values.scale = widgets::ErrorScale::anchored(0, local.q95 > 0 ? local.q95 : 1e-12, std::max(local.epsilon, 1e-12),
                                                 widgets::ScaleKind::Linear);
    return values;
}

QString tokenSentence(const LocalEffect& local)
{
    return local.epsilon > 0 ? tr("Half of the tokens move by at most %1, 95 % by at most %2; the others are warm. The "
                                  "largest is %3, "
                                  "framed: prompt %4, token %5 “%6”.")
                                   .arg(widgets::tableNumber(local.q50), widgets::tableNumber(local.q95),
                                        widgets::tableNumber(local.epsilon), rowName(local, local.worst.prompt),
                                        QString::number(local.worst.token), widgets::visiblePiece(local.worst.piece))
                             : tr("No token's output changes at an edited block.");
}

}
