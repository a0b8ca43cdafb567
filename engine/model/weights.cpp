#include "engine/model/weights.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/weight_arena.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace blockcert::model {
namespace {

// Elements that are read, dequantised and rounded between two looks at the stop sign: a few milliseconds' work.
constexpr std::int64_t slabElements = std::int64_t{1} << 21;

std::string shapeText(at::IntArrayRef sizes)
{
    std::string text = "[";
    for (const std::int64_t size : sizes)
        text += (text.size() > 1 ? ", " : "") + std::to_string(size);
    return text + "]";
}

std::vector<std::int64_t> shapeOf(const WeightReference& reference)
{
    std::vector<std::int64_t> shape = reference.storedShape;
    for (const WeightTransform& transform : reference.transforms) {
        if (transform.kind == WeightTransform::Kind::Transpose && shape.size() == 2)
            std::swap(shape[0], shape[1]);
        else if (transform.kind == WeightTransform::Kind::Rows && !shape.empty())
            shape[0] = transform.end - transform.begin;
    }
    return shape;
}

// Calls work(rows begin … begin + count − 1 of the weight, begin, count) for slabs of it, shared out among the threads.
// A transposed tensor is stored by columns: it is read whole.
template <class Work>
void forSlabs(const WeightReference& reference, at::IntArrayRef sizes, const RunContext& context, Work work)
{
    const bool transposed =
        std::any_of(reference.transforms.begin(), reference.transforms.end(), [](const WeightTransform& transform) {
            return transform.kind == WeightTransform::Kind::Transpose;
        });
    const std::int64_t rows = sizes.empty() ? 1 : sizes[0];
    const std::int64_t width = sizes.size() > 1 ? sizes[1] : 1;
    const std::int64_t step = transposed ? rows : std::clamp<std::int64_t>(slabElements / width, 1, rows);
    runTasks((rows + step - 1) / step, context, [&](std::int64_t slab) {
        const std::int64_t begin = slab * step;
        const std::int64_t count = std::min(step, rows - begin);
        WeightReference part = reference;
        if (count < rows) {
            // Before the casts: those are the last steps of a reference.
            const auto cast =
                std::find_if(part.transforms.begin(), part.transforms.end(), [](const WeightTransform& transform) {
                    return transform.kind == WeightTransform::Kind::Cast ||
                           transform.kind == WeightTransform::Kind::RoundTrip;
                });
            part.transforms.insert(
                cast, {.kind = WeightTransform::Kind::Rows, .begin = begin, .end = begin + count, .dtype = DType::F32});
        }
        work(part, begin, count);
    });
}

class Loader {
public:
    // `parameters`: how many it will load into large pages, at most.
    Loader(const artifact::Checkpoint& checkpoint, DType dtype, const at::Device& device, const LoadProgress& progress,
           const RunContext& context, std::int64_t parameters)
        : m_checkpoint(checkpoint)
        , m_dtype(dtype)
        , m_options(at::TensorOptions().dtype(scalarTypeOf(dtype)).device(device))
        , m_arena(static_cast<std::size_t>(parameters) * m_options.dtype().itemsize(), m_options)
        , m_progress(progress)
        , m_context(context)
    {
    }

    [[nodiscard]] at::TensorOptions options() const { return m_options; }

    [[nodiscard]] at::Tensor empty(at::IntArrayRef sizes) { return m_arena.take(sizes); }

    // False if the model has no such weight.
    bool loadInto(const std::optional<WeightReference>& reference, const std::string& role, const at::Tensor& target)
    {
        if (!reference)
            return false;
        if (!target.sizes().equals(shapeOf(*reference)))
            throw ShapeError(reference->file + ": " + reference->tensor + " (" + role + ") has shape " +
                             shapeText(shapeOf(*reference)) + ", the configuration asks for " +
                             shapeText(target.sizes()));
        forSlabs(artifact::castTo(*reference, m_dtype), target.sizes(), m_context,
                 [&](const WeightReference& part, std::int64_t begin, std::int64_t count) {
                     HostTensor staging;
                     m_checkpoint.load(part, staging);
                     at::Tensor place = target.narrow(0, begin, count);
                     copyInto(staging, place);
                     m_progress(static_cast<std::int64_t>(staging.bytes.size()));
                 });
        return true;
    }

    at::Tensor load(const std::optional<WeightReference>& reference, const std::string& role, at::IntArrayRef sizes)
    {
        at::Tensor target = empty(sizes);
        if (!loadInto(reference, role, target))
            throw FormatError(m_checkpoint.path().string() + ": the weight " + role + " is missing.");
        return target;
    }

    at::Tensor loadOptional(const std::optional<WeightReference>& reference, const std::string& role,
                            at::IntArrayRef sizes)
    {
        return reference ? load(reference, role, sizes) : at::Tensor();
    }

private:
    const artifact::Checkpoint& m_checkpoint;
    DType m_dtype;
    at::TensorOptions m_options;
    WeightArena m_arena;
    const LoadProgress& m_progress;
    const RunContext& m_context;
};

struct Part {
    std::string role; // "q" of "q.weight" and "q.bias"
    std::int64_t outputs;
};

// Several layers that read the same input, stacked into one. A missing bias beside a present one is zero.
Linear loadStacked(Loader& loader, const artifact::Checkpoint& checkpoint, LayerIndex layer,
                   std::span<const Part> parts, std::int64_t inputs)
{
    std::int64_t outputs = 0;
    bool anyBias = false;
    for (const Part& part : parts) {
        outputs += part.outputs;
        anyBias = anyBias || checkpoint.blockWeight(layer, part.role + ".bias").has_value();
    }
    at::Tensor weight = loader.empty({outputs, inputs});
    at::Tensor bias = anyBias ? at::zeros({outputs}, loader.options()) : at::Tensor();
    std::int64_t begin = 0;
    for (const Part& part : parts) {
        const std::string role = part.role + ".weight";
        if (!loader.loadInto(checkpoint.blockWeight(layer, role), role, weight.narrow(0, begin, part.outputs)))
            throw FormatError(checkpoint.path().string() + ": block " + std::to_string(layer.value) +
                              " has no weight " + role);
        if (anyBias)
            loader.loadInto(checkpoint.blockWeight(layer, part.role + ".bias"), part.role + ".bias",
                            bias.narrow(0, begin, part.outputs));
        begin += part.outputs;
    }
    return Linear(weight, bias);
}

}

BlockWeights loadBlock(const artifact::Checkpoint& checkpoint, LayerIndex layer, DType dtype, const at::Device& device,
                       Pages pages, const LoadProgress& progress, const RunContext& context)
{
    const TransformerConfig& config = checkpoint.config();
    const std::int64_t width = config.dModel;
    Loader loader(checkpoint, dtype, device, progress, context,
                  pages == Pages::Large ? countParameters(config).block : 0);
    const auto norm = [&](const std::string& role) {
        Norm loaded;
        loaded.weight = loader.load(checkpoint.blockWeight(layer, role + ".weight"), role + ".weight", {width});
        loaded.bias = loader.loadOptional(checkpoint.blockWeight(layer, role + ".bias"), role + ".bias", {width});
        loaded.epsilon = config.normEpsilon;
        return loaded;
    };
    const auto stacked = [&](std::initializer_list<Part> parts, std::int64_t inputs) {
        return loadStacked(loader, checkpoint, layer, std::span<const Part>(parts.begin(), parts.size()), inputs);
    };
    Norm attentionNorm = norm("attn_norm");
    Linear queryKeyValue =
        stacked({{"q", config.queryWidth()}, {"k", config.keyValueWidth()}, {"v", config.keyValueWidth()}}, width);
    Linear output = stacked({{"o", width}}, config.queryWidth());
    Norm mlpNorm = norm("mlp_norm");
    Linear up = config.architecture == Architecture::Llama ? stacked({{"gate", config.dFf}, {"up", config.dFf}}, width)
                                                           : stacked({{"up", config.dFf}}, width);
    Linear down = stacked({{"down", width}}, config.dFf);
    return {std::move(attentionNorm), std::move(queryKeyValue), std::move(output), std::move(mlpNorm), std::move(up),
            std::move(down)};
}

ModelWeights loadModelWeights(const artifact::Checkpoint& checkpoint, DType dtype, const at::Device& device,
                              Matrices matrices, const LoadProgress& progress, const RunContext& context)
{
    const TransformerConfig& config = checkpoint.config();
    const std::int64_t width = config.dModel;
    Loader loader(checkpoint, dtype, device, progress, context,
                  matrices == Matrices::None ? 0 : std::int64_t{config.vocab} * width);
    const auto load = [&](const std::string& role, at::IntArrayRef sizes) {
        return loader.load(checkpoint.modelWeight(role), role, sizes);
    };
    ModelWeights weights;
    if (config.architecture == Architecture::Gpt2)
        weights.positionEmbedding = load("position_embedding.weight", {config.context, width});
    weights.finalNorm.weight = load("final_norm.weight", {width});
    weights.finalNorm.bias = loader.loadOptional(checkpoint.modelWeight("final_norm.bias"), "final_norm.bias", {width});
    weights.finalNorm.epsilon = config.normEpsilon;
    if (matrices == Matrices::None)
        return weights;
    weights.tokenEmbedding = load("token_embedding.weight", {config.vocab, width});
    if (config.tiedEmbeddings)
        weights.head.emplace(weights.tokenEmbedding, at::Tensor());
    else
        weights.head.emplace(loadHead(checkpoint, dtype, device, progress, context));
    return weights;
}

Linear loadHead(const artifact::Checkpoint& checkpoint, DType dtype, const at::Device& device,
                const LoadProgress& progress, const RunContext& context)
{
    const TransformerConfig& config = checkpoint.config();
    const std::string role = config.tiedEmbeddings ? "token_embedding.weight" : "lm_head.weight";
    Loader loader(checkpoint, dtype, device, progress, context, 0);
    return Linear(loader.load(checkpoint.modelWeight(role), role, {config.vocab, config.dModel}), at::Tensor());
}

Linear loadHeadRows(const artifact::Checkpoint& checkpoint, std::int64_t begin, std::int64_t count, DType dtype,
                    const at::Device& device, const LoadProgress& progress, const RunContext& context)
{
    const TransformerConfig& config = checkpoint.config();
    const std::string role = config.tiedEmbeddings ? "token_embedding.weight" : "lm_head.weight";
    std::optional<WeightReference> reference = checkpoint.modelWeight(role);
    if (reference)
        reference->transforms.push_back(
            {.kind = WeightTransform::Kind::Rows, .begin = begin, .end = begin + count, .dtype = DType::F32});
    Loader loader(checkpoint, dtype, device, progress, context, 0);
    return Linear(loader.load(reference, role, {count, config.dModel}), at::Tensor());
}

at::Tensor loadEmbeddingRows(const artifact::Checkpoint& checkpoint, std::span<const std::int64_t> ids, DType dtype,
                             const at::Device& device)
{
    const std::string role = "token_embedding.weight";
    const std::optional<WeightReference> reference = checkpoint.modelWeight(role);
    const std::vector<std::int64_t> expected = {checkpoint.config().vocab, checkpoint.config().dModel};
    if (!reference || shapeOf(*reference) != expected)
        throw ShapeError(checkpoint.path().string() + ": the weight " + role +
                         " is missing or does not have the shape of the configuration");
    at::Tensor rows = at::empty({static_cast<std::int64_t>(ids.size()), expected[1]},
                                at::TensorOptions().dtype(scalarTypeOf(dtype)).device(device));
    std::map<std::int64_t, std::vector<std::int64_t>> places; // of each id
    for (std::size_t i = 0; i < ids.size(); ++i)
        places[ids[i]].push_back(static_cast<std::int64_t>(i));
    HostTensor row;
    for (const auto& [id, where] : places) {
        WeightReference part = *reference;
        part.transforms.push_back(
            {.kind = WeightTransform::Kind::Rows, .begin = id, .end = id + 1, .dtype = DType::F32});
        checkpoint.load(artifact::castTo(std::move(part), dtype), row);
        for (const std::int64_t place : where) {
            at::Tensor target = rows.narrow(0, place, 1);
            copyInto(row, target);
        }
    }
    return rows;
}

HostTensor loadWeight(const artifact::Checkpoint& checkpoint, const WeightReference& reference,
                      const RunContext& context)
{
    HostTensor weight;
    weight.shape = shapeOf(reference);
    weight.dtype = reference.storedDtype == DType::F64 ? DType::F64 : DType::F32;
    for (const WeightTransform& transform : reference.transforms)
        if (transform.kind == WeightTransform::Kind::Cast || transform.kind == WeightTransform::Kind::RoundTrip)
            weight.dtype = transform.kind == WeightTransform::Kind::Cast ? transform.dtype : DType::F32;
    const auto rowBytes =
        static_cast<std::size_t>(storageBlock(weight.dtype).bytes * (weight.shape.size() > 1 ? weight.shape[1] : 1));
    weight.bytes.resize(static_cast<std::size_t>(weight.elementCount() * storageBlock(weight.dtype).bytes));
    const std::vector<std::int64_t> shape = weight.shape;
    forSlabs(reference, shape, context, [&](const WeightReference& part, std::int64_t begin, std::int64_t count) {
        if (shape.empty() || count == shape[0]) { // all of it: where it belongs at once
            checkpoint.load(part, weight);
            return;
        }
        HostTensor staging;
        checkpoint.load(part, staging);
        std::copy(staging.bytes.begin(), staging.bytes.end(),
                  weight.bytes.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(begin) * rowBytes));
    });
    return weight;
}

ParameterCount countParameters(const TransformerConfig& config)
{
    const std::int64_t d = config.dModel;
    const std::int64_t q = config.queryWidth();
    const std::int64_t kv = config.keyValueWidth();
    const std::int64_t ff = config.dFf;
    const bool llama = config.architecture == Architecture::Llama;
    ParameterCount count;
    count.block = d * q + 2 * d * kv + q * d + (llama ? 3 : 2) * d * ff + (llama ? 2 : 4) * d;
    if (config.attentionBias)
        count.block += q + 2 * kv + d;
    if (config.mlpBias)
        count.block += (llama ? 2 : 1) * ff + d;
    const std::int64_t embedding = config.vocab * d;
    count.model = embedding + (llama ? d : 2 * d) + (llama ? 0 : config.context * d);
    if (!config.tiedEmbeddings)
        count.model += embedding;
    return count;
}

}
