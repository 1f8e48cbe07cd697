/* The command line of netproxy, as rows. */
#include "tests/faults/options.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "lib/base/address.h"
#include "lib/cli/program.h"
#include "lib/cli/values.h"

static struct address listen_at, to;
static struct span delay, stall = {1000, 5000};
static double drop, half, stall_rate;
static int64_t connections_max = 4096;
static int64_t seed = 1;
static const char *control;

static bool take_control(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        size_t room = sizeof(((struct sockaddr_un *)0)->sun_path);

        if (!*value->text || strlen(value->text) >= room)
                return option_refuse(value, error, "a path of at most %zu characters", room - 1);
        return option_take_text(value, error);
}

static const struct option_row rows[] = {
    {.name = "listen",
     .value = "HOST:PORT",
     .text = "where clients come; port 0 takes a free one, which the first line of the output names: "
             "`listening on "
             "HOST:PORT`",
     .take = option_take_address,
     .target = &listen_at,
     .flags = OPTION_REQUIRED},
    {.name = "to",
     .value = "HOST:PORT",
     .text = "where their connections go on to",
     .take = option_take_address,
     .target = &to,
     .minimum = 1,
     .flags = OPTION_REQUIRED},
    {.name = "delay-ms",
     .value = "A-B",
     .text = "hold each chunk for A to B milliseconds; order is kept",
     .take = option_take_span,
     .target = &delay,
     .fallback = "0-0"},
    {.name = "drop-rate",
     .value = "R",
     .text = "so many chunks of one (0.01: one in a hundred) cut their connection instead of passing, half "
             "of the time "
             "with a reset, half with an orderly end",
     .take = option_take_rate,
     .target = &drop,
     .fallback = "0"},
    {.name = "half-rate",
     .value = "R",
     .text = "so many pass only their first half, then their connection is cut",
     .take = option_take_rate,
     .target = &half,
     .fallback = "0"},
    {.name = "stall-rate",
     .value = "R",
     .text = "so many make their direction of their connection stand still",
     .take = option_take_rate,
     .target = &stall_rate,
     .fallback = "0"},
    {.name = "stall-ms",
     .value = "A-B",
     .text = "... for A to B milliseconds",
     .take = option_take_span,
     .target = &stall,
     .fallback = "1000-5000"},
    {.name = "seed",
     .value = "S",
     .text = "whole number that all of this is drawn from. The same seed gives the same fate to the n-th "
             "chunk of a "
             "connection; what a chunk is, TCP decides",
     .take = option_take_number,
     .target = &seed,
     .maximum = INT64_MAX,
     .fallback = "1"},
    {.name = "connections-max",
     .value = "N",
     .text = "more wait to be accepted",
     .take = option_take_number,
     .target = &connections_max,
     .minimum = 1,
     .maximum = 1000000,
     .fallback = "4096"},
    {.name = "control",
     .value = "PATH",
     .text = "a unix socket that takes a line and answers with one (below); `netproxy tell PATH COMMAND` "
             "says it and prints "
             "the answer",
     .take = take_control,
     .target = &control},
    {.name = "help", .letter = 'h', .text = "this text"},
};

static const struct program_command command = {
    .synopsis = "netproxy --listen HOST:PORT --to HOST:PORT [options]\n"
                "netproxy tell PATH COMMAND",
    .about = "A TCP proxy that is a bad line. Each chunk of bytes that arrives in either direction is passed "
             "on, late,\n"
             "in part, or not at all.\n",
    .ending =
        "Commands to --control:\n"
        "  cut      end all connections         ok N\n"
        "  stall    everything stands still     ok\n"
        "  resume   everything goes on          ok\n"
        "  status   counts so far, as at the end\n"
        "\n"
        "SIGTERM and SIGINT end it; it then prints how often each thing happened. It holds at most one chunk "
        "of\n"
        "16 kB in each direction of a connection, and reads no more from whoever is not read from.\n"
        "Exit codes: 0 ended by a signal, 1 failed, 2 wrong usage.\n"
        "\n"
        "Example: netproxy --listen 127.0.0.1:7600 --to 127.0.0.1:7583 --delay-ms 5-50 --drop-rate 0.01\n",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
};

/* What connect and bind take; ends the program where a host's name is not known. */
static struct endpoint look_up(const char *option, const struct address *address, int flags)
{
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
        struct addrinfo *found = NULL;
        struct endpoint endpoint = {.length = 0};
        char port[ADDRESS_PORT_MAX];

        snprintf(port, sizeof(port), "%u", (unsigned)address->port);
        int status = getaddrinfo(address->host, port, &hints, &found);
        if (status != 0) {
                complain("%s '%s': %s", option, address->host, gai_strerror(status));
                exit(EXIT_FAILED);
        }
        memcpy(&endpoint.storage, found->ai_addr, found->ai_addrlen);
        endpoint.length = found->ai_addrlen;
        freeaddrinfo(found);
        return endpoint;
}

static uint64_t share_of_2_32(double rate)
{
        return (uint64_t)(rate * 4294967296.0);
}

void options_read(int count, char **words, struct options *ret_options)
{
        struct options options;
        int status = program_options(&command, NULL, count, words);

        if (status != PROGRAM_GOES_ON)
                exit(status);
        options = (struct options){.connections_max = (uint32_t)connections_max,
                                   .control = control,
                                   .rules = {.seed = (uint64_t)seed,
                                             .drop = share_of_2_32(drop),
                                             .half = share_of_2_32(half),
                                             .stall = share_of_2_32(stall_rate),
                                             .delay_from_ms = (uint32_t)delay.from_ms,
                                             .delay_to_ms = (uint32_t)delay.to_ms,
                                             .stall_from_ms = (uint32_t)stall.from_ms,
                                             .stall_to_ms = (uint32_t)stall.to_ms}};
        if (options.rules.drop + options.rules.half + options.rules.stall > UINT64_C(1) << 32)
                exit(program_usage(NULL,
                                   "--drop-rate, --half-rate and --stall-rate: expected a sum of at most 1"));
        options.listen = look_up("--listen", &listen_at, AI_PASSIVE);
        options.to = look_up("--to", &to, 0);
        *ret_options = options;
}
