/*
 * Protects backoffice/audit's verify_history.c and verify_books.c: rows given by hand, one withdrawal that was completed,
 * and then each thing in them changed in turn: what is found, under which name. No database is asked.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/verify_history.h"
#include "backoffice/pages/audit_text.h"
#include "lib/base/array.h"
#include "lib/db/pg_copy.h"
#include "rules/calendar.h"
#include "rules/reasons.h"
#include "tests/suite.h"
#include "tests/unit/shipped.h"

#define MOMENT INT64_C(1485910800000) /* 2017-02-01T10:00+09:00 */
#define DAY    "2017-02-01"

enum { FEES = 5, ROWS_MAX = 24, HEADER_SIZE = 19, NO_LIMIT = -1 };

/* What the tables hold of one withdrawal and of the sums that it is in. */
struct story {
        int64_t amount_yen, dispensed_yen, counted_yen,
            cash_yen; /* asked, advised, recorded, in the commission row */
        int64_t price[FEES], earned[FEES],
            summed[FEES]; /* of the withdrawal, the commission row, the sums of the day */
        int64_t sum_yen, used_yen, month_yen, balance_yen, opening_yen;
        int64_t commission; /* that the advice says it earned */
        const char *band, *hall, *state, *posted_on, *tariff_from;
        const char *earlier_on; /* the earlier of two days that the card's row has; NULL: it has one */
        const char *place_from; /* NULL: nobody knows where the hall was */
        int32_t share_bp;
        bool has_withdrawal, has_advice, has_commission, has_sums, has_day, has_account, has_card, is_open;
        bool is_replaced, is_moved; /* the card, by another; its use and account, to that other */
        bool is_summed, is_month_summed, is_unsummed; /* its day and month; that the sums lack it */
        bool is_unreported;                           /* that no report has the day that it is posted on */
        int64_t approved_ms;                          /* 0: nobody wrote it down */
        /* what a card may take a day, before and after it was changed, and when; NO_LIMIT: there was no row; 0: no more is known */
        int64_t limit_was_yen, limit_yen, limit_changed_ms;
        const char *excluded_from; /* NULL: no exclusion */
        int64_t excluded_ms;       /* when that was entered; 0: before anybody wrote it down */
};

static const struct story good = {.amount_yen = 10000,
                                  .dispensed_yen = 10000,
                                  .counted_yen = 10000,
                                  .cash_yen = 10000,
                                  .price = {100, 8, 100, 8, 6},
                                  .earned = {100, 8, 100, 8, 6},
                                  .summed = {100, 8, 100, 8, 6},
                                  .sum_yen = 10000,
                                  .used_yen = 10000,
                                  .month_yen = 10000,
                                  .opening_yen = 500000,
                                  .balance_yen = 489892,
                                  .commission = 1,
                                  .band = "day",
                                  .hall = "H00001",
                                  .state = "completed",
                                  .posted_on = DAY,
                                  .tariff_from = "2007-07-01",
                                  .has_withdrawal = true,
                                  .has_advice = true,
                                  .has_commission = true,
                                  .has_sums = true,
                                  .is_summed = true,
                                  .has_day = true,
                                  .has_account = true,
                                  .has_card = true};

/* a server without a database ---------------------------------------------------------------------------- */

struct given {
        const char *table;
        struct pg_copy row;
};

struct server {
        struct given given[ROWS_MAX];
        size_t count, next;
        char table[32];
        bool begun, ended;
};

static struct pg_copy *give(struct server *server, const char *table, int16_t columns)
{
        struct given *given = &server->given[server->count++];

        ck_assert_uint_le(server->count, ROWS_MAX);
        given->table = table;
        pg_copy_begin(&given->row);
        pg_copy_row(&given->row, columns);
        return &given->row;
}

static bool begin(struct copy_source *source, const char *sql)
{
        struct server *server = source->from;
        const char *from = strstr(sql, " FROM ");

        ck_assert_ptr_nonnull(from);
        from += strlen(" FROM ");
        snprintf(server->table, sizeof(server->table), "%.*s", (int)strcspn(from, " )"), from);
        server->next = 0;
        server->begun = server->ended = false;
        return true;
}

static int piece(struct server *server, const void *bytes, size_t length, char **ret_row)
{
        *ret_row = malloc(length);
        ck_assert_ptr_nonnull(*ret_row);
        memcpy(*ret_row, bytes, length);
        server->begun = true;
        return (int)length;
}

/* The header goes with the first piece, and the last is the end's mark. */
static int row(struct copy_source *source, char **ret_row)
{
        static const char end[HEADER_SIZE + 2] = {[HEADER_SIZE] = '\xff', [HEADER_SIZE + 1] = '\xff'};
        struct server *server = source->from;
        size_t skip = server->begun ? HEADER_SIZE : 0;

        while (server->next < server->count) {
                const struct given *given = &server->given[server->next++];

                if (!strcmp(given->table, server->table))
                        return piece(server, given->row.bytes + skip, given->row.length - skip, ret_row);
        }
        if (server->ended)
                return -1;
        server->ended = true;
        return piece(server, end + skip, sizeof(end) - skip, ret_row);
}

static bool end(struct copy_source *source)
{
        (void)source;
        return true;
}

static const struct copy_server by_hand = {begin, row, end};

/* rows ------------------------------------------------------------------------------------------------------ */

static const uint8_t card[16] = {1, 2, 3}, new_card[16] = {9, 8, 7};

static void put_day(struct pg_copy *copy, const char *text)
{
        pg_copy_date(copy, shipped_day(text));
}

static struct pg_copy *give_keyed(struct server *server, const char *table, int16_t columns)
{
        struct pg_copy *copy = give(server, table, columns);

        pg_copy_text(copy, "T0000001");
        pg_copy_timestamptz(copy, MOMENT);
        pg_copy_int4(copy, 5);
        return copy;
}

static void put_fees(struct pg_copy *copy, const int64_t fees[FEES])
{
        for (int i = 0; i < FEES; i++)
                pg_copy_int8(copy, fees[i]);
}

static void put_text_if(struct pg_copy *copy, bool is_there, const char *text)
{
        if (is_there)
                pg_copy_text(copy, text);
        else
                pg_copy_null(copy);
}

/* In binary form it is a byte; no value is read as false. */
static void put_bool(struct pg_copy *copy, bool value)
{
        pg_copy_text(copy, value ? "\1" : NULL);
}

/* Whether there is one, and it. */
static void put_moment_if(struct pg_copy *copy, int64_t moment_ms)
{
        put_bool(copy, moment_ms != 0);
        if (moment_ms)
                pg_copy_timestamptz(copy, moment_ms);
        else
                pg_copy_null(copy);
}

static void give_withdrawal(struct server *server, const struct story *s)
{
        struct pg_copy *copy = give_keyed(server, "withdrawal", 21);

        pg_copy_int2(copy, REASON_APPROVED);
        pg_copy_int8(copy, s->amount_yen);
        pg_copy_uuid(copy, card);
        pg_copy_text(copy, "HOUSE");
        pg_copy_text(copy, s->band);
        pg_copy_text(copy, s->hall);
        put_day(copy, DAY);
        put_day(copy, s->tariff_from);
        pg_copy_int4(copy, 800);
        put_fees(copy, s->price);
        pg_copy_null(copy);
        pg_copy_null(copy); /* no card number */
        put_moment_if(copy, s->approved_ms);
}

static void give_advice(struct server *server, const struct story *s)
{
        struct pg_copy *copy = give_keyed(server, "advice", 15);

        pg_copy_int2(copy, 1);
        pg_copy_text(copy, "completion");
        pg_copy_null(copy);
        pg_copy_int8(copy, s->dispensed_yen);
        pg_copy_text(copy, "approved");
        pg_copy_text(copy, s->state);
        pg_copy_int8(copy, s->counted_yen);
        pg_copy_int2(copy, (int16_t)s->commission);
        pg_copy_timestamptz(copy, MOMENT + 60000);
        pg_copy_int4(copy, 6);
        pg_copy_int8(copy, s->amount_yen);
        pg_copy_null(copy); /* of an earlier release */
}

static void give_commission(struct server *server, const struct story *s)
{
        struct pg_copy *copy = give_keyed(server, "commission", 18);

        pg_copy_int2(copy, 1);
        pg_copy_int2(copy, 1);
        pg_copy_text(copy, "H00001");
        put_day(copy, DAY);
        pg_copy_text(copy, "HOUSE");
        pg_copy_text(copy, "day");
        put_day(copy, "2007-07-01");
        pg_copy_int4(copy, 800);
        put_fees(copy, s->earned);
        pg_copy_int8(copy, s->cash_yen);
        put_day(copy, s->posted_on);
}

static void put_place(struct pg_copy *copy, const struct story *s, bool is_there)
{
        if (is_there && s->place_from && strcmp(s->place_from, DAY) <= 0)
                put_day(copy, s->place_from);
        else
                pg_copy_null(copy);
}

static void give_sums(struct server *server, const struct story *s)
{
        static const struct {
                const char *cube;
                bool by_place, by_bank, by_band, by_hour;
        } cubes[] = {{"day", true, false, false, false},
                     {"bank", false, true, true, true},
                     {"hour", true, false, true, true}};
        struct pg_copy *copy = give(server, "summary_detail", 15);

        pg_copy_text(copy, "T0000001");
        put_day(copy, "2017-02-01");
        put_day(copy, s->posted_on);
        put_place(copy, s, true);
        pg_copy_text(copy, "H00001");
        pg_copy_text(copy, "HOUSE");
        pg_copy_text(copy, "day");
        pg_copy_int8(copy, 1);
        pg_copy_int8(copy, s->sum_yen);
        put_fees(copy, s->summed);
        pg_copy_int8(copy, 0);
        for (size_t i = 0; i < LENGTH(cubes); i++) {
                copy = give(server, "summary", 18);
                pg_copy_text(copy, cubes[i].cube);
                put_day(copy, "2017-02-01");
                put_day(copy, s->posted_on);
                put_place(copy, s, cubes[i].by_place);
                put_text_if(copy, cubes[i].by_place, "T0000001");
                put_text_if(copy, cubes[i].by_place, "H00001");
                put_text_if(copy, cubes[i].by_bank, "HOUSE");
                put_text_if(copy, cubes[i].by_band, "day");
                if (cubes[i].by_hour)
                        pg_copy_int2(copy, 10);
                else
                        pg_copy_null(copy);
                if (cubes[i].by_bank)
                        pg_copy_int4(copy, 800);
                else
                        pg_copy_null(copy);
                pg_copy_int8(copy, 1);
                pg_copy_int8(copy, s->sum_yen);
                put_fees(copy, s->summed);
                pg_copy_int8(copy, 0);
        }
}

static void give_what_is_summed(struct server *server, const struct story *s)
{
        put_day(give(server, "books", 1), DAY);
        if (s->is_summed)
                put_day(give(server, "summed_day", 1), DAY);
        if (s->is_month_summed)
                put_day(give(server, "summed_month", 1), "2017-02-01");
        if (!s->is_unreported)
                put_day(give(server, "v_reported_day", 1), s->posted_on);
        if (s->is_unsummed) {
                struct pg_copy *copy = give_keyed(server, "unsummed_post", 5);

                pg_copy_int2(copy, 1);
                put_day(copy, s->posted_on);
        }
}

static void give_use(struct server *server, const struct story *s)
{
        const uint8_t *holder = s->is_moved ? new_card : card;
        struct pg_copy *copy;

        if (s->has_day) {
                copy = give(server, "v_card_day", 4);
                pg_copy_uuid(copy, holder);
                put_day(copy, DAY);
                pg_copy_int4(copy, 1);
                pg_copy_int8(copy, s->used_yen);
        }
        copy = give(server, "v_card_month", 3);
        pg_copy_uuid(copy, holder);
        put_day(copy, "2017-02-01");
        pg_copy_int8(copy, s->month_yen);
        if (s->has_account) {
                copy = give(server, "v_account", 3);
                pg_copy_uuid(copy, holder);
                pg_copy_int8(copy, s->opening_yen);
                pg_copy_int8(copy, s->balance_yen);
        }
        if (s->has_card) {
                copy = give(server, "card", 4);
                pg_copy_uuid(copy, card);
                if (s->is_replaced)
                        pg_copy_uuid(copy, new_card);
                else
                        pg_copy_null(copy);
                if (s->earlier_on)
                        put_day(copy, s->earlier_on);
                else
                        pg_copy_null(copy);
                pg_copy_null(copy);
        }
}

static void put_limit(struct pg_copy *copy, int64_t yen)
{
        if (yen == NO_LIMIT) {
                pg_copy_null(copy);
                pg_copy_null(copy);
                put_bool(copy, false);
                pg_copy_null(copy);
                return;
        }
        pg_copy_text(copy, "day_yen");
        put_day(copy, "2007-07-01");
        put_bool(copy, true);
        pg_copy_int8(copy, yen);
}

static void give_limits(struct server *server, const struct story *s)
{
        struct pg_copy *copy;

        if (s->limit_yen)
                put_limit(give(server, "limit_rule", 4), s->limit_yen);
        if (s->limit_changed_ms) {
                copy = give(server, "trail", 9);
                pg_copy_timestamptz(copy, s->limit_changed_ms);
                put_limit(copy, s->limit_yen ? s->limit_yen : NO_LIMIT);
                put_limit(copy, s->limit_was_yen);
        }
        if (s->excluded_from) {
                copy = give(server, "exclusion", 5);
                pg_copy_uuid(copy, card);
                put_day(copy, s->excluded_from);
                pg_copy_null(copy);
                put_moment_if(copy, s->excluded_ms);
        }
}

static void give_story(struct server *server, const struct story *s)
{
        pg_copy_text(give(server, "hall", 1), "H00001");
        if (s->place_from) {
                struct pg_copy *copy = give(server, "hall_place", 3);

                pg_copy_text(copy, "H00001");
                put_day(copy, s->place_from);
                pg_copy_int4(copy, s->share_bp);
        }
        if (s->has_withdrawal)
                give_withdrawal(server, s);
        if (s->has_advice)
                give_advice(server, s);
        if (s->has_commission)
                give_commission(server, s);
        if (s->has_sums)
                give_sums(server, s);
        give_what_is_summed(server, s);
        give_use(server, s);
        give_limits(server, s);
        if (s->is_open) {
                struct pg_copy *copy = give_keyed(server, "open_withdrawal", 6);

                pg_copy_uuid(copy, card);
                pg_copy_int8(copy, s->amount_yen);
                pg_copy_int2(copy, 0); /* no bool: see below */
        }
}

/* asking ------------------------------------------------------------------------------------------------------ */

static struct reference *reference;

static void load(void)
{
        reference = shipped_reference("hours.csv");
        shipped_finish(reference);
}

static void unload(void)
{
        reference_free(reference);
}

struct answer {
        struct findings findings;
        char error[PG_ERROR_MAX];
        bool done;
};

static bool ask_all(struct verify_history *h, struct books *books, struct copy_source *source,
                    struct findings *findings)
{
        const struct history_piece all = {"-infinity", "infinity", 1, 0};

        if (!books_open(books, source, findings))
                return false;
        *h = (struct verify_history){.source = source,
                                     .names = source->names,
                                     .findings = findings,
                                     .books = books,
                                     .reference = reference};
        if (!verify_history_open(h))
                return false;
        books_quarter_begin(books, INT32_MIN, INT32_MAX);
        return verify_history_piece(h, &all) && books_quarter_end(books) && books_end(books);
}

static void ask(const struct story *s, struct answer *ret_answer)
{
        struct server server = {.count = 0};
        struct names names;
        struct copy_source source = {
            .server = &by_hand, .from = &server, .names = &names, .error = ret_answer->error};
        struct verify_history history = {.source = NULL};
        struct books books;

        *ret_answer = (struct answer){.done = false};
        ck_assert(names_open(&names));
        give_story(&server, s);
        ret_answer->done = ask_all(&history, &books, &source, &ret_answer->findings);
        findings_sort(&ret_answer->findings);
        verify_history_close(&history);
        books_close(&books);
        names_close(&names);
        for (size_t i = 0; i < server.count; i++)
                pg_copy_free(&server.given[i].row);
}

static void names_of(const struct findings *findings, char *buffer, size_t size)
{
        *buffer = '\0';
        for (size_t i = 0; i < findings->count; i++) {
                size_t used = strlen(buffer);

                snprintf(buffer + used, size - used, "%s%s", used ? " " : "",
                         verify_check_name[findings->named[i].check]);
        }
}

START_TEST(a_completed_withdrawal_and_its_sums_agree)
{
        struct answer answer;

        ask(&good, &answer);
        ck_assert_msg(answer.done, "%s", answer.error);
        ck_assert_uint_eq(answer.findings.differences, 0);
        ck_assert_uint_eq(answer.findings.checked[CHECK_COMMISSION], 1);
        ck_assert_uint_eq(answer.findings.checked[CHECK_PRICE], 1);
        ck_assert_uint_eq(answer.findings.checked[CHECK_ADVICE], 1);
        ck_assert_uint_eq(answer.findings.checked[CHECK_DAY_SUM], 1);
        ck_assert_uint_eq(answer.findings.checked[CHECK_ACCOUNT], 1);
        findings_free(&answer.findings);
}
END_TEST

/* The sums by day, by bank and by hour. */
#define SUMMARIES " summary summary summary"

/* One thing changed, and the checks that must say so, in their order. */
static const struct change {
        const char *what;
        size_t offset;
        int64_t value;
        const char *found;
} numbers[] = {
#define NUMBER(field, value, found)                                                                          \
        {                                                                                                    \
#field, offsetof(struct story, field), value, found                                          \
        }
    NUMBER(cash_yen, 9000, "commission commission_row day_sum" SUMMARIES),
    NUMBER(earned[0], 101, "commission commission_row day_sum" SUMMARIES),
    NUMBER(price[2], 101, "commission commission_row price"),
    NUMBER(price[4], 201, "commission commission_row price"), /* a share of more than all */
    NUMBER(summed[3], 9, "day_sum" SUMMARIES),
    NUMBER(sum_yen, 20000, "day_sum" SUMMARIES),
    NUMBER(counted_yen, 9000, "commission commission_row advice card_day card_month account"),
    NUMBER(dispensed_yen, 9000, "advice"),
    NUMBER(commission, 0, "commission_row commission_row advice"),
    NUMBER(used_yen, 9000, "card_day"),
    NUMBER(month_yen, 9000, "card_month"),
    NUMBER(balance_yen, 489893, "account"),
};

START_TEST(a_number_that_was_changed_is_found_by_name)
{
        const struct change *change = &numbers[_i];
        struct story story = good;
        struct answer answer;
        char found[256];

        memcpy((char *)&story + change->offset, &change->value, sizeof(change->value));
        ask(&story, &answer);
        ck_assert_msg(answer.done, "%s", answer.error);
        names_of(&answer.findings, found, sizeof(found));
        ck_assert_msg(!strcmp(found, change->found), "%s: '%s' expected, '%s' found", change->what,
                      change->found, found);
        findings_free(&answer.findings);
}
END_TEST

static const struct loss {
        const char *what;
        size_t offset; /* of the bool that is turned */
        const char *found;
} losses[] = {
#define LOSS(field, found)                                                                                   \
        {                                                                                                    \
#field, offsetof(struct story, field), found                                                 \
        }
    LOSS(has_commission, "commission commission_row day_sum" SUMMARIES),
    LOSS(has_sums, "day_sum" SUMMARIES),
    LOSS(is_summed, "day_sum" SUMMARIES),   /* sums of a day that has none */
    LOSS(is_unsummed, "day_sum" SUMMARIES), /* what is said to be in no sum is in them */
    LOSS(is_unreported, "posting"),
    LOSS(has_day, "card_day"),
    LOSS(has_account, "account"),
    LOSS(has_card, "reference"),
    LOSS(has_withdrawal, "commission commission_row advice card_day card_month account"),
};

START_TEST(a_row_that_is_missing_is_found_by_name)
{
        const struct loss *loss = &losses[_i];
        struct story story = good;
        struct answer answer;
        char found[256];

        *((bool *)&story + loss->offset) ^= true;
        ask(&story, &answer);
        ck_assert_msg(answer.done, "%s", answer.error);
        names_of(&answer.findings, found, sizeof(found));
        ck_assert_msg(!strcmp(found, loss->found), "%s: '%s' expected, '%s' found", loss->what, loss->found,
                      found);
        findings_free(&answer.findings);
}
END_TEST

static const struct word {
        const char *what;
        size_t offset;
        const char *value, *found;
} words[] = {
#define WORD(field, value, found)                                                                            \
        {                                                                                                    \
#field, offsetof(struct story, field), value, found                                          \
        }
    WORD(band, "other", "commission_row price band"),
    WORD(hall, "H00009", "commission_row reference"),
    WORD(state, "reversed", "commission advice card_day card_month account"),
    WORD(posted_on, "2017-02-02", "day_sum posting" SUMMARIES), /* a day without sums */
    WORD(tariff_from, "2008-07-01", "commission_row price"),
};

START_TEST(a_word_that_was_changed_is_found_by_name)
{
        const struct word *word = &words[_i];
        struct story story = good;
        struct answer answer;
        char found[256];

        memcpy((char *)&story + word->offset, &word->value, sizeof(word->value));
        ask(&story, &answer);
        ck_assert_msg(answer.done, "%s", answer.error);
        names_of(&answer.findings, found, sizeof(found));
        ck_assert_msg(!strcmp(found, word->found), "%s: '%s' expected, '%s' found", word->what, word->found,
                      found);
        findings_free(&answer.findings);
}
END_TEST

/* 6 yen of 200. */
static const struct share {
        const char *place_from;
        int32_t share_bp;
        const char *found;
} shares[] = {
    {"2017-01-31", 300, ""},      {"2017-01-31", 250, "price"},
    {"2017-01-31", 350, "price"}, {DAY, 350, ""}, /* of the day of its change */
    {"2017-01-31", -1, ""},                       /* nobody knows */
    {"2017-02-02", 350, ""},
};

START_TEST(a_share_is_that_of_the_day_where_it_is_known)
{
        struct story story = good;
        struct answer answer;
        char found[256];

        story.place_from = shares[_i].place_from;
        story.share_bp = shares[_i].share_bp;
        ask(&story, &answer);
        ck_assert_msg(answer.done, "%s", answer.error);
        names_of(&answer.findings, found, sizeof(found));
        ck_assert_str_eq(found, shares[_i].found);
        findings_free(&answer.findings);
}
END_TEST

/* 10,000 yen were taken. */
#define APPROVED (MOMENT + 1000)
#define BEFORE   (APPROVED - 3600000)
#define AFTER    (APPROVED + 3600000)
static const struct held {
        int64_t approved_ms, limit_was_yen, limit_yen, limit_changed_ms;
        const char *excluded_from;
        int64_t excluded_ms;
        const char *found;
} helds[] = {
    {APPROVED, 0, 10000, 0, NULL, 0, ""},
    {APPROVED, 0, 9000, 0, NULL, 0, "limit"},
    {APPROVED, 30000, 9000, AFTER, NULL, 0, ""}, /* lowered when the cash was out */
    {APPROVED, 30000, 9000, BEFORE, NULL, 0, "limit"},
    {APPROVED, 9000, 30000, AFTER, NULL, 0, "limit"}, /* raised when it was too late */
    {APPROVED, 9000, 30000, BEFORE, NULL, 0, ""},
    {APPROVED, NO_LIMIT, 9000, AFTER, NULL, 0, ""},
    {APPROVED, NO_LIMIT, 9000, BEFORE, NULL, 0, "limit"},
    {APPROVED, 9000, 0, AFTER, NULL, 0, "limit"}, /* lifted */
    {0, 30000, 9000, AFTER, NULL, 0, ""},         /* nobody knows which */
    {0, NO_LIMIT, 9000, AFTER, NULL, 0, "limit"},
    {APPROVED, 0, 0, 0, "2017-01-31", BEFORE, "limit"},
    {APPROVED, 0, 0, 0, DAY, BEFORE, "limit"},
    {APPROVED, 0, 0, 0, "2017-02-02", BEFORE, ""},
    {APPROVED, 0, 0, 0, "2017-01-31", AFTER, ""}, /* barred from a day that was over */
    {APPROVED, 0, 0, 0, "2017-01-31", 0, "limit"},
    {APPROVED, 0, 0, 0, DAY, 0, ""}, /* before or after, on that day */
    {0, 0, 0, 0, "2017-01-31", 0, "limit"},
    {0, 0, 0, 0, "2017-01-31", BEFORE, ""},
};

START_TEST(a_card_may_take_what_held_at_the_moment_of_the_decision)
{
        const struct held *held = &helds[_i];
        struct story story = good;
        struct answer answer;
        char found[256];

        story.approved_ms = held->approved_ms;
        story.limit_was_yen = held->limit_was_yen;
        story.limit_yen = held->limit_yen;
        story.limit_changed_ms = held->limit_changed_ms;
        story.excluded_from = held->excluded_from;
        story.excluded_ms = held->excluded_ms;
        ask(&story, &answer);
        ck_assert_msg(answer.done, "%s", answer.error);
        names_of(&answer.findings, found, sizeof(found));
        ck_assert_str_eq(found, held->found);
        findings_free(&answer.findings);
}
END_TEST

static const char *words_of(const struct kept_fact *fact)
{
        static char text[AUDIT_TEXT_MAX];

        audit_text(fact->kind, fact->values, text);
        return text;
}

/* A card's use and account are where its successor is, and nowhere else. */
static const struct replacement {
        bool is_replaced, is_moved;
        const char *found;
} replacements[] = {
    {true, true, ""},
    {true, false, "card_day card_day card_month card_month account account"},
    {false, true, "card_day card_day card_month card_month account account"},
};

START_TEST(use_and_account_of_a_replaced_card_are_its_successors)
{
        struct story story = good;
        struct answer answer;
        char found[256];

        story.is_replaced = replacements[_i].is_replaced;
        story.is_moved = replacements[_i].is_moved;
        ask(&story, &answer);
        ck_assert_msg(answer.done, "%s", answer.error);
        names_of(&answer.findings, found, sizeof(found));
        ck_assert_str_eq(found, replacements[_i].found);
        findings_free(&answer.findings);
}
END_TEST

START_TEST(a_difference_says_where_it_is_and_what_both_are)
{
        struct story story = good;
        struct answer answer;
        const struct difference *d;

        story.balance_yen = 1;
        ask(&story, &answer);
        ck_assert_uint_eq(answer.findings.count, 1);
        d = &answer.findings.named[0];
        ck_assert_str_eq(words_of(&d->key), "card 01020300-0000-0000-0000-000000000000");
        ck_assert_str_eq(words_of(&d->expected), "489892");
        ck_assert_str_eq(words_of(&d->found), "1");
        findings_free(&answer.findings);
        story = good;
        story.dispensed_yen = 9000;
        ask(&story, &answer);
        ck_assert_uint_eq(answer.findings.count, 1);
        d = &answer.findings.named[0];
        ck_assert_str_eq(words_of(&d->key), "T0000001 2017-02-01T10:00:00+09:00 000005 advice 1");
        ck_assert_str_eq(words_of(&d->expected), "seq 1 approved -> completed counted 9000 commission 1");
        ck_assert_str_eq(words_of(&d->found), "seq 1 approved -> completed counted 10000 commission 1");
        findings_free(&answer.findings);
}
END_TEST

/* A row of open_withdrawal that ends in a field of another length than it must have. */
START_TEST(rows_of_another_form_fail_the_whole_and_say_so)
{
        struct story story = good;
        struct answer answer;

        story.is_open = true;
        ask(&story, &answer);
        ck_assert(!answer.done);
        ck_assert_str_eq(answer.error, "the database's rows are not of the form that was asked for");
        findings_free(&answer.findings);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("verify");
        TCase *tests = tcase_create("verify");

        tcase_add_unchecked_fixture(tests, load, unload);
        tcase_add_test(tests, a_completed_withdrawal_and_its_sums_agree);
        tcase_add_loop_test(tests, a_number_that_was_changed_is_found_by_name, 0, LENGTH(numbers));
        tcase_add_loop_test(tests, a_row_that_is_missing_is_found_by_name, 0, LENGTH(losses));
        tcase_add_loop_test(tests, a_word_that_was_changed_is_found_by_name, 0, LENGTH(words));
        tcase_add_loop_test(tests, a_share_is_that_of_the_day_where_it_is_known, 0, LENGTH(shares));
        tcase_add_loop_test(tests, use_and_account_of_a_replaced_card_are_its_successors, 0,
                            LENGTH(replacements));
        tcase_add_loop_test(tests, a_card_may_take_what_held_at_the_moment_of_the_decision, 0, LENGTH(helds));
        tcase_add_test(tests, a_difference_says_where_it_is_and_what_both_are);
        tcase_add_test(tests, rows_of_another_form_fail_the_whole_and_say_so);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
