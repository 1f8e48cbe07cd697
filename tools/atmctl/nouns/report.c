/*
 * report: what is read from the books, each report in a file of its own; and who compares the books with what
 * they were made from. Amounts are whole yen; commission is both fees without tax, revenue
 * commission and base fees.
 */
#include "tools/atmctl/nouns/reconcile.h"
#include "tools/atmctl/nouns/report_fleet.h"
#include "tools/atmctl/nouns/report_journals.h"
#include "tools/atmctl/nouns/report_results.h"
#include "tools/atmctl/nouns/report_revenue.h"
#include "tools/atmctl/nouns/report_statement.h"
#include "tools/atmctl/nouns/report_tax.h"
#include "tools/atmctl/nouns/verify.h"

static const struct command commands[] = {
    {.noun = "report",
     .verb = "revenue",
     .text = "report the commission that the fleet earned, by place, bank or time",
     .more =
         "By one key, or by two with the first varying slowest: --by area,quarter. Places and banks come "
         "in the order of "
         "their commission, times in their own. The table ends with the total of all rows, and before it one "
         "for those that --limit leaves out. Where the second key is a span of time (--by area,quarter), "
         "tables, workbooks and documents have a column for each span, with the commission, and subtotals "
         "of quarters or years; where there are more than 24 columns, rows as CSV. CSV and JSON have long "
         "rows and no total: key, name (of an area, hall, ATM or bank), withdrawals, cash_yen, "
         "customer_fee_yen, interbank_fee_yen, tax_yen, commission_yen; with two keys key2 and name2 after "
         "them; with --compare at the end before_yen, the commission a year or a quarter before, and "
         "change_percent, empty or "
         "null where there was none, or where the books began later. Fees are without tax, commission is "
         "both fees, tax is that of both. A "
         "withdrawal counts "
         "once its end is known and cash was dispensed, on its business date, or, where that is closed "
         "by then, on the "
         "first open day; a remark says how much belongs to earlier quarters. Hours are those of the "
         "withdrawals' moments "
         "in Japan.\n"
         "JSON, as of every report: one object {\"title\", \"period\", \"publisher\", \"issued\", "
         "\"provisional\", \"remarks\": [...], \"rows\": [...]}. Remarks stand above tables and in the "
         "heads of "
         "documents; with CSV they go to standard error and, with --output FILE, into FILE.remarks.\n"
         "Example: atmctl report revenue --fy 2016 --quarter 3 --by area --compare yoy\n"
         "Example: atmctl report revenue --from 2016-12-29 --to 2016-12-31 --by hour,band --area kanto",
     .flags = COMMAND_OUTPUT | COMMAND_DOCUMENT | COMMAND_DATABASE | COMMAND_CLOCK | COMMAND_REPLICA,
     .run = report_revenue,
     .fields = revenue_fields},
    {.noun = "report",
     .verb = "fleet",
     .text = "report what ATMs, halls or areas earn and cost, where they stand, and how others do",
     .more = "ranking: days under contract, withdrawals, commission (both fees), revenue (commission and "
             "base fees), the hall's "
             "share, costs and "
             "profit, the most profitable first. The costs of a quarter (cash in transit, network, "
             "maintenance, depreciation; "
             "'atmctl cost') go to its ATM-days evenly. What was not entered is missing ('-', empty, null), "
             "and so is the "
             "profit. penetration: ATMs in place on the last day for each hundred parlors of the area. "
             "comparison: the twelve months up to the period's end with what "
             "others publish of a year ('atmctl peer'). A period that is not over counts up to today.\n"
             "JSON: \"ranking\", \"penetration\" and \"comparison\" are arrays of rows; CSV has "
             "one section: the "
             "ranking, or what --section names.\n"
             "Example: atmctl report fleet --fy 2016 --quarter 3 --by hall --limit 20",
     .flags = COMMAND_OUTPUT | COMMAND_DOCUMENT | COMMAND_DATABASE | COMMAND_CLOCK | COMMAND_REPLICA,
     .run = report_fleet,
     .fields = fleet_fields},
    {.noun = "report",
     .verb = "tax",
     .text = "report the consumption tax by its rates",
     .more = "A row for each rate: customer fees, interbank fees and base fees without tax, the tax of each, "
             "and both sums. Fees "
             "have the rate of their withdrawal's moment, base fees that of the month's last day. A period "
             "that is not over "
             "counts up to today.\n"
             "Example: atmctl report tax --fy 2019",
     .flags = COMMAND_OUTPUT | COMMAND_DOCUMENT | COMMAND_DATABASE | COMMAND_CLOCK | COMMAND_REPLICA,
     .run = report_tax,
     .fields = tax_report_fields},
    {.noun = "report",
     .verb = "statement",
     .text = "report a hall's month as its invoice: what it owes, and the share that it earned",
     .more =
         "A line for each contract of an ATM (base fee: days of the month, amount, tax) and for each ATM "
         "that earned, by "
         "share and tax rate (the hall's share of the commission, in percent of both fees without tax; tax "
         "is added to it). "
         "total_yen is what the hall owes, below zero what it is owed; "
         "the balance is their sum. Then the sums by tax rate. It is our invoice for the base fees and our "
         "purchase statement for the "
         "shares: it has a number, always the same for a hall and month, to whom it goes, when it was issued "
         "and the month closed, "
         "who issues it (the variable ATM_PUBLISHER), his registration number (ATM_REGISTRATION: T and 13 "
         "digits) "
         "and the hall's "
         "('atmctl hall set --registration'). A remark says what it lacks of a qualified invoice. CSV has "
         "the lines; the head is "
         "remarked.\n"
         "JSON: \"number\", \"addressee\", \"hall\", \"hall_registration\", \"month\", \"closed_on\", "
         "\"registration\", "
         "\"lines\": [...], \"taxes\": [...], \"owed_yen\", \"earned_yen\", \"balance_yen\".\n"
         "Example: atmctl report statement --hall H00001 --month 2016-12",
     .flags = COMMAND_OUTPUT | COMMAND_DOCUMENT | COMMAND_DATABASE | COMMAND_CLOCK | COMMAND_REPLICA,
     .run = report_statement,
     .fields = statement_fields},
    {.noun = "report",
     .verb = "results",
     .text = "report a quarter's results as they are published",
     .more = "The quarters of the fiscal year, all of them together (1Q-3Q16), the same a year before, the "
             "changes (YoY, QoQ), the "
             "full-year target and the progress towards it, the published figures and the difference. Tables "
             "and documents show "
             "millions of yen, rounded once; CSV and JSON whole yen. What was not entered is missing, and so "
             "is what would be "
             "made of it. A quarter that is not over counts up to today, and says so.\n"
             "JSON: \"rows\" are {\"item\", \"unit\", \"columns\": {\"1Q16\": ..., \"1Q-3Q16\": ...}}; "
             "percentages are numbers "
             "with one decimal.\n"
             "Example: atmctl report results --quarter 3Q16 --format pdf --lang ja --output 3Q16.pdf",
     .flags = COMMAND_OUTPUT | COMMAND_DOCUMENT | COMMAND_DATABASE | COMMAND_CLOCK | COMMAND_REPLICA,
     .run = report_results,
     .fields = results_fields},
    {.noun = "report",
     .verb = "journals",
     .text = "report what the ATMs' journals earn, each withdrawal priced by itself",
     .more =
         "Another way to the commission: every withdrawal that an ATM's journal says dispensed cash, priced "
         "by the tariff and "
         "tax rate of its moment; the ledger is not looked at. Where nothing is under way and no period "
         "was closed meanwhile, it "
         "equals 'atmctl report revenue' by the same key, to the yen. The ATMs must stand still.\n"
         "Example: atmctl report journals --atm-journals journal --by day",
     .flags = COMMAND_OUTPUT | COMMAND_LANGUAGE | COMMAND_DATABASE,
     .run = report_journals,
     .fields = journals_fields},
    {.noun = "reconcile",
     .text = "compare every withdrawal with what the ATMs did and what the banks hold, to the yen",
     .more =
         "Three sides: the ATMs' journals and dispensers, the database, the banks' journals. A withdrawal "
         "that "
         "differs is one line with its most telling reason, what it comes to in the ATM's cash and at its "
         "bank, "
         "the other reasons, and what all three say. The reasons, the most telling first: only-in-journal, "
         "only-in-database, state, dispensed, only-at-bank, not-at-bank, bank-refused, bank-held, "
         "bank-untold, "
         "bank-dispensed, unfinished, bank-exception, fee, bank-charge, amount, bank-amount, card, "
         "bank-card, "
         "de39, bank-de39, approval, bank-approval, bank-rrn. An ATM's total, by its dispenser's counter, "
         "comes "
         "before its lines where it differs: they add up to its difference, but for what it says that no "
         "withdrawal explains; likewise each bank's in the end. Lines of journals that are damaged are named "
         "too. What a bank would not book, and an "
         "ATM's word that the books did not follow, as an exception says that is not dealt with yet, is told "
         "as explained, and no difference; once people have dealt with it ('atmctl exception resolve'), as "
         "settled, with who, when and why. So is every difference of which people say with --elsewhere that "
         "it "
         "was put right, for as long as our books of it stand. With --date, --bank, --hall only the "
         "withdrawals "
         "that they select are compared, and of an ATM of which that leaves some out its journal instead of "
         "its "
         "dispenser. What is under way is counted, "
         "and no "
         "difference unless --drained. The ATMs must stand still; atmd and the banks may go on. Without "
         "banks' "
         "journals two sides are compared. Exit code 0 only if there is no difference.\n"
         "JSON: one object {\"withdrawals\", \"unfinished\", \"cash_yen\", \"terminals\", \"banks\", "
         "\"differences\": [{\"what\", \"terminal\", \"text\", \"transmitted_at\", \"stan\", \"also\", "
         "\"cash_yen\", \"bank_yen\", \"hall\", \"settled\", \"atm\", \"host\", \"bank\"}], \"explained\", "
         "\"settled\": likewise}; of a total \"cash_yen\" and \"rest_yen\".\n"
         "Example: atmctl reconcile --atm-journals journal --bank-journals banks/journal --drained",
     .flags = COMMAND_OUTPUT | COMMAND_DATABASE,
     .run = reconcile_all,
     .fields = reconcile_fields},
    {.noun = "verify",
     .text = "recompute every sum from the history and name each difference",
     .more = "Reads the withdrawals, outcomes, advices and commission rows and compares with them: each "
             "withdrawal's commission with its tariff and end, tariff, tax and band with the reference rows "
             "of its "
             "date, the use of each card by day and month, the accounts, the open "
             "withdrawals, "
             "what banks are told, what of it they have acknowledged and what is still to be sent, what "
             "the rows refer to, the sums of days and months that reports are read from, each day of "
             "posting, the "
             "sums of closed periods, "
             "and contracts. The "
             "history is read once, in one snapshot; nothing is locked or changed, atmd may go on. Memory "
             "follows the largest "
             "quarter; one that would take over a quarter of the machine's is read in parts, or in as many "
             "as ATM_VERIFY_PARTS "
             "says. Exit code 1 if anything differs.",
     .flags = COMMAND_OUTPUT | COMMAND_DATABASE,
     .run = verify_all},
};

const struct command_group group_report = {commands, sizeof(commands) / sizeof(*commands), "Reports"};
