/*
 * Who is at the door and not in yet, in the order of their turns. It knows numbers alone: neither sockets nor the time.
 *
 *      (door) --lobby_enter--> SILENT --lobby_speak--> WAITING --lobby_next--> SHAKING --> (in, or gone)
 *                                 '---------------------'--lobby_leave-----------^
 *
 * A handshake costs a place: its memory, and a millisecond of the loop. There are so many places, and of those an
 * address (of IPv6 the 64 bits that a line is given) has at most its share. Who has said nothing needs none. Addresses
 * that wait have their turns in a circle: a crowd from one address is in the way of that address alone. Within one who
 * spoke first comes first; where more wait than its share, the last: most of the others will have given up when it is
 * their turn, or never meant to go on.
 *
 * Who has to go, always the oldest:
 *      of an address with more at the door than rules.waiting (lobby_crowd), before somebody enters;
 *      of those who shake hands, where others wait for that place (lobby_slowest): who had the patience of the house, which
 *      is less the more there are that wait, and counts from when it was his turn to speak: in a storm of honest ones it is we who
 *      are slow;
 *      of those who don't shake hands yet, for whom the house is too full (lobby_room): who belongs to a larger crowd than the
 *      next one, or has said nothing for a while.
 *
 * Invariants: SHAKING are at most rules.places, and of an address at most rules.share; as long as both leave room nobody
 * WAITs once lobby_next has been called until it gives NULL.
 */
#ifndef DAEMON_LOBBY_H
#define DAEMON_LOBBY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "lib/base/attributes.h"

struct lobby;
struct lobby_address;

enum lobby_state { LOBBY_SILENT, LOBBY_WAITING, LOBBY_SHAKING, LOBBY_STATE_COUNT };

struct lobby_rules {
        size_t places, share;
        size_t waiting; /* SILENT and WAITING of one address */
        int64_t patience_ms, patience_least_ms;
};

/* A member of what its owner keeps of a newcomer. */
struct lobby_guest {
        struct lobby_address *address;
        int64_t since_ms; /* in this state */
        uint8_t state;
        TAILQ_ENTRY(lobby_guest) of_all, of_address; /* of those in this state, the oldest first */
};

/* Whom an address counts for: IPv4 whole, IPv6 by its first 64 bits, IPv4 within IPv6 as IPv4; all others together. */
uint64_t lobby_key(const struct sockaddr *address);

struct lobby *lobby_new(const struct lobby_rules *rules); /* NULL: out of memory */
void lobby_free(struct lobby *lobby);                     /* when all have left; NULL is fine */
void lobby_change(struct lobby *lobby, const struct lobby_rules *rules);

/* Who must go for one more of this address: to be asked before lobby_enter until it says NULL. */
struct lobby_guest *lobby_crowd(const struct lobby *lobby, uint64_t key);
/* False: out of memory. */
ATM_MUST_USE bool lobby_enter(struct lobby *lobby, struct lobby_guest *guest, uint64_t key, int64_t now_ms);
void lobby_speak(struct lobby *lobby, struct lobby_guest *guest, int64_t now_ms);
/* Who may shake hands now; NULL: nobody waits, or there is no place for those who do. */
struct lobby_guest *lobby_next(struct lobby *lobby, int64_t now_ms);
/* From any state. */
void lobby_leave(struct lobby *lobby, struct lobby_guest *guest);

/* Who must give his place to one that waits, NULL: nobody. awaited_since_ms: since when it is the guest's turn to speak, if that is later
 * than when he began; INT64_MAX: it is ours. */
struct lobby_guest *lobby_slowest(const struct lobby *lobby, int64_t now_ms,
                                  int64_t (*awaited_since_ms)(const struct lobby_guest *guest));
/* Who must go for one more of this address where the house is full. silence_ms: too long for whoever says nothing. NULL:
 * nobody. */
struct lobby_guest *lobby_room(const struct lobby *lobby, uint64_t key, int64_t now_ms, int64_t silence_ms);

size_t lobby_count(const struct lobby *lobby, enum lobby_state state);
size_t lobby_count_of(const struct lobby_guest *guest, enum lobby_state state);
/* The oldest in a state; NULL: there is none. */
struct lobby_guest *lobby_first(const struct lobby *lobby, enum lobby_state state);

#endif
