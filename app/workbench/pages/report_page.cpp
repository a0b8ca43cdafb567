#include "app/workbench/pages/report_page.h"

#include "app/workbench/process/background.h"
#include "app/workbench/session/report_text.h"
#include "widgets/empty_state.h"
#include "widgets/flow_row.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"

#include <QDateTime>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QTextBrowser>
#include <QTextDocument>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

constexpr int widestPreview = 760;
constexpr int narrowestPreview = 260;

// As programs that write files state it; fixed where somebody wants equal bytes.
QString creationTime()
{
    bool isFixed = false;
    const qint64 seconds = qEnvironmentVariable("SOURCE_DATE_EPOCH").toLongLong(&isFixed);
    const QDateTime now = isFixed ? QDateTime::fromSecsSinceEpoch(seconds, Qt::UTC) : QDateTime::currentDateTimeUtc();
    return now.toString(u"yyyy-MM-dd'T'HH:mm:ss'Z'"_s);
}

}

ReportPage::ReportPage(ReportBook& book, QWidget* parent)
    : QWidget(parent)
    , m_book(book)
    , m_isStale([](const ReportSource&) { return false; })
    , m_empty(new widgets::EmptyState)
    , m_outline(new QListWidget)
    , m_up(button(tr("Up")))
    , m_down(button(tr("Down")))
    , m_remove(button(tr("Remove")))
    , m_undo(button(tr("Undo")))
    , m_redo(button(tr("Redo")))
    , m_preview(new QTextBrowser)
    , m_side(new SidePanel)
    , m_about(new QWidget)
    , m_title(new QLineEdit)
    , m_note(new QPlainTextEdit)
    , m_source(wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary))
    , m_stale(new widgets::Notice)
    , m_html(button(tr("Export HTML…"), widgets::ButtonRole::Primary))
    , m_pdf(button(tr("Export PDF…")))
{
    m_empty->setText(
        tr("Nothing was sent here yet"),
        tr("Press Ctrl+Shift+R on a map, a chart, a list of failures, a certificate or a verdict: it is "
           "frozen as it is, with the digest of its run, and stands here in your order and with your notes. "
           "blockcert report writes such a page about a whole run."));
    m_report = makeReport();
    makeSide();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_empty);
    layout->addWidget(m_report);
    m_previewTimer.setSingleShot(true);
    m_previewTimer.setInterval(200);
    connect(&m_previewTimer, &QTimer::timeout, this, &ReportPage::showPreview);
    connect(&m_book, &ReportBook::changed, this, &ReportPage::refresh);
    refresh();
}

QWidget* ReportPage::makeReport()
{
    auto* page = new QWidget;
    QVBoxLayout* layout = pageLayout(page);
    m_outline->setAccessibleName(tr("Outline"));
    m_outline->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_outline->setTextElideMode(Qt::ElideMiddle);
    m_outline->setSpacing(space::tiny);
    connect(m_outline, &QListWidget::currentRowChanged, this, [this] {
        showCurrent();
        reveal();
    });
    connect(m_outline, &QListWidget::itemClicked, this, &ReportPage::reveal); // also the one that is current already
    m_preview->setOpenLinks(false);
    m_preview->setLineWrapMode(QTextEdit::FixedPixelWidth);       // of the text that was made, see previewWidth()
    m_preview->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOn); // else the width would depend on the height
    m_preview->viewport()->installEventFilter(this);
    m_preview->setAccessibleName(tr("Preview"));
    // The page is white in both appearances, as it will be printed.
    m_preview->setStyleSheet(u"QTextBrowser { background: white; padding: 16px; }"_s);
    const std::pair<QPushButton*, std::function<void()>> acts[] = {{m_up,
                                                                    [this] {
                                                                        const int at = current();
                                                                        m_book.move(at, -1);
                                                                        m_outline->setCurrentRow(at - 1);
                                                                    }},
                                                                   {m_down,
                                                                    [this] {
                                                                        const int at = current();
                                                                        m_book.move(at, 1);
                                                                        m_outline->setCurrentRow(at + 1);
                                                                    }},
                                                                   {m_remove, [this] { m_book.remove(current()); }},
                                                                   {m_undo, [this] { m_book.undo(); }},
                                                                   {m_redo, [this] { m_book.redo(); }}};
    auto* order = new widgets::FlowRow; // in more lines where the page is narrow
    order->addWidget(heading(tr("Preview")));
    order->startEnd();
    for (const auto& [made, act] : acts) {
        connect(made, &QPushButton::clicked, this, act);
        order->addWidget(made);
    }
    auto* left = column();
    left->addWidget(heading(tr("Outline")));
    left->addWidget(m_outline, 1);
    auto* right = column();
    right->addLayout(order);
    right->addWidget(m_preview, 1);
    auto* middle = row(space::large);
    middle->addLayout(left);
    middle->addLayout(right, 1);
    layout->addLayout(middle, 1);
    return page;
}

void ReportPage::makeSide()
{
    QVBoxLayout* side = m_side->content();
    side->addWidget(heading(tr("Report")));
    m_title->setPlaceholderText(tr("Title of the report"));
    m_title->setAccessibleName(tr("Title of the report"));
    connect(m_title, &QLineEdit::editingFinished, this, [this] { m_book.setTitle(m_title->text()); });
    side->addWidget(m_title);
    auto* exports = row();
    exports->addWidget(m_pdf, 1);
    exports->addWidget(m_html, 1);
    side->addLayout(exports);
    connect(m_html, &QPushButton::clicked, this, [this] { emit exportWanted(false); });
    connect(m_pdf, &QPushButton::clicked, this, [this] { emit exportWanted(true); });
    side->addSpacing(space::large);
    auto* about = new QVBoxLayout(m_about);
    about->setContentsMargins(0, 0, 0, 0);
    about->setSpacing(space::small);
    about->addWidget(heading(tr("Note on this view")));
    m_note->setAccessibleName(tr("Note on this view"));
    m_note->setPlaceholderText(tr("What a reader should see in it"));
    m_note->setTabChangesFocus(true);
    m_note->setMaximumHeight(140);
    connect(m_note, &QPlainTextEdit::textChanged, this, [this] { m_book.setNote(current(), m_note->toPlainText()); });
    about->addWidget(m_note);
    about->addSpacing(space::small);
    about->addWidget(heading(tr("Where it comes from")));
    m_stale->hide();
    connect(m_stale, &widgets::Notice::actionRequested, this, [this] {
        if (current() < 0)
            return;
        const std::vector<ReportSource>& runs = m_book.items()[static_cast<std::size_t>(current())].runs;
        if (const auto stale = std::find_if(runs.begin(), runs.end(), m_isStale); stale != runs.end())
            emit sourceWanted(stale->path);
    });
    about->addWidget(m_stale);
    about->addWidget(m_source);
    side->addWidget(m_about);
    side->addStretch(1);
}

void ReportPage::setStaleness(std::function<bool(const ReportSource&)> isStale)
{
    m_isStale = std::move(isStale);
    refresh();
}

int ReportPage::current() const
{
    return m_outline->currentRow();
}

report::Document ReportPage::document() const
{
    return m_book.document(creationTime(), m_isStale);
}

void ReportPage::refresh()
{
    const bool hasItems = !m_book.items().empty();
    m_empty->setVisible(!hasItems && !m_book.canUndo());
    m_report->setVisible(hasItems || m_book.canUndo());
    m_html->setEnabled(hasItems);
    m_pdf->setEnabled(hasItems);
    m_undo->setEnabled(m_book.canUndo());
    m_redo->setEnabled(m_book.canRedo());
    m_isPreviewOld = true;
    showItems();
    m_previewTimer.start();
}

void ReportPage::showItems()
{
    const int before = current();
    const int countBefore = m_outline->count();
    {
        const QSignalBlocker block(m_outline);
        m_outline->clear();
        for (const ReportItem& item : m_book.items()) {
            QStringList names;
            for (const ReportSource& run : item.runs)
                names << run.name;
            const QString from = names.isEmpty() ? QString() : u"\n"_s + names.join(u" · "_s);
            const bool isStale = std::any_of(item.runs.begin(), item.runs.end(), m_isStale);
            auto* entry =
                new QListWidgetItem(widgets::shownText(item.title + from) + (isStale ? tr("  ·  stale") : QString()));
            entry->setToolTip(widgets::plainToolTip(item.title));
            m_outline->addItem(entry);
        }
        const int count = m_outline->count();
        // What was just sent is what one looks at.
        m_outline->setCurrentRow(count > countBefore ? count - 1 : std::min(std::max(0, before), count - 1));
        if (count > countBefore)
            reveal();
    }
    if (!m_title->hasFocus())
        m_title->setText(m_book.title());
    showCurrent();
}

void ReportPage::showCurrent()
{
    const int at = current();
    const bool any = at >= 0 && static_cast<std::size_t>(at) < m_book.items().size();
    m_about->setVisible(any);
    m_up->setEnabled(at > 0);
    m_down->setEnabled(any && at + 1 < m_outline->count());
    m_remove->setEnabled(any);
    if (!any)
        return;
    const ReportItem& item = m_book.items()[static_cast<std::size_t>(at)];
    if (m_note->toPlainText() != item.note) {
        const QSignalBlocker block(m_note);
        m_note->setPlainText(item.note);
    }
    QStringList lines;
    QStringList digests;
    for (std::size_t run = 0; run < item.runs.size(); ++run) {
        const QString title = sourceTitle(item, run);
        lines << title.left(1).toUpper() + title.mid(1) + u' ' + item.runs[run].name;
        lines << (item.runs[run].digest.isEmpty() ? tr("No digest: it was unfinished")
                                                  : tr("Digest %1").arg(widgets::digestText(item.runs[run].digest)));
        digests << item.runs[run].digest;
    }
    lines << tr("Frozen %1").arg(item.when);
    m_source->setText(widgets::shownText(lines.join(u'\n')));
    m_source->setToolTip(digests.join(u'\n'));
    const bool isStale = std::any_of(item.runs.begin(), item.runs.end(), m_isStale);
    m_stale->setVisible(isStale);
    if (isStale)
        m_stale->setNotice(widgets::Notice::Tone::Warning,
                           tr("The run in this folder has changed since. Open it, and send the view again if the new "
                              "numbers are meant."),
                           tr("Open the run"));
}

// What stands at an entry's place in an old preview need not be that entry.
void ReportPage::reveal()
{
    m_revealsWhenNew = m_isPreviewOld;
    if (!m_isPreviewOld && current() >= 0)
        m_preview->scrollToAnchor(sectionAnchor(static_cast<std::size_t>(current())));
}

// The page is as wide as its view: nothing of it lies at the side.
int ReportPage::previewWidth() const
{
    constexpr int edge = 8; // tables are a little wider than the text
    return std::clamp(m_preview->viewport()->width() - edge, narrowestPreview, widestPreview);
}

// The outline gives way to the page that it is of.
void ReportPage::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    constexpr int narrowest = 140;
    constexpr int widest = 280;
    m_outline->setFixedWidth(std::clamp(width() / 4, narrowest, widest));
}

bool ReportPage::eventFilter(QObject* watched, QEvent* event)
{
    if (event->type() == QEvent::Resize && m_text && previewWidth() != m_picturesFit)
        m_previewTimer.start();
    return QWidget::eventFilter(watched, event);
}

void ReportPage::showPreview()
{
    const int request = ++m_previewRequest;
    const int width = previewWidth();
    runInBackground<std::shared_ptr<QTextDocument>>(
        this,
        [document = document(), home = thread(), width,
         ratio = m_preview->devicePixelRatioF()]() -> std::shared_ptr<QTextDocument> {
            std::unique_ptr<QTextDocument> text = textOf(document, width, 0, ratio);
            text->moveToThread(home);
            return text;
        },
        [this, request, width](const std::shared_ptr<QTextDocument>& text) {
            if (request != m_previewRequest)
                return;
            const int at = m_preview->verticalScrollBar()->value();
            m_preview->setLineWrapColumnOrWidth(width);
            m_preview->setDocument(text.get());
            m_picturesFit = width;
            m_text = text; // the one before goes when nobody shows it any more
            m_preview->verticalScrollBar()->setValue(at);
            m_isPreviewOld = m_previewTimer.isActive();
            if (std::exchange(m_revealsWhenNew, false))
                reveal();
        },
        [](const QString&) {});
}

}
