"""Compares the .npz files of `export npz` with the run they came from, by NumPy and h5py: check_npz.py RUN FOLDER"""
import json, sys
import h5py, numpy as np

run, folder = sys.argv[1:3]
manifest = json.load(open(f"{run}/run.json"))
names = {"W_q": "q.weight", "b_q": "q.bias", "W_k": "k.weight", "b_k": "k.bias", "W_v": "v.weight", "b_v": "v.bias",
         "W_o": "o.weight", "b_o": "o.bias", "W_1": "up.weight", "b_1": "up.bias", "W_2": "down.weight", "b_2": "down.bias",
         "W_gate": "gate.weight", "norm_1": "attn_norm.weight", "norm_1_bias": "attn_norm.bias", "norm_2": "mlp_norm.weight",
         "norm_2_bias": "mlp_norm.bias"}
rows = {"inputs": "input", "outputs": "output", "attention_outputs": "attention_output", "mlp_outputs": "mlp_output",
        "errors": "error", "token_ids": "token_id", "position_ids": "position", "prompt_offset": "prompt_offset"}
problems = []


def same(what, found, expected):
    if found.shape != expected.shape or not np.array_equal(found, expected):
        problems.append(f"{what} differs")


for index in manifest["state"]["finished_blocks"]:
    arrays = dict(np.load(f"{folder}/block_{index:02d}.npz"))  # allow_pickle is off
    ir, probes = h5py.File(f"{run}/block_{index:02d}/ir.h5"), h5py.File(f"{run}/block_{index:02d}/probes.h5")
    where = f"block {index}: "
    used = {"mask", "bias", "program", "layer", "num_heads", "num_key_value_heads", "head_dim", "norm_eps", "dtype", "runtime", "version"}
    for array, role in names.items():
        if f"weight/{role}" in ir:
            same(where + array, arrays[array], ir[f"weight/{role}"][:])
            used.add(array)
    if len([n for n in names if n in used]) != len(ir["weight"]):
        problems.append(where + "not every weight was exported")
    for array, dataset in rows.items():
        if dataset in probes:
            same(where + array, arrays[array], probes[dataset][:])
            used.add(array)
    same(where + "mask", arrays["mask"], ir["mask"][:])
    same(where + "bias", arrays["bias"], np.where(ir["mask"][:] == 1, np.float32(0), np.finfo(np.float32).min))
    if "rope_cos" in ir:
        same(where + "cos", arrays["cos"], ir["rope_cos"][:])
        same(where + "sin", arrays["sin"], ir["rope_sin"][:])
        used |= {"cos", "sin"}
    program = json.loads(bytes(arrays["program"]))
    same(where + "program", arrays["program"], ir["program"][:])
    scores = next(op for op in program["operations"] if op["op"] == "scores")
    norm = next(op for op in program["operations"] if op["op"].endswith("_norm"))
    for array, expected in (("num_heads", scores["heads"]), ("num_key_value_heads", scores["kv_heads"]),
                            ("head_dim", scores["head_dim"]), ("layer", index), ("norm_eps", norm["epsilon"]["value"])):
        same(where + array, arrays[array], np.array(expected))
    text = lambda array: bytes(arrays[array]).decode()
    if [text(a) for a in ("dtype", "runtime", "version")] != [manifest["request"]["baseline_dtype"], "blockcert", manifest["tool"]["version"]]:
        problems.append(where + "other texts")
    if set(arrays) != used:
        problems.append(where + f"other arrays: {sorted(set(arrays) ^ used)}")
print("\n".join(problems) or "equal")
sys.exit(int(bool(problems)))
