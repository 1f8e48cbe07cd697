#include "daemon/ledger/ledger_batch.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/hash.h"
#include "rules/calendar.h"

const char *const outcome_cause_name[OUTCOME_CAUSE_COUNT] = {"answer", "timeout"};

const struct pg_statement ledger_batch_statement[LEDGER_KIND_COUNT] = {
    [LEDGER_REQUEST] =
        {"ledger_request",
         "SELECT * FROM ledger_request($1::bigint,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,"
         "$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28::bigint,$29::bigint)"},
    [LEDGER_INQUIRY] = {"ledger_inquiry", "SELECT * FROM ledger_inquiry($1::bigint,$2,$3,$4,$5,$6,$7,$8,$9)"},
    [LEDGER_ADVICE] = {"ledger_advice",
                       "SELECT * FROM ledger_advice($1,$2,$3,$4,$5,$6,$7,$8,$9,$10::bigint,$11::bigint)"},
    [LEDGER_OUTCOME] = {"ledger_outcome", "SELECT * FROM ledger_outcome($1,$2,$3,$4,$5,$6,$7,$8::bigint)"},
};

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
                keys[0] = hash_identity(op->identity.terminal, &op->identity);
                keys[1] = hash_bytes(HASH_FIRST, op->request.card_token, CARD_TOKEN_LENGTH);
                return 2;
        case LEDGER_ADVICE:
                keys[0] = hash_identity(op->identity.terminal, &op->advice.original);
                return 1;
        case LEDGER_OUTCOME:
                keys[0] = hash_identity(op->identity.terminal, &op->identity);
                return 1;
        case LEDGER_INQUIRY:
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

/* The arrays by their place in the statement, counted from its first array. */
static void arrays_begin(struct ledger_batch *batch, const enum pg_type *types, int count)
{
        for (int i = 0; i < count; i++)
                pg_array_begin(&batch->array[i], types[i]);
}

static int encode_requests(struct ledger_batch *batch)
{
        static const enum pg_type types[] = {
            PG_TEXT, PG_TIMESTAMPTZ, PG_INT4, PG_INT4, PG_INT8, PG_UUID, PG_TEXT, PG_TEXT, PG_TEXT,
            PG_TEXT, PG_TEXT,        PG_DATE, PG_DATE, PG_DATE, PG_INT4, PG_INT8, PG_INT8, PG_INT8,
            PG_INT8, PG_INT8,        PG_INT8, PG_INT8, PG_INT8, PG_INT2, PG_TEXT, PG_TEXT,
        };
        int count = sizeof(types) / sizeof(types[0]);
        arrays_begin(batch, types, count);
        for (int i = 0; i < batch->count; i++) {
                const struct ledger_op *op = batch->op[i];
                const struct ledger_request *r = &op->request;
                bool priced = r->price.tax_rate_bp || r->price.tariff_from_day;
                struct pg_array *a = batch->array;
                pg_array_text(a++, op->identity.terminal);
                pg_array_timestamptz(a++, op->identity.transmitted_ms);
                pg_array_int4(a++, op->identity.stan);
                pg_array_int4(a++, r->processing_code);
                pg_array_int8(a++, r->amount_yen);
                pg_array_uuid(a++, r->card_token);
                pg_array_text(a++, r->pan_mask);
                pg_array_text(a++, r->expiry_yymm);
                pg_array_text(a++, r->issuer);
                pg_array_text(a++, priced ? band_name[r->price.band] : "");
                pg_array_text(a++, r->hall);
                pg_array_date(a++, r->business_day);
                pg_array_date(a++, calendar_month_of(r->business_day));
                if (priced)
                        pg_array_date(a++, r->price.tariff_from_day);
                else
                        pg_array_null(a++);
                pg_array_int4(a++, r->price.tax_rate_bp);
                pg_array_int8(a++, r->price.customer_fee_yen);
                pg_array_int8(a++, r->price.customer_tax_yen);
                pg_array_int8(a++, r->price.interbank_fee_yen);
                pg_array_int8(a++, r->price.interbank_tax_yen);
                pg_array_int8(a++, r->price.hall_share_yen);
                pg_array_int8(a++, r->limit[LIMIT_DAY_YEN]);
                pg_array_int8(a++, r->limit[LIMIT_MONTH_YEN]);
                pg_array_int8(a++, r->limit[LIMIT_DAY_COUNT]);
                pg_array_int2(a++, (int16_t)r->refusal);
                pg_array_text(a++, r->approval_code);
                pg_array_text(a++, r->link);
        }
        return count;
}

static int encode_inquiries(struct ledger_batch *batch)
{
        static const enum pg_type types[] = {PG_TEXT, PG_TIMESTAMPTZ, PG_INT4, PG_UUID,
                                             PG_TEXT, PG_DATE,        PG_INT2, PG_TEXT};
        int count = sizeof(types) / sizeof(types[0]);
        arrays_begin(batch, types, count);
        for (int i = 0; i < batch->count; i++) {
                const struct ledger_op *op = batch->op[i];
                struct pg_array *a = batch->array;
                pg_array_text(a++, op->identity.terminal);
                pg_array_timestamptz(a++, op->identity.transmitted_ms);
                pg_array_int4(a++, op->identity.stan);
                pg_array_uuid(a++, op->request.card_token);
                pg_array_text(a++, op->request.expiry_yymm);
                pg_array_date(a++, op->request.business_day);
                pg_array_int2(a++, (int16_t)op->request.refusal);
                pg_array_text(a++, op->request.link);
        }
        return count;
}

static int encode_advices(struct ledger_batch *batch)
{
        static const enum pg_type types[] = {PG_TEXT, PG_TIMESTAMPTZ, PG_INT4, PG_TEXT, PG_TIMESTAMPTZ,
                                             PG_INT4, PG_TEXT,        PG_INT8, PG_INT8};
        int count = sizeof(types) / sizeof(types[0]);
        arrays_begin(batch, types, count);
        for (int i = 0; i < batch->count; i++) {
                const struct ledger_op *op = batch->op[i];
                struct pg_array *a = batch->array;
                pg_array_text(a++, op->identity.terminal);
                pg_array_timestamptz(a++, op->advice.original.transmitted_ms);
                pg_array_int4(a++, op->advice.original.stan);
                pg_array_text(a++, op->advice.reversal ? "reversal" : "completion");
                pg_array_timestamptz(a++, op->identity.transmitted_ms);
                pg_array_int4(a++, op->identity.stan);
                pg_array_text(a++, op->advice.why);
                pg_array_int8(a++, op->advice.amount_yen);
                pg_array_int8(a++, op->advice.dispensed_yen);
        }
        return count;
}

static int encode_outcomes(struct ledger_batch *batch)
{
        static const enum pg_type types[] = {PG_TEXT, PG_TIMESTAMPTZ, PG_INT4, PG_INT2,
                                             PG_TEXT, PG_TEXT,        PG_TEXT};
        int count = sizeof(types) / sizeof(types[0]);
        arrays_begin(batch, types, count);
        for (int i = 0; i < batch->count; i++) {
                const struct ledger_op *op = batch->op[i];
                struct pg_array *a = batch->array;
                pg_array_text(a++, op->identity.terminal);
                pg_array_timestamptz(a++, op->identity.transmitted_ms);
                pg_array_int4(a++, op->identity.stan);
                pg_array_int2(a++, (int16_t)op->outcome.reason);
                pg_array_text(a++, op->outcome.approval_code);
                pg_array_text(a++, op->outcome.bank_de39);
                pg_array_text(a++, outcome_cause_name[op->outcome.cause]);
        }
        return count;
}

#define NO_TIME SIZE_MAX

/* How each kind is sent: its arrays, and the numbers before and after them. */
static const struct {
        int (*encode)(struct ledger_batch *batch);
        bool version_first; /* it depends on the reference data */
        bool now_last;
        size_t time_last; /* and of struct ledger_times the one at this offset */
} forms[LEDGER_KIND_COUNT] = {
    [LEDGER_REQUEST] = {encode_requests, true, true, offsetof(struct ledger_times, wait_ms)},
    [LEDGER_INQUIRY] = {encode_inquiries, true, false, NO_TIME},
    [LEDGER_ADVICE] = {encode_advices, false, true, offsetof(struct ledger_times, correct_ms)},
    [LEDGER_OUTCOME] = {encode_outcomes, false, true, NO_TIME},
};

bool ledger_batch_send(struct ledger_batch *batch, int64_t reference_version, int64_t now_ms,
                       const struct ledger_times *times, struct pg_conn *conn)
{
        struct pg_parameter parameters[PG_PARAMETERS_MAX];
        char version[8], now[8], time[8];
        int place = 0;
        if (forms[batch->kind].version_first) {
                pg_put_int8(version, reference_version);
                parameters[place++] = (struct pg_parameter){version, sizeof(version), 1};
        }
        int count = forms[batch->kind].encode(batch);
        for (int i = 0; i < count; i++) {
                pg_array_end(&batch->array[i]);
                if (!pg_array_ok(&batch->array[i]))
                        return false;
                parameters[place++] =
                    (struct pg_parameter){batch->array[i].bytes, (int)batch->array[i].length, 1};
        }
        if (forms[batch->kind].now_last) {
                pg_put_int8(now, now_ms);
                parameters[place++] = (struct pg_parameter){now, sizeof(now), 1};
        }
        if (forms[batch->kind].time_last != NO_TIME) {
                int64_t time_ms;
                memcpy(&time_ms, (const char *)times + forms[batch->kind].time_last, sizeof(time_ms));
                pg_put_int8(time, time_ms);
                parameters[place++] = (struct pg_parameter){time, sizeof(time), 1};
        }
        pg_conn_send(conn, ledger_batch_statement[batch->kind].name, parameters, place, 1);
        return true;
}

/* Where a row of each kind's answer says whether it was stored before, and its reason; NO_COLUMN: it does not say. */
enum { NO_COLUMN = -1, REASON_STALE = -1 };
static const struct {
        int stored, reason;
} columns[LEDGER_KIND_COUNT] = {
    [LEDGER_REQUEST] = {1, 2},
    [LEDGER_INQUIRY] = {NO_COLUMN, 1},
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
        return forms[batch->kind].version_first && PQntuples(result) == 1 &&
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
        answer->reason = (enum reason)pg_get_int2(PQgetvalue(result, row, 1));
        if (answer->reason != REASON_APPROVED)
                return;
        if (*op->request.link)
                answer->status = LEDGER_ASK;
        else
                answer->balance_yen = pg_get_int8(PQgetvalue(result, row, 2));
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
