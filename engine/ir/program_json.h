// Reads one JSON object field by field: every field must be there, have its type and its range, and be the last one.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/dtype.h"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::ir {

// Messages begin with `where`. The object must outlive the reader. All members throw FormatError.
class ObjectReader {
public:
    ObjectReader(const Json& object, std::string where);

    [[nodiscard]] const Json& field(const std::string& key);
    [[nodiscard]] const Json& array(const std::string& key);
    [[nodiscard]] bool has(const std::string& key) const;
    [[nodiscard]] std::string text(const std::string& key);
    // Letters, digits, '_', '.', '-': what registers, weights and tensors are called. At most 256 characters.
    [[nodiscard]] std::string name(const std::string& key);
    [[nodiscard]] std::string digest(const std::string& key); // 64 lower-case hexadecimal digits
    [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t smallest, std::int64_t largest);
    [[nodiscard]] std::int32_t count(const std::string& key); // 0 … 2^20
    [[nodiscard]] double number(const std::string& key);      // a certified number
    [[nodiscard]] DType dtype(const std::string& key);
    [[nodiscard]] std::vector<std::int64_t> shape(const std::string& key);

    // Refuses fields that nobody has asked for.
    void end() const;

    [[noreturn]] void refuse(const std::string& sentence) const;

private:
    const Json& m_object;
    std::string m_where;
    std::set<std::string> m_known;
};

}
