/* The module is the library whole; this file only gives it a source, and says which interface it has. */
#include "lib/documents/document.h"

_Static_assert(DOCUMENT_PNG + 1 == 4, "a new format is a new interface: programs and module go together");
