# What stands on the machines (machines.sh), as docs/operations.md has it for production and with the files of etc/ themselves: db1 to db3
# with etcd and Patroni, app1 and app2 with atmd, "atm" with HAProxy. "office" has certificates, journals and whoever uses atmctl. To be sourced after
# flow/lib.sh.
# shellcheck shell=bash

ATMS=20
CARDS=20000 # each may be used twice a day
((!LONG)) || CARDS=80000
LAB_BANKS=0 HOURS=open TEMPLATE='' HISTORY='' # for lab_make.sh
source "$ROOT/scripts/lib/lab_make.sh"

DB=(db1 db2 db3)
APP=(app1 app2)
LAB_BIN=$BIN
DIR=$MACHINES/fleet
DATABASE_PKI=$MACHINES/database-pki
DATABASE=('host=db1,db2,db3' dbname=atm user="$CLUSTER_PERSON" sslmode=verify-full sslrootcert="$DATABASE_PKI/ca.crt"
        sslcert="$DATABASE_PKI/$CLUSTER_PERSON.crt" sslkey="$DATABASE_PKI/$CLUSTER_PERSON.key")

site_make() {
        local i
        for i in 1 2 3; do
                machine_make "db$i" "$NETWORK.1$i"
        done
        for i in 1 2; do
                machine_make "app$i" "$NETWORK.2$i"
        done
        machine_make atm "$NETWORK.30"
        mkdir "$DIR" "$DIR/run" "$DIR/journal"
        fleet_write "$ATMS"
        certificates_make
        (umask 077 && openssl rand -hex 32 >"$DIR/token.key")
        for i in "${DB[@]}"; do
                database_machine "$i"
                machine_on "$i"
        done
        await "a primary" primary_is_there
        database_fill
        for i in "${APP[@]}"; do
                instance_machine "$i"
                machine_on "$i"
        done
        for i in "${APP[@]}"; do
                await "atmd on $i" grep -q event=ready "$MACHINES/$i/log/atmd"
        done
        balancer_machine
        machine_on atm
        await "HAProxy's instances" instances_are_up
        site_environment
}

# The database's authority is not the ATMs': no ATM's certificate opens a database.
certificates_make() {
        local name
        pki_make
        ctl pki issue --dir "$DIR/pki" --out "$DIR/server" --server atmd --san DNS:atm
        ctl pki issue --dir "$DIR/pki" --out "$DIR/server" --terminal PROBE001
        ctl pki init --dir "$DATABASE_PKI" --name "Database CA"
        for name in "${DB[@]}"; do
                ctl pki issue --dir "$DATABASE_PKI" --out "$DATABASE_PKI" --peer "$name" --san "DNS:$name"
        done
        for name in atm_daemon "$CLUSTER_PERSON"; do
                ctl pki issue --dir "$DATABASE_PKI" --out "$DATABASE_PKI" --client "$name"
        done
}

# machine_install NAME MODE OWNER FILE TO
machine_install() {
        install -D -m "$2" -o "$3" -g "$3" "$4" "$MACHINES/$1$5"
}

database_machine() {
        local name=$1 service owner
        for service in etcd patroni; do
                owner=etcd
                [[ $service == etcd ]] || owner=postgres
                machine_install "$name" 644 "$owner" "$DATABASE_PKI/ca.crt" "/etc/$service/pki/ca.crt"
                machine_install "$name" 644 "$owner" "$DATABASE_PKI/$name.crt" "/etc/$service/pki/machine.crt"
                machine_install "$name" 600 "$owner" "$DATABASE_PKI/$name.key" "/etc/$service/pki/machine.key"
        done
        machine_install "$name" 644 root "$ROOT/etc/patroni/config.yml" /etc/patroni/config.yml
        machine_install "$name" 755 root "$ROOT/etc/patroni/epoch" /etc/patroni/epoch
        machine_install "$name" 644 root <(sed "s/@HOST@/$name/" "$ROOT/etc/patroni/patroni_env.conf") /etc/patroni_env.conf
        machine_install "$name" 644 root <(sed "s/@HOST@/$name/" "$ROOT/etc/etcd/etcd") /etc/default/etcd
        # as Debian's units start them
        machine_serves "$name" etcd etcd 'set -a; . /etc/default/etcd; exec etcd'
        machine_serves "$name" patroni postgres 'set -a; . /etc/patroni_env.conf; exec patroni /etc/patroni/config.yml'
}

instance_machine() {
        local name=$1
        machine_install "$name" 644 postgres "$ROOT/etc/atmd-failover.conf" /etc/atmd/atmd.conf
        machine_install "$name" 600 postgres "$DIR/token.key" /etc/atmd/card-token.key
        machine_install "$name" 644 postgres "$DIR/pki/ca.crt" /etc/atmd/pki/ca.crt
        machine_install "$name" 644 postgres "$DIR/server/atmd.crt" /etc/atmd/pki/atmd.crt
        machine_install "$name" 600 postgres "$DIR/server/atmd.key" /etc/atmd/pki/atmd.key
        machine_install "$name" 644 postgres "$DATABASE_PKI/ca.crt" /etc/atmd/pki/database-ca.crt
        machine_install "$name" 644 postgres "$DATABASE_PKI/atm_daemon.crt" /etc/atmd/pki/atm_daemon.crt
        machine_install "$name" 600 postgres "$DATABASE_PKI/atm_daemon.key" /etc/atmd/pki/atm_daemon.key
        chown postgres: "$MACHINES/$name/var/lib/atmd" # no user of its own is needed here
        machine_serves "$name" atmd postgres "exec atmd --config /etc/atmd/atmd.conf --instance $name"
}

balancer_machine() {
        machine_install atm 644 root "$ROOT/etc/haproxy/haproxy.cfg" /etc/haproxy/haproxy.cfg
        machine_install atm 644 root "$DIR/pki/ca.crt" /etc/haproxy/ca.crt
        machine_install atm 600 root <(cat "$DIR/server/PROBE001.crt" "$DIR/server/PROBE001.key") /etc/haproxy/probe.pem
        machine_serves atm haproxy root 'exec haproxy -db -f /etc/haproxy/haproxy.cfg'
}

# As the superuser on a machine of the database.
on_database() {
        machine_run "$1" runuser -u postgres -- env PGHOST=/run/postgresql "${@:2}"
}

# members: NAME ROLE STATE TIMELINE of each that the first machine that answers knows.
members() {
        local name list
        for name in "${DB[@]}"; do
                list=$(on_database "$name" timeout 5 patronictl -c /etc/patroni/config.yml list -f json 2>/dev/null) || continue
                [[ $list == \[* ]] || continue
                perl -MJSON::PP -e 'print join(" ", @$_{"Member", "Role", "State"}, $_->{TL} // "-") =~ s/Sync Standby/Sync/r, "\n"
                        for @{decode_json(<STDIN>)}' <<<"$list"
                return
        done
        return 1
}

primary_is_there() {
        PRIMARY=$(members | awk '$2 == "Leader" && $3 == "running" { print $1 }') && [[ -n $PRIMARY ]]
}

# instances: NAME STATUS CONNECTIONS, as HAProxy has them.
instances() {
        machine_run atm perl -MIO::Socket::UNIX -e '
                my $haproxy = IO::Socket::UNIX->new("/run/haproxy/admin.sock") or exit 1;
                print $haproxy "show stat\n";
                while (<$haproxy>) { my @column = split /,/; print "@column[1, 17, 4]\n" if $column[1] =~ /^app/ }'
}

instances_are_up() {
        [[ $(instances | awk '$2 == "UP" { n++ } END { print n }') == "${#APP[@]}" ]]
}

# The database, as the superuser on its primary.
database_fill() {
        chown -R postgres: "$DIR"
        on_database "$PRIMARY" env PGPORT=5432 PGDATABASE=atm PGUSER=postgres DIR="$DIR" ATMS="$ATMS" CARDS="$CARDS" \
                LAB_BIN=/usr/local/bin ATM_TOKEN_KEY_FILE="$DIR/token.key" bash -c '
                        source /run/atm/scripts/lib/common.sh
                        source "$ROOT/scripts/lib/cluster.sh"
                        source "$ROOT/scripts/lib/lab_make.sh"
                        LAB_BANKS=0 HOURS=open TEMPLATE="" HISTORY=""
                        reference_make
                        ctl atm import "$DIR/atms.csv"
                        cards_enter
                        terminals_write
                        run_quietly rights cluster_ask -c "GRANT pg_monitor TO $CLUSTER_PERSON"
                        run_quietly ANALYZE cluster_ask -c "VACUUM ANALYZE"' || wrong "the database could not be filled"
        chown -R root: "$DIR"
}

# What programs of the office need to know.
site_environment() {
        export ATMD_HOST=atm ATMD_PORTS=7583 ATMD_CA=$DIR/pki/ca.crt ATMD_CERTS=$DIR/certs
        export ATM_ACQUIRER=99000001 ATM_TERMINALS=$DIR/terminals.csv ATM_CARDS=$DIR/cards.csv ATM_JOURNAL=$DIR/journal
        export ATM_TOKEN_KEY_FILE=$DIR/token.key PATH=$BIN:$PATH PG_COLOR=never
        unset ATM_BANK_CARDS BANKSIM_JOURNALS ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED
}

# One value from the primary.
ask() {
        psql -X -A -t -q -v ON_ERROR_STOP=1 -d "${DATABASE[*]} target_session_attrs=read-write connect_timeout=2" -c "$1" 2>/dev/null
}

says() {
        [[ $(ask "SELECT $1") == t ]]
}

# Three machines, both others behind the primary and one of them confirming.
database_is_whole() {
        primary_is_there && [[ $(members | awk '$3 == "running" { n++ } $2 == "Sync" { s++ } { t[$4] } END { print n, s, length(t) }') == "3 1 1" ]] &&
                says "count(*) FILTER (WHERE state = 'streaming') = 2 AND count(*) FILTER (WHERE sync_state = 'sync') = 1 FROM pg_stat_replication"
}
