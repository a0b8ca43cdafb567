// A table of an experiment: one set of values behind CSV, JSON and what people read.
#pragma once

#include "engine/base/strict_json.h"

#include <string>
#include <vector>

namespace blockcert::pipeline {

struct TableColumn {
    std::string key;   // of CSV and JSON
    std::string title; // for people

    friend bool operator==(const TableColumn&, const TableColumn&) = default;
};

// Cells are numbers, texts, booleans, or null where there is no value; every row has one for each column.
struct Table {
    std::string name;  // "table" becomes table.csv
    std::string title; // one line for people
    std::vector<TableColumn> columns;
    std::vector<std::vector<Json>> rows;
};

// RFC 4180 with one header line of keys; numbers in the shortest form that reads back exactly, null empty.
[[nodiscard]] std::string toCsv(const Table& table);

// {"name", "title", "columns": [{"key", "title"}], "rows": [{key: value}]}
[[nodiscard]] Json toJson(const Table& table);

// A Markdown table with three significant digits.
[[nodiscard]] std::string toMarkdown(const Table& table);

// "1e-05" -> "1e-5", "2e+07" -> "2e7".
[[nodiscard]] std::string withShortExponent(std::string text);

// Three significant digits, "1.00", "4.70e-3", "−0.0817"; whole numbers as they are, null "–".
[[nodiscard]] std::string shortText(const Json& value);

// A token such as " five" or a line break as one can see it: ␣ for blanks at the ends, ⏎ and ⇥ anywhere.
[[nodiscard]] std::string withMarkedBlanks(const std::string& text);

}
