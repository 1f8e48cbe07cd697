#!/usr/bin/env bash
# tests/contract/run.sh PROGRAM [ARGUMENT...]
#
# Runs a contract test on the PostgreSQL that PGHOST names, as its superuser, or without PGHOST on a private
# cluster of its own.
if [[ -n ${PGHOST:-} ]]; then
        exec "$@"
fi
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
source "$ROOT/scripts/lib/cluster.sh"
cluster_for_tests
exec "$ROOT/scripts/with-postgres" "$@"
