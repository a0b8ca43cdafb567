#include "app/engine/request_options.h"
#include "app/engine/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_table.h"
#include "engine/base/error.h"

#include <utility>

namespace blockcert::engine {

namespace {

using command_line::ParsedCommand;
using terminal::Align;
using terminal::Page;
using terminal::TextTable;
using terminal::Tone;

// ", 12 tokens cut off at the end": losses of a prompt that lost its end are about another prompt.
std::string cutText(const Json& prompt)
{
    const auto lost = prompt.at("truncated").get<std::int64_t>();
    return lost > 0 ? ", " + terminal::counted(lost, "token") + " cut off at the end" : "";
}

std::string renderEvaluation(const Json& result, const ParsedCommand&, const Page& page)
{
    TextTable table({{"prompt"},
                     {"tokens", Align::Right},
                     {"mean loss", Align::Right},
                     {"worst", Align::Right},
                     {"top-1 hits", Align::Right}});
    for (const Json& prompt : result.at("prompts")) {
        const Json& nll = prompt.at("nll");
        double sum = 0;
        double worst = 0;
        std::int64_t hits = 0;
        std::int64_t predicted = 0;
        for (std::size_t t = 1; t < nll.size(); ++t) {
            const double loss = nll[t];
            sum += loss;
            worst = std::max(worst, loss);
            hits += prompt.at("top1")[t - 1] == prompt.at("token_ids")[t] ? 1 : 0;
            ++predicted;
        }
        table.add({terminal::visible(prompt.at("id").get<std::string>()), std::to_string(nll.size()) + cutText(prompt),
                   predicted > 0 ? terminal::threeDigits(sum / static_cast<double>(predicted)) : "–",
                   predicted > 0 ? terminal::threeDigits(worst) : "–",
                   std::to_string(hits) + " of " + std::to_string(predicted)});
    }
    const std::string summary = result.at("mean_nll").is_null()
                                    ? "No loss: every prompt is a single token, and the first is never predicted."
                                    : "Mean loss " + terminal::threeDigits(result.at("mean_nll")) +
                                          " nats a token, perplexity " +
                                          terminal::threeDigits(result.at("perplexity")) + ".";
    return table.render(page.style, 2, page.tableWidth) + "\n" + terminal::wrap(summary, page.width, 0) + "\n";
}

// Without a tokenizer there are ids alone.
std::string textOf(const Json& completion)
{
    return terminal::visible(completion.at("text").is_null() ? completion.at("token_ids").dump()
                                                             : completion.at("text").get<std::string>());
}

std::string renderStitched(const Json& prompt, const Page& page)
{
    const Json& stitched = prompt.at("stitched");
    const Json& at = prompt.at("first_divergence");
    const std::string where = at.is_null() ? std::string("the same with surrogates")
                                           : "with surrogates, another token from new token " + at.dump() + " on";
    return page.style.paint(at.is_null() ? Tone::Good : Tone::Warning, "  " + where) + "\n" +
           (at.is_null() ? "" : "  " + terminal::wrap(textOf(stitched), page.width - 2, 2) + "\n");
}

std::string renderGeneration(const Json& result, const ParsedCommand&, const Page& page)
{
    std::string text;
    for (const Json& prompt : result.at("prompts")) {
        text += page.style.paint(Tone::Strong, terminal::visible(prompt.at("id").get<std::string>())) +
                page.style.paint(
                    Tone::Quiet,
                    "  " + terminal::counted(static_cast<std::int64_t>(prompt.at("token_ids").size()), "token") +
                        (prompt.value("stopped", "") == "length" ? ", stopped by --max-new" : "")) +
                (cutText(prompt).empty() ? "" : page.style.paint(Tone::Warning, cutText(prompt) + " of the prompt")) +
                "\n  " + terminal::wrap(textOf(prompt), page.width - 2, 2) + "\n";
        if (prompt.contains("stitched"))
            text += renderStitched(prompt, page);
    }
    return text;
}

// Adds `seconds`, which the pipeline cannot know.
template <class Work>
terminal::Verb timedVerb(std::string name, Work work,
                         std::function<std::string(const Json&, const ParsedCommand&, const Page&)> render)
{
    return {std::move(name),
            [work](const ParsedCommand& command, const RunContext& context) -> terminal::VerbResult {
                const double begin = terminal::steadySeconds();
                Json result = work(command.parameters(), context);
                result["seconds"] = terminal::steadySeconds() - begin;
                return {std::move(result), 0};
            },
            std::move(render),
            "result",
            {}};
}

}

terminal::Verb evaluateVerb(const pipeline::Host& host)
{
    return timedVerb(
        "evaluate",
        [&host](const Json& parameters, const RunContext& context) {
            pipeline::ModelCache cache(host);
            return pipeline::evaluate(evaluateOptions(parameters), cache, context);
        },
        renderEvaluation);
}

terminal::Verb generateVerb(const pipeline::Host& host)
{
    return timedVerb(
        "generate",
        [&host](const Json& parameters, const RunContext& context) {
            pipeline::ModelCache cache(host);
            return pipeline::generate(generateOptions(parameters), cache, context);
        },
        renderGeneration);
}

terminal::Verb doctorVerb(const pipeline::Host& host)
{
    return timedVerb(
        "engine-doctor",
        [&host](const Json& parameters, const RunContext& context) {
            pipeline::ModelCache cache(host);
            return pipeline::doctor(doctorOptions(parameters), cache, context);
        },
        [](const Json& report, const ParsedCommand&, const Page&) { return writeJson(report); });
}

}
