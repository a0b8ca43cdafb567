// The guided tour, its run, the tamper lab and the explanations beside the words.
#include "app/workbench/pages/tamper_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/session/tamper_lab.h"
#include "app/workbench/session/teaching_run.h"
#include "app/workbench/session/tour.h"
#include "app/workbench/shell/dialogs.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "tests/workbench/support/bench.h"
#include "widgets/help_mark.h"
#include "widgets/rail.h"
#include "widgets/theme.h"
#include "widgets/tour_card.h"

#include <QApplication>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QLayout>
#include <QPushButton>
#include <QStackedWidget>
#include <QTest>

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::showScript;
using testing::waitUntil;
using testing::Workbench;
namespace fs = std::filesystem;

fs::path sourceRun()
{
    return fs::path(qEnvironmentVariable("BLOCKCERT_SOURCE").toStdString()) /
           "resources/examples/three-blocks.blockcert";
}

// The digest of every file, by its path.
std::map<std::string, std::string> digestsOf(const fs::path& run)
{
    std::map<std::string, std::string> digests;
    for (const auto& entry : fs::recursive_directory_iterator(run))
        if (entry.is_regular_file())
            digests[entry.path().lexically_relative(run).string()] = sha256Of(readWholeFile(entry.path(), 1U << 30U));
    return digests;
}

// The files whose digest is another one than SHA256SUMS lists.
std::vector<std::string> disagreeing(const fs::path& run)
{
    std::vector<std::string> names;
    std::istringstream sums(readWholeFile(run / "SHA256SUMS", 1U << 20U));
    const auto digests = digestsOf(run);
    for (std::string digest, name; sums >> digest >> name;)
        if (!digests.contains(name) || digests.at(name) != digest)
            names.push_back(name);
    return names;
}

class CopiedRun : public ::testing::Test {
protected:
    [[nodiscard]] fs::path fresh()
    {
        const fs::path path = fs::path(m_folder.path().toStdString()) / std::to_string(++m_copies);
        copyRun(sourceRun(), path);
        return path;
    }

    QTemporaryDir m_folder;
    int m_copies = 0;
};

TEST_F(CopiedRun, IsTheRunItself)
{
    EXPECT_EQ(digestsOf(fresh()), digestsOf(sourceRun()));
    EXPECT_EQ(disagreeing(fresh()), std::vector<std::string>());
}

TEST_F(CopiedRun, IsDamagedInOnePlaceAndTheOriginalStays)
{
    const auto before = digestsOf(sourceRun());
    const std::map<Tamper, std::vector<std::string>> expected = {
        {Tamper::FlipByte, {"block_15/probes.h5"}},
        {Tamper::ChangeNumber, {"block_29/certificate.json"}},
        {Tamper::ChangePrompt,
         {"block_00/certificate.json", "block_15/certificate.json", "block_29/certificate.json", "run.json"}},
        {Tamper::DropFile, {"block_15/ir.h5"}}};
    for (const auto& [tamper, files] : expected) {
        const fs::path copy = fresh();
        const Damage damage = damageRun(copy, tamper, false);
        EXPECT_EQ(disagreeing(copy), files);
        EXPECT_NE(damage.before + damage.file, damage.after);
        const fs::path covered = fresh();
        EXPECT_EQ(damageRun(covered, tamper, true), damage);
        EXPECT_EQ(disagreeing(covered), std::vector<std::string>()) << "the list of digests was written anew";
    }
    EXPECT_EQ(digestsOf(sourceRun()), before);
}

TEST_F(CopiedRun, WithoutABlockIsRefusedWithASentence)
{
    const fs::path empty = fs::path(m_folder.path().toStdString()) / "empty";
    fs::create_directory(empty);
    EXPECT_THROW((void)damageRun(empty, Tamper::FlipByte, false), FormatError);
}

TEST(TeachingRun, IsUnpackedWholeAndRepaired)
{
    const fs::path run = unpackTeachingRun().toStdString();
    EXPECT_EQ(digestsOf(run), digestsOf(sourceRun()));
    writeFileAtomically(run / "run.json", "{}");
    EXPECT_EQ(unpackTeachingRun(), teachingRunPath());
    EXPECT_EQ(digestsOf(run), digestsOf(sourceRun()));
}

// With the verifier and the demo model as they are.
class Lab : public ::testing::Test {
protected:
    Lab()
        : m_tool(testing::programPath(u"blockcert"_s))
    {
        m_lab.setRun(QString::fromStdString(sourceRun().string()));
    }

    [[nodiscard]] const widgets::VerdictView* verdict()
    {
        if (!waitUntil([this] { return !m_lab.isBusy(); }, 120000))
            return nullptr;
        return m_lab.verdict().verdict().isReady() ? m_lab.verdict().verdict().value.get() : nullptr;
    }

    [[nodiscard]] const widgets::VerdictView* after(const TamperRequest& request)
    {
        m_lab.apply(request);
        return verdict();
    }

    EngineClient m_engine{{}, {}};
    ToolRunner m_tool;
    JobBoard m_board{m_engine, m_tool};
    TamperLab m_lab{m_board};
};

TEST_F(Lab, AnUntouchedCopyIsVerifiedAtEveryLevel)
{
    for (const int level : {1, 3, 4}) {
        m_lab.applyNothing(level);
        const widgets::VerdictView* found = verdict();
        ASSERT_TRUE(found) << m_lab.problem().toStdString();
        EXPECT_EQ(found->state, CheckState::Verified) << found->sentence.toStdString();
        EXPECT_EQ(catchersOf(*found, 4), QStringList());
    }
}

TEST_F(Lab, DamageIsCaughtByTheCheckThatTheLessonNames)
{
    const auto caughtBy = [this](const TamperRequest& request) {
        const widgets::VerdictView* found = after(request);
        return found ? catchersOf(*found, 9).join(u'\n') : QString();
    };
    EXPECT_TRUE(caughtBy({Tamper::FlipByte, false, 1}).contains("block_15/probes.h5: File digest"_L1));
    EXPECT_TRUE(caughtBy({Tamper::FlipByte, true, 1}).contains("Artifact as the certificate names it"_L1));
    EXPECT_TRUE(caughtBy({Tamper::DropFile, true, 1}).contains("block_15/ir.h5"_L1));
    EXPECT_TRUE(caughtBy({Tamper::ChangeNumber, false, 1}).contains("File digest"_L1));
    EXPECT_EQ(caughtBy({Tamper::ChangeNumber, true, 1}), QString()) << "digests alone do not notice";
    EXPECT_TRUE(caughtBy({Tamper::ChangeNumber, true, 3}).contains(u"block 29: ε"_s));
    EXPECT_EQ(caughtBy({Tamper::ChangePrompt, true, 3}), QString()) << "texts are the issuer's words";
    EXPECT_TRUE(caughtBy({Tamper::ChangePrompt, true, 4}).contains("Prompts tokenised again"_L1));
}

TEST_F(Lab, ResetForgetsDamageAndVerdict)
{
    ASSERT_TRUE(after({Tamper::DropFile, false, 1}));
    const QString copy = m_lab.copyPath();
    EXPECT_TRUE(QFile::exists(copy));
    m_lab.reset();
    EXPECT_FALSE(m_lab.damage());
    EXPECT_FALSE(m_lab.verdict().verdict().isReady());
    EXPECT_FALSE(QFile::exists(copy));
}

TEST(Tour, LeadsThroughThePagesAndIsContinuedWhereItWasLeft)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.session->preferences.setTourStep(0);
    bench.command(u"Guided tour"_s);
    widgets::TourCard* card = nullptr;
    ASSERT_TRUE(waitUntil([&] {
        card = bench.window->findChild<widgets::TourCard*>();
        return card && card->isVisible() && bench.session->run.run().isReady();
    }));
    EXPECT_EQ(bench.session->run.path(), teachingRunPath());
    // From whichever of its buttons has the focus.
    const auto next = [&] { QTest::keyClick(card->focusWidget() ? card->focusWidget() : card, Qt::Key_Right); };
    EXPECT_EQ(bench.window->page(), MainWindow::Open);
    next();
    EXPECT_EQ(bench.window->page(), MainWindow::Explore);
    ASSERT_TRUE(card->target());
    EXPECT_TRUE(card->target()->isVisible());
    bench.command(u"Release"_s); // Esc
    EXPECT_FALSE(card->isVisible());
    EXPECT_EQ(bench.session->preferences.tourStep(), 1);
    bench.window->showPage(MainWindow::Open);
    bench.command(u"Guided tour"_s);
    ASSERT_TRUE(waitUntil([&] { return card->isVisible(); }));
    EXPECT_EQ(bench.window->page(), MainWindow::Explore) << "where it was left";
    for (std::size_t step = 2; step < tourSteps().size(); ++step) {
        next();
        EXPECT_TRUE(card->isVisible()) << step;
    }
    next();
    EXPECT_FALSE(card->isVisible());
    EXPECT_EQ(bench.session->preferences.tourStep(), 0) << "a finished tour begins anew";
}

TEST(Tour, HasAPlaceForEveryStepInsideTheWindow)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.session->preferences.setTourStep(0);
    bench.command(u"Guided tour"_s);
    widgets::TourCard* card = nullptr;
    ASSERT_TRUE(waitUntil([&] {
        card = bench.window->findChild<widgets::TourCard*>();
        return card && card->isVisible() && bench.session->run.run().isReady();
    }));
    const auto placeOf = [&](const QWidget& widget) {
        return QRect(widget.mapTo(bench.window.get(), QPoint()), widget.size());
    };
    for (const QSize& size : {QSize(1440, 900), QSize(1000, 720)}) {
        bench.window->resize(size);
        for (std::size_t step = 0; step < tourSteps().size(); ++step) {
            QCoreApplication::processEvents(); // the page makes room for the card
            const QRect place = placeOf(*card);
            EXPECT_TRUE(bench.window->rect().contains(place)) << step;
            EXPECT_GE(card->height(), card->layout()->heightForWidth(card->width())) << "nothing is cut, step " << step;
            EXPECT_LE(card->height(), size.height() / 4) << "most of the window is left to the page, step " << step;
            // Nothing of the page lies under it, the place it speaks of least of all.
            for (const QWidget* page : {static_cast<const QWidget*>(bench.window->findChild<QStackedWidget*>()),
                                        static_cast<const QWidget*>(bench.window->findChild<widgets::Rail*>())})
                EXPECT_FALSE(place.intersects(placeOf(*page))) << step;
            QTest::keyClick(card, step + 1 < tourSteps().size() ? Qt::Key_Right : Qt::Key_Home);
        }
        for (std::size_t step = 1; step < tourSteps().size(); ++step)
            QTest::keyClick(card, Qt::Key_Left);
    }
    bench.session->preferences.setTourStep(0);
}

// The ring is drawn over the window, as the palette and the sheet of shortcuts are.
TEST(Tour, WhatFloatsOverTheWindowFloatsOverItsRing)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.session->preferences.setTourStep(1);
    bench.command(u"Guided tour"_s);
    ASSERT_TRUE(waitUntil([&] {
        const auto* ring = bench.window->findChild<widgets::TourRing*>();
        return ring && ring->isVisible();
    }));
    bench.command(u"Shortcuts"_s);
    auto* sheet = bench.window->findChild<ShortcutSheet*>();
    ASSERT_TRUE(sheet && sheet->isVisible());
    auto* card = bench.window->findChild<widgets::TourCard*>();
    ASSERT_TRUE(QMetaObject::invokeMethod(card, "place"));  // as the ring does again and again
    const QObjectList& children = bench.window->children(); // the last one lies on top
    EXPECT_GT(children.indexOf(sheet), children.indexOf(bench.window->findChild<widgets::TourRing*>()));
    bench.session->preferences.setTourStep(0);
}

TEST(Teaching, TypeForAProjectorStaysWithTheLayout)
{
    Workbench bench(engineScript());
    bench.start();
    const int before = widgets::textFont(widgets::TextSize::Body).pixelSize();
    bench.command(u"Type: for a projector"_s);
    const int large = widgets::textFont(widgets::TextSize::Body).pixelSize();
    EXPECT_GE(large, before * 3 / 2);
    bench.stop();
    bench.start();
    EXPECT_EQ(widgets::textFont(widgets::TextSize::Body).pixelSize(), large);
    bench.command(u"Type: normal"_s);
    EXPECT_EQ(widgets::textFont(widgets::TextSize::Body).pixelSize(), before);
}

TEST(Teaching, WordsAreExplainedByKeyboardAndEscClosesOnlyTheExplanation)
{
    QWidget window;
    window.resize(600, 500);
    auto* mark = new widgets::HelpMark({widgets::Term::Epsilon, widgets::Term::Coverage}, &window);
    window.show();
    mark->setFocus();
    QTest::keyClick(mark, Qt::Key_Return);
    ASSERT_TRUE(mark->card());
    QString said;
    for (const QLabel* label : mark->card()->findChildren<QLabel*>())
        said += label->text();
    EXPECT_TRUE(said.contains(widgets::termText(widgets::Term::Epsilon)));
    EXPECT_TRUE(said.contains(widgets::termText(widgets::Term::Coverage)));
    EXPECT_TRUE(window.rect().contains(mark->card()->geometry()));
    QTest::keyClick(mark->card(), Qt::Key_Escape);
    ASSERT_TRUE(waitUntil([&] { return mark->card() == nullptr; }));
    EXPECT_TRUE(window.isVisible());
}

TEST(Teaching, EveryTermHasANameAndAnExplanation)
{
    for (const widgets::Term term : widgets::allTerms) {
        EXPECT_FALSE(widgets::termName(term).isEmpty());
        EXPECT_GT(widgets::termText(term).size(), 60);
    }
}

}
}
