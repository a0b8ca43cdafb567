#include "engine/certificate/edit_writer.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/run_addition.h"
#include "engine/certificate/run_files.h"

namespace blockcert::certificate {

namespace {

namespace fs = std::filesystem;

std::optional<EditCertificate> readWhole(const fs::path& run, const std::string& name)
{
    std::optional<EditCertificate> found = readAdded(run, editCertificatePath(name), editFromJson);
    const bool isWhole = found && found->name == name && isIntactArchive(run, found->artifacts, editEffectPath(name));
    return isWhole ? found : std::nullopt;
}

// Those that are whole and, as asked for, of the run's own block certificates or of others.
std::vector<std::string> editsOf(const fs::path& run, bool current)
{
    return additionsIn(run / editFolder, [&](const std::string& name) {
        if (!editNamed(editCertificatePath(name)))
            return false;
        const std::optional<EditCertificate> certificate = readWhole(run, name);
        return certificate && areCurrent(run, certificate->request.blocks) == current;
    });
}

}

EditWriter::EditWriter(const fs::path& run)
    : m_addition(std::make_unique<RunAddition>(run, "edit"))
{
}

EditWriter::~EditWriter() = default;
EditWriter::EditWriter(EditWriter&&) noexcept = default;
EditWriter& EditWriter::operator=(EditWriter&&) noexcept = default;

std::optional<EditCertificate> EditWriter::existing(const std::string& name, const EditRequest& request)
{
    std::optional<EditCertificate> found = readWhole(m_addition->run(), name);
    if (!found)
        return std::nullopt;
    // Of block certificates that the run no longer holds, since it gained prompts: the name is free again.
    if (found->request != request && !areCurrent(m_addition->run(), found->request.blocks))
        return std::nullopt;
    if (found->request != request)
        throw UsageError("The run " + m_addition->run().string() + " already holds an edit \"" + name +
                         "\" of another patch or options; choose another --name.");
    m_addition->list({editCertificatePath(name), editEffectPath(name)});
    return found;
}

void EditWriter::write(EditCertificate& certificate, const EditColumns& columns)
{
    const std::string& name = certificate.name;
    m_addition->into(std::string(editFolder) + "/" + name, [&] {
        certificate.artifacts = {
            m_addition->writeArchive(editEffectPath(name), "effect", [&](artifact::ArchiveWriter& archive) {
                for (const auto& [entry, tensor] : effectTensors(columns))
                    archive.add(entry.name, tensor);
            })};
        writeDocument(m_addition->run() / editCertificatePath(name), editToJson(certificate));
    });
    m_addition->list({editCertificatePath(name), editEffectPath(name)});
}

std::vector<std::string> intactEdits(const fs::path& run)
{
    return editsOf(run, true);
}

std::vector<std::string> outdatedEdits(const fs::path& run)
{
    return editsOf(run, false);
}

}
