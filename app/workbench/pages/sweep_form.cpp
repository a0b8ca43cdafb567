#include "app/workbench/pages/sweep_form.h"

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/run_settings.h"
#include "widgets/number_text.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFileInfo>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

QString counted(std::size_t count, const QString& one, const QString& several)
{
    return count == 1 ? one : several.arg(count);
}

bool isBundled(const QString& condition)
{
    return condition == "none"_L1 || condition == "system"_L1 || condition == "few-shot"_L1;
}

}

SweepForm::SweepForm(SweepBoard& board, EditLab& lab, QWidget* parent)
    : QWidget(parent)
    , m_board(board)
    , m_lab(lab)
{
    auto* content = new QWidget;
    auto* layout = column();
    content->setLayout(layout);
    const auto add = [layout](const QString& name, QWidget* field) {
        QLabel* label = widgets::makeLabel(name, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                           widgets::TextTone::Secondary);
        label->setBuddy(field);
        field->setAccessibleName(name);
        layout->addWidget(label);
        layout->addWidget(field);
    };
    m_blocks = new QLineEdit;
    m_blocks->setToolTip(tr("0-based blocks, such as 0,15,29 or 10-20, or all"));
    m_alphas = new QLineEdit(SweepSpec().alphas);
    m_alphas->setToolTip(tr("Strengths such as 1,0.5,0, or from:to:step such as 0:1:0.1"));
    m_target = new QComboBox;
    m_target->addItem(tr("MLP output"), u"mlp"_s);
    m_target->addItem(tr("attention output"), u"attention"_s);
    m_maxNew = new QSpinBox;
    m_maxNew->setRange(1, 512);
    m_maxNew->setValue(64);
    m_maxNew->setSuffix(tr(" tokens"));
    layout->addWidget(heading(tr("Sweep")));
    add(tr("Blocks"), m_blocks);
    add(tr("Strengths α"), m_alphas);
    add(tr("What is scaled"), m_target);
    layout->addWidget(widgets::makeLabel(tr("Conditions"), widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                         widgets::TextTone::Secondary));
    m_conditionLayout = new QVBoxLayout;
    m_conditionLayout->setSpacing(space::small - 2);
    layout->addLayout(m_conditionLayout);
    addCondition(u"none"_s, tr("none"), {}, true);
    addCondition(u"system"_s, tr("system prompt"), {}, false);
    addCondition(u"few-shot"_s, tr("few-shot"), tr("The bundled example turns, with two refusals"), false);
    m_add = button(tr("Add a preamble…"));
    m_add->setToolTip(tr("A file of your own (.json) with the turns that stand before every prompt"));
    connect(m_add, &QPushButton::clicked, this, &SweepForm::preambleWanted);
    layout->addWidget(m_add);
    add(tr("Completions"), m_maxNew);
    m_out = new QLineEdit;
    connect(m_out, &QLineEdit::textEdited, this, [this] { m_outIsOwn = true; });
    add(tr("Folder"), m_out);
    m_plan = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    layout->addWidget(m_plan);
    m_start = button(tr("Run the sweep"));
    m_start->setToolTip(tr("Every completion is, token by token, that of a generation of its own; work is shared"));
    connect(m_start, &QPushButton::clicked, this, [this] {
        if (m_board.isRunning())
            m_board.cancel();
        else
            emit runWanted(false);
    });
    m_resume = button(tr("Resume"));
    m_resume->setToolTip(tr("Goes on behind the last finished row"));
    connect(m_resume, &QPushButton::clicked, this, [this] { emit runWanted(true); });
    QPushButton* open = button(tr("Open a sweep…"));
    open->setToolTip(tr("A folder that blockcert sweep has written, finished or not"));
    connect(open, &QPushButton::clicked, this, &SweepForm::folderWanted);
    QPushButton* copy = button(tr("Copy as command"));
    connect(copy, &QPushButton::clicked, this, &SweepForm::copyWanted);
    for (QPushButton* one : {m_start, m_resume, open, copy})
        layout->addWidget(one);
    layout->addStretch(1);
    for (QLineEdit* field : {m_blocks, m_alphas, m_out})
        connect(field, &QLineEdit::textEdited, this, &SweepForm::refresh);
    QScrollArea* area = scrolling(content);
    area->setFixedWidth(296);
    auto* whole = new QVBoxLayout(this);
    whole->setContentsMargins(0, 0, 0, 0);
    whole->addWidget(area);
}

void SweepForm::addCondition(const QString& word, const QString& name, const QString& toolTip, bool isChosen)
{
    auto* box = new QCheckBox(widgets::shownName(name).replace(u'&', u"&&"_s));
    box->setToolTip(widgets::plainToolTip(toolTip));
    box->setChecked(isChosen);
    connect(box, &QCheckBox::toggled, this, &SweepForm::refresh);
    m_conditionLayout->addWidget(box);
    m_conditions.push_back({word, box});
}

void SweepForm::addPreamble(const QString& path)
{
    const auto found = std::ranges::find(m_conditions, path, &Condition::word);
    if (found != m_conditions.end())
        found->box->setChecked(true);
    else
        addCondition(path, QFileInfo(path).fileName(), path, true);
    refresh();
}

SweepSpec SweepForm::spec() const
{
    SweepSpec spec;
    spec.blocks = m_blocks->text().trimmed();
    spec.alphas = m_alphas->text().trimmed();
    spec.target = m_target->currentData().toString();
    spec.conditions.clear();
    for (const Condition& condition : m_conditions)
        if (condition.box->isChecked())
            spec.conditions << condition.word;
    spec.maxNew = m_maxNew->value();
    spec.out = m_out->text().trimmed();
    return spec;
}

QString SweepForm::command() const
{
    return SweepBoard::command(spec(), m_lab.settings());
}

std::optional<SweepSpec> SweepForm::resumed()
{
    std::optional<SweepSpec> kept = m_board.spec();
    if (!kept)
        return std::nullopt;
    QStringList files;
    for (const Condition& condition : m_conditions)
        if (condition.box->isChecked() && !isBundled(condition.word))
            files << condition.word;
    for (QString& condition : kept->conditions) {
        const bool isFile = condition.contains(u'/') || condition.endsWith(".json"_L1);
        if (isBundled(condition) || files.removeOne(condition) || isFile)
            continue;
        if (files.isEmpty()) {
            m_plan->setText(
                tr("This sweep has the condition %1 from a file: add that preamble, then resume.").arg(condition));
            return std::nullopt;
        }
        condition = files.takeFirst();
    }
    return kept;
}

void SweepForm::setSpec(const SweepSpec& spec)
{
    m_blocks->setText(spec.blocks);
    m_alphas->setText(spec.alphas);
    m_target->setCurrentIndex(std::max(0, m_target->findData(spec.target)));
    m_maxNew->setValue(spec.maxNew);
    for (const Condition& condition : m_conditions)
        if (isBundled(condition.word))
            condition.box->setChecked(spec.conditions.contains(condition.word));
    for (const QString& condition : spec.conditions)
        if (condition.contains(u'/') || condition.endsWith(".json"_L1))
            addPreamble(condition);
    refresh();
}

void SweepForm::setOut(const QString& path)
{
    if (!m_outIsOwn && !m_board.isRunning())
        m_out->setText(path);
    refresh();
}

QString SweepForm::obstacle() const
{
    const SweepSpec now = spec();
    const int layers = m_lab.model() ? m_lab.model()->layers : 0;
    if (const BlockChoice blocks = parseBlocks(now.blocks, layers); blocks.blocks.empty())
        return blocks.problem.isEmpty()
                   ? tr("Blocks: name some of 0 to %1, such as 0,%2 or all.").arg(layers - 1).arg(layers / 2)
                   : blocks.problem;
    if (alphasOf(now.alphas).empty())
        return tr("Strengths: give numbers such as 1,0.5,0, or a range such as 0:1:0.1.");
    if (now.conditions.isEmpty())
        return tr("Choose at least one condition.");
    for (const QString& condition : now.conditions)
        if (condition.contains(u','))
            return tr("%1 has a comma in its path, which parts conditions: rename it.").arg(condition);
    if (now.out.isEmpty())
        return tr("Name a folder for the sweep.");
    return {};
}

void SweepForm::refresh()
{
    if (!m_lab.model())
        return;
    if (m_blocks->text().isEmpty() && !m_blocks->hasFocus())
        m_blocks->setText(QString::number(m_lab.model()->layers / 2));
    const QString why = obstacle();
    const bool isRunning = m_board.isRunning();
    if (why.isEmpty()) {
        const auto table = emptyTableOf(spec(), m_lab.model()->layers);
        const std::size_t rows = table->blocks.size() * table->alphas.size() + 1;
        m_plan->setText(tr("%1 rows (%2 × %3 and the unedited model, %4) on %5.")
                            .arg(rows * static_cast<std::size_t>(table->conditions.size()))
                            .arg(counted(table->blocks.size(), tr("1 block"), tr("%1 blocks")),
                                 counted(table->alphas.size(), tr("1 strength"), tr("%1 strengths")),
                                 counted(static_cast<std::size_t>(table->conditions.size()), tr("1 condition"),
                                         tr("%1 conditions")))
                            .arg(isRunning ? m_board.table()->prompts : m_lab.settings().prompts));
    } else {
        m_plan->setText(why);
    }
    if (isRunning) // which may be another folder than that of the next one
        m_out->setText(m_board.table()->out);
    if (m_board.isResumable())
        m_plan->setText(m_plan->text() + u'\n' +
                        tr("Resume goes on in %1, where %2 rows are.")
                            .arg(shortPath(m_board.table()->out))
                            .arg(m_board.table()->rows.size()));
    m_start->setText(isRunning ? tr("Cancel") : tr("Run the sweep"));
    m_start->setEnabled(isRunning || why.isEmpty());
    m_resume->setVisible(m_board.isResumable());
    for (QWidget* field : std::initializer_list<QWidget*>{m_blocks, m_alphas, m_target, m_maxNew, m_out, m_add})
        field->setEnabled(!isRunning);
    for (const Condition& condition : m_conditions)
        condition.box->setEnabled(!isRunning);
}

}
