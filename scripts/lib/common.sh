# What every script here begins with: where the checkout is, how to speak, how to fail. To be sourced.
#
# Standard output carries results; what a script is doing goes to standard error through say, so that
# `--json` leaves one object on standard output. Exit codes: 0 done, 1 failed, 2 wrong usage.
# shellcheck shell=bash disable=SC2034 # read by those who source it

set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C.UTF-8
umask 022

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
SCRIPT_NAME=${SCRIPT_NAME:-$(basename "$0")}

say() {
        printf '%s: %s\n' "$SCRIPT_NAME" "$*" >&2
}

fail() {
        say "$*"
        exit 1
}

usage_error() {
        say "$*"
        say "try $SCRIPT_NAME --help"
        exit 2
}

# The script's own opening comment, from its second line to the first line that is none, is its --help. Or those of
# several files: show_help [FILE...]
show_help() {
        (($#)) || set -- "$0"
        sed -s -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$@"
}

# A decimal integer within bounds, or a message that names the option: need_number --atms "$value" 1 100000
need_number() {
        if ! [[ $2 =~ ^[0-9]{1,15}$ ]] || ! ((10#$2 >= $3 && 10#$2 <= $4)); then
                usage_error "$1: expected a whole number from $3 to $4, not '$2'"
        fi
}

# Quoted so that a shell reads exactly the same text back.
quote() {
        printf "'%s'" "${1//\'/\'\\\'\'}"
}

now_ms() {
        date +%s%3N
}

# Close what was inherited beyond the three standard descriptors, so that nothing we start can hold a
# caller's pipe or lock open. 255 is bash's own and closed on exec by itself.
close_inherited() {
        local path n
        for path in "/proc/$BASHPID/fd/"*; do
                n=${path##*/}
                if ((n > 2 && n != 255)); then
                        eval "exec $n>&-" 2>/dev/null || true
                fi
        done
}

# Runs a command quietly; its output is shown only if it fails. run_quietly "what it does" command...
run_quietly() {
        local what=$1 output
        shift
        output=$("$@" 2>&1 </dev/null) && return 0
        say "$what failed:"
        tail -n 30 <<<"$output" | sed 's/^/    /' >&2
        return 1
}

# Is process $1, started at tick $2, still there? A zombie is not; a new process under an old number neither.
process_lives() {
        local stat
        [[ -n ${1:-} ]] && stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
        read -r -a stat <<<"${stat##*) }"
        [[ ${stat[0]} != [ZX] && (-z ${2:-} || ${stat[19]} == "$2") ]]
}

process_started() {
        local stat
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
        read -r -a stat <<<"${stat##*) }"
        printf '%s\n' "${stat[19]}"
}
