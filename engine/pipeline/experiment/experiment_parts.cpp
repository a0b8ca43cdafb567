#include "engine/base/error.h"
#include "engine/pipeline/experiment/experiment_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace blockcert::pipeline {

const SubRunResult& ExperimentResults::run(const std::string& name) const
{
    const auto found = std::ranges::find_if(runs, [&](const SubRunResult& result) { return result.run.name == name; });
    if (found == runs.end())
        throw FormatError("The experiment holds no run named " + name + ".");
    return *found;
}

RunNumbers ExperimentResults::numbers(const std::string& name) const
{
    return readRunNumbers(run(name).folder);
}

void noteMeasure(const DecidingMeasure& measure, ExperimentReport& report)
{
    if (measure.isRelative)
        report.notes.push_back("The policy certifies by the relative error ‖ŷ − y‖₂ / ‖y‖₂ with " +
                               measure.atThreshold() +
                               ", so errors and coverages here are relative ones unless a column says otherwise.");
}

std::string spreadBlocks(std::int32_t layers)
{
    constexpr int parts = 4;
    std::string text;
    std::int32_t last = -1;
    for (int i = 0; i <= parts; ++i) {
        const auto block = static_cast<std::int32_t>(std::lround(static_cast<double>(i) * (layers - 1) / parts));
        if (block != last)
            text += (text.empty() ? "" : ",") + std::to_string(block);
        last = block;
    }
    return text;
}

Json certifyParameters(const ExperimentOptions& options)
{
    Json parameters = options.shared;
    parameters["blocks"] = options.blocks;
    return parameters;
}

std::string dtypeWord(DType dtype)
{
    switch (dtype) {
    case DType::F64: return "fp64";
    case DType::F16: return "fp16";
    case DType::BF16: return "bf16";
    default: return "fp32";
    }
}

namespace {

std::string countedPrompts(const PromptSet& prompts)
{
    const auto cut =
        std::ranges::count_if(prompts.prompts, [](const EncodedPrompt& prompt) { return prompt.truncatedTokens > 0; });
    return fmt::format("{} ({} prompt{}{}, {} tokens)", prompts.name, prompts.prompts.size(),
                       prompts.prompts.size() == 1 ? "" : "s", cut > 0 ? fmt::format(", {} of them cut", cut) : "",
                       prompts.tokenCount());
}

std::string scopeOn(const certificate::RunDocument& run, const std::string& prompts)
{
    const RunRequest& request = run.manifest.request;
    return fmt::format("{} · {} · {} baseline, {} replay", run.manifest.subject.model, prompts,
                       dtypeWord(request.baselineDtype), dtypeWord(request.replayDtype));
}

}

std::string scopeOf(const certificate::RunDocument& run)
{
    return scopeOn(run, countedPrompts(run.manifest.prompts));
}

std::string scopeOf(const certificate::RunDocument& from, const PromptSet& to)
{
    return scopeOn(from, countedPrompts(from.manifest.prompts) + " → " + countedPrompts(to));
}

}
