#!/usr/bin/env bash
# A stranger's clone: what is committed is all that a build needs, the README's commands are there, and its
# table of packages is the one that the scripts install.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

git -c safe.directory='*' clone -q --depth 1 "file://$ROOT" "$WORK/clone"
cd "$WORK/clone"

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

cmake -G Ninja -B build -DCMAKE_BUILD_TYPE=Debug -DATM_TESTS=OFF >cmake.log 2>&1 || wrong "configuring: $(tail -n 20 cmake.log)"
ninja -C build >ninja.log 2>&1 || wrong "building: $(grep -A 10 -E 'error|FAILED' ninja.log | head -n 40)"
for program in atmd atmctl atmsim banksim; do
        [[ $("build/bin/$program" --help) == *"$program"* ]] || wrong "$program --help"
done
passed
