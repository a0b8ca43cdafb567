#include "app/workbench/shell/edit_desk.h"

#include "app/workbench/pages/edit_board.h"
#include "app/workbench/pages/edit_board_text.h"
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

#include <algorithm>
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
    connectCertificates();
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
        if (what == "markers"_L1) {
            chooseMarkers(askForFile(u"markers"_s, tr("Marker lists"), tr("Marker lists (*.json)")));
            return;
        }
        const QString path =
            what == "condition"_L1
                ? askForFile(u"preamble"_s, tr("A preamble"), tr("Preambles (*.json)"))
                : askForFile(u"prompts"_s, tr("Choose a prompt file"), tr("Prompts (*.jsonl *.txt *.csv)"));
        if (!path.isEmpty())
            m_page.stackView().setChoice(what, path);
    });
    connect(&m_page, &EditPage::markersWanted, this, &EditDesk::showMarkers);
    connect(&m_session.editMarkers, &Asking::changed, this, &EditDesk::markersRead);
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
            setDone(*done.value, {});
    });
    for (Asking* work : std::initializer_list<Asking*>{&m_session.editIssue, &m_session.editExport})
        connect(work, &Asking::progressed, this, [this](const JobProgress& progress) {
            const QString stage = stageText(progress);
            m_page.editSide().setIssuing(true, m_what.isEmpty() ? stage : m_what + u'\n' + stage);
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
    QStringList steps;
    for (const EditStep& step : enabledSteps(m_session.editLab.edits().stack()))
        steps << stepSentence(step);
    m_what = steps.join(u", "_s);
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
        setDone(tr("Copied. The patch is %1.").arg(*patch.value), m_key);
        return;
    }
    m_parameters["patch"] = patch.value->toStdString();
    m_session.editIssue.askEngine(tr("Certify an edit"), u"edit"_s, m_parameters,
                                  [](const Json& answer) { return issuedEditOf(answer); });
}

void EditDesk::issued()
{
    const Loadable<IssuedEdit>& answer = m_session.editIssue.get();
    showWork(answer.isLoading(), answer.fault, tr("Certifying %1 …").arg(m_what));
    if (!answer.isReady())
        return;
    IssuedEdit edit = *answer.value;
    edit.key = m_key;
    m_issued.push_back(edit);
    m_keep.start();
    setDone(edit.wasThere ? tr("%1: already in %2 as %3; nothing was done.").arg(edit.sentence, edit.run, edit.name)
                          : tr("%1: certified as %2 in %3, by the run's word; Check recomputes it.")
                                .arg(edit.sentence, edit.name, edit.run),
            edit.key);
    refreshIssued();
    emit runMade(edit.run, edit.sentence);
}

void EditDesk::setDone(const QString& sentence, const QString& key)
{
    m_done = sentence;
    m_doneKey = key;
    refreshDone();
}

// A receipt of numbers beside a sentence about another edit would be read as one.
void EditDesk::refreshDone()
{
    if (m_done.isEmpty() || isIssuing())
        return;
    const bool isOfNow = m_doneKey.isEmpty() || m_doneKey == m_session.editLab.stateKey();
    m_page.editSide().setDone(isOfNow ? m_done : tr("%1 The stack above is another one now.").arg(m_done));
}

const IssuedEdit* EditDesk::issuedOfNow() const
{
    const QString key = m_session.editLab.stateKey();
    const auto found = std::ranges::find(m_issued.rbegin(), m_issued.rend(), key, &IssuedEdit::key);
    return found == m_issued.rend() ? nullptr : &*found;
}

void EditDesk::refreshIssued()
{
    m_page.editSide().setIssued(m_issued, issuedOfNow() != nullptr);
    refreshDone();
}

void EditDesk::showWork(bool isLoading, const JobFault& fault, const QString& stage)
{
    m_done.clear();
    m_page.editSide().setProblem(isLoading ? QString() : fault.sentence);
    m_page.editSide().setIssuing(isLoading, stage);
    emit changed();
}

void EditDesk::exportModel()
{
    const IssuedEdit* certified = issuedOfNow();
    if (!certified || isIssuing())
        return;
    const IssuedEdit edit = *certified;
    m_what = edit.sentence;
    QString folder = edit.run;
    if (folder.endsWith(".blockcert"_L1))
        folder.chop(10);
    auto* dialog = new CheckpointDialog(edit, folder + u"-model"_s, &m_window);
    connect(dialog, &QDialog::accepted, this, [this, dialog, edit] {
        m_session.editExport.askEngine(
            tr("Export an edited model"), u"export_model"_s,
            exportParameters(edit, m_session.editLab.settings().model, dialog->out(), dialog->dtype()),
            [out = dialog->out(), what = edit.sentence](const Json& answer) {
                const Json& difference = objectOf(answer, "difference");
                return tr("%4: the edited model is in %1. Its state before the final norm departs from the edit as "
                          "measured by at most %2, "
                          "where the largest is %3 long.")
                    .arg(out, widgets::tableNumber(numberOf(difference, "largest")),
                         widgets::tableNumber(numberOf(difference, "largest_norm")), what);
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
        setDone(tr("Copied."), m_session.editLab.stateKey());
    else
        writePatch(request, Purpose::Copy);
}

}
