#include "engine/certificate/probe_reader.h"

#include "engine/base/error.h"
#include "engine/certificate/cell_tensors.h"
#include "engine/certificate/widen.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace blockcert::certificate {

namespace {

constexpr std::int64_t mostTokens = std::int64_t{1} << 28;
constexpr std::int64_t mostMaskCells = std::int64_t{1} << 36;

bool isWide(const std::string& name)
{
    return name == "input" || name == "output" || name == "attention_output" || name == "mlp_output" ||
           name == "mask" || name == "gradient";
}

std::string described(const artifact::ArchiveEntry& entry)
{
    std::string text = entry.name + " " + std::string(nameOf(entry.dtype)) + " [";
    for (const std::int64_t dimension : entry.shape)
        text += (text.back() == '[' ? "" : ", ") + std::to_string(dimension);
    return text + "]";
}

void requireLayout(const std::vector<artifact::ArchiveEntry>& found,
                   const std::vector<artifact::ArchiveEntry>& expected)
{
    for (const artifact::ArchiveEntry& entry : expected)
        if (std::find(found.begin(), found.end(), entry) == found.end())
            throw FormatError("probes.h5 has no dataset " + described(entry) + " as its certificate demands.");
    for (const artifact::ArchiveEntry& entry : found)
        if (std::find(expected.begin(), expected.end(), entry) == expected.end())
            throw FormatError("probes.h5 has the dataset " + described(entry) + ", which does not belong there.");
}

}

ProbeShape probeShapeOf(const Certificate& certificate)
{
    std::vector<std::int64_t> counts;
    std::int64_t tokens = 0;
    std::int64_t cells = 0;
    for (const PromptStatement& prompt : certificate.prompts.prompts) {
        counts.push_back(prompt.tokens);
        tokens += prompt.tokens;
        cells += prompt.tokens * prompt.tokens; // tokens ≤ 2^20 each: the sum is checked before it can overflow
        if (tokens > mostTokens || cells > mostMaskCells)
            throw FormatError("The prompts declare " + std::to_string(tokens) +
                              " tokens, more than this version reads.");
    }
    if (counts.empty())
        throw FormatError("The certificate states no prompt.");
    const Subject& subject = certificate.subject;
    if (subject.dModel < 1 || subject.dModel > 1 << 17 || subject.heads < 1 || subject.heads > 1 << 14)
        throw FormatError("The subject's width " + std::to_string(subject.dModel) + " or number of heads " +
                          std::to_string(subject.heads) + " is out of range.");
    return {offsetsOf(counts),
            subject.dModel,
            subject.heads,
            certificate.request.baselineDtype,
            certificate.request.loss,
            certificate.request.hasSublayers()};
}

ProbeReader::ProbeReader(std::unique_ptr<artifact::ArchiveReader> archive, ProbeShape shape, LayerIndex block)
    : m_archive(std::move(archive))
    , m_shape(std::move(shape))
    , m_block(block)
    , m_layout(probeLayout(m_shape))
{
    requireLayout(m_archive->entries(), m_layout);
    for (const artifact::ArchiveEntry& entry : m_layout)
        m_hashers.emplace(entry.name, TensorHasher(entry.dtype, entry.shape));
    if (int64Elements(readWhole("prompt_offset")) != m_shape.offset)
        throw FormatError("probes.h5: prompt_offset is not what the certificate's token counts add up to.");
    std::int64_t cells = 0;
    for (std::int64_t p = 0; p < m_shape.prompts(); ++p) {
        m_maskBegin.push_back(cells);
        cells += m_shape.tokensOf(p) * m_shape.tokensOf(p);
    }
    m_tokenIds = int32Elements(readWhole("token_id"));
    m_positions = int32Elements(readWhole("position"));
    const auto negative = [](std::int32_t value) { return value < 0; };
    if (std::any_of(m_tokenIds.begin(), m_tokenIds.end(), negative) ||
        std::any_of(m_positions.begin(), m_positions.end(), negative))
        throw FormatError("probes.h5: a token id or a position is negative.");
    m_margin = widened(readWhole("attention_margin"));
    if (firstNotFinite(m_margin) != m_margin.size())
        throw FormatError("probes.h5: attention_margin holds a value that is not finite.");
}

HostTensor ProbeReader::readWhole(const std::string& name)
{
    HostTensor tensor = m_archive->readAll(name);
    m_hashers.at(name).add(tensor.bytes);
    return tensor;
}

CellRecord ProbeReader::read(PromptIndex prompt)
{
    return readParts(prompt, true);
}

CellRecord ProbeReader::readNumbers(PromptIndex prompt)
{
    return readParts(prompt, false);
}

std::int64_t ProbeReader::allowedKeys(PromptIndex prompt, std::int64_t token)
{
    const std::int64_t tokens = m_shape.tokensOf(prompt.value);
    const std::int64_t begin = m_maskBegin[static_cast<std::size_t>(prompt.value)] + token * tokens;
    const HostTensor row = m_archive->readRows("mask", begin, begin + tokens);
    return std::count_if(row.bytes.begin(), row.bytes.end(), [](std::byte cell) { return cell != std::byte{0}; });
}

CellRecord ProbeReader::readParts(PromptIndex prompt, bool everything)
{
    const std::int64_t tokens = m_shape.tokensOf(prompt.value);
    const auto first = m_shape.offset[static_cast<std::size_t>(prompt.value)];
    const bool inOrder = everything && prompt.value == m_digested;
    std::vector<NamedTensor> parts;
    for (const artifact::ArchiveEntry& entry : m_layout) {
        const std::string& name = entry.name;
        if (name == "prompt_offset" || name == "token_id" || name == "position" || name == "attention_margin")
            continue;
        if (!everything && isWide(name))
            continue;
        std::int64_t begin = first;
        std::int64_t count = tokens;
        if (name == "mask") {
            begin = m_maskBegin[static_cast<std::size_t>(prompt.value)];
            count = tokens * tokens;
        } else if (name.starts_with("loss")) {
            begin = m_shape.lossOffset(prompt.value);
            count = tokens - 1;
        }
        HostTensor rows = m_archive->readRows(name, begin, begin + count);
        if (inOrder)
            m_hashers.at(name).add(rows.bytes);
        requireUsable(name, rows, prompt);
        if (name == "mask") {
            requireBinary(rows, prompt);
            rows.shape = {tokens, tokens};
        }
        parts.push_back({name, std::move(rows)});
    }
    if (inOrder)
        ++m_digested;
    CellRecord cell = recordOf(m_block, prompt, std::move(parts));
    const auto all = static_cast<std::size_t>(m_shape.tokens());
    for (std::size_t h = 0; h < static_cast<std::size_t>(m_shape.heads); ++h) {
        const auto row = m_margin.begin() + static_cast<std::ptrdiff_t>(h * all + static_cast<std::size_t>(first));
        cell.attentionMargin.insert(cell.attentionMargin.end(), row, row + tokens);
    }
    return cell;
}

void ProbeReader::requireBinary(const HostTensor& mask, PromptIndex prompt)
{
    const auto found = std::ranges::find_if(mask.bytes, [](std::byte cell) { return cell > std::byte{1}; });
    if (found != mask.bytes.end())
        throw FormatError("probes.h5: mask of prompt " + std::to_string(prompt.value) + " holds " +
                          std::to_string(std::to_integer<int>(*found)) + " instead of 0 or 1.");
}

void ProbeReader::requireUsable(const std::string& name, const HostTensor& rows, PromptIndex prompt)
{
    if (!isFloating(rows.dtype))
        return;
    const std::vector<double> values = widened(rows);
    // A norm, or a loss: the logarithm of a probability.
    const bool isPositive = name.starts_with("error") || name == "output_norm" || name.starts_with("loss");
    const auto usable = [&](double value) { return std::isfinite(value) && (!isPositive || value >= 0); };
    const auto found = std::find_if_not(values.begin(), values.end(), usable);
    if (found == values.end())
        return;
    const auto bad = static_cast<std::size_t>(found - values.begin());
    const std::size_t columns = rows.shape.size() > 1 ? static_cast<std::size_t>(rows.shape[1]) : 1;
    const std::size_t token = bad / columns + (name.starts_with("loss") ? 1 : 0);
    throw FormatError("probes.h5: " + name + " of prompt " + std::to_string(prompt.value) + ", token " +
                      std::to_string(token) + " is not finite, or is a norm or a loss below zero.");
}

std::vector<TensorDigest> ProbeReader::finishDigests()
{
    assert(m_digested == m_shape.prompts());
    std::vector<TensorDigest> digests;
    for (const artifact::ArchiveEntry& entry : m_layout)
        digests.push_back({entry.name, entry.dtype, entry.shape, m_hashers.at(entry.name).finish()});
    return digests;
}

}
