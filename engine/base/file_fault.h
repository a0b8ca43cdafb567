// What is said of a file that the system does not let be written.
#pragma once

#include "engine/base/error.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

namespace blockcert {

// A disk, a quota or a limit on files is full: nothing else is wrong, and the same may work later.
class NoRoomError : public ResourceError {
public:
    using ResourceError::ResourceError;
};

// Throws NoRoomError if there is no room, else OutputError: "Cannot write PATH: No space left on device; free some …"
[[noreturn]] inline void refuseToWrite(const std::string& what, const std::filesystem::path& path, int error)
{
    const std::string sentence = what + " " + path.string() + ": " + std::strerror(error);
    if (error == ENOSPC || error == EDQUOT)
        throw NoRoomError(sentence + "; free some space there, or write to another disk.");
    if (error == EFBIG)
        throw NoRoomError(sentence + "; raise the limit (ulimit -f), or write to another disk.");
    throw OutputError(sentence + ".");
}

}
