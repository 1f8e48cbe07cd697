/* What the history's rows say, as facts (fact.h): what verify expected of them, and what it found. */
#ifndef BACKOFFICE_AUDIT_HISTORY_FACTS_H
#define BACKOFFICE_AUDIT_HISTORY_FACTS_H

#include "backoffice/audit/fact.h"
#include "backoffice/audit/kept.h"

/* A withdrawal as people find it. */
void history_key(const struct names *names, const struct withdrawal_key *key, enum fact_kind kind,
                 struct fact *ret_fact);
/* Of a kind without values. */
struct fact history_fact(enum fact_kind kind);
/* Of one whose values are all numbers. */
struct fact history_numbers(enum fact_kind kind, const int64_t *values);
struct fact history_open(const uint8_t card[UUID_SIZE], int64_t amount_yen, bool is_house);
struct fact history_commission(const struct names *names, uint32_t hall, int32_t business_day,
                               uint32_t issuer, uint32_t band, int32_t tariff_day, int32_t tax_rate_bp,
                               const int64_t price[PRICE_PARTS], int64_t cash_yen);
struct fact history_earned(const int64_t fees[PRICE_PARTS], int64_t cash_yen);
struct fact history_price(enum fact_kind kind, int32_t tariff_day, int32_t tax_rate_bp,
                          const int64_t price[PRICE_PARTS]);
struct fact history_advice(int seq, const char *before, const char *state, int64_t counted_yen,
                           int commission);
/* n NULL: there is none. */
struct fact history_notice(const struct names *names, const struct kept_notice *n);
struct fact history_outcome(const char *cause, int reason);
struct fact history_sent(const struct names *names, enum fact_kind kind, uint32_t link);

#endif
