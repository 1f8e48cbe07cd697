/* Remarks of reports; see report_text.h. */
#include "backoffice/pages/report_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "rules/calendar.h"

bool report_text_not_over(const struct period *period, int32_t today, bool japanese,
                          char buffer[REPORT_TEXT_MAX])
{
        char day[11];

        if (period_is_over(period, today))
                return false;
        calendar_print_day(today, day);
        snprintf(buffer, REPORT_TEXT_MAX,
                 japanese ? "%s は終了していません（営業日 %s）。" : "%s is not over: business today is %s",
                 period->label, day);
        return true;
}

bool report_text_replica(const char *as_of, int64_t age_s, bool japanese, char buffer[REPORT_TEXT_MAX])
{
        snprintf(buffer, REPORT_TEXT_MAX,
                 japanese ? "複製データベースによる（%s 現在、%" PRId64 " 秒前）。"
                          : "from a replica: as of %s, %" PRId64 " s ago",
                 as_of, age_s);
        return *as_of;
}

bool report_text_generated(const struct generated_list *generated, bool japanese,
                           char buffer[REPORT_TEXT_MAX])
{
        size_t used = 0;

        buffer[0] = '\0';
        for (size_t i = 0; i < generated->runs && used < REPORT_TEXT_MAX; i++) {
                const struct generated *run = &generated->run[i];

                used +=
                    (size_t)snprintf(buffer + used, REPORT_TEXT_MAX - used,
                                     japanese ? "%s生成データ：シナリオ %s、縮尺 %s（%s／%s台）%s"
                                              : "%sgenerated history: scenario %s, scale %s: %s of %s ATMs%s",
                                     i ? "; " : "", run->scenario, run->scale, run->atms, run->atms_whole,
                                     run->finished ? "" : "; not finished");
        }
        return generated->runs > 0;
}
