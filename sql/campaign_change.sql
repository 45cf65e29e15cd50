-- Change, check, test, watch and resend_failed.  No worker runs for campaigns here.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
CREATE SERVER change_kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '600');
CREATE USER MAPPING FOR PUBLIC SERVER change_kt OPTIONS (rcs_id 'shop', rcs_secret 'none');
RESET client_min_messages;
INSERT INTO rcs.chatbot (chatbot, servers, callback) VALUES ('0200000001', '{change_kt}', '0212345678');
SELECT rcs_hold('no worker takes part in this test') IS NULL AS held;
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
\pset format unaligned
\pset tuples_only on
\pset null <null>
SELECT rcs_campaign_create('one', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "old #{name}"}}', weight => 3) AS c \gset
SELECT * FROM rcs_campaign_add(:'c', $$SELECT '010' || 30000000 + i AS phone, 'N' || i AS name, CASE WHEN i > 2 THEN i END AS points FROM generate_series(1, 10) i$$);

-- what it may be changed to
SELECT pg_temp.try(format('SELECT rcs_campaign_change(%L, %s)', :'c', a))
FROM (VALUES ($$name => ' '$$), ($$rate_per_minute => -1$$), ($$weight => 0$$), ($$weight => 1001$$), ($$start_at => '-infinity'$$),
	($$expires_at => '2000-01-01'$$), ($$start_at => '2100-01-02', expires_at => '2100-01-01'$$),
	($$message => '{"serviceType": "RCSSMS", "header": "0"}'$$), ($$message => '{"serviceType": "RCSSMS", "body": {"description": "x"}}'$$),
	($$message => '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "#{name} #{points}"}}'$$)) v(a);
SELECT pg_temp.try($$SELECT rcs_campaign_change(NULL)$$);
SELECT rcs_campaign_change(:'c');
SELECT rcs_campaign_change(:'c', name => 'two', rate_per_minute => 300, start_at => '2100-01-01', expires_at => '2100-02-01', weight => 5);
SELECT name, version, start_at = '2100-01-01', rate_per_minute, expires_at = '2100-02-01', weight FROM rcs.campaign WHERE id = :'c';
SELECT rcs_campaign_change(:'c', rate_per_minute => 0, start_at => 'infinity', expires_at => 'infinity');
SELECT name, version, start_at, rate_per_minute, expires_at, weight FROM rcs.campaign WHERE id = :'c';
SELECT what, detail FROM rcs.campaign_event e JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'c' AND what <> 'created' ORDER BY e.at;

-- another text: what was offered keeps the old one, whoever is canceled is not asked
SELECT rcs_cancel(rcs_message_id(:'c', '01030000001'));
SELECT pg_temp.try(format($$SELECT rcs_campaign_change(%L, message => '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "#{points}"}}')$$, :'c'));
SELECT rcs_cancel(rcs_message_id(:'c', '01030000002'));
INSERT INTO rcs.intent SELECT campaign_no, batch_id, 1, 1, 1, now(), 'change_kt', '{3}' FROM rcs.batch;
INSERT INTO rcs.result SELECT campaign_no, batch_id, 3, 1, 'r', now(), '1', 'change_kt', 'by hand' FROM rcs.batch;
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords, version)
SELECT campaign_no, nextval('rcs.batch_id_seq'), 1, '2100-01-01', 2, batch_id, '{3}', 1 FROM rcs.batch;
UPDATE rcs.batch SET n = 9, origin = batch_id, ords = '{1,2,4,5,6,7,8,9,10}' WHERE origin IS NULL;
SELECT rcs_campaign_change(:'c', message => '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "new #{points}"}}');
SELECT version, rcs_message(id)->'body'->>'description' FROM rcs.message_status WHERE phone IN ('01030000003', '01030000004') ORDER BY phone;
SELECT rcs_campaign_start(:'c');
SELECT pg_temp.try(format($$SELECT rcs_campaign_change(%L, message => '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "y"}}')$$, :'c'));
SELECT pg_temp.try(format($$SELECT rcs_campaign_change(%L, start_at => '2100-01-01')$$, :'c'));
SELECT rcs_campaign_change(:'c', rate_per_minute => 60);
SELECT rcs_campaign_pause(:'c'), rcs_campaign_change(:'c', message => '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "y"}}');
SELECT v.version, v.message->'body'->>'description' FROM rcs.campaign_version v JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'c' ORDER BY 1;

-- a dry run
SELECT would_send, suppressed, rejected, starts_at = statement_timestamp(), ends_at, limited_by FROM rcs_campaign_check(:'c');
SELECT rcs_resume() IS NULL, rcs_campaign_cancel(:'c');
SELECT * FROM rcs_campaign_check(:'c');
SELECT rcs_campaign_create('check', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', start_at => '2100-01-01 12:00+09') AS k \gset
SELECT * FROM rcs_campaign_check(:'k');
SELECT added, rejected FROM rcs_campaign_add(:'k', $$SELECT '010' || 30000000 + i AS phone FROM generate_series(1, 1200) i UNION ALL SELECT 'bad'$$);
SELECT would_send, rejected, ends_at - starts_at, limited_by FROM rcs_campaign_check(:'k');
SELECT rcs_campaign_change(:'k', rate_per_minute => 60);
SELECT would_send, ends_at - starts_at, limited_by FROM rcs_campaign_check(:'k');
SELECT rcs_campaign_change(:'k', expires_at => '2100-01-01 12:01+09');
SELECT limited_by FROM rcs_campaign_check(:'k');
SELECT rcs_campaign_change(:'k', start_at => '2100-01-01 20:45+09', expires_at => 'infinity',
	message => '{"serviceType": "RCSSMS", "header": "1", "footer": "080-000-0000", "body": {"description": "x"}}');
SELECT starts_at AT TIME ZONE 'Asia/Seoul', ends_at AT TIME ZONE 'Asia/Seoul', limited_by FROM rcs_campaign_check(:'k');
SELECT rcs_optout('01030000007');
SELECT would_send, suppressed FROM rcs_campaign_check(:'k');
SELECT rcs_campaign_change(:'k', start_at => '2100-01-01 22:00+09');
SELECT starts_at AT TIME ZONE 'Asia/Seoul', ends_at AT TIME ZONE 'Asia/Seoul', limited_by FROM rcs_campaign_check(:'k');

-- of a person of whom nothing is left, and of those who get it at any hour
SELECT added FROM rcs_campaign_add(:'k', $$SELECT '010' || 31000000 + i AS phone, true AS night_consent FROM generate_series(1, 60) i$$);
SELECT rcs_erase('01030000008') > 0, rcs_optout('01031000001');
SELECT would_send, suppressed, starts_at AT TIME ZONE 'Asia/Seoul', ends_at AT TIME ZONE 'Asia/Seoul', limited_by FROM rcs_campaign_check(:'k');
SELECT rcs_campaign_change(:'k', start_at => '2100-01-01 12:00+09', rate_per_minute => 0);
SELECT would_send, ends_at - starts_at, limited_by FROM rcs_campaign_check(:'k');
-- who has refused is found in a leased batch too: of 21 to 40, 21 to 24 have an answer, 25 to 27 are being offered,
-- 28 and 29 have been put off; 41 to 50 are in doubt
BEGIN;
SELECT campaign_no AS no, batch_id AS b FROM rcs.message m JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'k' AND m.phone = '01030000021' \gset
SELECT count(*), min(ord), max(ord) FROM rcs.message WHERE campaign_no = :no AND batch_id = :b AND phone <= '01030000040';
UPDATE rcs.batch SET state = 'l', generation = 1 WHERE campaign_no = :no AND batch_id = :b;
INSERT INTO rcs.intent VALUES (:no, :b, 1, 1, 1, now(), 'change_kt', '{21,22,23,24,25,26,27,28}');
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at)
SELECT :no, :b, o, 1, CASE WHEN o < 25 THEN 'a' WHEN o = 28 THEN 'w' ELSE 't' END, now() FROM generate_series(21, 50) o WHERE o < 25 OR o = 28 OR o > 40;
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords, unknown_since)
SELECT :no, nextval('rcs.batch_id_seq'), cardinality(v.ords), '2100-01-01', 2, :b, v.ords, v.since
FROM (VALUES ('{28,29}'::int[], NULL), ('{41,42,43,44,45,46,47,48,49,50}', now())) v(ords, since);
SELECT queued, sending, sent FROM rcs.campaign_progress WHERE campaign = :'k';
SELECT k.would_send, k.suppressed, k.would_send + k.suppressed = p.queued FROM rcs_campaign_check(:'k') k, rcs.campaign_progress p WHERE p.campaign = :'k';
SELECT count(rcs_optout('010' || 30000000 + i)) FROM generate_series(21, 50) i;
SELECT would_send, suppressed FROM rcs_campaign_check(:'k');
-- what is offered again keeps its text, which was no advertising
UPDATE rcs.batch SET version = 1 WHERE campaign_no = :no AND ords = '{28,29}';
SELECT would_send, suppressed FROM rcs_campaign_check(:'k');
ROLLBACK;

-- one message, to try it
SELECT rcs_hold('no worker takes part in this test') IS NULL AS held;
SELECT rcs_campaign_create('try', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "#{name}"}}') AS t \gset
SELECT pg_temp.try(format('SELECT rcs_campaign_test(%L, ''01099999999'')', :'t'));
SELECT added FROM rcs_campaign_add(:'t', ARRAY['01030000001', '01030000002'], ARRAY['{"name": "a"}', '{"name": "b"}']::jsonb[]);
SELECT rcs_campaign_test(:'t', '010-9999-9999') <> rcs_campaign_test(:'t', '010-9999-9999', like_phone => '010 3000 0002');
SELECT s.campaign, s.lane, s.phone, s.status, m.message->'body'->>'description' FROM rcs.message_status s JOIN rcs.message m USING (id)
WHERE m.campaign_no = 0 ORDER BY 5;
SELECT total FROM rcs.campaign_progress WHERE campaign = :'t';
SELECT pg_temp.try(format('SELECT rcs_campaign_test(%L, ''01099999999'', like_phone => ''01099999999'')', :'t'));
SELECT pg_temp.try(format('SELECT rcs_campaign_test(%L, ''x'')', :'t'));

-- watching what does not move by itself
SELECT rcs_campaign_watch(:'t');
SELECT rcs_campaign_create('none', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}') AS n \gset
SELECT rcs_campaign_start(:'n');
SELECT rcs_campaign_watch(:'n');
BEGIN;
SELECT rcs_campaign_start(:'t');
SELECT pg_temp.try(format('SELECT rcs_campaign_watch(%L)', :'t'));
ROLLBACK;

-- failures again
SELECT rcs_campaign_create('again', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', id => '5eed0000-0000-4000-8000-0000000000aa') AS a \gset
SELECT added FROM rcs_campaign_add(:'a', ARRAY(SELECT '010' || 40000000 + i FROM generate_series(1, 8) i));
SELECT rcs_campaign_start(:'a');
-- 1 sent, 2 and 3 unreachable (class e), 4 to 6 refused (class f), 7 uncertain, 8 reported as failed
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, code)
SELECT campaign_no, batch_id, ord, 1, CASE WHEN ord IN (1, 8) THEN 'a' WHEN ord = 7 THEN 'u' ELSE 'f' END, now(),
	CASE WHEN ord IN (2, 3) THEN (SELECT min(code) FROM rcs.result_code WHERE class = 'e') WHEN ord IN (4, 5, 6) THEN (SELECT min(code) FROM rcs.result_code WHERE class = 'f') END
FROM rcs.message m JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'a';
INSERT INTO rcs.tally (campaign_no, what, n) SELECT campaign_no, v.* FROM rcs.campaign, (VALUES ('sent', 2), ('accepted', 2), ('failed', 5), ('uncertain', 1)) v WHERE id = :'a';
DELETE FROM rcs.batch b USING rcs.campaign c WHERE c.campaign_no = b.campaign_no AND c.id = :'a';
SELECT rcs_receive(jsonb_build_object('msgId', rcs_message_id(:'a', '01040000008'), 'status', 'fail', 'serviceType', 'RCS', 'error', jsonb_build_object('code', (SELECT min(code) FROM rcs.result_code WHERE class = 'f'))));
CREATE FUNCTION pg_temp.counts(c uuid) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s: total %s, queued %s, sent %s, failed %s, uncertain %s, the ten %s', state, total, queued, sent, failed, uncertain,
		queued + sending + sent + delivered + fell_back + failed + uncertain + canceled + expired + suppressed)
	FROM rcs.campaign_progress WHERE campaign = c $$;
SELECT rcs_campaign_resend_failed(:'a', ARRAY['0']);
SELECT rcs_campaign_resend_failed(:'a'), rcs_campaign_resend_failed(:'a');
SELECT pg_temp.counts(:'a');
SELECT phone, epoch, status, id = rcs_message_id(:'a', phone, epoch) FROM rcs.message_status WHERE campaign = :'a' ORDER BY phone, epoch;
SELECT rcs_campaign_resend_failed(:'a', ARRAY(SELECT min(code) FROM rcs.result_code WHERE class = 'e'));
SELECT pg_temp.counts(:'a');
-- a late report about the old one changes no count
SELECT rcs_receive(jsonb_build_object('msgId', rcs_message_id(:'a', '01040000004'), 'status', 'success', 'serviceType', 'RCS'));
SELECT rcs._count_events();
SELECT pg_temp.counts(:'a');
SELECT * FROM rcs_campaign_add(:'a', ARRAY['01040000004']);
SELECT what, detail FROM rcs.campaign_event e JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'a' AND what = 'resent' ORDER BY e.at;
SELECT rcs_campaign_cancel(:'a');
SELECT pg_temp.try(format('SELECT rcs_campaign_resend_failed(%L)', :'a'));
SELECT pg_temp.counts(:'a');

-- rights
CREATE ROLE change_stranger;
SET ROLE change_stranger;
SELECT pg_temp.try(format('SELECT rcs_campaign_%s)', f)) FROM (VALUES (format('change(%L, name => ''x''', :'t')), (format('check(%L', :'t')),
	(format('test(%L, ''01012345678''', :'t')), (format('watch(%L', :'t')), (format('resend_failed(%L', :'t'))) v(f);
RESET ROLE;
DROP ROLE change_stranger;

-- clean up
SET client_min_messages = warning;
DELETE FROM rcs.batch;
DELETE FROM rcs.message;
DELETE FROM rcs.intent;
DELETE FROM rcs.result;
DELETE FROM rcs.event;
DELETE FROM rcs.refusal;
DELETE FROM rcs.campaign_version;
DELETE FROM rcs.campaign_event;
DELETE FROM rcs.campaign;
DELETE FROM rcs.tally;
DELETE FROM rcs.rejected;
DELETE FROM rcs.chatbot;
SELECT rcs_resume() IS NULL AS resumed;
DELETE FROM rcs.hold;
DROP SERVER change_kt CASCADE;
