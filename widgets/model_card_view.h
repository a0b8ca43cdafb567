// The model card: what the headers say about a checkpoint, and what is not known yet.
#pragma once

#include "widgets/values.h"

#include <QWidget>

#include <memory>

class QLabel;

namespace blockcert::widgets {

class FactList;
class Notice;

class ModelCardView : public QWidget {
    Q_OBJECT

public:
    explicit ModelCardView(QWidget* parent = nullptr);
    // Hidden without a card.
    void setCard(std::shared_ptr<const ModelCard> card);

private:
    std::shared_ptr<const ModelCard> m_card;
    QLabel* m_title = nullptr;
    QLabel* m_scope = nullptr;
    Notice* m_warning = nullptr;
    FactList* m_shape = nullptr;
    FactList* m_details = nullptr;
    FactList* m_files = nullptr;
};

}
