/*
 * report journals: another way to the revenue, from the other end. Every withdrawal that an ATM's journal says
 * dispensed cash is priced by itself, by rules/pricing.h from the reference data of its moment; the ledger's rows
 * are not looked at. Where nothing is under way, it equals `report revenue` to the yen.
 */
#include "tools/atmctl/report_journals.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/reference_load.h"
#include "backoffice/journals/atm_side.h"
#include "rules/calendar.h"
#include "rules/pricing.h"
#include "tools/atmctl/database.h"
#include "tools/atmctl/journal_folders.h"
#include "tools/atmctl/rows.h"

enum { KEY_MAX = 24, LONG_PREFIXES_MAX = 256 };

struct sum {
        char key[KEY_MAX];
        int64_t withdrawals, cash_yen, customer_fee_yen, interbank_fee_yen, tax_yen;
};

struct pricing {
        const struct invocation *invocation;
        struct atm_side atms;
        struct reference *reference;
        PGresult *long_prefixes; /* more digits than a journal's mask shows */
        int32_t first_day, last_day;
        const char *by;
        struct sum *sum;
        size_t sums, sums_room;
        struct sum total;
        uint64_t open;
        bool damaged;
};

/* reading ------------------------------------------------------------------------------------------------------- */

static void on_fault(const char *what, const char *terminal, const char *text, void *context)
{
        struct pricing *p = context;

        complain("%s: %s%s%s", what, terminal ? terminal : "", terminal ? ": " : "", text);
        p->damaged = true;
}

static void on_folder(const char *folder, void *context)
{
        (void)context;
        progress("the ATMs' journals: %s", folder);
}

static bool load_reference(struct database *database, struct pricing *p)
{
        char error[PG_ERROR_MAX];

        if (!reference_read(database->connection, &p->reference, error)) {
                database_complain_of(error);
                return false;
        }
        p->long_prefixes = database_query(database, "SELECT prefix FROM card_prefix WHERE length(prefix) > 6", 0, NULL);
        return p->long_prefixes != NULL;
}

/* pricing --------------------------------------------------------------------------------------------------------- */

static bool complain_of(const struct pricing *p, const struct atm_entry *entry, const char *why)
{
        char moment[26];

        calendar_print_moment(entry->transmitted_ms, moment);
        complain("%s: %s %s STAN %06" PRId32 " can't be priced: %s", invocation_name(p->invocation),
                 p->atms.terminals.terminal[entry->terminal].name, moment, entry->stan, why);
        return false;
}

/* By the six digits that the journal shows. */
static const struct issuer *issuer_of(const struct pricing *p, const struct atm_entry *entry, int32_t day)
{
        const struct card_prefix *prefix = reference_prefix(p->reference, entry->head, day);
        char why[128];

        for (int i = 0; i < PQntuples(p->long_prefixes); i++) {
                const char *longer = PQgetvalue(p->long_prefixes, i, 0);

                if (strncmp(longer, entry->head, strlen(entry->head)) != 0)
                        continue;
                snprintf(why, sizeof(why), "prefix %s could decide otherwise, and the journal shows only %s", longer, entry->head);
                (void)complain_of(p, entry, why);
                return NULL;
        }
        if (!prefix)
                (void)complain_of(p, entry, "no prefix of its card was in force");
        return prefix ? prefix->issuer : NULL;
}

static void print_key(const struct pricing *p, const struct atm_entry *entry, const struct issuer *issuer, int32_t day,
                      char buffer[KEY_MAX])
{
        char text[11];

        calendar_print_day(day, text);
        if (!strcmp(p->by, "issuer"))
                snprintf(buffer, KEY_MAX, "%s", issuer->issuer);
        else if (!strcmp(p->by, "atm"))
                snprintf(buffer, KEY_MAX, "%s", p->atms.terminals.terminal[entry->terminal].name);
        else
                snprintf(buffer, KEY_MAX, "%.*s", strcmp(p->by, "month") ? 10 : 7, text);
}

/* Few keys, and neighbours have the same: from the end. NULL: out of memory. */
static struct sum *sum_of(struct pricing *p, const char *key)
{
        for (size_t i = p->sums; i-- > 0;) {
                if (!strcmp(p->sum[i].key, key))
                        return &p->sum[i];
        }
        if (p->sums == p->sums_room) {
                size_t room = p->sums_room ? 2 * p->sums_room : 64;
                struct sum *grown = realloc(p->sum, room * sizeof(*grown));

                if (!grown)
                        return NULL;
                p->sum = grown;
                p->sums_room = room;
        }
        p->sum[p->sums] = (struct sum){.withdrawals = 0};
        strcpy(p->sum[p->sums].key, key);
        return &p->sum[p->sums++];
}

static void add(struct sum *sum, const struct price *price, int64_t cash_yen)
{
        sum->withdrawals++;
        sum->cash_yen += cash_yen;
        sum->customer_fee_yen += price->customer_fee_yen;
        sum->interbank_fee_yen += price->interbank_fee_yen;
        sum->tax_yen += price->customer_tax_yen + price->interbank_tax_yen;
}

static bool price_entry(struct pricing *p, const struct atm_entry *entry)
{
        int32_t day = calendar_business_day(entry->transmitted_ms);
        const struct issuer *issuer;
        struct price price;
        struct sum *sum;
        char key[KEY_MAX];

        if (day < p->first_day || day > p->last_day)
                return true;
        if (entry->end == ATM_OPEN)
                p->open++;
        if (entry->end != ATM_ADVISED || !entry->paid_yen)
                return true;
        issuer = issuer_of(p, entry, day);
        if (!issuer)
                return false;
        /* the hall only has a share of it, which is no part of this */
        if (!pricing_price(p->reference, issuer, NULL, entry->transmitted_ms, &price))
                return complain_of(p, entry, "no tariff or tax rate was in force");
        print_key(p, entry, issuer, day, key);
        sum = sum_of(p, key);
        if (!sum) {
                complain("out of memory");
                return false;
        }
        add(sum, &price, entry->paid_yen);
        add(&p->total, &price, entry->paid_yen);
        return true;
}

static bool price_all(struct pricing *p)
{
        for (size_t i = 0; i < p->atms.count; i++) {
                if (!price_entry(p, &p->atms.entry[i]))
                        return false;
        }
        return true;
}

/* printing -------------------------------------------------------------------------------------------------------- */

static const struct output_column columns[] = {
    {"key", OUTPUT_TEXT, 0},
    {"withdrawals", OUTPUT_YEN, 0},
    {"cash_yen", OUTPUT_YEN, 0},
    {"customer_fee_yen", OUTPUT_YEN, 0},
    {"interbank_fee_yen", OUTPUT_YEN, 0},
    {"tax_yen", OUTPUT_YEN, 0},
    {"revenue_yen", OUTPUT_YEN, 0},
};

static bool print_sum(struct output *output, const struct sum *sum, bool total)
{
        const int64_t number[] = {sum->withdrawals,       sum->cash_yen, sum->customer_fee_yen,
                                  sum->interbank_fee_yen, sum->tax_yen,  sum->customer_fee_yen + sum->interbank_fee_yen};
        char text[LENGTH(number)][24];
        const char *values[LENGTH(columns)] = {total ? "total" : sum->key};

        for (size_t i = 0; i < LENGTH(number); i++) {
                snprintf(text[i], sizeof(text[i]), "%" PRId64, number[i]);
                values[i + 1] = text[i];
        }
        return total ? output_total(output, values) : output_row(output, values);
}

static int64_t revenue_of(const struct sum *sum)
{
        return sum->customer_fee_yen + sum->interbank_fee_yen;
}

/* As `report revenue` does: times in their order, else the most revenue first. */
static int by_time(const void *a, const void *b)
{
        return strcmp(((const struct sum *)a)->key, ((const struct sum *)b)->key);
}

static int by_revenue(const void *a, const void *b)
{
        int64_t x = revenue_of(a), y = revenue_of(b);

        return x != y ? (x < y ? 1 : -1) : by_time(a, b);
}

static bool print_sums(struct pricing *p)
{
        bool times = !strcmp(p->by, "day") || !strcmp(p->by, "month"), written = true;
        struct output *output = output_open(p->invocation, OUTPUT_ROWS, columns, LENGTH(columns));

        if (!output)
                return false;
        qsort(p->sum, p->sums, sizeof(*p->sum), times ? by_time : by_revenue);
        for (size_t i = 0; i < p->sums && written; i++)
                written = print_sum(output, &p->sum[i], false);
        written = written && (!p->sums || print_sum(output, &p->total, true));
        if (!written) {
                output_abandon(output);
                return false;
        }
        if (!output_close(output))
                return false;
        if (p->open)
                note("%" PRIu64 " withdrawals have no end yet and are not priced", p->open);
        return true;
}

/* the command ------------------------------------------------------------------------------------------------------ */

static void take_days(struct pricing *p)
{
        const char *from = invocation_value(p->invocation, "from"), *to = invocation_value(p->invocation, "to");

        p->first_day = INT32_MIN;
        p->last_day = INT32_MAX;
        if (from && !calendar_parse_day(from, &p->first_day))
                abort(); /* value_check saw to it */
        if (to && !calendar_parse_day(to, &p->last_day))
                abort();
}

int report_journals(const struct invocation *invocation)
{
        const struct journal_folders atms = journal_folders_of_atms(invocation);
        struct pricing p = {.invocation = invocation, .by = invocation_value(invocation, "by")};
        struct database database;
        bool done = false;

        if (!atms.count)
                return usage_error(invocation->command,
                                   "--atm-journals is missing: expected the folders of the ATMs' journals, or the variable "
                                   "ATM_JOURNAL");
        p.by = p.by ? p.by : "day";
        p.atms.on_fault = on_fault;
        p.atms.context = &p;
        take_days(&p);
        p.atms.on_folder = on_folder;
        done = atm_side_read(&p.atms, atms.folder, atms.count);
        progress_end();
        if (!done)
                complain("%s: %s", invocation_name(invocation), p.atms.error);
        if (done && (done = database_open(&database, invocation, DATABASE_READY))) {
                done = load_reference(&database, &p) && price_all(&p) && print_sums(&p) && !p.damaged;
                database_close(&database);
        }
        PQclear(p.long_prefixes);
        reference_free(p.reference);
        atm_side_free(&p.atms);
        free(p.sum);
        return done ? EXIT_DONE : EXIT_FAILED;
}

const struct field journals_fields[] = {
    {.name = "by", .kind = VALUE_JOURNALS_KEY, .text = "one row for each; day unless given"},
    {.name = "from", .kind = VALUE_DATE, .text = "the first business date; all unless given"},
    {.name = "to", .kind = VALUE_DATE, .text = "the last business date, included"},
    {.name = "atm-journals",
     .kind = VALUE_DIRECTORY,
     .flags = FIELD_REPEAT,
     .text = "folders of the ATMs' journals and dispensers; ATM_JOURNAL unless given"},
    {.name = NULL},
};
