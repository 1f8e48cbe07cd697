#!/usr/bin/env bash
# tests/flow/wire/control.sh VERB: what test_wire does to its laboratory ($WIRE_LAB) while it talks to it.
#   kill I | start I             an instance, with SIGKILL
#   stop-database | start-database
#   clock START_MS ANCHOR_MS     kills instances and banks and starts them again with this clock
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
clock)
        "$ROOT/scripts/lab" kill --dir "$WIRE_LAB" --bank
        for instance in 1 2; do
                "$ROOT/scripts/lab" kill --dir "$WIRE_LAB" --instance "$instance"
        done
        sed -i "s/^start = .*/start = $2/; s/^anchor = .*/anchor = $3/" "$ATMD_CONF"
        sed -i "s/^clock_start = .*/clock_start = $2/; s/^clock_anchor = .*/clock_anchor = $3/" "$BANKSIM_CONF"
        "$ROOT/scripts/lab" start --dir "$WIRE_LAB" --bank
        for instance in 1 2; do
                "$ROOT/scripts/lab" start --dir "$WIRE_LAB" --instance "$instance"
        done
        ;;
*) fail "unknown verb '$1'" ;;
esac
