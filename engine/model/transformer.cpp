#include "engine/model/transformer.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/run_context.h"
#include "engine/model/attention.h"
#include "engine/model/block_forward.h"
#include "engine/model/few_rows.h"
#include "engine/model/invariance.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/pull_back.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/torch_guard.h"
#include "engine/model/weights.h"
#include "engine/model/workspace.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace blockcert::model {

struct Transformer::State {
    State(std::shared_ptr<const artifact::Checkpoint> source, DType type, const at::Device& where, Residency how)
        : checkpoint(std::move(source))
        , config(checkpoint->config())
        , dtype(type)
        , device(where)
        , residency(how)
        , blocks(static_cast<std::size_t>(config.layers))
        , workspace(type, where)
    {
    }

    std::shared_ptr<const artifact::Checkpoint> checkpoint;
    TransformerConfig config;
    DType dtype;
    at::Device device;
    Residency residency;
    std::vector<std::optional<BlockWeights>> blocks;
    std::map<LayerIndex, BlockWeights> overlays;
    std::optional<ModelWeights> model;
    Workspace workspace;
    Tiling tiling;
    bool batchInvariant = false;
    std::map<DType, TilingChoice> replayTilings; // answers that were given
    at::Tensor cosine;                           // [positions so far, headDim / 2]
    at::Tensor sine;
    at::Tensor future; // bool [positions so far, positions so far]

    // The block that is, or is being, read ahead.
    std::vector<std::byte> aheadBytes;
    std::optional<LayerIndex> ahead;
    std::mutex aheadMutex;
    std::condition_variable aheadChanged;
    bool aheadDone = false;
    std::exception_ptr aheadFailure;
    std::jthread aheadReader; // last: ends before what it fills

    ~State() { stopReading(); }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void stopReading()
    {
        aheadReader.request_stop();
        if (aheadReader.joinable())
            aheadReader.join();
        checkpoint->forgetAhead();
        aheadFailure = nullptr;
        aheadDone = false;
        ahead.reset();
    }

    void prefetch(LayerIndex layer)
    {
        if (residency != Residency::OneBlock || ahead == layer || layer.value >= config.layers)
            return;
        stopReading();
        ahead = layer;
        aheadReader = std::jthread([this, layer](const std::stop_token& stop) {
            std::exception_ptr failure;
            try {
                checkpoint->readAhead(layer, aheadBytes, RunContext(stop, nullptr));
            } catch (...) {
                failure = std::current_exception();
            }
            const std::lock_guard<std::mutex> lock(aheadMutex);
            aheadFailure = failure;
            aheadDone = true;
            aheadChanged.notify_all();
        });
    }

    // Answers a stop of the job that waits; the reading itself goes on.
    void awaitPrefetch(const RunContext& context)
    {
        std::unique_lock<std::mutex> lock(aheadMutex);
        while (!aheadChanged.wait_for(lock, std::chrono::milliseconds(5), [this] { return aheadDone; }))
            context.step();
        if (!aheadFailure)
            return;
        ahead.reset();
        std::rethrow_exception(std::exchange(aheadFailure, nullptr));
    }

    Linear& head(const RunContext& context)
    {
        if (!model->head)
            model->head.emplace(loadHead(
                *checkpoint, dtype, device, [](std::int64_t) {}, context));
        return *model->head;
    }

    const BlockWeights& block(LayerIndex layer, const RunContext& context)
    {
        if (const auto overlay = overlays.find(layer); overlay != overlays.end())
            return overlay->second;
        std::optional<BlockWeights>& slot = blocks[static_cast<std::size_t>(layer.value)];
        if (!slot) {
            if (residency == Residency::OneBlock) {
                for (std::optional<BlockWeights>& other : blocks)
                    other.reset();
                model->head.reset();
                prefetch(layer);
                awaitPrefetch(context);
            }
            slot.emplace(loadBlock(
                *checkpoint, layer, dtype, device, Pages::Usual, [](std::int64_t) {}, context));
        }
        return *slot;
    }

    void preparePositions(std::int64_t positions)
    {
        if (config.architecture == Architecture::Llama && (!cosine.defined() || cosine.size(0) < positions)) {
            const artifact::RopeTables tables = artifact::ropeTables(config, positions, dtype);
            cosine = toTensor(tables.cosine, device);
            sine = toTensor(tables.sine, device);
        }
        positions = (positions + attentionTile - 1) / attentionTile * attentionTile;
        if (!future.defined() || future.size(0) < positions)
            future = at::ones({positions, positions}, at::TensorOptions().dtype(at::kBool).device(device)).triu_(1);
    }
};

namespace {

at::Tensor indexTensor(const std::vector<std::int64_t>& values, const at::Device& device)
{
    auto* data = const_cast<std::int64_t*>(values.data());
    const auto size = static_cast<std::int64_t>(values.size());
    return at::from_blob(data, {size}, at::TensorOptions().dtype(at::kLong)).to(device, at::kLong, false, true);
}

void checkPositions(const TransformerConfig& config, std::int64_t positions)
{
    if (config.context > 0 && positions > config.context)
        throw UsageError("a prompt needs " + std::to_string(positions) + " positions, the model has " +
                         std::to_string(config.context) + "; shorten it or lower --max-tokens.");
}

}

Transformer::Transformer(std::unique_ptr<State> state)
    : m_state(std::move(state))
{
}

Transformer::~Transformer() = default;
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer& Transformer::operator=(Transformer&&) noexcept = default;

Transformer Transformer::load(std::shared_ptr<const artifact::Checkpoint> checkpoint, DType dtype,
                              const at::Device& device, Residency residency, const RunContext& context)
{
    return guarded([&] {
        auto state = std::make_unique<State>(std::move(checkpoint), dtype, device, residency);
        const ParameterCount count = countParameters(state->config);
        const std::int64_t element = storageBlock(dtype).bytes;
        const std::int64_t blocks = residency == Residency::Whole ? state->config.layers : 1;
        Progress progress;
        progress.stage = "load";
        const std::int64_t matrix = std::int64_t{state->config.vocab} * state->config.dModel;
        const std::int64_t apart = residency == Residency::Whole  ? 0
                                   : state->config.tiedEmbeddings ? matrix
                                                                  : 2 * matrix;
        state->tiling = defaultTiling(dtype);
        // Of a head that is not kept, what the self-test looks at.
        const std::vector<std::int64_t> panels = outputPanels(state->config.vocab, state->config.dModel, state->tiling);
        const std::int64_t lastPanel = panels[panels.size() - 2];
        const std::int64_t lastWidth = lastPanel > 0 ? state->config.vocab - lastPanel : 0; // 0: it is the first
        const std::int64_t tested = apart == 0 ? 0 : panels[1] + lastWidth;
        progress.total = (count.model - apart + tested * state->config.dModel + blocks * count.block) * element;
        progress.unit = "bytes";
        std::mutex reporting;
        const LoadProgress loaded = [&](std::int64_t bytes) {
            const std::lock_guard<std::mutex> lock(reporting);
            progress.done += bytes;
            context.step(progress);
        };
        const Matrices matrices = residency == Residency::Whole ? Matrices::Both : Matrices::None;
        state->model.emplace(loadModelWeights(*state->checkpoint, dtype, device, matrices, loaded, context));
        std::vector<Linear> headPanels;
        if (residency == Residency::OneBlock) {
            headPanels.push_back(loadHeadRows(*state->checkpoint, 0, panels[1], dtype, device, loaded, context));
            if (lastWidth > 0)
                headPanels.push_back(
                    loadHeadRows(*state->checkpoint, lastPanel, lastWidth, dtype, device, loaded, context));
            state->prefetch(LayerIndex{0});
            state->awaitPrefetch(context);
        }
        runTasks(blocks, context, [&](std::int64_t task) {
            const LayerIndex layer{static_cast<std::int32_t>(task)};
            state->blocks[static_cast<std::size_t>(task)].emplace(
                loadBlock(*state->checkpoint, layer, dtype, device, Pages::Large, loaded, context));
        });
        if (device.is_cpu()) {
            const BlockWeights& first = state->block(LayerIndex{0}, context);
            std::vector<const Linear*> layers = {&first.queryKeyValue, &first.output, &first.up, &first.down};
            if (state->model->head)
                layers.push_back(&*state->model->head);
            for (const Linear& panel : headPanels)
                layers.push_back(&panel);
            const TilingChoice choice = chooseTiling(layers, state->tiling, context);
            state->tiling = choice.tiling;
            state->batchInvariant = choice.batchInvariant;
        }
        return Transformer(std::move(state));
    });
}

const TransformerConfig& Transformer::config() const
{
    return m_state->config;
}

DType Transformer::dtype() const
{
    return m_state->dtype;
}

const at::Device& Transformer::device() const
{
    return m_state->device;
}

const Tiling& Transformer::tiling() const
{
    return m_state->tiling;
}

bool Transformer::batchInvariant() const
{
    return m_state->batchInvariant;
}

Residency Transformer::residency() const
{
    return m_state->residency;
}

void Transformer::prefetch(LayerIndex layer)
{
    m_state->prefetch(layer);
}

void Transformer::dropPrefetched()
{
    if (m_state->residency != Residency::OneBlock)
        return;
    m_state->stopReading();
    m_state->aheadBytes = {};
}

void Transformer::release(LayerIndex layer)
{
    if (m_state->residency == Residency::OneBlock)
        m_state->blocks[static_cast<std::size_t>(layer.value)].reset();
}

TilingChoice Transformer::tilingForReplay(DType dtype, const RunContext& context)
{
    TilingChoice choice{defaultTiling(dtype), true};
    if (!m_state->device.is_cpu())
        return choice;
    if (const auto known = m_state->replayTilings.find(dtype); known != m_state->replayTilings.end())
        return known->second;
    return guarded([&] {
        const TransformerConfig& config = m_state->config;
        const BlockWeights& block = m_state->block(LayerIndex{0}, context);
        const std::int64_t query = config.queryWidth();
        const at::Tensor attention = block.queryKeyValue.weight();
        // q, k (v has its shape), o, gate or up, down: as the program has them, not stacked.
        const std::array<at::Tensor, 5> weights = {
            attention.narrow(0, 0, query), attention.narrow(0, query, config.keyValueWidth()), block.output.weight(),
            block.up.weight().narrow(0, 0, config.dFf), block.down.weight()};
        for (const at::Tensor& weight : weights) {
            const Linear layer(weight, at::Tensor());
            const Linear* const layers[] = {&layer};
            const TilingChoice one = chooseTiling(layers, choice.tiling, context, dtype);
            choice = {one.tiling, choice.batchInvariant && one.batchInvariant};
        }
        m_state->replayTilings.emplace(dtype, choice);
        return choice;
    });
}

void Transformer::overlay(LayerIndex layer, const std::map<std::string, HostTensor>& weights, const RunContext& context)
{
    guarded([&] {
        State& own = *m_state;
        const TransformerConfig& config = own.config;
        BlockWeights block = loadBlock(
            *own.checkpoint, layer, own.dtype, own.device,
            own.residency == Residency::Whole ? Pages::Large : Pages::Usual, [](std::int64_t) {}, context);
        const std::int64_t query = config.queryWidth();
        const std::int64_t key = config.keyValueWidth();
        const bool gated = config.architecture == Architecture::Llama;
        // Where a role's matrix lies: the layer, its first row and how many rows it has.
        const std::map<std::string, std::tuple<const Linear*, std::int64_t, std::int64_t>> places = {
            {"q.weight", {&block.queryKeyValue, 0, query}},
            {"k.weight", {&block.queryKeyValue, query, key}},
            {"v.weight", {&block.queryKeyValue, query + key, key}},
            {"o.weight", {&block.output, 0, config.dModel}},
            {"gate.weight", {&block.up, 0, gated ? config.dFf : 0}},
            {"up.weight", {&block.up, gated ? config.dFf : 0, config.dFf}},
            {"down.weight", {&block.down, 0, config.dModel}}};
        for (const auto& [role, value] : weights) {
            const auto place = places.find(role);
            if (place == places.end() || value.dtype != own.dtype)
                throw ShapeError("The matrix " + role + " cannot be laid over block " + std::to_string(layer.value) +
                                 ".");
            const auto& [linear, first, rows] = place->second;
            if (value.shape != std::vector<std::int64_t>{rows, linear->inputs()})
                throw ShapeError("The matrix " + role + " laid over block " + std::to_string(layer.value) +
                                 " does not have that block's shape.");
            linear->weight().narrow(0, first, rows).narrow(1, 0, linear->inputs()).copy_(toTensor(value, own.device));
        }
        own.overlays.insert_or_assign(layer, std::move(block));
    });
}

void Transformer::clearOverlays()
{
    m_state->overlays.clear();
}

at::Tensor Transformer::embed(std::span<const TokenId> ids, const Batch& batch) const
{
    checkPositions(m_state->config, batch.longest());
    std::vector<std::int64_t> rows;
    rows.reserve(ids.size());
    for (const TokenId id : ids) {
        if (id < 0 || id >= m_state->config.vocab)
            throw FormatError("token id " + std::to_string(id) + " lies outside the model's vocabulary of " +
                              std::to_string(m_state->config.vocab));
        rows.push_back(id);
    }
    if (static_cast<std::int64_t>(rows.size()) != batch.rows())
        throw ShapeError("a batch of " + std::to_string(batch.rows()) + " rows was given " +
                         std::to_string(rows.size()) + " token ids");
    return guarded([&] {
        const ModelWeights& weights = *m_state->model;
        at::Tensor state = weights.tokenEmbedding.defined()
                               ? at::index_select(weights.tokenEmbedding, 0, indexTensor(rows, m_state->device))
                               : loadEmbeddingRows(*m_state->checkpoint, rows, m_state->dtype, m_state->device);
        if (weights.positionEmbedding.defined())
            state.add_(at::index_select(weights.positionEmbedding, 0, indexTensor(batch.positions(), m_state->device)));
        return state;
    });
}

at::Tensor Transformer::forwardFrom(LayerIndex first, const at::Tensor& state, const Batch& batch,
                                    const ForwardOptions& options, const RunContext& context)
{
    State& own = *m_state;
    const std::int32_t end = options.end < 0 ? own.config.layers : options.end;
    if (first.value < 0 || end > own.config.layers || first.value > end)
        throw UsageError("blocks " + std::to_string(first.value) + " to " + std::to_string(end) +
                         " were asked of a model of " + std::to_string(own.config.layers));
    if (state.dim() != 2 || state.size(0) != batch.rows() || state.size(1) != own.config.dModel)
        throw ShapeError("the state given to the model does not have " + std::to_string(batch.rows()) + " rows of " +
                         std::to_string(own.config.dModel));
    checkPositions(own.config, batch.longest());
    return guarded([&] {
        own.preparePositions(batch.longest());
        Pass pass{own.config, batch,         own.tiling,   own.workspace, {},           {},
                  own.future, options.cache, options.taps, options.past,  options.kept, options.decoding};
        if (own.cosine.defined()) {
            const at::Tensor positions = indexTensor(batch.positions(), own.device);
            pass.cosine = at::index_select(own.cosine, 0, positions);
            pass.sine = at::index_select(own.sine, 0, positions);
        }
        at::Tensor current = own.workspace.take("state", batch.rows(), own.config.dModel);
        current.copy_(state);
        for (std::int32_t layer = first.value; layer < end; ++layer) {
            context.step();
            const BlockWeights& weights = own.block(LayerIndex{layer}, context);
            if (layer + 1 < end)
                own.prefetch(LayerIndex{layer + 1});
            forwardBlock(pass, weights, LayerIndex{layer}, current, context);
        }
        return current.clone();
    });
}

at::Tensor Transformer::finalNorm(const at::Tensor& state, const RunContext& context)
{
    return guarded([&] {
        at::Tensor normed = at::empty_like(state);
        few_rows::normaliseRows(state, m_state->model->finalNorm, normed, context);
        return normed;
    });
}

at::Tensor Transformer::logits(const at::Tensor& state, bool decoding, const RunContext& context)
{
    return guarded([&] {
        State& own = *m_state;
        const std::int64_t rows = state.size(0);
        const std::int64_t padded = decoding ? rows : own.tiling.padded(rows);
        at::Tensor normed = own.workspace.take("normed", padded, own.config.dModel);
        few_rows::normaliseRows(state, own.model->finalNorm, normed, context);
        const Batch none;
        const Pass pass{own.config, none,    own.tiling, own.workspace, {},      {},
                        {},         nullptr, nullptr,    nullptr,       nullptr, decoding};
        at::Tensor scores = own.workspace.take("logits", padded, own.config.vocab);
        applyLinear(pass, normed, own.head(context), scores, context);
        return scores.narrow(0, 0, rows);
    });
}

at::Tensor Transformer::lossGradient(const at::Tensor& state, std::span<const TokenId> ids, const RunContext& context)
{
    return guarded([&] {
        State& own = *m_state;
        return pullBackHead(own.model->finalNorm, own.head(context), state, ids, context);
    });
}

at::Tensor Transformer::pullBack(LayerIndex layer, const at::Tensor& input, const at::Tensor& gradient,
                                 const RunContext& context)
{
    return guarded([&] {
        State& own = *m_state;
        const std::int64_t tokens = input.size(0);
        own.preparePositions(tokens);
        PullBackSetting setting{own.config, layer, {}, {}, own.future};
        if (own.cosine.defined()) {
            setting.cosine = own.cosine.narrow(0, 0, tokens);
            setting.sine = own.sine.narrow(0, 0, tokens);
        }
        return pullBackBlock(setting, own.block(layer, context), input, gradient, context);
    });
}

}
