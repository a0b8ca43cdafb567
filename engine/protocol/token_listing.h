// The answer to `tokenize`: the exact ids and pieces a model is fed (docs/protocol.md).
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/strict_json.h"

#include <cstdint>
#include <optional>
#include <string>

namespace blockcert::protocol {

// One of text, prompts and content is given.
struct TokenizeOptions {
    std::string model;
    std::optional<std::string> text;
    std::string prompts;                // a bundled name or a path
    std::optional<std::string> content; // of a prompt file, typed by the user
    std::string format = "jsonl";       // of the content
    std::string name = "typed";         // of the content
    std::int64_t maxTokens = 256;
};

[[nodiscard]] Json tokenize(const TokenizeOptions& options, const artifact::ModelLocations& locations);

}
