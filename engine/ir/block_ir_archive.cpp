// ir.h5: the order of its datasets and the agreement between the program and the tensors beside it.
#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/ir/block_ir_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace blockcert::ir {

namespace {

constexpr std::int64_t longestProgram = std::int64_t{4} << 20U;
constexpr std::string_view weightFolder = "weight/";
constexpr std::string_view spectrumFolder = "spectrum/";

std::string datasetOf(const std::string& weight)
{
    return std::string(weightFolder) + weight;
}

HostTensor bytesTensor(const std::string& text)
{
    HostTensor tensor{DType::U8, {static_cast<std::int64_t>(text.size())}, {}};
    tensor.bytes.resize(text.size());
    std::memcpy(tensor.bytes.data(), text.data(), text.size());
    return tensor;
}

class IrReader {
public:
    IrReader(artifact::ArchiveReader& archive, std::string_view source)
        : m_archive(archive)
        , m_source(source)
    {
    }

    BlockIr read()
    {
        BlockIr block;
        block.program = readProgram(programText(), m_source + ": program");
        block.mask = readMask();
        const std::int64_t half = block.program.ropeHalf;
        if (half == 0) {
            block.ropeCos = block.ropeSin = HostTensor{DType::F32, {0}, {}};
        } else {
            block.ropeCos = readTable("rope_cos", {block.program.positions, half});
            block.ropeSin = readTable("rope_sin", {block.program.positions, half});
            if (block.ropeCos.dtype != block.ropeSin.dtype)
                refuse("rope_cos and rope_sin have different types");
        }
        for (const auto& [name, weight] : block.program.weights)
            if (!weight.reference)
                block.weights[name] = readExactly(datasetOf(name), weight.dtype, weight.shape);
        readSpectra(block);
        refuseOthers();
        return block;
    }

private:
    [[noreturn]] void refuse(const std::string& sentence) const
    {
        throw FormatError(fmt::format("{}: {}.", m_source, sentence));
    }

    const artifact::ArchiveEntry& entry(const std::string& name)
    {
        m_known.insert(name);
        const artifact::ArchiveEntry* found = m_archive.find(name);
        if (found == nullptr)
            refuse(fmt::format("dataset {} is missing", name));
        return *found;
    }

    std::string programText()
    {
        const artifact::ArchiveEntry& program = entry("program");
        if (program.dtype != DType::U8 || program.shape.size() != 1 || program.shape[0] > longestProgram)
            refuse(fmt::format("dataset program must be at most {} bytes in one dimension", longestProgram));
        const HostTensor bytes = m_archive.readAll("program");
        std::string text(bytes.bytes.size(), '\0');
        std::memcpy(text.data(), bytes.bytes.data(), text.size());
        return text;
    }

    HostTensor readMask()
    {
        const artifact::ArchiveEntry& mask = entry("mask");
        if (mask.dtype != DType::U8 || mask.shape.size() != 2 || mask.shape[0] != mask.shape[1])
            refuse("dataset mask must be square, of U8");
        HostTensor tensor = m_archive.readAll("mask");
        const auto odd = std::find_if(tensor.bytes.begin(), tensor.bytes.end(),
                                      [](std::byte value) { return std::to_integer<int>(value) > 1; });
        if (odd != tensor.bytes.end())
            refuse(fmt::format("dataset mask holds {} at element {}; only 0 and 1 are allowed",
                               std::to_integer<int>(*odd), odd - tensor.bytes.begin()));
        return tensor;
    }

    HostTensor readTable(const std::string& name, std::vector<std::int64_t> shape)
    {
        const DType dtype = entry(name).dtype;
        if (!isFloating(dtype))
            refuse(fmt::format("dataset {} has the type {}, which is no floating-point type", name, nameOf(dtype)));
        return readExactly(name, dtype, shape);
    }

    HostTensor readExactly(const std::string& name, DType dtype, const std::vector<std::int64_t>& shape)
    {
        const artifact::ArchiveEntry& found = entry(name);
        if (found.dtype != dtype || found.shape != shape)
            refuse(fmt::format("dataset {} is {} [{}] where the program says {} [{}]", name, nameOf(found.dtype),
                               fmt::join(found.shape, ", "), nameOf(dtype), fmt::join(shape, ", ")));
        return m_archive.readAll(name);
    }

    // Any matrix of the program may have one.
    void readSpectra(BlockIr& block)
    {
        for (const auto& [name, weight] : block.program.weights) {
            const std::string dataset = std::string(spectrumFolder) + name;
            if (weight.shape.size() != 2 || m_archive.find(dataset) == nullptr)
                continue;
            block.spectra[name] = readExactly(dataset, DType::F64, {std::min(weight.shape[0], weight.shape[1])});
        }
    }

    void refuseOthers() const
    {
        for (const artifact::ArchiveEntry& found : m_archive.entries())
            if (!m_known.contains(found.name))
                refuse(fmt::format("dataset {} has no place in this file", found.name));
    }

    artifact::ArchiveReader& m_archive;
    std::string m_source;
    std::set<std::string> m_known;
};

}

void writeBlockIr(const BlockIr& block, artifact::ArchiveWriter& archive)
{
    archive.add("program", bytesTensor(writeProgram(block.program)));
    archive.add("mask", block.mask);
    if (block.program.ropeHalf != 0) {
        archive.add("rope_cos", block.ropeCos);
        archive.add("rope_sin", block.ropeSin);
    }
    for (const auto& [name, weight] : block.program.weights)
        if (!weight.reference)
            archive.add(datasetOf(name), block.weights.at(name));
    for (const auto& [name, spectrum] : block.spectra)
        archive.add(std::string(spectrumFolder) + name, spectrum);
}

BlockIr readBlockIr(artifact::ArchiveReader& archive, std::string_view source)
{
    return IrReader(archive, source).read();
}

std::vector<std::string> wrongWeights(const BlockIr& block)
{
    std::vector<std::string> wrong;
    for (const auto& [name, value] : block.weights) {
        const auto stated = block.program.weights.find(name);
        const bool right = stated != block.program.weights.end() && stated->second.dtype == value.dtype &&
                           stated->second.shape == value.shape && stated->second.sha256 == sha256OfTensor(value);
        if (!right)
            wrong.push_back(name);
    }
    return wrong;
}

}
