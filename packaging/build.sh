# Sourced by run, check and .ci/run: configures and builds a preset, quietly unless it fails.

# build_preset PRESET [CMAKE_OPTION…] -- [BUILD_OPTION…]
build_preset() {
    local preset=$1 configure=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        configure+=("$1")
        shift
    done
    [ $# -gt 0 ] && shift
    local folder=build/$preset began=$SECONDS
    mkdir -p "$folder" || return 1
    if ! cmake --preset "$preset" "${configure[@]}" >"$folder/configure.log" 2>&1; then
        tail -n 20 "$folder/configure.log" >&2
        echo "build: configuring the preset $preset failed; the whole log is $folder/configure.log. If a library is missing, packaging/setup.sh installs it." >&2
        return 1
    fi
    if [ -t 1 ]; then
        cmake --build --preset "$preset" "$@" || {
            echo "build: compiling the preset $preset failed; the compiler's reason stands above." >&2
            return 1
        }
    elif ! cmake --build --preset "$preset" "$@" >"$folder/build.log" 2>&1; then
        grep -nE 'error|FAILED|undefined reference|No space left|Killed' "$folder/build.log" | head -n 20 >&2
        echo "build: compiling the preset $preset failed; the whole log is $folder/build.log." >&2
        return 1
    fi
    echo "build: preset $preset is up to date ($((SECONDS - began)) s)"
}
