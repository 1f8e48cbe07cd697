/*
 * What a handshake with certificates on both sides costs OpenSSL alone: TLS 1.3 between two ends in one process, through
 * memory, with a laboratory's certificates. scripts/bench storm holds atmd against it.
 *
 *      bench_handshake CA SERVER_CERTIFICATE SERVER_KEY CLIENT_CERTIFICATE CLIENT_KEY HANDSHAKES
 *
 * prints the processor microseconds that a handshake took of the server's end and of the client's. Contexts are OpenSSL's as they are,
 * with no session to resume; setting up and freeing a connection counts, as it does in atmd.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "lib/base/number.h"
#include "lib/base/now.h"
#include "lib/base/process.h"
#include "lib/cli/say.h"

enum { STEPS_MAX = 10 };

static SSL_CTX *context(const SSL_METHOD *method, const char *ca, const char *certificate, const char *key)
{
        SSL_CTX *ctx = SSL_CTX_new(method);

        if (!ctx || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1 ||
            SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
            SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
                SSL_CTX_free(ctx);
                return NULL;
        }
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_num_tickets(ctx, 0);
        return ctx;
}

/* One end's turn, whose time is added up. False: it has failed. */
static bool take_turn(SSL *ssl, int64_t *used_us)
{
        int64_t before_us = processor_now_us();
        int result = SSL_do_handshake(ssl);

        *used_us += processor_now_us() - before_us;
        return result == 1 || SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ;
}

static bool shake_hands(SSL *server, SSL *client, int64_t *server_us, int64_t *client_us)
{
        BIO *ours, *theirs;

        if (!server || !client || BIO_new_bio_pair(&ours, 0, &theirs, 0) != 1)
                return false;
        SSL_set_bio(server, ours, ours);
        SSL_set_bio(client, theirs, theirs);
        SSL_set_accept_state(server);
        SSL_set_connect_state(client);
        for (int step = 0; step < STEPS_MAX; step++) {
                if (!take_turn(client, client_us) || !take_turn(server, server_us))
                        return false;
                if (SSL_is_init_finished(client) && SSL_is_init_finished(server))
                        return true;
        }
        return false;
}

int main(int argc, char *argv[])
{
        int64_t handshakes, server_us = 0, client_us = 0;
        SSL_CTX *servers, *clients;

        process_hold_streams();
        if (argc != 7 || !number_parse(argv[6], 1, 1000000, &handshakes)) {
                complain(
                    "expected CA SERVER_CERTIFICATE SERVER_KEY CLIENT_CERTIFICATE CLIENT_KEY HANDSHAKES");
                return 2;
        }
        servers = context(TLS_server_method(), argv[1], argv[2], argv[3]);
        clients = context(TLS_client_method(), argv[1], argv[4], argv[5]);
        if (!servers || !clients) {
                complain("no TLS with these files: %s", ERR_error_string(ERR_get_error(), NULL));
                return 1;
        }
        for (int64_t i = 0; i < handshakes; i++) {
                int64_t began_us = processor_now_us();
                SSL *server = SSL_new(servers);
                int64_t half_us = processor_now_us();
                SSL *client = SSL_new(clients);
                bool done;

                server_us += half_us - began_us;
                client_us += processor_now_us() - half_us;
                done = shake_hands(server, client, &server_us, &client_us);
                SSL_free(server);
                SSL_free(client);
                if (!done) {
                        complain("handshake failed: %s", ERR_error_string(ERR_get_error(), NULL));
                        return 1;
                }
        }
        printf("%.1f %.1f\n", (double)server_us / (double)handshakes, (double)client_us / (double)handshakes);
        SSL_CTX_free(servers);
        SSL_CTX_free(clients);
        return 0;
}
