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

void ops_submit(struct world *world, int instance, struct ledger_op *op, int *pending)
{
        op->on_done = on_done;
        op->context = pending;
        ++*pending;
        ledger_submit(world->pg[instance], op);
}

void ops_do(struct world *world, struct ledger_op *op)
{
        struct ledger_op mem = *op;
        int pending = 1;
        const char *difference;

        mem.on_done = on_done;
        mem.context = &pending;
        ledger_submit(world->mem, &mem);
        ledger_mem_drain(world->mem);
        ops_submit(world, op->identity.stan % WORLD_INSTANCES, op, &pending);
        world_wait(world, &pending);
        difference = play_difference(op, &mem);
        ck_assert_msg(!difference, "%s of STAN %" PRId32 " differs", difference, op->identity.stan);
}
