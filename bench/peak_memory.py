#!/usr/bin/env python3
"""Runs a command and says how much anonymous memory it had at most, sampled every 50 ms.

    bench/peak_memory.py blockcert certify MODEL --memory 1G --dtype bf16 --blocks all --prompts prompts.jsonl -o run

RssAnon is what the process holds for itself: pages of files in the page cache do not count. VmHWM is printed beside it,
and minor faults per second, which tell whether buffers are reused.
"""

import os
import resource
import subprocess
import sys
import time


def fields(pid):
    found = {}
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        for line in status:
            name, _, value = line.partition(":")
            if name in ("RssAnon", "VmHWM", "VmLck"):
                found[name] = int(value.split()[0]) * 1024
    return found


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    begin = time.monotonic()
    child = subprocess.Popen(sys.argv[1:])
    anonymous = resident = locked = samples = 0
    while child.poll() is None:
        try:
            now = fields(child.pid)
        except (FileNotFoundError, ProcessLookupError):
            break
        anonymous = max(anonymous, now.get("RssAnon", 0) + now.get("VmLck", 0))
        resident = max(resident, now.get("VmHWM", 0))
        samples += 1
        time.sleep(0.05)
    code = child.wait()
    seconds = time.monotonic() - begin
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"peak RssAnon {anonymous / 1e9:.3f} GB, VmHWM {resident / 1e9:.3f} GB, {samples} samples in {seconds:.1f} s,"
          f" {usage.ru_minflt} minor faults ({usage.ru_minflt / max(seconds, 1e-9):.0f}/s),"
          f" {usage.ru_utime + usage.ru_stime:.1f} s CPU, exit code {code}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
