#include "backoffice/audit/fact.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/audit/copy_out.h"

static const size_t values_of[FACT_KINDS] = {
#define FACT(kind, values) [FACT_##kind] = (values),
#include "backoffice/audit/facts.def"
#undef FACT
};

size_t fact_values_of(enum fact_kind kind)
{
        return values_of[kind];
}

void fact_begin(struct fact *fact, enum fact_kind kind)
{
        fact->kind = kind;
        fact->count = fact->used = 0;
        fact->values[0] = '\0';
}

void fact_text(struct fact *fact, const char *text)
{
        size_t room = sizeof(fact->values) - fact->used;
        int length = snprintf(fact->values + fact->used, room, "%s%s",
                              fact->count ? (const char[]){FACT_BETWEEN, '\0'} : "", text);

        assert(fact->count < values_of[fact->kind]);
        fact->used += (size_t)length < room ? (size_t)length : room - 1;
        fact->count++;
}

void fact_number(struct fact *fact, int64_t number)
{
        char text[24];

        snprintf(text, sizeof(text), "%" PRId64, number);
        fact_text(fact, text);
}

void fact_numbers(struct fact *fact, const int64_t *numbers, size_t count)
{
        for (size_t i = 0; i < count; i++)
                fact_number(fact, numbers[i]);
}

void fact_day(struct fact *fact, int32_t day)
{
        char text[11];

        fact_text(fact, copy_print_day(day, text));
}

bool fact_is_complete(const struct fact *fact)
{
        return fact->count == values_of[fact->kind];
}

bool fact_is_same(const struct fact *a, const struct fact *b)
{
        return a->kind == b->kind && !strcmp(a->values, b->values);
}
