/*
 * The summary (sql/005_finance.sql, 008_reports.sql) before a report reads it, what a report says about the
 * database that it was made from, and one snapshot for all its queries.
 */
#ifndef ATMCTL_REPORT_SUMMARY_H
#define ATMCTL_REPORT_SUMMARY_H

#include "tools/atmctl/database.h"
#include "tools/atmctl/output/output.h"
#include "tools/atmctl/report_period.h"

/*
 * Let the summary hold every month that is past, as far as it can be: where somebody is in the way or it may
 * not be written, the report is read from the rows instead, and takes longer. A little for each month that
 * is new or was posted to, next to nothing where none is.
 */
void report_summary_refresh(struct database *database, int32_t today);

/* One snapshot from here until the connection is closed. False after a complaint. */
ATM_MUST_USE bool report_snapshot(struct database *database);

/*
 * Where the days of a report are: as parameters of the functions cube_... (sql/008_reports.sql), arrays of
 * dates. months: from the summary; days: from the rows. Of a snapshot.
 */
struct report_parts {
        const char *months, *days;
        PGresult *result; /* holds them; to be cleared */
};

/* Without the summary all days are from the rows. False after a complaint. */
ATM_MUST_USE bool report_parts_of(struct database *database, const char *first, const char *last,
                                  bool with_summary, struct report_parts *ret_parts);

/* What is said of generated history; "" where there is none. False after a complaint. */
ATM_MUST_USE bool report_history_text(struct database *database, bool japanese, char *buffer, size_t size);

/* What a document is called, and of when it is; nothing in the other forms. */
void report_head(struct output *output, const char *english, const char *japanese, const char *label);

/* What every report says beside its rows: that the period is not over, that the history was generated. To be
 * called before `output` is closed. False after a complaint. */
ATM_MUST_USE bool report_notes(struct database *database, const struct invocation *invocation,
                               struct output *output, const struct report_period *period, int32_t today);

#endif
