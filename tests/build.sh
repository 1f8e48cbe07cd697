#!/usr/bin/env bash
# tests/build.sh PRESET [TARGET...]: builds it; what is wrong is said.
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
source "$ROOT/scripts/lib/build.sh"

build_preset "$@"
