#include "engine/certificate/edit_writer.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/run_files.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/run_lock.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace blockcert::certificate {

namespace {

namespace fs = std::filesystem;

std::optional<EditCertificate> readCertificate(const fs::path& run, const std::string& name)
{
    const std::string path = editCertificatePath(name);
    std::error_code missing;
    if (!fs::exists(run / path, missing))
        return std::nullopt;
    try {
        return editFromJson(parseDocument(readWholeFile(run / path, largestDocument), path), path);
    } catch (const Error&) {
        return std::nullopt; // damaged: it is made again
    }
}

bool isWhole(const fs::path& run, const EditCertificate& certificate, const std::string& name)
{
    return certificate.name == name && certificate.artifacts.size() == 1 &&
           certificate.artifacts[0].path == editEffectPath(name) && isIntact(run, certificate.artifacts[0]);
}

}

struct EditWriter::State {
    explicit State(const fs::path& path)
        : run(path)
    {
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ~State()
    {
        lock.reset();
        std::error_code ignored;
        fs::remove_all(run / ".work", ignored);
    }

    fs::path run;
    std::optional<RunLock> lock;

    // Lines of other files stay as they are: what was changed since is still found.
    void list(const std::string& name) const
    {
        std::vector<SumLine> lines = readSums(readWholeFile(run / sumsName, largestDocument));
        const std::vector<SumLine> before = lines;
        for (const std::string& path : {editCertificatePath(name), editEffectPath(name)}) {
            std::erase_if(lines, [&](const SumLine& line) { return line.path == path; });
            lines.push_back({path, sha256OfFile(run / path, RunContext{})});
        }
        std::sort(lines.begin(), lines.end(), [](const SumLine& a, const SumLine& b) { return a.path < b.path; });
        if (lines != before)
            writeFileAtomically(run / sumsName, writeSums(std::move(lines)));
    }
};

EditWriter::EditWriter(const fs::path& run)
{
    if (!fs::exists(run / sumsName))
        throw UsageError("The run " + run.string() +
                         " is unfinished; continue it with blockcert certify … --resume, then edit.");
    makeFolder(run / ".work");
    RunLock lock(run / ".work" / "lock");
    m_state = std::make_unique<State>(run);
    m_state->lock.emplace(std::move(lock));
}

EditWriter::~EditWriter() = default;
EditWriter::EditWriter(EditWriter&&) noexcept = default;
EditWriter& EditWriter::operator=(EditWriter&&) noexcept = default;

std::optional<EditCertificate> EditWriter::existing(const std::string& name, const EditRequest& request)
{
    std::optional<EditCertificate> found = readCertificate(m_state->run, name);
    if (!found || !isWhole(m_state->run, *found, name))
        return std::nullopt;
    if (found->request != request)
        throw UsageError("The run " + m_state->run.string() + " already holds an edit \"" + name +
                         "\" of another patch or options; choose another --name.");
    m_state->list(name);
    return found;
}

void EditWriter::write(EditCertificate& certificate, const EditColumns& columns)
{
    const fs::path& run = m_state->run;
    const std::string path = editEffectPath(certificate.name);
    makeFolder((run / path).parent_path());
    removeLeftovers((run / path).parent_path());
    const fs::path temporary = temporaryFor(run / path);
    {
        artifact::ArchiveWriter archive(temporary);
        for (const auto& [entry, tensor] : effectTensors(columns))
            archive.add(entry.name, tensor);
        archive.close();
    }
    publishFile(temporary, run / path);
    certificate.artifacts = {digestOf(run, path, "effect")};
    writeDocument(run / editCertificatePath(certificate.name), editToJson(certificate));
    m_state->list(certificate.name);
}

std::vector<std::string> intactEdits(const fs::path& run)
{
    std::vector<std::string> names;
    std::error_code missing;
    for (const fs::directory_entry& entry : fs::directory_iterator(run / editFolder, missing)) {
        const std::string name = entry.path().filename().string();
        if (!editNamed(editCertificatePath(name)))
            continue;
        const std::optional<EditCertificate> certificate = readCertificate(run, name);
        if (!certificate || !isWhole(run, *certificate, name))
            continue;
        const auto& blocks = certificate->request.blocks;
        const bool current = std::all_of(blocks.begin(), blocks.end(), [&](const StitchedBlock& block) {
            std::error_code none;
            return block.path == certificatePath(block.block) && fs::exists(run / block.path, none) &&
                   sha256OfFile(run / block.path, RunContext{}) == block.sha256;
        });
        if (current)
            names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

}
