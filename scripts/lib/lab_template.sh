# The part of a laboratory's database that others have too, kept as a cluster to be copied. To be sourced after cluster.sh and
# lab_files.sh; LAB_... and the options of `up` are as there.
#
# To migrate an empty database and to import the example fleet's reference data (reference_make) is more than half of the work of an
# `up`, and comes to the same for all laboratories of the same options: the first one does it and keeps a copy of its cluster;
# others begin with that. What is in no template: the clock, ATMs, cards, certificates, keys.
#
#       BUILD/lab-template/DIGEST.VARIANT/data
#
# DIGEST is of all that makes it: the server's version and user, atmctl with its SQL, the files that are imported, the scripts that
# do it. So nobody asks for one that is out of date, and it goes when the next one is made. A template is under its name when it is
# whole, and nobody writes in it from then on; one that goes while it is copied is a copy that fails, and a laboratory that makes
# its database by itself.
# shellcheck shell=bash disable=SC2034

TEMPLATE_YEARS_AHEAD=9 # partitions are made up to ten years after the database's clock, which in a template is the real one

template_digest() {
        {
                printf '%s\n' "$EUID"
                "$(cluster_programs)/postgres" --version
                (cd "$LAB_BIN" && sha256sum atmctl)
                (cd "$ROOT" && sha256sum scripts/lib/{cluster,lab_make,lab_template}.sh etc/*.csv etc/banks/*.csv)
        } | sha256sum | cut -c 1-16
}

# Sets TEMPLATE to the template for this laboratory, be it there or not, and TEMPLATE_DAY to a day by which its partitions are
# made; they go by months. An empty TEMPLATE: this one shares with no other.
template_choose() {
        local folder=${LAB_BIN%/bin}
        TEMPLATE=''
        TEMPLATE_DAY=$(TZ=JST-9 date -d "@$((LAB_START_MS / 1000))" +%Y-%m-01)
        [[ -z $HISTORY && -w $folder ]] || return 0
        ((10#${TEMPLATE_DAY%%-*} <= $(TZ=JST-9 date +%Y) + TEMPLATE_YEARS_AHEAD)) || return 0
        TEMPLATE=$folder/lab-template/$(template_digest).${TEMPLATE_DAY%-*}-$LAB_BANKS-$HOURS$(cluster_kind)
}

# The laboratory's cluster, started, with what the template has. Where there is no template there is no cluster then; nor where
# it went meanwhile or is broken, and it isn't there afterwards either.
template_start() {
        [[ -n $TEMPLATE && -d $TEMPLATE ]] || return 1
        ! { cluster_make "$LAB_CLUSTER" "$TEMPLATE" && cluster_start "$LAB_CLUSTER"; } 2>/dev/null || return 0
        say "$TEMPLATE is of no use"
        template_remove "$TEMPLATE"
        rm -rf "${LAB_CLUSTER:?}"/*
        return 1
}

# Under another name first, so that nobody copies half of it.
template_remove() {
        local name
        name=$(mktemp -u "${1%/*}/new.XXXXXX")
        ! mv -T "$1" "$name" 2>/dev/null || rm -rf "$name"
}

# Keeps what reference_make has made in this laboratory's cluster, and clears away what is out of date, or was left by whoever was killed
# here. It matters to no laboratory when that fails.
template_keep() {
        local folder=${TEMPLATE%/*} digest other
        digest=$(template_digest)
        [[ $TEMPLATE == "$folder/$digest".* ]] || return 0 # built anew meanwhile
        cluster_stop "$LAB_CLUSTER"
        mkdir -p "$folder" && cluster_keep "$LAB_CLUSTER" "$TEMPLATE" || say "no template was made"
        cluster_start "$LAB_CLUSTER"
        for other in "$folder"/*.*; do
                [[ $other == "$folder/$digest".* || $other == "$folder"/new.* ]] || template_remove "$other"
        done
        find "$folder" -mindepth 1 -maxdepth 1 -name 'new.*' -mmin +60 -exec rm -rf {} +
}
