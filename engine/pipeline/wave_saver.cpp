#include "engine/pipeline/wave_saver.h"

#include "engine/pipeline/wave_resume.h"

#include <algorithm>

namespace blockcert::pipeline {

using Clock = std::chrono::steady_clock;

WaveSaver::WaveSaver(const certificate::RunWriter& writer, std::chrono::milliseconds interval,
                     const RunContext& context)
    : m_path(writer.workFolder() / "wave.state")
    , m_origin(writer.origin())
    , m_interval(interval)
    , m_context(context)
{
}

std::optional<WaveState> WaveSaver::load(const TransformerConfig& config, DType dtype, const PromptSet& prompts,
                                         const std::vector<std::int64_t>& needed) const
{
    std::optional<WaveState> saved = loadWave(m_path, config.dModel, dtype, m_context);
    if (!saved || !isOfThisRun(*saved, m_origin, prompts, needed))
        return std::nullopt;
    return saved;
}

void WaveSaver::begin()
{
    m_saved = Clock::now();
}

void WaveSaver::saveNowAndThen(const std::function<WaveState()>& state)
{
    const auto before = Clock::now();
    if (before - m_saved < std::min(m_interval, 50 * m_saveTime))
        return;
    WaveState now = state();
    now.origin = m_origin;
    saveWave(m_path, now, m_context);
    m_saved = Clock::now();
    m_saveTime = m_saved - before;
}

}
