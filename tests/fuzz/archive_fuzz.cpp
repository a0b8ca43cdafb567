// The sandboxed HDF5 reader: whatever the child does, the parent answers.
#include "engine/artifact/tensor_archive.h"
#include "tests/fuzz/fuzz_input.h"

#include <fcntl.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    using namespace blockcert;
    static const fuzz::Folder folder;
    const char* program = std::getenv("BLOCKCERT_PROGRAM");
    if (program == nullptr) {
        std::fputs("set BLOCKCERT_PROGRAM to the blockcert executable\n", stderr);
        std::exit(2);
    }
    const auto path = folder.write("a.h5", fuzz::text(bytes, size));
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    fuzz::mustAnswer([&] {
        const auto reader = artifact::openForeignArchive(descriptor, "a.h5", program);
        for (const artifact::ArchiveEntry& entry : reader->entries())
            (void)reader->readAll(entry.name);
    });
    ::close(descriptor);
    return 0;
}
