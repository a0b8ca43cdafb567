// EditDesk: sweeps, and where the texts to be labelled come from.
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/edit_stack_view.h"
#include "app/workbench/pages/label_view.h"
#include "app/workbench/pages/markers_dialog.h"
#include "app/workbench/pages/sweep_form.h"
#include "app/workbench/pages/sweep_view.h"
#include "app/workbench/process/background.h"
#include "app/workbench/process/json_reading.h"
#include "app/workbench/shell/edit_desk.h"
#include "app/workbench/shell/session.h"

#include <QCryptographicHash>
#include <QFileDialog>
#include <QFileInfo>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

// What may stand in a file's name.
QString nameOf(QString text)
{
    for (QChar& c : text)
        if (!c.isLetterOrNumber() && c != u'-' && c != u'.')
            c = u'-';
    return text;
}

LabelSource rowSource(const QString& folder, const QString& file, const QString& path)
{
    const Json json = readJsonFile(folder + u'/' + file);
    return {sweepRowText(sweepRowOf(json)), folder + u'/' + file, path, labelItemsOfSweepRow(json)};
}

}

void EditDesk::connectSweep()
{
    SweepView& view = m_page.sweepView();
    connect(&m_session.sweep, &SweepBoard::changed, this, [this] {
        m_page.sweepView().setOut(freshSweepOut());
        emit changed();
    });
    connect(&view, &SweepView::editWanted, this, &EditDesk::takeFromSweep);
    connect(&view, &SweepView::labelsWanted, this, &EditDesk::labelRow);
    connect(&view, &SweepView::preambleWanted, this, [this] {
        const QString path = askForFile(u"preamble"_s, tr("A preamble"), tr("Preambles (*.json)"));
        if (!path.isEmpty())
            m_page.sweepView().form().addPreamble(path);
    });
    connect(&view, &SweepView::copyWanted, this, &EditDesk::copyCommand);
    connect(&view, &SweepView::outWanted, this, [this] { m_page.sweepView().setOut(freshSweepOut()); });
    connect(&view, &SweepView::folderWanted, this, [this] {
        const QString folder = QFileDialog::getExistingDirectory(&m_window, tr("A folder of a sweep"),
                                                                 m_session.preferences.lastFolder(u"sweep"_s));
        if (folder.isEmpty())
            return;
        m_session.preferences.setLastFolder(u"sweep"_s, QFileInfo(folder).absolutePath());
        m_session.sweep.open(folder);
    });
}

QString EditDesk::freshSweepOut() const
{
    const EditLab& lab = m_session.editLab;
    if (!lab.model())
        return {};
    const QString folder = m_session.preferences.engineIsRemote() ? m_session.preferences.remoteRunFolder()
                                                                  : m_session.preferences.runFolder();
    const QString base = u"%1/sweeps/%2-%3"_s.arg(folder, nameOf(lab.model()->name),
                                                  nameOf(QFileInfo(lab.settings().prompts).completeBaseName()));
    QString path = base;
    for (int i = 2; QFileInfo::exists(path); ++i)
        path = u"%1-%2"_s.arg(base).arg(i);
    return path;
}

void EditDesk::takeFromSweep(int block, double alpha, const QString& target, const QString& condition)
{
    EditLab& lab = m_session.editLab;
    LabSettings settings = lab.settings();
    if (condition == "none"_L1 || condition == "system"_L1 || condition == "few-shot"_L1)
        settings.condition = condition;
    lab.setSettings(settings);
    EditStep step;
    step.block = block;
    step.operation = target == "attention"_L1 ? EditOperation::ScaleAttention : EditOperation::ScaleMlp;
    step.strength = alpha;
    lab.edits().replace({step}, tr("Take %1 from the sweep").arg(stepSentence(step)));
}

void EditDesk::connectLabels()
{
    LabelView& view = m_page.labelView();
    connect(&view, &LabelView::labWanted, this, &EditDesk::labelLab);
    connect(&view, &LabelView::certificateWanted, this, &EditDesk::labelCertificate);
    connect(&view, &LabelView::loadWanted, this, [this] {
        const QString path = askForFile(u"labels"_s, tr("Labels"), tr("Labels (*.csv)"));
        if (!path.isEmpty())
            m_session.labels.load(path);
    });
    connect(&m_session.labelSource, &Asking::changed, this, [this] {
        const Loadable<LabelSource>& source = m_session.labelSource.get();
        if (source.isReady())
            setLabelSource(*source.value);
        else if (source.state == Loadable<LabelSource>::State::Failed)
            m_session.labels.report(source.fault.sentence);
    });
}

// The lists as they were used where there are texts; else as the engine reads them.
void EditDesk::showMarkers()
{
    const auto completions = m_session.editLab.shown().completions;
    if (completions && !(completions->markers.refusal.isEmpty() && completions->markers.harmful.isEmpty())) {
        (new MarkersDialog(completions->markers, completions.get(), &m_window))->open();
        return;
    }
    m_chosenMarkers.clear();
    readMarkers(m_session.editLab.settings().markers);
}

// A file is taken once it has been read: what is wrong with it is said at once.
void EditDesk::chooseMarkers(const QString& path)
{
    if (path.isEmpty())
        return;
    m_chosenMarkers = path;
    readMarkers(path);
}

void EditDesk::readMarkers(const QString& path)
{
    Json parameters = Json::object();
    if (!path.isEmpty())
        parameters["markers"] = path.toStdString();
    m_session.editMarkers.askEngine(tr("Read marker lists"), u"read_markers"_s, parameters, markerTableOf);
}

void EditDesk::markersRead()
{
    const Loadable<MarkerTable>& read = m_session.editMarkers.get();
    m_page.stackView().setPatchProblem(read.fault.sentence);
    if (!read.isReady())
        return;
    if (const QString path = std::exchange(m_chosenMarkers, {}); !path.isEmpty())
        m_page.stackView().setChoice(u"markers"_s, path);
    else
        (new MarkersDialog(*read.value, nullptr, &m_window))->open();
}

QString EditDesk::labelPath(const QString& name) const
{
    return u"%1/labels/%2.csv"_s.arg(m_session.preferences.runFolder(), nameOf(name));
}

void EditDesk::setLabelSource(LabelSource source)
{
    const Loadable<widgets::PromptList>& prompts = m_session.editPrompts.get();
    if (prompts.value)
        for (LabelItem& item : source.items)
            for (const widgets::PromptRow& prompt : prompts.value->prompts)
                if (prompt.id == item.prompt)
                    item.question = prompt.rendered;
    m_session.labels.setSource(std::move(source));
    m_page.showView(EditPage::Labels);
}

// The file's name is the state's, so that the same completions find their labels again.
void EditDesk::labelLab()
{
    const EditLab& lab = m_session.editLab;
    const EditEffect effect = lab.shown();
    if (!effect.completions) {
        m_session.labels.report(tr("There are no completions of the stack as it is; complete the prompts in the lab."));
        return;
    }
    QStringList words;
    for (const EditStep& step : enabledSteps(lab.edits().stack()))
        words << stepSentence(step);
    const QByteArray hash = QCryptographicHash::hash(lab.stateKey().toUtf8(), QCryptographicHash::Sha256).toHex();
    setLabelSource({words.join(u", "_s), lab.stateKey(),
                    labelPath(u"lab-%1-%2"_s.arg(lab.model()->name, QString::fromLatin1(hash.left(8)))),
                    labelItemsOf(*effect.completions)});
}

void EditDesk::labelRow(const QString& folder, const QString& file)
{
    const QString path = labelPath(u"%1-%2"_s.arg(QFileInfo(folder).fileName(), QFileInfo(file).completeBaseName()));
    runInBackground<LabelSource>(
        this, [folder, file, path] { return rowSource(folder, file, path); },
        [this](LabelSource source) { setLabelSource(std::move(source)); },
        [this](const QString& sentence) { m_session.labels.report(sentence); });
}

void EditDesk::labelCertified(const CertifiedEdit& edit)
{
    const QString run = QFileInfo(edit.run).completeBaseName();
    setLabelSource({edit.steps.join(u", "_s) + u" · "_s + QFileInfo(edit.run).fileName(), edit.run + u'\n' + edit.name,
                    labelPath(u"%1-%2"_s.arg(run, edit.name)), labelItemsOf(*edit.effect.completions)});
}

void EditDesk::labelCertificate()
{
    const QString run = QFileDialog::getExistingDirectory(&m_window, tr("A run with an edit in it"),
                                                          m_session.preferences.lastFolder(u"run"_s));
    if (run.isEmpty())
        return;
    m_session.preferences.setLastFolder(u"run"_s, QFileInfo(run).absolutePath());
    m_session.labelSource.askTool(
        tr("Read the run's edits"), {u"show"_s, run, u"--json"_s},
        [run, labels = m_session.preferences.runFolder() + u"/labels/"_s](const Json& shown) {
            const Json& edits = arrayOf(shown, "edits");
            if (edits.empty())
                throw FormatError("the run holds no edit");
            const Json& edit = edits.back();
            const QString name = textOf(edit, "name");
            const QFileInfo folder(run);
            return LabelSource{textsOf(edit, "edits").join(u", "_s) + u" · "_s + folder.fileName(), run + u'\n' + name,
                               labels + nameOf(u"%1-%2"_s.arg(folder.completeBaseName(), name)) + u".csv"_s,
                               labelItemsOfEdit(edit)};
        });
}

}
