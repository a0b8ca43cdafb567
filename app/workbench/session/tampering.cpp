#include "app/workbench/session/tampering.h"

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/base/strict_json.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <iterator>
#include <system_error>
#include <vector>

namespace blockcert::workbench {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largestRun = 1U << 30U;
constexpr std::size_t mostFiles = 10'000;
constexpr std::size_t largestFile = 1U << 30U;
constexpr std::size_t digestLength = 64;

Json readJson(const fs::path& path)
{
    JsonLimits limits;
    limits.bytes = limits.stringBytes = largestFile;
    return parseStrictJson(readWholeFile(path, largestFile), path.filename().string(), limits);
}

void writeBack(const fs::path& path, const Json& json)
{
    writeFileAtomically(path, writeJson(json), Flush::Later);
}

// The folders of the blocks, in their order.
std::vector<fs::path> blocksOf(const fs::path& run)
{
    std::vector<fs::path> blocks;
    for (const fs::directory_entry& entry : fs::directory_iterator(run))
        if (entry.is_directory() && fs::is_regular_file(entry.path() / "certificate.json"))
            blocks.push_back(entry.path());
    std::ranges::sort(blocks);
    if (blocks.empty())
        throw FormatError(run.string() + " has no certificate to tamper with; choose a run with a finished block.");
    return blocks;
}

std::string nameIn(const fs::path& run, const fs::path& file)
{
    return file.lexically_relative(run).generic_string();
}

std::string hex(unsigned char byte)
{
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "0x%02x", byte);
    return text.data();
}

Damage flipByte(const fs::path& run)
{
    const std::vector<fs::path> blocks = blocksOf(run);
    const fs::path file = blocks[blocks.size() / 2] / "probes.h5";
    std::string bytes = readWholeFile(file, largestFile);
    if (bytes.empty())
        throw FormatError(nameIn(run, file) + " is empty; there is no byte to flip.");
    char& byte = bytes[bytes.size() / 2];
    const std::string before = hex(static_cast<unsigned char>(byte));
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ 1U);
    const std::string after = hex(static_cast<unsigned char>(byte));
    writeFileAtomically(file, bytes, Flush::Later);
    return {nameIn(run, file), before, after};
}

std::string shortest(double value)
{
    return Json(value).dump();
}

Damage changeNumber(const fs::path& run)
{
    // The block with the largest ε has the most to gain.
    fs::path worst;
    double epsilon = -1;
    for (const fs::path& block : blocksOf(run)) {
        const Json certificate = readJson(block / "certificate.json");
        const double value = certificate.at("metrics").at("l2").at("epsilon").at("value").get<double>();
        if (value > epsilon) {
            epsilon = value;
            worst = block / "certificate.json";
        }
    }
    Json certificate = readJson(worst);
    const double smaller = epsilon / 10;
    std::array<char, 40> digits{};
    std::snprintf(digits.data(), digits.size(), "%a", smaller);
    certificate["metrics"]["l2"]["epsilon"] = {{"value", smaller}, {"hex", digits.data()}};
    writeBack(worst, certificate);
    return {nameIn(run, worst), shortest(epsilon), shortest(smaller)};
}

// The longest word of the text becomes another of the same kind: its first letter changes.
std::string otherWord(const std::string& text)
{
    std::size_t begin = 0;
    std::size_t length = 0;
    for (std::size_t i = 0; i < text.size();) {
        std::size_t end = i;
        while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end])) != 0)
            ++end;
        if (end - i > length) {
            begin = i;
            length = end - i;
        }
        i = std::max(end, i + 1);
    }
    return text.substr(begin, length);
}

Damage changePrompt(const fs::path& run)
{
    Json manifest = readJson(run / "run.json");
    Json& items = manifest.at("prompts").at("items");
    if (items.empty())
        throw FormatError("run.json has no prompt to change.");
    Json& item = items.front();
    const std::string before = item.at("rendered");
    const std::string word = otherWord(before);
    if (word.empty())
        throw FormatError("The first prompt of run.json has no word to change.");
    std::string replacement = word;
    replacement.front() = word.front() == 'x' ? 'y' : 'x';
    std::string after = before;
    after.replace(after.find(word), word.size(), replacement);
    item["rendered"] = after;
    for (Json& piece : item.at("pieces"))
        if (std::string text = piece; text.find(word) != std::string::npos)
            piece = text.replace(text.find(word), word.size(), replacement);
    writeBack(run / "run.json", manifest);
    for (const fs::path& block : blocksOf(run)) {
        Json certificate = readJson(block / "certificate.json");
        certificate.at("prompts").at("items").front()["rendered"] = after;
        writeBack(block / "certificate.json", certificate);
    }
    return {"run.json", before, after};
}

Damage dropFile(const fs::path& run)
{
    const std::vector<fs::path> blocks = blocksOf(run);
    const fs::path file = blocks[blocks.size() / 2] / "ir.h5";
    std::error_code problem;
    if (!fs::remove(file, problem))
        throw FileError(nameIn(run, file) + " could not be removed from the copy.");
    return {nameIn(run, file), {}, {}};
}

// The same lines with the digests of what is there now; without those of files that are gone.
void rewriteSums(const fs::path& run)
{
    const fs::path path = run / "SHA256SUMS";
    const std::string old = readWholeFile(path, largestFile);
    std::string sums;
    for (std::size_t begin = 0; begin < old.size();) {
        const std::size_t end = std::min(old.find('\n', begin), old.size());
        const std::string line = old.substr(begin, end - begin);
        begin = end + 1;
        if (line.size() <= digestLength + 2)
            continue;
        const std::string name = line.substr(digestLength + 2);
        if (fs::is_regular_file(run / name))
            sums += sha256Of(readWholeFile(run / name, largestFile)) + "  " + name + "\n";
    }
    writeFileAtomically(path, sums, Flush::Later);
}

}

void copyRun(const fs::path& run, const fs::path& copy)
{
    std::uintmax_t bytes = 0;
    std::size_t files = 0;
    fs::create_directories(copy);
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(run)) {
        const fs::path target = copy / entry.path().lexically_relative(run);
        if (entry.is_symlink())
            continue;
        if (entry.is_directory()) {
            fs::create_directories(target);
        } else if (entry.is_regular_file()) {
            bytes += entry.file_size();
            if (bytes > largestRun || ++files > mostFiles)
                throw ResourceError(run.string() +
                                    " is larger than a gigabyte, or holds more than 10 000 files; take a "
                                    "smaller run to the lab.");
            fs::copy_file(entry.path(), target);
            fs::permissions(target, fs::perms::owner_read | fs::perms::owner_write);
        }
    }
}

Damage damageRun(const fs::path& copy, Tamper tamper, bool coverUp)
{
    Damage damage;
    switch (tamper) {
    case Tamper::FlipByte: damage = flipByte(copy); break;
    case Tamper::ChangeNumber: damage = changeNumber(copy); break;
    case Tamper::ChangePrompt: damage = changePrompt(copy); break;
    case Tamper::DropFile: damage = dropFile(copy); break;
    }
    if (coverUp)
        rewriteSums(copy);
    return damage;
}

}
