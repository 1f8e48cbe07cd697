/* Compiler attributes that the whole project uses, under names that say what they demand. */
#ifndef LIB_BASE_ATTRIBUTES_H
#define LIB_BASE_ATTRIBUTES_H

#define ATM_MUST_USE                 __attribute__((warn_unused_result))
#define ATM_PRINTF(format_at, first) __attribute__((__format__(__printf__, format_at, first)))

#endif
