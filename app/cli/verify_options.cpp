#include "app/cli/verify_options.h"

#include "app/terminal/surroundings.h"
#include "engine/artifact/checkpoint.h"

#include <algorithm>
#include <random>
#include <thread>

namespace blockcert::cli {

namespace {

// Drawn anew for every verification, so that an issuer cannot know which cells will be repeated.
std::uint64_t drawSeed()
{
    std::random_device device;
    // 53 bits: every JSON reader keeps such a number whole.
    return ((std::uint64_t{device()} << 32U) | device()) >> 11U;
}

}

void setSurroundings(certificate::VerifyOptions& options, const command_line::ParsedCommand& command)
{
    options.locations = terminal::modelLocations();
    if (command.has("model"))
        options.model = artifact::resolveModel(command.text("model"), options.locations);
    options.seed = command.has("seed") ? static_cast<std::uint64_t>(*command.integer("seed")) : drawSeed();
    options.threads =
        static_cast<int>(command.integer("threads").value_or(std::max(1U, std::thread::hardware_concurrency())));
    options.childProgram = terminal::thisProgram();
}

}
