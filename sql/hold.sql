SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
CREATE SERVER hold_kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '600');
CREATE USER MAPPING FOR PUBLIC SERVER hold_kt OPTIONS (rcs_id 'shop', rcs_secret 'none');
CREATE ROLE regress_rcs_nobody;
RESET client_min_messages;
INSERT INTO rcs.chatbot (chatbot, servers, callback) VALUES ('0200000001', '{hold_kt}', '0212345678');
-- the answer of a statement, or its error: state, message, detail, hint
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;
\pset format unaligned
\pset tuples_only on
\pset null <null>

-- the identity was written by CREATE EXTENSION
SELECT count(*), bool_and(system_id = (SELECT system_identifier::text FROM pg_control_system())),
	bool_and(dboid = (SELECT oid FROM pg_database WHERE datname = current_database())), bool_and(timeline = 1),
	bool_and(node_id = ''), bool_and(installed_at <= last_alive)
FROM rcs.identity;
SHOW rcs.after_promotion;
SHOW rcs.after_gap;
SHOW rcs.node_id;

-- arguments and rights
SELECT pg_temp.try('SELECT rcs_hold(NULL)');
SELECT pg_temp.try('SELECT rcs_hold('''')');
SET ROLE regress_rcs_nobody;
SELECT pg_temp.try('SELECT rcs_hold(''x'')');
SELECT pg_temp.try('SELECT rcs_resume()');
SELECT pg_temp.try('SELECT count(*) FROM rcs.hold');
RESET ROLE;
GRANT EXECUTE ON FUNCTION rcs_hold(text, interval), rcs_resume(text) TO regress_rcs_nobody;

-- nothing to resume
SELECT rcs_resume();
SELECT count(*) FROM rcs.hold;

-- a hold: what waits says so
SET ROLE regress_rcs_nobody;
SELECT rcs_hold('we move', '10 s');
RESET ROLE;
SELECT who, reason, server, released_at FROM rcs.hold WHERE released_at IS NULL;
SELECT rcs_send('01012345678', 'x') AS id \gset
SELECT status, reason FROM rcs.message_status WHERE id = :'id';
SELECT lane, ready, delayed, leased, oldest_age FROM rcs.queue_depth ORDER BY lane;
-- one more; both end together
SELECT rcs_hold('and more');
BEGIN;
SELECT rcs_cancel(:'id');
SELECT rcs_resume('moved');
SELECT rcs_resume();
COMMIT;
SELECT who = current_user, reason, released_by = current_user, released_at >= at, note FROM rcs.hold ORDER BY at;
SELECT installed_at FROM rcs.identity;

-- rolled back, and with a savepoint
BEGIN;
SELECT rcs_hold('never');
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT rcs_hold('never', '1 s');
ROLLBACK TO a;
COMMIT;
SELECT count(*) FROM rcs.hold WHERE released_at IS NULL;

-- an account on hold
INSERT INTO rcs.hold (who, reason, server) VALUES ('rcs', 'odd answers', 'hold_kt');
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') AS id \gset
SELECT status, reason FROM rcs.message_status WHERE id = :'id';
SELECT rcs_resume('looked at');
SELECT status, reason = 'scheduled for ' || timestamptz '2100-01-01' FROM rcs.message_status WHERE id = :'id';

-- clean up
SET client_min_messages = warning;
DELETE FROM rcs.batch;
DELETE FROM rcs.message;
DELETE FROM rcs.intent;
DELETE FROM rcs.result;
DELETE FROM rcs.hold;
DELETE FROM rcs.chatbot;
DROP SERVER hold_kt CASCADE;
DROP OWNED BY regress_rcs_nobody;
DROP ROLE regress_rcs_nobody;
