// What tracing, extraction and certification cost, as ratios of things timed in this process.
//   engine_bench demo MODEL.gguf FOLDER          the demo model on the stress prompts, then the whole road on base
//   engine_bench tinyllama FOLDER [LAYERS]       10 prompts of 256 tokens on random weights of TinyLlama's shape
//   engine_bench losses FOLDER [LAYERS [DTYPE]]  the same with exact losses of every fifth block, against arithmetic
//   engine_bench wave FOLDER [LAYERS [DTYPE]]    what exact losses of all blocks add, streamed, and how much is read
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

#include <ATen/core/Tensor.h>

#include "bench/engine_random_model.h"
#include "bench/loss_bench.h"
#include "bench/measured_time.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace blockcert;
using bench::medians;
using bench::optionsFor;
using bench::print;
using bench::printRatio;
using bench::Time;
using bench::timeOf;
namespace fs = std::filesystem;

// Copies everything a trace keeps.
class CopyingTaps : public model::Taps {
public:
    void blockInput(LayerIndex, const at::Tensor& tensor) override { m_kept.push_back(tensor.clone()); }

    void attentionOutput(LayerIndex, const at::Tensor& tensor) override { m_kept.push_back(tensor.clone()); }

    void mlpOutput(LayerIndex, const at::Tensor& tensor) override { m_kept.push_back(tensor.clone()); }

private:
    std::vector<at::Tensor> m_kept;
};

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

    // Replay arithmetic: interpreters that are ready, one block after the other, as a run takes them: each block's
    // weights come from memory. What is measured is the blocks' own sum, nothing is scaled up.
    RunRequest request;
    const pipeline::Surrogates surrogates(*opened.checkpoint, request);
    const model::TilingChoice tiling = transformer.tilingForReplay(DType::F64, context);
    Time replayGemm = bench::gemmTime(config, batch.rows(), at::kDouble, model::threadCount());
    Time forwardGemm = bench::gemmTime(config, batch.rows(), at::kFloat, model::threadCount());
    std::vector<replay::TorchInterpreter> interpreters;
    const auto buffers = std::make_shared<replay::RowBuffers>();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        const auto block =
            std::make_shared<const ir::BlockIr>(surrogates.block(LayerIndex{layer}, batch.longest(), context).block);
        interpreters.emplace_back(block, DType::F64, transformer.device(), tiling.tiling, context).useBuffers(buffers);
    }
    const auto replayAll = [&] {
        for (replay::TorchInterpreter& interpreter : interpreters)
            (void)interpreter.run(start, batch, context);
    };
    const Time replay = medians(repetitions, {replayAll}).front();
    print("double replay of all blocks, arithmetic alone", replay);
    std::printf("  %-44s %8.3f   baseline %5.3f   replay\n", "share of LibTorch's whole matrix products",
                forwardGemm.wall * config.layers / forward[0].wall, replayGemm.wall * config.layers / replay.wall);

    // Forward and replay are timed once more beside every round: machines slow down and recover within minutes, and the
    // median of ratios taken side by side says more than the ratio of medians.
    //
    // ext4 does not give away inodes that were freed in the last five seconds, and looking for others would be counted
    // as work of the next round: each round has a folder of its own, all of them are removed at the end, and between
    // two rounds, which remove the files of their cells, those seconds go by.
    std::vector<Time> extractions;
    std::vector<Time> shares;
    const int rounds = std::max(repetitions, 3);
    for (int round = 0; round <= rounds; ++round) {
        pipeline::CertifyOptions options =
            optionsFor(model, promptOptions, folder / ("extraction-" + std::to_string(round)));
        options.loss = LossMode::None;
        fs::remove_all(options.out);
        std::this_thread::sleep_for(std::chrono::seconds(6));
        const std::vector<Time> before = {timeOf(untraced), timeOf(replayAll)};
        const Time time = timeOf([&] { (void)pipeline::certify(options, cache, context); });
        const std::vector<Time> after = {timeOf(untraced), timeOf(replayAll)};
        if (round == 0)
            continue;
        const auto arithmetic = [&](double Time::*of) {
            return (before[0].*of + before[1].*of + after[0].*of + after[1].*of) / 2;
        };
        extractions.push_back(time);
        shares.push_back({time.wall / arithmetic(&Time::wall), time.cpu / arithmetic(&Time::cpu)});
    }
    for (int round = 0; round <= rounds; ++round)
        fs::remove_all(folder / ("extraction-" + std::to_string(round)));
    print("certify all blocks without losses, warm", bench::median(extractions));
    printRatio("extraction / (forward + replay), side by side", bench::median(shares), {1, 1}, 1.30);
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
    std::fprintf(stderr,
                 "engine_bench demo MODEL.gguf FOLDER | engine_bench tinyllama FOLDER [LAYERS] |\n"
                 "engine_bench losses FOLDER [LAYERS [fp32|bf16]] | engine_bench wave FOLDER [LAYERS [fp32|bf16]] |\n"
                 "engine_bench model-7b FOLDER [LAYERS]\n");
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
        if (words.size() >= 2 && words.size() <= 4 &&
            (words[0] == "tinyllama" || words[0] == "losses" || words[0] == "wave")) {
            bench::LlamaShape shape;
            shape.layers = words.size() > 2       ? std::stoi(words[2])
                           : words[0] == "losses" ? 22
                           : words[0] == "wave"   ? 8
                                                  : 4;
            const fs::path model = fs::path(words[1]) / ("tinyllama-shape-" + std::to_string(shape.layers));
            bench::writeLlamaShape(model, shape);
            const DType dtype = words.size() == 4 && words[3] == "bf16" ? DType::BF16 : DType::F32;
            if (words[0] == "losses" || words[0] == "wave") {
                (words[0] == "losses" ? bench::benchLosses : bench::benchWave)(model.string(), dtype, words[1]);
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
