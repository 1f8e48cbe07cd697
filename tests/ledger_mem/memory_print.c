/* The rows in memory as sorted lines of text, to be compared with PostgreSQL's. */
#include "tests/ledger_mem/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hex.h"
#include "rules/calendar.h"
#include "tests/ledger_mem/memory_inside.h"

struct lines {
        char **text;
        size_t count;
};

ATM_PRINTF(2, 3) static void add_line(struct lines *lines, const char *format, ...)
{
        void *array = lines->text;
        char **line = memory_append(&array, &lines->count, sizeof *line);
        va_list arguments;

        lines->text = array;
        va_start(arguments, format);
        if (vasprintf(line, format, arguments) < 0)
                abort();
        va_end(arguments);
}

struct word {
        char text[2 * CARD_TOKEN_LENGTH + 1];
};

static struct word word_of_token(const uint8_t token[CARD_TOKEN_LENGTH])
{
        struct word word;

        hex_print(token, CARD_TOKEN_LENGTH, word.text);
        return word;
}

static struct word word_of_day(int32_t day)
{
        struct word word;

        calendar_print_day(day, word.text);
        return word;
}

static const char *or_null(const char *text)
{
        return text[0] == '\0' ? "-" : text;
}

static void print_withdrawal(struct lines *lines, const struct memory_withdrawal *w)
{
        const struct ledger_request *r = &w->request;
        const struct price *p = &r->price;
        bool blocked = w->reason == REASON_BLOCKED, priced = p->tax_rate_bp || p->tariff_from_day;
        struct word token = word_of_token(r->card_token), tariff_from = word_of_day(p->tariff_from_day);
        char tax_rate[16], reason[16] = "-";

        if (w->reason != REASON_COUNT)
                snprintf(reason, sizeof reason, "%d", (int)w->reason);
        snprintf(tax_rate, sizeof tax_rate, "%" PRId32, p->tax_rate_bp);
        add_line(lines,
                 "withdrawal|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId32 "|%" PRId64
                 "|%s|%s|%s|%s|%s|%s|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64
                 "|%s|%s|%s",
                 w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, reason,
                 r->processing_code, r->amount_yen, blocked ? "-" : token.text, or_null(r->pan_mask),
                 or_null(r->issuer), priced ? band_name[p->band] : "-", or_null(r->hall),
                 word_of_day(r->business_day).text, priced ? tariff_from.text : "-", blocked ? "-" : tax_rate,
                 p->customer_fee_yen, p->customer_tax_yen, p->interbank_fee_yen, p->interbank_tax_yen,
                 p->hall_share_yen, w->reason == REASON_APPROVED ? or_null(r->approval_code) : "-",
                 or_null(r->link), w->reason == REASON_APPROVED ? "dated" : "-");
        if (w->open)
                add_line(lines, "open_withdrawal|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId64 "|%s",
                         w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, token.text,
                         r->amount_yen, r->link[0] == '\0' ? "-" : "asked");
}

static void print_bank(struct lines *lines, const struct memory_withdrawal *w)
{
        static const char *const causes[] = {"answer", "timeout", "reversal", "operator"};

        if (w->has_outcome)
                add_line(lines, "bank_outcome|%s|%" PRId64 "|%" PRId32 "|%d|%s|%s|%s|%s",
                         w->identity.terminal, w->identity.transmitted_ms, w->identity.stan,
                         (int)w->outcome.reason, or_null(w->outcome.approval_code),
                         or_null(w->outcome.bank_de39), causes[w->outcome.cause],
                         w->outcome.reason == REASON_APPROVED ? "dated" : "-");
        for (size_t i = 0; i < w->notice_count; i++) {
                const struct memory_notice *n = &w->notices[i];

                add_line(lines,
                         "bank_notice|%s|%" PRId64 "|%" PRId32 "|%d|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64
                         "|%s",
                         w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, n->seq,
                         w->request.link, memory_notice_kind_name[n->kind], n->amount_yen, n->charge_yen,
                         n->dispensed_yen, n->why);
                if (n->acknowledged)
                        add_line(lines,
                                 "bank_ack|%s|%" PRId64 "|%" PRId32 "|%d|%" PRId32 "|%" PRId64 "|%s|%s",
                                 w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, n->seq,
                                 n->attempts, n->acknowledged_ms, notice_verdict_name[n->verdict], n->de39);
        }
}

static void print_history(struct lines *lines, const struct memory_withdrawal *w)
{
        for (size_t i = 0; i < w->advice_count; i++) {
                const struct memory_advice *a = &w->advices[i];

                add_line(lines,
                         "advice|%s|%" PRId64 "|%" PRId32 "|%zu|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId64
                         "|%" PRId64 "|%s|%s|%" PRId64 "|%d",
                         w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, i + 1,
                         a->by_person         ? "operator"
                         : a->advice.reversal ? "reversal"
                                              : "completion",
                         a->advice_ms, a->advice_stan, or_null(a->advice.why), a->advice.amount_yen,
                         a->advice.dispensed_yen, withdrawal_state_name[a->before],
                         withdrawal_state_name[a->after], a->counted_yen, a->commission);
        }
        for (size_t i = 0; i < w->commission_count; i++) {
                const struct memory_commission *c = &w->commissions[i];
                const struct price *p = &c->price;

                add_line(lines,
                         "commission|%s|%" PRId64 "|%" PRId32 "|%zu|%d|%s|%s|%s|%s|%s|%" PRId32 "|%" PRId64
                         "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%s",
                         w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, c->seq, c->sign,
                         w->request.hall, word_of_day(w->request.business_day).text, w->request.issuer,
                         band_name[p->band], word_of_day(p->tariff_from_day).text, p->tax_rate_bp,
                         p->customer_fee_yen, p->customer_tax_yen, p->interbank_fee_yen, p->interbank_tax_yen,
                         p->hall_share_yen, c->cash_yen, word_of_day(c->posted_day).text);
                if (c->unsummed)
                        add_line(lines, "unsummed_post|%s|%" PRId64 "|%" PRId32 "|%zu|%s",
                                 w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, c->seq,
                                 word_of_day(c->posted_day).text);
        }
}

/* What stands in the card's row of it. */
static void print_use(struct lines *lines, const struct memory_database *database,
                      const struct memory_card *card)
{
        struct word word = word_of_token(card->token);
        const char *token = word.text;

        for (int i = 0; i < 2; i++) {
                const struct memory_usage *month = memory_find_usage(database->months, card->token,
                                                                     card->month[i]),
                                          *day = memory_find_usage(database->days, card->token, card->day[i]);

                if (card->month[i])
                        add_line(lines, "card_month|%s|%s|%" PRId64, token, word_of_day(card->month[i]).text,
                                 month->cash_yen);
                if (card->day[i])
                        add_line(lines, "card_day|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64, token,
                                 word_of_day(card->day[i]).text, day->cash_yen, day->withdrawals,
                                 day->corrections);
        }
}

static void print_pins(struct lines *lines, const struct memory_card *card)
{
        struct word token = word_of_token(card->token);

        for (size_t i = 0; i < card->pin_event_count; i++) {
                const struct memory_pin_event *e = &card->pin_events[i];

                if (*e->identity.terminal)
                        add_line(lines, "pin_event|%s|%zu|%s|%s|%" PRId64 "|%" PRId32 "|%s", token.text,
                                 i + 1, e->kind, e->identity.terminal, e->identity.transmitted_ms,
                                 e->identity.stan, e->is_inquiry ? "inquiry" : "withdrawal");
                else
                        add_line(lines, "pin_event|%s|%zu|%s|-|-|-|-", token.text, i + 1, e->kind);
        }
}

static void print_inquiries(struct lines *lines, const struct memory_database *database)
{
        for (const struct memory_inquiry *i = database->inquiries; i; i = i->hh.next) {
                char balance[24] = "-";

                if (i->reason == REASON_APPROVED)
                        snprintf(balance, sizeof balance, "%" PRId64, i->balance_yen);
                add_line(lines, "pin_inquiry|%s|%" PRId64 "|%" PRId32 "|%d|%" PRId32 "|%s|%s",
                         i->identity.terminal, i->identity.transmitted_ms, i->identity.stan, (int)i->reason,
                         i->processing_code, word_of_token(i->card_token).text, balance);
        }
}

static void print_card(struct lines *lines, const struct memory_database *database,
                       const struct memory_card *card)
{
        static const char *const status[] = {"active", "lost", "stolen", "replaced"};
        struct word token = word_of_token(card->token);

        if (card->in_bank)
                add_line(lines, "card|%s|%s|%s|%s|%s|%s|%d", token.text, or_null(card->expiry_yymm),
                         card_kind_name[card->kind], status[card->status],
                         card->is_replaced ? word_of_token(card->successor).text : "-",
                         or_null(card->pin_value), card->pin_tries);
        print_pins(lines, card);
        print_use(lines, database, card);
        if (card->has_account)
                add_line(lines, "account|%s|%" PRId64 "|%" PRId64, token.text, card->opening_yen,
                         card->balance_yen);
        for (size_t i = 0; i < card->exclusion_count; i++)
                add_line(lines, "exclusion|%s|%s|%s", token.text,
                         word_of_day(card->exclusions[i].from_day).text,
                         card->exclusions[i].until_day == INT32_MAX
                             ? "-"
                             : word_of_day(card->exclusions[i].until_day).text);
}

static void print_sums(struct lines *lines, const struct memory_database *database)
{
        for (const struct memory_card *c = database->cards; c; c = c->hh.next)
                print_card(lines, database, c);
        for (const struct memory_sum *r = database->sums; r; r = r->hh.next)
                add_line(lines,
                         "summary_detail|%s|%s|%s|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64
                         "|%" PRId64 "|%" PRId64 "|%" PRId64,
                         r->key.terminal, word_of_day(r->key.posted_day).text, r->key.hall, r->key.issuer,
                         band_name[r->key.band], r->withdrawals, r->cash_yen, r->customer_fee_yen,
                         r->customer_tax_yen, r->interbank_fee_yen, r->interbank_tax_yen, r->hall_share_yen);
}

/* A quarter as finance names it, by the fiscal year that begins in April. */
static void print_periods(struct lines *lines, const struct memory_database *database)
{
        for (const struct memory_period *p = database->periods; p; p = p->hh.next) {
                struct civil first;

                calendar_civil_of_day(p->from_day, &first);
                add_line(lines, "period|%dQ%02d|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64,
                         (first.month + 8) % 12 / 3 + 1, (first.year - (first.month < 4)) % 100,
                         word_of_day(p->from_day).text, word_of_day(p->to_day).text, p->without_end,
                         p->withdrawals, p->cash_yen, p->commission_yen);
        }
}

static void print_advice_identities(struct lines *lines, const struct memory_database *database)
{
        for (const struct memory_advice_identity *i = database->advice_identities; i; i = i->hh.next)
                add_line(lines, "advice_identity|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId64 "|%" PRId32,
                         i->key.advice.terminal, i->key.advice.transmitted_ms, i->key.advice.stan,
                         i->key.reversal ? "reversal" : "completion", i->original.transmitted_ms,
                         i->original.stan);
}

static void print_exceptions(struct lines *lines, const struct memory_database *database)
{
        static const char *const kinds[] = {"completion", "reversal", "bank"};

        for (const struct memory_exception *e = database->exceptions; e; e = e->hh.next) {
                const struct ledger_identity *advice = &e->key.advice, *original = &e->key.original;

                add_line(lines,
                         "exception_record|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId64
                         "|%" PRId64 "|%s",
                         advice->terminal, advice->transmitted_ms, advice->stan, kinds[e->key.kind],
                         original->transmitted_ms, original->stan, e->key.what, e->amount_yen,
                         e->dispensed_yen, e->resolved ? "resolved" : "-");
        }
}

/* When a notice was written is the real time of whoever did; when it is due again follows from its taking. */
static void print_saf(struct lines *lines, const struct memory_database *database)
{
        for (const struct memory_saf *s = database->saf; s; s = s->hh.next) {
                char due[32] = "-", chip[2 * CHIP_DATA_MAX + 2] = "-";

                if (s->chip.length > 0)
                        hex_print(s->chip.bytes, s->chip.length, chip);
                if (s->due_ms != s->created_ms)
                        snprintf(due, sizeof due, "%" PRId64, s->due_ms);
                add_line(lines, "saf|%s|%" PRId64 "|%" PRId32 "|%" PRId32 "|%s|%s|%" PRId32 "|%s|%s|%s",
                         s->key.identity.terminal, s->key.identity.transmitted_ms, s->key.identity.stan,
                         s->key.seq, s->link, due, s->attempts, s->parked ? "parked" : "-",
                         or_null(s->last_error), chip);
        }
        for (const struct memory_lease *l = database->leases; l; l = l->hh.next)
                add_line(lines, "saf_lease|%s|%s|%" PRId64, l->link, l->holder, l->until_ms);
}

static int compare_lines(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void memory_print(const struct memory_database *database, FILE *out)
{
        struct lines lines = {0};

        for (const struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next) {
                print_withdrawal(&lines, w);
                print_history(&lines, w);
                print_bank(&lines, w);
        }
        print_saf(&lines, database);
        print_sums(&lines, database);
        print_periods(&lines, database);
        print_advice_identities(&lines, database);
        print_inquiries(&lines, database);
        print_exceptions(&lines, database);
        if (lines.count)
                qsort(lines.text, lines.count, sizeof *lines.text, compare_lines);
        for (size_t i = 0; i < lines.count; i++) {
                fprintf(out, "%s\n", lines.text[i]);
                free(lines.text[i]);
        }
        free(lines.text);
}
