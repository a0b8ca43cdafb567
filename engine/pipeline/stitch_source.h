// A finished run as the source of a stitched model: manifest, certificates and surrogates, each accepted by digest.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/certificate/probe_reader.h"
#include "engine/certificate/run_folder.h"
#include "engine/edit/patch_tensors.h"
#include "engine/ir/block_ir.h"
#include "engine/values/certificate.h"
#include "engine/values/patch.h"
#include "engine/values/stitch_certificate.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::pipeline {

// An edit of the run, for some of the blocks that are replaced.
struct SourceEdit {
    StitchedEdit statement;
    Patch patch;
    edit::PatchTensors tensors;
};

// Not thread-safe. Files are read as somebody else's would be.
class StitchSource {
public:
    // Throws UsageError if the run is unfinished, FormatError for a file that is not the one SHA256SUMS lists or a
    // certificate that speaks of another request, model or prompts than run.json.
    StitchSource(const std::filesystem::path& run, std::filesystem::path childProgram);

    [[nodiscard]] const RunManifest& manifest() const { return m_manifest; }

    // "all", or numbers and ranges among the blocks that have a certificate; ascending. Throws UsageError.
    [[nodiscard]] std::vector<StitchedBlock> choose(const std::string& blocks) const;

    // "NAME" or "NAME:BLOCKS": an edit of the run, for all its blocks among the chosen ones or for those named. Throws
    // UsageError for an edit that the run does not have and for blocks that it does not edit or that are not chosen,
    // FormatError for a file that is not the one SHA256SUMS lists.
    [[nodiscard]] SourceEdit edit(const std::string& text, const std::vector<StitchedBlock>& chosen,
                                  const RunContext& context) const;

    [[nodiscard]] const Certificate& certificate(LayerIndex block) const { return m_certificates.at(block); }

    // Throws FormatError unless `model` has the very files and configuration of the run.
    void requireModel(const artifact::Checkpoint& model) const;

    // The block's program with all weights, embedded or read from the model, or from `other`, the checkpoint that the
    // run's surrogates were taken from (may be null); every digest is checked.
    [[nodiscard]] ir::BlockIr surrogate(LayerIndex block, const artifact::Checkpoint& model,
                                        const artifact::Checkpoint* other, const RunContext& context) const;

    // What the run recorded of a block, its digest checked.
    [[nodiscard]] certificate::ProbeReader probes(LayerIndex block, const RunContext& context) const;

private:
    // Throws FormatError unless the file is the one that SHA256SUMS and `stated` name.
    [[nodiscard]] certificate::OpenFile openArtifact(const ArtifactDigest& stated, const std::string& path,
                                                     const RunContext& context) const;
    [[nodiscard]] std::string readListed(const std::string& path) const;

    certificate::RunFolder m_folder;
    std::filesystem::path m_childProgram;
    std::map<std::string, std::string> m_sums; // path -> digest
    RunManifest m_manifest;
    std::map<LayerIndex, Certificate> m_certificates;
};

}
