#include "engine/certificate/run_contents.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/stitch_codec.h"
#include "engine/certificate/stitch_layout.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace blockcert::certificate {

namespace {

constexpr std::size_t mostListed = 100'000;

// The block a listed certificate belongs to, if `path` is one.
std::optional<LayerIndex> blockOf(const std::string& path)
{
    constexpr std::string_view prefix = "block_";
    std::int32_t block = -1;
    if (!path.starts_with(prefix))
        return std::nullopt;
    std::from_chars(path.data() + prefix.size(), path.data() + path.size(), block);
    if (block < 0 || block > 1023 || path != certificatePath({block}))
        return std::nullopt;
    return LayerIndex{block};
}

class Reader {
public:
    Reader(const RunFolder& folder, const Selection& selection, int level, CheckList& checks, const RunContext& context)
        : m_folder(folder)
        , m_selection(selection)
        , m_level(level)
        , m_checks(checks)
        , m_context(context)
    {
    }

    RunContents read()
    {
        if (!m_folder.exists(manifestName))
            throw FormatError(m_folder.path().string() + " is not a run: it holds no run.json.");
        if (!m_folder.exists(sumsName)) {
            readUnfinished();
            return std::move(m_contents);
        }
        if (!readSumsFile())
            return std::move(m_contents);
        if (!readManifest())
            return std::move(m_contents);
        m_contents.readable = true;
        if (m_selection.stitch && !m_contents.sums.contains(stitchCertificatePath(*m_selection.stitch)))
            m_checks.add(
                Row("sums.covers", group::integrity, stitchCertificatePath(*m_selection.stitch), "Listed in SHA256SUMS")
                    .failed("SHA256SUMS does not list this certificate, so it is no part of the run."));
        for (const auto& [path, digest] : m_contents.sums)
            if (const auto name = stitchNamed(path); name && isWanted(*name))
                readStitch(*name);
        if (m_selection.edit && !m_contents.sums.contains(editCertificatePath(*m_selection.edit)))
            m_checks.add(
                Row("sums.covers", group::integrity, editCertificatePath(*m_selection.edit), "Listed in SHA256SUMS")
                    .failed("SHA256SUMS does not list this certificate, so it is no part of the run."));
        for (const auto& [path, digest] : m_contents.sums)
            if (const auto name = editNamed(path); name && isWantedEdit(*name))
                readEdit(*name);
        for (const auto& [path, digest] : m_contents.sums)
            if (const auto block = blockOf(path); block && isWanted(*block))
                readCertificate(*block);
        std::sort(m_contents.certificates.begin(), m_contents.certificates.end(),
                  [](const Certificate& a, const Certificate& b) { return a.block < b.block; });
        hashOthers();
        reportUnlisted();
        return std::move(m_contents);
    }

private:
    [[nodiscard]] bool isWanted(LayerIndex block) const
    {
        if (!m_selection.stitch && !m_selection.edit)
            return !m_selection.block || *m_selection.block == block;
        const auto names = [block](const auto& certificate) { return contains(certificate.request.blocks, block); };
        return std::ranges::any_of(m_contents.edits, names) || std::ranges::any_of(m_contents.stitches, names);
    }

    [[nodiscard]] bool isWanted(const std::string& stitch) const
    {
        return m_selection.stitch ? *m_selection.stitch == stitch : m_selection.isWhole();
    }

    [[nodiscard]] bool isWantedEdit(const std::string& edit) const
    {
        if (m_selection.edit)
            return *m_selection.edit == edit;
        return m_selection.isWhole() || std::any_of(m_contents.stitches.begin(), m_contents.stitches.end(),
                                                    [&](const StitchCertificate& stitch) {
                                                        return stitch.request.edit && stitch.request.edit->name == edit;
                                                    });
    }

    // SHA256SUMS is written last: without it the run is unfinished, or somebody took it away.
    void readUnfinished()
    {
        const std::string text = m_folder.readText(manifestName, largestDocument);
        m_contents.run = runFromJson(parseDocument(text, manifestName), manifestName);
        Row row(m_contents.run.state.complete ? "sums.missing" : "structure.sums", group::integrity,
                std::string(sumsName), "The list of all files");
        if (m_contents.run.state.complete)
            row.failed(
                "The run says that it is complete, but SHA256SUMS is missing, so nothing says which files it had.");
        else
            row.notChecked("The run is unfinished: continue it with blockcert certify … --resume, then verify.");
        m_checks.add(row);
    }

    bool readSumsFile()
    {
        Row row("structure.sums", group::integrity, std::string(sumsName), "The list of all files");
        try {
            const std::string text = m_folder.readText(sumsName, largestDocument);
            m_contents.digest = sha256Of(text);
            for (SumLine& line : readSums(text))
                m_contents.sums.emplace(std::move(line.path), std::move(line.sha256));
            row.how("read, " + counted(static_cast<std::int64_t>(m_contents.sums.size()), "file")).passedIf(true, "");
        } catch (const Error& error) {
            row.failed(error.what());
        }
        m_checks.add(row);
        return row.check().state == CheckState::Verified;
    }

    // The text of a listed JSON file, hashed; nothing if it cannot be read (which is then a row).
    std::optional<std::string> readListed(const std::string& path)
    {
        try {
            std::string text = m_folder.readText(path, largestDocument);
            if (m_level >= 1 && m_contents.sums.contains(path))
                addSumRow(m_contents, path, sha256Of(text), m_checks);
            return text;
        } catch (const FileError& error) {
            m_checks.add(Row("sums.sha256", group::integrity, path, "File digest").failed(error.what()));
        }
        return std::nullopt;
    }

    bool readManifest()
    {
        const std::string path(manifestName);
        if (!m_contents.sums.contains(path))
            m_checks.add(Row("sums.covers", group::integrity, path, "Listed in SHA256SUMS")
                             .failed("SHA256SUMS does not list run.json."));
        const std::optional<std::string> text = readListed(path);
        if (!text)
            return false;
        Row row("structure.run", group::integrity, path, "Form of run.json");
        try {
            m_contents.run = runFromJson(parseDocument(*text, path), path);
            row.how("read strictly").passedIf(true, "");
            m_checks.add(Row("consistency.complete", group::consistency, path, "The run is complete")
                             .how("read")
                             .passedIf(m_contents.run.state.complete,
                                       "There is a SHA256SUMS, but run.json says that the run is not complete."));
        } catch (const Error& error) {
            // A changed file is a failed check; a file that is what the issuer wrote, and yet no run, is not a run.
            if (!m_checks.failed("sums.sha256", path))
                throw;
            row.failed(error.what());
            m_checks.add(row);
            return false;
        }
        m_checks.add(row);
        return true;
    }

    // Reads one listed certificate; what is not a certificate of this version becomes a row.
    template <class Take>
    void readForm(const std::string& path, const char* id, const char* title, const Take& take)
    {
        m_context.step();
        const std::optional<std::string> text = readListed(path);
        if (!text)
            return;
        Row row(id, group::integrity, path, title);
        try {
            take(parseDocument(*text, path));
            row.how("read strictly").passedIf(true, "");
        } catch (const UnsupportedError& error) {
            if (!m_checks.failed("sums.sha256", path))
                throw;
            row.failed(error.what());
        } catch (const Error& error) {
            row.failed(error.what());
        }
        m_checks.add(row);
    }

    void readCertificate(LayerIndex block)
    {
        const std::string path = certificatePath(block);
        readForm(path, "structure.certificate", "Form of the certificate", [&](const Json& json) {
            Certificate certificate = certificateFromJson(json, path);
            if (certificate.block == block)
                m_contents.certificates.push_back(std::move(certificate));
            else
                m_checks.add(
                    Row("consistency.folder", group::consistency, path, "The certificate is about this folder's block")
                        .failed("It is about block " + std::to_string(certificate.block.value) + "."));
        });
    }

    void readStitch(const std::string& name)
    {
        const std::string path = stitchCertificatePath(name);
        readForm(path, "structure.stitch", "Form of the stitched certificate", [&](const Json& json) {
            StitchCertificate certificate = stitchFromJson(json, path);
            if (certificate.name == name)
                m_contents.stitches.push_back(std::move(certificate));
            else
                m_checks.add(Row("consistency.folder", group::consistency, path,
                                 "The certificate is about this folder's stitched model")
                                 .failed("It calls itself \"" + certificate.name + "\"."));
        });
    }

    void readEdit(const std::string& name)
    {
        const std::string path = editCertificatePath(name);
        readForm(path, "structure.edit", "Form of the edit certificate", [&](const Json& json) {
            EditCertificate certificate;
            try {
                certificate = editFromJson(json, path);
            } catch (const Error& error) { // the form is right and a judgement is not: that was recomputed
                if (error.exitCode() != ExitCode::CheckFailed)
                    throw;
                m_checks.add(Row("edit.judgements", group::reEvaluation, path, "Judgements of the recorded texts")
                                 .how("classifier run on the recorded texts")
                                 .failed(error.what()));
                return;
            }
            if (certificate.name == name)
                m_contents.edits.push_back(std::move(certificate));
            else
                m_checks.add(
                    Row("consistency.folder", group::consistency, path, "The certificate is about this folder's edit")
                        .failed("It calls itself \"" + certificate.name + "\"."));
        });
    }

    // A certificate whose turn came, whatever became of it.
    [[nodiscard]] bool wasRead(const std::string& path) const
    {
        if (const auto block = blockOf(path))
            return isWanted(*block);
        if (const auto edit = editNamed(path))
            return isWantedEdit(*edit);
        const auto stitch = stitchNamed(path);
        return stitch && isWanted(*stitch);
    }

    // Listed files that are none of ours to read still have to be the listed ones.
    void hashOthers()
    {
        std::int64_t left = 0;
        std::set<std::string> later; // artifacts are hashed when their block's turn comes
        for (const Certificate& certificate : m_contents.certificates)
            later.insert({irPath(certificate.block), probesPath(certificate.block)});
        for (const StitchCertificate& stitch : m_contents.stitches)
            later.insert(stitchReplayPath(stitch.name));
        for (const EditCertificate& edit : m_contents.edits)
            later.insert(editEffectPath(edit.name));
        for (const auto& [path, digest] : m_contents.sums) {
            if (path == manifestName || wasRead(path) || later.contains(path))
                continue;
            if (!m_selection.isWhole() || m_level < 1) {
                ++left;
                continue;
            }
            Row row("sums.sha256", group::integrity, path, "File digest");
            try {
                const OpenFile file = m_folder.open(path);
                addSumRow(m_contents, path, sha256OfDescriptor(file.descriptor(), m_context), m_checks);
            } catch (const Error& error) {
                m_checks.add(row.failed(error.what()));
            }
        }
        if (left > 0 && !m_selection.isWhole())
            m_checks.add(
                Row("sums.others", group::integrity, "", "Files of the rest of the run")
                    .optional()
                    .notChecked(counted(left, "file") + " of the run beside this certificate's were not looked at."));
    }

    void reportUnlisted()
    {
        std::vector<std::string> unlisted;
        for (const std::string& path : m_folder.list(mostListed))
            if (path != sumsName && !m_contents.sums.contains(path))
                unlisted.push_back(path);
        if (unlisted.empty())
            return;
        std::string names;
        for (std::size_t i = 0; i < unlisted.size() && i < 10; ++i)
            names += (i == 0 ? "" : ", ") + unlisted[i];
        m_checks.add(Row("sums.unlisted", group::integrity, "", "Files that SHA256SUMS does not list")
                         .optional()
                         .notChecked(counted(static_cast<std::int64_t>(unlisted.size()), "file") +
                                     " outside every claim, not read: " + names + "."));
    }

    const RunFolder& m_folder;
    Selection m_selection;
    int m_level;
    CheckList& m_checks;
    const RunContext& m_context;
    RunContents m_contents;
};

}

RunContents readContents(const RunFolder& folder, const Selection& selection, int level, CheckList& checks,
                         const RunContext& context)
{
    return Reader(folder, selection, level, checks, context).read();
}

const Certificate* certificateOf(const RunContents& contents, LayerIndex block)
{
    const auto found = std::find_if(contents.certificates.begin(), contents.certificates.end(),
                                    [&](const Certificate& certificate) { return certificate.block == block; });
    return found == contents.certificates.end() ? nullptr : &*found;
}

const EditCertificate* editOf(const RunContents& contents, std::string_view name)
{
    const auto found = std::find_if(contents.edits.begin(), contents.edits.end(),
                                    [&](const EditCertificate& certificate) { return certificate.name == name; });
    return found == contents.edits.end() ? nullptr : &*found;
}

void addSumRow(const RunContents& contents, const std::string& path, const std::string& recomputed, CheckList& checks)
{
    const auto listed = contents.sums.find(path);
    Row row("sums.sha256", group::integrity, path, "File digest");
    row.how("re-hashed").recomputed(recomputed);
    if (listed == contents.sums.end())
        row.failed("SHA256SUMS does not list this file.");
    else
        row.issuer(listed->second)
            .passedIf(listed->second == recomputed, "The file is not the one that SHA256SUMS lists.");
    checks.add(row);
}

}
