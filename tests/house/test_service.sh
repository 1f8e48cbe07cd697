#!/usr/bin/env bash
# What the systemd units name (programs, configuration, documents) a command of docs/operations.md puts there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Where each 'install' puts its files: a path a line.
installed() {
        local -a words
        local i to word
        while read -r -a words; do
                to=${words[-1]}
                for i in "${!words[@]}"; do
                        [[ ${words[i]} != -t ]] || to=${words[i + 1]}
                done
                echo "$to"
                for word in "${words[@]}"; do
                        echo "${to%/}/${word##*/}"
                done
        done < <(grep -E '^ +install ' "$root/docs/operations.md")
}

there=$(installed)
for unit in "$root"/etc/systemd/*; do
        named=$(grep -E '^(Exec|Documentation)' "$unit" | grep -Eo '/(usr|etc)/[A-Za-z0-9_./-]+' | sort -u)
        [[ -n $named ]] || { echo "${unit##*/} was not understood"; exit 1; }
        for path in $named "/etc/systemd/system/${unit##*/}"; do
                grep -Fxq "$path" <<<"$there" || { echo "${unit##*/} needs $path, which no 'install' of docs/operations.md puts there"; exit 1; }
        done
done

# An instance whose loop stands is started anew: it says so itself, and who says nothing is ended.
unit=$root/etc/systemd/atmd.service
for line in '^Type=notify$' '^WatchdogSec=[0-9]+$' '^Restart=(on-failure|always)$'; do
        grep -Eq "$line" "$unit" || { echo "atmd.service lacks $line"; exit 1; }
done

# As many may wait at the socket unit's as at atmd's own.
backlog=$(sed -n 's/^ *LIMIT_BACKLOG = \([0-9]*\),.*/\1/p' "$root/config/limits.h")
grep -Fxq "Backlog=$backlog" "$root/etc/systemd/atmd.socket" || { echo "atmd.socket: expected Backlog=$backlog (LIMIT_BACKLOG)"; exit 1; }
# It has a place for what it must not forget when it is started anew.
grep -Eq '^StateDirectory=atmd$' "$unit" || { echo "atmd.service lacks StateDirectory=atmd"; exit 1; }

# No flood of one kind of line makes the journal drop another: atmd has a limit for each.
grep -Eq '^LogRateLimitIntervalSec=0$' "$unit" || { echo "atmd.service leaves it to the journal which lines it drops"; exit 1; }

# It speaks with nobody but those who are listed; the socket unit has the same list.
for line in '^IPAddressDeny=any$' '^IPAddressAllow=[^ ]'; do
        grep -Eq "$line" "$unit" || { echo "atmd.service lacks $line"; exit 1; }
done
diff <(grep ^IPAddress "$unit") <(grep ^IPAddress "$root/etc/systemd/atmd.socket") || { echo "atmd.socket lets in others than atmd.service"; exit 1; }
