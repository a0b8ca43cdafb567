// What is said of a file that the system does not let be written.
#pragma once

#include "engine/base/error.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

namespace blockcert {

// Throws ResourceError if there is no room, else OutputError: "Cannot write PATH: No space left on device."
[[noreturn]] inline void refuseToWrite(const std::string& what, const std::filesystem::path& path, int error)
{
    const std::string sentence = what + " " + path.string() + ": " + std::strerror(error) + ".";
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        throw ResourceError(sentence);
    throw OutputError(sentence);
}

}
