// Typed, bounded access to one object of a configuration file; remembers which keys were asked for.
#pragma once

#include "engine/base/strict_json.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::artifact {

// Every reader treats null as absent. Throws FormatError naming source, key and value. Not thread-safe.
class ConfigFields {
public:
    // `source` appears in messages: a file, or a file and the key of the object. Throws FormatError unless `object`
    // is a JSON object, which must outlive this.
    ConfigFields(const Json& object, std::string source);

    [[nodiscard]] std::optional<std::int64_t> integer(const char* key, std::int64_t smallest, std::int64_t largest);
    [[nodiscard]] std::int64_t requiredInteger(const char* key, std::int64_t smallest, std::int64_t largest);
    [[nodiscard]] std::optional<double> positive(const char* key); // finite and above 0
    [[nodiscard]] std::optional<bool> flag(const char* key);
    [[nodiscard]] std::optional<std::string> text(const char* key);
    [[nodiscard]] std::vector<std::int64_t> integers(const char* key); // one integer or a list of at most 64
    [[nodiscard]] const Json* object(const char* key);                 // null unless there and not null

    [[nodiscard]] const std::string& source() const { return m_source; }

    // Keys nobody asked for, with values that are not null, in alphabetical order.
    [[nodiscard]] std::vector<std::string> unread() const;

    [[nodiscard]] bool has(const std::string& key) const { return m_object.contains(key); }

    [[nodiscard]] const Json& at(const std::string& key) const { return m_object.at(key); }

    void ignore(const std::string& key) { m_read.insert(key); }

    // `"key" is value`, shortened, for sentences.
    [[nodiscard]] std::string describe(const std::string& key) const;

private:
    const Json* find(const char* key);
    [[noreturn]] void refuse(const char* key, const std::string& expected) const;

    const Json& m_object;
    std::string m_source;
    std::set<std::string, std::less<>> m_read;
};

// Null, false, 0, "" and empty lists and objects: a key that is switched off.
[[nodiscard]] bool isSwitchedOff(const Json& value);

}
