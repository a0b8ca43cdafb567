#!/usr/bin/env bash
# Installs a build into a folder of its own and uses it as a stranger would: packaging/smoke_test.sh [BUILD]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

cmake --install "$build" --prefix "$prefix" >"$prefix/install.log" || { tail -n 5 "$prefix/install.log" >&2; exit 1; }
cd "$prefix"
# Nothing of the build tree or the caller may be needed.
run() { env -i HOME="$prefix" PATH=/usr/bin:/bin LANG=C.UTF-8 "$@"; }
run bin/blockcert --version
run bin/blockcert doctor >doctor.log || { cat doctor.log >&2; exit 1; }
run bin/blockcert certify demo --blocks 0 --prompts base --loss none -o run --quiet >/dev/null
status=0
run bin/blockcert verify run --quiet >verdict.log || status=$?
[ "$status" = 6 ] || { echo "smoke test: verify ended with $status; without losses the policy cannot be met (6)." >&2; cat verdict.log >&2; exit 1; }
for file in share/man/man1/blockcert.1 share/bash-completion/completions/blockcert share/zsh/site-functions/_blockcert \
    share/fish/vendor_completions.d/blockcert.fish share/blockcert/demo/LICENSE; do
    [ -s "$file" ] || { echo "smoke test: $file was not installed." >&2; exit 1; }
done
if command -v appstreamcli >/dev/null && [ -e share/metainfo ]; then
    appstreamcli validate --no-net share/metainfo/*.xml >/dev/null
fi
echo "smoke test: the installed programs work"
