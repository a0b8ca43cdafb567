#include "engine/protocol/progress_meter.h"

#include <algorithm>

namespace blockcert::protocol {

namespace {

// A rate measured over less than this says more about the clock than about the work.
constexpr double shortestMeasure = 0.05;

}

ProgressMeter::ProgressMeter(double now, double perSecond)
    : m_begin(now)
    , m_interval(perSecond > 0 ? 1 / perSecond : 0)
    , m_lastShown(now - m_interval)
{
}

std::optional<MeteredProgress> ProgressMeter::take(const Progress& event, double now)
{
    MeteredProgress metered;
    const auto known = m_stages.find(event.stage);
    metered.stageBegins =
        known == m_stages.end() || event.total != known->second.total || event.done < known->second.done;
    // News of a stage that is over, such as losses of cells that were all replayed before, do not end it once more,
    // with their numbers or, where an experiment keeps those to itself, without.
    const bool isOver = !metered.stageBegins && known->second.done >= event.total;
    metered.stageEnds = event.done >= event.total && !isOver;
    if (metered.stageBegins)
        m_stages[event.stage] = {now, event.total, event.done, event.done};
    Stage& stage = m_stages[event.stage];
    stage.done = event.done;
    const bool due = now - m_lastShown >= m_interval;
    if (!due && !metered.stageBegins && !metered.stageEnds && event.detail.empty())
        return std::nullopt;
    if (event.detail.empty() || due)
        m_lastShown = now;

    metered.event = event;
    metered.elapsed = now - m_begin;
    const double spent = now - stage.begin;
    const auto advanced = static_cast<double>(event.done - stage.first);
    if (advanced > 0 && spent >= shortestMeasure) {
        metered.rate = advanced / spent;
        metered.eta = static_cast<double>(std::max<std::int64_t>(event.total - event.done, 0)) / *metered.rate;
    }
    return metered;
}

Json progressToJson(const MeteredProgress& progress)
{
    const Progress& event = progress.event;
    Json json = {{"stage", event.stage},
                 {"done", event.done},
                 {"total", event.total},
                 {"unit", event.unit},
                 {"elapsed_s", progress.elapsed}};
    if (event.block)
        json["block"] = *event.block;
    if (event.prompt)
        json["prompt"] = *event.prompt;
    if (progress.rate)
        json["rate"] = *progress.rate;
    if (progress.eta)
        json["eta_s"] = *progress.eta;
    if (!event.detail.empty())
        json["detail"] = parseStrictJson(event.detail, "progress detail");
    return json;
}

}
