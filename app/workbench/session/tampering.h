// Damages a copy of a run on purpose, so that one can watch which check notices.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

namespace blockcert::workbench {

enum class Tamper : std::uint8_t {
    FlipByte,     // one bit of the recorded tensors of a block
    ChangeNumber, // ε of a certificate becomes ten times smaller
    ChangePrompt, // a word of a prompt, in run.json and in every certificate
    DropFile,     // the program of a block is gone
};

inline constexpr std::array allTampers{Tamper::FlipByte, Tamper::ChangeNumber, Tamper::ChangePrompt, Tamper::DropFile};

// What was done, for people.
struct Damage {
    std::string file;   // relative to the run; of several the first
    std::string before; // "0.00242…", a byte as "0x3f", a prompt; empty where a file was dropped
    std::string after;

    friend bool operator==(const Damage&, const Damage&) = default;
};

// Copies the regular files of a run, links left out. `copy` must not exist. Throws FileError, and ResourceError for a
// run of more than a gigabyte or 10 000 files. Any thread.
void copyRun(const std::filesystem::path& run, const std::filesystem::path& copy);

// Damages a run in place: a copy, never the original. With `coverUp` SHA256SUMS is then written anew, as a forger who
// can write the folder would. Throws FileError or FormatError where the run has nothing of that kind to damage. Any
// thread.
[[nodiscard]] Damage damageRun(const std::filesystem::path& copy, Tamper tamper, bool coverUp);

}
