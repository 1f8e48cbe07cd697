#!/usr/bin/env bash
# The tree obeys rooms.tsv; and what is not obedient is found: a small house with one fault at a time.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
house=$(mktemp -d)
trap 'rm -rf "$house"' EXIT

check() {
        perl "$here/rooms.pl" "$1"
}

check "$here/../.."

# put FILE [HEADER]...: a file that includes these
put() {
        local file=$house/$1 header
        shift
        mkdir -p "${file%/*}"
        : >"$file"
        for header; do
                printf '#include "%s"\n' "$header" >>"$file"
        done
}

build() {
        rm -rf "${house:?}"/*
        printf 'lib\t\tbase\nrules\tlib\tbusiness\ntools\trules\tprograms\n' >"$house/rooms.tsv"
        put lib/log.h
        put lib/log.c lib/log.h
        put rules/price.h lib/log.h
        put rules/price.c rules/price.h
        put tools/main.c rules/price.h lib/log.h
        put tests/test_price.c rules/price.h tests/world.h
        put tests/world.h tools/main.h
        put tools/main.h
}

build
check "$house"

# finds WORDS: after the fault the check fails and says so
finds() {
        local said
        if said=$(check "$house"); then
                echo "not found: $1"
                exit 1
        fi
        [[ $said == *"$1"* ]] || { echo "wanted '$1', found '$said'"; exit 1; }
        build
}

put lib/log.c rules/price.h
finds 'lib may not know rules'
put tools/main.c tests/world.h
finds 'tools may not know tests'
put rules/price.c price.h
finds 'headers are named by their whole path'
put tools/b.h tools/a.h
put tools/a.h
put tools/a.c tools/b.h
finds 'tools/a: in a circle with tools/b'
put rules/x.h rules/y.h
put rules/y.h
put rules/y.c rules/z.h
put rules/z.h rules/x.h
finds 'rules/x: in a circle with rules/y'
printf 'backoffice/audit\tlib\tproof\n' >>"$house/rooms.tsv"
put backoffice/audit/verify.c lib/log.h
check "$house"
printf '        fprintf(file, "%%d differences", count);\n' >>"$house/backoffice/audit/verify.c"
finds 'backoffice/audit/verify.c:2: fprintf: the back office answers'
printf 'backoffice/audit\tlib\tproof\nbackoffice/pages\tlib\twords\n' >>"$house/rooms.tsv"
# said TEXT: a file of the audit that says it
said() {
        put backoffice/audit/verify.c
        printf '%s\n' "$1" >>"$house/backoffice/audit/verify.c"
}
put backoffice/pages/text.c
printf 'const char *text = "the ATM dispensed %%d yen";\n' >>"$house/backoffice/pages/text.c"
said '/* no words in a row; "the ATM did this" */ snprintf(error, 10, "no more of that here");'
check "$house"
said '        tell("dispensed",
                "%d yen: that is "
                "too much");'
finds "backoffice/audit/verify.c:1: 'dispensed%d yen: that is too much'"
printf 'backoffice/books\tlib\tbooks\n' >>"$house/rooms.tsv"
put backoffice/books/fleet.c
printf 'const char *sql = "string_agg(name, %s、%s)";\n' "'" "'" >>"$house/backoffice/books/fleet.c"
finds "backoffice/books/fleet.c:1: 'string_agg(name, '、')'"
put daemon/main.c
finds 'daemon/main.c: stands in no room'
sed -i 's/^lib\t\t/lib\trules\t/' "$house/rooms.tsv"
finds 'lib knows rules, which no row above names'
