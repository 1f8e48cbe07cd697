/*
 * One amount by what it is of: the chart that stands over a report's table. Whole yen, as the table has them. Spans of time are columns in
 * their order; places and banks are shares of the whole, the first ones and then all others together.
 */
#ifndef BACKOFFICE_PAGES_AMOUNT_CHART_H
#define BACKOFFICE_PAGES_AMOUNT_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backoffice/pages/words.h"
#include "lib/documents/document.h"

enum { AMOUNT_CHART_SHARES = 12, AMOUNT_CHART_LABEL = 96 };

struct amount_chart {
        struct document_chart chart; /* once it is ready */
        enum reader reader;
        bool too_many; /* spans, so that there is none */
        size_t count;
        char label[DOCUMENT_CATEGORIES_MAX][AMOUNT_CHART_LABEL], title[128];
        const char *key[DOCUMENT_CATEGORIES_MAX], *category[DOCUMENT_CATEGORIES_MAX];
        struct document_value value[DOCUMENT_CATEGORIES_MAX];
        struct document_series series;
};

enum amount_chart_kind { AMOUNT_BY_SPAN, AMOUNT_BY_PLACE };

/* `what`: a word of words.c, "commission". */
void amount_chart_start(struct amount_chart *chart, enum amount_chart_kind kind, enum reader reader,
                        const char *what, const char *period);
/* What follows of the same key is added to it; the key must outlive the chart. `label` NULL: the key says it. */
void amount_chart_add(struct amount_chart *chart, const char *key, const char *label, int64_t yen);
/* Into a whole; NULL: there is nothing to draw. */
const struct document_chart *amount_chart_ready(struct amount_chart *chart);

#endif
