// The window's values without any window: selection, history, notes, queue, costs, failures, comparison.
#include "app/workbench/session/annotations.h"
#include "app/workbench/session/change_summary.h"
#include "app/workbench/session/failure_list.h"
#include "app/workbench/session/history.h"
#include "app/workbench/session/json_values.h"
#include "app/workbench/session/run_comparison.h"
#include "app/workbench/session/run_queue.h"
#include "app/workbench/session/selection_bus.h"
#include "app/workbench/session/verify_cost.h"
#include "app/workbench/shell/command_palette.h"
#include "tests/workbench/support/qt_testing.h"
#include "tests/workbench/support/samples.h"
#include "widgets/cell_facts.h"
#include "widgets/error_scale.h"
#include "widgets/number_text.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QProcess>
#include <QProcessEnvironment>
#include <QSignalSpy>
#include <QTemporaryDir>

#include <gtest/gtest.h>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::waitUntil;
using widgets::CellKey;

TEST(SelectionBus, TheHeldCellIsShownWhateverThePointerDoes)
{
    SelectionBus bus;
    bus.setRun(u"/runs/a"_s);
    bus.point({1, 0, 0});
    bus.peek({2, 0, 0});
    EXPECT_EQ(bus.shown(), (CellKey{2, 0, 0}));
    bus.peek({});
    EXPECT_EQ(bus.shown(), (CellKey{1, 0, 0}));
    bus.hold({3, 1, 1});
    bus.peek({2, 0, 0});
    bus.point({2, 0, 0});
    EXPECT_EQ(bus.shown(), (CellKey{3, 1, 1}));
    bus.release();
    bus.point({2, 0, 0});
    EXPECT_EQ(bus.shown(), (CellKey{2, 0, 0}));
    bus.setRun(u"/runs/b"_s);
    EXPECT_FALSE(bus.shown().isValid()) << "another run has other cells";
}

TEST(SelectionBus, WhatIsAlreadySoIsNotTold)
{
    SelectionBus bus;
    const QSignalSpy spy(&bus, &SelectionBus::changed);
    bus.hold({1, 0, 0});
    bus.hold({1, 0, 0});
    bus.release();
    bus.release();
    bus.setComponent(Component::Block);
    EXPECT_EQ(spy.size(), 2);
}

TEST(History, GoesBackAndForwardAndForgetsWhatLayAhead)
{
    History<int> history(3);
    EXPECT_FALSE(history.canGoBack());
    for (const int place : {1, 2, 2, 3})
        history.visit(place);
    EXPECT_EQ(history.back(), 2);
    history.update(20);
    EXPECT_EQ(history.forward(), 3);
    EXPECT_EQ(history.back(), 20);
    history.visit(4);
    EXPECT_FALSE(history.canGoForward());
    history.visit(5);
    EXPECT_EQ(history.back(), 4);
    EXPECT_EQ(history.back(), 20) << "only the newest three are kept";
    EXPECT_FALSE(history.canGoBack());
}

TEST(CommandPalette, FindsEveryWordAndPutsWhatBeginsWithItFirst)
{
    const std::vector<PaletteEntry> entries{{u"Open a run…"_s, {}, {}}, {u"Run"_s, {}, {}}, {u"Quit"_s, {}, {}}};
    EXPECT_EQ(matching(entries, u"run"_s), (std::vector<std::size_t>{1, 0}));
    EXPECT_EQ(matching(entries, u"RUN op"_s), (std::vector<std::size_t>{0}));
    EXPECT_EQ(matching(entries, {}).size(), 3U);
    EXPECT_TRUE(matching(entries, u"zebra"_s).empty());
}

TEST(Annotations, OutliveTheWindowAndStayOutOfTheRun)
{
    const QTemporaryDir folder;
    const QString path = folder.filePath(u"deep/annotations.json"_s);
    {
        Annotations notes(path);
        RunNotes run;
        run.tags = {u"paper"_s};
        run.note = u"table 1"_s;
        notes.set(u"digest"_s, run);
        notes.setToken(u"digest"_s, {5, 0, 3}, {TokenMark::Expected, u"massive"_s});
        // What is set before the file has been read is kept as well.
        ASSERT_TRUE(waitUntil([&path] { return QFileInfo::exists(path); }));
    }
    Annotations again(path);
    ASSERT_TRUE(waitUntil([&again] { return !again.of(u"digest"_s).tags.isEmpty(); }));
    EXPECT_EQ(again.of(u"digest"_s).note, u"table 1"_s);
    EXPECT_EQ(again.ofToken(u"digest"_s, {5, 0, 3}).mark, TokenMark::Expected);
    EXPECT_EQ(again.allTags(), QStringList(u"paper"_s));
}

TEST(Annotations, AFileThatCannotBeReadIsNotWrittenOver)
{
    const QTemporaryDir folder;
    const QString path = folder.filePath(u"annotations.json"_s);
    const QByteArray foreign = "{\"schema\": \"something else\"}";
    {
        QFile file(path);
        ASSERT_TRUE(file.open(QIODevice::WriteOnly));
        file.write(foreign);
    }
    {
        Annotations notes(path);
        QSignalSpy failed(&notes, &Annotations::failed);
        ASSERT_TRUE(waitUntil([&failed] { return !failed.isEmpty(); }));
        RunNotes run;
        run.note = u"lost, and said so"_s;
        notes.set(u"digest"_s, run);
    }
    QFile file(path);
    ASSERT_TRUE(file.open(QIODevice::ReadOnly));
    EXPECT_EQ(file.readAll(), foreign);
}

TEST(RunQueue, KeepsOrderAndKnowsItsFolders)
{
    RunQueue queue;
    for (const QString& out : {u"/a"_s, u"/b"_s, u"/c"_s}) {
        QueuedRun run;
        run.settings.out = out;
        queue.add(run);
    }
    queue.moveUp(2);
    queue.remove(0);
    queue.remove(7);
    EXPECT_EQ(queue.folders(), (QStringList{u"/c"_s, u"/b"_s}));
    EXPECT_EQ(queue.takeNext().settings.out, u"/c"_s);
}

TEST(VerifyCost, ScalesWhatWasMeasuredAndKnowsNothingElse)
{
    RunFacts run;
    run.blocks = 2;
    run.promptCount = 4;
    run.tokens = 100;
    run.dModel = 64;
    run.layers = 30;
    run.bytes = 1'000'000;
    VerifySpeeds speeds;
    EXPECT_TRUE(widgets::isMissing(secondsOf(run, speeds)[3]));
    learnSpeed(speeds, run, 3, 8);
    RunFacts twice = run;
    twice.blocks = 4;
    EXPECT_DOUBLE_EQ(secondsOf(twice, speeds)[3], 16);
    EXPECT_DOUBLE_EQ(secondsOf(run, speeds)[2], 8) << "eight cells are all drawn";
    EXPECT_TRUE(widgets::isMissing(secondsOf(run, speeds)[4]));
    learnSpeed(speeds, run, 1, 0);
    EXPECT_EQ(speeds.bytes, 0) << "no time, no speed";
}

TEST(Failures, AreEveryTokenAboveItsThresholdWithDenominators)
{
    const RunView run = runViewOf(testing::showAnswer("run", true));
    const FailureList list = failuresOf(*run.map);
    ASSERT_EQ(list.rows->size(), 1U);
    EXPECT_EQ(list.rows->front().key, (CellKey{2, 0, 0}));
    EXPECT_DOUBLE_EQ(list.rows->front().observed, 0.0142);
    EXPECT_EQ(list.measured, 15);
    EXPECT_EQ(list.above, 1);
    EXPECT_EQ(list.notMeasured, 0);
    EXPECT_EQ(failuresOf(*runViewOf(testing::showAnswer("run", false)).map).notMeasured, 10)
        << "what was never measured is counted, not passed";
}

TEST(Failures, ABundleSaysWhereItsNumbersComeFromAndMeasuresAgainFromAnywhere)
{
    const QTemporaryDir folder;
    ASSERT_TRUE(QFile(folder.filePath(u"m.gguf"_s)).open(QIODevice::WriteOnly));
    RunView run = runViewOf(testing::showAnswer("run", true));
    run.path = folder.filePath(u"run.blockcert"_s);
    run.command = u"blockcert certify m.gguf -o x.blockcert --resume"_s;
    run.certificates[2] = std::make_shared<const Json>(Json{
        {"subject", {{"files", Json::array({{{"name", "m.gguf"}, {"sha256", std::string(64, 'a')}, {"size", 1}}})}}},
        {"policy", {{"error", "l2"}}},
        {"tool", {{"version", "0.1.0"}}}});
    widgets::FailureRow failure = failuresOf(*run.map).rows->front();
    failure.mark = u"expected"_s;
    const FailureBundle bundle = bundleOf(*run.map, failure, &run, u"as in the paper"_s);
    const Json numbers = parseStrictJson(bundle.numbers, "bundle");
    EXPECT_EQ(numbers.at("token"), 0);
    EXPECT_EQ(numbers.at("run_digest"), run.digest.toStdString());
    EXPECT_EQ(numbers.at("model_files").at(0).at("sha256"), std::string(64, 'a'));
    EXPECT_EQ(numbers.at("policy").at("error"), "l2");
    EXPECT_EQ(numbers.at("tool").at("version"), "0.1.0");
    EXPECT_EQ(numbers.at("mark"), "expected");
    EXPECT_EQ(numbers.at("note"), "as in the paper");
    EXPECT_EQ(parseStrictJson(bundle.prompts, "prompt").at("token_ids").size(), 3U);

    QProcess judge;
    const QString source = qEnvironmentVariable("BLOCKCERT_SOURCE");
    judge.start(u"/usr/bin/python3"_s,
                {source + u"/tests/certificate/validate.py"_s, source + u"/resources/schemas/failure.schema.json"_s});
    judge.write(QByteArray::fromStdString(numbers.dump() + "\n"));
    judge.closeWriteChannel();
    ASSERT_TRUE(judge.waitForFinished());
    EXPECT_EQ(judge.readAllStandardOutput().trimmed().toStdString(), "valid") << bundle.numbers;

    // The script itself, from another folder, with a program that says what it was asked.
    const QString place = folder.filePath(u"a failure"_s);
    ASSERT_TRUE(QDir().mkpath(place));
    const auto write = [](const QString& path, const QByteArray& text) {
        QFile file(path);
        return file.open(QIODevice::WriteOnly) && file.write(text) == text.size();
    };
    ASSERT_TRUE(write(place + u"/command.sh"_s, bundle.script.toUtf8()));
    ASSERT_TRUE(write(folder.filePath(u"blockcert"_s), "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"));
    ASSERT_TRUE(QFile(folder.filePath(u"blockcert"_s)).setPermissions(QFile::ReadOwner | QFile::ExeOwner));
    const auto said = [&](const QStringList& arguments) {
        QProcess shell;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert(u"PATH"_s, folder.path() + u':' + environment.value(u"PATH"_s));
        shell.setProcessEnvironment(environment);
        shell.setWorkingDirectory(u"/"_s);
        shell.start(u"sh"_s, QStringList{place + u"/command.sh"_s} + arguments);
        EXPECT_TRUE(shell.waitForFinished());
        EXPECT_EQ(shell.readAllStandardError().toStdString(), "");
        return QString::fromUtf8(shell.readAllStandardOutput()).split(u'\n', Qt::SkipEmptyParts);
    };
    EXPECT_EQ(said({}),
              (QStringList{u"certify"_s, folder.filePath(u"m.gguf"_s), u"--out"_s, place + u"/again.blockcert"_s,
                           u"--blocks"_s, u"2"_s, u"--prompts"_s, place + u"/prompt.jsonl"_s}));
    EXPECT_EQ(said({u"/elsewhere/m.gguf"_s})[1], u"/elsewhere/m.gguf"_s);
    EXPECT_TRUE(bundleOf(*run.map, failure, nullptr, {}).script.contains(u"certify"_s)) << "also while it is measured";
}

TEST(Failures, TheTwentyLargestCoveredErrorsOfEachBlockAreListedBesideThem)
{
    widgets::TokenMap map;
    map.thresholds.tauAct = 0.025;
    map.blocks = {0, 1};
    map.prompts.push_back({u"long"_s, {}, std::vector<widgets::Token>(30), {}});
    for (int block = 0; block < 2; ++block) {
        auto cell = std::make_shared<widgets::MapCell>();
        for (int token = 0; token < 30; ++token)
            cell->error.push_back(0.001 * token);
        map.cells.push_back(cell);
    }
    const FailureList list = failuresOf(map);
    EXPECT_EQ(list.rows->size(), 8U) << "tokens 26 to 29, twice";
    ASSERT_EQ(list.covered->size(), 2 * largestCovered);
    EXPECT_EQ(list.covered->front().key, (CellKey{0, 0, 25})) << "at its threshold a token is covered";
    EXPECT_EQ(list.covered->back().key.token, 6);
    for (const widgets::FailureRow& row : *list.covered)
        EXPECT_TRUE(row.isCovered());
    EXPECT_EQ(rowAt(map, {1, 0, 3})->observed, 0.003);
    EXPECT_EQ(rowAt(map, {1, 0, 28})->blocksFailing, 2);
    EXPECT_FALSE(rowAt(map, {1, 0, 30}).has_value());
}

TEST(Comparison, OfARunWithItselfFindsNothing)
{
    const RunView run = runViewOf(testing::showAnswer("run", true));
    const RunComparison same = compare(run, run);
    EXPECT_TRUE(same.differences.isEmpty()) << same.differences.join(u"; "_s).toStdString();
    EXPECT_TRUE(same.weaker.isEmpty());
    EXPECT_EQ(same.commonPrompts, 2);
    ASSERT_NE(same.change->cell(2, 0), nullptr);
    EXPECT_EQ(same.change->cell(2, 0)->error[0], 0);
}

TEST(Comparison, AChangeHasItsSignAndNoVerdict)
{
    const RunView a = runViewOf(testing::showAnswer("a", true));
    Json other = testing::showAnswer("b", true);
    for (Json& cell : other["cells"])
        for (Json& error : cell["error"])
            error = error.get<double>() / 2;
    const RunComparison comparison = compare(a, runViewOf(other));
    const double before = a.map->cell(2, 0)->error[0];
    EXPECT_EQ(comparison.change->cell(2, 0)->error[0], before / 2 - before) << "smaller in B is negative";
    const widgets::CellReading reading = widgets::readCell(*comparison.change, {2, 0, 0}, widgets::Metric::Error);
    EXPECT_FALSE(reading.covered.has_value());
    EXPECT_EQ(reading.headline, widgets::signedNumber(before / 2 - before));
    EXPECT_FALSE(widgets::isMeasured(*comparison.change, widgets::Metric::Coverage)) << "a difference covers nothing";
    const widgets::ErrorScale scale = widgets::ErrorScale::fitted(*comparison.change, widgets::Metric::Error);
    EXPECT_TRUE(scale.isDiverging());
    EXPECT_FALSE(scale.hasThreshold());
    const MapSummary summary = summariseChange(*comparison.change, widgets::Metric::Error);
    EXPECT_TRUE(summary.sentence.contains(u"smaller at 15"_s)) << summary.sentence.toStdString();
    EXPECT_FALSE(summary.sentence.contains(u"τ"_s)) << summary.sentence.toStdString();
}

TEST(Comparison, TheWorstTokenOfBIsWhereAHasItsPrompt)
{
    const RunView a = runViewOf(testing::showAnswer("a", true));
    RunView b = runViewOf(testing::showAnswer("b", true));
    auto turned = std::make_shared<widgets::TokenMap>(*b.map); // the same prompts in the other order
    std::swap(turned->prompts[0], turned->prompts[1]);
    for (std::size_t column = 0; column < turned->blocks.size(); ++column)
        std::swap(turned->cells[2 * column], turned->cells[2 * column + 1]);
    b.map = turned;
    auto rows = *b.blocks;
    rows[2].worst.prompt = 1;
    b.blocks = std::make_shared<const std::vector<widgets::BlockRow>>(rows);
    const RunComparison comparison = compare(a, b);
    EXPECT_EQ((*comparison.otherBlocks)[2].worst.prompt, 0);
    EXPECT_EQ(comparison.change->cell(2, 0)->error[0], 0);
}

TEST(Comparison, WhatIsNotMeasuredInOneIsAbsentInTheChange)
{
    const RunView whole = runViewOf(testing::showAnswer("run", true));
    const RunView part = runViewOf(testing::showAnswer("run", false));
    const RunComparison comparison = compare(whole, part);
    EXPECT_NE(comparison.change->cell(0, 0), nullptr);
    EXPECT_EQ(comparison.change->cell(2, 0), nullptr);
    EXPECT_FALSE(comparison.weaker.isEmpty()) << "two blocks are gone";
}

}
}
