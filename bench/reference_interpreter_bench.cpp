// How fast the reference interpreter is, as a share of a matrix product in double by LibTorch's BLAS in the same
// process on the same number of threads. Prints one line per block shape: reference_interpreter_bench [THREADS]
#include "engine/base/run_context.h"
#include "engine/ir/reference_interpreter.h"

#ifdef BLOCKCERT_BENCH_TORCH
#include <ATen/Parallel.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <thread>

namespace {

using namespace blockcert;

struct BlockShape {
    const char* name;
    std::int32_t width, ff, heads, kvHeads;
    std::int64_t tokens;
};

double bestSeconds(int repetitions, const std::function<void()>& work)
{
    double best = 1e300;
    for (int i = 0; i < repetitions; ++i) {
        const auto start = std::chrono::steady_clock::now();
        work();
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

ir::BlockIr randomBlock(const BlockShape& shape)
{
    TransformerConfig config;
    config.dModel = shape.width;
    config.heads = shape.heads;
    config.kvHeads = shape.kvHeads;
    config.headDim = shape.width / shape.heads;
    config.dFf = shape.ff;
    config.context = static_cast<std::int32_t>(shape.tokens);
    std::mt19937 random(1);
    const auto fill = [&](const std::vector<std::int64_t>& extents, float scale) {
        HostTensor tensor{DType::F32, extents, {}};
        std::vector<float> values(static_cast<std::size_t>(tensor.elementCount()));
        for (float& value : values)
            value = scale * (static_cast<float>(random() >> 8U) * 0x1p-23F - 1);
        tensor.bytes.resize(values.size() * sizeof(float));
        std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
        return tensor;
    };

    ir::BlockIr block;
    block.program = ir::makeProgram(config, LayerIndex{0});
    for (const auto& [name, weight] : block.program.weights)
        block.weights[name] = fill(weight.shape, 0.05F);
    block.ropeCos = fill({shape.tokens, config.headDim / 2}, 1);
    block.ropeSin = fill({shape.tokens, config.headDim / 2}, 1);
    block.mask = {DType::U8, {shape.tokens, shape.tokens}, {}};
    for (std::int64_t t = 0; t < shape.tokens; ++t)
        for (std::int64_t s = 0; s < shape.tokens; ++s)
            block.mask.bytes.push_back(std::byte{s <= t});
    return block;
}

// Multiplications and additions of the linear operations and of attention over all keys (performance: 2·T·P + 4·T·S·q).
double operations(const BlockShape& shape, const ir::BlockIr& block)
{
    double parameters = 0;
    for (const auto& [name, weight] : block.program.weights)
        if (weight.shape.size() == 2)
            parameters += static_cast<double>(weight.shape[0] * weight.shape[1]);
    const auto tokens = static_cast<double>(shape.tokens);
    return 2 * tokens * parameters + 4 * tokens * tokens * shape.width;
}

#ifdef BLOCKCERT_BENCH_TORCH
double probe(const BlockShape& shape, int threads)
{
    at::set_num_threads(threads);
    const at::Tensor in = at::ones({shape.tokens, shape.width}, at::kDouble);
    const at::Tensor weight = at::ones({shape.width, shape.ff}, at::kDouble);
    at::Tensor out = at::ones({shape.tokens, shape.ff}, at::kDouble);
    const double seconds = bestSeconds(10, [&] { at::mm_out(out, in, weight); });
    return 2.0 * static_cast<double>(shape.tokens) * shape.width * shape.ff / seconds;
}
#else
double probe(const BlockShape&, int)
{
    return 0;
}
#endif

void measure(const BlockShape& shape, int threads)
{
    const ir::BlockIr block = randomBlock(shape);
    const ir::ReferenceInterpreter interpreter(block, threads);
    std::vector<double> input(static_cast<std::size_t>(shape.tokens * shape.width));
    for (std::size_t i = 0; i < input.size(); ++i)
        input[i] = static_cast<double>(i * 2654435761U % 1000) / 500 - 1;
    std::vector<std::int32_t> position(static_cast<std::size_t>(shape.tokens));
    std::iota(position.begin(), position.end(), 0);
    const double seconds = bestSeconds(5, [&] { (void)interpreter.run(input, position, RunContext()); });
    const double rate = operations(shape, block) / seconds;
    std::printf("%-36s %4lld tokens  %8.1f ms  %6.1f GF/s", shape.name, static_cast<long long>(shape.tokens),
                seconds * 1e3, rate * 1e-9);
    if (const double dgemm = probe(shape, threads); dgemm > 0)
        std::printf("  dgemm %6.1f GF/s  ratio %.2f", dgemm * 1e-9, rate / dgemm);
    std::printf("\n");
}

}

int main(int argc, char** argv)
{
    const int threads = argc > 1 ? std::atoi(argv[1]) : static_cast<int>(std::thread::hardware_concurrency());
    std::printf("%d threads\n", threads);
    for (const BlockShape& shape : {BlockShape{"demo (d 576, ff 1536, heads 9/3)", 576, 1536, 9, 3, 251},
                                    BlockShape{"demo (d 576, ff 1536, heads 9/3)", 576, 1536, 9, 3, 20},
                                    BlockShape{"TinyLlama (d 2048, ff 5632, 32/4)", 2048, 5632, 32, 4, 256}})
        measure(shape, threads);
    return 0;
}
