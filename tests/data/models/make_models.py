"""Makes the tiny models of this folder and what transformers computes with them.

Run by hand when a variant is added; needs torch, transformers, accelerate, tokenizers, safetensors, gguf and numpy. The weights come from
numpy's PCG64 with fixed seeds, so a second run gives the same model files. README.md describes the layout.
"""

import hashlib
import json
import shutil
import struct
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

HERE = Path(__file__).resolve().parent
VOCABULARY = 288
CONTEXT = 64
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

PROMPTS = [[72, 101, 108, 108, 111], [5, 280, 17, 17, 199, 256, 3, 91, 142, 0, 63, 287]]


# --- tokenizer -------------------------------------------------------------------------------------------------

MERGES = ["Ġ t", "h e", "i n", "r e", "o n", "Ġt he", "Ġ a", "e r", "a t", "Ġ s", "o r", "e n", "i s", "Ġ w", "Ġ c", "n d",
          "Ġ b", "o u", "Ġ o", "in g", "Ġ p", "Ġ f", "Ġ m", "e s", "Ġ in", "l l", "Ġ d", "i t", "Ġa nd"]
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
                 "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def vocabulary():
    tokens = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens += [merge.replace(" ", "") for merge in MERGES] + SPECIALS
    assert len(tokens) == VOCABULARY and len(set(tokens)) == VOCABULARY
    return tokens


def write_tokenizer(folder):
    ids = {token: index for index, token in enumerate(vocabulary())}
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=[tuple(merge.split(" ")) for merge in MERGES]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIALS])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": SPECIALS[0], "eos_token": SPECIALS[2],
                "model_max_length": CONTEXT, "chat_template": CHAT_TEMPLATE, "clean_up_tokenization_spaces": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


# --- weights ---------------------------------------------------------------------------------------------------


def normal(generator, shape, deviation, mean=0.0):
    return torch.from_numpy((mean + deviation * generator.standard_normal(shape)).astype(np.float64))


def llama_weights(seed, d=32, heads=4, kv=2, hd=8, ff=64, layers=2, tied=True, attention_bias=False, mlp_bias=False):
    g = np.random.Generator(np.random.PCG64(seed))
    w = {"model.embed_tokens.weight": normal(g, (VOCABULARY, d), 0.5)}
    for layer in range(layers):
        p = f"model.layers.{layer}."
        w[p + "input_layernorm.weight"] = normal(g, (d,), 0.1, 1.0)
        for name, rows, columns, gain in [("q_proj", heads * hd, d, 1.5), ("k_proj", kv * hd, d, 1.5),
                                          ("v_proj", kv * hd, d, 1.0), ("o_proj", d, heads * hd, 0.7)]:
            w[p + f"self_attn.{name}.weight"] = normal(g, (rows, columns), gain / columns**0.5)
            if attention_bias:
                w[p + f"self_attn.{name}.bias"] = normal(g, (rows,), 0.2)
        w[p + "post_attention_layernorm.weight"] = normal(g, (d,), 0.1, 1.0)
        for name, rows, columns in [("gate_proj", ff, d), ("up_proj", ff, d), ("down_proj", d, ff)]:
            w[p + f"mlp.{name}.weight"] = normal(g, (rows, columns), 1.0 / columns**0.5)
            if mlp_bias:
                w[p + f"mlp.{name}.bias"] = normal(g, (rows,), 0.2)
    w["model.norm.weight"] = normal(g, (d,), 0.1, 1.0)
    if not tied:
        w["lm_head.weight"] = normal(g, (VOCABULARY, d), 0.5)
    return w


def llama_config(d=32, heads=4, kv=2, hd=8, ff=64, layers=2, tied=True, **more):
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": d, "intermediate_size": ff,
            "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv, "head_dim": hd,
            "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "vocab_size": VOCABULARY,
            "max_position_embeddings": CONTEXT, "tie_word_embeddings": tied, "attention_bias": False, "mlp_bias": False,
            "bos_token_id": 285, "eos_token_id": 287, "torch_dtype": "float32", "use_cache": True, **more}


def gpt2_weights(seed, d=32, layers=3, prefix="transformer."):
    g = np.random.Generator(np.random.PCG64(seed))
    w = {prefix + "wte.weight": normal(g, (VOCABULARY, d), 0.5), prefix + "wpe.weight": normal(g, (CONTEXT, d), 0.2)}
    for layer in range(layers):
        p = f"{prefix}h.{layer}."
        for norm in ("ln_1", "ln_2"):
            w[p + norm + ".weight"] = normal(g, (d,), 0.1, 1.0)
            w[p + norm + ".bias"] = normal(g, (d,), 0.1)
        for name, rows, columns, gain in [("attn.c_attn", d, 3 * d, 1.3), ("attn.c_proj", d, d, 0.7),
                                          ("mlp.c_fc", d, 4 * d, 1.0), ("mlp.c_proj", 4 * d, d, 1.0)]:
            w[p + name + ".weight"] = normal(g, (rows, columns), gain / rows**0.5)
            w[p + name + ".bias"] = normal(g, (columns,), 0.2)
    w[prefix + "ln_f.weight"] = normal(g, (d,), 0.1, 1.0)
    w[prefix + "ln_f.bias"] = normal(g, (d,), 0.1)
    return w


def gpt2_config(d=32, layers=3, **more):
    return {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": d, "n_layer": layers, "n_head": 4,
            "n_positions": CONTEXT, "n_ctx": CONTEXT, "n_inner": None, "vocab_size": VOCABULARY, "layer_norm_epsilon": 1e-5,
            "activation_function": "gelu_new", "attn_pdrop": 0.1, "embd_pdrop": 0.1, "resid_pdrop": 0.1,
            "bos_token_id": 285, "eos_token_id": 285, "initializer_range": 0.02, "use_cache": True, **more}


def cast(weights, dtype):
    return {name: tensor.to(dtype).contiguous() for name, tensor in weights.items()}


# --- what transformers says ------------------------------------------------------------------------------------


def blocks_of(model):
    inner = model.model.layers if hasattr(model, "model") else model.transformer.h
    return [(block, block.self_attn if hasattr(block, "self_attn") else block.attn, block.mlp) for block in inner]


def first(output):
    return output[0] if isinstance(output, tuple) else output


def run(model, ids):
    """Logits [token, vocab] and per block the outputs of block, attention and MLP sublayer, each [token, d]."""
    records, handles = {}, []
    for index, (block, attention, mlp) in enumerate(blocks_of(model)):
        for role, module in [("output", block), ("attention_output", attention), ("mlp_output", mlp)]:
            def keep(_, __, output, key=f"block{index:02d}.{role}"):
                records[key] = first(output)[0].detach().clone()
            handles.append(module.register_forward_hook(keep))
    with torch.no_grad():
        records["logits"] = model(torch.tensor([ids]), use_cache=False).logits[0]
    for handle in handles:
        handle.remove()
    return records


def weights_by_role(model):
    """Every weight under the name this project gives it, matrices [out, in], as transformers holds them."""
    state, config = model.state_dict(), model.config
    if config.model_type == "llama":
        roles = {"token_embedding.weight": state["model.embed_tokens.weight"], "final_norm.weight": state["model.norm.weight"],
                 "lm_head.weight": state["lm_head.weight"]}
        names = {"attn_norm": "input_layernorm", "q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj",
                 "o": "self_attn.o_proj", "mlp_norm": "post_attention_layernorm", "gate": "mlp.gate_proj", "up": "mlp.up_proj",
                 "down": "mlp.down_proj"}
        for layer in range(config.num_hidden_layers):
            for role, name in names.items():
                for kind in ("weight", "bias"):
                    if (tensor := state.get(f"model.layers.{layer}.{name}.{kind}")) is not None:
                        roles[f"{layer}.{role}.{kind}"] = tensor
        return roles
    roles = {"token_embedding.weight": state["transformer.wte.weight"], "position_embedding.weight": state["transformer.wpe.weight"],
             "final_norm.weight": state["transformer.ln_f.weight"], "final_norm.bias": state["transformer.ln_f.bias"],
             "lm_head.weight": state["lm_head.weight"]}
    names = {"attn_norm": "ln_1", "o": "attn.c_proj", "mlp_norm": "ln_2", "up": "mlp.c_fc", "down": "mlp.c_proj"}
    for layer in range(config.n_layer):
        for kind in ("weight", "bias"):
            for role, name in names.items():
                tensor = state[f"transformer.h.{layer}.{name}.{kind}"]
                roles[f"{layer}.{role}.{kind}"] = tensor.T if tensor.ndim == 2 else tensor
            for role, part in zip("qkv", state[f"transformer.h.{layer}.attn.c_attn.{kind}"].chunk(3, dim=-1)):
                roles[f"{layer}.{role}.{kind}"] = part.T if part.ndim == 2 else part
    return roles


DIGESTS = {}


def write_expected(folder, model, half_models=()):
    model.eval()
    DIGESTS[folder.name] = {role: hashlib.sha256(tensor.to(torch.float32).contiguous().numpy().tobytes()).hexdigest()[:16]
                            for role, tensor in weights_by_role(model).items()}
    tensors = {}
    for index, ids in enumerate(PROMPTS):
        tensors[f"prompt{index}.token_ids"] = torch.tensor(ids, dtype=torch.int64)
        for key, value in run(model, ids).items():
            tensors[f"prompt{index}.{key}"] = value.to(torch.float32).contiguous()
        for name, half in half_models:
            for key, value in run(half, ids).items():
                tensors[f"prompt{index}.{name}.{key}"] = value.contiguous()
    largest = max(float(tensors[f"prompt{index}.logits"].abs().max()) for index in range(len(PROMPTS)))
    assert 1.0 < largest < 30.0, (folder.name, largest)
    assert all(torch.isfinite(value.float()).all() for value in tensors.values())
    save_file(tensors, str(folder / "expected.safetensors"))
    print(f"{folder.name:28s} largest logit {largest:.2f}")


def load(folder, dtype=torch.float32):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()


def halves(folder):
    return [("bf16", load(folder, torch.bfloat16)), ("f16", load(folder, torch.float16))]


# --- folders ---------------------------------------------------------------------------------------------------


def fresh(name):
    folder = HERE / name
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


def write_config(folder, config):
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def safetensors_model(name, weights, config, dtype=torch.float32, tokenizer=False, half=False, extra=None):
    folder = fresh(name)
    write_config(folder, config)
    save_file(cast(weights, dtype) | (extra or {}), str(folder / "model.safetensors"), metadata={"format": "pt"})
    if tokenizer:
        write_tokenizer(folder)
    write_expected(folder, load(folder), halves(folder) if half else ())
    return folder


def sharded_model(name, weights, config):
    folder = fresh(name)
    write_config(folder, config)
    weights, names = cast(weights, torch.float32), sorted(weights)
    count, where = 3, {}
    for part in range(count):
        file = f"model-{part + 1:05d}-of-{count:05d}.safetensors"
        mine = names[part::count]
        save_file({key: weights[key] for key in mine}, str(folder / file), metadata={"format": "pt"})
        where |= {key: file for key in mine}
    total = sum(value.numel() * 4 for value in weights.values())
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": dict(sorted(where.items()))}, indent=2) + "\n")
    write_expected(folder, load(folder))


def unaligned_model(name, weights, config):
    """As files were before writers padded the header: the first tensor begins at an odd offset."""
    folder = fresh(name)
    write_config(folder, config)
    header, data = {}, b""
    for key, value in cast(weights, torch.float32).items():
        raw = value.numpy().tobytes()
        header[key] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (1 - len(text) % 2)
    assert (8 + len(text)) % 2 == 1
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    write_expected(folder, load(folder))


# --- GGUF ------------------------------------------------------------------------------------------------------


def permute(tensor, heads):
    rows = tensor.shape[0]
    return tensor.reshape(heads, 2, rows // heads // 2, *tensor.shape[1:]).swapaxes(1, 2).reshape(tensor.shape)


LLAMA_NAMES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
               "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
               "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
GPT2_NAMES = {"ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
              "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}


def gguf_name(name):
    parts = name.split(".")
    if parts[0] in ("model", "transformer"):
        parts = parts[1:]
    if parts[0] in ("layers", "h"):
        table = LLAMA_NAMES if parts[0] == "layers" else GPT2_NAMES
        return f"blk.{parts[1]}.{table['.'.join(parts[2:-1])]}.{parts[-1]}"
    top = {"embed_tokens": "token_embd", "wte": "token_embd", "wpe": "position_embd", "norm": "output_norm",
           "ln_f": "output_norm", "lm_head": "output"}
    return f"{top[parts[0]]}.{parts[-1]}"


def stored_type(array, kind):
    """Norms, biases and positions stay F32, as llama.cpp's converter leaves them."""
    return gguf.GGMLQuantizationType.F32 if array.ndim == 1 else kind


def gguf_tensors(weights, config, kind):
    """[(name, array as stored, type)] and the weights as read back, under their transformers names."""
    stored, readBack = [], {}
    for name, tensor in weights.items():
        array = tensor.to(torch.float32).numpy()
        if config["model_type"] == "gpt2" and name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
            array = np.ascontiguousarray(array.T)
        if ".q_proj." in name:
            array = permute(array, config["num_attention_heads"])
        if ".k_proj." in name:
            array = permute(array, config["num_key_value_heads"])
        type_ = gguf.GGMLQuantizationType.F32 if name.endswith("wpe.weight") else stored_type(array, kind)
        blob = gguf.quants.quantize(np.ascontiguousarray(array), type_)
        stored.append((gguf_name(name), blob, type_))
        # Quantisation works along a row, and permuting rows does not change one: quantise the original as well.
        original = tensor.to(torch.float32).numpy()
        if config["model_type"] == "gpt2":
            readBack[name] = tensor.to(torch.float32)
        else:
            readBack[name] = torch.from_numpy(
                gguf.quants.dequantize(gguf.quants.quantize(original, type_), type_).reshape(original.shape).copy())
    return stored, readBack


def metadata(writer, config, name):
    writer.add_name(name)
    if config["model_type"] == "llama":
        writer.add_context_length(CONTEXT)
        writer.add_embedding_length(config["hidden_size"])
        writer.add_block_count(config["num_hidden_layers"])
        writer.add_feed_forward_length(config["intermediate_size"])
        writer.add_head_count(config["num_attention_heads"])
        writer.add_head_count_kv(config["num_key_value_heads"])
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])
        writer.add_rope_dimension_count(config["head_dim"])
        writer.add_rope_freq_base(config["rope_theta"])
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
        writer.add_vocab_size(VOCABULARY)
    else:
        writer.add_context_length(CONTEXT)
        writer.add_embedding_length(config["n_embd"])
        writer.add_block_count(config["n_layer"])
        writer.add_feed_forward_length(4 * config["n_embd"])
        writer.add_head_count(config["n_head"])
        writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary())
    writer.add_token_types([1] * (VOCABULARY - len(SPECIALS)) + [3] * len(SPECIALS))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_chat_template(CHAT_TEMPLATE)


def gguf_model(name, weights, config, kind, divisors=None, split=False):
    folder = fresh(name)
    stored, readBack = gguf_tensors(weights, config, kind)
    if divisors is not None:
        stored.insert(0, ("rope_freqs.weight", divisors, gguf.GGMLQuantizationType.F32))
    shards = {"split_max_tensors": (len(stored) + 1) // 2} if split else {}
    file = folder / ("tiny.gguf")
    writer = gguf.GGUFWriter(str(file), config["model_type"], **shards)
    metadata(writer, config, name)
    for tensorName, blob, type_ in stored:
        quantised = type_ not in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16)
        writer.add_tensor(tensorName, blob, raw_dtype=type_ if quantised else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    if config["model_type"] == "gpt2":
        model = GPT2LMHeadModel(GPT2Config(**config, attn_implementation="eager"))
    else:
        model = LlamaForCausalLM(LlamaConfig(**config, attn_implementation="eager"))
    model.tie_weights()
    missing, unexpected = model.load_state_dict(readBack, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    if divisors is not None:
        rotary = model.model.rotary_emb
        rotary.inv_freq = rotary.inv_freq / torch.from_numpy(divisors)
    write_expected(folder, model)
    # transformers' own GGUF reader agrees where it reads enough: it knows neither split files nor rope_freqs, and takes
    # GPT-2's context to be 1024 whatever the metadata says.
    if config["model_type"] == "llama" and not split and divisors is None:
        other = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file.name, dtype=torch.float32,
                                                     attn_implementation="eager").eval()
        for ids in PROMPTS:
            difference = (run(other, ids)["logits"] - run(model, ids)["logits"]).abs().max()
            assert difference < 1e-5, (name, difference)


def llama3_divisors(theta, hd, factor, low, high, original):
    out = []
    for i in range(hd // 2):
        wavelength = 2 * np.pi * theta ** (2 * i / hd)
        if wavelength < original / high:
            out.append(1.0)
        elif wavelength > original / low:
            out.append(factor)
        else:
            smooth = (original / wavelength - low) / (high - low)
            out.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(out, dtype=np.float32)


def main():
    # GPT-2
    safetensors_model("gpt2", gpt2_weights(11), gpt2_config(), tokenizer=True, half=True)
    mask = torch.tril(torch.ones(CONTEXT, CONTEXT)).reshape(1, 1, CONTEXT, CONTEXT)
    buffers = {f"h.{layer}.attn.bias": mask.clone() for layer in range(2)}
    buffers |= {f"h.{layer}.attn.masked_bias": torch.tensor(-1e4) for layer in range(2)}
    safetensors_model("gpt2-bare", gpt2_weights(12, layers=2, prefix=""), gpt2_config(layers=2), extra=buffers)
    safetensors_model("gpt2-inverse-layer", gpt2_weights(13), gpt2_config(scale_attn_by_inverse_layer_idx=True), half=True)
    safetensors_model("gpt2-upcast", gpt2_weights(14, layers=2),
                      gpt2_config(layers=2, scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True), half=True)
    gguf_model("gpt2-gguf-f32", gpt2_weights(15, layers=2), gpt2_config(layers=2), gguf.GGMLQuantizationType.F32)

    # Llama in safetensors
    safetensors_model("llama-gqa", llama_weights(21, layers=3), llama_config(layers=3), tokenizer=True, half=True)
    mqa = dict(kv=1, hd=12, layers=2, tied=False)
    safetensors_model("llama-mqa-untied", llama_weights(22, **mqa), llama_config(**mqa))
    sharded_model("llama-sharded", llama_weights(23, tied=False), llama_config(tied=False))
    safetensors_model("llama-bf16", llama_weights(24), llama_config(torch_dtype="bfloat16"), torch.bfloat16, tokenizer=True,
                      half=True)
    safetensors_model("llama-f16", llama_weights(25), llama_config(torch_dtype="float16"), torch.float16)
    safetensors_model("llama-f64", llama_weights(26), llama_config(torch_dtype="float64"), torch.float64)
    safetensors_model("llama-bias", llama_weights(27, attention_bias=True, mlp_bias=True),
                      llama_config() | {"attention_bias": True, "mlp_bias": True})
    unaligned_model("llama-unaligned", llama_weights(28), llama_config())
    scaling = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    eos, wide = {"eos_token_id": [287, 285]}, {"max_position_embeddings": 128}
    safetensors_model("llama3-rope-old", llama_weights(29), llama_config(rope_scaling=scaling | {"rope_type": "llama3"}) | eos | wide)
    new = llama_config(rope_parameters=scaling | {"rope_type": "llama3", "rope_theta": 10000.0}, dtype="float32") | eos | wide
    del new["rope_theta"], new["torch_dtype"]
    safetensors_model("llama3-rope-new", llama_weights(29), new)
    safetensors_model("llama-linear-rope", llama_weights(30), llama_config(rope_scaling={"type": "linear", "factor": 2.0}))

    # Llama in GGUF
    types = gguf.GGMLQuantizationType
    gguf_model("llama-gguf-f32", llama_weights(31), llama_config(), types.F32)
    gguf_model("llama-gguf-f16", llama_weights(32, tied=False), llama_config(tied=False), types.F16)
    gguf_model("llama-gguf-q8_0", llama_weights(33), llama_config(), types.Q8_0)
    gguf_model("llama-gguf-rope-freqs", llama_weights(34), llama_config(), types.F32,
               divisors=llama3_divisors(10000.0, 8, 8.0, 1.0, 4.0, 64))
    gguf_model("llama-gguf-split", llama_weights(35), llama_config(), types.F32, split=True)
    assert (load_file(HERE / "llama3-rope-old/expected.safetensors")["prompt1.logits"]
            == load_file(HERE / "llama3-rope-new/expected.safetensors")["prompt1.logits"]).all()
    (HERE / "weights.json").write_text(json.dumps(DIGESTS, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
