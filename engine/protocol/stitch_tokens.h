// The numbers of every token of a stitched model, for the strip and the map that show them (docs/protocol.md).
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/stitch_metrics.h"
#include "engine/values/ids.h"

#include <functional>
#include <memory>
#include <string>

namespace blockcert::tokenizer {
class Tokenizer;
}

namespace blockcert::protocol {

// What a token id looks like; empty where that is not known.
using PieceOf = std::function<std::string(TokenId)>;

[[nodiscard]] PieceOf piecesOf(std::shared_ptr<const tokenizer::Tokenizer> tokenizer); // null: nothing is known

// One object a prompt, in their order.
[[nodiscard]] Json stitchTokens(const certificate::StitchColumns& columns, const PieceOf& pieceOf);

}
