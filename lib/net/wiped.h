/*
 * What libevent gives back to the system's heap is wiped before: bytes on their way are among it, PIN blocks and card numbers in them. A buffer that is emptied is given back.
 */
#ifndef LIB_NET_WIPED_H
#define LIB_NET_WIPED_H

/* Once, before anything else of libevent. */
void wiped_memory(void);

#endif
