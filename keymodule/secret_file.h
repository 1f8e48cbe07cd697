/* Short secrets in files that only their owner may read. */
#ifndef KEYMODULE_SECRET_FILE_H
#define KEYMODULE_SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attributes.h"

/* One line without its end, at most size - 1 characters. False with words in error[]; then nothing of it is in ret_text. */
ATM_MUST_USE bool secret_file_read(const char *path, char *ret_text, size_t size, char *error,
                                   size_t error_size);

#endif
