"""Recomputes a failures.json from the run itself with NumPy and h5py: check_anatomy.py RUN FAILURES_FOLDER

The run must embed its weights. Prints what differs; the exit code is 1 if anything does."""
import csv, json, sys
import h5py, numpy as np

run, folder = sys.argv[1:3]
told = json.load(open(f"{folder}/failures.json"))
manifest = json.load(open(f"{run}/run.json"))
policy = manifest["request"]["policy"]
tau = float.fromhex(policy["tau_act" if policy["error"] == "l2" else "tau_rel"]["hex"])
problems = []


def same(what, a, b, tolerance=0.0):
    """Recorded numbers are copied and must be equal; replayed ones agree to 1e-12 (sums of another order)."""
    if a is None or b is None:
        if a is not b:
            problems.append(f"{what}: {a} and {b}")
    elif not np.allclose(a, b, rtol=tolerance, atol=0):
        problems.append(f"{what}: {a} and {b}")


def key_and_value(program, weight, tables, x, position):
    """Runs the program's operations up to its scores; the registers of keys and values as [t, head, dim]."""
    number = lambda certified: float.fromhex(certified["hex"])
    r, scores, mix = {"x": x}, None, None
    for op in program["operations"]:
        kind = op["op"]
        if kind == "scores":
            scores = op
        if kind == "mix":
            mix = op
        if kind == "rms_norm" and op["in"] in r:
            a = r[op["in"]]
            r[op["out"]] = a / np.sqrt((a * a).mean(-1, keepdims=True) + number(op["epsilon"])) * weight[op["weight"]]
        if kind == "layer_norm" and op["in"] in r:
            a = r[op["in"]]
            scaled = (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + number(op["epsilon"]))
            r[op["out"]] = scaled * weight[op["weight"]] + weight[op["bias"]]
        if kind == "linear" and op["in"] in r:
            r[op["out"]] = r[op["in"]] @ weight[op["weight"]].T + (weight[op["bias"]] if op["bias"] else 0)
        if kind == "rope" and op["in"] in r:
            split = r[op["in"]].reshape(len(x), op["heads"], op["head_dim"])
            a, b = np.split(split, 2, axis=-1)
            c, s = (table[position][:, None, :] for table in tables)
            r[op["out"]] = np.concatenate([a * c - b * s, b * c + a * s], -1).reshape(len(x), -1)
    shape = (len(x), mix["kv_heads"], mix["head_dim"])
    return r[scores["key"]].reshape(shape), r[mix["value"]].reshape(shape)


def ranks(values):
    """Ranks from 0, equal values sharing their mean rank."""
    _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
    end = np.cumsum(count)
    return ((end - count + end - 1) / 2)[inverse]


blocks = {}
for index in manifest["state"]["finished_blocks"]:
    place = f"{run}/block_{index:02d}"
    ir, probes = h5py.File(f"{place}/ir.h5"), h5py.File(f"{place}/probes.h5")
    double = lambda dataset: np.asarray(dataset[:], dtype=np.float64)
    program = json.loads(bytes(ir["program"][:]))
    weight = {name: double(ir[f"weight/{name}"]) for name in program["weights"]}
    tables = [double(ir[name]) for name in ("rope_cos", "rope_sin") if name in ir]
    offset, position = probes["prompt_offset"][:], probes["position"][:]
    b = {"offset": offset, "ids": probes["token_id"][:]}
    for name in ("error", "error_attn", "error_mlp", "output_norm", "attention_margin"):
        b[name] = probes[name][:] if name in probes else None
    b["input_norm"] = np.linalg.norm(double(probes["input"]), axis=-1)
    norms = [[], []]
    for begin, end in zip(offset, offset[1:]):
        kv = key_and_value(program, weight, tables, double(probes["input"])[begin:end], position[begin:end])
        for part in (0, 1):
            norms[part].append(np.linalg.norm(kv[part], axis=-1))
    squares = np.cumsum([0] + [(end - begin) ** 2 for begin, end in zip(offset, offset[1:])])
    masks = [probes["mask"][a:z].reshape(e - s, e - s) for a, z, s, e in zip(squares, squares[1:], offset, offset[1:])]
    b["has_margin"] = np.concatenate([mask.sum(1) > 1 for mask in masks])
    b["key"], b["value"] = (np.concatenate(part) for part in norms)
    b["relative"] = b["error"] / b["output_norm"]
    b["deciding"] = b["error"] if policy["error"] == "l2" else b["relative"]
    b["covered"] = b["deciding"] <= tau
    b["loss_change"] = np.full(len(b["error"]), np.nan)
    if "loss_stitched" in probes:
        predicted = np.ones(len(b["error"]), bool)
        predicted[offset[:-1]] = False
        b["loss_change"][predicted] = abs(probes["loss_stitched"][:] - probes["loss_base"][:])
    blocks[index] = b

order = sorted(blocks)
rows = {index: [] for index in order}
for row in told["failures"]:
    rows[row["block"]].append(row)
epsilons = np.array([blocks[index]["deciding"].max() for index in order])
for index in order:
    b, block = blocks[index], next(x for x in told["blocks"] if x["block"] == index)
    by_error = np.argsort(-b["deciding"], kind="stable")
    uncovered = [i for i in by_error if not b["covered"][i]]
    covered = [i for i in by_error if b["covered"][i]][:20]
    prompt_of = np.searchsorted(b["offset"], np.arange(len(b["error"])), side="right") - 1
    found = [b["offset"][row["prompt"]] + row["token"] for row in rows[index]]
    if found != uncovered + covered:
        problems.append(f"block {index}: the rows are not every uncovered token and the largest covered errors")
        continue
    for i, row in zip(found, rows[index]):
        where = f"block {index}, row {i}: "
        same(where + "covered", row["covered"], bool(b["covered"][i]))
        same(where + "token id", row["token_id"], b["ids"][i])
        for key in ("error", "error_attn", "error_mlp", "output_norm"):
            same(where + key, row[key], None if b[key] is None else b[key][i])
        same(where + "relative", row["relative"], b["relative"][i])
        same(where + "input_norm", row["input_norm"], b["input_norm"][i], 1e-12)
        for key, of in (("key_norm", b["key"][i]), ("value_norm", b["value"][i])):
            same(where + key, [row[key][k] for k in ("min", "median", "max")], [of.min(), np.median(of), of.max()], 1e-12)
        margin = b["attention_margin"][:, i]
        if not b["has_margin"][i]:
            same(where + "margin", row["margin"], None)
            same(where + "margin_heads", row["margin_heads"], None)
        else:
            same(where + "margin_heads", row["margin_heads"], margin)
            same(where + "margin", [row["margin"][k] for k in ("min", "head", "median")], [margin.min(), margin.argmin(), np.median(margin)], 1e-15)
        same(where + "massive", row["massive"], bool(b["output_norm"][i] >= 20 * np.median(b["output_norm"])))
        same(where + "norm_ratio", row["norm_ratio"], b["output_norm"][i] / np.median(b["output_norm"]), 1e-15)
        change = b["loss_change"][i]
        same(where + "loss_change", row["loss_change"], None if np.isnan(change) else change)
        near = [j for j in range(len(b["error"])) if prompt_of[j] == prompt_of[i] and b["covered"][j] and j != i]
        near = min(near, key=lambda j: (abs(j - i), j)) if near else None
        told_near = row["nearest_passing"]
        same(where + "nearest", told_near and told_near["token"], None if near is None else near - b["offset"][prompt_of[i]])
        at = order.index(index)
        beside = [other for k, other in enumerate(order) if abs(k - at) == 1]
        same(where + "neighbours", [n["block"] for n in row["neighbours"]], beside)
        same(where + "errors beside", [n["error"] for n in row["neighbours"]], [blocks[o]["error"][i] for o in beside])
    same(f"block {index}: coverage", block["coverage"], b["covered"].mean(), 1e-15)
    same(f"block {index}: uncovered", block["uncovered"], len(uncovered))
    same(f"block {index}: epsilon_ratio", block["epsilon_ratio"], b["deciding"].max() / np.median(epsilons), 1e-15)
    same(f"block {index}: epsilon", [block["epsilon"], block["relative_epsilon"]], [b["error"].max(), b["relative"].max()], 1e-15)
    same(f"block {index}: worst", b["offset"][block["worst"]["prompt"]] + block["worst"]["token"], b["deciding"].argmax())
    same(f"block {index}: median_error", block["median_error"], np.median(b["error"]), 1e-15)
    falling = np.cumsum(np.sort(b["deciding"])[::-1])
    same(f"block {index}: half", block["tokens_of_half_the_error"], np.searchsorted(falling, b["deciding"].sum() / 2) + 1)
    failing = np.zeros(len(b["error"]), bool)
    largest = sorted(range(len(b["error"])), key=lambda i: -b["deciding"][i])[:20]
    failing[uncovered if 0 < len(uncovered) < len(b["error"]) else largest] = True
    columns = {"input_norm": b["input_norm"], "output_norm": b["output_norm"], "key_norm": np.median(b["key"], 1),
               "value_norm": np.median(b["value"], 1), "margin": np.median(b["attention_margin"], 0),
               "margin_smallest": b["attention_margin"].min(0), "error_attn": b["error_attn"], "error_mlp": b["error_mlp"],
               "position": np.arange(len(failing)) - b["offset"][prompt_of]}
    known = {name: b["has_margin"] if name.startswith("margin") else np.ones(len(failing), bool) for name in columns}
    told_about = [name for name in columns if failing[known[name]].any() and not failing[known[name]].all()]
    if not failing.all() and [c["quantity"] for c in block["contrasts"]] != told_about:
        problems.append(f"block {index}: the contrasts are about other quantities")
    for contrast in block["contrasts"]:
        what, column, has = f"block {index}: {contrast['quantity']} ", columns[contrast["quantity"]], known[contrast["quantity"]]
        same(what + "failing", contrast["failing"], np.median(column[failing & has]), 1e-12)
        same(what + "passing", contrast["passing"], np.median(column[~failing & has]), 1e-12)
        a, c = ranks(b["deciding"][has]), ranks(column[has])
        constant = len(set(c)) == 1 or len(set(a)) == 1
        found = contrast["correlation"]  # may be nearly 0: compared on a scale of 1
        same(what + "correlation", found if found is None else found + 2, None if constant else np.corrcoef(a, c)[0, 1] + 2, 1e-12)

with open(f"{folder}/failures.csv", newline="", encoding="utf-8") as file:
    table = list(csv.DictReader(file))
if len(table) != len(told["failures"]):
    problems.append(f"failures.csv has {len(table)} rows for {len(told['failures'])}")
for line, row in zip(table, told["failures"]):
    same("csv error", float(line["error"]), row["error"])
    same("csv prompt_truncated", int(line["prompt_truncated"]), manifest["prompts"]["items"][row["prompt"]]["truncated_tokens"])
    same("csv key_norm_max", float(line["key_norm_max"]), row["key_norm"]["max"])
    if line["piece"].lstrip("'") != row["piece"].lstrip("'"):
        problems.append(f"csv piece: {line['piece']!r} and {row['piece']!r}")
print("\n".join(problems) or f"{len(told['failures'])} rows agree")
sys.exit(int(bool(problems)))
