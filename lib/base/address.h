/*
 * HOST:PORT, the one way in which everybody writes it: a name, an IPv4 address, or an IPv6 address in brackets.
 * Without them nobody knows where an IPv6 address ends and its port begins ("::1:80"), so that is no address. Where a
 * host stands alone, brackets may be left out.
 *
 * Texts are read once, where they come in; from there on addresses are values, with nothing left to go wrong.
 */
#ifndef LIB_BASE_ADDRESS_H
#define LIB_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/attributes.h"

enum {
        ADDRESS_HOST_MAX = 256,
        ADDRESS_PORT_MAX = 6, /* five digits */
        ADDRESS_TEXT_MAX = ADDRESS_HOST_MAX + 2 + ADDRESS_PORT_MAX,
        ADDRESSES_TEXT_MAX = 512,               /* a list's text */
        ADDRESSES_MAX = ADDRESSES_TEXT_MAX / 4, /* "a:1," is the shortest */
};

struct address {
        char host[ADDRESS_HOST_MAX]; /* without brackets */
        uint16_t port;               /* 0 only where address_parse was to take it: any */
};

/* Alone: a name of letters, digits and ".-_", an address of either kind. False, and ret_host as it was, where it is none. */
ATM_MUST_USE bool address_host_parse(const char *text, char ret_host[ADDRESS_HOST_MAX]);
/* lowest: 0 or 1, the lowest port that is good. False, and *ret_address as it was, where it is no address. */
ATM_MUST_USE bool address_parse(const char *text, uint16_t lowest, struct address *ret_address);
void address_print(const struct address *address, char text[ADDRESS_TEXT_MAX]);
/* Of what accept and getaddrinfo give, in numbers; "?" where it is none of IP's. */
void address_print_socket(const struct sockaddr *socket_address, socklen_t length, char *text, size_t size);

/* Several, in order. */
struct addresses {
        uint16_t count;
        struct {
                uint16_t host; /* begins there in hosts */
                uint16_t port;
        } item[ADDRESSES_MAX];
        char hosts[ADDRESSES_TEXT_MAX]; /* each with a zero byte at its end */
};

/* One HOST:PORT or several with commas between them. False, and *ret_list as it was, where one is none. */
ATM_MUST_USE bool addresses_parse(const char *text, struct addresses *ret_list);
/* i < count */
void addresses_get(const struct addresses *list, size_t i, struct address *ret_address);

#endif
