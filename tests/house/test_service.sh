#!/usr/bin/env bash
# test_service.sh BUILD: what `cmake --install` puts where, and the units among it: what they name (programs, documents) is there, systemd
# understands them, and takes from the processes all that they don't need.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$1
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
wrong() {
        echo "$*"
        exit 1
}

DESTDIR=$there cmake --install "$build" --prefix /usr >/dev/null
units=$there/usr/lib/systemd/system

# Every kind of file, and nothing elsewhere.
while read -r mode path; do
        [[ $(stat -c %a "$there/usr/$path" 2>/dev/null) == "$mode" ]] || wrong "/usr/$path is not installed, or not with mode $mode"
done <<LIST
755 bin/atmd
755 bin/atmkeyd
755 bin/atmctl
755 bin/atmsim
755 bin/banksim
644 lib/atm/libatm_documents.so
644 lib/systemd/system/atmd.service
644 lib/systemd/system/atmd.socket
644 lib/systemd/system/atmkeyd.service
644 lib/systemd/system/atm-partitions.service
644 lib/systemd/system/atm-partitions.timer
644 lib/sysusers.d/atmd.conf
644 lib/tmpfiles.d/atmd.conf
644 share/bash-completion/completions/atmctl
644 share/zsh/site-functions/_atmctl
644 share/man/man1/atmctl.1
644 share/man/man1/atmsim.1
644 share/man/man1/banksim.1
644 share/man/man8/atmd.8
644 share/man/man8/atmkeyd.8
644 share/atmd/atmd.conf
644 share/atmd/atmkeyd.options
644 share/atmd/sql/$(basename "$root"/sql/000_*.sql)
644 share/atmd/dialects/BANKA.dialect
644 share/doc/atmd/operations.md
644 share/doc/atmd/examples/areas.csv
644 share/doc/atmd/examples/haproxy/haproxy.cfg
LIST
[[ $(ls "$there") == usr ]] || wrong "files outside of /usr: $(ls "$there")"
diff -r "$root/sql" "$there/usr/share/atmd/sql" || wrong "not all of sql/ is installed as it is"
! grep -rlE "$root|$there" "$there/usr/lib/systemd" "$there/usr/share/atmd" || wrong "names a folder of this machine"

# Below another prefix they name programs of that one.
DESTDIR=$there/other cmake --install "$build" --prefix /opt/atm >/dev/null
grep -q '^ExecStart=/opt/atm/bin/atmd ' "$there/other/opt/atm/lib/systemd/system/atmd.service" || wrong "with another prefix the unit names another program"

# Debian's packages of the libraries are in the document's list.
packages=$(awk '/^ *```/ { on = $1 == "```sh" && $2 == "packages"; next } on' "$root/docs/operations.md")
while read -r library; do
        file=$(ldconfig -p | awk -v name="$library" '$1 == name && !n++ { print $NF }')
        package=$({ dpkg -S "$(realpath "$file")" || dpkg -S "$file"; } 2>/dev/null | sed -n '1s/:.*//p')
        [[ $package == libc6 || -z $package || " $(xargs <<<"$packages") " == *" $package "* ]] || wrong "docs/operations.md does not install $package ($library)"
done < <(readelf -d "$there"/usr/bin/* "$there"/usr/lib/atm/* | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u)

# It starts from there.
"$there/usr/bin/atmctl" --version >/dev/null || wrong "atmctl does not run as it is installed"

# What documents lead to lies beside them.
for document in "$there"/usr/share/doc/atmd/*.md; do
        while read -r path; do
                [[ -e ${document%/*}/$path ]] || wrong "${document##*/} leads to $path, which is not installed"
        done < <(grep -oE '\]\([^)#:]+' "$document" | cut -c3- | sort -u)
done

for unit in "$units"/*; do
        named=$(grep -E '^(Exec|Documentation)' "$unit" | grep -Eo '/usr/[A-Za-z0-9_./-]+' | sort -u)
        [[ -n $named ]] || wrong "${unit##*/} was not understood"
        for path in $named; do
                [[ -e $there$path ]] || wrong "${unit##*/} needs $path, which is not installed"
        done
        # and of others' programs the shell alone: a minimal Debian has no kill
        while read -r program; do
                [[ $program == /usr/bin/atm* || $program == /bin/sh ]] || wrong "${unit##*/} starts $program, which a new machine may lack"
        done < <(sed -nE 's/^Exec[A-Za-z]+=([^ ]+).*/\1/p' "$unit")
done

# What systemd says of them; it looks for the programs where they will be. (Units of the system it has only where it is installed.)
for name in atmd.service atmd.socket atmkeyd.service atm-partitions.service atm-partitions.timer; do
        sed -E "s|=/usr/bin/atm|=$there/usr/bin/atm|" "$units/$name" >"$there/$name"
done
said=$(cd "$there" && SYSTEMD_UNIT_PATH=$there: systemd-analyze verify --man=no --recursive-errors=no ./*.service ./*.socket ./*.timer 2>&1) || wrong "systemd-analyze verify: $said"
[[ -z $said ]] || wrong "systemd-analyze verify: $said"
for name in atmd.service atmkeyd.service atm-partitions.service; do
        said=$(systemd-analyze security --offline=true --no-pager --threshold=12 "$units/$name" 2>&1) ||
                wrong "$name leaves to the process what it does not need: $(grep -E '^✗|^→' <<<"$said")"
done

# An instance whose loop stands is started anew: it says so itself, and who says nothing is ended.
unit=$units/atmd.service
for line in '^Type=notify$' '^WatchdogSec=[0-9]+$' '^Restart=(on-failure|always)$'; do
        grep -Eq "$line" "$unit" || wrong "atmd.service lacks $line"
done

# As many may wait at the socket unit's as at atmd's own.
backlog=$(sed -n 's/^ *LIMIT_BACKLOG = \([0-9]*\),.*/\1/p' "$root/config/limits.h")
grep -Fxq "Backlog=$backlog" "$units/atmd.socket" || wrong "atmd.socket: expected Backlog=$backlog (LIMIT_BACKLOG)"
# It has a place for what it must not forget when it is started anew.
grep -Eq '^StateDirectory=atmd$' "$unit" || wrong "atmd.service lacks StateDirectory=atmd"

# No flood of one kind of line makes the journal drop another: atmd has a limit for each.
grep -Eq '^LogRateLimitIntervalSec=0$' "$unit" || wrong "atmd.service leaves it to the journal which lines it drops"

# It speaks with nobody but those who are listed; the socket unit has the same list.
for line in '^IPAddressDeny=any$' '^IPAddressAllow=[^ ]'; do
        grep -Eq "$line" "$unit" || wrong "atmd.service lacks $line"
done
diff <(grep ^IPAddress "$unit") <(grep ^IPAddress "$units/atmd.socket") || wrong "atmd.socket lets in others than atmd.service"
