// Strict JSON in and deterministic JSON out: no duplicates, no NaN, bounded depth and sizes.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert {

using Json = nlohmann::json; // object keys come out sorted by byte

struct JsonLimits {
    std::size_t bytes = 64U << 20U;
    std::size_t depth = 32;
    std::size_t stringBytes = 1U << 20U;
    std::size_t numberCharacters = 32;
    std::size_t values = 16'000'000; // numbers, strings, arrays … in all: bounds the memory a small text can claim
    bool roundWideIntegers = false;  // integers beyond 64 bits become floats (tokenizer_config.json has one)
};

// Parses one JSON value. Refuses with FormatError (naming `source` and the byte offset): duplicate keys (also
// when they are spelled with different escapes), NaN and Infinity, invalid UTF-8, numbers that are too long or
// do not fit, anything after the value, and whatever exceeds the limits.
[[nodiscard]] Json parseStrictJson(std::string_view text, std::string_view source, const JsonLimits& limits = {});

// Two-space indented, keys sorted, shortest round-trip numbers, ends with a newline. Throws NumericError if a
// number is not finite.
[[nodiscard]] std::string writeJson(const Json& value);

// The same on one line without spaces and without the newline: for messages and JSON lines.
[[nodiscard]] std::string writeJsonLine(const Json& value);

// The names of the members in which two objects differ: of those of `a`, then of those that it lacks. Nothing where one
// of them is no object.
[[nodiscard]] std::vector<std::string> differingMembers(const Json& a, const Json& b);

// A certified number, twice: {"value": 0.0142…, "hex": "0x1.d1…p-7"}. Machines compute from hex.
[[nodiscard]] Json certifiedNumber(double value);

// Reads hex and checks that value is the same number; FormatError otherwise.
[[nodiscard]] double readCertifiedNumber(const Json& value, std::string_view where);

// C99 hexadecimal float, exact in both directions ("0x1.8p+1"); fromHex throws FormatError.
[[nodiscard]] std::string toHexFloat(double value);
[[nodiscard]] double fromHexFloat(std::string_view text);

}
