#include "engine/protocol/json_rpc.h"

#include "engine/base/error.h"

#include <utility>

namespace blockcert::protocol {

namespace {

// Prompts typed by the user travel as one string, so a string may be as long as a message.
JsonLimits messageLimits()
{
    JsonLimits limits;
    limits.stringBytes = limits.bytes;
    return limits;
}

Json parseBody(std::string_view body)
{
    try {
        return parseStrictJson(body, "message", messageLimits());
    } catch (const Error& error) {
        throw ProtocolError(rpc::parseError, nullptr, error.what());
    }
}

bool isId(const Json& value)
{
    return value.is_number_integer() || value.is_string();
}

}

IncomingMessage parseIncoming(std::string_view body)
{
    Json message = parseBody(body);
    if (!message.is_object())
        throw ProtocolError(rpc::invalidRequest, nullptr,
                            "A message must be one JSON object; batches are not answered.");
    const auto id = message.find("id");
    const bool hasId = id != message.end();
    const Json idOrNull = hasId && isId(*id) ? *id : Json();
    const auto refuse = [&](const std::string& why) { throw ProtocolError(rpc::invalidRequest, idOrNull, why); };
    if (hasId && !isId(*id))
        refuse("The id of a request must be an integer or a text.");
    const auto version = message.find("jsonrpc");
    if (version == message.end() || *version != "2.0")
        refuse("A message must carry \"jsonrpc\": \"2.0\".");
    const auto method = message.find("method");
    if (method == message.end() || !method->is_string())
        refuse("A message must name its method.");

    IncomingMessage incoming;
    incoming.method = method->get<std::string>();
    if (hasId)
        incoming.id = idOrNull;
    if (const auto params = message.find("params"); params != message.end()) {
        if (!params->is_object())
            throw ProtocolError(rpc::invalidParams, idOrNull,
                                "The parameters of " + incoming.method + " must be a JSON object.");
        incoming.params = std::move(*params);
    }
    return incoming;
}

Json resultMessage(const Json& id, Json result)
{
    return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

Json errorMessage(const Json& id, int code, const std::string& sentence, Json data)
{
    Json error = {{"code", code}, {"message", sentence}};
    if (!data.is_null())
        error["data"] = std::move(data);
    return {{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(error)}};
}

Json notificationMessage(std::string_view method, Json params)
{
    return {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}};
}

}
