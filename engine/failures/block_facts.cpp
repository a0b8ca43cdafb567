#include "engine/failures/block_facts.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/widen.h"
#include "engine/failures/statistics.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/ir/share_out.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <string>

namespace blockcert::failures {

namespace {

using certificate::widened;

// The registers in which a program keeps its keys and values.
struct KeyValueRegisters {
    std::string key, value;
    std::int32_t heads = 0; // key/value heads
    std::int32_t headDim = 0;
};

KeyValueRegisters registersOf(const ir::BlockProgram& program)
{
    KeyValueRegisters registers;
    for (const ir::Operation& operation : program.operations) {
        if (const auto* scores = std::get_if<ir::Scores>(&operation))
            registers.key = scores->key;
        if (const auto* mix = std::get_if<ir::Mix>(&operation)) {
            registers.value = mix->value;
            registers.heads = mix->kvHeads;
            registers.headDim = mix->headDim;
        }
    }
    if (registers.key.empty() || registers.value.empty())
        throw FormatError("The program of block " + std::to_string(program.layer.value) + " has no keys or no values.");
    return registers;
}

// Norms of each row's heads, [token].
void addNorms(const std::vector<double>& rows, const KeyValueRegisters& registers, std::span<HeadNorms> into)
{
    const auto heads = static_cast<std::size_t>(registers.heads);
    const auto headDim = static_cast<std::size_t>(registers.headDim);
    for (std::size_t t = 0; t < into.size(); ++t) {
        std::vector<double> norms;
        for (std::size_t h = 0; h < heads; ++h)
            norms.push_back(certificate::l2Norm(std::span(rows).subspan((t * heads + h) * headDim, headDim)));
        const auto [least, most] = std::ranges::minmax(norms);
        into[t] = {least, median(norms), most};
    }
}

class FactsReader {
public:
    FactsReader(certificate::ProbeReader& probes, const Certificate& certificate, const ir::BlockIr* surrogate)
        : m_probes(probes)
    {
        const certificate::ProbeShape& shape = probes.shape();
        const auto tokens = static_cast<std::size_t>(shape.tokens());
        m_facts.block = certificate.block;
        m_facts.heads = shape.heads;
        m_facts.offset = shape.offset;
        for (std::vector<double>* column : {&m_facts.error, &m_facts.relative, &m_facts.inputNorm, &m_facts.outputNorm})
            column->resize(tokens);
        if (shape.sublayers) {
            m_facts.errorAttention.resize(tokens);
            m_facts.errorMlp.resize(tokens);
        }
        m_facts.margin.resize(tokens * static_cast<std::size_t>(shape.heads));
        m_facts.lossChange.resize(tokens);
        m_allowed.resize(tokens);
        if (surrogate != nullptr) {
            m_registers = registersOf(surrogate->program);
            m_facts.key.resize(tokens);
            m_facts.value.resize(tokens);
        }
    }

    // Any thread, different prompts.
    void add(const CellRecord& cell, const ir::ReferenceInterpreter* interpreter, const RunContext& context)
    {
        const std::size_t first = m_facts.row(cell.prompt, 0);
        const std::size_t tokens = cell.error.size();
        const auto copy = [&](const std::vector<double>& from, std::vector<double>& to) {
            std::ranges::copy(from, to.begin() + static_cast<std::ptrdiff_t>(first));
        };
        copy(cell.error, m_facts.error);
        copy(certificate::relativeErrors(cell.error, cell.outputNorm), m_facts.relative);
        copy(cell.outputNorm, m_facts.outputNorm);
        copy(cell.errorAttention, m_facts.errorAttention);
        copy(cell.errorMlp, m_facts.errorMlp);
        for (std::size_t h = 0; h < static_cast<std::size_t>(m_facts.heads); ++h)
            for (std::size_t t = 0; t < tokens; ++t)
                m_facts.margin[h * m_facts.tokens() + first + t] = cell.attentionMargin[h * tokens + t];
        for (std::size_t t = 0; t < cell.lossStitched.size(); ++t) // an estimated run has no such losses
            m_facts.lossChange[first + t + 1] = std::abs(cell.lossStitched[t] - cell.lossBase[t]);
        const std::vector<double> x = widened(cell.input);
        const auto width = static_cast<std::size_t>(m_probes.shape().width);
        for (std::size_t t = 0; t < tokens; ++t)
            m_facts.inputNorm[first + t] = certificate::l2Norm(std::span(x).subspan(t * width, width));
        for (std::size_t t = 0; t < tokens; ++t)
            m_allowed[first + t] =
                std::count(cell.mask.bytes.begin() + static_cast<std::ptrdiff_t>(t * tokens),
                           cell.mask.bytes.begin() + static_cast<std::ptrdiff_t>((t + 1) * tokens), std::byte{1});
        if (interpreter == nullptr)
            return;
        const std::span<const std::int32_t> positions = std::span(m_probes.positions()).subspan(first, tokens);
        std::map<std::string, std::vector<double>> taps = {{m_registers.key, {}}, {m_registers.value, {}}};
        static_cast<void>(interpreter->run(x, positions, context, taps));
        addNorms(taps.at(m_registers.key), m_registers, std::span(m_facts.key).subspan(first, tokens));
        addNorms(taps.at(m_registers.value), m_registers, std::span(m_facts.value).subspan(first, tokens));
    }

    [[nodiscard]] BlockFacts finish(const Policy& policy)
    {
        m_facts.medianNorm = median(m_facts.outputNorm);
        m_facts.medianInputNorm = median(m_facts.inputNorm);
        for (const std::int64_t keys : m_allowed)
            m_facts.hasMargin.push_back(keys > 1); // filled here: several threads may not write bits of one word
        const bool relative = policy.measure == ErrorMeasure::RelativeL2;
        m_facts.relativeDecides = relative;
        for (std::size_t i = 0; i < m_facts.tokens(); ++i)
            m_facts.covered.push_back(relative ? m_facts.relative[i] <= policy.tauRel
                                               : m_facts.error[i] <= policy.tauAct);
        return std::move(m_facts);
    }

private:
    certificate::ProbeReader& m_probes;
    KeyValueRegisters m_registers;
    BlockFacts m_facts;
    std::vector<std::int64_t> m_allowed; // [N] keys that the recorded mask allows
};

}

TokenLocation BlockFacts::place(std::size_t row) const
{
    const auto next = std::ranges::upper_bound(offset, static_cast<std::int64_t>(row));
    const auto prompt = next - offset.begin() - 1;
    return {{static_cast<std::int32_t>(prompt)},
            static_cast<std::int32_t>(static_cast<std::int64_t>(row) - offset[static_cast<std::size_t>(prompt)])};
}

std::vector<double> BlockFacts::marginsOf(std::size_t row) const
{
    std::vector<double> margins;
    for (std::size_t h = 0; h < static_cast<std::size_t>(heads); ++h)
        margins.push_back(margin[h * tokens() + row]);
    return margins;
}

BlockFacts readFacts(certificate::ProbeReader& probes, const Certificate& certificate, const ir::BlockIr* surrogate,
                     int threads, std::int64_t& cells, std::int64_t allCells, const RunContext& context)
{
    FactsReader reader(probes, certificate, surrogate);
    const std::int64_t prompts = probes.shape().prompts();
    // Many prompts: one thread each. Few: the threads share one prompt's rows.
    const int across = prompts >= threads ? threads : 1;
    std::optional<ir::ReferenceInterpreter> interpreter;
    if (surrogate != nullptr)
        interpreter.emplace(*surrogate, across > 1 ? 1 : threads);
    std::mutex reading;
    std::int32_t next = 0;
    ir::shareOut(across, prompts, [&](std::int64_t) {
        CellRecord cell;
        {
            const std::lock_guard lock(reading);
            cell = probes.read({next++});
        }
        reader.add(cell, interpreter ? &*interpreter : nullptr, context);
        const std::lock_guard lock(reading);
        context.step(Progress{"replay", ++cells, allCells, certificate.block.value, cell.prompt.value, "cells", ""});
    });
    return reader.finish(certificate.request.policy);
}

}
