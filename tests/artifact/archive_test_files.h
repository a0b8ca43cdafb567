// Small archives and scratch folders for the archive tests.
#pragma once

#include "engine/artifact/tensor_archive.h"
#include "engine/values/host_tensor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

namespace blockcert::artifact {

// A folder of this test alone, removed at its end.
class ScratchFolder {
public:
    ScratchFolder()
    {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        m_path = std::filesystem::temp_directory_path() /
                 (std::string("blockcert-") + test->name() + "-" + std::to_string(::getpid()));
        std::filesystem::create_directories(m_path);
    }

    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    ~ScratchFolder() { std::filesystem::remove_all(m_path); }

    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return m_path / name; }

private:
    std::filesystem::path m_path;
};

template <class T>
HostTensor tensorOf(DType dtype, std::vector<std::int64_t> shape, const std::vector<T>& elements)
{
    HostTensor tensor{dtype, std::move(shape), {}};
    tensor.bytes.resize(elements.size() * sizeof(T));
    if (!elements.empty())
        std::memcpy(tensor.bytes.data(), elements.data(), tensor.bytes.size());
    return tensor;
}

inline std::string bytesOf(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void writeBytes(const std::filesystem::path& path, const std::string& bytes)
{
    std::ofstream(path, std::ios::binary) << bytes;
}

// One dataset of every kind that run directories hold.
inline std::vector<std::pair<std::string, HostTensor>> everyKindOfTensor()
{
    return {
        {"program", tensorOf<std::uint8_t>(DType::U8, {5}, {'{', '"', 'a', '"', '}'})},
        {"prompt_offset", tensorOf<std::int64_t>(DType::I64, {3}, {0, 2, 1LL << 40})},
        {"token_id", tensorOf<std::int32_t>(DType::I32, {2}, {7, -1})},
        {"small", tensorOf<std::int16_t>(DType::I16, {2}, {-300, 300})},
        {"tiny", tensorOf<std::int8_t>(DType::I8, {2}, {-3, 3})},
        {"error", tensorOf<double>(DType::F64, {2, 1}, {0.1, -1e300})},
        {"input", tensorOf<float>(DType::F32, {2, 3}, {1, 2, 3, 4, 5, -0.F})},
        {"half", tensorOf<std::uint16_t>(DType::F16, {2}, {0x3c00, 0xc100})},   // 1, -2.5
        {"brain", tensorOf<std::uint16_t>(DType::BF16, {2}, {0x3f80, 0xc020})}, // 1, -2.5
        {"scalar", tensorOf<double>(DType::F64, {}, {2.5})},
        {"loss_base", tensorOf<double>(DType::F64, {0}, {})},
        {"weight/q.weight", tensorOf<float>(DType::F32, {1, 2}, {0.5F, 0.25F})},
        {"weight/v.weight", tensorOf<float>(DType::F32, {1, 1}, {8})},
    };
}

inline void writeEveryKind(const std::filesystem::path& path)
{
    ArchiveWriter writer(path);
    for (const auto& [name, tensor] : everyKindOfTensor())
        writer.add(name, tensor);
    writer.close();
}

}
