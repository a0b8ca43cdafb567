#include "engine/protocol/frame_codec.h"
#include "engine/protocol/json_rpc.h"
#include "engine/protocol/server.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <future>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>

using namespace blockcert;
using namespace blockcert::protocol;
using namespace std::chrono_literals;

namespace {

double steadySeconds()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A server on two pipes with a thread of its own, and the client's ends of them.
class ServedPipe {
public:
    ServedPipe()
    {
        (void)std::signal(SIGPIPE, SIG_IGN);
        if (::pipe(m_toServer.data()) != 0 || ::pipe(m_fromServer.data()) != 0)
            throw std::runtime_error("pipe");
        ServerOptions options;
        options.input = m_toServer[0];
        options.output = m_fromServer[1];
        options.seconds = steadySeconds;
        options.onExit = [this] { m_exitSeen = true; };
        options.waitingLimit = 3;
        m_server = std::make_unique<Server>(options);
    }

    ~ServedPipe()
    {
        closeInput();
        if (m_ended.valid())
            m_ended.wait();
        for (const int descriptor : {m_toServer[0], m_fromServer[0], m_fromServer[1]})
            ::close(descriptor);
    }

    Server& server() { return *m_server; }

    void start()
    {
        m_ended = std::async(std::launch::async, [this] { return m_server->run(); });
    }

    void sendBytes(const std::string& bytes) const
    {
        ASSERT_EQ(::write(m_toServer[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }

    void request(int id, const std::string& method, const Json& params = Json::object()) const
    {
        sendBytes(encodeFrame(Json({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}).dump()));
    }

    void notify(const std::string& method, const Json& params = Json::object()) const
    {
        sendBytes(encodeFrame(notificationMessage(method, params).dump()));
    }

    // The next message that is no progress, or nothing within a second.
    std::optional<Json> receive()
    {
        for (;;) {
            while (auto body = m_decoder.next()) {
                Json message = Json::parse(*body);
                if (message.value("method", "") != "$/progress")
                    return message;
                m_progress.push_back(message["params"]);
            }
            pollfd file{m_fromServer[0], POLLIN, 0};
            if (::poll(&file, 1, 1000) <= 0)
                return std::nullopt;
            std::array<char, 4096> buffer{};
            const ssize_t count = ::read(m_fromServer[0], buffer.data(), buffer.size());
            if (count <= 0)
                return std::nullopt;
            m_decoder.feed({buffer.data(), static_cast<std::size_t>(count)});
        }
    }

    Json receiveError()
    {
        const auto message = receive();
        return message && message->contains("error") ? (*message)["error"] : Json();
    }

    void closeInput()
    {
        if (m_toServer[1] >= 0)
            ::close(m_toServer[1]);
        m_toServer[1] = -1;
    }

    std::optional<ServerEnd> end()
    {
        if (m_ended.wait_for(2s) != std::future_status::ready)
            return std::nullopt;
        return m_ended.get();
    }

    [[nodiscard]] bool exitSeen() const { return m_exitSeen; }

    [[nodiscard]] const std::vector<Json>& progress() const { return m_progress; }

private:
    std::array<int, 2> m_toServer{};
    std::array<int, 2> m_fromServer{};
    std::unique_ptr<Server> m_server;
    std::future<ServerEnd> m_ended;
    FrameDecoder m_decoder;
    std::vector<Json> m_progress;
    std::atomic<bool> m_exitSeen = false;
};

Method answering(Json value)
{
    return {[value = std::move(value)](const Json&, const RunContext&) { return value; }, {}};
}

// Works until it is stopped.
Method endless(bool resumable = false)
{
    return {[](const Json&, const RunContext& context) -> Json {
                for (std::int64_t done = 0;; ++done) {
                    Progress progress;
                    progress.stage = "work";
                    progress.done = done;
                    progress.total = 1'000'000'000;
                    context.step(progress);
                    std::this_thread::sleep_for(1ms);
                }
            },
            [resumable](const Json&) { return resumable; }};
}

}

TEST(Server, AnswersRequestsInTheirOrder)
{
    ServedPipe pipe;
    pipe.server().add("echo", {[](const Json& params, const RunContext&) { return params; }, {}});
    pipe.start();
    pipe.request(1, "echo", {{"a", 1}});
    pipe.request(2, "echo", {{"a", 2}});
    EXPECT_EQ(pipe.receive(), resultMessage(1, {{"a", 1}}));
    EXPECT_EQ(pipe.receive(), resultMessage(2, {{"a", 2}}));
}

TEST(Server, CancelsTheRunningJobAtOnce)
{
    ServedPipe pipe;
    pipe.server().add("endless", endless(true));
    pipe.start();
    pipe.request(1, "endless");
    std::this_thread::sleep_for(50ms);
    const double asked = steadySeconds();
    pipe.notify("$/cancelRequest", {{"id", 1}});
    const Json error = pipe.receiveError();
    EXPECT_LT(steadySeconds() - asked, 0.3); // 0.1 is promised; the rest is for a busy machine
    EXPECT_EQ(error["code"], rpc::cancelled);
    EXPECT_EQ(error["data"]["resumable"], true);
}

TEST(Server, CancelsAWaitingJobWithoutTouchingTheRunningOne)
{
    ServedPipe pipe;
    pipe.server().add("endless", endless());
    pipe.server().add("quick", answering(1));
    pipe.start();
    pipe.request(1, "endless");
    pipe.request(2, "quick");
    pipe.request(3, "quick");
    pipe.notify("$/cancelRequest", {{"id", 2}});
    EXPECT_EQ(pipe.receive()->at("id"), 2);
    pipe.notify("$/cancelRequest", {{"id", 1}});
    EXPECT_EQ(pipe.receive()->at("id"), 1);
    EXPECT_EQ(pipe.receive(), resultMessage(3, 1));
}

TEST(Server, ThrottlesProgressButKeepsDetailsAndTheLastEvent)
{
    ServedPipe pipe;
    pipe.server().add("work", {[](const Json&, const RunContext& context) -> Json {
                                   for (int done = 0; done <= 1000; ++done) {
                                       Progress progress;
                                       progress.stage = "work";
                                       progress.done = done;
                                       progress.total = 1000;
                                       if (done % 100 == 50)
                                           progress.detail = "{\"at\":" + std::to_string(done) + "}";
                                       context.step(progress);
                                   }
                                   return nullptr;
                               },
                               {}});
    pipe.start();
    pipe.request(1, "work");
    ASSERT_TRUE(pipe.receive());
    const auto& progress = pipe.progress();
    EXPECT_EQ(std::ranges::count_if(progress, [](const Json& p) { return p.contains("detail"); }), 10);
    EXPECT_EQ(progress.back()["done"], 1000);
    EXPECT_LT(progress.size(), 100U);
    EXPECT_EQ(progress.front()["id"], 1);
}

TEST(Server, TurnsFaultsIntoErrorsWithKindAndExitCode)
{
    ServedPipe pipe;
    pipe.server().add("fail",
                      {[](const Json&, const RunContext&) -> Json { throw ShapeError("q.weight is [2, 3]."); }, {}});
    pipe.server().add("nan", answering(std::numeric_limits<double>::quiet_NaN()));
    pipe.server().add("fine", answering(1));
    pipe.start();
    pipe.request(1, "fail");
    EXPECT_EQ(pipe.receiveError(), Json({{"code", rpc::fault},
                                         {"message", "q.weight is [2, 3]."},
                                         {"data", {{"kind", "shape"}, {"exit_code", 3}}}}));
    pipe.request(2, "nan");
    EXPECT_EQ(pipe.receiveError()["code"], rpc::fault);
    pipe.request(3, "fine");
    EXPECT_EQ(pipe.receive(), resultMessage(3, 1));
}

TEST(Server, RefusesUnknownMethodsSecondUsesOfAnIdAndTooManyRequests)
{
    ServedPipe pipe;
    pipe.server().add("endless", endless());
    pipe.start();
    pipe.request(1, "paint");
    EXPECT_EQ(pipe.receiveError()["code"], rpc::methodNotFound);
    pipe.request(2, "endless");
    pipe.request(2, "endless");
    EXPECT_EQ(pipe.receiveError()["code"], rpc::invalidRequest);
    std::this_thread::sleep_for(20ms); // the first request runs now and waits no longer
    for (int id = 3; id <= 6; ++id)
        pipe.request(id, "endless");
    EXPECT_EQ(pipe.receive()->at("id"), 6);
}

TEST(Server, SurvivesABodyThatIsNoJson)
{
    ServedPipe pipe;
    pipe.server().add("fine", answering(1));
    pipe.start();
    pipe.sendBytes(encodeFrame("{\"jsonrpc\": nonsense"));
    EXPECT_EQ(pipe.receiveError()["code"], rpc::parseError);
    pipe.request(1, "fine");
    EXPECT_EQ(pipe.receive(), resultMessage(1, 1));
}

TEST(Server, EndsOnAStreamThatIsNoSequenceOfMessages)
{
    ServedPipe pipe;
    pipe.start();
    pipe.sendBytes("hello engine\r\n\r\n");
    EXPECT_EQ(pipe.receiveError()["code"], rpc::parseError);
    EXPECT_EQ(pipe.end(), ServerEnd::Garbage);
    EXPECT_NE(pipe.server().problem().find("Content-Length"), std::string::npos);
}

TEST(Server, EndsWhenTheInputStopsInTheMiddleOfAMessage)
{
    ServedPipe pipe;
    pipe.start();
    pipe.sendBytes("Content-Length: 100\r\n\r\n{\"jsonrpc\"");
    pipe.closeInput();
    EXPECT_EQ(pipe.end(), ServerEnd::Garbage);
}

TEST(Server, StopsTheWorkAndEndsWhenTheClientIsGone)
{
    ServedPipe pipe;
    pipe.server().add("endless", endless());
    pipe.start();
    pipe.request(1, "endless");
    std::this_thread::sleep_for(20ms);
    pipe.closeInput();
    EXPECT_EQ(pipe.end(), ServerEnd::InputClosed);
}

TEST(Server, KeepsSilenceUntilItIsAskedAndEndsAfterShutdown)
{
    ServedPipe pipe;
    pipe.start();
    EXPECT_EQ(pipe.receive(), std::nullopt);
    pipe.request(1, "shutdown");
    EXPECT_EQ(pipe.receive(), resultMessage(1, nullptr));
    EXPECT_EQ(pipe.end(), ServerEnd::Shutdown);
}

TEST(Server, EndsAtOnceOnExitEvenWhileAJobRuns)
{
    ServedPipe pipe;
    pipe.server().add("endless", endless());
    pipe.start();
    pipe.request(1, "endless");
    pipe.notify("exit");
    EXPECT_EQ(pipe.end(), ServerEnd::Exit);
    EXPECT_TRUE(pipe.exitSeen());
}
