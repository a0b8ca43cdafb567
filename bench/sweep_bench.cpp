// How much faster a sweep is than a generation of its own for every strength: two ratios of things timed in one run.
//
// usage: sweep_bench MODEL [SHORT|LONG] [mild|full] [repeat every Nth strength naively, default 1]
//
// 11 strengths × 10 prompts × 64 tokens, middle block, fp32, prompts of 32 (SHORT) or 256 (LONG) tokens. Naive twice:
// one generation for every strength and prompt, and one for every strength with its prompts in a batch. Tokens are
// compared.

#include "engine/artifact/checkpoint.h"
#include "engine/base/run_context.h"
#include "engine/model/device.h"
#include "engine/model/parallel_tasks.h"
#include "engine/pipeline/edit/edit_session.h"
#include "engine/pipeline/edit/sweep_decoding.h"
#include "engine/tokenizer/tokenizer.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace blockcert;

double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Ten beginnings of plain text, each of its own, cut to one length.
std::vector<std::vector<TokenId>> promptsOf(const tokenizer::Tokenizer& tokenizer, std::size_t length)
{
    const char* subjects[] = {"rivers", "bridges", "clocks", "gardens", "trains",
                              "maps",   "bees",    "lenses", "sails",   "ovens"};
    std::vector<std::vector<TokenId>> prompts;
    for (const char* subject : subjects) {
        std::string text;
        for (int i = 0; tokenizer.encode(text, tokenizer::SpecialTokens::Omit).size() < length; ++i)
            text += "Chapter " + std::to_string(i + 1) + " of a short history of " + subject +
                    " tells how people first used " + subject + ", what they cost, and why they changed. ";
        prompts.push_back(tokenizer.encode(text, tokenizer::SpecialTokens::Omit));
        prompts.back().resize(length);
    }
    return prompts;
}

bool sameTokens(const std::vector<generate::Completion>& a, const std::vector<generate::Completion>& b)
{
    for (std::size_t p = 0; p < a.size(); ++p)
        if (a[p].ids != b[p].ids)
            return false;
    return a.size() == b.size();
}

}

int main(int argc, char** argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "usage: sweep_bench MODEL [SHORT|LONG] [mild|full] [N]\n");
        return 2;
    }
    const bool isLong = argc > 2 && std::string(argv[2]) == "LONG";
    const bool mild = argc < 4 || std::string(argv[3]) == "mild";
    const int every = argc > 4 ? std::max(1, std::atoi(argv[4])) : 1;
    const RunContext context;
    const auto checkpoint = std::make_shared<artifact::Checkpoint>(artifact::Checkpoint::open(argv[1]));
    const tokenizer::Tokenizer tokenizer = tokenizer::Tokenizer::of(*checkpoint);
    model::setThreads(0);
    model::Transformer transformer =
        model::Transformer::load(checkpoint, DType::F32, model::openDevice("cpu"), model::Residency::Whole, context);
    const LayerIndex block{checkpoint->config().layers / 2};
    const auto prompts = promptsOf(tokenizer, isLong ? 256 : 32);
    std::vector<double> strengths;
    for (int i = 10; i >= 0; --i) // mild: 1 … 0.95; full: 1 … 0
        strengths.push_back(mild ? 0.95 + 0.005 * i : 0.1 * i);
    generate::GreedyOptions options;
    options.maxNew = 64; // no end token: every completion is as long as the others
    const auto tapsOf = [&](double strength) {
        PatchStep step;
        step.block = block;
        step.strength = strength;
        return pipeline::EditTaps({"", {}, {step}}, {}, transformer);
    };
    (void)generate::generateGreedy(transformer, std::span(prompts.data(), 1), options, context); // warm

    const double begin = now();
    pipeline::SweepDecoding decoding(transformer, prompts, options, context);
    decoding.enter(block, context);
    std::vector<std::vector<generate::Completion>> shared = {decoding.baseline()};
    std::int64_t drafted = 0;
    std::int64_t accepted = 0;
    for (std::size_t i = 1; i < strengths.size(); ++i) {
        pipeline::EditTaps taps = tapsOf(strengths[i]);
        pipeline::SweptEdit swept = decoding.run(taps, context);
        drafted += swept.drafted;
        accepted += swept.accepted;
        shared.push_back(std::move(swept.completions));
    }
    const double sweep = now() - begin;

    double batched = 0;
    double alone = 0;
    int repeated = 0;
    bool same = true;
    for (std::size_t i = 0; i < strengths.size(); i += static_cast<std::size_t>(every), ++repeated) {
        pipeline::EditTaps taps = tapsOf(strengths[i]);
        options.taps = &taps;
        double start = now();
        same = same && sameTokens(generate::generateGreedy(transformer, prompts, options, context), shared[i]);
        batched += now() - start;
        start = now();
        for (const std::vector<TokenId>& prompt : prompts)
            (void)generate::generateGreedy(transformer, std::span(&prompt, 1), options, context);
        alone += now() - start;
    }
    const double scale = static_cast<double>(strengths.size()) / repeated;
    std::printf("%zu strengths x %zu prompts of %zu tokens x 64 new, block %d, %s range\n", strengths.size(),
                prompts.size(), prompts[0].size(), block.value, mild ? "mild" : "full");
    std::printf("tokens identical: %s; drafts kept: %.1f %% of %lld\n", same ? "yes" : "NO",
                100.0 * static_cast<double>(accepted) / static_cast<double>(drafted), static_cast<long long>(drafted));
    std::printf("sweep %.1f s\n", sweep);
    std::printf("one generation a strength and prompt: %.1f s%s, ratio %.1f\n", alone * scale,
                every > 1 ? " (extrapolated)" : "", alone * scale / sweep);
    std::printf("one generation a strength, prompts batched: %.1f s%s, ratio %.1f\n", batched * scale,
                every > 1 ? " (extrapolated)" : "", batched * scale / sweep);
    return same ? 0 : 1;
}
