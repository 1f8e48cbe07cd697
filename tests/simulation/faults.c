/*
 * The table of faults: tests/faults/fault_table.def. Each row is one withdrawal of one ATM over a link, with
 * two daemons, in which nothing goes wrong but what the row says, at the moment that it says. A fault that
 * strikes from outside strikes at every step of its moment, one run each: as many events after the moment has
 * come as there are before it is over. Each row is played with each bank, and so in each dialect; where the bank
 * answers with a code, with each code of its dialect that may be meant.
 */
#include "tests/simulation/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"

/* The table's words. */
enum what {
        WHAT_NOTHING,
        WHAT_BANK_SLOW,
        WHAT_BANK_LATE,
        WHAT_BANK_SILENT,
        WHAT_BANK_DEAF,
        WHAT_BANK_WRONG_ECHO,
        WHAT_BANK_WRONG_MAC,
        WHAT_BANK_DUPLICATE,
        WHAT_BANK_DECLINES,
        WHAT_BANK_REPEATED,
        WHAT_BANK_MISSING,
        WHAT_BANK_CASE,
        WHAT_BANK_AGAIN,
        WHAT_BANK_HANGS_UP,
        WHAT_BANK_DOWN,
        WHAT_BANK_KILLED,
        WHAT_BANK_LINE_CUT,
        WHAT_BANK_LINE_STALLED,
        WHAT_HOST_KILLED,
        WHAT_HOSTS_KILLED,
        WHAT_HOST_STALLED,
        WHAT_DATABASE_GONE,
        WHAT_MODULE_KILLED,
        WHAT_MODULE_STALLED,
        WHAT_ATM_GIVES_UP,
        WHAT_ATM_POWER_LOSS,
        WHAT_ATM_LINE_CUT,
        WHAT_PERSON_SAYS_NONE,
        WHAT_PERSON_HOST_KILLED,
        WHAT_PERSON_DATABASE_KILLED,
        WHAT_TARIFF_ADDED,
        WHAT_PREFIX_MOVED,
        WHAT_HALL_CLOSED,
        WHAT_LIMIT_LOWERED,
        WHAT_LINK_MOVED,
};

enum moment { MOMENT_ROUTE, MOMENT_REQUEST, MOMENT_DECIDED, MOMENT_NOTICE };
enum share { SHARE_ALL, SHARE_PART, SHARE_NONE };
enum host { HOST_COMPLETED, HOST_REVERSED, HOST_DECLINED };
enum people { PEOPLE_NOBODY, PEOPLE_CASE };

struct row {
        const char *name;
        enum what what;
        enum moment moment;
        enum share notes, atm;
        const char *de39;
        enum host host;
        enum share bank;
        enum people people;
        const char *text;
};

static const struct row rows[] = {
#define FAULT(name, what, moment, notes, atm, de39, host, bank, people, text)                                \
        {#name, WHAT_##what, MOMENT_##moment, SHARE_##notes,   SHARE_##atm,                                  \
         #de39, HOST_##host, SHARE_##bank,    PEOPLE_##people, text},
#include "tests/faults/fault_table.def"
#undef FAULT
};

enum {
        ROWS = sizeof rows / sizeof rows[0],
        AMOUNT_YEN = 13000,
        PART_YEN = 6000,
        EVENTS_MAX = 100000,
        DELAYS_MAX = 200,
        PATIENCE_MS = 30000,
        REPEATS = 3,
        /* an ATM that does not repeat: before anybody else ends its withdrawal */
        HASTE_MS = 6000,
        GIVES_UP_MS = 3000,
        DATABASE_GONE_MS = 12000,
        HOST_STALLED_MS = 60000,
        LINE_STALLED_MS = 20000,
        DOWN_MS = 20000,
        MODULE_AWAY_MS = 20000, /* longer than a bank is waited for, and less than an ATM waits */
        KILLED_MS = 500,
        ROUTE_DOWN_MS = 60000,
        SLOW_MS = 8000,
};

struct sim_script {
        const struct row *row;
        int bank, card;
        int delay;                        /* so many events after the moment */
        bool is_met, has_struck, is_over; /* the moment has come; the fault; the moment has gone */
        int to_go;
        int instance;  /* that asked the bank, or tells it */
        size_t choice; /* which of the bank's codes, */
        size_t codes;  /* of so many that there are */
};

/* what it asks for ---------------------------------------------------------------------------------- */

static bool is_of_module(enum what what)
{
        return what == WHAT_MODULE_KILLED || what == WHAT_MODULE_STALLED;
}

static bool all_lines_are_up(const struct sim *sim)
{
        for (int i = 0; i < sim->instance_count; i++) {
                for (size_t k = 0; k < sim->instances[i].routes.count; k++) {
                        if (sim->instances[i].routes.route[k]->up < SIM_LINES)
                                return false;
                }
        }
        return true;
}

bool script_wants_keys(const struct sim *sim)
{
        enum what what = sim->script->row->what;

        return what == WHAT_BANK_WRONG_MAC || is_of_module(what);
}

bool script_wants_customer(const struct sim *sim)
{
        const struct sim_script *script = sim->script;

        if (sim->atms[0].withdrawal_count > 0)
                return false;
        return script->row->moment == MOMENT_ROUTE ? script->has_struck : all_lines_are_up(sim);
}

int script_card(const struct sim *sim)
{
        return sim->script->card;
}

int64_t script_amount_yen(const struct sim *sim)
{
        (void)sim;
        return AMOUNT_YEN;
}

static int64_t yen_of(enum share share)
{
        return share == SHARE_ALL ? AMOUNT_YEN : share == SHARE_PART ? PART_YEN : 0;
}

int64_t script_dispensed_yen(const struct sim *sim)
{
        return yen_of(sim->script->row->notes);
}

static bool is_hasty(const struct row *row)
{
        return row->moment == MOMENT_REQUEST &&
               (row->what == WHAT_HOSTS_KILLED || row->what == WHAT_DATABASE_GONE ||
                row->what == WHAT_ATM_GIVES_UP);
}

int script_repeats(const struct sim *sim)
{
        return is_hasty(sim->script->row) ? 0 : REPEATS;
}

int64_t script_patience_ms(const struct sim *sim)
{
        const struct row *row = sim->script->row;

        return !is_hasty(row) ? PATIENCE_MS : row->what == WHAT_ATM_GIVES_UP ? GIVES_UP_MS : HASTE_MS;
}

int64_t script_slow_ms(const struct sim *sim)
{
        (void)sim;
        return SLOW_MS;
}

uint64_t script_choice(struct sim *sim, size_t count)
{
        sim->script->codes = count;
        return sim->script->choice;
}

/* the fault ----------------------------------------------------------------------------------------- */

static void each_line(struct sim *sim, void (*visit)(struct line *line))
{
        for (struct line *line = sim->lines; line; line = line->next) {
                if (line->bank == sim->script->bank && line->daemon_open && !line->daemon_gone)
                        visit(line);
        }
}

static void stall_line(struct line *line)
{
        line->wire.opened_ms = line->sim->now_ms + LINE_STALLED_MS;
}

static void lose_database(struct sim *sim)
{
        for (int i = 0; i < sim->instance_count; i++) {
                instance_set_cut(&sim->instances[i], true);
                sim_put(sim, DATABASE_GONE_MS, (struct event){.kind = EVENT_DATABASE_UP, .number = i});
        }
}

/* What an operator does, of the script's bank and the ATM's hall. */
static void change_reference(struct sim *sim, enum sim_change_kind kind)
{
        int issuer = sim->script->bank + 1, other = issuer % SIM_BANKS_MAX + 1;
        int32_t day = calendar_business_day(sim->now_ms);
        const struct sim_change changes[] = {
            [SIM_CHANGE_TARIFF] = {SIM_CHANGE_TARIFF, issuer, day + 1, 990},
            [SIM_CHANGE_PREFIX] = {SIM_CHANGE_PREFIX, issuer, day + 1, other},
            [SIM_CHANGE_HOURS] = {SIM_CHANGE_HOURS, 0, day, 0}, /* until six in the morning: it is noon */
            [SIM_CHANGE_LIMIT] = {SIM_CHANGE_LIMIT, 0, day, 1000},
            [SIM_CHANGE_LINK] = {SIM_CHANGE_LINK, issuer, day, other},
        };

        sim_change_reference(sim, &changes[kind]);
}

static void lose_modules(struct sim *sim, void (*lose)(struct instance *instance, int64_t ms))
{
        for (int i = 0; i < sim->instance_count; i++)
                lose(&sim->instances[i], MODULE_AWAY_MS);
}

static void kill_hosts(struct sim *sim)
{
        for (int i = 0; i < sim->instance_count; i++) {
                if (sim->instances[i].runs)
                        instance_crash(&sim->instances[i]);
        }
}

/* That nothing left the ATM, whose repeat comes on another connection. */
static void say_none(struct sim *sim)
{
        struct machine *atm = &sim->atms[0];

        (void)memory_operator_resolve(sim->database, &atm->withdrawals[0].identity, 0, sim->now_ms, 0);
        if (atm->link)
                link_cut(atm->link);
}

static void strike(struct sim *sim)
{
        struct sim_script *script = sim->script;
        struct sim_bank *bank = &sim->banks[script->bank];
        struct instance *instance = &sim->instances[script->instance];
        struct machine *atm = &sim->atms[0];

        script->has_struck = true;
        sim_tell(sim, "the fault strikes: %s", script->row->name);
        switch (script->row->what) {
        case WHAT_BANK_DOWN:
                bank_go_down(bank, script->row->moment == MOMENT_ROUTE ? ROUTE_DOWN_MS : DOWN_MS);
                break;
        case WHAT_BANK_KILLED:
                bank_go_down(bank, KILLED_MS);
                break;
        case WHAT_BANK_LINE_CUT:
                each_line(sim, line_cut);
                break;
        case WHAT_BANK_LINE_STALLED:
                each_line(sim, stall_line);
                break;
        case WHAT_HOST_KILLED:
                instance_crash(instance);
                break;
        case WHAT_HOSTS_KILLED:
                kill_hosts(sim);
                break;
        case WHAT_HOST_STALLED:
                instance_stall(instance, HOST_STALLED_MS);
                break;
        case WHAT_DATABASE_GONE:
                lose_database(sim);
                break;
        case WHAT_MODULE_KILLED:
                lose_modules(sim, module_kill);
                break;
        case WHAT_MODULE_STALLED:
                lose_modules(sim, module_stall);
                break;
        case WHAT_ATM_POWER_LOSS:
                atm_lose_power(atm);
                break;
        case WHAT_PERSON_SAYS_NONE:
                say_none(sim);
                break;
        case WHAT_PERSON_HOST_KILLED:
                instance_crash(instance);
                say_none(sim);
                break;
        case WHAT_PERSON_DATABASE_KILLED: /* of his first word nothing is left */
                lose_database(sim);
                say_none(sim);
                break;
        case WHAT_ATM_LINE_CUT:
                if (atm->link)
                        link_cut(atm->link);
                break;
        case WHAT_TARIFF_ADDED:
                change_reference(sim, SIM_CHANGE_TARIFF);
                break;
        case WHAT_PREFIX_MOVED:
                change_reference(sim, SIM_CHANGE_PREFIX);
                break;
        case WHAT_HALL_CLOSED:
                change_reference(sim, SIM_CHANGE_HOURS);
                break;
        case WHAT_LIMIT_LOWERED:
                change_reference(sim, SIM_CHANGE_LIMIT);
                break;
        case WHAT_LINK_MOVED:
                change_reference(sim, SIM_CHANGE_LINK);
                break;
        default:
                break; /* the bank has done it, or the ATM does it by itself */
        }
}

/* Is it something that may strike at any step? */
static bool is_from_outside(const struct row *row)
{
        switch (row->what) {
        case WHAT_HOST_KILLED:
        case WHAT_HOSTS_KILLED:
        case WHAT_HOST_STALLED:
        case WHAT_DATABASE_GONE:
        case WHAT_MODULE_KILLED:
        case WHAT_MODULE_STALLED:
        case WHAT_ATM_POWER_LOSS:
        case WHAT_ATM_LINE_CUT:
        case WHAT_BANK_LINE_CUT:
        case WHAT_TARIFF_ADDED:
        case WHAT_PREFIX_MOVED:
        case WHAT_HALL_CLOSED:
        case WHAT_LIMIT_LOWERED:
        case WHAT_LINK_MOVED:
                return row->moment == MOMENT_REQUEST || row->moment == MOMENT_NOTICE;
        default:
                return false;
        }
}

static void meet(struct sim *sim)
{
        if (sim->script->is_met)
                return;
        sim->script->is_met = true;
        sim->script->to_go = sim->script->delay;
}

void script_after_event(struct sim *sim)
{
        struct sim_script *script = sim->script;

        if (script->row->moment == MOMENT_ROUTE && !script->is_met && all_lines_are_up(sim))
                meet(sim);
        if (script->row->moment == MOMENT_NOTICE && script->is_met && !sim->database->saf)
                script->is_over = true;
        if (script->is_met && !script->has_struck && !script->is_over && script->to_go-- == 0)
                strike(sim);
}

/* What the bank does with the message at which the row's moment has come. */
static enum behaviour behaviour_of_row(const struct row *row)
{
        switch (row->what) {
        case WHAT_NOTHING:
                return BEHAVIOUR_NORMAL;
        case WHAT_BANK_LATE:
                return BEHAVIOUR_LATE;
        case WHAT_BANK_SILENT:
        case WHAT_BANK_KILLED:
                return BEHAVIOUR_SILENT;
        case WHAT_BANK_DEAF:
        case WHAT_BANK_DOWN:
                return BEHAVIOUR_DEAF;
        case WHAT_BANK_WRONG_ECHO:
                return BEHAVIOUR_WRONG_ECHO;
        case WHAT_BANK_WRONG_MAC:
                return BEHAVIOUR_WRONG_MAC;
        case WHAT_BANK_DUPLICATE:
                return BEHAVIOUR_DUPLICATE;
        case WHAT_BANK_DECLINES:
                return BEHAVIOUR_DECLINE;
        case WHAT_BANK_REPEATED:
                return BEHAVIOUR_REPEATED;
        case WHAT_BANK_MISSING:
                return BEHAVIOUR_MISSING;
        case WHAT_BANK_CASE:
                return BEHAVIOUR_CASE;
        case WHAT_BANK_AGAIN:
                return BEHAVIOUR_AGAIN;
        case WHAT_BANK_HANGS_UP:
                return BEHAVIOUR_HANG_UP;
        default:
                return BEHAVIOUR_SLOW; /* so that there is time for what comes from outside */
        }
}

enum behaviour script_behaviour(struct sim *sim, struct sim_bank *bank, struct line *line, const char *mti)
{
        struct sim_script *script = sim->script;
        bool is_request = strcmp(mti, "0200") == 0;

        if (bank->number != script->bank)
                return BEHAVIOUR_NORMAL;
        if (script->is_met || script->row->moment != (is_request ? MOMENT_REQUEST : MOMENT_NOTICE)) {
                if (is_request)
                        script->instance = line->instance;
                return BEHAVIOUR_NORMAL;
        }
        script->instance = line->instance;
        meet(sim);
        return behaviour_of_row(script->row);
}

/* A line that is cut now cuts nothing off any more. */
void script_heard_bank(struct sim *sim)
{
        struct sim_script *script = sim->script;

        if (script->is_met && script->row->what == WHAT_BANK_LINE_CUT)
                script->is_over = true;
}

/* What has been checked is believed: from here on it is as if the answer were decided. */
void script_checked_bank(struct sim *sim)
{
        struct sim_script *script = sim->script;

        if (script->is_met && script->row->moment == MOMENT_REQUEST && is_of_module(script->row->what))
                script->is_over = true;
}

void script_decided(struct sim *sim, const struct ledger_op *op)
{
        struct sim_script *script = sim->script;
        enum moment moment = script->row->moment;

        if (op->kind == LEDGER_REQUEST && op->answer.status == LEDGER_ASK && moment == MOMENT_REQUEST &&
            script->row->what == WHAT_BANK_LINE_STALLED)
                meet(sim);
        if (op->kind == LEDGER_OUTCOME && op->answer.status == LEDGER_DECIDED) {
                if (moment == MOMENT_DECIDED)
                        meet(sim);
                script->is_over = script->is_over || moment == MOMENT_REQUEST;
        }
        if (op->kind == LEDGER_ADVICE && moment == MOMENT_NOTICE &&
            (script->row->what == WHAT_BANK_LINE_STALLED || script->row->what == WHAT_ATM_POWER_LOSS))
                meet(sim);
        if (op->kind == LEDGER_ADVICE && moment == MOMENT_REQUEST)
                script->is_over = true;
}

/* playing ------------------------------------------------------------------------------------------- */

static bool is_done(const struct sim *sim)
{
        const struct machine *atm = &sim->atms[0];

        if (atm->withdrawal_count == 0 || !atm_is_quiet(atm) || sim->asked_count || sim->database->saf)
                return false;
        for (int i = 0; i < sim->instance_count; i++) {
                if (!sim->instances[i].runs || sim->instances[i].stalled_until_ms > sim->now_ms ||
                    sim->instances[i].is_cut)
                        return false;
        }
        return all_lines_are_up(sim);
}

/* 'xx': what the bank's code becomes. */
static bool has_heard(const struct sim *sim, const char *de39, const char *heard)
{
        const struct bank_codes *codes = &sim->banks[sim->script->bank].codes;
        struct behaviour_order order;

        if (strcmp(de39, "--") == 0)
                return true;
        if (strcmp(de39, "xx") != 0)
                return strcmp(de39, heard) == 0;
        (void)behaviour_order(BEHAVIOUR_DECLINE, codes, sim->script->choice, &order);
        return strcmp(reason_de39(bank_codes_reason(codes, order.de39)), heard) == 0;
}

static bool is_as_said(const struct sim *sim, const struct row *said)
{
        static const enum withdrawal_state states[] = {
            [HOST_COMPLETED] = WITHDRAWAL_COMPLETED,
            [HOST_REVERSED] = WITHDRAWAL_REVERSED,
            [HOST_DECLINED] = WITHDRAWAL_DECLINED,
        };
        const struct atm_withdrawal *w = &sim->atms[0].withdrawals[0];
        const struct memory_withdrawal *row = memory_withdrawal(sim->database, &w->identity);
        int64_t charge_yen =
            row ? row->request.price.customer_fee_yen + row->request.price.customer_tax_yen : 0;
        int64_t held_yen = said->bank == SHARE_NONE ? 0 : yen_of(said->bank) + charge_yen;
        unsigned cases = said->people == PEOPLE_CASE;

        return row && has_heard(sim, said->de39, w->heard) && w->dispensed_yen == yen_of(said->atm) &&
               memory_state(row) == states[said->host] && check_held_yen(sim, &w->identity) == held_yen &&
               HASH_COUNT(sim->database->exceptions) == cases &&
               check_has_case(sim, &w->identity) == (cases > 0);
}

static void tell_result(const struct sim *sim, const struct sim_script *script)
{
        const struct machine *atm = &sim->atms[0];
        const struct atm_withdrawal *w = atm->withdrawal_count ? &atm->withdrawals[0] : NULL;
        const struct memory_withdrawal *row = w ? memory_withdrawal(sim->database, &w->identity) : NULL;

        fprintf(stderr,
                "sim: row %s, bank %d, %d events after its moment, code %zu (%s): ", script->row->name,
                script->bank, script->delay, script->choice, script->row->text);
        if (sim->violated[0])
                fprintf(stderr, "%s is violated: %s\n", sim->violated, sim->violation);
        else if (!row)
                fprintf(stderr, "there was no withdrawal\n");
        else
                fprintf(stderr,
                        "the ATM heard '%s' and dispensed %" PRId64
                        " yen, the host says %s, the bank holds %" PRId64 " yen, %u "
                        "exceptions\n",
                        w->heard, w->dispensed_yen, withdrawal_state_name[memory_state(row)],
                        check_held_yen(sim, &w->identity), HASH_COUNT(sim->database->exceptions));
}

/* 1: as the row says; 0: not; -1: the moment was over before. */
static int play(struct sim_script *script, struct token_key *token_key, struct sim_counters *counters,
                bool trace)
{
        const struct row *row = script->row;
        struct sim *sim;
        bool good;
        int result;

        script->card = script->bank + (SIM_BANKS_MAX + 1);
        sim = sim_new_script((uint64_t)script->delay + 1, script, token_key, counters, trace);
        good = sim_run_script(sim, EVENTS_MAX, is_done);
        result = good && is_as_said(sim, row);
        if (script->delay > 0 && !script->has_struck)
                result = -1;
        else if (script->row->what != WHAT_NOTHING && !script->has_struck)
                result = 0;
        if (result == 0)
                tell_result(sim, script);
        sim_free(sim);
        return result;
}

/* Each code, or each step. */
static bool play_with_bank(const struct row *row, int bank, struct token_key *token_key,
                           struct sim_counters *counters, bool trace, int *runs)
{
        struct sim_script script;
        size_t choice = 0;
        int delay = 0, result;

        do {
                script = (struct sim_script){.row = row, .bank = bank, .delay = delay, .choice = choice};
                result = play(&script, token_key, counters, trace);
                *runs += result > 0;
                choice++;
                delay += is_from_outside(row);
        } while (result > 0 && (choice < script.codes || (is_from_outside(row) && delay < DELAYS_MAX)));
        return result != 0;
}

static bool play_row(const struct row *row, struct token_key *token_key, struct sim_counters *counters,
                     bool trace, int *runs)
{
        for (int bank = 0; bank < SIM_BANKS_MAX; bank++) {
                if (!play_with_bank(row, bank, token_key, counters, trace, runs))
                        return false;
        }
        return true;
}

bool faults_play(struct token_key *token_key, struct sim_counters *counters, const char *only, bool trace)
{
        int bad = 0, played = 0, runs = 0;

        for (size_t i = 0; i < ROWS; i++) {
                if (only && strcmp(only, rows[i].name) != 0)
                        continue;
                played++;
                bad += !play_row(&rows[i], token_key, counters, trace, &runs);
        }
        if (played == 0) {
                fprintf(stderr, "sim: the table of faults has no row '%s'\n", only);
                return false;
        }
        printf("%d rows of the table of faults, %d runs, %d rows did not end as they say\n", played, runs,
               bad);
        return bad == 0;
}
