#!/usr/bin/env bash
# The table of faults (tests/faults/fault_table.def) against real processes: two instances of atmd, a banksim
# with three banks, bad lines (netproxy) between ATMs, instances and banks. Each row is one withdrawal of one
# ATM, to which what the row says happens at the moment that it says; then what left the ATM, what the host
# recorded and what the bank holds are compared with the row. In the end everything is reconciled three ways.
#
#       tests/flow/test_faults.sh [ROW...]      these rows only (all)
#
# How a moment is met: the bank is told to hold its answers until its next order, or to say nothing; what has happened is
# seen in the database and in the bank's journal. An ATM that must not hear an answer yet stands behind a line that is
# stalled. Nobody sends echoes meanwhile: what a bank is ordered would fall on an echo instead, and be over.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

TABLE=$ROOT/tests/faults/fault_table.def
TIMEOUT_MS=1500 SLOW_MS=200 LATE_MS=1750 # of the banks: so long atmd waits for them, so late they are
BANK_TIMEOUT_MS=$TIMEOUT_MS PATIENT_MS=15000
AMOUNT=13000                             # four notes
INSTANCES=2
declare -A HOW=([BANK_SLOW]=slow [BANK_LATE]=late [BANK_SILENT]=silent [BANK_DEAF]=deaf [BANK_WRONG_ECHO]=wrong-echo
        [BANK_WRONG_MAC]=wrong-mac [BANK_DUPLICATE]=duplicate [BANK_DECLINES]=decline [BANK_REPEATED]=repeated [BANK_MISSING]=missing [BANK_CASE]=case
        [BANK_AGAIN]=again [BANK_HANGS_UP]=hang-up)
PROXIES=() # processes
ATM=0
EXPLAINED=0 # withdrawals that a bank would not book

# The rows as words: name what moment notes atm de39 host bank people
rows() {
        sed -nE 's/^FAULT\(([^"]*), ".*/\1/p' "$TABLE" | tr -d ,
}

# lines of the network --------------------------------------------------------------------------------

# proxy NAME TO [options]: a line to a port of this machine; its own port in PORT.
proxy() {
        netproxy --listen 127.0.0.1:0 --to "127.0.0.1:$2" --control "$WORK/$1.line" "${@:3}" >"$WORK/$1.proxy" 2>&1 &
        PROXIES+=("$!")
        await "netproxy $1" grep -qs '^listening' "$WORK/$1.proxy"
        PORT=$(sed -nE 's/^listening on .*:([0-9]+)$/\1/p' "$WORK/$1.proxy")
}

line() {
        netproxy tell "$WORK/$1.line" "$2" >/dev/null
}

atm_lines() {
        local i
        for ((i = 1; i <= INSTANCES; i++)); do
                line "atmd-$i" "$1"
        done
}

end_of_faults() {
        local pid
        ((!ATM)) || kill -KILL "$ATM" 2>/dev/null || true
        for pid in $(instance_pids) $(module_pid); do
                kill -CONT "$pid" 2>/dev/null || true
        done
        for pid in "${PROXIES[@]}"; do
                kill -TERM "$pid" 2>/dev/null || true
        done
        flow_end
}

# parts ---------------------------------------------------------------------------------------------------

lab() {
        "$ROOT/scripts/lab" "$1" --dir "$WORK/lab" "${@:2}"
}

instance_pids() {
        # shellcheck disable=SC1091
        [[ ! -f $WORK/lab/lab.env ]] || (source "$WORK/lab/lab.env" && echo "$ATMD_PIDS")
}

instance_pid() {
        instance_pids | cut -d ' ' -f "$1"
}

module_pid() {
        # shellcheck disable=SC1091
        [[ ! -f $WORK/lab/lab.env ]] || (source "$WORK/lab/lab.env" && echo "$ATM_KEY_MODULE_PID")
}

reloads() {
        cat "$WORK"/lab/log/atmd-*.log | grep -c 'event=reloaded '
}

have_reloaded() {
        (($(reloads) >= $1))
}

# So long both instances wait for banks from now on, and twice as long do ATMs' requests at most.
bank_timeout() {
        local wanted i
        [[ $BANK_TIMEOUT_MS != "$1" ]] || return 0
        wanted=$(($(reloads || true) + INSTANCES))
        sed -i "s/^answer_timeout_ms = .*/answer_timeout_ms = $1/; s/^request_timeout_ms = .*/request_timeout_ms = $((2 * $1))/" "$ATMD_CONF"
        for ((i = 1; i <= INSTANCES; i++)); do
                kill -HUP "$(instance_pid "$i")"
        done
        until_true "banks have $1 ms" have_reloaded "$wanted"
        BANK_TIMEOUT_MS=$1
}

# Of a row whose bank's answer must reach somebody, however busy the machine is, nothing rests on a time-out.
patience_ms() {
        case $MOMENT-$DE39 in
        DECIDED-* | NOTICE-* | *-00) echo "$PATIENT_MS" ;;
        *) echo "$TIMEOUT_MS" ;;
        esac
}

# Who sends for this row's bank just now: an instance's number.
lease_holder() {
        sql "SELECT split_part(holder, '-', 1) FROM saf_lease WHERE link = '$BANK'"
}

order() {
        banksim ctl "$BANK" "$@" >/dev/null
}

# How often the row's bank has behaved like that.
happened() {
        banksim ctl "$BANK" show --csv | sed -n "s/^$BANK,behaviours,$1,//p"
}

# How many of a kind of message it has had.
counted() {
        banksim ctl "$BANK" show --csv | sed -n "s/^$BANK,counts,$1,//p"
}

has_happened() {
        (($(happened "$1") > BEFORE))
}

# Every connection to every bank is there again, and has signed on: what a bank is ordered falls on sign-ons too.
linked() {
        [[ $(banksim ctl all show --csv | grep -cE '^BANK.,,(state,up|behaviour,normal|signed_on,4)$') == 9 ]]
}

# what has happened ---------------------------------------------------------------------------------------

# there TABLE [CONDITION]: as SQL, that the row's ATM has such a row.
there() {
        echo "EXISTS (SELECT FROM $1 WHERE terminal = '$TERMINAL' AND ${2:-true})"
}

row_of() {
        [[ $(sql "SELECT $(there "$@")") == t ]]
}

# until_row "what" TABLE [CONDITION]
until_row() {
        sql_when "$NAME: $1" "$(there "${@:2}")" "$PATIENCE_S"
}

until_drained() {
        sql_when "$NAME: $1" "NOT $(there saf) AND NOT $(there v_open)" "$PATIENCE_S"
}

# The bank has written down what it decided, or was told.
bank_knows() {
        grep -qE "^$1 $BANK $TERMINAL " "$BANKSIM_JOURNALS/$BANK.journal"
}

# The ATM has written down what it will tell.
atm_reverses() {
        grep -qsE "^V $TERMINAL " "$ATM_JOURNAL"/*.journal
}

# An end of the row's ATM; its result is in $WORK/run.json.
atm_await() {
        wait "$ATM" || wrong "$NAME: atmsim: $(cat "$WORK/run.log" "$WORK/run.json")"
        ATM=0
}

# until "what" command...: looks often, since faults must be in time; how long it takes is the machine's.
until_true() {
        local what=$1 deadline=$((SECONDS + PATIENCE_S))
        shift
        until "$@"; do
                ((SECONDS < deadline)) || wrong "$NAME: waited in vain: $what"
                sleep 0.03
        done
}

# the key module ------------------------------------------------------------------------------------------

# module_is up|away: does each instance, by its last word of it, have it?
module_is() {
        local i
        for ((i = 1; i <= INSTANCES; i++)); do
                [[ $(grep -oE 'event=key_module_(up|away) ' "$WORK/lab/log/atmd-$i.log" | tail -n 1) == "event=key_module_$1 " ]] || return 1
        done
}

# How often links were without MACs, less how often that was over.
mute_links() {
        awk '/event=link_mute / { n++ } /event=link_mute_over / { n-- } END { print n + 0 }' "$WORK"/lab/log/atmd-*.log
}

links_are_mute() {
        (($(mute_links) > 0))
}

module_is_missed() {
        ! module_is up
}

module_serves() {
        module_is up && ! links_are_mute
}

atm_is_left_in_silence() {
        grep -qhE "event=no_mac .*$TERMINAL" "$WORK"/lab/log/atmd-*.log
}

# The key module is killed, or stands still.
module_goes() {
        if [[ $WHAT == MODULE_STALLED ]]; then
                kill -STOP "$(module_pid)"
        else
                lab kill --keys
                until_true "the instances have lost their key module" module_is away
        fi
}

module_comes() {
        if [[ $WHAT == MODULE_STALLED ]]; then
                until_true "the key module is given up" module_is_missed
                kill -CONT "$(module_pid)"
        else
                lab start --keys
        fi
        until_true "the key module serves again" module_serves
}

# The ATM signs on again at once, and has its repeat answered.
atm_line_anew() {
        atm_lines cut
        atm_lines resume
}

# operators -----------------------------------------------------------------------------------------------

# The bank that comes after the row's.
next_bank() {
        tr ' ' '\n' <<<"$BANKSIM_BANKS $BANKSIM_BANKS" | sed -n "/^$BANK\$/{n;p;q}"
}

operator() {
        atmctl "$@" >/dev/null || wrong "$NAME: 'atmctl $*' failed"
}

# What the row's operators change; operators_change back: as it was before.
operators_change() {
        local band hall hour prefix other
        hall=$(sql "SELECT hall FROM atm WHERE terminal = '$TERMINAL'")
        prefix=$(sql "SELECT min(prefix) FROM card_prefix WHERE issuer = '$BANK'")
        hour=$(TZ=Asia/Tokyo date -d '+12 hours' +%H)
        other=$(next_bank)
        case $WHAT-${1:-} in
        TARIFF_ADDED-)
                # not for a day that has its price: this withdrawal's own
                band=$(sql "SELECT band FROM withdrawal WHERE terminal = '$TERMINAL'")
                expect_exit 1 atmctl tariff add --note trial "$BANK" "$band" "$TODAY" --customer-fee-yen 990 --interbank-fee-yen 90
                for band in day other; do
                        operator tariff add --note trial "$BANK" $band "$LATER" --customer-fee-yen 990 --interbank-fee-yen 90
                done
                ;;
        TARIFF_ADDED-back)
                for band in day other; do
                        operator tariff remove --note trial "$BANK" $band "$LATER"
                done
                ;;
        PREFIX_MOVED-) operator prefix add "$prefix" "$LATER" --issuer "$other" ;;
        PREFIX_MOVED-back) operator prefix remove "$prefix" "$LATER" ;;
        HALL_CLOSED-) operator hall set "$hall" --opens "$hour:00" --closes "$hour:59" ;;
        HALL_CLOSED-back) operator hall set "$hall" --opens 00:00 --closes 24:00 ;;
        LIMIT_LOWERED-) operator limit add --note trial day_yen "$TODAY" --value 1000 ;;
        LIMIT_LOWERED-back) operator limit remove --note trial day_yen "$TODAY" ;;
        LINK_MOVED-) operator issuer set "$BANK" --link "$other" ;;
        LINK_MOVED-back) operator issuer set "$BANK" --link "$BANK" ;;
        esac
}

# a person --------------------------------------------------------------------------------------------------

person_says_none() {
        atmctl exception resolve --terminal "$TERMINAL" --dispensed 0 --force --note "the ATM stands still" >/dev/null
}

# Server processes: of who holds the card, and of the person who waits for him.
card_holder() {
        sql "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%FOR UPDATE OF c%'"
}

person_who_waits() {
        sql "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'atmctl%'"
}

is_there() {
        [[ $("$1") =~ ^[0-9]+$ ]]
}

# He is in the middle of it, since another session holds the card.
person_begins() {
        sql_alone "BEGIN; SELECT FROM card c JOIN withdrawal w USING (card_token) WHERE w.terminal = '$TERMINAL' FOR UPDATE OF c; SELECT pg_sleep(600)" \
                >/dev/null 2>&1 &
        until_true "the card is held" is_there card_holder
        person_says_none >"$WORK/person" 2>&1 &
        PERSON=$!
        until_true "the person waits" is_there person_who_waits
}

person_goes_on() {
        kill -TERM "$(card_holder)"
        wait "$PERSON" || wrong "$NAME: the person could not decide: $(cat "$WORK/person")"
}

# the ATM ---------------------------------------------------------------------------------------------------

atm_options() {
        local timeout_ms=6000 repeats=2
        case $WHAT-$MOMENT in
        HOST_KILLED-REQUEST | HOST_STALLED-REQUEST) timeout_ms=3000 repeats=8 ;; # until the sweep
        HOSTS_KILLED-REQUEST | DATABASE_GONE-REQUEST) timeout_ms=1000 repeats=0 ;;
        MODULE_*) timeout_ms=20000 ;; # it repeats as soon as it has signed on again
        ATM_GIVES_UP-*) timeout_ms=200 repeats=0 ;;
        esac
        OPTIONS=(--closed --withdrawals 1 --seed "$SEED" --terminals "$WORK/terminals.csv" --cards "$WORK/cards.csv"
                --amount-yen "$AMOUNT" --ports "$ATM_PORTS" --answer-timeout-ms "$timeout_ms" --repeats "$repeats"
                --advice-pause-ms 300 --drain-seconds 40 --json)
        case $NOTES in
        PART) OPTIONS+=(--faults partial=1) ;;
        NONE) OPTIONS+=(--faults no-dispense=1) ;;
        esac
}

atm_start() {
        atmsim run "${OPTIONS[@]}" >"$WORK/run.json" 2>"$WORK/run.log" &
        ATM=$!
}

# The power fails; then the ATM comes back with what its journal and its dispenser know.
atm_power_loss() {
        kill -KILL "$ATM"
        wait "$ATM" 2>/dev/null || true
        ATM=0
        "$@"
        atmsim run --idle --seconds 0.1 --terminals "$WORK/terminals.csv" --ports "$ATM_PORTS" --advice-pause-ms 300 \
                --drain-seconds 40 --json >"$WORK/run.json" 2>"$WORK/run.log" &
        ATM=$!
}

# moments -------------------------------------------------------------------------------------------------

# The bank is asked and holds its answer.
until_asked() {
        order held
        atm_start
        until_row "the bank is asked" withdrawal 'link IS NOT NULL AND reason IS NULL'
}

# The bank is asked, has decided, and says nothing, or not yet: until_bank_decided held|silent
until_bank_decided() {
        order "$1"
        atm_start
        until_true "the bank decides" bank_knows withdrawal
}

# The bank's answer is durable, and the ATM, whose line stands still, has not heard it.
until_decided() {
        until_asked
        atm_lines stall
        order normal
        until_row "the answer is durable" bank_outcome
}

# As the rows call the notices, by what the dispenser did.
notice() {
        case $NOTES in
        ALL) echo completion ;;
        PART) echo partial ;;
        NONE) echo reversal ;;
        esac
}

# The bank was told, and does not say that it heard: until_bank_told held|silent
until_bank_told() {
        until_decided
        order "$1"
        atm_lines resume
        until_true "the bank is told" bank_knows "$(notice)"
}

# the rows' faults --------------------------------------------------------------------------------------------

bank_misbehaves() {
        local how=$1
        order "$how"
        if [[ $MOMENT == REQUEST ]]; then
                atm_start
        else
                atm_lines resume
        fi
        until_true "the bank is $how" has_happened "$how"
        order normal
}

cause() {
        local holder told
        case $WHAT-$MOMENT in
        NOTHING-*) atm_start ;;
        BANK_DOWN-ROUTE)
                order down
                atm_start
                atm_await
                ! row_of withdrawal 'link IS NOT NULL AND reason IS NULL' || wrong "$NAME: a bank was asked that can't be reached"
                order normal
                ;;
        BANK_DOWN-NOTICE)
                until_decided
                order down
                atm_lines resume
                until_row "the host is told" advice
                sleep 0.5
                row_of saf || wrong "$NAME: the bank was told while it was down"
                order normal
                ;;
        BANK_KILLED-*)
                if [[ $MOMENT == REQUEST ]]; then
                        until_bank_decided silent
                else
                        until_bank_told silent
                fi
                lab kill --bank
                lab start --bank
                ;;
        BANK_LINE_CUT-*)
                if [[ $MOMENT == REQUEST ]]; then
                        until_bank_decided held
                else
                        until_bank_told held
                fi
                line "$BANK" cut
                order normal
                ;;
        BANK_LINE_STALLED-REQUEST)
                line "$BANK" stall
                atm_start
                atm_await
                line "$BANK" resume
                ;;
        BANK_LINE_STALLED-NOTICE)
                until_decided
                line "$BANK" stall
                atm_lines resume
                until_row "the notice is sent again and again" saf "attempts >= 2"
                line "$BANK" resume
                ;;
        HOST_KILLED-REQUEST)
                until_bank_decided silent
                lab kill --instance 1
                order normal
                atm_await
                lab start --instance 1
                ;;
        HOST_KILLED-DECIDED)
                until_decided
                lab kill --instance 1
                atm_lines cut
                atm_lines resume
                atm_await
                lab start --instance 1
                ;;
        HOST_KILLED-NOTICE)
                until_bank_told silent
                holder=$(lease_holder)
                lab kill --instance "$holder"
                order normal
                until_drained "another instance tells the bank"
                lab start --instance "$holder"
                ;;
        HOSTS_KILLED-*)
                if [[ $MOMENT == REQUEST ]]; then
                        until_bank_decided silent
                else
                        until_bank_told silent
                fi
                lab kill --instance 1
                lab kill --instance 2
                order normal
                lab start --instance 1
                lab start --instance 2
                ;;
        HOST_STALLED-REQUEST)
                until_bank_decided held
                kill -STOP "$(instance_pid 1)"
                line atmd-1 cut
                order normal
                atm_await
                kill -CONT "$(instance_pid 1)"
                ;;
        HOST_STALLED-NOTICE)
                until_bank_told silent
                holder=$(lease_holder)
                kill -STOP "$(instance_pid "$holder")"
                order normal
                until_drained "another instance tells the bank"
                [[ $(lease_holder) != "$holder" ]] || wrong "$NAME: the lease is still with the stalled instance"
                kill -CONT "$(instance_pid "$holder")"
                ;;
        DATABASE_GONE-*)
                if [[ $MOMENT == REQUEST ]]; then
                        until_bank_decided held
                else
                        until_bank_told held
                fi
                cluster_stop "$ATM_CLUSTER" immediate
                order normal
                # a server that is back sooner keeps the bank's answer for an ATM that still waits
                [[ $MOMENT != REQUEST ]] || until_true "the ATM gives up" atm_reverses
                cluster_start "$ATM_CLUSTER"
                sql_keep
                ;;
        MODULE_*-ROUTE)
                module_goes
                atm_start
                until_true "the ATM is left in silence" atm_is_left_in_silence
                ! row_of withdrawal || wrong "$NAME: something was decided without the key module"
                module_comes
                atm_line_anew
                ;;
        MODULE_*-REQUEST)
                until_bank_decided held
                module_goes
                order normal
                until_row "nobody waits for the bank any more" bank_outcome "cause = 'timeout'"
                module_comes
                atm_line_anew
                ;;
        MODULE_*-DECIDED)
                until_decided
                module_goes
                atm_line_anew
                until_true "the ATM is left in silence" atm_is_left_in_silence
                module_comes
                atm_line_anew
                ;;
        MODULE_*-NOTICE)
                until_bank_told held
                told=$(counted repeats)
                module_goes
                order normal
                until_true "the bank's answer can't be checked" links_are_mute
                row_of saf || wrong "$NAME: an acknowledgement that nobody could check was believed"
                module_comes
                until_drained "the bank is told again"
                (($(counted repeats) > told)) || wrong "$NAME: the bank was told once"
                ;;
        ATM_GIVES_UP-REQUEST)
                # on its connection atmd reads nothing before the 0200 is answered: its reversal takes another
                order late
                atm_start
                until_row "the bank is asked" withdrawal 'link IS NOT NULL AND reason IS NULL'
                atm_lines cut
                atm_await
                order normal
                row_of bank_outcome "cause = 'reversal'" || wrong "$NAME: the reversal did not come first"
                ;;
        ATM_POWER_LOSS-REQUEST)
                until_asked
                atm_power_loss order normal
                ;;
        ATM_POWER_LOSS-DECIDED)
                until_decided
                atm_power_loss atm_lines resume
                ;;
        ATM_POWER_LOSS-NOTICE)
                # the acknowledgement of the ATM's advice is on its way, over a long line
                proxy long "${ATMD_PORTS%% *}" --delay-ms 500
                OPTIONS+=(--ports "$PORT")
                atm_start
                until_row "the host is told" advice
                atm_power_loss true
                ;;
        ATM_LINE_CUT-REQUEST)
                until_asked
                atm_lines cut
                order normal
                ;;
        ATM_LINE_CUT-DECIDED)
                until_decided
                atm_lines cut
                atm_lines resume
                ;;
        PERSON_SAYS_NONE-DECIDED)
                until_decided
                atm_lines cut
                person_says_none
                atm_lines resume
                ;;
        PERSON_HOST_KILLED-DECIDED)
                until_decided
                atm_lines cut
                person_begins
                lab kill --instance 1
                person_goes_on
                atm_lines resume
                atm_await
                lab start --instance 1
                ;;
        PERSON_DATABASE_KILLED-DECIDED)
                until_decided
                atm_lines cut
                person_begins
                kill -KILL "$(person_who_waits)"
                ! wait "$PERSON" || wrong "$NAME: the person's decision survived its server process"
                until_true "the server is there again" sql_alone 'SELECT' 2>/dev/null
                sql_keep
                ! row_of advice || wrong "$NAME: half a decision was kept"
                person_says_none
                atm_lines resume
                ;;
        TARIFF_ADDED-* | PREFIX_MOVED-* | HALL_CLOSED-* | LIMIT_LOWERED-* | LINK_MOVED-*)
                case $MOMENT in
                REQUEST) until_asked ;;
                DECIDED) until_decided ;;
                NOTICE) until_bank_told silent ;;
                esac
                operators_change
                case $MOMENT in
                ROUTE) atm_start ;;
                DECIDED) atm_lines resume ;;
                *) order normal ;;
                esac
                ;;
        BANK_*-REQUEST) bank_misbehaves "${HOW[$WHAT]}" ;;
        BANK_*-NOTICE)
                until_decided
                bank_misbehaves "${HOW[$WHAT]}"
                ;;
        *) wrong "$NAME: this test does not know how to cause $WHAT at $MOMENT" ;;
        esac
}

# what they must hold -------------------------------------------------------------------------------------

# part ALL|PART|NONE: yen that were dispensed, of what was asked for
is_part() {
        case $1 in
        ALL) (($2 == AMOUNT)) ;;
        PART) (($2 > 0 && $2 < AMOUNT)) ;;
        NONE) (($2 == 0)) ;;
        *) return 1 ;;
        esac
}

check() {
        local cash state dispensed charge moved heard outcome
        cash=$(sed -nE 's/.*"cash_yen": ([0-9]+).*/\1/p' "$WORK/run.json")
        heard=$(sed -nE 's/.*"de39": \{([^}]*)\}.*/\1/p' "$WORK/run.json")
        IFS='|' read -r state dispensed charge outcome <<<"$(sql "SELECT state, dispensed_yen, charge_yen, coalesce(outcome_cause, '-')
                FROM v_withdrawal WHERE terminal = '$TERMINAL'")"
        moved=$(awk -v t="$TERMINAL" '$3 == t { moved += $14 } END { print moved + 0 }' "$BANKSIM_JOURNALS/$BANK.journal")
        say "$NAME: ATM $cash yen, heard {$heard}; host $state $dispensed yen ($outcome); bank $moved yen"

        is_part "$ATM_HOLDS" "$cash" || wrong "$NAME: $cash yen left the ATM; $ATM_HOLDS of $AMOUNT is expected"
        [[ $WHAT != ATM_POWER_LOSS ]] || DE39=-- # what it heard before is in nobody's memory
        case $DE39 in
        --) ;;
        xx) [[ $heard =~ ^\"(05|12|13|14|41|43|51|54|55|57|61|62|65|75|91|92)\":\ 1$ ]] || wrong "$NAME: the ATM heard {$heard}; one refusal of a bank is expected" ;;
        *) [[ $heard == *"\"$DE39\": "* ]] || wrong "$NAME: the ATM heard {$heard}; $DE39 is expected" ;;
        esac
        [[ $MOMENT != REQUEST || $outcome != - ]] || wrong "$NAME: the bank was never asked"
        expect "$NAME: how it ended with the host" "${HOST_HOLDS,,}" "$state"
        expect "$NAME: cash with the host" "$cash" "$dispensed"
        case $BANK_HOLDS in
        ALL) expect "$NAME: debited by the bank" $((-AMOUNT - charge)) "$moved" ;;
        PART) expect "$NAME: debited by the bank" $((-cash - charge)) "$moved" ;;
        NONE) expect "$NAME: debited by the bank" 0 "$moved" ;;
        esac
        expect "$NAME: exceptions" "$([[ $PEOPLE == NOBODY ]] || echo bank)" \
                "$(sql "SELECT string_agg(kind, ' ') FROM exception_record WHERE terminal = '$TERMINAL'")"
        [[ $PEOPLE == NOBODY || $WHAT-$NOTES == BANK_MISSING-NONE ]] || EXPLAINED=$((EXPLAINED + 1))
}

play() {
        read -r NAME WHAT MOMENT NOTES ATM_HOLDS DE39 HOST_HOLDS BANK_HOLDS PEOPLE <<<"$1"
        local began
        began=$(now_ms)
        sed -n "1p; $((NUMBER + 1))p" "$ATM_TERMINALS" >"$WORK/terminals.csv"
        TERMINAL=$(sed -n '2s/,.*//p' "$WORK/terminals.csv")
        (umask 077 && sed -n "1p; $((NUMBER + 1))p" "$ATM_BANK_CARDS" >"$WORK/cards.csv")
        BANK=$(sed -n '2p' "$WORK/cards.csv" | cut -d , -f 4)
        until_true "all banks are connected" linked
        BEFORE=0
        [[ -z ${HOW[$WHAT]:-} ]] || BEFORE=$(happened "${HOW[$WHAT]}")
        bank_timeout "$(patience_ms)"
        atm_options
        cause
        ((!ATM)) || atm_await
        until_drained "the queues are empty"
        check
        operators_change back
        say "$NAME took $(($(now_ms) - began)) ms"
}

# -------------------------------------------------------------------------------------------------------------

trap end_of_faults EXIT
build_programs netproxy || exit 1
mapfile -t ROWS < <(rows)
((${#ROWS[@]} == $(grep -c '^FAULT(' "$TABLE") && ${#ROWS[@]} > 0)) || wrong "$TABLE has rows that can't be read"
for NAME; do
        printf '%s\n' "${ROWS[@]}" | grep -q "^$NAME " || usage_error "'$NAME': $TABLE has no such row"
done
flow_lab lab --atms "${#ROWS[@]}" --cards "${#ROWS[@]}" --instances "$INSTANCES" --bank-timeout-ms "$TIMEOUT_MS"
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
sql_keep

# Lines between all of them, and banks whose delays are no matter of chance.
ATM_PORTS=''
read -r -a ports <<<"$ATMD_PORTS"
for ((i = 1; i <= INSTANCES; i++)); do
        lab kill --instance "$i"
        proxy "atmd-$i" "${ports[i - 1]}"
        ATM_PORTS+="${ATM_PORTS:+ }$PORT"
done
read -r -a ports <<<"$BANKSIM_PORTS"
i=0
for BANK in $BANKSIM_BANKS; do
        proxy "$BANK" "${ports[i]}"
        sed -i "s/^addresses = 127.0.0.1:${ports[i]}\$/addresses = 127.0.0.1:$PORT/" "$ATMD_CONF"
        i=$((i + 1))
done
sed -i '/^addresses = /a echo_interval_ms = 3600000' "$ATMD_CONF"
lab kill --bank
sed -i "s/^slow_ms = .*/slow_ms = $SLOW_MS/; s/^late_ms = .*/late_ms = $LATE_MS/" "$BANKSIM_CONF"
lab start --bank
for ((i = 1; i <= INSTANCES; i++)); do
        lab start --instance "$i"
done

TODAY=$(TZ=Asia/Tokyo date +%F)
LATER=$(TZ=Asia/Tokyo date -d '+2 days' +%F)
NUMBER=0
for row in "${ROWS[@]}"; do
        NUMBER=$((NUMBER + 1))
        if (($# == 0)) || [[ " $* " == *" ${row%% *} "* ]]; then
                play "$row"
        fi
done
expect_exit 0 atmctl reconcile --drained
expect "withdrawals that differ as exceptions say" "$EXPLAINED" "$(grep -c '^explained: ' <<<"$OUTPUT")"
expect_exit 0 atmctl verify
! grep -hE 'Sanitizer|runtime error|ssertion' "$WORK"/lab/log/{atmd-*,banksim}.log || wrong "atmd or banksim complains of itself"
passed
