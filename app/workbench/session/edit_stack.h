// A stack of edits as the lab holds it: the steps in their order, in the words of `edit`, and as a sentence for people.
#pragma once

#include "engine/base/strict_json.h"
#include "widgets/values.h"

#include <QString>
#include <QStringList>

#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

enum class EditOperation : std::uint8_t {
    ScaleMlp,
    ScaleAttention,
    ScaleHead,
    ZeroMlp,
    ZeroAttention,
    ZeroHead,
    AddDirection,
    ScaleDirection,
    RankK,
};

inline constexpr EditOperation allEditOperations[] = {
    EditOperation::ScaleMlp,     EditOperation::ScaleAttention, EditOperation::ScaleHead,
    EditOperation::ZeroMlp,      EditOperation::ZeroAttention,  EditOperation::ZeroHead,
    EditOperation::AddDirection, EditOperation::ScaleDirection, EditOperation::RankK,
};

struct EditStep {
    int id = 0; // tells the cards of a stack apart, also across undo
    int block = 0;
    EditOperation operation = EditOperation::ScaleMlp;
    int head = 0;                         // of the operations on a head
    QString target;                       // of a direction: "residual", "mlp", "attention"
    QString matrix;                       // of rank-k: "down", "q", "k", "v", "o", "gate", "up"
    QString file;                         // of a direction and of rank-k
    QStringList tensors;                  // in the file: [direction] or [U, V]; empty: called as usual
    double strength = 1;                  // α; zero has none
    bool isEnabled = true;                // a disabled step stays in the stack and edits nothing
    std::shared_ptr<const EditStep> past; // what this card was before its last change; null: nothing

    // What it does; where it comes from does not count.
    friend bool operator==(const EditStep& a, const EditStep& b)
    {
        return a.id == b.id && a.block == b.block && a.operation == b.operation && a.head == b.head &&
               a.target == b.target && a.matrix == b.matrix && a.file == b.file && a.tensors == b.tensors &&
               a.strength == b.strength && a.isEnabled == b.isEnabled;
    }
};

using EditStack = std::vector<EditStep>;

[[nodiscard]] QString operationName(EditOperation operation); // "Scale the MLP"
[[nodiscard]] bool hasStrength(EditOperation operation);
[[nodiscard]] bool needsHead(EditOperation operation);
[[nodiscard]] bool needsFile(EditOperation operation);
// The strength that leaves the model as it is: 1 of what scales, 0 of what adds; nothing where there is none.
[[nodiscard]] std::optional<double> neutralStrength(EditOperation operation);
// What a slider offers; a typed value may lie outside.
[[nodiscard]] std::pair<double, double> strengthRange(EditOperation operation);

[[nodiscard]] QString stepSentence(const EditStep& step); // "block 15: MLP × 0.33"
[[nodiscard]] QString placeOf(const EditStep& step);      // "MLP × α", "head 3 × 0"
// What is missing before the step can be measured, or nothing.
[[nodiscard]] QString obstacleOf(const EditStep& step, const widgets::ModelCard& model);
[[nodiscard]] QString obstacleOf(const EditStack& stack, const widgets::ModelCard& model);

// `edits` of edit_effect and write_patch: the enabled steps.
[[nodiscard]] Json editsOf(const EditStack& stack);
// The options of `blockcert edit` for a stack of one enabled step; nothing for others and for one that names its
// tensors, which need a patch file.
[[nodiscard]] std::optional<QStringList> editOptions(const EditStack& stack);
[[nodiscard]] EditStack enabledSteps(const EditStack& stack);
// Equal for stacks that do the same. `varied`, a place among the enabled steps: whatever strength that step has, for
// the points of one curve.
[[nodiscard]] QString stackKey(const EditStack& stack, int varied = -1);
[[nodiscard]] const EditStep* stepOf(const EditStack& stack, int id);
[[nodiscard]] std::vector<int> editedBlocks(const EditStack& stack); // of enabled steps, ascending

}
