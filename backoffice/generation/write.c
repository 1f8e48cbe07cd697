/*
 * Writing pieces. The parent only counts: its children make the rows of an ATM, gather each table's in binary
 * COPY format, send them in the order of the tables and commit, then say how much it was through a pipe.
 */
#include "backoffice/generation/write.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/array.h"
#include "lib/db/pg_copy.h"
#include "rules/calendar.h"
#include "rules/withdrawal.h"

enum { PROCESSES_MAX = 64, APPROVAL_TEXT = 7, OPENING_SPARE_YEN = 50000, OPENING_EMPTY_YEN = 500 };

/* The tables in the order in which they are written: what others refer to comes first. */
enum table { CARD, WITHDRAWAL, OUTCOME, ADVICE, COMMISSION, NOTICE, ACK, TABLES };
static const char *const copy_sql[TABLES] = {
    [CARD] = ("COPY card (card_token, issuer, pan_mask, expiry_yymm, opening_yen, balance_yen, month_on, "
              "month_yen, earlier_month_on, earlier_month_yen, day_on, day_yen, day_count, earlier_day_on, "
              "earlier_day_yen, earlier_day_count) FROM STDIN (FORMAT binary)"),
    [WITHDRAWAL] =
        "COPY withdrawal (terminal, transmitted_at, stan, reason, processing_code, amount_yen, card_token, "
        "pan_mask, "
        "issuer, band, hall, business_date, tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen, "
        "interbank_fee_yen, interbank_tax_yen, hall_share_yen, approval_code, link) FROM STDIN (FORMAT "
        "binary)",
    [OUTCOME] =
        ("COPY bank_outcome (terminal, transmitted_at, stan, reason, approval_code, bank_de39, cause) "
         "FROM STDIN "
         "(FORMAT binary)"),
    [ADVICE] = ("COPY advice (terminal, transmitted_at, stan, seq, kind, advice_at, advice_stan, why, "
                "amount_yen, dispensed_yen, "
                "state_before, state, counted_yen, commission) FROM STDIN (FORMAT binary)"),
    [COMMISSION] =
        ("COPY commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, "
         "band, tariff_from, "
         "tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, "
         "hall_share_yen, "
         "cash_yen, posted_on) FROM STDIN (FORMAT binary)"),
    [NOTICE] = ("COPY bank_notice (terminal, transmitted_at, stan, seq, link, kind, amount_yen, charge_yen, "
                "dispensed_yen, why) "
                "FROM STDIN (FORMAT binary)"),
    [ACK] = ("COPY bank_ack (terminal, transmitted_at, stan, seq, attempts, acknowledged_ms) FROM STDIN "
             "(FORMAT binary)"),
};

struct writer {
        const struct generation_job *job;
        PGconn *connection;
        struct business business;
        struct pg_copy copy[TABLES];
};

/* rows ------------------------------------------------------------------------------------------------------ */

static const char *issuer_of(const struct writer *w, const struct business_card *card)
{
        return w->job->plan->scenario->issuer[card->issuer].issuer;
}

static const char *link_of(const struct writer *w, const struct business_card *card)
{
        const struct issuer *issuer = reference_issuer(w->job->plan->reference, issuer_of(w, card));

        return issuer->link[0] ? issuer->link : NULL;
}

/* The newest two of a card's days or months, of which its row tells. */
struct newest {
        const struct business_usage *use[2];
};

/* One each card; NULL: out of memory. */
static struct newest *find_newest(const struct business *business, const struct business_usage *usage,
                                  size_t count)
{
        struct newest *all = calloc(business->cards, sizeof(*all));

        for (size_t i = 0; all && i < count; i++) {
                struct newest *newest = &all[usage[i].card];

                if (!usage[i].used)
                        continue;
                if (!newest->use[0] || usage[i].day > newest->use[0]->day) {
                        newest->use[1] = newest->use[0];
                        newest->use[0] = &usage[i];
                } else if (!newest->use[1] || usage[i].day > newest->use[1]->day) {
                        newest->use[1] = &usage[i];
                }
        }
        return all;
}

static void add_use(struct pg_copy *copy, const struct newest *newest, bool has_count)
{
        for (int i = 0; i < 2; i++) {
                const struct business_usage *use = newest->use[i];

                if (use)
                        pg_copy_date(copy, use->day);
                else
                        pg_copy_null(copy);
                pg_copy_int8(copy, use ? use->cash_yen : 0);
                if (has_count)
                        pg_copy_int4(copy, use ? use->withdrawals : 0);
        }
}

static void add_card(struct writer *w, const struct business_card *card, const struct newest *month,
                     const struct newest *day)
{
        int64_t opening_yen = card->empty ? OPENING_EMPTY_YEN : card->taken_yen + OPENING_SPARE_YEN;
        struct pg_copy *copy = &w->copy[CARD];
        bool is_banks = link_of(w, card) != NULL;

        if (is_banks && !day->use[0])
                return; /* nobody has seen it */
        pg_copy_row(copy, 16);
        pg_copy_uuid(copy, card->token);
        pg_copy_text(copy, issuer_of(w, card));
        pg_copy_text(copy, card->pan_mask);
        if (is_banks) {
                pg_copy_null(copy);
                pg_copy_null(copy);
                pg_copy_null(copy);
        } else {
                pg_copy_text(copy, "2912");
                pg_copy_int8(copy, opening_yen);
                pg_copy_int8(copy, opening_yen - card->taken_yen);
        }
        add_use(copy, month, false);
        add_use(copy, day, true);
}

/* False: out of memory. */
static bool add_cards(struct writer *w)
{
        const struct business *business = &w->business;
        struct newest *month = find_newest(business, business->month, business->months),
                      *day = find_newest(business, business->day, business->days);
        bool good = month && day;

        for (size_t i = 0; good && i < business->cards; i++)
                add_card(w, &business->card[i], &month[i], &day[i]);
        free(month);
        free(day);
        return good;
}

/* Begins a row of a table that is kept by a withdrawal's key. */
static struct pg_copy *keyed_row(struct writer *w, enum table table, int16_t columns,
                                 const struct business_withdrawal *x)
{
        struct pg_copy *copy = &w->copy[table];

        pg_copy_row(copy, columns);
        pg_copy_text(copy, w->business.terminal);
        pg_copy_timestamptz(copy, x->transmitted_ms);
        pg_copy_int4(copy, x->stan);
        return copy;
}

static void add_fees(struct pg_copy *copy, const struct price *price, int sign)
{
        pg_copy_int8(copy, sign * price->customer_fee_yen);
        pg_copy_int8(copy, sign * price->customer_tax_yen);
        pg_copy_int8(copy, sign * price->interbank_fee_yen);
        pg_copy_int8(copy, sign * price->interbank_tax_yen);
        pg_copy_int8(copy, sign * price->hall_share_yen);
}

/* Six digits that look like any other. */
static const char *approval_of(const struct business_withdrawal *x, char buffer[APPROVAL_TEXT])
{
        snprintf(buffer, APPROVAL_TEXT, "%06u",
                 (unsigned)(((uint64_t)x->transmitted_ms * 2654435761u >> 16) % 1000000u));
        return buffer;
}

static void add_withdrawal(struct writer *w, const struct business_withdrawal *x)
{
        const struct business_card *card = &w->business.card[x->card];
        struct pg_copy *copy = keyed_row(w, WITHDRAWAL, 21, x);
        char approval[APPROVAL_TEXT];

        if (x->reason < 0)
                pg_copy_null(copy);
        else
                pg_copy_int2(copy, x->reason);
        pg_copy_int4(copy, 10000);
        pg_copy_int8(copy, x->amount_yen);
        pg_copy_uuid(copy, card->token);
        pg_copy_text(copy, card->pan_mask);
        pg_copy_text(copy, issuer_of(w, card));
        pg_copy_text(copy, band_name[x->price.band]);
        pg_copy_text(copy, w->business.hall);
        pg_copy_date(copy, x->business_day);
        pg_copy_date(copy, x->price.tariff_from_day);
        pg_copy_int4(copy, x->price.tax_rate_bp);
        add_fees(copy, &x->price, 1);
        pg_copy_text(copy, x->reason == REASON_APPROVED ? approval_of(x, approval) : NULL);
        pg_copy_text(copy, x->reason < 0 || x->reason == REASON_ISSUER_UNAVAILABLE ? link_of(w, card) : NULL);
}

static void add_outcome(struct writer *w, const struct business_withdrawal *x)
{
        struct pg_copy *copy = keyed_row(w, OUTCOME, 7, x);
        char approval[APPROVAL_TEXT];

        pg_copy_int2(copy, x->outcome);
        pg_copy_text(copy, x->outcome == REASON_APPROVED ? approval_of(x, approval) : NULL);
        pg_copy_text(copy, x->timed_out ? NULL : reason_de39((enum reason)x->outcome));
        pg_copy_text(copy, x->timed_out ? "timeout" : "answer");
}

/* What the bank is told, and that it has acknowledged it a second later. */
static void add_notice(struct writer *w, const struct business_withdrawal *x, int16_t seq, const char *kind,
                       int64_t dispensed_yen, const char *why, int64_t moment_ms)
{
        struct pg_copy *copy = keyed_row(w, NOTICE, 10, x);

        pg_copy_int2(copy, seq);
        pg_copy_text(copy, link_of(w, &w->business.card[x->card]));
        pg_copy_text(copy, kind);
        pg_copy_int8(copy, x->amount_yen);
        pg_copy_int8(copy, x->price.customer_fee_yen + x->price.customer_tax_yen);
        pg_copy_int8(copy, dispensed_yen);
        pg_copy_text(copy, why);
        copy = keyed_row(w, ACK, 6, x);
        pg_copy_int2(copy, seq);
        pg_copy_int4(copy, 1);
        pg_copy_int8(copy, moment_ms + 1000);
}

static void add_commission(struct writer *w, const struct business_withdrawal *x, int16_t seq, int sign,
                           int64_t cash_yen)
{
        struct pg_copy *copy = keyed_row(w, COMMISSION, 18, x);

        pg_copy_int2(copy, seq);
        pg_copy_int2(copy, (int16_t)sign);
        pg_copy_text(copy, w->business.hall);
        pg_copy_date(copy, x->business_day);
        pg_copy_text(copy, issuer_of(w, &w->business.card[x->card]));
        pg_copy_text(copy, band_name[x->price.band]);
        pg_copy_date(copy, x->price.tariff_from_day);
        pg_copy_int4(copy, x->price.tax_rate_bp);
        add_fees(copy, &x->price, sign);
        pg_copy_int8(copy, cash_yen);
        pg_copy_date(copy, x->business_day);
}

/* Each advice by the daemon's own table of states. */
static void add_advices(struct writer *w, const struct business_withdrawal *x)
{
        enum withdrawal_state state = WITHDRAWAL_APPROVED;
        int64_t counts_yen = x->amount_yen, counted_yen = 0;

        for (int16_t i = 0; i < x->advices; i++) {
                const struct business_advice *advice = &x->advice[i];
                const struct withdrawal_rule *rule = withdrawal_on_advice(
                    state, withdrawal_relation(state, counts_yen, advice->dispensed_yen));
                int64_t before_yen = counted_yen;
                struct pg_copy *copy = keyed_row(w, ADVICE, 14, x);
                bool whole;

                counted_yen = rule->to == WITHDRAWAL_COMPLETED ? advice->dispensed_yen : 0;
                whole = counted_yen == x->amount_yen;
                pg_copy_int2(copy, (int16_t)(i + 1));
                pg_copy_text(copy, advice->reversal ? "reversal" : "completion");
                pg_copy_timestamptz(copy, advice->advice_ms);
                pg_copy_int4(copy, advice->stan);
                pg_copy_text(copy, advice->reversal ? advice->why : NULL);
                pg_copy_int8(copy, x->amount_yen);
                pg_copy_int8(copy, advice->dispensed_yen);
                pg_copy_text(copy, withdrawal_state_name[state]);
                pg_copy_text(copy, withdrawal_state_name[rule->to]);
                pg_copy_int8(copy, counted_yen);
                pg_copy_int2(copy, (int16_t)rule->commission);
                if (rule->commission || counted_yen != before_yen)
                        add_commission(w, x, (int16_t)(i + 1), rule->commission, counted_yen - before_yen);
                if (x->reason < 0)
                        add_notice(w, x, (int16_t)(i + 1),
                                   rule->to == WITHDRAWAL_REVERSED ? "reversal"
                                   : whole                         ? "completion"
                                                                   : "partial",
                                   counted_yen,
                                   advice->reversal ? advice->why
                                   : whole          ? "00"
                                                    : "32",
                                   advice->advice_ms);
                state = rule->to;
                counts_yen = counted_yen;
        }
}

static bool add_rows(struct writer *w)
{
        for (int table = 0; table < TABLES; table++)
                pg_copy_begin(&w->copy[table]);
        if (!add_cards(w))
                return false;
        for (size_t i = 0; i < w->business.withdrawals; i++) {
                const struct business_withdrawal *x = &w->business.withdrawal[i];

                add_withdrawal(w, x);
                if (x->reason < 0)
                        add_outcome(w, x);
                if (x->timed_out)
                        add_notice(w, x, 0, "reversal", 0, "68", x->transmitted_ms);
                add_advices(w, x);
        }
        return true;
}

/* a piece ----------------------------------------------------------------------------------------------------- */

static bool send_rows(struct writer *w, char error[PG_ERROR_MAX])
{
        for (int table = 0; table < TABLES; table++) {
                if (!pg_copy_send(&w->copy[table], w->connection, copy_sql[table])) {
                        const char *why = PQerrorMessage(w->connection);

                        snprintf(error, PG_ERROR_MAX, "%s: %.*s", w->business.terminal,
                                 (int)strcspn(*why ? why : "out of memory", "\n"),
                                 *why ? why : "out of memory");
                        return false;
                }
        }
        return true;
}

/* What is summed up already is to be summed up anew. Last, so that pieces wait for each other for a moment only. */
static bool forget_sums(const struct writer *w, char error[PG_ERROR_MAX])
{
        char from[11], to[11];
        const char *parameters[] = {from, to};

        calendar_print_day(w->job->plan->scenario->from_day, from);
        calendar_print_day(w->job->plan->scenario->to_day, to);
        return pg_execute(w->connection, "LOCK TABLE books IN ROW SHARE MODE", 0, NULL, error) &&
               pg_execute(w->connection,
                          "SELECT summary_forget($1::date, $2::date) FROM books WHERE summed_through >= $1",
                          LENGTH(parameters), parameters, error);
}

static bool write_piece(struct writer *w, int64_t index, struct generation_total *ret_piece,
                        char error[PG_ERROR_MAX])
{
        char chunk[24], withdrawals[24], why[SCENARIO_ERROR_MAX];
        const char *parameters[] = {w->job->scenario, chunk, withdrawals};

        if (!business_make(w->job->plan, w->job->terminal[index], index, &w->business, why)) {
                snprintf(error, PG_ERROR_MAX, "%s", why);
                return false;
        }
        if (!add_rows(w)) {
                snprintf(error, PG_ERROR_MAX, "out of memory");
                return false;
        }
        snprintf(chunk, sizeof(chunk), "%" PRId64, index);
        snprintf(withdrawals, sizeof(withdrawals), "%zu", w->business.withdrawals);
        *ret_piece = (struct generation_total){1, (int64_t)w->business.withdrawals, 0};
        for (int table = 0; table < TABLES; table++)
                ret_piece->rows += (int64_t)w->copy[table].rows;
        /* A piece that a crash takes away is made again: nobody was told of it. */
        return pg_execute(w->connection, "BEGIN; SET LOCAL synchronous_commit = off", 0, NULL, error) &&
               send_rows(w, error) &&
               pg_execute(w->connection, "INSERT INTO history_chunk VALUES ($1, $2::integer, $3::bigint)", 3,
                          parameters, error) &&
               forget_sums(w, error) && pg_execute(w->connection, "COMMIT", 0, NULL, error);
}

/* processes ----------------------------------------------------------------------------------------------------- */

/* What a process says to the parent: a piece, or why it has failed. */
struct message {
        struct generation_total piece;
        char error[PG_ERROR_MAX];
};
_Static_assert(sizeof(struct message) <= PIPE_BUF, "messages of several processes come whole");

/* One piece after the other, each the next that nobody has taken. */
static bool write_pieces(struct writer *w, int64_t *next, int pipe_end, struct message *message)
{
        if (!pg_execute(w->connection, "SELECT pg_advisory_lock_shared(" GENERATION_LOCK ")", 0, NULL,
                        message->error))
                return false;
        for (;;) {
                int64_t i = __atomic_fetch_add(next, 1, __ATOMIC_RELAXED);

                if (i >= w->job->plan->atms)
                        return true;
                if (w->job->is_done[i])
                        continue;
                if (!write_piece(w, i, &message->piece, message->error) ||
                    write(pipe_end, message, sizeof(*message)) != (ssize_t)sizeof(*message))
                        return false;
        }
}

static bool run_writer(const struct generation_job *job, int64_t *next, int pipe_end)
{
        struct writer w = {.job = job, .connection = job->connect(job->context)};
        struct message message = {.error = ""};
        bool good = w.connection && write_pieces(&w, next, pipe_end, &message);

        if (*message.error) {
                message.piece = (struct generation_total){0};
                good = write(pipe_end, &message, sizeof(message)) == (ssize_t)sizeof(message) && good;
        }
        PQfinish(w.connection);
        business_free(&w.business);
        for (int table = 0; table < TABLES; table++)
                pg_copy_free(&w.copy[table]);
        return good;
}

static pid_t start_writer(const struct generation_job *job, int64_t *next, const int pipe_ends[2],
                          char error[PG_ERROR_MAX])
{
        pid_t pid = fork();

        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL); /* who counts and who writes end together */
                close(pipe_ends[0]);
                _exit(run_writer(job, next, pipe_ends[1]) ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        if (pid < 0)
                snprintf(error, PG_ERROR_MAX, "no process could be started: %s", strerror(errno));
        return pid;
}

static void count_pieces(const struct generation_job *job, int pipe_end, struct generation_total *total,
                         char error[PG_ERROR_MAX])
{
        struct message message;

        while (read(pipe_end, &message, sizeof(message)) == (ssize_t)sizeof(message)) {
                if (*message.error && !*error)
                        memcpy(error, message.error, sizeof(message.error));
                total->pieces += message.piece.pieces;
                total->withdrawals += message.piece.withdrawals;
                total->rows += message.piece.rows;
                if (job->on_piece)
                        job->on_piece(total, job->context);
        }
}

bool generation_write(const struct generation_job *job, int processes, struct generation_total *ret_total,
                      char error[PG_ERROR_MAX])
{
        pid_t pid[PROCESSES_MAX];
        int pipe_ends[2], started = 0, status;
        int64_t *next = mmap(NULL, sizeof(*next), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        bool good;

        *error = '\0';
        *ret_total = (struct generation_total){0};
        if (processes > PROCESSES_MAX)
                processes = PROCESSES_MAX;
        if (next == MAP_FAILED || pipe(pipe_ends) != 0) {
                snprintf(error, PG_ERROR_MAX, "no memory or pipe to share with other processes: %s",
                         strerror(errno));
                return false;
        }
        fflush(NULL);
        while (started < processes && (pid[started] = start_writer(job, next, pipe_ends, error)) > 0)
                started++;
        good = started == processes;
        close(pipe_ends[1]);
        count_pieces(job, pipe_ends[0], ret_total, error);
        close(pipe_ends[0]);
        for (int i = 0; i < started; i++)
                good = waitpid(pid[i], &status, 0) == pid[i] && WIFEXITED(status) &&
                       WEXITSTATUS(status) == EXIT_SUCCESS && good;
        munmap(next, sizeof(*next));
        return good;
}
