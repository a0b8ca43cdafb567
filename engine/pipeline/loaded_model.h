// The model of a request: opened, hashed and loaded once, then kept for the next request that asks for the same.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"
#include "engine/model/tiled_linear.h"
#include "engine/model/transformer.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/weight_digests.h"
#include "engine/tokenizer/tokenizer.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::pipeline {

// A checkpoint with its tokenizer. Weights are not loaded.
struct OpenedModel {
    std::shared_ptr<artifact::Checkpoint> checkpoint;
    std::shared_ptr<const tokenizer::Tokenizer> tokenizer; // null: see tokenizerProblem
    std::optional<Error> tokenizerProblem;                 // with the exit code of what is wrong with its files
    std::string hint; // what finds the model again: as asked for, a path made absolute
};

// Throws why there is no tokenizer, where completions are to be read.
void requireTokenizer(const OpenedModel& opened);

// How the weights are held, and why.
struct MemoryPlan {
    model::Residency residency = model::Residency::Whole;
    std::int64_t budget = 0; // bytes that were asked for or are available; 0 if unknown
};

// All weights stay in memory if they leave a third of the budget free for the work itself.
[[nodiscard]] MemoryPlan memoryPlan(const TransformerConfig& config, const ModelOptions& options);

[[nodiscard]] std::string_view nameOf(model::Residency residency); // "whole" or "one_block"

// What a verb keeps for its next call on the same loaded weights; goes with them.
class KeptWithModel {
public:
    KeptWithModel() = default;
    virtual ~KeptWithModel() = default;
    KeptWithModel(const KeptWithModel&) = delete;
    KeptWithModel& operator=(const KeptWithModel&) = delete;
};

struct ModelCache::State {
    explicit State(Host value)
        : host(std::move(value))
    {
    }

    // Reports stage "open".
    [[nodiscard]] OpenedModel open(const std::string& model, const RunContext& context);

    // Loads the weights unless the same ones are there. Sets the thread count. Stage "load".
    [[nodiscard]] model::Transformer& load(const OpenedModel& opened, const ModelOptions& options,
                                           const RunContext& context);

    // Of the weights that were loaded last.
    [[nodiscard]] const MemoryPlan& plan() const { return m_plan; }

    Host host;
    std::shared_ptr<WeightDigests> weightDigests = std::make_shared<WeightDigests>();

    // Made by whoever needs it, after load().
    [[nodiscard]] std::unique_ptr<KeptWithModel>& kept() { return m_kept; }

private:
    // Enough to know that a file is still the same one without reading it.
    struct FileStamp {
        std::string path;
        std::uint64_t size = 0;
        std::int64_t modified = 0; // nanoseconds

        friend bool operator==(const FileStamp&, const FileStamp&) = default;
    };

    static std::vector<FileStamp> stampsOf(const artifact::Checkpoint& checkpoint);

    std::string m_path;
    std::vector<FileStamp> m_stamps;
    std::optional<OpenedModel> m_opened;

    DType m_dtype = DType::F32;
    std::string m_device;
    MemoryPlan m_plan;
    std::optional<model::Transformer> m_transformer;
    std::unique_ptr<KeptWithModel> m_kept; // refers to the transformer
};

// What finds a model again: a path that works from elsewhere; "demo" and hub ids stay as they are.
[[nodiscard]] std::string hintOf(const std::string& model);

// Prompts of a request as exact ids with their pieces. Throws UsageError if nothing is left.
enum class Heldout : bool { Keep, Drop };
[[nodiscard]] PromptSet loadPrompts(const PromptOptions& options, const OpenedModel& opened, Heldout heldout);

// The ids alone.
[[nodiscard]] std::vector<std::vector<TokenId>> tokenIdsOf(const PromptSet& prompts);

}
