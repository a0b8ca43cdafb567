// What tracing, extraction and certification cost, as ratios of things timed in this process.
//   engine_bench demo MODEL.gguf FOLDER          the demo model on the stress prompts, then the whole road on base
//   engine_bench tinyllama FOLDER [LAYERS]       10 prompts of 256 tokens on random weights of TinyLlama's shape
//   engine_bench losses FOLDER [LAYERS [DTYPE]]  the same with exact losses of every fifth block, against arithmetic
//   engine_bench model-7b FOLDER [LAYERS]        only writes such weights in fp16, and prompts, for peak_memory.py
// FOLDER receives models and runs, and may be removed afterwards. Times are wall seconds, medians of five after one
// to warm up; the same ratios of CPU time stand beside them, because neighbours disturb those less.
#include "engine/base/atomic_file.h"
#include "engine/base/run_context.h"
#include "engine/base/strict_json.h"
#include "engine/certificate/verify.h"
#include "engine/ir/block_ir.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/predictions.h"
#include "engine/model/weights.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/surrogate.h"
#include "engine/replay/torch_interpreter.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include "bench/engine_random_model.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace blockcert;
namespace fs = std::filesystem;

struct Time {
    double wall = 0;
    double cpu = 0;
};

double cpuSeconds()
{
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Time timeOf(const std::function<void()>& work)
{
    const auto wall = std::chrono::steady_clock::now();
    const double cpu = cpuSeconds();
    work();
    const double spent = cpuSeconds() - cpu;
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count(), spent};
}

Time median(std::vector<Time> times)
{
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end(), [](const Time& a, const Time& b) { return a.wall < b.wall; });
    Time result = *middle;
    std::nth_element(times.begin(), middle, times.end(), [](const Time& a, const Time& b) { return a.cpu < b.cpu; });
    result.cpu = middle->cpu;
    return result;
}

// Medians of works that take turns, so that a neighbour's load falls on all of them.
std::vector<Time> medians(int repetitions, const std::vector<std::function<void()>>& works)
{
    std::vector<std::vector<Time>> times(works.size());
    for (int round = 0; round <= repetitions; ++round)
        for (std::size_t i = 0; i < works.size(); ++i) {
            const Time time = timeOf(works[i]);
            if (round > 0)
                times[i].push_back(time);
        }
    std::vector<Time> result;
    for (std::vector<Time>& each : times)
        result.push_back(median(std::move(each)));
    return result;
}

void print(const char* what, const Time& time)
{
    std::printf("  %-44s %8.3f s wall %8.3f s CPU\n", what, time.wall, time.cpu);
}

void printRatio(const char* what, const Time& numerator, const Time& denominator, double goal)
{
    std::printf("  %-44s %8.3f   wall %8.3f   CPU   (goal %.2f)\n", what, numerator.wall / denominator.wall,
                numerator.cpu / denominator.cpu, goal);
}

// Copies everything a trace keeps.
class CopyingTaps : public model::Taps {
public:
    void blockInput(LayerIndex, const at::Tensor& tensor) override { m_kept.push_back(tensor.clone()); }

    void attentionOutput(LayerIndex, const at::Tensor& tensor) override { m_kept.push_back(tensor.clone()); }

    void mlpOutput(LayerIndex, const at::Tensor& tensor) override { m_kept.push_back(tensor.clone()); }

private:
    std::vector<at::Tensor> m_kept;
};

// The block's matrix products alone, as LibTorch does them by itself: whole, on all threads.
Time gemmTime(const TransformerConfig& config, std::int64_t rows, at::ScalarType type, int threads)
{
    Time result;
    std::thread probe([&] {
        at::set_num_threads(threads);
        const std::vector<std::pair<std::int64_t, std::int64_t>> shapes = {{config.dModel, config.queryWidth()},
                                                                           {config.dModel, config.keyValueWidth()},
                                                                           {config.dModel, config.keyValueWidth()},
                                                                           {config.queryWidth(), config.dModel},
                                                                           {config.dModel, config.dFf},
                                                                           {config.dModel, config.dFf},
                                                                           {config.dFf, config.dModel}};
        std::vector<std::function<void()>> works;
        std::vector<at::Tensor> operands;
        for (const auto& [in, out] : shapes) {
            const at::Tensor x = at::ones({rows, in}, type);
            const at::Tensor w = at::ones({out, in}, type);
            at::Tensor y = at::ones({rows, out}, type);
            works.emplace_back([x, w, y]() mutable { at::mm_out(y, x, w.t()); });
        }
        result = medians(5, {[&] {
                             for (const auto& work : works)
                                 work();
                         }})
                     .front();
        at::set_num_threads(1); // BLAS keeps one number for the whole process
    });
    probe.join();
    return result;
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

void benchTraceAndExtraction(const std::string& model, const pipeline::PromptOptions& promptOptions,
                             const fs::path& folder, int repetitions)
{
    pipeline::ModelCache cache({{}, "bench", "bench"});
    const RunContext context;
    const pipeline::OpenedModel opened = cache.state().open(model, context);
    opened.checkpoint->hashFiles(context);
    pipeline::ModelOptions modelOptions;
    modelOptions.model = model;
    model::Transformer& transformer = cache.state().load(opened, modelOptions, context);
    const TransformerConfig& config = transformer.config();
    const auto prompts = pipeline::tokenIdsOf(pipeline::loadPrompts(promptOptions, opened, pipeline::Heldout::Drop));
    const model::Batch batch = model::batchOf(prompts);
    const at::Tensor start = transformer.embed(model::joined(prompts), batch);
    std::printf("%s: %d blocks, %lld rows in %lld prompts, %d threads, tiles of %s, batch-invariant: %s\n",
                opened.checkpoint->name().c_str(), config.layers, static_cast<long long>(batch.rows()),
                static_cast<long long>(batch.prompts()), model::threadCount(), transformer.tiling().text().c_str(),
                transformer.batchInvariant() ? "yes" : "no");

    const auto untraced = [&] { (void)transformer.forwardFrom(LayerIndex{0}, start, batch, {}, context); };
    const auto traced = [&] {
        CopyingTaps taps;
        model::ForwardOptions options;
        options.taps = &taps;
        (void)transformer.forwardFrom(LayerIndex{0}, start, batch, options, context);
    };
    const std::vector<Time> forward = medians(repetitions, {untraced, traced});
    print("forward through all blocks", forward[0]);
    print("the same, keeping every tap", forward[1]);
    printRatio("traced / untraced", forward[1], forward[0], 1.10);

    // Replay arithmetic: interpreters that are ready, on the inputs of their blocks.
    RunRequest request;
    const pipeline::Surrogates surrogates(*opened.checkpoint, request);
    const model::TilingChoice tiling = transformer.tilingForReplay(DType::F64, context);
    Time replay;
    Time replayGemm = gemmTime(config, batch.rows(), at::kDouble, model::threadCount());
    Time forwardGemm = gemmTime(config, batch.rows(), at::kFloat, model::threadCount());
    const std::vector<std::int32_t> sampled = config.layers > 4
                                                  ? std::vector<std::int32_t>{0, config.layers / 2, config.layers - 1}
                                                  : std::vector<std::int32_t>{0, config.layers - 1};
    for (const std::int32_t layer : sampled) {
        const ir::BlockIr block = surrogates.block(LayerIndex{layer}, batch.longest(), context).block;
        replay::TorchInterpreter interpreter(block, DType::F64, transformer.device(), tiling.tiling, context);
        const Time one = medians(repetitions, {[&] { (void)interpreter.run(start, batch, context); }}).front();
        replay.wall += one.wall * config.layers / static_cast<double>(sampled.size());
        replay.cpu += one.cpu * config.layers / static_cast<double>(sampled.size());
    }
    print("double replay of all blocks, arithmetic alone", replay);
    std::printf("  %-44s %8.3f   baseline %5.3f   replay\n", "share of LibTorch's whole matrix products",
                forwardGemm.wall * config.layers / forward[0].wall, replayGemm.wall * config.layers / replay.wall);

    // Each round has a folder of its own, and all of them are removed at the end: ext4 does not give away inodes that
    // were freed in the last seconds, and looking for others would be counted as work of the next round.
    std::vector<Time> extractions;
    for (int round = 0; round <= std::min(repetitions, 3); ++round) {
        pipeline::CertifyOptions options =
            optionsFor(model, promptOptions, folder / ("extraction-" + std::to_string(round)));
        options.loss = LossMode::None;
        fs::remove_all(options.out);
        const Time time = timeOf([&] { (void)pipeline::certify(options, cache, context); });
        if (round > 0)
            extractions.push_back(time);
    }
    for (int round = 0; round <= std::min(repetitions, 3); ++round)
        fs::remove_all(folder / ("extraction-" + std::to_string(round)));
    const Time extraction = median(extractions);
    const Time arithmetic{forward[0].wall + replay.wall, forward[0].cpu + replay.cpu};
    print("certify all blocks without losses, warm", extraction);
    printRatio("extraction / (forward + replay)", extraction, arithmetic, 1.30);
}

// Multiplications and additions of a block, dense mask, and of the head.
double blockFlops(const TransformerConfig& config, double rows, double length)
{
    return 2 * rows * static_cast<double>(model::countParameters(config).block) +
           4 * rows * length * config.queryWidth();
}

// Exact losses: F + R + X of the arithmetic, each at the rate of LibTorch's own whole matrix products in this process.
void benchLosses(const std::string& model, DType dtype, const fs::path& folder)
{
    constexpr std::int64_t count = 10;
    constexpr std::int64_t length = 256;
    pipeline::ModelCache cache({{}, "bench", "bench"});
    const RunContext context;
    pipeline::PromptOptions prompts;
    prompts.content = bench::literalPrompts(count, length, bench::shapeVocabulary);
    pipeline::CertifyOptions options = optionsFor(model, prompts, folder / "losses");
    options.model.dtype = dtype;
    const pipeline::OpenedModel opened = cache.state().open(model, context);
    opened.checkpoint->hashFiles(context);
    (void)cache.state().load(opened, options.model, context);
    const TransformerConfig& config = opened.checkpoint->config();
    options.blocks = "";
    const double rows = count * length;
    const double block = blockFlops(config, rows, length);
    const double head = 2 * rows * config.dModel * config.vocab;
    double forward = config.layers * block + head;
    double replay = 0;
    double suffixes = 0;
    for (std::int32_t layer = 0; layer < config.layers; layer += 5) {
        options.blocks += (layer == 0 ? "" : ",") + std::to_string(layer);
        replay += block;
        suffixes += (config.layers - 1 - layer) * block + head;
    }
    const double matrices = 2 * rows * static_cast<double>(model::countParameters(config).block);
    const at::ScalarType type = dtype == DType::BF16 ? at::kBFloat16 : at::kFloat;
    const auto rateOf = [&](at::ScalarType scalar) {
        return matrices / gemmTime(config, static_cast<std::int64_t>(rows), scalar, model::threadCount()).wall;
    };
    fs::remove_all(options.out);
    const double baselineRate = rateOf(type);
    const double replayRate = rateOf(at::kDouble);
    Json result;
    const Time time = timeOf([&] { result = pipeline::certify(options, cache, context); });
    const double after = rateOf(type);
    fs::remove_all(options.out);
    const double rate = (baselineRate + after) / 2; // neighbours come and go
    const double formula = (forward + suffixes) / rate + replay / replayRate;
    std::printf("%s, blocks %s, %d layers: baseline %s at %.0f GFLOP/s, replay at %.0f GFLOP/s\n",
                opened.checkpoint->name().c_str(), options.blocks.c_str(), config.layers,
                std::string(nameOf(dtype)).c_str(), rate / 1e9, replayRate / 1e9);
    std::printf("  F %.2f TF, X %.2f TF, R %.2f TF: %.1f s by the formula\n", forward / 1e12, suffixes / 1e12,
                replay / 1e12, formula);
    print("certify with exact losses, warm", time);
    std::printf("  %-44s %8.3f   (goal 1.30); roofline fraction %.2f\n", "wall / formula", time.wall / formula,
                formula / time.wall);
    std::printf("  work: %s\n", writeJsonLine(result.at("work")).c_str());
}

void benchWholeRoad(const std::string& model, const fs::path& folder)
{
    const RunContext context;
    pipeline::PromptOptions prompts;
    prompts.source = "base";
    pipeline::CertifyOptions options = optionsFor(model, prompts, folder / "base");
    fs::remove_all(options.out);
    pipeline::ModelCache cache({{}, "bench", "bench"});
    const Time certify = timeOf([&] { (void)pipeline::certify(options, cache, context); });
    print("certify all blocks with losses, cold", certify);
    certificate::VerifyOptions verifying;
    verifying.model = model;
    verifying.threads = model::threadCount();
    const char* child = std::getenv("BLOCKCERT_CHILD"); // NOLINT(concurrency-mt-unsafe)
    if (child == nullptr) {
        std::printf("  set BLOCKCERT_CHILD to the blockcert program to time verification too\n");
        return;
    }
    verifying.childProgram = child;
    Verdict verdict;
    const Time verify = timeOf([&] { verdict = certificate::verify(options.out, verifying, context); });
    print("verify at level 3", verify);
    std::printf("  %s\n", verdict.sentence.c_str());
}

int usage()
{
    std::fprintf(stderr, "engine_bench demo MODEL.gguf FOLDER | engine_bench tinyllama FOLDER [LAYERS] |\n"
                         "engine_bench losses FOLDER [LAYERS [fp32|bf16]] | engine_bench model-7b FOLDER [LAYERS]\n");
    return 2;
}

}

int main(int argc, char** argv)
{
    try {
        pipeline::prepareProcess();
        model::setThreads(0);
        const std::vector<std::string> words(argv + 1, argv + argc);
        if (words.size() == 3 && words[0] == "demo") {
            pipeline::PromptOptions stress;
            stress.source = "stress";
            fs::create_directories(words[2]);
            benchTraceAndExtraction(words[1], stress, words[2], 5);
            benchWholeRoad(words[1], words[2]);
            return 0;
        }
        if (words.size() >= 2 && words.size() <= 4 && (words[0] == "tinyllama" || words[0] == "losses")) {
            bench::LlamaShape shape;
            shape.layers = words.size() > 2 ? std::stoi(words[2]) : words[0] == "losses" ? 22 : 4;
            const fs::path model = fs::path(words[1]) / ("tinyllama-shape-" + std::to_string(shape.layers));
            bench::writeLlamaShape(model, shape);
            if (words[0] == "losses") {
                benchLosses(model.string(), words.size() == 4 && words[3] == "bf16" ? DType::BF16 : DType::F32,
                            words[1]);
                return 0;
            }
            pipeline::PromptOptions prompts;
            prompts.content = bench::literalPrompts(10, 256, bench::shapeVocabulary);
            benchTraceAndExtraction(model.string(), prompts, words[1], 3);
            return 0;
        }
        if ((words.size() == 2 || words.size() == 3) && words[0] == "model-7b") {
            bench::writeLlamaShape(words[1], bench::sevenBillion(words.size() == 3 ? std::stoi(words[2]) : 32));
            writeFileAtomically(fs::path(words[1]) / "prompts.jsonl",
                                bench::literalPrompts(10, 256, bench::shapeVocabulary));
            return 0;
        }
        return usage();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "engine_bench: %s\n", error.what());
        return 1;
    }
}
