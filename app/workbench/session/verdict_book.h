// What was verified here: one verdict a run folder, for every page that shows the run.
#pragma once

#include "widgets/values.h"

#include <QObject>
#include <QString>

#include <map>
#include <optional>
#include <vector>

namespace blockcert::workbench {

// A plain store in the GUI thread. What was found stays until a check of at least that scope and level finds something
// else: a run that failed at level 3 has not become a verified one because one of its certificates holds, or because
// its files have their digests. A single certificate speaks for its block only.
class VerdictBook : public QObject {
    Q_OBJECT

public:
    using QObject::QObject;

    // `path` is what was verified: a run folder, or a certificate.json in one of its blocks.
    void note(const QString& path, const widgets::VerdictView& verdict, const QString& day = {}); // ISO 8601
    // Reading the run, which is no verification, found something that is not what its digests name. It fails until a
    // check that looks at digests passes.
    void noteDamage(const QString& run, const QString& digest, const QString& problem, const QString& day);
    // Everything that is known of the run, as one verdict. Nothing if the folder holds another run by now: `digest` is
    // that of its SHA256SUMS.
    [[nodiscard]] std::optional<widgets::RunVerdict> of(const QString& run, const QString& digest) const;

    // What is known of the runs that were verified last, and back. What is restored says of what day it is; text that
    // is none of this book's is left alone.
    [[nodiscard]] QByteArray saved() const;
    void restore(const QByteArray& text);

signals:
    void changed(const QString& run);

private:
    struct Finding {
        CheckState state = CheckState::NotChecked;
        int level = 0;
        QString sentence;
        std::optional<int> block; // of a certificate that was verified alone
        std::vector<int> failedBlocks;
        std::vector<int> lossBlocks; // whose losses were recomputed
        QString day;
        bool isRestored = false;
    };

    struct Entry {
        QString digest;
        std::vector<Finding> findings; // in the order they were made
        quint64 order = 0;             // the last one is the largest
    };

    static void add(std::vector<Finding>& findings, Finding found);

    std::map<QString, Entry> m_entries; // by run folder
    quint64 m_order = 0;
};

// How well a run is checked, in a few words for a badge: "Not verified", "Verified at level 3", "Unchanged at level 1",
// "1 of 30 blocks checked"; and the shape beside them.
[[nodiscard]] QString trustWord(const std::optional<widgets::RunVerdict>& verdict, qsizetype blocks);
[[nodiscard]] widgets::Mark trustMark(const std::optional<widgets::RunVerdict>& verdict);

// The run folder of a run or of one of its certificates.
[[nodiscard]] QString runOf(const QString& path);
// The block of ".../block_05/certificate.json"; nothing for other paths.
[[nodiscard]] std::optional<int> blockOfCertificate(const QString& path);

}
