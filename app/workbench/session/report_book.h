// The report that is being put together in the window: frozen views with notes, in the user's order, and the way back.
#pragma once

#include "engine/report/document.h"

#include <QObject>
#include <QString>

#include <functional>
#include <vector>

namespace blockcert::workbench {

// One view as it was when it was sent: later changes of the run do not reach it.
struct ReportItem {
    QString title;
    QString scope;
    QString runPath;   // where the run lay; empty: about no run
    QString runName;   // for people
    QString runDigest; // SHA-256 of its SHA256SUMS; empty: it was unfinished
    QString when;      // ISO 8601 UTC
    std::vector<report::Part> parts;
    QString note;

    friend bool operator==(const ReportItem&, const ReportItem&) = default;
};

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

    // Everything, with where each item comes from. `isStale` says of an item whether its run is another one by now.
    [[nodiscard]] report::Document document(const QString& created,
                                            const std::function<bool(const ReportItem&)>& isStale) const;

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
