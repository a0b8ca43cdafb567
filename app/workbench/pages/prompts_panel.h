// Chooses the prompts and shows them as the exact ids the model is fed.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/loadable.h"
#include "app/workbench/session/run_settings.h"
#include "widgets/values.h"

#include <QWidget>

#include <array>

class QCheckBox;
class QLabel;
class QPlainTextEdit;
class QPushButton;
class QStackedWidget;

namespace blockcert::widgets {
class Notice;
class PromptTable;
class FlowRow;
class SegmentedControl;
class TokenChips;
}

namespace blockcert::workbench {

struct BundledPrompts {
    QString name;
    int count = 0;
    QString what; // in a few words
};

[[nodiscard]] const std::array<BundledPrompts, 4>& bundledPrompts();

class PromptsPanel : public QWidget {
    Q_OBJECT

public:
    explicit PromptsPanel(QWidget* parent = nullptr);

    // Bundled sets, or a file the window has asked the user for, or what is typed here.
    void setChoice(const PromptChoice& choice); // no signal
    [[nodiscard]] PromptChoice choice() const;
    void setList(const Loadable<widgets::PromptList>& list);

protected:
    void resizeEvent(QResizeEvent* event) override;

signals:
    void choiceChanged(const blockcert::workbench::PromptChoice& choice);
    void fileWanted();
    void retryWanted();

private:
    void chooseSource(int index);
    void showPrompt(int prompt);
    void setSummary(const QString& text);
    void refit(); // as high as its content, so that nothing is far from what belongs to it

    PromptChoice m_choice;
    std::shared_ptr<const widgets::PromptList> m_list;
    widgets::SegmentedControl* m_source = nullptr;
    QPlainTextEdit* m_typed = nullptr;
    widgets::FlowRow* m_top = nullptr; // of the choice and the summary
    ElidedLabel* m_summary = nullptr;
    QStackedWidget* m_body = nullptr; // table, or what stands in its place
    widgets::PromptTable* m_table = nullptr;
    widgets::Notice* m_notice = nullptr;
    QLabel* m_chipsTitle = nullptr;
    QCheckBox* m_showIds = nullptr;
    widgets::TokenChips* m_chips = nullptr;
};

}
