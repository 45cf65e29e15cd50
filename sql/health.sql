SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
\pset null <null>
-- numbers, moments and pids are left out
CREATE FUNCTION pg_temp.health(which text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(E'\n  ', h.severity || ' ' || h.ok, regexp_replace(h.detail, '\d+(?= (s|min|h|d|transactions|[a-zA-Z]?[bB](ytes)?|of)\M)', 'N', 'g'),
		regexp_replace(h.hint, '\d{3,}', 'N', 'g'))
	FROM rcs_health() h WHERE h."check" = which
$$;

-- the workers of this database may have been asked for a moment ago
DO $$ BEGIN
	FOR i IN 1 .. 300 LOOP
		PERFORM FROM rcs_health() h WHERE h."check" = 'worker_slots' AND h.ok;
		EXIT WHEN FOUND;
		PERFORM pg_sleep(0.1);
	END LOOP;
END $$;
-- all well; how full the disk is, is not for us to say
SELECT "check", CASE WHEN "check" <> 'disk' THEN severity END, CASE WHEN "check" <> 'disk' THEN ok END, "check" = 'disk' OR hint IS NULL FROM rcs_health();
SELECT pg_temp.health('listener');
SELECT detail ~ '^single: 1 of 1 run, campaign: 1 of 1; \d+ of 16 worker processes of the server are used$' FROM rcs_health() WHERE "check" = 'worker_slots';
SELECT detail ~ '^data directory: \d+ [a-zA-Z]+ of \d+ [a-zA-Z]+ free' FROM rcs_health() WHERE "check" = 'disk';

-- hold
BEGIN;
INSERT INTO rcs.hold (at, who, reason, server) VALUES (now() - interval '3 hours', 'rcs', 'the carrier knew 20 messages', 'kt');
SELECT pg_temp.health('hold');
INSERT INTO rcs.hold (at, who, reason) VALUES (now() - interval '5 minutes', 'ops', 'wrong price');
SELECT pg_temp.health('hold');
SELECT pg_temp.health('stalled');
UPDATE rcs.hold SET released_at = now();
SELECT pg_temp.health('hold');
ROLLBACK;

-- account: those that are bad, one row each
SET client_min_messages = warning;
BEGIN;
CREATE SERVER health_a TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1');
CREATE SERVER health_b TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:2');
SELECT pg_temp.health('account');
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('0200000001', '{health_b}');
CREATE USER MAPPING FOR PUBLIC SERVER health_a OPTIONS (rcs_id 'shop', rcs_secret 'none');
SELECT pg_temp.health('account');
INSERT INTO rcs.hold (who, reason, server) VALUES ('rcs', 'an old copy', 'health_a');
SELECT pg_temp.health('account');
DELETE FROM rcs.hold;
CREATE USER MAPPING FOR PUBLIC SERVER health_b OPTIONS (rcs_id 'shop', rcs_secret 'none');
SELECT pg_temp.health('account');
ROLLBACK;
RESET client_min_messages;

-- in_doubt: uncertain ones, but for those settled or reported since, and those that are old
BEGIN;
INSERT INTO rcs.message (campaign_no, batch_id, ord, id, created_at)
SELECT 1000001, 1, i, ('5eed0000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, now() FROM generate_series(1, 300) i;
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at) VALUES
	(1000001, 1, 1, 1, 'u', now() - interval '8 days'), (1000001, 1, 2, 1, 'u', now() - interval '1 day'),
	(1000001, 1, 2, 2, 'a', now()), (1000001, 1, 3, 1, 'u', now() - interval '1 day'), (1000001, 1, 4, 1, 'a', now());
INSERT INTO rcs.event (message, campaign_no, status, verdict) VALUES ('5eed0000-0000-4000-8000-000000000003', 1000001, 'success', 'delivered');
SELECT pg_temp.health('in_doubt');
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at) VALUES (1000001, 1, 5, 1, 'u', now() - interval '3 hours');
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords, unknown_since)
VALUES (1000001, 2, 2, 'infinity', 2, 1, '{6,7}', now() - interval '5 minutes'),
	(1000001, 3, 1, 'infinity', 2, 1, '{8}', now() - interval '1 minute');
SELECT pg_temp.health('in_doubt');
DELETE FROM rcs.result WHERE ord = 5;
SELECT pg_temp.health('in_doubt');
UPDATE rcs.batch SET unknown_since = now() - interval '11 minutes' WHERE batch_id = 2;
SELECT pg_temp.health('in_doubt');
-- many are not counted
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at) SELECT 1000001, 1, i, 1, 'u', now() - interval '3 hours' FROM generate_series(101, 300) i;
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords, unknown_since)
SELECT 1000001, i, 1, 'infinity', 2, 1, ARRAY[i], now() FROM generate_series(101, 300) i;
SELECT pg_temp.health('in_doubt');
ROLLBACK;

-- old_snapshot
BEGIN;
CREATE TABLE regress_prepared (i int);
PREPARE TRANSACTION 'regress_health';
SELECT bad, regexp_replace(detail, '\d+ s', 'N s'), hint FROM rcs._health_old_snapshot('0 s');
SELECT bad IS NULL AND detail = 'nothing has kept dead rows for longer than 60 min' FROM rcs._health_old_snapshot('1 hour');
ROLLBACK PREPARED 'regress_health';

-- unknown_code: those of late that nobody has explained
BEGIN;
INSERT INTO rcs.unknown_code VALUES ('75001', 3, now(), now(), 'kt', 400, 'known'),
	('99990', 5, now() - interval '9 days', now() - interval '8 days', 'kt', 400, 'long ago');
SELECT pg_temp.health('unknown_code');
INSERT INTO rcs.unknown_code
SELECT (99990 + i)::text, i, now() - interval '2 days', now() - i * interval '1 minute', 'kt', 499, 'what' FROM generate_series(1, 7) i;
SELECT pg_temp.health('unknown_code');
INSERT INTO rcs.result_code (code, class) SELECT (99990 + i)::text, 'd' FROM generate_series(1, 6) i;
SELECT pg_temp.health('unknown_code');
ROLLBACK;

-- disk
BEGIN;
CREATE TEMP TABLE disks (place text, free bigint, total bigint);
CREATE OR REPLACE FUNCTION rcs._disk(OUT place text, OUT free bigint, OUT total bigint) RETURNS SETOF record
LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS 'SELECT * FROM pg_temp.disks';
INSERT INTO disks VALUES ('data directory', 100e9, 200e9), ('pg_wal', 60e6, 64e6);
SELECT severity, ok, detail FROM rcs_health() WHERE "check" = 'disk';
UPDATE disks SET free = 9e9 WHERE place = 'data directory';
SELECT severity, ok, detail FROM rcs_health() WHERE "check" = 'disk';
UPDATE disks SET free = 1e6 WHERE place = 'pg_wal';
SELECT severity, ok, detail, hint FROM rcs_health() WHERE "check" = 'disk';
ROLLBACK;

-- clock
BEGIN;
UPDATE rcs.identity SET last_alive = now() + interval '10 seconds';
SELECT pg_temp.health('clock');
UPDATE rcs.identity SET last_alive = now() + interval '10 minutes';
SELECT pg_temp.health('clock');
ROLLBACK;
SELECT pg_temp.health('clock');

-- a check that fails does not stop the others
BEGIN;
ALTER TABLE rcs.unknown_code RENAME TO regress_gone;
SELECT "check", CASE WHEN "check" <> 'disk' THEN ok END FROM rcs_health();
SELECT pg_temp.health('unknown_code');
ROLLBACK;

-- rights
SET client_min_messages = warning;
CREATE ROLE regress_rcs_nobody;
CREATE ROLE regress_rcs_monitor IN ROLE pg_monitor;
RESET client_min_messages;
SET ROLE regress_rcs_nobody;
SELECT count(*) FROM rcs_health();
SET ROLE regress_rcs_monitor;
SELECT count(*) FROM rcs_health();
SELECT count(*) FROM rcs._health_hold();
RESET ROLE;
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'rcs'::regnamespace AND p.proname ~ 'health|disk|library|span|ready'
AND has_function_privilege('public', p.oid, 'EXECUTE');
-- in a transaction that only reads
BEGIN READ ONLY;
SELECT count(*), count(*) FILTER (WHERE detail LIKE 'could not%') FROM rcs_health();
COMMIT;

-- clean up
DROP ROLE regress_rcs_nobody, regress_rcs_monitor;
