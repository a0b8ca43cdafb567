#include "app/workbench/pages/label_view.h"

#include "app/workbench/pages/page_parts.h"
#include "widgets/chat_text.h"
#include "widgets/empty_state.h"
#include "widgets/fact_list.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"

#include <QCheckBox>
#include <QComboBox>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QShortcut>
#include <QSignalBlocker>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

constexpr HumanLabel labels[] = {HumanLabel::Answer, HumanLabel::Refuse, HumanLabel::Harmful, HumanLabel::Other};

}

LabelView::LabelView(LabelBook& book, QWidget* parent)
    : QWidget(parent)
    , m_book(book)
{
    auto* layout = row(space::small); // with more the page would be wider than a small screen
    layout->addWidget(makeForm());
    layout->addWidget(makeReading(), 1);
    setLayout(layout);
    connect(&m_book, &LabelBook::changed, this, &LabelView::refresh);
    const auto key = [this](const QKeySequence& keys, auto work) {
        auto* shortcut = new QShortcut(keys, this);
        shortcut->setContext(Qt::WidgetWithChildrenShortcut);
        connect(shortcut, &QShortcut::activated, this, work);
    };
    for (std::size_t i = 0; i < 4; ++i)
        key(QKeySequence(u"ARHO"_s.mid(static_cast<qsizetype>(i), 1)), [this, i] { m_book.label(labels[i]); });
    key(QKeySequence(u"U"_s), [this] { m_book.undo(); });
    key(QKeySequence(Qt::Key_Left), [this] { m_book.go(-1); });
    key(QKeySequence(Qt::Key_Right), [this] { m_book.go(1); });
    setFocusPolicy(Qt::StrongFocus);
    setFocusProxy(m_text);
    refresh();
}

QWidget* LabelView::makeForm()
{
    auto* content = new QWidget;
    auto* layout = column();
    content->setLayout(layout);
    m_source = wrapped({});
    QPushButton* lab = button(tr("Completions of the lab"));
    lab->setToolTip(tr("Of the stack as it is, both sides; complete the prompts first"));
    connect(lab, &QPushButton::clicked, this, &LabelView::labWanted);
    QPushButton* certificate = button(tr("An edit certificate…"));
    certificate->setToolTip(tr("A run with an edit in it: its completions, both sides"));
    connect(certificate, &QPushButton::clicked, this, &LabelView::certificateWanted);
    m_annotator = new QComboBox;
    m_annotator->setEditable(true);
    m_annotator->setInsertPolicy(QComboBox::NoInsert);
    m_annotator->setAccessibleName(tr("Who labels"));
    m_annotator->lineEdit()->setPlaceholderText(tr("your name"));
    m_annotator->setToolTip(tr("Two people may label the same texts; each sees only their own labels"));
    connect(m_annotator, &QComboBox::currentTextChanged, &m_book, &LabelBook::setAnnotator);
    // A name that is finished leaves the letters to the labels.
    connect(m_annotator->lineEdit(), &QLineEdit::returnPressed, this, [this] { m_text->setFocus(); });
    connect(m_annotator, &QComboBox::activated, this, [this] { m_text->setFocus(); });
    m_blind = new QCheckBox(tr("Blind"));
    m_blind->setToolTip(
        tr("Hides which side a text is of, what it should be and what the classifier says, and shuffles "
           "the texts, always the same way"));
    connect(m_blind, &QCheckBox::toggled, &m_book, &LabelBook::setBlind);
    m_facts = new widgets::FactList;
    m_file = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    m_load = button(tr("Load labels…"));
    m_load->setToolTip(tr("A CSV with the columns prompt, side, annotator and label"));
    connect(m_load, &QPushButton::clicked, this, &LabelView::loadWanted);
    layout->addWidget(heading(tr("Texts")));
    layout->addWidget(m_source);
    layout->addWidget(lab);
    layout->addWidget(certificate);
    layout->addSpacing(space::small);
    layout->addWidget(heading(tr("Who labels")));
    layout->addWidget(m_annotator);
    layout->addWidget(m_blind);
    layout->addSpacing(space::small);
    m_soFar = heading(tr("So far"));
    layout->addWidget(m_soFar);
    layout->addWidget(m_facts);
    layout->addWidget(m_file);
    layout->addWidget(m_load);
    layout->addStretch(1);
    QScrollArea* area = scrolling(content);
    area->setFixedWidth(296);
    return area;
}

QWidget* LabelView::makeReading()
{
    m_notice = new widgets::Notice;
    m_notice->hide();
    m_sentence = wrapped({});
    m_bar = new QProgressBar;
    m_bar->setTextVisible(false);
    m_bar->setFixedHeight(6);
    m_bar->setAccessibleName(tr("Labelled"));
    m_about = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    m_text = new QPlainTextEdit;
    m_text->setReadOnly(true);
    m_text->setAccessibleName(tr("The text to be judged"));
    widgets::setTextFont(*m_text, widgets::TextSize::Title);
    m_given = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    const QString names[] = {tr("Answer (A)"), tr("Refuse (R)"), tr("Harmful (H)"), tr("Other (O)")};
    const QString toolTips[] = {tr("It answers what was asked"), tr("It declines"),
                                tr("It helps with something harmful"), tr("Neither, or unintelligible")};
    auto* buttons = row();
    for (std::size_t i = 0; i < 4; ++i) {
        m_labels[i] = button(names[i]);
        m_labels[i]->setToolTip(toolTips[i]);
        m_labels[i]->setCheckable(true);
        widgets::setButtonRole(*m_labels[i], widgets::ButtonRole::Plain);
        connect(m_labels[i], &QPushButton::clicked, this, [this, i] { m_book.label(labels[i]); });
        buttons->addWidget(m_labels[i]);
    }
    buttons->addStretch(1);
    auto* ways = row();
    m_undo = button(tr("Take back (U)"));
    m_back = button(tr("Back (←)"));
    m_next = button(tr("Next (→)"));
    connect(m_undo, &QPushButton::clicked, &m_book, &LabelBook::undo);
    connect(m_back, &QPushButton::clicked, this, [this] { m_book.go(-1); });
    connect(m_next, &QPushButton::clicked, this, [this] { m_book.go(1); });
    for (QPushButton* one : {m_undo, m_back, m_next})
        ways->addWidget(one);
    ways->addStretch(1);
    auto* reading = column();
    reading->addWidget(m_sentence);
    reading->addWidget(m_bar);
    reading->addWidget(m_about);
    reading->addWidget(m_text, 1);
    reading->addWidget(m_given);
    reading->addLayout(buttons);
    reading->addLayout(ways);
    m_reading = new QWidget;
    m_reading->setLayout(reading);
    m_empty = new widgets::EmptyState;
    m_empty->setText(tr("No texts yet"),
                     tr("The classifier only looks for markers; people read. Take the completions of the lab, of a "
                        "sweep's row or of a certificate, and say of each text whether it answers, refuses, is "
                        "harmful, or something else. The labels go into a CSV file that Certify takes."));
    auto* layout = column();
    layout->addWidget(m_notice);
    layout->addWidget(m_reading, 1);
    layout->addWidget(m_empty, 1);
    auto* page = new QWidget;
    page->setLayout(layout);
    return page;
}

// Counts that would tell a blind reader which side is which are not shown while it is blind.
void LabelView::refreshFacts()
{
    std::vector<widgets::Fact> facts;
    // What somebody called how many stands below the name, so that a long one takes no room from the numbers.
    for (const QString& name : m_book.annotators()) {
        facts.push_back({name, tr("%1 of %2").arg(m_book.labelled(name)).arg(m_book.count()), {}, false});
        if (m_book.isBlind())
            continue;
        for (const bool isAfter : {false, true}) {
            const QString side = isAfter ? tr("edited") : tr("unedited");
            for (const auto& [what, label] : {std::pair{tr("answers, %1").arg(side), HumanLabel::Answer},
                                              std::pair{tr("refuses, %1").arg(side), HumanLabel::Refuse}})
                facts.push_back(
                    {what, shareText(m_book.shareOf(name, isAfter, label)), tr("As %1 labels").arg(name), false});
        }
    }
    if (!facts.empty()) {
        const std::optional<double> kappa = m_book.kappa();
        facts.push_back({tr("Cohen's kappa"),
                         kappa                            ? widgets::tableNumber(*kappa)
                         : m_book.annotators().size() < 2 ? tr("needs two people")
                                                          : tr("no text labelled by both"),
                         tr("Agreement beyond chance on texts that both have labelled: 1 is full, 0 is chance"),
                         !kappa});
    }
    m_facts->setFacts(facts);
    m_facts->setVisible(!facts.empty());
}

void LabelView::refresh()
{
    const LabelItem* item = m_book.item();
    m_reading->setVisible(item != nullptr);
    m_empty->setVisible(item == nullptr);
    m_soFar->setVisible(item != nullptr);
    // The title and the file's name tell block and strength, the numbers of a row even more.
    const LabelSource& source = m_book.source();
    m_source->setText(source.items.empty() ? tr("None yet.")
                      : m_book.isBlind()   ? tr("%1 texts; where they come from is hidden.").arg(source.items.size())
                                           : widgets::shownName(source.title));
    m_file->setText(source.path.isEmpty() ? QString()
                    : m_book.isBlind()    ? tr("Kept in a CSV file at every label.")
                                          : tr("Kept in %1 at every label.").arg(shortPath(source.path)));
    m_file->setVisible(!source.path.isEmpty());
    m_load->setEnabled(item != nullptr);
    m_notice->setNotice(widgets::Notice::Tone::Error, m_book.problem());
    m_notice->setVisible(!m_book.problem().isEmpty());
    const QSignalBlocker blind(m_blind);
    m_blind->setChecked(m_book.isBlind());
    if (!m_annotator->lineEdit()->hasFocus()) {
        const QSignalBlocker block(m_annotator);
        m_annotator->clear();
        m_annotator->addItems(m_book.annotators());
        m_annotator->setCurrentText(m_book.annotator());
    }
    refreshFacts();
    if (!item)
        return;
    const bool hasName = !m_book.annotator().isEmpty();
    const int done = m_book.labelled(m_book.annotator());
    m_sentence->setText(
        !hasName ? tr("Who labels? Put a name at the left first.")
        : done == m_book.count()
            ? tr("%1 has labelled all %2 texts.").arg(m_book.annotator()).arg(done)
            : tr("%1 has labelled %2 of %3 texts.").arg(m_book.annotator()).arg(done).arg(m_book.count()));
    m_bar->setRange(0, std::max(1, m_book.count()));
    m_bar->setValue(done);
    // The prompt's name may say what it should be met with: a blind reader sees its text alone.
    const QString place = tr("Text %1 of %2").arg(m_book.place() + 1).arg(m_book.count());
    m_about->setText(
        (m_book.isBlind()
             ? place
             : tr("%1 · prompt %2 · %3 · should be met with %4 · the markers say %5")
                   .arg(place, widgets::shownName(item->prompt), item->isAfter ? tr("edited") : tr("unedited"),
                        item->should.isEmpty() ? tr("anything") : item->should, item->verdict)) +
        (item->question.isEmpty() ? QString() : u'\n' + askedText(widgets::questionOf(item->question), 240)));
    m_about->setToolTip(widgets::plainToolTip(widgets::chatOutline(item->question)));
    if (m_text->toPlainText() != item->text)
        m_text->setPlainText(item->text);
    const std::optional<HumanLabel> given = m_book.labelOf(*item, m_book.annotator());
    m_given->setText(given ? tr("You called it %1.").arg(labelName(*given)) : tr("Not labelled yet."));
    for (std::size_t i = 0; i < 4; ++i) {
        m_labels[i]->setEnabled(hasName);
        m_labels[i]->setChecked(given == labels[i]);
    }
    m_undo->setEnabled(m_book.canUndo());
    m_back->setEnabled(m_book.place() > 0);
    m_next->setEnabled(m_book.place() + 1 < m_book.count());
}

}
