#include "engine/certificate/block_scan.h"

#include "engine/base/run_context.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/widen.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/ir/share_out.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>

namespace blockcert::certificate {

namespace {

// Rows [token, width] of one prompt.
std::span<const double> rowOf(const std::vector<double>& rows, std::size_t token, std::size_t width)
{
    return std::span(rows).subspan(token * width, width);
}

TokenColumns emptyColumns(std::size_t tokens, std::size_t heads)
{
    const std::vector<double> zero(tokens, 0.0);
    return {zero, zero, zero, zero, std::vector<double>(heads * tokens, 0.0)};
}

class Scan {
public:
    Scan(ProbeReader& probes, double rho, BlockScan& result)
        : m_shape(probes.shape())
        , m_positions(probes.positions())
        , m_rho(rho)
        , m_result(result)
    {
        const auto tokens = static_cast<std::size_t>(m_shape.tokens());
        const auto heads = static_cast<std::size_t>(m_shape.heads);
        result.recorded = emptyColumns(tokens, heads);
        result.replayed = emptyColumns(tokens, heads);
        result.scale = result.scaleAttention = result.scaleMlp = std::vector<double>(tokens, 0.0);
        result.marginScale.assign(static_cast<std::size_t>(m_shape.prompts()), 10.0);
        result.pathAgrees.assign(tokens, 0);
        result.wasReplayed.assign(static_cast<std::size_t>(m_shape.prompts()), false);
        if (m_shape.loss == LossMode::FirstOrder)
            result.firstOrder = result.firstOrderReplayed = result.firstOrderAllowed = std::vector<double>(tokens, 0.0);
    }

    // In prompt order: losses are appended.
    void record(const CellRecord& cell, const HostTensor* irMask)
    {
        const std::size_t first = firstOf(cell.prompt);
        copy(cell.error, m_result.recorded.error, first);
        copy(cell.errorAttention, m_result.recorded.errorAttention, first);
        copy(cell.errorMlp, m_result.recorded.errorMlp, first);
        copy(cell.outputNorm, m_result.recorded.outputNorm, first);
        copyMargin(cell.attentionMargin, m_result.recorded.margin, cell.prompt);
        if (m_shape.loss == LossMode::FirstOrder)
            copy(cell.firstOrder, m_result.firstOrder, first);
        m_result.lossBase.insert(m_result.lossBase.end(), cell.lossBase.begin(), cell.lossBase.end());
        m_result.lossStitched.insert(m_result.lossStitched.end(), cell.lossStitched.begin(), cell.lossStitched.end());
        if (irMask != nullptr) {
            const auto agrees = pathAgreement(*irMask, cell.mask, positionsOf(cell.prompt));
            std::copy(agrees.begin(), agrees.end(), m_result.pathAgrees.begin() + static_cast<std::ptrdiff_t>(first));
        }
    }

    // Any thread, different prompts.
    void replay(const CellRecord& cell, const ir::ReferenceInterpreter& interpreter, const RunContext& context)
    {
        const std::vector<double> x = widened(cell.input);
        const std::vector<double> y = widened(cell.output);
        // An imported trace may lack the sublayers' outputs.
        const std::vector<double> attention = m_shape.sublayers ? widened(cell.attentionOutput) : std::vector<double>();
        const std::vector<double> mlp = m_shape.sublayers ? widened(cell.mlpOutput) : std::vector<double>();
        const std::vector<double> gradient =
            m_shape.loss == LossMode::FirstOrder ? widened(cell.lossGradient) : std::vector<double>();
        const ir::BlockReplay replay = interpreter.run(x, positionsOf(cell.prompt), context);

        const std::size_t first = firstOf(cell.prompt);
        const auto width = static_cast<std::size_t>(m_shape.width);
        const auto tokens = static_cast<std::size_t>(m_shape.tokensOf(cell.prompt.value));
        for (std::size_t t = 0; t < tokens; ++t) {
            const auto row = [&](const std::vector<double>& rows) { return rowOf(rows, t, width); };
            const std::size_t i = first + t;
            m_result.replayed.error[i] = l2Distance(row(replay.output), row(y));
            m_result.replayed.outputNorm[i] = l2Norm(row(y));
            const double scale =
                std::max({l2Norm(row(x)), m_result.replayed.outputNorm[i], l2Norm(row(replay.output))});
            m_result.scale[i] = scale;
            if (m_shape.loss == LossMode::FirstOrder)
                replayEstimate(i, row(gradient), row(replay.output), row(y));
            if (!m_shape.sublayers)
                continue;
            m_result.replayed.errorAttention[i] = l2Distance(row(replay.attention), row(attention));
            m_result.replayed.errorMlp[i] = l2Distance(row(replay.mlp), row(mlp));
            m_result.scaleAttention[i] = std::max(scale, l2Norm(row(attention)));
            m_result.scaleMlp[i] = std::max(scale, l2Norm(row(mlp)));
        }
        copyMargin(replay.margin, m_result.replayed.margin, cell.prompt);
        for (const double margin : replay.margin) {
            double& most = m_result.marginScale[static_cast<std::size_t>(cell.prompt.value)];
            most = std::max(most, 10 * std::abs(margin));
        }
    }

private:
    // The issuer's ŷ lies within ρ·scale of this one in every element; rounding keeps the order of the two ends.
    void replayEstimate(std::size_t token, std::span<const double> gradient, std::span<const double> surrogate,
                        std::span<const double> output)
    {
        const double reach = m_rho * m_result.scale[token];
        const auto shifted = [&](double by) {
            std::vector<double> values(surrogate.begin(), surrogate.end());
            for (double& value : values)
                value += by;
            return roundedTo(m_shape.baselineDtype, values);
        };
        const std::vector<double> middle = shifted(0);
        const std::vector<double> low = shifted(-reach);
        const std::vector<double> high = shifted(reach);
        double allowed = 0;
        double terms = 0; // Σ of the largest terms' sizes: adding up rounds by a share of it
        for (std::size_t k = 0; k < gradient.size(); ++k) {
            const double slope = std::abs(gradient[k]);
            allowed += slope * std::max(high[k] - middle[k], middle[k] - low[k]);
            terms += slope * std::max(std::abs(high[k] - output[k]), std::abs(low[k] - output[k]));
        }
        m_result.firstOrderReplayed[token] = firstOrderChange(gradient, middle, output);
        m_result.firstOrderAllowed[token] =
            allowed + terms * static_cast<double>(gradient.size()) * std::numeric_limits<double>::epsilon();
    }

    [[nodiscard]] std::size_t firstOf(PromptIndex prompt) const
    {
        return static_cast<std::size_t>(m_shape.offset[static_cast<std::size_t>(prompt.value)]);
    }

    [[nodiscard]] std::span<const std::int32_t> positionsOf(PromptIndex prompt) const
    {
        return std::span(m_positions)
            .subspan(firstOf(prompt), static_cast<std::size_t>(m_shape.tokensOf(prompt.value)));
    }

    static void copy(const std::vector<double>& from, std::vector<double>& to, std::size_t first)
    {
        std::copy(from.begin(), from.end(), to.begin() + static_cast<std::ptrdiff_t>(first));
    }

    void copyMargin(const std::vector<double>& from, std::vector<double>& to, PromptIndex prompt) const
    {
        const auto tokens = static_cast<std::size_t>(m_shape.tokensOf(prompt.value));
        for (std::size_t h = 0; h < static_cast<std::size_t>(m_shape.heads); ++h)
            for (std::size_t t = 0; t < tokens; ++t)
                to[h * static_cast<std::size_t>(m_shape.tokens()) + firstOf(prompt) + t] = from[h * tokens + t];
    }

    const ProbeShape& m_shape;
    const std::vector<std::int32_t>& m_positions;
    double m_rho;
    BlockScan& m_result;
};

}

bool maskFits(const HostTensor& irMask, const ProbeShape& shape)
{
    const std::int64_t longest = shape.longest();
    return irMask.dtype == DType::U8 && irMask.shape == std::vector<std::int64_t>{longest, longest} &&
           std::all_of(irMask.bytes.begin(), irMask.bytes.end(), [](std::byte b) { return b <= std::byte{1}; });
}

BlockScan scanBlock(ProbeReader& probes, const ir::BlockIr* ir, const std::function<bool(PromptIndex)>& replayed,
                    double rho, int threads, std::int64_t& cells, std::int64_t allCells, const RunContext& context)
{
    BlockScan result;
    Scan scan(probes, rho, result);
    const std::int64_t prompts = probes.shape().prompts();
    for (std::int32_t p = 0; p < prompts; ++p)
        result.wasReplayed[static_cast<std::size_t>(p)] = ir != nullptr && replayed({p});
    const auto wanted = std::count(result.wasReplayed.begin(), result.wasReplayed.end(), true);

    // Many prompts: one thread each. Few: the threads share one prompt's rows.
    const int across = wanted >= threads ? threads : 1;
    std::optional<ir::ReferenceInterpreter> interpreter;
    if (wanted > 0)
        interpreter.emplace(*ir, across > 1 ? 1 : threads);

    std::mutex reading;
    std::int32_t next = 0;
    ir::shareOut(across, prompts, [&](std::int64_t) {
        CellRecord cell;
        {
            // Reading in prompt order keeps the digests and the losses in order, whichever thread comes.
            const std::lock_guard lock(reading);
            cell = probes.read({next++});
            scan.record(cell, ir != nullptr ? &ir->mask : nullptr);
        }
        context.step();
        if (!result.wasReplayed[static_cast<std::size_t>(cell.prompt.value)])
            return;
        scan.replay(cell, *interpreter, context);
        const std::lock_guard lock(reading);
        Progress progress{"replay", ++cells, allCells, probes.block().value, cell.prompt.value, "cells", ""};
        context.step(progress);
    });
    result.digests = probes.finishDigests();
    return result;
}

}
