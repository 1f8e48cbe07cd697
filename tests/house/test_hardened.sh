#!/usr/bin/env bash
# test_hardened.sh DIR FILE...: the programs and modules FILE of the build in DIR are made so that a fault in them is harder to use.
set -euo pipefail
build=$1
shift
failed=0

# Say what FILE lacks: fault FILE TEXT
fault() {
        echo "$1: $2"
        failed=1
}

for file in "$@"; do
        told=$(readelf -dlW "$file")
        grep -Eq 'FLAGS_1\).*NOW' <<<"$told" || fault "$file" "its functions are looked up late, in a table that stays writable (-z now)"
        grep -q 'GNU_RELRO' <<<"$told" || fault "$file" "its tables stay writable (-z relro)"
        grep -Eq 'GNU_STACK .* RW ' <<<"$told" || fault "$file" "its stack can be executed"
        [[ $(readelf -hW "$file") == *"DYN ("* ]] || fault "$file" "it stands at a fixed address"
done

# Each file that is compiled is compiled so: what the programs show of it depends on what they need.
for flag in stack-protector-strong stack-clash-protection $([[ $(uname -m) != x86_64 ]] || echo cf-protection); do
        lacks=$(grep '"command"' "$build/compile_commands.json" | grep -Evc -e "-f$flag\b|embed\.S" || true)
        [[ $lacks == 0 ]] || fault "$build/compile_commands.json" "$lacks commands without -f$flag"
done
exit $failed
