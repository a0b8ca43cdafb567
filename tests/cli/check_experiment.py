"""Recomputes every number of an experiment's tables from the runs below it, with NumPy and h5py alone.

usage: check_experiment.py DIR; exit code 0 if result.json is valid by its schema and agrees with the CSV files and the runs.
"""
import csv
import json
import math
import pathlib
import re
import sys

import h5py
import jsonschema
import numpy as np

folder = pathlib.Path(sys.argv[1])
result = json.loads((folder / "result.json").read_text())
request = json.loads((folder / "request.json").read_text())
kind = result["experiment"]
schema = pathlib.Path(__file__).parents[2] / "resources" / "schemas" / "experiment.schema.json"
jsonschema.Draft202012Validator(json.loads(schema.read_text())).validate(result)


def close(a, b, what):
    """Sums of doubles in another order: a few units in the last place."""
    same = (a is None and b is None) or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-12, abs_tol=0))
    assert same, f"{what}: {a} in the table, {b} from the runs"


class Block:
    def __init__(self, run, block):
        here = run / f"block_{block:02d}"
        certificate = json.loads((here / "certificate.json").read_text())
        self.policy = {k: v["value"] if isinstance(v, dict) else v for k, v in certificate["policy"].items()}
        self.certified = certificate["verdict"]["certified"]
        with h5py.File(here / "probes.h5") as probes:
            offset = probes["prompt_offset"][:]
            norm = probes["output_norm"][:]
            error = probes["error"][:]
            # The measure that certifies, and the other one beside it.
            self.is_relative = self.policy["error"] == "relative-l2"
            self.tau = self.policy["tau_rel" if self.is_relative else "tau_act"]
            decides, self.other = (error / norm, error) if self.is_relative else (error, error / norm)
            self.error = [decides[a:b] for a, b in zip(offset, offset[1:])]
            self.loss = None
            if "loss_base" in probes:
                base, stitched = probes["loss_base"][:], probes["loss_stitched"][:]
                at = offset - np.arange(len(offset))
                self.loss = [(base[a:b], stitched[a:b]) for a, b in zip(at, at[1:])]

    def all(self):
        return np.concatenate(self.error)

    def coverage(self, prompt=None, tau=None):
        e = self.all() if prompt is None else self.error[prompt]
        return float(np.mean(e <= (self.tau if tau is None else tau)))

    def key(self, name):
        """The column of a number under the measure that certifies."""
        if not self.is_relative:
            return name
        if name == "tau_act":
            return "tau_rel"
        if "activation_coverage" in name:
            return name.replace("activation_coverage", "relative_coverage")
        return "relative_" + name

    def loss_coverage(self, prompt=None):
        if self.loss is None:
            return None
        pairs = self.loss if prompt is None else [self.loss[prompt]]
        base = np.concatenate([p[0] for p in pairs])
        stitched = np.concatenate([p[1] for p in pairs])
        if base.size == 0 or base.sum() == 0:
            return None
        return float((base * (np.abs(stitched - base) <= self.policy["tau_loss"])).sum() / base.sum())

    def best(self):
        return min(range(len(self.error)), key=lambda p: (-self.coverage(p), self.error[p].mean()))


class Run:
    def __init__(self, name):
        self.path = folder / "runs" / f"{name}.blockcert"
        self.manifest = json.loads((self.path / "run.json").read_text())
        self.ids = [p["id"] for p in self.manifest["prompts"]["items"]]
        self.blocks = {b: Block(self.path, b) for b in self.manifest["request"]["blocks"]}


def table(name):
    """The rows of result.json, held against the CSV file cell by cell."""
    found = next(t for t in result["tables"] if t["name"] == name)
    with open(folder / f"{name}.csv", newline="") as file:
        read = list(csv.DictReader(file))
    keys = [c["key"] for c in found["columns"]]
    assert len(read) == len(found["rows"]), name
    for line, row in zip(read, found["rows"]):
        assert list(line) == keys and sorted(row) == sorted(keys), name
        for key in keys:
            value, text = row[key], line[key]
            if value is None:
                assert text == ""
            elif isinstance(value, bool):
                assert text == str(value).lower()
            elif isinstance(value, (int, float)):
                assert float(text) == value, (name, key, text, value)
            else:
                assert text == value, (name, key)
    return found["rows"]


def check_blocks():
    run = Run("exact")
    rows = table("table")
    assert [r["block"] for r in rows] == list(run.blocks)
    for row in rows:
        b = run.blocks[row["block"]]
        e = b.all()
        close(row[b.key("epsilon")], e.max(), "epsilon")
        close(row[b.key("mean_error")], e.mean(), "mean error")
        close(row[b.key("activation_coverage")], b.coverage(), "activation coverage")
        per_prompt = [b.coverage(p) for p in range(len(b.error))]
        close(row[b.key("mean_prompt_coverage")], np.mean(per_prompt), "mean over prompts")
        close(row[b.key("min_prompt_coverage")], min(per_prompt), "least prompt")
        beside = ("", "activation") if b.is_relative else ("relative_", "relative")
        tau = b.policy["tau_act" if b.is_relative else "tau_rel"]
        close(row[beside[0] + "epsilon"], b.other.max(), "epsilon of the other measure")
        close(row[beside[0] + "mean_error"], b.other.mean(), "mean of the other measure")
        close(row[beside[1] + "_coverage"], np.mean(b.other <= tau), "coverage of the other measure")
        close(row["loss_coverage"], b.loss_coverage(), "loss coverage")
        assert row["best_prompt"] == run.ids[b.best()] and row["certified"] == b.certified
        worst = next(p for p in range(len(b.error)) if b.error[p].max() == e.max())
        assert row["worst_prompt"] == run.ids[worst] and row["worst_token"] == int(b.error[worst].argmax())
    summary = table("summary")[0]
    close(summary[b.key("mean_activation_coverage")], np.mean([b.coverage() for b in run.blocks.values()]), "summary")
    close(summary[b.key("mean_error")], np.mean([b.all().mean() for b in run.blocks.values()]), "summary")
    assert summary["certified"] == sum(b.certified for b in run.blocks.values())


def check_variants(names):
    runs = [Run(n) for n in names]
    first = runs[0]
    base = np.mean([b.all().mean() for b in first.blocks.values()])
    base_best = np.mean([b.error[b.best()].mean() for b in first.blocks.values()])
    rows = table("table")
    assert len(rows) == len(runs)
    for row, run in zip(rows, runs):
        pairs = [(b, first.blocks[i].best()) for i, b in run.blocks.items()]
        key = pairs[0][0].key
        close(row[key("mean_error")], np.mean([b.all().mean() for b, _ in pairs]), "mean error")
        close(row[key("mean_activation_coverage")], np.mean([b.coverage() for b, _ in pairs]), "coverage")
        close(row[key("error_ratio")], np.mean([b.all().mean() for b, _ in pairs]) / base, "ratio")
        close(row[key("best_prompt_mean_error")], np.mean([b.error[p].mean() for b, p in pairs]), "best prompts")
        close(row[key("best_prompt_mean_activation_coverage")], np.mean([b.coverage(p) for b, p in pairs]), "best prompts")
        close(row[key("best_prompt_error_ratio")], np.mean([b.error[p].mean() for b, p in pairs]) / base_best, "best prompts")
        assert row["certified"] == sum(b.certified for b, _ in pairs)
    lines = iter(table("blocks"))
    for run in runs:
        for i, b in run.blocks.items():
            line = next(lines)
            assert line["block"] == i
            close(line[b.key("mean_error")], b.all().mean(), "mean error")
            close(line[b.key("epsilon")], b.all().max(), "epsilon")
            close(line["loss_coverage"], b.loss_coverage(), "loss coverage")


def check_matrices():
    """Ranks, norms and distances against the weights and spectra of ir.h5, where they are."""
    titles = {"W_Q": "q.weight", "W_K": "k.weight", "W_V": "v.weight", "W_O": "o.weight"}
    spectra = {(r["block"], r["matrix"], r["index"]): r["singular_value"] for r in table("spectrum")}
    rows = table("matrices")
    assert rows
    for row in rows:
        run = folder / "runs" / f"low-rank-{row['rank_asked']}.blockcert" / f"block_{row['block']:02d}"
        with h5py.File(run / "ir.h5") as ir:
            values = ir[f"spectrum/{titles[row['matrix']]}"][:]
            cut = ir.get(f"weight/{titles[row['matrix']]}")
            cut = None if cut is None else cut[:].astype(float)
        assert row["full_rank"] == len(values) and row["rank_used"] == min(row["rank_asked"], len(values)), row
        for i, value in enumerate(values):
            close(spectra[row["block"], row["matrix"], i + 1], value, "spectrum")
        lost = math.sqrt((values[row["rank_used"]:] ** 2).sum())
        assert abs(row["norm"] - math.sqrt((values ** 2).sum())) <= 1e-6 * row["norm"], row
        assert abs(row["distance"] - lost) <= 1e-6 * row["norm"], row  # rounding of what was kept to F32
        close(row["relative_distance"], row["distance"] / row["norm"], "relative distance")
        if cut is not None:
            kept = np.linalg.svd(cut, compute_uv=False)
            assert np.allclose(kept[:row["rank_used"]], values[:row["rank_used"]], rtol=1e-5), row
            assert np.all(kept[row["rank_used"]:] <= 1e-5 * kept[0]), row


def dtype_runs():
    main = request["certify"].get("dtype", "fp32")
    names = [main] + [d for d in (request["dtypes"] or ["fp32", "bf16", "fp16"]) if d != main]
    return {n: Run(n) for n in names}


def reaching(b, tau, alpha, loss):
    count = 0
    for p in range(len(b.error)):
        kept = b.loss_coverage(p)
        count += b.coverage(p, tau) >= alpha and (not loss or (kept is not None and kept >= 0.9))
    return count


def check_thresholds():
    runs = dtype_runs()
    main = next(iter(runs.values()))
    for row in table("table"):
        b = main.blocks[row["block"]]
        for alpha in ("0.90", "0.94", "0.97"):
            assert row[f"at_least_{alpha}"] == reaching(b, b.tau, float(alpha), True)
        assert row["prompts"] == len(b.error)
    rows = table("sweep")
    assert {r["dtype"] for r in rows} == set(runs)
    for row in rows:
        b = runs[row["dtype"]].blocks[row["block"]]
        tau = row[b.key("tau_act")]
        assert row["prompts_reaching"] == reaching(b, tau, row["alpha_act"], True), row
        assert row["prompts_reaching_activation"] == reaching(b, tau, row["alpha_act"], False), row
    steps = table("steps")
    assert len(steps) == sum(len(b.error) for run in runs.values() for b in run.blocks.values())
    for row in steps:
        run = runs[row["dtype"]]
        b = run.blocks[row["block"]]
        prompt, tau = run.ids.index(row["prompt"]), row[b.key("tau_act")]
        assert row["alpha_act"] == b.policy["alpha_act"]
        # From there on the prompt reaches the coverage, and a hair below it does not.
        assert b.coverage(prompt, tau) >= row["alpha_act"] > b.coverage(prompt, np.nextafter(tau, -1)), row


def check_prompt_size():
    runs = dtype_runs()
    main = next(iter(runs.values()))

    def least(b, k, tau):
        return min(b.coverage(p, tau) for p in range(k))

    for row in table("table"):
        b = main.blocks[row["block"]]
        sizes = [key for key in row if key.startswith("k_")]
        # The paper's sizes as far as there are prompts, and all of them: of one prompt a single column.
        assert set(sizes) == {f"k_{k}" for k in {k for k in (1, 4, 10) if k <= len(b.error)} | {len(b.error)}}, sizes
        for key in sizes:
            close(row[key], least(b, int(key[2:]), b.tau), key)
    thresholds = {}
    for row in table("curves"):
        thresholds.setdefault(row["dtype"], set()).add(row[main.blocks[row["block"]].key("tau_act")])
        b = runs[row["dtype"]].blocks[row["block"]]
        close(row[b.key("least_activation_coverage")], least(b, row["prompts"], row[b.key("tau_act")]), "curve")
    # The caption speaks of a second row where there is one: each panel has its threshold in its title.
    caption = result["figures"][0]["caption"]
    policies = {next(iter(run.blocks.values())).tau for run in runs.values()}
    rows = 2 if set().union(*thresholds.values()) - policies else 1
    assert ("below" in caption) == (rows == 2), caption
    titles = re.findall(r">(fp32|bf16|fp16), ", (folder / "figure.svg").read_text())
    assert len(titles) == rows * len(runs), titles
    assert ("one prompt" in caption) == (len(main.ids) == 1), caption


def check_prompt_shift():
    runs = {"from": Run("from"), "to": Run("to")}
    assert runs["from"].manifest["prompts"]["name"] != runs["to"].manifest["prompts"]["name"]
    for row in table("table"):
        for side, run in runs.items():
            b = run.blocks[row["block"]]
            close(row[b.key(f"mean_error_{side}")], b.all().mean(), "mean error")
            close(row[b.key(f"epsilon_{side}")], b.all().max(), "epsilon")
            close(row[b.key(f"activation_coverage_{side}")], b.coverage(), "coverage")
            close(row[f"loss_coverage_{side}"], b.loss_coverage(), "loss coverage")
        to, before = row[b.key("mean_error_to")], row[b.key("mean_error_from")]
        close(row[b.key("mean_error_ratio")], to / before, "ratio")
    # Both sets and their digests stand wherever the figure and the report say what was measured.
    texts = [(folder / name).read_text() for name in ("figure.svg", "README.md")]
    for run in runs.values():
        prompts = run.manifest["prompts"]
        assert all(prompts["name"] in text and prompts["sha256"] in text for text in texts), prompts["name"]
        count = len(prompts["items"])
        cut = sum(item["truncated_tokens"] > 0 for item in prompts["items"])
        says = f"{prompts['name']} ({count} prompt{'' if count == 1 else 's'}{f', {cut} of them cut' if cut else ''}, "
        assert says in result["scope"], result["scope"]
        note = f"Of {prompts['name']}, {cut} prompt{' was' if cut == 1 else 's were'} longer than"
        assert any(n.startswith(note) for n in result["notes"]) == (cut > 0), result["notes"]


def check_wilson(row):
    """The ends of the interval are where a true share p would be z standard deviations away from the seen one."""
    n, seen, z = row["count"], row["hits"] / row["count"], 1.959963984540054
    assert 0 <= row["wilson_lower"] <= seen <= row["wilson_upper"] <= 1 and row["accuracy"] == seen
    for p in (row["wilson_lower"], row["wilson_upper"]):
        # With no hit, or nothing but hits, one end is the seen share itself.
        gap = abs(seen - p) - z * math.sqrt(p * (1 - p) / n)
        assert abs(gap) < 1e-9, (row, gap)


def check_semantic():
    run = Run("exact")
    items = run.manifest["prompts"]["items"]
    with h5py.File(run.path / "stitch" / "all" / "replay.h5") as replay:
        last = replay["prompt_offset"][1:] - 1
        label = replay["label_id"][:]
        base = replay["top_id_base"][:][last, 0]
        stitched = replay["top_id_stitched"][:][last, 0]
        base_loss, stitched_loss = replay["loss_base"][:], replay["loss_stitched"][:]
        residual = replay["residual_l2"][:]
    tags = [(item.get("tags") or [""])[0] for item in items]
    hits = {"stitched = baseline": stitched == base, "baseline = label": base == label, "stitched = label": stitched == label}
    rows = table("table")
    assert rows
    for row in rows:
        chosen = np.array([l >= 0 and row["prompts"] in ("all", t) for l, t in zip(label, tags)])
        assert row["count"] == chosen.sum() and row["hits"] == (hits[row["measure"]] & chosen).sum(), row
        check_wilson(row)
    answers = table("answers")
    assert [a["label_id"] for a in answers] == [int(l) for l in label if l >= 0]
    model = table("model")[0]
    close(model["perplexity_baseline"], math.exp(base_loss.mean()), "perplexity")
    close(model["perplexity_stitched"], math.exp(stitched_loss.mean()), "perplexity")
    close(model["mean_layer_mae"], residual.mean(axis=1).mean(), "per-layer MAE")
    close(model["worst_layer_mae"], residual.mean(axis=1).max(), "per-layer MAE")
    close(model["max_residual"], residual.max(), "max residual")


def check_timing():
    repeats = request["repeats"]
    rows = table("table")
    jobs = (("extract", "seconds"), ("certify", "seconds"), ("replay", "seconds"), ("replay", "stitch_seconds"))
    assert len(rows) == len(jobs)
    for row, (job, key) in zip(rows, jobs):
        seconds = []
        for i in range(1, repeats + 1):
            timing = json.loads((folder / "runs" / f"{job}-{i}.timing.json").read_text())
            seconds.append(timing[key])
            assert timing[key] > 0
            assert sum(s["seconds"] for s in timing["stages"]) <= timing["seconds"]
        run = Run(f"{job}-1")
        assert row["repeats"] == repeats and row["blocks"] == len(run.blocks)
        assert row["seconds_median"] == float(np.median(seconds)) or math.isclose(row["seconds_median"], np.median(seconds), rel_tol=1e-15)
        assert (row["seconds_least"], row["seconds_most"]) == (min(seconds), max(seconds))
    # In the order of work, also of a stage that the first job does not have.
    order = re.findall(r">(open|hash|load|replay|loss|write)<", (folder / "figure.svg").read_text())
    assert order[-6:] == ["open", "hash", "load", "replay", "loss", "write"], order  # before them: words of the jobs
    assert table("stages")


{"blocks": check_blocks,
 "low-rank": lambda: (check_variants(["exact"] + [f"low-rank-{r}" for r in request["ranks"] or [64, 128, 256]]),
                      check_matrices()),
 "ablations": lambda: check_variants([r["name"] for r in result["runs"]]),
 "thresholds": check_thresholds,
 "prompt-size": check_prompt_size,
 "prompt-shift": check_prompt_shift,
 "semantic": check_semantic,
 "timing": check_timing}[kind]()

for run in result["runs"]:
    assert (folder / run["path"] / "SHA256SUMS").exists(), run
for figure in result["figures"]:
    assert (folder / figure["file"]).exists(), figure
commands = (folder / "commands.txt").read_text()
for run in result["runs"]:
    assert f"blockcert verify {run['path']}\n" in commands and f"../repeated-runs/{run['name']}.blockcert" in commands, run
