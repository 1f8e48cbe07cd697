-- A card's issuer without a foreign key: the first withdrawal of a bank's card makes its row, so each of those waited for whoever had
-- locked the issuer's row or its table, an operator who left a transaction open, say. The issuer comes from the reference data of the batch's
-- version, and no role may remove one or change its code (082_views.sql).
BEGIN;
SET LOCAL client_min_messages = warning;
ALTER TABLE card DROP CONSTRAINT card_issuer_fkey;
INSERT INTO schema_migration VALUES (57, 'card_issuer');
COMMIT;
