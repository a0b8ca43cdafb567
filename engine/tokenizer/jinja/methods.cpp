// Methods of strings, dictionaries and lists.
#include "engine/base/error.h"
#include "engine/tokenizer/jinja/interpreter.h"
#include "engine/tokenizer/jinja/python_text.h"

#include <algorithm>
#include <functional>

namespace blockcert::tokenizer::jinja {

namespace {

struct Input {
    Interpreter& interpreter;
    const std::string& text;
    CallArguments& arguments;

    [[nodiscard]] Value make(std::string_view value) const { return interpreter.text(std::string(value)); }

    [[nodiscard]] Value list(const std::vector<std::string>& parts) const
    {
        std::vector<Value> items;
        for (const std::string& part : parts)
            items.push_back(make(part));
        return Value::list(std::move(items));
    }
};

Value stripSide(const Input& in, Side side)
{
    const Value characters = in.arguments.next("chars");
    if (characters.asText() == nullptr)
        return in.make(strip(in.text, side, std::nullopt));
    in.interpreter.charge(in.text.size() + characters.asText()->size());
    return in.make(strip(in.text, side, *characters.asText()));
}

Value splitText(const Input& in, bool fromRight)
{
    const Value separator = in.arguments.next("sep");
    const std::int64_t most = in.arguments.integer("maxsplit", -1);
    if (separator.asText() == nullptr) {
        if (fromRight && most >= 0)
            throw UnsupportedError("rsplit without separator but with a limit is not implemented.");
        return in.list(splitSpace(in.text, most));
    }
    if (separator.asText()->empty())
        throw FormatError("It splits by an empty separator.");
    in.interpreter.charge(in.text.size());
    return in.list(fromRight ? splitFromRight(in.text, *separator.asText(), most)
                             : split(in.text, *separator.asText(), most));
}

// startswith and endswith take one string or a tuple of them.
Value affix(const Input& in, bool atEnd)
{
    const Value wanted = in.arguments.require("prefix");
    const auto fits = [&](const Value& value) {
        if (value.asText() == nullptr)
            throw FormatError("startswith and endswith need strings.");
        return atEnd ? in.text.ends_with(*value.asText()) : in.text.starts_with(*value.asText());
    };
    if (wanted.asList() != nullptr && wanted.asList()->tuple)
        return Value::boolean(std::ranges::any_of(wanted.asList()->items, fits));
    return Value::boolean(fits(wanted));
}

Value replace(const Input& in)
{
    const std::string from = in.arguments.requireText("old");
    const std::string to = in.arguments.requireText("new");
    const std::int64_t most = in.arguments.integer("count", -1);
    in.interpreter.charge(in.text.size());
    // Before it is made: how long will it be?
    std::size_t found = from.empty() ? in.text.size() + 1 : 0;
    for (std::size_t at = 0; !from.empty() && (at = findText(in.text, from, at)) != std::string::npos;
         at += from.size())
        ++found;
    if (most >= 0)
        found = std::min(found, static_cast<std::size_t>(most));
    in.interpreter.charge(found * to.size());
    return in.make(replaceText(in.text, from, to, most));
}

Value find(const Input& in, bool fromRight)
{
    const std::string wanted = in.arguments.requireText("sub");
    in.interpreter.charge(in.text.size());
    const std::size_t at = fromRight ? findLastText(in.text, wanted) : findText(in.text, wanted);
    return Value::integer(at == std::string::npos ? -1 : countCodePoints(std::string_view(in.text).substr(0, at)));
}

Value count(const Input& in)
{
    const std::string wanted = in.arguments.requireText("sub");
    if (wanted.empty())
        return Value::integer(countCodePoints(in.text) + 1);
    in.interpreter.charge(in.text.size());
    std::int64_t found = 0;
    for (std::size_t at = 0; (at = findText(in.text, wanted, at)) != std::string::npos; at += wanted.size())
        ++found;
    return Value::integer(found);
}

Value join(const Input& in)
{
    std::string result;
    bool first = true;
    for (const Value& item : in.interpreter.iterate(in.arguments.require("iterable"))) {
        if (item.asText() == nullptr)
            throw FormatError("join needs strings, not " + typeName(item) + ".");
        in.interpreter.charge(in.text.size() + item.asText()->size());
        result += first ? "" : in.text;
        result += *item.asText();
        first = false;
    }
    return in.make(result);
}

Value removeAffix(const Input& in, bool atEnd)
{
    const std::string affixText = in.arguments.requireText("prefix");
    std::string_view text = in.text;
    if (atEnd ? text.ends_with(affixText) : text.starts_with(affixText))
        text = atEnd ? text.substr(0, text.size() - affixText.size()) : text.substr(affixText.size());
    return in.make(text);
}

bool allDigits(const std::string& text)
{
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
        throw UnsupportedError("isdigit() of text outside ASCII is not implemented.");
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

const std::map<std::string, std::function<Value(const Input&)>, std::less<>>& textMethods()
{
    static const std::map<std::string, std::function<Value(const Input&)>, std::less<>> table = {
        {"strip", [](const Input& in) { return stripSide(in, Side::Both); }},
        {"lstrip", [](const Input& in) { return stripSide(in, Side::Left); }},
        {"rstrip", [](const Input& in) { return stripSide(in, Side::Right); }},
        {"split", [](const Input& in) { return splitText(in, false); }},
        {"rsplit", [](const Input& in) { return splitText(in, true); }},
        {"splitlines", [](const Input& in) { return in.list(splitLines(in.text)); }},
        {"startswith", [](const Input& in) { return affix(in, false); }},
        {"endswith", [](const Input& in) { return affix(in, true); }},
        {"replace", replace},
        {"find", [](const Input& in) { return find(in, false); }},
        {"rfind", [](const Input& in) { return find(in, true); }},
        {"count", count},
        {"join", join},
        {"removeprefix", [](const Input& in) { return removeAffix(in, false); }},
        {"removesuffix", [](const Input& in) { return removeAffix(in, true); }},
        {"upper", [](const Input& in) { return in.make(upperCase(in.text)); }},
        {"lower", [](const Input& in) { return in.make(lowerCase(in.text)); }},
        {"capitalize", [](const Input& in) { return in.make(capitalise(in.text)); }},
        {"title", [](const Input& in) { return in.make(titleCase(in.text)); }},
        {"isdigit", [](const Input& in) { return Value::boolean(allDigits(in.text)); }},
    };
    return table;
}

std::optional<Value> dictionaryMethod(const Dictionary& dictionary, const std::string& name, CallArguments& arguments)
{
    std::vector<Value> items;
    if (name == "get") {
        const Value key = arguments.require("key");
        Value other = arguments.next("default");
        if (other.isUndefined())
            other = Value::none();
        const Value* found = key.asText() == nullptr ? nullptr : dictionary.find(*key.asText());
        return found == nullptr ? other : *found;
    }
    for (const auto& [key, value] : dictionary.items) {
        if (name == "items")
            items.push_back(Value::list({Value::text(key), value}, true));
        else if (name == "keys")
            items.push_back(Value::text(key));
        else if (name == "values")
            items.push_back(value);
    }
    if (name == "items" || name == "keys" || name == "values")
        return Value::list(std::move(items));
    return std::nullopt;
}

std::optional<Value> listMethod(const List& list, const std::string& name, CallArguments& arguments)
{
    if (name != "index" && name != "count")
        return std::nullopt;
    const Value wanted = arguments.require("value");
    const auto same = [&wanted](const Value& item) { return equal(item, wanted); };
    if (name == "count")
        return Value::integer(std::ranges::count_if(list.items, same));
    const auto found = std::ranges::find_if(list.items, same);
    if (found == list.items.end())
        throw FormatError("index() does not find its value.");
    return Value::integer(found - list.items.begin());
}

}

Value callMethod(Interpreter& interpreter, const Value& object, const std::string& name, CallArguments arguments)
{
    std::optional<Value> result;
    if (const std::string* text = object.asText()) {
        const auto method = textMethods().find(name);
        if (method != textMethods().end())
            result = method->second(Input{interpreter, *text, arguments});
    } else if (const Dictionary* dictionary = object.asDictionary()) {
        result = dictionaryMethod(*dictionary, name, arguments);
    } else if (const List* list = object.asList()) {
        result = listMethod(*list, name, arguments);
    }
    if (!result)
        throw UnsupportedError("The method \"" + name + "\" of " + typeName(object) + " is not implemented.");
    arguments.finish();
    return *result;
}

}
