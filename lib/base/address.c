/* HOST:PORT: see address.h. */
#include "lib/base/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/number.h"

static bool read_port(const char *digits, size_t length, uint16_t lowest, uint16_t *ret_port)
{
        int64_t number;
        if (length > 5 || !number_parse_bytes(digits, length, lowest, UINT16_MAX, &number))
                return false;
        *ret_port = (uint16_t)number;
        return true;
}

/* With its scope, as fe80::1%eth0. */
static bool is_ipv6(const char *host)
{
        char address[INET6_ADDRSTRLEN];
        struct in6_addr number;
        size_t length = strcspn(host, "%");
        if (length >= sizeof(address) || (host[length] && !host[length + 1]))
                return false;
        memcpy(address, host, length);
        address[length] = '\0';
        return inet_pton(AF_INET6, address, &number) == 1;
}

/* In the first `length` bytes of text. alone: no port stands behind it. */
static bool read_host(const char *text, size_t length, bool alone, char ret_host[ADDRESS_HOST_MAX])
{
        static const char in_names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
        char host[ADDRESS_HOST_MAX];
        bool in_brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
        if (in_brackets) {
                text++;
                length -= 2;
        }
        if (length == 0 || length >= sizeof(host))
                return false;
        memcpy(host, text, length);
        host[length] = '\0';
        if (in_brackets || (alone && strchr(host, ':')) ? !is_ipv6(host) : host[strspn(host, in_names)])
                return false;
        strcpy(ret_host, host);
        return true;
}

/* In the first `length` bytes of text. */
static bool read_address(const char *text, size_t length, uint16_t lowest, struct address *ret_address)
{
        const char *colon = memrchr(text, ':', length);
        size_t host = colon ? (size_t)(colon - text) : 0;
        uint16_t port;
        if (!colon || !read_port(colon + 1, length - host - 1, lowest, &port) ||
            !read_host(text, host, false, ret_address->host))
                return false;
        ret_address->port = port;
        return true;
}

bool address_host_parse(const char *text, char ret_host[ADDRESS_HOST_MAX])
{
        return read_host(text, strlen(text), true, ret_host);
}

bool address_parse(const char *text, uint16_t lowest, struct address *ret_address)
{
        return read_address(text, strlen(text), lowest, ret_address);
}

void address_print(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
        snprintf(text, ADDRESS_TEXT_MAX, strchr(address->host, ':') ? "[%s]:%u" : "%s:%u", address->host,
                 (unsigned)address->port);
}

void address_print_socket(const struct sockaddr *socket_address, socklen_t length, char *text, size_t size)
{
        char host[INET6_ADDRSTRLEN], port[ADDRESS_PORT_MAX];
        if (getnameinfo(socket_address, length, host, sizeof(host), port, sizeof(port),
                        NI_NUMERICHOST | NI_NUMERICSERV))
                snprintf(text, size, "?");
        else
                snprintf(text, size, socket_address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static bool add(struct addresses *list, size_t *used, const struct address *address)
{
        size_t size = strlen(address->host) + 1;
        if (list->count == ADDRESSES_MAX || *used + size > sizeof(list->hosts))
                return false;
        memcpy(list->hosts + *used, address->host, size);
        list->item[list->count].host = (uint16_t)*used;
        list->item[list->count++].port = address->port;
        *used += size;
        return true;
}

bool addresses_parse(const char *text, struct addresses *ret_list)
{
        struct addresses list = {.count = 0};
        size_t used = 0;
        while (*text) {
                struct address address;
                text += strspn(text, ", \t");
                size_t length = strcspn(text, ","), rest = length;
                while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
                        length--;
                if (!read_address(text, length, 1, &address) || !add(&list, &used, &address))
                        return false;
                text += rest;
        }
        if (list.count == 0)
                return false;
        *ret_list = list;
        return true;
}

void addresses_get(const struct addresses *list, size_t i, struct address *ret_address)
{
        assert(i < list->count);
        strcpy(ret_address->host, list->hosts + list->item[i].host);
        ret_address->port = list->item[i].port;
}
