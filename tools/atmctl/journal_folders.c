/* Folders of journals. */
#include "tools/atmctl/journal_folders.h"

#include <stdlib.h>
#include <unistd.h>

#include "backoffice/journals/journal.h"

enum { VARIABLES_MAX = 4 };

size_t journal_folders_of(const struct invocation *invocation, const char *option, const char *variable,
                          const char *const **ret_folders)
{
        /* one place a variable, since the caller keeps the pointer */
        static const char *one[VARIABLES_MAX];
        static size_t used;
        size_t count = invocation_values(invocation, option, ret_folders);
        const char *value = getenv(variable);

        if (count || !value || !*value)
                return count;
        one[used % VARIABLES_MAX] = value;
        *ret_folders = &one[used++ % VARIABLES_MAX];
        return 1;
}

bool journal_folders_have_atms(const struct invocation *invocation)
{
        const char *const *folders;

        return journal_folders_of(invocation, "atm-journals", "ATM_JOURNAL", &folders) > 0;
}

static bool read_folder(const struct invocation *invocation, struct history *history, const char *folder)
{
        char error[JOURNAL_ERROR_MAX];
        int lock;
        bool done;

        if (access(folder, F_OK) != 0) {
                complain("%s: %s: there is no such folder", invocation_name(invocation), folder);
                return false;
        }
        lock = journal_lock(folder, false, error);
        if (lock < 0) {
                complain("%s: %s", invocation_name(invocation), error);
                return false;
        }
        progress("the ATMs' journals: %s", folder);
        done = history_read(history, folder);
        close(lock);
        if (!done)
                complain("%s: %s", invocation_name(invocation), history->error);
        return done;
}

bool journal_folders_read_atms(const struct invocation *invocation, struct history *history)
{
        const char *const *folders;
        size_t count = journal_folders_of(invocation, "atm-journals", "ATM_JOURNAL", &folders);

        for (size_t i = 0; i < count; i++) {
                if (!read_folder(invocation, history, folders[i]))
                        return false;
        }
        history_sort(history);
        if (history->error[0])
                complain("%s: %s", invocation_name(invocation), history->error);
        return !history->error[0];
}
