/*
 * One ATM on one connection: see session.h. change_state is the door for states, end_session the one out; settle is called wherever
 * something that was at hand has ended, and says what becomes of the connection then.
 */
#include "daemon/session.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "config/limits.h"
#include "daemon/security.h"
#include "daemon/service.h"
#include "lib/base/log.h"
#include "rules/calendar.h"

const char *const session_state_name[SESSION_STATE_COUNT] = {"connected", "signed_on", "closing"};

static const bool legal_change[SESSION_STATE_COUNT][SESSION_STATE_COUNT] = {
    [SESSION_CONNECTED] = {[SESSION_SIGNED_ON] = true, [SESSION_CLOSING] = true},
    [SESSION_SIGNED_ON] = {[SESSION_CONNECTED] = true, [SESSION_CLOSING] = true},
};

static struct session *session_of_mac(struct session_mac *mac)
{
        return (struct session *)(void *)((char *)mac - offsetof(struct session, mac));
}

static void change_state(struct session *session, enum session_state to)
{
        assert(legal_change[session->state][to]);
        session->env->signed_on += (to == SESSION_SIGNED_ON) - (session->state == SESSION_SIGNED_ON);
        log_event(LEVEL_DEBUG, "session", LOG_TEXT("terminal", session->entry.terminal),
                  LOG_TEXT("from", session_state_name[session->state]),
                  LOG_TEXT("to", session_state_name[to]));
        if (to == SESSION_CLOSING) { /* it hears nothing any more */
                service_leave(session->env->service, &session->entry);
                session_mac_drop(&session->mac);
        }
        session->state = to;
}

static void end_session(struct session *session, enum session_end end, const char *reason)
{
        if (session->state == SESSION_CLOSING)
                return;
        change_state(session, SESSION_CLOSING);
        session->ops->close(session->peer, end, reason);
}

static void pause_reading(struct session *session)
{
        if (!session->paused)
                session->ops->pause(session->peer);
        session->paused = true;
}

/* Is the message at hand at its end? Then the next one may come, or none any more. */
static void settle(struct session *session)
{
        if (session->state == SESSION_CLOSING || session->entry.waiting ||
            session->mac.state != SESSION_MAC_IDLE)
                return;
        if (session->ends_why) {
                end_session(session, session->ends, session->ends_why);
        } else if (session->draining) {
                end_session(session, SESSION_END_SHUTDOWN, "the daemon stops");
        } else if (session->paused) {
                session->paused = false;
                session->ops->resume(session->peer);
        }
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static void cannot_encode(struct session *session, const struct iso_message *message,
                          const struct iso_error *error)
{
        char text[256];
        iso_error_print(&iso_dialect_ascii, error, text, sizeof(text));
        log_limited(LEVEL_ERROR, "encode_failed", LOG_TEXT("terminal", session->entry.terminal),
                    LOG_TEXT("mti", message->mti), LOG_TEXT("what", text));
        end_session(session, SESSION_END_ERROR, "an answer could not be encoded");
}

static void send_bytes(struct session *session, const uint8_t *bytes, size_t length)
{
        session->env->count.answers++;
        session->ops->send(session->peer, bytes, length);
}

/* The ATM repeats what it gets no answer to, and hears what was decided once the module is back. */
static void leave_in_silence(struct session *session)
{
        session->env->count.without_mac++;
        log_limited(
            LEVEL_WARNING, "no_mac", LOG_TEXT("terminal", session->entry.terminal),
            LOG_TEXT("help", "the key module is away, slow, or can't use the key: the ATM hears nothing"));
}

static void send_sealed(struct session *session, struct iso_message *message)
{
        struct iso_error error;
        switch (session_mac_seal(&session->mac, message, &error)) {
        case SESSION_MAC_ASKED:
                pause_reading(session);
                break;
        case SESSION_MAC_REFUSED:
                cannot_encode(session, message, &error);
                break;
        case SESSION_MAC_UNASKED:
        case SESSION_MAC_NOT_NEEDED:
                leave_in_silence(session);
                break;
        }
}

static void on_made(struct session_mac *mac, enum session_mac_result result)
{
        struct session *session = session_of_mac(mac);
        if (result == SESSION_MAC_GOOD)
                send_bytes(session, mac->bytes, mac->length);
        else
                leave_in_silence(session);
        settle(session);
}

static void send_message(struct session *session, struct iso_message *message)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        if (session_mac_is_needed(&session->mac)) {
                send_sealed(session, message);
                return;
        }
        int length = iso_encode(&iso_dialect_ascii, message, bytes, sizeof(bytes), &error);
        if (length < 0) {
                cannot_encode(session, message, &error);
                return;
        }
        send_bytes(session, bytes, (size_t)length);
        explicit_bzero(bytes, (size_t)length); /* DE 2 was among it */
}

/* Business time, so that ATMs can set their clocks by it, unless nobody should. */
static void add_time(const struct service *service, struct iso_message *answer)
{
        struct civil now;
        if (service->clock_state >= CLOCK_OFF)
                return;
        calendar_jst(service_business_ms(service), &now);
        iso_set_number(answer, 12, now.hour * 10000 + now.minute * 100 + now.second, 6);
        iso_set_number(answer, 13, now.month * 100 + now.day, 4);
}

/* An answer that needs no ledger. */
static void answer_now(struct session *session, const struct profile_row *row,
                       const struct iso_message *request, enum reason reason)
{
        struct iso_message answer;
        profile_answer(row, request, &answer);
        iso_set_string(&answer, 39, reason_de39(reason));
        if (row->kind == MESSAGE_NETWORK)
                add_time(session->env->service, &answer);
        if (row->kind == MESSAGE_REQUEST)
                session->env->count.by_reason[reason]++;
        send_message(session, &answer);
        iso_wipe(&answer);
}

static void log_format_error(const struct session *session, const struct iso_message *request,
                             const struct iso_error *error)
{
        char text[256];
        iso_error_print(&iso_dialect_ascii, error, text, sizeof(text));
        log_limited(LEVEL_WARNING, "format_error", LOG_TEXT("terminal", session->entry.terminal),
                    LOG_TEXT("mti", request->mti), LOG_TEXT("what", text));
}

static void answer_format_error(struct session *session, const struct profile_row *row,
                                const struct iso_message *request, const struct iso_error *error)
{
        log_format_error(session, request, error);
        session->env->count.format_errors++;
        answer_now(session, row, request, REASON_FORMAT_ERROR);
}

/* ---- network management -------------------------------------------------------------------------------- */

static enum reason sign_on(struct session *session)
{
        const struct reference *reference = ledger_reference(session->env->service->ledger);
        if (!reference)
                return REASON_CANNOT_DECIDE;
        if (!reference_atm(reference, session->entry.terminal))
                return REASON_TERMINAL_UNKNOWN;
        if (session->state == SESSION_CONNECTED)
                change_state(session, SESSION_SIGNED_ON);
        session->env->count.sign_ons++;
        return REASON_APPROVED;
}

static enum reason sign_off(struct session *session)
{
        if (session->state == SESSION_SIGNED_ON)
                change_state(session, SESSION_CONNECTED);
        return REASON_APPROVED;
}

static enum reason acknowledge(struct session *session)
{
        (void)session;
        return REASON_APPROVED;
}

/* Only who has shown by its MAC that it has a set of the terminal's comes here; whoever has none gets a new one from people. */
static enum reason change_keys(struct session *session)
{
        if (!session_mac_is_needed(&session->mac))
                return REASON_NOT_SUPPORTED;
        session_mac_hand_over(&session->mac);
        return REASON_APPROVED;
}

static enum reason unknown(struct session *session)
{
        (void)session;
        return REASON_INVALID_TRANSACTION;
}

/* The last row: a code that the dialect has for nothing. */
static const struct {
        bool needs_sign_on;
        enum reason (*handle)(struct session *session);
} network_rows[ISO_NETWORK_COUNT + 1] = {
    [ISO_NETWORK_SIGN_ON] = {false, sign_on},        [ISO_NETWORK_SIGN_OFF] = {false, sign_off},
    [ISO_NETWORK_ECHO] = {false, acknowledge},       [ISO_NETWORK_CUTOVER] = {true, acknowledge},
    [ISO_NETWORK_KEY_CHANGE] = {false, change_keys}, [ISO_NETWORK_KEY_REQUEST] = {false, change_keys},
    [ISO_NETWORK_COUNT] = {false, unknown},
};

static void on_network(struct session *session, const struct profile_row *row,
                       const struct iso_message *request)
{
        enum iso_network network = profile_network(&iso_dialect_ascii, request);
        bool is_early = network_rows[network].needs_sign_on && session->state != SESSION_SIGNED_ON;
        answer_now(session, row, request,
                   is_early ? REASON_NOT_SIGNED_ON : network_rows[network].handle(session));
}

/* ---- what goes to the ledger --------------------------------------------------------------------------- */

static void on_transaction(struct session *session, const struct profile_row *row,
                           const struct iso_message *request)
{
        struct iso_error error;
        pause_reading(session);
        if (!service_submit(session->env->service, &session->entry, row, request, &error))
                answer_format_error(session, row, request, &error);
}

static void on_unsupported(struct session *session, const struct profile_row *row,
                           const struct iso_message *request)
{
        answer_now(session, row, request, REASON_NOT_SUPPORTED);
}

static const struct {
        bool needs_sign_on;
        void (*handle)(struct session *session, const struct profile_row *row,
                       const struct iso_message *request);
} kind_rows[] = {
    [MESSAGE_NETWORK] = {false, on_network},
    [MESSAGE_REQUEST] = {true, on_transaction},
    [MESSAGE_COMPLETION] = {false, on_transaction},
    [MESSAGE_REVERSAL] = {false, on_transaction},
    [MESSAGE_RECONCILIATION] = {false, on_unsupported},
    [MESSAGE_ADMINISTRATIVE] = {false, on_unsupported},
};

static void on_answered(struct session_entry *entry, struct iso_message *answer)
{
        struct session *session = session_of(entry);
        assert(session->state != SESSION_CLOSING); /* it has left the service then */
        if (answer)
                send_message(session, answer);
        settle(session);
}

/* ---- messages ------------------------------------------------------------------------------------------ */

/* Whatever one does that is not in the fleet: it has a certificate of ours. */
static void name_stranger(const struct session *session, const char *at)
{
        const struct reference *reference = ledger_reference(session->env->service->ledger);
        if (reference && !reference_atm(reference, session->entry.terminal))
                security_event(SECURITY_TERMINAL_UNKNOWN, session->entry.terminal, LOG_TEXT("at", at));
}

/* Not decodable: answered as long as it can be said to what. */
static void on_undecodable(struct session *session, const struct profile_row *row,
                           const struct iso_message *request, const struct iso_error *error)
{
        char text[256], reason[LIMIT_REASON];
        if (row && iso_has(request, 11)) {
                answer_format_error(session, row, request, error);
                return;
        }
        iso_error_print(&iso_dialect_ascii, error, text, sizeof(text));
        snprintf(reason, sizeof(reason), "a message that can't be decoded nor answered: %s", text);
        end_session(session, SESSION_END_PROTOCOL, reason);
}

/* It is the terminal's, as far as that can be known. */
static void on_authentic(struct session *session, const struct profile_row *row,
                         const struct iso_message *request)
{
        char terminal[TERMINAL_LENGTH + 1];
        if (!iso_copy(request, 41, terminal, sizeof(terminal)) ||
            strcmp(terminal, session->entry.terminal) != 0) {
                security_event(SECURITY_TERMINAL_FOREIGN, session->entry.terminal,
                               LOG_TEXT("claimed", terminal));
                session->ends = SESSION_END_TERMINAL;
                session->ends_why = "DE 41 is another terminal than the certificate's";
                answer_now(session, row, request, REASON_FOREIGN_TERMINAL);
                return;
        }
        if (kind_rows[row->kind].needs_sign_on && session->state != SESSION_SIGNED_ON)
                answer_now(session, row, request, REASON_NOT_SIGNED_ON);
        else
                kind_rows[row->kind].handle(session, row, request);
}

/* Whoever has no key may try as often as the limit says; the ATM that has lost its keys is told each time. */
static void refuse_mac(struct session *session, const struct profile_row *row,
                       const struct iso_message *request, const char *why)
{
        session->env->count.wrong_macs++;
        security_event(SECURITY_MAC_WRONG, session->entry.terminal, LOG_TEXT("mti", request->mti),
                       LOG_TEXT("why", why));
        if (++session->mac.wrong >= session->env->keys->wrong_max) {
                session->ends = SESSION_END_MAC;
                session->ends_why = "too many messages in a row with a wrong MAC, or none";
        }
        answer_now(session, row, request, REASON_MAC_WRONG);
}

static void on_checked(struct session_mac *mac, enum session_mac_result result, const char *why)
{
        struct session *session = session_of_mac(mac);
        struct iso_message request;
        struct iso_error error;
        bool decoded = iso_decode(&iso_dialect_ascii, mac->bytes, mac->length, &request, &error) == 0;
        const struct profile_row *row = profile_find(request.mti);
        assert(decoded && row); /* as the first time */
        switch (result) {
        case SESSION_MAC_GOOD:
                mac->wrong = 0;
                on_authentic(session, row, &request);
                break;
        case SESSION_MAC_WRONG:
                refuse_mac(session, row, &request, why);
                break;
        case SESSION_MAC_SILENT:
                leave_in_silence(session);
                break;
        }
        iso_wipe(&request); /* the PIN block was among it */
        settle(session);
}

static const struct session_mac_events mac_events = {on_checked, on_made};

static void on_decoded(struct session *session, const struct profile_row *row,
                       const struct iso_message *request, const uint8_t *bytes, size_t length)
{
        struct iso_error error;
        const char *why;
        if (profile_check(row, request, &error) < 0 ||
            (session_mac_is_needed(&session->mac) && profile_check_security(request, &error) < 0)) {
                on_undecodable(session, row, request, &error);
                return;
        }
        switch (session_mac_check(&session->mac, request, bytes, length, &why)) {
        case SESSION_MAC_NOT_NEEDED:
                on_authentic(session, row, request);
                break;
        case SESSION_MAC_ASKED:
                pause_reading(session);
                break;
        case SESSION_MAC_REFUSED:
                refuse_mac(session, row, request, why);
                break;
        case SESSION_MAC_UNASKED:
                leave_in_silence(session);
                break;
        }
}

void session_frame(struct session *session, const uint8_t *bytes, size_t length)
{
        struct iso_message request;
        struct iso_error error;
        if (session->state == SESSION_CLOSING)
                return;
        assert(!session->entry.waiting); /* it is paused then */
        session->env->count.messages++;
        name_stranger(session, "message");
        session_mac_next(&session->mac);
        bool decoded = iso_decode(&iso_dialect_ascii, bytes, length, &request, &error) == 0;
        const struct profile_row *row = profile_find(request.mti);
        if (!decoded) {
                on_undecodable(session, row, &request, &error);
        } else if (!row) {
                char reason[LIMIT_REASON];
                snprintf(reason, sizeof(reason), "MTI %s is none that an ATM sends", request.mti);
                end_session(session, SESSION_END_PROTOCOL, reason);
        } else {
                on_decoded(session, row, &request, bytes, length);
        }
        iso_wipe(&request);
        settle(session);
}

/* ---- beginning and end --------------------------------------------------------------------------------- */

static bool is_terminal_name(const char *name)
{
        return strlen(name) == TERMINAL_LENGTH &&
               strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == TERMINAL_LENGTH;
}

bool session_open(struct session *session, struct session_env *env, const struct session_ops *ops, void *peer,
                  const char *name)
{
        struct session_index *index = env->service->sessions;
        char reason[LIMIT_REASON];
        *session = (struct session){.entry.on_answered = on_answered, .ops = ops, .peer = peer, .env = env};
        if (!is_terminal_name(name)) {
                snprintf(
                    reason, sizeof(reason),
                    "the certificate's CN '%s' is no terminal: 8 capital letters and digits are expected",
                    name);
                ops->close(peer, SESSION_END_TERMINAL, reason);
                return false;
        }
        memcpy(session->entry.terminal, name, TERMINAL_LENGTH + 1);
        session_mac_begin(&session->mac, &mac_events, env->keys, &session_mac_terminals,
                          session->entry.terminal);
        struct session_entry *former = session_index_find_terminal(index, name);
        if (!session_index_add(index, &session->entry)) {
                ops->close(peer, SESSION_END_ERROR, "out of memory");
                return false;
        }
        name_stranger(session, "connection");
        if (former)
                end_session(session_of(former), SESSION_END_REPLACED,
                            "a newer connection of the same terminal");
        return true;
}

void session_drain(struct session *session)
{
        session->draining = true;
        settle(session);
}

void session_refuse(struct session *session, const char *reason)
{
        end_session(session, SESSION_END_REFUSED, reason);
}

void session_closed(struct session *session)
{
        if (session->state != SESSION_CLOSING)
                change_state(session, SESSION_CLOSING);
        session_index_remove(session->env->service->sessions, &session->entry);
}
