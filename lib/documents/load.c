/* Finding the module: beside the program, as it is built, or where it is installed. */
#include "lib/documents/load.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MODULE "libatm_documents.so"

/* From the program's folder. */
static const char *const places[] = {"/../lib/" MODULE, "/" MODULE, "/../lib/atm/" MODULE};

static void program_folder(char folder[PATH_MAX])
{
        ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
        char *slash;

        folder[length < 0 ? 0 : length] = '\0';
        slash = strrchr(folder, '/');
        if (slash)
                *slash = '\0';
}

static void *open_module(char path[PATH_MAX + 64])
{
        char folder[PATH_MAX];
        void *module = NULL;

        program_folder(folder);
        for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !module; i++) {
                snprintf(path, PATH_MAX + 64, "%s%s", folder, places[i]);
                module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        }
        return module;
}

const struct document_functions *documents_load(char error[DOCUMENTS_ERROR_MAX])
{
        static const struct document_functions *loaded;
        const struct document_functions *found;
        char path[PATH_MAX + 64];
        void *module;

        if (loaded)
                return loaded;
        module = open_module(path);
        if (!module) {
                snprintf(error, DOCUMENTS_ERROR_MAX, "the module that draws documents can't be loaded: %s",
                         dlerror());
                return NULL;
        }
        found = dlsym(module, "document_functions");
        if (!found || found->interface != DOCUMENT_INTERFACE) {
                snprintf(error, DOCUMENTS_ERROR_MAX, "%.400s is of another release than this program", path);
                dlclose(module);
                return NULL;
        }
        return loaded = found;
}
