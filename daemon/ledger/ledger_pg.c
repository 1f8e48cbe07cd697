#include "daemon/ledger/ledger_pg.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ledger/ledger_batch.h"
#include "daemon/ledger/reference_feed.h"
#include "lib/base/hash.h"
#include "lib/base/now.h"
#include "lib/base/seldom.h"
#include "lib/db/conninfo.h"
#include "lib/db/pg_conn.h"
#include "config/reference_load.h"
#include "config/schema.h"
#include "lib/db/pg_query.h"
#include "lib/db/pg_session.h"
#include "lib/db/pg_survey.h"

enum { LOOK_AFTER_MS = 1000 }; /* a batch takes milliseconds: somebody may be in its way */

struct ledger_pg;

/* A connection and the batch that it carries. */
struct lane {
        struct ledger_pg *ledger;
        struct pg_conn *conn;
        int64_t sent_ms;           /* steady time */
        bool tries_held;           /* its batch is one of those that wait for somebody's lock */
        struct ledger_batch batch; /* empty while the connection is idle */
};

struct ledger_pg {
        struct ledger face; /* first: see struct ledger */
        struct ledger_pg_options options;
        struct pg_statement statements[LEDGER_STATEMENT_COUNT + 1];

        struct ledger_queue waiting[LEDGER_KIND_COUNT];
        struct ledger_queue held[LEDGER_KIND_COUNT]; /* met a lock by themselves, or are of such a card */
        struct ledger_queue stale; /* wait for newer reference data, then answered LEDGER_STALE */
        struct ledger_queue ended; /* answered; on_done is called from the loop */
        struct event *ended_event;
        int waiting_count;
        int last_kind; /* the kinds take turns */
        int last_held_kind;
        bool took_held;

        struct reference *reference;
        struct key_rings *keys;
        struct reference_feed *feed;
        struct event *reference_timer;

        struct lane *lanes;
        bool
            is_down; /* no connection is up; false while the first are being made, so that work waits for them */
        bool lacks_standby;                        /* that the options want */
        bool serves;                               /* as on_serving was told */
        bool met_lock;                             /* a batch of late: whoever holds it is to be named */
        struct seldom refusals[LEDGER_KIND_COUNT]; /* of the server's, by SQLSTATE */
        struct ledger_pg_stats stats;
};

static void pump(struct ledger_pg *l);

static struct ledger_pg *of_face(struct ledger *ledger)
{
        return (struct ledger_pg *)ledger;
}

ATM_PRINTF(3, 4) static void say(struct ledger_pg *l, bool is_problem, const char *format, ...)
{
        char text[512];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        l->options.on_message(l->options.context, is_problem, text);
}

/* --- ops: from waiting to ended -------------------------------------------------------------------- */

static void op_end(struct ledger_pg *l, struct ledger_op *op)
{
        TAILQ_INSERT_TAIL(&l->ended, op, entry);
        event_active(l->ended_event, 0, 0);
}

/* Nothing can be written for it now. What was in flight before may have been written then. */
static void op_refuse(struct ledger_pg *l, struct ledger_op *op)
{
        op->answer = (struct ledger_answer){.status = op->in_doubt ? LEDGER_UNKNOWN : LEDGER_UNAVAILABLE,
                                            .reason = REASON_CANNOT_DECIDE};
        l->stats.refused_ops++;
        op_end(l, op);
}

static void on_ended(evutil_socket_t socket, short what, void *context)
{
        struct ledger_pg *l = context;
        struct ledger_op *op;
        (void)socket;
        (void)what;
        while ((op = TAILQ_FIRST(&l->ended))) {
                TAILQ_REMOVE(&l->ended, op, entry);
                op->on_done(op, op->context);
        }
}

static void queue_take(struct ledger_pg *l, struct lane *lane, enum ledger_kind kind,
                       struct ledger_queue *queue)
{
        ledger_batch_take(&lane->batch, kind, queue, l->options.batch_max);
        lane->tries_held = queue == &l->held[kind];
        l->waiting_count -= lane->batch.count;
}

/* Put a batch's ops back to the front of the queue, in their order. */
static void queue_return(struct ledger_pg *l, struct ledger_batch *batch)
{
        l->waiting_count += batch->count;
        while (batch->count > 0) {
                struct ledger_op *op = batch->op[--batch->count];
                TAILQ_INSERT_HEAD(&l->waiting[batch->kind], op, entry);
        }
}

static bool any_lane_up(const struct ledger_pg *l)
{
        for (int i = 0; i < l->options.connections; i++)
                if (pg_conn_is_up(l->lanes[i].conn))
                        return true;
        return false;
}

static void refuse_queue(struct ledger_pg *l, struct ledger_queue *queue)
{
        for (struct ledger_op *op = TAILQ_FIRST(queue), *next; op; op = next) {
                next = TAILQ_NEXT(op, entry);
                if (op->in_doubt)
                        continue;
                TAILQ_REMOVE(queue, op, entry);
                l->waiting_count--;
                op_refuse(l, op);
        }
}

static void tell_serving(struct ledger_pg *l)
{
        bool serves = any_lane_up(l) && !l->lacks_standby;

        if (l->serves == serves)
                return;
        l->serves = serves;
        if (l->options.on_serving)
                l->options.on_serving(l->options.context, serves);
}

/* Without any connection what was never sent is refused at once; what is in doubt waits for one. */
static void refuse_waiting(struct ledger_pg *l)
{
        for (int kind = 0; kind < LEDGER_KIND_COUNT; kind++) {
                refuse_queue(l, &l->waiting[kind]);
                refuse_queue(l, &l->held[kind]);
        }
        for (struct ledger_op *op; (op = TAILQ_FIRST(&l->stale));) {
                TAILQ_REMOVE(&l->stale, op, entry);
                op_refuse(l, op);
        }
}

/* --- batches -------------------------------------------------------------------------------------- */

static void batch_answered(struct ledger_pg *l, struct ledger_batch *batch)
{
        l->stats.batches++;
        l->stats.ops += batch->count;
        for (int i = 0; i < batch->count; i++) {
                batch->op[i]->in_doubt = false;
                op_end(l, batch->op[i]);
        }
        batch->count = 0;
}

static void batch_stale(struct ledger_pg *l, struct ledger_batch *batch)
{
        for (int i = 0; i < batch->count; i++) {
                batch->op[i]->answer = (struct ledger_answer){.status = LEDGER_STALE};
                TAILQ_INSERT_TAIL(&l->stale, batch->op[i], entry);
        }
        batch->count = 0;
        reference_feed_ask(l->feed);
}

static void batch_refused(struct ledger_pg *l, struct ledger_batch *batch)
{
        for (int i = 0; i < batch->count; i++)
                op_refuse(l, batch->op[i]);
        batch->count = 0;
}

/* What an SQLSTATE means for the batch that met it; the first matching prefix counts. */
enum { MISSES_MAX = 8 };
enum remedy { REPEAT, LOOK, WAIT, SPLIT, REFUSE };
static const struct {
        const char *sqlstate;
        const char *table; /* the beginning of its name; "": any */
        enum remedy remedy;
} remedies[] = {
    {"40", "", REPEAT},  /* serialization failure, deadlock */
    {"55P03", "", WAIT}, /* somebody holds a row for longer than ledger_session allows */
    /* the key of a decision that the batch did not see: it did not look, or the decision was made meanwhile */
    {"23505", "withdrawal_", LOOK},
    {"23505", "advice_", LOOK}, /* also advice_identity_ */
    {"23505", "bank_outcome_", LOOK},
    {"23505", "pin_inquiry_", LOOK},
    {"22", "", SPLIT}, /* somebody's data */
    {"23", "", SPLIT},
    {"P0", "", SPLIT},
    {"XX", "", SPLIT},
};

static bool begins_with(const char *text, const char *beginning)
{
        return !strncmp(text ? text : "", beginning, strlen(beginning));
}

/* Who looks sees what was decided before. Others may decide meanwhile, but not for ever: then the look misses what is there. */
static bool looks_in_vain(struct ledger_batch *batch)
{
        bool in_vain = false;

        for (int i = 0; i < batch->count; i++)
                in_vain |= ++batch->op[i]->misses > MISSES_MAX;
        return in_vain;
}

static enum remedy remedy_of(struct ledger_batch *batch, const char *sqlstate, const char *table)
{
        for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
                if (begins_with(sqlstate, remedies[i].sqlstate) && begins_with(table, remedies[i].table))
                        return remedies[i].remedy == LOOK && looks_in_vain(batch) ? SPLIT
                                                                                  : remedies[i].remedy;
        return REFUSE; /* no space, read-only server, shutting down, ... */
}

/* Each by itself, behind those that wait already: whoever asks for a row that a person holds keeps no other waiting for long. */
static void queue_part(struct ledger_pg *l, struct ledger_batch *batch)
{
        l->waiting_count += batch->count;
        for (int i = 0; i < batch->count; i++) {
                batch->op[i]->alone = true;
                TAILQ_INSERT_TAIL(&l->waiting[batch->kind], batch->op[i], entry);
        }
        batch->count = 0;
}

/* What met a lock by itself waits apart, and one lane at a time tries it: while a person holds some cards, nobody waits for those of others. */
static void op_hold(struct ledger_pg *l, struct ledger_op *op)
{
        op->alone = true;
        TAILQ_INSERT_TAIL(&l->held[op->kind], op, entry);
        l->waiting_count++;
}

static bool is_of_card(const struct ledger_op *op, const struct ledger_op *asked)
{
        return ledger_op_locks_card(op) &&
               !memcmp(op->request.card_token, asked->request.card_token, CARD_TOKEN_LENGTH);
}

static bool card_is_held(const struct ledger_pg *l, const struct ledger_op *asked)
{
        const struct ledger_op *op;
        if (!ledger_op_locks_card(asked))
                return false;
        TAILQ_FOREACH(op, &l->held[LEDGER_REQUEST], entry)
        if (is_of_card(op, asked))
                return true;
        TAILQ_FOREACH(op, &l->held[LEDGER_INQUIRY], entry)
        if (is_of_card(op, asked))
                return true;
        for (int i = 0; i < l->options.connections; i++) {
                const struct lane *lane = &l->lanes[i];
                if (lane->tries_held && lane->batch.count > 0 && is_of_card(lane->batch.op[0], asked))
                        return true;
        }
        return false;
}

/* A full disk refuses each batch, for as long as it lasts. Somebody's data are another thing each time. */
static void say_refused(struct ledger_pg *l, const struct ledger_batch *batch, enum remedy remedy,
                        const char *sqlstate, const char *message)
{
        int64_t more = 0;
        char others[64] = "";
        if (remedy == REFUSE &&
            !seldom_may(&l->refusals[batch->kind], hash_text(HASH_FIRST, sqlstate), steady_now_ms(), &more))
                return;
        if (more > 0)
                snprintf(others, sizeof(others), "; %lld more since it was said last", (long long)more);
        say(l, true, "batch of %d %s refused: %s (%s)%s", batch->count, ledger_function[batch->kind], message,
            sqlstate, others);
}

/* The server aborted the batch: nothing was committed. */
static void batch_failed(struct ledger_pg *l, struct ledger_batch *batch, const PGresult *result)
{
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        enum remedy remedy = remedy_of(batch, sqlstate, PQresultErrorField(result, PG_DIAG_TABLE_NAME));
        if (remedy == REPEAT || remedy == LOOK) {
                l->stats.repeated_batches++;
                for (int i = 0; i < batch->count; i++)
                        batch->op[i]->look |= remedy == LOOK;
                queue_return(l, batch);
                return;
        }
        if (remedy == WAIT) {
                l->stats.repeated_batches++;
                l->met_lock = true;
                if (batch->count > 1)
                        queue_part(l, batch);
                else
                        op_hold(l, batch->op[--batch->count]);
                return;
        }
        const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        say_refused(l, batch, remedy, sqlstate ? sqlstate : "no SQLSTATE", message ? message : "no message");
        if (remedy == REFUSE || batch->count == 1) {
                batch_refused(l, batch);
                return;
        }
        for (int i = 0; i < batch->count; i++) {
                batch->op[i]->alone = true;
                batch->op[i]->misses = 0; /* it may have been another's key */
        }
        queue_return(l, batch);
}

static void batch_lost(struct ledger_pg *l, struct ledger_batch *batch)
{
        l->stats.lost_batches++;
        for (int i = 0; i < batch->count; i++)
                batch->op[i]->in_doubt = true;
        queue_return(l, batch);
}

static void batch_done(struct ledger_pg *l, struct ledger_batch *batch, const PGresult *result)
{
        switch (ledger_batch_answers(batch, result)) {
        case BATCH_ANSWERED:
                batch_answered(l, batch);
                break;
        case BATCH_STALE:
                batch_stale(l, batch);
                break;
        case BATCH_MALFORMED:
                /* it was committed, but its answers can't be read: nothing may be said */
                say(l, true, "%s answered in a form that this program doesn't know",
                    ledger_function[batch->kind]);
                for (int i = 0; i < batch->count; i++)
                        batch->op[i]->in_doubt = true;
                batch_refused(l, batch);
                break;
        }
}

/* --- reference data ------------------------------------------------------------------------------- */

static void stale_release(struct ledger_pg *l)
{
        for (struct ledger_op *op; (op = TAILQ_FIRST(&l->stale));) {
                TAILQ_REMOVE(&l->stale, op, entry);
                op_end(l, op);
        }
}

static void on_lack(void *context, const char *text)
{
        say(context, true, "reference data: %s: withdrawals without a price are refused with 91", text);
}

static int64_t reference_in_force(void *context)
{
        const struct ledger_pg *l = context;
        return reference_version(l->reference);
}

static void reference_take(void *context, const PGresult *result)
{
        struct ledger_pg *l = context;
        char error[REFERENCE_ERROR_MAX];
        struct reference *fresh;
        switch (reference_load(result, &fresh, error)) {
        case REFERENCE_LOADED:
                reference_free(l->reference);
                l->reference = fresh;
                say(l, false, "reference data version %lld in force", (long long)reference_version(fresh));
                (void)reference_check(fresh, on_lack, l);
                reference_feed_look(l->feed); /* whoever stops the next change is named before it comes */
                break;
        case REFERENCE_UNCHANGED:
                break;
        case REFERENCE_REFUSED:
                say(l, true, "reference data kept as they were: %s", error);
                break;
        }
        stale_release(l);
}

static int64_t keys_in_force(void *context)
{
        const struct ledger_pg *l = context;
        return key_rings_version(l->keys);
}

/* Whether they are as the database had them. */
static bool keys_load(struct ledger_pg *l, const PGresult *result)
{
        char error[KEY_RINGS_ERROR_MAX];
        switch (key_rings_load(l->keys, result, error)) {
        case KEY_RINGS_CHANGED:
                say(l, false, "keys version %lld in force", (long long)key_rings_version(l->keys));
                return true;
        case KEY_RINGS_UNCHANGED:
                return true;
        case KEY_RINGS_REFUSED:
                say(l, true, "keys kept as they were: %s", error);
                break;
        }
        return false;
}

static void keys_take(void *context, int64_t read, const PGresult *result)
{
        struct ledger_pg *l = context;
        bool is_read = result && keys_load(l, result);
        key_rings_settle(l->keys, steady_now_ms());
        if (l->options.on_keys)
                l->options.on_keys(l->options.context, read, is_read);
}

static void on_feed_holder(void *context, const struct lock_holder *holder)
{
        struct ledger_pg *l = context;
        if (l->options.on_holder)
                l->options.on_holder(l->options.context, holder);
}

static void on_feed_ended(void *context, const struct ended_session *ended)
{
        struct ledger_pg *l = context;
        if (l->options.on_ended)
                l->options.on_ended(l->options.context, ended);
}

static void on_feed_problem(void *context, const char *text)
{
        say(context, true, "%s", text);
}

/* Without a standby that confirms commits nothing is decided, as without a database. */
static void on_standby(void *context, const char *problem)
{
        struct ledger_pg *l = context;
        if (l->lacks_standby == (problem != NULL))
                return;
        l->lacks_standby = problem;
        if (problem)
                say(l, true,
                    "no synchronous standby: %s: nothing is decided until there is one ([database] "
                    "synchronous = yes)",
                    problem);
        else
                say(l, false, "a standby is synchronous again");
        tell_serving(l);
        if (problem)
                refuse_waiting(l);
        else
                pump(l);
}

static void on_clock(void *context, int64_t database_ms, int64_t round_trip_ms)
{
        struct ledger_pg *l = context;
        if (l->options.on_clock)
                l->options.on_clock(l->options.context, database_ms, round_trip_ms);
}

static const struct reference_feed_events feed_events = {.known = reference_in_force,
                                                         .on_rows = reference_take,
                                                         .known_keys = keys_in_force,
                                                         .on_key_rows = keys_take,
                                                         .on_holder = on_feed_holder,
                                                         .on_ended = on_feed_ended,
                                                         .on_standby = on_standby,
                                                         .on_clock = on_clock,
                                                         .on_problem = on_feed_problem};

static void reference_timer_start(struct ledger_pg *l)
{
        struct timeval tv = {.tv_sec = l->options.reference_poll_ms / 1000,
                             .tv_usec = l->options.reference_poll_ms % 1000 * 1000};
        event_add(l->reference_timer, &tv);
}

static bool any_lane_waits(const struct ledger_pg *l)
{
        int64_t before_ms = steady_now_ms() - LOOK_AFTER_MS;
        for (int i = 0; i < l->options.connections; i++)
                if (l->lanes[i].batch.count > 0 && l->lanes[i].sent_ms < before_ms)
                        return true;
        return false;
}

static void on_reference_timer(evutil_socket_t socket, short what, void *context)
{
        struct ledger_pg *l = context;
        (void)socket;
        (void)what;
        reference_feed_ask(l->feed);
        reference_feed_ask_clock(l->feed);
        if (l->options.synchronous)
                reference_feed_ask_standby(l->feed);
        if (l->met_lock || any_lane_waits(l)) /* who met one waits for it again by now */
                reference_feed_look(l->feed);
        l->met_lock = false;
        reference_timer_start(l);
}

/* --- lanes ---------------------------------------------------------------------------------------- */

static bool next_kind(const struct ledger_queue queues[LEDGER_KIND_COUNT], int *last_kind)
{
        for (int i = 1; i <= LEDGER_KIND_COUNT; i++) {
                int kind = (*last_kind + i) % LEDGER_KIND_COUNT;
                if (!TAILQ_EMPTY(&queues[kind])) {
                        *last_kind = kind;
                        return true;
                }
        }
        return false;
}

static bool held_are_tried(const struct ledger_pg *l)
{
        for (int i = 0; i < l->options.connections; i++)
                if (l->lanes[i].batch.count > 0 && l->lanes[i].tries_held)
                        return true;
        return false;
}

/* The queue whose turn it is, or NULL. An only lane takes turns with what waits for nobody. */
static struct ledger_queue *next_queue(struct ledger_pg *l, enum ledger_kind *ret_kind)
{
        bool may_try = !held_are_tried(l);
        bool others_first = l->options.connections == 1 && l->took_held;
        l->took_held = false;
        if ((!may_try || others_first) && next_kind(l->waiting, &l->last_kind)) {
                *ret_kind = l->last_kind;
                return &l->waiting[*ret_kind];
        }
        if (may_try && next_kind(l->held, &l->last_held_kind)) {
                l->took_held = true;
                *ret_kind = l->last_held_kind;
                return &l->held[*ret_kind];
        }
        if (!next_kind(l->waiting, &l->last_kind))
                return NULL;
        *ret_kind = l->last_kind;
        return &l->waiting[*ret_kind];
}

/* What was decided from other reference data than those in force now is to be decided anew: the database
 * compares only the batch's version. */
static void drop_outdated(struct ledger_pg *l, struct ledger_batch *batch)
{
        int kept = 0;
        if (batch->kind != LEDGER_REQUEST && batch->kind != LEDGER_INQUIRY)
                return;
        for (int i = 0; i < batch->count; i++) {
                struct ledger_op *op = batch->op[i];
                if (op->request.reference_version == reference_version(l->reference)) {
                        batch->op[kept++] = op;
                        continue;
                }
                op->answer = (struct ledger_answer){.status = LEDGER_STALE};
                op_end(l, op);
        }
        batch->count = kept;
}

static void lane_send(struct ledger_pg *l, struct lane *lane, enum ledger_kind kind,
                      struct ledger_queue *queue)
{
        queue_take(l, lane, kind, queue);
        drop_outdated(l, &lane->batch);
        lane->sent_ms = steady_now_ms();
        if (lane->batch.count > 0 && !ledger_batch_send(&lane->batch, reference_version(l->reference),
                                                        &l->options.times, lane->conn)) {
                say(l, true, "out of memory for a batch of %d", lane->batch.count);
                batch_refused(l, &lane->batch);
        }
}

/* Give work to every idle connection. */
static void pump(struct ledger_pg *l)
{
        if (l->lacks_standby)
                return;
        for (int i = 0; i < l->options.connections; i++) {
                struct lane *lane = &l->lanes[i];
                struct ledger_queue *queue;
                enum ledger_kind kind;
                while (pg_conn_is_idle(lane->conn) && (queue = next_queue(l, &kind)))
                        lane_send(l, lane, kind, queue);
        }
}

static void on_up(void *context)
{
        struct lane *lane = context;
        struct ledger_pg *l = lane->ledger;
        say(l, false, "database connection %td is up", lane - l->lanes);
        l->is_down = false;
        tell_serving(l);
        reference_feed_ask(l->feed); /* it may be another server, or a changed one */
        pump(l);
}

static void on_end(void *context, enum pg_outcome outcome, const PGresult *result)
{
        struct lane *lane = context;
        struct ledger_pg *l = lane->ledger;
        if (outcome == PG_DONE)
                batch_done(l, &lane->batch, result);
        else if (outcome == PG_FAILED)
                batch_failed(l, &lane->batch, result);
        else
                batch_lost(l, &lane->batch);
        if (l->lacks_standby)
                refuse_waiting(l); /* what came back since it is missed */
        if (outcome != PG_LOST)
                pump(l);
}

static void on_down(void *context, const char *why)
{
        struct lane *lane = context;
        struct ledger_pg *l = lane->ledger;
        say(l, true, "database connection %td is down: %s", lane - l->lanes, why);
        l->is_down = !any_lane_up(l);
        tell_serving(l);
        if (l->is_down)
                refuse_waiting(l);
        else
                pump(l);
}

static const struct pg_conn_events lane_events = {.on_up = on_up, .on_end = on_end, .on_down = on_down};

/* --- the face ------------------------------------------------------------------------------------- */

static void ledger_pg_submit(struct ledger *ledger, struct ledger_op *op)
{
        struct ledger_pg *l = of_face(ledger);
        op->misses = 0;
        op->alone =
            false; /* in_doubt stays: an op decided anew after LEDGER_STALE may have been sent before */
        if (l->is_down || l->lacks_standby || l->waiting_count >= l->options.queue_max) {
                op_refuse(l, op);
                return;
        }
        if (card_is_held(l, op)) {
                op_hold(l, op);
        } else {
                TAILQ_INSERT_TAIL(&l->waiting[op->kind], op, entry);
                l->waiting_count++;
        }
        pump(l);
}

static const struct reference *ledger_pg_reference(struct ledger *ledger)
{
        return of_face(ledger)->reference;
}

static void ledger_pg_free(struct ledger *ledger)
{
        struct ledger_pg *l = of_face(ledger);
        for (int i = 0; l->lanes && i < l->options.connections; i++) {
                pg_conn_free(l->lanes[i].conn);
                ledger_batch_free(&l->lanes[i].batch);
        }
        free(l->lanes);
        reference_feed_free(l->feed);
        if (l->ended_event)
                event_free(l->ended_event);
        if (l->reference_timer)
                event_free(l->reference_timer);
        reference_free(l->reference);
        key_rings_free(l->keys);
        free(l);
}

static const struct ledger_backend backend = {
    .submit = ledger_pg_submit,
    .reference = ledger_pg_reference,
    .free = ledger_pg_free,
};

void ledger_pg_reload(struct ledger *ledger)
{
        reference_feed_ask(of_face(ledger)->feed);
}

const struct key_rings *ledger_pg_key_rings(const struct ledger *ledger)
{
        return ((const struct ledger_pg *)ledger)->keys;
}

int64_t ledger_pg_read_keys(struct ledger *ledger)
{
        return reference_feed_read_keys(((struct ledger_pg *)ledger)->feed);
}

void ledger_pg_key_set_used(struct ledger *ledger, enum key_owner owner_kind, const char *owner, int number)
{
        reference_feed_tell_used(of_face(ledger)->feed, owner_kind, owner, number);
}

void ledger_pg_look(struct ledger *ledger)
{
        reference_feed_look(of_face(ledger)->feed);
}

void ledger_pg_set_times(struct ledger *ledger, struct ledger_times times)
{
        of_face(ledger)->options.times = times;
}

void ledger_pg_get_stats(const struct ledger *ledger, struct ledger_pg_stats *ret_stats)
{
        const struct ledger_pg *l = (const struct ledger_pg *)ledger;
        struct ledger_pg_stats stats = l->stats;
        const struct ledger_op *op;
        stats.waiting = l->waiting_count;
        stats.in_doubt = stats.connections_up = stats.held = 0;
        for (int kind = 0; kind < LEDGER_KIND_COUNT; kind++) {
                TAILQ_FOREACH(op, &l->waiting[kind], entry)
                stats.in_doubt += op->in_doubt;
                TAILQ_FOREACH(op, &l->held[kind], entry)
                {
                        stats.in_doubt += op->in_doubt;
                        stats.held++;
                }
        }
        for (int i = 0; i < l->options.connections; i++)
                stats.connections_up += pg_conn_is_up(l->lanes[i].conn);
        *ret_stats = stats;
}

bool ledger_pg_is_busy(const struct ledger *ledger)
{
        const struct ledger_pg *l = (const struct ledger_pg *)ledger;
        for (int i = 0; i < l->options.connections; i++)
                if (l->lanes[i].batch.count > 0)
                        return true;
        return l->waiting_count > 0 || !TAILQ_EMPTY(&l->stale) || !TAILQ_EMPTY(&l->ended);
}

/* --- start-up ------------------------------------------------------------------------------------- */

static void first_line(char *buffer, const char *text)
{
        snprintf(buffer, LEDGER_PG_ERROR_MAX, "database: %.*s", (int)strcspn(text, "\n"), text);
}

/* Its migration has begun, and takes a while or was stopped. */
static void say_quarters(PGconn *pg, char error[LEDGER_PG_ERROR_MAX])
{
        PGresult *result = PQexec(pg, SCHEMA_QUARTERS);
        size_t length = strlen(error);

        if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0)
                snprintf(error + length, LEDGER_PG_ERROR_MAX - length,
                         "; one has begun: %s of %s quarters are converted", PQgetvalue(result, 0, 0),
                         PQgetvalue(result, 0, 1));
        PQclear(result);
}

static bool check_schema(PGconn *pg, char error[LEDGER_PG_ERROR_MAX])
{
        PGresult *result = PQexec(pg, "SELECT schema_version()");
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        bool good = false;
        if (PQresultStatus(result) == PGRES_TUPLES_OK) {
                int version = (int)pg_number(result, 0, 0);
                good = version == SCHEMA_VERSION;
                if (version > SCHEMA_VERSION)
                        snprintf(error, LEDGER_PG_ERROR_MAX,
                                 "database %s: its schema is version %d, newer than this program's %d: "
                                 "install the "
                                 "program that belongs to it",
                                 PQdb(pg), version, SCHEMA_VERSION);
                if (version < SCHEMA_VERSION) {
                        snprintf(error, LEDGER_PG_ERROR_MAX,
                                 "database %s: its schema is version %d, this program needs %d: run 'atmctl "
                                 "db migrate'",
                                 PQdb(pg), version, SCHEMA_VERSION);
                        say_quarters(pg, error);
                }
        } else if (sqlstate && !strcmp(sqlstate, "42883")) {
                snprintf(error, LEDGER_PG_ERROR_MAX,
                         "database %s: not set up for this system: run 'atmctl db init'", PQdb(pg));
        } else {
                first_line(error, PQerrorMessage(pg));
        }
        PQclear(result);
        return good;
}

/* The server and the settings of this connection. */
static bool check_server(PGconn *pg, char error[LEDGER_PG_ERROR_MAX])
{
        char why[PG_ERROR_MAX], exposed[CONNINFO_ERROR_MAX];
        if (!conninfo_of_is_private(pg, exposed)) {
                first_line(error, exposed);
                return false;
        }
        if (pg_execute(pg, pg_daemon_session_sql, 0, NULL, why) && pg_server_check(pg, why))
                return true;
        first_line(error, why);
        return false;
}

static bool check_standby(PGconn *pg, char error[LEDGER_PG_ERROR_MAX])
{
        char why[PG_ERROR_MAX];
        PGresult *result = pg_query(pg, standby_problem_sql, 0, NULL, why);
        bool good = result && PQgetisnull(result, 0, 0);
        if (!result)
                first_line(error, why);
        else if (!good)
                snprintf(error, LEDGER_PG_ERROR_MAX,
                         "database %s: %s: expected a standby that confirms each commit, since [database] "
                         "synchronous = yes",
                         PQdb(pg), PQgetvalue(result, 0, 0));
        PQclear(result);
        return good;
}

static bool check_token_key(PGconn *pg, const char *check_value, char error[LEDGER_PG_ERROR_MAX])
{
        char why[PG_ERROR_MAX];
        PGresult *result = pg_query(pg, "SELECT token_key_enter($1)", 1, &check_value, why);
        bool good = result && *PQgetvalue(result, 0, 0) == 't';
        if (!result)
                snprintf(error, LEDGER_PG_ERROR_MAX, "%.*s", (int)strcspn(why, "\n"), why);
        else if (!good)
                snprintf(error, LEDGER_PG_ERROR_MAX,
                         "database %s: token_key_file holds another key than the one that its cards have "
                         "their tokens from: "
                         "accounts, exclusions and the use of limits would be left behind",
                         PQdb(pg));
        PQclear(result);
        return good;
}

static bool first_reference(PGconn *pg, struct reference **ret_reference, char error[LEDGER_PG_ERROR_MAX])
{
        char why[PG_ERROR_MAX];
        if (reference_read_copy(pg, ret_reference, why))
                return true;
        snprintf(error, LEDGER_PG_ERROR_MAX, "%.*s", (int)strcspn(why, "\n"), why);
        return false;
}

static bool first_keys(PGconn *pg, struct key_rings **ret_keys, char error[LEDGER_PG_ERROR_MAX])
{
        char why[PG_ERROR_MAX];
        if (key_rings_read(pg, ret_keys, why))
                return true;
        first_line(error, why);
        return false;
}

static bool first_clock(struct ledger_pg *l, PGconn *pg, char error[LEDGER_PG_ERROR_MAX])
{
        char why[PG_ERROR_MAX];
        int64_t asked_ms = steady_now_ms();
        PGresult *result = pg_query(pg, database_clock_sql, 0, NULL, why);
        if (result)
                on_clock(l, pg_number(result, 0, 0), steady_now_ms() - asked_ms);
        else
                first_line(error, why);
        PQclear(result);
        return result;
}

static bool start_up(struct ledger_pg *l, char error[LEDGER_PG_ERROR_MAX])
{
        char why[PG_ERROR_MAX];
        PGconn *pg = pg_survey_connect(l->options.hosts, why);
        bool good = false;
        if (!pg)
                first_line(error, why);
        else
                good = check_server(pg, error) && check_schema(pg, error) &&
                       (!l->options.synchronous || check_standby(pg, error)) &&
                       check_token_key(pg, l->options.token_check_value, error) &&
                       first_reference(pg, &l->reference, error) && first_keys(pg, &l->keys, error) &&
                       first_clock(l, pg, error);
        PQfinish(pg);
        return good;
}

static bool make_lanes(struct ledger_pg *l, struct event_base *base)
{
        l->lanes = calloc((size_t)l->options.connections, sizeof(*l->lanes));
        for (int i = 0; l->lanes && i < l->options.connections; i++) {
                l->lanes[i].ledger = l;
                l->lanes[i].conn =
                    pg_conn_new(base, l->options.hosts, NULL, l->statements, &lane_events, &l->lanes[i]);
                if (!l->lanes[i].conn)
                        return false;
                pg_conn_set_answer_timeout(l->lanes[i].conn, l->options.answer_timeout_ms);
        }
        return l->lanes;
}

bool ledger_pg_check(const struct ledger_pg_options *options, char error[LEDGER_PG_ERROR_MAX])
{
        char *text = NULL;
        PQconninfoOption *parsed = PQconninfoParse(options->conninfo, &text);
        if (!parsed) {
                /* libpq repeats what it could not read, which may be a password */
                PQfreemem(text);
                snprintf(error, LEDGER_PG_ERROR_MAX,
                         "[database] conninfo: not what libpq takes; expected keywords and values "
                         "(host=... dbname=...) or a postgresql:// URI");
                return false;
        }
        PQconninfoFree(parsed);
        char why[CONNINFO_ERROR_MAX];
        if (!conninfo_is_private(options->conninfo, why))
                snprintf(error, LEDGER_PG_ERROR_MAX, "[database] conninfo: %s", why);
        else if (options->connections > LEDGER_PG_CONNECTIONS_MAX)
                snprintf(error, LEDGER_PG_ERROR_MAX, "[database] connections: %d: expected 1 to %d",
                         options->connections, LEDGER_PG_CONNECTIONS_MAX);
        else if (options->batch_max > BATCH_MAX)
                snprintf(error, LEDGER_PG_ERROR_MAX, "[database] batch_max: %d: expected 1 to %d",
                         options->batch_max, BATCH_MAX);
        else
                return true;
        return false;
}

struct ledger *ledger_pg_new(struct event_base *base, const struct ledger_pg_options *options,
                             char error[LEDGER_PG_ERROR_MAX])
{
        assert(options->connections >= 1 && options->connections <= LEDGER_PG_CONNECTIONS_MAX);
        assert(options->batch_max >= 1 && options->batch_max <= BATCH_MAX);
        struct ledger_pg *l = calloc(1, sizeof(*l));
        if (!l)
                goto no_memory;
        l->face.backend = &backend;
        l->options = *options;
        for (int kind = 0; kind < LEDGER_KIND_COUNT; kind++) {
                TAILQ_INIT(&l->waiting[kind]);
                TAILQ_INIT(&l->held[kind]);
        }
        ledger_batch_statements(l->statements);
        TAILQ_INIT(&l->stale);
        TAILQ_INIT(&l->ended);
        l->ended_event = event_new(base, -1, 0, on_ended, l);
        l->reference_timer = evtimer_new(base, on_reference_timer, l);
        if (!l->ended_event || !l->reference_timer)
                goto no_memory;
        if (!start_up(l, error))
                goto failed;
        l->feed = reference_feed_new(base, l->options.hosts, &feed_events, l);
        if (!l->feed || !make_lanes(l, base))
                goto no_memory;
        reference_timer_start(l);
        return &l->face;
no_memory:
        snprintf(error, LEDGER_PG_ERROR_MAX, "database: out of memory");
failed:
        if (l)
                ledger_pg_free(&l->face);
        return NULL;
}
