// The filters of the interpreter: value|name(arguments).
#include "engine/base/error.h"
#include "engine/tokenizer/jinja/interpreter.h"
#include "engine/tokenizer/jinja/python_text.h"
#include "engine/tokenizer/unicode.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <system_error>

namespace blockcert::tokenizer::jinja {

namespace {

struct Input {
    Interpreter& interpreter;
    const Value& object;
    CallArguments& arguments;

    [[nodiscard]] std::vector<Value> items() const { return interpreter.iterate(object); }

    [[nodiscard]] std::string text() const { return print(object); }

    [[nodiscard]] Value make(std::string value) const { return interpreter.text(std::move(value)); }
};

// What comparing filters see of an item: by default they ignore case.
Value sortKey(const Value& item, bool caseSensitive)
{
    return caseSensitive || item.asText() == nullptr ? item : Value::text(lowercase(*item.asText()));
}

// a.b.c or a.0 of an item, as `attribute=` of map, join and others spells it.
Value path(Interpreter& interpreter, Value item, const Value& attribute)
{
    if (const std::int64_t* index = attribute.as<std::int64_t>()) {
        const std::vector<Value> items = interpreter.iterate(item);
        return *index >= 0 && *index < static_cast<std::int64_t>(items.size()) ? items[static_cast<std::size_t>(*index)]
                                                                               : Value::undefined("item");
    }
    if (attribute.asText() == nullptr)
        throw FormatError("An attribute must be named by a string, not " + typeName(attribute) + ".");
    for (const std::string& name : split(*attribute.asText(), ".", -1))
        item = interpreter.attribute(item, name);
    return item;
}

Value trim(const Input& in)
{
    const Value characters = in.arguments.next("chars");
    const std::string text = in.text();
    if (characters.isUndefined() || characters.isNone())
        return in.make(std::string(strip(text, Side::Both, std::nullopt)));
    return in.make(std::string(strip(text, Side::Both, print(characters))));
}

Value length(const Input& in)
{
    if (const std::string* text = in.object.asText())
        return Value::integer(countCodePoints(*text));
    if (!in.object.isUndefined() && in.object.asList() == nullptr && in.object.asDictionary() == nullptr)
        throw FormatError("It asks for the length of " + typeName(in.object) + ".");
    return Value::integer(static_cast<std::int64_t>(in.items().size()));
}

Value fallback(const Input& in)
{
    Value other = in.arguments.next("default_value");
    if (other.isUndefined())
        other = Value::text("");
    const bool alsoFalse = in.arguments.flag("boolean", false);
    return in.object.isUndefined() || (alsoFalse && !truth(in.object)) ? other : in.object;
}

Value json(const Input& in)
{
    JsonStyle style;
    style.asciiOnly = in.arguments.flag("ensure_ascii", false);
    const Value indent = in.arguments.next("indent");
    if (const std::int64_t* spaces = indent.as<std::int64_t>())
        style.indent = static_cast<int>(std::clamp<std::int64_t>(*spaces, 0, 16));
    else if (!indent.isUndefined() && !indent.isNone())
        throw UnsupportedError("tojson with an indent that is " + typeName(indent) + " is not implemented.");
    style.itemSeparator = style.indent >= 0 ? "," : ", ";
    const Value separators = in.arguments.next("separators");
    if (const List* pair = separators.asList()) {
        if (pair->items.size() != 2 || pair->items[0].asText() == nullptr || pair->items[1].asText() == nullptr)
            throw FormatError("tojson needs two strings as separators.");
        style.itemSeparator = *pair->items[0].asText();
        style.keySeparator = *pair->items[1].asText();
    }
    style.sortKeys = in.arguments.flag("sort_keys", false);
    return in.make(toJson(in.object, style));
}

Value join(const Input& in)
{
    const Value separator = in.arguments.next("d");
    const Value attribute = in.arguments.next("attribute");
    std::string result;
    bool first = true;
    for (Value& item : in.items()) {
        if (!attribute.isUndefined() && !attribute.isNone())
            item = path(in.interpreter, item, attribute);
        result += first ? "" : print(separator);
        result += print(item);
        in.interpreter.charge(weightOf(item) + weightOf(separator));
        first = false;
    }
    return in.make(std::move(result));
}

Value replace(const Input& in)
{
    const std::string from = in.arguments.requireText("old");
    const std::string to = in.arguments.requireText("new");
    const std::int64_t most = in.arguments.integer("count", -1);
    return callMethod(in.interpreter, Value::text(in.text()), "replace",
                      {"replace", {Value::text(from), Value::text(to), Value::integer(most)}, {}});
}

Value first(const Input& in)
{
    const std::vector<Value> items = in.items();
    return items.empty() ? Value::undefined("No first item, sequence was empty.") : items.front();
}

Value last(const Input& in)
{
    const std::vector<Value> items = in.items();
    return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value toInteger(const Input& in)
{
    const Value other = Value::integer(in.arguments.integer("default", 0));
    if (const double* number = in.object.as<double>()) {
        if (!(std::abs(*number) < 9e18))
            return other;
        return Value::integer(static_cast<std::int64_t>(*number));
    }
    if (in.object.isNumber())
        return Value::integer(static_cast<std::int64_t>(toDouble(in.object)));
    const std::string text(strip(in.text(), Side::Both, std::nullopt));
    const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
    std::int64_t value = 0;
    const auto whole = std::from_chars(begin, text.data() + text.size(), value);
    if (whole.ec == std::errc() && whole.ptr == text.data() + text.size())
        return Value::integer(value);
    double number = 0;
    const auto parsed = std::from_chars(begin, text.data() + text.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && std::abs(number) < 9e18)
        return Value::integer(static_cast<std::int64_t>(number));
    return other;
}

Value toFloat(const Input& in)
{
    const Value given = in.arguments.next("default");
    const Value other = given.isUndefined() ? Value::number(0) : given;
    if (in.object.isNumber())
        return Value::number(toDouble(in.object));
    const std::string text(strip(in.text(), Side::Both, std::nullopt));
    double number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() ? Value::number(number) : other;
}

Value absolute(const Input& in)
{
    if (const double* number = in.object.as<double>())
        return Value::number(std::abs(*number));
    if (const auto number = integerOf(in.object); number && *number != INT64_MIN)
        return Value::integer(std::abs(*number));
    throw FormatError("It asks for the absolute value of " + typeName(in.object) + ".");
}

Value items(const Input& in)
{
    if (in.object.isUndefined())
        return Value::list({});
    return callMethod(in.interpreter, in.object, "items", {"items", {}, {}});
}

Value dictsort(const Input& in)
{
    if (in.object.asDictionary() == nullptr)
        throw FormatError("It sorts " + typeName(in.object) + " as a dictionary.");
    auto entries = in.object.asDictionary()->items;
    std::ranges::stable_sort(entries, {}, [](const auto& entry) { return lowercase(entry.first); });
    std::vector<Value> pairs;
    for (auto& [key, value] : entries)
        pairs.push_back(Value::list({Value::text(key), value}, true));
    return Value::list(std::move(pairs));
}

Value map(const Input& in)
{
    std::vector<Value> result;
    const std::vector<Value> all = truth(in.object) ? in.items() : std::vector<Value>{};
    const std::vector<Value> positional = in.arguments.restPositional();
    auto named = in.arguments.restNamed();
    if (!positional.empty()) {
        if (positional.front().asText() == nullptr)
            throw FormatError("map needs the name of a filter.");
        const std::string& name = *positional.front().asText();
        for (const Value& item : all)
            result.push_back(in.interpreter.applyFilter(
                name, item, {name, std::vector<Value>(positional.begin() + 1, positional.end()), named}));
        return Value::list(std::move(result));
    }
    Value attribute;
    Value other;
    for (const auto& [name, value] : named) {
        if (name != "attribute" && name != "default")
            throw UnsupportedError("map with the argument \"" + name + "\" is not implemented.");
        (name == "attribute" ? attribute : other) = value;
    }
    for (const Value& item : all) {
        Value value = path(in.interpreter, item, attribute);
        result.push_back(value.isUndefined() && !other.isUndefined() ? other : std::move(value));
    }
    return Value::list(std::move(result));
}

// select, reject, selectattr and rejectattr.
Value choose(const Input& in, bool byAttribute, bool wanted)
{
    std::vector<Value> arguments = in.arguments.restPositional();
    Value attribute;
    if (byAttribute) {
        if (arguments.empty())
            throw FormatError("selectattr and rejectattr need the name of an attribute.");
        attribute = arguments.front();
        arguments.erase(arguments.begin());
    }
    std::vector<Value> kept;
    for (const Value& item : truth(in.object) ? in.items() : std::vector<Value>{}) {
        const Value value = byAttribute ? path(in.interpreter, item, attribute) : item;
        bool passes = truth(value);
        if (!arguments.empty()) {
            if (arguments.front().asText() == nullptr)
                throw FormatError("A test must be named by a string.");
            const std::string& name = *arguments.front().asText();
            passes = in.interpreter.applyTest(name, value,
                                              {name, std::vector<Value>(arguments.begin() + 1, arguments.end()), {}});
        }
        if (passes == wanted)
            kept.push_back(item);
    }
    return Value::list(std::move(kept));
}

Value unique(const Input& in)
{
    const bool caseSensitive = in.arguments.flag("case_sensitive", false);
    std::vector<Value> kept;
    std::vector<Value> keys;
    for (const Value& item : in.items()) {
        Value key = sortKey(item, caseSensitive);
        for (const Value& other : keys)
            in.interpreter.charge(std::min(weightOf(key), weightOf(other)));
        if (std::ranges::any_of(keys, [&key](const Value& other) { return equal(key, other); }))
            continue;
        kept.push_back(item);
        keys.push_back(std::move(key));
    }
    return Value::list(std::move(kept));
}

Value reverse(const Input& in)
{
    std::vector<Value> all = in.items();
    std::ranges::reverse(all);
    if (in.object.asText() == nullptr)
        return Value::list(std::move(all));
    std::string result;
    for (const Value& letter : all)
        result += *letter.asText();
    return in.make(std::move(result));
}

Value indent(const Input& in)
{
    const Value width = in.arguments.next("width");
    std::string prefix = "    ";
    if (const std::int64_t* count = width.as<std::int64_t>())
        prefix = std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(*count, 0, 1024)), ' ');
    else if (width.asText() != nullptr)
        prefix = *width.asText();
    const bool first = in.arguments.flag("first", false);
    const bool blank = in.arguments.flag("blank", false);
    const std::vector<std::string> lines = splitLines(in.text() + "\n");
    std::string result;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        in.interpreter.charge(prefix.size());
        result += i > 0 ? "\n" : "";
        result += (i > 0 ? blank || !lines[i].empty() : first) ? prefix : "";
        result += lines[i];
    }
    return in.make(std::move(result));
}

Value extreme(const Input& in, int sign)
{
    const bool caseSensitive = in.arguments.flag("case_sensitive", false);
    const std::vector<Value> all = in.items();
    if (all.empty())
        return Value::undefined("No aggregated item, sequence was empty.");
    Value best = all.front();
    for (const Value& item : all)
        if (compare(sortKey(item, caseSensitive), sortKey(best, caseSensitive)) * sign > 0)
            best = item;
    return best;
}

const std::map<std::string, std::function<Value(const Input&)>, std::less<>>& filterTable()
{
    static const std::map<std::string, std::function<Value(const Input&)>, std::less<>> table = {
        {"trim", trim},
        {"length", length},
        {"count", length},
        {"default", fallback},
        {"d", fallback},
        {"tojson", json},
        {"join", join},
        {"replace", replace},
        {"first", first},
        {"last", last},
        {"int", toInteger},
        {"float", toFloat},
        {"abs", absolute},
        {"items", items},
        {"dictsort", dictsort},
        {"map", map},
        {"select", [](const Input& in) { return choose(in, false, true); }},
        {"reject", [](const Input& in) { return choose(in, false, false); }},
        {"selectattr", [](const Input& in) { return choose(in, true, true); }},
        {"rejectattr", [](const Input& in) { return choose(in, true, false); }},
        {"unique", unique},
        {"reverse", reverse},
        {"indent", indent},
        {"min", [](const Input& in) { return extreme(in, -1); }},
        {"max", [](const Input& in) { return extreme(in, 1); }},
        {"list", [](const Input& in) { return Value::list(in.items()); }},
        {"string", [](const Input& in) { return in.make(in.text()); }},
        {"safe", [](const Input& in) { return in.make(in.text()); }},
        {"upper", [](const Input& in) { return in.make(upperCase(in.text())); }},
        {"lower", [](const Input& in) { return in.make(lowerCase(in.text())); }},
        {"capitalize", [](const Input& in) { return in.make(capitalise(in.text())); }},
    };
    return table;
}

}

Value Interpreter::applyFilter(const std::string& name, const Value& object, CallArguments arguments)
{
    const auto found = filterTable().find(name);
    if (found == filterTable().end())
        throw UnsupportedError("The filter \"" + name + "\" is not implemented.");
    charge(weightOf(object));
    Value result = found->second(Input{*this, object, arguments});
    arguments.finish();
    return result;
}

}
