// Adds an edit to a finished run, so that a kill at any moment leaves the run as it was or with the new files.
#pragma once

#include "engine/certificate/edit_metrics.h"
#include "engine/values/edit_certificate.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace blockcert::certificate {

class RunAddition;

// Not thread-safe. One process at a time: the run's lock is held while open (UsageError if it is taken).
class EditWriter {
public:
    // Throws UsageError if the run is unfinished.
    explicit EditWriter(const std::filesystem::path& run);
    ~EditWriter();
    EditWriter(EditWriter&&) noexcept;
    EditWriter& operator=(EditWriter&&) noexcept;

    // The edit of this name, if it is there, whole, and answers this very request (it is then listed in SHA256SUMS,
    // should a kill have kept it from that). UsageError if the name is taken by another request.
    [[nodiscard]] std::optional<EditCertificate> existing(const std::string& name, const EditRequest& request);

    // Writes effect.h5, then certificate.json, then SHA256SUMS, each atomically. `certificate` is complete but for its
    // artifacts, which are filled in here.
    void write(EditCertificate& certificate, const EditColumns& columns);

private:
    std::unique_ptr<RunAddition> m_addition;
};

// The edits of a run whose block certificates and files are still those they name; for a run whose list is made anew.
[[nodiscard]] std::vector<std::string> intactEdits(const std::filesystem::path& run);
// Those that are whole but about block certificates that were replaced: their files stay, the run lists them no longer.
[[nodiscard]] std::vector<std::string> outdatedEdits(const std::filesystem::path& run);

}
