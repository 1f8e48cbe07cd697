/* The command line of netproxy: every fault names the option, what was given and what was expected. */
#include "tests/faults/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "lib/base/address.h"
#include "lib/base/attributes.h"

static const char help[] =
    "netproxy --listen HOST:PORT --to HOST:PORT [options]\n"
    "netproxy tell PATH COMMAND\n"
    "\n"
    "A TCP proxy that is a bad line. Each chunk of bytes that arrives in either direction is passed on, "
    "late,\n"
    "in part, or not at all.\n"
    "\n"
    "  --listen HOST:PORT    where clients come; port 0 takes a free one, which the first line of the "
    "output\n"
    "                        names: `listening on HOST:PORT`\n"
    "  --to HOST:PORT        where their connections go on to\n"
    "  --delay-ms A-B        hold each chunk for A to B milliseconds (0-0); order is kept\n"
    "  --drop-rate R         so many chunks of one (0.01: one in a hundred) cut their connection instead of\n"
    "                        passing, half of the time with a reset, half with an orderly end (0)\n"
    "  --half-rate R         so many pass only their first half, then their connection is cut (0)\n"
    "  --stall-rate R        so many make their direction of their connection stand still (0) ...\n"
    "  --stall-ms A-B        ... for A to B milliseconds (1000-5000)\n"
    "  --seed S              whole number that all of this is drawn from (1). The same seed gives the same\n"
    "                        fate to the n-th chunk of a connection; what a chunk is, TCP decides\n"
    "  --connections-max N   more wait to be accepted (4096)\n"
    "  --control PATH        a unix socket that takes a line and answers with one:\n"
    "                          cut      end all connections         ok N\n"
    "                          stall    everything stands still     ok\n"
    "                          resume   everything goes on          ok\n"
    "                          status   counts so far, as at the end\n"
    "                        `netproxy tell PATH COMMAND` says it and prints the answer\n"
    "  --help                this text\n"
    "\n"
    "SIGTERM and SIGINT end it; it then prints how often each thing happened. It holds at most one chunk of\n"
    "16 kB in each direction of a connection, and reads no more from whoever is not read from.\n"
    "Exit status: 0 ended by a signal, 1 failed, 2 wrong usage.\n"
    "\n"
    "Example: netproxy --listen 127.0.0.1:7600 --to 127.0.0.1:7583 --delay-ms 5-50 --drop-rate 0.01\n";

_Noreturn ATM_PRINTF(1, 2) static void usage_error(const char *format, ...)
{
        va_list arguments;
        fputs("netproxy: ", stderr);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputs(" (netproxy --help explains)\n", stderr);
        exit(2);
}

static bool number_parse(const char *text, uint64_t maximum, uint64_t *ret_value, const char **ret_end)
{
        uint64_t value = 0;
        const char *at = text;
        for (; *at >= '0' && *at <= '9'; at++) {
                uint64_t digit = (uint64_t)(*at - '0');
                if (value > (maximum - digit) / 10)
                        return false;
                value = value * 10 + digit;
        }
        if (at == text)
                return false;
        *ret_value = value;
        *ret_end = at;
        return true;
}

static uint64_t number_of(const char *option, const char *text, uint64_t minimum, uint64_t maximum)
{
        uint64_t value;
        const char *end;
        if (!number_parse(text, maximum, &value, &end) || *end || value < minimum)
                usage_error("%s '%s': expected a whole number from %llu to %llu", option, text,
                            (unsigned long long)minimum, (unsigned long long)maximum);
        return value;
}

/* "5-50" or "5". */
static void range_of(const char *option, const char *text, uint32_t *ret_from_ms, uint32_t *ret_to_ms)
{
        enum { RANGE_MAX_MS = 3600000 };
        uint64_t from, to;
        const char *end;
        bool good = number_parse(text, RANGE_MAX_MS, &from, &end);
        if (good && *end == '-')
                good = number_parse(end + 1, RANGE_MAX_MS, &to, &end);
        else
                to = good ? from : 0;
        if (!good || *end || to < from)
                usage_error("%s '%s': expected milliseconds A-B, A not above B, both at most %d", option,
                            text, RANGE_MAX_MS);
        *ret_from_ms = (uint32_t)from;
        *ret_to_ms = (uint32_t)to;
}

static uint64_t rate_of(const char *option, const char *text)
{
        char *end;
        double rate = strtod(text, &end);
        if (end == text || *end || !isfinite(rate) || rate < 0 || rate > 1)
                usage_error("%s '%s': expected a rate from 0 to 1, such as 0.01", option, text);
        return (uint64_t)(rate * 4294967296.0);
}

static void endpoint_of(const char *option, const char *text, bool for_listening, struct endpoint *ret_endpoint)
{
        struct address address;
        char port[ADDRESS_PORT_MAX];
        if (!address_parse(text, for_listening ? 0 : 1, &address))
                usage_error("%s '%s': expected HOST:PORT, such as 127.0.0.1:7600 or [::1]:7600", option,
                            text);
        snprintf(port, sizeof(port), "%u", (unsigned)address.port);

        struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = for_listening ? AI_PASSIVE : 0};
        struct addrinfo *found = NULL;
        int status = getaddrinfo(address.host, port, &hints, &found);
        if (status != 0) {
                fprintf(stderr, "netproxy: %s '%s': %s\n", option, text, gai_strerror(status));
                exit(1);
        }
        memcpy(&ret_endpoint->storage, found->ai_addr, found->ai_addrlen);
        ret_endpoint->length = found->ai_addrlen;
        freeaddrinfo(found);
}

enum {
        OPTION_LISTEN = 1,
        OPTION_TO,
        OPTION_DELAY,
        OPTION_DROP,
        OPTION_HALF,
        OPTION_STALL_RATE,
        OPTION_STALL_MS,
        OPTION_SEED,
        OPTION_CONNECTIONS,
        OPTION_CONTROL,
        OPTION_HELP,
};

static const struct option names[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"to", required_argument, NULL, OPTION_TO},
    {"delay-ms", required_argument, NULL, OPTION_DELAY},
    {"drop-rate", required_argument, NULL, OPTION_DROP},
    {"half-rate", required_argument, NULL, OPTION_HALF},
    {"stall-rate", required_argument, NULL, OPTION_STALL_RATE},
    {"stall-ms", required_argument, NULL, OPTION_STALL_MS},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"connections-max", required_argument, NULL, OPTION_CONNECTIONS},
    {"control", required_argument, NULL, OPTION_CONTROL},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static void option_take(int option, const char *value, struct options *options)
{
        struct fate_rules *rules = &options->rules;
        switch (option) {
        case OPTION_LISTEN:
                endpoint_of("--listen", value, true, &options->listen);
                break;
        case OPTION_TO:
                endpoint_of("--to", value, false, &options->to);
                break;
        case OPTION_DELAY:
                range_of("--delay-ms", value, &rules->delay_from_ms, &rules->delay_to_ms);
                break;
        case OPTION_DROP:
                rules->drop = rate_of("--drop-rate", value);
                break;
        case OPTION_HALF:
                rules->half = rate_of("--half-rate", value);
                break;
        case OPTION_STALL_RATE:
                rules->stall = rate_of("--stall-rate", value);
                break;
        case OPTION_STALL_MS:
                range_of("--stall-ms", value, &rules->stall_from_ms, &rules->stall_to_ms);
                break;
        case OPTION_SEED:
                rules->seed = number_of("--seed", value, 0, UINT64_MAX);
                break;
        case OPTION_CONNECTIONS:
                options->connections_max = (uint32_t)number_of("--connections-max", value, 1, 1000000);
                break;
        case OPTION_CONTROL:
                if (!*value || strlen(value) >= sizeof(((struct sockaddr_un *)0)->sun_path))
                        usage_error("--control '%s': expected a path of at most %zu characters", value,
                                    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
                options->control = value;
                break;
        case OPTION_HELP:
                fputs(help, stdout);
                exit(fflush(stdout) == 0 ? 0 : 1);
        default:
                usage_error("expected the options that --help names"); /* getopt has said which was wrong */
        }
}

void options_parse(int count, char **words, struct options *ret_options)
{
        struct options options = {
            .connections_max = 4096,
            .rules = {.seed = 1, .stall_from_ms = 1000, .stall_to_ms = 5000},
        };
        for (int option; (option = getopt_long(count, words, "", names, NULL)) != -1;)
                option_take(option, optarg, &options);
        if (optind < count)
                usage_error("'%s': expected options only", words[optind]);
        if (!options.listen.length || !options.to.length)
                usage_error("%s is missing", options.listen.length ? "--to" : "--listen");
        if (options.rules.drop + options.rules.half + options.rules.stall > UINT64_C(1) << 32)
                usage_error("--drop-rate, --half-rate and --stall-rate: expected a sum of at most 1");
        *ret_options = options;
}
