// Turns the progress events of a job into what people and the window are shown: rate, remaining time, not too often.
#pragma once

#include "engine/base/run_context.h"
#include "engine/base/strict_json.h"

#include <map>
#include <optional>
#include <string>

namespace blockcert::protocol {

// A progress event with the times that go with it, in seconds.
struct MeteredProgress {
    Progress event;
    double elapsed = 0;         // since the job began
    std::optional<double> rate; // units a second in this stage; absent until something was done
    std::optional<double> eta;  // of this stage
    bool stageBegins = false;   // also when a stage of the same name starts again, as for the next file of a digest
    bool stageEnds = false;
};

// Told the time by its caller (seconds of a steady clock), so that it can be tested. One per job; not thread-safe.
class ProgressMeter {
public:
    // At most `perSecond` events a second are worth showing; 0: all of them.
    ProgressMeter(double now, double perSecond);

    // Nothing if the event came too soon after the last one that was shown. The first and the last event of a
    // stage and every event with a detail always pass.
    [[nodiscard]] std::optional<MeteredProgress> take(const Progress& event, double now);

private:
    // Stages may take turns, as replay and write do: each goes on where it was.
    struct Stage {
        double begin = 0;
        std::int64_t total = 0;
        std::int64_t first = 0; // `done` of its first event: what a resumed run did not have to do
        std::int64_t done = 0;
    };

    double m_begin;
    double m_interval;
    double m_lastShown;
    std::map<std::string, Stage> m_stages;
};

// The fields of $/progress without `id`; the detail, one JSON object as text, becomes a value.
[[nodiscard]] Json progressToJson(const MeteredProgress& progress);

}
