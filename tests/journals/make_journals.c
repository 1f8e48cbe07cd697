/*
 * Writes the journals of a few hand-made withdrawals, for tests that reconcile them: the ATMs' in FOLDER/atm
 * (with their dispensers), each bank's in FOLDER/banks/NAME.journal. Standard input has a row a withdrawal,
 * in the order in which the ATMs made them:
 *
 *      TERMINAL STAN MOMENT AMOUNT CHARGE TOKEN MASK ANSWER PAID ADVICE BANK STORY
 *
 * MOMENT     2017-02-01T10:01:00+09:00
 * TOKEN      32 hexadecimal digits
 * MASK       the card's first 6 and last 4 digits
 * ANSWER     the DE 39 that the ATM heard; - none. With 00 of a card that no bank was asked about, the approval code 123456
 * ADVICE     0220 or 0420, acknowledged; a trailing ! : not acknowledged; - none. Several are separated by commas; =YEN behind one:
 * it spoke of so much cash, and not of PAID
 * BANK       whom the host asked; - nobody
 * STORY      what the bank saw, in this order, separated by commas: ask (its card has 1,000,000 yen), poor
 * (its card has nothing), a number (0220 with so much cash), -number (0420 with so much); - nothing
 *
 * It prints a row for each request that a bank decided: TERMINAL STAN DE39 APPROVAL ('-': none).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backoffice/journals/dispenser.h"
#include "backoffice/journals/journal.h"
#include "lib/base/hex.h"
#include "lib/base/number.h"
#include "rules/calendar.h"
#include "tools/banksim/bank.h"
#include "tools/banksim/journal_writer.h"

enum { BANKS_MAX = 4, TEXT = 64, ADVICE_PAUSE_MS = 40000, BALANCE_YEN = 1000000 };

struct row {
        char terminal[9], moment[TEXT], token_text[TEXT], mask[20], answer[TEXT], advice[TEXT], bank[TEXT],
            story[TEXT];
        int32_t stan;
        int64_t amount_yen, charge_yen, paid_yen, transmitted_ms;
        uint8_t token[TOKEN_LENGTH];
        char rrn[13];
};

struct made_bank {
        char name[BANK_NAME_MAX + 1], path[512];
        struct bank *bank;
        struct bank_journal journal;
};

static struct made_bank banks[BANKS_MAX];
static size_t bank_count;

_Noreturn static void fail(const char *what, const char *why)
{
        fprintf(stderr, "make_journals: %s: %s\n", what, why);
        exit(1);
}

/* banks -------------------------------------------------------------------------------------------- */

static struct made_bank *bank_of(const char *folder, const char *name)
{
        char error[BANK_JOURNAL_ERROR_MAX];
        struct made_bank *made;

        for (size_t i = 0; i < bank_count; i++)
                if (!strcmp(banks[i].name, name))
                        return &banks[i];
        if (bank_count == BANKS_MAX || strlen(name) > BANK_NAME_MAX)
                fail(name, "too many banks, or too long a name");
        made = &banks[bank_count++];
        strcpy(made->name, name);
        snprintf(made->path, sizeof(made->path), "%s/banks/%s.journal", folder, name);
        made->bank = bank_new(name);
        if (!made->bank || !bank_journal_open(&made->journal, made->path, made->bank, "00000000", error))
                fail(made->path, made->bank ? error : "out of memory");
        return made;
}

static void ask(struct made_bank *made, const struct row *row, int64_t balance_yen)
{
        struct bank_request request = {.identity = {.stan = row->stan, .transmitted_ms = row->transmitted_ms},
                                       .processing = PROCESSING_WITHDRAWAL,
                                       .processing_code = 10000,
                                       .amount_yen = row->amount_yen,
                                       .charge_yen = row->charge_yen,
                                       .expiry_yymm = "3012"};
        struct bank_record record;

        strcpy(request.identity.terminal, row->terminal);
        strcpy(request.rrn, row->rrn);
        strcpy(request.mask, row->mask);
        memcpy(request.token, row->token, sizeof(request.token));
        if (!bank_add_account(made->bank, row->token, "3012", balance_yen))
                fail(row->token_text, "expected a card of its own for each withdrawal");
        if (bank_request(made->bank, &request, &record) != BANK_NEW)
                fail(row->moment, "the bank decides it a second time");
        bank_journal_append(&made->journal, &record);
        printf("%s %" PRId32 " %s %s\n", row->terminal, row->stan, record.de39,
               *record.approval ? record.approval : "-");
}

static void advise(struct made_bank *made, const struct row *row, bool reversal, int64_t dispensed_yen)
{
        struct bank_advice advice = {.original = {.stan = row->stan, .transmitted_ms = row->transmitted_ms},
                                     .reversal = reversal,
                                     .processing_code = 10000,
                                     .amount_yen = row->amount_yen,
                                     .dispensed_yen = dispensed_yen};
        struct bank_record record;

        strcpy(advice.original.terminal, row->terminal);
        strcpy(advice.rrn, row->rrn);
        if (bank_advise(made->bank, &advice, &record) == BANK_NEW)
                bank_journal_append(&made->journal, &record);
}

static void tell_bank(const char *folder, const struct row *row)
{
        char story[TEXT], *save = NULL;
        struct made_bank *made;

        if (!strcmp(row->bank, "-"))
                return;
        made = bank_of(folder, row->bank);
        strcpy(story, row->story);
        for (char *word = strtok_r(story, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
                if (!strcmp(word, "ask"))
                        ask(made, row, BALANCE_YEN);
                else if (!strcmp(word, "poor"))
                        ask(made, row, 0);
                else if (strcmp(word, "-"))
                        advise(made, row, *word == '-', number_known(word + (*word == '-')));
        }
}

/* ATMs --------------------------------------------------------------------------------------------- */

static void write_answer(struct journal *journal, const struct row *row)
{
        struct journal_record record = {.kind = JOURNAL_ANSWER,
                                        .stan = row->stan,
                                        .transmitted_ms = row->transmitted_ms,
                                        .charge_yen = -1};

        if (!strcmp(row->answer, "-"))
                return;
        strcpy(record.terminal, row->terminal);
        strcpy(record.de39, row->answer);
        if (!strcmp(row->answer, "00")) {
                record.charge_yen = row->charge_yen;
                strcpy(record.rrn, row->rrn);
                strcpy(record.approval, strcmp(row->bank, "-") ? "" : "123456");
        }
        (void)journal_append(journal, &record);
}

/* The n-th of its advices, from 1. */
static void write_advice(struct journal *journal, const struct row *row, const char *advice, int n)
{
        const char *yen = strchr(advice, '=');
        struct journal_record record = {.kind = JOURNAL_ADVICE,
                                        .stan = row->stan + 1000 * n,
                                        .transmitted_ms = row->transmitted_ms + (int64_t)ADVICE_PAUSE_MS * n,
                                        .reversal = advice[1] == '4',
                                        .dispensed_yen = yen ? number_known(yen + 1) : row->paid_yen,
                                        .original_stan = row->stan,
                                        .original_ms = row->transmitted_ms};

        strcpy(record.terminal, row->terminal);
        if (record.reversal)
                strcpy(record.why, "22");
        (void)journal_append(journal, &record);
        if (strchr(advice, '!'))
                return;
        record.kind = JOURNAL_ACKNOWLEDGED;
        (void)journal_append(journal, &record);
}

static void write_advices(struct journal *journal, const struct row *row)
{
        char advices[TEXT], *save = NULL;
        int n = 0;

        strcpy(advices, row->advice);
        for (char *advice = strtok_r(advices, ",", &save); advice; advice = strtok_r(NULL, ",", &save))
                if (strcmp(advice, "-"))
                        write_advice(journal, row, advice, ++n);
}

static void write_atm(struct journal *journal, struct dispensers *dispensers, const struct row *row)
{
        struct journal_record request = {.kind = JOURNAL_REQUEST,
                                         .stan = row->stan,
                                         .transmitted_ms = row->transmitted_ms,
                                         .amount_yen = row->amount_yen};
        int slot = dispensers_find_or_add(dispensers, row->terminal);

        if (slot < 0)
                fail(row->terminal, "no room for its dispenser");
        strcpy(request.terminal, row->terminal);
        strcpy(request.mask, row->mask);
        memcpy(request.token, row->token, sizeof(request.token));
        (void)journal_append(journal, &request);
        write_answer(journal, row);
        if (row->paid_yen)
                dispensers_pay(dispensers, slot, row->stan, row->transmitted_ms, row->paid_yen);
        write_advices(journal, row);
}

/* rows --------------------------------------------------------------------------------------------- */

static bool take_row(struct row *row)
{
        int fields =
            scanf("%8s %" SCNd32 " %63s %" SCNd64 " %" SCNd64 " %63s %19s %63s %" SCNd64 " %63s %63s %63s",
                  row->terminal, &row->stan, row->moment, &row->amount_yen, &row->charge_yen, row->token_text,
                  row->mask, row->answer, &row->paid_yen, row->advice, row->bank, row->story);

        if (fields == EOF)
                return false;
        if (fields != 12 || strlen(row->terminal) != 8 || strlen(row->token_text) != 2 * TOKEN_LENGTH ||
            !hex_parse(row->token_text, row->token, TOKEN_LENGTH) ||
            !calendar_parse_moment(row->moment, &row->transmitted_ms) || strlen(row->answer) > 2)
                fail("standard input",
                     "expected TERMINAL STAN MOMENT AMOUNT CHARGE TOKEN MASK ANSWER PAID ADVICE BANK STORY");
        calendar_rrn(row->transmitted_ms, row->stan, row->rrn);
        return true;
}

int main(int argc, char **argv)
{
        char atms[512], folder[512], error[JOURNAL_ERROR_MAX], no_dispensers[DISPENSER_ERROR_MAX];
        struct dispensers *dispensers;
        struct journal journal;
        struct row row;

        if (argc != 2)
                fail("usage", "make_journals FOLDER <ROWS");
        snprintf(atms, sizeof(atms), "%s/atm", argv[1]);
        snprintf(folder, sizeof(folder), "%s/banks", argv[1]);
        if (mkdir(folder, 0700) < 0)
                fail(folder, "can't be made: expected a folder without it");
        if (!journal_open(&journal, atms, error))
                fail(atms, error);
        dispensers = dispensers_open(atms, true, no_dispensers);
        if (!dispensers)
                fail(atms, no_dispensers);
        while (take_row(&row)) {
                write_atm(&journal, dispensers, &row);
                tell_bank(argv[1], &row);
        }
        if (!dispensers_sync(dispensers))
                fail(atms, "dispensers can't be written");
        dispensers_close(dispensers);
        if (!journal_close(&journal))
                fail("the ATMs' journal", strerror(errno));
        for (size_t i = 0; i < bank_count; i++) {
                if (!bank_journal_flush(&banks[i].journal))
                        fail(banks[i].path, "can't be written");
                bank_journal_close(&banks[i].journal);
                bank_free(banks[i].bank);
        }
        return fflush(stdout) == 0 ? 0 : 1;
}
