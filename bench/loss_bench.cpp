#include "bench/loss_bench.h"

#include "engine/base/run_context.h"
#include "engine/base/strict_json.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/weights.h"
#include "engine/pipeline/loaded_model.h"

#include <ATen/core/ScalarType.h>

#include "bench/engine_random_model.h"
#include "bench/measured_time.h"
#include <cstdio>

namespace blockcert::bench {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t promptCount = 10;
constexpr std::int64_t promptLength = 256;
constexpr std::int64_t promptRows = promptCount * promptLength;

// Multiplications and additions for all rows, in FLOP: of a block with a dense mask, of its matrices, and of the head.
struct Arithmetic {
    double block;
    double matrices;
    double head;
};

Arithmetic arithmeticOf(const TransformerConfig& config)
{
    const double rows = promptRows;
    const double matrices = 2 * rows * static_cast<double>(model::countParameters(config).block);
    return {matrices + 4 * rows * promptLength * config.queryWidth(), matrices,
            2 * rows * config.dModel * config.vocab};
}

at::ScalarType scalarOf(DType dtype)
{
    return dtype == DType::BF16 ? at::kBFloat16 : at::kFloat;
}

// FLOP/s of LibTorch's own whole matrix products of a block, now.
double rateOf(const TransformerConfig& config, at::ScalarType type)
{
    return arithmeticOf(config).matrices / gemmTime(config, promptRows, type, model::threadCount()).wall;
}

pipeline::CertifyOptions lossOptions(const std::string& model, DType dtype, const fs::path& out)
{
    pipeline::PromptOptions prompts;
    prompts.content = literalPrompts(promptCount, promptLength, shapeVocabulary);
    pipeline::CertifyOptions options = optionsFor(model, prompts, out);
    options.model.dtype = dtype;
    return options;
}

// A certified run that is removed again.
Time certifyTime(const pipeline::CertifyOptions& options, pipeline::ModelCache& cache, Json& result)
{
    fs::remove_all(options.out);
    const Time time = timeOf([&] { result = pipeline::certify(options, cache, RunContext{}); });
    fs::remove_all(options.out);
    return time;
}

void printWork(const pipeline::OpenedModel& opened, const Json& result)
{
    double all = 0;
    for (const artifact::TensorEntry& tensor : opened.checkpoint->tensors())
        all += static_cast<double>(tensor.end - tensor.begin);
    const Json& work = result.at("work");
    const double read = work.at("weight_bytes").get<double>();
    std::printf("  weights read: %.2f GB of %.2f GB, %.3f times (goal 1.05 when streamed)\n", read / 1e9, all / 1e9,
                read / all);
    std::printf("  work: %s\n", writeJsonLine(work).c_str());
}

}

pipeline::CertifyOptions optionsFor(const std::string& model, const pipeline::PromptOptions& prompts,
                                    const fs::path& out)
{
    pipeline::CertifyOptions options;
    options.model.model = model;
    options.prompts = prompts;
    options.out = out;
    options.created = "2026-01-01T00:00:00Z";
    options.commandLine = "engine_bench";
    return options;
}

void benchLosses(const std::string& model, DType dtype, const fs::path& folder)
{
    pipeline::ModelCache cache({{}, "bench", "bench"});
    pipeline::CertifyOptions options = lossOptions(model, dtype, folder / "losses");
    const pipeline::OpenedModel opened = cache.state().open(model, RunContext{});
    opened.checkpoint->hashFiles(RunContext{});
    (void)cache.state().load(opened, options.model, RunContext{});
    const TransformerConfig& config = opened.checkpoint->config();
    const Arithmetic flops = arithmeticOf(config);
    const double forward = config.layers * flops.block + flops.head;
    double replay = 0;
    double suffixes = 0;
    options.blocks = "";
    for (std::int32_t layer = 0; layer < config.layers; layer += 5) {
        options.blocks += (layer == 0 ? "" : ",") + std::to_string(layer);
        replay += flops.block;
        suffixes += (config.layers - 1 - layer) * flops.block + flops.head;
    }
    const double before = rateOf(config, scalarOf(dtype));
    const double replayRate = rateOf(config, at::kDouble);
    Json result;
    const Time time = certifyTime(options, cache, result);
    const double rate = (before + rateOf(config, scalarOf(dtype))) / 2; // neighbours come and go
    const double formula = (forward + suffixes) / rate + replay / replayRate;
    std::printf("%s, blocks %s, %d layers: baseline %s at %.0f GFLOP/s, replay at %.0f GFLOP/s\n",
                opened.checkpoint->name().c_str(), options.blocks.c_str(), config.layers,
                std::string(nameOf(dtype)).c_str(), rate / 1e9, replayRate / 1e9);
    std::printf("  F %.2f TF, X %.2f TF, R %.2f TF: %.1f s by the formula\n", forward / 1e12, suffixes / 1e12,
                replay / 1e12, formula);
    print("certify with exact losses, warm", time);
    std::printf("  %-44s %8.3f   (goal 1.30); roofline fraction %.2f\n", "wall / formula", time.wall / formula,
                formula / time.wall);
    printWork(opened, result);
}

void benchWave(const std::string& model, DType dtype, const fs::path& folder)
{
    pipeline::ModelCache cache({{}, "bench", "bench"});
    pipeline::CertifyOptions options = lossOptions(model, dtype, folder / "wave");
    options.model.memory = 1; // a byte: streamed
    options.skipKnownRows = false;
    const pipeline::OpenedModel opened = cache.state().open(model, RunContext{});
    opened.checkpoint->hashFiles(RunContext{});
    (void)cache.state().load(opened, options.model, RunContext{});
    const TransformerConfig& config = opened.checkpoint->config();
    const Arithmetic flops = arithmeticOf(config);
    const double layers = config.layers;
    const double added = layers * (layers - 1) / 2 * flops.block + (layers + 1) * flops.head;
    const double before = rateOf(config, scalarOf(dtype));
    pipeline::CertifyOptions without = options;
    without.loss = LossMode::None;
    Json result;
    const Time alone = certifyTime(without, cache, result);
    const Time whole = certifyTime(options, cache, result);
    const double rate = (before + rateOf(config, scalarOf(dtype))) / 2;
    const double formula = added / rate;
    std::printf("%s, all %d blocks, streamed, no row skipped: baseline %s at %.0f GFLOP/s\n",
                opened.checkpoint->name().c_str(), config.layers, std::string(nameOf(dtype)).c_str(), rate / 1e9);
    print("certify without losses", alone);
    print("certify with exact losses", whole);
    const double wave = whole.wall - alone.wall;
    std::printf("  X and %d heads %.2f TF: %.1f s by the formula, %.1f s measured\n", config.layers + 1, added / 1e12,
                formula, wave);
    std::printf("  %-44s %8.3f   (goal 1.10 in fp32); roofline fraction %.2f\n", "wave / formula", wave / formula,
                formula / wave);
    printWork(opened, result);
}

}
