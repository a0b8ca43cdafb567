#include "app/command_line/parsed_command.h"

#include "app/command_line/shell_word.h"
#include "engine/base/error.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

namespace blockcert::command_line {

namespace {

constexpr std::string_view outputKeys[] = {"json", "jsonl", "quiet", "verbose"};

std::string join(std::span<const std::string> words, std::string_view separator)
{
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : std::string(separator)) + word;
    return text;
}

const OptionDescription& describe(const VerbDescription& verb, std::string_view key)
{
    const auto found = std::ranges::find(verb.arguments, key, &OptionDescription::key);
    if (found == verb.arguments.end())
        throw std::logic_error("no option " + std::string(key) + " of " + verb.name);
    return *found;
}

std::optional<std::int64_t> readInteger(const std::string& text)
{
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::optional<double> readNumber(const std::string& text)
{
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::string rangeText(const OptionDescription& option)
{
    const std::string least = "from " + std::to_string(option.least);
    return option.most == std::numeric_limits<std::int64_t>::max() ? least + " on"
                                                                   : least + " to " + std::to_string(option.most);
}

void check(const VerbDescription& verb, const OptionDescription& option, const std::string& value)
{
    const auto refuse = [&](const std::string& what) {
        throw UsageError(option.name + " is \"" + value + "\", which is " + what + "; see blockcert help " + verb.name +
                         ".");
    };
    switch (option.kind) {
    case ValueKind::Choice:
        if (std::ranges::find(option.choices, value) == option.choices.end())
            refuse("none of " + join(option.choices, ", "));
        return;
    case ValueKind::Integer:
        if (const auto number = readInteger(value); !number || *number < option.least || *number > option.most)
            refuse("no whole number " + rangeText(option));
        return;
    case ValueKind::Number:
        if (const auto number = readNumber(value); !number || (*number < 0 && !option.isSigned))
            refuse(option.isSigned ? "no finite number" : "no number from 0 on");
        return;
    default:
        if (value.empty() && option.kind != ValueKind::Text)
            refuse("empty");
    }
}

// What CLI11 gives for one verb, before the values are looked at.
struct RawArguments {
    std::map<std::string, std::vector<std::string>, std::less<>> values;
    bool help = false;
};

std::string flagNames(const OptionDescription& option)
{
    return option.shortName.empty() ? option.name : option.shortName + "," + option.name;
}

[[noreturn]] void refuseOption(const VerbDescription& verb, const std::string& word)
{
    std::vector<std::string> names;
    for (const OptionDescription& option : verb.arguments)
        if (!option.isPositional())
            names.push_back(option.name);
    const auto meant = nearest(word, names);
    throw UsageError(word + " is no option of " + verb.name +
                     (meant ? "; did you mean " + *meant + "?" : "; see blockcert help " + verb.name + "."));
}

// The words that belong to no option: positional arguments in their order, and what nobody knows.
void takeWords(const VerbDescription& verb, const std::vector<std::string>& words, RawArguments& raw)
{
    const auto unknown =
        std::ranges::find_if(words, [](const std::string& word) { return word.size() > 1 && word[0] == '-'; });
    if (unknown != words.end() && !raw.help)
        refuseOption(verb, *unknown);
    auto word = words.begin();
    for (const OptionDescription& option : verb.arguments)
        if (option.isPositional() && word != words.end()) {
            // Only the last positional argument may be repeatable: it takes what is left.
            const auto end = option.repeatable ? words.end() : word + 1;
            raw.values[option.key()] = {word, end};
            word = end;
        }
    if (word != words.end() && !raw.help)
        throw UsageError("\"" + *word + "\" is one argument too many; see blockcert help " + verb.name + ".");
}

RawArguments split(const VerbDescription& verb, std::span<const std::string> arguments)
{
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    RawArguments raw;
    app.add_flag("-h,--help", raw.help);
    std::map<std::string, bool> flags;
    for (const OptionDescription& option : verb.arguments) {
        const std::string key = option.key();
        if (option.kind == ValueKind::Flag)
            app.add_flag(flagNames(option), flags[key]);
        else if (!option.isPositional())
            app.add_option(flagNames(option), raw.values[key])
                ->expected(1)
                ->allow_extra_args(false)
                ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll); // repetitions are refused by parseVerb()
    }
    for (const std::string& argument : arguments)
        if (argument.starts_with("--") && argument.ends_with('='))
            throw UsageError(argument + " has no value; see blockcert help " + verb.name + ".");
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
        app.parse(reversed);
    } catch (const CLI::ArgumentMismatch& error) {
        // "--out: 1 required TEXT missing"
        const std::string text = error.what();
        throw UsageError(text.substr(0, text.find(':')) + " needs a value; see blockcert help " + verb.name + ".");
    } catch (const CLI::ParseError& error) {
        throw UsageError(std::string(error.what()) + "; see blockcert help " + verb.name + ".");
    }
    takeWords(verb, app.remaining(), raw);
    for (const auto& [key, given] : flags)
        if (given)
            raw.values[key] = {"true"};
    std::erase_if(raw.values, [](const auto& entry) { return entry.second.empty(); });
    return raw;
}

void refuseContradictions(const ParsedCommand& command)
{
    if (command.has("json") && command.has("jsonl"))
        throw UsageError("--json and --jsonl ask for two forms of the same output; give one of them.");
    if (command.has("quiet") && command.has("verbose"))
        throw UsageError("--quiet and --verbose contradict each other; give one of them.");
}

ParsedCommand parseVerb(const VerbDescription& verb, std::span<const std::string> arguments)
{
    RawArguments raw = split(verb, arguments);
    ParsedCommand command;
    command.verb = &verb;
    if (raw.help) {
        command.wish = ParsedCommand::Wish::Help;
        return command;
    }
    for (const OptionDescription& option : verb.arguments) {
        const auto given = raw.values.find(option.key());
        if (given == raw.values.end()) {
            if (option.required)
                throw UsageError(verb.name + " needs " + option.name +
                                 (option.isPositional() ? "" : " " + option.value) + ", " + option.help +
                                 "; see blockcert help " + verb.name + ".");
            continue;
        }
        if (given->second.size() > 1 && !option.repeatable)
            throw UsageError(option.name + " is given " + std::to_string(given->second.size()) +
                             " times; give it once.");
        if (option.kind != ValueKind::Flag)
            for (const std::string& value : given->second)
                check(verb, option, value);
    }
    command.values = std::move(raw.values);
    refuseContradictions(command);
    return command;
}

[[noreturn]] void refuseVerb(const std::string& word)
{
    std::vector<std::string> names;
    for (const VerbDescription& verb : verbs())
        if (!verb.internal)
            names.push_back(verb.name);
    std::vector<std::string> candidates = names;
    candidates.insert(candidates.end(), {"help", "--version"});
    const auto meant = nearest(word, candidates);
    throw UsageError("There is no verb \"" + word + "\"" +
                     (meant ? "; did you mean " + *meant + "?" : "; this version has " + join(names, ", ") + "."));
}

// `help`, `--help` and `--version`, this one also as JSON; nothing where a verb is meant.
std::optional<ParsedCommand> wishOf(std::span<const std::string> arguments)
{
    const std::string first = arguments.empty() ? "--help" : arguments[0];
    const auto isHelp = [](const std::string& word) { return word == "help" || word == "--help" || word == "-h"; };
    const bool version = first == "--version";
    if (!version && !isHelp(first))
        return std::nullopt;
    ParsedCommand command;
    command.wish = version ? ParsedCommand::Wish::Version : ParsedCommand::Wish::Help;
    std::size_t taken = 1;
    if (version && arguments.size() > 1 && asksForJson(arguments.subspan(1, 1))) {
        taken = 2;
        command.values[arguments[1].substr(2)] = {};
    }
    if (!version && arguments.size() > 1) {
        taken = 2;
        command.verb = findVerb(arguments[1]);
        if (!command.verb && !isHelp(arguments[1]))
            refuseVerb(arguments[1]);
    }
    if (arguments.size() > taken)
        throw UsageError("\"" + arguments[taken] + "\" is one argument too many; see blockcert --help.");
    return command;
}

}

std::string ParsedCommand::text(std::string_view key) const
{
    const auto found = values.find(key);
    return found != values.end() ? found->second.back() : describe(*verb, key).fallback;
}

std::vector<std::string> ParsedCommand::texts(std::string_view key) const
{
    const auto found = values.find(key);
    return found != values.end() ? found->second : std::vector<std::string>();
}

std::optional<std::int64_t> ParsedCommand::integer(std::string_view key) const
{
    return readInteger(text(key));
}

Json ParsedCommand::parameters() const
{
    Json parameters = Json::object();
    for (const auto& [key, given] : values) {
        if (std::ranges::find(outputKeys, key) != std::end(outputKeys))
            continue;
        const OptionDescription& option = describe(*verb, key);
        const std::string name = option.isPositional() ? CLI::detail::to_lower(key) : key;
        if (option.kind == ValueKind::Flag)
            parameters[name] = true;
        else if (option.kind == ValueKind::Integer)
            parameters[name] = *readInteger(given.back());
        else if (option.kind == ValueKind::Number)
            parameters[name] = *readNumber(given.back());
        else if (option.repeatable)
            parameters[name] = given;
        else
            parameters[name] = given.back();
    }
    return parameters;
}

ParsedCommand parseCommandLine(std::span<const std::string> arguments)
{
    for (const std::string& argument : arguments)
        if (!isUtf8(argument))
            throw UsageError("The argument \"" + argument + "\" is not valid UTF-8; write a text in UTF-8, and " +
                             "give a file of such a name a second one with ln -s.");
    if (const auto wish = wishOf(arguments))
        return *wish;
    if (arguments[0].starts_with('-'))
        throw UsageError("The verb comes first, as in blockcert open demo; see blockcert --help.");
    const VerbDescription* verb = findVerb(arguments[0]);
    if (!verb)
        refuseVerb(arguments[0]);
    return parseVerb(*verb, arguments.subspan(1));
}

bool asksForJson(std::span<const std::string> arguments)
{
    return std::ranges::any_of(arguments,
                               [](const std::string& word) { return word == "--json" || word == "--jsonl"; });
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates)
{
    std::optional<std::string> best;
    std::size_t bestDistance = word.size() / 2 + 1;
    for (const std::string& candidate : candidates) {
        std::vector<std::size_t> row(candidate.size() + 1); // edit distances to prefixes of the candidate
        std::iota(row.begin(), row.end(), std::size_t{0});
        for (std::size_t i = 0; i < word.size(); ++i) {
            std::size_t diagonal = row[0];
            row[0] = i + 1;
            for (std::size_t j = 0; j < candidate.size(); ++j) {
                const std::size_t change = diagonal + (word[i] == candidate[j] ? 0 : 1);
                diagonal = row[j + 1];
                row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
            }
        }
        if (row.back() < bestDistance) {
            bestDistance = row.back();
            best = candidate;
        }
    }
    return best;
}

}
