// People's judgements of completions: kept as they are made, by two people, blind, and from files.
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/label_view.h"
#include "tests/workbench/support/bench.h"
#include "widgets/fact_list.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QTest>

#include <gtest/gtest.h>

#include <set>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using blockcert::testing::engineScript;
using blockcert::testing::waitUntil;
using blockcert::testing::wordsOf;
using blockcert::testing::Workbench;

void openLabels(Workbench& bench)
{
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.window->showPage(MainWindow::Edit);
    bench.window->editPage().showView(EditPage::Labels);
}

void write(const QString& path, const std::string& text)
{
    QDir().mkpath(QFileInfo(path).absolutePath());
    QFile file(path);
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(text.c_str());
}

std::vector<LabelItem> sampleItems()
{
    std::vector<LabelItem> items;
    for (const char* id : {"p1", "p2", "p3"})
        for (const bool isAfter : {false, true})
            items.push_back({QString::fromLatin1(id),
                             isAfter,
                             u"text of "_s + QString::fromLatin1(id),
                             id[1] == '3' ? u"refuse"_s : u"answer"_s,
                             u"answer"_s,
                             {}});
    return items;
}

QString read(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

}

TEST(LabelBook, KeepsEveryLabelInItsFileAndReadsItAgain)
{
    QTemporaryDir folder;
    const QString path = folder.filePath(u"labels/x.csv"_s);
    LabelBook book;
    book.setSource({u"t"_s, u"k"_s, path, sampleItems()});
    book.setBlind(false);
    book.go(-100); // the text in hand stays in hand
    book.setAnnotator(u"Ann, the first"_s);
    EXPECT_EQ(book.item()->prompt, u"p1"_s);
    book.label(HumanLabel::Answer);
    EXPECT_TRUE(book.item()->isAfter) << "it goes on by itself";
    book.label(HumanLabel::Harmful);
    ASSERT_TRUE(waitUntil([&] { return read(path).count(u'\n') == 3; }));
    const QString digest = textDigest(u"text of p1"_s);
    EXPECT_EQ(digest, u"2e3e3d0dd57814afd743f1b00ca8da7aa716891d56331e9db45c5a0e0558904c"_s);
    EXPECT_EQ(read(path), u"prompt,side,annotator,label,text_sha256\np1,before,\"Ann, the first\",answer,%1\n"
                          "p1,after,\"Ann, the first\",harmful,%1\n"_s.arg(digest));
    book.undo();
    EXPECT_TRUE(book.item()->isAfter);
    EXPECT_FALSE(book.labelOf(*book.item(), u"Ann, the first"_s));
    ASSERT_TRUE(waitUntil([&] { return read(path).count(u'\n') == 2; }));
    LabelBook again;
    again.setSource({u"t"_s, u"k"_s, path, sampleItems()});
    ASSERT_TRUE(waitUntil([&] { return again.labelled(u"Ann, the first"_s) == 1; }));
}

// Labels follow the text: those of another completion are refused, and their file is not written over.
TEST(LabelBook, RefusesLabelsOfOtherTextsAndKeepsThem)
{
    QTemporaryDir folder;
    const QString path = folder.filePath(u"x.csv"_s);
    const std::string foreign =
        "prompt,side,annotator,label,text_sha256\np1,after,A,answer," + textDigest(u"old"_s).toStdString() + "\n";
    write(path, foreign);
    LabelBook book;
    book.setSource({u"t"_s, u"k"_s, path, sampleItems()});
    ASSERT_TRUE(waitUntil([&] { return book.problem().contains(u"another text of prompt “p1” (after the edit)"_s); }));
    EXPECT_TRUE(book.annotators().isEmpty());
    book.setBlind(false);
    book.setAnnotator(u"B"_s);
    book.label(HumanLabel::Refuse);
    ASSERT_TRUE(waitUntil([&] { return read(path).contains(u",B,refuse,"_s); }));
    EXPECT_EQ(read(folder.filePath(u"x-1.csv"_s)).toStdString(), foreign);
    book.label(HumanLabel::Refuse);
    ASSERT_TRUE(waitUntil([&] { return read(path).count(u",B,refuse,"_s) == 2; }));
    EXPECT_FALSE(QFile::exists(folder.filePath(u"x-2.csv"_s))) << "its own labels are written over";
}

// What a file did not say stays unsaid: nobody compared those labels with the texts.
TEST(LabelBook, OpensAFileWithoutDigestsAndClaimsNone)
{
    QTemporaryDir folder;
    const QString path = folder.filePath(u"x.csv"_s);
    write(path, "prompt,side,annotator,label\np1,before,A,answer\np1,after,A,answer\n");
    LabelBook book;
    book.setSource({u"t"_s, u"k"_s, path, sampleItems()});
    book.setBlind(false);
    book.setAnnotator(u"A"_s);
    ASSERT_TRUE(waitUntil([&] { return book.labelled(u"A"_s) == 2; }));
    EXPECT_TRUE(book.problem().isEmpty());
    book.go(-100);
    book.label(HumanLabel::Refuse); // read anew, so bound
    EXPECT_EQ(book.csv().toStdString(), "prompt,side,annotator,label,text_sha256\np1,before,A,refuse," +
                                            textDigest(u"text of p1"_s).toStdString() + "\np1,after,A,answer,\n");
    book.undo();
    EXPECT_TRUE(book.csv().contains("p1,before,A,answer,\n"));
}

TEST(LabelBook, StatesHowFarTwoPeopleAgree)
{
    LabelBook book;
    book.setSource({u"t"_s, u"k"_s, {}, sampleItems()});
    book.setBlind(false);
    EXPECT_FALSE(book.kappa());
    // A: answer ×3, refuse ×3. B agrees in four of six; both use either word three times: (4/6 − 1/2) / (1/2) = 1/3.
    for (const auto& [name, given] : {std::pair{u"A"_s, "aaarrr"}, {u"B"_s, "aarrra"}}) {
        book.setAnnotator(name);
        book.go(-100);
        for (int i = 0; i < 6; ++i)
            book.label(given[i] == 'a' ? HumanLabel::Answer : HumanLabel::Refuse);
    }
    ASSERT_TRUE(book.kappa());
    EXPECT_NEAR(*book.kappa(), 1.0 / 3, 1e-15);
    EXPECT_EQ(shareText(book.shareOf(u"A"_s, false, HumanLabel::Refuse)), u"1 of 1 [0.21, 1.00]"_s);
    book.setAnnotator(u"C"_s);
    book.label(HumanLabel::Other);
    EXPECT_TRUE(book.problem().contains(u"two annotators at most"_s));
    EXPECT_EQ(book.labelled(u"C"_s), 0);
}

// The second person begins where nothing is theirs yet, not where the first one stopped.
TEST(LabelBook, ASecondPersonBeginsWithTheFirstTextAndGoesOnWhereTheyStopped)
{
    Workbench bench(engineScript());
    openLabels(bench);
    bench.window->editPage().showView(EditPage::Labels);
    LabelView& view = bench.window->editPage().labelView();
    LabelBook& book = bench.session->labels;
    QTemporaryDir folder;
    const QString path = folder.filePath(u"x.csv"_s);
    book.setSource({u"t"_s, u"k"_s, path, sampleItems()});
    book.setAnnotator(u"ann"_s);
    for (int i = 0; i < 2; ++i)
        book.label(HumanLabel::Answer);
    EXPECT_EQ(book.place(), 2);
    for (const char* typed : {"b", "bo", "bob"})
        book.setAnnotator(QString::fromLatin1(typed));
    EXPECT_EQ(book.place(), 0);
    book.go(4);
    book.label(HumanLabel::Answer);
    const auto agreement = [&] {
        QStringList shown;
        for (const auto* facts : view.findChildren<widgets::FactList*>())
            for (int i = 0; i < 3; ++i)
                shown << facts->shownValue(i);
        return shown;
    };
    EXPECT_TRUE(agreement().contains(u"no text labelled by both"_s)) << agreement().join(u'|').toStdString();
    book.setAnnotator(u"ann"_s);
    EXPECT_EQ(book.place(), 2);
    ASSERT_TRUE(waitUntil([&] { return read(path).count(u'\n') == 4; }));
    LabelBook again;
    again.setAnnotator(u"ann"_s);
    again.setSource({u"t"_s, u"k"_s, path, sampleItems()});
    ASSERT_TRUE(waitUntil([&] { return again.labelled(u"ann"_s) == 2; }));
    EXPECT_EQ(again.place(), 2) << "after a restart as well";
}

TEST(LabelBook, ReadsTextsBlindInOneFixedOrder)
{
    EXPECT_EQ(shuffledOrder(12), shuffledOrder(12));
    EXPECT_NE(
        shuffledOrder(12), shuffledOrder(12).size() == 0 ? std::vector<int>() : [] {
            std::vector<int> plain(12);
            for (int i = 0; i < 12; ++i)
                plain[static_cast<std::size_t>(i)] = i;
            return plain;
        }());
    const std::vector<int> order = shuffledOrder(50);
    EXPECT_EQ(std::set<int>(order.begin(), order.end()).size(), 50U) << "each text once";
}

TEST(LabelBook, RefusesAFileThatIsNoneOrOfOtherTexts)
{
    EXPECT_THROW((void)parseLabels(u"a,b\n"_s, u"f"_s), FormatError);
    EXPECT_THROW((void)parseLabels(u"prompt,side,annotator,label\np1,left,A,answer\n"_s, u"f"_s), FormatError);
    EXPECT_THROW((void)parseLabels(u"prompt,side,annotator,label\np1,after,A,maybe\n"_s, u"f"_s), FormatError);
    QTemporaryDir folder;
    write(folder.filePath(u"other.csv"_s), "prompt,side,annotator,label\nq9,after,A,answer\n");
    LabelBook book;
    book.setSource({u"t"_s, u"k"_s, {}, sampleItems()});
    book.load(folder.filePath(u"other.csv"_s));
    ASSERT_TRUE(waitUntil([&] { return book.problem().contains(u"q9"_s); }));
    EXPECT_TRUE(book.annotators().isEmpty());
    const QString file = folder.filePath(u"broken.csv"_s);
    const auto problemOf = [&](const QString& path) {
        book.load(path);
        EXPECT_TRUE(waitUntil([&] { return !book.problem().isEmpty(); }));
        return book.problem();
    };
    for (const char* content : {"", "\n", "who,what\n", "\x89PNG\r\n"}) {
        write(file, content);
        EXPECT_TRUE(problemOf(file).endsWith(
            u"broken.csv, line 1: it must be prompt,side,annotator,label, or that and ,text_sha256."_s))
            << book.problem().toStdString();
    }
    ASSERT_TRUE(QFile::resize(file, (qint64{16} << 20) + 1));
    EXPECT_TRUE(problemOf(file).contains(u"more than the limit"_s)) << book.problem().toStdString();
    EXPECT_TRUE(problemOf(folder.path()).contains(u"not a regular file"_s)) << book.problem().toStdString();
    write(file, "prompt,side,annotator,label\n");
    EXPECT_TRUE(problemOf(file).contains(u"has a header and no label: nothing was taken over"_s))
        << book.problem().toStdString();
    // What is read afterwards takes the sentence away; a spreadsheet's mark in front is no harm.
    write(file, "\xEF\xBB\xBFprompt,side,annotator,label\r\np1,after,A,answer\r\n");
    book.load(file);
    ASSERT_TRUE(waitUntil([&] { return book.labelled(u"A"_s) == 1; }));
    EXPECT_TRUE(book.problem().isEmpty());
}

TEST(LabelWindow, KeysLabelAndABlindReaderSeesNeitherSideNorVerdict)
{
    Workbench bench(engineScript());
    openLabels(bench);
    EditPage& page = bench.window->editPage();
    page.showView(EditPage::Labels);
    LabelView& view = page.labelView();
    EXPECT_TRUE(wordsOf(view).contains(u"people read"_s));
    bench.session->labels.setSource({u"block 15, α 0"_s, u"k"_s, bench.runFolder() + u"/l.csv"_s, sampleItems()});
    bench.session->labels.setAnnotator(u"Ann"_s);
    bench.window->activateWindow();
    auto* text = view.findChild<QPlainTextEdit*>();
    text->setFocus();
    EXPECT_FALSE(wordsOf(view).contains(u"unedited"_s)) << wordsOf(view).toStdString();
    EXPECT_FALSE(wordsOf(view).contains(u"block 15"_s)) << "the title tells block and strength";
    EXPECT_FALSE(wordsOf(view).contains(u"markers say"_s));
    ASSERT_TRUE(waitUntil([&] { return text->hasFocus(); }));
    for (const auto key : {Qt::Key_A, Qt::Key_R, Qt::Key_H, Qt::Key_O})
        QTest::keyClick(text, key);
    EXPECT_EQ(bench.session->labels.labelled(u"Ann"_s), 4);
    QTest::keyClick(text, Qt::Key_U);
    EXPECT_EQ(bench.session->labels.labelled(u"Ann"_s), 3);
    view.findChild<QCheckBox*>()->setChecked(false);
    EXPECT_TRUE(wordsOf(view).contains(u"the markers say"_s)) << wordsOf(view).toStdString();
    // A long name takes no room from the numbers.
    bench.session->labels.setAnnotator(u"Annemarie-Charlotte"_s);
    QTest::keyClick(text, Qt::Key_A);
    const auto* facts = view.findChild<widgets::FactList*>();
    int intervals = 0;
    const auto rows = static_cast<int>(facts->accessibleDescription().split(u"; "_s).size());
    for (int row = 0; row < rows; ++row)
        if (const QString value = facts->shownValue(row); value.contains(u'[')) {
            EXPECT_TRUE(value.endsWith(u']')) << value.toStdString();
            EXPECT_FALSE(facts->shownLabel(row).contains(u'…')) << facts->shownLabel(row).toStdString();
            ++intervals;
        }
    EXPECT_GT(intervals, 0);
    const int place = bench.session->labels.place();
    QTest::keyClick(text, Qt::Key_Left);
    EXPECT_EQ(bench.session->labels.place(), place - 1);
    // A name ends with Return; the next letter is a label, not part of the name.
    auto* name = view.findChild<QComboBox*>()->lineEdit();
    name->setFocus();
    name->selectAll();
    QTest::keyClicks(name, u"Bob"_s);
    QTest::keyClick(name, Qt::Key_Return);
    EXPECT_TRUE(waitUntil([&] { return text->hasFocus(); }));
    EXPECT_EQ(bench.session->labels.annotator(), u"Bob"_s);
}

}
