// MainWindow: what is asked about the failures of the opened run, of `blockcert failures` and of the engine.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/failure_details.h"
#include "app/workbench/pages/failure_view.h"
#include "app/workbench/shell/main_window.h"

#include <QStandardPaths>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

void MainWindow::connectFailures()
{
    FailureDetails& details = m_explorePage->failureDetails();
    FailureView& view = m_explorePage->failureView();
    connect(&view, &FailureView::anatomyWanted, this, [this] {
        const Loadable<RunView>& run = m_session.run.run();
        if (!run.isReady())
            return;
        // The answer is what counts; its files lie in the cache, for a run is only read here.
        const QString out = QStandardPaths::writableLocation(QStandardPaths::CacheLocation) + u"/failures"_s;
        m_session.anatomy.askTool(tr("Look into failures"),
                                  {u"failures"_s, run.value->path, u"--json"_s, u"--out"_s, out}, failureAnatomyOf);
    });
    connect(&details, &FailureDetails::minimiseWanted, this, [this](int prompt, int block) {
        const Loadable<RunView>& run = m_session.run.run();
        if (!run.isReady())
            return;
        m_session.minimised.askEngine(
            tr("Minimise a prompt"), u"minimise"_s,
            {{"run", run.value->path.toStdString()}, {"minimise", std::to_string(prompt)}, {"block", block}},
            minimisedPromptOf);
    });
    connect(&details, &FailureDetails::minimiseCancelWanted, this, [this] { m_session.minimised.cancel(); });
    connect(&view, &FailureView::anatomyCancelWanted, this, [this] { m_session.anatomy.cancel(); });
    connect(&m_session.anatomy, &Asking::changed, this,
            [this] { m_explorePage->failureView().setAnatomy(m_session.anatomy.get()); });
    connect(&m_session.minimised, &Asking::changed, this,
            [this] { m_explorePage->failureDetails().setMinimised(m_session.minimised.get()); });
    connect(&m_session.minimised, &Asking::progressed, this,
            [this](const JobProgress& progress) { m_explorePage->failureDetails().showMinimising(progress); });
}

// What was asked about another run.
void MainWindow::forgetFailures()
{
    using State = Loadable<FailureAnatomy>::State;
    const QString path = m_session.run.path();
    if (m_session.anatomy.get().state != State::Empty &&
        (!m_session.anatomy.get().isReady() || m_session.anatomy.get().value->run != path))
        m_session.anatomy.clear();
    if (m_session.run.run().isLoading() && m_session.minimised.get().state != Loadable<MinimisedPrompt>::State::Empty)
        m_session.minimised.clear();
}

}
