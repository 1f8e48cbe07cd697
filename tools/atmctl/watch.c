/* Rounds of a command: see watch.h. */
#include "tools/atmctl/watch.h"

#include <inttypes.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "rules/calendar.h"
#include "tools/atmctl/output/output.h"
#include "tools/atmctl/output/terminal.h"

enum { HEADING_MAX = 160 };

static void head_frame(const struct invocation *invocation, int64_t every_s)
{
        static char heading[HEADING_MAX];
        char now[26];

        calendar_print_moment(real_now_ms(), now);
        snprintf(heading, sizeof(heading), "%s  atmctl %s, every %" PRId64 " s; ^C ends it", now,
                 invocation_name(invocation), every_s);
        terminal_begin_frames(heading);
}

int watch(const struct invocation *invocation)
{
        int64_t every_s = invocation_number(invocation, "watch", 0);
        bool frames = terminal_is_there() && !output_path(invocation);

        for (bool first = true;; first = false) {
                int exit_code;

                if (frames)
                        head_frame(invocation, every_s);
                exit_code = invocation->command->run(invocation);
                if (first && exit_code != EXIT_DONE)
                        return exit_code;
                sleep((unsigned)every_s);
        }
}
