#include "engine/base/error.h"
#include "engine/protocol/frame_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

using blockcert::FormatError;
using blockcert::ResourceError;
using blockcert::protocol::encodeFrame;
using blockcert::protocol::FrameDecoder;
using blockcert::protocol::FrameLimits;

namespace {

std::vector<std::string> decodeInPieces(const std::string& stream, std::size_t pieceSize)
{
    FrameDecoder decoder;
    std::vector<std::string> bodies;
    for (std::size_t at = 0; at < stream.size(); at += pieceSize) {
        decoder.feed(std::string_view(stream).substr(at, pieceSize));
        while (auto body = decoder.next())
            bodies.push_back(std::move(*body));
    }
    EXPECT_TRUE(decoder.isIdle());
    return bodies;
}

std::optional<std::string> decodeOne(const std::string& stream)
{
    FrameDecoder decoder;
    decoder.feed(stream);
    return decoder.next();
}

}

TEST(FrameCodec, GivesBackWhatWasEncodedInPiecesOfAnySize)
{
    const std::vector<std::string> bodies = {"{}", "", "a body with\r\n\r\nan empty line inside",
                                             std::string(100000, 'x')};
    std::string stream;
    for (const std::string& body : bodies)
        stream += encodeFrame(body);
    for (const std::size_t pieceSize : {1U, 2U, 3U, 7U, 64U, 4096U, 1000000U})
        EXPECT_EQ(decodeInPieces(stream, pieceSize), bodies) << "pieces of " << pieceSize;
}

TEST(FrameCodec, ReadsOverOtherHeaderLinesAndAnyCase)
{
    EXPECT_EQ(decodeOne("Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-LENGTH:  2 \r\n\r\n[]"),
              "[]");
}

TEST(FrameCodec, WaitsWhileBytesAreMissing)
{
    FrameDecoder decoder;
    decoder.feed("Content-Length: 5\r\n\r\nabc");
    EXPECT_EQ(decoder.next(), std::nullopt);
    EXPECT_FALSE(decoder.isIdle());
    decoder.feed("de");
    EXPECT_EQ(decoder.next(), "abcde");
    EXPECT_TRUE(decoder.isIdle());
}

TEST(FrameCodec, RefusesWhatIsNoHeader)
{
    for (const char* garbage :
         {"garbage\r\n\r\n", "\r\n\r\n", "Content-Length: -1\r\n\r\n", "Content-Length: 0x10\r\n\r\n",
          "Content-Length: 1 2\r\n\r\n", "Content-Length:\r\n\r\n", "Content-Length: 99999999999999999999999\r\n\r\n",
          "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "Content-Type: x\r\n\r\n{}",
          "Content-Length: 2\n\n\r\n\r\n{}"})
        EXPECT_THROW((void)decodeOne(garbage), FormatError) << garbage;
}

TEST(FrameCodec, RefusesAHeaderWithoutEndBeforeItFillsTheMemory)
{
    FrameDecoder decoder;
    decoder.feed(std::string(5000, 'x'));
    EXPECT_THROW((void)decoder.next(), ResourceError);
}

TEST(FrameCodec, RefusesAHugeBodyByItsHeaderAlone)
{
    EXPECT_THROW((void)decodeOne("Content-Length: 67108865\r\n\r\n"), ResourceError);
    EXPECT_EQ(decodeOne("Content-Length: 67108864\r\n\r\n"), std::nullopt);
    EXPECT_THROW((void)encodeFrame("four", FrameLimits{.bodyBytes = 3}), ResourceError);
}

TEST(FrameCodec, NeverDoesAnythingButDecodeOrThrowOnRandomBytes)
{
    std::mt19937_64 random(7);
    const std::string alphabet = "Content-Length: 0123456789\r\n{}[]\"";
    for (int round = 0; round < 2000; ++round) {
        FrameDecoder decoder(FrameLimits{.headerBytes = 64, .bodyBytes = 64});
        try {
            for (int piece = 0; piece < 20; ++piece) {
                std::string bytes;
                for (std::uint64_t i = random() % 12; i > 0; --i)
                    bytes += alphabet[random() % alphabet.size()];
                decoder.feed(random() % 4 == 0 ? encodeFrame(bytes) : bytes);
                while (const auto body = decoder.next())
                    EXPECT_LE(body->size(), 64U);
            }
        } catch (const FormatError&) {
        } catch (const ResourceError&) {
        }
    }
}
