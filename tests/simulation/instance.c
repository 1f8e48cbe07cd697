/*
 * A daemon and its connections to ATMs: the real session, service and transactions; the network is ours.
 *
 * What has arrived waits in the connection until the session takes it, as in conn.c: not while it is paused,
 * nor while the service is congested. A crash frees everything at once; answers that had left may still
 * arrive.
 */
#include "tests/simulation/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
        REQUEST_TIMEOUT_MS = 20000,
        SKEW_LIMIT_MS = 300000,
        BATCH_MAX = 3,
        RESTART_MS = 3000,
        LINGER_MS = 20,
        PAST_DEADLINE_MS = 1000,
        RESTART_MIN_MS = 50,
        STORM_EVENTS = 8,
};

static struct instance *instance_of(struct link *link)
{
        return &link->sim->instances[link->instance];
}

/* Is the daemon that this connection leads to still the same? */
static bool is_current(struct link *link)
{
        return instance_of(link)->runs && instance_of(link)->epoch == link->epoch;
}

/* connections of ATMs ------------------------------------------------------------------------------- */

struct link *link_connect(struct machine *atm, int instance)
{
        struct sim *sim = atm->sim;
        struct link *link = calloc(1, sizeof *link);

        if (!link)
                abort();
        link->sim = sim;
        link->atm = atm->number;
        link->instance = instance;
        link->epoch = sim->instances[instance].epoch;
        link->atm_open = true;
        link->last = &link->first;
        link->next = sim->links;
        sim->links = link;
        sim->counters->connections++;
        link->wire.opened_ms = sim->now_ms + draw_between(&sim->random, 5, 200);
        sim_put(sim, link->wire.opened_ms - sim->now_ms, (struct event){.kind = EVENT_OPENED, .link = link});
        return link;
}

void link_send(struct link *link, const uint8_t *bytes, size_t length)
{
        assert(link->atm_open);
        network_carry(link->sim, &link->wire, (struct event){.kind = EVENT_TO_DAEMON, .link = link},
                      &link->to_daemon_ms, bytes, length);
}

void link_hang_up(struct link *link)
{
        assert(link->atm_open);
        link->atm_open = false;
        network_carry_end(link->sim, (struct event){.kind = EVENT_DAEMON_CLOSED, .link = link},
                          link->to_daemon_ms);
}

void link_cut(struct link *link)
{
        link->wire.is_cut = true;
        network_carry_end(link->sim, (struct event){.kind = EVENT_ATM_CLOSED, .link = link}, 0);
        /* who only listens finds out late */
        sim_put(link->sim, draw_between(&link->sim->random, 1, 90000),
                (struct event){.kind = EVENT_DAEMON_CLOSED, .link = link});
}

static void forget_frames(struct link *link)
{
        while (link->first) {
                struct frame *frame = link->first;

                link->first = frame->next;
                free(frame->bytes);
                free(frame);
        }
        link->last = &link->first;
}

void link_free(struct link *link)
{
        forget_frames(link);
        free(link);
}

/* a session's peer ---------------------------------------------------------------------------------- */

static void peer_send(void *peer, const uint8_t *message, size_t length)
{
        struct link *link = peer;
        struct machine *atm = &link->sim->atms[link->atm];
        struct iso_message answer;
        struct iso_error error;

        if (!atm->key_set)
                check_answer(link->sim, link, message,
                             length); /* else before its MAC was asked for: modules.c */
        if (iso_decode(&iso_dialect_ascii, message, length, &answer, &error) < 0 ||
            !modules_answer_is_right(atm, &answer, message, length))
                sim_violate(link->sim, "I11", "%s gets an answer without the right MAC", atm->terminal);
        network_carry(link->sim, &link->wire, (struct event){.kind = EVENT_TO_ATM, .link = link},
                      &link->to_atm_ms, message, length);
}

static void peer_close(void *peer, enum session_end end, const char *reason)
{
        struct link *link = peer;

        bool has_keys = link->sim->atms[link->atm].key_set > 0; /* and makes mistakes */

        if (end != SESSION_END_REPLACED && end != SESSION_END_SHUTDOWN &&
            !(end == SESSION_END_MAC && has_keys))
                sim_violate(link->sim, "dialog", "a session of a well-behaved ATM was closed: %s", reason);
        link->sim->counters->replaced_connections += end == SESSION_END_REPLACED;
        link->closing = true;
        network_carry_end(link->sim, (struct event){.kind = EVENT_ATM_CLOSED, .link = link}, link->to_atm_ms);
        sim_put(link->sim, LINGER_MS, (struct event){.kind = EVENT_DAEMON_CLOSED, .link = link});
}

static void peer_pause(void *peer)
{
        struct link *link = peer;

        assert(!link->paused);
        link->paused = true;
}

static void peer_resume(void *peer)
{
        struct link *link = peer;

        assert(link->paused);
        link->paused = false;
        sim_put(link->sim, 0, (struct event){.kind = EVENT_PUMP, .link = link});
}

static const struct session_ops session_ops = {peer_send, peer_close, peer_pause, peer_resume};

/* the daemon ---------------------------------------------------------------------------------------- */

static int64_t steady_ms(void *context)
{
        return ((struct instance *)context)->sim->now_ms;
}

int64_t instance_real_ms(void *context)
{
        struct instance *instance = context;

        return instance->sim->now_ms + instance->skew_ms;
}

/* It is measured at once: how that is done, tests/unit/test_clock_watch.c sees to. */
static void measure_clock(struct instance *instance)
{
        struct sim *sim = instance->sim;

        (void)clock_watch_hear(&instance->clock, sim->now_ms, 0, instance_real_ms(instance), sim->now_ms);
        if (!instance->runs)
                return;
        service_set_clock(instance->service, instance->clock.state);
        sim->counters->clocks_off += instance->clock.state == CLOCK_OFF;
        sim->counters->clocks_lost += instance->clock.state == CLOCK_LOST;
}

void instance_set_clock(struct instance *instance, int64_t skew_ms)
{
        sim_tell(instance->sim, "daemon %d: its clock is set to %" PRId64 " ms ahead", instance->number,
                 skew_ms);
        instance->sim->counters->clocks_set++;
        instance->skew_ms = skew_ms;
        measure_clock(instance);
}

static void on_notice(void *context)
{
        struct instance *instance = context;

        saf_nudge(instance->saf);
}

static void on_relief(void *context)
{
        struct instance *instance = context;

        if (instance->relief_armed)
                return;
        instance->relief_armed = true;
        sim_put(instance->sim, 0,
                (struct event){.kind = EVENT_RELIEF, .number = instance->number, .epoch = instance->epoch});
}

void instance_start(struct instance *instance)
{
        struct sim *sim = instance->sim;
        struct ledger_mem_options options = {.queue_max = 40,
                                             .batch_max = BATCH_MAX,
                                             .times = {.wait_ms = SIM_WAIT_MS, .correct_ms = SIM_CORRECT_MS}};
        struct service_settings settings = {
            .clock = clock_real,
            .skew_limit_ms = SKEW_LIMIT_MS,
            .request_timeout_ms = REQUEST_TIMEOUT_MS,
            .open_max = sim->open_max,
            .open_resume = sim->open_max / 2 > BATCH_MAX ? sim->open_max / 2 : BATCH_MAX,
        };
        struct service_shell shell = {instance_real_ms, steady_ms, on_relief, instance};
        struct service_banks banks = {&instance->routes, on_notice, instance};

        assert(!instance->runs);
        instance->epoch++;
        instance->runs = true;
        instance->is_doomed = instance->is_due = false;
        instance->drains = instance->ledger_armed = instance->relief_armed = false;
        instance->tick_ms = instance->banks_ms = instance->stalled_until_ms = 0;
        instance->ledger = ledger_mem_new(sim->database, &options);
        instance->service = service_new(&settings, &shell, instance->ledger, sim->token_key);
        if (!instance->service)
                abort();
        measure_clock(instance);
        if (instance->is_cut)
                ledger_mem_set_down(instance->ledger, true);
        sim_tell(sim, "daemon %d starts", instance->number);
        lines_start(instance);
        module_start(instance);
        instance->sessions = (struct session_env){.service = instance->service, .keys = &instance->keys};
        service_set_banks(instance->service, &banks);
        service_set_keys(instance->service, &instance->keys);
}

static void throw_away(struct instance *instance)
{
        module_throw_away(instance);
        ledger_free(instance->ledger);
        lines_throw_away(instance);
        service_free(instance->service);
        instance->ledger = NULL;
        instance->service = NULL;
        instance->runs = false;
}

static void count_crash(struct sim_counters *counters, enum ledger_mem_stage stage)
{
        switch (stage) {
        case LEDGER_MEM_IDLE:
                counters->crashes_idle++;
                break;
        case LEDGER_MEM_WAITING:
                counters->crashes_waiting++;
                break;
        case LEDGER_MEM_IN_FLIGHT:
                counters->crashes_in_flight++;
                break;
        case LEDGER_MEM_COMMITTED:
                counters->crashes_after_commit++;
                break;
        }
}

void instance_crash(struct instance *instance)
{
        struct sim *sim = instance->sim;

        sim_tell(sim, "daemon %d dies, ledger at stage %d", instance->number,
                 (int)ledger_mem_stage(instance->ledger));
        if (instance->is_due)
                sim->counters->crashes_after_answer++;
        else
                count_crash(sim->counters, ledger_mem_stage(instance->ledger));
        for (struct link *link = sim->links; link; link = link->next) {
                if (link->instance != instance->number || link->epoch != instance->epoch)
                        continue;
                link->daemon_open = false;
                forget_frames(link);
                if (link->atm_open)
                        network_carry_end(link->sim, (struct event){.kind = EVENT_ATM_CLOSED, .link = link},
                                          draw_permille(&sim->random, 500) ? link->to_atm_ms : 0);
        }
        throw_away(instance);
        sim_put(sim, draw_between(&sim->random, RESTART_MIN_MS, 2 * RESTART_MS),
                (struct event){.kind = EVENT_START, .number = instance->number});
}

void instance_stall(struct instance *instance, int64_t ms)
{
        struct sim *sim = instance->sim;

        if (!instance->runs)
                return;
        sim_tell(sim, "daemon %d stands still for %" PRId64 " ms", instance->number, ms);
        sim->counters->stalls++;
        instance->stalled_until_ms = sim->now_ms + ms;
        /* the database goes on with what it was given */
        if (!sim->script && ledger_mem_stage(instance->ledger) == LEDGER_MEM_IN_FLIGHT &&
            draw_permille(&sim->random, 500))
                ledger_mem_step(instance->ledger);
}

/* Most daemons are idle at most moments; those that die should often be at work. */
void instance_doom(struct instance *instance)
{
        struct draws *random = &instance->sim->random;

        if (instance->is_doomed || !instance->runs)
                return;
        instance->is_doomed = true;
        instance->doom = (enum ledger_mem_stage)draw_below(random, LEDGER_MEM_COMMITTED + 1);
        instance->doomed_after = instance->doom == LEDGER_MEM_COMMITTED && draw_permille(random, 500);
}

void instance_fate(struct instance *instance)
{
        enum ledger_mem_stage stage;

        if (!instance->is_doomed || !instance->runs || instance->sim->calm)
                return;
        stage = ledger_mem_stage(instance->ledger);
        if (instance->is_due ? stage != instance->doom : stage == instance->doom && !instance->doomed_after)
                instance_crash(instance);
        else
                instance->is_due = instance->doomed_after && stage == instance->doom;
}

/* Once drained and nobody is connected, the process ends and another is started. */
static void end_drain(struct instance *instance)
{
        if (!instance->drains || session_index_count(instance->service->sessions) > 0 ||
            instance->service->pool.taken > 0 || !lines_are_quiet(instance))
                return;
        sim_tell(instance->sim, "daemon %d ends", instance->number);
        lines_stop(instance);
        throw_away(instance);
        sim_put(instance->sim, RESTART_MS, (struct event){.kind = EVENT_START, .number = instance->number});
}

static void drain_session(struct session_entry *entry, void *context)
{
        (void)context;
        session_drain(session_of(entry));
}

void instance_drain(struct instance *instance)
{
        if (!instance->runs || instance->drains)
                return;
        sim_tell(instance->sim, "daemon %d drains", instance->number);
        instance->sim->counters->drains++;
        instance->drains = true;
        lines_drain(instance);
        session_index_each(instance->service->sessions, drain_session, NULL);
        end_drain(instance);
}

void instance_set_cut(struct instance *instance, bool is_cut)
{
        if (instance->is_cut == is_cut)
                return;
        sim_tell(instance->sim, "daemon %d %s the database", instance->number, is_cut ? "loses" : "reaches");
        instance->is_cut = is_cut;
        if (instance->runs) {
                ledger_mem_set_down(instance->ledger, is_cut);
                lines_set_cut(instance);
        }
        instance_arm(instance);
}

/* When the service has something to do by itself: deadlines, and repeats that look again. */
static int64_t next_tick_ms(const struct instance *instance)
{
        const struct service *service = instance->service;
        int64_t now_ms = instance->sim->now_ms, next_ms = INT64_MAX;
        const struct txn *txn;

        if (TAILQ_EMPTY(&service->open))
                return INT64_MAX;
        next_ms = TAILQ_FIRST(&service->open)->deadline_ms;
        if (next_ms <= now_ms)
                next_ms = now_ms + PAST_DEADLINE_MS;
        if (service->pending == 0)
                return next_ms;
        TAILQ_FOREACH(txn, &service->open, entry)
        {
                if (txn->state == TXN_PENDING && txn->poll_ms < next_ms)
                        next_ms = txn->poll_ms > now_ms ? txn->poll_ms : now_ms;
        }
        return next_ms;
}

static void arm_tick(struct instance *instance)
{
        int64_t next_ms = next_tick_ms(instance);

        if (next_ms == INT64_MAX || (instance->tick_ms && instance->tick_ms <= next_ms))
                return;
        instance->tick_ms = next_ms;
        sim_put(instance->sim, next_ms - instance->sim->now_ms,
                (struct event){.kind = EVENT_TICK, .number = instance->number, .epoch = instance->epoch});
}

void instance_arm(struct instance *instance)
{
        struct sim *sim = instance->sim;
        struct event event = {.kind = EVENT_LEDGER, .number = instance->number, .epoch = instance->epoch};

        if (!instance->runs)
                return;
        if (!instance->ledger_armed && ledger_mem_stage(instance->ledger) != LEDGER_MEM_IDLE) {
                instance->ledger_armed = true;
                /* a database that is slow now and then, slower than the time limit even */
                sim_put(sim,
                        sim_chance(sim, sim->rates.slow_batch) ? draw_between(&sim->random, 1000, 30000)
                                                               : draw_between(&sim->random, 0, 8),
                        event);
        }
        arm_tick(instance);
        lines_arm(instance);
        end_drain(instance);
}

static void step_ledger(struct instance *instance)
{
        struct sim *sim = instance->sim;
        uint64_t stale = instance->service->count.stale, silent = instance->service->count.silent;

        instance->ledger_armed = false;
        if (sim_chance(sim, sim->rates.lost_batch)) {
                sim_tell(sim, "daemon %d: the database connection is lost at stage %d", instance->number,
                         (int)ledger_mem_stage(instance->ledger));
                sim->counters->lost_batches++;
                sim->storm = STORM_EVENTS;
                ledger_mem_lose(instance->ledger);
        } else {
                ledger_mem_step(instance->ledger);
        }
        sim->counters->stale_decisions += (int64_t)(instance->service->count.stale - stale);
        sim->counters->silences += (int64_t)(instance->service->count.silent - silent);
}

static void pump(struct link *link)
{
        struct instance *instance = instance_of(link);

        while (link->first && link->daemon_open && !link->paused && !link->closing && is_current(link)) {
                struct frame *frame = link->first;

                if (service_is_congested(instance->service)) {
                        link->sim->counters->congestions++;
                        return;
                }
                link->first = frame->next;
                if (!link->first)
                        link->last = &link->first;
                session_frame(&link->session, frame->bytes, frame->length);
                free(frame->bytes);
                free(frame);
        }
}

static void relieve(struct instance *instance)
{
        instance->relief_armed = false;
        for (struct link *link = instance->sim->links; link; link = link->next) {
                if (link->instance == instance->number)
                        pump(link);
        }
}

void instance_event(struct instance *instance, const struct event *event)
{
        if (event->kind == EVENT_START) {
                if (!instance->runs)
                        instance_start(instance);
        } else if (event->kind == EVENT_DATABASE_UP) {
                instance_set_cut(instance, false);
        } else if (instance->runs && instance->epoch == event->epoch) {
                switch (event->kind) {
                case EVENT_LEDGER:
                        step_ledger(instance);
                        break;
                case EVENT_TICK:
                        if (instance->tick_ms <= instance->sim->now_ms)
                                instance->tick_ms = 0;
                        service_tick(instance->service);
                        break;
                case EVENT_BANKS:
                case EVENT_STORE:
                case EVENT_CONNECT:
                        lines_event(instance, event);
                        break;
                case EVENT_MODULE:
                        module_event(instance);
                        break;
                case EVENT_KEYS:
                        module_keys_event(instance);
                        break;
                case EVENT_POLL:
                        ledger_mem_poll(instance->ledger);
                        service_tick(instance->service);
                        break;
                default:
                        relieve(instance);
                        break;
                }
        }
        instance_arm(instance);
}

bool instance_is_quiet(const struct instance *instance)
{
        const struct service *service = instance->service;

        return instance->runs && !instance->asked && TAILQ_EMPTY(&instance->readers) &&
               TAILQ_EMPTY(&service->open) && service->pool.taken == 0 && service->waiting == 0 &&
               service->stale == 0 && !service->congested;
}

void instance_free(struct instance *instance)
{
        if (instance->runs)
                throw_away(instance);
}

/* events of a connection ---------------------------------------------------------------------------- */

static void open_at_daemon(struct link *link)
{
        struct instance *instance = instance_of(link);

        if (!is_current(link) || instance->drains) {
                network_carry_end(link->sim, (struct event){.kind = EVENT_ATM_CLOSED, .link = link},
                                  link->to_atm_ms);
                return;
        }
        link->daemon_open = session_open(&link->session, &instance->sessions, &session_ops, link,
                                         link->sim->atms[link->atm].terminal);
        assert(link->daemon_open);
}

static void arrive_at_daemon(struct link *link, struct event *event)
{
        struct frame *frame;

        if (!is_current(link) || !link->daemon_open || link->closing)
                return;
        frame = malloc(sizeof *frame);
        if (!frame)
                abort();
        *frame = (struct frame){.bytes = event->bytes, .length = event->length};
        event->bytes = NULL;
        *link->last = frame;
        link->last = &frame->next;
        pump(link);
}

static void close_at_daemon(struct link *link)
{
        if (!is_current(link) || !link->daemon_open)
                return;
        link->daemon_open = false;
        forget_frames(link);
        session_closed(&link->session);
}

void link_event(struct link *link, struct event *event)
{
        struct machine *atm = &link->sim->atms[link->atm];

        switch (event->kind) {
        case EVENT_OPENED:
                open_at_daemon(link);
                break;
        case EVENT_TO_DAEMON:
                arrive_at_daemon(link, event);
                break;
        case EVENT_DAEMON_CLOSED:
                close_at_daemon(link);
                break;
        case EVENT_PUMP:
                pump(link);
                break;
        case EVENT_TO_ATM:
                if (link->atm_open)
                        atm_hear(atm, link, event->bytes, event->length);
                return;
        default:
                if (link->atm_open) {
                        link->atm_open = false;
                        atm_hung_up(atm, link);
                }
                return;
        }
        if (is_current(link))
                instance_arm(instance_of(link));
}
