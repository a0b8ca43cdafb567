// Cuts comma-separated values (RFC 4180) into records.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace blockcert::prompts {

struct CsvRecord {
    std::size_t line = 1; // where it begins
    std::vector<std::string> fields;
};

// Quoted fields may hold commas, quotes ("") and line ends; white space is kept. Empty lines are left out. Throws
// FormatError naming `source` and the line.
[[nodiscard]] std::vector<CsvRecord> readCsv(std::string_view content, std::string_view source);

}
