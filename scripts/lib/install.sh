# Installs the Debian packages of packages.tsv whose contents are missing. To be sourced after common.sh.
#
# Nothing happens where all are there: no update, no sudo. sudo is used for apt alone and only when not
# root. Debian's PostgreSQL package would create and start a cluster of its own: a drop-in tells it not to
# while it is being installed and is removed again afterwards. Nothing else is started either, now or at the
# next boot: what tests need of a server, they start themselves.
# shellcheck shell=bash

PACKAGE_TABLE=$ROOT/scripts/lib/packages.tsv
CLUSTER_DROP_IN=/etc/postgresql-common/createcluster.d/atm-network.conf
SERVICE_POLICY=/usr/sbin/policy-rc.d # Debian's: may a service be started?
declare -A SERVICE_OF=([etcd-server]=etcd [patroni]=patroni [haproxy]=haproxy)

# The packages that the groups given need and that are not there.
packages_missing() {
        local package group probe wanted=" $* "
        while IFS=$'\t' read -r package group probe _; do
                if [[ $package != \#* && $wanted == *" $group "* ]] && ! is_there "$probe"; then
                        printf '%s\n' "$package"
                fi
        done <"$PACKAGE_TABLE"
}

# By what it brings, not by the package's name: a person may have installed it from elsewhere.
is_there() {
        if [[ $1 == /* ]]; then
                compgen -G "$1" >/dev/null
        else
                command -v "$1" >/dev/null
        fi
}

as_root() {
        if ((EUID == 0)); then
                "$@"
        elif [[ -t 0 ]]; then
                sudo "$@"
        else
                sudo -n "$@"
        fi
}

# apt-get that asks nothing and waits for whoever holds the lock. (DPkg::Lock::Timeout does not cover the
# lists, which only update locks.)
apt_get() {
        local output attempt
        for attempt in {1..60}; do
                output=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
                        -o Dpkg::Use-Pty=0 "$@" 2>&1) && return 0
                [[ $output == *"Could not get lock"* || $output == *"Unable to lock"* ]] || break
                ((attempt > 1)) || say "another program is using apt; waiting for it"
                sleep 5
        done
        say "apt-get $1 failed:"
        tail -n 20 <<<"$output" | sed 's/^/    /' >&2
        return 1
}

install_packages() {
        local list status=0
        local -a missing
        list=$(packages_missing "$@")
        [[ -n $list ]] || return 0
        mapfile -t missing <<<"$list"
        command -v apt-get >/dev/null || fail "missing, and no apt-get to install it: ${missing[*]}"
        if ((EUID != 0)) && ! command -v sudo >/dev/null; then
                fail "missing packages and no sudo to install them: as root, run apt-get install ${missing[*]}"
        fi
        say "installing ${missing[*]}"
        apt_get update || return 1
        services_hold
        apt_get install --no-install-recommends "${missing[@]}" || status=1
        services_release "${missing[@]}"
        return "$status"
}

services_hold() {
        as_root mkdir -p "${CLUSTER_DROP_IN%/*}"
        echo 'create_main_cluster = false' | as_root tee "$CLUSTER_DROP_IN" >/dev/null
        POLICY_IS_OURS=0
        if [[ ! -e $SERVICE_POLICY ]]; then
                POLICY_IS_OURS=1
                printf '%s\n' '#!/bin/sh' 'exit 101' | as_root tee "$SERVICE_POLICY" >/dev/null
                as_root chmod 755 "$SERVICE_POLICY"
        fi
}

# services_release PACKAGE...
services_release() {
        local package
        ((!POLICY_IS_OURS)) || as_root rm -f "$SERVICE_POLICY"
        as_root rm -f "$CLUSTER_DROP_IN"
        for package; do
                [[ -z ${SERVICE_OF[$package]:-} ]] || as_root update-rc.d "${SERVICE_OF[$package]}" disable >/dev/null 2>&1 || true
        done
}
