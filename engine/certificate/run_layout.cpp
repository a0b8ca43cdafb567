#include "engine/certificate/run_layout.h"

#include "engine/base/error.h"
#include "engine/certificate/json_fields.h"

#include <algorithm>

namespace blockcert::certificate {

std::string blockFolder(LayerIndex block)
{
    const std::string number = std::to_string(block.value);
    return "block_" + std::string(number.size() < 2 ? 1 : 0, '0') + number;
}

std::string certificatePath(LayerIndex block)
{
    return blockFolder(block) + "/certificate.json";
}

std::string irPath(LayerIndex block)
{
    return blockFolder(block) + "/ir.h5";
}

std::string probesPath(LayerIndex block)
{
    return blockFolder(block) + "/probes.h5";
}

std::string cellsPath(LayerIndex block)
{
    return ".work/" + blockFolder(block) + ".cells";
}

std::int64_t ProbeShape::tokensOf(std::int64_t prompt) const
{
    const auto p = static_cast<std::size_t>(prompt);
    return offset[p + 1] - offset[p];
}

std::int64_t ProbeShape::longest() const
{
    std::int64_t most = 0;
    for (std::int64_t p = 0; p < prompts(); ++p)
        most = std::max(most, tokensOf(p));
    return most;
}

std::int64_t ProbeShape::lossOffset(std::int64_t prompt) const
{
    return offset[static_cast<std::size_t>(prompt)] - prompt;
}

std::int64_t ProbeShape::maskOffset(std::int64_t prompt) const
{
    std::int64_t cells = 0;
    for (std::int64_t p = 0; p < prompt; ++p)
        cells += tokensOf(p) * tokensOf(p);
    return cells;
}

std::vector<std::int64_t> offsetsOf(const std::vector<std::int64_t>& tokenCounts)
{
    std::vector<std::int64_t> offset = {0};
    for (const std::int64_t count : tokenCounts)
        offset.push_back(offset.back() + count);
    return offset;
}

bool isSublayerTensor(std::string_view name)
{
    return name == "attention_output" || name == "mlp_output" || name == "error_attn" || name == "error_mlp";
}

std::vector<artifact::ArchiveEntry> probeLayout(const ProbeShape& shape)
{
    const std::int64_t n = shape.tokens();
    const std::int64_t predicted = n - shape.prompts();
    std::vector<artifact::ArchiveEntry> layout = {{"prompt_offset", DType::I64, {shape.prompts() + 1}},
                                                  {"token_id", DType::I32, {n}},
                                                  {"position", DType::I32, {n}},
                                                  {"mask", DType::U8, {shape.maskOffset(shape.prompts())}}};
    for (const char* name : {"input", "output", "attention_output", "mlp_output"})
        if (shape.sublayers || !isSublayerTensor(name))
            layout.push_back({name, shape.baselineDtype, {n, shape.width}});
    if (shape.loss == LossMode::FirstOrder)
        layout.push_back({"gradient", DType::F32, {n, shape.width}});
    for (const char* name : {"error", "error_attn", "error_mlp", "output_norm"})
        if (shape.sublayers || !isSublayerTensor(name))
            layout.push_back({name, DType::F64, {n}});
    layout.push_back({"attention_margin", DType::F64, {shape.heads, n}});
    if (shape.loss == LossMode::None)
        return layout;
    if (shape.loss == LossMode::FirstOrder)
        layout.push_back({"first_order", DType::F64, {n}});
    if (predicted > 0)
        layout.push_back({"loss_base", DType::F64, {predicted}});
    if (shape.loss != LossMode::Exact)
        return layout;
    if (predicted > 0)
        layout.push_back({"loss_stitched", DType::F64, {predicted}});
    for (const char* name : {"top_id_base", "top_id_stitched"})
        layout.push_back({name, DType::I32, {n, 5}});
    for (const char* name : {"top_logit_base", "top_logit_stitched"})
        layout.push_back({name, DType::F64, {n, 5}});
    return layout;
}

std::string writeSums(std::vector<SumLine> lines)
{
    std::sort(lines.begin(), lines.end(), [](const SumLine& a, const SumLine& b) { return a.path < b.path; });
    std::string text;
    for (const SumLine& line : lines)
        text += line.sha256 + "  " + line.path + "\n";
    return text;
}

std::vector<SumLine> readSums(std::string_view text)
{
    std::vector<SumLine> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        const std::string where = "SHA256SUMS, line " + std::to_string(lines.size() + 1) + ": ";
        if (end == std::string_view::npos)
            throw FormatError(where + "the line feed at the end is missing.");
        if (line.size() < 67 || !isSha256(line.substr(0, 64)) || line.substr(64, 2) != "  ")
            throw FormatError(where + "not a SHA-256, two spaces and a path.");
        const std::string path(line.substr(66));
        if (lines.size() >= 100'000)
            throw FormatError(where + "more files than a run can have.");
        if (!isSafePath(path))
            throw FormatError(where + "the path is not a plain relative path inside the run.");
        if (!lines.empty() && lines.back().path >= path)
            throw FormatError(where + "the paths must be sorted, each of them once.");
        lines.push_back({path, std::string(line.substr(0, 64))});
        text.remove_prefix(end + 1);
    }
    return lines;
}

bool isSafePath(std::string_view path)
{
    if (path.empty() || path.size() > 1024)
        return false;
    const auto printable = [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) != 0x7F && c != '\\';
    };
    if (!std::all_of(path.begin(), path.end(), printable))
        return false;
    while (true) {
        const std::size_t end = path.find('/');
        const std::string_view component = path.substr(0, end);
        if (component.empty() || component == "." || component == "..")
            return false;
        if (end == std::string_view::npos)
            return true;
        path.remove_prefix(end + 1);
    }
}

}
