/* Figures: see figure.h. */
#include "backoffice/books/figure.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/number.h"

enum { TENTHS = 10, PERCENT_TENTHS = 1000, WHOLE_BP = 10000 };

const struct figure figure_missing = {0, false};

struct figure figure_known(int64_t value)
{
        return (struct figure){value, true};
}

struct figure figure_add(struct figure a, struct figure b)
{
        int64_t sum;

        if (!a.known || !b.known)
                return figure_missing;
        if (__builtin_add_overflow(a.value, b.value, &sum))
                assert(!"money overflows");
        return figure_known(sum);
}

struct figure figure_subtract(struct figure a, struct figure b)
{
        int64_t difference;

        if (!a.known || !b.known)
                return figure_missing;
        if (__builtin_sub_overflow(a.value, b.value, &difference))
                assert(!"money overflows");
        return figure_known(difference);
}

struct figure figure_scale(struct figure a, int64_t factor, int64_t divisor)
{
        __int128 product, half;

        if (!a.known || !divisor)
                return figure_missing;
        product = (__int128)a.value * factor;
        half = (divisor < 0 ? -(__int128)divisor : divisor) / 2;
        product +=
            (product < 0) == (divisor < 0) ? (divisor < 0 ? -half : half) : (divisor < 0 ? half : -half);
        product /= divisor;
        assert(product >= INT64_MIN && product <= INT64_MAX);
        return figure_known((int64_t)product);
}

static struct figure quotient(struct figure a, int64_t factor, struct figure b)
{
        return b.known && b.value > 0 ? figure_scale(a, factor, b.value) : figure_missing;
}

struct figure figure_ratio(struct figure a, struct figure b)
{
        return quotient(a, TENTHS, b);
}

struct figure figure_share(struct figure a, struct figure b)
{
        return quotient(a, PERCENT_TENTHS, b);
}

struct figure figure_change(struct figure now, struct figure before)
{
        return quotient(figure_subtract(now, before), PERCENT_TENTHS, before);
}

struct figure figure_part(struct figure a, struct figure rate_bp)
{
        __int128 product;

        if (!a.known || !rate_bp.known)
                return figure_missing;
        product = (__int128)a.value * rate_bp.value;
        return figure_known((int64_t)(product / WHOLE_BP -
                                      (product % WHOLE_BP < 0))); /* C's quotient is the one towards zero */
}

const char *figure_print(struct figure figure, char buffer[FIGURE_TEXT_MAX])
{
        if (!figure.known)
                return NULL;
        snprintf(buffer, FIGURE_TEXT_MAX, "%" PRId64, figure.value);
        return buffer;
}

const char *figure_print_tenths(struct figure tenths, char buffer[FIGURE_TEXT_MAX])
{
        uint64_t magnitude = tenths.value < 0 ? -(uint64_t)tenths.value : (uint64_t)tenths.value;

        if (!tenths.known)
                return NULL;
        snprintf(buffer, FIGURE_TEXT_MAX, "%s%" PRIu64 ".%u", tenths.value < 0 ? "-" : "", magnitude / TENTHS,
                 (unsigned)(magnitude % TENTHS));
        return buffer;
}

const char *figure_print_rate(struct figure rate_bp, char buffer[FIGURE_TEXT_MAX])
{
        int whole = (int)(rate_bp.value / 100), part = (int)(rate_bp.value % 100);

        if (!rate_bp.known)
                return NULL;
        if (part % 10)
                snprintf(buffer, FIGURE_TEXT_MAX, "%d.%02d %%", whole, part);
        else if (part)
                snprintf(buffer, FIGURE_TEXT_MAX, "%d.%d %%", whole, part / 10);
        else
                snprintf(buffer, FIGURE_TEXT_MAX, "%d %%", whole);
        return buffer;
}

struct figure figure_read(const char *text)
{
        return text ? figure_known(number_known(text)) : figure_missing;
}
