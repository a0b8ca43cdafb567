// What the edit lab asks of the world: files, patches, certificates and checkpoints.
#pragma once

#include "app/workbench/session/certified_edit.h"
#include "app/workbench/session/edit_issue.h"
#include "app/workbench/session/label_book.h"
#include "app/workbench/session/loadable.h"
#include "app/workbench/session/sweep_board.h"

#include <QObject>
#include <QTimer>

#include <functional>
#include <optional>
#include <vector>

class QWidget;

namespace blockcert::widgets {
struct ViewExport;
}

namespace blockcert::workbench {

class EditPage;
struct Session;

// GUI thread. Joins the page with the session; the window hears what concerns it.
class EditDesk : public QObject {
    Q_OBJECT

public:
    // `remoteOut`: a folder for a run on the engine's machine, of a prompt set's name and a dtype.
    EditDesk(Session& session, EditPage& page, QWidget& window,
             std::function<QString(const QString&, const QString&)> remoteOut);

    void refreshPrompts(); // the names of the measured tokens
    void certify();
    void copyCommand();
    // The steps of a patch file in place of the shown stack. Without a model it waits for one.
    void openPatch(const QString& path);
    // A window with the edit certificates of a run, the one of that name first.
    void readCertificates(const QString& run, const QString& name);
    // The same for RUN/edits/NAME/certificate.json; false for any other file.
    bool readCertificateFile(const QString& path);

    [[nodiscard]] bool isBusy() const;
    [[nodiscard]] bool isIssuing() const; // a patch, a certificate or a checkpoint is being made

signals:
    void changed(); // for the rail
    void kept();    // the stacks have been written down
    void shown();   // a patch that has waited for its model is to be seen
    void checkWanted(const QString& run);
    void runMade(const QString& run, const QString& sentence);

private:
    enum class Purpose { Certify, Copy };

    void connectPage();
    void connectWork();
    void connectSweep();
    void connectLabels();
    void connectStacks();
    void connectCertificates();
    void certificatesRead();
    void restoreStacks();
    void restoreSweep();
    void choosePatch(const QString& path);
    void refreshRecent();
    void showMarkers();
    void chooseMarkers(const QString& path);
    void readMarkers(const QString& path); // empty: the bundled lists
    void markersRead();
    void takeFromSweep(int block, double alpha, const QString& target, const QString& condition);
    void labelRow(const QString& folder, const QString& file);
    void labelLab();
    void labelCertificate();
    void labelCertified(const CertifiedEdit& edit);
    void setLabelSource(LabelSource source);
    [[nodiscard]] QString labelPath(const QString& name) const;
    [[nodiscard]] QString freshSweepOut() const;
    [[nodiscard]] QString askForFile(const QString& kind, const QString& title, const QString& filter);
    [[nodiscard]] QString freshOut() const;
    [[nodiscard]] bool canCertify() const;
    void writePatch(const IssueRequest& request, Purpose purpose);
    void patchWritten();
    void issued();
    void exportModel();
    void refreshIssued();
    // What has been done, and of which state of the lab it speaks; an empty key: of none.
    void setDone(const QString& sentence, const QString& key);
    void refreshDone();
    [[nodiscard]] const IssuedEdit* issuedOfNow() const; // the newest of the stack as it is; null: none
    void showWork(bool isLoading, const JobFault& fault, const QString& stage);

    Session& m_session;
    EditPage& m_page;
    QWidget& m_window;
    std::function<QString(const QString&, const QString&)> m_remoteOut;
    Purpose m_purpose = Purpose::Certify;
    Json m_parameters; // of `edit`, while the patch is written
    QString m_key;     // the state of the lab that they are of
    QString m_what;    // its steps, in words
    QString m_prompts; // which are encoded
    std::vector<IssuedEdit> m_issued;
    QString m_done; // said beside the receipt
    QString m_doneKey;
    QTimer m_keep;                          // runs while there is something to write down
    QString m_restoredModel;                // whose stacks have been looked for
    std::optional<AskedSweep> m_savedSweep; // of the last time
    QString m_waitingPatch;                 // to be opened with the next model
    QString m_readName;                     // of the certificate to be shown first
    QString m_chosenMarkers;                // a file that is being read before it is used
};

}
