// EditDesk: stacks that come from files, and that outlive the window.
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/edit_stack_view.h"
#include "app/workbench/session/saved_lab.h"
#include "app/workbench/shell/edit_desk.h"
#include "app/workbench/shell/session.h"

#include <QFileInfo>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr int keepMs = 300; // a drag is written down once

}

void EditDesk::connectStacks()
{
    EditLab& lab = m_session.editLab;
    m_keep.setSingleShot(true);
    m_keep.setInterval(keepMs);
    connect(&m_keep, &QTimer::timeout, this, [this] {
        m_session.preferences.setSavedLab(savedLabText(
            m_session.editLab, m_session.sweep.asked() ? m_session.sweep.asked() : m_savedSweep, m_issued));
        emit kept();
    });
    if (std::optional<SavedLab> saved = savedLabOf(m_session.preferences.savedLab())) {
        m_issued = std::move(saved->issued);
        m_savedSweep = std::move(saved->sweep);
    }
    if (!m_session.preferences.engineIsRemote())
        std::erase_if(m_issued, [](const IssuedEdit& edit) { return !QFileInfo::exists(edit.run); });
    refreshIssued();
    connect(&m_session.sweep, &SweepBoard::askedToRun, this, [this] { m_keep.start(); });
    connect(&lab, &EditLab::changed, this, &EditDesk::restoreStacks);
    connect(&lab, &EditLab::settled, this, [this] {
        if (m_session.editLab.model() && m_restoredModel == m_session.editLab.settings().model)
            m_keep.start();
    });
    connect(&m_page, &EditPage::patchWanted, this, &EditDesk::choosePatch);
    connect(&m_session.editOpened, &Asking::changed, this, [this] {
        const Loadable<OpenedPatch>& patch = m_session.editOpened.get();
        m_page.stackView().setPatchProblem(patch.fault.sentence);
        if (!patch.isReady())
            return;
        m_session.preferences.addRecentPatch({patch.value->path, QFileInfo(patch.value->path).fileName()});
        refreshRecent();
        m_session.editLab.edits().replace(patch.value->steps,
                                          tr("Open %1").arg(QFileInfo(patch.value->path).fileName()));
    });
    refreshRecent();
}

// Once for each model that is opened: its stacks, if they are those that were left last.
void EditDesk::restoreStacks()
{
    EditLab& lab = m_session.editLab;
    if (!lab.model() || lab.settings().model == m_restoredModel)
        return;
    m_restoredModel = lab.settings().model;
    const std::optional<SavedLab> saved = savedLabOf(m_session.preferences.savedLab());
    const bool isUntouched = lab.edits().stack(0).empty() && lab.edits().stack(1).empty();
    if (saved && saved->settings.model == m_restoredModel && isUntouched && !saved->isEmpty()) {
        lab.setSettings(saved->settings);
        lab.edits().restore(saved->stacks, saved->slot);
    }
    restoreSweep();
    if (const QString path = std::exchange(m_waitingPatch, {}); !path.isEmpty()) {
        emit shown();
        openPatch(path);
    }
}

// One of this model that is neither finished nor gone. On another machine nobody can look.
void EditDesk::restoreSweep()
{
    if (!m_savedSweep || m_savedSweep->settings.model != m_restoredModel || m_session.sweep.table() ||
        m_session.sweep.isReading() || m_session.preferences.engineIsRemote())
        return;
    const QString folder = m_savedSweep->spec.out + u'/';
    if (QFileInfo::exists(folder + u"request.json"_s) && !QFileInfo::exists(folder + u"sweep.json"_s))
        m_session.sweep.restore(*m_savedSweep);
}

void EditDesk::choosePatch(const QString& path)
{
    const QString chosen = path.isEmpty() ? askForFile(u"patch"_s, tr("A patch file"), tr("Patches (*.json)")) : path;
    if (!chosen.isEmpty())
        openPatch(chosen);
}

void EditDesk::openPatch(const QString& path)
{
    const EditLab& lab = m_session.editLab;
    if (!lab.model()) {
        m_waitingPatch = path;
        m_page.setWaiting(
            tr("Open the model that %1 is for; its steps are shown then.").arg(QFileInfo(path).fileName()));
        return;
    }
    m_page.showView(EditPage::Lab);
    m_session.editOpened.askEngine(tr("Read %1").arg(QFileInfo(path).fileName()), u"read_patch"_s,
                                   {{"model", lab.settings().model.toStdString()}, {"patch", path.toStdString()}},
                                   openedPatchOf);
}

void EditDesk::refreshRecent()
{
    QStringList paths;
    for (const RecentItem& item : m_session.preferences.recentPatches())
        paths << item.path;
    m_page.stackView().setRecentPatches(paths);
}

}
