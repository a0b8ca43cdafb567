#include "tests/tampering/tampered_run.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/base/atomic_file.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/run_layout.h"
#include "tests/certificate/tiny_run.h"

#include <fstream>

namespace blockcert::certificate {

namespace fs = std::filesystem;

TamperedRun::TamperedRun(const fs::path& original)
    : m_path(m_folder.path() / "run")
{
    fs::copy(original, m_path, fs::copy_options::recursive);
}

std::string TamperedRun::text(const std::string& file) const
{
    return readWholeFile(m_path / file, 1U << 30U);
}

void TamperedRun::setText(const std::string& file, const std::string& text)
{
    std::ofstream(m_path / file, std::ios::binary | std::ios::trunc) << text; // no need for fsync here
}

Json TamperedRun::json(const std::string& file) const
{
    return Json::parse(text(file));
}

void TamperedRun::setJson(const std::string& file, const Json& json)
{
    setText(file, json.dump(2) + "\n");
}

void TamperedRun::resum()
{
    std::vector<SumLine> lines;
    for (const SumLine& line : readSums(text("SHA256SUMS")))
        if (fs::is_regular_file(m_path / line.path))
            lines.push_back({line.path, sha256Of(text(line.path))});
    setText("SHA256SUMS", writeSums(lines));
}

void TamperedRun::reseal(const std::string& blockFolder)
{
    nameArtifacts(blockFolder, true);
}

void TamperedRun::resealFilesOnly(const std::string& blockFolder)
{
    nameArtifacts(blockFolder, false);
}

void TamperedRun::nameArtifacts(const std::string& blockFolder, bool tensors)
{
    const std::string certificate = blockFolder + "/certificate.json";
    Json json = this->json(certificate);
    for (Json& artifact : json["artifacts"]) {
        const std::string file = artifact["path"];
        artifact["sha256"] = sha256Of(text(file));
        artifact["size"] = text(file).size();
        if (!tensors)
            continue;
        const auto archive = artifact::openOwnArchive(m_path / file);
        artifact["tensors"] = Json::array();
        for (const artifact::ArchiveEntry& entry : archive->entries())
            artifact["tensors"].push_back({{"name", entry.name},
                                           {"dtype", nameOf(entry.dtype)},
                                           {"shape", entry.shape},
                                           {"sha256", sha256OfTensor(archive->readAll(entry.name))}});
    }
    setJson(certificate, json);
    resum();
}

void TamperedRun::changeTensor(const std::string& archive, const std::string& name,
                               const std::function<void(HostTensor&)>& change)
{
    const fs::path changed = m_folder.path() / "changed.h5";
    {
        const auto source = artifact::openOwnArchive(m_path / archive);
        artifact::ArchiveWriter target(changed);
        for (const artifact::ArchiveEntry& entry : source->entries()) {
            HostTensor tensor = source->readAll(entry.name);
            if (entry.name == name)
                change(tensor);
            target.add(entry.name, tensor);
        }
        target.close();
    }
    fs::rename(changed, m_path / archive);
}

Verdict TamperedRun::verify(int level) const
{
    VerifyOptions options;
    options.level = level;
    options.childProgram = tiny::readerChild();
    return certificate::verify(m_path, options, RunContext{});
}

std::set<std::string> failedIds(const Verdict& verdict)
{
    std::set<std::string> ids;
    for (const Check& check : verdict.checks)
        if (check.state == CheckState::Failed)
            ids.insert(check.id);
    return ids;
}

std::string problemsOf(const Verdict& verdict)
{
    std::string text = verdict.sentence + "\n";
    for (const Check& check : verdict.checks)
        if (check.state != CheckState::Verified)
            text += "  " + check.id + " [" + check.where + "] " + check.detail + "\n";
    return text;
}

}
