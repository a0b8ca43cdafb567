#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/patch_codec.h"
#include "engine/exchange/npz_file.h"
#include "engine/pipeline/edit/edit.h"
#include "engine/pipeline/edit/effect_rows.h"
#include "engine/pipeline/edit/patch_request.h"

namespace blockcert::pipeline {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t largestPatch = 4U << 20U;

bool holds(const fs::path& path, const edit::PatchTensors& tensors)
{
    try {
        const exchange::NpzFile file(path);
        if (file.names().size() != tensors.size())
            return false;
        for (const auto& [name, tensor] : tensors)
            if (!file.has(name) || file.read(name) != tensor)
                return false;
        return true;
    } catch (const Error&) {
        return false;
    }
}

[[noreturn]] void refuseOther(const fs::path& path)
{
    throw UsageError(path.string() + " exists and holds something else; give another name.");
}

}

Json writePatch(const WritePatchOptions& options, ModelCache& cache, const RunContext& context)
{
    OpenedModel opened = cache.state().open(options.model.model, context);
    opened.checkpoint->hashFiles(context);
    RequestedPatch requested = requestedStack(options.edits, *opened.checkpoint);
    Patch& patch = requested.patch;
    if (patch.steps.empty())
        throw UsageError("A patch file holds at least one edit.");
    std::error_code missing;
    if (!requested.tensors.empty()) {
        const fs::path name = options.out.stem().string() + ".tensors.npz";
        const fs::path path = options.out.parent_path() / name;
        if (name.string().front() == '.')
            throw UsageError(options.out.string() + ": give the patch file a name that does not begin with a dot.");
        if (!fs::exists(path, missing))
            exchange::writeNpz(path, requested.tensors);
        else if (!holds(path, requested.tensors))
            refuseOther(path);
        for (std::size_t i = 0; i < patch.steps.size(); ++i) {
            PatchStep& step = patch.steps[i];
            if (!step.needsFile())
                continue;
            step.file = name.string();
            step.fileSha256 = sha256OfFile(path, context);
            const std::string prefix = std::to_string(i) + ".";
            if (step.operation == PatchOperation::RankK) {
                step.u = prefix + "u";
                step.v = prefix + "v";
            } else {
                step.direction = prefix + "direction";
            }
        }
    }
    const std::string text = writeJson(certificate::patchToJson(patch));
    if (!fs::exists(options.out, missing))
        writeFileAtomically(options.out, text);
    else if (readWholeFile(options.out, largestPatch) != text)
        refuseOther(options.out);
    return {{"path", options.out.string()}, {"sha256", sha256Of(text)}, {"edits", stepTexts(patch)}};
}

}
