#include "tests/documents/example.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A text in both languages, by enum document_language. */
struct words {
        const char *in[2];
};

#define MILLION INT64_C(1000000)

/* ---- results ---- */

struct results_row {
        enum document_row_style style;
        struct words label;
        const char *cells[11]; /* "": missing */
};

static const struct words results_headings[] = {
    {{"1Q16", "1Q16"}},
    {{"2Q16", "2Q16"}},
    {{"3Q16", "3Q16"}},
    {{"1Q\u20133Q16", "1Q\u20133Q16"}},
    {{"1Q\u20133Q15", "1Q\u20133Q15"}},
    {{"YoY", "前年同期比"}},
    {{"QoQ", "前四半期比"}},
    {{"FY16 target", "FY16 計画"}},
    {{"Progress", "進捗率"}},
    {{"Published", "公表値"}},
    {{"Difference", "差異"}},
};

static const struct results_row results_rows[] = {
    {DOCUMENT_TOTAL,
     {{"Revenue", "売上高"}},
     {"2,871.4", "2,962.3", "3,056.1", "8,889.8", "7,914.2", "+12.3%", "+3.2%", "11,800.0", "75.3%", "3,056",
      "+0.1"}},
    {DOCUMENT_DETAIL,
     {{"customer fee", "顧客手数料"}},
     {"1,421.9", "1,466.8", "1,512.7", "4,401.4", "3,918.0", "+12.3%", "+3.1%", "", "", "", ""}},
    {DOCUMENT_DETAIL,
     {{"interbank fee", "銀行間手数料"}},
     {"1,317.2", "1,358.3", "1,402.5", "4,078.0", "3,631.9", "+12.3%", "+3.3%", "", "", "", ""}},
    {DOCUMENT_DETAIL,
     {{"base fees", "基本料"}},
     {"132.3", "137.2", "140.9", "410.4", "364.3", "+12.7%", "+2.7%", "", "", "", ""}},
    {DOCUMENT_DETAIL,
     {{"of which earlier periods", "うち過年度分"}},
     {"", "", "12.4", "12.4", "", "", "", "", "", "", ""}},
    {DOCUMENT_NORMAL,
     {{"Cost of revenue", "売上原価"}},
     {"1,702.8", "1,741.0", "1,779.6", "5,223.4", "4,739.0", "+10.2%", "+2.2%", "6,980.0", "74.8%", "1,780",
      "\u22120.4"}},
    {DOCUMENT_DETAIL,
     {{"commissions to halls", "ホール手数料"}},
     {"861.4", "888.7", "916.8", "2,666.9", "2,374.3", "+12.3%", "+3.2%", "", "", "", ""}},
    {DOCUMENT_DETAIL,
     {{"depreciation", "減価償却費"}},
     {"372.0", "376.1", "380.5", "1,128.6", "1,079.9", "+4.5%", "+1.2%", "", "", "", ""}},
    {DOCUMENT_DETAIL,
     {{"cash handling", "現金警送費"}},
     {"228.5", "233.6", "238.2", "700.3", "642.4", "+9.0%", "+2.0%", "", "", "", ""}},
    {DOCUMENT_DETAIL,
     {{"lines and systems", "回線・システム費"}},
     {"152.6", "153.1", "153.9", "459.6", "446.1", "+3.0%", "+0.5%", "", "", "", ""}},
    {DOCUMENT_DETAIL,
     {{"maintenance", "保守費"}},
     {"88.3", "89.5", "90.2", "268.0", "196.3", "+36.5%", "+0.8%", "", "", "", ""}},
    {DOCUMENT_TOTAL,
     {{"Gross margin", "売上総利益"}},
     {"1,168.6", "1,221.3", "1,276.5", "3,666.4", "3,175.2", "+15.5%", "+4.5%", "4,820.0", "76.1%", "1,276",
      "+0.5"}},
    {DOCUMENT_DETAIL,
     {{"ratio", "売上総利益率"}},
     {"40.7%", "41.2%", "41.8%", "41.2%", "40.1%", "+1.1pt", "+0.5pt", "40.8%", "", "", ""}},
    {DOCUMENT_NORMAL,
     {{"Selling, general and administrative expenses", "販売費及び一般管理費"}},
     {"701.2", "689.9", "712.0", "2,103.1", "1,998.7", "+5.2%", "+3.2%", "2,840.0", "74.1%", "712",
      "\u2013"}},
    {DOCUMENT_TOTAL,
     {{"Operating income", "営業利益"}},
     {"467.4", "531.4", "564.5", "1,563.3", "1,176.5", "+32.9%", "+6.2%", "1,980.0", "79.0%", "564", "+0.5"}},
    {DOCUMENT_DETAIL,
     {{"margin", "営業利益率"}},
     {"16.3%", "17.9%", "18.5%", "17.6%", "14.9%", "+2.7pt", "+0.5pt", "16.8%", "", "", ""}},
    {DOCUMENT_NORMAL,
     {{"EBITDA", "EBITDA"}},
     {"839.4", "907.5", "945.0", "2,691.9", "2,256.4", "+19.3%", "+4.1%", "", "", "945", "\u2013"}},
    {DOCUMENT_NORMAL,
     {{"Non-controlling interests", "非支配株主持分"}},
     {"\u221238.2", "\u221244.0", "\u221246.9", "\u2212129.1", "\u221297.6", "+32.3%", "+6.6%", "", "", "",
      ""}},
    {DOCUMENT_SECTION, {{"Operations", "営業指標"}}, {0}},
    {DOCUMENT_NORMAL,
     {{"CAPEX", "設備投資額"}},
     {"318.0", "402.7", "295.5", "1,016.2", "1,240.8", "\u221218.1%", "\u221226.6%", "1,500.0", "67.7%", "",
      ""}},
    {DOCUMENT_NORMAL,
     {{"ATMs placed", "設置台数"}},
     {"982", "1,024", "1,066", "1,066", "931", "+14.5%", "+4.1%", "1,100", "96.9%", "1,066", "0"}},
    {DOCUMENT_NORMAL,
     {{"Withdrawals (thousands)", "出金件数（千件）"}},
     {"11,204", "11,562", "11,921", "34,687", "30,880", "+12.3%", "+3.1%", "", "", "", ""}},
    {DOCUMENT_NORMAL,
     {{"Revenue per ATM and day (yen)", "1台1日当たり売上高（円）"}},
     {"32,131", "31,795", "31,161", "31,683", "31,004", "+2.2%", "\u22122.0%", "", "", "", ""}},
};

static const struct words results_notes[] = {
    {{"Quarters are those of the fiscal year, which begins in April: 3Q16 is October to December 2016.",
      "四半期は4月に始まる会計年度による。3Q16は2016年10月～12月。"}},
    {{"Published: figures of the company's announcement, in whole millions; the difference is ours less "
      "theirs.",
      "公表値は会社発表（百万円単位）。差異は当システムの値から公表値を引いたもの。"}},
};

static void add_money_chart(struct document *d, enum document_language in)
{
        static const char *const quarters[] = {"4Q14", "1Q15", "2Q15", "3Q15",
                                               "4Q15", "1Q16", "2Q16", "3Q16"};
        static const struct document_value revenue[] = {
            {2311 * MILLION + 200000, false}, {2548 * MILLION, false}, {2633 * MILLION, false},
            {2733 * MILLION, false},          {2790 * MILLION, false}, {2871 * MILLION, false},
            {2962 * MILLION, false},          {3056 * MILLION, false}};
        static const struct document_value income[] = {
            {-182 * MILLION, false}, {346 * MILLION, false}, {0, true},
            {411 * MILLION, false},  {420 * MILLION, false}, {467 * MILLION, false},
            {531 * MILLION, false},  {564 * MILLION, false}};
        static const struct words title = {{"Revenue and operating income", "売上高と営業利益"}};
        static const struct words unit = {{"millions of yen", "百万円"}};
        static const struct words names[] = {{{"Revenue", "売上高"}}, {{"Operating income", "営業利益"}}};
        const struct document_series series[] = {{.name = names[0].in[in], .values = revenue},
                                                 {.name = names[1].in[in], .line = true, .values = income}};

        document_chart(d, &(struct document_chart){.kind = DOCUMENT_COLUMNS,
                                                   .title = title.in[in],
                                                   .unit = unit.in[in],
                                                   .categories = quarters,
                                                   .category_count = COUNT(quarters),
                                                   .series = series,
                                                   .series_count = 2,
                                                   .scale = MILLION});
}

static void add_atm_chart(struct document *d, enum document_language in)
{
        static const char *const quarters[] = {"4Q14", "1Q15", "2Q15", "3Q15",
                                               "4Q15", "1Q16", "2Q16", "3Q16"};
        static const struct document_value placed[] = {{801, false},  {846, false}, {888, false},
                                                       {931, false},  {957, false}, {982, false},
                                                       {1024, false}, {1066, false}};
        static const struct words title = {{"ATMs placed", "設置台数"}};
        static const struct words unit = {{"at the quarter's end", "四半期末、台"}};
        const struct document_series series = {.name = title.in[in], .values = placed};

        document_chart(d, &(struct document_chart){.kind = DOCUMENT_LINE,
                                                   .title = title.in[in],
                                                   .unit = unit.in[in],
                                                   .categories = quarters,
                                                   .category_count = COUNT(quarters),
                                                   .series = &series,
                                                   .series_count = 1,
                                                   .scale = 1});
}

struct document *example_results(enum document_language in)
{
        static const struct words title = {
            {"ATM operation business: results of 3Q16 (FY2016)", "ATM運営事業 2016年度第3四半期 業績"}};
        static const struct words subtitle = {
            {"1 October to 31 December 2016, in millions of yen unless stated otherwise",
             "2016年10月1日～12月31日、特記なき場合は百万円"}};
        static const struct words status = {
            {"Preliminary: the quarter is not over yet", "速報値：四半期は終了していません"}};
        static const struct words footer = {
            {"Made on 31 December 2016 at 18:00 from the ledger of the ATM network",
             "2016年12月31日18時 ATM台帳より作成"}};
        struct document *d = document_new(in);
        struct document_column columns[COUNT(results_headings)];

        document_title(d, title.in[in]);
        document_subtitle(d, subtitle.in[in]);
        document_status(d, status.in[in]);
        document_footer(d, footer.in[in]);
        document_made(d, 1483174800);
        add_money_chart(d, in);
        add_atm_chart(d, in);
        for (size_t i = 0; i < COUNT(columns); i++)
                columns[i] = (struct document_column){.heading = results_headings[i].in[in],
                                                      .align = DOCUMENT_RIGHT,
                                                      .strong = i == 2,
                                                      .apart = i == 3 || i == 7 || i == 9};
        document_table(d, "", "", columns, COUNT(columns));
        for (size_t i = 0; i < COUNT(results_rows); i++) {
                const struct results_row *row = &results_rows[i];
                const char *cells[COUNT(columns)];

                for (size_t c = 0; c < COUNT(columns); c++)
                        cells[c] = row->cells[c] && row->cells[c][0] ? row->cells[c] : NULL;
                document_row(d, row->style, row->label.in[in], row->style == DOCUMENT_SECTION ? NULL : cells);
        }
        for (size_t i = 0; i < COUNT(results_notes); i++)
                document_footnote(d, results_notes[i].in[in]);
        return d;
}

/* ---- revenue ---- */

static const char *const areas[] = {"関東", "関西", "九州", "東海", "北海道・東北", "中国・四国"};
static const struct document_value area_revenue[] = {{4659330, false}, {3115760, false}, {2146080, false},
                                                     {1962510, false}, {0, true},        {803200, false}};

static void add_area_chart(struct document *d, enum document_language in)
{
        static const struct words title = {{"Revenue by area", "地域別売上高"}};
        static const struct words unit = {{"thousands of yen, share of the whole", "千円、構成比"}};
        const struct document_series series = {.name = title.in[in], .values = area_revenue};

        document_chart(d, &(struct document_chart){.kind = DOCUMENT_SHARES,
                                                   .title = title.in[in],
                                                   .unit = unit.in[in],
                                                   .categories = areas,
                                                   .category_count = COUNT(areas),
                                                   .series = &series,
                                                   .series_count = 1,
                                                   .scale = 1000});
}

static void add_hour_chart(struct document *d, enum document_language in)
{
        static const char *const hours[] = {"0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",
                                            "8",  "9",  "10", "11", "12", "13", "14", "15",
                                            "16", "17", "18", "19", "20", "21", "22", "23"};
        static const struct words title = {{"Withdrawals by hour of the day", "時間帯別出金件数"}};
        static const struct words unit = {{"an average day", "1日平均"}};
        struct document_value counts[24];
        const struct document_series series = {.name = title.in[in], .values = counts};

        for (int i = 0; i < 24; i++)
                counts[i] = (struct document_value){.amount = i < 9 ? 0 : 3800 - (i - 19) * (i - 19) * 31,
                                                    .missing = i < 9 || i == 23};
        document_chart(d, &(struct document_chart){.kind = DOCUMENT_HOURS,
                                                   .title = title.in[in],
                                                   .unit = unit.in[in],
                                                   .categories = hours,
                                                   .category_count = COUNT(hours),
                                                   .series = &series,
                                                   .series_count = 1,
                                                   .scale = 1});
}

static const struct words revenue_headings[] = {{{"Area", "地域"}},
                                                {{"Withdrawals", "出金件数"}},
                                                {{"Customer fee", "顧客手数料"}},
                                                {{"Interbank fee", "銀行間手数料"}},
                                                {{"Revenue", "売上高"}}};

struct document *example_revenue(enum document_language in)
{
        static const struct words title = {{"Revenue by area", "地域別売上高"}};
        static const struct words subtitle = {{"29 to 31 December 2016, in yen", "2016年12月29日～31日、円"}};
        static const struct words footer = {{"Made on 1 January 2017", "2017年1月1日作成"}};
        static const struct words total = {{"Total", "合計"}};
        static const char *const cells[][4] = {
            {"19,169", "2,363,500", "2,295,830", "4,659,330"},
            {"12,814", "1,591,300", "1,524,460", "3,115,760"},
            {"8,795", "1,095,000", "1,051,080", "2,146,080"},
            {"8,057", "998,000", "964,510", "1,962,510"},
            {NULL, NULL, NULL, NULL},
            {"3,411", "410,100", "393,100", "803,200"},
            {"52,246", "6,457,900", "6,228,980", "12,686,880"},
        };
        struct document *d = document_new(in);
        struct document_column columns[4];

        document_title(d, title.in[in]);
        document_subtitle(d, subtitle.in[in]);
        document_footer(d, footer.in[in]);
        document_made(d, 1483228800);
        add_area_chart(d, in);
        add_hour_chart(d, in);
        for (size_t i = 0; i < 4; i++)
                columns[i] = (struct document_column){
                    .heading = revenue_headings[i + 1].in[in], .align = DOCUMENT_RIGHT, .strong = i == 3};
        document_table(d, title.in[in], revenue_headings[0].in[in], columns, COUNT(columns));
        for (size_t i = 0; i < COUNT(areas); i++)
                document_row(d, DOCUMENT_NORMAL, areas[i], cells[i]);
        document_row(d, DOCUMENT_TOTAL, total.in[in], cells[COUNT(areas)]);
        return d;
}

/* ---- fleet ---- */

static const struct words fleet_headings[] = {
    {{"Rank", "順位"}},           {{"Hall", "ホール"}},
    {{"Prefecture", "都道府県"}}, {{"Withdrawals", "出金件数"}},
    {{"Revenue", "売上高"}},
};

struct document *example_fleet(enum document_language in, size_t rows)
{
        static const struct words title = {{"Halls by revenue", "ホール別売上高"}};
        static const struct words subtitle = {{"3Q16, in yen", "2016年度第3四半期、円"}};
        static const char *const halls[] = {"パーラー松風 薩摩川内店", "ホール白鷺 各務原店",
                                            "遊技場桐の葉 茨木店", "遊技館青海波 越谷店"};
        static const char *const prefectures[] = {"鹿児島県", "岐阜県", "大阪府", "埼玉県"};
        struct document *d = document_new(in);
        struct document_column columns[4];

        document_title(d, title.in[in]);
        document_subtitle(d, subtitle.in[in]);
        for (size_t i = 0; i < 4; i++)
                columns[i] = (struct document_column){.heading = fleet_headings[i + 1].in[in],
                                                      .align = i < 2 ? DOCUMENT_LEFT : DOCUMENT_RIGHT};
        document_table(d, "", fleet_headings[0].in[in], columns, COUNT(columns));
        for (size_t i = 0; i < rows; i++) {
                char rank[32], count[32], revenue[32];
                const char *cells[] = {halls[i % COUNT(halls)], prefectures[i % COUNT(halls)], count,
                                       revenue};

                snprintf(rank, sizeof(rank), "%zu", i + 1);
                snprintf(count, sizeof(count), "%zu,%03zu", 9 - i / 200 % 9, (7 * i) % 1000);
                snprintf(revenue, sizeof(revenue), "%zu,%03zu,%03zu", 3 - i / 500 % 3, (11 * i) % 1000,
                         (13 * i) % 1000);
                document_row(d, DOCUMENT_NORMAL, rank, cells);
        }
        return d;
}

/* ---- charts ---- */

/* A wave, with a value missing now and then. */
static void wave(struct document_value *values, size_t count, int64_t height, int64_t offset)
{
        for (size_t i = 0; i < count; i++) {
                int64_t at = (int64_t)(i * 7 % 13) - 6;

                values[i] =
                    (struct document_value){.amount = offset + height * at / 6, .missing = i % 9 == 5};
        }
}

struct document *example_charts(enum document_language in)
{
        static const char *const names[] = {"北海道", "東北", "関東・甲信越",
                                            "東海",   "関西", "中国・四国（本州四国連絡橋を含む）",
                                            "九州",   "沖縄"};
        static const struct chart_case {
                const char *title, *unit;
                enum document_chart_kind kind;
                size_t categories, series;
                int64_t height, offset, scale;
                unsigned decimals;
                bool wide, second_is_line;
        } cases[] = {
            {"Net change", "billions of yen", DOCUMENT_COLUMNS, 8, 1, 2340, -400, 1000, 2, false, false},
            {"Two columns a quarter", "yen", DOCUMENT_COLUMNS, 8, 2, 480, 600, 1, 0, false, false},
            {"All negative", "", DOCUMENT_COLUMNS, 8, 1, 480, -600, 1, 0, false, false},
            {"Many quarters", "", DOCUMENT_LINE, 40, 2, 300, 5000, 1, 0, false, true},
            {"Long names", "share of the whole", DOCUMENT_SHARES, 8, 1, 300, 400, 1, 0, false, false},
            {"A month", "", DOCUMENT_HOURS, 31, 1, 1800, 2100, 1, 0, true, false},
        };
        struct document *d = document_new(in);

        document_title(d, "Charts");
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct document_value values[2][40];
                char texts[40][48];
                const char *categories[40];
                const struct document_series series[] = {
                    {.name = "Kanto", .values = values[0]},
                    {.name = "Kansai", .line = cases[i].second_is_line, .values = values[1]}};

                wave(values[0], cases[i].categories, cases[i].height, cases[i].offset);
                wave(values[1], cases[i].categories, cases[i].height / 2, cases[i].offset / 2);
                for (size_t c = 0; c < cases[i].categories; c++) {
                        if (cases[i].kind == DOCUMENT_HOURS)
                                snprintf(texts[c], sizeof(texts[c]), "%zu", c + 1);
                        else
                                snprintf(texts[c], sizeof(texts[c]), "%zuQ%02zu", c % 4 + 1, 10 + c / 4);
                        categories[c] = cases[i].kind == DOCUMENT_SHARES ? names[c] : texts[c];
                }
                document_chart(d, &(struct document_chart){.kind = cases[i].kind,
                                                           .title = cases[i].title,
                                                           .unit = cases[i].unit,
                                                           .categories = categories,
                                                           .category_count = cases[i].categories,
                                                           .series = series,
                                                           .series_count = cases[i].series,
                                                           .scale = cases[i].scale,
                                                           .decimals = cases[i].decimals,
                                                           .wide = cases[i].wide});
        }
        return d;
}
