// The model that is open: its card, or why there is none. One that is being opened replaces it once it could be read.
#pragma once

#include "app/workbench/session/loadable.h"
#include "widgets/values.h"

#include <QObject>

namespace blockcert::workbench {

class JobBoard;

// GUI thread. Answers to a model that is no longer the one asked for are dropped.
class ModelDocument : public QObject {
    Q_OBJECT

public:
    explicit ModelDocument(JobBoard& board, QObject* parent = nullptr);

    void open(const QString& model); // a path, org/name, or "demo"
    void reload();                   // what was asked for last, also if it could not be opened
    void cancel();

    // The open model as the command line takes it; if none is open, what was asked for.
    [[nodiscard]] const QString& name() const { return m_name; }

    [[nodiscard]] const Loadable<widgets::ModelCard>& card() const { return m_card; }

signals:
    void changed();
    void opened(const QString& name, const QString& title); // once a card is there
    void replacing(const QString& name);                    // the open model stays until that one is read; empty: none
    void refused(const QString& name, const blockcert::workbench::JobFault& fault); // the open model stays open

private:
    JobBoard& m_board;
    QString m_name;
    QString m_asked;
    Loadable<widgets::ModelCard> m_card;
    Loadable<widgets::ModelCard> m_next; // Loading while a model is open, else Empty
};

}
