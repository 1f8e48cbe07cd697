#include "tests/contract/ops.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rules/calendar.h"

static void on_done(struct ledger_op *op, void *context)
{
        (void)op;
        --*(int *)context;
}

void ops_open(struct world *world)
{
        world_open(world, "2016-10-01", "2017-04-01");
}

void ops_identify(struct ledger_op *op, const char *moment, int number)
{
        ck_assert(calendar_parse_moment(moment, &op->identity.transmitted_ms));
        op->identity.stan = number;
        snprintf(op->identity.terminal, sizeof op->identity.terminal, "%s", world_terminals[number % 3]);
}

void ops_ask(struct world *world, struct ledger_op *op, int number, int card, int64_t amount_yen)
{
        ops_identify(op, OPS_NOON, number);
        play_fill_request(world_reference(world), op, card, amount_yen, 10000);
}

void ops_outcome(struct ledger_op *op, const struct ledger_op *request, enum outcome_cause cause,
                 enum reason reason)
{
        *op = (struct ledger_op){.kind = LEDGER_OUTCOME, .identity = request->identity};
        op->outcome.cause = cause;
        op->outcome.reason = reason;
        if (cause == OUTCOME_ANSWER)
                strcpy(op->outcome.bank_de39, reason_de39(reason));
        if (reason == REASON_APPROVED)
                snprintf(op->outcome.approval_code, sizeof op->outcome.approval_code, "B%05u",
                         (unsigned)request->identity.stan % 100000u);
}

void ops_advise(struct ledger_op *op, const struct ledger_op *request, int number, int64_t amount_yen,
                int64_t dispensed_yen)
{
        *op = (struct ledger_op){.identity = request->identity};
        op->identity.transmitted_ms += 1000 * number;
        play_fill_advice(op, &request->identity, dispensed_yen < amount_yen, amount_yen, dispensed_yen);
}

const char *ops_request_sql(const struct ledger_op *request)
{
        const struct ledger_request *r = &request->request;
        static char sql[2048];
        char token[2 * CARD_TOKEN_LENGTH + 1], day[11], month[11], tariff[11];

        for (int i = 0; i < CARD_TOKEN_LENGTH; i++)
                snprintf(token + (size_t)i * 2, 3, "%02x", r->card_token[i]);
        calendar_print_day(r->business_day, day);
        calendar_print_day(calendar_month_of(r->business_day), month);
        calendar_print_day(r->price.tariff_from_day, tariff);
        snprintf(
            sql, sizeof sql,
            "SELECT r_reason FROM ledger_request(%" PRId64 ", ARRAY['%s'], ARRAY[to_timestamp(%" PRId64
            " / 1000.0)], ARRAY[%" PRId32 "], ARRAY[%" PRId32 "], ARRAY[%" PRId64
            "::bigint], ARRAY['%s'::uuid], ARRAY['%s'], ARRAY['%s'], ARRAY['%s'], ARRAY['%s'], ARRAY['%s'],"
            " ARRAY[DATE '%s'], ARRAY[DATE '%s'], ARRAY[DATE '%s'], ARRAY[%" PRId32 "], ARRAY[%" PRId64
            "::bigint], ARRAY[%" PRId64 "::bigint], ARRAY[%" PRId64 "::bigint], ARRAY[%" PRId64
            "::bigint], ARRAY[%" PRId64 "::bigint], ARRAY[%" PRId64 "::bigint], ARRAY[%" PRId64
            "::bigint], ARRAY[%" PRId64
            "::bigint], ARRAY[%d::smallint], ARRAY['%s'], ARRAY[nullif('%s', '')],"
            " ARRAY[%d::smallint], ARRAY[nullif('%s', '')], 90000, p_look => %s, p_from => "
            "to_timestamp(%" PRId64 " / 1000.0), p_to => to_timestamp(%" PRId64 " / 1000.0))",
            r->reference_version, request->identity.terminal, request->identity.transmitted_ms,
            request->identity.stan, r->processing_code, r->amount_yen, token, r->pan_mask, r->expiry_yymm,
            r->issuer, band_name[r->price.band], r->hall, day, month, tariff, r->price.tax_rate_bp,
            r->price.customer_fee_yen, r->price.customer_tax_yen, r->price.interbank_fee_yen,
            r->price.interbank_tax_yen, r->price.hall_share_yen, r->limit[LIMIT_DAY_YEN],
            r->limit[LIMIT_MONTH_YEN], r->limit[LIMIT_DAY_COUNT], (int)r->refusal, r->approval_code, r->link,
            (int)r->pin_tries_max, r->pin_value, request->look ? "true" : "false",
            request->identity.transmitted_ms, request->identity.transmitted_ms);
        return sql;
}

void ops_submit(struct world *world, int instance, struct ledger_op *op, int *pending)
{
        op->on_done = on_done;
        op->context = pending;
        ++*pending;
        ledger_submit(world->pg[instance], op);
}

void ops_submit_kept(struct world *world, struct ledger_op *op, int *pending)
{
        op->on_done = on_done;
        op->context = pending;
        ledger_submit(world->mem, op);
        ledger_mem_drain(world->mem);
}

void ops_do(struct world *world, struct ledger_op *op)
{
        struct ledger_op mem = *op;
        int pending = 1;
        const char *difference;

        ops_submit_kept(world, &mem, &pending);
        ops_submit(world, op->identity.stan % WORLD_INSTANCES, op, &pending);
        world_wait(world, &pending);
        difference = play_difference(op, &mem);
        ck_assert_msg(!difference, "%s of STAN %" PRId32 " differs", difference, op->identity.stan);
}
