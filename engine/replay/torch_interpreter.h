// Runs a block program with LibTorch: the fast interpreter of the issuing side. The judge is ir::ReferenceInterpreter.
#pragma once

#include "engine/ir/block_ir.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/model/tiled_linear.h"
#include "engine/values/dtype.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace at {
class Tensor;
}

namespace c10 {
struct Device;
}

namespace blockcert {
class RunContext;
}

namespace blockcert::model {
struct Batch;
}

namespace blockcert::replay {

// Intermediate results that are not in use: [rows, width] by width.
using RowBuffers = std::multimap<std::int64_t, at::Tensor>;

// On the CPU, matrices of a narrower type than the replay's are kept as they are and widened a panel at a time. A
// prompt's results depend neither on the other prompts nor on the thread count where batchInvariant() holds. One run at
// a time: not thread-safe.
class TorchInterpreter {
public:
    // dtype is F64 or F32 and is the type of all arithmetic. Without a tiling the self-test of engine/model/invariance
    // chooses one on this block's own layers. Throws what ir::validate() throws, ShapeError for tensors that do not
    // fit, UnsupportedError for programs that cannot be scheduled.
    TorchInterpreter(const ir::BlockIr& block, DType dtype, const c10::Device& device,
                     const std::optional<model::Tiling>& tiling, const RunContext& context);
    // The same without a copy of such matrices: the block is kept alive instead.
    TorchInterpreter(std::shared_ptr<const ir::BlockIr> block, DType dtype, const c10::Device& device,
                     const std::optional<model::Tiling>& tiling, const RunContext& context);
    ~TorchInterpreter();
    TorchInterpreter(TorchInterpreter&&) noexcept;
    TorchInterpreter& operator=(TorchInterpreter&&) noexcept;

    [[nodiscard]] const model::Tiling& tiling() const;
    [[nodiscard]] bool batchInvariant() const; // true if a tiling was given: whoever gave it has tested it

    // Intermediate results then lie in these buffers, which one interpreter after the other may use: allocating them
    // anew costs more than filling them. All of them have one dtype and device.
    void useBuffers(std::shared_ptr<RowBuffers> buffers);

    // One replay per prompt of the batch. `input` [rows, width] in any floating type is widened exactly.
    [[nodiscard]] std::vector<ir::BlockReplay> run(const at::Tensor& input, const model::Batch& batch,
                                                   const RunContext& context);

private:
    void prepare(const ir::BlockIr& block, DType dtype, const c10::Device& device,
                 const std::optional<model::Tiling>& tiling, const RunContext& context);

    struct State;
    std::unique_ptr<State> m_state;
};

}
