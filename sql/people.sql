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
SELECT c, count(*) FROM (VALUES ('0230000001'), ('0230000002')) v(c) JOIN rcs._all_refused(c) ON true GROUP BY c;
SELECT rcs_optout('01030000001');
SELECT phone, chatbot, except_chatbots FROM rcs.optout ORDER BY at;
SELECT rcs_optin('01030000001');
SELECT rcs_optin('01030000001');
SELECT count(*) FROM rcs.optout;
SELECT rcs_optin('01030000009');
-- all at once says the same as one by one, after much to and fro
SAVEPOINT many;
SELECT count(CASE WHEN i % 5 < 3 THEN rcs_optout(p, c) ELSE rcs_optin(p, c) END)
FROM (SELECT i, '010310000' || 10 + (i * 7919) % 23 AS p, ('{0230000001,0230000002,NULL}'::text[])[1 + (i * 31) % 7 % 3] AS c FROM generate_series(1, 300) i OFFSET 0) x;
SELECT c, count(*) > 3, count(*) FILTER (WHERE rcs._refused(h, c) <> (h IN (SELECT rcs._all_refused(c))))
FROM (SELECT DISTINCT phone_hash AS h FROM rcs.refusal) r, (VALUES ('0230000001'), ('0230000002')) v(c) GROUP BY c ORDER BY c;
ROLLBACK TO many;
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

-- ad hours: where a moment lies. The first column is when advertising may leave next, the second until when it may from then on.
SET TIME ZONE 'Asia/Seoul';
SELECT rcs._ad_opening(at, hours, margin), rcs._ad_closing(at, hours, margin) FROM (VALUES
	('2026-11-25 07:59:59.999999+09'::timestamptz, '08:00-21:00 Asia/Seoul', 600), ('2026-11-25 08:00+09', '08:00-21:00 Asia/Seoul', 600),
	('2026-11-25 20:49:59.999999+09', '08:00-21:00 Asia/Seoul', 600), ('2026-11-25 20:50+09', '08:00-21:00 Asia/Seoul', 600),
	('2026-11-25 20:50+09', '08:00-21:00 Asia/Seoul', 0), ('2026-12-31 23:00+09', '8:00-21:00   Asia/Seoul', 0),
	-- past midnight, round the clock, eaten up by the margin
	('2026-11-25 23:00+09', '22:00-06:00 Asia/Seoul', 600), ('2026-11-26 05:50+09', '22:00-06:00 Asia/Seoul', 600), ('2026-11-25 05:00+09', '22:00-06:00 Asia/Seoul', 0),
	('2026-11-25 23:59+09', '00:00-24:00 Asia/Seoul', 600), ('2026-11-25 23:59+09', '08:00-24:00 Asia/Seoul', 0), ('2026-11-25 12:05+09', '12:00-12:30 Asia/Seoul', 1800),
	-- a place whose clocks are changed: at night on 2026-03-29 02:00 becomes 03:00
	('2026-03-28 22:00+01', '08:00-21:00 Europe/Berlin', 0), ('2026-03-29 01:59:59+01', '02:30-21:00 Europe/Berlin', 0), ('infinity', '08:00-21:00 Asia/Seoul', 0)) v(at, hours, margin);
SELECT rcs._ad_day(at, '08:00-21:00 ' || zone) FROM (VALUES ('2026-11-25 23:59:59+09'::timestamptz, 'Asia/Seoul'), ('2026-11-26 00:00+09', 'Asia/Seoul'), ('2026-11-26 00:00+09', 'UTC')) v(at, zone);
-- when so many (those bound to the hours, the others) have left at 60 a minute: first, last, did the hours cost time
SELECT e.starts_at, e.ends_at, e.put_off FROM (VALUES
	-- in time; over night; over three days; none
	('2026-11-25 12:00+09'::timestamptz, 600, 0, 60, '08:00-21:00 Asia/Seoul', 600), ('2026-11-25 20:45+09', 1200, 0, 60, '08:00-21:00 Asia/Seoul', 600),
	('2026-11-25 22:00+09', 100000, 0, 60, '08:00-21:00 Asia/Seoul', 600), ('2026-11-25 22:00+09', 0, 0, 60, '08:00-21:00 Asia/Seoul', 600),
	-- past midnight: in time, from closed, longer than what is left of the night
	('2026-11-25 23:00+09', 3600, 0, 60, '22:00-06:00 Asia/Seoul', 600), ('2026-11-25 12:00+09', 3600, 0, 60, '22:00-06:00 Asia/Seoul', 600),
	('2026-11-26 03:00+09', 3 * 3600, 0, 60, '22:00-06:00 Asia/Seoul', 600),
	-- without an end, for whatever time; never
	('2026-11-25 23:00+09', 500000, 0, 60, '00:00-24:00 Asia/Seoul', 600), ('2026-11-25 23:00+09', 500000, 0, 60, '08:00-08:00 Asia/Seoul', 600),
	('2026-11-25 12:05+09', 10, 0, 60, '12:00-12:30 Asia/Seoul', 1800), ('2026-11-25 12:05+09', 10, 5, 60, '12:00-12:30 Asia/Seoul', 1800),
	-- with consent: all of them; some, for an hour; some, who take all night; half and half up to the closing
	('2026-11-25 22:00+09', 0, 3600, 60, '08:00-21:00 Asia/Seoul', 600), ('2026-11-25 22:00+09', 600, 3600, 60, '08:00-21:00 Asia/Seoul', 600),
	('2026-11-25 22:00+09', 600, 11 * 3600, 60, '08:00-21:00 Asia/Seoul', 600), ('2026-11-25 20:40+09', 600, 600, 60, '08:00-21:00 Asia/Seoul', 600),
	-- no rate
	('2026-11-25 12:00+09', 600, 600, NULL, '08:00-21:00 Asia/Seoul', 600), ('2026-11-25 22:00+09', 600, 0, NULL, '08:00-21:00 Asia/Seoul', 600),
	('2026-11-25 22:00+09', 600, 600, NULL, '08:00-21:00 Asia/Seoul', 600),
	-- a day of 23 hours
	('2026-03-28 23:00+01', 24 * 3600, 0, 60, '00:00-23:00 Europe/Berlin', 0)) v(at, bound, free, rate, hours, margin)
CROSS JOIN LATERAL rcs._ad_end(at, bound, free, rate, hours, margin) e;
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
