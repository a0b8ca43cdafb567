// Adds a stitched model to a finished run, so that a kill at any moment leaves the run as it was or with the new files.
#pragma once

#include "engine/certificate/stitch_metrics.h"
#include "engine/values/stitch_certificate.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace blockcert::certificate {

class RunAddition;

// Not thread-safe. One process at a time: the run's lock is held while open (UsageError if it is taken).
class StitchWriter {
public:
    // Throws UsageError if the run is unfinished.
    explicit StitchWriter(const std::filesystem::path& run);
    ~StitchWriter();
    StitchWriter(StitchWriter&&) noexcept;
    StitchWriter& operator=(StitchWriter&&) noexcept;

    // The stitched model of this name, if it is there, whole, and answers this very request (it is then listed in
    // SHA256SUMS, should a kill have kept it from that). UsageError if the name is taken by another request on the run
    // as it is.
    [[nodiscard]] std::optional<StitchCertificate> existing(const std::string& name, const StitchRequest& request);

    // Writes replay.h5, then certificate.json, then SHA256SUMS, each atomically. `certificate` is complete but for its
    // artifacts, which are filled in here.
    void write(StitchCertificate& certificate, const StitchColumns& columns);

private:
    std::unique_ptr<RunAddition> m_addition;
};

// The stitched models of a run whose block certificates and files are still those they name; for a run whose list is
// made anew.
[[nodiscard]] std::vector<std::string> intactStitches(const std::filesystem::path& run);
// Those that are whole but about block certificates that were replaced, since the run gained prompts: their files stay,
// the run lists them no longer, and a new one may take the name.
[[nodiscard]] std::vector<std::string> outdatedStitches(const std::filesystem::path& run);

}
