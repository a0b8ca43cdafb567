#include "tests/fuzz/made_seeds.h"

#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/run_codec.h"
#include "engine/ir/block_ir_codec.h"
#include "engine/protocol/frame_codec.h"
#include "engine/protocol/json_rpc.h"
#include "tests/certificate/sample.h"
#include "tests/ir/small_blocks.h"

#include <fstream>

namespace blockcert::fuzz {

std::vector<Seed> madeSeeds(const std::filesystem::path& data)
{
    using namespace certificate;
    std::vector<Seed> seeds = {
        {"json", writeJson(certificateToJson(sample::certificate()))},
        {"json", writeJson(runToJson({sample::manifest(), {}}))},
        {"json", R"({"schema": "blockcert.policy/1", "error": "relative-l2", "tau_rel": 1e-4,
                     "expect": {"models": [], "tools": ["0.1.0"]}, "require_losses": true})"},
        {"frame",
         protocol::encodeFrame(R"({"jsonrpc": "2.0", "id": 1, "method": "open", "params": {"model": "demo"}})") +
             protocol::encodeFrame(protocol::notificationMessage("$/cancelRequest", Json({{"id", 1}})).dump())},
    };
    for (const TransformerConfig& config : {ir::smallLlama(), ir::smallGpt2()})
        seeds.push_back({"program", ir::writeProgram(ir::randomBlock(config, 2, 1).program)});
    std::ifstream templates(data / "tokenizers/chat_templates.jsonl");
    std::string last;
    for (std::string line; std::getline(templates, line);) {
        const auto text = parseStrictJson(line, "chat_templates.jsonl").at("template").get<std::string>();
        if (text != last)
            seeds.push_back({"template", text});
        last = text;
    }
    return seeds;
}

}
