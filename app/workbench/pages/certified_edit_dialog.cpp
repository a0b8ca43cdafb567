#include "app/workbench/pages/certified_edit_dialog.h"

#include "app/workbench/pages/edit_completions.h"
#include "app/workbench/pages/edit_side.h"
#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/edit_figures.h"
#include "widgets/fact_list.h"
#include "widgets/figure_view.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"

#include <QFileInfo>
#include <QPushButton>
#include <QStackedWidget>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

CertifiedEditDialog::CertifiedEditDialog(std::vector<CertifiedEdit> edits, const QString& name, bool canLabel,
                                         QWidget* parent)
    : QDialog(parent)
    , m_edits(std::move(edits))
    , m_title(wrapped({}))
    , m_scope(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_choice(new ElidedComboBox)
    , m_part(new widgets::SegmentedControl)
    , m_parts(new QStackedWidget)
    , m_answers(new widgets::ValueTable(tr("Answers and labels")))
    , m_heldout(new widgets::ValueTable(tr("Held-out prompts, worst first")))
    , m_receipt(new widgets::ValueTable(tr("Tensors touched")))
    , m_texts(new EditCompletions)
{
    setWindowTitle(tr("Certified edits of %1").arg(widgets::shownName(QFileInfo(m_edits.front().run).fileName())));
    setAttribute(Qt::WA_DeleteOnClose);
    widgets::setTextFont(*m_title, widgets::TextSize::Title);
    m_choice->setAccessibleName(tr("Edit"));
    for (const CertifiedEdit& edit : m_edits)
        m_choice->addItem(widgets::shownName(u"%1: %2"_s.arg(edit.name, edit.steps.join(u", "_s))));
    m_part->setChoices({tr("Effect"), tr("Answers"), tr("Held out"), tr("Receipt"), tr("Texts")},
                       {tr("Local error, final deviation and what follows"),
                        tr("Answers and refusals before and after, what is counted apart, and people's labels"),
                        tr("Losses, divergence and next tokens of every held-out prompt"),
                        tr("Every tensor that the edit touches, with its digest before and after"),
                        tr("What the model says before and after")});
    connect(m_part, &widgets::SegmentedControl::chosen, this, [this](int part) { showPart(static_cast<Part>(part)); });
    m_texts->setReadOnly();
    for (QWidget* part : std::initializer_list<QWidget*>{makeEffect(), m_answers, m_heldout, m_receipt, m_texts})
        m_parts->addWidget(part);
    QPushButton* label = button(tr("Label its texts"));
    label->setEnabled(canLabel);
    label->setToolTip(canLabel ? tr("Puts its texts into the lab's Labels view")
                               : tr("Open a model first: texts are labelled in the lab"));
    connect(label, &QPushButton::clicked, this, [this] {
        emit labelWanted();
        accept();
    });
    QPushButton* check = button(tr("Check…"));
    check->setToolTip(tr("Recompute what the certificate claims"));
    connect(check, &QPushButton::clicked, this, [this] {
        emit checkWanted(edit().certificatePath());
        accept();
    });
    QPushButton* close = button(tr("Close"), widgets::ButtonRole::Primary);
    close->setDefault(true);
    connect(close, &QPushButton::clicked, this, &QDialog::accept);
    auto* buttons = row();
    buttons->addWidget(label);
    buttons->addWidget(check);
    buttons->addStretch(1);
    buttons->addWidget(close);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::large, space::large, space::large, space::large);
    layout->setSpacing(space::small);
    layout->addWidget(m_choice);
    m_choice->setVisible(m_edits.size() > 1); // once it is in a layout: else it would be a window
    layout->addWidget(m_title);
    layout->addWidget(m_scope);
    layout->addSpacing(space::tiny);
    layout->addWidget(m_part, 0, Qt::AlignLeft);
    layout->addWidget(m_parts, 1);
    layout->addLayout(buttons);
    resize(960, 680);
    connect(m_choice, &QComboBox::activated, this, [this](int at) { show(static_cast<std::size_t>(at)); });
    const auto named = std::ranges::find(m_edits, name, &CertifiedEdit::name);
    show(named == m_edits.end() ? m_edits.size() - 1 : static_cast<std::size_t>(named - m_edits.begin()));
    showPart(Effect);
}

QWidget* CertifiedEditDialog::makeEffect()
{
    m_facts = new widgets::FactList;
    auto* facts = new QWidget;
    auto* left = column();
    left->addWidget(m_facts);
    left->addStretch(1);
    facts->setLayout(left);
    QScrollArea* area = scrolling(facts);
    area->setFixedWidth(340);
    m_layers = new widgets::FigureView;
    m_layers->setAccessibleName(tr("Deviation after every block"));
    auto* layout = row(space::large);
    layout->addWidget(area);
    layout->addWidget(m_layers, 1);
    auto* page = new QWidget;
    page->setLayout(layout);
    return page;
}

void CertifiedEditDialog::showPart(Part part)
{
    m_part->setCurrent(part);
    m_parts->setCurrentIndex(part);
}

void CertifiedEditDialog::show(std::size_t at)
{
    m_shown = at;
    m_choice->setCurrentIndex(static_cast<int>(at));
    const CertifiedEdit& edit = m_edits[at];
    m_title->setText(widgets::shownName(edit.steps.join(u", "_s)));
    m_scope->setText(widgets::shownName(
        tr("%1 in %2 · %3, %4 · prompts %5, condition %6, up to %7 new tokens · held out: %8 · issued %9. "
           "Claimed by the run; Check recomputes it.")
            .arg(edit.name, shortPath(edit.run), edit.model, edit.dtype, edit.prompts, edit.condition,
                 QString::number(edit.maxNew), edit.heldout, edit.created)));
    m_facts->setFacts(effectFacts(edit.effect));
    m_layers->setFigure(std::make_shared<const figure::Figure>(
                            layersFigure(*edit.effect.downstream, nullptr, {}, {edit.model, edit.steps.join(u", "_s)})),
                        false);
    m_answers->setRows(std::make_shared<const widgets::ValueRows>(answerRows(edit)));
    m_heldout->setRows(std::make_shared<const widgets::ValueRows>(sideEffectRows(*edit.effect.downstream)));
    m_receipt->setRows(std::make_shared<const widgets::ValueRows>(receiptRows(*edit.effect.receipt)));
    m_texts->setPrompts(edit.ids, edit.texts);
    m_texts->show(edit.effect.completions, EditCompletions::State::Done, false);
}

}
