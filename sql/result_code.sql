SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
RESET client_min_messages;
-- the answer of a statement, or its error: state, message, detail, hint
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n || ' rows';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;
\pset format unaligned
\pset tuples_only on
\pset null <null>
CREATE VIEW regress_codes AS SELECT code, family, name, class, account, gloss, shipped_class, note, changed_by IS NOT NULL AS changed FROM rcs.result_code;

-- as shipped
SELECT family, count(*) FROM rcs.result_code GROUP BY family ORDER BY family;
SELECT class, count(*), count(*) FILTER (WHERE account) AS account FROM rcs.result_code GROUP BY class ORDER BY class;
SELECT * FROM regress_codes WHERE code IN ('75001', '72105', '71003') ORDER BY code;
SELECT count(*) FROM rcs.result_code WHERE changed_by IS NOT NULL OR class <> shipped_class OR name !~ '\S' OR gloss !~ '\S';

-- changed
UPDATE rcs.result_code SET class = 'd', note = 'comes and goes' WHERE code = '75001';
SELECT * FROM regress_codes WHERE code = '75001';
SELECT changed_by = current_user AS by_me, changed_at > now() - interval '1 minute' AS lately FROM rcs.result_code WHERE code = '75001';
UPDATE rcs.result_code SET gloss = 'number ported' WHERE code = '75001';
SELECT * FROM regress_codes WHERE code = '75001';
-- what differs is kept, and nothing else
SELECT code, family, name, class, account, gloss, note FROM rcs._code_change;
UPDATE rcs.result_code SET note = NULL, class = 'e', gloss = (SELECT gloss FROM rcs._code_shipped s WHERE s.code = '75001') WHERE code = '75001';
SELECT count(*) FROM rcs._code_change;
-- many at once, and back again: those as shipped are not deleted
UPDATE rcs.result_code SET class = 'd' WHERE code LIKE '7500%' AND class = 'e';
SELECT count(*) FROM rcs._code_change;
SELECT pg_temp.try('DELETE FROM rcs.result_code') AS deleted;
SELECT count(*), count(*) FILTER (WHERE class <> shipped_class) FROM rcs.result_code;

-- of the account, or of the message
UPDATE rcs.result_code SET account = false WHERE code = '72105';
SELECT * FROM regress_codes WHERE code = '72105';
DELETE FROM rcs.result_code WHERE code = '72105';
UPDATE rcs.result_code SET class = 'd' WHERE code = '72105';
SELECT class, account FROM rcs.result_code WHERE code = '72105';
UPDATE rcs.result_code SET class = 'f' WHERE code = '72105';
SELECT class, account, changed_by FROM rcs.result_code WHERE code = '72105';
UPDATE rcs.result_code SET note = 'till Monday' WHERE code = '72105';
SELECT class, account, note FROM rcs.result_code WHERE code = '72105';
DELETE FROM rcs.result_code WHERE code = '72105';

-- codes of one's own
INSERT INTO rcs.result_code (code, class, note) VALUES ('71817', 'b', 'newer than the list');
INSERT INTO rcs.result_code (code, class, account, name) VALUES ('64336', 'f', true, 'NO_SUBSCRIPTION');
SELECT * FROM regress_codes WHERE changed ORDER BY code;
UPDATE rcs.result_code SET class = 'd' WHERE code = '64336';
SELECT * FROM regress_codes WHERE code = '64336';
DELETE FROM rcs.result_code WHERE code = '71817' RETURNING code, class;
SELECT count(*) FROM regress_codes WHERE code = '71817';

-- mistakes
SELECT pg_temp.try($$UPDATE rcs.result_code SET class = 'h' WHERE code = '75001'$$);
SELECT pg_temp.try($$UPDATE rcs.result_code SET class = 'duplicate' WHERE code = '75001'$$);
SELECT pg_temp.try($$UPDATE rcs.result_code SET class = NULL WHERE code = '75001'$$);
SELECT pg_temp.try($$UPDATE rcs.result_code SET account = true WHERE code = '75001'$$);
SELECT pg_temp.try($$UPDATE rcs.result_code SET code = '75999' WHERE code = '75001'$$);
SELECT pg_temp.try($$UPDATE rcs.result_code SET shipped_class = 'd' WHERE code = '75001'$$);
SELECT pg_temp.try($$UPDATE rcs.result_code SET changed_by = 'nobody' WHERE code = '75001'$$);
SELECT pg_temp.try($$INSERT INTO rcs.result_code (code, class) VALUES ('75001', 'd')$$);
SELECT pg_temp.try($$INSERT INTO rcs.result_code (code, class) VALUES ('64336', 'd')$$);
SELECT pg_temp.try($$INSERT INTO rcs.result_code (code) VALUES ('99999')$$);
SELECT pg_temp.try($$INSERT INTO rcs.result_code (class) VALUES ('d')$$);
SELECT pg_temp.try(format('INSERT INTO rcs.result_code (code, class) VALUES (%L, %L)', c, 'd'))
FROM unnest('{timeout,0,075001,1234567890,""}'::text[]) c;
SELECT pg_temp.try($$INSERT INTO rcs.result_code (code, class, shipped_class) VALUES ('99999', 'd', 'd')$$);
SELECT count(*) FROM rcs._code_change;

-- rights: the view is enough, and nobody has it at first
SET client_min_messages = warning;
CREATE ROLE regress_rcs_codes;
CREATE ROLE regress_rcs_monitor IN ROLE pg_monitor;
RESET client_min_messages;
SET ROLE regress_rcs_monitor;
SELECT count(*) > 480 FROM rcs.result_code;
SELECT count(*) FROM rcs.unknown_code;
SELECT pg_temp.try($$UPDATE rcs.result_code SET class = 'd' WHERE code = '75001'$$);
SELECT pg_temp.try($$DELETE FROM rcs.unknown_code$$);
SET ROLE regress_rcs_codes;
SELECT pg_temp.try($$SELECT count(*) FROM rcs.result_code$$);
RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON rcs.result_code TO regress_rcs_codes;
SET ROLE regress_rcs_codes;
UPDATE rcs.result_code SET class = 'd' WHERE code = '75001';
INSERT INTO rcs.result_code (code, class) VALUES ('71818', 'f');
SELECT code, class, changed_by FROM rcs.result_code WHERE code IN ('75001', '71818') ORDER BY code;
DELETE FROM rcs.result_code WHERE code = '71818';
SELECT pg_temp.try($$UPDATE rcs._code_change SET class = 'd'$$);
SELECT pg_temp.try($$UPDATE rcs._code_shipped SET class = 'd'$$);
RESET ROLE;

-- a new version ships another class and drops a code: what was changed stays changed
BEGIN;
UPDATE rcs.result_code SET note = 'asked KT' WHERE code = '75002';
SELECT format($$CREATE OR REPLACE VIEW rcs._code_shipped AS SELECT s.code, s.family, s.name,
	CASE WHEN s.code IN ('75001', '75002') THEN 'g' ELSE s.class END AS class, s.account, s.gloss
	FROM (%s) s WHERE s.code <> '75003' UNION ALL VALUES ('64336', 'rbc', 'NOW_KNOWN', 'f', false, 'known')$$,
	rtrim(pg_get_viewdef('rcs._code_shipped'), ';')) AS replaced \gset
:replaced;
SELECT code, name, class, account, shipped_class, note FROM rcs.result_code WHERE code IN ('64336', '75001', '75002', '75003') ORDER BY code;
ROLLBACK;

-- clean up
DELETE FROM rcs.result_code;
SELECT count(*) FROM rcs._code_change;
SET client_min_messages = warning;
DROP VIEW regress_codes;
DROP OWNED BY regress_rcs_codes;
DROP ROLE regress_rcs_codes, regress_rcs_monitor;
