#include "tests/workbench/support/samples.h"

namespace blockcert::testing {
namespace {

const int tokensOf[] = {3, 2};
const std::string runDigest(64, 'd');

double errorOf(int block, int prompt, int token)
{
    if (block == 2 && prompt == 0 && token == 0)
        return 0.0142;
    return 1e-4 * (block + 1) * (prompt + 1) * (token + 1);
}

Json numbers(int block, int prompt, double factor)
{
    Json list = Json::array();
    for (int token = 0; token < tokensOf[prompt]; ++token)
        list.push_back(factor * errorOf(block, prompt, token));
    return list;
}

Json blockResult(int block)
{
    const bool certified = block != 2;
    Json result = {{"block", block},
                   {"certified", certified},
                   {"epsilon", block == 2 ? 0.0142 : errorOf(block, 1, 1)},
                   {"mae", 1e-4},
                   {"activation_coverage", block == 2 ? 0.8 : 1.0},
                   {"tokens", 5},
                   {"path_coverage", 1.0},
                   {"loss_coverage", 1.0},
                   {"relative", {{"epsilon", 1e-6}, {"mean", 1e-7}, {"coverage", 1.0}}},
                   {"quantiles", {{"q50", 1e-4}, {"q90", 1e-3}, {"q95", 1e-3}, {"q99", 1e-3}}},
                   {"worst", {{"prompt", 0}, {"token", 0}, {"piece", "<s>"}}},
                   {"findings", Json::array()}};
    if (!certified)
        result["findings"].push_back(
            {{"code", "activation_coverage_below"}, {"where", "block 2"}, {"observed", 0.8}, {"threshold", 0.94}});
    return result;
}

Json number(double value)
{
    return {{"value", value}, {"hex", toHexFloat(value)}};
}

Json manifest(bool complete)
{
    return {
        {"schema", "blockcert.run/1"},
        {"created", "2026-01-02T03:04:05Z"},
        {"command", "blockcert certify /models/tiny --blocks all --prompts base -o 'my run.blockcert'"},
        {"model_hint", "/models/tiny"},
        {"subject", {{"model", "tiny"}, {"architecture", "llama"}, {"layers", 3}}},
        {"prompts", {{"name", "base"}, {"bundled", true}, {"items", Json::array({Json::object(), Json::object()})}}},
        {"request",
         {{"blocks", {0, 1, 2}},
          {"baseline_dtype", "F32"},
          {"replay_dtype", "F64"},
          {"loss", "exact"},
          {"weights", "baseline"},
          {"embed_weights", false},
          {"max_tokens", 256},
          {"seed", 0},
          {"policy",
           {{"tau_act", number(0.01)},
            {"tau_rel", number(1e-5)},
            {"tau_loss", number(1e-3)},
            {"alpha_act", number(0.94)},
            {"alpha_loss", number(0.9)},
            {"error", "l2"}}}}},
        {"state", {{"complete", complete}, {"failed_blocks", Json::array()}}}};
}

}

Json openAnswer()
{
    Json tensors = Json::array();
    for (int block = 0; block < 3; ++block)
        tensors.push_back({{"name", "model.layers." + std::to_string(block) + ".mlp.down_proj.weight"},
                           {"role", "down"},
                           {"dtype", "F32"},
                           {"shape", {8, 16}},
                           {"bytes", 512},
                           {"file", "model.safetensors"}});
    return {{"model", "tiny"},
            {"path", "/models/tiny"},
            {"container", "safetensors"},
            {"architecture", "llama"},
            {"layers", 3},
            {"d_model", 8},
            {"heads", 2},
            {"kv_heads", 1},
            {"head_dim", 4},
            {"d_ff", 16},
            {"vocab", 32},
            {"context", 128},
            {"tied_embeddings", true},
            {"parameters", 1234},
            {"norm_epsilon", 1e-5},
            {"rope", {{"theta", 10000}, {"scaling", nullptr}}},
            {"config_sha256", std::string(64, 'a')},
            {"files", Json::array({{{"name", "model.safetensors"}, {"size", 4096}, {"sha256", nullptr}}})},
            {"tensors", tensors},
            {"dtypes", Json::array({{{"dtype", "F32"}, {"tensors", 3}, {"bytes", 1536}}})},
            {"tokenizer", {{"kind", "bpe"}, {"vocabulary", 32}, {"bos", 1}, {"eos", {2}}, {"chat_template", false}}},
            {"tokenizer_problem", nullptr},
            {"memory", {{"fp32_bytes", 10000}, {"bf16_bytes", 5000}}},
            {"warnings", Json::array()}};
}

Json tokenizeAnswer()
{
    const auto prompt = [](const char* id, const char* text, Json ids, Json pieces, Json special) {
        return Json{{"id", id},
                    {"rendered", text},
                    {"token_ids", std::move(ids)},
                    {"pieces", std::move(pieces)},
                    {"special", std::move(special)},
                    {"truncated", 0},
                    {"label", ""},
                    {"tags", Json::array()},
                    {"split", ""}};
    };
    return {{"name", "base"},
            {"sha256", std::string(64, 'b')},
            {"bundled", true},
            {"token_ids_sha256", std::string(64, 'c')},
            {"template_sha256", nullptr},
            {"prompts", Json::array({prompt("a", "one two", {1, 5, 6}, {"<s>", "one", " two"}, {true, false, false}),
                                     prompt("b", "x y", {7, 8}, {"x", " y"}, {false, false})})}};
}

Json estimateAnswer()
{
    return {{"cells", 6}, {"tokens", 5}, {"memory_bytes", 1000000}, {"disk_bytes", 2000000}, {"flops", 3e9}};
}

Json cellProgress(int block, int prompt, int done)
{
    return {{"progress",
             {{"stage", "replay"},
              {"done", done},
              {"total", 6},
              {"unit", "cells"},
              {"block", block},
              {"prompt", prompt},
              {"elapsed_s", 0.1 * done},
              {"rate", 10.0},
              {"eta_s", 0.1 * (6 - done)},
              {"detail",
               {{"cell",
                 {{"block", block},
                  {"prompt", prompt},
                  {"error", numbers(block, prompt, 1)},
                  {"relative", numbers(block, prompt, 1e-4)},
                  {"loss_difference", nullptr}}}}}}}};
}

Json blockProgress(int block)
{
    return {{"progress",
             {{"stage", "write"},
              {"done", block + 1},
              {"total", 3},
              {"unit", "blocks"},
              {"block", block},
              {"elapsed_s", 1.0},
              {"detail", {{"block_result", blockResult(block)}}}}}};
}

Json certifyAnswer(const std::string& run)
{
    return {{"run", run},
            {"complete", true},
            {"blocks", Json::array({blockResult(0), blockResult(1), blockResult(2)})},
            {"findings", Json::array()},
            {"seconds", 1.0},
            {"command", "blockcert certify"}};
}

Json showAnswer(const std::string& run, bool complete)
{
    Json blocks = Json::array();
    Json cells = Json::array();
    Json certificates = Json::array();
    for (int block = 0; block < (complete ? 3 : 1); ++block) {
        blocks.push_back(blockResult(block));
        certificates.push_back({{"schema", "blockcert.certificate/1"},
                                {"kind", "block"},
                                {"subject", {{"model", "tiny"}, {"layers", 3}, {"block", block}}},
                                {"verdict", {{"certified", block != 2}, {"findings", Json::array()}}}});
        for (int prompt = 0; prompt < 2; ++prompt) {
            Json losses = Json::array({nullptr});
            for (int token = 1; token < tokensOf[prompt]; ++token)
                losses.push_back(2.5);
            cells.push_back({{"block", block},
                             {"prompt", prompt},
                             {"error", numbers(block, prompt, 1)},
                             {"relative", numbers(block, prompt, 1e-4)},
                             {"error_attn", numbers(block, prompt, 0.5)},
                             {"error_mlp", numbers(block, prompt, 0.5)},
                             {"output_norm", numbers(block, prompt, 1e5)},
                             {"margin", numbers(block, prompt, 100)},
                             {"margin_head", Json::array()},
                             {"loss_base", losses},
                             {"loss_stitched", losses},
                             {"top_base", nullptr},
                             {"top_stitched", nullptr}});
        }
    }
    Json prompts = tokenizeAnswer()["prompts"];
    return {{"run", run},
            {"complete", complete},
            {"resumable", !complete},
            {"digest", complete ? Json(runDigest) : Json()},
            {"manifest", manifest(complete)},
            {"certificates", certificates},
            {"blocks", blocks},
            {"command", manifest(complete)["command"]},
            {"problems", Json::array()},
            {"prompts", prompts},
            {"cells", cells}};
}

Json verdictAnswer(const std::string& run, const std::string& verdict)
{
    Json checks = Json::array();
    for (int block = 0; block < 3; ++block)
        checks.push_back({{"id", "metrics.epsilon"},
                          {"group", "re-evaluation"},
                          {"where", "block " + std::to_string(block)},
                          {"title", "ε"},
                          {"state", "verified"},
                          {"issuer", std::to_string(0.001 * (block + 1))},
                          {"recomputed", std::to_string(0.001 * (block + 1))},
                          {"how", "replayed, 5 tokens"},
                          {"detail", ""},
                          {"required", true}});
    const bool fails = verdict == "failed";
    checks.push_back({{"id", "sums.sha256"},
                      {"group", "integrity"},
                      {"where", "block_01/probes.h5"},
                      {"title", "File digest"},
                      {"state", fails ? "failed" : "verified"},
                      {"issuer", std::string(64, 'a')},
                      {"recomputed", std::string(64, fails ? 'b' : 'a')},
                      {"how", "re-hashed"},
                      {"detail", fails ? "The file is not the one that was listed." : ""},
                      {"required", true}});
    return {{"verdict", verdict},
            {"level", 3},
            {"sentence", fails ? "Failed: block_01/probes.h5 is not the file that was listed."
                               : "Verified at level 3 on these 5 tokens; per-token losses not checked (level 4)."},
            {"says", Json::array({"In place of each block stands: low-rank:1:attn."})},
            {"not_checked", {"per-token losses"}},
            {"does_not_say", {"that other prompts behave alike"}},
            {"seed", 7},
            {"seconds", 0.25},
            {"exit_code", fails ? 1 : 0},
            {"run", run},
            {"digest", runDigest},
            {"scope",
             {{"model", "tiny"},
              {"blocks", {0, 1, 2}},
              {"layers", 3},
              {"prompts", {{"name", "base"}, {"bundled", true}, {"count", 2}, {"tokens", 5}}}}},
            {"checks", checks}};
}

}
