#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/edit_codec.h"
#include "engine/certificate/edit_layout.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/run_layout.h"
#include "engine/edit/patched_block.h"
#include "engine/exchange/export_model.h"
#include "engine/model/batch.h"
#include "engine/model/device.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/edit/edit.h"
#include "engine/pipeline/edit/edit_session.h"
#include "engine/pipeline/edit/edit_source.h"
#include "engine/pipeline/loaded_model.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace blockcert::pipeline {

namespace {

using certificate::EditColumns;
using certificate::RunFolder;

// The edit of this name, or the only one: listed in SHA256SUMS, and the listed files.
EditCertificate readEdit(const RunFolder& folder, const std::string& name, EditColumns& columns, const Host& host)
{
    std::map<std::string, std::string> sums;
    std::vector<std::string> names;
    for (certificate::SumLine& line :
         certificate::readSums(folder.readText(certificate::sumsName, certificate::largestDocument))) {
        if (const auto edit = certificate::editNamed(line.path))
            names.push_back(*edit);
        sums.emplace(std::move(line.path), std::move(line.sha256));
    }
    if (name.empty() && names.size() != 1)
        throw UsageError("The run " + folder.path().string() + " holds " + std::to_string(names.size()) +
                         " edits; name one with --edit.");
    const std::string chosen = name.empty() ? names.front() : name;
    if (std::find(names.begin(), names.end(), chosen) == names.end())
        throw UsageError("The run " + folder.path().string() + " holds no edit \"" + chosen + "\".");
    const std::string path = certificate::editCertificatePath(chosen);
    const std::string text = folder.readText(path, certificate::largestDocument);
    const std::string effect = certificate::editEffectPath(chosen);
    const certificate::OpenFile file = folder.open(effect);
    if (sums.at(path) != sha256Of(text) || !sums.contains(effect) ||
        sums.at(effect) != sha256OfDescriptor(file.descriptor(), RunContext{}))
        throw FormatError("The edit " + chosen +
                          " is not the one that SHA256SUMS lists; see what blockcert verify says about the run.");
    EditCertificate certificate = certificate::editFromJson(certificate::parseDocument(text, path), path);
    columns = certificate::readEffect(*artifact::openForeignArchive(file.descriptor(), effect, host.childProgram),
                                      certificate::editShapeOf(certificate));
    return certificate;
}

at::Tensor finalStates(model::Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts,
                       model::Taps* taps, const RunContext& context)
{
    const model::Batch batch = model::batchOf(prompts);
    model::ForwardOptions options;
    options.taps = taps;
    return transformer.forwardFrom({0}, transformer.embed(model::joined(prompts), batch), batch, options, context);
}

}

Json exportEdit(const ExportEditOptions& options, ModelCache& cache, const RunContext& context)
{
    std::error_code missing;
    if (std::filesystem::exists(options.run / "rows", missing) &&
        std::filesystem::exists(options.run / "request.json", missing))
        throw UsageError(options.run.string() + " is a sweep, whose rows are no certificates; certify the edit with "
                                                "blockcert edit, then export the model from that run.");
    return model::guarded([&]() -> Json {
        const Host& host = cache.state().host;
        const RunFolder folder(options.run);
        EditColumns columns;
        const EditCertificate certificate = readEdit(folder, options.edit, columns, host);
        if (const auto why = edit::inexpressible(certificate.touched))
            throw UsageError("The edit " + certificate.name + " cannot be written into weights: " + *why + ".");
        const StitchSource source(options.run, host.childProgram);
        OpenedModel opened =
            cache.state().open(options.model.empty() ? source.manifest().modelHint : options.model, context);
        opened.checkpoint->hashFiles(context);
        source.requireModel(*opened.checkpoint);
        const Patch& patch = certificate.request.patch;
        const exchange::ExportedModel exported =
            exchange::exportModel(*opened.checkpoint, patch, columns.patch, {options.out, options.dtype}, context);

        // The overlay and the written model, side by side on the run's prompts.
        std::vector<std::vector<TokenId>> prompts = tokenIdsOf(source.manifest().prompts);
        const ModelOptions how{opened.hint, certificate.baselineDtype, options.device, options.threads};
        at::Tensor overlay;
        double norm = 0;
        {
            model::Transformer& transformer = cache.state().load(opened, how, context);
            EditSession session(transformer, patch, columns.patch,
                                uneditedBlocks(source, patch, *opened.checkpoint, context), context);
            overlay = finalStates(transformer, prompts, session.taps(), context).to(at::kDouble);
            norm = overlay.mul(overlay).sum({1}).max().item<double>();
        }
        const auto written = std::make_shared<const artifact::Checkpoint>(artifact::Checkpoint::open(options.out));
        model::Transformer other = model::Transformer::load(
            written, certificate.baselineDtype, model::openDevice(options.device), model::Residency::Whole, context);
        const at::Tensor difference = finalStates(other, prompts, nullptr, context).to(at::kDouble).sub_(overlay);
        const double largest = difference.mul(difference).sum({1}).max().item<double>();
        return {{"out", options.out.string()},
                {"edit", certificate.name},
                {"dtype", nameOf(options.dtype)},
                {"edited_tensors", exported.edited},
                {"files", exported.written},
                {"largest_rounding", exported.largestRounding},
                {"difference",
                 {{"largest", std::sqrt(largest)},
                  {"largest_norm", std::sqrt(norm)},
                  {"tokens", overlay.size(0)},
                  {"what", "final state before the final norm, exported checkpoint against overlay"}}}};
    });
}

}
