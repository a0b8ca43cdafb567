// The arithmetic of the judge, row by row: matrices, norms, activations and losses in double, sums in index order.
#pragma once

#include "engine/values/host_tensor.h"
#include "engine/values/ids.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::ir {

// Rows lie one after the other, [row, width], as everywhere in this file.
using Rows = std::vector<double>;

// Elements of a floating-point tensor as doubles, exactly.
[[nodiscard]] Rows widened(const HostTensor& tensor);

// A matrix [outputs, inputs] laid out for the inner loop: panels of 32 outputs, in each [input][output], missing
// outputs of the last panel zero. F32, F16 and BF16 are kept as floats (exactly) and widened panel by panel.
class PackedMatrix {
public:
    // A weight [outputs, inputs]. Threads only share out panels.
    explicit PackedMatrix(const HostTensor& weight, int threads = 1);

    // Element (o, i) is values[o · outputStride + i · inputStride].
    PackedMatrix(std::span<const double> values, std::int64_t outputs, std::int64_t outputStride, std::int64_t inputs,
                 std::int64_t inputStride);

    [[nodiscard]] std::int64_t outputs() const { return m_outputs; }

    [[nodiscard]] std::int64_t inputs() const { return m_inputs; }

    [[nodiscard]] std::int64_t panels() const { return panelsFor(m_outputs); }

    // Panels that hold the first `outputs` outputs.
    [[nodiscard]] std::int64_t panelsFor(std::int64_t outputs) const;

    // Inputs begin … begin + count − 1 of a panel as [count][32] doubles, in the matrix itself or in `scratch`.
    [[nodiscard]] const double* panel(std::int64_t panel, std::int64_t begin, std::int64_t count, Rows& scratch) const;

private:
    std::int64_t m_outputs = 0;
    std::int64_t m_inputs = 0;
    std::vector<float> m_single; // one of the two is empty
    std::vector<double> m_double;
};

// Consecutive rows of a larger array: row t begins at values + t · stride.
struct RowView {
    const double* values = nullptr;
    std::int64_t rows = 0;
    std::int64_t stride = 0;
};

// out[t][o] = Σ_{i < inputs} matrix[o][i] · in[t][i] for the outputs of one panel; inputs may be fewer than the
// matrix has. Row t of the result begins at out + t · outStride, its first element being output 0 of the matrix.
void multiplyPanel(const PackedMatrix& matrix, std::int64_t panel, std::int64_t inputs, RowView in, double* out,
                   std::int64_t outStride);

// in · weightᵀ + bias; bias may be empty. context.step() once per panel.
[[nodiscard]] Rows linearRows(std::span<const double> in, const PackedMatrix& weight, std::span<const double> bias,
                              int threads, const RunContext& context);

// x / √(mean(x²) + ε) · weight
[[nodiscard]] Rows rmsNormRows(std::span<const double> in, std::span<const double> weight, double epsilon);

// (x − mean) / √(var + ε) · weight + bias, var the mean of (x − mean)²
[[nodiscard]] Rows layerNormRows(std::span<const double> in, std::span<const double> weight,
                                 std::span<const double> bias, double epsilon);

// x / (1 + exp(−x))
[[nodiscard]] double silu(double x);

// 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))
[[nodiscard]] double geluNew(double x);

// −log softmax(in · headᵀ)[target] per row, in nats; the logits of a few rows at a time are held, never all.
// Throws ShapeError for a target outside the vocabulary.
[[nodiscard]] std::vector<double> lossRows(std::span<const double> in, const PackedMatrix& head,
                                           std::span<const TokenId> target, int threads, const RunContext& context);

}
