/* Which withdrawals: see withdrawal_find.h. */
#include "tools/atmctl/withdrawal_find.h"

#include <assert.h>
#include <string.h>

#include "tools/atmctl/rows.h"

#define SAME_KEY(row)                                                                                        \
        row ".terminal = w.terminal AND " row ".transmitted_at = w.transmitted_at AND " row ".stan = w.stan"
#define WITHDRAWAL_COLUMNS                                                                                   \
        MOMENT("v.transmitted_at")                                                                           \
        ", v.terminal, v.stan, v.rrn, v.card_token, v.pan_mask, v.amount_yen, v.dispensed_yen, "             \
        "v.customer_fee_yen, v.interbank_fee_yen, v.tax_yen, v.state, v.de39, v.reason, v.hall, "            \
        "v.business_date, v.issuer, v.band, v.approval_code, v.link, v.outcome_cause, v.bank_de39"

const struct output_column withdrawal_columns[WITHDRAWAL_COLUMN_COUNT] = {
    {"transmitted_at", OUTPUT_TEXT, 0},
    {"terminal", OUTPUT_TEXT, 0},
    {"stan", OUTPUT_NUMBER, 0},
    {"rrn", OUTPUT_TEXT, 0},
    {"card_token", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"pan_mask", OUTPUT_TEXT, 0},
    {"amount_yen", OUTPUT_YEN, 0},
    {"dispensed_yen", OUTPUT_YEN, 0},
    {"customer_fee_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"interbank_fee_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"tax_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"state", OUTPUT_TEXT, 0},
    {"de39", OUTPUT_TEXT, 0},
    {"reason", OUTPUT_TEXT, 0},
    {"hall", OUTPUT_TEXT, 0},
    {"business_date", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"issuer", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"band", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"approval_code", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"link", OUTPUT_TEXT, 0},
    {"cause", OUTPUT_TEXT, 0},
    {"bank_de39", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
};

#define HAS_OUTCOME "EXISTS (SELECT FROM bank_outcome x WHERE " SAME_KEY("x") ")"
#define IS_OPEN     "EXISTS (SELECT FROM open_withdrawal o WHERE " SAME_KEY("o") ")"
#define ENDED_AS(state)                                                                                      \
        "coalesce(w.reason, 0) = 0 AND EXISTS (SELECT FROM advice a WHERE " SAME_KEY(                        \
            "a") " AND a.state = '" state "' AND NOT EXISTS (SELECT FROM advice l WHERE l.terminal = "       \
                 "a.terminal AND l.transmitted_at = "                                                        \
                 "a.transmitted_at AND l.stan = a.stan AND l.seq > a.seq))"

/* A state as a condition that the history's own rows answer, before the end of each is looked up. */
static const struct {
        const char *state, *condition;
} state_conditions[] = {
    {"blocked", "w.reason = 6"},
    {"declined",
     "(w.reason NOT IN (0, 6) OR w.reason IS NULL AND EXISTS (SELECT FROM bank_outcome x WHERE " SAME_KEY(
         "x") " AND x.reason <> 0 AND x.cause IN ('answer', 'timeout')))"},
    {"asked", "w.reason IS NULL AND " IS_OPEN " AND NOT " HAS_OUTCOME},
    {"approved", "(w.reason = 0 OR " HAS_OUTCOME ") AND " IS_OPEN},
    {"completed", ENDED_AS("completed")},
    {"reversed", ENDED_AS("reversed")},
};

static void select_state(struct selection *selection, const char *state)
{
        size_t i = 0;

        while (i < LENGTH(state_conditions) && strcmp(state_conditions[i].state, state))
                i++;
        assert(i < LENGTH(state_conditions)); /* the kind of value has checked it */
        sql_add(&selection->conditions, " AND %s", state_conditions[i].condition);
}

static bool select_withdrawals(struct selection *selection, struct database *database,
                               const struct invocation *invocation)
{
        const char *rrn = invocation_value(invocation, "rrn"), *state = invocation_value(invocation, "state");

        select_equal(selection, "w.terminal", "text", invocation_value(invocation, "terminal"));
        select_time(selection, invocation, "w.transmitted_at");
        select_equal(selection, "w.stan", "integer", invocation_value(invocation, "stan"));
        select_equal(selection, "w.business_date", "date", invocation_value(invocation, "date"));
        select_equal(selection, "w.amount_yen", "bigint", invocation_value(invocation, "amount-yen"));
        select_equal(selection, "w.link", "text", invocation_value(invocation, "link"));
        if (*selection->token)
                select_equal(selection, "w.card_token", "uuid", selection->token);
        if (state)
                select_state(selection, state);
        return !rrn || select_rrn(selection, database, "w.", rrn);
}

/* A business date bounds the moment too, which is what partitions go by. */
static void bound_date(struct selection *selection, const struct invocation *invocation)
{
        const char *date = invocation_value(invocation, "date");

        if (!date)
                return;
        sql_add(&selection->conditions, " AND w.transmitted_at >= ($%d::date)::timestamptz",
                selection_parameter(selection, date));
        sql_add(&selection->conditions, " AND w.transmitted_at < ($%d::date + 1)::timestamptz",
                selection_parameter(selection, date));
}

int withdrawal_card(const struct invocation *invocation, struct selection *selection)
{
        *selection->token = '\0';
        if (!invocation_has(invocation, "card") && !invocation_has(invocation, "token"))
                return EXIT_DONE;
        return card_token_given(invocation, selection->token);
}

PGresult *withdrawal_find(struct database *database, const struct invocation *invocation,
                          struct selection *selection, const char *limit)
{
        struct sqltext sql;

        selection->count = 0;
        sql_start(&selection->conditions);
        if (!select_withdrawals(selection, database, invocation))
                return NULL;
        bound_date(selection, invocation);
        sql_start(&sql);
        sql_add(
            &sql,
            "SELECT " WITHDRAWAL_COLUMNS
            " FROM (SELECT terminal, transmitted_at, stan FROM withdrawal w WHERE true%s "
            "ORDER BY transmitted_at DESC, terminal DESC, stan DESC LIMIT %s) k JOIN v_withdrawal v USING (terminal, "
            "transmitted_at, stan) ORDER BY transmitted_at DESC, terminal DESC, stan DESC",
            selection->conditions.text, limit);
        return database_query(database, sql.text, selection->count, selection->parameters);
}

bool withdrawal_is_selected(const struct invocation *invocation)
{
        static const struct field selecting[] = {WITHDRAWAL_FIELDS, {.name = NULL}};

        for (const struct field *field = selecting; field->name; field++) {
                if (invocation_has(invocation, field->name))
                        return true;
        }
        return invocation_has(invocation, "card") || invocation_has(invocation, "token");
}

PGresult *withdrawal_find_one(struct database *database, const struct invocation *invocation,
                              struct selection *selection)
{
        PGresult *result = withdrawal_find(database, invocation, selection, "2");

        if (!result || PQntuples(result) == 1)
                return result;
        if (!PQntuples(result))
                complain("%s: none is like that", invocation_name(invocation));
        else
                complain(
                    "%s: several are like that: expected options that select one; 'atmctl withdrawal list' "
                    "shows them",
                    invocation_name(invocation));
        PQclear(result);
        return NULL;
}
