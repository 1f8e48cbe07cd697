/*
 * The contract of daemon/ledger/ledger.h: PostgreSQL and memory give the same answers and keep the same rows, and
 * several instances on one database keep the invariants whatever happens at the same time.
 *
 * ATM_TEST_SEED=N gives one play again; ATM_TEST_VERBOSE=1 shows what the ledgers tell.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/ledger/ledger_batch.h"
#include "lib/base/array.h"
#include "rules/calendar.h"
#include "tests/contract/draws.h"
#include "tests/contract/ops.h"
#include "tests/contract/people.h"
#include "tests/suite.h"

/* --- random plays ----------------------------------------------------------------------------- */

/* Moments about which rules change: limits and tax rates, month ends, quarters, exclusions. The last has the limit of a day's number all the while. */
static const struct {
        const char *from, *to, *start;
} spans[] = {
    {"2016-10-01", "2017-10-01", "2016-12-29T19:00"}, {"2015-07-01", "2016-07-01", "2015-08-30T08:30"},
    {"2020-01-01", "2021-04-01", "2020-03-30T09:00"}, {"2019-07-01", "2020-07-01", "2019-09-28T17:30"},
    {"2020-01-01", "2021-04-01", "2020-04-06T09:00"},
};
#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZERS true
#elif defined(__has_feature)
#define HAS_SANITIZERS __has_feature(address_sanitizer)
#else
#define HAS_SANITIZERS false
#endif
enum { SPANS = sizeof spans / sizeof spans[0], SEEDS = 8, SEEDS_SANITIZED = 2, ROUNDS = 170 };

static struct coverage total;

static void add_coverage(const struct coverage *more)
{
        int *sum = (int *)&total;
        const int *addend = (const int *)more;

        for (size_t i = 0; i < sizeof total / sizeof(int); i++)
                sum[i] += addend[i];
}

static void perform(uint64_t seed)
{
        struct world world;
        struct coverage coverage;
        struct play *play;

        fprintf(stderr,
                "play of seed %" PRIu64 "; to play it again: ATM_TEST_SEED=%" PRIu64
                " tests/contract/run.sh build/bin/contract_ledger\n",
                seed, seed);
        world_open(&world, spans[seed % SPANS].from, spans[seed % SPANS].to);
        play = play_new(&world, seed, spans[seed % SPANS].start);
        for (int i = 0; i < ROUNDS; i++) {
                play_round(play);
                if (i % 50 == 49)
                        world_same_rows(&world, "in the middle of the play");
        }
        world_same_rows(&world, "at the end of the play");
        world_check_sums(&world);
        ck_assert_msg(world.problems == 0, "a ledger told of a problem; ATM_TEST_VERBOSE=1 shows it");
        play_cover(play, &coverage);
        add_coverage(&coverage);
        play_free(play);
        world_close(&world);
}

/* Reasons that only the wire knows, or C alone before the ledger: they never reach it. */
static bool reaches_ledger(enum reason reason)
{
        return reason_rows[reason].kept && reason != REASON_DECLINED; /* a bank's alone: repeats get it */
}

static void check_coverage(void)
{
        for (int state = WITHDRAWAL_BLOCKED; state < WITHDRAWAL_STATE_COUNT; state++) {
                bool counts = state == WITHDRAWAL_ASKED || state == WITHDRAWAL_APPROVED ||
                              state == WITHDRAWAL_COMPLETED || state == WITHDRAWAL_SETTLED;

                for (int relation = 0; relation < DISPENSED_RELATION_COUNT; relation++) {
                        if (counts || relation == DISPENSED_ZERO || relation == DISPENSED_MORE)
                                ck_assert_msg(total.cell[state][relation] > 0, "no advice met %s / %s",
                                              withdrawal_state_name[state],
                                              dispensed_relation_name[relation]);
                }
        }
        if (getenv("ATM_TEST_VERBOSE")) {
                for (int reason = 0; reason < REASON_COUNT; reason++)
                        fprintf(stderr, "%s: %d decided, %d stored, %d inquiries\n", reason_rows[reason].name,
                                total.reason[reason], total.stored_reason[reason],
                                total.inquiry_reason[reason]);
        }
        for (int reason = 0; reason < REASON_COUNT; reason++) {
                if (reaches_ledger((enum reason)reason) && reason != REASON_BLOCKED)
                        ck_assert_msg(total.reason[reason] > 0, "no request was decided %s",
                                      reason_rows[reason].name);
        }
        ck_assert_int_gt(total.stored_reason[REASON_APPROVED], 0);
        ck_assert_int_gt(total.stored_reason[REASON_DAY_LIMIT], 0);
        ck_assert_int_gt(total.stored_reason[REASON_CONTRADICTS], 0);
        ck_assert_int_gt(total.stored_reason[REASON_BLOCKED], 0);
        ck_assert_int_gt(total.stored_reason[REASON_ENDED], 0);
        ck_assert_int_gt(total.corrected, 0);
        ck_assert_int_gt(total.against_people, 0);
        ck_assert_int_gt(total.resolved, 0);
        ck_assert_int_gt(total.too_young, 0);
        ck_assert_int_gt(total.replaced, 0);
        ck_assert_int_gt(total.replaced_again, 0);
        ck_assert_int_gt(total.not_replaced, 0);
        ck_assert_int_gt(total.followed, 0);
        ck_assert_int_gt(total.inquiry_reason[REASON_APPROVED], 0);
        ck_assert_int_gt(total.inquiry_reason[REASON_CONTRADICTS], 0);
        ck_assert_int_gt(total.inquiry_reason[REASON_BLOCKED], 0);
        ck_assert_int_gt(total.inquiry_reason[REASON_CARD_EXCLUDED], 0);
        ck_assert_int_gt(total.inquiry_reason[REASON_PIN_WRONG], 0);
        ck_assert_int_gt(total.inquiry_reason[REASON_PIN_TRIES], 0);
        ck_assert_int_gt(total.stored_inquiry[REASON_APPROVED], 0);
        ck_assert_int_gt(total.stored_inquiry[REASON_CONTRADICTS], 0);
        ck_assert_int_gt(total.stored_inquiry[REASON_PIN_WRONG], 0);
        ck_assert_int_gt(total.stored_reason[REASON_PIN_WRONG], 0);
        ck_assert_int_gt(total.unblocked, 0);
        ck_assert_int_gt(total.repeated_advice, 0);
        ck_assert_int_gt(total.contradicting_advice, 0);
        ck_assert_int_gt(total.out_of_range, 0);
        ck_assert_int_gt(total.asked, 0);
        ck_assert_int_gt(total.pending, 0);
        ck_assert_int_gt(total.passed_on, 0);
        for (int cause = 0; cause < OUTCOME_CAUSE_COUNT; cause++) {
                ck_assert_int_gt(total.outcome[cause], 0);
                ck_assert_int_gt(total.late_outcome[cause], 0);
        }
        ck_assert_int_gt(total.late_approval, 0);
        ck_assert_int_gt(total.swept, 0);
        for (int kind = MEMORY_NOTICE_COMPLETION; kind <= MEMORY_NOTICE_REVERSAL; kind++)
                ck_assert_msg(total.notice[kind] > 0, "no notice of kind %d was taken", kind);
        ck_assert_int_gt(total.taken_again, 0);
        ck_assert_int_gt(total.refused_lease, 0);
        ck_assert_int_gt(total.acknowledged, 0);
        ck_assert_int_gt(total.acknowledged_twice, 0);
        ck_assert_int_gt(total.cases, 0);
        ck_assert_int_gt(total.missing, 0);
        ck_assert_int_gt(total.parked, 0);
        ck_assert_int_gt(total.summed, 0);
        ck_assert_int_gt(total.changed, 0);
        ck_assert_int_gt(total.change_refused, 0);
        ck_assert_int_gt(total.stale, 0);
        ck_assert_int_gt(total.parted, 0);
        ck_assert_int_gt(total.closed, 0);
        ck_assert_int_gt(total.not_closed, 0);
        ck_assert_int_gt(total.posted_late, 0);
}

START_TEST(both_back_ends_give_the_same_answers_and_keep_the_same_rows)
{
        if (draws_seed(0)) {
                perform(draws_seed(0));
                return;
        }
        /* PostgreSQL takes most of the time, and has no sanitizers: their build plays some others, and fewer */
        if (HAS_SANITIZERS) {
                for (uint64_t i = 1; i <= SEEDS_SANITIZED; i++)
                        perform(SEEDS + i);
        } else {
                for (uint64_t i = 1; i <= SEEDS; i++)
                        perform(i);
                check_coverage();
        }
        perform((uint64_t)time(NULL));
}
END_TEST

/* --- tables that code and database share ----------------------------------------------------------- */

START_TEST(the_tables_of_reasons_and_of_the_states_are_those_of_the_code)
{
        struct world world;
        char *found, *wanted;
        size_t size;
        FILE *out;

        world_open(&world, "2016-10-01", "2017-01-01");
        found = world_query(
            &world,
            "SELECT concat_ws('|', reason, name, de39, kept, description) FROM reason ORDER BY reason");
        out = open_memstream(&wanted, &size);
        for (int i = 0; i < REASON_COUNT; i++)
                fprintf(out, "%d|%s|%s|%s|%s\n", i, reason_rows[i].name, reason_rows[i].de39,
                        reason_rows[i].kept ? "t" : "f", reason_rows[i].text);
        fclose(out);
        ck_assert_str_eq(found, wanted);
        free(found);
        free(wanted);
        out = open_memstream(&wanted, &size);
        for (size_t i = 0; i < sizeof withdrawal_rules / sizeof withdrawal_rules[0]; i++) {
                const struct withdrawal_rule *rule = &withdrawal_rules[i];

                /* an unknown original is blocked first, then treated as such */
                if (rule->from == WITHDRAWAL_UNKNOWN) {
                        const struct withdrawal_rule *blocked =
                            withdrawal_on_advice(WITHDRAWAL_BLOCKED, rule->relation);

                        ck_assert(rule->to == blocked->to && rule->commission == blocked->commission &&
                                  rule->exception == blocked->exception);
                        continue;
                }
                fprintf(out, "%s|%s|%s|%d|%s\n", withdrawal_state_name[rule->from],
                        dispensed_relation_name[rule->relation], withdrawal_state_name[rule->to],
                        rule->commission, rule->exception ? "t" : "f");
        }
        fclose(out);
        found = world_query(
            &world,
            "SELECT concat_ws('|', state_before, relation, state_after, commission, exception)"
            " FROM advice_rule ORDER BY array_position(ARRAY['blocked', 'declined', 'asked', 'approved',"
            " 'completed', 'reversed', 'settled'], state_before), array_position(ARRAY['zero', 'less', "
            "'equal', "
            "'more'], relation)");
        ck_assert_str_eq(found, wanted);
        free(found);
        free(wanted);
        world_close(&world);
}
END_TEST

START_TEST(the_parameters_of_each_batch_are_those_of_its_function)
{
        struct world world;

        world_open(&world, "2016-10-01", "2017-01-01");
        for (int kind = 0; kind < LEDGER_KIND_COUNT; kind++) {
                char *found, *wanted, sql[512];
                size_t size;
                FILE *out = open_memstream(&wanted, &size);

                for (int i = 0; i < ledger_parameters[kind].count; i++) {
                        const struct ledger_parameter *row = &ledger_parameters[kind].rows[i];

                        fprintf(out, "p_%s %d %s\n", row->name, row->type, row->each ? "each" : "one");
                }
                fclose(out);
                snprintf(
                    sql, sizeof sql,
                    "SELECT concat_ws(' ', f.proargnames[a.place], coalesce(nullif(t.typelem, 0), t.oid),"
                    " CASE WHEN t.typcategory = 'A' THEN 'each' ELSE 'one' END)"
                    " FROM pg_proc f, unnest(f.proargtypes) WITH ORDINALITY a (type, place), pg_type t"
                    " WHERE f.proname = '%s' AND t.oid = a.type ORDER BY a.place",
                    ledger_function[kind]);
                found = world_query(&world, sql);
                ck_assert_str_eq(found, wanted);
                free(found);
                free(wanted);
        }
        world_close(&world);
}
END_TEST

/* An EXPLAIN of a call of each function that is an expression and that batches are decided by, with columns that the planner knows nothing of. */
#define CALLS                                                                                                \
        "SELECT f.proname, 'EXPLAIN (VERBOSE, COSTS OFF) SELECT ' || f.proname || '('"                       \
        " || string_agg('x.a' || a.place, ', ' ORDER BY a.place) || ') FROM (SELECT '"                       \
        " || string_agg(format('NULL::%s AS a%s', a.type::regtype, a.place), ', ' ORDER BY a.place)"         \
        " || ' FROM generate_series(1, 2) OFFSET 0) x'"                                                      \
        " FROM pg_proc f, unnest(f.proargtypes) WITH ORDINALITY a (type, place)"                             \
        " WHERE f.pronamespace = 'public'::regnamespace AND f.provolatile = 'i' AND NOT f.proretset"         \
        " AND f.prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql')"                               \
        " AND EXISTS (SELECT FROM pg_proc b WHERE strpos(b.prosrc, f.proname || '(') > 0 AND b.proname IN"   \
        " ('ledger_request', 'ledger_inquiry', 'ledger_advice', 'ledger_outcome', 'card_give_back'))"        \
        " GROUP BY f.oid, f.proname ORDER BY f.proname"

START_TEST(what_stands_once_costs_a_batch_no_call)
{
        struct world world;
        PGresult *calls;

        world_open(&world, "2016-10-01", "2017-01-01");
        calls = PQexec(world.admin, CALLS);
        ck_assert_msg(PQresultStatus(calls) == PGRES_TUPLES_OK, "%s", PQerrorMessage(world.admin));
        ck_assert_int_ge(PQntuples(calls), 8);
        for (int i = 0; i < PQntuples(calls); i++) {
                PGresult *plan = PQexec(world.admin, PQgetvalue(calls, i, 1));
                char call[80];

                ck_assert_msg(PQresultStatus(plan) == PGRES_TUPLES_OK, "%s", PQerrorMessage(world.admin));
                snprintf(call, sizeof call, "%s(", PQgetvalue(calls, i, 0));
                for (int line = 0; line < PQntuples(plan); line++)
                        ck_assert_msg(!strstr(PQgetvalue(plan, line, 0), call),
                                      "not put in the place of its call: %s", PQgetvalue(plan, line, 0));
                PQclear(plan);
        }
        PQclear(calls);
        world_close(&world);
}
END_TEST

/* What a connection of atmd has locked after a batch whose plans are made already: the indexes that it opened. */
#define OPENED                                                                                               \
        "SELECT string_agg(DISTINCT substring(c.relname FROM '20..q.'), ',') FROM pg_locks l"                \
        " JOIN pg_class c ON c.oid = l.relation WHERE l.pid = pg_backend_pid() AND c.relkind = 'i'"

START_TEST(a_batch_opens_the_quarter_of_its_moments_and_no_other)
{
        struct world world;
        struct ledger_op request[2] = {0};
        char completion[1024];
        const char *calls[2] = {NULL, completion};

        world_open(&world, "2015-10-01", "2018-04-01");
        for (int i = 0; i < 2; i++)
                ops_ask(&world, &request[i], i, i, 10000);
        ops_do(&world, &request[0]);
        request[1].look = true; /* else nothing is looked up */
        calls[0] = ops_request_sql(&request[1]);
        snprintf(completion, sizeof completion,
                 "SELECT r_what FROM ledger_advice(ARRAY['%1$s'], ARRAY[to_timestamp(%2$" PRId64
                 " / 1000.0)], ARRAY[%3$" PRId32 "], ARRAY['completion'], ARRAY[to_timestamp(%2$" PRId64
                 " / 1000.0)], ARRAY[1], ARRAY[NULL::text], ARRAY[10000::bigint], ARRAY[10000::bigint], 1,"
                 " p_look => false, p_from => to_timestamp(%2$" PRId64
                 " / 1000.0), p_to => to_timestamp(%2$" PRId64 " / 1000.0))",
                 request[0].identity.terminal, request[0].identity.transmitted_ms, request[0].identity.stan);
        world_sql(&world, "SELECT ledger_session()");
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
                char *opened;

                world_sql(&world, "BEGIN; %s; ROLLBACK", calls[i]);
                world_sql(&world, "BEGIN; %s", calls[i]);
                opened = world_query(&world, OPENED);
                ck_assert_str_eq(opened, "2016q4\n");
                free(opened);
                world_sql(&world, "ROLLBACK");
        }
        world_close(&world);
}
END_TEST

/* --- several instances at the same time ------------------------------------------------------------ */

static void on_done(struct ledger_op *op, void *context)
{
        (void)op;
        --*(int *)context;
}

START_TEST(one_card_at_many_terminals_of_two_instances_never_passes_its_limit)
{
        enum { OPS = 200, PER_CARD = 50 };
        struct world world;
        static struct ledger_op op[OPS];
        int pending = 0, approved = 0;

        ops_open(&world);
        memset(op, 0, sizeof op);
        for (int i = 0; i < OPS; i++) {
                ops_ask(&world, &op[i], i, i / PER_CARD, 10000);
                ops_submit(&world, i % WORLD_INSTANCES, &op[i], &pending);
        }
        world_wait(&world, &pending);
        for (int i = 0; i < OPS; i++) {
                ck_assert_int_eq(op[i].answer.status, LEDGER_DECIDED);
                approved += op[i].answer.reason == REASON_APPROVED;
                if (op[i].answer.reason != REASON_APPROVED)
                        ck_assert_int_eq(op[i].answer.reason, REASON_DAY_LIMIT);
        }
        ck_assert_int_eq(approved, OPS / PER_CARD * 3);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

START_TEST(one_identity_at_two_instances_is_decided_once)
{
        enum { IDENTITIES = 40, COPIES = 6 };
        struct world world;
        static struct ledger_op op[IDENTITIES][COPIES];
        int pending = 0;

        ops_open(&world);
        memset(op, 0, sizeof op);
        for (int i = 0; i < IDENTITIES; i++) {
                for (int copy = 0; copy < COPIES; copy++) {
                        ops_ask(&world, &op[i][copy], i, i % 8, 5000);
                        ops_submit(&world, copy % WORLD_INSTANCES, &op[i][copy], &pending);
                }
        }
        world_wait(&world, &pending);
        for (int i = 0; i < IDENTITIES; i++) {
                int decided = 0;

                for (int copy = 0; copy < COPIES; copy++) {
                        decided += op[i][copy].answer.status == LEDGER_DECIDED;
                        op[i][copy].answer.status = LEDGER_STORED; /* the rest must be the same */
                        ck_assert_msg(!play_difference(&op[i][copy], &op[i][0]), "%s",
                                      play_difference(&op[i][copy], &op[i][0]));
                }
                ck_assert_int_eq(decided, 1);
        }
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM withdrawal"), IDENTITIES);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

START_TEST(of_two_cards_with_one_identity_one_contradicts)
{
        enum { IDENTITIES = 40 };
        struct world world;
        static struct ledger_op op[IDENTITIES][2];
        int pending = 0;

        ops_open(&world);
        memset(op, 0, sizeof op);
        for (int i = 0; i < IDENTITIES; i++) {
                for (int copy = 0; copy < 2; copy++) {
                        ops_ask(&world, &op[i][copy], i, (i + copy) % 8, 1000);
                        ops_submit(&world, copy, &op[i][copy], &pending);
                }
        }
        world_wait(&world, &pending);
        for (int i = 0; i < IDENTITIES; i++)
                ck_assert_int_eq((op[i][0].answer.reason == REASON_CONTRADICTS) +
                                     (op[i][1].answer.reason == REASON_CONTRADICTS),
                                 1);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

START_TEST(a_reversal_that_races_its_request_leaves_nothing_open)
{
        enum { PAIRS = 120 };
        struct world world;
        static struct ledger_op request[PAIRS], reversal[PAIRS];
        int pending = 0, blocked = 0;

        ops_open(&world);
        memset(request, 0, sizeof request);
        memset(reversal, 0, sizeof reversal);
        for (int i = 0; i < PAIRS; i++) {
                ops_ask(&world, &request[i], i, i % 8, 1000);
                ops_identify(&reversal[i], OPS_NOON, i);
                play_fill_advice(&reversal[i], &request[i].identity, true, 1000, 0);
                ops_submit(&world, i / 2 % 2, i % 2 ? &request[i] : &reversal[i], &pending);
                ops_submit(&world, 1 - i / 2 % 2, i % 2 ? &reversal[i] : &request[i], &pending);
        }
        world_wait(&world, &pending);
        for (int i = 0; i < PAIRS; i++) {
                ck_assert_int_eq(reversal[i].answer.status, LEDGER_DECIDED);
                blocked += request[i].answer.reason == REASON_BLOCKED;
                ck_assert(request[i].answer.reason == REASON_BLOCKED ||
                          request[i].answer.reason == REASON_APPROVED ||
                          request[i].answer.reason == REASON_DAY_LIMIT);
        }
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM v_open"), 0);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM withdrawal WHERE reason = 6"), blocked);
        ck_assert_int_eq(
            world_number(&world, "SELECT count(*) FROM v_account WHERE balance_yen <> opening_yen"), 0);
        ck_assert_int_eq(world_number(&world, "SELECT sum(cash_yen) FROM v_card_month"), 0);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

START_TEST(advices_that_race_each_other_are_taken_one_after_the_other)
{
        enum { ORIGINALS = 8, ADVICES = 6 }; /* of a card each: a day has one correction */
        struct world world;
        static struct ledger_op request[ORIGINALS], advice[ORIGINALS][ADVICES];
        int pending = 0;

        ops_open(&world);
        memset(request, 0, sizeof request);
        memset(advice, 0, sizeof advice);
        for (int i = 0; i < ORIGINALS; i++) {
                ops_ask(&world, &request[i], i, i % 8, 5000);
                ops_submit(&world, i % 2, &request[i], &pending);
        }
        world_wait(&world, &pending);
        for (int i = 0; i < ORIGINALS; i++) {
                ck_assert_int_eq(request[i].answer.reason, REASON_APPROVED);
                for (int k = 0; k < ADVICES; k++) {
                        /* two of each three are one advice and its repeat */
                        ops_identify(&advice[i][k], OPS_NOON, i);
                        advice[i][k].identity.transmitted_ms += 1000 + k / 3;
                        play_fill_advice(&advice[i][k], &request[i].identity, k / 3 == 1, 5000,
                                         k / 3 == 1 ? 0 : 5000);
                        ops_submit(&world, k % 2, &advice[i][k], &pending);
                }
        }
        world_wait(&world, &pending);
        for (int i = 0; i < ORIGINALS; i++) {
                for (int half = 0; half < 2; half++) {
                        int decided = 0;

                        for (int k = 0; k < 3; k++)
                                decided += advice[i][half * 3 + k].answer.status == LEDGER_DECIDED;
                        ck_assert_int_eq(decided, 1);
                }
        }
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM advice"), 2 * ORIGINALS);
        ck_assert_int_eq(world_number(&world, "SELECT max(seq) FROM advice"), 2);
        ck_assert_int_eq(
            world_number(&world, "SELECT count(*) FROM v_account WHERE balance_yen <> opening_yen"), 0);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* Both in one batch, or at two instances. */
START_TEST(of_two_corrections_of_a_card_and_day_at_once_one_is_taken)
{
        enum { CARDS = 8, EACH = 2 };
        struct world world;
        static struct ledger_op request[CARDS][EACH], completion[CARDS][EACH], reversal[CARDS][EACH];
        int pending = 0;

        ops_open(&world);
        memset(request, 0, sizeof request);
        for (int i = 0; i < CARDS * EACH; i++) {
                ops_ask(&world, &request[i / EACH][i % EACH], i, i / EACH, 5000);
                ops_submit(&world, 0, &request[i / EACH][i % EACH], &pending);
        }
        world_wait(&world, &pending);
        for (int i = 0; i < CARDS * EACH; i++) {
                ops_advise(&completion[i / EACH][i % EACH], &request[i / EACH][i % EACH], 1, 5000, 5000);
                ops_submit(&world, 0, &completion[i / EACH][i % EACH], &pending);
        }
        world_wait(&world, &pending);
        for (int i = 0; i < CARDS * EACH; i++) {
                ops_advise(&reversal[i / EACH][i % EACH], &request[i / EACH][i % EACH], 2, 5000, 0);
                ops_submit(&world, i % EACH * _i, &reversal[i / EACH][i % EACH], &pending);
        }
        world_wait(&world, &pending);
        for (int card = 0; card < CARDS; card++) {
                int taken = 0;

                for (int i = 0; i < EACH; i++) {
                        taken += !strcmp(reversal[card][i].answer.what, "corrected");
                        ck_assert(!strcmp(reversal[card][i].answer.what, "corrected") ||
                                  !strcmp(reversal[card][i].answer.what, "settled"));
                }
                ck_assert_int_eq(taken, 1);
        }
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM v_withdrawal WHERE state = 'reversed'"),
                         CARDS);
        ck_assert_int_eq(world_number(&world, "SELECT sum(corrections) FROM v_card_day"), CARDS);
        world_check_sums(&world);
        ck_assert_int_eq(world.problems, 0);
        world_close(&world);
}
END_TEST

/* In one batch, or at two instances. */
START_TEST(one_advice_that_names_two_originals_is_done_to_one_of_them)
{
        enum { PAIRS = 8 };
        struct world world;
        static struct ledger_op request[PAIRS][2], advice[PAIRS][2];
        int pending = 0;

        ops_open(&world);
        memset(request, 0, sizeof request);
        memset(advice, 0, sizeof advice);
        for (int i = 0; i < PAIRS * 2; i++) {
                struct ledger_op *op = &request[i / 2][i % 2];

                ops_identify(op, OPS_NOON, 3 * i); /* all of one ATM */
                play_fill_request(world_reference(&world), op, i / 2, 5000, 10000);
                ops_submit(&world, 0, op, &pending);
        }
        world_wait(&world, &pending);
        for (int i = 0; i < PAIRS * 2; i++) {
                struct ledger_op *op = &advice[i / 2][i % 2];

                ck_assert_int_eq(request[i / 2][i % 2].answer.reason, REASON_APPROVED);
                ops_identify(op, OPS_NOON, 3 * (1000 + i / 2));
                play_fill_advice(op, &request[i / 2][i % 2].identity, true, 5000, 0);
                ops_submit(&world, i % 2 * _i, op, &pending);
        }
        world_wait(&world, &pending);
        for (int i = 0; i < PAIRS; i++)
                ck_assert_int_eq(!strcmp(advice[i][0].answer.what, "contradicts") +
                                     !strcmp(advice[i][1].answer.what, "contradicts"),
                                 1);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM advice"), PAIRS);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM v_withdrawal WHERE state = 'reversed'"),
                         PAIRS);
        ck_assert_int_eq(
            world_number(&world, "SELECT count(*) FROM exception_record WHERE what = 'contradicts'"), PAIRS);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* Its message does not say that it is a repeat, and this time nothing could be decided. */
START_TEST(a_repeat_that_can_not_be_decided_hears_what_stands)
{
        struct world world;
        struct ledger_op request = {0}, op;

        ops_open(&world);
        ops_ask(&world, &request, 1, 0, 10000);
        op = request;
        ops_do(&world, &op);
        op = request;
        op.request.refusal = REASON_CANNOT_DECIDE;
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.status, LEDGER_STORED);
        ck_assert_int_eq(op.answer.reason, REASON_APPROVED);
        world_close(&world);
}
END_TEST

/* The connections of atmd set what their plans need: on tables as small as these others would read all of each. */
START_TEST(no_batch_reads_a_table_from_one_end_to_the_other)
{
        struct world world;
        static struct ledger_op op[4];
        int pending = 0;
        char *read;

        ops_open(&world);
        /* what making the tables has counted is no batch's */
        world_sql(&world, "SELECT pg_stat_force_next_flush()");
        world_sql(&world, "SELECT pg_stat_reset()");
        memset(op, 0, sizeof op);
        ops_ask(&world, &op[0], 1, 0, 10000);
        ops_submit(&world, 0, &op[0], &pending);
        world_wait(&world, &pending);
        ops_advise(&op[1], &op[0], 1, 10000, 10000);
        ops_submit(&world, 0, &op[1], &pending);
        ops_ask(&world, &op[2], 1, 0, 10000);
        op[2].look = true;
        ops_submit(&world, 0, &op[2], &pending);
        world_wait(&world, &pending);
        ops_advise(&op[3], &op[0], 2, 10000, 5000);
        ops_submit(&world, 0, &op[3], &pending);
        world_wait(&world, &pending);
        ck_assert_str_eq(op[3].answer.what, "corrected");
        for (int i = 0; i < WORLD_INSTANCES; i++) {
                ledger_free(world.pg[i]);
                world.pg[i] = NULL;
        }
        /* what a connection has counted is there before it is gone */
        while (world_number(&world, "SELECT count(*) FROM pg_stat_activity"
                                    " WHERE datname = current_database() AND usename = 'atm_daemon'") > 0)
                ;
        read = world_query(&world, "SELECT relname FROM pg_stat_user_tables WHERE seq_scan > 0 AND relname ~"
                                   " '^(withdrawal|advice|bank_|card$|open_withdrawal)'");
        ck_assert_str_eq(read, "");
        ck_assert_int_gt(
            world_number(&world,
                         "SELECT sum(idx_scan) FROM pg_stat_user_tables WHERE relname ~ '^withdrawal'"),
            0);
        free(read);
        world_close(&world);
}
END_TEST

START_TEST(a_repeat_that_contradicts_its_own_advice_moves_nothing)
{
        struct world world;
        struct ledger_op request = {0}, op;

        ops_open(&world);
        ops_ask(&world, &request, 1, 0, 10000);
        op = request;
        ops_do(&world, &op);
        ops_advise(&op, &request, 1, 10000, 10000);
        ops_do(&world, &op);
        ops_advise(&op, &request, 1, 10000, 10000);
        op.advice.dispensed_yen = 5000;
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.status, LEDGER_STORED);
        ck_assert_str_eq(op.answer.what, "contradicts");
        ck_assert_int_eq(world_number(&world, "SELECT dispensed_yen FROM v_withdrawal"), 10000);
        world_same_rows(&world, "nothing moves");
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* What is said of it until a moment is so until an instance ends it (atm_end_due). */
static const struct {
        const char *change, *what;
} atm_changes[] = {
    {"UPDATE atm SET enabled = false WHERE terminal = 'T0000002'", "settled"},
    {"UPDATE atm SET barred = true WHERE terminal = 'T0000002'", "settled"},
    {"UPDATE atm SET enabled = false, disabled_until = business_now() + INTERVAL '1 hour' WHERE terminal = "
     "'T0000002'; SELECT atm_end_due()",
     "settled"},
    {"UPDATE atm SET enabled = false, barred = true, barred_until = business_now() WHERE terminal = "
     "'T0000002'; SELECT atm_end_due()",
     "settled"},
    {"UPDATE atm SET enabled = false, barred = true, disabled_until = business_now(), barred_until = "
     "business_now() WHERE terminal = 'T0000002'; SELECT atm_end_due()",
     "corrected"},
    {"UPDATE atm SET enabled = false, disabled_until = 'infinity' WHERE terminal = 'T0000002'; UPDATE atm "
     "SET "
     "enabled = true WHERE terminal = 'T0000002'",
     "corrected"},
};

START_TEST(a_disabled_or_barred_atm_corrects_nothing_until_that_ends)
{
        struct world world;
        struct ledger_op request = {0}, op;

        ops_open(&world);
        ops_ask(&world, &request, 1, 0, 10000);
        op = request;
        ops_do(&world, &op);
        ops_advise(&op, &request, 1, 10000, 10000);
        ops_do(&world, &op);
        world_sql(&world, "%s", atm_changes[_i].change);
        world_refresh(&world);
        ops_advise(&op, &request, 2, 10000, 0);
        ops_do(&world, &op);
        ck_assert_str_eq(op.answer.what, atm_changes[_i].what);
        world_same_rows(&world, "what is corrected");
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* A card's row has the two newest days and months of its use: each request finds its own, after a gap too, and one that is
 * before both is refused. What is given back of a day that has left the row changes its month alone. */
START_TEST(a_late_request_finds_the_use_of_its_own_day_and_month)
{
        static const struct {
                const char *moment;
                int64_t amount_yen;
                enum reason reason;
        } steps[] = {
            {"2016-12-20T12:00", 30000, REASON_APPROVED},  {"2016-12-29T12:00", 20000, REASON_APPROVED},
            {"2016-12-28T12:00", 30000, REASON_APPROVED},  {"2016-12-28T12:00", 1000, REASON_DAY_LIMIT},
            {"2016-12-29T12:00", 11000, REASON_DAY_LIMIT}, {"2016-12-29T12:00", 10000, REASON_MONTH_LIMIT},
            {"2017-01-01T12:00", 30000, REASON_APPROVED},  {"2016-12-31T12:00", 1000, REASON_MONTH_LIMIT},
            {"2016-12-28T12:00", 1000, REASON_CLOCK_OFF},  {"2017-01-01T12:00", 1000, REASON_DAY_LIMIT},
            {"2016-12-28T12:00", 30000, REASON_APPROVED},  {"2016-12-31T12:00", 30000, REASON_APPROVED},
            {"2016-12-31T12:00", 1000, REASON_DAY_LIMIT},
        };
        enum { TAKEN_BACK = 2, THEN = 10 };
        struct world world;
        struct ledger_op op[LENGTH(steps)];

        ops_open(&world);
        memset(op, 0, sizeof op);
        for (size_t i = 0; i < LENGTH(steps); i++) {
                ops_identify(&op[i], steps[i].moment, (int)i);
                if (i == THEN) {
                        ops_advise(&op[i], &op[TAKEN_BACK], 1, steps[TAKEN_BACK].amount_yen, 0);
                        ops_do(&world, &op[i]);
                        continue;
                }
                play_fill_request(world_reference(&world), &op[i], 0, steps[i].amount_yen, 10000);
                ops_do(&world, &op[i]);
                ck_assert_msg(op[i].answer.reason == steps[i].reason, "step %zu: reason %d", i,
                              (int)op[i].answer.reason);
        }
        world_same_rows(&world, "late requests");
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* What the checks of sums are worth: one altered yen, one lost row, and they name the table. */
START_TEST(an_altered_yen_is_seen_by_the_sums)
{
        static const struct {
                const char *table, *sql;
        } alterations[] = {
            {"account", "UPDATE card SET balance_yen = balance_yen + 1 WHERE balance_yen <> opening_yen"},
            {"card_day", "UPDATE card SET day_yen = day_yen - 1 WHERE day_yen > 0"},
            {"card_day", "UPDATE card SET day_count = day_count + 1 WHERE day_on IS NOT NULL"},
            {"card_month", "UPDATE card SET month_yen = month_yen - 1 WHERE month_yen > 0"},
            {"commission", "UPDATE commission SET interbank_tax_yen = interbank_tax_yen + 1"},
            {"summary", "UPDATE summary_detail SET cash_yen = cash_yen + 1"},
            {"summary", "UPDATE summary_day SET hall_share_yen = hall_share_yen + 1"},
            {"summary", "DELETE FROM summary_bank"},
            {"summary", "DELETE FROM summed_day"},
            {"summed_day", "UPDATE books SET summed_through = NULL"},
            {"unsummed_post",
             "INSERT INTO unsummed_post SELECT terminal, transmitted_at, stan, seq, posted_on - 1 "
             "FROM commission LIMIT 1"},
            {"open_withdrawal", "DELETE FROM open_withdrawal"},
            {"limit of the day", "UPDATE card SET day_yen = 30001 WHERE day_on IS NOT NULL"},
        };
        struct world world;
        static struct ledger_op request[2], completion;
        int pending = 0;

        ops_open(&world);
        for (int i = 0; i < 2; i++) {
                ops_ask(&world, &request[i], i, i, 10000);
                ops_submit(&world, 0, &request[i], &pending);
        }
        world_wait(&world, &pending);
        ops_identify(&completion, OPS_NOON, 0);
        play_fill_advice(&completion, &request[0].identity, false, 10000, 10000);
        ops_submit(&world, 0, &completion, &pending);
        world_wait(&world, &pending);
        world_sum_up(&world, calendar_business_day(request[0].identity.transmitted_ms));
        world_check_sums(&world);
        for (size_t i = 0; i < sizeof alterations / sizeof alterations[0]; i++) {
                char *found;

                world_sql(&world, "BEGIN; %s", alterations[i].sql);
                found = world_contradictions(&world);
                ck_assert_msg(strstr(found, alterations[i].table) != NULL, "after \"%s\": %s",
                              alterations[i].sql, *found ? found : "nothing is found");
                world_sql(&world, "ROLLBACK");
                free(found);
        }
        world_close(&world);
}
END_TEST

/* Whoever sums up works beside: the days of the storm are summed up while it lasts, and what is posted to them since is added. */
static void sum_up_beside(PGconn *builder)
{
        PGresult *result;

        ck_assert(PQconsumeInput(builder));
        if (PQisBusy(builder))
                return;
        while ((result = PQgetResult(builder)))
                PQclear(result); /* a time-out is an end like another */
        ck_assert(PQsendQuery(builder, "SELECT summary_extend('2016-12-29'); SELECT summary_step(true)"));
}

/* Everything at once on eight cards: what PostgreSQL ends with must agree with itself. */
START_TEST(a_storm_over_two_instances_keeps_every_sum_and_limit)
{
        enum { OPS = 3000, WAVE = 300 };
        struct world world;
        struct draws random = {.state = (uint64_t)_i + 1};
        struct ledger_op *op = calloc(OPS, sizeof *op);
        int pending = 0, approved = 0;
        PGconn *builder;

        ck_assert_ptr_nonnull(op);
        ops_open(&world);
        builder = world_session(&world, NULL);
        for (int i = 0; i < OPS; i++) {
                int former = i ? draw_below(&random, i) : 0;

                if (i % WAVE == 0)
                        world_wait(&world, &pending);
                if (i % 3 == 0 || op[former].kind != LEDGER_REQUEST) {
                        ops_ask(&world, &op[i], i, draw_below(&random, 8),
                                1000 * draw_between(&random, 1, 10));
                        op[i].identity.transmitted_ms += DAY_MS * (int64_t)(i / WAVE % 2);
                        play_fill_request(world_reference(&world), &op[i], draw_below(&random, 8),
                                          1000 * draw_between(&random, 1, 10), 10000);
                } else if (i % 3 == 1) {
                        op[i].identity = op[former].identity;
                        play_fill_request(world_reference(&world), &op[i],
                                          op[former].request.card_token[CARD_TOKEN_LENGTH - 1] - 1,
                                          op[former].request.amount_yen, 10000);
                } else {
                        ops_identify(&op[i], OPS_NOON, i);
                        memcpy(op[i].identity.terminal, op[former].identity.terminal,
                               sizeof op[i].identity.terminal);
                        play_fill_advice(&op[i], &op[former].identity, draw_permille(&random, 300),
                                         op[former].request.amount_yen,
                                         draw_permille(&random, 300) ? 0 : op[former].request.amount_yen);
                }
                ops_submit(&world, draw_below(&random, WORLD_INSTANCES), &op[i], &pending);
                if (i > OPS / 4)
                        sum_up_beside(builder);
        }
        world_wait(&world, &pending);
        PQfinish(builder);
        world_check_sums(&world);
        world_sql(&world, "SELECT summary_extend('2016-12-30')");
        world_sql(&world, "DO $$ BEGIN WHILE summary_step(true) IS NOT NULL LOOP END LOOP; END $$");
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM unsummed_post"), 0);
        for (int i = 0; i < OPS; i++) {
                ck_assert(op[i].answer.status == LEDGER_DECIDED || op[i].answer.status == LEDGER_STORED);
                approved += op[i].kind == LEDGER_REQUEST && op[i].answer.status == LEDGER_DECIDED &&
                            op[i].answer.reason == REASON_APPROVED;
        }
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM withdrawal WHERE reason = 0"), approved);
        world_check_sums(&world);
        ck_assert_int_eq(world.problems, 0);
        world_close(&world);
        free(op);
}
END_TEST

/* --- when things go wrong -------------------------------------------------------------------------- */

START_TEST(what_was_decided_from_old_reference_data_is_not_done)
{
        struct world world;
        struct ledger_op pg = {0}, mem;
        int pending = 0;

        ops_open(&world);
        ops_ask(&world, &pg, 1, 0, 10000);
        mem = pg;
        mem.on_done = on_done;
        mem.context = &pending;
        world_sql(&world, "UPDATE hall SET share_bp = 777 WHERE hall = 'H00001'");
        world_refresh(&world);
        ops_submit(&world, 0, &pg, &pending);
        pending++;
        ledger_submit(world.mem, &mem);
        ledger_mem_drain(world.mem);
        world_wait(&world, &pending);
        ck_assert_int_eq(pg.answer.status, LEDGER_STALE);
        ck_assert_int_eq(mem.answer.status, LEDGER_STALE);
        world_same_rows(&world, "nothing was done");
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM withdrawal"), 0);
        world_close(&world);
}
END_TEST

START_TEST(a_change_that_the_ledger_has_not_seen_yet_makes_requests_stale)
{
        struct world world;
        struct ledger_op op = {0};
        int pending = 0;

        ops_open(&world);
        ops_ask(&world, &op, 1, 0, 10000);
        world_sql(&world, "UPDATE atm SET enabled = false WHERE terminal = 'T0000002'");
        ops_submit(&world, 0, &op, &pending);
        world_wait(&world, &pending);
        ck_assert_int_eq(op.answer.status, LEDGER_STALE);
        ck_assert_msg(reference_version(ledger_reference(world.pg[0])) > op.request.reference_version,
                      "whoever hears STALE finds the new reference data");
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM withdrawal"), 0);
        world_close(&world);
}
END_TEST

START_TEST(one_row_that_breaks_a_constraint_sinks_no_other)
{
        enum { OPS = 40, BAD = 17 };
        struct world world;
        static struct ledger_op op[OPS], mem[OPS];
        int pending = 0;

        ops_open(&world);
        memset(op, 0, sizeof op);
        for (int i = 0; i < OPS; i++) {
                ops_ask(&world, &op[i], i, i % 8, 1000);
                if (i == BAD)
                        op[i].request.amount_yen = 1500; /* rules/decide.c lets no such thing through */
                mem[i] = op[i];
                mem[i].on_done = on_done;
                mem[i].context = &pending;
        }
        for (int i = 0; i < OPS; i++) {
                ops_submit(&world, 0, &op[i], &pending);
                pending++;
                ledger_submit(world.mem, &mem[i]);
        }
        ledger_mem_drain(world.mem);
        world_wait(&world, &pending);
        for (int i = 0; i < OPS; i++) {
                ck_assert_int_eq(op[i].answer.status, i == BAD ? LEDGER_UNAVAILABLE : LEDGER_DECIDED);
                ck_assert(!play_difference(&op[i], &mem[i]));
        }
        world_same_rows(&world, "the others were decided");
        world_close(&world);
}
END_TEST

/* A look that misses what is there (bounds that are too narrow, say) is a fault of ours: it is said, and no batch goes round for ever. */
START_TEST(a_key_that_no_look_finds_is_refused_in_the_end_and_sinks_no_other)
{
        enum { OPS = 12, BAD = 5, BAD_YEN = 7000 };
        struct world world;
        static struct ledger_op op[OPS];
        int pending = 0;

        ops_open(&world);
        world_sql(
            &world,
            "CREATE FUNCTION unseen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.amount_yen = %d "
            "THEN RAISE unique_violation USING TABLE = 'withdrawal_unseen'; END IF; RETURN NEW; END $$; "
            "CREATE TRIGGER unseen BEFORE INSERT ON withdrawal FOR EACH ROW EXECUTE FUNCTION unseen()",
            BAD_YEN);
        memset(op, 0, sizeof op);
        for (int i = 0; i < OPS; i++)
                ops_ask(&world, &op[i], i, i % 8, i == BAD ? BAD_YEN : 1000);
        for (int i = 0; i < OPS; i++)
                ops_submit(&world, 0, &op[i], &pending);
        world_wait(&world, &pending);
        for (int i = 0; i < OPS; i++)
                ck_assert_int_eq(op[i].answer.status, i == BAD ? LEDGER_UNAVAILABLE : LEDGER_DECIDED);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM withdrawal"), OPS - 1);
        world_close(&world);
}
END_TEST

/* Connections are cut while work is in flight. What is said to be decided is there, once; what is said to be
 * unwritten is not there. */
START_TEST(a_lost_connection_loses_and_doubles_nothing)
{
        enum { OPS = 400, WAVE = 100 };
        struct world world;
        struct ledger_op *op = calloc(OPS, sizeof *op);
        int pending = 0, known = 0;

        ck_assert_ptr_nonnull(op);
        ops_open(&world);
        for (int i = 0; i < OPS; i++) {
                ops_ask(&world, &op[i], i, i % 8, 1000);
                ops_submit(&world, i % WORLD_INSTANCES, &op[i], &pending);
                if (i % WAVE != WAVE - 1)
                        continue;
                for (int turn = 0; turn < i / WAVE; turn++)
                        event_base_loop(world.base, EVLOOP_NONBLOCK);
                world_sql(&world, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                  " WHERE usename = 'atm_daemon' AND datname = current_database()");
                world_wait(&world, &pending);
        }
        for (int i = 0; i < OPS; i++) {
                char sql[256];
                int64_t rows;

                snprintf(sql, sizeof sql,
                         "SELECT count(*) FROM withdrawal WHERE terminal = '%s' AND stan = %" PRId32
                         " AND reason = %d",
                         op[i].identity.terminal, op[i].identity.stan,
                         op[i].answer.status == LEDGER_UNAVAILABLE ? -1 : (int)op[i].answer.reason);
                rows = world_number(&world, sql);
                switch (op[i].answer.status) {
                case LEDGER_DECIDED:
                case LEDGER_STORED:
                        known++;
                        ck_assert_int_eq(rows, 1);
                        break;
                case LEDGER_UNAVAILABLE:
                        ck_assert_int_eq(rows, 0);
                        break;
                default:
                        ck_assert_int_eq(op[i].answer.status, LEDGER_UNKNOWN);
                        break;
                }
        }
        ck_assert_int_gt(world.problems, 0);
        ck_assert_int_gt(known, 0);
        world_check_sums(&world);
        world_close(&world);
        free(op);
}
END_TEST

/* The two stages at which a daemon may die or lose its connection, and what the repeat hears. */
START_TEST(in_memory_a_crash_before_the_commit_leaves_nothing_and_after_it_everything)
{
        for (int stage = LEDGER_MEM_WAITING; stage <= LEDGER_MEM_COMMITTED; stage++) {
                struct ledger_mem_options options = {.queue_max = 10, .batch_max = 10};
                struct world world;
                struct ledger_op op = {0}, again;
                struct ledger *ledger;
                int pending = 1;

                ops_open(&world);
                ledger = ledger_mem_new(world.memory, &options);
                ops_ask(&world, &op, 1, 0, 10000);
                op.on_done = on_done;
                op.context = &pending;
                again = op;
                ledger_submit(ledger, &op);
                while ((int)ledger_mem_stage(ledger) < stage)
                        ledger_mem_step(ledger);
                ledger_free(ledger);
                ck_assert_int_eq(pending, 1);
                ledger_submit(world.mem, &again);
                ledger_mem_drain(world.mem);
                ck_assert_int_eq(again.answer.status,
                                 stage == LEDGER_MEM_COMMITTED ? LEDGER_STORED : LEDGER_DECIDED);
                ck_assert_int_eq(again.answer.reason, REASON_APPROVED);
                world_close(&world);
        }
}
END_TEST

/* Each batch meets the same. */
START_TEST(what_the_server_refuses_over_and_over_is_said_once)
{
        enum { COUNT = 5 };
        struct world world;
        struct ledger_op request[COUNT] = {0};

        ops_open(&world);
        world_sql(
            &world,
            "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could "
            "not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$; "
            "CREATE TRIGGER disk_full BEFORE INSERT ON withdrawal FOR EACH ROW EXECUTE FUNCTION disk_full()");
        for (int i = 0; i < COUNT; i++) {
                int pending = 0;

                ops_ask(&world, &request[i], i, i, 10000);
                ops_submit(&world, 0, &request[i], &pending);
                world_wait(&world, &pending);
                ck_assert_int_eq(request[i].answer.status, LEDGER_UNAVAILABLE);
        }
        ck_assert_int_eq(world.problems, 1);
        world_sql(&world, "DROP TRIGGER disk_full ON withdrawal");
        ops_do(&world, &request[0]);
        ck_assert_int_eq(request[0].answer.reason, REASON_APPROVED);
        world_close(&world);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("contract");
        TCase *tables = tcase_create("tables"), *same = tcase_create("same"),
              *together = tcase_create("together"), *wrong = tcase_create("wrong");

        tcase_set_timeout(tables, 120);
        tcase_add_test(tables, the_tables_of_reasons_and_of_the_states_are_those_of_the_code);
        tcase_add_test(tables, the_parameters_of_each_batch_are_those_of_its_function);
        tcase_add_test(tables, what_stands_once_costs_a_batch_no_call);
        tcase_set_timeout(same, 280);
        tcase_add_test(same, a_batch_opens_the_quarter_of_its_moments_and_no_other);
        tcase_add_test(same, both_back_ends_give_the_same_answers_and_keep_the_same_rows);
        tcase_set_timeout(together, 120);
        tcase_add_test(same, a_late_request_finds_the_use_of_its_own_day_and_month);
        tcase_add_test(together, one_card_at_many_terminals_of_two_instances_never_passes_its_limit);
        tcase_add_test(together, one_identity_at_two_instances_is_decided_once);
        tcase_add_test(together, of_two_cards_with_one_identity_one_contradicts);
        tcase_add_test(together, a_reversal_that_races_its_request_leaves_nothing_open);
        tcase_add_test(together, advices_that_race_each_other_are_taken_one_after_the_other);
        tcase_add_loop_test(together, of_two_corrections_of_a_card_and_day_at_once_one_is_taken, 0, 2);
        tcase_add_loop_test(together, one_advice_that_names_two_originals_is_done_to_one_of_them, 0, 2);
        tcase_add_test(together, a_repeat_that_can_not_be_decided_hears_what_stands);
        tcase_add_test(together, no_batch_reads_a_table_from_one_end_to_the_other);
        tcase_add_test(together, a_repeat_that_contradicts_its_own_advice_moves_nothing);
        tcase_add_loop_test(together, a_disabled_or_barred_atm_corrects_nothing_until_that_ends, 0,
                            LENGTH(atm_changes));
        tcase_add_test(together, an_altered_yen_is_seen_by_the_sums);
        tcase_add_loop_test(together, a_storm_over_two_instances_keeps_every_sum_and_limit, 0, 3);
        tcase_set_timeout(wrong, 120);
        tcase_add_test(wrong, what_the_server_refuses_over_and_over_is_said_once);
        tcase_add_test(wrong, what_was_decided_from_old_reference_data_is_not_done);
        tcase_add_test(wrong, a_change_that_the_ledger_has_not_seen_yet_makes_requests_stale);
        tcase_add_test(wrong, one_row_that_breaks_a_constraint_sinks_no_other);
        tcase_add_test(wrong, a_key_that_no_look_finds_is_refused_in_the_end_and_sinks_no_other);
        tcase_add_test(wrong, a_lost_connection_loses_and_doubles_nothing);
        tcase_add_test(wrong, in_memory_a_crash_before_the_commit_leaves_nothing_and_after_it_everything);
        suite_add_tcase(suite, tables);
        suite_add_tcase(suite, same);
        suite_add_tcase(suite, together);
        suite_add_tcase(suite, wrong);
        suite_add_tcase(suite, people_case());
        return suite_run(suite);
}
