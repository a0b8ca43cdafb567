// What the tests of the edit lab give it to show: an effect with all its parts, and a window that asks for it.
#pragma once

#include "app/workbench/session/edit_stack.h"
#include "tests/workbench/support/bench.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace blockcert::workbench {

using testing::engineScript;
using testing::once;
using testing::Workbench;

inline Json share(int hits, int total, double low, double high)
{
    return {{"hits", hits}, {"total", total}, {"value", 1.0 * hits / total}, {"low", low}, {"high", high}};
}

inline Json text(const char* words, const char* verdict, Json markers = Json::array())
{
    return {
        {"text", words}, {"tokens", {5, 6}}, {"end", "stop"}, {"verdict", verdict}, {"markers", std::move(markers)}};
}

inline Json completionsAnswer()
{
    const Json row = {{"prompt", 0},
                      {"id", "a"},
                      {"label", "refuse"},
                      {"before", text("Sure, here it is.", "answer")},
                      {"after", text("Sure, I cannot help.", "refusal", {"i cannot"})},
                      {"first_difference", 1}};
    const Json other = {{"prompt", 1},
                        {"id", "b"},
                        {"label", "answer"},
                        {"before", text("Four.", "answer")},
                        {"after", text("Four.", "answer")},
                        {"first_difference", nullptr}};
    return {{"rows", Json::array({row, other})},
            {"accuracy",
             {{"before", {{"answer", share(1, 1, 0.21, 1)}, {"refuse", share(0, 1, 0, 0.79)}}},
              {"after", {{"answer", share(1, 1, 0.21, 1)}, {"refuse", share(1, 1, 0.21, 1)}}}}},
            {"counts",
             {{"before", {{"empty", 0}, {"truncated", 1}, {"never_ran", 0}, {"markers", Json::array()}}},
              {"after",
               {{"empty", 1},
                {"truncated", 2},
                {"never_ran", 0},
                {"markers", Json::array({{{"marker", "i cannot"}, {"harmful", false}, {"texts", 1}}})}}}}},
            {"markers",
             {{"name", "refusal"},
              {"version", "1"},
              {"sha256", std::string(64, 'd')},
              {"refusal", {"i cannot", "i won't"}},
              {"harmful", {"lethal dose"}}}},
            {"seconds", 0.5}};
}

// All parts at once: whoever asks for one finds it.
inline Json effectAnswer(double epsilon = 4.5, bool neutral = false)
{
    const Json first = {{"id", "a"}, {"largest", epsilon}, {"errors", {0.5, epsilon, 1.0}}};
    const Json second = {{"id", "b"}, {"largest", 1.0}, {"errors", {1.0, 0.25}}};
    const Json local = {{"method", "native"},
                        {"tokens", 5},
                        {"epsilon", epsilon},
                        {"mean", 1.45},
                        {"quantiles", {{"q50", 1.0}, {"q90", 4.0}, {"q95", 4.2}, {"q99", epsilon}}},
                        {"worst", {{"block", 1}, {"prompt", 0}, {"token", 1}, {"piece", "one"}}},
                        {"blocks", Json::array({{{"block", 1}, {"epsilon", epsilon}, {"mean", 1.45}}})},
                        {"prompts", Json::array({first, second})},
                        {"seconds", 0.01}};
    const Json mild = {{"id", "mild"}, {"loss_change", 0.01}, {"mean_kl", 0.001}, {"agreement", 1.0}};
    const Json worse = {{"id", "worse"}, {"loss_change", 0.5}, {"mean_kl", 0.2}, {"agreement", 0.5}};
    const Json downstream = {
        {"final_deviation", {{"pre_norm", 30.5}, {"post_norm", 2.25}}},
        {"amplification", {{"pre_norm", 6.8}, {"post_norm", 0.5}}},
        {"layers",
         Json::array(
             {{{"mean", 0}, {"largest", 0}}, {{"mean", 1.45}, {"largest", 4.5}}, {{"mean", 2}, {"largest", 30.5}}})},
        {"heldout",
         {{"tokens", 251},
          {"nll", {{"before", 2.0}, {"after", 2.5}}},
          {"perplexity", {{"before", 12.5}, {"after", 13.75}}},
          {"kl", {{"mean", 0.1}, {"largest", 1.5}, {"worst", {{"prompt", 1}, {"token", 3}, {"piece", "x"}}}}},
          {"agreement", 0.75},
          {"prompts", Json::array({mild, worse})}}},
        {"seconds", 0.2}};
    const Json touched = {{"block", 1},
                          {"tensor", "model.layers.1.mlp.down_proj.weight"},
                          {"before", std::string(64, '1')},
                          {"after", std::string(64, '2')},
                          {"changed", true}};
    return {{"edits", {"block 1: MLP x 0.33"}},
            {"neutral", neutral},
            {"local", local},
            {"downstream", downstream},
            {"completions", completionsAnswer()},
            {"receipt", {{"touched", Json::array({touched})}, {"why_nothing", nullptr}}}};
}

inline Json editScript(const Json& effect)
{
    Json script = engineScript();
    script["edit_effect"] = once(effect);
    return script;
}

inline std::vector<std::string> partsAsked(Workbench& bench)
{
    std::vector<std::string> parts;
    for (const Json& parameters : bench.asked("edit_effect"))
        for (const Json& part : parameters["parts"])
            parts.push_back(part);
    return parts;
}

// A window on the Edit page with a model of three blocks.
inline void openLab(Workbench& bench)
{
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.window->showPage(MainWindow::Edit);
}

inline EditStep scaled(double alpha, int block = 1)
{
    EditStep step;
    step.block = block;
    step.strength = alpha;
    return step;
}

}
