#include "widgets/check_list.h"

#include "widgets/check_list_delegate.h"
#include "widgets/number_text.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QKeyEvent>
#include <QPainter>
#include <QSet>

#include <algorithm>
#include <utility>

namespace blockcert::widgets {

namespace {

constexpr quintptr groupId = 0;

bool wantsAttention(const CheckRow& check)
{
    return check.state == CheckState::Failed || check.state == CheckState::WeakerThanPolicy ||
           (check.state == CheckState::NotChecked && check.required);
}

}

namespace {

bool areNumbers(const QString& text)
{
    const QStringList parts = text.split(QStringLiteral(", "));
    return std::all_of(parts.begin(), parts.end(), [](const QString& part) {
        bool isNumber = false;
        (void)part.toDouble(&isNumber);
        return isNumber;
    });
}

}

bool differsWithinAllowance(const CheckRow& check)
{
    return check.state == CheckState::Verified && check.issuer != check.recomputed && areNumbers(check.issuer) &&
           areNumbers(check.recomputed);
}

CheckListModel::CheckListModel(QObject* parent)
    : QAbstractItemModel(parent)
{
}

void CheckListModel::setVerdict(std::shared_ptr<const VerdictView> verdict)
{
    beginResetModel();
    m_verdict = std::move(verdict);
    m_groups.clear();
    m_details.clear();
    if (m_verdict) {
        const std::pair<QString, QString> known[] = {{QStringLiteral("integrity"), tr("Integrity")},
                                                     {QStringLiteral("consistency"), tr("Consistency")},
                                                     {QStringLiteral("re-evaluation"), tr("Re-evaluation")},
                                                     {QStringLiteral("policy"), tr("Policy")},
                                                     {QStringLiteral("provenance"), tr("Provenance")}};
        std::vector<bool> taken(m_verdict->checks.size(), false);
        const auto collect = [&](const QString& id, const QString& title) {
            Group group{title, {}, 0};
            for (std::size_t i = 0; i < taken.size(); ++i)
                if (!taken[i] && m_verdict->checks[i].group == id) {
                    taken[i] = true;
                    group.checks.push_back(static_cast<int>(i));
                }
            if (!group.checks.empty())
                m_groups.push_back(std::move(group));
        };
        for (const auto& [id, title] : known)
            collect(id, title);
        // A group we have no word for is still shown, under its own name.
        for (std::size_t i = 0; i < taken.size(); ++i)
            if (!taken[i])
                collect(m_verdict->checks[i].group, m_verdict->checks[i].group);
        for (int group = 0; group < static_cast<int>(m_groups.size()); ++group) {
            Group& filled = m_groups[static_cast<std::size_t>(group)];
            filled.firstDetail = m_details.size();
            for (int check = 0; check < static_cast<int>(filled.checks.size()); ++check)
                m_details.push_back({group, check});
        }
    }
    endResetModel();
}

QModelIndex CheckListModel::index(int row, int column, const QModelIndex& parent) const
{
    if (!hasIndex(row, column, parent))
        return {};
    if (!parent.isValid())
        return createIndex(row, column, groupId);
    if (parent.internalId() == groupId)
        return createIndex(row, column, static_cast<quintptr>(parent.row()) + 1);
    // A detail: remember which check it explains.
    const Group& group = m_groups[parent.internalId() - 1];
    return createIndex(row, column, detailBase + group.firstDetail + static_cast<quintptr>(parent.row()));
}

CheckListModel::Kind CheckListModel::kindOf(const QModelIndex& index)
{
    return index.internalId() == groupId ? Kind::Group : index.internalId() >= detailBase ? Kind::Detail : Kind::Check;
}

QModelIndex CheckListModel::parent(const QModelIndex& child) const
{
    if (!child.isValid())
        return {};
    switch (kindOf(child)) {
    case Kind::Group: return {};
    case Kind::Check: return createIndex(static_cast<int>(child.internalId()) - 1, 0, groupId);
    case Kind::Detail: {
        const Position position = m_details[child.internalId() - detailBase];
        return createIndex(position.check, 0, static_cast<quintptr>(position.group) + 1);
    }
    }
    return {};
}

int CheckListModel::rowCount(const QModelIndex& parent) const
{
    if (!parent.isValid())
        return static_cast<int>(m_groups.size());
    if (parent.column() != 0)
        return 0;
    switch (kindOf(parent)) {
    case Kind::Group: return static_cast<int>(m_groups[static_cast<std::size_t>(parent.row())].checks.size());
    case Kind::Check: return 1;
    case Kind::Detail: return 0;
    }
    return 0;
}

int CheckListModel::columnCount(const QModelIndex&) const
{
    return ColumnCount;
}

const CheckRow* CheckListModel::checkOf(const QModelIndex& index) const
{
    if (!index.isValid() || !m_verdict)
        return nullptr;
    Position position;
    switch (kindOf(index)) {
    case Kind::Group: return nullptr;
    case Kind::Check: position = {static_cast<int>(index.internalId()) - 1, index.row()}; break;
    case Kind::Detail: position = m_details[index.internalId() - detailBase]; break;
    }
    const Group& group = m_groups[static_cast<std::size_t>(position.group)];
    return &m_verdict->checks[static_cast<std::size_t>(group.checks[static_cast<std::size_t>(position.check)])];
}

QVariant CheckListModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    const Kind kind = kindOf(index);
    if (role == KindRole)
        return static_cast<int>(kind);
    if (kind == Kind::Group)
        return role == Qt::DisplayRole && index.column() == Title
                   ? m_groups[static_cast<std::size_t>(index.row())].title
                   : QVariant();
    const CheckRow* check = checkOf(index);
    if (check == nullptr)
        return {};
    switch (role) {
    case StateRole: return static_cast<int>(check->state);
    case DifferenceRole:
        return check->state == CheckState::Failed && !check->issuer.isEmpty() && !check->recomputed.isEmpty()
                   ? firstDifference(check->issuer, check->recomputed)
                   : -1;
    case Qt::AccessibleTextRole:
        if (kind == Kind::Check && index.column() == Title)
            return tr("%1: %2").arg(stateWord(check->state), check->title);
        break;
    case Qt::DisplayRole: break;
    case Qt::ToolTipRole:
        switch (index.column()) {
        case Title: return plainToolTip(check->detail.isEmpty() ? check->title : check->detail);
        case Issuer: return plainToolTip(check->issuer);
        case Recomputed:
            return plainToolTip(check->recomputed.isEmpty() ? tr("Nothing was recomputed") : check->recomputed);
        default: return plainToolTip(howText(*check));
        }
    default: return {};
    }
    if (kind == Kind::Detail)
        return index.column() == Title ? check->detail : QVariant();
    switch (index.column()) {
    case Title: return check->where.isEmpty() ? check->title : tr("%1 (%2)").arg(check->title, check->where);
    case Issuer: return check->issuer;
    case Recomputed: return check->recomputed.isEmpty() ? QStringLiteral("–") : check->recomputed;
    case How: return howText(*check);
    default: return {};
    }
}

QString CheckListModel::howText(const CheckRow& check)
{
    return differsWithinAllowance(check) ? tr("%1, differs within what is allowed").arg(check.how) : check.how;
}

QVariant CheckListModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Title: return tr("Check");
    case Issuer: return tr("Issuer says");
    case Recomputed: return tr("Recomputed here");
    case How: return tr("How");
    default: return {};
    }
}

CheckList::CheckList(QWidget* parent)
    : QTreeView(parent)
    , m_model(new CheckListModel(this))
{
    setModel(m_model);
    setItemDelegate(new CheckListDelegate(this));
    setFrameShape(QFrame::NoFrame);
    setIndentation(0);
    setRootIsDecorated(false);
    setItemsExpandable(true);
    setExpandsOnDoubleClick(true);
    setUniformRowHeights(false);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setAccessibleName(tr("Checks"));
    setTextFont(*header(), TextSize::Axis, TextWeight::Strong);
    header()->setStretchLastSection(true);
    header()->setSectionsMovable(false);
    header()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    header()->setHighlightSections(false);
    connect(this, &QTreeView::clicked, this, [this](const QModelIndex& index) {
        const QModelIndex first = index.siblingAtColumn(0);
        if (CheckListModel::kindOf(first) == CheckListModel::Kind::Check)
            setExpanded(first, !isExpanded(first));
        announce(index);
    });
    connect(selectionModel(), &QItemSelectionModel::currentChanged, this,
            [this](const QModelIndex& index) { announce(index); });
    connect(this, &QTreeView::expanded, this, &CheckList::openDetail);
}

void CheckList::announce(const QModelIndex& index)
{
    if (const CheckRow* check = m_model->checkOf(index))
        emit checkChosen(check->id, check->where);
}

void CheckList::openDetail(const QModelIndex& index)
{
    if (CheckListModel::kindOf(index) == CheckListModel::Kind::Check)
        setFirstColumnSpanned(0, index, true);
    emit contentHeightChanged();
}

void CheckList::setVerdict(std::shared_ptr<const VerdictView> verdict)
{
    const auto nameOf = [](const CheckRow& check) { return check.id + u'\n' + check.where; };
    // What the user opened or closed stays so; everything else opens if it wants attention.
    QSet<QString> known;
    QSet<QString> open;
    for (int group = 0; group < m_model->rowCount(); ++group) {
        const QModelIndex parent = m_model->index(group, 0);
        for (int row = 0; row < m_model->rowCount(parent); ++row) {
            const QModelIndex index = m_model->index(row, 0, parent);
            const QString name = nameOf(*m_model->checkOf(index));
            known.insert(name);
            if (isExpanded(index))
                open.insert(name);
        }
    }
    m_model->setVerdict(std::move(verdict));
    for (int group = 0; group < m_model->rowCount(); ++group) {
        const QModelIndex parent = m_model->index(group, 0);
        setFirstColumnSpanned(group, {}, true);
        expand(parent);
        for (int row = 0; row < m_model->rowCount(parent); ++row) {
            const QModelIndex index = m_model->index(row, 0, parent);
            const CheckRow& check = *m_model->checkOf(index);
            const QString name = nameOf(check);
            if (known.contains(name) ? open.contains(name) : wantsAttention(check))
                expand(index);
        }
    }
    layoutColumns();
    emit contentHeightChanged();
}

bool CheckList::revealFailed()
{
    std::vector<QModelIndex> failed;
    for (int group = 0; group < m_model->rowCount(); ++group) {
        const QModelIndex parent = m_model->index(group, 0);
        for (int row = 0; row < m_model->rowCount(parent); ++row) {
            const QModelIndex index = m_model->index(row, 0, parent);
            if (m_model->checkOf(index)->state == CheckState::Failed)
                failed.push_back(index);
        }
    }
    if (failed.empty())
        return false;
    const auto at = std::find(failed.begin(), failed.end(), currentIndex().siblingAtColumn(0));
    const QModelIndex next = at == failed.end() || std::next(at) == failed.end() ? failed.front() : *std::next(at);
    expand(next.parent());
    expand(next);
    setCurrentIndex(next);
    scrollTo(next, QAbstractItemView::PositionAtCenter); // with its detail below it
    return true;
}

int CheckList::contentHeight() const
{
    int height = header()->sizeHint().height();
    const auto add = [&](const auto& self, const QModelIndex& parent) -> void {
        for (int row = 0; row < m_model->rowCount(parent); ++row) {
            const QModelIndex index = m_model->index(row, 0, parent);
            height += rowHeight(index);
            if (isExpanded(index))
                self(self, index);
        }
    };
    add(add, {});
    return height + 2;
}

void CheckList::layoutColumns()
{
    // The picture's proportions; the texts are elided and whole in the detail row.
    const int width = viewport()->width();
    const int heading = QFontMetrics(header()->font()).horizontalAdvance(tr("Recomputed here")) + 2 * space::small;
    const int issuer = width * 19 / 100;
    const int recomputed = std::max(issuer, heading);
    header()->resizeSection(CheckListModel::Title, width * 4 / 5 - issuer - recomputed);
    header()->resizeSection(CheckListModel::Issuer, issuer);
    header()->resizeSection(CheckListModel::Recomputed, recomputed);
}

void CheckList::resizeEvent(QResizeEvent* event)
{
    QTreeView::resizeEvent(event);
    layoutColumns();
    scheduleDelayedItemsLayout(); // detail rows wrap to the width
}

void CheckList::keyPressEvent(QKeyEvent* event)
{
    const CheckRow* check = m_model->checkOf(currentIndex());
    if (event->matches(QKeySequence::Copy) && check != nullptr) {
        QApplication::clipboard()->setText(tr("%1: %2\nissuer says: %3\nrecomputed: %4\nhow: %5\n%6")
                                               .arg(stateWord(check->state), check->title, check->issuer,
                                                    check->recomputed, check->how, check->detail));
        return;
    }
    if ((event->key() == Qt::Key_Space || event->key() == Qt::Key_Return) && check != nullptr) {
        const QModelIndex first = currentIndex().siblingAtColumn(0);
        setExpanded(first, !isExpanded(first));
        return;
    }
    QTreeView::keyPressEvent(event);
}

void CheckList::drawBranches(QPainter*, const QRect&, const QModelIndex&) const
{
    // The delegate draws the chevron beside the state; the tree's own lines would repeat it.
}

}
