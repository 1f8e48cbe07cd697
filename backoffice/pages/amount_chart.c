/* Charts of one amount; see amount_chart.h. */
#include "backoffice/pages/amount_chart.h"

#include <stdio.h>
#include <string.h>

void amount_chart_start(struct amount_chart *chart, enum amount_chart_kind kind, enum reader reader,
                        const char *what, const char *period)
{
        *chart = (struct amount_chart){.reader = reader};
        chart->chart =
            (struct document_chart){.kind = kind == AMOUNT_BY_SPAN ? DOCUMENT_COLUMNS : DOCUMENT_SHARES,
                                    .title = chart->title,
                                    .unit = word_of("yen", reader),
                                    .categories = chart->category,
                                    .series = &chart->series,
                                    .series_count = 1,
                                    .scale = 1,
                                    .minus = chart_minus(reader),
                                    .wide = true};
        snprintf(chart->title, sizeof(chart->title), reader == READER_ENGLISH ? "%s, %s" : "%s（%s）",
                 word_of(what, reader), period);
        chart->series = (struct document_series){.name = word_of(what, reader), .values = chart->value};
}

/* The place of a key: of places that are beyond those that are shown, the last one, which is all others. */
static size_t place_of(struct amount_chart *chart, const char *key)
{
        bool is_span = chart->chart.kind == DOCUMENT_COLUMNS;
        size_t most = is_span ? DOCUMENT_CATEGORIES_MAX : AMOUNT_CHART_SHARES;

        for (size_t i = 0; i < chart->count; i++) {
                if (!strcmp(chart->key[i], key))
                        return i;
        }
        if (chart->count < most)
                return chart->count++;
        chart->too_many = is_span;
        return most - 1;
}

/* A text that is longer than a label is left out: nobody could read it there. */
void amount_chart_add(struct amount_chart *chart, const char *key, const char *label, int64_t yen)
{
        size_t before = chart->count, at = place_of(chart, key);

        if (at == before) {
                chart->key[at] = key;
                snprintf(chart->label[at], AMOUNT_CHART_LABEL, "%s",
                         label && strlen(label) < AMOUNT_CHART_LABEL ? label : key);
                chart->category[at] = chart->label[at];
        } else if (strcmp(chart->key[at], key) != 0) {
                chart->category[at] = word_of("others", chart->reader);
        }
        chart->value[at].amount += yen;
}

/* Nothing that is negative is a share. */
const struct document_chart *amount_chart_ready(struct amount_chart *chart)
{
        if (!chart->count || chart->too_many)
                return NULL;
        for (size_t i = 0; i < chart->count; i++) {
                if (chart->value[i].amount < 0)
                        chart->chart.kind = DOCUMENT_COLUMNS;
        }
        chart->chart.category_count = chart->count;
        return &chart->chart;
}
