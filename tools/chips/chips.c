/* A laboratory's chips: see chips.h. Tags and their contents are those of EMV Book 3, Annex A; BER-TLV. */
#include "tools/chips/chips.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/hash.h"
#include "rules/calendar.h"

enum { CRYPTOGRAM = 8, SCRIPT_OF = 8 }; /* one approval of so many has a script */

/* Issuer application data: what ours begin with. */
static const uint8_t mark[] = {0x9f, 0x10, 7, 'A', 'T', 'M', 'L', 'A', 'B', '1'};

/* ---- writing ------------------------------------------------------------------------------------------- */

static void put_bytes(struct chip_data *data, const void *bytes, size_t length)
{
        assert(data->length + length <= CHIP_DATA_MAX);
        memcpy(data->bytes + data->length, bytes, length);
        data->length = (uint8_t)(data->length + length);
}

/* A tag of one byte or two. */
static void put(struct chip_data *data, unsigned tag, const void *value, size_t length)
{
        uint8_t head[] = {(uint8_t)(tag >> 8), (uint8_t)tag, (uint8_t)length};
        size_t skipped = tag < 0x100;
        put_bytes(data, head + skipped, sizeof(head) - skipped);
        put_bytes(data, value, length);
}

static void put_number(struct chip_data *data, unsigned tag, uint64_t number, size_t length)
{
        uint8_t value[8];
        for (size_t i = 0; i < length; i++)
                value[i] = (uint8_t)(number >> 8 * (length - 1 - i));
        put(data, tag, value, length);
}

/* n in BCD, the zeros in front too. */
static void put_digits(struct chip_data *data, unsigned tag, uint64_t number, size_t length)
{
        uint8_t value[8];
        for (size_t i = length; i-- > 0; number /= 100)
                value[i] = (uint8_t)(number / 10 % 10 << 4 | number % 10);
        put(data, tag, value, length);
}

static uint64_t hash_of(const struct chips_identity *identity, const char *what)
{
        uint64_t h = hash_text(hash_text(HASH_FIRST, what), identity->terminal);
        h = hash_number(h, (uint64_t)identity->transmitted_ms, sizeof(uint64_t));
        h = hash_number(h, (uint64_t)identity->stan, sizeof(uint64_t));
        return hash_number(h, (uint64_t)identity->amount_yen, sizeof(uint64_t));
}

/* ---- the ATM's ------------------------------------------------------------------------------------------ */

bool chips_has_card(const char *pan, double rate)
{
        return (double)(hash_text(hash_text(HASH_FIRST, "chip"), pan) >> 32 & 0xffff) < rate * 0x10000;
}

static void make_request(const struct chips_identity *identity, struct chip_data *ret_data)
{
        struct civil japan;
        calendar_jst(identity->transmitted_ms, &japan);
        ret_data->length = 0;
        put_bytes(ret_data, mark, sizeof(mark));
        put_number(ret_data, 0x9f26, hash_of(identity, "ARQC"), CRYPTOGRAM);
        put_number(ret_data, 0x9f27, 0x80, 1);
        put_number(ret_data, 0x9f37, hash_of(identity, "number") & 0xffffffff, 4);
        put_number(ret_data, 0x9f36, hash_of(identity, "counter") & 0x7fff, 2);
        put_number(ret_data, 0x95, UINT64_C(0x0000048000), 5);
        put_digits(ret_data, 0x9a,
                   (uint64_t)(japan.year % 100) * 10000 + (uint64_t)japan.month * 100 + (uint64_t)japan.day,
                   3);
        put_number(ret_data, 0x9c, identity->amount_yen ? 0x01 : 0x31, 1);
        put_digits(ret_data, 0x9f02, (uint64_t)identity->amount_yen, 6);
        put_digits(ret_data, 0x5f2a, 392, 2);
        put_number(ret_data, 0x82, 0x3900, 2);
        put_digits(ret_data, 0x9f1a, 392, 2);
        put_digits(ret_data, 0x9f03, 0, 6);
}

void chips_read_card(const struct chips_identity *identity, const char *pan, bool has_chip,
                     struct chip *ret_chip)
{
        *ret_chip = (struct chip){.entry_mode = "021"};
        if (!has_chip)
                return;
        strcpy(ret_chip->entry_mode, "051");
        snprintf(ret_chip->sequence, sizeof(ret_chip->sequence), "%03d",
                 (int)(hash_text(HASH_FIRST, pan) >> 40 & 3));
        make_request(identity, &ret_chip->data);
}

void chips_report(const struct chips_identity *identity, struct chip_data *ret_report)
{
        uint8_t result[5] = {0x20}; /* processed, and then the script's number */
        uint64_t number = hash_of(identity, "script");
        ret_report->length = 0;
        memcpy(result + 1, &number, sizeof(result) - 1);
        put_bytes(ret_report, mark, sizeof(mark));
        put(ret_report, 0x9f5b, result, sizeof(result));
        put_number(ret_report, 0x9f26, hash_of(identity, "TC"), CRYPTOGRAM);
        put_number(ret_report, 0x9f27, 0x40, 1);
}

/* ---- the bank's ----------------------------------------------------------------------------------------- */

static bool has_script(const struct chip_data *request, const char de39[3], bool is_withdrawal)
{
        return is_withdrawal && strcmp(de39, "00") == 0 &&
               (hash_bytes(HASH_FIRST, request->bytes, request->length) >> 24) % SCRIPT_OF == 0;
}

void chips_answer(const struct chip_data *request, const char de39[3], bool is_withdrawal,
                  struct chip_data *ret_answer)
{
        uint64_t hash = hash_text(hash_bytes(HASH_FIRST, request->bytes, request->length), de39);
        uint8_t authentication[CRYPTOGRAM + 2];
        static const uint8_t command[] = {0x9f, 0x18, 4, 0, 0, 0, 1, 0x86, 5, 0x84, 0x24, 0, 0, 0};
        ret_answer->length = 0;
        if (request->length == 0)
                return;
        memcpy(authentication, &hash, CRYPTOGRAM);
        memcpy(authentication + CRYPTOGRAM, de39, 2);
        put(ret_answer, 0x91, authentication, sizeof(authentication));
        if (has_script(request, de39, is_withdrawal))
                put(ret_answer, 0x71, command, sizeof(command));
}

static bool is_same(const struct chip_data *a, const struct chip_data *b)
{
        return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* The bank's own DE 39 is in its answer; of a refusal the ATM may hear another. */
bool chips_is_answer(const struct chips_identity *identity, const struct chip_data *answer, const char *de39,
                     bool *ret_has_script)
{
        struct chip_data request, wanted;
        char said[3] = "";
        if (answer->length < 2 + CRYPTOGRAM + 2)
                return false;
        memcpy(said, answer->bytes + 2 + CRYPTOGRAM, 2);
        make_request(identity, &request);
        chips_answer(&request, said, identity->amount_yen > 0, &wanted);
        *ret_has_script = has_script(&request, said, identity->amount_yen > 0);
        return (strcmp(said, "00") == 0) == (strcmp(de39, "00") == 0) && is_same(answer, &wanted);
}

static enum chips_finding judge(const struct chip_data *data, const struct chip_data *wanted)
{
        if (data->length == 0)
                return CHIPS_NONE;
        if (data->length < sizeof(mark) || memcmp(data->bytes, mark, sizeof(mark)) != 0)
                return CHIPS_FOREIGN;
        return is_same(data, wanted) ? CHIPS_RIGHT : CHIPS_WRONG;
}

enum chips_finding chips_judge_request(const struct chips_identity *identity, const struct chip_data *data)
{
        struct chip_data wanted;
        make_request(identity, &wanted);
        return judge(data, &wanted);
}

enum chips_finding chips_judge_report(const struct chips_identity *identity, const struct chip_data *data)
{
        struct chip_data wanted, request;
        chips_report(identity, &wanted);
        make_request(identity, &request);
        enum chips_finding found = judge(data, &wanted);
        return found == CHIPS_RIGHT && !has_script(&request, "00", identity->amount_yen > 0) ? CHIPS_WRONG
                                                                                             : found;
}
