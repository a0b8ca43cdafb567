#include "engine/protocol/token_rows.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/cell_file.h"
#include "engine/certificate/cell_log.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/probe_reader.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/stitch_layout.h"
#include "engine/protocol/named_tensors.h"
#include "engine/protocol/stitch_tokens.h"
#include "engine/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

namespace blockcert::protocol {

namespace {

using certificate::CellPart;
using certificate::CellPlace;
using certificate::RunDocument;
using certificate::RunFolder;

constexpr std::size_t largestLog = 1U << 30U;
constexpr std::size_t topCount = 5;

// The tokenizer of the model that run.json points to, if its files still have the sizes that the run states: the
// pieces are for display only, so that no file is hashed for them.
PieceOf findPieces(const RunManifest& manifest, const artifact::ModelLocations& locations)
{
    try {
        const auto checkpoint = artifact::Checkpoint::open(artifact::resolveModel(manifest.modelHint, locations));
        const auto sameFile = [](const artifact::WeightFile& file, const SubjectFile& stated) {
            return file.size == stated.size && file.path.filename() == stated.name;
        };
        if (std::ranges::equal(checkpoint.files(), manifest.subject.files, sameFile)) {
            return piecesOf(std::make_shared<const tokenizer::Tokenizer>(tokenizer::Tokenizer::of(checkpoint)));
        }
    } catch (const Error&) {
        // The model has moved; ids stand for themselves.
    }
    return piecesOf(nullptr);
}

Json promptsToJson(const PromptSet& prompts)
{
    Json list = Json::array();
    for (const EncodedPrompt& prompt : prompts.prompts)
        list.push_back({{"id", prompt.id},
                        {"rendered", prompt.rendered},
                        {"token_ids", prompt.tokenIds},
                        {"pieces", prompt.pieces},
                        {"tags", prompt.tags}});
    return list;
}

// One value a token; the first token is not predicted and has none.
Json lossToJson(const std::vector<double>& loss)
{
    if (loss.empty())
        return nullptr;
    Json list = Json::array({nullptr});
    for (const double value : loss)
        list.push_back(value);
    return list;
}

Json topToJson(const std::vector<std::int32_t>& ids, const std::vector<double>& logits, const PieceOf& pieceOf)
{
    if (ids.empty() || ids.size() != logits.size())
        return nullptr;
    Json tokens = Json::array();
    for (std::size_t row = 0; row + topCount <= ids.size(); row += topCount) {
        Json top = Json::array();
        for (std::size_t i = row; i < row + topCount; ++i)
            top.push_back(Json::array({ids[i], pieceOf(ids[i]), logits[i]}));
        tokens.push_back(std::move(top));
    }
    return tokens;
}

// Null where the output's norm is 0 and the error is not: such a token is never covered.
Json relativeToJson(const CellRecord& cell)
{
    Json list = Json::array();
    for (const double value : certificate::relativeErrors(cell.error, cell.outputNorm))
        list.push_back(std::isfinite(value) ? Json(value) : Json());
    return list;
}

// Of a token: how many keys it was allowed to attend to.
using KeysOf = std::function<std::int64_t(std::size_t token)>;

Json cellToJson(const CellRecord& cell, const PieceOf& pieceOf, const KeysOf& keysOf)
{
    const std::size_t tokens = cell.error.size();
    std::vector<double> margin(tokens);
    std::vector<std::int32_t> marginHead(tokens);
    for (std::size_t at = 0; at < cell.attentionMargin.size(); ++at) { // [head, token]
        const std::size_t t = at % tokens;
        const auto head = static_cast<std::int32_t>(at / tokens);
        if (head == 0 || cell.attentionMargin[at] < margin[t]) {
            margin[t] = cell.attentionMargin[at];
            marginHead[t] = head;
        }
    }
    // A margin needs two keys; the 0 that is recorded without them is no measurement.
    Json margins = Json::array();
    for (std::size_t t = 0; t < tokens; ++t) {
        const bool isDefined = margin[t] != 0 || keysOf(t) > 1;
        margins.push_back(isDefined ? Json(margin[t]) : Json());
    }
    return {{"block", cell.block.value},
            {"prompt", cell.prompt.value},
            {"error", cell.error},
            {"relative", relativeToJson(cell)},
            {"error_attn", cell.errorAttention.empty() ? Json() : Json(cell.errorAttention)},
            {"error_mlp", cell.errorMlp.empty() ? Json() : Json(cell.errorMlp)},
            {"output_norm", cell.outputNorm},
            {"margin", std::move(margins)},
            {"margin_head", std::move(marginHead)},
            {"loss_base", lossToJson(cell.lossBase)},
            {"loss_stitched", lossToJson(cell.lossStitched)},
            {"loss_estimate", cell.firstOrder.empty() ? Json() : Json(cell.firstOrder)},
            {"top_base", topToJson(cell.topIdBase, cell.topLogitBase, pieceOf)},
            {"top_stitched", topToJson(cell.topIdStitched, cell.topLogitStitched, pieceOf)}};
}

void addFinished(const RunFolder& folder, const Certificate& certificate, const ShowOptions& options,
                 const PieceOf& pieceOf, Json& cells)
{
    const std::string path = certificate::probesPath(certificate.block);
    certificate::ProbeReader reader(openNamedTensors(folder, certificate.artifacts, path, options.childProgram),
                                    certificate::probeShapeOf(certificate), certificate.block);
    for (std::int32_t p = 0; p < reader.shape().prompts(); ++p) {
        const KeysOf keysOf = [&](std::size_t token) {
            return reader.allowedKeys({p}, static_cast<std::int64_t>(token));
        };
        cells.push_back(cellToJson(reader.readNumbers({p}), pieceOf, keysOf));
    }
}

void addUnfinished(const RunFolder& folder, const RunManifest& manifest, LayerIndex block, const PieceOf& pieceOf,
                   Json& cells)
{
    const std::string path = certificate::cellsPath(block);
    if (!folder.exists(path))
        return;
    const std::string log = folder.readText(path, largestLog);
    const std::map<CellPlace, std::string_view> parts = certificate::cellsOf(log);
    for (std::int32_t p = 0; p < static_cast<std::int32_t>(manifest.prompts.prompts.size()); ++p) {
        const auto bytes = parts.find({{p}, CellPart::Cell});
        if (bytes == parts.end())
            continue;
        certificate::CellShape shape;
        shape.tokens = static_cast<std::int64_t>(manifest.prompts.prompts[static_cast<std::size_t>(p)].tokenIds.size());
        shape.width = manifest.subject.dModel;
        shape.heads = manifest.subject.heads;
        shape.baselineDtype = manifest.request.baselineDtype;
        shape.loss = manifest.request.loss;
        shape.sublayers = manifest.request.hasSublayers();
        auto cell = certificate::decodeCell(bytes->second, block, {p}, shape, "");
        if (!cell && shape.loss == LossMode::Exact) { // its losses come later
            certificate::CellShape errors = shape;
            errors.loss = LossMode::None;
            cell = certificate::decodeCell(bytes->second, block, {p}, errors, "");
        }
        if (!cell)
            continue;
        const auto lossBytes = parts.find({{p}, CellPart::Losses});
        if (shape.loss == LossMode::Exact && cell->topIdBase.empty() && lossBytes != parts.end())
            if (auto losses = certificate::decodeLosses(lossBytes->second, block, {p}, shape, ""))
                certificate::addLosses(*cell, std::move(*losses));
        const KeysOf keysOf = [&](std::size_t token) {
            const std::size_t row = token * cell->error.size();
            const auto begin = cell->mask.bytes.begin() + static_cast<std::ptrdiff_t>(row);
            return std::count_if(begin, begin + static_cast<std::ptrdiff_t>(cell->error.size()),
                                 [](std::byte allowed) { return allowed != std::byte{0}; });
        };
        cells.push_back(cellToJson(*cell, pieceOf, keysOf));
    }
}

Json replayToJson(const RunFolder& folder, const StitchCertificate& certificate, const ShowOptions& options,
                  const PieceOf& pieceOf)
{
    const std::string path = certificate::stitchReplayPath(certificate.name);
    const auto archive = openNamedTensors(folder, certificate.artifacts, path, options.childProgram);
    return stitchTokens(certificate::readReplay(*archive, certificate::stitchShapeOf(certificate)), pieceOf);
}

}

void addTokenRows(const RunFolder& folder, const RunDocument& run, const ListedCertificates& certificates,
                  const ShowOptions& options, const RunContext& context, Json& listing, Json& problems)
{
    const PieceOf pieceOf = findPieces(run.manifest, options.locations);
    Json cells = Json::array();
    for (const LayerIndex block : run.manifest.request.blocks) {
        context.step();
        const auto finished = std::ranges::find(certificates.blocks, block, &Certificate::block);
        try {
            if (finished != certificates.blocks.end())
                addFinished(folder, *finished, options, pieceOf, cells);
            else
                addUnfinished(folder, run.manifest, block, pieceOf, cells);
        } catch (const Error& error) {
            problems.push_back(error.what());
        }
    }
    for (std::size_t i = 0; i < certificates.stitches.size(); ++i) {
        context.step();
        try {
            listing["stitches"][i]["tokens"] = replayToJson(folder, certificates.stitches[i], options, pieceOf);
        } catch (const Error& error) {
            problems.push_back(error.what());
        }
    }
    listing["prompts"] = promptsToJson(run.manifest.prompts);
    listing["cells"] = std::move(cells);
}

}
