/* The values that rows of options share: see values.h. */
#include "lib/cli/values.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/address.h"
#include "lib/base/number.h"

enum { DECIMAL_MAX = 1000000000 }; /* as microseconds, too, it is a whole number */

bool option_refuse(const struct option_value *value, char error[OPTIONS_ERROR_MAX], const char *format, ...)
{
        char expected[512];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(expected, sizeof(expected), format, arguments);
        va_end(arguments);
        snprintf(error, OPTIONS_ERROR_MAX, "'%.80s': expected %s", value->text, expected);
        return false;
}

bool span_parse(const char *text, struct span *ret_span)
{
        char from[32];
        const char *dash = strchr(text, '-');
        size_t length = dash ? (size_t)(dash - text) : strlen(text);
        struct span span;

        snprintf(from, sizeof(from), "%.*s", length < sizeof(from) ? (int)length : 0, text);
        if (!number_parse(from, 0, SPAN_MAX_MS, &span.from_ms) ||
            !number_parse(dash ? dash + 1 : from, span.from_ms, SPAN_MAX_MS, &span.to_ms))
                return false;
        *ret_span = span;
        return true;
}

static bool decimal_parse(const char *text, double *ret_value)
{
        char *end;

        if (!*text || text[strspn(text, "0123456789.")])
                return false;
        *ret_value = strtod(text, &end);
        return !*end;
}

static bool rate_parse(const char *text, double *ret_rate)
{
        double rate;

        if (!decimal_parse(text, &rate) || rate > 1)
                return false;
        *ret_rate = rate;
        return true;
}

static void list_names(const struct rate_kinds *kinds, char *buffer, size_t size)
{
        size_t length = 0;

        buffer[0] = '\0';
        for (int i = 0; i < kinds->count && length < size; i++)
                length += (size_t)snprintf(buffer + length, size - length, "%s%s",
                                           i == 0                 ? ""
                                           : i < kinds->count - 1 ? ", "
                                                                  : " and ",
                                           kinds->names[i]);
}

/* One KIND=RATE of `length` characters. */
static bool rates_take(const struct rate_kinds *kinds, const char *part, size_t length, double *rates,
                       char error[OPTIONS_ERROR_MAX])
{
        size_t name = strcspn(part, "=,");
        char known[256], rate[32];
        int kind = 0;

        while (kind < kinds->count &&
               (strlen(kinds->names[kind]) != name || memcmp(kinds->names[kind], part, name) != 0))
                kind++;
        if (kind == kinds->count) {
                list_names(kinds, known, sizeof(known));
                snprintf(error, OPTIONS_ERROR_MAX, "'%.*s' is no %s; there are %s",
                         length < 80 ? (int)length : 80, part, kinds->what, known);
                return false;
        }
        snprintf(rate, sizeof(rate), "%.*s",
                 name < length && length - name <= sizeof(rate) ? (int)(length - name - 1) : 0,
                 part + name + 1);
        if (rate_parse(rate, &rates[kind]))
                return true;
        snprintf(error, OPTIONS_ERROR_MAX, "'%.*s': a rate from 0 to 1 is expected, such as %s=0.02",
                 length < 80 ? (int)length : 80, part, kinds->names[kind]);
        return false;
}

bool rates_parse(const struct rate_kinds *kinds, const char *text, double *ret_rates,
                 char error[OPTIONS_ERROR_MAX])
{
        double rates[RATE_KINDS_MAX] = {0};

        assert(kinds->count <= RATE_KINDS_MAX);
        for (size_t length; *text; text += length + (text[length] == ',')) {
                length = strcspn(text, ",");
                if (!rates_take(kinds, text, length, rates, error))
                        return false;
        }
        memcpy(ret_rates, rates, sizeof(*rates) * (size_t)kinds->count);
        return true;
}

bool option_take_flag(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        (void)error;
        *(bool *)value->row->target = true;
        return true;
}

bool option_take_number(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        const struct option_row *row = value->row;
        char expected[NUMBER_EXPECTED_MAX];

        return number_parse(value->text, row->minimum, row->maximum, row->target) ||
               option_refuse(value, error, "%s", number_expected(row->minimum, row->maximum, expected));
}

bool option_take_rate(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        return rate_parse(value->text, value->row->target) ||
               option_refuse(value, error, "a rate from 0 to 1, such as 0.01");
}

bool option_take_decimal(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        double number;

        if (!decimal_parse(value->text, &number) || number > DECIMAL_MAX)
                return option_refuse(value, error, "a number from 0 to %d", DECIMAL_MAX);
        *(double *)value->row->target = number;
        return true;
}

bool option_take_text(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        if (!*value->text)
                return option_refuse(value, error, "%s",
                                     value->row->expected ? value->row->expected : value->row->value);
        *(const char **)value->row->target = value->text;
        return true;
}

bool option_take_span(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        return span_parse(value->text, value->row->target) ||
               option_refuse(value, error, "milliseconds A-B, A not above B, both at most %d", SPAN_MAX_MS);
}

bool option_take_host(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        return address_host_parse(value->text, value->row->target) ||
               option_refuse(value, error, "a host's name or address, such as 127.0.0.1 or ::1");
}

bool option_take_address(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        return address_parse(value->text, (uint16_t)value->row->minimum, value->row->target) ||
               option_refuse(value, error, "HOST:PORT, such as 127.0.0.1:7583 or [::1]:7583");
}
