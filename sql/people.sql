SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
BEGIN;
CREATE SERVER people_a TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '600');
CREATE SERVER people_b TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '600');
CREATE USER MAPPING FOR PUBLIC SERVER people_a OPTIONS (rcs_id 'a', rcs_secret 'none');
CREATE USER MAPPING FOR PUBLIC SERVER people_b OPTIONS (rcs_id 'b', rcs_secret 'none');
DELETE FROM rcs.chatbot;
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('0230000001', '{people_a}'), ('0230000002', '{people_b}');
CREATE ROLE regress_rcs_app;
CREATE ROLE regress_rcs_officer;
GRANT USAGE ON FOREIGN SERVER people_a TO regress_rcs_app;
-- the answer of a statement, or its error: state, message, hint
CREATE FUNCTION regress_try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	hint text;
BEGIN
	EXECUTE statement INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(hint, ''));
END $$;
\pset format unaligned
\pset tuples_only on
\pset null <null>

-- of one chatbot; the number in any form
SELECT rcs_optout('+82 10-3000-0001', '0230000001', 'phone call');
SELECT rcs_optout('010-3000-0001', '0230000001');
SELECT rcs_optout('01030000001', '0230000002', source => 'web');
SELECT phone, chatbot, who = current_user, source, except_chatbots FROM rcs.optout ORDER BY at;
SELECT rcs_optin('01030000001', '0230000001');
SELECT rcs_optin('01030000001', '0230000001');
SELECT phone, chatbot, source FROM rcs.optout ORDER BY at;
-- of all, which stands above each one; and one of them again
SELECT rcs_optout('01030000001');
SELECT rcs_optout('01030000001');
SELECT rcs_optout('01030000001', '0230000002');
SELECT rcs_optin('01030000001', '0230000002', 'shop');
SELECT phone, chatbot, except_chatbots FROM rcs.optout ORDER BY at;
SELECT rcs._refused(rcs._phone_hash('01030000001'), c) FROM (VALUES ('0230000001'), ('0230000002')) v(c);
SELECT rcs_optout('01030000001');
SELECT phone, chatbot, except_chatbots FROM rcs.optout ORDER BY at;
SELECT rcs_optin('01030000001');
SELECT rcs_optin('01030000001');
SELECT count(*) FROM rcs.optout;
SELECT rcs_optin('01030000009');
-- each of these is on record
SELECT chatbot, refused, source FROM rcs.refusal ORDER BY id;
-- the hash is keyed: not that of the bare number
SELECT count(DISTINCT phone_hash), bool_or(phone_hash = sha256('01030000001')), min(length(phone_key)) FROM rcs.refusal, rcs.installation;

-- what is wrong
SELECT regress_try($$SELECT rcs_optout('hello')$$);
SELECT regress_try($$SELECT rcs_optout(NULL)$$);
SELECT regress_try($$SELECT rcs_optout('01030000001', 'nobody')$$);

-- rights: whoever may send may write a refusal down, and only with a grant take it back
SET ROLE regress_rcs_app;
SELECT rcs_optout('01030000002', '0230000001');
SELECT regress_try($$SELECT rcs_optout('01030000002', '0230000002')$$);
SELECT regress_try($$SELECT rcs_optout('01030000002')$$);
SELECT regress_try($$SELECT rcs_optin('01030000002', '0230000001')$$);
SELECT regress_try('SELECT count(*) FROM ' || t) FROM unnest('{rcs.optout,rcs.refusal}'::text[]) t;
SELECT regress_try($$SELECT rcs._refuse('01030000002', NULL, false, 'me', NULL)$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION rcs_optin(text, text, text) TO regress_rcs_officer;
GRANT SELECT ON rcs.optout TO regress_rcs_officer;
SET ROLE regress_rcs_officer;
SELECT phone, chatbot, who, source FROM rcs.optout;
SELECT rcs_optin('01030000002');
SELECT count(*) FROM rcs.optout;
RESET ROLE;
ROLLBACK;

-- ad hours: where a moment lies. The first column is when advertising may leave next.
SET TIME ZONE 'Asia/Seoul';
SELECT rcs._ad_opening(at, hours, margin) FROM (VALUES
	('2026-11-25 07:59:59.999999+09'::timestamptz, '08:00-21:00 Asia/Seoul', 600), ('2026-11-25 08:00+09', '08:00-21:00 Asia/Seoul', 600),
	('2026-11-25 20:49:59.999999+09', '08:00-21:00 Asia/Seoul', 600), ('2026-11-25 20:50+09', '08:00-21:00 Asia/Seoul', 600),
	('2026-11-25 20:50+09', '08:00-21:00 Asia/Seoul', 0), ('2026-12-31 23:00+09', '8:00-21:00   Asia/Seoul', 0),
	-- past midnight, round the clock, eaten up by the margin
	('2026-11-25 23:00+09', '22:00-06:00 Asia/Seoul', 600), ('2026-11-26 05:50+09', '22:00-06:00 Asia/Seoul', 600), ('2026-11-25 05:00+09', '22:00-06:00 Asia/Seoul', 0),
	('2026-11-25 23:59+09', '00:00-24:00 Asia/Seoul', 600), ('2026-11-25 23:59+09', '08:00-24:00 Asia/Seoul', 0), ('2026-11-25 12:05+09', '12:00-12:30 Asia/Seoul', 1800),
	-- a place whose clocks are changed: at night on 2026-03-29 02:00 becomes 03:00
	('2026-03-28 22:00+01', '08:00-21:00 Europe/Berlin', 0), ('2026-03-29 01:59:59+01', '02:30-21:00 Europe/Berlin', 0), ('infinity', '08:00-21:00 Asia/Seoul', 0)) v(at, hours, margin);
BEGIN;
CREATE FUNCTION regress_try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;
SELECT regress_try(format('SELECT rcs._ad_opening(now(), %L, 0)', hours)) FROM (VALUES ('24:01-25:00 Asia/Seoul'), ('08:60-21:00 Asia/Seoul'),
	('08:00-21:00'), ('08:00-21:00 '), ('08:00-21:00 Asia/Nowhere'), ('08:00-21:00Asia/Seoul'), ('8-21 Asia/Seoul'), (''), (' 08:00-21:00 Asia/Seoul'), ('24:00-06:00 Asia/Seoul')) v(hours);
ROLLBACK;
-- the settings
SELECT name, setting, unit, context FROM pg_settings WHERE name LIKE 'rcs.ad%' ORDER BY name;
ALTER SYSTEM SET rcs.ad_hours = '21:00';
ALTER SYSTEM SET rcs.ad_hours = '08:00-21:00 Seoul';
SELECT rcs._ad_opening('2026-11-25 07:00+09');
RESET TIME ZONE;
