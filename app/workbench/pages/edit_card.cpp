#include "app/workbench/pages/edit_card.h"

#include "app/workbench/pages/page_parts.h"
#include "widgets/icons.h"
#include "widgets/number_text.h"

#include <QCheckBox>
#include <QComboBox>
#include <QEvent>
#include <QFileInfo>
#include <QLineEdit>
#include <QMouseEvent>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSlider>
#include <QSpinBox>

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

constexpr int sliderSteps = 400; // of its range: a nudge is half a hundredth of 0 … 2
constexpr int snapSteps = 4;     // how near to the neutral strength the mouse counts as on it

QPushButton* iconButton(widgets::Icon icon, const QString& name)
{
    QPushButton* made = button({}, widgets::ButtonRole::Icon);
    made->setIcon(widgets::themedIcon(icon));
    made->setIconSize({14, 14});
    made->setToolTip(name);
    made->setAccessibleName(name);
    return made;
}

const std::initializer_list<std::pair<const char*, const char*>> targets = {
    {"residual", QT_TRANSLATE_NOOP("EditCard", "block output")},
    {"mlp", QT_TRANSLATE_NOOP("EditCard", "MLP output")},
    {"attention", QT_TRANSLATE_NOOP("EditCard", "attention output")}};

}

EditCard::EditCard(const widgets::ModelCard& model, QWidget* parent)
    : Panel(parent)
    , m_layers(model.layers)
    , m_heads(model.heads)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::small, space::small, space::small, space::small);
    layout->setSpacing(space::small - 2);
    makeHead();
    makePlace();
    makeStrength();
    m_status = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    auto* foot = row(space::tiny);
    foot->addWidget(m_status, 1);
    foot->addStretch(0);
    for (QPushButton* one : {m_restore, m_up, m_down})
        foot->addWidget(one, 0, Qt::AlignBottom);
    layout->addLayout(foot);
    for (QWidget* part : findChildren<QWidget*>()) // whichever control is used, the card is taken in hand
        part->installEventFilter(this);
}

void EditCard::makeHead()
{
    m_enabled = new QCheckBox;
    m_enabled->setToolTip(tr("On: the edit is applied. Off: it stays in the stack and does nothing."));
    connect(m_enabled, &QCheckBox::toggled, this,
            [this](bool on) { change([on](EditStep& step) { step.isEnabled = on; }); });
    m_operation = new ElidedComboBox;
    m_operation->setAccessibleName(tr("Operation"));
    m_operation->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_operation->setMinimumContentsLength(4);
    for (const EditOperation operation : allEditOperations)
        m_operation->addItem(operationName(operation));
    connect(m_operation, &QComboBox::activated, this, [this](int at) {
        change([at](EditStep& step) {
            const bool isOtherScale = neutralStrength(step.operation) != neutralStrength(allEditOperations[at]);
            step.operation = allEditOperations[at];
            if (isOtherScale) // a strength of another kind means something else
                step.strength = neutralStrength(step.operation).value_or(1);
            if (needsFile(step.operation) && step.target.isEmpty())
                step.target = u"residual"_s;
            if (step.operation == EditOperation::RankK && step.matrix.isEmpty())
                step.matrix = u"down"_s;
        });
    });
    m_restore = iconButton(widgets::Icon::Undo, tr("Undo the last change of this card"));
    m_up = iconButton(widgets::Icon::ChevronUp, tr("Move up: applied earlier"));
    m_down = iconButton(widgets::Icon::ChevronDown, tr("Move down: applied later"));
    m_remove = iconButton(widgets::Icon::Close, tr("Remove this edit"));
    connect(m_restore, &QPushButton::clicked, this, [this] { emit restoreWanted(m_step.id); });
    connect(m_up, &QPushButton::clicked, this, [this] { emit moveWanted(m_step.id, -1); });
    connect(m_down, &QPushButton::clicked, this, [this] { emit moveWanted(m_step.id, 1); });
    connect(m_remove, &QPushButton::clicked, this, [this] { emit removeWanted(m_step.id); });
    auto* head = row(space::tiny);
    head->addWidget(m_enabled);
    head->addWidget(m_operation, 1); // has the room for its words
    head->addWidget(m_remove);
    static_cast<QVBoxLayout*>(layout())->addLayout(head);
}

void EditCard::makePlace()
{
    const auto number = [](int most, const QString& name) {
        auto* box = new QSpinBox;
        box->setRange(0, std::max(0, most - 1));
        box->setAccessibleName(name);
        box->setKeyboardTracking(false);
        box->setFixedWidth(60);
        return box;
    };
    const auto label = [](const QString& text) {
        return widgets::makeLabel(text, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                  widgets::TextTone::Secondary);
    };
    m_block = number(m_layers, tr("Block"));
    m_head = number(m_heads, tr("Head"));
    m_headLabel = label(tr("Head"));
    connect(m_block, &QSpinBox::valueChanged, this,
            [this](int block) { change([block](EditStep& step) { step.block = block; }); });
    connect(m_head, &QSpinBox::valueChanged, this,
            [this](int head) { change([head](EditStep& step) { step.head = head; }); });
    m_target = new ElidedComboBox;
    m_target->setAccessibleName(tr("Where the direction is"));
    for (const auto& [word, name] : targets)
        m_target->addItem(tr(name), QString::fromLatin1(word));
    m_target->setToolTip(tr("Which vector the direction is added to or scaled in"));
    connect(m_target, &QComboBox::activated, this,
            [this] { change([this](EditStep& step) { step.target = m_target->currentData().toString(); }); });
    m_matrix = new ElidedComboBox;
    m_matrix->setAccessibleName(tr("Matrix"));
    m_matrix->setToolTip(tr("The matrix that U Vᵀ is added to"));
    m_matrix->addItems({u"down"_s, u"up"_s, u"gate"_s, u"q"_s, u"k"_s, u"v"_s, u"o"_s});
    connect(m_matrix, &QComboBox::textActivated, this,
            [this](const QString& matrix) { change([matrix](EditStep& step) { step.matrix = matrix; }); });
    for (QComboBox* box : {m_target, m_matrix}) {
        box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
        box->setMinimumContentsLength(4);
    }
    auto* place = row(space::small);
    place->addWidget(label(tr("Block")));
    place->addWidget(m_block);
    place->addWidget(m_headLabel);
    place->addWidget(m_head);
    place->addWidget(m_target, 1);
    place->addWidget(m_matrix, 1);
    place->addStretch(0);
    static_cast<QVBoxLayout*>(layout())->addLayout(place);
    m_file = button({}, widgets::ButtonRole::Flush);
    connect(m_file, &QPushButton::clicked, this, [this] { emit fileWanted(m_step.id); });
    layout()->addWidget(m_file);
}

void EditCard::makeStrength()
{
    m_strengthRow = new QWidget;
    m_slider = new QSlider(Qt::Horizontal);
    m_slider->setRange(0, sliderSteps);
    m_slider->setSingleStep(2);
    m_slider->setPageStep(20);
    m_slider->setMinimumHeight(22); // its handle is higher than its groove
    m_slider->setAccessibleName(tr("α"));
    m_slider->setToolTip(tr("Strength α. Arrow keys nudge it, Page Up and Down move it by a twentieth of the scale."));
    connect(m_slider, &QSlider::sliderPressed, this, [this] { m_isDragging = false; });
    connect(m_slider, &QSlider::valueChanged, this, [this](int value) {
        double strength = ofSlider(value);
        const std::optional<double> neutral = neutralStrength(m_step.operation);
        if (m_slider->isSliderDown() && neutral && std::abs(value - toSlider(*neutral)) <= snapSteps)
            strength = *neutral;
        // All of one drag is one step back.
        const bool goesOn = m_slider->isSliderDown() && m_isDragging;
        m_isDragging = m_slider->isSliderDown();
        emit strengthWanted(m_step.id, strength, goesOn);
    });
    m_value = new QLineEdit;
    m_value->setObjectName(u"alpha"_s);
    m_value->setAccessibleName(tr("α, typed"));
    m_value->setToolTip(tr("Any number; also beyond the ends of the slider"));
    m_value->setFixedWidth(68);
    m_value->setAlignment(Qt::AlignRight);
    widgets::setFixedFont(*m_value, widgets::TextSize::Secondary);
    connect(m_value, &QLineEdit::editingFinished, this, &EditCard::typed);
    connect(m_value, &QLineEdit::textEdited, m_value, [this] { markInvalid(m_value, false); });
    auto* strength = row();
    strength->addWidget(widgets::makeLabel(u"α"_s, widgets::TextSize::Body, widgets::TextWeight::Strong));
    strength->addWidget(m_slider, 1);
    strength->addWidget(m_value);
    m_strengthRow->setLayout(strength);
    layout()->addWidget(m_strengthRow);
}

// What was typed, as a number in either notation; what is none stays, marked.
void EditCard::typed()
{
    bool isNumber = false;
    const double strength = m_value->text().trimmed().replace(u',', u'.').toDouble(&isNumber);
    const bool isValid = isNumber && std::isfinite(strength);
    markInvalid(m_value, !isValid);
    if (!isValid)
        m_status->setText(
            tr("“%1” is not a number; α stays %2.").arg(m_value->text(), widgets::exactNumber(m_step.strength)));
    else if (strength != m_step.strength)
        emit strengthWanted(m_step.id, strength, false);
}

int EditCard::toSlider(double strength) const
{
    const auto [low, high] = strengthRange(m_step.operation);
    return static_cast<int>(std::lround(std::clamp((strength - low) / (high - low), 0.0, 1.0) * sliderSteps));
}

// Rounded to what a person would write.
double EditCard::ofSlider(int value) const
{
    const auto [low, high] = strengthRange(m_step.operation);
    return std::round((low + (high - low) * value / sliderSteps) * 1e6) / 1e6;
}

void EditCard::change(const std::function<void(EditStep&)>& edit)
{
    EditStep wanted = m_step;
    edit(wanted);
    if (!(wanted == m_step))
        emit changeWanted(wanted);
}

void EditCard::setStep(const EditStep& step, int place, int count)
{
    m_step = step;
    const QSignalBlocker enabled(m_enabled);
    const QSignalBlocker block(m_block);
    const QSignalBlocker head(m_head);
    const QSignalBlocker slider(m_slider);
    const QString name = tr("Edit %1").arg(place + 1);
    setAccessibleName(u"%1: %2"_s.arg(name, stepSentence(step)));
    m_enabled->setChecked(step.isEnabled);
    m_enabled->setAccessibleName(tr("%1 is on").arg(name));
    m_operation->setCurrentIndex(
        static_cast<int>(std::find(std::begin(allEditOperations), std::end(allEditOperations), step.operation) -
                         std::begin(allEditOperations)));
    m_up->setEnabled(place > 0);
    m_down->setEnabled(place + 1 < count);
    m_restore->setEnabled(step.past != nullptr);
    m_block->setValue(step.block);
    m_head->setValue(step.head);
    m_head->setVisible(needsHead(step.operation));
    m_headLabel->setVisible(needsHead(step.operation));
    const bool isRank = step.operation == EditOperation::RankK;
    m_target->setVisible(needsFile(step.operation) && !isRank);
    m_target->setCurrentIndex(std::max(0, m_target->findData(step.target)));
    m_matrix->setVisible(isRank);
    m_matrix->setCurrentText(step.matrix);
    m_file->setVisible(needsFile(step.operation));
    const QString file =
        step.file.isEmpty() ? tr("Choose a file…") : widgets::shownName(QFileInfo(step.file).fileName());
    m_file->setText(m_file->fontMetrics().elidedText(file, Qt::ElideMiddle, 210));
    m_file->setToolTip(widgets::plainToolTip(step.file.isEmpty()
                                                 ? isRank ? tr("A .safetensors or .npz with u [out, k] and v [in, k]")
                                                          : tr("A .safetensors or .npz with the tensor direction [d]")
                                                 : step.file));
    m_strengthRow->setVisible(hasStrength(step.operation));
    m_slider->setValue(toSlider(step.strength));
    if (!m_value->hasFocus() || m_value->text().trimmed().toDouble() != step.strength) {
        m_value->setText(widgets::exactNumber(step.strength));
        markInvalid(m_value, false);
    }
}

void EditCard::setStatus(const QString& sentence)
{
    m_status->setText(sentence);
    m_status->setVisible(!sentence.isEmpty());
}

void EditCard::takeFocus()
{
    QWidget* first = hasStrength(m_step.operation) ? static_cast<QWidget*>(m_slider) : m_block;
    first->setFocus(Qt::OtherFocusReason);
}

void EditCard::mousePressEvent(QMouseEvent* event)
{
    emit taken(m_step.id);
    event->accept();
}

bool EditCard::eventFilter(QObject* object, QEvent* event)
{
    if (event->type() == QEvent::FocusIn || event->type() == QEvent::MouseButtonPress)
        emit taken(m_step.id);
    // The wheel scrolls the stack; it changes only what was taken in hand before.
    if (event->type() == QEvent::Wheel && !static_cast<QWidget*>(object)->hasFocus()) {
        event->ignore();
        return true;
    }
    return Panel::eventFilter(object, event);
}

}
