// Reads fields of a foreign process's JSON without trusting their presence or type.
#pragma once

#include "engine/base/strict_json.h"

#include <QString>
#include <QStringList>

#include <optional>

namespace blockcert::workbench {

// A file of strict JSON. Throws what readWholeFile and parseStrictJson throw, each naming the file.
[[nodiscard]] Json readJsonFile(const QString& path);

// Absent fields, null, and values of another type give the empty or stated value; nothing below throws.
[[nodiscard]] QString textOf(const Json& object, const char* key);
[[nodiscard]] qint64 wholeOf(const Json& object, const char* key, qint64 otherwise = 0);
[[nodiscard]] quint64 sizeOf(const Json& object, const char* key); // negative: 0
[[nodiscard]] std::optional<double> realOf(const Json& object, const char* key);
[[nodiscard]] std::optional<int> indexOf(const Json& object, const char* key); // a 0-based number, below 10⁹
[[nodiscard]] bool flagOf(const Json& object, const char* key, bool otherwise = false);
[[nodiscard]] QStringList textsOf(const Json& object, const char* key);
// The member object or array; an empty one if it is absent or something else.
[[nodiscard]] const Json& objectOf(const Json& object, const char* key);
[[nodiscard]] const Json& arrayOf(const Json& object, const char* key);
[[nodiscard]] bool hasValue(const Json& object, const char* key); // present and not null

}
