#include "app/workbench/shell/edit_desk.h"

#include "app/workbench/pages/edit_board.h"
#include "app/workbench/pages/edit_dialog.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/edit_side.h"
#include "app/workbench/pages/edit_stack_view.h"
#include "app/workbench/pages/label_view.h"
#include "app/workbench/pages/sweep_form.h"
#include "app/workbench/pages/sweep_view.h"
#include "app/workbench/process/background.h"
#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
#include "app/workbench/shell/session.h"
#include "widgets/number_text.h"

#include <QClipboard>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

EditDesk::EditDesk(Session& session, EditPage& page, QWidget& window,
                   std::function<QString(const QString&, const QString&)> remoteOut)
    : m_session(session)
    , m_page(page)
    , m_window(window)
    , m_remoteOut(std::move(remoteOut))
{
    connectPage();
    connectWork();
    connectSweep();
    connectLabels();
    connectStacks();
}

void EditDesk::connectPage()
{
    connect(&m_session.editLab, &EditLab::changed, this, [this] {
        refreshIssued();
        refreshPrompts();
        emit changed();
    });
    connect(&m_page, &EditPage::fileWanted, this, [this](int id) {
        const QString path = askForFile(u"edit"_s, tr("A direction or factors"), tr("Tensors (*.safetensors *.npz)"));
        if (!path.isEmpty())
            m_page.stackView().setFile(id, path);
    });
    connect(&m_page, &EditPage::choiceFileWanted, this, [this](const QString& what) {
        const QString path =
            what == "condition"_L1
                ? askForFile(u"preamble"_s, tr("A preamble"), tr("Preambles (*.json)"))
                : askForFile(u"prompts"_s, tr("Choose a prompt file"), tr("Prompts (*.jsonl *.txt *.csv)"));
        if (!path.isEmpty())
            m_page.stackView().setChoice(what, path);
    });
    EditSide& side = m_page.editSide();
    connect(&side, &EditSide::certifyWanted, this, &EditDesk::certify);
    connect(&side, &EditSide::exportWanted, this, &EditDesk::exportModel);
    connect(&side, &EditSide::copyWanted, this, &EditDesk::copyCommand);
    connect(&side, &EditSide::checkWanted, this, &EditDesk::checkWanted);
    connect(&side, &EditSide::cancelWanted, this, [this] {
        m_session.editPatch.cancel();
        m_session.editIssue.cancel();
        m_session.editExport.cancel();
    });
}

void EditDesk::connectWork()
{
    connect(&m_session.editPrompts, &Asking::changed, this, [this] {
        const Loadable<widgets::PromptList>& prompts = m_session.editPrompts.get();
        m_page.setPrompts(prompts.isReady() ? prompts.value : nullptr);
    });
    connect(&m_session.editPatch, &Asking::changed, this, &EditDesk::patchWritten);
    connect(&m_session.editIssue, &Asking::changed, this, &EditDesk::issued);
    connect(&m_session.editExport, &Asking::changed, this, [this] {
        const Loadable<QString>& done = m_session.editExport.get();
        showWork(done.isLoading(), done.fault, tr("Writing the model …"));
        if (done.isReady())
            m_page.editSide().setDone(*done.value);
    });
    for (Asking* work : std::initializer_list<Asking*>{&m_session.editIssue, &m_session.editExport})
        connect(work, &Asking::progressed, this, [this](const JobProgress& progress) {
            m_page.editSide().setIssuing(true, progress.total > 0
                                                   ? tr("%1: %2 of %3 %4")
                                                         .arg(progress.stage, widgets::countText(progress.done),
                                                              widgets::countText(progress.total), progress.unit)
                                                   : progress.stage);
        });
}

bool EditDesk::isBusy() const
{
    return m_session.sweep.isRunning() || isIssuing();
}

bool EditDesk::isIssuing() const
{
    return m_session.editPatch.get().isLoading() || m_session.editIssue.get().isLoading() ||
           m_session.editExport.get().isLoading();
}

QString EditDesk::askForFile(const QString& kind, const QString& title, const QString& filter)
{
    const QString path = QFileDialog::getOpenFileName(&m_window, title, m_session.preferences.lastFolder(kind), filter);
    if (!path.isEmpty())
        m_session.preferences.setLastFolder(kind, QFileInfo(path).absolutePath());
    return path;
}

// Asked for once per model and set.
void EditDesk::refreshPrompts()
{
    const EditLab& lab = m_session.editLab;
    const LabSettings& settings = lab.settings();
    const QString wanted = lab.model() && m_page.isVisible() ? settings.model + u'\n' + settings.prompts : QString();
    if (wanted.isEmpty() || wanted == m_prompts)
        return;
    m_prompts = wanted;
    const auto read = [tokenizer = lab.model()->tokenizer](const Json& answer) {
        return promptListOf(answer, tokenizer);
    };
    if (m_session.preferences.engineIsRemote()) // where the files are
        m_session.editPrompts.askEngine(
            tr("Encode prompts"), u"tokenize"_s,
            {{"model", settings.model.toStdString()}, {"prompts", settings.prompts.toStdString()}}, read);
    else
        m_session.editPrompts.askTool(
            tr("Encode prompts"), {u"tokenize"_s, settings.model, u"--prompts"_s, settings.prompts, u"--json"_s}, read);
}

QString EditDesk::freshOut() const
{
    const LabSettings& settings = m_session.editLab.settings();
    const QString prompts = QFileInfo(settings.prompts).completeBaseName() + u"-edit"_s;
    if (m_session.preferences.engineIsRemote())
        return m_remoteOut(prompts, settings.dtype);
    return freshRunPath(m_session.preferences.runFolder(), m_session.editLab.model()->name, prompts, settings.dtype,
                        m_session.queue.folders() << m_session.launcher.running().out);
}

bool EditDesk::canCertify() const
{
    const EditLab& lab = m_session.editLab;
    return lab.model() && !enabledSteps(lab.edits().stack()).empty() && lab.obstacle().isEmpty() && !isIssuing();
}

void EditDesk::certify()
{
    if (!canCertify())
        return;
    // Labels of this very state are part of it.
    const LabelBook& book = m_session.labels;
    const bool hasLabels = book.source().key == m_session.editLab.stateKey() && !book.annotators().isEmpty();
    auto* dialog = new CertifyDialog(m_page.board().scope().what, freshOut(),
                                     hasLabels ? book.source().path : QString(), &m_window);
    connect(dialog, &QDialog::accepted, this, [this, dialog] { writePatch(dialog->request(), Purpose::Certify); });
    dialog->open();
}

// The state of the lab at this moment is what the patch, and then the certificate, is of.
void EditDesk::writePatch(const IssueRequest& request, Purpose purpose)
{
    m_purpose = purpose;
    m_key = m_session.editLab.stateKey();
    const QString patch = patchPathOf(request.out);
    m_parameters = issueParameters(m_session.editLab, request, patch);
    m_session.editPatch.askEngine(tr("Write the patch"), u"write_patch"_s, patchParameters(m_session.editLab, patch),
                                  [](const Json& answer) { return QString::fromStdString(answer.at("path")); });
}

void EditDesk::patchWritten()
{
    const Loadable<QString>& patch = m_session.editPatch.get();
    showWork(patch.isLoading(), patch.fault, tr("Writing the patch …"));
    if (!patch.isReady())
        return;
    if (m_purpose == Purpose::Copy) {
        m_page.editSide().setDone(tr("Copied. The patch is %1.").arg(*patch.value));
        return;
    }
    m_parameters["patch"] = patch.value->toStdString();
    m_session.editIssue.askEngine(tr("Certify an edit"), u"edit"_s, m_parameters,
                                  [](const Json& answer) { return issuedEditOf(answer); });
}

void EditDesk::issued()
{
    const Loadable<IssuedEdit>& answer = m_session.editIssue.get();
    showWork(answer.isLoading(), answer.fault, tr("Certifying …"));
    if (!answer.isReady())
        return;
    IssuedEdit edit = *answer.value;
    edit.key = m_key;
    m_issued.push_back(edit);
    m_page.editSide().setDone(
        edit.wasThere ? tr("This edit was already in %1; nothing was done.").arg(edit.run)
                      : tr("Certified as %1 in %2, by the run's word; Check recomputes it.").arg(edit.name, edit.run));
    refreshIssued();
    emit runMade(edit.run, edit.sentence);
}

void EditDesk::refreshIssued()
{
    m_page.editSide().setIssued(m_issued, !m_issued.empty() && m_issued.back().key == m_session.editLab.stateKey());
}

void EditDesk::showWork(bool isLoading, const JobFault& fault, const QString& stage)
{
    m_page.editSide().setProblem(isLoading ? QString() : fault.sentence);
    m_page.editSide().setIssuing(isLoading, stage);
    emit changed();
}

void EditDesk::exportModel()
{
    if (m_issued.empty() || isIssuing())
        return;
    const IssuedEdit edit = m_issued.back();
    QString folder = edit.run;
    if (folder.endsWith(".blockcert"_L1))
        folder.chop(10);
    auto* dialog = new CheckpointDialog(edit, folder + u"-model"_s, &m_window);
    connect(dialog, &QDialog::accepted, this, [this, dialog, edit] {
        m_session.editExport.askEngine(
            tr("Export an edited model"), u"export_model"_s,
            exportParameters(edit, m_session.editLab.settings().model, dialog->out(), dialog->dtype()),
            [out = dialog->out()](const Json& answer) {
                const Json& difference = objectOf(answer, "difference");
                return tr("The edited model is in %1. Its state before the final norm departs from the edit as "
                          "measured by at most %2, "
                          "where the largest is %3 long.")
                    .arg(out, widgets::tableNumber(numberOf(difference, "largest")),
                         widgets::tableNumber(numberOf(difference, "largest_norm")));
            });
    });
    dialog->open();
}

void EditDesk::copyCommand()
{
    if (m_page.view() == EditPage::Sweep) {
        QGuiApplication::clipboard()->setText(m_page.sweepView().form().command());
        return;
    }
    if (!canCertify())
        return;
    const IssueRequest request{freshOut(), {}, true};
    QGuiApplication::clipboard()->setText(issueCommand(m_session.editLab, request));
    if (editOptions(m_session.editLab.edits().stack()))
        m_page.editSide().setDone(tr("Copied."));
    else
        writePatch(request, Purpose::Copy);
}

}
