/*
 * The functions of lib/documents/document.h, each handed on to the module that has them, which is loaded when the first
 * document is begun. Drawing needs some sixty shared libraries; a command that prints a table should not wait for
 * them to be mapped.
 *
 *      UNLOADED --document_new--> LOADED: everything is handed on
 *                             --> MISSING: nothing is done, and document_write says what is missing
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/documents/document.h"

#define MODULE "libatm_documents.so"

/* Beside the program, as it is built, or where it is installed: ATM_MODULE_FOLDER. */
static const char *const places[] = {"%s/../lib/" MODULE, "%s/" MODULE, ATM_MODULE_FOLDER "/" MODULE};

static struct {
        void *module;
        char error[512];
} state;

/* X(result, what there is without the module, name, parameters, arguments) */
#define FUNCTIONS(X)                                                                                                 \
        X(void, , document_free, (struct document *document), (document))                                            \
        X(const char *, state.error, document_problem, (const struct document *document), (document))                \
        X(void, , document_title, (struct document *document, const char *text), (document, text))                   \
        X(void, , document_subtitle, (struct document *document, const char *text), (document, text))                \
        X(void, , document_status, (struct document *document, const char *text), (document, text))                  \
        X(void, , document_dash, (struct document *document, const char *text), (document, text))                    \
        X(void, , document_footnote, (struct document *document, const char *text), (document, text))                \
        X(void, , document_footer, (struct document *document, const char *text), (document, text))                  \
        X(void, , document_made, (struct document *document, int64_t moment), (document, moment))                    \
        X(void, , document_table,                                                                                    \
          (struct document *document, const char *caption, const char *label_heading,                                \
           const struct document_column *columns, size_t count),                                                     \
          (document, caption, label_heading, columns, count))                                                        \
        X(void, , document_row,                                                                                      \
          (struct document *document, enum document_row_style style, const char *label, const char *const *cells),   \
          (document, style, label, cells))                                                                           \
        X(void, , document_chart, (struct document *document, const struct document_chart *chart), (document, chart))

#define POINTER(result, without, name, parameters, arguments) static result(*name##_there) parameters;
FUNCTIONS(POINTER)
static struct document *(*document_new_there)(enum document_language language);
static bool (*document_write_there)(const struct document *document, enum document_format format, const char *font_folder,
                                    FILE *out, char *error, size_t error_size);

static bool find(const char *name, void *ret_function)
{
        void *symbol = dlsym(state.module, name);

        memcpy(ret_function, &symbol, sizeof(symbol));
        return symbol != NULL;
}

static bool find_all(void)
{
        bool found = find("document_new", &document_new_there) && find("document_write", &document_write_there);

#define FIND(result, without, name, parameters, arguments) found = find(#name, &name##_there) && found;
        FUNCTIONS(FIND)
        return found;
}

static void load(void)
{
        char folder[PATH_MAX], path[PATH_MAX + 64];
        ssize_t length = readlink("/proc/self/exe", folder, sizeof(folder) - 1);

        if (state.module)
                return;
        folder[length < 0 ? 0 : length] = '\0';
        if (strrchr(folder, '/'))
                *strrchr(folder, '/') = '\0';
        for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !state.module; i++) {
                const char *at = strstr(places[i], "%s");

                snprintf(path, sizeof(path), "%s%s", at ? folder : "", at ? at + 2 : places[i]);
                state.module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
                if (state.module && !find_all()) {
                        snprintf(state.error, sizeof(state.error), "%.400s is of another release than this program", path);
                        dlclose(state.module);
                        state.module = NULL;
                        return;
                }
        }
        if (!state.module)
                snprintf(state.error, sizeof(state.error), "the module that draws documents can't be loaded: %s", dlerror());
}

struct document *document_new(enum document_language language)
{
        load();
        return state.module ? document_new_there(language) : NULL;
}

#define HAND_ON(result, without, name, parameters, arguments)                                                        \
        result name parameters                                                                                       \
        {                                                                                                            \
                if (!state.module)                                                                                   \
                        return without;                                                                              \
                return name##_there arguments;                                                                       \
        }
FUNCTIONS(HAND_ON)

bool document_write(const struct document *document, enum document_format format, const char *font_folder, FILE *out,
                    char *error, size_t error_size)
{
        if (state.module)
                return document_write_there(document, format, font_folder, out, error, error_size);
        snprintf(error, error_size, "%s", state.error);
        return false;
}
