/*
 * The dispensers: how much cash left each ATM. Counters of hardware that keep their value when the power
 * fails, so here is the truth about cash: what the journal doesn't know yet, the dispenser does.
 *
 * One file of slots (DIR/dispensers), mapped into memory. A slot holds two copies of its counters; the one
 * that is not current is rewritten, so that a kill or a power cut in the middle leaves the other.
 *
 * Invariant: dispensers_sync comes before the journal's flush and before any message that tells of the cash.
 */
#ifndef BACKOFFICE_JOURNALS_DISPENSER_H
#define BACKOFFICE_JOURNALS_DISPENSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum { DISPENSER_ERROR_MAX = 512, DISPENSER_CASSETTE_NOTES = 2000 };

enum note { NOTE_10000, NOTE_1000, NOTE_COUNT };
extern const int64_t note_yen[NOTE_COUNT];

struct dispenser_counters {
        char terminal[8];
        int64_t total_yen;
        int64_t withdrawals;
        int64_t dispensed[NOTE_COUNT]; /* notes since the ATM was placed */
        int64_t loaded[NOTE_COUNT];    /* notes in the cassettes now */
        int64_t replenished;           /* visits */
        /* the last time that notes left: which withdrawal, how much */
        int64_t last_ms, last_yen;
        int32_t last_stan;
        uint32_t sequence; /* of the copies the higher one is current */
        uint32_t checksum;
};

struct dispensers; /* an open file */

/* For writing the file is made where it isn't there; for reading a missing one has no slots. */
ATM_MUST_USE struct dispensers *dispensers_open(const char *dir, bool write, char error[DISPENSER_ERROR_MAX]);
void dispensers_close(struct dispensers *dispensers);
size_t dispensers_count(const struct dispensers *dispensers);
/* The slot of a terminal, a new one with full cassettes if it has none. -1 with errno: no room on the disk.
 */
int dispensers_find_or_add(struct dispensers *dispensers, const char terminal[8]);
/* NULL: neither copy is whole, so the counters are lost. */
const struct dispenser_counters *dispensers_counters(const struct dispensers *dispensers, int slot);

/* Notes that make up an amount, the largest first. */
int dispenser_notes(int64_t amount_yen);
/* The worth of the first `notes` notes of an amount. */
int64_t dispenser_first_notes_yen(int64_t amount_yen, int notes);

/* Cash leaves. A cassette that is too empty is replenished first. */
void dispensers_pay(struct dispensers *dispensers, int slot, int32_t stan, int64_t transmitted_ms,
                    int64_t yen);
/* Notes that nobody took come back out of the slot, into a bin that is not dispensed from: cash that has not
 * left. Of the last withdrawal alone. */
void dispensers_take_back(struct dispensers *dispensers, int slot, int64_t yen);
/* Yen that left for a withdrawal; -1: it is not the dispenser's last, which is the one that it knows. */
int64_t dispensers_paid_yen(const struct dispensers *dispensers, int slot, int32_t stan,
                            int64_t transmitted_ms);
/* Wait until the counters are on disk. False: errno says why. */
ATM_MUST_USE bool dispensers_sync(struct dispensers *dispensers);

#endif
