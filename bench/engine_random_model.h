// Writes a model of random weights with the shape of TinyLlama, for benchmarks that must not need a download.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace blockcert::bench {

// config.json and one model.safetensors in bf16: d 2048, 32 heads of 64 with 4 key heads, ff 5632, vocabulary 32000.
// An existing one of the same number of layers is kept.
void writeTinyLlamaShape(const std::filesystem::path& folder, std::int32_t layers);

// `count` prompts of `tokens` literal ids below `vocabulary`, as a .jsonl text.
[[nodiscard]] std::string literalPrompts(std::int64_t count, std::int64_t tokens, std::int32_t vocabulary);

}
