#include "engine/model/decode_block.h"

#include "engine/model/block_forward.h"
#include "engine/model/decode_attention.h"
#include "engine/model/few_rows.h"
#include "engine/model/kv_cache.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/row_kernels.h"
#include "engine/model/skinny_linear.h"
#include "engine/model/weights.h"
#include "engine/model/workspace.h"
#include "engine/values/transformer_config.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/silu.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

namespace blockcert::model {

namespace {

// The kernels know one type, and no padding.
bool isPlain(const Linear& layer, const at::Tensor& state)
{
    return layer.weight().size(1) == layer.inputs() && layer.weight().scalar_type() == state.scalar_type();
}

std::byte* bytesOf(const at::Tensor& tensor)
{
    return static_cast<std::byte*>(tensor.mutable_data_ptr());
}

// Where a few rows of `width` elements each begin.
struct Rows {
    std::byte* first;
    std::int64_t stride; // bytes

    [[nodiscard]] std::byte* operator[](std::int64_t row) const { return first + row * stride; }
};

Rows rowsOf(const at::Tensor& tensor)
{
    return {bytesOf(tensor), tensor.stride(0) * tensor.element_size()};
}

class BlockDecoder {
public:
    BlockDecoder(const Pass& pass, const BlockWeights& weights, LayerIndex layer, const at::Tensor& state,
                 const RunContext& context)
        : m_pass(pass)
        , m_config(pass.config)
        , m_weights(weights)
        , m_layer(layer)
        , m_state(state)
        , m_context(context)
        , m_kernels(rowKernels(state.scalar_type()))
        , m_rows(state.size(0))
        , m_elementBytes(state.element_size())
        , m_normed(pass.workspace.take("normed", m_rows, m_config.dModel))
        , m_sublayer(pass.workspace.take("sublayer", m_rows, m_config.dModel))
    {
    }

    void run()
    {
        attention();
        mlp();
    }

private:
    // y = layer(x), rounded.
    void apply(const Linear& layer, const at::Tensor& x, const at::Tensor& y)
    {
        const std::int64_t in = layer.inputs();
        const std::int64_t out = layer.outputs();
        m_wideIn.resize(static_cast<std::size_t>(m_rows * in));
        m_wideOut.resize(static_cast<std::size_t>(m_rows * out));
        const Rows from = rowsOf(x);
        const Rows to = rowsOf(y);
        for (std::int64_t r = 0; r < m_rows; ++r)
            m_kernels.widen(from[r], m_wideIn.data() + r * in, in);
        skinnyLinear(m_wideIn.data(), m_rows, layer, m_wideOut.data(), m_context);
        for (std::int64_t r = 0; r < m_rows; ++r)
            m_kernels.narrow(m_wideOut.data() + r * out, to[r], out);
    }

    void addSublayer() { few_rows::add(m_state, m_sublayer); }

    void attention()
    {
        const std::int64_t queryWidth = m_config.queryWidth();
        const std::int64_t keyWidth = m_config.keyValueWidth();
        const at::Tensor projected = m_pass.workspace.take("qkv", m_rows, queryWidth + 2 * keyWidth);
        few_rows::normalise(m_state, m_weights.attentionNorm, m_normed);
        apply(m_weights.queryKeyValue, m_normed, projected);

        m_query.resize(static_cast<std::size_t>(m_rows * queryWidth));
        m_mixed.resize(m_query.size());
        std::vector<HeadsInMemory> heads;
        for (std::int64_t prompt = 0; prompt < m_pass.batch.prompts(); ++prompt)
            addPrompt(prompt, projected, heads);
        runTasks(static_cast<std::int64_t>(heads.size()), m_context,
                 [&](std::int64_t task) { decodeHeads(heads[static_cast<std::size_t>(task)]); });

        const at::Tensor mixed = m_pass.workspace.take("mixed", m_rows, queryWidth);
        gather(rowsOf(mixed));
        apply(m_weights.output, mixed, m_sublayer);
        addSublayer();
    }

    // Rotates a prompt's queries and keys, appends keys and values to the cache, and says what is to be computed.
    void addPrompt(std::int64_t prompt, const at::Tensor& projected, std::vector<HeadsInMemory>& heads)
    {
        const std::int64_t width = m_config.headDim;
        const std::int64_t queryWidth = m_config.queryWidth();
        const std::int64_t keyWidth = m_config.keyValueWidth();
        const std::int64_t shared = m_config.heads / m_config.kvHeads;
        const std::int64_t begin = m_pass.batch.begin(prompt);
        const std::int64_t count = m_pass.batch.count(prompt);
        const std::int64_t start = m_pass.batch.start[static_cast<std::size_t>(prompt)];
        const at::Tensor keys = m_pass.cache->keys(m_layer, prompt, start + count);
        const at::Tensor values = m_pass.cache->values(m_layer, prompt, start + count);
        const Rows own = rowsOf(projected);
        const Rows kept = rowsOf(keys);
        const Rows keptValues = rowsOf(values);
        const Rows cosine = rowsOf(m_pass.cosine);
        const Rows sine = rowsOf(m_pass.sine);
        const std::int64_t half = m_pass.cosine.size(1);
        std::vector<std::byte> rotated(static_cast<std::size_t>(queryWidth * m_elementBytes));
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t row = begin + i;
            const std::byte* const rawKey = own[row] + queryWidth * m_elementBytes;
            m_kernels.rotate(own[row], cosine[row], sine[row], half, m_config.heads, rotated.data());
            m_kernels.rotate(rawKey, cosine[row], sine[row], half, m_config.kvHeads, kept[start + i]);
            std::memcpy(keptValues[start + i], rawKey + keyWidth * m_elementBytes,
                        static_cast<std::size_t>(keyWidth * m_elementBytes));
            // Queries of heads that share their keys lie together: [kvHead][query][shared, width].
            for (std::int64_t h = 0; h < m_config.kvHeads; ++h)
                m_kernels.widen(rotated.data() + h * shared * width * m_elementBytes,
                                m_query.data() + begin * queryWidth + (h * count + i) * shared * width, shared * width);
        }
        for (std::int64_t h = 0; h < m_config.kvHeads; ++h) {
            HeadsInMemory work;
            const std::int64_t place = begin * queryWidth + h * count * shared * width;
            work.query = m_query.data() + place;
            work.result = m_mixed.data() + place;
            work.keys = kept.first + h * width * m_elementBytes;
            work.values = keptValues.first + h * width * m_elementBytes;
            work.keyStride = keys.stride(0);
            work.valueStride = values.stride(0);
            work.type = keys.scalar_type();
            work.queries = count;
            work.heads = shared;
            work.positions = start + count;
            work.width = width;
            heads.push_back(work);
        }
    }

    // What the heads gave, rounded, in the order of rows.
    void gather(const Rows& mixed) const
    {
        const std::int64_t columns = m_config.heads / m_config.kvHeads * m_config.headDim;
        for (std::int64_t prompt = 0; prompt < m_pass.batch.prompts(); ++prompt) {
            const std::int64_t begin = m_pass.batch.begin(prompt);
            const std::int64_t count = m_pass.batch.count(prompt);
            for (std::int64_t h = 0; h < m_config.kvHeads; ++h)
                for (std::int64_t i = 0; i < count; ++i)
                    m_kernels.narrow(m_mixed.data() + begin * m_config.queryWidth() + (h * count + i) * columns,
                                     mixed[begin + i] + h * columns * m_elementBytes, columns);
        }
    }

    void mlp()
    {
        const std::int64_t ff = m_config.dFf;
        const at::Tensor raised = m_pass.workspace.take("raised", m_rows, 2 * ff);
        at::Tensor active = m_pass.workspace.take("active", m_rows, ff);
        few_rows::normalise(m_state, m_weights.mlpNorm, m_normed);
        apply(m_weights.up, m_normed, raised);
        at::silu_out(active, raised.narrow(1, 0, ff)); // LibTorch's own exponential
        const Rows gate = rowsOf(active);
        const Rows up = rowsOf(raised);
        for (std::int64_t r = 0; r < m_rows; ++r)
            m_kernels.multiply(gate[r], up[r] + ff * m_elementBytes, ff);
        apply(m_weights.down, active, m_sublayer);
        addSublayer();
    }

    const Pass& m_pass;
    const TransformerConfig& m_config;
    const BlockWeights& m_weights;
    LayerIndex m_layer;
    const at::Tensor& m_state;
    const RunContext& m_context;
    const RowKernels& m_kernels;
    std::int64_t m_rows;
    std::int64_t m_elementBytes;
    at::Tensor m_normed;
    at::Tensor m_sublayer;
    std::vector<float> m_wideIn;
    std::vector<float> m_wideOut;
    std::vector<float> m_query; // of every prompt, [kvHead][query][shared, width]
    std::vector<float> m_mixed; // likewise
};

}

bool canDecodeBlock(const Pass& pass, const BlockWeights& weights, const at::Tensor& state)
{
    const std::array<const Linear*, 4> layers = {&weights.queryKeyValue, &weights.output, &weights.up, &weights.down};
    return pass.decoding && pass.cache != nullptr && pass.past == nullptr && pass.taps == nullptr &&
           pass.kept == nullptr && few_rows::fits(state, state.size(0)) && canDecodeHeads(pass.config, state) &&
           !weights.attentionNorm.bias.defined() && !weights.mlpNorm.bias.defined() && pass.cosine.defined() &&
           std::all_of(layers.begin(), layers.end(), [&](const Linear* layer) { return isPlain(*layer, state); });
}

void decodeBlock(const Pass& pass, const BlockWeights& weights, LayerIndex layer, at::Tensor& state,
                 const RunContext& context)
{
    BlockDecoder(pass, weights, layer, state, context).run();
}

}
