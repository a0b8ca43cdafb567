// What the pages that show a run say about whether anybody has checked it.
#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/verify_page.h"
#include "tests/workbench/support/bench.h"
#include "widgets/block_table.h"
#include "widgets/fact_list.h"
#include "widgets/state_badge.h"

#include <gtest/gtest.h>

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
    [[nodiscard]] std::pair<QString, CheckState> certified(int block) const
    {
        const auto* table = bench->window->explorePage().findChild<widgets::BlockTable*>();
        const QAbstractItemModel* model = table->model();
        for (int row = 0; row < model->rowCount(); ++row) {
            const QModelIndex index = model->index(row, BlockTableModel::Certified);
            if (index.data(BlockTableModel::BlockRole).toInt() == block)
                return {index.data().toString(),
                        static_cast<CheckState>(index.data(BlockTableModel::StateRole).toInt())};
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
    EXPECT_EQ(certified(0), std::pair(u"claimed"_s, CheckState::NotChecked));
    EXPECT_EQ(certified(2), std::pair(u"no"_s, CheckState::WeakerThanPolicy));
    EXPECT_EQ(badge(), u"Not verified"_s);
}

TEST_F(Trust, AVerifiedRunCarriesItsTicksIntoExplore)
{
    open("verified");
    verify();
    EXPECT_EQ(certified(0), std::pair(u"yes"_s, CheckState::Verified));
    EXPECT_EQ(badge(), u"Verified at level 3"_s);
}

TEST_F(Trust, AFailedRunSaysSoInExploreAndNamesTheBlock)
{
    open("failed");
    verify();
    EXPECT_EQ(certified(0), std::pair(u"claimed"_s, CheckState::NotChecked));
    EXPECT_EQ(certified(1), std::pair(u"refuted"_s, CheckState::Failed));
    EXPECT_EQ(badge(), u"Failed at level 3"_s);
    EXPECT_TRUE(Workbench::noticeOn(bench->window->explorePage()).startsWith(u"Failed: block_01/probes.h5"_s));
    bench->window->showPage(MainWindow::Explore);
    ASSERT_TRUE(Workbench::actOn(bench->window->explorePage()));
    EXPECT_EQ(bench->window->page(), MainWindow::Verify);
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

TEST(VerdictBook, LevelsThatRecomputeNothingProveNoBlock)
{
    widgets::RunVerdict verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 1;
    EXPECT_EQ(verdict.of(0), CheckState::NotChecked);
}

}
}
