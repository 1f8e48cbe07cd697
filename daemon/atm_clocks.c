#include "daemon/atm_clocks.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"

static bool are_most(const struct atm_clocks *clocks)
{
        return clocks->several && clocks->refused >= ATM_CLOCKS_LEAST && clocks->refused * 2 > clocks->asked;
}

static void note_refused(struct atm_clocks *clocks, const char *terminal, int64_t ahead_ms)
{
        if (clocks->refused++ == 0) {
                snprintf(clocks->terminal, sizeof(clocks->terminal), "%s", terminal);
                clocks->least_ms = clocks->most_ms = ahead_ms;
        }
        clocks->several |= strcmp(clocks->terminal, terminal) != 0;
        if (ahead_ms < clocks->least_ms)
                clocks->least_ms = ahead_ms;
        if (ahead_ms > clocks->most_ms)
                clocks->most_ms = ahead_ms;
}

void atm_clocks_note(struct atm_clocks *clocks, const char *terminal, int64_t ahead_ms, bool refused)
{
        clocks->asked++;
        if (refused)
                note_refused(clocks, terminal, ahead_ms);
        if (clocks->are_off || !are_most(clocks))
                return;
        clocks->are_off = true;
        log_event(LEVEL_ERROR, "atm_clocks_off", LOG_NUMBER("refused", clocks->refused),
                  LOG_NUMBER("asked", clocks->asked), LOG_TEXT("terminal", clocks->terminal),
                  LOG_NUMBER("ahead_from_s", clocks->least_ms / 1000),
                  LOG_NUMBER("ahead_to_s", clocks->most_ms / 1000),
                  LOG_TEXT("help", "most ATMs are refused for their clocks (58): look after this machine's"));
}

void atm_clocks_look(struct atm_clocks *clocks, int64_t now_ms)
{
        if (now_ms - clocks->since_ms < ATM_CLOCKS_SPAN_MS)
                return;
        if (clocks->are_off && clocks->asked > 0 && !are_most(clocks)) {
                clocks->are_off = false;
                log_event(LEVEL_INFO, "atm_clocks_right", LOG_NUMBER("refused", clocks->refused),
                          LOG_NUMBER("asked", clocks->asked));
        }
        *clocks = (struct atm_clocks){.since_ms = now_ms, .are_off = clocks->are_off};
}
