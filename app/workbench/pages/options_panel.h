// The options of a run that have sensible defaults: precision, losses, thresholds, weights.
#pragma once

#include "app/workbench/session/run_settings.h"

#include <QWidget>

#include <vector>

class QCheckBox;
class QComboBox;
class QGridLayout;
class QLabel;
class QLineEdit;
class QSpinBox;

namespace blockcert::workbench {

class OptionsPanel : public QWidget {
    Q_OBJECT

public:
    explicit OptionsPanel(QWidget* parent = nullptr);

    void fill(RunSettings& settings) const; // only the fields this panel owns
    void show(const RunSettings& settings); // no signal
    // One sentence if a field holds nothing usable, else empty.
    [[nodiscard]] QString problem() const;

    [[nodiscard]] QSize minimumSizeHint() const override;

signals:
    void changed();

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    [[nodiscard]] QLineEdit* numberField(const QString& name, const QString& toolTip);
    void showDefaultTauRel();
    void arrange(int columns);

    struct Field {
        QLabel* label = nullptr; // none: the field says what it is
        QWidget* field = nullptr;
    };

    QGridLayout* m_grid = nullptr;
    std::vector<Field> m_fields;
    int m_columns = 0;

    QComboBox* m_dtype = nullptr;
    QComboBox* m_replay = nullptr;
    QComboBox* m_loss = nullptr;
    QComboBox* m_measure = nullptr;
    QSpinBox* m_maxTokens = nullptr;
    QCheckBox* m_embed = nullptr;
    QLineEdit* m_tauAct = nullptr;
    QLineEdit* m_tauLoss = nullptr;
    QLineEdit* m_tauRel = nullptr;
    QLineEdit* m_alphaAct = nullptr;
    QLineEdit* m_alphaLoss = nullptr;
    bool m_isSilent = false;
};

}
