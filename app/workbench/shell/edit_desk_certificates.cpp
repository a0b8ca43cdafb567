// EditDesk: edit certificates that are there already, to be read.
#include "app/workbench/pages/certified_edit_dialog.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/edit_side.h"
#include "app/workbench/pages/label_view.h"
#include "app/workbench/shell/edit_desk.h"
#include "app/workbench/shell/session.h"

#include <QFileDialog>
#include <QFileInfo>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

void EditDesk::connectCertificates()
{
    connect(&m_page.editSide(), &EditSide::readWanted, this, &EditDesk::readCertificates);
    connect(&m_session.editRead, &Asking::changed, this, &EditDesk::certificatesRead);
}

// Without a run: of the one that is open, if it holds edits; else of one that is chosen.
void EditDesk::readCertificates(const QString& run, const QString& name)
{
    QString path = run;
    const Loadable<RunView>& open = m_session.run.run();
    if (path.isEmpty() && open.isReady() && !open.value->edits.empty())
        path = open.value->path;
    if (path.isEmpty()) {
        path = QFileDialog::getExistingDirectory(&m_window, tr("A run with an edit in it"),
                                                 m_session.preferences.lastFolder(u"run"_s));
        if (path.isEmpty())
            return;
        m_session.preferences.setLastFolder(u"run"_s, QFileInfo(path).absolutePath());
    }
    m_readName = name;
    m_session.editRead.askTool(tr("Read the run's edits"), {u"show"_s, path, u"--json"_s}, [path](const Json& shown) {
        std::vector<CertifiedEdit> edits = certifiedEditsOf(shown, path);
        if (edits.empty())
            throw FormatError("the run holds no edit");
        return edits;
    });
}

bool EditDesk::readCertificateFile(const QString& path)
{
    const QFileInfo file(path);
    const QString folder = file.absolutePath(); // RUN/edits/NAME
    if (file.fileName() != "certificate.json"_L1 || folder.section(u'/', -2, -2) != "edits"_L1)
        return false;
    readCertificates(folder.section(u'/', 0, -3), folder.section(u'/', -1));
    return true;
}

void EditDesk::certificatesRead()
{
    const auto& read = m_session.editRead.get();
    if (!read.fault.sentence.isEmpty())
        m_page.editSide().setProblem(read.fault.sentence);
    if (!read.isReady())
        return;
    auto* dialog = new CertifiedEditDialog(*read.value, std::exchange(m_readName, {}),
                                           m_session.editLab.model() != nullptr, &m_window);
    connect(dialog, &CertifiedEditDialog::checkWanted, this, &EditDesk::checkWanted);
    connect(dialog, &CertifiedEditDialog::labelWanted, this, [this, dialog] {
        emit shown();
        labelCertified(dialog->edit());
    });
    dialog->open();
}

}
