/*
 * The items of a quarter's results as rows: X(name, unit, kind). Code, checks of imports (published figures, targets) and
 * what people read (backoffice/pages/results_text.c) go by the same rows.
 *
 *      unit   yen; percent (in tenths: 123 is 12.3 %); count
 *      kind   how the figure of several quarters is had: SUM of theirs, END: that of the last, OF: computed anew
 */
#ifndef BACKOFFICE_BOOKS_RESULT_ITEMS_H
#define BACKOFFICE_BOOKS_RESULT_ITEMS_H

#define RESULT_ITEMS(X)                                                                                      \
        X(revenue, YEN, SUM)                                                                                 \
        X(customer_fee, YEN, SUM)                                                                            \
        X(interbank_fee, YEN, SUM)                                                                           \
        X(base_fee, YEN, SUM)                                                                                \
        X(earlier_periods, YEN, SUM)                                                                         \
        X(cost_of_revenue, YEN, SUM)                                                                         \
        X(hall_share, YEN, SUM)                                                                              \
        X(cash_in_transit, YEN, SUM)                                                                         \
        X(network, YEN, SUM)                                                                                 \
        X(maintenance, YEN, SUM)                                                                             \
        X(depreciation, YEN, SUM)                                                                            \
        X(gross_margin, YEN, SUM)                                                                            \
        X(gross_margin_ratio, PERCENT, OF)                                                                   \
        X(sga, YEN, SUM)                                                                                     \
        X(operating_income, YEN, SUM)                                                                        \
        X(operating_margin, PERCENT, OF)                                                                     \
        X(ebitda, YEN, SUM)                                                                                  \
        X(net_income, YEN, SUM)                                                                              \
        X(non_controlling_interests, YEN, SUM)                                                               \
        X(capex, YEN, SUM)                                                                                   \
        X(atms, COUNT, END)                                                                                  \
        X(withdrawals, COUNT, SUM)                                                                           \
        X(revenue_per_atm_day, WHOLE_YEN, OF)

enum result_item {
#define ITEM_ENUM(name, unit, kind) RESULT_##name,
        RESULT_ITEMS(ITEM_ENUM)
#undef ITEM_ENUM
            RESULT_ITEM_COUNT
};

/* All of them, "revenue|customer_fee|...", which may begin with a '|'. */
#define RESULT_ITEM_CHOICE(name, unit, kind) "|" #name
#define RESULT_ITEM_CHOICES                  (&("" RESULT_ITEMS(RESULT_ITEM_CHOICE))[1])

#endif
