// The runs on the shelf: search, table, and at the side what is known and noted of the chosen one.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "widgets/values.h"

#include <QWidget>

#include <vector>

class QLabel;
class QLineEdit;
class QPlainTextEdit;

namespace blockcert::widgets {
class FactList;
class RunTable;
}

namespace blockcert::workbench {

// The side panel of one run: facts, what can be done with it, tags and a note.
class RunNotesPanel : public QWidget {
    Q_OBJECT

public:
    explicit RunNotesPanel(QWidget* parent = nullptr);

    // Null: no run is chosen.
    void setRun(const widgets::RunRow* run);

signals:
    void exploreWanted(const QString& path);
    void verifyWanted(const QString& path);
    void resumeWanted(const QString& path);
    void compareWanted(const QString& path); // as B
    void notesEdited(const QString& path, const QStringList& tags, const QString& note);

private:
    void announce();

    QString m_path;
    QLabel* m_none = nullptr;
    QWidget* m_body = nullptr;
    ElidedLabel* m_name = nullptr;
    widgets::FactList* m_facts = nullptr;
    QPushButton* m_explore = nullptr;
    QPushButton* m_verify = nullptr;
    QPushButton* m_resume = nullptr;
    QPushButton* m_compare = nullptr;
    QLineEdit* m_tags = nullptr;
    QPlainTextEdit* m_note = nullptr;
};

class RunsView : public QWidget {
    Q_OBJECT

public:
    explicit RunsView(QWidget* parent = nullptr);

    void setRows(std::vector<widgets::RunRow> rows);
    // Older runs of the folder that are not among the rows.
    void setLeftOut(int runs);
    [[nodiscard]] const widgets::RunRow* current() const;

signals:
    void currentChanged();
    void runActivated(const QString& path);
    void folderWanted();   // verify all of them
    void otherRunWanted(); // a dialog

private:
    void refreshCount();

    QLineEdit* m_search = nullptr;
    ElidedLabel* m_count = nullptr;
    widgets::RunTable* m_table = nullptr;
    int m_rows = 0;
    int m_leftOut = 0;
};

}
