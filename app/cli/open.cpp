#include "app/cli/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_table.h"
#include "engine/protocol/model_card.h"

#include <fmt/format.h>

#include <map>
#include <utility>
#include <vector>

namespace blockcert::cli {

namespace {

using command_line::ParsedCommand;
using terminal::Align;
using terminal::Cell;
using terminal::Page;
using terminal::TextTable;
using terminal::Tone;

std::string shapeText(const Json& shape)
{
    std::string text;
    for (const Json& dimension : shape)
        text += (text.empty() ? "" : " × ") + dimension.dump();
    return text;
}

std::string ropeText(const Json& rope)
{
    if (rope.is_null())
        return "learned";
    const std::string kind = rope.at("scaling").at("kind");
    return fmt::format("RoPE, θ = {:g}{}", rope.at("theta").get<double>(), kind == "none" ? "" : ", scaled: " + kind);
}

std::string headsText(const Json& card)
{
    const int heads = card.at("heads");
    const int shared = card.at("kv_heads");
    return fmt::format("{} of width {}{}", heads, card.at("head_dim").get<int>(),
                       shared == heads ? "" : fmt::format(", {} for keys and values", shared));
}

std::string shapeTable(const Json& card, const Page& page)
{
    TextTable table({{""}, {"", Align::Left, terminal::Narrow::Wrap}});
    const auto row = [&](const char* name, std::string value) { table.add({{name, Tone::Quiet}, std::move(value)}); };
    row("blocks", std::to_string(card.at("layers").get<int>()));
    row("width d", std::to_string(card.at("d_model").get<int>()));
    row("heads", headsText(card));
    row("MLP width", std::to_string(card.at("d_ff").get<int>()));
    row("vocabulary",
        terminal::grouped(card.at("vocab")) + (card.at("tied_embeddings").get<bool>() ? ", embeddings tied" : ""));
    row("context", terminal::grouped(card.at("context")) + " tokens");
    row("positions", ropeText(card.at("rope")));
    row("norm", fmt::format("{}, ε = {:g}", card.at("architecture") == "gpt2" ? "LayerNorm" : "RMSNorm",
                            card.at("norm_epsilon").get<double>()));
    row("parameters", terminal::largeCount(card.at("parameters")));
    row("memory", terminal::bytes(card.at("memory").at("fp32_bytes")) + " of weights in fp32, " +
                      terminal::bytes(card.at("memory").at("bf16_bytes")) + " in bf16 or fp16");
    const Json& tokenizer = card.at("tokenizer");
    if (!tokenizer.is_null())
        row("tokenizer",
            terminal::visible(tokenizer.at("kind").get<std::string>()) +
                (tokenizer.at("chat_template").get<bool>() ? ", with chat template" : ", no chat template"));
    row("config", terminal::shortDigest(card.at("config_sha256")));
    return table.render(page.style, 2, page.tableWidth);
}

std::string fileTable(const Json& card, const terminal::Style& style)
{
    const bool hashed = !card.at("files").empty() && !card.at("files")[0].at("sha256").is_null();
    TextTable table({{"file"}, {"size", Align::Right}, {hashed ? "SHA-256" : ""}});
    for (const Json& file : card.at("files"))
        table.add({terminal::visible(file.at("name").get<std::string>()), terminal::bytes(file.at("size")),
                   hashed ? file.at("sha256").get<std::string>() : ""});
    return table.render(style);
}

// "block 7 q.weight" -> "q.weight": what tensors of all blocks have in common.
std::string kindOf(const std::string& role)
{
    std::string kind;
    for (std::size_t at = 0; at < role.size();) {
        const std::size_t end = std::min(role.find(" + ", at), role.size());
        std::string part = role.substr(at, end - at);
        if (part.starts_with("block "))
            part = part.substr(part.find(' ', 6) + 1);
        kind += (kind.empty() ? "" : " + ") + part;
        at = end == role.size() ? end : end + 3;
    }
    return kind;
}

std::string tensorTable(const Json& card, bool each, const Page& page)
{
    TextTable table({{"tensor"}, {"role"}, {"shape", Align::Right}, {"type"}, {"size", Align::Right}});

    struct Kind {
        std::int64_t count = 0;
        double size = 0;
        std::string name;
    };

    std::map<std::vector<std::string>, Kind> kinds; // by role, shape and type
    std::vector<std::vector<std::string>> order;
    for (const Json& tensor : card.at("tensors")) {
        const std::string role = tensor.at("role").is_null() ? "not used" : tensor.at("role").get<std::string>();
        const std::string name = terminal::visible(tensor.at("name").get<std::string>());
        const std::string shape = shapeText(tensor.at("shape"));
        const std::string dtype = tensor.at("dtype");
        if (each) {
            table.add({name, {role, Tone::Quiet}, shape, dtype, terminal::bytes(tensor.at("bytes"))});
            continue;
        }
        const std::vector<std::string> key = {kindOf(role), shape, dtype};
        if (!kinds.contains(key))
            order.push_back(key);
        Kind& kind = kinds[key];
        kind.name = kind.count == 0 ? name : "";
        ++kind.count;
        kind.size += tensor.at("bytes").get<double>();
    }
    for (const auto& key : order) {
        const Kind& kind = kinds[key];
        table.add({kind.count == 1 ? kind.name : fmt::format("{} tensors", kind.count),
                   {key[0], Tone::Quiet},
                   key[1],
                   key[2],
                   terminal::bytes(kind.size)});
    }
    return table.render(page.style, 2, each ? 0 : page.tableWidth); // whole names, where each is asked for
}

std::string render(const Json& card, const ParsedCommand& command, const Page& page)
{
    const std::string container = card.at("container") == "gguf" ? "GGUF" : "safetensors";
    const std::string family = card.at("architecture") == "gpt2" ? "GPT-2" : "Llama";
    std::string text = page.style.paint(Tone::Strong, terminal::visible(card.at("model").get<std::string>())) + "  " +
                       family + " family, " + container + "\n" +
                       page.style.paint(Tone::Quiet, terminal::visible(card.at("path").get<std::string>())) + "\n\n";
    text += shapeTable(card, page) + "\n" + fileTable(card, page.style) + "\n" +
            tensorTable(card, command.has("tensors"), page);
    std::vector<std::string> remarks;
    for (const Json& warning : card.at("warnings"))
        remarks.push_back(warning.get<std::string>());
    if (!card.at("tokenizer_problem").is_null())
        remarks.push_back("No tokenizer: " + card.at("tokenizer_problem").get<std::string>());
    if (!remarks.empty())
        text += "\n";
    for (const std::string& remark : remarks)
        text += page.style.paint(Tone::Warning, terminal::wrap(terminal::visible(remark), page.width, 2)) + "\n";
    return text;
}

}

terminal::Verb openVerb()
{
    return {"open",
            [](const ParsedCommand& command, const RunContext& context) -> terminal::VerbResult {
                return {protocol::openModel({command.text("MODEL"), command.has("hash")}, terminal::modelLocations(),
                                            context),
                        0};
            },
            render,
            "result",
            {}};
}

}
