/*
 * What a report is read from: the summary (sql/005_finance.sql, 015_reports.sql) where it has whole months, the rows for
 * all other days; in one snapshot for all its queries.
 */
#ifndef BACKOFFICE_BOOKS_SUMMARY_H
#define BACKOFFICE_BOOKS_SUMMARY_H

#include <stdint.h>

#include "lib/db/pg_query.h"

/*
 * Let the summary hold every month that is past, as far as it can be. A little for each month that is new or was posted to,
 * next to nothing where none is. False with the reason in error: somebody is in the way, or it may not be written; the
 * report is read from the rows instead, and takes longer. on_month: after each month, "2016-12"; NULL: nobody wants it.
 */
ATM_MUST_USE bool summary_refresh(PGconn *connection, int32_t today,
                                  void (*on_month)(const char *month, void *context), void *context,
                                  char error[PG_ERROR_MAX]);

/* One snapshot from here until the connection is closed. False with an error. */
ATM_MUST_USE bool summary_snapshot(PGconn *connection, char error[PG_ERROR_MAX]);

/*
 * Where the days of a report are: as parameters of the functions cube_... (sql/015_reports.sql), arrays of
 * dates. months: from the summary; days: from the rows. Of a snapshot.
 */
struct summary_parts {
        const char *months, *days;
        PGresult *result; /* holds them; to be cleared */
};

/* Without the summary all days are from the rows. False with an error. */
ATM_MUST_USE bool summary_parts_of(PGconn *connection, const char *first, const char *last, bool with_summary,
                                   struct summary_parts *ret_parts, char error[PG_ERROR_MAX]);

/* History that was generated, which every report says. */
struct generated {
        const char *scenario, *scale, *atms, *atms_whole; /* as they are read: "1,066" */
        bool finished;
};
enum { GENERATED_MAX = 8 };
struct generated_list {
        struct generated run[GENERATED_MAX];
        size_t runs;
        PGresult *result; /* holds them; to be cleared */
};
ATM_MUST_USE bool generated_load(PGconn *connection, struct generated_list *ret_list,
                                 char error[PG_ERROR_MAX]);

#endif
