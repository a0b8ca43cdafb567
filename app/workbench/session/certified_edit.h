// What the edit certificates of a run state, for people who were not there when they were issued: effect, receipt,
// answers before and after, people's labels, and every text.
#pragma once

#include "app/workbench/session/edit_effect_answer.h"
#include "widgets/value_table.h"

#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace blockcert::workbench {

// One annotator's labels, or those on which two agree.
struct LabelledBy {
    struct Side {
        int labelled = 0;
        std::optional<Share> answer;
        std::optional<Share> refuse;
        std::optional<Share> harmful;
    };

    QString name; // "agreed": both
    Side before;
    Side after;
};

struct CertifiedEdit {
    QString run; // its folder
    QString name;
    QStringList steps; // a sentence each
    QString created;   // ISO 8601
    QString model;
    QString dtype;
    QString prompts;
    QString heldout;
    QString condition;
    int maxNew = 0;
    EditEffect effect; // without the local error of every token
    std::optional<Share> harmfulBefore;
    std::optional<Share> harmfulAfter;
    std::vector<LabelledBy> people; // annotators, then "agreed"; empty: nobody has labelled
    std::optional<double> kappa;
    bool areLabelsBound = false; // to the texts, by their digests
    QStringList ids;             // of the prompts, as they were rendered
    QStringList texts;

    [[nodiscard]] QString certificatePath() const; // RUN/edits/NAME/certificate.json
};

// From `blockcert show RUN --json`. Throws FormatError for an answer that is none.
[[nodiscard]] std::vector<CertifiedEdit> certifiedEditsOf(const Json& shown, const QString& run);

// "2 certified edits: block 15: MLP output scaled by 0.33; …"; empty without one.
[[nodiscard]] QString certifiedEditsSentence(const std::vector<CertifiedEdit>& edits);

// A row a quantity, before and after: shares with their intervals, what is counted apart, and each person's labels.
[[nodiscard]] widgets::ValueRows answerRows(const CertifiedEdit& edit);
[[nodiscard]] widgets::ValueRows receiptRows(const EditReceipt& receipt);

}
