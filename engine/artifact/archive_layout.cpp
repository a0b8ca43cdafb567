// Everything the judge believes about an archive's structure, and the child's answer in words. No HDF5 here.
#include "engine/artifact/archive_layout.h"

#include "engine/base/error.h"
#include "engine/base/strict_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

namespace blockcert::artifact {

namespace {

constexpr std::size_t longestName = 200;
constexpr std::size_t largestRank = 4;

bool isPlainName(std::string_view name)
{
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '-' || c == '/';
    };
    return !name.empty() && name.size() <= longestName && std::all_of(name.begin(), name.end(), plain);
}

// Bytes of the tensor, or nothing if that number is not below 2^63.
std::optional<std::uint64_t> sizeOf(const ArchiveEntry& entry)
{
    auto size = static_cast<std::int64_t>(storageBlock(entry.dtype).bytes);
    for (const std::int64_t dimension : entry.shape)
        if (dimension < 0 || __builtin_mul_overflow(size, dimension, &size))
            return std::nullopt;
    return static_cast<std::uint64_t>(size);
}

// What came from a hostile file or child may hold control characters; messages hold none.
std::string printable(std::string_view text)
{
    std::string clean(text.substr(0, 300));
    std::replace_if(
        clean.begin(), clean.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return clean;
}

[[noreturn]] void refuseAnswer(std::string_view source)
{
    throw FormatError(
        fmt::format("{}: the archive reader gave an answer that makes no sense; the file is malformed.", source));
}

DType dtypeNamed(const std::string& name, std::string_view source)
{
    for (const DType dtype : archiveTypes)
        if (nameOf(dtype) == name)
            return dtype;
    refuseAnswer(source);
}

}

std::uint64_t PlacedEntry::byteCount() const
{
    return sizeOf(entry).value_or(0);
}

void checkLayout(const ArchiveLayout& layout, std::uint64_t fileSize, std::string_view source)
{
    struct Extent {
        std::uint64_t begin;
        std::uint64_t end;
        const std::string* name;
    };

    std::vector<Extent> extents;
    std::set<std::string_view> names;
    for (const PlacedEntry& placed : layout) {
        const ArchiveEntry& entry = placed.entry;
        if (!isPlainName(entry.name))
            throw FormatError(fmt::format("{}: a dataset has the name \"{}\", which no archive of this tool has.",
                                          source, printable(entry.name)));
        if (!names.insert(entry.name).second)
            throw FormatError(fmt::format("{}: there are two datasets named {}.", source, entry.name));
        if (entry.shape.size() > largestRank)
            throw FormatError(fmt::format("{}: dataset {} has {} dimensions; at most {} are allowed.", source,
                                          entry.name, entry.shape.size(), largestRank));
        const std::optional<std::uint64_t> size = sizeOf(entry);
        if (!size || *size > fileSize || placed.offset > fileSize - *size)
            throw FormatError(fmt::format("{}: dataset {} at byte {} with shape [{}] does not fit into the file's {} "
                                          "bytes; the file is damaged or cut off.",
                                          source, entry.name, placed.offset, fmt::join(entry.shape, ", "), fileSize));
        if (*size > 0)
            extents.push_back({placed.offset, placed.offset + *size, &entry.name});
    }

    std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < extents.size(); ++i)
        if (extents[i].begin < extents[i - 1].end)
            throw FormatError(fmt::format("{}: datasets {} and {} overlap at byte {}.", source, *extents[i - 1].name,
                                          *extents[i].name, extents[i].begin));
}

std::string layoutAnswer(const ArchiveLayout& layout)
{
    Json entries = Json::array();
    for (const PlacedEntry& placed : layout)
        entries.push_back({{"name", placed.entry.name},
                           {"dtype", nameOf(placed.entry.dtype)},
                           {"shape", placed.entry.shape},
                           {"offset", placed.offset}});
    return writeJson({{"entries", entries}});
}

std::string problemAnswer(std::string_view problem)
{
    return writeJson({{"problem", printable(problem)}});
}

ArchiveLayout readAnswer(std::string_view answer, std::string_view source)
{
    const Json json = parseStrictJson(answer, source);
    if (!json.is_object() || json.size() != 1)
        refuseAnswer(source);
    if (json.contains("problem") && json["problem"].is_string())
        throw FormatError(fmt::format("{}: {}", source, printable(json["problem"].get<std::string>())));
    if (!json.contains("entries") || !json["entries"].is_array())
        refuseAnswer(source);

    ArchiveLayout layout;
    for (const Json& item : json["entries"]) {
        const bool known = item.is_object() && item.size() == 4 && item.contains("name") && item.contains("dtype") &&
                           item.contains("shape") && item.contains("offset");
        if (!known || !item["name"].is_string() || !item["dtype"].is_string() || !item["shape"].is_array() ||
            !item["offset"].is_number_unsigned())
            refuseAnswer(source);
        PlacedEntry placed;
        placed.entry.name = item["name"].get<std::string>();
        placed.entry.dtype = dtypeNamed(item["dtype"].get<std::string>(), source);
        placed.offset = item["offset"].get<std::uint64_t>();
        for (const Json& dimension : item["shape"]) {
            if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > (std::uint64_t{1} << 62U))
                refuseAnswer(source);
            placed.entry.shape.push_back(dimension.get<std::int64_t>());
        }
        layout.push_back(std::move(placed));
    }
    return layout;
}

}
