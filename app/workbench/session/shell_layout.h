// The three arrangements of the window: which parts are shown and how large its type is.
#pragma once

#include <QString>

#include <array>
#include <cstdint>

namespace blockcert::workbench {

struct ShellLayout {
    enum class Name : std::uint8_t { Explore, Audit, Teach };

    static constexpr std::array all{Name::Explore, Name::Audit, Name::Teach};

    Name name = Name::Explore;
    bool side = true;             // the panel at the right
    bool drawer = false;          // jobs, log, problems
    bool explains = false;        // a page says what its words mean
    bool listsEveryCheck = false; // Verify starts with a row for every block
    double typeScale = 1;         // 1.25: readable from the back of a room; 1.6: from a projector

    friend bool operator==(const ShellLayout&, const ShellLayout&) = default;

    [[nodiscard]] static QString title(Name name);
    [[nodiscard]] static QString purpose(Name name);
    // As it was shipped.
    [[nodiscard]] static ShellLayout standard(Name name);
};

}
