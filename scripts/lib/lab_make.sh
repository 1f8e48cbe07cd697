# What a laboratory has before anything of it runs: certificates, ATMs, cards, and a database with its reference data. To be
# sourced after lab_files.sh; LAB_... and the options of `up` are as there.
# shellcheck shell=bash

BALANCE_YEN=1000000
BANK_PREFIXES=(990011 990012 990013)

ctl() {
        run_quietly "atmctl $1 $2" "$LAB_BIN/atmctl" "$@"
}

# First line and the first N rows of the example fleet; beyond its end new terminals in the same halls.
fleet_write() {
        awk -F, -v n="$1" '
                { sub(/\r$/, "") }
                NR == 1 {
                        for (i = 1; i <= NF; i++) column[$i] = i
                        if (!("terminal" in column) || !("hall" in column)) exit 1
                        print "terminal,hall,enabled"
                        next
                }
                NF { hall[++have] = $column["hall"]; if (have <= n) print $column["terminal"] "," $column["hall"] ",yes" }
                END { for (i = have + 1; i <= n; i++) printf "T%07d,%s,yes\n", i, hall[(i - 1) % have + 1] }
        ' "$ROOT/etc/atms.csv" >"$DIR/atms.csv"
}

pki_make() {
        mkdir -p "$DIR/certs" "$DIR/server" "$DIR/pki"
        ctl pki init --dir "$DIR/pki"
        ctl pki issue --dir "$DIR/pki" --out "$DIR/server" --server atmd --san IP:127.0.0.1,DNS:localhost
        ctl pki issue --dir "$DIR/pki" --out "$DIR/certs" --terminals "$DIR/atms.csv"
}

# Banks have an authority of their own: no ATM's certificate opens a bank, and the acquirer's opens no ATM.
banks_make() {
        local i
        local -a files=()
        mkdir -p "$DIR/banks/journal"
        ctl pki init --dir "$DIR/banks/pki" --name "Banks CA"
        ctl pki issue --dir "$DIR/banks/pki" --out "$DIR/banks/certs" --terminal "$ACQUIRER_NAME"
        for ((i = 0; i < LAB_BANKS; i++)); do
                ctl pki issue --dir "$DIR/banks/pki" --out "$DIR/banks/certs" --server "${BANKS[i]}" \
                        --san IP:127.0.0.1,DNS:localhost
                cards_make "$BANK_CARDS" $((i + 2)) "${BANKS[i]}" "${BANK_PREFIXES[i]}" "$DIR/banks/${BANKS[i]}.csv"
                files+=("$DIR/banks/${BANKS[i]}.csv")
        done
        # a card of each bank in turn, so that who takes cards in turn asks all banks alike
        (umask 077 && paste -d '\n' "${files[@]}" | awk -v n="$LAB_BANKS" 'NR == 1 || NR > n' >"$DIR/banks/cards.csv")
        rm "${files[@]}"
}

# cards_make COUNT SEED ISSUER PREFIX FILE
cards_make() {
        run_quietly "atmsim cards" "$LAB_BIN/atmsim" cards --count "$1" --seed "$2" --issuer "$3" --prefix "$4" \
                --balance-yen "$BALANCE_YEN" --output "$5"
        chmod 600 "$5"
}

# The rows of etc/banks/FILE whose issuer the lab has, into the database: banks_import NOUN FILE
banks_import() {
        awk -F, -v banks=" ${BANKS[*]:0:LAB_BANKS} " '
                NR == 1 { for (i = 1; i <= NF; i++) if ($i == "issuer") column = i }
                NR == 1 || index(banks, " " $column " ")' "$ROOT/etc/banks/$2" >"$DIR/run/$2"
        ctl "$1" import --note laboratory "$DIR/run/$2"
        rm "$DIR/run/$2"
}

# The database with what laboratories of the same options have alike; of a template (lab_template.sh) without a clock, which each of them
# enters for itself.
reference_make() {
        run_quietly "createdb" cluster_ask -d postgres -c "CREATE DATABASE $PGDATABASE"
        if [[ -n $TEMPLATE ]]; then
                (unset ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED && PGUSER=postgres ctl db init --clock-now "$TEMPLATE_DAY")
        else
                PGUSER=postgres ctl db init
        fi
        run_quietly "the operator's login" cluster_person
        run_quietly "the operator's right to keys" cluster_ask -c "GRANT atm_keys TO $CLUSTER_PERSON"
        ctl area import "$ROOT/etc/areas.csv"
        ctl hall import "$ROOT/etc/halls.csv"
        ctl issuer import "$ROOT/etc/issuers.csv"
        ctl tax import --note laboratory "$ROOT/etc/tax_rates.csv"
        ctl tariff import --note laboratory "$ROOT/etc/tariffs.csv"
        ctl prefix import "$ROOT/etc/prefixes.csv"
        if ((LAB_BANKS)); then
                banks_import issuer issuers.csv
                banks_import tariff tariffs.csv
                banks_import prefix prefixes.csv
        fi
        ctl holiday import "$ROOT/etc/holidays.csv"
        ctl limit import --note laboratory "$ROOT/etc/limits.csv"
        ctl hours import "$ROOT/etc/hours.csv"
        [[ -n $HISTORY ]] || hours_make # a history has the hours of its own time
        run_quietly "ANALYZE" cluster_ask -c 'VACUUM ANALYZE area, hall, hall_place, issuer, tax_rate, tariff, card_prefix, holiday, limit_rule, network_hours'
}

hours_make() {
        [[ $HOURS == open ]] || return 0
        ctl hours import "$ROOT/etc/hours_open.csv"
        run_quietly "opening the halls" psql -X -q -v ON_ERROR_STOP=1 \
                -c 'UPDATE network_hours SET opens_minute = 0, closes_minute = 1440 WHERE opens_minute > 0 OR closes_minute < 1440' \
                -c 'UPDATE hall SET opens_minute = 0, closes_minute = 1440 WHERE opens_minute > 0 OR closes_minute < 1440' \
                -c 'UPDATE issuer SET opens_minute = 0, closes_minute = 1440, off_opens_minute = 0, off_closes_minute = 1440
                    WHERE opens_minute > 0 OR closes_minute < 1440 OR off_opens_minute > 0 OR off_closes_minute < 1440'
}

# As `atmctl db init` enters it, which made the template without one.
clock_enter() {
        run_quietly "the clock" cluster_ask -c "SET atm.command = 'db init'" -c "SET atm.person = $(quote "$(id -un)")" \
                -c "INSERT INTO business_clock (start_ms, anchor_ms, speed) VALUES ($LAB_START_MS, $LAB_ANCHOR_MS, $LAB_SPEED)"
}

# With PINs, where there is a key module to verify them.
cards_enter() {
        cards_make "$CARDS" 1 HOUSE 990001 "$DIR/cards.csv"
        ((LAB_PLAIN)) || ctl pin make --key-module "$(key_socket)" "$DIR/cards.csv"
        ctl card import --note laboratory "$DIR/cards.csv"
        ((LAB_PLAIN)) || ctl issuer set HOUSE --pin-method pvv --note laboratory
}

terminals_write() {
        psql -X -q -v ON_ERROR_STOP=1 -c "COPY (SELECT a.terminal, a.hall, h.area, h.prefecture
                FROM atm a JOIN hall h USING (hall) ORDER BY a.terminal) TO STDOUT WITH (FORMAT csv, HEADER)" |
                awk -F, 'NR == FNR { here[$1] = 1; next } $1 in here' "$DIR/atms.csv" - >"$DIR/terminals.csv"
}

# A database, in a cluster that is made and started here.
database_make() {
        export PGHOST=$LAB_CLUSTER/socket PGPORT=$CLUSTER_PORT PGDATABASE=atm PGUSER=$CLUSTER_PERSON
        template_choose
        if ! template_start; then
                cluster_make "$LAB_CLUSTER"
                cluster_start "$LAB_CLUSTER"
                reference_make
                [[ -z $TEMPLATE ]] || template_keep
        fi
        ln -s "$LAB_CLUSTER/log" "$DIR/log/postgres.log"
        [[ -z $TEMPLATE ]] || clock_enter
        [[ -z $HISTORY ]] || ctl atm import "$ROOT/etc/atms.csv" # the scenario's fleet; no certificates for those beyond --atms
        ctl atm import "$DIR/atms.csv"
        if [[ -n $HISTORY ]]; then
                history_make
                hours_make
        fi
}

# Once cards are there.
database_finish() {
        terminals_write
        # all partitions of history where there is one
        run_quietly "ANALYZE" cluster_ask -c "VACUUM ANALYZE$([[ -n $HISTORY ]] || echo ' atm, card')"
}

# What is live in a lab is reconciled with journals, so it must not lie in the time of a history that has none.
history_check() {
        local last
        [[ -f $HISTORY ]] || usage_error "--history: there is no file $HISTORY; expected a scenario, as etc/scenarios/fy2015-fy2016"
        ((LAB_BANKS == ${#BANKS[@]})) || usage_error "--history: the scenario has cards of ${#BANKS[@]} banks; expected --banks ${#BANKS[@]}"
        last=$(sed -n 's/^to *= *\([0-9-]*\) *$/\1/p' "$HISTORY" | head -n 1)
        [[ $(TZ=JST-9 date -d "@$((LAB_START_MS / 1000))" +%F) > ${last:-0} ]] ||
                usage_error "--clock: expected a day after the history's last, $last"
}

# Before the lab's own time, by the hours of its own time; progress is on a terminal alone.
history_make() {
        local made figures='"atms": *([0-9]+),.*"atms_whole": *([0-9]+)'
        made=$(PGUSER=postgres "$LAB_BIN/atmctl" history generate --scenario "$HISTORY" --scale "$SCALE" --format json) ||
                fail "the history could not be made"
        [[ $made =~ $figures ]] || fail "the history's ATMs were not counted: $made"
        say "history: ${BASH_REMATCH[1]} of the scenario's ${BASH_REMATCH[2]} ATMs"
}
