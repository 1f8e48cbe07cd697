/* What the tests share: see world.h. */
#include "tests/flow/wire/world.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/number.h"
#include "lib/security/token.h"

enum { JAPAN_MS = 9 * 3600 * 1000, TEXT_MAX = 4096 };

struct world world;

/* Shared by the tests' processes. */
static struct shared {
        atomic_int stan, next_card, next_bank_card, entries;
        int first_stan;
        bool used[CARDS_MAX];
        struct entry entry[BOOK_MAX];
} * shared;

static _Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void give_up(const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        fputs("test_wire: ", stderr);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
        va_end(arguments);
        exit(2);
}

/* ---- the laboratory ------------------------------------------------------------------------------------ */

static const char *variable(const char *name)
{
        const char *value = getenv(name);
        if (!value || !*value)
                give_up("%s is not set: source a laboratory's lab.env first", name);
        return value;
}

/* The value of a named column in a line of CSV without quotes. */
static void cell(const char *header, const char *line, const char *column, char *buffer, size_t size)
{
        size_t length = strlen(column);
        for (;;) {
                size_t name = strcspn(header, ",\r\n"), value = strcspn(line, ",\r\n");
                if (name == length && !memcmp(header, column, length)) {
                        if (value >= size)
                                give_up("column %s: longer than %zu", column, size - 1);
                        memcpy(buffer, line, value);
                        buffer[value] = '\0';
                        return;
                }
                if (header[name] != ',' || line[value] != ',')
                        give_up("no column %s", column);
                header += name + 1;
                line += value + 1;
        }
}

static FILE *open_csv(const char *path, char *header, size_t size)
{
        FILE *file = fopen(path, "re");
        if (!file || !fgets(header, (int)size, file))
                give_up("%s: %s", path, strerror(errno));
        return file;
}

static void read_cards(const char *path)
{
        char header[TEXT_MAX], line[TEXT_MAX], error[TOKEN_ERROR_MAX], balance[24];
        struct token_key *key = token_key_load(variable("ATM_TOKEN_KEY_FILE"), error);
        if (!key)
                give_up("%s", error);
        FILE *file = open_csv(path, header, sizeof(header));
        while (fgets(line, sizeof(line), file) && world.cards < CARDS_MAX) {
                struct card *card = &world.card[world.cards++];
                uint8_t token[TOKEN_LENGTH];
                cell(header, line, "pan", card->pan, sizeof(card->pan));
                cell(header, line, "expiry", card->expiry, sizeof(card->expiry));
                cell(header, line, "balance_yen", balance, sizeof(balance));
                card->opening_yen = number_known(balance);
                token_of_pan(key, card->pan, token);
                token_print(token, card->token);
        }
        fclose(file);
        token_key_free(key);
}

static void read_terminals(const char *path)
{
        char header[TEXT_MAX], line[TEXT_MAX];
        FILE *file = open_csv(path, header, sizeof(header));
        while (fgets(line, sizeof(line), file) && world.terminals < TERMINALS_MAX) {
                cell(header, line, "terminal", world.terminal[world.terminals], sizeof(world.terminal[0]));
                cell(header, line, "hall", world.hall[world.terminals], sizeof(world.hall[0]));
                world.terminals++;
        }
        fclose(file);
}

static void read_ports(const char *text)
{
        while (*text && world.instances < INSTANCES_MAX) {
                size_t length = strcspn(text, " ");
                world.port[world.instances++] = (int)number_known_bytes(text, length);
                text += length + (text[length] == ' ');
        }
}

/* A laboratory may have been used before: begin behind what it knows. */
static void mark_used(void)
{
        PGresult *rows =
            sql_rows("SELECT DISTINCT card_token::text FROM v_withdrawal WHERE card_token IS NOT NULL");
        for (int row = 0; row < PQntuples(rows); row++)
                for (int i = 0; i < world.cards; i++)
                        if (!strcmp(PQgetvalue(rows, row, 0), world.card[i].token))
                                shared->used[i] = true;
        PQclear(rows);
        shared->first_stan = (int)sql_number("SELECT coalesce(max(stan), 0) + 1 FROM v_withdrawal");
        atomic_store(&shared->stan, shared->first_stan);
        atomic_store(&shared->next_card, world.specials);
        atomic_store(&shared->next_bank_card, world.house_cards);
}

void world_open(void)
{
        world.host = variable("ATMD_HOST");
        world.ca = variable("ATMD_CA");
        world.certs = variable("ATMD_CERTS");
        world.acquirer = variable("ATM_ACQUIRER");
        world.clock_start_ms = number_known(variable("ATM_CLOCK_START_MS"));
        world.clock_anchor_ms = number_known(variable("ATM_CLOCK_ANCHOR_MS"));
        world.clock_speed = number_known(variable("ATM_CLOCK_SPEED"));
        read_ports(variable("ATMD_PORTS"));
        read_terminals(variable("ATM_TERMINALS"));
        if (getenv("WIRE_CARDS")) {
                read_cards(variable("WIRE_CARDS"));
                world.specials = world.cards;
                if (world.specials != SPECIAL_COUNT)
                        give_up("WIRE_CARDS: expected %d cards, found %d", SPECIAL_COUNT, world.specials);
        }
        read_cards(variable("ATM_CARDS"));
        world.house_cards = world.cards;
        if (getenv("ATM_BANK_CARDS"))
                read_cards(variable("ATM_BANK_CARDS"));
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                give_up("out of memory");
        mark_used();
}

/* ---- time ---------------------------------------------------------------------------------------------- */

int64_t business_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        int64_t real_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
        return world.clock_start_ms + (real_ms - world.clock_anchor_ms) * world.clock_speed;
}

static struct tm split(int64_t moment_ms, int64_t zone_ms)
{
        time_t seconds = (time_t)((moment_ms + zone_ms) / 1000);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        return tm;
}

int64_t japan_ms(const char *moment)
{
        struct tm tm = {.tm_isdst = 0};
        if (!strptime(moment, "%Y-%m-%d %H:%M:%S", &tm))
                give_up("no moment: %s", moment);
        return (int64_t)timegm(&tm) * 1000 - JAPAN_MS;
}

void de7_of(int64_t moment_ms, char buffer[11])
{
        struct tm tm = split(moment_ms, 0);
        strftime(buffer, 11, "%m%d%H%M%S", &tm);
}

/* No public holiday lies in the times that these tests play in. */
int64_t charge_yen_at(int64_t moment_ms)
{
        struct tm tm = split(moment_ms, JAPAN_MS);
        int minute = tm.tm_hour * 60 + tm.tm_min, day = (tm.tm_mon + 1) * 100 + tm.tm_mday;
        int month = (tm.tm_year + 1900) * 100 + tm.tm_mon + 1;
        bool off = tm.tm_wday == 0 || tm.tm_wday == 6 || day == 1231 || day <= 103;
        int64_t fee_yen = !off && minute >= 8 * 60 + 45 && minute < 18 * 60 ? 100 : 200;
        int percent = month >= 201910 ? 10 : month >= 201404 ? 8 : 5;
        return fee_yen + fee_yen * percent / 100;
}

void wait_for_second(void)
{
        int64_t into_ms = business_ms() % 1000;
        if (into_ms > 100)
                sleep_ms(1000 - into_ms);
}

static void set_number(const char *name, int64_t number)
{
        char text[24];
        snprintf(text, sizeof(text), "%" PRId64, number);
        setenv(name, text, 1);
}

void set_clock(int64_t moment_ms)
{
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        world.clock_anchor_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
        world.clock_start_ms = moment_ms;
        set_number("ATM_CLOCK_START_MS", world.clock_start_ms);
        set_number("ATM_CLOCK_ANCHOR_MS", world.clock_anchor_ms);
        run("\"$WIRE_CONTROL\" clock %" PRId64 " %" PRId64, world.clock_start_ms, world.clock_anchor_ms);
}

/* ---- database and commands ----------------------------------------------------------------------------- */

/* Each process has its own connections, made anew where PostgreSQL was stopped meanwhile. */
struct database {
        const char *conninfo;
        PGconn *connection;
        pid_t owner;
};

static PGconn *connection_of(struct database *database)
{
        if (database->connection && database->owner == getpid() &&
            PQstatus(database->connection) == CONNECTION_OK)
                return database->connection;
        database->connection = PQconnectdb(database->conninfo);
        database->owner = getpid();
        if (PQstatus(database->connection) != CONNECTION_OK)
                give_up("%s", PQerrorMessage(database->connection));
        return database->connection;
}

static PGresult *execute(struct database *database, const char *text, ExecStatusType wanted)
{
        PGresult *result = PQexec(connection_of(database), text);
        if (PQresultStatus(result) != wanted) {
                PQclear(result);
                result = PQexec(connection_of(database), text);
        }
        if (PQresultStatus(result) != wanted)
                give_up("%s: %s", text, PQresultErrorMessage(result));
        return result;
}

PGresult *sql_rows(const char *text)
{
        static struct database reader = {.conninfo = ""};
        return execute(&reader, text, PGRES_TUPLES_OK);
}

void sql_change(const char *format, ...)
{
        static struct database superuser = {.conninfo = "user=postgres"};
        char text[TEXT_MAX];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        PQclear(execute(&superuser, text, PGRES_COMMAND_OK));
}

static void first_cell(char *buffer, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
static void first_cell(char *buffer, size_t size, const char *format, va_list arguments)
{
        char text[TEXT_MAX];
        vsnprintf(text, sizeof(text), format, arguments);
        PGresult *rows = sql_rows(text);
        snprintf(buffer, size, "%s", PQntuples(rows) ? PQgetvalue(rows, 0, 0) : "");
        PQclear(rows);
}

void sql_text(char *buffer, size_t size, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        first_cell(buffer, size, format, arguments);
        va_end(arguments);
}

int64_t sql_number(const char *format, ...)
{
        char buffer[64];
        int64_t number;
        va_list arguments;
        va_start(arguments, format);
        first_cell(buffer, sizeof(buffer), format, arguments);
        va_end(arguments);
        if (!number_parse(buffer, INT64_MIN, INT64_MAX, &number))
                give_up("%s: '%s' is no number", format, buffer);
        return number;
}

void run(const char *format, ...)
{
        char text[TEXT_MAX];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        fflush(NULL);
        ck_assert_msg(system(text) == 0, "the command failed: %s", text);
}

int run_status(const char *format, ...)
{
        char text[TEXT_MAX];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        fflush(NULL);
        int status = system(text);
        ck_assert_msg(WIFEXITED(status), "the command was killed: %s", text);
        return WEXITSTATUS(status);
}

pid_t pid_in(const char *folder, const char *name)
{
        char path[PATH_SIZE];
        long pid = 0;
        make_path(path, folder, name, "");
        FILE *file = fopen(path, "re");
        ck_assert_msg(file != NULL && fscanf(file, "%ld", &pid) == 1 && pid > 1, "%s", path);
        fclose(file);
        return (pid_t)pid;
}

void make_path(char buffer[PATH_SIZE], const char *folder, const char *name, const char *suffix)
{
        if (snprintf(buffer, PATH_SIZE, "%s/%s%s", folder, name, suffix) >= PATH_SIZE)
                give_up("the path is too long: %s/%s%s", folder, name, suffix);
}

/* ---- ATMs ---------------------------------------------------------------------------------------------- */

struct client *connect_with(const char *folder, const char *name, int instance, char *why, size_t why_size)
{
        char certificate[PATH_SIZE], key[PATH_SIZE];
        make_path(certificate, folder, name, ".crt");
        make_path(key, folder, name, ".key");
        struct client_options options = {.host = world.host,
                                         .port = world.port[instance],
                                         .ca = world.ca,
                                         .certificate = certificate,
                                         .key = key};
        return client_connect(&options, why, why_size);
}

struct atm atm_connect(int terminal, int instance)
{
        char why[256] = "";
        struct atm atm = {
            .terminal = world.terminal[terminal], .hall = world.hall[terminal], .instance = instance};
        ck_assert_int_lt(terminal, world.terminals);
        ck_assert_int_lt(instance, world.instances);
        atm.client = connect_with(world.certs, atm.terminal, instance, why, sizeof(why));
        ck_assert_msg(atm.client != NULL, "%s can't connect: %s", atm.terminal, why);
        return atm;
}

struct atm atm_open(int terminal, int instance)
{
        struct atm atm = atm_connect(terminal, instance);
        struct message request, answer;
        make_network(&request, &atm, "001");
        ask(&atm, &request, &answer, "00");
        return atm;
}

void atm_close(struct atm *atm)
{
        client_close(atm->client);
        atm->client = NULL;
}

int take_stan(void)
{
        return atomic_fetch_add(&shared->stan, 1);
}

static const struct card *next_unused(atomic_int *next, int end)
{
        for (;;) {
                int card = atomic_fetch_add(next, 1);
                if (card >= end)
                        give_up("all cards up to the %dth are used up", end);
                if (!shared->used[card])
                        return &world.card[card];
        }
}

const struct card *take_card(void)
{
        return next_unused(&shared->next_card, world.house_cards);
}

const struct card *take_bank_card(void)
{
        return next_unused(&shared->next_bank_card, world.cards);
}

const struct card *special_card(enum special special)
{
        return &world.card[special];
}

/* ---- requests ------------------------------------------------------------------------------------------ */

void start_request_at(struct message *ret_message, const struct atm *atm, const char *mti, int64_t moment_ms)
{
        char de7[11];
        de7_of(moment_ms, de7);
        message_start(ret_message, mti);
        message_set(ret_message, 7, de7);
        message_print(ret_message, 11, "%06d", take_stan());
        message_set(ret_message, 41, atm->terminal);
}

void start_request(struct message *ret_message, const struct atm *atm, const char *mti)
{
        start_request_at(ret_message, atm, mti, business_ms());
}

void make_network(struct message *ret_message, const struct atm *atm, const char *code)
{
        start_request(ret_message, atm, "0800");
        message_set(ret_message, 70, code);
}

static void make_card_request(struct message *ret_message, const struct atm *atm, const char *code,
                              const struct card *card, int64_t moment_ms)
{
        start_request_at(ret_message, atm, "0200", moment_ms);
        message_set(ret_message, 3, code);
        message_set(ret_message, 2, card->pan);
        message_set(ret_message, 14, card->expiry);
        message_set(ret_message, 32, world.acquirer);
        message_print(ret_message, 42, "%-15s", atm->hall);
        message_set(ret_message, 49, "392");
}

void make_withdrawal_at(struct message *ret_message, const struct atm *atm, const struct card *card,
                        int64_t amount_yen, int64_t moment_ms)
{
        make_card_request(ret_message, atm, "010000", card, moment_ms);
        message_print(ret_message, 4, "%012" PRId64, amount_yen);
}

void make_withdrawal(struct message *ret_message, const struct atm *atm, const struct card *card,
                     int64_t amount_yen)
{
        make_withdrawal_at(ret_message, atm, card, amount_yen, business_ms());
}

void make_inquiry(struct message *ret_message, const struct atm *atm, const struct card *card)
{
        make_card_request(ret_message, atm, "310000", card, business_ms());
}

void make_advice(struct message *ret_message, const struct atm *atm, const char *mti,
                 const struct message *original, int64_t amount_yen, int64_t dispensed_yen)
{
        bool reversal = !strncmp(mti, "042", 3);
        start_request(ret_message, atm, mti);
        message_set(ret_message, 3, "010000");
        message_print(ret_message, 4, "%012" PRId64, amount_yen);
        message_set(ret_message, 32, world.acquirer);
        message_set(ret_message, 49, "392");
        message_print(ret_message, 90, "0200%s%s%022d", message_get(original, 11), message_get(original, 7),
                      0);
        if (reversal)
                message_set(ret_message, 39, dispensed_yen > 0 ? "32" : "68");
        if (dispensed_yen != NO_DE_95)
                message_print(ret_message, 95, "%012" PRId64 "%012dD00000000D00000000", dispensed_yen, 0);
}

void make_valid(struct message *ret_message, const struct atm *atm, const char *mti)
{
        struct message original;
        switch (mti[1]) {
        case '8':
                make_network(ret_message, atm, "301");
                break;
        case '5':
                start_request(ret_message, atm, mti);
                message_set(ret_message, 15, "0610");
                for (int field = 74; field <= 77; field++)
                        message_set(ret_message, field, "0000000000");
                for (int field = 86; field <= 89; field++)
                        message_set(ret_message, field, "0000000000000000");
                message_set(ret_message, 97, "D0000000000000000");
                break;
        case '6':
                start_request(ret_message, atm, mti);
                message_set(ret_message, 48, "CA004abcd");
                break;
        default:
                make_withdrawal(&original, atm, take_card(), 10000);
                if (!strncmp(mti, "020", 3))
                        *ret_message = original;
                else
                        make_advice(ret_message, atm, mti, &original, 10000, 0);
                memcpy(ret_message->mti, mti, sizeof(ret_message->mti));
        }
}

/* ---- answers ------------------------------------------------------------------------------------------- */

int64_t moment_of(const struct message *request)
{
        struct tm now = split(business_ms(), 0);
        int64_t best_ms = 0, least_ms = INT64_MAX;
        for (int year = now.tm_year - 1; year <= now.tm_year + 1; year++) {
                struct tm tm = {.tm_isdst = 0};
                strptime(message_get(request, 7), "%m%d%H%M%S", &tm);
                tm.tm_year = year;
                int64_t moment_ms = (int64_t)timegm(&tm) * 1000, away_ms = llabs(moment_ms - business_ms());
                if (away_ms < least_ms) {
                        least_ms = away_ms;
                        best_ms = moment_ms;
                }
        }
        return best_ms;
}

static void check_approval(const struct message *request, const struct message *answer)
{
        char day[5], charge[16], rrn[16];
        int64_t moment_ms = moment_of(request);
        struct tm tm = split(moment_ms, JAPAN_MS);
        strftime(day, sizeof(day), "%m%d", &tm);
        snprintf(charge, sizeof(charge), "D%08" PRId64, charge_yen_at(moment_ms));
        snprintf(rrn, sizeof(rrn), "%d%03d%02d%s", tm.tm_year % 10, tm.tm_yday + 1, tm.tm_hour,
                 message_get(request, 11));
        ck_assert_str_eq(message_get(answer, 15), day);
        ck_assert_str_eq(message_get(answer, 28), charge);
        ck_assert_str_eq(message_get(answer, 37), rrn);
        ck_assert_uint_eq(strlen(message_get(answer, 38)), 6);
}

/* Two groups of 20: available and ledger balance, each in yen. */
static void check_balances(const struct message *answer)
{
        const char *text = message_get(answer, 54);
        ck_assert_uint_eq(strlen(text), 40);
        ck_assert_msg(!strncmp(text + 2, "02392C", 6), "DE 54: %s", text);
        ck_assert_msg(!strncmp(text + 22, "01392C", 6), "DE 54: %s", text);
        ck_assert_mem_eq(text + 8, text + 28, 12);
        ck_assert_str_eq(message_get(answer, 28), "D00000000");
}

/* DE 12 and 13 are business time in Japan, within two real seconds. */
static void check_time(const struct message *answer)
{
        char text[16], earlier[16];
        struct tm tm;
        snprintf(text, sizeof(text), "%s%s", message_get(answer, 13), message_get(answer, 12));
        for (int64_t back_ms = 0; back_ms <= 2000 * world.clock_speed; back_ms += 1000) {
                tm = split(business_ms() - back_ms, JAPAN_MS);
                strftime(earlier, sizeof(earlier), "%m%d%H%M%S", &tm);
                if (!strcmp(text, earlier))
                        return;
        }
        ck_abort_msg("DE 13 and 12 are %s, business time in Japan is no later than %s", text, earlier);
}

void check_answer(const struct message *request, const struct message *answer, const char *de39)
{
        static const int echoed[] = {2, 3, 4, 7, 11, 32, 41, 42, 49, 70};
        bool wanted[MESSAGE_FIELDS + 1] = {[39] = true}, is_echo[MESSAGE_FIELDS + 1] = {false};
        bool is_inquiry = !strncmp(message_get(request, 3), "31", 2);
        char text[1024], mti[5];
        message_describe(answer, text, sizeof(text));
        snprintf(mti, sizeof(mti), "%s", request->mti);
        mti[2]++;
        mti[3] = '0';
        ck_assert_msg(!strcmp(answer->mti, mti), "expected %s: %s", mti, text);
        ck_assert_msg(!strcmp(message_get(answer, 39), de39), "expected DE 39 %s: %s", de39, text);
        for (size_t i = 0; i < sizeof(echoed) / sizeof(echoed[0]); i++)
                wanted[echoed[i]] = is_echo[echoed[i]] = request->has[echoed[i]];
        if (!strcmp(mti, "0810"))
                wanted[12] = wanted[13] = true;
        if (!strcmp(mti, "0210") && !strcmp(de39, "00")) {
                wanted[28] = true;
                wanted[54] = is_inquiry;
                wanted[15] = wanted[37] = wanted[38] = !is_inquiry;
        }
        for (int field = 2; field <= MESSAGE_FIELDS; field++) {
                ck_assert_msg(answer->has[field] == wanted[field], "field %d %s: %s", field,
                              wanted[field] ? "is missing" : "should not be there", text);
                ck_assert_msg(!is_echo[field] ||
                                  !strcmp(message_get(answer, field), message_get(request, field)),
                              "field %d is no echo: %s", field, text);
        }
        if (wanted[12])
                check_time(answer);
        if (wanted[15])
                check_approval(request, answer);
        if (wanted[54])
                check_balances(answer);
}

void send_message(struct atm *atm, const struct message *message)
{
        client_send(atm->client, message);
}

void expect_answer(struct atm *atm, struct message *ret_answer)
{
        enum client_result result = client_receive(atm->client, ret_answer, ANSWER_MS);
        ck_assert_msg(result == CLIENT_RECEIVED, "instead of an answer: %s %s", client_result_name[result],
                      client_why(atm->client));
}

void expect_silence(struct atm *atm)
{
        struct message answer;
        char text[512] = "";
        enum client_result result = client_receive(atm->client, &answer, SILENCE_MS);
        if (result == CLIENT_RECEIVED)
                message_describe(&answer, text, sizeof(text));
        ck_assert_msg(result == CLIENT_SILENT, "instead of silence: %s %s", client_result_name[result], text);
}

void expect_closed(struct client *client)
{
        struct message answer;
        char text[512] = "";
        enum client_result result = client_receive(client, &answer, ANSWER_MS);
        if (result == CLIENT_RECEIVED)
                message_describe(&answer, text, sizeof(text));
        ck_assert_msg(result == CLIENT_CLOSED || result == CLIENT_BROKEN, "instead of closing: %s %s",
                      client_result_name[result], text);
}

void ask(struct atm *atm, const struct message *request, struct message *ret_answer, const char *de39)
{
        send_message(atm, request);
        expect_answer(atm, ret_answer);
        check_answer(request, ret_answer, de39);
}

void expect_echo(struct atm *atm)
{
        struct message request, answer;
        make_network(&request, atm, "301");
        ask(atm, &request, &answer, "00");
}

/* ---- trades -------------------------------------------------------------------------------------------- */

void trade_request(struct atm *atm, const struct message *request, const struct card *card, const char *de39,
                   struct trade *ret_trade)
{
        ret_trade->request = *request;
        ret_trade->card = card;
        ask(atm, request, &ret_trade->answer, de39);
        ret_trade->entry = book_decision(request, card, de39);
}

void withdraw_at(struct atm *atm, const struct card *card, int64_t amount_yen, int64_t moment_ms,
                 const char *de39, struct trade *ret_trade)
{
        struct message request;
        make_withdrawal_at(&request, atm, card, amount_yen, moment_ms);
        trade_request(atm, &request, card, de39, ret_trade);
}

void withdraw(struct atm *atm, const struct card *card, int64_t amount_yen, const char *de39,
              struct trade *ret_trade)
{
        withdraw_at(atm, card, amount_yen, business_ms(), de39, ret_trade);
}

void advise(struct atm *atm, struct trade *trade, const char *mti, int64_t amount_yen, int64_t dispensed_yen)
{
        struct message request, answer;
        make_advice(&request, atm, mti, &trade->request, amount_yen, dispensed_yen);
        ask(atm, &request, &answer, "00");
        if (dispensed_yen == NO_DE_95)
                dispensed_yen = !strncmp(mti, "022", 3) ? amount_yen : 0;
        book_advice(trade->entry, dispensed_yen);
}

/* ---- the book ------------------------------------------------------------------------------------------ */

static int new_entry(const struct message *request)
{
        int number = atomic_fetch_add(&shared->entries, 1);
        if (number >= BOOK_MAX)
                give_up("the book is full");
        struct entry *entry = &shared->entry[number];
        snprintf(entry->terminal, sizeof(entry->terminal), "%s", message_get(request, 41));
        entry->stan = atoi(message_get(request, 11));
        entry->moment_ms = moment_of(request);
        return number;
}

int book_decision(const struct message *request, const struct card *card, const char *de39)
{
        int number = new_entry(request);
        struct entry *entry = &shared->entry[number];
        bool approved = !strcmp(de39, "00");
        snprintf(entry->de39, sizeof(entry->de39), "%s", de39);
        entry->state = approved ? "approved" : "declined";
        entry->card = card;
        entry->amount_yen =
            *message_get(request, 4) ? number_known(message_get(request, 4)) : 0; /* an inquiry has none */
        entry->charge_yen = approved ? charge_yen_at(entry->moment_ms) : 0;
        return number;
}

int book_blocked(const struct message *request, int64_t amount_yen)
{
        int number = new_entry(request);
        struct entry *entry = &shared->entry[number];
        strcpy(entry->de39, "94");
        entry->state = "blocked";
        entry->amount_yen = amount_yen;
        return number;
}

struct entry *book_entry(int number)
{
        return &shared->entry[number];
}

int book_count(void)
{
        return atomic_load(&shared->entries);
}

int book_first_stan(void)
{
        return shared->first_stan;
}

void book_advice(int number, int64_t dispensed_yen)
{
        struct entry *entry = &shared->entry[number];
        bool approved = !strcmp(entry->state, "approved"), completed = !strcmp(entry->state, "completed");
        int64_t most_yen = completed ? entry->dispensed_yen : entry->amount_yen;
        if ((!approved && !completed) || dispensed_yen > most_yen || dispensed_yen % 1000 != 0)
                return;
        entry->state = dispensed_yen ? "completed" : "reversed";
        entry->dispensed_yen = dispensed_yen;
}
