SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
BEGIN;
CREATE SERVER erase_a TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '600');
CREATE USER MAPPING FOR PUBLIC SERVER erase_a OPTIONS (rcs_id 'a', rcs_secret 'none');
DELETE FROM rcs.chatbot;
INSERT INTO rcs.chatbot (chatbot, servers, callback) VALUES ('0230000001', '{erase_a}', '0212345678');
\pset format unaligned
\pset tuples_only on
\pset null <null>
CREATE FUNCTION regress_try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE statement INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- a person, 010-4000-0001, and another one, in all that is kept
SELECT rcs_send('010-4000-0001', 'for your eyes', key => 'erase-1', send_at => '2100-01-01') AS single \gset
SELECT rcs_send('01040000002', 'for others', key => 'erase-2', send_at => '2100-01-01') AS other \gset
SELECT rcs_campaign_create('erase', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "#{name}"}}') AS campaign \gset
SELECT * FROM rcs_campaign_add(:'campaign', $$SELECT '0104000000' || i AS phone, 'name ' || i AS name, 'ref ' || i AS ref FROM generate_series(1, 3) i$$);
SELECT * FROM rcs_campaign_add(:'campaign', '{01040000001}'::text[], '{"{}"}'::jsonb[]);
SELECT rcs_message_id(:'campaign', '01040000001') AS id \gset
-- sent again under another id, of which there is a report
SELECT rcs_message_id(:'campaign', '01040000001', 1) AS again \gset
INSERT INTO rcs.message (campaign_no, batch_id, ord, epoch, id, created_at, phone, ref, params)
SELECT campaign_no, batch_id, 100, 1, :'again', created_at, phone, ref, params FROM rcs.message WHERE id = :'id';
SELECT rcs_campaign_start(:'campaign');
SELECT rcs_receive(jsonb_build_object('msgId', :'again', 'status', 'fail', 'reason', '{"code": "54002", "message": "no"}'::jsonb));
SELECT rcs_receive(jsonb_build_object('msgId', :'single', 'status', 'odd', 'userContact', '01040000001'));
-- known by the id alone, by the number alone, wherever it stands
SELECT rcs_receive(jsonb_build_object('msgId', upper(:'single'), 'status', 'odd'));
SELECT rcs_receive('{"msgId": "unknown", "status": "success", "userContact": "+82 10-4000-0001"}');
SELECT rcs_receive('{"odd": [{"to": "01040000001"}, 7, null]}');
-- kept as bytes: could be mended or not, the number or the id; and somebody else's
SELECT rcs._keep_aside(ARRAY[convert_to('{"msgId": "x", "userContact": "+82 10-4000-0001", "text": "\ud800"}', 'UTF8'), convert_to('{"to": "010-4000-0001", {', 'UTF8'),
	convert_to(upper(:'single'), 'UTF8'), convert_to('{"userContact": "01040000002", "text": "\ud800"}', 'UTF8')]);
SELECT rcs_receive('{"eventType": "message", "chatbotId": "0230000001", "replyId": "r1", "userContact": "+82 10-4000-0001", "messageBody":
	{"textMessage": "my secret", "fileMessage": {"url": "my file"}, "geolocationPushMessage": {"label": "my place"}}, "postbackData": "my wish"}');
SELECT rcs_receive('{"eventType": "message", "chatbotId": "0230000001", "replyId": "r2", "userContact": "01040000002", "messageBody": {"textMessage": "another"}}');
UPDATE rcs.inbound SET reply_message = :'single' WHERE reply_id = 'r1';
SELECT rcs_optout('01040000001', source => 'my word'), rcs_optout('01040000002');
SELECT rcs_campaign_test(:'campaign', '010-4000-0001', '01040000001') AS test \gset
INSERT INTO rcs._change_feed (seq, campaign_no, message, status, at) VALUES (0, 0, :'single', 'sent', now());
INSERT INTO rcs._change (campaign_no, message, status, at) VALUES (0, :'single', 'sent', now());

-- everything in which the person is to be found
CREATE FUNCTION regress_traces(VARIADIC who text[]) RETURNS TABLE (relation text, n bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR relation IN SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'rcs'::regnamespace AND c.relkind = 'r' ORDER BY c.relname COLLATE "C"
	LOOP
		EXECUTE format('SELECT count(*) FROM %s t WHERE t::text ~* ANY ($1)', relation) INTO n USING who;
		IF n > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;
SELECT * FROM regress_traces('0-?4000-?0001', 'eyes', 'name 1', 'ref 1', 'my (secret|file|place|wish|word)', 'erase-1', :'single', :'id', :'again', :'test');
CREATE TABLE regress_before AS SELECT to_jsonb(p) - '{eta,bar}'::text[] AS progress FROM rcs.campaign_progress p WHERE campaign = :'campaign';
CREATE TABLE regress_other AS SELECT count(*) AS n FROM regress_traces('40000002', 'others', 'name 2', 'ref 2', 'another', 'erase-2');

SELECT regress_try('SELECT rcs_erase(''nobody'')');
SELECT regress_try('SELECT rcs_erase(NULL)');
SELECT rcs_erase('01040000009');
-- 4 messages, an inbound one, 7 in quarantine, a refusal
SELECT rcs_erase('+82 10-4000-0001');
SELECT * FROM regress_traces('0-?4000-?0001', 'eyes', 'name 1', 'ref 1', 'my (secret|file|place|wish|word)', 'erase-1', :'single', :'id', :'again', :'test');
SELECT rcs_erase('+82 10-4000-0001');
SELECT count(*), count(rcs_message(id)) FROM rcs.message WHERE phone IS NULL;
-- counts stay but for what was unsent, the other one too, the refusal is in force
SELECT o.key, o.value AS before, n.value AS now FROM regress_before b, rcs.campaign_progress p, jsonb_each_text(b.progress) o, jsonb_each_text(to_jsonb(p)) n
WHERE p.campaign = :'campaign' AND n.key = o.key AND n.value IS DISTINCT FROM o.value ORDER BY o.key;
SELECT n = (SELECT count(*) FROM regress_traces('40000002', 'others', 'name 2', 'ref 2', 'another', 'erase-2')) FROM regress_other;
SELECT phone, source, rcs._refused(phone_hash, '0230000001') FROM rcs.refusal ORDER BY id;
SELECT rcs_optout('01040000001');
SELECT what FROM rcs_trace('01040000001') ORDER BY at;
SELECT phone, ref, key, status, code, reason FROM rcs.message_status WHERE phone IS NULL ORDER BY lane, epoch, created_at, status;
SELECT count(*) FROM rcs.message WHERE phone IS NULL AND num_nonnulls(params, message, ref, key, digest) > 0;
SELECT reply_id, handled_at IS NULL, problem, phone FROM rcs.inbound ORDER BY reply_id;
-- the feed has its changes, under the new id
SELECT status, message IN (SELECT id FROM rcs.message) FROM rcs._change_feed WHERE seq = 0;
-- nobody is sent the same again: another addition, the key again; another content under it is an error
SELECT * FROM rcs_campaign_add(:'campaign', '{01040000001,01040000004}'::text[], '{"{\"name\": \"x\"}", "{\"name\": \"x\"}"}'::jsonb[]);
SELECT rcs_send('01040000001', 'for your eyes', key => 'erase-1', send_at => '2100-01-01') = :'single';
SELECT regress_try('SELECT rcs_send(''01040000005'', ''hello'', key => ''erase-1'')');
SELECT count(*) FROM rcs.message WHERE phone IN ('01040000001', '01040000005');
SELECT rcs_campaign_resend_failed(:'campaign');
-- a late report is not kept and not complained of, one about nobody is
SELECT rcs_receive(jsonb_build_array(jsonb_build_object('msgId', :'id', 'status', 'success', 'userContact', '01040000001'),
	jsonb_build_object('msgId', :'id', 'status', 'success', 'serviceType', 'SMS')));
SELECT rcs_receive('{"msgId": "00000000-0000-0000-0000-000000000000", "status": "success"}');
SELECT rcs._keep_aside(ARRAY[convert_to(format('{"msgId": "%s", "text": "\ud800"}', :'id'), 'UTF8')]);
SELECT problem, payload, convert_from(raw, 'UTF8') FROM rcs.quarantine ORDER BY id;
-- the same inbound message again
SELECT rcs_receive('{"eventType": "message", "chatbotId": "0230000001", "replyId": "r1", "userContact": "01040000001", "messageBody": {"textMessage": "my secret"}}');
SELECT * FROM regress_traces('0-?4000-?0001', 'eyes', 'name 1', 'ref 1', 'my (secret|file|place|wish|word)', 'erase-1', :'single', :'id', :'again', :'test');
-- a campaign with an erased person is steered like any other
SELECT would_send, suppressed FROM rcs_campaign_check(:'campaign');
SELECT rcs_campaign_pause(:'campaign'), rcs_campaign_change(:'campaign', message => '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "Dear #{name}"}}');
SELECT count(*) FROM rcs_campaign_preview(:'campaign', 10);
SELECT rcs_campaign_cancel(:'campaign');
-- rejected recipients
INSERT INTO rcs.rejected (phone, params, ref, code, reason) VALUES ('010-4000-0001', '{"a": 1}', 'ref 1', 'x', 'y'), ('junk', NULL, NULL, 'x', 'y');
SELECT rcs_erase('+82 10-4000-0001');
SELECT phone, params, ref, code FROM rcs.rejected WHERE code = 'x' ORDER BY phone;

-- what waits ends at once, whenever it is due: in its batch, or where it is offered again; not so what a worker
-- holds, what is in doubt, of which there is an intent, or that was canceled before
SELECT rcs_campaign_create('queue', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', start_at => '2100-01-01') AS campaign \gset
SELECT * FROM rcs_campaign_add(:'campaign', '{01041000001,01041000005,01041000006}'::text[]);
SELECT * FROM rcs_campaign_add(:'campaign', '{01041000002,01041000003,01041000004,01041000007,01041000008}'::text[]);
SELECT campaign_no AS no, batch_id AS batch FROM rcs.message WHERE id = rcs_message_id(:'campaign', '01041000002') \gset
CREATE TABLE regress_person AS SELECT phone, campaign_no, batch_id, ord FROM rcs.message WHERE campaign_no = :no;
CREATE FUNCTION regress_queue(no bigint) RETURNS TABLE (phone text, status text, code text, reason text) LANGUAGE sql AS $$
	SELECT regress_person.phone, s.status, s.code, s.reason FROM regress_person JOIN rcs.message m USING (campaign_no, batch_id, ord)
	JOIN rcs.message_status s ON s.id = m.id WHERE m.campaign_no = no AND m.phone IS NULL ORDER BY 1 $$;
CREATE FUNCTION regress_counts() RETURNS text LANGUAGE sql AS $$
	SELECT format('total %s = queued %s + sending %s + canceled %s: %s', total, queued, sending, canceled, total = queued + sending + canceled)
	FROM rcs.campaign_progress WHERE name = 'queue' $$;
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at)
SELECT :no, :batch, ord, 1, (CASE WHEN ord IN (2, 5) THEN 't' ELSE 'r' END)::"char", now() FROM generate_series(1, 5) ord;
DELETE FROM rcs.batch WHERE campaign_no = :no AND batch_id = :batch;
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords, unknown_since)
VALUES (:no, :batch + 1000001, 2, '2100-01-01', 2, :batch, '{1,4}', NULL), (:no, :batch + 1000002, 2, '2100-01-01', 2, :batch, '{2,5}', now()),
	(:no, :batch + 1000003, 1, '2100-01-01', 2, :batch, '{3}', NULL);
INSERT INTO rcs.intent VALUES (:no, :batch, 1, 1, 1, now(), 'erase_a', '{1,2,3,4,5}'), (:no, :batch, 2, 1, 1, now(), 'erase_a', '{3}');
SELECT rcs_cancel(rcs_message_id(:'campaign', '01041000005'));
SELECT regress_counts();
SELECT sum(rcs_erase('0104100000' || i)) FROM generate_series(1, 5) i;
SELECT * FROM regress_queue(:no);
UPDATE rcs.batch SET state = 'l', generation = 0 WHERE campaign_no = :no;
SELECT sum(rcs_erase('0104100000' || i)) FROM generate_series(6, 7) i;
SELECT * FROM regress_queue(:no) WHERE phone > '01041000005';
UPDATE rcs.batch SET state = 'q', generation = NULL WHERE campaign_no = :no;
SELECT batch_id - :batch AS batch, n, canceled FROM rcs.batch WHERE campaign_no = :no ORDER BY 1;
SELECT regress_counts();
-- somebody who is offered again is in no other batch, even if that is there still
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at) VALUES (:no, :batch, 5, '2100-01-01');
UPDATE rcs.batch SET state = 'l', generation = 0 WHERE campaign_no = :no AND origin = :batch;
SELECT rcs_erase('01041000008');
SELECT * FROM regress_queue(:no) WHERE phone = '01041000008';
-- a single has no batch any more; one that is in doubt keeps it
SELECT rcs_send('01041000018', 'x', send_at => '2100-01-01') IS NULL, rcs_send('01041000019', 'x', send_at => '2100-01-01') IS NULL;
UPDATE rcs.batch b SET unknown_since = now() FROM rcs.message m WHERE m.phone = '01041000019' AND b.campaign_no = 0 AND b.batch_id = m.batch_id;
SELECT count(*) AS before FROM rcs.batch WHERE campaign_no = 0 \gset
SELECT rcs_erase('01041000018'), rcs_erase('01041000019');
SELECT count(*) - :before FROM rcs.batch WHERE campaign_no = 0;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT rcs_erase('01040000001');
ROLLBACK;
