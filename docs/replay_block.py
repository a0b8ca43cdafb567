#!/usr/bin/env python3
"""Replays a block of a run made with --embed-weights and compares its errors: replay_block.py RUN BLOCK"""
import json, sys, h5py, numpy as np  # Debian: python3-h5py python3-numpy

_ = len(sys.argv) == 3 and sys.argv[2].isdigit() or sys.exit(__doc__)
folder = f"{sys.argv[1]}/block_{int(sys.argv[2]):02d}"
certificate = json.load(open(f"{folder}/certificate.json"))
ir, probes = h5py.File(f"{folder}/ir.h5"), h5py.File(f"{folder}/probes.h5")
program = json.loads(bytes(ir["program"][:]))
double = lambda dataset: np.asarray(dataset[:], dtype=np.float64)
number = lambda certified: float.fromhex(certified["hex"])
if any("reference" in weight for weight in program["weights"].values()):
    sys.exit("this run only references its weights; make one with --embed-weights")
weight = {name: double(ir[f"weight/{name}"]) for name in program["weights"]}
cos, sin = (double(ir[name]) if name in ir else None for name in ("rope_cos", "rope_sin"))

def heads(rows, count, kv=None):  # [t, count·hd] -> [count, t, hd], key heads repeated for their query heads
    split = rows.reshape(len(rows), kv or count, -1).transpose(1, 0, 2)
    return np.repeat(split, count // (kv or count), axis=0)

def step(op, r, allowed, position):
    kind, x = op["op"], r.get(op.get("in"))
    if kind == "rms_norm":
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + number(op["epsilon"])) * weight[op["weight"]]
    if kind == "layer_norm":
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + number(op["epsilon"]))
        return scaled * weight[op["weight"]] + weight[op["bias"]]
    if kind == "linear":
        return x @ weight[op["weight"]].T + (weight[op["bias"]] if op["bias"] else 0)
    if kind == "rope":
        a, b = np.split(heads(x, op["heads"]), 2, axis=-1)
        c, s = cos[position], sin[position]
        return np.concatenate([a * c - b * s, b * c + a * s], -1).transpose(1, 0, 2).reshape(x.shape)
    if kind == "scores":
        q, k = heads(r[op["query"]], op["heads"]), heads(r[op["key"]], op["heads"], op["kv_heads"])
        return q @ k.transpose(0, 2, 1) * number(op["multiply"]) / number(op["divide"])
    if kind == "masked_softmax":
        scores = np.where(allowed, x, -np.inf)
        e = np.exp(scores - np.maximum(scores.max(-1, keepdims=True), -1e300))  # a row that allows nothing: all zero
        return e / np.maximum(e.sum(-1, keepdims=True), 1e-300)
    if kind == "mix":
        mixed = r[op["weights"]] @ heads(r[op["value"]], op["heads"], op["kv_heads"])
        return mixed.transpose(1, 0, 2).reshape(mixed.shape[1], -1)
    if kind == "activation":
        gelu = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        return x / (1 + np.exp(-x)) if op["kind"] == "silu" else gelu
    return r[op["a"]] * r[op["b"]] if kind == "multiply" else r[op["a"]] + r[op["b"]]

rho, claimed = number(certificate["replay"]["comparison_tolerance"]), number(certificate["metrics"]["l2"]["epsilon"])
offset, recorded, epsilon, wrong = probes["prompt_offset"][:], probes["error"][:], 0.0, 0
for begin, end in zip(offset, offset[1:]):
    x, y = double(probes["input"])[begin:end], double(probes["output"])[begin:end]
    registers, allowed = {"x": x}, ir["mask"][: end - begin, : end - begin] == 1
    for op in program["operations"]:
        registers[op["out"]] = step(op, registers, allowed, probes["position"][begin:end])
    error, *norms = (np.linalg.norm(rows, axis=-1) for rows in (registers["y"] - y, x, y, registers["y"]))
    wrong += np.sum(~(abs(error - recorded[begin:end]) <= rho * np.max(norms, axis=0)))  # so NaN is wrong too
    epsilon = max(epsilon, error.max())
print(f"epsilon: replayed {epsilon:.17g}, recorded {claimed:.17g}; {wrong} tokens differ by more than {rho:g} of their norm")
sys.exit(int(wrong > 0 or claimed != recorded.max()))
