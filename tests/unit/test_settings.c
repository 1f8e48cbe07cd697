/*
 * Protects config/settings.c: every kind of fault is named with file, line and key; the commented
 * configuration says the same as the rows; what may be secret never gets into an error.
 */
#include "config/settings.h"
#include "config/settings_change.h"
#include "tests/suite.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANDATORY                                                                                            \
        "[tls]\ncertificate = a.crt\nkey = a.key\nca = ca.crt\n"                                             \
        "[database]\nconninfo = host=/tmp password=hunter2\n"                                                \
        "[card]\ntoken_key_file = /etc/token.key\n"
enum { MANDATORY_LINES = 8 };

static char folder[64], path[128];

static void folder_setup(void)
{
        strcpy(folder, "/tmp/test_settings.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/atmd.conf", folder);
}

static void folder_teardown(void)
{
        unlink(path);
        rmdir(folder);
}

static void file_put(const char *text, size_t length)
{
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(text, 1, length, file), length);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(chmod(path, 0640), 0);
}

static bool load(const char *text, struct settings *ret_settings, char error[SETTINGS_ERROR_MAX])
{
        file_put(text, strlen(text));
        return settings_load(path, ret_settings, error);
}

/* `after` follows the mandatory keys unless `alone`; line counts within `after`. */
static const struct fault {
        const char *name;
        bool alone;
        const char *after;
        int line;            /* 0: the error belongs to the file */
        const char *says[3]; /* the first right after "FILE:LINE: " */
} faults[] = {
    {"unknown key",
     false,
     "[tls]\nmaximum = 1.3\n",
     2,
     {"[tls] maximum: unknown key", "expected one of: certificate, key, ca, crl, minimum"}},
    {"unknown section with a key",
     false,
     "\n[bank]\nhost = x\n",
     2,
     {"unknown section [bank]",
      "expected one of: atmd, tls, database, card, key_module, clock, limits, saf, link NAME"}},
    {"unknown section without a key", false, "[bank]\n", 1, {"unknown section [bank]"}},
    {"key before any section",
     true,
     "# c\nlisten_port = 1\n",
     2,
     {"key 'listen_port' stands before any section"}},
    {"key given twice",
     false,
     "[atmd]\nlisten_port = 1\nlisten_port = 2\n",
     3,
     {"[atmd] listen_port: given twice", "first in line 10"}},
    {"key given twice in two parts of a section",
     false,
     "[tls]\nca = b.crt\n",
     2,
     {"[tls] ca: given twice, first in line 4"}},
    {"no equals sign",
     false,
     "[atmd]\nlisten_port\n",
     2,
     {"not understood; expected [section], key = value"}},
    {"section not closed", false, "[atmd\n", 1, {"not understood"}},
    {"number with letters",
     false,
     "[atmd]\nlisten_port = 75x\n",
     2,
     {"[atmd] listen_port = '75x': wrong value", "a whole number from 1 to 65535"}},
    {"number too large", false, "[atmd]\nlisten_port = 65536\n", 2, {"[atmd] listen_port = '65536'"}},
    {"clocks off by half a day",
     false,
     "[clock]\nskew_s = 43200\n",
     2,
     {"[clock] skew_s = '43200'", "a whole number from 1 to 39600"}},
    {"number too small", false, "[atmd]\nlisten_port = 0\n", 2, {"[atmd] listen_port = '0'"}},
    {"number that overflows 64 bits",
     false,
     "[limits]\nidle_timeout_ms = 99999999999999999999\n",
     2,
     {"[limits] idle_timeout_ms = '99999999999999999999'"}},
    {"negative number", false, "[limits]\ndrain_timeout_ms = -1\n", 2, {"[limits] drain_timeout_ms = '-1'"}},
    {"number with a sign", false, "[limits]\ndrain_timeout_ms = +1\n", 2, {"[limits] drain_timeout_ms"}},
    {"number in another base",
     false,
     "[limits]\ndrain_timeout_ms = 0x10\n",
     2,
     {"[limits] drain_timeout_ms"}},
    {"empty number", false, "[atmd]\nlisten_port =\n", 2, {"[atmd] listen_port: empty"}},
    {"no host", false, "[atmd]\nlisten_host =\n", 2, {"[atmd] listen_host: empty", "a host's name"}},
    {"host with a blank", false, "[atmd]\nlisten_host = a b\n", 2, {"[atmd] listen_host = 'a b'"}},
    {"host with a port", false, "[atmd]\nlisten_host = [::1]:80\n", 2, {"[atmd] listen_host", "or [::1]"}},
    {"unknown choice",
     false,
     "[atmd]\nlog_level = verbose\n",
     2,
     {"[atmd] log_level = 'verbose'", "one of debug|info|warning|error"}},
    {"part of a choice", false, "[atmd]\nlog_level = warn\n", 2, {"[atmd] log_level = 'warn'"}},
    {"two choices", false, "[atmd]\nlog_level = debug|info\n", 2, {"[atmd] log_level"}},
    {"empty choice", false, "[tls]\nminimum =\n", 2, {"[tls] minimum: empty", "one of 1.3|1.2"}},
    {"bool neither yes nor no",
     false,
     "[clock]\nlaboratory = true\n",
     2,
     {"[clock] laboratory = 'true'", "yes or no"}},
    {"start outside a laboratory",
     false,
     "[clock]\nstart = 2016-12-29T08:00\n",
     2,
     {"[clock] start: only a laboratory"}},
    {"anchor outside a laboratory",
     false,
     "[clock]\nlaboratory = no\nanchor = 0\n",
     3,
     {"[clock] anchor: only a laboratory", "laboratory = yes"}},
    {"speed outside a laboratory", false, "[clock]\nspeed = 2\n", 2, {"[clock] speed: only a laboratory"}},
    {"start without anchor",
     false,
     "[clock]\nlaboratory = yes\nstart = 2016-12-29T08:00:00Z\n",
     3,
     {"[clock] start: given without anchor", "both or neither"}},
    {"anchor without start",
     false,
     "[clock]\nlaboratory = yes\nanchor = 2016-12-29T08:00:00Z\n",
     3,
     {"[clock] anchor: given without start"}},
    {"speed without start and anchor",
     false,
     "[clock]\nspeed = 60\nlaboratory = yes\n",
     2,
     {"[clock] speed: other than 1 without start and anchor"}},
    {"a day that does not exist",
     false,
     "[clock]\nlaboratory = yes\nanchor = 1\nstart = 2016-02-30T08:00:00Z\n",
     4,
     {"[clock] start = '2016-02-30T08:00:00Z'", "a moment such as"}},
    {"a moment past 2100", false, "[clock]\nstart = 4102444800001\n", 2, {"[clock] start = '4102444800001'"}},
    {"speed zero", false, "[clock]\nlaboratory = yes\nspeed = 0\n", 3, {"[clock] speed = '0'"}},
    {"speed past its bound",
     false,
     "[clock]\nlaboratory = yes\nspeed = 1000001\n",
     3,
     {"[clock] speed = '1000001'", "from 1 to 1000000"}},
    {"queue smaller than a batch",
     false,
     "[database]\nqueue_max = 10\n",
     2,
     {"[database] queue_max: a queue of 10 can't hold a batch of 256"}},
    {"batch larger than the queue",
     false,
     "[database]\nqueue_max = 100\nbatch_max = 101\n",
     2,
     {"[database] queue_max: a queue of 100 can't hold a batch of 101"}},
    {"a socket's path that is none",
     false,
     "[key_module]\nsocket = "
     "/run/"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aa\n",
     2,
     {"[key_module] socket: "
      "'/run/"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaa' is longer than a socket's path may be; expected at most 107 characters"}},
    {"indented key under another",
     false,
     "[atmd]\nlisten_host = a\n  listen_port = 1\n",
     3,
     {"[atmd] listen_host: an indented line", "at the start of the line"}},
    {"indented key under a conninfo",
     true,
     "[database]\nconninfo = host=x\n  batch_max = 1\n",
     3,
     {"[database] conninfo: an indented line"}},
    {"the first of two faults",
     false,
     "[limits]\ndrain_timeout_ms = x\n[atmd]\nlisten_port = y\n",
     2,
     {"[limits] drain_timeout_ms"}},
    {"a line fault before a key fault", false, "[atmd]\nnonsense\nmore = 1\n", 2, {"not understood"}},
    {"a key fault before a line fault",
     false,
     "[atmd]\nmore = 1\nnonsense\n",
     2,
     {"[atmd] more: unknown key"}},
    {"nothing at all", true, "", 0, {"[tls] certificate is missing: atmd's certificate"}},
    {"one mandatory key missing",
     true,
     "[tls]\ncertificate = a\nkey = b\nca = c\n[database]\nconninfo = d\n",
     0,
     {"[card] token_key_file is missing: file of 64 hexadecimal digits"}},
#define LINK "[link BANKA]\naddresses = a:1\ncertificate = c\nkey = k\nca = a\nacquirer = 1\n"
    {"a link without a name", false, "[link ]\n", 1, {"[link (not a word)]: expected a name"}},
    {"a link's name in small letters",
     false,
     "[link banka]\n",
     1,
     {"[link banka]: expected a name of 1 to 11 capital letters and digits"}},
    {"a link's name too long", false, "[link BANKABANKABA]\n", 1, {"[link BANKABANKABA]: expected a name"}},
    {"an unknown key of a link",
     false,
     LINK "host = x\n",
     7,
     {"[link BANKA] host: unknown key", "expected one of: dialect, addresses, connections"}},
    {"a link's key given twice",
     false,
     LINK "[link BANKB]\n[link BANKA]\nkey = k\n",
     9,
     {"[link BANKA] key: given twice, first in line 12"}},
    {"a link with nothing",
     false,
     "[link BANKA]\n",
     0,
     {"[link BANKA] addresses is missing: where the bank"}},
    {"the second of two links without a key",
     false,
     LINK "[link BANKB]\naddresses = a:1\ncertificate = c\nca = a\nacquirer = 1\n",
     0,
     {"[link BANKB] key is missing"}},
    {"an address without a port",
     false,
     "[link BANKA]\naddresses = a:1, b\n",
     2,
     {"[link BANKA] addresses = 'a:1, b': wrong value; expected HOST:PORT"}},
    {"an address with port zero", false, "[link BANKA]\naddresses = a:0\n", 2, {"[link BANKA] addresses"}},
    {"colons without brackets", false, "[link BANKA]\naddresses = ::1:80\n", 2, {"[link BANKA] addresses"}},
    {"two addresses without a comma",
     false,
     "[link BANKA]\naddresses = a:1 b:2\n",
     2,
     {"[link BANKA] addresses"}},
    {"a comma and no address", false, "[link BANKA]\naddresses = a:1,\n", 2, {"[link BANKA] addresses"}},
    {"an acquirer with a letter",
     false,
     "[link BANKA]\nacquirer = 99X\n",
     2,
     {"[link BANKA] acquirer = '99X': wrong value; expected 1 to 11 digits"}},
    {"an acquirer of twelve digits",
     false,
     "[link BANKA]\nacquirer = 123456789012\n",
     2,
     {"[link BANKA] acquirer"}},
    {"no connections", false, "[link BANKA]\nconnections = 0\n", 2, {"[link BANKA] connections = '0'"}},
    {"a bank that is waited for longer than the ATM waits",
     false,
     LINK "answer_timeout_ms = 20000\n",
     7,
     {"[link BANKA] answer_timeout_ms: 20000 is not less than [limits] request_timeout_ms, 20000"}},
    {"an ATM that waits less long than for the bank",
     false,
     LINK "[limits]\nrequest_timeout_ms = 15000\n",
     8,
     {"[link BANKA] answer_timeout_ms: 15000 is not less"}},
    {"a first pause longer than the longest",
     false,
     "[saf]\nretry_max_ms = 999\n",
     2,
     {"[saf] retry_first_ms: 1000 is more than retry_max_ms, 999"}},
    {"a fault with a line before what is missing",
     true,
     "[atmd]\nlog_target = syslog\n",
     2,
     {"[atmd] log_target = 'syslog'", "one of stderr|journal"}},
};

START_TEST(each_fault_is_named_with_file_line_and_key)
{
        const struct fault *f = &faults[_i];
        char text[4096], wanted[256], error[SETTINGS_ERROR_MAX] = "";
        struct settings settings;
        memset(&settings, 0x5a, sizeof(settings));
        struct settings before = settings;

        snprintf(text, sizeof(text), "%s%s", f->alone ? "" : MANDATORY, f->after);
        ck_assert_msg(!load(text, &settings, error), "%s: was accepted", f->name);
        if (f->line)
                snprintf(wanted, sizeof(wanted), "%s:%d: %s", path,
                         f->line + (f->alone ? 0 : MANDATORY_LINES), f->says[0]);
        else
                snprintf(wanted, sizeof(wanted), "%s: %s", path, f->says[0]);
        ck_assert_msg(strncmp(error, wanted, strlen(wanted)) == 0, "%s: wanted \"%s...\", got \"%s\"",
                      f->name, wanted, error);
        for (int i = 1; i < 3 && f->says[i]; i++)
                ck_assert_msg(strstr(error, f->says[i]), "%s: no \"%s\" in \"%s\"", f->name, f->says[i],
                              error);
        ck_assert_msg(memcmp(&settings, &before, sizeof(settings)) == 0, "%s: the result was touched",
                      f->name);
}
END_TEST

START_TEST(a_line_too_long_or_with_a_zero_byte_is_refused)
{
        char text[1024], wanted[256], error[SETTINGS_ERROR_MAX];
        struct settings settings;

        int n = snprintf(text, sizeof(text), "%s[atmd]\nlisten_host = ", MANDATORY);
        memset(text + n, 'a', 300);
        strcpy(text + n + 300, "\n");
        ck_assert(!load(text, &settings, error));
        snprintf(wanted, sizeof(wanted), "%s:%d: the line is longer than 198 characters", path,
                 MANDATORY_LINES + 2);
        ck_assert_msg(strncmp(error, wanted, strlen(wanted)) == 0, "%s", error);

        file_put("[atmd]\nlisten_port = 1\0\n", 24);
        ck_assert(!settings_load(path, &settings, error));
        snprintf(wanted, sizeof(wanted), "%s:2: a zero byte", path);
        ck_assert_msg(strncmp(error, wanted, strlen(wanted)) == 0, "%s", error);
}
END_TEST

START_TEST(the_longest_line_is_still_read)
{
        char text[1024], error[SETTINGS_ERROR_MAX];
        struct settings settings;
        int n = snprintf(text, sizeof(text), "%s[atmd]\nlisten_host = ", MANDATORY);
        int value = 198 - (int)strlen("listen_host = ");
        memset(text + n, 'a', (size_t)value);
        strcpy(text + n + value, "\n[limits]\nconnections_max = 7\n");
        ck_assert_msg(load(text, &settings, error), "%s", error);
        ck_assert_int_eq((int)strlen(settings.listen_host), value);
        ck_assert_int_eq(settings.connections_max, 7);
}
END_TEST

START_TEST(a_file_that_is_not_there_or_not_a_file_is_named)
{
        char error[SETTINGS_ERROR_MAX], wanted[256];
        struct settings settings;
        ck_assert(!settings_load(path, &settings, error));
        snprintf(wanted, sizeof(wanted), "%s: No such file or directory; expected a configuration file",
                 path);
        ck_assert_str_eq(error, wanted);
        ck_assert(!settings_load(folder, &settings, error));
        snprintf(wanted, sizeof(wanted), "%s: not a file; expected a configuration file", folder);
        ck_assert_str_eq(error, wanted);
}
END_TEST

/* mode; a password in it; what is said. */
static const struct {
        unsigned mode;
        bool password;
        const char *says;
} modes[] = {
    {0600, true, NULL},
    {0640, true, NULL},
    {0644, false, NULL},
    {0644, true, "mode 0644 lets everybody read the password in [database] conninfo; expected 0640 or less"},
    {0646, false, "mode 0646 lets everybody change it; expected 0640 or less"},
    {0642, true, "mode 0642 lets everybody change it; expected 0640 or less"},
};

START_TEST(a_file_that_everybody_may_change_is_refused_and_so_is_a_password_for_everybody)
{
        static const char without[] =
            "[tls]\ncertificate = /a\nkey = /b\nca = /c\n[database]\nconninfo = dbname=atm\n"
            "[card]\ntoken_key_file = /d\n";
        char error[SETTINGS_ERROR_MAX] = "";
        struct settings s;
        file_put(modes[_i].password ? MANDATORY : without, strlen(modes[_i].password ? MANDATORY : without));
        ck_assert_int_eq(chmod(path, modes[_i].mode), 0);
        ck_assert_msg(settings_load(path, &s, error) == !modes[_i].says, "%s", error);
        ck_assert_msg(!modes[_i].says || strstr(error, modes[_i].says), "%s", error);
}
END_TEST

START_TEST(the_mandatory_keys_alone_give_the_defaults)
{
        char error[SETTINGS_ERROR_MAX], wanted[256];
        struct settings s;
        ck_assert_msg(load(MANDATORY, &s, error), "%s", error);
        ck_assert_str_eq(s.listen_host, "127.0.0.1");
        ck_assert_int_eq(s.listen_port, 7583);
        ck_assert_str_eq(s.log_target, "stderr");
        ck_assert_str_eq(s.log_level, "info");
        ck_assert_str_eq(s.tls_minimum, "1.3");
        ck_assert_str_eq(s.conninfo, "host=/tmp password=hunter2");
        ck_assert_int_eq(s.database_connections, 2);
        ck_assert_int_eq(s.batch_max, 256);
        ck_assert_int_eq(s.queue_max, 4096);
        ck_assert_int_eq(s.reference_poll_ms, 1000);
        ck_assert_int_eq(s.skew_s, 300);
        ck_assert_int_eq(s.request_timeout_ms, 20000);
        ck_assert_int_eq(s.atm_wait_s, 90);
        ck_assert_int_eq(s.atm_wait_s + s.atm_dispense_s, 600);
        ck_assert_int_eq(settings_default("limits", "atm_dispense_s"), s.atm_dispense_s);
        ck_assert_int_eq(s.correction_s, 300);
        ck_assert_int_eq(s.saf_lease_ms, 5000);
        ck_assert_int_eq(s.saf_retry_first_ms, 1000);
        ck_assert_int_eq(s.saf_retry_max_ms, 60000);
        ck_assert_int_eq(s.saf_alarm_age_s, 300);
        ck_assert_uint_eq(s.link_count, 0);
        ck_assert(!s.laboratory);
        ck_assert_int_eq(s.clock.start_ms, clock_real.start_ms);
        ck_assert_int_eq(s.clock.anchor_ms, clock_real.anchor_ms);
        ck_assert_int_eq(s.clock.speed, 1);
        /* relative paths from the file's folder, absolute ones as they are */
        char *real = realpath(folder, NULL);
        snprintf(wanted, sizeof(wanted), "%s/a.crt", real);
        free(real);
        ck_assert_str_eq(s.tls_certificate, wanted);
        ck_assert_str_eq(s.token_key_file, "/etc/token.key");
}
END_TEST

START_TEST(every_key_reaches_its_member)
{
        char error[SETTINGS_ERROR_MAX];
        struct settings s;
        bool good =
            load("[atmd]\nlisten_host = [::1]\nlisten_port=8000\nlog_target : journal\nlog_level=debug\n"
                 "[tls]\ncertificate=/c\nkey=/k\nca=/a\nminimum=1.2\n"
                 "[database]\nconninfo=postgresql://db1,db2/atm?target_session_attrs=read-write\n"
                 "connections=3\nbatch_max=64\nqueue_max=65\nreference_poll_ms=50\n"
                 "[card]\ntoken_key_file=/t\n"
                 "[clock]\nlaboratory=yes\nstart=2016-12-29T07:55:00+09:00\nanchor=1700000000123\n"
                 "speed=4320\nskew_s=1\n"
                 "[limits]\nconnections_max=11\nhandshake_timeout_ms=101\nidle_timeout_ms=102\n"
                 "handshakes_max=21\nhandshakes_per_address=22\nwaiting_per_address=23\n"
                 "message_timeout_ms=103\nrequest_timeout_ms=104\ndrain_timeout_ms=0\n"
                 "atm_wait_s=12\natm_dispense_s=13\ncorrection_s=0\n"
                 "[saf]\nlease_ms=501\nretry_first_ms=201\nretry_max_ms=202\nalarm_age_s=7\n"
                 "[link BANKA]\ndialect=/d\naddresses=a:1,[::1]:2\nconnections=3\ncertificate=/lc\nkey=/lk\n"
                 "ca=/la\nacquirer=12345678901\noutstanding_max=5\nanswer_timeout_ms=100\n"
                 "echo_interval_ms=101\n",
                 &s, error);
        ck_assert_msg(good, "%s", error);
        ck_assert_str_eq(s.listen_host, "::1");
        ck_assert_int_eq(s.listen_port, 8000);
        ck_assert_str_eq(s.log_target, "journal");
        ck_assert_str_eq(s.log_level, "debug");
        ck_assert_str_eq(s.tls_certificate, "/c");
        ck_assert_str_eq(s.tls_key, "/k");
        ck_assert_str_eq(s.tls_ca, "/a");
        ck_assert_str_eq(s.tls_minimum, "1.2");
        ck_assert_str_eq(s.conninfo, "postgresql://db1,db2/atm?target_session_attrs=read-write");
        ck_assert_int_eq(s.database_connections, 3);
        ck_assert_int_eq(s.batch_max, 64);
        ck_assert_int_eq(s.queue_max, 65);
        ck_assert_int_eq(s.reference_poll_ms, 50);
        ck_assert_str_eq(s.token_key_file, "/t");
        ck_assert(s.laboratory);
        ck_assert_int_eq(s.clock.start_ms, INT64_C(1482965700000));
        ck_assert_int_eq(s.clock.anchor_ms, INT64_C(1700000000123));
        ck_assert_int_eq(s.clock.speed, 4320);
        ck_assert_int_eq(s.skew_s, 1);
        ck_assert_int_eq(s.connections_max, 11);
        ck_assert_int_eq(s.handshakes_max, 21);
        ck_assert_int_eq(s.handshakes_per_address, 22);
        ck_assert_int_eq(s.waiting_per_address, 23);
        ck_assert_int_eq(s.handshake_timeout_ms, 101);
        ck_assert_int_eq(s.idle_timeout_ms, 102);
        ck_assert_int_eq(s.message_timeout_ms, 103);
        ck_assert_int_eq(s.request_timeout_ms, 104);
        ck_assert_int_eq(s.drain_timeout_ms, 0);
        ck_assert_int_eq(s.atm_wait_s, 12);
        ck_assert_int_eq(s.atm_dispense_s, 13);
        ck_assert_int_eq(s.correction_s, 0);
        ck_assert_int_eq(s.saf_lease_ms, 501);
        ck_assert_int_eq(s.saf_retry_first_ms, 201);
        ck_assert_int_eq(s.saf_retry_max_ms, 202);
        ck_assert_int_eq(s.saf_alarm_age_s, 7);
        ck_assert_uint_eq(s.link_count, 1);
        const struct settings_link *l = &s.link[0];
        ck_assert_str_eq(l->name, "BANKA");
        ck_assert_str_eq(l->dialect, "/d");
        struct address address;
        ck_assert_uint_eq(l->addresses.count, 2);
        addresses_get(&l->addresses, 0, &address);
        ck_assert_str_eq(address.host, "a");
        ck_assert_uint_eq(address.port, 1);
        addresses_get(&l->addresses, 1, &address);
        ck_assert_str_eq(address.host, "::1");
        ck_assert_uint_eq(address.port, 2);
        ck_assert_int_eq(l->connections, 3);
        ck_assert_str_eq(l->certificate, "/lc");
        ck_assert_str_eq(l->key, "/lk");
        ck_assert_str_eq(l->ca, "/la");
        ck_assert_str_eq(l->acquirer, "12345678901");
        ck_assert_int_eq(l->outstanding_max, 5);
        ck_assert_int_eq(l->answer_timeout_ms, 100);
        ck_assert_int_eq(l->echo_interval_ms, 101);
}
END_TEST

START_TEST(each_link_has_its_own_keys_and_defaults)
{
        char error[SETTINGS_ERROR_MAX];
        struct settings s;
        bool good =
            load(MANDATORY "[link A]\naddresses = a:1\ncertificate = c\nkey = k\nca = a\nacquirer = 1\n"
                           "[link B2]\naddresses = b:2\ncertificate = c\nkey = k\nca = a\nacquirer = 2\n"
                           "dialect = d.dialect\nconnections = 4\n"
                           "[link A]\noutstanding_max = 9\n",
                 &s, error);
        ck_assert_msg(good, "%s", error);
        ck_assert_uint_eq(s.link_count, 2);
        ck_assert_str_eq(s.link[0].name, "A");
        ck_assert_str_eq(s.link[0].dialect, "ascii");
        ck_assert_int_eq(s.link[0].connections, 2);
        ck_assert_int_eq(s.link[0].outstanding_max, 9);
        ck_assert_int_eq(s.link[0].answer_timeout_ms, 15000);
        ck_assert_int_eq(s.link[0].echo_interval_ms, 30000);
        ck_assert_str_eq(s.link[1].name, "B2");
        ck_assert_str_eq(strrchr(s.link[1].dialect, '/'), "/d.dialect");
        ck_assert_int_eq(s.link[1].connections, 4);
        ck_assert_int_eq(s.link[1].outstanding_max, 128);
}
END_TEST

START_TEST(a_laboratory_without_start_and_anchor_runs_on_real_time)
{
        char error[SETTINGS_ERROR_MAX];
        struct settings s;
        ck_assert_msg(load(MANDATORY "[clock]\nlaboratory = yes\nspeed = 1\n", &s, error), "%s", error);
        ck_assert(s.laboratory);
        ck_assert_int_eq(clock_business_ms(&s.clock, 1700000000123), 1700000000123);
}
END_TEST

START_TEST(comments_blank_lines_and_line_ends_of_windows_are_fine)
{
        char error[SETTINGS_ERROR_MAX];
        struct settings s;
        bool good = load("# c\r\n; c\r\n\r\n[tls] ; c\r\ncertificate = a ; c\r\nkey=b\r\nca=c\r\n  # c\r\n"
                         "[database]\r\nconninfo=host=x#y\r\n[card]\r\ntoken_key_file=t\r\n",
                         &s, error);
        ck_assert_msg(good, "%s", error);
        ck_assert_str_eq(strrchr(s.tls_certificate, '/'), "/a");
        ck_assert_str_eq(s.conninfo, "host=x#y");
}
END_TEST

START_TEST(a_conninfo_may_go_on_in_indented_lines)
{
        char error[SETTINGS_ERROR_MAX], text[2048];
        struct settings s;
        bool good = load("[database]\nconninfo = host=db1,db2\n  port=5432\n\n\tdbname=atm\nconnections = 1\n"
                         "[tls]\ncertificate=a\nkey=b\nca=c\n[card]\ntoken_key_file=t\n",
                         &s, error);
        ck_assert_msg(good, "%s", error);
        ck_assert_str_eq(s.conninfo, "host=db1,db2 port=5432 dbname=atm");
        ck_assert_int_eq(s.database_connections, 1);

        size_t used = (size_t)snprintf(text, sizeof(text), "[database]\nconninfo = password=hunter2\n");
        for (int i = 0; i < 20; i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, " options=%030d\n", i);
        ck_assert(!load(text, &s, error));
        ck_assert_ptr_nonnull(strstr(error, ":2: [database] conninfo: too long"));
        ck_assert_ptr_null(strstr(error, "hunter2"));
}
END_TEST

/* What people do with a password that they mean to be part of a conninfo, and with a key. */
static const char *const leaks[] = {
    "[database]\nconninfo = password=hunter2\nconninfo = password=hunter2\n",
    "[database]\nconninfo = password=hunter2\n connections = hunter2\n",
    "[database]\npassword = hunter2\n",
    "[database]\nhost=x password=hunter2\n",
    "[database]\nhost x password hunter2\n",
    "[database]\npassword hunter2 = \n",
    "[database]\npostgresql://atm:hunter2@db/atm\n",
    "postgresql://atm:hunter2@db/atm\n",
    "[database\nhunter2\n",
    "[password hunter2]\n",
    "[database]\nconninfo = password=hunter2\n[tls]\nkey = x\n",
    "[card]\ntoken_key_file = 0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF\n"
    "[tls]\ncertificate=a\nkey=b\nca=c\n[database]\nconninfo=hunter2\n",
    MANDATORY "[database]\nconninfo = hunter2\n",
    MANDATORY "[clock]\nspeed = 2\n",
    MANDATORY "[database]\nqueue_max = 1\n",
};

START_TEST(no_error_shows_a_password_or_a_key)
{
        char error[SETTINGS_ERROR_MAX];
        struct settings s;
        ck_assert_msg(!load(leaks[_i], &s, error), "accepted: %s", leaks[_i]);
        ck_assert_msg(!strstr(error, "hunter2") && !strstr(error, "0123456789abcdef"), "%s", error);
}
END_TEST

static char *file_text(const char *name)
{
        static char text[65536];
        FILE *file = fopen(name, "r");
        ck_assert_msg(file != NULL, "%s", name);
        size_t n = fread(text, 1, sizeof(text) - 1, file);
        ck_assert_uint_lt(n, sizeof(text) - 1);
        fclose(file);
        text[n] = '\0';
        return text;
}

/* The comment lines right above the line at `at` as one text; what is between them is not its comment. */
static void comment_above(const char *text, const char *at, char *buffer, size_t size)
{
        const char *begin = at;
        while (begin - text > 2) {
                const char *line = begin - 1;
                while (line > text && line[-1] != '\n')
                        line--;
                if (line[0] != '#' || line[1] != ' ')
                        break;
                begin = line;
        }
        size_t used = 0;
        for (; begin < at && used + 1 < size; begin++) {
                bool hash = *begin == '#' && (begin == text || begin[-1] == '\n');
                if (hash)
                        begin++;
                else
                        buffer[used++] = *begin == '\n' ? ' ' : *begin;
        }
        buffer[used] = '\0';
}

/* The line of a key in its section, given or commented out; NULL: none. */
static const char *key_line(const char *text, const char *section, const char *key, bool *ret_given)
{
        char header[64];
        snprintf(header, sizeof(header), "\n[%s]\n", section);
        const char *at = strstr(text, header);
        if (!at) { /* a section that is there for example */
                snprintf(header, sizeof(header), "\n#[%s]\n", section);
                at = strstr(text, header);
        }
        if (!at)
                return NULL;
        for (at++; (at = strchr(at, '\n')) && at[1] && at[1] != '[';) {
                at++;
                const char *name = at + (*at == '#');
                if (strncmp(name, key, strlen(key)) == 0 && strncmp(name + strlen(key), " = ", 3) == 0) {
                        *ret_given = *at != '#';
                        return at;
                }
        }
        return NULL;
}

START_TEST(the_commented_configuration_explains_every_row_with_its_default)
{
        size_t i = (size_t)_i;
        bool of_link = i >= settings_row_count;
        const struct settings_row *row =
            of_link ? &settings_link_rows[i - settings_row_count] : &settings_rows[i];
        const char *text = file_text(SOURCE_DIR "/etc/atmd.conf");
        char comment[2048], wanted[256];
        bool given = false;
        const char *at = key_line(text, of_link ? "link NAME" : row->section, row->key, &given);
        ck_assert_msg(at != NULL, "[%s] %s is not in etc/atmd.conf", row->section, row->key);
        comment_above(text, at, comment, sizeof(comment));
        ck_assert_msg(strstr(comment, row->text), "[%s] %s: the comment is not \"%s\" but \"%s\"",
                      row->section, row->key, row->text, comment);
        if (!row->fallback) {
                ck_assert_msg(given != of_link, "[%s] %s must be given", row->section, row->key);
        } else if (*row->fallback) {
                snprintf(wanted, sizeof(wanted), "#%s = %s\n", row->key, row->fallback);
                ck_assert_msg(strncmp(at, wanted, strlen(wanted)) == 0, "[%s] %s: wanted %s", row->section,
                              row->key, wanted);
        }
        for (const char *choice = row->choices; choice;
             choice = strchr(choice, '|') ? strchr(choice, '|') + 1 : NULL) {
                snprintf(wanted, sizeof(wanted), "%.*s", (int)strcspn(choice, "|"), choice);
                ck_assert_msg(strstr(comment, wanted), "[%s] %s: choice %s is not explained", row->section,
                              row->key, wanted);
        }
}
END_TEST

START_TEST(the_commented_and_the_minimal_configuration_load_alike)
{
        char error[SETTINGS_ERROR_MAX];
        struct settings commented, minimal, uncommented;
        ck_assert_msg(settings_load(SOURCE_DIR "/etc/atmd.conf", &commented, error), "%s", error);
        ck_assert_msg(settings_load(SOURCE_DIR "/etc/atmd-minimal.conf", &minimal, error), "%s", error);
        /* but for one: what people begin with lets ATMs in that are on other machines */
        ck_assert_str_eq(minimal.listen_host, "::");
        for (size_t i = 0; i < settings_row_count; i++)
                ck_assert_msg(settings_row_is_same(&settings_rows[i], &commented, &minimal) ||
                                  !strcmp(settings_rows[i].key, "listen_host"),
                              "%s", settings_rows[i].key);
        char *etc = realpath(SOURCE_DIR "/etc", NULL), wanted[SETTINGS_TEXT_MAX];
        snprintf(wanted, sizeof(wanted), "%s/pki/atmd.crt", etc);
        free(etc);
        ck_assert_str_eq(minimal.tls_certificate, wanted);

        /* every commented key taken in, and the laboratory that start, anchor and speed need */
        char text[65536] = "", *to = text;
        const char *from = file_text(SOURCE_DIR "/etc/atmd.conf");
        for (; *from; from++)
                if (!(*from == '#' && (islower((unsigned char)from[1]) || from[1] == '[') &&
                      from[-1] == '\n'))
                        *to++ = *from;
        *to = '\0';
        char *laboratory = strstr(text, "\nlaboratory = no\n");
        ck_assert_ptr_nonnull(laboratory);
        memcpy(laboratory, "\nlaboratory =yes\n", 17);
        ck_assert_msg(load(text, &uncommented, error), "%s", error);
        ck_assert_int_eq(uncommented.skew_s, minimal.skew_s);
        ck_assert_int_eq(uncommented.drain_timeout_ms, minimal.drain_timeout_ms);
        ck_assert_uint_eq(minimal.link_count, 0);
        ck_assert_uint_eq(uncommented.link_count, 1);
        ck_assert_int_lt(uncommented.clock.start_ms, uncommented.clock.anchor_ms);
}
END_TEST

/* ---- what may change while atmd runs ------------------------------------------------------------------- */

/* Another value for the row's member, whatever is in it. */
static void change_value(const struct settings_row *row, void *in)
{
        char *member = (char *)in + row->offset;
        member[0] ^= 1; /* a digit, a letter, the lowest byte of a number: none becomes zero */
}

static void start_settings(struct settings *settings)
{
        memset(settings, 0, sizeof(*settings));
        settings->link_count = 2;
        strcpy(settings->link[0].name, "BANKA");
        strcpy(settings->link[1].name, "BANKB");
        for (size_t i = 0; i < settings_row_count; i++)
                ((char *)settings)[settings_rows[i].offset] = 'b';
        for (size_t i = 0; i < settings_link_row_count; i++)
                for (size_t link = 0; link < 2; link++)
                        ((char *)&settings->link[link])[settings_link_rows[i].offset] = 'b';
}

static const struct settings_row *row_of(size_t i)
{
        return i < settings_row_count ? &settings_rows[i] : &settings_link_rows[i - settings_row_count];
}

START_TEST(a_reload_takes_over_what_the_rows_say_and_names_what_it_refuses)
{
        static struct settings from, to;
        const struct settings_row *row = row_of((size_t)_i);
        bool of_link = (size_t)_i >= settings_row_count;
        char error[SETTINGS_ERROR_MAX] = "", wanted[256];
        start_settings(&from);
        start_settings(&to);
        ck_assert_msg(settings_may_change(&from, &to, error), "%s", error);
        change_value(row, of_link ? (void *)&to.link[1] : (void *)&to);
        ck_assert(!settings_row_is_same(row, of_link ? (void *)&from.link[1] : (void *)&from,
                                        of_link ? (void *)&to.link[1] : (void *)&to));
        bool may = settings_may_change(&from, &to, error);
        ck_assert_int_eq(may, row->change == SETTING_RELOAD);
        snprintf(wanted, sizeof(wanted), "[%s] %s can't be changed while atmd runs: restart it",
                 of_link ? "link BANKB" : row->section, row->key);
        ck_assert_str_eq(error, may ? "" : wanted);
}
END_TEST

START_TEST(a_reload_neither_adds_nor_moves_links)
{
        static struct settings from, to;
        char error[SETTINGS_ERROR_MAX];
        start_settings(&from);
        start_settings(&to);
        to.link_count = 1;
        ck_assert(!settings_may_change(&from, &to, error));
        ck_assert_str_eq(
            error, "[link BANKB]: links can't be added, taken away or moved while atmd runs: restart it");
        ck_assert(!settings_may_change(&to, &from, error));
        to.link_count = 2;
        strcpy(to.link[0].name, "BANKB");
        strcpy(to.link[1].name, "BANKA");
        ck_assert(!settings_may_change(&from, &to, error));
}
END_TEST

/* "\\[clock] _skew_s_" of a section's rows that a reload takes over; "all of \\[tls]" where they all are. */
static size_t print_reloaded(const struct settings_row *rows, size_t count, const char *shown, char *buffer,
                             size_t size)
{
        size_t reloaded = 0, used = 0;
        for (size_t i = 0; i < count; i++)
                reloaded += rows[i].change == SETTING_RELOAD;
        if (reloaded == count)
                return (size_t)snprintf(buffer, size, "all of \\[%s]; ", shown);
        if (reloaded == 0)
                return 0;
        used = (size_t)snprintf(buffer, size, "of \\[%s] ", shown);
        for (size_t i = 0; i < count; i++)
                if (rows[i].change == SETTING_RELOAD)
                        used += (size_t)snprintf(buffer + used, size - used, "_%s_, ", rows[i].key);
        return used - 2 + (size_t)snprintf(buffer + used - 2, size - used + 2, "; ");
}

START_TEST(the_manual_says_what_a_reload_takes_over)
{
        static char manual[65536];
        char wanted[2048];
        size_t used = 0;
        for (size_t i = 0, n; i < settings_row_count; i += n) {
                for (n = 1; i + n < settings_row_count &&
                            !strcmp(settings_rows[i + n].section, settings_rows[i].section);)
                        n++;
                used += print_reloaded(&settings_rows[i], n, settings_rows[i].section, wanted + used,
                                       sizeof(wanted) - used);
        }
        used += print_reloaded(settings_link_rows, settings_link_row_count, "link NAME", wanted + used,
                               sizeof(wanted) - used);
        wanted[used - 2] = '\0'; /* the last "; " */
        char *to = manual;
        for (const char *from = file_text(SOURCE_DIR "/docs/man/atmd.8.scd"); *from; from++)
                if (*from != '\t')
                        *to++ = *from == '\n' ? ' ' : *from; /* lines of a paragraph are one */
        *to = '\0';
        ck_assert_msg(strstr(manual, wanted) != NULL, "docs/man/atmd.8.scd does not say: %s", wanted);
}
END_TEST

START_TEST(the_rows_are_sound)
{
        const struct settings_row *row = &settings_rows[_i];
        ck_assert_uint_lt(row->offset, sizeof(struct settings));
        ck_assert(row->type != SETTING_CHOICE || row->choices);
        ck_assert(row->minimum <= row->maximum);
        for (const char *choice = row->choices; choice;
             choice = strchr(choice, '|') ? strchr(choice, '|') + 1 : NULL)
                ck_assert_uint_lt(strcspn(choice, "|"), sizeof(((struct settings *)0)->tls_minimum));
        for (size_t i = 0; i < settings_row_count; i++)
                ck_assert(i == (size_t)_i || settings_rows[i].offset != row->offset);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("settings");
        TCase *files = tcase_create("files");
        tcase_add_checked_fixture(files, folder_setup, folder_teardown);
        tcase_add_loop_test(files, each_fault_is_named_with_file_line_and_key, 0,
                            (int)(sizeof(faults) / sizeof(faults[0])));
        tcase_add_test(files, a_line_too_long_or_with_a_zero_byte_is_refused);
        tcase_add_test(files, the_longest_line_is_still_read);
        tcase_add_test(files, a_file_that_is_not_there_or_not_a_file_is_named);
        tcase_add_test(files, the_mandatory_keys_alone_give_the_defaults);
        tcase_add_loop_test(files,
                            a_file_that_everybody_may_change_is_refused_and_so_is_a_password_for_everybody, 0,
                            (int)(sizeof(modes) / sizeof(modes[0])));
        tcase_add_test(files, every_key_reaches_its_member);
        tcase_add_test(files, each_link_has_its_own_keys_and_defaults);
        tcase_add_test(files, a_laboratory_without_start_and_anchor_runs_on_real_time);
        tcase_add_test(files, comments_blank_lines_and_line_ends_of_windows_are_fine);
        tcase_add_test(files, a_conninfo_may_go_on_in_indented_lines);
        tcase_add_loop_test(files, no_error_shows_a_password_or_a_key, 0,
                            (int)(sizeof(leaks) / sizeof(leaks[0])));
        tcase_add_test(files, the_commented_and_the_minimal_configuration_load_alike);
        suite_add_tcase(suite, files);
        TCase *rows = tcase_create("rows");
        tcase_add_loop_test(rows, the_rows_are_sound, 0, (int)settings_row_count);
        tcase_add_loop_test(rows, a_reload_takes_over_what_the_rows_say_and_names_what_it_refuses, 0,
                            (int)(settings_row_count + settings_link_row_count));
        tcase_add_test(rows, a_reload_neither_adds_nor_moves_links);
        tcase_add_test(rows, the_manual_says_what_a_reload_takes_over);
        tcase_add_loop_test(rows, the_commented_configuration_explains_every_row_with_its_default, 0,
                            (int)(settings_row_count + settings_link_row_count));
        suite_add_tcase(suite, rows);
        return suite_run(suite);
}
