#include "engine/certificate/verdict_text.h"

#include "engine/base/error.h"
#include "engine/base/ranges_text.h"
#include "engine/certificate/policy_file.h"
#include "engine/certificate/verify_edit.h"
#include "engine/surrogate/surrogate_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace blockcert::certificate {

namespace {

void addOnce(std::vector<std::string>& list, const std::string& text)
{
    // "per-token losses" is said by "per-token losses (level 4)", too.
    const bool said = std::any_of(list.begin(), list.end(), [&](const std::string& item) {
        return item == text || item.starts_with(text + " (level ");
    });
    if (!said)
        list.push_back(text);
}

std::string lowered(std::string text)
{
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' && (text.size() < 2 || text[1] < 'A' || text[1] > 'Z'))
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

// What a level leaves out by its nature, whatever the run holds.
std::vector<std::string> leftOut(int level, LossMode loss, bool stitches, bool edits)
{
    std::vector<std::string> list;
    if (level < 1)
        list.emplace_back("digests of files and tensors (level 1)");
    if (level < 2)
        list.emplace_back("replay of the surrogates and what follows from it (levels 2 and 3)");
    if (level == 2)
        list.emplace_back("tokens of cells that were not drawn (level 3)");
    if (level < 4 && loss == LossMode::Exact) {
        list.emplace_back("per-token losses (level 4)");
        list.emplace_back("highest logits (level 4)");
    }
    if (level < 4 && loss == LossMode::FirstOrder)
        list.emplace_back("gradients behind the estimated loss changes (level 4)");
    if (level < 4 && stitches)
        list.emplace_back("the stitched models' per-token numbers (level 4)");
    if (level < 4 && edits)
        list.emplace_back("the edited model's deviations, losses and completions (level 4)");
    if (level < 4)
        list.emplace_back("origin of trace, token ids and surrogates (level 4)");
    return list;
}

std::string surrogateOf(const RunRequest& request)
{
    const std::string damage = surrogate::textOf(request.ablation);
    return surrogate::textOf(request.surrogate) + (damage.empty() ? "" : ", " + damage);
}

// Of the thresholds that decide, those that are not the default ones.
std::string otherThan(const Policy& usual, const Policy& policy)
{
    std::string text;
    const auto add = [&](const char* name, double value, double usually) {
        if (value != usually)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
    };
    if (policy.measure == ErrorMeasure::RelativeL2)
        text = fmt::format("relative error, τ_rel {}", policy.tauRel);
    else
        add("τ_act", policy.tauAct, usual.tauAct);
    add("α_act", policy.alphaAct, usual.alphaAct);
    add("τ_loss", policy.tauLoss, usual.tauLoss);
    add("α_loss", policy.alphaLoss, usual.alphaLoss);
    return text;
}

// What the surrogates are is seen where they were rebuilt from the model; before that it is what the issuer calls them.
std::vector<std::string> statementsOf(const RunRequest& request, bool rebuilt)
{
    std::vector<std::string> list;
    const std::string whose = rebuilt ? "." : ". At this level that is the issuer's word.";
    if (request.isExactCopy())
        list.push_back("In place of each block stands an exact copy of its weights, replayed from its IR" + whose);
    else
        list.push_back("In place of each block stands: " + surrogateOf(request) + whose +
                       " How far it is from the block is what the numbers say.");
    const Policy& policy = request.policy;
    const bool relative = policy.measure == ErrorMeasure::RelativeL2;
    const bool usual = otherThan(defaultPolicy(request.baselineDtype), policy).empty();
    list.push_back(fmt::format(
        "A block is certified if at least {:g} % of its tokens have {} of at most {} and at least {:g} % a change of "
        "their loss of at most {}{}{}",
        policy.alphaAct * 100, relative ? "a relative error" : "an error", relative ? policy.tauRel : policy.tauAct,
        policy.alphaLoss * 100, policy.tauLoss,
        request.loss == LossMode::None ? ", which was not measured here: so no block is" : "",
        usual ? " (the default policy)." : "; this is not the default policy."));
    return list;
}

std::string tokensText(const VerdictScope& scope)
{
    std::string text = scope.tokens == 1 ? "this one token" : "these " + counted(scope.tokens, "token");
    if (scope.surrogate != "exact")
        text += ", with the surrogate " + scope.surrogate;
    if (scope.unmeasured == 1)
        text += ", without one block that could not be measured";
    else if (scope.unmeasured > 1)
        text += ", without " + std::to_string(scope.unmeasured) + " blocks that could not be measured";
    if (!scope.otherPolicy.empty())
        text += ", under a policy of the issuer's (" + scope.otherPolicy + ")";
    if (scope.stitches.size() == 1)
        text += ", with the stitched model " + scope.stitches.front().name;
    else if (!scope.stitches.empty())
        text += ", with " + std::to_string(scope.stitches.size()) + " stitched models";
    if (scope.edits.size() == 1)
        text += ", with the edit " + scope.edits.front();
    else if (!scope.edits.empty())
        text += ", with " + std::to_string(scope.edits.size()) + " edits";
    return text;
}

const Check* firstOf(const CheckList& checks, CheckState state)
{
    for (const Check& check : checks.checks())
        if (check.state == state && (state != CheckState::NotChecked || check.required))
            return &check;
    return nullptr;
}

std::string reasonText(const CheckList& checks, CheckState state)
{
    const Check* first = firstOf(checks, state);
    if (first == nullptr)
        return "";
    const auto same = std::count_if(checks.checks().begin(), checks.checks().end(), [&](const Check& check) {
        return check.state == state && (state != CheckState::NotChecked || check.required);
    });
    std::string text = first->where.empty() ? first->title : first->where + ", " + lowered(first->title);
    text += ": " + first->detail;
    if (!text.ends_with('.'))
        text += '.';
    if (same > 1)
        text += " (" + std::to_string(same - 1) + " more)";
    return text;
}

// What the head of a verdict owes its reader: what the level leaves out, and at the highest one what its checks could
// not settle. The issuer's words, which no level recomputes, stay in the list below it.
std::string openText(const Verdict& verdict, LossMode loss, const CheckList& checks)
{
    std::vector<std::string> open =
        leftOut(verdict.level, loss, !verdict.scope.stitches.empty(), !verdict.scope.edits.empty());
    if (verdict.level == 4)
        for (const Check& check : checks.checks())
            if (check.state == CheckState::NotChecked && check.id != "provenance.statements")
                addOnce(open, lowered(check.title));
    std::string text;
    for (const std::string& item : open)
        text += (text.empty() ? "; not checked: " : ", ") + item;
    return text;
}

// In the verifier's own words: the sentence in run.json may say anything.
std::string sentenceOf(const BlockFailure& failure)
{
    const std::string what = failure.code == "non_finite_baseline"   ? "a value of the baseline is not finite"
                             : failure.code == "non_finite_replay"   ? "a value of the surrogate is not finite"
                             : failure.code == "non_finite_gradient" ? "the gradient of the loss is not finite"
                                                                     : "it could not be measured";
    return "Nothing is claimed about block " + std::to_string(failure.block.value) +
           ", which has no certificate: by the issuer's word " + what + ".";
}

std::string sentenceOf(const Verdict& verdict, const RunContents& contents, const CheckList& checks)
{
    const std::string level = "level " + std::to_string(verdict.level);
    const std::string open = openText(verdict, contents.run.manifest.request.loss, checks);
    switch (verdict.state) {
    case CheckState::Failed:
        // What cannot be read was not compared: another exit code, another word.
        return (verdict.exitCode == static_cast<int>(ExitCode::InputUnreadable) ? "Unreadable at " : "Failed at ") +
               level + ". " + reasonText(checks, CheckState::Failed);
    case CheckState::NotChecked:
        if (verdict.level == 0)
            return "The structure is sound (level 0); nothing was hashed or recomputed, so nothing is verified.";
        return "Not checked completely at " + level + ". " + reasonText(checks, CheckState::NotChecked);
    case CheckState::WeakerThanPolicy:
        return "The numbers hold at " + level + " on " + tokensText(verdict.scope) + ", but not the policy" + open +
               ". " + reasonText(checks, CheckState::WeakerThanPolicy);
    case CheckState::Verified: break;
    }
    return "Verified at " + level + " on " + tokensText(verdict.scope) + open + ".";
}

std::vector<std::int32_t> uncoveredBlocks(const VerdictScope& scope)
{
    std::vector<std::int32_t> rest;
    for (std::int32_t block = 0; block < scope.layers; ++block)
        if (!std::binary_search(scope.blocks.begin(), scope.blocks.end(), block))
            rest.push_back(block);
    return rest;
}

std::vector<std::string> limitsOf(const RunContents& contents, const VerdictScope& scope)
{
    if (!contents.readable)
        return {"Nothing was recomputed: what the run holds could not be read."};
    std::vector<std::string> list;
    const std::vector<std::int32_t> rest = uncoveredBlocks(scope);
    if (!rest.empty())
        list.push_back("Nothing is claimed about " + blocksText(rest) + " of the model's " +
                       std::to_string(scope.layers) + ".");
    for (const StitchScope& stitch : scope.stitches)
        if (stitch.kind == "full-model")
            list.push_back("In the stitched model " + stitch.name + " only " + blocksText(stitch.blocks) +
                           (stitch.blocks.size() == 1 ? " is a surrogate" : " are surrogates") +
                           "; the others ran as the model's own.");
    for (const StitchCertificate& stitch : contents.stitches)
        if (stitch.request.edit) {
            std::vector<std::int32_t> edited;
            for (const LayerIndex block : stitch.request.edit->blocks)
                edited.push_back(block.value);
            list.push_back("In the stitched model " + stitch.name + " " + blocksText(edited) +
                           (edited.size() == 1 ? " is" : " are") + " what the edit " + stitch.request.edit->name +
                           " makes of the " + (edited.size() == 1 ? "surrogate" : "surrogates") +
                           ": meant to differ from the model's own.");
        }
    if (!scope.edits.empty())
        list.emplace_back("What a completion is judged to be comes from lists of markers, not from understanding it.");
    list.push_back("Nothing is claimed about other prompts than the " + std::to_string(scope.promptCount) +
                   " of the set \"" + scope.prompts + "\"" + (scope.bundled ? ", bundled and unmodified." : "."));
    if (const auto truncated = truncationText(contents.run.manifest.prompts, contents.run.manifest.request.maxTokens))
        list.push_back(*truncated + "; what follows was not measured.");
    for (const BlockFailure& failure : contents.run.state.failed)
        list.push_back(sentenceOf(failure));
    if (contents.run.manifest.request.loss == LossMode::FirstOrder)
        list.emplace_back("How the loss changes was estimated (first order), not measured: nothing bounds what that "
                          "leaves out, and no coverage follows from it.");
    for (const EditCertificate& edit : contents.edits)
        if (edit.request.replayDtype != DType::F64)
            list.push_back("The local errors of edit " + edit.name + " are from a replay in " +
                           std::string(nameOf(edit.request.replayDtype)) + ": they are held to " +
                           exactText(comparisonTolerance(edit)) + " of a token's scale, not to 1e-10.");
    for (const EditCertificate& edit : contents.edits)
        if (edit.human && !edit.labelsBound)
            list.push_back("Nothing binds the human labels of edit " + edit.name +
                           " to its texts: their file did not name each text by its digest.");
    list.emplace_back("Measured on these tokens, not proved for all inputs.");
    list.emplace_back("Names, labels, tags, dates, environment and the command line are the issuer's words; so are "
                      "token texts below level 4.");
    return list;
}

}

std::optional<std::string> truncationText(const PromptSet& prompts, std::int64_t maxTokens)
{
    std::int64_t cut = 0;
    std::int64_t lost = 0;
    std::int64_t kept = 0;
    for (const EncodedPrompt& prompt : prompts.prompts)
        if (prompt.truncatedTokens > 0) {
            ++cut;
            lost += prompt.truncatedTokens;
            kept = static_cast<std::int64_t>(prompt.tokenIds.size());
        }
    if (cut == 0)
        return std::nullopt;
    return fmt::format("{} {} longer than {}{} and lost {} at the end", counted(cut, "prompt"),
                       cut == 1 ? "was" : "were", kept < maxTokens ? "the model's context of " : "",
                       counted(kept, "token"), counted(lost, "token"));
}

VerdictScope scopeOf(const RunContents& contents)
{
    VerdictScope scope;
    const RunManifest& manifest = contents.run.manifest;
    scope.model = manifest.subject.model;
    scope.layers = manifest.subject.layers;
    for (const Certificate& certificate : contents.certificates)
        scope.blocks.push_back(certificate.block.value);
    for (const StitchCertificate& stitch : contents.stitches) {
        StitchScope& entry = scope.stitches.emplace_back(
            StitchScope{stitch.name, stitch.isFullBlock() ? "full-block" : "full-model", {}});
        for (const StitchedBlock& block : stitch.request.blocks)
            entry.blocks.push_back(block.block.value);
    }
    for (const EditCertificate& edit : contents.edits)
        scope.edits.push_back(edit.name);
    scope.unmeasured = static_cast<std::int32_t>(contents.run.state.failed.size());
    scope.surrogate = surrogateOf(manifest.request);
    scope.otherPolicy = otherThan(defaultPolicy(manifest.request.baselineDtype), manifest.request.policy);
    scope.prompts = manifest.prompts.name;
    scope.promptCount = static_cast<std::int64_t>(manifest.prompts.prompts.size());
    scope.tokens = manifest.prompts.tokenCount();
    return scope;
}

namespace {

// Every block's surrogate was made again from the model's files.
bool rebuiltAll(const RunContents& contents, const CheckList& checks)
{
    std::size_t rebuilt = 0;
    for (const Check& check : checks.checks())
        rebuilt += check.id == "model.ir" && check.state == CheckState::Verified ? 1 : 0;
    return rebuilt > 0 && rebuilt == contents.certificates.size();
}

}

void conclude(Verdict& verdict, const RunContents& contents, const CheckList& checks)
{
    verdict.state = checks.state(verdict.level);
    verdict.exitCode = checks.exitCode(verdict.level);
    verdict.sentence = sentenceOf(verdict, contents, checks);
    if (contents.readable)
        verdict.says = statementsOf(contents.run.manifest.request, rebuiltAll(contents, checks));
    verdict.notChecked =
        leftOut(verdict.level, contents.run.manifest.request.loss, !contents.stitches.empty(), !contents.edits.empty());
    for (const Check& check : checks.checks())
        if (check.state == CheckState::NotChecked)
            addOnce(verdict.notChecked,
                    check.where.empty() ? lowered(check.title) : lowered(check.title) + " (" + check.where + ")");
    verdict.doesNotSay = limitsOf(contents, verdict.scope);
    verdict.checks = checks.checks();
}

}
