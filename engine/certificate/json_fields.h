// Reads one JSON object field by field: every type, range and unknown name is checked, and errors say where.
#pragma once

#include "engine/base/strict_json.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::certificate {

// `where` is the file and the path inside it, such as "block_05/certificate.json: metrics.l2". Every reading
// function throws FormatError. Fields not asked for by the time of finish() are refused.
class JsonFields {
public:
    JsonFields(const Json& object, std::string where);

    [[nodiscard]] bool has(std::string_view key) const;
    [[nodiscard]] const Json& value(std::string_view key);
    [[nodiscard]] JsonFields object(std::string_view key);
    // The elements of an array, each to be read as an object.
    [[nodiscard]] std::vector<JsonFields> objects(std::string_view key);
    [[nodiscard]] const Json& array(std::string_view key);

    [[nodiscard]] std::string text(std::string_view key);
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most);
    [[nodiscard]] std::int32_t index(std::string_view key); // 0 … 2³¹ − 1
    [[nodiscard]] std::int64_t count(std::string_view key); // 0 … 2⁵³
    [[nodiscard]] std::uint64_t unsignedInteger(std::string_view key);
    [[nodiscard]] bool boolean(std::string_view key);
    [[nodiscard]] double number(std::string_view key);                      // a certified number
    [[nodiscard]] double notNegative(std::string_view key);                 // the same, not below 0
    [[nodiscard]] std::optional<double> numberOrNull(std::string_view key); // the same, or null
    [[nodiscard]] std::string digest(std::string_view key);                 // 64 lower-case hex digits
    [[nodiscard]] std::string digestOrEmpty(std::string_view key);
    [[nodiscard]] std::string utcTime(std::string_view key); // ISO 8601: "2026-01-02T03:04:05Z"
    [[nodiscard]] std::vector<std::string> texts(std::string_view key);
    [[nodiscard]] std::vector<std::int64_t> integers(std::string_view key, std::int64_t least, std::int64_t most);

    void requireText(std::string_view key, std::string_view expected);
    void finish() const; // refuses fields that nobody asked for

    [[nodiscard]] const std::string& where() const { return m_where; }

    [[nodiscard]] std::string path(std::string_view key) const;
    [[noreturn]] void refuse(std::string_view key, std::string_view problem) const;

private:
    const Json* m_object = nullptr;
    std::string m_where;
    std::set<std::string, std::less<>> m_asked;
};

// "blockcert.certificate/1" -> nothing; another major version is an UnsupportedError, anything else a FormatError.
void requireSchema(JsonFields& fields, std::string_view family, int major);

// Strict JSON of a run's own files: prompts may be longer than the strings of other files.
inline constexpr std::size_t largestDocument = 64U << 20U;
[[nodiscard]] Json parseDocument(std::string_view text, std::string_view source);

[[nodiscard]] bool isSha256(std::string_view text);

}
