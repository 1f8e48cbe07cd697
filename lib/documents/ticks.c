#include "lib/documents/ticks.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int64_t floor_to(int64_t value, int64_t step)
{
        int64_t rest = value % step;

        return value - (rest < 0 ? rest + step : rest);
}

void ticks_choose(int64_t low, int64_t high, unsigned most, int64_t least_step, struct ticks *ret_ticks)
{
        static const int64_t mantissas[] = {1, 2, 5};

        for (int64_t power = 1;; power *= 10) {
                for (size_t i = 0; i < 3; i++) {
                        int64_t step = mantissas[i] * power;
                        int64_t first = floor_to(low, step), last = -floor_to(-high, step);

                        if (step < least_step)
                                continue;
                        if (last == first)
                                last = first + step;
                        if ((last - first) / step + 1 > (int64_t)most)
                                continue;
                        *ret_ticks = (struct ticks){
                            .first = first, .step = step, .count = (unsigned)((last - first) / step) + 1};
                        return;
                }
        }
}

unsigned ticks_decimals(int64_t step, int64_t scale, unsigned most)
{
        unsigned decimals = 0;

        while (decimals < most && step % scale != 0 && scale % 10 == 0) {
                scale /= 10;
                decimals++;
        }
        return decimals;
}

void amount_text(char text[AMOUNT_TEXT_SIZE], int64_t amount, int64_t scale, unsigned decimals,
                 const char *minus)
{
        uint64_t size = amount < 0 ? (uint64_t)-amount : (uint64_t)amount, unit = (uint64_t)scale;
        uint64_t whole = size / unit, power = 1, part;
        char digits[24], *out = text;
        size_t length;

        for (unsigned i = 0; i < decimals; i++)
                power *= 10;
        part = (size % unit * power * 2 + unit) / (unit * 2);
        if (part == power) {
                whole++;
                part = 0;
        }
        if (amount < 0 && (whole || part))
                out += snprintf(out, 5, "%s", minus ? minus : "\u2212");
        length = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)whole);
        for (size_t i = 0; i < length; i++) {
                if (i > 0 && (length - i) % 3 == 0)
                        *out++ = ',';
                *out++ = digits[i];
        }
        *out = '\0';
        if (decimals)
                snprintf(out, AMOUNT_TEXT_SIZE - (size_t)(out - text), ".%0*llu", (int)decimals,
                         (unsigned long long)part);
}

void percent_text(char text[AMOUNT_TEXT_SIZE], int64_t part, int64_t whole)
{
        int64_t permille = 0;

        if (whole > 0)
                permille = (int64_t)(((__int128)part * 2000 + whole) / ((__int128)whole * 2));
        snprintf(text, AMOUNT_TEXT_SIZE, "%lld.%lld%%", (long long)(permille / 10),
                 (long long)(permille % 10));
}
