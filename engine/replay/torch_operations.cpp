#include "engine/replay/torch_operations.h"

#include "engine/model/row_operations.h"

#include <ATen/ops/_softmax.h>
#include <ATen/ops/div.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sub.h>

#include <limits>

namespace blockcert::replay {

namespace {

template <class Number>
void marginRows(const at::Tensor& scores, double* margin)
{
    const std::int64_t keys = scores.size(1);
    const Number* row = scores.const_data_ptr<Number>();
    for (std::int64_t query = 0; query < scores.size(0); ++query, row += keys) {
        Number first = -std::numeric_limits<Number>::infinity();
        Number second = first;
        for (std::int64_t key = 0; key < keys; ++key) {
            second = std::max(second, std::min(first, row[key]));
            first = std::max(first, row[key]);
        }
        const bool two = second > -std::numeric_limits<Number>::infinity();
        margin[query] = two ? static_cast<double>(first) - static_cast<double>(second) : 0.0;
    }
}

}

void rmsNormRows(const at::Tensor& in, const at::Tensor& weight, double epsilon, at::Tensor out)
{
    at::Tensor root = at::mul(in, in).mean(at::IntArrayRef{-1}, true);
    root.add_(epsilon).sqrt_();
    at::div_out(out, in, root);
    out.mul_(weight);
}

void layerNormRows(const at::Tensor& in, const at::Tensor& weight, const at::Tensor& bias, double epsilon,
                   at::Tensor out)
{
    at::sub_out(out, in, in.mean(at::IntArrayRef{-1}, true));
    at::Tensor root = at::mul(out, out).mean(at::IntArrayRef{-1}, true);
    root.add_(epsilon).sqrt_();
    out.div_(root).mul_(weight).add_(bias);
}

void activateRows(const at::Tensor& in, ir::Activation::Kind kind, at::Tensor out)
{
    if (kind == ir::Activation::Kind::Silu)
        at::silu_out(out, in);
    else
        model::geluNew(in, out);
}

void softmaxWithMargin(at::Tensor& scores, const at::Tensor& forbidden, double* margin)
{
    scores.masked_fill_(forbidden, -std::numeric_limits<double>::infinity());
    const at::Tensor host = scores.cpu();
    if (host.scalar_type() == at::kDouble)
        marginRows<double>(host, margin);
    else
        marginRows<float>(host, margin);
    at::_softmax_out(scores, scores, -1, false);
    // A row that allows nothing has become NaN throughout; nothing else is masked to zero here, so that a NaN of the
    // arithmetic itself stays visible.
    const at::Tensor nothing = forbidden.all(1, true);
    scores.masked_fill_(nothing, 0.0);
}

}
