#include "app/workbench/pages/page_parts.h"

#include "widgets/chat_text.h"
#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QDir>
#include <QHelpEvent>
#include <QLineEdit>
#include <QLocale>
#include <QMessageBox>
#include <QPainter>
#include <QProgressBar>
#include <QPushButton>
#include <QStyle>
#include <QStyleOptionComboBox>
#include <QStylePainter>
#include <QToolTip>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

QVBoxLayout* pageLayout(QWidget* parent)
{
    auto* layout = new QVBoxLayout(parent);
    layout->setContentsMargins(space::large + space::tiny, space::large, space::large, space::medium);
    layout->setSpacing(space::medium);
    return layout;
}

QVBoxLayout* column(int spacing)
{
    auto* layout = new QVBoxLayout;
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(spacing);
    return layout;
}

QHBoxLayout* row(int spacing)
{
    auto* layout = new QHBoxLayout;
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(spacing);
    return layout;
}

QLabel* heading(const QString& text)
{
    return widgets::makeLabel(text, widgets::TextSize::Body, widgets::TextWeight::Strong);
}

QLabel* wrapped(const QString& text, widgets::TextTone tone, widgets::TextSize size)
{
    QLabel* label = widgets::makeLabel(text, size, widgets::TextWeight::Normal, tone);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    label->setFocusPolicy(Qt::NoFocus);
    return label;
}

QString counted(qint64 count, const QString& one, const QString& several)
{
    return u"%1 %2"_s.arg(widgets::countText(count), count == 1 ? one : several);
}

void keepTwoLines(QLabel& label)
{
    label.setText(u"1\n2"_s);
    label.setMinimumHeight(label.heightForWidth(QWIDGETSIZE_MAX));
    label.setAlignment(Qt::AlignTop | Qt::AlignLeft);
    label.clear();
}

void markInvalid(QLineEdit* field, bool invalid)
{
    if (field->property("invalid").toBool() == invalid)
        return;
    field->setProperty("invalid", invalid);
    field->style()->unpolish(field);
    field->style()->polish(field);
}

QPushButton* button(const QString& text, widgets::ButtonRole role)
{
    auto* made = new QPushButton(text);
    if (role != widgets::ButtonRole::Plain)
        widgets::setButtonRole(*made, role);
    return made;
}

ProgressRow::ProgressRow(QPushButton* beside)
    : m_stage(widgets::makeLabel({}, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                 widgets::TextTone::Secondary))
    , m_bar(new QProgressBar)
{
    m_bar->setTextVisible(false);
    m_bar->setFixedHeight(6);
    m_bar->setAccessibleName(tr("Progress"));
    auto* words = column(space::tiny);
    words->addWidget(m_stage);
    words->addWidget(m_bar);
    QHBoxLayout* line = row();
    line->addLayout(words, 1);
    if (beside)
        line->addWidget(beside);
    setLayout(line);
    QSizePolicy policy = sizePolicy();
    policy.setRetainSizeWhenHidden(true);
    setSizePolicy(policy);
    hide();
}

void ProgressRow::setProgress(const QString& stage, const JobProgress& progress)
{
    m_stage->setText(stage);
    m_bar->setRange(0, progress.total > 0 ? 1000 : 0);
    if (progress.total > 0)
        m_bar->setValue(static_cast<int>(1000 * progress.done / progress.total));
}

SidePanel::SidePanel(QWidget* parent)
    : QScrollArea(parent)
{
    setFrameShape(QFrame::NoFrame);
    setWidgetResizable(true);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* content = new QWidget;
    content->setProperty("surface", u"panel"_s);
    m_content = new QVBoxLayout(content);
    m_content->setContentsMargins(space::large + space::tiny, space::large, space::large + space::tiny, space::large);
    m_content->setSpacing(space::small);
    setWidget(content);
}

ElidedLabel::ElidedLabel(const QString& text, widgets::TextSize size, widgets::TextTone tone,
                         widgets::TextWeight weight)
{
    widgets::setTextFont(*this, size, weight);
    setTextFormat(Qt::PlainText);
    if (tone == widgets::TextTone::Secondary)
        setProperty("tone", u"secondary"_s);
    setText(text);
}

void ElidedLabel::setText(const QString& text)
{
    QLabel::setText(widgets::shownName(text));
    setToolTip(widgets::plainToolTip(text));
}

QSize ElidedLabel::minimumSizeHint() const
{
    return {24, QLabel::minimumSizeHint().height()};
}

void ElidedLabel::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setPen(palette().color(foregroundRole()));
    painter.drawText(rect(), alignment() | Qt::AlignVCenter,
                     fontMetrics().elidedText(text(), Qt::ElideMiddle, width()));
}

QPushButton* elidedLink(const QString& text, int width)
{
    QPushButton* made = button({}, widgets::ButtonRole::Link);
    const QString name = widgets::shownName(text);
    QString shown = made->fontMetrics().elidedText(name, Qt::ElideMiddle, width);
    made->setText(shown.replace(u'&', u"&&"_s)); // a name, not a mnemonic
    made->setAccessibleName(name);
    made->setStyleSheet(u"text-align: left; padding-left: 0px;"_s);
    return made;
}

QString ElidedComboBox::shownText() const
{
    QStyleOptionComboBox option;
    initStyleOption(&option);
    const QRect field = style()->subControlRect(QStyle::CC_ComboBox, &option, QStyle::SC_ComboBoxEditField, this);
    const int icon = option.currentIcon.isNull() ? 0 : option.iconSize.width() + space::tiny;
    // The style sheet's painter takes a pixel or two more at either side than it says.
    return fontMetrics().elidedText(currentText(), Qt::ElideRight, field.width() - icon - space::tiny);
}

void ElidedComboBox::paintEvent(QPaintEvent*)
{
    QStylePainter painter(this);
    QStyleOptionComboBox option;
    initStyleOption(&option);
    option.currentText = shownText();
    painter.drawComplexControl(QStyle::CC_ComboBox, option);
    painter.drawControl(QStyle::CE_ComboBoxLabel, option);
}

bool ElidedComboBox::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip || shownText() == currentText())
        return QComboBox::event(event);
    const QString text = toolTip().isEmpty() ? currentText() : currentText() + u'\n' + toolTip();
    QToolTip::showText(static_cast<QHelpEvent*>(event)->globalPos(), widgets::plainToolTip(text), this);
    return true;
}

QScrollArea* scrolling(QWidget* content)
{
    auto* area = new QScrollArea;
    area->setFrameShape(QFrame::NoFrame);
    area->setWidgetResizable(true);
    area->setFocusPolicy(Qt::NoFocus);
    area->setProperty("surface", u"window"_s); // beside the scroll bar
    content->setProperty("surface", u"window"_s);
    content->setAttribute(Qt::WA_StyledBackground); // also where it is a class of its own
    area->setWidget(content);
    return area;
}

Hairline::Hairline(Qt::Orientation orientation, QWidget* parent)
    : QWidget(parent)
{
    if (orientation == Qt::Vertical)
        setFixedWidth(1);
    else
        setFixedHeight(1);
}

void Hairline::paintEvent(QPaintEvent*)
{
    QPainter(this).fillRect(rect(), widgets::tokensOf(*this).line);
}

Remedy remedyFor(const JobFault& fault)
{
    switch (fault.origin) {
    case JobFault::Origin::NotStarted: return Remedy::Settings;
    case JobFault::Origin::ProgramEnded: return Remedy::RestartEngine;
    case JobFault::Origin::Protocol: return Remedy::Retry;
    case JobFault::Origin::Program: break;
    }
    return fault.kind == "unsupported"_L1 || fault.exitCode == 4 ? Remedy::OpenOther : Remedy::Retry;
}

QString remedyText(Remedy remedy)
{
    const auto tr = [](const char* text) { return QCoreApplication::translate("Remedy", text); };
    switch (remedy) {
    case Remedy::OpenOther: return tr("Open another…");
    case Remedy::Settings: return tr("Settings…");
    case Remedy::RestartEngine:
    case Remedy::Retry: break;
    }
    return tr("Try again");
}

void warn(QWidget* parent, const QString& title, const QString& sentence)
{
    QMessageBox box(QMessageBox::Warning, title, widgets::shownText(sentence), QMessageBox::Ok, parent);
    box.setTextFormat(Qt::PlainText);
    box.exec();
}

QString shortTime(const QDateTime& time)
{
    if (time.date() == QDate::currentDate())
        return QCoreApplication::translate("Time", "today %1").arg(time.toString(u"HH:mm"_s));
    return QLocale().toString(time.date(), u"d MMM yyyy"_s);
}

QString shortPath(const QString& path)
{
    const QString home = QDir::homePath();
    if (home.size() > 1 && path.startsWith(home + u'/'))
        return u'~' + widgets::shownName(path.mid(home.size()));
    return widgets::shownName(path);
}

QString askedText(const QString& rendered, int most)
{
    const QString question = widgets::shownName(widgets::questionOf(rendered).simplified());
    if (question.isEmpty())
        return {};
    const QString folded = widgets::foldedBefore(rendered);
    return u"“%1”%2"_s.arg(question.size() > most ? question.left(most) + u'…' : question,
                           folded.isEmpty() ? QString() : u" · "_s + folded);
}

}
