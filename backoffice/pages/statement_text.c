/* A hall's statement in words; see statement_text.h. */
#include "backoffice/pages/statement_text.h"

#include <assert.h>
#include <stdarg.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/attributes.h"
#include "lib/base/digits.h"

const char *statement_title(const struct statement *statement, enum reader reader)
{
        static const struct {
                const char *english, *japanese;
        } titles[2][2] = {{{"Statement of a hall", "ホール精算書"}, {"Purchase statement", "仕入明細書"}},
                          {{"Invoice", "請求書"}, {"Invoice and purchase statement", "請求書兼仕入明細書"}}};
        bool has_fees = statement_has(statement, STATEMENT_BASE_FEE),
             has_shares = statement_has(statement, STATEMENT_SHARE);

        return reader ? titles[has_fees][has_shares].japanese : titles[has_fees][has_shares].english;
}

const char *statement_addressee(const struct statement *statement, enum reader reader,
                                char buffer[STATEMENT_ADDRESSEE_MAX])
{
        snprintf(buffer, STATEMENT_ADDRESSEE_MAX, reader ? "%.240s 御中" : "%.240s", statement->hall_name);
        return buffer;
}

static void ATM_PRINTF(2, 3) note(struct statement_notes *notes, const char *format, ...)
{
        va_list arguments;

        assert(notes->count < STATEMENT_NOTES_MAX);
        va_start(arguments, format);
        vsnprintf(notes->text[notes->count++], STATEMENT_NOTE_MAX, format, arguments);
        va_end(arguments);
}

static const char *print_yen(int64_t yen, enum reader reader, char buffer[48])
{
        char digits[FIGURE_TEXT_MAX], grouped[40];

        digits_group(figure_print(figure_known(yen < 0 ? -yen : yen), digits), grouped, sizeof(grouped));
        snprintf(buffer, 48, "%s%s", yen >= 0 ? "" : reader ? "△" : "-", grouped);
        return buffer;
}

static void note_sums(const struct statement *statement, enum reader reader, struct statement_notes *notes)
{
        int64_t balance = statement->lacks_shares || statement->without_contract ? 0 : statement->balance_yen;
        char text[48];

        if (statement->lacks_shares && statement->lines)
                note(notes, "%s",
                     reader
                         ? "帳簿の開始前の月のため、支払手数料は不明であり、差引残高は算定できません。"
                         : "The month was over when the books began: what the hall earned is missing, and so "
                           "is the balance.");
        if (statement->without_contract)
                note(notes,
                     reader ? "設置契約のない期間に出金のあったATMが%" PRId64
                              "台あり、その基本料金は不明であり、差引残高は算定できません。"
                            : "ATMs that earned where they had no contract: %" PRId64
                              "; their base fees are missing, and so is the balance.",
                     statement->without_contract);
        if (balance > 0)
                note(notes, reader ? "ホールへの請求額：%s円" : "the hall owes %s yen",
                     print_yen(balance, reader, text));
        if (balance < 0)
                note(notes, reader ? "ホールへの支払額：%s円" : "%s yen are owed to the hall",
                     print_yen(-balance, reader, text));
        if (statement->earlier_yen)
                note(notes,
                     reader ? "手数料収入のうち前四半期以前分：%s円"
                            : "of the commission, earlier periods: %s yen",
                     print_yen(statement->earlier_yen, reader, text));
        if (statement_has(statement, STATEMENT_SHARE))
                note(notes, "%s",
                     reader ? "支払手数料は出金1件ごとに計算し、1円未満を切り捨てています（税抜）。"
                            : "A share is computed for each withdrawal, without tax, and rounded down.");
}

/* What the tax office asks for, of each document by itself: of an invoice the seller's number, ours; of a purchase statement the hall's. */
static void note_missing(const struct statement_question *question, const struct statement *statement,
                         const struct statement_issuer *issuer, enum reader reader,
                         struct statement_notes *notes)
{
        bool qualified = statement_is_of_qualified_times(question),
             has_fees = statement_has(statement, STATEMENT_BASE_FEE),
             has_shares = statement_has(statement, STATEMENT_SHARE);

        if ((has_fees || has_shares) && !*issuer->name)
                note(notes, "%s",
                     reader ? "発行者の名称（ATM_PUBLISHER）が未設定のため、送付できません。"
                            : "It can't be sent: the name of who issues it is missing (ATM_PUBLISHER).");
        if (qualified && has_fees && !*issuer->registration)
                note(notes, "%s",
                     reader ? "発行者の登録番号（ATM_REGISTRATION）が未設定のため、基本料金の適格請求書で"
                              "はありません。"
                            : "It is no qualified invoice for the base fees: the registration number of who "
                              "issues it is missing (ATM_REGISTRATION).");
        if (qualified && has_shares && !statement->hall_registration)
                note(notes,
                     reader ? "ホール%sの登録番号が未登録のため、支払手数料の仕入明細書としての要件を満たし"
                              "ていません。"
                            : "It is no purchase statement in place of a qualified invoice for the shares: "
                              "hall %s has no registration number.",
                     question->hall);
}

void statement_notes(const struct statement_question *question, const struct statement *statement,
                     const struct statement_issuer *issuer, enum reader reader,
                     struct statement_notes *ret_notes)
{
        ret_notes->count = 0;
        note_sums(statement, reader, ret_notes);
        note_missing(question, statement, issuer, reader, ret_notes);
}
