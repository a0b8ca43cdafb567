#include "engine/certificate/rebuilt_ir.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/certificate/reference_model.h"
#include "engine/surrogate/ablation.h"
#include "engine/surrogate/family.h"
#include "engine/surrogate/rank_check.h"
#include "engine/surrogate/weight_distance.h"

#include <algorithm>

namespace blockcert::certificate {

namespace {

// A matrix rounded to fp32 from one of lower rank is some 1e-7 away from it; one of full rank typically a tenth or
// more.
constexpr double rankAllowance = 1e-4;

bool isAmong(const std::vector<std::string>& names, const std::string& name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string listed(const std::vector<std::string>& names)
{
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::string weightDifference(const ir::BlockProgram& stored, const RebuiltSurrogate& rebuilt)
{
    const ir::BlockProgram& program = rebuilt.block.program;
    if (stored.weights.size() != program.weights.size())
        return "it has other weights than the model";
    for (const auto& [name, weight] : program.weights) {
        const auto found = stored.weights.find(name);
        if (found == stored.weights.end() || found->second.dtype != weight.dtype ||
            found->second.shape != weight.shape || found->second.sha256 != weight.sha256)
            return "its weight " + name + " is not the one that the model gives";
        // An embedded weight has no reference; one by reference must lead to where the model has it.
        if (found->second.reference && found->second.reference != weight.reference)
            return "its reference to " + name + " is not the one that leads to the model's weight";
    }
    return "";
}

bool isTensor(const Certificate& certificate, const std::string& name, const HostTensor& tensor)
{
    const auto& tensors = certificate.artifacts[0].tensors;
    const auto digest =
        std::find_if(tensors.begin(), tensors.end(), [&](const TensorDigest& d) { return d.name == name; });
    return digest != tensors.end() && digest->sha256 == sha256OfTensor(tensor);
}

std::string difference(const Certificate& certificate, const ir::BlockProgram& stored, const RebuiltSurrogate& rebuilt)
{
    const ir::BlockIr& block = rebuilt.block;
    const ir::BlockProgram& program = block.program;
    if (stored.operations != program.operations || stored.width != program.width ||
        stored.ropeHalf != program.ropeHalf || stored.positions != program.positions)
        return "its operations are not the model's";
    if (std::string weights = weightDifference(stored, rebuilt); !weights.empty())
        return weights;
    if (!isTensor(certificate, "mask", block.mask))
        return certificate.request.ablation.kind == Ablation::Kind::InvertMask
                   ? "its mask is not the inverted causal one"
                   : "its mask is not causal";
    if (program.ropeHalf > 0 &&
        (!isTensor(certificate, "rope_cos", block.ropeCos) || !isTensor(certificate, "rope_sin", block.ropeSin)))
        return "its positional tables are not the model's";
    return "";
}

std::string distanceText(const SurrogateWeights& weights)
{
    if (weights.empty())
        return "every weight is the baseline's";
    std::string text;
    for (const WeightDistance& weight : weights)
        text += (text.empty() ? "" : ", ") + weight.name + " " + exactText(weight.distance) +
                (weight.rank ? " at rank " + std::to_string(*weight.rank) : "");
    return text;
}

void checkRanks(const Row& base, const RebuiltSurrogate& rebuilt, CheckList& checks)
{
    Row row = base;
    std::string problem;
    double widest = 0;
    for (const RebuiltSurrogate::Rank& rank : rebuilt.ranks) {
        widest = std::max(widest, rank.distance);
        if (!(rank.distance <= rankAllowance))
            problem = "The weight " + rank.name + " does not have rank " + std::to_string(rank.rank) + ": it is " +
                      exactText(rank.distance) + " of its norm away from the nearest that was found.";
    }
    checks.add(row.how("pivoted orthogonalisation of the stored matrices")
                   .recomputed(exactText(widest))
                   .passedIf(problem.empty(), problem));
}

// The weight a block of another checkpoint stands in for.
HostTensor baselineWeight(const artifact::Checkpoint& model, const RunRequest& request, LayerIndex layer,
                          const std::string& name)
{
    std::optional<WeightReference> reference = model.blockWeight(layer, name);
    if (!reference)
        throw FormatError(model.path().string() + ": block " + std::to_string(layer.value) + " has no weight " + name +
                          ".");
    if (request.weights == WeightOrigin::Baseline)
        reference = artifact::castTo(std::move(*reference), request.baselineDtype);
    HostTensor value;
    model.load(*reference, value);
    return value;
}

}

bool isSameFunction(const ir::BlockIr& a, const ir::BlockIr& b)
{
    const auto sameWeight = [](const auto& x, const auto& y) {
        return x.first == y.first && x.second.sha256 == y.second.sha256;
    };
    return a.program.operations == b.program.operations && a.mask == b.mask && a.ropeCos == b.ropeCos &&
           a.ropeSin == b.ropeSin &&
           std::equal(a.program.weights.begin(), a.program.weights.end(), b.program.weights.begin(),
                      b.program.weights.end(), sameWeight);
}

std::vector<std::string> fittedWeights(const Certificate& certificate, const ir::BlockProgram& program)
{
    std::vector<std::string> names;
    const RunRequest& request = certificate.request;
    for (const auto& [name, weight] : program.weights)
        if (weight.shape.size() == 2 && surrogate::isFitted(program, request.surrogate, name) &&
            !(request.ablation.kind == Ablation::Kind::ZeroValues && surrogate::ablatesWeight(request.ablation, name)))
            names.push_back(name);
    return names;
}

RebuiltSurrogate rebuildSurrogate(const Certificate& certificate, const artifact::Checkpoint& model,
                                  const artifact::Checkpoint* other, const std::optional<ir::BlockIr>& stored,
                                  std::int64_t positions)
{
    const RunRequest& request = certificate.request;
    const SurrogateChoice& choice = request.surrogate;
    RebuiltSurrogate rebuilt;
    ir::BlockIr& block = rebuilt.block;
    block = rebuildIr(other != nullptr ? *other : model, certificate.block, request.weights, request.baselineDtype,
                      positions);
    rebuilt.fitted = fittedWeights(certificate, block.program);
    for (auto& [name, weight] : block.program.weights) {
        HostTensor& value = block.weights.at(name);
        const std::optional<std::int64_t> rank = surrogate::rankOf(block.program, choice, name);
        const WeightReference plain = *weight.reference;
        weight.reference = surrogate::familyReference(choice, name, plain);
        const bool quantised = *weight.reference != plain;
        const bool ablated = surrogate::ablatesWeight(request.ablation, name);
        if (other == nullptr && !rank && !quantised && !ablated)
            continue;
        const HostTensor baseline = other != nullptr ? baselineWeight(model, request, certificate.block, name) : value;
        if (baseline.shape != value.shape)
            throw ShapeError("The weight " + name + " of block " + std::to_string(certificate.block.value) +
                             " has another shape in the surrogates' model.");
        if (quantised)
            artifact::roundTrip(choice.dtype, value);
        if (surrogate::isFitted(block.program, choice, name)) {
            weight.reference.reset();
            const bool given =
                stored && stored->weights.contains(name) && stored->weights.at(name).shape == value.shape;
            if (isAmong(rebuilt.fitted, name) && !given)
                throw FormatError("The fitted weight " + name + " is not in ir.h5.");
            if (isAmong(rebuilt.fitted, name))
                value = stored->weights.at(name);
            else
                value.dtype = value.dtype == DType::F64 ? DType::F64 : DType::F32;
            value.bytes.resize(static_cast<std::size_t>(value.elementCount() * storageBlock(value.dtype).bytes));
        }
        if (ablated && !isAmong(rebuilt.fitted, name))
            surrogate::ablateWeight(request.ablation, request.seed, certificate.block, value);
        if (ablated)
            weight.reference.reset();
        else if (isAmong(rebuilt.fitted, name))
            rebuilt.ranks.push_back({name, *rank, surrogate::distanceFromRank(value, *rank)});
        weight.dtype = value.dtype;
        weight.sha256 = sha256OfTensor(value);
        if (const auto distance = surrogate::distanceOf(name, baseline, value, rank))
            rebuilt.weights.push_back(*distance);
    }
    surrogate::ablateTables(request.ablation, block);
    return rebuilt;
}

void checkRebuiltIr(const Certificate& certificate, const std::optional<ir::BlockProgram>& stored,
                    const RebuiltSurrogate& rebuilt, CheckList& checks)
{
    const std::string where = blockText(certificate.block.value);
    const std::string differs = stored ? difference(certificate, *stored, rebuilt) : "it could not be read";
    const std::string but = rebuilt.fitted.empty() ? "" : ", but for " + listed(rebuilt.fitted);
    checks.add(Row("model.ir", group::provenance, where, "Surrogate rebuilt from the model")
                   .how("rebuilt, bit for bit" + but)
                   .passedIf(differs.empty(), "The surrogate is not what the model gives: " + differs + "."));
    checks.add(Row("model.distances", group::provenance, where, "Distance of the surrogate's weights, ‖W − Ŵ‖")
                   .issuer(distanceText(certificate.surrogateWeights))
                   .recomputed(distanceText(rebuilt.weights))
                   .how("recomputed from the model's weights")
                   .passedIf(certificate.surrogateWeights == rebuilt.weights,
                             "The certificate's ranks, norms or distances are not those of the stored weights."));
    if (rebuilt.fitted.empty())
        return;
    if (!rebuilt.ranks.empty())
        checkRanks(Row("model.rank", group::provenance, where, "Rank of the fitted weights"), rebuilt, checks);
    checks.add(
        Row("model.fit", group::provenance, where, "Origin of the fitted weights")
            .optional()
            .notChecked("How " + listed(rebuilt.fitted) +
                        " came about cannot be rebuilt bit for bit; what was recomputed is how far they are from "
                        "the model's weights."));
}

}
