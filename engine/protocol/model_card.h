// The answer to `open`: what a model is made of, from its headers alone (docs/protocol.md).
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/strict_json.h"

#include <string>

namespace blockcert {
class RunContext;
}

namespace blockcert::protocol {

struct OpenOptions {
    std::string model;
    bool hash = false; // fill in files[].sha256
};

// A tokenizer that cannot be read is no fault here: `tokenizer` is null and `tokenizer_problem` says why.
[[nodiscard]] Json openModel(const OpenOptions& options, const artifact::ModelLocations& locations,
                             const RunContext& context);

}
