#include "app/workbench/session/edit_words.h"

#include "app/workbench/process/json_reading.h"
#include "engine/base/error.h"

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

Json wordsOf(const EditStep& step)
{
    Json edit = {{"block", step.block}};
    const auto name = [&](const char* key, qsizetype at) {
        if (at < step.tensors.size())
            edit[key] = step.tensors[at].toStdString();
    };
    switch (step.operation) {
    case EditOperation::ScaleMlp: edit["scale_mlp"] = step.strength; break;
    case EditOperation::ScaleAttention: edit["scale_attn"] = step.strength; break;
    case EditOperation::ScaleHead:
        edit["scale_attn"] = step.strength;
        edit["head"] = step.head;
        break;
    case EditOperation::ZeroMlp: edit["zero"] = "mlp"; break;
    case EditOperation::ZeroAttention: edit["zero"] = "attention"; break;
    case EditOperation::ZeroHead:
        edit["zero"] = "head";
        edit["head"] = step.head;
        break;
    case EditOperation::AddDirection:
    case EditOperation::ScaleDirection:
        edit["direction"] = step.file.toStdString();
        edit["target"] = step.target.toStdString();
        edit[step.operation == EditOperation::AddDirection ? "add_direction" : "scale_direction"] = step.strength;
        name("tensor", 0);
        break;
    case EditOperation::RankK:
        edit["rank_k"] = step.file.toStdString();
        edit["matrix"] = step.matrix.toStdString();
        edit["strength"] = step.strength;
        name("u", 0);
        name("v", 1);
        break;
    }
    return edit;
}

std::optional<EditStep> stepOfWords(const Json& words)
{
    EditStep step;
    const std::optional<int> block = indexOf(words, "block");
    if (!block)
        return std::nullopt;
    step.block = *block;
    const std::optional<int> head = indexOf(words, "head");
    step.head = head.value_or(0);
    const auto strength = [&](const char* key, EditOperation operation) {
        const std::optional<double> value = realOf(words, key);
        if (!value)
            return false;
        step.operation = operation;
        step.strength = *value;
        return true;
    };
    if (strength("scale_mlp", EditOperation::ScaleMlp))
        return step;
    if (strength("scale_attn", head ? EditOperation::ScaleHead : EditOperation::ScaleAttention))
        return step;
    if (const QString zero = textOf(words, "zero"); !zero.isEmpty()) {
        if (zero != "mlp"_L1 && zero != "attention"_L1 && (zero != "head"_L1 || !head))
            return std::nullopt;
        step.operation = zero == "mlp"_L1         ? EditOperation::ZeroMlp
                         : zero == "attention"_L1 ? EditOperation::ZeroAttention
                                                  : EditOperation::ZeroHead;
        step.strength = 0;
        return step;
    }
    const auto named = [&](std::initializer_list<const char*> keys) {
        for (const char* key : keys)
            if (const QString name = textOf(words, key); !name.isEmpty())
                step.tensors << name;
        if (step.tensors.size() != static_cast<qsizetype>(keys.size()))
            step.tensors.clear();
    };
    if (strength("add_direction", EditOperation::AddDirection) ||
        strength("scale_direction", EditOperation::ScaleDirection)) {
        step.file = textOf(words, "direction");
        step.target = textOf(words, "target");
        if (step.target != "mlp"_L1 && step.target != "attention"_L1)
            step.target = u"residual"_s;
        named({"tensor"});
        return step;
    }
    if (words.contains("rank_k") && strength("strength", EditOperation::RankK)) {
        step.file = textOf(words, "rank_k");
        step.matrix = textOf(words, "matrix");
        named({"u", "v"});
        return step;
    }
    return std::nullopt;
}

OpenedPatch openedPatchOf(const Json& answer)
{
    OpenedPatch patch{textOf(answer, "path"), {}};
    for (const Json& words : arrayOf(answer, "steps")) {
        const std::optional<EditStep> step = stepOfWords(words);
        if (!step)
            throw FormatError("step " + std::to_string(patch.steps.size() + 1) + " is in words that are not known");
        patch.steps.push_back(*step);
    }
    if (patch.steps.empty())
        throw FormatError("it has no step");
    return patch;
}

}
