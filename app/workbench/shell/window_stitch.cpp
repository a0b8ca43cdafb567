// MainWindow: the stitched model of the opened run, measured, written out, and certified.
#include "app/workbench/pages/stitch_page.h"
#include "app/workbench/shell/main_window.h"

#include <QClipboard>
#include <QGuiApplication>

#include <memory>
#include <optional>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

// How the engine ends what it says of a model that is gone, or another one: in the words of an option that the window
// has not.
constexpr QLatin1StringView namingOptions[] = {" Name it with --model."_L1, "; name the right one with --model."_L1};

// Without that end; absent: the model is not what is wrong.
std::optional<QString> withoutOption(const QString& sentence)
{
    for (const QLatin1StringView end : namingOptions)
        if (sentence.endsWith(end))
            return sentence.chopped(end.size());
    return std::nullopt;
}

Loadable<StitchResult> inWordsOfTheWindow(Loadable<StitchResult> result, bool triedOpenModel)
{
    std::optional<QString> text = withoutOption(result.fault.sentence);
    if (!text)
        return result;
    if (!text->endsWith(u'.'))
        *text += u'.';
    result.fault.sentence =
        (triedOpenModel ? MainWindow::tr("Neither what is where the run found its model nor the open model is this "
                                         "run's: %1 Open the right one (Alt+1) and measure again.")
                        : MainWindow::tr("%1 Open that model (Alt+1), wherever it is now, and measure again: it is "
                                         "known by its digest."))
            .arg(*text);
    return result;
}

}

void MainWindow::connectStitchPage()
{
    struct Wanted {
        bool bisect = false;
        bool measureOnly = true;
    };

    const auto wanted = std::make_shared<Wanted>(); // last, to be asked for once more with the open model
    const auto start = [this, wanted](bool bisect, bool measureOnly) {
        *wanted = {bisect, measureOnly};
        stitch(bisect, measureOnly);
    };
    connect(m_stitchPage, &StitchPage::runWanted, this, &MainWindow::chooseRun);
    connect(m_stitchPage, &StitchPage::measureWanted, this, [start](bool bisect) { start(bisect, true); });
    connect(m_stitchPage, &StitchPage::certifyWanted, this, [start] { start(false, false); });
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
    connect(&m_session.stitch, &Asking::changed, this, [this, wanted] {
        const Loadable<StitchResult>& result = m_session.stitch.get();
        if (result.state == Loadable<StitchResult>::State::Failed) {
            const bool triedOpenModel = !m_stitchPage->model().isEmpty();
            m_stitchPage->setModel({});
            if (!triedOpenModel && withoutOption(result.fault.sentence) && m_session.model.card().isReady()) {
                m_stitchPage->setModel(m_session.model.name()); // the engine takes it if its digest is the run's
                QMetaObject::invokeMethod(
                    this, [this, wanted] { stitch(wanted->bisect, wanted->measureOnly); }, Qt::QueuedConnection);
                return;
            }
            m_stitchPage->setResult(inWordsOfTheWindow(result, triedOpenModel));
            refreshRail();
            return;
        }
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
