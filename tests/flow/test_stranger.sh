#!/usr/bin/env bash
# A stranger's clone: what is committed is all that a build needs, the README's commands are there, and its
# table of packages is the one that the scripts install.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

git -c safe.directory='*' clone -q --depth 1 "file://$ROOT" "$WORK/clone"
cd "$WORK/clone"
build_programs

for command in scripts/demo scripts/test scripts/lab scripts/bench .ci/run; do
        [[ -x $command ]] || wrong "$command is missing or can't be run"
done
while IFS=: read -r file target; do
        target=${target:2:-1}
        [[ $target == http* || -e $(dirname "$file")/$target ]] || wrong "$file links to $target, which is not there"
done < <(grep -oE '\]\([^)#]+\)' README.md docs/*.md)
while IFS=$'\t' read -r package group _ what; do
        [[ $package == \#* ]] && continue
        grep -qF "| \`$package\` | $group | $what |" README.md || wrong "README.md has no row for $package ($group): $what"
done <scripts/lib/packages.tsv
# What only some other suite installs begins no command of these.
while IFS=$'\t' read -r package group command _; do
        [[ $package == \#* || $group =~ ^(build|run|test|format)$ || $command == /* ]] && continue
        users=$({ grep -lwE "^[^#]*(^|[|&;(] *|\\$\\()$command( |\$)" tests/flow/*.sh tests/contract/*.sh scripts/lib/*.sh scripts/bench.d/*.sh || true; } | xargs)
        [[ -z $users ]] || wrong "$command, of $package, is installed for the suite $group alone, and used by $users"
done <scripts/lib/packages.tsv

# What the build at hand read of the checkout: sources, headers, whatever a command was given.
inputs() {
        (cd "$BUILT" && { ninja -t inputs all && ninja -t deps | sed -n 's/^    //p'; } | xargs -d '\n' realpath -m --) | sort -u |
                sed -n "s|^$ROOT/||p" | grep -v '^build' # links in build/include are resolved
}
committed() {
        comm -23 <(git -C "$ROOT" -c safe.directory='*' ls-files | sort -u) \
                <(git -C "$ROOT" -c safe.directory='*' diff --name-only HEAD | sort -u)
}

# A file that CMake is told of and that is not in the clone is found by configuring it. For all that is included the
# build at hand speaks, if it read nothing that is not committed as it is; else the clone is built too.
cmake -G Ninja -B build -DCMAKE_BUILD_TYPE=Debug -DATM_TESTS=OFF >cmake.log 2>&1 || wrong "configuring: $(tail -n 20 cmake.log)"
BUILT=$(build_folder "$ATM_PRESET")
inputs >"$WORK/inputs"
(($(grep -c '\.[ch]$' "$WORK/inputs") > 200)) || wrong "not all that was read is found: $(cat "$WORK/inputs")"
committed | comm -23 "$WORK/inputs" - >"$WORK/uncommitted"
if [[ -s $WORK/uncommitted ]]; then
        say "not committed as it is, so that the clone is built: $(xargs <"$WORK/uncommitted")"
        ninja -C build >ninja.log 2>&1 || wrong "building: $(grep -A 10 -E 'error|FAILED' ninja.log | head -n 40)"
        BUILT=$WORK/clone/build
else
        say "$(wc -l <"$WORK/inputs") files of the checkout were read for the build: all are committed as they are"
fi
for program in "${PROGRAMS[@]}"; do
        [[ $("$BUILT/bin/$program" --help) == *"$program"* ]] || wrong "$program --help"
done
passed
