// A second interpreter, written for comparison only: the documentation's table turned into the plainest loops.
#pragma once

#include "engine/ir/block_ir.h"
#include "engine/ir/reference_ops.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace blockcert::ir {

// Every key is visited, every matrix is three nested loops, nothing is packed, shared out or left out.
class NaiveBlock {
public:
    NaiveBlock(const BlockIr& block, std::vector<double> input, const std::vector<std::int32_t>& position)
        : m_block(block)
        , m_position(position)
        , m_tokens(position.size())
    {
        registers["x"] = std::move(input);
        for (const Operation& operation : block.program.operations)
            std::visit([this](const auto& op) { apply(op); }, operation);
    }

    std::map<std::string, std::vector<double>> registers;

private:
    using Values = std::vector<double>;

    [[nodiscard]] Values weight(const std::string& name) const { return widened(m_block.weights.at(name)); }

    [[nodiscard]] bool allowed(std::size_t t, std::size_t s) const
    {
        return m_block.mask.bytes[t * static_cast<std::size_t>(m_block.mask.shape[0]) + s] != std::byte{0};
    }

    void apply(const RmsNorm& op)
    {
        const Values& in = registers[op.in];
        const Values w = weight(op.weight);
        Values& out = registers[op.out] = in;
        for (std::size_t t = 0; t < m_tokens; ++t) {
            double sum = 0;
            for (std::size_t i = 0; i < w.size(); ++i) {
                const volatile double square = in[t * w.size() + i] * in[t * w.size() + i];
                sum = sum + square;
            }
            for (std::size_t i = 0; i < w.size(); ++i)
                out[t * w.size() + i] =
                    in[t * w.size() + i] / std::sqrt(sum / static_cast<double>(w.size()) + op.epsilon) * w[i];
        }
    }

    void apply(const LayerNorm& op)
    {
        const Values& in = registers[op.in];
        const Values w = weight(op.weight);
        const Values b = weight(op.bias);
        const auto n = static_cast<double>(w.size());
        Values& out = registers[op.out] = in;
        for (std::size_t t = 0; t < m_tokens; ++t) {
            const double* row = in.data() + t * w.size();
            double sum = 0;
            for (std::size_t i = 0; i < w.size(); ++i)
                sum = sum + row[i];
            double squares = 0;
            for (std::size_t i = 0; i < w.size(); ++i) {
                const volatile double square = (row[i] - sum / n) * (row[i] - sum / n);
                squares = squares + square;
            }
            for (std::size_t i = 0; i < w.size(); ++i) {
                const volatile double scaled = (row[i] - sum / n) / std::sqrt(squares / n + op.epsilon) * w[i];
                out[t * w.size() + i] = scaled + b[i];
            }
        }
    }

    void apply(const Linear& op)
    {
        const Values& in = registers[op.in];
        const Values w = weight(op.weight);
        const std::size_t inputs = in.size() / m_tokens;
        const std::size_t outputs = w.size() / inputs;
        Values& out = registers[op.out] = Values(m_tokens * outputs);
        for (std::size_t t = 0; t < m_tokens; ++t)
            for (std::size_t o = 0; o < outputs; ++o) {
                double sum = 0;
                for (std::size_t i = 0; i < inputs; ++i) {
                    const volatile double product = w[o * inputs + i] * in[t * inputs + i];
                    sum = sum + product;
                }
                out[t * outputs + o] = op.bias.empty() ? sum : sum + weight(op.bias)[o];
            }
    }

    void apply(const Rope& op)
    {
        const Values& in = registers[op.in];
        const Values cosine = widened(m_block.ropeCos);
        const Values sine = widened(m_block.ropeSin);
        const auto dim = static_cast<std::size_t>(op.headDim);
        const std::size_t width = in.size() / m_tokens;
        Values& out = registers[op.out] = in;
        for (std::size_t t = 0; t < m_tokens; ++t)
            for (std::size_t first = 0; first < width; first += dim)
                for (std::size_t i = 0; i < dim / 2; ++i) {
                    const double c = cosine[static_cast<std::size_t>(m_position[t]) * dim / 2 + i];
                    const double s = sine[static_cast<std::size_t>(m_position[t]) * dim / 2 + i];
                    const double a = in[t * width + first + i];
                    const double b = in[t * width + first + i + dim / 2];
                    const volatile double ac = a * c, bs = b * s, bc = b * c, as = a * s;
                    out[t * width + first + i] = ac - bs;
                    out[t * width + first + i + dim / 2] = bc + as;
                }
    }

    void apply(const Scores& op)
    {
        const Values& q = registers[op.query];
        const Values& k = registers[op.key];
        const auto dim = static_cast<std::size_t>(op.headDim);
        const auto heads = static_cast<std::size_t>(op.heads);
        const auto kvHeads = static_cast<std::size_t>(op.kvHeads);
        Values& out = registers[op.out] = Values(heads * m_tokens * m_tokens);
        for (std::size_t h = 0; h < heads; ++h)
            for (std::size_t t = 0; t < m_tokens; ++t)
                for (std::size_t s = 0; s < m_tokens; ++s) {
                    double sum = 0;
                    for (std::size_t i = 0; i < dim; ++i) {
                        const volatile double product =
                            q[(t * heads + h) * dim + i] * k[(s * kvHeads + h / (heads / kvHeads)) * dim + i];
                        sum = sum + product;
                    }
                    out[(h * m_tokens + t) * m_tokens + s] = sum * op.multiply / op.divide;
                }
    }

    void apply(const MaskedSoftmax& op)
    {
        const Values& in = registers[op.in];
        Values& out = registers[op.out] = Values(in.size(), 0.0);
        for (std::size_t row = 0; row < in.size() / m_tokens; ++row) {
            std::vector<double> open;
            for (std::size_t s = 0; s < m_tokens; ++s)
                if (allowed(row % m_tokens, s))
                    open.push_back(in[row * m_tokens + s]);
            if (open.empty())
                continue;
            const double largest = *std::max_element(open.begin(), open.end());
            double sum = 0;
            for (const double score : open)
                sum = sum + std::exp(score - largest);
            for (std::size_t s = 0; s < m_tokens; ++s)
                if (allowed(row % m_tokens, s))
                    out[row * m_tokens + s] = std::exp(in[row * m_tokens + s] - largest) / sum;
        }
    }

    void apply(const Mix& op)
    {
        const Values& w = registers[op.weights];
        const Values& v = registers[op.value];
        const auto dim = static_cast<std::size_t>(op.headDim);
        const auto heads = static_cast<std::size_t>(op.heads);
        const auto kvHeads = static_cast<std::size_t>(op.kvHeads);
        Values& out = registers[op.out] = Values(m_tokens * heads * dim);
        for (std::size_t h = 0; h < heads; ++h)
            for (std::size_t t = 0; t < m_tokens; ++t)
                for (std::size_t i = 0; i < dim; ++i) {
                    double sum = 0;
                    for (std::size_t s = 0; s < m_tokens; ++s) {
                        const volatile double product =
                            w[(h * m_tokens + t) * m_tokens + s] * v[(s * kvHeads + h / (heads / kvHeads)) * dim + i];
                        sum = sum + product;
                    }
                    out[(t * heads + h) * dim + i] = sum;
                }
    }

    void apply(const Activation& op)
    {
        Values& out = registers[op.out] = registers[op.in];
        for (double& value : out)
            value = op.kind == Activation::Kind::Silu ? silu(value) : geluNew(value);
    }

    void apply(const Multiply& op)
    {
        const Values& b = registers[op.b];
        Values& out = registers[op.out] = registers[op.a];
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = out[i] * b[i];
    }

    void apply(const Add& op)
    {
        const Values& b = registers[op.b];
        Values& out = registers[op.out] = registers[op.a];
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = out[i] + b[i];
    }

    const BlockIr& m_block;
    const std::vector<std::int32_t>& m_position;
    std::size_t m_tokens;
};

}
