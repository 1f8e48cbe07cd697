/*
 * A daemon's way to the banks: the real routes, sessions and store and forward; connections and the store's
 * database are ours.
 *
 *      (none) --EVENT_CONNECT--> handshake --EVENT_LINE_OPENED--> open --EVENT_LINE_CLOSED--> (none)
 *        ^                           |                                                          |
 *        '--------after a pause------'---the bank is down---------------------------------------'
 *
 * The store does one piece of work at a time, in two stages like the ledger, so that a crash or a lost
 * connection falls before the commit or between commit and report:
 *
 *      IDLE --begin--> SENT --EVENT_STORE: commits--> DONE --EVENT_STORE: reports--> IDLE
 *
 * The daemon's clock of a tenth of a second is only ticked when something may come of it.
 */
#include "tests/simulation/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
        OUTSTANDING_MAX = 6,
        ANSWER_TIMEOUT_MS = 15000,
        REQUEST_TIMEOUT_MS = 20000,
        SWEEP_MARGIN_MS = 5000,
        LEASE_MS = 5000,
        RETRY_FIRST_MS = 1000,
        RETRY_MAX_MS = 60000,
        ALARM_AGE_MS = 2000000000, /* whoever is told that may be late */
        TICK_MS = 100,
        SWEEP_LOOK_MS = 1000,
        LINGER_MS = 20,
        CONNECT_FIRST_MS = 200,
        CONNECT_MAX_MS = 15000,
};

enum store_stage { STORE_IDLE, STORE_SENT, STORE_DONE };
enum store_work { STORE_TAKE, STORE_END, STORE_SWEEP, STORE_LOOK };

struct sim_store {
        struct instance *instance;
        enum store_stage stage;
        enum store_work work;
        struct saf_take take;
        const struct saf_result *results; /* saf's, until it has heard */
        int64_t age_ms;
        int count, max;
        struct memory_taken taken[SAF_BATCH];
};

static struct instance *instance_of(const struct line *line)
{
        return &line->sim->instances[line->instance];
}

static struct sim_bank *bank_of(const struct line *line)
{
        return &line->sim->banks[line->bank];
}

/* Is the daemon that this connection belongs to still the same? */
static bool is_current(const struct line *line)
{
        return instance_of(line)->runs && instance_of(line)->epoch == line->epoch;
}

static struct event event_of(struct line *line, enum event_kind kind)
{
        return (struct event){.kind = kind, .line = line};
}

/* the store ----------------------------------------------------------------------------------------- */

static bool is_idle(void *context)
{
        struct sim_store *store = context;

        return store->stage == STORE_IDLE && !store->instance->is_cut;
}

static void begin(struct sim_store *store, enum store_work work)
{
        struct instance *instance = store->instance;
        struct sim *sim = instance->sim;

        assert(is_idle(store));
        store->stage = STORE_SENT;
        store->work = work;
        sim_put(sim,
                sim_chance(sim, sim->rates.slow_batch) ? draw_between(&sim->random, 1000, 30000)
                                                       : draw_between(&sim->random, 0, 8),
                (struct event){.kind = EVENT_STORE, .number = instance->number, .epoch = instance->epoch});
}

static void begin_take(void *context, const struct saf_take *take)
{
        struct sim_store *store = context;

        store->take = *take;
        begin(store, STORE_TAKE);
}

static void begin_end(void *context, const struct saf_result *results, int count)
{
        struct sim_store *store = context;

        store->results = results;
        store->count = count;
        begin(store, STORE_END);
}

static void begin_sweep(void *context, int64_t age_ms, int max)
{
        struct sim_store *store = context;

        store->age_ms = age_ms;
        store->max = max;
        begin(store, STORE_SWEEP);
}

static void begin_look(void *context)
{
        begin(context, STORE_LOOK);
}

static const struct memory_lease *find_lease(const struct sim *sim, const char *link)
{
        for (const struct memory_lease *lease = sim->database->leases; lease; lease = lease->hh.next) {
                if (strcmp(lease->link, link) == 0)
                        return lease;
        }
        return NULL;
}

static void commit_take(struct sim_store *store)
{
        const struct saf_take *take = &store->take;
        struct sim *sim = store->instance->sim;
        const struct memory_lease *lease = find_lease(sim, take->link);
        bool was_others = lease && strcmp(lease->holder, take->holder) != 0;

        store->count =
            (int)memory_saf_take(sim->database, take->link, take->holder, take->lease_ms,
                                 take->retry_first_ms, take->retry_max_ms, (size_t)take->max, store->taken);
        lease = find_lease(sim, take->link);
        if (strcmp(lease->holder, take->holder) != 0)
                sim->counters->leases_refused++;
        else
                sim->counters->leases_taken_over += was_others && store->count > 0;
        sim->counters->notices_taken += store->count;
        for (int i = 0; i < store->count; i++)
                check_taken(sim, &store->taken[i].identity, store->taken[i].notice.seq);
        for (int i = 0; i < store->count; i++) {
                const struct memory_taken *t = &store->taken[i];

                sim->counters->notices_repeated += t->notice.attempts > 1;
                sim_tell(sim,
                         "daemon %d tells %s of %s STAN %" PRId32 ": notice %d, %" PRId64
                         " yen, attempt %" PRId32,
                         store->instance->number, take->link, t->identity.terminal, t->identity.stan,
                         t->notice.seq, t->notice.dispensed_yen, t->notice.attempts);
        }
}

static void commit_end(struct sim_store *store)
{
        struct memory_ended ended[SAF_BATCH];

        assert(store->count <= SAF_BATCH);
        for (int i = 0; i < store->count; i++)
                ended[i] = (struct memory_ended){store->results[i].identity, store->results[i].seq,
                                                 store->results[i].verdict, store->results[i].said};
        memory_saf_end(store->instance->sim->database, ended, (size_t)store->count);
}

static void commit(struct sim_store *store)
{
        struct memory_database *database = store->instance->sim->database;

        switch (store->work) {
        case STORE_TAKE:
                commit_take(store);
                break;
        case STORE_END:
                commit_end(store);
                break;
        case STORE_SWEEP:
                store->count = memory_sweep(database, store->age_ms, store->max);
                break;
        case STORE_LOOK:
                break;
        }
}

static struct bank_notice notice_of(const struct memory_taken *taken)
{
        static const enum bank_notice_kind kinds[] = {
            [MEMORY_NOTICE_COMPLETION] = BANK_NOTICE_COMPLETION,
            [MEMORY_NOTICE_PARTIAL] = BANK_NOTICE_PARTIAL,
            [MEMORY_NOTICE_REVERSAL] = BANK_NOTICE_REVERSAL,
        };
        struct bank_notice notice = {
            .identity = taken->identity,
            .seq = taken->notice.seq,
            .kind = kinds[taken->notice.kind],
            .amount_yen = taken->notice.amount_yen,
            .charge_yen = taken->notice.charge_yen,
            .dispensed_yen = taken->notice.dispensed_yen,
            .attempts = taken->notice.attempts,
            .chip = taken->chip,
        };

        memcpy(notice.why, taken->notice.why, sizeof notice.why);
        return notice;
}

static void report_look(struct saf *saf, const struct sim *sim)
{
        struct saf_age ages[SIM_BANKS_MAX] = {0};

        for (int i = 0; i < sim->bank_count; i++) {
                strcpy(ages[i].link, sim->banks[i].name);
                for (const struct memory_saf *row = sim->database->saf; row; row = row->hh.next) {
                        if (strcmp(row->link, ages[i].link) != 0)
                                continue;
                        ages[i].waiting++;
                        if (sim->now_ms - row->created_ms > ages[i].oldest_age_ms)
                                ages[i].oldest_age_ms = sim->now_ms - row->created_ms;
                }
        }
        saf_looked(saf, true, ages, sim->bank_count);
}

static void report_taken(const struct sim_store *store, bool good)
{
        struct bank_notice notices[SAF_BATCH];

        for (int i = 0; good && i < store->count; i++)
                notices[i] = notice_of(&store->taken[i]);
        saf_taken(store->instance->saf, good, notices, good ? store->count : 0);
}

static void report(struct sim_store *store, bool good)
{
        struct saf *saf = store->instance->saf;

        store->stage = STORE_IDLE;
        switch (store->work) {
        case STORE_TAKE:
                report_taken(store, good);
                break;
        case STORE_END:
                saf_ended(saf, good);
                break;
        case STORE_SWEEP:
                saf_swept(saf, good, good ? store->count : 0);
                break;
        case STORE_LOOK:
                if (good)
                        report_look(saf, store->instance->sim);
                else
                        saf_looked(saf, false, NULL, 0);
                break;
        }
        if (!good)
                store->instance->stirred = true; /* it does not go on by itself */
}

static void step_store(struct instance *instance)
{
        struct sim_store *store = instance->store;
        struct sim *sim = instance->sim;

        if (store->stage == STORE_IDLE)
                return; /* its connection was lost meanwhile */
        if (sim_chance(sim, sim->rates.lost_batch)) {
                sim->counters->lost_store_work++;
                sim_tell(sim, "daemon %d: the store's connection is lost at stage %d", instance->number,
                         (int)store->stage);
                report(store, false);
        } else if (store->stage == STORE_SENT) {
                commit(store);
                store->stage = STORE_DONE;
                sim_put(sim, draw_between(&sim->random, 0, 4),
                        (struct event){
                            .kind = EVENT_STORE, .number = instance->number, .epoch = instance->epoch});
        } else {
                report(store, true);
        }
}

void lines_set_cut(struct instance *instance)
{
        if (instance->is_cut && instance->store->stage != STORE_IDLE)
                report(instance->store, false);
        instance->stirred = true;
}

/* connections --------------------------------------------------------------------------------------- */

static void arm_connect(struct instance *instance, int bank, int number, int64_t in_ms)
{
        sim_put(instance->sim, in_ms,
                (struct event){.kind = EVENT_CONNECT,
                               .number = instance->number,
                               .epoch = instance->epoch,
                               .which = bank * SIM_LINES + number});
}

static void connect_line(struct instance *instance, int bank, int number)
{
        struct sim *sim = instance->sim;
        struct line *line;

        if (instance->line[bank][number] || instance->drains)
                return;
        line = calloc(1, sizeof *line);
        if (!line)
                abort();
        line->sim = sim;
        line->instance = instance->number;
        line->bank = bank;
        line->number = number;
        line->epoch = instance->epoch;
        line->next = sim->lines;
        sim->lines = line;
        instance->line[bank][number] = line;
        line->wire.opened_ms = sim->now_ms + draw_between(&sim->random, 5, 200);
        sim_put(sim, line->wire.opened_ms - sim->now_ms, event_of(line, EVENT_LINE_OPENED));
}

/* Growing, jittered pauses. */
static void reconnect(struct line *line)
{
        struct instance *instance = instance_of(line);
        int *failures = &instance->connect_failures[line->bank][line->number];
        int64_t pause_ms = (int64_t)CONNECT_FIRST_MS << (*failures < 7 ? *failures : 7);

        if (pause_ms > CONNECT_MAX_MS)
                pause_ms = CONNECT_MAX_MS;
        ++*failures;
        instance->line[line->bank][line->number] = NULL;
        arm_connect(instance, line->bank, line->number,
                    draw_between(&line->sim->random, pause_ms / 2, pause_ms));
}

static void peer_send(void *peer, const uint8_t *message, size_t length)
{
        struct line *line = peer;

        network_carry(line->sim, &line->wire, event_of(line, EVENT_TO_BANK), &line->to_bank_ms, message,
                      length);
}

static void peer_close(void *peer, const char *reason)
{
        struct line *line = peer;

        sim_tell(line->sim, "daemon %d closes a connection to %s: %s", line->instance, bank_of(line)->name,
                 reason);
        network_carry_end(line->sim, event_of(line, EVENT_BANK_CLOSED), line->to_bank_ms);
        sim_put(line->sim, LINGER_MS, event_of(line, EVENT_LINE_CLOSED));
}

/* It reads whatever comes. */
static void peer_resume(void *peer)
{
        (void)peer;
}

static const struct bank_session_ops session_ops = {peer_send, peer_close, peer_resume};

static void open_line(struct line *line)
{
        struct instance *instance = instance_of(line);

        if (!is_current(line))
                return;
        if (line->wire.is_cut || !bank_of(line)->runs) {
                line->sim->counters->lines_refused++;
                reconnect(line);
                return;
        }
        line->sim->counters->lines_opened++;
        line->daemon_open = line->bank_open = true;
        bank_route_attach(instance->routes.route[line->bank], &line->session, line->number, &session_ops,
                          line);
}

static void close_line(struct line *line)
{
        if (!is_current(line) || !line->daemon_open || line->daemon_gone)
                return;
        line->daemon_gone = true;
        bank_route_detach(instance_of(line)->routes.route[line->bank], &line->session);
        reconnect(line);
}

static void hear_bank(struct line *line, const struct event *event)
{
        if (!is_current(line) || !line->daemon_open || line->daemon_gone)
                return;
        bank_session_frame(&line->session, event->bytes, event->length);
        if (line->sim->script)
                script_heard_bank(line->sim);
        if (line->session.state == BANK_SESSION_UP)
                instance_of(line)->connect_failures[line->bank][line->number] = 0;
}

void line_cut(struct line *line)
{
        struct draws *random = &line->sim->random;

        line->wire.is_cut = true;
        sim_put(line->sim, draw_permille(random, 500) ? 1 : draw_between(random, 1, 90000),
                event_of(line, EVENT_LINE_CLOSED));
        sim_put(line->sim, draw_between(random, 1, 90000), event_of(line, EVENT_BANK_CLOSED));
}

/* What was on its way when the line was cut: some of it arrives. */
static bool is_lost(const struct line *line, const struct event *event)
{
        struct sim *sim = line->sim;

        if (!line->wire.is_cut || (event->kind != EVENT_TO_BANK && event->kind != EVENT_FROM_BANK))
                return false;
        if (!sim->script && draw_permille(&sim->random, 500))
                return false;
        sim->counters->lost_messages++;
        return true;
}

void line_event(struct line *line, struct event *event)
{
        if (is_lost(line, event))
                return;
        switch (event->kind) {
        case EVENT_LINE_OPENED:
                open_line(line);
                break;
        case EVENT_TO_BANK:
                if (line->bank_open)
                        bank_hear(bank_of(line), line, event->bytes, event->length);
                return;
        case EVENT_BANK_ANSWERS:
                if (line->bank_open)
                        network_carry(line->sim, &line->wire, event_of(line, EVENT_FROM_BANK),
                                      &line->to_daemon_ms, event->bytes, event->length);
                return;
        case EVENT_BANK_CLOSED:
                line->bank_open = false;
                return;
        case EVENT_FROM_BANK:
                hear_bank(line, event);
                break;
        default:
                close_line(line);
                break;
        }
        if (is_current(line)) {
                instance_of(line)->stirred = true;
                instance_arm(instance_of(line));
        }
}

void line_free(struct line *line)
{
        free(line);
}

/* the daemon's part --------------------------------------------------------------------------------- */

static int64_t steady_ms(void *context)
{
        return ((struct instance *)context)->sim->now_ms;
}

static void start_route(struct instance *instance, const struct sim_bank *bank)
{
        struct bank_link_settings settings = {
            .acquirer = "99000001",
            .outstanding_max = OUTSTANDING_MAX,
            .answer_timeout_ms = ANSWER_TIMEOUT_MS,
            .echo_interval_ms = instance->sim->echo_interval_ms,
        };
        struct bank_shell shell = {steady_ms, instance_real_ms, instance};
        struct bank_route *route;

        strcpy(settings.name, bank->name);
        route = bank_route_new(&settings, &bank->dialect, &bank->codes, &shell);
        if (!route)
                abort();
        bank_route_set_keys(route, &instance->keys);
        instance->routes.route[instance->routes.count++] = route;
        for (int i = 0; i < SIM_LINES; i++) {
                instance->line[bank->number][i] = NULL;
                instance->connect_failures[bank->number][i] = 0;
                arm_connect(instance, bank->number, i, draw_between(&instance->sim->random, 0, 100));
        }
}

void lines_start(struct instance *instance)
{
        struct saf_settings settings = {
            .lease_ms = LEASE_MS,
            .retry_first_ms = RETRY_FIRST_MS,
            .retry_max_ms = RETRY_MAX_MS,
            .alarm_age_ms = ALARM_AGE_MS,
            .sweep_age_ms = REQUEST_TIMEOUT_MS + SWEEP_MARGIN_MS,
        };
        struct saf_store store = {is_idle, begin_take, begin_end, begin_sweep, begin_look, NULL};
        struct saf_shell shell = {steady_ms, instance};

        snprintf(settings.holder, sizeof settings.holder, "%d-%" PRIu64, instance->number, instance->epoch);
        instance->routes.count = 0;
        for (int i = 0; i < instance->sim->bank_count; i++)
                start_route(instance, &instance->sim->banks[i]);
        instance->store = calloc(1, sizeof *instance->store);
        if (!instance->store)
                abort();
        store.context = instance->store;
        instance->store->instance = instance;
        instance->saf = saf_new(&settings, &instance->routes, &store, &shell);
        if (!instance->saf)
                abort();
        instance->stirred = true;
}

void lines_throw_away(struct instance *instance)
{
        for (struct line *line = instance->sim->lines; line; line = line->next) {
                if (line->instance == instance->number && line->epoch == instance->epoch && line->bank_open)
                        network_carry_end(line->sim, event_of(line, EVENT_BANK_CLOSED), line->to_bank_ms);
        }
        for (size_t i = 0; i < instance->routes.count; i++) {
                struct bank_route *route = instance->routes.route[i];

                TAILQ_INIT(&route->sessions); /* their memory is the lines' */
                bank_route_free(route);
        }
        instance->routes.count = 0;
        saf_free(instance->saf);
        free(instance->store);
        instance->saf = NULL;
        instance->store = NULL;
}

void lines_drain(struct instance *instance)
{
        saf_drain(instance->saf);
        instance->stirred = true;
}

bool lines_are_quiet(const struct instance *instance)
{
        return saf_is_quiet(instance->saf);
}

void lines_stop(struct instance *instance)
{
        for (size_t i = 0; i < instance->routes.count; i++)
                bank_route_stop(instance->routes.route[i], "the daemon stops");
}

void lines_calm_down(struct instance *instance)
{
        for (size_t i = 0; i < instance->routes.count; i++)
                instance->routes.route[i]->settings.echo_interval_ms = instance->sim->echo_interval_ms;
}

void lines_tick(struct instance *instance)
{
        instance->stirred = false;
        for (size_t i = 0; i < instance->routes.count; i++)
                bank_route_tick(instance->routes.route[i]);
        saf_tick(instance->saf);
        service_tick(instance->service);
}

/* when something may come of a tick ------------------------------------------------------------------ */

static void sooner(int64_t *next_ms, int64_t ms)
{
        if (ms < *next_ms)
                *next_ms = ms;
}

static int64_t later(int64_t ms, int64_t other_ms)
{
        return ms > other_ms ? ms : other_ms;
}

static void see_session(int64_t *next_ms, const struct bank_session *session, bool calm)
{
        const struct bank_exchange *request = TAILQ_FIRST(&session->requests);
        const struct bank_exchange *notice = TAILQ_FIRST(&session->notices);

        if (session->state == BANK_SESSION_CLOSING)
                return;
        if (request)
                sooner(next_ms, request->deadline_ms);
        if (notice)
                sooner(next_ms, notice->deadline_ms);
        if (session->network_deadline_ms)
                sooner(next_ms, session->network_deadline_ms);
        else if (session->state == BANK_SESSION_SIGNING_ON || session->env->mute || /* for want of a MAC */
                 session->echo_due)
                sooner(next_ms, session->network_again_ms);
        else if (!calm) /* or it never ends */
                sooner(next_ms, later(session->heard_ms + session->env->settings->echo_interval_ms,
                                      session->network_again_ms));
}

static bool is_sent_to(const struct instance *instance, const char *link)
{
        const struct bank_route *route = bank_routes_find(&instance->routes, link);

        return route && bank_route_is_up(route);
}

/* What the store would find to do, if it is there. */
static void see_store(int64_t *next_ms, const struct instance *instance)
{
        const struct sim *sim = instance->sim;
        int64_t now_ms = sim->now_ms;

        if (instance->store->stage != STORE_IDLE || instance->is_cut)
                return;
        if (instance->stirred)
                sooner(next_ms, now_ms + TICK_MS);
        if (instance->drains)
                return;
        for (const struct memory_saf *row = sim->database->saf; row; row = row->hh.next) {
                int64_t due_ms = row->due_ms;
                int64_t when_ms = due_ms > now_ms ? due_ms : now_ms + SAF_POLL_MS;

                /* the cheapest first: this is asked after every event */
                if (when_ms < *next_ms && !row->parked && is_sent_to(instance, row->link) &&
                    memory_saf_is_first(sim->database, row))
                        *next_ms = when_ms;
        }
        for (size_t i = 0; i < sim->asked_count; i++) {
                int64_t old_ms = sim->asked[i]->asked_ms + REQUEST_TIMEOUT_MS + SWEEP_MARGIN_MS + 1;

                sooner(next_ms, old_ms > now_ms ? old_ms : now_ms + SWEEP_LOOK_MS);
        }
}

void lines_arm(struct instance *instance)
{
        struct sim *sim = instance->sim;
        /* what is armed already is the latest that matters */
        int64_t armed_ms = instance->banks_ms ? instance->banks_ms : INT64_MAX, next_ms = armed_ms;

        for (size_t i = 0; i < instance->routes.count; i++) {
                const struct bank_session *session;

                TAILQ_FOREACH(session, &instance->routes.route[i]->sessions, entry)
                {
                        see_session(&next_ms, session, sim->calm);
                }
        }
        see_store(&next_ms, instance);
        if (next_ms >= armed_ms)
                return;
        if (next_ms < sim->now_ms)
                next_ms = sim->now_ms;
        instance->banks_ms = next_ms;
        sim_put(sim, next_ms - sim->now_ms,
                (struct event){.kind = EVENT_BANKS, .number = instance->number, .epoch = instance->epoch});
}

void lines_event(struct instance *instance, const struct event *event)
{
        switch (event->kind) {
        case EVENT_BANKS:
                if (instance->banks_ms <= instance->sim->now_ms)
                        instance->banks_ms = 0;
                lines_tick(instance);
                break;
        case EVENT_STORE:
                step_store(instance);
                break;
        default:
                connect_line(instance, event->which / SIM_LINES, event->which % SIM_LINES);
                break;
        }
}
