// What was verified here since the window was opened: one verdict a run folder, for every page that shows the run.
#pragma once

#include "widgets/values.h"

#include <QObject>
#include <QString>

#include <map>
#include <optional>

namespace blockcert::workbench {

// A plain store in the GUI thread. A verdict about a single certificate counts for its block only.
class VerdictBook : public QObject {
    Q_OBJECT

public:
    using QObject::QObject;

    // `path` is what was verified: a run folder, or a certificate.json in one of its blocks.
    void note(const QString& path, const widgets::VerdictView& verdict);
    // Nothing if the folder holds another run by now: `digest` is that of its SHA256SUMS.
    [[nodiscard]] std::optional<widgets::RunVerdict> of(const QString& run, const QString& digest) const;

signals:
    void changed(const QString& run);

private:
    std::map<QString, widgets::RunVerdict> m_verdicts; // by run folder
};

// The run folder of a run or of one of its certificates.
[[nodiscard]] QString runOf(const QString& path);
// The block of ".../block_05/certificate.json"; nothing for other paths.
[[nodiscard]] std::optional<int> blockOfCertificate(const QString& path);

}
