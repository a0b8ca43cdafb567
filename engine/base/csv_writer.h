// Comma-separated values as RFC 4180 has them, which a spreadsheet opens without running what a text says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert {

// Rows of one table, each ended by CR LF. Not thread-safe.
class CsvWriter {
public:
    explicit CsvWriter(const std::vector<std::string>& titles);

    // A text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) gets an
    // apostrophe in front. Quoted where it holds a comma, a quote or a line end.
    CsvWriter& text(std::string_view value);
    // The shortest decimal that reads back exactly; empty where there is no number.
    CsvWriter& number(std::optional<double> value);
    CsvWriter& integer(std::int64_t value);
    CsvWriter& boolean(bool value); // true or false
    CsvWriter& nothing();
    void endRow();

    [[nodiscard]] const std::string& content() const { return m_content; }

private:
    void field(std::string_view bytes);

    std::string m_content;
    bool m_first = true;
};

}
