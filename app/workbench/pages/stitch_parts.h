// The views of a stitched model: a prompt's tokens under both models, and the two texts they write.
#pragma once

#include "app/workbench/session/loadable.h"
#include "app/workbench/session/stitch_answer.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <memory>

class QBoxLayout;
class QLabel;
class QPushButton;
class QSpinBox;

namespace blockcert::widgets {
class FigureView;
class SegmentedControl;
class EmptyState;
class TokenChips;
}

namespace blockcert::workbench {

// Teacher-forced: both models read the prompt as it is, and every token has two losses and two predictions.
class StitchTokens : public QWidget {
    Q_OBJECT

public:
    explicit StitchTokens(QWidget* parent = nullptr);
    void setResult(const std::shared_ptr<const StitchResult>& result, int prompt);
    void setToken(int token);

    [[nodiscard]] widgets::ViewExport exported() const;

signals:
    void tokenChosen(int token);

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void refresh();

    std::shared_ptr<const StitchResult> m_result;
    int m_prompt = 0;
    QBoxLayout* m_top = nullptr; // beside each other, or under each other where that is narrow
    QLabel* m_sentence = nullptr;
    widgets::SegmentedControl* m_metric = nullptr; // loss difference, divergence
    widgets::TokenChips* m_chips = nullptr;
    widgets::FigureView* m_figure = nullptr;
};

// Free-running: each model reads what it has written. One other token changes everything after it.
class StitchTexts : public QWidget {
    Q_OBJECT

public:
    explicit StitchTexts(QWidget* parent = nullptr);
    void setText(const Loadable<StitchText>& text);
    void setProgress(const JobProgress& progress);
    void setStale(bool isStale); // other switches or another prompt than it was written with
    void setEnabledToWrite(bool enabled);

    [[nodiscard]] int mostTokens() const;

signals:
    void writeWanted();
    void cancelWanted();

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    [[nodiscard]] static QWidget* sideOf(const QString& title, widgets::TokenChips* chips);
    void fill(widgets::TokenChips& chips, const StitchText::Side& side, const std::optional<int>& divergence);

    bool m_isWriting = false;
    QBoxLayout* m_top = nullptr; // these two as well
    QBoxLayout* m_halves = nullptr;
    QLabel* m_sentence = nullptr;
    QPushButton* m_write = nullptr;
    QSpinBox* m_most = nullptr;
    widgets::TokenChips* m_original = nullptr;
    widgets::TokenChips* m_stitched = nullptr;
    QWidget* m_sides = nullptr;
    widgets::EmptyState* m_empty = nullptr;
};

}
