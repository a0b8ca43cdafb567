// Shows the progress of a job on standard error: a bar on a terminal, else one line a stage.
#pragma once

#include "app/terminal/text_style.h"
#include "engine/protocol/progress_meter.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace blockcert::terminal {

enum class ProgressForm : std::uint8_t { Bar, Lines };

// Not thread-safe: the caller lets one event in at a time.
class ProgressView {
public:
    ProgressView(ProgressForm form, Style style, int width, bool verbose,
                 std::function<void(const std::string&)> write);

    void show(const protocol::MeteredProgress& progress);
    // Removes a bar that is still there and says what is left to say, so that other text may follow.
    void finish();

private:
    // What one line says about a stage; stages of one name share it.
    struct StageSum {
        std::string name;
        std::string unit;
        std::int64_t amount = 0;
        double seconds = 0;
        bool ended = false;
    };

    [[nodiscard]] std::string barLine(const protocol::MeteredProgress& progress) const;
    void writeNotes(const std::string& detail);
    void addToSums(const protocol::MeteredProgress& progress);
    void writeEndedSums();

    ProgressForm m_form;
    Style m_style;
    int m_width;
    bool m_verbose;
    std::function<void(const std::string&)> m_write;
    bool m_barShown = false;
    double m_lastElapsed = 0;
    std::vector<StageSum> m_sums; // not written yet, in order of appearance
};

// "37 / 120 cells", "45.1 / 98.4 MB".
[[nodiscard]] std::string amount(const Progress& event);

}
