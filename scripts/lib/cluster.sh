# A private PostgreSQL cluster: made, started, stopped, removed. To be sourced after common.sh.
#
# It lies in a new folder of its own under /var/tmp, because the server refuses to run as root, runs as user
# postgres then, and could not reach a folder below a root-only parent. That folder is 0700, belongs to the
# server's user and holds data, socket and log; the socket is the only way in (no TCP), so trust is safe:
# nobody but that user and root reaches it. Durability is that of production: fsync, synchronous_commit and
# full_page_writes stay on.
#
#       FOLDER/data   FOLDER/socket/.s.PGSQL.5432   FOLDER/log
#
# initdb takes seconds and always makes the same, so it runs once for each version of the server and user; what it made is
# kept in /var/tmp (atm-pg-template.*) and copied from then on. A cluster with something in it can be kept and copied likewise
# (cluster_keep, cluster_make FOLDER TEMPLATE).
#
# Tests (cluster_for_tests) have many clusters at a time, for minutes: small ones, in memory where there is room.
# shellcheck shell=bash

CLUSTER_PORT=5432
CLUSTER_PERSON=operator # who uses atmctl: see cluster_person
CLUSTER_BASE=${ATM_CLUSTER_BASE:-/var/tmp}
CLUSTER_TEMPLATES=/var/tmp
CLUSTER_MEMORY=/dev/shm
CLUSTER_MEMORY_MIB=6144 # what must be free of it: twelve clusters of at most 512 MiB

cluster_programs() {
        local folder
        folder=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
        [[ -x $folder ]] || folder=$(command -v initdb) || fail "no PostgreSQL server found (initdb)"
        dirname "$folder"
}

# What clusters are made from here on, by this script and those that it starts, are for tests: of less memory and log,
# and in memory themselves unless `disk` is asked for or memory is short. No test cuts the machine's power, so that what a
# server has written is there after any crash of it in either place; on disk a commit takes as long as in production.
cluster_for_tests() {
        local free
        export ATM_CLUSTER_SMALL=1
        free=$(df -m --output=avail "$CLUSTER_MEMORY" 2>/dev/null | tail -n 1) || free=0
        if [[ ${1:-} != disk && -z ${ATM_CLUSTER_BASE:-} && -w $CLUSTER_MEMORY ]] && ((free >= CLUSTER_MEMORY_MIB)); then
                CLUSTER_BASE=$CLUSTER_MEMORY
        fi
        export ATM_CLUSTER_BASE=$CLUSTER_BASE
}

# Runs a command as the server's user, in a folder that every user may enter.
cluster_run() {
        if ((EUID == 0)); then
                (cd / && exec runuser -u postgres -- "$@")
        else
                (cd / && exec "$@")
        fi
}

# A new, empty folder for a cluster; prints it. Who calls it notes the folder before the cluster is made, so that it can be
# removed whenever things are broken off.
cluster_folder() {
        mktemp -d "$CLUSTER_BASE/atm-pg.XXXXXX"
}

# cluster_initdb FOLDER: a new, empty FOLDER/data. A test's has segments of the log of 1 MiB: one is there from the beginning and
# is copied each time, and one of 16 MiB is twice as large as all the rest.
cluster_initdb() {
        local segment_mib=16
        ((!${ATM_CLUSTER_SMALL:-0})) || segment_mib=1
        ((EUID != 0)) || chown postgres: "$1"
        run_quietly "initdb" cluster_run "$(cluster_programs)/initdb" -D "$1/data" -U postgres --auth=trust \
                --encoding=UTF8 --locale=C.UTF-8 --wal-segsize="$segment_mib"
}

# What the names of templates of tests' clusters end with: their segments are of another size.
cluster_kind() {
        ((!${ATM_CLUSTER_SMALL:-0})) || printf '%s\n' .small
}

# The template of this version and user, made where it is not there; prints it.
cluster_template() {
        local template new version
        version=$("$(cluster_programs)/postgres" --version)
        template=$CLUSTER_TEMPLATES/atm-pg-template.$EUID.${version//[^0-9A-Za-z.]/_}$(cluster_kind)
        if [[ ! -d $template ]]; then
                new=$(mktemp -d "$CLUSTER_TEMPLATES/atm-pg.XXXXXX")
                cluster_initdb "$new" || return 1
                # whoever was faster has made the same
                mv -T "$new" "$template" 2>/dev/null || rm -rf "$new"
        fi
        printf '%s\n' "$template"
}

# cluster_copy FROM TO: the data of a cluster that is stopped, into a folder that has none.
cluster_copy() {
        ((EUID != 0)) || chown postgres: "$2" || return 1
        cp -a --reflink=auto "$1/data" "$2/data" || return 1
}

# cluster_keep FOLDER TEMPLATE: a copy of a cluster that is stopped, with the configuration that initdb made. It is under its name when all
# of it is there and on the disk.
cluster_keep() {
        local new
        new=$(mktemp -d "${2%/*}/new.XXXXXX") || return 1
        if cluster_copy "$1" "$new" && sed -i '/^# of this project/,$d' "$new/data/postgresql.conf" &&
                cluster_run "$(cluster_programs)/initdb" --sync-only -D "$new/data" >/dev/null; then
                # whoever was faster has made the same
                mv -T "$new" "$2" 2>/dev/null || true
        fi
        rm -rf "$new"
}

# Nobody else's folder under that name.
cluster_template_is_ours() {
        [[ $(stat -c '%U %a' "$1" 2>/dev/null) == "$( ((EUID == 0)) && echo postgres || id -un) 700" ]]
}

# cluster_make FOLDER [TEMPLATE]: a cluster in it, not started; an empty one, or what the template has.
cluster_make() {
        local folder=$1 template=${2:-}
        [[ -n $template ]] || template=$(cluster_template) || return 1
        if cluster_template_is_ours "$template"; then
                run_quietly "copying the cluster's template" cluster_copy "$template" "$folder" || return 1
        elif [[ -n ${2:-} ]]; then
                return 1
        else
                cluster_initdb "$folder" || return 1
        fi
        cluster_run mkdir "$folder/socket" || return 1
        cluster_run tee -a "$folder/data/postgresql.conf" >/dev/null <<CONF || return 1

# of this project: scripts/lib/cluster.sh
listen_addresses = ''
port = $CLUSTER_PORT
unix_socket_directories = '$folder/socket'
max_connections = 200
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = off
$(cluster_sizes)
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u '
lc_messages = 'C'
CONF
        echo 'local all all trust' | cluster_run tee "$folder/data/pg_hba.conf" >/dev/null
}

# cluster_standby FOLDER NAME: a standby, not started, of the cluster of PGHOST and PGPORT; NAME is what that one may put into its
# synchronous_standby_names. It has the same folders and port as any, and commits of its own, once it is promoted, wait for nobody.
cluster_standby() {
        local folder=$1 name=$2
        ((EUID != 0)) || chown postgres: "$folder" || return 1
        cluster_run mkdir "$folder/socket" || return 1
        echo 'local replication all trust' | cluster_run tee -a "$(cluster_ask -A -t -c 'SHOW hba_file')" >/dev/null || return 1
        cluster_ask -c 'SELECT pg_reload_conf()' >/dev/null || return 1
        run_quietly "pg_basebackup" cluster_run "$(cluster_programs)/pg_basebackup" -h "$PGHOST" -p "${PGPORT:-5432}" -U postgres \
                -D "$folder/data" -R -c fast || return 1
        cluster_run tee -a "$folder/data/postgresql.auto.conf" >/dev/null <<CONF
port = $CLUSTER_PORT
unix_socket_directories = '$folder/socket'
synchronous_standby_names = ''
primary_conninfo = 'host=$PGHOST port=${PGPORT:-5432} user=postgres application_name=$name'
CONF
}

cluster_promote() {
        cluster_run "$(cluster_programs)/pg_ctl" -D "$1/data" -w promote >/dev/null
}

cluster_sizes() {
        if ((${ATM_CLUSTER_SMALL:-0})); then
                printf '%s\n' 'shared_buffers = 64MB' 'max_wal_size = 256MB' 'min_wal_size = 32MB'
        else
                printf '%s\n' 'shared_buffers = 512MB' 'max_wal_size = 4GB' 'min_wal_size = 512MB'
        fi
}

# A test's server keeps what it has freed. Of tables with few rows and many partitions the planner thinks that they have a million, and the C library takes
# some dozens of MB for each such statement and gives them back after it: a third of what a test's server had of the kernel's time.
cluster_memory() {
        ((${ATM_CLUSTER_SMALL:-0})) || return 0
        export MALLOC_MMAP_THRESHOLD_=$((128 << 20)) MALLOC_TRIM_THRESHOLD_=$((128 << 20)) MALLOC_TOP_PAD_=$((64 << 10))
}

cluster_start() {
        local folder=$1
        if ! (close_inherited && cluster_memory && cluster_run "$(cluster_programs)/pg_ctl" -D "$folder/data" -l "$folder/log" -w \
                -t 60 start </dev/null >/dev/null 2>&1); then
                say "PostgreSQL did not start; its log $folder/log ends:"
                tail -n 15 "$folder/log" 2>/dev/null | sed 's/^/    /' >&2
                return 1
        fi
}

# The login of a person who uses atmctl, in the cluster of PGHOST: a member of the group that `atmctl db init` makes.
cluster_person() {
        cluster_ask -d postgres -c "CREATE ROLE $CLUSTER_PERSON LOGIN IN ROLE atm_operator CONNECTION LIMIT 10"
}

# Debian's psql is a script that looks for the newest server's, which takes longer than what is asked.
psql() {
        : "${PSQL:=$(cluster_programs)/psql}"
        if [[ -x $PSQL ]]; then
                "$PSQL" "$@"
        else
                command psql "$@"
        fi
}

# psql as the superuser, for statements that may not fail.
cluster_ask() {
        PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 "$@"
}

# cluster_stop FOLDER [fast|immediate]
cluster_stop() {
        local folder=$1
        [[ -e $folder/data/postmaster.pid ]] || return 0
        cluster_run "$(cluster_programs)/pg_ctl" -D "$folder/data" -m "${2:-fast}" -w -t 60 stop \
                </dev/null >/dev/null 2>&1
}

# Processes that were started for this folder and name it: initdb, pg_ctl, the server.
cluster_processes() {
        { grep -lszxF -- "$1/data" /proc/[0-9]*/cmdline || true; } | cut -d / -f 3
}

cluster_remove() {
        local folder=$1 pid attempt
        [[ -n $folder && -d $folder ]] || return 0
        cluster_stop "$folder" immediate || true
        # one that was broken off while it started is not known by its pid file
        for ((attempt = 0; attempt < 50; attempt++)); do
                for pid in $(cluster_processes "$folder"); do
                        kill -KILL "$pid" 2>/dev/null || true
                done
                rm -rf "$folder" 2>/dev/null && [[ -z $(cluster_processes "$folder") ]] && return 0
                sleep 0.1
        done
        say "can't remove $folder"
}
