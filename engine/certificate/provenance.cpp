#include "engine/certificate/provenance.h"

#include "engine/certificate/token_ids.h"
#include "engine/prompts/prompts.h"

#include <algorithm>
#include <optional>

namespace blockcert::certificate {

namespace {

bool isListed(const std::vector<std::string>& list, const std::string& value)
{
    return std::find(list.begin(), list.end(), value) != list.end();
}

// Whether a rendered text is of this prompt: its own text, or each of its messages in their order, whatever a chat
// template writes around them.
bool isRenderedFrom(const PromptSource& source, const std::string& rendered)
{
    if (source.text)
        return *source.text == rendered;
    std::size_t place = 0;
    for (const ChatMessage& message : source.messages) {
        const std::size_t first = std::min(message.content.find_first_not_of(" \n"), message.content.size());
        const std::string trimmed = // templates may trim
            message.content.substr(first, message.content.find_last_not_of(" \n") + 1 - first);
        const std::size_t found = rendered.find(trimmed, place);
        if (found == std::string::npos)
            return false;
        place = found + trimmed.size();
    }
    return true;
}

// What is not as in the set; empty: every prompt of it is there, in its place, with its text.
std::string difference(const std::vector<PromptStatement>& prompts, const PromptFile& set)
{
    for (std::size_t i = 0; i < prompts.size(); ++i)
        if (i >= set.prompts.size() || set.prompts[i].id != prompts[i].id ||
            !isRenderedFrom(set.prompts[i], prompts[i].rendered))
            return "The prompt \"" + prompts[i].id + "\" is not in the bundled set \"" + set.name +
                   "\", or not in this place, or not with this text.";
    if (prompts.size() < set.prompts.size())
        return "The bundled set \"" + set.name + "\" has " +
               counted(static_cast<std::int64_t>(set.prompts.size()), "prompt") + "; \"" +
               set.prompts[prompts.size()].id + "\" is left out.";
    return "";
}

std::optional<PromptFile> bundledSet(const std::string& name)
{
    return isListed(prompts::bundledNames(), name) ? std::optional(prompts::readPrompts(name)) : std::nullopt;
}

std::string noSuchSet(const std::string& name)
{
    return "This program bundles no prompt set named \"" + name + "\".";
}

std::string problemBeside(const PromptFile& own, const PromptSetStatement& prompts)
{
    return own.sha256 != prompts.sha256 ? "The set \"" + prompts.name + "\" is not the bundled one."
                                        : difference(prompts.prompts, own);
}

// A model is what its weight files are. Stated digests count only where files of that digest were read, or the IR
// was rebuilt from them.
void expectModel(const RunContents& contents, const std::vector<BlockOutcome>& outcomes, const VerifyOptions& options,
                 CheckList& checks)
{
    Row row("expect.model", group::provenance, "", "The model you expect");
    std::string unexpected;
    for (const SubjectFile& file : contents.run.manifest.subject.files)
        if (!isListed(options.expectModelSha256, file.sha256))
            unexpected += (unexpected.empty() ? "" : ", ") + file.name + " " + file.sha256;
    row.issuer(counted(static_cast<std::int64_t>(contents.run.manifest.subject.files.size()), "weight file"));
    const bool rebuilt = checks.verified("model.files");
    const bool seen = rebuilt || std::all_of(outcomes.begin(), outcomes.end(), [](const BlockOutcome& outcome) {
                          return outcome.weightsHold && outcome.weightsByReference;
                      });
    if (!unexpected.empty() || contents.run.manifest.subject.files.empty())
        row.failed("The run is about weight files you do not expect: " + unexpected + ".");
    else if (!seen)
        row.notChecked("The weights are embedded or were not read, so the model's digest is only the issuer's word; "
                       "use --level 4 with --model.");
    else
        row.how(rebuilt ? "re-hashed (level 4)" : "weights read from files of these digests").passedIf(true, "");
    checks.add(row);
}

}

std::string bundledSetProblem(const PromptSetStatement& prompts)
{
    const std::optional<PromptFile> own = bundledSet(prompts.name);
    return own ? problemBeside(*own, prompts) : noSuchSet(prompts.name);
}

bool checkPrompts(const PromptSet& prompts, CheckList& checks)
{
    if (!prompts.bundled)
        return false;
    Row row("provenance.prompts", group::provenance, "", "Prompt set as bundled with this program");
    row.issuer(prompts.sha256).how("compared by digest, text and label");
    const std::optional<PromptFile> own = bundledSet(prompts.name);
    if (!own) {
        checks.add(row.failed(noSuchSet(prompts.name)));
        return false;
    }
    std::string problem = problemBeside(*own, statementOf(prompts));
    for (std::size_t i = 0; problem.empty() && i < own->prompts.size(); ++i)
        if (own->prompts[i].label != prompts.prompts[i].label)
            problem =
                "The prompt \"" + own->prompts[i].id + "\" has another label in the bundled set \"" + own->name + "\".";
    checks.add(row.recomputed(own->sha256).passedIf(problem.empty(), problem));
    return problem.empty();
}

void checkExpectations(const RunContents& contents, const std::vector<BlockOutcome>& outcomes,
                       const VerifyOptions& options, CheckList& checks)
{
    const RunManifest& manifest = contents.run.manifest;
    if (!options.expectModelSha256.empty())
        expectModel(contents, outcomes, options, checks);
    if (!options.expectPromptsSha256.empty())
        checks.add(Row("expect.prompts", group::provenance, "", "The prompt set you expect")
                       .issuer(manifest.prompts.sha256)
                       .how("compared with your list")
                       .passedIf(isListed(options.expectPromptsSha256, manifest.prompts.sha256),
                                 "The prompt set \"" + manifest.prompts.name + "\" is not on your list."));
    if (options.expectTools.empty())
        return;
    std::string unexpected;
    for (const Certificate& certificate : contents.certificates)
        if (!isListed(options.expectTools, certificate.toolVersion))
            unexpected = certificate.toolVersion;
    checks.add(Row("expect.tool", group::provenance, "", "The tool you expect")
                   .issuer(manifest.toolVersion)
                   .how("compared with your list")
                   .passedIf(unexpected.empty(), "A certificate was issued by version " + unexpected +
                                                     " of the tool, which is not on your list."));
}

void checkBaseline(const RunContents& contents, const VerifyOptions& options, CheckList& checks)
{
    const auto& imported = contents.run.manifest.request.imported;
    if (!imported)
        return;
    const std::string program = imported->runtime + (imported->version.empty() ? "" : " " + imported->version);
    Row row("provenance.baseline", group::provenance, "", "The program that ran the baseline");
    row.issuer(program).optional();
    if (imported->mask == ImportedBaseline::Mask::Causal)
        row.note("its trace holds no mask: that it attended causally is the recorder's word");
    checks.add(row.notChecked(options.level >= 4 ? "That the states came out of " + program +
                                                       " is the issuer's word; whether they are the model's is above."
                                                 : "That the states came out of " + program +
                                                       " is the issuer's word; level 4 compares them with the model."));
}

void checkLosses(const RunContents& contents, const VerifyOptions& options, CheckList& checks)
{
    const LossMode loss = contents.run.manifest.request.loss;
    if (options.level < 4 && loss != LossMode::None) {
        const bool exact = loss == LossMode::Exact;
        Row row(exact ? "loss.tokens" : "loss.gradients", group::reEvaluation, "",
                exact ? "Per-token losses" : "Gradients behind the estimated loss changes");
        if (!options.requireLosses)
            row.optional();
        checks.add(row.how("level 4").notChecked(exact ? "Losses need the model: verify at level 4 with --model."
                                                       : "Gradients need the model: verify at level 4 with --model."));
    }
    checks.add(Row("provenance.statements", group::provenance, "", "Names, labels, dates, environment, command line")
                   .optional()
                   .notChecked("Nobody can recompute these: they are the issuer's words."));
}

}
