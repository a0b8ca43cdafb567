#include "engine/artifact/checkpoint.h"
#include "engine/artifact/checkpoint_files.h"
#include "engine/artifact/shown.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

namespace blockcert::artifact {

namespace {

constexpr std::size_t referenceBytes = 256; // refs/main holds 40 hexadecimal digits

struct HubName {
    std::string repository; // "org/name"
    std::string revision;
    bool stated = false; // the user named a revision
};

bool consistsOf(std::string_view text, std::string_view extra)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [extra](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               extra.find(c) != std::string_view::npos;
    });
}

bool isPlainPart(std::string_view part)
{
    return consistsOf(part, "-_.") && part != "." && part != ".." && part.size() <= 96 &&
           part.find("--") == std::string_view::npos && part.find("..") == std::string_view::npos;
}

// org/name or name, with an optional @revision. Absent if the text cannot be one.
std::optional<HubName> parseHubName(const std::string& model)
{
    const std::size_t at = model.find('@');
    HubName name{.repository = model.substr(0, at),
                 .revision = at == std::string::npos ? "main" : model.substr(at + 1),
                 .stated = at != std::string::npos};
    const std::size_t slash = name.repository.find('/');
    const bool plain = slash == std::string::npos ? isPlainPart(name.repository)
                                                  : isPlainPart(name.repository.substr(0, slash)) &&
                                                        isPlainPart(name.repository.substr(slash + 1));
    const bool revision = consistsOf(name.revision, "-_./") && name.revision.size() <= 200 &&
                          name.revision.find("..") == std::string::npos && name.revision.front() != '/';
    return plain && revision ? std::optional(name) : std::nullopt;
}

bool isThere(const std::filesystem::path& path)
{
    std::error_code error;
    return std::filesystem::exists(path, error);
}

std::string commitOf(const std::filesystem::path& reference)
{
    std::string commit = readWholeFile(reference, referenceBytes);
    while (!commit.empty() && (commit.back() == '\n' || commit.back() == '\r' || commit.back() == ' '))
        commit.pop_back();
    if (!isPlainPart(commit))
        throw FormatError(reference.string() + " holds " + shown(commit) + ", which is not a commit.");
    return commit;
}

// snapshots/COMMIT of a revision that is a branch, a tag or a commit; tried places are appended.
std::optional<std::filesystem::path> snapshotOf(const std::filesystem::path& repository, const HubName& name,
                                                std::vector<std::filesystem::path>& tried)
{
    std::string commit = name.revision;
    if (const std::filesystem::path reference = repository / "refs" / name.revision; isThere(reference))
        commit = commitOf(reference);
    else if (name.revision.find('/') != std::string::npos || !name.stated) {
        tried.push_back(reference);
        return std::nullopt;
    }
    const std::filesystem::path snapshot = repository / "snapshots" / commit;
    tried.push_back(snapshot);
    return isThere(snapshot) ? std::optional(snapshot) : std::nullopt;
}

std::string listed(const std::vector<std::filesystem::path>& places)
{
    std::string text;
    for (const std::filesystem::path& place : places)
        text += (text.empty() ? "" : ", ") + place.string();
    return text;
}

}

std::filesystem::path resolveModel(const std::string& model, const ModelLocations& locations)
{
    if (model.empty())
        throw UsageError("The model's name is empty; give a folder, a file, org/name or demo.");
    if (model == "demo") {
        if (!locations.demoModel.empty() && isThere(locations.demoModel))
            return locations.demoModel;
        throw FileError(
            "The demo model is not set up" +
            (locations.demoModel.empty() ? std::string() : " (looked for " + locations.demoModel.string() + ")") +
            "; ./run fetches it.");
    }
    std::vector<std::filesystem::path> tried{model};
    if (isThere(model)) {
        refusePickle(model);
        return model;
    }
    if (const std::optional<HubName> name = parseHubName(model)) {
        if (locations.hubCache.empty())
            throw FileError("There is no model " + shown(model) +
                            " at that path, and no Hugging Face cache to look in.");
        std::string folder = "models--" + name->repository;
        if (const std::size_t slash = folder.find('/'); slash != std::string::npos)
            folder.replace(slash, 1, "--");
        if (const auto snapshot = snapshotOf(locations.hubCache / folder, *name, tried))
            return *snapshot;
    }
    throw FileError("There is no model " + shown(model) + "; looked for " + listed(tried) +
                    ". Nothing is downloaded: fetch the model first, or give a path.");
}

}
