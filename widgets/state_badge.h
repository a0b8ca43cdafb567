// The marks of verdicts, told apart by shape, colour and word; and the mark of a number's evidence.
#pragma once

#include "widgets/number_text.h"
#include "widgets/theme.h"
#include "widgets/values.h"

#include <QWidget>

class QPainter;

namespace blockcert::widgets {

[[nodiscard]] QString stateWord(CheckState state); // "Verified", "Failed", "Not checked", "Weaker than policy"
[[nodiscard]] QString markWord(Mark mark);         // and "Verified but for losses", "Unchanged, not recomputed"
[[nodiscard]] Tint tintOf(Mark mark, const Tokens& tokens);
void paintMark(QPainter& painter, const QRectF& rect, Mark mark, const Tokens& tokens);
void paintStateGlyph(QPainter& painter, const QRectF& rect, CheckState state, const Tokens& tokens);
// Whether a pill or a banner with the mark is an outline: it says less than the filled ones.
[[nodiscard]] bool isOutlined(Mark mark);
[[nodiscard]] QString blockStateWord(BlockState state); // "yes", "no", "refused", "running", "–"
[[nodiscard]] CheckState checkStateOf(BlockState state);

class StateBadge : public QWidget {
    Q_OBJECT

public:
    // A label is a pill without the shape, for what is no outcome of a check, such as "Covered".
    enum class Form : std::uint8_t { Glyph, Word, Pill, Label };

    explicit StateBadge(QWidget* parent = nullptr);
    void setState(CheckState state);
    void setMark(Mark mark);
    // Another word than the state's own, such as "Not covered".
    void setWord(const QString& word);
    void setForm(Form form);

    [[nodiscard]] Mark mark() const { return m_mark; }

    [[nodiscard]] QSize sizeHint() const override;

    [[nodiscard]] QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void describe();

    Mark m_mark = Mark::NotChecked;
    Form m_form = Form::Pill;
    QString m_word;
};

// "measured", "bounded", "proved": three words, never mixed, each with its own fill.
class EvidenceMark : public QWidget {
    Q_OBJECT

public:
    explicit EvidenceMark(QWidget* parent = nullptr);
    void setEvidence(Evidence evidence);
    // For an evidence that is not there: "bounded: none yet".
    void setAbsent(Evidence evidence, const QString& note);
    [[nodiscard]] QSize sizeHint() const override;

    [[nodiscard]] QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    Evidence m_evidence = Evidence::Measured;
    bool m_absent = false;
    QString m_word;
};

}
