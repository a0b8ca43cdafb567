#include "engine/certificate/named_archive.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/memory_archive.h"

#include <algorithm>
#include <filesystem>

namespace blockcert::certificate {

namespace {

constexpr const char* otherSize = "The file is not the one that the certificate names: it has another size.";

void compareDigests(const ArtifactDigest& artifact, std::vector<TensorDigest> found, CheckList& checks)
{
    std::vector<TensorDigest> named = artifact.tensors;
    const auto byName = [](const TensorDigest& a, const TensorDigest& b) { return a.name < b.name; };
    std::sort(named.begin(), named.end(), byName);
    std::sort(found.begin(), found.end(), byName);
    checks.add(Row("tensor.sha256", group::integrity, artifact.path, "Digest of every logical tensor")
                   .issuer(counted(static_cast<std::int64_t>(named.size()), "tensor"))
                   .recomputed(counted(static_cast<std::int64_t>(found.size()), "tensor"))
                   .how("re-hashed as read")
                   .passedIf(named == found, "The tensors in the file are not those that the certificate names."));
}

}

std::optional<OpenFile> openNamed(const ArtifactDigest& artifact, const BlockContext& block, CheckList& checks,
                                  const RunContext& context)
{
    Row digest("artifact.sha256", group::integrity, artifact.path, "Artifact as the certificate names it");
    digest.issuer(artifact.sha256 + ", " + std::to_string(artifact.size) + " bytes").how("re-hashed");
    try {
        OpenFile file = block.folder.open(artifact.path);
        const std::uint64_t size = file.size();
        if (size != artifact.size) { // known before the first of what may be many bytes is read
            checks.add(digest.recomputed(std::to_string(size) + " bytes").failed(otherSize));
            return std::nullopt;
        }
        const std::string found = sha256OfDescriptor(file.descriptor(), context);
        addSumRow(block.contents, artifact.path, found, checks);
        digest.recomputed(found + ", " + std::to_string(size) + " bytes");
        const bool same = found == artifact.sha256 && size == artifact.size;
        checks.add(digest.passedIf(same, "The file is not the one that the certificate names."));
        if (same)
            return file;
    } catch (const Error& error) {
        checks.add(digest.failed(error.what()));
    }
    return std::nullopt;
}

void checkSize(const ArtifactDigest& artifact, const RunFolder& folder, CheckList& checks)
{
    Row row("artifact.size", group::integrity, artifact.path, "Size of the artifact");
    row.issuer(std::to_string(artifact.size) + " bytes").how("asked of the file system");
    try {
        const std::uint64_t size = folder.open(artifact.path).size();
        checks.add(row.recomputed(std::to_string(size) + " bytes").passedIf(size == artifact.size, otherSize));
    } catch (const Error& error) {
        checks.add(row.failed(error.what()));
    }
}

bool readNamed(const ArtifactDigest& artifact, const ArchiveReading& reading, Row form, const BlockContext& block,
               CheckList& checks, const RunContext& context)
{
    const std::optional<OpenFile> file = openNamed(artifact, block, checks, context);
    if (!file)
        return false;
    try {
        const auto archive =
            artifact::openForeignArchive(file->descriptor(), artifact.path, block.options.childProgram);
        if (reading.requireLayout)
            reading.requireLayout(*archive);
        MemoryArchive memory(*archive, context);
        compareDigests(artifact, memory.digests(), checks);
        reading.read(memory);
        form.how("read narrowly, all finite").passedIf(true, "");
    } catch (const Error& error) {
        form.failed(error.what());
    }
    checks.add(form);
    return form.check().state == CheckState::Verified;
}

std::string additionProblem(const std::vector<ArtifactDigest>& artifacts, const std::string& archivePath,
                            const std::vector<StitchedBlock>& blocks, const std::string& does, std::int32_t layers,
                            std::size_t layerRows)
{
    if (artifacts.size() != 1 || artifacts[0].path != archivePath)
        return "it must name one artifact, its own folder's " + std::filesystem::path(archivePath).filename().string();
    for (const StitchedBlock& block : blocks) {
        const std::string number = std::to_string(block.block.value);
        if (block.block.value >= layers)
            return "it " + does + " block " + number + " of a model of " + std::to_string(layers) + " blocks";
        if (block.path != certificatePath(block.block))
            return "it names " + block.path + " as the certificate of block " + number;
    }
    if (static_cast<std::int32_t>(layerRows) != layers)
        return "it has rows for " + counted(static_cast<std::int64_t>(layerRows), "layer");
    return "";
}

}
