#include "engine/certificate/stitch_layout.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/base/strict_json.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/widen.h"

#include <algorithm>
#include <map>

namespace blockcert::certificate {

namespace {

constexpr std::int64_t mostTokens = std::int64_t{1} << 28;
constexpr std::int64_t mostRows = std::int64_t{1} << 32; // layers × tokens

constexpr std::string_view certificateName = "/certificate.json";

std::string described(const artifact::ArchiveEntry& entry)
{
    std::string text = entry.name + " " + std::string(nameOf(entry.dtype)) + " [";
    for (const std::int64_t dimension : entry.shape)
        text += (text.back() == '[' ? "" : ", ") + std::to_string(dimension);
    return text + "]";
}

// Every column of doubles and of ids with its name in the file.
template <class Columns>
auto doubleColumns(Columns& columns)
{
    return std::map<std::string, decltype(&columns.residualL2)>{{"residual_l2", &columns.residualL2},
                                                                {"residual_mae", &columns.residualMae},
                                                                {"residual_max", &columns.residualMax},
                                                                {"residual_norm", &columns.residualNorm},
                                                                {"loss_base", &columns.lossBase},
                                                                {"loss_stitched", &columns.lossStitched},
                                                                {"kl", &columns.divergence},
                                                                {"top_logit_base", &columns.topLogitBase},
                                                                {"top_logit_stitched", &columns.topLogitStitched}};
}

template <class Columns>
auto idColumns(Columns& columns)
{
    return std::map<std::string, decltype(&columns.tokenId)>{{"token_id", &columns.tokenId},
                                                             {"label_id", &columns.labelId},
                                                             {"top_id_base", &columns.topIdBase},
                                                             {"top_id_stitched", &columns.topIdStitched}};
}

void requireUsable(const std::string& name, const std::vector<double>& values)
{
    const bool isPositive = name.starts_with("residual") || name.starts_with("loss") || name == "kl";
    const bool below = isPositive && std::any_of(values.begin(), values.end(), [](double value) { return value < 0; });
    if (below || firstNotFinite(values) != values.size())
        throw FormatError("replay.h5: " + name + " holds a value that is not finite, or below zero where none can be.");
}

}

std::string stitchCertificatePath(std::string_view name)
{
    return std::string(stitchFolder) + "/" + std::string(name) + std::string(certificateName);
}

std::string stitchReplayPath(std::string_view name)
{
    return std::string(stitchFolder) + "/" + std::string(name) + "/replay.h5";
}

bool isStitchName(std::string_view name)
{
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    };
    return !name.empty() && name.size() <= 64 && name.front() != '.' && std::all_of(name.begin(), name.end(), allowed);
}

std::optional<std::string> stitchNamed(std::string_view path)
{
    const std::string prefix = std::string(stitchFolder) + "/";
    if (!path.starts_with(prefix) || !path.ends_with(certificateName) ||
        path.size() < prefix.size() + certificateName.size())
        return std::nullopt;
    const std::string_view name = path.substr(prefix.size(), path.size() - prefix.size() - certificateName.size());
    return isStitchName(name) ? std::optional(std::string(name)) : std::nullopt;
}

std::string stitchRequestDigest(const StitchRequest& request)
{
    Json blocks = Json::array();
    for (const StitchedBlock& block : request.blocks)
        blocks.push_back({{"block", block.block.value}, {"sha256", block.sha256}});
    Json json = {{"bisect", request.bisect},
                 {"blocks", std::move(blocks)},
                 {"replay_dtype", nameOf(request.replayDtype)},
                 {"schema", "blockcert.stitch-request/1"}};
    if (request.edit) { // without one the digest is what it was before there were edits
        Json edited = Json::array();
        for (const LayerIndex block : request.edit->blocks)
            edited.push_back(block.value);
        json["edit"] = {{"blocks", std::move(edited)}, {"sha256", request.edit->sha256}};
    }
    return sha256Of(writeJsonLine(json));
}

StitchShape stitchShapeOf(const StitchCertificate& certificate)
{
    std::vector<std::int64_t> counts;
    std::int64_t tokens = 0;
    for (const PromptStatement& prompt : certificate.prompts.prompts) {
        counts.push_back(prompt.tokens);
        tokens += prompt.tokens; // at most 2^20 each
        if (tokens > mostTokens)
            throw FormatError("The prompts declare " + std::to_string(tokens) +
                              " tokens, more than this version reads.");
    }
    const std::int64_t layers = certificate.subject.layers;
    if (counts.empty() || layers < 1 || layers > mostRows / tokens)
        throw FormatError("The certificate declares " + std::to_string(layers) + " layers and " +
                          std::to_string(tokens) + " tokens, which no stitched model of this version has.");
    return {offsetsOf(counts), layers};
}

std::vector<artifact::ArchiveEntry> replayLayout(const StitchShape& shape)
{
    const std::int64_t n = shape.tokens();
    const std::int64_t predicted = n - shape.prompts();
    std::vector<artifact::ArchiveEntry> layout = {{"prompt_offset", DType::I64, {shape.prompts() + 1}},
                                                  {"token_id", DType::I32, {n}},
                                                  {"label_id", DType::I32, {shape.prompts()}}};
    for (const char* name : {"residual_l2", "residual_mae", "residual_max", "residual_norm"})
        layout.push_back({name, DType::F64, {shape.layers, n}});
    if (predicted > 0)
        for (const char* name : {"loss_base", "loss_stitched"})
            layout.push_back({name, DType::F64, {predicted}});
    layout.push_back({"kl", DType::F64, {n}});
    for (const char* name : {"top_id_base", "top_id_stitched"})
        layout.push_back({name, DType::I32, {n, static_cast<std::int64_t>(stitchTops)}});
    for (const char* name : {"top_logit_base", "top_logit_stitched"})
        layout.push_back({name, DType::F64, {n, static_cast<std::int64_t>(stitchTops)}});
    return layout;
}

HostTensor replayTensor(const StitchColumns& columns, const artifact::ArchiveEntry& entry)
{
    if (entry.dtype == DType::F64)
        return tensorOf(std::span<const double>(*doubleColumns(columns).at(entry.name)), entry.shape);
    if (entry.dtype == DType::I32)
        return tensorOf(std::span<const std::int32_t>(*idColumns(columns).at(entry.name)), entry.shape);
    return tensorOf(std::span<const std::int64_t>(columns.offset), entry.shape);
}

void requireReplayLayout(const artifact::ArchiveReader& archive, const StitchShape& shape)
{
    const std::vector<artifact::ArchiveEntry>& found = archive.entries();
    const std::vector<artifact::ArchiveEntry> expected = replayLayout(shape);
    for (const artifact::ArchiveEntry& entry : expected)
        if (std::find(found.begin(), found.end(), entry) == found.end())
            throw FormatError("replay.h5 has no dataset " + described(entry) + " as its certificate demands.");
    for (const artifact::ArchiveEntry& entry : found)
        if (std::find(expected.begin(), expected.end(), entry) == expected.end())
            throw FormatError("replay.h5 has the dataset " + described(entry) + ", which does not belong there.");
}

StitchColumns readReplay(artifact::ArchiveReader& archive, const StitchShape& shape)
{
    requireReplayLayout(archive, shape);
    StitchColumns columns;
    columns.layers = shape.layers;
    const auto doubles = doubleColumns(columns);
    const auto ids = idColumns(columns);
    for (const artifact::ArchiveEntry& entry : replayLayout(shape)) {
        const HostTensor tensor = archive.readAll(entry.name);
        if (entry.dtype == DType::F64) {
            *doubles.at(entry.name) = widened(tensor);
            requireUsable(entry.name, *doubles.at(entry.name));
        } else if (entry.dtype == DType::I32) {
            *ids.at(entry.name) = int32Elements(tensor);
        } else {
            columns.offset = int64Elements(tensor);
        }
    }
    if (columns.offset != shape.offset)
        throw FormatError("replay.h5: prompt_offset is not what the certificate's token counts add up to.");
    for (const auto& [name, values] : ids)
        if (std::any_of(values->begin(), values->end(),
                        [&](std::int32_t id) { return id < (name == "label_id" ? -1 : 0); }))
            throw FormatError("replay.h5: " + name + " holds an id below zero.");
    return columns;
}

}
