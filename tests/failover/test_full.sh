#!/usr/bin/env bash
# What a machine has runs out while ATMs withdraw: an instance's descriptors, the disk of the database's data, that of its log. Whoever is connected
# stays connected, nothing that was acknowledged is lost, and service resumes once there is room. (The disks are file systems in memory.)
source "$(dirname "${BASH_SOURCE[0]}")/../flow/lib.sh"
((EUID == 0)) || wrong "to mount file systems this test must be root's"

MOUNTED=() SIMULATOR='' CLUSTER=''
full_end() {
        local status=$? folder
        [[ -z $SIMULATOR ]] || kill -KILL "$SIMULATOR" 2>/dev/null || true
        [[ -z $CLUSTER ]] || cluster_stop "$CLUSTER" immediate || true
        for folder in "${MOUNTED[@]}"; do
                umount -l "$folder" || true
        done
        flow_end "$status"
}
trap full_end EXIT

flow_lab lab --atms 30 --cards 2000 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
CLUSTER=$ATM_CLUSTER
LOG=$WORK/lab/log/atmd-1.log
pid=$ATMD_PIDS

withdrawals() {
        sql 'SELECT count(*) FROM withdrawal WHERE reason = 0'
}

# Until it is interrupted: 60 customers a second, who come whether they are served or not.
customers_come() {
        atmsim run --profile flat --per-atm-day $((60 * 86400 / 30)) --amount-yen 1000 --cards-even --card-uses 20 --cards-skip "$1" --seed "$SEED" \
                --answer-timeout-ms 3000 --repeats 1 --advice-pause-ms 300 --json >"$WORK/run.json" 2>"$WORK/run.log" &
        SIMULATOR=$!
        sql_when "withdrawals" "(SELECT count(*) FROM withdrawal WHERE reason = 0) >= $(withdrawals) + 100"
}

# They have all had their answers, or the reason why not, on the line that they had.
customers_leave() {
        kill -INT "$SIMULATOR"
        wait "$SIMULATOR" || wrong "atmsim run: $(cat "$WORK/run.log" "$WORK/run.json")"
        SIMULATOR=''
        say "$(cat "$WORK/run.json")"
        process_lives "$pid" || wrong "atmd ended"
        grep -qE '"connections_lost": *0[,}]' "$WORK/run.json" || wrong "ATMs lost their connections: $(cat "$WORK/run.json")"
        expect_exit 0 env -u BANKSIM_JOURNALS atmctl reconcile --drained --json
        expect_exit 0 atmctl verify
}

# own_disk FOLDER: what is in it lies on a file system of its own from now on, with 64 MiB of room; the server stands
own_disk() {
        mv "$1" "$1.before"
        mkdir "$1"
        mount -t tmpfs -o "size=$(($(du -sm "$1.before" | cut -f 1) + 64))m" none "$1"
        MOUNTED=("$1" "${MOUNTED[@]}")
        chown postgres: "$1"
        chmod 0700 "$1"
        cp -a "$1.before/." "$1"
        rm -r "$1.before"
}

# fill FOLDER: until nothing more fits
fill() {
        dd if=/dev/zero of="$1/ballast" bs=64k >/dev/null 2>&1 || true
}

# descriptors ------------------------------------------------------------------------------------------------------

# As many as are open, and some; who comes then says nothing and wants one.
customers_come 0
prlimit --pid "$pid" --nofile=$(($(find "/proc/$pid/fd" -mindepth 1 | wc -l) + 20))
"$BIN/attacker" silent --to "127.0.0.1:$ATMD_PORT" --from 127.0.0.66:0 --terminals T0000001 --seconds 600 >"$WORK/crowd.log" 2>&1 &
crowd=$!
await "no descriptor" grep -q 'event=no_descriptors' "$LOG"
sql_when "withdrawals while there are none" "(SELECT count(*) FROM withdrawal) >= $(withdrawals) + 60"
kill -TERM "$crowd"
wait "$crowd" || true
customers_leave

# the disk of the data ---------------------------------------------------------------------------------------------

cluster_stop "$CLUSTER"
own_disk "$CLUSTER/data"
own_disk "$CLUSTER/data/pg_wal"
cluster_start "$CLUSTER"
customers_come 300 # as many ATMs as before, so there are descriptors again
fill "$CLUSTER/data"
await "a batch that finds no room" grep -q 'event=ledger .*No space left on device' "$LOG"
rm "$CLUSTER/data/ballast"
sql_when "service once there is room" "(SELECT count(*) FROM withdrawal) >= $(withdrawals) + 60"
customers_leave

# the disk of the log: the server ends, and can't start before there is room -----------------------------------------

customers_come 600
fill "$CLUSTER/data/pg_wal"
server_is_gone() {
        PGUSER=postgres psql -X -q -c 'SELECT pg_switch_wal()' >/dev/null 2>&1 || true
        ! kill -0 "$server" 2>/dev/null
}
server=$(head -n 1 "$CLUSTER/data/postmaster.pid")
await "the end of a server without room for its log" server_is_gone
rm "$CLUSTER/data/pg_wal/ballast"
cluster_start "$CLUSTER"
sql_when "service once there is room and a server" "(SELECT count(*) FROM withdrawal) >= $(withdrawals) + 60"
customers_leave
passed
