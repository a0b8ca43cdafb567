#include "app/command_line/help_text.h"

#include <algorithm>
#include <sstream>

namespace blockcert::command_line {

namespace {

constexpr int termColumn = 30;

// Wraps `text` so that every line after the first begins at `indent`.
std::string wrapped(const std::string& text, int indent, int width)
{
    std::istringstream words(text);
    std::string result;
    std::string word;
    int column = indent;
    while (words >> word) {
        const int length = static_cast<int>(word.size());
        if (column > indent && column + 1 + length > width) {
            result += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
            column = indent;
        }
        if (column > indent) {
            result += ' ';
            ++column;
        }
        result += word;
        column += length;
    }
    return result;
}

std::string entry(const std::string& term, const std::string& text, int width)
{
    const std::string head = "  " + term;
    const auto column = static_cast<std::size_t>(termColumn);
    const std::string gap =
        head.size() + 2 <= column ? std::string(column - head.size(), ' ') : "\n" + std::string(column, ' ');
    return head + gap + wrapped(text, termColumn, width) + "\n";
}

std::string valueOf(const OptionDescription& option)
{
    if (option.kind == ValueKind::Flag || option.isPositional())
        return "";
    if (option.kind != ValueKind::Choice)
        return " " + option.value;
    std::string choices;
    for (const std::string& choice : option.choices)
        choices += (choices.empty() ? " " : "|") + choice;
    return choices;
}

std::string termOf(const OptionDescription& option)
{
    return (option.shortName.empty() ? "" : option.shortName + ", ") + option.name + valueOf(option);
}

std::string textOf(const OptionDescription& option)
{
    return option.help + (option.fallback.empty() ? "" : " (default: " + option.fallback + ")");
}

std::string usageLine(const VerbDescription& verb)
{
    std::string line = "blockcert " + verb.name;
    bool optional = false;
    for (const OptionDescription& option : verb.arguments) {
        if (option.isPositional())
            line += " " + option.name + (option.repeatable ? "…" : "");
        else if (option.required)
            line += " " + (option.shortName.empty() ? option.name : option.shortName) + valueOf(option);
        else
            optional = true;
    }
    return line + (optional ? " [options]" : "");
}

std::string verbHelp(const VerbDescription& verb, int width)
{
    std::string text = "Usage: " + usageLine(verb) + "\n";
    for (const std::string& paragraph : verb.text)
        text += "\n" + wrapped(paragraph, 0, width) + "\n";
    if (!verb.arguments.empty())
        text += "\nArguments:\n";
    for (const OptionDescription& option : verb.arguments)
        text += entry(termOf(option), textOf(option), width);
    if (!verb.examples.empty())
        text += "\nExamples:\n";
    for (const std::string& example : verb.examples)
        text += "  " + example + "\n";
    return text;
}

std::string programHelp(int width)
{
    std::string text =
        "Usage: blockcert VERB …\n\n" +
        wrapped("Opens a pre-trained transformer, copies its residual blocks into explicit programs, measures where "
                "they depart from the model, and issues certificates that anyone can check again.",
                0, width) +
        "\n\nVerbs:\n";
    for (const VerbDescription& verb : verbs())
        if (!verb.internal)
            text += entry(verb.name, verb.summary, width);
    text += entry("help VERB", "all about one verb", width) +
            entry("--version [--json]", "the version of the programs", width);
    text += "\nExit codes:\n";
    for (const ExitCodeDescription& code : exitCodes())
        text += entry(std::to_string(code.code), std::string(code.meaning), width);
    text += "\nEnvironment:\n";
    for (const VariableDescription& variable : environmentVariables())
        text += entry(std::string(variable.name), std::string(variable.meaning), width);
    text += "\nStart here:\n  blockcert open demo\n  blockcert certify demo --blocks 0,15,29 --prompts base -o "
            "demo.blockcert\n  blockcert verify demo.blockcert\n";
    return text;
}

}

std::string helpText(const VerbDescription* verb, int width)
{
    return verb ? verbHelp(*verb, width) : programHelp(width);
}

// --- The manual page, in troff's man macros ---------------------------------------------------------------------

namespace {

std::string troff(std::string_view text)
{
    std::string escaped;
    for (const char c : text) {
        if (c == '-')
            escaped += "\\-";
        else if (c == '\\')
            escaped += "\\e";
        else
            escaped += c;
    }
    return escaped.starts_with('.') || escaped.starts_with('\'') ? "\\&" + escaped : escaped;
}

std::string troffEntry(const std::string& term, const std::string& text)
{
    return ".TP\n.B " + troff(term) + "\n" + troff(text) + "\n";
}

}

std::string manualPage(std::string_view version)
{
    std::string page = ".TH BLOCKCERT 1 \"\" \"BlockCert Workbench " + std::string(version) + "\" \"User Commands\"\n";
    page += ".nh\n.ad l\n"; // words of commands are not hyphenated
    page += ".SH NAME\nblockcert \\- certify the blocks of transformer language models, and check certificates\n";
    page += ".SH SYNOPSIS\n.B blockcert\n.I VERB\n[\\fIarguments\\fR]\n.SH DESCRIPTION\n";
    page += "Opens a pre-trained transformer, copies its residual blocks into explicit programs, measures where they "
            "depart from "
            "the model on a prompt set, and issues certificates that anyone can check again. Results go to standard "
            "output, "
            "progress and messages to standard error.\n";
    page += ".SH VERBS\n";
    for (const VerbDescription& verb : verbs()) {
        if (verb.internal)
            continue;
        page += ".SS " + troff(usageLine(verb)) + "\n" + troff(verb.summary) + "\n";
        for (const std::string& paragraph : verb.text)
            page += ".PP\n" + troff(paragraph) + "\n";
        for (const OptionDescription& option : verb.arguments)
            page += troffEntry(termOf(option), textOf(option));
        for (const std::string& example : verb.examples)
            page += ".PP\n.RS\n.nf\n" + troff(example) + "\n.fi\n.RE\n";
    }
    page += ".SH EXIT STATUS\n";
    for (const ExitCodeDescription& code : exitCodes())
        page += troffEntry(std::to_string(code.code), std::string(code.meaning));
    page += ".SH ENVIRONMENT\n";
    for (const VariableDescription& variable : environmentVariables())
        page += troffEntry(std::string(variable.name), std::string(variable.meaning));
    return page;
}

}
