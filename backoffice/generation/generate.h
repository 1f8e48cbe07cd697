/*
 * A fiscal year and more of business that never was, written straight into the database by the daemon's own
 * rules, so that reports have something to report.
 *
 *      scenario, scale, seed --check--> history_run --pieces, any number of times--> all there --summaries--> finished
 *
 * A run that is broken off goes on where it stopped. A database holds one scenario at one scale and seed, and
 * nothing else in its period.
 */
#ifndef BACKOFFICE_GENERATION_GENERATE_H
#define BACKOFFICE_GENERATION_GENERATE_H

#include "backoffice/generation/enter.h"
#include "backoffice/generation/write.h"

/* The steps in which time passes. */
enum generation_step { GENERATION_WAITS, GENERATION_WRITES, GENERATION_ANALYZES, GENERATION_SUMS };

struct generation_progress {
        enum generation_step step;
        int64_t atms, atms_done; /* WRITES */
        struct generation_total total;
        const char *summed; /* SUMS: "2017-02", or a day of it */
};

struct generation_question {
        const char *scenario_path;
        const char *
            scale; /* "0.01": one ATM of a hundred; canonical, for it is compared with that of a run before */
        int64_t seed;
        int processes;
        /* A connection as the tables' owner, whose changes bear the name of whoever asks; several, also in processes of
         * their own. NULL after it was said why. */
        PGconn *(*connect)(void *context);
        generation_check *check;
        void (*on_progress)(const struct generation_progress *progress, void *context);
        void *context;
};

struct generation_answer {
        char scenario[SCENARIO_NAME_MAX];
        int64_t atms, atms_whole;
        struct generation_total total; /* that were written now */
        int64_t written_ms;
        PGresult *quarters; /* a row each: quarter, withdrawals, commission, base fees; PQclear */
};

enum generation_end {
        GENERATION_DONE,
        GENERATION_REFUSED, /* nothing was written */
        GENERATION_BROKEN,  /* what is there stays; the same question goes on with the rest */
};

/* Unless it is DONE with an error, "" where whoever connects has said it. */
ATM_MUST_USE enum generation_end generate(const struct generation_question *question,
                                          struct generation_answer *ret_answer, char error[PG_ERROR_MAX]);

/* What was written into this database: scenario, seed, scale, from, to, atms, atms_whole, atms_written, withdrawals, finished,
 * digest; a row a scenario. NULL with an error. */
ATM_MUST_USE PGresult *generation_written(PGconn *connection, char error[PG_ERROR_MAX]);

/* "0.01" to the ATMs of a fleet: rounded, at least one. */
int64_t generation_scaled_fleet(const char *scale, int64_t fleet);

#endif
