/*
 * What is tried with bytes that nobody has checked. Each function takes any bytes and aborts where a promise
 * of protocol/, of config/dialect.c or of lib/base/csv.c is broken; the libFuzzer programs and the replay in ctest
 * call the same.
 */
#ifndef TESTS_FUZZ_TARGETS_H
#define TESTS_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/iso8583.h"

/* Decode as a message of one dialect, encode what was read, decode that again. */
void target_decode(const struct iso_dialect *dialect, const uint8_t *bytes, size_t size);

/* Load as the file of a dialect; one that loads says what goes towards a bank, and decodes the file itself.
 */
void target_dialect(const uint8_t *bytes, size_t size);

/* Read as a CSV file; what was read is written with every field quoted, and reads the same. */
void target_csv(const uint8_t *bytes, size_t size);

/* Decode as a request of the built-in dialect, check it against its row, answer it, dump both. */
void target_profile(const uint8_t *bytes, size_t size);

/* Cut a stream into frames in a dialect's form, whole and in pieces; the sizes of the pieces come from the
 * bytes. */
void target_frame(unsigned variant, const uint8_t *bytes, size_t size);

#endif
