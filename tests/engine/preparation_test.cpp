// Work in the background of a run: tasks of several threads, surrogates made ahead, digests that are known.
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/model/parallel_tasks.h"
#include "engine/pipeline/surrogate_ahead.h"
#include "engine/pipeline/weight_digests.h"
#include "tests/engine/model_fixture.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <latch>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace blockcert::test {
namespace {

namespace fs = std::filesystem;
using pipeline::Surrogate;
using pipeline::SurrogateAhead;
using pipeline::Surrogates;
using pipeline::WeightDigests;

TEST(Tasks, OfOneThreadDoNotWaitForThoseOfAnother)
{
    model::setThreads(2);
    std::latch begun(1);
    std::atomic<bool> foregroundIsDone = false;
    std::atomic<bool> inTime = false;
    std::jthread other([&] {
        const model::BackgroundTasks background;
        std::atomic<bool> first = true;
        model::runTasks(4, RunContext(), [&](std::int64_t) {
            if (!first.exchange(false))
                return;
            begun.count_down();
            const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
            while (!foregroundIsDone && std::chrono::steady_clock::now() < end)
                std::this_thread::yield();
            inTime = foregroundIsDone.load();
        });
    });
    begun.wait();
    std::vector<std::atomic<int>> done(1000);
    model::runTasks(1000, RunContext(), [&](std::int64_t task) { ++done[static_cast<std::size_t>(task)]; });
    foregroundIsDone = true;
    other.join();
    EXPECT_TRUE(inTime);
    EXPECT_THAT(done, testing::Each(testing::Eq(1)));
    model::setThreads(0);
}

TEST(Tasks, OfManyThreadsAreEachDoneOnceAndFailForTheirOwnCaller)
{
    model::setThreads(4);
    std::vector<std::atomic<int>> done(8);
    std::vector<std::jthread> callers;
    std::atomic<int> failures = 0;
    for (std::size_t caller = 0; caller < done.size(); ++caller)
        callers.emplace_back([&, caller] {
            std::optional<model::BackgroundTasks> background;
            if (caller % 2 == 1)
                background.emplace();
            for (int round = 0; round < 200; ++round) {
                try {
                    model::runTasks(7, RunContext(), [&](std::int64_t) { ++done[caller]; });
                    model::runTasks(3, RunContext(), [&](std::int64_t task) {
                        if (caller == 2 && task == 1)
                            throw UsageError("of this caller");
                    });
                } catch (const UsageError&) {
                    ++failures;
                    EXPECT_EQ(caller, 2U);
                }
            }
        });
    callers.clear();
    EXPECT_THAT(done, testing::Each(testing::Eq(1400)));
    EXPECT_EQ(failures, 200);
    model::setThreads(0);
}

class Preparation : public testing::Test {
protected:
    Preparation()
    {
        std::string pattern = (fs::temp_directory_path() / "blockcert-preparation-XXXXXX").string();
        m_folder = ::mkdtemp(pattern.data());
        fs::copy(fixtureModel("llama-gqa"), m_folder / "model");
        m_checkpoint = std::make_shared<artifact::Checkpoint>(artifact::Checkpoint::open(m_folder / "model"));
        m_checkpoint->hashFiles(RunContext());
    }

    ~Preparation() override { fs::remove_all(m_folder); }

    Preparation(const Preparation&) = delete;
    Preparation& operator=(const Preparation&) = delete;

    fs::path m_folder;
    std::shared_ptr<artifact::Checkpoint> m_checkpoint;
};

void expectSame(const Surrogate& a, const Surrogate& b)
{
    EXPECT_EQ(a.block.weights, b.block.weights);
    EXPECT_EQ(a.block.mask, b.block.mask);
    EXPECT_EQ(a.block.ropeCos, b.block.ropeCos);
    for (const auto& [name, weight] : a.block.program.weights)
        EXPECT_EQ(weight.sha256, b.block.program.weights.at(name).sha256) << name;
}

TEST_F(Preparation, GivesWhatWouldHaveBeenMadeOnTheSpot)
{
    const Surrogates surrogates(*m_checkpoint, {});
    SurrogateAhead ahead(surrogates, 9);
    ahead.begin(LayerIndex{0});
    expectSame(ahead.take(LayerIndex{0}, RunContext()), surrogates.block(LayerIndex{0}, 9, RunContext()));
    ahead.begin(LayerIndex{0}); // dropped: another one is wanted
    expectSame(ahead.take(LayerIndex{1}, RunContext()), surrogates.block(LayerIndex{1}, 9, RunContext()));
    ahead.begin(LayerIndex{1});
    ahead.begin(LayerIndex{0});
    expectSame(ahead.take(LayerIndex{0}, RunContext()), surrogates.block(LayerIndex{0}, 9, RunContext()));
    ahead.begin(LayerIndex{1}); // never taken
}

TEST_F(Preparation, FailsWhereTheSurrogateIsTaken)
{
    const Surrogates surrogates(*m_checkpoint, {});
    fs::resize_file(m_folder / "model" / "model.safetensors", 4096);
    SurrogateAhead ahead(surrogates, 9);
    ahead.begin(LayerIndex{0});
    EXPECT_THROW((void)ahead.take(LayerIndex{0}, RunContext()), FileError);
    EXPECT_THROW((void)ahead.take(LayerIndex{0}, RunContext()), FileError); // made again, and on the spot
    ahead.begin(LayerIndex{1});                                             // nobody asks for it
}

TEST_F(Preparation, IsNotWaitedForAfterAStop)
{
    const Surrogates surrogates(*m_checkpoint, {});
    SurrogateAhead ahead(surrogates, 9);
    std::stop_source stop;
    stop.request_stop();
    ahead.begin(LayerIndex{0});
    EXPECT_THROW((void)ahead.take(LayerIndex{1}, RunContext(stop.get_token(), nullptr)), Cancelled);
}

TEST_F(Preparation, HashesAWeightOnceAsLongAsAReferenceLeadsToIt)
{
    const auto digests = std::make_shared<WeightDigests>();
    const Surrogates first(*m_checkpoint, {}, nullptr, digests);
    const Surrogate hashed = first.block(LayerIndex{1}, 9, RunContext());
    for (const auto& [name, weight] : hashed.block.program.weights) {
        EXPECT_EQ(weight.sha256, sha256OfTensor(hashed.block.weights.at(name))) << name;
        EXPECT_EQ(digests->find(*weight.reference), weight.sha256) << name;
        digests->add(*weight.reference, "known");
    }
    const Surrogate known = first.block(LayerIndex{1}, 9, RunContext());
    for (const auto& [name, weight] : known.block.program.weights)
        EXPECT_EQ(weight.sha256, "known") << name;
    RunRequest embedding;
    embedding.embedWeights = true;
    const Surrogate embedded =
        Surrogates(*m_checkpoint, embedding, nullptr, digests).block(LayerIndex{1}, 9, RunContext());
    for (const auto& [name, weight] : embedded.block.program.weights)
        EXPECT_EQ(weight.sha256, sha256OfTensor(embedded.block.weights.at(name))) << name;
    WeightReference unhashed = *known.block.program.weights.begin()->second.reference;
    unhashed.fileSha256.clear();
    digests->add(unhashed, "nothing");
    EXPECT_EQ(digests->find(unhashed), std::nullopt);
}

}
}
