#include "backoffice/audit/stands.h"

#include <stdlib.h>

static int by_terminal(const void *a, const void *b)
{
        const struct stand *p = a, *q = b;

        return (p->terminal > q->terminal) - (p->terminal < q->terminal);
}

bool stands_open(struct stands *stands, struct copy_source *source)
{
        struct copy_out copy;

        *stands = (struct stands){.count = 0};
        if (!copy_out_begin(&copy, source, "SELECT terminal, hall, from_on, until_on FROM contract"))
                return false;
        while (copy_out_row(&copy)) {
                struct stand stand = {.terminal = copy_name(&copy)};

                stand.hall = copy_name(&copy);
                stand.from_day = copy_day(&copy);
                stand.until_day = copy_day(&copy);
                if (stand.until_day == COPY_NO_DAY)
                        stand.until_day = INT32_MAX;
                if (copy_room(&copy, &stands->stand, stands->count, sizeof(stand)))
                        stands->stand[stands->count++] = stand;
        }
        if (stands->count)
                qsort(stands->stand, stands->count, sizeof(*stands->stand), by_terminal);
        return copy_out_end(&copy);
}

void stands_close(struct stands *stands)
{
        free(stands->stand);
        *stands = (struct stands){.count = 0};
}

uint32_t stands_contradict(const struct stands *stands, uint32_t terminal, uint32_t hall, int32_t day)
{
        size_t low = 0,
               high = stands->count; /* the first of the terminal, if it has any, is in [low, high] */
        uint32_t other = NAME_NONE;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (stands->stand[middle].terminal < terminal)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (; low < stands->count && stands->stand[low].terminal == terminal; low++) {
                const struct stand *stand = &stands->stand[low];

                if (day < stand->from_day - 1 || day > stand->until_day)
                        continue;
                if (stand->hall == hall)
                        return NAME_NONE;
                if (day >= stand->from_day && day < stand->until_day)
                        other = stand->hall;
        }
        return other;
}
