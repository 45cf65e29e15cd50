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
SELECT rcs_receive('{"eventType": "message", "chatbotId": "0230000001", "replyId": "r1", "userContact": "+82 10-4000-0001", "messageBody": {"textMessage": "my secret"}}');
SELECT rcs_receive('{"eventType": "message", "chatbotId": "0230000001", "replyId": "r2", "userContact": "01040000002", "messageBody": {"textMessage": "another"}}');
SELECT rcs_optout('01040000001'), rcs_optout('01040000002');
INSERT INTO rcs._change_feed (seq, campaign_no, message, status, at) VALUES (0, 0, :'single', 'sent', now());
INSERT INTO rcs._change (campaign_no, message, status, at) VALUES (0, :'single', 'sent', now());

-- everything in which the person is to be found
CREATE FUNCTION regress_traces(VARIADIC who text[]) RETURNS TABLE (relation text, n bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR relation IN SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'rcs'::regnamespace AND c.relkind = 'r' ORDER BY c.relname COLLATE "C"
	LOOP
		EXECUTE format('SELECT count(*) FROM %s t WHERE t::text ~ ANY ($1)', relation) INTO n USING who;
		IF n > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;
SELECT * FROM regress_traces('0-?4000-?0001', 'eyes', 'name 1', 'ref 1', 'my secret', 'erase-1', :'single', :'id', :'again');
CREATE TABLE regress_before AS SELECT to_jsonb(p) - '{eta,bar}'::text[] AS progress FROM rcs.campaign_progress p WHERE campaign = :'campaign';
CREATE TABLE regress_other AS SELECT count(*) AS n FROM regress_traces('40000002', 'others', 'name 2', 'ref 2', 'another', 'erase-2');

SELECT regress_try('SELECT rcs_erase(''nobody'')');
SELECT regress_try('SELECT rcs_erase(NULL)');
SELECT rcs_erase('01040000009');
-- 3 messages, an inbound one, one in quarantine, a refusal
SELECT rcs_erase('+82 10-4000-0001');
SELECT * FROM regress_traces('0-?4000-?0001', 'eyes', 'name 1', 'ref 1', 'my secret', 'erase-1', :'single', :'id', :'again');
SELECT rcs_erase('+82 10-4000-0001');
-- counts stay, the other one too, the refusal is in force
SELECT progress = (SELECT to_jsonb(p) - '{eta,bar}'::text[] FROM rcs.campaign_progress p WHERE campaign = :'campaign') FROM regress_before;
SELECT n = (SELECT count(*) FROM regress_traces('40000002', 'others', 'name 2', 'ref 2', 'another', 'erase-2')) FROM regress_other;
SELECT phone, rcs._refused(phone_hash, '0230000001') FROM rcs.refusal ORDER BY id;
SELECT rcs_optout('01040000001');
SELECT what FROM rcs_trace('01040000001') ORDER BY at;
SELECT phone, ref, key, status FROM rcs.message_status WHERE phone IS NULL ORDER BY lane, epoch;
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
SELECT problem, payload FROM rcs.quarantine ORDER BY id;
-- the same inbound message again
SELECT rcs_receive('{"eventType": "message", "chatbotId": "0230000001", "replyId": "r1", "userContact": "01040000001", "messageBody": {"textMessage": "my secret"}}');
SELECT * FROM regress_traces('0-?4000-?0001', 'eyes', 'name 1', 'ref 1', 'my secret', 'erase-1', :'single', :'id', :'again');
-- a campaign with an erased person is steered like any other
SELECT would_send, suppressed FROM rcs_campaign_check(:'campaign');
SELECT rcs_campaign_pause(:'campaign'), rcs_campaign_change(:'campaign', message => '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "Dear #{name}"}}');
SELECT count(*) FROM rcs_campaign_preview(:'campaign', 10);
SELECT rcs_campaign_cancel(:'campaign');
-- rejected recipients
INSERT INTO rcs.rejected (phone, params, ref, code, reason) VALUES ('010-4000-0001', '{"a": 1}', 'ref 1', 'x', 'y'), ('junk', NULL, NULL, 'x', 'y');
SELECT rcs_erase('01040000001');
SELECT phone, params, ref, code FROM rcs.rejected WHERE code = 'x' ORDER BY phone;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT rcs_erase('01040000001');
ROLLBACK;
