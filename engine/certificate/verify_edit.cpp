#include "engine/certificate/verify_edit.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/named_archive.h"
#include "engine/certificate/provenance.h"
#include "engine/certificate/stitch_metrics.h"
#include "engine/certificate/token_ids.h"
#include "engine/certificate/verify_edit_replay.h"
#include "engine/edit/classifier.h"
#include "engine/edit/condition.h"
#include "engine/edit/patch_check.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace blockcert::certificate {

namespace {

// A condition's name stands for one text: nothing for none, the bundled preamble for a bundled name.
std::string conditionProblem(const EditCondition& condition)
{
    if ((condition.name == "none") != condition.sha256.empty())
        return "its condition is " + condition.name + (condition.sha256.empty() ? " without" : " with") +
               " the digest of a preamble";
    for (const char* name : {"system", "few-shot"})
        if (condition.name == name && condition.sha256 != edit::bundledPreamble(name).condition.sha256)
            return "its preamble is not the bundled one of the name " + condition.name;
    return "";
}

std::string malformation(const EditCertificate& certificate)
{
    if (std::string problem =
            additionProblem(certificate.artifacts, editEffectPath(certificate.name), certificate.request.blocks,
                            "edits", certificate.subject.layers, certificate.effect.layers.size());
        !problem.empty())
        return problem;
    if (certificate.effect.blocks.size() != certificate.request.blocks.size())
        return "its local errors are not one a block";
    if (certificate.effect.heldout.size() != certificate.heldout.prompts.size())
        return "its held-out rows are not one a prompt";
    for (std::size_t q = 0; q < certificate.effect.heldout.size(); ++q)
        if (certificate.effect.heldout[q].id != certificate.heldout.prompts[q].id)
            return "its held-out row " + std::to_string(q) + " is about another prompt";
    std::vector<std::string> files;
    for (const SubjectFile& file : certificate.subject.files)
        files.push_back(file.sha256);
    std::sort(files.begin(), files.end());
    if (certificate.request.patch.modelSha256 != files)
        return "its patch is for another model";
    for (const PromptStatement& prompt : certificate.heldout.prompts)
        if (prompt.truncatedTokens != 0)
            return "its held-out prompt " + prompt.id + " lost its end";
    if (const std::string problem = conditionProblem(certificate.request.condition); !problem.empty())
        return problem;
    if (!certificate.unchangedAtOne)
        return "its native path without the edit was not the baseline";
    return "";
}

std::string contradiction(const EditCertificate& certificate, const RunManifest& manifest)
{
    if (certificate.baselineDtype != manifest.request.baselineDtype)
        return "the baseline's dtype";
    if (certificate.subject != manifest.subject)
        return "the model";
    if (certificate.prompts != statementOf(manifest.prompts))
        return "the prompts";
    if (certificate.rows.size() != manifest.prompts.prompts.size())
        return "the number of completions";
    for (std::size_t p = 0; p < certificate.rows.size(); ++p)
        if (certificate.rows[p].id != manifest.prompts.prompts[p].id ||
            certificate.rows[p].label != manifest.prompts.prompts[p].label)
            return "the id or label of prompt " + std::to_string(p);
    return "";
}

bool sameButForExp(EditEffect a, EditEffect b)
{
    const bool same = samePerplexities(a.perplexity, b.perplexity);
    a.perplexity.reset();
    b.perplexity.reset();
    return same && a == b;
}

std::string finalText(const EditEffect& effect)
{
    return "final deviation " + exactText(effect.finalPre.largest) + " before the norm, " +
           exactText(effect.finalPost.largest) + " after it";
}

std::string accuracyText(const RefusalMetrics& metrics)
{
    const auto text = [](const Proportion& proportion) {
        return std::to_string(proportion.share.covered) + "/" + std::to_string(proportion.share.total);
    };
    return "answer " + text(metrics.answer) + ", refuse " + text(metrics.refuse);
}

class EditVerifier {
public:
    EditVerifier(const EditCertificate& certificate, BlockContext& block, CheckList& checks, const RunContext& context)
        : m_certificate(certificate)
        , m_where(editText(certificate))
        , m_block(block)
        , m_level(block.options.level)
        , m_checks(checks)
        , m_context(context)
    {
    }

    EditOutcome run()
    {
        EditOutcome outcome;
        outcome.certificate = &m_certificate;
        checkStatements();
        checkBlocks();
        checkEvaluation();
        if (m_checks.failed("consistency.edit", m_where) || m_level < 1)
            return outcome;
        outcome.columns = readEffectFile();
        if (!outcome.columns) {
            if (m_level >= 2)
                m_checks.add(row("edit.error", group::reEvaluation, "Local error of the edit")
                                 .notChecked("Nothing of this edit was recomputed: effect.h5 is not what the "
                                             "certificate says."));
            return outcome;
        }
        checkTokens(*outcome.columns);
        if (m_level >= 2) {
            checkNumbers(*outcome.columns);
            checkEditReplay(m_certificate, *outcome.columns, m_block, m_checks, m_context);
        }
        noteUnchecked();
        return outcome;
    }

private:
    Row row(const char* id, std::string_view groupName, const char* title) const
    {
        return {id, groupName, m_where, title};
    }

    void checkStatements()
    {
        m_checks.add(selfRow("consistency.edit", m_where, malformation(m_certificate)));
        m_checks.add(manifestRow(m_where, contradiction(m_certificate, m_block.contents.run.manifest)));
        // The issuer may choose the dtype, so a wider tolerance is no failure: it is said.
        m_checks.add(row("edit.tolerance", group::consistency, "Comparison tolerance ρ of the local error")
                         .issuer(std::string(nameOf(m_certificate.request.replayDtype)) + " replay")
                         .recomputed(exactText(comparisonTolerance(m_certificate)))
                         .how("by replay dtype")
                         .passedIf(true, ""));
        if (!m_certificate.heldout.bundled)
            return;
        const std::string problem = bundledSetProblem(m_certificate.heldout);
        m_checks.add(row("edit.heldout", group::provenance, "Held-out prompts as bundled with this program")
                         .issuer(m_certificate.heldout.sha256)
                         .how("compared by digest and by text")
                         .passedIf(problem.empty(), problem));
    }

    void checkBlocks()
    {
        std::string problem;
        for (const StitchedBlock& block : m_certificate.request.blocks) {
            const auto listed = m_block.contents.sums.find(block.path);
            const Certificate* certificate = certificateOf(m_block.contents, block.block);
            if (listed == m_block.contents.sums.end() || certificate == nullptr)
                problem = "The run has no certificate of block " + std::to_string(block.block.value) + ".";
            else if (listed->second != block.sha256)
                problem = "The certificate of block " + std::to_string(block.block.value) +
                          " is not the one that the edit was made with.";
            else if (!certificate->request.isExactCopy() || certificate->request.weights != WeightOrigin::Baseline)
                problem = "The surrogate of block " + std::to_string(block.block.value) +
                          " is not an exact copy of the baseline's block.";
        }
        m_checks.add(row("edit.blocks", group::consistency, "Certificates of the edited blocks")
                         .issuer(counted(static_cast<std::int64_t>(m_certificate.request.blocks.size()), "digest"))
                         .how("compared by digest")
                         .passedIf(problem.empty(), problem));
    }

    // The classifier runs again on the recorded texts, the counting on what it says and on the human labels.
    void checkEvaluation()
    {
        const MarkerLists& lists = m_certificate.markers;
        const RefusalMetrics before = edit::measureRefusals(m_certificate.rows, edit::Side::Before, lists);
        const RefusalMetrics after = edit::measureRefusals(m_certificate.rows, edit::Side::After, lists);
        const bool same = before == m_certificate.before && after == m_certificate.after;
        m_checks.add(row("edit.evaluation", group::reEvaluation, "Answers judged again, accuracies and intervals")
                         .issuer(accuracyText(m_certificate.before) + " → " + accuracyText(m_certificate.after))
                         .recomputed(accuracyText(before) + " → " + accuracyText(after))
                         .how("classifier run on the recorded texts")
                         .passedIf(same, "The certificate's counts are not what its texts, labels and markers give."));
        if (m_certificate.human || edit::measureLabels(m_certificate.rows))
            m_checks.add(row("edit.labels", group::reEvaluation, "Metrics of the human labels")
                             .how("counted again")
                             .note(m_certificate.labelsBound
                                       ? "The labels' file named each text by its digest, the issuer says; whoever has "
                                         "that file can compare."
                                       : "Nothing binds the labels to the texts.")
                             .passedIf(edit::measureLabels(m_certificate.rows) == m_certificate.human,
                                       "The metrics are not what the recorded labels give."));
        Row markers = row("edit.markers", group::consistency, "Marker lists");
        const MarkerLists bundled = edit::bundledMarkers();
        markers.issuer(lists.name + " " + lists.version);
        if (lists.sha256 == bundled.sha256)
            m_checks.add(markers.how("compared with the bundled lists")
                             .passedIf(lists == bundled, "The lists are not the bundled ones whose digest they bear."));
        else
            m_checks.add(markers.optional().notChecked(
                "The lists are the issuer's own and stand in the certificate; whether they fit the question is for a "
                "reader to judge."));
    }

    std::optional<EditColumns> readEffectFile()
    {
        const ArtifactDigest& artifact = m_certificate.artifacts[0];
        std::optional<EditColumns> columns;
        const auto read = [&](artifact::ArchiveReader& archive) {
            columns = readEffect(archive, editShapeOf(m_certificate));
        };
        const Row form("structure.effect", group::integrity, artifact.path, "Form of the edit's numbers");
        readNamed(artifact, {{}, read}, form, m_block, m_checks, m_context);
        return columns;
    }

    void checkTokens(const EditColumns& columns)
    {
        const std::string own = tokenIdsDigest(columns.offset, columns.tokenId);
        const std::string heldout = tokenIdsDigest(columns.heldoutOffset, columns.heldoutTokenId);
        bool ends = true;
        for (std::size_t p = 0; p < m_certificate.rows.size(); ++p)
            ends = ends && lengthFits(columns.before, p) && lengthFits(columns.after, p) &&
                   static_cast<std::int32_t>(m_certificate.rows[p].before.end) == columns.before.end[p] &&
                   static_cast<std::int32_t>(m_certificate.rows[p].after.end) == columns.after.end[p];
        m_checks.add(row("consistency.tokens", group::consistency, "Token ids of prompts, held-out prompts, endings")
                         .issuer(m_certificate.prompts.tokenIdsSha256)
                         .recomputed(own)
                         .how("re-hashed; endings compared with effect.h5")
                         .passedIf(own == m_certificate.prompts.tokenIdsSha256 &&
                                       heldout == m_certificate.heldout.tokenIdsSha256 && ends,
                                   "The recorded token ids or endings are not those of the certificate."));
    }

    // A completion that was cut off for its length has that length, and no other is longer.
    [[nodiscard]] bool lengthFits(const CompletionColumns& completions, std::size_t p) const
    {
        const std::int64_t length = completions.offset[p + 1] - completions.offset[p];
        const auto end = static_cast<CompletionEnd>(completions.end[p]);
        return end == CompletionEnd::Length     ? length == m_certificate.request.maxNew
               : end == CompletionEnd::NeverRan ? length == 0
                                                : length > 0 && length <= m_certificate.request.maxNew;
    }

    void checkNumbers(const EditColumns& columns)
    {
        std::vector<LayerIndex> blocks;
        for (const StitchedBlock& block : m_certificate.request.blocks)
            blocks.push_back(block.block);
        std::vector<std::string> ids;
        for (const PromptStatement& prompt : m_certificate.heldout.prompts)
            ids.push_back(prompt.id);
        const EditEffect found = measureEdit(columns, blocks, ids);
        m_checks.add(row("edit.effect", group::reEvaluation, "Errors, deviations, losses and divergences summed up")
                         .issuer(finalText(m_certificate.effect))
                         .recomputed(finalText(found))
                         .how("arithmetic on the recorded per-token numbers")
                         .passedIf(sameButForExp(m_certificate.effect, found),
                                   "The certificate's numbers do not follow from those in effect.h5."));
        const auto first = static_cast<std::size_t>(blocks.front().value) * columns.tokenId.size();
        const bool plausible =
            std::all_of(columns.deviation.begin(), columns.deviation.begin() + static_cast<std::ptrdiff_t>(first),
                        [](double value) { return value == 0; });
        m_checks.add(row("edit.plausible", group::reEvaluation, "No deviation before the first edited block")
                         .how("compared")
                         .passedIf(plausible, "The streams differ before the first edited block."));
        m_checks.add(row("edit.changes", group::reEvaluation, "The edit changes something that was measured")
                         .how("states, losses and completions compared, with and without the edit")
                         .passedIf(hasEffect(columns), "No recorded state, loss or completion differs: there is no "
                                                       "certificate for an edit that changes nothing."));
    }

    void noteUnchecked()
    {
        if (m_level < 4)
            m_checks.add(
                row("edit.inputs", group::reEvaluation, "Deviations, losses and completions of the edited model")
                    .optional()
                    .how("level 4")
                    .notChecked("They need the model: verify at level 4 with --model."));
    }

    const EditCertificate& m_certificate;
    std::string m_where;
    BlockContext& m_block;
    int m_level;
    CheckList& m_checks;
    const RunContext& m_context;
};

}

EditOutcome verifyEdit(const EditCertificate& certificate, BlockContext& block, CheckList& checks,
                       const RunContext& context)
{
    return EditVerifier(certificate, block, checks, context).run();
}

double comparisonTolerance(const EditCertificate& certificate)
{
    return certificate.request.replayDtype == DType::F64 ? 1e-10 : 1e-5;
}

std::string editText(const EditCertificate& certificate)
{
    return "edit " + certificate.name;
}

}
