#include "engine/artifact/safetensors.h"

#include "engine/artifact/checked_arithmetic.h"
#include "engine/artifact/shown.h"
#include "engine/base/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

namespace blockcert::artifact {

namespace {

constexpr std::uint64_t lengthBytes = 8; // the header's own length comes first
constexpr std::uint64_t largestInteger = std::uint64_t{1} << 48U;

struct DTypeName {
    std::string_view name;
    std::optional<DType> dtype; // absent: a type of the format that cannot be loaded here
};

constexpr std::array<DTypeName, 22> dtypeNames = {{
    {"F64", DType::F64}, {"F32", DType::F32}, {"F16", DType::F16}, {"BF16", DType::BF16}, {"I64", DType::I64},
    {"I32", DType::I32}, {"I16", DType::I16}, {"I8", DType::I8},   {"U8", DType::U8},     {"BOOL", DType::Bool},
    {"U16", {}},         {"U32", {}},         {"U64", {}},         {"C64", {}},           {"F8_E4M3", {}},
    {"F8_E5M2", {}},     {"F8_E8M0", {}},     {"F8_E4M3FNUZ", {}}, {"F8_E5M2FNUZ", {}},   {"F4", {}},
    {"F6_E2M3", {}},     {"F6_E3M2", {}},
}};

// Receives the header's JSON token by token, so that a hostile header of 100 MB is never built as a tree. Only
// {name: {"dtype": …, "shape": […], "data_offsets": [b, e]}, "__metadata__": {text: text}} passes.
class HeaderEvents final : public nlohmann::json_sax<nlohmann::json> {
public:
    HeaderEvents(std::string file, const SafetensorsLimits& limits)
        : m_file(std::move(file))
        , m_limits(limits)
    {
    }

    bool null() override { refuse("null"); }

    bool boolean(bool) override { refuse("true or false"); }

    bool number_integer(number_integer_t) override { refuse("a negative number"); }

    bool number_float(number_float_t, const string_t& text) override { refuse("the number " + shown(text)); }

    bool binary(binary_t&) override { refuse("binary data"); }

    bool number_unsigned(number_unsigned_t value) override
    {
        if (value > largestInteger)
            refuse("the number " + std::to_string(value));
        if (m_place == Place::Shape) {
            if (m_entry.shape.size() == m_limits.rank)
                refuse("more than " + std::to_string(m_limits.rank) + " dimensions");
            m_entry.shape.push_back(static_cast<std::int64_t>(value));
        } else if (m_place == Place::Offsets && m_offsetCount < 2) {
            (m_offsetCount++ == 0 ? m_entry.begin : m_entry.end) = value;
        } else {
            refuse("the number " + std::to_string(value));
        }
        return true;
    }

    bool string(string_t& value) override
    {
        if (m_place == Place::MetadataValue) {
            m_metadata[m_name] = value;
            m_place = Place::Metadata;
            return true;
        }
        if (m_place != Place::DTypeValue)
            refuse("the text " + shown(value));
        const auto* known = std::find_if(dtypeNames.begin(), dtypeNames.end(),
                                         [&](const DTypeName& entry) { return entry.name == value; });
        if (known == dtypeNames.end())
            refuse("the unknown element type " + shown(value));
        if (!known->dtype)
            throw UnsupportedError(m_file + ": tensor " + shown(m_entry.name) + " has element type " + value +
                                   ", which is not implemented; convert the model to F32, F16 or BF16.");
        m_entry.dtype = *known->dtype;
        m_place = Place::Entry;
        return true;
    }

    bool start_object(std::size_t) override
    {
        switch (m_place) {
        case Place::Start: m_place = Place::Top; break;
        case Place::EntryValue: m_place = Place::Entry; break;
        case Place::MetadataObject: m_place = Place::Metadata; break;
        default: refuse("an object");
        }
        return true;
    }

    bool end_object() override
    {
        switch (m_place) {
        case Place::Entry:
            if (!m_hasDtype || !m_hasShape || !m_hasOffsets)
                refuse("an entry without dtype, shape or data_offsets");
            m_tensors.push_back(std::move(m_entry));
            m_place = Place::Top;
            break;
        case Place::Metadata: m_place = Place::Top; break;
        default: m_place = Place::End;
        }
        return true;
    }

    bool key(string_t& value) override
    {
        if (m_place == Place::Top)
            beginEntry(value);
        else if (m_place == Place::Metadata)
            beginMetadata(value);
        else
            beginField(value);
        return true;
    }

    bool start_array(std::size_t) override
    {
        if (m_place == Place::ShapeValue)
            m_place = Place::Shape;
        else if (m_place == Place::OffsetsValue)
            m_place = Place::Offsets;
        else
            refuse("an array");
        return true;
    }

    bool end_array() override
    {
        if (m_place == Place::Offsets && m_offsetCount != 2)
            refuse("data_offsets that are not two numbers");
        m_place = Place::Entry;
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override
    {
        throw FormatError(m_file + ": the header is not valid JSON at byte " +
                          std::to_string(lengthBytes + (position == 0 ? 0 : position - 1)) + ".");
    }

    [[nodiscard]] std::vector<TensorEntry> takeTensors() { return std::move(m_tensors); }

    [[nodiscard]] std::map<std::string, std::string> takeMetadata() { return std::move(m_metadata); }

    [[nodiscard]] std::map<std::string, std::size_t, std::less<>> takeNames() { return std::move(m_names); }

private:
    enum class Place : std::uint8_t {
        Start,
        Top,
        EntryValue,
        Entry,
        DTypeValue,
        ShapeValue,
        Shape,
        OffsetsValue,
        Offsets,
        MetadataObject,
        Metadata,
        MetadataValue,
        End,
    };

    void beginEntry(const std::string& name)
    {
        if (name == "__metadata__") {
            if (std::exchange(m_hasMetadata, true))
                refuse("__metadata__ twice");
            m_place = Place::MetadataObject;
            return;
        }
        m_entry = {};
        m_entry.name = name;
        if (name.size() > m_limits.nameBytes)
            refuse("a name of " + std::to_string(name.size()) + " bytes");
        if (m_names.size() == m_limits.tensors)
            throw ResourceError(m_file + ": the header lists more than " + std::to_string(m_limits.tensors) +
                                " tensors.");
        if (!m_names.emplace(name, m_names.size()).second)
            refuse("the same name twice");
        m_hasDtype = m_hasShape = m_hasOffsets = false;
        m_offsetCount = 0;
        m_place = Place::EntryValue;
    }

    void beginMetadata(const std::string& name)
    {
        m_name = name;
        if (!m_metadata.emplace(name, std::string()).second)
            throw FormatError(m_file + ": __metadata__ has the key " + shown(name) + " twice.");
        m_place = Place::MetadataValue;
    }

    void beginField(const std::string& name)
    {
        if (name == "dtype" && !std::exchange(m_hasDtype, true))
            m_place = Place::DTypeValue;
        else if (name == "shape" && !std::exchange(m_hasShape, true))
            m_place = Place::ShapeValue;
        else if (name == "data_offsets" && !std::exchange(m_hasOffsets, true))
            m_place = Place::OffsetsValue;
        else
            refuse("the field " + shown(name) + ", unknown or repeated");
    }

    [[noreturn]] void refuse(const std::string& what) const
    {
        const std::string where =
            m_place == Place::Metadata || m_place == Place::MetadataObject || m_place == Place::MetadataValue
                ? "__metadata__"
                : "tensor " + shown(m_entry.name);
        throw FormatError(m_file + ": the header has " + what + " at " + where + ", which the format does not allow.");
    }

    std::string m_file;
    SafetensorsLimits m_limits;
    Place m_place = Place::Start;
    TensorEntry m_entry;
    std::string m_name; // metadata key whose value comes next
    int m_offsetCount = 0;
    bool m_hasDtype = false;
    bool m_hasShape = false;
    bool m_hasOffsets = false;
    bool m_hasMetadata = false;
    std::vector<TensorEntry> m_tensors;
    std::map<std::string, std::size_t, std::less<>> m_names;
    std::map<std::string, std::string> m_metadata;
};

std::string readHeader(const InputFile& input, const SafetensorsLimits& limits)
{
    const std::string file = input.path().string();
    std::array<std::byte, lengthBytes> prefix{};
    if (input.size() < prefix.size())
        throw FormatError(file + ": a safetensors file has at least 8 bytes, this one " + std::to_string(input.size()) +
                          ".");
    input.readAt(0, prefix);
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < prefix.size(); ++i)
        length |= std::to_integer<std::uint64_t>(prefix[i]) << (8U * i);
    if (length > input.size() - lengthBytes)
        throw FormatError(file + ": byte 0 declares a header of " + std::to_string(length) + " bytes, but only " +
                          std::to_string(input.size() - lengthBytes) +
                          " follow; the file is truncated or not safetensors.");
    if (length > limits.headerBytes)
        throw ResourceError(file + ": byte 0 declares a header of " + std::to_string(length) + " bytes; the limit is " +
                            std::to_string(limits.headerBytes) + ".");
    std::string header(length, '\0');
    input.readAt(lengthBytes, std::as_writable_bytes(std::span(header)));
    if (header.empty() || header.front() != '{')
        throw FormatError(file + ": the header at byte 8 does not begin with \"{\".");
    // The JSON reader below would take a zero byte for the end of its input.
    if (const std::size_t zero = header.find('\0'); zero != std::string::npos)
        throw FormatError(file + ": the header has a zero byte at byte " + std::to_string(lengthBytes + zero) + ".");
    return header;
}

// Turns offsets into file positions; refuses holes, overlaps, wrong sizes and anything after the last tensor.
void placeTensors(std::vector<TensorEntry>& tensors, const InputFile& input, std::uint64_t dataBegin)
{
    const std::string file = input.path().string();
    std::sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
        return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    const std::uint64_t dataBytes = input.size() - dataBegin;
    std::uint64_t expected = 0;
    for (TensorEntry& tensor : tensors) {
        const std::string name = file + ": tensor " + shown(tensor.name);
        if (tensor.begin != expected)
            throw FormatError(name + " begins at data byte " + std::to_string(tensor.begin) + " instead of " +
                              std::to_string(expected) + "; tensors may not leave holes or overlap.");
        if (tensor.end < tensor.begin || tensor.end > dataBytes)
            throw FormatError(name + " ends at data byte " + std::to_string(tensor.end) + ", outside the file's " +
                              std::to_string(dataBytes) + " bytes of data.");
        const std::optional<std::uint64_t> elements = checkedElements(tensor.shape);
        const auto elementBytes = static_cast<std::uint64_t>(storageBlock(tensor.dtype).bytes);
        const std::optional<std::uint64_t> bytes = elements ? checkedProduct(*elements, elementBytes) : std::nullopt;
        if (bytes != tensor.end - tensor.begin)
            throw FormatError(name + " has " + std::to_string(tensor.end - tensor.begin) +
                              " bytes of data, which does not agree with its shape and element type.");
        expected = tensor.end;
        tensor.begin += dataBegin;
        tensor.end += dataBegin;
    }
    if (expected != dataBytes)
        throw FormatError(file + ": the tensors end at byte " + std::to_string(dataBegin + expected) +
                          ", but the file has " + std::to_string(input.size()) + " bytes.");
}

}

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path, const SafetensorsLimits& limits)
{
    SafetensorsFile file;
    file.m_input = std::make_shared<const InputFile>(path);
    const std::string header = readHeader(*file.m_input, limits);
    HeaderEvents events(path.string(), limits);
    nlohmann::json::sax_parse(header, &events);
    file.m_tensors = events.takeTensors();
    file.m_metadata = events.takeMetadata();
    placeTensors(file.m_tensors, *file.m_input, lengthBytes + header.size());
    file.m_byName = events.takeNames();
    for (std::size_t i = 0; i < file.m_tensors.size(); ++i)
        file.m_byName[file.m_tensors[i].name] = i;
    return file;
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const
{
    const auto found = m_byName.find(name);
    return found == m_byName.end() ? nullptr : &m_tensors[found->second];
}

HostTensor SafetensorsFile::read(std::string_view name) const
{
    const TensorEntry* entry = find(name);
    if (entry == nullptr)
        throw FormatError(m_input->path().string() + " has no tensor " + shown(name) + ".");
    HostTensor tensor{.dtype = entry->dtype, .shape = entry->shape, .bytes = {}};
    tensor.bytes.resize(entry->end - entry->begin);
    m_input->readAt(entry->begin, tensor.bytes);
    return tensor;
}

}
