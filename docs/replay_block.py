#!/usr/bin/env python3
"""Replays a block of a run made with --embed-weights and compares its epsilon: replay_block.py RUN BLOCK"""
import json, sys, h5py, numpy as np

folder = f"{sys.argv[1]}/block_{int(sys.argv[2]):02d}"
certificate = json.load(open(f"{folder}/certificate.json"))
ir, probes = h5py.File(f"{folder}/ir.h5"), h5py.File(f"{folder}/probes.h5")
program = json.loads(bytes(ir["program"][:]))
double = lambda dataset: np.asarray(dataset[:], dtype=np.float64)
number = lambda certified: float.fromhex(certified["hex"])
weight = {name: double(ir[f"weight/{name}"]) for name in program["weights"]}
cos, sin = (double(ir[n]) if n in ir else None for n in ("rope_cos", "rope_sin"))

def heads(rows, count, kv=None):  # [t, count·hd] -> [count, t, hd], key heads repeated for their query heads
    split = rows.reshape(len(rows), kv or count, -1).transpose(1, 0, 2)
    return np.repeat(split, count // (kv or count), axis=0)

def step(op, r, allowed, position):
    kind = op["op"]
    if kind == "rms_norm":
        x = r[op["in"]]
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + number(op["epsilon"])) * weight[op["weight"]]
    if kind == "layer_norm":
        x = r[op["in"]]
        centred = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + number(op["epsilon"]))
        return centred * weight[op["weight"]] + weight[op["bias"]]
    if kind == "linear":
        return r[op["in"]] @ weight[op["weight"]].T + (weight[op["bias"]] if op["bias"] else 0)
    if kind == "rope":
        a, b = np.split(heads(r[op["in"]], op["heads"]), 2, axis=-1)
        c, s = cos[position], sin[position]
        return np.concatenate([a * c - b * s, b * c + a * s], -1).transpose(1, 0, 2).reshape(len(position), -1)
    if kind == "scores":
        q, k = heads(r[op["query"]], op["heads"]), heads(r[op["key"]], op["heads"], op["kv_heads"])
        return q @ k.transpose(0, 2, 1) * number(op["multiply"]) / number(op["divide"])
    if kind == "masked_softmax":
        scores = np.where(allowed, r[op["in"]], -np.inf)
        top = np.maximum(scores.max(-1, keepdims=True), -1e300)  # a row that allows nothing becomes all zero
        e = np.exp(scores - top)
        return e / np.maximum(e.sum(-1, keepdims=True), 1e-300)
    if kind == "mix":
        mixed = r[op["weights"]] @ heads(r[op["value"]], op["heads"], op["kv_heads"])
        return mixed.transpose(1, 0, 2).reshape(mixed.shape[1], -1)
    if kind == "activation":
        x = r[op["in"]]
        gelu = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        return x / (1 + np.exp(-x)) if op["kind"] == "silu" else gelu
    return r[op["a"]] * r[op["b"]] if kind == "multiply" else r[op["a"]] + r[op["b"]]

offset, errors = probes["prompt_offset"][:], []
for begin, end in zip(offset, offset[1:]):
    registers = {"x": double(probes["input"])[begin:end]}
    allowed = ir["mask"][: end - begin, : end - begin] == 1
    for op in program["operations"]:
        registers[op["out"]] = step(op, registers, allowed, probes["position"][begin:end])
    errors.append(np.linalg.norm(registers["y"] - double(probes["output"])[begin:end], axis=-1))
epsilon, recorded = np.concatenate(errors).max(), number(certificate["metrics"]["l2"]["epsilon"])
allowance = certificate["comparison_tolerance"]["value"] * max(np.linalg.norm(double(probes[n]), axis=-1).max() for n in ("input", "output"))
print(f"epsilon recomputed {epsilon:.17g}, recorded {recorded:.17g}, difference {abs(epsilon - recorded):.3g}, allowed {allowance:.3g}")
sys.exit(abs(epsilon - recorded) > allowance)
