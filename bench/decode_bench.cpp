// Greedy decoding against the memory roofline: bytes of weights a token must read over the rate at which the same run
// reads memory, divided by the time a token takes.
//
// usage: decode_bench MODEL [tokens, default 64] [threads, default all] [fp32|bf16|fp16, default each] [repeats,
// default 5]
//
// The best of the repeats is printed beside the median, and the processor time of a token: on a machine with other work
// the medians say more about that work.

#include "engine/artifact/checkpoint.h"
#include "engine/base/run_context.h"
#include "engine/generate/greedy.h"
#include "engine/model/device.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/transformer.h"
#include "engine/model/weights.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace {

using namespace blockcert;

double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Bytes a second of all threads reading memory that no cache holds: a sum over as many bytes as the model has.
double readRate(std::int64_t bytes, const RunContext& context)
{
    const std::vector<float> memory(static_cast<std::size_t>(bytes / 4), 1.0F);
    constexpr std::int64_t parts = 64;
    std::vector<float> sums(parts);
    std::vector<double> seconds;
    for (int i = 0; i < 7; ++i) {
        const double begin = now();
        model::runTasks(parts, context, [&](std::int64_t part) {
            const std::size_t share = memory.size() / parts;
            const float* values = memory.data() + static_cast<std::size_t>(part) * share;
            float lanes[64] = {}; // enough independent sums to be bound by memory alone
            for (std::size_t k = 0; k + 64 <= share; k += 64)
                for (std::size_t lane = 0; lane < 64; ++lane)
                    lanes[lane] += values[k + lane];
            sums[static_cast<std::size_t>(part)] = std::accumulate(lanes, lanes + 64, 0.0F);
        });
        seconds.push_back(now() - begin);
    }
    if (std::accumulate(sums.begin(), sums.end(), 0.0F) < 0)
        std::abort();
    return static_cast<double>(bytes) / median(seconds);
}

}

int main(int argc, char** argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "usage: decode_bench MODEL [TOKENS [THREADS [fp32|bf16|fp16 [REPEATS]]]]\n");
        return 2;
    }
    const RunContext context;
    const auto checkpoint = std::make_shared<artifact::Checkpoint>(artifact::Checkpoint::open(argv[1]));
    const TransformerConfig& config = checkpoint->config();
    model::setThreads(argc > 3 ? std::atoi(argv[3]) : 0);
    const std::string only = argc > 4 ? argv[4] : "";
    const int repeats = argc > 5 ? std::max(1, std::atoi(argv[5])) : 5;
    generate::GreedyOptions options;
    options.maxNew = argc > 2 ? std::atoi(argv[2]) : 64;
    const model::ParameterCount count = model::countParameters(config);
    // Norms and the rows of the embedding that are looked up are nothing beside the matrices; a tied head reads it
    // whole.
    const std::int64_t parameters = config.layers * count.block + std::int64_t{config.vocab} * config.dModel;
    for (const DType dtype : {DType::F32, DType::BF16, DType::F16}) {
        if (!only.empty() && only != (dtype == DType::F32 ? "fp32" : dtype == DType::BF16 ? "bf16" : "fp16"))
            continue;
        model::Transformer transformer =
            model::Transformer::load(checkpoint, dtype, model::openDevice("cpu"), model::Residency::Whole, context);
        const std::int64_t bytes = parameters * storageBlock(dtype).bytes;
        const std::vector<std::vector<TokenId>> prompt = {{1, 2, 3, 4, 5, 6, 7, 8}};
        (void)generate::generateGreedy(transformer, prompt, options, context);
        std::vector<double> seconds;
        std::vector<double> rates;
        double processor = 0;
        for (int i = 0; i < repeats; ++i) {
            rates.push_back(readRate(bytes, context));
            const std::clock_t clock = std::clock(); // NOLINT(concurrency-mt-unsafe)
            const double begin = now();
            (void)generate::generateGreedy(transformer, prompt, options, context);
            seconds.push_back((now() - begin) / static_cast<double>(options.maxNew));
            processor += static_cast<double>(std::clock() - clock) / CLOCKS_PER_SEC; // NOLINT(concurrency-mt-unsafe)
        }
        const double token = median(seconds);
        const double rate = median(rates);
        std::printf("%s: %.1f tokens/s, %.0f MB a token; memory %.1f GB/s; decoding reaches %.2f of the roofline\n",
                    nameOf(dtype).data(), 1 / token, static_cast<double>(bytes) / 1e6, rate / 1e9,
                    static_cast<double>(bytes) / rate / token);
        std::printf("     best %.1f tokens/s beside %.1f GB/s; %.1f ms of processor time a token\n",
                    1 / *std::min_element(seconds.begin(), seconds.end()),
                    *std::max_element(rates.begin(), rates.end()) / 1e9,
                    1e3 * processor / static_cast<double>(repeats * options.maxNew));
    }
    return 0;
}
