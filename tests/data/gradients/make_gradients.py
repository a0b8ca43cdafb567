"""Gradients of the summed loss at the outputs of all blocks of the tiny models, by PyTorch's automatic differentiation.

Run by hand; needs torch, transformers and safetensors. Everything is computed in double from the models' own weights.
Writes gradients.safetensors, for MODEL of MODELS and P = 0, 1:

    MODEL.promptP.token_ids    I64 [S]
    MODEL.promptP.loss         F64 [1]        summed NLL of tokens 1 ... S - 1, in nats
    MODEL.promptP.gradient     F64 [L, S, d]  of that sum, at the output of each block
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = Path(__file__).resolve().parent
MODELS = ["gpt2", "gpt2-inverse-layer", "llama-gqa", "llama-mqa-untied", "llama-bias", "llama3-rope-new"]
torch.set_num_threads(1)

tensors = {}
for name in MODELS:
    folder = HERE.parent / "models" / name
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    blocks = model.transformer.h if hasattr(model, "transformer") else model.model.layers
    expected = load_file(folder / "expected.safetensors")
    for p in range(2):
        ids = expected[f"prompt{p}.token_ids"].flatten()
        states = []

        def keep(_module, _inputs, output):
            state = output[0] if isinstance(output, tuple) else output
            state.retain_grad()
            states.append(state)

        hooks = [block.register_forward_hook(keep) for block in blocks]
        logits = model(ids[None]).logits[0]
        loss = torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="sum")
        loss.backward()
        for hook in hooks:
            hook.remove()
        tensors[f"{name}.prompt{p}.token_ids"] = ids
        tensors[f"{name}.prompt{p}.loss"] = loss.detach().reshape(1)
        tensors[f"{name}.prompt{p}.gradient"] = torch.stack([state.grad.reshape(len(ids), -1) for state in states])
        model.zero_grad()
save_file(tensors, HERE / "gradients.safetensors")
for key, tensor in sorted(tensors.items()):
    print(key, tuple(tensor.shape), f"{tensor.double().norm():.6g}")
