#include "backoffice/audit/repricing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reference_load.h"
#include "rules/calendar.h"
#include "rules/pricing.h"

struct pricing {
        const struct atm_side *atms;
        const struct reference *reference;
        const char *const *long_prefix;
        size_t long_prefixes;
        const struct repricing_question *question;
        struct repricing *result;
        char *error;
};

/* one withdrawal ---------------------------------------------------------------------------------------- */

static bool fail(const struct pricing *p, const struct atm_entry *entry, const char *why)
{
        char moment[26];

        calendar_print_moment(entry->transmitted_ms, moment);
        snprintf(p->error, PG_ERROR_MAX, "%s %s STAN %06" PRId32 " can't be priced: %s",
                 p->atms->terminals.terminal[entry->terminal].name, moment, entry->stan, why);
        return false;
}

/* By the six digits that the journal shows. NULL with an error. */
static const struct issuer *issuer_of(const struct pricing *p, const struct atm_entry *entry, int32_t day)
{
        const struct card_prefix *prefix = reference_prefix(p->reference, entry->head, day);
        char why[128];

        for (size_t i = 0; i < p->long_prefixes; i++) {
                if (strncmp(p->long_prefix[i], entry->head, strlen(entry->head)) != 0)
                        continue;
                snprintf(why, sizeof(why),
                         "prefix %.40s could decide otherwise, and the journal shows only %s",
                         p->long_prefix[i], entry->head);
                (void)fail(p, entry, why);
                return NULL;
        }
        if (!prefix)
                (void)fail(p, entry, "no prefix of its card was in force");
        return prefix ? prefix->issuer : NULL;
}

static void print_key(const struct pricing *p, const struct atm_entry *entry, const struct issuer *issuer,
                      int32_t day, char buffer[REPRICING_KEY_MAX])
{
        char text[11];

        calendar_print_day(day, text);
        switch (p->question->by) {
        case REPRICING_BY_ISSUER:
                snprintf(buffer, REPRICING_KEY_MAX, "%s", issuer->issuer);
                break;
        case REPRICING_BY_ATM:
                snprintf(buffer, REPRICING_KEY_MAX, "%s", p->atms->terminals.terminal[entry->terminal].name);
                break;
        case REPRICING_BY_MONTH:
                snprintf(buffer, REPRICING_KEY_MAX, "%.7s", text);
                break;
        case REPRICING_BY_DAY:
                snprintf(buffer, REPRICING_KEY_MAX, "%s", text);
                break;
        }
}

/* Few keys, and neighbours have the same: from the end. NULL: out of memory. */
static struct repricing_sum *sum_of(struct repricing *r, const char *key)
{
        for (size_t i = r->sums; i-- > 0;) {
                if (!strcmp(r->sum[i].key, key))
                        return &r->sum[i];
        }
        if (r->sums == r->room) {
                size_t room = r->room ? 2 * r->room : 64;
                struct repricing_sum *grown = realloc(r->sum, room * sizeof(*grown));

                if (!grown)
                        return NULL;
                r->sum = grown;
                r->room = room;
        }
        r->sum[r->sums] = (struct repricing_sum){.withdrawals = 0};
        strcpy(r->sum[r->sums].key, key);
        return &r->sum[r->sums++];
}

static void add(struct repricing_sum *sum, const struct price *price, int64_t cash_yen)
{
        sum->withdrawals++;
        sum->cash_yen += cash_yen;
        sum->customer_fee_yen += price->customer_fee_yen;
        sum->interbank_fee_yen += price->interbank_fee_yen;
        sum->tax_yen += price->customer_tax_yen + price->interbank_tax_yen;
}

static bool price_entry(const struct pricing *p, const struct atm_entry *entry)
{
        int32_t day = calendar_business_day(entry->transmitted_ms);
        const struct issuer *issuer;
        struct price price;
        struct repricing_sum *sum;
        char key[REPRICING_KEY_MAX];

        if (day < p->question->first_day || day > p->question->last_day)
                return true;
        if (entry->end == ATM_OPEN)
                p->result->open++;
        if (entry->end != ATM_ADVISED || !entry->paid_yen)
                return true;
        issuer = issuer_of(p, entry, day);
        if (!issuer)
                return false;
        /* the hall only has a share of it, which is no part of this */
        if (!pricing_price(p->reference, issuer, NULL, entry->transmitted_ms, &price))
                return fail(p, entry, "no tariff or tax rate was in force");
        print_key(p, entry, issuer, day, key);
        sum = sum_of(p->result, key);
        if (!sum) {
                snprintf(p->error, PG_ERROR_MAX, "out of memory");
                return false;
        }
        add(sum, &price, entry->paid_yen);
        add(&p->result->total, &price, entry->paid_yen);
        return true;
}

/* all of them --------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
        return strcmp(((const struct repricing_sum *)a)->key, ((const struct repricing_sum *)b)->key);
}

static int by_commission(const void *a, const void *b)
{
        int64_t x = repricing_commission_yen(a), y = repricing_commission_yen(b);

        return x != y ? (x < y ? 1 : -1) : by_time(a, b);
}

static bool is_time(enum repricing_by by)
{
        return by == REPRICING_BY_DAY || by == REPRICING_BY_MONTH;
}

bool reprice_side(const struct atm_side *atms, const struct reference *reference,
                  const char *const *long_prefix, size_t long_prefixes,
                  const struct repricing_question *question, struct repricing *ret_repricing,
                  char error[PG_ERROR_MAX])
{
        const struct pricing p = {.atms = atms,
                                  .reference = reference,
                                  .long_prefix = long_prefix,
                                  .long_prefixes = long_prefixes,
                                  .question = question,
                                  .result = ret_repricing,
                                  .error = error};

        *ret_repricing = (struct repricing){.sums = 0};
        for (size_t i = 0; i < atms->count; i++) {
                if (!price_entry(&p, &atms->entry[i]))
                        return false;
        }
        if (ret_repricing->sums)
                qsort(ret_repricing->sum, ret_repricing->sums, sizeof(*ret_repricing->sum),
                      is_time(question->by) ? by_time : by_commission);
        return true;
}

static bool reprice_journals(PGconn *connection, const struct atm_side *atms,
                             const struct repricing_question *question, struct repricing *ret_repricing,
                             char error[PG_ERROR_MAX])
{
        struct reference *reference = NULL;
        PGresult *result = NULL;
        const char **prefix = NULL;
        size_t count = 0;
        bool done = false;

        if (reference_read(connection, &reference, error))
                result = pg_query(connection, "SELECT prefix FROM card_prefix WHERE length(prefix) > 6", 0,
                                  NULL, error);
        if (result)
                prefix = calloc((size_t)PQntuples(result) + 1, sizeof(*prefix));
        for (; prefix && count < (size_t)PQntuples(result); count++)
                prefix[count] = PQgetvalue(result, (int)count, 0);
        if (result && !prefix)
                snprintf(error, PG_ERROR_MAX, "out of memory");
        if (prefix)
                done = reprice_side(atms, reference, prefix, count, question, ret_repricing, error);
        free(prefix);
        PQclear(result);
        reference_free(reference);
        return done;
}

bool reprice(PGconn *connection, const struct repricing_question *question, struct repricing *ret_repricing,
             char error[PG_ERROR_MAX])
{
        struct atm_side atms = {.on_fault = question->on_fault,
                                .on_folder = question->on_atm_folder,
                                .context = question->context};
        bool done;

        *ret_repricing = (struct repricing){.sums = 0};
        done = atm_side_read(&atms, question->atm_folder, question->atm_folders);
        if (!done)
                snprintf(error, PG_ERROR_MAX, "%s", atms.error);
        done = done && reprice_journals(connection, &atms, question, ret_repricing, error);
        atm_side_free(&atms);
        return done;
}

void repricing_free(struct repricing *repricing)
{
        free(repricing->sum);
        *repricing = (struct repricing){.sums = 0};
}
