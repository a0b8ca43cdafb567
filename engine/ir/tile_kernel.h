// The one inner loop of the reference interpreter: a tile of tokens times a panel of outputs, in index order.
#pragma once

#include <cstddef>

namespace blockcert::ir {

// Outputs that are computed side by side. Vector registers lie across outputs, never across the summation index.
inline constexpr std::size_t panelWidth = 32;
inline constexpr std::size_t tileTokens = 4;

// sums[t][o] += Σ_i panel[i][o] · in[t][i], i = 0 … inputs−1, each term rounded, then added, then rounded: the same
// bits for every token count, compiler and vector width, as long as products and sums are not contracted (this is
// compiled with -ffp-contract=off and never with -ffast-math).
//   panel [inputs][panelWidth]    in [Tokens] rows, inStride apart    sums [Tokens][panelWidth]
template <std::size_t Tokens>
[[gnu::always_inline]] inline void accumulateTileBody(const double* __restrict panel, std::size_t inputs,
                                                      const double* __restrict in, std::size_t inStride,
                                                      double* __restrict sums)
{
    double local[Tokens][panelWidth]; // lives in registers
    for (std::size_t t = 0; t < Tokens; ++t)
        for (std::size_t o = 0; o < panelWidth; ++o)
            local[t][o] = sums[t * panelWidth + o];
    for (std::size_t i = 0; i < inputs; ++i)
        for (std::size_t t = 0; t < Tokens; ++t) {
            const double value = in[t * inStride + i];
            for (std::size_t o = 0; o < panelWidth; ++o)
                local[t][o] += panel[i * panelWidth + o] * value;
        }
    for (std::size_t t = 0; t < Tokens; ++t)
        for (std::size_t o = 0; o < panelWidth; ++o)
            sums[t * panelWidth + o] = local[t][o];
}

// The body above for `tokens` rows, compiled for several instruction sets; the processor's own is chosen at start-up.
void accumulate(const double* panel, std::size_t inputs, const double* in, std::size_t inStride, std::size_t tokens,
                double* sums);

}
