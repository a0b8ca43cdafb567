#include "engine/pipeline/experiment/report_files.h"

#include "engine/base/run_context.h"
#include "engine/certificate/statement_codec.h"
#include "engine/certificate/verdict_text.h"
#include "engine/figure/svg.h"

#include <algorithm>
#include <utility>

namespace blockcert::pipeline {

namespace {

using certificate::RunDocument;

Json promptStatement(const PromptSet& prompts)
{
    std::int64_t truncated = 0;
    for (const EncodedPrompt& prompt : prompts.prompts)
        truncated += prompt.truncatedTokens > 0 ? 1 : 0;
    return {{"name", prompts.name},           {"sha256", prompts.sha256},
            {"bundled", prompts.bundled},     {"count", prompts.prompts.size()},
            {"tokens", prompts.tokenCount()}, {"truncated", truncated}};
}

Json runRows(const ExperimentResults& results, const ExperimentCommands& commands)
{
    Json rows = Json::array();
    for (std::size_t i = 0; i < results.runs.size(); ++i) {
        const SubRunResult& result = results.runs[i];
        const RunDocument run = readRunNumbers(result.folder).run;
        Json failures = Json::array();
        for (const BlockFailure& failure : run.state.failed)
            failures.push_back(failure.sentence);
        rows.push_back({{"name", result.run.name},
                        {"path", "runs/" + result.run.name + ".blockcert"},
                        {"command", commands.runs[i]},
                        {"verify", commands.verify[i]},
                        {"prompts", promptStatement(run.manifest.prompts)},
                        {"failures", std::move(failures)}});
    }
    return rows;
}

std::string bullets(const std::vector<std::string>& sentences)
{
    std::string text;
    for (const std::string& sentence : sentences)
        text += "* " + sentence + "\n";
    return text;
}

// Every prompt set that a run was measured on, once, in the order of the runs; `cut` gets a sentence for each of which
// prompts lost their end.
std::vector<PromptSet> promptSetsOf(const ExperimentResults& results, std::vector<std::string>& cut)
{
    std::vector<PromptSet> sets;
    for (const SubRunResult& result : results.runs) {
        const RunManifest manifest = readRunNumbers(result.folder).run.manifest;
        PromptSet prompts = manifest.prompts;
        const auto isSame = [&](const PromptSet& other) {
            return other.name == prompts.name && other.sha256 == prompts.sha256;
        };
        if (std::ranges::any_of(sets, isSame))
            continue;
        if (const auto text = certificate::truncationText(prompts, manifest.request.maxTokens))
            cut.push_back("Of " + prompts.name + ", " + *text + "; what follows was not measured.");
        sets.push_back(std::move(prompts));
    }
    return sets;
}

std::string promptLine(const std::vector<PromptSet>& sets)
{
    std::string text;
    for (const PromptSet& prompts : sets)
        text += (text.empty() ? "Prompts: " : ", ") + prompts.name + " (SHA-256 `" + prompts.sha256 + "`)";
    return text;
}

std::string readme(const ExperimentKind& kind, const ExperimentReport& report, const std::vector<PromptSet>& prompts,
                   const std::vector<std::string>& files)
{
    std::string text =
        "# " + kind.title + "\n\n" + report.scope + "\n\n" + promptLine(prompts) + "\n\n" + report.headline + "\n\n";
    for (const Table& table : report.tables)
        if (table.rows.size() <= 60)
            text += "## " + table.title + "\n\n" + toMarkdown(table) + "\n";
        else
            text += "## " + table.title + "\n\n" + std::to_string(table.rows.size()) + " rows in `" + table.name +
                    ".csv`.\n\n";
    if (!report.notes.empty())
        text += "## How to read it\n\n" + bullets(report.notes) + "\n";
    text += "## How this differs from the paper (" + kind.paper + ")\n\n" + bullets(kind.difference) + "\n";
    text +=
        "## Check it\n\nEvery number comes from the certified runs in `runs/`; `commands.txt` holds the commands that "
        "verify each of them without trusting this folder, and those that repeat everything. `sha256sum -c SHA256SUMS` "
        "checks the files here.\n\n## Files\n\n";
    for (const std::string& file : files)
        text += "* `" + file + "`\n";
    return text;
}

std::string commandText(const ExperimentCommands& commands)
{
    std::string text = "# To be run in this folder, line by line or as a whole: sh commands.txt. Models and prompt "
                       "files are named where "
                       "they lay\n# when the experiment was made.\n\n"
                       "# Recomputes every number of the runs without LibTorch and without trusting them\n";
    for (const std::string& command : commands.verify)
        text += command + "\n";
    text += "\n# Repeats the whole experiment, in a folder beside this one\n" + commands.whole +
            "\n\n# Or its runs, one at a time, in another folder\n";
    for (const std::string& command : commands.runs)
        text += command + "\n";
    return text;
}

void describeFigure(figure::Figure& figure, const ExperimentKind& kind, const RunDocument& run,
                    const std::vector<PromptSet>& sets, const ExperimentCommands& commands, const ToolStatement& tool)
{
    figure.metadata.emplace_back("experiment", kind.name);
    figure.metadata.emplace_back("model", run.manifest.subject.model);
    for (const SubjectFile& file : run.manifest.subject.files)
        figure.metadata.emplace_back("model.sha256", file.sha256 + "  " + file.name);
    for (const PromptSet& prompts : sets) {
        figure.metadata.emplace_back("prompts", prompts.name);
        figure.metadata.emplace_back("prompts.sha256", prompts.sha256);
    }
    figure.metadata.emplace_back("command", commands.whole);
    figure.metadata.emplace_back("tool", "blockcert " + tool.version + " (build " + tool.build + ")");
}

}

std::string typedPromptsFile(const Json& parameters)
{
    return "prompts." + parameters.value("format", std::string("jsonl"));
}

Json writeReport(const ExperimentFolder& folder, const ExperimentKind& kind, const ExperimentResults& results,
                 const ExperimentCommands& commands, const ExperimentCommands& fromWithin, const ToolStatement& tool,
                 ExperimentReport report)
{
    const RunDocument run = readRunNumbers(results.runs.front().folder).run;
    std::vector<std::string> cut;
    const std::vector<PromptSet> sets = promptSetsOf(results, cut);
    report.notes.insert(report.notes.begin(), cut.begin(), cut.end());
    if (report.scope.empty())
        report.scope = scopeOf(run);
    std::vector<std::string> files;
    const auto write = [&](const std::string& name, const std::string& bytes) {
        results.context.step();
        folder.writeFile(name, bytes);
        files.push_back(name);
    };
    Json tables = Json::array();
    for (const Table& table : report.tables) {
        write(table.name + ".csv", toCsv(table));
        tables.push_back(toJson(table));
    }
    Json figures = Json::array();
    figure::SvgStyle style;
    style.bare = results.options.plainFigures;
    for (NamedFigure& named : report.figures) {
        named.figure.scope = report.scope;
        describeFigure(named.figure, kind, run, sets, commands, tool);
        write(named.file, figure::writeSvg(named.figure, style));
        figures.push_back({{"file", named.file}, {"title", named.figure.title}, {"caption", named.figure.caption}});
    }
    const Json result = {
        {"schema", "blockcert.experiment/1"},
        {"experiment", kind.name},
        {"title", kind.title},
        {"created", results.options.created},
        {"tool", {{"version", tool.version}, {"build", tool.build}}},
        {"command", commands.whole},
        {"subject", certificate::subjectToJson(run.manifest.subject)},
        {"environment", certificate::environmentToJson(run.manifest.environment)},
        {"scope", report.scope},
        {"headline", report.headline},
        {"tables", std::move(tables)},
        {"figures", std::move(figures)},
        {"notes", report.notes},
        {"paper", {{"where", kind.paper}, {"difference", kind.difference}}},
        {"runs", runRows(results, commands)},
    };
    if (const Json& shared = results.options.shared; shared.contains("content"))
        write(typedPromptsFile(shared), shared.at("content").get<std::string>());
    write("commands.txt", commandText(fromWithin));
    write("result.json", writeJson(result));
    std::vector<std::string> listed = files;
    listed.push_back("README.md");
    listed.push_back("request.json");
    write("README.md", readme(kind, report, sets, listed));
    std::vector<std::string> runs;
    for (const SubRunResult& one : results.runs) {
        runs.push_back(one.run.name);
        if (one.run.timed)
            files.push_back("runs/" + one.run.name + ".timing.json");
    }
    folder.finish(files, runs, results.context);
    return result;
}

}
