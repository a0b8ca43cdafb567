// The steps that turn token texts back into a text.
#pragma once

#include "engine/tokenizer/normaliser.h"
#include "engine/tokenizer/pre_tokenizer.h"

#include <string>
#include <variant>
#include <vector>

namespace blockcert::tokenizer {

struct ByteLevelDecoder {};

struct ByteFallbackDecoder {}; // <0xHH> tokens to bytes

struct FuseDecoder {};

struct StripDecoder { // of every part, at most so many of one code point
    std::string content;
    std::size_t start = 0;
    std::size_t stop = 0;
};

struct MetaspaceDecoder {
    std::string replacement;
    bool dropFirst = true; // the one in front of the first token
};

using DecoderStep =
    std::variant<ByteLevelDecoder, ByteFallbackDecoder, FuseDecoder, StripDecoder, ReplaceStep, MetaspaceDecoder>;

// The steps in turn, then everything joined; without steps joined by spaces, as the reference does.
[[nodiscard]] std::string applyDecoder(const std::vector<DecoderStep>& steps, std::vector<std::string> tokens);

// The byte of a token such as <0x0A>, or -1.
[[nodiscard]] int byteOfToken(std::string_view token);

}
