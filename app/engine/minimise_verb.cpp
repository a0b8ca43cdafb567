#include "app/engine/request_options.h"
#include "app/engine/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/surroundings.h"
#include "engine/failures/failures.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace blockcert::engine {

namespace {

using command_line::ParsedCommand;
using terminal::Page;
using terminal::Tone;

terminal::VerbResult minimise(const pipeline::Host& host, const ParsedCommand& command, const RunContext& context)
{
    const double begin = terminal::steadySeconds();
    const std::filesystem::path run = command.text("RUN");
    const std::filesystem::path out =
        command.has("out") ? std::filesystem::path(command.text("out")) : failures::folderBeside(run, "failures");
    failures::requireOutside(run, out);
    Json parameters = command.parameters();
    parameters.erase("out");
    pipeline::ModelCache cache(host);
    Json result = pipeline::minimise(minimiseOptions(parameters), cache, context);
    failures::writeTogether(out, {{"minimised.jsonl", result.at("line").get<std::string>() + "\n"}});
    result["files"] = {{"prompts", (out / "minimised.jsonl").string()}};
    result["seconds"] = terminal::steadySeconds() - begin;
    return {std::move(result), 0};
}

std::string sideText(const Json& side)
{
    const Json& worst = side.at("worst");
    const std::string piece = worst.at("piece");
    return fmt::format("{}, largest error {} at {}token {}", terminal::counted(side.at("tokens"), "token"),
                       side.at("error").is_null() ? "not a number" : terminal::threeDigits(side.at("error")),
                       piece.empty() ? "" : "“" + terminal::visiblePiece(piece, 24) + "”, ",
                       worst.at("token").get<std::int64_t>());
}

std::string render(const Json& result, const ParsedCommand&, const Page& page)
{
    std::string text =
        page.style.paint(Tone::Strong, "Prompt " + terminal::visible(result.at("prompt").at("id").get<std::string>())) +
        fmt::format(", block {}: a {} above {} is the failure\n", result.at("block").get<int>(),
                    result.at("measure") == "l2" ? "distance" : "relative error",
                    terminal::plainNumber(result.at("threshold")));
    text += "  before  " + sideText(result.at("before")) + "\n  after   " + sideText(result.at("after")) + "\n";
    std::string pieces;
    for (const Json& piece : result.at("pieces"))
        pieces += (pieces.empty() ? "" : " ") + terminal::visiblePiece(piece.get<std::string>(), 40);
    if (!pieces.empty())
        text += "  " + terminal::wrap(pieces, page.width - 2, 2) + "\n";
    text += fmt::format("{} tried; {}.\n\n", terminal::counted(result.at("tests"), "prompt"),
                        result.at("minimal").get<bool>()
                            ? "without any single one of these tokens it does not fail"
                            : "the bound on tests was reached, so it may be possible to drop more (--tests)");
    text += result.at("line").get<std::string>() + "\n\n";
    return text + page.style.paint(Tone::Quiet, "written   ") +
           terminal::visible(result.at("files").at("prompts").get<std::string>()) + "\n";
}

}

terminal::Verb minimiseVerb(const pipeline::Host& host)
{
    return {
        "failures",
        [&host](const ParsedCommand& command, const RunContext& context) { return minimise(host, command, context); },
        render,
        "result",
        {}};
}

}
