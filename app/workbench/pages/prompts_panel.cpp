#include "app/workbench/pages/prompts_panel.h"

#include "widgets/flow_row.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/prompt_table.h"
#include "widgets/segmented_control.h"
#include "widgets/token_chips.h"

#include <QCheckBox>
#include <QFileInfo>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QResizeEvent>
#include <QStackedWidget>

#include <algorithm>
#include <array>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

constexpr int fileSource = 4; // after the bundled sets
constexpr int typedSource = 5;

}

const std::array<BundledPrompts, 4>& bundledPrompts()
{
    static const std::array<BundledPrompts, 4> sets{
        {{u"base"_s, 4, PromptsPanel::tr("four plain prompts")},
         {u"stress"_s, 10, PromptsPanel::tr("ten prompts that are hard to reproduce")},
         {u"semantic"_s, 30, PromptsPanel::tr("thirty prompts with a known next word")},
         {u"refusal"_s, 24,
          PromptsPanel::tr("twenty-four requests, half of them to be refused; through the chat template")}}};
    return sets;
}

PromptsPanel::PromptsPanel(QWidget* parent)
    : QWidget(parent)
    , m_source(new widgets::SegmentedControl)
    , m_typed(new QPlainTextEdit)
    , m_summary(new ElidedLabel({}, widgets::TextSize::Secondary, widgets::TextTone::Secondary))
    , m_body(new QStackedWidget)
    , m_table(new widgets::PromptTable)
    , m_notice(new widgets::Notice)
    , m_chipsTitle(widgets::makeLabel({}, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                      widgets::TextTone::Secondary))
    , m_showIds(new QCheckBox(tr("Show ids")))
    , m_chips(new widgets::TokenChips)
{
    QStringList names;
    QStringList purposes;
    for (const BundledPrompts& set : bundledPrompts()) {
        names << tr("%1 · %2").arg(set.name).arg(set.count);
        purposes << set.what.left(1).toUpper() + set.what.mid(1);
    }
    m_source->setChoices(names << tr("File…") << tr("Typed"),
                         purposes << tr("A .jsonl, .txt or .csv file of your own")
                                  << tr("One prompt a line, or one JSON object a line"));
    connect(m_source, &widgets::SegmentedControl::chosen, this, &PromptsPanel::chooseSource);

    m_typed->setPlaceholderText(tr("One prompt a line. Spaces at the beginning and end are kept."));
    m_typed->setAccessibleName(tr("Typed prompts"));
    m_typed->setTabChangesFocus(true);
    m_typed->setFixedHeight(84);
    m_typed->hide();
    connect(m_typed, &QPlainTextEdit::textChanged, this, [this] {
        m_choice.text = m_typed->toPlainText();
        if (m_choice.kind == PromptChoice::Kind::Typed)
            emit choiceChanged(m_choice);
    });

    m_showIds->setToolTip(tr("The numbers that are fed to the model, under each piece"));
    connect(m_showIds, &QCheckBox::toggled, m_chips, &widgets::TokenChips::setShowIds);
    m_showIds->setChecked(true);
    connect(m_table, &widgets::PromptTable::promptSelected, this, &PromptsPanel::showPrompt);
    connect(m_notice, &widgets::Notice::actionRequested, this, &PromptsPanel::retryWanted);

    m_top = new widgets::FlowRow;
    m_top->addWidget(heading(tr("Prompts")));
    m_top->addWidget(m_source);
    m_top->startEnd();
    m_top->addWidget(m_summary);

    auto* shown = new QWidget;
    auto* shownLayout = new QVBoxLayout(shown);
    shownLayout->setContentsMargins(0, 0, 0, 0);
    shownLayout->setSpacing(space::small);
    shownLayout->addWidget(m_table, 2);
    auto* chipsTop = row();
    chipsTop->addWidget(m_chipsTitle, 1);
    chipsTop->addWidget(m_showIds);
    shownLayout->addLayout(chipsTop);
    shownLayout->addWidget(m_chips, 3);
    m_chips->setMinimumHeight(64);
    m_table->setMinimumHeight(90);

    auto* instead = new QWidget;
    auto* insteadLayout = new QVBoxLayout(instead);
    insteadLayout->setContentsMargins(0, 0, 0, 0);
    insteadLayout->addWidget(m_notice);
    insteadLayout->addStretch(1);
    m_body->addWidget(shown);
    m_body->addWidget(instead);

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(space::small);
    layout->addLayout(m_top);
    layout->addWidget(m_typed);
    layout->addWidget(m_body, 1);
}

void PromptsPanel::chooseSource(int index)
{
    if (index == fileSource) {
        setChoice(m_choice); // until a file is chosen, nothing has changed
        emit fileWanted();
        return;
    }
    PromptChoice choice;
    choice.text = m_choice.text;
    if (index == typedSource)
        choice.kind = PromptChoice::Kind::Typed;
    else
        choice.name = bundledPrompts()[static_cast<std::size_t>(index)].name;
    setChoice(choice);
    emit choiceChanged(m_choice);
    if (index == typedSource)
        m_typed->setFocus();
}

void PromptsPanel::setChoice(const PromptChoice& choice)
{
    m_choice = choice;
    int index = fileSource;
    if (choice.kind == PromptChoice::Kind::Typed)
        index = typedSource;
    for (std::size_t i = 0; i < bundledPrompts().size() && choice.kind == PromptChoice::Kind::Bundled; ++i) {
        if (choice.name == bundledPrompts()[i].name)
            index = static_cast<int>(i);
    }
    m_source->setCurrent(index);
    m_typed->setVisible(index == typedSource);
    refit();
}

PromptChoice PromptsPanel::choice() const
{
    return m_choice;
}

void PromptsPanel::setList(const Loadable<widgets::PromptList>& list)
{
    using State = Loadable<widgets::PromptList>::State;
    const bool isTyped = m_choice.kind == PromptChoice::Kind::Typed;
    if (list.state == State::Failed) {
        const bool hasTokenizer = list.fault.kind != "unsupported"_L1;
        m_notice->setNotice(widgets::Notice::Tone::Error, list.fault.sentence,
                            hasTokenizer && !isTyped ? tr("Read again") : QString());
    } else if (list.state == State::Loading && !list.value) {
        m_notice->setNotice(widgets::Notice::Tone::Note, tr("Encoding the prompts …"));
    } else if (list.state == State::Empty) {
        m_notice->setNotice(widgets::Notice::Tone::Note, isTyped
                                                             ? tr("Type a prompt to see the ids the model will be fed.")
                                                             : tr("Open a model to see the ids it will be fed."));
    }
    const bool hasTable = list.value && list.state != State::Failed && !(isTyped && list.state == State::Empty);
    m_body->setCurrentIndex(hasTable ? 0 : 1);
    if (!hasTable) {
        setSummary({});
        refit();
        return;
    }
    const bool isNew = m_list != list.value;
    m_list = list.value;
    QString summary = tr("%1 tokens").arg(widgets::countText(m_list->tokenCount()));
    if (m_choice.kind != PromptChoice::Kind::Bundled) // whose button says how many prompts it has
        summary.prepend((m_list->prompts.size() == 1 ? tr("1 prompt") : tr("%1 prompts").arg(m_list->prompts.size())) +
                        u" · "_s);
    if (m_choice.kind == PromptChoice::Kind::File)
        summary.prepend(QFileInfo(m_choice.name).fileName() + u" · "_s);
    if (list.state == State::Loading)
        summary += tr(" · encoding …");
    setSummary(summary);
    if (!isNew) {
        refit();
    } else {
        m_table->setPrompts(m_list);
        showPrompt(m_list->prompts.empty() ? -1 : 0);
    }
}

void PromptsPanel::setSummary(const QString& text)
{
    m_summary->setText(text);
    m_summary->setVisible(!text.isEmpty());
}

void PromptsPanel::showPrompt(int prompt)
{
    if (!m_list || prompt < 0 || static_cast<std::size_t>(prompt) >= m_list->prompts.size()) {
        m_chips->setTokens(nullptr);
        m_chipsTitle->clear();
        refit();
        return;
    }
    const widgets::PromptRow& shown = m_list->prompts[static_cast<std::size_t>(prompt)];
    m_chips->setTokens(std::make_shared<const std::vector<widgets::Token>>(shown.tokens));
    m_chips->setTruncated(shown.truncatedTokens);
    QString title = tr("Prompt %1 as the model sees it: %2 tokens").arg(shown.id).arg(shown.tokens.size());
    if (shown.truncatedTokens > 0)
        title += tr(", %1 cut off at the end").arg(shown.truncatedTokens);
    if (shown.split == "heldout"_L1)
        title += tr(" · held out, never used to certify");
    m_chipsTitle->setText(widgets::shownName(title));
    refit();
}

void PromptsPanel::refit()
{
    constexpr int most = 320;
    const int rows = static_cast<int>(m_list ? std::min<std::size_t>(m_list->prompts.size(), 100) : 0);
    const int table = (rows + 1) * space::tableRow + space::medium;
    const int chips = std::clamp(m_chips->heightForWidth(m_chips->width()) + space::tiny, 64, most);
    m_table->setMaximumHeight(table);
    m_chips->setMaximumHeight(chips);
    const bool hasTable = m_body->currentIndex() == 0;
    const int fields = std::max<int>(space::button, m_top->heightForWidth(std::max(1, width()))) +
                       (m_choice.kind == PromptChoice::Kind::Typed ? m_typed->maximumHeight() + space::small : 0);
    const int notice = std::max(m_notice->sizeHint().height(), m_notice->heightForWidth(std::max(1, width())));
    setMaximumHeight(fields + space::small +
                     (hasTable ? table + chips + m_showIds->sizeHint().height() + 2 * space::small
                               : notice + space::large)); // never so low that it covers the field above
}

void PromptsPanel::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    if (event->oldSize().width() == event->size().width())
        return;
    refit();
}

}
