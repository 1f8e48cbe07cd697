/* A line that tells how far a run is: replaced in place on a terminal, a line a second elsewhere if asked
 * for. */
#ifndef ATMSIM_PROGRESS_H
#define ATMSIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
        bool shows, terminal, dirty;
        int64_t next_us, last_us;
        uint64_t last_ended;
        double per_second;
};

struct progress_line {
        int64_t business_ms;
        int64_t atms, signed_on;
        uint64_t ended, paid, declined, open;
        bool draining;
};

/* forced: also where standard error is no terminal. */
void progress_init(struct progress *progress, bool forced);
bool progress_is_due(const struct progress *progress, int64_t now_us);
void progress_show(struct progress *progress, const struct progress_line *line, int64_t now_us);
/* Make way for another line on standard error. */
void progress_clear(struct progress *progress);

#endif
