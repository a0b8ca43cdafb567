#include "engine/certificate/probe_writer.h"

#include "engine/certificate/cell_file.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/widen.h"

#include <map>
#include <numeric>

namespace blockcert::certificate {

namespace {

// Per-token columns collected over the prompts, in token order.
struct Columns {
    std::vector<double> error, outputNorm, firstOrder, lossBase, lossStitched;
    std::vector<std::uint8_t> pathAgrees;
    std::vector<double> margin; // [head, N]
};

template <class Element>
void append(std::vector<Element>& to, const std::vector<Element>& from)
{
    to.insert(to.end(), from.begin(), from.end());
}

// A prompt of one token whose top five were not recorded: id -1 says so.
void fillTops(CellRecord& cell, std::int64_t tokens)
{
    if (!cell.topIdBase.empty())
        return;
    const auto count = static_cast<std::size_t>(5 * tokens);
    cell.topIdBase.assign(count, -1);
    cell.topIdStitched.assign(count, -1);
    cell.topLogitBase.assign(count, 0.0);
    cell.topLogitStitched.assign(count, 0.0);
}

class ProbeWriter {
public:
    ProbeWriter(const std::filesystem::path& path, const ProbeShape& shape)
        : m_archive(path)
        , m_shape(shape)
    {
        for (const artifact::ArchiveEntry& entry : probeLayout(shape))
            m_archive.declare(entry);
        m_columns.margin.resize(static_cast<std::size_t>(shape.heads * shape.tokens()));
    }

    void writeIds(const PromptSet& prompts)
    {
        m_archive.writeRows("prompt_offset", 0, tensorOf(m_shape.offset, {m_shape.prompts() + 1}));
        std::vector<std::int32_t> ids;
        std::vector<std::int32_t> positions;
        for (const EncodedPrompt& prompt : prompts.prompts) {
            append(ids, prompt.tokenIds);
            const std::size_t begin = positions.size();
            positions.resize(ids.size());
            std::iota(positions.begin() + static_cast<std::ptrdiff_t>(begin), positions.end(), 0);
        }
        m_archive.writeRows("token_id", 0, tensorOf(ids, {m_shape.tokens()}));
        m_archive.writeRows("position", 0, tensorOf(positions, {m_shape.tokens()}));
    }

    void writeCell(std::int64_t prompt, CellRecord cell, const HostTensor& irMask)
    {
        const std::int64_t tokens = m_shape.tokensOf(prompt);
        if (m_shape.loss == LossMode::Exact)
            fillTops(cell, tokens);
        const CellShape shape{tokens,       m_shape.width,    m_shape.heads, m_shape.baselineDtype,
                              m_shape.loss, m_shape.sublayers};
        for (auto& [name, tensor] : tensorsOf(cell, shape)) {
            if (name == "attention_margin")
                continue; // heads come first: written whole at the end
            std::int64_t row = m_shape.offset[static_cast<std::size_t>(prompt)];
            if (name == "mask") {
                row = m_shape.maskOffset(prompt);
                tensor.shape = {tokens * tokens};
            } else if (name.starts_with("loss")) {
                row = m_shape.lossOffset(prompt);
            }
            m_archive.writeRows(name, row, tensor);
        }
        collect(prompt, cell, irMask);
    }

    [[nodiscard]] Columns finish()
    {
        m_archive.writeRows("attention_margin", 0, tensorOf(m_columns.margin, {m_shape.heads, m_shape.tokens()}));
        m_archive.close(Flush::Later);
        return std::move(m_columns);
    }

private:
    void collect(std::int64_t prompt, const CellRecord& cell, const HostTensor& irMask)
    {
        const auto tokens = static_cast<std::size_t>(m_shape.tokensOf(prompt));
        const auto begin = static_cast<std::size_t>(m_shape.offset[static_cast<std::size_t>(prompt)]);
        const auto all = static_cast<std::size_t>(m_shape.tokens());
        for (std::size_t h = 0; h < static_cast<std::size_t>(m_shape.heads); ++h)
            for (std::size_t t = 0; t < tokens; ++t)
                m_columns.margin[h * all + begin + t] = cell.attentionMargin[h * tokens + t];
        std::vector<std::int32_t> positions(tokens);
        std::iota(positions.begin(), positions.end(), 0);
        append(m_columns.error, cell.error);
        append(m_columns.outputNorm, cell.outputNorm);
        append(m_columns.firstOrder, cell.firstOrder);
        append(m_columns.lossBase, cell.lossBase);
        append(m_columns.lossStitched, cell.lossStitched);
        append(m_columns.pathAgrees, pathAgreement(irMask, cell.mask, positions));
    }

    artifact::ArchiveWriter m_archive;
    const ProbeShape& m_shape;
    Columns m_columns;
};

}

CoverageMetrics writeProbes(const std::filesystem::path& path, const ProbeShape& shape, const PromptSet& prompts,
                            const HostTensor& irMask, const Policy& policy, const CellSource& cells)
{
    ProbeWriter writer(path, shape);
    writer.writeIds(prompts);
    for (std::int64_t p = 0; p < shape.prompts(); ++p)
        writer.writeCell(p, cells({static_cast<std::int32_t>(p)}), irMask);
    const Columns columns = writer.finish();

    TokenMeasurements tokens;
    for (const EncodedPrompt& prompt : prompts.prompts)
        tokens.promptIds.push_back(prompt.id);
    tokens.offset = shape.offset;
    tokens.error = columns.error;
    tokens.outputNorm = columns.outputNorm;
    tokens.pathAgrees = columns.pathAgrees;
    tokens.firstOrder = columns.firstOrder;
    tokens.lossBase = columns.lossBase;
    tokens.lossStitched = columns.lossStitched;
    return measure(tokens, policy);
}

}
