#include "app/terminal/program.h"

#include "app/command_line/help_text.h"
#include "app/terminal/interrupt.h"
#include "app/terminal/progress_view.h"
#include "app/terminal/surroundings.h"
#include "engine/protocol/fault.h"

#include <iostream>
#include <mutex>
#include <unistd.h>

namespace blockcert::terminal {

namespace {

using command_line::ParsedCommand;

void writeError(const std::string& text)
{
    std::cerr << text << std::flush;
}

// Progress events of one job, to standard error as bar or lines and to standard output as JSON lines.
class ProgressOutput {
public:
    ProgressOutput(const ParsedCommand& command, bool jsonLines)
        : m_jsonLines(jsonLines)
        , m_quiet(command.has("quiet"))
        , m_meter(steadySeconds(), 20)
        , m_view(isTerminal(STDERR_FILENO) && !jsonLines ? ProgressForm::Bar : ProgressForm::Lines,
                 styleOf(STDERR_FILENO), widthOf(STDERR_FILENO), command.has("verbose"), writeError)
    {
    }

    void take(const Progress& event)
    {
        const std::scoped_lock lock(m_mutex); // steps may come from several threads
        const auto shown = m_meter.take(event, steadySeconds());
        if (!shown)
            return;
        if (m_jsonLines)
            std::cout << writeJsonLine({{"progress", protocol::progressToJson(*shown)}}) << std::endl;
        else if (!m_quiet)
            m_view.show(*shown);
    }

    void finish()
    {
        const std::scoped_lock lock(m_mutex);
        m_view.finish();
    }

private:
    std::mutex m_mutex;
    bool m_jsonLines;
    bool m_quiet;
    protocol::ProgressMeter m_meter;
    ProgressView m_view;
};

void printResult(const Verb& verb, const ParsedCommand& command, const VerbResult& result)
{
    if (command.has("jsonl"))
        std::cout << writeJsonLine({{verb.finalKey, result.value}}) << std::endl;
    else if (command.has("json"))
        std::cout << writeJson(result.value) << std::flush;
    else
        std::cout << verb.render(result.value, command, {styleOf(STDOUT_FILENO), widthOf(STDOUT_FILENO)}) << std::flush;
}

int reportInterrupt(const Verb& verb, const ParsedCommand& command)
{
    const std::string advice = verb.afterInterrupt ? verb.afterInterrupt(command) : std::string();
    const std::string sentence = "Interrupted." + (advice.empty() ? "" : " " + advice);
    const Json error = {{"error", {{"message", sentence}, {"kind", "interrupted"}, {"exit_code", 130}}}};
    if (command.has("jsonl"))
        std::cout << writeJsonLine(error) << std::endl;
    else if (command.has("json"))
        std::cout << writeJson(error) << std::flush;
    writeError(sentence + "\n");
    return static_cast<int>(ExitCode::Interrupted);
}

}

int reportFault(const std::exception_ptr& thrown, bool asJson, bool onOneLine)
{
    const protocol::Fault fault = protocol::describeFault(thrown);
    if (asJson) {
        const Json error = {{"error", protocol::faultToJson(fault)}};
        std::cout << (onOneLine ? writeJsonLine(error) + "\n" : writeJson(error)) << std::flush;
    }
    writeError(styleOf(STDERR_FILENO).paint(Tone::Bad, "blockcert: ") + visible(fault.sentence) + "\n");
    return static_cast<int>(fault.exitCode);
}

bool printedWish(const ParsedCommand& command)
{
    if (command.wish == ParsedCommand::Wish::Version)
        std::cout << versionLine() << std::endl;
    else if (command.wish == ParsedCommand::Wish::Help)
        std::cout << command_line::helpText(command.verb, std::min(widthOf(STDOUT_FILENO), 100)) << std::flush;
    return command.wish != ParsedCommand::Wish::Run;
}

int runVerb(const Verb& verb, const ParsedCommand& command)
{
    try {
        ProgressOutput progress(command, command.has("jsonl"));
        const InterruptWatch interrupt([&] {
            progress.finish();
            writeError("Stopping; Ctrl+C once more ends at once.\n");
        });
        const RunContext context(interrupt.stopToken(), [&](const Progress& event) { progress.take(event); });
        try {
            const VerbResult result = verb.work(command, context);
            progress.finish();
            printResult(verb, command, result);
            std::cout.flush();
            if (!std::cout)
                throw FileError(
                    "The result could not be written to standard output; is the disk full, or the reader gone?");
            return result.exitCode;
        } catch (const Cancelled&) {
            progress.finish();
            return reportInterrupt(verb, command);
        } catch (...) {
            progress.finish();
            throw;
        }
    } catch (...) {
        return reportFault(std::current_exception(), command.has("json") || command.has("jsonl"), command.has("jsonl"));
    }
}

}
