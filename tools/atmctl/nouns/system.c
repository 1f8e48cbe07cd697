/* clock and pki: what needs no database. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/csv.h"
#include "lib/base/plural.h"
#include "lib/security/pki_list.h"
#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/output/output.h"

enum { AUTHORITY_DAYS = 3650, LEAF_DAYS = 825, CRL_DAYS = 30 };

static int clock_show(const struct invocation *invocation)
{
        static const struct output_column columns[] = {
            {"business_time", OUTPUT_TEXT, 0},
            {"real_time", OUTPUT_TEXT, 0},
            {"speed", OUTPUT_NUMBER, 0},
            {"business_ms", OUTPUT_NUMBER, OUTPUT_NOT_TABLE},
            {"real_ms", OUTPUT_NUMBER, OUTPUT_NOT_TABLE},
            {"source", OUTPUT_TEXT, 0},
        };
        struct business_clock clock;
        const char *source;
        int64_t real_ms = real_now_ms(), business_ms;
        char business[26], real[26], speed[12], business_number[24], real_number[24];
        struct output *output;

        if (!business_clock_of(invocation, &clock, &source))
                return EXIT_FAILED;
        business_ms = clock_business_ms(&clock, real_ms);
        calendar_print_moment(business_ms, business);
        calendar_print_moment(real_ms, real);
        snprintf(speed, sizeof(speed), "%" PRId32, clock.speed);
        snprintf(business_number, sizeof(business_number), "%" PRId64, business_ms);
        snprintf(real_number, sizeof(real_number), "%" PRId64, real_ms);
        output = output_open(invocation, OUTPUT_ONE, columns, sizeof(columns) / sizeof(*columns));
        if (!output)
                return EXIT_FAILED;
        if (!output_row(output,
                        (const char *const[]){business, real, speed, business_number, real_number, source})) {
                output_abandon(output);
                return EXIT_FAILED;
        }
        return output_close(output) ? EXIT_DONE : EXIT_FAILED;
}

/* pki --------------------------------------------------------------------------------------------------- */

static int authority_init(const struct invocation *invocation)
{
        const char *dir = invocation_value(invocation, "dir"), *name = invocation_value(invocation, "name");
        char error[PKI_ERROR_MAX];

        if (!pki_init(dir, name ? name : "ATM network CA",
                      (int)invocation_number(invocation, "days", AUTHORITY_DAYS), error)) {
                complain("%s", error);
                return EXIT_FAILED;
        }
        printf("%s/ca.crt: a new authority\n", dir);
        return EXIT_DONE;
}

struct issue {
        const struct invocation *invocation;
        struct pki_authority *authority;
        const char *out;
        int days;
        unsigned long issued, left; /* left: there already */
};

/* What is there is somebody's: its key is in an ATM, whose withdrawals would stop. */
static bool may_issue(const struct issue *issue, const char *name)
{
        if (invocation_has(issue->invocation, "replace") || !pki_is_issued(issue->out, name))
                return true;
        complain("%s/%s.crt or its key is there already: expected a name without them, or --replace",
                 issue->out, name);
        return false;
}

static bool issue_one(struct issue *issue, const char *name, enum pki_use use, const char *san)
{
        char error[PKI_ERROR_MAX];

        if (!pki_issue(issue->authority, name, use, san, issue->days, issue->out, error)) {
                complain("%s", error);
                return false;
        }
        issue->issued++;
        if (issue->issued % 50 == 0)
                progress("%lu certificates issued", issue->issued);
        return true;
}

/* One that is named: before the first is made, none of them is there. */
static bool issue_named(struct issue *issue, const char *name, enum pki_use use, const char *san)
{
        return may_issue(issue, name) && issue_one(issue, name, use, san);
}

/* Named before: one of each is made. */
static bool is_repeated(const char *const *terminals, size_t at)
{
        for (size_t i = 0; i < at; i++) {
                if (strcmp(terminals[i], terminals[at]) == 0)
                        return true;
        }
        return false;
}

static bool issue_listed(struct issue *issue)
{
        const char *const *terminals;
        size_t count = invocation_values(issue->invocation, "terminal", &terminals);

        for (size_t i = 0; i < count; i++) {
                if (!may_issue(issue, terminals[i]))
                        return false;
        }
        for (size_t i = 0; i < count; i++) {
                if (!is_repeated(terminals, i) && !issue_one(issue, terminals[i], PKI_CLIENT, NULL))
                        return false;
        }
        return true;
}

/* Of a whole fleet those that have none yet. */
static bool issue_missing(struct issue *issue, const char *terminal)
{
        if (!invocation_has(issue->invocation, "replace") && pki_is_issued(issue->out, terminal)) {
                issue->left++;
                return true;
        }
        return issue_one(issue, terminal, PKI_CLIENT, NULL);
}

/* Column `terminal` of any CSV file: a fleet's, a lab's. What was issued from it before stays. */
static bool issue_file(struct issue *issue, const char *path)
{
        static const char *const columns[] = {"terminal", NULL};
        struct csv csv;
        enum csv_result result = CSV_BAD;
        char canonical[VALUE_MAX], shown[2 * VALUE_MAX];

        if (!csv_open(&csv, path, false)) {
                complain("%s", csv.error);
                return false;
        }
        if (csv_header(&csv, columns))
                result = csv_next(&csv);
        for (; result == CSV_ROW; result = csv_next(&csv)) {
                const char *terminal = csv_value(&csv, 0);

                if (!value_check(VALUE_TERMINAL, terminal, canonical)) {
                        value_show(VALUE_TERMINAL, terminal, shown, sizeof(shown));
                        csv_refuse(&csv, csv.line, "terminal", "%s: expected %s", shown,
                                   value_row(VALUE_TERMINAL)->expected);
                        break;
                }
                if (!issue_missing(issue, canonical))
                        break;
        }
        if (*csv.error)
                complain("%s", csv.error);
        csv_close(&csv);
        return result == CSV_END;
}

static void say_issued(const struct issue *issue)
{
        char count[PLURAL_MAX];

        printf("%s: %s issued", issue->out, plural_count(issue->issued, "certificate", count));
        if (issue->left)
                printf(", %s there already", plural_count(issue->left, "other", count));
        printf("\n");
}

static int authority_issue(const struct invocation *invocation)
{
        const char *server = invocation_value(invocation, "server"),
                   *peer = invocation_value(invocation, "peer"),
                   *client = invocation_value(invocation, "client"),
                   *san = invocation_value(invocation, "san");
        const char *file = invocation_value(invocation, "terminals");
        struct issue issue = {.invocation = invocation,
                              .out = invocation_value(invocation, "out"),
                              .days = (int)invocation_number(invocation, "days", LEAF_DAYS)};
        char error[PKI_ERROR_MAX];
        bool issued;

        if (!!server + !!peer + !!client + !!file + invocation_has(invocation, "terminal") != 1)
                return usage_error(invocation->command,
                                   "for whom? expected one of --server NAME, --peer NAME, --client NAME, "
                                   "--terminal TERMINAL..., --terminals FILE");
        if ((server || peer) != !!san)
                return usage_error(invocation->command,
                                   "--server or --peer, and --san, go together: the names that clients "
                                   "connect to, as IP:127.0.0.1,DNS:localhost");
        issue.authority = pki_open(invocation_value(invocation, "dir"), error);
        if (!issue.authority) {
                complain("%s", error);
                return EXIT_FAILED;
        }
        issued = server   ? issue_named(&issue, server, PKI_SERVER, san)
                 : peer   ? issue_named(&issue, peer, PKI_PEER, san)
                 : client ? issue_named(&issue, client, PKI_CLIENT, NULL)
                 : file   ? issue_file(&issue, file)
                          : issue_listed(&issue);
        pki_close(issue.authority);
        progress_end();
        if (issued)
                say_issued(&issue);
        return issued ? EXIT_DONE : EXIT_FAILED;
}

static int authority_revoke(const struct invocation *invocation)
{
        const char *crl = invocation_value(invocation, "crl"), *const *certificates = NULL;
        size_t count = invocation_values(invocation, "certificate", &certificates);
        char error[PKI_ERROR_MAX], counted[PLURAL_MAX];
        struct pki_authority *authority = pki_open(invocation_value(invocation, "dir"), error);
        bool done = authority && pki_revoke(authority, crl, certificates, count,
                                            (int)invocation_number(invocation, "days", CRL_DAYS), error);

        if (done && count)
                printf("%s: %s revoked\n", crl, plural_count(count, "certificate", counted));
        else if (done)
                printf("%s: dated anew, no further certificate revoked\n", crl);
        else
                complain("%s", error);
        pki_close(authority);
        return done ? EXIT_DONE : EXIT_FAILED;
}

enum { SECONDS_OF_DAY = 86400 };

static bool print_listed(struct output *output, const struct pki_listed *listed, int64_t days)
{
        char ends[26], left[24];

        calendar_print_moment(listed->ends_s * 1000, ends);
        snprintf(left, sizeof(left), "%" PRId64, days);
        return output_row(output,
                          (const char *const[]){left, ends, pki_kind_name[listed->kind], listed->subject,
                                                *listed->serial ? listed->serial : NULL,
                                                listed->revoked ? "t" : "f", listed->file});
}

/* Whole days that are left, below zero of what has ended. */
static int64_t days_left(const struct pki_listed *listed, int64_t now_s)
{
        int64_t left_s = listed->ends_s - now_s;

        return left_s >= 0 ? left_s / SECONDS_OF_DAY : -((SECONDS_OF_DAY - 1 - left_s) / SECONDS_OF_DAY);
}

static const struct output_column list_columns[] = {
    {"days_left", OUTPUT_NUMBER, 0}, {"not_after", OUTPUT_TEXT, 0}, {"kind", OUTPUT_TEXT, 0},
    {"subject", OUTPUT_TEXT, 0},     {"serial", OUTPUT_TEXT, 0},    {"revoked", OUTPUT_BOOL, 0},
    {"file", OUTPUT_TEXT, 0},
};

/* How many of those that are in force end within the days that are asked for; -1 after a complaint. */
static int64_t print_list(const struct invocation *invocation, const struct pki_listed *listed, size_t count)
{
        struct output *output = output_open(invocation, OUTPUT_ROWS, list_columns, LENGTH(list_columns));
        int64_t now_s = real_now_ms() / 1000, within = invocation_number(invocation, "within", INT32_MAX),
                soon = 0;
        bool good = output != NULL;

        for (size_t i = 0; good && i < count; i++) {
                int64_t days = days_left(&listed[i], now_s);

                if (days >= within)
                        continue;
                soon += !listed[i].revoked;
                good = print_listed(output, &listed[i], days);
        }
        if (good)
                return output_close(output) ? soon : -1;
        output_abandon(output);
        return -1;
}

static void on_bad(const char *error, void *context)
{
        size_t *bad = context;

        complain("%s", error);
        (*bad)++;
}

static int authority_list(const struct invocation *invocation)
{
        const char *const *folders = NULL;
        size_t count = invocation_values(invocation, "folder", &folders), listed_count, bad = 0;
        char error[PKI_ERROR_MAX];
        struct pki_listed *listed = pki_list(folders, count, on_bad, &bad, &listed_count, error);
        int64_t soon;

        if (!listed) {
                complain("%s", error);
                return EXIT_FAILED;
        }
        soon = print_list(invocation, listed, listed_count);
        free(listed);
        if (soon > 0 && invocation_has(invocation, "within"))
                note("to be renewed within %s days: %" PRId64, invocation_value(invocation, "within"), soon);
        return !bad && (soon == 0 || (soon > 0 && !invocation_has(invocation, "within"))) ? EXIT_DONE
                                                                                          : EXIT_FAILED;
}

static const struct field list_fields[] = {
    {.name = "folder",
     .kind = VALUE_DIRECTORY,
     .flags = FIELD_POSITIONAL | FIELD_REQUIRED | FIELD_REPEAT,
     .text = "folders with certificates and lists of revoked ones, *.crt and *.pem: the authority's, those "
             "of what it has "
             "issued, and that of [tls] crl"},
    {.name = "within",
     .kind = VALUE_DAYS,
     .text = "only what ends within so many days; exit code 1 where something that is not revoked does"},
    {.name = NULL},
};
static const struct field init_fields[] = {
    {.name = "dir",
     .kind = VALUE_DIRECTORY,
     .flags = FIELD_REQUIRED,
     .text = "where ca.crt and ca.key are to be"},
    {.name = "name", .kind = VALUE_TEXT, .text = "the authority's name"},
    {.name = "days", .kind = VALUE_DAYS, .text = "how long it is valid; 3650 unless given"},
    {.name = NULL},
};
static const struct field issue_fields[] = {
    {.name = "dir", .kind = VALUE_DIRECTORY, .flags = FIELD_REQUIRED, .text = "where ca.crt and ca.key are"},
    {.name = "out",
     .kind = VALUE_DIRECTORY,
     .flags = FIELD_REQUIRED,
     .text = "where NAME.crt and NAME.key go"},
    {.name = "server", .kind = VALUE_TEXT, .text = "the name of a server's certificate"},
    {.name = "peer",
     .kind = VALUE_TEXT,
     .text = "likewise, of one that is a client of others like it, as etcd and Patroni are"},
    {.name = "client", .kind = VALUE_TEXT, .text = "whom a client is known as, as a login of the database"},
    {.name = "san", .kind = VALUE_SAN, .text = "the names that clients connect to"},
    {.name = "terminal",
     .kind = VALUE_TERMINAL,
     .flags = FIELD_REPEAT,
     .text = "ATMs, each with a certificate of its own"},
    {.name = "terminals",
     .kind = VALUE_FILE,
     .text = "all ATMs in column 'terminal' of a CSV file that have none in --out yet"},
    {.name = "replace",
     .kind = VALUE_NONE,
     .text = "also where NAME.crt or NAME.key is there: both are written anew, and whoever has the old ones "
             "needs the new; the old "
             "certificate is good until it ends or is revoked"},
    {.name = "days",
     .kind = VALUE_DAYS,
     .text = "how long they are valid, negative for expired ones; 825 unless given"},
    {.name = NULL},
};
static const struct field revoke_fields[] = {
    {.name = "dir", .kind = VALUE_DIRECTORY, .flags = FIELD_REQUIRED, .text = "where ca.crt and ca.key are"},
    {.name = "crl",
     .kind = VALUE_FILE,
     .flags = FIELD_REQUIRED,
     .text = "the list of revoked certificates, [tls] crl; made where there is none"},
    {.name = "certificate",
     .kind = VALUE_FILE,
     .flags = FIELD_REPEAT,
     .text = "certificates to be revoked, NAME.crt"},
    {.name = "days",
     .kind = VALUE_DAYS,
     .text = "when the next list is due, negative for an overdue one; 30 unless given"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "clock",
     .text = "show business time, real time and the speed between them",
     .flags = COMMAND_CLOCK | COMMAND_OUTPUT,
     .run = clock_show},
    {.noun = "pki",
     .verb = "init",
     .text = "make a certificate authority for a laboratory or a small network",
     .flags = COMMAND_CHANGES,
     .no_dry_run = "it writes files, and none that is there already but the list of who is revoked",
     .run = authority_init,
     .fields = init_fields},
    {.noun = "pki",
     .verb = "list",
     .text = "list certificates, and how many days each has left, what ends first on top",
     .more = "Of a list of revoked certificates it is when the next one is due; whatever such a list in one "
             "of the folders "
             "names is revoked. A file with none of them nor a key is named, and the exit code 1. For a "
             "monitor: --within, "
             "and its exit "
             "code.\n"
             "Example: atmctl pki list pki certs --within 30",
     .flags = COMMAND_OUTPUT | COMMAND_LIST,
     .columns = list_columns,
     .column_count = LENGTH(list_columns),
     .run = authority_list,
     .fields = list_fields},
    {.noun = "pki",
     .verb = "issue",
     .text = "issue certificates to a server, its clients or ATMs",
     .more =
         "A certificate decides which terminal a connection may be: its name is the terminal's id, DE 41.\n"
         "Example: atmctl pki issue --dir pki --out certs --terminals etc/atms.csv",
     .flags = COMMAND_CHANGES,
     .no_dry_run = "it writes files, and none that is there already but the list of who is revoked",
     .run = authority_issue,
     .fields = issue_fields},
    {.noun = "pki",
     .verb = "revoke",
     .text = "revoke certificates: add them to the authority's list, or only date it anew",
     .more =
         "atmd takes the list over as soon as the file changes, and ends connections of whom it names.\n"
         "Example: atmctl pki revoke --dir pki --crl /etc/atmd/pki/crl.pem --certificate certs/T0000001.crt",
     .flags = COMMAND_CHANGES,
     .no_dry_run = "it writes files, and none that is there already but the list of who is revoked",
     .run = authority_revoke,
     .fields = revoke_fields},
};

const struct command_group group_system = {commands, sizeof(commands) / sizeof(*commands),
                                           "Clock and certificates"};
