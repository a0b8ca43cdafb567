#include "engine/artifact/gguf.h"

#include "engine/artifact/gguf_part.h"
#include "engine/artifact/shown.h"
#include "engine/base/error.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <utility>

namespace blockcert::artifact {

namespace {

constexpr std::array<const char*, std::variant_size_v<GgufValue>> typeNames = {"a truth value",
                                                                               "an integer",
                                                                               "a large integer",
                                                                               "a number",
                                                                               "text",
                                                                               "an array of truth values",
                                                                               "an array of integers",
                                                                               "an array of f32",
                                                                               "an array of f64",
                                                                               "an array of texts"};

[[noreturn]] void refuseType(const std::filesystem::path& path, std::string_view key, const GgufValue& value,
                             const char* expected)
{
    throw FormatError(path.string() + ": metadata key " + shown(key) + " is " + typeNames[value.index()] + ", where " +
                      expected + " is expected.");
}

template <class T>
const T* typed(const GgufFile& file, std::string_view key, const char* expected)
{
    const GgufValue* value = file.find(key);
    if (value == nullptr)
        return nullptr;
    if (const T* found = std::get_if<T>(value))
        return found;
    refuseType(file.path(), key, *value, expected);
}

std::string partName(const std::string& stem, std::int64_t index, std::int64_t count)
{
    return fmt::format("{}-{:05d}-of-{:05d}.gguf", stem, index + 1, count);
}

}

GgufFile GgufFile::open(const std::filesystem::path& path, const GgufLimits& limits)
{
    GgufFile file;
    file.m_path = path;
    file.addPart(std::make_shared<const InputFile>(path), limits);
    if (const std::int64_t count = file.integer("split.count").value_or(1); count != 1)
        file.joinParts(count, limits);
    return file;
}

void GgufFile::addPart(const std::shared_ptr<const InputFile>& input, const GgufLimits& limits)
{
    GgufPart part = readGgufPart(*input, limits);
    for (TensorEntry& tensor : part.tensors) {
        tensor.file = m_inputs.size();
        m_tensors.push_back(std::move(tensor));
    }
    if (m_inputs.empty())
        m_metadata = std::move(part.metadata);
    m_inputs.push_back(input);
    m_files.push_back({.path = input->path(), .size = input->size(), .sha256 = {}});
}

void GgufFile::joinParts(std::int64_t count, const GgufLimits& limits)
{
    const std::string given = m_path.string();
    if (count < 1 || static_cast<std::uint64_t>(count) > limits.parts)
        throw FormatError(given + ": split.count is " + std::to_string(count) + "; from 1 to " +
                          std::to_string(limits.parts) + " parts are read.");
    const std::int64_t number = integer("split.no").value_or(-1);
    const std::string name = m_path.filename().string();
    const std::string suffix = number < 0 || number >= count ? "?" : partName("", number, count);
    if (!name.ends_with(suffix) || name.size() == suffix.size())
        throw FormatError(given + " says it is part " + std::to_string(number) + " (from 0) of " +
                          std::to_string(count) +
                          ", which its name does not say; parts are named NAME-0000i-of-0000n.gguf.");
    const std::string stem = name.substr(0, name.size() - suffix.size());

    GgufFile whole;
    std::set<std::string> names;
    for (std::int64_t i = 0; i < count; ++i) {
        const std::filesystem::path path = m_path.parent_path() / partName(stem, i, count);
        GgufFile part;
        part.m_path = path;
        part.addPart(i == number ? m_inputs.front() : std::make_shared<const InputFile>(path), limits);
        if (part.integer("split.no") != i || part.integer("split.count") != count)
            throw FormatError(path.string() + ": split.no and split.count do not say part " + std::to_string(i) +
                              " (from 0) of " + std::to_string(count) + ".");
        for (TensorEntry& tensor : part.m_tensors) {
            if (!names.insert(tensor.name).second)
                throw FormatError(path.string() + ": tensor " + shown(tensor.name) + " is in an earlier part too.");
            if (names.size() > limits.tensors)
                throw ResourceError(path.string() + ": the parts have more than " + std::to_string(limits.tensors) +
                                    " tensors together.");
            tensor.file = whole.m_inputs.size();
            whole.m_tensors.push_back(std::move(tensor));
        }
        if (i == 0)
            whole.m_metadata = std::move(part.m_metadata);
        whole.m_inputs.push_back(std::move(part.m_inputs.front()));
        whole.m_files.push_back(std::move(part.m_files.front()));
    }
    whole.m_path = std::move(m_path);
    if (whole.integer("split.tensors.count") != static_cast<std::int64_t>(whole.m_tensors.size()))
        throw FormatError(given + ": the parts have " + std::to_string(whole.m_tensors.size()) +
                          " tensors together, which is not what split.tensors.count says.");
    *this = std::move(whole);
}

const GgufValue* GgufFile::find(std::string_view key) const
{
    const auto found = m_metadata.find(key);
    return found == m_metadata.end() ? nullptr : &found->second;
}

std::optional<bool> GgufFile::boolean(std::string_view key) const
{
    const GgufValue* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (const bool* found = std::get_if<bool>(value))
        return *found;
    refuseType(m_path, key, *value, "a truth value");
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const
{
    const GgufValue* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (const auto* found = std::get_if<std::int64_t>(value))
        return *found;
    refuseType(m_path, key, *value, "an integer");
}

std::optional<double> GgufFile::number(std::string_view key) const
{
    const GgufValue* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (const auto* found = std::get_if<double>(value))
        return *found;
    if (const auto* found = std::get_if<std::int64_t>(value))
        return static_cast<double>(*found);
    refuseType(m_path, key, *value, "a number");
}

const std::string* GgufFile::text(std::string_view key) const
{
    return typed<std::string>(*this, key, "text");
}

const std::vector<std::string>* GgufFile::strings(std::string_view key) const
{
    return typed<std::vector<std::string>>(*this, key, "an array of texts");
}

const std::vector<std::int64_t>* GgufFile::integers(std::string_view key) const
{
    return typed<std::vector<std::int64_t>>(*this, key, "an array of integers");
}

const std::vector<float>* GgufFile::floats(std::string_view key) const
{
    return typed<std::vector<float>>(*this, key, "an array of f32");
}

}
