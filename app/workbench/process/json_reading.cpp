#include "app/workbench/process/json_reading.h"

#include "engine/base/atomic_file.h"

#include <cmath>
#include <string>

namespace blockcert::workbench {
namespace {

const Json* member(const Json& object, const char* key)
{
    if (!object.is_object())
        return nullptr;
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

}

Json readJsonFile(const QString& path)
{
    const std::string file = path.toStdString();
    return parseStrictJson(readWholeFile(file, JsonLimits().bytes), file);
}

QString textOf(const Json& object, const char* key)
{
    const Json* value = member(object, key);
    return value && value->is_string() ? QString::fromStdString(value->get_ref<const std::string&>()) : QString();
}

qint64 wholeOf(const Json& object, const char* key, qint64 otherwise)
{
    const Json* value = member(object, key);
    if (!value || !value->is_number())
        return otherwise;
    if (value->is_number_float()) {
        const double real = value->get<double>();
        return std::abs(real) < 9e15 ? static_cast<qint64>(real) : otherwise;
    }
    if (value->is_number_unsigned() && value->get<quint64>() > static_cast<quint64>(INT64_MAX))
        return otherwise;
    return value->get<qint64>();
}

quint64 sizeOf(const Json& object, const char* key)
{
    if (const Json* number = member(object, key); number && number->is_number_unsigned())
        return number->get<quint64>();
    const qint64 value = wholeOf(object, key);
    return value > 0 ? static_cast<quint64>(value) : 0;
}

std::optional<double> realOf(const Json& object, const char* key)
{
    const Json* value = member(object, key);
    return value && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
}

std::optional<int> indexOf(const Json& object, const char* key)
{
    const qint64 value = wholeOf(object, key, -1);
    return value >= 0 && value < 1'000'000'000 ? std::optional(static_cast<int>(value)) : std::nullopt;
}

bool flagOf(const Json& object, const char* key, bool otherwise)
{
    const Json* value = member(object, key);
    return value && value->is_boolean() ? value->get<bool>() : otherwise;
}

QStringList textsOf(const Json& object, const char* key)
{
    QStringList texts;
    for (const Json& value : arrayOf(object, key)) {
        if (value.is_string())
            texts.append(QString::fromStdString(value.get_ref<const std::string&>()));
    }
    return texts;
}

const Json& objectOf(const Json& object, const char* key)
{
    static const Json none = Json::object();
    const Json* value = member(object, key);
    return value && value->is_object() ? *value : none;
}

const Json& arrayOf(const Json& object, const char* key)
{
    static const Json none = Json::array();
    const Json* value = member(object, key);
    return value && value->is_array() ? *value : none;
}

bool hasValue(const Json& object, const char* key)
{
    const Json* value = member(object, key);
    return value && !value->is_null();
}

}
