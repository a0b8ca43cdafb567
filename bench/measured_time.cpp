#include "bench/measured_time.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>
#include <utility>

namespace blockcert::bench {

namespace {

double cpuSeconds()
{
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

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

}
