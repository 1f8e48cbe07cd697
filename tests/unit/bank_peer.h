/* A bank's side of a connection, for tests: it keeps what it is sent and answers as it is told. */
#ifndef TESTS_UNIT_BANK_PEER_H
#define TESTS_UNIT_BANK_PEER_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "daemon/banks/bank_route.h"
#include "lib/base/log.h"

enum { BANK_PEER_SENT = 256 };

struct bank_peer {
        struct bank_session session;
        struct bank_route *route;
        struct iso_message sent[BANK_PEER_SENT];
        uint8_t bytes[ISO_MESSAGE_MAX]; /* of the last one */
        size_t length;
        int count, closes, resumes;
        char reason[256];
};

static int64_t bank_now_ms;

static inline int64_t bank_clock(void *context)
{
        (void)context;
        return bank_now_ms;
}

static inline void bank_peer_send(void *context, const uint8_t *message, size_t length)
{
        struct bank_peer *peer = context;
        struct iso_error error;
        ck_assert_int_eq(peer->closes, 0);
        ck_assert_int_lt(peer->count, BANK_PEER_SENT);
        ck_assert_int_eq(
            iso_decode(&peer->route->dialect, message, length, &peer->sent[peer->count++], &error), 0);
        memcpy(peer->bytes, message, length);
        peer->length = length;
}

static inline void bank_peer_close(void *context, const char *reason)
{
        struct bank_peer *peer = context;
        peer->closes++;
        snprintf(peer->reason, sizeof(peer->reason), "%s", reason);
}

static inline void bank_peer_resume(void *context)
{
        struct bank_peer *peer = context;
        peer->resumes++;
}

static const struct bank_session_ops bank_peer_ops = {bank_peer_send, bank_peer_close, bank_peer_resume};

static inline struct bank_route *bank_peer_route(const char *name, size_t outstanding_max)
{
        struct bank_link_settings settings = {.acquirer = "99000001",
                                              .outstanding_max = outstanding_max,
                                              .answer_timeout_ms = 15000,
                                              .echo_interval_ms = 30000};
        struct bank_shell shell = {bank_clock, bank_clock, NULL};
        snprintf(settings.name, sizeof(settings.name), "%s", name);
        struct bank_codes codes;
        bank_codes_init(&codes);
        bank_codes_end(&codes);
        struct bank_route *route = bank_route_new(&settings, &iso_dialect_ascii, &codes, &shell);
        ck_assert_ptr_nonnull(route);
        return route;
}

static inline void bank_peer_say(struct bank_peer *peer, const struct iso_message *message)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        int length = iso_encode(&peer->route->dialect, message, bytes, sizeof(bytes), &error);
        ck_assert_int_gt(length, 0);
        bank_session_frame(&peer->session, bytes, (size_t)length);
}

/* The answer to the sent message i, with the DE 39. */
static inline void bank_peer_build(const struct bank_peer *peer, int i, const char *de39,
                                   struct iso_message *ret)
{
        ck_assert_int_lt(i, peer->count);
        const struct profile_row *row = profile_find(peer->sent[i].mti);
        ck_assert_ptr_nonnull(row);
        profile_answer(row, &peer->sent[i], ret);
        if (row->kind == MESSAGE_REVERSAL)
                iso_echo(ret, &peer->sent[i], 95);
        iso_set_string(ret, 39, de39);
}

static inline void bank_peer_answer(struct bank_peer *peer, int i, const char *de39)
{
        static struct iso_message answer;
        bank_peer_build(peer, i, de39, &answer);
        bank_peer_say(peer, &answer);
}

static inline void bank_peer_open(struct bank_peer *peer, struct bank_route *route, int number)
{
        memset(peer, 0, sizeof(*peer));
        peer->route = route;
        bank_route_attach(route, &peer->session, number, &bank_peer_ops, peer);
}

/* The connection is gone. */
static inline void bank_peer_close_down(struct bank_peer *peer)
{
        bank_route_detach(peer->route, &peer->session);
}

static inline void bank_peer_sign_on(struct bank_peer *peer, struct bank_route *route, int number)
{
        bank_peer_open(peer, route, number);
        bank_peer_answer(peer, 0, "00");
        ck_assert_int_eq(peer->session.state, BANK_SESSION_UP);
}

static inline const char *bank_peer_value(const struct iso_message *message, int field)
{
        static char text[ISO_TEXT_MAX];
        ck_assert(iso_copy(message, field, text, sizeof(text)));
        return text;
}

#endif
