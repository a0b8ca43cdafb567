// The finished cells of one block, one behind the other in one file: what a killed run finds again
// (docs/run-directory.md, "Cells").
#pragma once

#include "engine/values/ids.h"

#include <compare>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace blockcert::certificate {

// A cell comes whole, or first without its losses and then those alone.
enum class CellPart : std::uint8_t { Cell, Losses };

struct CellPlace {
    PromptIndex prompt;
    CellPart part = CellPart::Cell;

    friend auto operator<=>(const CellPlace&, const CellPlace&) = default;
};

// One file for many cells: a file of its own for each costs the file system more than the cell costs to compute. Opens
// on first use. Not thread-safe; one writer at a time, which RunLock sees to.
class CellLog {
public:
    explicit CellLog(std::filesystem::path path);
    ~CellLog();
    CellLog(const CellLog&) = delete;
    CellLog& operator=(const CellLog&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

    // Behind the others; an end that a kill left torn is cut off first, and so is what a failed write leaves. Throws
    // OutputError, ResourceError without room. The folder is created.
    void append(CellPlace place, std::string_view bytes);

    // As appended last; nothing if there is none. Whether the bytes are whole is for their digest to say. Throws
    // FileError.
    [[nodiscard]] std::optional<std::string> read(CellPlace place);

private:
    struct Range {
        std::int64_t offset = 0;
        std::int64_t size = 0;
    };

    bool open(bool create); // false: there is no such file
    void scan();
    [[nodiscard]] std::string readAt(std::int64_t offset, std::int64_t size) const;

    std::filesystem::path m_path;
    int m_descriptor = -1;
    std::int64_t m_end = 0;  // of the last whole one
    std::int64_t m_size = 0; // of the file
    std::map<CellPlace, Range> m_ranges;
};

// The newest of each, of a whole log that somebody else writes: a torn end is left out.
[[nodiscard]] std::map<CellPlace, std::string_view> cellsOf(std::string_view log);

}
