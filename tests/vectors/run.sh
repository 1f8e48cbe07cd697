#!/usr/bin/env bash
# tests/vectors/run.sh: the npm package iso_8583, fetched from its registry, still writes the vectors that are committed.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy"/{tests/vectors,etc}
cp -r "$ROOT/etc/dialects" "$copy/etc/"
cp "$ROOT"/tests/vectors/{make-vectors,messages.json,package.json,package-lock.json} "$copy/tests/vectors/"
cd "$copy/tests/vectors"
npm ci --no-audit --no-fund
./make-vectors
diff "$ROOT/tests/vectors/iso_8583.vectors" iso_8583.vectors
