/* Connecting, and what is said where it does not work; see connecting.h. */
#include "tools/atmctl/connecting.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cli/say.h"
#include "tools/atmctl/password.h"

#define CONNECT_TIMEOUT_S "5"

enum { ATTEMPTS_MAX = 3 };

/* why it failed ------------------------------------------------------------------------------------------- */

#define AS_WHOM                                                                                              \
        "operators connect as members of atm_operator (PGUSER or --conninfo): 'CREATE ROLE tanaka LOGIN IN " \
        "ROLE atm_operator CONNECTION LIMIT 10'"

/* A server that refuses a login, or libpq, which does not come to one, tells neither SQLSTATE nor a code, but words: each kind by
 * those that nothing else says. The first row that fits; the last one always does. */
static const struct failure {
        const char *words[2]; /* both must be there; NULL: one is enough */
        const char *what;     /* %1$s the database, %2$s the user */
        const char *hint;     /* likewise */
} failures[] = {
    {{"password authentication failed", NULL},
     "the password of '%2$s' is wrong",
     "it is taken from --conninfo, PGPASSWORD or ~/.pgpass, and asked for on a terminal; 'ALTER ROLE %2$s "
     "PASSWORD' sets "
     "another"},
    {{"no password supplied", NULL},
     "the server wants a password of '%2$s'",
     "PGPASSWORD or ~/.pgpass holds it; on a terminal it is asked for"},
    {{"eer authentication failed", NULL},
     "the system's user is not '%2$s', or nobody said that he is",
     "run it as the system's user of that name, name another role (PGUSER or --conninfo), or map the user to "
     "the role in "
     "the server's pg_ident.conf"},
    {{"certificate authentication failed", NULL},
     "the client's certificate is not one of '%2$s'",
     "PGSSLCERT and PGSSLKEY name the certificate; its name must be the role's ('atmctl pki issue "
     "--client')"},
    {{"requires a valid client certificate", NULL},
     "the server wants a certificate of '%2$s'",
     "PGSSLCERT and PGSSLKEY name it ('atmctl pki issue --client')"},
    {{"no pg_hba.conf entry", NULL},
     "the server lets nobody in as '%2$s' in this way",
     "its pg_hba.conf needs a line for this host, user and database, and for TLS or without"},
    {{"pg_hba.conf rejects", NULL},
     "the server rejects '%2$s'",
     "a line of its pg_hba.conf says so, for this host, user and database"},
    {{"database \"", "does not exist"},
     "the server has no database '%1$s'",
     "'createdb %1$s' makes it, 'atmctl db init' sets it up; PGDATABASE or --conninfo name another"},
    {{"role \"", "does not exist"},
     "the server has no role '%2$s'",
     "'atmctl db init' makes the roles; " AS_WHOM},
    {{"is not permitted to log in", NULL}, "no connection to database '%1$s' as '%2$s'", AS_WHOM},
    {{"permission denied for database", NULL}, "'%2$s' may not connect to database '%1$s'", AS_WHOM},
    {{"root certificate file", NULL},
     "the server's certificate can't be checked",
     "PGSSLROOTCERT or sslrootcert names the file of the authority that signed it"},
    {{"certificate verify failed", NULL},
     "the server's certificate is of another authority, or has expired",
     "PGSSLROOTCERT or sslrootcert names the file of the authority that signed it; 'openssl x509 -noout "
     "-dates -issuer' shows "
     "a certificate's"},
    {{"server certificate for", "does not match host name"},
     "the server's certificate has another name",
     "connect by a name that is in the certificate, or issue one for this name ('atmctl pki issue --san')"},
    {{"does not support SSL", NULL},
     "the server has no TLS",
     "'ssl = on', with ssl_cert_file and ssl_key_file, in its postgresql.conf"},
    {{"could not translate host name", NULL},
     "there is no such host",
     "PGHOST or --conninfo names it: is it written as the name service has it?"},
    {{"too many connections", NULL},
     "the server, database or role has no connection left",
     "'SELECT * FROM pg_stat_activity' shows who holds them; they are limited by max_connections and "
     "CONNECTION LIMIT"},
    {{"remaining connection slots", NULL},
     "the server has no connection left",
     "'SELECT * FROM pg_stat_activity' shows who holds them; max_connections limits them"},
    {{"the database system is", NULL},
     "the server does not serve yet, or no longer",
     "try again in a moment; its log says what it waits for"},
    {{"is not accepting connections", NULL},
     "the server does not serve yet, or no longer",
     "its log says why"},
    {{"session is read-only", NULL},
     "no server of those takes changes",
     "'atmctl server list' shows what each is"},
    {{"server is in hot standby mode", NULL},
     "no server of those is a primary",
     "'atmctl server list' shows what each is"},
    {{"timeout expired", NULL},
     "no answer from the server",
     "is it the right address (PGHOST, PGPORT, --conninfo), and does a firewall let it through? "
     "connect_timeout or "
     "PGCONNECT_TIMEOUT waits longer"},
    {{"", NULL},
     "no connection to database '%1$s' as '%2$s'",
     "is the server running? PGHOST and PGPORT or --conninfo say where it is"},
};

static const struct failure *failure_of(const char *message)
{
        const struct failure *row = failures;

        while (!strstr(message, row->words[0]) || (row->words[1] && !strstr(message, row->words[1])))
                row++;
        return row;
}

static const char *text_or(const char *text, const char *fallback)
{
        return text && *text ? text : fallback;
}

/* libpq's own words, without the line end that they bring. */
static void trim(const char *message, char *buffer, size_t size)
{
        snprintf(buffer, size, "%s", message);
        for (size_t length = strlen(buffer); length && strchr("\r\n ", buffer[length - 1]); length--)
                buffer[length - 1] = '\0';
        for (char *at = buffer; *at; at++) {
                if (*at == '\n')
                        *at = ' ';
        }
}

/* A row's text with the names in it. */
static void fill(const char *text, const char *database, const char *user, char *buffer, size_t size)
{
        size_t used = 0;

        for (; *text && used + 1 < size; text++) {
                bool is_name = text[0] == '%' && (text[1] == '1' || text[1] == '2');

                if (!is_name) {
                        buffer[used++] = *text;
                        continue;
                }
                used +=
                    (size_t)snprintf(buffer + used, size - used, "%.100s", text[1] == '1' ? database : user);
                text += strlen("1$s");
        }
        buffer[used < size ? used : size - 1] = '\0';
}

static void complain_of(const PGconn *connection)
{
        const char *database = text_or(PQdb(connection), "?"), *user = text_or(PQuser(connection), "?");
        char message[1024], what[512], hint[512];
        const struct failure *failure;

        trim(PQerrorMessage(connection), message, sizeof(message));
        if (!PQdb(connection)) {
                complain("the connection string is wrong: %s", message);
                note("--conninfo: expected pairs as 'host=/run/pg dbname=atm', or a postgresql:// address");
                return;
        }
        failure = failure_of(message);
        fill(failure->what, database, user, what, sizeof(what));
        fill(failure->hint, database, user, hint, sizeof(hint));
        complain("%s: %s", what, message);
        note("%s", hint);
}

/* a password ---------------------------------------------------------------------------------------------- */

static bool ask_password(const char *user, bool again, char ret_password[PASSWORD_MAX])
{
        char question[256];

        snprintf(question, sizeof(question), "%spassword of '%.100s': ", again ? "that was not it; " : "",
                 user);
        return password_ask(question, ret_password);
}

/* It was given one, and that was not the role's. */
static bool is_password_wrong(const PGconn *connection)
{
        return PQconnectionUsedPassword(connection) && !PQconnectionNeedsPassword(connection) &&
               failure_of(PQerrorMessage(connection)) == &failures[0];
}

static bool wants_password(const PGconn *connection)
{
        return PQconnectionNeedsPassword(connection) || is_password_wrong(connection);
}

/* connecting ---------------------------------------------------------------------------------------------- */

/* A frozen server accepts connections and says nothing: so there is a limit, unless the conninfo, which comes after it, or the environment
 * has one. password NULL: what libpq finds. */
static PGconn *connect_with(const char *conninfo, const PGconn *chosen, const char *password)
{
        const char *keys[] = {"connect_timeout",
                              "dbname",
                              "fallback_application_name",
                              "client_encoding",
                              "host",
                              "hostaddr",
                              "port",
                              "password",
                              NULL};
        const char *values[] = {getenv("PGCONNECT_TIMEOUT") ? NULL : CONNECT_TIMEOUT_S,
                                conninfo,
                                "atmctl",
                                "UTF8",
                                PQhost(chosen),
                                PQhostaddr(chosen),
                                PQport(chosen),
                                password,
                                NULL};

        return PQconnectdbParams(keys, values, 1);
}

PGconn *connecting_connect(const char *conninfo, const PGconn *chosen)
{
        char password[PASSWORD_MAX] = "";
        PGconn *connection = connect_with(conninfo, chosen, NULL);

        for (int attempt = 0; attempt < ATTEMPTS_MAX && connection && wants_password(connection); attempt++) {
                if (!ask_password(text_or(PQuser(connection), "?"), is_password_wrong(connection), password))
                        break;
                PQfinish(connection);
                connection = connect_with(conninfo, chosen, password);
        }
        OPENSSL_cleanse(password, sizeof(password));
        if (PQstatus(connection) == CONNECTION_OK)
                return connection;
        complain_of(connection);
        PQfinish(connection);
        return NULL;
}
