/* The words as rows. */
#include "backoffice/pages/words.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off: a row a line */
/* What is counted in yen, or a share in percent, by itself and as the key of a column. */
#define YEN(name, english, japanese)                                                                         \
        {name, english, japanese},                                                                           \
        {                                                                                                    \
                name "_yen", english " (yen)", japanese "（円）"                                          \
        }
#define PERCENT(name, english, japanese)                                                                     \
        {name, english, japanese},                                                                           \
        {                                                                                                    \
                name "_percent", english " (%)", japanese "（％）"                                        \
        }

const struct word words[] = {
    /* money: revenue is commission and base fees; commission is both fees of a withdrawal; all without tax */
    YEN("revenue", "Revenue", "売上高"),
    YEN("commission", "Commission", "手数料収入"),
    YEN("customer_fee", "Customer fees", "利用者手数料"),
    YEN("interbank_fee", "Interbank fees", "銀行間手数料"),
    YEN("base_fee", "Base fees", "基本料金"),
    YEN("month_fee", "A month", "月額"),
    YEN("cash", "Cash", "出金額"),
    YEN("amount", "Amount", "金額"),
    YEN("total", "Total", "合計"),
    YEN("tax", "Tax", "消費税等"),
    YEN("customer_tax", "Tax on customer fees", "利用者手数料の消費税等"),
    YEN("interbank_tax", "Tax on interbank fees", "銀行間手数料の消費税等"),
    YEN("base_fee_tax", "Tax on base fees", "基本料金の消費税等"),
    YEN("before_yoy", "Year before", "前年同期"),
    YEN("before_year", "Year before", "前期"),
    YEN("before_qoq", "Quarter before", "前四半期"),
    YEN("before_months", "Three months before", "3か月前"),
    YEN("hall_share", "Halls' shares", "支払手数料（ホール）"),
    YEN("cash_in_transit", "Cash in transit", "現金輸送費"),
    YEN("network", "Network", "ネットワーク費"),
    YEN("maintenance", "Maintenance", "保守費"),
    YEN("depreciation", "Depreciation", "減価償却費"),
    YEN("cost", "Costs", "費用"),
    PERCENT("change", "Change", "増減率"),
    PERCENT("profit", "Profit", "利益率"),
    {"profit_yen", "Profit (yen)", "利益（円）"},
    PERCENT("penetration", "Penetration", "普及率"),
    {"tax_rate", "Tax rate", "税率"},
    {"tax_rate_bp", "Tax rate (bp)", "税率（0.01％）"},
    {"withdrawals_per_atm_day", "Withdrawals per ATM and day", "1台1日当たり件数"},
    {"revenue_yen_per_atm_day", "Revenue per ATM and day (yen)", "1台1日当たり売上高（円）"},
    /* items of results that are nothing else */
    {"earlier_periods", "of which earlier periods", "うち前四半期以前分"},
    {"cost_of_revenue", "Cost of revenue", "売上原価"},
    {"gross_margin", "Gross margin", "売上総利益"},
    {"gross_margin_ratio", "Gross margin ratio", "売上総利益率"},
    {"sga", "SG&A", "販売費及び一般管理費"},
    {"operating_income", "Operating income", "営業利益"},
    {"operating_margin", "Operating margin", "営業利益率"},
    {"ebitda", "EBITDA", "EBITDA"},
    {"net_income", "Net income", "四半期純利益"},
    {"net_income of the year", "Net income", "当期純利益"},
    {"non_controlling_interests", "Non-controlling interests", "非支配株主に帰属する四半期純利益"},
    {"non_controlling_interests of the year", "Non-controlling interests", "非支配株主に帰属する当期純利益"},
    {"capex", "CAPEX", "設備投資額"},
    {"atms at the end", "ATMs placed at period end", "期末設置台数（台）"},
    {"revenue_per_atm_day", "Revenue per ATM and day (yen)", "1台1日当たり売上高（円）"},
    /* columns of results */
    {"target", "target", "目標"},
    {"progress", "Progress", "進捗率"},
    {"published", "Published", "公表値"},
    {"difference", "Difference", "差異"},
    {"YoY", "YoY", "前年同期比"},
    {"QoQ", "QoQ", "前四半期比"},
    /* places and times */
    {"area", "Area", "地域"},
    {"prefecture", "Prefecture", "都道府県"},
    {"hall", "Hall", "ホール"},
    {"hall_name", "Hall's name", "ホール名"},
    {"atm", "ATM", "ATM"},
    {"terminal", "ATM", "ATM"},
    {"issuer", "Bank", "銀行"},
    {"band", "Band", "時間帯"},
    {"band day", "Day", "平日日中"},
    {"band other", "Other", "時間外"},
    {"hour", "Hour", "時"},
    {"day", "Day", "日"},
    {"month", "Month", "月"},
    {"quarter", "Quarter", "四半期"},
    {"fy", "Fiscal year", "年度"},
    {"from", "From", "開始日"},
    {"to", "To", "終了日"},
    {"days", "Days", "日数"},
    {"month_days", "Days of month", "月日数"},
    /* what is counted */
    {"atms", "ATMs", "台数"},
    {"halls", "Halls", "ホール数"},
    {"parlors", "Parlors", "店舗数"},
    {"withdrawals", "Withdrawals", "出金件数"},
    {"withdrawals of results", "Withdrawals", "出金件数（件）"},
    {"rank", "Rank", "順位"},
    /* others */
    {"others", "Others", "その他"},
    {"key", "", ""},
    {"key2", "", ""},
    {"name", "Name", "名称"},
    {"name2", "Name", "名称"},
    {"item", "", ""},
    {"unit", "Unit", "単位"},
    {"yen", "yen", "円"},
    {"percent", "percent", "％"},
    {"count", "count", "数"},
    {"peer", "Who", "他社"},
    {"ours", "Ours", "当社"},
    {"theirs", "Theirs", "先方"},
    {"source", "Source", "出典"},
    {"transactions_per_atm_day", "Withdrawals per ATM and day", "1台1日当たり件数"},
    {"fee_yen_per_transaction", "Commission per withdrawal (yen)", "1件当たり手数料収入（円）"},
    {"profit_ratio_percent", "Profit (%)", "利益率（％）"},
    {"availability_percent", "Availability (%)", "稼働率（％）"},
    {"base fee", "Base fee", "基本料金"},
    {"share", "Share of the commission", "支払手数料"},
    {"balance", "Balance", "差引残高"},
    /* a hall's invoice */
    {"number", "Number", "番号"},
    {"addressee", "To", "宛先"},
    {"period of an invoice", "Period", "対象期間"},
    {"closed_on", "Closed on", "締め日"},
    {"issued", "Issued on", "発行日"},
    {"publisher", "From", "発行者"},
    {"registration", "Registration number of who issues it", "発行者の登録番号"},
    {"hall_registration", "Registration number of the hall", "ホールの登録番号"},
    {"share_base_yen", "Commission that is shared (yen)", "対象手数料（円）"},
    {"share_rate", "Share", "料率"},
    {"share_bp", "Share (bp)", "料率（0.01％）"},
    {"closed_at", "Closed at", "締め日時"},
    {"who", "Who", "担当者"},
    {"without_end", "Without an end", "未完了件数"},
    {"note", "Note", "摘要"},
    {"missing_costs", "Costs that are missing", "未入力の費用"},
    {"transmitted_at", "Moment", "取引日時"},
    {"stan", "STAN", "取引通番"},
    {"state", "State", "状態"},
    {"state asked", "its bank is asked", "銀行照会中"},
    {"state approved", "approved", "承認済"},
    {"period list", "Quarters that are closed", "締め切った四半期"},
};
#undef YEN
#undef PERCENT
/* clang-format on */
const size_t words_count = sizeof(words) / sizeof(*words);

const char *word_of(const char *name, enum reader reader)
{
        for (size_t i = 0; i < words_count; i++) {
                if (!strcmp(words[i].name, name))
                        return reader == READER_ENGLISH ? words[i].english : words[i].japanese;
        }
        return name;
}

const char *chart_minus(enum reader reader)
{
        return reader == READER_ENGLISH ? NULL : "△";
}

char *words_join(const char *names, enum reader reader)
{
        const char *between = reader == READER_ENGLISH ? ", " : "、";
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
