# Installs the Debian packages of packages.tsv that are missing. To be sourced after common.sh.
#
# Nothing happens where all are there: no update, no sudo. sudo is used for apt alone and only when not
# root. Debian's PostgreSQL package would create and start a cluster of its own: a drop-in tells it not to
# while it is being installed and is removed again afterwards.
# shellcheck shell=bash

PACKAGE_TABLE=$ROOT/scripts/lib/packages.tsv
CLUSTER_DROP_IN=/etc/postgresql-common/createcluster.d/atm-network.conf

# The packages that the groups given need and that are not installed.
packages_missing() {
        local package group wanted=" $* "
        local -a all=()
        while IFS=$'\t' read -r package group _; do
                [[ $package == \#* || $wanted != *" $group "* ]] || all+=("$package")
        done <"$PACKAGE_TABLE"
        LC_ALL=C dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${all[@]}" 2>/dev/null |
                awk -v all="${all[*]}" '$2 == "installed" { have[$1] = 1 }
                        END { n = split(all, p, " "); for (i = 1; i <= n; i++) if (!(p[i] in have)) print p[i] }'
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
        if ! command -v dpkg-query >/dev/null; then
                say "no dpkg here: what the table scripts/lib/packages.tsv names must be installed by hand"
                return 0
        fi
        list=$(packages_missing "$@") || true
        [[ -n $list ]] || return 0
        mapfile -t missing <<<"$list"
        if ((EUID != 0)) && ! command -v sudo >/dev/null; then
                fail "missing packages and no sudo to install them: as root, run apt-get install ${missing[*]}"
        fi
        say "installing ${missing[*]}"
        apt_get update || return 1
        as_root mkdir -p "${CLUSTER_DROP_IN%/*}"
        echo 'create_main_cluster = false' | as_root tee "$CLUSTER_DROP_IN" >/dev/null
        apt_get install --no-install-recommends "${missing[@]}" || status=1
        as_root rm -f "$CLUSTER_DROP_IN"
        return "$status"
}
