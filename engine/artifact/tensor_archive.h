// Named tensors in one HDF5 file: written deterministically, read narrowly (docs/run-directory.md).
#pragma once

#include "engine/base/atomic_file.h"
#include "engine/values/host_tensor.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::artifact {

struct ArchiveEntry {
    std::string name; // "error", "weight/q.weight"
    DType dtype = DType::F32;
    std::vector<std::int64_t> shape;

    friend bool operator==(const ArchiveEntry&, const ArchiveEntry&) = default;
};

// Equal content gives equal bytes: fixed library-version bounds, contiguous layout, no times, no filters,
// datasets in the order of add() or declare(). One thread at a time per object; different archives may be written
// and opened on different threads (HDF5 itself is entered by one thread at a time).
class ArchiveWriter {
public:
    // Creates `path`, which must not exist; callers give a temporary name and publishFile() it after close().
    // A writer that ends without close() removes the file again.
    explicit ArchiveWriter(const std::filesystem::path& path);
    ~ArchiveWriter();

    // Every type but BOOL and the quantised ones. Names are "error" or "weight/q.weight": one group at most.
    void add(const std::string& name, const HostTensor& tensor);
    // Adds a dataset of known shape that is filled in row ranges of its first dimension afterwards, each row once.
    void declare(const ArchiveEntry& entry);
    void writeRows(const std::string& name, std::int64_t rowBegin, const HostTensor& rows);
    void
    close(Flush when = Flush::Now); // fsyncs now, or leaves that to flushFiles(); throws OutputError / ResourceError

private:
    struct State;
    std::unique_ptr<State> m_state;
};

// Reading: the same interface whether HDF5 walks the file in this process (one's own, just written) or in a
// sandboxed child (everything else). HDF5 only says where each dataset lies; the bytes are read here with pread, so
// no data passes through the library. Any HDF5 error, any unexpected object, type or size is a FormatError.
// const members and readRows() may be called from several threads.
class ArchiveReader {
public:
    virtual ~ArchiveReader() = default;

    [[nodiscard]] virtual const std::vector<ArchiveEntry>& entries() const = 0; // in the order of writing
    // Rows [rowBegin, rowEnd) of the first dimension, in the file's own dtype. Throws FormatError if there is
    // no such dataset. Rank-0 and whole-tensor reads: readAll().
    [[nodiscard]] virtual HostTensor readRows(std::string_view name, std::int64_t rowBegin, std::int64_t rowEnd) = 0;

    [[nodiscard]] const ArchiveEntry* find(std::string_view name) const;
    [[nodiscard]] HostTensor readAll(std::string_view name);
};

// Opens a file this very process has written.
[[nodiscard]] std::unique_ptr<ArchiveReader> openOwnArchive(const std::filesystem::path& path);

// Opens an untrusted file through a child process with rlimits, no_new_privs and, where possible, seccomp.
// `descriptor` is an already opened, already hashed regular file and stays the caller's (the reader keeps a
// duplicate); `childProgram` is the blockcert executable (run as `blockcert --archive-reader`). The child ends before
// this returns. Crash, limit or time-out of the child, and any answer that does not fit the file, are FormatErrors;
// FileError if the child cannot be started. `name` is for messages. May be called from several threads.
[[nodiscard]] std::unique_ptr<ArchiveReader> openForeignArchive(int descriptor, std::string_view name,
                                                                const std::filesystem::path& childProgram);

// The body of that child: writes to standard output where the datasets of the archive on descriptor 3 lie (JSON,
// see archive_layout.h); returns the exit code. The process can do nothing else afterwards: it is in a sandbox.
int runArchiveReaderChild();

}
