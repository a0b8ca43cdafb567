#include "engine/exchange/npy.h"

#include "engine/artifact/checked_arithmetic.h"
#include "engine/artifact/checkpoint.h"
#include "engine/artifact/shown.h"
#include "engine/base/error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace blockcert::exchange {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t longestHeader = 10'000; // numpy.load's own limit
constexpr std::size_t highestRank = 8;

struct TypeName {
    std::string_view descr;
    DType dtype;
};

constexpr std::array<TypeName, 9> typeNames = {{{"<f8", DType::F64},
                                                {"<f4", DType::F32},
                                                {"<f2", DType::F16},
                                                {"<i8", DType::I64},
                                                {"<i4", DType::I32},
                                                {"<i2", DType::I16},
                                                {"|i1", DType::I8},
                                                {"|u1", DType::U8},
                                                {"|b1", DType::Bool}}};

// The header's dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderReader {
public:
    HeaderReader(std::string_view text, std::string source)
        : m_text(text)
        , m_source(std::move(source))
    {
    }

    // dtype and shape; the keys in any order, each once.
    HostTensor read()
    {
        HostTensor tensor;
        bool descr = false;
        bool order = false;
        bool shape = false;
        expect('{');
        while (!take('}')) {
            const std::string key = quoted();
            expect(':');
            if (key == "descr" && !std::exchange(descr, true))
                tensor.dtype = readType();
            else if (key == "fortran_order" && !std::exchange(order, true))
                readOrder();
            else if (key == "shape" && !std::exchange(shape, true))
                tensor.shape = readShape();
            else
                refuse("the key " + artifact::shown(key) + ", unknown or repeated");
            if (!take(',')) {
                expect('}');
                break;
            }
        }
        skipBlanks();
        if (m_at != m_text.size() || !descr || !order || !shape)
            refuse("something else than descr, fortran_order and shape");
        return tensor;
    }

private:
    [[noreturn]] void refuse(const std::string& what) const
    {
        throw FormatError(m_source + ": the array's header has " + what + ".");
    }

    void skipBlanks()
    {
        while (m_at < m_text.size() && (m_text[m_at] == ' ' || m_text[m_at] == '\n'))
            ++m_at;
    }

    bool take(char c)
    {
        skipBlanks();
        if (m_at == m_text.size() || m_text[m_at] != c)
            return false;
        ++m_at;
        return true;
    }

    void expect(char c)
    {
        if (!take(c))
            refuse(std::string("no \"") + c + "\" at byte " + std::to_string(m_at));
    }

    std::string quoted()
    {
        skipBlanks();
        if (m_at == m_text.size() || (m_text[m_at] != '\'' && m_text[m_at] != '"'))
            refuse("no text at byte " + std::to_string(m_at));
        const char quote = m_text[m_at++];
        const std::size_t end = m_text.find(quote, m_at);
        if (end == std::string_view::npos || end - m_at > 64)
            refuse("a text without end at byte " + std::to_string(m_at));
        const std::string text(m_text.substr(m_at, end - m_at));
        if (text.find('\\') != std::string::npos)
            refuse("a backslash in a text");
        m_at = end + 1;
        return text;
    }

    DType readType()
    {
        skipBlanks();
        if (m_at < m_text.size() && m_text[m_at] == '[')
            throw UnsupportedError(m_source + ": arrays of records are not read; save plain numbers.");
        const std::string descr = quoted();
        const auto* known = std::ranges::find(typeNames, descr, &TypeName::descr);
        if (known == typeNames.end())
            throw UnsupportedError(m_source + ": the element type " + artifact::shown(descr) +
                                   " is not read; save little-endian floats, integers or booleans.");
        return known->dtype;
    }

    void readOrder()
    {
        skipBlanks();
        const std::string_view rest = m_text.substr(m_at);
        if (rest.starts_with("True"))
            throw UnsupportedError(m_source + ": the array is in Fortran order; save numpy.ascontiguousarray of it.");
        if (!rest.starts_with("False"))
            refuse("a fortran_order that is neither True nor False");
        m_at += 5;
    }

    std::vector<std::int64_t> readShape()
    {
        std::vector<std::int64_t> shape;
        expect('(');
        while (!take(')')) {
            skipBlanks();
            std::int64_t value = -1;
            const auto [end, problem] = std::from_chars(m_text.data() + m_at, m_text.data() + m_text.size(), value);
            if (problem != std::errc() || value < 0)
                refuse("a dimension that is no number at byte " + std::to_string(m_at));
            m_at = static_cast<std::size_t>(end - m_text.data());
            if (shape.size() == highestRank)
                refuse("more than " + std::to_string(highestRank) + " dimensions");
            shape.push_back(value);
            if (!take(',')) {
                expect(')');
                break;
            }
        }
        return shape;
    }

    std::string_view m_text;
    std::string m_source;
    std::size_t m_at = 0;
};

std::string_view descrOf(DType dtype)
{
    const auto* known = std::ranges::find(typeNames, dtype, &TypeName::dtype);
    if (known == typeNames.end())
        throw UnsupportedError("NumPy has no element type for " + std::string(nameOf(dtype)) + ".");
    return known->descr;
}

}

std::string npyOf(const HostTensor& tensor)
{
    if (tensor.dtype == DType::BF16) {
        HostTensor wide{DType::F32, tensor.shape, std::vector<std::byte>(tensor.bytes.size() * 2)};
        artifact::convertElements(DType::BF16, tensor.bytes.data(), DType::F32, wide.bytes.data(),
                                  tensor.elementCount());
        return npyOf(wide);
    }
    std::string shape;
    for (const std::int64_t dimension : tensor.shape)
        shape += (shape.empty() ? "" : ", ") + std::to_string(dimension);
    if (tensor.shape.size() == 1)
        shape += ",";
    std::string header =
        "{'descr': '" + std::string(descrOf(tensor.dtype)) + "', 'fortran_order': False, 'shape': (" + shape + "), }";
    // The data begin at a multiple of 64, as numpy.save has it; the padding ends with a line feed.
    const std::size_t prefix = magic.size() + 4;
    header += std::string(63 - (prefix + header.size()) % 64, ' ') + "\n";
    std::string bytes(magic);
    bytes += {'\x01', '\x00'};
    bytes += static_cast<char>(header.size() & 0xFF);
    bytes += static_cast<char>(header.size() >> 8U);
    bytes += header;
    bytes.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    return bytes;
}

HostTensor tensorFromNpy(std::span<const std::byte> bytes, std::string_view source)
{
    const std::string name(source);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.size() < 10 || !text.starts_with(magic))
        throw FormatError(name + ": not a NumPy array file.");
    const auto byteAt = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(text[i])); };
    const std::size_t version = byteAt(6);
    if (version < 1 || version > 3 || byteAt(7) != 0)
        throw UnsupportedError(name + ": version " + std::to_string(version) + "." + std::to_string(byteAt(7)) +
                               " of the array format is not read; save it again with numpy.save.");
    const std::size_t prefix = version == 1 ? 10 : 12;
    if (text.size() < prefix)
        throw FormatError(name + ": the array's header ends too soon.");
    std::size_t length = byteAt(8) | byteAt(9) << 8U;
    if (version > 1)
        length |= byteAt(10) << 16U | byteAt(11) << 24U;
    if (length > longestHeader || length > text.size() - prefix)
        throw FormatError(name + ": the array's header declares " + std::to_string(length) + " bytes; " +
                          std::to_string(text.size() - prefix) + " follow, and the limit is " +
                          std::to_string(longestHeader) + ".");
    HostTensor tensor = HeaderReader(text.substr(prefix, length), name).read();
    const std::span<const std::byte> data = bytes.subspan(prefix + length);
    const auto elements = artifact::checkedElements(tensor.shape);
    const auto size =
        elements ? artifact::checkedProduct(*elements, static_cast<std::uint64_t>(storageBlock(tensor.dtype).bytes))
                 : std::nullopt;
    if (size != data.size())
        throw FormatError(name + ": the array has " + std::to_string(data.size()) +
                          " bytes of data, which does not agree with its shape and element type.");
    tensor.bytes.assign(data.begin(), data.end());
    return tensor;
}

}
