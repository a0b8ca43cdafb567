// Speaks docs/protocol.md as its script says: `fake_engine SCRIPT.json STATE_FOLDER`.
//
// Steps of a scenario: {"sleep": ms} (ends early when cancelled), {"progress": {…}} (the id is filled in), {"result":
// …},
// {"error": {…}}, {"padded": bytes} (a valid result of that size), {"garbage": text}, {"announce": bytes} (a header for
// a body that never comes), {"crash": signal}, {"exit": code}, {"silence": true} (answers nothing any more),
// {"deaf": true} (does not hear cancels), {"stale": …} (a result for an id nobody asked for), {"log": text},
// {"until_file": path} (goes on when the file exists). run_files and run_read are answered as the engine answers them,
// unless the script has them. Every request that is begun is appended to STATE_FOLDER/requests.jsonl.
#include "engine/base/error.h"
#include "engine/protocol/run_files.h"
#include "tests/workbench/fake/script.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unistd.h>

namespace {

using blockcert::Json;

std::mutex lock;
std::condition_variable changed;
std::deque<Json> requests;
std::set<Json> cancelledIds;
bool inputEnded = false;
std::atomic<bool> isDeaf = false;
std::mutex outputLock;

void say(const Json& message)
{
    const std::string body = message.dump();
    const std::lock_guard guard(outputLock);
    std::cout << "Content-Length: " << body.size() << "\r\n\r\n" << body << std::flush;
}

void readRequests()
{
    for (;;) {
        std::string header;
        std::size_t length = 0;
        while (std::getline(std::cin, header) && header != "\r") {
            if (header.rfind("Content-Length:", 0) == 0)
                length = std::stoul(header.substr(15));
        }
        std::string body(length, '\0');
        if (!std::cin.read(body.data(), static_cast<std::streamsize>(length)) || length == 0)
            break;
        const Json message = Json::parse(body);
        const std::lock_guard guard(lock);
        if (message["method"] == "$/cancelRequest")
            cancelledIds.insert(message["params"]["id"]);
        else
            requests.push_back(message);
        changed.notify_all();
    }
    const std::lock_guard guard(lock);
    inputEnded = true;
    changed.notify_all();
}

bool isCancelled(const Json& id)
{
    return !isDeaf && cancelledIds.contains(id);
}

// True if the scenario goes on.
bool play(const Json& step, const Json& id)
{
    const std::string name = step.begin().key();
    const Json& value = step.begin().value();
    if (name == "sleep" || name == "until_file") {
        const auto begin = std::chrono::steady_clock::now();
        const auto end = begin + std::chrono::milliseconds(name == "sleep" ? value.get<int>() : 60000);
        std::unique_lock guard(lock);
        while (std::chrono::steady_clock::now() < end && !inputEnded) {
            if (isCancelled(id) || (name == "until_file" && std::filesystem::exists(value.get<std::string>())))
                break;
            changed.wait_for(guard, std::chrono::milliseconds(5));
        }
    } else if (name == "progress") {
        Json parameters = value;
        parameters["id"] = id;
        say({{"jsonrpc", "2.0"}, {"method", "$/progress"}, {"params", parameters}});
    } else if (name == "result") {
        say({{"jsonrpc", "2.0"}, {"id", id}, {"result", value}});
        return false;
    } else if (name == "error") {
        say({{"jsonrpc", "2.0"}, {"id", id}, {"error", value}});
        return false;
    } else if (name == "padded") {
        Json parts = Json::array();
        for (std::size_t left = value.get<std::size_t>(); left > 0; left -= std::min<std::size_t>(left, 100'000))
            parts.push_back(std::string(std::min<std::size_t>(left, 100'000), 'x'));
        say({{"jsonrpc", "2.0"}, {"id", id}, {"result", {{"parts", parts}}}});
        return false;
    } else if (name == "garbage") {
        std::cout << value.get<std::string>() << std::flush;
    } else if (name == "announce") {
        std::cout << "Content-Length: " << value << "\r\n\r\n{" << std::flush;
    } else if (name == "crash") {
        std::signal(value.get<int>(), SIG_DFL);
        std::raise(value.get<int>());
    } else if (name == "exit") {
        std::_Exit(value.get<int>());
    } else if (name == "silence") {
        std::signal(SIGTERM, SIG_IGN);
        for (;;)
            pause();
    } else if (name == "deaf") {
        isDeaf = true;
    } else if (name == "stale") {
        say({{"jsonrpc", "2.0"}, {"id", 987654321}, {"result", value}});
    } else if (name == "log") {
        std::cerr << value.get<std::string>() << std::endl;
    }
    return true;
}

Json ofRun(const std::string& method, const Json& parameters)
{
    using namespace blockcert;
    try {
        const std::string run = parameters.at("run");
        return {{"result", method == "run_files"
                               ? protocol::listRunFiles(run)
                               : protocol::readRunFile(run, parameters.at("path"), parameters.at("offset"),
                                                       parameters.at("bytes"))}};
    } catch (const Error& error) {
        return {
            {"error", {{"code", -32000}, {"message", error.what()}, {"data", {{"exit_code", 3}, {"kind", "file"}}}}}};
    }
}

void serve(const Json& request, blockcert::fake::Script& script, const std::filesystem::path& stateFolder)
{
    std::ofstream(stateFolder / "requests.jsonl", std::ios::app)
        << Json{{"method", request["method"]}, {"params", request.value("params", Json())}}.dump() << std::endl;
    const Json id = request["id"];
    const std::string method = request["method"];
    Json scenario = script.scenarioFor(method);
    if (scenario.empty() && method == "initialize") {
        scenario =
            Json::array({{{"result",
                           {{"protocol", 1},
                            {"version", "0.0.0"},
                            {"build", "fake"},
                            {"engine", {{"device", "cpu"}, {"processor", "none"}, {"isa", "none"}, {"threads", 2}}},
                            {"memory", {{"resident_bytes", 612000000}, {"available_bytes", 8000000000}}}}}}});
    }
    if (scenario.empty() && (method == "run_files" || method == "run_read"))
        scenario = Json::array({ofRun(method, request["params"])});
    scenario.push_back({{"end", true}}); // so that a cancel is heard after the last step, too
    for (const Json& step : scenario) {
        {
            const std::lock_guard guard(lock);
            if (isCancelled(id)) {
                say({{"jsonrpc", "2.0"},
                     {"id", id},
                     {"error",
                      {{"code", -32800}, {"message", "cancelled"}, {"data", {{"resumable", method == "certify"}}}}}});
                return;
            }
        }
        if (!play(step, id))
            return;
    }
    say({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", -32601}, {"message", "no such method: " + method}}}});
}

}

int main(int argc, char** argv)
{
    if (argc != 3) {
        std::cerr << "usage: fake_engine SCRIPT.json STATE_FOLDER\n";
        return 2;
    }
    blockcert::fake::Script script(argv[1], argv[2]);
    std::thread(readRequests).detach();
    for (;;) {
        std::unique_lock guard(lock);
        changed.wait(guard, [] { return inputEnded || !requests.empty(); });
        if (requests.empty())
            std::_Exit(0);
        const Json request = requests.front();
        requests.pop_front();
        guard.unlock();
        if (request["method"] == "exit")
            std::_Exit(0);
        serve(request, script, argv[2]);
    }
}
