// Exact losses of all blocks in one pass: the bits of separate suffix runs, with and without the rows that are known.
#include "engine/artifact/tensor_archive.h"
#include "engine/base/atomic_file.h"
#include "engine/certificate/run_layout.h"
#include "engine/model/predictions.h"
#include "engine/model/row_tree.h"
#include "engine/pipeline/measure_cells.h"
#include "engine/pipeline/pipeline.h"
#include "engine/replay/torch_interpreter.h"
#include "tests/engine/block_fixture.h"
#include "tests/engine/model_fixture.h"

#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <map>
#include <set>
#include <span>

namespace blockcert::test {
namespace {

namespace fs = std::filesystem;
using pipeline::CertifyOptions;
using pipeline::ModelCache;

// Shared beginnings, a prompt twice, one that is the beginning of another, one alone, one of a single token.
const std::vector<std::vector<TokenId>> prompts = {{5,  17, 200, 31, 4,  90, 12, 7,  8,  9,  10, 11,
                                                    12, 13, 14,  15, 16, 17, 18, 19, 20, 21, 22, 23,
                                                    24, 25, 26,  27, 28, 29, 30, 31, 32, 33, 34, 35},
                                                   {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                                                   {5, 17, 200, 31, 4, 91, 3},
                                                   {5, 17, 200},
                                                   {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                                                   {77},
                                                   {5, 17, 200, 31, 4, 91, 3, 60, 61}};

std::string asFile()
{
    std::string text;
    for (std::size_t p = 0; p < prompts.size(); ++p)
        text += Json({{"id", "p" + std::to_string(p)}, {"token_ids", prompts[p]}}).dump() + "\n";
    return text;
}

class RunFolder {
protected:
    RunFolder()
    {
        std::string pattern = (fs::temp_directory_path() / "blockcert-wave-XXXXXX").string();
        m_folder = ::mkdtemp(pattern.data());
    }

    ~RunFolder() { fs::remove_all(m_folder); }

    RunFolder(const RunFolder&) = delete;
    RunFolder& operator=(const RunFolder&) = delete;

    [[nodiscard]] CertifyOptions optionsOf(const std::string& run) const
    {
        CertifyOptions made;
        made.prompts.content = asFile();
        made.prompts.name = "seven";
        made.out = m_folder / run;
        made.created = "2026-01-02T03:04:05Z";
        made.commandLine = "blockcert certify …";
        return made;
    }

    fs::path m_folder;
};

class Wave : public testing::TestWithParam<std::tuple<std::string, DType>>, protected RunFolder {
protected:
    [[nodiscard]] CertifyOptions options(const std::string& run) const
    {
        CertifyOptions made = optionsOf(run);
        made.model.model = fixtureModel(std::get<0>(GetParam())).string();
        made.model.dtype = std::get<1>(GetParam());
        return made;
    }
};

class DemoWave : public testing::TestWithParam<DType>, protected RunFolder {};

template <class Number>
std::vector<Number> numbersOf(const HostTensor& tensor)
{
    std::vector<Number> numbers(tensor.bytes.size() / sizeof(Number));
    std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
    return numbers;
}

// Block `layer` replaced and everything behind it run by itself, one prompt at a time.
model::Predictions separateSuffix(model::Transformer& transformer, const artifact::Checkpoint& checkpoint,
                                  LayerIndex layer, const std::vector<TokenId>& prompt, std::int64_t longest)
{
    const RunContext context;
    model::Batch batch;
    batch.add(static_cast<std::int64_t>(prompt.size()));
    model::ForwardOptions before;
    before.end = layer.value;
    const at::Tensor input =
        transformer.forwardFrom(LayerIndex{0}, transformer.embed(prompt, batch), batch, before, context);
    const ir::BlockIr block = blockOf(checkpoint, layer, longest, transformer.dtype());
    replay::TorchInterpreter interpreter(block, DType::F64, transformer.device(),
                                         transformer.tilingForReplay(DType::F64, context).tiling, context);
    const ir::BlockReplay replay = interpreter.run(input, batch, context).front();
    const at::Tensor stitched = model::toTensor(
        pipeline::roundedOutput(replay, transformer.config().dModel, transformer.dtype()), transformer.device());
    return model::predict(transformer,
                          transformer.forwardFrom(LayerIndex{layer.value + 1}, stitched, batch, {}, context), batch,
                          prompt, context);
}

void expectBitsOfSeparateSuffixes(const CertifyOptions& asked, std::span<const std::int32_t> layers)
{
    const auto checkpoint = openModel(asked.model.model);
    model::Transformer transformer = loadModel(asked.model.model, asked.model.dtype);
    for (const std::int32_t layer : layers) {
        const auto probes = artifact::openOwnArchive(asked.out / certificate::probesPath({layer}));
        const auto losses = numbersOf<double>(probes->readAll("loss_stitched"));
        const auto ids = numbersOf<std::int32_t>(probes->readAll("top_id_stitched"));
        const auto logits = numbersOf<double>(probes->readAll("top_logit_stitched"));
        std::vector<double> expectedLosses;
        std::vector<std::int32_t> expectedIds;
        std::vector<double> expectedLogits;
        for (const auto& prompt : prompts) {
            const model::Predictions own = separateSuffix(transformer, *checkpoint, {layer}, prompt, 36);
            expectedLosses.insert(expectedLosses.end(), own.nll.begin(), own.nll.end());
            expectedIds.insert(expectedIds.end(), own.topId.begin(), own.topId.end());
            expectedLogits.insert(expectedLogits.end(), own.topLogit.begin(), own.topLogit.end());
        }
        EXPECT_EQ(losses, expectedLosses) << "block " << layer;
        EXPECT_EQ(ids, expectedIds) << "block " << layer;
        EXPECT_EQ(logits, expectedLogits) << "block " << layer;
    }
}

TEST_P(Wave, HasTheBitsOfSeparateSuffixRuns)
{
    ModelCache cache({});
    const CertifyOptions asked = options("run");
    const Json result = pipeline::certify(asked, cache, RunContext());
    EXPECT_GT(result.at("work").at("rows_skipped"), 0);
    std::vector<std::int32_t> layers;
    for (const Json& block : result.at("blocks"))
        layers.push_back(block.at("block").get<std::int32_t>());
    EXPECT_FALSE(layers.empty());
    expectBitsOfSeparateSuffixes(asked, layers);
}

// The same on a model that has learned something, whose surrogates differ from the baseline everywhere.
TEST_P(DemoWave, HasTheBitsOfSeparateSuffixRuns)
{
    if (demoModel().empty())
        GTEST_SKIP() << "the demo model is not set up";
    ModelCache cache({});
    CertifyOptions asked = optionsOf("run");
    asked.model.model = demoModel().string();
    asked.model.dtype = GetParam();
    asked.blocks = "0,11,22,29";
    (void)pipeline::certify(asked, cache, RunContext());
    expectBitsOfSeparateSuffixes(asked, std::array<std::int32_t, 4>{0, 11, 22, 29});
}

INSTANTIATE_TEST_SUITE_P(All, DemoWave, testing::Values(DType::F32, DType::BF16),
                         [](const auto& dtype) { return std::string(nameOf(dtype.param)); });

std::map<std::string, std::string> filesOf(const fs::path& run)
{
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(run))
        if (entry.is_regular_file())
            files[fs::relative(entry.path(), run).string()] = readWholeFile(entry.path(), 64U << 20U);
    return files;
}

TEST_P(Wave, KnownRowsAreSkippedWithoutAnyInfluence)
{
    ModelCache cache({});
    const Json skipping = pipeline::certify(options("skipping"), cache, RunContext());
    CertifyOptions asked = options("computing");
    asked.skipKnownRows = false;
    const Json computing = pipeline::certify(asked, cache, RunContext());
    EXPECT_EQ(computing.at("work").at("rows_skipped"), 0);
    EXPECT_EQ(skipping.at("work").at("rows").get<std::int64_t>() +
                  skipping.at("work").at("rows_skipped").get<std::int64_t>(),
              computing.at("work").at("rows"));
    EXPECT_EQ(filesOf(m_folder / "skipping"), filesOf(m_folder / "computing"));
}

// Stopped at every place where something has been finished, the state saved after every block.
TEST_P(Wave, AStoppedWaveGoesOnFromItsSavedStateToTheSameBytes)
{
    ModelCache cache({});
    (void)pipeline::certify(options("whole"), cache, RunContext());
    CertifyOptions asked = options("resumed");
    asked.saveInterval = std::chrono::milliseconds(0);
    bool finished = false;
    std::int64_t mostRows = 0;
    std::int64_t lastRows = 0;
    for (int stops = 0; !finished; ++stops, asked.resume = true) {
        ASSERT_LT(stops, 200);
        std::stop_source stop;
        int left = 2 + stops % 7;
        const RunContext context(stop.get_token(), [&](const Progress& progress) {
            if ((progress.stage == "replay" || progress.stage == "loss") && progress.done > 0 && --left == 0)
                stop.request_stop();
        });
        try {
            const Json result = pipeline::certify(asked, cache, context);
            finished = true;
            lastRows = result.at("work").at("rows").get<std::int64_t>();
        } catch (const Cancelled&) {
            if (fs::exists(asked.out / ".work" / "wave.state"))
                ++mostRows;
        }
    }
    EXPECT_GT(mostRows, 0) << "the wave's state was never saved";
    EXPECT_EQ(lastRows, 0) << "the last run computed blocks again that the saved state has behind it";
    EXPECT_EQ(filesOf(m_folder / "whole"), filesOf(asked.out));
}

TEST_P(Wave, ADamagedOrForeignStateIsNotUsed)
{
    ModelCache cache({});
    (void)pipeline::certify(options("whole"), cache, RunContext());
    CertifyOptions asked = options("run");
    asked.saveInterval = std::chrono::milliseconds(0);
    const auto stopLate = [&] {
        std::stop_source stop;
        const RunContext context(stop.get_token(), [&](const Progress& progress) {
            if (progress.stage == "loss" && progress.done * 2 > progress.total)
                stop.request_stop();
        });
        EXPECT_THROW((void)pipeline::certify(asked, cache, context), Cancelled);
        asked.resume = true;
    };
    stopLate();
    const fs::path state = asked.out / ".work" / "wave.state";
    ASSERT_TRUE(fs::exists(state));
    std::string bytes = readWholeFile(state, 64U << 20U);
    for (const std::size_t at : {std::size_t{3}, std::size_t{20}, bytes.size() / 2, bytes.size() - 1}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        writeFileAtomically(state, damaged);
        stopLate();
    }
    writeFileAtomically(state, bytes.substr(0, bytes.size() / 2));
    stopLate();
    (void)pipeline::certify(asked, cache, RunContext());
    EXPECT_EQ(filesOf(m_folder / "whole"), filesOf(asked.out));
}

INSTANTIATE_TEST_SUITE_P(All, Wave,
                         testing::Values(std::tuple{"gpt2", DType::F32}, std::tuple{"gpt2", DType::F16},
                                         std::tuple{"llama-gqa", DType::F32}, std::tuple{"llama-gqa", DType::BF16},
                                         std::tuple{"llama-gqa", DType::F16}, std::tuple{"llama-bias", DType::F32}));

TEST(RowTree, HoldsEveryPrefixOnce)
{
    const auto prefixes = model::sharedPrefixes(prompts, true);
    std::vector<std::int64_t> lengths;
    std::int64_t distinct = 0;
    std::set<std::vector<TokenId>> seen;
    for (const auto& prompt : prompts) {
        lengths.push_back(static_cast<std::int64_t>(prompt.size()));
        for (std::size_t n = 1; n <= prompt.size(); ++n)
            distinct += seen.insert({prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(n)}).second ? 1 : 0;
    }
    const model::RowTree tree = model::treeOf(lengths, prefixes);
    EXPECT_EQ(tree.rows, distinct);
    // Two positions are one row exactly if their prefixes are equal.
    std::map<std::int64_t, std::vector<TokenId>> prefixOf;
    for (std::size_t p = 0; p < prompts.size(); ++p) {
        const auto rows = tree.rowsOf(static_cast<std::int64_t>(p));
        ASSERT_EQ(rows.size(), prompts[p].size());
        for (std::size_t t = 0; t < rows.size(); ++t) {
            const std::vector<TokenId> prefix(prompts[p].begin(),
                                              prompts[p].begin() + static_cast<std::ptrdiff_t>(t) + 1);
            EXPECT_TRUE(rows[t].first);
            EXPECT_EQ(prefixOf.emplace(rows[t].second, prefix).first->second, prefix);
        }
    }
}

}
}
