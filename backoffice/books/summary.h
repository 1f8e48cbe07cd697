/*
 * What a report is read from: the sums of months and days (sql/021_days.sql, 081_reports.sql), and the rows of what is in none; in
 * one snapshot for all its queries.
 */
#ifndef BACKOFFICE_BOOKS_SUMMARY_H
#define BACKOFFICE_BOOKS_SUMMARY_H

#include <stdint.h>

#include "lib/db/pg_query.h"

/*
 * Let every day that is past have its sums. A little for each day that is new, next to nothing where none is. False with the
 * reason in error: somebody is in the way, or it may not be written; the report is read from the rows instead, and takes
 * longer. on_step: after each step, what has its sums now, "2016-12", "2016-12-28" or "posts"; NULL: nobody wants it.
 */
ATM_MUST_USE bool summary_refresh(PGconn *connection, int32_t today,
                                  void (*on_step)(const char *what, void *context), void *context,
                                  char error[PG_ERROR_MAX]);

/* The same with every day up to one. */
ATM_MUST_USE bool summary_extend(PGconn *connection, int32_t day_last,
                                 void (*on_step)(const char *what, void *context), void *context,
                                 char error[PG_ERROR_MAX]);

/* One snapshot from here until the connection is closed. False with an error. */
ATM_MUST_USE bool summary_snapshot(PGconn *connection, char error[PG_ERROR_MAX]);

/* What a report wants of the summary. */
enum summary_use {
        SUMMARY_OF_DAYS,
        SUMMARY_OF_HOURS, /* hours by ATM: a month that is summed up has them, its days no longer */
        SUMMARY_UNUSED,   /* all days are read from their rows */
};

/*
 * Where the days of a report are: as parameters of the functions cube_... (sql/081_reports.sql), arrays of
 * dates. months, days: from the sums of; rows: from the rows of these days. Of a snapshot.
 */
struct summary_parts {
        const char *months, *days, *rows;
        PGresult *result; /* holds them; to be cleared */
};

/* False with an error. */
ATM_MUST_USE bool summary_parts_of(PGconn *connection, const char *first, const char *last,
                                   enum summary_use use, struct summary_parts *ret_parts,
                                   char error[PG_ERROR_MAX]);

#endif
