#!/usr/bin/env bash
# The key module's real process: a laboratory's, which takes components, answers with what standards publish; one whose master key lies in a SoftHSM token serves on
# after it was killed in the middle, with keys of before. Another user is refused, nobody looks into its memory, and no key is in what it writes.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SOFTHSM=/usr/lib/softhsm/libsofthsm2.so
[[ -e $SOFTHSM ]] || wrong "no $SOFTHSM: apt-get install softhsm2"
MODULE='' ASKS=''
trap 'kill -9 $MODULE $ASKS 2>/dev/null || true; flow_end' EXIT
SOCKET=$WORK/socket
chmod 711 "$WORK"

# start NAME OPTION...: the module, its log in $WORK/NAME.log
start() {
        local log=$WORK/$1.log
        shift
        "$BIN/atmkeyd" --socket "$SOCKET" "$@" </dev/null 2>"$log" &
        MODULE=$!
        await "the module" grep -q event=ready "$log"
}

stop() {
        kill "$MODULE"
        wait "$MODULE" || wrong "the module ended with $?"
}

# says FILE TEXT: the text is in it
says() {
        grep -qF -- "$2" "$1" || wrong "${1##*/} lacks '$2': $(tail -n 5 "$1")"
}

# refuses CODE TEXT OPTION...: atmkeyd ends with this code and says this
refuses() {
        local code=$1 text=$2 status=0
        shift 2
        "$BIN/atmkeyd" "$@" </dev/null >"$WORK/refused" 2>&1 || status=$?
        ((status == code)) || wrong "atmkeyd $*: exit code $status, expected $code: $(cat "$WORK/refused")"
        says "$WORK/refused" "$text"
}

# A laboratory's: it says so, and takes components.
made=$("$BIN/atmkeyd" --master-file "$WORK/master" --make-master)
[[ $(stat -c %a "$WORK/master") == 600 ]] || wrong "the master key's file is open to others"
start laboratory --master-file "$WORK/master"
says "$WORK/laboratory.log" "level=warning event=laboratory_master_key"
says "$WORK/laboratory.log" "master_check_value=$made"
"$BIN/keyask" "$SOCKET" vectors
if ((EUID == 0)); then
        status=0
        install -m 755 "$BIN/keyask" "$WORK" # where nobody can get at it
        setpriv --reuid nobody --clear-groups "$WORK/keyask" "$SOCKET" vectors >/dev/null 2>"$WORK/refused" || status=$?
        ((status == 3)) || wrong "another user: exit code $status, expected 3: $(cat "$WORK/refused")"
        await "a line about another user" grep -q "event=user_refused uid=$(id -u nobody)" "$WORK/laboratory.log"
fi
[[ $(sed -n 's/^Max core file size *\([^ ]*\) .*/\1/p' "/proc/$MODULE/limits") == 0 ]] || wrong "it may leave a core"
[[ $(stat -c %U "/proc/$MODULE/maps") == root ]] || wrong "it can be looked into"
grep -q 'VmLck:[[:space:]]*0 kB' "/proc/$MODULE/status" && says "$WORK/laboratory.log" event=memory_not_locked
refuses 1 "another process serves there" --socket "$SOCKET" --master-file "$WORK/master"
stop
[[ ! -e $SOCKET ]] || wrong "it left its socket behind"

# Keys in the database: made by the module, written under a terminal's key-encrypting key, taken back, retired; by whoever may.
start keys --master-file "$WORK/master"
flow_postgres
export PATH=$BIN:$PATH ATM_KEY_MODULE=$SOCKET
sql "CREATE DATABASE keys" >/dev/null
export PGDATABASE=keys
expect_exit 0 atmctl db init
sql "CREATE ROLE keeper LOGIN IN ROLE atm_keys; CREATE ROLE desk LOGIN IN ROLE atm_operator;
        INSERT INTO area VALUES ('kanto', 'Kanto', 9);
        INSERT INTO hall (hall, name, area, prefecture) VALUES ('H1', 'one', 'kanto', '東京都');
        INSERT INTO atm (terminal, hall) SELECT 'T000000' || n, 'H1' FROM generate_series(1, 3) n;
        INSERT INTO issuer (issuer, name, link) VALUES ('HOUSE', 'House', NULL), ('A', 'A', 'BANKA')" >/dev/null
sql_keep
export PGUSER=keeper

# refused STATUS TEXT command...: by which nothing changes
refused() {
        local status=$1 text=$2 before
        shift 2
        before=$(sql "SELECT version FROM key_version")
        expect_exit "$status" "$@"
        [[ $OUTPUT == *"$text"* ]] || wrong "'$*' does not say '$text': $OUTPUT"
        expect "what '$*' leaves" "$before" "$(sql "SELECT version FROM key_version")"
}
# key VERB...: done, with a note
key() {
        expect_exit 0 atmctl key "$@" --note "as planned"
}
# dry VERB...: shows a row of what would change, and changes nothing
dry() {
        refused_by_nobody=$(sql "SELECT version FROM key_version")
        expect_exit 0 atmctl key "$@" --note "as planned" --dry-run
        [[ $OUTPUT == *"dry run: "* && $OUTPUT =~ key-set.*(added|changed) ]] || wrong "no row of what would change: $OUTPUT"
        expect "what a dry run of '$*' leaves" "$refused_by_nobody" "$(sql "SELECT version FROM key_version")"
}
# sets OWNER: its sets, as "kek 1 current, working 1 loaded"
sets() {
        sql "SELECT string_agg(concat_ws(' ', kind, number, state), ', ' ORDER BY kind, number) FROM v_key_set WHERE owner = '$1'"
}
# checks OWNER SET: the check values of a working set
checks() {
        sql "SELECT check_value FROM v_key_set WHERE owner = '$1' AND kind = 'working' AND number = $2"
}

# a laboratory's key-encrypting keys, from a file that nobody else reads; what is in it is not shown
secret=$(openssl rand -hex 16)
(umask 077 && printf 'terminal,kek\nT0000001,%s\nT0000002,%s\n' "$secret" "$(openssl rand -hex 16)" >"$WORK/keks")
(umask 077 && sed '2s/.$/g/' "$WORK/keks" >"$WORK/wrong-keks")
cp "$WORK/keks" "$WORK/open-keks" && chmod 644 "$WORK/open-keks"
refused 1 "others may read it" atmctl key import --clear "$WORK/open-keks" --note first
refused 1 "wrong-keks:2: column kek: expected an AES key: 32, 48 or 64 digits" atmctl key import --clear "$WORK/wrong-keks" --note first
[[ $OUTPUT != *"${secret:0:8}"* ]] || wrong "a key is shown: $OUTPUT"
refused 1 "there is no ATM with a key-encrypting key" atmctl key generate --all --note first
refused 2 "expected one of --clear, --keys and --block" atmctl key import --note first
refused 2 "--note is missing" atmctl key import --clear "$WORK/keks"
dry import --clear "$WORK/keks"
key import --clear "$WORK/keks"
expect "a key-encrypting key" "kek 1 current" "$(sets T0000001)"

# sets under them, and who may
refused 1 "terminal T0000003 has no key-encrypting key: expected one by 'atmctl key import' first" atmctl key generate --hall H1 --note first
refused 1 "the database has no ATM T0000009" atmctl key generate --terminal T0000009 --note first
refused 2 "whose keys?" atmctl key generate --note first
refused 2 "whose keys?" atmctl key generate --terminal T0000001 --all --note first
refused 1 "permission denied" env PGUSER=desk atmctl key generate --terminal T0000001 --note first
refused 1 "permission denied" env PGUSER=desk atmctl key export "$WORK/out" --terminal T0000001 --note "for its vendor"
refused 1 "the key module is not known" env ATM_KEY_MODULE= atmctl key generate --terminal T0000001 --note first
refused 1 "No such file or directory" atmctl key generate --terminal T0000001 --note first --key-module "$WORK/nowhere"
dry generate --terminal T0000001 T0000002
key generate --terminal T0000001 T0000002
[[ $OUTPUT == *"terminal T0000002: set 1 (working), pin "*", mac_up "*", mac_down "* ]] || wrong "not said what was made: $OUTPUT"
key generate --terminal T0000001 --algorithm tdes
dry generate --all
[[ $OUTPUT == *"T0000002: set 2"* && $OUTPUT != *T0000003* ]] || wrong "--all is not of those that can have keys: $OUTPUT"
expect "sets" "kek 1 current, working 1 loaded, working 2 loaded" "$(sets T0000001)"
expect "keys of a set that are the same" 0 "$(sql "SELECT count(*) FROM v_key_set WHERE kind = 'working' AND (SELECT count(DISTINCT c) FROM unnest(check_value) c) < 3")"
expect_exit 0 env PGUSER=desk atmctl key list --terminal T0000001 --kind working --format csv
expect "rows of a list" 6 "$(grep -c '^terminal,T0000001,working,[12],loaded,' <<<"$OUTPUT")"
key generate --issuer HOUSE
key generate --issuer HOUSE --table 0123456789012345
sql "INSERT INTO card (card_token, issuer, pan_mask, expiry_yymm, opening_yen, balance_yen, pin_value)
        SELECT md5('card')::uuid, 'HOUSE', '990001******1234', '3012', 1000, 1000, '4021'" >/dev/null
refused 1 "every right PIN is wrong until 'pin import' has brought new values" atmctl key generate --issuer HOUSE --note first
key generate --issuer HOUSE --new-values
refused 1 "issuer 'A': expected one without a link" atmctl key generate --issuer A --note first
refused 2 "--table: expected --issuer with it" atmctl key generate --terminal T0000001 --table 0123456789012345 --note first

# out under the key-encrypting key, and in again: the same keys, but nothing that was changed, mistaken or is under another key
dry export "$WORK/no" --terminal T0000001
[[ ! -e $WORK/no ]] || wrong "a dry run writes a file"
key export "$WORK/out" --terminal T0000001 T0000002 --set 1
expect "the file's mode" 600 "$(stat -c %a "$WORK/out")"
[[ $(head -n 1 "$WORK/out") == terminal,set,pin_key,mac_key_up,mac_key_down ]] || wrong "its first row: $(head -n 1 "$WORK/out")"
refused 1 "terminal T0000002 has no working set 2 that is good" atmctl key export "$WORK/no" --terminal T0000001 T0000002 --set 2 --note "for its vendor"
[[ ! -e $WORK/no ]] || wrong "a file was made all the same"
# altered NAME AWK: the rows, with another number, altered
altered() {
        awk -F, -v OFS=, "NR > 1 { \$2 = 5 } $2 { print }" "$WORK/out" >"$WORK/$1"
}
altered same ''
altered changed 'NR == 2 { $4 = substr($4, 1, 40) (substr($4, 41, 1) == "0" ? "1" : "0") substr($4, 42) }'
altered mistaken 'NR == 3 { t = $3; $3 = $5; $5 = t }'
altered exchanged 'NR > 1 { $1 = $1 == "T0000001" ? "T0000002" : "T0000001" }'
altered cut 'NR == 2 { $3 = substr($3, 1, 15) }'
refused 1 "terminal T0000001, mac_up key: a key block was changed, or is under another key" atmctl key import --keys "$WORK/changed" --note back
refused 1 "terminal T0000002, pin key: a key's usage, algorithm or mode of use does not allow this" atmctl key import --keys "$WORK/mistaken" --note back
refused 1 "terminal T0000002, pin key: a key block was changed, or is under another key" atmctl key import --keys "$WORK/exchanged" --note back
refused 1 "cut:2: column pin_key: 15 characters: expected a key block of 16 to" atmctl key import --keys "$WORK/cut" --note back
refused 1 "set 1 of T0000001: expected a number above 2, its newest" atmctl key import --keys "$WORK/out" --note back
dry import --keys "$WORK/same"
key import --keys "$WORK/same"
expect "check values of keys that were out" "$(checks T0000001 1) $(checks T0000002 1)" "$(checks T0000001 5) $(checks T0000002 5)"

# retired: its blocks are gone, and it comes back by nothing
refused 1 "key set 9 (working) of terminal T0000001: expected one that is there and not retired" atmctl key retire --terminal T0000001 --set 9 --note gone
dry retire --terminal T0000001 --set 1
key retire --terminal T0000001 --set 1
refused 1 "expected one that is there and not retired" atmctl key retire --terminal T0000001 --set 1 --note gone
refused 1 "has no working set 1 that is good" atmctl key export "$WORK/no" --terminal T0000001 --set 1 --note "for its vendor"
expect "blocks of what is retired" 0 "$(sql "SELECT count(*) FROM key_set WHERE retired_at IS NOT NULL AND block IS NOT NULL")"
key retire --issuer HOUSE --set 1

# a weaker key wraps no stronger one: a key-encrypting key of TDES in the place of one of AES. Components are typed at the console.
# check_of KEY: of TDES; AES is a CMAC of zeros
check_of() {
        if [[ $2 == tdes ]]; then
                head -c 8 /dev/zero | openssl enc -des-ede -K "$1" -nopad -provider legacy -provider default | od -An -tx1 -N3 | tr -d ' \n'
        else
                head -c 16 /dev/zero | openssl mac -cipher "AES-$((4 * ${#1}))-CBC" -macopt "hexkey:$1" CMAC | cut -c1-10
        fi
}
# components FILE ALGORITHM OPTION...: two are typed; the check values are in ${parts[@]}
parts=()
components() {
        local file=$1 algorithm=$2 one other
        shift 2
        one=$(openssl rand -hex 16) other=$(openssl rand -hex 16)
        parts=("$(check_of "$one" "$algorithm")" "$(check_of "$other" "$algorithm")")
        made=$(printf '%s\n%s\n%s\n%s\n' "${one^^}" "${parts[0]}" "$other" "${parts[1]}" |
                atmkeyd --take-components "$file" "$@" 2>"$WORK/ceremony") || wrong "components: $(cat "$WORK/ceremony")"
        ! grep -qiE "$one|$other" "$WORK/ceremony" "$file" || wrong "a component is shown"
}
# typed OPTION...: how they are noted
typed() {
        printf '%s\n' --custodian Sato --bag 1001 --component-check "${parts[0]}" --custodian Mori --bag 1002 --component-check "${parts[1]^^}"
}
components "$WORK/block" tdes --tdes --master-file "$WORK/master"
mapfile -t ceremony < <(typed)
refused 1 "expected ffffff, as --check-value says" atmctl key import --block "$WORK/block" --terminal T0000002 --check-value ffffff "${ceremony[@]}" --note anew
refused 1 "nobody has all components" atmctl key import --block "$WORK/block" --terminal T0000002 --check-value "$made" "${ceremony[@]/Mori/sato}" --note anew
refused 2 "1 custodians, 1 bags and 1 check values of components: expected two or more" atmctl key import --block "$WORK/block" --terminal T0000002 --check-value "$made" "${ceremony[@]:0:6}" --note anew
refused 2 "--check-value is missing" atmctl key import --block "$WORK/block" --terminal T0000002 "${ceremony[@]}" --note anew
sql "SELECT block[1] FROM key_set WHERE owner = 'T0000002' AND kind = 'working' LIMIT 1" >"$WORK/no-kek"
refused 1 "usage is P0: expected K1" atmctl key import --block "$WORK/no-kek" --terminal T0000002 --check-value "$made" "${ceremony[@]}" --note anew
sed 's/.$/X/' "$WORK/block" >"$WORK/changed"
refused 1 "terminal T0000002, kek key: a key block" atmctl key import --block "$WORK/changed" --terminal T0000002 --check-value "$made" "${ceremony[@]}" --note anew
dry import --block "$WORK/block" --terminal T0000002 --check-value "${made:0:6}" "${ceremony[@]}"
key import --block "$WORK/block" --terminal T0000002 --check-value "${made:0:6}" "${ceremony[@]}"
expect "the one before it" "kek 1 retired, kek 2 current, working 1 loaded, working 5 loaded" "$(sets T0000002)"
expect "who brought it" "Sato,Mori 1001,1002 ${parts[0]},${parts[1]}" "$(sql "SELECT array_to_string(custodian, ',') || ' ' || array_to_string(bag, ',') || ' ' || array_to_string(component_check, ',') FROM v_key_set WHERE owner = 'T0000002' AND number = 2 AND kind = 'kek'")"
refused 1 "terminal T0000002, pin key: a key would be wrapped by a weaker one" atmctl key export "$WORK/no" --terminal T0000002 --note "for its vendor"
refused 1 "wraps no AES key: expected --algorithm tdes" atmctl key generate --terminal T0000002 --note first
key generate --terminal T0000002 --algorithm tdes
key export "$WORK/out" --terminal T0000002
# and a link, likewise
components "$WORK/link-block" aes --master-file "$WORK/master"
mapfile -t ceremony < <(typed)
key import --block "$WORK/link-block" --link BANKA --check-value "$made" "${ceremony[@]}"
key generate --link BANKA
key export "$WORK/out" --link BANKA
[[ $(tail -n 1 "$WORK/out") == BANKA,1,D* ]] || wrong "a link's keys: $(cat "$WORK/out")"
# digits in groups, as they are printed, are one number
one=$(openssl rand -hex 32) other=$(openssl rand -hex 32)
made=$(printf '%s\n%s\n%s\n%s\n' "$(sed 's/..../& /g' <<<"$one")" "$(check_of "$one" aes)" "$(sed 's/../& /g' <<<"$other")" "$(check_of "$other" aes)" |
        atmkeyd --take-components "$WORK/grouped" --master-file "$WORK/master" 2>"$WORK/ceremony") || wrong "digits in groups: $(cat "$WORK/ceremony")"
# nor costs a file that is there the custodians their typing, and one component twice is no key
status=0
atmkeyd --take-components "$WORK/grouped" --master-file "$WORK/master" </dev/null >"$WORK/ceremony" 2>&1 || status=$?
((status == 1)) && ! grep -q "component 1" "$WORK/ceremony" || wrong "a file that is there: $status: $(cat "$WORK/ceremony")"
says "$WORK/ceremony" "File exists"
status=0
printf '%s\n%s\n%s\n%s\n' "$one" "$(check_of "$one" aes)" "$one" "$(check_of "$one" aes)" |
        atmkeyd --take-components "$WORK/none" --master-file "$WORK/master" >"$WORK/ceremony" 2>&1 || status=$?
((status == 1)) || wrong "one component twice: exit code $status"
says "$WORK/ceremony" "the components are the same one"
[[ ! -e $WORK/none ]] || wrong "a file was left of it"
# what is typed wrongly is no key
status=0
printf '%s\n000000\n' "$(openssl rand -hex 16)" | atmkeyd --take-components "$WORK/none" --master-file "$WORK/master" >"$WORK/ceremony" 2>&1 || status=$?
((status == 1)) || wrong "a wrong check value: exit code $status"
says "$WORK/ceremony" "component 1 has another check value"
[[ ! -e $WORK/none ]] || wrong "a key was made of it"

# all of it is in the trail, and no block or key
expect "words of the trail without who or why" 0 "$(sql "SELECT count(*) FROM trail WHERE noun = 'key-set' AND (who <> 'keeper' OR note IS NULL OR command NOT LIKE 'key %')")"
expect "the trail's words" "$(sql "SELECT count(*) + count(*) FILTER (WHERE retired_at IS NOT NULL) FROM key_set")" "$(sql "SELECT count(*) FROM trail WHERE noun = 'key-set' AND command NOT LIKE 'key export%'")"
expect "what went out" "BANKA 1,T0000001 1,T0000002 1,T0000002 6" "$(sql "SELECT string_agg(owner || ' ' || number, ',' ORDER BY owner, number) FROM v_key_set WHERE exported_at IS NOT NULL")"
expect "the trail's words of that" 4 "$(sql "SELECT count(*) FROM trail WHERE noun = 'key-set' AND command LIKE 'key export%' AND note = 'as planned' AND before ->> 'exported_at' IS NULL")"

# a whole fleet's, in portions: after an interruption the rest of them, and how far they are
sql "INSERT INTO area VALUES ('kansai', 'Kansai', 8); INSERT INTO hall (hall, name, area, prefecture) VALUES ('H2', 'two', 'kansai', '大阪府');
        INSERT INTO atm (terminal, hall) SELECT 'K' || lpad(n::text, 7, '0'), 'H2' FROM generate_series(1, 260) n" >/dev/null
(umask 077 && {
        echo terminal,kek
        for ((i = 1; i <= 260; i++)); do printf 'K%07d,%032x\n' "$i" "$i"; done
} >"$WORK/fleet-keks")
key import --clear "$WORK/fleet-keks"
key generate --terminal K0000001 K0000259
key generate --area kansai --rest
[[ $OUTPUT == *"258 terminals: a new set each (working)"* ]] || wrong "the rest: $OUTPUT"
key generate --area kansai --rest
[[ $OUTPUT == *"no terminal is left: each has a set that it has still to use"* ]] || wrong "nobody is left: $OUTPUT"
expect "sets of a fleet" "260 1 1" "$(sql "SELECT count(*) || ' ' || min(number) || ' ' || max(number) FROM key_set WHERE owner ~ '^K' AND kind = 'working'")"
sql "SELECT key_sets_used(array_agg(owner_kind), array_agg(owner), array_agg(number)) FROM key_set WHERE owner BETWEEN 'K0000001' AND 'K0000250' AND kind = 'working'" >/dev/null
key generate --terminal K0000001
key generate --area kansai
[[ $OUTPUT == *"260 terminals: a new set each (working)"* ]] || wrong "all in portions: $OUTPUT"
sql "SELECT key_sets_used('{terminal,terminal}', '{K0000001,K0000260}', '{3,2}')" >/dev/null
expect_exit 0 env PGUSER=desk atmctl key progress --area kansai --format csv
since=$(sql "SELECT (min(loaded_at) AT TIME ZONE 'Asia/Tokyo')::date FROM key_set WHERE owner = 'K0000251' AND kind = 'working'")
[[ $OUTPUT == *"terminal,kansai,260,2,258,$since"T*",0"*"terminal,all,260,2,258,"* ]] || wrong "how far a change is: $OUTPUT"
expect "sets that are offered, of those who use one" 0 "$(sql "SELECT count(*) FROM key_set WHERE handover IS NOT NULL AND current_at IS NOT NULL")"
expect "blocks on offer that are the module's own" 0 "$(sql "SELECT count(*) FROM key_set WHERE handover && block")"
expect "blocks in the trail" 0 "$(sql "SELECT count(*) FROM trail t WHERE t::text ~ '[BD]0[0-9]{3}(K1|P0|M6|M3|V[12])'")"
stop

# who serves the network works on no key
start service --master-file "$WORK/master" --user "$(id -un)"
refused 1 "belongs to a user who may not ask for this" atmctl key generate --terminal T0000001 --note first
stop
unset PGUSER

# The master key in a token: made there, once, and never out of it.
export SOFTHSM2_CONF=$WORK/softhsm.conf
mkdir "$WORK/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$WORK/tokens" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label atm --so-pin 87654321 --pin 12345678 >/dev/null
printf '12345678\n' >"$WORK/pin" && chmod 600 "$WORK/pin"
token=(--token-module "$SOFTHSM" --token-label atm --token-key master --token-pin "$WORK/pin")
refuses 78 "key 'master': no such key" --socket "$SOCKET" "${token[@]}"
made=$("$BIN/atmkeyd" --make-master "${token[@]}")
refuses 1 "key 'master' is there already" --make-master "${token[@]}"
printf '00000000\n' >"$WORK/wrong-pin" && chmod 600 "$WORK/wrong-pin"
refuses 78 "to log in: PKCS#11 error 0xa0" --socket "$SOCKET" "${token[@]}" --token-pin "$WORK/wrong-pin"
chmod 644 "$WORK/wrong-pin"
refuses 78 "mode 0644 lets others at it" --socket "$SOCKET" "${token[@]}" --token-pin "$WORK/wrong-pin"
refuses 78 "no token 'other' among" --socket "$SOCKET" "${token[@]}" --token-label other
refuses 2 "a token is named as well" --socket "$SOCKET" "${token[@]}" --master-file "$WORK/master"
refuses 2 "the master key is missing" --socket "$SOCKET"

# Killed while it is asked, and started anew: who asks is told at once, finds it again by himself, and his keys are good.
start token "${token[@]}"
says "$WORK/token.log" "master_check_value=$made"
"$BIN/keyask" "$SOCKET" generated >"$WORK/asks" &
ASKS=$!
await "questions" sh -c "kill -USR1 $MODULE && grep -q 'requests=[1-9][0-9][0-9]' '$WORK/token.log'"
kill -9 "$MODULE"
wait "$MODULE" || true
await "that it is away" grep -q away "$WORK/asks"
start again "${token[@]}"
wait "$ASKS" || wrong "who asks: $?"
[[ $(tr '\n' ' ' <"$WORK/asks") == "up away up " ]] || wrong "who asked saw: $(cat "$WORK/asks")"
# A key-encrypting key comes to it by components alone, at its console.
export PGUSER=keeper
refused 1 "terminal T0000001, kek key: only a laboratory's module does this" atmctl key import --clear "$WORK/keks" --note first
components "$WORK/real-block" aes "${token[@]}"
mapfile -t ceremony < <(typed)
key import --block "$WORK/real-block" --terminal T0000003 --check-value "$made" "${ceremony[@]}"
key generate --terminal T0000003
refused 1 "terminal T0000001, pin key: a key block was changed, or is under another key" atmctl key export "$WORK/no" --terminal T0000001 --note "for its vendor"
stop

# Keys and PINs are nowhere in what it wrote: neither the laboratory's master key nor keys of the vectors.
for secret in "$(cat "$WORK/master")" "$secret" 0123456789abcdeffedcba9876543210 00112233445566778899aabbccddeeff 4524; do
        ! grep -qiF "$secret" "$WORK"/*.log || wrong "a secret is in the log"
done
passed
