// Temporary folders and hand-made model files for the tests of the artifact room.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/artifact/safetensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::artifact::test {

inline std::filesystem::path testData()
{
    return std::getenv("BLOCKCERT_TEST_DATA"); // NOLINT(concurrency-mt-unsafe)
}

// One of the tiny models of tests/data/models.
inline std::filesystem::path model(const std::string& name)
{
    return testData() / "models" / name;
}

inline std::string readFile(const std::filesystem::path& path)
{
    std::ifstream stream(path, std::ios::binary);
    EXPECT_TRUE(stream) << path;
    return {std::istreambuf_iterator<char>(stream), {}};
}

// A folder that is gone at the end of the test.
class TemporaryFolder {
public:
    TemporaryFolder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "blockcert-artifact-XXXXXX").string();
        m_path = ::mkdtemp(name.data());
    }

    ~TemporaryFolder() { std::filesystem::remove_all(m_path); }

    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

    std::filesystem::path write(const std::string& name, std::string_view bytes) const
    {
        const std::filesystem::path path = m_path / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }

private:
    std::filesystem::path m_path;
};

// Little-endian bytes, appended one after the other.
class Bytes {
public:
    template <class T>
    Bytes& integer(T value)
    {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            m_text += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xFF);
        return *this;
    }

    Bytes& u8(std::uint8_t v) { return integer(v); }

    Bytes& u32(std::uint32_t v) { return integer(v); }

    Bytes& u64(std::uint64_t v) { return integer(v); }

    Bytes& f32(float v) { return integer(std::bit_cast<std::uint32_t>(v)); }

    Bytes& raw(std::string_view text) { return m_text += text, *this; }

    Bytes& text(std::string_view text) { return u64(text.size()).raw(text); }

    Bytes& zeros(std::size_t count) { return m_text.append(count, '\0'), *this; }

    Bytes& padTo(std::size_t alignment) { return zeros((alignment - m_text.size() % alignment) % alignment); }

    [[nodiscard]] const std::string& str() const { return m_text; }

    [[nodiscard]] std::size_t size() const { return m_text.size(); }

private:
    std::string m_text;
};

// A safetensors file from a header as text and data.
inline std::string safetensorsBytes(std::string_view header, std::string_view data)
{
    return Bytes().u64(header.size()).raw(header).raw(data).str();
}

// Metadata values as GGUF writes them: type, then value.
inline std::string ggufU32(std::uint32_t v)
{
    return Bytes().u32(4).u32(v).str();
}

inline std::string ggufF32(float v)
{
    return Bytes().u32(6).f32(v).str();
}

inline std::string ggufText(std::string_view v)
{
    return Bytes().u32(8).text(v).str();
}

struct GgufTensor {
    std::string name;
    std::vector<std::uint64_t> dimensions; // fastest first
    std::uint32_t type = 0;
    std::uint64_t bytes = 0;
    std::optional<std::uint64_t> offset; // absent: where it belongs
};

// Every part of a GGUF file may be given a wrong value; the defaults make a valid one.
struct GgufFields {
    std::string magic = "GGUF";
    std::uint32_t version = 3;
    std::vector<std::pair<std::string, std::string>> metadata;
    std::vector<GgufTensor> tensors;
    std::optional<std::uint64_t> tensorCount;
    std::optional<std::uint64_t> keyCount;
    std::size_t alignment = 32;
    bool withData = true;

    [[nodiscard]] std::string bytes() const
    {
        Bytes file;
        file.raw(magic).u32(version).u64(tensorCount.value_or(tensors.size())).u64(keyCount.value_or(metadata.size()));
        for (const auto& [key, value] : metadata)
            file.text(key).raw(value);
        std::uint64_t offset = 0;
        for (const GgufTensor& tensor : tensors) {
            file.text(tensor.name).u32(static_cast<std::uint32_t>(tensor.dimensions.size()));
            for (const std::uint64_t dimension : tensor.dimensions)
                file.u64(dimension);
            file.u32(tensor.type).u64(tensor.offset.value_or(offset));
            offset += (tensor.bytes + alignment - 1) / alignment * alignment;
        }
        if (withData && !tensors.empty())
            file.padTo(alignment).zeros(offset);
        return file.str();
    }
};

template <class T>
std::vector<T> valuesOf(const HostTensor& tensor)
{
    std::vector<T> values(tensor.bytes.size() / sizeof(T));
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    return values;
}

// The sentence of the Fault that `action` throws; fails the test if it throws anything else.
template <class Fault, class Action>
std::string messageOf(Action action)
{
    try {
        action();
    } catch (const Fault& fault) {
        return fault.what();
    } catch (const std::exception& other) {
        ADD_FAILURE() << "another kind of exception: " << other.what();
        return {};
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}

}
