#include "engine/exchange/placed_file.h"

#include "engine/base/atomic_file.h"
#include "engine/base/file_fault.h"

#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace blockcert::exchange {

PlacedFile::PlacedFile(std::filesystem::path path)
    : m_path(std::move(path))
    , m_temporary(m_path)
{
    m_temporary += ".part";
    m_descriptor = ::open(m_temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (m_descriptor < 0)
        refuseToWrite("Cannot create", m_temporary, errno);
}

PlacedFile::~PlacedFile()
{
    if (m_descriptor < 0)
        return;
    ::close(m_descriptor);
    ::unlink(m_temporary.c_str());
}

void PlacedFile::write(std::int64_t offset, std::span<const std::byte> bytes)
{
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(m_descriptor, bytes.data(), bytes.size(), offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            refuseToWrite("Cannot write", m_path, errno);
        offset += count;
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
}

void PlacedFile::publish()
{
    if (::close(std::exchange(m_descriptor, -1)) != 0) {
        const int error = errno;
        ::unlink(m_temporary.c_str());
        refuseToWrite("Cannot write", m_path, error);
    }
    publishFile(m_temporary, m_path); // takes the other name away where it cannot give it the right one
}

}
