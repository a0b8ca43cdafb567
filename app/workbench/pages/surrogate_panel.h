// What stands in for the chosen blocks in a new run: the family of surrogates with its parameters, and an ablation.
#pragma once

#include "app/workbench/session/run_settings.h"

#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;
class QSpinBox;

namespace blockcert::workbench {

// The names, the values allowed and the sentences about wrong ones are the engine's (engine/surrogate).
class SurrogatePanel : public QWidget {
    Q_OBJECT

public:
    explicit SurrogatePanel(QWidget* parent = nullptr);

    void fill(RunSettings& settings) const; // only the fields this panel owns
    void show(const RunSettings& settings); // no signal
    void setCheckpoint(const QString& model);
    // One sentence if there is no such surrogate or ablation, else empty.
    [[nodiscard]] QString problem() const;

signals:
    void changed();
    void checkpointWanted(); // the model whose blocks stand in

private:
    [[nodiscard]] QString surrogate() const;
    [[nodiscard]] QString ablation() const;
    [[nodiscard]] QString meaning() const;
    void refresh();
    void announce();

    QComboBox* m_family = nullptr;
    QWidget* m_lowRank = nullptr;
    QSpinBox* m_rank = nullptr;
    QComboBox* m_matrices = nullptr;
    QComboBox* m_dtype = nullptr;
    QWidget* m_checkpoint = nullptr;
    QLineEdit* m_model = nullptr;
    QComboBox* m_ablation = nullptr;
    QWidget* m_noise = nullptr;
    QLineEdit* m_scale = nullptr;
    QSpinBox* m_seed = nullptr;
    QLabel* m_meaning = nullptr;
    bool m_isSilent = false;
};

}
