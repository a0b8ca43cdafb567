#include "engine/model/device.h"

#include "engine/base/error.h"
#include "engine/model/torch_guard.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <charconv>
#include <dlfcn.h>
#include <fstream>
#include <sstream>
#include <sys/utsname.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

namespace blockcert::model {
namespace {

constexpr const char* cudaLibrary = "libtorch_cuda.so";

std::string loadCuda()
{
    if (dlopen(cudaLibrary, RTLD_NOW | RTLD_GLOBAL) != nullptr)
        return {};
    const char* reason = dlerror();
    return reason == nullptr ? "unknown reason" : reason;
}

int parseCudaIndex(const std::string& name)
{
    if (name == "cuda")
        return 0;
    int index = -1;
    const char* begin = name.data() + 5;
    const char* end = name.data() + name.size();
    const auto [stop, problem] = std::from_chars(begin, end, index);
    if (problem != std::errc() || stop != end || index < 0 || index > 63)
        throw UsageError("--device " + name + ": write cpu, cuda or cuda:N with N from 0 to 63.");
    return index;
}

std::string lineAfter(const std::string& text, const std::string& key)
{
    const std::size_t at = text.find(key);
    if (at == std::string::npos)
        return {};
    const std::size_t colon = text.find(':', at);
    const std::size_t end = text.find('\n', at);
    if (colon == std::string::npos || end == std::string::npos || colon > end)
        return {};
    const std::size_t first = text.find_first_not_of(" \t", colon + 1);
    return first == std::string::npos || first > end ? std::string() : text.substr(first, end - first);
}

std::string readText(const char* path)
{
    std::ifstream stream(path);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

}

at::Device openDevice(const std::string& name)
{
    if (name == "cpu")
        return at::Device(at::kCPU);
    if (name != "cuda" && !name.starts_with("cuda:"))
        throw UsageError("--device " + name + ": write cpu, cuda or cuda:N.");
    const int index = parseCudaIndex(name);
    if (const std::string problem = loadCuda(); !problem.empty())
        throw UnsupportedError("--device " + name + ": " + cudaLibrary + " could not be loaded (" + problem +
                               "); fetch the CUDA libraries with ./run --cuda, or use --device cpu.");
    try {
        const int devices = at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0;
        if (index >= devices)
            throw UnsupportedError("--device " + name + ": this machine has " + std::to_string(devices) +
                                   " usable CUDA devices (no NVIDIA driver or no such device); use --device cpu.");
        const at::Device device(at::kCUDA, static_cast<at::DeviceIndex>(index));
        // The first allocation initialises the driver: better here than in the middle of a run.
        (void)at::zeros({1}, at::TensorOptions().device(device));
        return device;
    } catch (const c10::Error& error) {
        throw UnsupportedError("--device " + name + ": CUDA cannot be used here (" +
                               std::string(error.what_without_backtrace()) + "); use --device cpu.");
    }
}

CudaState describeCuda()
{
    try {
        (void)openDevice("cuda");
        const int devices = at::detail::getCUDAHooks().getNumGPUs();
        return {true, devices == 1 ? "one device is usable" : std::to_string(devices) + " devices are usable"};
    } catch (const Error& error) {
        return {false, error.what()};
    }
}

Machine describeMachine()
{
    Machine machine;
    machine.processor = lineAfter(readText("/proc/cpuinfo"), "model name");
    machine.isa = at::get_cpu_capability();
    machine.libtorch = TORCH_VERSION;
    machine.blas = at::globalContext().hasMKL() ? at::get_mkl_version() : "unknown";
    std::replace(machine.blas.begin(), machine.blas.end(), '\n', ' ');
    utsname system{};
    if (uname(&system) == 0)
        machine.operatingSystem = std::string(system.sysname) + " " + system.release + " " + system.machine;
    return machine;
}

Memory memoryNow()
{
    Memory memory;
    std::istringstream pages(readText("/proc/self/statm"));
    std::int64_t total = 0;
    std::int64_t resident = 0;
    if (pages >> total >> resident)
        memory.residentBytes = resident * sysconf(_SC_PAGESIZE);
    std::istringstream available(lineAfter(readText("/proc/meminfo"), "MemAvailable"));
    std::int64_t kibibytes = 0;
    if (available >> kibibytes)
        memory.availableBytes = kibibytes * 1024;
    return memory;
}

}
