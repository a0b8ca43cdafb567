// Shows the progress of a job on standard error: a bar on a terminal, else one line a stage.
#pragma once

#include "app/terminal/text_style.h"
#include "engine/protocol/progress_meter.h"

#include <cstdint>
#include <functional>
#include <string>

namespace blockcert::terminal {

enum class ProgressForm : std::uint8_t { Bar, Lines };

// Not thread-safe: the caller lets one event in at a time.
class ProgressView {
public:
    ProgressView(ProgressForm form, Style style, int width, bool verbose,
                 std::function<void(const std::string&)> write);

    void show(const protocol::MeteredProgress& progress);
    // Removes a bar that is still there, so that other text may follow.
    void clear();

private:
    [[nodiscard]] std::string barLine(const protocol::MeteredProgress& progress) const;

    ProgressForm m_form;
    Style m_style;
    int m_width;
    bool m_verbose;
    std::function<void(const std::string&)> m_write;
    bool m_barShown = false;
    double m_stageBegin = 0;
};

// "37 / 120 cells", "45.1 / 98.4 MB".
[[nodiscard]] std::string amount(const Progress& event);

}
