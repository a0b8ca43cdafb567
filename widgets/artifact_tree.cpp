#include "widgets/artifact_tree.h"

#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QPainter>
#include <QStyledItemDelegate>

#include <algorithm>
#include <functional>

namespace blockcert::widgets {

namespace {

constexpr int stateRole = Qt::UserRole;
constexpr int noteRole = Qt::UserRole + 1;
constexpr int lowestRow = 26;

int rowHeightOfTree()
{
    return std::max(lowestRow, QFontMetrics(textFont(TextSize::Secondary)).height() + 8);
}

class ArtifactDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        const Tokens& tokens = tokensOf(QApplication::palette());
        const QRect row = option.rect;
        painter->save();
        if ((option.state & QStyle::State_Selected) != 0)
            painter->fillRect(row, tokens.accentFill);
        paintStateGlyph(*painter, QRectF(row.left() + 2, row.center().y() - 7.5, 16, 16),
                        static_cast<CheckState>(index.data(stateRole).toInt()), tokens);
        const QFont font = textFont(TextSize::Secondary);
        const QFontMetrics metrics(font);
        const QString name = index.data().toString();
        const QString note = index.data(noteRole).toString();
        const int left = row.left() + 26;
        const int room = row.right() - left;
        painter->setFont(font);
        painter->setPen(tokens.text);
        const QString shown = metrics.elidedText(name, Qt::ElideMiddle, room);
        painter->drawText(QRect(left, row.top(), room, row.height()), Qt::AlignLeft | Qt::AlignVCenter, shown);
        const int used = metrics.horizontalAdvance(shown) + space::small;
        if (index.model()->hasChildren(index) && index.parent().isValid())
            paintIcon(*painter, QRectF(left + used, row.center().y() - 5.5, 12, 12),
                      (option.state & QStyle::State_Open) != 0 ? Icon::ChevronDown : Icon::ChevronRight,
                      tokens.secondary);
        else if (!note.isEmpty() && room - used > 40) {
            painter->setPen(tokens.secondary);
            painter->drawText(QRect(left + used, row.top(), room - used, row.height()),
                              Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(note, Qt::ElideRight, room - used));
        }
        painter->restore();
    }

    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override
    {
        return {80, rowHeightOfTree()};
    }
};

void addNode(QTreeWidgetItem* parent, const ArtifactNode& node)
{
    const QString name = shownName(node.name);
    auto* item = new QTreeWidgetItem(parent, {name});
    item->setData(0, stateRole, static_cast<int>(node.state));
    item->setData(0, noteRole, shownName(node.note));
    const QString text = node.note.isEmpty() ? name : ArtifactTree::tr("%1, %2").arg(name, shownName(node.note));
    item->setData(0, Qt::AccessibleTextRole, ArtifactTree::tr("%1: %2").arg(stateWord(node.state), text));
    item->setToolTip(0, plainToolTip(ArtifactTree::tr("%1: %2").arg(text, stateWord(node.state))));
    for (const ArtifactNode& child : node.children)
        addNode(item, child);
}

}

ArtifactTree::ArtifactTree(QWidget* parent)
    : QTreeWidget(parent)
{
    setHeaderHidden(true);
    setRootIsDecorated(false);
    setIndentation(18);
    setFrameShape(QFrame::NoFrame);
    setItemDelegate(new ArtifactDelegate(this));
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setAccessibleName(tr("Artifact tree"));
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed); // up to what sizeHint() says it is whole, without a bar
    setExpandsOnDoubleClick(false);
    connect(this, &QTreeWidget::itemClicked, this, [](QTreeWidgetItem* item) {
        if (item->parent() != nullptr)
            item->setExpanded(!item->isExpanded());
    });
    connect(this, &QTreeWidget::itemExpanded, this, [this] { updateGeometry(); });
    connect(this, &QTreeWidget::itemCollapsed, this, [this] { updateGeometry(); });
}

void ArtifactTree::setRoot(std::shared_ptr<const ArtifactNode> root)
{
    clear();
    if (root)
        addNode(invisibleRootItem(), *root);
    expandAll();
    updateGeometry();
}

void ArtifactTree::revealFailed()
{
    expandToDepth(0);
    const std::function<void(QTreeWidgetItem*)> open = [&open](QTreeWidgetItem* item) {
        for (int i = 0; i < item->childCount(); ++i) {
            QTreeWidgetItem* child = item->child(i);
            if (static_cast<CheckState>(child->data(0, stateRole).toInt()) != CheckState::Failed)
                continue;
            item->setExpanded(true);
            open(child);
        }
    };
    open(invisibleRootItem());
    updateGeometry();
}

QSize ArtifactTree::sizeHint() const
{
    int rows = 0;
    for (const QTreeWidgetItem* item = topLevelItem(0); item != nullptr; item = itemBelow(item))
        ++rows;
    return {280, std::clamp(rows, 1, 16) * rowHeightOfTree() + 4};
}

void ArtifactTree::drawBranches(QPainter*, const QRect&, const QModelIndex&) const
{
    // Indentation says enough; the states stand where branch lines would, and a chevron after the name.
}

}
