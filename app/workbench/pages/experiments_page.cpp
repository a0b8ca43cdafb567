#include "app/workbench/pages/experiments_page.h"

#include "app/workbench/session/run_settings.h"
#include "widgets/empty_state.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/svg_view.h"
#include "widgets/value_table.h"

#include <QComboBox>
#include <QFileInfo>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalBlocker>
#include <QStackedWidget>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::ValueCell;
namespace space = widgets::space;

namespace {

QString orDefault(const QString& text)
{
    return text.isEmpty() ? ExperimentsPage::tr("default") : text;
}

}

ExperimentsPage::ExperimentsPage(QWidget* parent)
    : QWidget(parent)
    , m_pages(new QStackedWidget)
    , m_empty(new widgets::EmptyState)
{
    m_empty->setText(tr("No experiment yet"),
                     tr("An experiment repeats one of the paper's on any model: certified runs, tables, figures. Write "
                        "what to measure at the right and queue it, or choose a folder that holds some."));
    // The primary button of the page is Run, at the right.
    m_empty->setWays({{widgets::Icon::Folder, tr("Choose a folder…"), tr("With experiments in it"), false, true}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this, &ExperimentsPage::folderWanted);
    makeSide();
    m_pages->addWidget(m_empty);
    m_pages->addWidget(scrolling(makeCentre())); // the row of its tools is wider than a small screen
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_pages);
    setFocusProxy(m_table);
    refreshSpec();
}

QWidget* ExperimentsPage::side() const
{
    return m_side;
}

QWidget* ExperimentsPage::makeCentre()
{
    auto* page = new QWidget;
    auto* layout = pageLayout(page);
    m_title = new widgets::PageTitle;
    QPushButton* folder = button(tr("Choose a folder…"));
    connect(folder, &QPushButton::clicked, this, &ExperimentsPage::folderWanted);
    m_title->addWidget(folder);
    layout->addWidget(m_title);
    m_notice = new widgets::Notice;
    m_notice->hide();
    layout->addWidget(m_notice);
    m_table = new widgets::ValueTable(tr("Studies"));
    connect(m_table, &widgets::ValueTable::rowChosen, this, [this](int row) {
        const auto jobs = static_cast<int>(m_jobs.size());
        m_chosen = row < jobs ? m_jobs[static_cast<std::size_t>(row)].spec.out
                              : m_entries[static_cast<std::size_t>(row - jobs)].path;
        showCurrent();
    });
    layout->addWidget(m_table, 2);
    m_headline = wrapped({});
    m_part = new ElidedComboBox;
    m_part->setAccessibleName(tr("Table or figure"));
    m_part->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_part->setMinimumContentsLength(28);
    connect(m_part, &QComboBox::activated, this, &ExperimentsPage::showTable);
    m_duplicate = button(tr("Duplicate and vary"));
    m_duplicate->setToolTip(tr("Its specification, to be changed at the right"));
    connect(m_duplicate, &QPushButton::clicked, this, [this] {
        if (const ExperimentEntry* entry = current())
            setSpec(entry->spec);
    });
    m_resume = button(tr("Resume"));
    connect(m_resume, &QPushButton::clicked, this, [this] {
        if (const ExperimentEntry* entry = current())
            emit runWanted(entry->spec, true);
        else
            emit cancelWanted(m_chosen);
    });
    m_pin = button(tr("Pin"));
    m_pin->setToolTip(tr("Set the others of the same experiment beside this one, with the difference of every number"));
    connect(m_pin, &QPushButton::clicked, this, [this] {
        const ExperimentEntry* entry = current();
        const bool unpins = entry && entry->path == m_pinned;
        m_pinned = unpins || !entry ? QString() : entry->path;
        m_baseline = unpins || !entry ? ExperimentEntry() : *entry;
        refreshRows();
        showCurrent();
    });
    m_export = button(tr("Export…"));
    m_export->setToolTip(tr("The figure as SVG, PDF or PNG, the table as CSV"));
    connect(m_export, &QPushButton::clicked, this, [this] {
        if (current())
            emit exportWanted(exported());
    });
    auto* tools = row();
    tools->addWidget(m_part);
    tools->addStretch(1);
    for (QPushButton* one : {m_duplicate, m_resume, m_pin, m_export})
        tools->addWidget(one);
    m_parts = new QStackedWidget;
    m_values = new widgets::ValueTable(tr("Result"));
    m_figure = new widgets::SvgView;
    m_parts->addWidget(m_values);
    QScrollArea* paper = scrolling(m_figure);
    paper->viewport()->setAutoFillBackground(false);
    m_figure->setAutoFillBackground(false);
    m_parts->addWidget(paper);
    layout->addWidget(m_headline);
    layout->addLayout(tools);
    layout->addWidget(m_parts, 3);
    return page;
}

void ExperimentsPage::makeSide()
{
    m_side = new SidePanel;
    m_kind = new QComboBox;
    m_kind->addItems(experimentKinds());
    m_kind->setAccessibleName(tr("Experiment"));
    m_dtype = new QComboBox;
    m_dtype->addItems({u"fp32"_s, u"bf16"_s, u"fp16"_s});
    m_dtype->setAccessibleName(tr("Baseline dtype"));
    m_model = new QLineEdit;
    m_prompts = new QLineEdit;
    m_blocks = new QLineEdit;
    m_own = new QLineEdit;
    m_model->setPlaceholderText(tr("such as demo"));
    m_prompts->setPlaceholderText(tr("the experiment's own"));
    m_blocks->setPlaceholderText(tr("the experiment's own"));
    m_own->setPlaceholderText(tr("default"));
    QVBoxLayout* content = m_side->content();
    content->addWidget(heading(tr("Specification")));
    const auto add = [content](const QString& name, QWidget* field) {
        QLabel* label = widgets::makeLabel(name, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                           widgets::TextTone::Secondary);
        label->setBuddy(field);
        field->setAccessibleName(name);
        content->addWidget(label);
        content->addWidget(field);
        return label;
    };
    add(tr("Experiment"), m_kind);
    add(tr("Model"), m_model);
    add(tr("Prompts"), m_prompts);
    add(tr("Blocks"), m_blocks);
    add(tr("Baseline dtype"), m_dtype);
    m_ownLabel = add(tr("Ranks"), m_own);
    content->addSpacing(space::medium);
    content->addWidget(heading(tr("Grid")));
    content->addWidget(wrapped(tr("Values apart by “|”; one experiment for each combination."),
                               widgets::TextTone::Secondary, widgets::TextSize::Secondary));
    for (int i = 0; i < 2; ++i) {
        m_varied[i] = new QComboBox;
        m_varied[i]->setAccessibleName(tr("What to vary, %1").arg(i + 1));
        m_variedValues[i] = new QLineEdit;
        m_variedValues[i]->setAccessibleName(tr("Values, %1").arg(i + 1));
        m_variedValues[i]->setPlaceholderText(i == 0 ? tr("fp32 | bf16") : tr("base | stress"));
        auto* line = row();
        line->addWidget(m_varied[i]);
        line->addWidget(m_variedValues[i], 1);
        content->addLayout(line);
        connect(m_varied[i], &QComboBox::activated, this, &ExperimentsPage::refreshSpec);
        connect(m_variedValues[i], &QLineEdit::textEdited, this, &ExperimentsPage::refreshSpec);
    }
    m_plan = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    m_queue = button(tr("Run"), widgets::ButtonRole::Primary);
    QPushButton* copy = button(tr("Copy as command"));
    connect(copy, &QPushButton::clicked, this, &ExperimentsPage::copyWanted);
    connect(m_queue, &QPushButton::clicked, this, &ExperimentsPage::queue);
    content->addSpacing(space::medium);
    content->addWidget(m_plan);
    content->addWidget(m_queue);
    content->addWidget(copy);
    content->addStretch(1);
    connect(m_kind, &QComboBox::currentIndexChanged, this, [this] {
        m_own->clear();
        refreshSpec();
    });
    connect(m_dtype, &QComboBox::activated, this, &ExperimentsPage::refreshSpec);
    for (QLineEdit* field : {m_model, m_prompts, m_blocks, m_own})
        connect(field, &QLineEdit::textEdited, this, &ExperimentsPage::refreshSpec);
}

ExperimentSpec ExperimentsPage::spec() const
{
    ExperimentSpec spec;
    spec.kind = m_kind->currentText();
    spec.model = m_model->text().trimmed();
    spec.prompts = m_prompts->text().trimmed();
    spec.blocks = m_blocks->text().trimmed();
    spec.dtype = m_dtype->currentText();
    for (const QString& field : ownFields(spec.kind))
        setField(spec, field, m_own->text().trimmed());
    spec.out = freshExperimentPath(spec, m_folder, m_taken);
    return spec;
}

void ExperimentsPage::setSpec(const ExperimentSpec& spec)
{
    const QSignalBlocker block(m_kind);
    m_kind->setCurrentText(spec.kind);
    m_model->setText(spec.model);
    m_prompts->setText(spec.prompts);
    m_blocks->setText(spec.blocks);
    m_dtype->setCurrentText(spec.dtype.isEmpty() ? u"fp32"_s : spec.dtype);
    const QStringList own = ownFields(spec.kind);
    m_own->setText(own.isEmpty() ? QString() : fieldOf(spec, own.front()));
    refreshSpec();
}

void ExperimentsPage::setModel(const QString& model)
{
    if (m_model->text().isEmpty() && !model.isEmpty()) {
        m_model->setText(model);
        refreshSpec();
    }
}

QString ExperimentsPage::command() const
{
    return experimentCommand(spec());
}

std::map<QString, QString> ExperimentsPage::variations() const
{
    std::map<QString, QString> values;
    for (int i = 0; i < 2; ++i)
        if (m_varied[i]->currentIndex() > 0 && !m_variedValues[i]->text().trimmed().isEmpty())
            values[m_varied[i]->currentData().toString()] = m_variedValues[i]->text();
    return values;
}

// What the specification and the grid come to.
void ExperimentsPage::refreshSpec()
{
    const QStringList own = ownFields(m_kind->currentText());
    const auto fields = variedFields(m_kind->currentText());
    m_own->setVisible(!own.isEmpty());
    m_ownLabel->setVisible(!own.isEmpty());
    for (const auto& [field, name] : fields)
        if (!own.isEmpty() && field == own.front())
            m_ownLabel->setText(name);
    for (QComboBox* box : m_varied) {
        const QVariant kept = box->currentData();
        const QSignalBlocker block(box);
        box->clear();
        box->addItem(tr("–"));
        for (const auto& [field, name] : fields)
            box->addItem(name, field);
        box->setCurrentIndex(std::max(0, box->findData(kept)));
    }
    const ExperimentSpec one = spec();
    const auto grid = gridOf(one, variations(), m_folder, m_taken);
    const QString obstacle = obstacleOf(one);
    m_queue->setEnabled(grid.has_value() && obstacle.isEmpty());
    m_queue->setText(!m_jobs.empty() ? tr("Queue") : tr("Run"));
    m_plan->setText(
        !obstacle.isEmpty() ? obstacle
        : !grid             ? tr("That would be more than %1 experiments; vary less.").arg(mostVariants)
        : grid->size() == 1
            ? tr("Goes to %1.").arg(shortPath(grid->front().out))
            : tr("%1 experiments, one after the other, into %2.").arg(grid->size()).arg(shortPath(m_folder)));
}

void ExperimentsPage::queue()
{
    const auto grid = gridOf(spec(), variations(), m_folder, m_taken);
    if (!grid)
        return;
    for (const ExperimentSpec& one : *grid)
        emit runWanted(one, false);
}

void ExperimentsPage::show(const ExperimentBoard& board)
{
    m_folder = board.folder();
    m_taken = board.taken();
    m_jobs = board.jobs();
    m_entries.clear();
    const auto isJob = [this](const QString& path) {
        return std::any_of(m_jobs.begin(), m_jobs.end(),
                           [&path](const ExperimentBoard::Job& job) { return job.spec.out == path; });
    };
    for (const ExperimentEntry& entry : board.entries())
        if (!isJob(entry.path))
            m_entries.push_back(entry);
    m_problem = board.problem();
    refreshRows();
    if (m_chosen.isEmpty() && !m_entries.empty())
        m_chosen = m_entries.front().path;
    showCurrent();
    refreshSpec();
}

void ExperimentsPage::refreshRows()
{
    auto rows = std::make_shared<widgets::ValueRows>();
    rows->columns = {{tr("Name"), false, 22, {}},    {tr("State"), false, 20, {}},   {tr("Experiment"), false, 13, {}},
                     {tr("Model"), false, 20, {}},   {tr("Prompts"), false, 11, {}}, {tr("Blocks"), false, 11, {}},
                     {tr("Baseline"), false, 9, {}}, {tr("Result"), false, 30, {}}};
    const auto add = [&rows](const QString& name, const QString& state, const ExperimentSpec& spec,
                             const QString& model, const QString& headline) {
        rows->rows.push_back({ValueCell::ofText(name), ValueCell::ofText(state), ValueCell::ofText(spec.kind),
                              ValueCell::ofText(model), ValueCell::ofText(orDefault(spec.prompts)),
                              ValueCell::ofText(orDefault(spec.blocks)), ValueCell::ofText(spec.dtype),
                              ValueCell::ofText(headline)});
    };
    for (const ExperimentBoard::Job& job : m_jobs)
        add(QFileInfo(job.spec.out).fileName(),
            !job.isRunning ? tr("queued")
            : job.progress.total > 0
                ? tr("%1: %2 of %3").arg(job.progress.stage).arg(job.progress.done).arg(job.progress.total)
                : tr("running"),
            job.spec, job.spec.model, {});
    for (const ExperimentEntry& entry : m_entries)
        add(entry.path == m_pinned ? tr("%1 (pinned)").arg(entry.name) : entry.name,
            !entry.problem.isEmpty() ? tr("unreadable")
            : !entry.isRead          ? tr("reading")
            : entry.isComplete       ? tr("finished")
                                     : tr("unfinished"),
            entry.spec, entry.model.isEmpty() ? entry.spec.model : entry.model,
            entry.problem.isEmpty() ? entry.headline : entry.problem);
    m_table->setRows(rows);
    m_pages->setCurrentIndex(rows->rows.empty() ? 0 : 1);
    m_title->setText(tr("Studies"), shortPath(m_folder));
    m_notice->setVisible(!m_problem.isEmpty());
    if (!m_problem.isEmpty())
        m_notice->setNotice(widgets::Notice::Tone::Error, m_problem);
}

const ExperimentEntry* ExperimentsPage::current() const
{
    const auto found = std::find_if(m_entries.begin(), m_entries.end(),
                                    [this](const ExperimentEntry& entry) { return entry.path == m_chosen; });
    return found == m_entries.end() ? nullptr : &*found;
}

widgets::ViewExport ExperimentsPage::exported() const
{
    const ExperimentEntry* entry = current();
    if (!entry)
        return {};
    widgets::ViewExport view = m_figure->exported();
    view.name = entry->name;
    view.metadata = {{u"command"_s, entry->command}};
    const auto table = static_cast<std::size_t>(std::max(0, m_part->currentIndex()));
    if (table < entry->tables.size())
        view.table = [rows = entry->tables[table].second] { return widgets::tableOf(*rows); };
    return view;
}

void ExperimentsPage::showCurrent()
{
    const ExperimentEntry* entry = current();
    int row = -1;
    for (std::size_t i = 0; i < m_jobs.size(); ++i)
        row = m_jobs[i].spec.out == m_chosen ? static_cast<int>(i) : row;
    if (entry)
        row = static_cast<int>(m_jobs.size()) + static_cast<int>(entry - m_entries.data());
    m_table->setCurrentRow(row);
    const bool isJob = !entry && row >= 0;
    m_headline->setText(entry ? widgets::shownText(entry->headline.isEmpty() ? entry->problem : entry->headline)
                              : QString());
    QStringList parts;
    if (entry) {
        for (const auto& [title, rows] : entry->tables)
            parts << widgets::shownName(title);
        for (const ExperimentEntry::Figure& figure : entry->figures)
            parts << widgets::shownName(tr("Figure: %1").arg(figure.title));
    }
    const int kept = m_part->currentIndex();
    const QSignalBlocker block(m_part);
    m_part->clear();
    m_part->addItems(parts);
    m_part->setVisible(!parts.isEmpty());
    m_parts->setVisible(!parts.isEmpty());
    m_part->setCurrentIndex(std::clamp(kept, 0, std::max(0, static_cast<int>(parts.size()) - 1)));
    m_resume->setVisible(isJob || (entry && entry->isRead && !entry->isComplete && !entry->spec.model.isEmpty()));
    m_resume->setText(isJob ? tr("Cancel") : tr("Resume"));
    m_duplicate->setEnabled(entry && !entry->spec.model.isEmpty());
    m_pin->setEnabled(entry && !entry->tables.empty());
    m_pin->setText(entry && entry->path == m_pinned ? tr("Unpin") : tr("Pin"));
    m_export->setEnabled(entry && !entry->figures.empty());
    if (entry && !entry->figures.empty())
        m_figure->setSvg(entry->figures.front().svg, entry->figures.front().title, entry->figures.front().caption);
    showTable(m_part->currentIndex());
}

// The tables first, then the figures.
void ExperimentsPage::showTable(int part)
{
    const ExperimentEntry* entry = current();
    if (!entry || part < 0)
        return;
    const auto at = static_cast<std::size_t>(part);
    if (at < entry->tables.size()) {
        std::shared_ptr<const widgets::ValueRows> rows = entry->tables[at].second;
        if (entry->path != m_pinned)
            for (const auto& [title, pinned] : m_baseline.tables)
                if (title == entry->tables[at].first)
                    rows = besidePinned(*rows, *pinned);
        m_values->setRows(rows);
        m_parts->setCurrentIndex(0);
    } else if (at - entry->tables.size() < entry->figures.size()) {
        const ExperimentEntry::Figure& figure = entry->figures[at - entry->tables.size()];
        m_figure->setSvg(figure.svg, figure.title, figure.caption);
        m_parts->setCurrentIndex(1);
    }
}

std::optional<FrozenView> ExperimentsPage::frozen() const
{
    const ExperimentEntry* entry = current();
    if (!entry || (entry->tables.empty() && entry->figures.empty()))
        return std::nullopt;
    constexpr int mostRows = 40;
    FrozenView frozen;
    ReportItem& item = frozen.item;
    item.title = entry->title.isEmpty() ? tr("Experiment %1").arg(entry->name) : entry->title;
    item.scope = tr("%1 · %2, %3 baseline").arg(entry->model, orDefault(entry->spec.prompts), entry->spec.dtype);
    item.parts.emplace_back(report::Paragraph{entry->headline.toStdString()});
    if (!entry->isComplete)
        item.parts.emplace_back(report::Paragraph{tr("The experiment was unfinished when this was sent.").toStdString(),
                                                  report::Tone::Warning});
    for (const auto& [title, rows] : entry->tables)
        item.parts.emplace_back(tableOf(widgets::tableOf(*rows), title, mostRows));
    for (const QString& note : entry->notes)
        item.parts.emplace_back(report::Paragraph{note.toStdString(), report::Tone::Quiet});
    item.parts.emplace_back(report::Commands{{entry->command.toStdString()}});
    if (!entry->figures.empty())
        frozen.view = [view = m_figure->exported()] { return view; };
    return frozen;
}

}
