// Writes models of random weights with the shapes of released ones, for benchmarks that must not need a download.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace blockcert::bench {

struct LlamaShape {
    std::int64_t width = 2048;
    std::int64_t heads = 32;
    std::int64_t keyHeads = 4;
    std::int64_t ff = 5632;
    std::int32_t layers = 22;
    bool half = false; // fp16 instead of bf16
};

constexpr std::int32_t shapeVocabulary = 32000;

// Llama-2-7B: 13.5 GB.
[[nodiscard]] constexpr LlamaShape sevenBillion(std::int32_t layers = 32)
{
    return {4096, 32, 32, 11008, layers, true};
}

// config.json and one model.safetensors. An existing one of the same shape is kept.
void writeLlamaShape(const std::filesystem::path& folder, const LlamaShape& shape);

// `count` prompts of `tokens` literal ids below `vocabulary`, as a .jsonl text.
[[nodiscard]] std::string literalPrompts(std::int64_t count, std::int64_t tokens, std::int32_t vocabulary);

}
