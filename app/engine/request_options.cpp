#include "app/engine/request_options.h"

#include "app/engine/parameters.h"
#include "engine/base/error.h"
#include "engine/certificate/policy_file.h"

#include <charconv>
#include <limits>
#include <string_view>

namespace blockcert::engine {

namespace {

constexpr std::int64_t mostThreads = 1024;
constexpr std::int64_t mostTokens = 1 << 20;

DType dtypeOf(const std::string& word)
{
    if (word == "fp64")
        return DType::F64;
    if (word == "bf16")
        return DType::BF16;
    return word == "fp16" ? DType::F16 : DType::F32;
}

// "auto", bytes, or a number with K, M, G or T (powers of 1024) behind it.
std::int64_t memoryOf(Parameters& parameters)
{
    constexpr std::string_view units = "KMGT";
    const std::string text = parameters.text("memory", "auto");
    if (text == "auto")
        return 0;
    std::string_view digits = text;
    int shift = 0;
    if (!digits.empty() && units.find(digits.back()) != std::string_view::npos) {
        shift = 10 * (static_cast<int>(units.find(digits.back())) + 1);
        digits.remove_suffix(1);
    }
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (problem != std::errc() || end != digits.data() + digits.size() || number < 1 ||
        number > std::numeric_limits<std::int64_t>::max() >> shift)
        parameters.refuse("memory", "is auto, or a number of bytes such as 4000000000, 800M or 6G, not " + text);
    return number << shift;
}

void readPolicy(Parameters& parameters, pipeline::CertifyOptions& options)
{
    Json policy = parameters.object("policy");
    options.tauRelGiven = policy.contains("tau_rel");
    policy["schema"] = "blockcert.policy/1";
    const Policy defaults = certificate::defaultPolicy(options.model.dtype);
    try {
        options.policy = certificate::parsePolicy(writeJson(policy), "policy", defaults).policy;
    } catch (const FormatError& error) {
        throw UsageError(error.what()); // no file said it, the caller did
    }
}

}

pipeline::ModelOptions modelOptions(Parameters& parameters)
{
    pipeline::ModelOptions options;
    options.model = parameters.text("model");
    options.dtype = dtypeOf(parameters.word("dtype", {"fp32", "bf16", "fp16"}));
    options.device = parameters.text("device", "cpu");
    options.threads = static_cast<int>(parameters.integer("threads", 0, 0, mostThreads));
    options.memory = memoryOf(parameters);
    return options;
}

pipeline::PromptOptions promptOptions(Parameters& parameters, const std::string& fallback)
{
    pipeline::PromptOptions options;
    if (parameters.has("content")) {
        options.content = parameters.text("content");
        options.format = parameters.word("format", {"jsonl", "txt", "csv"});
        options.name = parameters.text("name", options.name);
    } else {
        options.source = fallback.empty() ? parameters.text("prompts") : parameters.text("prompts", fallback);
    }
    options.maxTokens = parameters.integer("max_tokens", options.maxTokens, 1, mostTokens);
    return options;
}

pipeline::CertifyOptions certifyOptions(const Json& json)
{
    Parameters parameters("certify", json);
    pipeline::CertifyOptions options;
    options.model = modelOptions(parameters);
    options.prompts = promptOptions(parameters);
    options.blocks = parameters.text("blocks");
    options.dryRun = parameters.flag("dry_run");
    options.out = options.dryRun ? parameters.text("out", "run") : parameters.text("out");
    options.resume = parameters.flag("resume");
    options.replayDtype = dtypeOf(parameters.word("replay_dtype", {"fp64", "fp32"}));
    const std::string loss = parameters.word("loss", {"exact", "none", "first-order"});
    options.loss = loss == "none" ? LossMode::None : loss == "exact" ? LossMode::Exact : LossMode::FirstOrder;
    options.weights =
        parameters.word("weights", {"baseline", "file"}) == "file" ? WeightOrigin::File : WeightOrigin::Baseline;
    options.surrogate = parameters.text("surrogate", "exact");
    options.ablation = parameters.text("ablate", "");
    options.embedWeights = parameters.flag("embed_weights");
    options.seed =
        static_cast<std::uint64_t>(parameters.integer("seed", 0, 0, std::numeric_limits<std::int64_t>::max()));
    readPolicy(parameters, options);
    parameters.finish();
    return options;
}

pipeline::StitchOptions stitchOptions(const Json& json)
{
    Parameters parameters("stitch", json);
    pipeline::StitchOptions options;
    options.run = parameters.text("run");
    options.blocks = parameters.text("blocks", options.blocks);
    options.edit = parameters.text("edit", "");
    options.model = parameters.text("model", "");
    options.surrogateModel = parameters.text("surrogate_model", "");
    options.name = parameters.text("name", "");
    options.device = parameters.text("device", options.device);
    options.threads = static_cast<int>(parameters.integer("threads", 0, 0, mostThreads));
    options.replayDtype = dtypeOf(parameters.word("replay_dtype", {"fp64", "fp32"}));
    options.bisect = parameters.flag("bisect");
    options.tokens = parameters.flag("tokens");
    options.measureOnly = parameters.flag("measure_only");
    if (options.measureOnly && !options.name.empty())
        parameters.refuse("name", "is of what is written, and --measure-only writes nothing");
    parameters.finish();
    return options;
}

pipeline::EvaluateOptions evaluateOptions(const Json& json)
{
    Parameters parameters("evaluate", json);
    pipeline::EvaluateOptions options{modelOptions(parameters), promptOptions(parameters)};
    parameters.finish();
    return options;
}

pipeline::GenerateOptions generateOptions(const Json& json)
{
    Parameters parameters("generate", json);
    pipeline::GenerateOptions options;
    options.model = modelOptions(parameters);
    options.prompts = promptOptions(parameters);
    options.maxNew = parameters.integer("max_new", options.maxNew, 1, mostTokens);
    options.surrogates = parameters.text("surrogates", "");
    for (const char* key : {"surrogate_blocks", "surrogate_edit", "surrogate_model", "replay_dtype"})
        if (options.surrogates.empty() && parameters.has(key))
            parameters.refuse(key, "goes with surrogates of a run");
    options.surrogateBlocks = parameters.text("surrogate_blocks", options.surrogateBlocks);
    options.surrogateEdit = parameters.text("surrogate_edit", "");
    options.surrogateModel = parameters.text("surrogate_model", "");
    options.replayDtype = dtypeOf(parameters.word("replay_dtype", {"fp64", "fp32"}));
    parameters.finish();
    return options;
}

pipeline::MinimiseOptions minimiseOptions(const Json& json)
{
    Parameters parameters("minimise", json);
    pipeline::MinimiseOptions options;
    options.run = parameters.text("run");
    options.prompt = parameters.text("minimise");
    options.model = parameters.text("model", "");
    options.device = parameters.text("device", "cpu");
    options.threads = static_cast<int>(parameters.integer("threads", 0, 0, mostThreads));
    if (parameters.has("block"))
        options.block = static_cast<std::int32_t>(parameters.integer("block", 0, 0, 1023));
    options.above = parameters.number("above");
    if (options.above && !(*options.above >= 0))
        parameters.refuse("above", "must not be below 0");
    options.tests = parameters.integer("tests", options.tests, 1, 1'000'000);
    parameters.finish();
    return options;
}

pipeline::DoctorOptions doctorOptions(const Json& json)
{
    Parameters parameters("doctor", json);
    pipeline::DoctorOptions options;
    options.device = parameters.text("device", "cpu");
    options.threads = static_cast<int>(parameters.integer("threads", 0, 0, mostThreads));
    options.model = parameters.text("model", "");
    options.reference = parameters.text("reference", "");
    parameters.finish();
    return options;
}

}
