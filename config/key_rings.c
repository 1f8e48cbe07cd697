/* The key blocks that are good: see key_rings.h. */
#include "config/key_rings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/number.h"

const char *const key_owner_name[KEY_OWNERS] = {"terminal", "link", "issuer"};
const char *const key_set_kind_name[KEY_SET_KINDS] = {"kek", "working", "verification"};
const char *const key_purpose_name[KEY_PURPOSES] = {"kek", "pin", "mac_up", "mac_down", "verification"};
const char *const key_set_state_name[KEY_SET_STATES] = {"loaded", "current", "retired"};

/* Rings in the order of their owners: they are read in that order, and seldom a new one comes between. */
struct key_rings {
        struct key_ring *rings;
        size_t count, room;
        int64_t version;
};

enum { VERSION, OWNER_KIND, OWNER, KIND, NUMBER, STATE, PURPOSE, BLOCK, CHECK_VALUE, HANDOVER, COLUMNS };

const struct pg_statement key_rings_statement = {"key_rings", "SELECT * FROM key_sets_since($1)"};

/* the rings ------------------------------------------------------------------------------------------------ */

static int ring_compare(const struct key_ring *ring, enum key_owner owner_kind, const char *owner)
{
        if (ring->owner_kind != owner_kind)
                return ring->owner_kind < owner_kind ? -1 : 1;
        return strcmp(ring->owner, owner);
}

/* The place of the first ring that is not before this owner's. */
static size_t ring_place(const struct key_rings *rings, enum key_owner owner_kind, const char *owner)
{
        size_t low = 0, high = rings->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (ring_compare(&rings->rings[middle], owner_kind, owner) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static bool ring_is_at(const struct key_rings *rings, size_t place, enum key_owner owner_kind,
                       const char *owner)
{
        return place < rings->count && ring_compare(&rings->rings[place], owner_kind, owner) == 0;
}

/* NULL: out of memory. */
static struct key_ring *ring_of(struct key_rings *rings, enum key_owner owner_kind, const char *owner)
{
        size_t place = ring_place(rings, owner_kind, owner);
        if (ring_is_at(rings, place, owner_kind, owner))
                return &rings->rings[place];
        struct key_ring *grown =
            array_with_room(rings->rings, &rings->room, rings->count, sizeof(*rings->rings));
        if (!grown)
                return NULL;
        rings->rings = grown;
        memmove(&grown[place + 1], &grown[place], (rings->count - place) * sizeof(*grown));
        rings->count++;
        grown[place] = (struct key_ring){.owner_kind = owner_kind};
        snprintf(grown[place].owner, sizeof(grown[place].owner), "%s", owner);
        return &grown[place];
}

static void set_clear(struct key_set *set)
{
        for (size_t i = 0; i < KEY_PURPOSES; i++) {
                free(set->block[i]);
                free(set->handover[i]);
        }
}

/* The place of the first set that is not before this one: of a kind the newest first. */
static size_t set_place(const struct key_ring *ring, enum key_set_kind kind, int number)
{
        size_t place = 0;
        while (place < ring->count && (ring->sets[place].kind < kind ||
                                       (ring->sets[place].kind == kind && ring->sets[place].number > number)))
                place++;
        return place;
}

static bool set_is_at(const struct key_ring *ring, size_t place, enum key_set_kind kind, int number)
{
        return place < ring->count && ring->sets[place].kind == kind && ring->sets[place].number == number;
}

/* NULL: out of memory. Sets are few, and change seldom. */
static struct key_set *set_of(struct key_ring *ring, enum key_set_kind kind, int number)
{
        size_t place = set_place(ring, kind, number);
        if (set_is_at(ring, place, kind, number))
                return &ring->sets[place];
        struct key_set *grown = realloc(ring->sets, (ring->count + 1) * sizeof(*grown));
        if (!grown)
                return NULL;
        ring->sets = grown;
        memmove(&grown[place + 1], &grown[place], (ring->count - place) * sizeof(*grown));
        ring->count++;
        grown[place] = (struct key_set){.kind = kind, .number = number};
        return &grown[place];
}

static void set_drop(struct key_ring *ring, enum key_set_kind kind, int number)
{
        size_t place = set_place(ring, kind, number);
        if (!set_is_at(ring, place, kind, number))
                return;
        set_clear(&ring->sets[place]);
        ring->count--;
        memmove(&ring->sets[place], &ring->sets[place + 1], (ring->count - place) * sizeof(*ring->sets));
}

/* A link's waits for key_rings_settle: what retired it may follow it. */
static void retire(struct key_ring *ring, const struct key_row *row)
{
        size_t place = set_place(ring, row->kind, row->number);
        if (ring->owner_kind != KEY_OWNER_LINK || row->kind != KEY_SET_WORKING)
                set_drop(ring, row->kind, row->number);
        else if (set_is_at(ring, place, row->kind, row->number))
                ring->sets[place].state = KEY_SET_RETIRED;
}

struct key_rings *key_rings_new(void)
{
        return calloc(1, sizeof(struct key_rings));
}

static void clear(struct key_rings *rings)
{
        for (size_t i = 0; i < rings->count; i++) {
                struct key_ring *ring = &rings->rings[i];
                for (size_t j = 0; j < ring->count; j++)
                        set_clear(&ring->sets[j]);
                free(ring->sets);
        }
        free(rings->rings);
        *rings = (struct key_rings){0};
}

void key_rings_free(struct key_rings *rings)
{
        if (!rings)
                return;
        clear(rings);
        free(rings);
}

/* In the place of what was there. False: out of memory. */
static bool text_put(char **text, const char *value)
{
        char *copy = value && *value ? strdup(value) : NULL;
        if (value && *value && !copy)
                return false;
        free(*text);
        *text = copy;
        return true;
}

bool key_rings_put(struct key_rings *rings, const struct key_row *row)
{
        if (strlen(row->owner) > KEY_OWNER_MAX)
                return false;
        struct key_ring *ring = ring_of(rings, row->owner_kind, row->owner);
        if (!ring)
                return false;
        if (row->state == KEY_SET_RETIRED) {
                retire(ring, row);
                return true;
        }
        if (strlen(row->check_value) >= KEY_CHECK_VALUE_TEXT)
                return false;
        struct key_set *set = set_of(ring, row->kind, row->number);
        if (!set || !text_put(&set->block[row->purpose], row->block) ||
            !text_put(&set->handover[row->purpose], row->handover))
                return false;
        set->state = row->state;
        set->until_ms = 0;
        snprintf(set->check_value[row->purpose], KEY_CHECK_VALUE_TEXT, "%s", row->check_value);
        return true;
}

/* looking up ----------------------------------------------------------------------------------------------- */

const struct key_ring *key_rings_find(const struct key_rings *rings, enum key_owner owner_kind,
                                      const char *owner)
{
        size_t place = ring_place(rings, owner_kind, owner);
        return ring_is_at(rings, place, owner_kind, owner) ? &rings->rings[place] : NULL;
}

const struct key_ring *key_rings_at(const struct key_rings *rings, size_t place)
{
        return place < rings->count ? &rings->rings[place] : NULL;
}

static bool is_there(const struct key_set *set)
{
        return set->state != KEY_SET_RETIRED || set->until_ms > 0;
}

const struct key_set *key_ring_set(const struct key_ring *ring, enum key_set_kind kind, int number)
{
        if (!ring)
                return NULL;
        size_t place = set_place(ring, kind, number);
        return set_is_at(ring, place, kind, number) && is_there(&ring->sets[place]) ? &ring->sets[place]
                                                                                    : NULL;
}

const struct key_set *key_ring_current(const struct key_ring *ring, enum key_set_kind kind)
{
        const struct key_set *first = NULL;
        for (size_t i = 0; ring && i < ring->count; i++) {
                if (ring->sets[i].kind != kind || ring->sets[i].state == KEY_SET_RETIRED)
                        continue;
                if (ring->sets[i].state == KEY_SET_CURRENT)
                        return &ring->sets[i];
                first = &ring->sets[i];
        }
        return first;
}

char key_set_index(const struct key_set *set)
{
        return (char)('0' + set->number % 10);
}

const struct key_set *key_ring_newest(const struct key_ring *ring, enum key_set_kind kind)
{
        for (size_t i = 0; ring && i < ring->count; i++)
                if (ring->sets[i].kind == kind && ring->sets[i].state != KEY_SET_RETIRED)
                        return &ring->sets[i];
        return NULL;
}

/* One that was used is newer, and is the one that is used now. */
static bool is_superseded(const struct key_ring *ring, const struct key_set *set)
{
        const struct key_set *current = key_ring_current(ring, set->kind);
        return current && current->state == KEY_SET_CURRENT && current->number > set->number;
}

void key_rings_settle(struct key_rings *rings, int64_t now_ms)
{
        for (size_t i = 0; i < rings->count; i++) {
                struct key_ring *ring = &rings->rings[i];
                for (size_t j = ring->count; j-- > 0;) {
                        struct key_set *set = &ring->sets[j];
                        if (set->state != KEY_SET_RETIRED)
                                continue;
                        if (set->until_ms == 0 && is_superseded(ring, set))
                                set->until_ms = now_ms + KEY_FORMER_MS;
                        if (set->until_ms <= now_ms)
                                set_drop(ring, set->kind, set->number);
                }
        }
}

static bool is_on_offer(const struct key_set *set)
{
        return set->kind == KEY_SET_WORKING && set->state != KEY_SET_RETIRED &&
               set->handover[KEY_PURPOSE_PIN] && set->handover[KEY_PURPOSE_MAC_UP] &&
               set->handover[KEY_PURPOSE_MAC_DOWN];
}

const struct key_set *key_ring_offer(const struct key_ring *ring, int number)
{
        for (size_t i = 0; ring && i < ring->count; i++)
                if (is_on_offer(&ring->sets[i]))
                        return ring->sets[i].number > number ? &ring->sets[i] : NULL;
        return NULL;
}

/* reading -------------------------------------------------------------------------------------------------- */

/* Where in the list a column's name stands; false: nowhere. */
static bool name_read(const PGresult *result, int at, int column, const char *const *names, int count,
                      int *ret_index)
{
        for (int i = 0; i < count; i++)
                if (strcmp(PQgetvalue(result, at, column), names[i]) == 0) {
                        *ret_index = i;
                        return true;
                }
        return false;
}

static bool row_read(const PGresult *result, int at, struct key_row *ret_row)
{
        int owner_kind, kind, state, purpose = 0;
        int64_t number;

        if (!name_read(result, at, OWNER_KIND, key_owner_name, KEY_OWNERS, &owner_kind) ||
            !name_read(result, at, KIND, key_set_kind_name, KEY_SET_KINDS, &kind) ||
            !name_read(result, at, STATE, key_set_state_name, KEY_SET_STATES, &state) ||
            !number_parse(PQgetvalue(result, at, NUMBER), 1, KEY_NUMBER_MAX, &number) ||
            (state != KEY_SET_RETIRED &&
             !name_read(result, at, PURPOSE, key_purpose_name, KEY_PURPOSES, &purpose)))
                return false;
        *ret_row = (struct key_row){.owner_kind = (enum key_owner)owner_kind,
                                    .owner = PQgetvalue(result, at, OWNER),
                                    .kind = (enum key_set_kind)kind,
                                    .number = (int)number,
                                    .state = (enum key_set_state)state,
                                    .purpose = (enum key_purpose)purpose,
                                    .block = PQgetvalue(result, at, BLOCK),
                                    .check_value = PQgetvalue(result, at, CHECK_VALUE),
                                    .handover = PQgetvalue(result, at, HANDOVER)};
        return true;
}

static bool row_load(struct key_rings *rings, const PGresult *result, int at, char error[KEY_RINGS_ERROR_MAX])
{
        struct key_row row;

        if (row_read(result, at, &row) && key_rings_put(rings, &row))
                return true;
        snprintf(error, KEY_RINGS_ERROR_MAX,
                 "keys: set %.11s (%.20s) of %.20s %.40s is not of the expected form",
                 PQgetvalue(result, at, NUMBER), PQgetvalue(result, at, KIND),
                 PQgetvalue(result, at, OWNER_KIND), PQgetvalue(result, at, OWNER));
        return false;
}

static bool rows_load(struct key_rings *rings, const PGresult *result, char error[KEY_RINGS_ERROR_MAX])
{
        for (int i = 1; i < PQntuples(result); i++) {
                if (!row_load(rings, result, i, error))
                        return false;
        }
        return true;
}

enum key_rings_load key_rings_load(struct key_rings *rings, const PGresult *result,
                                   char error[KEY_RINGS_ERROR_MAX])
{
        int64_t version;
        if (PQnfields(result) != COLUMNS || PQntuples(result) < 1 ||
            !number_parse(PQgetvalue(result, 0, VERSION), 1, INT64_MAX, &version)) {
                snprintf(error, KEY_RINGS_ERROR_MAX, "keys: the version is missing");
                return KEY_RINGS_REFUSED;
        }
        if (version == rings->version)
                return KEY_RINGS_UNCHANGED;
        /* of a database that was restored all of it comes: the former sets are good until it is there, since who has none needs no MAC */
        struct key_rings fresh = {0};
        struct key_rings *taken = version < rings->version ? &fresh : rings;
        if (!rows_load(taken, result, error)) {
                clear(&fresh);
                return KEY_RINGS_REFUSED;
        }
        if (taken == &fresh) {
                clear(rings);
                *rings = fresh;
        }
        rings->version = version;
        return KEY_RINGS_CHANGED;
}

/* asking --------------------------------------------------------------------------------------------------- */

int64_t key_rings_version(const struct key_rings *rings)
{
        return rings->version;
}

struct pg_parameter key_rings_known(int64_t version, char buffer[KEY_RINGS_KNOWN_MAX])
{
        int length = snprintf(buffer, KEY_RINGS_KNOWN_MAX, "%" PRId64, version);
        return (struct pg_parameter){buffer, length, 0};
}

bool key_rings_read(PGconn *connection, struct key_rings **ret_rings, char error[PG_ERROR_MAX])
{
        static const char *const nothing_known[] = {"0"};
        struct key_rings *rings = key_rings_new();
        PGresult *result = NULL;
        char why[KEY_RINGS_ERROR_MAX];
        bool good = false;

        if (!rings) {
                snprintf(error, PG_ERROR_MAX, "keys: out of memory");
        } else if ((result = pg_query(connection, key_rings_statement.sql, 1, nothing_known, error))) {
                good = key_rings_load(rings, result, why) == KEY_RINGS_CHANGED;
                if (!good)
                        snprintf(error, PG_ERROR_MAX, "database '%s': %s", PQdb(connection), why);
        }
        PQclear(result);
        if (good)
                *ret_rings = rings;
        else
                key_rings_free(rings);
        return good;
}
