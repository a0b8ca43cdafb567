// A recorded baseline, whatever kind of file it came in: what an import certifies a surrogate against.
#pragma once

#include "engine/values/host_tensor.h"
#include "engine/values/ids.h"
#include "engine/values/run_manifest.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert::exchange {

struct TracePrompt {
    std::string id;
    std::string text; // empty: none was stated
    std::vector<TokenId> tokenIds;
    std::int64_t truncated = 0; // how many tokens the recorder left off at the end
};

// What a block did with one prompt; the last two are empty where they were not recorded.
struct TraceRows {
    HostTensor input;           // [S, d] in the trace's dtype
    HostTensor output;          // [S, d]
    HostTensor attentionOutput; // [S, d]
    HostTensor mlpOutput;       // [S, d]
};

// Names, types and shapes were checked when the file was opened; values are checked when they are read. One thread at
// a time.
class TraceSource {
public:
    virtual ~TraceSource() = default;

    [[nodiscard]] virtual const std::vector<TracePrompt>& prompts() const = 0;
    [[nodiscard]] virtual const std::vector<LayerIndex>& blocks() const = 0; // ascending; every prompt has each of them
    [[nodiscard]] virtual DType dtype() const = 0;
    [[nodiscard]] virtual std::int64_t width() const = 0;
    // Runtime, version, sublayers and mask; the digest is the caller's to fill.
    [[nodiscard]] virtual const ImportedBaseline& baseline() const = 0;

    // Throws FormatError naming tensor and token for a value that is not finite.
    [[nodiscard]] virtual TraceRows rows(PromptIndex prompt, LayerIndex block) const = 0;
    // U8 [S, S], 1 = allowed.
    [[nodiscard]] virtual HostTensor mask(PromptIndex prompt, LayerIndex block) const = 0;
};

}
