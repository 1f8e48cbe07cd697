/*
 * The service: transactions between sessions and ledger. See service.h.
 *
 * Transitions of a transaction: service_submit takes it and gives it to the ledger, on_done gets it back;
 * finish is the one way out. decide_and_submit is shared by the first decision and by those made anew.
 */
#include "daemon/service.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "daemon/limits.h"
#include "daemon/log.h"
#include "daemon/session.h"

struct service *service_new(const struct service_settings *settings, const struct service_shell *shell,
                            struct ledger *ledger, struct token_key *token_key)
{
        struct service *service = calloc(1, sizeof(*service));
        if (!service)
                return NULL;
        service->fleet = fleet_new();
        if (!service->fleet) {
                free(service);
                return NULL;
        }
        service->settings = *settings;
        service->shell = *shell;
        service->ledger = ledger;
        service->token_key = token_key;
        txn_pool_init(&service->pool, settings->open_max);
        TAILQ_INIT(&service->open);
        return service;
}

void service_free(struct service *service)
{
        if (!service)
                return;
        txn_pool_clear(&service->pool);
        fleet_free(service->fleet);
        free(service);
}

int64_t service_business_ms(const struct service *service)
{
        return clock_business_ms(&service->settings.clock, service->shell.real_ms(service->shell.context));
}

static int64_t steady_ms(const struct service *service)
{
        return service->shell.steady_ms(service->shell.context);
}

bool service_is_congested(struct service *service)
{
        if (!service->congested && service->pool.taken >= service->settings.open_max) {
                service->congested = true;
                service->stats.congested++;
                log_limited(LEVEL_WARNING, "congested", LOG_NUMBER("open", (int64_t)service->pool.taken));
        }
        return service->congested;
}

static void relieve(struct service *service)
{
        if (!service->congested || service->pool.taken > service->settings.open_resume)
                return;
        service->congested = false;
        log_limited(LEVEL_INFO, "relieved", LOG_NUMBER("open", (int64_t)service->pool.taken));
        service->shell.on_relief(service->shell.context);
}

static void log_txn(const struct service *service, const struct txn *txn, const char *outcome)
{
        log_event(LEVEL_DEBUG, "transaction", LOG_TEXT("terminal", txn->op.identity.terminal),
                  LOG_NUMBER("stan", txn->op.identity.stan), LOG_TEXT("mti", txn->row->mti),
                  LOG_TEXT("outcome", outcome), LOG_NUMBER("ms", steady_ms(service) - txn->started_ms));
}

/* ---- the end of a transaction -------------------------------------------------------------------------- */

/* Who waits is told, once: the answer, or silence. */
static void tell(struct service *service, struct txn *txn, const struct iso_message *answer)
{
        struct session *session = fleet_find(service->fleet, txn->session);
        txn->session = 0;
        if (session)
                session_answered(session, answer);
        else if (answer)
                service->stats.gone++;
}

/* The ledger has no hand on it any more, and nobody waits for it. */
static void finish(struct service *service, struct txn *txn)
{
        assert(txn->session == 0);
        if (txn->state == TXN_STALE)
                service->stale--;
        TAILQ_REMOVE(&service->open, txn, entry);
        txn_give_back(&service->pool, txn);
        relieve(service);
}

static void count_answer(struct service *service, const struct txn *txn)
{
        struct stats *stats = &service->stats;
        uint64_t ms = (uint64_t)(steady_ms(service) - txn->started_ms);
        if (txn->op.kind == LEDGER_ADVICE)
                stats->advices++;
        else
                stats->by_reason[txn->op.answer.reason]++;
        if (txn->op.answer.status == LEDGER_STORED)
                stats->stored++;
        stats->latency_sum_ms += ms;
        stats->latency_count++;
        if (ms > stats->latency_max_ms)
                stats->latency_max_ms = ms;
}

static void finish_decided(struct service *service, struct txn *txn)
{
        bool sent = txn_answer(txn, &service->answer);
        assert(sent);
        (void)sent;
        count_answer(service, txn);
        log_txn(service, txn,
                txn->op.kind == LEDGER_ADVICE ? "accepted" : reason_rows[txn->op.answer.reason].name);
        tell(service, txn, &service->answer);
        iso_wipe(&service->answer);
        finish(service, txn);
}

/* Is an earlier transaction of the same identity with the ledger, its end unknown? */
static bool is_in_doubt_elsewhere(const struct service *service, const struct txn *txn)
{
        const struct txn *other;
        if (service->pool.taken == service->waiting)
                return false; /* every transaction has its session, and a session has one at a time */
        TAILQ_FOREACH(other, &service->open, entry)
        if (other != txn && other->state == TXN_IN_LEDGER && txn_same_identity(other, txn))
                return true;
        return false;
}

/* Nothing will be written for it, and nothing was: unless an earlier sending, or another transaction of the
 * same identity, may have done so. */
static void finish_undecided(struct service *service, struct txn *txn)
{
        bool answered = !txn->op.in_doubt && !is_in_doubt_elsewhere(service, txn) &&
                        txn_answer_unavailable(txn, &service->answer);
        if (answered)
                service->stats.by_reason[REASON_CANNOT_DECIDE]++;
        else
                service->stats.silent++;
        log_txn(service, txn, answered ? "CANNOT_DECIDE" : "silence");
        tell(service, txn, answered ? &service->answer : NULL);
        if (answered)
                iso_wipe(&service->answer);
        finish(service, txn);
}

/* It may have been written: nothing may be said. */
static void finish_unknown(struct service *service, struct txn *txn)
{
        service->stats.silent++;
        log_txn(service, txn, "unknown");
        tell(service, txn, NULL);
        finish(service, txn);
}

/* ---- to the ledger and back ---------------------------------------------------------------------------- */

static void submit(struct service *service, struct txn *txn)
{
        if (txn->state == TXN_STALE)
                service->stale--;
        txn->state = TXN_IN_LEDGER;
        service->stats.submitted++;
        ledger_submit(service->ledger, &txn->op);
}

static void decide_and_submit(struct service *service, struct txn *txn)
{
        struct txn_world world = {
            .reference = ledger_reference(service->ledger),
            .token_key = service->token_key,
            .business_ms = service_business_ms(service),
            .skew_limit_ms = service->settings.skew_limit_ms,
        };
        if (!world.reference) {
                finish_undecided(service, txn);
                return;
        }
        if (!txn_decide(txn, &world)) {
                log_limited(LEVEL_ERROR, "partition_missing", LOG_TEXT("terminal", txn->op.identity.terminal),
                            LOG_NUMBER("transmitted_ms", txn->op.identity.transmitted_ms),
                            LOG_TEXT("help", "atmctl db partitions"));
                finish_undecided(service, txn);
                return;
        }
        submit(service, txn);
}

/* Decided from reference data that has changed. Where the ledger has not read the new data yet, wait. */
static void on_stale(struct service *service, struct txn *txn)
{
        const struct reference *reference = ledger_reference(service->ledger);
        service->stats.stale++;
        if (txn->decisions >= LIMIT_DECISIONS || txn->op.kind == LEDGER_ADVICE ||
            !fleet_find(service->fleet, txn->session)) {
                finish_undecided(service, txn);
        } else if (reference && reference_version(reference) != txn->op.request.reference_version) {
                decide_and_submit(service, txn);
        } else {
                txn->state = TXN_STALE;
                service->stale++;
        }
}

static void on_done(struct ledger_op *op, void *context)
{
        struct service *service = context;
        struct txn *txn = (struct txn *)((char *)op - offsetof(struct txn, op));
        assert(txn->state == TXN_IN_LEDGER);
        switch (op->answer.status) {
        case LEDGER_DECIDED:
        case LEDGER_STORED:
                finish_decided(service, txn);
                break;
        case LEDGER_STALE:
                on_stale(service, txn);
                break;
        case LEDGER_UNAVAILABLE:
                service->stats.unavailable++;
                finish_undecided(service, txn);
                break;
        case LEDGER_UNKNOWN:
                service->stats.unavailable++;
                finish_unknown(service, txn);
                break;
        }
}

bool service_submit(struct service *service, struct session *session, const struct profile_row *row,
                    bool repeat, struct iso_error *ret_error)
{
        struct txn *txn = txn_take(&service->pool);
        if (!txn) { /* out of memory: the limit itself stops the reading before */
                service->stats.silent++;
                session_answered(session, NULL);
                return true;
        }
        if (txn_read(txn, row, &service->request, session->terminal, service_business_ms(service),
                     ret_error) < 0) {
                txn_give_back(&service->pool, txn);
                return false;
        }
        txn->repeat = txn->repeat || repeat;
        txn->session = session->handle;
        txn->started_ms = steady_ms(service);
        txn->deadline_ms = txn->started_ms + service->settings.request_timeout_ms;
        txn->op.in_doubt = txn->op.alone = false;
        txn->op.on_done = on_done;
        txn->op.context = service;
        txn->state = TXN_IN_LEDGER;
        TAILQ_INSERT_TAIL(&service->open, txn, entry);
        if (txn->op.kind == LEDGER_ADVICE)
                submit(service, txn);
        else
                decide_and_submit(service, txn);
        return true;
}

/* ---- time, and new reference data ---------------------------------------------------------------------- */

static void expire(struct service *service, struct txn *txn)
{
        if (txn->state == TXN_STALE) {
                finish_undecided(service, txn); /* nothing was written: it can be said */
                return;
        }
        service->stats.late++;
        log_limited(LEVEL_WARNING, "request_timeout", LOG_TEXT("terminal", txn->op.identity.terminal),
                    LOG_NUMBER("stan", txn->op.identity.stan), LOG_TEXT("mti", txn->row->mti));
        tell(service, txn, NULL);
}

/* Decide anew what waits for other reference data than it was decided from. */
static void retry_stale(struct service *service)
{
        const struct reference *reference = ledger_reference(service->ledger);
        struct txn *txn, *next;
        for (txn = TAILQ_FIRST(&service->open); txn && service->stale > 0; txn = next) {
                next = TAILQ_NEXT(txn, entry);
                if (txn->state != TXN_STALE)
                        continue;
                if (!fleet_find(service->fleet, txn->session))
                        finish_undecided(service, txn);
                else if (reference && reference_version(reference) != txn->op.request.reference_version)
                        decide_and_submit(service, txn);
        }
}

void service_tick(struct service *service)
{
        int64_t now_ms = steady_ms(service);
        struct txn *txn, *next;
        for (txn = TAILQ_FIRST(&service->open); txn && txn->deadline_ms <= now_ms; txn = next) {
                next = TAILQ_NEXT(txn, entry);
                if (txn->session || txn->state == TXN_STALE)
                        expire(service, txn);
        }
        retry_stale(service);
}
