/* The module's memory: see hardening.h. */
#include "keymodule/hardening.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/base/log.h"
#include "lib/base/process.h"

static void raise_lock_limit(void)
{
        struct rlimit limit;
        if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_MEMLOCK, &limit);
        }
}

bool hardening_apply(char *error, size_t size)
{
        /* first, for /proc/self is root's once nothing may look in */
        if (!process_forbid_cores())
                log_event(LEVEL_WARNING, "coredump_filter",
                          LOG_TEXT("help", "only files of cores are forbidden"));
        if (prctl(PR_SET_DUMPABLE, 0) < 0) {
                snprintf(error, size, "the process can't be made undumpable: %s", strerror(errno));
                return false;
        }
        raise_lock_limit();
        if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0)
                return true;
        snprintf(error, size,
                 "the memory can't be locked: %s; expected a limit that is high enough "
                 "(LimitMEMLOCK=infinity, ulimit -l)",
                 strerror(errno));
        return false;
}
