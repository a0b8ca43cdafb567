"""Counts the lines of code that a verdict rests on and holds the table of CLAIMS.md against them.

Its last rows are totals: of what a verdict at level 3 rests on, and of one at level 4.

usage: trusted_base.py SOURCE_FOLDER            check: fails where a number of the table is more than a tenth off
       trusted_base.py SOURCE_FOLDER --print    the table as it should be
"""
import pathlib
import re
import sys

JSON = {"json_fields", "statement_codec", "surrogate_codec", "certificate_codec", "certificate_parts", "run_codec",
        "policy_file", "stitch_codec", "edit_codec", "edit_evaluation_codec", "patch_codec"}
MODEL = {"reference_model", "estimate_check", "model_comparison", "model_pass", "rebuilt_ir", "retokenise",
         "rounding_probe", "verify_model", "stitch_labels", "verify_stitch_model", "verify_edit_model"}
INTERPRETER = {"reference_interpreter", "reference_ops", "tile_kernel", "share_out"}
READING = {"archive_foreign", "archive_layout", "archive_reader", "tensor_archive"}


def room(root, folder, library):
    """The files of blockcert_room(library SOURCES …) with the headers of the same names."""
    text = (root / folder / "CMakeLists.txt").read_text(encoding="utf-8")
    match = re.search(r"blockcert_room\(" + library + r"\s+SOURCES\s+(.*?)\s+LIBRARIES", text, re.S)
    names = [name for name in match.group(1).split() if not name.startswith('"')]
    files = {root / folder / name for name in names}
    return files | {file.with_suffix(".h") for file in files if file.with_suffix(".h").exists()}


def named(files, names):
    return {file for file in files if file.stem in names}


def groups(root):
    """What the table of CLAIMS.md lists: a name, the level from which on it is used, its files."""
    verify = room(root, "engine/certificate", "verify")
    ir = room(root, "engine/ir", "ir")
    base = room(root, "engine/base", "base") | set((root / "engine/base").glob("*.h"))
    reading = named(room(root, "engine/artifact", "archive") | {root / "engine/artifact/tensor_archive.h"}, READING)
    return [
        ("verifier: files, digests, replay, comparison, verdict", 0, verify - named(verify, JSON | MODEL)),
        ("verifier: reading run.json, certificates and policies", 0, named(verify, JSON)),
        ("engine/base and engine/values: SHA-256, strict JSON, values", 0, base | set((root / "engine/values").glob("*.h"))),
        ("our side of reading archives", 1, reading),
        ("reference interpreter and its kernels", 2, named(ir, INTERPRETER)),
        ("block programs and their codec", 2, ir - named(ir, INTERPRETER)),
        ("weights by reference: engine/artifact", 2, room(root, "engine/artifact", "artifact")),
        ("families of surrogates", 1, room(root, "engine/surrogate", "surrogate")),
        ("patches, markers and their counts", 0, room(root, "engine/edit", "edit")),
        ("verifier: the whole model", 4, named(verify, MODEL)),
        ("prompt sets, against which bundled ones are held", 0, room(root, "engine/prompts", "prompts")),
        ("tokenizers", 4, room(root, "engine/tokenizer", "tokenizer")),
    ]


def totals(root):
    """The last rows of the table: what a reader of a verdict has to read, names with level and lines."""
    counts = [(level, sum(map(lines_of_code, files))) for _, level, files in groups(root)]
    return [(f"**all of the above up to level {last}**", last, sum(lines for level, lines in counts if level <= last))
            for last in (3, 4)]


def lines_of_code(file):
    """Lines that are neither blank nor comment alone."""
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return sum(1 for line in lines if line and not line.startswith("//"))


def main():
    root = pathlib.Path(sys.argv[1])
    claims = (root / "CLAIMS.md").read_text(encoding="utf-8")
    wrong = 0
    rows = [(name, level, sum(map(lines_of_code, files))) for name, level, files in groups(root)] + totals(root)
    for name, level, count in rows:
        if "--print" in sys.argv:
            print(f"| {name} | {level} | {round(count, -1)} |")
            continue
        stated = re.search(r"^\| " + re.escape(name) + r" \| " + str(level) + r" \| (\d+) \|$", claims, re.M)
        if not stated or abs(int(stated.group(1)) - count) * 10 > count:
            print(f"CLAIMS.md states {stated.group(1) if stated else 'nothing'} for '{name}'; there are {count} lines.")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
