/*
 * A master key in a PKCS#11 token: see master.h. The token's library is loaded, asked, and closed again: it is not needed while requests are
 * served.
 *
 * What the standard says: PKCS #11 v3.0, C_GetFunctionList, CKM_AES_CMAC (2.16 of its mechanisms).
 */
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <string.h>

#include "keymodule/master.h"
#include "keymodule/secret_file.h"
#include "lib/base/array.h"

enum { SLOTS_MAX = 64, PIN_MAX_LENGTH = 128 };

struct session {
        void *library;
        CK_FUNCTION_LIST *call; /* NULL: not loaded */
        CK_SESSION_HANDLE handle;
        CK_OBJECT_HANDLE key;
        bool is_initialized, is_open;
};

static bool fail(char error[MASTER_ERROR_MAX], const struct master_token *token, const char *what,
                 CK_RV result)
{
        snprintf(error, MASTER_ERROR_MAX, "token %s (%s): %s: PKCS#11 error 0x%lx", token->label,
                 token->module, what, result);
        return false;
}

static bool load(struct session *session, const struct master_token *token, char error[MASTER_ERROR_MAX])
{
        CK_C_GetFunctionList get = NULL;
        session->library = dlopen(token->module, RTLD_NOW | RTLD_LOCAL);
        if (session->library)
                *(void **)&get = dlsym(session->library, "C_GetFunctionList");
        if (!get) {
                snprintf(error, MASTER_ERROR_MAX, "%s: no PKCS#11 library: %s", token->module, dlerror());
                return false;
        }
        CK_RV result = get(&session->call);
        if (result == CKR_OK)
                result = session->call->C_Initialize(NULL);
        session->is_initialized = result == CKR_OK;
        return result == CKR_OK || fail(error, token, "it does not begin", result);
}

/* A label is filled up with blanks to 32 characters. */
static bool has_label(const CK_TOKEN_INFO *info, const char *label)
{
        size_t length = strlen(label);
        if (length > sizeof(info->label) || memcmp(info->label, label, length) != 0)
                return false;
        for (; length < sizeof(info->label); length++) {
                if (info->label[length] != ' ')
                        return false;
        }
        return true;
}

static bool find_slot(struct session *session, const struct master_token *token, CK_SLOT_ID *ret_slot,
                      char error[MASTER_ERROR_MAX])
{
        CK_SLOT_ID slots[SLOTS_MAX];
        CK_ULONG count = SLOTS_MAX;
        CK_RV result = session->call->C_GetSlotList(CK_TRUE, slots, &count);
        if (result != CKR_OK)
                return fail(error, token, "which tokens there are", result);
        for (CK_ULONG i = 0; i < count; i++) {
                CK_TOKEN_INFO info;
                if (session->call->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
                    has_label(&info, token->label)) {
                        *ret_slot = slots[i];
                        return true;
                }
        }
        snprintf(error, MASTER_ERROR_MAX, "%s: no token '%s' among the %lu that are there", token->module,
                 token->label, count);
        return false;
}

static bool log_in(struct session *session, const struct master_token *token, char error[MASTER_ERROR_MAX])
{
        char pin[PIN_MAX_LENGTH];
        CK_SLOT_ID slot;
        CK_RV result;

        if (!find_slot(session, token, &slot, error) ||
            !secret_file_read(token->pin_file, pin, sizeof(pin), error, MASTER_ERROR_MAX))
                return false;
        result = session->call->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                              &session->handle);
        session->is_open = result == CKR_OK;
        if (session->is_open)
                result = session->call->C_Login(session->handle, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin));
        OPENSSL_cleanse(pin, sizeof(pin));
        return result == CKR_OK || fail(error, token, "to log in", result);
}

static void session_end(struct session *session)
{
        if (session->is_open)
                session->call->C_CloseSession(session->handle);
        if (session->is_initialized)
                session->call->C_Finalize(NULL);
        if (session->library)
                dlclose(session->library);
}

/* How many keys of that label there are, at most two; the first into the session. */
static CK_ULONG find_key(struct session *session, const struct master_token *token)
{
        CK_OBJECT_CLASS class = CKO_SECRET_KEY;
        CK_ATTRIBUTE wanted[] = {
            {CKA_CLASS, &class, sizeof(class)},
            {CKA_LABEL, (void *)(uintptr_t)token->key, strlen(token->key)},
        };
        CK_OBJECT_HANDLE found[2];
        CK_ULONG count = 0;
        if (session->call->C_FindObjectsInit(session->handle, wanted, LENGTH(wanted)) != CKR_OK)
                return 0;
        if (session->call->C_FindObjects(session->handle, found, LENGTH(found), &count) != CKR_OK)
                count = 0;
        session->call->C_FindObjectsFinal(session->handle);
        if (count > 0)
                session->key = found[0];
        return count;
}

/* NULL, or what is wrong with it. */
static const char *judge_key(struct session *session)
{
        CK_KEY_TYPE type = 0;
        CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
        CK_ULONG length = 0;
        CK_ATTRIBUTE attributes[] = {
            {CKA_KEY_TYPE, &type, sizeof(type)},
            {CKA_SENSITIVE, &sensitive, sizeof(sensitive)},
            {CKA_EXTRACTABLE, &extractable, sizeof(extractable)},
            {CKA_VALUE_LEN, &length, sizeof(length)},
        };
        if (session->call->C_GetAttributeValue(session->handle, session->key, attributes,
                                               LENGTH(attributes)) != CKR_OK)
                return "it does not say what it is";
        if (type != CKK_AES || length != MASTER_KEY_LENGTH)
                return "expected an AES key of 256 bits";
        if (!sensitive || extractable)
                return "it may be taken out of the token: expected one that is sensitive and not extractable";
        return NULL;
}

static bool take_key(struct session *session, const struct master_token *token, char error[MASTER_ERROR_MAX])
{
        CK_ULONG count = find_key(session, token);
        const char *why = count == 0  ? "no such key"
                          : count > 1 ? "more than one key of this label"
                                      : judge_key(session);
        if (why)
                snprintf(error, MASTER_ERROR_MAX, "token %s: key '%s': %s", token->label, token->key, why);
        return !why;
}

/* The token's word as key_block_cmac. */
static bool cmac_there(void *context, const uint8_t *data, size_t size, uint8_t *ret_mac)
{
        struct session *session = context;
        CK_MECHANISM mechanism = {CKM_AES_CMAC, NULL, 0};
        CK_ULONG length = AES_BLOCK;
        return session->call->C_SignInit(session->handle, &mechanism, session->key) == CKR_OK &&
               session->call->C_Sign(session->handle, (CK_BYTE *)(uintptr_t)data, size, ret_mac, &length) ==
                   CKR_OK &&
               length == AES_BLOCK;
}

static bool derive(struct session *session, const struct master_token *token, struct master *master,
                   char error[MASTER_ERROR_MAX])
{
        static const uint8_t zeros[AES_BLOCK];
        uint8_t mac[AES_BLOCK];
        bool good =
            cmac_there(session, zeros, sizeof(zeros), mac) &&
            key_block_guard_derive(CIPHER_AES, MASTER_KEY_LENGTH, cmac_there, session, &master->guard);
        if (good)
                memcpy(master->check_value, mac, CHECK_VALUE_MAX);
        else
                snprintf(error, MASTER_ERROR_MAX,
                         "token %s: key '%s': it makes no CMAC (CKM_AES_CMAC, CKA_SIGN)", token->label,
                         token->key);
        OPENSSL_cleanse(mac, sizeof(mac));
        return good;
}

bool master_from_token(const struct master_token *token, struct master *ret_master,
                       char error[MASTER_ERROR_MAX])
{
        struct session session = {0};
        struct master master = {0};
        bool good = load(&session, token, error) && log_in(&session, token, error) &&
                    take_key(&session, token, error) && derive(&session, token, &master, error);
        if (good)
                *ret_master = master;
        session_end(&session);
        master_wipe(&master);
        return good;
}

static bool generate(struct session *session, const struct master_token *token, char error[MASTER_ERROR_MAX])
{
        CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
        CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
        CK_ULONG length = MASTER_KEY_LENGTH;
        CK_ATTRIBUTE attributes[] = {
            {CKA_LABEL, (void *)(uintptr_t)token->key, strlen(token->key)},
            {CKA_VALUE_LEN, &length, sizeof(length)},
            {CKA_TOKEN, &yes, sizeof(yes)},
            {CKA_PRIVATE, &yes, sizeof(yes)},
            {CKA_SENSITIVE, &yes, sizeof(yes)},
            {CKA_EXTRACTABLE, &no, sizeof(no)},
            {CKA_SIGN, &yes, sizeof(yes)},
            {CKA_ENCRYPT, &no, sizeof(no)},
            {CKA_DECRYPT, &no, sizeof(no)},
            {CKA_WRAP, &no, sizeof(no)},
            {CKA_UNWRAP, &no, sizeof(no)},
        };
        if (find_key(session, token) > 0) {
                snprintf(error, MASTER_ERROR_MAX, "token %s: key '%s' is there already", token->label,
                         token->key);
                return false;
        }
        CK_RV result = session->call->C_GenerateKey(session->handle, &mechanism, attributes,
                                                    LENGTH(attributes), &session->key);
        return result == CKR_OK || fail(error, token, "to make a key", result);
}

bool master_make_in_token(const struct master_token *token, char error[MASTER_ERROR_MAX])
{
        struct session session = {0};
        bool good = load(&session, token, error) && log_in(&session, token, error) &&
                    generate(&session, token, error);
        session_end(&session);
        return good;
}
