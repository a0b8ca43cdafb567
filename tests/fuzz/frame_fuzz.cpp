// Protocol frames and the JSON-RPC messages inside them, fed in two pieces.
#include "engine/protocol/frame_codec.h"
#include "engine/protocol/json_rpc.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    using namespace blockcert;
    const std::string_view input = fuzz::text(bytes, size);
    fuzz::mustAnswer([&] {
        protocol::FrameDecoder decoder;
        const std::size_t half = size / 2;
        for (const std::string_view piece : {input.substr(0, half), input.substr(half)}) {
            decoder.feed(piece);
            while (const auto body = decoder.next()) {
                try {
                    (void)protocol::parseIncoming(*body);
                } catch (const protocol::ProtocolError&) {
                }
            }
        }
    });
    return 0;
}
