// Reads every #include and holds it against the table of who may include whom (ARCHITECTURE.md, "Rooms").

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Include {
    std::string file; // relative to the repository
    int line = 0;
    std::string target; // "engine/base/error.h", "ATen/core/Tensor.h"
    bool quoted = false;
};

// Rooms in order of length of path, so that the first prefix that fits is not a shorter one.
const std::map<std::string, std::set<std::string>>& allowedRooms()
{
    static const auto table = [] {
        std::map<std::string, std::set<std::string>> rooms;
        // Core: everything to the left.
        const std::vector<std::string> core = {
            "engine/values", "engine/base",      "engine/artifact", "engine/tokenizer",   "engine/prompts",
            "engine/ir",     "engine/surrogate", "engine/edit",     "engine/certificate", "engine/figure",
            "engine/report", "engine/protocol",  "engine/failures", "engine/exchange"};
        std::set<std::string> left;
        for (const std::string& room : core) {
            rooms[room] = left;
            left.insert(room);
        }
        // LibTorch's side stands on the core without knowing certificates or messages; the pipeline strings all
        // together.
        std::set<std::string> torch = {"engine/values",    "engine/base",    "engine/artifact",
                                       "engine/tokenizer", "engine/prompts", "engine/ir"};
        for (const std::string room : {"engine/model", "engine/replay", "engine/generate"}) {
            rooms[room] = torch;
            torch.insert(room);
        }
        rooms["engine/pipeline"] = torch;
        rooms["engine/pipeline"].insert({"engine/surrogate", "engine/edit", "engine/certificate", "engine/figure",
                                         "engine/protocol", "engine/failures", "engine/exchange"});
        // The window knows values, and the messages of the processes it starts.
        rooms["widgets"] = {"engine/values", "engine/figure"};
        rooms["app/workbench"] = {
            "widgets",       "engine/values",   "engine/base",     "engine/figure",
            "engine/report", "engine/protocol", "engine/surrogate"}; // how surrogates are spelled, and what is refused
        // The programs without a window.
        rooms["app/command_line"] = {"engine/values", "engine/base"};
        rooms["app/terminal"] = {"app/command_line", "engine/values", "engine/base", "engine/artifact",
                                 "engine/protocol"};
        rooms["app/cli"] = left;
        rooms["app/cli"].insert({"app/command_line", "app/terminal"});
        rooms["app/engine"] = {"app/command_line", "app/terminal",    "engine/values",
                               "engine/base",      "engine/artifact", "engine/certificate",
                               "engine/protocol",  "engine/failures", "engine/pipeline"};
        return rooms;
    }();
    return table;
}

fs::path source()
{
    const char* path = std::getenv("BLOCKCERT_SOURCE");
    if (path == nullptr)
        throw std::runtime_error("BLOCKCERT_SOURCE is not set");
    return path;
}

std::string roomOf(const std::string& path)
{
    std::string best;
    for (const auto& [room, allowed] : allowedRooms())
        if (path.starts_with(room + "/") && room.size() > best.size())
            best = room;
    return best;
}

bool isSource(const fs::path& path)
{
    return path.extension() == ".h" || path.extension() == ".cpp";
}

// What a line includes: <target> or "target"; nothing for any other line.
std::optional<std::pair<std::string, bool>> includeOn(std::string_view line)
{
    const auto skip = [&](std::string_view what) {
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        const bool there = line.starts_with(what);
        line.remove_prefix(there ? what.size() : 0);
        return there;
    };
    if (!skip("#") || !skip("include"))
        return std::nullopt;
    const bool quoted = skip("\"");
    if (!quoted && !skip("<"))
        return std::nullopt;
    return std::pair(std::string(line.substr(0, line.find(quoted ? '"' : '>'))), quoted);
}

std::vector<Include> includesOf(const std::string& folder)
{
    std::vector<Include> includes;
    if (!fs::exists(source() / folder))
        return includes;
    for (const auto& entry : fs::recursive_directory_iterator(source() / folder)) {
        if (!entry.is_regular_file() || !isSource(entry.path()))
            continue;
        const std::string name = fs::relative(entry.path(), source()).generic_string();
        std::ifstream file(entry.path());
        int number = 0;
        for (std::string line; std::getline(file, line);) {
            ++number;
            if (const auto include = includeOn(line))
                includes.push_back({name, number, include->first, include->second});
        }
    }
    return includes;
}

std::vector<Include> allIncludes()
{
    std::vector<Include> all;
    for (const char* folder : {"engine", "widgets", "app", "tests", "bench"})
        std::ranges::move(includesOf(folder), std::back_inserter(all));
    return all;
}

bool isUnder(const std::string& path, std::initializer_list<std::string_view> folders)
{
    return std::ranges::any_of(folders, [&](std::string_view folder) { return path.starts_with(folder); });
}

bool isTorch(const std::string& target)
{
    return isUnder(target, {"ATen/", "torch/", "c10/", "caffe2/"});
}

bool isQt(const std::string& target)
{
    return target.size() > 1 && target[0] == 'Q' && std::isupper(static_cast<unsigned char>(target[1])) != 0;
}

bool isHdf5(const std::string& target)
{
    return target.starts_with("hdf5") || target.starts_with("H5");
}

std::string at(const Include& include)
{
    return include.file + ":" + std::to_string(include.line) + " includes " + include.target;
}

}

TEST(Layers, EveryFolderOfSourcesIsInTheTable)
{
    for (const char* folder : {"engine", "app", "widgets"})
        for (const auto& entry : fs::recursive_directory_iterator(source() / folder))
            if (entry.is_regular_file() && isSource(entry.path())) {
                const std::string path = fs::relative(entry.path(), source()).generic_string();
                EXPECT_FALSE(roomOf(path).empty()) << path << " lies in a room that the table does not know";
            }
}

TEST(Layers, RoomsIncludeOnlyRoomsToTheirLeft)
{
    int edges = 0;
    for (const char* folder : {"engine", "app", "widgets"})
        for (const Include& include : includesOf(folder)) {
            const std::string from = roomOf(include.file);
            const std::string to = roomOf(include.target);
            if (to.empty() || to == from)
                continue;
            ++edges;
            EXPECT_TRUE(allowedRooms().at(from).contains(to))
                << at(include) << ": " << from << " may not include " << to;
        }
    EXPECT_GT(edges, 100) << "the includes were not found";
}

TEST(Layers, QuotedIncludesAreRootedAtTheRepository)
{
    for (const Include& include : allIncludes())
        if (include.quoted) {
            EXPECT_TRUE(isUnder(include.target, {"engine/", "app/", "widgets/", "tests/", "bench/"})) << at(include);
        }
}

TEST(Layers, LibTorchStaysInItsRooms)
{
    for (const Include& include : allIncludes())
        if (isTorch(include.target)) {
            EXPECT_TRUE(isUnder(include.file, {"engine/model/", "engine/replay/", "engine/generate/",
                                               "engine/pipeline/", "tests/engine/", "bench/"}))
                << at(include);
            EXPECT_NE(include.target, "torch/torch.h") << at(include) << ", which is never worth its time";
        }
}

TEST(Layers, QtStaysInTheWindow)
{
    for (const Include& include : allIncludes())
        if (isQt(include.target)) {
            EXPECT_TRUE(isUnder(include.file,
                                {"widgets/", "app/workbench/", "tests/widgets/", "tests/workbench/", "tests/support/"}))
                << at(include);
        }
}

TEST(Layers, NoFileSeesBothQtAndLibTorch)
{
    std::set<std::string> torch;
    for (const Include& include : allIncludes())
        if (isTorch(include.target))
            torch.insert(include.file);
    for (const Include& include : allIncludes())
        if (isQt(include.target)) {
            EXPECT_FALSE(torch.contains(include.file)) << include.file;
        }
}

TEST(Layers, Hdf5StaysInTheArchive)
{
    int found = 0;
    for (const Include& include : allIncludes())
        if (isHdf5(include.target)) {
            ++found;
            EXPECT_TRUE(isUnder(include.file, {"engine/artifact/archive", "tests/artifact/", "tests/fuzz/"}))
                << at(include);
        }
    EXPECT_GT(found, 0);
}

TEST(Layers, Cli11StaysInThePrograms)
{
    int found = 0;
    for (const Include& include : allIncludes())
        if (include.target.starts_with("CLI/")) {
            ++found;
            EXPECT_TRUE(isUnder(include.file, {"app/"})) << at(include);
        }
    EXPECT_GT(found, 0);
}

TEST(Layers, HeadersBeginWithASentenceAndPragmaOnce)
{
    for (const char* folder : {"engine", "app", "widgets"})
        for (const auto& entry : fs::recursive_directory_iterator(source() / folder)) {
            if (entry.path().extension() != ".h")
                continue;
            std::ifstream file(entry.path());
            std::string first;
            std::getline(file, first);
            EXPECT_TRUE(first.starts_with("// ")) << entry.path() << " does not say what it is for";
            bool once = false;
            for (std::string line; !once && std::getline(file, line);)
                once = line == "#pragma once";
            EXPECT_TRUE(once) << entry.path();
        }
}
