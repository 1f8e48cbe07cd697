/*
 * A bank's DE 39: see bank_codes.h.
 *
 * Invariants: 00 is APPROVED and done, and no row can say otherwise; no other code is APPROVED.
 */
#include "config/bank_codes.h"

#include <stdio.h>
#include <string.h>

enum { APPROVAL = 0 /* the place of 00 */ };

static const char other[] = "other";

const char *const notice_verdict_name[NOTICE_VERDICT_COUNT] = {
    [NOTICE_DONE] = "done", [NOTICE_REPEATED] = "repeated", [NOTICE_MISSING] = "missing",
    [NOTICE_CASE] = "case", [NOTICE_AGAIN] = "again",
};

/* Each reason that a bank can give has a row here; all are durable before they leave, as an outcome is. */
static const struct {
        char code[3];
        enum reason reason;
} usual_reasons[] = {
    {"05", REASON_DECLINED},     {"12", REASON_INVALID_TRANSACTION}, {"13", REASON_INVALID_AMOUNT},
    {"14", REASON_INVALID_CARD}, {"41", REASON_CARD_LOST},           {"43", REASON_CARD_STOLEN},
    {"51", REASON_NOT_COVERED},  {"54", REASON_CARD_EXPIRED},        {"55", REASON_PIN_WRONG},
    {"57", REASON_CARD_KIND},    {"61", REASON_DAY_LIMIT},           {"62", REASON_CARD_EXCLUDED},
    {"65", REASON_COUNT_LIMIT},  {"75", REASON_PIN_TRIES},           {"91", REASON_ISSUER_UNAVAILABLE},
    {"92", REASON_NO_ROUTE},     {"96", REASON_ISSUER_UNAVAILABLE},
};

static const struct {
        char code[3];
        enum notice_verdict verdict;
} usual_verdicts[] = {
    {"21", NOTICE_REPEATED}, {"94", NOTICE_REPEATED}, {"25", NOTICE_MISSING},
    {"68", NOTICE_AGAIN},    {"91", NOTICE_AGAIN},    {"96", NOTICE_AGAIN},
};

static const char usual_wrong_mac[] = "98";

/* 0 to 35, or -1; whatever the locale. */
static int digit_of(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : -1;
}

int bank_code_place(const char *code)
{
        if (strcmp(code, other) == 0)
                return BANK_CODES;
        if (strlen(code) != BANK_CODE_LENGTH)
                return -1;
        int high = digit_of(code[0]), low = digit_of(code[1]);
        return high < 0 || low < 0 ? -1 : high * 36 + low;
}

void bank_codes_init(struct bank_codes *ret_codes)
{
        strcpy(ret_codes->wrong_mac, usual_wrong_mac);
        memset(ret_codes->reason, BANK_UNLISTED, sizeof(ret_codes->reason));
        memset(ret_codes->verdict, BANK_UNLISTED, sizeof(ret_codes->verdict));
        ret_codes->reason[BANK_CODES] = REASON_DECLINED;
        ret_codes->verdict[BANK_CODES] = NOTICE_CASE;
        ret_codes->reason[APPROVAL] = REASON_APPROVED;
        ret_codes->verdict[APPROVAL] = NOTICE_DONE;
        for (size_t i = 0; i < sizeof(usual_reasons) / sizeof(usual_reasons[0]); i++)
                ret_codes->reason[bank_code_place(usual_reasons[i].code)] = (uint8_t)usual_reasons[i].reason;
        for (size_t i = 0; i < sizeof(usual_verdicts) / sizeof(usual_verdicts[0]); i++)
                ret_codes->verdict[bank_code_place(usual_verdicts[i].code)] =
                    (uint8_t)usual_verdicts[i].verdict;
}

bool bank_codes_set_wrong_mac(struct bank_codes *codes, const char *code)
{
        int place = bank_code_place(code);
        if (place < 0 || place == APPROVAL || place == BANK_CODES)
                return false;
        memcpy(codes->wrong_mac, code, sizeof(codes->wrong_mac));
        return true;
}

/* No bank has looked at what was under a wrong MAC. */
void bank_codes_end(struct bank_codes *codes)
{
        int place = bank_code_place(codes->wrong_mac);
        if (codes->reason[place] == BANK_UNLISTED)
                codes->reason[place] = REASON_ISSUER_UNAVAILABLE;
        if (codes->verdict[place] == BANK_UNLISTED)
                codes->verdict[place] = NOTICE_AGAIN;
}

/* The other way round from bank_code_place, of a place that is not that of 'other'. */
static void code_of(int place, char ret_code[BANK_CODE_LENGTH + 1])
{
        static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        ret_code[0] = digits[place / 36];
        ret_code[1] = digits[place % 36];
        ret_code[2] = '\0';
}

/* Who plays a bank finds MACs wrong that are, and no others. */
static bool is_wrong_mac(const struct bank_codes *codes, int place)
{
        return place == bank_code_place(codes->wrong_mac);
}

static bool is_refusal(const struct bank_codes *codes, int place)
{
        return place != APPROVAL && codes->reason[place] != BANK_UNLISTED && !is_wrong_mac(codes, place);
}

size_t bank_codes_choose_refusal(const struct bank_codes *codes, uint64_t choice,
                                 char ret_code[BANK_CODE_LENGTH + 1])
{
        size_t count = 0, wanted;
        for (int place = 0; place < BANK_CODES; place++)
                count += is_refusal(codes, place);
        wanted = count > 0 ? choice % count : 0;
        for (int place = 0; place < BANK_CODES; place++)
                if (is_refusal(codes, place) && wanted-- == 0)
                        code_of(place, ret_code);
        return count;
}

bool bank_codes_code_of(const struct bank_codes *codes, enum reason reason,
                        char ret_code[BANK_CODE_LENGTH + 1])
{
        for (int place = 0; place < BANK_CODES; place++) {
                if (codes->reason[place] != (uint8_t)reason)
                        continue;
                code_of(place, ret_code);
                return true;
        }
        return false;
}

static bool is_answer(const struct bank_codes *codes, enum notice_verdict verdict, int place)
{
        if (codes->verdict[place] != BANK_UNLISTED)
                return codes->verdict[place] == verdict && !is_wrong_mac(codes, place);
        return codes->verdict[BANK_CODES] == verdict && is_refusal(codes, place);
}

size_t bank_codes_choose_answer(const struct bank_codes *codes, enum notice_verdict verdict, uint64_t choice,
                                char ret_code[BANK_CODE_LENGTH + 1])
{
        size_t count = 0, wanted;
        for (int place = 0; place < BANK_CODES; place++)
                count += is_answer(codes, verdict, place);
        wanted = count > 0 ? choice % count : 0;
        for (int place = 0; place < BANK_CODES; place++)
                if (is_answer(codes, verdict, place) && wanted-- == 0)
                        code_of(place, ret_code);
        return count;
}

bool bank_codes_allow(enum reason reason)
{
        for (size_t i = 0; i < sizeof(usual_reasons) / sizeof(usual_reasons[0]); i++)
                if (usual_reasons[i].reason == reason)
                        return true;
        return false;
}

/* The place of a code that a row may name; -1 with a text. */
static int code_check(const char *code, char error[BANK_CODES_ERROR_MAX])
{
        int place = bank_code_place(code);
        if (place == APPROVAL) {
                snprintf(error, BANK_CODES_ERROR_MAX, "00 is the approval everywhere; expected another code");
                return -1;
        }
        if (place < 0)
                snprintf(error, BANK_CODES_ERROR_MAX,
                         "expected a code of two digits or capital letters, or %s", other);
        return place;
}

/* "A, B or C" of the rows that names() gives a name. */
static void list_names(const char *(*names)(int row), int count, char *buffer, size_t size)
{
        size_t used = 0;
        int last = count - 1;
        while (last > 0 && !names(last))
                last--;
        for (int i = 0; i < count && used < size; i++)
                if (names(i))
                        used += (size_t)snprintf(buffer + used, size - used, "%s%s",
                                                 used == 0   ? ""
                                                 : i == last ? " or "
                                                             : ", ",
                                                 names(i));
}

static int name_find(const char *(*names)(int row), int count, const char *name,
                     char error[BANK_CODES_ERROR_MAX])
{
        char expected[BANK_CODES_ERROR_MAX - 16] = "";
        for (int i = 0; i < count; i++)
                if (names(i) && strcmp(names(i), name) == 0)
                        return i;
        list_names(names, count, expected, sizeof(expected));
        snprintf(error, BANK_CODES_ERROR_MAX, "expected %s", expected);
        return -1;
}

static const char *reason_name(int row)
{
        return bank_codes_allow((enum reason)row) ? reason_rows[row].name : NULL;
}

static const char *verdict_name(int row)
{
        return notice_verdict_name[row];
}

bool bank_codes_set_reason(struct bank_codes *codes, const char *code, const char *reason,
                           char error[BANK_CODES_ERROR_MAX])
{
        int place = code_check(code, error), row;
        if (place < 0 || (row = name_find(reason_name, REASON_COUNT, reason, error)) < 0)
                return false;
        codes->reason[place] = (uint8_t)row;
        return true;
}

bool bank_codes_set_verdict(struct bank_codes *codes, const char *code, const char *verdict,
                            char error[BANK_CODES_ERROR_MAX])
{
        int place = code_check(code, error), row;
        if (place < 0 || (row = name_find(verdict_name, NOTICE_VERDICT_COUNT, verdict, error)) < 0)
                return false;
        codes->verdict[place] = (uint8_t)row;
        return true;
}

/* What the table holds for a code that a bank sent. */
static uint8_t look_up(const uint8_t table[BANK_CODES + 1], const char *de39)
{
        int place = bank_code_place(de39);
        return place < 0 || table[place] == BANK_UNLISTED ? table[BANK_CODES] : table[place];
}

enum reason bank_codes_reason(const struct bank_codes *codes, const char *de39)
{
        return (enum reason)look_up(codes->reason, de39);
}

enum notice_verdict bank_codes_verdict(const struct bank_codes *codes, const char *de39)
{
        return (enum notice_verdict)look_up(codes->verdict, de39);
}
