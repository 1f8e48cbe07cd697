/* Lists of revoked certificates: see revocation.h. */
#include "daemon/revocation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/security.h"
#include "lib/base/log.h"
#include "lib/security/tls.h"
#include "rules/calendar.h"

void revocation_start(struct revocation *revocation, const char *path)
{
        *revocation = (struct revocation){.overdue = false};
        snprintf(revocation->path, sizeof(revocation->path), "%s", path);
}

/* Its mode and owner, too, which are the change's moment's (ctime): who may write it may be why it was refused. */
static bool is_same_file(const struct stat *a, const struct stat *b)
{
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
               a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void print_due(int64_t due_s, char text[26])
{
        if (due_s == INT64_MAX)
                snprintf(text, 26, "never");
        else
                calendar_print_moment(due_s * 1000, text);
}

static bool take(const struct revocation *revocation, SSL_CTX *tls)
{
        char error[TLS_ERROR_MAX], due[26];
        size_t revoked;
        if (!tls_use_crl(tls, revocation->path, &revoked, error)) {
                security_event(SECURITY_CRL_REFUSED, revocation->path, LOG_TEXT("reason", error),
                               LOG_TEXT("help", "the former list stays"));
                return false;
        }
        print_due(tls_crl_due(tls), due);
        log_event(LEVEL_INFO, "crl_loaded", LOG_TEXT("file", revocation->path),
                  LOG_NUMBER("revoked", (int64_t)revoked), LOG_TEXT("next_due", due));
        return true;
}

bool revocation_look(struct revocation *revocation, SSL_CTX *tls, int64_t now_s)
{
        struct stat status = {0};
        bool changed = false;
        if (!*revocation->path)
                return false;
        bool is_new = stat(revocation->path, &status) < 0 ? revocation->seen.st_ino != 0
                                                          : !is_same_file(&status, &revocation->seen);
        if (is_new) {
                revocation->seen = status;
                changed = take(revocation, tls);
        }
        bool overdue = tls_crl_due(tls) <= now_s;
        if (overdue != revocation->overdue) {
                revocation->overdue = overdue;
                revocation_warn(revocation, tls);
        }
        return changed;
}

void revocation_warn(const struct revocation *revocation, SSL_CTX *tls)
{
        char due[26];
        if (!revocation->overdue)
                return;
        print_due(tls_crl_due(tls), due);
        security_event(SECURITY_CRL_OVERDUE, revocation->path, LOG_TEXT("due", due),
                       LOG_TEXT("help", "it still holds; have its authority issue the next"));
}
