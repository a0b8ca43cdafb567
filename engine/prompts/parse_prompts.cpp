#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/base/strict_json.h"
#include "engine/prompts/bundled.h"
#include "engine/prompts/csv.h"
#include "engine/prompts/prompts.h"
#include "engine/tokenizer/unicode.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <system_error>
#include <utility>

namespace blockcert::prompts {

namespace {

constexpr std::size_t largestFile = 64U << 20U;
constexpr std::size_t mostPrompts = 20'000; // a certificate has a row of about 3 kB for each, and a limit of its own
constexpr JsonLimits lineLimits{.bytes = largestFile, .depth = 8, .stringBytes = largestFile};

// "prompts.jsonl, line 7"
std::string place(const std::string& name, std::size_t line)
{
    return name + ", line " + std::to_string(line);
}

const std::string& requireText(const Json& value, const std::string& what, const std::string& where)
{
    if (!value.is_string())
        throw FormatError(where + ": \"" + what + "\" must be a string.");
    return value.get_ref<const std::string&>();
}

TokenId requireTokenId(const Json& value, const std::string& where)
{
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0 || value.get<std::int64_t>() > INT32_MAX ||
        (value.is_number_unsigned() && value.get<std::uint64_t>() > INT32_MAX))
        throw FormatError(where + ": \"token_ids\" must hold integers from 0 to 2147483647, not " +
                          value.dump().substr(0, 40) + ".");
    return value.get<TokenId>();
}

std::vector<ChatMessage> readMessages(const Json& value, const std::string& where)
{
    if (!value.is_array() || value.empty())
        throw FormatError(where + ": \"messages\" must be an array that is not empty.");
    std::vector<ChatMessage> messages;
    for (const Json& entry : value) {
        if (!entry.is_object() || entry.size() != 2 || !entry.contains("role") || !entry.contains("content"))
            throw FormatError(where + ": a message must be an object with \"role\" and \"content\" and nothing else.");
        messages.push_back(
            {requireText(entry["role"], "role", where), requireText(entry["content"], "content", where)});
    }
    return messages;
}

void readField(PromptSource& prompt, const std::string& key, const Json& value, const std::string& where)
{
    if (key == "id") {
        prompt.id = requireText(value, key, where);
        if (prompt.id.empty())
            throw FormatError(where + ": \"id\" is empty.");
    } else if (key == "text") {
        prompt.text = requireText(value, key, where);
    } else if (key == "messages") {
        prompt.messages = readMessages(value, where);
    } else if (key == "token_ids") {
        if (!value.is_array() || value.empty())
            throw FormatError(where + ": \"token_ids\" must be an array that is not empty.");
        for (const Json& id : value)
            prompt.tokenIds.push_back(requireTokenId(id, where));
    } else if (key == "label") {
        prompt.label = requireText(value, key, where);
    } else if (key == "tags") {
        if (!value.is_array())
            throw FormatError(where + ": \"tags\" must be an array of strings.");
        for (const Json& tag : value)
            prompt.tags.push_back(requireText(tag, "tags", where));
    } else if (key == "split") {
        prompt.split = requireText(value, key, where);
        if (prompt.split != "train" && prompt.split != "heldout")
            throw FormatError(where + ": \"split\" must be \"train\" or \"heldout\", not \"" + prompt.split + "\".");
    } else {
        throw FormatError(where + ": unknown name \"" + key.substr(0, 80) +
                          "\"; known are id, text, messages, token_ids, label, tags and split.");
    }
}

// Collects prompts and checks what concerns all of them.
class Collector {
public:
    explicit Collector(const std::string& name)
        : m_name(name)
    {
    }

    void add(PromptSource prompt, std::size_t line)
    {
        const std::string where = place(m_name, line);
        const int given = (prompt.text ? 1 : 0) + (prompt.messages.empty() ? 0 : 1) + (prompt.tokenIds.empty() ? 0 : 1);
        if (given != 1)
            throw FormatError(where +
                              ": a prompt needs exactly one of \"text\", \"messages\" and \"token_ids\", found " +
                              std::to_string(given) + ".");
        if (m_prompts.size() >= mostPrompts)
            throw ResourceError(where + ": more than " + std::to_string(mostPrompts) + " prompts in one file.");
        if (prompt.id.empty())
            prompt.id = "prompt-" + std::to_string(m_prompts.size() + 1);
        if (const auto [first, isNew] = m_lines.emplace(prompt.id, line); !isNew)
            throw FormatError(where + ": the prompt has the id \"" + prompt.id + "\", which the one in line " +
                              std::to_string(first->second) +
                              " has, too; give each an id of its own (a prompt without one is called prompt-1, "
                              "prompt-2 and so on, by its place).");
        m_prompts.push_back(std::move(prompt));
    }

    [[nodiscard]] std::vector<PromptSource> take() { return std::move(m_prompts); }

private:
    std::vector<PromptSource> m_prompts;
    std::string m_name;
    std::map<std::string, std::size_t> m_lines; // of each id
};

// Calls `each(line, number)` for every line without its end.
template <class Each>
void eachLine(std::string_view content, Each each)
{
    std::size_t number = 0;
    while (!content.empty()) {
        const std::size_t end = std::min(content.find('\n'), content.size());
        std::string_view line = content.substr(0, end);
        content.remove_prefix(std::min(end + 1, content.size()));
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        each(line, ++number);
    }
}

void parseJsonl(std::string_view content, const std::string& name, Collector& collector)
{
    eachLine(content, [&](std::string_view line, std::size_t number) {
        if (line.find_first_not_of(" \t") == std::string_view::npos)
            return;
        const std::string where = place(name, number);
        const Json json = parseStrictJson(line, where, lineLimits);
        if (!json.is_object())
            throw FormatError(where + ": every line must be one JSON object.");
        PromptSource prompt;
        for (const auto& [key, value] : json.items())
            readField(prompt, key, value, where);
        collector.add(std::move(prompt), number);
    });
}

void parseTxt(std::string_view content, Collector& collector)
{
    eachLine(content, [&](std::string_view line, std::size_t number) {
        if (line.empty())
            return;
        PromptSource prompt;
        prompt.text = std::string(line);
        collector.add(std::move(prompt), number);
    });
}

std::vector<std::string> words(std::string_view text, std::string_view separators)
{
    std::vector<std::string> result;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(separators), text.size());
        if (end > 0)
            result.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result;
}

// A cell of a table in the form it has in a .jsonl file: tags with ';' between them, ids with spaces, messages as JSON.
Json cellValue(const std::string& key, const std::string& cell, const std::string& where)
{
    if (key == "messages")
        return parseStrictJson(cell, where, lineLimits);
    if (key == "tags")
        return words(cell, ";");
    if (key != "token_ids")
        return cell;
    Json ids = Json::array();
    for (const std::string& word : words(cell, " ,")) {
        std::int64_t id = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
        if (error != std::errc() || end != word.data() + word.size())
            throw FormatError(where + ": \"" + word.substr(0, 40) + "\" in \"token_ids\" is no integer.");
        ids.push_back(id);
    }
    return ids;
}

void parseCsv(std::string_view content, const std::string& name, Collector& collector)
{
    const std::vector<CsvRecord> records = readCsv(content, name);
    if (records.empty())
        throw FormatError(name + ": the file is empty; its first line must name the columns.");
    const std::vector<std::string>& header = records.front().fields;
    for (const std::string& column : header)
        if (std::ranges::count(header, column) > 1)
            throw FormatError(place(name, records.front().line) + ": the column \"" + column + "\" appears twice.");
    for (auto record = records.begin() + 1; record != records.end(); ++record) {
        const std::string where = place(name, record->line);
        if (record->fields.size() != header.size())
            throw FormatError(where + ": " + std::to_string(record->fields.size()) + " fields where the header has " +
                              std::to_string(header.size()) + ".");
        PromptSource prompt;
        for (std::size_t i = 0; i < header.size(); ++i)
            if (!record->fields[i].empty())
                readField(prompt, header[i], cellValue(header[i], record->fields[i], where), where);
        collector.add(std::move(prompt), record->line);
    }
}

void requireUtf8(std::string_view content, const std::string& name)
{
    if (const auto offset = tokenizer::firstInvalidUtf8(content)) {
        const auto line = 1 + std::ranges::count(content.substr(0, *offset), '\n');
        throw FormatError(place(name, static_cast<std::size_t>(line)) + ": not valid UTF-8 at byte " +
                          std::to_string(*offset) + " of the file; save it as UTF-8.");
    }
}

}

std::vector<std::string> bundledNames()
{
    std::vector<std::string> names;
    for (const BundledSet& set : bundledSets())
        names.emplace_back(set.name);
    return names;
}

PromptFile parsePrompts(std::string_view content, std::string_view format, std::string name)
{
    if (content.size() > largestFile)
        throw ResourceError(name + ": a prompt file of " + std::to_string(content.size()) +
                            " bytes is larger than the limit of " + std::to_string(largestFile) + ".");
    PromptFile file;
    file.name = std::move(name);
    file.sha256 = sha256Of(content);
    requireUtf8(content, file.name);
    if (content.starts_with("\xEF\xBB\xBF")) // a byte-order mark is no part of the first prompt
        content.remove_prefix(3);
    Collector collector(file.name);
    if (format == "jsonl")
        parseJsonl(content, file.name, collector);
    else if (format == "txt")
        parseTxt(content, collector);
    else if (format == "csv")
        parseCsv(content, file.name, collector);
    else
        throw UsageError(file.name + ": \"" + std::string(format) + "\" is no prompt format; use jsonl, txt or csv.");
    file.prompts = collector.take();
    if (file.prompts.empty())
        throw FormatError(file.name + ": there is no prompt in it.");
    return file;
}

PromptFile readPrompts(const std::string& nameOrPath)
{
    for (const BundledSet& set : bundledSets()) {
        if (set.name != nameOrPath)
            continue;
        PromptFile file = parsePrompts(set.content, "jsonl", std::string(set.name));
        file.bundled = true;
        return file;
    }
    const std::filesystem::path path(nameOrPath);
    const std::string extension = path.extension().string();
    if (extension != ".jsonl" && extension != ".txt" && extension != ".csv") {
        std::string names;
        for (const BundledSet& set : bundledSets())
            names += (names.empty() ? "" : ", ") + std::string(set.name);
        throw UsageError("\"" + nameOrPath + "\" is neither a bundled prompt set (" + names +
                         ") nor a .jsonl, .txt or .csv file.");
    }
    return parsePrompts(readWholeFile(path, largestFile), extension.substr(1), path.filename().string());
}

}
