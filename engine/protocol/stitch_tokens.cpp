#include "engine/protocol/stitch_tokens.h"

#include "engine/tokenizer/tokenizer.h"

#include <span>
#include <utility>
#include <vector>

namespace blockcert::protocol {

namespace {

using certificate::StitchColumns;

// Losses have no value for the first token of a prompt, which is not predicted.
Json losses(const std::vector<double>& column, const StitchColumns& columns, std::size_t prompt)
{
    Json list = Json::array({nullptr});
    const std::size_t first = columns.begin(prompt) - prompt;
    for (std::size_t t = 1; t < columns.end(prompt) - columns.begin(prompt); ++t)
        list.push_back(column[first + t - 1]);
    return list;
}

Json tops(const std::vector<std::int32_t>& ids, const std::vector<double>& logits, std::size_t begin, std::size_t end,
          const PieceOf& pieceOf)
{
    Json tokens = Json::array();
    for (std::size_t row = begin; row < end; ++row) {
        Json top = Json::array();
        for (std::size_t i = row * certificate::stitchTops; i < (row + 1) * certificate::stitchTops; ++i)
            top.push_back(Json::array({ids[i], pieceOf(ids[i]), logits[i]}));
        tokens.push_back(std::move(top));
    }
    return tokens;
}

// [layer][token] of a column [L, N].
Json byLayer(const std::vector<double>& column, const StitchColumns& columns, std::size_t prompt)
{
    Json layers = Json::array();
    const std::span<const double> all(column);
    for (std::int64_t layer = 0; layer < columns.layers; ++layer) {
        const std::size_t first = static_cast<std::size_t>(layer) * columns.tokens() + columns.begin(prompt);
        const auto part = all.subspan(first, columns.end(prompt) - columns.begin(prompt));
        layers.push_back(std::vector<double>(part.begin(), part.end()));
    }
    return layers;
}

}

PieceOf piecesOf(std::shared_ptr<const tokenizer::Tokenizer> tokenizer)
{
    if (!tokenizer)
        return [](TokenId) { return std::string(); };
    return [tokenizer = std::move(tokenizer)](TokenId id) {
        return id >= 0 && id < tokenizer->vocabularySize() ? tokenizer->piece(id) : std::string();
    };
}

Json stitchTokens(const StitchColumns& columns, const PieceOf& pieceOf)
{
    Json prompts = Json::array();
    for (std::size_t p = 0; p < columns.prompts(); ++p) {
        const std::size_t begin = columns.begin(p);
        const std::size_t end = columns.end(p);
        Json ids = Json::array();
        Json pieces = Json::array();
        Json divergence = Json::array();
        for (std::size_t t = begin; t < end; ++t) {
            ids.push_back(columns.tokenId[t]);
            pieces.push_back(pieceOf(columns.tokenId[t]));
            divergence.push_back(columns.divergence[t]);
        }
        prompts.push_back({{"prompt", p},
                           {"token_ids", std::move(ids)},
                           {"pieces", std::move(pieces)},
                           {"loss_base", losses(columns.lossBase, columns, p)},
                           {"loss_stitched", losses(columns.lossStitched, columns, p)},
                           {"kl", std::move(divergence)},
                           {"top_base", tops(columns.topIdBase, columns.topLogitBase, begin, end, pieceOf)},
                           {"top_stitched", tops(columns.topIdStitched, columns.topLogitStitched, begin, end, pieceOf)},
                           {"residual", byLayer(columns.residualL2, columns, p)},
                           {"norm", byLayer(columns.residualNorm, columns, p)}});
    }
    return prompts;
}

}
