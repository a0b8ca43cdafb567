// The model that is open: its card, or why there is none.
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
    void reload();
    void cancel();

    // What was asked for, as the command line takes it.
    [[nodiscard]] const QString& name() const { return m_name; }

    [[nodiscard]] const Loadable<widgets::ModelCard>& card() const { return m_card; }

signals:
    void changed();
    void opened(const QString& name, const QString& title); // once a card is there

private:
    JobBoard& m_board;
    QString m_name;
    Loadable<widgets::ModelCard> m_card;
};

}
