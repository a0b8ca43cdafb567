// One question to a program and its newest answer: asked again it forgets the older one, and it is read in the
// background.
#pragma once

#include "app/workbench/process/background.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/loadable.h"

#include <QObject>

#include <functional>
#include <memory>
#include <utility>

namespace blockcert::workbench {

// The signals, which a template cannot have.
class Asking : public QObject {
    Q_OBJECT

public:
    using QObject::QObject;

signals:
    void changed();
    void progressed(const blockcert::workbench::JobProgress& progress);
    void stopped(); // cancelled by the user; the state is Empty, or Ready with what there was before
};

// GUI thread; `read` is called in another one and may throw.
template <class T>
class Answer : public Asking {
public:
    using Read = std::function<T(const Json&)>;

    explicit Answer(JobBoard& board, QObject* parent = nullptr)
        : Asking(parent)
        , m_board(board)
    {
    }

    void askTool(const QString& title, const QStringList& arguments, Read read)
    {
        forget();
        begin([&](const JobCallbacks& callbacks) { return m_board.runTool(title, arguments, this, callbacks); },
              std::move(read));
    }

    void askEngine(const QString& title, const QString& method, const Json& parameters, Read read)
    {
        forget();
        begin(
            [&](const JobCallbacks& callbacks) {
                return m_board.askEngine(title, method, parameters, this, callbacks);
            },
            std::move(read));
    }

    void cancel()
    {
        if (m_value.isLoading())
            m_board.cancel(m_value.job);
    }

    void clear()
    {
        forget();
        m_value.clear();
        emit changed();
    }

    // From elsewhere, as if it had been answered.
    void set(T value)
    {
        forget();
        m_value.fill(std::move(value));
        emit changed();
    }

    [[nodiscard]] const Loadable<T>& get() const { return m_value; }

private:
    void forget()
    {
        cancel();
        ++m_request;
    }

    template <class Start>
    void begin(Start start, Read read)
    {
        const quint64 request = m_request;
        JobCallbacks callbacks;
        const auto fail = [this, request](const JobFault& fault) {
            if (request != m_request)
                return;
            m_value.fail(fault);
            emit changed();
        };
        callbacks.failed = fail;
        callbacks.progressed = [this, request](const JobProgress& progress) {
            if (request == m_request)
                emit progressed(progress);
        };
        callbacks.cancelled = [this, request](bool) {
            if (request != m_request)
                return;
            const std::shared_ptr<const T> before = m_value.value;
            m_value.clear();
            if (before)
                m_value.fill(*before);
            emit stopped();
            emit changed();
        };
        callbacks.finished = [this, request, fail, read = std::move(read)](const JsonResult& answer) {
            if (request != m_request)
                return;
            runInBackground<T>(
                this, [answer, read] { return read(*answer); },
                [this, request](T value) {
                    if (request != m_request)
                        return;
                    m_value.fill(std::move(value));
                    emit changed();
                },
                [fail](const QString& sentence) {
                    fail({JobFault::Origin::Protocol,
                          tr("The answer could not be read: %1.").arg(sentence),
                          {},
                          0,
                          false});
                });
        };
        m_value.begin(start(callbacks));
        emit changed();
    }

    JobBoard& m_board;
    Loadable<T> m_value;
    quint64 m_request = 0;
};

}
