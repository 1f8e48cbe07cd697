/* DE 54: see balances.h. */
#include "protocol/balances.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/profile.h"

enum { GROUP = 20, SIGN_AT = 7, GROUPS_MAX = 6, LEDGER = 1, AVAILABLE = 2 };

void balances_set(struct iso_message *message, int account_type, int64_t balance_yen)
{
        static const int types[] = {AVAILABLE, LEDGER};
        char sign = balance_yen < 0 ? 'D' : 'C', text[128];
        size_t length = 0;
        if (balance_yen > BALANCE_MAX_YEN || balance_yen < -BALANCE_MAX_YEN)
                balance_yen = BALANCE_MAX_YEN;
        if (balance_yen < 0)
                balance_yen = -balance_yen;
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
                length += (size_t)snprintf(text + length, sizeof(text) - length, "%02d%02d%03d%c%012" PRId64,
                                           account_type, types[i], CURRENCY_YEN, sign, balance_yen);
        iso_set(message, 54, text, length);
}

static bool is_group(const char *group)
{
        for (size_t i = 0; i < GROUP; i++)
                if (i == SIGN_AT ? group[i] != 'C' && group[i] != 'D' : group[i] < '0' || group[i] > '9')
                        return false;
        return true;
}

bool balances_are_whole(const struct iso_message *message)
{
        size_t length = 0;
        const char *groups = iso_get(message, 54, &length);
        if (length == 0 || length % GROUP != 0)
                return false;
        for (size_t at = 0; at < length; at += GROUP)
                if (!is_group(groups + at))
                        return false;
        return true;
}

static bool is_main(const char *group)
{
        return group[2] == '0' && (group[3] == '0' + AVAILABLE || group[3] == '0' + LEDGER);
}

void balances_echo(struct iso_message *to, const struct iso_message *from)
{
        char kept[GROUPS_MAX * GROUP];
        size_t length = 0, count = 0;
        const char *groups = iso_get(from, 54, &length);
        if (!groups)
                return;
        if (length <= sizeof(kept)) {
                iso_echo(to, from, 54);
                return;
        }
        for (int main = 1; main >= 0; main--)
                for (size_t at = 0; at + GROUP <= length && count < GROUPS_MAX; at += GROUP)
                        if (is_main(groups + at) == (main == 1))
                                memcpy(kept + GROUP * count++, groups + at, GROUP);
        iso_set(to, 54, kept, GROUP * count);
}
