/*
 * Dialects for tests: the built-in field table under each of the eight combinations of bitmap form, digits
 * form and length form that the codec knows, and in the first six of them each form of framing. Variant 0 is
 * the built-in dialect itself; variant 7 is the farthest from it (hex bitmap, BCD digits, BCD lengths).
 */
#ifndef TESTS_FUZZ_VARIANTS_H
#define TESTS_FUZZ_VARIANTS_H

#include <stdio.h>

#include "protocol/iso8583.h"

enum { DIALECT_VARIANTS = 8, VARIANT_ASCII = 0, VARIANT_HEX_BCD = 7 };

static inline const struct iso_dialect *dialect_variant(unsigned variant)
{
        static struct iso_dialect table[DIALECT_VARIANTS];
        static const char *const names[DIALECT_VARIANTS] = {"ascii",
                                                            "hex",
                                                            "bcd",
                                                            "hex+bcd",
                                                            "bcd-lengths",
                                                            "hex+bcd-lengths",
                                                            "bcd+bcd-lengths",
                                                            "hex+bcd+bcd-lengths"};
        struct iso_dialect *dialect = &table[variant % DIALECT_VARIANTS];
        if (!dialect->name[0]) {
                *dialect = iso_dialect_ascii;
                snprintf(dialect->name, sizeof(dialect->name), "%s", names[variant % DIALECT_VARIANTS]);
                dialect->frame = (enum frame_form)(variant % 3);
                dialect->frame_counts_itself = variant / 3 % 2;
                dialect->bitmap = variant & 1 ? ISO_BITMAP_HEX : ISO_BITMAP_RAW;
                dialect->digits = variant & 2 ? ISO_DIGITS_BCD : ISO_DIGITS_ASCII;
                dialect->length_digits = variant & 4 ? ISO_DIGITS_BCD : ISO_DIGITS_ASCII;
        }
        return dialect;
}

#endif
