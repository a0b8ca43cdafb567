// The run that is open for exploring, as `blockcert show` tells it.
#pragma once

#include "app/workbench/session/loadable.h"
#include "app/workbench/session/run_view.h"

#include <QObject>

namespace blockcert::workbench {

class JobBoard;

// GUI thread.
class RunDocument : public QObject {
    Q_OBJECT

public:
    explicit RunDocument(JobBoard& board, QObject* parent = nullptr);

    void open(const QString& path);
    // Opens another run in place of the one that is shown. If that cannot be read, the shown one stays: refused().
    void replace(const QString& path);
    void reload();
    void close();

    [[nodiscard]] const QString& path() const { return m_path; }

    [[nodiscard]] const Loadable<RunView>& run() const { return m_run; }

signals:
    void changed();
    void refused(const QString& path, const blockcert::workbench::JobFault& fault);

private:
    void fail(const JobFault& fault);

    JobBoard& m_board;
    QString m_path;
    Loadable<RunView> m_run;
    QString m_replacedPath; // of the run that stays if the one that is being read cannot be
    std::shared_ptr<const RunView> m_replaced;
};

}
