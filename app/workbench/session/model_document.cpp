#include "app/workbench/session/model_document.h"

#include "app/workbench/process/background.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/json_values.h"

#include <utility>

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
    m_asked = model;
    if (!m_card.isReady()) {
        m_name = model;
        m_card.clear();
    }
    reload();
}

void ModelDocument::reload()
{
    cancel();
    const bool replaces = m_card.isReady();
    Loadable<widgets::ModelCard>& place = replaces ? m_next : m_card;
    auto job = std::make_shared<JobId>(0);
    const auto isCurrent = [&place, job] { return place.job == *job && place.isLoading(); };
    const auto fail = [this, isCurrent, replaces](const JobFault& fault) {
        if (!isCurrent())
            return;
        if (replaces) {
            m_next.clear();
            emit refused(m_asked, fault);
        } else {
            m_card.fail(fault);
            emit changed();
        }
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
                m_next.clear();
                m_name = m_asked;
                m_card.fill(std::move(card));
                emit changed();
                emit opened(m_name, m_card.value->name);
            },
            [fail](const QString& sentence) {
                fail({JobFault::Origin::Protocol, tr("The model could not be shown: %1.").arg(sentence), {}, 0, false});
            });
    };
    callbacks.failed = fail;
    callbacks.cancelled = [this, &place, isCurrent, replaces](bool) {
        if (!isCurrent())
            return;
        place.clear();
        if (replaces)
            emit replacing({});
        else
            emit changed();
    };
    *job = m_board.askEither(tr("Open model"), u"open"_s, {{"model", m_asked.toStdString()}},
                             {u"open"_s, m_asked, u"--json"_s}, this, callbacks);
    place.begin(*job);
    if (replaces)
        emit replacing(m_asked);
    else
        emit changed();
}

void ModelDocument::cancel()
{
    if (m_card.isLoading())
        m_board.cancel(m_card.job);
    if (m_next.isLoading()) {
        m_board.cancel(std::exchange(m_next, {}).job);
        emit replacing({});
    }
}

}
