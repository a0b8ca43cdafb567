#include "engine/certificate/stitch_writer.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/certificate/run_addition.h"
#include "engine/certificate/run_files.h"
#include "engine/certificate/stitch_codec.h"
#include "engine/certificate/stitch_layout.h"

namespace blockcert::certificate {

namespace {

namespace fs = std::filesystem;

std::optional<StitchCertificate> readWhole(const fs::path& run, const std::string& name)
{
    std::optional<StitchCertificate> found = readAdded(run, stitchCertificatePath(name), stitchFromJson);
    const bool isWhole = found && found->name == name && isIntactArchive(run, found->artifacts, stitchReplayPath(name));
    return isWhole ? found : std::nullopt;
}

// Those that are whole and, as asked for, of the run's own block certificates or of others.
std::vector<std::string> stitchesOf(const fs::path& run, bool current)
{
    return additionsIn(run / stitchFolder, [&](const std::string& name) {
        if (!isStitchName(name))
            return false;
        const std::optional<StitchCertificate> certificate = readWhole(run, name);
        return certificate && areCurrent(run, certificate->request.blocks) == current;
    });
}

}

StitchWriter::StitchWriter(const fs::path& run)
    : m_addition(std::make_unique<RunAddition>(run, "stitch"))
{
}

StitchWriter::~StitchWriter() = default;
StitchWriter::StitchWriter(StitchWriter&&) noexcept = default;
StitchWriter& StitchWriter::operator=(StitchWriter&&) noexcept = default;

std::optional<StitchCertificate> StitchWriter::existing(const std::string& name, const StitchRequest& request)
{
    std::optional<StitchCertificate> found = readWhole(m_addition->run(), name);
    if (!found)
        return std::nullopt;
    // Of block certificates that the run no longer holds, since it gained prompts: the name is free again.
    if (found->request != request && !areCurrent(m_addition->run(), found->request.blocks))
        return std::nullopt;
    if (found->request != request)
        throw UsageError("The run " + m_addition->run().string() + " already holds a stitched model \"" + name +
                         "\" of other blocks or options; choose another --name.");
    m_addition->list({stitchCertificatePath(name), stitchReplayPath(name)});
    return found;
}

void StitchWriter::write(StitchCertificate& certificate, const StitchColumns& columns)
{
    const std::string& name = certificate.name;
    m_addition->into(std::string(stitchFolder) + "/" + name, [&] {
        certificate.artifacts = {
            m_addition->writeArchive(stitchReplayPath(name), "replay", [&](artifact::ArchiveWriter& archive) {
                for (const artifact::ArchiveEntry& entry : replayLayout({columns.offset, columns.layers}))
                    archive.add(entry.name, replayTensor(columns, entry));
            })};
        writeDocument(m_addition->run() / stitchCertificatePath(name), stitchToJson(certificate));
    });
    m_addition->list({stitchCertificatePath(name), stitchReplayPath(name)});
}

std::vector<std::string> intactStitches(const fs::path& run)
{
    return stitchesOf(run, true);
}

std::vector<std::string> outdatedStitches(const fs::path& run)
{
    return stitchesOf(run, false);
}

}
