\set server resolve_kt
\i sql/setup/one_account.sql
CREATE ROLE regress_rcs_nobody;

-- the workers leave alone what this writes for them
SELECT rcs_hold('test of rcs_resolve', '10 s');

-- a single message whose second offer stayed without an answer
CREATE FUNCTION pg_temp.uncertain() RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	v_id uuid := rcs_send('01012345678', 'x');
BEGIN
	DELETE FROM rcs.batch WHERE campaign_no = 0;
	INSERT INTO rcs.intent SELECT 0, batch_id, a, 0, 1, now(), 'resolve_kt', '{1}'
	FROM rcs.message m, generate_series(1, 2) a WHERE m.id = v_id;
	INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, code, server)
	SELECT 0, batch_id, 1, a, CASE a WHEN 1 THEN 't' ELSE 'u' END::"char", now(), 'timeout', 'resolve_kt'
	FROM rcs.message m, generate_series(1, 2) a WHERE m.id = v_id;
	RETURN v_id;
END $$;

SELECT pg_temp.uncertain() AS id \gset
SELECT status, attempts FROM rcs.message_status WHERE id = :'id';
SELECT pg_temp.try(format('SELECT rcs_resolve(%L, %L)', :'id', 'perhaps'));
SELECT pg_temp.try(format('SELECT rcs_resolve(%L, NULL)', :'id'));
SELECT pg_temp.try($$SELECT rcs_resolve('00000000-0000-0000-0000-000000000000', 'sent')$$);
SET ROLE regress_rcs_nobody;
SELECT pg_temp.try(format('SELECT rcs_resolve(%L, %L)', :'id', 'sent'));
RESET ROLE;
GRANT EXECUTE ON FUNCTION rcs_resolve(uuid, text, text) TO regress_rcs_nobody;
SET ROLE regress_rcs_nobody;
SELECT rcs_resolve(:'id', 'sent', 'the customer has it');
RESET ROLE;
SELECT status, code, reason, attempts, sent_at IS NOT NULL, done_at FROM rcs.message_status WHERE id = :'id';
SELECT pg_temp.try(format('SELECT rcs_resolve(%L, %L)', :'id', 'drop'));

SELECT pg_temp.uncertain() AS id \gset
SELECT rcs_resolve(:'id', 'drop') = 'failed';
SELECT status, code, reason = 'drop, says ' || current_user, done_at IS NOT NULL FROM rcs.message_status WHERE id = :'id';

SELECT pg_temp.uncertain() AS id \gset
SELECT rcs_resolve(:'id', 'resend');
SELECT status, reason, attempts FROM rcs.message_status WHERE id = :'id';
SELECT b.n, b.state, b.attempt, b.answers, b.origin = m.batch_id, b.ords, b.version, b.unknown_since = b.due_at, b.server, b.reason
FROM rcs.batch b, rcs.message m WHERE m.id = :'id';
SELECT pg_temp.try(format('SELECT rcs_resolve(%L, %L)', :'id', 'resend'));
-- an account that its chatbot has no more
BEGIN;
DELETE FROM rcs.batch;
SELECT pg_temp.uncertain() AS id \gset
UPDATE rcs.intent SET server = 'gone';
SELECT rcs_resolve(:'id', 'resend');
SELECT server FROM rcs.batch;
ROLLBACK;
-- an erased recipient, and a queued message
BEGIN;
SELECT pg_temp.uncertain() AS id \gset
UPDATE rcs.message SET phone = NULL WHERE id = :'id';
SELECT pg_temp.try(format('SELECT rcs_resolve(%L, %L)', :'id', 'resend'));
SELECT rcs_resolve(:'id', 'drop');
SELECT rcs_send('01012345678', 'x') AS id \gset
SELECT pg_temp.try(format('SELECT rcs_resolve(%L, %L)', :'id', 'sent'));
ROLLBACK;
DELETE FROM rcs.batch;

-- a campaign: its counts add up before and after, whether the batch is closed or still leased
SELECT rcs_campaign_create('c', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}') AS c \gset
SELECT added FROM rcs_campaign_add(:'c', ARRAY['01000000001', '01000000002', '01000000003', '01000000004']);
SELECT rcs_campaign_start(:'c');
INSERT INTO rcs.intent SELECT campaign_no, batch_id, 1, 1, 1, now(), 'resolve_kt', '{1,2,3,4}' FROM rcs.batch WHERE campaign_no > 0;
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at)
SELECT campaign_no, batch_id, o, 1, 'u', now() FROM rcs.batch, generate_series(1, 3) o WHERE campaign_no > 0;
UPDATE rcs.batch SET state = 'l', generation = 0 WHERE campaign_no > 0;
CREATE FUNCTION pg_temp.counts() RETURNS text LANGUAGE sql AS $$
	SELECT format('total %s = queued %s + sending %s + sent %s + failed %s + uncertain %s, accepted %s; %s', total, queued, sending,
		sent, failed, uncertain, accepted, queued + sending + sent + failed + uncertain = total)
	FROM rcs.campaign_progress $$;
SELECT pg_temp.counts();
SELECT rcs_resolve(rcs_message_id(:'c', '01000000001'), 'sent'), pg_temp.counts();
SELECT rcs_resolve(rcs_message_id(:'c', '01000000002'), 'drop');
SELECT pg_temp.counts();
-- as the worker closes it
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at)
SELECT campaign_no, batch_id, 4, 1, 'a', now() FROM rcs.batch WHERE campaign_no > 0;
INSERT INTO rcs.tally (campaign_no, what, n)
SELECT campaign_no, t.what, t.n FROM rcs.batch, (VALUES ('uncertain', 3), ('sent', 1), ('accepted', 1)) t(what, n) WHERE campaign_no > 0;
DELETE FROM rcs.batch WHERE campaign_no > 0;
SELECT pg_temp.counts();
SELECT rcs_resolve(rcs_message_id(:'c', '01000000003'), 'resend');
SELECT pg_temp.counts();
SELECT status, count(*) FROM rcs.message_status WHERE campaign = :'c' GROUP BY status ORDER BY status;

-- clean up
SET client_min_messages = warning;
DELETE FROM rcs.batch;
SELECT rcs_resume();
DELETE FROM rcs.message;
DELETE FROM rcs.intent;
DELETE FROM rcs.result;
DELETE FROM rcs.campaign_version;
DELETE FROM rcs.campaign_event;
DELETE FROM rcs.campaign;
DELETE FROM rcs.tally;
DELETE FROM rcs.hold;
DELETE FROM rcs.chatbot;
DROP SERVER resolve_kt CASCADE;
DROP OWNED BY regress_rcs_nobody;
DROP ROLE regress_rcs_nobody;
