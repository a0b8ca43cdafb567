#include "app/workbench/session/model_document.h"

#include "app/workbench/process/background.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/json_values.h"

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

ModelDocument::ModelDocument(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
}

void ModelDocument::open(const QString& model)
{
    cancel();
    m_name = model;
    m_card.clear();
    reload();
}

void ModelDocument::reload()
{
    auto job = std::make_shared<JobId>(0);
    const auto isCurrent = [this, job] { return m_card.job == *job && m_card.isLoading(); };
    const auto fail = [this, isCurrent](const JobFault& fault) {
        if (!isCurrent())
            return;
        m_card.fail(fault);
        emit changed();
    };
    JobCallbacks callbacks;
    callbacks.finished = [this, isCurrent, fail](const JsonResult& answer) {
        if (!isCurrent())
            return;
        runInBackground<widgets::ModelCard>(
            this, [answer] { return modelCardOf(*answer); },
            [this, isCurrent](widgets::ModelCard card) {
                if (!isCurrent())
                    return;
                m_card.fill(std::move(card));
                emit changed();
                emit opened(m_name, m_card.value->name);
            },
            [fail](const QString& sentence) {
                fail({JobFault::Origin::Protocol, tr("The model could not be shown: %1.").arg(sentence), {}, 0, false});
            });
    };
    callbacks.failed = fail;
    callbacks.cancelled = [this, isCurrent](bool) {
        if (!isCurrent())
            return;
        m_card.clear();
        emit changed();
    };
    *job = m_board.askEither(tr("Open model"), u"open"_s, {{"model", m_name.toStdString()}},
                             {u"open"_s, m_name, u"--json"_s}, this, callbacks);
    m_card.begin(*job);
    emit changed();
}

void ModelDocument::cancel()
{
    if (m_card.isLoading())
        m_board.cancel(m_card.job);
}

}
