/* Time, the world, faults, beginning and end of a run: see sim.h. */
#include "tests/simulation/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "rules/calendar.h"

#define NO_ECHO_MS (INT64_MAX / 4)

enum {
        CALM_EVENTS_MAX = 200000, /* whatever is open must have come to its end by then */
        SUMS_EVERY = 256,
        LONGEST_DAYS = 500,
        STORM_FACTOR = 12,
        STORM_EVENTS = 40,
};

/* Just before something changes: year and month ends, limits, taxes, hours, exclusions. */
static const char *const starts[] = {
    "2016-12-29T09:00", "2015-08-30T10:00", "2020-03-30T09:00",
    "2019-09-29T15:00", "2016-02-27T17:30", "2014-03-31T16:00",
};

void sim_tell(struct sim *sim, const char *format, ...)
{
        char moment[26];
        va_list arguments;

        if (!sim->trace)
                return;
        calendar_print_moment(sim->now_ms, moment);
        fprintf(stderr, "%s.%03d ", moment, (int)(sim->now_ms % 1000));
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
}

void sim_violate(struct sim *sim, const char *invariant, const char *format, ...)
{
        va_list arguments;

        if (sim->violated[0])
                return; /* the first is the one to look at */
        snprintf(sim->violated, sizeof sim->violated, "%s", invariant);
        va_start(arguments, format);
        vsnprintf(sim->violation, sizeof sim->violation, format, arguments);
        va_end(arguments);
        sim_tell(sim, "%s is violated: %s", sim->violated, sim->violation);
}

void sim_put(struct sim *sim, int64_t delay_ms, struct event event)
{
        assert(delay_ms >= 0);
        event.at_ms = sim->now_ms + delay_ms;
        queue_put(&sim->queue, event);
}

bool sim_chance(struct sim *sim, int permille)
{
        return !sim->calm && draw_permille(&sim->random, permille);
}

/* The cards take turns among the banks that there are. */
static int bank_of(const struct sim *sim, int card)
{
        int turn = card % (SIM_BANKS_MAX + 1);

        return turn < sim->bank_count ? turn : -1;
}

void sim_pan(const struct sim *sim, int card, char buffer[17])
{
        snprintf(buffer, 17, "99100%u%010u", (unsigned)(bank_of(sim, card % SIM_CARDS) + 1) % 10,
                 (unsigned)card % 1000);
}

/* the world ----------------------------------------------------------------------------------------- */

static void add_card(struct sim *sim, int number)
{
        struct sim_card *card = &sim->cards[number];
        char pan[17];

        sim_pan(sim, number, pan);
        token_of_pan(sim->token_key, pan, card->token[0]);
        card->number_count = 1;
        card->bank = bank_of(sim, number);
        card->excluded_day = INT32_MAX;
        if (number >= SIM_CARDS - 5 && number < SIM_CARDS - 3)
                memory_add_exclusion(sim->database, card->token[0], sim_day_of("2020-04-01"), INT32_MAX);
        if (number == SIM_CARDS - 1)
                return; /* no bank knows it */
        card->opening_yen = number % 6 == 5 ? 60000 : 10000000;
        if (card->bank >= 0) {
                sim_must(
                    bank_add_account(sim->banks[card->bank].bank, card->token[0], "3012", card->opening_yen),
                    "an account");
                return;
        }
        memory_add_card(sim->database, card->token[0], "3012", CARD_CASH);
        memory_add_account(sim->database, card->token[0], card->opening_yen);
        pins_give_card(sim, number);
        if (number == SIM_CARDS - 2)
                memory_set_card_status(sim->database, card->token[0], MEMORY_CARD_LOST);
}

static int rate(struct sim *sim, int most)
{
        return draw_permille(&sim->random, 650) ? draw_below(&sim->random, most + 1) : 0;
}

/* Where much is corrected, answers that come late by little, or twice, meet what they do not answer. */
static void draw_corrections(struct sim *sim)
{
        static const enum behaviour often[] = {BEHAVIOUR_LATE, BEHAVIOUR_SILENT, BEHAVIOUR_DEAF,
                                               BEHAVIOUR_DUPLICATE};

        sim->fumbles = draw_permille(&sim->random, 200);
        if (!sim->fumbles)
                return;
        for (size_t i = 0; i < sizeof often / sizeof often[0]; i++)
                sim->rates.bank[often[i]] = 120;
        sim->late_ms[0] = 800;
        sim->late_ms[1] = 5000;
}

static void draw_faults(struct sim *sim)
{
        sim->is_rough = draw_permille(&sim->random, 400);
        sim->rates = (struct sim_rates){
            .lost = rate(sim, 30),
            .doubled = rate(sim, 60),
            .overtaken = rate(sim, 300),
            .late = rate(sim, 60),
            .very_late = rate(sim, 40),
            .cut = rate(sim, 3),
            .crash = rate(sim, 4),
            .drain = rate(sim, 1),
            .lost_batch = rate(sim, 80),
            .slow_batch = rate(sim, 200),
            .database = rate(sim, 2),
            .power = rate(sim, 2),
            .reference = rate(sim, 3),
            .stall = rate(sim, 2),
            .cut_line = rate(sim, 4),
            .bank_down = rate(sim, 2),
            .person = rate(sim, 40),
            .closing = rate(sim, 20),
            .exclusion = rate(sim, 2),
            .holding = rate(sim, 15),
            .replacing = rate(sim, 4),
            .clock = rate(sim, 3),
        };
        for (int i = 0; i < BEHAVIOUR_COUNT; i++)
                sim->rates.bank[i] = rate(sim, i == BEHAVIOUR_DOWN ? 10 : 80);
        draw_corrections(sim);
}

static struct sim *make(uint64_t seed, struct token_key *token_key, struct sim_counters *counters, bool trace)
{
        struct sim *sim = calloc(1, sizeof *sim);

        if (!sim)
                abort();
        sim->seed = seed;
        sim->random.state = seed;
        sim->trace = trace;
        sim->counters = counters;
        sim->token_key = token_key;
        return sim;
}

static void draw_world(struct sim *sim)
{
        static const int64_t pauses_ms[] = {20000, 120000, 1200000, 14400000};

        if (!calendar_parse_moment(starts[draw_below(&sim->random, sizeof starts / sizeof starts[0])],
                                   &sim->now_ms))
                abort();
        sim->atm_count = 1 + draw_below(&sim->random, SIM_ATMS_MAX);
        sim->instance_count = 1 + draw_below(&sim->random, SIM_INSTANCES_MAX);
        sim->pause_ms = pauses_ms[draw_below(&sim->random, sizeof pauses_ms / sizeof pauses_ms[0])];
        sim->open_max = (size_t)draw_between(&sim->random, 4, 9);
        draw_faults(sim);
        sim->bank_count = draw_permille(&sim->random, 800) ? 1 + draw_below(&sim->random, SIM_BANKS_MAX) : 0;
}

static int64_t database_ms(void *context)
{
        return ((const struct sim *)context)->now_ms;
}

static void build(struct sim *sim, enum ledger_mem_defect defect)
{
        sim->echo_interval_ms = 30000 + 2 * sim->pause_ms;
        if (!sim->late_ms[1]) { /* longer than anybody waits */
                sim->late_ms[0] = 16000;
                sim->late_ms[1] = 120000;
        }
        for (int i = 0; i < sim->bank_count; i++)
                bank_open(sim, i);
        modules_open(sim, !sim->script && (defect == LEDGER_MEM_SOUND || defect >= LEDGER_MEM_TAKES_ANY_PIN));
        sim->database = memory_database_new(reference_of_now(sim));
        sim->database->defect = defect;
        sim->database->on_commit = check_commit;
        sim->database->context = sim;
        sim->database->clock_ms = database_ms;
        for (int i = 0; i < SIM_CARDS; i++)
                add_card(sim, i);
        for (int i = 0; i < sim->instance_count; i++) {
                sim->instances[i].sim = sim;
                sim->instances[i].number = i;
                sim->instances[i].skew_ms = draw_between(&sim->random, -3000, 3000);
                instance_start(&sim->instances[i]);
        }
        for (int i = 0; i < sim->atm_count; i++) {
                sim->atms[i].sim = sim;
                sim->atms[i].number = i;
                atm_start(&sim->atms[i]);
                modules_give_keys(&sim->atms[i]);
        }
        for (int i = 0; i < sim->bank_count; i++)
                modules_give_bank_keys(&sim->banks[i]);
}

struct sim *sim_new(uint64_t seed, enum ledger_mem_defect defect, struct token_key *token_key,
                    struct sim_counters *counters, bool trace)
{
        struct sim *sim = make(seed, token_key, counters, trace);

        draw_world(sim);
        build(sim, defect);
        return sim;
}

struct sim *sim_new_script(uint64_t seed, struct sim_script *script, struct token_key *token_key,
                           struct sim_counters *counters, bool trace)
{
        struct sim *sim = make(seed, token_key, counters, trace);

        if (!calendar_parse_moment("2016-12-29T12:00", &sim->now_ms))
                abort();
        sim->script = script;
        sim->atm_count = 1;
        sim->instance_count = 2;
        sim->bank_count = SIM_BANKS_MAX;
        sim->open_max = 8;
        sim->pause_ms = 1000;
        build(sim, LEDGER_MEM_SOUND);
        return sim;
}

void sim_free(struct sim *sim)
{
        for (int i = 0; i < sim->instance_count; i++)
                instance_free(&sim->instances[i]);
        for (int i = 0; i < sim->atm_count; i++)
                atm_free(&sim->atms[i]);
        while (sim->links) {
                struct link *link = sim->links;

                sim->links = link->next;
                link_free(link);
        }
        while (sim->lines) {
                struct line *line = sim->lines;

                sim->lines = line->next;
                line_free(line);
        }
        for (int i = 0; i < sim->bank_count; i++)
                bank_close(&sim->banks[i]);
        modules_close(sim);
        free(sim->asked);
        free(sim->closed);
        free(sim->held);
        queue_clear(&sim->queue);
        check_free(sim);
        memory_database_free(sim->database);
        for (int i = 0; i < sim->reference_count; i++) {
                reference_free(sim->references[i]);
                reference_free(sim->torn[i]);
        }
        free(sim);
}

/* faults -------------------------------------------------------------------------------------------- */

/* Of an event. One that happens makes others likely for a while. */
static bool strikes(struct sim *sim, int permille)
{
        bool does = sim_chance(sim, sim->storm > 0 ? permille * STORM_FACTOR : permille);

        if (does)
                sim->storm = draw_below(&sim->random, STORM_EVENTS);
        return does;
}

static struct instance *some_instance(struct sim *sim)
{
        return &sim->instances[draw_below(&sim->random, sim->instance_count)];
}

static void lose_database(struct sim *sim)
{
        int64_t back_ms = draw_between(&sim->random, 500, 120000);
        int first = 0, last = sim->instance_count - 1;

        if (draw_permille(&sim->random, 500))
                first = last = draw_below(&sim->random, sim->instance_count);
        sim->counters->database_losses++;
        for (int i = first; i <= last; i++) {
                instance_set_cut(&sim->instances[i], true);
                sim_put(sim, back_ms, (struct event){.kind = EVENT_DATABASE_UP, .number = i});
        }
}

/* Mostly right again, or nearly; sometimes by so much that its daemon may take DE 7 for a moment of another year. */
static void set_some_clock(struct sim *sim)
{
        static const int64_t by_ms[] = {3000, 3000, 3000, 120000, 120000, 400 * (int64_t)DAY_MS};
        int64_t most_ms = by_ms[draw_below(&sim->random, sizeof by_ms / sizeof by_ms[0])];

        instance_set_clock(some_instance(sim), draw_between(&sim->random, -most_ms, most_ms));
}

static void cut_some_line(struct sim *sim)
{
        int count = 0, pick;

        for (struct line *line = sim->lines; line; line = line->next)
                count += line->daemon_open && !line->daemon_gone && !line->wire.is_cut;
        pick = count ? draw_below(&sim->random, count) : 0;
        for (struct line *line = sim->lines; line && count; line = line->next) {
                if (!line->daemon_open || line->daemon_gone || line->wire.is_cut || pick-- > 0)
                        continue;
                sim->counters->cut_lines++;
                line_cut(line);
                return;
        }
}

static void do_faults(struct sim *sim)
{
        const struct sim_rates *rates = &sim->rates;
        struct machine *atm = &sim->atms[draw_below(&sim->random, sim->atm_count)];

        sim->storm -= sim->storm > 0;
        if (strikes(sim, rates->crash))
                instance_doom(some_instance(sim));
        for (int i = 0; i < sim->instance_count; i++)
                instance_fate(&sim->instances[i]);
        if (strikes(sim, rates->drain))
                instance_drain(some_instance(sim));
        if (strikes(sim, rates->cut) && atm->link) {
                sim->counters->cut_connections++;
                link_cut(atm->link);
        }
        if (strikes(sim, rates->power))
                atm_lose_power(atm);
        if (strikes(sim, rates->database))
                lose_database(sim);
        if (strikes(sim, rates->reference))
                desk_changes_reference(sim);
        if (strikes(sim, rates->stall))
                instance_stall(some_instance(sim), draw_between(&sim->random, 1000, 90000));
        if (strikes(sim, rates->clock))
                set_some_clock(sim);
        if (strikes(sim, rates->cut_line))
                cut_some_line(sim);
        if (sim_chance(sim, rates->person))
                desk_decides(sim);
        if (sim_chance(sim, rates->closing))
                desk_closes(sim);
        if (sim_chance(sim, rates->exclusion))
                desk_excludes(sim);
        if (sim_chance(sim, rates->holding))
                desk_holds(sim);
        if (sim_chance(sim, rates->replacing))
                desk_replaces(sim);
        pins_unblock(sim);
        if (sim->bank_count && strikes(sim, rates->bank_down))
                bank_go_down(&sim->banks[draw_below(&sim->random, sim->bank_count)],
                             draw_between(&sim->random, 500, 600000));
}

/* running ------------------------------------------------------------------------------------------- */

static uint64_t fold(uint64_t digest, uint64_t word)
{
        uint64_t state = digest ^ word;

        return random_mix(&state);
}

static void digest(struct sim *sim, const struct event *event)
{
        sim->digest = fold(sim->digest, (uint64_t)event->at_ms);
        sim->digest = fold(sim->digest, (uint64_t)event->kind << 32 | (uint32_t)event->number);
        sim->digest = hash_bytes(sim->digest, event->bytes, event->length);
}

/* The daemon that an event is for; NULL: none, or its connection is of a former life. */
static struct instance *daemon_of(struct sim *sim, const struct event *event)
{
        switch (event->kind) {
        case EVENT_OPENED:
        case EVENT_TO_DAEMON:
        case EVENT_DAEMON_CLOSED:
        case EVENT_PUMP:
                return &sim->instances[event->link->instance];
        case EVENT_LINE_OPENED:
        case EVENT_FROM_BANK:
        case EVENT_LINE_CLOSED:
                return &sim->instances[event->line->instance];
        case EVENT_LEDGER:
        case EVENT_TICK:
        case EVENT_POLL:
        case EVENT_RELIEF:
        case EVENT_MODULE:
        case EVENT_KEYS:
        case EVENT_BANKS:
        case EVENT_STORE:
        case EVENT_CONNECT:
                return &sim->instances[event->number];
        default:
                return NULL;
        }
}

/* A daemon that stands still does it when it goes on. */
static bool is_put_off(struct sim *sim, const struct event *event)
{
        const struct instance *instance = daemon_of(sim, event);

        if (!instance || !instance->runs || instance->stalled_until_ms <= event->at_ms)
                return false;
        sim_put(sim, instance->stalled_until_ms - sim->now_ms, *event);
        return true;
}

static bool is_month_end(int64_t before_ms, int64_t now_ms)
{
        int32_t before = calendar_business_day(before_ms), now = calendar_business_day(now_ms);

        return before != now && calendar_month_of(before) != calendar_month_of(now);
}

/* False: nothing is left to happen. */
static bool do_event(struct sim *sim)
{
        struct event event;
        int64_t before_ms = sim->now_ms;

        if (!queue_take(&sim->queue, &event))
                return false;
        if (is_put_off(sim, &event))
                return true;
        sim->now_ms = event.at_ms;
        sim->counters->events++;
        sim->counters->month_ends += is_month_end(before_ms, sim->now_ms);
        digest(sim, &event);
        if (event.link)
                link_event(event.link, &event);
        else if (event.line)
                line_event(event.line, &event);
        else if (event.kind == EVENT_BANK_UP)
                bank_come_up(&sim->banks[event.number]);
        else if (event.kind == EVENT_ATM)
                atm_timer(&sim->atms[event.number], event.epoch);
        else
                instance_event(&sim->instances[event.number], &event);
        free(event.bytes);
        return true;
}

static void play(struct sim *sim, int steps)
{
        int64_t last_ms = sim->now_ms + LONGEST_DAYS * (int64_t)DAY_MS;

        for (int i = 0; i < steps && !sim->violated[0] && sim->now_ms < last_ms; i++) {
                if (!do_event(sim))
                        break;
                do_faults(sim);
                if (i % SUMS_EVERY == 0) {
                        check_sums(sim);
                        /* days that are not over among them, so that much is posted to days that have their sums */
                        memory_sum_up(sim->database, calendar_business_day(sim->now_ms));
                }
        }
}

/* No more faults, no more customers: all that is open ends. */
static void calm_down(struct sim *sim)
{
        int events = 0;

        sim_tell(sim, "calm");
        sim->calm = true;
        for (int i = 0; i < sim->instance_count; i++)
                instance_set_cut(&sim->instances[i], false);
        for (int i = 0; i < sim->instance_count; i++)
                instance_set_clock(&sim->instances[i], 0);
        for (int i = 0; i < sim->bank_count; i++)
                bank_come_up(&sim->banks[i]);
        desk_lets_go(sim);
        sim->echo_interval_ms = NO_ECHO_MS;
        for (int i = 0; i < sim->instance_count; i++)
                lines_calm_down(&sim->instances[i]);
        while (!sim->violated[0] && do_event(sim)) {
                if (events++ == CALM_EVENTS_MAX)
                        sim_violate(sim, "liveness", "%d events later there is still something to do",
                                    CALM_EVENTS_MAX);
        }
}

static bool end(struct sim *sim)
{
        if (!sim->violated[0])
                calm_down(sim);
        for (int i = 0; i < sim->instance_count && !sim->violated[0]; i++) {
                if (!instance_is_quiet(&sim->instances[i]))
                        sim_violate(sim, "liveness", "daemon %d still has a transaction open", i);
        }
        if (!sim->violated[0])
                check_end(sim);
        return !sim->violated[0];
}

bool sim_run(struct sim *sim, int steps)
{
        play(sim, steps);
        return end(sim);
}

bool sim_run_script(struct sim *sim, int steps, bool (*is_done)(const struct sim *sim))
{
        int done = 0;

        while (done < steps && !sim->violated[0] && !is_done(sim) && do_event(sim)) {
                script_after_event(sim);
                done++;
        }
        if (done == steps)
                sim_violate(sim, "liveness", "%d events later it is not done", steps);
        return end(sim);
}
