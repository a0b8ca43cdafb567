// Which processor a model runs on: the CPU, or CUDA if its library and a driver are really there.
#pragma once

#include <cstdint>
#include <string>

namespace c10 {
struct Device;
}

namespace blockcert::model {

// "cpu", "cuda" or "cuda:N". For CUDA the library is loaded before LibTorch is first asked about it, because
// LibTorch remembers its first answer. Throws UsageError for another name, UnsupportedError if the library, the
// driver or the device is missing.
[[nodiscard]] c10::Device openDevice(const std::string& name);

struct CudaState {
    bool usable = false;
    std::string text; // how many devices, or one sentence that says why none is usable
};

// CUDA on this machine, without failing: for the self-tests.
[[nodiscard]] CudaState describeCuda();

// What a certificate records about this machine and its libraries.
struct Machine {
    std::string processor; // "AMD EPYC 9354 32-Core Processor"
    std::string isa;       // what LibTorch dispatches to: "AVX512", …
    std::string libtorch;
    std::string blas;
    std::string operatingSystem;
};

[[nodiscard]] Machine describeMachine();

struct Memory {
    std::int64_t residentBytes = 0;
    std::int64_t availableBytes = 0; // what the machine could still give
};

[[nodiscard]] Memory memoryNow();

}
