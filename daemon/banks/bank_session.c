/* One connection to a bank: see bank_session.h. change_state is the door for states, end_session the one out,
 * end_exchange the one for exchanges. */
#include "daemon/banks/bank_session.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/key_rings.h"
#include "config/limits.h"
#include "daemon/banks/bank_format.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "protocol/balances.h"
#include "protocol/iso_mac.h"
#include "rules/calendar.h"

const char *const bank_session_state_name[BANK_SESSION_STATE_COUNT] = {"signing_on", "up", "closing"};

static int64_t steady_ms(const struct bank_session *session)
{
        const struct bank_shell *shell = session->env->shell;
        return shell->steady_ms(shell->context);
}

static void change_state(struct bank_session *session, enum bank_session_state to)
{
        static const bool legal[BANK_SESSION_STATE_COUNT][BANK_SESSION_STATE_COUNT] = {
            [BANK_SESSION_SIGNING_ON] = {[BANK_SESSION_UP] = true, [BANK_SESSION_CLOSING] = true},
            [BANK_SESSION_UP] = {[BANK_SESSION_CLOSING] = true},
        };
        enum bank_session_state from = session->state;
        assert(legal[from][to]);
        session->state = to;
        if (to == BANK_SESSION_UP)
                session->env->events->up(session->env, session);
        else
                session->env->events->down(session->env, session, from == BANK_SESSION_UP);
}

/* ---- MACs ---------------------------------------------------------------------------------------------- */

static const struct session_mac_events mac_events;

static bool has_keys(const struct bank_session_env *env)
{
        return session_keys_has(env->keys, KEY_OWNER_LINK, env->settings->name);
}

/* Room for a message on its way to the module; NULL: there is none. */
static struct bank_mac *take_mac(struct bank_session *session, enum bank_mac_use use,
                                 struct bank_exchange *exchange)
{
        struct bank_session_env *env = session->env;
        struct bank_mac *mac = bank_macs_take(&env->macs);
        if (!mac)
                return NULL;
        session_mac_begin(&mac->mac, &mac_events, env->keys, &env->side, env->settings->name);
        mac->use = use;
        mac->session = session;
        mac->exchange = exchange;
        if (exchange)
                exchange->mac = mac;
        TAILQ_INSERT_TAIL(&session->macs, mac, entry);
        return mac;
}

/* It is its session's no more; who has it reads its bytes and gives it back. */
static void take_out(struct bank_mac *mac)
{
        TAILQ_REMOVE(&mac->session->macs, mac, entry);
        if (mac->exchange)
                mac->exchange->mac = NULL;
}

static void let_go(struct bank_mac *mac)
{
        take_out(mac);
        bank_mac_give_back(mac);
}

static void set_mute(struct bank_session *session, const char *why)
{
        struct bank_session_env *env = session->env;
        if (env->mute != why)
                env->events->muted(env, why);
}

/* The module took no question. */
static void set_mute_unasked(struct bank_session *session)
{
        const struct bank_session_env *env = session->env;
        const struct key_ring *ring = key_rings_find(env->keys->rings, KEY_OWNER_LINK, env->settings->name);
        set_mute(session, key_ring_current(ring, KEY_SET_WORKING) ? "no MAC: key module away"
                                                                  : "no MAC: no key set is good");
}

/* It gave no answer to one, or none that says anything of the MAC. */
static void set_mute_silent(struct bank_session *session)
{
        set_mute(session, "no MAC: key module away, slow, or without use of the key");
}

/* ---- exchanges ----------------------------------------------------------------------------------------- */

static uint64_t exchange_key(enum message_kind kind, const char *terminal, int32_t stan, const char *de7)
{
        uint64_t h = hash_text(hash_text(HASH_FIRST, terminal), de7);
        h = hash_number(h, (uint32_t)stan, sizeof(uint32_t));
        h = hash_number(h, kind, 1);
        return h ^ h >> 32;
}

static struct bank_exchange_list *list_of(struct bank_session *session, const struct bank_exchange *exchange)
{
        return exchange->kind == MESSAGE_REQUEST ? &session->requests : &session->notices;
}

/* Requests all wait equally long, so theirs is the last place; notices don't. */
static void put(struct bank_session *session, struct bank_exchange *exchange)
{
        struct bank_exchange_list *list = list_of(session, exchange);
        struct bank_exchange *before = TAILQ_LAST(list, bank_exchange_list);
        while (before && before->deadline_ms > exchange->deadline_ms)
                before = TAILQ_PREV(before, bank_exchange_list, by_deadline);
        if (before)
                TAILQ_INSERT_AFTER(list, before, exchange, by_deadline);
        else
                TAILQ_INSERT_HEAD(list, exchange, by_deadline);
        TAILQ_INSERT_TAIL(&session->bucket[exchange->key % BANK_SESSION_BUCKETS], exchange, in_bucket);
        exchange->session = session;
        session->outstanding++;
}

/* What waits for its MAC has not left; the module has not said a word of it in all the time that its answer had. */
static void end_exchange(struct bank_exchange *exchange, enum bank_end end, const struct iso_message *answer)
{
        struct bank_session *session = exchange->session;
        bool is_with_module = exchange->mac;
        TAILQ_REMOVE(list_of(session, exchange), exchange, by_deadline);
        TAILQ_REMOVE(&session->bucket[exchange->key % BANK_SESSION_BUCKETS], exchange, in_bucket);
        exchange->session = NULL;
        session->outstanding--;
        if (is_with_module) {
                let_go(exchange->mac);
                if (end == BANK_TIMED_OUT)
                        set_mute_silent(session);
                end = end == BANK_ANSWERED ? end : BANK_UNSENT; /* an earlier sending of a notice */
        }
        session->env->events->ended(session->env, exchange, end, answer);
        exchange->on_end(exchange, end, answer);
}

static void end_all(struct bank_session *session)
{
        struct bank_exchange *exchange;
        struct bank_mac *mac;
        while ((exchange = TAILQ_FIRST(&session->requests)) || (exchange = TAILQ_FIRST(&session->notices)))
                end_exchange(exchange, BANK_LOST, NULL);
        while ((mac = TAILQ_FIRST(&session->macs)))
                let_go(mac);
}

static void end_session(struct bank_session *session, const char *reason)
{
        if (session->state == BANK_SESSION_CLOSING)
                return;
        change_state(session, BANK_SESSION_CLOSING);
        session->ops->close(session->peer, reason);
        end_all(session);
}

/* ---- sending ------------------------------------------------------------------------------------------- */

static void remark(struct bank_session *session, enum bank_remark remark)
{
        session->env->events->remarked(session->env, remark);
}

/* What a bank can do without, or with another word for, is made to fit its dialect; all else must. */
static void fit(struct iso_message *message, const struct iso_dialect *dialect)
{
        static const uint8_t may_lack[] = {12, 13, 42}; /* a dialect may have no room for them */
        static const char no_action[] = "21";
        int64_t reason;
        for (size_t i = 0; i < sizeof(may_lack); i++)
                if (dialect->field[may_lack[i]].format == ISO_NONE)
                        iso_unset(message, may_lack[i]);
        /* An ATM's reason is any two letters and digits. */
        if (dialect->field[39].format == ISO_N && iso_has(message, 39) && !iso_number(message, 39, &reason))
                iso_set_string(message, 39, no_action);
}

/* Encoded as it leaves, but for the MAC itself, whose set's number has as many digits as any. */
static int encode(const struct bank_session_env *env, struct iso_message *message,
                  uint8_t bytes[ISO_MESSAGE_MAX], struct iso_error *ret_error)
{
        size_t covered;
        fit(message, env->dialect);
        if (!has_keys(env))
                return iso_encode(env->dialect, message, bytes, ISO_MESSAGE_MAX, ret_error);
        iso_mac_name_set(env->dialect, message, ISO_KEY_SET_MAX);
        return iso_mac_encode(env->dialect, message, bytes, ISO_MESSAGE_MAX, &covered, ret_error);
}

bool bank_session_can_say(const struct bank_session_env *env, struct iso_message *message)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        int length = encode(env, message, bytes, &error);
        if (length > 0)
                explicit_bzero(bytes, (size_t)length);
        iso_wipe(message);
        return length > 0;
}

enum sending {
        SENT,
        WITH_MODULE,
        MUTE,        /* there is no MAC for it, or no room to ask for one */
        UNSPEAKABLE, /* in the bank's dialect */
};

static enum sending cannot_say(const struct bank_session *session, const struct iso_message *message,
                               const struct iso_error *error)
{
        char text[256];
        iso_error_print(session->env->dialect, error, text, sizeof(text));
        log_limited(LEVEL_ERROR, "bank_encode_failed", LOG_TEXT("link", session->env->settings->name),
                    LOG_TEXT("mti", message->mti), LOG_TEXT("what", text));
        return UNSPEAKABLE;
}

/* One number names the set of both; its set is gone since the PIN block was made. */
static bool is_of_retired_set(const struct session_mac *mac, const struct bank_exchange *exchange)
{
        return exchange && exchange->key_set && mac->set != exchange->key_set;
}

/* A newer set's keys go with our offer, and with our answer to who asks for them. */
static bool hands_over(const struct iso_dialect *dialect, const struct iso_message *message)
{
        enum iso_network network = profile_network(dialect, message);
        char de39[3];
        return (network == ISO_NETWORK_KEY_CHANGE || network == ISO_NETWORK_KEY_REQUEST) &&
               (!iso_copy(message, 39, de39, sizeof(de39)) || !*de39 || strcmp(de39, "00") == 0);
}

static enum sending send_sealed(struct bank_session *session, struct iso_message *message,
                                enum bank_mac_use use, struct bank_exchange *exchange)
{
        struct iso_error error;
        struct bank_mac *mac = take_mac(session, use, exchange);
        if (!mac) {
                remark(session, BANK_MACS_FULL);
                return MUTE;
        }
        mac->mac.set = exchange ? exchange->key_set : 0;
        if (hands_over(session->env->dialect, message))
                session_mac_hand_over(&mac->mac);
        enum session_mac_need need = session_mac_seal(&mac->mac, message, &error);
        if (need == SESSION_MAC_ASKED && !is_of_retired_set(&mac->mac, exchange))
                return WITH_MODULE;
        let_go(mac);
        if (need == SESSION_MAC_REFUSED)
                return cannot_say(session, message, &error);
        if (need == SESSION_MAC_UNASKED)
                set_mute_unasked(session);
        return MUTE;
}

static enum sending send_plain(struct bank_session *session, const struct iso_message *message)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        int length = iso_encode(session->env->dialect, message, bytes, sizeof(bytes), &error);
        if (length < 0)
                return cannot_say(session, message, &error);
        session->ops->send(session->peer, bytes, (size_t)length);
        explicit_bzero(bytes, (size_t)length);
        return SENT;
}

/* The message on its way; it and its bytes are wiped, the card number among them. exchange: that it is of, or NULL. */
static enum sending send_message(struct bank_session *session, struct iso_message *message,
                                 enum bank_mac_use use, struct bank_exchange *exchange)
{
        fit(message, session->env->dialect);
        bool is_sealed = has_keys(session->env);
        if (!is_sealed)
                set_mute(session, NULL); /* its keys are gone, as in a database that was restored */
        enum sending sending =
            is_sealed ? send_sealed(session, message, use, exchange) : send_plain(session, message);
        iso_wipe(message);
        return sending;
}

bool bank_session_exchange(struct bank_session *session, struct bank_exchange *exchange,
                           struct iso_message *message, int64_t deadline_ms)
{
        const struct ledger_identity *identity = &exchange->identity;
        assert(session->state == BANK_SESSION_UP && !exchange->session);
        calendar_to_de7(identity->transmitted_ms, exchange->de7);
        exchange->key = exchange_key(exchange->kind, identity->terminal, identity->stan, exchange->de7);
        if (!iso_number(message, 3, &exchange->processing_code))
                exchange->processing_code = -1;
        if (!iso_number(message, 4, &exchange->amount_yen))
                exchange->amount_yen = -1;
        if (!iso_copy(message, 95, exchange->replacement, sizeof(exchange->replacement)))
                exchange->replacement[0] = '\0';
        exchange->mac = NULL;
        enum sending sending = send_message(session, message, BANK_MAC_EXCHANGE, exchange);
        if (sending == MUTE || sending == UNSPEAKABLE)
                return false;
        exchange->deadline_ms = deadline_ms;
        put(session, exchange);
        return true;
}

/* It has not left, for want of a MAC: the connection stays, and another one is tried soon. */
static void network_again(struct bank_session *session)
{
        session->network_deadline_ms = 0;
        session->network_again_ms = steady_ms(session) + LIMIT_BANK_MAC_AGAIN_MS;
        if (session->network == ISO_NETWORK_KEY_CHANGE)
                session->env->offer.again_ms = session->network_again_ms;
}

/* The network message that is with the module does not leave any more. False: there is none. */
static bool drop_network(struct bank_session *session)
{
        struct bank_mac *mac;
        TAILQ_FOREACH(mac, &session->macs, entry)
        if (mac->use == BANK_MAC_NETWORK)
                break;
        if (mac)
                let_go(mac);
        return mac;
}

/* Of the newer key set, as the bank says or does not say: NULL: it has kept it. Nothing else of the link hangs on it. */
static void end_offer(struct bank_session *session, const char *why)
{
        struct bank_session_env *env = session->env;
        struct bank_offer *offer = &env->offer;
        session->network_deadline_ms = 0;
        offer->is_kept = !why;
        offer->why[0] = '\0';
        remark(session, why ? BANK_KEYS_REFUSED : BANK_KEYS_KEPT);
        if (!why) {
                log_event(LEVEL_INFO, "link_keys_kept", LOG_TEXT("link", env->settings->name),
                          LOG_NUMBER("connection", session->number), LOG_NUMBER("set", offer->set));
                return;
        }
        snprintf(offer->why, sizeof(offer->why), "key set %d is offered in vain: %s", offer->set, why);
        log_event(LEVEL_WARNING, "link_keys_refused", LOG_TEXT("link", env->settings->name),
                  LOG_NUMBER("connection", session->number), LOG_NUMBER("set", offer->set),
                  LOG_TEXT("why", why), LOG_NUMBER("tries", offer->tries));
}

static enum sending send_network(struct bank_session *session, enum iso_network network)
{
        struct bank_session_env *env = session->env;
        struct iso_message message;
        env->stan = env->stan % 999999 + 1;
        session->network_stan = env->stan;
        session->network = network;
        session->network_deadline_ms = steady_ms(session) + env->settings->answer_timeout_ms;
        session->echo_due = false;
        bank_format_network(env->dialect, network, env->shell->business_ms(env->shell->context), env->stan,
                            env->settings->acquirer, &message);
        enum sending sending = send_message(session, &message, BANK_MAC_NETWORK, NULL);
        switch (sending) {
        case SENT:
        case WITH_MODULE:
                break;
        case MUTE:
                network_again(session);
                break;
        case UNSPEAKABLE:
                if (network == ISO_NETWORK_KEY_CHANGE)
                        end_offer(session, "it can't be said in its dialect");
                else
                        end_session(session, "a network message can't be said in the bank's dialect");
                break;
        }
        return sending;
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static struct bank_exchange *find(struct bank_session *session, enum message_kind kind, uint64_t key,
                                  const char *terminal, int64_t stan, const char *de7)
{
        struct bank_exchange *exchange;
        TAILQ_FOREACH(exchange, &session->bucket[key % BANK_SESSION_BUCKETS], in_bucket)
        if (exchange->key == key && exchange->kind == kind && exchange->identity.stan == stan &&
            strcmp(exchange->identity.terminal, terminal) == 0 && strcmp(exchange->de7, de7) == 0)
                return exchange;
        return NULL;
}

static bool echoes(const struct iso_message *answer, int field, int64_t wanted)
{
        int64_t value;
        return !iso_has(answer, field) || (iso_number(answer, field, &value) && value == wanted);
}

/* The corrections of one withdrawal are all 0420, and differ in DE 95 alone: the answer to an earlier one,
 * late or for the second time, must not acknowledge a later one. A bank need not echo DE 95; where it does,
 * the echo must be ours. */
static bool echoes_replacement(const struct bank_exchange *exchange, const struct iso_message *answer)
{
        char replacement[sizeof(exchange->replacement)];
        return exchange->kind != MESSAGE_REVERSAL || !iso_has(answer, 95) ||
               (iso_copy(answer, 95, replacement, sizeof(replacement)) &&
                strcmp(replacement, exchange->replacement) == 0);
}

/* An inquiry's answer is its balance. */
static bool is_right(const struct bank_exchange *exchange, const struct iso_message *answer)
{
        char de39[3];
        if (!iso_copy(answer, 39, de39, sizeof(de39)) || strlen(de39) != 2 ||
            !echoes(answer, 3, exchange->processing_code) || !echoes(answer, 4, exchange->amount_yen) ||
            !echoes_replacement(exchange, answer))
                return false;
        bool is_inquiry = exchange->kind == MESSAGE_REQUEST && exchange->amount_yen < 0;
        return !is_inquiry || strcmp(de39, "00") != 0 || balances_are_whole(answer);
}

static void log_wrong(const struct bank_session *session, const char *mti, const char *what)
{
        log_limited(LEVEL_WARNING, "bank_answer_wrong", LOG_TEXT("link", session->env->settings->name),
                    LOG_NUMBER("connection", session->number), LOG_TEXT("mti", mti), LOG_TEXT("what", what));
}

/* The bank would not believe us: somebody must look after its keys, or ours. */
static void note_refused_mac(struct bank_session *session, const struct iso_message *answer)
{
        char de39[BANK_CODE_LENGTH + 1];
        if (!has_keys(session->env) || !iso_copy(answer, 39, de39, sizeof(de39)) ||
            strcmp(de39, session->env->codes->wrong_mac) != 0)
                return;
        remark(session, BANK_MAC_REFUSED);
        log_limited(LEVEL_ERROR, "bank_refuses_mac", LOG_TEXT("link", session->env->settings->name),
                    LOG_TEXT("mti", answer->mti), LOG_TEXT("de39", de39),
                    LOG_TEXT("help", "the bank finds a wrong MAC: has it the same key set?"));
}

static void on_answer(struct bank_session *session, enum message_kind kind, const struct iso_message *answer)
{
        char terminal[TERMINAL_LENGTH + 1], de7[11];
        int64_t stan;
        if (!iso_has(answer, 7) || !iso_has(answer, 41) || !iso_number(answer, 11, &stan) || stan > 999999 ||
            !iso_copy(answer, 41, terminal, sizeof(terminal)) || !iso_copy(answer, 7, de7, sizeof(de7))) {
                remark(session, BANK_ANSWER_WRONG);
                log_wrong(session, answer->mti, "DE 7, 11 or 41 is missing");
                return;
        }
        uint64_t key = exchange_key(kind, terminal, (int32_t)stan, de7);
        struct bank_exchange *exchange = find(session, kind, key, terminal, stan, de7);
        if (!exchange) {
                session->env->events->stray(session->env, kind, key, answer);
        } else if (!is_right(exchange, answer)) {
                remark(session, BANK_ANSWER_WRONG);
                log_wrong(
                    session, answer->mti,
                    "DE 3, 4 or 95 is not what was asked, or DE 39 or 54 is missing or has another form");
        } else {
                note_refused_mac(session, answer);
                end_exchange(exchange, BANK_ANSWERED, answer);
        }
}

static void on_network_answer(struct bank_session *session, const struct iso_message *answer)
{
        char de39[3] = "", reason[LIMIT_REASON];
        int64_t stan;
        if (!session->network_deadline_ms || !iso_number(answer, 11, &stan) ||
            stan != session->network_stan) {
                remark(session, BANK_ANSWER_UNKNOWN);
                return;
        }
        session->network_deadline_ms = 0;
        note_refused_mac(session, answer);
        bool good = iso_copy(answer, 39, de39, sizeof(de39)) && strcmp(de39, "00") == 0;
        if (session->network == ISO_NETWORK_KEY_CHANGE) {
                snprintf(reason, sizeof(reason), "the bank answers with DE 39 '%s'", de39);
                end_offer(session, good ? NULL : reason);
                session->echo_due =
                    session->echo_due || good; /* its answer may be the first message under the new set */
        } else if (!good) {
                snprintf(reason, sizeof(reason), "the bank answers %s with DE 39 '%s'",
                         session->state == BANK_SESSION_SIGNING_ON ? "the sign-on" : "an echo", de39);
                end_session(session, reason);
        } else if (session->state == BANK_SESSION_SIGNING_ON) {
                change_state(session, BANK_SESSION_UP);
        } else {
                remark(session, BANK_ECHO_ANSWERED);
        }
}

/* The DE 39 that it hears which says something by itself. */
static const char *answer_to(struct bank_session *session, enum iso_network network)
{
        const struct bank_session_env *env = session->env;
        bool is_request =
            network == ISO_NETWORK_KEY_REQUEST || !env->dialect->network[ISO_NETWORK_KEY_REQUEST];
        switch (network) {
        case ISO_NETWORK_SIGN_ON:
        case ISO_NETWORK_SIGN_OFF:
                env->events->signed_by_bank(session->env, network == ISO_NETWORK_SIGN_ON);
                return "00";
        case ISO_NETWORK_ECHO:
        case ISO_NETWORK_CUTOVER:
                return "00";
        case ISO_NETWORK_KEY_CHANGE:
        case ISO_NETWORK_KEY_REQUEST:
                if (!is_request)
                        return "12";
                remark(session, BANK_KEYS_ASKED);
                return has_keys(env) ? "00" : "40";
        case ISO_NETWORK_COUNT:
                break;
        }
        return "12";
}

/* What has no MAC does not leave: the bank asks again. */
static void answer_network(struct bank_session *session, struct iso_message *answer)
{
        if (send_message(session, answer, BANK_MAC_ANSWER, NULL) == UNSPEAKABLE)
                end_session(session, "an answer can't be said in the bank's dialect");
}

static void on_network_request(struct bank_session *session, const struct profile_row *row,
                               const struct iso_message *request)
{
        struct iso_message answer;
        profile_answer(row, request, &answer);
        iso_set_string(&answer, 39, answer_to(session, profile_network(session->env->dialect, request)));
        answer_network(session, &answer);
}

static void on_undecodable(struct bank_session *session, const char *mti, const char *what)
{
        remark(session, BANK_MESSAGE_UNDECODABLE);
        log_limited(LEVEL_WARNING, "bank_format_error", LOG_TEXT("link", session->env->settings->name),
                    LOG_NUMBER("connection", session->number), LOG_TEXT("mti", mti), LOG_TEXT("what", what));
}

static const struct {
        char mti[5];
        enum message_kind kind;
} answer_rows[] = {{"0210", MESSAGE_REQUEST}, {"0230", MESSAGE_COMPLETION}, {"0430", MESSAGE_REVERSAL}};

static void on_decoded(struct bank_session *session, const struct iso_message *message)
{
        const struct profile_row *row;
        for (size_t i = 0; i < sizeof(answer_rows) / sizeof(answer_rows[0]); i++) {
                if (strcmp(message->mti, answer_rows[i].mti) == 0) {
                        on_answer(session, answer_rows[i].kind, message);
                        return;
                }
        }
        if (strcmp(message->mti, "0810") == 0)
                on_network_answer(session, message);
        else if ((row = profile_find(message->mti)) && row->kind == MESSAGE_NETWORK)
                on_network_request(session, row, message);
        else
                on_undecodable(session, message->mti, "an MTI that no bank sends");
}

/* ---- from the key module ------------------------------------------------------------------------------- */

static struct bank_mac *mac_of(struct session_mac *mac)
{
        return (struct bank_mac *)(void *)((char *)mac - offsetof(struct bank_mac, mac));
}

/* Not believed: an answer has not come. The bank hears it of a message of its own, until its connection ends. */
static void on_wrong_mac(struct bank_session *session, const struct iso_message *message, const char *why)
{
        const struct bank_session_env *env = session->env;
        const struct profile_row *row = profile_find(message->mti);
        struct iso_message answer;
        env->events->wrong_mac(session->env, session, message->mti, why);
        if (++session->wrong_macs >= env->keys->wrong_max) {
                end_session(session, "too many messages of the bank in a row with a wrong MAC, or none");
        } else if (row && row->kind == MESSAGE_NETWORK) {
                profile_answer(row, message, &answer);
                iso_set_string(&answer, 39, env->codes->wrong_mac);
                answer_network(session, &answer);
        }
}

static void on_unchecked(struct bank_session *session)
{
        remark(session, BANK_MESSAGE_UNCHECKED);
        set_mute_silent(session);
}

static void on_checked(struct session_mac *checked, enum session_mac_result result, const char *why)
{
        struct bank_mac *mac = mac_of(checked);
        struct bank_session *session = mac->session;
        struct iso_message message;
        struct iso_error error;
        bool decoded =
            iso_decode(session->env->dialect, checked->bytes, checked->length, &message, &error) == 0;
        assert(decoded); /* as the first time */
        take_out(mac);
        switch (result) {
        case SESSION_MAC_GOOD:
                set_mute(session, NULL);
                session->wrong_macs = 0;
                on_decoded(session, &message);
                break;
        case SESSION_MAC_WRONG:
                on_wrong_mac(session, &message, why);
                break;
        case SESSION_MAC_SILENT:
                on_unchecked(session);
                break;
        }
        iso_wipe(&message);
        bank_mac_give_back(mac);
}

static void on_not_made(struct bank_session *session, enum bank_mac_use use, struct bank_exchange *exchange)
{
        set_mute_silent(session);
        if (session->leaving)
                end_session(session, session->leaving);
        else if (use == BANK_MAC_NETWORK)
                network_again(session);
        else if (exchange)
                end_exchange(exchange, BANK_UNSENT, NULL);
}

static void on_made(struct session_mac *made, enum session_mac_result result)
{
        struct bank_mac *mac = mac_of(made);
        struct bank_session *session = mac->session;
        struct bank_exchange *exchange = mac->exchange;
        enum bank_mac_use use = mac->use;
        take_out(mac);
        if (result == SESSION_MAC_GOOD)
                session->ops->send(session->peer, made->bytes, made->length);
        bank_mac_give_back(mac);
        if (result != SESSION_MAC_GOOD) {
                on_not_made(session, use, exchange);
                return;
        }
        set_mute(session, NULL);
        if (session->leaving && use == BANK_MAC_NETWORK)
                end_session(session, session->leaving);
}

static const struct session_mac_events mac_events = {on_checked, on_made};

static void check(struct bank_session *session, const struct iso_message *message, const uint8_t *bytes,
                  size_t length)
{
        const char *why;
        struct bank_mac *mac = take_mac(session, BANK_MAC_CHECKED, NULL);
        if (!mac) {
                remark(session, BANK_MESSAGE_UNCHECKED);
                return;
        }
        switch (session_mac_check(&mac->mac, message, bytes, length, &why)) {
        case SESSION_MAC_ASKED:
                break;
        case SESSION_MAC_REFUSED:
                let_go(mac);
                on_wrong_mac(session, message, why);
                break;
        case SESSION_MAC_UNASKED:
        case SESSION_MAC_NOT_NEEDED:
                let_go(mac);
                remark(session, BANK_MESSAGE_UNCHECKED);
                set_mute_unasked(session);
                break;
        }
}

/* ---- messages ------------------------------------------------------------------------------------------ */

void bank_session_frame(struct bank_session *session, const uint8_t *bytes, size_t length)
{
        const struct iso_dialect *dialect = session->env->dialect;
        struct iso_message message;
        struct iso_error error;
        if (session->state == BANK_SESSION_CLOSING)
                return;
        if (length == 0) { /* no answer to our echoes */
                remark(session, BANK_MESSAGE_EMPTY);
                return;
        }
        session->heard_ms = session->env->heard_ms = steady_ms(session);
        if (iso_decode(dialect, bytes, length, &message, &error) < 0) {
                char text[256];
                iso_error_print(dialect, &error, text, sizeof(text));
                on_undecodable(session, message.mti, text);
        } else if (has_keys(session->env)) {
                check(session, &message, bytes, length);
        } else {
                on_decoded(session, &message);
        }
        iso_wipe(&message);
}

/* ---- time, beginning and end --------------------------------------------------------------------------- */

static void end_due(struct bank_exchange_list *list, int64_t now_ms)
{
        struct bank_exchange *exchange;
        while ((exchange = TAILQ_FIRST(list)) && exchange->deadline_ms <= now_ms) {
                exchange->session->echo_due = true;
                end_exchange(exchange, BANK_TIMED_OUT, NULL);
        }
}

/* The set that the link is to use next, of which it has been offered nothing lately; NULL: none. */
static const struct key_set *offer_due(struct bank_session_env *env, int64_t now_ms)
{
        if (!env->dialect->network[ISO_NETWORK_KEY_CHANGE] || !has_keys(env))
                return NULL;
        const struct key_ring *ring = key_rings_find(env->keys->rings, KEY_OWNER_LINK, env->settings->name);
        const struct key_set *current = key_ring_current(ring, KEY_SET_WORKING);
        const struct key_set *set = current ? key_ring_offer(ring, current->number) : NULL;
        if (!set || set->number != env->offer.set)
                env->offer = (struct bank_offer){.set = set ? set->number : 0};
        return env->offer.again_ms <= now_ms ? set : NULL;
}

/* After its answer's time and a pause. */
static void send_offer(struct bank_session *session, int64_t now_ms)
{
        const struct bank_session_env *env = session->env;
        struct bank_offer *offer = &session->env->offer;
        int64_t pause_ms = LIMIT_KEY_OFFER_PAUSE_FIRST_MS;
        for (int i = 0; i < offer->tries && pause_ms < LIMIT_KEY_OFFER_PAUSE_MS; i++)
                pause_ms *= 2;
        if (pause_ms > LIMIT_KEY_OFFER_PAUSE_MS)
                pause_ms = LIMIT_KEY_OFFER_PAUSE_MS;
        if (offer->is_kept)
                end_offer(session, "the bank has kept it, and does not use it");
        offer->tries++;
        offer->again_ms = now_ms + env->settings->answer_timeout_ms + pause_ms;
        (void)send_network(session, ISO_NETWORK_KEY_CHANGE);
}

/* Who is mute tries whether he still is. */
static void send_what_is_due(struct bank_session *session, int64_t now_ms)
{
        const struct bank_session_env *env = session->env;
        if (session->state == BANK_SESSION_SIGNING_ON)
                send_network(session, ISO_NETWORK_SIGN_ON);
        else if (session->echo_due || env->mute ||
                 now_ms - session->heard_ms >= env->settings->echo_interval_ms)
                send_network(session, ISO_NETWORK_ECHO);
        else if (offer_due(session->env, now_ms))
                send_offer(session, now_ms);
}

/* Its time is over. */
static void end_network(struct bank_session *session)
{
        if (drop_network(session)) {
                set_mute_silent(session);
                network_again(session);
        } else if (session->network == ISO_NETWORK_KEY_CHANGE) {
                end_offer(session, "the bank does not answer");
                session->echo_due = true;
        } else {
                end_session(session, session->state == BANK_SESSION_SIGNING_ON
                                         ? "the bank does not answer the sign-on"
                                         : "the bank does not answer an echo");
        }
}

void bank_session_tick(struct bank_session *session, int64_t now_ms)
{
        if (session->state == BANK_SESSION_CLOSING)
                return;
        end_due(&session->requests, now_ms);
        end_due(&session->notices, now_ms);
        if (session->network_deadline_ms && session->network_deadline_ms <= now_ms)
                end_network(session);
        else if (!session->network_deadline_ms && session->network_again_ms <= now_ms)
                send_what_is_due(session, now_ms);
}

void bank_session_open(struct bank_session *session, struct bank_session_env *env, int number,
                       const struct bank_session_ops *ops, void *peer)
{
        *session = (struct bank_session){.ops = ops, .peer = peer, .env = env, .number = number};
        TAILQ_INIT(&session->requests);
        TAILQ_INIT(&session->notices);
        TAILQ_INIT(&session->macs);
        for (size_t i = 0; i < BANK_SESSION_BUCKETS; i++)
                TAILQ_INIT(&session->bucket[i]);
        session->heard_ms = steady_ms(session);
        send_network(session, ISO_NETWORK_SIGN_ON);
}

void bank_session_stop(struct bank_session *session, const char *reason)
{
        (void)drop_network(session); /* an echo's MAC would be taken for the sign-off's */
        if (session->state == BANK_SESSION_UP && send_network(session, ISO_NETWORK_SIGN_OFF) == WITH_MODULE)
                session->leaving = reason;
        else
                end_session(session, reason);
}

void bank_session_closed(struct bank_session *session)
{
        if (session->state == BANK_SESSION_CLOSING)
                return;
        change_state(session, BANK_SESSION_CLOSING);
        end_all(session);
}
