#include "app/command_line/equivalent_command.h"

#include "app/command_line/shell_word.h"

#include <algorithm>
#include <cctype>

namespace blockcert::command_line {

namespace {

std::string valueText(const Json& value)
{
    return value.is_string() ? value.get<std::string>() : value.dump();
}

// Thresholds stand in an object of their own; prompts typed by the user have a name and no file.
Json flattened(const Json& parameters)
{
    Json flat = parameters;
    if (const auto policy = parameters.find("policy"); policy != parameters.end() && policy->is_object()) {
        flat.erase("policy");
        flat.update(*policy);
    }
    if (parameters.contains("content"))
        flat["prompts"] = parameters.value("name", "typed") + "." + parameters.value("format", "jsonl");
    return flat;
}

}

std::string equivalentCommand(const VerbDescription& verb, const Json& parameters)
{
    const Json flat = flattened(parameters);
    std::string command = "blockcert " + verb.name;
    for (const OptionDescription& option : verb.arguments) {
        std::string key = option.key();
        std::ranges::transform(key, key.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto given = flat.find(key);
        if (given == flat.end() || given->is_null() || key == "resume" || key == "dry_run")
            continue;
        if (option.kind == ValueKind::Flag) {
            if (*given == true)
                command += " " + option.name;
        } else if (option.isPositional()) {
            command += " " + shellWord(valueText(*given));
        } else {
            command +=
                " " + (option.shortName.empty() ? option.name : option.shortName) + " " + shellWord(valueText(*given));
        }
    }
    return command;
}

}
