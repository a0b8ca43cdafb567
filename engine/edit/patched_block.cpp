#include "engine/edit/patched_block.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/sha256.h"
#include "engine/edit/patch_check.h"
#include "engine/ir/reference_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

// Compiled with -ffp-contract=off: the verifier gets the same bits.
namespace blockcert::edit {

namespace {

HostTensor f64(std::vector<double> values, std::vector<std::int64_t> shape)
{
    HostTensor tensor{DType::F64, std::move(shape), std::vector<std::byte>(values.size() * sizeof(double))};
    std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
    return tensor;
}

std::vector<double> unit(const std::vector<double>& direction)
{
    double squares = 0;
    for (const double value : direction)
        squares += value * value;
    std::vector<double> result = direction;
    const double norm = std::sqrt(squares);
    for (double& value : result)
        value /= norm;
    return result;
}

// The matrix and bias of one linear layer while steps work on it.
struct Layer {
    std::int64_t outputs = 0;
    std::int64_t inputs = 0;
    std::vector<double> weight; // [out, in]
    std::vector<double> bias;   // [out] or empty
    bool weightTouched = false;
    bool biasTouched = false;
};

class Folding {
public:
    Folding(const ir::BlockIr& block, const TransformerConfig& config)
        : m_result(block)
        , m_config(config)
    {
    }

    void apply(const PatchStep& step, std::size_t index, const PatchTensors& tensors)
    {
        const std::string prefix = std::to_string(index) + ".";
        switch (step.operation) {
        case PatchOperation::RankK:
            return addProduct(layer(step.matrix), step.strength, valuesOf(tensors, prefix + "u"),
                              valuesOf(tensors, prefix + "v"));
        case PatchOperation::Scale:
        case PatchOperation::Zero:
            if (step.target == PatchTarget::Head)
                return scaleHead(step.head, step.strength);
            return scale(layer(outputOf(step.target)), step.strength);
        case PatchOperation::AddDirection:
            if (step.target == PatchTarget::Residual)
                return addToResidual(step.strength, valuesOf(tensors, prefix + "direction"));
            return addBias(layer(outputOf(step.target)), step.strength, valuesOf(tensors, prefix + "direction"));
        case PatchOperation::ScaleDirection:
            if (step.strength == 1)
                return;
            if (step.target == PatchTarget::Residual)
                return scaleResidual(step.strength, unit(valuesOf(tensors, prefix + "direction")));
            return scaleAlong(layer(outputOf(step.target)), step.strength,
                              unit(valuesOf(tensors, prefix + "direction")));
        }
    }

    ir::BlockIr finish()
    {
        for (auto& [role, layer] : m_layers)
            store(role, layer);
        return std::move(m_result);
    }

private:
    static std::string outputOf(PatchTarget target) { return target == PatchTarget::Mlp ? "down" : "o"; }

    Layer& layer(const std::string& role)
    {
        const auto found = m_layers.find(role);
        if (found != m_layers.end())
            return found->second;
        Layer layer;
        const HostTensor& weight = m_result.weights.at(role + ".weight");
        layer.outputs = weight.shape[0];
        layer.inputs = weight.shape[1];
        layer.weight = ir::widened(weight);
        if (const auto bias = m_result.weights.find(role + ".bias"); bias != m_result.weights.end())
            layer.bias = ir::widened(bias->second);
        return m_layers.emplace(role, std::move(layer)).first->second;
    }

    static void scale(Layer& layer, double strength)
    {
        if (strength == 1)
            return;
        layer.weightTouched = layer.biasTouched = true;
        for (double& value : layer.weight)
            value *= strength;
        for (double& value : layer.bias)
            value *= strength;
    }

    void scaleHead(std::int32_t head, double strength)
    {
        if (strength == 1)
            return;
        Layer& output = layer("o");
        output.weightTouched = true;
        const std::int64_t begin = std::int64_t{head} * m_config.headDim;
        for (std::int64_t row = 0; row < output.outputs; ++row)
            for (std::int64_t column = begin; column < begin + m_config.headDim; ++column)
                output.weight[static_cast<std::size_t>(row * output.inputs + column)] *= strength;
    }

    static void addProduct(Layer& layer, double strength, const std::vector<double>& u, const std::vector<double>& v)
    {
        if (strength == 0)
            return;
        layer.weightTouched = true;
        const std::int64_t rank = static_cast<std::int64_t>(u.size()) / layer.outputs;
        for (std::int64_t out = 0; out < layer.outputs; ++out)
            for (std::int64_t in = 0; in < layer.inputs; ++in) {
                double sum = 0;
                for (std::int64_t k = 0; k < rank; ++k)
                    sum += u[static_cast<std::size_t>(out * rank + k)] * v[static_cast<std::size_t>(in * rank + k)];
                layer.weight[static_cast<std::size_t>(out * layer.inputs + in)] += strength * sum;
            }
    }

    static void addBias(Layer& layer, double strength, const std::vector<double>& direction)
    {
        if (strength == 0)
            return;
        layer.biasTouched = true;
        layer.bias.resize(static_cast<std::size_t>(layer.outputs), 0.0);
        for (std::size_t i = 0; i < direction.size(); ++i)
            layer.bias[i] += strength * direction[i];
    }

    // (I + (s − 1) v̂ v̂ᵀ) W and the same of the bias.
    static void scaleAlong(Layer& layer, double strength, const std::vector<double>& direction)
    {
        layer.weightTouched = layer.biasTouched = true;
        const auto columns = static_cast<std::size_t>(layer.inputs);
        std::vector<double> along(columns, 0.0); // v̂ᵀ W
        for (std::size_t row = 0; row < direction.size(); ++row)
            for (std::size_t column = 0; column < columns; ++column)
                along[column] += direction[row] * layer.weight[row * columns + column];
        double biasAlong = 0;
        for (std::size_t row = 0; row < layer.bias.size(); ++row)
            biasAlong += direction[row] * layer.bias[row];
        for (std::size_t row = 0; row < direction.size(); ++row) {
            const double factor = (strength - 1) * direction[row];
            for (std::size_t column = 0; column < columns; ++column)
                layer.weight[row * columns + column] += factor * along[column];
            if (!layer.bias.empty())
                layer.bias[row] += factor * biasAlong;
        }
    }

    // Before any direction of the residual is scaled, adding to the block's output is adding to the MLP's.
    void addToResidual(double strength, const std::vector<double>& direction)
    {
        if (m_directions == 0)
            return addBias(layer("down"), strength, direction);
        if (strength == 0)
            return;
        const std::string role = "residual." + std::to_string(m_directions - 1) + ".bias";
        std::vector<double> bias(direction.size(), 0.0);
        if (const auto found = m_result.weights.find(role); found != m_result.weights.end())
            bias = ir::widened(found->second);
        for (std::size_t i = 0; i < direction.size(); ++i)
            bias[i] += strength * direction[i];
        declare(role, f64(bias, {static_cast<std::int64_t>(bias.size())}));
        for (ir::Operation& operation : m_result.program.operations)
            if (auto* linear = std::get_if<ir::Linear>(&operation);
                linear != nullptr && linear->out == "change" + std::to_string(m_directions - 1))
                linear->bias = role;
    }

    // y ← y + ((s − 1) v̂) (v̂ᵀ y) as two products and a sum behind what has been the output.
    void scaleResidual(double strength, const std::vector<double>& direction)
    {
        const std::string number = std::to_string(m_directions++);
        const std::string before = "output" + number;
        const auto width = static_cast<std::int64_t>(direction.size());
        std::vector<double> change = direction;
        for (double& value : change)
            value *= strength - 1;
        for (ir::Operation& operation : m_result.program.operations)
            if (auto* add = std::get_if<ir::Add>(&operation); add != nullptr && add->out == "y")
                add->out = before;
        const std::string project = "residual." + number + ".project.weight";
        const std::string spread = "residual." + number + ".spread.weight";
        declare(project, f64(direction, {1, width}));
        declare(spread, f64(change, {width, 1}));
        auto& operations = m_result.program.operations;
        operations.push_back(ir::Linear{before, "along" + number, project, ""});
        operations.push_back(ir::Linear{"along" + number, "change" + number, spread, ""});
        operations.push_back(ir::Add{before, "change" + number, "y"});
    }

    void declare(const std::string& role, HostTensor value)
    {
        ir::IrWeight& weight = m_result.program.weights[role];
        weight.dtype = value.dtype;
        weight.shape = value.shape;
        weight.sha256 = sha256OfTensor(value);
        weight.reference.reset();
        m_result.weights[role] = std::move(value);
    }

    void store(const std::string& role, const Layer& layer)
    {
        if (layer.weightTouched)
            declare(role + ".weight", f64(layer.weight, {layer.outputs, layer.inputs}));
        if (!layer.biasTouched || layer.bias.empty())
            return;
        const bool isNew = !m_result.weights.contains(role + ".bias");
        declare(role + ".bias", f64(layer.bias, {layer.outputs}));
        if (isNew)
            for (ir::Operation& operation : m_result.program.operations)
                if (auto* linear = std::get_if<ir::Linear>(&operation);
                    linear != nullptr && linear->weight == role + ".weight")
                    linear->bias = role + ".bias";
    }

    ir::BlockIr m_result;
    const TransformerConfig& m_config;
    std::map<std::string, Layer> m_layers;
    int m_directions = 0; // scaled on the residual so far
};

}

ir::BlockIr patchedBlock(const ir::BlockIr& block, const Patch& patch, const PatchTensors& tensors,
                         const TransformerConfig& config)
{
    Folding folding(block, config);
    // The block's output is computed last, whatever the stack says.
    for (const bool residual : {false, true})
        for (std::size_t i = 0; i < patch.steps.size(); ++i)
            if (patch.steps[i].block == block.program.layer &&
                (patch.steps[i].target == PatchTarget::Residual) == residual)
                folding.apply(patch.steps[i], i, tensors);
    return folding.finish();
}

TransformerConfig shapesOf(const ir::BlockProgram& program, std::int32_t layers)
{
    TransformerConfig config;
    config.architecture = program.weights.contains("gate.weight") ? Architecture::Llama : Architecture::Gpt2;
    config.layers = layers;
    config.dModel = program.width;
    for (const ir::Operation& operation : program.operations)
        if (const auto* scores = std::get_if<ir::Scores>(&operation)) {
            config.heads = scores->heads;
            config.kvHeads = scores->kvHeads;
            config.headDim = scores->headDim;
        }
    if (const auto down = program.weights.find("down.weight"); down != program.weights.end())
        config.dFf = static_cast<std::int32_t>(down->second.shape.at(1));
    return config;
}

HostTensor roundedWeight(const HostTensor& edited, DType dtype)
{
    HostTensor rounded{dtype, edited.shape, {}};
    rounded.bytes.resize(static_cast<std::size_t>(edited.elementCount() * storageBlock(dtype).bytes));
    artifact::convertElements(edited.dtype, edited.bytes.data(), dtype, rounded.bytes.data(), edited.elementCount());
    return rounded;
}

std::vector<TouchedTensor> touchedTensors(const ir::BlockIr& before, const ir::BlockIr& after, DType baseline)
{
    std::vector<TouchedTensor> touched;
    for (const auto& [role, weight] : after.program.weights) {
        const auto old = before.program.weights.find(role);
        const bool existed = old != before.program.weights.end();
        if (existed && old->second.sha256 == weight.sha256)
            continue;
        const DType dtype = existed ? old->second.dtype : baseline;
        const HostTensor& value = after.weights.at(role);
        const HostTensor rounded = value.dtype == dtype ? value : roundedWeight(value, dtype);
        if (existed ? rounded.bytes == before.weights.at(role).bytes
                    : std::all_of(rounded.bytes.begin(), rounded.bytes.end(),
                                  [](std::byte byte) { return byte == std::byte{0}; }))
            continue;
        TouchedTensor entry;
        entry.block = after.program.layer;
        entry.role = role;
        entry.tensor = existed && old->second.reference ? old->second.reference->tensor : "";
        entry.dtype = dtype;
        entry.shape = rounded.shape;
        entry.before = existed ? old->second.sha256 : "";
        entry.after = sha256OfTensor(rounded);
        touched.push_back(std::move(entry));
    }
    return touched;
}

std::optional<std::string> inexpressible(const std::vector<TouchedTensor>& touched)
{
    for (const TouchedTensor& tensor : touched)
        if (tensor.before.empty())
            return tensor.role.starts_with("residual.")
                       ? "scaling a direction of the residual stream is an operation of its own and no weight"
                       : "the model has no " + tensor.role + " in block " + std::to_string(tensor.block.value);
    return std::nullopt;
}

}
