#!/usr/bin/env bash
# tests/vectors/run.sh: the npm package iso_8583, fetched from its registry, still writes the vectors that are committed.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
source "$ROOT/scripts/lib/npm.sh"

npm_packages "$ROOT/tests/vectors"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy"/{tests/vectors,etc}
cp -r "$ROOT/etc/dialects" "$copy/etc/"
cp "$ROOT"/tests/vectors/{make-vectors,messages.json} "$copy/tests/vectors/"
NODE_PATH=$NODE_MODULES "$copy/tests/vectors/make-vectors"
diff "$ROOT/tests/vectors/iso_8583.vectors" "$copy/tests/vectors/iso_8583.vectors"
