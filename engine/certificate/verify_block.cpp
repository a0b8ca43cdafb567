#include "engine/certificate/verify_block.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/comparison.h"
#include "engine/certificate/memory_archive.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/named_archive.h"
#include "engine/certificate/surrogate_statement.h"
#include "engine/certificate/token_ids.h"
#include "engine/ir/block_ir_codec.h"

#include <algorithm>
#include <memory>

namespace blockcert::certificate {

namespace {

class BlockVerifier {
public:
    BlockVerifier(const Certificate& certificate, BlockContext& block, CheckList& checks, const RunContext& context)
        : m_certificate(certificate)
        , m_where(blockText(certificate.block.value))
        , m_block(block)
        , m_level(block.options.level)
        , m_checks(checks)
        , m_context(context)
    {
    }

    BlockOutcome run()
    {
        if (m_level < 1)
            return {};
        if (m_checks.failed("consistency.certificate", m_where)) {
            giveUp("its certificate is inconsistent");
            return {};
        }
        const std::optional<OpenFile> irFile = openNamed(m_certificate.artifacts[0], m_block, m_checks, m_context);
        const std::optional<OpenFile> probesFile = openNamed(m_certificate.artifacts[1], m_block, m_checks, m_context);
        if (!irFile || !probesFile || !readIr(*irFile) || !readProbes(*probesFile)) {
            giveUp("an artifact is not what its certificate says");
            return std::move(m_outcome);
        }
        checkTokens();
        if (m_level >= 2 && !findWeights())
            m_ir.weights.clear();
        scan();
        return std::move(m_outcome);
    }

private:
    Row row(const char* id, std::string_view groupName, const char* title) const
    {
        return {id, groupName, m_where, title};
    }

    // Says all that is left out with the block, so that no reader takes the rows that are missing for rows that passed.
    void giveUp(const std::string& why)
    {
        m_checks.add(row("block.contents", group::consistency, "Trace, token ids, values, metrics and coverages")
                         .notChecked("Nothing else of this block was looked at: " + why + "."));
        if (m_level >= 2)
            m_checks.add(row("replay.error", group::reEvaluation, "Error of every token")
                             .notChecked("Nothing of this block was replayed: " + why + "."));
    }

    [[nodiscard]] std::unique_ptr<artifact::ArchiveReader> openArchive(const OpenFile& file,
                                                                       const std::string& path) const
    {
        return artifact::openForeignArchive(file.descriptor(), path, m_block.options.childProgram);
    }

    void compareDigests(const ArtifactDigest& artifact, std::vector<TensorDigest> found)
    {
        std::vector<TensorDigest> named = artifact.tensors;
        const auto byName = [](const TensorDigest& a, const TensorDigest& b) { return a.name < b.name; };
        std::sort(named.begin(), named.end(), byName);
        std::sort(found.begin(), found.end(), byName);
        std::string problem;
        if (named.size() != found.size())
            problem = "The certificate names " + counted(static_cast<std::int64_t>(named.size()), "tensor") +
                      ", the file holds " + std::to_string(found.size()) + ".";
        for (std::size_t i = 0; problem.empty() && i < named.size(); ++i)
            if (named[i] != found[i])
                problem = "The tensor " + found[i].name + " is not the one that the certificate names (" +
                          named[i].name + "): SHA-256 " + found[i].sha256 + " instead of " + named[i].sha256 + ".";
        m_checks.add(Row("tensor.sha256", group::integrity, artifact.path, "Digest of every logical tensor")
                         .issuer(counted(static_cast<std::int64_t>(named.size()), "tensor"))
                         .recomputed(counted(static_cast<std::int64_t>(found.size()), "tensor"))
                         .how("re-hashed as read")
                         .passedIf(problem.empty(), problem));
    }

    bool readIr(const OpenFile& file)
    {
        const ArtifactDigest& artifact = m_certificate.artifacts[0];
        Row form("structure.ir", group::integrity, artifact.path, "Form of the surrogate");
        try {
            const std::unique_ptr<artifact::ArchiveReader> archive = openArchive(file, artifact.path);
            MemoryArchive memory(*archive, m_context);
            compareDigests(artifact, memory.digests());
            m_ir = ir::readBlockIr(memory, artifact.path);
            ir::validate(m_ir.program);
            m_outcome.program = m_ir.program;
            const std::string problem = irProblem();
            form.how("read narrowly, program checked").passedIf(problem.empty(), problem);
        } catch (const Error& error) {
            form.failed(error.what());
        }
        m_checks.add(form);
        return form.check().state == CheckState::Verified;
    }

    // What a valid IR may be, and this certificate's may not.
    [[nodiscard]] std::string irProblem() const
    {
        const ir::BlockProgram& program = m_ir.program;
        if (program.layer != m_certificate.block)
            return "The program is about block " + std::to_string(program.layer.value) + ".";
        if (program.width != m_certificate.subject.dModel)
            return "The program's width " + std::to_string(program.width) + " is not the model's.";
        const ProbeShape shape = probeShapeOf(m_certificate);
        if (!maskFits(m_ir.mask, shape))
            return "The surrogate's mask is not " + std::to_string(shape.longest()) +
                   " tokens square, of zeros and ones.";
        if (program.positions > 0 && program.positions < shape.longest())
            return "The positional tables have " + std::to_string(program.positions) + " rows for " +
                   std::to_string(shape.longest()) + " tokens.";
        return surrogateProblem(m_certificate, m_ir);
    }

    bool readProbes(const OpenFile& file)
    {
        const ArtifactDigest& artifact = m_certificate.artifacts[1];
        Row form("structure.probes", group::integrity, artifact.path, "Form of the recorded trace");
        try {
            m_probes = std::make_unique<ProbeReader>(openArchive(file, artifact.path), probeShapeOf(m_certificate),
                                                     m_certificate.block);
            form.how("read narrowly").passedIf(true, "");
        } catch (const Error& error) {
            form.failed(error.what());
        }
        m_checks.add(form);
        return form.check().state == CheckState::Verified;
    }

    void checkTokens()
    {
        const ProbeShape& shape = m_probes->shape();
        const std::string digest = tokenIdsDigest(shape.offset, m_probes->tokenIds());
        m_checks.add(row("consistency.tokens", group::consistency, "Token ids")
                         .issuer(m_certificate.prompts.tokenIdsSha256)
                         .recomputed(digest)
                         .how("re-hashed, " + counted(shape.tokens(), "token"))
                         .passedIf(digest == m_certificate.prompts.tokenIdsSha256,
                                   "The recorded token ids are not those of the certificate."));
        bool ascending = true;
        for (std::int64_t p = 0; p < shape.prompts(); ++p)
            for (std::int64_t t = 0; t < shape.tokensOf(p); ++t)
                ascending =
                    ascending &&
                    m_probes->positions()[static_cast<std::size_t>(shape.offset[static_cast<std::size_t>(p)] + t)] == t;
        m_positionsHold = ascending;
        m_checks.add(row("consistency.positions", group::consistency, "Position ids")
                         .how("compared")
                         .passedIf(ascending, "The positions of a prompt are not 0, 1, 2, …"));
    }

    // Embedded or by reference, every weight must have the digest that the program names.
    bool findWeights()
    {
        Row weights = row("replay.weights", group::reEvaluation, "Weights of the surrogate");
        std::int64_t references = 0;
        std::int64_t ofTheModel = 0; // not into the files of the surrogates' own model
        try {
            for (const auto& [name, weight] : m_ir.program.weights) {
                if (weight.reference) {
                    ++references;
                    const bool other = isOfOther(*weight.reference);
                    ofTheModel += other ? 0 : 1;
                    WeightSource& source = other ? m_block.surrogateWeights : m_block.weights;
                    if (!source.load(*weight.reference, m_ir.weights[name], m_context)) {
                        m_checks.add(weights.notChecked("The weights were not found: " + source.problem() +
                                                        "; name the model with " +
                                                        (other ? "--surrogate-model." : "--model.")));
                        return false;
                    }
                }
                const HostTensor& value = m_ir.weights.at(name);
                if (value.dtype != weight.dtype || value.shape != weight.shape ||
                    sha256OfTensor(value) != weight.sha256)
                    throw FormatError("The weight " + name + " does not have the digest that the program names.");
            }
        } catch (const Error& error) {
            m_checks.add(weights.failed(error.what()));
            return false;
        }
        m_outcome.weightsHold = true;
        const auto all = static_cast<std::int64_t>(m_ir.program.weights.size());
        m_outcome.weightsByReference = ofTheModel == all;
        std::string origin = references == 0     ? "embedded, "
                             : references == all ? "read from the model by digest, "
                                                 : "";
        if (origin.empty())
            origin = std::to_string(references) + " read from the model by digest, " +
                     std::to_string(all - references) + " embedded; ";
        m_checks.add(weights.how(origin + counted(all, "tensor") + " re-hashed").passedIf(true, ""));
        return true;
    }

    // False if the reference leads into the model's files, true if into those of the surrogates' model.
    [[nodiscard]] bool isOfOther(const WeightReference& reference) const
    {
        const auto isIn = [&](const Subject& subject) {
            return std::any_of(subject.files.begin(), subject.files.end(),
                               [&](const SubjectFile& file) { return file.sha256 == reference.fileSha256; });
        };
        const std::optional<SurrogateModel>& other = m_certificate.surrogateModel;
        if (isIn(other ? other->subject : m_certificate.subject))
            return other.has_value();
        throw FormatError("The weight " + reference.tensor + " refers to a file that is none of the " +
                          (other ? "surrogates' model." : "model's."));
    }

    void scan()
    {
        const bool replays = m_level >= 2 && m_outcome.weightsHold && m_positionsHold;
        std::optional<BlockScan> scan;
        Row form("structure.values", group::integrity, m_certificate.artifacts[1].path, "Recorded values");
        try {
            const auto isReplayed = [&](PromptIndex p) {
                return replays && m_block.isReplayed(m_certificate.block, p);
            };
            scan = scanBlock(*m_probes, &m_ir, isReplayed, rho(), m_block.options.threads, m_block.cellsDone,
                             m_block.cells, m_context);
            form.how("read, all finite").passedIf(true, "");
        } catch (const Error& error) {
            form.failed(error.what());
        }
        m_checks.add(form);
        if (!scan) {
            giveUp("its recorded values cannot be read");
            return;
        }
        compareDigests(m_certificate.artifacts[1], scan->digests);
        rememberTrace(scan->digests);
        if (m_level >= 2)
            judgeNumbers(*scan, replays);
        else
            repeatStatus();
    }

    // Nothing was recomputed: a block that does not call itself certified still is no green one.
    void repeatStatus()
    {
        if (!m_certificate.certified)
            m_checks.add(row("policy.own", group::policy, "The certificate's own policy")
                             .how("as stated")
                             .weaker("The certificate says that the block is not certified: " +
                                     findingsText(m_certificate.findings) + "."));
        if (m_block.options.policy)
            m_checks.add(row("policy.given", group::policy, "The policy you gave")
                             .notChecked("A policy is judged by recomputed numbers: levels 2 to 4."));
    }

    void rememberTrace(const std::vector<TensorDigest>& digests)
    {
        RecordedTrace trace{m_certificate.block, "", ""};
        for (const TensorDigest& digest : digests) {
            if (digest.name == "input")
                trace.input = digest.sha256;
            if (digest.name == "output")
                trace.output = digest.sha256;
        }
        m_outcome.trace = trace;
    }

    [[nodiscard]] double rho() const
    {
        return std::min(m_certificate.comparisonTolerance, m_certificate.request.comparisonTolerance());
    }

    [[nodiscard]] CoverageMetrics measured(const BlockScan& scan, const TokenColumns& columns,
                                           const Policy& policy) const
    {
        TokenMeasurements tokens;
        for (const PromptStatement& prompt : m_certificate.prompts.prompts)
            tokens.promptIds.push_back(prompt.id);
        tokens.offset = m_probes->shape().offset;
        tokens.error = columns.error;
        tokens.outputNorm = columns.outputNorm;
        tokens.pathAgrees = scan.pathAgrees;
        tokens.firstOrder = scan.firstOrder;
        tokens.lossBase = scan.lossBase;
        tokens.lossStitched = scan.lossStitched;
        return measure(tokens, policy);
    }

    void judgeNumbers(const BlockScan& scan, bool replays)
    {
        const ProbeShape& shape = m_probes->shape();
        const Policy& own = m_certificate.request.policy;
        const double rho = this->rho();
        compareArithmetic(m_certificate, measured(scan, scan.recorded, own), m_where, m_checks);

        const bool any = std::find(scan.wasReplayed.begin(), scan.wasReplayed.end(), true) != scan.wasReplayed.end();
        if (any)
            compareTokens(scan, shape, rho, m_where, m_checks);
        else if (m_level >= 3)
            giveUp("its weights or positions are missing");
        const bool full = replays && m_level >= 3;
        const TokenColumns& judged = full ? scan.replayed : scan.recorded;
        if (full)
            compareMetrics(m_certificate, scan, shape, rho, measured(scan, judged, own), m_where, m_checks);
        judgeStatus(scan, judged, full ? rho : 0);
    }

    void judgeStatus(const BlockScan& scan, const TokenColumns& judged, double rho);

    const Certificate& m_certificate;
    std::string m_where;
    BlockContext& m_block;
    int m_level;
    CheckList& m_checks;
    const RunContext& m_context;
    ir::BlockIr m_ir;
    std::unique_ptr<ProbeReader> m_probes;
    bool m_positionsHold = false;
    BlockOutcome m_outcome;
};

// The status from the numbers that hold, under the certificate's policy and under the verifier's own.
void BlockVerifier::judgeStatus(const BlockScan& scan, const TokenColumns& judged, double rho)
{
    const Policy& own = m_certificate.request.policy;
    const CoverageMetrics metrics = measured(scan, judged, own);
    const std::vector<CertificateFinding> findings = judge(metrics, own);

    // Undecided tokens may fall on either side of τ; the issued status must fit one of the two ends.
    const bool relative = own.measure == ErrorMeasure::RelativeL2;
    std::vector<bool> possible = {findings.empty()};
    if (rho > 0) {
        const Intervals intervals = relative ? relativeIntervals(scan, rho) : errorIntervals(scan, rho);
        const CoverageRange range = coverageRange(intervals, 0, intervals.size(), relative ? own.tauRel : own.tauAct);
        for (const std::int64_t covered : {range.certain, range.possible}) {
            CoverageMetrics end = metrics;
            (relative ? end.relative : end.l2).coverage.covered = covered;
            possible.push_back(judge(end, own).empty());
        }
    }
    const bool agrees = std::find(possible.begin(), possible.end(), m_certificate.certified) != possible.end();
    const auto text = [](bool certified) { return std::string(certified ? "certified" : "not certified"); };
    m_checks.add(row("status", group::reEvaluation, "Certified or not")
                     .issuer(text(m_certificate.certified))
                     .recomputed(text(findings.empty()))
                     .how(rho > 0 ? "re-derived from the replay" : "re-derived from the recorded numbers")
                     .passedIf(agrees, "The certificate says " + text(m_certificate.certified) + "; the numbers give " +
                                           text(findings.empty()) +
                                           (findings.empty() ? "." : " (" + findingsText(findings) + ").")));

    Row ownRow = row("policy.own", group::policy, "The certificate's own policy");
    ownRow.how("re-derived");
    if (findings.empty())
        ownRow.passedIf(true, "");
    else
        ownRow.weaker("The block is not certified under its own policy: " + findingsText(findings) + ".");
    m_checks.add(ownRow);
    if (!m_block.options.policy)
        return;
    const auto given = judge(measured(scan, judged, *m_block.options.policy), *m_block.options.policy);
    Row givenRow = row("policy.given", group::policy, "The policy you gave");
    givenRow.how("re-derived");
    if (given.empty())
        givenRow.passedIf(true, "");
    else
        givenRow.weaker("The block does not meet your policy: " + findingsText(given) + ".");
    m_checks.add(givenRow);
}

}

BlockOutcome verifyBlock(const Certificate& certificate, BlockContext& block, CheckList& checks,
                         const RunContext& context)
{
    return BlockVerifier(certificate, block, checks, context).run();
}

}
