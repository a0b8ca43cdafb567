// Answers `blockcert VERB …` as the script in BLOCKCERT_FAKE_SCRIPT says; its calls are counted in
// BLOCKCERT_FAKE_STATE.
//
// Steps of a scenario: {"json": …} (one line), {"text": …}, {"log": text}, {"sleep": ms}, {"exit": code},
// {"crash": signal}, {"flood": bytes}, {"stubborn": true} (does not end on SIGTERM).
#include "tests/workbench/fake/script.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

int main(int argc, char** argv)
{
    const char* file = std::getenv("BLOCKCERT_FAKE_SCRIPT");
    const char* state = std::getenv("BLOCKCERT_FAKE_STATE");
    if (!file || !state || argc < 2) {
        std::cerr << "blockcert: usage: fake_blockcert VERB\n";
        return 2;
    }
    std::ofstream calls(std::filesystem::path(state) / "arguments.log", std::ios::app);
    for (int i = 1; i < argc; ++i)
        calls << argv[i] << (i + 1 < argc ? " " : "\n");
    calls.close();
    // `show RUN --json` without the tokens is the list of runs looking at a folder, at a time of its own: whether it
    // comes before the document's reading depends on how busy the machine is.
    const auto isNamed = [argc, argv](std::string_view argument) {
        return std::find(argv, argv + argc, argument) != argv + argc;
    };
    const bool isCounted = std::string_view(argv[1]) != "show" || !isNamed("--json") || isNamed("--tokens");
    for (const blockcert::Json& step : blockcert::fake::Script(file, state).scenarioFor(argv[1], isCounted)) {
        const std::string name = step.begin().key();
        const blockcert::Json& value = step.begin().value();
        if (name == "json") {
            std::cout << value.dump() << std::endl;
        } else if (name == "text") {
            std::cout << value.get<std::string>() << std::flush;
        } else if (name == "log") {
            std::cerr << value.get<std::string>() << std::endl;
        } else if (name == "sleep") {
            std::this_thread::sleep_for(std::chrono::milliseconds(value.get<int>()));
        } else if (name == "exit") {
            return value.get<int>();
        } else if (name == "crash") {
            std::signal(value.get<int>(), SIG_DFL);
            std::raise(value.get<int>());
        } else if (name == "stubborn") {
            std::signal(SIGTERM, SIG_IGN);
        } else if (name == "flood") {
            const std::string block(65536, 'x');
            for (long left = value.get<long>(); left > 0 && std::cout; left -= 65536)
                std::cout << block;
            std::cout << std::flush;
        }
    }
    return 0;
}
