#include "engine/certificate/edit_layout.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/certificate/patch_codec.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/certificate/widen.h"

#include <algorithm>
#include <set>

namespace blockcert::certificate {

namespace {

constexpr std::string_view certificateName = "/certificate.json";
constexpr std::string_view patchPrefix = "patch/";
constexpr std::int64_t mostTokens = std::int64_t{1} << 27U;
constexpr std::int64_t mostCompletions = std::int64_t{1} << 27U;

std::vector<std::int64_t> offsetsOf(const PromptSetStatement& prompts)
{
    std::vector<std::int64_t> offset = {0};
    for (const PromptStatement& prompt : prompts.prompts) {
        offset.push_back(offset.back() + prompt.tokens);
        if (prompt.tokens < 1 || offset.back() > mostTokens)
            throw FormatError("The prompts declare a number of tokens that this version does not read.");
    }
    return offset;
}

std::int64_t size(const std::vector<std::int64_t>& offset)
{
    return static_cast<std::int64_t>(offset.size());
}

// Reads datasets by name and remembers which were asked for.
class Columns {
public:
    explicit Columns(artifact::ArchiveReader& archive)
        : m_archive(archive)
    {
    }

    std::vector<double> doubles(const std::string& name, std::vector<std::int64_t> shape, bool signedValues = false)
    {
        const HostTensor tensor = read(name, DType::F64, std::move(shape));
        std::vector<double> values = widened(tensor);
        if (firstNotFinite(values) < values.size())
            throw FormatError("effect.h5: " + name + " holds a value that is not finite.");
        if (!signedValues && std::any_of(values.begin(), values.end(), [](double value) { return value < 0; }))
            throw FormatError("effect.h5: " + name + " holds a value below zero.");
        return values;
    }

    std::vector<std::int32_t> ids(const std::string& name, std::vector<std::int64_t> shape)
    {
        std::vector<std::int32_t> values = int32Elements(read(name, DType::I32, std::move(shape)));
        if (std::any_of(values.begin(), values.end(), [](std::int32_t value) { return value < 0; }))
            throw FormatError("effect.h5: " + name + " holds a value below zero.");
        return values;
    }

    std::vector<std::int64_t> offsets(const std::string& name, std::int64_t extent)
    {
        std::vector<std::int64_t> values = int64Elements(read(name, DType::I64, {extent}));
        if (values.front() != 0 || !std::is_sorted(values.begin(), values.end()) || values.back() > mostCompletions)
            throw FormatError("effect.h5: " + name + " is not ascending from 0.");
        return values;
    }

    CompletionColumns completions(const std::string& side, std::int64_t prompts)
    {
        CompletionColumns columns;
        columns.offset = offsets("completion_offset_" + side, prompts + 1);
        columns.end = ids("completion_end_" + side, {prompts});
        if (std::any_of(columns.end.begin(), columns.end.end(), [](std::int32_t end) { return end > 3; }))
            throw FormatError("effect.h5: completion_end_" + side + " holds an unknown end.");
        if (const std::int64_t count = columns.offset.back(); count > 0) {
            columns.id = ids("completion_id_" + side, {count});
            columns.margin = doubles("completion_margin_" + side, {count});
        }
        return columns;
    }

    edit::PatchTensors patch()
    {
        edit::PatchTensors tensors;
        for (const artifact::ArchiveEntry& entry : m_archive.entries())
            if (entry.name.starts_with(patchPrefix)) {
                (void)doubles(entry.name, entry.shape, true);
                tensors[entry.name.substr(patchPrefix.size())] = m_archive.readAll(entry.name);
            }
        return tensors;
    }

    void finish() const
    {
        for (const artifact::ArchiveEntry& entry : m_archive.entries())
            if (!m_read.contains(entry.name))
                throw FormatError("effect.h5 has the dataset " + entry.name + ", which does not belong there.");
    }

private:
    HostTensor read(const std::string& name, DType dtype, std::vector<std::int64_t> shape)
    {
        const artifact::ArchiveEntry* entry = m_archive.find(name);
        if (entry == nullptr || entry->dtype != dtype || entry->shape != shape)
            throw FormatError("effect.h5 has no dataset " + name +
                              " of the type and shape that the certificate demands.");
        m_read.insert(name);
        return m_archive.readAll(name);
    }

    artifact::ArchiveReader& m_archive;
    std::set<std::string> m_read;
};

class Writing {
public:
    void doubles(const std::string& name, const std::vector<double>& values, std::vector<std::int64_t> shape)
    {
        add(name, tensorOf(std::span<const double>(values), std::move(shape)));
    }

    void ids(const std::string& name, const std::vector<std::int32_t>& values)
    {
        add(name, tensorOf(std::span<const std::int32_t>(values), {static_cast<std::int64_t>(values.size())}));
    }

    void offsets(const std::string& name, const std::vector<std::int64_t>& values)
    {
        add(name, tensorOf(std::span<const std::int64_t>(values), {static_cast<std::int64_t>(values.size())}));
    }

    void completions(const std::string& side, const CompletionColumns& columns)
    {
        offsets("completion_offset_" + side, columns.offset);
        ids("completion_end_" + side, columns.end);
        if (columns.id.empty())
            return;
        ids("completion_id_" + side, columns.id);
        doubles("completion_margin_" + side, columns.margin, {static_cast<std::int64_t>(columns.margin.size())});
    }

    void add(const std::string& name, HostTensor tensor)
    {
        artifact::ArchiveEntry entry{name, tensor.dtype, tensor.shape};
        list.emplace_back(std::move(entry), std::move(tensor));
    }

    std::vector<std::pair<artifact::ArchiveEntry, HostTensor>> list;
};

}

std::string editCertificatePath(std::string_view name)
{
    return std::string(editFolder) + "/" + std::string(name) + std::string(certificateName);
}

std::string editEffectPath(std::string_view name)
{
    return std::string(editFolder) + "/" + std::string(name) + "/effect.h5";
}

std::optional<std::string> editNamed(std::string_view path)
{
    const std::string prefix = std::string(editFolder) + "/";
    if (!path.starts_with(prefix) || !path.ends_with(certificateName) ||
        path.size() < prefix.size() + certificateName.size())
        return std::nullopt;
    const std::string_view name = path.substr(prefix.size(), path.size() - prefix.size() - certificateName.size());
    return isStitchName(name) ? std::optional(std::string(name)) : std::nullopt;
}

std::string editRequestDigest(const EditRequest& request)
{
    Json blocks = Json::array();
    for (const StitchedBlock& block : request.blocks)
        blocks.push_back({{"block", block.block.value}, {"sha256", block.sha256}});
    return sha256Of(writeJsonLine({{"blocks", std::move(blocks)},
                                   {"condition", request.condition.sha256},
                                   {"heldout", request.heldoutSha256},
                                   {"labels", request.labelsSha256},
                                   {"markers", request.markersSha256},
                                   {"max_new", request.maxNew},
                                   {"patch", patchToJson(request.patch)},
                                   {"replay_dtype", nameOf(request.replayDtype)},
                                   {"schema", "blockcert.edit-request/1"}}));
}

EditShape editShapeOf(const EditCertificate& certificate)
{
    EditShape shape;
    shape.offset = offsetsOf(certificate.prompts);
    shape.heldoutOffset = offsetsOf(certificate.heldout);
    shape.blocks = static_cast<std::int64_t>(certificate.request.blocks.size());
    shape.layers = certificate.subject.layers;
    if (size(shape.offset) < 2 || size(shape.heldoutOffset) < 2 || shape.layers < 1 || shape.layers > 1024)
        throw FormatError("The certificate declares no prompts, or layers that no model of this version has.");
    return shape;
}

std::vector<std::pair<artifact::ArchiveEntry, HostTensor>> effectTensors(const EditColumns& columns)
{
    const auto tokens = static_cast<std::int64_t>(columns.tokenId.size());
    const auto heldout = static_cast<std::int64_t>(columns.heldoutTokenId.size());
    Writing writing;
    writing.offsets("prompt_offset", columns.offset);
    writing.ids("token_id", columns.tokenId);
    writing.doubles("error", columns.error, {columns.blocks, tokens});
    writing.doubles("layer_deviation", columns.deviation, {columns.layers, tokens});
    writing.doubles("final_deviation_post", columns.finalPost, {tokens});
    writing.offsets("heldout_offset", columns.heldoutOffset);
    writing.ids("heldout_token_id", columns.heldoutTokenId);
    if (!columns.lossBase.empty()) {
        const auto predicted = static_cast<std::int64_t>(columns.lossBase.size());
        writing.doubles("heldout_loss_base", columns.lossBase, {predicted});
        writing.doubles("heldout_loss_edited", columns.lossEdited, {predicted});
    }
    writing.doubles("heldout_kl", columns.divergence, {heldout});
    writing.ids("heldout_top_base", columns.topBase);
    writing.ids("heldout_top_edited", columns.topEdited);
    writing.completions("before", columns.before);
    writing.completions("after", columns.after);
    for (const auto& [name, tensor] : columns.patch)
        writing.add(std::string(patchPrefix) + name, tensor);
    return std::move(writing.list);
}

EditColumns readEffect(artifact::ArchiveReader& archive, const EditShape& shape)
{
    Columns source(archive);
    EditColumns columns;
    const std::int64_t tokens = shape.offset.back();
    const std::int64_t heldout = shape.heldoutOffset.back();
    columns.blocks = shape.blocks;
    columns.layers = shape.layers;
    columns.offset = source.offsets("prompt_offset", size(shape.offset));
    columns.heldoutOffset = source.offsets("heldout_offset", size(shape.heldoutOffset));
    if (columns.offset != shape.offset || columns.heldoutOffset != shape.heldoutOffset)
        throw FormatError("effect.h5: the offsets are not what the certificate's token counts add up to.");
    columns.tokenId = source.ids("token_id", {tokens});
    columns.error = source.doubles("error", {shape.blocks, tokens});
    columns.deviation = source.doubles("layer_deviation", {shape.layers, tokens});
    columns.finalPost = source.doubles("final_deviation_post", {tokens});
    columns.heldoutTokenId = source.ids("heldout_token_id", {heldout});
    if (const std::int64_t predicted = heldout - size(shape.heldoutOffset) + 1; predicted > 0) {
        columns.lossBase = source.doubles("heldout_loss_base", {predicted});
        columns.lossEdited = source.doubles("heldout_loss_edited", {predicted});
    }
    columns.divergence = source.doubles("heldout_kl", {heldout});
    columns.topBase = source.ids("heldout_top_base", {heldout});
    columns.topEdited = source.ids("heldout_top_edited", {heldout});
    columns.before = source.completions("before", size(shape.offset) - 1);
    columns.after = source.completions("after", size(shape.offset) - 1);
    columns.patch = source.patch();
    source.finish();
    return columns;
}

}
