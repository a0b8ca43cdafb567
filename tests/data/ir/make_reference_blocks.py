"""Makes llama_block.h5 and gpt2_block.h5: small random blocks and what PyTorch computes for them in float64.

Needs torch, transformers, h5py. The Llama block is written with torch's own operators (rms_norm,
scaled_dot_product_attention, silu) and checked against transformers' LlamaDecoderLayer in float32; the GPT-2 block is
transformers' GPT2Block itself, run in float64.
"""
import pathlib

import h5py
import numpy
import torch
import torch.nn.functional as F
from transformers import GPT2Config, LlamaConfig
from transformers.models.gpt2.modeling_gpt2 import GPT2Block
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

HERE = pathlib.Path(__file__).parent
torch.manual_seed(20260801)


def normal(*shape, scale=1.0, mean=0.0):
    """float32 values held in float64, so that the file loses nothing."""
    return (torch.randn(*shape) * scale + mean).to(torch.float32).to(torch.float64)


def margin(scores, mask):
    """[head, query]: largest minus second largest score among the allowed keys, 0 with fewer than two."""
    top = scores.masked_fill(~mask, -torch.inf).topk(2, dim=-1).values
    return torch.where(mask.sum(-1) < 2, 0.0, top[..., 0] - top[..., 1])


def save(name, weights, tensors, rows):
    with h5py.File(HERE / name, "w") as f:
        for key, value in {**tensors, **rows}.items():
            f.create_dataset(key, data=value.numpy(), track_times=False)
        for key, value in sorted(weights.items()):
            f.create_dataset(f"weight/{key}", data=value.to(torch.float32).numpy(), track_times=False)


def llama():
    d, heads, kv, hd, ff, tokens, eps = 24, 6, 2, 6, 45, 37, 1e-5
    w = {
        "attn_norm.weight": normal(d, scale=0.1, mean=1.0),
        "q.weight": normal(heads * hd, d, scale=0.4),
        "k.weight": normal(kv * hd, d, scale=0.4),
        "v.weight": normal(kv * hd, d, scale=0.3),
        "o.weight": normal(d, heads * hd, scale=0.2),
        "mlp_norm.weight": normal(d, scale=0.1, mean=1.0),
        "gate.weight": normal(ff, d, scale=0.3),
        "up.weight": normal(ff, d, scale=0.3),
        "down.weight": normal(d, ff, scale=0.2),
    }
    x = normal(tokens, d)
    angle = torch.arange(tokens, dtype=torch.float64)[:, None] * 10000.0 ** (-torch.arange(hd // 2) / (hd / 2))
    cos, sin = (t.to(torch.float32).to(torch.float64) for t in (angle.cos(), angle.sin()))
    mask = torch.ones(tokens, tokens, dtype=torch.bool).tril()

    def turn(z):  # as complex numbers a + ib times cos + i·sin
        turned = torch.complex(z[..., : hd // 2], z[..., hd // 2 :]) * torch.complex(cos, sin)
        return torch.cat([turned.real, turned.imag], -1)

    n1 = F.rms_norm(x, (d,), w["attn_norm.weight"], eps)
    q = turn((n1 @ w["q.weight"].T).view(tokens, heads, hd).transpose(0, 1))
    k = turn((n1 @ w["k.weight"].T).view(tokens, kv, hd).transpose(0, 1)).repeat_interleave(heads // kv, 0)
    v = (n1 @ w["v.weight"].T).view(tokens, kv, hd).transpose(0, 1).repeat_interleave(heads // kv, 0)
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    attention = mixed.transpose(0, 1).reshape(tokens, heads * hd) @ w["o.weight"].T
    h = x + attention
    n2 = F.rms_norm(h, (d,), w["mlp_norm.weight"], eps)
    mlp = (F.silu(n2 @ w["gate.weight"].T) * (n2 @ w["up.weight"].T)) @ w["down.weight"].T
    output = h + mlp

    config = LlamaConfig(hidden_size=d, intermediate_size=ff, num_attention_heads=heads, num_key_value_heads=kv,
                         head_dim=hd, rms_norm_eps=eps, attn_implementation="eager")
    layer = LlamaDecoderLayer(config, 0)
    names = {"input_layernorm": "attn_norm", "self_attn.q_proj": "q", "self_attn.k_proj": "k", "self_attn.v_proj": "v",
             "self_attn.o_proj": "o", "post_attention_layernorm": "mlp_norm", "mlp.gate_proj": "gate",
             "mlp.up_proj": "up", "mlp.down_proj": "down"}
    layer.load_state_dict({f"{k}.weight": w[f"{v}.weight"].float() for k, v in names.items()})
    additive = torch.zeros(tokens, tokens).masked_fill(~mask, torch.finfo(torch.float32).min)
    with torch.no_grad():
        theirs = layer(x.float()[None], attention_mask=additive[None, None],
                       position_embeddings=tuple(torch.cat([t, t], -1).float()[None] for t in (cos, sin)))
    theirs = theirs[0] if isinstance(theirs, tuple) else theirs
    print("llama: largest difference from transformers in float32:", (theirs.squeeze(0) - output).abs().max().item())
    assert (theirs.squeeze(0) - output).abs().max() < 2e-5

    save("llama_block.h5", w,
         {"mask": mask.to(torch.uint8), "rope_cos": cos.float(), "rope_sin": sin.float()},
         {"input": x, "output": output, "attention": attention, "mlp": mlp,
          "margin": margin(q @ k.transpose(1, 2) * hd**-0.5, mask)})


def gpt2():
    d, heads, ff, tokens = 24, 4, 96, 9
    config = GPT2Config(n_embd=d, n_head=heads, n_inner=ff, attn_implementation="eager")
    block = GPT2Block(config, layer_idx=0).double().eval()
    with torch.no_grad():
        for name, parameter in block.named_parameters():
            parameter.copy_(normal(*parameter.shape, scale=0.3, mean=1.0 if name.startswith("ln_") else 0.0))
    x = normal(tokens, d)
    mask = torch.ones(tokens, tokens, dtype=torch.bool).tril()
    taps = {}
    block.attn.register_forward_hook(lambda m, i, out: taps.update(attention=out[0][0]))
    block.mlp.register_forward_hook(lambda m, i, out: taps.update(mlp=out[0]))
    block.ln_1.register_forward_hook(lambda m, i, out: taps.update(normed=out[0]))
    additive = torch.zeros(tokens, tokens, dtype=torch.float64).masked_fill(~mask, torch.finfo(torch.float64).min)
    with torch.no_grad():
        output = block(x[None], attention_mask=additive[None, None])
    output = (output[0] if isinstance(output, tuple) else output).squeeze(0)

    state = {k: v.detach() for k, v in block.state_dict().items()}
    q, k, v = state["attn.c_attn.weight"].T.split(d)
    bq, bk, bv = state["attn.c_attn.bias"].split(d)
    w = {"q.weight": q, "k.weight": k, "v.weight": v, "q.bias": bq, "k.bias": bk, "v.bias": bv,
         "o.weight": state["attn.c_proj.weight"].T, "o.bias": state["attn.c_proj.bias"],
         "up.weight": state["mlp.c_fc.weight"].T, "up.bias": state["mlp.c_fc.bias"],
         "down.weight": state["mlp.c_proj.weight"].T, "down.bias": state["mlp.c_proj.bias"],
         "attn_norm.weight": state["ln_1.weight"], "attn_norm.bias": state["ln_1.bias"],
         "mlp_norm.weight": state["ln_2.weight"], "mlp_norm.bias": state["ln_2.bias"]}
    w = {key: value.contiguous() for key, value in w.items()}
    heads_of = lambda z: z.view(tokens, heads, d // heads).transpose(0, 1)
    scores = heads_of(taps["normed"] @ q.T + bq) @ heads_of(taps["normed"] @ k.T + bk).transpose(1, 2)
    save("gpt2_block.h5", w, {"mask": mask.to(torch.uint8)},
         {"input": x, "output": output, "attention": taps["attention"], "mlp": taps["mlp"],
          "margin": margin(scores / (d // heads) ** 0.5, mask)})


numpy.seterr(all="raise")
llama()
gpt2()
