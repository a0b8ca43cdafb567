// What every fuzz target shares: bytes as a file on disk, and which exceptions count as a proper answer.
#pragma once

#include "engine/base/error.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <unistd.h>

namespace blockcert::fuzz {

inline std::string_view text(const std::uint8_t* bytes, std::size_t size)
{
    return {reinterpret_cast<const char*>(bytes), size};
}

// Runs a reader: one of our errors is a good answer, anything else escapes and is a finding.
template <class Read>
void mustAnswer(Read&& read)
{
    try {
        read();
    } catch (const Error&) {
    }
}

// A private folder that is emptied between inputs and removed at the end of the process.
class Folder {
public:
    Folder()
    {
        char name[] = "/tmp/blockcert-fuzz-XXXXXX";
        if (::mkdtemp(name) == nullptr)
            std::abort();
        m_path = name;
    }

    ~Folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }

    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::filesystem::path write(std::string_view name, std::string_view bytes) const
    {
        const std::filesystem::path path = m_path / name;
        std::FILE* file = std::fopen(path.c_str(), "wb");
        if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size())
            std::abort();
        std::fclose(file);
        return path;
    }

    const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

}
