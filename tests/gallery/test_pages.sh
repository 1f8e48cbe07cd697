#!/usr/bin/env bash
# The gallery's results pages and finance's terminals (docs/gallery.md) are what the programs print of a small history: five ATMs of
# the scenario. What the desks see is compared by tests/flow/test_three_way.sh.
source "$(dirname "${BASH_SOURCE[0]}")/../flow/lib.sh"

flow_lab lab --atms 4 --cards 50 --history "$ROOT/etc/scenarios/fy2015-fy2016" --scale 0.005
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
export SOURCE_DATE_EPOCH=1484870400 ATM_PUBLISHER='ATM operation business'

# A page's source without its drawings, of which titles stay: their lines are those of letters, as this machine's fonts have them.
without_drawings() {
        perl -0pe 's{(<svg[^>]*>\s*<title>.*?</title>).*?</svg>}{$1</svg>}gs'
}

for lang in en ja; do
        page=(atmctl report results --quarter 3Q16 --lang "$lang")
        "${page[@]}" --output "$WORK/results.$lang.html"
        "${page[@]}" --output "$WORK/results.$lang.pdf"
        gallery_page results.$lang.html without_drawings <"$WORK/results.$lang.html"
        [[ $(head -c 5 "$WORK/results.$lang.pdf") == %PDF- ]] || wrong "no PDF"
        [[ -z ${ATM_GALLERY_PAGES:-} ]] || cp "$WORK/results.$lang".{html,pdf} "$ATM_GALLERY_PAGES/"
done
gallery_terminal 'atmctl report revenue --fy 2016 --by area,quarter'
gallery_terminal "atmctl period close 3Q16 --note 'agreed by finance'"
passed
