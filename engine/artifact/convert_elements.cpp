#include "engine/artifact/checkpoint.h"
#include "engine/artifact/half_bits.h"
#include "engine/base/error.h"

#include <cstring>
#include <string>

namespace blockcert::artifact {

namespace {

// Storage may be unaligned, so elements are copied in and out.
template <class From, class To, class Function>
void convertEach(const std::byte* source, std::byte* target, std::int64_t count, Function function)
{
    for (std::int64_t i = 0; i < count; ++i) {
        From value;
        std::memcpy(&value, source + static_cast<std::size_t>(i) * sizeof(From), sizeof(From));
        const To result = function(value);
        std::memcpy(target + static_cast<std::size_t>(i) * sizeof(To), &result, sizeof(To));
    }
}

template <class From, class Widen>
void convertFromHalf(const std::byte* source, DType to, std::byte* target, std::int64_t count, Widen widen)
{
    switch (to) {
    case DType::F64:
        return convertEach<From, double>(source, target, count,
                                         [widen](From v) { return static_cast<double>(widen(v)); });
    case DType::F32: return convertEach<From, float>(source, target, count, widen);
    case DType::F16:
        return convertEach<From, std::uint16_t>(source, target, count,
                                                [widen](From v) { return halfOfFloat(widen(v)); });
    default:
        return convertEach<From, std::uint16_t>(source, target, count,
                                                [widen](From v) { return brainOfFloat(widen(v)); });
    }
}

void convertFromFloat(const std::byte* source, DType to, std::byte* target, std::int64_t count)
{
    switch (to) {
    case DType::F64:
        return convertEach<float, double>(source, target, count, [](float v) { return static_cast<double>(v); });
    case DType::F16: return convertEach<float, std::uint16_t>(source, target, count, halfOfFloat);
    default: return convertEach<float, std::uint16_t>(source, target, count, brainOfFloat);
    }
}

void convertFromDouble(const std::byte* source, DType to, std::byte* target, std::int64_t count)
{
    switch (to) {
    case DType::F32:
        return convertEach<double, float>(source, target, count, [](double v) { return static_cast<float>(v); });
    case DType::F16:
        return convertEach<double, std::uint16_t>(source, target, count,
                                                  [](double v) { return halfOfFloat(roundedToOdd(v)); });
    default:
        return convertEach<double, std::uint16_t>(source, target, count,
                                                  [](double v) { return brainOfFloat(roundedToOdd(v)); });
    }
}

}

void convertElements(DType from, const std::byte* source, DType to, std::byte* target, std::int64_t count)
{
    if (!isFloating(from) || !isFloating(to))
        throw UnsupportedError("Elements of type " + std::string(nameOf(from)) + " cannot be converted to " +
                               std::string(nameOf(to)) + ".");
    if (from == to) {
        std::memmove(target, source, static_cast<std::size_t>(count * storageBlock(from).bytes));
        return;
    }
    switch (from) {
    case DType::F64: return convertFromDouble(source, to, target, count);
    case DType::F32: return convertFromFloat(source, to, target, count);
    case DType::F16: return convertFromHalf<std::uint16_t>(source, to, target, count, floatOfHalf);
    default: return convertFromHalf<std::uint16_t>(source, to, target, count, floatOfBrain);
    }
}

}
