/* Pivots as rows; see revenue_pivot.h. */
#include "tools/atmctl/nouns/revenue_pivot.h"

#include <stdlib.h>
#include <string.h>

#include "backoffice/pages/words.h"

static void show(struct pivot_shown *shown, const char *name, enum output_type type, const char *word)
{
        shown->column[shown->count] =
            (struct output_column){name, type, type == OUTPUT_TEXT || type == OUTPUT_WORD ? 0 : OUTPUT_DASH};
        shown->word[shown->count++] = word;
}

static void look_at_columns(enum reader reader, const struct revenue_question *question,
                            const struct pivot *pivot, struct pivot_shown *ret_shown)
{
        ret_shown->count = 0;
        show(ret_shown, "key", strcmp(question->key[0], "band") ? OUTPUT_TEXT : OUTPUT_WORD,
             question->key[0]);
        if (revenue_key_has_name(question->key[0]))
                show(ret_shown, "name", OUTPUT_TEXT, NULL);
        for (size_t i = 0; i < pivot->columns; i++)
                show(ret_shown, pivot->column[i].name, OUTPUT_YEN,
                     period_text_short(pivot->column[i].name, reader, ret_shown->span[i]));
        show(ret_shown, "commission_yen", OUTPUT_YEN, NULL);
        if (!question->compare)
                return;
        show(ret_shown, "before_yen", OUTPUT_YEN, period_text_before(&question->period, question->compare));
        show(ret_shown, "change_percent", OUTPUT_DECIMAL, NULL);
}

static bool write_row(struct output *output, const struct revenue_question *question,
                      const struct pivot *pivot, const struct pivot_row *row, bool total)
{
        char text[PIVOT_SHOWN_MAX][FIGURE_TEXT_MAX];
        char *name = words_join(row->name, output_reader(output));
        const char *values[PIVOT_SHOWN_MAX] = {row->key};
        size_t count = 1;
        bool written;

        if (revenue_key_has_name(question->key[0]))
                values[count++] = name;
        for (size_t i = 0; i < pivot->columns; i++, count++)
                values[count] = figure_print(figure_known(row->cell_yen[i]), text[count]);
        values[count] = figure_print(figure_known(row->total_yen), text[count]);
        if (question->compare) {
                values[count + 1] = figure_print(row->before_yen, text[count + 1]);
                values[count + 2] = figure_print_tenths(row->change_tenths, text[count + 2]);
        }
        written = total ? output_total(output, values) : output_row(output, values);
        free(name);
        return written;
}

bool revenue_pivot_rows(struct output *output, const struct revenue_question *question,
                        const struct pivot *pivot, struct pivot_shown *shown)
{
        look_at_columns(output_reader(output), question, pivot, shown);
        if (!output_begin(output, &(struct output_section){
                                      .columns = shown->column, .count = shown->count, .words = shown->word}))
                return false;
        for (size_t i = 0; i < pivot->rows; i++) {
                if (!write_row(output, question, pivot, &pivot->row[i], false))
                        return false;
        }
        return !pivot->rows || ((!pivot->more || write_row(output, question, pivot, &pivot->others, true)) &&
                                write_row(output, question, pivot, &pivot->total, true));
}
