/* The words as rows. */
#include "backoffice/pages/words.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        const char *name, *english, *japanese;
} words[] = {
    {"key", "", ""},
    {"key2", "", ""},
    {"name", "Name", "名称"},
    {"name2", "Name", "名称"},
    {"area", "Area", "地域"},
    {"prefecture", "Prefecture", "都道府県"},
    {"hall", "Hall", "ホール"},
    {"hall_name", "Hall's name", "ホール名"},
    {"atm", "ATM", "ATM"},
    {"terminal", "ATM", "ATM"},
    {"atms", "ATMs", "台数"},
    {"issuer", "Bank", "銀行"},
    {"band", "Band", "時間帯"},
    {"hour", "Hour", "時"},
    {"day", "Day", "日"},
    {"month", "Month", "月"},
    {"quarter", "Quarter", "四半期"},
    {"fy", "Fiscal year", "年度"},
    {"item", "", ""},
    {"rank", "Rank", "順位"},
    {"from", "From", "開始日"},
    {"halls", "Halls", "ホール数"},
    {"peer", "Who", "他社"},
    {"amount_yen", "Amount (yen)", "金額（円）"},
    {"total_yen", "Total (yen)", "合計（円）"},
    {"base fee", "Base fee", "基本料金"},
    {"share", "Share of the commission", "手数料分配金"},
    {"balance", "Balance", "差引残高"},
    {"days", "Days", "日数"},
    {"month_days", "Days of month", "月日数"},
    {"withdrawals", "Withdrawals", "出金件数"},
    {"cash_yen", "Cash (yen)", "出金額（円）"},
    {"customer_fee_yen", "Customer fees (yen)", "利用者手数料（円）"},
    {"interbank_fee_yen", "Interbank fees (yen)", "銀行間手数料（円）"},
    {"base_fee_yen", "Base fees (yen)", "基本料金（円）"},
    {"month_fee_yen", "A month (yen)", "月額（円）"},
    {"hall_share_yen", "Hall's share (yen)", "ホール分配金（円）"},
    {"share_yen", "Share (yen)", "分配金（円）"},
    {"tax_yen", "Tax (yen)", "消費税（円）"},
    {"tax_rate", "Tax rate", "税率"},
    {"tax_rate_bp", "Tax rate (bp)", "税率（bp）"},
    {"revenue_yen", "Revenue (yen)", "売上高（円）"},
    {"commission_yen", "Commission (yen)", "手数料（円）"},
    {"before_yen", "Before (yen)", "前期（円）"},
    {"change_percent", "Change (%)", "増減率（%）"},
    {"cost_yen", "Costs (yen)", "費用（円）"},
    {"profit_yen", "Profit (yen)", "利益（円）"},
    {"profit_percent", "Profit (%)", "利益率（%）"},
    {"parlors", "Parlors", "店舗数"},
    {"penetration_percent", "Penetration (%)", "普及率（%）"},
    {"ours", "Ours", "当社"},
    {"theirs", "Theirs", "先方"},
    {"difference", "Difference", "差異"},
    {"source", "Source", "出典"},
    {"withdrawals_per_atm_day", "Withdrawals per ATM and day", "1台1日当たり件数"},
    {"revenue_yen_per_atm_day", "Revenue per ATM and day (yen)", "1台1日当たり売上高（円）"},
    {"total", "Total", "合計"},
    {"published", "Published", "公表値"},
    {"target", "target", "目標"},
    {"progress", "Progress", "進捗率"},
    {"YoY", "YoY", "前年同期比"},
    {"QoQ", "QoQ", "前四半期比"},
};

const char *word_of(const char *name, bool japanese)
{
        for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
                if (!strcmp(words[i].name, name))
                        return japanese ? words[i].japanese : words[i].english;
        }
        return name;
}

char *words_join(const char *names, bool japanese)
{
        const char *between = japanese ? "、" : ", ";
        size_t room = 1;
        char *joined, *end;

        if (!names)
                return NULL;
        for (const char *at = names; *at; at++)
                room += *at == '\n' ? strlen(between) : 1;
        joined = end = malloc(room);
        for (const char *at = names; joined && *at; at++) {
                if (*at == '\n')
                        end = stpcpy(end, between);
                else
                        *end++ = *at;
        }
        if (joined)
                *end = '\0';
        return joined;
}
