/* One ATM on one connection: see session.h. change_state is the door for states, end_session the one out. */
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

static void change_state(struct session *session, enum session_state to)
{
        assert(legal_change[session->state][to]);
        session->env->signed_on += (to == SESSION_SIGNED_ON) - (session->state == SESSION_SIGNED_ON);
        log_event(LEVEL_DEBUG, "session", LOG_TEXT("terminal", session->entry.terminal),
                  LOG_TEXT("from", session_state_name[session->state]),
                  LOG_TEXT("to", session_state_name[to]));
        if (to == SESSION_CLOSING)
                service_leave(session->env->service, &session->entry); /* it hears nothing any more */
        session->state = to;
}

static void end_session(struct session *session, enum session_end end, const char *reason)
{
        if (session->state == SESSION_CLOSING)
                return;
        change_state(session, SESSION_CLOSING);
        session->ops->close(session->peer, end, reason);
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static void send_message(struct session *session, const struct iso_message *message)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        int length = iso_encode(&iso_dialect_ascii, message, bytes, sizeof(bytes), &error);
        if (length < 0) {
                char text[256];
                iso_error_print(&iso_dialect_ascii, &error, text, sizeof(text));
                log_limited(LEVEL_ERROR, "encode_failed", LOG_TEXT("terminal", session->entry.terminal),
                            LOG_TEXT("mti", message->mti), LOG_TEXT("what", text));
                end_session(session, SESSION_END_ERROR, "an answer could not be encoded");
                return;
        }
        session->env->count.answers++;
        session->ops->send(session->peer, bytes, (size_t)length);
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

static enum reason not_supported(struct session *session)
{
        (void)session;
        return REASON_NOT_SUPPORTED;
}

static const struct {
        int64_t code; /* DE 70 */
        bool needs_sign_on;
        enum reason (*handle)(struct session *session);
} network_rows[] = {
    {NETWORK_SIGN_ON, false, sign_on},          {NETWORK_SIGN_OFF, false, sign_off},
    {NETWORK_ECHO, false, acknowledge},         {NETWORK_CUTOVER, true, acknowledge},
    {NETWORK_KEY_CHANGE, false, not_supported},
};

static void on_network(struct session *session, const struct profile_row *row,
                       const struct iso_message *request)
{
        int64_t code;
        enum reason reason = REASON_INVALID_TRANSACTION;
        if (!iso_number(request, 70, &code))
                code = 0;
        for (size_t i = 0; i < sizeof(network_rows) / sizeof(network_rows[0]); i++) {
                if (network_rows[i].code != code)
                        continue;
                reason = network_rows[i].needs_sign_on && session->state != SESSION_SIGNED_ON
                             ? REASON_NOT_SIGNED_ON
                             : network_rows[i].handle(session);
        }
        answer_now(session, row, request, reason);
}

/* ---- what goes to the ledger --------------------------------------------------------------------------- */

static void on_transaction(struct session *session, const struct profile_row *row,
                           const struct iso_message *request)
{
        struct iso_error error;
        session->ops->pause(session->peer);
        if (service_submit(session->env->service, &session->entry, row, request, &error))
                return;
        answer_format_error(session, row, request, &error);
        if (session->state != SESSION_CLOSING)
                session->ops->resume(session->peer);
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

static void on_answered(struct session_entry *entry, const struct iso_message *answer)
{
        struct session *session = session_of(entry);
        assert(session->state != SESSION_CLOSING); /* it has left the service then */
        if (answer)
                send_message(session, answer);
        if (session->draining)
                end_session(session, SESSION_END_SHUTDOWN, "the daemon stops");
        if (session->state != SESSION_CLOSING)
                session->ops->resume(session->peer);
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

static void on_decoded(struct session *session, const struct profile_row *row,
                       const struct iso_message *request)
{
        struct iso_error error;
        char terminal[TERMINAL_LENGTH + 1], reason[LIMIT_REASON];
        if (profile_check(row, request, &error) < 0) {
                on_undecodable(session, row, request, &error);
                return;
        }
        if (!iso_copy(request, 41, terminal, sizeof(terminal)) ||
            strcmp(terminal, session->entry.terminal) != 0) {
                snprintf(reason, sizeof(reason), "DE 41 is '%s', the certificate says '%s'", terminal,
                         session->entry.terminal);
                security_event(SECURITY_TERMINAL_FOREIGN, session->entry.terminal,
                               LOG_TEXT("claimed", terminal));
                answer_now(session, row, request, REASON_FOREIGN_TERMINAL);
                end_session(session, SESSION_END_TERMINAL, reason);
                return;
        }
        if (kind_rows[row->kind].needs_sign_on && session->state != SESSION_SIGNED_ON)
                answer_now(session, row, request, REASON_NOT_SIGNED_ON);
        else
                kind_rows[row->kind].handle(session, row, request);
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
        bool decoded = iso_decode(&iso_dialect_ascii, bytes, length, &request, &error) == 0;
        iso_unset(&request, 52); /* no PIN is kept for longer than it takes to find it */
        const struct profile_row *row = profile_find(request.mti);
        if (!decoded) {
                on_undecodable(session, row, &request, &error);
        } else if (!row) {
                char reason[LIMIT_REASON];
                snprintf(reason, sizeof(reason), "MTI %s is none that an ATM sends", request.mti);
                end_session(session, SESSION_END_PROTOCOL, reason);
        } else {
                on_decoded(session, row, &request);
        }
        iso_wipe(&request);
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
        if (!session->entry.waiting)
                end_session(session, SESSION_END_SHUTDOWN, "the daemon stops");
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
