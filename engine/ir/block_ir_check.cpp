// Reads a program as an interpreter would, but with shapes instead of numbers.
#include "engine/base/error.h"
#include "engine/ir/block_ir.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace blockcert::ir {

namespace {

constexpr std::int64_t largestExtent = std::int64_t{1} << 20U;
constexpr std::size_t mostOperations = 1000;
constexpr std::size_t longestName = 64;

bool isName(std::string_view name)
{
    return !name.empty() && name.size() <= longestName && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '-';
    });
}

class Checker {
public:
    explicit Checker(const BlockProgram& program)
        : m_program(program)
    {
    }

    std::map<std::string, RegisterShape> run()
    {
        checkHead();
        m_registers["x"] = {false, m_program.width};
        for (const Operation& operation : m_program.operations) {
            ++m_number;
            m_operation = nameOf(operation);
            std::visit([this](const auto& typed) { check(typed); }, operation);
        }
        checkResults();
        return std::move(m_registers);
    }

private:
    template <class... Arguments>
    [[noreturn]] void refuse(fmt::format_string<Arguments...> text, Arguments&&... arguments) const
    {
        const std::string where =
            m_operation.empty() ? std::string() : fmt::format("operation {} ({}): ", m_number, m_operation);
        throw FormatError(fmt::format("program of block {}: {}{}.", m_program.layer.value, where,
                                      fmt::format(text, std::forward<Arguments>(arguments)...)));
    }

    void checkHead() const
    {
        if (m_program.width < 1 || m_program.width > largestExtent)
            refuse("the width {} is not between 1 and {}", m_program.width, largestExtent);
        if (m_program.layer.value < 0)
            refuse("the layer is negative");
        if (m_program.positions < 0 || m_program.positions > (std::int64_t{1} << 24U) || m_program.ropeHalf < 0 ||
            (m_program.positions == 0) != (m_program.ropeHalf == 0))
            refuse("{} positions with {} frequencies make no RoPE table", m_program.positions, m_program.ropeHalf);
        if (m_program.operations.size() > mostOperations)
            refuse("there are {} operations; at most {} are allowed", m_program.operations.size(), mostOperations);
        for (const auto& [name, weight] : m_program.weights) {
            if (!isName(name))
                refuse("the name of a weight is not made of at most {} letters, digits, dots and dashes", longestName);
            if (!isFloating(weight.dtype))
                refuse("weight {} has the type {}; weights are F64, F32, F16 or BF16", name, nameOf(weight.dtype));
        }
    }

    void checkResults()
    {
        m_operation = {};
        if (!m_read.contains("x"))
            refuse("no operation reads the input x");
        for (const char* name : {"attn", "mlp", "y"}) {
            const auto found = m_registers.find(name);
            if (found == m_registers.end())
                refuse("no operation writes {}", name);
            if (found->second != RegisterShape{false, m_program.width})
                refuse("{} is not [token, {}]", name, m_program.width);
        }
        if (m_softmaxes != 1)
            refuse("there are {} masked_softmax operations instead of one", m_softmaxes);
        for (const auto& [name, weight] : m_program.weights)
            if (!m_used.contains(name))
                refuse("no operation uses weight {}", name);
    }

    RegisterShape read(const std::string& name)
    {
        const auto found = m_registers.find(name);
        if (found == m_registers.end())
            refuse("reads {}, which no earlier operation writes", name);
        m_read.insert(name);
        return found->second;
    }

    std::int64_t readRows(const std::string& name)
    {
        const RegisterShape shape = read(name);
        if (shape.scores)
            refuse("reads {}, which holds scores where rows are needed", name);
        return shape.extent;
    }

    std::int64_t readScores(const std::string& name)
    {
        const RegisterShape shape = read(name);
        if (!shape.scores)
            refuse("reads {}, which holds rows where scores are needed", name);
        return shape.extent;
    }

    void needWidth(const std::string& name, std::int64_t heads, std::int64_t headDim)
    {
        const std::int64_t width = readRows(name);
        if (heads < 1 || headDim < 1 || heads > largestExtent || headDim > largestExtent)
            refuse("{} heads of {} elements make no sense", heads, headDim);
        if (width != heads * headDim)
            refuse("{} is {} wide, which is not {} heads of {}", name, width, heads, headDim);
    }

    void write(const std::string& name, RegisterShape shape)
    {
        if (!isName(name))
            refuse("the name of its result is not made of at most {} letters, digits, dots and dashes", longestName);
        if (!m_registers.try_emplace(name, shape).second)
            refuse("writes {}, which is written already", name);
    }

    const IrWeight& use(const std::string& name, std::size_t rank)
    {
        const auto found = m_program.weights.find(name);
        if (found == m_program.weights.end())
            refuse("uses weight {}, which the program does not declare", name);
        const std::vector<std::int64_t>& shape = found->second.shape;
        const bool sane = std::all_of(shape.begin(), shape.end(),
                                      [](std::int64_t extent) { return extent >= 1 && extent <= largestExtent; });
        if (shape.size() != rank || !sane)
            refuse("weight {} has the shape [{}] where {} needed", name, fmt::join(shape, ", "),
                   rank == 1 ? "one dimension is" : "[out, in] is");
        m_used.insert(name);
        return found->second;
    }

    void useVector(const std::string& name, std::int64_t width)
    {
        const IrWeight& weight = use(name, 1);
        if (weight.shape[0] != width)
            refuse("weight {} has {} elements for rows of {}", name, weight.shape[0], width);
    }

    void needPositive(double value, std::string_view what) const
    {
        if (!(value > 0) || !(value < 1e300))
            refuse("{} is {}, which is not a positive number", what, value);
    }

    void needGroups(std::int32_t heads, std::int32_t kvHeads) const
    {
        if (kvHeads < 1 || heads < 1 || heads % kvHeads != 0)
            refuse("{} heads cannot share {} key heads", heads, kvHeads);
    }

    void check(const RmsNorm& norm)
    {
        const std::int64_t width = readRows(norm.in);
        useVector(norm.weight, width);
        needPositive(norm.epsilon, "epsilon");
        write(norm.out, {false, width});
    }

    void check(const LayerNorm& norm)
    {
        const std::int64_t width = readRows(norm.in);
        useVector(norm.weight, width);
        useVector(norm.bias, width);
        needPositive(norm.epsilon, "epsilon");
        write(norm.out, {false, width});
    }

    void check(const Linear& linear)
    {
        const std::int64_t width = readRows(linear.in);
        const IrWeight& weight = use(linear.weight, 2);
        if (weight.shape[1] != width)
            refuse("weight {} takes {} inputs, but {} is {} wide", linear.weight, weight.shape[1], linear.in, width);
        if (!linear.bias.empty())
            useVector(linear.bias, weight.shape[0]);
        write(linear.out, {false, weight.shape[0]});
    }

    void check(const Rope& rope)
    {
        needWidth(rope.in, rope.heads, rope.headDim);
        if (m_program.positions == 0)
            refuse("there is no RoPE table");
        if (rope.headDim != 2 * m_program.ropeHalf)
            refuse("heads of {} elements do not fit {} frequencies", rope.headDim, m_program.ropeHalf);
        write(rope.out, {false, std::int64_t{rope.heads} * rope.headDim});
    }

    void check(const Scores& scores)
    {
        needGroups(scores.heads, scores.kvHeads);
        needWidth(scores.query, scores.heads, scores.headDim);
        needWidth(scores.key, scores.kvHeads, scores.headDim);
        needPositive(scores.multiply, "multiply");
        needPositive(scores.divide, "divide");
        write(scores.out, {true, scores.heads});
    }

    void check(const MaskedSoftmax& softmax)
    {
        ++m_softmaxes;
        write(softmax.out, {true, readScores(softmax.in)});
    }

    void check(const Mix& mix)
    {
        needGroups(mix.heads, mix.kvHeads);
        const std::int64_t heads = readScores(mix.weights);
        if (heads != mix.heads)
            refuse("{} holds {} heads instead of {}", mix.weights, heads, mix.heads);
        needWidth(mix.value, mix.kvHeads, mix.headDim);
        write(mix.out, {false, std::int64_t{mix.heads} * mix.headDim});
    }

    void check(const Activation& activation) { write(activation.out, {false, readRows(activation.in)}); }

    void checkPair(const std::string& a, const std::string& b, const std::string& out)
    {
        const std::int64_t width = readRows(a);
        if (const std::int64_t other = readRows(b); other != width)
            refuse("{} is {} wide and {} is {} wide", a, width, b, other);
        write(out, {false, width});
    }

    void check(const Multiply& product) { checkPair(product.a, product.b, product.out); }

    void check(const Add& sum) { checkPair(sum.a, sum.b, sum.out); }

    const BlockProgram& m_program;
    std::map<std::string, RegisterShape> m_registers;
    std::set<std::string> m_read;
    std::set<std::string> m_used;
    int m_softmaxes = 0;
    std::size_t m_number = 0; // of the operation under check, 1-based
    std::string_view m_operation;
};

}

std::string_view nameOf(const Operation& operation)
{
    struct Names {
        std::string_view operator()(const RmsNorm&) const { return "rms_norm"; }

        std::string_view operator()(const LayerNorm&) const { return "layer_norm"; }

        std::string_view operator()(const Linear&) const { return "linear"; }

        std::string_view operator()(const Rope&) const { return "rope"; }

        std::string_view operator()(const Scores&) const { return "scores"; }

        std::string_view operator()(const MaskedSoftmax&) const { return "masked_softmax"; }

        std::string_view operator()(const Mix&) const { return "mix"; }

        std::string_view operator()(const Activation&) const { return "activation"; }

        std::string_view operator()(const Multiply&) const { return "multiply"; }

        std::string_view operator()(const Add&) const { return "add"; }
    };

    return std::visit(Names{}, operation);
}

std::map<std::string, RegisterShape> registerShapes(const BlockProgram& program)
{
    return Checker(program).run();
}

void validate(const BlockProgram& program)
{
    (void)registerShapes(program);
}

}
