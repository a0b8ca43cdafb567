#include "engine/protocol/run_files.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace blockcert::protocol {

namespace {

using certificate::RunFolder;
using certificate::SumLine;

constexpr std::size_t largestSums = 64U << 20U;

std::string base64(std::string_view bytes)
{
    static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8U | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            text += j <= count ? digits[group >> (18 - 6 * j) & 63U] : '=';
    }
    return text;
}

std::vector<SumLine> sumsOf(const RunFolder& folder, std::string& text)
{
    const std::string name(certificate::sumsName);
    if (!folder.exists(name))
        throw FileError(folder.path().string() + " is no finished run: it holds no " + name +
                        "; resume it first, and fetch it then.");
    text = folder.readText(name, largestSums);
    return certificate::readSums(text);
}

}

Json listRunFiles(const std::filesystem::path& run)
{
    const RunFolder folder(run);
    std::string sums;
    Json files = Json::array();
    std::uint64_t bytes = 0;
    const auto add = [&](const std::string& path, const std::string& sha256) {
        const std::uint64_t size = folder.open(path).size();
        bytes += size;
        files.push_back({{"path", path}, {"size", size}, {"sha256", sha256}});
    };
    for (const SumLine& line : sumsOf(folder, sums))
        add(line.path, line.sha256);
    const std::string digest = sha256Of(sums);
    add(std::string(certificate::sumsName), digest);
    return {{"run", run.string()}, {"digest", digest}, {"bytes", bytes}, {"files", std::move(files)}};
}

Json readRunFile(const std::filesystem::path& run, const std::string& path, std::int64_t offset, std::int64_t bytes)
{
    const RunFolder folder(run);
    if (path != certificate::sumsName) {
        std::string sums;
        const std::vector<SumLine> lines = sumsOf(folder, sums);
        if (std::ranges::find(lines, path, &SumLine::path) == lines.end())
            throw UsageError("\"" + path + "\" is no file of the run; ask for one that run_files lists.");
    }
    const certificate::OpenFile file = folder.open(path);
    const auto size = static_cast<std::int64_t>(file.size());
    if (offset < 0 || offset > size || bytes < 0)
        throw UsageError(fmt::format("{} has {} bytes; {} from {} on are not in it.", path, size, bytes, offset));
    std::string data(static_cast<std::size_t>(std::min({bytes, largestRunChunk, size - offset})), '\0');
    std::size_t got = 0;
    while (got < data.size()) {
        const ssize_t count = ::pread(file.descriptor(), data.data() + got, data.size() - got,
                                      static_cast<off_t>(offset) + static_cast<off_t>(got));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            throw FileError(fmt::format("Cannot read {} at byte {}: {}.", path, offset + static_cast<std::int64_t>(got),
                                        count < 0 ? std::strerror(errno) : "it became shorter")); // NOLINT
        got += static_cast<std::size_t>(count);
    }
    return {{"path", path}, {"offset", offset}, {"size", size}, {"data", base64(data)}};
}

}
