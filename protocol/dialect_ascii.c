/*
 * The built-in dialect: ISO 8583:1987 with raw bitmaps and everything else in ASCII. One row a field; what a
 * row masks here is masked in every log and dump.
 *
 * Deliberate choices where the standard leaves room:
 * - 36 and 45 (tracks 3 and 1) and all that is private are taken with any printable character, since they are
 *   only accepted and passed over;
 * - 55 is taken as bytes, because other people's ATMs put raw EMV data there;
 * - private and reserved fields (46, 47, 53, 55-63, 105-127) are shown by length only: nobody can say what a
 *   foreign sender keeps in them; 54 as well, since a balance is the card-holder's business. 48 is shown,
 *   since our administrative advices use it; iso_dump hides anything in it that may be a card number;
 * - 65 has no row: a third bitmap is a format error.
 */
#include "protocol/iso8583.h"

#define FIXED(label, form, size, show)                                                                       \
        {                                                                                                    \
                label, form, ISO_FIXED, size, show                                                           \
        }
#define LL(label, form, size, show)                                                                          \
        {                                                                                                    \
                label, form, ISO_LLVAR, size, show                                                           \
        }
#define LLL(label, form, size, show)                                                                         \
        {                                                                                                    \
                label, form, ISO_LLLVAR, size, show                                                          \
        }

const struct iso_dialect iso_dialect_ascii =
    {
        .name = "ascii",
        .bitmap = ISO_BITMAP_RAW,
        .digits = ISO_DIGITS_ASCII,
        .length_digits = ISO_DIGITS_ASCII,
        .field =
            {
                [2] = LL("PAN", ISO_N, 19, ISO_MASK_PAN),
                [3] = FIXED("processing code", ISO_N, 6, ISO_SHOW),
                [4] = FIXED("amount", ISO_N, 12, ISO_SHOW),
                [5] = FIXED("settlement amount", ISO_N, 12, ISO_SHOW),
                [6] = FIXED("billing amount", ISO_N, 12, ISO_SHOW),
                [7] = FIXED("transmission date and time", ISO_N, 10, ISO_SHOW),
                [8] = FIXED("billing fee", ISO_N, 8, ISO_SHOW),
                [9] = FIXED("settlement conversion rate", ISO_N, 8, ISO_SHOW),
                [10] = FIXED("billing conversion rate", ISO_N, 8, ISO_SHOW),
                [11] = FIXED("STAN", ISO_N, 6, ISO_SHOW),
                [12] = FIXED("local time", ISO_N, 6, ISO_SHOW),
                [13] = FIXED("local date", ISO_N, 4, ISO_SHOW),
                [14] = FIXED("expiry", ISO_N, 4, ISO_MASK_ALL),
                [15] = FIXED("settlement date", ISO_N, 4, ISO_SHOW),
                [16] = FIXED("conversion date", ISO_N, 4, ISO_SHOW),
                [17] = FIXED("capture date", ISO_N, 4, ISO_SHOW),
                [18] = FIXED("merchant type", ISO_N, 4, ISO_SHOW),
                [19] = FIXED("acquirer country", ISO_N, 3, ISO_SHOW),
                [20] = FIXED("PAN country", ISO_N, 3, ISO_SHOW),
                [21] = FIXED("forwarder country", ISO_N, 3, ISO_SHOW),
                [22] = FIXED("entry mode", ISO_N, 3, ISO_SHOW),
                [23] = FIXED("card sequence number", ISO_N, 3, ISO_SHOW),
                [24] = FIXED("network id", ISO_N, 3, ISO_SHOW),
                [25] = FIXED("condition code", ISO_N, 2, ISO_SHOW),
                [26] = FIXED("PIN capture code", ISO_N, 2, ISO_SHOW),
                [27] = FIXED("approval code length", ISO_N, 1, ISO_SHOW),
                [28] = FIXED("transaction fee", ISO_XN, 9, ISO_SHOW),
                [29] = FIXED("settlement fee", ISO_XN, 9, ISO_SHOW),
                [30] = FIXED("processing fee", ISO_XN, 9, ISO_SHOW),
                [31] = FIXED("settlement processing fee", ISO_XN, 9, ISO_SHOW),
                [32] = LL("acquirer", ISO_N, 11, ISO_SHOW),
                [33] = LL("forwarder", ISO_N, 11, ISO_SHOW),
                [34] = LL("extended PAN", ISO_ANS, 28, ISO_MASK_ALL),
                [35] = LL("track 2", ISO_Z, 37, ISO_MASK_ALL),
                [36] = LLL("track 3", ISO_ANS, 104, ISO_MASK_ALL),
                [37] = FIXED("RRN", ISO_AN, 12, ISO_SHOW),
                [38] = FIXED("approval code", ISO_AN, 6, ISO_SHOW),
                [39] = FIXED("response code", ISO_AN, 2, ISO_SHOW),
                [40] = FIXED("service restriction", ISO_AN, 3, ISO_SHOW),
                [41] = FIXED("terminal", ISO_ANS, 8, ISO_SHOW),
                [42] = FIXED("hall", ISO_ANS, 15, ISO_SHOW),
                [43] = FIXED("name and location", ISO_ANS, 40, ISO_SHOW),
                [44] = LL("additional response", ISO_ANS, 25, ISO_SHOW),
                [45] = LL("track 1", ISO_ANS, 76, ISO_MASK_ALL),
                [46] = LLL("additional data, ISO", ISO_ANS, 999, ISO_MASK_ALL),
                [47] = LLL("additional data, national", ISO_ANS, 999, ISO_MASK_ALL),
                [48] = LLL("additional data", ISO_ANS, 999, ISO_SHOW),
                [49] = FIXED("currency", ISO_N, 3, ISO_SHOW),
                [50] = FIXED("settlement currency", ISO_AN, 3, ISO_SHOW),
                [51] = FIXED("billing currency", ISO_AN, 3, ISO_SHOW),
                [52] = FIXED("PIN block", ISO_B, 8, ISO_MASK_ALL),
                [53] = FIXED("security control", ISO_N, 16, ISO_MASK_ALL),
                [54] = LLL("additional amounts", ISO_AN, 120, ISO_MASK_ALL),
                [55] = LLL("ICC data", ISO_B, 999, ISO_MASK_ALL),
                [56] = LLL("reserved 56", ISO_ANS, 999, ISO_MASK_ALL),
                [57] = LLL("reserved 57", ISO_ANS, 999, ISO_MASK_ALL),
                [58] = LLL("reserved 58", ISO_ANS, 999, ISO_MASK_ALL),
                [59] = LLL("reserved 59", ISO_ANS, 999, ISO_MASK_ALL),
                [60] = LLL("private 60", ISO_ANS, 999, ISO_MASK_ALL),
                [61] = LLL("private 61", ISO_ANS, 999, ISO_MASK_ALL),
                [62] = LLL("private 62", ISO_ANS, 999, ISO_MASK_ALL),
                [63] = LLL("private 63", ISO_ANS, 999, ISO_MASK_ALL),
                [64] = FIXED("MAC", ISO_B, 8, ISO_SHOW),
                [66] = FIXED("settlement code", ISO_N, 1, ISO_SHOW),
                [67] = FIXED("extended payment code", ISO_N, 2, ISO_SHOW),
                [68] = FIXED("receiver country", ISO_N, 3, ISO_SHOW),
                [69] = FIXED("settlement country", ISO_N, 3, ISO_SHOW),
                [70] = FIXED("network code", ISO_N, 3, ISO_SHOW),
                [71] = FIXED("message number", ISO_N, 4, ISO_SHOW),
                [72] = FIXED("last message number", ISO_N, 4, ISO_SHOW),
                [73] = FIXED("action date", ISO_N, 6, ISO_SHOW),
                [74] = FIXED("credits, number", ISO_N, 10, ISO_SHOW),
                [75] = FIXED("credits, reversals", ISO_N, 10, ISO_SHOW),
                [76] = FIXED("debits, number", ISO_N, 10, ISO_SHOW),
                [77] = FIXED("debits, reversals", ISO_N, 10, ISO_SHOW),
                [78] = FIXED("transfers, number", ISO_N, 10, ISO_SHOW),
                [79] = FIXED("transfers, reversals", ISO_N, 10, ISO_SHOW),
                [80] = FIXED("inquiries, number", ISO_N, 10, ISO_SHOW),
                [81] = FIXED("authorizations, number", ISO_N, 10, ISO_SHOW),
                [82] = FIXED("credits, processing fees", ISO_N, 12, ISO_SHOW),
                [83] = FIXED("credits, transaction fees", ISO_N, 12, ISO_SHOW),
                [84] = FIXED("debits, processing fees", ISO_N, 12, ISO_SHOW),
                [85] = FIXED("debits, transaction fees", ISO_N, 12, ISO_SHOW),
                [86] = FIXED("credits, amount", ISO_N, 16, ISO_SHOW),
                [87] = FIXED("credits, reversal amount", ISO_N, 16, ISO_SHOW),
                [88] = FIXED("debits, amount", ISO_N, 16, ISO_SHOW),
                [89] = FIXED("debits, reversal amount", ISO_N, 16, ISO_SHOW),
                [90] = FIXED("original data", ISO_N, 42, ISO_SHOW),
                [91] = FIXED("file update code", ISO_AN, 1, ISO_SHOW),
                [92] = FIXED("file security code", ISO_AN, 2, ISO_MASK_ALL),
                [93] = FIXED("response indicator", ISO_AN, 5, ISO_SHOW),
                [94] = FIXED("service indicator", ISO_AN, 7, ISO_SHOW),
                [95] = FIXED("replacement amounts", ISO_AN, 42, ISO_SHOW),
                [96] = FIXED("message security code", ISO_B, 8, ISO_MASK_ALL),
                [97] = FIXED("net settlement", ISO_XN, 17, ISO_SHOW),
                [98] = FIXED("payee", ISO_ANS, 25, ISO_MASK_ALL),
                [99] = LL("settlement institution", ISO_N, 11, ISO_SHOW),
                [100] = LL("receiver", ISO_N, 11, ISO_SHOW),
                [101] = LL("file name", ISO_ANS, 17, ISO_SHOW),
                [102] = LL("account 1", ISO_ANS, 28, ISO_MASK_ALL),
                [103] = LL("account 2", ISO_ANS, 28, ISO_MASK_ALL),
                [104] = LLL("description", ISO_ANS, 100, ISO_SHOW),
                [105] = LLL("reserved 105", ISO_ANS, 999, ISO_MASK_ALL),
                [106] = LLL("reserved 106", ISO_ANS, 999, ISO_MASK_ALL),
                [107] = LLL("reserved 107", ISO_ANS, 999, ISO_MASK_ALL),
                [108] = LLL("reserved 108", ISO_ANS, 999, ISO_MASK_ALL),
                [109] = LLL("reserved 109", ISO_ANS, 999, ISO_MASK_ALL),
                [110] = LLL("reserved 110", ISO_ANS, 999, ISO_MASK_ALL),
                [111] = LLL("reserved 111", ISO_ANS, 999, ISO_MASK_ALL),
                [112] = LLL("reserved 112", ISO_ANS, 999, ISO_MASK_ALL),
                [113] = LLL("reserved 113", ISO_ANS, 999, ISO_MASK_ALL),
                [114] = LLL("reserved 114", ISO_ANS, 999, ISO_MASK_ALL),
                [115] = LLL("reserved 115", ISO_ANS, 999, ISO_MASK_ALL),
                [116] = LLL("reserved 116", ISO_ANS, 999, ISO_MASK_ALL),
                [117] = LLL("reserved 117", ISO_ANS, 999, ISO_MASK_ALL),
                [118] = LLL("reserved 118", ISO_ANS, 999, ISO_MASK_ALL),
                [119] = LLL("reserved 119", ISO_ANS, 999, ISO_MASK_ALL),
                [120] = LLL("private 120", ISO_ANS, 999, ISO_MASK_ALL),
                [121] = LLL("private 121", ISO_ANS, 999, ISO_MASK_ALL),
                [122] = LLL("private 122", ISO_ANS, 999, ISO_MASK_ALL),
                [123] = LLL("private 123", ISO_ANS, 999, ISO_MASK_ALL),
                [124] = LLL("private 124", ISO_ANS, 999, ISO_MASK_ALL),
                [125] = LLL("private 125", ISO_ANS, 999, ISO_MASK_ALL),
                [126] = LLL("private 126", ISO_ANS, 999, ISO_MASK_ALL),
                [127] = LLL("private 127", ISO_ANS, 999, ISO_MASK_ALL),
                [128] = FIXED("MAC 2", ISO_B, 8, ISO_SHOW),
            },
};
