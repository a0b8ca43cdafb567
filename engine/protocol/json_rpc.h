// JSON-RPC 2.0 messages: what `blockcert-engine serve` reads and writes inside the frames.
#pragma once

#include "engine/base/strict_json.h"

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace blockcert::protocol {

namespace rpc {
constexpr int parseError = -32700;
constexpr int invalidRequest = -32600;
constexpr int methodNotFound = -32601;
constexpr int invalidParams = -32602;
constexpr int fault = -32000;
constexpr int cancelled = -32800;
}

// A request (with id) or a notification (without). Ids are integers or texts.
struct IncomingMessage {
    std::optional<Json> id;
    std::string method;
    Json params = Json::object();
};

// A fault of the protocol itself; id is null where the message did not say one.
class ProtocolError : public std::runtime_error {
public:
    ProtocolError(int code, Json id, const std::string& sentence)
        : std::runtime_error(sentence)
        , m_code(code)
        , m_id(std::move(id))
    {
    }

    [[nodiscard]] int code() const { return m_code; }

    [[nodiscard]] const Json& id() const { return m_id; }

private:
    int m_code;
    Json m_id;
};

// Throws ProtocolError. `params` must be an object where it is given.
[[nodiscard]] IncomingMessage parseIncoming(std::string_view body);

[[nodiscard]] Json resultMessage(const Json& id, Json result);
[[nodiscard]] Json errorMessage(const Json& id, int code, const std::string& sentence, Json data = nullptr);
[[nodiscard]] Json notificationMessage(std::string_view method, Json params);

}
