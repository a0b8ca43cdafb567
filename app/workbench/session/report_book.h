// The report that is being put together in the window: frozen views with notes, in the user's order, and the way back.
#pragma once

#include "engine/report/document.h"

#include <QObject>
#include <QString>

#include <functional>
#include <vector>

namespace blockcert::workbench {

// A run behind a view.
struct ReportSource {
    QString path;
    QString name;   // for people
    QString digest; // SHA-256 of its SHA256SUMS; empty: it was unfinished

    friend bool operator==(const ReportSource&, const ReportSource&) = default;
};

// One view as it was when it was sent: later changes of its runs do not reach it.
struct ReportItem {
    QString title;
    QString scope;
    std::vector<ReportSource> runs; // none: it is about no run; two: A and B
    QString when;                   // ISO 8601 UTC
    std::vector<report::Part> parts;
    QString note;

    friend bool operator==(const ReportItem&, const ReportItem&) = default;
};

// "run A", "run B" of a view of two, "run" of a view of one.
[[nodiscard]] QString sourceTitle(const ReportItem& item, std::size_t at);

// GUI thread.
class ReportBook : public QObject {
    Q_OBJECT

public:
    using QObject::QObject;

    void add(ReportItem item); // at the end
    void remove(int at);
    void move(int at, int step); // −1: up, 1: down
    void setNote(int at, const QString& note);
    void setTitle(const QString& title);
    void undo();
    void redo();

    [[nodiscard]] bool canUndo() const { return !m_past.empty(); }

    [[nodiscard]] bool canRedo() const { return !m_future.empty(); }

    [[nodiscard]] const std::vector<ReportItem>& items() const { return m_now.items; }

    [[nodiscard]] const QString& title() const { return m_now.title; }

    // Something is in it that was not exported.
    [[nodiscard]] bool isModified() const { return !m_now.items.empty() && m_isModified; }

    void setExported() { m_isModified = false; }

    // Everything, with where each item comes from. `isStale` says of a run whether its folder holds another one by now.
    [[nodiscard]] report::Document document(const QString& created,
                                            const std::function<bool(const ReportSource&)>& isStale) const;

signals:
    void changed();

private:
    struct Content {
        QString title;
        std::vector<ReportItem> items;

        friend bool operator==(const Content&, const Content&) = default;
    };

    void change(Content next, int noteAt = -1);

    Content m_now;
    std::vector<Content> m_past;
    std::vector<Content> m_future;
    int m_noteAt = -1; // the note that is being typed: its letters are one step back
    bool m_isModified = false;
};

}
