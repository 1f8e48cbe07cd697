/* The functions of document.h, from the module that has them. */
#ifndef LIB_DOCUMENTS_LOAD_H
#define LIB_DOCUMENTS_LOAD_H

#include "lib/documents/document.h"

enum { DOCUMENTS_ERROR_MAX = 512 };

/* Loads the module at the first call; it stays. NULL with the reason in error. */
const struct document_functions *documents_load(char error[DOCUMENTS_ERROR_MAX]);

#endif
