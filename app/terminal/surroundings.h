// What a program's main finds around it and the libraries may not ask for: places, environment, time, versions.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/strict_json.h"

#include <filesystem>
#include <string>

namespace blockcert::terminal {

[[nodiscard]] std::string toolVersion();      // "0.1.0"
[[nodiscard]] std::string toolBuild();        // the commit, "-dirty" if the tree was changed, "source" without git
[[nodiscard]] std::string builtForLibTorch(); // "2.15.0", or "none"

// "blockcert 0.1.0 (build …), for LibTorch 2.15.0"
[[nodiscard]] std::string versionLine();
[[nodiscard]] Json versionJson(); // the same: name, version, build, libtorch_built_for

// The running program's file.
[[nodiscard]] std::filesystem::path thisProgram();
// A program of this installation: beside this one, or in bin/ or libexec/blockcert/ of the same prefix; empty if
// it is not there.
[[nodiscard]] std::filesystem::path siblingProgram(const std::string& name);

// BLOCKCERT_DEMO_MODEL, else the build tree's or the installation's; HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME.
[[nodiscard]] artifact::ModelLocations modelLocations();

// ISO 8601 in UTC; SOURCE_DATE_EPOCH is honoured.
[[nodiscard]] std::string creationTime();

// "unknown" where the system does not say.
[[nodiscard]] std::string processorName();
// "Linux 6.1.0 x86_64"
[[nodiscard]] std::string systemName();

// Seconds of a steady clock.
[[nodiscard]] double steadySeconds();

}
