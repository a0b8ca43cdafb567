// The values a chat template computes with: Python's, as far as templates use them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace blockcert::tokenizer::jinja {

class Value;
struct MacroStatement;

struct Undefined {
    std::string name; // of what was looked for
};

struct None {};

struct List {
    std::vector<Value> items;
    bool tuple = false;
    int depth = 1;          // of lists and dictionaries inside each other
    std::size_t weight = 1; // bytes and values it stands for, shared parts counted every time they appear
};

// Keys are strings, in the order of insertion.
struct Dictionary {
    std::vector<std::pair<std::string, Value>> items;
    int depth = 1;
    std::size_t weight = 1;

    [[nodiscard]] const Value* find(std::string_view key) const;
};

// The one mutable value: {% set ns.x = … %}.
struct Namespace {
    std::map<std::string, Value, std::less<>> members;
};

// What `loop` is inside a for.
struct Loop {
    std::int64_t index = 0; // 0-based
    std::shared_ptr<const List> items;
};

enum class Function : std::uint8_t { Range, MakeDictionary, MakeNamespace, RaiseException, StrftimeNow };

class Value {
public:
    using Text = std::shared_ptr<const std::string>;
    using Data = std::variant<Undefined, None, bool, std::int64_t, double, Text, std::shared_ptr<const List>,
                              std::shared_ptr<const Dictionary>, std::shared_ptr<Namespace>,
                              std::shared_ptr<const Loop>, const MacroStatement*, Function>;

    Value()
        : m_data(Undefined{})
    {
    }

    explicit Value(Data data)
        : m_data(std::move(data))
    {
    }

    [[nodiscard]] static Value undefined(std::string name) { return Value(Data(Undefined{std::move(name)})); }

    [[nodiscard]] static Value none() { return Value(Data(None{})); }

    [[nodiscard]] static Value boolean(bool value) { return Value(Data(value)); }

    [[nodiscard]] static Value integer(std::int64_t value) { return Value(Data(value)); }

    [[nodiscard]] static Value number(double value) { return Value(Data(value)); }

    [[nodiscard]] static Value text(std::string value)
    {
        return Value(Data(std::make_shared<const std::string>(std::move(value))));
    }

    // Throw UnsupportedError for a namespace inside (it could contain itself), ResourceError beyond depth 64 or a
    // weight of 16 Mi.
    [[nodiscard]] static Value list(std::vector<Value> items, bool tuple = false);
    [[nodiscard]] static Value dictionary(std::vector<std::pair<std::string, Value>> items); // later keys win

    template <class T>
    [[nodiscard]] const T* as() const
    {
        return std::get_if<T>(&m_data);
    }

    [[nodiscard]] const std::string* asText() const
    {
        const Text* text = as<Text>();
        return text == nullptr ? nullptr : text->get();
    }

    [[nodiscard]] const List* asList() const
    {
        const auto* list = as<std::shared_ptr<const List>>();
        return list == nullptr ? nullptr : list->get();
    }

    [[nodiscard]] const Dictionary* asDictionary() const
    {
        const auto* dictionary = as<std::shared_ptr<const Dictionary>>();
        return dictionary == nullptr ? nullptr : dictionary->get();
    }

    [[nodiscard]] bool isUndefined() const { return as<Undefined>() != nullptr; }

    [[nodiscard]] bool isNone() const { return as<None>() != nullptr; }

    [[nodiscard]] bool isNumber() const; // bool counts, as in Python

    [[nodiscard]] const Data& data() const { return m_data; }

private:
    Data m_data;
};

[[nodiscard]] bool truth(const Value& value);
[[nodiscard]] bool equal(const Value& a, const Value& b);
// -1, 0, 1; throws FormatError for what Python cannot order.
[[nodiscard]] int compare(const Value& a, const Value& b);
[[nodiscard]] std::string typeName(const Value& value);
// How much work it is to print or compare a value.
[[nodiscard]] std::size_t weightOf(const Value& value);
// An integer or, as in Python, a boolean.
[[nodiscard]] std::optional<std::int64_t> integerOf(const Value& value);
// bool, int or float as double.
[[nodiscard]] double toDouble(const Value& value);
[[nodiscard]] std::string print(const Value& value); // str()
[[nodiscard]] std::string represent(const Value& value);

struct JsonStyle {
    int indent = -1; // negative: on one line
    std::string itemSeparator;
    std::string keySeparator = ": ";
    bool sortKeys = false;
    bool asciiOnly = false;
};

[[nodiscard]] std::string toJson(const Value& value, const JsonStyle& style);

}
