// Numbers as people read them: three significant digits in tables, never rounded in favour of a claim.
#pragma once

#include <cstdint>
#include <string>

namespace blockcert::terminal {

// "0.0123", "12.3", "1.23e-5", "0".
[[nodiscard]] std::string threeDigits(double value);

// The same, with as many more digits as are needed to see on which side of a threshold it lies: "0.01003" beside 0.01.
[[nodiscard]] std::string threeDigits(double value, double threshold);

// At most so many significant digits, without zeros nobody needs: "0.01", "1e-5", "94".
[[nodiscard]] std::string plainNumber(double value, int digits = 10);

// "94.3 %": rounded, but only nothing reads 0 % and only everything 100 %.
[[nodiscard]] std::string percent(double share);

// "98.4 MB" (powers of ten), "512 bytes".
[[nodiscard]] std::string bytes(double count);

// "134.5 million", "1.24 billion", "1 234".
[[nodiscard]] std::string largeCount(std::int64_t count);

// Digits in groups of three, separated by blanks: "49 152".
[[nodiscard]] std::string grouped(std::int64_t count);

// "0.42 s", "3 min 20 s", "2 h 05 min".
[[nodiscard]] std::string duration(double seconds);

// "1 token", "3 tokens".
[[nodiscard]] std::string counted(std::int64_t count, const std::string& noun);

// First and last four digits of a digest.
[[nodiscard]] std::string shortDigest(const std::string& sha256);

}
