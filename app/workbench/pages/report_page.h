// The Report page: what was sent from other views, in the user's order and with notes, as a page and as PDF.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/report_book.h"

#include <QTimer>
#include <QWidget>

#include <functional>
#include <memory>

class QLabel;
class QLineEdit;
class QListWidget;
class QPlainTextEdit;
class QPushButton;
class QTextBrowser;
class QTextDocument;

namespace blockcert::widgets {
class EmptyState;
class Notice;
}

namespace blockcert::workbench {

class ReportPage : public QWidget {
    Q_OBJECT

public:
    explicit ReportPage(ReportBook& book, QWidget* parent = nullptr);

    // Whether an item's run is another one by now.
    void setStaleness(std::function<bool(const ReportSource&)> isStale);
    void refresh(); // a run was read again: marks may have changed

    [[nodiscard]] QWidget* side() const { return m_side; }

    [[nodiscard]] int current() const;
    [[nodiscard]] report::Document document() const;

signals:
    void exportWanted(bool pdf); // a file is to be chosen
    void sourceWanted(const QString& run);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* makeReport();
    [[nodiscard]] int previewWidth() const;
    void makeSide();
    void showItems();
    void showCurrent();
    void showPreview();
    void reveal(); // the current entry in the preview, now or once that is of today's entries

    ReportBook& m_book;
    std::function<bool(const ReportSource&)> m_isStale;
    widgets::EmptyState* m_empty = nullptr;
    QWidget* m_report = nullptr;
    QListWidget* m_outline = nullptr;
    QPushButton* m_up = nullptr;
    QPushButton* m_down = nullptr;
    QPushButton* m_remove = nullptr;
    QPushButton* m_undo = nullptr;
    QPushButton* m_redo = nullptr;
    QTextBrowser* m_preview = nullptr;
    std::shared_ptr<QTextDocument> m_text;
    int m_picturesFit = 0;       // the width that the pictures were drawn for
    int m_previewRequest = 0;    // only the newest is shown
    bool m_isPreviewOld = false; // the entries have changed since
    bool m_revealsWhenNew = false;
    QTimer m_previewTimer; // a moment after the last letter of a note
    SidePanel* m_side = nullptr;
    QWidget* m_about = nullptr; // of the current item
    QLineEdit* m_title = nullptr;
    QPlainTextEdit* m_note = nullptr;
    QLabel* m_source = nullptr;
    widgets::Notice* m_stale = nullptr;
    QPushButton* m_html = nullptr;
    QPushButton* m_pdf = nullptr;
};

}
