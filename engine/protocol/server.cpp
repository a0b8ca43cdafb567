#include "engine/protocol/server.h"

#include "engine/protocol/fault.h"
#include "engine/protocol/frame_codec.h"
#include "engine/protocol/json_rpc.h"
#include "engine/protocol/progress_meter.h"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <poll.h>
#include <stop_token>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>

namespace blockcert::protocol {

namespace {

struct Job {
    Json id;
    std::string method;
    Json params;
    std::stop_source stop;
};

// Writes whole frames from several threads; once the other side is gone it writes nothing more.
class FrameWriter {
public:
    explicit FrameWriter(int descriptor)
        : m_descriptor(descriptor)
    {
    }

    // False if the other side is gone.
    bool write(const Json& message)
    {
        const std::string frame = encodeFrame(writeJsonLine(message));
        const std::scoped_lock lock(m_mutex);
        std::string_view rest = frame;
        while (!m_gone && !rest.empty()) {
            const ssize_t count = ::write(m_descriptor, rest.data(), rest.size());
            if (count >= 0)
                rest.remove_prefix(static_cast<std::size_t>(count));
            else if (errno != EINTR)
                m_gone = true;
        }
        return !m_gone;
    }

private:
    std::mutex m_mutex;
    int m_descriptor;
    bool m_gone = false;
};

}

// Threads: `waiting`, `running`, `end` and `problem` are guarded by `mutex`; the rest is set before run().
struct Server::State {
    explicit State(ServerOptions given)
        : options(std::move(given))
        , writer(options.output)
    {
    }

    void readMessages(const std::stop_token& stop);
    void receive(const std::string& body);
    void enqueue(IncomingMessage message);
    void cancel(const Json& id);
    void finish(ServerEnd how, std::string why = {});
    [[nodiscard]] std::shared_ptr<Job> takeJob();
    void perform(Job& job);
    [[nodiscard]] Json answer(Job& job);
    void send(const Json& message);

    ServerOptions options;
    FrameWriter writer;
    std::map<std::string, Method> methods;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::shared_ptr<Job>> waiting;
    std::shared_ptr<Job> running;
    std::optional<ServerEnd> end;
    std::string problem;
    std::array<int, 2> wake{-1, -1}; // a byte here ends the reading thread
};

void Server::State::send(const Json& message)
{
    if (!writer.write(message))
        finish(ServerEnd::InputClosed);
}

void Server::State::finish(ServerEnd how, std::string why)
{
    const std::scoped_lock lock(mutex);
    if (!end) {
        end = how;
        problem = std::move(why);
    }
    waiting.clear();
    if (running)
        running->stop.request_stop();
    changed.notify_all();
}

void Server::State::readMessages(const std::stop_token& stop)
{
    FrameDecoder decoder;
    std::array<char, 1U << 16U> buffer{};
    try {
        while (!stop.stop_requested()) {
            while (const std::optional<std::string> body = decoder.next())
                receive(*body);
            std::array<pollfd, 2> files{pollfd{options.input, POLLIN, 0}, pollfd{wake[0], POLLIN, 0}};
            if (::poll(files.data(), files.size(), -1) < 0 && errno != EINTR)
                return finish(ServerEnd::InputClosed);
            if (files[0].revents == 0)
                continue;
            const ssize_t count = ::read(options.input, buffer.data(), buffer.size());
            if (count < 0 && errno == EINTR)
                continue;
            if (count <= 0)
                return decoder.isIdle() ? finish(ServerEnd::InputClosed)
                                        : finish(ServerEnd::Garbage, "The input ended in the middle of a message.");
            decoder.feed({buffer.data(), static_cast<std::size_t>(count)});
        }
    } catch (const Error& error) { // the frames cannot be followed any more
        send(errorMessage(nullptr, rpc::parseError, error.what()));
        finish(ServerEnd::Garbage, error.what());
    }
}

void Server::State::receive(const std::string& body)
{
    try {
        IncomingMessage message = parseIncoming(body);
        if (message.method == "exit" && !message.id) {
            finish(ServerEnd::Exit);
            if (options.onExit)
                options.onExit();
        } else if (message.method == "$/cancelRequest" && !message.id) {
            cancel(message.params.value("id", Json()));
        } else if (message.id) {
            enqueue(std::move(message));
        } // other notifications are not for us
    } catch (const ProtocolError& error) {
        send(errorMessage(error.id(), error.code(), error.what()));
    }
}

void Server::State::enqueue(IncomingMessage message)
{
    if (message.method != "shutdown" && !methods.contains(message.method))
        throw ProtocolError(rpc::methodNotFound, *message.id, "There is no method " + message.method + ".");
    const std::scoped_lock lock(mutex);
    if (waiting.size() >= options.waitingLimit)
        throw ProtocolError(rpc::invalidRequest, *message.id, "Too many requests are waiting.");
    const auto sameId = [&](const std::shared_ptr<Job>& job) { return job && job->id == *message.id; };
    if (sameId(running) || std::ranges::any_of(waiting, sameId))
        throw ProtocolError(rpc::invalidRequest, *message.id, "A request with this id has not been answered yet.");
    waiting.push_back(std::make_shared<Job>(
        Job{std::move(*message.id), std::move(message.method), std::move(message.params), std::stop_source()}));
    changed.notify_all();
}

void Server::State::cancel(const Json& id)
{
    {
        const std::scoped_lock lock(mutex);
        if (running && running->id == id) {
            running->stop.request_stop();
            return;
        }
        const auto found = std::ranges::find_if(waiting, [&](const auto& job) { return job->id == id; });
        if (found == waiting.end())
            return; // answered in the meantime
        waiting.erase(found);
    }
    send(errorMessage(id, rpc::cancelled, "Cancelled before it began.", {{"resumable", false}}));
}

std::shared_ptr<Job> Server::State::takeJob()
{
    std::unique_lock lock(mutex);
    running.reset();
    changed.wait(lock, [&] { return end || !waiting.empty(); });
    if (end)
        return nullptr;
    running = waiting.front();
    waiting.pop_front();
    return running;
}

Json Server::State::answer(Job& job)
{
    const Method& method = methods.at(job.method);
    std::mutex meterMutex; // progress may come from several threads
    ProgressMeter meter(options.seconds(), options.progressPerSecond);
    const RunContext context(job.stop.get_token(), [&](const Progress& event) {
        const std::scoped_lock lock(meterMutex);
        if (const auto shown = meter.take(event, options.seconds())) {
            Json params = progressToJson(*shown);
            params["id"] = job.id;
            send(notificationMessage("$/progress", std::move(params)));
        }
    });
    try {
        return resultMessage(job.id, method.handle(job.params, context));
    } catch (const Cancelled&) {
        const bool resumable = method.resumable && method.resumable(job.params);
        return errorMessage(job.id, rpc::cancelled, "Cancelled.", {{"resumable", resumable}});
    } catch (...) {
        const Fault fault = describeFault(std::current_exception());
        return errorMessage(job.id, rpc::fault, fault.sentence,
                            {{"kind", fault.kind}, {"exit_code", static_cast<int>(fault.exitCode)}});
    }
}

void Server::State::perform(Job& job)
{
    if (job.method == "shutdown") {
        send(resultMessage(job.id, nullptr));
        finish(ServerEnd::Shutdown);
        return;
    }
    const Json message = answer(job);
    try {
        send(message);
    } catch (const Error& error) { // an answer that is too long, or that no JSON can hold
        send(errorMessage(job.id, rpc::fault, error.what(),
                          {{"kind", "resource"}, {"exit_code", static_cast<int>(error.exitCode())}}));
    }
}

Server::Server(ServerOptions options)
    : m_state(std::make_unique<State>(std::move(options)))
{
}

Server::~Server() = default;

void Server::add(const std::string& name, Method method)
{
    m_state->methods.emplace(name, std::move(method));
}

const std::string& Server::problem() const
{
    return m_state->problem;
}

ServerEnd Server::run()
{
    State& state = *m_state;
    if (::pipe(state.wake.data()) != 0)
        throw ResourceError("The engine cannot open a pipe: too many files are open.");
    {
        std::jthread reader([&state](const std::stop_token& stop) { state.readMessages(stop); });
        while (const std::shared_ptr<Job> job = state.takeJob())
            state.perform(*job);
        reader.request_stop();
        const char byte = 0;
        while (::write(state.wake[1], &byte, 1) < 0 && errno == EINTR) {
        }
    }
    ::close(state.wake[0]);
    ::close(state.wake[1]);
    return *state.end;
}

}
