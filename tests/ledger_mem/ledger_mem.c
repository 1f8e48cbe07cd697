/*
 * A daemon's ledger on the rows in memory. Its stages are in ledger_mem.h.
 *
 * The commit of a batch answers and writes op by op. Since no two commits ever overlap, there are no locks and no conflicts here: what
 * PostgreSQL must reach under concurrency is by definition what this back end does in some order.
 */
#include "tests/ledger_mem/ledger_mem.h"

#include <assert.h>
#include <stdlib.h>

#include "tests/ledger_mem/memory_inside.h"

TAILQ_HEAD(op_list, ledger_op);

struct ledger_mem {
        struct ledger ledger;
        struct memory_database *database;
        struct ledger_mem_options options;
        const struct reference *reference; /* this daemon's snapshot */
        struct op_list waiting, batch, refused;
        struct op_list early; /* answered before commit: copies of their ops, to be committed */
        size_t waiting_count;
        bool committed, is_down;
};

static struct ledger_mem *of(struct ledger *ledger)
{
        return (struct ledger_mem *)ledger;
}

static void on_submit(struct ledger *ledger, struct ledger_op *op)
{
        struct ledger_mem *mem = of(ledger);

        if (mem->is_down || mem->waiting_count >= mem->options.queue_max) {
                TAILQ_INSERT_TAIL(&mem->refused, op, entry);
                return;
        }
        TAILQ_INSERT_TAIL(&mem->waiting, op, entry);
        mem->waiting_count++;
}

static const struct reference *on_reference(struct ledger *ledger)
{
        return of(ledger)->reference;
}

static void on_free(struct ledger *ledger)
{
        struct ledger_mem *mem = of(ledger);

        while (!TAILQ_EMPTY(&mem->early)) {
                struct ledger_op *op = TAILQ_FIRST(&mem->early);

                TAILQ_REMOVE(&mem->early, op, entry);
                free(op);
        }
        free(mem);
}

static const struct ledger_backend backend = {
    .submit = on_submit,
    .reference = on_reference,
    .free = on_free,
};

struct ledger *ledger_mem_new(struct memory_database *database, const struct ledger_mem_options *options)
{
        struct ledger_mem *mem = memory_allocate(sizeof *mem);

        assert(options->queue_max > 0 && options->batch_max > 0);
        mem->ledger.backend = &backend;
        mem->database = database;
        mem->options = *options;
        mem->reference = database->reference;
        TAILQ_INIT(&mem->waiting);
        TAILQ_INIT(&mem->batch);
        TAILQ_INIT(&mem->refused);
        TAILQ_INIT(&mem->early);
        return &mem->ledger;
}

void ledger_mem_poll(struct ledger *ledger)
{
        const struct memory_database *database = of(ledger)->database;
        bool half = database->defect == LEDGER_MEM_SWAPS_HALF && database->torn;

        of(ledger)->reference = half ? database->torn : database->reference;
}

enum ledger_mem_stage ledger_mem_stage(const struct ledger *ledger)
{
        const struct ledger_mem *mem = (const struct ledger_mem *)ledger;

        if (mem->committed)
                return LEDGER_MEM_COMMITTED;
        if (!TAILQ_EMPTY(&mem->batch) || !TAILQ_EMPTY(&mem->early))
                return LEDGER_MEM_IN_FLIGHT;
        if (!TAILQ_EMPTY(&mem->refused) || (!mem->is_down && !TAILQ_EMPTY(&mem->waiting)))
                return LEDGER_MEM_WAITING;
        return LEDGER_MEM_IDLE;
}

static void answer_all(struct op_list *ops)
{
        struct op_list answered = TAILQ_HEAD_INITIALIZER(answered);

        /* whoever is answered may submit again at once, and free the op */
        TAILQ_CONCAT(&answered, ops, entry);
        while (!TAILQ_EMPTY(&answered)) {
                struct ledger_op *op = TAILQ_FIRST(&answered);

                TAILQ_REMOVE(&answered, op, entry);
                op->on_done(op, op->context);
        }
}

/* What was written is known: no doubt is left. A stale op may have been written by an earlier sending. */
static void answer_done(struct op_list *ops)
{
        struct ledger_op *op;

        TAILQ_FOREACH(op, ops, entry)
        {
                if (op->answer.status != LEDGER_STALE)
                        op->in_doubt = false;
        }
        answer_all(ops);
}

static void refuse_all(struct op_list *ops)
{
        struct ledger_op *op;

        TAILQ_FOREACH(op, ops, entry)
        {
                op->answer =
                    (struct ledger_answer){.status = op->in_doubt ? LEDGER_UNKNOWN : LEDGER_UNAVAILABLE,
                                           .reason = REASON_CANNOT_DECIDE};
        }
        answer_all(ops);
}

static bool is_stale(const struct ledger_mem *mem, const struct ledger_op *op)
{
        return (op->kind == LEDGER_REQUEST || op->kind == LEDGER_INQUIRY) &&
               mem->database->defect != LEDGER_MEM_DECIDES_STALE &&
               op->request.reference_version != reference_version(mem->database->reference);
}

static void commit_op(struct ledger_mem *mem, struct ledger_op *op)
{
        if (is_stale(mem, op)) {
                op->answer = (struct ledger_answer){.status = LEDGER_STALE};
                return;
        }
        switch (op->kind) {
        case LEDGER_REQUEST:
                memory_do_request(mem->database, op, mem->options.times.wait_ms);
                break;
        case LEDGER_INQUIRY:
                memory_do_inquiry(mem->database, op);
                break;
        case LEDGER_OUTCOME:
                memory_do_outcome(mem->database, op);
                break;
        default:
                memory_do_advice(mem->database, op, mem->options.times.correct_ms);
                break;
        }
        if (mem->database->on_commit)
                mem->database->on_commit(mem->database, op, mem->database->context);
}

static void commit(struct ledger_mem *mem)
{
        struct ledger_op *op;

        while ((op = TAILQ_FIRST(&mem->early))) {
                TAILQ_REMOVE(&mem->early, op, entry);
                commit_op(mem, op);
                free(op);
        }
        TAILQ_FOREACH(op, &mem->batch, entry)
        {
                commit_op(mem, op);
        }
        mem->committed = !TAILQ_EMPTY(&mem->batch);
}

/* The defect: each op is answered as it will be decided, if all goes well, and what must be written is
 * kept aside. */
static void answer_early(struct ledger_mem *mem)
{
        struct ledger_op *op;

        TAILQ_FOREACH(op, &mem->batch, entry)
        {
                struct ledger_op *copy = memory_allocate(sizeof *copy);

                *copy = *op;
                TAILQ_INSERT_TAIL(&mem->early, copy, entry);
                if (is_stale(mem, op))
                        op->answer = (struct ledger_answer){.status = LEDGER_STALE};
                else if (op->kind == LEDGER_REQUEST)
                        memory_answer_request(mem->database, op,
                                              memory_withdrawal(mem->database, &op->identity),
                                              mem->options.times.wait_ms, &op->answer);
                else if (op->kind == LEDGER_INQUIRY)
                        memory_answer_inquiry(mem->database, op, &op->answer);
                else if (op->kind == LEDGER_OUTCOME)
                        memory_answer_outcome(mem->database, op,
                                              memory_withdrawal(mem->database, &op->identity), &op->answer);
                else
                        op->answer = (struct ledger_answer){.status = LEDGER_DECIDED};
        }
        answer_all(&mem->batch);
}

static void take_batch(struct ledger_mem *mem)
{
        for (size_t i = 0; i < mem->options.batch_max && !TAILQ_EMPTY(&mem->waiting); i++) {
                struct ledger_op *op = TAILQ_FIRST(&mem->waiting);

                TAILQ_REMOVE(&mem->waiting, op, entry);
                mem->waiting_count--;
                TAILQ_INSERT_TAIL(&mem->batch, op, entry);
        }
        if (mem->database->defect == LEDGER_MEM_ANSWERS_BEFORE_COMMIT)
                answer_early(mem);
}

void ledger_mem_step(struct ledger *ledger)
{
        struct ledger_mem *mem = of(ledger);

        refuse_all(&mem->refused);
        if (mem->is_down)
                return;
        if (mem->committed) {
                mem->committed = false;
                answer_done(&mem->batch);
        } else if (!TAILQ_EMPTY(&mem->batch) || !TAILQ_EMPTY(&mem->early)) {
                commit(mem);
        } else {
                take_batch(mem);
        }
}

void ledger_mem_lose(struct ledger *ledger)
{
        struct ledger_mem *mem = of(ledger);
        struct ledger_op *op;

        while ((op = TAILQ_LAST(&mem->batch, op_list))) {
                TAILQ_REMOVE(&mem->batch, op, entry);
                op->in_doubt = true;
                TAILQ_INSERT_HEAD(&mem->waiting, op, entry);
                mem->waiting_count++;
        }
        while ((op = TAILQ_FIRST(&mem->early))) {
                TAILQ_REMOVE(&mem->early, op, entry);
                free(op);
        }
        mem->committed = false;
}

void ledger_mem_set_down(struct ledger *ledger, bool down)
{
        struct ledger_mem *mem = of(ledger);
        struct ledger_op *op, *next;

        mem->is_down = down;
        if (!down)
                return;
        ledger_mem_lose(ledger);
        for (op = TAILQ_FIRST(&mem->waiting); op; op = next) {
                next = TAILQ_NEXT(op, entry);
                if (op->in_doubt)
                        continue;
                TAILQ_REMOVE(&mem->waiting, op, entry);
                mem->waiting_count--;
                TAILQ_INSERT_TAIL(&mem->refused, op, entry);
        }
}

void ledger_mem_drain(struct ledger *ledger)
{
        while (ledger_mem_stage(ledger) != LEDGER_MEM_IDLE)
                ledger_mem_step(ledger);
}
