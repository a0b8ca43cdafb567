// A copy of an honest run that a test may forge, as thoroughly as somebody who can rewrite every file could.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/verify.h"
#include "engine/values/host_tensor.h"
#include "tests/support/temporary_folder.h"

#include <filesystem>
#include <functional>
#include <set>
#include <string>

namespace blockcert::certificate {

class TamperedRun {
public:
    explicit TamperedRun(const std::filesystem::path& original);

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

    [[nodiscard]] std::string text(const std::string& file) const;
    void setText(const std::string& file, const std::string& text);
    [[nodiscard]] Json json(const std::string& file) const;
    void setJson(const std::string& file, const Json& json);

    // SHA256SUMS made anew over the files it lists that are still there.
    void resum();
    // The certificate of a block made to name its artifacts as they now are, then resum().
    void reseal(const std::string& blockFolder);
    // The same, but for the digests of the tensors inside: only the files' own.
    void resealFilesOnly(const std::string& blockFolder);

    // Rewrites an archive with one tensor changed, with equal names, order and types.
    void changeTensor(const std::string& archive, const std::string& name,
                      const std::function<void(HostTensor&)>& change);

    [[nodiscard]] Verdict verify(int level = 3) const;

private:
    void nameArtifacts(const std::string& blockFolder, bool tensors);

    testing_support::TemporaryFolder m_folder;
    std::filesystem::path m_path;
};

// Ids of the failed rows.
[[nodiscard]] std::set<std::string> failedIds(const Verdict& verdict);
// Rows that are not Verified, for messages.
[[nodiscard]] std::string problemsOf(const Verdict& verdict);

}
