// A block for a few rows in plain loops against the same block in LibTorch's calls: the same bits.
#include "engine/model/kv_cache.h"
#include "engine/model/weight_arena.h"
#include "tests/engine/model_fixture.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace blockcert::test {
namespace {

using model::Batch;
using model::ForwardOptions;
using model::KvCache;
using model::Transformer;

class DecodeBlock : public testing::TestWithParam<std::tuple<std::string, DType>> {
protected:
    // The state behind the last block, and what the cache then holds.
    struct Pass {
        at::Tensor state;
        std::vector<at::Tensor> kept;
    };

    // Prompts of these lengths are in the cache; the next `counts` tokens of each are decoded in one pass.
    static Pass decoded(Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts,
                        const std::vector<std::int64_t>& counts, model::Taps* taps)
    {
        std::vector<std::int64_t> capacity;
        Batch first;
        Batch next;
        std::vector<TokenId> firstIds;
        std::vector<TokenId> nextIds;
        for (std::size_t p = 0; p < prompts.size(); ++p) {
            const auto length = static_cast<std::int64_t>(prompts[p].size());
            capacity.push_back(length);
            first.add(length - counts[p]);
            next.add(counts[p], length - counts[p]);
            firstIds.insert(firstIds.end(), prompts[p].begin(), prompts[p].end() - counts[p]);
            nextIds.insert(nextIds.end(), prompts[p].end() - counts[p], prompts[p].end());
        }
        KvCache cache(transformer.config(), capacity, transformer.dtype(), at::Device(at::kCPU));
        ForwardOptions options;
        options.cache = &cache;
        const RunContext context;
        (void)transformer.forwardFrom({0}, transformer.embed(firstIds, first), first, options, context);
        options.decoding = true;
        options.taps = taps;
        Pass pass;
        pass.state = transformer.forwardFrom({0}, transformer.embed(nextIds, next), next, options, context);
        for (std::int32_t layer = 0; layer < transformer.config().layers; ++layer)
            for (std::size_t p = 0; p < prompts.size(); ++p) {
                pass.kept.push_back(cache.keys({layer}, static_cast<std::int64_t>(p), capacity[p]).clone());
                pass.kept.push_back(cache.values({layer}, static_cast<std::int64_t>(p), capacity[p]).clone());
            }
        return pass;
    }
};

INSTANTIATE_TEST_SUITE_P(Models, DecodeBlock,
                         testing::Combine(testing::Values("llama-gqa", "llama-bias", "llama-mqa-untied"),
                                          testing::Values(DType::F32, DType::BF16, DType::F16)),
                         [](const auto& models) {
                             std::string name =
                                 std::get<0>(models.param) + "_" + nameOf(std::get<1>(models.param)).data();
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

// Who taps a pass gets LibTorch's calls.
TEST_P(DecodeBlock, HasTheBitsOfTheCalls)
{
    const auto& [name, dtype] = GetParam();
    Transformer transformer = loadModel(fixtureModel(name), dtype);
    const TransformerConfig& config = transformer.config();
    for (const std::int64_t width : std::vector<std::int64_t>{config.dModel, config.queryWidth(), config.dFf})
        ASSERT_EQ(width % 8, 0) << "padded weights are never decoded in loops";
    const auto prompts = somePrompts({9, 17, 30, 12}, 288);
    for (const std::vector<std::int64_t>& counts :
         {std::vector<std::int64_t>{1}, {3}, {1, 2}, {1, 1, 1, 1}, {2, 2, 1}}) { // the last has too many rows
        const std::vector<std::vector<TokenId>> some(prompts.begin(),
                                                     prompts.begin() + static_cast<std::ptrdiff_t>(counts.size()));
        RecordingTaps taps;
        const Pass calls = decoded(transformer, some, counts, &taps);
        const Pass loops = decoded(transformer, some, counts, nullptr);
        EXPECT_TRUE(loops.state.equal(calls.state)) << counts.size() << " prompts";
        for (std::size_t i = 0; i < calls.kept.size(); ++i)
            ASSERT_TRUE(loops.kept[i].equal(calls.kept[i])) << "the cache, place " << i;
    }
}

TEST(WeightArena, GivesTensorsThatDoNotOverlapAndOutliveIt)
{
    const at::TensorOptions options = at::TensorOptions().dtype(at::kFloat);
    std::vector<at::Tensor> taken;
    {
        model::WeightArena arena(std::size_t{3} << 20, options);
        for (const std::int64_t rows : {1000, 7, 1024, 500, 400000}) // the last does not fit any more
            taken.push_back(arena.take({rows, 256}).fill_(static_cast<double>(taken.size())));
    }
    for (std::size_t i = 0; i < taken.size(); ++i) {
        EXPECT_TRUE(taken[i].eq(static_cast<double>(i)).all().item<bool>()) << i;
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(taken[i].data_ptr()) % 64, 0U);
        EXPECT_TRUE(taken[i].is_contiguous());
    }
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(taken[0].data_ptr()) % (std::uintptr_t{2} << 20), 0U);
}

}
}
