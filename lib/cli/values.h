/*
 * What many options take, as functions for their rows (options.h); each says into which type row->target
 * points. The plain ones read texts that come from elsewhere too.
 */
#ifndef LIB_CLI_VALUES_H
#define LIB_CLI_VALUES_H

#include "lib/base/address.h"
#include "lib/cli/options.h"

/* From A to B milliseconds. */
struct span {
        int64_t from_ms, to_ms;
};
enum { SPAN_MAX_MS = 3600000 };

/* What may happen, each kind by its rate. */
struct rate_kinds {
        const char *what; /* "kind of fault", for who names another */
        const char *const *names;
        int count; /* at most RATE_KINDS_MAX */
};
enum { RATE_KINDS_MAX = 24 };

option_take option_take_flag;    /* bool */
option_take option_take_number;  /* int64_t within the row's minimum and maximum */
option_take option_take_rate;    /* double, 0 to 1 */
option_take option_take_decimal; /* double, from 0 to 1,000,000,000 */
option_take option_take_text;    /* const char *, not empty */
option_take option_take_span;    /* struct span: "300-2000" or "500" */
option_take option_take_host;    /* char[ADDRESS_HOST_MAX], of a host alone */
option_take
    option_take_address; /* struct address; the row's minimum is the lowest port: 0 where any may be taken */

/* Writes "'TEXT': expected ..." into error[], the text cut where long. False. */
bool option_refuse(const struct option_value *value, char error[OPTIONS_ERROR_MAX], const char *format, ...)
    ATM_PRINTF(3, 4);

ATM_MUST_USE bool span_parse(const char *text, struct span *ret_span);
/* "slow=0.02,silent=0.01": a rate for each kind, 0 where it is not named. False with a text that names the
 * bad part. */
ATM_MUST_USE bool rates_parse(const struct rate_kinds *kinds, const char *text, double *ret_rates,
                              char error[OPTIONS_ERROR_MAX]);

#endif
