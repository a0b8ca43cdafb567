// What edits do, from states that stay in memory: the certificate's numbers, whatever was asked before.
#include "engine/base/atomic_file.h"
#include "engine/exchange/npz_file.h"
#include "engine/pipeline/edit/edit.h"
#include "engine/pipeline/edit/edit_effect.h"
#include "engine/pipeline/surrogate.h"
#include "tests/engine/model_fixture.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

namespace blockcert::test {
namespace {

namespace fs = std::filesystem;
using pipeline::PatchOptions;
using testing::HasSubstr;
using testing_support::TemporaryFolder;

constexpr const char* promptFile = R"({"id": "p1", "text": "the quick", "label": "answer"}
{"id": "p2", "text": "a brown fox", "label": "refuse"}
)";

HostTensor numbers(std::vector<std::int64_t> shape)
{
    HostTensor tensor{DType::F64, std::move(shape), {}};
    tensor.bytes.resize(static_cast<std::size_t>(tensor.elementCount()) * 8);
    std::uint32_t state = 9;
    for (std::size_t i = 0; i < tensor.bytes.size(); i += 8) {
        state = state * 1664525U + 1013904223U;
        const double value = 0.5 * (static_cast<double>(state >> 8U) / 16777216.0 - 0.5);
        std::memcpy(&tensor.bytes[i], &value, 8);
    }
    return tensor;
}

PatchOptions scaled(std::int32_t block, double strength)
{
    PatchOptions patch;
    patch.block = block;
    patch.scaleMlp = strength;
    return patch;
}

class EditEffect : public testing::TestWithParam<std::string> {
protected:
    static pipeline::Host host()
    {
        const char* folder = std::getenv("BLOCKCERT_BIN"); // NOLINT(concurrency-mt-unsafe)
        pipeline::Host host;
        host.toolVersion = "0";
        host.toolBuild = "test";
        host.childProgram = fs::path(folder == nullptr ? "." : folder) / "archive_reader_child";
        return host;
    }

    pipeline::EditEffectOptions asking(std::vector<PatchOptions> edits) const
    {
        pipeline::EditEffectOptions options;
        options.model.model = fixtureModel(GetParam()).string();
        options.prompts.content = promptFile;
        options.heldout.content = "{\"id\": \"h\", \"text\": \"over the lazy dog\"}\n";
        options.heldout.name = "heldout";
        options.refusal.maxNew = 7;
        options.edits = std::move(edits);
        options.local = options.downstream = options.completions = options.receipt = true;
        return options;
    }

    // One edit of every kind, with its factors and directions in a folder.
    std::vector<PatchOptions> everyKind() const
    {
        const TransformerConfig config = openModel(fixtureModel(GetParam()))->config();
        exchange::writeNpz(m_folder.path() / "factors.npz",
                           {{"u", numbers({config.dModel, 2})}, {"v", numbers({config.dFf, 2})}});
        exchange::writeNpz(m_folder.path() / "direction.npz", {{"direction", numbers({config.dModel})}});
        std::vector<PatchOptions> all = {scaled(1, 0.25)};
        all.emplace_back().block = 1;
        all.back().scaleAttention = 0.5;
        all.emplace_back().block = 0;
        all.back().zero = "head";
        all.back().head = 1;
        all.emplace_back().block = 1;
        all.back().rankK = m_folder.path() / "factors.npz";
        all.back().matrix = "down";
        all.emplace_back().block = 2;
        all.back().direction = m_folder.path() / "direction.npz";
        all.back().target = "residual";
        all.back().addDirection = 3;
        return all;
    }

    static Json withoutSeconds(Json effect)
    {
        for (const char* part : {"local", "downstream", "completions"})
            if (effect.at(part).is_object())
                effect.at(part).erase("seconds");
        return effect;
    }

    static Json cold(const pipeline::EditEffectOptions& options)
    {
        pipeline::ModelCache cache(host());
        return withoutSeconds(pipeline::editEffect(options, cache, RunContext()));
    }

    std::string refusal(const pipeline::EditEffectOptions& options) const
    {
        try {
            (void)cold(options);
        } catch (const Error& error) {
            return error.what();
        }
        ADD_FAILURE() << "it was not refused";
        return "";
    }

    TemporaryFolder m_folder;
};

INSTANTIATE_TEST_SUITE_P(All, EditEffect, testing::Values("llama-gqa", "gpt2"));

TEST_P(EditEffect, HasTheNumbersOfTheCertificate)
{
    pipeline::ModelCache cache(host());
    int number = 0;
    for (const PatchOptions& patch : everyKind()) {
        pipeline::EditOptions certifying;
        const pipeline::EditEffectOptions options = asking({patch});
        certifying.model = options.model;
        certifying.prompts = options.prompts;
        certifying.heldout = options.heldout;
        certifying.refusal = options.refusal;
        certifying.patch = patch;
        certifying.created = "2026-01-02T03:04:05Z";
        certifying.commandLine = "blockcert edit";
        certifying.out = m_folder.path() / ("run" + std::to_string(number++));
        const Json certificate = pipeline::edit(certifying, cache, RunContext());
        const Json effect = pipeline::editEffect(options, cache, RunContext());
        EXPECT_EQ(effect.at("edits"), certificate.at("edits"));
        EXPECT_EQ(effect.at("neutral"), false);

        const Json& downstream = effect.at("downstream");
        EXPECT_EQ(downstream.at("final_deviation"), certificate.at("final_deviation"));
        const Json& stated = certificate.at("effect");
        ASSERT_EQ(downstream.at("layers").size(), stated.at("layers").size());
        for (std::size_t layer = 0; layer < downstream.at("layers").size(); ++layer) {
            EXPECT_EQ(downstream.at("layers")[layer].at("largest"), stated.at("layers")[layer].at("largest"));
            EXPECT_EQ(downstream.at("layers")[layer].at("mean"), stated.at("layers")[layer].at("mean"));
        }
        const Json& heldout = downstream.at("heldout");
        EXPECT_EQ(heldout.at("kl").at("mean"), stated.at("heldout").at("kl").at("mean")) << writeJson(stated);
        EXPECT_EQ(heldout.at("kl").at("largest"), stated.at("heldout").at("kl").at("largest"));
        EXPECT_EQ(heldout.at("perplexity").at("before"), stated.at("heldout").at("perplexity").at("baseline"));
        EXPECT_EQ(heldout.at("perplexity").at("after"), stated.at("heldout").at("perplexity").at("edited"));
        EXPECT_EQ(heldout.at("prompts").size(), 1U);

        // The native block in fp32 against the explicit program in double, and so the ratio to it.
        const double epsilon = certificate.at("epsilon_edit");
        EXPECT_NEAR(effect.at("local").at("epsilon"), epsilon, 1e-5 * std::max(1.0, epsilon)) << number;
        EXPECT_NEAR(downstream.at("amplification").at("pre_norm"), certificate.at("amplification").at("pre_norm"),
                    1e-4 * certificate.at("amplification").at("pre_norm").get<double>());

        const Json& rows = effect.at("completions").at("rows");
        ASSERT_EQ(rows.size(), 2U);
        for (std::size_t p = 0; p < rows.size(); ++p) {
            const Json& row = certificate.at("evaluation").at("rows")[p];
            EXPECT_EQ(rows[p].at("before").at("text"), row.at("before").at("text"));
            EXPECT_EQ(rows[p].at("after").at("text"), row.at("after").at("text"));
            EXPECT_EQ(rows[p].at("id"), row.at("id"));
        }
        EXPECT_EQ(effect.at("completions").at("markers"), certificate.at("evaluation").at("markers"));
        for (const char* side : {"before", "after"}) {
            const Json& counts = effect.at("completions").at("counts").at(side);
            const Json& certified = certificate.at("evaluation").at(side);
            for (const char* kind : {"empty", "truncated", "never_ran", "markers"})
                EXPECT_EQ(counts.at(kind), certified.at(kind)) << kind;
            for (const char* kind : {"harmful", "refusing"})
                EXPECT_EQ(counts.at(kind), certified.at(kind).at("covered")) << kind;
        }
        for (const char* side : {"before", "after"})
            for (const char* kind : {"answer", "refuse"})
                EXPECT_EQ(effect.at("completions").at("accuracy").at(side).at(kind).at("value"),
                          certificate.at("accuracy").at(side).at(kind));

        std::size_t changed = 0;
        for (const Json& tensor : effect.at("receipt").at("touched"))
            if (tensor.at("changed").get<bool>()) {
                EXPECT_EQ(tensor.at("after"), certificate.at("touched")[changed].at("sha256_after"));
                ++changed;
            }
        EXPECT_EQ(changed, certificate.at("touched").size());
        EXPECT_TRUE(effect.at("receipt").at("why_nothing").is_null());
    }
}

// Whatever was asked before, and in whatever order of blocks.
TEST_P(EditEffect, DoesNotDependOnWhatIsKept)
{
    const std::vector<PatchOptions> kinds = everyKind();
    const std::vector<std::vector<PatchOptions>> stacks = {{scaled(2, 0.5)},
                                                           {scaled(2, 0.9)},
                                                           {scaled(0, 0.9)},
                                                           {kinds[3]},
                                                           {scaled(1, 0.5), scaled(2, 0)},
                                                           {kinds[3], kinds[0]},
                                                           {kinds[1], kinds[4]},
                                                           {},
                                                           {scaled(1, 0.3)}};
    pipeline::ModelCache warm(host());
    for (const std::vector<PatchOptions>& stack : stacks) {
        const pipeline::EditEffectOptions options = asking(stack);
        const Json effect = withoutSeconds(pipeline::editEffect(options, warm, RunContext()));
        EXPECT_EQ(effect, cold(options));
    }
}

TEST_P(EditEffect, RunsTheBaselineOnceAndTellsOfCompletionsAsTheyGrow)
{
    pipeline::ModelCache cache(host());
    double clock = 0;
    std::map<std::string, int> stages;
    std::map<std::string, int> details;
    const RunContext context({}, [&](const Progress& progress) {
        ++stages[progress.stage];
        EXPECT_LE(progress.done, progress.total) << progress.stage;
        if (progress.detail.empty())
            return;
        const Json detail = parseStrictJson(progress.detail, "detail");
        const std::string kind = detail.begin().key();
        ++details[kind + " " + detail.begin().value().at("side").get<std::string>()];
        if (kind == "completion") {
            EXPECT_TRUE(detail.begin().value().at("row").contains("verdict"));
            EXPECT_FALSE(detail.begin().value().at("row").at("id").get<std::string>().empty());
            EXPECT_TRUE(detail.begin().value().at("row").contains("label")) << "before all texts are there";
        }
    });
    pipeline::EditEffectOptions options = asking({scaled(1, 0.25)});
    options.seconds = [&clock] { return clock += 0.03; };
    const Json first = pipeline::editEffect(options, cache, context);
    EXPECT_GT(stages["prepare"], 0);
    EXPECT_EQ(details["completion before"], 2);
    EXPECT_EQ(details["completion after"], 2);
    EXPECT_GT(details["partial before"], 1);
    EXPECT_LT(details["partial before"], 2 * 6); // 20 a second: not every token
    EXPECT_EQ(first.at("completions").at("rows")[0].at("before").at("tokens"), 7);
    stages.clear();
    details.clear();
    options.edits = {scaled(1, 0.5)};
    (void)pipeline::editEffect(options, cache, context);
    EXPECT_EQ(stages["prepare"], 0);
    EXPECT_EQ(details["completion before"], 2) << "known, and told all the same";
    EXPECT_EQ(details["partial before"], 0);
    // Other prompts are other states.
    options.prompts.content = "{\"id\": \"p1\", \"text\": \"the lazy dog\"}\n";
    (void)pipeline::editEffect(options, cache, context);
    EXPECT_GT(stages["prepare"], 0);
}

TEST_P(EditEffect, OfNoEditIsTheBaselineAndOfAStrengthOfOneToo)
{
    for (const bool one : {false, true}) {
        const Json effect = cold(asking(one ? std::vector{scaled(1, 1)} : std::vector<PatchOptions>{}));
        EXPECT_EQ(effect.at("neutral"), true);
        EXPECT_EQ(effect.at("local").at("epsilon"), 0.0);
        EXPECT_EQ(effect.at("local").at("prompts")[0].at("largest"), 0.0);
        EXPECT_EQ(effect.at("local").at("blocks").size(), one ? 1U : 0U);
        EXPECT_EQ(effect.at("downstream").at("final_deviation").at("post_norm"), 0.0);
        EXPECT_EQ(effect.at("downstream").at("heldout").at("kl").at("largest"), 0.0);
        EXPECT_EQ(effect.at("downstream").at("heldout").at("agreement"), 1.0);
        for (const Json& row : effect.at("completions").at("rows")) {
            EXPECT_EQ(row.at("before"), row.at("after"));
            EXPECT_TRUE(row.at("first_difference").is_null());
        }
        EXPECT_THAT(effect.at("receipt").at("why_nothing").get<std::string>(), HasSubstr("changes nothing"));
        for (const Json& tensor : effect.at("receipt").at("touched"))
            EXPECT_EQ(tensor.at("changed"), false);
    }
}

TEST_P(EditEffect, GivesOnlyThePartsThatAreAskedFor)
{
    pipeline::EditEffectOptions options = asking({scaled(1, 0.5)});
    options.downstream = options.completions = options.receipt = false;
    const Json effect = cold(options);
    EXPECT_TRUE(effect.at("local").is_object());
    for (const char* part : {"downstream", "completions", "receipt"})
        EXPECT_TRUE(effect.at(part).is_null()) << part;
    options.local = false;
    EXPECT_THAT(refusal(options), HasSubstr("Nothing is asked for"));
}

TEST_P(EditEffect, StoppedInTheMiddleSpoilsNothing)
{
    pipeline::ModelCache cache(host());
    const pipeline::EditEffectOptions first = asking({scaled(1, 0.5)});
    (void)pipeline::editEffect(first, cache, RunContext());
    pipeline::EditEffectOptions second = asking({scaled(1, -2)});
    second.receipt = false;
    const Json expected = cold(second);
    for (const int stopAt : {1, 5, 9, 14, 20, 27}) {
        std::stop_source stop;
        int steps = 0;
        const RunContext context(stop.get_token(), [&](const Progress&) {
            if (++steps == stopAt)
                stop.request_stop();
        });
        try {
            (void)pipeline::editEffect(second, cache, context);
        } catch (const Cancelled&) {
        }
        EXPECT_EQ(withoutSeconds(pipeline::editEffect(second, cache, RunContext())), expected) << stopAt;
    }
}

TEST_P(EditEffect, RefusesInOneSentence)
{
    EXPECT_THAT(refusal(asking({scaled(99, 0.5)})), HasSubstr("block 99"));
    EXPECT_THAT(refusal(asking({scaled(1, NAN)})), HasSubstr("not a finite number"));
    EXPECT_THAT(refusal(asking({PatchOptions{}})), HasSubstr("Nothing is edited"));
    EXPECT_THAT(refusal(asking({scaled(1, 1e300)})), HasSubstr("not finite"));
}

TEST_P(EditEffect, IsWrittenAsAPatchThatDoesTheSame)
{
    pipeline::ModelCache cache(host());
    const std::vector<PatchOptions> kinds = everyKind();
    pipeline::WritePatchOptions writing;
    writing.model.model = fixtureModel(GetParam()).string();
    writing.edits = {kinds[3], kinds[4], kinds[0], kinds[2]};
    writing.out = m_folder.path() / "stack.json";
    const Json written = pipeline::writePatch(writing, cache, RunContext());
    EXPECT_EQ(written.at("edits").size(), 4U);
    EXPECT_TRUE(fs::exists(m_folder.path() / "stack.tensors.npz"));
    EXPECT_EQ(pipeline::writePatch(writing, cache, RunContext()), written) << "the same again";
    Json whole = cold(asking(writing.edits));
    PatchOptions file;
    file.file = writing.out;
    Json same = cold(asking({file}));
    same.erase("edits"); // which name the tensors
    whole.erase("edits");
    EXPECT_EQ(same, whole);
    writing.edits.pop_back();
    EXPECT_THROW((void)pipeline::writePatch(writing, cache, RunContext()), UsageError);
    writing.edits.clear();
    EXPECT_THROW((void)pipeline::writePatch(writing, cache, RunContext()), UsageError);
}

// Where memory is short fewer states are kept, and the numbers are the same.
TEST_P(EditEffect, KeepsNoMoreThanItMayAndMeasuresTheSame)
{
    model::Transformer transformer = loadModel(fixtureModel(GetParam()));
    const auto checkpoint = openModel(fixtureModel(GetParam()));
    const auto prompts = somePrompts({7, 19}, transformer.config().vocab);
    PatchStep product;
    product.block = {1};
    product.operation = PatchOperation::RankK;
    product.matrix = "down";
    PatchStep scale;
    scale.block = {2};
    scale.strength = 0.5;
    const edit::PatchTensors tensors = {{"0.u", numbers({transformer.config().dModel, 2})},
                                        {"0.v", numbers({transformer.config().dFf, 2})}};
    const std::vector<LayerIndex> blocks = {{1}, {2}};
    std::map<LayerIndex, ir::BlockIr> programs;
    programs.emplace(LayerIndex{1}, pipeline::Surrogates(*checkpoint, RunRequest{}).block({1}, 1, RunContext()).block);
    const std::int64_t state = 26 * transformer.config().dModel * 4;
    std::optional<certificate::EditColumns> all;
    for (const std::int64_t bytes : {std::int64_t{1} << 24U, 6 * state, 2 * state, std::int64_t{0}}) {
        pipeline::BaselineStates states(transformer, prompts);
        if (bytes > 0)
            states.keep(bytes, RunContext());
        pipeline::EditSession session(transformer, {"", {}, {product, scale}}, tensors, programs, RunContext());
        certificate::EditColumns columns;
        columns.error = pipeline::nativeErrors(transformer, states, session, blocks, RunContext());
        pipeline::measureDeviations(transformer, states, session, columns, RunContext());
        pipeline::measureHeldout(transformer, states, session, columns, RunContext());
        EXPECT_GT(columns.error.front(), 0);
        if (!all)
            all = columns;
        EXPECT_EQ(columns, *all) << bytes;
        if (bytes == 6 * state) {
            EXPECT_LT(states.bytes(), bytes + state); // never less than the first and the last
            EXPECT_EQ(states.kept({1}), nullptr);
        }
    }
}

}
}
