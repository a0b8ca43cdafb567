// The engine behind the pipe, as the window uses it.

#include "engine/protocol/frame_codec.h"
#include "engine/protocol/json_rpc.h"
#include "tests/cli/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace blockcert;
using namespace blockcert::protocol;
using namespace blockcert::tests;

namespace {

double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Engine {
public:
    Engine()
    {
        (void)std::signal(SIGPIPE, SIG_IGN);
        std::array<int, 2> in{};
        std::array<int, 2> out{};
        if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
            throw std::runtime_error("pipe");
        const std::string program = std::string(std::getenv("BLOCKCERT_BIN")) + "/blockcert-engine";
        m_child = ::fork();
        if (m_child == 0) {
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::execl(program.c_str(), program.c_str(), "serve", nullptr);
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        m_input = in[1];
        m_output = out[0];
    }

    ~Engine()
    {
        if (m_input >= 0)
            ::close(m_input);
        ::close(m_output);
        if (m_child > 0) {
            ::kill(m_child, SIGKILL);
            ::waitpid(m_child, nullptr, 0);
        }
    }

    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    void send(const std::string& bytes) const
    {
        ASSERT_EQ(::write(m_input, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }

    int request(const std::string& method, const Json& params = Json::object())
    {
        const int id = ++m_lastId;
        send(encodeFrame(Json({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}).dump()));
        return id;
    }

    void notify(const std::string& method, const Json& params) const
    {
        send(encodeFrame(notificationMessage(method, params).dump()));
    }

    // The next message, progress included; null when none comes in time.
    Json next(int seconds = 120)
    {
        for (;;) {
            if (const auto body = m_decoder.next())
                return Json::parse(*body);
            pollfd file{m_output, POLLIN, 0};
            if (::poll(&file, 1, seconds * 1000) <= 0)
                return nullptr;
            std::array<char, 65536> buffer{};
            const ssize_t count = ::read(m_output, buffer.data(), buffer.size());
            if (count <= 0)
                return nullptr;
            m_decoder.feed({buffer.data(), static_cast<std::size_t>(count)});
        }
    }

    // The answer to a request; progress that comes before it is kept.
    Json answer(int id)
    {
        for (;;) {
            Json message = next();
            if (message.is_null() || message.value("id", Json()) == id)
                return message;
            if (message.value("method", "") == "$/progress")
                progress.push_back(message.at("params"));
        }
    }

    // 1000 + signal, or the exit code.
    int end()
    {
        if (m_input >= 0)
            ::close(m_input);
        m_input = -1;
        int status = 0;
        ::waitpid(m_child, &status, 0);
        m_child = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }

    std::vector<Json> progress;

private:
    pid_t m_child = -1;
    int m_input = -1;
    int m_output = -1;
    int m_lastId = 0;
    FrameDecoder m_decoder;
};

Json certifyRequest(const std::string& out)
{
    return {{"model", "demo"}, {"blocks", "1,2"}, {"prompts", "base"}, {"out", out}, {"loss", "none"}};
}

}

TEST(Serve, IntroducesItselfAndShutsDown)
{
    Engine engine;
    const Json result = engine.answer(engine.request("initialize", {{"protocol", 1}, {"client", "test"}})).at("result");
    EXPECT_EQ(result.at("protocol"), 1);
    for (const char* key : {"device", "processor", "isa", "libtorch", "blas", "threads", "tiling", "batch_invariant"})
        EXPECT_TRUE(result.at("engine").contains(key)) << key;
    EXPECT_GT(result.at("memory").at("resident_bytes"), 0);
    EXPECT_EQ(engine.answer(engine.request("shutdown")).at("result"), nullptr);
    EXPECT_EQ(engine.end(), 0);
}

TEST(Serve, RefusesAnotherVersionOfTheProtocol)
{
    Engine engine;
    const Json error = engine.answer(engine.request("initialize", {{"protocol", 2}, {"client", "test"}})).at("error");
    EXPECT_EQ(error.at("data").at("exit_code"), 4);
}

TEST(Serve, GivesWhatTheCommandLineGives)
{
    Engine engine;
    EXPECT_EQ(engine.answer(engine.request("open", {{"model", "demo"}})).at("result"),
              runBlockcert({"open", "demo", "--json"}).json());
    EXPECT_EQ(engine.answer(engine.request("tokenize", {{"model", "demo"}, {"prompts", "base"}})).at("result"),
              runBlockcert({"tokenize", "demo", "--prompts", "base", "--json"}).json());
    const Json typed = engine.answer(engine.request(
        "tokenize",
        {{"model", "demo"}, {"content", "The capital of France is\n"}, {"format", "txt"}, {"name", "mine"}}));
    EXPECT_EQ(typed.at("result").at("prompts")[0].at("token_ids"), Json({504, 3575, 282, 4649, 314}));
}

TEST(Serve, NamesTheParameterThatIsWrong)
{
    Engine engine;
    const Json missing = engine.answer(engine.request("certify", {{"model", "demo"}})).at("error");
    EXPECT_EQ(missing.at("code"), rpc::fault);
    EXPECT_EQ(missing.at("data").at("kind"), "usage");
    Json request = certifyRequest("/nowhere");
    request["colour"] = "red";
    EXPECT_THAT(engine.answer(engine.request("certify", request)).at("error").at("message").get<std::string>(),
                testing::HasSubstr("colour"));
    EXPECT_EQ(engine.answer(engine.request("open", {{"model", "/no/such"}})).at("error").at("data").at("exit_code"), 3);
}

// Prompts that were typed have no file: the experiment keeps one, so that its commands can be repeated.
TEST(Serve, KeepsThePromptsThatWereTypedForAnExperiment)
{
    const TemporaryFolder folder;
    Engine engine;
    const std::string model = std::string(std::getenv("BLOCKCERT_TEST_DATA")) + "/models/llama-gqa";
    const std::string typed = "abcabc de\n";
    const Json result = engine
                            .answer(engine.request("experiment", {{"kind", "blocks"},
                                                                  {"model", model},
                                                                  {"content", typed},
                                                                  {"format", "txt"},
                                                                  {"name", "typed"},
                                                                  {"out", (folder / "made").string()}}))
                            .at("result");
    EXPECT_EQ(result.at("experiment"), "blocks");
    EXPECT_EQ(readFile(folder / "made/prompts.txt"), typed);
    EXPECT_THAT(readFile(folder / "made/SHA256SUMS"), testing::HasSubstr("  prompts.txt\n"));
    const Outcome repeated = runShell("cd '" + (folder / "made").string() + "' && sh -e commands.txt");
    EXPECT_EQ(repeated.status, 0) << repeated.err;
}

TEST(Serve, CertifiesWithCellsAndBlocksAsTheyFinish)
{
    const TemporaryFolder folder;
    Engine engine;
    const Json estimate =
        engine.answer(engine.request("estimate", certifyRequest((folder / "run").string()))).at("result");
    EXPECT_EQ(estimate.at("cells"), 8);
    const Json result =
        engine.answer(engine.request("certify", certifyRequest((folder / "run").string()))).at("result");
    EXPECT_EQ(result.at("complete"), true);
    EXPECT_EQ(result.at("blocks").size(), 2U);
    std::vector<std::string> stages;
    int cells = 0;
    int blocks = 0;
    for (const Json& progress : engine.progress) {
        const std::string stage = progress.at("stage");
        if (stages.empty() || stages.back() != stage)
            stages.push_back(stage);
        if (!progress.contains("detail"))
            continue;
        if (progress.at("detail").contains("cell")) {
            ++cells;
            EXPECT_FALSE(progress.at("detail").at("cell").at("error").empty());
        }
        if (progress.at("detail").contains("block_result")) {
            EXPECT_EQ(progress.at("detail").at("block_result").at("epsilon"),
                      result.at("blocks")[static_cast<std::size_t>(blocks)].at("epsilon"));
            ++blocks;
        }
    }
    EXPECT_EQ(cells, 8);
    EXPECT_EQ(blocks, 2);
    EXPECT_EQ(stages.front(), "open");
    EXPECT_THAT(stages, testing::IsSupersetOf({"hash", "load", "replay", "write"}));

    // And then stitches what it certified, with the model it still holds.
    const Json stitched = engine.answer(engine.request("stitch", {{"run", (folder / "run").string()}})).at("result");
    EXPECT_EQ(stitched.at("blocks"), Json({1, 2}));
    EXPECT_EQ(stitched.at("already"), false);
    EXPECT_EQ(stitched.at("command"), "blockcert stitch " + (folder / "run").string());
}

TEST(Serve, HonoursCancelWithinATenthOfASecondAndKeepsTheRunResumable)
{
    const TemporaryFolder folder;
    const std::string run = (folder / "run").string();
    Engine engine;
    Json request = certifyRequest(run);
    request["blocks"] = "all";
    request["loss"] = "exact";
    const int id = engine.request("certify", request);
    const int waiting = engine.request("open", {{"model", "demo"}});
    Json message;
    do
        message = engine.next();
    while (!message.is_null() &&
           !(message.value("method", "") == "$/progress" && message["params"].contains("detail")));
    ASSERT_FALSE(message.is_null());
    const double asked = now();
    engine.notify("$/cancelRequest", {{"id", id}});
    const Json error = engine.answer(id).at("error");
    const double answered = now() - asked;
    EXPECT_EQ(error.at("code"), rpc::cancelled);
    EXPECT_EQ(error.at("data").at("resumable"), true);
    EXPECT_LT(answered, 1.0); // 0.1 is promised; the rest is for a busy machine
    RecordProperty("cancel_milliseconds", static_cast<int>(answered * 1000));
    EXPECT_TRUE(engine.answer(waiting).contains("result")) << "the next request waits its turn";
    EXPECT_EQ(runBlockcert({"show", run, "--json"}).json().at("resumable"), true);
}

// The window's lab: an effect that is measured, an edit that is certified from a written patch, and its export.
TEST(Serve, MeasuresEditsAndMakesACertificateOfThem)
{
    const TemporaryFolder folder;
    Engine engine;
    const char* prompts = R"({"id": "cake", "text": "To bake a cake, first", "label": "answer"})";
    const Json common = {{"model", "demo"}, {"content", prompts}, {"format", "jsonl"}, {"max_new", 6}};
    const auto ask = [&](const Json& edits, const Json& parts) {
        Json request = common;
        request["edits"] = edits;
        request["parts"] = parts;
        request["heldout_content"] = "{\"id\": \"sea\", \"text\": \"The sea is deep.\"}";
        return engine.answer(engine.request("edit_effect", request));
    };
    const Json markers = engine.answer(engine.request("read_markers", Json::object())).at("result");
    EXPECT_EQ(markers.at("name"), "refusal");
    EXPECT_EQ(markers.at("refusal")[0], "i'm sorry");
    EXPECT_FALSE(markers.at("harmful").empty());
    EXPECT_TRUE(engine.answer(engine.request("read_markers", {{"markers", "/no/such.json"}})).contains("error"));
    const Json half = Json::parse(R"([{"block": 15, "scale_mlp": 0.5}])");
    const Json effect = ask(half, {"local", "downstream", "completions", "receipt"}).at("result");
    EXPECT_EQ(effect.at("edits"), Json({"block 15: MLP output scaled by 0.5"}));
    EXPECT_EQ(effect.at("local").at("method"), "native");
    EXPECT_EQ(effect.at("local").at("worst").at("block"), 15);
    EXPECT_EQ(effect.at("downstream").at("layers").size(), 30U);
    EXPECT_EQ(effect.at("downstream").at("layers")[14].at("largest"), 0.0);
    EXPECT_EQ(effect.at("downstream").at("heldout").at("prompts")[0].at("id"), "sea");
    EXPECT_EQ(effect.at("completions").at("rows")[0].at("before").at("end"), "length");
    EXPECT_EQ(effect.at("completions").at("counts").at("before").at("truncated"), 1);
    EXPECT_EQ(effect.at("completions").at("markers"), markers);
    EXPECT_EQ(effect.at("completions").at("accuracy").at("before").at("answer").at("total"), 1);
    EXPECT_TRUE(effect.at("completions").at("accuracy").at("before").at("refuse").is_null());
    EXPECT_EQ(effect.at("receipt").at("touched")[0].at("tensor"), "blk.15.ffn_down.weight");
    std::vector<std::string> stages;
    int completions = 0;
    for (const Json& progress : engine.progress) {
        stages.push_back(progress.at("stage"));
        if (progress.contains("detail") && progress.at("detail").contains("completion"))
            ++completions;
    }
    EXPECT_THAT(stages, testing::IsSupersetOf({"open", "hash", "load", "prepare", "effect", "predict", "generate"}));
    EXPECT_EQ(completions, 2);

    const double asked = now();
    const Json again = ask(Json::parse(R"([{"block": 15, "scale_mlp": 0.25}])"), {"local"}).at("result");
    RecordProperty("local_milliseconds", static_cast<int>((now() - asked) * 1000));
    EXPECT_LT(now() - asked, 1.0); // 0.1 is promised; the rest is for a busy machine
    EXPECT_NEAR(again.at("local").at("epsilon").get<double>(), 1.5 * effect.at("local").at("epsilon").get<double>(),
                1e-3);

    EXPECT_THAT(ask(half, {"everything"}).at("error").at("message").get<std::string>(), testing::HasSubstr("parts"));
    EXPECT_THAT(ask(Json::parse(R"([{"block": 15, "scale_mlp": 0.5, "patch": "x"}])"), {"local"})
                    .at("error")
                    .at("message")
                    .get<std::string>(),
                testing::HasSubstr("edit 1: the parameter patch"));

    const std::string patch = (folder / "patch.json").string();
    const Json written =
        engine.answer(engine.request("write_patch", {{"model", "demo"}, {"edits", half}, {"out", patch}})).at("result");
    EXPECT_EQ(written.at("edits"), effect.at("edits"));
    Json certifying = common;
    certifying["patch"] = patch;
    certifying["out"] = (folder / "run").string();
    certifying["heldout"] = "base";
    certifying["loss"] = "none";
    const Json certificate = engine.answer(engine.request("edit", certifying)).at("result");
    EXPECT_EQ(certificate.at("final_deviation"), effect.at("downstream").at("final_deviation"));
    EXPECT_EQ(certificate.at("evaluation").at("rows")[0].at("after").at("text"),
              effect.at("completions").at("rows")[0].at("after").at("text"));
    const Json exported = engine
                              .answer(engine.request("export_model", {{"run", (folder / "run").string()},
                                                                      {"out", (folder / "model").string()}}))
                              .at("result");
    EXPECT_EQ(exported.at("edited_tensors").size(), 1U);
    EXPECT_TRUE(std::filesystem::exists((folder / "model") / "model.safetensors"));
}

TEST(Serve, StopsAnEffectWithinATenthOfASecond)
{
    Engine engine;
    const Json request = {{"model", "demo"},
                          {"edits", Json::parse(R"([{"block": 3, "zero": "mlp"}])")},
                          {"parts", {"downstream", "completions"}}};
    const int id = engine.request("edit_effect", request);
    Json message;
    do
        message = engine.next();
    while (!message.is_null() &&
           !(message.value("method", "") == "$/progress" && message["params"].at("stage") == "prepare"));
    ASSERT_FALSE(message.is_null());
    const double asked = now();
    engine.notify("$/cancelRequest", {{"id", id}});
    EXPECT_EQ(engine.answer(id).at("error").at("code"), rpc::cancelled);
    EXPECT_LT(now() - asked, 1.0); // 0.1 is promised; the rest is for a busy machine
    RecordProperty("cancel_milliseconds", static_cast<int>((now() - asked) * 1000));
}

TEST(Serve, EndsWithItsClient)
{
    const TemporaryFolder folder;
    Engine engine;
    Json request = certifyRequest((folder / "run").string());
    request["blocks"] = "all";
    (void)engine.request("certify", request);
    (void)engine.next();
    EXPECT_EQ(engine.end(), 0);
}

TEST(Serve, EndsOnGarbage)
{
    Engine engine;
    engine.send("GET / HTTP/1.1\r\nHost: engine\r\n\r\n");
    EXPECT_EQ(engine.next().at("error").at("code"), rpc::parseError);
    EXPECT_EQ(engine.end(), 3);
}
