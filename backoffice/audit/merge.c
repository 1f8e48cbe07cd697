/* One pass over three sorted sequences; see merge.h. */
#include "backoffice/audit/merge.h"

#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"

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

static void count(struct merge *m, const struct merge_difference *d)
{
        uint64_t *counts[] = {[DIFFERENCE_OPEN] = &m->differences,
                              [DIFFERENCE_KNOWN] = &m->explained,
                              [DIFFERENCE_SETTLED] = &m->settled};

        ++*counts[d->standing];
}

static void tell_of_terminal(struct merge *m, struct merge_difference *d, const struct fact *fact)
{
        d->fact = fact;
        d->bank_name = "";
        m->tell(d, m->context);
}

void merge_fault(struct merge *m, const char *what, const char *terminal, const char *text)
{
        struct merge_difference d = {.what = what, .terminal = terminal};
        struct fact fact;

        fact_begin(&fact, FACT_FAULT);
        fact_text(&fact, text);
        count(m, &d);
        tell_of_terminal(m, &d, &fact);
}

static uint32_t reason_of(const char *what)
{
        return UINT32_C(1) << difference_place(what);
}

/* A reason of the withdrawal that is being compared. */
static void tell(const char *what, const struct fact *fact, void *context)
{
        struct merge *m = context;
        uint32_t reason = reason_of(what);

        if (!m->at.reasons || reason < (m->at.reasons & -m->at.reasons)) {
                m->fact = *fact;
                m->at.what = what;
        }
        m->at.reasons |= reason;
}

static int compare_settlement(const void *a, const void *b)
{
        const struct key *key = a;
        const struct settlement *found = b;

        return compare_keys(key, &(struct key){found->terminal, found->transmitted_ms, found->stan});
}

/* NULL: nobody has said anything. */
static const struct settlement *settlement_of(const struct merge *m, const struct key *key)
{
        return m->settlement_count ? bsearch(key, m->settlements, m->settlement_count,
                                             sizeof(*m->settlements), compare_settlement)
                                   : NULL;
}

/* Did people say that the money was put right elsewhere, and do our books stand as they stood then? */
static bool is_settled(const struct merge *m)
{
        const struct settlement *said = m->at.settlement;
        const struct database_row *row = m->at.row;

        return said && said->is_elsewhere && row && !strcmp(row->state, said->state) &&
               row->dispensed_yen == said->dispensed_yen && strcmp(row->state, "asked") &&
               strcmp(row->state, "approved");
}

/* The withdrawal's line, if there is anything to tell. */
static void end_line(struct merge *m)
{
        struct merge_difference *d = &m->at;

        if (!d->reasons)
                return;
        d->standing = d->reasons == reason_of("settled") ? DIFFERENCE_SETTLED
                      : !strcmp(d->what, "explained")    ? DIFFERENCE_KNOWN
                                                         : DIFFERENCE_OPEN;
        if (d->standing == DIFFERENCE_OPEN && is_settled(m)) {
                d->standing = DIFFERENCE_SETTLED;
                d->what = "settled";
                d->reasons |= reason_of("settled");
        }
        d->fact = &m->fact;
        d->bank_name = d->bank ? m->banks->bank[d->bank->bank].name : "";
        count(m, d);
        m->terminal.cash_yen += d->cash_yen;
        if (d->standing == DIFFERENCE_OPEN)
                m->terminal.open_yen += d->cash_yen;
        difference_lines_add(&m->lines, d);
        m->failed |= m->lines.failed;
}

/* one terminal ------------------------------------------------------------------------------------- */

/* Its cash as its dispenser, its journal and the database have it, where they differ by more than what is known or settled. */
static void compare_total(struct merge *m, const struct merge_terminal *t)
{
        const struct atm_total *total = &m->atms->totals[t->place];
        int64_t theirs_yen = t->is_part ? t->journal_yen : total->counted_yen;
        struct merge_difference d = {.what = "total",
                                     .terminal = t->name,
                                     .cash_yen = theirs_yen - t->database_yen,
                                     .rest_yen = theirs_yen - t->database_yen - t->cash_yen};
        struct fact fact;

        m->is_told[t->place] = true;
        if ((!d.rest_yen && !t->open_yen) || (t->is_open && !m->drained))
                return; /* of an open one its cash may be on its way to the database */
        fact_begin(&fact, t->is_part ? FACT_TOTAL_PART : FACT_TOTAL);
        if (!t->is_part)
                fact_number(&fact, total->counted_yen);
        fact_numbers(
            &fact,
            (const int64_t[]){t->is_part ? t->journal_yen : total->journal_yen, t->database_yen, t->cash_yen},
            3);
        if (!t->is_part)
                fact_number(&fact, d.rest_yen);
        if (d.rest_yen)
                count(m, &d);
        tell_of_terminal(m, &d, &fact);
}

/* All of its withdrawals were there. */
static void end_terminal(struct merge *m)
{
        struct merge_terminal *t = &m->terminal;

        m->terminals += t->is_seen;
        if (t->place >= 0)
                compare_total(m, t);
        difference_lines_tell(&m->lines, m->tell, m->context);
}

static void begin_terminal(struct merge *m, const char *name)
{
        m->terminal = (struct merge_terminal){.place = terminals_find(&m->atms->terminals, name)};
        memcpy(m->terminal.name, name, 8);
}

static void be_at_terminal(struct merge *m, const char *name)
{
        if (!memcmp(m->terminal.name, name, 8))
                return;
        if (*m->terminal.name)
                end_terminal(m);
        begin_terminal(m, name);
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
                reconcile_bank(row, right, tell, tell, m);
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
                        reconcile_compare(entry, row, tell, tell, m);
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

/* That, and no difference. */
static void take_case(struct merge *m, const struct merge_case *the_case)
{
        struct fact fact;

        fact_begin(&fact, the_case->is_open ? FACT_NOT_RECOVERED : FACT_NOT_RECOVERED_SETTLED);
        fact_text(&fact, the_case->what);
        tell(the_case->is_open ? "explained" : "settled", &fact, m);
}

static int by_name(const void *a, const void *b)
{
        return memcmp(a, b, 8);
}

static bool is_in_hall(const struct merge_filter *filter, const char *terminal,
                       const struct database_row *row)
{
        if (row)
                return !strcmp(row->hall, filter->hall);
        return filter->hall_terminals && bsearch(terminal, filter->hall_terminal, filter->hall_terminals,
                                                 sizeof(*filter->hall_terminal), by_name);
}

static bool is_of_bank(const struct merge *m, const struct database_row *row, const struct bank_span *span)
{
        bool found = row && !strcmp(row->link, m->filter.bank);

        for (size_t i = 0; !found && i < span->count; i++)
                found = !strcmp(bank_name(m, &span->first[i]), m->filter.bank);
        return found;
}

static bool is_looked_at(const struct merge *m, const struct key *key, const struct database_row *row,
                         const struct bank_span *span)
{
        const struct merge_filter *filter = &m->filter;

        return (!filter->has_day || calendar_business_day(key->transmitted_ms) == filter->day) &&
               (!filter->hall || is_in_hall(filter, key->terminal, row)) &&
               (!filter->bank || is_of_bank(m, row, span));
}

/* What banks have of it, and what they should have: by bank, and for the line. */
static void add_banks(struct merge *m, const struct database_row *row, const struct bank_span *span,
                      bool is_finished)
{
        const struct bank_entry *right = right_bank(m, row, span);
        bool is_told = m->at.reasons;
        int64_t wanted_yen = row && *row->link && is_finished ? reconcile_wanted_yen(row) : 0;

        for (size_t i = 0; i < span->count; i++) {
                const struct bank_entry *entry = &span->first[i];
                struct merge_bank *bank = &m->bank[entry->bank];
                int64_t bank_yen = entry->held_yen - (entry == right ? wanted_yen : 0);

                bank->withdrawals++;
                bank->held_yen += entry->held_yen;
                if (!is_told || (entry == right && (!is_finished || !strcmp(row->state, "approved"))))
                        continue;
                bank->bank_yen += bank_yen;
                bank->lines += bank_yen != 0;
                m->at.bank_yen += bank_yen;
        }
        if (!is_told || right || !wanted_yen)
                return;
        m->at.bank_yen -= wanted_yen; /* it has nothing of it */
        for (size_t i = 0; i < m->banks->banks; i++)
                if (!strcmp(m->banks->bank[i].name, row->link)) {
                        m->bank[i].bank_yen -= wanted_yen;
                        m->bank[i].lines++;
                }
}

/* The entries of the withdrawal `key`; NULL: that side has none. */
static const struct atm_entry *next_atm(struct merge *m, const struct key *key)
{
        struct key at;

        if (has_atm(m) && (at = key_of_atm(m), compare_keys(&at, key) == 0))
                return &m->atms->entry[m->next_atm++];
        return NULL;
}

static struct bank_span next_banks(struct merge *m, const struct key *key)
{
        struct bank_span span = {NULL, 0};
        struct key at;

        if (has_bank(m))
                span.first = &m->banks->entry[m->next_bank];
        while (has_bank(m) && (at = key_of_bank(m), compare_keys(&at, key) == 0)) {
                m->next_bank++;
                span.count++;
        }
        return span;
}

static void visit(struct merge *m, const struct bank_span *span, const struct merge_case *the_case,
                  bool is_late)
{
        if (m->visit)
                m->visit(
                    &(struct merge_sides){.terminal = m->at.terminal,
                                          .stan = m->at.stan,
                                          .transmitted_ms = m->at.transmitted_ms,
                                          .is_late = is_late,
                                          .is_dealt_with = (the_case && !the_case->is_open) || is_settled(m),
                                          .atm = m->at.atm,
                                          .row = m->at.row,
                                          .bank = span->count ? span->first : NULL,
                                          .banks = span->count},
                    m->context);
}

/* Its reasons. False: nothing can be said yet, since the snapshot may know what came last, or not. */
static bool compare(struct merge *m, const struct bank_span *span, const struct merge_case *the_case,
                    bool is_late, bool *ret_finished)
{
        const struct atm_entry *entry = m->at.atm;
        const struct database_row *row = m->at.row;
        struct fact why;

        fact_begin(&why, is_late ? FACT_GOING_ON : reconcile_unfinished(entry, row, m->banks != NULL));
        *ret_finished = why.kind == FACT_NONE;
        if (the_case && !is_late) {
                take_case(m, the_case);
                return true;
        }
        if (!*ret_finished)
                m->unfinished++;
        if (entry && (entry->end == ATM_OPEN || is_late))
                m->terminal.is_open = true;
        if (!*ret_finished && m->drained)
                tell("unfinished", &why, m);
        if (is_late)
                return false;
        compare_atm(m, entry, row);
        if (m->banks)
                compare_banks(m, row, span, *ret_finished);
        return true;
}

/* What the sides have of the withdrawal `key`; row NULL: the database has none. */
static void take(struct merge *m, const struct key *key, const struct database_row *row)
{
        const struct atm_entry *entry = next_atm(m, key);
        const struct bank_span span = next_banks(m, key);
        const struct merge_case *the_case = case_of(m, key);
        bool is_late = (entry && entry->is_late) || has_late_bank(&span), is_finished;

        be_at_terminal(m, key->terminal);
        if (!is_looked_at(m, key, row, &span)) {
                m->terminal.is_part = true;
                return;
        }
        m->terminal.is_seen = true;
        m->withdrawals++;
        m->cash_yen += row ? row->dispensed_yen : 0;
        m->terminal.journal_yen += entry ? entry->paid_yen : 0;
        m->terminal.database_yen += row ? row->dispensed_yen : 0;
        m->at = (struct merge_difference){.terminal = m->terminal.name,
                                          .withdrawal = true,
                                          .stan = key->stan,
                                          .transmitted_ms = key->transmitted_ms,
                                          .cash_yen =
                                              (entry ? entry->paid_yen : 0) - (row ? row->dispensed_yen : 0),
                                          .atm = entry,
                                          .row = row,
                                          .bank = m->banks ? right_bank(m, row, &span) : NULL,
                                          .settlement = settlement_of(m, key)};
        visit(m, &span, the_case, is_late);
        if (!compare(m, &span, the_case, is_late, &is_finished))
                is_finished = false;
        if (m->banks)
                add_banks(m, row, &span, is_finished);
        end_line(m);
}

bool merge_begin(struct merge *m)
{
        m->is_told = calloc(m->atms->terminals.count + 1, sizeof(*m->is_told));
        m->bank = calloc(m->banks ? m->banks->banks + 1 : 1, sizeof(*m->bank));
        return m->is_told && m->bank;
}

void merge_row(struct merge *m, const struct database_row *row)
{
        const struct key key = {row->terminal, row->transmitted_ms, row->stan};
        struct key least;

        while (least_key(m, &least) && compare_keys(&least, &key) < 0)
                take(m, &least, NULL);
        take(m, &key, row);
}

void merge_end(struct merge *m)
{
        struct key least;

        while (least_key(m, &least))
                take(m, &least, NULL);
        if (*m->terminal.name)
                end_terminal(m);
        /* those that have counters and no withdrawals */
        for (size_t i = 0; i < m->atms->terminals.count; i++) {
                if (m->is_told[i])
                        continue;
                begin_terminal(m, m->atms->terminals.terminal[i].name);
                m->terminal.is_part = m->filter.has_day || m->filter.bank ||
                                      (m->filter.hall && !is_in_hall(&m->filter, m->terminal.name, NULL));
                end_terminal(m);
        }
}

void merge_free(struct merge *m)
{
        free(m->is_told);
        free(m->bank);
        difference_lines_free(&m->lines);
}
