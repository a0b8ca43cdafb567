#include "app/workbench/pages/compare_view.h"

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/report_parts.h"
#include "app/workbench/session/selection_bus.h"
#include "widgets/compare_figure.h"
#include "widgets/compare_table.h"
#include "widgets/empty_state.h"
#include "widgets/figure_view.h"
#include "widgets/flow_row.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/value_table.h"

#include <QLabel>
#include <QPushButton>
#include <QStackedWidget>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

CompareView::CompareView(SelectionBus& bus, QWidget* parent)
    : QWidget(parent)
    , m_bus(bus)
    , m_sentence(wrapped({}))
    , m_weaker(new widgets::Notice)
    , m_differences(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_part(new widgets::SegmentedControl)
    , m_top(new QWidget)
    , m_tools(new QWidget)
    , m_parts(new QStackedWidget)
    , m_empty(new widgets::EmptyState)
    , m_table(new widgets::CompareTable)
    , m_diffSentence(wrapped({}))
    , m_kind(new widgets::SegmentedControl)
    , m_changes(new widgets::ValueTable(tr("What changed between A and B")))
    , m_cells(new widgets::ValueTable(tr("A and B, block and prompt")))
    , m_chart(new widgets::FigureView)
{
    setFocusProxy(m_table);
    QPushButton* choose = button(tr("Choose B…"));
    QPushButton* swap = button(tr("Swap"));
    swap->setToolTip(tr("A becomes B, and B becomes A"));
    QPushButton* copy = button(tr("Copy as command"));
    QPushButton* save = button(tr("Export…"));
    save->setToolTip(tr("As SVG, PDF, PNG, or CSV with every number"));
    connect(choose, &QPushButton::clicked, this, &CompareView::chooseWanted);
    connect(swap, &QPushButton::clicked, this, &CompareView::swapWanted);
    connect(copy, &QPushButton::clicked, this, &CompareView::copyWanted);
    connect(save, &QPushButton::clicked, this, [this] { emit exportWanted(exported()); });
    connect(m_table, &widgets::CompareTable::blockSelected, this, [this](int block) { selectBlock(block, -1); });
    connect(m_changes, &widgets::ValueTable::rowChosen, this, [this](int row) {
        const int block = m_diff->blocks[static_cast<std::size_t>(m_shownChanges[static_cast<std::size_t>(row)])];
        if (block >= 0)
            selectBlock(block, -1);
    });
    connect(m_cells, &widgets::ValueTable::rowChosen, this, [this](int row) {
        const widgets::CellKey place = m_diff->places[static_cast<std::size_t>(row)];
        selectBlock(place.block, place.prompt);
    });
    connect(&m_bus, &SelectionBus::changed, this, [this] { m_table->setCurrentBlock(m_bus.now().cell.block); });
    m_part->setChoices({tr("Blocks"), tr("Claims"), tr("Prompts"), tr("Chart")},
                       {tr("Every block's numbers in A, in B, and their difference"),
                        tr("Every claim that is weaker, stronger or different in B, at full precision"),
                        tr("Every prompt at every block that both runs have"), tr("Errors by block in both runs")});
    connect(m_part, &widgets::SegmentedControl::chosen, this, [this](int part) { showPart(static_cast<Part>(part)); });

    m_empty->setWays({{widgets::Icon::Open, tr("Choose B…"), tr("A run of any model on the same prompts"), true}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this, &CompareView::chooseWanted);

    auto* top = row();
    m_top->setLayout(top);
    top->setContentsMargins(0, 0, 0, 0);
    top->addWidget(m_sentence, 1);
    top->addWidget(choose, 0, Qt::AlignTop);
    auto* tools = new widgets::FlowRow(m_tools);
    tools->addWidget(m_part);
    tools->startEnd();
    tools->addWidget(swap);
    tools->addWidget(copy);
    tools->addWidget(save);
    m_parts->addWidget(m_table);
    m_parts->addWidget(makeClaims());
    m_parts->addWidget(m_cells);
    m_parts->addWidget(m_chart);
    auto* layout = column();
    layout->addWidget(m_top);
    layout->addWidget(m_weaker);
    layout->addWidget(m_differences);
    layout->addWidget(m_tools);
    layout->addWidget(m_parts, 1);
    layout->addWidget(m_empty, 1);
    setLayout(layout);
    setReason(tr("Choose a second run, B, to set it beside this one, A."));
    setDiff({});
}

QWidget* CompareView::makeClaims()
{
    m_kind->setChoices({tr("Weaker"), tr("Stronger"), tr("Different")});
    connect(m_kind, &widgets::SegmentedControl::chosen, this, &CompareView::showKind);
    auto* claims = new QWidget;
    auto* head = row();
    head->addWidget(m_kind);
    head->addWidget(m_diffSentence, 1);
    auto* layout = column();
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addLayout(head);
    layout->addWidget(m_changes, 1);
    claims->setLayout(layout);
    return claims;
}

void CompareView::setComparison(const std::shared_ptr<const RunComparison>& comparison, const RunView& a,
                                const RunView& b)
{
    m_comparison = comparison;
    m_a = a.name;
    m_b = b.name;
    m_sentence->setText(tr("A is %1, B is %2. %3").arg(m_a, m_b, comparison->sentence));
    m_weaker->setNotice(widgets::Notice::Tone::Warning, comparison->weaker.join(u". "_s) + u'.');
    m_weaker->setVisible(!comparison->weaker.isEmpty());
    m_table->setRows(comparison->blocks, comparison->isRelative);
    m_table->setCurrentBlock(m_bus.now().cell.block);
    auto figure = std::make_shared<figure::Figure>(
        widgets::compareFigure({comparison->blocks, comparison->isRelative, comparison->threshold, m_a, m_b}));
    for (const auto& [name, value] : metadataOf(a, &b))
        figure->metadata.emplace_back(name.toStdString(), value.toStdString());
    m_chart->setFigure(figure, false);
    refreshParts();
}

void CompareView::setReason(const QString& sentence)
{
    m_comparison.reset();
    m_empty->setText(tr("Two runs side by side"), sentence);
    m_table->setRows({}, false);
    refreshParts();
}

void CompareView::refreshParts()
{
    const bool isCompared = m_comparison != nullptr;
    QStringList differences = isCompared ? m_comparison->differences : QStringList();
    if (m_diff) { // it knows of the surrogates, too
        for (const QString& difference : m_diff->differences) {
            const QString what = difference.section(u':', 0, 0);
            if (std::none_of(differences.begin(), differences.end(),
                             [&what](const QString& known) { return known.section(u':', 0, 0) == what; }))
                differences << difference;
        }
    }
    m_differences->setText(differences.isEmpty()
                               ? tr("Model, prompts, surrogates, thresholds and precision are the same.")
                               : tr("Not the same: %1.").arg(differences.join(u"; "_s)));
    m_weaker->setVisible(isCompared && !m_comparison->weaker.isEmpty());
    m_differences->setVisible(isCompared && (m_diff || !m_comparison->differences.isEmpty()));
    m_empty->setVisible(!isCompared);
    m_top->setVisible(isCompared);
    m_tools->setVisible(isCompared);
    m_parts->setVisible(isCompared);
}

void CompareView::setDiff(const Loadable<RunDiff>& diff)
{
    m_diff = diff.isReady() ? diff.value : nullptr;
    m_part->setChoiceEnabled(Prompts, m_diff != nullptr);
    if (!m_diff && m_part->current() == Prompts)
        showPart(Blocks);
    m_cells->setRows(m_diff ? std::make_shared<const widgets::ValueRows>(m_diff->cells) : nullptr);
    const QStringList names{tr("Weaker"), tr("Stronger"), tr("Different")};
    QStringList counted;
    for (int kind = 0; kind < 3; ++kind)
        counted << (m_diff ? u"%1 %2"_s.arg(names[kind]).arg(m_diff->counts[kind]) : names[kind]);
    m_kind->setChoices(counted);
    m_kind->setVisible(m_diff != nullptr);
    m_diffSentence->setText(m_diff             ? m_diff->sentence
                            : diff.isLoading() ? tr("Comparing the certificates …")
                                               : diff.fault.sentence);
    int first = 0; // the first kind that has anything
    while (m_diff && first < 2 && m_diff->counts[first] == 0)
        ++first;
    m_kind->setCurrent(first);
    showKind(first);
    refreshParts();
}

void CompareView::showKind(int kind)
{
    m_shownChanges.clear();
    m_changes->setRows(m_diff ? changesOf(*m_diff, static_cast<ChangeKind>(kind), m_shownChanges) : nullptr);
}

void CompareView::showPart(Part part)
{
    m_part->setCurrent(part);
    m_parts->setCurrentIndex(part);
}

void CompareView::selectBlock(int block, int prompt)
{
    widgets::CellKey cell = m_bus.now().cell;
    if (!cell.isValid() || (prompt >= 0 && prompt != cell.prompt))
        cell = {block, std::max(0, prompt), 0};
    cell.block = block;
    if (m_bus.now().isHeld)
        m_bus.hold(cell);
    else
        m_bus.point(cell);
}

// The picture is always the chart; the table is of what is shown.
widgets::ViewExport CompareView::exported() const
{
    widgets::ViewExport view = m_chart->exported();
    view.name = u"compare-%1-%2"_s.arg(m_a, m_b);
    if (m_part->current() == Claims && m_diff)
        view.table = [diff = m_diff] { return widgets::tableOf(diff->changes); };
    else if (m_part->current() == Prompts && m_diff)
        view.table = [diff = m_diff] { return widgets::tableOf(diff->cells); };
    return view;
}

std::vector<report::Part> CompareView::frozen(int most) const
{
    std::vector<report::Part> parts;
    if (!m_comparison)
        return parts;
    parts.emplace_back(report::Paragraph{m_sentence->text().toStdString()});
    if (!m_comparison->weaker.isEmpty())
        parts.emplace_back(
            report::Paragraph{m_comparison->weaker.join(u". "_s).toStdString() + '.', report::Tone::Warning});
    parts.emplace_back(report::Paragraph{m_differences->text().toStdString(), report::Tone::Quiet});
    switch (static_cast<Part>(m_part->current())) {
    case Blocks: parts.emplace_back(tableOf(*m_table->model(), tr("Blocks of A and B"), most)); break;
    case Claims:
        parts.emplace_back(report::Paragraph{m_diffSentence->text().toStdString()});
        parts.emplace_back(tableOf(*m_changes->model(), tr("What changed between A and B"), most));
        break;
    case Prompts: parts.emplace_back(tableOf(*m_cells->model(), tr("A and B, block and prompt"), most)); break;
    case Chart:
        if (m_chart->figure())
            parts.emplace_back(*m_chart->figure());
        break;
    }
    return parts;
}

}
