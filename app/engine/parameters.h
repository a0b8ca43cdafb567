// Reads the parameters of one request: every type is checked, and what nobody asks for is refused.
#pragma once

#include "engine/base/strict_json.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::engine {

// Every function throws UsageError naming the method and the parameter. Not thread-safe.
class Parameters {
public:
    Parameters(std::string method, const Json& object);

    [[nodiscard]] bool has(std::string_view key) const { return m_object->contains(key); }

    [[nodiscard]] std::string text(std::string_view key);
    [[nodiscard]] std::string text(std::string_view key, const std::string& fallback);
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t least,
                                       std::int64_t most);
    // Absent where it was not given.
    [[nodiscard]] std::optional<double> number(std::string_view key);
    [[nodiscard]] bool flag(std::string_view key);
    // One of the words; the first is the default.
    [[nodiscard]] std::string word(std::string_view key, const std::vector<std::string>& words);
    [[nodiscard]] Json object(std::string_view key);
    // Empty where it was not given.
    [[nodiscard]] Json array(std::string_view key, std::size_t most);

    // Refuses parameters that nobody asked for.
    void finish() const;

    [[noreturn]] void refuse(std::string_view key, const std::string& what) const;

private:
    [[nodiscard]] const Json* find(std::string_view key);

    std::string m_method;
    const Json* m_object;
    std::set<std::string, std::less<>> m_asked;
};

}
