# Packages of npm that a test needs, in the versions that a package-lock.json pins. To be sourced after common.sh.
#
# They are fetched once and kept, under the digest of what pins them:
#
#       build/npm/DIGEST/node_modules
#
# The lock names no registry, so that npm asks whichever it is set up for; it has their hashes.
# shellcheck shell=bash disable=SC2034

# npm_packages FOLDER: sets NODE_MODULES to where the packages of FOLDER/package-lock.json are.
npm_packages() {
        local folder new
        folder=$ROOT/build/npm/$(cat "$1/package.json" "$1/package-lock.json" | sha256sum | cut -c 1-16)
        NODE_MODULES=$folder/node_modules
        [[ ! -d $NODE_MODULES ]] || return 0
        mkdir -p "$ROOT/build/npm"
        new=$(mktemp -d "$ROOT/build/npm/new.XXXXXX")
        cp "$1/package.json" "$1/package-lock.json" "$new/"
        if ! run_quietly "npm ci" env -C "$new" npm ci --ignore-scripts --no-audit --no-fund; then
                rm -rf "$new"
                fail "the packages of ${1#"$ROOT/"}/package-lock.json could not be fetched"
        fi
        # somebody else may have done the same meanwhile
        mv -T "$new" "$folder" 2>/dev/null || rm -rf "$new"
}
