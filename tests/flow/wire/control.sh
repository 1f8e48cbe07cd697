#!/usr/bin/env bash
# tests/flow/wire/control.sh VERB: what test_wire does to its laboratory ($WIRE_LAB) while it talks to it.
#   kill I | start I             an instance, with SIGKILL
#   stop-database | start-database
# shellcheck disable=SC1091
source "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/common.sh"
source "$ROOT/scripts/lib/cluster.sh"

case $1 in
kill | start) "$ROOT/scripts/lab" "$1" --dir "$WIRE_LAB" --instance "$2" ;;
stop-database) cluster_stop "$ATM_CLUSTER" fast ;;
start-database)
        cluster_stop "$ATM_CLUSTER" immediate || true # one that is just dying
        cluster_start "$ATM_CLUSTER"
        ;;
*) fail "unknown verb '$1'" ;;
esac
