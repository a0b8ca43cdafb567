#include "engine/certificate/finished_cells.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/probe_reader.h"
#include "engine/certificate/run_folder.h"

namespace blockcert::certificate {

void forEachFinishedCell(const std::filesystem::path& run, const Certificate& certificate,
                         const std::filesystem::path& childProgram, const std::function<void(CellRecord)>& use)
{
    if (childProgram.empty())
        throw UsageError("Prompts can be added to the run " + run.string() +
                         " only by a program that can read its finished blocks back; start a new run.");
    const std::string path = probesPath(certificate.block);
    const OpenFile file = RunFolder(run).open(path);
    std::string expected;
    for (const ArtifactDigest& artifact : certificate.artifacts)
        if (artifact.path == path)
            expected = artifact.sha256;
    if (sha256OfDescriptor(file.descriptor(), RunContext{}) != expected)
        throw FormatError(
            path + " does not have the SHA-256 of its certificate; remove the block's folder to compute it again.");
    ProbeReader probes(artifact::openForeignArchive(file.descriptor(), path, childProgram), probeShapeOf(certificate),
                       certificate.block);
    for (std::int32_t p = 0; p < probes.shape().prompts(); ++p)
        use(probes.read({p}));
}

}
