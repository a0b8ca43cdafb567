// MainWindow: the stitched model of the opened run, measured, written out, and certified.
#include "app/workbench/pages/stitch_page.h"
#include "app/workbench/shell/main_window.h"

#include <QClipboard>
#include <QGuiApplication>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

void MainWindow::connectStitchPage()
{
    connect(m_stitchPage, &StitchPage::runWanted, this, &MainWindow::chooseRun);
    connect(m_stitchPage, &StitchPage::measureWanted, this, [this](bool bisect) { stitch(bisect, true); });
    connect(m_stitchPage, &StitchPage::certifyWanted, this, [this] { stitch(false, false); });
    connect(m_stitchPage, &StitchPage::cancelWanted, this, [this] { m_session.stitch.cancel(); });
    connect(m_stitchPage, &StitchPage::copyWanted, this,
            [this] { QGuiApplication::clipboard()->setText(m_stitchPage->command()); });
    connect(m_stitchPage, &StitchPage::exportWanted, this, &MainWindow::exportView);
    connect(m_stitchPage, &StitchPage::writeWanted, this, [this] {
        const int prompt = m_stitchPage->shownPrompt();
        m_session.stitchText.askEngine(tr("Write with surrogates"), u"generate"_s, m_stitchPage->textParameters(),
                                       [prompt](const Json& answer) { return stitchTextOf(answer, prompt); });
    });
    connect(m_stitchPage, &StitchPage::writeCancelWanted, this, [this] { m_session.stitchText.cancel(); });
    connect(&m_session.stitch, &Asking::changed, this, [this] {
        const Loadable<StitchResult>& result = m_session.stitch.get();
        m_stitchPage->setResult(result);
        refreshRail();
        if (result.isReady() && result.value->isWritten)
            m_session.run.reload(); // which now holds it
    });
    connect(&m_session.stitch, &Asking::progressed, m_stitchPage, &StitchPage::showProgress);
    connect(&m_session.stitchText, &Asking::changed, this,
            [this] { m_stitchPage->setText(m_session.stitchText.get()); });
    connect(&m_session.stitchText, &Asking::progressed, m_stitchPage, &StitchPage::showTextProgress);
}

void MainWindow::stitch(bool bisect, bool measureOnly)
{
    const Loadable<RunView>& run = m_session.run.run();
    if (!run.isReady())
        return;
    m_session.stitch.askEngine(measureOnly ? tr("Stitch %1").arg(run.value->name)
                                           : tr("Certify %1 stitched").arg(run.value->name),
                               u"stitch"_s, m_stitchPage->stitchParameters(bisect, measureOnly),
                               [view = run.value](const Json& answer) { return stitchResultOf(answer, *view); });
}

}
