#include "daemon/ledger/ledger_batch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ledger/ledger_parameters.h"
#include "lib/base/hash.h"
#include "rules/calendar.h"

const char *const outcome_cause_name[OUTCOME_CAUSE_COUNT] = {"answer", "timeout"};

const char *const ledger_function[LEDGER_KIND_COUNT] = {
    [LEDGER_REQUEST] = "ledger_request",
    [LEDGER_INQUIRY] = "ledger_inquiry",
    [LEDGER_ADVICE] = "ledger_advice",
    [LEDGER_OUTCOME] = "ledger_outcome",
};

#define ONE(name, type, value)  {#name, PG_TYPE_##type, false},
#define EACH(name, type, value) {#name, PG_TYPE_##type, true},
enum {
        PG_TYPE_bool = PG_BOOL,
        PG_TYPE_int2 = PG_INT2,
        PG_TYPE_int4 = PG_INT4,
        PG_TYPE_int8 = PG_INT8,
        PG_TYPE_text = PG_TEXT,
        PG_TYPE_bytea = PG_BYTEA,
        PG_TYPE_uuid = PG_UUID,
        PG_TYPE_date = PG_DATE,
        PG_TYPE_timestamptz = PG_TIMESTAMPTZ
};
static const struct ledger_parameter requests[] = {LEDGER_REQUEST_PARAMETERS(ONE, EACH)};
static const struct ledger_parameter inquiries[] = {LEDGER_INQUIRY_PARAMETERS(ONE, EACH)};
static const struct ledger_parameter advices[] = {LEDGER_ADVICE_PARAMETERS(ONE, EACH)};
static const struct ledger_parameter outcomes[] = {LEDGER_OUTCOME_PARAMETERS(ONE, EACH)};
#undef ONE
#undef EACH

#define ROWS(rows)                                                                                           \
        {                                                                                                    \
                rows, sizeof(rows) / sizeof((rows)[0])                                                       \
        }
const struct ledger_parameters ledger_parameters[LEDGER_KIND_COUNT] = {
    [LEDGER_REQUEST] = ROWS(requests),
    [LEDGER_INQUIRY] = ROWS(inquiries),
    [LEDGER_ADVICE] = ROWS(advices),
    [LEDGER_OUTCOME] = ROWS(outcomes),
};
#undef ROWS

void ledger_batch_statements(struct pg_statement statements[LEDGER_STATEMENT_COUNT])
{
        static char sql[LEDGER_KIND_COUNT][256]; /* the same whoever calls */
        statements[0] = (struct pg_statement){PG_AT_ONCE, "SELECT ledger_session()"};
        for (int kind = 0; kind < LEDGER_KIND_COUNT; kind++) {
                size_t length = (size_t)snprintf(sql[kind], sizeof(sql[kind]), "SELECT * FROM %s(",
                                                 ledger_function[kind]);
                for (int i = 0; i < ledger_parameters[kind].count; i++)
                        length += (size_t)snprintf(sql[kind] + length, sizeof(sql[kind]) - length, "%s$%d",
                                                   i ? "," : "", i + 1);
                length += (size_t)snprintf(sql[kind] + length, sizeof(sql[kind]) - length, ")");
                assert(length < sizeof(sql[kind]));
                statements[kind + 1] = (struct pg_statement){ledger_function[kind], sql[kind]};
        }
}

/* Two keys that meet in a hash only make an op wait for the next batch. */
static uint64_t hash_identity(const char *terminal, const struct ledger_identity *identity)
{
        uint64_t hash = hash_text(HASH_FIRST, terminal);
        hash = hash_bytes(hash, &identity->transmitted_ms, sizeof(identity->transmitted_ms));
        return hash_bytes(hash, &identity->stan, sizeof(identity->stan));
}

/* Where the key is or would go. */
static size_t key_slot(const struct ledger_batch *batch, uint64_t key)
{
        size_t mask = sizeof(batch->key_slot) / sizeof(batch->key_slot[0]) - 1;
        size_t at = (key ^ key >> 32) & mask;
        while (batch->key_generation[at] == batch->generation && batch->key_slot[at] != key)
                at = (at + 1) & mask;
        return at;
}

static bool key_is_in(const struct ledger_batch *batch, uint64_t key)
{
        return batch->key_generation[key_slot(batch, key)] == batch->generation;
}

static void key_put(struct ledger_batch *batch, uint64_t key)
{
        size_t at = key_slot(batch, key);
        batch->key_slot[at] = key;
        batch->key_generation[at] = batch->generation;
}

/* The keys that an op may not share with another of its batch; returns how many. */
static int op_keys(const struct ledger_op *op, uint64_t keys[2])
{
        switch (op->kind) {
        case LEDGER_REQUEST:
        case LEDGER_INQUIRY:
                if (!ledger_op_locks_card(op))
                        return 0;
                keys[0] = hash_identity(op->identity.terminal, &op->identity);
                keys[1] = hash_bytes(HASH_FIRST, op->request.card_token, CARD_TOKEN_LENGTH);
                return 2;
        case LEDGER_ADVICE:
                keys[0] = hash_identity(op->identity.terminal, &op->advice.original);
                return 1;
        case LEDGER_OUTCOME:
                keys[0] = hash_identity(op->identity.terminal, &op->identity);
                return 1;
        case LEDGER_KIND_COUNT:
                break;
        }
        return 0;
}

void ledger_batch_take(struct ledger_batch *batch, enum ledger_kind kind, struct ledger_queue *queue, int max)
{
        assert(batch->count == 0 && max <= BATCH_MAX);
        batch->kind = kind;
        if (++batch->generation == 0) {
                memset(batch->key_generation, 0, sizeof(batch->key_generation));
                batch->generation = 1;
        }
        int looked_at = 0; /* bounds the keys: two an op, half of the slots at most */
        for (struct ledger_op *op = TAILQ_FIRST(queue), *next;
             op && batch->count < max && looked_at < 2 * BATCH_MAX; op = next, looked_at++) {
                uint64_t keys[2];
                next = TAILQ_NEXT(op, entry);
                int count = op_keys(op, keys);
                bool taken = false;
                for (int i = 0; i < count; i++)
                        taken |= key_is_in(batch, keys[i]);
                /* a key that an op left waiting takes is taken too: ops of one card keep their order */
                for (int i = 0; i < count; i++)
                        key_put(batch, keys[i]);
                if (taken || (op->alone && batch->count > 0))
                        continue;
                TAILQ_REMOVE(queue, op, entry);
                batch->op[batch->count++] = op;
                if (op->alone)
                        break;
        }
}

/* What is said of a whole batch. */
struct ledger_send {
        int64_t reference_version;
        const struct ledger_times *times;
        bool looks;
        int64_t from_ms, to_ms; /* of the originals */
};

static bool is_priced(const struct ledger_request *request)
{
        return request->price.tax_rate_bp || request->price.tariff_from_day;
}

static struct pg_bytes chip_bytes(const struct ledger_advice *advice)
{
        return advice->chip ? (struct pg_bytes){advice->chip->bytes, advice->chip->length}
                            : (struct pg_bytes){0};
}

#define SKIP(name, type, value)
#define PUT(name, type, value) pg_array_##type(array++, value);

static void put_request(struct pg_array *array, const struct ledger_op *op)
{
        const struct ledger_request *r = &op->request;
        LEDGER_REQUEST_PARAMETERS(SKIP, PUT)
}

static void put_inquiry(struct pg_array *array, const struct ledger_op *op)
{
        const struct ledger_request *r = &op->request;
        LEDGER_INQUIRY_PARAMETERS(SKIP, PUT)
}

static void put_advice(struct pg_array *array, const struct ledger_op *op)
{
        const struct ledger_advice *a = &op->advice;
        LEDGER_ADVICE_PARAMETERS(SKIP, PUT)
}

static void put_outcome(struct pg_array *array, const struct ledger_op *op)
{
        const struct ledger_outcome *o = &op->outcome;
        LEDGER_OUTCOME_PARAMETERS(SKIP, PUT)
}

#undef PUT
#define PUT(name, type, value)                                                                               \
        one->length = pg_put_##type(one->bytes, value);                                                      \
        one++;

static void say_requests(struct ledger_one *one, const struct ledger_send *send)
{
        LEDGER_REQUEST_PARAMETERS(PUT, SKIP)
}

static void say_inquiries(struct ledger_one *one, const struct ledger_send *send)
{
        LEDGER_INQUIRY_PARAMETERS(PUT, SKIP)
}

static void say_advices(struct ledger_one *one, const struct ledger_send *send)
{
        LEDGER_ADVICE_PARAMETERS(PUT, SKIP)
}

static void say_outcomes(struct ledger_one *one, const struct ledger_send *send)
{
        LEDGER_OUTCOME_PARAMETERS(PUT, SKIP)
}

#undef PUT
#undef SKIP

static const struct {
        void (*put)(struct pg_array *array, const struct ledger_op *op); /* into the arrays, in their order */
        void (*say)(struct ledger_one *one, const struct ledger_send *send);
        bool has_version; /* it depends on the reference data */
} forms[LEDGER_KIND_COUNT] = {
    [LEDGER_REQUEST] = {put_request, say_requests, true},
    [LEDGER_INQUIRY] = {put_inquiry, say_inquiries, true},
    [LEDGER_ADVICE] = {put_advice, say_advices, false},
    [LEDGER_OUTCOME] = {put_outcome, say_outcomes, false},
};

static void widen(struct ledger_send *send, const struct ledger_op *op)
{
        int64_t moment_ms =
            op->kind == LEDGER_ADVICE ? op->advice.original.transmitted_ms : op->identity.transmitted_ms;
        if (moment_ms < send->from_ms)
                send->from_ms = moment_ms;
        if (moment_ms > send->to_ms)
                send->to_ms = moment_ms;
}

static void encode(struct ledger_batch *batch, struct ledger_send *send)
{
        struct pg_array *array = batch->array;
        for (int i = 0; i < ledger_parameters[batch->kind].count; i++)
                if (ledger_parameters[batch->kind].rows[i].each)
                        pg_array_begin(array++, (enum pg_type)ledger_parameters[batch->kind].rows[i].type);
        for (int i = 0; i < batch->count; i++) {
                const struct ledger_op *op = batch->op[i];
                forms[batch->kind].put(batch->array, op);
                widen(send, op);
                send->looks |= op->look || op->in_doubt;
        }
        forms[batch->kind].say(batch->one, send);
}

bool ledger_batch_send(struct ledger_batch *batch, int64_t reference_version,
                       const struct ledger_times *times, struct pg_conn *conn)
{
        struct pg_parameter parameters[PG_PARAMETERS_MAX];
        struct ledger_send send = {
            .reference_version = reference_version,
            .times = times,
            .from_ms = INT64_MAX,
            .to_ms = INT64_MIN,
        };
        struct pg_array *array = batch->array;
        const struct ledger_one *one = batch->one;
        encode(batch, &send);
        batch->looks = send.looks;
        for (int i = 0; i < ledger_parameters[batch->kind].count; i++) {
                if (!ledger_parameters[batch->kind].rows[i].each) {
                        parameters[i] = (struct pg_parameter){one->bytes, one->length, 1};
                        one++;
                        continue;
                }
                pg_array_end(array);
                if (!pg_array_ok(array))
                        return false;
                parameters[i] = (struct pg_parameter){array->bytes, (int)array->length, 1};
                array++;
        }
        pg_conn_send(conn, ledger_function[batch->kind], parameters, ledger_parameters[batch->kind].count, 1);
        return true;
}

/* Where a row of each kind's answer says whether it was stored before, and its reason; NO_COLUMN: it does not say. */
enum { NO_COLUMN = -1, REASON_STALE = -1 };
static const struct {
        int stored, reason;
} columns[LEDGER_KIND_COUNT] = {
    [LEDGER_REQUEST] = {1, 2},
    [LEDGER_INQUIRY] = {1, 2},
    [LEDGER_ADVICE] = {1, NO_COLUMN},
    [LEDGER_OUTCOME] = {1, 2},
};

/* SQL says the status by both together: no reason, stored or not, and a reason that is none. */
static enum ledger_status status_of(enum ledger_kind kind, const PGresult *result, int row)
{
        int reason = columns[kind].reason;
        bool stored = columns[kind].stored != NO_COLUMN && *PQgetvalue(result, row, columns[kind].stored);
        if (reason == NO_COLUMN)
                return stored ? LEDGER_STORED : LEDGER_DECIDED;
        if (PQgetisnull(result, row, reason))
                return stored ? LEDGER_PENDING : LEDGER_ASK;
        if (pg_get_int2(PQgetvalue(result, row, reason)) == REASON_STALE)
                return LEDGER_STALE;
        return stored ? LEDGER_STORED : LEDGER_DECIDED;
}

static bool is_stale(const struct ledger_batch *batch, const PGresult *result)
{
        return forms[batch->kind].has_version && PQntuples(result) == 1 &&
               status_of(batch->kind, result, 0) == LEDGER_STALE;
}

/* Of a request and of an outcome: the same columns. */
static void answer_request(const struct ledger_op *op, struct ledger_answer *answer, const PGresult *result,
                           int row)
{
        (void)op;
        answer->business_day = pg_get_date(PQgetvalue(result, row, 3));
        answer->customer_charge_yen = pg_get_int8(PQgetvalue(result, row, 4));
        if (answer->status == LEDGER_ASK || answer->status == LEDGER_PENDING)
                return;
        answer->reason = (enum reason)pg_get_int2(PQgetvalue(result, row, 2));
        if (answer->reason != REASON_APPROVED)
                return;
        int length = PQgetlength(result, row, 5);
        if (length > APPROVAL_CODE_LENGTH)
                length = APPROVAL_CODE_LENGTH;
        memcpy(answer->approval_code, PQgetvalue(result, row, 5), (size_t)length);
}

static void answer_inquiry(const struct ledger_op *op, struct ledger_answer *answer, const PGresult *result,
                           int row)
{
        answer->reason = (enum reason)pg_get_int2(PQgetvalue(result, row, 2));
        if (answer->reason != REASON_APPROVED)
                return;
        if (answer->status == LEDGER_DECIDED && *op->request.link)
                answer->status = LEDGER_ASK;
        else
                answer->balance_yen = pg_get_int8(PQgetvalue(result, row, 3));
}

static void answer_advice(const struct ledger_op *op, struct ledger_answer *answer, const PGresult *result,
                          int row)
{
        (void)op;
        (void)result;
        (void)row;
        answer->reason = REASON_APPROVED;
        snprintf(answer->what, sizeof(answer->what), "%s", PQgetvalue(result, row, 2)); /* NULL: "" */
}

enum ledger_batch_end ledger_batch_answers(struct ledger_batch *batch, const PGresult *result)
{
        static void (*const answer[LEDGER_KIND_COUNT])(const struct ledger_op *, struct ledger_answer *,
                                                       const PGresult *, int) = {
            [LEDGER_REQUEST] = answer_request,
            [LEDGER_INQUIRY] = answer_inquiry,
            [LEDGER_ADVICE] = answer_advice,
            [LEDGER_OUTCOME] = answer_request,
        };
        if (is_stale(batch, result))
                return BATCH_STALE;
        if (PQntuples(result) != batch->count)
                return BATCH_MALFORMED;
        for (int i = 0; i < batch->count; i++)
                batch->op[i]->answer = (struct ledger_answer){.status = LEDGER_UNKNOWN};
        for (int row = 0; row < batch->count; row++) {
                int position = pg_get_int4(PQgetvalue(result, row, 0));
                if (position < 1 || position > batch->count)
                        return BATCH_MALFORMED;
                struct ledger_op *op = batch->op[position - 1];
                op->answer.status = status_of(batch->kind, result, row);
                answer[batch->kind](op, &op->answer, result, row);
        }
        for (int i = 0; i < batch->count; i++)
                if (batch->op[i]->answer.status == LEDGER_UNKNOWN)
                        return BATCH_MALFORMED;
        return BATCH_ANSWERED;
}

void ledger_batch_free(struct ledger_batch *batch)
{
        for (int i = 0; i < PG_PARAMETERS_MAX; i++)
                pg_array_free(&batch->array[i]);
}
