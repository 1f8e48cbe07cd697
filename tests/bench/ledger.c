/*
 * The ledger without a network: batches of one size over atmd's own connections (pg_conn) and batches
 * (ledger_batch), and what they cost the PostgreSQL processes at the other end. scripts/bench ledger runs it
 * in a laboratory.
 *
 *      bench_ledger BATCH CONNECTIONS FIRST BATCHES
 *
 * prints one line: withdrawals written, of them measured, seconds measured, processor microseconds of
 * PostgreSQL's connections over those, of them in the kernel, bytes of WAL over those.
 *
 * Withdrawal number n, from FIRST, is always the same one: its ATM, card, moment and price follow from n, and
 * how many there are from the arguments. So what is written depends on no clock, two builds can be given the
 * same work, and who goes on from FIRST plus what was written never repeats one. All cards take their turn,
 * each at most once a day. The database is the environment's (PGHOST, PGPORT, PGDATABASE, and PGUSER for
 * looking on); business time starts at ATM_CLOCK_START_MS.
 *
 * Each connection takes the next BATCH numbers, asks for them in one batch, and completes them in the next:
 *
 *      IDLE --phase begins--> ASKING --all approved--> ADVISING --all acknowledged, no batch is left--> IDLE
 *                               ^-------- all acknowledged --------'
 *
 * Once all are idle the phase is over: warming up, during which plans are made, then what is measured. So
 * both ends of what is measured are moments at which nothing is under way.
 */
#include <event2/event.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/reference_load.h"
#include "daemon/ledger/ledger_batch.h"
#include "daemon/txn.h"
#include "lib/base/number.h"
#include "lib/db/pg_conn.h"
#include "rules/calendar.h"
#include "rules/decide.h"

enum { LANES_MAX = 16, WARM_UP_BATCHES = 16 /* a lane */, AMOUNT_YEN = 1000 };
enum { WITHDRAWALS_PER_SECOND = 5000 }; /* of business time */

#define LANE_CONNINFO "user=atm_daemon application_name=bench_ledger"

struct bench;

struct lane {
        struct bench *bench;
        struct pg_conn *conn;
        struct ledger_batch batch;
        struct ledger_op op[BATCH_MAX];
};

/* What has been used so far. */
struct use {
        int64_t withdrawals, us;
        int64_t cpu_us, system_us, wal_bytes;
};

struct bench {
        int size, lanes, running; /* running: lanes that are not idle */
        int64_t first, next;
        int batches, left; /* to be measured; of the phase, not yet begun */
        bool is_measuring;
        struct use begin, end;

        PGconn *pg; /* to look on with */
        struct reference *reference;
        PGresult *cards, *terminals;
        int64_t start_ms;
        struct pg_statement statements[LEDGER_STATEMENT_COUNT + 1];
        struct event_base *base;
        struct pg_hosts *hosts;
        struct lane lane[LANES_MAX];
};

ATM_PRINTF(1, 2) __attribute__((noreturn)) static void die(const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        fputs("bench_ledger: ", stderr);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
        va_end(arguments);
        exit(1);
}

static int64_t monotonic_us(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static PGresult *query(struct bench *b, const char *sql, int result_format)
{
        PGresult *result = PQexecParams(b->pg, sql, 0, NULL, NULL, NULL, NULL, result_format);
        if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0)
                die("%s: %s", sql,
                    PQresultStatus(result) == PGRES_TUPLES_OK ? "no row" : PQerrorMessage(b->pg));
        return result;
}

/* ---- what it costs ---------------------------------------------------------------------------------- */

/* A file of /proc, from the end of what stands in brackets (a program's name), or from its beginning. */
static void proc_read(const char *pid, const char *name, char buffer[512])
{
        char path[64];
        snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
        FILE *file = fopen(path, "r");
        size_t length = file ? fread(buffer, 1, 511, file) : 0;
        if (length == 0)
                die("%s: can't be read", path);
        fclose(file);
        buffer[length] = '\0';
        char *bracket = strrchr(buffer, ')');
        if (bracket)
                memmove(buffer, bracket + 1, strlen(bracket));
}

/* schedstat has nanoseconds, stat only ticks of 10 ms, but of user and kernel. */
static void add_process(struct use *use, const char *pid)
{
        char text[512];
        int64_t ns, user, system;
        proc_read(pid, "schedstat", text);
        if (sscanf(text, "%" SCNd64, &ns) != 1)
                die("/proc/%s/schedstat is not as expected", pid);
        proc_read(pid, "stat", text);
        if (sscanf(text, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNd64 " %" SCNd64, &user,
                   &system) != 2)
                die("/proc/%s/stat is not as expected", pid);
        use->cpu_us += ns / 1000;
        use->system_us += system * 1000000 / sysconf(_SC_CLK_TCK);
}

static struct use use_now(struct bench *b)
{
        struct use use = {.withdrawals = b->next - b->first, .us = monotonic_us()};
        PGresult *pids =
            query(b, "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'bench_ledger'", 0);
        if (PQntuples(pids) != b->lanes)
                die("%d connections instead of %d", PQntuples(pids), b->lanes);
        for (int i = 0; i < PQntuples(pids); i++)
                add_process(&use, PQgetvalue(pids, i, 0));
        PQclear(pids);
        PGresult *wal = query(b, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint", 0);
        use.wal_bytes = pg_number(wal, 0, 0);
        PQclear(wal);
        return use;
}

/* ---- withdrawal number n ---------------------------------------------------------------------------- */

static void identify(const struct bench *b, int64_t n, struct ledger_identity *identity)
{
        int atms = PQntuples(b->terminals), cards = PQntuples(b->cards);
        snprintf(identity->terminal, sizeof(identity->terminal), "%s",
                 PQgetvalue(b->terminals, (int)(n % atms), 0));
        identity->transmitted_ms =
            b->start_ms + n / cards * DAY_MS + n % cards / WITHDRAWALS_PER_SECOND * 1000;
        identity->stan = (int32_t)(n / atms * 2 % 1000000);
}

/* As a session and its transaction fill it in. */
static void make_request(const struct bench *b, int64_t n, struct ledger_op *op)
{
        int card = (int)(n % PQntuples(b->cards));
        struct ledger_request *r = &op->request;
        struct verdict verdict;
        char pan[sizeof(r->pan_mask)];
        *op = (struct ledger_op){.kind = LEDGER_REQUEST};
        identify(b, n, &op->identity);
        memcpy(r->card_token, PQgetvalue(b->cards, card, 0), CARD_TOKEN_LENGTH);
        snprintf(r->pan_mask, sizeof(r->pan_mask), "%s", PQgetvalue(b->cards, card, 1));
        snprintf(r->expiry_yymm, sizeof(r->expiry_yymm), "%s", PQgetvalue(b->cards, card, 2));
        /* nobody but the token knows the digits in between, and no rule asks for them */
        memcpy(pan, r->pan_mask, sizeof(pan));
        for (char *p = pan; (p = strchr(p, '*'));)
                *p = '0';
        struct request asked = {
            op->identity.terminal, op->identity.transmitted_ms, PROCESSING_WITHDRAWAL, AMOUNT_YEN, pan,
            r->expiry_yymm};
        decide_request(b->reference, &asked, op->identity.transmitted_ms, DAY_MS, &verdict);
        if (verdict.refusal != REASON_APPROVED)
                die("withdrawal %" PRId64 " would be refused: %s", n, reason_rows[verdict.refusal].name);
        r->reference_version = reference_version(b->reference);
        r->processing_code = 10000;
        r->amount_yen = AMOUNT_YEN;
        r->business_day = verdict.business_day;
        r->price = verdict.price;
        memcpy(r->limit, verdict.limit, sizeof(r->limit));
        snprintf(r->issuer, sizeof(r->issuer), "%s", verdict.issuer->issuer);
        snprintf(r->hall, sizeof(r->hall), "%s", verdict.atm->hall->hall);
        snprintf(r->approval_code, sizeof(r->approval_code), "%06d", (int)op->identity.stan);
}

/* Its ATM's next message: all was dispensed. */
static void turn_into_advice(struct ledger_op *op)
{
        struct ledger_identity original = op->identity;
        *op = (struct ledger_op){
            .kind = LEDGER_ADVICE,
            .identity = original,
            .advice = {.original = original, .amount_yen = AMOUNT_YEN, .dispensed_yen = AMOUNT_YEN},
        };
        op->identity.transmitted_ms += 1000;
        op->identity.stan++;
}

/* ---- lanes ------------------------------------------------------------------------------------------ */

static void lane_send(struct lane *lane, enum ledger_kind kind)
{
        static const struct ledger_times times = {.wait_ms = 90000,
                                                  .correct_ms = 300000}; /* the settings' defaults */
        struct bench *b = lane->bench;
        struct ledger_queue queue = TAILQ_HEAD_INITIALIZER(queue);
        for (int i = 0; i < b->size; i++)
                TAILQ_INSERT_TAIL(&queue, &lane->op[i], entry);
        lane->batch.count = 0;
        ledger_batch_take(&lane->batch, kind, &queue, b->size);
        if (lane->batch.count != b->size)
                die("%d of a batch of %d may go together", lane->batch.count, b->size);
        if (!ledger_batch_send(&lane->batch, reference_version(b->reference), &times, lane->conn))
                die("out of memory");
}

static void lane_ask(struct lane *lane)
{
        struct bench *b = lane->bench;
        for (int i = 0; i < b->size; i++)
                make_request(b, b->next++, &lane->op[i]);
        lane_send(lane, LEDGER_REQUEST);
}

static void lane_advise(struct lane *lane)
{
        for (int i = 0; i < lane->bench->size; i++)
                turn_into_advice(&lane->op[i]);
        lane_send(lane, LEDGER_ADVICE);
}

/* Every withdrawal must be decided now, not found, and approved. */
static void check_answers(const struct lane *lane)
{
        for (int i = 0; i < lane->bench->size; i++) {
                const struct ledger_answer *answer = &lane->op[i].answer;
                if (answer->status != LEDGER_DECIDED)
                        die("an answer of status %d", answer->status);
                if (answer->reason != REASON_APPROVED)
                        die("a withdrawal was refused: %s; more cards, or fewer withdrawals",
                            reason_rows[answer->reason].name);
        }
}

static void phase_end(struct bench *b);

/* The next batch, or nothing where none is left. */
static void lane_go_on(struct lane *lane)
{
        struct bench *b = lane->bench;
        if (b->left > 0) {
                b->left--;
                lane_ask(lane);
        } else if (--b->running == 0) {
                phase_end(b);
        }
}

static void phase_begin(struct bench *b, int batches)
{
        b->left = batches;
        b->running = b->lanes;
        for (int i = 0; i < b->lanes; i++)
                lane_go_on(&b->lane[i]);
}

static void phase_end(struct bench *b)
{
        if (b->is_measuring) {
                b->end = use_now(b);
                event_base_loopbreak(b->base);
        } else {
                b->is_measuring = true;
                b->begin = use_now(b);
                phase_begin(b, b->batches);
        }
}

static void on_up(void *context)
{
        struct lane *lane = context;
        struct bench *b = lane->bench;
        if (++b->running == b->lanes)
                phase_begin(b, WARM_UP_BATCHES * b->lanes);
}

static void on_end(void *context, enum pg_outcome outcome, const PGresult *result)
{
        struct lane *lane = context;
        if (outcome != PG_DONE)
                die("a batch failed: %s", result ? PQresultErrorMessage(result) : "the connection is lost");
        if (ledger_batch_answers(&lane->batch, result) != BATCH_ANSWERED)
                die("a batch's answers are not as expected");
        check_answers(lane);
        if (lane->batch.kind == LEDGER_REQUEST)
                lane_advise(lane);
        else
                lane_go_on(lane);
}

static void on_down(void *context, const char *why)
{
        (void)context;
        die("no connection: %s", why);
}

/* ---- from the beginning to the end ------------------------------------------------------------------ */

static void bench_open(struct bench *b)
{
        static const struct pg_conn_events events = {.on_up = on_up, .on_end = on_end, .on_down = on_down};
        const char *start = getenv("ATM_CLOCK_START_MS");
        char error[PG_ERROR_MAX];
        if (!start)
                die("ATM_CLOCK_START_MS is missing");
        b->start_ms = number_known(start) / 1000 * 1000;
        b->pg = PQconnectdb("");
        if (PQstatus(b->pg) != CONNECTION_OK)
                die("%s", PQerrorMessage(b->pg));
        if (!reference_read(b->pg, &b->reference, error))
                die("%s", error);
        /* cards in an order that is neither the index's nor the table's */
        b->cards = query(b,
                         "SELECT card_token, pan_mask, expiry_yymm FROM card WHERE issuer = 'HOUSE' "
                         "ORDER BY reverse(card_token::text)",
                         1);
        b->terminals =
            query(b, "SELECT terminal FROM atm WHERE enabled AND hall IS NOT NULL ORDER BY terminal", 1);
        if (PQntuples(b->cards) < b->size * b->lanes)
                die("%d cards are not enough for %d connections with batches of %d", PQntuples(b->cards),
                    b->lanes, b->size);
        ledger_batch_statements(b->statements);
        b->base = event_base_new();
        b->hosts = pg_hosts_new(b->base, NULL, LANE_CONNINFO);
        if (!b->hosts)
                die("out of memory");
        for (int i = 0; i < b->lanes; i++) {
                b->lane[i].bench = b;
                b->lane[i].conn = pg_conn_new(b->base, b->hosts, NULL, b->statements, &events, &b->lane[i]);
                if (!b->lane[i].conn)
                        die("out of memory");
        }
}

static void bench_close(struct bench *b)
{
        for (int i = 0; i < b->lanes; i++) {
                pg_conn_free(b->lane[i].conn);
                ledger_batch_free(&b->lane[i].batch);
        }
        pg_hosts_free(b->hosts);
        event_base_free(b->base);
        PQclear(b->cards);
        PQclear(b->terminals);
        reference_free(b->reference);
        PQfinish(b->pg);
}

static int64_t number(const char *text, int64_t least, int64_t most)
{
        char expected[NUMBER_EXPECTED_MAX];
        int64_t value;
        if (!number_parse(text, least, most, &value))
                die("'%s': expected %s", text, number_expected(least, most, expected));
        return value;
}

int main(int argc, char **argv)
{
        static struct bench b;
        if (argc != 5)
                die("expected: BATCH CONNECTIONS FIRST BATCHES");
        b.size = (int)number(argv[1], 1, BATCH_MAX);
        b.lanes = (int)number(argv[2], 1, LANES_MAX);
        b.first = b.next = number(argv[3], 0, INT32_MAX);
        b.batches = (int)number(argv[4], b.lanes, INT32_MAX);
        bench_open(&b);
        event_base_dispatch(b.base);
        printf("%" PRId64 " %" PRId64 " %.6f %" PRId64 " %" PRId64 " %" PRId64 "\n", b.end.withdrawals,
               b.end.withdrawals - b.begin.withdrawals, (double)(b.end.us - b.begin.us) / 1e6,
               b.end.cpu_us - b.begin.cpu_us, b.end.system_us - b.begin.system_us,
               b.end.wal_bytes - b.begin.wal_bytes);
        bench_close(&b);
        return 0;
}
