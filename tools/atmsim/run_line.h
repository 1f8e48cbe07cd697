/* What the progress of a run says (lib/cli/say.h shows it). */
#ifndef ATMSIM_RUN_LINE_H
#define ATMSIM_RUN_LINE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero at the start. */
struct run_pace {
        int64_t last_us;
        uint64_t last_ended;
        double per_second;
};

struct run_line {
        int64_t business_ms;
        int64_t atms, signed_on;
        uint64_t ended, paid, declined, open;
        bool draining;
};

void run_line_show(struct run_pace *pace, const struct run_line *line, int64_t now_us);

#endif
