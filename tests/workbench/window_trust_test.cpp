// What the pages that show a run say about whether anybody has checked it.
#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/session/json_values.h"
#include "app/workbench/session/report_parts.h"
#include "app/workbench/session/verdict_summary.h"
#include "tests/workbench/support/bench.h"
#include "widgets/block_table.h"
#include "widgets/fact_list.h"
#include "widgets/rail.h"
#include "widgets/state_badge.h"
#include "widgets/verdict_banner.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::once;
using testing::showScript;
using testing::steps;
using testing::waitUntil;
using testing::Workbench;
using widgets::BlockTableModel;
using widgets::Mark;

// A run that is opened in Explore; verifying it gives `verdict`.
class Trust : public ::testing::Test {
protected:
    void open(const std::string& verdict)
    {
        Json tool = showScript();
        tool["verify"] = once(steps({Json{{"json", {{"verdict", testing::verdictAnswer("run", verdict)}}}}}));
        bench = std::make_unique<Workbench>(engineScript(), tool);
        bench->start();
        bench->drop(bench->makeRunFolder(u"given.blockcert"_s, true));
        ASSERT_TRUE(waitUntil([&] { return bench->session->run.run().isReady(); }));
    }

    void verify()
    {
        emit bench->window->verifyPage().verifyWanted(bench->session->verdict.request());
        ASSERT_TRUE(waitUntil([&] { return bench->session->verdict.verdict().isReady(); }));
    }

    // What the table says about a block: its word and the state whose shape is drawn before it.
    [[nodiscard]] std::pair<QString, Mark> certified(int block) const
    {
        const auto* table = bench->window->explorePage().findChild<widgets::BlockTable*>();
        const QAbstractItemModel* model = table->model();
        for (int row = 0; row < model->rowCount(); ++row) {
            const QModelIndex index = model->index(row, BlockTableModel::Certified);
            if (index.data(BlockTableModel::BlockRole).toInt() == block)
                return {index.data().toString(), static_cast<Mark>(index.data(BlockTableModel::StateRole).toInt())};
        }
        return {};
    }

    [[nodiscard]] QString badge() const
    {
        for (const auto* badge : bench->window->explorePage().findChildren<widgets::StateBadge*>()) {
            if (badge->isVisibleTo(&bench->window->explorePage()))
                return badge->accessibleName();
        }
        return {};
    }

    std::unique_ptr<Workbench> bench;
};

TEST_F(Trust, ARunThatNobodyCheckedShowsClaimsAndNoTick)
{
    open("verified");
    EXPECT_EQ(certified(0), std::pair(u"claimed"_s, Mark::NotChecked));
    EXPECT_EQ(certified(2), std::pair(u"no"_s, Mark::WeakerThanPolicy));
    EXPECT_EQ(badge(), u"Not verified"_s);
}

TEST_F(Trust, AVerifiedRunCarriesItsTicksIntoExplore)
{
    open("verified");
    verify();
    EXPECT_EQ(certified(0), std::pair(u"losses claimed"_s, Mark::ButLosses));
    EXPECT_EQ(badge(), u"Verified at level 3"_s);
}

TEST_F(Trust, AFailedRunSaysSoInExploreAndNamesTheBlock)
{
    open("failed");
    verify();
    EXPECT_EQ(certified(0), std::pair(u"claimed"_s, Mark::NotChecked));
    EXPECT_EQ(certified(1), std::pair(u"refuted"_s, Mark::Failed));
    EXPECT_EQ(badge(), u"Failed at level 3"_s);
    EXPECT_TRUE(Workbench::noticeOn(bench->window->explorePage()).startsWith(u"Failed: block_01/probes.h5"_s));
    bench->window->showPage(MainWindow::Explore);
    ASSERT_TRUE(Workbench::actOn(bench->window->explorePage()));
    EXPECT_EQ(bench->window->page(), MainWindow::Verify);
}

// The verdict about the run, and then that one of its certificates holds.
TEST_F(Trust, AFailedRunStaysOneAfterOneOfItsCertificatesHolds)
{
    Json tool = showScript();
    Json first = testing::verdictAnswer("run", "failed");
    Json second = testing::verdictAnswer("run", "verified");
    second["checks"].push_back({{"id", "sums.others"},
                                {"group", "integrity"},
                                {"where", ""},
                                {"title", "Files of the rest of the run"},
                                {"state", "not_checked"},
                                {"issuer", ""},
                                {"recomputed", ""},
                                {"how", ""},
                                {"detail", "9 files of the run beside this certificate's were not looked at."},
                                {"required", false}});
    tool["verify"] =
        Json::array({steps({Json{{"json", {{"verdict", first}}}}}), steps({Json{{"json", {{"verdict", second}}}}})});
    bench = std::make_unique<Workbench>(engineScript(), tool);
    bench->start();
    bench->drop(bench->makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench->session->run.run().isReady(); }));
    verify();
    EXPECT_EQ(badge(), u"Failed at level 3"_s);
    bench->window->showPage(MainWindow::Explore);
    emit bench->window->explorePage().certificateWanted(0);
    emit bench->window->findChild<CertificatePage*>()->verifyWanted(bench->session->run.path() +
                                                                    u"/block_00/certificate.json"_s);
    ASSERT_TRUE(waitUntil([&] { return bench->session->verdict.verdict().isReady(); }));
    ASSERT_EQ(bench->session->verdict.verdict().value->state, CheckState::Verified);
    EXPECT_EQ(badge(), u"Failed at level 3"_s);
    EXPECT_EQ(certified(0), std::pair(u"losses claimed"_s, Mark::ButLosses));
    EXPECT_EQ(certified(1), std::pair(u"refuted"_s, Mark::Failed));
    EXPECT_TRUE(Workbench::noticeOn(bench->window->explorePage()).startsWith(u"Failed: block_01/probes.h5"_s));
    EXPECT_EQ(bench->window->findChild<widgets::Rail*>()->markOf(MainWindow::Verify), CheckState::Failed);
    bench->window->showPage(MainWindow::Explore);
    bench->command(u"Send this view to the report"_s);
    ASSERT_TRUE(waitUntil([&] { return bench->session->report.items().size() == 1; }));
    EXPECT_EQ(std::get<report::Statement>(bench->session->report.items()[0].parts.front()).standing,
              report::Standing::Failed);
    bench->session->report.setExported();
}

// At level 4 of a baseline in fp32: the losses of blocks 0 and 1 are the model's.
Json lossChecks()
{
    const auto row = [](const char* id, const std::string& where, const char* state) {
        return Json{
            {"id", id},     {"group", "re-evaluation"}, {"where", where}, {"title", "Losses"}, {"state", state},
            {"issuer", ""}, {"recomputed", ""},         {"how", ""},      {"detail", ""},      {"required", true}};
    };
    return Json::array({row("model.loss_stitched", "block 0", "verified"),
                        row("model.loss_stitched", "block 1", "verified"),
                        row("loss.rounding", "block 1", "not_checked"), row("loss.tokens", "", "verified")});
}

TEST_F(Trust, AtLevelFourTheLossesThatWereRecomputedMakeAFullTick)
{
    Json tool = showScript();
    Json answer = testing::verdictAnswer("run", "verified");
    answer["level"] = 4;
    for (const Json& check : lossChecks())
        answer["checks"].push_back(check);
    tool["verify"] = once(steps({Json{{"json", {{"verdict", answer}}}}}));
    bench = std::make_unique<Workbench>(engineScript(), tool);
    bench->start();
    bench->drop(bench->makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench->session->run.run().isReady(); }));
    verify();
    EXPECT_EQ(certified(0), std::pair(u"yes"_s, Mark::Verified));
    EXPECT_EQ(certified(1), std::pair(u"losses claimed"_s, Mark::ButLosses)) << "rounding hides what they count for";
    VerdictBook next;
    next.restore(bench->session->preferences.savedVerdicts());
    const RunView& run = *bench->session->run.run().value;
    EXPECT_EQ(next.of(run.path, run.digest)->lossBlocks, std::vector<int>{0}) << "remembered";
}

TEST_F(Trust, LevelsThatRecomputeNothingGetNoGreen)
{
    Json tool = showScript();
    Json answer = testing::verdictAnswer("run", "verified");
    answer["level"] = 1;
    tool["verify"] = once(steps({Json{{"json", {{"verdict", answer}}}}}));
    bench = std::make_unique<Workbench>(engineScript(), tool);
    bench->start();
    bench->drop(bench->makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench->session->run.run().isReady(); }));
    verify();
    EXPECT_EQ(badge(), u"Unchanged at level 1"_s);
    EXPECT_EQ(certified(0), std::pair(u"claimed"_s, Mark::NotChecked));
    EXPECT_EQ(bench->window->verifyPage().findChild<widgets::VerdictBanner*>()->accessibleName(),
              u"Unchanged and well formed; numbers not recomputed"_s);
    EXPECT_NE(bench->window->findChild<widgets::Rail*>()->markOf(MainWindow::Verify), CheckState::Verified);
    EXPECT_EQ(standingOf(bench->session->verdicts.of(bench->session->run.run().value->path,
                                                     bench->session->run.run().value->digest))
                  .standing,
              report::Standing::Claimed);
}

TEST(BlocksWithLosses, AreThoseWhoseLossesCountForWhatTheyCountForTheIssuer)
{
    widgets::VerdictView verdict;
    const auto add = [&verdict](const char* id, const char* where, CheckState state) {
        widgets::CheckRow row;
        row.id = QString::fromLatin1(id);
        row.where = QString::fromLatin1(where);
        row.state = state;
        verdict.checks.push_back(row);
    };
    add("model.loss_stitched", "block 3", CheckState::Verified);
    add("model.loss_stitched", "block 4", CheckState::Failed);
    add("model.first_order", "block 5", CheckState::Verified);
    EXPECT_TRUE(blocksWithLosses(verdict).empty()) << "nothing says that they are whole";
    add("loss.tokens", "", CheckState::NotChecked); // a 16-bit baseline
    EXPECT_TRUE(blocksWithLosses(verdict).empty());
    verdict.checks.back().state = CheckState::Verified;
    EXPECT_EQ(blocksWithLosses(verdict), (std::vector<int>{3, 5}));
    add("loss.rounding", "block 3", CheckState::NotChecked);
    EXPECT_EQ(blocksWithLosses(verdict), (std::vector<int>{5})) << "rounding decides at block 3";
    verdict.checks[3].state = CheckState::NotChecked;
    verdict.checks.back().state = CheckState::Verified;
    EXPECT_EQ(blocksWithLosses(verdict), (std::vector<int>{3})) << "whatever a 16-bit baseline rounded";
    add("loss.rounding", "block 3", CheckState::NotChecked); // under the reader's policy
    EXPECT_TRUE(blocksWithLosses(verdict).empty());
}

TEST(CertificatePage, ItsBadgeAndItsLossesSayWhoseWordTheyAre)
{
    CertificatePage page;
    const Json certificate = {
        {"subject", {{"block", 2}}},
        {"verdict", {{"certified", true}}},
        {"metrics", {{"loss", {{"coverage", {{"value", 0.95}, {"hex", "0x1.e666666666666p-1"}}}}}}}};
    page.setCertificate(std::make_shared<const Json>(certificate), u"/runs/a.blockcert"_s);
    const auto badges = [&page] { return page.findChildren<widgets::StateBadge*>(); };
    const auto isThere = [&](const QString& word, Mark mark) {
        const QList<widgets::StateBadge*> all = badges();
        return std::any_of(all.begin(), all.end(), [&](const widgets::StateBadge* badge) {
            return badge->accessibleName() == word && badge->mark() == mark;
        });
    };
    EXPECT_TRUE(isThere(u"Issuer says: certified"_s, Mark::NotChecked));
    widgets::RunVerdict verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 3;
    page.setVerdict(verdict);
    EXPECT_TRUE(isThere(u"Certified, verified at level 3 but for losses"_s, Mark::ButLosses));
    EXPECT_TRUE(testing::wordsOf(page).contains(u"level 4 recomputes them"_s));
    verdict.level = 4;
    verdict.lossBlocks = {2};
    page.setVerdict(verdict);
    EXPECT_TRUE(isThere(u"Certified, verified at level 4"_s, Mark::Verified));
    EXPECT_TRUE(testing::wordsOf(page).contains(u"were recomputed here"_s));
}

TEST(CertificatePage, GivesEveryPercentileThatTheCertificateHas)
{
    CertificatePage page;
    const Json quantiles = {{"q50", 1e-4}, {"q90", 2e-4}, {"q95", 3e-4}, {"q99", 4e-4}};
    page.setCertificate(std::make_shared<const Json>(Json{{"metrics", {{"l2", {{"quantiles", quantiles}}}}}}),
                        u"/runs/a.blockcert"_s);
    page.resize(1000, 800);
    const auto* errors = page.findChild<widgets::FactList*>();
    ASSERT_TRUE(errors);
    QStringList values;
    for (int row = 3; row < 7; ++row)
        values << errors->shownValue(row);
    EXPECT_EQ(values, (QStringList{u"0.0001"_s, u"0.0002"_s, u"0.0003"_s, u"0.0004"_s}));
}

TEST(VerdictBook, AVerdictIsAboutTheRunThatLayThereThen)
{
    VerdictBook book;
    widgets::VerdictView verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 3;
    verdict.digest = u"one"_s;
    book.note(u"/runs/a.blockcert/"_s, verdict);
    ASSERT_TRUE(book.of(u"/runs/a.blockcert"_s, u"one"_s));
    EXPECT_FALSE(book.of(u"/runs/a.blockcert"_s, u"two"_s)) << "the folder was written again";
    EXPECT_FALSE(book.of(u"/runs/b.blockcert"_s, u"one"_s));
}

TEST(VerdictBook, AStitchedModelsOrAnEditsCertificateBelongsToItsRunAndSaysNothingOfItsBlocks)
{
    EXPECT_EQ(runOf(u"/runs/a.blockcert/stitch/ab12/certificate.json"_s), u"/runs/a.blockcert"_s);
    EXPECT_EQ(runOf(u"/runs/a.blockcert/edits/mlp/certificate.json"_s), u"/runs/a.blockcert"_s);
    EXPECT_EQ(runOf(u"/runs/a.blockcert/block_03/certificate.json"_s), u"/runs/a.blockcert"_s);
    EXPECT_EQ(runOf(u"/runs/a.blockcert/"_s), u"/runs/a.blockcert"_s);
    VerdictBook book;
    widgets::VerdictView verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 3;
    verdict.digest = QString(64, u'd');
    book.note(u"/runs/a.blockcert/stitch/ab12/certificate.json"_s, verdict);
    EXPECT_FALSE(book.of(u"/runs/a.blockcert"_s, verdict.digest));
}

TEST(VerdictBook, ACertificateAloneSpeaksForItsBlock)
{
    VerdictBook book;
    widgets::VerdictView verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 3;
    book.note(u"/runs/a.blockcert/block_05/certificate.json"_s, verdict);
    const auto found = book.of(u"/runs/a.blockcert"_s, {});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->of(5), CheckState::Verified);
    EXPECT_EQ(found->of(6), CheckState::NotChecked);
}

namespace {

// A book about one run of 30 blocks, told what was found of it in some order.
class Book {
public:
    void whole(CheckState state, int level, std::vector<int> failed = {}) { note({}, state, level, std::move(failed)); }

    void certificate(int block, CheckState state, int level)
    {
        note(u"/block_%1/certificate.json"_s.arg(block, 2, 10, QLatin1Char('0')), state, level,
             state == CheckState::Failed ? std::vector<int>{block} : std::vector<int>());
    }

    [[nodiscard]] widgets::RunVerdict now() const { return m_book.of(run, u"one"_s).value(); }

    [[nodiscard]] std::string word() const { return trustWord(now(), 30).toStdString(); }

private:
    void note(const QString& below, CheckState state, int level, const std::vector<int>& failed)
    {
        widgets::VerdictView verdict;
        verdict.state = state;
        verdict.level = level;
        verdict.sentence = u"%1 of %2"_s.arg(widgets::stateWord(state), below.isEmpty() ? run : below);
        verdict.digest = u"one"_s;
        for (const int block : failed) {
            widgets::CheckRow check;
            check.where = u"block %1"_s.arg(block);
            check.state = CheckState::Failed;
            verdict.checks.push_back(check);
        }
        m_book.note(run + below, verdict);
    }

    const QString run = u"/runs/a.blockcert"_s;
    VerdictBook m_book;
};

}

TEST(VerdictBook, AFailureStaysUntilACheckOfItsScopeAndLevelHolds)
{
    Book book;
    book.whole(CheckState::Failed, 3, {5});
    book.certificate(11, CheckState::Verified, 3);
    EXPECT_EQ(book.word(), "Failed at level 3") << "another block's certificate holds";
    EXPECT_EQ(book.now().of(5), CheckState::Failed);
    EXPECT_EQ(book.now().of(11), CheckState::Verified);
    EXPECT_EQ(book.now().of(12), CheckState::NotChecked);
    book.certificate(5, CheckState::Verified, 4);
    EXPECT_EQ(book.now().of(5), CheckState::Failed) << "the run failed, and its scope is larger";
    book.whole(CheckState::Verified, 1);
    EXPECT_EQ(book.word(), "Failed at level 3") << "a lower level does not look at what failed";
    EXPECT_TRUE(book.now().sentence.startsWith(u"Failed of "_s));
    book.whole(CheckState::NotChecked, 4);
    EXPECT_EQ(book.word(), "Failed at level 3") << "a check that could not be made";
    book.whole(CheckState::Verified, 3);
    EXPECT_EQ(book.word(), "Verified at level 3");
    EXPECT_EQ(book.now().of(5), CheckState::Verified);
}

TEST(VerdictBook, ACertificateThatHoldsDoesNotMakeTheRunAVerifiedOne)
{
    Book book;
    book.certificate(11, CheckState::Verified, 3);
    EXPECT_EQ(book.now().state, CheckState::NotChecked);
    EXPECT_EQ(book.word(), "1 of 30 blocks checked");
    EXPECT_TRUE(book.now().sentence.contains(u"only the certificate of block 11"_s)) << "in the tooltip and the report";
    book.certificate(12, CheckState::WeakerThanPolicy, 4);
    EXPECT_EQ(book.word(), "2 of 30 blocks checked");
    EXPECT_EQ(book.now().levelOf(12), 4);
    book.whole(CheckState::Verified, 3);
    EXPECT_EQ(book.word(), "Verified at level 3");
    EXPECT_EQ(book.now().levelOf(12), 4) << "a lower level takes nothing back";
    EXPECT_EQ(book.now().levelOf(13), 3);
    book.certificate(12, CheckState::Verified, 4);
    EXPECT_EQ(book.word(), "Verified at level 3");
    EXPECT_EQ(book.now().levelOf(12), 4);
}

TEST(VerdictBook, ACertificateThatFailsTakesTheWholeRunWithIt)
{
    Book book;
    book.whole(CheckState::Verified, 4);
    book.certificate(7, CheckState::Failed, 3);
    EXPECT_EQ(book.word(), "Failed at level 3");
    EXPECT_EQ(book.now().of(7), CheckState::Failed);
    EXPECT_EQ(book.now().of(8), CheckState::NotChecked) << "the folder is not the one that was verified";
    book.certificate(7, CheckState::Verified, 3);
    EXPECT_EQ(book.word(), "1 of 30 blocks checked");
}

TEST(VerdictBook, ALowerLevelTakesNothingBack)
{
    Book book;
    book.whole(CheckState::Verified, 4);
    book.whole(CheckState::Verified, 1);
    EXPECT_EQ(book.word(), "Verified at level 4");
    book.whole(CheckState::Failed, 1, {3});
    EXPECT_EQ(book.word(), "Failed at level 1") << "but what fails counts at any";
}

TEST(VerdictBook, IsRememberedWithItsDayAndForTheSameDigestsAlone)
{
    const QString run = u"/runs/a.blockcert"_s;
    VerdictBook before;
    widgets::VerdictView verdict;
    verdict.state = CheckState::Failed;
    verdict.level = 3;
    verdict.sentence = u"Failed: block 5."_s;
    verdict.digest = u"one"_s;
    widgets::CheckRow check;
    check.where = u"block 5"_s;
    check.state = CheckState::Failed;
    verdict.checks = {check};
    before.note(run, verdict, u"2026-11-27"_s);
    EXPECT_EQ(trustWord(before.of(run, u"one"_s), 30), u"Failed at level 3"_s);

    VerdictBook after;
    after.restore(before.saved());
    EXPECT_FALSE(after.of(run, u"two"_s)) << "another run lies there by now";
    const auto known = after.of(run, u"one"_s);
    ASSERT_TRUE(known);
    EXPECT_EQ(known->state, CheckState::Failed);
    EXPECT_EQ(known->of(5), CheckState::Failed);
    EXPECT_EQ(trustWord(known, 30), u"Failed at level 3 on 27 Nov 2026"_s);
    EXPECT_TRUE(known->sentence.contains(u"before this window was opened"_s)) << known->sentence.toStdString();

    verdict.state = CheckState::Verified;
    verdict.checks.clear();
    after.note(run, verdict, u"2026-11-28"_s);
    EXPECT_EQ(trustWord(after.of(run, u"one"_s), 30), u"Verified at level 3"_s) << "of today, and of this window";
    VerdictBook damaged;
    damaged.restore("{\"schema\":");
    EXPECT_FALSE(damaged.of(run, u"one"_s));
}

TEST_F(Trust, AVerdictOutlivesTheWindow)
{
    open("verified");
    verify();
    const QByteArray saved = bench->session->preferences.savedVerdicts();
    VerdictBook next;
    next.restore(saved);
    const RunView& run = *bench->session->run.run().value;
    ASSERT_TRUE(next.of(run.path, run.digest));
    EXPECT_FALSE(next.of(run.path, run.digest)->since.isEmpty());
}

// SHA256SUMS is as it was, and so is the digest that the verdict is about; a file is not.
TEST_F(Trust, WhatReadingFindsTakesBackWhatWasVerified)
{
    open("verified");
    verify();
    ASSERT_EQ(badge(), u"Verified at level 3"_s);
    Json altered = testing::showAnswer("run", true);
    altered["damaged"] = true;
    altered["problems"] = {"block_01/certificate.json is not the file that SHA256SUMS lists"};
    bench->tool().rewrite(Json{{"show", once(steps({Json{{"json", altered}}}))}}.dump());
    bench->session->run.open(bench->session->run.path());
    ASSERT_TRUE(
        waitUntil([&] { return bench->session->run.run().isReady() && bench->session->run.run().value->damaged; }));
    EXPECT_EQ(badge(), u"Failed at level 1"_s);
    EXPECT_EQ(certified(0).second, Mark::NotChecked);
    const RunView& run = *bench->session->run.run().value;
    EXPECT_TRUE(bench->session->verdicts.of(run.path, run.digest)->sentence.contains(u"SHA256SUMS lists"_s));
}

// A verdict of before that is looked at again, as from a table of several, is no newer finding.
TEST_F(Trust, AnOldVerdictThatIsShownAgainTakesNothingBack)
{
    open("failed");
    verify();
    widgets::VerdictView old = verdictViewOf(testing::verdictAnswer("run", "verified"));
    bench->session->verdict.adopt(bench->session->verdict.request(), old, nullptr);
    EXPECT_EQ(badge(), u"Failed at level 3"_s);
}

TEST(VerdictBook, LevelsThatRecomputeNothingProveNoBlock)
{
    widgets::RunVerdict verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 1;
    EXPECT_EQ(verdict.of(0), CheckState::NotChecked);
}

}
}
