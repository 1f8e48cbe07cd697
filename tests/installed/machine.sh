#!/usr/bin/env bash
# On the machine: the steps of docs/operations.md (steps.sh), then what they promise. It speaks with test_installed.sh by lines.
set -euo pipefail
trap 'echo "FAILED in line $LINENO"; journalctl -u atmd -u atmd.socket --no-pager -n 30; systemctl --failed --no-pager' ERR

shown() {
        echo "shown: $*"
}

# await WHAT command...
await() {
        local what=$1 i
        shift
        for ((i = 0; i < 600; i++)); do
                ! "$@" >/dev/null 2>&1 || { shown "$what"; return 0; }
                sleep 1
        done
        echo "not in ten minutes: $what"
        return 1
}

pid_of() {
        systemctl show -p MainPID --value atmd
}

# Another process than that one, and it serves.
serves_anew() {
        [[ $(systemctl is-active atmd) == active && $(pid_of) != "$1" && $(pid_of) != 0 ]]
}

logged() {
        [[ $(journalctl -u atmd --no-pager) == *"$1"* ]]
}

withdrawn() {
        (($(atmctl withdrawal list --terminal T0000001 --state completed --format csv | wc -l) > 3))
}

await "PostgreSQL serves" runuser -u postgres -- psql -c 'SELECT 1'
bash /root/steps.sh 2>&1 | cat # no terminal: nothing is paged
shown "every step"
export PGDATABASE=atm

[[ $(systemctl is-active atmd) == active ]]
[[ $(systemctl show -p StatusText --value atmd) == "serving ATMs"* ]]
shown "READY"
atmctl setup | tee /root/again
[[ $(grep -cE 'to do|in the way' /root/again) == 0 ]]
shown "setup once more: nothing to do"
systemctl is-active atm-partitions.timer
[[ $(systemctl show -p Result --value atm-partitions.service) == success ]]
shown "the timer's service"

systemctl reload atmd
await "reload" logged event=reloaded

pid=$(pid_of)
kill -SEGV "$pid"
await "started again after a crash" serves_anew "$pid"
pid=$(pid_of)
kill -STOP "$pid"
await "a loop that stands is ended by the watchdog" serves_anew "$pid"
logged "Watchdog timeout"

# whatever time of the day it is
sed -E '2,$s/[^,]*,[^,]*$/00:00,24:00/' /usr/share/doc/atmd/examples/hours.csv >/root/hours.csv
atmctl hours import /root/hours.csv
# its certificate, as docs/operations.md had it made, and a card
mkdir /root/atm
cp /root/atm-certificates/T0000001.* /etc/atmd/pki/ca.crt /root/cards.csv /root/atm
grep -E '^terminal|^T0000001' /usr/share/doc/atmd/examples/atms.csv >/root/atm/terminals.csv
echo "-----BEGIN ATM-----"
tar -C /root/atm -cz . | base64
echo "-----END ATM-----"
echo "ATM EXPECTED"
await "an ATM outside withdraws" withdrawn

systemctl stop atmd.socket atmd
[[ $(systemctl show -p Result --value atmd) == success && $(systemctl show -p ExecMainStatus --value atmd) == 0 ]]
logged event=stopping
logged event=stopped
shown "stop"
atmctl verify
shown "the books are proved"
echo "ALL DONE"
