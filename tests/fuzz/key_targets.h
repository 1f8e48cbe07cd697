/* The same as targets.h, of what the key module reads. */
#ifndef TESTS_FUZZ_KEY_TARGETS_H
#define TESTS_FUZZ_KEY_TARGETS_H

#include <stddef.h>
#include <stdint.h>

/* Unwrap as a key block under the protection keys of the corpus; what unwraps is wrapped anew, and unwraps to the same. */
void target_key_block(const uint8_t *bytes, size_t size);
/* The format's digit, 16 bytes of a field, a PAN: what can be read is written again, and is the same PIN. */
void target_pin_block(const uint8_t *bytes, size_t size);
/* Read as a request of the protocol; what can be read is written again, and is the same. */
void target_key_frame(const uint8_t *bytes, size_t size);
/* Each of them. */
void target_keys(const uint8_t *bytes, size_t size);

#endif
