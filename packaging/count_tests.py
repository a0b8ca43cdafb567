#!/usr/bin/env python3
"""Counts the tests of a ctest JUnit file: count_tests.py RESULTS.xml KNOWN_SKIPS.txt

Prints failures with their output, the slowest tests, skips, and last "N passed, N failed". A test that skips itself
without a line in KNOWN_SKIPS.txt ("Suite.Name reason") counts as failed. Ends with 1 if anything failed.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

SKIP_LINES = [re.compile(r"^\[  SKIPPED \] ([A-Za-z_][\w./]*)", re.M), re.compile(r"^SKIP   : ([\w:]+)", re.M)]


def read_known(path):
    known = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.strip().partition(" ")
                known[name] = reason
    return known


def main(results_path, known_path):
    try:
        cases = list(ElementTree.parse(results_path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as problem:
        print(f"check: ctest left no readable results ({problem}); its log is build/release/tests.log.")
        cases = []
    known = read_known(known_path)
    failed = []
    for case in cases:
        name = case.get("name")
        output = case.findtext("system-out") or ""
        if case.get("status") != "run":
            failed.append(name)
            print(f"\n--- {name} failed ---")
            print("\n".join(output.splitlines()[-60:]))
            continue
        skips = sorted({match for pattern in SKIP_LINES for match in pattern.findall(output)})
        for skip in skips:
            print(f"check: {name}: {skip} skipped itself: {known.get(skip, 'which is not in tests/known_skips.txt')}")
        if any(skip not in known for skip in skips):
            failed.append(name)
    slowest = sorted(cases, key=lambda case: -float(case.get("time")))[:10]
    print("check: slowest " + ", ".join(f"{case.get('name')} {float(case.get('time')):.1f} s" for case in slowest))
    if failed:
        print("check: failed " + " ".join(failed))
    print(f"{len(cases) - len(failed)} passed, {len(failed) if cases else 1} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
