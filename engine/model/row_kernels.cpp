#include "engine/model/row_kernels.h"

#include "engine/base/error.h"
#include "engine/model/dot_rows.h"

#include <c10/util/BFloat16.h>

#include <cstring>

// Compiled with -O3 -ffp-contract=off.
namespace blockcert::model {
namespace {

using namespace dots;

// What a format lacks for reading alone: its rounding.
struct WritableFloat32 : Float32 {
    static inline __attribute__((always_inline)) void store(const Floats& values, float* target)
    {
        std::memcpy(target, &values, sizeof(values));
    }

    static float toOne(float value) { return value; }
};

struct WritableBFloat16 : BFloat16 {
    static inline __attribute__((always_inline)) void store(const Floats& values, std::uint16_t* target)
    {
        Words bits;
        std::memcpy(&bits, &values, sizeof(bits));
        const Words even = (bits >> 16U) & 1U;
        const Words rounded = (bits + 0x7fffU + even) >> 16U;
        const Words notANumber = Words{} | 0x7fc0U;
        const auto isNan = (bits & 0x7fffffffU) > 0x7f800000U;
        const Halves halves = __builtin_convertvector(isNan ? notANumber : rounded, Halves);
        std::memcpy(target, &halves, sizeof(halves));
    }

    static std::uint16_t toOne(float value) { return c10::BFloat16(value).x; }
};

struct WritableFloat16 : Float16 {
    static inline __attribute__((always_inline)) void store(const Floats& values, std::uint16_t* target)
    {
        for (std::int64_t lane = 0; lane < lanes; ++lane)
            target[lane] = toOne(values[lane]);
    }

    static std::uint16_t toOne(float value) { return c10::Half(value).x; }
};

#if defined(__x86_64__)
struct WritableFloat16In512 : Float16In512 {
    static inline __attribute__((always_inline)) void store(const Floats& values, std::uint16_t* target)
    {
        asm("vcvtps2ph $0, %1, %0" : "=m"(*reinterpret_cast<UnalignedHalves*>(target)) : "v"(values));
    }

    static std::uint16_t toOne(float value) { return c10::Half(value).x; }
};

struct WritableFloat16In256 : Float16In256 {
    static inline __attribute__((always_inline)) void store(const Floats& values, std::uint16_t* target)
    {
        using Eight = float __attribute__((vector_size(32)));
        Eight parts[2];
        std::memcpy(parts, &values, sizeof(parts));
        asm("vcvtps2ph $0, %1, %0" : "=m"(*reinterpret_cast<UnalignedQuarters*>(target)) : "x"(parts[0]));
        asm("vcvtps2ph $0, %1, %0" : "=m"(*reinterpret_cast<UnalignedQuarters*>(target + 8)) : "x"(parts[1]));
    }

    static std::uint16_t toOne(float value) { return c10::Half(value).x; }
};
#endif

template <class Format>
struct Kernels {
    using Element = typename Format::Element;

    static inline __attribute__((always_inline)) void round(Floats& values)
    {
        Element elements[lanes];
        Format::store(values, elements);
        Format::load(elements, values);
    }

    static float roundedOne(float value) { return Format::one(Format::toOne(value)); }

    // f(own[i], other[i]) changes its first argument: vectors, and the elements that do not fill one.
    template <class Function>
    static inline __attribute__((always_inline)) void combine(void* own, const void* other, std::int64_t n, Function f)
    {
        auto* a = static_cast<Element*>(own);
        const auto* b = static_cast<const Element*>(other);
        std::int64_t i = 0;
        for (; i + lanes <= n; i += lanes) {
            Floats x;
            Floats y;
            Format::load(a + i, x);
            Format::load(b + i, y);
            f(x, y);
            Format::store(x, a + i);
        }
        for (; i < n; ++i) {
            float x = Format::one(a[i]);
            f(x, Format::one(b[i]));
            a[i] = Format::toOne(x);
        }
    }

    static inline __attribute__((always_inline)) void add(void* own, const void* other, std::int64_t n)
    {
        combine(
            own, other, n, [](auto& x, const auto& y) __attribute__((always_inline)) { x += y; });
    }

    static inline __attribute__((always_inline)) void multiply(void* own, const void* other, std::int64_t n)
    {
        combine(
            own, other, n, [](auto& x, const auto& y) __attribute__((always_inline)) { x *= y; });
    }

    static inline __attribute__((always_inline)) void squares(const void* x, float* out, std::int64_t n)
    {
        const auto* in = static_cast<const Element*>(x);
        std::int64_t i = 0;
        for (; i + lanes <= n; i += lanes) {
            Floats v;
            Format::load(in + i, v);
            v *= v;
            std::memcpy(out + i, &v, sizeof(v));
        }
        for (; i < n; ++i)
            out[i] = Format::one(in[i]) * Format::one(in[i]);
    }

    static inline __attribute__((always_inline)) void scale(const void* x, float factor, const void* weight, void* out,
                                                            std::int64_t n)
    {
        const auto* in = static_cast<const Element*>(x);
        const auto* w = static_cast<const Element*>(weight);
        auto* result = static_cast<Element*>(out);
        std::int64_t i = 0;
        for (; i + lanes <= n; i += lanes) {
            Floats v;
            Floats each;
            Format::load(in + i, v);
            Format::load(w + i, each);
            v *= factor;
            round(v);
            v *= each;
            Format::store(v, result + i);
        }
        for (; i < n; ++i)
            result[i] = Format::toOne(Format::one(w[i]) * roundedOne(Format::one(in[i]) * factor));
    }

    static inline __attribute__((always_inline)) void rotate(const void* x, const void* cosine, const void* sine,
                                                             std::int64_t half, std::int64_t heads, void* out)
    {
        const auto* cos = static_cast<const Element*>(cosine);
        const auto* sin = static_cast<const Element*>(sine);
        for (std::int64_t head = 0; head < heads; ++head) {
            const Element* a = static_cast<const Element*>(x) + head * 2 * half;
            const Element* b = a + half;
            Element* first = static_cast<Element*>(out) + head * 2 * half;
            Element* second = first + half;
            std::int64_t i = 0;
            for (; i + lanes <= half; i += lanes) {
                Floats va;
                Floats vb;
                Floats c;
                Floats s;
                Format::load(a + i, va);
                Format::load(b + i, vb);
                Format::load(cos + i, c);
                Format::load(sin + i, s);
                Floats ac = va * c;
                Floats as = va * s;
                Floats bc = vb * c;
                Floats bs = vb * s;
                round(ac);
                round(as);
                round(bc);
                round(bs);
                ac -= bs;
                bc += as;
                Format::store(ac, first + i);
                Format::store(bc, second + i);
            }
            for (; i < half; ++i) {
                const float va = Format::one(a[i]);
                const float vb = Format::one(b[i]);
                const float c = Format::one(cos[i]);
                const float s = Format::one(sin[i]);
                first[i] = Format::toOne(roundedOne(va * c) - roundedOne(vb * s));
                second[i] = Format::toOne(roundedOne(vb * c) + roundedOne(va * s));
            }
        }
    }

    static inline __attribute__((always_inline)) void widen(const void* x, float* out, std::int64_t n)
    {
        const auto* in = static_cast<const Element*>(x);
        std::int64_t i = 0;
        for (; i + lanes <= n; i += lanes) {
            Floats v;
            Format::load(in + i, v);
            std::memcpy(out + i, &v, sizeof(v));
        }
        for (; i < n; ++i)
            out[i] = Format::one(in[i]);
    }

    static inline __attribute__((always_inline)) void narrow(const float* x, void* out, std::int64_t n)
    {
        auto* result = static_cast<Element*>(out);
        std::int64_t i = 0;
        for (; i + lanes <= n; i += lanes) {
            Floats v;
            std::memcpy(&v, x + i, sizeof(v));
            Format::store(v, result + i);
        }
        for (; i < n; ++i)
            result[i] = Format::toOne(x[i]);
    }
};

// A template cannot be compiled for several processors: each kernel of each format is a function of its own.
// NOLINTBEGIN(cppcoreguidelines-macro-usage, bugprone-macro-parentheses)
#define BLOCKCERT_ROW_KERNELS(NAME, FORMAT, TARGET)                                                                    \
    TARGET void NAME##Add(void* own, const void* other, std::int64_t n)                                                \
    {                                                                                                                  \
        Kernels<FORMAT>::add(own, other, n);                                                                           \
    }                                                                                                                  \
    TARGET void NAME##Multiply(void* own, const void* other, std::int64_t n)                                           \
    {                                                                                                                  \
        Kernels<FORMAT>::multiply(own, other, n);                                                                      \
    }                                                                                                                  \
    TARGET void NAME##Squares(const void* x, float* out, std::int64_t n)                                               \
    {                                                                                                                  \
        Kernels<FORMAT>::squares(x, out, n);                                                                           \
    }                                                                                                                  \
    TARGET void NAME##Scale(const void* x, float factor, const void* weight, void* out, std::int64_t n)                \
    {                                                                                                                  \
        Kernels<FORMAT>::scale(x, factor, weight, out, n);                                                             \
    }                                                                                                                  \
    TARGET void NAME##Rotate(const void* x, const void* cosine, const void* sine, std::int64_t half,                   \
                             std::int64_t heads, void* out)                                                            \
    {                                                                                                                  \
        Kernels<FORMAT>::rotate(x, cosine, sine, half, heads, out);                                                    \
    }                                                                                                                  \
    TARGET void NAME##Widen(const void* x, float* out, std::int64_t n)                                                 \
    {                                                                                                                  \
        Kernels<FORMAT>::widen(x, out, n);                                                                             \
    }                                                                                                                  \
    TARGET void NAME##Narrow(const float* x, void* out, std::int64_t n)                                                \
    {                                                                                                                  \
        Kernels<FORMAT>::narrow(x, out, n);                                                                            \
    }                                                                                                                  \
    constexpr RowKernels NAME = {NAME##Add,    NAME##Multiply, NAME##Squares, NAME##Scale,                             \
                                 NAME##Rotate, NAME##Widen,    NAME##Narrow};

BLOCKCERT_ROW_KERNELS(float32, WritableFloat32, BLOCKCERT_CLONES)
BLOCKCERT_ROW_KERNELS(bfloat16, WritableBFloat16, BLOCKCERT_CLONES)
BLOCKCERT_ROW_KERNELS(float16Anywhere, WritableFloat16, )
#if defined(__x86_64__)
BLOCKCERT_ROW_KERNELS(float16In512, WritableFloat16In512, __attribute__((target("arch=x86-64-v4"))))
BLOCKCERT_ROW_KERNELS(float16In256, WritableFloat16In256, __attribute__((target("arch=x86-64-v3"))))
#endif
#undef BLOCKCERT_ROW_KERNELS

// NOLINTEND(cppcoreguidelines-macro-usage, bugprone-macro-parentheses)

}

const RowKernels& rowKernels(c10::ScalarType type)
{
    static const RowKernels& half = BLOCKCERT_FOR_FLOAT16(float16);
    switch (type) {
    case c10::ScalarType::Float: return float32;
    case c10::ScalarType::BFloat16: return bfloat16;
    case c10::ScalarType::Half: return half;
    default: throw UnsupportedError("Rows are computed in loops in fp32, bf16 and fp16 alone.");
    }
}
}
