#include "app/workbench/session/edit_stack.h"

#include "app/workbench/session/edit_words.h"
#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QFileInfo>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("EditStack", text);
}

QString targetName(const QString& target)
{
    return target == "mlp"_L1         ? tr("MLP output")
           : target == "attention"_L1 ? tr("attention output")
                                      : tr("block output");
}

}

QString operationName(EditOperation operation)
{
    switch (operation) {
    case EditOperation::ScaleMlp: return tr("Scale the MLP");
    case EditOperation::ScaleAttention: return tr("Scale the attention");
    case EditOperation::ScaleHead: return tr("Scale a head");
    case EditOperation::ZeroMlp: return tr("Zero the MLP");
    case EditOperation::ZeroAttention: return tr("Zero the attention");
    case EditOperation::ZeroHead: return tr("Zero a head");
    case EditOperation::AddDirection: return tr("Add a direction from a file");
    case EditOperation::ScaleDirection: return tr("Scale a direction from a file");
    case EditOperation::RankK: return tr("Add a rank-k change from a file");
    }
    return {};
}

bool hasStrength(EditOperation operation)
{
    return operation != EditOperation::ZeroMlp && operation != EditOperation::ZeroAttention &&
           operation != EditOperation::ZeroHead;
}

bool needsHead(EditOperation operation)
{
    return operation == EditOperation::ScaleHead || operation == EditOperation::ZeroHead;
}

bool needsFile(EditOperation operation)
{
    return operation == EditOperation::AddDirection || operation == EditOperation::ScaleDirection ||
           operation == EditOperation::RankK;
}

std::optional<double> neutralStrength(EditOperation operation)
{
    if (!hasStrength(operation))
        return std::nullopt;
    return operation == EditOperation::AddDirection || operation == EditOperation::RankK ? 0 : 1;
}

std::pair<double, double> strengthRange(EditOperation operation)
{
    switch (operation) {
    case EditOperation::AddDirection: return {-16, 16};
    case EditOperation::ScaleDirection: return {-1, 2};
    case EditOperation::RankK: return {-2, 2};
    default: return {0, 2};
    }
}

QString placeOf(const EditStep& step)
{
    switch (step.operation) {
    case EditOperation::ScaleMlp: return tr("MLP × α");
    case EditOperation::ScaleAttention: return tr("attention × α");
    case EditOperation::ScaleHead: return tr("head %1 × α").arg(step.head);
    case EditOperation::ZeroMlp: return tr("MLP × 0");
    case EditOperation::ZeroAttention: return tr("attention × 0");
    case EditOperation::ZeroHead: return tr("head %1 × 0").arg(step.head);
    case EditOperation::AddDirection: return tr("%1 + α · direction").arg(targetName(step.target));
    case EditOperation::ScaleDirection: return tr("%1, direction × α").arg(targetName(step.target));
    case EditOperation::RankK: return tr("matrix %1 + α · U Vᵀ").arg(step.matrix);
    }
    return {};
}

QString stepSentence(const EditStep& step)
{
    QString what = widgets::shownName(placeOf(step));
    return tr("block %1: %2").arg(step.block).arg(what.replace(u'α', widgets::exactNumber(step.strength)));
}

QString obstacleOf(const EditStep& step, const widgets::ModelCard& model)
{
    if (step.block < 0 || step.block >= model.layers)
        return tr("Block %1 is not there: the model has blocks 0 to %2.").arg(step.block).arg(model.layers - 1);
    if (needsHead(step.operation) && (step.head < 0 || step.head >= model.heads))
        return tr("Head %1 is not there: block %2 has heads 0 to %3.")
            .arg(step.head)
            .arg(step.block)
            .arg(model.heads - 1);
    if (needsFile(step.operation) && step.file.isEmpty())
        return tr("Choose the file that holds the %1 of block %2.")
            .arg(step.operation == EditOperation::RankK ? tr("factors") : tr("direction"))
            .arg(step.block);
    if (hasStrength(step.operation) && !std::isfinite(step.strength))
        return tr("α of block %1 is not a number.").arg(step.block);
    return {};
}

QString obstacleOf(const EditStack& stack, const widgets::ModelCard& model)
{
    for (const EditStep& step : stack)
        if (const QString obstacle = obstacleOf(step, model); step.isEnabled && !obstacle.isEmpty())
            return obstacle;
    return {};
}

Json editsOf(const EditStack& stack)
{
    Json edits = Json::array();
    for (const EditStep& step : stack)
        if (step.isEnabled)
            edits.push_back(wordsOf(step));
    return edits;
}

std::optional<QStringList> editOptions(const EditStack& stack)
{
    const auto isOn = [](const EditStep& step) { return step.isEnabled; };
    if (std::ranges::count_if(stack, isOn) != 1)
        return std::nullopt;
    const EditStep& step = *std::ranges::find_if(stack, isOn);
    if (!step.tensors.isEmpty()) // options name no tensors
        return std::nullopt;
    const QString strength = widgets::exactNumber(step.strength);
    const QString head = QString::number(step.head);
    QStringList words{u"--block"_s, QString::number(step.block)};
    switch (step.operation) {
    case EditOperation::ScaleMlp: return words << u"--scale-mlp"_s << strength;
    case EditOperation::ScaleAttention: return words << u"--scale-attn"_s << strength;
    case EditOperation::ScaleHead: return words << u"--scale-attn"_s << strength << u"--head"_s << head;
    case EditOperation::ZeroMlp: return words << u"--zero"_s << u"mlp"_s;
    case EditOperation::ZeroAttention: return words << u"--zero"_s << u"attention"_s;
    case EditOperation::ZeroHead: return words << u"--zero"_s << u"head"_s << u"--head"_s << head;
    case EditOperation::AddDirection:
    case EditOperation::ScaleDirection:
        return words << u"--direction"_s << step.file << u"--target"_s << step.target
                     << (step.operation == EditOperation::AddDirection ? u"--add-direction"_s : u"--scale-direction"_s)
                     << strength;
    case EditOperation::RankK:
        return words << u"--rank-k"_s << step.file << u"--matrix"_s << step.matrix << u"--strength"_s << strength;
    }
    return std::nullopt;
}

EditStack enabledSteps(const EditStack& stack)
{
    EditStack enabled;
    std::ranges::copy_if(stack, std::back_inserter(enabled), &EditStep::isEnabled);
    return enabled;
}

QString stackKey(const EditStack& stack, int varied)
{
    QString key;
    int place = 0;
    for (const EditStep& step : stack) {
        if (!step.isEnabled)
            continue;
        Json edit = wordsOf(step);
        if (place++ == varied)
            for (const char* name : {"scale_mlp", "scale_attn", "add_direction", "scale_direction", "strength"})
                if (edit.contains(name))
                    edit[name] = "varied";
        key += QString::fromStdString(edit.dump()) + u'\n';
    }
    return key;
}

const EditStep* stepOf(const EditStack& stack, int id)
{
    const auto found = std::ranges::find_if(stack, [id](const EditStep& step) { return step.id == id; });
    return found == stack.end() ? nullptr : &*found;
}

std::vector<int> editedBlocks(const EditStack& stack)
{
    std::vector<int> blocks;
    for (const EditStep& step : stack)
        if (step.isEnabled)
            blocks.push_back(step.block);
    std::ranges::sort(blocks);
    const auto rest = std::ranges::unique(blocks);
    blocks.erase(rest.begin(), rest.end());
    return blocks;
}

}
