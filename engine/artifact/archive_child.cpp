// The reader child: descriptor 3 is a foreign archive, standard output takes one JSON answer, and that is all.
//
// The answer says where each dataset lies; the parent checks it and reads the bytes itself. So the 200,000 lines of
// HDF5 run where a hostile file can gain nothing, and no tensor ever travels through them.
#include "engine/artifact/archive_layout.h"
#include "engine/artifact/archive_sandbox.h"
#include "engine/base/error.h"

#include <hdf5.h>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace blockcert::artifact {

namespace {

constexpr int archiveDescriptor = 3;
constexpr std::size_t workingBytes = std::size_t{512} << 20U;

// No file of this name can exist: HDF5 only uses it as a label of the image.
constexpr const char* imageName = "/dev/null/archive";

bool writeAll(std::string_view text)
{
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::string answerFor(const void* image, std::size_t size)
{
    try {
        return layoutAnswer(readLayout({imageName, image, size}));
    } catch (const Error& problem) {
        return problemAnswer(problem.what());
    } catch (const std::bad_alloc&) {
        return problemAnswer("reading its structure needs more memory than an archive may take.");
    }
}

}

int runArchiveReaderChild()
{
    ::close_range(archiveDescriptor + 1, ~0U, 0);
    struct stat status = {};
    if (::fstat(archiveDescriptor, &status) != 0 || !S_ISREG(status.st_mode))
        return 1;
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0)
        return writeAll(problemAnswer("the file is empty.")) ? 0 : 1;
    void* image = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, archiveDescriptor, 0);
    if (image == MAP_FAILED)
        return 1;

    H5dont_atexit();
    H5open();
    H5PLset_loading_state(0);
    enterSandbox(workingBytes);
    return writeAll(answerFor(image, size)) ? 0 : 1;
}

}
