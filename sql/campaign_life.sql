-- Pause, resume, cancel: which step is possible when, and what it leaves.  No worker runs for campaigns
-- here, so what is canceled ends in the call.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
CREATE SERVER life_kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '600');
CREATE USER MAPPING FOR PUBLIC SERVER life_kt OPTIONS (rcs_id 'shop', rcs_secret 'none');
RESET client_min_messages;
INSERT INTO rcs.chatbot (chatbot, servers, callback) VALUES ('0200000001', '{life_kt}', '0212345678');
SELECT rcs_hold('no worker takes part in this test');
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
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || regexp_replace(SQLERRM, '[-0-9a-f]{36}', '<id>'), nullif(detail, ''), nullif(hint, ''));
END $$;
-- a campaign of some recipients in a state
CREATE FUNCTION pg_temp.make(name text, state text, recipients int DEFAULT 3) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	c uuid := rcs_campaign_create(name, '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}',
		start_at => CASE WHEN state = 'scheduled' THEN '2100-01-01'::timestamptz END);
BEGIN
	PERFORM rcs_campaign_add(c, ARRAY(SELECT '010' || 30000000 + i FROM generate_series(1, recipients) i));
	IF state NOT IN ('draft', 'scheduled') THEN
		PERFORM rcs_campaign_start(c);
	END IF;
	IF state = 'paused' THEN
		PERFORM rcs_campaign_pause(c);
	ELSIF state = 'canceled' THEN
		PERFORM rcs_campaign_cancel(c);
	ELSIF state = 'expired' THEN
		UPDATE rcs.campaign SET expires_at = now() WHERE id = c;
	END IF;
	RETURN c;
END $$;
CREATE FUNCTION pg_temp.counts(c uuid) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s: total %s, queued %s, sending %s, uncertain %s, canceled %s, the ten %s', state, total, queued, sending, uncertain, canceled,
		queued + sending + sent + delivered + fell_back + failed + uncertain + canceled + expired + suppressed)
	FROM rcs.campaign_progress WHERE campaign = c $$;
\pset format unaligned
\pset tuples_only on
\pset null <null>

-- every step in every state
SELECT s.state || ': ' || f.step || ' → ' || pg_temp.try(format('SELECT rcs_campaign_%s(%L)', f.step,
	pg_temp.make(s.state || ' ' || f.step, s.state, CASE s.state WHEN 'finished' THEN 0 ELSE 3 END)))
FROM unnest('{draft,scheduled,running,paused,finished,canceled,expired}'::text[]) WITH ORDINALITY s(state, i)
CROSS JOIN unnest('{start,pause,resume,cancel}'::text[]) WITH ORDINALITY f(step, j)
ORDER BY s.i, f.j;
-- nothing and nobody
SELECT pg_temp.try(format('SELECT rcs_campaign_%s(NULL)', f)) FROM unnest('{pause,resume,cancel}'::text[]) f;
SELECT pg_temp.try(format('SELECT rcs_campaign_%s(''00000000-0000-0000-0000-000000000000'')', f)) FROM unnest('{pause,resume,cancel}'::text[]) f;
SELECT rcs_campaign_id('running start') AS running \gset
CREATE ROLE life_stranger;
SET ROLE life_stranger;
SELECT pg_temp.try(format('SELECT rcs_campaign_%s(%L)', f, :'running')) FROM unnest('{start,pause,resume,cancel}'::text[]) f;
RESET ROLE;
CREATE ROLE life_owner;
UPDATE rcs.chatbot SET owner = 'life_owner';
GRANT life_owner TO life_stranger;
SET ROLE life_stranger;
SELECT rcs_campaign_pause(rcs_campaign_id('running start'));
-- to send again takes the right to send
SELECT pg_temp.try(format('SELECT rcs_campaign_resume(%L)', rcs_campaign_id('running start')));
SELECT rcs_campaign_cancel(rcs_campaign_id('running start'));
RESET ROLE;
UPDATE rcs.chatbot SET owner = NULL;
DROP ROLE life_stranger, life_owner;

-- calling it again, what a rollback leaves, and who did what
SELECT pg_temp.make('again', 'running') AS c \gset
SELECT rcs_campaign_pause(:'c'), rcs_campaign_pause(:'c');
SELECT state, state_reason = 'paused at ' || paused_at FROM rcs.campaign_progress p JOIN rcs.campaign c ON c.id = p.campaign WHERE campaign = :'c';
SELECT DISTINCT status, reason FROM rcs.message_status WHERE campaign = :'c';
SELECT lane, ready, delayed FROM rcs.queue_depth WHERE lane = 'campaign' AND ready > 0;
SELECT added FROM rcs_campaign_add(:'c', ARRAY['01039999999']);
SELECT rcs_campaign_resume(:'c'), rcs_campaign_resume(:'c');
BEGIN;
SELECT rcs_campaign_cancel(:'c');
SELECT pg_temp.counts(:'c');
ROLLBACK;
SELECT pg_temp.counts(:'c');
SELECT rcs_campaign_cancel(:'c'), rcs_campaign_cancel(:'c');
SELECT pg_temp.counts(:'c');
SELECT status, code, reason, count(*) FROM rcs.message_status WHERE campaign = :'c' GROUP BY 1, 2, 3;
SELECT what, who = current_user, detail FROM rcs.campaign_event e JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'c' ORDER BY e.at;
SELECT pg_temp.try(format('SELECT rcs_campaign_add(%L, ARRAY[''01011110003''])', :'c'));
SELECT count(*) FROM rcs.batch b JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'c';

-- a schedule that passes while it is paused starts it when it is resumed
SELECT pg_temp.make('late', 'scheduled') AS c \gset
SELECT rcs_campaign_pause(:'c'), rcs_campaign_resume(:'c'), rcs_campaign_pause(:'c');
UPDATE rcs.campaign SET start_at = now() WHERE id = :'c';
SELECT rcs_campaign_resume(:'c');

-- what is in doubt ends as uncertain, what was canceled before is counted once, what is leased is left
SELECT pg_temp.make('doubt', 'running', 7) AS c \gset
SELECT rcs_cancel(rcs_message_id(:'c', '01030000001'));
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, reason)
SELECT campaign_no, batch_id, ord, 1, CASE WHEN ord < 4 THEN 't' ELSE 'r' END, now(), 'by hand' FROM rcs.message m JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'c' AND ord BETWEEN 2 AND 5;
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords, version, unknown_since, server)
SELECT b.campaign_no, nextval('rcs.batch_id_seq'), 2, '2100-01-01', 2, b.batch_id, v.ords, 1, v.since, v.server
FROM rcs.batch b JOIN rcs.campaign c USING (campaign_no), (VALUES (ARRAY[2, 3], now(), 'life_kt'), (ARRAY[4, 5], NULL, NULL)) v(ords, since, server) WHERE c.id = :'c';
UPDATE rcs.batch b SET n = 3, ords = '{1,6,7}', origin = batch_id FROM rcs.campaign c WHERE c.campaign_no = b.campaign_no AND c.id = :'c' AND origin IS NULL;
SELECT pg_temp.counts(:'c');
SELECT rcs_campaign_cancel(:'c');
SELECT pg_temp.counts(:'c');
SELECT ord, status, s.code, s.reason FROM rcs.message_status s JOIN rcs.message USING (id) WHERE s.campaign = :'c' ORDER BY ord;
SELECT pg_temp.make('leased', 'running', 2) AS c \gset
UPDATE rcs.batch b SET state = 'l', generation = 1 FROM rcs.campaign c WHERE c.campaign_no = b.campaign_no AND c.id = :'c';
SELECT rcs_campaign_cancel(:'c');
SELECT pg_temp.counts(:'c');
UPDATE rcs.batch b SET state = 'q', generation = NULL FROM rcs.campaign c WHERE c.campaign_no = b.campaign_no AND c.id = :'c';
SELECT rcs_campaign_cancel(:'c');
SELECT pg_temp.counts(:'c');

-- clean up
SET client_min_messages = warning;
DELETE FROM rcs.batch;
DELETE FROM rcs.message;
DELETE FROM rcs.intent;
DELETE FROM rcs.result;
DELETE FROM rcs.campaign_version;
DELETE FROM rcs.campaign_event;
DELETE FROM rcs.campaign;
DELETE FROM rcs.tally;
DELETE FROM rcs.chatbot;
SELECT rcs_resume();
DELETE FROM rcs.hold;
DROP SERVER life_kt CASCADE;
