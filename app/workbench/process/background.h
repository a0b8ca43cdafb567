// Work outside the GUI thread whose result comes back to it.
#pragma once

#include "engine/base/error.h"

#include <QMetaObject>
#include <QPointer>
#include <QString>
#include <QThreadPool>
#include <QTimer>

#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace blockcert::workbench {

// Lets go of a large value outside the GUI thread, for to destroy it takes longer than a frame: a moment later, when
// views and answers that are under way have let go of it too.
inline void releaseLater(QObject* context, std::shared_ptr<const void> value)
{
    constexpr int momentMs = 2000;
    QTimer::singleShot(momentMs, context, [value = std::move(value)]() mutable {
        QThreadPool::globalInstance()->start([last = std::move(value)] {});
    });
}

// Runs `work` in the thread pool, then `done` or `failed` (with the sentence of what was thrown) in the context's
// thread, or neither if the context is gone by then. `work` must not touch the context.
template <class Result>
void runInBackground(QObject* context, std::function<Result()> work, std::function<void(Result)> done,
                     std::function<void(const QString&)> failed)
{
    QPointer<QObject> alive(context);
    QObject* receiver = new QObject; // carries the answer across; lives in the context's thread
    receiver->moveToThread(context->thread());
    QThreadPool::globalInstance()->start(
        [receiver, alive, work = std::move(work), done = std::move(done), failed = std::move(failed)] {
            std::shared_ptr<Result> result;
            QString sentence;
            try {
                result = std::make_shared<Result>(work());
            } catch (const std::exception& error) {
                sentence = QString::fromUtf8(error.what());
            }
            QMetaObject::invokeMethod(
                receiver,
                [receiver, alive, done, failed, result, sentence] {
                    receiver->deleteLater();
                    if (!alive)
                        return;
                    if (result)
                        done(std::move(*result));
                    else
                        failed(sentence);
                },
                Qt::QueuedConnection);
        });
}

}
