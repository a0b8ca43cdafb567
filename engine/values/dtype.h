// Element types of stored and computed tensors, with the block sizes of the quantised ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace blockcert {

enum class DType : std::uint8_t {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4_K,
    Q5_K,
    Q6_K,
};

// How many elements share one storage block, and its size in bytes (ggml docs/gguf.md).
struct StorageBlock {
    std::int64_t elements = 1;
    std::int64_t bytes = 0;
};

[[nodiscard]] constexpr StorageBlock storageBlock(DType dtype)
{
    switch (dtype) {
    case DType::F64:
    case DType::I64: return {1, 8};
    case DType::F32:
    case DType::I32: return {1, 4};
    case DType::F16:
    case DType::BF16:
    case DType::I16: return {1, 2};
    case DType::I8:
    case DType::U8:
    case DType::Bool: return {1, 1};
    case DType::Q4_0: return {32, 18};
    case DType::Q4_1: return {32, 20};
    case DType::Q5_0: return {32, 22};
    case DType::Q5_1: return {32, 24};
    case DType::Q8_0: return {32, 34};
    case DType::Q4_K: return {256, 144};
    case DType::Q5_K: return {256, 176};
    case DType::Q6_K: return {256, 210};
    }
    return {};
}

[[nodiscard]] constexpr bool isQuantised(DType dtype)
{
    return storageBlock(dtype).elements > 1;
}

// True for the types a weight or an activation can have after loading.
[[nodiscard]] constexpr bool isFloating(DType dtype)
{
    return dtype == DType::F64 || dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

// The name used in every file and table of this project: "F32", "BF16", "Q4_1", …
[[nodiscard]] constexpr std::string_view nameOf(DType dtype)
{
    switch (dtype) {
    case DType::F64: return "F64";
    case DType::F32: return "F32";
    case DType::F16: return "F16";
    case DType::BF16: return "BF16";
    case DType::I64: return "I64";
    case DType::I32: return "I32";
    case DType::I16: return "I16";
    case DType::I8: return "I8";
    case DType::U8: return "U8";
    case DType::Bool: return "BOOL";
    case DType::Q4_0: return "Q4_0";
    case DType::Q4_1: return "Q4_1";
    case DType::Q5_0: return "Q5_0";
    case DType::Q5_1: return "Q5_1";
    case DType::Q8_0: return "Q8_0";
    case DType::Q4_K: return "Q4_K";
    case DType::Q5_K: return "Q5_K";
    case DType::Q6_K: return "Q6_K";
    }
    return "";
}

// The inverse of nameOf(): exactly these names, or nothing.
[[nodiscard]] constexpr std::optional<DType> dtypeNamed(std::string_view name)
{
    for (int i = 0; i <= static_cast<int>(DType::Q6_K); ++i)
        if (nameOf(static_cast<DType>(i)) == name)
            return static_cast<DType>(i);
    return std::nullopt;
}

}
