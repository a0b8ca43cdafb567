// One block on one prompt, operation by operation, exactly as the program says. What one needs to know to audit it:
//   - a register is an array of doubles, rows [token, width] or scores [head, query, key];
//   - every matrix product, attention's included, is multiplyPanel() of reference_ops.h: one sum per output, its terms
//     in index order;
//   - threads take panels, heads or rows, never a part of a sum;
//   - keys after the last allowed key of a stretch of queries are not visited: their weight is exactly 0, and adding
//     ±0 to a sum that began at +0 changes nothing as long as values are finite, which is checked.
#include "engine/ir/reference_interpreter.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/ir/reference_ops.h"
#include "engine/ir/share_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace blockcert::ir {

namespace {

// Queries whose scores and mixes are computed together: one stretch shares its last visited key.
constexpr std::int64_t queriesAtOnce = 32;

// An exponential takes about as long as this many multiply-adds.
constexpr std::int64_t exponentialCost = 64;

std::size_t at(std::int64_t index)
{
    return static_cast<std::size_t>(index);
}

void checkTensor(std::string_view name, const HostTensor& tensor, DType dtype, const std::vector<std::int64_t>& shape)
{
    const bool fits =
        tensor.dtype == dtype && tensor.shape == shape &&
        static_cast<std::int64_t>(tensor.bytes.size()) == tensor.elementCount() * storageBlock(tensor.dtype).bytes;
    if (!fits)
        throw ShapeError(fmt::format("{} is {} [{}] where the program needs {} [{}].", name, nameOf(tensor.dtype),
                                     fmt::join(tensor.shape, ", "), nameOf(dtype), fmt::join(shape, ", ")));
}

void checkTensors(const BlockIr& block)
{
    for (const auto& [name, weight] : block.program.weights) {
        const auto value = block.weights.find(name);
        if (value == block.weights.end())
            throw ShapeError(fmt::format("weight {} of block {} was not loaded.", name, block.program.layer.value));
        checkTensor("weight " + name, value->second, weight.dtype, weight.shape);
    }
    const std::int64_t longest = block.mask.shape.empty() ? 0 : block.mask.shape[0];
    checkTensor("the mask", block.mask, DType::U8, {longest, longest});
    if (block.program.ropeHalf == 0)
        return;
    const std::vector<std::int64_t> table = {block.program.positions, block.program.ropeHalf};
    for (const HostTensor* tensor : {&block.ropeCos, &block.ropeSin})
        checkTensor("a RoPE table", *tensor, isFloating(tensor->dtype) ? tensor->dtype : DType::F32, table);
}

// The leading corner of the mask that one prompt uses.
class Mask {
public:
    Mask(const HostTensor& mask, std::int64_t tokens)
        : m_bytes(mask.bytes)
        , m_stride(mask.shape[0])
        , m_visited(at(tokens), 0)
    {
        for (std::int64_t t = 0; t < tokens; ++t)
            for (std::int64_t s = 0; s < tokens; ++s)
                if (allows(t, s))
                    m_visited[at(t)] = s + 1;
    }

    [[nodiscard]] bool allows(std::int64_t query, std::int64_t key) const
    {
        return m_bytes[at(query * m_stride + key)] != std::byte{0};
    }

    // Keys that queries begin … end − 1 have to visit: up to the last one that any of them is allowed.
    [[nodiscard]] std::int64_t visitedKeys(std::int64_t begin, std::int64_t end) const
    {
        return *std::max_element(m_visited.begin() + begin, m_visited.begin() + end);
    }

private:
    const std::vector<std::byte>& m_bytes;
    std::int64_t m_stride;
    std::vector<std::int64_t> m_visited; // per query: index of its last allowed key + 1
};

// Calls work(first query, past the last one, keys to visit) for one stretch of queries after the other.
template <class Work>
void forStretches(const Mask& mask, std::int64_t tokens, Work work)
{
    for (std::int64_t begin = 0; begin < tokens; begin += queriesAtOnce) {
        const std::int64_t end = std::min(begin + queriesAtOnce, tokens);
        work(begin, end, mask.visitedKeys(begin, end));
    }
}

// A block with its weights ready for use.
struct LoadedBlock {
    LoadedBlock(const BlockIr& block, int threadCount);

    BlockProgram program;
    std::map<std::string, std::size_t> lastUse; // register -> index of the last operation that reads it
    std::map<std::string, PackedMatrix> matrices;
    std::map<std::string, Rows> vectors; // weights of rank 1
    HostTensor mask;
    Rows ropeCos; // [positions, ropeHalf]
    Rows ropeSin;
    int threads;
};

// The registers that an operation reads.
std::vector<std::string> inputsOf(const Operation& operation)
{
    struct Inputs {
        using Names = std::vector<std::string>;

        Names operator()(const RmsNorm& op) const { return {op.in}; }

        Names operator()(const LayerNorm& op) const { return {op.in}; }

        Names operator()(const Linear& op) const { return {op.in}; }

        Names operator()(const Rope& op) const { return {op.in}; }

        Names operator()(const Scores& op) const { return {op.query, op.key}; }

        Names operator()(const MaskedSoftmax& op) const { return {op.in}; }

        Names operator()(const Mix& op) const { return {op.weights, op.value}; }

        Names operator()(const Activation& op) const { return {op.in}; }

        Names operator()(const Multiply& op) const { return {op.a, op.b}; }

        Names operator()(const Add& op) const { return {op.a, op.b}; }
    };

    return std::visit(Inputs{}, operation);
}

LoadedBlock::LoadedBlock(const BlockIr& block, int threadCount)
    : program(block.program)
    , mask(block.mask)
    , threads(std::max(threadCount, 1))
{
    validate(program);
    checkTensors(block);
    for (std::size_t i = 0; i < program.operations.size(); ++i)
        for (const std::string& name : inputsOf(program.operations[i]))
            lastUse[name] = i;
    for (const auto& [name, weight] : program.weights) {
        const HostTensor& value = block.weights.at(name);
        if (weight.shape.size() == 2)
            matrices.try_emplace(name, value, threads);
        else
            vectors[name] = widened(value);
    }
    if (program.ropeHalf != 0) {
        ropeCos = widened(block.ropeCos);
        ropeSin = widened(block.ropeSin);
    }
}

// One run: the registers and the operations on them.
class BlockRun {
public:
    BlockRun(const LoadedBlock& block, std::span<const std::int32_t> position, const RunContext& context,
             std::map<std::string, Rows>& taps)
        : m_block(block)
        , m_position(position)
        , m_tokens(static_cast<std::int64_t>(position.size()))
        , m_mask(block.mask, m_tokens)
        , m_context(context)
        , m_taps(taps)
    {
    }

    BlockReplay run(std::span<const double> input)
    {
        m_registers["x"].assign(input.begin(), input.end());
        for (m_operation = 0; m_operation < m_block.program.operations.size(); ++m_operation) {
            m_context.step();
            std::visit([this](const auto& op) { apply(op); }, m_block.program.operations[m_operation]);
            std::erase_if(m_registers, [this](const auto& entry) { return !readLater(entry.first); });
        }
        return {std::move(m_registers["y"]), std::move(m_registers["attn"]), std::move(m_registers["mlp"]),
                std::move(m_margin)};
    }

private:
    // in / √(mean(in²) + ε) · weight
    void apply(const RmsNorm& op) { write(op.out, rmsNormRows(in(op.in), vector(op.weight), op.epsilon)); }

    // (in − mean) / √(var + ε) · weight + bias
    void apply(const LayerNorm& op)
    {
        write(op.out, layerNormRows(in(op.in), vector(op.weight), vector(op.bias), op.epsilon));
    }

    // in · weightᵀ + bias
    void apply(const Linear& op)
    {
        const std::span<const double> bias =
            op.bias.empty() ? std::span<const double>() : std::span<const double>(vector(op.bias));
        write(op.out, linearRows(in(op.in), m_block.matrices.at(op.weight), bias, m_block.threads, m_context));
    }

    // Elements a = i and b = i + headDim/2 of every head become a·cos − b·sin and b·cos + a·sin.
    void apply(const Rope& op)
    {
        const std::int64_t half = op.headDim / 2;
        const std::int64_t width = std::int64_t{op.heads} * op.headDim;
        const Rows& rows = in(op.in);
        Rows out(rows.size());
        for (std::int64_t t = 0; t < m_tokens; ++t) {
            const double* cosine = m_block.ropeCos.data() + m_position[at(t)] * half;
            const double* sine = m_block.ropeSin.data() + m_position[at(t)] * half;
            for (std::int64_t h = 0; h < op.heads; ++h)
                for (std::int64_t i = 0; i < half; ++i) {
                    const std::int64_t first = t * width + h * op.headDim + i;
                    const double a = rows[at(first)];
                    const double b = rows[at(first + half)];
                    out[at(first)] = a * cosine[i] - b * sine[i];
                    out[at(first + half)] = b * cosine[i] + a * sine[i];
                }
        }
        write(op.out, std::move(out));
    }

    // out[h][t][s] = (q[t][h] · k[s][h / group]) · multiply / divide; keys that nobody visits stay 0.
    void apply(const Scores& op)
    {
        const std::int64_t group = op.heads / op.kvHeads;
        const std::int64_t queryStride = std::int64_t{op.heads} * op.headDim;
        const std::int64_t keyStride = std::int64_t{op.kvHeads} * op.headDim;
        const Rows& query = in(op.query);
        const Rows& key = in(op.key);
        Rows out(at(op.heads * m_tokens * m_tokens), 0.0);
        shareOut(threadsForPairs(op.heads * op.headDim), op.heads, [&](std::int64_t h) {
            m_context.step();
            const std::span<const double> keys = std::span(key).subspan(at(h / group * op.headDim));
            const PackedMatrix packed(keys, m_tokens, keyStride, op.headDim, 1);
            double* head = out.data() + h * m_tokens * m_tokens; // [query, key]
            forStretches(m_mask, m_tokens, [&](std::int64_t begin, std::int64_t end, std::int64_t visited) {
                const RowView queries{query.data() + begin * queryStride + h * op.headDim, end - begin, queryStride};
                for (std::int64_t panel = 0; panel < packed.panelsFor(visited); ++panel)
                    multiplyPanel(packed, panel, op.headDim, queries, head + begin * m_tokens, m_tokens);
            });
            for (std::int64_t i = 0; i < m_tokens * m_tokens; ++i)
                head[i] = head[i] * op.multiply / op.divide;
        });
        write(op.out, std::move(out));
    }

    // Over the allowed keys: exp(score − largest) / Σ exp(score − largest). Also takes the margins.
    void apply(const MaskedSoftmax& op)
    {
        Rows rows = take(op.in);
        const std::int64_t count = static_cast<std::int64_t>(rows.size()) / m_tokens; // [head, query]
        m_margin.assign(at(count), 0.0);
        shareOut(threadsForPairs(count / m_tokens * exponentialCost), count, [&](std::int64_t row) {
            double* scores = rows.data() + row * m_tokens;
            m_margin[at(row)] = marginOfRow(scores, row % m_tokens);
            softmaxRow(scores, row % m_tokens);
        });
        write(op.out, std::move(rows));
    }

    void softmaxRow(double* row, std::int64_t query) const
    {
        double largest = -std::numeric_limits<double>::infinity();
        for (std::int64_t s = 0; s < m_tokens; ++s)
            if (m_mask.allows(query, s))
                largest = std::max(largest, row[s]);
        double sum = 0;
        for (std::int64_t s = 0; s < m_tokens; ++s) {
            row[s] = m_mask.allows(query, s) ? std::exp(row[s] - largest) : 0;
            sum += row[s]; // +0 for a key that is not allowed
        }
        for (std::int64_t s = 0; s < m_tokens; ++s)
            if (m_mask.allows(query, s))
                row[s] /= sum;
    }

    // Largest minus second largest score among the allowed keys; 0 with fewer than two of them.
    [[nodiscard]] double marginOfRow(const double* scores, std::int64_t query) const
    {
        double first = -std::numeric_limits<double>::infinity();
        double second = first;
        std::int64_t allowed = 0;
        for (std::int64_t s = 0; s < m_tokens; ++s) {
            if (!m_mask.allows(query, s))
                continue;
            ++allowed;
            second = std::max(second, std::min(first, scores[s]));
            first = std::max(first, scores[s]);
        }
        return allowed < 2 ? 0 : first - second;
    }

    // out[t][h] = Σ_s weights[h][t][s] · value[s][h / group]
    void apply(const Mix& op)
    {
        const std::int64_t group = op.heads / op.kvHeads;
        const std::int64_t valueStride = std::int64_t{op.kvHeads} * op.headDim;
        const std::int64_t outStride = std::int64_t{op.heads} * op.headDim;
        const Rows& weights = in(op.weights);
        const Rows& value = in(op.value);
        Rows out(at(m_tokens * outStride));
        shareOut(threadsForPairs(op.heads * op.headDim), op.heads, [&](std::int64_t h) {
            m_context.step();
            const std::span<const double> values = std::span(value).subspan(at(h / group * op.headDim));
            const PackedMatrix packed(values, op.headDim, 1, m_tokens, valueStride);
            forStretches(m_mask, m_tokens, [&](std::int64_t begin, std::int64_t end, std::int64_t visited) {
                const RowView rows{weights.data() + (h * m_tokens + begin) * m_tokens, end - begin, m_tokens};
                for (std::int64_t panel = 0; panel < packed.panels(); ++panel)
                    multiplyPanel(packed, panel, visited, rows, out.data() + begin * outStride + h * op.headDim,
                                  outStride);
            });
        });
        write(op.out, std::move(out));
    }

    void apply(const Activation& op)
    {
        Rows rows = take(op.in);
        const auto width = static_cast<std::int64_t>(rows.size()) / m_tokens;
        const int threads = threadsWorthwhile(m_block.threads, m_tokens * width * exponentialCost);
        shareOut(threads, m_tokens, [&](std::int64_t t) {
            for (std::int64_t i = t * width; i < (t + 1) * width; ++i)
                rows[at(i)] = op.kind == Activation::Kind::Silu ? silu(rows[at(i)]) : geluNew(rows[at(i)]);
        });
        write(op.out, std::move(rows));
    }

    void apply(const Multiply& op)
    {
        Rows product = in(op.a);
        const Rows& b = in(op.b);
        for (std::size_t i = 0; i < product.size(); ++i)
            product[i] *= b[i];
        write(op.out, std::move(product));
    }

    void apply(const Add& op)
    {
        Rows sum = in(op.a);
        const Rows& b = in(op.b);
        for (std::size_t i = 0; i < sum.size(); ++i)
            sum[i] += b[i];
        write(op.out, std::move(sum));
    }

    // For work on every pair of tokens.
    [[nodiscard]] int threadsForPairs(std::int64_t multiplyAddsPerPair) const
    {
        return threadsWorthwhile(m_block.threads, m_tokens * m_tokens * multiplyAddsPerPair);
    }

    [[nodiscard]] const Rows& in(const std::string& name) const { return m_registers.at(name); }

    // The values of a register to change: the register itself if no later operation reads it, else a copy.
    [[nodiscard]] Rows take(const std::string& name)
    {
        return readLater(name) ? m_registers.at(name) : std::move(m_registers.at(name));
    }

    // "y", "attn" and "mlp" are read at the end.
    [[nodiscard]] bool readLater(const std::string& name) const
    {
        const auto last = m_block.lastUse.find(name);
        const bool read = last != m_block.lastUse.end() && last->second > m_operation;
        return read || name == "y" || name == "attn" || name == "mlp";
    }

    [[nodiscard]] const Rows& vector(const std::string& weight) const { return m_block.vectors.at(weight); }

    void write(const std::string& name, Rows values)
    {
        for (const double value : values)
            if (!std::isfinite(value))
                throw NumericError(fmt::format("block {}, operation {} ({}): a value of {} is not finite in double "
                                               "precision.",
                                               m_block.program.layer.value, m_operation + 1,
                                               nameOf(m_block.program.operations[m_operation]), name));
        if (const auto tap = m_taps.find(name); tap != m_taps.end())
            tap->second = values;
        m_registers[name] = std::move(values);
    }

    const LoadedBlock& m_block;
    std::span<const std::int32_t> m_position;
    std::int64_t m_tokens;
    Mask m_mask;
    const RunContext& m_context;
    std::map<std::string, Rows>& m_taps;
    std::map<std::string, Rows> m_registers;
    std::vector<double> m_margin;
    std::size_t m_operation = 0; // the one at hand
};

}

struct ReferenceInterpreter::State {
    LoadedBlock block;
};

ReferenceInterpreter::ReferenceInterpreter(const BlockIr& block, int threads)
    : m_state(std::make_unique<State>(State{LoadedBlock(block, threads)}))
{
}

ReferenceInterpreter::~ReferenceInterpreter() = default;
ReferenceInterpreter::ReferenceInterpreter(ReferenceInterpreter&&) noexcept = default;
ReferenceInterpreter& ReferenceInterpreter::operator=(ReferenceInterpreter&&) noexcept = default;

BlockReplay ReferenceInterpreter::run(std::span<const double> input, std::span<const std::int32_t> position,
                                      const RunContext& context) const
{
    std::map<std::string, Rows> none;
    return run(input, position, context, none);
}

BlockReplay ReferenceInterpreter::run(std::span<const double> input, std::span<const std::int32_t> position,
                                      const RunContext& context, std::map<std::string, Rows>& taps) const
{
    const LoadedBlock& block = m_state->block;
    const std::string where = fmt::format("block {}", block.program.layer.value);
    if (position.empty() || static_cast<std::int64_t>(position.size()) > block.mask.shape[0])
        throw ShapeError(fmt::format("{}: a prompt of {} tokens does not fit the mask of {}.", where, position.size(),
                                     block.mask.shape[0]));
    if (input.size() != position.size() * at(block.program.width))
        throw ShapeError(fmt::format("{}: {} input values are not {} rows of {}.", where, input.size(), position.size(),
                                     block.program.width));
    for (const std::int32_t index : position)
        if (block.program.ropeHalf != 0 && (index < 0 || index >= block.program.positions))
            throw ShapeError(fmt::format("{}: position {} is not in the RoPE table of {} rows.", where, index,
                                         block.program.positions));
    if (!std::all_of(input.begin(), input.end(), [](double value) { return std::isfinite(value); }))
        throw NumericError(fmt::format("{}: a value of the input is not finite.", where));
    return BlockRun(block, position, context, taps).run(input);
}

}
