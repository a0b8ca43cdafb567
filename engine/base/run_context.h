// The only thing that travels upwards: progress out, stop in.
#pragma once

#include "engine/base/error.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

namespace blockcert {

// One progress event of a job. `done` of `total` counts units of `stage` ("hash", "trace", "replay",
// "loss", "write", …); block and prompt are 0-based and set where a stage works on one.
struct Progress {
    std::string stage;
    std::int64_t done = 0;
    std::int64_t total = 0;
    std::optional<std::int32_t> block;
    std::optional<std::int32_t> prompt;
    std::string unit;   // "cells", "bytes", "tokens"
    std::string detail; // one JSON object with a finished cell's or block's numbers, or empty
};

// Passed as the last parameter of every verb. step() may be called from any thread; the progress
// function is called from the thread that calls step() and must be cheap (throttling is its own matter).
class RunContext {
public:
    RunContext() = default;

    RunContext(std::stop_token stop, std::function<void(const Progress&)> report)
        : m_stop(std::move(stop))
        , m_report(std::move(report))
    {
    }

    // Throws Cancelled once the user has pressed Stop.
    void step() const
    {
        if (m_stop.stop_requested())
            throw Cancelled();
    }

    // Reports, then behaves as step().
    void step(const Progress& progress) const
    {
        if (m_report)
            m_report(progress);
        step();
    }

    // The same stop with another progress function, for a part of a job that reports in its own way.
    [[nodiscard]] RunContext reportingTo(std::function<void(const Progress&)> report) const
    {
        return RunContext(m_stop, std::move(report));
    }

    // Reports without asking whether to stop.
    void report(const Progress& progress) const
    {
        if (m_report)
            m_report(progress);
    }

    // Whether anybody listens: a report that costs something to make need not be made otherwise.
    [[nodiscard]] bool reports() const { return m_report != nullptr; }

    [[nodiscard]] bool stopRequested() const { return m_stop.stop_requested(); }

private:
    std::stop_token m_stop;
    std::function<void(const Progress&)> m_report;
};

}
