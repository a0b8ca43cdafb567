#include "engine/artifact/known_config_keys.h"

#include <algorithm>
#include <array>

namespace blockcert::artifact {

namespace {

constexpr std::array neutralKeys = {
    // Attention.
    NeutralKey{"add_cross_attention", ""},
    NeutralKey{"alibi", ""},
    NeutralKey{"attention_chunk_size", ""},
    NeutralKey{"attention_multiplier", ""},
    NeutralKey{"attention_out_bias", ""},
    NeutralKey{"attention_qkv_bias", ""},
    NeutralKey{"attention_type", ""},
    NeutralKey{"attn_logit_softcapping", ""},
    NeutralKey{"clip_qkv", ""},
    NeutralKey{"cross_attention_hidden_size", ""},
    NeutralKey{"is_causal", "true"},
    NeutralKey{"is_encoder_decoder", ""},
    NeutralKey{"no_rope_layers", ""},
    NeutralKey{"pruned_heads", ""},
    NeutralKey{"qk_layernorm", ""},
    NeutralKey{"qk_norm", ""},
    NeutralKey{"query_pre_attn_scalar", ""},
    NeutralKey{"scale_attn_weights", "true"},
    NeutralKey{"use_qk_norm", ""},
    // Positions.
    NeutralKey{"partial_rotary_factor", "1"},
    NeutralKey{"position_embedding_type", "\"rope\""},
    NeutralKey{"rope_interleaved", ""},
    NeutralKey{"rotary_pct", "1"},
    // Width, depth and multipliers.
    NeutralKey{"embedding_multiplier", "1"},
    NeutralKey{"final_logit_softcapping", ""},
    NeutralKey{"logit_scale", "1"},
    NeutralKey{"logits_scaling", "1"},
    NeutralKey{"norm_type", "\"rms_norm\""},
    NeutralKey{"parallel_residual", ""},
    NeutralKey{"pretraining_tp", "1"},
    NeutralKey{"residual_multiplier", "1"},
    NeutralKey{"tie_encoder_decoder", ""},
    NeutralKey{"use_parallel_residual", ""},
    // Experts.
    NeutralKey{"moe_intermediate_size", ""},
    NeutralKey{"n_routed_experts", ""},
    NeutralKey{"n_shared_experts", ""},
    NeutralKey{"num_experts", ""},
    NeutralKey{"num_experts_per_tok", ""},
    NeutralKey{"num_local_experts", ""},
    // Weights and code.
    NeutralKey{"auto_map", ""},
    NeutralKey{"compression_config", ""},
    NeutralKey{"quantization_config", ""},
};

constexpr std::array<std::string_view, 62> harmlessKeys = {
    "architectures", // read elsewhere
    "attention_dropout",
    "attn_pdrop",
    "bad_words_ids",
    "begin_suppress_tokens",
    "chunk_size_feed_forward",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "embd_pdrop",
    "encoder_no_repeat_ngram_size",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "gradient_checkpointing",
    "hidden_dropout",
    "id2label",
    "initializer_range",
    "is_decoder",
    "is_llama_config",
    "keys_to_ignore_at_inference",
    "label2id",
    "length_penalty",
    "max_length",
    "max_sequence_length",
    "min_length",
    "model_max_length",
    "n_ctx",
    "neftune_noise_alpha",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_labels",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "prefix",
    "problem_type",
    "remove_invalid_values",
    "repetition_penalty",
    "resid_pdrop",
    "return_dict",
    "return_dict_in_generate",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "typical_p",
    "unsloth_fixed",
    "unsloth_version",
    "use_bfloat16",
    "use_cache",
    "use_return_dict",
    "attn_implementation",
};

}

const NeutralKey* findNeutralKey(std::string_view key)
{
    const auto* found = std::find_if(neutralKeys.begin(), neutralKeys.end(),
                                     [key](const NeutralKey& entry) { return entry.key == key; });
    return found == neutralKeys.end() ? nullptr : found;
}

bool isHarmlessKey(std::string_view key)
{
    return key.starts_with('_') || key.starts_with("summary_") || key.ends_with("_token_id") ||
           key.ends_with("_dropout") || std::find(harmlessKeys.begin(), harmlessKeys.end(), key) != harmlessKeys.end();
}

}
