#include "engine/artifact/gguf_part.h"

#include "engine/artifact/checked_arithmetic.h"
#include "engine/artifact/file_cursor.h"
#include "engine/artifact/shown.h"
#include "engine/base/error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace blockcert::artifact {

namespace {

constexpr std::uint64_t keyBytes = 65'535;
constexpr std::uint64_t tensorNameBytes = 63;
constexpr std::uint64_t chatTemplateBytes = 1U << 20U;
constexpr std::uint32_t largestRank = 4;
constexpr std::uint64_t defaultAlignment = 32;
constexpr std::uint64_t largestAlignment = 4096;

enum class ValueType : std::uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, Text, Array, U64, I64, F64 };

struct TensorType {
    std::uint32_t id;
    std::string_view name;
    std::optional<DType> dtype; // absent: a ggml type that is not implemented here
};

constexpr std::array<TensorType, 38> tensorTypes = {{
    {0, "F32", DType::F32},    {1, "F16", DType::F16},    {2, "Q4_0", DType::Q4_0},  {3, "Q4_1", DType::Q4_1},
    {4, "Q4_2", {}},           {5, "Q4_3", {}},           {6, "Q5_0", DType::Q5_0},  {7, "Q5_1", DType::Q5_1},
    {8, "Q8_0", DType::Q8_0},  {9, "Q8_1", {}},           {10, "Q2_K", {}},          {11, "Q3_K", {}},
    {12, "Q4_K", DType::Q4_K}, {13, "Q5_K", DType::Q5_K}, {14, "Q6_K", DType::Q6_K}, {15, "Q8_K", {}},
    {16, "IQ2_XXS", {}},       {17, "IQ2_XS", {}},        {18, "IQ3_XXS", {}},       {19, "IQ1_S", {}},
    {20, "IQ4_NL", {}},        {21, "IQ3_S", {}},         {22, "IQ2_S", {}},         {23, "IQ4_XS", {}},
    {24, "I8", DType::I8},     {25, "I16", DType::I16},   {26, "I32", DType::I32},   {27, "I64", DType::I64},
    {28, "F64", DType::F64},   {29, "IQ1_M", {}},         {30, "BF16", DType::BF16}, {31, "Q4_0_4_4", {}},
    {34, "TQ1_0", {}},         {35, "TQ2_0", {}},         {36, "IQ4_NL_4_4", {}},    {39, "MXFP4", {}},
    {40, "NVFP4", {}},         {41, "Q1_0", {}},
}};

class PartReader {
public:
    PartReader(const InputFile& input, const GgufLimits& limits)
        : m_input(input)
        , m_limits(limits)
        , m_cursor(input, limits.headerBytes)
    {
    }

    GgufPart read()
    {
        readMagic();
        const auto tensorCount = m_cursor.unsignedInteger<std::uint64_t>("the number of tensors");
        const auto keyCount = m_cursor.unsignedInteger<std::uint64_t>("the number of metadata keys");
        requireCount(8, tensorCount, m_limits.tensors, "tensors");
        requireCount(16, keyCount, m_limits.keys, "metadata keys");
        // The shortest metadata entry has 13 bytes, the shortest tensor entry 24.
        m_cursor.requireRoom(keyCount, 13, "metadata keys");
        m_cursor.requireRoom(tensorCount, 24, "tensors");
        GgufPart part;
        for (std::uint64_t i = 0; i < keyCount; ++i)
            readEntry(part);
        const std::uint64_t alignment = alignmentOf(part);
        part.tensors.reserve(tensorCount);
        for (std::uint64_t i = 0; i < tensorCount; ++i)
            part.tensors.push_back(readTensor(alignment));
        placeTensors(part, alignment);
        return part;
    }

private:
    void readMagic()
    {
        std::array<std::byte, 4> magic{};
        m_cursor.read(magic, "the magic number");
        constexpr std::array<char, 4> expected = {'G', 'G', 'U', 'F'};
        if (!std::equal(magic.begin(), magic.end(), expected.begin(),
                        [](std::byte byte, char letter) { return static_cast<char>(byte) == letter; }))
            m_cursor.refuse(0, "the file does not begin with GGUF");
        const auto version = m_cursor.unsignedInteger<std::uint32_t>("the version");
        if (version == 2 || version == 3)
            return;
        const std::string file = m_input.path().string();
        if (version != 0 && (version & 0xFFFFU) == 0)
            throw UnsupportedError(file +
                                   ": byte 4 looks like a big-endian GGUF file; only little-endian files are read.");
        throw UnsupportedError(file + ": byte 4 declares GGUF version " + std::to_string(version) +
                               "; versions 2 and 3 are read.");
    }

    void requireCount(std::uint64_t at, std::uint64_t count, std::uint64_t limit, const char* what) const
    {
        if (count > limit)
            m_cursor.refuse(at, std::string("the number of ") + what + " is " + std::to_string(count) +
                                    "; the limit is " + std::to_string(limit));
    }

    void readEntry(GgufPart& part)
    {
        const std::uint64_t begin = m_cursor.offset();
        std::string key = m_cursor.text(keyBytes, "a metadata key");
        const bool printable =
            std::all_of(key.begin(), key.end(), [](char letter) { return letter > 0x20 && letter < 0x7F; });
        if (key.empty() || !printable)
            m_cursor.refuse(begin, "the metadata key " + shown(key) + " is not printable ASCII");
        m_key = key;
        const ValueType type = readType();
        GgufValue value = type == ValueType::Array ? readArray() : readScalar(type);
        if (!part.metadata.emplace(std::move(key), std::move(value)).second)
            m_cursor.refuse(begin, "the metadata key " + shown(m_key) + " is there twice");
        if (m_key == "general.alignment" && type != ValueType::U32)
            m_cursor.refuse(begin, "general.alignment is not a 32-bit unsigned integer");
    }

    ValueType readType()
    {
        const std::uint64_t begin = m_cursor.offset();
        const auto type = m_cursor.unsignedInteger<std::uint32_t>("a value type");
        if (type > static_cast<std::uint32_t>(ValueType::F64))
            m_cursor.refuse(begin, "the value of " + shown(m_key) + " has the unknown type " + std::to_string(type));
        return static_cast<ValueType>(type);
    }

    template <std::unsigned_integral T>
    T bits()
    {
        return m_cursor.unsignedInteger<T>("a metadata value");
    }

    std::int64_t readInteger(ValueType type)
    {
        switch (type) {
        case ValueType::U8: return bits<std::uint8_t>();
        case ValueType::I8: return std::bit_cast<std::int8_t>(bits<std::uint8_t>());
        case ValueType::U16: return bits<std::uint16_t>();
        case ValueType::I16: return std::bit_cast<std::int16_t>(bits<std::uint16_t>());
        case ValueType::U32: return bits<std::uint32_t>();
        case ValueType::I32: return std::bit_cast<std::int32_t>(bits<std::uint32_t>());
        default: return std::bit_cast<std::int64_t>(bits<std::uint64_t>());
        }
    }

    bool readBoolean()
    {
        const std::uint64_t begin = m_cursor.offset();
        const auto value = bits<std::uint8_t>();
        if (value > 1)
            m_cursor.refuse(begin, "the truth value of " + shown(m_key) + " is " + std::to_string(value));
        return value == 1;
    }

    std::string readText()
    {
        const bool isTemplate = m_key.starts_with("tokenizer.chat_template");
        return m_cursor.text(isTemplate ? chatTemplateBytes : m_limits.stringBytes, "a string");
    }

    GgufValue readScalar(ValueType type)
    {
        switch (type) {
        case ValueType::Bool: return readBoolean();
        case ValueType::F32: return static_cast<double>(std::bit_cast<float>(bits<std::uint32_t>()));
        case ValueType::F64: return std::bit_cast<double>(bits<std::uint64_t>());
        case ValueType::Text: return readText();
        case ValueType::U64: {
            const auto value = bits<std::uint64_t>();
            if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
                return value;
            return static_cast<std::int64_t>(value);
        }
        default: return readInteger(type);
        }
    }

    template <class T, class Read>
    std::vector<T> elements(std::uint64_t count, std::uint64_t bytesEach, Read read)
    {
        m_cursor.requireRoom(count, bytesEach, "array elements");
        std::vector<T> values;
        values.reserve(count);
        for (std::uint64_t i = 0; i < count; ++i)
            values.push_back(read());
        return values;
    }

    GgufValue readArray()
    {
        const std::uint64_t begin = m_cursor.offset();
        const ValueType type = readType();
        const auto count = m_cursor.unsignedInteger<std::uint64_t>("an array length");
        if (count > m_limits.arrayElements)
            m_cursor.refuse(begin, "the array " + shown(m_key) + " has " + std::to_string(count) +
                                       " elements; the limit is " + std::to_string(m_limits.arrayElements));
        switch (type) {
        case ValueType::Array: m_cursor.refuse(begin, "the array " + shown(m_key) + " has arrays as elements");
        case ValueType::Bool: return elements<bool>(count, 1, [this] { return readBoolean(); });
        case ValueType::Text: return elements<std::string>(count, 8, [this] { return readText(); });
        case ValueType::F32:
            return elements<float>(count, 4, [this] { return std::bit_cast<float>(bits<std::uint32_t>()); });
        case ValueType::F64:
            return elements<double>(count, 8, [this] { return std::bit_cast<double>(bits<std::uint64_t>()); });
        case ValueType::U64: return elements<std::int64_t>(count, 8, [this] { return readSmallUnsigned(); });
        default: return elements<std::int64_t>(count, bytesOf(type), [this, type] { return readInteger(type); });
        }
    }

    std::int64_t readSmallUnsigned()
    {
        const std::uint64_t begin = m_cursor.offset();
        const auto value = bits<std::uint64_t>();
        if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            m_cursor.refuse(begin, "the array " + shown(m_key) + " has the element " + std::to_string(value) +
                                       ", which is too large");
        return static_cast<std::int64_t>(value);
    }

    static std::uint64_t bytesOf(ValueType integer)
    {
        switch (integer) {
        case ValueType::U8:
        case ValueType::I8: return 1;
        case ValueType::U16:
        case ValueType::I16: return 2;
        case ValueType::U32:
        case ValueType::I32: return 4;
        default: return 8;
        }
    }

    std::uint64_t alignmentOf(const GgufPart& part) const
    {
        const auto found = part.metadata.find("general.alignment");
        if (found == part.metadata.end())
            return defaultAlignment;
        const auto value = static_cast<std::uint64_t>(std::get<std::int64_t>(found->second));
        if (value < 8 || value > largestAlignment || !std::has_single_bit(value))
            m_cursor.refuse(m_cursor.offset(), "general.alignment is " + std::to_string(value) +
                                                   "; it must be a power of two from 8 to 4096");
        return value;
    }

    // begin is still relative to the data section here.
    TensorEntry readTensor(std::uint64_t alignment)
    {
        const std::uint64_t begin = m_cursor.offset();
        TensorEntry tensor;
        tensor.name = m_cursor.text(tensorNameBytes, "a tensor name");
        const bool printable = std::all_of(tensor.name.begin(), tensor.name.end(),
                                           [](char letter) { return letter >= 0x20 && letter < 0x7F; });
        if (!printable)
            m_cursor.refuse(begin, "the tensor name " + shown(tensor.name) + " is not printable ASCII");
        if (tensor.name.empty() || !m_names.insert(tensor.name).second)
            m_cursor.refuse(begin, "the tensor name " + shown(tensor.name) + " is empty or there twice");
        const auto rank = m_cursor.unsignedInteger<std::uint32_t>("a tensor's rank");
        if (rank > largestRank)
            m_cursor.refuse(begin, "tensor " + shown(tensor.name) + " has " + std::to_string(rank) +
                                       " dimensions; the format has at most 4");
        for (std::uint32_t i = 0; i < rank; ++i) {
            const auto dimension = m_cursor.unsignedInteger<std::uint64_t>("a tensor's dimension");
            if (dimension == 0 || dimension > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
                m_cursor.refuse(begin,
                                "tensor " + shown(tensor.name) + " has the dimension " + std::to_string(dimension));
            tensor.shape.push_back(static_cast<std::int64_t>(dimension)); // fastest first, as in the file
        }
        tensor.dtype = readTensorType(tensor.name, begin);
        tensor.begin = m_cursor.unsignedInteger<std::uint64_t>("a tensor's offset");
        const std::uint64_t bytes = storageBytes(tensor, begin);
        if (tensor.begin != m_dataBytes)
            m_cursor.refuse(begin, "tensor " + shown(tensor.name) + " lies at data offset " +
                                       std::to_string(tensor.begin) + " instead of " + std::to_string(m_dataBytes));
        const std::optional<std::uint64_t> end = checkedSum(m_dataBytes, bytes);
        const std::optional<std::uint64_t> padded = end ? checkedPadded(*end, alignment) : std::nullopt;
        if (!padded || *end > m_input.size())
            m_cursor.refuse(begin, "tensor " + shown(tensor.name) + " needs " + std::to_string(bytes) +
                                       " bytes, more than the file has");
        tensor.end = *end;
        m_dataBytes = *padded;
        std::reverse(tensor.shape.begin(), tensor.shape.end());
        return tensor;
    }

    DType readTensorType(const std::string& name, std::uint64_t begin)
    {
        const auto id = m_cursor.unsignedInteger<std::uint32_t>("a tensor's type");
        const auto* known = std::find_if(tensorTypes.begin(), tensorTypes.end(),
                                         [id](const TensorType& entry) { return entry.id == id; });
        if (known == tensorTypes.end())
            m_cursor.refuse(begin, "tensor " + shown(name) + " has the unknown type " + std::to_string(id));
        if (!known->dtype)
            throw UnsupportedError(m_input.path().string() + ": tensor " + shown(name) + " has type " +
                                   std::string(known->name) +
                                   ", which is not implemented; use a file with F32, F16, BF16, Q4_0, Q4_1, Q5_0, "
                                   "Q5_1, Q8_0, Q4_K, Q5_K or Q6_K weights.");
        return *known->dtype;
    }

    std::uint64_t storageBytes(const TensorEntry& tensor, std::uint64_t begin) const
    {
        const StorageBlock block = storageBlock(tensor.dtype);
        const std::int64_t row = tensor.shape.empty() ? 1 : tensor.shape.front();
        if (row % block.elements != 0)
            m_cursor.refuse(begin, "tensor " + shown(tensor.name) + " has rows of " + std::to_string(row) +
                                       " elements, not a multiple of " + std::to_string(block.elements) + " as " +
                                       std::string(nameOf(tensor.dtype)) + " needs");
        const std::optional<std::uint64_t> count = checkedElements(tensor.shape);
        const std::optional<std::uint64_t> bytes =
            count ? checkedProduct(*count / static_cast<std::uint64_t>(block.elements),
                                   static_cast<std::uint64_t>(block.bytes))
                  : std::nullopt;
        if (!bytes)
            m_cursor.refuse(begin, "the size of tensor " + shown(tensor.name) + " does not fit in 64 bits");
        return *bytes;
    }

    void placeTensors(GgufPart& part, std::uint64_t alignment)
    {
        if (part.tensors.empty())
            return;
        const std::optional<std::uint64_t> dataBegin = checkedPadded(m_cursor.offset(), alignment);
        const TensorEntry& last = part.tensors.back();
        const std::optional<std::uint64_t> end = dataBegin ? checkedSum(*dataBegin, last.end) : std::nullopt;
        if (!end || *end > m_input.size())
            m_cursor.refuse(m_input.size(), "the file ends within tensor " + shown(last.name));
        if (m_input.size() > *dataBegin + m_dataBytes)
            m_cursor.refuse(*dataBegin + m_dataBytes, "there are bytes after the last tensor");
        for (TensorEntry& tensor : part.tensors) {
            tensor.begin += *dataBegin;
            tensor.end += *dataBegin;
        }
    }

    const InputFile& m_input;
    const GgufLimits& m_limits;
    FileCursor m_cursor;
    std::string m_key; // of the metadata entry being read
    std::set<std::string> m_names;
    std::uint64_t m_dataBytes = 0; // running padded size of the data section
};

}

GgufPart readGgufPart(const InputFile& input, const GgufLimits& limits)
{
    return PartReader(input, limits).read();
}

}
