#include "engine/certificate/verify_model.h"

#include "engine/base/error.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/model_comparison.h"
#include "engine/certificate/model_pass.h"
#include "engine/certificate/retokenise.h"
#include "engine/certificate/rounded_coverage.h"
#include "engine/surrogate/model_differences.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::certificate {

namespace {

using artifact::Checkpoint;

// Every file the run states must be one of the model's, and the other way round: by digest and size.
std::string otherFiles(const Subject& subject, const Checkpoint& model)
{
    const auto& stated = subject.files;
    if (stated.size() != model.files().size())
        return "it has " + counted(static_cast<std::int64_t>(model.files().size()), "weight file") +
               ", the run states " + std::to_string(stated.size());
    for (const SubjectFile& file : stated)
        if (std::none_of(model.files().begin(), model.files().end(), [&](const artifact::WeightFile& found) {
                return found.sha256 == file.sha256 && found.size == file.size;
            }))
            return "none of its files has the SHA-256 " + file.sha256;
    return "";
}

bool describes(const Subject& subject, const Checkpoint& model)
{
    const TransformerConfig& config = model.config();
    const std::string architecture = config.architecture == Architecture::Gpt2 ? "gpt2" : "llama";
    return subject.configSha256 == model.configSha256() && subject.layers == config.layers &&
           subject.dModel == config.dModel && subject.heads == config.heads && subject.architecture == architecture;
}

// Rows model.files and model.config. False if it is not the model of this run.
bool checkSubject(const Subject& subject, const Checkpoint& model, CheckList& checks)
{
    Row files("model.files", group::provenance, "", "Weight files of the model");
    if (const std::string other = otherFiles(subject, model); !other.empty()) {
        checks.add(files.notChecked(model.path().string() + " is not the model of this run: " + other + "."));
        return false;
    }
    checks.add(
        files.how("re-hashed, " + counted(static_cast<std::int64_t>(model.files().size()), "file")).passedIf(true, ""));
    checks.add(
        Row("model.config", group::provenance, "", "Configuration of the model")
            .issuer(subject.configSha256)
            .recomputed(model.configSha256())
            .how("read from the model")
            .passedIf(describes(subject, model), "The run describes another configuration than the model's own."));
    return true;
}

class ModelVerifier {
public:
    ModelVerifier(BlockContext& block, const std::vector<BlockOutcome>& outcomes, CheckList& checks,
                  const RunContext& context)
        : m_block(block)
        , m_manifest(block.contents.run.manifest)
        , m_outcomes(outcomes)
        , m_dtype(m_manifest.request.baselineDtype)
        , m_checks(checks)
        , m_context(context)
    {
    }

    void run()
    {
        const Checkpoint* model = m_block.weights.checkpoint(m_context);
        if (model == nullptr) {
            m_checks.add(
                Row("model.files", group::provenance, "", "Weight files of the model")
                    .notChecked("Level 4 needs the model: " + m_block.weights.problem() + "; name it with --model."));
            return;
        }
        if (!checkSubject(m_manifest.subject, *model, m_checks))
            return;
        checkOther(*model);
        checkRetokenised(m_manifest, *model, m_checks);
        if (m_checks.anyFailed()) {
            m_checks.add(Row("model.states", group::reEvaluation, "", "The whole model from its token ids")
                             .notChecked("Not run: something already failed."));
            return;
        }
        try {
            compare({m_block, m_outcomes, *model, m_other, m_otherProblem});
        } catch (const Error& error) {
            m_checks.add(Row("model.states", group::reEvaluation, "", "The whole model from its token ids")
                             .failed(error.what()));
        }
    }

private:
    // The checkpoint that the surrogates were taken from; m_other stays null if it was not found.
    void checkOther(const Checkpoint& model)
    {
        const std::optional<SurrogateModel>& stated = m_manifest.surrogateModel;
        if (!stated)
            return;
        Row files("model.surrogate_files", group::provenance, "", "Weight files of the surrogates' model");
        const Checkpoint* other = m_block.surrogateWeights.checkpoint(m_context);
        m_otherProblem = other == nullptr ? m_block.surrogateWeights.problem() : otherFiles(stated->subject, *other);
        if (!m_otherProblem.empty()) {
            m_otherProblem =
                "The surrogates' model was not found: " + m_otherProblem + "; name it with --surrogate-model.";
            m_checks.add(files.notChecked(m_otherProblem));
            return;
        }
        m_other = other;
        m_checks.add(files.how("re-hashed, " + counted(static_cast<std::int64_t>(other->files().size()), "file"))
                         .passedIf(true, ""));
        const bool same =
            describes(stated->subject, *other) && stated->differences == surrogate::modelDifferences(model, *other);
        m_checks.add(Row("model.surrogate_config", group::provenance, "",
                         "Configuration of the surrogates' model, and how it differs")
                         .issuer(stated->subject.configSha256)
                         .recomputed(other->configSha256())
                         .how("read from both models")
                         .passedIf(same, "The run describes another configuration of the surrogates' model, or other "
                                         "differences from the model, than the files have."));
    }

    // Allowances were measured on some models and prompts; where they do not suffice, it is weighed how much further
    // rounding is carried here.
    void compare(const ModelSubject& subject)
    {
        std::vector<BlockComparison> heads = compareWithModel(subject, m_checks, m_context);
        if (std::any_of(heads.begin(), heads.end(), [](const BlockComparison& head) { return head.isDoubtful(); }))
            heads = compareWithRounding(subject, heads, m_context);
        for (const BlockComparison& head : heads)
            head.report(m_dtype, m_manifest.request.loss, m_checks);
        reportLosses(heads);
        reportCoverages(heads);
    }

    // A 16-bit baseline rounds by more than τ_loss: whether a loss changed by less cannot be told from outside.
    void reportLosses(const std::vector<BlockComparison>& heads)
    {
        if (m_manifest.request.loss == LossMode::None)
            return;
        const bool exact = m_manifest.request.loss == LossMode::Exact;
        Row row(exact ? "loss.tokens" : "loss.gradients", group::reEvaluation, "",
                exact ? "Per-token losses" : "Gradients behind the estimated loss changes");
        row.how("whole model in double");
        if (m_dtype == DType::F32) {
            m_checks.add(row.passedIf(
                std::all_of(heads.begin(), heads.end(), [](const BlockComparison& head) { return head.holdsLosses(); }),
                "Not every recorded loss is the model's; the blocks' own rows say which."));
            return;
        }
        if (!m_block.options.requireLosses)
            row.optional();
        m_checks.add(
            row.notChecked("The baseline's own rounding in " + std::string(nameOf(m_dtype)) +
                           (exact ? " is larger than tau_loss: only a second run of the engine can repeat its loss "
                                    "coverage."
                                  : " moves its states too far from the model's in double to compare derivatives.")));
    }

    // Under the run's own policy and under one that was given.
    void reportCoverages(const std::vector<BlockComparison>& heads)
    {
        for (const BlockComparison& head : heads) {
            reportCoverages(head, m_manifest.request.policy, "");
            if (m_block.options.policy)
                reportCoverages(head, *m_block.options.policy, " under the policy you gave");
        }
    }

    void reportCoverages(const BlockComparison& head, const Policy& policy, const std::string& under)
    {
        const RoundingWidth width = roundingWidthFor(m_dtype);
        const std::string dtype(nameOf(m_dtype));
        if (!head.errors.empty()) {
            const bool relative = policy.measure == ErrorMeasure::RelativeL2;
            std::vector<double> recorded;
            for (const CellRecord& cell : head.cells) {
                const std::vector<double> errors = relative ? relativeErrors(cell.error, cell.outputNorm) : cell.error;
                recorded.insert(recorded.end(), errors.begin(), errors.end());
            }
            m_checks.add(roundedRow(Row("coverage.rounding", group::reEvaluation, head.where,
                                        "Activation coverage whatever the baseline rounded" + under)
                                        .optional(),
                                    roundedCoverage(recorded, relative ? head.relative : head.errors,
                                                    relative ? policy.tauRel : policy.tauAct),
                                    policy.alphaAct,
                                    "errors in double on the recorded inputs, ± " + exactText(width.output) +
                                        " of the token's norm for " + dtype));
        }
        if (m_manifest.request.loss != LossMode::Exact || width.loss == 0 || head.ownBase.empty() ||
            head.ownStitched.size() != head.ownBase.size())
            return;
        Row row("loss.rounding", group::reEvaluation, head.where,
                "Loss coverage whatever the baseline rounded" + under);
        if (!m_block.options.requireLosses)
            row.optional();
        m_checks.add(lossRoundingRow(row, recordedCoverage(head, policy.tauLoss), head.ownBase, head.ownStitched,
                                     policy, m_dtype));
    }

    // By recorded losses; 0 where they sum to nothing.
    static double recordedCoverage(const BlockComparison& head, double tau)
    {
        std::vector<double> base;
        std::vector<double> stitched;
        for (const CellRecord& cell : head.cells) {
            base.insert(base.end(), cell.lossBase.begin(), cell.lossBase.end());
            stitched.insert(stitched.end(), cell.lossStitched.begin(), cell.lossStitched.end());
        }
        return coverLosses(base, stitched, base.size(), tau).value.value_or(0);
    }

    BlockContext& m_block;
    const RunManifest& m_manifest;
    const std::vector<BlockOutcome>& m_outcomes;
    DType m_dtype;
    CheckList& m_checks;
    const RunContext& m_context;
    const Checkpoint* m_other = nullptr; // of surrogates from another checkpoint
    std::string m_otherProblem;
};

}

void verifySubject(BlockContext& block, const std::vector<BlockOutcome>& outcomes, CheckList& checks,
                   const RunContext& context)
{
    const bool wereRead = std::any_of(outcomes.begin(), outcomes.end(),
                                      [](const BlockOutcome& outcome) { return outcome.weightsByReference; });
    if (!wereRead)
        return;
    if (const Checkpoint* model = block.weights.checkpoint(context))
        checkSubject(block.contents.run.manifest.subject, *model, checks);
}

void verifyModel(BlockContext& block, const std::vector<BlockOutcome>& outcomes, CheckList& checks,
                 const RunContext& context)
{
    ModelVerifier(block, outcomes, checks, context).run();
}

}
