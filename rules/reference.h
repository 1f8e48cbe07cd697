/*
 * What operators have set: fleet, halls, issuers, prefixes, tariffs, tax rates, holidays, limits, hours.
 * A snapshot: built once, checked whole, then read only; a reload builds another and swaps.
 * Rows arrive through reference_add_*; reference_finish sorts, links and checks them. On any error the
 * snapshot is not to be used and *error says which row and why.
 *
 * A snapshot may be incomplete: cards lead to an issuer that has no price at some time. That harms the withdrawals of
 * that issuer at that time and no others (rules/decide.c), so it is no error of finish; reference_check tells it to whoever
 * can refuse the change that makes it so.
 */
#ifndef RULES_REFERENCE_H
#define RULES_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum {
        TERMINAL_LENGTH = 8,
        HALL_MAX = 15,
        ISSUER_MAX = 11,
        AREA_MAX = 15,
        PREFECTURE_MAX = 31,
        PREFIX_MAX = 10
};
enum { REFERENCE_ERROR_MAX = 256 };

enum band { BAND_DAY, BAND_OTHER, BAND_COUNT };
extern const char *const band_name[BAND_COUNT]; /* "day", "other" */

/* A pair of minutes after midnight in Japan: [opens, closes). */
struct hours {
        int opens, closes;
};

struct hall {
        char hall[HALL_MAX + 1];
        char area[AREA_MAX + 1];
        char prefecture[PREFECTURE_MAX + 1];
        struct hours hours; /* 0-1440 where the hall sets none of its own */
        int32_t
            share_bp; /* basis points of both fees without tax, paid to the hall, until its first hall_share */
};

struct hall_share {
        char hall[HALL_MAX + 1];
        int32_t from_day;
        int32_t share_bp;
};

struct atm {
        char terminal[TERMINAL_LENGTH + 1];
        const struct hall *hall; /* where it stands; NULL while it stands nowhere */
        bool enabled;            /* a barred one is not */
        bool barred;             /* may not be connected */
};

enum day_kind { DAY_WEEKDAY, DAY_OFF, DAY_KIND_COUNT }; /* DAY_OFF: Saturday, Sunday, public holiday */
extern const char *const day_kind_name[DAY_KIND_COUNT]; /* "weekday", "off" */

/* What a card's PIN is compared by; PIN_NONE: its issuer wants none. Only the house bank's are verified here. */
enum pin_method { PIN_NONE, PIN_PVV, PIN_OFFSET, PIN_METHOD_COUNT };
extern const char *const pin_method_name[PIN_METHOD_COUNT]; /* "none", "pvv", "offset" */
enum { PIN_TRIES_MAX_MAX = 99 };

struct issuer {
        char issuer[ISSUER_MAX + 1];
        char link[ISSUER_MAX + 1]; /* the way to it, a [link NAME] of the configuration; "": the house bank */
        struct hours hours[DAY_KIND_COUNT]; /* its service calendar; opens == closes: closed all day */
        enum pin_method pin_method;
        int pin_tries_max; /* so many wrong PINs, and the card is refused; at least 1 where there is a method */
};

enum card_kind { CARD_CASH, CARD_CREDIT, CARD_LOAN, CARD_KIND_COUNT };
extern const char *const card_kind_name[CARD_KIND_COUNT]; /* "cash", "credit", "loan" */

struct card_prefix {
        char prefix[PREFIX_MAX + 1];
        int32_t from_day;
        const struct issuer *issuer;
        enum card_kind kind;
};

struct tariff {
        char issuer[ISSUER_MAX + 1];
        enum band band;
        int32_t from_day;
        int64_t customer_fee_yen, interbank_fee_yen; /* before tax, for each withdrawal */
};

enum tax_rounding { TAX_DOWN, TAX_NEAREST, TAX_UP };

struct tax_rate {
        int32_t from_day;
        int32_t rate_bp;            /* 800 = 8 % */
        enum tax_rounding rounding; /* of each fee's tax by itself */
};

enum limit_kind { LIMIT_DAY_YEN, LIMIT_MONTH_YEN, LIMIT_DAY_COUNT, LIMIT_KIND_COUNT };
extern const char *const limit_kind_name[LIMIT_KIND_COUNT]; /* "day_yen", "month_yen", "day_count" */

struct limit {
        enum limit_kind kind;
        int32_t from_day;
        int64_t value; /* yen or withdrawals; LIMIT_NONE lifts it */
};
#define LIMIT_NONE INT64_MAX

struct network_hours {
        int32_t from_day;
        enum day_kind day_kind;
        struct hours hours;
};

struct reference; /* opaque; reference.c */

struct reference *reference_new(void);            /* NULL: out of memory */
void reference_free(struct reference *reference); /* NULL is fine */

/* Each copies its row. False with a text in error[] where the row is malformed or names an unknown other. */
ATM_MUST_USE bool reference_add_hall(struct reference *r, const struct hall *row,
                                     char error[REFERENCE_ERROR_MAX]);
ATM_MUST_USE bool reference_add_share(struct reference *r, const struct hall_share *row,
                                      char error[REFERENCE_ERROR_MAX]);
ATM_MUST_USE bool reference_add_atm(struct reference *r, const char *terminal, const char *hall, bool enabled,
                                    char error[REFERENCE_ERROR_MAX]);
ATM_MUST_USE bool reference_add_barred_atm(struct reference *r, const char *terminal, const char *hall,
                                           char error[REFERENCE_ERROR_MAX]);
ATM_MUST_USE bool reference_add_issuer(struct reference *r, const struct issuer *row,
                                       char error[REFERENCE_ERROR_MAX]);
ATM_MUST_USE bool reference_add_prefix(struct reference *r, const char *prefix, int32_t from_day,
                                       const char *issuer, enum card_kind kind,
                                       char error[REFERENCE_ERROR_MAX]);
ATM_MUST_USE bool reference_add_tariff(struct reference *r, const struct tariff *row,
                                       char error[REFERENCE_ERROR_MAX]);
ATM_MUST_USE bool reference_add_tax_rate(struct reference *r, const struct tax_rate *row,
                                         char error[REFERENCE_ERROR_MAX]);
ATM_MUST_USE bool reference_add_holiday(struct reference *r, int32_t day, char error[REFERENCE_ERROR_MAX]);
ATM_MUST_USE bool reference_add_limit(struct reference *r, const struct limit *row,
                                      char error[REFERENCE_ERROR_MAX]);
ATM_MUST_USE bool reference_add_network_hours(struct reference *r, const struct network_hours *row,
                                              char error[REFERENCE_ERROR_MAX]);
/* The moments that the ledger has partitions for: [from, to). */
void reference_set_moments(struct reference *r, int64_t from_ms, int64_t to_ms);
void reference_set_version(struct reference *r, int64_t version);
ATM_MUST_USE bool reference_finish(struct reference *r, char error[REFERENCE_ERROR_MAX]);

/* What a finished snapshot lacks: a text for each thing, once, in the order of issuers. How many there are. */
size_t reference_check(const struct reference *r, void (*on_lack)(void *context, const char *text),
                       void *context);

int64_t reference_version(const struct reference *r);
bool reference_holds_moment(const struct reference *r, int64_t moment_ms);
const struct atm *reference_atm(const struct reference *r, const char *terminal);
int32_t reference_share_bp(const struct reference *r, const struct hall *hall, int32_t day);
const struct issuer *reference_issuer(const struct reference *r, const char *issuer);
/* Longest matching prefix in force on the day; of equal prefixes the latest. */
const struct card_prefix *reference_prefix(const struct reference *r, const char *pan, int32_t day);
/* The row in force on the day; NULL where none is. */
const struct tariff *reference_tariff(const struct reference *r, const char *issuer, enum band band,
                                      int32_t day);
const struct tax_rate *reference_tax_rate(const struct reference *r, int32_t day);
int64_t reference_limit(const struct reference *r, enum limit_kind kind, int32_t day); /* LIMIT_NONE: none */
bool reference_is_holiday(const struct reference *r, int32_t day);
enum day_kind reference_day_kind(const struct reference *r, int32_t day);
struct hours reference_network_hours(const struct reference *r, int32_t day); /* {0, 0}: closed */

#endif
