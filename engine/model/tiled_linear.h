// Matrix products in fixed tiles, so that a row's bits depend neither on its neighbours nor on the thread count.
#pragma once

#include "engine/values/dtype.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace at {
class Tensor;
}

namespace blockcert {
class RunContext;
}

namespace blockcert::model {

// How one matrix product is cut. Rows are cut greedily into the heights given (descending), from that one on at which
// the threads are done first; the last one is also the multiple to which callers pad their rows. All heights give the
// same bits where the self-test passed (invariance.h); where it did not, there is one height only.
struct Tiling {
    std::vector<std::int64_t> rows = {256, 128, 64, 32};
    std::int64_t outputs = 384; // at most, fewer where there are many inputs; a layer's outputs are shared out evenly

    [[nodiscard]] std::string text() const; // "256/128/64/32 rows x 384 outputs"

    [[nodiscard]] std::int64_t padded(std::int64_t count) const
    {
        const std::int64_t step = rows.back();
        return (count + step - 1) / step * step;
    }
};

// Chosen by measurement: 16-bit kernels need wider panels than MKL's.
[[nodiscard]] Tiling defaultTiling(DType dtype);

// A linear layer's weights. The inner dimension is padded with zeros to a multiple of 8, because MKL's double
// kernels choose their path by the alignment of each row.
class Linear {
public:
    // weight [out, in], bias [out] or undefined.
    Linear(const at::Tensor& weight, const at::Tensor& bias);
    ~Linear();
    Linear(Linear&&) noexcept;
    Linear& operator=(Linear&&) noexcept;

    [[nodiscard]] const at::Tensor& weight() const; // [out, padded in]
    [[nodiscard]] const at::Tensor& bias() const;
    [[nodiscard]] std::int64_t inputs() const;
    [[nodiscard]] std::int64_t outputs() const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

// y = x · weightᵀ + bias. x is [padded rows, in] and y [padded rows, out], both row-major; their row count is a
// multiple of tiling.rows.back() on the CPU. fp16 is computed in fp32 and rounded once, as LibTorch does without
// AVX512-FP16, only faster. Weights of a narrower type than x are widened a panel at a time, so that a block in double
// needs no more memory than its weights; the bits are those of weights widened beforehand.
void tiledLinear(const at::Tensor& x, const Linear& layer, at::Tensor& y, const Tiling& tiling,
                 const RunContext& context);

// The first output of each panel tiledLinear would use for a layer of this size, and `outputs` at the end.
[[nodiscard]] std::vector<std::int64_t> outputPanels(std::int64_t outputs, std::int64_t inputs, const Tiling& tiling);

}
