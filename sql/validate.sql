-- rcs_validate: what the carrier takes, and what is said of what it does not take.
-- Each rule at its limit is in t/message/message_corpus.pl.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
RESET client_min_messages;
\pset format unaligned
\pset null <null>
CREATE FUNCTION pg_temp.button(action jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('serviceType', 'RCSSMS', 'body', '{"description": "x"}'::jsonb, 'buttons',
		jsonb_build_array(jsonb_build_object('suggestions', jsonb_build_array(jsonb_build_object('action',
		'{"displayText": "보기", "postback": {"data": "open"}}'::jsonb || action)))))
$$;
CREATE FUNCTION pg_temp.faults(message jsonb) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s | %s | %s', path, code, problem) FROM rcs_validate(message)
$$;

-- valid: no row
SELECT name, f AS fault FROM (VALUES
	('text', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "주문이 접수되었습니다."}}'),
	('long text with a title', '{"serviceType": "RCSLMS", "body": {"title": "주문", "description": "주문이 접수되었습니다."}, "copyAllowed": false, "expiryOption": 2}'),
	('card', '{"serviceType": "RCSMMS", "messagebaseId": "SMwThT00", "body": {"title": "봄", "description": "신상품", "media": "maapfile://BR.shop.1"}}'),
	('film', '{"serviceType": "RCSMMS", "body": {"description": "신상품", "media": "https://www.youtube.com/watch?v=AbCdEfGhIjK,maapfile://BR.shop.1"}}'),
	('two cards, a button on the second', '{"serviceType": "RCSMMS", "body": {"title1": "봄", "description1": "신상품", "media1": "maapfile://a", "media2": "maapfile://b"},
		"buttons": [{}, {"suggestions": [{"action": {"dialerAction": {"dialPhoneNumber": {"phoneNumber": "0212345678"}}, "displayText": "전화", "postback": {"data": "dial"}}}]}]}'),
	('newer layout', '{"serviceType": "RCSLMS", "messagebaseId": "OL00000001", "body": {"mTitle": "가게", "mTitleMedia": "maapfile://logo", "title": "봄", "description": "신상품"}}'),
	('layout of the brand', '{"serviceType": "RCSLMS", "messagebaseId": "UBR.shop-GG000F", "body": {"description": "안녕하세요", "shop": "본점"}}'),
	('template', '{"serviceType": "RCSTMPL", "messagebaseId": "UBR.shop-GG000F", "body": {"name": "홍길동", "amount": "12,000원"}, "buttons": []}'),
	('image template', '{"serviceType": "RCSITMPL", "messagebaseId": "OMHITV0001", "body": {"a": "b"}}'),
	('advertising with fallback', '{"serviceType": "RCSSMS", "header": "1", "footer": "080-123-4567", "body": {"description": "봄 세일"}, "legacy": {"serviceType": "SMS", "msg": "(광고)가게 봄 세일 무료거부 080 123 4567"}}'),
	('chat with chips', '{"serviceType": "RCSCHAT", "replyId": "r1", "body": {"description": "무엇을 도와드릴까요?"}, "chipList": [{"reply": {"displayText": "예약", "postback": {"data": "book"}}}]}'),
	('placeholders', '{"serviceType": "RCSSMS", "body": {"description": "#{name}님 ##{x}"}, "legacy": {"serviceType": "SMS", "msg": "#{name}님"}}'),
	('null is not there', '{"serviceType": "RCSSMS", "header": null, "body": {"description": "x", "title": null}, "buttons": null, "legacy": null}')
) v(name, message) LEFT JOIN LATERAL pg_temp.faults(message::jsonb) f ON true;

-- types, texts, cards
SELECT n, f AS fault FROM (VALUES
	(1, '{}'), (2, '{"serviceType": "SMS", "body": {}}'), (3, '{"serviceType": 1, "body": []}'),
	(4, '{"serviceType": "RCSSMS", "body": {}}'), (5, '{"serviceType": "RCSSMS", "body": {"description": ""}}'),
	(6, '{"serviceType": "RCSSMS", "body": {"description": 5, "titel": "x"}}'),
	(7, jsonb_build_object('serviceType', 'RCSSMS', 'body', jsonb_build_object('title', repeat('가', 31), 'description', repeat('가', 101)))::text),
	(8, '{"serviceType": "RCSLMS", "body": {"title": "(광고) 봄", "description": "x"}}'),
	(9, '{"serviceType": "RCSMMS", "body": {"description": "x"}}'),
	(10, '{"serviceType": "RCSMMS", "body": {"description": "x", "media": "a.jpg"}}'),
	(11, '{"serviceType": "RCSMMS", "messagebaseId": "SL000000", "body": {"description": "x", "media": "maapfile://a"}}'),
	(12, '{"serviceType": "RCSMMS", "messagebaseId": "CMwMhM0300", "body": {"description1": "x", "media1": "maapfile://a", "media2": "maapfile://b"}}'),
	(13, '{"serviceType": "RCSLMS", "body": {"description1": "x", "description2": "y"}}'),
	(14, '{"serviceType": "RCSMMS", "body": {"description1": "x", "media1": "maapfile://a"}}'),
	(15, jsonb_build_object('serviceType', 'RCSMMS', 'body', jsonb_build_object('description1', repeat('가', 651), 'media1', 'maapfile://a', 'description2', repeat('가', 650), 'media2', 'maapfile://b'))::text),
	(16, jsonb_build_object('serviceType', 'RCSTMPL', 'messagebaseId', 'UBR.shop-GG000F', 'body', jsonb_build_object('a', repeat('가', 45), 'b', repeat('가', 46)))::text),
	(17, jsonb_build_object('serviceType', 'RCSITMPL', 'messagebaseId', 'UBR.shop-GG000F', 'body', jsonb_build_object('a', repeat('가', 3411)))::text),
	(18, '{"serviceType": "RCSTMPL", "body": {"a": [1], "b": 1}}')
) v(n, message), pg_temp.faults(message::jsonb) f;

-- header, ids, chat
SELECT n, f AS fault FROM (VALUES
	(1, '{"header": "2"}'), (2, '{"header": 1}'), (3, '{"footer": "080-123-4567"}'), (4, '{"header": "1", "footer": "080 123"}'), (5, '{"header": "1", "footer": ""}'),
	(6, '{"expiryOption": 3}'), (7, '{"expiryOption": "2"}'), (8, '{"copyAllowed": "true"}'), (9, '{"messagebaseId": ""}'),
	(10, '{"cdrId": "123456789012345678901"}'), (11, '{"replyId": "r1"}'), (12, '{"chipList": []}'),
	(13, '{"serviceType": "RCSCHAT"}'), (14, '{"serviceType": "RCSCHAT", "replyId": "r1", "expiryOption": 1, "chipList": [], "legacy": {"serviceType": "SMS", "msg": "x"}}'),
	(15, '{"serviceType": "RCSTMPL", "messagebaseId": "UBR.shop-GG000F", "header": "1", "footer": "0801234567", "buttons": [{}]}'),
	(16, '{"body.description": "x", "a\"b": 1, "": 2}')
) v(n, changes), pg_temp.faults('{"serviceType": "RCSSMS", "body": {"description": "x"}}'::jsonb || changes::jsonb) f;

-- buttons
SELECT n, f AS fault FROM (VALUES
	(1, '{}'), (2, '{"urlAction": {"openUrl": {"url": "example.com"}}}'),
	(3, '{"urlAction": {"openUrl": {"url": "https://example.com"}}, "dialerAction": {"dialPhoneNumber": {"phoneNumber": "0212345678"}}}'),
	(4, '{"urlAction": {"openUrl": {}}, "displayText": null}'), (5, '{"localBrowserAction": {"openUrl": {"url": "https://example.com", "isHalfView": true}}}'),
	(6, '{"mapAction": {"showLocation": {"fallbackUrl": "https://example.com", "location": {"query": "서울역", "latitude": 37.5, "longitude": "x"}}}}'),
	(7, '{"calendarAction": {"createCalendarEvent": {"title": "", "description": "x", "startTime": "2026-12-01 10:00", "endTime": "2026-12-01T11:00:00+09:00"}}}'),
	(8, '{"settingsAction": {}}'), (9, '{"clipboardAction": {"copyToClipboard": {"text": "x"}}, "postback": "x"}')
) v(n, action), pg_temp.faults(pg_temp.button(action::jsonb)) f;
SELECT n, f AS fault FROM (VALUES
	(1, '[]'), (2, '[{"suggestions": []}]'), (3, '[{}, {}]'), (4, '{}'), (5, '["x"]'), (6, '[{"suggestions": [{"reply": {"displayText": "x", "postback": {"data": "x"}}}]}]')
) v(n, buttons), pg_temp.faults(jsonb_set(pg_temp.button('{}'), '{buttons}', buttons::jsonb)) f;

-- fallback
SELECT n, f AS fault FROM (VALUES
	(1, '{}'), (2, '{"serviceType": "RCSSMS", "msg": ""}'), (3, jsonb_build_object('serviceType', 'SMS', 'msg', repeat('가', 40) || 'a')::text),
	(4, jsonb_build_object('serviceType', 'SMS', 'msg', repeat('가', 40), 'prefix', '재')::text), (5, jsonb_build_object('serviceType', 'LMS', 'msg', repeat('가', 2001))::text),
	(6, '{"serviceType": "SMS", "msg": "x", "contentCount": 1, "kisaOrigCode": "12345678a"}'), (7, '{"serviceType": "MMS", "msg": "x", "contentCount": 4, "callback": ""}')
) v(n, legacy), pg_temp.faults(jsonb_build_object('serviceType', 'RCSSMS', 'body', '{"description": "x"}'::jsonb, 'legacy', legacy::jsonb)) f;
SELECT f AS fault FROM pg_temp.faults('{"serviceType": "RCSSMS", "header": "1", "footer": "080-123-4567", "body": {"description": "x"}, "legacy": {"serviceType": "SMS", "msg": "가게 봄 세일"}}') f;

-- templates: what no value can make good
SELECT n, f AS fault FROM (VALUES
	(1, '{"header": "#{h}"}'), (2, '{"messagebaseId": "#{m}"}'), (3, '{"expiryOption": "#{e}"}'),
	(4, jsonb_build_object('body', jsonb_build_object('description', repeat('가', 101) || '#{name}'))::text)
) v(n, changes), pg_temp.faults('{"serviceType": "RCSSMS", "body": {"description": "x"}}'::jsonb || changes::jsonb) f;

-- no message at all
SELECT n, f AS fault FROM (VALUES (1, '"text"'), (2, '5'), (3, 'null'), (4, '[]'), (5, '[{"serviceType": "RCSSMS"}]')) v(n, message), pg_temp.faults(message::jsonb) f;
\set VERBOSITY sqlstate
SELECT rcs_validate(NULL);
\set VERBOSITY default

-- several problems at once, always in the same order, wherever it is called
SELECT '{"serviceType": "RCSLMS", "header": "1", "footer": "x", "body": {"title": 1, "z": 1, "b": 2}, "buttons": [1, {"suggestions": {}}], "chipList": 1, "other": {}}'::jsonb AS message \gset
SELECT * FROM rcs_validate(:'message');
SELECT count(DISTINCT a) FROM (SELECT array_agg(v::text) AS a FROM generate_series(1, 20) i, rcs_validate(CASE WHEN i > 0 THEN :'message'::jsonb END) v GROUP BY i) x;
SELECT (rcs_validate(:'message')).code;
SELECT count(*) FROM rcs_validate(:'message') a JOIN rcs_validate(:'message') b USING (path, code);
SELECT provolatile, proisstrict, proparallel FROM pg_proc WHERE proname = 'rcs_validate';

-- what only a database in UTF-8 can hold: one character that counts as two, and none that fallback can send
SELECT getdatabaseencoding() = 'UTF8' AS utf8 \gset
\if :utf8
SELECT n, f AS fault FROM (VALUES
	(1, jsonb_build_object('description', repeat('😀', 50)), 'x'), (2, jsonb_build_object('description', repeat('😀', 50) || 'a'), 'x'),
	(3, '{"description": "x"}', '가나😀'), (4, '{"description": "x"}', E'\u1112\u1161')
) v(n, body, msg), pg_temp.faults(jsonb_build_object('serviceType', 'RCSSMS', 'body', body, 'legacy', jsonb_build_object('serviceType', 'SMS', 'msg', msg))) f;
\endif
