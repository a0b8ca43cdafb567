#include "engine/certificate/rebuilt_ir.h"

#include "engine/base/sha256.h"

#include <algorithm>

namespace blockcert::certificate {

namespace {

std::string weightDifference(const ir::BlockProgram& stored, const ir::BlockProgram& rebuilt)
{
    if (stored.weights.size() != rebuilt.weights.size())
        return "it has other weights than the model";
    for (const auto& [name, weight] : rebuilt.weights) {
        const auto found = stored.weights.find(name);
        if (found == stored.weights.end() || found->second.dtype != weight.dtype ||
            found->second.shape != weight.shape || found->second.sha256 != weight.sha256)
            return "its weight " + name + " is not the model's";
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

std::string difference(const Certificate& certificate, const ir::BlockProgram& stored, const ir::BlockIr& rebuilt)
{
    const ir::BlockProgram& program = rebuilt.program;
    if (stored.operations != program.operations || stored.width != program.width ||
        stored.ropeHalf != program.ropeHalf || stored.positions != program.positions)
        return "its operations are not the model's";
    if (std::string weights = weightDifference(stored, program); !weights.empty())
        return weights;
    if (!isTensor(certificate, "mask", rebuilt.mask))
        return "its mask is not causal";
    if (program.ropeHalf > 0 &&
        (!isTensor(certificate, "rope_cos", rebuilt.ropeCos) || !isTensor(certificate, "rope_sin", rebuilt.ropeSin)))
        return "its positional tables are not the model's";
    return "";
}

}

void checkRebuiltIr(const Certificate& certificate, const std::optional<ir::BlockProgram>& stored,
                    const ir::BlockIr& rebuilt, CheckList& checks)
{
    Row row("model.ir", group::provenance, blockText(certificate.block.value), "Surrogate rebuilt from the model");
    if (certificate.request.surrogate != "exact") {
        checks.add(row.notChecked("The surrogate is \"" + certificate.request.surrogate +
                                  "\", not an exact copy: where its weights come from cannot be rebuilt."));
        return;
    }
    const std::string differs = stored ? difference(certificate, *stored, rebuilt) : "it could not be read";
    checks.add(row.how("rebuilt, bit for bit")
                   .passedIf(differs.empty(), "The surrogate is not the model's block: " + differs + "."));
}

}
