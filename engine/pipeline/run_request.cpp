#include "engine/pipeline/run_request.h"

#include "engine/base/error.h"
#include "engine/certificate/block_list.h"
#include "engine/certificate/policy_file.h"
#include "engine/model/device.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/predictions.h"
#include "engine/surrogate/family.h"
#include "engine/surrogate/surrogate_text.h"

namespace blockcert::pipeline {

double defaultTauRel(DType baseline)
{
    return certificate::defaultPolicy(baseline).tauRel;
}

RunRequest requestOf(const CertifyOptions& options, const TransformerConfig& config)
{
    const surrogate::SurrogateText surrogate = surrogate::parseSurrogate(options.surrogate);
    if (options.replayDtype != DType::F64 && options.replayDtype != DType::F32)
        throw UsageError("--replay-dtype is fp64 or fp32, not " + std::string(nameOf(options.replayDtype)));
    RunRequest request;
    request.blocks = certificate::blocksFrom(options.blocks, config.layers);
    request.baselineDtype = options.model.dtype;
    request.replayDtype = options.replayDtype;
    request.loss = options.loss;
    if (request.loss != LossMode::None && config.vocab < model::topCount)
        throw UnsupportedError("The model's vocabulary has " + std::to_string(config.vocab) +
                               " tokens; losses need at least " + std::to_string(model::topCount) +
                               " (--loss none does without).");
    request.weights = options.weights;
    request.surrogate = surrogate.choice;
    if (!options.ablation.empty())
        request.ablation = surrogate::parseAblation(options.ablation);
    surrogate::requireSense(request.surrogate, request.ablation, config);
    request.embedWeights = options.embedWeights;
    request.maxTokens = options.prompts.maxTokens;
    request.seed = options.seed;
    request.policy = options.policy;
    if (!options.tauRelGiven)
        request.policy.tauRel = defaultTauRel(options.model.dtype);
    return request;
}

Environment environmentOf(const std::string& device, const model::Transformer& transformer,
                          const model::TilingChoice& replay)
{
    const model::Machine machine = model::describeMachine();
    Environment environment;
    environment.device = device;
    environment.processor = machine.processor;
    environment.isa = machine.isa;
    environment.libtorch = machine.libtorch;
    environment.blas = machine.blas;
    environment.threads = model::threadCount();
    environment.tiling = "baseline " + transformer.tiling().text() + ", replay " + replay.tiling.text();
    environment.attention = "eager";
    environment.batchInvariant = transformer.batchInvariant() && replay.batchInvariant;
    environment.operatingSystem = machine.operatingSystem;
    return environment;
}

}
