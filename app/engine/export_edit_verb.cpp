#include "app/engine/edit_request.h"
#include "app/engine/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_style.h"

namespace blockcert::engine {

namespace {

using command_line::ParsedCommand;

terminal::VerbResult exportEdit(const pipeline::Host& host, const ParsedCommand& command, const RunContext& context)
{
    const double begin = terminal::steadySeconds();
    pipeline::ModelCache cache(host);
    Json result = pipeline::exportEdit(exportEditOptions(command.parameters()), cache, context);
    result["seconds"] = terminal::steadySeconds() - begin;
    return {std::move(result), 0};
}

std::string render(const Json& result, const ParsedCommand&, const terminal::Page& page)
{
    const Json& difference = result.at("difference");
    std::string text = page.style.paint(terminal::Tone::Strong, "Edited model ") +
                       terminal::visible(result.at("out").get<std::string>()) + "\n";
    for (const Json& tensor : result.at("edited_tensors"))
        text += "  edited   " + terminal::visible(tensor.get<std::string>()) + "\n";
    text += "  rounding of the edited weights to " + result.at("dtype").get<std::string>() + ": at most " +
            terminal::threeDigits(result.at("largest_rounding")) + " of the tensor's largest element\n";
    return text + "  against the edit as it was measured: states before the final norm differ by at most " +
           terminal::threeDigits(difference.at("largest")) + ", their largest norm is " +
           terminal::threeDigits(difference.at("largest_norm")) + " (" +
           terminal::counted(difference.at("tokens").get<std::int64_t>(), "token") + ")\n";
}

}

terminal::Verb exportEditVerb(const pipeline::Host& host)
{
    return {
        "export",
        [&host](const ParsedCommand& command, const RunContext& context) { return exportEdit(host, command, context); },
        render, "result", [](const ParsedCommand&) { return "Nothing is left of a model that was not whole yet."; }};
}

}
