\set server cancel_kt
\i sql/setup/one_account.sql

SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') AS id \gset
SELECT rcs_cancel(:'id'), rcs_cancel(:'id');
SELECT status, reason, attempts, done_at IS NOT NULL FROM rcs.message_status WHERE id = :'id';
SELECT count(*) FROM rcs.batch WHERE campaign_no = 0;
SELECT pg_temp.try($$SELECT rcs_cancel('00000000-0000-0000-0000-000000000000')$$);
SELECT pg_temp.try($$SELECT rcs_cancel(NULL)$$);
-- a canceled key stays used
SELECT rcs_send('01012345678', 'x', key => 'k', send_at => '2100-01-01') AS keyed \gset
SELECT rcs_cancel(:'keyed');
SELECT rcs_send('01012345678', 'x', key => 'k') = :'keyed';
SELECT status FROM rcs.message_status WHERE id = :'keyed';
-- a rollback takes it back
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') AS id \gset
BEGIN;
SELECT rcs_cancel(:'id');
ROLLBACK;
SELECT status FROM rcs.message_status WHERE id = :'id';

-- a message of a campaign: its batch stays, and counts it as canceled
SELECT rcs_campaign_create('c', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}') AS c \gset
SELECT added FROM rcs_campaign_add(:'c', ARRAY['01000000001', '01000000002', '01000000003', '01000000004']);
SELECT rcs_cancel(rcs_message_id(:'c', '01000000002')), rcs_cancel(rcs_message_id(:'c', '01000000002'));
SELECT n, canceled FROM rcs.batch WHERE campaign_no > 0;
SELECT status, count(*) FROM rcs.message_status WHERE campaign = :'c' GROUP BY status ORDER BY status;
SELECT total, queued, canceled FROM rcs.campaign_progress WHERE campaign = :'c';

-- What a worker has written decides.  In transactions, so that no worker sees it.
-- leased: until the intent is written
BEGIN;
UPDATE rcs.batch SET state = 'l', generation = 1 WHERE campaign_no > 0;
INSERT INTO rcs.intent SELECT campaign_no, batch_id, 1, 1, 1, now(), 'kt', '{1}' FROM rcs.batch WHERE campaign_no > 0;
SELECT rcs_cancel(rcs_message_id(:'c', '01000000001')), rcs_cancel(rcs_message_id(:'c', '01000000003'));
SELECT phone, status FROM rcs.message_status WHERE campaign = :'c' ORDER BY phone;
SELECT total, queued, sending, canceled FROM rcs.campaign_progress WHERE campaign = :'c';
ROLLBACK;
-- final
BEGIN;
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at) SELECT campaign_no, batch_id, 1, 1, 'a', now() FROM rcs.batch WHERE campaign_no > 0;
SELECT rcs_cancel(rcs_message_id(:'c', '01000000001'));
ROLLBACK;
-- in doubt
BEGIN;
UPDATE rcs.batch SET unknown_since = now() WHERE campaign_no > 0;
SELECT rcs_cancel(rcs_message_id(:'c', '01000000001'));
ROLLBACK;
-- a retry: the batch it has moved to, while the first is still open for the others
BEGIN;
UPDATE rcs.batch SET state = 'l', generation = 1 WHERE campaign_no > 0;
INSERT INTO rcs.intent SELECT campaign_no, batch_id, 1, 1, 1, now(), 'kt', '{1}' FROM rcs.batch WHERE campaign_no > 0;
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, reason) SELECT campaign_no, batch_id, 1, 1, 'r', now(), 'busy' FROM rcs.batch WHERE campaign_no > 0;
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords) SELECT campaign_no, 900000001, 1, '2100-01-01', 2, batch_id, '{1}' FROM rcs.batch WHERE campaign_no > 0;
SELECT status, reason, attempts, due_at = '2100-01-01' FROM rcs.message_status WHERE id = rcs_message_id(:'c', '01000000001');
SELECT rcs_cancel(rcs_message_id(:'c', '01000000001'));
SELECT batch_id = 900000001, canceled FROM rcs.batch WHERE campaign_no > 0 ORDER BY batch_id;
SELECT status, attempts FROM rcs.message_status WHERE id = rcs_message_id(:'c', '01000000001');
SELECT total, queued, sending, canceled FROM rcs.campaign_progress WHERE campaign = :'c';
ROLLBACK;
-- a message that no batch holds and no result ends: asked a few times, then an error
BEGIN;
DELETE FROM rcs.batch WHERE campaign_no > 0;
SELECT pg_temp.try(format('SELECT rcs_cancel(%L)', rcs_message_id(:'c', '01000000001')));
ROLLBACK;

-- clean up
\i sql/setup/clean.sql
