#include "engine/certificate/consistency.h"

#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/token_ids.h"

#include <algorithm>
#include <set>

namespace blockcert::certificate {

namespace {

// The first thing that is not as a certificate of this version must be; empty if all is.
std::string malformation(const Certificate& certificate)
{
    const Subject& subject = certificate.subject;
    if (certificate.block.value >= subject.layers)
        return "it is about block " + std::to_string(certificate.block.value) + " of a model of " +
               std::to_string(subject.layers) + " blocks";
    if (certificate.artifacts.size() != 2 || certificate.artifacts[0].role != "ir" ||
        certificate.artifacts[1].role != "probes")
        return "it must name two artifacts, ir and probes, in this order";
    if (certificate.artifacts[0].path != irPath(certificate.block) ||
        certificate.artifacts[1].path != probesPath(certificate.block))
        return "its artifacts are not the files of its own block's folder";
    if (certificate.request.imported && certificate.request.loss != LossMode::None)
        return "it states losses of a baseline that this program did not run";
    if (certificate.metrics.prompts.size() != certificate.prompts.prompts.size())
        return "it has " + std::to_string(certificate.metrics.prompts.size()) + " rows for " +
               std::to_string(certificate.prompts.prompts.size()) + " prompts";
    for (std::size_t p = 0; p < certificate.prompts.prompts.size(); ++p)
        if (certificate.metrics.prompts[p].id != certificate.prompts.prompts[p].id ||
            certificate.metrics.prompts[p].tokens != certificate.prompts.prompts[p].tokens)
            return "its row " + std::to_string(p) + " is not about prompt " + std::to_string(p);
    std::set<std::string> files;
    for (const SubjectFile& file : subject.files)
        if (file.name.empty() || file.name.find('/') != std::string::npos || !files.insert(file.name).second)
            return "its weight files are not distinct base names";
    return "";
}

std::string contradiction(const Certificate& certificate, const RunManifest& manifest)
{
    RunRequest request = manifest.request;
    request.blocks = {certificate.block};
    if (certificate.request != request)
        return "the request (dtype, surrogate, policy, losses …)";
    if (certificate.subject != manifest.subject)
        return "the model";
    if (certificate.surrogateModel != manifest.surrogateModel)
        return "the surrogate's model";
    if (certificate.prompts != statementOf(manifest.prompts))
        return "the prompts";
    return "";
}

std::string statusText(bool certified, const std::vector<CertificateFinding>& findings)
{
    if (certified || findings.empty())
        return certified ? "certified" : "not certified";
    return "not certified (" + findingsText(findings) + ")";
}

}

void checkHeldOut(const RunManifest& manifest, CheckList& checks)
{
    std::string problem;
    for (const EncodedPrompt& prompt : manifest.prompts.prompts)
        if (prompt.split == "heldout" && problem.empty())
            problem = "The prompt \"" + prompt.id + "\" is called held out, and such prompts never certify.";
    checks.add(Row("consistency.heldout", group::consistency, manifestName, "No prompt that was held out")
                   .how("read")
                   .passedIf(problem.empty(), problem));
}

void checkLengths(const RunManifest& manifest, CheckList& checks)
{
    std::string problem;
    std::int64_t cut = 0; // where the first one was cut
    for (const EncodedPrompt& prompt : manifest.prompts.prompts) {
        const auto tokens = static_cast<std::int64_t>(prompt.tokenIds.size());
        if (prompt.truncatedTokens > 0 && cut == 0)
            cut = tokens;
        if (!problem.empty())
            continue;
        if (tokens > manifest.request.maxTokens)
            problem = "The prompt \"" + prompt.id + "\" has " + counted(tokens, "token") + ", and the run's limit is " +
                      std::to_string(manifest.request.maxTokens) + ".";
        else if (prompt.truncatedTokens > 0 && tokens != cut)
            problem = "The prompt \"" + prompt.id + "\" was cut at " + counted(tokens, "token") +
                      " and another one at " + std::to_string(cut) + ".";
    }
    checks.add(Row("consistency.lengths", group::consistency, manifestName, "No prompt is longer than the run's limit")
                   .how("read")
                   .passedIf(problem.empty(), problem));
}

void checkBlocks(const RunContents& contents, bool complete, CheckList& checks)
{
    std::set<LayerIndex> expected(contents.run.manifest.request.blocks.begin(),
                                  contents.run.manifest.request.blocks.end());
    for (const BlockFailure& failure : contents.run.state.failed)
        expected.erase(failure.block);
    std::set<LayerIndex> listed;
    for (const LayerIndex block : contents.run.manifest.request.blocks)
        if (contents.sums.contains(certificatePath(block)))
            listed.insert(block);
    const std::set<LayerIndex> finished(contents.run.state.finished.begin(), contents.run.state.finished.end());
    std::string problem;
    if (finished != expected)
        problem = "The finished blocks that run.json names are not those that were asked for.";
    if (listed != expected)
        problem = "SHA256SUMS lists certificates of " + counted(static_cast<std::int64_t>(listed.size()), "block") +
                  ", run.json asks for " + std::to_string(expected.size()) + ".";
    for (const Certificate& certificate : contents.certificates)
        if (!expected.contains(certificate.block))
            problem = "There is a certificate of block " + std::to_string(certificate.block.value) +
                      ", which run.json does not ask for.";
    if (expected.empty() && problem.empty())
        problem = "The run holds no certificate.";
    const bool unread = complete && problem.empty() && contents.certificates.size() != expected.size();
    if (unread)
        problem = "Only " + std::to_string(contents.certificates.size()) + " of " + std::to_string(expected.size()) +
                  " certificates could be read.";
    Row row("consistency.blocks", group::consistency, "", "A certificate for every block that could be measured");
    const std::size_t failed = contents.run.state.failed.size();
    row.issuer(counted(static_cast<std::int64_t>(contents.run.manifest.request.blocks.size()), "block"))
        .recomputed(counted(static_cast<std::int64_t>(listed.size()), "certificate") +
                    (failed == 0 ? "" : ", " + std::to_string(failed) + " not measured"))
        .how("counted");
    // Why one could not be read is a row of its own, which fails; it is there, and nothing says that it is not.
    if (unread && checks.anyFailed())
        row.notChecked(problem);
    else
        row.passedIf(problem.empty(), problem);
    checks.add(row);
    if (failed > 0)
        checks.add(Row("consistency.unmeasured", group::consistency, "", "Why blocks without a certificate have none")
                       .optional()
                       .issuer(counted(static_cast<std::int64_t>(failed), "block"))
                       .notChecked("That they could not be measured is the issuer's word at every level."));
}

Row selfRow(std::string_view id, const std::string& where, const std::string& malformation)
{
    return Row(id, group::consistency, where, "The certificate agrees with itself")
        .how("compared")
        .passedIf(malformation.empty(), "The certificate is inconsistent: " + malformation + ".");
}

Row manifestRow(const std::string& where, const std::string& difference)
{
    return Row("consistency.manifest", group::consistency, where, "Certificate and run.json say the same")
        .how("compared")
        .passedIf(difference.empty(), "Certificate and run.json differ in " + difference + ".");
}

void checkCertificate(const Certificate& certificate, const RunManifest& manifest, CheckList& checks)
{
    const std::string where = blockText(certificate.block.value);
    checks.add(selfRow("consistency.certificate", where, malformation(certificate)));

    const double allowed = certificate.request.comparisonTolerance();
    checks.add(Row("consistency.tolerance", group::consistency, where, "Comparison tolerance ρ")
                   .issuer(exactText(certificate.comparisonTolerance))
                   .recomputed(exactText(allowed))
                   .how("by replay dtype")
                   .passedIf(certificate.comparisonTolerance > 0 && certificate.comparisonTolerance <= allowed,
                             "ρ must be above 0 and at most " + exactText(allowed) + " for this replay dtype."));

    const auto findings = judge(certificate.metrics, certificate.request.policy);
    const std::string issued = statusText(certificate.certified, certificate.findings);
    const std::string derived = statusText(findings.empty(), findings);
    checks.add(Row("consistency.status", group::consistency, where, "Status follows from the stated numbers and policy")
                   .issuer(issued)
                   .recomputed(derived)
                   .how("re-derived")
                   .passedIf(certificate.certified == findings.empty() && certificate.findings == findings,
                             "The certificate says " + issued + "; its own numbers and policy give " + derived + "."));

    checks.add(manifestRow(where, contradiction(certificate, manifest)));
}

void checkChain(const std::vector<RecordedTrace>& traces, CheckList& checks)
{
    for (std::size_t i = 1; i < traces.size(); ++i) {
        const RecordedTrace& before = traces[i - 1];
        const RecordedTrace& trace = traces[i];
        if (trace.block.value != before.block.value + 1)
            continue;
        checks.add(
            Row("chain.input", group::consistency, blockText(trace.block.value),
                "Input is the output of the block before")
                .issuer(trace.input)
                .recomputed(before.output)
                .how("compared, bit for bit")
                .passedIf(trace.input == before.output, "The recorded input is not the recorded output of block " +
                                                            std::to_string(before.block.value) + "."));
    }
}

std::string findingsText(const std::vector<CertificateFinding>& findings)
{
    std::string text;
    for (const CertificateFinding& finding : findings) {
        std::string code = finding.code;
        std::replace(code.begin(), code.end(), '_', ' '); // "loss coverage missing"
        text += text.empty() ? "" : "; ";
        if (finding.observed && code.ends_with(" below"))
            text += code.substr(0, code.size() - 6) + " " + exactText(*finding.observed) + " is below " +
                    exactText(finding.threshold);
        else
            text += code + ": " + finding.where;
    }
    return text;
}

}
