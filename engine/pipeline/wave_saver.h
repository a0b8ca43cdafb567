// Keeps the wave's state of a run on disk: often enough to lose little, seldom enough to cost little.
#pragma once

#include "engine/certificate/run_writer.h"
#include "engine/pipeline/wave_file.h"
#include "engine/values/run_manifest.h"
#include "engine/values/transformer_config.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::pipeline {

class WaveSaver {
public:
    // Saves at least every `interval`, and more often where that costs less than a fiftieth of the time.
    WaveSaver(const certificate::RunWriter& writer, std::chrono::milliseconds interval, const RunContext& context);

    // A saved state of this run that reads well and is about all prompts that are `needed` (ascending).
    [[nodiscard]] std::optional<WaveState> load(const TransformerConfig& config, DType dtype, const PromptSet& prompts,
                                                const std::vector<std::int64_t>& needed) const;

    // The pass begins now.
    void begin();
    // Asks for the state and saves it if it is time to.
    void saveNowAndThen(const std::function<WaveState()>& state);

private:
    std::filesystem::path m_path;
    std::string m_origin;
    std::chrono::steady_clock::duration m_interval;
    const RunContext& m_context;
    std::chrono::steady_clock::time_point m_saved;
    std::chrono::steady_clock::duration m_saveTime{0};
};

}
