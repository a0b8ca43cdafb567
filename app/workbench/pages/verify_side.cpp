#include "app/workbench/pages/verify_side.h"

#include "app/workbench/session/verdict_summary.h"
#include "widgets/artifact_tree.h"
#include "widgets/number_text.h"

#include <QLabel>
#include <QPushButton>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::TextSize;
using widgets::TextTone;
using widgets::TextWeight;
namespace space = widgets::space;

namespace {

QLabel* smallHeading(const QString& text)
{
    return widgets::makeLabel(text, TextSize::Secondary, TextWeight::Medium, TextTone::Secondary);
}

QString asList(const QStringList& sentences)
{
    QStringList lines;
    for (const QString& sentence : sentences)
        lines << u"– "_s + sentence;
    return lines.join(u'\n');
}

}

VerifySide::VerifySide(QWidget* parent)
    : SidePanel(parent)
    , m_table(wrapped({}))
    , m_body(new QWidget)
    , m_none(wrapped(tr("A verdict always names its level, what was checked and what was not. Levels 0 and 1 look "
                        "at documents and digests; from level 2 on numbers are recomputed here, by a program "
                        "without LibTorch that opens no network connection."),
                     TextTone::Secondary))
    , m_says(wrapped({}))
    , m_saysNot(wrapped({}))
    , m_notCheckedTitle(smallHeading(tr("Not checked")))
    , m_notChecked(wrapped({}))
    , m_tree(new widgets::ArtifactTree)
    , m_footer(wrapped({}, TextTone::Secondary, TextSize::Secondary))
    , m_save(button(tr("Save verdict…")))
    , m_explore(button(tr("Open in Explore")))
{
    QVBoxLayout* content = this->content();
    QLabel* question =
        widgets::makeLabel(tr("What this says, and what it does not"), TextSize::Body, TextWeight::Strong);
    question->setWordWrap(true); // as large as it is for a projector it is wider than the panel
    content->addWidget(question);
    content->addWidget(m_table);
    content->addWidget(m_none);
    auto* body = new QVBoxLayout(m_body);
    body->setContentsMargins(0, 0, 0, 0);
    body->setSpacing(space::tiny);
    const auto section = [body](QWidget* title, QWidget* text) {
        body->addWidget(title);
        body->addWidget(text);
        body->addSpacing(space::medium);
    };
    section(smallHeading(tr("It says")), m_says);
    section(smallHeading(tr("It does not say")), m_saysNot);
    section(m_notCheckedTitle, m_notChecked);
    section(heading(tr("What it rests on")), m_tree);
    body->addWidget(m_footer);
    body->addSpacing(space::small);
    auto* buttons = row();
    buttons->addWidget(m_save, 1);
    buttons->addWidget(m_explore, 1);
    body->addLayout(buttons);
    QPushButton* lab = button(tr("Tamper with a copy…"), widgets::ButtonRole::Flush);
    lab->setToolTip(tr("Damage a copy of a run and see which check notices"));
    connect(lab, &QPushButton::clicked, this, &VerifySide::labWanted);
    content->addWidget(m_body);
    content->addWidget(lab, 0, Qt::AlignLeft);
    content->addStretch(1);
    connect(m_save, &QPushButton::clicked, this, &VerifySide::saveWanted);
    connect(m_explore, &QPushButton::clicked, this, &VerifySide::exploreWanted);
    setVerdict(nullptr);
}

void VerifySide::setTable(const QString& meaning)
{
    m_table->setText(meaning);
}

void VerifySide::setShowsTable(bool shows)
{
    m_showsTable = shows;
    refresh();
}

void VerifySide::refresh()
{
    m_table->setVisible(m_showsTable);
    m_body->setVisible(m_hasVerdict && !m_showsTable);
    m_none->setVisible(!m_body->isVisibleTo(this));
}

void VerifySide::setVerdict(const std::shared_ptr<const widgets::VerdictView>& verdict)
{
    m_hasVerdict = verdict != nullptr;
    refresh();
    if (!verdict)
        return;
    m_says->setText(asList(QStringList{meaningOf(*verdict)} + verdict->says));
    m_saysNot->setText(asList(verdict->doesNotSay));
    m_notChecked->setText(asList(condensedLines(verdict->notChecked)));
    m_notCheckedTitle->setVisible(!verdict->notChecked.isEmpty());
    m_notChecked->setVisible(!verdict->notChecked.isEmpty());
    m_tree->setRoot(std::make_shared<const widgets::ArtifactNode>(artifactsOf(*verdict)));
    m_tree->revealFailed(); // nothing else that is deep in it has to be seen at once
    QString footer = tr("Checked on this machine in %1.").arg(widgets::durationText(verdict->seconds));
    if (verdict->level == 2)
        footer += u' ' + tr("The cells were drawn with seed %1.").arg(verdict->seed);
    m_footer->setText(footer);
}

}
