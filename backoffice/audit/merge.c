/* One pass over three sorted sequences; see merge.h. */
#include "backoffice/audit/merge.h"

#include <stdlib.h>
#include <string.h>

/* The order of all three sides. */
struct key {
        const char *terminal;
        int64_t transmitted_ms;
        int32_t stan;
};

static int compare_keys(const struct key *a, const struct key *b)
{
        int names = memcmp(a->terminal, b->terminal, 8);

        if (names)
                return names;
        if (a->transmitted_ms != b->transmitted_ms)
                return a->transmitted_ms < b->transmitted_ms ? -1 : 1;
        return (a->stan > b->stan) - (a->stan < b->stan);
}

static struct key key_of_atm(const struct merge *m)
{
        const struct atm_entry *entry = &m->atms->entry[m->next_atm];

        return (struct key){m->atms->terminals.terminal[entry->terminal].name, entry->transmitted_ms,
                            entry->stan};
}

static struct key key_of_bank(const struct merge *m)
{
        const struct bank_entry *entry = &m->banks->entry[m->next_bank];

        return (struct key){entry->terminal, entry->transmitted_ms, entry->stan};
}

static bool has_atm(const struct merge *m)
{
        return m->next_atm < m->atms->count;
}

static bool has_bank(const struct merge *m)
{
        return m->banks && m->next_bank < m->banks->count;
}

/* The least key of what is left of the journals; false: nothing is. */
static bool least_key(const struct merge *m, struct key *ret_key)
{
        struct key atm = {"", 0, 0}, bank = {"", 0, 0};

        if (has_atm(m))
                atm = key_of_atm(m);
        if (has_bank(m))
                bank = key_of_bank(m);
        if (!has_atm(m) && !has_bank(m))
                return false;
        *ret_key = !has_bank(m) || (has_atm(m) && compare_keys(&atm, &bank) <= 0) ? atm : bank;
        return true;
}

/* telling ------------------------------------------------------------------------------------------ */

static void tell_at(struct merge *m, const char *what, const struct fact *fact, bool explained)
{
        m->at.what = what;
        m->at.fact = fact;
        m->at.explained = explained;
        m->at.bank_name = m->at.bank ? m->banks->bank[m->at.bank->bank].name : "";
        if (explained)
                m->explained++;
        else
                m->differences++;
        m->tell(&m->at, m->context);
}

static void tell(const char *what, const struct fact *fact, void *context)
{
        tell_at(context, what, fact, false);
}

static void explain(const char *what, const struct fact *fact, void *context)
{
        tell_at(context, what, fact, true);
}

static void tell_of_terminal(struct merge *m, const char *what, const char *terminal, const struct fact *fact)
{
        m->at = (struct merge_difference){.terminal = terminal};
        tell(what, fact, m);
}

void merge_fault(struct merge *m, const char *what, const char *terminal, const char *text)
{
        struct fact fact;

        fact_begin(&fact, FACT_FAULT);
        fact_text(&fact, text);
        tell_of_terminal(m, what, terminal, &fact);
}

/* one withdrawal ----------------------------------------------------------------------------------- */

/* Banks' entries of one withdrawal: they lie together. */
struct bank_span {
        const struct bank_entry *first;
        size_t count;
};

static const char *bank_name(const struct merge *m, const struct bank_entry *entry)
{
        return m->banks->bank[entry->bank].name;
}

/* The entry of the bank that the database's row was sent to; NULL: it has none. */
static const struct bank_entry *right_bank(const struct merge *m, const struct database_row *row,
                                           const struct bank_span *span)
{
        for (size_t i = 0; row && *row->link && i < span->count; i++)
                if (!strcmp(bank_name(m, &span->first[i]), row->link))
                        return &span->first[i];
        return NULL;
}

static void tell_wrong_bank(struct merge *m, const struct database_row *row, const struct bank_entry *entry)
{
        struct fact fact;

        m->at.bank = entry;
        fact_begin(&fact, !row ? FACT_BANK_ALONE : *row->link ? FACT_BANK_OTHER : FACT_BANK_UNASKED);
        fact_text(&fact, bank_name(m, entry));
        fact_number(&fact, entry->held_yen);
        if (row && *row->link)
                fact_text(&fact, row->link);
        tell("only-at-bank", &fact, m);
}

static void compare_banks(struct merge *m, const struct database_row *row, const struct bank_span *span,
                          bool is_finished)
{
        const struct bank_entry *right = right_bank(m, row, span);

        for (size_t i = 0; i < span->count; i++)
                if (&span->first[i] != right)
                        tell_wrong_bank(m, row, &span->first[i]);
        m->at.bank = right;
        if (row && *row->link && is_finished)
                reconcile_bank(row, right, tell, explain, m);
}

static bool has_late_bank(const struct bank_span *span)
{
        for (size_t i = 0; i < span->count; i++)
                if (span->first[i].is_late)
                        return true;
        return false;
}

static void compare_atm(struct merge *m, const struct atm_entry *entry, const struct database_row *row)
{
        struct fact fact;

        if (entry && row) {
                if (entry->end != ATM_OPEN && strcmp(row->state, "asked"))
                        m->database_yen[entry->terminal] += reconcile_compare(entry, row, tell, explain, m);
                return;
        }
        if (entry && entry->end != ATM_OPEN)
                reconcile_missing(entry, tell, m);
        if (!row)
                return;
        fact_begin(&fact, FACT_NO_JOURNAL);
        fact_text(&fact, row->state);
        fact_number(&fact, row->dispensed_yen);
        tell("only-in-database", &fact, m);
}

static int by_key(const void *a, const void *b)
{
        const struct key *key = a;
        const struct merge_case *found = b;

        return compare_keys(key, &(struct key){found->terminal, found->transmitted_ms, found->stan});
}

/* NULL: it is no case. */
static const struct merge_case *case_of(const struct merge *m, const struct key *key)
{
        return m->case_count ? bsearch(key, m->cases, m->case_count, sizeof(*m->cases), by_key) : NULL;
}

/* That, and no difference; its cash stands for what the database should have. */
static void take_case(struct merge *m, const struct merge_case *the_case, const struct atm_entry *entry,
                      const struct database_row *row)
{
        struct fact fact;

        if (entry)
                m->database_yen[entry->terminal] += entry->paid_yen - (row ? row->dispensed_yen : 0);
        if (!the_case->is_open)
                return;
        fact_begin(&fact, FACT_NOT_RECOVERED);
        fact_text(&fact, the_case->what);
        explain("explained", &fact, m);
}

/* What the sides have of the withdrawal `key`; row NULL: the database has none. */
static void take(struct merge *m, const struct key *key, const struct database_row *row)
{
        const struct atm_entry *entry = NULL;
        const struct merge_case *the_case = case_of(m, key);
        struct bank_span span = {NULL, 0};
        struct key at;
        struct fact why;
        bool is_finished, is_late;

        if (has_atm(m) && (at = key_of_atm(m), compare_keys(&at, key) == 0))
                entry = &m->atms->entry[m->next_atm++];
        if (has_bank(m))
                span.first = &m->banks->entry[m->next_bank];
        while (has_bank(m) && (at = key_of_bank(m), compare_keys(&at, key) == 0)) {
                m->next_bank++;
                span.count++;
        }
        m->withdrawals++;
        m->at = (struct merge_difference){.terminal = key->terminal,
                                          .withdrawal = true,
                                          .stan = key->stan,
                                          .transmitted_ms = key->transmitted_ms,
                                          .atm = entry,
                                          .row = row};
        m->at.bank = m->banks ? right_bank(m, row, &span) : NULL;
        is_late = (entry && entry->is_late) || has_late_bank(&span);
        fact_begin(&why, is_late ? FACT_GOING_ON : reconcile_unfinished(entry, row, m->banks != NULL));
        if (m->visit)
                m->visit(&(struct merge_sides){.terminal = key->terminal,
                                               .stan = key->stan,
                                               .transmitted_ms = key->transmitted_ms,
                                               .is_late = is_late,
                                               .is_dealt_with = the_case && !the_case->is_open,
                                               .atm = entry,
                                               .row = row,
                                               .bank = span.count ? span.first : NULL,
                                               .banks = span.count},
                         m->context);
        if (the_case && !is_late) {
                take_case(m, the_case, entry, row);
                return;
        }
        is_finished = why.kind == FACT_NONE;
        if (!is_finished)
                m->unfinished++;
        if (entry && (entry->end == ATM_OPEN || is_late))
                m->is_open[entry->terminal] = true;
        if (!is_finished && m->drained)
                tell("unfinished", &why, m);
        if (is_late)
                return; /* the snapshot may know what came last, or not */
        compare_atm(m, entry, row);
        if (m->banks)
                compare_banks(m, row, &span, is_finished);
}

bool merge_begin(struct merge *m)
{
        size_t count = m->atms->terminals.count + 1;

        m->database_yen = calloc(count, sizeof(*m->database_yen));
        m->is_open = calloc(count, sizeof(*m->is_open));
        return m->database_yen && m->is_open;
}

void merge_row(struct merge *m, const struct database_row *row)
{
        const struct key key = {row->terminal, row->transmitted_ms, row->stan};
        int64_t terminal = terminals_find(&m->atms->terminals, row->terminal);
        struct key least;

        while (least_key(m, &least) && compare_keys(&least, &key) < 0)
                take(m, &least, NULL);
        if (terminal >= 0)
                m->database_yen[terminal] += row->dispensed_yen;
        m->cash_yen += row->dispensed_yen;
        take(m, &key, row);
}

static void compare_totals(struct merge *m)
{
        for (size_t i = 0; i < m->atms->terminals.count; i++) {
                const struct atm_total *total = &m->atms->totals[i];
                struct fact fact;

                if (total->counted_yen == m->database_yen[i] && total->counted_yen == total->journal_yen)
                        continue;
                if (m->is_open[i] && !m->drained)
                        continue; /* its cash may be on its way to the database */
                fact_begin(&fact, FACT_TOTAL);
                fact_number(&fact, total->counted_yen);
                fact_number(&fact, total->journal_yen);
                fact_number(&fact, m->database_yen[i]);
                tell_of_terminal(m, "total", m->atms->terminals.terminal[i].name, &fact);
        }
}

void merge_end(struct merge *m)
{
        struct key least;

        while (least_key(m, &least))
                take(m, &least, NULL);
        compare_totals(m);
}

void merge_free(struct merge *m)
{
        free(m->database_yen);
        free(m->is_open);
}
