#include "app/terminal/program.h"

#include "app/command_line/help_text.h"
#include "app/command_line/shell_word.h"
#include "app/terminal/interrupt.h"
#include "app/terminal/progress_view.h"
#include "app/terminal/surroundings.h"
#include "engine/base/error.h"
#include "engine/base/file_fault.h"
#include "engine/protocol/fault.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <system_error>
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
        print(writeJsonLine({{verb.finalKey, result.value}}) + "\n");
    else if (command.has("json"))
        print(writeJson(result.value));
    else
        print(verb.render(result.value, command, pageOfOutput()));
}

std::string interruptSentence(const Verb& verb, const ParsedCommand& command)
{
    const std::string advice = verb.afterInterrupt ? verb.afterInterrupt(command) : std::string();
    return "Interrupted." + (advice.empty() ? "" : " " + advice);
}

// The same where nothing may be thrown any more.
std::string hardInterruptSentence(const Verb& verb, const ParsedCommand& command)
{
    try {
        return interruptSentence(verb, command);
    } catch (const std::exception&) {
        return "Interrupted.";
    }
}

// What can be taken up again, or has left nothing, is said where a full disk ended the work.
template <class Fault>
[[noreturn]] void throwWithAdvice(const Fault& fault, const Verb& verb, const ParsedCommand& command)
{
    std::string advice = verb.afterInterrupt ? verb.afterInterrupt(command) : std::string();
    if (const std::size_t lines = advice.find("\n  "); lines != std::string::npos)
        advice.replace(lines, 3, " ");
    throw Fault(std::string(fault.what()) + (advice.empty() ? "" : " " + advice));
}

VerbResult workOf(const Verb& verb, const ParsedCommand& command, const RunContext& context)
{
    try {
        return verb.work(command, context);
    } catch (const OutputError& fault) {
        throwWithAdvice(fault, verb, command);
    } catch (const NoRoomError& fault) {
        throwWithAdvice(fault, verb, command);
    }
}

int reportInterrupt(const Verb& verb, const ParsedCommand& command)
{
    const std::string sentence = interruptSentence(verb, command);
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
    protocol::Fault fault = protocol::describeFault(thrown);
    if (!command_line::isUtf8(fault.sentence))
        fault.sentence = visible(fault.sentence); // a path in another encoding, which JSON could not hold
    if (asJson) {
        const Json error = {{"error", protocol::faultToJson(fault)}};
        std::cout << (onOneLine ? writeJsonLine(error) + "\n" : writeJson(error)) << std::flush;
    }
    writeError(styleOf(STDERR_FILENO).paint(Tone::Bad, "blockcert: ") + visible(fault.sentence) + "\n");
    return static_cast<int>(fault.exitCode);
}

bool printedWish(const ParsedCommand& command)
{
    if (command.wish == ParsedCommand::Wish::Version && command.has("jsonl"))
        print(writeJsonLine(versionJson()) + "\n");
    else if (command.wish == ParsedCommand::Wish::Version)
        print(command.has("json") ? writeJson(versionJson()) : versionLine() + "\n");
    else if (command.wish == ParsedCommand::Wish::Help)
        print(command_line::helpText(command.verb, std::min(widthOf(STDOUT_FILENO), 100)));
    return command.wish != ParsedCommand::Wish::Run;
}

void print(std::string_view text)
{
    std::cout << text << std::flush;
    if (!std::cout)
        throw OutputError("The result could not be written to standard output; is the disk full, or the reader gone?");
}

Page pageOfOutput()
{
    const int width = widthOf(STDOUT_FILENO);
    return {styleOf(STDOUT_FILENO), width, isTerminal(STDOUT_FILENO) ? width : 0};
}

void prepareProgram()
{
    (void)std::signal(SIGXFSZ, SIG_IGN);
    std::error_code error;
    (void)std::filesystem::current_path(error);
    if (error)
        throw FileError("The current folder cannot be used (" + error.message() + "); change to another one.");
}

int runVerb(const Verb& verb, const ParsedCommand& command)
{
    try {
        ProgressOutput progress(command, command.has("jsonl"));
        const InterruptWatch interrupt(
            [&] {
                progress.finish();
                writeError("Stopping; Ctrl+C once more ends at once.\n");
            },
            [&] { writeError(hardInterruptSentence(verb, command) + "\n"); });
        const RunContext context(interrupt.stopToken(), [&](const Progress& event) { progress.take(event); });
        try {
            const VerbResult result = workOf(verb, command, context);
            progress.finish();
            printResult(verb, command, result);
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
