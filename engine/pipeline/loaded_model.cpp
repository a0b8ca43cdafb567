#include "engine/pipeline/loaded_model.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/device.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/weights.h"

#include <c10/core/Device.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace blockcert::pipeline {

namespace {

namespace fs = std::filesystem;

std::shared_ptr<const tokenizer::Tokenizer> openTokenizer(const artifact::Checkpoint& checkpoint,
                                                          std::optional<Error>& problem)
{
    try {
        return std::make_shared<const tokenizer::Tokenizer>(tokenizer::Tokenizer::of(checkpoint));
    } catch (const Error& error) {
        problem = error;
        return nullptr;
    }
}

}

void requireTokenizer(const OpenedModel& opened)
{
    if (!opened.tokenizer)
        throw Error(opened.tokenizerProblem->exitCode(),
                    std::string("Completions cannot be read without a tokenizer: ") + opened.tokenizerProblem->what());
}

MemoryPlan memoryPlan(const TransformerConfig& config, const ModelOptions& options)
{
    const model::ParameterCount count = model::countParameters(config);
    const std::int64_t bytes = (count.model + config.layers * count.block) * storageBlock(options.dtype).bytes;
    const std::int64_t budget = options.memory > 0 ? options.memory : model::memoryNow().availableBytes;
    return {budget == 0 || bytes < budget / 3 * 2 ? model::Residency::Whole : model::Residency::OneBlock, budget};
}

std::string_view nameOf(model::Residency residency)
{
    return residency == model::Residency::Whole ? "whole" : "one_block";
}

std::string hintOf(const std::string& model)
{
    std::error_code missing;
    return fs::exists(model, missing) ? fs::absolute(model).lexically_normal().string() : model;
}

ModelCache::ModelCache(Host host)
    : m_state(std::make_unique<State>(std::move(host)))
{
}

ModelCache::~ModelCache() = default;

void ModelCache::clear()
{
    m_state = std::make_unique<State>(std::move(m_state->host));
}

std::vector<ModelCache::State::FileStamp> ModelCache::State::stampsOf(const artifact::Checkpoint& checkpoint)
{
    std::vector<FileStamp> stamps;
    const auto add = [&](const fs::path& path) {
        std::error_code problem;
        const std::uint64_t size = fs::file_size(path, problem);
        if (problem)
            return;
        const auto modified = fs::last_write_time(path, problem).time_since_epoch();
        stamps.push_back({path.string(), size, std::chrono::duration_cast<std::chrono::nanoseconds>(modified).count()});
    };
    for (const artifact::WeightFile& file : checkpoint.files())
        add(file.path);
    if (!checkpoint.folder().empty()) {
        std::error_code problem;
        for (const fs::directory_entry& entry : fs::directory_iterator(checkpoint.folder(), problem))
            if (entry.path().extension() == ".json" || entry.path().extension() == ".jinja" ||
                entry.path().extension() == ".txt" || entry.path().filename() == "tokenizer.model")
                add(entry.path());
    }
    std::sort(stamps.begin(), stamps.end(), [](const FileStamp& a, const FileStamp& b) { return a.path < b.path; });
    return stamps;
}

OpenedModel ModelCache::State::open(const std::string& model, const RunContext& context)
{
    Progress progress;
    progress.stage = "open";
    progress.total = 1;
    progress.unit = "files";
    context.step(progress);
    const fs::path path = artifact::resolveModel(model, host.locations);
    if (!m_opened || m_path != path.string() || m_stamps != stampsOf(*m_opened->checkpoint)) {
        m_kept.reset();
        m_transformer.reset();
        m_opened.reset();
        OpenedModel opened;
        opened.checkpoint = std::make_shared<artifact::Checkpoint>(artifact::Checkpoint::open(path));
        opened.tokenizer = openTokenizer(*opened.checkpoint, opened.tokenizerProblem);
        m_stamps = stampsOf(*opened.checkpoint);
        m_path = path.string();
        m_opened = std::move(opened);
    }
    m_opened->hint = hintOf(model);
    progress.done = 1;
    context.step(progress);
    return *m_opened;
}

model::Transformer& ModelCache::State::load(const OpenedModel& opened, const ModelOptions& options,
                                            const RunContext& context)
{
    model::setThreads(options.threads);
    // A model that is already loaded has taken its memory out of what is available: only a number asks it to shrink.
    const bool fits =
        options.memory == 0 || m_plan.residency == memoryPlan(opened.checkpoint->config(), options).residency;
    if (m_transformer && m_dtype == options.dtype && m_device == options.device && fits)
        return *m_transformer;
    m_kept.reset();
    m_transformer.reset();
    m_plan = memoryPlan(opened.checkpoint->config(), options);
    const c10::Device device = model::openDevice(options.device);
    m_transformer.emplace(
        model::Transformer::load(opened.checkpoint, options.dtype, device, m_plan.residency, context));
    m_dtype = options.dtype;
    m_device = options.device;
    return *m_transformer;
}

}
