/*
 * The reference data: what operators have set, by version, and what follows from it for a withdrawal by docs/protocol.md's and the
 * business's definitions alone, by plain loops over the rows.
 */
#include "tests/simulation/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "rules/calendar.h"

enum {
        PAST_DAYS = 300,
        FUTURE_DAYS = 900,
        HOURS_OPEN = 6, /* of a hall whose hours operators have changed */
};

int32_t sim_day_of(const char *text)
{
        int32_t day;

        if (!calendar_parse_day(text, &day))
                abort();
        return day;
}

void sim_must(bool good, const char *error)
{
        if (good)
                return;
        fprintf(stderr, "sim: the reference data of the simulation: %s\n", error);
        abort();
}

static const char *const issuer_names[] = {"HOUSE", "BANKA", "BANKB", "BANKC"};

/* As it is in the beginning. */
static const struct {
        int issuer;
        enum band band;
        const char *from;
        int customer_fee_yen, interbank_fee_yen;
} tariffs[] = {
    {0, BAND_DAY, "2007-07-01", 100, 100},   {0, BAND_OTHER, "2007-07-01", 200, 100},
    {0, BAND_DAY, "2017-01-01", 0, 155},     {1, BAND_DAY, "2007-07-01", 100, 100},
    {1, BAND_OTHER, "2007-07-01", 200, 100}, {2, BAND_DAY, "2007-07-01", 0, 140},
    {2, BAND_OTHER, "2007-07-01", 0, 140},   {3, BAND_DAY, "2007-07-01", 75, 120},
    {3, BAND_OTHER, "2007-07-01", 150, 120},
};
static const struct {
        const char *from;
        int rate_bp;
} rates[] = {{"1997-04-01", 500}, {"2014-04-01", 800}, {"2019-10-01", 1000}};
static const char *const holiday = "2017-01-02";
enum { FIRST_HALL_SHARE_BP = 1000 };

/* The last change of a kind, of an issuer where it is of one; NULL: none. */
static const struct sim_change *last_change(const struct sim *sim, enum sim_change_kind kind, int issuer)
{
        for (int i = sim->change_count - 1; i >= 0; i--) {
                if (sim->changes[i].kind == kind && sim->changes[i].issuer == issuer)
                        return &sim->changes[i];
        }
        return NULL;
}

static int state_of(const struct sim *sim, int atm)
{
        const struct sim_change *change = last_change(sim, SIM_CHANGE_ATM, atm);

        return change ? change->value : SIM_ATM_SERVES;
}

static void add_fleet(struct sim *sim, struct reference *r, int version)
{
        const struct sim_change *hours = last_change(sim, SIM_CHANGE_HOURS, 0);
        char error[REFERENCE_ERROR_MAX] = "";
        struct hall halls[] = {
            {"H00001", "kanto", "Tokyo", {0, 1440}, FIRST_HALL_SHARE_BP},
            /* what an operator changes */
            {"H00002", "kansai", "Osaka", {540, 1230}, 100 * (version % 7)},
        };

        if (hours && hours->value >= 0)
                halls[0].hours = (struct hours){60 * hours->value, 60 * (hours->value + HOURS_OPEN)};
        for (size_t i = 0; i < sizeof halls / sizeof halls[0]; i++)
                sim_must(reference_add_hall(r, &halls[i], error), error);
        for (int i = 0; i < sim->atm_count; i++) {
                char terminal[TERMINAL_LENGTH + 1];

                snprintf(terminal, sizeof terminal, "T%07u", (unsigned)i % 1000 + 1);
                if (state_of(sim, i) == SIM_ATM_BARRED) {
                        sim_must(reference_add_barred_atm(r, terminal, halls[i % 2].hall, error), error);
                        continue;
                }
                sim_must(reference_add_atm(r, terminal, halls[i % 2].hall,
                                           state_of(sim, i) == SIM_ATM_SERVES && (version % 5 != 4 || i != 0),
                                           error),
                         error);
        }
}

/* What operators have added since the beginning: tariffs, prefixes and limits by day. */
static void add_changes(const struct sim *sim, struct reference *r)
{
        char error[REFERENCE_ERROR_MAX] = "", prefix[8];

        for (int i = 0; i < sim->change_count; i++) {
                const struct sim_change *c = &sim->changes[i];
                struct tariff tariff = {"", BAND_DAY, c->day, c->value, SIM_CHANGED_INTERBANK_YEN};
                struct limit limit = {LIMIT_DAY_YEN, c->day, c->value};
                struct tax_rate rate = {c->day, c->value, TAX_DOWN};
                struct hall_share share = {"H00001", c->day, c->value};

                switch (c->kind) {
                case SIM_CHANGE_TARIFF:
                        strcpy(tariff.issuer, issuer_names[c->issuer]);
                        sim_must(reference_add_tariff(r, &tariff, error), error);
                        tariff.band = BAND_OTHER;
                        sim_must(reference_add_tariff(r, &tariff, error), error);
                        break;
                case SIM_CHANGE_PREFIX:
                        snprintf(prefix, sizeof prefix, "99100%d", c->issuer);
                        sim_must(
                            reference_add_prefix(r, prefix, c->day, issuer_names[c->value], CARD_CASH, error),
                            error);
                        break;
                case SIM_CHANGE_LIMIT:
                        sim_must(reference_add_limit(r, &limit, error), error);
                        break;
                case SIM_CHANGE_TAX:
                        sim_must(reference_add_tax_rate(r, &rate, error), error);
                        break;
                case SIM_CHANGE_HOLIDAY:
                        sim_must(reference_add_holiday(r, c->day, error), error);
                        break;
                case SIM_CHANGE_SHARE:
                        sim_must(reference_add_share(r, &share, error), error);
                        break;
                case SIM_CHANGE_HOURS: /* in the fleet's rows */
                case SIM_CHANGE_ATM:
                case SIM_CHANGE_LINK: /* in the issuer's */
                case SIM_CHANGE_KINDS:
                        break;
                }
        }
}

static void add_prices(const struct sim *sim, struct reference *r)
{
        char error[REFERENCE_ERROR_MAX] = "";
        struct issuer issuers[] = {
            {"HOUSE", "", {{0, 1440}, {0, 1440}}, sim->wants_pins ? PIN_PVV : PIN_NONE, SIM_PIN_TRIES_MAX},
            {"BANKA", "BANKA", {{0, 1440}, {0, 1440}}, PIN_NONE, 3},
            {"BANKB", "BANKB", {{510, 1230}, {0, 1440}}, PIN_NONE, 3},
            {"BANKC", "BANKC", {{0, 1440}, {540, 1200}}, PIN_NONE, 3},
        };
        for (size_t i = 0; i < sizeof issuers / sizeof issuers[0]; i++) {
                const struct sim_change *link = last_change(sim, SIM_CHANGE_LINK, (int)i);
                char prefix[8];

                if (link)
                        strcpy(issuers[i].link, issuer_names[link->value]);
                snprintf(prefix, sizeof prefix, "99100%d", (int)i);
                sim_must(reference_add_issuer(r, &issuers[i], error), error);
                sim_must(reference_add_prefix(r, prefix, sim_day_of("2007-07-01"), issuers[i].issuer,
                                              CARD_CASH, error),
                         error);
        }
        for (size_t i = 0; i < LENGTH(tariffs); i++) {
                struct tariff tariff = {"", tariffs[i].band, sim_day_of(tariffs[i].from),
                                        tariffs[i].customer_fee_yen, tariffs[i].interbank_fee_yen};

                strcpy(tariff.issuer, issuer_names[tariffs[i].issuer]);
                sim_must(reference_add_tariff(r, &tariff, error), error);
        }
        for (size_t i = 0; i < LENGTH(rates); i++) {
                struct tax_rate rate = {sim_day_of(rates[i].from), rates[i].rate_bp, TAX_DOWN};

                sim_must(reference_add_tax_rate(r, &rate, error), error);
        }
        sim_must(reference_add_holiday(r, sim_day_of(holiday), error), error);
}

static void add_rules(struct reference *r)
{
        char error[REFERENCE_ERROR_MAX] = "";
        struct limit limits[] = {
            {LIMIT_DAY_YEN, sim_day_of("2007-07-01"), 30000},
            {LIMIT_MONTH_YEN, sim_day_of("2009-04-01"), 150000},
            {LIMIT_MONTH_YEN, sim_day_of("2015-09-01"), 80000},
            {LIMIT_DAY_COUNT, sim_day_of("2020-04-01"), 2},
        };
        struct network_hours hours[] = {
            {sim_day_of("2007-07-01"), DAY_WEEKDAY, {480, 1260}},
            {sim_day_of("2007-07-01"), DAY_OFF, {540, 1020}},
            {sim_day_of("2016-01-01"), DAY_OFF, {480, 1260}},
        };

        for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
                sim_must(reference_add_limit(r, &limits[i], error), error);
        for (size_t i = 0; i < sizeof hours / sizeof hours[0]; i++)
                sim_must(reference_add_network_hours(r, &hours[i], error), error);
}

/* The next version of what operators have set. */
static struct reference *build_reference(struct sim *sim, int fleet, int version)
{
        char error[REFERENCE_ERROR_MAX] = "";
        struct reference *r = reference_new();

        if (!r)
                abort();
        add_fleet(sim, r, fleet);
        add_prices(sim, r);
        add_rules(r);
        add_changes(sim, r);
        reference_set_version(r, version);
        reference_set_moments(r, sim->now_ms - PAST_DAYS * (int64_t)DAY_MS,
                              sim->now_ms + FUTURE_DAYS * (int64_t)DAY_MS);
        sim_must(reference_finish(r, error), error);
        return r;
}

const struct reference *reference_of_now(struct sim *sim)
{
        int number = sim->reference_count++;

        return sim->references[number] = build_reference(sim, number, number + 1);
}

/* The same version with the halls of the one before it: what a daemon has that swaps half of a snapshot. */
static const struct reference *torn_reference(struct sim *sim)
{
        int number = sim->reference_count - 1;

        return sim->torn[number] = build_reference(sim, number - 1, number + 1);
}

/* changing ------------------------------------------------------------------------------------------ */

static void count_change(struct sim_counters *counters, enum sim_change_kind kind)
{
        counters->tariffs_added += kind == SIM_CHANGE_TARIFF;
        counters->prefixes_moved += kind == SIM_CHANGE_PREFIX;
        counters->halls_opened_otherwise += kind == SIM_CHANGE_HOURS;
        counters->limits_changed += kind == SIM_CHANGE_LIMIT;
        counters->links_moved += kind == SIM_CHANGE_LINK;
        counters->taxes_changed += kind == SIM_CHANGE_TAX;
        counters->holidays_added += kind == SIM_CHANGE_HOLIDAY;
        counters->shares_changed += kind == SIM_CHANGE_SHARE;
        counters->atms_changed += kind == SIM_CHANGE_ATM;
}

/* Is there a row of that day already? */
static bool is_dated(const struct sim *sim, const struct sim_change *change)
{
        if (change->kind == SIM_CHANGE_HOURS || change->kind == SIM_CHANGE_LINK ||
            change->kind == SIM_CHANGE_ATM)
                return false;
        if (change->kind == SIM_CHANGE_HOLIDAY && change->day == sim_day_of(holiday))
                return true;
        for (size_t i = 0; i < LENGTH(rates); i++) {
                if (change->kind == SIM_CHANGE_TAX && change->day == sim_day_of(rates[i].from))
                        return true;
        }
        for (int i = 0; i < sim->change_count; i++) {
                const struct sim_change *known = &sim->changes[i];

                if (known->kind == change->kind && known->issuer == change->issuer &&
                    known->day == change->day)
                        return true;
        }
        return false;
}

void sim_change_reference(struct sim *sim, const struct sim_change *change)
{
        if (sim->reference_count == SIM_REFERENCES_MAX)
                return;
        sim_tell(sim, "reference data version %d", sim->reference_count + 1);
        sim->counters->reference_changes++;
        if (!is_dated(sim, change)) { /* else only the version changes, and what follows from it alone */
                sim->changes[sim->change_count++] = *change;
                count_change(sim->counters, change->kind);
        }
        memory_set_reference(sim->database, reference_of_now(sim));
        if (sim->database->defect == LEDGER_MEM_SWAPS_HALF)
                sim->database->torn = torn_reference(sim);
        for (int i = 0; i < sim->instance_count; i++)
                sim_put(sim, draw_between(&sim->random, 1, 25000),
                        (struct event){.kind = EVENT_POLL, .number = i, .epoch = sim->instances[i].epoch});
}

/* by definition ------------------------------------------------------------------------------------- */

/* The change of a kind whose day is the last that is not after `day`; NULL: none. */
static const struct sim_change *change_in_force(const struct sim *sim, enum sim_change_kind kind, int issuer,
                                                int32_t day)
{
        const struct sim_change *found = NULL;

        for (int i = 0; i < sim->change_count; i++) {
                const struct sim_change *c = &sim->changes[i];

                if (c->kind == kind && c->issuer == issuer && c->day <= day &&
                    (!found || c->day > found->day))
                        found = c;
        }
        return found;
}

static bool is_holiday(const struct sim *sim, int32_t day)
{
        for (int i = 0; i < sim->change_count; i++) {
                if (sim->changes[i].kind == SIM_CHANGE_HOLIDAY && sim->changes[i].day == day)
                        return true;
        }
        return day == sim_day_of(holiday);
}

static int minute_of(int64_t moment_ms)
{
        return (int)((moment_ms / 60000 + 9 * 60) % (24 * 60));
}

/* [8:45, 18:00) on weekdays that are neither holidays nor 31 December to 3 January. */
static enum band band_of(const struct sim *sim, int32_t day, int64_t moment_ms)
{
        int weekday = (day + 4) % 7, minute = minute_of(moment_ms); /* 1970 began on a Thursday */
        struct civil date;

        calendar_civil_of_day(day, &date);
        if (weekday == 0 || weekday == 6 || is_holiday(sim, day) || (date.month == 12 && date.day == 31) ||
            (date.month == 1 && date.day <= 3))
                return BAND_OTHER;
        return minute >= 8 * 60 + 45 && minute < 18 * 60 ? BAND_DAY : BAND_OTHER;
}

static void fees_of(const struct sim *sim, int issuer, enum band band, int32_t day, struct price *ret_price)
{
        const struct sim_change *change = change_in_force(sim, SIM_CHANGE_TARIFF, issuer, day);
        int32_t found_day = INT32_MIN;

        for (size_t i = 0; i < LENGTH(tariffs); i++) {
                int32_t from_day = sim_day_of(tariffs[i].from);

                if (tariffs[i].issuer != issuer || tariffs[i].band != band || from_day > day ||
                    from_day < found_day)
                        continue;
                found_day = from_day;
                ret_price->customer_fee_yen = tariffs[i].customer_fee_yen;
                ret_price->interbank_fee_yen = tariffs[i].interbank_fee_yen;
        }
        if (!change || change->day < found_day)
                return;
        ret_price->customer_fee_yen = change->value;
        ret_price->interbank_fee_yen = SIM_CHANGED_INTERBANK_YEN;
}

static int rate_of(const struct sim *sim, int32_t day)
{
        const struct sim_change *change = change_in_force(sim, SIM_CHANGE_TAX, 0, day);
        int32_t found_day = INT32_MIN;
        int rate_bp = 0;

        for (size_t i = 0; i < LENGTH(rates) && sim_day_of(rates[i].from) <= day; i++) {
                found_day = sim_day_of(rates[i].from);
                rate_bp = rates[i].rate_bp;
        }
        return change && change->day > found_day ? change->value : rate_bp;
}

const char *reference_price_of(const struct sim *sim, const struct memory_withdrawal *w, int own_issuer,
                               struct price *ret_price)
{
        int64_t moment_ms = w->identity.transmitted_ms;
        int32_t day = (int32_t)((moment_ms / 60000 + 9 * 60) / (24 * 60));
        const struct sim_change *prefix = change_in_force(sim, SIM_CHANGE_PREFIX, own_issuer, day);
        const struct sim_change *share = change_in_force(sim, SIM_CHANGE_SHARE, 0, day);
        int issuer = prefix ? prefix->value : own_issuer;
        int64_t rate_bp = rate_of(sim, day);

        memset(ret_price, 0, sizeof *ret_price);
        fees_of(sim, issuer, band_of(sim, day, moment_ms), day, ret_price);
        ret_price->customer_tax_yen = ret_price->customer_fee_yen * rate_bp / 10000;
        ret_price->interbank_tax_yen = ret_price->interbank_fee_yen * rate_bp / 10000;
        /* of the other hall the share has no day: it goes with the version */
        ret_price->hall_share_yen = strcmp(w->request.hall, "H00001") != 0
                                        ? w->request.price.hall_share_yen
                                        : (ret_price->customer_fee_yen + ret_price->interbank_fee_yen) *
                                              (share ? share->value : FIRST_HALL_SHARE_BP) / 10000;
        return issuer_names[issuer];
}

const char *reference_refusal(const struct sim *sim, const struct memory_withdrawal *w)
{
        const struct sim_change *hours = last_change(sim, SIM_CHANGE_HOURS, 0);
        int minute = minute_of(w->identity.transmitted_ms), atm = 0;

        while (strcmp(sim->atms[atm].terminal, w->identity.terminal) != 0)
                atm++;
        if (state_of(sim, atm) != SIM_ATM_SERVES)
                return "its ATM is out of service";
        if (atm % 2 == 0 && hours && hours->value >= 0 &&
            (minute < 60 * hours->value || minute >= 60 * (hours->value + HOURS_OPEN)))
                return "its hall is closed";
        return NULL;
}
