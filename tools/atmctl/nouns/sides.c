/* What each side says of a withdrawal, as a line and as JSON. */
#include "tools/atmctl/nouns/sides.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/journals/bank_record.h"

static const char nothing[] = "nothing";

static const char *end_name(const struct atm_entry *entry)
{
        switch (entry->end) {
        case ATM_DECLINED:
                return "declined";
        case ATM_ADVISED:
                return "acknowledged";
        default:
                return entry->advised ? "advised" : "open";
        }
}

void side_print_atm(const struct atm_entry *entry, char buffer[SIDE_MAX])
{
        static const char *const ends[][2] = {{"declined", "declined"},
                                              {"acknowledged", "its advice was acknowledged"},
                                              {"advised", "its advice is not acknowledged"},
                                              {"open", "without an end"}};
        size_t used;

        if (!entry) {
                snprintf(buffer, SIDE_MAX, "%s", nothing);
                return;
        }
        used = (size_t)snprintf(buffer, SIDE_MAX, "asked for %" PRId64 " yen, ", entry->amount_yen);
        used += (size_t)snprintf(buffer + used, SIDE_MAX - used, "%s%s",
                                 *entry->de39 ? "answered " : "no answer", entry->de39);
        if (entry->charge_yen >= 0)
                used += (size_t)snprintf(buffer + used, SIDE_MAX - used, " with a charge of %" PRId64,
                                         entry->charge_yen);
        used +=
            (size_t)snprintf(buffer + used, SIDE_MAX - used, ", dispensed %" PRId64 ", ", entry->paid_yen);
        for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
                if (!strcmp(ends[i][0], end_name(entry)))
                        snprintf(buffer + used, SIDE_MAX - used, "%s", ends[i][1]);
}

void side_print_host(const struct database_row *row, char buffer[SIDE_MAX])
{
        size_t used;

        if (!row) {
                snprintf(buffer, SIDE_MAX, "%s", nothing);
                return;
        }
        used = (size_t)snprintf(
            buffer, SIDE_MAX, "%s%s%s, %" PRId64 " yen, dispensed %" PRId64 ", charge %" PRId64, row->state,
            *row->de39 ? " " : "", row->de39, row->amount_yen, row->dispensed_yen, row->charge_yen);
        if (*row->link)
                used += (size_t)snprintf(buffer + used, SIDE_MAX - used, "; link %s: %s%s%s", row->link,
                                         *row->cause ? row->cause : "no outcome", *row->bank_de39 ? " " : "",
                                         row->bank_de39);
        if (row->waiting)
                snprintf(buffer + used, SIDE_MAX - used, ", notices not acknowledged: %" PRId64,
                         row->waiting);
}

void side_print_bank(const struct bank_entry *entry, const char *bank, char buffer[SIDE_MAX])
{
        size_t used;

        if (!entry) {
                snprintf(buffer, SIDE_MAX, "%s", nothing);
                return;
        }
        used = (size_t)snprintf(buffer, SIDE_MAX, "%s: ", bank);
        if (entry->asked)
                used +=
                    (size_t)snprintf(buffer + used, SIDE_MAX - used,
                                     "asked for %" PRId64 " yen with a charge of %" PRId64 ", answered %s",
                                     entry->amount_yen, entry->charge_yen, entry->de39);
        else
                used += (size_t)snprintf(buffer + used, SIDE_MAX - used, "not asked");
        if (entry->told)
                used += (size_t)snprintf(buffer + used, SIDE_MAX - used, ", told of %" PRId64 " dispensed",
                                         entry->dispensed_yen);
        if (entry->refused)
                used += (size_t)snprintf(buffer + used, SIDE_MAX - used,
                                         ", answered a %s with %s and did not book it",
                                         bank_kind_name[entry->refused_kind], entry->refused_de39);
        snprintf(buffer + used, SIDE_MAX - used, ", keeps %" PRId64 "%s", entry->held_yen,
                 entry->exception ? ", and was told what does not fit" : "");
}

/* JSON: "" is null. */
static json_t *text_or_null(const char *text)
{
        return *text ? json_string(text) : json_null();
}

json_t *side_json_atm(const struct atm_entry *entry)
{
        if (!entry)
                return json_null();
        return json_pack("{s:I, s:o, s:o, s:I, s:s}", "amount_yen", (json_int_t)entry->amount_yen, "de39",
                         text_or_null(entry->de39), "charge_yen",
                         entry->charge_yen >= 0 ? json_integer(entry->charge_yen) : json_null(),
                         "dispensed_yen", (json_int_t)entry->paid_yen, "end", end_name(entry));
}

json_t *side_json_host(const struct database_row *row)
{
        if (!row)
                return json_null();
        return json_pack("{s:s, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:I}", "state", row->state, "de39",
                         text_or_null(row->de39), "amount_yen", (json_int_t)row->amount_yen, "dispensed_yen",
                         (json_int_t)row->dispensed_yen, "charge_yen", (json_int_t)row->charge_yen, "link",
                         text_or_null(row->link), "cause", text_or_null(row->cause), "bank_de39",
                         text_or_null(row->bank_de39), "waiting", (json_int_t)row->waiting);
}

json_t *side_json_bank(const struct bank_entry *entry, const char *bank)
{
        if (!entry)
                return json_null();
        return json_pack("{s:s, s:b, s:o, s:I, s:I, s:o, s:I, s:b, s:o}", "bank", bank, "asked", entry->asked,
                         "de39", text_or_null(entry->de39), "amount_yen", (json_int_t)entry->amount_yen,
                         "charge_yen", (json_int_t)entry->charge_yen, "dispensed_yen",
                         entry->told ? json_integer(entry->dispensed_yen) : json_null(), "held_yen",
                         (json_int_t)entry->held_yen, "exception", entry->exception, "refused_de39",
                         text_or_null(entry->refused_de39));
}
