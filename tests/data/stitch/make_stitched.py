"""Runs llama-gqa of tests/data/models with two blocks' weights replaced, as transformers computes it.

Run by hand; needs torch, transformers, safetensors and numpy. Writes stitched.safetensors:

    replaced.1.down.weight, replaced.2.q.weight   F32, what stands in the model's place: a truncated SVD of rank 4, and
                                                  values rounded to bfloat16
    promptP.token_ids        I64 [S]       P = 0, 1, 2
    promptP.nll_base, .nll_stitched        F64 [S - 1]  from fp32 logits, log-softmax in double
    promptP.kl               F64 [S]       KL(base || stitched), likewise
    promptP.residual         F64 [3, S]    l2 distance of the residual streams after each block
    perplexity               F64 [2]       base, stitched: exp of the mean over all predicted tokens
"""

import copy
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent / "models" / "llama-gqa"
TEXTS = ["the quick brown fox", "a", "jumps over the lazy dog"]
torch.set_num_threads(1)


def forward(model, ids):
    """Logits in double and what each block hands on."""
    states = []
    hooks = [block.register_forward_hook(lambda _m, _i, out: states.append((out[0] if isinstance(out, tuple) else out)[0]))
             for block in model.model.layers]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double()
    for hook in hooks:
        hook.remove()
    return logits, [state.double() for state in states]


base = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager").eval()
stitched = copy.deepcopy(base)
down = stitched.model.layers[1].mlp.down_proj.weight
u, s, v = np.linalg.svd(down.detach().numpy().astype(np.float64), full_matrices=False)
low_rank = torch.tensor((u[:, :4] * s[:4]) @ v[:4], dtype=torch.float32)
query = stitched.model.layers[2].self_attn.q_proj.weight
rounded = query.detach().bfloat16().float()
with torch.no_grad():
    down.copy_(low_rank)
    query.copy_(rounded)

tensors = {"replaced.1.down.weight": low_rank, "replaced.2.q.weight": rounded}
losses = ([], [])
tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
for p, text in enumerate(TEXTS):
    ids = tokenizer.encode(text).ids
    logits, states = zip(forward(base, ids), forward(stitched, ids))
    log_p, log_q = (torch.log_softmax(rows, -1) for rows in logits)
    nll = [-rows[:-1].gather(1, torch.tensor(ids[1:]).unsqueeze(1).long())[:, 0] if len(ids) > 1
           else torch.zeros(0, dtype=torch.float64) for rows in (log_p, log_q)]
    for total, own in zip(losses, nll):
        total.extend(own.tolist())
    tensors[f"prompt{p}.token_ids"] = torch.tensor(ids)
    if len(ids) > 1:
        tensors[f"prompt{p}.nll_base"], tensors[f"prompt{p}.nll_stitched"] = nll
    tensors[f"prompt{p}.kl"] = (log_p.exp() * (log_p - log_q)).sum(-1)
    tensors[f"prompt{p}.residual"] = torch.stack([(a - b).norm(dim=-1) for a, b in zip(*states)])
tensors["perplexity"] = torch.tensor([float(np.exp(np.mean(own))) for own in losses], dtype=torch.float64)
save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "stitched.safetensors")
print(json.dumps({"perplexity": tensors["perplexity"].tolist(), "tokens": [len(tensors[f"prompt{p}.token_ids"]) for p in range(3)],
                  "residual": tensors["prompt0.residual"].mean(1).tolist(), "kl": tensors["prompt0.kl"].tolist()[:4]}))
