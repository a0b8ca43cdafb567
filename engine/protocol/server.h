// The loop behind `blockcert-engine serve`: requests in, one job at a time, progress and answers out.
#pragma once

#include "engine/base/run_context.h"
#include "engine/base/strict_json.h"

#include <functional>
#include <memory>
#include <string>

namespace blockcert::protocol {

struct Method {
    std::function<Json(const Json& params, const RunContext& context)> handle;
    // Whether a cancelled job of these parameters can be continued; absent: it cannot.
    std::function<bool(const Json& params)> resumable;
};

struct ServerOptions {
    int input = 0;                   // file descriptors of the two pipes
    int output = 1;                  // nothing else may write there
    std::function<double()> seconds; // a steady clock
    std::function<void()> onExit;    // called on the reading thread for `exit`: should end the process
    double progressPerSecond = 20;
    std::size_t waitingLimit = 256;
};

enum class ServerEnd : std::uint8_t {
    InputClosed, // the client is gone; running work was stopped
    Shutdown,    // asked for, and answered
    Exit,        // asked for
    Garbage,     // the input is no stream of messages; `Server::problem` says why
};

// run() works on the calling thread and reads on a second one, so that $/cancelRequest is heard while a job runs.
class Server {
public:
    explicit Server(ServerOptions options);
    ~Server();

    // Before run(). `shutdown`, `exit` and `$/cancelRequest` are the server's own.
    void add(const std::string& name, Method method);

    [[nodiscard]] ServerEnd run();
    [[nodiscard]] const std::string& problem() const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}
