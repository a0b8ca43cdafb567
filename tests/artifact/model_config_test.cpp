#include "engine/artifact/model_config.h"
#include "engine/base/error.h"
#include "tests/artifact/model_fixture.h"

#include <gmock/gmock.h>

namespace blockcert::artifact {
namespace {

using testing::HasSubstr;

Json llamaConfig()
{
    return Json::parse(R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
        "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "hidden_act": "silu", "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "vocab_size": 128,
        "max_position_embeddings": 256, "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": [2, 3]})");
}

Json gpt2Config()
{
    return Json::parse(R"({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 64, "n_layer": 2,
        "n_head": 4, "n_positions": 128, "n_ctx": 128, "vocab_size": 128, "layer_norm_epsilon": 1e-05,
        "activation_function": "gelu_new", "resid_pdrop": 0.1, "summary_type": "cls_index",
        "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}}})");
}

ModelDescription described(const Json& config)
{
    return describeHuggingFace(config, "config.json");
}

Json with(Json config, const std::string& key, const Json& value)
{
    config[key] = value;
    return config;
}

Json without(Json config, const std::string& key)
{
    config.erase(key);
    return config;
}

template <class Fault>
std::string refusal(const Json& config)
{
    return test::messageOf<Fault>([&] { (void)described(config); });
}

TEST(HuggingFaceConfig, ReadsALlama)
{
    const TransformerConfig config = described(llamaConfig()).config;
    EXPECT_EQ(config.architecture, Architecture::Llama);
    EXPECT_EQ(config.layers, 2);
    EXPECT_EQ(config.dModel, 64);
    EXPECT_EQ(config.heads, 4);
    EXPECT_EQ(config.kvHeads, 2);
    EXPECT_EQ(config.headDim, 16);
    EXPECT_EQ(config.dFf, 96);
    EXPECT_EQ(config.vocab, 128);
    EXPECT_EQ(config.context, 256);
    EXPECT_EQ(config.normEpsilon, 1e-5);
    EXPECT_EQ(config.ropeTheta, 5e5);
    EXPECT_EQ(config.ropeScaling, RopeScaling{});
    EXPECT_TRUE(config.tiedEmbeddings);
    EXPECT_FALSE(config.attentionBias);
    EXPECT_EQ(config.bos, 1);
    EXPECT_EQ(config.eos, (std::vector<TokenId>{2, 3}));
}

TEST(HuggingFaceConfig, ReadsAGpt2)
{
    const TransformerConfig config = described(gpt2Config()).config;
    EXPECT_EQ(config.architecture, Architecture::Gpt2);
    EXPECT_EQ(config.dFf, 256); // four times the width
    EXPECT_EQ(config.kvHeads, 4);
    EXPECT_TRUE(config.tiedEmbeddings);
    EXPECT_TRUE(config.attentionBias);
    EXPECT_FALSE(config.scaleAttentionByInverseLayer);
    EXPECT_EQ(described(with(gpt2Config(), "n_inner", 96)).config.dFf, 96);
    EXPECT_TRUE(
        described(with(gpt2Config(), "scale_attn_by_inverse_layer_idx", true)).config.scaleAttentionByInverseLayer);
    EXPECT_TRUE(described(with(gpt2Config(), "reorder_and_upcast_attn", true)).config.upcastAttention);
}

TEST(HuggingFaceConfig, TakesTheDefaultsOfTheReference)
{
    Json config = llamaConfig();
    for (const char* key : {"num_key_value_heads", "rope_theta", "rms_norm_eps", "tie_word_embeddings",
                            "max_position_embeddings", "bos_token_id", "eos_token_id"})
        config.erase(key);
    const TransformerConfig found = described(config).config;
    EXPECT_EQ(found.kvHeads, 4);
    EXPECT_EQ(found.ropeTheta, 1e4);
    EXPECT_EQ(found.normEpsilon, 1e-6);
    EXPECT_FALSE(found.tiedEmbeddings);
    EXPECT_EQ(found.context, 2048);
    EXPECT_EQ(found.bos, std::nullopt);
}

TEST(HuggingFaceConfig, ReadsAHeadDimensionOfItsOwn)
{
    EXPECT_EQ(described(with(llamaConfig(), "head_dim", 24)).config.headDim, 24);
    EXPECT_EQ(described(with(llamaConfig(), "head_dim", nullptr)).config.headDim, 16);
}

TEST(HuggingFaceConfig, ReadsBiasesAndMultiQueryAttention)
{
    const TransformerConfig config =
        described(with(with(with(llamaConfig(), "attention_bias", true), "mlp_bias", true), "num_key_value_heads", 1))
            .config;
    EXPECT_TRUE(config.attentionBias);
    EXPECT_TRUE(config.mlpBias);
    EXPECT_EQ(config.kvHeads, 1);
}

Json llama3Scaling()
{
    return {{"rope_type", "llama3"},
            {"factor", 32.0},
            {"low_freq_factor", 1.0},
            {"high_freq_factor", 4.0},
            {"original_max_position_embeddings", 8192}};
}

TEST(HuggingFaceConfig, ReadsLlama3ScalingInEverySpelling)
{
    const RopeScaling expected = {RopeScaling::Kind::Llama3, 32, 1, 4, 8192};
    Json oldType = llama3Scaling();
    oldType["type"] = oldType["rope_type"];
    oldType.erase("rope_type");
    Json inside = llama3Scaling();
    inside["rope_theta"] = 500000.0;
    const Json base = llamaConfig();
    for (const Json& config : {with(base, "rope_scaling", llama3Scaling()), with(base, "rope_scaling", oldType),
                               with(without(base, "rope_theta"), "rope_parameters", inside),
                               with(with(base, "rope_parameters", inside), "rope_scaling", llama3Scaling())}) {
        const TransformerConfig found = described(config).config;
        EXPECT_EQ(found.ropeScaling, expected) << config;
        EXPECT_EQ(found.ropeTheta, 5e5) << config;
    }
}

TEST(HuggingFaceConfig, ReadsLinearScalingAndNone)
{
    const Json linear = {{"type", "linear"}, {"factor", 2.0}};
    EXPECT_EQ(described(with(llamaConfig(), "rope_scaling", linear)).config.ropeScaling.kind,
              RopeScaling::Kind::Linear);
    EXPECT_EQ(described(with(llamaConfig(), "rope_scaling", linear)).config.ropeScaling.factor, 2.0);
    EXPECT_EQ(described(with(llamaConfig(), "rope_scaling", nullptr)).config.ropeScaling, RopeScaling{});
    const Json none = {{"rope_type", "default"}, {"rope_theta", 500000.0}};
    EXPECT_EQ(described(with(llamaConfig(), "rope_parameters", none)).config.ropeScaling, RopeScaling{});
}

TEST(HuggingFaceConfig, RefusesContradictionsAboutRope)
{
    const Json otherTheta = {{"rope_type", "default"}, {"rope_theta", 10000.0}};
    EXPECT_THAT(refusal<FormatError>(with(llamaConfig(), "rope_parameters", otherTheta)),
                HasSubstr("different rope_theta"));
    const Json linear = {{"type", "linear"}, {"factor", 2.0}};
    EXPECT_THAT(
        refusal<FormatError>(with(with(llamaConfig(), "rope_scaling", linear), "rope_parameters", llama3Scaling())),
        HasSubstr("contradict"));
    const Json twoTypes = {{"type", "linear"}, {"rope_type", "llama3"}, {"factor", 2.0}};
    EXPECT_THAT(refusal<FormatError>(with(llamaConfig(), "rope_scaling", twoTypes)),
                HasSubstr("\"type\" is \"linear\""));
    const Json defaultFactor = {{"rope_type", "default"}, {"factor", 2.0}};
    EXPECT_THAT(refusal<FormatError>(with(llamaConfig(), "rope_scaling", defaultFactor)), HasSubstr("has no factor"));
}

TEST(HuggingFaceConfig, RefusesOtherRopeTypesAndFieldsByName)
{
    for (const char* type : {"yarn", "dynamic", "longrope", "su", "mrope"}) {
        const Json scaling = {{"rope_type", type}, {"factor", 2.0}};
        EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "rope_scaling", scaling)), HasSubstr(type));
        // Some kinds have no factor: what is not implemented is the kind, and nothing is missing.
        EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "rope_scaling", without(scaling, "factor"))),
                    HasSubstr(type));
    }
    const Json longrope = {
        {"type", "longrope"}, {"short_factor", {1.0, 1.0}}, {"long_factor", {1.0, 2.0}}, {"factor", "none"}};
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "rope_scaling", longrope)), HasSubstr("longrope"));
    Json mixed = {{"type", "linear"}, {"factor", 2.0}, {"attention_factor", 1.5}};
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "rope_scaling", mixed)), HasSubstr("attention_factor"));
    Json partial = {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}};
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "rope_parameters", partial)),
                HasSubstr("partial_rotary_factor"));
}

TEST(HuggingFaceConfig, RefusesIncompleteLlama3Scaling)
{
    for (const char* key : {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"})
        EXPECT_THROW((void)described(with(llamaConfig(), "rope_scaling", without(llama3Scaling(), key))), FormatError)
            << key;
    EXPECT_THROW((void)described(with(llamaConfig(), "rope_scaling", with(llama3Scaling(), "low_freq_factor", 4.0))),
                 FormatError);
}

TEST(HuggingFaceConfig, RefusesKeysThatChangeTheMathematicsByName)
{
    const std::vector<std::pair<const char*, Json>> keys = {
        {"sliding_window", 128},
        {"qk_norm", true},
        {"use_qk_norm", true},
        {"attn_logit_softcapping", 50.0},
        {"final_logit_softcapping", 30.0},
        {"pretraining_tp", 2},
        {"partial_rotary_factor", 0.5},
        {"quantization_config", {{"bits", 4}}},
        {"num_experts", 8},
        {"num_local_experts", 8},
        {"position_embedding_type", "alibi"},
        {"add_cross_attention", true},
        {"logit_scale", 0.0625},
        {"logit_scale", 0},
        {"residual_multiplier", 0.22},
        {"attention_multiplier", 0.015},
        {"rope_interleaved", true},
        {"auto_map", {{"AutoModel", "x.Y"}}},
        {"pruned_heads", {{"0", {1}}}},
        {"layer_types", {"full_attention", "sliding_attention"}},
    };
    for (const auto& [key, value] : keys)
        EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), key, value)), HasSubstr(key)) << key;
    EXPECT_THAT(refusal<UnsupportedError>(with(gpt2Config(), "scale_attn_weights", false)),
                HasSubstr("scale_attn_weights"));
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "is_causal", false)), HasSubstr("is_causal"));
}

TEST(HuggingFaceConfig, AcceptsSuchKeysWhereTheyChangeNothing)
{
    const std::vector<std::pair<const char*, Json>> keys = {
        {"sliding_window", nullptr},
        {"qk_norm", false},
        {"pretraining_tp", 1},
        {"partial_rotary_factor", 1.0},
        {"quantization_config", nullptr},
        {"num_experts", 0},
        {"rope_interleaved", false},
        {"pruned_heads", Json::object()},
        {"layer_types", {"full_attention"}},
        {"is_causal", true},
    };
    for (const auto& [key, value] : keys)
        EXPECT_TRUE(described(with(llamaConfig(), key, value)).warnings.empty()) << key;
    EXPECT_TRUE(described(with(gpt2Config(), "scale_attn_weights", true)).warnings.empty());
}

// The context of these files is 256, and position q sees k while q − k is below the window.
TEST(HuggingFaceConfig, AcceptsASlidingWindowThatHidesNothing)
{
    const Json qwenLike = with(with(llamaConfig(), "sliding_window", 128), "max_window_layers", 1);
    EXPECT_TRUE(described(with(qwenLike, "use_sliding_window", false)).warnings.empty());
    EXPECT_TRUE(
        described(with(with(llamaConfig(), "sliding_window", nullptr), "use_sliding_window", true)).warnings.empty());
    const Json everySecond = Json::array({"full_attention", "sliding_attention"});
    for (const std::int64_t window : {256, 4096}) {
        EXPECT_TRUE(described(with(llamaConfig(), "sliding_window", window)).warnings.empty()) << window;
        const Json config = with(with(llamaConfig(), "sliding_window", window), "layer_types", everySecond);
        EXPECT_TRUE(described(with(config, "use_sliding_window", true)).warnings.empty()) << window;
    }

    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "sliding_window", 255)),
                HasSubstr("\"sliding_window\" is 255, less than the context 256"));
    EXPECT_THAT(refusal<UnsupportedError>(with(qwenLike, "use_sliding_window", true)), HasSubstr("sliding_window"));
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "sliding_window", 0)), HasSubstr("sliding_window"));
    EXPECT_THAT(
        refusal<UnsupportedError>(with(with(qwenLike, "use_sliding_window", false), "layer_types", everySecond)),
        HasSubstr("layer_types"));
}

TEST(HuggingFaceConfig, IgnoresHarmlessKeysSilently)
{
    const std::vector<std::pair<const char*, Json>> keys = {
        {"attention_dropout", 0.1},
        {"initializer_range", 0.02},
        {"torch_dtype", "bfloat16"},
        {"dtype", "float32"},
        {"use_cache", true},
        {"transformers_version", "4.42.3"},
        {"pad_token_id", 2},
        {"_name_or_path", "x"},
        {"is_llama_config", true},
        {"transformers.js_config", {{"dtype", "q4"}}},
        {"id2label", {{"0", "LABEL_0"}}},
    };
    for (const auto& [key, value] : keys)
        EXPECT_TRUE(described(with(llamaConfig(), key, value)).warnings.empty()) << key;
    EXPECT_TRUE(described(gpt2Config()).warnings.empty());
}

// The keys that published models of both families carry, whatever wrote them.
TEST(HuggingFaceConfig, ReadsThePublishedFilesWithoutWarnings)
{
    const std::vector<const char*> published = {
        R"({"_name_or_path": "x", "architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
            "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 576, "initializer_range": 0.04,
            "intermediate_size": 1536, "is_llama_config": true, "max_position_embeddings": 8192, "mlp_bias": false,
            "model_type": "llama", "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3,
            "pad_token_id": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": false, "rope_scaling": null,
            "rope_theta": 100000, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
            "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}}, "transformers_version": "4.42.3",
            "use_cache": true, "vocab_size": 49152})",
        R"({"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 128000,
            "eos_token_id": [128001, 128008, 128009], "head_dim": 64, "hidden_act": "silu", "hidden_size": 2048,
            "initializer_range": 0.02, "intermediate_size": 8192, "max_position_embeddings": 131072, "mlp_bias": false,
            "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8,
            "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0,
            "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}, "rope_theta": 500000.0,
            "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.45.0", "use_cache": true,
            "vocab_size": 128256})",
        R"({"_num_labels": 1, "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
            "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256, "id2label": {"0": "LABEL_0"},
            "initializer_range": 0.02, "label2id": {"LABEL_0": 0}, "layer_norm_epsilon": 1e-05, "model_type": "gpt2",
            "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 6, "n_positions": 1024, "resid_pdrop": 0.1,
            "summary_activation": null, "summary_first_dropout": 0.1, "summary_proj_to_labels": true,
            "summary_type": "cls_index", "summary_use_proj": true,
            "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}}, "vocab_size": 50257})"};
    for (const char* text : published)
        EXPECT_TRUE(described(Json::parse(text)).warnings.empty()) << text;
}

TEST(HuggingFaceConfig, RefusesUnknownNumbersAndWarnsAboutUnknownText)
{
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "mystery", 0.5)), HasSubstr("\"mystery\" is 0.5"));
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "mystery", true)), HasSubstr("mystery"));
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "mystery", {1})), HasSubstr("mystery"));
    EXPECT_THAT(described(with(llamaConfig(), "licence", "MIT")).warnings, testing::ElementsAre(HasSubstr("licence")));
    for (const Json& off : {Json(false), Json(nullptr), Json(""), Json::array(), Json::object(), Json(0)})
        EXPECT_TRUE(described(with(llamaConfig(), "mystery", off)).warnings.empty()) << off;
}

TEST(HuggingFaceConfig, RefusesOtherArchitecturesAndActivations)
{
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "model_type", "mistral")), HasSubstr("mistral"));
    EXPECT_THAT(refusal<UnsupportedError>(with(without(llamaConfig(), "architectures"), "model_type", "qwen2")),
                HasSubstr("qwen2"));
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "architectures", {"LlamaForSequenceClassification"})),
                HasSubstr("Sequence"));
    EXPECT_THAT(refusal<UnsupportedError>(with(llamaConfig(), "hidden_act", "gelu")), HasSubstr("gelu"));
    EXPECT_THAT(refusal<UnsupportedError>(with(gpt2Config(), "activation_function", "relu")), HasSubstr("relu"));
    EXPECT_THROW((void)described(without(without(llamaConfig(), "architectures"), "model_type")), UnsupportedError);
    EXPECT_THROW((void)described(with(llamaConfig(), "architectures", {"GPT2LMHeadModel"})), FormatError);
}

TEST(HuggingFaceConfig, RefusesMissingKeysByName)
{
    for (const char* key :
         {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size"})
        EXPECT_THAT(refusal<FormatError>(without(llamaConfig(), key)), HasSubstr(key));
    for (const char* key : {"n_embd", "n_layer", "n_head", "vocab_size"})
        EXPECT_THAT(refusal<FormatError>(without(gpt2Config(), key)), HasSubstr(key));
}

TEST(HuggingFaceConfig, RefusesAbsurdSizesBeforeAnythingIsSizedByThem)
{
    const std::vector<std::pair<const char*, Json>> keys = {
        {"hidden_size", 0},
        {"hidden_size", -64},
        {"hidden_size", 131073},
        {"num_hidden_layers", 1025},
        {"num_hidden_layers", 0},
        {"vocab_size", 2097153},
        {"max_position_embeddings", 1048577},
        {"intermediate_size", 131073},
        {"num_attention_heads", 0},
        {"num_key_value_heads", 0},
        {"num_key_value_heads", 3},
        {"num_key_value_heads", 8},
        {"head_dim", 0},
        {"head_dim", 15},
        {"head_dim", 65536},
        {"hidden_size", 1e300},
        {"hidden_size", 64.0},
        {"hidden_size", "64"},
        {"hidden_size", 18446744073709551615U},
        {"hidden_size", 4294967360},
        {"rms_norm_eps", 0},
        {"rms_norm_eps", -1e-5},
        {"rope_theta", "x"},
    };
    for (const auto& [key, value] : keys)
        EXPECT_THROW((void)described(with(llamaConfig(), key, value)), FormatError) << key << " " << value;
    EXPECT_THROW((void)described(with(without(llamaConfig(), "head_dim"), "num_attention_heads", 3)), FormatError);
    EXPECT_THROW((void)described(with(gpt2Config(), "n_head", 3)), FormatError);
}

TEST(HuggingFaceConfig, WarnsAboutTokensOutsideTheVocabulary)
{
    const ModelDescription description =
        described(with(with(llamaConfig(), "eos_token_id", {2, 128}), "bos_token_id", -1));
    EXPECT_EQ(description.config.eos, (std::vector<TokenId>{2}));
    EXPECT_EQ(description.config.bos, std::nullopt);
    EXPECT_EQ(description.warnings.size(), 2U);
}

TEST(ConfigDigest, DoesNotDependOnTheSpellingOfTheFile)
{
    Json inside = llama3Scaling();
    inside["rope_theta"] = 500000;
    const Json a = with(llamaConfig(), "rope_scaling", llama3Scaling());
    const Json b = with(without(llamaConfig(), "rope_theta"), "rope_parameters", inside);
    EXPECT_EQ(sha256OfConfig(described(a).config), sha256OfConfig(described(b).config));
}

TEST(ConfigDigest, ChangesWithEveryField)
{
    const TransformerConfig base = described(llamaConfig()).config;
    std::vector<TransformerConfig> others(20, base);
    std::size_t i = 0;
    others[i++].layers++;
    others[i++].dModel++;
    others[i++].heads++;
    others[i++].kvHeads++;
    others[i++].headDim++;
    others[i++].dFf++;
    others[i++].vocab++;
    others[i++].context++;
    others[i++].normEpsilon = 1.0000000000000001e-5 * 1.0000000000000002;
    others[i++].ropeTheta += 1;
    others[i++].ropeScaling.kind = RopeScaling::Kind::Linear;
    others[i++].ropeScaling.factor = 2;
    others[i++].ropeScaling.originalContext = 1;
    others[i++].ropeDivisors = {1};
    others[i++].tiedEmbeddings = false;
    others[i++].attentionBias = true;
    others[i++].mlpBias = true;
    others[i++].scaleAttentionByInverseLayer = true;
    others[i++].upcastAttention = true;
    others[i++].eos.push_back(4);
    ASSERT_EQ(i, others.size());
    std::vector<std::string> digests = {sha256OfConfig(base)};
    for (const TransformerConfig& other : others)
        digests.push_back(sha256OfConfig(other));
    std::sort(digests.begin(), digests.end());
    EXPECT_EQ(std::adjacent_find(digests.begin(), digests.end()), digests.end());
}

TEST(HuggingFaceConfig, CountsUnknownKeysInsteadOfNamingThousands)
{
    Json config = llamaConfig();
    const std::size_t before = described(config).warnings.size();
    for (int i = 0; i < 5000; ++i)
        config["key_" + std::to_string(i)] = "text";
    const std::vector<std::string> warnings = described(config).warnings;
    ASSERT_EQ(warnings.size(), before + 21);
    EXPECT_THAT(warnings.back(), HasSubstr("4980 more keys are not known"));
}

// --- GGUF -----------------------------------------------------------------------------------------------------

using test::Bytes;
using test::ggufF32;
using test::ggufText;
using test::ggufU32;

test::GgufFields llamaGguf()
{
    test::GgufFields fields;
    fields.metadata = {{"general.architecture", ggufText("llama")},
                       {"llama.block_count", ggufU32(1)},
                       {"llama.context_length", Bytes().u32(10).u64(64).str()}, // counts may be u64
                       {"llama.embedding_length", ggufU32(8)},
                       {"llama.feed_forward_length", ggufU32(16)},
                       {"llama.attention.head_count", ggufU32(2)},
                       {"llama.attention.head_count_kv", ggufU32(1)},
                       {"llama.attention.layer_norm_rms_epsilon", ggufF32(1e-5F)},
                       {"llama.rope.freq_base", ggufF32(1e4F)},
                       {"llama.rope.dimension_count", ggufU32(4)}};
    fields.tensors = {{"token_embd.weight", {8, 10}, 0, 320, {}}};
    return fields;
}

ModelDescription described(const test::GgufFields& fields)
{
    const test::TemporaryFolder folder;
    return describeGguf(GgufFile::open(folder.write("m.gguf", fields.bytes())));
}

test::GgufFields with(test::GgufFields fields, const std::string& key, const std::string& value)
{
    std::erase_if(fields.metadata, [&](const auto& entry) { return entry.first == key; });
    if (!value.empty())
        fields.metadata.emplace_back(key, value);
    return fields;
}

test::GgufFields gpt2Gguf()
{
    test::GgufFields fields;
    fields.metadata = {{"general.architecture", ggufText("gpt2")},  {"gpt2.block_count", ggufU32(1)},
                       {"gpt2.context_length", ggufU32(64)},        {"gpt2.embedding_length", ggufU32(8)},
                       {"gpt2.feed_forward_length", ggufU32(16)},   {"gpt2.attention.head_count", ggufU32(2)},
                       {"gpt2.attention.head_count_kv", ggufU32(2)}};
    fields.tensors = {{"token_embd.weight", {8, 10}, 0, 320, {}}};
    return fields;
}

// An array of 32-bit integers.
std::string ggufArray(const std::vector<std::uint32_t>& values)
{
    Bytes bytes;
    bytes.u32(9).u32(5).u64(values.size());
    for (const std::uint32_t value : values)
        bytes.u32(value);
    return bytes.str();
}

TEST(GgufConfig, TakesOneNumberForEachBlockIfTheyAreTheSame)
{
    for (const char* architecture : {"llama", "gpt2"}) {
        const std::string prefix = std::string(architecture) + ".";
        test::GgufFields fields = std::string(architecture) == "llama" ? llamaGguf() : gpt2Gguf();
        fields = with(std::move(fields), prefix + "block_count", ggufU32(3));
        const TransformerConfig plain = described(fields).config;
        const std::vector<std::pair<std::string, int>> keys = {{prefix + "attention.head_count", plain.heads},
                                                               {prefix + "attention.head_count_kv", plain.kvHeads},
                                                               {prefix + "feed_forward_length", plain.dFf}};
        for (const auto& [key, value] : keys) {
            const auto number = static_cast<std::uint32_t>(value);
            EXPECT_EQ(described(with(fields, key, ggufArray({number, number, number}))).config, plain) << key;
            EXPECT_THAT(test::messageOf<UnsupportedError>([&, key = key] {
                            (void)described(with(fields, key, ggufArray({number, number, number + 2})));
                        }),
                        AllOf(HasSubstr(key + " is " + std::to_string(number) + " for block 1 and " +
                                        std::to_string(number + 2)),
                              HasSubstr("blocks of different shape are not implemented")));
            for (const std::size_t count : {0U, 1U, 2U, 4U})
                EXPECT_THAT(test::messageOf<FormatError>([&, key = key] {
                                const std::vector<std::uint32_t> list(count, number);
                                (void)described(with(fields, key, ggufArray(list)));
                            }),
                            HasSubstr(key + " has " + std::to_string(count) + " entries for 3 blocks"));
            for (const std::uint32_t wrong : {0U, 4'000'000'000U, 2'000'000'000U})
                EXPECT_THAT(test::messageOf<FormatError>([&, key = key] {
                                (void)described(with(fields, key, ggufArray({wrong, wrong, wrong})));
                            }),
                            HasSubstr(key + " is "));
        }
    }
}

TEST(GgufConfig, ReadsALlama)
{
    const TransformerConfig config = described(llamaGguf()).config;
    EXPECT_EQ(config.layers, 1);
    EXPECT_EQ(config.context, 64);
    EXPECT_EQ(config.headDim, 4);
    EXPECT_EQ(config.kvHeads, 1);
    EXPECT_EQ(config.vocab, 10);
    EXPECT_EQ(config.normEpsilon, static_cast<double>(1e-5F));
    EXPECT_TRUE(config.tiedEmbeddings);
    EXPECT_FALSE(config.attentionBias);
}

TEST(GgufConfig, TakesTheIdsThatConvertersWriteForNoneAsNone)
{
    for (const std::string& none : {ggufU32(0xFFFFFFFF), Bytes().u32(5).u32(0xFFFFFFFF).str()}) {
        const ModelDescription description = described(with(llamaGguf(), "tokenizer.ggml.bos_token_id", none));
        EXPECT_FALSE(description.config.bos);
        EXPECT_THAT(description.warnings, testing::IsEmpty());
    }
    const auto outside = described(with(llamaGguf(), "tokenizer.ggml.bos_token_id", ggufU32(10)));
    EXPECT_EQ(outside.warnings.size(), 1U);
}

TEST(GgufConfig, ReadsLinearScaling)
{
    const auto fields =
        with(with(llamaGguf(), "llama.rope.scaling.type", ggufText("linear")), "llama.rope.scaling.factor", ggufF32(4));
    EXPECT_EQ(described(fields).config.ropeScaling.kind, RopeScaling::Kind::Linear);
    EXPECT_EQ(described(fields).config.ropeScaling.factor, 4);
}

TEST(GgufConfig, AcceptsASlidingWindowThatHidesNothing)
{
    for (const std::uint32_t window : {0U, 64U, 4096U}) // its context is 64
        EXPECT_NO_THROW((void)described(with(llamaGguf(), "llama.attention.sliding_window", ggufU32(window))))
            << window;
}

TEST(GgufConfig, RefusesWhatIsNotImplementedByName)
{
    const std::vector<std::pair<std::string, std::string>> keys = {
        {"general.architecture", ggufText("qwen2")},
        {"general.type", ggufText("adapter")},
        {"llama.expert_count", ggufU32(8)},
        {"llama.rope.dimension_count", ggufU32(2)},
        {"llama.rope.scaling.type", ggufText("yarn")},
        {"llama.rope.scaling.attn_factor", ggufF32(0.5F)},
        {"llama.attention.sliding_window", ggufU32(63)},
        {"llama.attn_logit_softcapping", ggufF32(50)},
        {"llama.attention.causal", Bytes().u32(7).u8(0).str()},
        {"llama.attention.value_length", ggufU32(2)},
        {"llama.logit_scale", ggufF32(0.5F)},
    };
    for (const auto& [key, value] : keys) {
        const auto fields = key == "llama.attention.value_length"
                                ? with(llamaGguf(), "llama.attention.key_length", ggufU32(4))
                                : llamaGguf();
        EXPECT_THROW((void)described(with(fields, key, value)), UnsupportedError) << key;
    }
}

TEST(GgufConfig, AcceptsKeysThatAreSwitchedOff)
{
    EXPECT_NO_THROW((void)described(with(llamaGguf(), "llama.expert_count", ggufU32(0))));
    EXPECT_NO_THROW((void)described(with(llamaGguf(), "llama.rope.scaling.type", ggufText("none"))));
}

TEST(GgufConfig, RefusesMissingKeysWrongTypesAndAbsurdSizes)
{
    for (const char* key :
         {"llama.block_count", "llama.context_length", "llama.embedding_length", "llama.feed_forward_length",
          "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon"})
        EXPECT_THROW((void)described(with(llamaGguf(), key, "")), FormatError) << key;
    for (const std::string& value :
         {ggufU32(0), ggufU32(1025), ggufText("2"), ggufF32(2), Bytes().u32(5).u32(~0U).str()})
        EXPECT_THROW((void)described(with(llamaGguf(), "llama.block_count", value)), FormatError);
    EXPECT_THROW((void)described(with(llamaGguf(), "llama.vocab_size", ggufU32(11))), FormatError);
    EXPECT_THROW((void)described(with(llamaGguf(), "llama.attention.head_count", ggufU32(3))), FormatError);
    EXPECT_THROW((void)described(with(llamaGguf(), "llama.rope.freq_base", ggufF32(-1))), FormatError);
}

TEST(GgufConfig, RefusesDivisorsThatAreNotPositiveOrNotTwoPerHead)
{
    auto fields = llamaGguf();
    fields.tensors.push_back({"rope_freqs.weight", {2}, 0, 8, {}}); // zeros
    EXPECT_THROW((void)described(fields), FormatError);
    fields.tensors.back() = {"rope_freqs.weight", {3}, 0, 12, {}};
    EXPECT_THROW((void)described(fields), ShapeError);
}

TEST(GgufConfig, RefusesOldQuantisationLayouts)
{
    auto fields = llamaGguf();
    fields.tensors.push_back({"q", {32, 1}, 2, 18, {}});
    EXPECT_THROW((void)described(with(fields, "general.quantization_version", ggufU32(1))), UnsupportedError);
    EXPECT_NO_THROW((void)described(with(fields, "general.quantization_version", ggufU32(2))));
}

}
}
