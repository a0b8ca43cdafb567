#include "app/cli/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/surroundings.h"
#include "engine/protocol/token_listing.h"

#include <algorithm>
#include <utility>

namespace blockcert::cli {

namespace {

using command_line::ParsedCommand;
using terminal::Page;
using terminal::Tone;

std::string blanks(int count)
{
    return std::string(static_cast<std::size_t>(std::max(count, 0)), ' ');
}

std::string withoutTail(std::string text)
{
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

// Pieces above their ids, in columns, as many to a line as fit; ids alone where the model has no tokenizer.
std::string pieceLines(const Json& prompt, const Page& page)
{
    std::string text;
    std::string pieces = "  ";
    std::string ids = "  ";
    int column = 2;
    const bool named = std::ranges::any_of(prompt.at("pieces"), [](const Json& piece) { return piece != ""; });
    const auto flush = [&] {
        if (column > 2 && named)
            text += withoutTail(pieces) + "\n";
        if (column > 2)
            text += page.style.paint(Tone::Quiet, withoutTail(ids)) + "\n";
        pieces = "  ";
        ids = "  ";
        column = 2;
    };
    for (std::size_t i = 0; i < prompt.at("token_ids").size(); ++i) {
        const std::string shown = terminal::visiblePiece(prompt.at("pieces")[i].get<std::string>(), 40);
        const std::string id = prompt.at("token_ids")[i].dump();
        const int width = std::max(terminal::displayWidth(shown), static_cast<int>(id.size()));
        if (column + width > page.width)
            flush();
        const Tone tone = prompt.at("special")[i].get<bool>() ? Tone::Accent : Tone::Plain;
        pieces += page.style.paint(tone, shown) + blanks(width - terminal::displayWidth(shown) + 2);
        ids += id + blanks(width - static_cast<int>(id.size()) + 2);
        column += width + 2;
    }
    flush();
    return text;
}

std::string render(const Json& listing, const ParsedCommand&, const Page& page)
{
    std::string text;
    std::int64_t tokens = 0;
    for (const Json& prompt : listing.at("prompts")) {
        const auto count = static_cast<std::int64_t>(prompt.at("token_ids").size());
        tokens += count;
        text += page.style.paint(Tone::Strong, terminal::visible(prompt.at("id").get<std::string>())) + "  " +
                terminal::counted(count, "token");
        if (!prompt.at("label").get<std::string>().empty())
            text += ", " + terminal::visible(prompt.at("label").get<std::string>());
        if (!prompt.at("split").get<std::string>().empty())
            text += ", " + terminal::visible(prompt.at("split").get<std::string>());
        if (const std::int64_t lost = prompt.at("truncated"); lost > 0)
            text += page.style.paint(Tone::Warning, ", " + terminal::counted(lost, "token") + " cut off at the end");
        text += "\n" + pieceLines(prompt, page) + "\n";
    }
    text += terminal::counted(static_cast<std::int64_t>(listing.at("prompts").size()), "prompt") + ", " +
            terminal::counted(tokens, "token") +
            page.style.paint(Tone::Quiet, ", ids " + terminal::shortDigest(listing.at("token_ids_sha256"))) + "\n";
    for (const Json& warning : listing.at("warnings"))
        text += page.style.paint(Tone::Warning,
                                 terminal::wrap(terminal::visible(warning.get<std::string>()), page.width, 2)) +
                "\n";
    return text;
}

}

terminal::Verb tokenizeVerb()
{
    return {"tokenize",
            [](const ParsedCommand& command, const RunContext&) -> terminal::VerbResult {
                protocol::TokenizeOptions options;
                options.model = command.text("MODEL");
                if (command.has("text"))
                    options.text = command.text("text");
                options.prompts = command.text("prompts");
                options.maxTokens = *command.integer("max_tokens");
                return {protocol::tokenize(options, terminal::modelLocations()), 0};
            },
            render,
            "result",
            {}};
}

}
