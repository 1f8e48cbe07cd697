/*
 * Requests that are refused (58) since their DE 7 is too far from business time. One ATM's clock may be wrong; where those of most that
 * ask are, the wrong clock is rather this machine's and the database's, which clock_watch.h can't see.
 *
 *      RIGHT --most of the minute's requests, of several ATMs--> OFF --a minute in which they are not--> RIGHT
 */
#ifndef DAEMON_ATM_CLOCKS_H
#define DAEMON_ATM_CLOCKS_H

#include <stdbool.h>
#include <stdint.h>

enum { ATM_CLOCKS_SPAN_MS = 60000, ATM_CLOCKS_LEAST = 3 };

struct atm_clocks {
        int64_t since_ms; /* steady: what is counted */
        int64_t asked, refused;
        int64_t least_ms, most_ms; /* those that were refused are ahead by */
        char terminal[16];         /* one of them */
        bool several, are_off;
};

/* A request was decided, of an ATM whose clock is so far ahead of business time. Logs where they are found to be off. */
void atm_clocks_note(struct atm_clocks *clocks, const char *terminal, int64_t ahead_ms, bool refused);
/* Every now and then. Logs where they are right again. */
void atm_clocks_look(struct atm_clocks *clocks, int64_t now_ms);

#endif
