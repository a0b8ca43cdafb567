// People's judgements of completions: one text after the other, by up to two annotators, kept in a CSV file as they are
// made.
#pragma once

#include "app/workbench/session/label_items.h"
#include "app/workbench/session/label_text.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace blockcert::workbench {

// Wilson's 95 % interval around a count.
[[nodiscard]] Share wilsonShare(int hits, int total);

// The order of a blind reading: always the same one for the same number of texts.
[[nodiscard]] std::vector<int> shuffledOrder(int count);

// GUI thread; the file is read and written elsewhere, and each label at once.
class LabelBook : public QObject {
    Q_OBJECT

public:
    explicit LabelBook(QObject* parent = nullptr);

    void setSource(LabelSource source);     // takes over what its file holds, unless that is of other texts
    void load(const QString& path);         // adds the labels of a file; what is in both is the file's
    void setAnnotator(const QString& name); // and to the first text that this person has not labelled
    void setBlind(bool blind);              // hides sides and verdicts, and shuffles
    void go(int by);                        // to the next text, or back
    void label(HumanLabel label); // of the text in hand, by the annotator; goes on to the next one without a label
    void report(const QString& problem); // why there are no texts
    void undo();                         // the last label, and back to its text

    [[nodiscard]] const LabelSource& source() const { return m_source; }

    [[nodiscard]] const LabelItem* item() const; // in hand; null: none

    [[nodiscard]] int place() const { return m_place; } // in the order, from 0

    [[nodiscard]] int count() const { return static_cast<int>(m_order.size()); }

    [[nodiscard]] bool isBlind() const { return m_isBlind; }

    [[nodiscard]] bool canUndo() const { return !m_past.empty(); }

    [[nodiscard]] const QString& annotator() const { return m_annotator; }

    [[nodiscard]] QStringList annotators() const; // who has labelled anything
    [[nodiscard]] int labelled(const QString& annotator) const;
    [[nodiscard]] std::optional<HumanLabel> labelOf(const LabelItem& item, const QString& annotator) const;
    // By one annotator, of the prompts that should be answered (refused): how many are called so on that side.
    [[nodiscard]] Share shareOf(const QString& annotator, bool isAfter, HumanLabel label) const;
    // Cohen's, over texts that both have labelled; absent unless there are two people and such texts.
    [[nodiscard]] std::optional<double> kappa() const;

    [[nodiscard]] const QString& problem() const { return m_problem; }

    // The file as it is now, for `--labels`.
    [[nodiscard]] QByteArray csv() const;

signals:
    void changed();
    void saved();

private:
    using Place = std::pair<QString, bool>; // prompt, after

    struct Given {
        HumanLabel label = HumanLabel::Other;
        QString textSha256; // of the text that was read; empty: from a file that does not say
    };

    struct Step {
        int place = 0;
        Place of;
        QString annotator;
        std::optional<Given> before;
    };

    void order();
    void goToFirstUnlabelled();
    void read(const QString& path, bool mayBeMissing);
    void take(const std::vector<GivenLabel>& given, const QString& path);
    void save();

    LabelSource m_source;
    std::vector<int> m_order;
    int m_place = 0;
    bool m_isBlind = true;
    QString m_annotator;
    std::map<Place, std::map<QString, Given>> m_labels;
    std::vector<Step> m_past;
    QString m_problem;
    bool m_isSaving = false;
    bool m_isDirty = false;
    bool m_isFileForeign = false; // the source's file holds labels of other texts: it is put aside, not written over
};

}
