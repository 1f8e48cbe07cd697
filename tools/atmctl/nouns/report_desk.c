/* What all reports do; see report_desk.h. */
#include "tools/atmctl/nouns/report_desk.h"

#include <stdlib.h>
#include <string.h>

#include "backoffice/books/summary.h"
#include "backoffice/pages/period_text.h"
#include "backoffice/pages/report_text.h"
#include "lib/base/now.h"
#include "lib/base/number.h"
#include "lib/base/plural.h"
#include "lib/base/utf8.h"
#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/value.h"

#define MADE_MAX_S INT64_C(253402300799) /* the last second of the year 9999, which a PDF can hold */

/* options ----------------------------------------------------------------------------------------------- */

static int of_fiscal_year(const struct invocation *invocation, int fiscal_year, struct period *ret_period)
{
        int quarter = (int)invocation_number(invocation, "quarter", 0);

        if (invocation_has(invocation, "from") || invocation_has(invocation, "to"))
                return usage_error(invocation->command, "expected --fy, or --from and --to, not both");
        period_of_quarters(fiscal_year, quarter ? quarter : 1, quarter ? quarter : 4, ret_period);
        return EXIT_DONE;
}

int report_period_of(const struct invocation *invocation, struct period *ret_period)
{
        const char *from = invocation_value(invocation, "from"), *to = invocation_value(invocation, "to");
        int32_t first_day, last_day;

        if (invocation_has(invocation, "fy"))
                return of_fiscal_year(invocation, (int)invocation_number(invocation, "fy", 0), ret_period);
        if (!from || !to)
                return usage_error(invocation->command, "%s: expected --fy, or --from and --to",
                                   from ? "--to is missing"
                                        : (to ? "--from is missing" : "which days? --fy is missing"));
        if (!calendar_parse_day(from, &first_day) || !calendar_parse_day(to, &last_day))
                abort(); /* value_check saw to it */
        period_of_days(first_day, last_day, ret_period);
        return EXIT_DONE;
}

const int64_t *report_limit_of(const struct invocation *invocation, int64_t *room)
{
        *room = invocation_number(invocation, "limit", 0);
        return invocation_has(invocation, "limit") ? room : NULL;
}

static bool complain_absent(const struct invocation *invocation, enum filter filter)
{
        /* the commands that list them */
        static const char *const lists[FILTER_COUNT] = {[FILTER_AREA] = "area list",
                                                        [FILTER_PREFECTURE] = "hall list",
                                                        [FILTER_HALL] = "hall list",
                                                        [FILTER_ATM] = "atm list",
                                                        [FILTER_ISSUER] = "issuer list"};
        const char *option = filter_rows[filter].name;

        complain("%s: --%s: there is no %s '%s'", invocation_name(invocation), option,
                 filter == FILTER_ATM ? "ATM" : option, invocation_value(invocation, option));
        note("'atmctl %s' shows them", lists[filter]);
        return false;
}

static bool filters_exist(struct report_desk *desk)
{
        char error[PG_ERROR_MAX];

        for (size_t i = 0; i < FILTER_COUNT; i++) {
                const char *value = invocation_value(desk->invocation, filter_rows[i].name);
                bool exists;

                if (!value)
                        continue;
                if (!filter_exists(desk->database.connection, (enum filter)i, value, &exists, error)) {
                        database_complain_of(error);
                        return false;
                }
                if (!exists)
                        return complain_absent(desk->invocation, (enum filter)i);
        }
        return true;
}

/* the books --------------------------------------------------------------------------------------------- */

static void on_step(const char *what, void *context)
{
        (void)context;
        progress("summary: %s", what);
}

/* Bring the summary up to date, and take one snapshot. False after a complaint. */
static bool read_books(struct report_desk *desk)
{
        PGconn *connection = desk->database.connection;
        char error[PG_ERROR_MAX];

        /* on a replica by whoever is at work on the primary */
        if (!*desk->database.as_of && !summary_refresh(connection, desk->today, on_step, NULL, error))
                note("the summary could not be brought up to date (%s): reading the rows themselves", error);
        progress_end();
        if (summary_snapshot(connection, error) && standing_load(connection, &desk->standing, error))
                return true;
        database_complain_of(error);
        return false;
}

/* A document can be made again, byte for byte, with the moment of the first time. False after a complaint. */
static bool take_moment(struct report_desk *desk)
{
        const char *epoch = getenv("SOURCE_DATE_EPOCH");
        char expected[NUMBER_EXPECTED_MAX];

        calendar_print_day(desk->today, desk->issued);
        desk->made_s = real_now_ms() / 1000;
        if (!epoch)
                return true;
        if (!number_parse(epoch, 0, MADE_MAX_S, &desk->made_s)) {
                complain("SOURCE_DATE_EPOCH: '%s': expected %s, in seconds since 1970", epoch,
                         number_expected(0, MADE_MAX_S, expected));
                return false;
        }
        calendar_print_day(calendar_business_day(desk->made_s * 1000), desk->issued);
        return true;
}

enum { PUBLISHER_MAX = 200 };

/* Who publishes: of a whole house, and not of a command. False after a complaint. */
static bool take_publisher(struct report_desk *desk)
{
        const char *publisher = getenv("ATM_PUBLISHER");

        desk->publisher = publisher ? publisher : "";
        if (strlen(desk->publisher) <= PUBLISHER_MAX && utf8_is_line(desk->publisher))
                return true;
        complain("ATM_PUBLISHER: expected a name in UTF-8, without control characters, of at most %d bytes",
                 PUBLISHER_MAX);
        return false;
}

/* Its number for qualified invoices. False after a complaint. */
static bool take_registration(struct report_desk *desk)
{
        const char *registration = getenv("ATM_REGISTRATION");
        char canonical[VALUE_MAX];

        desk->registration = registration ? registration : "";
        if (!*desk->registration || value_check(VALUE_REGISTRATION, registration, canonical))
                return true;
        complain("ATM_REGISTRATION: expected %s", value_row(VALUE_REGISTRATION)->expected);
        return false;
}

int report_run(const struct invocation *invocation, report_work *work, void *context)
{
        struct report_desk desk = {.invocation = invocation};
        bool done;

        if (!business_today(invocation, &desk.today) || !take_moment(&desk) || !take_publisher(&desk) ||
            !take_registration(&desk) || !database_open(&desk.database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        done = filters_exist(&desk) && read_books(&desk) && work(&desk, context);
        standing_free(&desk.standing);
        database_close(&desk.database);
        return done ? EXIT_DONE : EXIT_FAILED;
}

/* head -------------------------------------------------------------------------------------------------- */

static void remark(struct output *output, bool is_said, const char *text)
{
        if (is_said)
                output_remark(output, "%s", text);
}

static void write_remarks(const struct report_desk *desk, struct output *output, const struct period *period)
{
        const struct standing *standing = &desk->standing;
        enum reader reader = output_reader(output);
        char text[REPORT_TEXT_MAX];

        remark(output, report_text_replica(desk->database.as_of, desk->database.age_s, reader, text), text);
        remark(output, report_text_provisional(standing, period, desk->today, reader, text), text);
        remark(output, report_text_begun(standing, period, reader, text), text);
        remark(output, report_text_generated(standing, reader, text), text);
}

/* A total is people's alone. */
void report_remark_more(const struct report_desk *desk, struct output *output, size_t rows)
{
        bool has_total = output_kind_of(desk->invocation) == OUTPUT_FOR_PEOPLE;
        char count[PLURAL_MAX];

        if (!rows)
                return;
        if (output_reader(output))
                output_remark(output, has_total ? "このほか%zu行（合計に含む）" : "このほか%zu行", rows);
        else
                output_remark(output, "%s%s", plural_count(rows, "more row", count),
                              has_total ? ", which the total has too" : ": --limit left them out");
}

void report_head(const struct report_desk *desk, struct output *output, const struct report_title *title)
{
        enum reader reader = output_reader(output);
        char subtitle[512], days[PERIOD_TEXT_MAX];

        period_text(title->period->label, reader, days);
        snprintf(subtitle, sizeof(subtitle), "%s%s%s", title->whose ? title->whose : "",
                 !title->whose ? ""
                 : reader      ? "、"
                               : ", ",
                 days);
        output_head(output, &(struct output_head){.title = reader ? title->japanese : title->english,
                                                  .subtitle = subtitle,
                                                  .period = title->period->label,
                                                  .publisher = desk->publisher,
                                                  .issued = desk->issued,
                                                  .made_s = desk->made_s,
                                                  .is_provisional = standing_is_provisional(
                                                      &desk->standing, title->period, desk->today)});
        write_remarks(desk, output, title->period);
}
