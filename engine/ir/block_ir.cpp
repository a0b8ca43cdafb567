#include "engine/ir/block_ir.h"

#include <cmath>

namespace blockcert::ir {

namespace {

// Collects operations and the shapes of the weights they name.
class ProgramBuilder {
public:
    ProgramBuilder(const TransformerConfig& config, LayerIndex layer)
        : m_config(config)
    {
        program.layer = layer;
        program.width = config.dModel;
    }

    void norm(const std::string& in, const std::string& out, const std::string& role)
    {
        weight(role + ".weight", {m_config.dModel});
        if (m_config.architecture == Architecture::Llama) {
            program.operations.push_back(RmsNorm{in, out, role + ".weight", m_config.normEpsilon});
            return;
        }
        weight(role + ".bias", {m_config.dModel});
        program.operations.push_back(LayerNorm{in, out, role + ".weight", role + ".bias", m_config.normEpsilon});
    }

    void linear(const std::string& in, const std::string& out, const std::string& role, std::int64_t inputs,
                std::int64_t outputs, bool biased)
    {
        weight(role + ".weight", {outputs, inputs});
        if (biased)
            weight(role + ".bias", {outputs});
        program.operations.push_back(Linear{in, out, role + ".weight", biased ? role + ".bias" : ""});
    }

    BlockProgram program;

private:
    void weight(const std::string& name, std::vector<std::int64_t> shape)
    {
        program.weights[name].shape = std::move(shape);
    }

    const TransformerConfig& m_config;
};

// GPT-2 divides by √head_dim (and by the 1-based layer where its configuration says so); Llama multiplies.
Scores scoresOf(const TransformerConfig& config, LayerIndex layer, const std::string& query, const std::string& key)
{
    Scores scores{query, key, "scores", config.heads, config.kvHeads, config.headDim};
    const double root = std::sqrt(static_cast<double>(config.headDim));
    if (config.architecture == Architecture::Llama)
        scores.multiply = 1 / root;
    else
        scores.divide = config.scaleAttentionByInverseLayer ? root * (layer.value + 1) : root;
    return scores;
}

void addAttention(ProgramBuilder& block, const TransformerConfig& config)
{
    const bool llama = config.architecture == Architecture::Llama;
    const bool biased = !llama || config.attentionBias;
    block.norm("x", "attn_in", "attn_norm");
    block.linear("attn_in", "q", "q", config.dModel, config.queryWidth(), biased);
    block.linear("attn_in", "k", "k", config.dModel, config.keyValueWidth(), biased);
    block.linear("attn_in", "v", "v", config.dModel, config.keyValueWidth(), biased);
    if (llama) {
        block.program.operations.push_back(Rope{"q", "q_rotated", config.heads, config.headDim});
        block.program.operations.push_back(Rope{"k", "k_rotated", config.kvHeads, config.headDim});
        block.program.positions = config.context;
        block.program.ropeHalf = config.headDim / 2;
    }
    block.program.operations.push_back(
        scoresOf(config, block.program.layer, llama ? "q_rotated" : "q", llama ? "k_rotated" : "k"));
    block.program.operations.push_back(MaskedSoftmax{"scores", "pattern"});
    block.program.operations.push_back(Mix{"pattern", "v", "mixed", config.heads, config.kvHeads, config.headDim});
    block.linear("mixed", "attn", "o", config.queryWidth(), config.dModel, biased);
}

void addMlp(ProgramBuilder& block, const TransformerConfig& config)
{
    const bool llama = config.architecture == Architecture::Llama;
    const bool biased = !llama || config.mlpBias;
    block.norm("h", "mlp_in", "mlp_norm");
    if (llama) {
        block.linear("mlp_in", "gate", "gate", config.dModel, config.dFf, biased);
        block.linear("mlp_in", "up", "up", config.dModel, config.dFf, biased);
        block.program.operations.push_back(Activation{"gate", "gate_active", Activation::Kind::Silu});
        block.program.operations.push_back(Multiply{"gate_active", "up", "inner"});
    } else {
        block.linear("mlp_in", "up", "up", config.dModel, config.dFf, biased);
        block.program.operations.push_back(Activation{"up", "inner", Activation::Kind::GeluNew});
    }
    block.linear("inner", "mlp", "down", config.dFf, config.dModel, biased);
}

}

BlockProgram makeProgram(const TransformerConfig& config, LayerIndex layer)
{
    ProgramBuilder block(config, layer);
    addAttention(block, config);
    block.program.operations.push_back(Add{"x", "attn", "h"});
    addMlp(block, config);
    block.program.operations.push_back(Add{"h", "mlp", "y"});
    return std::move(block.program);
}

}
