/* The way to one bank: see bank_route.h. */
#include "daemon/banks/bank_route.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"

const char *const bank_route_state_name[BANK_ROUTE_STATE_COUNT] = {"down", "signed_off", "up"};

static const struct bank_session_events session_events;
static void on_room(struct bank_macs *macs);

struct bank_route *bank_route_new(const struct bank_link_settings *settings,
                                  const struct iso_dialect *dialect, const struct bank_codes *codes,
                                  const struct bank_shell *shell)
{
        struct bank_route *route = calloc(1, sizeof(*route));
        if (!route)
                return NULL;
        route->settings = *settings;
        route->dialect = *dialect;
        route->codes = *codes;
        route->shell = *shell;
        route->env = (struct bank_session_env){.settings = &route->settings,
                                               .dialect = &route->dialect,
                                               .shell = &route->shell,
                                               .events = &session_events,
                                               .codes = &route->codes,
                                               .side = {.owner_kind = KEY_OWNER_LINK,
                                                        .theirs = KEY_PURPOSE_MAC_DOWN,
                                                        .ours = KEY_PURPOSE_MAC_UP,
                                                        .dialect = &route->dialect},
                                               .macs = {.on_room = on_room}};
        TAILQ_INIT(&route->sessions);
        route->since_ms = shell->steady_ms(shell->context);
        return route;
}

void bank_route_free(struct bank_route *route)
{
        if (route)
                bank_macs_free(&route->env.macs);
        free(route);
}

void bank_route_set_keys(struct bank_route *route, const struct session_keys *keys)
{
        route->env.keys = keys;
}

void bank_route_change(struct bank_route *route, const struct bank_link_settings *settings)
{
        assert(strcmp(route->settings.name, settings->name) == 0);
        route->settings = *settings;
}

struct bank_route *bank_routes_find(const struct bank_routes *routes, const char *link)
{
        for (size_t i = 0; routes && i < routes->count; i++)
                if (strcmp(routes->route[i]->settings.name, link) == 0)
                        return routes->route[i];
        return NULL;
}

const char *bank_route_why(const struct bank_route *route)
{
        if (route->env.mute)
                return route->env.mute;
        if (bank_route_state(route) == BANK_ROUTE_SIGNED_OFF)
                return "the bank has signed off";
        return bank_route_is_up(route) && !*route->why ? route->env.offer.why : route->why;
}

/* ---- requests and notices ------------------------------------------------------------------------------ */

bool bank_route_wants_pin(const struct bank_route *route)
{
        return route->dialect.pin && session_keys_has(route->env.keys, KEY_OWNER_LINK, route->settings.name);
}

bool bank_route_can_say(const struct bank_route *route, struct iso_message *message)
{
        return bank_session_can_say(&route->env, message);
}

bool bank_route_reserve(struct bank_route *route)
{
        if (!bank_route_is_up(route) || route->reserved >= route->settings.outstanding_max) {
                route->count.refused++;
                return false;
        }
        route->reserved++;
        return true;
}

void bank_route_release(struct bank_route *route)
{
        assert(route->reserved > 0);
        route->reserved--;
}

/* Of those with the least outstanding, the next one after the one that was taken last. */
static struct bank_session *choose(struct bank_route *route)
{
        struct bank_session *first = route->last ? TAILQ_NEXT(route->last, entry) : NULL;
        struct bank_session *best = NULL, *session;
        if (!first)
                first = TAILQ_FIRST(&route->sessions);
        session = first;
        while (session) {
                if (session->state == BANK_SESSION_UP && (!best || session->outstanding < best->outstanding))
                        best = session;
                session =
                    TAILQ_NEXT(session, entry) ? TAILQ_NEXT(session, entry) : TAILQ_FIRST(&route->sessions);
                if (session == first)
                        break;
        }
        return best;
}

static bool send_out(struct bank_route *route, struct bank_exchange *exchange, struct iso_message *message,
                     int64_t timeout_ms)
{
        struct bank_session *session = choose(route);
        if (!session) {
                iso_wipe(message);
                return false;
        }
        route->last = session;
        return bank_session_exchange(session, exchange, message,
                                     route->shell.steady_ms(route->shell.context) + timeout_ms);
}

bool bank_route_ask(struct bank_route *route, struct bank_exchange *exchange, struct iso_message *message)
{
        assert(exchange->kind == MESSAGE_REQUEST && route->reserved > 0);
        if (!send_out(route, exchange, message, route->settings.answer_timeout_ms)) {
                bank_route_release(route);
                return false;
        }
        route->count.asked++;
        return true;
}

bool bank_route_tell(struct bank_route *route, struct bank_exchange *exchange, struct iso_message *message,
                     int64_t timeout_ms)
{
        assert(exchange->kind == MESSAGE_COMPLETION || exchange->kind == MESSAGE_REVERSAL);
        if (!send_out(route, exchange, message, timeout_ms))
                return false;
        route->count.told++;
        return true;
}

void bank_route_tick(struct bank_route *route)
{
        int64_t now_ms = route->shell.steady_ms(route->shell.context);
        struct bank_session *session, *next;
        for (session = TAILQ_FIRST(&route->sessions); session; session = next) {
                next = TAILQ_NEXT(session, entry);
                bank_session_tick(session, now_ms);
        }
}

void bank_route_stop(struct bank_route *route, const char *reason)
{
        struct bank_session *session, *next;
        route->stopping = true;
        for (session = TAILQ_FIRST(&route->sessions); session; session = next) {
                next = TAILQ_NEXT(session, entry);
                bank_session_stop(session, reason);
        }
}

bool bank_route_has_left(const struct bank_route *route)
{
        const struct bank_session *session;
        TAILQ_FOREACH(session, &route->sessions, entry)
        if (session->leaving && session->state != BANK_SESSION_CLOSING)
                return false;
        return true;
}

/* ---- connections --------------------------------------------------------------------------------------- */

void bank_route_attach(struct bank_route *route, struct bank_session *session, int number,
                       const struct bank_session_ops *ops, void *peer)
{
        bank_session_open(session, &route->env, number, ops, peer);
        TAILQ_INSERT_TAIL(&route->sessions, session, entry);
}

void bank_route_detach(struct bank_route *route, struct bank_session *session)
{
        bank_session_closed(session);
        if (route->last == session)
                route->last = NULL;
        TAILQ_REMOVE(&route->sessions, session, entry);
}

static struct bank_route *route_of(struct bank_session_env *env)
{
        return (struct bank_route *)((char *)env - offsetof(struct bank_route, env));
}

static void on_room(struct bank_macs *macs)
{
        struct bank_route *route = route_of(
            (struct bank_session_env *)(void *)((char *)macs - offsetof(struct bank_session_env, macs)));
        struct bank_session *session;
        TAILQ_FOREACH(session, &route->sessions, entry)
        session->ops->resume(session->peer);
}

bool bank_route_may_read(struct bank_route *route)
{
        bool may = bank_macs_may_read(&route->env.macs);
        route->count.rests += !may;
        return may;
}

static void note_change(struct bank_route *route, enum bank_route_state before)
{
        if (bank_route_state(route) != before)
                route->since_ms = route->shell.steady_ms(route->shell.context);
}

void bank_route_failed(struct bank_route *route, const char *reason)
{
        snprintf(route->why, sizeof(route->why), "%s", reason);
}

static void sign_on(struct bank_route *route)
{
        if (!route->signed_off)
                return;
        route->signed_off = false;
        log_event(LEVEL_INFO, "link_signed_on", LOG_TEXT("link", route->settings.name));
}

/* The bank's own word holds for the whole link, over whichever connection it comes. */
static void on_signed(struct bank_session_env *env, bool on)
{
        struct bank_route *route = route_of(env);
        enum bank_route_state before = bank_route_state(route);
        if (on) {
                sign_on(route);
        } else if (!route->signed_off) {
                route->signed_off = true;
                route->count.sign_offs++;
                log_event(
                    LEVEL_WARNING, "link_signed_off", LOG_TEXT("link", route->settings.name),
                    LOG_TEXT("help", "by the bank: its cards are refused with 91 until it signs on again"));
        }
        note_change(route, before);
}

static void on_up(struct bank_session_env *env, struct bank_session *session)
{
        struct bank_route *route = route_of(env);
        enum bank_route_state before = bank_route_state(route);
        route->count.sign_ons++;
        sign_on(route);
        route->why[0] = '\0';
        log_event(LEVEL_INFO, "link_connection_up", LOG_TEXT("link", route->settings.name),
                  LOG_NUMBER("connection", session->number), LOG_NUMBER("up", (int64_t)route->up + 1));
        if (route->up++ == 0)
                log_event(LEVEL_INFO, "link_up", LOG_TEXT("link", route->settings.name));
        note_change(route, before);
}

static void on_down(struct bank_session_env *env, struct bank_session *session, bool was_up)
{
        struct bank_route *route = route_of(env);
        enum bank_route_state before = bank_route_state(route);
        route->count.closed++;
        if (!was_up)
                return;
        route->up--;
        note_change(route, before);
        log_event(LEVEL_INFO, "link_connection_down", LOG_TEXT("link", route->settings.name),
                  LOG_NUMBER("connection", session->number), LOG_NUMBER("up", (int64_t)route->up),
                  LOG_NUMBER("outstanding", (int64_t)session->outstanding));
        if (route->up == 0)
                log_event(route->stopping ? LEVEL_INFO : LEVEL_WARNING, "link_down",
                          LOG_TEXT("link", route->settings.name));
}

/* ---- exchanges that end, and answers to none ----------------------------------------------------------- */

static bool is_approval(const struct iso_message *answer)
{
        char de39[3];
        return iso_copy(answer, 39, de39, sizeof(de39)) && strcmp(de39, "00") == 0;
}

static void count_request(struct bank_counters *count, enum bank_end end, bool approved)
{
        count->answered += end == BANK_ANSWERED;
        count->timed_out += end == BANK_TIMED_OUT;
        count->lost += end == BANK_LOST;
        count->approved += approved;
}

static void count_notice(struct bank_counters *count, enum notice_verdict verdict)
{
        count->cases += verdict == NOTICE_CASE;
        count->unacknowledged += verdict == NOTICE_AGAIN;
        count->acknowledged += verdict != NOTICE_CASE && verdict != NOTICE_AGAIN;
}

enum notice_verdict bank_route_verdict(const struct bank_route *route, const struct iso_message *answer)
{
        char de39[BANK_CODE_LENGTH + 1];
        if (!answer || !iso_copy(answer, 39, de39, sizeof(de39)))
                return NOTICE_AGAIN;
        return bank_codes_verdict(&route->codes, de39);
}

static void on_ended(struct bank_session_env *env, const struct bank_exchange *exchange, enum bank_end end,
                     const struct iso_message *answer)
{
        struct bank_route *route = route_of(env);
        route->recent[route->recent_at] =
            (struct bank_recent){.key = exchange->key, .identity = exchange->identity, .end = end};
        route->recent_at = (route->recent_at + 1) % BANK_RECENT;
        route->count.unsent += end == BANK_UNSENT;
        if (exchange->kind == MESSAGE_REQUEST) {
                bank_route_release(route);
                count_request(&route->count, end, end == BANK_ANSWERED && is_approval(answer));
        } else {
                count_notice(&route->count, bank_route_verdict(route, answer));
        }
}

static struct bank_recent *find_recent(struct bank_route *route, uint64_t key)
{
        for (size_t i = 1; i <= BANK_RECENT; i++) {
                struct bank_recent *recent =
                    &route->recent[(route->recent_at + BANK_RECENT - i) % BANK_RECENT];
                if (recent->key == key)
                        return recent;
        }
        return NULL;
}

static void log_late_approval(const struct bank_route *route, const struct iso_message *answer)
{
        char terminal[TERMINAL_LENGTH + 1] = "";
        int64_t stan = 0;
        if (!iso_copy(answer, 41, terminal, sizeof(terminal)) || !iso_number(answer, 11, &stan))
                return;
        log_limited(LEVEL_WARNING, "late_approval", LOG_TEXT("link", route->settings.name),
                    LOG_TEXT("terminal", terminal), LOG_NUMBER("stan", stan),
                    LOG_TEXT("help", "not paid out; its reversal is queued"));
}

static void on_stray(struct bank_session_env *env, enum message_kind kind, uint64_t key,
                     const struct iso_message *answer)
{
        struct bank_route *route = route_of(env);
        struct bank_recent *recent = find_recent(route, key);
        if (!recent) {
                route->count.unknown++;
        } else if (recent->end == BANK_ANSWERED) {
                route->count.duplicate++;
        } else {
                recent->end = BANK_ANSWERED; /* the next one is a duplicate */
                route->count.late++;
                if (kind == MESSAGE_REQUEST && iso_has(answer, 4) && is_approval(answer)) {
                        route->count.late_approvals++;
                        log_late_approval(route, answer);
                        if (route->on_late_approval)
                                route->on_late_approval(route->watcher, route, &recent->identity, answer);
                }
        }
}

static void on_remarked(struct bank_session_env *env, enum bank_remark remark)
{
        struct bank_counters *count = &route_of(env)->count;
        uint64_t *const counters[] = {
            [BANK_ECHO_ANSWERED] = &count->echoes,  [BANK_ANSWER_UNKNOWN] = &count->unknown,
            [BANK_ANSWER_WRONG] = &count->wrong,    [BANK_MESSAGE_UNDECODABLE] = &count->undecodable,
            [BANK_MESSAGE_EMPTY] = &count->empty,   [BANK_MESSAGE_UNCHECKED] = &count->unchecked,
            [BANK_MACS_FULL] = &count->full,        [BANK_MAC_REFUSED] = &count->refused_macs,
            [BANK_KEYS_KEPT] = &count->keys_kept,   [BANK_KEYS_REFUSED] = &count->keys_refused,
            [BANK_KEYS_ASKED] = &count->keys_asked,
        };
        ++*counters[remark];
}

static void on_wrong_mac(struct bank_session_env *env, const struct bank_session *session, const char *mti,
                         const char *why)
{
        struct bank_route *route = route_of(env);
        route->count.wrong_macs++;
        if (route->on_wrong_mac)
                route->on_wrong_mac(route->watcher, route, session->number, mti, why);
}

/* Requests are refused before anybody has reserved anything for them; notices stay where they are. */
static void on_muted(struct bank_session_env *env, const char *why)
{
        struct bank_route *route = route_of(env);
        enum bank_route_state before = bank_route_state(route);
        bool was_mute = env->mute;
        env->mute = why;
        note_change(route, before);
        if (why && !was_mute)
                log_event(
                    LEVEL_WARNING, "link_mute", LOG_TEXT("link", route->settings.name),
                    LOG_TEXT("reason", why),
                    LOG_TEXT("help",
                             "nothing leaves for the bank without a MAC: its cards are refused with 91"));
        else if (!why)
                log_event(LEVEL_INFO, "link_mute_over", LOG_TEXT("link", route->settings.name));
}

static const struct bank_session_events session_events = {on_up,    on_down,     on_signed,    on_ended,
                                                          on_stray, on_remarked, on_wrong_mac, on_muted};

/* ---- the log ------------------------------------------------------------------------------------------- */

void bank_route_log(const struct bank_route *route)
{
#define X(name, text) +1
        enum { FIELDS_MAX = 4 BANK_COUNTERS(X) };
#undef X
        struct log_field fields[FIELDS_MAX];
        size_t n = 0;
        fields[n++] = LOG_TEXT("link", route->settings.name);
        fields[n++] = LOG_NUMBER("up", (int64_t)route->up);
        fields[n++] = LOG_NUMBER("outstanding", (int64_t)route->reserved);
        if (route->signed_off)
                fields[n++] = LOG_TEXT("signed_off", "yes");
#define X(name, text)                                                                                        \
        if (route->count.name)                                                                               \
                fields[n++] = LOG_NUMBER(#name, (int64_t)route->count.name);
        BANK_COUNTERS(X)
#undef X
        log_write(LEVEL_INFO, "link_stats", fields, n);
}
