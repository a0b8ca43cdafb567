// MainWindow: verifying a run, one certificate, or every run in a folder.
#include "app/workbench/pages/verify_batch.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/process/background.h"
#include "app/workbench/shell/main_window.h"
#include "widgets/state_badge.h"
#include "widgets/status_line.h"

#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QSaveFile>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

// RFC 4180; a field that a spreadsheet would take for a formula is made a text.
QString csvField(QString text)
{
    static const QString formula = u"=+-@\t\r"_s;
    if (!text.isEmpty() && formula.contains(text.front()))
        text.prepend(u'\'');
    text.replace(u'"', u"\"\""_s);
    return u'"' + text + u'"';
}

QByteArray csvOf(const std::vector<BatchItem>& items)
{
    QString text = u"run,verdict,level,checks,failed,not_checked,seconds,sentence\r\n"_s;
    for (const BatchItem& item : items) {
        const widgets::VerdictRow row = verdictRowOf(item);
        const bool isDone = item.verdict != nullptr;
        const QStringList fields{csvField(row.path),
                                 csvField(isDone ? widgets::stateWord(row.state) : MainWindow::tr("No verdict")),
                                 isDone ? QString::number(row.level) : QString(),
                                 isDone ? QString::number(row.checks) : QString(),
                                 isDone ? QString::number(row.failed) : QString(),
                                 isDone ? QString::number(row.notChecked) : QString(),
                                 widgets::isMissing(row.seconds) ? QString() : QString::number(row.seconds, 'g', 6),
                                 csvField(row.sentence)};
        text += fields.join(u',') + u"\r\n"_s;
    }
    return text.toUtf8();
}

}

void MainWindow::connectVerifyPage()
{
    connect(m_verifyPage, &VerifyPage::runWanted, this, &MainWindow::chooseCheck);
    connect(m_verifyPage, &VerifyPage::modelWanted, this, [this] {
        const QString model = askForFile(u"model"_s, tr("Choose the model's file"),
                                         tr("Models (*.gguf *.safetensors *.safetensors.index.json)"));
        if (!model.isEmpty())
            m_verifyPage->setModel(model);
    });
    connect(m_verifyPage, &VerifyPage::policyWanted, this, &MainWindow::choosePolicy);
    connect(m_verifyPage, &VerifyPage::folderWanted, this, &MainWindow::chooseFolderToCheck);
    connect(m_verifyPage, &VerifyPage::batchWanted, &m_session.batch, &VerdictBatch::start);
    connect(m_verifyPage, &VerifyPage::batchCancelWanted, &m_session.batch, &VerdictBatch::cancel);
    connect(m_verifyPage, &VerifyPage::batchItemWanted, this, &MainWindow::showBatchItem);
    connect(m_verifyPage, &VerifyPage::batchSaveWanted, this, &MainWindow::saveBatch);
    connect(&m_session.batch, &VerdictBatch::changed, this, [this] {
        m_verifyPage->showBatch(m_session.batch);
        refreshRail();
    });
    connect(&m_session.batch, &VerdictBatch::itemChanged, this,
            [this](int at) { m_verifyPage->showBatchItem(m_session.batch, at); });
    connect(m_verifyPage, &VerifyPage::placeChanged, this, [this] {
        refreshCrumbs();
        refreshRail();
    });
    connect(&m_session.batch, &VerdictBatch::verified, this,
            [this](const QString& path, const std::shared_ptr<const widgets::VerdictView>& verdict) {
                m_session.verdicts.note(path, *verdict, today());
                learnVerifySpeed({path, m_session.batch.request().level, {}, {}}, *verdict);
                refreshRail();
            });
    connect(m_verifyPage, &VerifyPage::verifyWanted, &m_session.verdict, &VerdictDocument::verify);
    connect(m_verifyPage, &VerifyPage::cancelWanted, &m_session.verdict, &VerdictDocument::cancel);
    connect(m_verifyPage, &VerifyPage::saveWanted, this, &MainWindow::saveVerdict);
    connect(m_verifyPage, &VerifyPage::exploreWanted, this, [this] {
        m_session.run.open(runOf(m_session.verdict.request().path));
        showPage(Explore);
    });
    connect(&m_session.catalogue, &RunCatalogue::changed, this, &MainWindow::refreshVerifyCost);
    connect(m_verifyPage, &VerifyPage::remedyWanted, this, [this](Remedy remedy) { applyRemedy(remedy, Verify); });
}

void MainWindow::choosePolicy()
{
    const QString path = askForFile(u"policy"_s, tr("Choose a policy"), tr("Policies (*.json);;All files (*)"));
    if (!path.isEmpty())
        m_verifyPage->setPolicy(path);
}

void MainWindow::chooseFolderToCheck()
{
    const QString path = askForFolder(u"check"_s, tr("Verify every run in a folder"));
    if (!path.isEmpty())
        checkFolder(path);
}

void MainWindow::showBatchItem(int at)
{
    const BatchItem& item = m_session.batch.items()[static_cast<std::size_t>(at)];
    VerifyRequest request = m_session.batch.request();
    request.path = item.path;
    if (item.verdict)
        m_session.verdict.adopt(request, *item.verdict, item.source);
    else
        m_session.verdict.choose(item.path);
    m_verifyPage->showRun();
    refreshCrumbs();
}

// What checking the chosen run will take, once something is known about it and about this machine.
void MainWindow::refreshVerifyCost()
{
    const VerifyRequest& request = m_session.verdict.request();
    const QString run = runOf(request.path);
    if (!(m_session.run.run().isLoading() && m_session.run.path() == run)) // else it is about to be known
        m_session.catalogue.lookAt(run);
    const RunFacts* facts = m_session.catalogue.of(run);
    m_session.verdict.setCost(run, facts ? std::optional(*facts) : std::nullopt, m_session.preferences.verifySpeeds());
    LevelSeconds seconds;
    seconds.fill(widgets::missing);
    if (facts && run == QDir::cleanPath(request.path))
        seconds = secondsOf(*facts, m_session.preferences.verifySpeeds());
    m_verifyPage->setSeconds(seconds);
}

void MainWindow::learnVerifySpeed(const VerifyRequest& request, const widgets::VerdictView& verdict)
{
    const RunFacts* facts = m_session.catalogue.of(request.path);
    // A check that stopped early says nothing about how long a whole one takes.
    if (!facts || verdict.state == CheckState::Failed || verdict.state == CheckState::NotChecked)
        return;
    VerifySpeeds speeds = m_session.preferences.verifySpeeds();
    learnSpeed(speeds, *facts, verdict.level, verdict.seconds);
    m_session.preferences.setVerifySpeeds(speeds);
    refreshVerifyCost();
}

// Whole or not at all, outside the GUI thread.
void MainWindow::save(const QString& path, const QByteArray& text)
{
    const auto tell = [this, path](const QString& problem) {
        if (problem.isEmpty())
            m_status->say(tr("Saved %1").arg(shortPath(path)));
        else
            warn(this, tr("Save"), problem);
    };
    runInBackground<QString>(
        this,
        [path, text] {
            QSaveFile file(path);
            const bool isSaved = file.open(QIODevice::WriteOnly) && file.write(text) == text.size() && file.commit();
            return isSaved ? QString() : tr("%1 could not be written (%2).").arg(path, file.errorString());
        },
        tell, tell);
}

void MainWindow::saveVerdict()
{
    if (!m_session.verdict.source())
        return;
    const QString path = QFileDialog::getSaveFileName(
        this, tr("Save the verdict"), m_session.preferences.lastFolder(u"verdict"_s) + u"/verdict.json"_s,
        tr("JSON (*.json)"));
    if (path.isEmpty())
        return;
    m_session.preferences.setLastFolder(u"verdict"_s, QFileInfo(path).absolutePath());
    save(path, QByteArray::fromStdString(writeJson(*m_session.verdict.source())));
}

void MainWindow::saveBatch()
{
    const QString path = QFileDialog::getSaveFileName(
        this, tr("Save the verdicts"), m_session.preferences.lastFolder(u"verdict"_s) + u"/verdicts.csv"_s,
        tr("CSV (*.csv)"));
    if (path.isEmpty())
        return;
    m_session.preferences.setLastFolder(u"verdict"_s, QFileInfo(path).absolutePath());
    save(path, csvOf(m_session.batch.items()));
}

}
