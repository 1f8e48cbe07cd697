# Builds the programs with a preset of CMakePresets.json. To be sourced after common.sh.
#
# Ninja does nothing where nothing changed. A lock keeps two scripts from building in one folder at a time.
# ATM_PRESET chooses the build that lab, demo and tests use (default release). ATM_BUILT=1 says that everything
# has just been built: scripts/test sets it, so that a test and its labs take the programs as they are.
# shellcheck shell=bash disable=SC2034

ATM_PRESET=${ATM_PRESET:-release}
PROGRAMS=(atmd atmkeyd atmctl atmsim banksim atmlab)

build_folder() {
        case $1 in
        release) printf '%s\n' "$ROOT/build" ;;
        *) printf '%s\n' "$ROOT/build-$1" ;;
        esac
}

# Where the programs of the chosen build are.
BIN=$(build_folder "$ATM_PRESET")/bin

programs_are_in() {
        local program
        for program in "${PROGRAMS[@]}"; do
                [[ -x $1/$program ]] || return 1
        done
}

# The programs alone, which is what labs and benchmarks run, and what else is named.
build_programs() {
        ((!${ATM_BUILT:-0})) || return 0
        build_preset "$ATM_PRESET" "${PROGRAMS[@]}" "$@"
}

# build_preset NAME [TARGET...]: configure once, then build; TARGET `none` configures alone. Output only on failure.
build_preset() {
        local preset=$1 folder log status=0
        shift
        folder=$(build_folder "$preset")
        if [[ -e $folder/build.ninja && ! -w $folder ]]; then
                programs_are_in "$folder/bin" && return 0
                fail "$folder belongs to somebody else: clone the project into a folder of your own"
        fi
        mkdir -p "$folder" 2>/dev/null ||
                fail "can't make $folder: clone the project into a folder of your own"
        log=$(mktemp)
        # shellcheck disable=SC2016 # the inner shell expands
        flock --close "$folder/.lock" bash -c '
                cd "$1" || exit 1
                [ -e "$2/build.ninja" ] || cmake --preset "$3" || exit 1
                [ "${4:-}" = none ] || cmake --build --preset "$3" -j "$(nproc)" ${4:+--target "${@:4}"}' \
                build "$ROOT" "$folder" "$preset" "$@" >"$log" 2>&1 </dev/null || status=1
        if ((status)); then
                say "building preset $preset failed:"
                grep -E -A 12 'error|FAILED|Error' "$log" | head -n 60 | sed 's/^/    /' >&2 || true
                tail -n 5 "$log" | sed 's/^/    /' >&2
        fi
        rm -f "$log"
        return "$status"
}
