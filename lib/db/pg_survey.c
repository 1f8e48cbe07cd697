/*
 * All servers asked at once: see pg_survey.h. One of them:
 *
 *      CONNECTING --connected--> SETTING --set--> ASKED --answered--> DONE
 *          '------------------refused, or too late---------------------^
 */
#include "lib/db/pg_survey.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/now.h"

enum step { CONNECTING, SETTING, ASKED, DONE };

/* It waits for those who are silent. */
static const char patience[] = "SET statement_timeout = 0; SET idle_session_timeout = 0";

struct asked {
        struct pg_server *server;
        enum step step;
        PostgresPollingStatusType wanted; /* PGRES_POLLING_READING or _WRITING */
};

static void server_fail(struct asked *asked, const char *place, const char *why)
{
        struct pg_server *server = asked->server;

        snprintf(server->error, sizeof(server->error), "%s%s%.*s", place ? place : "", place ? ": " : "",
                 (int)strcspn(why, "\n"), why);
        server->state = PG_SERVER_UNREACHABLE;
        asked->step = DONE;
}

static void server_begin(struct asked *asked, const struct pg_hosts *hosts)
{
        struct pg_server *server = asked->server;

        asked->step = CONNECTING;
        asked->wanted = PGRES_POLLING_WRITING;
        server->pg = pg_hosts_begin(hosts, server->host, server->address);
        if (!server->pg)
                server_fail(asked, server->place, "out of memory");
        else if (PQstatus(server->pg) == CONNECTION_BAD)
                server_fail(asked, NULL, PQerrorMessage(server->pg));
}

static void server_send(struct asked *asked, enum step step, const char *sql)
{
        asked->step = step;
        if (!PQsendQuery(asked->server->pg, sql))
                server_fail(asked, asked->server->place, PQerrorMessage(asked->server->pg));
}

static void server_connect(struct asked *asked)
{
        struct pg_server *server = asked->server;

        asked->wanted = PQconnectPoll(server->pg);
        if (asked->wanted == PGRES_POLLING_FAILED) {
                server_fail(asked, NULL, PQerrorMessage(server->pg));
        } else if (asked->wanted == PGRES_POLLING_OK) {
                asked->wanted = PGRES_POLLING_READING;
                server_send(asked, SETTING, patience);
        }
}

static void server_finish(struct asked *asked)
{
        struct pg_server *server = asked->server;
        const char *is_standby = PQparameterStatus(server->pg, "in_hot_standby");

        asked->step = DONE;
        server->state = is_standby && !strcmp(is_standby, "on") ? PG_SERVER_STANDBY : PG_SERVER_PRIMARY;
        if (server->state == PG_SERVER_STANDBY)
                snprintf(server->error, sizeof(server->error), "%s: a standby", server->place);
}

/* One that does not know the question is too old for it, or no database of ours: whoever connects will say so. */
static void server_answer(struct asked *asked)
{
        PGconn *pg = asked->server->pg;

        if (!PQconsumeInput(pg)) {
                server_fail(asked, asked->server->place, PQerrorMessage(pg));
                return;
        }
        while (asked->step != DONE && !PQisBusy(pg)) {
                PGresult *result = PQgetResult(pg);

                if (result && asked->step == ASKED)
                        (void)!pg_epoch_take(result, &asked->server->epoch);
                PQclear(result);
                if (result)
                        continue;
                if (PQstatus(pg) != CONNECTION_OK)
                        server_fail(asked, asked->server->place, PQerrorMessage(pg));
                else if (asked->step == SETTING)
                        server_send(asked, ASKED, pg_epoch_sql);
                else
                        server_finish(asked);
        }
}

/* False: the time is over, or nobody is left. */
static bool wait_for(const struct asked *asked, size_t count, struct pollfd *polled, int64_t until_ms)
{
        int64_t left_ms = until_ms - steady_now_ms();
        bool any = false;

        for (size_t i = 0; i < count; i++) {
                bool is_open = asked[i].step != DONE;

                any |= is_open;
                polled[i] =
                    (struct pollfd){.fd = is_open ? PQsocket(asked[i].server->pg) : -1,
                                    .events = asked[i].wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        }
        if (!any || left_ms <= 0)
                return false;
        (void)!poll(polled, count, (int)left_ms); /* a signal: once more */
        return true;
}

static void ask_all(struct asked *asked, size_t count, struct pollfd *polled, int64_t until_ms)
{
        while (wait_for(asked, count, polled, until_ms))
                for (size_t i = 0; i < count; i++) {
                        if (asked[i].step == DONE || !polled[i].revents)
                                continue;
                        if (asked[i].step == CONNECTING)
                                server_connect(&asked[i]);
                        else
                                server_answer(&asked[i]);
                }
        for (size_t i = 0; i < count; i++)
                if (asked[i].step != DONE)
                        server_fail(&asked[i], asked[i].server->place,
                                    asked[i].step == CONNECTING ? "connecting took too long"
                                                                : "the server did not answer in time");
}

static bool servers_add(struct pg_survey *survey, const struct pg_hosts *hosts, size_t host, size_t addresses)
{
        size_t more = addresses ? addresses : 1;
        struct pg_server *server = realloc(survey->server, (survey->count + more) * sizeof(*server));

        if (!server)
                return false;
        survey->server = server;
        for (size_t address = 0; address < more; address++) {
                server = &survey->server[survey->count++];
                *server = (struct pg_server){.host = host, .address = address};
                pg_hosts_place(hosts, host, address, server->place);
                if (!addresses)
                        snprintf(server->error, sizeof(server->error), "%s: looking it up: %s", server->place,
                                 pg_hosts_lookup_error(hosts, host));
        }
        return true;
}

bool pg_survey_make(struct pg_hosts *hosts, struct pg_survey *ret_survey)
{
        int64_t until_ms = steady_now_ms() + pg_hosts_attempt_ms(hosts);
        struct pg_survey survey = {0};
        struct asked *asked = NULL;
        struct pollfd *polled = NULL;
        bool good = true;

        for (size_t i = 0; good && i < pg_hosts_count(hosts); i++)
                good = servers_add(&survey, hosts, i, pg_hosts_addresses(hosts, i));
        if (good) {
                asked = calloc(survey.count, sizeof(*asked));
                polled = calloc(survey.count, sizeof(*polled));
                good = asked && polled;
        }
        for (size_t i = 0; good && i < survey.count; i++) {
                asked[i] = (struct asked){.server = &survey.server[i], .step = DONE};
                if (!*survey.server[i].error)
                        server_begin(&asked[i], hosts);
        }
        if (good) {
                ask_all(asked, survey.count, polled, until_ms);
                *ret_survey = survey;
        } else {
                pg_survey_free(&survey);
        }
        free(asked);
        free(polled);
        return good;
}

void pg_survey_free(struct pg_survey *survey)
{
        for (size_t i = 0; i < survey->count; i++)
                PQfinish(survey->server[i].pg);
        free(survey->server);
        *survey = (struct pg_survey){0};
}

/* --- the one that serves -------------------------------------------------------------------------- */

/* One that can't say its epoch has no schema that could, as whoever looks will find. */
static bool may_serve(struct pg_hosts *hosts, struct pg_server *server)
{
        return server->state == PG_SERVER_PRIMARY &&
               (!server->epoch.epoch ||
                pg_hosts_judge(hosts, server->host, server->place, &server->epoch, server->error));
}

static struct pg_server *choose(struct pg_hosts *hosts, struct pg_survey *survey)
{
        struct pg_server *chosen = NULL;

        /* all at first: a standby may know of a newer primary than any that can be reached */
        for (size_t i = 0; i < survey->count; i++)
                pg_hosts_learn(hosts, &survey->server[i].epoch);
        for (size_t i = 0; i < survey->count; i++) {
                struct pg_server *server = &survey->server[i];

                if (may_serve(hosts, server) &&
                    (!chosen || pg_epoch_compare(&server->epoch, &chosen->epoch) == PG_EPOCH_NEWER))
                        chosen = server;
        }
        return chosen;
}

/* "...; ...", in the order of the servers. */
static void print_errors(const struct pg_survey *survey, char text[PG_ERROR_MAX])
{
        size_t used = 0;

        text[0] = '\0';
        for (size_t i = 0; i < survey->count && used < PG_ERROR_MAX; i++)
                if (*survey->server[i].error)
                        used += (size_t)snprintf(text + used, PG_ERROR_MAX - used, "%s%s", used ? "; " : "",
                                                 survey->server[i].error);
}

PGconn *pg_survey_connect(struct pg_hosts *hosts, char error[PG_ERROR_MAX])
{
        struct pg_survey survey;
        struct pg_server *chosen;
        PGconn *pg = NULL;

        if (!pg_survey_make(hosts, &survey)) {
                snprintf(error, PG_ERROR_MAX, "out of memory");
                return NULL;
        }
        chosen = choose(hosts, &survey);
        if (chosen) {
                pg_hosts_start_at(hosts, chosen->host);
                pg = chosen->pg;
                chosen->pg = NULL;
        } else {
                print_errors(&survey, error);
        }
        pg_survey_free(&survey);
        return pg;
}
