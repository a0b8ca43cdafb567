#include "engine/generate/highest_logit.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <array>
#include <limits>

// Compiled with -O3: the inner loops become vectors.
namespace blockcert::generate {
namespace {

constexpr std::size_t lanes = 32;

struct Highest {
    float first = -std::numeric_limits<float>::infinity();
    float second = -std::numeric_limits<float>::infinity();

    void take(float value)
    {
        second = value > first ? first : value > second ? value : second;
        first = value > first ? value : first;
    }
};

}

Choice highestLogit(std::span<const float> logits)
{
    std::array<float, lanes> first;
    std::array<float, lanes> second;
    first.fill(Highest().first);
    second.fill(Highest().second);
    std::size_t i = 0;
    for (; i + lanes <= logits.size(); i += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const float value = logits[i + lane];
            const float lower = value > second[lane] ? value : second[lane];
            second[lane] = value > first[lane] ? first[lane] : lower;
            first[lane] = value > first[lane] ? value : first[lane];
        }
    Highest all;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        all.take(first[lane]);
        all.take(second[lane]);
    }
    for (; i < logits.size(); ++i)
        all.take(logits[i]);

    Choice choice;
    if (const auto found = std::ranges::find(logits, all.first); all.first > Highest().first)
        choice.id = static_cast<TokenId>(found - logits.begin());
    choice.margin = static_cast<double>(all.first) - static_cast<double>(all.second);
    return choice;
}

Choice highestLogit(const at::Tensor& logits)
{
    const at::Tensor row = logits.to(at::Device(at::kCPU), at::kFloat).contiguous();
    return highestLogit(std::span(row.const_data_ptr<float>(), static_cast<std::size_t>(row.size(0))));
}

}
