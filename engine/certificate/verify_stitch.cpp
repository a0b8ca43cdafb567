#include "engine/certificate/verify_stitch.h"

#include "engine/certificate/edit_layout.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/named_archive.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/certificate/token_ids.h"

#include <algorithm>
#include <cmath>

namespace blockcert::certificate {

namespace {

// The first thing that is not as a stitched certificate of this version must be; empty if all is.
std::string malformation(const StitchCertificate& certificate)
{
    const auto& blocks = certificate.request.blocks;
    if (std::string problem =
            additionProblem(certificate.artifacts, stitchReplayPath(certificate.name), blocks, "replaces",
                            certificate.subject.layers, certificate.metrics.layers.size());
        !problem.empty())
        return problem;
    if (const auto& edit = certificate.request.edit) {
        if (!isStitchName(edit->name) || edit->path != editCertificatePath(edit->name))
            return "it names " + edit->path + " as the certificate of its edit";
        for (const LayerIndex block : edit->blocks)
            if (!contains(blocks, block))
                return "it edits block " + std::to_string(block.value) + ", which it does not replace";
    }
    const auto& prompts = certificate.prompts.prompts;
    if (certificate.metrics.prompts.size() != prompts.size())
        return "it has " + std::to_string(certificate.metrics.prompts.size()) + " rows for " +
               counted(static_cast<std::int64_t>(prompts.size()), "prompt");
    for (std::size_t p = 0; p < prompts.size(); ++p)
        if (certificate.metrics.prompts[p].id != prompts[p].id ||
            certificate.metrics.prompts[p].tokens != prompts[p].tokens)
            return "its row " + std::to_string(p) + " is not about prompt " + std::to_string(p);
    for (const Bisection& bisection : certificate.bisections) {
        const bool sameBlocks =
            std::equal(bisection.rows.begin(), bisection.rows.end(), blocks.begin(), blocks.end(),
                       [](const BisectRow& a, const StitchedBlock& b) { return a.block == b.block; });
        const auto prompt = static_cast<std::size_t>(bisection.at.prompt.value);
        if (!sameBlocks || prompt >= prompts.size() || bisection.at.token >= prompts[prompt].tokens)
            return "its bisection is about other blocks or a token that is not there";
    }
    return "";
}

std::string contradiction(const StitchCertificate& certificate, const RunManifest& manifest)
{
    if (certificate.baselineDtype != manifest.request.baselineDtype)
        return "the baseline's dtype";
    if (certificate.policy != manifest.request.policy)
        return "the policy";
    if (certificate.subject != manifest.subject)
        return "the model";
    if (certificate.prompts != statementOf(manifest.prompts))
        return "the prompts";
    return "";
}

bool sameButForExp(StitchPromptMetrics a, StitchPromptMetrics b)
{
    const bool same = samePerplexities(a.perplexity, b.perplexity);
    a.perplexity.reset();
    b.perplexity.reset();
    return same && a == b;
}

std::string textOf(const std::optional<Perplexities>& perplexity)
{
    return perplexity ? exactText(perplexity->baseline) + ", " + exactText(perplexity->stitched) : "none";
}

std::string textOf(const LossCoverage& loss)
{
    return loss.value ? exactText(*loss.value) : loss.why;
}

std::string textOf(const Fraction& fraction)
{
    return std::to_string(fraction.covered) + " of " + std::to_string(fraction.total);
}

std::string textOf(const std::optional<SemanticAgreement>& semantic)
{
    return semantic ? textOf(semantic->agreement.share) + ", right " + textOf(semantic->baseline.share) + " and " +
                          textOf(semantic->stitched.share)
                    : "no labels";
}

class StitchVerifier {
public:
    StitchVerifier(const StitchCertificate& certificate, BlockContext& block, CheckList& checks,
                   const RunContext& context)
        : m_certificate(certificate)
        , m_where(stitchText(certificate))
        , m_block(block)
        , m_level(block.options.level)
        , m_checks(checks)
        , m_context(context)
    {
    }

    StitchOutcome run()
    {
        checkStatements();
        checkBlocks();
        checkEdit();
        StitchOutcome outcome{&m_certificate, std::nullopt};
        if (m_level < 1)
            return outcome;
        if (m_checks.failed("consistency.stitch", m_where)) {
            giveUp("its certificate is inconsistent");
            return outcome;
        }
        outcome.columns = readReplayFile();
        if (!outcome.columns) {
            giveUp("its file is not what its certificate says");
            return outcome;
        }
        checkTokens(*outcome.columns);
        if (m_level >= 2)
            checkNumbers(*outcome.columns);
        judgeStatus(m_level >= 2 ? &*outcome.columns : nullptr);
        noteUnchecked();
        return outcome;
    }

private:
    Row row(const char* id, std::string_view groupName, const char* title) const
    {
        return {id, groupName, m_where, title};
    }

    void giveUp(const std::string& why)
    {
        if (m_level >= 2)
            m_checks.add(row("stitch.residuals", group::reEvaluation, "Residuals of the stitched model")
                             .notChecked("Nothing of this stitched model was recomputed: " + why + "."));
    }

    void checkStatements()
    {
        m_checks.add(selfRow("consistency.stitch", m_where, malformation(m_certificate)));
        m_checks.add(manifestRow(m_where, contradiction(m_certificate, m_block.contents.run.manifest)));
        const auto findings = judgeStitch(m_certificate.metrics, uncertified(), m_certificate.policy);
        m_checks.add(row("consistency.status", group::consistency, "Status follows from the stated numbers and policy")
                         .issuer(statusText(m_certificate.certified, m_certificate.findings))
                         .recomputed(statusText(findings.empty(), findings))
                         .how("re-derived")
                         .passedIf(m_certificate.certified == findings.empty() && m_certificate.findings == findings,
                                   "The stated numbers, the policy and the block certificates give another status."));
    }

    static std::string statusText(bool certified, const std::vector<CertificateFinding>& findings)
    {
        return certified ? "certified" : "not certified (" + findingsText(findings) + ")";
    }

    [[nodiscard]] std::vector<LayerIndex> uncertified() const
    {
        std::vector<LayerIndex> blocks;
        for (const StitchedBlock& block : m_certificate.request.blocks) {
            const Certificate* certificate = certificateOf(m_block.contents, block.block);
            if (certificate != nullptr && !certificate->certified)
                blocks.push_back(block.block);
        }
        return blocks;
    }

    // Whether the files have the digests of SHA256SUMS is the business of the sums.sha256 rows.
    void checkBlocks()
    {
        std::string problem;
        for (const StitchedBlock& block : m_certificate.request.blocks) {
            const auto listed = m_block.contents.sums.find(block.path);
            if (listed == m_block.contents.sums.end() || certificateOf(m_block.contents, block.block) == nullptr)
                problem = "The run has no certificate of block " + std::to_string(block.block.value) + ".";
            else if (listed->second != block.sha256)
                problem = "The certificate of block " + std::to_string(block.block.value) +
                          " is not the one that the stitched model was made with.";
        }
        m_checks.add(row("stitch.blocks", group::consistency, "Certificates of the replaced blocks")
                         .issuer(counted(static_cast<std::int64_t>(m_certificate.request.blocks.size()), "digest"))
                         .how("compared by digest")
                         .passedIf(problem.empty(), problem));
    }

    // The edit itself has rows of its own.
    void checkEdit()
    {
        const auto& stated = m_certificate.request.edit;
        if (!stated)
            return;
        const auto listed = m_block.contents.sums.find(stated->path);
        const EditCertificate* edit = editOf(m_block.contents, stated->name);
        std::string problem;
        if (listed == m_block.contents.sums.end() || edit == nullptr)
            problem = "The run has no edit " + stated->name + ".";
        else if (listed->second != stated->sha256)
            problem = "The edit " + stated->name + " is not the one that the stitched model was made with.";
        else
            for (const LayerIndex block : stated->blocks)
                if (!contains(edit->request.blocks, block))
                    problem = "The edit " + stated->name + " leaves block " + std::to_string(block.value) + " alone.";
        m_checks.add(row("stitch.edit", group::consistency, "Certificate of the edit")
                         .issuer(stated->sha256)
                         .how("compared by digest")
                         .passedIf(problem.empty(), problem));
    }

    // Opened once; HDF5 only ever sees a file whose SHA-256 is the certificate's.
    std::optional<StitchColumns> readReplayFile()
    {
        const ArtifactDigest& artifact = m_certificate.artifacts[0];
        std::optional<StitchColumns> columns;
        const ArchiveReading reading{
            [&](const artifact::ArchiveReader& archive) { requireReplayLayout(archive, stitchShapeOf(m_certificate)); },
            [&](artifact::ArchiveReader& archive) { columns = readReplay(archive, stitchShapeOf(m_certificate)); }};
        const Row form("structure.replay", group::integrity, artifact.path, "Form of the stitched model's numbers");
        readNamed(artifact, reading, form, m_block, m_checks, m_context);
        return columns;
    }

    void checkTokens(const StitchColumns& columns)
    {
        const std::string digest = tokenIdsDigest(columns.offset, columns.tokenId);
        m_checks.add(row("consistency.tokens", group::consistency, "Token ids")
                         .issuer(m_certificate.prompts.tokenIdsSha256)
                         .recomputed(digest)
                         .how("re-hashed, " + counted(static_cast<std::int64_t>(columns.tokens()), "token"))
                         .passedIf(digest == m_certificate.prompts.tokenIdsSha256,
                                   "The recorded token ids are not those of the certificate."));
    }

    [[nodiscard]] StitchMetrics measured(const StitchColumns& columns, const Policy& policy) const
    {
        std::vector<std::string> ids;
        for (const PromptStatement& prompt : m_certificate.prompts.prompts)
            ids.push_back(prompt.id);
        return measureStitch(columns, ids, policy);
    }

    void addArithmetic(const char* id, const char* title, const std::string& issuer, const std::string& recomputed,
                       bool same)
    {
        m_checks.add(row(id, group::reEvaluation, title)
                         .issuer(issuer)
                         .recomputed(recomputed)
                         .how("arithmetic on the recorded per-token numbers")
                         .passedIf(same, "The certificate's numbers do not follow from those in replay.h5."));
    }

    void checkNumbers(const StitchColumns& columns)
    {
        const StitchMetrics& issued = m_certificate.metrics;
        const StitchMetrics found = measured(columns, m_certificate.policy);
        addArithmetic("stitch.residuals", "MAE of every layer, largest residual", exactText(issued.largest.value),
                      exactText(found.largest.value), issued.layers == found.layers && issued.largest == found.largest);
        addArithmetic("stitch.perplexity", "Perplexities, baseline and stitched", textOf(issued.perplexity),
                      textOf(found.perplexity), samePerplexities(issued.perplexity, found.perplexity));
        addArithmetic("stitch.loss", "Loss coverage", textOf(issued.loss), textOf(found.loss),
                      issued.loss == found.loss);
        addArithmetic("stitch.kl", "KL divergence", exactText(issued.divergence.mean), exactText(found.divergence.mean),
                      issued.divergence == found.divergence);
        addArithmetic("stitch.agreement", "Next-token agreement", textOf(issued.agreement), textOf(found.agreement),
                      issued.agreement == found.agreement);
        addArithmetic("stitch.semantic", "Agreement on labelled prompts", textOf(issued.semantic),
                      textOf(found.semantic), issued.semantic == found.semantic);
        const bool rows =
            std::equal(issued.prompts.begin(), issued.prompts.end(), found.prompts.begin(), found.prompts.end(),
                       [](const StitchPromptMetrics& a, const StitchPromptMetrics& b) { return sameButForExp(a, b); });
        addArithmetic("stitch.prompts", "Rows of every prompt",
                      counted(static_cast<std::int64_t>(issued.prompts.size()), "row"),
                      counted(static_cast<std::int64_t>(found.prompts.size()), "row"), rows);
        checkPlausible(columns);
        for (const Bisection& bisection : m_certificate.bisections)
            checkBisection(bisection, columns);
    }

    // What holds for every pair of streams: nothing differs before the first replaced block, and norms of one
    // difference bound each other.
    void checkPlausible(const StitchColumns& columns)
    {
        const auto width = static_cast<double>(m_certificate.subject.dModel);
        const auto first = static_cast<std::size_t>(m_certificate.request.blocks.front().block.value);
        const double slack = 1 + 1e-9; // the three norms are rounded sums of up to d terms
        std::string problem;
        for (std::size_t at = 0; at < columns.residualL2.size() && problem.empty(); ++at) {
            const double l2 = columns.residualL2[at];
            const double mae = columns.residualMae[at];
            const double most = columns.residualMax[at];
            const std::string place =
                "layer " + std::to_string(at / columns.tokens()) + ", row " + std::to_string(at % columns.tokens());
            if (at / columns.tokens() < first && (l2 != 0 || mae != 0 || most != 0))
                problem = "The streams differ at " + place + ", before the first replaced block.";
            else if (mae > most * slack || most > l2 * slack || l2 > most * std::sqrt(width) * slack ||
                     l2 > std::sqrt(width * mae * most) * slack)
                problem = "The residual's norms at " + place + " cannot belong to one difference.";
        }
        m_checks.add(
            row("stitch.plausible", group::reEvaluation, "Residuals before the first replaced block, and norms")
                .how("compared")
                .passedIf(problem.empty(), problem));
    }

    void checkBisection(const Bisection& bisection, const StitchColumns& columns)
    {
        Bisection own = bisection;
        const auto prompt = static_cast<std::size_t>(bisection.at.prompt.value);
        const std::size_t token = columns.begin(prompt) + static_cast<std::size_t>(bisection.at.token);
        const double last = bisection.rows.back().prefix;
        bool ends = false;
        if (bisection.event == BisectEvent::LargestLossChange) {
            const std::size_t loss = bisection.at.token > 0 ? token - prompt - 1 : 0;
            const double change = bisection.at.token > 0 ? columns.lossStitched[loss] - columns.lossBase[loss] : 0;
            ends = bisection.at.token > 0 && change != 0 &&
                   std::abs(change) == m_certificate.metrics.loss.maxDifference && last == change;
            concludeBisection(own, false, change);
        } else {
            const std::int32_t mine = columns.topIdStitched[token * stitchTops];
            const std::int32_t baselines = columns.topIdBase[token * stitchTops];
            const auto& rows = m_certificate.metrics.prompts;
            const auto divergent = std::find_if(rows.begin(), rows.end(),
                                                [](const StitchPromptMetrics& r) { return r.firstToken.has_value(); });
            ends = mine != baselines && divergent - rows.begin() == static_cast<std::ptrdiff_t>(prompt) &&
                   divergent->firstToken == bisection.at.token && (last > 0 || (last == 0 && mine < baselines));
            concludeBisection(own, mine < baselines, 0);
        }
        m_checks.add(row("stitch.bisect", group::reEvaluation, "Bisection follows from its rows and the whole replay")
                         .how("re-derived")
                         .passedIf(ends && own == bisection,
                                   "The bisection's blocks do not follow from its rows, or its last row is not the "
                                   "stitched model's own value."));
    }

    void judgeStatus(const StitchColumns* columns)
    {
        const Policy& own = m_certificate.policy;
        const auto findings =
            columns != nullptr ? judgeStitch(measured(*columns, own), uncertified(), own) : m_certificate.findings;
        Row ownRow = row("policy.own", group::policy, "The run's own policy");
        ownRow.how(columns != nullptr ? "re-derived" : "as stated");
        // Nothing was recomputed below level 2: then a status is repeated only where it is not a green one.
        if (!findings.empty())
            m_checks.add(ownRow.weaker(
                "The stitched model is not certified under the run's policy: " + findingsText(findings) + "."));
        else if (columns != nullptr)
            m_checks.add(ownRow.passedIf(true, ""));
        if (!m_block.options.policy)
            return;
        Row given = row("policy.given", group::policy, "The policy you gave");
        if (columns == nullptr) {
            m_checks.add(given.notChecked("A policy is judged by recomputed numbers: levels 2 to 4."));
            return;
        }
        // Whether the replaced blocks meet it stands in their own rows.
        const auto judged = judgeStitch(measured(*columns, *m_block.options.policy), {}, *m_block.options.policy);
        given.how("re-derived");
        if (judged.empty())
            given.passedIf(true, "");
        else
            given.weaker("The stitched model does not meet your policy: " + findingsText(judged) + ".");
        m_checks.add(given);
    }

    void noteUnchecked()
    {
        if (m_level < 4)
            m_checks.add(row("stitch.inputs", group::reEvaluation,
                             "Per-token losses, residuals and divergences of the stitched model")
                             .optional()
                             .how("level 4")
                             .notChecked("They need the model: verify at level 4 with --model."));
        if (!m_certificate.bisections.empty())
            m_checks.add(row("stitch.bisect_rows", group::reEvaluation, "Bisection's values with fewer blocks replaced")
                             .optional()
                             .notChecked("No level repeats them: they are the issuer's word."));
    }

    const StitchCertificate& m_certificate;
    std::string m_where;
    BlockContext& m_block;
    int m_level;
    CheckList& m_checks;
    const RunContext& m_context;
};

}

StitchOutcome verifyStitch(const StitchCertificate& certificate, BlockContext& block, CheckList& checks,
                           const RunContext& context)
{
    return StitchVerifier(certificate, block, checks, context).run();
}

std::string stitchText(const StitchCertificate& certificate)
{
    return "stitch " + certificate.name;
}

}
