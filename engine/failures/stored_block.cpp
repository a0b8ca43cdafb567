#include "engine/failures/stored_block.h"

#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/memory_archive.h"
#include "engine/certificate/run_layout.h"
#include "engine/ir/block_ir_codec.h"

#include <algorithm>

namespace blockcert::failures {

namespace {

using certificate::OpenFile;
using certificate::RunFolder;

// Hashed before HDF5 sees it.
OpenFile openArtifact(const RunFolder& folder, const Certificate& certificate, const std::string& path,
                      const RunContext& context)
{
    OpenFile file = folder.open(path);
    const auto named = std::ranges::find(certificate.artifacts, path, &ArtifactDigest::path);
    if (named == certificate.artifacts.end() || sha256OfDescriptor(file.descriptor(), context) != named->sha256)
        throw FormatError(path + " is not the file that its certificate names; blockcert verify says more.");
    return file;
}

}

certificate::RunDocument readRun(const RunFolder& folder)
{
    const std::string name(certificate::manifestName);
    if (!folder.exists(name))
        throw FileError(folder.path().string() + " is no run directory: it holds no run.json.");
    return certificate::runFromJson(
        certificate::parseDocument(folder.readText(name, certificate::largestDocument), name), name);
}

std::vector<Certificate> readCertificates(const RunFolder& folder, const certificate::RunDocument& run)
{
    std::vector<Certificate> certificates;
    for (const LayerIndex block : run.state.finished) {
        const std::string path = certificate::certificatePath(block);
        certificates.push_back(certificate::certificateFromJson(
            certificate::parseDocument(folder.readText(path, certificate::largestDocument), path), path));
        if (certificates.back().block != block)
            throw FormatError(path + " is about block " + std::to_string(certificates.back().block.value) + ".");
    }
    return certificates;
}

certificate::ProbeReader openProbes(const RunFolder& folder, const Certificate& certificate,
                                    const std::filesystem::path& childProgram, const RunContext& context)
{
    const std::string path = certificate::probesPath(certificate.block);
    const OpenFile file = openArtifact(folder, certificate, path, context);
    return {artifact::openForeignArchive(file.descriptor(), path, childProgram), certificate::probeShapeOf(certificate),
            certificate.block};
}

ir::BlockIr readSurrogate(const RunFolder& folder, const Certificate& certificate,
                          const std::filesystem::path& childProgram, certificate::WeightSource& weights,
                          const RunContext& context)
{
    const std::string path = certificate::irPath(certificate.block);
    const OpenFile file = openArtifact(folder, certificate, path, context);
    const auto archive = artifact::openForeignArchive(file.descriptor(), path, childProgram);
    certificate::MemoryArchive memory(*archive, context);
    ir::BlockIr block = ir::readBlockIr(memory, path);
    ir::validate(block.program);
    for (const auto& [name, weight] : block.program.weights)
        if (weight.reference && !weights.load(*weight.reference, block.weights[name], context))
            throw UsageError("The weights of block " + std::to_string(certificate.block.value) +
                             " were not found: " + weights.problem() + "; name the model with --model.");
    if (const std::vector<std::string> wrong = ir::wrongWeights(block); !wrong.empty())
        throw FormatError(path + ": the weight " + wrong.front() + " does not have the digest that the program names.");
    return block;
}

}
