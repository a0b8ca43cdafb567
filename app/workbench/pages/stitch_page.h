// The Stitch page: which blocks run as their surrogates, what that does to the whole model, and its certificate.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/loadable.h"
#include "app/workbench/session/report_parts.h"
#include "app/workbench/session/run_view.h"
#include "app/workbench/session/stitch_answer.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <memory>
#include <optional>
#include <vector>

class QBoxLayout;
class QComboBox;
class QLabel;
class QPushButton;
class QStackedWidget;

namespace blockcert::widgets {
class EmptyState;
class ErrorLegend;
class FactList;
class FigureView;
class Notice;
class PageTitle;
class SegmentedControl;
class TokenHeatmap;
class TopTokens;
class ValueTable;
}

namespace blockcert::workbench {

class ProgressRow;
class StitchStack;
class StitchTexts;
class StitchTokens;

class StitchPage : public QWidget {
    Q_OBJECT

public:
    enum Part { Tokens, Texts, Layers, Residuals, Blame };

    explicit StitchPage(QWidget* parent = nullptr);

    void setRun(const QString& path, const Loadable<RunView>& run);
    void setResult(const Loadable<StitchResult>& result);
    void setText(const Loadable<StitchText>& text);
    void showProgress(const JobProgress& progress);
    void showTextProgress(const JobProgress& progress);
    void showPart(Part part);
    void selectToken(int prompt, int token);

    // Parameters of `stitch` for the switches as they are.
    [[nodiscard]] Json stitchParameters(bool bisect, bool measureOnly) const;
    // Parameters of `generate` for the shown prompt.
    [[nodiscard]] Json textParameters() const;
    // The command that issues the certificate of these switches.
    [[nodiscard]] QString command() const;

    // In place of the model where the run found it, for this run; empty: there.
    void setModel(const QString& model) { m_model = model; }

    [[nodiscard]] const QString& model() const { return m_model; }

    [[nodiscard]] int shownPrompt() const { return m_prompt; }

    // Of the shown part; without a picture where it has none.
    [[nodiscard]] widgets::ViewExport exported() const;
    // What is shown, for the report; nothing before there are numbers or texts.
    [[nodiscard]] std::optional<FrozenView> frozen() const;

    [[nodiscard]] StitchSwitches switches() const;
    void setSwitches(const StitchSwitches& switches); // what is not there stays the original, or a surrogate
    [[nodiscard]] QWidget* side() const;

signals:
    void runWanted();
    void measureWanted(bool bisect);
    void certifyWanted();
    void cancelWanted();
    void writeWanted();
    void writeCancelWanted();
    void copyWanted();
    void exportWanted(const blockcert::widgets::ViewExport& view);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void arrange();
    QWidget* makeCentre();
    void makeSide();
    void refresh();
    void refreshBlames();
    void showResult();
    void refreshToken();
    void refreshRecorded();
    void showRecorded(const QString& name);
    [[nodiscard]] const RecordedStitch* recorded() const; // in the run, for exactly these switches
    // What is measured or recorded of these switches, else what was measured of others; null: nothing.
    [[nodiscard]] std::shared_ptr<const StitchResult> result() const;
    [[nodiscard]] QString claim() const;

    std::shared_ptr<const RunView> m_run;
    QString m_model;
    Loadable<StitchResult> m_result;             // measured or certified here
    std::shared_ptr<const StitchResult> m_shown; // result(), as the parts show it
    QString m_recordedName;                      // chosen among several for the same switches
    StitchSwitches m_textSwitches;
    int m_textPrompt = -1;
    Loadable<StitchText> m_text;
    int m_prompt = 0;
    int m_token = -1;
    QStackedWidget* m_pages = nullptr;
    widgets::EmptyState* m_empty = nullptr;
    widgets::PageTitle* m_title = nullptr;
    QBoxLayout* m_middle = nullptr;
    StitchStack* m_stack = nullptr;
    QPushButton* m_measure = nullptr;
    QPushButton* m_bisect = nullptr;
    QPushButton* m_certify = nullptr;
    QPushButton* m_export = nullptr;
    ProgressRow* m_progress = nullptr;
    widgets::EmptyState* m_unmeasured = nullptr; // in place of the parts
    widgets::Notice* m_notice = nullptr;
    QLabel* m_sentence = nullptr;
    widgets::SegmentedControl* m_part = nullptr;
    QComboBox* m_promptChoice = nullptr;
    QStackedWidget* m_parts = nullptr;
    StitchTokens* m_tokens = nullptr;
    StitchTexts* m_texts = nullptr;
    widgets::FigureView* m_layers = nullptr;
    widgets::TokenHeatmap* m_residuals = nullptr;
    widgets::ErrorLegend* m_legend = nullptr;
    QWidget* m_blame = nullptr;
    widgets::EmptyState* m_blameEmpty = nullptr;
    std::vector<QLabel*> m_blameSentences;
    std::vector<widgets::ValueTable*> m_blameTables;
    SidePanel* m_side = nullptr;
    QLabel* m_claim = nullptr;
    widgets::FactList* m_facts = nullptr;
    QLabel* m_tokenTitle = nullptr;
    widgets::FactList* m_tokenFacts = nullptr;
    widgets::TopTokens* m_top = nullptr;
    QWidget* m_recorded = nullptr;
};

}
