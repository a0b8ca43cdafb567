#include "engine/pipeline/experiment/figure_parts.h"

#include "engine/pipeline/experiment/deciding_measure.h"
#include "engine/pipeline/experiment/table.h"

#include <fmt/format.h>

namespace blockcert::pipeline {

using namespace figure;

std::string plainNumber(double value)
{
    return withShortExponent(fmt::format("{:.6g}", value));
}

Panel errorPanel(const std::string& title, const Policy& policy)
{
    Panel panel;
    panel.title = title;
    const DecidingMeasure measure = decidingMeasure(policy);
    panel.y.label = measure.formula;
    panel.y.scale = Scale::Log;
    panel.rules = {{Direction::Horizontal, measure.tau, measure.atThreshold()}};
    return panel;
}

Panel coveragePanel(const std::string& title, const Policy& policy)
{
    Panel panel;
    panel.title = title;
    panel.y.label = "coverage";
    panel.y.lower = 0;
    panel.y.upper = 1;
    panel.rules = {{Direction::Horizontal, policy.alphaAct, "α_act = " + plainNumber(policy.alphaAct)}};
    return panel;
}

Axis blockAxis(const std::vector<double>& blocks)
{
    Axis axis;
    axis.label = "block";
    if (blocks.size() <= 12)
        axis.ticks = blocks;
    return axis;
}

}
