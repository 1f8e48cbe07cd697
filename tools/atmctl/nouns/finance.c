/*
 * What finance enters beside the ledger: contracts of ATMs, costs, targets, published figures, what others
 * publish, rates.
 */

#include "tools/atmctl/nouns/entity_commands.h"

static const struct field contract_fields[] = {
    {"terminal", VALUE_TERMINAL, FIELD_KEY | FIELD_FILTER, "the ATM", NULL, NULL, "terminal", "atm.terminal"},
    {"from", VALUE_DATE, FIELD_KEY, "the first day that it stands there", NULL, NULL, "from_on", NULL},
    {"until", VALUE_DATE, FIELD_NULLABLE, "the first day that it no longer does; none: it stands there", "",
     NULL, "until_on", NULL},
    {"hall", VALUE_HALL, FIELD_FILTER, "where", NULL, NULL, "hall", "hall"},
    {"base_fee_yen", VALUE_FEE, 0, "what the hall pays a month, before tax", NULL, NULL, "base_fee_yen",
     NULL},
    {.name = NULL},
};
static const struct entity_rule contract_rules[] = {
    {"until", "s.until_on <= s.from_on", "a day after 'from'"},
    {NULL, NULL, NULL},
};
static const struct entity contract = {.noun = "contract",
                                       .plural = "contracts",
                                       .table = "contract",
                                       .fields = contract_fields,
                                       .order = "t.terminal, t.from_on",
                                       .rules = contract_rules,
                                       .is_noted = true};

static const struct field cost_fields[] = {
    {"quarter", VALUE_QUARTER, FIELD_KEY | FIELD_FILTER, "the quarter", NULL, NULL, "quarter", NULL},
    {"item", VALUE_COST_ITEM, FIELD_KEY | FIELD_FILTER, "what it is for", NULL, NULL, "item", NULL},
    {"amount_yen", VALUE_YEN, 0, "the whole quarter's", NULL, NULL, "amount_yen", NULL},
    {"note", VALUE_TEXT, FIELD_NULLABLE, "where the figure comes from", "", NULL, "note", NULL},
    {.name = NULL},
};
static const struct entity cost = {.noun = "cost",
                                   .plural = "costs",
                                   .table = "cost",
                                   .fields = cost_fields,
                                   .order = "right(t.quarter, 2), t.quarter, t.item"};

static const struct field target_fields[] = {
    {"fy", VALUE_FISCAL_YEAR, FIELD_KEY | FIELD_FILTER, "the fiscal year", NULL, NULL, "fiscal_year", NULL},
    {"item", VALUE_RESULT_ITEM, FIELD_KEY | FIELD_FILTER, "what is to be reached", NULL, NULL, "item", NULL},
    {"announced", VALUE_DATE, FIELD_KEY, "when it was announced: it holds for quarters that end later", NULL,
     NULL, "announced_on", NULL},
    {"value", VALUE_AMOUNT, 0, "the whole year's, or what is to be there at its end", NULL, NULL, "value",
     NULL},
    {"note", VALUE_TEXT, FIELD_NULLABLE, "why", "", NULL, "note", NULL},
    {.name = NULL},
};
static const struct entity target = {.noun = "target",
                                     .plural = "targets",
                                     .table = "target",
                                     .fields = target_fields,
                                     .order = "t.fiscal_year, t.item, t.announced_on"};

static const struct field published_fields[] = {
    {"period", VALUE_PERIOD, FIELD_KEY | FIELD_FILTER, "a quarter, or several from the first on", NULL, NULL,
     "period", NULL},
    {"item", VALUE_RESULT_ITEM, FIELD_KEY | FIELD_FILTER, "which figure", NULL, NULL, "item", NULL},
    {"value", VALUE_AMOUNT, 0, "what was published, or follows from it", NULL, NULL, "value", NULL},
    {"source", VALUE_TEXT, 0, "the document, and how it follows", NULL, NULL, "source", NULL},
    {.name = NULL},
};
static const struct entity published = {.noun = "published",
                                        .plural = "published figures",
                                        .table = "published",
                                        .fields = published_fields,
                                        .order = "right(t.period, 2), t.period, t.item"};

static const struct field peer_fields[] = {
    {"peer", VALUE_PEER, FIELD_KEY | FIELD_FILTER, "who", NULL, NULL, "peer", NULL},
    {"item", VALUE_PEER_ITEM, FIELD_KEY, "which figure", NULL, NULL, "item", NULL},
    {"value", VALUE_DECIMAL, 0, "the figure", NULL, NULL, "value", NULL},
    {"source", VALUE_TEXT, 0, "the document, and how it follows", NULL, NULL, "source", NULL},
    {.name = NULL},
};
static const struct entity peer = {.noun = "peer",
                                   .plural = "figures of others",
                                   .table = "peer",
                                   .fields = peer_fields,
                                   .order = "t.peer, t.item"};

static const struct field rate_fields[] = {
    {"item", VALUE_RATE_ITEM, FIELD_KEY | FIELD_FILTER, "of what", NULL, NULL, "item", NULL},
    {"from", VALUE_DATE, FIELD_KEY, "the first day", NULL, NULL, "from_on", NULL},
    {"rate_bp", VALUE_BASIS_POINTS, 0, "the rate", NULL, NULL, "rate_bp", NULL},
    {"note", VALUE_TEXT, FIELD_NULLABLE, "where it comes from", "", NULL, "note", NULL},
    {.name = NULL},
};
static const struct entity rate = {.noun = "rate",
                                   .plural = "rates",
                                   .table = "finance_rate",
                                   .fields = rate_fields,
                                   .order = "t.item, t.from_on"};

static const struct command commands[] = {
    KEPT(contract, "a contract of an ATM with a hall", "contracts of ATMs with halls"),
    REMOVE(contract, "a contract of an ATM with a hall"),
    DATED(cost, "a quarter's cost", "costs by quarter"),
    DATED(target, "a fiscal year's target", "targets of fiscal years"),
    DATED(published, "a published figure", "published figures of our own"),
    DATED(peer, "a figure that others publish", "figures that others publish"),
    DATED(rate, "a rate of the results", "rates: income tax, share of non-controlling interests"),
};

const struct command_group group_finance = {commands, sizeof(commands) / sizeof(*commands),
                                            "What finance enters"};
