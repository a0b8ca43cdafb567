#include "widgets/value_table.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>

#include <gtest/gtest.h>

#include <memory>

namespace blockcert::widgets {

namespace {

std::shared_ptr<const ValueRows> sample()
{
    auto rows = std::make_shared<ValueRows>();
    rows->columns = {{QStringLiteral("Name"), false, 10, {}}, {QStringLiteral("Value"), true, 10, {}}};
    const auto add = [&](const char* name, double value) {
        ValueCell text;
        text.text = QString::fromUtf8(name);
        rows->rows.push_back({text, ValueCell::of(value)});
    };
    add("ten", 10);
    add("nothing", std::numeric_limits<double>::quiet_NaN());
    add("two", 2.25);
    return rows;
}

std::vector<std::string> column(const QAbstractItemModel& model, int at)
{
    std::vector<std::string> texts;
    for (int row = 0; row < model.rowCount(); ++row)
        texts.push_back(model.index(row, at).data().toString().toStdString());
    return texts;
}

}

TEST(ValueTable, IsAModel)
{
    ValueTableModel model;
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Warning);
    model.setRows(sample());
    EXPECT_EQ(model.rowCount(), 3);
    model.setRows(nullptr);
    EXPECT_EQ(model.rowCount(), 0);
}

TEST(ValueTable, SortsByValueAndPutsWhatIsMissingLast)
{
    ValueTable table(QStringLiteral("values"));
    table.setRows(sample());
    EXPECT_EQ(column(*table.model(), 0), (std::vector<std::string>{"ten", "nothing", "two"})) << "in their own order";
    table.sortByColumn(1, Qt::AscendingOrder); // as numbers: 2.25 before 10
    EXPECT_EQ(column(*table.model(), 0), (std::vector<std::string>{"two", "ten", "nothing"}));
    table.sortByColumn(1, Qt::DescendingOrder);
    EXPECT_EQ(column(*table.model(), 0), (std::vector<std::string>{"ten", "two", "nothing"}));
}

TEST(ValueTable, TellsTheRowOfTheValuesHoweverItIsSorted)
{
    ValueTable table(QStringLiteral("values"));
    table.setRows(sample());
    table.sortByColumn(1, Qt::AscendingOrder);
    const QSignalSpy chosen(&table, &ValueTable::rowChosen);
    table.setCurrentRow(0);
    EXPECT_EQ(chosen.count(), 0) << "only the user chooses";
    EXPECT_EQ(table.currentIndex().row(), 1);
    table.setCurrentIndex(table.model()->index(0, 0));
    ASSERT_EQ(chosen.count(), 1);
    EXPECT_EQ(chosen[0][0].toInt(), 2);
}

TEST(ValueTable, ExportsEveryDigit)
{
    auto rows = std::make_shared<ValueRows>(*sample());
    rows->rows[0][1].number = 0.1 + 0.2;
    const ExportTable table = tableOf(*rows);
    EXPECT_EQ(table.columns, (QStringList{QStringLiteral("Name"), QStringLiteral("Value")}));
    EXPECT_EQ(table.rows[0][1].toStdString(), "0.30000000000000004");
    EXPECT_EQ(table.rows[1][1].toStdString(), "");
}

}
