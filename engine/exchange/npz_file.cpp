#include "engine/exchange/npz_file.h"

#include "engine/artifact/shown.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/file_fault.h"
#include "engine/exchange/npy.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <zip.h>

namespace blockcert::exchange {

namespace {

namespace fs = std::filesystem;
using artifact::shown;

constexpr std::string_view suffix = ".npy";
constexpr std::uint64_t smallMember = 1U << 20U; // below it a high ratio does no harm
constexpr zip_uint16_t firstDay = 0x21;          // 1980-01-01, the earliest a zip file can say

struct ZipCloser {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};

struct ZipFileCloser {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};

// A name that can only mean an array of this archive.
bool isPlainName(std::string_view name)
{
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    };
    return name.size() > suffix.size() && name.size() <= 256 && name.ends_with(suffix) && name.front() != '.' &&
           name.find("..") == std::string_view::npos && std::ranges::all_of(name, plain);
}

}

struct NpzFile::State {
    struct Member {
        zip_uint64_t index = 0;
        std::uint64_t size = 0;
    };

    std::string path;
    std::unique_ptr<zip_t, ZipCloser> archive;
    std::map<std::string, Member, std::less<>> members; // by name without .npy

    [[noreturn]] void refuse(const std::string& what) const { throw FormatError(path + ": " + what); }

    void open()
    {
        // A descriptor of a regular file: what is checked is what is read.
        const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (descriptor < 0)
            throw FileError("Cannot open " + path + ": " + std::strerror(errno) + ".");

        struct stat status {};

        if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
            ::close(descriptor);
            throw FileError(path + " is not a regular file.");
        }
        int code = 0;
        archive.reset(zip_fdopen(descriptor, ZIP_CHECKCONS, &code));
        if (!archive) {
            ::close(descriptor);
            zip_error_t error;
            zip_error_init_with_code(&error, code);
            const std::string reason = zip_error_strerror(&error);
            zip_error_fini(&error);
            refuse("not a whole zip file (" + reason + ").");
        }
    }

    void readDirectory(const NpzLimits& limits)
    {
        const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
        if (count < 0 || static_cast<std::uint64_t>(count) > limits.members)
            throw ResourceError(path + ": the archive lists " + std::to_string(count) + " members; the limit is " +
                                std::to_string(limits.members) + ".");
        std::uint64_t total = 0;
        for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
            zip_stat_t entry;
            zip_stat_init(&entry);
            constexpr zip_uint64_t needed =
                ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
            if (zip_stat_index(archive.get(), i, ZIP_FL_ENC_RAW, &entry) != 0 || (entry.valid & needed) != needed)
                refuse("member " + std::to_string(i) + " is not described.");
            const std::string name = entry.name;
            if (!isPlainName(name))
                refuse("the member " + shown(name) +
                       " is no array's name (letters, digits, _ - . and the ending .npy).");
            check(name, entry, limits);
            total += entry.size; // both far below 2^63: the limit of one member is checked
            if (total > limits.totalBytes)
                throw ResourceError(path + ": the arrays declare more than " + std::to_string(limits.totalBytes) +
                                    " bytes in all.");
            if (!members.emplace(name.substr(0, name.size() - suffix.size()), Member{i, entry.size}).second)
                refuse("the member " + shown(name) + " is there twice.");
        }
    }

    void check(const std::string& name, const zip_stat_t& entry, const NpzLimits& limits) const
    {
        if (entry.encryption_method != ZIP_EM_NONE)
            throw UnsupportedError(path + ": the member " + shown(name) + " is encrypted.");
        if (entry.comp_method != ZIP_CM_STORE && entry.comp_method != ZIP_CM_DEFLATE)
            throw UnsupportedError(path + ": the member " + shown(name) + " is compressed by method " +
                                   std::to_string(entry.comp_method) + "; numpy.savez stores or deflates.");
        if (entry.size > limits.memberBytes)
            throw ResourceError(path + ": the member " + shown(name) + " declares " + std::to_string(entry.size) +
                                " bytes; the limit is " + std::to_string(limits.memberBytes) + ".");
        if (entry.comp_method == ZIP_CM_STORE && entry.size != entry.comp_size)
            refuse("the member " + shown(name) + " is stored, but declares two sizes.");
        if (entry.size > smallMember && entry.size / limits.ratio > entry.comp_size)
            throw ResourceError(path + ": the member " + shown(name) + " would grow from " +
                                std::to_string(entry.comp_size) + " to " + std::to_string(entry.size) +
                                " bytes, more than " + std::to_string(limits.ratio) + " times.");
    }
};

NpzFile::NpzFile(const fs::path& path, const NpzLimits& limits)
    : m_state(std::make_unique<State>())
{
    m_state->path = path.string();
    m_state->open();
    m_state->readDirectory(limits);
}

NpzFile::~NpzFile() = default;
NpzFile::NpzFile(NpzFile&&) noexcept = default;
NpzFile& NpzFile::operator=(NpzFile&&) noexcept = default;

std::vector<std::string> NpzFile::names() const
{
    std::vector<std::string> names;
    for (const auto& [name, member] : m_state->members)
        names.push_back(name);
    return names;
}

bool NpzFile::has(std::string_view name) const
{
    return m_state->members.contains(name);
}

HostTensor NpzFile::read(std::string_view name) const
{
    const auto found = m_state->members.find(name);
    if (found == m_state->members.end())
        m_state->refuse("there is no array " + shown(name) + ".");
    const std::string source = m_state->path + ", array " + found->first;
    const std::unique_ptr<zip_file_t, ZipFileCloser> file(
        zip_fopen_index(m_state->archive.get(), found->second.index, 0));
    if (!file)
        m_state->refuse("the array " + found->first + " cannot be opened (" + zip_strerror(m_state->archive.get()) +
                        ").");
    // Grown as bytes arrive: a directory that lies about a size claims no memory.
    std::vector<std::byte> bytes;
    std::vector<std::byte> piece(1U << 20U);
    while (true) {
        const zip_int64_t count = zip_fread(file.get(), piece.data(), piece.size());
        if (count < 0)
            throw FormatError(source + " is damaged (" + zip_file_strerror(file.get()) + ").");
        if (count == 0)
            break;
        if (static_cast<std::uint64_t>(count) > found->second.size - bytes.size())
            throw FormatError(source + " holds more than the " + std::to_string(found->second.size) +
                              " bytes that the archive declares.");
        bytes.insert(bytes.end(), piece.begin(), piece.begin() + count);
    }
    if (bytes.size() != found->second.size)
        throw FormatError(source + " holds " + std::to_string(bytes.size()) + " bytes, the archive declares " +
                          std::to_string(found->second.size) + ".");
    return tensorFromNpy(bytes, source);
}

void writeNpz(const fs::path& path, const std::map<std::string, HostTensor>& arrays)
{
    fs::path temporary = path;
    temporary += ".new";
    std::error_code missing;
    fs::remove(temporary, missing);
    int code = 0;
    std::unique_ptr<zip_t, ZipCloser> archive(zip_open(temporary.c_str(), ZIP_CREATE | ZIP_EXCL, &code));
    if (!archive)
        throw OutputError("Cannot create " + temporary.string() + ".");
    const auto refuse = [&] {
        throw OutputError("Cannot write " + temporary.string() + ": " + zip_strerror(archive.get()) + ".");
    };
    std::vector<std::string> contents; // must live until the archive is closed
    contents.reserve(arrays.size());
    for (const auto& [name, tensor] : arrays) {
        contents.push_back(npyOf(tensor));
        zip_source_t* source = zip_source_buffer(archive.get(), contents.back().data(), contents.back().size(), 0);
        if (source == nullptr)
            refuse();
        const std::string member = name + std::string(suffix);
        const zip_int64_t index = zip_file_add(archive.get(), member.c_str(), source, ZIP_FL_ENC_UTF_8);
        if (index < 0) {
            zip_source_free(source);
            refuse();
        }
        if (zip_set_file_compression(archive.get(), static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0) != 0 ||
            zip_file_set_dostime(archive.get(), static_cast<zip_uint64_t>(index), 0, firstDay, 0) != 0)
            refuse();
    }
    if (zip_close(archive.get()) != 0) {
        const int system = zip_error_system_type(zip_get_error(archive.get())) == ZIP_ET_SYS
                               ? zip_error_code_system(zip_get_error(archive.get()))
                               : 0;
        const std::string problem = zip_strerror(archive.get());
        fs::remove(temporary, missing);
        if (system != 0)
            refuseToWrite("Cannot write", temporary, system);
        throw OutputError("Cannot write " + temporary.string() + ": " + problem + ".");
    }
    static_cast<void>(archive.release()); // zip_close() has freed it
    publishFile(temporary, path);
}

}
