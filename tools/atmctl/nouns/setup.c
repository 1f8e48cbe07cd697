/*
 * setup: what a machine still needs, once the programs are installed, so that atmd serves: a user, folders, keys, certificates, a database and
 * the way into it, a configuration. As steps, each of which looks whether it is done, says what it would do, and does it; so setup can be run
 * again, and goes on where something was missing.
 *
 *      look --> DONE | WANTED | BLOCKED (a person's to decide)      WANTED --act, look again--> DONE
 */
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/settings.h"
#include "lib/base/array.h"
#include "lib/base/hex.h"
#include "lib/security/pki.h"
#include "lib/security/token.h"
#include "tools/atmctl/migrations.h"
#include "tools/atmctl/nouns/database.h"
#include "tools/atmctl/operator.h"
#include "tools/atmctl/output/output.h"
#include "tools/atmctl/setup_files.h"

enum { AUTHORITY_DAYS = 3650, CERTIFICATE_DAYS = 825, KEY_BYTES = 32, TEXT_MAX = 1024, RELOAD_S = 10 };

#define DAEMON    "atmd"     /* the user that sysusers.d has */
#define SUPERUSER "postgres" /* Debian's, of the machine and of the database */
#define MAP       "atm"      /* in pg_ident.conf */
#define ROLES     "atm_daemon,atm_timer"

enum step_state { STEP_DONE, STEP_WANTED, STEP_BLOCKED };

struct setup {
        const struct invocation *invocation;
        const char *user, *folder, *authority, *database, *operator, * san;
        bool is_root;
        bool has_owner; /* the user is there */
        uid_t uid;
        gid_t gid;
        char socket[PATH_MAX], port[12]; /* where the server was reached */
        bool has_database;
};

struct step {
        const char *name;
        /* What it says is for people: what there is, or would be done, or is in the way. */
        enum step_state (*look)(struct setup *setup, char text[TEXT_MAX]);
        /* False after a complaint. */
        bool (*act)(struct setup *setup);
};

/* files ------------------------------------------------------------------------------------------------- */

/* A path in the folder; good until three more were asked for. */
static const char *in_folder(const struct setup *setup, const char *name)
{
        static char paths[4][PATH_MAX];
        static size_t next;
        char *path = paths[next++ % LENGTH(paths)];

        snprintf(path, PATH_MAX, "%s/%s", setup->folder, name);
        return path;
}

static bool is_there(const char *path)
{
        return access(path, F_OK) == 0;
}

/* root's, for the group to read; without root everything is one's own. */
static struct setup_owner shared(const struct setup *setup, mode_t mode)
{
        return (struct setup_owner){geteuid(), setup->gid, mode};
}

static struct setup_owner private(const struct setup *setup)
{
        return (struct setup_owner){setup->uid, setup->gid, 0600};
}

static bool find_owner(struct setup *setup)
{
        struct passwd *found = getpwnam(setup->user);

        if (found) {
                setup->uid = found->pw_uid;
                setup->gid = found->pw_gid;
        }
        setup->has_owner = found != NULL;
        return setup->has_owner;
}

static enum step_state look_user(struct setup *setup, char text[TEXT_MAX])
{
        if (find_owner(setup)) {
                snprintf(text, TEXT_MAX, "%s: what atmd runs as", setup->user);
                return STEP_DONE;
        }
        if (strcmp(setup->user, DAEMON)) { /* sysusers.d has but the one */
                snprintf(text, TEXT_MAX, "the machine has no user '%s'", setup->user);
                return STEP_BLOCKED;
        }
        snprintf(text, TEXT_MAX, "%s, by 'systemd-sysusers atmd.conf'", setup->user);
        return STEP_WANTED;
}

static bool act_user(struct setup *setup)
{
        int status = system("systemd-sysusers atmd.conf");

        if (status == 0 && find_owner(setup))
                return true;
        complain("there is no user '%s', and systemd-sysusers makes none: expected sysusers.d/atmd.conf, as "
                 "it is installed",
                 setup->user);
        return false;
}

static enum step_state look_folder(struct setup *setup, char text[TEXT_MAX])
{
        struct setup_owner owner = shared(setup, 0750);

        snprintf(text, TEXT_MAX, "%s and pki in it, mode 0750, for %s to read", setup->folder, setup->user);
        return setup->has_owner && setup_folder_is(setup->folder, owner) &&
                       setup_folder_is(in_folder(setup, "pki"), owner)
                   ? STEP_DONE
                   : STEP_WANTED;
}

static bool act_folder(struct setup *setup)
{
        return setup_folder_make(setup->folder, shared(setup, 0750)) &&
               setup_folder_make(in_folder(setup, "pki"), shared(setup, 0750));
}

static enum step_state look_token_key(struct setup *setup, char text[TEXT_MAX])
{
        const char *path = in_folder(setup, "card-token.key");
        char error[TOKEN_ERROR_MAX];
        struct token_key *key;

        snprintf(text, TEXT_MAX, "%s: 64 random digits for %s alone; keep a copy", path, setup->user);
        if (!is_there(path))
                return STEP_WANTED;
        key = token_key_load(path, error);
        if (!key)
                snprintf(text, TEXT_MAX, "%s", error);
        token_key_free(key);
        return key ? STEP_DONE : STEP_BLOCKED;
}

static bool act_token_key(struct setup *setup)
{
        uint8_t bytes[KEY_BYTES];
        char digits[2 * KEY_BYTES + 2];

        bool written;

        if (RAND_priv_bytes(bytes, sizeof(bytes)) != 1) {
                complain("the system gives no random numbers");
                return false;
        }
        hex_print(bytes, sizeof(bytes), digits);
        strcat(digits, "\n");
        written = setup_file_write(in_folder(setup, "card-token.key"), private(setup), digits);
        OPENSSL_cleanse(bytes, sizeof(bytes));
        OPENSSL_cleanse(digits, sizeof(digits));
        return written;
}

static bool has_certificate(const struct setup *setup)
{
        return is_there(in_folder(setup, "pki/atmd.crt")) && is_there(in_folder(setup, "pki/atmd.key")) &&
               is_there(in_folder(setup, "pki/ca.crt"));
}

static enum step_state look_authority(struct setup *setup, char text[TEXT_MAX])
{
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/ca.key", setup->authority);
        snprintf(text, TEXT_MAX,
                 "%s: signs certificates; afterwards it belongs on a machine that is not on the network",
                 setup->authority);
        return has_certificate(setup) || is_there(path) ? STEP_DONE : STEP_WANTED;
}

static bool act_authority(struct setup *setup)
{
        char error[PKI_ERROR_MAX];

        if (pki_init(setup->authority, "ATM network CA", AUTHORITY_DAYS, error))
                return true;
        complain("%s", error);
        return false;
}

static enum step_state look_certificate(struct setup *setup, char text[TEXT_MAX])
{
        snprintf(text, TEXT_MAX, has_certificate(setup) ? "%s" : "%s for %s",
                 in_folder(setup, "pki/atmd.crt"), setup->san);
        return has_certificate(setup) ? STEP_DONE : STEP_WANTED;
}

static bool act_certificate(struct setup *setup)
{
        char error[PKI_ERROR_MAX], of_authority[PATH_MAX];
        struct pki_authority *authority = pki_open(setup->authority, error);
        bool issued = authority && pki_issue(authority, "atmd", PKI_SERVER, setup->san, CERTIFICATE_DAYS,
                                             in_folder(setup, "pki"), error);

        pki_close(authority);
        if (!issued) {
                complain("%s", error);
                return false;
        }
        snprintf(of_authority, sizeof(of_authority), "%s/ca.crt", setup->authority);
        return setup_file_own(in_folder(setup, "pki/atmd.key"), private(setup)) &&
               setup_file_copy(of_authority, in_folder(setup, "pki/ca.crt"), shared(setup, 0644));
}

/* The names that ATMs may know this machine by, unless --san says so: its own, and its addresses. */
static const char *names_of_machine(void)
{
        static char names[TEXT_MAX];
        char name[HOST_NAME_MAX + 1] = "localhost", address[NI_MAXHOST];
        struct ifaddrs *all = NULL;
        size_t used;

        gethostname(name, sizeof(name));
        used = (size_t)snprintf(names, sizeof(names), "DNS:%s", name);
        if (getifaddrs(&all) != 0)
                return names;
        for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
                int family = at->ifa_addr ? at->ifa_addr->sa_family : AF_UNSPEC;
                socklen_t length =
                    family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

                if ((family != AF_INET && family != AF_INET6) ||
                    getnameinfo(at->ifa_addr, length, address, sizeof(address), NULL, 0, NI_NUMERICHOST) ||
                    strchr(address, '%')) /* of one cable alone */
                        continue;
                if (used + strlen(address) + sizeof(",IP:") < VALUE_MAX)
                        used += (size_t)snprintf(names + used, sizeof(names) - used, ",IP:%s", address);
        }
        freeifaddrs(all);
        return names;
}

/* the database ------------------------------------------------------------------------------------------ */

/* As the database's superuser: by the usual variables or --conninfo, and else, as root, as Debian's peer authentication knows him. */
static bool open_as_superuser(struct setup *setup, const char *name, struct database *database)
{
        const struct passwd *superuser = NULL;
        bool opened;

        if (setup->is_root && !invocation_has(setup->invocation, "conninfo") &&
            (!getenv("PGUSER") || !strcmp(getenv("PGUSER"), SUPERUSER))) {
                superuser = getpwnam(SUPERUSER);
                setenv("PGUSER", SUPERUSER, 1);
        }
        setenv("PGDATABASE", name, 1);
        if (superuser && seteuid(superuser->pw_uid) != 0)
                superuser = NULL;
        opened = database_open(database, setup->invocation, DATABASE_ANY);
        if (superuser && seteuid(0) != 0)
                abort();
        if (opened) {
                snprintf(setup->socket, sizeof(setup->socket), "%s", PQhost(database->connection));
                snprintf(setup->port, sizeof(setup->port), "%s", PQport(database->connection));
        }
        return opened;
}

/* One statement, as superuser, with at most one parameter. NULL after a complaint. */
static PGresult *ask(struct setup *setup, const char *name, const char *sql, const char *parameter)
{
        struct database database;
        PGresult *result;

        if (!open_as_superuser(setup, name, &database))
                return NULL;
        result = database_query(&database, sql, parameter ? 1 : 0, &parameter);
        database_close(&database);
        return result;
}

/* A statement with one name in it. */
static bool tell(struct setup *setup, const char *database, const char *sql, const char *name)
{
        PGresult *text = ask(setup, SUPERUSER, sql, name);
        PGresult *done = text ? ask(setup, database, PQgetvalue(text, 0, 0), NULL) : NULL;
        bool told = done != NULL;

        PQclear(text);
        PQclear(done);
        return told;
}

static enum step_state look_database(struct setup *setup, char text[TEXT_MAX])
{
        PGresult *result =
            ask(setup, SUPERUSER, "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = $1",
                setup->database);
        enum step_state state = STEP_DONE;

        setup->has_database = result && PQntuples(result) > 0;
        snprintf(text, TEXT_MAX, "%s, with encoding UTF8 and locale C.UTF-8", setup->database);
        if (!result) {
                snprintf(text, TEXT_MAX, "no superuser's connection with PostgreSQL");
                state = STEP_BLOCKED;
        } else if (!setup->has_database) {
                state = STEP_WANTED;
        } else if (strcmp(PQgetvalue(result, 0, 0), "UTF8")) {
                snprintf(text, TEXT_MAX, "%s has the encoding %s: expected UTF8 (--database names another)",
                         setup->database, PQgetvalue(result, 0, 0));
                state = STEP_BLOCKED;
        }
        PQclear(result);
        return state;
}

static bool act_database(struct setup *setup)
{
        return tell(
            setup, SUPERUSER,
            "SELECT format('CREATE DATABASE %I ENCODING UTF8 LOCALE %L TEMPLATE template0', $1::text, "
            "'C.UTF-8')",
            setup->database);
}

static enum step_state look_tables(struct setup *setup, char text[TEXT_MAX])
{
        struct database database = {.state = DATABASE_EMPTY};
        enum step_state state = STEP_WANTED;

        snprintf(text, TEXT_MAX, "roles, tables, functions and partitions of version %d ('atmctl db init')",
                 migration_newest());
        if (!setup->has_database)
                return STEP_WANTED;
        if (!open_as_superuser(setup, setup->database, &database)) {
                snprintf(text, TEXT_MAX, "no connection with database %s", setup->database);
                return STEP_BLOCKED;
        }
        if (database.state == DATABASE_BEHIND || database.state == DATABASE_NEWER) {
                snprintf(text, TEXT_MAX, "%s is at version %d, this program needs %d%s", setup->database,
                         database.version, migration_newest(),
                         database.state == DATABASE_BEHIND ? ": 'atmctl db migrate'" : "");
                state = STEP_BLOCKED;
        } else if (database.state == DATABASE_CURRENT) {
                state = STEP_DONE;
        }
        database_close(&database);
        return state;
}

static bool act_tables(struct setup *setup)
{
        struct database database;
        bool done;

        if (!open_as_superuser(setup, setup->database, &database))
                return false;
        setup->has_database = true;
        done = database_init(&database, setup->invocation) == EXIT_DONE;
        database_close(&database);
        return done;
}

/* the way in -------------------------------------------------------------------------------------------- */

/* atmd's: of its configuration, where there is one already. */
static void daemon_conninfo(const struct setup *setup, char conninfo[PATH_MAX + 2 * VALUE_MAX])
{
        char error[SETTINGS_ERROR_MAX];
        static struct settings settings;

        if (settings_load(in_folder(setup, "atmd.conf"), &settings, error))
                snprintf(conninfo, PATH_MAX + 2 * VALUE_MAX, "%s", settings.conninfo);
        else
                snprintf(conninfo, PATH_MAX + 2 * VALUE_MAX, "host=%s%s%s dbname=%s user=atm_daemon",
                         setup->socket, strcmp(setup->port, "5432") ? " port=" : "",
                         strcmp(setup->port, "5432") ? setup->port : "", setup->database);
}

/* In a process that is atmd's user: what the server says of it, "" if it lets it in. */
static void say_how_it_goes(const struct setup *setup, const char *conninfo, int out)
{
        PGconn *connection;
        const char *error = "";

        if (setup->is_root && (setgroups(0, NULL) != 0 || setgid(setup->gid) != 0 || setuid(setup->uid) != 0))
                _exit(1);
        unsetenv("PGUSER");
        unsetenv("PGDATABASE");
        connection = PQconnectdb(conninfo);
        if (PQstatus(connection) != CONNECTION_OK)
                error = PQerrorMessage(connection);
        _exit(write(out, error, strlen(error)) < 0 || *error);
}

static bool daemon_gets_in(const struct setup *setup, char why[TEXT_MAX])
{
        char conninfo[PATH_MAX + 2 * VALUE_MAX];
        int ends[2], status = 1;
        size_t length = 0;
        ssize_t n;
        pid_t child;

        *why = '\0';
        daemon_conninfo(setup, conninfo);
        if (pipe2(ends, O_CLOEXEC) != 0)
                return false;
        child = fork();
        if (child == 0)
                say_how_it_goes(setup, conninfo, ends[1]);
        close(ends[1]);
        while (child > 0 && (n = read(ends[0], why + length, TEXT_MAX - 1 - length)) > 0)
                length += (size_t)n;
        why[length] = '\0';
        why[strcspn(why, "\n")] = '\0';
        close(ends[0]);
        return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
               WEXITSTATUS(status) == 0;
}

static enum step_state look_login(struct setup *setup, char text[TEXT_MAX])
{
        char why[TEXT_MAX];

        snprintf(text, TEXT_MAX,
                 "user %s comes in as atm_daemon: map '" MAP "' in pg_hba.conf and pg_ident.conf",
                 setup->user);
        if (!setup->has_database || !setup->has_owner)
                return STEP_WANTED;
        if (daemon_gets_in(setup, why))
                return STEP_DONE;
        if (*setup->socket == '/')
                return STEP_WANTED;
        snprintf(text, TEXT_MAX, "on the database's machine, in pg_hba.conf: user %s: %.900s", setup->user,
                 why);
        return STEP_BLOCKED;
}

static bool act_login(struct setup *setup)
{
        char hba[TEXT_MAX], timer[TEXT_MAX], daemon[TEXT_MAX], why[TEXT_MAX] = "";
        PGresult *files = ask(setup, setup->database,
                              "SELECT current_setting('hba_file'), current_setting('ident_file')", NULL);
        PGresult *reloaded = NULL;
        bool written;

        snprintf(hba, sizeof(hba), "local %s " ROLES " peer map=" MAP, setup->database);
        snprintf(daemon, sizeof(daemon), MAP " %s atm_daemon", setup->user);
        snprintf(timer, sizeof(timer), MAP " %s atm_timer", setup->user);
        written = files && setup_file_begin(PQgetvalue(files, 0, 0), hba) &&
                  setup_file_begin(PQgetvalue(files, 0, 1), timer) &&
                  setup_file_begin(PQgetvalue(files, 0, 1), daemon);
        if (written)
                reloaded = ask(setup, setup->database, "SELECT pg_reload_conf()", NULL);
        for (int i = 0; reloaded && i < RELOAD_S * 10;
             i++) { /* the server reads them when it gets round to it */
                if (daemon_gets_in(setup, why))
                        break;
                nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        }
        if (*why)
                complain("user %s: %s", setup->user, why);
        PQclear(files);
        PQclear(reloaded);
        return reloaded && !*why;
}

static enum step_state look_operator(struct setup *setup, char text[TEXT_MAX])
{
        PGresult *result;
        bool done;

        snprintf(text, TEXT_MAX, "%s uses atmctl: a login in the group atm_operator", setup->operator);
        if (!setup->has_database)
                return STEP_WANTED;
        result = ask(
            setup, SUPERUSER,
            "SELECT FROM pg_roles r JOIN pg_roles o ON o.rolname = 'atm_operator' WHERE r.rolname = $1 AND "
            "r.rolcanlogin AND pg_has_role(r.oid, o.oid, 'MEMBER')",
            setup->operator);
        done = result && PQntuples(result) > 0;
        PQclear(result);
        return done ? STEP_DONE : STEP_WANTED;
}

static bool act_operator(struct setup *setup)
{
        return tell(
            setup, SUPERUSER,
            "SELECT CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = $1::text) THEN format('GRANT "
            "atm_operator TO %I; ALTER ROLE %I LOGIN%s', $1::text, $1::text, (SELECT ' CONNECTION LIMIT 10' "
            "FROM pg_roles WHERE rolname = $1::text AND rolconnlimit = -1 AND NOT rolsuper)) ELSE "
            "format('CREATE ROLE %I "
            "LOGIN IN ROLE atm_operator CONNECTION LIMIT 10', $1::text) END",
            setup->operator);
}

/* the configuration ------------------------------------------------------------------------------------- */

static enum step_state look_configuration(struct setup *setup, char text[TEXT_MAX])
{
        static struct settings settings;
        const char *path = in_folder(setup, "atmd.conf");
        char error[SETTINGS_ERROR_MAX];

        snprintf(text, TEXT_MAX, "%s", path);
        if (!is_there(path))
                return STEP_WANTED;
        if (settings_load(path, &settings, error))
                return STEP_DONE;
        snprintf(text, TEXT_MAX, "%s", error);
        return STEP_BLOCKED;
}

/* etc/atmd-minimal.conf, with where the database is. */
static bool act_configuration(struct setup *setup)
{
        static const char key[] = "\nconninfo = ";
        char conninfo[PATH_MAX + 2 * VALUE_MAX], *text = NULL;
        const char *at = strstr(configuration_minimal, key) + strlen(key);
        bool written;

        daemon_conninfo(setup, conninfo);
        if (asprintf(&text, "%.*s%s%s", (int)(at - configuration_minimal), configuration_minimal, conninfo,
                     at + strcspn(at, "\n")) < 0)
                abort();
        written = setup_file_write(in_folder(setup, "atmd.conf"), shared(setup, 0640), text);
        free(text);
        return written;
}

/* the steps --------------------------------------------------------------------------------------------- */

static const struct step steps[] = {
    {"user", look_user, act_user},
    {"folder", look_folder, act_folder},
    {"token-key", look_token_key, act_token_key},
    {"authority", look_authority, act_authority},
    {"certificate", look_certificate, act_certificate},
    {"database", look_database, act_database},
    {"tables", look_tables, act_tables},
    {"login", look_login, act_login},
    {"operator", look_operator, act_operator},
    {"configuration", look_configuration, act_configuration},
};

enum { STEPS = LENGTH(steps) };

/* How many are wanted; -1 where one is blocked, or after a complaint. */
static int show_plan(struct setup *setup, enum step_state states[STEPS])
{
        static const struct output_column columns[] = {
            {"step", OUTPUT_TEXT, 0}, {"state", OUTPUT_TEXT, 0}, {"what", OUTPUT_TEXT, 0}};
        static const char *const names[] = {
            [STEP_DONE] = "done already", [STEP_WANTED] = "to do", [STEP_BLOCKED] = "in the way"};
        struct output *output =
            output_open(setup->invocation, OUTPUT_ROWS, columns, sizeof(columns) / sizeof(*columns));
        char text[TEXT_MAX];
        int wanted = 0, blocked = 0;

        if (!output)
                return -1;
        for (int i = 0; i < STEPS; i++) {
                states[i] = steps[i].look(setup, text);
                wanted += states[i] == STEP_WANTED;
                blocked += states[i] == STEP_BLOCKED;
                if (!output_row(output, (const char *const[]){steps[i].name, names[states[i]], text})) {
                        output_abandon(output);
                        return -1;
                }
        }
        return output_close(output) && !blocked ? wanted : -1;
}

static bool is_agreed(const struct setup *setup)
{
        char answer[16] = "";

        if (invocation_has(setup->invocation, "yes"))
                return true;
        fflush(stdout);
        if (!isatty(STDIN_FILENO)) {
                complain("nothing was done: --yes does what is to do without asking");
                return false;
        }
        fprintf(stderr, "Do what is to do? [y/N] ");
        if (!fgets(answer, sizeof(answer), stdin) || (*answer != 'y' && *answer != 'Y')) {
                complain("nothing was done");
                return false;
        }
        return true;
}

static bool do_steps(struct setup *setup, const enum step_state states[STEPS])
{
        char text[TEXT_MAX];

        for (int i = 0; i < STEPS; i++) {
                if (states[i] != STEP_WANTED)
                        continue;
                if (!steps[i].act(setup)) {
                        complain("%s: not done; what stands above it is, and 'atmctl setup' goes on here",
                                 steps[i].name);
                        return false;
                }
                if (steps[i].look(setup, text) != STEP_DONE) {
                        complain("%s: done, and yet not as it should be: %s", steps[i].name, text);
                        return false;
                }
                note("%s: done", steps[i].name);
        }
        return true;
}

static int set_up(struct setup *setup)
{
        enum step_state states[STEPS];
        int wanted = show_plan(setup, states);

        if (wanted < 0) {
                complain("nothing was done: what is in the way is to be mended first");
                return EXIT_FAILED;
        }
        if (wanted && !invocation_has(setup->invocation, "dry-run") &&
            (!is_agreed(setup) || !do_steps(setup, states)))
                return EXIT_FAILED;
        if (!invocation_has(setup->invocation, "dry-run"))
                note("left to you: the reference data (PGDATABASE=%s atmctl area import, ...), then "
                     "'systemctl enable --now "
                     "atmd'",
                     setup->database);
        return EXIT_DONE;
}

static const char *value_or(const struct invocation *invocation, const char *name, const char *fallback)
{
        const char *value = invocation_value(invocation, name);

        return value ? value : fallback;
}

static int machine_setup(const struct invocation *invocation)
{
        const char *const sudo = getenv("SUDO_USER");
        struct setup setup = {
            .invocation = invocation,
            .user = value_or(invocation, "user", DAEMON),
            .folder = value_or(invocation, "folder", "/etc/atmd"),
            .authority = value_or(invocation, "authority", "/root/atm-pki"),
            .database = value_or(invocation, "database", "atm"),
            .operator= value_or(invocation, "operator", sudo && *sudo ? sudo : operator_name()),
            .is_root = geteuid() == 0,
        };

        setup.san = value_or(invocation, "san", names_of_machine());
        if (!setup.is_root && (!find_owner(&setup) || setup.uid != geteuid())) {
                complain("setup gives files to user '%s': expected to be run as root", setup.user);
                return EXIT_FAILED;
        }
        return set_up(&setup);
}

static const struct field fields[] = {
    {.name = "san",
     .kind = VALUE_SAN,
     .text = "the names and addresses that ATMs reach this machine by, for its certificate; its own unless "
             "given"},
    {.name = "database", .kind = VALUE_LOGIN, .text = "the database; atm unless given"},
    {.name = "operator",
     .kind = VALUE_LOGIN,
     .text = "the login of the first person who uses atmctl; who runs this (or sudo) unless given"},
    {.name = "user", .kind = VALUE_LOGIN, .text = "the machine's user that atmd runs as; atmd unless given"},
    {.name = "folder", .kind = VALUE_DIRECTORY, .text = "of the configuration; /etc/atmd unless given"},
    {.name = "authority",
     .kind = VALUE_DIRECTORY,
     .text =
         "of the authority that signs certificates, made where there is none; /root/atm-pki unless given"},
    {.name = "yes", .kind = VALUE_NONE, .text = "do it without asking"},
    {.name = "dry-run", .kind = VALUE_NONE, .text = "show what would be done, and do nothing"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "setup",
     .text = "do what a machine still needs so that atmd serves",
     .more = "User, folders, key of the card tokens, authority and certificate, database, tables, the way "
             "into it, the first "
             "operator's login, configuration: each step shows whether it is done already, and what it would "
             "do; then it asks. It can "
             "be run again at any time, and changes nothing that is there. As root it speaks with the "
             "database as user postgres does, "
             "unless PGUSER or --conninfo say otherwise; the latter without a dbname. Reference data and the "
             "service itself are "
             "left to people.\nExample: atmctl setup --san DNS:atm.example.net,IP:192.0.2.10",
     .flags = COMMAND_DATABASE | COMMAND_CHANGES,
     .run = machine_setup,
     .fields = fields},
};

const struct command_group group_setup = {commands, sizeof(commands) / sizeof(*commands), "A new machine"};
