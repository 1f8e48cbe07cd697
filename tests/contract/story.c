#include "tests/contract/story.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backoffice/journals/bank_journal.h"
#include "backoffice/journals/dispenser.h"
#include "backoffice/journals/journal.h"
#include "lib/base/hex.h"
#include "lib/db/pg_query.h"
#include "tests/contract/ops.h"

#define NOON       "2020-06-29T12:00"
#define NEXT_NOON  "2020-07-02T12:00"
#define BANKA_CARD WORLD_LINK_CARD
#define BANKB_CARD (WORLD_LINK_CARD + 4)

enum { OTHER_ADVICE_STAN = 500 };

/* the history --------------------------------------------------------------------------------------------- */

struct story {
        struct world *world;
        struct ledger_op ask[STORY_PARTS];
        int advices;
};

static void ask_refused(struct story *s, enum story_part part, int card, int64_t amount_yen,
                        enum reason refusal)
{
        struct ledger_op *op = &s->ask[part];
        char pan[17];

        ops_identify(op, part == STORY_NEXT_QUARTER ? NEXT_NOON : NOON, part);
        play_fill_request(world_reference(s->world), op, card, amount_yen, 10000);
        world_pan(card, pan);
        snprintf(op->request.pan_mask, sizeof(op->request.pan_mask), "%.6s******%s", pan, pan + 12);
        op->request.refusal = refusal;
        ops_do(s->world, op);
}

static void ask(struct story *s, enum story_part part, int card, int64_t amount_yen)
{
        ask_refused(s, part, card, amount_yen, REASON_APPROVED);
}

static void outcome(struct story *s, enum story_part part, enum outcome_cause cause, enum reason reason)
{
        struct ledger_op op;

        ops_outcome(&op, &s->ask[part], cause, reason);
        ops_do(s->world, &op);
}

static void advise_of(struct story *s, enum story_part part, int64_t amount_yen, int64_t dispensed_yen)
{
        struct ledger_op op;

        ops_advise(&op, &s->ask[part], ++s->advices, amount_yen, dispensed_yen);
        op.identity.stan = OTHER_ADVICE_STAN + s->advices;
        ops_do(s->world, &op);
}

static void advise(struct story *s, enum story_part part, int64_t dispensed_yen)
{
        advise_of(s, part, s->ask[part].request.amount_yen, dispensed_yen);
}

static void house_bank(struct story *s)
{
        ask(s, STORY_COMPLETED, 0, 10000);
        advise(s, STORY_COMPLETED, 10000);
        ask(s, STORY_PARTIAL, 1, 20000);
        advise(s, STORY_PARTIAL, 10000);
        ask(s, STORY_REVERSED, 2, 10000);
        advise(s, STORY_REVERSED, 0);
        ask(s, STORY_OPEN, 3, 10000);
        ask(s, STORY_CORRECTED, 4, 20000);
        advise(s, STORY_CORRECTED, 20000);
        advise(s, STORY_CORRECTED, 10000);
        ask(s, STORY_NOT_COVERED, 12, 10000);
        ops_identify(&s->ask[STORY_BLOCKED], NOON, STORY_BLOCKED);
        advise_of(s, STORY_BLOCKED, 10000, 0);
        ask(s, STORY_RESOLVED, 5, 10000);
        advise_of(s, STORY_RESOLVED, 20000, 20000);
        ck_assert_ptr_null(world_resolve(s->world, &s->ask[STORY_RESOLVED].identity, 10000,
                                         s->ask[STORY_RESOLVED].identity.transmitted_ms + 7200000, 0));
        ask(s, STORY_REPLACED, 6, 10000);
        advise(s, STORY_REPLACED, 10000);
        ck_assert_ptr_null(world_replace(s->world, 6, WORLD_CARDS, "3111", MEMORY_CARD_LOST));
        ask(s, STORY_POSTED_LATE, 7, 10000);
        ask(s, STORY_EXCLUDED, 21, 10000);
        ask(s, STORY_OVER_LIMIT, 0, 30000);
}

static void take(struct story *s, const char *link)
{
        struct memory_taken taken[STORY_PARTS];

        (void)world_saf_take(s->world, link, "story", world_real_ms(), STORY_PARTS, taken);
}

static void heard(struct story *s, enum story_part part, int seq, enum notice_verdict verdict,
                  const char *said)
{
        struct memory_ended ended = {
            .identity = s->ask[part].identity, .seq = (int16_t)seq, .verdict = verdict, .said = said};

        ck_assert_int_eq(world_saf_end(s->world, &ended, 1, world_real_ms()), 1);
}

static void banks(struct story *s)
{
        ask(s, STORY_BANK_COMPLETED, BANKA_CARD, 10000);
        outcome(s, STORY_BANK_COMPLETED, OUTCOME_ANSWER, REASON_APPROVED);
        advise(s, STORY_BANK_COMPLETED, 10000);
        ask(s, STORY_BANK_WAITS, BANKA_CARD + 1, 20000);
        outcome(s, STORY_BANK_WAITS, OUTCOME_ANSWER, REASON_APPROVED);
        advise(s, STORY_BANK_WAITS, 10000);
        ask(s, STORY_BANK_TIMEOUT, BANKA_CARD + 2, 10000);
        outcome(s, STORY_BANK_TIMEOUT, OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE);
        ask(s, STORY_BANK_ASKED, BANKA_CARD + 3, 10000);
        ask_refused(s, STORY_BANK_DOWN, BANKA_CARD + 3, 10000, REASON_ISSUER_UNAVAILABLE);
        ask(s, STORY_BANK_APPROVED, BANKB_CARD, 10000);
        outcome(s, STORY_BANK_APPROVED, OUTCOME_ANSWER, REASON_APPROVED);
        ask(s, STORY_BANK_DECLINED, BANKB_CARD + 1, 10000);
        outcome(s, STORY_BANK_DECLINED, OUTCOME_ANSWER, REASON_NOT_COVERED);
        ask(s, STORY_BANK_REVERSED, BANKA_CARD, 10000);
        advise(s, STORY_BANK_REVERSED, 0);
        ask(s, STORY_BANK_LATE, BANKA_CARD + 1, 10000);
        outcome(s, STORY_BANK_LATE, OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE);
        outcome(s, STORY_BANK_LATE, OUTCOME_ANSWER, REASON_APPROVED);
        ask(s, STORY_BANK_CASE, BANKA_CARD + 2, 10000);
        outcome(s, STORY_BANK_CASE, OUTCOME_ANSWER, REASON_APPROVED);
        advise(s, STORY_BANK_CASE, 10000);
        take(s, "BANKA");
        heard(s, STORY_BANK_COMPLETED, 1, NOTICE_DONE, "00");
        heard(s, STORY_BANK_TIMEOUT, 0, NOTICE_MISSING, "25");
        heard(s, STORY_BANK_REVERSED, 1, NOTICE_REPEATED, "94");
        heard(s, STORY_BANK_LATE, 0, NOTICE_DONE, "00");
        heard(s, STORY_BANK_LATE, 32767, NOTICE_REPEATED, "94");
        heard(s, STORY_BANK_CASE, 1, NOTICE_CASE, "12");
        ck_assert(world_operator_saf(s->world, true, &s->ask[STORY_BANK_WAITS].identity, 1, world_real_ms()));
}

/* Numbers of an advice that another has, and of an original that there are no partitions for. */
static void contradict(struct story *s)
{
        struct ledger_op op;

        ask(s, STORY_CONTRADICTED, 11, 10000);
        advise(s, STORY_CONTRADICTED, 10000);
        ops_advise(&op, &s->ask[STORY_REVERSED], s->advices, 10000, 10000);
        op.identity.stan = OTHER_ADVICE_STAN + s->advices;
        ops_do(s->world, &op);
        ops_advise(&op, &s->ask[STORY_REVERSED], ++s->advices, 10000, 0);
        op.identity.stan = OTHER_ADVICE_STAN + s->advices;
        op.advice.original.transmitted_ms -= INT64_C(400) * 24 * 3600 * 1000;
        ops_do(s->world, &op);
}

static void submit(struct story *s, struct ledger_op *op)
{
        int pending = 0;

        ops_submit(s->world, 0, op, &pending);
        world_wait(s->world, &pending);
}

static void try_pin(struct story *s, enum story_part part, int card, int64_t amount_yen,
                    const char *pin_value)
{
        struct ledger_op op = {0};

        ops_identify(&op, NOON, part);
        play_fill_request(world_reference(s->world), &op, card, amount_yen, amount_yen ? 10000 : 310000);
        if (pin_value)
                strcpy(op.request.pin_value, pin_value);
        ops_do(s->world, &op);
}

static void pins(struct story *s)
{
        try_pin(s, STORY_PIN_WRONG, WORLD_PIN_CARD, 10000, "0000");
        try_pin(s, STORY_PIN_MISSING, WORLD_PIN_CARD, 10000, "");
        try_pin(s, STORY_PIN_RIGHT, WORLD_PIN_CARD, 31000, NULL); /* over the limit of its day */
        try_pin(s, STORY_PIN_INQUIRY_WRONG, WORLD_PIN_CARD, 0, "0000");
        try_pin(s, STORY_PIN_INQUIRY_RIGHT, WORLD_PIN_CARD, 0, NULL);
        try_pin(s, STORY_PIN_COUNTED, WORLD_PIN_CARD, 10000, "0000");
        try_pin(s, STORY_PIN_UNBLOCKED, WORLD_PIN_CARD + 1, 10000, "0000");
        ck_assert(world_unblock(s->world, WORLD_PIN_CARD + 1));
}

/* What the memory has none of: closed books, and what people enter. */
static void finance(struct story *s)
{
        struct ledger_op op;

        world_sql(
            s->world,
            "SET atm.business_day = '2020-06-30'; UPDATE hall SET area = 'kansai' WHERE hall = 'H00001';"
            "RESET atm.business_day;"
            "INSERT INTO hall VALUES ('H00004', 'four', 'kanto', '千葉県', 0, 1440, 0);"
            "INSERT INTO contract VALUES ('T0000001', '2020-05-10', NULL, 'H00001', 60000);"
            "INSERT INTO cost VALUES ('1Q20', 'network', 1000, NULL);"
            "INSERT INTO target VALUES (2020, 'atms', '2020-04-02', 5, NULL);"
            "INSERT INTO published VALUES ('1Q20', 'atms', 3, 'here');"
            "INSERT INTO peer VALUES ('SEVEN', 'atms', 22472, 'there');"
            "SELECT sightings_write('one@here', '{link}', '{BANKA}', '{up}', '{1000}', '{10}', '{NULL}');"
            "INSERT INTO finance_rate VALUES ('income_tax', '2020-04-01', 3000, NULL);"
            "UPDATE cost SET amount_yen = 2000");
        world_sum_up(s->world, 18444); /* 2020-07-01 */
        world_sql(s->world, "SELECT period_close('1Q20', true)");
        ops_advise(&op, &s->ask[STORY_POSTED_LATE], ++s->advices, 10000, 10000);
        op.identity.stan = OTHER_ADVICE_STAN + s->advices;
        submit(s, &op);
        world_sql(s->world, "INSERT INTO history_run VALUES ('none', 'digest', 1, '1', '2020-04-01', "
                            "'2020-04-02', 1, 1, true);"
                            "INSERT INTO history_chunk VALUES ('none', 1, 0);"
                            "INSERT INTO schema_quarter VALUES (28, '2020-04-01', true)");
}

/* What two persons brought back: one withdrawal like the first, of another card, and one that is for people. */
static void recover(struct story *s)
{
        world_sql(s->world,
                  "SET SESSION AUTHORIZATION " WORLD_OPERATOR "; SET atm.note = 'lost';"
                  "SELECT recovery_propose(jsonb_build_array("
                  "jsonb_build_object('terminal', w.terminal, 'at_ms', w.at_ms, 'stan', %d, 'plan', "
                  "jsonb_build_object("
                  "'lost', 'withdrawal', 'amount_yen', 10000, 'cash_yen', 10000, 'request', w.request || "
                  "jsonb_build_object('card_token', c.card_token, 'pan_mask', c.pan_mask), 'advices', "
                  "jsonb_build_array(jsonb_build_object('kind', 'completion', 'at_ms', w.at_ms + 40000, "
                  "'stan', 777, "
                  "'amount_yen', 10000, 'dispensed_yen', 10000, 'in_time', true)))),"
                  "jsonb_build_object('terminal', w.terminal, 'at_ms', w.at_ms, 'stan', %d, 'plan', "
                  "jsonb_build_object("
                  "'lost', 'withdrawal', 'amount_yen', 10000, 'cash_yen', 9000, 'problem', 'no-price')))) "
                  "FROM (SELECT w.terminal, (extract(epoch FROM w.transmitted_at) * 1000)::bigint AS at_ms, "
                  "to_jsonb(w) - "
                  "'{terminal,transmitted_at,stan,approved_at}'::text[] AS request FROM withdrawal w WHERE "
                  "w.stan = %d) w "
                  "CROSS JOIN (SELECT c.card_token, c.pan_mask FROM card c WHERE c.balance_yen > 20000 AND "
                  "c.day_on IS NULL "
                  "AND NOT EXISTS (SELECT FROM exclusion e WHERE e.card_token = c.card_token) ORDER BY 1 "
                  "LIMIT 1) c",
                  STORY_RECOVERED, STORY_UNRECOVERED, STORY_COMPLETED);
        world_sql(s->world,
                  "RESET SESSION AUTHORIZATION; SET atm.note = 'lost, indeed';"
                  "SELECT recovery_confirm(1, (SELECT jsonb_agg(jsonb_build_object('terminal', terminal, "
                  "'at_ms', (extract(epoch FROM transmitted_at) * 1000)::bigint, 'stan', stan, 'plan', "
                  "plan)) FROM recovery_item))");
        /* nobody may be connected; who is cut off comes again when the loop runs */
        world_sql(
            s->world,
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'atm_daemon'");
        world_sql(s->world, "SELECT recovery_step(1, (SELECT version FROM reference_version), 10)");
        ck_assert_int_eq(
            world_number(s->world, "SELECT count(*) FROM recovery_item WHERE ended = 'brought back'"), 1);
}

/* A key-encrypting key made of components, and two sets under it, of which the second was used. */
static void keys(struct story *story)
{
        world_sql(
            story->world,
            "SET atm.note = 'first load'; "
            "SELECT key_set_add('terminal', 'kek', '{T0000001}', NULL, '{" WORLD_KEK "}', '{0a1b2c3d4e}', "
            "'{Sato,Mori}', '{B-1,B-2}', '{111111,222222}'); "
            "SELECT key_set_add('terminal', 'working', '{T0000001}', NULL, '{" WORLD_WORKING_SET
            "}', '{111111,222222,333333}', NULL, NULL, NULL) FROM generate_series(1, 2); "
            "SELECT key_sets_used('{terminal}', '{T0000001}', '{2}');"
            "SELECT key_set_add('terminal', 'working', '{T0000001}', NULL, '{" WORLD_WORKING_SET
            "}', '{444444,555555,666666}', NULL, NULL, NULL, '{" WORLD_WORKING_SET "}'); RESET atm.note");
}

void story_open(struct world *world)
{
        struct story story = {.world = world};

        world_open(world, "2020-04-01", "2020-10-01");
        world_sql(world, "INSERT INTO holiday VALUES ('2020-06-29', 'operator', 'none after all', false)");
        world_refresh(world);
        /* what is decided from was entered long before */
        world_sql(world, "UPDATE trail SET at = at - INTERVAL '1 day'");
        house_bank(&story);
        banks(&story);
        contradict(&story);
        pins(&story);
        ask(&story, STORY_NEXT_QUARTER, 1, 10000);
        advise(&story, STORY_NEXT_QUARTER, 10000);
        finance(&story);
        recover(&story);
        world_sql(world,
                  "SET atm.note = 'he says'; SELECT claim_add(terminal, transmitted_at, stan, 3000) FROM "
                  "withdrawal WHERE stan = 1 ORDER BY terminal LIMIT 1");
        keys(&story);
}

/* journals ------------------------------------------------------------------------------------------------- */

struct row {
        char terminal[9], state[16], de39[3], link[12], cause[12], bank_de39[3], approval[7], rrn[13];
        uint8_t token[TOKEN_LENGTH];
        int32_t stan;
        int64_t moment_ms, amount_yen, charge_yen, dispensed_yen;
        bool has_card;
};

static void take_text(const PGresult *result, int row, int column, char *to, size_t size)
{
        ck_assert_int_lt(snprintf(to, size, "%s", PQgetvalue(result, row, column)), (int)size);
}

static void take_row(const PGresult *result, int at, struct row *row)
{
        char token[2 * TOKEN_LENGTH + 1];

        take_text(result, at, 0, row->terminal, sizeof(row->terminal));
        row->moment_ms = pg_number(result, at, 1);
        row->stan = (int32_t)pg_number(result, at, 2);
        row->amount_yen = pg_number(result, at, 3);
        row->charge_yen = pg_number(result, at, 4);
        row->dispensed_yen = pg_number(result, at, 5);
        take_text(result, at, 6, row->state, sizeof(row->state));
        take_text(result, at, 7, row->de39, sizeof(row->de39));
        take_text(result, at, 8, row->link, sizeof(row->link));
        take_text(result, at, 9, row->cause, sizeof(row->cause));
        take_text(result, at, 10, row->bank_de39, sizeof(row->bank_de39));
        take_text(result, at, 11, row->approval, sizeof(row->approval));
        take_text(result, at, 12, row->rrn, sizeof(row->rrn));
        take_text(result, at, 13, token, sizeof(token));
        row->has_card = *token != '\0';
        for (int i = 0; row->has_card && i < TOKEN_LENGTH; i++)
                row->token[i] = (uint8_t)(hex_digit(token[2 * i]) << 4 | hex_digit(token[2 * i + 1]));
}

/* The ATM's word of it: what it was answered, and what it told of its end. */
static void write_atm(struct journal *journal, struct dispensers *dispensers, const struct row *row)
{
        bool is_open = !strcmp(row->state, "approved") || !strcmp(row->state, "asked");
        bool is_reversed = !strcmp(row->state, "reversed");
        bool is_declined = !strcmp(row->state, "declined");
        struct journal_record record = {.kind = JOURNAL_REQUEST,
                                        .stan = row->stan,
                                        .transmitted_ms = row->moment_ms,
                                        .amount_yen = row->amount_yen,
                                        .mask = "990001******1234"};

        strcpy(record.terminal, row->terminal);
        memcpy(record.token, row->token, sizeof(record.token));
        (void)journal_append(journal, &record);
        record.kind = JOURNAL_ANSWER;
        record.charge_yen = is_declined ? -1 : row->charge_yen;
        strcpy(record.de39, is_declined ? row->de39 : "00");
        strcpy(record.approval, is_declined ? "" : row->approval);
        if (strcmp(row->state, "blocked") && strcmp(row->state, "asked") && strcmp(row->cause, "reversal"))
                (void)journal_append(journal, &record);
        if (is_open || is_declined)
                return;
        if (row->dispensed_yen)
                dispensers_pay(dispensers, dispensers_find_or_add(dispensers, row->terminal), row->stan,
                               row->moment_ms, row->dispensed_yen);
        record.kind = JOURNAL_ADVICE;
        record.stan += OTHER_ADVICE_STAN;
        record.original_stan = row->stan;
        record.original_ms = row->moment_ms;
        record.reversal = is_reversed || row->dispensed_yen < row->amount_yen;
        strcpy(record.why, record.reversal ? "22" : "");
        record.dispensed_yen = row->dispensed_yen;
        (void)journal_append(journal, &record);
        record.kind = JOURNAL_ACKNOWLEDGED;
        (void)journal_append(journal, &record);
}

static void write_line(FILE *out, const char *bank, const struct bank_record *record)
{
        char line[BANK_JOURNAL_LINE_MAX];

        fprintf(out, "%.*s\n", (int)bank_journal_print(bank, record, line), line);
}

static struct bank_record record_of(const struct row *row)
{
        struct bank_record record = {
            .kind = BANK_WITHDRAWAL,
            .identity = {.stan = row->stan, .transmitted_ms = row->moment_ms},
            .processing_code = 10000,
            .amount_yen = row->amount_yen,
            .charge_yen = row->charge_yen,
            .settlement_day = (int32_t)(row->moment_ms / (24 * 3600 * 1000)),
            .balance_yen = -1,
            .has_card = true,
            .mask = "990004******1234",
        };

        strcpy(record.identity.terminal, row->terminal);
        strcpy(record.rrn, row->rrn);
        memcpy(record.token, row->token, sizeof(record.token));
        return record;
}

/* What the bank decided, also where nobody heard it; what it was told of it goes on from there. */
static int64_t write_request(FILE *out, const struct row *row)
{
        struct bank_record record = record_of(row);
        bool is_answered = !strcmp(row->cause, "answer");

        if (row->stan == STORY_BANK_TIMEOUT || row->stan == STORY_BANK_ASKED)
                return 0; /* it never came there */
        strcpy(record.de39, is_answered ? row->bank_de39 : "00");
        if (!strcmp(record.de39, "00")) {
                strcpy(record.approval, is_answered ? row->approval : "B99999");
                record.moved_yen = -(row->amount_yen + row->charge_yen);
        }
        write_line(out, row->link, &record);
        return -record.moved_yen;
}

static void write_notices(struct world *world, FILE *out, const struct row *row, int64_t held_yen)
{
        static const char *const kinds[] = {
            [BANK_COMPLETION] = "completion", [BANK_PARTIAL] = "partial", [BANK_REVERSAL] = "reversal"};
        char sql[512], error[PG_ERROR_MAX];
        PGresult *result;

        snprintf(sql, sizeof(sql),
                 "SELECT n.kind, n.dispensed_yen, a.de39, a.verdict FROM bank_notice n JOIN bank_ack a USING "
                 "(terminal, transmitted_at, stan, seq) WHERE stan = %" PRId32 " ORDER BY seq",
                 row->stan);
        result = pg_query(world->admin, sql, 0, NULL, error);
        ck_assert_msg(result != NULL, "%s", error);
        for (int i = 0; i < PQntuples(result); i++) {
                struct bank_record record = record_of(row);
                int64_t keeps_yen;

                record.dispensed_yen = pg_number(result, i, 1);
                for (record.kind = BANK_COMPLETION; strcmp(kinds[record.kind], PQgetvalue(result, i, 0));
                     record.kind++)
                        ;
                strcpy(record.de39, PQgetvalue(result, i, 2));
                record.refused = !strcmp(PQgetvalue(result, i, 3), "case");
                keeps_yen = record.dispensed_yen ? record.dispensed_yen + row->charge_yen : 0;
                if (!record.refused && held_yen) {
                        record.moved_yen = held_yen - keeps_yen;
                        held_yen = keeps_yen;
                }
                write_line(out, row->link, &record);
        }
        PQclear(result);
}

static void write_bank(struct world *world, FILE *out, const char *bank, const struct row *row)
{
        if (!strcmp(row->link, bank))
                write_notices(world, out, row, write_request(out, row));
}

static PGresult *all_rows(struct world *world)
{
        char error[PG_ERROR_MAX];
        PGresult *result = pg_query(
            world->admin,
            "SELECT terminal, (extract(epoch FROM transmitted_at) * 1000)::bigint, stan, amount_yen, "
            "charge_yen, "
            "dispensed_yen, state, coalesce(de39, ''), CASE WHEN is_asked THEN coalesce(link, '') ELSE '' "
            "END, "
            "coalesce(outcome_cause, ''), "
            "coalesce(bank_de39, ''), coalesce(approval_code, ''), rrn, replace(coalesce(card_token::text, "
            "''), '-', '') "
            "FROM v_withdrawal ORDER BY transmitted_at, stan",
            0, NULL, error);

        ck_assert_msg(result != NULL, "%s", error);
        return result;
}

static void write_banks(struct world *world, const char *folder, const PGresult *rows)
{
        for (int bank = 0; bank < WORLD_LINKS; bank++) {
                char path[512], line[BANK_JOURNAL_LINE_MAX];
                FILE *out;

                snprintf(path, sizeof(path), "%s/banks/%s.journal", folder, world_links[bank]);
                out = fopen(path, "w");
                ck_assert_ptr_nonnull(out);
                fprintf(out, "%.*s\n", (int)bank_journal_print_header(world_links[bank], "00000000", line),
                        line);
                for (int i = 0; i < PQntuples(rows); i++) {
                        struct row row;

                        take_row(rows, i, &row);
                        write_bank(world, out, world_links[bank], &row);
                }
                ck_assert_int_eq(fclose(out), 0);
        }
}

static void write_atms(const char *folder, const PGresult *rows)
{
        char path[512], error[JOURNAL_ERROR_MAX];
        struct dispensers *dispensers;
        struct journal journal;

        snprintf(path, sizeof(path), "%s/atm", folder);
        ck_assert_msg(journal_open(&journal, path, error), "%s", error);
        dispensers = dispensers_open(path, true, error);
        ck_assert_msg(dispensers, "%s", error);
        for (int i = 0; i < PQntuples(rows); i++) {
                struct row row;

                take_row(rows, i, &row);
                write_atm(&journal, dispensers, &row);
        }
        ck_assert(journal_close(&journal));
        dispensers_close(dispensers);
}

void story_write_journals(struct world *world, const char *folder)
{
        PGresult *rows = all_rows(world);
        char path[512];

        snprintf(path, sizeof(path), "%s/banks", folder);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        write_atms(folder, rows);
        write_banks(world, folder, rows);
        PQclear(rows);
}
