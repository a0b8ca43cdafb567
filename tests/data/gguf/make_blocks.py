"""Makes blocks.safetensors and rope.safetensors: reference values of the `gguf` package and of transformers.

Needs numpy, torch, transformers, safetensors and gguf. For every quantised type T: `T.blocks` U8 [n, bytes of a block], random
bytes whose scales are finite halves (subnormal and negative ones among them), and `T.values` F32 [n, elements], what
gguf.quants.dequantize makes of them. For every RoPE setting R: `R.cosine`, `R.sine` F32 (and `R.bf16.…`) [positions, head_dim / 2]
at the positions in `R.positions`, from LlamaRotaryEmbedding.
"""

from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

HERE = Path(__file__).resolve().parent
# type -> byte offsets of its half-precision scales
TYPES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
POSITIONS = list(range(16)) + [100, 1000, 4095, 8191]
LLAMA3 = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8192}
ROPES = {
    "plain": (64, 10000.0, {"rope_type": "default"}),
    "smollm": (64, 100000.0, {"rope_type": "default"}),
    "linear": (80, 10000.0, {"rope_type": "linear", "factor": 4.0}),
    "llama3": (128, 500000.0, LLAMA3),
}


def blocks():
    generator = np.random.Generator(np.random.PCG64(7))
    tensors = {}
    for name, scales in TYPES.items():
        type_ = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[type_]
        count = 48 if elements == 32 else 12
        raw = generator.integers(0, 256, (count, size), dtype=np.uint8)
        for offset in scales:
            halves = generator.integers(0, 0x10000, count, dtype=np.uint16)
            halves = np.where((halves & 0x7C00) == 0x7C00, halves & 0x83FF, halves)  # infinite or NaN -> subnormal
            raw[:, offset:offset + 2] = halves.astype("<u2").view(np.uint8).reshape(count, 2)
        values = gguf.quants.dequantize(raw, type_).astype(np.float32).reshape(count, elements)
        assert np.isfinite(values).all()
        tensors[f"{name}.blocks"] = torch.from_numpy(raw)
        tensors[f"{name}.values"] = torch.from_numpy(values.copy())
    save_file(tensors, str(HERE / "blocks.safetensors"))


def ropes():
    tensors = {}
    for name, (head_dim, theta, scaling) in ROPES.items():
        config = LlamaConfig(hidden_size=head_dim, num_attention_heads=1, head_dim=head_dim, max_position_embeddings=131072,
                             rope_parameters=scaling | {"rope_theta": theta})
        rotary = LlamaRotaryEmbedding(config)
        positions = torch.tensor([POSITIONS])
        tensors[f"{name}.positions"] = positions[0].clone()
        tensors[f"{name}.frequencies"] = rotary.inv_freq.clone()
        for suffix, dtype in [("", torch.float32), (".bf16", torch.bfloat16)]:
            cosine, sine = rotary(torch.zeros(1, dtype=dtype), positions)
            half = head_dim // 2
            tensors[f"{name}{suffix}.cosine"] = cosine[0, :, :half].contiguous()
            tensors[f"{name}{suffix}.sine"] = sine[0, :, :half].contiguous()
    save_file(tensors, str(HERE / "rope.safetensors"))


if __name__ == "__main__":
    blocks()
    ropes()
