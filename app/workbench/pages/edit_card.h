// One edit of the stack as a card: where, what, how strongly, and whether it is on.
#pragma once

#include "app/workbench/session/edit_stack.h"
#include "widgets/panel.h"

#include <functional>

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QSlider;
class QSpinBox;

namespace blockcert::workbench {

// GUI thread. Shows what it is given and asks for changes; the stack answers with the new step.
class EditCard : public widgets::Panel {
    Q_OBJECT

public:
    explicit EditCard(const widgets::ModelCard& model, QWidget* parent = nullptr);
    void setStep(const EditStep& step, int place, int count);
    void takeFocus();                        // by what is turned first
    void setStatus(const QString& sentence); // under the slider

    [[nodiscard]] const EditStep& step() const { return m_step; }

signals:
    void taken(int id); // it is the card in hand
    void changeWanted(const blockcert::workbench::EditStep& step);
    void strengthWanted(int id, double strength, bool goesOn);
    void removeWanted(int id);
    void moveWanted(int id, int by);
    void restoreWanted(int id);
    void fileWanted(int id);

protected:
    void mousePressEvent(QMouseEvent* event) override;
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    void makeHead();
    void makePlace();
    void makeStrength();
    void change(const std::function<void(EditStep&)>& edit);
    void typed();
    [[nodiscard]] int toSlider(double strength) const;
    [[nodiscard]] double ofSlider(int value) const;

    EditStep m_step;
    int m_layers = 0;
    int m_heads = 0;
    bool m_isDragging = false;
    QCheckBox* m_enabled = nullptr;
    QComboBox* m_operation = nullptr;
    QPushButton* m_up = nullptr;
    QPushButton* m_down = nullptr;
    QPushButton* m_restore = nullptr;
    QPushButton* m_remove = nullptr;
    QSpinBox* m_block = nullptr;
    QLabel* m_headLabel = nullptr;
    QSpinBox* m_head = nullptr;
    QComboBox* m_target = nullptr;
    QComboBox* m_matrix = nullptr;
    QPushButton* m_file = nullptr;
    QWidget* m_strengthRow = nullptr;
    QSlider* m_slider = nullptr;
    QLineEdit* m_value = nullptr;
    QLabel* m_status = nullptr;
};

}
