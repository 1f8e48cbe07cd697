/* Remarks of reports; see report_text.h. */
#include "backoffice/pages/report_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/pages/period_text.h"

bool report_text_provisional(const struct standing *standing, const struct period *period, int32_t today,
                             enum reader reader, char buffer[REPORT_TEXT_MAX])
{
        char name[PERIOD_TEXT_MAX], day[PERIOD_TEXT_MAX];

        buffer[0] = '\0';
        period_text(period->label, reader, name);
        if (!period_is_over(period, today))
                snprintf(buffer, REPORT_TEXT_MAX,
                         reader ? "%sは終了していないため、速報値です（営業日%s）。"
                                : "Preliminary: %s is not over: business today is %s.",
                         name, period_text_day(today, reader, day));
        else if (standing_is_provisional(standing, period, today))
                snprintf(buffer, REPORT_TEXT_MAX,
                         reader ? "%sは未締めのため、数値は変わることがあります。"
                                : "%s is not closed yet: figures may change.",
                         name);
        return *buffer;
}

bool report_text_begun(const struct standing *standing, const struct period *period, enum reader reader,
                       char buffer[REPORT_TEXT_MAX])
{
        char name[PERIOD_TEXT_MAX], day[PERIOD_TEXT_MAX];

        buffer[0] = '\0';
        if (!standing_lacks(standing, period) || standing->begun_day == INT32_MAX)
                return false;
        snprintf(buffer, REPORT_TEXT_MAX,
                 reader ? "帳簿は%sに始まるため、%sのうちそれより前の数値はありません。"
                        : "The books begin on %s: what %s had before that day is missing.",
                 period_text_day(standing->begun_day, reader, day), period_text(period->label, reader, name));
        return true;
}

bool report_text_incomparable(const struct standing *standing, const struct period *before,
                              enum reader reader, char buffer[REPORT_TEXT_MAX])
{
        char name[PERIOD_TEXT_MAX], day[PERIOD_TEXT_MAX];

        buffer[0] = '\0';
        if (!standing_lacks(standing, before) || standing->begun_day == INT32_MAX)
                return false;
        snprintf(buffer, REPORT_TEXT_MAX,
                 reader ? "帳簿は%sに始まるため、%sの数値は揃わず、比較していません。"
                        : "The books begin on %s: they have not all of %s, which nothing is compared with.",
                 period_text_day(standing->begun_day, reader, day), period_text(before->label, reader, name));
        return true;
}

bool report_text_replica(const char *as_of, int64_t age_s, enum reader reader, char buffer[REPORT_TEXT_MAX])
{
        char moment[PERIOD_TEXT_MAX];

        snprintf(buffer, REPORT_TEXT_MAX,
                 reader ? "複製データベースによる（%s現在、%" PRId64 "秒前）。"
                        : "from a replica: as of %s, %" PRId64 " s ago",
                 period_text(as_of, reader, moment), age_s);
        return *as_of;
}

bool report_text_generated(const struct standing *standing, enum reader reader, char buffer[REPORT_TEXT_MAX])
{
        size_t used = 0;

        buffer[0] = '\0';
        for (size_t i = 0; i < standing->runs && used < REPORT_TEXT_MAX; i++) {
                const struct generated *run = &standing->run[i];

                used += (size_t)snprintf(
                    buffer + used, REPORT_TEXT_MAX - used,
                    reader ? "%s生成データ：シナリオ「%s」、縮尺%s（%s／%s台）%s"
                           : "%sgenerated history: scenario %s, scale %s: %s of %s ATMs%s",
                    i ? reader ? "；" : "; " : "", run->scenario, run->scale, run->atms, run->atms_whole,
                    run->finished ? ""
                    : reader      ? "（生成中）"
                                  : "; not finished");
        }
        return standing->runs > 0;
}

void report_text_items(const char *items, enum reader reader, char buffer[REPORT_TEXT_MAX])
{
        size_t used = 0;

        buffer[0] = '\0';
        while (*items && used < REPORT_TEXT_MAX) {
                size_t length = strcspn(items, ":,;"), after = strspn(items + length, ":,; ");
                char name[64], period[PERIOD_TEXT_MAX];
                const char *between = "";

                snprintf(name, sizeof(name), "%.*s", (int)length, items);
                if (items[length] == ':')
                        between = reader ? "：" : ": ";
                else if (items[length] == ',')
                        between = reader ? "、" : ", ";
                else if (items[length] == ';')
                        between = reader ? "；" : "; ";
                used += (size_t)snprintf(buffer + used, REPORT_TEXT_MAX - used, "%s%s",
                                         items[length] == ':' ? period_text(name, reader, period)
                                                              : word_of(name, reader),
                                         between);
                items += length + after;
        }
}
