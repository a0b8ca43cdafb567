#include "app/workbench/pages/edit_stack_view.h"

#include "app/workbench/pages/edit_card.h"
#include "app/workbench/pages/page_parts.h"
#include "widgets/icons.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"

#include <QComboBox>
#include <QFileInfo>
#include <QGridLayout>
#include <QMenu>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolButton>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

constexpr auto fromFile = "?"_L1; // the entry that asks for a file

QComboBox* choiceOf(const QString& name, std::initializer_list<std::pair<QString, QString>> entries)
{
    auto* box = new ElidedComboBox;
    box->setAccessibleName(name);
    box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    box->setMinimumContentsLength(8);
    for (const auto& [text, word] : entries)
        box->addItem(text, word);
    return box;
}

}

EditStackView::EditStackView(EditLab& lab, QWidget* parent)
    : QWidget(parent)
    , m_lab(lab)
{
    setFixedWidth(296);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(space::small);
    makeHead(*layout);
    auto* cards = new QWidget;
    m_cardLayout = new QVBoxLayout(cards);
    m_cardLayout->setContentsMargins(0, 0, space::tiny, 0);
    m_cardLayout->setSpacing(space::small);
    m_none = wrapped(tr("No edit yet. Add one: it is laid over the model while it runs, and measured at once."),
                     widgets::TextTone::Secondary);
    m_cardLayout->addWidget(m_none);
    m_add = new QToolButton;
    m_add->setText(tr("Add an edit"));
    m_add->setIcon(widgets::themedIcon(widgets::Icon::Plus));
    m_add->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_add->setPopupMode(QToolButton::InstantPopup);
    m_add->setToolTip(tr("Steps work in the order of the cards"));
    auto* menu = new QMenu(m_add);
    for (const EditOperation operation : allEditOperations) {
        if (operation == EditOperation::ZeroMlp || operation == EditOperation::AddDirection)
            menu->addSeparator();
        connect(menu->addAction(operationName(operation)), &QAction::triggered, this,
                [this, operation] { addStep(operation); });
    }
    m_add->setMenu(menu);
    m_add->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    m_open = new QToolButton;
    m_open->setText(tr("Open a patch"));
    m_open->setIcon(widgets::themedIcon(widgets::Icon::Folder));
    m_open->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_open->setToolTip(tr("A patch file (.json) of this model takes the place of this stack; undo brings it back"));
    m_open->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    connect(m_open, &QToolButton::clicked, this, [this] { emit patchWanted({}); });
    setRecentPatches({});
    m_notice = new widgets::Notice;
    m_notice->hide();
    m_cardLayout->addWidget(m_add);
    m_cardLayout->addWidget(m_open);
    m_cardLayout->addWidget(m_notice);
    m_cardLayout->addStretch(1);
    QScrollArea* area = scrolling(cards);
    area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    layout->addWidget(area, 1);
    makeSettings(*layout);
    refresh();
}

void EditStackView::makeHead(QVBoxLayout& layout)
{
    m_slot = new widgets::SegmentedControl;
    m_slot->setChoices({tr("A"), tr("B")},
                       {tr("The first stack (X switches)"), tr("The second stack, to compare with (X switches)")});
    connect(m_slot, &widgets::SegmentedControl::chosen, this, [this](int slot) { m_lab.edits().setSlot(slot); });
    m_copyOver = button(tr("Copy to B"));
    m_copyOver->setToolTip(tr("Puts this stack into the other slot, to be varied there"));
    connect(m_copyOver, &QPushButton::clicked, this, [this] { m_lab.edits().copyToOther(); });
    auto* slotRow = row();
    slotRow->addWidget(heading(tr("Edits")));
    slotRow->addStretch(1);
    slotRow->addWidget(m_slot);
    slotRow->addWidget(m_copyOver);
    layout.addLayout(slotRow);
}

void EditStackView::makeSettings(QVBoxLayout& layout)
{
    m_prompts = choiceOf(tr("Prompts"), {{tr("refusal · 24 prompts"), u"refusal"_s},
                                         {tr("base"), u"base"_s},
                                         {tr("stress"), u"stress"_s},
                                         {tr("Another file…"), fromFile}});
    m_prompts->setToolTip(tr("What is completed, and on whose tokens the local error and the deviation are measured"));
    m_heldout = choiceOf(tr("Held-out prompts"),
                         {{tr("stress"), u"stress"_s}, {tr("base"), u"base"_s}, {tr("Another file…"), fromFile}});
    m_heldout->setToolTip(tr("Where side effects are measured: losses, divergence and next tokens"));
    m_condition = choiceOf(tr("Condition"), {{tr("none"), u"none"_s},
                                             {tr("system prompt"), u"system"_s},
                                             {tr("few-shot"), u"few-shot"_s},
                                             {tr("Another preamble…"), fromFile}});
    m_condition->setToolTip(
        tr("What stands before every prompt. An edit is judged against the unedited model under the "
           "same condition: some models never refuse without one."));
    m_markers = choiceOf(tr("Marker lists"), {{tr("refusal"), u""_s}, {tr("Another file…"), fromFile}});
    m_markers->setToolTip(tr("What completions are judged by: texts that are looked for in them (refusal: the bundled "
                             "lists). Lists of your own "
                             "(.json) let you study another behaviour."));
    m_showMarkers = button(tr("Show"), widgets::ButtonRole::Link);
    m_showMarkers->setAccessibleName(tr("Show the marker lists"));
    m_showMarkers->setToolTip(tr("Both lists, and in how many texts each marker stands"));
    connect(m_showMarkers, &QPushButton::clicked, this, &EditStackView::markersWanted);
    m_dtype = choiceOf(tr("Model dtype"), {{u"fp32"_s, u"fp32"_s}, {u"bf16"_s, u"bf16"_s}, {u"fp16"_s, u"fp16"_s}});
    m_maxNew = new QSpinBox;
    m_maxNew->setRange(1, 512);
    m_maxNew->setValue(m_lab.settings().maxNew);
    m_maxNew->setSuffix(tr(" tokens"));
    m_maxNew->setKeyboardTracking(false);
    m_maxNew->setAccessibleName(tr("Length of completions"));
    m_maxNew->setToolTip(tr("At most so many new tokens a prompt"));
    auto* grid = new QGridLayout;
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(space::small);
    grid->setVerticalSpacing(space::small - 2);
    int line = 0;
    const auto add = [&](const QString& name, QWidget* field) {
        QLabel* label = widgets::makeLabel(name, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                           widgets::TextTone::Secondary);
        label->setBuddy(field);
        grid->addWidget(label, line, 0);
        grid->addWidget(field, line++, 1);
    };
    add(tr("Prompts"), m_prompts);
    add(tr("Condition"), m_condition);
    add(tr("Held out"), m_heldout);
    add(tr("Completions"), m_maxNew);
    auto* markers = new QWidget;
    auto* beside = row(space::tiny);
    beside->setContentsMargins(0, 0, 0, 0);
    beside->addWidget(m_markers, 1);
    beside->addWidget(m_showMarkers);
    markers->setLayout(beside);
    add(tr("Markers"), markers);
    add(tr("Dtype"), m_dtype);
    grid->setColumnStretch(1, 1);
    layout.addWidget(heading(tr("Measured on")));
    layout.addLayout(grid);
    connect(m_prompts, &QComboBox::activated, this, [this] { chosen(m_prompts, u"prompts"_s); });
    connect(m_heldout, &QComboBox::activated, this, [this] { chosen(m_heldout, u"heldout"_s); });
    connect(m_condition, &QComboBox::activated, this, [this] { chosen(m_condition, u"condition"_s); });
    connect(m_markers, &QComboBox::activated, this, [this] { chosen(m_markers, u"markers"_s); });
    connect(m_dtype, &QComboBox::activated, this, &EditStackView::applySettings);
    connect(m_maxNew, &QSpinBox::valueChanged, this, &EditStackView::applySettings);
}

void EditStackView::chosen(QComboBox* box, const QString& what)
{
    if (box->currentData().toString() == fromFile)
        emit choiceFileWanted(what); // a cancelled dialog leaves the choice as it was: refresh()
    else
        applySettings();
    refresh();
}

void EditStackView::setChoice(const QString& what, const QString& path)
{
    QComboBox* box = what == "prompts"_L1   ? m_prompts
                     : what == "heldout"_L1 ? m_heldout
                     : what == "markers"_L1 ? m_markers
                                            : m_condition;
    if (box->findData(path) < 0)
        box->insertItem(box->count() - 1, widgets::shownName(QFileInfo(path).fileName()), path);
    box->setCurrentIndex(box->findData(path));
    applySettings();
}

void EditStackView::applySettings()
{
    LabSettings settings = m_lab.settings();
    settings.prompts = m_prompts->currentData().toString();
    settings.heldout = m_heldout->currentData().toString();
    settings.condition = m_condition->currentData().toString();
    settings.markers = m_markers->currentData().toString();
    settings.dtype = m_dtype->currentData().toString();
    settings.maxNew = m_maxNew->value();
    m_lab.setSettings(settings);
}

void EditStackView::addStep(EditOperation operation)
{
    if (!m_lab.model())
        return;
    EditStep step;
    step.operation = operation;
    step.block = m_lab.edits().stack().empty() ? m_lab.model()->layers / 2 : m_lab.edits().stack().back().block;
    step.strength = neutralStrength(operation).value_or(0);
    if (needsFile(operation))
        step.target = u"residual"_s;
    if (operation == EditOperation::RankK)
        step.matrix = u"down"_s;
    m_lab.edits().add(step);
    refresh();
    m_cards.back()->takeFocus(); // arrow keys move its strength
    if (needsFile(operation))
        emit fileWanted(m_cards.back()->step().id);
}

void EditStackView::setFile(int id, const QString& path)
{
    if (const EditStep* step = stepOf(m_lab.edits().stack(), id)) {
        EditStep changed = *step;
        changed.file = path;
        changed.tensors.clear(); // which were the other file's
        m_lab.edits().change(changed);
    }
}

void EditStackView::setRecentPatches(const QStringList& paths)
{
    QMenu* menu = paths.isEmpty() ? nullptr : new QMenu(m_open);
    m_open->setPopupMode(menu ? QToolButton::MenuButtonPopup : QToolButton::DelayedPopup);
    for (const QString& path : paths) {
        QAction* recent = menu->addAction(shortPath(path));
        recent->setToolTip(widgets::plainToolTip(path));
        connect(recent, &QAction::triggered, this, [this, path] { emit patchWanted(path); });
    }
    QMenu* before = m_open->menu();
    m_open->setMenu(menu);
    if (before)
        before->deleteLater();
}

void EditStackView::setPatchProblem(const QString& sentence)
{
    m_problemOf = stackKey(m_lab.edits().stack());
    m_notice->setNotice(widgets::Notice::Tone::Error, sentence);
    m_notice->setVisible(!sentence.isEmpty());
}

QString EditStackView::statusOf(const EditStep& step) const
{
    if (!step.isEnabled)
        return tr("Off: it does nothing.");
    if (const QString obstacle = obstacleOf(step, *m_lab.model()); !obstacle.isEmpty())
        return obstacle;
    const std::optional<double> neutral = neutralStrength(step.operation);
    if (neutral && *neutral == step.strength)
        return tr("Neutral: leaves the model as it is.");
    const EditEffect effect = m_lab.shown();
    if (effect.local)
        for (const LocalEffect::Block& block : effect.local->blocks)
            if (block.block == step.block)
                return tr("ε %1 at block %2").arg(widgets::tableNumber(block.epsilon)).arg(step.block);
    return {};
}

// The same cards while their edits are the same, so that a slider that is being dragged lives on.
void EditStackView::rebuildCards()
{
    const EditStack& stack = m_lab.edits().stack();
    const bool isSame =
        m_shownModel == m_lab.model().get() && m_cards.size() == stack.size() &&
        std::equal(stack.begin(), stack.end(), m_cards.begin(),
                   [](const EditStep& step, const EditCard* card) { return card->step().id == step.id; });
    if (isSame)
        return;
    m_shownModel = m_lab.model().get();
    for (EditCard* card : m_cards) {
        card->hide();
        card->deleteLater();
    }
    m_cards.clear();
    EditSlots& edits = m_lab.edits();
    for (std::size_t at = 0; m_lab.model() && at < stack.size(); ++at) {
        auto* card = new EditCard(*m_lab.model());
        connect(card, &EditCard::taken, &edits, &EditSlots::setCurrent);
        connect(card, &EditCard::changeWanted, &edits, [&edits](const EditStep& step) { edits.change(step); });
        connect(card, &EditCard::strengthWanted, &edits, &EditSlots::setStrength);
        connect(card, &EditCard::removeWanted, &edits, &EditSlots::remove, Qt::QueuedConnection);
        connect(card, &EditCard::moveWanted, &edits, &EditSlots::move, Qt::QueuedConnection);
        connect(card, &EditCard::restoreWanted, &edits, &EditSlots::restoreCard);
        connect(card, &EditCard::fileWanted, this, &EditStackView::fileWanted);
        m_cardLayout->insertWidget(static_cast<int>(at), card);
        card->setStep(stack[at], static_cast<int>(at), static_cast<int>(stack.size()));
        m_cards.push_back(card);
    }
}

void EditStackView::refresh()
{
    const EditSlots& edits = m_lab.edits();
    const EditStack& stack = edits.stack();
    rebuildCards();
    for (std::size_t at = 0; at < m_cards.size(); ++at) {
        m_cards[at]->setStep(stack[at], static_cast<int>(at), static_cast<int>(stack.size()));
        m_cards[at]->setSelected(stack[at].id == edits.current());
        m_cards[at]->setStatus(statusOf(stack[at]));
    }
    m_none->setVisible(stack.empty());
    m_add->setEnabled(m_lab.model() != nullptr);
    m_open->setEnabled(m_lab.model() != nullptr);
    if (!m_notice->isHidden() && m_problemOf != stackKey(stack))
        setPatchProblem({});
    m_slot->setCurrent(edits.slot());
    m_copyOver->setText(tr("Copy to %1").arg(EditSlots::slotName(1 - edits.slot())));
    m_copyOver->setEnabled(!stack.empty());
    const LabSettings& settings = m_lab.settings();
    for (const auto& [box, value] : {std::pair{m_prompts, settings.prompts},
                                     {m_heldout, settings.heldout},
                                     {m_condition, settings.condition},
                                     {m_markers, settings.markers},
                                     {m_dtype, settings.dtype}}) {
        if (box->findData(value) < 0) // a file of another time
            box->insertItem(box->count() - 1, widgets::shownName(QFileInfo(value).fileName()), value);
        box->setCurrentIndex(box->findData(value));
    }
    const QSignalBlocker block(m_maxNew);
    m_maxNew->setValue(settings.maxNew);
}

}
