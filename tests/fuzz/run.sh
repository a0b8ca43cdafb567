#!/usr/bin/env bash
# Runs every fuzz target of build/fuzz for SECONDS each (default 60), seeded with the project's own fixtures.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
bin=build/fuzz/bin
[ -x "$bin/json_fuzz" ] || { echo "fuzz: build first: cmake --preset fuzz && cmake --build --preset fuzz" >&2; exit 2; }
export BLOCKCERT_PROGRAM="$PWD/$bin/blockcert"
failed=0
"$bin/fuzz_seeds" tests/data build/fuzz/corpus
for target in "$bin"/*_fuzz; do
    name=$(basename "$target" _fuzz)
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus" "tests/fuzz/rejected/$name"
    find tests/data -type f -size -64k | case $name in
        safetensors) grep '\.safetensors$' ;;
        trace) grep 'traces/.*\.safetensors$' ;;
        npz) grep '\.npz$' ;;
        gguf) grep '\.gguf$' ;;
        archive) grep '\.h5$' ;;
        tokenizer) grep -E '/tokenizer\.(json|model)$' ;;
        template | frame | program) grep '^$' ;; # made by fuzz_seeds
        config) grep '/config\.json$' ;;
        prompts) grep -E '\.(jsonl|txt|csv)$' ;;
        *) grep '\.json$' ;;
    esac | while read -r seed; do cp "$seed" "$corpus/$(sha256sum "$seed" | cut -c1-16)"; done || true
    if "$target" -max_total_time="$seconds" -rss_limit_mb=3000 -timeout=20 -print_final_stats=1 \
        -artifact_prefix="tests/fuzz/rejected/$name/" "$corpus" "tests/fuzz/rejected/$name" >"build/fuzz/$name.log" 2>&1
    then echo "fuzz: $name: $(grep -o 'number_of_executed_units: [0-9]*' "build/fuzz/$name.log"), nothing found"
    else echo "fuzz: $name FAILED, see build/fuzz/$name.log" >&2; failed=1
    fi
done
exit $failed
