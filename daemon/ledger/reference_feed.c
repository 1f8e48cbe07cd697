#include "daemon/ledger/reference_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/limits.h"
#include "config/reference_load.h"
#include "daemon/ledger/key_uses.h"
#include "lib/base/hash.h"
#include "lib/base/now.h"
#include "lib/db/pg_conn.h"
#include "lib/db/pg_query.h"
#include "lib/db/pg_session.h"

#define LOCK_NOT_AVAILABLE "55P03"

const char standby_problem_sql[] = "SELECT standby_problem()";
const char database_clock_sql[] = "SELECT real_now_ms()";

enum { REFERENCE, KEYS, USED, HOLDERS, UNBLOCK, STANDBY, EPOCH, CLOCK, SERVER, STATEMENT_COUNT };
enum { NAMED_MAX = 16, STANDBY_UNANSWERED_MAX = 10 };

struct reference_feed {
        struct pg_conn *conn;
        struct pg_statement statements[STATEMENT_COUNT + 1];
        char unblock[80];
        const struct reference_feed_events *events;
        void *context;
        struct key_uses uses;
        bool reference_due, keys_due, uses_due, holders_due, unblock_due, standby_due, epoch_due, clock_due,
            server_due;
        int64_t clock_asked_ms; /* steady */
        int64_t key_reads;      /* that were sent */
        bool standby_wanted, epoch_wanted;
        bool server_is_wrong;      /* as was said since the last look */
        int standby_unanswered;    /* questions */
        int asked;                 /* while it is busy */
        uint64_t named[NAMED_MAX]; /* holders, the last time */
        size_t named_count;
};

static void ask_for_keys(struct reference_feed *feed)
{
        char known[KEY_RINGS_KNOWN_MAX];
        struct pg_parameter parameter = key_rings_known(feed->events->known_keys(feed->context), known);

        feed->asked = KEYS;
        feed->key_reads++;
        pg_conn_send(feed->conn, feed->statements[KEYS].name, &parameter, 1, 0);
}

static void tell_used(struct reference_feed *feed)
{
        struct pg_parameter parameters[KEY_USES_PARAMETERS];

        if (!key_uses_send(&feed->uses, parameters))
                return;
        feed->asked = USED;
        pg_conn_send(feed->conn, feed->statements[USED].name, parameters, KEY_USES_PARAMETERS, 0);
}

static void pump(struct reference_feed *feed)
{
        static const struct pg_parameter least = {LOCK_HOLDERS_OF_READERS,
                                                  sizeof(LOCK_HOLDERS_OF_READERS) - 1, 0};
        char known[REFERENCE_KNOWN_MAX];

        if (!pg_conn_is_idle(feed->conn))
                return;
        if (feed->standby_due) {
                feed->standby_due = false;
                feed->asked = STANDBY;
                pg_conn_send(feed->conn, feed->statements[STANDBY].name, NULL, 0, 0);
        } else if (feed->epoch_due) {
                feed->epoch_due = false;
                feed->asked = EPOCH;
                pg_conn_send(feed->conn, feed->statements[EPOCH].name, NULL, 0, 0);
        } else if (feed->clock_due) {
                feed->clock_due = false;
                feed->asked = CLOCK;
                feed->clock_asked_ms = steady_now_ms();
                pg_conn_send(feed->conn, feed->statements[CLOCK].name, NULL, 0, 0);
        } else if (feed->reference_due) {
                struct pg_parameter parameter = reference_known(feed->events->known(feed->context), known);

                feed->reference_due = false;
                feed->asked = REFERENCE;
                pg_conn_send(feed->conn, feed->statements[REFERENCE].name, &parameter, 1, 0);
        } else if (feed->keys_due) {
                feed->keys_due = false;
                ask_for_keys(feed);
        } else if (feed->uses_due) {
                feed->uses_due = false;
                tell_used(feed);
        } else if (feed->unblock_due) {
                feed->unblock_due = false;
                feed->asked = UNBLOCK;
                pg_conn_send(feed->conn, feed->statements[UNBLOCK].name, NULL, 0, 0);
        } else if (feed->holders_due) {
                feed->holders_due = false;
                feed->asked = HOLDERS;
                pg_conn_send(feed->conn, feed->statements[HOLDERS].name, &least, 1, 0);
        } else if (feed->server_due) {
                feed->server_due = false;
                feed->asked = SERVER;
                pg_conn_send(feed->conn, feed->statements[SERVER].name, NULL, 0, 0);
        }
}

/* The same transaction in the way of the same table. */
static uint64_t holder_hash(const struct lock_holder *holder)
{
        char text[256];

        snprintf(text, sizeof(text), "%lld %s %s %s %d", (long long)holder->pid, holder->since, holder->table,
                 holder->mode, holder->waiting > 0); /* said again where somebody begins to wait */
        return hash_text(HASH_FIRST, text);
}

static bool was_named(const struct reference_feed *feed, uint64_t hash)
{
        for (size_t i = 0; i < feed->named_count; i++)
                if (feed->named[i] == hash)
                        return true;
        return false;
}

static void take_holders(struct reference_feed *feed, const PGresult *result)
{
        uint64_t now[NAMED_MAX];
        size_t count = 0;

        for (int row = 0; row < PQntuples(result) && count < NAMED_MAX; row++) {
                struct lock_holder holder = lock_holder_read(result, row);

                now[count] = holder_hash(&holder);
                if (!was_named(feed, now[count++]))
                        feed->events->on_holder(feed->context, &holder);
        }
        memcpy(feed->named, now, count * sizeof(*now));
        feed->named_count = count;
}

static void take_ended(struct reference_feed *feed, const PGresult *result)
{
        for (int row = 0; row < PQntuples(result); row++) {
                struct ended_session ended = {.pid = pg_number(result, row, 0),
                                              .user = PQgetvalue(result, row, 1),
                                              .application = PQgetvalue(result, row, 2),
                                              .state = PQgetvalue(result, row, 3),
                                              .seconds = pg_number(result, row, 4)};

                feed->events->on_ended(feed->context, &ended);
        }
}

/* What is not known is no good news. */
static void tell_standby_unknown(struct reference_feed *feed, const char *why)
{
        char text[256];

        snprintf(text, sizeof(text), "unknown whether one is: %.200s", why);
        feed->events->on_standby(feed->context, text);
}

static void take_standby(struct reference_feed *feed, const PGresult *result)
{
        feed->standby_unanswered = 0;
        feed->events->on_standby(feed->context, pg_text(result, 0, 0));
}

/* It was right when it was connected to; no other connection is let in where it is not any more. */
static void take_server(struct reference_feed *feed, const PGresult *result)
{
        char why[PG_ERROR_MAX], text[256];
        bool was_wrong = feed->server_is_wrong;

        feed->server_is_wrong = !pg_server_judge(result, why);
        if (feed->server_is_wrong && !was_wrong) {
                snprintf(text, sizeof(text), "no new connection: %.200s", why);
                feed->events->on_problem(feed->context, text);
        }
}

static void take_clock(struct reference_feed *feed, const PGresult *result)
{
        feed->events->on_clock(feed->context, pg_number(result, 0, 0),
                               steady_now_ms() - feed->clock_asked_ms);
}

static void on_failed(struct reference_feed *feed, const PGresult *result)
{
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        bool locked = state && !strcmp(state, LOCK_NOT_AVAILABLE);
        char text[256];

        feed->unblock_due |= locked;
        feed->holders_due |= locked;
        snprintf(text, sizeof(text), "%s: %.180s",
                 feed->asked == REFERENCE ? "reference data can't be read"
                                          : feed->statements[feed->asked].name,
                 message ? message : "no message");
        feed->events->on_problem(feed->context, text);
        if (feed->asked == STANDBY)
                tell_standby_unknown(feed, message ? message : "no message");
}

static void take(struct reference_feed *feed, const PGresult *result)
{
        if (feed->asked == REFERENCE)
                feed->events->on_rows(feed->context, result);
        else if (feed->asked == KEYS)
                feed->events->on_key_rows(feed->context, feed->key_reads, result);
        else if (feed->asked == USED)
                feed->keys_due = true; /* what came of it */
        else if (feed->asked == STANDBY)
                take_standby(feed, result);
        else if (feed->asked == EPOCH)
                (void)!pg_conn_judge(feed->conn, result); /* it is down then, as on_down hears */
        else if (feed->asked == CLOCK)
                take_clock(feed, result);
        else if (feed->asked == UNBLOCK)
                take_ended(feed, result);
        else if (feed->asked == SERVER)
                take_server(feed, result);
        else
                take_holders(feed, result);
}

static void on_end(void *context, enum pg_outcome outcome, const PGresult *result)
{
        struct reference_feed *feed = context;
        bool were_keys = feed->asked == KEYS; /* whoever hears what came may have something else asked */

        if (feed->asked == USED)
                key_uses_end(&feed->uses, outcome == PG_DONE);
        if (outcome == PG_LOST)
                feed->reference_due = feed->keys_due = true;
        else if (outcome == PG_FAILED)
                on_failed(feed, result);
        else
                take(feed, result);
        if (outcome != PG_DONE && were_keys)
                feed->events->on_key_rows(feed->context, feed->key_reads, NULL);
        if (outcome != PG_LOST)
                pump(feed);
}

static void on_up(void *context)
{
        struct reference_feed *feed = context;

        feed->standby_due = feed->standby_wanted;
        feed->clock_due = true;
        reference_feed_ask(feed); /* it may be another server, or a changed one */
}

static void on_down(void *context, const char *why)
{
        struct reference_feed *feed = context;
        char text[256];

        snprintf(text, sizeof(text), "database connection for reference data is down: %.180s", why);
        feed->events->on_problem(feed->context, text);
        if (feed->standby_wanted)
                tell_standby_unknown(feed, why);
}

struct reference_feed *reference_feed_new(struct event_base *base, struct pg_hosts *hosts,
                                          const struct reference_feed_events *events, void *context)
{
        static const struct pg_conn_events conn_events = {
            .on_up = on_up, .on_end = on_end, .on_down = on_down};
        struct reference_feed *feed = calloc(1, sizeof(*feed));

        if (!feed)
                return NULL;
        feed->statements[REFERENCE] = reference_statement;
        feed->statements[KEYS] = key_rings_statement;
        feed->statements[USED] = key_uses_statement;
        feed->statements[HOLDERS] = (struct pg_statement){"lock_holders", lock_holders_sql};
        snprintf(feed->unblock, sizeof(feed->unblock), "SELECT * FROM ledger_unblock(%d, %d, %d)",
                 LIMIT_BLOCKED_IDLE_MS, LIMIT_BLOCKED_OPEN_MS, LIMIT_BLOCKED_AGAIN_MS);
        feed->statements[UNBLOCK] = (struct pg_statement){"ledger_unblock", feed->unblock};
        feed->statements[STANDBY] = (struct pg_statement){"standby_problem", standby_problem_sql};
        feed->statements[EPOCH] = (struct pg_statement){"epoch_now", pg_epoch_sql};
        feed->epoch_wanted = pg_hosts_is_watching(hosts);
        feed->statements[CLOCK] = (struct pg_statement){"database_clock", database_clock_sql};
        feed->statements[SERVER] = (struct pg_statement){"server", pg_server_sql};
        feed->events = events;
        feed->context = context;
        feed->conn = pg_conn_new(base, hosts, NULL, feed->statements, &conn_events, feed);
        if (feed->conn)
                return feed;
        free(feed);
        return NULL;
}

void reference_feed_free(struct reference_feed *feed)
{
        if (!feed)
                return;
        pg_conn_free(feed->conn);
        key_uses_clear(&feed->uses);
        free(feed);
}

void reference_feed_ask(struct reference_feed *feed)
{
        feed->reference_due = true;
        feed->keys_due = true;
        feed->uses_due = key_uses_wait(&feed->uses);
        feed->server_due = true;
        feed->epoch_due = feed->epoch_wanted;
        pump(feed);
}

void reference_feed_ask_standby(struct reference_feed *feed)
{
        feed->standby_due = true;
        feed->standby_wanted = true;
        if (++feed->standby_unanswered > STANDBY_UNANSWERED_MAX)
                tell_standby_unknown(feed, "the database has not answered");
        pump(feed);
}

int64_t reference_feed_read_keys(struct reference_feed *feed)
{
        int64_t read = feed->key_reads + 1;

        feed->keys_due = true;
        pump(feed);
        return read;
}

void reference_feed_tell_used(struct reference_feed *feed, enum key_owner owner_kind, const char *owner,
                              int number)
{
        key_uses_add(&feed->uses, owner_kind, owner, number);
        feed->uses_due = true;
        pump(feed);
}

void reference_feed_ask_clock(struct reference_feed *feed)
{
        feed->clock_due = true;
        pump(feed);
}

void reference_feed_look(struct reference_feed *feed)
{
        feed->unblock_due =
            true; /* first: who is named has others' locks listed, which takes a while where there are many */
        feed->holders_due = true;
        feed->server_is_wrong = false;
        pump(feed);
}
