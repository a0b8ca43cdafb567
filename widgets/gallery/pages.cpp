#include "widgets/gallery/pages.h"

#include "widgets/artifact_tree.h"
#include "widgets/block_table.h"
#include "widgets/chart_figures.h"
#include "widgets/check_list.h"
#include "widgets/command_strip.h"
#include "widgets/coverage_rows.h"
#include "widgets/coverage_strip.h"
#include "widgets/crumb_bar.h"
#include "widgets/empty_state.h"
#include "widgets/error_legend.h"
#include "widgets/figure_view.h"
#include "widgets/gallery/samples.h"
#include "widgets/heatmap_controls.h"
#include "widgets/inspector_panel.h"
#include "widgets/model_card_view.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/panel.h"
#include "widgets/progress_list.h"
#include "widgets/prompt_table.h"
#include "widgets/rail.h"
#include "widgets/spark_line.h"
#include "widgets/state_badge.h"
#include "widgets/status_line.h"
#include "widgets/tensor_table.h"
#include "widgets/token_chips.h"
#include "widgets/token_heatmap.h"
#include "widgets/token_hover_card.h"
#include "widgets/verdict_banner.h"

#include <QCheckBox>
#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QSlider>
#include <QSpinBox>
#include <QVBoxLayout>

#include <memory>

namespace blockcert::widgets::gallery {

namespace {

QString s(const char16_t* text)
{
    return QString::fromUtf16(text);
}

QWidget* surface(const char* name)
{
    auto* widget = new QWidget;
    widget->setProperty("surface", QString::fromLatin1(name));
    widget->setAttribute(Qt::WA_StyledBackground);
    return widget;
}

// Rail, crumb bar, centre, optional right side and status line.
QWidget* frame(int step, const std::vector<Crumb>& crumbs, QWidget* centre, QWidget* side)
{
    auto* window = surface("window");
    window->resize(1440, 900);
    auto* rail = new Rail;
    rail->setSteps({{s(u"Open"), Icon::Open, s(u"Open a model"), true, true, {}},
                    {s(u"Run"), Icon::Run, s(u"Trace and extract"), true, true, {}},
                    {s(u"Explore"), Icon::Explore, s(u"Errors by token and block"), true, false, {}},
                    {s(u"Verify"), Icon::Verify, s(u"Check a certificate"), true, step == 3,
                     step == 3 ? std::optional(CheckState::Failed) : std::nullopt},
                    {s(u"Edit"), Icon::Edit, s(u"Certified local edits"), true, false, {}},
                    {s(u"Bound"), Icon::Bound, s(u"How far errors can grow"), true, false, {}},
                    {s(u"Prove"), Icon::Prove, s(u"Max-of-K proofs"), true, false, {}},
                    {s(u"Report"), Icon::Report, s(u"One page to send"), false, false, {}}});
    rail->setCurrent(step);
    auto* bar = new CrumbBar;
    bar->setCrumbs(crumbs);
    auto* runA = new QComboBox;
    runA->addItem(s(u"A stress · fp32"));
    runA->setMinimumWidth(150);
    auto* runB = new QComboBox;
    runB->addItem(s(u"B none"));
    runB->setMinimumWidth(120);
    auto* search = new QLineEdit;
    search->setPlaceholderText(s(u"Search Ctrl K"));
    search->setFixedWidth(120);
    bar->addWidget(runA);
    bar->addWidget(runB);
    bar->addWidget(search);
    auto* status = new StatusLine;
    status->setEngine(EngineLight::Ready, s(u"Engine ready · cpu · 2 threads · 612 MB"));
    auto* grid = new QGridLayout(window);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(0);
    grid->addWidget(rail, 0, 0, 2, 1);
    grid->addWidget(bar, 0, 1, 1, 3);
    grid->addWidget(centre, 1, 1);
    if (side != nullptr) {
        auto* line = new QWidget;
        line->setFixedWidth(1);
        line->setStyleSheet(QStringLiteral("background: palette(mid);"));
        side->setFixedWidth(space::inspector);
        grid->addWidget(line, 1, 2);
        grid->addWidget(side, 1, 3);
    }
    grid->addWidget(status, 2, 0, 1, 4);
    grid->setRowStretch(1, 1);
    grid->setColumnStretch(1, 1);
    return window;
}

QWidget* explorePage(const HeatmapLayout& view, Metric metric)
{
    const std::optional<int> prompt = view.prompt;
    const auto map = samples::tokenMap();
    auto* centre = surface("window");
    auto* title = new PageTitle;
    title->setText(metricTitle(metric),
                   prompt ? s(u"Prompt 4 of 10 · “Review the indemnity clause …” · 31 tokens × 30 blocks")
                          : s(u"All 10 prompts · 30 blocks"));
    auto* heatmap = new TokenHeatmap;
    auto* controls = new HeatmapControls(*heatmap);
    title->addWidget(controls);
    auto* legend = new ErrorLegend;
    auto* table = new BlockTable;
    auto* inspector = new InspectorPanel;
    QObject::connect(heatmap, &TokenHeatmap::scaleChanged, legend,
                     [heatmap, legend] { legend->setScale(heatmap->scale(), heatmap->metric()); });
    QObject::connect(heatmap, &TokenHeatmap::hovered, inspector, [heatmap, inspector](const CellKey& key) {
        if (!heatmap->isHeld())
            inspector->setCell(key.isValid() ? key : heatmap->current(), false);
    });
    QObject::connect(heatmap, &TokenHeatmap::currentChanged, inspector,
                     [heatmap, inspector](const CellKey& key) { inspector->setCell(key, heatmap->isHeld()); });
    QObject::connect(heatmap, &TokenHeatmap::heldChanged, inspector, [heatmap, inspector](const CellKey& key) {
        inspector->setCell(heatmap->current(), key.isValid());
    });
    QObject::connect(inspector, &InspectorPanel::releaseRequested, heatmap, &TokenHeatmap::release);
    QObject::connect(heatmap, &TokenHeatmap::metricChanged, inspector, &InspectorPanel::setMetric);
    QObject::connect(heatmap, &TokenHeatmap::activated, heatmap, [heatmap](const CellKey& key) {
        heatmap->setPrompt(heatmap->prompt() ? std::nullopt : std::optional(key.prompt));
    });
    QObject::connect(legend, &ErrorLegend::rangeChosen, heatmap,
                     [heatmap](double low, double high) { heatmap->setScale(heatmap->scale().withRange(low, high)); });
    QObject::connect(legend, &ErrorLegend::rangeReset, heatmap, [heatmap] { heatmap->setScale(std::nullopt); });
    heatmap->setMap(map);
    heatmap->setMetric(metric);
    heatmap->setView(view);
    controls->refreshMetrics();
    inspector->setMap(map);
    inspector->setMetric(metric);
    inspector->setActions({{s(u"Minimise prompt"), s(u"About 40 replays, 2 minutes")},
                           {s(u"Nearest passing"), {}},
                           {s(u"Copy as command"), {}},
                           {s(u"Add to report"), {}}});
    table->setThresholds(map->thresholds);
    table->setRows(samples::blockRows());
    RunVerdict verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 4;
    const auto blocks = samples::blockRows();
    for (const BlockRow& row : *blocks)
        verdict.lossBlocks.push_back(row.block);
    table->setVerdict(verdict);
    table->sortByColumn(BlockTableModel::Epsilon, Qt::DescendingOrder);
    table->setFixedHeight(28 + 3 * space::tableRow + 4);
    heatmap->setCurrent({11, 4, 0});
    if (prompt)
        heatmap->hold({11, 4, 0});
    table->setCurrentBlock(11);
    auto* column = new QVBoxLayout(centre);
    column->setContentsMargins(space::large + 4, space::large, space::large, space::small);
    column->setSpacing(space::small);
    column->addWidget(title);
    column->addWidget(heatmap, 1);
    column->addWidget(legend);
    column->addWidget(table);
    return frame(2,
                 {{s(u"SmolLM2-135M-Instruct"), {s(u"a"), s(u"b")}, 0},
                  {s(u"stress-fp32"), {}, -1},
                  {s(u"block 11"), {}, -1},
                  {s(u"prompt 4"), {}, -1},
                  {s(u"token 0"), {}, -1}},
                 centre, inspector);
}

QWidget* verifyPage(bool passes)
{
    const auto verdict = passes ? samples::verified() : samples::failed();
    auto* content = surface("window");
    auto* banner = new VerdictBanner;
    banner->setVerdict(verdict);
    banner->setAction(passes ? s(u"Check at level 4…") : s(u"Locate the weights…"));
    auto* list = new CheckList;
    list->setVerdict(verdict);
    auto* command = new CommandStrip;
    command->setCommand(s(u"blockcert verify downloaded.blockcert --level 3\nsha256sum -c SHA256SUMS"));
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(space::large + 4, space::large, space::large, space::large);
    column->setSpacing(space::medium);
    column->addWidget(banner);
    column->addWidget(list, 1);
    column->addWidget(makeLabel(s(u"Check it yourself"), TextSize::Body, TextWeight::Strong));
    column->addWidget(command);

    auto* side = surface("panel");
    auto* texts = new QVBoxLayout(side);
    texts->setContentsMargins(space::large + 4, space::large, space::large, space::large);
    texts->setSpacing(space::tiny);
    auto* says = makeLabel(s(u"What this says, and what it does not"), TextSize::Title, TextWeight::Strong);
    says->setWordWrap(true);
    texts->addWidget(says);
    const auto paragraph = [&](const char16_t* head, const char16_t* body) {
        texts->addSpacing(space::medium);
        texts->addWidget(makeLabel(s(head), TextSize::Secondary, TextWeight::Strong, TextTone::Secondary));
        QLabel* text = makeLabel(s(body), TextSize::Secondary);
        text->setWordWrap(true);
        texts->addWidget(text);
    };
    paragraph(u"It says", u"On these 251 tokens, each surrogate block gave an output within ε of the recorded one, and "
                          u"the rest of the stated numbers follow from that.");
    paragraph(u"It does not say", u"that the recorded outputs came from this model (level 4), that other prompts "
                                  u"behave alike, or that the block is understood.");
    texts->addSpacing(space::huge);
    texts->addWidget(makeLabel(s(u"Artifact tree"), TextSize::Body, TextWeight::Strong));
    auto* tree = new ArtifactTree;
    tree->setRoot(samples::artifacts());
    texts->addWidget(tree);
    texts->addStretch(1);
    auto* save = new QPushButton(s(u"Save verdict…"));
    setButtonRole(*save, ButtonRole::Plain);
    auto* open = new QPushButton(s(u"Open in Explore"));
    setButtonRole(*open, ButtonRole::Plain);
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(save);
    buttons->addWidget(open);
    texts->addLayout(buttons);
    return frame(3, {{s(u"downloaded.blockcert"), {}, -1}}, content, side);
}

QWidget* openPage()
{
    auto* centre = surface("window");
    auto* card = new ModelCardView(centre);
    card->setCard(samples::modelCard());
    auto* tensors = new TensorTable;
    tensors->setCard(samples::modelCard());
    auto* prompts = new PromptTable;
    prompts->setPrompts(samples::promptList());
    prompts->selectRow(4);
    auto* chips = new TokenChips;
    chips->setTokens(samples::chatTokens());
    chips->setTruncated(12);
    auto* left = new QVBoxLayout;
    left->setSpacing(space::medium);
    left->addWidget(card);
    left->addWidget(makeLabel(s(u"Tensors"), TextSize::Body, TextWeight::Strong));
    left->addWidget(tensors, 1);
    auto* right = new QVBoxLayout;
    right->setSpacing(space::medium);
    auto* promptTitle = new PageTitle;
    promptTitle->setText(s(u"Prompts"), s(u"stress · bundled · 10 prompts · 9c02…77f1"));
    right->addWidget(promptTitle);
    right->addWidget(prompts, 3);
    right->addWidget(makeLabel(s(u"Exactly these tokens are fed to the model"), TextSize::Body, TextWeight::Strong));
    right->addWidget(chips, 2);
    auto* row = new QHBoxLayout(centre);
    row->setContentsMargins(space::large + 4, space::large, space::large, space::large);
    row->setSpacing(space::huge);
    row->addLayout(left, 1);
    row->addLayout(right, 1);
    return frame(0, {{s(u"SmolLM2-135M-Instruct"), {}, -1}}, centre, nullptr);
}

QWidget* runPage()
{
    auto* centre = surface("window");
    const auto run = samples::progress();
    auto* title = new PageTitle;
    title->setText(s(u"Running stress-fp32"), ProgressList::summary(*run));
    auto* cancel = new QPushButton(s(u"Cancel"));
    setButtonRole(*cancel, ButtonRole::Plain);
    title->addWidget(cancel);
    auto* list = new ProgressList;
    list->setProgress(run);
    auto* notice = new Notice;
    notice->setNotice(Notice::Tone::Error,
                      s(u"The engine ended while block 8 was replayed (signal 9). 87 of 300 cells are kept; the run "
                        u"can go on from there."),
                      s(u"Resume"));
    auto* warning = new Notice;
    warning->setNotice(Notice::Tone::Warning, s(u"This model almost never refuses: at α = 1 it refuses 0 of 12. Small "
                                                u"differences on 12 prompts are not evidence; see the intervals."));
    auto* note = new Notice;
    note->setNotice(Notice::Tone::Note, s(u"Cancelling keeps the finished cells."));
    note->setClosable(true);
    auto* column = new QVBoxLayout(centre);
    column->setContentsMargins(space::large + 4, space::large, space::large, space::large);
    column->setSpacing(space::medium);
    column->addWidget(title);
    column->addWidget(notice);
    column->addWidget(warning);
    column->addWidget(note);
    column->addWidget(list, 1);
    return frame(1, {{s(u"SmolLM2-135M-Instruct"), {}, -1}, {s(u"stress-fp32"), {}, -1}}, centre, nullptr);
}

QWidget* emptyPage()
{
    auto* empty = new EmptyState;
    empty->setText(
        s(u"Where does an explanation stop being true?"),
        s(u"Open a model, record its blocks on prompts, and see on which tokens the surrogate departs from it."));
    empty->setWays(
        {{Icon::Open, s(u"Open a model…"), s(u"A safetensors folder or a GGUF file; nothing is downloaded"), true},
         {Icon::Verify, s(u"Verify a certificate…"), s(u"Drop a .blockcert folder; every number is recomputed here")},
         {Icon::Explore, s(u"Open a run…"), s(u"Continue where you were")},
         {Icon::Run, s(u"Try the demo"), s(u"A small model and ten prompts, already measured, under a minute")}});
    return frame(0, {{s(u"No model"), {}, -1}}, empty, nullptr);
}

QWidget* partsPage()
{
    auto* page = surface("window");
    page->resize(1440, 900);
    auto* grid = new QGridLayout(page);
    grid->setContentsMargins(space::huge, space::huge, space::huge, space::huge);
    grid->setSpacing(space::large);
    auto* badges = new QHBoxLayout;
    for (const CheckState state :
         {CheckState::Verified, CheckState::Failed, CheckState::WeakerThanPolicy, CheckState::NotChecked}) {
        auto* pill = new StateBadge;
        pill->setState(state);
        badges->addWidget(pill);
        auto* word = new StateBadge;
        word->setState(state);
        word->setForm(StateBadge::Form::Word);
        badges->addWidget(word);
    }
    badges->addStretch(1);
    grid->addLayout(badges, 0, 0, 1, 2);
    auto* evidence = new QHBoxLayout;
    for (const Evidence kind : {Evidence::Measured, Evidence::Bounded, Evidence::Proved}) {
        auto* mark = new EvidenceMark;
        mark->setEvidence(kind);
        evidence->addWidget(mark);
    }
    auto* absent = new EvidenceMark;
    absent->setAbsent(Evidence::Bounded, s(u"none yet"));
    evidence->addWidget(absent);
    evidence->addStretch(1);
    grid->addLayout(evidence, 1, 0, 1, 2);
    auto* icons = new QHBoxLayout;
    for (int i = 0; i <= static_cast<int>(Icon::BrokenLink); ++i) {
        auto* label = new QLabel;
        label->setPixmap(themedIcon(static_cast<Icon>(i), IconTint::Text).pixmap(22, 22));
        icons->addWidget(label);
    }
    icons->addStretch(1);
    grid->addLayout(icons, 2, 0, 1, 2);
    auto* controls = new QHBoxLayout;
    for (const ButtonRole role : {ButtonRole::Primary, ButtonRole::Plain, ButtonRole::Link, ButtonRole::Danger}) {
        auto* button = new QPushButton(s(u"Start the run"));
        setButtonRole(*button, role);
        controls->addWidget(button);
    }
    auto* off = new QPushButton(s(u"Start the run"));
    setButtonRole(*off, ButtonRole::Primary);
    off->setEnabled(false);
    controls->addWidget(off);
    auto* edit = new QLineEdit(s(u"0,5,10-12"));
    controls->addWidget(edit);
    auto* spin = new QDoubleSpinBox;
    spin->setValue(0.33);
    controls->addWidget(spin);
    auto* box = new QCheckBox(s(u"Embed weights"));
    box->setChecked(true);
    controls->addWidget(box);
    auto* slider = new QSlider(Qt::Horizontal);
    slider->setValue(33);
    controls->addWidget(slider);
    grid->addLayout(controls, 3, 0, 1, 2);
    auto* legendTau = new ErrorLegend;
    ErrorScale scale = ErrorScale::anchored(1e-6, 1e-2, 0.4);
    scale.setClips(true, true);
    legendTau->setScale(scale, Metric::Error);
    auto* legendPlain = new ErrorLegend;
    legendPlain->setScale(ErrorScale::sequential(1e-3, 10), Metric::Margin);
    grid->addWidget(legendTau, 4, 0);
    grid->addWidget(legendPlain, 4, 1);
    auto* banner = new VerdictBanner;
    banner->setRunning(s(u"Replaying block 7 of 30 on 10 prompts in double precision."), 0.24);
    grid->addWidget(banner, 5, 0);
    auto* spark = new SparkLine;
    spark->setSeries({0, 1, 2, 3, 4, 5, 6, 7}, {1e-4, 2e-4, missing, 6e-4, 1.3e-2, 4e-3, missing, 2e-3}, 1e-2);
    spark->setCurrent(4);
    grid->addWidget(spark, 5, 1);
    auto* card = new TokenHoverCard;
    card->setCell(*samples::tokenMap(), {11, 4, 0}, Metric::Error);
    card->setWindowFlags(Qt::Widget);
    auto* covered = new TokenHoverCard;
    covered->setCell(*samples::tokenMap(), {29, 7, 3}, Metric::Error);
    covered->setWindowFlags(Qt::Widget);
    auto* cards = new QHBoxLayout;
    cards->addWidget(card, 0, Qt::AlignTop);
    cards->addWidget(covered, 0, Qt::AlignTop);
    cards->addStretch(1);
    grid->addLayout(cards, 6, 0);
    auto* chips = new TokenChips;
    chips->setShowIds(true);
    chips->setTokens(samples::chatTokens());
    chips->highlight(s(u"the"));
    chips->setCurrent(6);
    grid->addWidget(chips, 6, 1);
    grid->setRowStretch(6, 1);
    return page;
}

QWidget* largePage(bool fitted)
{
    auto* page = surface("window");
    page->resize(1440, 900);
    auto* column = new QVBoxLayout(page);
    auto* heatmap = new TokenHeatmap;
    heatmap->setMap(samples::largeMap(2048, 32));
    heatmap->setPrompt(0);
    column->addWidget(heatmap);
    if (fitted)
        heatmap->zoomToFit();
    page->ensurePolished();
    column->activate();
    heatmap->setCurrent({7, 0, 900});
    if (!fitted)
        heatmap->select(GridRange{{890, 4}, {905, 11}});
    return page;
}

QWidget* coveragePage()
{
    auto* page = surface("window");
    page->resize(1440, 900);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(space::large + 4, space::large, space::large, space::large);
    column->setSpacing(space::medium);
    auto* title = new PageTitle;
    title->setText(s(u"Coverage, token by token"),
                   s(u"All 10 prompts · 30 blocks · covered: error up to τ_act = 0.004"));
    column->addWidget(title);
    // A smaller threshold, and two tokens that a verification could not decide: every kind of mark is there.
    auto map = std::make_shared<TokenMap>(*samples::tokenMap());
    map->thresholds.tauAct = 4e-3;
    auto* strip = new CoverageStrip;
    strip->setMap(map, std::make_shared<CoverageRows>(coverageRows(*map, {{29, 4, 7}, {28, 2, 3}})));
    strip->setCurrent({29, 4, 0});
    column->addWidget(strip, 1);
    return page;
}

QWidget* chartsPage()
{
    auto* page = surface("window");
    page->resize(1440, 900);
    auto* grid = new QGridLayout(page);
    grid->setContentsMargins(space::large + 4, space::large, space::large, space::large);
    grid->setSpacing(space::huge);
    int at = 0;
    for (const Chart chart : allCharts) {
        auto* view = new FigureView;
        view->setFigure(std::make_shared<const figure::Figure>(chartFigure(*samples::tokenMap(), chart, 3)));
        grid->addWidget(view, at / 2, at % 2);
        ++at;
    }
    return page;
}

HeatmapLayout promptView(int prompt)
{
    HeatmapLayout view;
    view.prompt = prompt;
    return view;
}

HeatmapLayout sortedView()
{
    HeatmapLayout view = promptView(4);
    view.rowOrder = RowOrder::Value;
    view.columnOrder = ColumnOrder::Value;
    return view;
}

HeatmapLayout promptsView(RowOrder order)
{
    HeatmapLayout view;
    view.unit = RowUnit::Prompts;
    view.rowOrder = order;
    return view;
}

}

std::vector<Page> pages()
{
    return {
        {QStringLiteral("explore"), [] { return explorePage(promptView(4), Metric::Error); }},
        {QStringLiteral("explore-all"), [] { return explorePage({}, Metric::LossDifference); }},
        {QStringLiteral("explore-margin"), [] { return explorePage(promptView(4), Metric::Margin); }},
        {QStringLiteral("explore-sorted"), [] { return explorePage(sortedView(), Metric::Error); }},
        {QStringLiteral("explore-prompts"), [] { return explorePage(promptsView(RowOrder::Tag), Metric::Coverage); }},
        {QStringLiteral("explore-kl"), [] { return explorePage(promptsView(RowOrder::Value), Metric::Kl); }},
        {QStringLiteral("coverage"), [] { return coveragePage(); }},
        {QStringLiteral("charts"), [] { return chartsPage(); }},
        {QStringLiteral("verify"), [] { return verifyPage(true); }},
        {QStringLiteral("verify-failed"), [] { return verifyPage(false); }},
        {QStringLiteral("open"), [] { return openPage(); }},
        {QStringLiteral("run"), [] { return runPage(); }},
        {QStringLiteral("empty"), [] { return emptyPage(); }},
        {QStringLiteral("parts"), [] { return partsPage(); }},
        {QStringLiteral("large"), [] { return largePage(true); }},
        {QStringLiteral("large-zoomed"), [] { return largePage(false); }}};
}

}
