#include "engine/pipeline/stitch_divergence.h"

#include "engine/base/run_context.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/transformer.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace blockcert::pipeline {

namespace {

constexpr std::int64_t chunkRows = 128;

// A copy: the transformer's own buffer is used again by the next call.
at::Tensor logitsOf(model::Transformer& transformer, const at::Tensor& states, const RunContext& context)
{
    return transformer.logits(states, false, context)
        .to(at::Device(at::kCPU), at::kFloat, /*non_blocking=*/false, /*copy=*/true)
        .contiguous();
}

}

double logSumExp(std::span<const float> logits)
{
    const double most = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits)
        sum += std::exp(static_cast<double>(logit) - most);
    return most + std::log(sum);
}

double divergenceOf(std::span<const float> baseline, std::span<const float> stitched)
{
    return divergenceOf(baseline, logSumExp(baseline), stitched);
}

// Σ p (log p − log q) loses everything to cancellation where p and q are close. As Σ (q − p) = 0 it is also the sum of
// p (e^δ − 1 − δ) with δ = log q − log p, whose terms are all positive.
double divergenceOf(std::span<const float> baseline, double normBase, std::span<const float> stitched)
{
    const double shift = logSumExp(stitched) - normBase;
    double sum = 0;
    for (std::size_t i = 0; i < baseline.size(); ++i) {
        const double base = baseline[i];
        const double delta = static_cast<double>(stitched[i]) - base - shift;
        if (delta == 0)
            continue;
        const double p = std::exp(base - normBase);
        if (std::abs(delta) < 0.05) {
            // The series of e^δ − 1 − δ; what is left out is below 1e-14 of it.
            double term = delta * delta / 2;
            double series = term;
            for (int n = 3; n <= 9; ++n) {
                term *= delta / n;
                series += term;
            }
            sum += p * series;
        } else {
            sum += std::exp(base + delta - normBase) - p - p * delta;
        }
    }
    return std::max(0.0, sum);
}

std::vector<double> divergenceRows(model::Transformer& transformer, const at::Tensor& baseline,
                                   const at::Tensor& stitched, const RunContext& context)
{
    const std::int64_t rows = baseline.size(0);
    std::vector<double> divergence(static_cast<std::size_t>(rows), 0.0);
    Progress progress;
    progress.stage = "predict";
    progress.total = rows;
    progress.unit = "tokens";
    for (std::int64_t begin = 0; begin < rows; begin += chunkRows) {
        const std::int64_t count = std::min(chunkRows, rows - begin);
        const at::Tensor base = logitsOf(transformer, baseline.narrow(0, begin, count), context);
        const at::Tensor own = logitsOf(transformer, stitched.narrow(0, begin, count), context);
        const auto width = static_cast<std::size_t>(base.size(1));
        const float* baseLogits = base.const_data_ptr<float>();
        const float* ownLogits = own.const_data_ptr<float>();
        model::runTasks(count, context, [&](std::int64_t row) {
            const std::size_t at = static_cast<std::size_t>(row) * width;
            divergence[static_cast<std::size_t>(begin + row)] =
                divergenceOf({baseLogits + at, width}, {ownLogits + at, width});
        });
        progress.done = begin + count;
        context.step(progress);
    }
    return divergence;
}

}
