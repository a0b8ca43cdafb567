#include "app/command_line/help_text.h"
#include "engine/base/error.h"

#include <string>
#include <string_view>

namespace blockcert::command_line {

namespace {

bool takesPath(const OptionDescription& option)
{
    return option.kind == ValueKind::File || option.kind == ValueKind::Folder || option.kind == ValueKind::Model ||
           option.kind == ValueKind::Prompts;
}

std::string words(const std::vector<std::string>& list)
{
    std::string text;
    for (const std::string& word : list)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

std::string verbNames()
{
    std::string names;
    for (const VerbDescription& verb : verbs())
        if (!verb.internal)
            names += (names.empty() ? "" : " ") + verb.name;
    return names + " help";
}

std::string optionNames(const VerbDescription& verb)
{
    std::string names = "--help";
    for (const OptionDescription& option : verb.arguments)
        if (!option.isPositional())
            names += " " + option.name + (option.shortName.empty() ? "" : " " + option.shortName);
    return names;
}

// Single quotes inside a single-quoted shell word.
std::string quoted(std::string_view text)
{
    std::string result = "'";
    for (const char c : text)
        result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

// Read line by line, so that names with blanks stay whole.
std::string bashReply(const std::string& list, bool files)
{
    return "mapfile -t COMPREPLY < <(compgen " + std::string(files ? "-f " : "") + "-W " + quoted(list) +
           " -- \"$word\")";
}

std::string bashValue(const OptionDescription& option, std::string_view indent)
{
    std::string body = std::string(indent) + bashReply(words(option.choices), takesPath(option)) + "\n";
    if (takesPath(option))
        body += std::string(indent) + "compopt -o filenames\n";
    return body;
}

std::string bashVerb(const VerbDescription& verb)
{
    std::string text = "    " + verb.name + ")\n        case \"$previous\" in\n";
    const OptionDescription* positional = nullptr;
    for (const OptionDescription& option : verb.arguments) {
        if (option.isPositional())
            positional = &option;
        if (option.isPositional() || option.kind == ValueKind::Flag)
            continue;
        text += "        " + option.name + (option.shortName.empty() ? "" : "|" + option.shortName) + ")\n" +
                bashValue(option, "            ") + "            return ;;\n";
    }
    text +=
        "        esac\n        if [[ $word == -* ]]; then\n            " + bashReply(optionNames(verb), false) + "\n";
    if (positional)
        text += "        else\n" + bashValue(*positional, "            ");
    return text + "        fi ;;\n";
}

std::string bashScript()
{
    std::string text =
        "# bash completion of blockcert\n_blockcert() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n    COMPREPLY=()\n"
        "    if [[ $COMP_CWORD == 1 ]]; then\n        " +
        bashReply(verbNames() + " --help --version", false) +
        "\n        return\n    fi\n    case \"${COMP_WORDS[1]}\" in\n    help)\n        " +
        bashReply(verbNames(), false) + " ;;\n";
    for (const VerbDescription& verb : verbs())
        if (!verb.internal)
            text += bashVerb(verb);
    return text + "    esac\n}\ncomplete -F _blockcert blockcert\n";
}

// Text inside [brackets] of an _arguments specification.
std::string zshText(std::string_view text)
{
    std::string result;
    for (const char c : text)
        result += (c == '[' || c == ']' || c == ':') ? std::string("\\") + c : std::string(1, c);
    return result;
}

std::string zshAction(const OptionDescription& option)
{
    if (takesPath(option))
        return option.choices.empty() ? "_files" : "{ compadd " + words(option.choices) + "; _files }";
    return option.choices.empty() ? "" : "(" + words(option.choices) + ")";
}

std::string zshScript()
{
    std::string text = "#compdef blockcert\n_blockcert() {\n    local -a verbs=(\n";
    for (const VerbDescription& verb : verbs())
        if (!verb.internal)
            text += "        " + quoted(verb.name + ":" + verb.summary) + "\n";
    text += "    )\n    if (( CURRENT == 2 )); then\n        _describe verb verbs\n        return\n    fi\n"
            "    local verb=${words[2]}\n    shift words\n    (( CURRENT-- ))\n    case $verb in\n";
    for (const VerbDescription& verb : verbs()) {
        if (verb.internal)
            continue;
        text += "    " + verb.name + ")\n        _arguments";
        for (const OptionDescription& option : verb.arguments) {
            const std::string message = option.value.empty() ? "value" : zshText(option.value);
            std::string specification;
            if (option.isPositional())
                specification = (option.repeatable ? "*:" : "1:") + message + ":" + zshAction(option);
            else if (option.kind == ValueKind::Flag)
                specification = option.name + "[" + zshText(option.help) + "]";
            else
                specification = option.name + "[" + zshText(option.help) + "]:" + message + ":" + zshAction(option);
            text += " \\\n            " + quoted(specification);
            if (!option.shortName.empty())
                text += " \\\n            " + quoted(option.shortName + specification.substr(option.name.size()));
        }
        text += " ;;\n";
    }
    return text + "    esac\n}\n_blockcert \"$@\"\n";
}

std::string fishScript()
{
    std::string text = "# fish completion of blockcert\ncomplete -c blockcert -f\n";
    for (const VerbDescription& verb : verbs()) {
        if (verb.internal)
            continue;
        text += "complete -c blockcert -n __fish_use_subcommand -a " + verb.name + " -d " + quoted(verb.summary) + "\n";
        const std::string condition = "complete -c blockcert -n '__fish_seen_subcommand_from " + verb.name + "'";
        for (const OptionDescription& option : verb.arguments) {
            text += condition;
            if (!option.isPositional()) {
                text += " -l " + option.name.substr(2);
                if (!option.shortName.empty())
                    text += " -s " + option.shortName.substr(1);
                if (option.kind != ValueKind::Flag)
                    text += takesPath(option) ? " -r" : " -x";
            }
            if (takesPath(option))
                text += " -F";
            if (!option.choices.empty())
                text += " -a " + quoted(words(option.choices));
            text += " -d " + quoted(option.help) + "\n";
        }
    }
    return text;
}

}

std::string completionScript(std::string_view shell)
{
    if (shell == "bash")
        return bashScript();
    if (shell == "zsh")
        return zshScript();
    if (shell == "fish")
        return fishScript();
    throw UsageError("There is no completion for the shell \"" + std::string(shell) +
                     "\"; there is for bash, zsh and fish.");
}

}
