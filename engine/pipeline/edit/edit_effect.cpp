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

void measureDeviations(Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts, EditSession& session,
                       EditColumns& columns, const RunContext& context)
{
    model::guarded([&] {
        const Batch batch = model::batchOf(prompts);
        const std::vector<TokenId> ids = model::joined(prompts);
        const std::int32_t layers = transformer.config().layers;
        columns.offset = batch.offset;
        columns.tokenId.assign(ids.begin(), ids.end());
        columns.layers = layers;
        at::Tensor baseline = transformer.embed(ids, batch);
        at::Tensor edited = baseline;
        for (std::int32_t layer = 0; layer < layers; ++layer) {
            const bool overlaid = session.overlays({layer});
            if (overlaid)
                session.lay(false, context);
            const at::Tensor next = through(transformer, layer, baseline, batch, nullptr, context);
            if (overlaid)
                session.lay(true, context);
            edited = through(transformer, layer, edited, batch, session.taps(), context);
            baseline = next;
            const std::vector<double> rows =
                distances(edited, baseline, "the state after block " + std::to_string(layer));
            columns.deviation.insert(columns.deviation.end(), rows.begin(), rows.end());
            context.step(Progress{"effect", layer + 1, layers, layer, {}, "blocks", ""});
        }
        columns.finalPost = distances(transformer.finalNorm(edited, context), transformer.finalNorm(baseline, context),
                                      "the state after the final norm");
    });
}

void measureHeldout(Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts, EditSession& session,
                    EditColumns& columns, const RunContext& context)
{
    model::guarded([&] {
        const Batch batch = model::batchOf(prompts);
        const std::vector<TokenId> ids = model::joined(prompts);
        columns.heldoutOffset = batch.offset;
        columns.heldoutTokenId.assign(ids.begin(), ids.end());
        const at::Tensor start = transformer.embed(ids, batch);
        const auto run = [&](model::Taps* taps) {
            session.lay(taps != nullptr, context);
            model::ForwardOptions options;
            options.taps = taps;
            return transformer.forwardFrom(LayerIndex{0}, start, batch, options, context);
        };
        const at::Tensor baseline = run(nullptr);
        const at::Tensor edited = run(session.taps());
        (void)distances(edited, baseline, "the last state of a held-out prompt");
        model::Predictions base = model::predict(transformer, baseline, batch, ids, context);
        model::Predictions own = model::predict(transformer, edited, batch, ids, context);
        columns.divergence = divergenceRows(transformer, baseline, edited, context);
        columns.lossBase = std::move(base.nll);
        columns.lossEdited = std::move(own.nll);
        for (std::size_t row = 0; row < ids.size(); ++row) {
            columns.topBase.push_back(base.topId[row * model::topCount]);
            columns.topEdited.push_back(own.topId[row * model::topCount]);
        }
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

CompletionColumns complete(Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts,
                           std::int64_t maxNew, const std::vector<TokenId>& stop, model::Taps* taps,
                           const RunContext& context)
{
    const std::int64_t limit = transformer.config().context;
    std::vector<std::vector<TokenId>> room;
    for (const std::vector<TokenId>& prompt : prompts)
        if (static_cast<std::int64_t>(prompt.size()) < limit)
            room.push_back(prompt);
    generate::GreedyOptions options;
    options.maxNew = maxNew;
    options.stop = stop;
    options.taps = taps;
    const std::vector<generate::Completion> done = generate::generateGreedy(transformer, room, options, context);

    CompletionColumns columns;
    std::size_t next = 0;
    for (const std::vector<TokenId>& prompt : prompts) {
        CompletionEnd end = CompletionEnd::NeverRan;
        if (static_cast<std::int64_t>(prompt.size()) < limit) {
            const generate::Completion& completion = done[next++];
            columns.id.insert(columns.id.end(), completion.ids.begin(), completion.ids.end());
            columns.margin.insert(columns.margin.end(), completion.margin.begin(), completion.margin.end());
            end = completion.stopped                                           ? CompletionEnd::EndOfText
                  : static_cast<std::int64_t>(completion.ids.size()) == maxNew ? CompletionEnd::Length
                                                                               : CompletionEnd::Context;
        }
        columns.offset.push_back(static_cast<std::int64_t>(columns.id.size()));
        columns.end.push_back(static_cast<std::int32_t>(end));
    }
    return columns;
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

}
