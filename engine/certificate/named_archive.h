// Opens and reads the archives that a certificate names, and says in rows whether they are the ones it names.
#pragma once

#include "engine/artifact/tensor_archive.h"
#include "engine/certificate/check_list.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/verify_block.h"
#include "engine/values/certificate.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::certificate {

// Opened once, and only if its size and SHA-256 are the certificate's: HDF5 never sees another file. Rows
// artifact.sha256 and sums.sha256.
[[nodiscard]] std::optional<OpenFile> openNamed(const ArtifactDigest& artifact, const BlockContext& block,
                                                CheckList& checks, const RunContext& context);

// Row artifact.size: the file is there, and as long as the certificate says. All that level 0 looks at.
void checkSize(const ArtifactDigest& artifact, const RunFolder& folder, CheckList& checks);

// What a reader of an archive's form and contents does; either may throw Error.
struct ArchiveReading {
    std::function<void(const artifact::ArchiveReader&)> requireLayout; // before anything is read; may be empty
    std::function<void(artifact::ArchiveReader&)> read;                // of the tensors whose digests were compared
};

// Opens and reads the one archive of a stitched model or an edit: openNamed, then the row tensor.sha256 and `form`,
// which fails with what the reading throws. True if all was read.
bool readNamed(const ArtifactDigest& artifact, const ArchiveReading& reading, Row form, const BlockContext& block,
               CheckList& checks, const RunContext& context);

// What is wrong in the parts that certificates of stitched models and of edits share: the one archive, the blocks, and
// the layers that have rows; empty if nothing is. `does` says what is done to a block: "replaces".
[[nodiscard]] std::string additionProblem(const std::vector<ArtifactDigest>& artifacts, const std::string& archivePath,
                                          const std::vector<StitchedBlock>& blocks, const std::string& does,
                                          std::int32_t layers, std::size_t layerRows);

}
