#include "engine/replay/torch_interpreter.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/batch.h"
#include "engine/model/invariance.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/row_operations.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/torch_guard.h"
#include "engine/replay/program_schedule.h"
#include "engine/replay/torch_operations.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/add.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/zeros.h>

#include <map>
#include <string>
#include <utility>

namespace blockcert::replay {

using model::Batch;
using model::Linear;

namespace {

// A program with its tensors in the replay's precision.
struct LoadedProgram {
    std::shared_ptr<const ir::BlockIr> block; // whose matrices are used where they are; null: they have been copied
    ir::BlockProgram program;
    std::vector<Step> steps;
    std::map<std::string, ir::RegisterShape> shapes;
    std::map<std::string, Linear> layers;      // by the register they write
    std::map<std::string, at::Tensor> vectors; // norms' weights and biases
    at::Tensor forbidden;                      // bool [S, S]
    at::Tensor cosine;                         // [positions, ropeHalf]
    at::Tensor sine;
    at::TensorOptions options;
    model::Tiling tiling;
    bool batchInvariant = true;
    std::shared_ptr<RowBuffers> spare = std::make_shared<RowBuffers>();

    // At least that many rows; too small ones are replaced.
    at::Tensor takeBuffer(std::int64_t rows, std::int64_t width)
    {
        const auto found = spare->find(width);
        at::Tensor buffer;
        if (found != spare->end()) {
            buffer = std::move(found->second);
            spare->erase(found);
        }
        if (!buffer.defined() || buffer.size(0) < rows) {
            buffer = at::Tensor(); // give the old memory back first
            buffer = at::zeros({rows, width}, options);
        }
        return buffer;
    }

    void giveBack(const at::Tensor& buffer) { spare->emplace(buffer.size(1), buffer); }
};

void checkShape(const std::string& what, const HostTensor& tensor, const std::vector<std::int64_t>& shape)
{
    if (tensor.shape == shape &&
        static_cast<std::int64_t>(tensor.bytes.size()) == tensor.elementCount() * storageBlock(tensor.dtype).bytes)
        return;
    std::string found;
    for (const std::int64_t size : tensor.shape)
        found += (found.empty() ? "" : " x ") + std::to_string(size);
    throw ShapeError(what + " has the shape " + found + ", which is not the program's");
}

// One pass over the rows of a batch.
class Replay {
public:
    Replay(LoadedProgram& state, const at::Tensor& input, const Batch& batch, const RunContext& context)
        : m_state(state)
        , m_batch(batch)
        , m_context(context)
        , m_rows(batch.rows())
        , m_padded(state.tiling.padded(batch.rows()))
        , m_onCpu(state.options.device().is_cpu())
        , m_margins(static_cast<std::size_t>(batch.prompts()))
    {
        const at::Tensor& x = create("x", state.program.width);
        x.narrow(0, 0, m_rows).copy_(input);
        x.narrow(0, m_rows, m_padded - m_rows).zero_();
        if (state.program.ropeHalf != 0) {
            const std::vector<std::int64_t> positions = batch.positions();
            auto* data = const_cast<std::int64_t*>(positions.data());
            const at::Tensor index =
                at::from_blob(data, {m_rows}, at::TensorOptions().dtype(at::kLong)).to(state.options.device());
            m_cosine = at::index_select(state.cosine, 0, index);
            m_sine = at::index_select(state.sine, 0, index);
        }
    }

    std::vector<ir::BlockReplay> run()
    {
        for (const Step& step : m_state.steps) {
            m_context.step();
            if (step.attention)
                attend(step);
            else
                std::visit([this](const auto& op) { apply(op); }, m_state.program.operations[step.begin]);
            for (const std::string& name : step.finished) {
                const auto found = m_registers.find(name);
                m_state.giveBack(found->second.buffer);
                m_registers.erase(found);
            }
        }
        std::vector<ir::BlockReplay> replays(static_cast<std::size_t>(m_batch.prompts()));
        model::runTasks(m_batch.prompts(), m_context, [&](std::int64_t p) {
            const auto rowsOf = [&](const char* name) {
                return model::toDoubles(in(name).narrow(0, m_batch.begin(p), m_batch.count(p)));
            };
            const auto prompt = static_cast<std::size_t>(p);
            replays[prompt] = {rowsOf("y"), rowsOf("attn"), rowsOf("mlp"), std::move(m_margins[prompt])};
        });
        for (const auto& [name, made] : m_registers)
            m_state.giveBack(made.buffer);
        return replays;
    }

private:
    struct Register {
        at::Tensor buffer;
        at::Tensor rows; // [padded rows, width], the buffer's first
    };

    const at::Tensor& in(const std::string& name) const { return m_registers.at(name).rows; }

    at::Tensor& create(const std::string& name, std::int64_t width)
    {
        Register& made = m_registers[name];
        made.buffer = m_state.takeBuffer(m_padded, width);
        made.rows = made.buffer.narrow(0, 0, m_padded);
        return made.rows;
    }

    // out = work(in), rows by rows; out is as wide as in.
    template <class Work>
    void rowwise(const std::string& from, const std::string& to, Work work)
    {
        const at::Tensor source = in(from);
        const at::Tensor target = create(to, source.size(1));
        model::forRowChunks(m_rows, source.size(1), m_onCpu, m_context, [&](std::int64_t begin, std::int64_t count) {
            work(source.narrow(0, begin, count), target.narrow(0, begin, count), begin, count);
        });
    }

    void apply(const ir::RmsNorm& op)
    {
        rowwise(op.in, op.out, [&](const at::Tensor& from, const at::Tensor& to, std::int64_t, std::int64_t) {
            rmsNormRows(from, m_state.vectors.at(op.weight), op.epsilon, to);
        });
    }

    void apply(const ir::LayerNorm& op)
    {
        rowwise(op.in, op.out, [&](const at::Tensor& from, const at::Tensor& to, std::int64_t, std::int64_t) {
            layerNormRows(from, m_state.vectors.at(op.weight), m_state.vectors.at(op.bias), op.epsilon, to);
        });
    }

    void apply(const ir::Linear& op)
    {
        const Linear& layer = m_state.layers.at(op.out);
        at::Tensor& out = create(op.out, layer.outputs());
        model::tiledLinear(in(op.in), layer, out, m_state.tiling, m_context);
    }

    void apply(const ir::Rope& op)
    {
        rowwise(op.in, op.out,
                [&](const at::Tensor& from, const at::Tensor& to, std::int64_t begin, std::int64_t count) {
                    model::rotate(from, m_cosine.narrow(0, begin, count), m_sine.narrow(0, begin, count), op.heads, to);
                });
    }

    void apply(const ir::Activation& op)
    {
        rowwise(op.in, op.out, [&](const at::Tensor& from, const at::Tensor& to, std::int64_t, std::int64_t) {
            activateRows(from, op.kind, to);
        });
    }

    void apply(const ir::Multiply& op)
    {
        const at::Tensor b = in(op.b);
        rowwise(op.a, op.out, [&](const at::Tensor& from, at::Tensor to, std::int64_t begin, std::int64_t count) {
            at::mul_out(to, from, b.narrow(0, begin, count));
        });
    }

    void apply(const ir::Add& op)
    {
        const at::Tensor b = in(op.b);
        rowwise(op.a, op.out, [&](const at::Tensor& from, at::Tensor to, std::int64_t begin, std::int64_t count) {
            at::add_out(to, from, b.narrow(0, begin, count));
        });
    }

    template <class Attention>
    [[noreturn]] void apply(const Attention&)
    {
        throw UnsupportedError("an attention operation was scheduled as a row operation"); // scheduleOf() prevents it
    }

    // Scores, softmax and mixes of one attention, prompt by prompt and head by head.
    void attend(const Step& step)
    {
        std::int64_t heads = 0;
        for (std::size_t i = step.begin; i < step.end; ++i) {
            const ir::Operation& operation = m_state.program.operations[i];
            if (const auto* mix = std::get_if<ir::Mix>(&operation)) {
                (void)create(mix->out, std::int64_t{mix->heads} * mix->headDim);
                heads = mix->heads;
            } else if (const auto* scores = std::get_if<ir::Scores>(&operation)) {
                heads = scores->heads;
            }
        }
        for (std::int64_t p = 0; p < m_batch.prompts(); ++p)
            m_margins[static_cast<std::size_t>(p)].resize(static_cast<std::size_t>(heads * m_batch.count(p)));
        model::runTasks(m_batch.prompts() * heads, m_context,
                        [&](std::int64_t task) { attendHead(step, task / heads, task % heads); });
    }

    void attendHead(const Step& step, std::int64_t prompt, std::int64_t head)
    {
        const std::int64_t begin = m_batch.begin(prompt);
        const std::int64_t count = m_batch.count(prompt);
        const at::Tensor forbidden = m_state.forbidden.narrow(0, 0, count).narrow(1, 0, count);
        std::map<std::string, at::Tensor> scores; // [query, key] of this head
        const auto columns = [&](const std::string& name, std::int64_t index, std::int64_t width) {
            return in(name).narrow(0, begin, count).narrow(1, index * width, width);
        };
        for (std::size_t i = step.begin; i < step.end; ++i) {
            const ir::Operation& operation = m_state.program.operations[i];
            if (const auto* product = std::get_if<ir::Scores>(&operation)) {
                const std::int64_t sharing = product->heads / product->kvHeads;
                at::Tensor made = at::mm(columns(product->query, head, product->headDim),
                                         columns(product->key, head / sharing, product->headDim).t());
                scores[product->out] = made.mul_(product->multiply).div_(product->divide);
            } else if (const auto* softmax = std::get_if<ir::MaskedSoftmax>(&operation)) {
                at::Tensor made = scores.at(softmax->in).clone();
                double* margin = m_margins[static_cast<std::size_t>(prompt)].data() + head * count;
                softmaxWithMargin(made, forbidden, margin);
                scores[softmax->out] = made;
            } else if (const auto* mix = std::get_if<ir::Mix>(&operation)) {
                const std::int64_t sharing = mix->heads / mix->kvHeads;
                columns(mix->out, head, mix->headDim)
                    .copy_(at::mm(scores.at(mix->weights), columns(mix->value, head / sharing, mix->headDim)));
            }
        }
    }

    LoadedProgram& m_state;
    const Batch& m_batch;
    const RunContext& m_context;
    std::int64_t m_rows;
    std::int64_t m_padded;
    bool m_onCpu;
    at::Tensor m_cosine; // [rows, ropeHalf]
    at::Tensor m_sine;
    std::map<std::string, Register> m_registers;
    std::vector<std::vector<double>> m_margins; // per prompt [head, token]
};

// The tensor where it lies. Widening copies it, so that its alignment has no influence on any product.
at::Tensor inPlace(const HostTensor& value)
{
    // from_blob only reads here; its signature is not const-correct.
    auto* bytes = const_cast<std::byte*>(value.bytes.data());
    return at::from_blob(bytes, value.shape, at::TensorOptions().dtype(model::scalarTypeOf(value.dtype)));
}

void prepareWeights(LoadedProgram& state, const ir::BlockIr& block, const RunContext& context)
{
    const std::string where = "block " + std::to_string(block.program.layer.value) + ": ";
    const at::ScalarType type = c10::typeMetaToScalarType(state.options.dtype());
    const auto valueOf = [&](const std::string& name) -> const HostTensor& {
        context.step();
        const auto value = block.weights.find(name);
        if (value == block.weights.end())
            throw ShapeError(where + "the weight " + name + " was not loaded");
        checkShape(where + "the weight " + name, value->second, block.program.weights.at(name).shape);
        return value->second;
    };
    const auto load = [&](const std::string& name) {
        return model::toTensorAs(type, valueOf(name), state.options.device(), context);
    };
    const auto loadMatrix = [&](const std::string& name) {
        const HostTensor& value = valueOf(name);
        const bool narrower = storageBlock(value.dtype).bytes < static_cast<std::int64_t>(c10::elementSize(type));
        if (!narrower || !state.options.device().is_cpu())
            return load(name);
        return state.block ? inPlace(value) : model::toTensor(value, state.options.device());
    };
    for (const ir::Operation& operation : block.program.operations) {
        if (const auto* linear = std::get_if<ir::Linear>(&operation))
            state.layers.insert_or_assign(
                linear->out,
                Linear(loadMatrix(linear->weight), linear->bias.empty() ? at::Tensor() : load(linear->bias)));
        else if (const auto* rms = std::get_if<ir::RmsNorm>(&operation))
            state.vectors[rms->weight] = load(rms->weight);
        else if (const auto* layer = std::get_if<ir::LayerNorm>(&operation)) {
            state.vectors[layer->weight] = load(layer->weight);
            state.vectors[layer->bias] = load(layer->bias);
        }
    }
}

}

struct TorchInterpreter::State : LoadedProgram {};

TorchInterpreter::TorchInterpreter(const ir::BlockIr& block, DType dtype, const at::Device& device,
                                   const std::optional<model::Tiling>& tiling, const RunContext& context)
    : m_state(std::make_unique<State>())
{
    prepare(block, dtype, device, tiling, context);
}

TorchInterpreter::TorchInterpreter(std::shared_ptr<const ir::BlockIr> block, DType dtype, const at::Device& device,
                                   const std::optional<model::Tiling>& tiling, const RunContext& context)
    : m_state(std::make_unique<State>())
{
    m_state->block = std::move(block);
    prepare(*m_state->block, dtype, device, tiling, context);
}

void TorchInterpreter::prepare(const ir::BlockIr& block, DType dtype, const at::Device& device,
                               const std::optional<model::Tiling>& tiling, const RunContext& context)
{
    if (dtype != DType::F64 && dtype != DType::F32)
        throw UsageError("--replay-dtype is fp64 or fp32, not " + std::string(nameOf(dtype)));
    model::guarded([&] {
        State& state = *m_state;
        state.program = block.program;
        state.steps = scheduleOf(block.program);
        state.options = at::TensorOptions().dtype(model::scalarTypeOf(dtype)).device(device);
        prepareWeights(state, block, context);
        const std::string where = "block " + std::to_string(block.program.layer.value) + ": ";
        const std::int64_t longest = block.mask.shape.empty() ? 0 : block.mask.shape[0];
        checkShape(where + "the mask", block.mask, {longest, longest});
        state.forbidden = model::toTensor(block.mask, device).eq(0);
        if (block.program.ropeHalf != 0) {
            const std::vector<std::int64_t> table = {block.program.positions, block.program.ropeHalf};
            checkShape(where + "the RoPE table", block.ropeCos, table);
            checkShape(where + "the RoPE table", block.ropeSin, table);
            state.cosine = model::toTensor(block.ropeCos, device).to(state.options.dtype());
            state.sine = model::toTensor(block.ropeSin, device).to(state.options.dtype());
        }
        state.tiling = tiling.value_or(model::defaultTiling(dtype));
        if (!tiling && device.is_cpu()) {
            std::vector<const Linear*> layers;
            for (const auto& [name, layer] : state.layers)
                layers.push_back(&layer);
            const model::TilingChoice choice = model::chooseTiling(layers, state.tiling, context, dtype);
            state.tiling = choice.tiling;
            state.batchInvariant = choice.batchInvariant;
        }
    });
}

TorchInterpreter::~TorchInterpreter() = default;
TorchInterpreter::TorchInterpreter(TorchInterpreter&&) noexcept = default;
TorchInterpreter& TorchInterpreter::operator=(TorchInterpreter&&) noexcept = default;

const model::Tiling& TorchInterpreter::tiling() const
{
    return m_state->tiling;
}

bool TorchInterpreter::batchInvariant() const
{
    return m_state->batchInvariant;
}

void TorchInterpreter::useBuffers(std::shared_ptr<RowBuffers> buffers)
{
    m_state->spare = std::move(buffers);
}

std::vector<ir::BlockReplay> TorchInterpreter::run(const at::Tensor& input, const Batch& batch,
                                                   const RunContext& context)
{
    const std::string where = "block " + std::to_string(m_state->program.layer.value) + ": ";
    if (input.dim() != 2 || input.size(0) != batch.rows() || input.size(1) != m_state->program.width)
        throw ShapeError(where + "the recorded input does not have " + std::to_string(batch.rows()) + " rows of " +
                         std::to_string(m_state->program.width));
    const std::int64_t longest = batch.longest();
    if (longest > m_state->forbidden.size(0) ||
        (m_state->program.ropeHalf != 0 && longest > m_state->program.positions))
        throw ShapeError(where + "a prompt of " + std::to_string(longest) + " tokens is longer than the mask of " +
                         std::to_string(m_state->forbidden.size(0)) + " or the RoPE table");
    return model::guarded([&] { return Replay(*m_state, input, batch, context).run(); });
}

}
