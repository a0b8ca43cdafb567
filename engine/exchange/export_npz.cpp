#include "engine/exchange/export_npz.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/widen.h"
#include "engine/exchange/new_folder.h"
#include "engine/exchange/npz_file.h"
#include "engine/exchange/npz_names.h"
#include "engine/failures/failures.h"
#include "engine/failures/stored_block.h"
#include "engine/ir/block_ir_codec.h"

#include <algorithm>
#include <limits>
#include <map>

namespace blockcert::exchange {

namespace {

namespace fs = std::filesystem;
using certificate::tensorOf;
using Arrays = std::map<std::string, HostTensor>;

HostTensor bytesOf(const std::string& text)
{
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {DType::U8, {static_cast<std::int64_t>(text.size())}, {begin, begin + text.size()}};
}

void addWeights(const ir::BlockIr& block, Arrays& arrays)
{
    for (const auto& [name, value] : block.weights) {
        const auto* paper = std::ranges::find(weightNames, name, &WeightName::role);
        if (paper == weightNames.end())
            throw UnsupportedError("The weight " + name + " of block " + std::to_string(block.program.layer.value) +
                                   " has no name among the paper's.");
        arrays[std::string(paper->array)] = value;
    }
}

// What attention adds to its scores: 0 where a token may look, the lowest float elsewhere.
HostTensor attentionBias(const HostTensor& mask)
{
    HostTensor bias{DType::F32, mask.shape, {}};
    for (const std::byte allowed : mask.bytes) {
        const float value = allowed == std::byte{1} ? 0.0F : std::numeric_limits<float>::lowest();
        const auto* bytes = reinterpret_cast<const std::byte*>(&value);
        bias.bytes.insert(bias.bytes.end(), bytes, bytes + sizeof value);
    }
    return bias;
}

// The attention's shape, as numbers of rank 0.
void addShape(const ir::BlockProgram& program, Arrays& arrays)
{
    const auto scalar = [&](const char* name, std::int64_t value) {
        arrays[name] = tensorOf(std::span<const std::int64_t>(&value, 1), {});
    };
    for (const ir::Operation& operation : program.operations) {
        if (const auto* scores = std::get_if<ir::Scores>(&operation)) {
            scalar("num_heads", scores->heads);
            scalar("num_key_value_heads", scores->kvHeads);
            scalar("head_dim", scores->headDim);
        }
        const auto* root = std::get_if<ir::RmsNorm>(&operation);
        const auto* layer = std::get_if<ir::LayerNorm>(&operation);
        if (root != nullptr || layer != nullptr) {
            const double epsilon = root != nullptr ? root->epsilon : layer->epsilon;
            arrays["norm_eps"] = tensorOf(std::span<const double>(&epsilon, 1), {});
        }
    }
    scalar("layer", program.layer.value);
}

// The recorded rows of all prompts, one after the other.
void addTrace(certificate::ProbeReader& probes, Arrays& arrays, const RunContext& context)
{
    const certificate::ProbeShape& shape = probes.shape();
    const std::int64_t tokens = shape.tokens();
    arrays["prompt_offset"] = tensorOf(shape.offset, {shape.prompts() + 1});
    arrays["token_ids"] = tensorOf(probes.tokenIds(), {tokens});
    arrays["position_ids"] = tensorOf(probes.positions(), {tokens});
    std::map<std::string, HostTensor CellRecord::*> wide = {{"inputs", &CellRecord::input},
                                                            {"outputs", &CellRecord::output}};
    if (shape.sublayers) {
        wide["attention_outputs"] = &CellRecord::attentionOutput;
        wide["mlp_outputs"] = &CellRecord::mlpOutput;
    }
    for (const auto& [name, member] : wide)
        arrays[name] = {shape.baselineDtype, {tokens, shape.width}, {}};
    std::vector<double> errors;
    for (std::int32_t p = 0; p < shape.prompts(); ++p) {
        context.step();
        const CellRecord cell = probes.read({p});
        for (const auto& [name, member] : wide) {
            const std::vector<std::byte>& rows = (cell.*member).bytes;
            arrays[name].bytes.insert(arrays[name].bytes.end(), rows.begin(), rows.end());
        }
        errors.insert(errors.end(), cell.error.begin(), cell.error.end());
    }
    arrays["errors"] = tensorOf(errors, {tokens});
}

}

Json exportNpz(const fs::path& run, const ExportNpzOptions& options, const RunContext& context)
{
    failures::requireOutside(run, options.out);
    const certificate::RunFolder folder(run);
    const certificate::RunDocument document = failures::readRun(folder);
    const std::vector<Certificate> certificates = failures::readCertificates(folder, document);
    if (certificates.empty())
        throw UsageError("The run " + run.string() + " has no finished block yet; resume it.");
    certificate::WeightSource weights(options.model, document.manifest.modelHint, options.locations);
    NewFolder out(options.out);

    Json files = Json::array();
    for (const Certificate& certificate : certificates) {
        Arrays arrays;
        const ir::BlockIr block = failures::readSurrogate(folder, certificate, options.childProgram, weights, context);
        addWeights(block, arrays);
        arrays["mask"] = block.mask;
        arrays["bias"] = attentionBias(block.mask);
        if (block.program.ropeHalf > 0) {
            arrays["cos"] = block.ropeCos;
            arrays["sin"] = block.ropeSin;
        }
        addShape(block.program, arrays);
        arrays["program"] = bytesOf(ir::writeProgram(block.program));
        const auto& imported = certificate.request.imported;
        arrays["dtype"] = bytesOf(std::string(nameOf(certificate.request.baselineDtype)));
        arrays["runtime"] = bytesOf(imported ? imported->runtime : "blockcert");
        arrays["version"] = bytesOf(imported ? imported->version : certificate.toolVersion);
        certificate::ProbeReader probes = failures::openProbes(folder, certificate, options.childProgram, context);
        addTrace(probes, arrays, context);
        const fs::path path = options.out / (certificate::blockFolder(certificate.block) + ".npz");
        writeNpz(path, arrays);
        files.push_back({{"block", certificate.block.value}, {"path", path.string()}, {"arrays", arrays.size()}});
        context.step(Progress{"write", static_cast<std::int64_t>(files.size()),
                              static_cast<std::int64_t>(certificates.size()), certificate.block.value, std::nullopt,
                              "blocks", ""});
    }
    out.keep();
    return {{"run", run.string()}, {"files", std::move(files)}};
}

}
