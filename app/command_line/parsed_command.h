// A command line after it was read: a verb with checked values, or a wish for help or the version.
#pragma once

#include "app/command_line/verb_description.h"
#include "engine/base/strict_json.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::command_line {

// Every value has the form its description asks for; defaults are not filled in.
class ParsedCommand {
public:
    enum class Wish : std::uint8_t { Run, Help, Version };

    Wish wish = Wish::Run;
    const VerbDescription* verb = nullptr;                               // null with Help: of the whole program
    std::map<std::string, std::vector<std::string>, std::less<>> values; // by OptionDescription::key()

    [[nodiscard]] bool has(std::string_view key) const { return values.contains(key); }

    // The value given, else the default of the description, else empty.
    [[nodiscard]] std::string text(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key) const;

    // What was given, as the parameters of the protocol's method: numbers as numbers, flags as true.
    // Options about output (--json, --quiet, …) are left out.
    [[nodiscard]] Json parameters() const;
};

// `arguments` is argv without the program's name. Throws UsageError with one sentence.
[[nodiscard]] ParsedCommand parseCommandLine(std::span<const std::string> arguments);

// True if these arguments ask for JSON, even where they cannot be read as a whole.
[[nodiscard]] bool asksForJson(std::span<const std::string> arguments);

// The candidate that differs least from `word`, if it is near enough to have been meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

}
