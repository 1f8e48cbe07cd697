/*
 * A person decides of a withdrawal at the same moment as its ATM, its bank or a repeat: one of the two has not committed when the other
 * comes. Whoever is first in PostgreSQL is first in the memory, too; then both must hold the same rows.
 */
#include "tests/contract/people.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/array.h"
#include "rules/calendar.h"
#include "tests/contract/ops.h"

enum { AMOUNT_YEN = 10000, ROUNDS_MAX = 3000 };

/* What comes before, in a withdrawal over a link: 0 asked, A its bank approved, C it was completed. Then at once: what a
 * person says, x that nothing left, y that all did; and its rival: C completed, P half of it dispensed, R nothing, A the bank approves,
 * T it was silent, O asked once more. */
static const struct {
        const char *before;
        char person, rival;
} meetings[] = {
    {"0A", 'x', 'C'},  {"0A", 'y', 'C'},  {"0A", 'x', 'P'}, {"0A", 'y', 'P'}, {"0A", 'x', 'R'},
    {"0A", 'y', 'R'},  {"0A", 'x', 'O'},  {"0A", 'y', 'O'}, {"0", 'x', 'A'},  {"0", 'y', 'A'},
    {"0", 'x', 'T'},   {"0", 'y', 'T'},   {"0", 'x', 'R'},  {"0", 'y', 'R'},  {"0AC", 'x', 'R'},
    {"0AC", 'y', 'R'}, {"0AC", 'x', 'P'},
};
enum { MEETINGS = LENGTH(meetings) };

struct people {
        struct world world;
        PGconn *person, *batch;
        struct ledger_op request[MEETINGS], rival[MEETINGS];
};

/* Of a letter but the person's. */
static void fill(struct ledger_op *op, const struct ledger_op *request, char letter)
{
        switch (letter) {
        case 'A':
                ops_outcome(op, request, OUTCOME_ANSWER, REASON_APPROVED);
                break;
        case 'T':
                ops_outcome(op, request, OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE);
                break;
        case 'C':
                ops_advise(op, request, 1, AMOUNT_YEN, AMOUNT_YEN);
                break;
        case 'P':
                ops_advise(op, request, 2, AMOUNT_YEN, AMOUNT_YEN / 2);
                break;
        case 'R':
                ops_advise(op, request, 3, AMOUNT_YEN, 0);
                break;
        default:
                *op = *request; /* for the first time or once more */
                break;
        }
}

/* All meetings up to where they meet, each on a card and day of its own. */
static void open_people(struct people *p)
{
        struct ledger_op op;

        memset(p, 0, sizeof(*p));
        ops_open(&p->world);
        p->person = world_session(&p->world, NULL);
        p->batch = world_session(&p->world, NULL);
        for (int i = 0; i < MEETINGS; i++) {
                ops_identify(&p->request[i], "2016-12-01T12:00", i);
                p->request[i].identity.transmitted_ms += (i / WORLD_LINK_CARDS) * (int64_t)DAY_MS;
                play_fill_request(world_reference(&p->world), &p->request[i],
                                  WORLD_LINK_CARD + i % WORLD_LINK_CARDS, AMOUNT_YEN, 10000);
                for (const char *letter = meetings[i].before; *letter; letter++) {
                        fill(&op, &p->request[i], *letter);
                        ops_do(&p->world, &op);
                }
                fill(&p->rival[i], &p->request[i], meetings[i].rival);
                if (p->rival[i].kind == LEDGER_ADVICE)
                        p->rival[i].advice.chip = NULL; /* rival_sql says none */
        }
        world_age(&p->world, WORLD_WAIT_MS);
        world_sql(&p->world, "UPDATE instance_limit SET atm_wait_s = %d, atm_dispense_s = 0",
                  WORLD_WAIT_MS / 2000);
}

static void close_people(struct people *p)
{
        world_same_rows(&p->world, "after all meetings");
        world_check_sums(&p->world);
        PQfinish(p->person);
        PQfinish(p->batch);
        world_close(&p->world);
}

/* the person ------------------------------------------------------------------------------------------ */

static int64_t word_yen(int number)
{
        return meetings[number].person == 'x' ? 0 : AMOUNT_YEN;
}

static const char *resolve_sql(const struct people *p, int number)
{
        static char sql[512];
        const struct ledger_identity *identity = &p->request[number].identity;

        snprintf(sql, sizeof(sql),
                 "SELECT coalesce(r_refusal, 'done') FROM operator_resolve('%s', to_timestamp(%" PRId64
                 " / 1000.0), %" PRId32 ", %" PRId64 ", false, to_timestamp(%" PRId64 " / 1000.0), false)",
                 identity->terminal, identity->transmitted_ms, identity->stan, word_yen(number),
                 identity->transmitted_ms + 5000);
        return sql;
}

static const char *kept_word(struct people *p, int number)
{
        const struct ledger_identity *identity = &p->request[number].identity;
        const char *refusal = memory_operator_resolve(p->world.memory, identity, word_yen(number),
                                                      identity->transmitted_ms + 5000, WORLD_WAIT_MS / 2);

        return refusal ? refusal : "done";
}

/* What the session hears in the end: a word, or the error's SQLSTATE; to be freed. */
static char *hear(PGconn *pg)
{
        PGresult *result;
        char *text = NULL;

        while ((result = PQgetResult(pg))) {
                const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

                free(text);
                text = strdup(state ? state : PQgetvalue(result, 0, 0));
                PQclear(result);
        }
        ck_assert_ptr_nonnull(text);
        return text;
}

static void expect_word(const struct people *p, int number, const char *heard, const char *kept)
{
        ck_assert_msg(!strcmp(heard, kept), "%s%c and %c: PostgreSQL tells the person '%s', the memory '%s'",
                      meetings[number].before, meetings[number].person, meetings[number].rival, heard, kept);
        (void)p;
}

/* the rival ------------------------------------------------------------------------------------------- */

static void do_kept(struct people *p, int number, struct ledger_op *ret_op)
{
        int pending = 1;

        *ret_op = p->rival[number];
        ops_submit_kept(&p->world, ret_op, &pending);
        ck_assert_int_eq(pending, 0);
}

/* As a statement, for a transaction that is held open. */
static const char *rival_sql(const struct ledger_op *op)
{
        static char sql[1024];
        const struct ledger_advice *a = &op->advice;
        const struct ledger_outcome *o = &op->outcome;

        if (op->kind == LEDGER_OUTCOME)
                snprintf(sql, sizeof(sql),
                         "SELECT r_stored FROM ledger_outcome(ARRAY['%s'], ARRAY[to_timestamp(%" PRId64
                         " / 1000.0)], ARRAY[%" PRId32 "], ARRAY[%d::smallint], ARRAY[nullif('%s', '')], "
                         "ARRAY[nullif('%s', '')], ARRAY['%s'])",
                         op->identity.terminal, op->identity.transmitted_ms, op->identity.stan,
                         (int)o->reason, o->approval_code, o->bank_de39,
                         o->cause == OUTCOME_ANSWER ? "answer" : "timeout");
        else
                snprintf(sql, sizeof(sql),
                         "SELECT r_stored FROM ledger_advice(ARRAY['%s'], ARRAY[to_timestamp(%" PRId64
                         " / 1000.0)], ARRAY[%" PRId32 "], ARRAY['%s'], ARRAY[to_timestamp(%" PRId64
                         " / 1000.0)], ARRAY[%" PRId32 "], ARRAY[nullif('%s', '')], ARRAY[%" PRId64
                         "::bigint], ARRAY[%" PRId64 "::bigint], %d)",
                         op->identity.terminal, a->original.transmitted_ms, a->original.stan,
                         a->reversal ? "reversal" : "completion", op->identity.transmitted_ms,
                         op->identity.stan, a->why, a->amount_yen, a->dispensed_yen, WORLD_CORRECT_MS);
        return sql;
}

/* meeting --------------------------------------------------------------------------------------------- */

static bool anybody_waits(struct people *p)
{
        return world_number(&p->world,
                            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                            "AND wait_event_type = 'Lock'") > 0;
}

static void pause_a_little(void)
{
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

START_TEST(who_speaks_while_a_person_decides_hears_what_the_person_decided)
{
        struct people p;
        struct ledger_op kept;
        int pending = 0;

        open_people(&p);
        world_run(p.person, "BEGIN");
        for (int i = 0; i < MEETINGS; i++) {
                char *heard;

                ck_assert(PQsendQuery(p.person, resolve_sql(&p, i)));
                heard = hear(p.person);
                expect_word(&p, i, heard, kept_word(&p, i));
                free(heard);
        }
        for (int i = 0; i < MEETINGS; i++)
                ops_submit(&p.world, i % WORLD_INSTANCES, &p.rival[i], &pending);
        for (int i = 0; !anybody_waits(&p); i++) {
                ck_assert_int_lt(i, ROUNDS_MAX);
                event_base_loop(p.world.base, EVLOOP_NONBLOCK);
                pause_a_little();
        }
        world_run(p.person, "COMMIT");
        world_wait(&p.world, &pending);
        for (int i = 0; i < MEETINGS; i++) {
                const char *difference;

                do_kept(&p, i, &kept);
                difference = play_difference(&p.rival[i], &kept);
                ck_assert_msg(!difference, "%s of %s%c and %c differs", difference, meetings[i].before,
                              meetings[i].person, meetings[i].rival);
        }
        close_people(&p);
}
END_TEST

/* He either decides at once, of what nobody else has written of, or waits for whoever has, and decides anew. */
static bool decide_beside(struct people *p, int number)
{
        struct ledger_op kept;
        bool waits = false;
        char *heard;

        world_run(p->batch, "BEGIN");
        world_run(p->batch, rival_sql(&p->rival[number]));
        ck_assert(PQsendQuery(p->person, resolve_sql(p, number)));
        for (int i = 0; !waits; i++) {
                ck_assert_int_lt(i, ROUNDS_MAX);
                ck_assert(PQconsumeInput(p->person));
                if (!PQisBusy(p->person))
                        break;
                waits = anybody_waits(p);
                pause_a_little();
        }
        world_run(p->batch, "COMMIT");
        heard = hear(p->person);
        if (waits)
                do_kept(p, number, &kept);
        while (!strcmp(heard, "40001")) { /* somebody was faster */
                free(heard);
                ck_assert(PQsendQuery(p->person, resolve_sql(p, number)));
                heard = hear(p->person);
        }
        expect_word(p, number, heard, kept_word(p, number));
        free(heard);
        if (!waits)
                do_kept(p, number, &kept);
        return waits;
}

START_TEST(a_person_who_decides_while_somebody_speaks_decides_of_what_was_said)
{
        struct people p;
        int waited = 0;

        open_people(&p);
        for (int i = 0; i < MEETINGS; i++) {
                if (p.rival[i].kind != LEDGER_REQUEST) /* a repeat says nothing */
                        waited += decide_beside(&p, i);
        }
        ck_assert_int_gt(waited, MEETINGS / 2);
        close_people(&p);
}
END_TEST

TCase *people_case(void)
{
        TCase *people = tcase_create("people");

        tcase_set_timeout(people, 120);
        tcase_add_test(people, who_speaks_while_a_person_decides_hears_what_the_person_decided);
        tcase_add_test(people, a_person_who_decides_while_somebody_speaks_decides_of_what_was_said);
        return people;
}
