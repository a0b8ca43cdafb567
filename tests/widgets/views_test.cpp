#include "widgets/artifact_tree.h"
#include "widgets/cell_facts.h"
#include "widgets/check_list.h"
#include "widgets/colour_map.h"
#include "widgets/command_strip.h"
#include "widgets/crumb_bar.h"
#include "widgets/empty_state.h"
#include "widgets/error_scale.h"
#include "widgets/fact_list.h"
#include "widgets/gallery/samples.h"
#include "widgets/inspector_panel.h"
#include "widgets/model_card_view.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/rail.h"
#include "widgets/segmented_control.h"
#include "widgets/spark_line.h"
#include "widgets/status_line.h"
#include "widgets/theme.h"
#include "widgets/token_chips.h"
#include "widgets/verdict_banner.h"

#include <QApplication>
#include <QClipboard>
#include <QElapsedTimer>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QToolButton>

#include <gtest/gtest.h>

namespace blockcert::widgets {

namespace {

QStringList textsOf(const QWidget& widget)
{
    QStringList texts;
    for (const QLabel* label : widget.findChildren<QLabel*>())
        if (label->isVisibleTo(&widget))
            texts << label->text();
    return texts;
}

QPushButton* button(const QWidget& widget, const QString& text)
{
    for (QPushButton* candidate : widget.findChildren<QPushButton*>())
        if (candidate->text() == text)
            return candidate;
    return nullptr;
}

}

TEST(CellFacts, CoverageIsDecidedOnTheWholeErrorNotOnItsParts)
{
    const auto map = samples::tokenMap();
    const CellKey key{11, 4, 0};
    EXPECT_EQ(readCell(*map, key, Metric::Error).covered, std::optional(false));
    EXPECT_EQ(readCell(*map, key, Metric::MlpPart).covered, std::nullopt);
    EXPECT_EQ(readCell(*map, key, Metric::Margin).covered, std::nullopt);
    EXPECT_EQ(readCell(*map, {3, 4, 5}, Metric::Error).covered, std::optional(true));
}

TEST(CellFacts, SaysWhyANumberIsNotThere)
{
    const auto map = samples::tokenMap();
    const CellReading absent = readCell(*map, {29, 7, 1}, Metric::Error);
    EXPECT_EQ(absent.headline.toStdString(), "Not measured");
    EXPECT_EQ(absent.covered, std::nullopt);
    EXPECT_EQ(readCell(*map, {3, 4, 0}, Metric::LossDifference).sentence.toStdString(),
              "the first token is not predicted, so it has no loss");
    EXPECT_EQ(readCell(*map, {99, 4, 0}, Metric::Error).token, nullptr);
    EXPECT_EQ(readCell(*map, {3, 4, 9999}, Metric::Error).token, nullptr);
}

TEST(CellFacts, TheMedianIsTheLowerMiddleOfAllMeasuredNorms)
{
    TokenMap map;
    map.blocks = {5};
    map.prompts = {{QStringLiteral("a"), {}, std::vector<Token>(3)}, {QStringLiteral("b"), {}, std::vector<Token>(2)}};
    auto a = std::make_shared<MapCell>();
    a->outputNorm = {9, missing, 1};
    auto b = std::make_shared<MapCell>();
    b->outputNorm = {4, 3};
    map.cells = {a, b};
    EXPECT_EQ(medianNorm(map, 5), 3);
    EXPECT_TRUE(isMissing(medianNorm(map, 6)));
}

TEST(InspectorPanel, ShowsTheInequalityAndEveryDigit)
{
    InspectorPanel panel;
    panel.setMap(samples::tokenMap());
    panel.setCell({11, 4, 0}, true);
    const QStringList texts = textsOf(panel);
    EXPECT_TRUE(texts.contains(QStringLiteral("0.014217… > 0.01"))) << texts.join(u'\n').toStdString();
    const QString prompt = samples::tokenMap()->prompts[4].id;
    EXPECT_TRUE(texts.contains(
        QStringLiteral("“Review” in prompt 4 · %1\nerror ‖ŷ − y‖₂ exceeds τ_act by 42.2\u00a0%").arg(prompt)))
        << texts.join(u'\n').toStdString();
    EXPECT_TRUE(texts.contains(QStringLiteral("Measured on the listed prompts. It says nothing about other inputs.")));
}

TEST(InspectorPanel, NeverCutsANumber)
{
    auto map = std::make_shared<TokenMap>(*samples::tokenMap());
    for (auto& cell : map->cells) {
        if (!cell)
            continue;
        auto changed = std::make_shared<MapCell>(*cell);
        changed->errorMlp.assign(changed->error.size(), 3.1234567890123456e-205);
        changed->outputNorm.assign(changed->error.size(), 12345.678901234567);
        cell = changed;
    }
    InspectorPanel panel;
    panel.setActions({{QStringLiteral("Next uncovered"), {}, true},
                      {QStringLiteral("Certificate"), {}, true},
                      {QStringLiteral("Copy numbers"), {}, true},
                      {QStringLiteral("Copy as command"), {}, true}});
    panel.setMap(map);
    panel.setMetric(Metric::MlpPart);
    panel.setCell({11, 4, 0}, true);
    for (const int width : {296, 336, 600}) {
        panel.resize(width, 700);
        panel.show();
        QApplication::processEvents();
        for (const QLabel* label : panel.findChildren<QLabel*>()) {
            if (isNumberText(label->text())) {
                EXPECT_LE(label->fontMetrics().horizontalAdvance(label->text()), label->width())
                    << label->text().toStdString() << " at " << width;
            }
        }
        EXPECT_LE(panel.widget()->width(), panel.viewport()->width()) << "nothing lies outside at " << width;
        const auto* facts = panel.findChild<FactList*>();
        const std::vector<Fact> shown = cellFacts(*map, {11, 4, 0});
        for (int row = 0; row < static_cast<int>(shown.size()); ++row) {
            const Fact& fact = shown[static_cast<std::size_t>(row)];
            if (!isNumberText(fact.value))
                continue;
            EXPECT_EQ(facts->shownValue(row), fact.value) << "at " << width;
            const int needed = QFontMetrics(fixedFont(TextSize::Secondary)).horizontalAdvance(fact.value) +
                               QFontMetrics(textFont(TextSize::Secondary)).horizontalAdvance(facts->shownLabel(row));
            EXPECT_LE(needed, facts->width()) << fact.label.toStdString() << " at " << width;
        }
    }
}

TEST(InspectorPanel, WithoutASelectionItSaysWhatToDo)
{
    InspectorPanel panel;
    EXPECT_TRUE(textsOf(panel).contains(QStringLiteral("No run is shown")));
    panel.setMap(samples::tokenMap());
    EXPECT_TRUE(textsOf(panel).contains(QStringLiteral("No token is selected")));
}

TEST(InspectorPanel, ActionsAndReleaseAreAnnounced)
{
    InspectorPanel panel;
    panel.setMap(samples::tokenMap());
    panel.setActions({{QStringLiteral("Copy as command"), {}, true}, {QStringLiteral("Add to report"), {}, false}});
    panel.setCell({11, 4, 0}, true);
    QSignalSpy action(&panel, &InspectorPanel::actionRequested);
    QSignalSpy release(&panel, &InspectorPanel::releaseRequested);
    button(panel, QStringLiteral("Copy as command"))->click();
    button(panel, QStringLiteral("Add to report"))->click(); // disabled
    button(panel, QStringLiteral("Held · release"))->click();
    ASSERT_EQ(action.count(), 1);
    EXPECT_EQ(action[0][0].toInt(), 0);
    EXPECT_EQ(release.count(), 1);
}

TEST(TokenChips, EveryChipIsHitInItsMiddle)
{
    TokenChips chips;
    chips.resize(400, 300);
    chips.show();
    const auto tokens = samples::chatTokens();
    chips.setTokens(tokens);
    for (int token = 0; token < static_cast<int>(tokens->size()); ++token)
        EXPECT_EQ(chips.tokenAt(chips.chipRect(token).center()), token);
    EXPECT_EQ(chips.tokenAt({399, 299}), -1);
}

TEST(TokenChips, TextIsReadOnEveryColourOfEveryMap)
{
    EXPECT_NEAR(contrastRatio(Qt::black, Qt::white), 21, 1e-9);
    for (const Tokens* tokens : {&lightTokens(), &darkTokens()}) {
        std::vector<QColor> fills = blueOrange();
        fills.insert(fills.end(), cividis().begin(), cividis().end());
        fills.insert(fills.end(), tokens->cool.begin(), tokens->cool.end());
        fills.insert(fills.end(), tokens->warm.begin(), tokens->warm.end());
        for (const ErrorScale& scale : {ErrorScale::diverging(1e-3, 1), ErrorScale::anchored(1e-4, 1e-2, 1)})
            for (int step = 0; step < ErrorScale::steps; ++step)
                fills.push_back(scale.colourOf(step, *tokens));
        for (const QColor& fill : fills)
            EXPECT_GE(contrastRatio(inkOn(fill), fill), 4.5) << fill.name().toStdString();
        EXPECT_GE(contrastRatio(tokens->text, tokens->hover), 4.5) << "an ordinary token without a colour";
        EXPECT_GE(contrastRatio(tokens->accent, tokens->accentFill), 4.5) << "a special one";
        EXPECT_GE(contrastRatio(tokens->secondary, tokens->hover), 4.5) << "its number";
    }
}

TEST(TokenChips, ChipsWrapAndNeverLeaveTheView)
{
    TokenChips chips;
    chips.resize(260, 300);
    chips.show();
    const auto tokens = samples::chatTokens();
    chips.setTokens(tokens);
    for (int token = 0; token < static_cast<int>(tokens->size()); ++token)
        EXPECT_LE(chips.chipRect(token).right(), chips.viewport()->width());
    EXPECT_GT(chips.heightForWidth(200), chips.heightForWidth(800));
}

TEST(TokenChips, EqualTokensStaySeparateAndSearchFindsBoth)
{
    TokenChips chips;
    chips.resize(600, 300);
    chips.setTokens(samples::chatTokens());
    EXPECT_EQ(chips.highlight(QStringLiteral(" the")), 3); // " the" twice and " Then"
    EXPECT_EQ(chips.highlight(QString()), 0);
}

TEST(TokenChips, KeysMoveThroughTheText)
{
    TokenChips chips;
    chips.resize(400, 300);
    chips.show();
    chips.setTokens(samples::chatTokens());
    QSignalSpy chosen(&chips, &TokenChips::tokenChosen);
    QTest::keyClick(&chips, Qt::Key_Right);
    EXPECT_EQ(chips.current(), 0);
    QTest::keyClick(&chips, Qt::Key_Down);
    EXPECT_GT(chips.chipRect(chips.current()).top(), chips.chipRect(0).top());
    QTest::keyClick(&chips, Qt::Key_Up);
    EXPECT_EQ(chips.chipRect(chips.current()).top(), chips.chipRect(0).top());
    QTest::keyClick(&chips, Qt::Key_End);
    EXPECT_EQ(chips.current(), static_cast<int>(samples::chatTokens()->size()) - 1);
    EXPECT_EQ(chosen.count(), 4);
}

TEST(TokenChips, TenThousandTokensAreLaidOutWithoutWidgets)
{
    const auto map = samples::largeMap(10000, 1);
    TokenChips chips;
    chips.resize(700, 400);
    chips.show();
    const auto before = chips.findChildren<QWidget*>().size();
    chips.setTokens(std::make_shared<const std::vector<Token>>(map->prompts[0].tokens));
    EXPECT_EQ(chips.findChildren<QWidget*>().size(), before);
    chips.setCurrent(9999);
    EXPECT_TRUE(chips.viewport()->rect().intersects(chips.chipRect(9999)));
}

TEST(Rail, KeysMoveAndReturnChooses)
{
    Rail rail;
    rail.resize(rail.sizeHint());
    rail.setSteps({{QStringLiteral("Open"), Icon::Open, {}, true, true, {}},
                   {QStringLiteral("Run"), Icon::Run, {}, false, false, {}},
                   {QStringLiteral("Explore"), Icon::Explore, {}, true, false, {}}});
    QSignalSpy chosen(&rail, &Rail::chosen);
    QTest::keyClick(&rail, Qt::Key_Down);
    QTest::keyClick(&rail, Qt::Key_Return);
    EXPECT_EQ(chosen.count(), 0) << "a step that is off cannot be chosen";
    QTest::keyClick(&rail, Qt::Key_Down);
    QTest::keyClick(&rail, Qt::Key_Return);
    ASSERT_EQ(chosen.count(), 1);
    EXPECT_EQ(rail.current(), 2);
    QTest::mouseClick(&rail, Qt::LeftButton, {}, rail.stepRect(0).center());
    EXPECT_EQ(rail.current(), 0);
    rail.setCurrent(2);
    EXPECT_EQ(chosen.count(), 2) << "setCurrent does not announce";
    EXPECT_NE(rail.accessibleDescription().indexOf(QStringLiteral("Explore, step 3 of 3")), -1);
}

TEST(CrumbBar, ACrumbIsShortenedOrNotThereButNeverCut)
{
    CrumbBar bar;
    const auto name = QStringLiteral("SmolLM2-135M-Instruct.Q4_1-base-fp32-2");
    bar.setCrumbs({{name, {}, -1}, {name, {}, -1}, {name, {}, -1}, {QStringLiteral("token 0"), {}, -1}});
    for (const int width : {1200, 700, 420, 300}) {
        bar.resize(width, bar.height());
        bar.show();
        QCoreApplication::processEvents();
        int shown = 0;
        for (const QToolButton* button : bar.findChildren<QToolButton*>()) {
            if (!button->isVisible())
                continue;
            ++shown;
            EXPECT_GE(button->width(), button->sizeHint().width()) << width << ' ' << button->text().toStdString();
        }
        EXPECT_GE(shown, 1);
    }
}

TEST(CrumbBar, ShortensLongCrumbsBeforeTheLastOne)
{
    CrumbBar bar;
    bar.resize(420, bar.height());
    bar.setCrumbs({{QString(60, u'm'), {}, -1}, {QStringLiteral("run"), {}, -1}, {QStringLiteral("token 0"), {}, -1}});
    const auto crumbs = bar.findChildren<QToolButton*>();
    ASSERT_EQ(crumbs.size(), 3);
    EXPECT_TRUE(crumbs[0]->text().contains(u'…'));
    EXPECT_TRUE(crumbs[0]->toolTip().contains(QString(60, u'm')));
    EXPECT_EQ(crumbs[2]->text().toStdString(), "token 0");
    QSignalSpy chosen(&bar, &CrumbBar::crumbChosen);
    crumbs[1]->click();
    ASSERT_EQ(chosen.count(), 1);
    EXPECT_EQ(chosen[0][0].toInt(), 1);
}

TEST(SegmentedControl, AnnouncesOnlyTheUsersChoice)
{
    SegmentedControl control;
    control.setChoices({QStringLiteral("A"), QStringLiteral("B"), QStringLiteral("Δ")});
    QSignalSpy chosen(&control, &SegmentedControl::chosen);
    control.setCurrent(2);
    EXPECT_EQ(chosen.count(), 0);
    button(control, QStringLiteral("B"))->click();
    ASSERT_EQ(chosen.count(), 1);
    EXPECT_EQ(control.current(), 1);
}

TEST(VerdictBanner, ShowsTheVerdictsOwnSentence)
{
    VerdictBanner banner;
    banner.setVerdict(samples::failed());
    EXPECT_TRUE(textsOf(banner).contains(QStringLiteral("Failed at level 3")));
    EXPECT_TRUE(textsOf(banner).contains(samples::failed()->sentence));
}

TEST(VerdictBanner, WhileACheckRunsNoStateIsReachedAndTheButtonCancels)
{
    VerdictBanner banner;
    banner.setVerdict(samples::verified());
    banner.setAction(QStringLiteral("Check at level 4…"));
    banner.setRunning(QStringLiteral("Replaying block 7 of 30"), 0.24);
    EXPECT_FALSE(textsOf(banner).join(u' ').contains(QStringLiteral("Verified")));
    QSignalSpy action(&banner, &VerdictBanner::actionRequested);
    QSignalSpy cancel(&banner, &VerdictBanner::cancelRequested);
    button(banner, QStringLiteral("Cancel"))->click();
    EXPECT_EQ(cancel.count(), 1);
    EXPECT_EQ(action.count(), 0);
    banner.setVerdict(samples::verified());
    button(banner, QStringLiteral("Check at level 4…"))->click();
    EXPECT_EQ(action.count(), 1);
}

TEST(CommandStrip, CopiesTheCommandExactly)
{
    CommandStrip strip;
    const QString command = QStringLiteral("blockcert verify a.blockcert --level 3\nsha256sum -c SHA256SUMS");
    strip.setCommand(command);
    button(strip, QStringLiteral("Copy"))->click();
    EXPECT_EQ(QApplication::clipboard()->text(), command);
}

TEST(Notice, HasAtMostOneActionAndCanBeClosed)
{
    QWidget page;
    auto* notice = new Notice(&page);
    notice->setNotice(Notice::Tone::Error, QStringLiteral("The file is cut off after 12 of 40 bytes."));
    EXPECT_EQ(notice->accessibleName().toStdString(), "Error");
    QSignalSpy closed(notice, &Notice::closed);
    notice->setClosable(true);
    button(*notice, QString())->click();
    notice->setNotice(Notice::Tone::Note, QStringLiteral("x"), QStringLiteral("Resume"));
    QSignalSpy action(notice, &Notice::actionRequested);
    button(*notice, QStringLiteral("Resume"))->click();
    EXPECT_EQ(action.count(), 1);
}

TEST(EmptyState, EveryWayInIsReachableByKeyboard)
{
    EmptyState empty;
    empty.setText(QStringLiteral("Nothing here yet"), {});
    empty.setWays({{Icon::Open, QStringLiteral("Open a model…"), {}, true, true},
                   {Icon::Run, QStringLiteral("Try the demo"), {}, false, true}});
    QSignalSpy chosen(&empty, &EmptyState::wayChosen);
    const auto ways = empty.findChildren<WayButton*>();
    ASSERT_EQ(ways.size(), 2);
    EXPECT_TRUE((ways[1]->focusPolicy() & Qt::TabFocus) != 0);
    QTest::keyClick(ways[1], Qt::Key_Return);
    ASSERT_EQ(chosen.count(), 1);
    EXPECT_EQ(chosen[0][0].toInt(), 1);
}

TEST(SparkLine, AClickChoosesTheNearestBlock)
{
    SparkLine line;
    line.resize(300, 120);
    line.setSeries({0, 5, 7, 9}, {1e-3, missing, 2e-3, 4e-2}, 1e-2);
    QSignalSpy chosen(&line, &SparkLine::labelChosen);
    QTest::mouseClick(&line, Qt::LeftButton, {}, QPoint(297, 60));
    QTest::mouseClick(&line, Qt::LeftButton, {}, QPoint(3, 60));
    ASSERT_EQ(chosen.count(), 2);
    EXPECT_EQ(chosen[0][0].toInt(), 9);
    EXPECT_EQ(chosen[1][0].toInt(), 0);
}

TEST(SparkLine, BlocksStandWhereTheyAreAmongAllBlocks)
{
    SparkLine line;
    line.resize(310, 120);
    line.setSeries({0, 5, 11, 15, 28, 29}, std::vector<double>(6, 1e-3), missing);
    QSignalSpy chosen(&line, &SparkLine::labelChosen);
    QTest::mouseClick(&line, Qt::LeftButton, {}, QPoint(5 + 300 * 72 / 100, 60)); // block 20.9 of 29
    ASSERT_EQ(chosen.count(), 1);
    EXPECT_EQ(chosen[0][0].toInt(), 15) << "28 would be nearest if the six stood evenly spaced";
}

TEST(SparkLine, PaintsWithoutAnyMeasurement)
{
    SparkLine line;
    line.resize(300, 120);
    line.setSeries({0, 1}, {missing, missing}, missing);
    EXPECT_FALSE(line.grab().isNull());
    line.setSeries({}, {}, 1e-2);
    EXPECT_FALSE(line.grab().isNull());
    line.setSeries({3}, {0.0}, missing);
    EXPECT_FALSE(line.grab().isNull());
}

TEST(StatusLine, AnnouncesWhatIsAskedFor)
{
    StatusLine status;
    status.setJobs(1, 2, 0.5);
    status.setProblems(3);
    const auto buttons = status.findChildren<QToolButton*>();
    ASSERT_EQ(buttons.size(), 3);
    EXPECT_EQ(buttons[0]->text().toStdString(), "1 running, 2 waiting");
    EXPECT_EQ(buttons[2]->text().toStdString(), "Problems 3");
    QSignalSpy problems(&status, &StatusLine::problemsRequested);
    buttons[2]->click();
    EXPECT_EQ(problems.count(), 1);
}

// The style's own focus rectangle would be drawn inside the frame that the sheet gives the button.
TEST(Buttons, KeyboardFocusIsAFrameAndNothingInsideIt)
{
    QWidget window;
    window.resize(300, 100);
    QPushButton button(QStringLiteral("Go"), &window);
    setButtonRole(button, ButtonRole::Primary);
    button.setGeometry(20, 20, 240, 32);
    window.show();
    window.activateWindow();
    ASSERT_TRUE(QTest::qWaitForWindowActive(&window));
    button.setFocus(Qt::TabFocusReason);
    ASSERT_TRUE(button.hasFocus());
    QTest::keyClick(&window, Qt::Key_Shift); // from now on the focus is the keyboard's
    const QImage image = button.grab().toImage();
    const QColor edge = image.pixelColor(5, 16);
    for (int x = 5; x < 60; ++x)
        ASSERT_EQ(image.pixelColor(x, 16), edge) << x;
}

TEST(StatusLine, SaysWhatWasSavedInPlaceOfTheEngine)
{
    StatusLine line;
    line.resize(900, line.height());
    line.setEngine(EngineLight::Ready, QStringLiteral("Engine ready"));
    line.say(QStringLiteral("Saved map.svg"));
    EXPECT_TRUE(textsOf(line).contains(QStringLiteral("Saved map.svg"))) << textsOf(line).join(u'|').toStdString();
    line.setEngine(EngineLight::Ready, QStringLiteral("Engine ready · 200 MB"));
    EXPECT_TRUE(textsOf(line).contains(QStringLiteral("Saved map.svg"))) << "not wiped by the next measurement";
    line.say({});
    EXPECT_TRUE(textsOf(line).contains(QStringLiteral("Engine ready · 200 MB")));
}

TEST(StatusLine, ALongLastWordOfTheEngineMakesNothingWider)
{
    StatusLine status;
    status.resize(700, status.height());
    status.setEngine(EngineLight::Ready, QStringLiteral("Engine ready"));
    const int width = status.minimumSizeHint().width();
    const QString words = QStringLiteral("No engine: ") + QString(600, u'w');
    status.setEngine(EngineLight::Stopped, words);
    EXPECT_EQ(status.minimumSizeHint().width(), width);
    EXPECT_EQ(status.engineText(), words);
    const auto* label = status.findChild<QLabel*>();
    EXPECT_TRUE(label->text().endsWith(QChar(0x2026))) << label->text().toStdString();
    EXPECT_EQ(label->accessibleName(), words);
}

TEST(CheckList, LeadsFromOneFailedCheckToTheNext)
{
    auto verdict = std::make_shared<VerdictView>();
    for (int i = 0; i < 60; ++i) {
        CheckRow check;
        check.id = QStringLiteral("check %1").arg(i);
        check.group = QStringLiteral("integrity");
        check.title = check.id;
        check.state = i == 40 || i == 50 ? CheckState::Failed : CheckState::Verified;
        verdict->checks.push_back(check);
    }
    CheckList list;
    list.resize(600, 300);
    list.setVerdict(verdict);
    list.show();
    ASSERT_TRUE(list.revealFailed());
    EXPECT_EQ(list.currentIndex().data().toString().toStdString(), "check 40");
    EXPECT_TRUE(list.viewport()->rect().intersects(list.visualRect(list.currentIndex()))) << "scrolled to";
    ASSERT_TRUE(list.revealFailed());
    EXPECT_EQ(list.currentIndex().data().toString().toStdString(), "check 50");
    ASSERT_TRUE(list.revealFailed());
    EXPECT_EQ(list.currentIndex().data().toString().toStdString(), "check 40");
    list.setVerdict(std::make_shared<VerdictView>());
    EXPECT_FALSE(list.revealFailed());
}

TEST(ArtifactTree, NamesTheStateOfEveryEdgeInWords)
{
    ArtifactTree tree;
    tree.setRoot(samples::artifacts());
    const QTreeWidgetItem* weights = tree.topLevelItem(0)->child(2);
    EXPECT_EQ(weights->data(0, Qt::AccessibleTextRole).toString().toStdString(),
              "Failed: SmolLM2-135M-Instruct.Q4_1.gguf");
    EXPECT_GT(tree.sizeHint().height(), 9 * 20);
}

TEST(ModelCardView, ANumberKeptInSinglePrecisionIsShownAsItWasWritten)
{
    ModelCard card;
    card.normEpsilon = static_cast<double>(1e-5F);
    ModelCardView view;
    view.setCard(std::make_shared<const ModelCard>(card));
    view.resize(800, 600);
    QStringList values;
    FactList single;
    single.setFacts({{QStringLiteral("a"), QStringLiteral("1"), {}, false}});
    for (const FactList* list : view.findChildren<FactList*>()) {
        for (int row = 0; row < list->sizeHint().height() / single.sizeHint().height(); ++row)
            values << list->shownValue(row);
    }
    EXPECT_TRUE(values.contains(QStringLiteral("1e-5"))) << values.join(u'|').toStdString();
}

TEST(ModelCardView, ShowsNothingUntilThereIsACard)
{
    QWidget page;
    ModelCardView card(&page);
    card.setCard(nullptr);
    EXPECT_FALSE(card.isVisibleTo(&page));
    card.setCard(samples::modelCard());
    EXPECT_TRUE(card.isVisibleTo(&page));
    EXPECT_TRUE(textsOf(card).contains(QStringLiteral("SmolLM2-135M-Instruct")));
}

}
