"""Makes reference.json and noise.json: what NumPy and the `gguf` package make of surrogates (NumPy 2, gguf 0.19.0).

Needs numpy, safetensors and gguf. reference.json: block 1 of the tiny model `llama-gqa` replaced by each surrogate, the model written
down once more in NumPy in double and held against the logits of transformers (expected.safetensors) before anything is recorded. For
every surrogate: `distances` {weight: ‖W − Ŵ‖_F}, and for both prompts `error`, the distance of the replaced block's output from
the block's own at every token, and `losses`, the negative log likelihoods of tokens 1 … S−1 with the block replaced. `spectra` are the
singular values of block 1's matrices; `gpt2_distances` those of the tiny model `gpt2` at low rank.

noise.json: the first normal numbers of seed 7, stream 3, by a 64-bit Mersenne Twister written from its published recurrence.
"""

import json
import math
from pathlib import Path

import gguf
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent / "models"
BLOCK = 1
ATTENTION = ["q", "k", "v", "o"]
MLP = ["gate", "up", "down"]
NAMES = {"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
         "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
         "attn_norm": "input_layernorm", "mlp_norm": "post_attention_layernorm"}


class Llama:
    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        raw = load_file(folder / "model.safetensors")
        self.raw = {name: value.astype(np.float64) for name, value in raw.items()}

    def block(self, layer):
        return {role: self.raw[f"model.layers.{layer}.{name}.weight"] for role, name in NAMES.items()}

    def tables(self, tokens):
        half = self.config["head_dim"] // 2
        inverse = (1.0 / np.float32(self.config["rope_theta"]) ** (np.arange(half, dtype=np.float32) / np.float32(half)))
        angle = np.arange(tokens, dtype=np.float32)[:, None] * inverse[None, :].astype(np.float32)
        return np.cos(angle).astype(np.float64), np.sin(angle).astype(np.float64)

    def norm(self, x, weight):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.config["rms_norm_eps"]) * weight

    def run_block(self, x, w, mask, cos, sin):
        c = self.config
        tokens, heads, kv, size = len(x), c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]

        def rotated(rows, count):
            rows = rows.reshape(tokens, count, size)
            a, b = rows[..., :size // 2], rows[..., size // 2:]
            return np.concatenate([a * cos[:, None] - b * sin[:, None], b * cos[:, None] + a * sin[:, None]], -1)

        n = self.norm(x, w["attn_norm"])
        q, k = rotated(n @ w["q"].T, heads), rotated(n @ w["k"].T, kv)
        v = (n @ w["v"].T).reshape(tokens, kv, size)
        mixed = np.zeros((tokens, heads, size))
        for head in range(heads):
            scores = q[:, head] @ k[:, head // (heads // kv)].T / math.sqrt(size)
            for t in range(tokens):
                allowed = np.flatnonzero(mask[t])
                if len(allowed):
                    weights = np.exp(scores[t, allowed] - scores[t, allowed].max())
                    mixed[t, head] = weights / weights.sum() @ v[allowed, head // (heads // kv)]
        h = x + mixed.reshape(tokens, -1) @ w["o"].T
        m = self.norm(h, w["mlp_norm"])
        gate = m @ w["gate"].T
        return h + (gate / (1 + np.exp(-gate)) * (m @ w["up"].T)) @ w["down"].T

    def run(self, ids, replaced=None, mask=None, tables=None):
        """Logits and the outputs of all blocks; block BLOCK may have other weights, another mask, other tables."""
        causal = np.tril(np.ones((len(ids), len(ids)), dtype=bool))
        x, outputs = self.raw["model.embed_tokens.weight"][ids], []
        for layer in range(self.config["num_hidden_layers"]):
            mine = layer == BLOCK
            cos, sin = tables if mine and tables is not None else self.tables(len(ids))
            x = self.run_block(x, replaced if mine and replaced is not None else self.block(layer),
                               mask if mine and mask is not None else causal, cos, sin)
            outputs.append(x)
        return self.norm(x, self.raw["model.norm.weight"]) @ self.raw["model.embed_tokens.weight"].T, outputs


def losses(logits, ids):
    rows = logits[:-1]
    most = rows.max(-1, keepdims=True)
    return (most[:, 0] + np.log(np.exp(rows - most).sum(-1)) - rows[np.arange(len(ids) - 1), ids[1:]]).tolist()


def truncated(matrix, rank):
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return ((left[:, :rank] * values[:rank]) @ right[:rank]).astype(np.float32).astype(np.float64)


def quantised(matrix, name):
    type_ = gguf.GGMLQuantizationType[name]
    blocks = gguf.quants.quantize(matrix.astype(np.float32), type_)
    return gguf.quants.dequantize(blocks, type_).astype(np.float64)


def surrogates(model):
    """text of --surrogate or --ablate -> weights of the block, mask and tables as functions of the number of tokens."""
    own = model.block(BLOCK)

    def reduced(names, make):
        return {role: make(matrix) if role in names else matrix for role, matrix in own.items()}

    def ablated(mask=None, tables=None, **weights):
        return {**own, **weights}, mask, tables

    made = {}
    for text, names, rank in (("low-rank:4:attn", ATTENTION, 4), ("low-rank:9:mlp", MLP, 9), ("low-rank:20:all", ATTENTION + MLP, 20)):
        made[text] = (reduced(names, lambda m, rank=rank: truncated(m, rank) if rank < min(m.shape) else m), None, None)
    for name in ("Q8_0", "Q5_1", "Q4_0", "Q4_1"):
        made[f"quant:{name}"] = (reduced(ATTENTION + MLP, lambda m, name=name: quantised(m, name)), None, None)
    half = model.config["head_dim"] // 2
    made["drop-rope"] = ablated(tables=lambda n: (np.ones((n, half)), np.zeros((n, half))))
    made["invert-mask"] = ablated(mask=lambda n: np.triu(np.ones((n, n), dtype=bool), 1))
    made["zero-wv"] = ablated(v=np.zeros_like(own["v"]))
    return made


def reference():
    model = Llama(MODELS / "llama-gqa")
    with safe_open(MODELS / "llama-gqa" / "expected.safetensors", "numpy") as file:
        expected = {f"prompt{p}.{what}": file.get_tensor(f"prompt{p}.{what}") for p in (0, 1) for what in ("token_ids", "logits")}
    prompts = [expected[f"prompt{p}.token_ids"] for p in (0, 1)]
    for p, ids in enumerate(prompts):
        assert np.abs(model.run(ids)[0] - expected[f"prompt{p}.logits"]).max() < 5e-5
    own = model.block(BLOCK)
    rows = {}
    for text, (weights, mask, tables) in surrogates(model).items():
        row = {"distances": {f"{role}.weight": float(np.linalg.norm(own[role] - weights[role]))
                             for role in weights if not np.array_equal(own[role], weights[role])}, "prompts": []}
        for ids in prompts:
            x = model.run(ids)[1][BLOCK - 1]
            y = model.run(ids)[1][BLOCK]
            n = len(ids)
            logits, outputs = model.run(ids, weights, mask(n) if mask else None, tables(n) if tables else None)
            assert np.array_equal(outputs[BLOCK - 1], x)
            row["prompts"].append({"error": np.linalg.norm(outputs[BLOCK] - y, axis=-1).tolist(), "losses": losses(logits, ids)})
        rows[text] = row
    spectra = {f"{role}.weight": np.linalg.svd(own[role], compute_uv=False).tolist() for role in ATTENTION + MLP}
    raw = load_file(MODELS / "gpt2" / "model.safetensors")
    block = {name.split(f"h.{BLOCK}.")[1]: value.astype(np.float64) for name, value in raw.items() if f"h.{BLOCK}." in name}
    q, k, v = np.split(block["attn.c_attn.weight"].T, 3)
    matrices = {"q": q, "k": k, "v": v, "o": block["attn.c_proj.weight"].T, "up": block["mlp.c_fc.weight"].T,
                "down": block["mlp.c_proj.weight"].T}
    gpt2 = {f"{role}.weight": float(np.linalg.norm(m - truncated(m, 5))) for role, m in matrices.items()}
    ids = [prompt.tolist() for prompt in prompts]
    return {"token_ids": ids, "surrogates": rows, "spectra": spectra, "gpt2_distances": gpt2}


class Twister64:
    """MT19937-64, Nishimura and Matsumoto 2004."""

    MASK = (1 << 64) - 1

    def __init__(self, seed):
        self.state = [seed & self.MASK]
        for i in range(1, 312):
            previous = self.state[-1]
            self.state.append((6364136223846793005 * (previous ^ (previous >> 62)) + i) & self.MASK)
        self.at = 312

    def __call__(self):
        if self.at == 312:
            s = self.state
            for i in range(312):
                x = (s[i] & 0xFFFFFFFF80000000) | (s[(i + 1) % 312] & 0x7FFFFFFF)
                s[i] = s[(i + 156) % 312] ^ (x >> 1) ^ (0xB5026F5AA96619E9 if x & 1 else 0)
            self.at = 0
        x = self.state[self.at]
        self.at += 1
        x ^= (x >> 29) & 0x5555555555555555
        x ^= (x << 17) & 0x71D67FFFEDA60000 & self.MASK
        x ^= (x << 37) & 0xFFF7EEE000000000 & self.MASK
        return x ^ (x >> 43)


def mixed(value):
    """splitmix64's step, as docs/run-directory.md names it."""
    mask = (1 << 64) - 1
    value = (value + 0x9E3779B97F4A7C15) & mask
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
    return value ^ (value >> 31)


def noise(seed, stream, count):
    twister = Twister64(mixed(mixed(seed) ^ stream))
    numbers = []
    while len(numbers) < count:
        u, v = ((twister() >> 11) * 2.0 ** -52 - 1 for _ in range(2))
        square = u * u + v * v
        if 0 < square < 1:
            factor = math.sqrt(-2 * math.log(square) / square)
            numbers += [u * factor, v * factor]
    return numbers[:count]


def main():
    (HERE / "reference.json").write_text(json.dumps(reference(), indent=1) + "\n")
    (HERE / "noise.json").write_text(json.dumps({"seed": 7, "stream": 3, "numbers": noise(7, 3, 1000)}) + "\n")


main()
