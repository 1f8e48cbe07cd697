# What the flow tests share. To be sourced first.
#
# A flow runs in a new folder $WORK that goes away with it, as do every lab that flow_lab made and the server of
# flow_postgres. Its clusters are those of cluster_for_tests; FLOW_CLUSTERS=disk before this is sourced has them on
# disk, for flows in which it matters how long a commit takes.
#
# It ends with its name and `passed`, or with what was wrong, the seed and the command that plays it again.
# ATM_TEST_SEED sets the seed, ATM_TEST_LONG=1 the long form, ATM_PRESET the build whose programs run,
# ATM_TEST_KEEP=1 keeps $WORK after a failure.
# shellcheck shell=bash disable=SC2034

source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
source "$ROOT/scripts/lib/build.sh"
source "$ROOT/scripts/lib/cluster.sh"

FLOW=$SCRIPT_NAME
FLOW_PATH=$(realpath --relative-to="$ROOT" "$0")
SEED=${ATM_TEST_SEED:-$((RANDOM * 32768 + RANDOM))}
LONG=${ATM_TEST_LONG:-0}
WORK=$(mktemp -d /tmp/atm-flow.XXXXXX)
LABS=() SERVER=''
SUCCEEDED=0
cluster_for_tests "${FLOW_CLUSTERS:-memory}"

flow_end() {
        local status=${1:-$?} lab
        trap '' INT TERM HUP PIPE
        set +e
        if ((!SUCCEEDED)); then
                say "FAILED (status $status); seed $SEED; again: ATM_TEST_SEED=$SEED ATM_TEST_LONG=$LONG ATM_PRESET=$ATM_PRESET $FLOW_PATH"
                for lab in "${LABS[@]}"; do
                        tail -n 5 "$lab"/log/atmd-*.log 2>/dev/null | sed 's/^/    /' >&2
                done
        fi
        sql_drop
        for lab in "${LABS[@]}"; do
                "$ROOT/scripts/lab" down --dir "$lab"
        done
        cluster_remove "$SERVER"
        if ((SUCCEEDED || !${ATM_TEST_KEEP:-0})); then
                rm -rf "$WORK"
        else
                say "kept: $WORK"
        fi
        ((SUCCEEDED)) && exit 0
        exit 1
}
trap flow_end EXIT
trap 'exit 1' INT TERM HUP

# flow_lab NAME [options of lab up]: a lab in $WORK/NAME.
flow_lab() {
        local dir=$WORK/$1
        shift
        LABS+=("$dir")
        "$ROOT/scripts/lab" up --dir "$dir" "$@" >/dev/null
}

# A server without a lab, for flows that need no more; its superuser asks.
flow_postgres() {
        SERVER=$(cluster_folder)
        cluster_make "$SERVER"
        cluster_start "$SERVER"
        export PGHOST=$SERVER/socket PGPORT=$CLUSTER_PORT PGUSER=postgres PGDATABASE=postgres
}

passed() {
        SUCCEEDED=1
        printf '%s: passed\n' "$FLOW"
        exit 0
}

wrong() {
        printf '%s: %s\n' "$FLOW" "$*" >&2
        exit 1
}

# expect "what" WANTED GOT
expect() {
        [[ $2 == "$3" ]] || wrong "$1: expected '$2', got '$3'"
}

# expect_exit STATUS command...: its output is kept in $OUTPUT.
expect_exit() {
        local wanted=$1 status=0
        shift
        OUTPUT=$("$@" 2>&1 </dev/null) || status=$?
        ((status == wanted)) || wrong "'$*' ended with $status instead of $wanted: $OUTPUT"
}

# The program behind psql (scripts/lib/cluster.sh), for what is to be a process of its own.
PSQL=$(cluster_programs)/psql

# One value from the lab's database, as the superuser: by the session that is kept (sql_keep), where there is one with that
# database, otherwise by a session of its own.
sql() {
        local status=0
        sql_kept "$1" || status=$?
        ((status == SQL_GONE)) || return "$status"
        sql_alone "$1"
}

# For what goes on beside others, and for what is to stay with the session: settings, transactions.
sql_alone() {
        PGUSER=postgres psql -X -A -t -q -v ON_ERROR_STOP=1 -c "$1"
}

# The gallery (docs/gallery.md and docs/gallery/): what programs print in flows, to the letter. scripts/gallery makes it anew: it
# runs those flows with ATM_GALLERY, a copy of docs/ into which they write what they compare else.
GALLERY=${ATM_GALLERY:-$ROOT/docs}

# gallery_terminal 'COMMAND': the block of gallery.md that begins with `$ COMMAND` has what it prints.
gallery_terminal() {
        grep -qxF -- "\$ $1" "$GALLERY/gallery.md" || wrong "gallery.md has no block that begins with '\$ $1'"
        (eval "$1") >"$WORK/gallery.out" 2>&1 || true
        sed 's/ *$//' "$WORK/gallery.out" | FIRST="\$ $1" awk '
                FNR == NR && FILENAME == "-" { shown = shown $0 "\n"; next }
                inside && $0 == "```" { inside = 0 }
                inside { next }
                { print }
                $0 == ENVIRON["FIRST"] { inside = 1; printf "%s", shown }' - "$GALLERY/gallery.md" >"$WORK/gallery.made"
        gallery_same gallery.md "$WORK/gallery.made"
}

# gallery_page FILE COMMAND...: what it prints is docs/gallery/FILE.
gallery_page() {
        local file=gallery/$1
        shift
        "$@" >"$WORK/gallery.made" || wrong "'$*' makes no $file"
        gallery_same "$file" "$WORK/gallery.made"
}

gallery_same() {
        if [[ -n ${ATM_GALLERY:-} ]]; then
                cp "$2" "$GALLERY/$1"
        else
                diff "$GALLERY/$1" "$2" >&2 || wrong "docs/$1 is not what the programs print now: scripts/gallery makes it anew"
        fi
}

# Keeps a session for sql, since a process and a session for each question cost thirty times what most questions do. It begins anew
# with each question, and is gone with the first that fails or with its server. To be called in the flow's own shell.
SQL_GONE=99 SQL_OF='' SQL_PID='' SQL_END='-- that was all'
sql_keep() {
        sql_drop
        mkfifo "$WORK/sql.in" "$WORK/sql.out"
        PGUSER=postgres "$PSQL" -X -A -t -q -v ON_ERROR_STOP=1 <"$WORK/sql.in" >"$WORK/sql.out" 2>"$WORK/sql.err" &
        SQL_PID=$!
        disown "$SQL_PID" # a `wait` for all is not for this one
        # for reading, too: then nobody is killed by writing to a session that is gone
        exec {SQL_IN}<>"$WORK/sql.in" {SQL_OUT}<"$WORK/sql.out"
        SQL_OF=$(sql_database)
}

sql_drop() {
        [[ -n $SQL_OF ]] || return 0
        kill "$SQL_PID" 2>/dev/null || true
        exec {SQL_IN}>&- {SQL_OUT}<&-
        rm -f "$WORK/sql.in" "$WORK/sql.out"
        SQL_OF=''
}

sql_database() {
        printf '%s\n' "${PGHOST:-} ${PGPORT:-} ${PGDATABASE:-} ${PGOPTIONS:-}"
}

# By the session that is kept; SQL_GONE where there is none.
sql_kept() {
        local line
        [[ -n $SQL_OF && -p $WORK/sql.in && $SQL_OF == "$(sql_database)" ]] || return "$SQL_GONE"
        printf 'DISCARD ALL;\n%s\n;\n\\echo %s\n' "$1" "'$SQL_END'" >&"$SQL_IN"
        while IFS= read -r line <&"$SQL_OUT"; do
                [[ $line != "$SQL_END" ]] || return 0
                printf '%s\n' "$line"
        done
        rm -f "$WORK/sql.in"
        grep -q '^ERROR:' "$WORK/sql.err" || return "$SQL_GONE"
        cat "$WORK/sql.err" >&2
        return 1
}

# as_instance NAME: a session that shows itself as an instance of atmd does (config/instance_label.h), until its process ends; the newest is
# AS_INSTANCE.
as_instance() {
        PGAPPNAME="atmd $1 90/510/300" PGUSER=postgres "$PSQL" -X -q < <(exec tail -f /dev/null --pid=$$) >/dev/null 2>&1 &
        AS_INSTANCE=$!
        disown "$AS_INSTANCE" # a `wait` for all is not for this one
        sql_when "the session of $1" "EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'atmd $1 %')"
}

# sql_when "what" CONDITION [SECONDS]: until it holds. The server itself looks for it, again and again, so that waiting takes one
# session and not one each time; it is known within some milliseconds.
sql_when() {
        sql "DO \$when\$
                DECLARE
                        deadline timestamptz := clock_timestamp() + interval '1 second' * ${3:-$PATIENCE_S};
                BEGIN
                        WHILE ($2) IS NOT TRUE LOOP
                                IF clock_timestamp() > deadline THEN
                                        RAISE EXCEPTION 'too late';
                                END IF;
                                PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
                        END LOOP;
                END \$when\$" || wrong "waited in vain for: $1"
}

# await "what" command...: until the command succeeds, which on any machine is long before PATIENCE_S is over.
PATIENCE_S=180
await() {
        local deadline=$((SECONDS + PATIENCE_S)) what=$1
        shift
        until "$@"; do
                ((SECONDS < deadline)) || wrong "waited in vain for: $what"
                sleep 0.1 # what is asked is a program, or several
        done
}
