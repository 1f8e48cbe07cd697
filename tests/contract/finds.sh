#!/usr/bin/env bash
# tests/contract/finds.sh PROGRAM
#
# Deliberate defects in the database's functions, one at a time: each is a phrase of a function that is replaced by another. The
# contract's plays (PROGRAM is contract_ledger), which pass without any, must find each, by what the row says.
[[ -n ${PGHOST:-} ]] || exec "$(dirname "${BASH_SOURCE[0]}")/run.sh" "$0" "$@"
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"

PROGRAM=$1
WORK=$(mktemp -d "${TMPDIR:-/tmp}/atm-finds.XXXXXX")
trap 'rm -rf "$WORK"' EXIT

# play SEED|CASE: one play, or the tests of a case of the program; the words are in $WORK/play.
play() {
        if [[ $1 == [0-9]* ]]; then
                CK_RUN_CASE=same ATM_TEST_SEED=$1 "$PROGRAM" >"$WORK/play" 2>&1
        else
                CK_RUN_CASE=$1 "$PROGRAM" >"$WORK/play" 2>&1
        fi
}

# is_found SEED|CASE: what meets what in a play depends on who commits first, and so on how busy the machine is: it may take some of the
# seeds that follow. (Six plays in twelve find the post into a closed quarter, all twelve each of the others.)
is_found() {
        local seed
        if [[ $1 != [0-9]* ]]; then
                ! play "$1"
                return
        fi
        for ((seed = $1; seed < $1 + 12; seed++)); do
                play "$seed" || return 0
        done
        return 1
}

# definition FUNCTION: as it stands in the database that those of all tests come from.
definition() {
        psql -X -A -t -q -v ON_ERROR_STOP=1 -d contract_template -c "SELECT pg_get_functiondef('$1'::regproc)"
}

# define FILE: into that database; those that were copied from it with partitions and cards, for tests to be copied from them, are
# made again by whoever needs one.
define() {
        psql -X -q -v ON_ERROR_STOP=1 -d contract_template -f "$1"
        psql -X -A -t -q -v ON_ERROR_STOP=1 -c "
SELECT format('DROP DATABASE %I;', datname) FROM pg_database WHERE datname LIKE 'contract\_template\_%'" |
                psql -X -q -v ON_ERROR_STOP=1
}

# finds NAME SEED|CASE WORDS FUNCTION PHRASE REPLACEMENT [PHRASE REPLACEMENT...]
finds() {
        local name=$1 seed=$2 words=$3 function=$4
        definition "$function" >"$WORK/sound.sql"
        perl -e '
                my $text = do { local $/; <STDIN> };
                while (my ($phrase, $replacement) = splice @ARGV, 0, 2) {
                        my $count = () = $text =~ /\Q$phrase\E/g;
                        die "a phrase stands $count times: $phrase\n" if $count != 1;
                        $text =~ s/\Q$phrase\E/$replacement/;
                }
                print $text' "${@:5}" <"$WORK/sound.sql" >"$WORK/defect.sql" || fail "$name: $function has changed"
        define "$WORK/defect.sql"
        is_found "$seed" || fail "$name: the plays of $seed found nothing"
        grep -qE "$words" "$WORK/play" || fail "$name: found by something else than '$words': $(tail -n 5 "$WORK/play")"
        define "$WORK/sound.sql"
        say "$name: $(grep -m 1 -oE "$words" "$WORK/play")"
}

play 1 || fail "without a defect: $(tail -n 5 "$WORK/play")"
finds "a repeat that is not looked for" 1 'of advice .* differs' ledger_advice \
        'a.kind = o.kind AND a.advice_at = o.advice_at' 'a.kind = o.kind AND a.advice_at <> o.advice_at'
finds "a day's sum not marked by a late post" 1 'the rows differ' ledger_advice \
        'IF v.any_summed THEN' 'IF false THEN'
finds "a closed quarter that is posted into" 1 'the rows differ' ledger_advice \
        'greatest(j.business_date, v_books.open_from) AS posted_on' 'j.business_date AS posted_on'
finds "a completion on a day that is summed up taken for a usual one" 1 'differ' ledger_advice \
        'w.business_date > coalesce(greatest(v_books.open_from - 1, v_books.summed_through)' 'w.business_date > coalesce(NULL'
finds "an original missed by bounds that are too narrow" 1 'differs' ledger_outcome \
        'w.transmitted_at BETWEEN p_from AND p_to AND w.reason IS NULL' 'w.transmitted_at > p_from AND w.transmitted_at <= p_to AND w.reason IS NULL'
finds "a stale day's use read after a gap" 1 'differs' use_of \
        'WHEN p_on = p_earlier_on' 'WHEN p_on < p_newest_on'
# it is always right where nobody loses an update, so one is lost
finds 'a count of updates that is not checked' 1 'differ' ledger_request \
        'AND c.card_token = n.card_token' 'AND p_stan[n.position] % 16 <> 5 AND c.card_token = n.card_token' \
        'OR ledger_conflict())' 'OR true)'
finds 'a wrong PIN that is not counted' 1 'differ' pin_count 'SET pin_tries = u.tries' 'SET pin_tries = c.pin_tries'
finds "an inquiry's PIN that is looked at again" 1 'differ' ledger_inquiry 'WHEN i.terminal IS NOT NULL THEN i.reason' 'WHEN false THEN i.reason'
finds "a person's decision and the ATM's both counted" people 'differs' ledger_advice \
        'coalesce(NOT k.decided AND v_now' 'coalesce(v_now'
finds 'a person who decides of what he has not seen' people "person 'done', the memory 'no change'" operator_resolve \
        'IF v_advice.state_before <> v.state OR v_advice.state <> v_rule.state_after' 'IF false' \
        'OR v_advice.counted_yen <> p_dispensed_yen THEN' 'THEN'
