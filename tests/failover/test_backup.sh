#!/usr/bin/env bash
# Three machines of the database go back to a backup, by the steps of docs/operations.md ("go back to a backup"): Patroni takes the restored
# server for the primary, the others are copied anew, the epoch is raised, and instances that have seen the former servers serve.
source "$(dirname "${BASH_SOURCE[0]}")/machines.sh"
network_enter "$@"
source "$(dirname "${BASH_SOURCE[0]}")/../flow/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"

FOLDER=/var/lib/postgresql/15

as_postgres() { on_database "$RESTORED" "$@"; }
pg_control() { as_postgres /usr/lib/postgresql/15/bin/pg_ctl -D "$FOLDER/atm" -w -l "$FOLDER/by-hand.log" "$@" >"$WORK/pg_ctl" 2>&1 || wrong "pg_ctl $*: $(cat "$WORK/pg_ctl")"; }
is_promoted() { [[ $(as_postgres psql -X -A -t -q -c 'SELECT pg_is_in_recovery()' 2>/dev/null) == f ]]; }
leads() { primary_is_there && [[ $PRIMARY == "$RESTORED" ]]; }
withdraw() { expect_exit 0 atmsim run --closed --withdrawals 40 --amount-yen 1000 --cards-even --card-uses 1 --cards-skip "$1" --seed "$SEED"; }

site_make
await "three machines" database_is_whole
RESTORED=$PRIMARY
withdraw 0
as_postgres pg_basebackup -U replicator -D "$FOLDER/backup" -c fast
expect_exit 0 atmctl area add KEPT --name before --conninfo "${DATABASE[*]}"
moment=$(ask "SELECT clock_timestamp()")
expect_exit 0 atmctl area add LOST --name after --conninfo "${DATABASE[*]}"
epoch=$(ask "SELECT epoch FROM database_epoch")
as_postgres psql -X -q -c 'SELECT pg_switch_wal()' >/dev/null
as_postgres cp -a "$FOLDER/atm/pg_wal" "$FOLDER/archive"

for name in "${APP[@]}"; do
        service_stop "$name" atmd
done
for name in "${DB[@]}"; do
        service_stop "$name" patroni
        await "the end of PostgreSQL on $name" service_has_ended "$name" postgres
done

# what pgBackRest leaves behind (tests/restore)
as_postgres rm -r "$FOLDER/atm"
as_postgres mv "$FOLDER/backup" "$FOLDER/atm"
as_postgres touch "$FOLDER/atm/recovery.signal"
as_postgres tee -a "$FOLDER/atm/postgresql.auto.conf" >/dev/null <<CONF
restore_command = 'cp $FOLDER/archive/%f %p'
recovery_target_time = '$moment'
recovery_target_action = 'promote'
CONF
pg_control start
await "the end of recovery" is_promoted
pg_control stop
printf 'atm\nYes I am aware\n' | as_postgres patronictl -c /etc/patroni/config.yml remove atm >"$WORK/remove" || wrong "remove: $(cat "$WORK/remove")"
service_start "$RESTORED" patroni
await "the restored server as primary" leads
for name in "${DB[@]}"; do
        [[ $name != "$RESTORED" ]] || continue
        on_database "$name" rm -r "$FOLDER/atm"
        service_start "$name" patroni
done
await "three machines again" database_is_whole

expect "what is there of before and after the moment" KEPT "$(ask "SELECT area FROM area WHERE area IN ('KEPT', 'LOST')")"
await "the next epoch" says "epoch > $epoch FROM database_epoch"
expect_exit 0 atmctl verify --conninfo "${DATABASE[*]}"
for name in "${APP[@]}"; do
        service_start "$name" atmd
done
await "both instances" instances_are_up
withdraw 40
expect_exit 0 atmctl reconcile --drained --json --conninfo "${DATABASE[*]}"
expect_exit 0 atmctl verify --conninfo "${DATABASE[*]}"
passed
