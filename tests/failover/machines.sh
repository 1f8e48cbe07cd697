# Machines of a network of their own, on this one: each has a name, an address, a disk, services, and namespaces for its network, mounts
# and processes, so that programs run in it with their production's paths, ports and configuration. To be sourced first.
#
#       network_enter "$@"              the script goes on in a network of its own, as "office" at 10.77.0.1; needs root
#       machine_make db1 10.77.0.11     a disk: /etc, /var and /run of its own, over what is installed here
#       machine_serves db1 etcd etcd 'set -a; . /etc/default/etcd; exec etcd'     a service, its user, what it runs
#       machine_on db1                  power: services start, and start again when they end, as systemd has them do
#       machine_run db1 command...
#       service_stop, service_start db1 etcd    a service that is a program of that name
#       machine_off, machine_freeze, machine_thaw, machine_cut, machine_join db1
#
# What a service prints is in DISK/log/SERVICE. Everything ends with the script.
# shellcheck shell=bash

source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
source "$ROOT/scripts/lib/build.sh"
source "$ROOT/scripts/lib/cluster.sh"

declare -A MACHINE_ADDRESS=() MACHINE_INIT=() MACHINE_OUTER=()
NETWORK=10.77.0
NETWORK_BRIDGE=lan

# The script once more, as process 1 of namespaces that go when it does; the first one clears up.
network_enter() {
        local status=0
        if [[ -n ${MACHINES:-} ]]; then
                network_make
                return
        fi
        ((EUID == 0)) || fail "machines are made of namespaces, which takes root: sudo $0"
        build_programs || exit 1
        cluster_for_tests
        MACHINES=$(mktemp -d "$CLUSTER_BASE/atm-machines.XXXXXX")
        chmod 755 "$MACHINES"
        export MACHINES
        trap 'kill -KILL "$inner" 2>/dev/null || true; wait "$inner" 2>/dev/null || true; machines_remove; exit 1' INT TERM HUP
        unshare --net --mount --uts --pid --fork --kill-child --mount-proc "$0" "$@" &
        inner=$!
        wait "$inner" || status=$?
        if ((status && ${ATM_TEST_KEEP:-0})); then
                say "kept: $MACHINES"
        else
                machines_remove
        fi
        exit "$status"
}

# Their last processes may still be ending.
machines_remove() {
        local attempt
        for ((attempt = 0; attempt < 100; attempt++)); do
                ! rm -rf "$MACHINES" 2>/dev/null || return 0
                sleep 0.1
        done
        say "can't remove $MACHINES"
}

network_make() {
        hostname office
        ip link set lo up
        ip link add "$NETWORK_BRIDGE" type bridge
        ip addr add "$NETWORK.1/24" dev "$NETWORK_BRIDGE"
        ip link set "$NETWORK_BRIDGE" up
        mkdir "$MACHINES/office"
        machine_etc "$MACHINES/office"
        echo "$NETWORK.1 office" >>/etc/hosts
}

# /etc of a machine's own, over this one's.
machine_etc() {
        mkdir -p "$1/etc" "$1/work"
        mount -t overlay -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/work" overlay /etc
}

# All machines are made before the first is on: they know each other by name.
machine_make() {
        local disk=$MACHINES/$1
        mkdir -p "$disk"/{services,stopped,log,var/lib/postgresql/15,var/lib/etcd,var/lib/atmd}
        chown postgres: "$disk"/var/lib/postgresql{,/15}
        ! id -u etcd >/dev/null 2>&1 || chown etcd: "$disk/var/lib/etcd"
        chmod 700 "$disk/var/lib/etcd"
        MACHINE_ADDRESS[$1]=$2
        echo "$2 $1" >>/etc/hosts
}

# machine_serves NAME SERVICE USER SHELL_COMMAND
machine_serves() {
        printf '#!/bin/sh\ncd / || exit\nexec setpriv --reuid=%s --regid=%s --init-groups -- sh -c %s\n' "$3" "$3" "$(quote "$4")" \
                >"$MACHINES/$1/services/$2"
        chmod 755 "$MACHINES/$1/services/$2"
}

# Memory that processes share goes with the machine; what it shares with the office may lie in the same place.
machine_memory() {
        mkdir /run/machines
        mount --bind "$MACHINES" /run/machines
        mount -t tmpfs -o mode=1777 tmpfs /dev/shm
        mkdir -p "$MACHINES"
        mount --move /run/machines "$MACHINES"
}

# Process 1 of a machine.
machine_init() {
        local name=$1 disk=$MACHINES/$1 service
        hostname "$name"
        mount -t tmpfs -o mode=755 tmpfs /run
        machine_memory
        machine_etc "$disk"
        install -d -o postgres -g postgres /run/postgresql
        mkdir /run/haproxy
        for service in postgresql etcd atmd; do
                mkdir -p "/var/lib/$service"
                mount --bind "$disk/var/lib/$service" "/var/lib/$service"
        done
        mount --bind "$BIN" /usr/local/bin
        mkdir -p /run/atm
        mount --bind "$ROOT" /run/atm
        ip link set lo up
        ip addr add "${MACHINE_ADDRESS[$name]}/24" dev eth0
        ip link set eth0 up
        echo on >"$disk/on"
        trap : TERM INT
        for service in "$disk"/services/*; do
                while :; do
                        [[ -e $disk/stopped/${service##*/} ]] || "$service" >>"$disk/log/${service##*/}" 2>&1 </dev/null || true
                        sleep 1
                done &
        done
        while :; do
                wait || true
                sleep 60 &
        done
}

machine_on() {
        local name=$1 port=$NETWORK_BRIDGE-$1
        await "the end of $name's former network" machine_has_no_port "$port"
        rm -f "$MACHINES/$name/on" "$MACHINES/$name/plugged"
        export ROOT BIN
        export -f machine_etc machine_memory machine_init
        unshare --net --mount --uts --ipc --pid --fork --kill-child --mount-proc bash -c '
                until [[ -e $MACHINES/$1/plugged ]]; do sleep 0.02; done
                declare -A MACHINE_ADDRESS=(["$1"]=$2)
                machine_init "$1"' machine "$name" "${MACHINE_ADDRESS[$name]}" </dev/null >>"$MACHINES/$name/log/init" 2>&1 &
        MACHINE_OUTER[$name]=$!
        await "$name's process 1" machine_has_init "$name"
        ip link add "$port" type veth peer name eth0 netns "${MACHINE_INIT[$name]}"
        ip link set "$port" master "$NETWORK_BRIDGE" up
        touch "$MACHINES/$name/plugged"
        await "$name to be on" test -s "$MACHINES/$name/on"
}

machine_has_no_port() { [[ ! -e /sys/class/net/$1 && -z $(ip -br link show "$1" 2>/dev/null) ]]; }

machine_has_init() {
        local pid
        pid=$(cat "/proc/${MACHINE_OUTER[$1]}/task/${MACHINE_OUTER[$1]}/children" 2>/dev/null) || return 1
        [[ -n $pid ]] || return 1
        MACHINE_INIT[$1]=${pid%% *}
}

# machine_run NAME command...
machine_run() {
        nsenter --target "${MACHINE_INIT[$1]}" --net --mount --uts --ipc --pid -- "${@:2}"
}

# machine_signal NAME SIGNAL PROGRAM: to each of its processes that are there still.
machine_signal() {
        # shellcheck disable=SC2016 # the inner shell expands
        machine_run "$1" bash -c 'for pid in $(pgrep -x "$2"); do kill "-$1" "$pid" 2>/dev/null || true; done' signal "$2" "$3"
}

service_stop() {
        touch "$MACHINES/$1/stopped/$2"
        machine_signal "$1" TERM "$2"
        await "the end of $2 on $1" service_has_ended "$1" "$2"
}

service_has_ended() { ! machine_run "$1" pgrep -x "$2" >/dev/null; }

service_start() {
        rm "$MACHINES/$1/stopped/$2"
}

machine_off() {
        kill -KILL "${MACHINE_INIT[$1]}"
        wait "${MACHINE_OUTER[$1]}" 2>/dev/null || true
}

# All of its processes; twice, for what was being started meanwhile. Its kernel goes on answering, as a machine's does whose programs hang.
machine_freeze() {
        machine_run "$1" bash -c 'kill -STOP -1; kill -STOP -1'
}

machine_thaw() {
        machine_run "$1" bash -c 'kill -CONT -1'
}

machine_cut() {
        ip link set "$NETWORK_BRIDGE-$1" down
}

machine_join() {
        ip link set "$NETWORK_BRIDGE-$1" up
}
