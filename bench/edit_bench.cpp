// How long a slider waits: what `edit_effect` takes on kept states, by where and how the model is edited.
//
// usage: edit_bench MODEL [PROMPTS, default stress] [repeats, default 5]
//
// The same prompts are the held-out ones. Prints for every edit the median of some calls with other strengths: wall
// time and processor time, which says what the wall time would be on a machine that does nothing else.

#include "engine/base/run_context.h"
#include "engine/pipeline/edit/edit.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

namespace {

using namespace blockcert;

struct Times {
    double wall = 0;
    double processor = 0;
};

Times now()
{
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    return {seconds, static_cast<double>(std::clock()) / CLOCKS_PER_SEC}; // NOLINT(concurrency-mt-unsafe)
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}

int main(int argc, char** argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "usage: edit_bench MODEL [PROMPTS] [REPEATS]\n");
        return 2;
    }
    const int repeats = argc > 3 ? std::max(1, std::atoi(argv[3])) : 5;
    pipeline::prepareProcess();
    pipeline::ModelCache cache({});
    pipeline::EditEffectOptions options;
    options.model.model = argv[1];
    options.prompts.source = argc > 2 ? argv[2] : "stress";
    options.heldout.source = options.prompts.source;
    const auto measure = [&](const char* name, const std::vector<pipeline::PatchOptions>& edits, auto&& strengthOf) {
        for (const bool local : {true, false}) {
            options.local = local;
            options.downstream = !local;
            std::vector<double> wall;
            std::vector<double> processor;
            std::int64_t tokens = 0;
            for (int i = -1; i < repeats; ++i) { // the first one fills what is kept
                options.edits = edits;
                for (pipeline::PatchOptions& edit : options.edits)
                    strengthOf(edit) = 0.9 - 0.05 * i;
                const Times begin = now();
                const Json result = pipeline::editEffect(options, cache, RunContext());
                const Times end = now();
                if (i >= 0) {
                    wall.push_back(end.wall - begin.wall);
                    processor.push_back(end.processor - begin.processor);
                }
                if (local)
                    tokens = result.at("local").at("tokens");
            }
            std::printf("%-28s %-10s %7.0f ms wall, %7.0f ms processor time", name, local ? "local" : "downstream",
                        1e3 * median(wall), 1e3 * median(processor));
            if (local)
                std::printf("  (%lld tokens)", static_cast<long long>(tokens));
            std::printf("\n");
        }
    };
    const auto mlp = [](pipeline::PatchOptions& edit) -> std::optional<double>& { return edit.scaleMlp; };
    const auto attention = [](pipeline::PatchOptions& edit) -> std::optional<double>& { return edit.scaleAttention; };
    options.local = true;
    const auto layers = static_cast<std::int32_t>(artifact::Checkpoint::open(argv[1]).config().layers);
    const auto at = [](std::int32_t block) {
        pipeline::PatchOptions edit;
        edit.block = block;
        return edit;
    };
    measure("MLP of the middle block", {at(layers / 2)}, mlp);
    measure("MLP of block 0", {at(0)}, mlp);
    measure("attention, middle block", {at(layers / 2)}, attention);
    std::vector<pipeline::PatchOptions> all;
    for (std::int32_t block = 0; block < layers; ++block)
        all.push_back(at(block));
    measure("MLP of all blocks", all, mlp);
    return 0;
}
