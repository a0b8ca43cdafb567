#include "engine/tokenizer/decoder.h"

#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/unicode.h"

#include <utility>

namespace blockcert::tokenizer {

namespace {

using Tokens = std::vector<std::string>;

std::string joined(const Tokens& tokens, std::string_view separator)
{
    std::string text;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        text += i > 0 ? separator : "";
        text += tokens[i];
    }
    return text;
}

void flushBytes(std::string& bytes, Tokens& result)
{
    if (bytes.empty())
        return;
    if (!firstInvalidUtf8(bytes))
        result.push_back(bytes);
    else // the reference gives up on the whole run: one replacement character for each byte
        result.insert(result.end(), bytes.size(), "\xEF\xBF\xBD");
    bytes.clear();
}

std::string stripped(const StripDecoder& step, std::string_view token)
{
    for (std::size_t i = 0; i < step.start && token.starts_with(step.content); ++i)
        token.remove_prefix(step.content.size());
    for (std::size_t i = 0; i < step.stop && token.ends_with(step.content); ++i)
        token.remove_suffix(step.content.size());
    return std::string(token);
}

struct Decode {
    Tokens tokens;

    Tokens operator()(const ByteLevelDecoder&)
    {
        std::string bytes;
        for (const std::string& token : tokens)
            bytes += fromByteLetters(token);
        return {replaceInvalidUtf8(bytes)};
    }

    Tokens operator()(const ByteFallbackDecoder&)
    {
        Tokens result;
        std::string bytes;
        for (std::string& token : tokens) {
            const int byte = byteOfToken(token);
            if (byte >= 0) {
                bytes += static_cast<char>(static_cast<std::uint8_t>(byte));
                continue;
            }
            flushBytes(bytes, result);
            result.push_back(std::move(token));
        }
        flushBytes(bytes, result);
        return result;
    }

    Tokens operator()(const FuseDecoder&) { return {joined(tokens, "")}; }

    Tokens operator()(const StripDecoder& step)
    {
        for (std::string& token : tokens)
            token = stripped(step, token);
        return std::move(tokens);
    }

    Tokens operator()(const ReplaceStep& step)
    {
        for (std::string& token : tokens)
            token = replaceMatches(step, token);
        return std::move(tokens);
    }

    Tokens operator()(const MetaspaceDecoder& step)
    {
        const Pattern pattern = Pattern::literal(step.replacement);
        for (std::size_t i = 0; i < tokens.size(); ++i)
            tokens[i] = replaceMatches({pattern, i == 0 && step.dropFirst ? "" : " "}, tokens[i]);
        return std::move(tokens);
    }
};

}

int byteOfToken(std::string_view token)
{
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>')
        return -1;
    int value = 0;
    for (const char c : token.substr(3, 2)) {
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

std::string applyDecoder(const std::vector<DecoderStep>& steps, std::vector<std::string> tokens)
{
    if (steps.empty())
        return joined(tokens, " ");
    for (const DecoderStep& step : steps)
        tokens = std::visit(Decode{std::move(tokens)}, step);
    return joined(tokens, "");
}

}
