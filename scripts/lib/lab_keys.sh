# The keys of a laboratory: its key module (atmkeyd) with a master key in a file, a key-encrypting key for each ATM and link, and a working
# set under it; and the key that PINs of the house bank are verified with. To be sourced after lab_make.sh; LAB_... and the options of `up` are as there.
#
#       D/keys/master          the master key: whoever reads it has all keys
#       D/keys/keks.csv        terminal,kek: what a terminal has from its first load, in clear
#       D/keys/keys.csv        terminal,set,pin_key,mac_key_up,mac_key_down: its working keys under that
#       D/keys/link-keks.csv and link-keys.csv        the same of links, for banksim: link,kek and link,set,...
#
# All of mode 0600, in a folder of mode 0700.
# shellcheck shell=bash

# Beside PostgreSQL's socket and banksim's, for a short path.
key_socket() {
        ((LAB_PLAIN)) || printf '%s/atmkeyd.sock\n' "$LAB_CLUSTER"
}

key_module_start() {
        parts start atmkeyd -- "$LAB_BIN/atmkeyd" --socket "$(key_socket)" --master-file "$DIR/keys/master"
}

# keks_write OWNER FILE: a random key for each of the names on standard input
keks_write() {
        local -a names
        mapfile -t names
        {
                printf '%s,kek\n' "$1"
                paste -d , <(printf '%s\n' "${names[@]}") <(openssl rand -hex $((16 * ${#names[@]})) | fold -w 32)
        } >"$2"
}

# From the first load to the files of those who have them; atmd takes them from the database.
keys_make() {
        ((!LAB_PLAIN)) || return 0
        local -x ATM_KEY_MODULE
        ATM_KEY_MODULE=$(key_socket)
        (
                umask 077
                mkdir -p "$DIR/keys"
                run_quietly "the master key" "$LAB_BIN/atmkeyd" --make-master --master-file "$DIR/keys/master"
                tail -n +2 "$DIR/atms.csv" | cut -d , -f 1 | keks_write terminal "$DIR/keys/keks.csv"
                ((!LAB_BANKS)) || printf '%s\n' "${BANKS[@]:0:LAB_BANKS}" | keks_write link "$DIR/keys/link-keks.csv"
        )
        key_module_start
        ctl key import --note laboratory --clear "$DIR/keys/keks.csv"
        ctl key generate --note laboratory --all
        ctl key export --note laboratory "$DIR/keys/keys.csv" --all
        ctl key generate --note laboratory --issuer HOUSE
        ((LAB_BANKS)) || return 0
        ctl key import --note laboratory --links --clear "$DIR/keys/link-keks.csv"
        ctl key generate --note laboratory --link "${BANKS[0]}"
        ((LAB_BANKS < 2)) || ctl key generate --note laboratory --algorithm tdes --link "${BANKS[1]}" # so that both kinds of MAC are shown
        ((LAB_BANKS < 3)) || ctl key generate --note laboratory --link "${BANKS[@]:2:LAB_BANKS-2}"
        ctl key export --note laboratory "$DIR/keys/link-keys.csv" --link "${BANKS[@]:0:LAB_BANKS}"
}
