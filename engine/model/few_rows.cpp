#include "engine/model/few_rows.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>

#include <cmath>
#include <cstring>

// Compiled with -ffp-contract=off: each product and sum is rounded by itself, as in LibTorch's kernels.
namespace blockcert::model::few_rows {
namespace {

template <class T>
const T* rowOf(const at::Tensor& x, std::int64_t row)
{
    return x.const_data_ptr<T>() + row * x.stride(0);
}

template <class T>
T* rowToFill(const at::Tensor& x, std::int64_t row)
{
    return x.mutable_data_ptr<T>() + row * x.stride(0);
}

template <class T>
T rounded(float value)
{
    return static_cast<T>(value);
}

// work.operator()<T>() with the tensor's type.
template <class Work>
void withType(const at::Tensor& x, const Work& work)
{
    switch (x.scalar_type()) {
    case at::kFloat: return work.template operator()<float>();
    case at::kHalf: return work.template operator()<at::Half>();
    default: return work.template operator()<at::BFloat16>();
    }
}

// rows[r][i] = f(rows[r][i], others[r][i])
template <class Function>
void combine(const at::Tensor& rows, const at::Tensor& others, const Function& f)
{
    withType(rows, [&]<class T>() {
        for (std::int64_t r = 0; r < rows.size(0); ++r) {
            T* own = rowToFill<T>(rows, r);
            const T* other = rowOf<T>(others, r);
            for (std::int64_t i = 0; i < rows.size(1); ++i)
                own[i] = rounded<T>(f(static_cast<float>(own[i]), static_cast<float>(other[i])));
        }
    });
}

}

bool handles(const at::Tensor& x)
{
    const at::ScalarType type = x.scalar_type();
    return x.is_cpu() && (type == at::kFloat || type == at::kHalf || type == at::kBFloat16);
}

bool fits(const at::Tensor& x, std::int64_t rows)
{
    return rows <= most && handles(x);
}

bool isBetter(const at::Tensor& x, std::int64_t width)
{
    return handles(x) && !isChunkable(width);
}

void copy(const at::Tensor& from, const at::Tensor& to)
{
    const auto bytes = static_cast<std::size_t>(from.size(1) * from.element_size());
    for (std::int64_t r = 0; r < from.size(0); ++r)
        std::memcpy(static_cast<std::byte*>(to.mutable_data_ptr()) + r * to.stride(0) * to.element_size(),
                    static_cast<const std::byte*>(from.const_data_ptr()) + r * from.stride(0) * from.element_size(),
                    bytes);
}

void add(const at::Tensor& rows, const at::Tensor& change)
{
    combine(rows, change, [](float a, float b) { return a + b; });
}

void multiply(const at::Tensor& rows, const at::Tensor& factor)
{
    combine(rows, factor, [](float a, float b) { return a * b; });
}

void normalise(const at::Tensor& x, const Norm& norm, const at::Tensor& out)
{
    const std::int64_t rows = x.size(0);
    const std::int64_t width = x.size(1);
    const at::Tensor squares = at::empty({rows, width}, x.options().dtype(at::kFloat));
    withType(x, [&]<class T>() {
        for (std::int64_t r = 0; r < rows; ++r) {
            const T* in = rowOf<T>(x, r);
            auto* square = rowToFill<float>(squares, r);
            for (std::int64_t i = 0; i < width; ++i)
                square[i] = static_cast<float>(in[i]) * static_cast<float>(in[i]);
        }
        // The one sum whose order is LibTorch's own.
        const at::Tensor means = squares.mean(at::IntArrayRef{-1}, true);
        const T* weight = norm.weight.const_data_ptr<T>();
        for (std::int64_t r = 0; r < rows; ++r) {
            const T* in = rowOf<T>(x, r);
            T* result = rowToFill<T>(out, r);
            const float scale = 1.0F / std::sqrt(means.const_data_ptr<float>()[r] + static_cast<float>(norm.epsilon));
            for (std::int64_t i = 0; i < width; ++i)
                result[i] = rounded<T>(static_cast<float>(weight[i]) *
                                       static_cast<float>(rounded<T>(static_cast<float>(in[i]) * scale)));
        }
    });
}

void normaliseRows(const at::Tensor& x, const Norm& norm, const at::Tensor& out, const RunContext& context)
{
    const std::int64_t rows = x.size(0);
    const auto part = [](const at::Tensor& all, std::int64_t begin, std::int64_t count) {
        return all.narrow(0, begin, count);
    };
    if (!norm.bias.defined() && isBetter(x, x.size(1)))
        forRowGroups(rows, context, [&](std::int64_t begin, std::int64_t count) {
            few_rows::normalise(part(x, begin, count), norm, part(out, begin, count));
        });
    else
        forRowChunks(rows, x.size(1), x.is_cpu(), context, [&](std::int64_t begin, std::int64_t count) {
            model::normalise(part(x, begin, count), norm, part(out, begin, count));
        });
}

void rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine, std::int64_t heads,
            const at::Tensor& out)
{
    const std::int64_t half = cosine.size(1);
    withType(x, [&]<class T>() {
        const auto product = [](T a, T b) {
            return static_cast<float>(rounded<T>(static_cast<float>(a) * static_cast<float>(b)));
        };
        for (std::int64_t r = 0; r < x.size(0); ++r) {
            const T* cos = rowOf<T>(cosine, r);
            const T* sin = rowOf<T>(sine, r);
            for (std::int64_t head = 0; head < heads; ++head) {
                const T* a = rowOf<T>(x, r) + head * 2 * half;
                const T* b = a + half;
                T* first = rowToFill<T>(out, r) + head * 2 * half;
                T* second = first + half;
                for (std::int64_t i = 0; i < half; ++i) {
                    first[i] = rounded<T>(product(a[i], cos[i]) - product(b[i], sin[i]));
                    second[i] = rounded<T>(product(b[i], cos[i]) + product(a[i], sin[i]));
                }
            }
        }
    });
}

}
