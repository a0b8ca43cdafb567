#include "engine/artifact/checkpoint_files.h"

#include "engine/artifact/safetensors.h"
#include "engine/artifact/shown.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/strict_json.h"

#include <algorithm>
#include <array>
#include <map>
#include <system_error>
#include <utility>

namespace blockcert::artifact {

namespace {

constexpr std::size_t indexBytes = 64U << 20U;
constexpr std::size_t largestShardCount = 512; // each stays open

constexpr const char* indexName = "model.safetensors.index.json";
constexpr const char* singleName = "model.safetensors";

[[noreturn]] void refuseAsPickle(const std::filesystem::path& path)
{
    throw UnsupportedError(
        path.string() + " is a pickle file, which can run code when it is read and is never opened here; convert the "
                        "model once with Python: transformers' from_pretrained(FOLDER).save_pretrained(NEW_FOLDER).");
}

bool isPickleName(const std::filesystem::path& path)
{
    constexpr std::array<std::string_view, 6> endings = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"};
    return std::find(endings.begin(), endings.end(), path.extension().string()) != endings.end();
}

// Throws unless a shard's name is one that lies in the same folder.
void requirePlainName(const std::string& name, const std::string& source)
{
    const bool plain = !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
                       name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
    if (!plain)
        throw FormatError(source + " names the file " + shown(name) + ", which is not a plain file name.");
}

void addFile(CheckpointFiles& checkpoint, const SafetensorsFile& file)
{
    const std::size_t index = checkpoint.files.size();
    checkpoint.files.push_back({.path = file.input()->path(), .size = file.input()->size(), .sha256 = {}});
    checkpoint.inputs.push_back(file.input());
    for (TensorEntry tensor : file.tensors()) {
        tensor.file = index;
        checkpoint.tensors.push_back(std::move(tensor));
    }
}

struct ShardIndex {
    std::map<std::string, std::string> fileOf; // tensor -> file
    std::optional<std::uint64_t> totalSize;
};

ShardIndex readIndex(const std::filesystem::path& path)
{
    const std::string source = path.string();
    const Json json = parseStrictJson(readWholeFile(path, indexBytes), source);
    const auto map = json.is_object() ? json.find("weight_map") : json.end();
    if (!json.is_object() || map == json.end() || !map->is_object())
        throw FormatError(source + " has no object \"weight_map\".");
    ShardIndex index;
    for (const auto& [tensor, file] : map->items()) {
        if (!file.is_string())
            throw FormatError(source + ": weight_map gives tensor " + shown(tensor) + " no file name.");
        requirePlainName(file.get<std::string>(), source);
        index.fileOf.emplace(tensor, file.get<std::string>());
    }
    if (index.fileOf.size() > SafetensorsLimits{}.tensors)
        throw ResourceError(source + " lists more than " + std::to_string(SafetensorsLimits{}.tensors) + " tensors.");
    if (const auto metadata = json.find("metadata"); metadata != json.end() && metadata->is_object()) {
        const auto total = metadata->find("total_size");
        if (total != metadata->end() && total->is_number_unsigned())
            index.totalSize = total->get<std::uint64_t>();
    }
    return index;
}

CheckpointFiles openShards(const std::filesystem::path& path)
{
    const ShardIndex index = readIndex(path);
    CheckpointFiles checkpoint;
    checkpoint.folder = path.parent_path();
    std::map<std::string, std::size_t> shards;
    for (const auto& [tensor, file] : index.fileOf)
        shards.emplace(file, 0);
    if (shards.size() > largestShardCount)
        throw ResourceError(path.string() + " names " + std::to_string(shards.size()) + " files; the limit is " +
                            std::to_string(largestShardCount) + ".");
    for (auto& [file, number] : shards) {
        number = checkpoint.files.size();
        addFile(checkpoint, SafetensorsFile::open(checkpoint.folder / file));
    }

    std::uint64_t bytes = 0;
    std::map<std::string, std::size_t> shardOf; // what the shards really hold
    std::vector<TensorEntry> listed;
    for (TensorEntry& tensor : checkpoint.tensors) {
        const std::string& file = checkpoint.files[tensor.file].path.filename().string();
        const auto entry = index.fileOf.find(tensor.name);
        if (entry == index.fileOf.end()) {
            checkpoint.warnings.push_back(file + ": tensor " + shown(tensor.name) +
                                          " is not in the index; it is ignored.");
            continue;
        }
        if (shards.at(entry->second) != tensor.file)
            throw FormatError(path.string() + ": tensor " + shown(tensor.name) + " is said to be in " +
                              shown(entry->second) + ", but is in " + shown(file) + ".");
        bytes += tensor.end - tensor.begin;
        shardOf.emplace(tensor.name, tensor.file);
        listed.push_back(std::move(tensor));
    }
    checkpoint.tensors = std::move(listed);
    for (const auto& [tensor, file] : index.fileOf) {
        if (!shardOf.contains(tensor))
            throw FormatError(path.string() + ": tensor " + shown(tensor) + " is not in " + shown(file) +
                              ", where the index says it is.");
    }
    if (index.totalSize && *index.totalSize != bytes)
        checkpoint.warnings.push_back(path.filename().string() + ": total_size is " + std::to_string(*index.totalSize) +
                                      ", but the tensors have " + std::to_string(bytes) + " bytes.");
    return checkpoint;
}

CheckpointFiles openSingle(const std::filesystem::path& path)
{
    CheckpointFiles checkpoint;
    checkpoint.folder = path.parent_path();
    addFile(checkpoint, SafetensorsFile::open(path));
    return checkpoint;
}

CheckpointFiles openGguf(const std::filesystem::path& path)
{
    CheckpointFiles checkpoint;
    checkpoint.container = Container::Gguf;
    checkpoint.gguf = GgufFile::open(path);
    checkpoint.files = checkpoint.gguf->files();
    checkpoint.inputs = checkpoint.gguf->inputs();
    checkpoint.tensors = checkpoint.gguf->tensors();
    return checkpoint;
}

// What a file is according to its first bytes; names may lie, and blobs of the hub's cache have none.
std::array<char, 4> firstBytes(const std::filesystem::path& path)
{
    const InputFile file(path);
    std::array<char, 4> bytes{};
    if (file.size() >= bytes.size())
        file.readAt(0, std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

CheckpointFiles openFile(const std::filesystem::path& path)
{
    refusePickle(path);
    const std::string name = path.filename().string();
    if (name.ends_with(".index.json"))
        return openShards(path);
    if (name.ends_with(".json"))
        throw FormatError(path.string() + " is a JSON file and holds no weights; give the folder it lies in, or a "
                                          ".safetensors, .safetensors.index.json or .gguf file.");
    const std::array<char, 4> bytes = firstBytes(path);
    if (std::string_view(bytes.data(), bytes.size()) == "GGUF" || name.ends_with(".gguf"))
        return openGguf(path);
    const bool isZip = bytes[0] == 'P' && bytes[1] == 'K';
    const bool isPickle = bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5 && bytes[2] != 0;
    if (isZip || isPickle)
        refuseAsPickle(path);
    return openSingle(path);
}

// The names in a folder that end in `ending`, sorted.
std::vector<std::filesystem::path> filesIn(const std::filesystem::path& folder,
                                           bool (*wanted)(const std::filesystem::path&))
{
    std::vector<std::filesystem::path> found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        if (wanted(entry->path()))
            found.push_back(entry->path());
    }
    if (error)
        throw FileError("Cannot list " + folder.string() + ": " + error.message() + ".");
    std::sort(found.begin(), found.end());
    return found;
}

bool isFirstGguf(const std::filesystem::path& path)
{
    const std::string name = path.filename().string();
    const bool laterPart = name.find("-of-") != std::string::npos && name.find("-00001-of-") == std::string::npos;
    return name.ends_with(".gguf") && !laterPart;
}

CheckpointFiles openFolder(const std::filesystem::path& folder)
{
    if (std::filesystem::exists(folder / indexName))
        return openShards(folder / indexName);
    if (std::filesystem::exists(folder / singleName))
        return openSingle(folder / singleName);
    const std::vector<std::filesystem::path> ggufs = filesIn(folder, isFirstGguf);
    if (ggufs.size() == 1)
        return openGguf(ggufs.front());
    if (ggufs.size() > 1)
        throw UsageError(folder.string() + " holds " + std::to_string(ggufs.size()) + " GGUF models, among them " +
                         shown(ggufs.front().filename().string()) + "; name the file.");
    if (const std::vector<std::filesystem::path> pickles = filesIn(folder, isPickleName); !pickles.empty())
        refuseAsPickle(pickles.front());
    for (const char* name : {indexName, singleName})
        if (std::error_code error; std::filesystem::is_symlink(folder / name, error))
            throw FileError((folder / name).string() +
                            " points to a file that is not there, as a download that was not "
                            "finished leaves it; fetch the model again.");
    throw FileError(folder.string() + " holds no model: looked for " + indexName + ", " + singleName +
                    " and a .gguf file.");
}

}

void refusePickle(const std::filesystem::path& path)
{
    if (isPickleName(path))
        refuseAsPickle(path);
}

CheckpointFiles openCheckpointFiles(const std::filesystem::path& path)
{
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status))
        throw FileError("There is no model at " + path.string() + ".");
    return std::filesystem::is_directory(status) ? openFolder(path) : openFile(path);
}

}
