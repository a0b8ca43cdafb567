#include "engine/ir/tile_kernel.h"

// Under the thread sanitizer the choice at start-up crashes; one version must do there.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define BLOCKCERT_CLONES [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define BLOCKCERT_CLONES
#endif

namespace blockcert::ir {

namespace {

BLOCKCERT_CLONES void accumulateTile(const double* panel, std::size_t inputs, const double* in, std::size_t inStride,
                                     double* sums)
{
    accumulateTileBody<tileTokens>(panel, inputs, in, inStride, sums);
}

BLOCKCERT_CLONES void accumulateToken(const double* panel, std::size_t inputs, const double* in, std::size_t inStride,
                                      double* sums)
{
    accumulateTileBody<1>(panel, inputs, in, inStride, sums);
}

}

void accumulate(const double* panel, std::size_t inputs, const double* in, std::size_t inStride, std::size_t tokens,
                double* sums)
{
    std::size_t t = 0;
    for (; t + tileTokens <= tokens; t += tileTokens)
        accumulateTile(panel, inputs, in + t * inStride, inStride, sums + t * panelWidth);
    for (; t < tokens; ++t)
        accumulateToken(panel, inputs, in + t * inStride, inStride, sums + t * panelWidth);
}

}
