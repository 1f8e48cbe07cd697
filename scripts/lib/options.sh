# Options as rows, for scripts. To be sourced after common.sh.
#
#       takes --atms ATMS 100 number 1 999999
#       takes --keep KEEP 0 flag
#       options_read "up" "$@"
#
# A row has the option, the variable that its value goes to, what that holds where the option is not given, and its kind:
#
#       flag            1 where it is given
#       number A B      a whole number from A to B, without leading zeros
#       numbers A B     several of them, with commas between: blanks between them
#       scale           a number above 0 and up to 1
#       word WORD...    one of them
#       words WORD...   likewise, and the option may be repeated: blanks between them
#       date            YYYY-MM-DD, of the calendar
#       path            made absolute; it need not exist
#       text            anything
#
# `--name VALUE` and `--name=VALUE`; -h and --help print the files of OPTION_HELP, as show_help does.
# shellcheck shell=bash

declare -A OPTION_VARIABLE=() OPTION_KIND=() OPTION_BOUNDS=()
OPTION_HELP=("$0")

takes() {
        OPTION_VARIABLE[$1]=$2 OPTION_KIND[$1]=$4 OPTION_BOUNDS[$1]=${*:5}
        printf -v "$2" %s "$3"
}

# option_take --OPTION VALUE
option_take() {
        local value=$2 variable=${OPTION_VARIABLE[$1]} word list=''
        local -a bounds
        read -r -a bounds <<<"${OPTION_BOUNDS[$1]}"
        case ${OPTION_KIND[$1]} in
        number)
                need_number "$1" "$value" "${bounds[@]}"
                value=$((10#$value))
                ;;
        numbers)
                [[ $value =~ ^[0-9]+(,[0-9]+)*$ ]] || usage_error "$1: expected whole numbers with commas between, not '$value'"
                for word in ${value//,/ }; do
                        need_number "$1" "$word" "${bounds[@]}"
                        list+="${list:+ }$((10#$word))"
                done
                value=$list
                ;;
        scale)
                [[ $value =~ ^(1|0\.[0-9]{1,6})$ && $value =~ [1-9] ]] ||
                        usage_error "$1: expected a number above 0 and up to 1, as 0.01, not '$value'"
                ;;
        word | words)
                [[ -n $value && " ${bounds[*]} " == *" $value "* ]] || usage_error "$1: expected one of: ${bounds[*]}; not '$value'"
                ;;
        date)
                [[ $value =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ && $(date -d "$value" +%F 2>/dev/null) == "$value" ]] ||
                        usage_error "$1: expected a date as 2016-12-01, not '$value'"
                ;;
        path)
                [[ -n $value && $value != *$'\n'* ]] || usage_error "$1: expected a path without line breaks, not '$value'"
                value=$(realpath -m -- "$value")
                ;;
        esac
        [[ ${OPTION_KIND[$1]} != words || -z ${!variable} ]] || value="${!variable} $value"
        printf -v "$variable" %s "$value"
}

# options_read WHAT WORD...: WHAT is the verb or so, for messages; may be empty.
options_read() {
        local what=${1:+$1: } option
        shift
        while (($#)); do
                option=$1
                case $option in
                -h | --help)
                        show_help "${OPTION_HELP[@]}"
                        exit 0
                        ;;
                --*=*)
                        set -- "${option%%=*}" "${option#*=}" "${@:2}"
                        [[ ${OPTION_KIND[$1]:-} != flag ]] || usage_error "$what$1: it has no value"
                        continue
                        ;;
                esac
                [[ $option == --* && -n ${OPTION_KIND[$option]:-} ]] || usage_error "${what}unknown option '$option'"
                if [[ ${OPTION_KIND[$option]} == flag ]]; then
                        printf -v "${OPTION_VARIABLE[$option]}" 1
                        shift
                        continue
                fi
                (($# > 1)) || usage_error "$option: its value is missing"
                option_take "$option" "$2"
                shift 2
        done
}
