/* Folders of journals. */
#include "tools/atmctl/journal_folders.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/plural.h"
#include "lib/cli/say.h"

enum { VARIABLES_MAX = 4 };

static struct journal_folders folders_of(const struct invocation *invocation, const char *option,
                                         const char *variable)
{
        /* one place a variable, since the caller keeps the pointer */
        static const char *one[VARIABLES_MAX];
        static size_t used;
        struct journal_folders folders;
        const char *value = getenv(variable);

        folders.count = invocation_values(invocation, option, &folders.folder);
        if (folders.count || !value || !*value)
                return folders;
        one[used % VARIABLES_MAX] = value;
        return (struct journal_folders){&one[used++ % VARIABLES_MAX], 1};
}

struct journal_folders journal_folders_of_atms(const struct invocation *invocation)
{
        return folders_of(invocation, "atm-journals", "ATM_JOURNAL");
}

struct journal_folders journal_folders_of_banks(const struct invocation *invocation)
{
        return folders_of(invocation, "bank-journals", "BANKSIM_JOURNALS");
}

int journal_folders_demand_atms(const struct invocation *invocation)
{
        if (journal_folders_of_atms(invocation).count)
                return EXIT_DONE;
        return usage_error(
            invocation->command,
            "--atm-journals is missing: expected the folders of the ATMs' journals, or the variable "
            "ATM_JOURNAL");
}

void journal_folders_on_withdrawals(uint64_t withdrawals, void *context)
{
        char count[PLURAL_MAX];

        (void)context;
        progress("compared: %s", plural_count(withdrawals, "withdrawal", count));
}
