#include "engine/tokenizer/jinja/value.h"

#include "engine/base/error.h"
#include "engine/tokenizer/jinja/python_text.h"
#include "engine/tokenizer/unicode.h"

#include <algorithm>
#include <cstdio>

namespace blockcert::tokenizer::jinja {

namespace {

constexpr int deepest = 64;
constexpr std::size_t heaviest = 16U << 20U;

int depthOf(const Value& value)
{
    if (value.as<std::shared_ptr<Namespace>>() != nullptr)
        throw UnsupportedError("The chat template puts a namespace into a list or dictionary, which this version does "
                               "not implement.");
    const int depth = value.asList() != nullptr         ? value.asList()->depth
                      : value.asDictionary() != nullptr ? value.asDictionary()->depth
                                                        : 0;
    if (depth >= deepest)
        throw ResourceError("The chat template nests lists deeper than " + std::to_string(deepest) + " levels.");
    return depth;
}

void addWeight(std::size_t& total, std::size_t weight)
{
    total += weight;
    if (total > heaviest)
        throw ResourceError("The chat template builds a list that stands for more than " + std::to_string(heaviest) +
                            " bytes.");
}

std::string representItems(const List& list)
{
    std::string result = list.tuple ? "(" : "[";
    for (std::size_t i = 0; i < list.items.size(); ++i)
        result += (i > 0 ? ", " : "") + represent(list.items[i]);
    if (list.tuple && list.items.size() == 1)
        result += ",";
    return result + (list.tuple ? ")" : "]");
}

std::string representItems(const Dictionary& dictionary)
{
    std::string result = "{";
    for (std::size_t i = 0; i < dictionary.items.size(); ++i)
        result += (i > 0 ? ", " : "") + representText(dictionary.items[i].first) + ": " +
                  represent(dictionary.items[i].second);
    return result + "}";
}

std::string jsonText(std::string_view text, bool asciiOnly)
{
    std::string result = "\"";
    char escaped[16];
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t begin = i;
        const char32_t c = nextCodePoint(text, i);
        switch (c) {
        case '"': result += "\\\""; continue;
        case '\\': result += "\\\\"; continue;
        case '\n': result += "\\n"; continue;
        case '\r': result += "\\r"; continue;
        case '\t': result += "\\t"; continue;
        case '\f': result += "\\f"; continue;
        case '\b': result += "\\b"; continue;
        default: break;
        }
        if (c >= 0x20 && (!asciiOnly || c < 0x7F)) {
            result += text.substr(begin, i - begin);
        } else if (c < 0x10000) {
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
            result += escaped;
        } else {
            const unsigned rest = static_cast<unsigned>(c) - 0x10000;
            std::snprintf(escaped, sizeof escaped, "\\u%04x\\u%04x", 0xD800 + (rest >> 10U), 0xDC00 + (rest & 0x3FFU));
            result += escaped;
        }
    }
    return result + "\"";
}

class JsonWriter {
public:
    explicit JsonWriter(const JsonStyle& style)
        : m_style(style)
    {
    }

    std::string write(const Value& value, int level) const
    {
        if (value.isNone())
            return "null";
        if (const bool* boolean = value.as<bool>())
            return *boolean ? "true" : "false";
        if (value.isNumber())
            return represent(value);
        if (const std::string* text = value.asText())
            return jsonText(*text, m_style.asciiOnly);
        std::vector<std::string> items;
        if (const List* list = value.asList()) {
            for (const Value& item : list->items)
                items.push_back(write(item, level + 1));
            return enclosed(items, '[', ']', level);
        }
        if (const Dictionary* dictionary = value.asDictionary()) {
            auto entries = dictionary->items;
            if (m_style.sortKeys)
                std::ranges::sort(entries, {}, [](const auto& entry) { return entry.first; });
            for (const auto& [key, item] : entries)
                items.push_back(jsonText(key, m_style.asciiOnly) + m_style.keySeparator + write(item, level + 1));
            return enclosed(items, '{', '}', level);
        }
        throw FormatError("The chat template writes a value of type " + typeName(value) + " as JSON.");
    }

private:
    [[nodiscard]] std::string enclosed(const std::vector<std::string>& items, char open, char close, int level) const
    {
        std::string result(1, open);
        const auto newLine = [&](int depth) {
            if (m_style.indent >= 0)
                result += "\n" + std::string(static_cast<std::size_t>(m_style.indent * depth), ' ');
        };
        for (std::size_t i = 0; i < items.size(); ++i) {
            result += i > 0 ? m_style.itemSeparator : "";
            newLine(level + 1);
            result += items[i];
        }
        if (!items.empty())
            newLine(level);
        return result + close;
    }

    const JsonStyle& m_style;
};

}

const Value* Dictionary::find(std::string_view key) const
{
    const auto found = std::ranges::find_if(items, [key](const auto& item) { return item.first == key; });
    return found == items.end() ? nullptr : &found->second;
}

Value Value::list(std::vector<Value> items, bool tuple)
{
    List list;
    for (const Value& item : items) {
        list.depth = std::max(list.depth, depthOf(item) + 1);
        addWeight(list.weight, weightOf(item));
    }
    list.items = std::move(items);
    list.tuple = tuple;
    return Value(Data(std::make_shared<const List>(std::move(list))));
}

Value Value::dictionary(std::vector<std::pair<std::string, Value>> items)
{
    Dictionary dictionary;
    std::map<std::string_view, std::size_t> places;
    dictionary.items.reserve(items.size()); // the places refer to the keys inside
    for (auto& [key, value] : items) {
        dictionary.depth = std::max(dictionary.depth, depthOf(value) + 1);
        addWeight(dictionary.weight, key.size() + weightOf(value));
        const auto place = places.find(key);
        if (place != places.end()) {
            dictionary.items[place->second].second = std::move(value);
            continue;
        }
        dictionary.items.emplace_back(std::move(key), std::move(value));
        places.emplace(dictionary.items.back().first, dictionary.items.size() - 1);
    }
    return Value(Data(std::make_shared<const Dictionary>(std::move(dictionary))));
}

bool Value::isNumber() const
{
    return as<bool>() != nullptr || as<std::int64_t>() != nullptr || as<double>() != nullptr;
}

std::size_t weightOf(const Value& value)
{
    if (const std::string* text = value.asText())
        return text->size() + 1;
    if (const List* list = value.asList())
        return list->weight;
    const Dictionary* dictionary = value.asDictionary();
    return dictionary != nullptr ? dictionary->weight : 1;
}

std::optional<std::int64_t> integerOf(const Value& value)
{
    if (const bool* boolean = value.as<bool>())
        return *boolean ? 1 : 0;
    const std::int64_t* integer = value.as<std::int64_t>();
    return integer == nullptr ? std::nullopt : std::optional(*integer);
}

double toDouble(const Value& value)
{
    if (const double* number = value.as<double>())
        return *number;
    if (const std::int64_t* number = value.as<std::int64_t>())
        return static_cast<double>(*number);
    const bool* boolean = value.as<bool>();
    return boolean != nullptr && *boolean ? 1 : 0;
}

bool truth(const Value& value)
{
    if (value.isUndefined() || value.isNone())
        return false;
    if (value.isNumber())
        return toDouble(value) != 0;
    if (const std::string* text = value.asText())
        return !text->empty();
    if (const List* list = value.asList())
        return !list->items.empty();
    if (const Dictionary* dictionary = value.asDictionary())
        return !dictionary->items.empty();
    return true;
}

bool equal(const Value& a, const Value& b)
{
    if (a.isNumber() && b.isNumber()) {
        if (a.as<double>() != nullptr || b.as<double>() != nullptr)
            return toDouble(a) == toDouble(b);
        return integerOf(a) == integerOf(b);
    }
    if (a.data().index() != b.data().index())
        return false;
    if (const std::string* text = a.asText())
        return *text == *b.asText();
    if (const List* list = a.asList())
        return list->tuple == b.asList()->tuple &&
               std::ranges::equal(list->items, b.asList()->items,
                                  [](const Value& x, const Value& y) { return equal(x, y); });
    if (const Dictionary* dictionary = a.asDictionary())
        return dictionary->items.size() == b.asDictionary()->items.size() &&
               std::ranges::all_of(dictionary->items, [&b](const auto& item) {
                   const Value* other = b.asDictionary()->find(item.first);
                   return other != nullptr && equal(item.second, *other);
               });
    if (const auto* space = a.as<std::shared_ptr<Namespace>>())
        return *space == *b.as<std::shared_ptr<Namespace>>();
    return a.isUndefined() || a.isNone();
}

int compare(const Value& a, const Value& b)
{
    if (a.isNumber() && b.isNumber())
        return toDouble(a) < toDouble(b) ? -1 : toDouble(b) < toDouble(a) ? 1 : 0;
    if (a.asText() != nullptr && b.asText() != nullptr) {
        const int order = a.asText()->compare(*b.asText()); // UTF-8 sorts like its code points
        return order < 0 ? -1 : order > 0 ? 1 : 0;
    }
    if (a.asList() != nullptr && b.asList() != nullptr && a.asList()->tuple == b.asList()->tuple) {
        const std::vector<Value>& x = a.asList()->items;
        const std::vector<Value>& y = b.asList()->items;
        for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
            if (!equal(x[i], y[i]))
                return compare(x[i], y[i]);
        return x.size() < y.size() ? -1 : y.size() < x.size() ? 1 : 0;
    }
    throw FormatError("The chat template compares " + typeName(a) + " with " + typeName(b) + ".");
}

std::string typeName(const Value& value)
{
    static constexpr const char* names[] = {
        "an undefined value", "none",        "a boolean", "an integer", "a float",   "a string", "a list",
        "a dictionary",       "a namespace", "a loop",    "a macro",    "a function"};
    return names[value.data().index()];
}

std::string print(const Value& value)
{
    if (value.isUndefined())
        return "";
    const std::string* text = value.asText();
    return text != nullptr ? *text : represent(value);
}

std::string represent(const Value& value)
{
    if (value.isUndefined())
        return "Undefined";
    if (value.isNone())
        return "None";
    if (const bool* boolean = value.as<bool>())
        return *boolean ? "True" : "False";
    if (const std::int64_t* integer = value.as<std::int64_t>())
        return std::to_string(*integer);
    if (const double* number = value.as<double>())
        return representNumber(*number);
    if (const std::string* text = value.asText())
        return representText(*text);
    if (const List* list = value.asList())
        return representItems(*list);
    if (const Dictionary* dictionary = value.asDictionary())
        return representItems(*dictionary);
    throw UnsupportedError("The chat template prints " + typeName(value) + ", which this version does not implement.");
}

std::string toJson(const Value& value, const JsonStyle& style)
{
    return JsonWriter(style).write(value, 0);
}

}
