#include "engine/pipeline/edit/edit_effect.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/generate/greedy.h"
#include "engine/model/batch.h"
#include "engine/model/predictions.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/stitch_divergence.h"
#include "engine/tokenizer/tokenizer.h"

#include <ATen/core/Tensor.h>

#include <cmath>
#include <string>

namespace blockcert::pipeline {

namespace {

using certificate::CompletionColumns;
using certificate::EditColumns;
using model::Batch;
using model::Transformer;

at::Tensor through(Transformer& transformer, std::int32_t layer, const at::Tensor& state, const Batch& batch,
                   model::Taps* taps, const RunContext& context)
{
    model::ForwardOptions options;
    options.end = layer + 1;
    options.taps = taps;
    return transformer.forwardFrom(LayerIndex{layer}, state, batch, options, context);
}

// ‖a − b‖₂ of every row, in double.
std::vector<double> distances(const at::Tensor& a, const at::Tensor& b, const std::string& what)
{
    const at::Tensor difference = a.to(at::kDouble).sub_(b.to(at::kDouble)).cpu().contiguous();
    const auto* values = difference.const_data_ptr<double>();
    std::vector<double> result;
    for (std::int64_t row = 0; row < difference.size(0); ++row) {
        double squares = 0;
        for (std::int64_t i = 0; i < difference.size(1); ++i) {
            const double value = values[row * difference.size(1) + i];
            squares += value * value;
        }
        result.push_back(std::sqrt(squares));
        if (!std::isfinite(result.back()))
            throw NumericError("The edited model cannot be measured: " + what + " is not finite at row " +
                               std::to_string(row) + "; use a smaller strength.");
    }
    return result;
}

}

namespace {

// Runs what must be the baseline's own blocks: with the changed matrices off.
at::Tensor plainly(Transformer& transformer, std::int32_t layer, const at::Tensor& state, const Batch& batch,
                   EditSession& session, const RunContext& context)
{
    const bool overlaid = session.overlays({layer});
    if (overlaid)
        session.lay(false, context);
    at::Tensor next = through(transformer, layer, state, batch, nullptr, context);
    if (overlaid)
        session.lay(true, context);
    return next;
}

// The edited model's final state; deviations and finalPost on the way if they are asked for.
at::Tensor editedEnd(Transformer& transformer, BaselineStates& states, EditSession& session, EditColumns* columns,
                     const RunContext& context)
{
    const Batch& batch = states.batch();
    const std::int32_t layers = transformer.config().layers;
    const std::int32_t first = session.first().value;
    at::Tensor baseline = states.before(session.first(), context);
    at::Tensor edited = baseline;
    if (columns != nullptr)
        columns->deviation.assign(static_cast<std::size_t>(first * batch.rows()), 0.0);
    for (std::int32_t layer = first; layer < layers; ++layer) {
        if (columns != nullptr) {
            const at::Tensor* next = states.kept({layer + 1});
            baseline = next != nullptr ? *next : plainly(transformer, layer, baseline, batch, session, context);
        }
        edited = through(transformer, layer, edited, batch, session.taps(), context);
        if (columns != nullptr) {
            const std::vector<double> rows =
                distances(edited, baseline, "the state after block " + std::to_string(layer));
            columns->deviation.insert(columns->deviation.end(), rows.begin(), rows.end());
        }
        context.step(Progress{"effect", layer + 1 - first, layers - first, layer, {}, "blocks", ""});
    }
    if (columns != nullptr)
        columns->finalPost = distances(transformer.finalNorm(edited, context), transformer.finalNorm(baseline, context),
                                       "the state after the final norm");
    return edited;
}

// Losses, divergence and argmax from the edited model's final state.
void compareNext(Transformer& transformer, BaselineStates& states, EditSession& session, const at::Tensor& edited,
                 EditColumns& columns, const RunContext& context)
{
    const auto rows = static_cast<std::size_t>(states.batch().rows());
    const bool isKept = states.kept({transformer.config().layers}) != nullptr;
    if (!isKept)
        session.lay(false, context);
    const at::Tensor baseline = states.before({transformer.config().layers}, context);
    (void)distances(edited, baseline, "the last state of a held-out prompt");
    const BaselineStates::Known& base = states.predictions(baseline, context);
    if (!isKept)
        session.lay(true, context);
    model::Predictions own;
    if (base.logits.defined()) {
        columns.divergence.assign(rows, 0.0);
        const auto width = static_cast<std::size_t>(base.logits.size(1));
        const auto* logits = base.logits.const_data_ptr<float>();
        Progress progress{"predict", 0, states.batch().rows(), {}, {}, "tokens", ""};
        own = model::predict(
            transformer, edited, states.batch(), states.ids(), context,
            [&](std::int64_t row, std::span<const float> edits) {
                const auto index = static_cast<std::size_t>(row);
                columns.divergence[index] = divergenceOf({logits + index * width, width}, base.logSumExp[index], edits);
            });
        progress.done = progress.total;
        context.step(progress);
    } else {
        own = model::predict(transformer, edited, states.batch(), states.ids(), context);
        columns.divergence = divergenceRows(transformer, baseline, edited, context);
    }
    columns.lossBase = base.predictions.nll;
    columns.lossEdited = std::move(own.nll);
    columns.topBase.clear();
    columns.topEdited.clear();
    for (std::size_t row = 0; row < rows; ++row) {
        columns.topBase.push_back(base.predictions.topId[row * model::topCount]);
        columns.topEdited.push_back(own.topId[row * model::topCount]);
    }
}

void describePrompts(const BaselineStates& states, const Transformer& transformer, EditColumns& columns)
{
    columns.offset = states.batch().offset;
    columns.tokenId.assign(states.ids().begin(), states.ids().end());
    columns.layers = transformer.config().layers;
}

void describeHeldout(const BaselineStates& states, EditColumns& columns)
{
    columns.heldoutOffset = states.batch().offset;
    columns.heldoutTokenId.assign(states.ids().begin(), states.ids().end());
}

}

void measureDeviations(Transformer& transformer, BaselineStates& baseline, EditSession& session, EditColumns& columns,
                       const RunContext& context)
{
    model::guarded([&] {
        describePrompts(baseline, transformer, columns);
        (void)editedEnd(transformer, baseline, session, &columns, context);
    });
}

void measureHeldout(Transformer& transformer, BaselineStates& baseline, EditSession& session, EditColumns& columns,
                    const RunContext& context)
{
    model::guarded([&] {
        describeHeldout(baseline, columns);
        const at::Tensor edited = editedEnd(transformer, baseline, session, nullptr, context);
        compareNext(transformer, baseline, session, edited, columns, context);
    });
}

void measureBoth(Transformer& transformer, BaselineStates& baseline, EditSession& session, EditColumns& columns,
                 const RunContext& context)
{
    model::guarded([&] {
        describePrompts(baseline, transformer, columns);
        describeHeldout(baseline, columns);
        const at::Tensor edited = editedEnd(transformer, baseline, session, &columns, context);
        compareNext(transformer, baseline, session, edited, columns, context);
    });
}

std::vector<double> nativeErrors(Transformer& transformer, BaselineStates& baseline, EditSession& session,
                                 const std::vector<LayerIndex>& blocks, const RunContext& context)
{
    return model::guarded([&] {
        std::vector<double> errors;
        for (const LayerIndex block : blocks) {
            // Blocks below may be edited, and must not be where the state before this one is run anew.
            const bool rerun = baseline.kept(block) == nullptr;
            if (rerun)
                session.lay(false, context);
            const at::Tensor input = baseline.before(block, context);
            const at::Tensor* next = baseline.kept({block.value + 1});
            const bool fromOutputs = session.editsOutputsAlone(block);
            BaselineStates::Sublayers sublayers;
            if (fromOutputs)
                sublayers = baseline.sublayers(block, context);
            if (rerun)
                session.lay(true, context);
            at::Tensor plain;
            at::Tensor edited;
            if (fromOutputs) { // what the block would go on with
                plain = sublayers.middle.add(sublayers.mlp);
                const at::Tensor mlp = sublayers.mlp.clone();
                session.taps()->mlpOutput(block, mlp);
                edited = sublayers.middle.add(mlp);
                session.taps()->blockOutput(block, edited);
            } else {
                plain = next != nullptr ? *next
                                        : plainly(transformer, block.value, input, baseline.batch(), session, context);
                edited = through(transformer, block.value, input, baseline.batch(), session.taps(), context);
            }
            const std::vector<double> rows =
                distances(edited, plain, "the state after block " + std::to_string(block.value));
            errors.insert(errors.end(), rows.begin(), rows.end());
            context.step();
        }
        return errors;
    });
}

bool isUnchanged(Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts, const Patch& patch,
                 const edit::PatchTensors& tensors, const RunContext& context)
{
    return model::guarded([&] {
        EditTaps taps(neutral(patch), tensors, transformer);
        const Batch batch = model::batchOf(prompts);
        const at::Tensor start = transformer.embed(model::joined(prompts), batch);
        model::ForwardOptions options;
        const at::Tensor plain = transformer.forwardFrom(LayerIndex{0}, start, batch, options, context);
        options.taps = &taps;
        return transformer.forwardFrom(LayerIndex{0}, start, batch, options, context).equal(plain);
    });
}

std::vector<std::vector<TokenId>> withRoom(const std::vector<std::vector<TokenId>>& prompts, std::int64_t limit)
{
    std::vector<std::vector<TokenId>> room;
    for (const std::vector<TokenId>& prompt : prompts)
        if (static_cast<std::int64_t>(prompt.size()) < limit)
            room.push_back(prompt);
    return room;
}

CompletionEnd endOf(const generate::Completion& completion, std::int64_t maxNew)
{
    return completion.stopped                                           ? CompletionEnd::EndOfText
           : static_cast<std::int64_t>(completion.ids.size()) == maxNew ? CompletionEnd::Length
                                                                        : CompletionEnd::Context;
}

CompletionColumns columnsOf(const std::vector<std::vector<TokenId>>& prompts,
                            const std::vector<generate::Completion>& done, std::int64_t maxNew, std::int64_t limit)
{
    CompletionColumns columns;
    std::size_t next = 0;
    for (const std::vector<TokenId>& prompt : prompts) {
        CompletionEnd end = CompletionEnd::NeverRan;
        if (static_cast<std::int64_t>(prompt.size()) < limit) {
            const generate::Completion& completion = done[next++];
            columns.id.insert(columns.id.end(), completion.ids.begin(), completion.ids.end());
            columns.margin.insert(columns.margin.end(), completion.margin.begin(), completion.margin.end());
            end = endOf(completion, maxNew);
        }
        columns.offset.push_back(static_cast<std::int64_t>(columns.id.size()));
        columns.end.push_back(static_cast<std::int32_t>(end));
    }
    return columns;
}

CompletionColumns complete(Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts,
                           std::int64_t maxNew, const std::vector<TokenId>& stop, model::Taps* taps,
                           const RunContext& context)
{
    const std::int64_t limit = transformer.config().context;
    generate::GreedyOptions options;
    options.maxNew = maxNew;
    options.stop = stop;
    options.taps = taps;
    return columnsOf(prompts, generate::generateGreedy(transformer, withRoom(prompts, limit), options, context), maxNew,
                     limit);
}

std::vector<CompletionText> textsOf(const CompletionColumns& completions, const tokenizer::Tokenizer& tokenizer)
{
    std::vector<CompletionText> texts;
    for (std::size_t p = 0; p < completions.end.size(); ++p) {
        const auto begin = static_cast<std::size_t>(completions.offset[p]);
        const auto count = static_cast<std::size_t>(completions.offset[p + 1]) - begin;
        texts.push_back({tokenizer.decode(std::span(completions.id).subspan(begin, count), true),
                         static_cast<CompletionEnd>(completions.end[p])});
    }
    return texts;
}

std::vector<RefusalRow> rowsOf(const PromptSet& prompts, const CompletionColumns& before,
                               const CompletionColumns& after, const tokenizer::Tokenizer& tokenizer)
{
    const std::vector<CompletionText> plain = textsOf(before, tokenizer);
    const std::vector<CompletionText> edited = textsOf(after, tokenizer);
    std::vector<RefusalRow> rows;
    for (std::size_t p = 0; p < prompts.prompts.size(); ++p)
        rows.push_back({prompts.prompts[p].id, prompts.prompts[p].label, plain[p], edited[p], {}, {}});
    return rows;
}

}
