# The files by which a laboratory is known: lab.state for scripts/lab itself, lab.env for its users, and the configurations
# of its programs, from the templates of etc/lab. To be sourced after common.sh and cluster.sh.
#
# Here DIR is the lab's folder, LAB_... is what lab.state holds, and ATMS, CLOCK, TIMEOUT_MS, BANK_FAULTS are the options of
# `up`.
# shellcheck shell=bash disable=SC2034 # templates read variables by name

ACQUIRER=99000001 # DE 32
BANKS=(BANKA BANKB BANKC) # links and issuers: etc/banks, etc/dialects
ACQUIRER_NAME=ACQUIRER # whom the banks' certificates of clients name
BANK_TIMEOUT_MS=15000

instance_port() {
        printf '%s\n' $((LAB_PORT + $1 - 1))
}

bank_port() {
        printf '%s\n' $((LAB_BANK_PORT + $1))
}

bank_socket() {
        printf '%s/banksim.sock\n' "$LAB_CLUSTER"
}

# lab.state ------------------------------------------------------------------------------------------

lab_load() {
        [[ -f $DIR/lab.state ]] || fail "no lab in $DIR (lab up --dir $DIR makes one)"
        # shellcheck disable=SC1091
        source "$DIR/lab.state"
}

state_write() {
        local name
        for name in LAB_BIN LAB_INSTANCES LAB_PORT LAB_CLUSTER LAB_BANKS LAB_BANK_PORT LAB_PLAIN LAB_START_MS LAB_ANCHOR_MS LAB_SPEED; do
                printf '%s=%s\n' "$name" "$(quote "${!name}")"
        done >"$DIR/lab.state.new"
        mv "$DIR/lab.state.new" "$DIR/lab.state"
}

# lab.env --------------------------------------------------------------------------------------------

put() {
        printf 'export %s=%s\n' "$1" "$(quote "$2")"
}

# Everything that somebody who uses the lab needs to know.
env_write() {
        local pids
        # shellcheck disable=SC2046 # one word an instance
        pids=$(parts pid $(instances) | xargs)
        {
                put ATMD_HOST 127.0.0.1
                put ATMD_PORT "$LAB_PORT"
                put ATMD_PORTS "$(seq -s ' ' "$LAB_PORT" "$(instance_port "$LAB_INSTANCES")")"
                put ATMD_CA "$DIR/pki/ca.crt"
                put ATMD_CERTS "$DIR/certs"
                put ATMD_CONF "$DIR/atmd.conf"
                put ATMD_PIDS "$pids"
                put ATM_ACQUIRER "$ACQUIRER"
                put ATM_TERMINALS "$DIR/terminals.csv"
                env_of_one_atm
                put ATM_CARDS "$DIR/cards.csv"
                put ATM_JOURNAL "$DIR/journal"
                put ATM_TOKEN_KEY_FILE "$DIR/token.key"
                put ATM_CLUSTER "$LAB_CLUSTER"
                if ((LAB_BANKS)); then env_of_banks; else env_of_no_banks; fi
                if ((LAB_PLAIN)); then env_of_no_keys; else env_of_keys; fi
                put ATM_CHIP_RATE "0.$((LAB_PLAIN ? 0 : 75))" # of the cards
                put ATM_CLOCK_START_MS "$LAB_START_MS"
                put ATM_CLOCK_ANCHOR_MS "$LAB_ANCHOR_MS"
                put ATM_CLOCK_SPEED "$LAB_SPEED"
                put PGHOST "$LAB_CLUSTER/socket"
                put PGPORT "$CLUSTER_PORT"
                put PGDATABASE atm
                put PGUSER "$CLUSTER_PERSON"
                put PATH "$LAB_BIN:$PATH"
        } >"$DIR/lab.env.new"
        mv "$DIR/lab.env.new" "$DIR/lab.env"
}

# The first of ATM_TERMINALS, for whoever writes an ATM of his own (docs/protocol.md).
env_of_one_atm() {
        local terminal
        terminal=$(sed -n '2s/,.*//p' "$DIR/terminals.csv")
        put ATM_TERMINAL "$terminal"
        put ATM_CERT "$DIR/certs/$terminal.crt"
        put ATM_CERT_KEY "$DIR/certs/$terminal.key"
}

env_of_banks() {
        local pid
        pid=$(parts pid banksim)
        put ATM_BANK_CARDS "$DIR/banks/cards.csv"
        put BANKSIM_BANKS "${BANKS[*]:0:LAB_BANKS}"
        put BANKSIM_PORTS "$(seq -s ' ' "$(bank_port 0)" "$(bank_port $((LAB_BANKS - 1)))")"
        put BANKSIM_CONF "$DIR/banks/banksim.conf"
        put BANKSIM_JOURNALS "$DIR/banks/journal"
        put BANKSIM_SOCKET "$(bank_socket)"
        put BANKSIM_PID "$pid"
}

# Who has sourced another lab's lab.env before must not ask for that one's banks.
env_of_no_banks() {
        echo 'unset ATM_BANK_CARDS BANKSIM_BANKS BANKSIM_PORTS BANKSIM_CONF BANKSIM_JOURNALS BANKSIM_SOCKET BANKSIM_PID BANKSIM_KEKS BANKSIM_KEYS'
}

env_of_keys() {
        local pid
        pid=$(parts pid atmkeyd)
        put ATM_KEY_MODULE "$(key_socket)"
        put ATM_KEY_MODULE_PID "$pid"
        put ATM_KEKS "$DIR/keys/keks.csv"
        put ATM_KEYS "$DIR/keys/keys.csv"
        put ATM_MAC AES-CMAC
        put ATM_MAC_FIELDS '64 128'
        put ATM_PIN_FORMAT 4
        ((LAB_BANKS)) || return 0
        put BANKSIM_KEKS "$DIR/keys/link-keks.csv"
        put BANKSIM_KEYS "$DIR/keys/link-keys.csv"
}

env_of_no_keys() {
        echo 'unset ATM_KEY_MODULE ATM_KEY_MODULE_PID ATM_KEKS ATM_KEYS ATM_MAC ATM_MAC_FIELDS ATM_PIN_FORMAT BANKSIM_KEKS BANKSIM_KEYS'
}

# configurations -------------------------------------------------------------------------------------

# fill TEMPLATE: etc/lab/TEMPLATE with what the variable NAME holds wherever @NAME@ stands. A line that asks for an empty one
# is left out.
fill() {
        local line text name
        while IFS= read -r line; do
                text=''
                while [[ $line =~ @([A-Z_]+)@ ]]; do
                        name=${BASH_REMATCH[1]}
                        [[ -n ${!name} ]] || continue 2
                        text+=${line%%"@$name@"*}${!name}
                        line=${line#*"@$name@"}
                done
                printf '%s\n' "$text$line"
        done <"$ROOT/etc/lab/$1"
}

# fill_banks TEMPLATE: once for each bank.
fill_banks() {
        local i BANK BANK_PORT
        for ((i = 0; i < LAB_BANKS; i++)); do
                BANK=${BANKS[i]} BANK_PORT=$(bank_port "$i")
                fill "$1"
        done
}

# scaled_ms MS [LEAST]: what is to the lab's time-out as MS is to 15 s.
scaled_ms() {
        local ms=$(($1 * TIMEOUT_MS / BANK_TIMEOUT_MS)) least=${2:-1}
        printf '%s\n' $((ms > least ? ms : least))
}

# At least, at most, and between them.
clamp() {
        printf '%s\n' $(($3 < $1 ? $1 : $3 > $2 ? $2 : $3))
}

# Each ATM may be there twice, on each side of a reconnect, and there are no more than there are descriptors for.
connections_max() {
        local files
        files=$(ulimit -Hn)
        [[ $files != unlimited ]] || files=1000000000
        clamp 1 $((files - 200)) $((ATMS * 2 + 1000))
}

configurations_write() {
        local CLOCK_IS_LABORATORY='' CLOCK_START_MS='' CLOCK_ANCHOR_MS='' CLOCK_SPEED=''
        local CONNECTIONS_MAX OUTSTANDING_MAX LEASE_MS RETRY_FIRST_MS RETRY_MAX_MS SLOW_MS LATE_MS DOWN_MS BANK_SOCKET KEY_SOCKET
        local REQUEST_TIMEOUT_MS=$((TIMEOUT_MS + (TIMEOUT_MS > 4500 ? TIMEOUT_MS / 3 : 1500)))
        if [[ -n $CLOCK ]]; then
                CLOCK_IS_LABORATORY=yes CLOCK_START_MS=$LAB_START_MS CLOCK_ANCHOR_MS=$LAB_ANCHOR_MS CLOCK_SPEED=$LAB_SPEED
        fi
        CONNECTIONS_MAX=$(connections_max)
        OUTSTANDING_MAX=$(clamp 128 65536 "$ATMS")
        LEASE_MS=$(scaled_ms 5000 500)
        RETRY_FIRST_MS=$(scaled_ms 1000 200) RETRY_MAX_MS=$(scaled_ms 60000 1000)
        SLOW_MS=$(scaled_ms 300)-$(scaled_ms 6000)
        LATE_MS=$(scaled_ms 16000)-$(scaled_ms 20000)
        DOWN_MS=$(scaled_ms 2000)-$(scaled_ms 15000)
        BANK_SOCKET=$(bank_socket) KEY_SOCKET=$(key_socket)
        BANK_KEYS='' BANK_KEKS=''
        ((LAB_PLAIN)) || BANK_KEYS=$DIR/keys/link-keys.csv BANK_KEKS=$DIR/keys/link-keks.csv
        {
                fill atmd.conf
                fill_banks atmd-link.conf
        } >"$DIR/atmd.conf"
        ((LAB_BANKS)) || return 0
        {
                fill banksim.conf
                fill_banks banksim-bank.conf
        } >"$DIR/banks/banksim.conf"
}
