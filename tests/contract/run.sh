#!/usr/bin/env bash
# tests/contract/run.sh PROGRAM [ARGUMENT...]
#
# Runs a contract test on the PostgreSQL that PGHOST names, as its superuser, or without PGHOST on a private
# cluster of its own.
set -euo pipefail
if [[ -n ${PGHOST:-} ]]; then
        exec "$@"
fi
exec "$(dirname "${BASH_SOURCE[0]}")/../../scripts/with-postgres" "$@"
