#include "tests/figure/sample_figures.h"

namespace blockcert::test {

using namespace figure;

Figure curvesAndBars()
{
    Panel error;
    error.title = "Error";
    error.x.label = "block";
    error.y.label = "‖ŷ − y‖₂";
    error.y.scale = Scale::Log;
    error.series = {{"largest", Mark::LineMarkers, {{0, 2e-5}, {1, 3e-4}, {2, std::nullopt}, {3, 0.02}, {4, 0.0}}},
                    {"mean", Mark::LineMarkers, {{0, 1e-6}, {1, 2e-6}, {2, 5e-6}, {3, 1e-5}, {4, 2e-5}}}};
    error.rules = {{Direction::Horizontal, 0.01, "threshold 0.01"}};
    error.bands = {{Direction::Vertical, 0.5, 1.5, "early"}};

    Panel share;
    share.title = "Accuracy";
    share.x.categories = {"baseline", "stitched & <edited>"};
    share.y.label = "share of prompts";
    share.y.lower = 0;
    share.y.upper = 1;
    share.series = {{"semantic", Mark::Bars, {{0, 0.5, 0.33, 0.67}, {1, 0.25, 0.1, 0.4}}},
                    {"other", Mark::Bars, {{0, 0.75}, {1, 1.5}}}};

    Figure figure;
    figure.title = "Curves \"and\" bars";
    figure.scope = "a model · three prompts";
    figure.caption = "Dots are measurements; lines only join them.";
    figure.panels = {error, share};
    figure.columns = 2;
    figure.metadata = {{"model", "a & b"}, {"command", "blockcert experiment blocks '<m>' -o x"}};
    return figure;
}

Figure cells()
{
    Panel panel;
    panel.title = "Largest error";
    panel.x.label = "block";
    Heat heat;
    heat.columns = {"0", "1", "2"};
    heat.rows = {"first prompt", "second prompt"};
    heat.cells = {1e-4, 1e-2, 1.0, std::nullopt, 2e-2, 9e-3};
    heat.threshold = 1e-2;
    heat.name = "largest error";
    panel.heat = heat;
    Figure figure;
    figure.title = "Cells";
    figure.panels = {panel};
    figure.panelHeight = 140;
    return figure;
}

}
