#include "backoffice/audit/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backoffice/audit/snapshot.h"
#include "backoffice/audit/verify_entries.h"
#include "backoffice/audit/verify_history.h"
#include "config/reference_load.h"
#include "rules/calendar.h"

enum {
        QUARTERS_MAX = 400,
        WITHDRAWAL_ROW_SIZE = 160, /* at least, on disk */
        MEMORY_SHARE = 4,
};

struct quarter {
        int32_t from_day, to_day;
        int64_t withdrawals; /* about, and rather too many */
};

struct verification {
        const struct verify_question *question;
        PGconn *connection;
        struct names names;
        struct copy_source source;
        struct findings *findings;
        struct books books;
        struct verify_history history;
        struct reference *reference;
        struct snapshot snapshot;
        struct quarter quarter[QUARTERS_MAX];
        size_t quarters;
        struct verify_progress progress;
        char *error;
};

/* what there is ---------------------------------------------------------------------------------------- */

/* The quarters that there are partitions for, as ranges that follow each other and leave nothing out. */
static bool list_quarters(struct verification *v)
{
        PGresult *result = pg_query(
            v->connection,
            "SELECT to_char(from_on, 'YYYY-MM-DD'), coalesce(pg_relation_size(to_regclass('withdrawal_' || "
            "to_char(from_on, 'YYYY\"q\"Q'))), 0) FROM ledger_partition ORDER BY from_on",
            0, NULL, v->error);
        int count = result ? PQntuples(result) : 0;
        bool listed = result != NULL;

        if (count > QUARTERS_MAX) {
                snprintf(v->error, PG_ERROR_MAX, "%d quarters; at most %d are expected", count, QUARTERS_MAX);
                listed = false;
        }
        v->quarters = 1;
        v->quarter[0] = (struct quarter){INT32_MIN, INT32_MAX, 0};
        for (int i = 0; listed && i < count; i++) {
                struct quarter *quarter = &v->quarter[i];
                int32_t from_day;

                listed = calendar_parse_day(PQgetvalue(result, i, 0), &from_day);
                if (!listed)
                        snprintf(v->error, PG_ERROR_MAX, "ledger_partition has no day '%s'",
                                 PQgetvalue(result, i, 0));
                *quarter =
                    (struct quarter){from_day, INT32_MAX, pg_number(result, i, 1) / WITHDRAWAL_ROW_SIZE};
                if (i)
                        quarter[-1].to_day = from_day;
                else
                        quarter->from_day = INT32_MIN;
                v->quarters = (size_t)i + 1;
        }
        PQclear(result);
        return listed;
}

/* What the server guesses, or, where it has never looked, what the size says. */
static bool guess_rows(struct verification *v)
{
        PGresult *result =
            pg_query(v->connection,
                     "SELECT coalesce(sum(CASE WHEN c.reltuples > 0 THEN c.reltuples ELSE "
                     "pg_relation_size(c.oid) / 110 END), "
                     "0)::bigint FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid "
                     "WHERE coalesce(i.inhparent, c.oid) = ANY (ARRAY['withdrawal', 'bank_outcome', "
                     "'advice', 'commission', "
                     "'bank_notice', 'bank_ack', "
                     "'summary', 'card']"
                     "::regclass[]) AND c.relkind = 'r'",
                     0, NULL, v->error);

        if (!result)
                return false;
        v->progress.rows_about = pg_number(result, 0, 0);
        PQclear(result);
        return true;
}

/* the reading ------------------------------------------------------------------------------------------ */

static void on_rows(uint64_t rows, void *context)
{
        struct verification *v = context;

        v->progress.rows = rows;
        if (v->question->on_progress)
                v->question->on_progress(&v->progress, v->question->context);
}

static int parts_of(const struct verification *v, const struct quarter *quarter)
{
        int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / MEMORY_SHARE;

        return v->question->parts ? v->question->parts
                                  : (int)(1 + quarter->withdrawals * HISTORY_WITHDRAWAL_SIZE / memory);
}

static bool verify_quarter(struct verification *v, const struct quarter *quarter)
{
        struct history_piece piece = {.from = "-infinity", .to = "infinity", .parts = parts_of(v, quarter)};

        if (quarter->from_day != INT32_MIN) {
                calendar_print_day(quarter->from_day, piece.from);
                memcpy(v->progress.from, piece.from, sizeof(v->progress.from));
        }
        if (quarter->to_day != INT32_MAX)
                calendar_print_day(quarter->to_day, piece.to);
        books_quarter_begin(&v->books, quarter->from_day, quarter->to_day);
        for (piece.part = 0; piece.part < piece.parts; piece.part++) {
                if (!verify_history_piece(&v->history, &piece))
                        return false;
        }
        return books_quarter_end(&v->books);
}

/* The copy of the reference data that atmd decides from, beside their tables: a trigger that was passed by would part them. */
static bool compare_reference_copy(struct verification *v)
{
        static const char sql[] = "SELECT section, cell::text, 'table' FROM (SELECT * FROM "
                                  "reference_snapshot(0) EXCEPT SELECT * FROM reference_current(0)) a "
                                  "UNION ALL "
                                  "SELECT section, cell::text, 'copy' FROM (SELECT * FROM "
                                  "reference_current(0) EXCEPT SELECT * FROM reference_snapshot(0)) b";
        PGresult *result = pg_query(v->connection, sql, 0, NULL, v->error);
        bool done = result != NULL;

        for (int row = 0; row < PQntuples(result); row++) {
                bool copied = !strcmp(PQgetvalue(result, row, 2), "copy");
                struct fact key, is, none;

                fact_begin(&key, FACT_COPY_KEY);
                fact_text(&key, PQgetvalue(result, row, 0));
                fact_text(&key, PQgetvalue(result, row, 1));
                fact_begin(&is, FACT_COPIED);
                fact_begin(&none, FACT_NONE);
                findings_add(v->findings, CHECK_REFERENCE, &key, copied ? &none : &is, copied ? &is : &none);
        }
        PQclear(result);
        return done;
}

static bool verify_snapshot(struct verification *v)
{
        v->source = (struct copy_source){.server = &copy_connection,
                                         .from = v->connection,
                                         .names = &v->names,
                                         .error = v->error,
                                         .on_rows = on_rows,
                                         .context = v};
        if (!snapshot_begin(v->connection, &v->snapshot, v->error) ||
            !pg_execute(v->connection, "SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0",
                        0, NULL, v->error) ||
            !reference_read(v->connection, &v->reference, v->error) || !compare_reference_copy(v) ||
            !list_quarters(v) || !guess_rows(v))
                return false;
        if (!books_open(&v->books, &v->source, v->findings))
                return false;
        v->history = (struct verify_history){.source = &v->source,
                                             .names = &v->names,
                                             .findings = v->findings,
                                             .books = &v->books,
                                             .reference = v->reference};
        if (!verify_history_open(&v->history))
                return false;
        for (size_t i = 0; i < v->quarters; i++) {
                if (!verify_quarter(v, &v->quarter[i]))
                        return false;
        }
        verify_history_end(&v->history);
        if (!books_end(&v->books) || !verify_entries(&v->source, v->findings) || v->findings->failed)
                return false;
        findings_sort(v->findings);
        return snapshot_end(&v->snapshot, v->error);
}

bool verify(PGconn *connection, const struct verify_question *question, struct findings *ret_findings,
            char error[PG_ERROR_MAX])
{
        struct verification *v = calloc(1, sizeof(*v));
        bool verified = false;

        *error = '\0';
        *ret_findings = (struct findings){.count = 0};
        if (v && names_open(&v->names)) {
                v->question = question;
                v->connection = connection;
                v->findings = ret_findings;
                v->error = error;
                verified = verify_snapshot(v);
        }
        if (!verified && !*error)
                snprintf(error, PG_ERROR_MAX, "out of memory");
        if (v) {
                verify_history_close(&v->history);
                books_close(&v->books);
                reference_free(v->reference);
                names_close(&v->names);
        }
        free(v);
        return verified;
}
