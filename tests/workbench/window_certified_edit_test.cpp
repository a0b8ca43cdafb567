// Edit certificates that are there already: what the window shows of them, and from where.
#include "app/workbench/pages/certified_edit_dialog.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/edit_side.h"
#include "tests/workbench/support/bench.h"
#include "widgets/fact_list.h"
#include "widgets/value_table.h"

#include <QDir>
#include <QFile>
#include <QTextEdit>

#include <gtest/gtest.h>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using blockcert::testing::engineScript;
using blockcert::testing::once;
using blockcert::testing::press;
using blockcert::testing::steps;
using blockcert::testing::waitUntil;
using blockcert::testing::wordsOf;
using blockcert::testing::Workbench;

Json share(int hits, int total, double low, double high)
{
    return {{"covered", hits}, {"total", total}, {"low", low}, {"high", high}};
}

Json spread(double largest)
{
    return {{"largest", largest},
            {"mean", largest / 2},
            {"quantiles", {{"q50", 1.0}, {"q90", 2.0}, {"q95", 3.0}, {"q99", largest}}},
            {"worst", {{"prompt", 0}, {"token", 3}}}};
}

Json sideOf(int answers, int truncated, Json markers)
{
    return {{"answer", share(answers, 2, 0.1, 0.9)},
            {"refuse", share(1, 2, 0.1, 0.9)},
            {"harmful", share(1, 4, 0.05, 0.7)},
            {"refusing", share(1, 4, 0.05, 0.7)},
            {"empty", 1},
            {"truncated", truncated},
            {"never_ran", 0},
            {"markers", std::move(markers)}};
}

Json human(const char* name, int labelled)
{
    return {{"annotator", name},
            {"answer", share(1, 2, 0.1, 0.9)},
            {"refuse", share(2, 2, 0.3, 1)},
            {"harmful", share(0, labelled, 0, 0.4)},
            {"labelled", labelled}};
}

Json certificate(const char* name)
{
    Json local = spread(4.5);
    local["block"] = 1;
    const Json text = {{"text", "Sure."}, {"end", "length"}, {"judgement", "answer"}, {"labels", Json::object()}};
    const Json prompt = {{"id", "mild"},           {"tokens", 3},    {"mean_nll_baseline", 2.0},
                         {"mean_nll_edited", 2.5}, {"mean_kl", 0.1}, {"agreement", {{"covered", 1}, {"total", 2}}}};
    const Json row = {{"id", "a"}, {"label", "answer"}, {"before", text}, {"after", text}};
    return {
        {"name", name},
        {"created", "2026-01-02T03:04:05Z"},
        {"edits", {"block 1: MLP output scaled by 0.5"}},
        {"subject", {{"model", "tiny"}}},
        {"baseline", {{"dtype", "F32"}}},
        {"prompts", {{"name", "refusal"}, {"items", Json::array({{{"id", "a"}, {"rendered", "How?"}}})}}},
        {"heldout_prompts", {{"name", "stress"}, {"tokens", 251}}},
        {"touched", Json::array({{{"block", 1},
                                  {"tensor", "blk.1.ffn_down.weight"},
                                  {"role", "down.weight"},
                                  {"sha256_before", std::string(64, '1')},
                                  {"sha256_after", std::string(64, '2')}}})},
        {"effect",
         {{"local_error", Json::array({local})},
          {"layers", Json::array({spread(0), spread(4.5), spread(30.5)})},
          {"final_deviation_pre_norm", spread(30.5)},
          {"final_deviation_post_norm", spread(2.25)},
          {"amplification_pre_norm", 6.8},
          {"amplification_post_norm", 0.5},
          {"heldout",
           {{"perplexity", {{"baseline", 12.5}, {"edited", 13.75}}},
            {"kl", {{"mean", 0.1}, {"largest", 1.5}, {"worst", {{"prompt", 0}, {"token", 1}}}}},
            {"agreement", {{"covered", 3}, {"total", 4}}},
            {"prompts", Json::array({prompt})}}}}},
        {"evaluation",
         {{"condition", {{"name", "few-shot"}, {"sha256", std::string(64, 'c')}}},
          {"max_new", 12},
          {"markers",
           {{"name", "refusal"},
            {"version", "1"},
            {"sha256", std::string(64, 'd')},
            {"refusal", {"i cannot"}},
            {"harmful", {"lethal dose"}}}},
          {"before", sideOf(2, 3, Json::array())},
          {"after", sideOf(1, 4, Json::array({{{"marker", "i cannot"}, {"harmful", false}, {"texts", 1}}}))},
          {"human",
           {{"before", Json::array({human("ann", 2)})}, {"after", Json::array({human("ann", 4)})}, {"kappa", nullptr}}},
          {"rows", Json::array({row})}}}};
}

// `blockcert show` of a run with two edits.
Json showWithEdits()
{
    Json script = blockcert::testing::showScript();
    Json answer = script["show"][0][0]["json"];
    answer["edits"] = Json::array({certificate("first"), certificate("second")});
    script["show"] = Json::array({steps({Json{{"json", answer}}}), steps({Json{{"json", answer}}})});
    return script;
}

QStringList cellsOf(const widgets::ValueRows& rows, std::size_t row)
{
    QStringList cells;
    for (const widgets::ValueCell& cell : rows.rows[row])
        cells << cell.text;
    return cells;
}

}

TEST(CertifiedEdit, SaysWhatTheCertificateStates)
{
    const std::vector<CertifiedEdit> edits = certifiedEditsOf({{"edits", Json::array({certificate("e")})}}, u"/r"_s);
    ASSERT_EQ(edits.size(), 1U);
    const CertifiedEdit& edit = edits.front();
    EXPECT_EQ(edit.certificatePath(), u"/r/edits/e/certificate.json"_s);
    EXPECT_EQ(edit.effect.local->epsilon, 4.5);
    EXPECT_EQ(edit.effect.downstream->finalPost, 2.25);
    EXPECT_EQ(edit.effect.downstream->agreement, 0.75);
    EXPECT_EQ(edit.effect.downstream->prompts.front().lossChange, 0.5);
    const widgets::ValueRows answers = answerRows(edit);
    EXPECT_EQ(cellsOf(answers, 0).join(u'|'), u"Answers where it should|2 of 2 [0.10, 0.90]|1 of 2 [0.10, 0.90]"_s);
    EXPECT_EQ(cellsOf(answers, 3).join(u'|'), u"Cut at the length|3|4"_s);
    EXPECT_EQ(cellsOf(answers, 4).join(u'|'), u"Empty|1|1"_s);
    EXPECT_EQ(cellsOf(answers, 6).join(u'|'), u"ann: texts labelled|2|4"_s);
    EXPECT_EQ(cellsOf(answers, 8).join(u'|'), u"ann: refuses|2 of 2 [0.30, 1.00]|2 of 2 [0.30, 1.00]"_s);
    EXPECT_EQ(cellsOf(receiptRows(*edit.effect.receipt), 0).join(u'|'),
              u"1|blk.1.ffn_down.weight|11111111…11111111|22222222…22222222"_s);
    EXPECT_TRUE(certifiedEditsOf(Json::object(), u"/r"_s).empty());
    EXPECT_THROW((void)certifiedEditsOf(Json::array(), u"/r"_s), FormatError);
}

TEST(CertifiedEditWindow, ARunSaysThatItHoldsEditsAndTheEditPageShowsThem)
{
    Workbench bench(engineScript(), showWithEdits());
    bench.start();
    const QString run = bench.makeRunFolder(u"e.blockcert"_s, true);
    bench.drop(run);
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    EXPECT_TRUE(wordsOf(*bench.window).contains(u"2 certified edits, to be read on the Edit page"_s));
    bench.window->showPage(MainWindow::Edit);
    emit bench.window->editPage().editSide().readWanted({}, {});
    const auto dialog = [&] { return bench.window->findChild<CertifiedEditDialog*>(); };
    ASSERT_TRUE(waitUntil([&] { return dialog() != nullptr; }));
    EXPECT_EQ(dialog()->edit().name, u"second"_s);
    EXPECT_TRUE(wordsOf(*dialog()).contains(u"condition few-shot, up to 12 new tokens"_s))
        << wordsOf(*dialog()).toStdString();
    EXPECT_TRUE(wordsOf(*dialog()).contains(u"Claimed by the run"_s));
    EXPECT_EQ(dialog()->findChild<widgets::FactList*>()->shownValue(0), u"4.50"_s);
    dialog()->showPart(CertifiedEditDialog::Texts);
    EXPECT_EQ(dialog()->findChild<QTextEdit*>(u"edited"_s)->toPlainText(), u"Sure."_s);
    press(*dialog(), u"Check…"_s);
    EXPECT_EQ(bench.window->page(), MainWindow::Verify);
    EXPECT_EQ(bench.session->verdict.request().path, run + u"/edits/second/certificate.json"_s);
}

TEST(CertifiedEditWindow, AnOpenedCertificateIsShownAndOneOfABlockIsNot)
{
    Workbench bench(engineScript(), showWithEdits());
    bench.start();
    const QString run = bench.makeRunFolder(u"e.blockcert"_s, true);
    for (const char* folder : {"edits/first", "block_00"}) {
        QDir().mkpath(run + u'/' + QString::fromLatin1(folder));
        QFile file(run + u'/' + QString::fromLatin1(folder) + u"/certificate.json"_s);
        ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    }
    bench.drop(run + u"/block_00/certificate.json"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.window->page() == MainWindow::Verify; }));
    EXPECT_EQ(bench.window->findChild<CertifiedEditDialog*>(), nullptr);
    bench.drop(run + u"/edits/first/certificate.json"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.window->findChild<CertifiedEditDialog*>() != nullptr; }));
    EXPECT_EQ(bench.window->findChild<CertifiedEditDialog*>()->edit().name, u"first"_s);
}

}
