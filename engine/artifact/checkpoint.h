// Opens a transformer checkpoint from its headers and gives out weights, torch-free: the one reader of model
// files for the engine, the command line and the verifier.
#pragma once

#include "engine/values/host_tensor.h"
#include "engine/values/ids.h"
#include "engine/values/transformer_config.h"
#include "engine/values/weight_reference.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::artifact {

class GgufFile;

// Where models may be found; filled by each program's main (libraries never read the environment).
struct ModelLocations {
    std::filesystem::path hubCache;  // …/huggingface/hub; empty: no look-up
    std::filesystem::path demoModel; // the demo model's .gguf; empty: not set up
};

// MODEL of the command line -> a path: a folder, a file, "demo", or org/name[@revision] in the local cache.
// Throws FileError with the places that were tried, UnsupportedError for pickle files.
[[nodiscard]] std::filesystem::path resolveModel(const std::string& model, const ModelLocations& locations);

struct TensorEntry {
    std::string name;
    DType dtype = DType::F32;
    std::vector<std::int64_t> shape; // row-major, torch order (GGUF's reversed)
    std::size_t file = 0;            // index into Checkpoint::files()
    std::uint64_t begin = 0;         // byte range in that file
    std::uint64_t end = 0;
};

struct WeightFile {
    std::filesystem::path path;
    std::uint64_t size = 0;
    std::string sha256; // empty until hashFiles()
};

enum class Container : std::uint8_t { Safetensors, Gguf };

// Names of weights, the same for every architecture and file format. Block roles (blockWeight):
//   attn_norm.weight attn_norm.bias  q.weight q.bias k.weight k.bias v.weight v.bias o.weight o.bias
//   mlp_norm.weight mlp_norm.bias  gate.weight gate.bias up.weight up.bias down.weight down.bias
// Matrices are [out, in]. GPT-2 has up (c_fc) and down (c_proj) and no gate. Model roles (modelWeight):
//   token_embedding.weight [V, d]  position_embedding.weight [context, d]  final_norm.weight final_norm.bias [d]
//   lm_head.weight [V, d] (the embedding itself when tied)
//
// Immutable after open() but for hashFiles(); const members may be called from several threads.
class Checkpoint {
public:
    // Reads headers and configuration only. Every declared size is checked against the file before use.
    // Throws FileError, FormatError, ShapeError, UnsupportedError (config keys that change the mathematics).
    [[nodiscard]] static Checkpoint open(const std::filesystem::path& path);

    ~Checkpoint();
    Checkpoint(Checkpoint&&) noexcept;
    Checkpoint& operator=(Checkpoint&&) noexcept;

    [[nodiscard]] const std::string& name() const; // folder's name, or a GGUF's file name without .gguf
    [[nodiscard]] const std::filesystem::path& path() const;
    [[nodiscard]] Container container() const;
    [[nodiscard]] const TransformerConfig& config() const;
    [[nodiscard]] std::string configSha256() const; // of the canonical JSON of config()
    [[nodiscard]] const std::vector<WeightFile>& files() const;
    [[nodiscard]] const std::vector<TensorEntry>& tensors() const;
    [[nodiscard]] const std::vector<std::string>& warnings() const;
    [[nodiscard]] std::int64_t parameterCount() const; // tied weights once

    // Fills files()[i].sha256 where missing; stage "hash". WeightReferences given out later carry the digest.
    void hashFiles(const RunContext& context);

    // How to obtain a weight; absent if this model has no such weight (a bias, say). No Cast is appended.
    [[nodiscard]] std::optional<WeightReference> blockWeight(LayerIndex layer, std::string_view role) const;
    [[nodiscard]] std::optional<WeightReference> modelWeight(std::string_view role) const;
    // All roles blockWeight answers for this architecture and file, in the order above.
    [[nodiscard]] std::vector<std::string> blockRoles(LayerIndex layer) const;

    // pread, dequantise, apply the transforms. The result's dtype is that of the last Cast, F32 after a RoundTrip, else
    // F32 (F64 for tensors stored as F64). `into` is reused: its buffer grows at most. Throws FileError on a short
    // read.
    void load(const WeightReference& reference, HostTensor& into) const;

    // Reads all weights of a block into `buffer`, which is reused; until they are forgotten or others are read, load()
    // takes them from there, however often. `buffer` must stay as it is until then. Polls the context.
    void readAhead(LayerIndex layer, std::vector<std::byte>& buffer, const RunContext& context) const;
    void forgetAhead() const;

    // How many bytes of the weight files have been read, headers included, hashing apart.
    [[nodiscard]] std::uint64_t bytesRead() const;

    // The GGUF this checkpoint is, or null: metadata for the tokenizer.
    [[nodiscard]] const GgufFile* gguf() const;
    // Folder with tokenizer.json and friends; empty for a lone GGUF.
    [[nodiscard]] const std::filesystem::path& folder() const;

private:
    struct State;
    explicit Checkpoint(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

// The reference with a final Cast to `dtype`: the weight a baseline of that dtype uses.
[[nodiscard]] WeightReference castTo(WeightReference reference, DType dtype);

// One block of any quantised or floating type -> fp32, bit-exact with ggml's reference; products in fp32 in
// the documented order, no contraction. `source` holds whole storage blocks.
void dequantise(DType dtype, const std::byte* source, std::int64_t elements, float* target);

// The other way round, for Q8_0, Q5_1, Q4_0 and Q4_1 alone: bit-exact with ggml's reference for numbers whose scale is
// a normal fp32 number. `target` takes whole storage blocks. Throws UnsupportedError for other types.
void quantise(DType dtype, const float* source, std::int64_t elements, std::byte* target);

// Every row of a matrix quantised and dequantised; the result is F32 (16-bit types widen exactly, F64 rounds first).
// Throws ShapeError if the rows are not whole storage blocks.
void roundTrip(DType dtype, HostTensor& matrix);

// fp32 or fp64 -> fp16 / bf16 / fp32 by round to nearest even, NaN quietened; and back, exactly.
void convertElements(DType from, const std::byte* source, DType to, std::byte* target, std::int64_t count);

// cos and sin tables [positions, headDim / 2] as the baseline of that dtype uses them (formats: angle in fp32
// from fp32 inverse frequencies with the model's scaling, cos/sin in fp32, then cast).
struct RopeTables {
    HostTensor cosine;
    HostTensor sine;
};

[[nodiscard]] RopeTables ropeTables(const TransformerConfig& config, std::int64_t positions, DType dtype);

}
