#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/device.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/self_tests.h"

#include <functional>

namespace blockcert::pipeline {

namespace {

// A test that cannot be carried out has failed, with the reason.
Json attempt(const std::string& id, const std::string& title, const std::function<Json()>& test)
{
    try {
        return model::guarded([&] { return test(); });
    } catch (const Error& error) {
        return checkRow(id, title, false, error.what());
    }
}

}

Json doctor(const DoctorOptions& options, ModelCache& cache, const RunContext& context)
{
    Json checks = Json::array();
    const auto add = [&](const std::string& id, const std::string& title, const std::function<Json()>& test) {
        context.step();
        checks.push_back(attempt(id, title, test));
    };
    Json described = describeEngine("cpu", options.threads);
    add("device", "the device " + options.device, [&]() -> Json {
        described = describeEngine(options.device, options.threads);
        return checkRow("device", "the device " + options.device, true, "usable");
    });
    const model::CudaState cuda = model::describeCuda();
    checks.push_back(checkRow("cuda", "CUDA (only --device cuda needs it)", true, cuda.text));
    checks.back()["optional"] = !cuda.usable;
    for (const DType dtype : {DType::F32, DType::BF16, DType::F16, DType::F64})
        add("invariance." + std::string(nameOf(dtype)), "rows keep their bits in any batch",
            [&] { return checkInvariance(dtype, context); });
    add("interpreters", "LibTorch and the reference interpreter agree", [&] { return checkInterpreters(context); });
    add("conversions", "quantised and 16-bit weights are read exactly", [] { return checkConversions(); });
    if (!options.model.empty()) {
        ModelOptions model;
        model.model = options.model;
        model.device = options.device;
        model.threads = options.threads;
        add("model.forward", "the model runs", [&] {
            const OpenedModel opened = cache.state().open(options.model, context);
            return checkForward(cache.state().load(opened, model, context), context);
        });
        if (!options.reference.empty())
            add("model.reference", "logits agree with the reference file", [&] {
                const OpenedModel opened = cache.state().open(options.model, context);
                return checkReference(cache.state().load(opened, model, context), options.reference, context);
            });
    } else if (!options.reference.empty()) {
        throw UsageError("--reference needs a model whose logits are to be compared.");
    }
    return {{"engine", described.at("engine")}, {"checks", std::move(checks)}};
}

}
