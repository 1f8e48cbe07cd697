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
stop

# Keys and PINs are nowhere in what it wrote: neither the laboratory's master key nor keys of the vectors.
for secret in "$(cat "$WORK/master")" 0123456789abcdeffedcba9876543210 00112233445566778899aabbccddeeff 4524; do
        ! grep -qiF "$secret" "$WORK"/*.log || wrong "a secret is in the log"
done
passed
