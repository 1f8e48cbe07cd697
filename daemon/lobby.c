/* Who is at the door: see lobby.h. An address is kept as long as somebody of it is there. change_state is the one door for
 * states, and place_address says where an address stands afterwards. */
#include "daemon/lobby.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/random.h"

enum { CHAINS = 1024 };

TAILQ_HEAD(guests, lobby_guest);
TAILQ_HEAD(addresses, lobby_address);

/* Whether an address has its turn. */
enum turn {
        TURN_NONE,  /* nobody of it waits */
        TURN_READY, /* in the circle */
        TURN_STUCK, /* its share of the places is taken */
};

struct lobby_address {
        uint64_t key;
        enum turn turn;
        struct guests in[LOBBY_STATE_COUNT];
        size_t count[LOBBY_STATE_COUNT];
        TAILQ_ENTRY(lobby_address) circle; /* of lobby->ready or lobby->stuck */
        LIST_ENTRY(lobby_address) chain;
};

struct lobby {
        struct lobby_rules rules;
        uint64_t seed; /* so that nobody can choose addresses that share a chain */
        struct guests in[LOBBY_STATE_COUNT];
        size_t count[LOBBY_STATE_COUNT];
        struct addresses ready, stuck;
        LIST_HEAD(, lobby_address) chains[CHAINS];
};

/* ---- addresses ----------------------------------------------------------------------------------------- */

uint64_t lobby_key(const struct sockaddr *address)
{
        const void *bytes = address;
        uint8_t all[8] = {0};
        uint64_t key = 0;
        if (address->sa_family == AF_INET) {
                memcpy(all + 4, &((const struct sockaddr_in *)bytes)->sin_addr, 4);
        } else if (address->sa_family == AF_INET6) {
                const struct in6_addr *in6 = &((const struct sockaddr_in6 *)bytes)->sin6_addr;
                if (IN6_IS_ADDR_V4MAPPED(in6))
                        memcpy(all + 4, in6->s6_addr + 12, 4);
                else
                        memcpy(all, in6->s6_addr, 8);
        }
        for (size_t i = 0; i < sizeof(all); i++)
                key = key << 8 | all[i];
        return key;
}

static size_t chain_of(const struct lobby *lobby, uint64_t key)
{
        uint64_t mixed = lobby->seed ^ key;
        return random_mix(&mixed) % CHAINS;
}

static struct lobby_address *find(const struct lobby *lobby, uint64_t key)
{
        struct lobby_address *address;
        LIST_FOREACH(address, &lobby->chains[chain_of(lobby, key)], chain)
        if (address->key == key)
                return address;
        return NULL;
}

static struct lobby_address *find_or_make(struct lobby *lobby, uint64_t key)
{
        struct lobby_address *address = find(lobby, key);
        if (address)
                return address;
        address = calloc(1, sizeof(*address));
        if (!address)
                return NULL;
        address->key = key;
        for (size_t i = 0; i < LOBBY_STATE_COUNT; i++)
                TAILQ_INIT(&address->in[i]);
        LIST_INSERT_HEAD(&lobby->chains[chain_of(lobby, key)], address, chain);
        return address;
}

/* Where it belongs now: at the end of the circle where it comes anew. */
static void place_address(struct lobby *lobby, struct lobby_address *address)
{
        enum turn turn = TURN_NONE;
        if (address->count[LOBBY_WAITING] > 0)
                turn = address->count[LOBBY_SHAKING] < lobby->rules.share ? TURN_READY : TURN_STUCK;
        if (turn == address->turn)
                return;
        if (address->turn == TURN_READY)
                TAILQ_REMOVE(&lobby->ready, address, circle);
        else if (address->turn == TURN_STUCK)
                TAILQ_REMOVE(&lobby->stuck, address, circle);
        address->turn = turn;
        if (turn == TURN_READY)
                TAILQ_INSERT_TAIL(&lobby->ready, address, circle);
        else if (turn == TURN_STUCK)
                TAILQ_INSERT_TAIL(&lobby->stuck, address, circle);
}

static bool is_empty(const struct lobby_address *address)
{
        for (size_t i = 0; i < LOBBY_STATE_COUNT; i++)
                if (address->count[i] > 0)
                        return false;
        return true;
}

/* ---- guests -------------------------------------------------------------------------------------------- */

static void put_in(struct lobby *lobby, struct lobby_guest *guest, enum lobby_state state, int64_t now_ms)
{
        struct lobby_address *address = guest->address;
        guest->state = (uint8_t)state;
        guest->since_ms = now_ms;
        TAILQ_INSERT_TAIL(&lobby->in[state], guest, of_all);
        TAILQ_INSERT_TAIL(&address->in[state], guest, of_address);
        lobby->count[state]++;
        address->count[state]++;
}

static void take_out(struct lobby *lobby, struct lobby_guest *guest)
{
        struct lobby_address *address = guest->address;
        TAILQ_REMOVE(&lobby->in[guest->state], guest, of_all);
        TAILQ_REMOVE(&address->in[guest->state], guest, of_address);
        lobby->count[guest->state]--;
        address->count[guest->state]--;
}

static void change_state(struct lobby *lobby, struct lobby_guest *guest, enum lobby_state to, int64_t now_ms)
{
        assert((int)to == guest->state + 1);
        take_out(lobby, guest);
        put_in(lobby, guest, to, now_ms);
        place_address(lobby, guest->address);
}

bool lobby_enter(struct lobby *lobby, struct lobby_guest *guest, uint64_t key, int64_t now_ms)
{
        guest->address = find_or_make(lobby, key);
        if (!guest->address)
                return false;
        put_in(lobby, guest, LOBBY_SILENT, now_ms);
        return true;
}

void lobby_speak(struct lobby *lobby, struct lobby_guest *guest, int64_t now_ms)
{
        change_state(lobby, guest, LOBBY_WAITING, now_ms);
}

struct lobby_guest *lobby_next(struct lobby *lobby, int64_t now_ms)
{
        struct lobby_address *address = TAILQ_FIRST(&lobby->ready);
        if (!address || lobby->count[LOBBY_SHAKING] >= lobby->rules.places)
                return NULL;
        struct guests *waiting = &address->in[LOBBY_WAITING];
        struct lobby_guest *guest = address->count[LOBBY_WAITING] > lobby->rules.share
                                        ? TAILQ_LAST(waiting, guests)
                                        : TAILQ_FIRST(waiting);
        change_state(lobby, guest, LOBBY_SHAKING, now_ms);
        if (address->turn == TURN_READY) { /* the others have their turns first */
                TAILQ_REMOVE(&lobby->ready, address, circle);
                TAILQ_INSERT_TAIL(&lobby->ready, address, circle);
        }
        return guest;
}

void lobby_leave(struct lobby *lobby, struct lobby_guest *guest)
{
        struct lobby_address *address = guest->address;
        take_out(lobby, guest);
        guest->address = NULL;
        place_address(lobby, address);
        if (is_empty(address)) {
                LIST_REMOVE(address, chain);
                free(address);
        }
}

/* ---- who has to go ------------------------------------------------------------------------------------- */

static size_t at_door(const struct lobby_address *address)
{
        return address->count[LOBBY_SILENT] + address->count[LOBBY_WAITING];
}

static struct lobby_guest *oldest_at_door(const struct lobby_address *address)
{
        struct lobby_guest *silent = TAILQ_FIRST(&address->in[LOBBY_SILENT]);
        return silent ? silent : TAILQ_FIRST(&address->in[LOBBY_WAITING]);
}

struct lobby_guest *lobby_crowd(const struct lobby *lobby, uint64_t key)
{
        const struct lobby_address *address = find(lobby, key);
        if (!address || at_door(address) < lobby->rules.waiting)
                return NULL;
        return oldest_at_door(address);
}

/* So that all who wait would have had their turns within rules.patience_ms. */
static int64_t patience_ms(const struct lobby *lobby, size_t places, size_t waiting)
{
        const struct lobby_rules *rules = &lobby->rules;
        int64_t ms =
            waiting > places ? rules->patience_ms * (int64_t)places / (int64_t)waiting : rules->patience_ms;
        return ms > rules->patience_least_ms ? ms : rules->patience_least_ms;
}

/* The first of those that shake hands, the oldest first, with whom the house has been patient for so long. */
static struct lobby_guest *first_slow(const struct guests *shaking, bool of_address, int64_t now_ms,
                                      int64_t patience_ms,
                                      int64_t (*awaited_since_ms)(const struct lobby_guest *guest))
{
        struct lobby_guest *guest = TAILQ_FIRST(shaking);
        while (guest && now_ms - guest->since_ms >= patience_ms) {
                if (awaited_since_ms(guest) <= now_ms - patience_ms)
                        return guest;
                guest = of_address ? TAILQ_NEXT(guest, of_address) : TAILQ_NEXT(guest, of_all);
        }
        return NULL;
}

struct lobby_guest *lobby_slowest(const struct lobby *lobby, int64_t now_ms,
                                  int64_t (*awaited_since_ms)(const struct lobby_guest *guest))
{
        const struct lobby_address *address;
        struct lobby_guest *guest = NULL;
        if (!TAILQ_EMPTY(&lobby->ready) && lobby->count[LOBBY_SHAKING] >= lobby->rules.places)
                guest = first_slow(&lobby->in[LOBBY_SHAKING], false, now_ms,
                                   patience_ms(lobby, lobby->rules.places, lobby->count[LOBBY_WAITING]),
                                   awaited_since_ms);
        for (address = TAILQ_FIRST(&lobby->stuck); address && !guest; address = TAILQ_NEXT(address, circle))
                guest = first_slow(&address->in[LOBBY_SHAKING], true, now_ms,
                                   patience_ms(lobby, lobby->rules.share, address->count[LOBBY_WAITING]),
                                   awaited_since_ms);
        return guest;
}

struct lobby_guest *lobby_room(const struct lobby *lobby, uint64_t key, int64_t now_ms, int64_t silence_ms)
{
        struct lobby_guest *silent = TAILQ_FIRST(&lobby->in[LOBBY_SILENT]);
        struct lobby_guest *waiting = TAILQ_FIRST(&lobby->in[LOBBY_WAITING]);
        const struct lobby_address *address = find(lobby, key);
        size_t own = address ? at_door(address) : 0;
        if (own > lobby->rules.share)
                return oldest_at_door(address);
        if (silent && (now_ms - silent->since_ms >= silence_ms || at_door(silent->address) > own + 1))
                return silent;
        return waiting && at_door(waiting->address) > own + 1 ? waiting : NULL;
}

/* ---- questions and life -------------------------------------------------------------------------------- */

size_t lobby_count(const struct lobby *lobby, enum lobby_state state)
{
        return lobby->count[state];
}

size_t lobby_count_of(const struct lobby_guest *guest, enum lobby_state state)
{
        return guest->address->count[state];
}

struct lobby_guest *lobby_first(const struct lobby *lobby, enum lobby_state state)
{
        return TAILQ_FIRST(&lobby->in[state]);
}

struct lobby *lobby_new(const struct lobby_rules *rules)
{
        struct lobby *lobby = calloc(1, sizeof(*lobby));
        struct random random;
        if (!lobby)
                return NULL;
        random_seed_anew(&random);
        lobby->seed = random_next(&random);
        lobby->rules = *rules;
        for (size_t i = 0; i < LOBBY_STATE_COUNT; i++)
                TAILQ_INIT(&lobby->in[i]);
        TAILQ_INIT(&lobby->ready);
        TAILQ_INIT(&lobby->stuck);
        return lobby;
}

void lobby_free(struct lobby *lobby)
{
        free(lobby);
}

void lobby_change(struct lobby *lobby, const struct lobby_rules *rules)
{
        struct lobby_address *address;
        lobby->rules = *rules;
        for (size_t i = 0; i < CHAINS; i++)
                LIST_FOREACH(address, &lobby->chains[i], chain)
        place_address(lobby, address);
}
