/*
 * The parameters of each kind of batch, in the order of its function in sql/ (080_ledger.sql), where
 * each is called p_NAME. ONE(name, type, value): a value of the whole batch, `send` says it (struct ledger_send).
 * EACH(name, type, value): an array with the value of each op; `op` is at hand, and of it `r`, `a` or `o`: its request,
 * advice or outcome. A type is PostgreSQL's name of it; NO_DAY, "" and no bytes are NULL. From these rows come the statement, its arrays
 * and what a contract test compares with the database's catalog.
 */
#ifndef DAEMON_LEDGER_LEDGER_PARAMETERS_H
#define DAEMON_LEDGER_LEDGER_PARAMETERS_H

#define LEDGER_REQUEST_PARAMETERS(ONE, EACH)                                                                 \
        ONE(version, int8, send->reference_version)                                                          \
        EACH(terminal, text, op->identity.terminal)                                                          \
        EACH(transmitted_at, timestamptz, op->identity.transmitted_ms)                                       \
        EACH(stan, int4, op->identity.stan)                                                                  \
        EACH(processing_code, int4, r->processing_code)                                                      \
        EACH(amount_yen, int8, r->amount_yen)                                                                \
        EACH(card_token, uuid, r->card_token)                                                                \
        EACH(pan_mask, text, r->pan_mask)                                                                    \
        EACH(expiry_yymm, text, r->expiry_yymm)                                                              \
        EACH(issuer, text, r->issuer)                                                                        \
        EACH(band, text, is_priced(r) ? band_name[r->price.band] : "")                                       \
        EACH(hall, text, r->hall)                                                                            \
        EACH(business_date, date, r->business_day)                                                           \
        EACH(month, date, calendar_month_of(r->business_day))                                                \
        EACH(tariff_from, date, is_priced(r) ? r->price.tariff_from_day : NO_DAY)                            \
        EACH(tax_rate_bp, int4, r->price.tax_rate_bp)                                                        \
        EACH(customer_fee_yen, int8, r->price.customer_fee_yen)                                              \
        EACH(customer_tax_yen, int8, r->price.customer_tax_yen)                                              \
        EACH(interbank_fee_yen, int8, r->price.interbank_fee_yen)                                            \
        EACH(interbank_tax_yen, int8, r->price.interbank_tax_yen)                                            \
        EACH(hall_share_yen, int8, r->price.hall_share_yen)                                                  \
        EACH(limit_day_yen, int8, r->limit[LIMIT_DAY_YEN])                                                   \
        EACH(limit_month_yen, int8, r->limit[LIMIT_MONTH_YEN])                                               \
        EACH(limit_day_count, int8, r->limit[LIMIT_DAY_COUNT])                                               \
        EACH(refusal, int2, (int16_t)r->refusal)                                                             \
        EACH(approval_code, text, r->approval_code)                                                          \
        EACH(link, text, r->link)                                                                            \
        EACH(pin_tries_max, int2, r->pin_tries_max)                                                          \
        EACH(pin_value, text, r->pin_value)                                                                  \
        ONE(wait_ms, int8, send->times->wait_ms)                                                             \
        ONE(look, bool, send->looks)                                                                         \
        ONE(from, timestamptz, send->from_ms)                                                                \
        ONE(to, timestamptz, send->to_ms)

#define LEDGER_INQUIRY_PARAMETERS(ONE, EACH)                                                                 \
        ONE(version, int8, send->reference_version)                                                          \
        EACH(terminal, text, op->identity.terminal)                                                          \
        EACH(transmitted_at, timestamptz, op->identity.transmitted_ms)                                       \
        EACH(stan, int4, op->identity.stan)                                                                  \
        EACH(processing_code, int4, r->processing_code)                                                      \
        EACH(card_token, uuid, r->card_token)                                                                \
        EACH(expiry_yymm, text, r->expiry_yymm)                                                              \
        EACH(business_date, date, r->business_day)                                                           \
        EACH(refusal, int2, (int16_t)r->refusal)                                                             \
        EACH(link, text, r->link)                                                                            \
        EACH(pin_tries_max, int2, r->pin_tries_max)                                                          \
        EACH(pin_value, text, r->pin_value)                                                                  \
        ONE(from, timestamptz, send->from_ms)                                                                \
        ONE(to, timestamptz, send->to_ms)

#define LEDGER_ADVICE_PARAMETERS(ONE, EACH)                                                                  \
        EACH(terminal, text, op->identity.terminal)                                                          \
        EACH(original_at, timestamptz, a->original.transmitted_ms)                                           \
        EACH(original_stan, int4, a->original.stan)                                                          \
        EACH(kind, text, a->reversal ? "reversal" : "completion")                                            \
        EACH(advice_at, timestamptz, op->identity.transmitted_ms)                                            \
        EACH(advice_stan, int4, op->identity.stan)                                                           \
        EACH(why, text, a->why)                                                                              \
        EACH(amount_yen, int8, a->amount_yen)                                                                \
        EACH(dispensed_yen, int8, a->dispensed_yen)                                                          \
        ONE(correct_ms, int8, send->times->correct_ms)                                                       \
        ONE(look, bool, send->looks)                                                                         \
        ONE(from, timestamptz, send->from_ms)                                                                \
        ONE(to, timestamptz, send->to_ms)                                                                    \
        EACH(chip, bytea, chip_bytes(a))

#define LEDGER_OUTCOME_PARAMETERS(ONE, EACH)                                                                 \
        EACH(terminal, text, op->identity.terminal)                                                          \
        EACH(transmitted_at, timestamptz, op->identity.transmitted_ms)                                       \
        EACH(stan, int4, op->identity.stan)                                                                  \
        EACH(reason, int2, (int16_t)o->reason)                                                               \
        EACH(approval_code, text, o->approval_code)                                                          \
        EACH(bank_de39, text, o->bank_de39)                                                                  \
        EACH(cause, text, outcome_cause_name[o->cause])                                                      \
        ONE(from, timestamptz, send->from_ms)                                                                \
        ONE(to, timestamptz, send->to_ms)

#endif
