#include "backoffice/audit/verify_entries.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/db/sqltext.h"
#include "rules/reasons.h"
#include "rules/withdrawal.h"

/* asking ----------------------------------------------------------------------------------------------- */

static void add_text(struct fact *fact, const struct copy_source *source, uint32_t name)
{
        fact_text(fact, names_text(source->names, name));
}

/* A question's rows: what it is about, what is expected, what is there; NULL: nothing. */
static bool ask(struct copy_source *source, struct findings *findings, enum verify_check check,
                const char *query)
{
        struct copy_out copy;

        if (!copy_out_begin(&copy, source, query))
                return false;
        while (copy_out_row(&copy)) {
                struct fact fact[3];

                for (size_t i = 0; i < LENGTH(fact); i++) {
                        fact_begin(&fact[i], FACT_VALUE);
                        add_text(&fact[i], source, copy_name(&copy));
                }
                findings_add(findings, check, &fact[0], &fact[1], &fact[2]);
                copy.failed |= findings->failed;
        }
        findings->checked[check]++;
        return copy_out_end(&copy);
}

/* what the programs know ------------------------------------------------------------------------------- */

/* As SQL writes it. */
static void put_quoted(struct sqltext *text, const char *word)
{
        size_t plain;

        for (sql_add(text, "'"); *word; word += plain + (word[plain] != '\0')) {
                plain = strcspn(word, "'");
                sql_add(text, "%.*s%s", (int)plain, word, word[plain] ? "''" : "");
        }
        sql_add(text, "'");
}

static void put_reasons(struct sqltext *text)
{
        for (int i = 0; i < REASON_COUNT; i++) {
                const struct reason_row *row = &reason_rows[i];

                sql_add(text, "%s(%d::smallint, '%s', '%s', %s, ", i ? ", " : "", i, row->name, row->de39,
                        row->kept ? "true" : "false");
                put_quoted(text, row->text);
                sql_add(text, ")");
        }
}

static void put_rules(struct sqltext *text)
{
        const char *before = "";

        for (size_t i = 0; i < LENGTH(withdrawal_rules); i++) {
                const struct withdrawal_rule *rule = &withdrawal_rules[i];

                if (rule->from == WITHDRAWAL_UNKNOWN)
                        continue;
                sql_add(text, "%s('%s', '%s', '%s', %d::smallint, %s)", before,
                        withdrawal_state_name[rule->from], dispensed_relation_name[rule->relation],
                        withdrawal_state_name[rule->to], rule->commission,
                        rule->exception ? "true" : "false");
                before = ", ";
        }
}

/* A table against the rows that rules/ has of it: `columns`, of which the first `key` make the key. */
static bool ask_rules(struct copy_source *source, struct findings *findings, const char *table,
                      const char *key, const char *columns, void (*put_rows)(struct sqltext *text))
{
        struct sqltext query;

        sql_start(&query);
        sql_add(&query, "SELECT concat_ws(' ', '%s', %s), r::text, t::text FROM (VALUES ", table, key);
        put_rows(&query);
        sql_add(&query,
                ") r (%s) FULL JOIN (SELECT %s FROM %s) t USING (%s) "
                "WHERE (r.*)::text IS DISTINCT FROM (t.*)::text",
                columns, columns, table, key);
        return ask(source, findings, CHECK_RULE, query.text);
}

/* what people entered ---------------------------------------------------------------------------------- */

/*
 * A table that the trail follows, by its key. Of cards the trail has only masks, so that they can't be told from each other. Whole:
 * it was followed from its first row on; rows of the others may be older than the trail.
 */
static const struct followed {
        const char *table, *noun, *key;
        bool is_whole;
} followed[] = {
    {"area", "area", "area", false},
    {"hall", "hall", "hall", false},
    {"atm", "atm", "terminal", false},
    {"issuer", "issuer", "issuer", false},
    {"card_prefix", "prefix", "prefix,from_on", false},
    {"tariff", "tariff", "issuer,band,from_on", false},
    {"tax_rate", "tax", "from_on", false},
    {"holiday", "holiday", "day,source", false},
    {"limit_rule", "limit", "kind,from_on", false},
    {"network_hours", "hours", "from_on,day_kind", false},
    {"period", "period", "quarter", false},
    {"business_clock", "clock", "only_row", false},
    {"contract", "contract", "terminal,from_on", true},
    {"cost", "cost", "quarter,item", true},
    {"target", "target", "fiscal_year,item,announced_on", true},
    {"published", "published", "period,item", true},
    {"peer", "peer", "peer,item", true},
    {"finance_rate", "rate", "item,from_on", true},
    {"claim", "claim", "claim", true},
    {"v_key_set", "key-set", "owner_kind,owner,kind,number", true}, /* without its blocks */
};

/*
 * Each row is as the trail's last word of its key has it, and each word begins where the one before it ended. A change of the
 * key says two words: that the old one is gone, and what the new one is. (A hall's change also says from which day on.)
 */
static bool ask_trail(struct copy_source *source, struct findings *findings, const struct followed *table)
{
        struct sqltext query;

        sql_start(&query);
        sql_add(
            &query,
            "WITH word AS (SELECT t.change, k.part, (SELECT string_agg(k.row ->> n.name, ' ' ORDER BY "
            "n.place) "
            "FROM unnest('{%2$s}'::text[]) WITH ORDINALITY n (name, place)) AS key, k.row, k.word FROM trail "
            "t "
            "CROSS JOIN LATERAL (SELECT 0 AS part, t.before AS row, NULL::jsonb AS word WHERE t.before IS "
            "NOT NULL "
            "UNION ALL SELECT 1, t.after - 'from', t.after - 'from' WHERE t.after IS NOT NULL) k WHERE "
            "t.noun = '%3$s'), "
            "told AS (SELECT w.*, lag(w.word) OVER key AS last, lag(w.part) OVER key IS NULL AS is_first, "
            "lead(w.part) OVER key IS NULL AS is_newest FROM word w WINDOW key AS (PARTITION BY w.key ORDER "
            "BY w.change, "
            "w.part)), now AS (SELECT (SELECT string_agg(to_jsonb(s) ->> n.name, ' ' ORDER BY n.place) "
            "FROM unnest('{%2$s}'::text[]) WITH ORDINALITY n (name, place)) AS key, to_jsonb(s) AS row FROM "
            "%1$s s) ",
            table->table, table->key, table->noun);
        sql_add(&query,
                "SELECT '%1$s ' || coalesce(t.key, r.key), t.word::text, r.row::text FROM (SELECT * FROM "
                "told WHERE is_newest) t "
                "FULL JOIN now r USING (key) WHERE (r.row @> t.word) IS NOT TRUE AND (r.row IS NOT NULL OR "
                "t.word IS NOT NULL)%2$s "
                "UNION ALL SELECT '%1$s ' || t.key || ', change ' || t.change, t.last::text, t.row::text "
                "FROM told t "
                "WHERE t.part = 0 AND (t.row @> t.last) IS NOT TRUE%3$s",
                table->noun, table->is_whole ? "" : " AND t.key IS NOT NULL",
                table->is_whole ? "" : " AND NOT t.is_first");
        return ask(source, findings, CHECK_TRAIL, query.text);
}

static const struct question {
        enum verify_check check;
        const char *query;
} questions[] = {
    /* quarters are whole, and their tables are there (between them there may be some that nobody made) */
    {CHECK_RULE,
     "SELECT 'quarter from ' || q.from_on, (q.from_on + INTERVAL '3 months')::date::text, q.to_on::text "
     "FROM ledger_partition q WHERE q.to_on <> (q.from_on + INTERVAL '3 months')::date "
     "OR q.from_on <> date_trunc('quarter', q.from_on::timestamp)::date"},
    /* what atmd decides from is what people entered */
    {CHECK_REFERENCE, "SELECT concat_ws(' ', section, array_to_string(cell, ' ')), s.is_there, c.source "
                      "FROM (SELECT *, 'entered' AS is_there FROM reference_snapshot(0) WHERE section <> "
                      "'version') s FULL JOIN reference_copy c "
                      "USING (section, cell) WHERE s.is_there IS NULL OR c.source IS NULL"},
    /* a hall's places follow each other, from the first day on, and the last is where it is */
    {CHECK_REFERENCE, "SELECT 'hall ' || p.hall || ' since ' || p.from_on, coalesce(p.next::text, "
                      "'infinity'), p.until_on::text "
                      "FROM (SELECT p.*, lead(p.from_on) OVER hall AS next FROM hall_place p WINDOW hall AS "
                      "(PARTITION BY p.hall ORDER BY "
                      "p.from_on)) p WHERE p.until_on <> coalesce(p.next, 'infinity')"},
    {CHECK_REFERENCE,
     "SELECT 'hall ' || h.hall, concat_ws(' ', h.first, h.area, h.prefecture, h.share_bp), "
     "concat_ws(' ', f.from_on, p.area, p.prefecture, p.share_bp) FROM (SELECT *, DATE '0001-01-01' AS first "
     "FROM hall) h "
     "LEFT JOIN (SELECT hall, min(from_on) AS from_on FROM hall_place GROUP BY 1) f USING (hall) "
     "LEFT JOIN hall_place p ON p.hall = h.hall AND p.until_on = 'infinity' "
     "WHERE (f.from_on, p.area, p.prefecture, p.share_bp) IS DISTINCT FROM (h.first, h.area, h.prefecture, "
     "h.share_bp)"},
    /* openings add up to what was entered, by mask: the trail tells cards by it; where it knows all accounts of one */
    {CHECK_TRAIL,
     "SELECT 'openings of ' || c.pan_mask, w.yen::text, c.yen::text FROM (SELECT pan_mask, count(*) AS "
     "cards, sum(opening_yen) AS yen "
     "FROM card WHERE opening_yen IS NOT NULL GROUP BY 1) c JOIN (SELECT k.mask, sum(k.n) AS cards, sum(k.n "
     "* k.yen) AS yen FROM trail t "
     "CROSS JOIN LATERAL (VALUES (-1, t.before ->> 'card_token', (t.before ->> 'opening_yen')::bigint), "
     "(1, t.after ->> 'card_token', (t.after ->> 'opening_yen')::bigint)) k (n, mask, yen) "
     "WHERE t.noun = 'account' AND k.yen IS NOT NULL GROUP BY 1) w ON w.mask = c.pan_mask AND w.cards = "
     "c.cards "
     "WHERE w.yen <> c.yen"},
    /* a card is of an issuer that its number leads to, where one does; which cards took whose place is told for good */
    {CHECK_REFERENCE,
     "SELECT 'card ' || c.card_token, 'issuer: ' || c.pan_mask, c.issuer FROM card c "
     "WHERE NOT EXISTS (SELECT FROM card_prefix p WHERE p.issuer = c.issuer AND starts_with(c.pan_mask, "
     "left(p.prefix, 6))) "
     "AND EXISTS (SELECT FROM card_prefix p WHERE starts_with(c.pan_mask, left(p.prefix, 6)))"},
    {CHECK_REFERENCE,
     "WITH RECURSIVE chain AS (SELECT card_token, replaced_by FROM card_replacement UNION "
     "SELECT c.card_token, r.replaced_by FROM chain c JOIN card_replacement r ON r.card_token = "
     "c.replaced_by), "
     "newest AS (SELECT c.card_token, c.replaced_by FROM chain c WHERE NOT EXISTS "
     "(SELECT FROM card_replacement r WHERE r.card_token = c.replaced_by)) "
     "SELECT 'successor, card ' || coalesce(c.card_token, n.card_token), n.replaced_by::text, "
     "c.successor::text "
     "FROM (SELECT card_token, successor FROM card WHERE successor IS NOT NULL) c FULL JOIN newest n USING "
     "(card_token) "
     "WHERE c.successor IS DISTINCT FROM n.replaced_by"},
    /* a card's PINs follow each other, and its count is what they come to; a replaced card's are forgotten */
    {CHECK_PIN,
     "SELECT 'card ' || e.card_token || ', PIN ' || e.seq, e.place::text, e.seq::text FROM (SELECT "
     "card_token, "
     "seq, row_number() OVER (PARTITION BY card_token ORDER BY seq) AS place FROM pin_event) e WHERE e.seq "
     "<> e.place"},
    {CHECK_PIN, "SELECT 'card ' || coalesce(c.card_token, n.card_token) || ', wrong PINs', CASE WHEN "
                "c.successor IS NULL THEN "
                "coalesce(n.wrong, 0) ELSE 0 END::text, c.pin_tries::text FROM card c FULL JOIN (SELECT "
                "card_token, count(*) "
                "FILTER (WHERE kind = 'wrong' AND seq > coalesce(cleared, 0)) AS wrong FROM (SELECT *, "
                "max(seq) FILTER (WHERE "
                "kind IN ('right', 'unblocked')) OVER (PARTITION BY card_token) AS cleared FROM pin_event) e "
                "GROUP BY 1) n USING "
                "(card_token) WHERE c.pin_tries IS DISTINCT FROM CASE WHEN c.successor IS NULL THEN "
                "coalesce(n.wrong, 0) ELSE 0 "
                "END"},
    /* an inquiry that was refused for its PIN is among them, and what was right was one that was answered */
    {CHECK_PIN,
     "SELECT 'inquiry ' || trail_key(terminal, transmitted_at, stan), CASE WHEN i.refused THEN 'PIN_WRONG' "
     "END, e.kind FROM (SELECT terminal, transmitted_at, stan, card_token, true AS refused FROM "
     "pin_inquiry WHERE reason = reason_of('PIN_WRONG')) i FULL JOIN (SELECT terminal, transmitted_at, stan, "
     "card_token, kind FROM pin_event WHERE is_inquiry AND kind <> 'right') e USING (terminal, "
     "transmitted_at, stan, "
     "card_token) WHERE i.refused IS NULL OR e.kind IS NULL"},
    {CHECK_PIN,
     "SELECT 'inquiry ' || trail_key(e.terminal, e.transmitted_at, e.stan), NULL, e.kind FROM pin_event e "
     "WHERE "
     "e.is_inquiry AND e.kind = 'right' AND NOT EXISTS (SELECT FROM pin_inquiry i WHERE i.terminal = "
     "e.terminal AND "
     "i.transmitted_at = e.transmitted_at AND i.stan = e.stan AND i.card_token = e.card_token AND i.reason = "
     "reason_of('APPROVED'))"},
    /* whom people unblocked, by mask: the trail tells cards by it */
    {CHECK_PIN, "SELECT 'unblocked ' || mask, t.n::text, e.n::text FROM (SELECT key AS mask, count(*) AS n "
                "FROM trail WHERE noun "
                "= 'pin' AND after ? 'pin_tries' GROUP BY 1) t FULL JOIN (SELECT c.pan_mask AS mask, "
                "count(*) AS n FROM pin_event "
                "p JOIN card c USING (card_token) WHERE p.kind = 'unblocked' GROUP BY 1) e USING (mask) "
                "WHERE t.n IS DISTINCT "
                "FROM e.n"},
    /* a claim is about a withdrawal */
    {CHECK_PERSON,
     "SELECT 'claim ' || c.claim, 'a withdrawal', NULL FROM claim c WHERE NOT EXISTS (SELECT FROM withdrawal "
     "w "
     "WHERE w.terminal = c.terminal AND w.transmitted_at = c.transmitted_at AND w.stan = c.stan)"},
    /* two persons' words, as the trail has them; and what is proposed is what its withdrawals add up to */
    {CHECK_RECOVERY,
     "SELECT 'recovery ' || r.recovery, concat_ws(' ', p.who, p.after ->> 'withdrawals', p.after ->> "
     "'cash_yen', "
     "c.who), concat_ws(' ', r.proposed_by, r.withdrawals, r.cash_yen, r.confirmed_by) FROM recovery r "
     "LEFT JOIN trail p ON p.noun = 'recovery' AND p.key = r.recovery::text AND p.before IS NULL "
     "LEFT JOIN trail c ON c.noun = 'recovery' AND c.key = r.recovery::text AND c.after ? 'proposed_by' "
     "WHERE (p.who, (p.after ->> 'withdrawals')::integer, (p.after ->> 'cash_yen')::bigint, c.who) "
     "IS DISTINCT FROM (r.proposed_by, r.withdrawals, r.cash_yen, r.confirmed_by)"},
    {CHECK_RECOVERY,
     "SELECT 'recovery ' || recovery, concat_ws(' ', i.withdrawals, i.cash_yen), concat_ws(' ', "
     "r.withdrawals, "
     "r.cash_yen) FROM recovery r FULL JOIN (SELECT recovery, count(*) AS withdrawals, sum((plan ->> "
     "'cash_yen')::bigint) AS cash_yen FROM recovery_item GROUP BY 1) i USING (recovery) "
     "WHERE (i.withdrawals, i.cash_yen) IS DISTINCT FROM (r.withdrawals::bigint, r.cash_yen::numeric)"},
    {CHECK_RECOVERY,
     "SELECT 'recovery ' || r.recovery, CASE WHEN r.ended_at IS NULL THEN 'no end' ELSE 'nothing "
     "left' END, i.left || ' left, ' || i.ended || ' ended' FROM recovery r CROSS JOIN LATERAL "
     "(SELECT count(*) FILTER (WHERE i.ended IS NULL) AS left, count(i.ended) AS ended FROM "
     "recovery_item i WHERE i.recovery = r.recovery) i WHERE (r.ended_at IS NULL) <> (i.left > 0) "
     "OR r.confirmed_by IS NULL AND i.ended > 0"},
    /* what came back is there, and its withdrawal's trail says so */
    {CHECK_RECOVERY,
     "SELECT 'recovery ' || coalesce(t.recovery, i.recovery) || ', ' || coalesce(t.key, i.key), "
     "t.recovery::text, "
     "i.recovery::text FROM (SELECT key, (after ->> 'recovery')::integer AS recovery FROM trail WHERE noun = "
     "'withdrawal' AND after ? 'recovery') t FULL JOIN (SELECT trail_key(i.terminal, i.transmitted_at, "
     "i.stan) AS "
     "key, i.recovery FROM recovery_item i WHERE i.ended = 'brought back' AND EXISTS (SELECT FROM withdrawal "
     "w "
     "WHERE w.terminal = i.terminal AND w.transmitted_at = i.transmitted_at AND w.stan = i.stan)) i USING "
     "(key, "
     "recovery) WHERE t.key IS NULL OR i.key IS NULL"},
    {CHECK_RECOVERY,
     "SELECT 'recovery of ' || trail_key(i.terminal, i.transmitted_at, i.stan), 'a withdrawal', NULL FROM "
     "recovery_item i WHERE i.ended = 'brought back' AND NOT EXISTS (SELECT FROM withdrawal w WHERE "
     "w.terminal = "
     "i.terminal AND w.transmitted_at = i.transmitted_at AND w.stan = i.stan)"},
    /* what did not is an exception */
    {CHECK_RECOVERY,
     "SELECT 'exception of ' || trail_key(coalesce(i.terminal, e.terminal), coalesce(i.transmitted_at, "
     "e.transmitted_at), coalesce(i.stan, e.stan)), concat_ws(' ', i.what, i.amount_yen, i.dispensed_yen), "
     "concat_ws(' ', e.what, e.amount_yen, e.dispensed_yen) FROM (SELECT DISTINCT terminal, transmitted_at, "
     "stan, "
     "problem AS what, (plan ->> 'amount_yen')::bigint AS amount_yen, (plan ->> 'cash_yen')::bigint AS "
     "dispensed_yen FROM recovery_item WHERE ended = 'for people') i FULL JOIN (SELECT * FROM "
     "exception_record "
     "WHERE kind = 'recovery') e ON (e.terminal, e.transmitted_at, e.stan, e.what, e.amount_yen, "
     "e.dispensed_yen) "
     "= (i.terminal, i.transmitted_at, i.stan, i.what, i.amount_yen, i.dispensed_yen) AND e.advice_at = "
     "e.transmitted_at AND e.advice_stan = e.stan WHERE i.what IS NULL OR e.what IS NULL"},
    /* the books are closed through the end of the last period that was closed, and a period is its quarter */
    {CHECK_POSTING,
     "SELECT 'books', (SELECT max(p.to_on) FROM period p)::text, b.closed_through::text FROM books b "
     "WHERE b.closed_through IS DISTINCT FROM (SELECT max(p.to_on) FROM period p)"},
    {CHECK_POSTING,
     "SELECT 'period ' || p.quarter, q.from_on || ' ' || (q.from_on + INTERVAL '3 months - 1 day')::date, "
     "p.from_on || ' ' || p.to_on FROM period p CROSS JOIN LATERAL (SELECT (make_date(2000 + "
     "right(p.quarter, 2)::integer, 4, 1) "
     "+ make_interval(months => 3 * left(p.quarter, 1)::integer - 3))::date AS from_on) q "
     "WHERE (p.from_on, p.to_on) <> (q.from_on, (q.from_on + INTERVAL '3 months - 1 day')::date)"},
};

static bool count_recovered(struct copy_source *source, struct findings *findings)
{
        struct copy_out copy;

        if (!copy_out_begin(
                &copy, source,
                "SELECT count(DISTINCT (terminal, transmitted_at, stan)) FROM recovery_item WHERE ended = "
                "'brought back'"))
                return false;
        while (copy_out_row(&copy))
                findings->recovered = (uint64_t)copy_int8(&copy);
        return copy_out_end(&copy);
}

bool verify_entries(struct copy_source *source, struct findings *findings)
{
        if (!ask_rules(source, findings, "reason", "reason", "reason, name, de39, kept, description",
                       put_reasons) ||
            !ask_rules(source, findings, "advice_rule", "state_before, relation",
                       "state_before, relation, state_after, commission, exception", put_rules))
                return false;
        for (size_t i = 0; i < LENGTH(questions); i++)
                if (!ask(source, findings, questions[i].check, questions[i].query))
                        return false;
        for (size_t i = 0; i < LENGTH(followed); i++)
                if (!ask_trail(source, findings, &followed[i]))
                        return false;
        return count_recovered(source, findings);
}
