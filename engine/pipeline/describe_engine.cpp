#include "engine/base/run_context.h"
#include "engine/model/device.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/tiled_linear.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/self_tests.h"

#include <c10/core/Device.h>

#include <malloc.h>

namespace blockcert::pipeline {

namespace {

// A property of this processor and these libraries: found once.
bool machineIsInvariant()
{
    static const bool holds = rowsAreInvariant(DType::F32, RunContext()) && rowsAreInvariant(DType::F64, RunContext());
    return holds;
}

}

void prepareProcess()
{
    // The largest thresholds glibc takes: blocks below 32 MiB are reused, and freed memory is not given back at once.
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 512 << 20);
}

Json describeEngine(const std::string& device, int threads)
{
    model::setThreads(threads);
    (void)model::openDevice(device); // throws for a device that is not there
    const model::Machine machine = model::describeMachine();
    const model::Memory memory = model::memoryNow();
    return {{"engine",
             {{"device", device},
              {"processor", machine.processor},
              {"isa", machine.isa},
              {"libtorch", machine.libtorch},
              {"blas", machine.blas},
              {"threads", model::threadCount()},
              {"tiling", model::defaultTiling(DType::F32).text()},
              {"batch_invariant", machineIsInvariant()}}},
            {"memory", {{"resident_bytes", memory.residentBytes}, {"available_bytes", memory.availableBytes}}}};
}

}
