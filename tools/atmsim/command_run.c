/* atmsim run: the options of a fleet, and what its run is said to have come to. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/number.h"
#include "lib/cli/values.h"
#include "tools/atmsim/atm_conn.h"
#include "tools/atmsim/clock.h"
#include "tools/atmsim/commands.h"
#include "tools/atmsim/fleet.h"

enum { COUNT_MAX = 1000000000 };

static struct fleet_options fleet = {
    .seed = 1,
    .per_atm_day = 60,
    .from_ms = INT64_MIN,
    .until_ms = INT64_MIN,
    .card_uses = 2,
    .careless_rate = 0.02,
    .habits = {.repeats = 1},
    .handshakes = 32,
    .connect_timeout_ms = 10000,
    .start_seconds = 60,
    .drain_seconds = 120,
};
static bool json;
static int64_t answer_timeout_ms = 30000, repeats = 1, advice_pause_ms = 5000, echo_seconds = 60;

static bool take_profile(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        bool day = !strcmp(value->text, "day");

        if (!day && strcmp(value->text, "flat"))
                return option_refuse(value, error, "day or flat");
        fleet.profile = day ? PROFILE_DAY : PROFILE_FLAT;
        return true;
}

static bool take_amount(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        if (!option_take_number(value, error))
                return false;
        return fleet.amount_yen % 1000 == 0 || option_refuse(value, error, "a multiple of 1,000");
}

static bool take_customers(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        if (!option_take_decimal(value, error))
                return false;
        return fleet.per_atm_day > 0 || option_refuse(value, error, "a number above 0");
}

static bool take_acquirer(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        size_t digits = strspn(value->text, "0123456789");

        if (!digits || digits > 11 || value->text[digits])
                return option_refuse(value, error, "1 to 11 digits");
        fleet.acquirer = value->text;
        return true;
}

static bool take_ports(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        const char *at = value->text + strspn(value->text, " ");
        int ports = 0;

        for (; *at; at += strspn(at, " "), ports++) {
                size_t length = strcspn(at, " ");
                int64_t port;

                if (!number_parse_bytes(at, length, 1, UINT16_MAX, &port))
                        break;
                at += length;
        }
        if (*at || !ports || ports > ATM_CONN_PORTS_MAX)
                return option_refuse(value, error, "1 to %d ports from 1 to 65535, separated by blanks",
                                     ATM_CONN_PORTS_MAX);
        fleet.ports = value->text;
        return true;
}

static bool take_cards(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        if (!*value->text || fleet.card_files == FLEET_CARD_FILES_MAX)
                return option_refuse(value, error, "1 to %d files", FLEET_CARD_FILES_MAX);
        fleet.cards[fleet.card_files++] = value->text;
        return true;
}

static bool take_faults(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        return faults_parse(value->text, &fleet.faults, error);
}

static const struct option_row rows[] = {
    {.text = "Who comes and when:"},
    {.name = "atms",
     .value = "N",
     .take = option_take_number,
     .target = &fleet.atms,
     .minimum = 1,
     .maximum = 1000000,
     .text = "the first N terminals of the file (all)"},
    {.name = "seed",
     .value = "S",
     .take = option_take_number,
     .target = &fleet.seed,
     .minimum = 0,
     .maximum = INT64_MAX,
     .text = "of all that is left to chance (1)"},
    {.name = "per-atm-day",
     .value = "N",
     .take = take_customers,
     .target = &fleet.per_atm_day,
     .text =
         "customers an ATM has in a day of business time, on average (60); they come when they like, whether "
         "or not the host keeps up, and response times count from then"},
    {.name = "profile",
     .value = "day|flat",
     .take = take_profile,
     .text = "day: from 8 to 21 o'clock in Japan, most in the evening; flat: evenly, at all hours (day)"},
    {.name = "closed",
     .take = option_take_flag,
     .target = &fleet.closed,
     .text = "instead: each ATM begins the next withdrawal as soon as the last one is at its end"},
    {.name = "idle",
     .take = option_take_flag,
     .target = &fleet.idle,
     .text = "instead: sign on and stay idle"},
    {.name = "inquiry-rate",
     .value = "RATE",
     .take = option_take_rate,
     .target = &fleet.inquiry_rate,
     .text = "share of customers who see their balance before the withdrawal (0)"},
    {.name = "chip-rate",
     .value = "RATE",
     .take = option_take_rate,
     .target = &fleet.chip_rate,
     .variable = "ATM_CHIP_RATE",
     .text = "share of cards with a chip, the same ones each time: what it says goes to its bank, whose "
             "answer is "
             "checked, and what became of a script is reported. 0: no ATM says how it reads cards (0)"},
    {.name = "amount-yen",
     .value = "YEN",
     .take = take_amount,
     .target = &fleet.amount_yen,
     .minimum = 1000,
     .maximum = 1000000,
     .text = "all take that much (amounts as people choose them, up to 30,000)"},
    {.name = "wrong-pins",
     .value = "RATE",
     .take = option_take_rate,
     .target = &fleet.wrong_pin_rate,
     .text = "share of customers who mistype their PIN, once: in the inquiry if they make one (0); ATMs with "
             "--keys ask for PINs, where the card file has them"},
    {.name = "careless-rate",
     .value = "RATE",
     .take = option_take_rate,
     .target = &fleet.careless_rate,
     .text = "share of customers who forget what they took already and run into a limit (0.02)"},
    {.name = "cards-even",
     .take = option_take_flag,
     .target = &fleet.even,
     .text = "instead of at random take the cards in turn, each at most --card-uses times"},
    {.name = "card-uses",
     .value = "N",
     .take = option_take_number,
     .target = &fleet.card_uses,
     .minimum = 1,
     .maximum = COUNT_MAX,
     .text = "with --cards-even (2); a run that uses all up ends, and fails"},
    {.name = "cards-skip",
     .value = "N",
     .take = option_take_number,
     .target = &fleet.cards_skip,
     .minimum = 0,
     .maximum = COUNT_MAX,
     .text = "leave out the first N cards of the file"},
    {.text = "How long (what comes first ends it; without any of them an interrupt does):"},
    {.name = "seconds",
     .value = "S",
     .take = option_take_decimal,
     .target = &fleet.seconds,
     .text = "of real time since all ATMs are signed on"},
    {.name = "withdrawals",
     .value = "N",
     .take = option_take_number,
     .target = &fleet.withdrawals,
     .minimum = 1,
     .maximum = COUNT_MAX,
     .text = "so many customers"},
    {.name = "from",
     .value = "MOMENT",
     .take = take_moment,
     .target = &fleet.from_ms,
     .text = "customers come from this moment of business time on: 2016-12-29T08:00"},
    {.name = "until",
     .value = "MOMENT",
     .take = take_moment,
     .target = &fleet.until_ms,
     .text = "and until this one"},
    {.name = "warmup-seconds",
     .value = "S",
     .take = option_take_decimal,
     .target = &fleet.warmup_seconds,
     .text = "leave out the first S seconds from rates and response times (0)"},
    {.name = "start-seconds",
     .value = "S",
     .take = option_take_decimal,
     .target = &fleet.start_seconds,
     .text =
         "begin without the ATMs that are not signed on by then; where none is, the run ends and fails (60)"},
    {.name = "drain-seconds",
     .value = "S",
     .take = option_take_decimal,
     .target = &fleet.drain_seconds,
     .text = "how long to wait at the end until every withdrawal is at its own; what is left fails the run "
             "(120)"},
    {.text = "How the ATMs behave (real time):"},
    {.name = "answer-timeout-ms",
     .value = "MS",
     .take = option_take_number,
     .target = &answer_timeout_ms,
     .minimum = 10,
     .maximum = 600000,
     .text = "an answer that takes longer doesn't count (30000)"},
    {.name = "repeats",
     .value = "N",
     .take = option_take_number,
     .target = &repeats,
     .minimum = 0,
     .maximum = 100,
     .text = "how often a 0200 without answer is sent again, as 0201, before the ATM gives up, dispenses "
             "nothing and reverses (1)"},
    {.name = "advice-pause-ms",
     .value = "MS",
     .take = option_take_number,
     .target = &advice_pause_ms,
     .minimum = 10,
     .maximum = 600000,
     .text = "before the first repeat of an unacknowledged advice; doubles up to 12 times that (5000)"},
    {.name = "echo-seconds",
     .value = "S",
     .take = option_take_number,
     .target = &echo_seconds,
     .minimum = 0,
     .maximum = 86400,
     .text = "idle so long, an ATM sends an echo; 0: never (60)"},
    {.name = "busy-max",
     .value = "N",
     .take = option_take_number,
     .target = &fleet.busy_max,
     .minimum = 0,
     .maximum = 1000000,
     .text = "the ATMs' clock stands still while so many of them are at work, those with a fault of their "
             "own left out, and until all "
             "are signed on, so that a clock that runs fast doesn't run ahead of the machine; 0: never (0)"},
    {.name = "handshakes",
     .value = "N",
     .take = option_take_number,
     .target = &fleet.handshakes,
     .minimum = 0,
     .maximum = 10000,
     .text = "at most so many at a time; 0: as many as there are ATMs, as after a power cut (32)"},
    {.name = "connect-timeout-ms",
     .value = "MS",
     .take = option_take_number,
     .target = &fleet.connect_timeout_ms,
     .minimum = 100,
     .maximum = 600000,
     .text = "connecting and handshake; an ATM that has waited so long begins anew (10000)"},
    {.name = "own-addresses",
     .take = option_take_flag,
     .target = &fleet.own_addresses,
     .text =
         "each ATM comes from a loopback address of its own (127.64.0.1 and on), as those of many halls do"},
    {.name = "faults",
     .value = "KIND=RATE,...",
     .take = take_faults,
     .text = "no-dispense, partial, lost-answer, drop, duplicate, reorder, retract, power-loss, and of ATMs "
             "with keys wrong-mac, no-mac, other-mac (of another message), no-pin, bad-pin (a PIN block "
             "that is not in order), each by its rate among withdrawals; a kind asked for that never "
             "happened fails the run"},
    {.text = "What is printed:"},
    {.name = "json", .take = option_take_flag, .target = &json, .text = "the result as one object"},
    {.name = "progress",
     .take = option_take_flag,
     .target = &fleet.progress,
     .text = "how far it is, also where standard error is no terminal"},
    {.name = "ready-file",
     .value = "FILE",
     .take = option_take_text,
     .target = &fleet.ready_file,
     .text = "written when all ATMs are signed on"},
    {.name = "capture",
     .value = "FILE",
     .take = option_take_text,
     .target = &fleet.capture_file,
     .text = "every frame as it is under the TLS, in hex; for its owner's eyes only, since it holds card "
             "numbers"},
    {.text = "Where (from a laboratory's variables):"},
    {.name = "host",
     .value = "NAME",
     .take = option_take_host,
     .target = fleet.host,
     .variable = "ATMD_HOST",
     .flags = OPTION_REQUIRED,
     .text = "of atmd; its certificate must name it"},
    {.name = "ports",
     .value = "LIST",
     .take = take_ports,
     .target = &fleet.ports,
     .variable = "ATMD_PORTS",
     .flags = OPTION_REQUIRED,
     .text = "one for each instance, separated by blanks; ATMs spread over them and go to the "
             "next when a connection fails"},
    {.name = "ca",
     .value = "FILE",
     .take = option_take_text,
     .target = &fleet.ca,
     .variable = "ATMD_CA",
     .flags = OPTION_REQUIRED,
     .text = "certificate of the authority"},
    {.name = "certs",
     .value = "DIR",
     .take = option_take_text,
     .target = &fleet.certs,
     .variable = "ATMD_CERTS",
     .flags = OPTION_REQUIRED,
     .text = "TERMINAL.crt and TERMINAL.key of each"},
    {.name = "terminals",
     .value = "FILE",
     .take = option_take_text,
     .target = &fleet.terminals,
     .variable = "ATM_TERMINALS",
     .flags = OPTION_REQUIRED,
     .text = "CSV with the columns terminal and hall"},
    {.name = "cards",
     .value = "FILE",
     .take = take_cards,
     .variable = "ATM_CARDS",
     .flags = OPTION_REQUIRED,
     .text = "CSV with the columns pan and expiry, and pin where cards have one, mode 0600; may be given "
             "several times. Without it the "
             "cards of other banks come too: $ATM_BANK_CARDS"},
    {.name = "token-key-file",
     .value = "FILE",
     .take = option_take_text,
     .target = &fleet.token_key_file,
     .variable = "ATM_TOKEN_KEY_FILE",
     .flags = OPTION_REQUIRED,
     .text = "key of the card tokens in the journal"},
    {.name = "keys",
     .value = "FILE",
     .take = option_take_text,
     .target = &fleet.keys,
     .variable = "ATM_KEYS",
     .text = "CSV with the columns terminal, set, pin_key, mac_key_up and mac_key_down, mode 0600: key "
             "blocks under the "
             "terminals' key-encrypting keys, of which each takes its newest set; newer ones that came over "
             "the line are in the journal's folder (keys.csv). Without it no ATM has "
             "keys, and none "
             "makes or expects a MAC or asks for a PIN"},
    {.name = "keks",
     .value = "FILE",
     .take = option_take_text,
     .target = &fleet.keks,
     .variable = "ATM_KEKS",
     .text = "CSV with the columns terminal and kek, mode 0600: those key-encrypting keys, a laboratory's, "
             "as hexadecimal "
             "digits in clear"},
    {.name = "acquirer",
     .value = "DIGITS",
     .take = take_acquirer,
     .target = &fleet.acquirer,
     .variable = "ATM_ACQUIRER",
     .flags = OPTION_REQUIRED,
     .text = "DE 32"},
    {.name = "journal",
     .value = "DIR",
     .take = option_take_text,
     .target = &fleet.journal,
     .variable = "ATM_JOURNAL",
     .flags = OPTION_REQUIRED,
     .text = "folder of journals and dispensers; what is open in it is brought to its end first"},
};

const struct program_command run_command = {
    .name = "run",
    .synopsis = "atmsim run [options]",
    .about =
        "Runs a fleet of ATMs against atmd. Each connects with its own certificate and signs on; a customer\n"
        "draws cash: 0200, the answer, notes leave the dispenser, 0220 until it is acknowledged. Whatever "
        "is\n"
        "sent is in the journal first. The clock is that of the laboratory (ATM_CLOCK_*), or real time.\n"
        "The run fails if an answer was wrong, a withdrawal did not come to its end, or an ATM could not\n"
        "sign on. 'atmctl reconcile' then compares journals and dispensers with the database.\n",
    .ending = "Exit codes: 0 done, 1 failed, 2 wrong usage.\n",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
};

/* What is wrong with the options together; NULL: nothing. */
static const char *check(void)
{
        int64_t notes = fleet.amount_yen / 10000 + fleet.amount_yen % 10000 / 1000;

        if (fleet.idle && fleet.closed)
                return "--idle and --closed exclude each other";
        if (fleet.from_ms != INT64_MIN && (fleet.idle || fleet.closed))
                return "--from: there are no arrivals to begin with --closed or --idle";
        if (fleet.busy_max && (fleet.idle || fleet.closed))
                return "--busy-max: there are no arrivals to wait with --closed or --idle";
        if (fleet.amount_yen && notes < 2 && fleet.faults.rate[FAULT_PARTIAL] > 0)
                return ("--faults partial: an --amount-yen of a single note can't be dispensed in part");
        if (!fleet.keys != !fleet.keks)
                return "--keys and --keks belong together";
        if (!fleet.keys && fleet.wrong_pin_rate > 0)
                return "--wrong-pins: only ATMs with --keys ask for PINs";
        if (!fleet.keys)
                for (int i = FAULT_WRONG_MAC; i <= FAULT_BAD_PIN; i++)
                        if (fleet.faults.rate[i] > 0)
                                return "--faults wrong-mac, no-mac, other-mac, no-pin, bad-pin: only ATMs "
                                       "with --keys make MACs and ask for PINs";
        if (fleet.until_ms != INT64_MIN && fleet.from_ms != INT64_MIN && fleet.until_ms <= fleet.from_ms)
                return "--until: expected a moment after --from";
        return NULL;
}

/* what it came to --------------------------------------------------------------------------------- */

static double ms(int64_t us)
{
        return (double)us / 1000;
}

static double per_second(uint64_t count, double seconds)
{
        return seconds > 0 ? (double)count / seconds : 0;
}

static void print_times_json(const char *prefix, const struct histogram *h)
{
        printf("\"%sp50_ms\": %.3f, \"%sp90_ms\": %.3f, \"%sp99_ms\": %.3f, \"%sp99_9_ms\": %.3f, "
               "\"%smax_ms\": %.3f, ",
               prefix, ms(histogram_quantile(h, 0.5)), prefix, ms(histogram_quantile(h, 0.9)), prefix,
               ms(histogram_quantile(h, 0.99)), prefix, ms(histogram_quantile(h, 0.999)), prefix,
               ms(h->highest));
}

static void print_json(const struct fleet_result *r, bool good)
{
        const struct atm_counters *c = &r->counters;
        const char *comma = "";

        printf("{\"ok\": %s, \"atms\": %" PRId64 ", \"signed_on\": %" PRId64 ", \"seconds\": %.3f, "
               "\"cpu_us\": %" PRId64 ", ",
               good ? "true" : "false", r->atms, r->signed_on, r->seconds, r->cpu_us);
        printf("\"withdrawals\": %" PRIu64 ", \"withdrawals_per_second\": %.1f, \"ended_per_second\": %.1f, ",
               atm_counters_ended(c), per_second(r->measured_paid, r->seconds),
               per_second(r->measured_ended, r->seconds));
        for (int i = 0; i < OUTCOME_COUNT; i++)
                printf("\"%s\": %" PRIu64 ", ", outcome_name[i], c->ended[i]);
        printf("\"cash_yen\": %" PRId64 ", \"charged_yen\": %" PRId64 ", ", c->cash_yen, c->charged_yen);
        printf("\"answers\": %" PRIu64 ", ", c->request_us.count);
        print_times_json("", &c->request_us);
        print_times_json("advice_", &c->advice_us);
        print_times_json("inquiry_", &c->inquiry_us);
        printf("\"de39\": {");
        for (int i = 0; i < 100; i++) {
                if (c->de39[i]) {
                        printf("%s\"%02d\": %" PRIu64, comma, i, c->de39[i]);
                        comma = ", ";
                }
        }
        printf("}, \"faults\": {");
        for (int i = 0; i < FAULT_COUNT; i++)
                printf("%s\"%s\": %" PRIu64, i ? ", " : "", fault_name[i], c->fault[i]);
        printf("}, \"wrong_pins\": %" PRIu64 ", \"inquiries\": %" PRIu64 ", \"inquiries_lost\": %" PRIu64
               ", \"repeats\": %" PRIu64 ", \"advice_repeats\": %" PRIu64 ", \"late_answers\": %" PRIu64
               ", \"wrong_answers\": %" PRIu64 ", \"recovered\": %" PRIu64 ", \"unfinished\": %" PRIu64
               ", \"walked_away\": %" PRIu64 ", \"connections\": %" PRIu64
               ", \"connections_failed\": %" PRIu64 ", \"connections_lost\": %" PRIu64
               ", \"sign_ons_refused\": %" PRIu64 ", \"echoes\": %" PRIu64 ", \"key_changes\": %" PRIu64
               ", \"key_changes_refused\": %" PRIu64 ", \"journal_flushes\": %" PRIu64
               ", \"clock_stands\": %" PRIu64 ", \"clock_stood_s\": %.3f, \"chip_answers\": %" PRIu64
               ", \"scripts\": %" PRIu64 "}\n",
               c->wrong_pins, c->inquiries, c->inquiries_lost, c->repeats, c->advice_repeats, c->late_answers,
               c->wrong, c->recovered, r->unfinished, r->walked_away, r->connections, r->connections_failed,
               r->connections_lost, r->sign_ons_refused, c->echoes, c->key_changes, c->key_changes_refused,
               r->flushes, r->stands, r->stood_s, c->chip_answers, c->scripts);
}

static void print_times(const char *name, const struct histogram *h)
{
        if (h->count)
                printf("%-17sp50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f ms\n", name,
                       ms(histogram_quantile(h, 0.5)), ms(histogram_quantile(h, 0.9)),
                       ms(histogram_quantile(h, 0.99)), ms(histogram_quantile(h, 0.999)), ms(h->highest));
}

static void print_faults(const struct atm_counters *c)
{
        printf("faults           ");
        for (int i = 0; i < FAULT_COUNT; i++)
                if (fleet.faults.rate[i] > 0)
                        printf("%s %" PRIu64 "  ", fault_name[i], c->fault[i]);
        printf("\n");
}

static void print_text(const struct fleet_result *r)
{
        const struct atm_counters *c = &r->counters;
        bool faults = false;

        for (int i = 0; i < FAULT_COUNT; i++)
                faults |= fleet.faults.rate[i] > 0;
        printf("ATMs             %" PRId64 ", signed on %" PRId64 ", connections %" PRIu64 ", failed %" PRIu64
               ", lost %" PRIu64 "\n",
               r->atms, r->signed_on, r->connections, r->connections_failed, r->connections_lost);
        if (fleet.idle)
                return;
        printf("withdrawals      %" PRIu64 " in %.1f s (%.1f a second)\n                 ",
               atm_counters_ended(c), r->seconds, per_second(r->measured_ended, r->seconds));
        for (int i = 0; i < OUTCOME_COUNT; i++)
                printf("%s %" PRIu64 "  ", outcome_name[i], c->ended[i]);
        printf("\nanswers          ");
        for (int i = 0; i < 100; i++)
                if (c->de39[i])
                        printf("%02d: %" PRIu64 "  ", i, c->de39[i]);
        printf("\ncash             %" PRId64 " yen, charges %" PRId64 " yen\n", c->cash_yen, c->charged_yen);
        if (c->key_changes)
                printf("key changes      %" PRIu64 "\n", c->key_changes);
        if (fleet.busy_max)
                printf("clock            stood still %" PRIu64
                       " times, %.1f s in all, for the machine to keep up (%" PRId64 " ATMs at work)\n",
                       r->stands, r->stood_s, fleet.busy_max);
        print_times("0200 answered in", &c->request_us);
        print_times("advice in", &c->advice_us);
        print_times("inquiry in", &c->inquiry_us);
        if (faults)
                print_faults(c);
        printf("also             repeats %" PRIu64 ", of advices %" PRIu64 ", late answers %" PRIu64
               ", inquiries %" PRIu64 ", recovered %" PRIu64 ", walked away %" PRIu64 "\n",
               c->repeats, c->advice_repeats, c->late_answers, c->inquiries, c->recovered, r->walked_away);
        if (fleet.wrong_pin_rate > 0)
                printf("PINs             mistyped %" PRIu64 "\n", c->wrong_pins);
        if (fleet.chip_rate > 0)
                printf("chips            answered by their banks %" PRIu64 ", scripts %" PRIu64 "\n",
                       c->chip_answers, c->scripts);
}

/* Every reason why a run failed, on standard error. */
static bool judge(const struct fleet_result *r)
{
        const struct atm_counters *c = &r->counters;
        bool good = !r->broken;

        if (c->wrong) {
                complain("%" PRIu64 " wrong answers", c->wrong);
                good = false;
        }
        if (c->key_changes_refused) {
                complain("%" PRIu64 " key sets could not be taken", c->key_changes_refused);
                good = false;
        }
        if (r->unfinished) {
                complain("%" PRIu64
                         " ATMs did not come to the end of a withdrawal within %.0f s (--drain-seconds); "
                         "the next run on this journal goes on with them",
                         r->unfinished, fleet.drain_seconds);
                good = false;
        }
        if (r->signed_on < r->atms && (fleet.idle || r->signed_on == 0)) {
                complain("%" PRId64 " of %" PRId64 " ATMs were signed on at the end", r->signed_on, r->atms);
                good = false;
        }
        if (r->cards_used_up) {
                complain("the cards were used up (each %" PRId64 " times); more cards or uses are needed",
                         fleet.card_uses);
                good = false;
        }
        if (!fleet.idle && c->started == 0) {
                complain("no withdrawal was made");
                good = false;
        }
        for (int i = 0; i < FAULT_COUNT; i++) {
                if (fleet.faults.rate[i] > 0 && c->fault[i] == 0) {
                        complain("the fault %s was asked for and never happened: more withdrawals or "
                                 "a higher "
                                 "rate are needed",
                                 fault_name[i]);
                        good = false;
                }
        }
        return good;
}

int command_run(int count, char **words)
{
        const char *bank_cards = getenv("ATM_BANK_CARDS"), *house_cards = getenv("ATM_CARDS");
        int result = program_options(&run_command, NULL, count, words);
        struct fleet_result *outcome;
        const char *problem;
        bool good;

        if (result != PROGRAM_GOES_ON)
                return result;
        /* only where the first came from the variable, not from an option */
        if (bank_cards && *bank_cards && fleet.card_files == 1 && fleet.cards[0] == house_cards)
                fleet.cards[fleet.card_files++] = bank_cards;
        fleet.habits.answer_timeout_us = answer_timeout_ms * 1000;
        fleet.habits.repeats = (int)repeats;
        fleet.habits.advice_pause_us = advice_pause_ms * 1000;
        fleet.habits.advice_pause_max_us = advice_pause_ms * 12000;
        fleet.habits.echo_us = echo_seconds * 1000000;
        problem = check();
        if (problem)
                return program_usage(run_command.name, problem);
        if (!clock_of_laboratory(&fleet.clock))
                return EXIT_USAGE;
        if (fleet.busy_max && fleet.clock.speed == 1)
                return program_usage(
                    run_command.name,
                    "--busy-max: expected a laboratory's clock that runs fast (lab up --clock), since real "
                    "time waits for nobody");
        outcome = calloc(1, sizeof(*outcome));
        if (!outcome || !fleet_run(&fleet, outcome)) {
                free(outcome);
                return EXIT_FAILED;
        }
        good = judge(outcome);
        if (json)
                print_json(outcome, good);
        else
                print_text(outcome);
        free(outcome);
        return program_end(good ? EXIT_DONE : EXIT_FAILED);
}
