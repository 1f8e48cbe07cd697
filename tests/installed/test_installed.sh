#!/usr/bin/env bash
# The steps of docs/operations.md on a machine that has nothing: a bare Debian 12 boots a real systemd in a virtual machine, and the commands that
# are marked there are run as they stand (```sh packages and ```sh build while its disk is made, ```sh machine on it). Then it shows what was promised
# (machine.sh): PostgreSQL, READY, reload, a crash, a loop that stands, stopping; an ATM outside of it withdraws.
#
# No KVM is needed: qemu translates, and a machine is up within a minute. ATM_INSTALLED_DISK=FOLDER keeps the bare Debian for the next time,
# ATM_TEST_KEEP=1 keeps $WORK after a failure.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
source "$ROOT/scripts/lib/build.sh"
source "$ROOT/scripts/lib/lab_processes.sh" # ports_find

HERE=$ROOT/tests/installed
DOCUMENT=$ROOT/docs/operations.md
PATIENCE_S=3600 # of the whole machine's life; only one that hangs takes so long
RELEASE=bookworm
WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/atm-installed.XXXXXX")
HELD='' PORT='' SUCCEEDED=0

installed_end() {
        trap '' INT TERM HUP PIPE
        set +e
        [[ -z $HELD ]] || kill -KILL "$HELD" 2>/dev/null
        wait 2>/dev/null # which would tell of the killing
        if ((!SUCCEEDED)); then
                say "the machine's console ends:"
                tail -n 15 "$WORK/console" 2>/dev/null | sed 's/^/    /' >&2
                say "what was done on it ends:"
                tail -n 40 "$WORK/told" 2>/dev/null | sed 's/^/    /' >&2
        fi
        if ((!SUCCEEDED && ${ATM_TEST_KEEP:-0})); then
                say "kept: $WORK"
        else
                rm -rf "$WORK"
        fi
        ((SUCCEEDED)) && exit 0
        exit 1
}
trap installed_end EXIT
trap 'exit 1' INT TERM HUP

wrong() {
        say "$*"
        exit 1
}

# steps KIND: the commands of the document that are marked so.
steps() {
        awk -v kind="$1" '/^ *```/ { on = $1 == "```sh" && $2 == kind; next } on' "$DOCUMENT" | sed 's/^   //'
}

# held COMMAND...: with all that it starts and mounts it goes when it ends, or this test does
held() {
        unshare --mount --pid --fork --kill-child --mount-proc "$@" &
        HELD=$!
        wait "$HELD" || return 1
        HELD=''
}

# the disk ------------------------------------------------------------------------------------------------------

# Debian with what a machine has that somebody has just installed: kernel, systemd, a network.
bare_debian() {
        local kept=${ATM_INSTALLED_DISK:-$WORK}/debian-$RELEASE.tar
        if [[ ! -s $kept ]]; then
                held mmdebstrap --format=tar --variant=minbase --include=systemd-sysv,linux-image-cloud-amd64 --dpkgopt=force-unsafe-io "$RELEASE" \
                        "$kept.new" >"$WORK/debian.log" 2>&1 || return 1
                mv "$kept.new" "$kept"
        fi
        mkdir "$WORK/root"
        tar -C "$WORK/root" -xf "$kept"
}

# As on the new machine, before it is switched on: services don't start in a folder.
in_folder() {
        printf '#!/bin/sh\nexit 101\n' >"$WORK/root/usr/sbin/policy-rc.d"
        chmod 755 "$WORK/root/usr/sbin/policy-rc.d"
        cp /etc/resolv.conf "$WORK/root/etc/resolv.conf"
        { printf 'set -ex\nexport DEBIAN_FRONTEND=noninteractive\napt-get update\n' && steps packages; } >"$WORK/root/root/packages.sh"
        # shellcheck disable=SC2016 # the inner shell expands
        held bash -c 'mount -t proc proc "$1/proc" && exec env -i PATH="$PATH" chroot "$1" bash /root/packages.sh' packages "$WORK/root" \
                >"$WORK/packages.log" 2>&1 || return 1
        rm "$WORK/root/usr/sbin/policy-rc.d"
}

built_into() {
        { printf 'set -ex\ncd %q\n' "$ROOT" && steps build; } >"$WORK/build.sh"
        held env DESTDIR="$WORK/root" bash "$WORK/build.sh" >"$WORK/build.log" 2>&1
}

arranged() {
        local root=$WORK/root
        printf '[Match]\nName=e*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/any.network"
        ln -sf /lib/systemd/system/systemd-networkd.service "$root/etc/systemd/system/multi-user.target.wants/"
        echo machine >"$root/etc/hostname"
        printf '127.0.0.1 localhost\n127.0.1.1 machine\n' >"$root/etc/hosts"
        echo '/dev/vda / ext4 rw 0 1' >"$root/etc/fstab"
        rm -f "$root"/var/cache/apt/archives/*.deb
        install -m 755 "$HERE/machine.sh" "$root/root/machine.sh"
        { printf 'set -ex\n' && steps machine; } >"$root/root/steps.sh"
        cat >"$root/etc/systemd/system/steps.service" <<UNIT
[Unit]
After=multi-user.target postgresql.service
[Service]
Type=exec
Environment=HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WorkingDirectory=/root
ExecStart=/root/machine.sh
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
ExecStopPost=/bin/systemctl poweroff --no-block
UNIT
        # not of multi-user.target: the machine is up before anything is done on it
        mkdir -p "$root/etc/systemd/system/timers.target.wants"
        printf '[Timer]\nOnBootSec=1\n' >"$root/etc/systemd/system/steps.timer"
        ln -sf /etc/systemd/system/steps.timer "$root/etc/systemd/system/timers.target.wants/"
        mke2fs -q -t ext4 -d "$root" "$WORK/disk" 3G >/dev/null
        cp "$root"/boot/vmlinuz-* "$WORK/kernel"
        cp "$root"/boot/initrd.img-* "$WORK/initrd"
        rm -rf "$root"
}

# the machine ---------------------------------------------------------------------------------------------------

switched_on() {
        ports_find 1
        PORT=$FOUND_PORT
        : >"$WORK/told"
        qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 1024 -display none -no-reboot \
                -kernel "$WORK/kernel" -initrd "$WORK/initrd" -append 'root=/dev/vda rw console=ttyS0 panic=-1' \
                -drive file="$WORK/disk",format=raw,if=virtio,cache=unsafe \
                -netdev user,id=net,hostfwd=tcp:127.0.0.1:"$PORT"-:7583 -device virtio-net-pci,netdev=net -device virtio-rng-pci \
                -serial file:"$WORK/console" -serial file:"$WORK/told" >"$WORK/qemu.log" 2>&1 </dev/null &
        HELD=$!
}

told() {
        tr -d '\r' <"$WORK/told"
}

# until_told TEXT: the machine has said that line
until_told() {
        until grep -qx "$1" <(told); do
                kill -0 "$HELD" 2>/dev/null || wrong "the machine is off, and has not said '$1': $(cat "$WORK/qemu.log")"
                ((SECONDS < PATIENCE_S)) || wrong "the machine does not say '$1'"
                sleep 1
        done
}

# The ATM stands outside: it has its certificate, the authority's, and a customer's card.
atm_withdraws() {
        mkdir "$WORK/atm"
        told | sed -n '/^-----BEGIN ATM-----$/,/^-----END ATM-----$/p' | grep -v -- ----- | base64 -d | tar -C "$WORK/atm" -xz
        (umask 077 && openssl rand -hex 32 >"$WORK/atm/token.key") # of its journal's tokens
        (cd "$WORK/atm" && "$BIN/atmsim" run --closed --withdrawals 3 --seed 1 --amount-yen 3000 --acquirer 99000001 \
                --host 127.0.0.1 --ports "$PORT" --ca ca.crt --certs . --terminals terminals.csv --cards cards.csv \
                --token-key-file token.key --journal journal \
                --answer-timeout-ms 60000 --connect-timeout-ms 60000 --start-seconds 300) >"$WORK/atm.log" 2>&1 ||
                wrong "the ATM outside: $(cat "$WORK/atm.log")"
}

((EUID == 0)) || wrong "a disk is made by mounting and chroot, which takes root: sudo $0"
for program in mmdebstrap qemu-system-x86_64 mke2fs; do
        command -v "$program" >/dev/null || wrong "$program is missing: scripts/test --only installed installs it"
done
build_programs
for kind in packages build machine; do
        [[ -n $(steps "$kind") ]] || wrong "$DOCUMENT has no steps marked '$kind'"
done
bare_debian || wrong "no bare Debian: $(tail -n 20 "$WORK/debian.log")"
in_folder || wrong "the step of packages: $(tail -n 20 "$WORK/packages.log")"
built_into || wrong "the step of programs: $(tail -n 20 "$WORK/build.log")"
arranged
switched_on
until_told "ATM EXPECTED"
atm_withdraws
until_told "ALL DONE"
told | grep '^shown: ' >&2
SUCCEEDED=1
say "passed"
