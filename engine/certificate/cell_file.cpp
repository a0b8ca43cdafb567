#include "engine/certificate/cell_file.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/base/strict_json.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/widen.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace blockcert::certificate {

namespace {

constexpr std::string_view magic = "blockcert.cell.v1\n";
constexpr std::size_t digestCharacters = 64;

std::string nameOfCell(const CellRecord& cell)
{
    return "block " + std::to_string(cell.block.value) + ", prompt " + std::to_string(cell.prompt.value);
}

std::size_t bytesOf(const artifact::ArchiveEntry& entry)
{
    std::int64_t count = storageBlock(entry.dtype).bytes;
    for (const std::int64_t dimension : entry.shape)
        count *= dimension;
    return static_cast<std::size_t>(count);
}

using Layout = std::vector<artifact::ArchiveEntry>;

// What a cell of this shape holds besides losses, in file order; the names are those of probes.h5.
Layout errorLayout(const CellShape& shape)
{
    const std::int64_t s = shape.tokens;
    Layout layout;
    for (const char* name : {"input", "output", "attention_output", "mlp_output"})
        if (shape.sublayers || !isSublayerTensor(name))
            layout.push_back({name, shape.baselineDtype, {s, shape.width}});
    layout.push_back({"mask", DType::U8, {s, s}});
    if (shape.loss == LossMode::FirstOrder)
        layout.push_back({"gradient", DType::F32, {s, shape.width}});
    for (const char* name : {"error", "error_attn", "error_mlp", "output_norm"})
        if (shape.sublayers || !isSublayerTensor(name))
            layout.push_back({name, DType::F64, {s}});
    layout.push_back({"attention_margin", DType::F64, {shape.heads, s}});
    if (shape.loss == LossMode::FirstOrder)
        layout.push_back({"first_order", DType::F64, {s}});
    return layout;
}

// A prompt of one token predicts nothing that is measured; its highest ids may be there or not.
Layout lossLayout(const CellShape& shape, bool tops)
{
    const std::int64_t s = shape.tokens;
    Layout layout;
    if (shape.loss != LossMode::None && s > 1)
        layout.push_back({"loss_base", DType::F64, {s - 1}});
    if (shape.loss == LossMode::Exact && s > 1)
        layout.push_back({"loss_stitched", DType::F64, {s - 1}});
    if (tops) {
        for (const char* name : {"top_id_base", "top_id_stitched"})
            layout.push_back({name, DType::I32, {s, 5}});
        for (const char* name : {"top_logit_base", "top_logit_stitched"})
            layout.push_back({name, DType::F64, {s, 5}});
    }
    return layout;
}

Layout wholeLayout(const CellShape& shape, bool tops)
{
    Layout layout = errorLayout(shape);
    const Layout losses = lossLayout(shape, tops);
    layout.insert(layout.end(), losses.begin(), losses.end());
    return layout;
}

bool hasTops(const CellRecord& cell, const CellShape& shape)
{
    return shape.loss == LossMode::Exact && (shape.tokens > 1 || !cell.topIdBase.empty());
}

// The token of element `index` of a tensor, for messages.
std::int64_t tokenOf(const artifact::ArchiveEntry& entry, std::int64_t index)
{
    if (entry.name == "attention_margin")
        return index % entry.shape[1];
    if (entry.name.starts_with("loss"))
        return index + 1; // losses begin at the second token
    return entry.shape.size() == 2 ? index / entry.shape[1] : index;
}

void requireFinite(const NamedTensor& part, const CellRecord& cell)
{
    if (!isFloating(part.tensor.dtype))
        return;
    const std::size_t bad = firstNotFinite(part.tensor);
    if (static_cast<std::int64_t>(bad) == part.tensor.elementCount())
        return;
    const std::int64_t token =
        tokenOf({part.name, part.tensor.dtype, part.tensor.shape}, static_cast<std::int64_t>(bad));
    throw NumericError(nameOfCell(cell) + ", token " + std::to_string(token) + ": " + part.name +
                       " is not a finite number.");
}

std::string headerOf(const CellRecord& cell, const Layout& layout, std::string_view origin)
{
    Json tensors = Json::array();
    for (const artifact::ArchiveEntry& entry : layout)
        tensors.push_back({{"name", entry.name}, {"dtype", nameOf(entry.dtype)}, {"shape", entry.shape}});
    const Json header = {{"block", cell.block.value},
                         {"prompt", cell.prompt.value},
                         {"origin", origin},
                         {"tensors", std::move(tensors)}};
    return header.dump();
}

void appendU64(std::string& bytes, std::uint64_t value)
{
    for (int shift = 0; shift < 64; shift += 8)
        bytes += static_cast<char>(static_cast<unsigned char>(value >> shift));
}

std::uint64_t readU64(std::string_view bytes)
{
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

std::string originOf(std::string_view header)
{
    try {
        const Json json = parseStrictJson(header, "cell");
        return json.at("origin").get<std::string>();
    } catch (const std::exception&) {
        return {}; // not a header of ours: it will not be the expected one either
    }
}

// Splits the tensors' bytes as `layout` says; the sizes have been compared.
std::vector<NamedTensor> split(std::string_view bytes, const Layout& layout)
{
    std::vector<NamedTensor> tensors;
    for (const artifact::ArchiveEntry& entry : layout) {
        NamedTensor& part = tensors.emplace_back(NamedTensor{entry.name, {entry.dtype, entry.shape, {}}});
        part.tensor.bytes.resize(bytesOf(entry));
        if (!part.tensor.bytes.empty())
            std::memcpy(part.tensor.bytes.data(), bytes.data(), part.tensor.bytes.size());
        bytes.remove_prefix(part.tensor.bytes.size());
    }
    return tensors;
}

std::string encode(const CellRecord& cell, const std::vector<NamedTensor>& tensors, const Layout& layout,
                   std::string_view origin)
{
    for (std::size_t i = 0; i < std::max(layout.size(), tensors.size()); ++i) {
        const bool fits = i < layout.size() && i < tensors.size() && tensors[i].name == layout[i].name &&
                          tensors[i].tensor.dtype == layout[i].dtype && tensors[i].tensor.shape == layout[i].shape &&
                          tensors[i].tensor.bytes.size() == bytesOf(layout[i]);
        if (!fits)
            throw ShapeError("The cell of " + nameOfCell(cell) + " does not have the shape of its run (tensor " +
                             (i < layout.size() ? layout[i].name : tensors[i].name) + ").");
        requireFinite(tensors[i], cell);
    }
    const std::string header = headerOf(cell, layout, origin);
    std::string bytes(magic);
    appendU64(bytes, header.size());
    bytes += header;
    for (const NamedTensor& part : tensors)
        bytes.append(reinterpret_cast<const char*>(part.tensor.bytes.data()), part.tensor.bytes.size());
    bytes += sha256Of(bytes);
    return bytes;
}

std::optional<CellRecord> decode(std::string_view bytes, LayerIndex block, PromptIndex prompt,
                                 const std::vector<Layout>& layouts, std::string_view origin)
{
    if (bytes.size() < magic.size() + 8 + digestCharacters || !bytes.starts_with(magic))
        return std::nullopt;
    const std::string_view content = bytes.substr(0, bytes.size() - digestCharacters);
    if (sha256Of(content) != bytes.substr(content.size()))
        return std::nullopt;
    const std::uint64_t headerSize = readU64(content.substr(magic.size()));
    const std::string_view rest = content.substr(magic.size() + 8);
    if (headerSize > rest.size())
        return std::nullopt;
    const std::string_view header = rest.substr(0, headerSize);
    const std::string_view data = rest.substr(headerSize);

    // The header must be the very one such a cell gets.
    CellRecord key;
    key.block = block;
    key.prompt = prompt;
    for (const Layout& layout : layouts) {
        std::size_t size = 0;
        for (const artifact::ArchiveEntry& entry : layout)
            size += bytesOf(entry);
        if (size == data.size() && header == headerOf(key, layout, origin.empty() ? originOf(header) : origin))
            return recordOf(block, prompt, split(data, layout));
    }
    return std::nullopt;
}

bool isLoss(const NamedTensor& part)
{
    return part.name.starts_with("loss_") || part.name.starts_with("top_");
}

}

std::string encodeCell(const CellRecord& cell, const CellShape& shape, std::string_view origin)
{
    std::vector<NamedTensor> tensors = tensorsOf(cell, shape);
    if (shape.loss == LossMode::None)
        std::erase_if(tensors, isLoss);
    return encode(cell, tensors, wholeLayout(shape, hasTops(cell, shape)), origin);
}

std::optional<CellRecord> decodeCell(std::string_view bytes, LayerIndex block, PromptIndex prompt,
                                     const CellShape& shape, std::string_view origin)
{
    const bool tops = shape.loss == LossMode::Exact;
    return decode(bytes, block, prompt, {wholeLayout(shape, tops), wholeLayout(shape, false)}, origin);
}

std::string encodeLosses(const CellRecord& cell, const CellShape& shape, std::string_view origin)
{
    std::vector<NamedTensor> tensors = tensorsOf(cell, shape);
    std::erase_if(tensors, [](const NamedTensor& part) { return !isLoss(part); });
    return encode(cell, tensors, lossLayout(shape, hasTops(cell, shape)), origin);
}

std::optional<CellRecord> decodeLosses(std::string_view bytes, LayerIndex block, PromptIndex prompt,
                                       const CellShape& shape, std::string_view origin)
{
    return decode(bytes, block, prompt, {lossLayout(shape, true), lossLayout(shape, false)}, origin);
}

void addLosses(CellRecord& cell, CellRecord losses)
{
    cell.lossBase = std::move(losses.lossBase);
    cell.lossStitched = std::move(losses.lossStitched);
    cell.topIdBase = std::move(losses.topIdBase);
    cell.topLogitBase = std::move(losses.topLogitBase);
    cell.topIdStitched = std::move(losses.topIdStitched);
    cell.topLogitStitched = std::move(losses.topLogitStitched);
}

}
