#!/usr/bin/env bash
# Machines fail under load, with etcd, Patroni and atmd as etc/ has them for production: service is back by itself, and nothing is lost.
# How long ATMs had no approval is printed for each fault. The long form plays them again and again, fifty in all; ATM_FAULTS="machine_off
# switchover" plays those alone.
source "$(dirname "${BASH_SOURCE[0]}")/machines.sh"
network_enter "$@"
source "$(dirname "${BASH_SOURCE[0]}")/../flow/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"

RATE=40 # customers a second
FAULTS=(database_killed machine_off machine_frozen machine_cut etcd_killed etcd_frozen standby_off switchover
        instance_killed instance_stopped instance_frozen instance_off balancer_killed)
[[ -z ${ATM_FAULTS:-} ]] || read -r -a FAULTS <<<"$ATM_FAULTS"
ROUNDS=${#FAULTS[@]}
((!LONG)) || ROUNDS=50

# NAME_begin, and NAME_end once service is back
database_killed_begin() { machine_signal "$PRIMARY" KILL postgres; }
machine_off_begin() { machine_off "$PRIMARY"; }
machine_off_end() { machine_on "$PRIMARY"; }
machine_frozen_begin() { machine_freeze "$PRIMARY"; }
machine_frozen_end() { machine_thaw "$PRIMARY"; }
machine_cut_begin() { machine_cut "$PRIMARY"; }
machine_cut_end() { machine_join "$PRIMARY"; }
etcd_killed_begin() { machine_signal "$(etcd_leader)" KILL etcd; }
etcd_frozen_begin() {
        local told name
        told=$(failsafe_told)
        for name in "${DB[@]}"; do machine_signal "$name" STOP etcd; done
        await "the primary to go on without etcd" failsafe_is_told_since "$told"
}
etcd_frozen_end() {
        local name
        await "approvals while the primary goes on without etcd" approvals_after "$(now_ms)"
        for name in "${DB[@]}"; do machine_signal "$name" CONT etcd; done
}
standby_off_begin() { STANDBY=$(members | awk '$2 == "Sync" { print $1 }') && machine_off "$STANDBY"; }
standby_off_end() { machine_on "$STANDBY"; }
instance_killed_begin() { machine_signal "$INSTANCE" KILL atmd; }
instance_stopped_begin() { machine_signal "$INSTANCE" TERM atmd; }
instance_frozen_begin() { machine_freeze "$INSTANCE"; }
instance_frozen_end() { instance_is_left && machine_thaw "$INSTANCE"; }
instance_off_begin() { machine_off "$INSTANCE"; }
instance_off_end() { instance_is_left && machine_on "$INSTANCE"; }
balancer_killed_begin() { machine_signal atm KILL haproxy; }
switchover_begin() { on_database "$PRIMARY" patronictl -c /etc/patroni/config.yml switchover --force >"$WORK/switchover" 2>&1; }

# Those that leave the primary where it is.
KEEPS_PRIMARY=" etcd_killed etcd_frozen standby_off instance_killed instance_stopped instance_frozen instance_off balancer_killed "

failsafe_told() { grep -c 'failsafe mode is enabled and all members are accessible' "$MACHINES/$PRIMARY/log/patroni" || true; }
failsafe_is_told_since() { (($(failsafe_told) > $1)); }

etcd_leader() {
        local name
        for name in "${DB[@]}"; do
                if machine_run "$name" env ETCDCTL_API=3 etcdctl --endpoints "https://$name:2379" --cacert /etc/etcd/pki/ca.crt \
                        --cert /etc/etcd/pki/machine.crt --key /etc/etcd/pki/machine.key endpoint status -w json |
                        perl -MJSON::PP -e 'my $s = decode_json(<STDIN>)->[0]{Status}; exit($s->{leader} ne $s->{header}{member_id})'; then
                        echo "$name"
                        return
                fi
        done
        return 1
}

# --- what ATMs see: the moment of each approval, by the journal

answers_follow() {
        : >"$WORK/approvals"
        tail -n +1 -F "$ATM_JOURNAL"/atmsim-*.journal 2>/dev/null |
                perl -MTime::HiRes=time -ne '$| = 1; printf "%d %s\n", time * 1000, $1 if /^A (\S+) \S+ \S+ 00 /' >"$WORK/approvals" &
        FOLLOWER=$!
}

approvals() { wc -l <"$WORK/approvals"; }
more_approvals_than() { (($(approvals) > $1)); }

# The longest pause between two approvals since the fault began, of all ATMs and of one, in tenths of a second.
pauses() {
        awk -v from="$1" '
                $1 >= from && last { if ($1 - last > all) all = $1 - last }
                $1 >= from && $2 in at { if ($1 - at[$2] > one) one = $1 - at[$2] }
                { last = at[$2] = $1 }
                END { printf "%.1f s without an approval, at one ATM %.1f s", all / 1000, one / 1000 }' "$WORK/approvals"
}

# --- a fault under load

round() {
        local fault=$1 began simulator journal primary epoch
        journal=$(find "$ATM_JOURNAL" -name '*.journal' | wc -l)
        atmsim run --profile flat --per-atm-day $((RATE * 86400 / ATMS)) --amount-yen 1000 --seed $((SEED + ROUND)) --answer-timeout-ms 5000 \
                --repeats 1 --advice-pause-ms 500 --json >"$WORK/run.json" 2>"$WORK/run.log" &
        simulator=$!
        await "the simulator's journal" journals_are_more_than "$journal"
        answers_follow
        await "approvals" more_approvals_than $((RATE * 2))
        primary_is_there || wrong "no primary before $fault"
        primary=$PRIMARY
        epoch=$(ask "SELECT epoch FROM database_epoch")
        INSTANCE=$(instances | sort -k3,3nr | awk 'NR == 1 { print $1 }') # that most ATMs are connected with
        began=$(now_ms)
        "${fault}_begin"
        await "approvals after $fault" approvals_after "$began"
        ! declare -F "${fault}_end" >/dev/null || "${fault}_end"
        await "three machines after $fault" database_is_whole
        await "both instances after $fault" instances_are_up
        if [[ $KEEPS_PRIMARY == *" $fault "* ]]; then
                expect "the primary after $fault" "$primary" "$PRIMARY"
        else
                [[ $PRIMARY != "$primary" ]] || wrong "$primary is the primary still, after $fault"
                await "the next epoch" says "epoch > $epoch FROM database_epoch"
        fi
        await "approvals in the end" more_approvals_than $(($(approvals) + RATE * 2))
        kill -INT "$simulator"
        wait "$simulator" || wrong "atmsim run, $fault: $(cat "$WORK/run.log" "$WORK/run.json")"
        kill "$FOLLOWER"
        expect_exit 0 atmctl reconcile --drained --json --conninfo "${DATABASE[*]}"
        expect_exit 0 atmctl verify --conninfo "${DATABASE[*]}"
        say "$fault: $(pauses "$began")"
}

journals_are_more_than() { (($(find "$ATM_JOURNAL" -name '*.journal' | wc -l) > $1)); }

# Of every ATM one that came well after the beginning: what was under way does not count.
approvals_after() { (($(awk -v from=$(($1 + 1500)) '$1 > from { at[$2] } END { print length(at) }' "$WORK/approvals") == ATMS)); }

instance_is_down() { [[ $(instances | awk -v name="$INSTANCE" '$1 == name { print $2, $3 }') == "DOWN 0" ]]; }
instance_is_left() { await "HAProxy to leave $INSTANCE alone" instance_is_down; }

site_make
await "three machines" database_is_whole
say "seven machines are up after $SECONDS s"
for ((ROUND = 0; ROUND < ROUNDS; ROUND++)); do
        round "${FAULTS[ROUND % ${#FAULTS[@]}]}"
done
passed
