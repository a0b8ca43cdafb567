#include "engine/protocol/fault.h"
#include "engine/protocol/json_rpc.h"

#include <gtest/gtest.h>

#include <new>
#include <string>

using namespace blockcert;
using namespace blockcert::protocol;

namespace {

int codeOf(const std::string& body)
{
    try {
        (void)parseIncoming(body);
    } catch (const ProtocolError& error) {
        return error.code();
    }
    return 0;
}

Fault faultOf(const auto& exception)
{
    return describeFault(std::make_exception_ptr(exception));
}

}

TEST(JsonRpc, ReadsRequestsAndNotifications)
{
    const IncomingMessage request =
        parseIncoming(R"({"jsonrpc":"2.0","id":7,"method":"open","params":{"model":"demo"}})");
    EXPECT_EQ(request.id, Json(7));
    EXPECT_EQ(request.method, "open");
    EXPECT_EQ(request.params, Json({{"model", "demo"}}));
    const IncomingMessage notification = parseIncoming(R"({"jsonrpc":"2.0","method":"exit"})");
    EXPECT_FALSE(notification.id);
    EXPECT_EQ(notification.params, Json::object());
}

TEST(JsonRpc, AnswersEachProtocolFaultWithItsOwnCode)
{
    EXPECT_EQ(codeOf("{"), rpc::parseError);
    EXPECT_EQ(codeOf(R"({"jsonrpc":"2.0","id":1,"id":2,"method":"open"})"), rpc::parseError);
    EXPECT_EQ(codeOf("[]"), rpc::invalidRequest);
    EXPECT_EQ(codeOf(R"({"id":1,"method":"open"})"), rpc::invalidRequest);
    EXPECT_EQ(codeOf(R"({"jsonrpc":"2.0","id":1})"), rpc::invalidRequest);
    EXPECT_EQ(codeOf(R"({"jsonrpc":"2.0","id":1.5,"method":"open"})"), rpc::invalidRequest);
    EXPECT_EQ(codeOf(R"({"jsonrpc":"2.0","id":null,"method":"open"})"), rpc::invalidRequest);
    EXPECT_EQ(codeOf(R"({"jsonrpc":"2.0","id":1,"method":"open","params":[1]})"), rpc::invalidParams);
}

TEST(JsonRpc, NamesTheRequestThatWasWrong)
{
    try {
        (void)parseIncoming(R"({"jsonrpc":"2.0","id":"a","method":3})");
        FAIL() << "accepted";
    } catch (const ProtocolError& error) {
        EXPECT_EQ(error.id(), Json("a"));
    }
}

TEST(JsonRpc, KeepsALongStringOfPrompts)
{
    const std::string text(3U << 20U, 'a');
    EXPECT_EQ(parseIncoming(R"({"jsonrpc":"2.0","id":1,"method":"tokenize","params":{"content":")" + text + "\"}}")
                  .params["content"],
              Json(text));
}

TEST(Fault, CarriesSentenceKindAndExitCode)
{
    const Fault file = faultOf(FileError("No such file: a."));
    EXPECT_EQ(file.sentence, "No such file: a.");
    EXPECT_EQ(file.kind, "file");
    EXPECT_EQ(file.exitCode, ExitCode::InputUnreadable);
    EXPECT_EQ(faultOf(UnsupportedError("")).kind, "unsupported");
    EXPECT_EQ(faultOf(std::bad_alloc()).exitCode, ExitCode::ResourceLimit);
    EXPECT_EQ(faultOf(std::runtime_error("x")).kind, "internal");
    EXPECT_THROW((void)faultOf(Cancelled()), Cancelled);
}
