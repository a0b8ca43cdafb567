// What the documents make of the engine's answers: values, sentences, settings and commands.
#include "app/workbench/session/failure_anatomy.h"
#include "app/workbench/session/json_values.h"
#include "app/workbench/session/map_summary.h"
#include "app/workbench/session/path_kind.h"
#include "app/workbench/session/preferences.h"
#include "app/workbench/session/run_facts.h"
#include "app/workbench/session/run_settings.h"
#include "app/workbench/session/verdict_summary.h"
#include "engine/base/error.h"
#include "tests/workbench/support/samples.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include <gtest/gtest.h>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using widgets::BlockState;
using widgets::Metric;

TEST(JsonValues, AModelCardKeepsEveryField)
{
    const widgets::ModelCard card = modelCardOf(testing::openAnswer());
    EXPECT_EQ(card.name, u"tiny"_s);
    EXPECT_EQ(card.layers, 3);
    EXPECT_EQ(card.tensors.size(), 3U);
    EXPECT_EQ(card.tensors[1].shape, (std::vector<qint64>{8, 16}));
    ASSERT_TRUE(card.tokenizer);
    EXPECT_EQ(card.tokenizer->bos, 1);
    EXPECT_DOUBLE_EQ(card.ropeTheta, 10000);
    EXPECT_TRUE(card.tokenizerProblem.isEmpty());
}

TEST(JsonValues, AnAnswerThatIsNoModelIsRefusedWithASentence)
{
    EXPECT_THROW((void)modelCardOf(Json{{"model", "x"}}), FormatError);
    EXPECT_THROW((void)modelCardOf(Json::array()), FormatError);
    EXPECT_THROW((void)promptListOf(Json::object(), std::nullopt), FormatError);
    EXPECT_THROW((void)runViewOf(Json::object()), FormatError);
    EXPECT_THROW((void)verdictViewOf(Json{{"verdict", "verified"}}), FormatError);
}

TEST(JsonValues, BosIsDrawnAsSuchOnlyWhereItIsASpecialToken)
{
    const widgets::TokenizerCard tokenizer = *modelCardOf(testing::openAnswer()).tokenizer;
    const widgets::PromptList list = promptListOf(testing::tokenizeAnswer(), tokenizer);
    ASSERT_EQ(list.prompts.size(), 2U);
    EXPECT_EQ(list.prompts[0].tokens[0].kind, widgets::TokenKind::Bos);
    EXPECT_EQ(list.prompts[0].tokens[1].kind, widgets::TokenKind::Ordinary);
    EXPECT_EQ(list.tokenCount(), 5);
}

TEST(JsonValues, NullIsMissingAndNeverZero)
{
    const widgets::MapCell cell =
        mapCellOf(Json{{"error", {0.5, nullptr}}, {"loss_base", {nullptr, 2.0}}, {"loss_stitched", nullptr}});
    EXPECT_TRUE(widgets::isMissing(cell.error[1]));
    EXPECT_TRUE(widgets::isMissing(cell.lossBase[0]));
    EXPECT_TRUE(cell.lossStitched.empty());
    EXPECT_TRUE(widgets::isMissing(blockRowOf(Json{{"block", 1}, {"loss_coverage", nullptr}}).lossCoverage));
}

TEST(JsonValues, AnUnfinishedRunShowsItsOtherBlocksAsWaiting)
{
    const RunView run = runViewOf(testing::showAnswer("/runs/one.blockcert", false));
    ASSERT_EQ(run.blocks->size(), 3U);
    EXPECT_EQ((*run.blocks)[0].state, BlockState::Certified);
    EXPECT_EQ((*run.blocks)[2].state, BlockState::Waiting);
    EXPECT_TRUE(run.resumable);
    EXPECT_NE(run.map->cell(0, 1), nullptr);
    EXPECT_EQ(run.map->cell(2, 0), nullptr);
    EXPECT_EQ(run.name, u"one"_s);
}

TEST(JsonValues, AnUnknownStateOfACheckClaimsNothing)
{
    Json verdict = testing::verdictAnswer("r", "verified");
    verdict["verdict"] = "splendid";
    verdict["checks"][0]["state"] = "passed";
    const widgets::VerdictView view = verdictViewOf(verdict);
    EXPECT_EQ(view.state, CheckState::NotChecked);
    EXPECT_EQ(view.checks[0].state, CheckState::NotChecked);
}

TEST(RunSettings, TheCommandNamesOnlyWhatDiffersFromTheDefaults)
{
    RunSettings settings;
    settings.model = u"/my models/tiny"_s;
    settings.out = u"run.blockcert"_s;
    EXPECT_EQ(certifyCommand(settings),
              u"blockcert certify '/my models/tiny' --blocks all --prompts base -o run.blockcert"_s);
    settings.dtype = u"bf16"_s;
    settings.policy.tauAct = 0.05;
    settings.embedWeights = true;
    EXPECT_EQ(certifyCommand(settings, true),
              u"blockcert certify '/my models/tiny' --blocks all --prompts base -o run.blockcert --dtype bf16 "
              "--embed-weights --tau-act 0.05 --resume"_s);
}

TEST(RunSettings, ASurrogateIsAskedForAndResumedInTheEnginesWords)
{
    RunSettings settings;
    settings.model = u"tiny"_s;
    settings.out = u"run"_s;
    EXPECT_FALSE(certifyParameters(settings, false).contains("surrogate")) << "exact is the default";
    settings.surrogate = u"low-rank:64:attn"_s;
    settings.ablation = u"noise-wq:0.05"_s;
    settings.seed = 7;
    EXPECT_EQ(certifyParameters(settings, false)["surrogate"], "low-rank:64:attn");
    EXPECT_EQ(certifyParameters(settings, false)["ablate"], "noise-wq:0.05");
    EXPECT_EQ(certifyCommand(settings),
              u"blockcert certify tiny --blocks all --prompts base -o run --surrogate low-rank:64:attn --ablate "
              "noise-wq:0.05 --seed 7"_s);
    EXPECT_TRUE(claimSentence(settings, 3, {}).contains(u"the surrogate (low-rank:64:attn, noise-wq:0.05) stays"_s));

    Json show = testing::showAnswer("/runs/one.blockcert", false);
    Json& request = show["manifest"]["request"];
    request["surrogate"] = {{"family", "low-rank"}, {"parameters", {{"rank", 64}, {"matrices", "attn"}}}};
    request["ablation"] = {{"kind", "noise-wq"}, {"scale", {{"value", 0.05}}}};
    const RunView run = runViewOf(show);
    ASSERT_TRUE(run.settings);
    EXPECT_EQ(run.settings->surrogate, u"low-rank:64:attn"_s);
    EXPECT_EQ(run.settings->ablation, u"noise-wq:0.05"_s);
    EXPECT_EQ(run.surrogate, u"low-rank:64:attn, noise-wq:0.05"_s);
    request["surrogate"] = {{"family", "checkpoint"}, {"parameters", Json::object()}};
    request["ablation"] = nullptr;
    show["manifest"]["command"] =
        show["manifest"]["command"].get<std::string>() + " --surrogate 'checkpoint:/my/other'";
    EXPECT_EQ(runViewOf(show).settings->surrogate, u"checkpoint:/my/other"_s) << "which one, the command line says";
}

TEST(RunSettings, AQuoteInAPathSurvivesTheShell)
{
    const QStringList words{u"a"_s, u"it's"_s, u"b c"_s, u"d\\e"_s, u""_s, u"f\u202e'\\\ng"_s};
    EXPECT_EQ(shellWords(shellCommand(words)), words);
    EXPECT_EQ(shellCommand({u"show"_s, u"a\u202eb"_s}), u"show $'a\\xe2\\x80\\xaeb'"_s) << "nothing unseen in it";
    // How the command line writes names with control characters.
    EXPECT_EQ(shellWords(u"show $'a\\nb\\x1b\\'\\\\é\\xe2\\x80\\xae' c"_s),
              (QStringList{u"show"_s, u"a\nb\x1b'\\é\u202e"_s, u"c"_s}));
}

TEST(RunSettings, BlocksAreWrittenAsTheCommandLineReadsThem)
{
    EXPECT_EQ(blocksText({0, 5, 10, 11, 12}, 30), u"0,5,10-12"_s);
    EXPECT_EQ(blocksText({0, 1, 2}, 3), u"all"_s);
    EXPECT_EQ(parseBlocks(u" 0, 5,10-12"_s, 30).blocks, (std::vector<int>{0, 5, 10, 11, 12}));
    EXPECT_EQ(parseBlocks(u"all"_s, 2).blocks, (std::vector<int>{0, 1}));
}

TEST(RunSettings, BlocksThatCannotBeSayWhichAndWhy)
{
    const std::pair<QString, QString> wrong[] = {
        {u"30"_s, u"There is no block 30: this model has 0 to 29."_s},
        {u"0-3,99"_s, u"There is no block 99: this model has 0 to 29."_s},
        {u"28-31"_s, u"There is no block 31: this model has 0 to 29."_s},
        {u"0,5-2"_s, u"The range 5-2 runs backwards."_s},
        {u"1,,2"_s, u"A block is missing beside a comma; blocks are chosen as in 0,5,10-12."_s},
        {u"1,x"_s, u"“x” is neither a block nor a range, as in 0,5,10-12."_s},
        {u"-1"_s, u"“-1” is neither a block nor a range, as in 0,5,10-12."_s}};
    for (const auto& [text, problem] : wrong) {
        EXPECT_EQ(parseBlocks(text, 30).problem, problem);
        EXPECT_TRUE(parseBlocks(text, 30).blocks.empty()) << text.toStdString();
    }
    EXPECT_TRUE(parseBlocks(u" "_s, 30).blocks.empty());
    EXPECT_TRUE(parseBlocks(u" "_s, 30).problem.isEmpty()) << "nothing is chosen yet, and nothing is wrong";
}

TEST(RunSettings, TypedPromptsAreLinesUnlessEveryLineIsAnObject)
{
    EXPECT_EQ(typedFormat(u"one\ntwo"_s), u"txt"_s);
    EXPECT_EQ(typedFormat(u"{\"id\":\"a\"}\n\n {\"id\":\"b\"}"_s), u"jsonl"_s);
    EXPECT_EQ(typedFormat(u"{\"id\":\"a\"}\nplain"_s), u"txt"_s);
}

TEST(RunSettings, ARunThatWasOpenedIsResumedWithItsOwnSettings)
{
    const RunView run = runViewOf(testing::showAnswer("/runs/one.blockcert", false));
    ASSERT_TRUE(run.settings);
    EXPECT_EQ(run.settings->model, u"/models/tiny"_s);
    EXPECT_EQ(run.settings->prompts.name, u"base"_s);
    EXPECT_EQ(run.settings->blocks, u"all"_s);
    EXPECT_EQ(run.settings->dtype, u"fp32"_s);
    EXPECT_EQ(run.settings->replayDtype, u"fp64"_s);
    EXPECT_FALSE(run.settings->tauRelGiven);
    EXPECT_EQ(certifyParameters(*run.settings, true)["resume"], true);
}

TEST(RunView, ABlockThatIsMeasuredAndNotJudgedShowsTheNumbersOfItsCells)
{
    Json show = testing::showAnswer("/runs/one.blockcert", true);
    const RunView judged = runViewOf(show);
    show["complete"] = false;
    show["blocks"] = Json::array();
    show["certificates"] = Json::array();
    show["cells"].erase(show["cells"].size() - 1); // the last block lacks a prompt
    const RunView view = runViewOf(show);
    ASSERT_EQ(view.blocks->size(), 3U);
    double sum = 0;
    double largest = 0;
    int tokens = 0;
    for (std::size_t prompt = 0; prompt < 2; ++prompt)
        for (const double error : view.map->cell(1, prompt)->error) {
            sum += error;
            largest = std::max(largest, error);
            ++tokens;
        }
    const widgets::BlockRow& row = (*view.blocks)[1];
    EXPECT_EQ(row.state, widgets::BlockState::Waiting);
    EXPECT_EQ(row.epsilon, largest);
    EXPECT_DOUBLE_EQ(row.mae, sum / tokens);
    EXPECT_EQ(
        view.map->cell(1, static_cast<std::size_t>(row.worst.prompt))->error[static_cast<std::size_t>(row.worst.token)],
        largest);
    EXPECT_FALSE(widgets::isMissing(row.activationCoverage));
    EXPECT_FALSE(widgets::isMissing(row.relativeEpsilon));
    EXPECT_TRUE(widgets::isMissing((*view.blocks)[2].epsilon)) << "of one prompt no block has an ε";
    EXPECT_EQ(summariseBlocks(*view.blocks, std::nullopt),
              u"2 blocks are measured and have no certificate yet; 1 not measured yet."_s);
    EXPECT_EQ((*judged.blocks)[1].epsilon, (*runViewOf(testing::showAnswer("a", true)).blocks)[1].epsilon);
}

TEST(RunView, NamesFromOutsideAreShownWithoutWhatIsNotSeen)
{
    Json show = testing::showAnswer("/runs/a\xe2\x80\xae"
                                    "b.blockcert",
                                    true);
    show["prompts"][0]["id"] = "p\u0007q";
    const RunView view = runViewOf(show);
    EXPECT_EQ(view.name, u"a\\u202eb"_s);
    EXPECT_EQ(view.map->prompts[0].id, u"p\\u0007q"_s);
    EXPECT_EQ(view.path, u"/runs/a\u202eb.blockcert"_s) << "where it lies is another matter";
}

TEST(RunFacts, CountTheTokensThatVerifyingTakes)
{
    const RunFacts facts = runFactsOf(testing::showAnswer("/runs/one.blockcert", true));
    EXPECT_EQ(facts.promptCount, 2);
    EXPECT_EQ(facts.tokens, 5);
}

TEST(BlocksSentence, IsTheIssuersUntilItWasRecomputedHere)
{
    std::vector<widgets::BlockRow> rows(2);
    rows[0].block = 0;
    rows[1].block = 4;
    rows[0].state = rows[1].state = BlockState::Certified;
    EXPECT_EQ(summariseBlocks(rows, std::nullopt), u"All 2 measured blocks are certified under their policy, says the "
                                                   "issuer; nothing of it has been recomputed here."_s);
    widgets::RunVerdict verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 3;
    EXPECT_EQ(summariseBlocks(rows, verdict),
              u"All 2 measured blocks are certified under their policy, recomputed here at level 3."_s);
    verdict = {};
    verdict.aloneAt = {{4, 3}};
    EXPECT_TRUE(summariseBlocks(rows, verdict).contains(u"says the issuer; 1 of them recomputed here"_s));
}

TEST(BlocksSentence, SpeaksOfTheCheckThatFailed)
{
    std::vector<widgets::BlockRow> rows(2);
    rows[0].block = 0;
    rows[1].block = 4;
    rows[0].state = rows[1].state = BlockState::Certified;
    widgets::RunVerdict verdict;
    verdict.state = CheckState::Failed;
    verdict.level = 3;
    verdict.failedBlocks = {4};
    EXPECT_EQ(summariseBlocks(rows, verdict),
              u"The check at level 3 failed at block 4. All 2 measured blocks are certified under their policy, says "
              "the issuer: that is not supported by what is in the run."_s);
    verdict.failedBlocks = {};
    EXPECT_TRUE(summariseBlocks(rows, verdict).startsWith(u"The check at level 3 failed. "_s));
    verdict.failedBlocks = {0, 1, 2, 3, 4};
    EXPECT_TRUE(summariseBlocks(rows, verdict).startsWith(u"The check at level 3 failed at 5 blocks. "_s));
}

widgets::TokenMap mapOf(bool complete = true)
{
    return *runViewOf(testing::showAnswer("/runs/one.blockcert", complete)).map;
}

TEST(MapSummary, OneExcludedTokenIsNamed)
{
    const MapSummary summary = summarise(mapOf(), Metric::Error);
    EXPECT_TRUE(summary.sentence.startsWith(u"One token is excluded at block 2: “<s>”, token 0 of prompt a"_s))
        << summary.sentence.toStdString();
    EXPECT_EQ(summary.worst, (widgets::CellKey{2, 0, 0}));
}

TEST(MapSummary, AllWithinTheThresholdNamesTheLargest)
{
    const MapSummary summary = summarise(mapOf(false), Metric::Error);
    EXPECT_TRUE(summary.sentence.startsWith(u"Every token is within τ = 0.01"_s)) << summary.sentence.toStdString();
}

TEST(MapSummary, NoneWithinTheThresholdPointsToTheRelativeMeasure)
{
    widgets::TokenMap map = mapOf();
    map.thresholds.tauAct = 1e-9;
    map.thresholds.tauRel = 1e-7;
    const MapSummary summary = summarise(map, Metric::Error);
    EXPECT_TRUE(summary.sentence.startsWith(u"No token is within τ = 1e-9; the relative measure"_s))
        << summary.sentence.toStdString();
    EXPECT_TRUE(summary.sentence.contains(u"covers 0."_s)) << summary.sentence.toStdString();
    // Only errors that are small beside the outputs may be the baseline's rounding.
    map.thresholds.tauRel = 1;
    const MapSummary small = summarise(map, Metric::Error);
    EXPECT_TRUE(small.sentence.contains(u"or the baseline rounds too coarsely"_s)) << small.sentence.toStdString();
}

TEST(MapSummary, NothingMeasuredIsSaid)
{
    widgets::TokenMap map = mapOf();
    std::fill(map.cells.begin(), map.cells.end(), nullptr);
    EXPECT_EQ(summarise(map, Metric::Error).sentence, u"Nothing has been measured yet."_s);
    EXPECT_FALSE(summarise(map, Metric::Error).worst.isValid());
}

TEST(FailureAnatomyAnswer, BlocksStandInTheOrderOfTheMeasureThatDecides)
{
    const auto first = [](const char* measure) {
        const Json blocks = Json::array({{{"block", 1}, {"epsilon", 3.0}, {"relative_epsilon", 0.25}},
                                         {{"block", 2}, {"epsilon", 2.0}, {"relative_epsilon", 0.5}}});
        return failureAnatomyOf({{"run", "r"}, {"measure", measure}, {"blocks", blocks}}).blocks.at(0);
    };
    EXPECT_EQ(first("l2").block, 1);
    EXPECT_EQ(first("l2").epsilon, 3);
    EXPECT_EQ(first("relative-l2").block, 2);
    EXPECT_EQ(first("relative-l2").epsilon, 0.5);
}

TEST(VerdictSummary, ChecksThatHoldForSeveralBlocksShareARow)
{
    const widgets::VerdictView view = verdictViewOf(testing::verdictAnswer("r", "verified"));
    const widgets::VerdictView shorter = condensed(view);
    ASSERT_EQ(shorter.checks.size(), 2U);
    EXPECT_EQ(shorter.checks[0].where, u"largest of 3 blocks, block 2"_s);
    EXPECT_EQ(shorter.checks[0].issuer, u"0.003000"_s);
}

// A replay in fp32 may give other digits than the recorded ones: what is allowed is not what is equal.
TEST(VerdictSummary, SaysOfNoValuesThatTheyAreEqualWhereTheyOnlyAgree)
{
    Json verdict = testing::verdictAnswer("r", "verified");
    for (int block = 0; block < 3; ++block) {
        verdict["checks"][static_cast<std::size_t>(block)]["issuer"] = "0.001, 0.00" + std::to_string(block + 2);
        verdict["checks"][static_cast<std::size_t>(block)]["recomputed"] = "0.001, 0.00" + std::to_string(block + 2);
    }
    EXPECT_EQ(condensed(verdictViewOf(verdict)).checks[0].recomputed, u"all equal"_s);
    verdict["checks"][1]["recomputed"] = "0.001, 0.0030000001";
    EXPECT_EQ(condensed(verdictViewOf(verdict)).checks[0].recomputed, u"all within what is allowed"_s);
}

TEST(VerdictSummary, AFailureKeepsItsOwnRowAndMarksItsFile)
{
    Json verdict = testing::verdictAnswer("/runs/r.blockcert", "failed");
    verdict["checks"][1]["state"] = "failed";
    const widgets::VerdictView view = verdictViewOf(verdict);
    EXPECT_EQ(condensed(view).checks.size(), 3U);
    const widgets::ArtifactNode root = artifactsOf(view);
    EXPECT_EQ(root.name, u"r.blockcert"_s);
    const auto block = std::find_if(root.children.begin(), root.children.end(),
                                    [](const widgets::ArtifactNode& node) { return node.name == "block 1"_L1; });
    ASSERT_NE(block, root.children.end());
    EXPECT_EQ(block->state, CheckState::Failed);
    EXPECT_EQ(meaningOf(view),
              u"2 of 4 checks do not hold. What the folder claims is not supported by what is in it."_s);
}

TEST(VerdictSummary, AFalseNumberMarksTheCertificateThatStatesIt)
{
    widgets::VerdictView view = verdictViewOf(testing::verdictAnswer("/runs/r.blockcert", "verified"));
    widgets::CheckRow form;
    form.id = u"structure.certificate"_s;
    form.where = u"block_15/certificate.json"_s;
    form.state = CheckState::Verified;
    widgets::CheckRow number = form;
    number.id = u"metrics.epsilon"_s;
    number.where = u"block 15"_s;
    number.state = CheckState::Failed;
    view.checks = {form, number};
    const widgets::ArtifactNode root = artifactsOf(view);
    const auto block = std::find_if(root.children.begin(), root.children.end(),
                                    [](const widgets::ArtifactNode& node) { return node.name == "block 15"_L1; });
    ASSERT_NE(block, root.children.end());
    ASSERT_EQ(block->children.size(), 1U);
    EXPECT_EQ(block->children[0].name, u"certificate.json"_s);
    EXPECT_EQ(block->children[0].state, CheckState::Failed);
}

TEST(VerdictSummary, OneCertificateIsNotTheFolder)
{
    widgets::VerdictView view = verdictViewOf(testing::verdictAnswer("/runs/r.blockcert", "verified"));
    EXPECT_EQ(artifactsOf(view).state, CheckState::Verified);
    widgets::CheckRow others;
    others.id = u"sums.others"_s;
    others.title = u"Files of the rest of the run"_s;
    others.state = CheckState::NotChecked;
    others.required = false;
    view.checks.push_back(others);
    const widgets::ArtifactNode root = artifactsOf(view);
    EXPECT_EQ(root.state, CheckState::NotChecked);
    EXPECT_EQ(root.note, u"one certificate of it"_s);
    EXPECT_TRUE(std::any_of(root.children.begin(), root.children.end(), [&others](const widgets::ArtifactNode& node) {
        return node.name == others.title && node.state == CheckState::NotChecked;
    }));
    view.state = CheckState::Failed;
    EXPECT_EQ(artifactsOf(view).state, CheckState::Failed);
}

TEST(VerdictSummary, WhatTheFolderRestsOnIsCheckedOrSaidNotToBe)
{
    widgets::VerdictView view = verdictViewOf(testing::verdictAnswer("/runs/r.blockcert", "verified"));
    widgets::CheckRow weights;
    weights.id = u"replay.weights"_s;
    weights.state = CheckState::Verified;
    weights.how = u"read from the model's file"_s;
    view.checks.push_back(weights);
    const widgets::ArtifactNode root = artifactsOf(view);
    const auto stateOf = [&root](const QString& name) {
        for (const widgets::ArtifactNode& node : root.children) {
            if (node.name == name)
                return std::optional(node.state);
        }
        return std::optional<CheckState>();
    };
    EXPECT_EQ(stateOf(u"Weights of the model"_s), CheckState::Verified);
    EXPECT_EQ(stateOf(u"What the model computes"_s), CheckState::NotChecked);
    EXPECT_EQ(stateOf(u"Tokenizer"_s), CheckState::NotChecked);
    EXPECT_TRUE(stateOf(u"Prompts"_s));
}

TEST(PathKind, IsReadFromNames)
{
    const QTemporaryDir folder;
    const auto touch = [&folder](const QString& name) {
        QDir(folder.path()).mkpath(QFileInfo(name).path());
        QFile file(folder.filePath(name));
        EXPECT_TRUE(file.open(QIODevice::WriteOnly));
        return folder.filePath(name);
    };
    touch(u"run/run.json"_s);
    touch(u"model/model.safetensors"_s);
    EXPECT_EQ(kindOf(folder.filePath(u"run"_s)), PathKind::Run);
    EXPECT_EQ(kindOf(folder.filePath(u"model"_s)), PathKind::Model);
    EXPECT_EQ(kindOf(touch(u"run/block_00/certificate.json"_s)), PathKind::Certificate);
    EXPECT_EQ(kindOf(touch(u"m.GGUF"_s)), PathKind::Model);
    EXPECT_EQ(kindOf(touch(u"prompts.jsonl"_s)), PathKind::Prompts);
    EXPECT_EQ(kindOf(touch(u"mild.patch.json"_s)), PathKind::Patch);
    EXPECT_EQ(kindOf(touch(u"picture.png"_s)), PathKind::Unknown);
    touch(u"pictures/one.png"_s);
    EXPECT_EQ(kindOf(folder.filePath(u"pictures"_s)), PathKind::Unknown);
    EXPECT_EQ(kindOf(u"/nonexistent/thing"_s), PathKind::Missing);
    EXPECT_EQ(kindOf(u"/dev/zero"_s), PathKind::Special);
    EXPECT_EQ(kindOf(u"org/name@main"_s), PathKind::Model);
    EXPECT_EQ(kindOf(u"demo"_s), PathKind::Model);
}

TEST(Preferences, ANewRunNeverTakesAFolderThatIsThere)
{
    const QTemporaryDir folder;
    const QString first = freshRunPath(folder.path(), u"org/tiny model"_s, u"base"_s, u"fp32"_s);
    EXPECT_EQ(first, folder.filePath(u"org-tiny-model-base-fp32.blockcert"_s));
    QDir().mkpath(first);
    EXPECT_EQ(freshRunPath(folder.path(), u"org/tiny model"_s, u"base"_s, u"fp32"_s),
              folder.filePath(u"org-tiny-model-base-fp32-2.blockcert"_s));
}

TEST(Preferences, RecentModelsKeepTheNewestFirstWithoutRepeats)
{
    Preferences preferences;
    for (const QString& path : {u"/a"_s, u"/b"_s, u"/a"_s})
        preferences.addRecentModel({path, path.mid(1)});
    const QList<RecentItem> recent = preferences.recentModels();
    ASSERT_EQ(recent.size(), 2);
    EXPECT_EQ(recent[0].path, u"/a"_s);
}

}
}
