SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
CREATE ROLE regress_rcs_pusher;
RESET client_min_messages;
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

-- times as the carrier writes them, and as it might
SELECT t, rcs._carrier_time(t) AT TIME ZONE 'UTC'
FROM unnest(ARRAY['2026-01-31T09:00:00.123+09', '2026-01-31T09:00:00.123+0900', '2026-01-31T09:00:00.123+09:00', '2026-01-31T00:00:00.123Z',
	'2026-01-31T00:00:00z', '2026-01-31 09:00:00', '2026-01-31T09:00:00.1', '2026-01-31T09:00:00.123456789+09', '2026-01-31T09:00:00,5+09',
	'2026-01-30T19:30:00-04:30', '2024-02-29T00:00:00+00', '2026-12-31T23:59:60Z',
	'2026-02-29T00:00:00+00', '2026-13-01T00:00:00+00', '2026-01-31T24:00:00+00', '2026-01-31T09:00:00+9', '2026-01-31T09:00:00+16', '2026-01-31T09:00:00+09:60',
	'2026-01-31T09:00:00+09x', '2026-01-31', '20260131090000', '2026-01-31T09:00', '', 'now', 'infinity', '0000-01-01T00:00:00Z', '-026-01-31T09:00:00Z']) t;

-- A campaign in flight, made by hand in a transaction that no worker sees: ten messages, nine accepted,
-- the tenth offered and not yet answered; two more were canceled and failed; and one single message.
BEGIN;
INSERT INTO rcs.campaign (campaign_no, id, name, chatbot, created_by, started_at)
VALUES (2000001, '5eed0000-0000-4000-8000-00000000000c', 'reports', '0200000001', 'somebody', now());
INSERT INTO rcs.message (campaign_no, batch_id, ord, id, created_at, phone)
SELECT 2000001, 1, i, ('5eed0000-0000-4000-8000-0000000001' || lpad(i::text, 2, '0'))::uuid, now(), '010000010' || lpad(i::text, 2, '0')
FROM generate_series(1, 12) i;
INSERT INTO rcs.message (campaign_no, batch_id, ord, id, created_at, phone)
VALUES (0, 2000001, 1, '5eed0000-0000-4000-8000-000000000200', now(), '01000001099');
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, state, generation) VALUES (2000001, 1, 12, now(), 'l', 7);
INSERT INTO rcs.intent VALUES (2000001, 1, 1, 1, 7, now(), 'kt', '{1,2,3,4,5,6,7,8,9,10,12}'), (0, 2000001, 1, 1, 7, now(), 'kt', '{1}');
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at)
SELECT 2000001, 1, i, 1, CASE i WHEN 11 THEN 'c' WHEN 12 THEN 'f' ELSE 'a' END::"char", now() FROM generate_series(1, 12) i WHERE i <> 10
UNION ALL SELECT 0, 2000001, 1, 1, 'a', now();
-- the batch is closed but for the tenth, which a retry of its own carries on
DELETE FROM rcs.batch WHERE campaign_no = 2000001;
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, state, generation, attempt, origin, ords) VALUES (2000001, 2, 1, now(), 'l', 7, 1, 1, '{10}');
INSERT INTO rcs.tally (campaign_no, what, n) VALUES (2000001, 'total', 12), (2000001, 'accepted', 9), (2000001, 'sent', 9), (2000001, 'canceled', 1), (2000001, 'failed', 1);

CREATE FUNCTION pg_temp.report(i int, VARIADIC more jsonb[] DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	r jsonb := jsonb_build_object('rcsId', 'shop', 'msgId', '5eed0000-0000-4000-8000-0000000001' || lpad(i::text, 2, '0'),
		'userContact', '01000001000', 'status', 'success', 'serviceType', 'RCSSMS', 'mnoInfo', 'KT',
		'sentTime', '2026-01-31T09:00:00.123+09', 'timestamp', '2026-01-31T09:00:01.123+09', 'chatbotId', '0200000001', 'bill', 1);
	m jsonb;
BEGIN
	FOREACH m IN ARRAY more LOOP
		r := r || m;
	END LOOP;
	RETURN jsonb_strip_nulls(r);
END $$;
-- counts them as a worker would; a worker that counts at this moment is waited for
CREATE FUNCTION pg_temp.count_events() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	PERFORM rcs._turn('reports');
	RETURN rcs._count_events();
END $$;
CREATE FUNCTION pg_temp.progress() RETURNS text LANGUAGE sql AS $$
	SELECT format('total %s = %s: sending %s, sent %s, delivered %s, fell_back %s, failed %s, uncertain %s, canceled %s; accepted %s', total,
		queued + sending + sent + delivered + fell_back + failed + uncertain + canceled + expired + suppressed,
		sending, sent, delivered, fell_back, failed, uncertain, canceled, accepted)
	FROM rcs.campaign_progress WHERE name = 'reports';
$$;
-- and as the messages say, one by one
CREATE FUNCTION pg_temp.statuses() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s', n, status), ', ' ORDER BY status)
	FROM (SELECT status, count(*) AS n FROM rcs.message_status WHERE campaign = '5eed0000-0000-4000-8000-00000000000c' GROUP BY 1) x;
$$;
SELECT pg_temp.progress(), pg_temp.statuses();

-- one object, an array, and both in statusInfo
SELECT rcs_receive(pg_temp.report(1));
SELECT rcs_receive(jsonb_build_array(pg_temp.report(2), pg_temp.report(3, '{"serviceType": "LMS", "error": {"code": "54002", "message": "no such subscriber"}}')));
SELECT rcs_receive(jsonb_build_object('statusInfo', jsonb_build_array(pg_temp.report(4, '{"status": "fail", "error": {"code": "54002", "message": "no such subscriber"}}')),
	'queryId', 'q', 'moreToSend', '0'));
SELECT rcs_receive(jsonb_build_object('statusInfo', pg_temp.report(5)));
SELECT rcs_receive('[]');
SELECT ord, e.status, verdict, service_type, carrier, code, e.reason, bill, e.sent_at AT TIME ZONE 'UTC', e.carrier_at AT TIME ZONE 'UTC', counted
FROM rcs.event e JOIN rcs.message m ON m.id = e.message WHERE m.campaign_no = 2000001 ORDER BY ord;
SELECT pg_temp.progress(), pg_temp.statuses();
SELECT pg_temp.count_events();
SELECT pg_temp.progress(), pg_temp.statuses();
SELECT pg_temp.count_events();

-- repetition, in whatever form
SELECT rcs_receive(pg_temp.report(1));
SELECT rcs_receive(jsonb_build_array(pg_temp.report(1), pg_temp.report(1), pg_temp.report(2, '{"timestamp": "2026-02-01T09:00:00+09"}')));
SELECT rcs_receive(jsonb_build_object('statusInfo', jsonb_build_array(pg_temp.report(4, '{"status": "FAIL"}'))));
SELECT rcs_receive(jsonb_build_array(pg_temp.report(6), pg_temp.report(6)));
SELECT pg_temp.count_events();
SELECT pg_temp.progress();

-- two reports about one message, in both orders: what arrived is not taken back
SELECT rcs_receive(pg_temp.report(7, '{"status": "fail", "error": {"code": "54002"}}'));
SELECT pg_temp.count_events(), pg_temp.progress();
SELECT rcs_receive(pg_temp.report(7, '{"serviceType": "SMS"}'));
SELECT pg_temp.count_events(), pg_temp.progress();
SELECT rcs_receive(pg_temp.report(7));
SELECT pg_temp.count_events(), pg_temp.progress();
SELECT rcs_receive(pg_temp.report(2, '{"status": "fail", "serviceType": "SMS", "legacyError": {"code": "1"}}'));
SELECT pg_temp.count_events(), pg_temp.progress();
-- both at once
SELECT rcs_receive(jsonb_build_array(pg_temp.report(8), pg_temp.report(8, '{"status": "fail"}')));
SELECT pg_temp.count_events(), pg_temp.progress();
-- a failure whose code says that it may have arrived
SELECT rcs_receive(pg_temp.report(9, '{"status": "fail", "error": {"code": "77001"}}'));
SELECT pg_temp.count_events(), pg_temp.progress();
SELECT rcs_receive(pg_temp.report(9, '{"serviceType": "RCSLMS"}'));
SELECT pg_temp.count_events(), pg_temp.progress(), pg_temp.statuses();
SELECT code, rcs._report_verdict('fail', 'RCSSMS', code) FROM unnest('{54002,77001,72106,41007,59999,69999,79999,1,x,NULL}'::text[]) code;

-- a report that comes before our own result waits for it
SELECT rcs_receive(pg_temp.report(10));
SELECT pg_temp.count_events(), pg_temp.progress(), pg_temp.statuses();
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at) VALUES (2000001, 1, 10, 1, 't', now());
UPDATE rcs.batch SET state = 'q', generation = NULL, attempt = 2, unknown_since = now(), server = 'kt' WHERE campaign_no = 2000001;
SELECT pg_temp.count_events(), pg_temp.progress(), pg_temp.statuses();
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at) VALUES (2000001, 1, 10, 2, 'a', now());
DELETE FROM rcs.batch WHERE campaign_no = 2000001;
INSERT INTO rcs.tally (campaign_no, what, n) VALUES (2000001, 'accepted', 1), (2000001, 'sent', 1);
SELECT pg_temp.count_events(), pg_temp.progress(), pg_temp.statuses();
-- about one that was canceled, and one that had failed
SELECT rcs_receive(jsonb_build_array(pg_temp.report(11, '{"status": "fail"}'), pg_temp.report(12, '{"status": "fail"}')));
SELECT pg_temp.count_events(), pg_temp.progress(), pg_temp.statuses();
SELECT rcs_receive(jsonb_build_array(pg_temp.report(11), pg_temp.report(12)));
SELECT pg_temp.count_events(), pg_temp.progress(), pg_temp.statuses();
-- about a single message
SELECT rcs_receive(pg_temp.report(1, '{"msgId": "5EED0000-0000-4000-8000-000000000200"}'));
SELECT status, carrier, done_at IS NOT NULL FROM rcs.message_status WHERE id = '5eed0000-0000-4000-8000-000000000200';
SELECT pg_temp.count_events();

-- what it cannot use is put aside, and the rest is taken
DELETE FROM rcs.event;
DELETE FROM rcs.quarantine;
SELECT rcs_receive(jsonb_build_array(pg_temp.report(1), 'null', '1', '"msgId"', '[]', '{}', '[{"msgId": "x"}]',
	pg_temp.report(1, '{"msgId": "unknown"}'), pg_temp.report(1, '{"msgId": 12345}'), pg_temp.report(1, '{"msgId": {"a": 1}}'),
	pg_temp.report(1, '{"msgId": "5eed0000-0000-4000-8000-0000000009ff"}'), pg_temp.report(1, '{"msgId": "{5eed0000-0000-4000-8000-000000000102}"}'),
	pg_temp.report(3, '{"status": "unknown"}'), pg_temp.report(3, '{"status": null}'), pg_temp.report(3, '{"status": 1}'), pg_temp.report(3, '{"status": ["success"]}'),
	pg_temp.report(2)));
SELECT kind, problem, payload->>'msgId', payload->>'status' FROM rcs.quarantine ORDER BY id;
SELECT ord, e.status FROM rcs.event e JOIN rcs.message m ON m.id = e.message ORDER BY ord;
-- lenient types
SELECT rcs_receive(jsonb_build_array(
	pg_temp.report(3, '{"status": "SUCCESS", "serviceType": "rcssms", "bill": "0", "mnoInfo": 5, "sentTime": 20260131, "timestamp": {"a": 1}}'),
	pg_temp.report(4, '{"status": "Fail", "serviceType": null, "error": {"code": 54002, "message": {"a": 1}}, "bill": 7, "timestamp": null}'),
	pg_temp.report(5, '{"status": "fail", "error": "54002", "reason": {"code": "54001", "message": "r"}, "bill": true, "unknown": [1]}'),
	pg_temp.report(6, jsonb_build_object('status', 'fail', 'serviceType', repeat('S', 5000), 'mnoInfo', repeat('M', 5000),
		'error', jsonb_build_object('code', repeat('9', 5000), 'message', repeat('가', 5000))))));
SELECT ord, e.status, verdict, left(service_type, 8), length(service_type), left(carrier, 8), length(carrier), left(code, 8), length(code), left(e.reason, 10), length(e.reason), bill,
	e.sent_at IS NULL, e.carrier_at IS NULL
FROM rcs.event e JOIN rcs.message m ON m.id = e.message WHERE ord > 2 ORDER BY ord;
-- at most 10,000 are kept, and none is large
DELETE FROM rcs.quarantine;
SELECT rcs_receive((SELECT jsonb_agg(to_jsonb(i)) FROM generate_series(1, 10005) i));
SELECT count(*), min(payload::text::int), max(payload::text::int) FROM rcs.quarantine;
SELECT rcs_receive(jsonb_build_object('text', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, n) i))) FROM unnest('{30000,40000}'::int[]) n;
SELECT count(*), max(pg_column_size(payload)) < 1000000 FROM rcs.quarantine;
SELECT payload FROM rcs.quarantine ORDER BY id DESC LIMIT 1;

-- inbound messages
CREATE FUNCTION pg_temp.inbound(id text, VARIADIC more jsonb[] DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	r jsonb := jsonb_build_object('replyId', id, 'eventType', 'message', 'userContact', '+82-10-1234-5678', 'chatbotId', '0200000001',
		'messageBody', jsonb_build_object('textMessage', 'hello'), 'timestamp', '2026-01-31T09:00:01.123+09');
	m jsonb;
BEGIN
	FOREACH m IN ARRAY more LOOP
		r := r || m;
	END LOOP;
	RETURN jsonb_strip_nulls(r);
END $$;
DELETE FROM rcs.quarantine;
SELECT rcs_receive(pg_temp.inbound('a'));
SELECT rcs_receive(jsonb_build_array(pg_temp.inbound('a'), pg_temp.inbound('b', '{"eventType": "RESPONSE", "messageBody": null, "displayText": "yes", "postbackData": "open"}'),
	pg_temp.inbound('c', '{"eventType": "newuser", "messageBody": null, "postbackData": {"a": 1}}'),
	pg_temp.inbound('d', '{"messageBody": {"fileMessage": {"fileName": "a.jpg", "fileUrl": "https://example.com/a.jpg", "fileMIMEType": "image/jpeg", "fileSize": 5}}}'),
	pg_temp.inbound('e', '{"messageBody": {"geolocationPushMessage": {"pos": "37.5 127.0", "timeOffset": -540, "radius": 10}}}'),
	pg_temp.inbound('a', '{"chatbotId": "0200000002"}'), pg_temp.inbound('f', '{"userContact": "hidden"}'), pg_temp.inbound('g', '{"userContact": null, "timestamp": "?"}'),
	pg_temp.inbound('h', '{"messageBody": "hello"}'), pg_temp.report(7), pg_temp.report(7, '{"msgId": "z"}')));
SELECT reply_id, chatbot, phone, event, text, postback_data, file, location, carrier_at AT TIME ZONE 'UTC', handled_at IS NULL FROM rcs.inbound ORDER BY reply_id, chatbot;
SELECT payload = pg_temp.inbound('a') FROM rcs.inbound WHERE reply_id = 'a' AND chatbot = '0200000001';
SELECT kind, problem FROM rcs.quarantine ORDER BY id;
DELETE FROM rcs.quarantine;
SELECT rcs_receive(jsonb_build_array(pg_temp.inbound('x', '{"eventType": "other"}'), pg_temp.inbound('x', '{"eventType": null}'), pg_temp.inbound(''),
	pg_temp.inbound(repeat('x', 101)), pg_temp.inbound('x', '{"chatbotId": null}'), pg_temp.inbound('x', '{"replyId": null}')));
SELECT kind, problem FROM rcs.quarantine ORDER BY id;

-- whose it is
SELECT pg_temp.try('SELECT rcs_receive(NULL)');
SET ROLE regress_rcs_pusher;
SELECT pg_temp.try($$SELECT rcs_receive('[]')$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION rcs_receive(jsonb) TO regress_rcs_pusher;
SET ROLE regress_rcs_pusher;
SELECT rcs_receive('{"replyId": "pushed", "eventType": "message", "userContact": "01012345678", "chatbotId": "0200000001", "messageBody": {"textMessage": "x"}, "timestamp": "2026-01-31T09:00:01.123+09"}');
SELECT pg_temp.try('SELECT count(*) FROM rcs.inbound');
RESET ROLE;
SELECT count(*) FROM rcs.inbound WHERE reply_id = 'pushed';

-- codes that nobody knows are counted, once for each report; those of the fallback are of no list
DELETE FROM rcs.event;
DELETE FROM rcs.unknown_code;
INSERT INTO rcs.unknown_code VALUES ('59997', 2, now() - interval '1 day', now() - interval '1 day', 'kt', 400, 'an answer');
SELECT rcs_receive(jsonb_build_array(pg_temp.report(1, '{"status": "fail", "error": {"code": "59998", "message": "what"}}'),
	pg_temp.report(2, '{"status": "fail", "error": {"code": "59998", "message": "what"}}'),
	pg_temp.report(3, '{"status": "fail", "error": {"code": "59997"}}'), pg_temp.report(4, '{"status": "fail", "error": {"code": "54002"}}'),
	pg_temp.report(5, '{"status": "fail", "legacyError": {"code": "9999"}}'), pg_temp.report(6, '{"status": "fail", "error": {"code": "5999y"}}'),
	pg_temp.report(7)));
SELECT rcs_receive(pg_temp.report(1, '{"status": "fail", "error": {"code": "59998", "message": "what"}}'));
SELECT code, n, first_at = now() AS first_now, last_at = now() AS last_now, server, http_status, reason FROM rcs.unknown_code ORDER BY code;
SELECT severity, detail ~ '59998 \(2 times, the last [0-9]+ s ago, in a report\)' FROM rcs_health() WHERE "check" = 'unknown_code';

-- one element with something wrong in it, of any kind: what can be stored of it is, and the others are
DELETE FROM rcs.event;
DELETE FROM rcs.quarantine;
DELETE FROM rcs.inbound;
SELECT rcs_receive(jsonb_build_array(pg_temp.report(1), pg_temp.report(2, '{"sentTime": "2026-02-30T09:00:00+09", "timestamp": "2026-01-31T25:61:61+09"}'),
	pg_temp.report(3, '{"sentTime": "294277-01-01T00:00:00+09", "timestamp": "infinity"}'), pg_temp.report(4, '{"sentTime": "", "timestamp": "2026-01-31T09:00:00+99:99"}'),
	pg_temp.report(5, '{"sentTime": ["2026-01-31T09:00:00+09"], "timestamp": 1e400}'), pg_temp.report(6, '{"bill": 1e400, "mnoInfo": {"a": [null]}}'),
	pg_temp.report(7, '{"status": "fail", "error": ["54002"], "legacyError": 7, "reason": "r"}'), pg_temp.report(8, '{"status": "fail", "error": {"code": ["54002"], "message": 7}}'),
	pg_temp.report(9) || '{"serviceType": null, "mnoInfo": null, "bill": null, "sentTime": null, "timestamp": null, "error": null, "legacyError": null, "reason": null}',
	pg_temp.report(10, '{"serviceType": ["RCSSMS"], "bill": "11111111111111111111"}'), pg_temp.report(11)));
SELECT ord, verdict, service_type, carrier, code, e.reason, bill, e.sent_at IS NULL AS no_sent, e.carrier_at IS NULL AS no_carrier
FROM rcs.event e JOIN rcs.message m ON m.id = e.message ORDER BY ord;
SELECT rcs_receive(jsonb_build_array(pg_temp.inbound('i1'), pg_temp.inbound('i2', '{"userContact": "010-1234-567890123456789012345678901234567890"}'),
	pg_temp.inbound('i3', '{"userContact": {"a": 1}, "timestamp": {"a": 1}}'), pg_temp.inbound('i4', '{"messageBody": ["hello"], "postbackData": [1, null]}'),
	pg_temp.inbound('i5', '{"messageBody": {"textMessage": {"a": 1}, "fileMessage": 7, "geolocationPushMessage": "x"}}'),
	pg_temp.inbound('i6', jsonb_build_object('messageBody', jsonb_build_object('textMessage', repeat('가', 100000)))),
	pg_temp.inbound('i7') || '{"userContact": null, "messageBody": null, "timestamp": null, "displayText": null, "postbackData": null}',
	pg_temp.inbound('i8', '{"timestamp": "2026-02-30T09:00:00+09"}'), pg_temp.inbound('i9', '{"eventType": ["message"]}'), pg_temp.inbound('i9', '{"chatbotId": {"a": 1}}'),
	pg_temp.inbound(repeat('가', 100)), pg_temp.inbound('i9', jsonb_build_object('chatbotId', repeat('가', 101))), pg_temp.inbound('i9')));
SELECT left(reply_id, 3), left(chatbot, 10), phone, left(text, 5), length(text), postback_data, file, location, carrier_at IS NULL AS no_carrier FROM rcs.inbound ORDER BY reply_id, chatbot;
SELECT kind, problem FROM rcs.quarantine ORDER BY id;

-- one that cannot be stored is kept aside and costs the others nothing; but a fault that is not its own is raised
CREATE FUNCTION pg_temp.poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF to_jsonb(NEW)::text ~ 'poison' THEN
		RAISE 'poisoned' USING ERRCODE = substring(to_jsonb(NEW)::text FROM 'poison (\w{5})');
	ELSIF to_jsonb(NEW)::text ~ 'busy' THEN
		RAISE lock_not_available;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER poison BEFORE INSERT ON rcs.inbound FOR EACH ROW EXECUTE FUNCTION pg_temp.poison();
CREATE TRIGGER poison BEFORE INSERT ON rcs.event FOR EACH ROW EXECUTE FUNCTION pg_temp.poison();
DELETE FROM rcs.quarantine;
DELETE FROM rcs.event;
SELECT rcs_receive(jsonb_build_array(pg_temp.inbound('p1'), pg_temp.inbound('p2', '{"messageBody": {"textMessage": "poison 22012"}}'), pg_temp.inbound('p3'),
	pg_temp.inbound('p7', '{"messageBody": {"textMessage": "poison 23514"}}'), pg_temp.inbound('p8', '{"messageBody": {"textMessage": "poison 54000"}}'),
	pg_temp.inbound('p9', '{"messageBody": {"textMessage": "poison P0001"}}'),
	pg_temp.report(8), pg_temp.report(9, '{"mnoInfo": "poison 22012"}'), pg_temp.report(10), '7'));
SELECT c, pg_temp.try(format('SELECT rcs_receive(%L)', jsonb_build_array(pg_temp.report(11), pg_temp.report(12, jsonb_build_object('mnoInfo', 'poison ' || c)))))
FROM unnest('{22P02,23505,54000,P0001,53100,XX000}'::text[]) c;
SELECT reply_id FROM rcs.inbound WHERE reply_id LIKE 'p_' ORDER BY 1;
SELECT ord FROM rcs.event e JOIN rcs.message m ON m.id = e.message WHERE m.ord IN (8, 9, 10, 11, 12) ORDER BY 1;
SELECT kind, problem, coalesce(payload->>'replyId', payload->>'mnoInfo') FROM rcs.quarantine ORDER BY id;
SELECT pg_temp.try(format('SELECT rcs_receive(%L)', jsonb_build_array(pg_temp.inbound('p4'), pg_temp.inbound('p5', '{"messageBody": {"textMessage": "busy"}}'))));
SELECT pg_temp.try(format('SELECT rcs_receive(%L)', jsonb_build_array(pg_temp.inbound('p4'), pg_temp.inbound('p5', '{"messageBody": {"textMessage": "busy"}}'),
	pg_temp.inbound('p6', '{"messageBody": {"textMessage": "poison 22012"}}'))));
SELECT count(*) FROM rcs.inbound WHERE reply_id = 'p4';

-- what came in one turn of the listener, in whatever form
SELECT rcs._listener_receive(ARRAY[pg_temp.inbound('q1'), jsonb_build_array(pg_temp.inbound('q2'), pg_temp.inbound('q1')), '[]', '{}',
	jsonb_build_object('statusInfo', jsonb_build_array(pg_temp.report(1), pg_temp.report(2))), jsonb_build_object('statusInfo', pg_temp.report(1))]);
SELECT rcs._listener_receive('{}'), rcs._listener_receive(ARRAY['[]'::jsonb]);

-- elements that are no JSON cost the others nothing, are kept as they came, and can be taken later
DELETE FROM rcs.quarantine;
CREATE FUNCTION pg_temp.bytes(given text, hex text) RETURNS bytea LANGUAGE sql AS $$
	SELECT decode(replace(encode(convert_to(replace(given, 'TEXT', '*'), 'UTF8'), 'hex'), '2a', hex), 'hex')
$$;
SELECT rcs._listener_receive(ARRAY[pg_temp.inbound('s1')], ARRAY[
	pg_temp.bytes(pg_temp.inbound('s2', '{"messageBody": {"textMessage": "TEXT"}}')::text, 'b0a1'), -- EUC-KR
	pg_temp.bytes(pg_temp.inbound('s3', '{"messageBody": {"textMessage": "TEXT"}}')::text, encode(convert_to('\ud800', 'UTF8'), 'hex')),
	pg_temp.bytes(pg_temp.report(9, '{"mnoInfo": "TEXT"}')::text, '00'),
	pg_temp.bytes(pg_temp.report(9, '{"msgId": "5eed0000-0000-4000-8000-0000000009ff", "mnoInfo": "TEXT"}')::text, '00'),
	convert_to('{"msgId": 01}', 'UTF8'), '']);
SELECT kind, problem, payload, left(encode(raw, 'escape'), 20) FROM rcs.quarantine ORDER BY id;
SELECT pg_temp.try('SELECT rcs_receive_again(encoding => NULL)');
SELECT pg_temp.try('SELECT rcs_receive_again(encoding => $$x$$)');
-- one of them; what cannot be used stays as it is; what was there before is not new
SELECT rcs_receive_again(id, 'uhc') FROM rcs.quarantine ORDER BY id LIMIT 1;
SELECT rcs_receive_again(0), rcs_receive(pg_temp.report(9));
SELECT rcs_receive_again(), count(*) FROM rcs.quarantine;
SELECT reply_id, text = U&'\AC00', text LIKE '_' FROM rcs.inbound WHERE reply_id IN ('s1', 's2', 's3') ORDER BY id;
SELECT kind, problem, payload, left(encode(raw, 'escape'), 20) FROM rcs.quarantine ORDER BY id;
SELECT rcs_receive_again(encoding => 'UHC'), count(*) FROM rcs.quarantine;
-- a message that comes back, say by a restore; one that still cannot be stored; an answer as a whole
DELETE FROM rcs.quarantine;
SELECT rcs_receive(pg_temp.report(1, '{"msgId": "5eed0000-0000-4000-8000-0000000009ff"}'));
INSERT INTO rcs.message (campaign_no, batch_id, ord, id, created_at, phone) VALUES (0, 2000002, 1, '5eed0000-0000-4000-8000-0000000009ff', now(), '01000001098');
SELECT rcs_receive(pg_temp.inbound('s4', '{"messageBody": {"textMessage": "poison 22012"}}'));
SELECT rcs._keep_aside(ARRAY[pg_temp.bytes(jsonb_build_object('statusInfo', jsonb_build_array(pg_temp.report(10, '{"mnoInfo": "TEXT"}'), pg_temp.report(1, '{"msgId": "x"}')))::text, 'b0a1')], 'report');
SELECT kind, problem FROM rcs.quarantine ORDER BY id;
SELECT rcs_receive_again(encoding => 'UHC');
SELECT kind, problem FROM rcs.quarantine ORDER BY id;
-- who may
SET ROLE regress_rcs_pusher;
SELECT pg_temp.try('SELECT rcs_receive_again()');
RESET ROLE;
GRANT EXECUTE ON FUNCTION rcs_receive_again TO regress_rcs_pusher;
SET ROLE regress_rcs_pusher;
SELECT rcs_receive_again();
RESET ROLE;
-- it has an end: in rows, and in bytes when a long one comes; JSON does not drive the other out
SELECT rcs._keep_aside(array_agg(convert_to(i::text || '{', 'UTF8') ORDER BY i)) FROM generate_series(1, 10005) i;
SELECT rcs_receive((SELECT jsonb_agg(to_jsonb(i)) FROM generate_series(1, 10005) i));
SELECT count(raw), count(payload), (SELECT convert_from(raw, 'UTF8') FROM rcs.quarantine WHERE raw IS NOT NULL ORDER BY id LIMIT 1) FROM rcs.quarantine;
SELECT rcs._quarantine_trim(true, 16384, 100), rcs._quarantine_trim(true, 16385, 10000);
SELECT count(payload), sum(pg_column_size(raw)) BETWEEN 9000 AND 10000, max(convert_from(raw, 'UTF8')) FROM rcs.quarantine;
SELECT rcs._quarantine_trim(false, 16385, 10000);
SELECT count(raw) > 0, sum(pg_column_size(payload)) BETWEEN 9000 AND 10000, max(payload::text::int) FROM rcs.quarantine;
ROLLBACK;
DROP ROLE regress_rcs_pusher;
