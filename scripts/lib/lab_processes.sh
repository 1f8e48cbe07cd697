# The processes of a laboratory: instances of atmd and banksim, on ports of their own, and atmkeyd (lab_keys.sh); atmlab(1) starts, awaits and ends them.
# To be sourced after lab_files.sh.
# shellcheck shell=bash disable=SC2034

LINK_TIMEOUT_S=30

# parts VERB [options] NAME...: atmlab does it; that of another build where the one that the lab was made with is gone.
parts() {
        local program=$LAB_BIN/atmlab
        if [[ ! -x $program ]]; then
                build_programs || return 1
                program=$BIN/atmlab
        fi
        "$program" "$1" --dir "$DIR" "${@:2}"
}

# The names of all instances.
instances() {
        seq -f 'atmd-%.0f' 1 "$LAB_INSTANCES"
}

instance_start() {
        parts start "atmd-$1" -- "$LAB_BIN/atmd" --config "$DIR/atmd.conf" --instance "$1" --listen "127.0.0.1:$(instance_port "$1")"
}

banks_start() {
        parts start banksim -- "$LAB_BIN/banksim" run --config "$DIR/banks/banksim.conf"
}

# Every instance has its two connections to every bank: who comes now finds the banks there.
banks_are_linked() {
        local links
        links=$("$LAB_BIN/banksim" ctl --socket "$(bank_socket)" all show --csv) || return 2
        [[ $(awk -F, -v n=$((LAB_INSTANCES * 2)) '$3 == "links" && $4 >= n' <<<"$links" | wc -l) == "$LAB_BANKS" ]]
}

banks_await_links() {
        local deadline=$((SECONDS + LINK_TIMEOUT_S)) status
        until banks_are_linked; do
                status=$?
                ((status == 1 && SECONDS < deadline)) || fail "the banks have no connections of all instances"
                sleep 0.05
        done
}

# ports_end SECONDS: those that listen on ports; atmd first, so that it can say what it has to say to the banks.
ports_end() {
        # shellcheck disable=SC2046 # one word an instance
        parts stop --seconds "$1" $(instances) || true # it says what does not end
        parts stop --seconds "$1" banksim || true
}

# processes_end SECONDS: the key module last, which atmd needs to its end.
processes_end() {
        ports_end "$1"
        parts stop --seconds "$1" atmkeyd || true
}

# ports_are_free FIRST N: does nobody listen on any of them?
ports_are_free() {
        local port
        for ((port = $1; port < $1 + $2; port++)); do
                ! grep -qi ":$(printf %04x "$port") 0*:0000 0A" /proc/net/tcp || return 1
        done
}

# ports_find N: the first of so many free ports in a row, below those that the kernel hands out to clients, and none of those that were
# asked for.
ports_find() {
        local try
        for ((try = 0; try < 200; try++)); do
                FOUND_PORT=$((10000 + (RANDOM * 32768 + RANDOM) % (22000 - $1)))
                [[ -z $PORT ]] || ((FOUND_PORT + $1 <= PORT || FOUND_PORT >= PORT + LAB_INSTANCES)) || continue
                ! ports_are_free "$FOUND_PORT" "$1" || return 0
        done
        fail "no $1 free ports in a row"
}

# One row for all that is not asked for: nobody listens on any of them yet, so that two rows might be the same.
ports_choose() {
        LAB_PORT=$PORT
        if [[ -n $PORT ]]; then
                ports_find $((LAB_BANKS + 1))
                LAB_BANK_PORT=$FOUND_PORT
        else
                ports_find $((LAB_INSTANCES + LAB_BANKS + 1))
                LAB_PORT=$FOUND_PORT LAB_BANK_PORT=$((FOUND_PORT + LAB_INSTANCES))
        fi
}

processes_start() {
        local i
        LAB_ANCHOR_MS=$(now_ms)
        [[ -n $CLOCK ]] || LAB_START_MS=$LAB_ANCHOR_MS
        configurations_write && state_write || return 1
        ((!LAB_BANKS)) || banks_start || return 1
        for ((i = 1; i <= LAB_INSTANCES; i++)); do
                instance_start "$i" || return 1
        done
}

# Was a port taken, as PART... say? Whoever had it may have let it go since.
port_was_taken() {
        local part
        for part; do
                ! grep -qs 'Address already in use' "$DIR/log/$part.log" || return 0
        done
        return 1
}

# Between its being found and its being listened on a port may be taken by others: then others are found, unless it is one
# that was asked for.
processes_start_somewhere() {
        local attempt
        for attempt in 1 2 3 4 5; do
                ports_choose
                ! processes_start || return 0
                ports_end 2
                # shellcheck disable=SC2046 # one word an instance
                [[ -z $PORT ]] || ! port_was_taken $(instances) || return 1
                # shellcheck disable=SC2046
                port_was_taken $(instances) banksim || return 1
                say "a port was taken meanwhile (attempt $attempt)"
                rm -f "$DIR"/log/{atmd-*,banksim}.log # of others' ports
        done
        return 1
}
