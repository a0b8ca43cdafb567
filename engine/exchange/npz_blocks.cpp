#include "engine/exchange/npz_blocks.h"

#include "engine/artifact/checkpoint.h"
#include "engine/artifact/shown.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/certificate/widen.h"
#include "engine/exchange/npz_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <system_error>

namespace blockcert::exchange {

namespace {

namespace fs = std::filesystem;
using Tensors = std::map<std::string, HostTensor>;

constexpr std::int64_t widest = 1 << 17;
constexpr std::int64_t mostTokens = std::int64_t{1} << 28;
constexpr std::int64_t longestPrompt = 1 << 20;
constexpr std::size_t longestText = 256;
constexpr std::size_t mostFiles = 1024;

// Arrays that are no weights.
const std::set<std::string_view>& otherNames()
{
    static const std::set<std::string_view> names = {"mask",
                                                     "bias",
                                                     "cos",
                                                     "sin",
                                                     "inputs",
                                                     "outputs",
                                                     "attention_outputs",
                                                     "mlp_outputs",
                                                     "errors",
                                                     "token_ids",
                                                     "position_ids",
                                                     "prompt_offset",
                                                     "layer",
                                                     "num_heads",
                                                     "num_key_value_heads",
                                                     "head_dim",
                                                     "norm_eps",
                                                     "program",
                                                     "dtype",
                                                     "runtime",
                                                     "version"};
    return names;
}

std::vector<fs::path> filesAt(const fs::path& path)
{
    if (!fs::is_directory(path))
        return {path};
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
        if (entry.path().extension() != ".npz")
            continue;
        files.push_back(entry.path());
        if (files.size() > mostFiles)
            throw ResourceError(path.string() + " holds more than " + std::to_string(mostFiles) + " .npz files.");
    }
    if (files.empty())
        throw FileError(path.string() + " holds no .npz file.");
    std::ranges::sort(files);
    return files;
}

[[noreturn]] void refuse(const std::string& source, const std::string& what)
{
    throw FormatError(source + ": " + what);
}

const HostTensor& arrayOf(const Tensors& arrays, const std::string& name, const std::string& source)
{
    const auto found = arrays.find(name);
    if (found == arrays.end())
        refuse(source, "there is no array " + name + " (docs/npz.md).");
    return found->second;
}

std::string textOf(const Tensors& arrays, const std::string& name, const std::string& fallback,
                   const std::string& source)
{
    const auto found = arrays.find(name);
    if (found == arrays.end())
        return fallback;
    const HostTensor& tensor = found->second;
    if (tensor.dtype != DType::U8 || tensor.shape.size() != 1 || tensor.bytes.size() > longestText)
        refuse(source, "the array " + name + " must be a text, u1 of rank 1 and at most " +
                           std::to_string(longestText) + " bytes.");
    const std::string text(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    const auto printable = [](char c) { return c >= 0x20 && c < 0x7F; };
    if (!std::ranges::all_of(text, printable))
        refuse(source,
               "the array " + name + " holds the text " + artifact::shown(text) + ", which is not plain ASCII.");
    return text;
}

// Whole numbers of any width, rank 1.
std::vector<std::int64_t> integersOf(const HostTensor& tensor, const std::string& name, const std::string& source)
{
    if (tensor.dtype == DType::I64)
        return certificate::int64Elements(tensor);
    if (tensor.dtype != DType::I32)
        refuse(source, "the array " + name + " must hold i4 or i8.");
    const std::vector<std::int32_t> narrow = certificate::int32Elements(tensor);
    return {narrow.begin(), narrow.end()};
}

HostTensor converted(const HostTensor& tensor, DType dtype)
{
    HostTensor result{dtype, tensor.shape, {}};
    result.bytes.resize(static_cast<std::size_t>(tensor.elementCount() * storageBlock(dtype).bytes));
    artifact::convertElements(tensor.dtype, tensor.bytes.data(), dtype, result.bytes.data(), tensor.elementCount());
    return result;
}

// The same values in `dtype`, if it holds all of them exactly.
std::optional<HostTensor> exactlyAs(const HostTensor& tensor, DType dtype)
{
    if (tensor.dtype == dtype)
        return tensor;
    HostTensor narrow = converted(tensor, dtype);
    if (converted(narrow, tensor.dtype).bytes != tensor.bytes)
        return std::nullopt;
    return narrow;
}

void requireFinite(const HostTensor& tensor, const std::string& name, const std::string& source)
{
    const std::vector<double> values = certificate::widened(tensor);
    const std::size_t bad = certificate::firstNotFinite(values);
    if (bad == values.size())
        return;
    const auto columns = static_cast<std::size_t>(tensor.shape.size() > 1 ? tensor.shape[1] : 1);
    refuse(source,
           "the array " + name + " holds a value that is not finite in row " + std::to_string(bad / columns) + ".");
}

HostTensor rowsOf(const HostTensor& tensor, std::int64_t begin, std::int64_t end)
{
    const auto rowBytes = static_cast<std::ptrdiff_t>(tensor.shape[1] * storageBlock(tensor.dtype).bytes);
    return {tensor.dtype,
            {end - begin, tensor.shape[1]},
            {tensor.bytes.begin() + begin * rowBytes, tensor.bytes.begin() + end * rowBytes}};
}

HostTensor corner(const HostTensor& mask, std::int64_t tokens)
{
    HostTensor result{DType::U8, {tokens, tokens}, {}};
    for (std::int64_t row = 0; row < tokens; ++row) {
        const auto begin = mask.bytes.begin() + row * mask.shape[1];
        result.bytes.insert(result.bytes.end(), begin, begin + tokens);
    }
    return result;
}

}

// Reads every file once and keeps what all of them have to agree on.
class NpzBlocks::Checks {
public:
    explicit Checks(NpzBlocks& blocks)
        : m_blocks(blocks)
    {
    }

    void add(const fs::path& path)
    {
        const NpzFile file(path);
        Arrays arrays{path.string(), {}};
        for (const std::string& name : file.names()) {
            if (!otherNames().contains(name) &&
                std::ranges::find(weightNames, name, &WeightName::array) == weightNames.end())
                refuse(arrays.source, "the array " + artifact::shown(name) + " is none of a block's (docs/npz.md).");
            arrays.byName[name] = file.read(name);
        }
        const LayerIndex block = layerOf(arrays);
        if (!m_blocks.m_files.emplace(block, path).second)
            refuse(arrays.source, "block " + std::to_string(block.value) + " is in another file already.");
        if (m_blocks.m_prompts.empty())
            readFirst(arrays);
        else
            compare(arrays);
        checkRows(arrays);
        checkMask(arrays);
        m_blocks.m_loadedBlock = block;
        m_blocks.m_loaded = std::move(arrays);
    }

    void finish()
    {
        for (const auto& [block, path] : m_blocks.m_files)
            m_blocks.m_blocks.push_back(block);
    }

private:
    static LayerIndex layerOf(const Arrays& arrays)
    {
        const HostTensor& tensor = arrayOf(arrays.byName, "layer", arrays.source);
        const std::vector<std::int64_t> value = integersOf(tensor, "layer", arrays.source);
        if (value.size() != 1 || value[0] < 0 || value[0] > 1023)
            refuse(arrays.source, "the array layer must be one number from 0 to 1023.");
        return {static_cast<std::int32_t>(value[0])};
    }

    static DType dtypeOf(const Arrays& arrays)
    {
        const DType stored = arrayOf(arrays.byName, "inputs", arrays.source).dtype;
        const std::string stated = textOf(arrays.byName, "dtype", std::string(nameOf(stored)), arrays.source);
        for (const DType dtype : {DType::F32, DType::F16, DType::BF16})
            if (nameOf(dtype) == stated)
                return dtype;
        refuse(arrays.source, "the baseline's dtype " + artifact::shown(stated) + " is none of F32, F16, BF16.");
    }

    void readFirst(const Arrays& arrays)
    {
        m_blocks.m_dtype = dtypeOf(arrays);
        m_blocks.m_baseline.runtime = textOf(arrays.byName, "runtime", "npz", arrays.source);
        if (m_blocks.m_baseline.runtime.empty())
            refuse(arrays.source, "the array runtime is empty.");
        m_blocks.m_baseline.version = textOf(arrays.byName, "version", "", arrays.source);
        m_blocks.m_baseline.mask = ImportedBaseline::Mask::Recorded;
        m_blocks.m_baseline.sublayers = arrays.byName.contains("attention_outputs");
        const HostTensor& inputs = arrayOf(arrays.byName, "inputs", arrays.source);
        if (inputs.shape.size() != 2 || inputs.shape[0] < 1 || inputs.shape[0] > mostTokens || inputs.shape[1] < 1 ||
            inputs.shape[1] > widest)
            refuse(arrays.source, "the array inputs must have the shape [tokens, d_model].");
        m_blocks.m_width = inputs.shape[1];
        m_blocks.m_offset = offsetOf(arrays);
        const std::vector<std::int64_t> ids = idsOf(arrays);
        for (std::size_t p = 0; p + 1 < m_blocks.m_offset.size(); ++p) {
            TracePrompt& prompt = m_blocks.m_prompts.emplace_back();
            prompt.id = fmt::format("npz-{}", p);
            for (std::int64_t t = m_blocks.m_offset[p]; t < m_blocks.m_offset[p + 1]; ++t) {
                const std::int64_t id = ids[static_cast<std::size_t>(t)];
                if (id < 0 || id > std::numeric_limits<TokenId>::max())
                    refuse(arrays.source, "token_ids holds " + std::to_string(id) + ", which is no token id.");
                prompt.tokenIds.push_back(static_cast<TokenId>(id));
            }
        }
    }

    // Without offsets all tokens are one prompt.
    std::vector<std::int64_t> offsetOf(const Arrays& arrays) const
    {
        const std::int64_t tokens = arrayOf(arrays.byName, "inputs", arrays.source).shape.at(0);
        std::vector<std::int64_t> offset = {0, tokens};
        if (const auto found = arrays.byName.find("prompt_offset"); found != arrays.byName.end())
            offset = integersOf(found->second, "prompt_offset", arrays.source);
        bool rises = offset.size() >= 2 && offset.front() == 0 && offset.back() == tokens;
        for (std::size_t p = 0; rises && p + 1 < offset.size(); ++p)
            rises = offset[p] < offset[p + 1] && offset[p + 1] - offset[p] <= longestPrompt;
        if (!rises)
            refuse(arrays.source,
                   "prompt_offset must rise from 0 to the number of tokens, " + std::to_string(tokens) + ".");
        return offset;
    }

    std::vector<std::int64_t> idsOf(const Arrays& arrays) const
    {
        std::vector<std::int64_t> ids =
            integersOf(arrayOf(arrays.byName, "token_ids", arrays.source), "token_ids", arrays.source);
        if (static_cast<std::int64_t>(ids.size()) != m_blocks.m_offset.back())
            refuse(arrays.source, "there are " + std::to_string(ids.size()) + " token_ids for " +
                                      std::to_string(m_blocks.m_offset.back()) + " inputs.");
        return ids;
    }

    void compare(const Arrays& arrays) const
    {
        std::vector<std::int64_t> ids;
        for (const TracePrompt& prompt : m_blocks.m_prompts)
            ids.insert(ids.end(), prompt.tokenIds.begin(), prompt.tokenIds.end());
        if (offsetOf(arrays) != m_blocks.m_offset || idsOf(arrays) != ids)
            refuse(arrays.source, "the block was recorded on other tokens than those of the other files.");
        if (dtypeOf(arrays) != m_blocks.m_dtype ||
            arrays.byName.contains("attention_outputs") != m_blocks.m_baseline.sublayers ||
            textOf(arrays.byName, "runtime", "npz", arrays.source) != m_blocks.m_baseline.runtime ||
            textOf(arrays.byName, "version", "", arrays.source) != m_blocks.m_baseline.version)
            refuse(arrays.source,
                   "the block was recorded otherwise (dtype, runtime, sublayers) than those of the other "
                   "files.");
    }

    void checkRows(Arrays& arrays) const
    {
        const std::vector<std::int64_t> shape = {m_blocks.m_offset.back(), m_blocks.m_width};
        std::vector<std::string> names = {"inputs", "outputs"};
        if (m_blocks.m_baseline.sublayers)
            names.insert(names.end(), {"attention_outputs", "mlp_outputs"});
        else if (arrays.byName.contains("mlp_outputs"))
            refuse(arrays.source, "mlp_outputs is there, but attention_outputs is not.");
        for (const std::string& name : names) {
            static_cast<void>(arrayOf(arrays.byName, name, arrays.source));
            HostTensor& tensor = arrays.byName.at(name);
            if (!isFloating(tensor.dtype) || tensor.shape != shape)
                refuse(arrays.source,
                       fmt::format("the array {} must hold floats [{}]; it holds {} [{}].", name,
                                   fmt::join(shape, ", "), nameOf(tensor.dtype), fmt::join(tensor.shape, ", ")));
            requireFinite(tensor, name, arrays.source);
            std::optional<HostTensor> narrow = exactlyAs(tensor, m_blocks.m_dtype);
            if (!narrow)
                refuse(arrays.source, "the array " + name + " holds values that " +
                                          std::string(nameOf(m_blocks.m_dtype)) +
                                          ", the baseline's dtype, does not have.");
            tensor = std::move(*narrow);
        }
        if (const auto found = arrays.byName.find("position_ids"); found != arrays.byName.end()) {
            const std::vector<std::int64_t> positions = integersOf(found->second, "position_ids", arrays.source);
            bool rises = static_cast<std::int64_t>(positions.size()) == m_blocks.m_offset.back();
            for (std::size_t p = 0; rises && p + 1 < m_blocks.m_offset.size(); ++p)
                for (std::int64_t t = m_blocks.m_offset[p]; t < m_blocks.m_offset[p + 1]; ++t)
                    rises = rises && positions[static_cast<std::size_t>(t)] == t - m_blocks.m_offset[p];
            if (!rises)
                refuse(arrays.source, "position_ids must be 0, 1, 2, … in every prompt.");
        }
    }

    void checkMask(const Arrays& arrays) const
    {
        std::int64_t longest = 0;
        for (std::size_t p = 0; p + 1 < m_blocks.m_offset.size(); ++p)
            longest = std::max(longest, m_blocks.m_offset[p + 1] - m_blocks.m_offset[p]);
        const HostTensor& mask = arrayOf(arrays.byName, "mask", arrays.source);
        if ((mask.dtype != DType::U8 && mask.dtype != DType::Bool) || mask.shape.size() != 2 ||
            mask.shape[0] != mask.shape[1] || mask.shape[0] < longest)
            refuse(arrays.source,
                   "the array mask must hold u1 or b1, square, at least " + std::to_string(longest) + " tokens wide.");
        if (std::ranges::any_of(mask.bytes, [](std::byte b) { return b > std::byte{1}; }))
            refuse(arrays.source, "the array mask holds a value that is neither 0 nor 1.");
    }

    NpzBlocks& m_blocks;
};

NpzBlocks::NpzBlocks(const fs::path& path)
{
    Checks checks(*this);
    for (const fs::path& file : filesAt(path))
        checks.add(file);
    checks.finish();
}

const NpzBlocks::Arrays& NpzBlocks::arraysOf(LayerIndex block) const
{
    if (m_loadedBlock == block)
        return m_loaded;
    // Read again and checked again: a file may have changed since.
    NpzBlocks again(m_files.at(block));
    if (again.m_offset != m_offset || again.m_dtype != m_dtype || again.m_width != m_width ||
        again.m_baseline != m_baseline || again.m_blocks != std::vector<LayerIndex>{block})
        refuse(m_files.at(block).string(), "the file changed while it was being read.");
    m_loadedBlock = block;
    m_loaded = std::move(again.m_loaded);
    return m_loaded;
}

std::vector<fs::path> NpzBlocks::files() const
{
    std::vector<fs::path> paths;
    for (const auto& [block, path] : m_files)
        paths.push_back(path);
    return paths;
}

TraceRows NpzBlocks::rows(PromptIndex prompt, LayerIndex block) const
{
    const Arrays& arrays = arraysOf(block);
    const std::int64_t begin = m_offset[static_cast<std::size_t>(prompt.value)];
    const std::int64_t end = m_offset[static_cast<std::size_t>(prompt.value) + 1];
    TraceRows rows;
    rows.input = rowsOf(arrays.byName.at("inputs"), begin, end);
    rows.output = rowsOf(arrays.byName.at("outputs"), begin, end);
    if (m_baseline.sublayers) {
        rows.attentionOutput = rowsOf(arrays.byName.at("attention_outputs"), begin, end);
        rows.mlpOutput = rowsOf(arrays.byName.at("mlp_outputs"), begin, end);
    }
    return rows;
}

HostTensor NpzBlocks::mask(PromptIndex prompt, LayerIndex block) const
{
    const auto tokens = static_cast<std::int64_t>(m_prompts[static_cast<std::size_t>(prompt.value)].tokenIds.size());
    return corner(arraysOf(block).byName.at("mask"), tokens);
}

// What MODEL decides and the file says as well may not contradict it.
void NpzBlocks::requireSameNumbers(const Arrays& arrays, const TransformerConfig& config)
{
    const auto requireSame = [&](const char* name, std::int64_t ofModel) {
        const auto found = arrays.byName.find(name);
        if (found == arrays.byName.end())
            return;
        const std::vector<std::int64_t> stated = integersOf(found->second, name, arrays.source);
        if (stated != std::vector<std::int64_t>{ofModel})
            refuse(arrays.source, fmt::format("{} is {} and the model's is {}; name the model that these blocks are of "
                                              "with --model.",
                                              name, fmt::join(stated, ", "), ofModel));
    };
    requireSame("num_heads", config.heads);
    requireSame("num_key_value_heads", config.kvHeads);
    requireSame("head_dim", config.headDim);
    const auto found = arrays.byName.find("norm_eps");
    if (found == arrays.byName.end())
        return;
    const HostTensor& stated = found->second;
    const std::vector<double> values = isFloating(stated.dtype) ? ir::widened(stated) : std::vector<double>();
    // As GGUF and JSON spell it, in single or double precision.
    if (values.size() != 1 || static_cast<float>(values[0]) != static_cast<float>(config.normEpsilon))
        refuse(arrays.source, fmt::format("norm_eps is {} and the model's is {}; name the model that these blocks are "
                                          "of with --model.",
                                          fmt::join(values, ", "), config.normEpsilon));
}

ir::BlockIr NpzBlocks::surrogate(LayerIndex block, const TransformerConfig& config) const
{
    const Arrays& arrays = arraysOf(block);
    requireSameNumbers(arrays, config);
    ir::BlockIr result;
    result.program = ir::makeProgram(config, block);
    for (const WeightName& name : weightNames)
        if (arrays.byName.contains(std::string(name.array)) && !result.program.weights.contains(std::string(name.role)))
            refuse(arrays.source, "the array " + std::string(name.array) + " has no place in a block of this model.");
    for (auto& [role, weight] : result.program.weights) {
        const auto* name = std::ranges::find(weightNames, role, &WeightName::role);
        const HostTensor& given = arrayOf(arrays.byName, std::string(name->array), arrays.source);
        if (!isFloating(given.dtype))
            refuse(arrays.source, fmt::format("the array {} holds {}, not floats.", name->array, nameOf(given.dtype)));
        if (given.shape != weight.shape)
            refuse(arrays.source, fmt::format("the array {} is [{}] where the model's block needs [{}].", name->array,
                                              fmt::join(given.shape, ", "), fmt::join(weight.shape, ", ")));
        requireFinite(given, std::string(name->array), arrays.source);
        HostTensor& value = result.weights[role] = exactlyAs(given, m_dtype).value_or(given);
        weight.dtype = value.dtype;
        weight.sha256 = sha256OfTensor(value);
    }
    std::int64_t longest = 0;
    for (const TracePrompt& prompt : m_prompts)
        longest = std::max(longest, static_cast<std::int64_t>(prompt.tokenIds.size()));
    result.mask = corner(arrays.byName.at("mask"), longest);
    result.ropeCos.shape = result.ropeSin.shape = {0};
    if (result.program.ropeHalf == 0)
        return result;
    for (const auto& [name, table] : {std::pair("cos", &result.ropeCos), std::pair("sin", &result.ropeSin)}) {
        const HostTensor& given = arrayOf(arrays.byName, name, arrays.source);
        if (!isFloating(given.dtype) || given.shape.size() != 2 || given.shape[0] < longest ||
            given.shape[1] != result.program.ropeHalf)
            refuse(arrays.source, fmt::format("the array {} must hold at least {} rows of {}.", name, longest,
                                              result.program.ropeHalf));
        requireFinite(given, name, arrays.source);
        *table = exactlyAs(given, m_dtype).value_or(given);
    }
    if (result.ropeCos.shape != result.ropeSin.shape)
        refuse(arrays.source, "cos and sin have different shapes.");
    result.program.positions = result.ropeCos.shape[0];
    return result;
}

}
