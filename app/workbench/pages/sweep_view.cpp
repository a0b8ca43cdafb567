#include "app/workbench/pages/sweep_view.h"

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/pages/sweep_form.h"
#include "app/workbench/session/sweep_best.h"
#include "widgets/empty_state.h"
#include "widgets/figure_view.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/value_grid.h"
#include "widgets/value_table.h"

#include <QComboBox>
#include <QPushButton>
#include <QSignalBlocker>
#include <QStackedWidget>

#include <algorithm>
#include <numeric>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

SweepView::SweepView(SweepBoard& board, EditLab& lab, QWidget* parent)
    : QWidget(parent)
    , m_board(board)
    , m_lab(lab)
{
    auto* layout = row(space::small); // with more the page would be wider than a small screen
    m_form = new SweepForm(board, lab);
    layout->addWidget(m_form);
    layout->addWidget(makeResult(), 1);
    setLayout(layout);
    connect(m_form, &SweepForm::runWanted, this, &SweepView::run);
    connect(m_form, &SweepForm::folderWanted, this, &SweepView::folderWanted);
    connect(m_form, &SweepForm::preambleWanted, this, &SweepView::preambleWanted);
    connect(m_form, &SweepForm::copyWanted, this, &SweepView::copyWanted);
    connect(&m_board, &SweepBoard::opened, this, [this] { m_form->setSpec(*m_board.spec()); });
    connect(&m_board, &SweepBoard::changed, this, &SweepView::refresh);
    connect(&m_board, &SweepBoard::progressed, this, &SweepView::refresh);
    showPart(Answers);
}

QWidget* SweepView::makeResult()
{
    m_notice = new widgets::Notice;
    m_notice->hide();
    connect(m_notice, &widgets::Notice::actionRequested, this, [this] { run(true); });
    m_sentence = wrapped({});
    keepTwoLines(*m_sentence);
    m_progress = new ProgressRow;
    m_empty = new widgets::EmptyState;
    m_part = new widgets::SegmentedControl;
    m_part->setChoices({tr("Answers"), tr("Refuses"), tr("Find the best"), tr("Table")},
                       {tr("Of the prompts that should be answered, how many are"),
                        tr("Of the prompts that should be refused, how many are"),
                        tr("The rows that no other row beats, and what refusing costs"),
                        tr("Every number of every row")});
    connect(m_part, &widgets::SegmentedControl::chosen, this, [this](int part) { showPart(static_cast<Part>(part)); });
    m_condition = new QComboBox;
    m_condition->setAccessibleName(tr("Condition"));
    connect(m_condition, &QComboBox::activated, this, &SweepView::refreshResult);
    m_grid = new widgets::ValueGrid(tr("Blocks by strengths"));
    m_grid->setCellWidth(46); // "12/12", and eleven strengths on a small screen
    connect(m_grid, &widgets::ValueGrid::cellChosen, this, [this](int gridRow, int gridColumn) {
        if (m_board.table())
            take(rowAt(*m_board.table(), m_condition->currentText(), gridRow, gridColumn));
    });
    m_table = new widgets::ValueTable(tr("Rows of the sweep"));
    connect(m_table, &widgets::ValueTable::rowChosen, this,
            [this](int at) { take(m_tableRows[static_cast<std::size_t>(at)]); });
    m_price = new QComboBox;
    m_price->setAccessibleName(tr("Weighed against"));
    m_price->addItems(
        {tr("Refusals against answers kept"), tr("Refusals against the final deviation, after the norm")});
    connect(m_price, &QComboBox::activated, this, &SweepView::refreshResult);
    m_bestSentence = wrapped({});
    m_useBest = button(tr("Put into the stack"));
    connect(m_useBest, &QPushButton::clicked, this, [this] {
        if (m_board.table())
            take(
                bestOf(*m_board.table(), m_condition->currentText(), static_cast<SweepPrice>(m_price->currentIndex())));
    });
    m_tradeOff = new widgets::FigureView;
    m_tradeOff->setAccessibleName(tr("Trade-off front"));
    auto* bestTop = row();
    bestTop->addWidget(m_price);
    bestTop->addStretch(1);
    bestTop->addWidget(m_useBest);
    auto* best = column();
    best->addLayout(bestTop);
    best->addWidget(m_bestSentence);
    best->addWidget(m_tradeOff, 1);
    auto* bestPage = new QWidget;
    bestPage->setLayout(best);
    m_parts = new QStackedWidget;
    m_gridTitles = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    auto* map = column();
    map->addWidget(m_gridTitles);
    map->addWidget(m_grid, 1);
    auto* mapPage = new QWidget;
    mapPage->setLayout(map);
    m_parts->addWidget(mapPage);
    m_parts->addWidget(bestPage);
    m_parts->addWidget(m_table);
    m_chosen = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    m_label = button(tr("Label its completions"));
    connect(m_label, &QPushButton::clicked, this, [this] {
        if (const int at = rowInHand(); at >= 0)
            emit labelsWanted(m_board.table()->out, m_board.table()->rows[static_cast<std::size_t>(at)].file);
    });
    auto* choices = row();
    choices->addWidget(m_part);
    choices->addStretch(1);
    choices->addWidget(m_condition);
    auto* bottom = row();
    bottom->addWidget(m_chosen, 1);
    bottom->addWidget(m_label);
    auto* body = column();
    body->addWidget(m_sentence);
    body->addLayout(choices);
    body->addWidget(m_parts, 1);
    body->addLayout(bottom);
    body->addWidget(m_progress);
    m_body = new QWidget;
    m_body->setLayout(body);
    auto* layout = column();
    layout->addWidget(m_notice);
    layout->addWidget(m_body, 1);
    layout->addWidget(m_empty, 1);
    auto* page = new QWidget;
    page->setLayout(layout);
    return page;
}

void SweepView::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    emit outWanted();
}

void SweepView::setOut(const QString& path)
{
    m_form->setOut(path);
}

void SweepView::run(bool resume)
{
    const std::optional<SweepSpec> spec = resume ? m_form->resumed() : m_form->spec();
    if (!m_lab.model() || !spec)
        return;
    m_inHand.reset();
    m_board.start(*spec, m_lab.settings(), m_lab.model()->layers, resume);
    m_form->forgetOut();
}

void SweepView::take(int at)
{
    const auto& table = m_board.table();
    if (!table || at < 0 || static_cast<std::size_t>(at) >= table->rows.size())
        return;
    const SweepRow& row = table->rows[static_cast<std::size_t>(at)];
    m_inHand = row;
    if (row.block && row.alpha)
        emit editWanted(*row.block, *row.alpha, table->target, row.condition);
    refreshResult();
}

int SweepView::rowInHand() const
{
    const auto& table = m_board.table();
    if (!table || !m_inHand)
        return -1;
    const auto found = std::ranges::find_if(table->rows, [this](const SweepRow& row) {
        return row.condition == m_inHand->condition && row.block == m_inHand->block && row.alpha == m_inHand->alpha;
    });
    return found == table->rows.end() ? -1 : static_cast<int>(found - table->rows.begin());
}

void SweepView::showPart(Part part)
{
    m_part->setCurrent(part);
    m_parts->setCurrentIndex(part == Answers || part == Refuses ? 0 : part == Best ? 1 : 2);
    refresh();
}

void SweepView::refresh()
{
    m_form->refresh();
    const JobProgress& progress = m_board.progress();
    m_progress->setVisible(m_board.isRunning());
    m_progress->setProgress(progress.stage == "sweep"_L1 && progress.total > 0
                                ? tr("Row %1 of %2").arg(progress.done).arg(progress.total)
                            : progress.stage == "baseline"_L1 ? tr("Completing with the unedited model")
                            : progress.stage.isEmpty()        ? tr("Waiting for the engine …")
                                                              : tr("Opening the model"),
                            progress);
    if (const QString interruption = m_board.interruption(); m_board.problem().isEmpty() && !interruption.isEmpty())
        m_notice->setNotice(widgets::Notice::Tone::Note, interruption, tr("Resume"));
    else
        m_notice->setNotice(widgets::Notice::Tone::Error, m_board.problem());
    m_notice->setVisible(!m_board.problem().isEmpty() || !m_board.interruption().isEmpty());
    refreshResult();
}

void SweepView::refreshResult()
{
    const std::shared_ptr<const SweepTable> table = m_board.table();
    if (m_board.isReading())
        m_inHand.reset();
    m_body->setVisible(table != nullptr);
    m_empty->setVisible(table == nullptr);
    if (!table) {
        m_empty->setText(m_board.isReading() ? tr("Reading the sweep …") : tr("No sweep yet"),
                         m_board.isReading()
                             ? QString()
                             : tr("A sweep scales one sublayer of many blocks by many strengths and counts what is "
                                  "answered and refused (the paper's Table 7). Name blocks and strengths at the left, "
                                  "or open a sweep that was run before."));
        return;
    }
    QStringList conditions = table->conditions;
    for (const SweepRow& row : table->rows)
        if (!conditions.contains(row.condition))
            conditions << row.condition;
    const QSignalBlocker block(m_condition);
    const QString kept = m_condition->currentText();
    m_condition->clear();
    m_condition->addItems(conditions);
    m_condition->setCurrentIndex(std::max(0, m_condition->findText(kept)));
    const QString condition = m_condition->currentText();
    const SweepRow* unedited = baselineOf(*table, condition);
    const std::size_t wanted =
        static_cast<std::size_t>(table->conditions.size()) * (table->blocks.size() * table->alphas.size() + 1);
    m_sentence->setText(
        (table->isComplete ? QString() : tr("%1 of %2 rows are there. ").arg(table->rows.size()).arg(wanted)) +
        (unedited ? tr("Unedited, under condition %1, it answers %2 and refuses %3. Framed cells are on the trade-off "
                       "front; n is small, so read the intervals.")
                        .arg(condition, shareText(unedited->answer), shareText(unedited->refuse))
                  : tr("The unedited model under condition %1 comes first.").arg(condition)));
    const int inHand = rowInHand();
    const bool hasRow = inHand >= 0;
    const auto part = static_cast<Part>(m_part->current());
    if (part == Answers || part == Refuses) {
        auto grid = std::make_shared<const widgets::GridValues>(
            sweepGrid(*table, condition, part == Answers ? SweepQuantity::Answer : SweepQuantity::Refuse));
        m_gridTitles->setText(
            tr("Down: block · across: strength α of the %1 · in a cell: %2, of how many")
                .arg(table->target == "attention"_L1 ? tr("attention output") : tr("MLP output"), grid->quantity));
        m_grid->setValues(std::move(grid));
    }
    if (part == Best) {
        const auto price = static_cast<SweepPrice>(m_price->currentIndex());
        m_useBest->setEnabled(bestOf(*table, condition, price) >= 0);
        m_bestSentence->setText(bestSentence(*table, condition, price));
        m_tradeOff->setFigure(std::make_shared<const figure::Figure>(tradeOffFigure(*table, condition, price)), false);
    }
    if (part == Table) {
        m_tableRows.clear();
        for (std::size_t at = 0; at < table->rows.size(); ++at)
            if (table->rows[at].condition == condition)
                m_tableRows.push_back(static_cast<int>(at));
        m_table->setRows(std::make_shared<const widgets::ValueRows>(shortSweepRows(*table, m_tableRows)));
        const auto shown = std::ranges::find(m_tableRows, inHand);
        m_table->setCurrentRow(shown == m_tableRows.end() ? -1 : static_cast<int>(shown - m_tableRows.begin()));
    }
    m_chosen->setText(
        hasRow ? tr("In hand: %1. It is in the stack.").arg(sweepRowText(table->rows[static_cast<std::size_t>(inHand)]))
               : tr("A click on a row or cell puts its edit into the stack."));
    m_label->setEnabled(hasRow && !table->rows[static_cast<std::size_t>(inHand)].file.isEmpty());
    m_label->setToolTip(m_label->isEnabled() ? tr("Read and judge the texts of this row yourself")
                                             : tr("Of a row in hand, once the sweep is finished"));
}

widgets::ViewExport SweepView::exported() const
{
    const std::shared_ptr<const SweepTable> table = m_board.table();
    if (!table)
        return {};
    if (m_part->current() == Best)
        return m_tradeOff->exported();
    widgets::ViewExport view = widgets::figureExport(
        tradeOffFigure(*table, m_condition->currentText(), static_cast<SweepPrice>(m_price->currentIndex())));
    if (m_part->current() != Table) {
        view = m_grid->exported();
        view.name = u"sweep"_s;
        view.scope = u"%1 · %2 · %3"_s.arg(table->model, table->prompts, m_condition->currentText());
    } else {
        std::vector<int> rows(table->rows.size());
        std::iota(rows.begin(), rows.end(), 0);
        view.table = [values = sweepRows(*table, rows)] { return widgets::tableOf(values); };
    }
    return view;
}

}
