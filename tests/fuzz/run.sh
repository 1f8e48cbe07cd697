#!/usr/bin/env bash
# tests/fuzz/run.sh PROGRAM LONGEST CORPUS
#
# Lets a libFuzzer program try inputs of up to LONGEST bytes for four seconds (ATM_TEST_LONG=1: two minutes). What it finds
# new goes into a folder of this run, not into the checkout; an input that breaks something is kept in build/test-log.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
mkdir -p "$ROOT/build/test-log"
"$1" -max_len="$2" -max_total_time=$((${ATM_TEST_LONG:-0} ? 120 : 4)) -print_final_stats=1 \
        -artifact_prefix="$ROOT/build/test-log/" "$new" "$3"
