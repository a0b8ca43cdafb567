#include "engine/artifact/archive_reader.h"

#include "engine/base/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace blockcert::artifact {

namespace {

// Stateless between calls; pread leaves no file position behind, so several threads may read from one object.
class PlacedReader final : public ArchiveReader {
public:
    PlacedReader(Descriptor descriptor, const ArchiveLayout& layout, std::string_view source)
        : m_descriptor(std::move(descriptor))
        , m_source(source)
    {
        for (const PlacedEntry& placed : layout) {
            m_entries.push_back(placed.entry);
            m_offsets.push_back(placed.offset);
        }
    }

    [[nodiscard]] const std::vector<ArchiveEntry>& entries() const override { return m_entries; }

    [[nodiscard]] HostTensor readRows(std::string_view name, std::int64_t rowBegin, std::int64_t rowEnd) override
    {
        const ArchiveEntry* entry = find(name);
        if (entry == nullptr)
            throw FormatError(fmt::format("{}: there is no dataset {}.", m_source, name));
        const bool scalar = entry->shape.empty();
        const std::int64_t rows = scalar ? 1 : entry->shape[0];
        if (rowBegin < 0 || rowEnd < rowBegin || rowEnd > rows)
            throw FormatError(fmt::format("{}: dataset {} has {} rows, so rows {} to {} cannot be read.", m_source,
                                          name, rows, rowBegin, rowEnd));

        HostTensor tensor;
        tensor.dtype = entry->dtype;
        tensor.shape = entry->shape;
        if (!scalar)
            tensor.shape[0] = 1;
        const auto rowBytes = static_cast<std::uint64_t>(tensor.elementCount() * storageBlock(entry->dtype).bytes);
        if (!scalar)
            tensor.shape[0] = rowEnd - rowBegin;
        tensor.bytes.resize(static_cast<std::size_t>(rowEnd - rowBegin) * rowBytes);
        readBytes(m_offsets[static_cast<std::size_t>(entry - m_entries.data())] +
                      static_cast<std::uint64_t>(rowBegin) * rowBytes,
                  tensor.bytes, name);
        return tensor;
    }

private:
    void readBytes(std::uint64_t offset, std::vector<std::byte>& into, std::string_view name) const
    {
        std::size_t done = 0;
        while (done < into.size()) {
            const ssize_t count = ::pread(m_descriptor.value(), into.data() + done, into.size() - done,
                                          static_cast<off_t>(offset + done));
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0)
                throw FileError(fmt::format("{}: dataset {} cannot be read at byte {}: {}.", m_source, name,
                                            offset + done, std::generic_category().message(errno)));
            if (count == 0)
                throw FormatError(fmt::format("{}: the file ends at byte {} in the middle of dataset {}.", m_source,
                                              offset + done, name));
            done += static_cast<std::size_t>(count);
        }
    }

    Descriptor m_descriptor;
    std::string m_source;
    std::vector<ArchiveEntry> m_entries;
    std::vector<std::uint64_t> m_offsets; // parallel to m_entries
};

ArchiveLayout ownLayout(const std::filesystem::path& path)
{
    try {
        return readLayout({path.string(), nullptr, 0});
    } catch (const FormatError& problem) {
        throw FormatError(fmt::format("{}: {}", path.string(), problem.what()));
    }
}

}

Descriptor::Descriptor(Descriptor&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1))
{
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept
{
    std::swap(m_descriptor, other.m_descriptor);
    return *this;
}

Descriptor::~Descriptor()
{
    close();
}

void Descriptor::close()
{
    if (m_descriptor >= 0)
        ::close(std::exchange(m_descriptor, -1));
}

std::uint64_t sizeOfFile(int descriptor, std::string_view source)
{
    struct stat status = {};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
        throw FileError(fmt::format("{}: this is not a regular file.", source));
    return static_cast<std::uint64_t>(status.st_size);
}

std::unique_ptr<ArchiveReader> readPlaced(Descriptor descriptor, const ArchiveLayout& layout, std::string_view source)
{
    return std::make_unique<PlacedReader>(std::move(descriptor), layout, source);
}

const ArchiveEntry* ArchiveReader::find(std::string_view name) const
{
    for (const ArchiveEntry& entry : entries())
        if (entry.name == name)
            return &entry;
    return nullptr;
}

HostTensor ArchiveReader::readAll(std::string_view name)
{
    const ArchiveEntry* entry = find(name);
    const bool scalar = entry != nullptr && entry->shape.empty();
    return readRows(name, 0, entry == nullptr || scalar ? 1 : entry->shape[0]);
}

std::unique_ptr<ArchiveReader> openOwnArchive(const std::filesystem::path& path)
{
    Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (descriptor.value() < 0)
        throw FileError(
            fmt::format("{}: cannot be opened: {}.", path.string(), std::generic_category().message(errno)));
    const std::uint64_t size = sizeOfFile(descriptor.value(), path.string());
    const ArchiveLayout layout = ownLayout(path);
    checkLayout(layout, size, path.string());
    return readPlaced(std::move(descriptor), layout, path.string());
}

}
