#include "backoffice/audit/places.h"

#include <stdlib.h>

static int by_hall(const void *a, const void *b)
{
        const struct place *p = a, *q = b;

        if (p->hall != q->hall)
                return p->hall < q->hall ? -1 : 1;
        return (p->from_day > q->from_day) - (p->from_day < q->from_day);
}

bool places_open(struct places *places, struct copy_source *source)
{
        struct copy_out copy;

        *places = (struct places){.count = 0};
        if (!copy_out_begin(
                &copy, source,
                "SELECT hall, from_on, CASE WHEN share_known THEN share_bp ELSE -1 END FROM hall_place"))
                return false;
        while (copy_out_row(&copy)) {
                struct place place = {.hall = copy_name(&copy)};

                place.from_day = copy_day(&copy);
                place.share_bp = copy_int4(&copy, -1);
                if (copy_room(&copy, &places->place, places->count, sizeof(place)))
                        places->place[places->count++] = place;
        }
        if (places->count)
                qsort(places->place, places->count, sizeof(*places->place), by_hall);
        return copy_out_end(&copy);
}

void places_close(struct places *places)
{
        free(places->place);
        *places = (struct places){.count = 0};
}

const struct place *places_find(const struct places *places, uint32_t hall, int32_t day)
{
        const struct place key = {.hall = hall, .from_day = day};
        size_t low = 0,
               high = places->count; /* below low they are not after the key, from high on they are */

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (by_hall(&places->place[middle], &key) <= 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low > 0 && places->place[low - 1].hall == hall ? &places->place[low - 1] : NULL;
}

bool places_moved(const struct places *places, uint32_t hall)
{
        const struct place *last = places_find(places, hall, INT32_MAX);

        return last && last > places->place && last[-1].hall == hall;
}
