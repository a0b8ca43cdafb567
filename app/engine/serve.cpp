#include "app/engine/serve.h"

#include "app/command_line/equivalent_command.h"
#include "app/engine/edit_request.h"
#include "app/engine/experiment_request.h"
#include "app/engine/parameters.h"
#include "app/engine/request_options.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_style.h"
#include "engine/base/error.h"
#include "engine/protocol/model_card.h"
#include "engine/protocol/run_files.h"
#include "engine/protocol/server.h"
#include "engine/protocol/token_listing.h"

#include <csignal>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace blockcert::engine {

namespace {

constexpr int protocolVersion = 1;

Json initialise(const Json& json, const pipeline::Host& host)
{
    Parameters parameters("initialize", json);
    const std::int64_t asked = parameters.integer("protocol", protocolVersion, 0, 1 << 30);
    const std::string device = parameters.text("device", "cpu");
    const int threads = static_cast<int>(parameters.integer("threads", 0, 0, 1024));
    (void)parameters.text("client", "unnamed");
    parameters.finish();
    if (asked != protocolVersion)
        throw UnsupportedError("The client speaks version " + std::to_string(asked) +
                               " of the protocol and this engine version " + std::to_string(protocolVersion) +
                               "; install both from one release.");
    Json result = pipeline::describeEngine(device, threads);
    result["protocol"] = protocolVersion;
    result["version"] = host.toolVersion;
    result["build"] = host.toolBuild;
    return result;
}

Json open(const Json& json, const pipeline::Host& host, const RunContext& context)
{
    Parameters parameters("open", json);
    protocol::OpenOptions options;
    options.model = parameters.text("model");
    options.hash = parameters.flag("hash");
    parameters.finish();
    return protocol::openModel(options, host.locations, context);
}

Json tokenize(const Json& json, const pipeline::Host& host)
{
    Parameters parameters("tokenize", json);
    protocol::TokenizeOptions options;
    options.model = parameters.text("model");
    if (parameters.has("text"))
        options.text = parameters.text("text");
    if (parameters.has("content")) {
        options.content = parameters.text("content");
        options.format = parameters.word("format", {"jsonl", "txt", "csv"});
        options.name = parameters.text("name", options.name);
    }
    options.prompts = parameters.text("prompts", "");
    options.maxTokens = parameters.integer("max_tokens", options.maxTokens, 1, 1 << 20);
    parameters.finish();
    return protocol::tokenize(options, host.locations);
}

Json readRunFile(const Json& json)
{
    Parameters parameters("run_read", json);
    const std::string run = parameters.text("run");
    const std::string path = parameters.text("path");
    const std::int64_t offset = parameters.integer("offset", 0, 0, std::int64_t{1} << 50);
    const std::int64_t bytes = parameters.integer("bytes", protocol::largestRunChunk, 1, protocol::largestRunChunk);
    parameters.finish();
    return protocol::readRunFile(run, path, offset, bytes);
}

pipeline::CertifyOptions certifyRequest(const Json& json)
{
    pipeline::CertifyOptions options = certifyOptions(json);
    options.created = terminal::creationTime();
    options.commandLine = command_line::equivalentCommand(*command_line::findVerb("certify"), json);
    return options;
}

// A run that was begun and not finished.
bool isResumable(const Json& json)
{
    const std::filesystem::path run = json.value("out", "");
    std::error_code error;
    return !run.empty() && std::filesystem::exists(run / "run.json", error) &&
           !std::filesystem::exists(run / "SHA256SUMS", error);
}

protocol::Method timed(std::function<Json(const Json&, const RunContext&)> work)
{
    return {[work = std::move(work)](const Json& json, const RunContext& context) {
                const double begin = terminal::steadySeconds();
                Json result = work(json, context);
                result["seconds"] = terminal::steadySeconds() - begin;
                return result;
            },
            {}};
}

void addMethods(protocol::Server& server, const pipeline::Host& host, pipeline::ModelCache& cache)
{
    server.add("initialize", {[&host](const Json& json, const RunContext&) { return initialise(json, host); }, {}});
    server.add("open",
               {[&host](const Json& json, const RunContext& context) { return open(json, host, context); }, {}});
    server.add("tokenize", {[&host](const Json& json, const RunContext&) { return tokenize(json, host); }, {}});
    server.add("run_files", {[](const Json& json, const RunContext&) {
                                 Parameters parameters("run_files", json);
                                 const std::string run = parameters.text("run");
                                 parameters.finish();
                                 return protocol::listRunFiles(run);
                             },
                             {}});
    server.add("run_read", {[](const Json& json, const RunContext&) { return readRunFile(json); }, {}});
    server.add("estimate", timed([&cache](const Json& json, const RunContext& context) {
                   Json asked = json;
                   asked["dry_run"] = true;
                   return pipeline::estimate(certifyRequest(asked), cache, context);
               }));
    protocol::Method certify = timed([&cache](const Json& json, const RunContext& context) {
        const pipeline::CertifyOptions options = certifyRequest(json);
        return options.dryRun ? pipeline::estimate(options, cache, context)
                              : pipeline::certify(options, cache, context);
    });
    certify.resumable = isResumable;
    server.add("certify", std::move(certify));
    server.add("stitch", timed([&cache](const Json& json, const RunContext& context) {
                   pipeline::StitchOptions options = stitchOptions(json);
                   options.created = terminal::creationTime();
                   Json recorded = json; // which does not depend on what is answered
                   recorded.erase("tokens");
                   options.commandLine = command_line::equivalentCommand(*command_line::findVerb("stitch"), recorded);
                   return pipeline::stitch(options, cache, context);
               }));
    server.add("edit", timed([&cache](const Json& json, const RunContext& context) {
                   pipeline::EditOptions options = editOptions(json);
                   options.created = terminal::creationTime();
                   options.commandLine = command_line::equivalentCommand(*command_line::findVerb("edit"), json);
                   return pipeline::edit(options, cache, context);
               }));
    server.add("edit_effect", {[&cache](const Json& json, const RunContext& context) {
                                   pipeline::EditEffectOptions options = editEffectOptions(json);
                                   options.seconds = terminal::steadySeconds;
                                   return pipeline::editEffect(options, cache, context);
                               },
                               {}});
    server.add("write_patch", {[&cache](const Json& json, const RunContext& context) {
                                   return pipeline::writePatch(writePatchOptions(json), cache, context);
                               },
                               {}});
    server.add("read_patch", {[&cache](const Json& json, const RunContext& context) {
                                  return pipeline::readPatch(readPatchOptions(json), cache, context);
                              },
                              {}});
    server.add("read_markers",
               {[](const Json& json, const RunContext&) { return pipeline::readMarkers(markersFile(json)); }, {}});
    server.add("export_model", timed([&cache](const Json& json, const RunContext& context) {
                   return pipeline::exportEdit(exportEditOptions(json), cache, context);
               }));
    protocol::Method sweep = timed([&cache](const Json& json, const RunContext& context) {
        pipeline::SweepOptions options = sweepOptions(json);
        options.created = terminal::creationTime();
        options.commandLine = command_line::equivalentCommand(*command_line::findVerb("sweep"), json);
        return pipeline::sweep(options, cache, context);
    });
    sweep.resumable = isSweepResumable;
    server.add("sweep", std::move(sweep));
    protocol::Method experiment =
        timed([&cache](const Json& json, const RunContext& context) { return runExperiment(json, cache, context); });
    experiment.resumable = isExperimentResumable;
    server.add("experiment", std::move(experiment));
    server.add("evaluate", timed([&cache](const Json& json, const RunContext& context) {
                   return pipeline::evaluate(evaluateOptions(json), cache, context);
               }));
    server.add("minimise", timed([&cache](const Json& json, const RunContext& context) {
                   return pipeline::minimise(minimiseOptions(json), cache, context);
               }));
    server.add("generate", timed([&cache](const Json& json, const RunContext& context) {
                   return pipeline::generate(generateOptions(json), cache, context);
               }));
}

}

int serve(const pipeline::Host& host)
{
    (void)std::signal(SIGPIPE, SIG_IGN);
    if (terminal::isTerminal(STDIN_FILENO))
        std::cerr << "blockcert-engine: waiting for requests on standard input (docs/protocol.md); Ctrl+D ends it.\n";
    // Whatever a library prints must not get between the messages: it goes to the log.
    const int output = ::dup(STDOUT_FILENO);
    if (output < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        throw ResourceError("The engine cannot set up its output: too many files are open.");

    pipeline::ModelCache cache(host);
    protocol::ServerOptions options;
    options.output = output;
    options.seconds = terminal::steadySeconds;
    options.onExit = [] { ::_exit(0); };
    protocol::Server server(options);
    addMethods(server, host, cache);
    if (server.run() == protocol::ServerEnd::Garbage) {
        std::cerr << "blockcert-engine: " << server.problem() << "\n";
        return static_cast<int>(ExitCode::InputUnreadable);
    }
    return 0;
}

}
