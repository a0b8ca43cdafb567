#include "engine/artifact/safetensors.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/batch.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"
#include "engine/pipeline/self_tests.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <vector>

namespace blockcert::pipeline {

namespace {

// formats: an fp32 forward pass follows another implementation's to 5e-5, relative to logits above 1.
constexpr double tolerance = 5e-5;

std::vector<TokenId> idsOf(const HostTensor& tensor, const std::string& where)
{
    if (tensor.dtype != DType::I64 || tensor.shape.size() != 1)
        throw FormatError(where + " must be I64 of rank 1.");
    std::vector<TokenId> ids(static_cast<std::size_t>(tensor.elementCount()));
    for (std::size_t i = 0; i < ids.size(); ++i) {
        std::int64_t id = 0;
        std::memcpy(&id, tensor.bytes.data() + i * sizeof(id), sizeof(id));
        ids[i] = static_cast<TokenId>(std::clamp<std::int64_t>(id, -1, INT32_MAX));
    }
    return ids;
}

std::string scientific(double value)
{
    std::array<char, 32> text{};
    (void)std::snprintf(text.data(), text.size(), "%.2e", value);
    return text.data();
}

}

Json checkReference(model::Transformer& transformer, const std::filesystem::path& reference, const RunContext& context)
{
    const artifact::SafetensorsFile file = artifact::SafetensorsFile::open(reference);
    return model::guarded([&]() -> Json {
        double worst = 0;
        std::int64_t tokens = 0;
        for (int p = 0;; ++p) {
            const std::string prompt = "prompt" + std::to_string(p);
            if (file.find(prompt + ".token_ids") == nullptr)
                break;
            const std::string where = reference.string() + ": " + prompt;
            const std::vector<TokenId> ids = idsOf(file.read(prompt + ".token_ids"), where + ".token_ids");
            const HostTensor recorded = file.read(prompt + ".logits");
            const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(ids.size()), transformer.config().vocab};
            if (recorded.dtype != DType::F32 || recorded.shape != shape)
                throw ShapeError(where +
                                 ".logits must be F32 of one row per token and one column per vocabulary entry.");
            model::Batch batch;
            batch.add(shape[0]);
            const at::Tensor state =
                transformer.forwardFrom(LayerIndex{0}, transformer.embed(ids, batch), batch, {}, context);
            const at::Tensor logits = transformer.logits(state, false, context).to(at::kDouble).cpu();
            const at::Tensor expected = model::toTensor(recorded, at::Device(at::kCPU)).to(at::kDouble);
            const double size = std::max(1.0, expected.abs().max().item<double>());
            worst = std::max(worst, logits.sub(expected).abs().max().item<double>() / size);
            tokens += shape[0];
        }
        if (tokens == 0)
            throw FormatError(reference.string() +
                              " holds no prompt0.token_ids; reference logits are promptP.token_ids (I64) "
                              "and promptP.logits (F32) for P = 0, 1, ….");
        return checkRow("model.reference", "logits agree with the reference file", worst <= tolerance,
                        "largest difference " + scientific(worst) + " over " + std::to_string(tokens) +
                            " tokens, allowed " + scientific(tolerance));
    });
}

}
