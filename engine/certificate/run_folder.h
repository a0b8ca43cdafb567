// A run directory as an untrusted folder: every file is opened beneath it, once, and never through a link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::certificate {

// A descriptor that closes itself.
class OpenFile {
public:
    explicit OpenFile(int descriptor)
        : m_descriptor(descriptor)
    {
    }

    ~OpenFile();
    OpenFile(OpenFile&& other) noexcept;
    OpenFile& operator=(OpenFile&& other) noexcept;

    [[nodiscard]] int descriptor() const { return m_descriptor; }

    [[nodiscard]] std::uint64_t size() const;

private:
    int m_descriptor = -1;
};

// Const members may be called from several threads.
class RunFolder {
public:
    // Throws FileError if `path` is not a folder that can be read.
    explicit RunFolder(const std::filesystem::path& path);

    // A regular file, opened component by component without following links. Throws FormatError for a path that
    // isSafePath() refuses, FileError for a missing file, a link, or anything that is not a regular file.
    [[nodiscard]] OpenFile open(std::string_view path) const;

    // The whole file; ResourceError above `limit` bytes.
    [[nodiscard]] std::string readText(std::string_view path, std::size_t limit) const;

    // Everything below the folder that is not a folder, sorted, at most four levels and `limit` names deep.
    [[nodiscard]] std::vector<std::string> list(std::size_t limit) const;

    [[nodiscard]] bool exists(std::string_view path) const;

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
    OpenFile m_folder;
};

// The whole content of an open file, from its beginning.
[[nodiscard]] std::string readAll(const OpenFile& file, std::string_view name, std::size_t limit);

}
