#include "app/terminal/surroundings.h"

#include "app/terminal/build_id.h"
#include "engine/base/error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string_view>
#include <sys/utsname.h>
#include <system_error>
#include <unistd.h>

namespace blockcert::terminal {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view demoFile = "SmolLM2-135M-Instruct.Q4_1.gguf";

// A variable that is set and not empty.
std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

bool isFile(const fs::path& path)
{
    std::error_code error;
    return fs::is_regular_file(path, error);
}

fs::path demoModel()
{
    if (const std::string given = variable("BLOCKCERT_DEMO_MODEL"); !given.empty())
        return given;
    const fs::path folder = thisProgram().parent_path();
    // A build tree (build/NAME/bin), an installation's bin/ and its libexec/blockcert/.
    for (const char* place : {"../../../.deps/demo", "../share/blockcert/demo", "../../share/blockcert/demo"})
        if (const fs::path path = folder / place / demoFile; isFile(path))
            return path.lexically_normal();
    return {};
}

fs::path hubCache()
{
    if (const std::string cache = variable("HF_HUB_CACHE"); !cache.empty())
        return cache;
    if (const std::string home = variable("HF_HOME"); !home.empty())
        return fs::path(home) / "hub";
    if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty())
        return fs::path(cache) / "huggingface" / "hub";
    if (const std::string home = variable("HOME"); !home.empty())
        return fs::path(home) / ".cache" / "huggingface" / "hub";
    return {};
}

}

std::string toolVersion()
{
    return BLOCKCERT_VERSION;
}

std::string toolBuild()
{
    return buildId;
}

std::string builtForLibTorch()
{
    return BLOCKCERT_LIBTORCH_VERSION;
}

Json versionJson()
{
    return {{"name", "blockcert"},
            {"version", toolVersion()},
            {"build", toolBuild()},
            {"libtorch_built_for", builtForLibTorch()}};
}

std::string versionLine()
{
    return "blockcert " + toolVersion() + " (build " + toolBuild() + "), for LibTorch " + builtForLibTorch();
}

fs::path thisProgram()
{
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error);
}

fs::path siblingProgram(const std::string& name)
{
    const fs::path folder = thisProgram().parent_path();
    for (const char* place : {".", "../libexec/blockcert", "../../bin"})
        if (const fs::path path = folder / place / name; isFile(path))
            return path.lexically_normal();
    return {};
}

artifact::ModelLocations modelLocations()
{
    return {hubCache(), demoModel()};
}

std::string creationTime()
{
    std::time_t seconds = std::time(nullptr);
    if (const std::string epoch = variable("SOURCE_DATE_EPOCH"); !epoch.empty()) {
        const auto [end, error] = std::from_chars(epoch.data(), epoch.data() + epoch.size(), seconds);
        if (error != std::errc() || end != epoch.data() + epoch.size() || seconds < 0)
            throw UsageError("SOURCE_DATE_EPOCH is \"" + epoch +
                             "\", which is no number of seconds; unset it or mend it.");
    }
    std::tm parts{};
    std::array<char, 32> text{};
    ::gmtime_r(&seconds, &parts);
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string processorName()
{
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name"))
            return line.substr(std::min(line.find(": ") + 2, line.size()));
    return "unknown";
}

std::string systemName()
{
    utsname system{};
    ::uname(&system);
    return std::string(system.sysname) + " " + system.release + " " + system.machine;
}

double steadySeconds()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}
