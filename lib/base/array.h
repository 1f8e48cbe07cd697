#ifndef LIB_BASE_ARRAY_H
#define LIB_BASE_ARRAY_H

/* How many elements an array has. */
#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#endif
