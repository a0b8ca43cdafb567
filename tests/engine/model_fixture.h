// The tiny models of tests/data/models with what transformers computes for them, and models made up in memory.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/artifact/safetensors.h"
#include "engine/base/run_context.h"
#include "engine/model/batch.h"
#include "engine/model/device.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/transformer.h"

#include <ATen/core/Tensor.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace blockcert::test {

inline std::filesystem::path testData()
{
    const char* path = std::getenv("BLOCKCERT_TEST_DATA"); // NOLINT(concurrency-mt-unsafe)
    return path == nullptr ? "tests/data" : path;
}

// Empty where the demo model is not set up.
inline std::filesystem::path demoModel()
{
    const char* path = std::getenv("BLOCKCERT_DEMO_MODEL"); // NOLINT(concurrency-mt-unsafe)
    return path != nullptr && std::filesystem::exists(path) ? path : "";
}

// Every folder of tests/data/models.
inline std::vector<std::string> fixtureNames()
{
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(testData() / "models"))
        if (entry.is_directory())
            names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

// What `open` is given: the folder, or the .gguf (its first part) inside.
inline std::filesystem::path fixtureModel(const std::string& name)
{
    const std::filesystem::path folder = testData() / "models" / name;
    std::filesystem::path model = folder;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".gguf" && (model == folder || entry.path() < model))
            model = entry.path();
    return model;
}

inline std::shared_ptr<const artifact::Checkpoint> openModel(const std::filesystem::path& path)
{
    return std::make_shared<const artifact::Checkpoint>(artifact::Checkpoint::open(path));
}

inline model::Transformer loadModel(const std::filesystem::path& path, DType dtype = DType::F32,
                                    model::Residency residency = model::Residency::Whole)
{
    return model::Transformer::load(openModel(path), dtype, model::openDevice("cpu"), residency, RunContext());
}

// expected.safetensors of a fixture.
class Expected {
public:
    explicit Expected(const std::string& name)
        : m_file(artifact::SafetensorsFile::open(testData() / "models" / name / "expected.safetensors"))
    {
    }

    [[nodiscard]] bool has(const std::string& tensor) const { return m_file.find(tensor) != nullptr; }

    [[nodiscard]] at::Tensor tensor(const std::string& name) const
    {
        return model::toTensor(m_file.read(name), at::Device(at::kCPU));
    }

    [[nodiscard]] std::vector<std::vector<TokenId>> prompts() const
    {
        std::vector<std::vector<TokenId>> all;
        for (int p = 0; has("prompt" + std::to_string(p) + ".token_ids"); ++p) {
            const at::Tensor ids = tensor("prompt" + std::to_string(p) + ".token_ids");
            const auto* values = ids.const_data_ptr<std::int64_t>();
            std::vector<TokenId>& prompt = all.emplace_back();
            for (std::int64_t i = 0; i < ids.numel(); ++i)
                prompt.push_back(static_cast<TokenId>(values[i]));
        }
        return all;
    }

private:
    artifact::SafetensorsFile m_file;
};

// Keeps copies of everything a pass shows, by layer.
class RecordingTaps : public model::Taps {
public:
    std::vector<at::Tensor> input, attention, mlp, output;

    void blockInput(LayerIndex, const at::Tensor& tensor) override { input.push_back(tensor.clone()); }

    void attentionOutput(LayerIndex, const at::Tensor& tensor) override { attention.push_back(tensor.clone()); }

    void mlpOutput(LayerIndex, const at::Tensor& tensor) override { mlp.push_back(tensor.clone()); }

    void blockOutput(LayerIndex, const at::Tensor& tensor) override { output.push_back(tensor.clone()); }
};

// The same ids everywhere: prompts of these lengths, ids below `vocabulary`.
inline std::vector<std::vector<TokenId>> somePrompts(std::initializer_list<std::int64_t> lengths,
                                                     std::int32_t vocabulary)
{
    std::vector<std::vector<TokenId>> prompts;
    std::uint32_t state = 12345;
    for (const std::int64_t length : lengths) {
        std::vector<TokenId>& prompt = prompts.emplace_back();
        for (std::int64_t i = 0; i < length; ++i) {
            state = state * 1664525U + 1013904223U;
            prompt.push_back(static_cast<TokenId>((state >> 8U) % static_cast<std::uint32_t>(vocabulary)));
        }
    }
    return prompts;
}

}
