// What a verdict rests on, as a tree with a state on each edge.
#pragma once

#include "widgets/values.h"

#include <QTreeWidget>

#include <memory>

namespace blockcert::widgets {

class ArtifactTree : public QTreeWidget {
    Q_OBJECT

public:
    explicit ArtifactTree(QWidget* parent = nullptr);
    void setRoot(std::shared_ptr<const ArtifactNode> root);
    // Opens the root and the ways to what failed, nothing else.
    void revealFailed();
    [[nodiscard]] QSize sizeHint() const override;

protected:
    void drawBranches(QPainter* painter, const QRect& rect, const QModelIndex& index) const override;
};

}
