-- Every row of every table of the ledger as one line of text, in the form and order of memory_print
-- (tests/ledger_mem/ledger_mem.c): moments in milliseconds, tokens as 32 digits, '-' for NULL.
CREATE OR REPLACE FUNCTION pg_temp.ms(p_moment timestamptz) RETURNS text LANGUAGE sql AS $$
        SELECT (extract(epoch FROM p_moment) * 1000)::bigint::text
$$;
CREATE OR REPLACE FUNCTION pg_temp.hex(p_token uuid) RETURNS text LANGUAGE sql AS $$
        SELECT coalesce(replace(p_token::text, '-', ''), '-')
$$;

SELECT line FROM (
        SELECT concat_ws('|', 'withdrawal', terminal, pg_temp.ms(transmitted_at), stan,
                         coalesce(reason::text, '-'), processing_code, amount_yen, pg_temp.hex(card_token), coalesce(pan_mask, '-'),
                         coalesce(issuer, '-'), coalesce(band, '-'), coalesce(hall, '-'), business_date,
                         coalesce(tariff_from::text, '-'), coalesce(tax_rate_bp::text, '-'), customer_fee_yen,
                         customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen,
                         coalesce(approval_code, '-'), coalesce(link, '-'),
                         CASE WHEN approved_at IS NULL THEN '-' ELSE 'dated' END) AS line
        FROM withdrawal
        UNION ALL
        SELECT concat_ws('|', 'open_withdrawal', terminal, pg_temp.ms(transmitted_at), stan,
                         pg_temp.hex(card_token), amount_yen,
                         CASE WHEN asked_ms IS NULL THEN '-' ELSE 'asked' END)
        FROM v_open
        UNION ALL
        SELECT concat_ws('|', 'advice', terminal, pg_temp.ms(transmitted_at), stan, seq, kind,
                         pg_temp.ms(advice_at), advice_stan, coalesce(why, '-'), amount_yen, dispensed_yen,
                         state_before, state, counted_yen, commission)
        FROM advice
        UNION ALL
        SELECT concat_ws('|', 'commission', terminal, pg_temp.ms(transmitted_at), stan, seq, sign, hall,
                         business_date, issuer, band, tariff_from, tax_rate_bp, customer_fee_yen,
                         customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen, posted_on)
        FROM commission
        UNION ALL
        SELECT concat_ws('|', 'bank_outcome', terminal, pg_temp.ms(transmitted_at), stan, reason,
                         coalesce(approval_code, '-'), coalesce(bank_de39, '-'), cause,
                         CASE WHEN approved_at IS NULL THEN '-' ELSE 'dated' END)
        FROM bank_outcome
        UNION ALL
        SELECT concat_ws('|', 'bank_notice', terminal, pg_temp.ms(transmitted_at), stan, seq, link, kind,
                         amount_yen, charge_yen, dispensed_yen, why)
        FROM bank_notice
        UNION ALL
        SELECT concat_ws('|', 'bank_ack', terminal, pg_temp.ms(transmitted_at), stan, seq, attempts,
                         acknowledged_ms, verdict, de39)
        FROM bank_ack
        UNION ALL -- when it was written is the real time of the moment, and so is when it is due at first
        SELECT concat_ws('|', 'saf', terminal, pg_temp.ms(transmitted_at), stan, seq, link,
                         coalesce(nullif(due_ms, created_ms)::text, '-'), attempts,
                         CASE WHEN parked THEN 'parked' ELSE '-' END, coalesce(last_error, '-'), coalesce(encode(chip, 'hex'), '-'))
        FROM saf
        UNION ALL
        SELECT concat_ws('|', 'saf_lease', link, holder, until_ms) FROM saf_lease
        UNION ALL
        SELECT concat_ws('|', 'card_month', pg_temp.hex(card_token), month, cash_yen) FROM v_card_month
        UNION ALL
        SELECT concat_ws('|', 'card_day', pg_temp.hex(card_token), day, cash_yen, withdrawals, corrections) FROM v_card_day
        UNION ALL
        SELECT concat_ws('|', 'card', pg_temp.hex(card_token), coalesce(expiry_yymm, '-'), kind, status, pg_temp.hex(successor),
                         coalesce(pin_value, '-'), pin_tries)
        FROM card
        UNION ALL
        SELECT concat_ws('|', 'pin_event', pg_temp.hex(card_token), seq, kind, coalesce(terminal, '-'),
                         coalesce(pg_temp.ms(transmitted_at), '-'), coalesce(stan::text, '-'),
                         CASE WHEN is_inquiry THEN 'inquiry' WHEN NOT is_inquiry THEN 'withdrawal' ELSE '-' END)
        FROM pin_event
        UNION ALL
        SELECT concat_ws('|', 'pin_inquiry', terminal, pg_temp.ms(transmitted_at), stan, reason, processing_code,
                         pg_temp.hex(card_token), coalesce(balance_yen::text, '-'))
        FROM pin_inquiry
        UNION ALL
        SELECT concat_ws('|', 'exclusion', pg_temp.hex(card_token), from_on, coalesce(until_on::text, '-')) FROM exclusion
        UNION ALL
        SELECT concat_ws('|', 'account', pg_temp.hex(card_token), opening_yen, balance_yen) FROM v_account
        UNION ALL
        SELECT concat_ws('|', 'summary_detail', terminal, posted_on, hall, issuer, band, sum(withdrawals),
                         sum(cash_yen), sum(customer_fee_yen), sum(customer_tax_yen), sum(interbank_fee_yen),
                         sum(interbank_tax_yen), sum(hall_share_yen))
        FROM summary_detail GROUP BY terminal, posted_on, hall, issuer, band
        UNION ALL
        SELECT concat_ws('|', 'period', quarter, from_on, to_on, without_end, withdrawals, cash_yen, commission_yen) FROM period
        UNION ALL
        SELECT concat_ws('|', 'unsummed_post', terminal, pg_temp.ms(transmitted_at), stan, seq, posted_on)
        FROM unsummed_post
        UNION ALL
        SELECT concat_ws('|', 'advice_identity', terminal, pg_temp.ms(advice_at), advice_stan, kind,
                         pg_temp.ms(transmitted_at), stan)
        FROM advice_identity
        UNION ALL
        SELECT concat_ws('|', 'exception_record', terminal, pg_temp.ms(advice_at), advice_stan, kind,
                         pg_temp.ms(transmitted_at), stan, what, amount_yen, dispensed_yen,
                         CASE WHEN resolved THEN 'resolved' ELSE '-' END)
        FROM v_exception
) lines
ORDER BY line COLLATE "C"
