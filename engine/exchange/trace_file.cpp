#include "engine/exchange/trace_file.h"

#include "engine/artifact/shown.h"
#include "engine/base/error.h"
#include "engine/certificate/widen.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <set>
#include <string_view>

namespace blockcert::exchange {

namespace {

using artifact::shown;
using artifact::TensorEntry;

constexpr std::string_view formatFamily = "blockcert.trace/";
constexpr std::string_view formatName = "blockcert.trace/1";
constexpr std::int64_t mostPrompts = 100'000;
constexpr std::int64_t mostTokens = 1 << 20;
constexpr std::int64_t mostLost = std::int64_t{1} << 40;
constexpr std::int64_t widest = 1 << 17;
constexpr std::int64_t mostBlocks = 1024;
constexpr std::size_t longestText = 1U << 20U; // of __metadata__

// "prompt12" -> 12; no sign, no leading zero.
std::optional<std::int64_t> numberAfter(std::string_view text, std::string_view prefix, std::size_t leastDigits)
{
    if (!text.starts_with(prefix))
        return std::nullopt;
    text.remove_prefix(prefix.size());
    std::int64_t number = -1;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size() || number < 0 ||
        fmt::format("{:0{}}", number, leastDigits) != text)
        return std::nullopt;
    return number;
}

// What a tensor's name says: promptP.token_ids, promptP.blockBB.output …
struct TraceName {
    std::int64_t prompt = 0;
    std::optional<std::int64_t> block;
    std::string part;
};

std::optional<TraceName> parseName(const std::string& name)
{
    const std::size_t first = name.find('.');
    if (first == std::string::npos)
        return std::nullopt;
    const auto prompt = numberAfter(std::string_view(name).substr(0, first), "prompt", 1);
    if (!prompt || *prompt >= mostPrompts)
        return std::nullopt;
    const std::size_t second = name.find('.', first + 1);
    if (second == std::string::npos) {
        const std::string part = name.substr(first + 1);
        const bool known = part == "token_ids" || part == "position_ids" || part == "mask";
        return known ? std::optional(TraceName{*prompt, std::nullopt, part}) : std::nullopt;
    }
    const auto block = numberAfter(std::string_view(name).substr(first + 1, second - first - 1), "block", 2);
    const std::string part = name.substr(second + 1);
    const bool known = part == "input" || part == "output" || part == "attention_output" || part == "mlp_output";
    if (!block || *block >= mostBlocks || !known)
        return std::nullopt;
    return TraceName{*prompt, block, part};
}

std::string tensorName(PromptIndex prompt, LayerIndex block, std::string_view part)
{
    return fmt::format("prompt{}.block{:02}.{}", prompt.value, block.value, part);
}

std::vector<std::int64_t> integersOf(const HostTensor& tensor)
{
    if (tensor.dtype == DType::I64)
        return certificate::int64Elements(tensor);
    const std::vector<std::int32_t> narrow = certificate::int32Elements(tensor);
    return {narrow.begin(), narrow.end()};
}

}

// Fills a TraceFile from its header, in the order in which a person would look for what is wrong.
class TraceFile::Checks {
public:
    explicit Checks(TraceFile& trace)
        : m_trace(trace)
        , m_path(trace.m_file.input()->path().string())
    {
    }

    void run()
    {
        readMetadata();
        sortTensors();
        readPrompts();
        checkBlocks();
        checkMasks();
    }

private:
    [[noreturn]] void refuse(const std::string& what) const { throw FormatError(m_path + ": " + what); }

    [[nodiscard]] std::string metadata(const std::string& key) const
    {
        const auto& all = m_trace.m_file.metadata();
        const auto found = all.find(key);
        if (found == all.end())
            return "";
        if (found->second.size() > longestText)
            refuse("__metadata__ " + shown(key) + " has " + std::to_string(found->second.size()) +
                   " bytes; the limit is " + std::to_string(longestText) + ".");
        return found->second;
    }

    void readMetadata()
    {
        const std::string format = metadata("format");
        if (!format.starts_with(formatFamily))
            refuse("__metadata__ has no format \"" + std::string(formatName) + "\"; docs/trace.md describes a trace.");
        if (format != formatName)
            throw UnsupportedError(m_path + ": the trace's format is " + shown(format) + "; this version reads \"" +
                                   std::string(formatName) + "\".");
        ImportedBaseline& baseline = m_trace.m_baseline;
        baseline.runtime = metadata("runtime");
        baseline.version = metadata("version");
        if (baseline.runtime.empty())
            refuse("__metadata__ does not name the runtime that was recorded.");
        if (const std::string attention = metadata("attention"); !attention.empty() && attention != "causal")
            throw UnsupportedError(m_path + ": __metadata__ attention is " + shown(attention) +
                                   "; without recorded masks it can only be \"causal\".");
    }

    void sortTensors()
    {
        std::set<std::int64_t> blocks;
        for (const TensorEntry& tensor : m_trace.m_file.tensors()) {
            const auto name = parseName(tensor.name);
            if (!name)
                refuse("the tensor " + shown(tensor.name) + " has no place in a trace (docs/trace.md).");
            m_prompts[name->prompt].insert(tensor.name);
            if (name->block)
                blocks.insert(*name->block);
        }
        if (m_prompts.empty())
            refuse("the trace holds no prompt.");
        if (blocks.empty())
            refuse("the trace holds no block.");
        const auto last = static_cast<std::size_t>(m_prompts.rbegin()->first);
        if (last + 1 != m_prompts.size())
            refuse("prompts must be numbered 0, 1, 2, …; the last is " + std::to_string(last) + " of " +
                   std::to_string(m_prompts.size()) + ".");
        for (const std::int64_t block : blocks)
            m_trace.m_blocks.push_back({static_cast<std::int32_t>(block)});
    }

    const TensorEntry& entry(const std::string& name) const
    {
        const TensorEntry* found = m_trace.m_file.find(name);
        if (!found)
            refuse("the tensor " + name + " is missing.");
        return *found;
    }

    [[nodiscard]] HostTensor integers(const std::string& name) const
    {
        const TensorEntry& tensor = entry(name);
        if ((tensor.dtype != DType::I64 && tensor.dtype != DType::I32) || tensor.shape.size() != 1)
            refuse("the tensor " + name + " must be I64 or I32 of rank 1.");
        if (tensor.shape[0] < 1 || tensor.shape[0] > mostTokens)
            refuse("the tensor " + name + " has " + std::to_string(tensor.shape[0]) + " elements; a prompt has 1 to " +
                   std::to_string(mostTokens) + ".");
        return m_trace.m_file.read(name);
    }

    void readPrompts()
    {
        std::map<std::string, std::size_t> numbers; // of ids
        for (std::size_t p = 0; p < m_prompts.size(); ++p) {
            const std::string prefix = fmt::format("prompt{}.", p);
            TracePrompt& prompt = m_trace.m_prompts.emplace_back();
            prompt.id = metadata(prefix + "id");
            if (prompt.id.empty())
                prompt.id = fmt::format("trace-{}", p);
            if (const auto [first, isNew] = numbers.emplace(prompt.id, p); !isNew)
                refuse("the prompts " + std::to_string(first->second) + " and " + std::to_string(p) + " have one id, " +
                       shown(prompt.id) + "; give each an id of its own.");
            prompt.text = metadata(prefix + "text");
            if (const std::string lost = metadata(prefix + "truncated"); !lost.empty()) {
                const auto count = numberAfter(lost, "", 1);
                if (!count || *count < 1 || *count > mostLost)
                    refuse("__metadata__ " + prefix + "truncated is " + shown(lost) +
                           ", which is no number of tokens from 1 on; leave it out where nothing was cut.");
                prompt.truncated = *count;
            }
            for (const std::int64_t id : integersOf(integers(prefix + "token_ids"))) {
                if (id < 0 || id > std::numeric_limits<TokenId>::max())
                    refuse(prefix + "token_ids holds " + std::to_string(id) + ", which is no token id.");
                prompt.tokenIds.push_back(static_cast<TokenId>(id));
            }
            if (m_trace.m_file.find(prefix + "position_ids"))
                checkPositions(prefix + "position_ids", prompt.tokenIds.size());
        }
    }

    void checkPositions(const std::string& name, std::size_t tokens) const
    {
        const std::vector<std::int64_t> positions = integersOf(integers(name));
        bool ascending = positions.size() == tokens;
        for (std::size_t t = 0; ascending && t < tokens; ++t)
            ascending = positions[t] == static_cast<std::int64_t>(t);
        if (!ascending)
            refuse(name + " must be 0, 1, 2, … with one position for each token; padded batches cannot be imported.");
    }

    void checkBlocks()
    {
        const TensorEntry& first = entry(tensorName({0}, m_trace.m_blocks.front(), "input"));
        m_trace.m_dtype = first.dtype;
        if (first.dtype != DType::F32 && first.dtype != DType::F16 && first.dtype != DType::BF16)
            refuse("the tensor " + first.name + " is " + std::string(nameOf(first.dtype)) +
                   "; a baseline is F32, F16 or BF16.");
        if (first.shape.size() != 2 || first.shape[1] < 1 || first.shape[1] > widest)
            refuse("the tensor " + first.name + " must have the shape [tokens, d_model].");
        m_trace.m_width = first.shape[1];
        const std::string part = tensorName({0}, m_trace.m_blocks.front(), "attention_output");
        m_trace.m_baseline.sublayers = m_trace.m_file.find(part) != nullptr;
        for (std::size_t p = 0; p < m_prompts.size(); ++p)
            for (const LayerIndex block : m_trace.m_blocks)
                for (const char* name : {"input", "output", "attention_output", "mlp_output"})
                    checkRows(p, tensorName({static_cast<std::int32_t>(p)}, block, name), name);
    }

    void checkRows(std::size_t prompt, const std::string& name, std::string_view part) const
    {
        const bool optional = part == "attention_output" || part == "mlp_output";
        if (optional && !m_trace.m_baseline.sublayers) {
            if (m_trace.m_file.find(name))
                refuse("the tensor " + name +
                       " is there, but others of its kind are not: record the sublayers' outputs "
                       "of every block and prompt, or of none.");
            return;
        }
        const TensorEntry& tensor = entry(name);
        const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(m_trace.m_prompts[prompt].tokenIds.size()),
                                                 m_trace.m_width};
        if (tensor.dtype != m_trace.m_dtype || tensor.shape != shape)
            refuse(fmt::format("the tensor {} is {} [{}] where the trace needs {} [{}].", name, nameOf(tensor.dtype),
                               fmt::join(tensor.shape, ", "), nameOf(m_trace.m_dtype), fmt::join(shape, ", ")));
    }

    void checkMasks()
    {
        const bool recorded = m_trace.m_file.find("prompt0.mask") != nullptr;
        if (!recorded && metadata("attention") != "causal")
            refuse("the trace holds no masks, and __metadata__ attention does not say \"causal\".");
        m_trace.m_baseline.mask = recorded ? ImportedBaseline::Mask::Recorded : ImportedBaseline::Mask::Causal;
        for (std::size_t p = 0; p < m_prompts.size(); ++p) {
            const std::string name = fmt::format("prompt{}.mask", p);
            if (!recorded && m_trace.m_file.find(name))
                refuse("the tensor " + name + " is there, but prompt0.mask is not.");
            if (!recorded)
                continue;
            const TensorEntry& tensor = entry(name);
            const auto tokens = static_cast<std::int64_t>(m_trace.m_prompts[p].tokenIds.size());
            if ((tensor.dtype != DType::U8 && tensor.dtype != DType::Bool) ||
                tensor.shape != std::vector<std::int64_t>{tokens, tokens})
                refuse(fmt::format("the tensor {} must be U8 or BOOL [{}, {}].", name, tokens, tokens));
            const HostTensor values = m_trace.m_file.read(name);
            if (std::ranges::any_of(values.bytes, [](std::byte b) { return b > std::byte{1}; }))
                refuse("the tensor " + name + " holds a value that is neither 0 nor 1.");
        }
    }

    TraceFile& m_trace;
    std::string m_path;
    std::map<std::int64_t, std::set<std::string>> m_prompts; // number -> its tensors
};

TraceFile TraceFile::open(const std::filesystem::path& path)
{
    TraceFile trace(artifact::SafetensorsFile::open(path));
    Checks(trace).run();
    return trace;
}

TraceRows TraceFile::rows(PromptIndex prompt, LayerIndex block) const
{
    const auto read = [&](const char* part) {
        const std::string name = tensorName(prompt, block, part);
        HostTensor tensor = m_file.read(name);
        const std::vector<double> values = certificate::widened(tensor);
        if (const std::size_t bad = certificate::firstNotFinite(values); bad != values.size())
            throw FormatError(m_file.input()->path().string() + ": the tensor " + name +
                              " holds a value that is not finite at token " +
                              std::to_string(bad / static_cast<std::size_t>(m_width)) + ".");
        return tensor;
    };
    TraceRows rows;
    rows.input = read("input");
    rows.output = read("output");
    if (m_baseline.sublayers) {
        rows.attentionOutput = read("attention_output");
        rows.mlpOutput = read("mlp_output");
    }
    return rows;
}

HostTensor TraceFile::mask(PromptIndex prompt, LayerIndex) const
{
    if (m_baseline.mask == ImportedBaseline::Mask::Recorded) {
        HostTensor mask = m_file.read(fmt::format("prompt{}.mask", prompt.value));
        mask.dtype = DType::U8;
        return mask;
    }
    const auto tokens = static_cast<std::int64_t>(m_prompts[static_cast<std::size_t>(prompt.value)].tokenIds.size());
    HostTensor mask{DType::U8, {tokens, tokens}, std::vector<std::byte>(static_cast<std::size_t>(tokens * tokens))};
    for (std::int64_t query = 0; query < tokens; ++query)
        std::fill_n(mask.bytes.begin() + query * tokens, query + 1, std::byte{1});
    return mask;
}

}
