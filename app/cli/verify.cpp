#include "engine/certificate/verify.h"

#include "app/cli/verbs.h"
#include "app/cli/verdict_report.h"
#include "app/cli/verify_options.h"
#include "app/terminal/surroundings.h"
#include "engine/artifact/checkpoint.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/file_fault.h"
#include "engine/certificate/policy_file.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/failures/failures.h"

#include <cerrno>
#include <unistd.h>

namespace blockcert::cli {

namespace {

using command_line::ParsedCommand;

// The baseline decides the default of tau_rel. What cannot be read here will be a finding of the verification.
DType baselineOf(const std::filesystem::path& runOrCertificate)
{
    try {
        const std::string name(certificate::manifestName);
        const certificate::RunFolder folder(certificate::runOf(runOrCertificate));
        const JsonLimits limits;
        const Json json = parseStrictJson(folder.readText(name, limits.bytes), name, limits);
        return certificate::runFromJson(json, name).manifest.request.baselineDtype;
    } catch (const Error&) {
        return DType::F32;
    }
}

certificate::VerifyOptions optionsOf(const ParsedCommand& command)
{
    certificate::VerifyOptions options;
    options.level = static_cast<int>(*command.integer("level"));
    setSurroundings(options, command);
    if (command.has("surrogate_model"))
        options.surrogateModel = artifact::resolveModel(command.text("surrogate_model"), terminal::modelLocations());
    if (command.has("policy")) {
        const auto defaults = certificate::defaultPolicy(baselineOf(command.text("RUN")));
        const certificate::PolicyFile file = certificate::readPolicyFile(command.text("policy"), defaults);
        options.policy = file.policy;
        options.expectModelSha256 = file.models;
        options.expectPromptsSha256 = file.prompts;
        options.expectTools = file.tools;
        options.requireLosses = file.requireLosses;
    }
    for (const std::string& digest : command.texts("expect_model")) {
        if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos)
            throw UsageError("--expect-model takes a SHA-256 as 64 lower-case hexadecimal digits, not \"" + digest +
                             "\".");
        options.expectModelSha256.push_back(digest);
    }
    options.cells = *command.integer("cells");
    return options;
}

// Refused before minutes of work, and never into what is being checked.
void requireUsableOutput(const std::filesystem::path& run, const std::filesystem::path& out)
{
    failures::requireOutside(run, out);
    const std::filesystem::path folder = out.has_parent_path() ? out.parent_path() : ".";
    std::error_code error;
    if (std::filesystem::is_directory(out, error))
        throw OutputError("The verdict cannot be written to " + out.string() + ": it is a folder; name a file.");
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
        refuseToWrite("Cannot write to", folder, errno);
}

terminal::VerbResult verify(const ParsedCommand& command, const RunContext& context)
{
    const std::filesystem::path run = command.text("RUN");
    if (command.has("out"))
        requireUsableOutput(certificate::runOf(run), command.text("out"));
    const double begin = terminal::steadySeconds();
    Verdict verdict = certificate::verify(run, optionsOf(command), context);
    verdict.seconds = terminal::steadySeconds() - begin;
    const Json json = certificate::verdictToJson(verdict);
    if (command.has("out"))
        writeFileAtomically(command.text("out"), writeJson(json));
    return {json, verdict.exitCode};
}

}

terminal::Verb verifyVerb()
{
    return {"verify",
            verify,
            [](const Json& verdict, const ParsedCommand& command, const terminal::Page& page) {
                return renderVerdict(verdict, command.has("verbose"), page);
            },
            "verdict",
            {}};
}

}
