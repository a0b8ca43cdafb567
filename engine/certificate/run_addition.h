// Adds to a finished run one archive and the certificate that names it: what stitched models and edits have in common.
#pragma once

#include "engine/base/error.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/run_lock.h"
#include "engine/values/certificate.h"
#include "engine/values/stitch_certificate.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blockcert::artifact {
class ArchiveWriter;
}

namespace blockcert::certificate {

// Not thread-safe. One process at a time: the run's lock is held while this lives, and goes with .work.
class RunAddition {
public:
    // Throws UsageError if the run is unfinished, or if another process writes it. `verb` ends the sentence that says
    // what to do then: "…, then stitch."
    RunAddition(std::filesystem::path run, const std::string& verb);
    ~RunAddition();
    RunAddition(const RunAddition&) = delete;
    RunAddition& operator=(const RunAddition&) = delete;

    [[nodiscard]] const std::filesystem::path& run() const { return m_run; }

    // Makes SHA256SUMS list these files as they are now. Lines of other files stay as they are: what was changed since
    // is still found.
    void list(const std::vector<std::string>& paths) const;

    // Does what writes files into a folder of the run, such as "stitch/NAME". If it fails before there is a
    // certificate, nothing is left of the folder: a full disk leaves the run as it was.
    void into(const std::string& folder, const std::function<void()>& write) const;

    // Writes the archive as a whole or not at all; how a certificate names it.
    [[nodiscard]] ArtifactDigest writeArchive(const std::string& path, const std::string& role,
                                              const std::function<void(artifact::ArchiveWriter&)>& fill) const;

private:
    std::filesystem::path m_run;
    std::optional<RunLock> m_lock;
};

// The text of a run's file, or nothing if it is not there. Throws FileError.
[[nodiscard]] std::optional<std::string> textIfThere(const std::filesystem::path& run, const std::string& path);

// The certificate at `path` as fromJson(json, path) reads it; nothing if it is not there or damaged: then it is made
// again.
template <class FromJson>
[[nodiscard]] auto readAdded(const std::filesystem::path& run, const std::string& path, const FromJson& fromJson)
    -> std::optional<decltype(fromJson(Json(), path))>
{
    try {
        if (const std::optional<std::string> text = textIfThere(run, path))
            return fromJson(parseDocument(*text, path), path);
    } catch (const Error&) {
    }
    return std::nullopt;
}

// True if these are one artifact, `path`, and the file is there as it is named.
[[nodiscard]] bool isIntactArchive(const std::filesystem::path& run, const std::vector<ArtifactDigest>& artifacts,
                                   const std::string& path);
// True if the run still holds exactly these certificates of blocks.
[[nodiscard]] bool areCurrent(const std::filesystem::path& run, const std::vector<StitchedBlock>& blocks);

// The folders below `folder`, sorted, for which isWhole(name) holds.
[[nodiscard]] std::vector<std::string> additionsIn(const std::filesystem::path& folder,
                                                   const std::function<bool(const std::string& name)>& isWhole);

}
