// The table of a prompt set: id, text, tokens, tags, split and problem of every prompt.
#pragma once

#include "widgets/values.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <memory>

namespace blockcert::widgets {

class PromptTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Id, Text, TokenCount, Tags, Split, Problem, ColumnCount };

    explicit PromptTableModel(QObject* parent = nullptr);
    void setPrompts(std::shared_ptr<const PromptList> prompts);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    std::shared_ptr<const PromptList> m_prompts;
};

class PromptTable : public QTableView {
    Q_OBJECT

public:
    explicit PromptTable(QWidget* parent = nullptr);
    void setPrompts(std::shared_ptr<const PromptList> prompts);
    [[nodiscard]] int currentPrompt() const; // -1: none

signals:
    void promptSelected(int prompt);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void layoutColumns();

    PromptTableModel* m_model = nullptr;
};

}
