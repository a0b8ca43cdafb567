// The guided tour: its steps, in order, each about one place of the window.
#pragma once

#include <QString>

#include <cstdint>
#include <vector>

namespace blockcert::workbench {

struct TourStep {
    enum class Place : std::uint8_t { Open, Explore, Coverage, Certificate, Verify, Lab, Run };
    // What the card points at.
    enum class Target : std::uint8_t {
        Rail,
        Map,
        Inspector,
        Coverage,
        Blocks,
        Certificate,
        VerifyHow,
        Verdict,
        Lab,
        Prompts
    };
    // What the card offers to do itself.
    enum class Action : std::uint8_t { None, HoldWorst, Verify, Tamper, OpenDemo };

    Place place = Place::Open;
    Target target = Target::Rail;
    Action action = Action::None;
    QString title;
    QString text;
    QString actionText;
};

// About the run of teaching_run.h.
[[nodiscard]] const std::vector<TourStep>& tourSteps();

}
