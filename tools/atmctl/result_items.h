/*
 * The items of `atmctl report results` as rows: X(name, unit, kind, indent, style, English, Japanese).
 * Code, checks of imports (published figures, targets) and headings read the same rows.
 *
 *      unit   yen; percent (in tenths: 123 is 12.3 %); count
 *      kind   how the figure of several quarters is had: SUM of theirs, END: that of the last, OF: computed anew
 */
#ifndef ATMCTL_RESULT_ITEMS_H
#define ATMCTL_RESULT_ITEMS_H

#define RESULT_ITEMS(X)                                                                                      \
        X(revenue, YEN, SUM, 0, TOTAL, "Revenue", "売上高")                                                  \
        X(customer_fee, YEN, SUM, 1, PLAIN, "Customer fees", "利用者手数料")                                 \
        X(interbank_fee, YEN, SUM, 1, PLAIN, "Interbank fees", "銀行間手数料")                               \
        X(base_fee, YEN, SUM, 1, PLAIN, "Base fees", "基本料金")                                             \
        X(earlier_periods, YEN, SUM, 1, OF_WHICH, "of which earlier periods", "うち過年度・過四半期分")      \
        X(cost_of_revenue, YEN, SUM, 0, TOTAL, "Cost of revenue", "売上原価")                                \
        X(hall_share, YEN, SUM, 1, PLAIN, "Halls' shares", "ホール分配金")                                   \
        X(cash_in_transit, YEN, SUM, 1, PLAIN, "Cash in transit", "現金輸送費")                              \
        X(network, YEN, SUM, 1, PLAIN, "Network", "ネットワーク費")                                          \
        X(maintenance, YEN, SUM, 1, PLAIN, "Maintenance", "保守費")                                          \
        X(depreciation, YEN, SUM, 1, PLAIN, "Depreciation", "減価償却費")                                    \
        X(gross_margin, YEN, SUM, 0, TOTAL, "Gross margin", "売上総利益")                                    \
        X(gross_margin_ratio, PERCENT, OF, 1, PLAIN, "Gross margin ratio", "売上総利益率")                   \
        X(sga, YEN, SUM, 0, PLAIN, "SG&A", "販売費及び一般管理費")                                           \
        X(operating_income, YEN, SUM, 0, TOTAL, "Operating income", "営業利益")                              \
        X(operating_margin, PERCENT, OF, 1, PLAIN, "Operating margin", "営業利益率")                         \
        X(ebitda, YEN, SUM, 0, PLAIN, "EBITDA", "EBITDA")                                                    \
        X(net_income, YEN, SUM, 0, PLAIN, "Net income", "当期純利益")                                        \
        X(non_controlling_interests, YEN, SUM, 1, PLAIN, "Non-controlling interests",                        \
          "非支配株主に帰属する当期純利益")                                                                  \
        X(capex, YEN, SUM, 0, PLAIN, "CAPEX", "設備投資額")                                                  \
        X(atms, COUNT, END, 0, PLAIN, "ATMs placed at period end", "期末設置台数（台）")                     \
        X(withdrawals, COUNT, SUM, 0, PLAIN, "Withdrawals", "出金件数（件）")                                \
        X(revenue_per_atm_day, WHOLE_YEN, OF, 0, PLAIN, "Revenue per ATM and day (yen)",                     \
          "1台1日当たり売上高（円）")

enum result_item {
#define ITEM_ENUM(name, unit, kind, indent, style, english, japanese) RESULT_##name,
        RESULT_ITEMS(ITEM_ENUM)
#undef ITEM_ENUM
            RESULT_ITEM_COUNT
};

/* For value.c: "revenue|customer_fee|...", which may begin with a '|'. */
#define RESULT_ITEM_CHOICE(name, unit, kind, indent, style, english, japanese) "|" #name
#define RESULT_ITEM_CHOICES   (&("" RESULT_ITEMS(RESULT_ITEM_CHOICE))[1])

#endif
