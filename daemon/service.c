/*
 * The service: transactions between sessions and ledger. See service.h.
 *
 * Transitions of a transaction: service_submit takes it and gives it to the ledger, on_done gets it back;
 * finish is the one way out. decide_and_submit is shared by the first decision and by those made anew.
 * verify_pin gives it to the key module, for a PIN's value or a bank's PIN block, and on_verified gets it back. ask_bank gives it to a bank, on_bank_end gets it back.
 * change_state is the door for its state.
 */
#include "daemon/service.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/key_rings.h"
#include "config/limits.h"
#include "daemon/banks/bank_format.h"
#include "daemon/pin_translate.h"
#include "daemon/security.h"
#include "lib/base/log.h"

struct service *service_new(const struct service_settings *settings, const struct service_shell *shell,
                            struct ledger *ledger, struct token_key *token_key)
{
        struct service *service = calloc(1, sizeof(*service));
        if (!service)
                return NULL;
        service->settings = *settings;
        service->shell = *shell;
        service->ledger = ledger;
        service->token_key = token_key;
        txn_pool_init(&service->pool, settings->open_max);
        TAILQ_INIT(&service->open);
        service->sessions = session_index_new();
        service->paces = paces_new();
        if (service->sessions && service->paces)
                return service;
        service_free(service);
        return NULL;
}

void service_free(struct service *service)
{
        if (!service)
                return;
        txn_pool_clear(&service->pool);
        session_index_free(service->sessions);
        paces_free(service->paces);
        free(service);
}

void service_change(struct service *service, const struct service_settings *settings)
{
        service->settings.skew_limit_ms = settings->skew_limit_ms;
        service->settings.request_timeout_ms = settings->request_timeout_ms;
        service->settings.replaced = settings->replaced;
        service->settings.guesses = settings->guesses;
}

void service_set_clock(struct service *service, enum clock_state state)
{
        service->clock_state = state;
}

void service_reset_latency(struct service *service)
{
        service->count.latency_sum_ms = service->count.latency_max_ms = service->count.latency_count = 0;
}

static void on_late_approval(void *context, const struct bank_route *route,
                             const struct ledger_identity *identity, const struct iso_message *answer);

static void on_wrong_mac(void *context, const struct bank_route *route, int connection, const char *mti,
                         const char *why)
{
        (void)context;
        security_event(SECURITY_LINK_MAC_WRONG, route->settings.name, LOG_NUMBER("connection", connection),
                       LOG_TEXT("mti", mti), LOG_TEXT("why", why));
}

void service_set_banks(struct service *service, const struct service_banks *banks)
{
        service->banks = *banks;
        for (size_t i = 0; banks->routes && i < banks->routes->count; i++) {
                banks->routes->route[i]->on_late_approval = on_late_approval;
                banks->routes->route[i]->on_wrong_mac = on_wrong_mac;
                banks->routes->route[i]->watcher = service;
        }
}

void service_set_keys(struct service *service, const struct session_keys *keys)
{
        service->keys = keys;
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
                service->count.congested++;
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

static void change_state(struct service *service, struct txn *txn, enum txn_state to)
{
        static const bool legal[TXN_STATE_COUNT][TXN_STATE_COUNT] = {
            [TXN_FREE] = {[TXN_IN_HAND] = true},
            [TXN_IN_HAND] = {[TXN_FREE] = true,
                             [TXN_IN_LEDGER] = true,
                             [TXN_VERIFYING] = true,
                             [TXN_STALE] = true,
                             [TXN_ASKING] = true,
                             [TXN_PENDING] = true},
            [TXN_IN_LEDGER] = {[TXN_IN_HAND] = true},
            [TXN_VERIFYING] = {[TXN_IN_HAND] = true},
            [TXN_STALE] = {[TXN_IN_HAND] = true, [TXN_FREE] = true},
            [TXN_ASKING] = {[TXN_IN_HAND] = true},
            [TXN_PENDING] = {[TXN_IN_HAND] = true, [TXN_FREE] = true},
        };
        assert(legal[txn->state][to]);
        service->stale += (to == TXN_STALE) - (txn->state == TXN_STALE);
        service->pending += (to == TXN_PENDING) - (txn->state == TXN_PENDING);
        txn->state = to;
}

static void release_bank(struct txn *txn)
{
        if (txn->route)
                bank_route_release(txn->route);
        txn->route = NULL;
}

/* ---- the end of a transaction -------------------------------------------------------------------------- */

/* It waits no longer, and may ask again. */
static void answer_asker(struct service *service, struct session_entry *asker, struct iso_message *answer)
{
        service_leave(service, asker);
        asker->on_answered(asker, answer);
}

/* Who waits is told, once: the answer, or silence. */
static void tell(struct service *service, struct txn *txn, struct iso_message *answer)
{
        struct session_entry *asker = session_index_find(service->sessions, txn->session);
        txn->session = 0;
        if (asker && asker->waiting)
                answer_asker(service, asker, answer);
        else if (answer)
                service->count.gone++;
}

/* The ledger has no hand on it any more, and nobody waits for it. */
static void finish(struct service *service, struct txn *txn)
{
        assert(txn->session == 0);
        change_state(service, txn, TXN_FREE);
        release_bank(txn);
        TAILQ_REMOVE(&service->open, txn, entry);
        txn_give_back(&service->pool, txn);
        relieve(service);
}

static void count_advice(struct service_counters *count, const struct ledger_answer *answer)
{
        bool corrected = !strcmp(answer->what, "corrected");
        count->advices++;
        count->corrections += corrected || !strcmp(answer->what, withdrawal_state_name[WITHDRAWAL_SETTLED]);
        count->exceptions += answer->what[0] && !corrected;
}

/* Refused for the card and nothing else: what somebody who tries card numbers would hear. */
static bool is_guess(enum reason reason)
{
        static const bool guess[REASON_COUNT] = {
            [REASON_NO_ROUTE] = true,      [REASON_INVALID_CARD] = true, [REASON_CARD_KIND] = true,
            [REASON_CARD_EXPIRED] = true,  [REASON_CARD_STOLEN] = true,  [REASON_CARD_LOST] = true,
            [REASON_CARD_EXCLUDED] = true, [REASON_PIN_TRIES] = true,    [REASON_PIN_WRONG] = true,
            [REASON_DECLINED] = true,
        };
        return guess[reason];
}

/* An inquiry leaves no row, where no PIN is looked at, so whoever guesses card numbers by inquiries leaves nothing but this. */
static void note_guess(struct service *service, const struct txn *txn)
{
        if (txn->op.kind != LEDGER_INQUIRY || !is_guess(txn->op.answer.reason))
                return;
        service->count.guesses++;
        (void)paces_take(service->paces, PACE_GUESS, &service->settings.guesses, txn->op.identity.terminal,
                         steady_ms(service));
}

/* Decided now, and because of the PIN that was typed: our ledger has compared it (its block is kept until then), or the card's bank has. */
static bool is_wrong_pin(const struct txn *txn)
{
        return txn->op.answer.reason == REASON_PIN_WRONG && txn->op.answer.status == LEDGER_DECIDED &&
               (txn->op.kind == LEDGER_OUTCOME || txn_pin_is_there(&txn->pin));
}

/* Counted against the card too; but who has many cards' numbers would try one PIN with all of them. */
static void note_wrong_pin(struct service *service, const struct txn *txn)
{
        if (is_wrong_pin(txn))
                (void)paces_take(service->paces, PACE_PIN_WRONG, &service->settings.guesses,
                                 txn->op.identity.terminal, steady_ms(service));
}

static void count_answer(struct service *service, const struct txn *txn)
{
        struct service_counters *count = &service->count;
        uint64_t ms = (uint64_t)(steady_ms(service) - txn->started_ms);
        if (txn->op.kind == LEDGER_ADVICE)
                count_advice(count, &txn->op.answer);
        else
                count->by_reason[txn->op.answer.reason]++;
        note_guess(service, txn);
        note_wrong_pin(service, txn);
        if (txn->op.kind == LEDGER_OUTCOME)
                count->overtaken += txn->op.answer.reason != txn->op.outcome.reason;
        else if (txn->op.answer.status == LEDGER_STORED)
                count->stored++;
        count->latency_sum_ms += ms;
        count->latency_count++;
        if (ms > count->latency_max_ms)
                count->latency_max_ms = ms;
}

/* The bank approved, and something else was durable before. */
static bool is_overtaken(const struct txn *txn)
{
        return txn->op.kind == LEDGER_OUTCOME && txn->op.answer.status == LEDGER_STORED &&
               txn->op.outcome.reason == REASON_APPROVED && txn->op.answer.reason != REASON_APPROVED;
}

/* The rows that a bank must be told of came with an advice or a time-out. */
static void note_notice(struct service *service, const struct txn *txn)
{
        if (!service->banks.on_notice || (txn->op.answer.status != LEDGER_DECIDED && !is_overtaken(txn)))
                return;
        if (is_overtaken(txn))
                service->banks.on_notice(service->banks.context);
        if (txn->op.kind == LEDGER_ADVICE ||
            (txn->op.kind == LEDGER_OUTCOME && txn->op.outcome.cause == OUTCOME_TIMEOUT))
                service->banks.on_notice(service->banks.context);
}

/* Nothing is paid out, and the reversal is queued: the ledger has seen to it. */
static void log_overtaken(const struct txn *txn)
{
        if (!is_overtaken(txn))
                return;
        log_limited(LEVEL_WARNING, "approval_overtaken", LOG_TEXT("terminal", txn->op.identity.terminal),
                    LOG_NUMBER("stan", txn->op.identity.stan),
                    LOG_TEXT("stands", reason_rows[txn->op.answer.reason].name));
}

static void finish_decided(struct service *service, struct txn *txn)
{
        struct iso_message answer;
        bool sent = txn_answer(txn, &answer);
        assert(sent);
        (void)sent;
        count_answer(service, txn);
        note_notice(service, txn);
        log_overtaken(txn);
        log_txn(service, txn,
                txn->op.kind == LEDGER_ADVICE ? "accepted" : reason_rows[txn->op.answer.reason].name);
        tell(service, txn, &answer);
        iso_wipe(&answer);
        finish(service, txn);
}

/* The ledger could not be asked. */
static void finish_undecided(struct service *service, struct txn *txn)
{
        struct iso_message answer;
        bool answered = txn_answer_unavailable(txn, &answer);
        if (answered)
                service->count.by_reason[REASON_CANNOT_DECIDE]++;
        else
                service->count.silent++;
        log_txn(service, txn, answered ? "CANNOT_DECIDE" : "silence");
        tell(service, txn, answered ? &answer : NULL);
        if (answered)
                iso_wipe(&answer);
        finish(service, txn);
}

/* A moment so far off that there is no partition to keep its refusal in (29 February in a year that has none):
 * whoever asks again is told the same. */
static void finish_clock_off(struct service *service, struct txn *txn)
{
        txn->op.answer = (struct ledger_answer){.status = LEDGER_DECIDED, .reason = REASON_CLOCK_OFF};
        finish_decided(service, txn);
}

/* Whoever has guessed so often hears nothing of any card for a while, right or wrong. */
static bool has_guessed_enough(const struct service *service, const struct txn *txn)
{
        return txn->op.kind == LEDGER_INQUIRY &&
               paces_wait_ms(service->paces, PACE_GUESS, &service->settings.guesses,
                             txn->op.identity.terminal, steady_ms(service)) > 0;
}

static void finish_guessing(struct service *service, struct txn *txn)
{
        security_event(SECURITY_INQUIRIES_REFUSED, txn->op.identity.terminal,
                       LOG_NUMBER("in_a_row", service->settings.guesses.at_once));
        txn->op.answer = (struct ledger_answer){.status = LEDGER_DECIDED, .reason = REASON_GUESSES};
        finish_decided(service, txn);
}

/* It may have been written: nothing may be said. */
static void finish_unknown(struct service *service, struct txn *txn)
{
        service->count.silent++;
        log_txn(service, txn, "unknown");
        tell(service, txn, NULL);
        finish(service, txn);
}

/* ---- to the ledger and back ---------------------------------------------------------------------------- */

static void submit(struct service *service, struct txn *txn)
{
        change_state(service, txn, TXN_IN_LEDGER);
        service->count.submitted++;
        ledger_submit(service->ledger, &txn->op);
}

/* Nobody can say whether its PIN is right, and so not what becomes of it: the ATM repeats it, or reverses. */
static void finish_without_pin(struct service *service, struct txn *txn)
{
        service->count.without_pin++;
        log_limited(
            LEVEL_WARNING, "no_pin", LOG_TEXT("terminal", txn->op.identity.terminal),
            LOG_NUMBER("stan", txn->op.identity.stan),
            LOG_TEXT("help", "the key module is away, slow, or can't use a key: the ATM hears nothing"));
        log_txn(service, txn, "PIN not verified");
        tell(service, txn, NULL);
        finish(service, txn);
}

/* Of a bank's card: the ledger, which compares none for it, is told. */
static void refuse_pin(struct txn *txn)
{
        txn->op.request.refusal = REASON_PIN_WRONG;
        release_bank(txn);
}

/* Nobody has seen which PIN its holder has typed, so nothing is counted against the card. */
static void submit_unseen(struct service *service, struct txn *txn)
{
        txn_pin_wipe(&txn->pin);
        if (txn->route)
                refuse_pin(txn);
        service->count.unreadable_pins++;
        submit(service, txn);
}

static void submit_unreadable(struct service *service, struct txn *txn, const char *looked_at)
{
        security_event(SECURITY_PIN_UNREADABLE, txn->op.identity.terminal, LOG_TEXT("looked_at", looked_at));
        submit_unseen(service, txn);
}

static void submit_guess(struct service *service, struct txn *txn)
{
        security_event(SECURITY_PINS_WRONG, txn->op.identity.terminal,
                       LOG_NUMBER("in_a_row", service->settings.guesses.at_once));
        submit_unseen(service, txn);
}

static void on_verified(struct key_question *question, const struct key_message *answer)
{
        struct txn *txn = question->context;
        struct service *service = txn->op.context;
        enum pin_verified verified =
            pin_translate_is_asked(txn) ? pin_translate_take(txn, answer) : pin_verify_take(txn, answer);
        change_state(service, txn, TXN_IN_HAND);
        if (!session_index_find(service->sessions, txn->session)) {
                finish_unknown(service, txn); /* whoever repeats it has his PIN verified again */
        } else if (verified == PIN_NOBODY_KNOWS) {
                finish_without_pin(service, txn);
        } else if (verified == PIN_UNREADABLE) {
                (void)paces_take(service->paces, PACE_PIN_BLOCK, &service->settings.guesses,
                                 txn->op.identity.terminal, steady_ms(service));
                submit_unreadable(service, txn, "yes");
        } else {
                submit(service, txn);
        }
}

/* PACE_PIN_BLOCK: whoever sends one block after the other that is not in order is broken, or looks for one that is. PACE_PIN_WRONG: no hall has so many holders
 * who mistype theirs. */
static bool is_too_often(const struct service *service, const struct txn *txn, enum pace pace)
{
        return paces_wait_ms(service->paces, pace, &service->settings.guesses, txn->op.identity.terminal,
                             steady_ms(service)) > 0;
}

static void verify_pin(struct service *service, struct txn *txn)
{
        txn->question = (struct key_question){.ended = on_verified, .context = txn};
        if (is_too_often(service, txn, PACE_PIN_BLOCK))
                submit_unreadable(service, txn, "no");
        else if (is_too_often(service, txn, PACE_PIN_WRONG))
                submit_guess(service, txn);
        else if (pin_translate_is_needed(txn) ? pin_translate_ask(txn, service->keys)
                                              : pin_verify_ask(txn, service->keys))
                change_state(service, txn, TXN_VERIFYING);
        else
                finish_without_pin(service, txn);
}

/* A repeat's PIN was verified with its original, if that ever came: so the ledger says first whether it knows it. It finds something, or what refuses the
 * request before its PIN would be looked at, or nothing (96). */
static void look_first(struct service *service, struct txn *txn)
{
        txn->looks = true;
        txn->op.request.refusal = REASON_CANNOT_DECIDE;
        submit(service, txn);
}

static bool is_unknown(const struct txn *txn)
{
        return txn->op.answer.status == LEDGER_DECIDED && txn->op.answer.reason == REASON_CANNOT_DECIDE;
}

/* Decided as its original would have been. */
static void verify_unknown(struct service *service, struct txn *txn)
{
        txn->has_looked = true;
        txn->op.request.refusal = REASON_APPROVED;
        if (session_index_find(service->sessions, txn->session))
                verify_pin(service, txn);
        else
                finish_unknown(service, txn);
}

static void submit_request(struct service *service, struct txn *txn)
{
        if (!pin_verify_is_needed(txn) && !pin_translate_is_needed(txn))
                submit(service, txn);
        else if (txn->row->repeat && !txn->has_looked)
                look_first(service, txn);
        else
                verify_pin(service, txn);
}

/* An amount, a fee or a card number may be longer than in the bank's dialect: its reversal would wait for ever. */
static bool can_be_said(const struct bank_route *route, const struct txn *txn)
{
        const struct ledger_request *request = &txn->op.request;
        struct iso_message message;
        bank_format_request(&txn->op.identity, request, &txn->card,
                            request->price.customer_fee_yen + request->price.customer_tax_yen,
                            route->settings.acquirer, &message);
        chip_add(&txn->chip, &route->dialect, &message);
        if (bank_route_wants_pin(route))
                bank_format_pin(&route->dialect, txn->pin.block, &message); /* as long as the one to come */
        if (bank_route_can_say(route, &message))
                return true;
        log_limited(
            LEVEL_WARNING, "bank_no_room", LOG_TEXT("link", route->settings.name),
            LOG_TEXT("terminal", txn->op.identity.terminal), LOG_NUMBER("stan", txn->op.identity.stan),
            LOG_TEXT("help", "an amount, a fee or a card number is longer than in the bank's dialect"));
        return false;
}

/* Room with the bank, and in its dialect, before anything is durable: a request that finds none is refused, and its
 * bank never hears of it. */
static void reserve_bank(struct service *service, struct txn *txn)
{
        struct ledger_request *request = &txn->op.request;
        release_bank(txn); /* of an earlier decision */
        bank_pin_wipe(&txn->bank_pin);
        if (!*request->link || request->refusal != REASON_APPROVED)
                return;
        struct bank_route *route = bank_routes_find(service->banks.routes, request->link);
        if (route && bank_route_wants_pin(route) && !txn_pin_is_there(&txn->pin))
                request->refusal = REASON_PIN_WRONG;
        else if (route && can_be_said(route, txn) && bank_route_reserve(route))
                txn->route = route;
        else
                request->refusal = REASON_ISSUER_UNAVAILABLE;
}

/* With a clock that is off nothing is known of DE 7's distance from the right time; with one that is lost neither is the year that the
 * ATM means, so that the ledger can't be asked for what it knows. */
static void decide_without_clock(struct service *service, struct txn *txn, struct txn_world *world)
{
        world->skew_limit_ms = INT64_MAX;
        if (service->clock_state == CLOCK_LOST || !txn_decide(txn, world)) {
                finish_undecided(service, txn);
                return;
        }
        release_bank(txn);
        if (txn->op.request.refusal == REASON_APPROVED)
                txn->op.request.refusal = REASON_CANNOT_DECIDE;
        submit(service, txn);
}

static void note_clock(struct service *service, const struct txn *txn, const struct txn_world *world,
                       bool refused)
{
        const struct ledger_identity *identity = &txn->op.identity;
        atm_clocks_note(&service->atm_clocks, identity->terminal,
                        identity->transmitted_ms - world->business_ms, refused);
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
        if (service->clock_state >= CLOCK_OFF) {
                decide_without_clock(service, txn, &world);
                return;
        }
        if (!txn_decide(txn, &world)) {
                if (decide_is_clock_off(txn->op.identity.transmitted_ms, world.business_ms,
                                        world.skew_limit_ms)) {
                        note_clock(service, txn, &world, true);
                        finish_clock_off(service, txn);
                        return;
                }
                log_limited(LEVEL_ERROR, "partition_missing", LOG_TEXT("terminal", txn->op.identity.terminal),
                            LOG_NUMBER("transmitted_ms", txn->op.identity.transmitted_ms),
                            LOG_TEXT("help", "atmctl db partitions"));
                finish_undecided(service, txn);
                return;
        }
        note_clock(service, txn, &world, txn->op.request.refusal == REASON_CLOCK_OFF);
        reserve_bank(service, txn);
        submit_request(service, txn);
}

/* Decided from reference data that has changed. Where the ledger has not read the new data yet, wait. */
static void on_stale(struct service *service, struct txn *txn)
{
        const struct reference *reference = ledger_reference(service->ledger);
        service->count.stale++;
        if (txn->decisions >= LIMIT_DECISIONS || txn->op.kind == LEDGER_ADVICE ||
            !session_index_find(service->sessions, txn->session)) {
                finish_undecided(service, txn);
        } else if (reference && reference_version(reference) != txn->op.request.reference_version) {
                decide_and_submit(service, txn);
        } else {
                release_bank(txn);
                change_state(service, txn, TXN_STALE);
        }
}

/* ---- to a bank and back -------------------------------------------------------------------------------- */

static void submit_outcome(struct service *service, struct txn *txn, const struct bank_codes *codes,
                           const struct iso_message *bank_answer)
{
        txn_make_outcome(txn, service->token_key, codes, bank_answer);
        service->count.timed_out += txn->op.outcome.cause == OUTCOME_TIMEOUT;
        submit(service, txn);
}

/* An inquiry leaves nothing behind: what the bank says of it is passed on, or that it says nothing. */
static void finish_inquiry(struct service *service, struct txn *txn, const struct bank_codes *codes,
                           const struct iso_message *bank_answer)
{
        enum reason reason = REASON_ISSUER_UNAVAILABLE;
        struct iso_message answer;
        char de39[3];
        if (bank_answer && iso_copy(bank_answer, 39, de39, sizeof(de39)))
                reason = bank_codes_reason(codes, de39);
        txn->op.answer.reason = reason;
        txn_answer_inquiry(txn, reason, bank_answer, &answer);
        count_answer(service, txn);
        log_txn(service, txn, reason_rows[reason].name);
        tell(service, txn, &answer);
        iso_wipe(&answer);
        finish(service, txn);
}

/* bank_answer: what the bank said, in its own codes; NULL where nothing came. */
static void end_asking(struct service *service, struct txn *txn, const struct bank_codes *codes,
                       const struct iso_message *bank_answer)
{
        if (txn->op.kind == LEDGER_INQUIRY)
                finish_inquiry(service, txn, codes, bank_answer);
        else
                submit_outcome(service, txn, codes, bank_answer);
}

static void on_bank_end(struct bank_exchange *exchange, enum bank_end end, const struct iso_message *answer)
{
        struct txn *txn = (struct txn *)((char *)exchange - offsetof(struct txn, exchange));
        struct service *service = txn->op.context;
        const struct bank_codes *codes = &txn->route->codes;
        (void)end; /* unless it was answered there is no answer: all others are silence to us */
        change_state(service, txn, TXN_IN_HAND);
        txn->route = NULL; /* the reservation ended with the exchange */
        end_asking(service, txn, codes, answer);
}

/* The intent is durable. An ATM whose time is over would only have to reverse what the bank approves now. */
static void ask_bank(struct service *service, struct txn *txn)
{
        struct bank_route *route = txn->route;
        bool asked = false;
        assert(route);
        if (txn->session) {
                struct iso_message message;
                bank_format_request(&txn->op.identity, &txn->op.request, &txn->card,
                                    txn->op.answer.customer_charge_yen, route->settings.acquirer, &message);
                chip_add(&txn->chip, &route->dialect, &message);
                if (txn->bank_pin.set)
                        bank_format_pin(&route->dialect, txn->bank_pin.block, &message);
                txn->exchange = (struct bank_exchange){.identity = txn->op.identity,
                                                       .kind = MESSAGE_REQUEST,
                                                       .key_set = txn->bank_pin.set,
                                                       .on_end = on_bank_end};
                asked = bank_route_ask(route, &txn->exchange, &message);
                txn->route = asked ? route : NULL;
        }
        explicit_bzero(&txn->card, sizeof(txn->card));
        txn_pin_wipe(&txn->pin);
        bank_pin_wipe(&txn->bank_pin);
        explicit_bzero(&txn->chip, sizeof(txn->chip));
        if (asked) {
                change_state(service, txn, TXN_ASKING);
                return;
        }
        release_bank(txn);
        end_asking(service, txn, NULL, NULL);
}

/* Somebody has asked the bank and nothing is decided: look again, as long as the ATM waits. */
static void wait_for_outcome(struct service *service, struct txn *txn)
{
        service->count.pending++;
        if (!session_index_find(service->sessions, txn->session)) {
                finish_unknown(service, txn);
                return;
        }
        txn->poll_ms = steady_ms(service) + LIMIT_PENDING_POLL_MS;
        change_state(service, txn, TXN_PENDING);
}

/* Nothing is kept of it but this line: the reversal takes it back, unless the bank acknowledged that one before it
 * debited, which reconciling with the bank shows. */
static void note_unrecorded(struct service *service, const struct ledger_identity *identity)
{
        service->count.unrecorded++;
        log_limited(LEVEL_WARNING, "approval_not_recorded", LOG_TEXT("terminal", identity->terminal),
                    LOG_NUMBER("stan", identity->stan));
}

/* An approval that came when its transaction was gone: there is nobody to tell. */
static void finish_late_approval(struct service *service, struct txn *txn)
{
        if (txn->op.answer.status == LEDGER_UNAVAILABLE || txn->op.answer.status == LEDGER_UNKNOWN)
                note_unrecorded(service, &txn->op.identity);
        service->count.overtaken += is_overtaken(txn);
        note_notice(service, txn);
        log_overtaken(txn);
        log_txn(service, txn, "late approval");
        finish(service, txn);
}

/* The ledger has looked for it and has nothing; but a copy that was sent before may still be on its way, elsewhere, and so may a repeat
 * where we have stood still since. */
static bool is_nobody_s_to_say(const struct service *service, const struct txn *txn)
{
        return txn->op.kind == LEDGER_REQUEST && txn->op.answer.reason == REASON_CANNOT_DECIDE &&
               (txn->row->repeat || steady_ms(service) >= txn->deadline_ms);
}

static void on_done(struct ledger_op *op, void *context)
{
        struct service *service = context;
        struct txn *txn = (struct txn *)((char *)op - offsetof(struct txn, op));
        change_state(service, txn, TXN_IN_HAND);
        if (op->kind == LEDGER_OUTCOME && txn->echo_length == 0) {
                finish_late_approval(service, txn);
                return;
        }
        if (txn->looks && is_unknown(txn)) {
                txn->looks = false;
                verify_unknown(service, txn);
                return;
        }
        txn->looks = false;
        if (op->answer.status != LEDGER_ASK && op->answer.status != LEDGER_STALE)
                release_bank(txn); /* there is nothing to ask */
        switch (op->answer.status) {
        case LEDGER_DECIDED:
        case LEDGER_STORED:
                if (is_nobody_s_to_say(service, txn))
                        finish_unknown(service, txn);
                else
                        finish_decided(service, txn);
                break;
        case LEDGER_ASK:
                ask_bank(service, txn);
                break;
        case LEDGER_PENDING:
                wait_for_outcome(service, txn);
                break;
        case LEDGER_STALE:
                on_stale(service, txn);
                break;
        case LEDGER_UNAVAILABLE:
                service->count.unavailable++;
                finish_undecided(service, txn);
                break;
        case LEDGER_UNKNOWN:
                service->count.unavailable++;
                finish_unknown(service, txn);
                break;
        }
}

/* A PIN block that was not made under a key of the terminal's says nothing. */
static int read_pin(const struct service *service, struct txn *txn, const struct iso_message *request,
                    struct iso_error *ret_error)
{
        const char *terminal = txn->op.identity.terminal;
        if (txn->row->kind != MESSAGE_REQUEST || !service->keys ||
            !key_rings_find(service->keys->rings, KEY_OWNER_TERMINAL, terminal))
                return 0;
        return txn_pin_read(&txn->pin, request, ret_error);
}

bool service_submit(struct service *service, struct session_entry *asker, const struct profile_row *row,
                    const struct iso_message *request, struct iso_error *ret_error)
{
        struct txn *txn = txn_take(&service->pool);
        asker->waiting = true;
        service->waiting++;
        if (!txn) { /* out of memory: the limit itself stops the reading before */
                service->count.silent++;
                answer_asker(service, asker, NULL);
                return true;
        }
        if (txn_read(txn, row, request, asker->terminal, service_business_ms(service),
                     service->settings.skew_limit_ms +
                         2 * LIMIT_CLOCK_OFF_MS * (int64_t)service->settings.clock.speed,
                     ret_error) < 0 ||
            read_pin(service, txn, request, ret_error) < 0) {
                txn_give_back(&service->pool, txn);
                service_leave(service, asker);
                return false;
        }
        txn->session = asker->handle;
        txn->started_ms = steady_ms(service);
        txn->deadline_ms = txn->started_ms + service->settings.request_timeout_ms;
        txn->op.look = row->repeat;
        txn->op.in_doubt = txn->op.alone = false;
        txn->op.on_done = on_done;
        txn->op.context = service;
        change_state(service, txn, TXN_IN_HAND);
        TAILQ_INSERT_TAIL(&service->open, txn, entry);
        if (txn->op.kind == LEDGER_ADVICE && service->clock_state >= CLOCK_OFF)
                finish_undecided(service, txn);
        else if (txn->op.kind == LEDGER_ADVICE)
                submit(service, txn);
        else if (has_guessed_enough(service, txn))
                finish_guessing(service, txn);
        else
                decide_and_submit(service, txn);
        return true;
}

/* The ledger knows what stands, and whether the bank must be told to undo it. */
static void on_late_approval(void *context, const struct bank_route *route,
                             const struct ledger_identity *identity, const struct iso_message *answer)
{
        struct service *service = context;
        struct txn *txn = txn_take(&service->pool);
        if (!txn) {
                note_unrecorded(service, identity);
                return;
        }
        txn->row = profile_find("0200");
        txn->op.kind = LEDGER_REQUEST;
        txn->op.identity = *identity;
        txn->started_ms = txn->deadline_ms = steady_ms(service);
        txn->op.look = txn->op.in_doubt = txn->op.alone = false;
        txn->op.on_done = on_done;
        txn->op.context = service;
        change_state(service, txn, TXN_IN_HAND);
        TAILQ_INSERT_HEAD(&service->open, txn, entry);
        submit_outcome(service, txn, &route->codes, answer);
}

void service_leave(struct service *service, struct session_entry *asker)
{
        service->waiting -= asker->waiting;
        asker->waiting = false;
}

/* ---- time, and new reference data ---------------------------------------------------------------------- */

static void expire(struct service *service, struct txn *txn)
{
        if (txn->state == TXN_STALE) {
                finish_undecided(service, txn);
                return;
        }
        if (txn->state == TXN_PENDING) {
                finish_unknown(service, txn);
                return;
        }
        service->count.late++;
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
                if (!session_index_find(service->sessions, txn->session)) {
                        finish_undecided(service, txn);
                } else if (reference && reference_version(reference) != txn->op.request.reference_version) {
                        change_state(service, txn, TXN_IN_HAND);
                        decide_and_submit(service, txn);
                }
        }
}

static void poll_pending(struct service *service, int64_t now_ms)
{
        struct txn *txn, *next;
        for (txn = TAILQ_FIRST(&service->open); txn && service->pending > 0; txn = next) {
                next = TAILQ_NEXT(txn, entry);
                if (txn->state != TXN_PENDING || txn->poll_ms > now_ms)
                        continue;
                if (session_index_find(service->sessions, txn->session)) {
                        change_state(service, txn, TXN_IN_HAND);
                        submit(service, txn);
                } else {
                        finish_unknown(service, txn);
                }
        }
}

void service_tick(struct service *service)
{
        int64_t now_ms = steady_ms(service);
        struct txn *txn, *next;
        for (txn = TAILQ_FIRST(&service->open); txn && txn->deadline_ms <= now_ms; txn = next) {
                next = TAILQ_NEXT(txn, entry);
                if (txn->session || txn->state == TXN_STALE || txn->state == TXN_PENDING)
                        expire(service, txn);
        }
        atm_clocks_look(&service->atm_clocks, now_ms);
        retry_stale(service);
        poll_pending(service, now_ms);
}
