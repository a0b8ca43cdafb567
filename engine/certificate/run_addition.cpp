#include "engine/certificate/run_addition.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/base/atomic_file.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/run_files.h"
#include "engine/certificate/run_layout.h"

#include <algorithm>

namespace blockcert::certificate {

namespace fs = std::filesystem;

namespace {

constexpr const char* certificateName = "certificate.json";

}

RunAddition::RunAddition(fs::path run, const std::string& verb)
    : m_run(std::move(run))
{
    if (!fs::exists(m_run / sumsName))
        throw UsageError("The run " + m_run.string() +
                         " is unfinished; continue it with blockcert certify … --resume, then " + verb + ".");
    makeFolder(m_run / ".work");
    m_lock.emplace(m_run / lockPath);
}

RunAddition::~RunAddition()
{
    m_lock.reset();
    std::error_code ignored;
    fs::remove_all(m_run / ".work", ignored);
}

void RunAddition::list(const std::vector<std::string>& paths) const
{
    std::vector<SumLine> lines = readSums(readWholeFile(m_run / sumsName, largestDocument));
    const std::vector<SumLine> before = lines;
    for (const std::string& path : paths) {
        std::erase_if(lines, [&](const SumLine& line) { return line.path == path; });
        lines.push_back({path, sha256OfFile(m_run / path, RunContext{})});
    }
    std::sort(lines.begin(), lines.end(), [](const SumLine& a, const SumLine& b) { return a.path < b.path; });
    if (lines != before)
        writeFileAtomically(m_run / sumsName, writeSums(std::move(lines)));
}

void RunAddition::into(const std::string& folder, const std::function<void()>& write) const
{
    try {
        write();
    } catch (...) {
        std::error_code ignored;
        if (!fs::exists(m_run / folder / certificateName, ignored)) {
            fs::remove_all(m_run / folder, ignored);
            const fs::path parent = (m_run / folder).parent_path();
            if (fs::is_empty(parent, ignored))
                fs::remove(parent, ignored);
        }
        throw;
    }
}

ArtifactDigest RunAddition::writeArchive(const std::string& path, const std::string& role,
                                         const std::function<void(artifact::ArchiveWriter&)>& fill) const
{
    makeFolder((m_run / path).parent_path());
    removeLeftovers((m_run / path).parent_path());
    const fs::path temporary = temporaryFor(m_run / path);
    {
        artifact::ArchiveWriter archive(temporary);
        fill(archive);
        archive.close();
    }
    publishFile(temporary, m_run / path);
    return digestOf(m_run, path, role);
}

std::optional<std::string> textIfThere(const fs::path& run, const std::string& path)
{
    std::error_code missing;
    if (!fs::exists(run / path, missing))
        return std::nullopt;
    return readWholeFile(run / path, largestDocument);
}

bool isIntactArchive(const fs::path& run, const std::vector<ArtifactDigest>& artifacts, const std::string& path)
{
    return artifacts.size() == 1 && artifacts[0].path == path && isIntact(run, artifacts[0]);
}

bool areCurrent(const fs::path& run, const std::vector<StitchedBlock>& blocks)
{
    return std::all_of(blocks.begin(), blocks.end(), [&](const StitchedBlock& block) {
        std::error_code none;
        return block.path == certificatePath(block.block) && fs::exists(run / block.path, none) &&
               sha256OfFile(run / block.path, RunContext{}) == block.sha256;
    });
}

std::vector<std::string> additionsIn(const fs::path& folder, const std::function<bool(const std::string&)>& isWhole)
{
    std::vector<std::string> names;
    std::error_code missing;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, missing)) {
        std::string name = entry.path().filename().string();
        if (isWhole(name))
            names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    return names;
}

}
