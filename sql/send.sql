\set server send_kt
\i sql/setup/one_account.sql

-- plain text: the type follows the length, in UTF-16 units
SELECT rcs_message(rcs_send('010-1234-5678', '안녕하세요', send_at => '2100-01-01'));
SELECT n, rcs_message(rcs_send('01012345678', repeat('가', n), send_at => '2100-01-01')) ->> 'serviceType'
FROM (VALUES (100), (101), (1300)) v(n);
SELECT rcs_message(rcs_send('01012345678', repeat('😀', 51), send_at => '2100-01-01')) ->> 'serviceType';
SELECT pg_temp.try($$SELECT rcs_send('01012345678', repeat('가', 1301))$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', '')$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', NULL::text)$$);
SELECT pg_temp.try($$SELECT rcs_send(NULL, 'hello')$$);
SELECT pg_temp.try($$SELECT rcs_send('010-1234', 'hello')$$);
SELECT pg_temp.try($$SELECT rcs_send('010-1234-567a', 'hello')$$);

-- text that is a JSON object is refused; what only looks like one is text
SELECT pg_temp.try($$SELECT rcs_send('01012345678', ' {"serviceType": "RCSSMS"}')$$);
SELECT rcs_message(rcs_send('01012345678', '{name}님', send_at => '2100-01-01')) #>> '{body,description}';

-- placeholders
SELECT rcs_message(rcs_send('01012345678', '#{name}님 #{amount}원 ##{x}', params => '{"name": "a\"b\\c", "amount": 1.50}', send_at => '2100-01-01')) #>> '{body,description}';
SELECT rcs_message(rcs_send('01012345678', '#{name}', params => '{"name": "#{other}"}', send_at => '2100-01-01')) #>> '{body,description}';
SELECT pg_temp.try($$SELECT rcs_send('01012345678', '#{name} #{amount}', params => '{"name": "x"}')$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', '#{name} #{amount}')$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', params => '[1]')$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', '#{empty}', params => '{"empty": ""}')$$);
-- the length is judged after they are filled
SELECT rcs_message(rcs_send('01012345678', '#{t}', params => jsonb_build_object('t', repeat('x', 101)), send_at => '2100-01-01')) ->> 'serviceType';

-- fallback
SELECT n, rcs_message(rcs_send('01012345678', 'x', fallback => repeat('가', n), send_at => '2100-01-01')) #>> '{legacy,serviceType}'
FROM (VALUES (40), (41), (2000)) v(n);
SELECT rcs_message(rcs_send('01012345678', 'x', fallback => '#{name}님', params => '{"name": "김"}', send_at => '2100-01-01')) -> 'legacy';
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', fallback => repeat('가', 2001))$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', fallback => '')$$);
UPDATE rcs.chatbot SET callback = NULL;
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', fallback => 'y')$$);
UPDATE rcs.chatbot SET callback = '0212345678';

-- any message
SELECT rcs_message(rcs_send('01012345678', '{"serviceType": "RCSLMS", "body": {"title": "#{t}", "description": "x"}, "copyAllowed": false}'::jsonb, params => '{"t": "제목"}', send_at => '2100-01-01'));
SELECT rcs_message(rcs_send('01012345678', '{"serviceType": "RCSSMS", "header": "1", "footer": "080-000-0000", "body": {"description": "x"}}'::jsonb, fallback => '(광고)가게 y 무료거부 080 000 0000', send_at => '2100-01-01'));
SELECT pg_temp.try(format($$SELECT rcs_send('01012345678', %L::jsonb, fallback => %L)$$, m, f))
FROM (VALUES
	('"text"', NULL), ('[]', NULL), ('{}', NULL), ('{"serviceType": "SMS", "body": {}}', NULL),
	('{"serviceType": "RCSSMS"}', NULL), ('{"serviceType": "RCSSMS", "body": "x"}', NULL),
	('{"serviceType": "RCSSMS", "body": {"description": "x"}, "header": 1}', NULL),
	('{"serviceType": "RCSSMS", "body": {"description": "x"}, "legacy": "x"}', NULL),
	('{"serviceType": "RCSSMS", "body": {"description": "x"}, "legacy": {}}', 'x'),
	('{"serviceType": "RCSCHAT", "replyId": "r", "body": {"description": "x"}}', 'x'),
	('{"serviceType": "RCSSMS", "body": {"description": "x"}, "chatbotId": "0200000009"}', NULL),
	('{"serviceType": "RCSSMS", "header": "1", "body": {"description": "x"}}', 'y')) v(m, f);
-- who sends is supplied, and never kept
SELECT rcs_message(rcs_send('01012345678', '{"serviceType": "RCSSMS", "body": {"description": "x"}, "chatbotId": "0200000001", "agencyId": "a", "agencyKey": "b", "brandKey": "c"}'::jsonb, send_at => '2100-01-01'));
SELECT pg_temp.try($$SELECT rcs_send('01012345678', NULL::jsonb)$$);

-- times
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', send_at => 'infinity')$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', expires_at => now() - interval '1 second')$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', send_at => '2100-01-02', expires_at => '2100-01-01')$$);
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-02', expires_at => '2100-01-03', key => 'times') IS NOT NULL;
SELECT status, due_at = '2100-01-02', expires_at = '2100-01-03', key, lane FROM rcs.message_status WHERE key = 'times';

-- keys: a repeat sends nothing, however the number is written
SELECT rcs_send('01012345678', '#{a}', params => '{"a": 1, "b": 2}', key => 'order-1', send_at => '2100-01-01') AS id \gset
SELECT rcs_send('+82 10 1234 5678', '1', key => 'order-1') = :'id';
SELECT count(*) FROM rcs.message_status WHERE key = 'order-1';
SELECT pg_temp.try($$SELECT rcs_send('01012345678', '2', key => 'order-1')$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345679', '1', key => 'order-1')$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', key => '')$$);
BEGIN;
SELECT rcs_send('01012345678', 'x', key => 'twice', send_at => '2100-01-01') = rcs_send('01012345678', 'x', key => 'twice', send_at => '2100-01-01');
ROLLBACK;
SELECT count(*) FROM rcs.message_status WHERE key = 'twice';
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') <> rcs_send('01012345678', 'x', send_at => '2100-01-01');
-- another chatbot has keys of its own
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('0200000002', '{send_kt}');
SELECT rcs_send('01012345678', 'other', key => 'order-1', chatbot => '0200000002', send_at => '2100-01-01') <> :'id';
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x')$$);
SET rcs.chatbot = '0200000002';
SELECT rcs_send('01012345678', 'by setting', send_at => '2100-01-01') AS set \gset
SELECT chatbot FROM rcs.message_status WHERE id = :'set';
RESET rcs.chatbot;
DELETE FROM rcs.chatbot WHERE chatbot = '0200000002';

-- on_error
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', on_error => 'ignore')$$);
SELECT rcs_send('01012', 'x', params => '{"a": 1}', on_error => 'record');
SELECT rcs_send(NULL, 'x', on_error => 'record');
SELECT rcs_send('010-1234-5678', '#{a}', on_error => 'record');
SELECT rcs_send('010-1234-5678', '{"body": {"description": "x"}}'::jsonb, on_error => 'record');
SELECT campaign, phone, params, ref, code, reason FROM rcs.rejected ORDER BY at;
SELECT pg_temp.try($$SELECT rcs_send('01012', 'x', chatbot => 'unknown', on_error => 'record')$$);
-- one that is fine is sent as ever
SELECT rcs_send('01012345678', 'x', on_error => 'record', send_at => '2100-01-01') IS NOT NULL;

-- nothing is left of a rollback, and each message is a batch of its own
BEGIN;
SELECT count(*) AS before FROM rcs.batch \gset
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') IS NOT NULL;
SELECT count(*) - :before FROM rcs.batch;
ROLLBACK;
SELECT count(*) - :before FROM rcs.batch;

-- waiting
BEGIN;
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') IS NOT NULL;
SELECT pg_temp.try($$SELECT rcs_wait('1 second')$$);
ROLLBACK;
SELECT rcs_wait('0');
SELECT rcs_wait('20 milliseconds', :'id');
SELECT rcs_cancel(:'id');
SELECT rcs_wait('20 milliseconds', :'id');
SELECT pg_temp.try($$SELECT rcs_wait('0', '00000000-0000-0000-0000-000000000000')$$);

-- clean up
\i sql/setup/clean.sql
