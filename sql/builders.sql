-- Builders: messages and buttons as SQL expressions.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
CREATE SERVER builders_kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '600');
CREATE USER MAPPING FOR PUBLIC SERVER builders_kt OPTIONS (rcs_id 'shop', rcs_secret 'none');
RESET client_min_messages;
INSERT INTO rcs.chatbot (chatbot, servers, callback, footer)
VALUES ('0200000001', '{builders_kt}', '0212345678', '080-123-4567');
-- the answer of a statement, or its error: state, message, detail, hint; ids are left out
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	detail text;
	hint text;
BEGIN
	EXECUTE 'SELECT ' || statement INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;
\pset format unaligned
\pset tuples_only on
\pset null <null>

-- what each gives, with every argument and with few
SELECT rcs_text('안녕하세요');
SELECT rcs_text('안녕하세요', title => '인사', header => '1', footer => '080-123-4567',
	buttons => ARRAY[rcs_button_copy('복사', 'X')], service_type => 'RCSLMS');
SELECT rcs_card('셔츠', '면 100 %', 'maapfile://a');
SELECT rcs_card('셔츠', '면 100 %', 'maapfile://a', ARRAY[rcs_button_copy('복사', 'X')], size => 'tall', header => '1',
	footer => '080-123-4567');
SELECT rcs_carousel(ARRAY[
	rcs_card('셔츠', '면 100 %', 'maapfile://a', ARRAY[rcs_button_copy('복사', 'X'), rcs_button_copy('또 복사', 'Y')]),
	rcs_card('바지', '린넨', 'maapfile://b')]);
SELECT rcs_carousel(ARRAY[
	rcs_card(NULL, '첫째', 'maapfile://a'), rcs_card('둘째', NULL, 'maapfile://b'), rcs_card(NULL, NULL, 'maapfile://c')
], size => 'small', header => '1', footer => '080-123-4567');
SELECT rcs_fallback(rcs_text('안녕하세요'), '안녕');
SELECT rcs_fallback(rcs_text('안녕하세요'), '안녕', subject => '인사');
SELECT rcs_button_url('보기', 'https://example.com');
SELECT rcs_button_url('보기', 'https://example.com', data => 'open', in_app => true);
SELECT rcs_button_url('보기', 'https://example.com', in_app => true, half_view => true);
SELECT rcs_button_dial('전화', '080-123-4567');
SELECT rcs_button_map('지도', 37.5665, 126.978, place => '서울시청', fallback_url => 'https://example.com/map', data => 'map');
SELECT rcs_button_map('지도', query => '서울시청', fallback_url => 'https://example.com/map');
SELECT rcs_button_calendar('일정', '정기 점검', '새벽 점검', '2026-01-30T15:00:00Z'::timestamptz, '2026-01-31 02:30:00+09'::timestamptz);
SELECT rcs_button_copy('복사', 'X1234');
SELECT rcs_button_compose('문의', '0212345678', '문의합니다');
SELECT rcs_button_reply('네');
SELECT rcs_button_reply('네', 'yes');

-- each button alone and all of them in each kind of message: nothing is wrong with any
CREATE TEMP TABLE button AS SELECT n, b FROM unnest(ARRAY[
	rcs_button_url('보기', 'https://example.com'),
	rcs_button_url('보기', 'https://example.com/#{id}', 'open', in_app => true),
	rcs_button_url('보기', 'https://example.com', in_app => true, half_view => true),
	rcs_button_dial('전화', '080-123-4567'),
	rcs_button_map('지도', 37.5665, 126.978, fallback_url => 'https://example.com/map'),
	rcs_button_map('지도', 37.5665::real, 126::float8, place => '시청', fallback_url => 'https://example.com/map'),
	rcs_button_map('지도', '37.5665', '126.978', fallback_url => 'https://example.com/map'),
	rcs_button_map('지도', '#{lat}', '#{lng}', fallback_url => 'https://example.com/map'),
	rcs_button_map('지도', query => '서울시청', place => '시청', fallback_url => 'https://example.com/map'),
	rcs_button_calendar('일정', '점검', '새벽 점검', timestamptz '2026-01-31 00:00+09', timestamptz '2026-01-31 02:00+09'),
	rcs_button_calendar('일정', '점검', NULL, '2026-01-31 00:00', '2026-01-31 02:00'),
	rcs_button_calendar('일정', '점검', NULL, '#{starts}', '#{ends}'),
	rcs_button_copy('복사', '#{code}'),
	rcs_button_compose('문의', '0212345678', '문의합니다')
]) WITH ORDINALITY AS t (b, n);
CREATE TEMP TABLE made AS
SELECT 'one button' AS what, m.message FROM button, LATERAL (VALUES
	(rcs_text('짧은 글', buttons => ARRAY[b])),
	(rcs_text(repeat('긴 글', 100), '제목', ARRAY[b])),
	(rcs_card('제목', '설명', 'maapfile://a', ARRAY[b])),
	(rcs_card('제목', '설명', 'https://example.com/a.png', ARRAY[b], 'tall')),
	(rcs_carousel(ARRAY[rcs_card('하나', '설명', 'maapfile://a'), rcs_card('둘', '설명', 'maapfile://b', ARRAY[b])])),
	(rcs_carousel(ARRAY[rcs_card('하나', '설명', 'maapfile://a', ARRAY[b]), rcs_card('둘', '설명', 'maapfile://b')], 'small'))
) AS m (message)
UNION ALL
SELECT 'two buttons', m.message FROM button a, button b, LATERAL (VALUES
	(rcs_text('짧은 글', buttons => ARRAY[a.b, b.b])),
	(rcs_card('제목', '설명', 'maapfile://a', ARRAY[a.b, b.b])),
	(rcs_carousel(ARRAY[rcs_card('하나', '설명', 'maapfile://a', ARRAY[a.b]), rcs_card('둘', '설명', 'maapfile://b', ARRAY[a.b, b.b])]))
) AS m (message)
UNION ALL
SELECT 'three buttons', rcs_text('글', buttons => ARRAY[a.b, b.b, c.b]) FROM button a, button b, button c WHERE a.n < b.n AND b.n < c.n
UNION ALL
SELECT 'carousel of ' || n, rcs_carousel(array_agg(rcs_card('카드 ' || i, '설명', 'maapfile://' || i)), size)
FROM generate_series(2, 6) AS n, unnest('{medium,small}'::text[]) AS size, generate_series(1, n) AS i GROUP BY n, size
UNION ALL
SELECT 'no buttons', m FROM unnest(ARRAY[rcs_text('글'), rcs_text('글', '제목', '{}'), rcs_text('글', buttons => ARRAY[NULL]::jsonb[]),
	rcs_card(NULL, '설명', 'maapfile://a'), rcs_card('제목', '설명', 'https://youtu.be/x,maapfile://a')]) AS m;
INSERT INTO made
SELECT 'fallback', rcs_fallback(message, f) FROM made, unnest(ARRAY['짧은 글', repeat('긴 글', 100)]) AS f WHERE what !~ '(two|three)'
UNION ALL
SELECT 'advertising', rcs_fallback(message || '{"header": "1", "footer": "080-123-4567"}', '(광고) 가게 무료수신거부 080-123-4567')
FROM made WHERE what !~ '(two|three)';
SELECT what, count(*) FROM made GROUP BY what ORDER BY what;
SELECT made.message, v.* FROM made, rcs_validate(message) v;
-- a fault would be seen there
SELECT v.path, v.code FROM rcs_validate(rcs_card(repeat('가', 31), NULL, 'maapfile://a')) v;

-- which service type: by characters as the carrier counts, and by the number of buttons
SELECT n, rcs_text(t)->>'serviceType', octet_length(t) FROM (VALUES (1, repeat('가', 100)), (2, repeat('가', 101)),
	(3, repeat('😀', 50)), (4, repeat('😀', 50) || '.'), (5, '')) AS v (n, t) ORDER BY n;
SELECT n, rcs_text('글', buttons => array_fill(rcs_button_copy('복사', 'X'), ARRAY[n]))->>'serviceType' FROM generate_series(0, 3) AS n;
SELECT rcs_text('글', buttons => ARRAY[NULL, rcs_button_copy('복사', 'X'), NULL])->>'serviceType';
SELECT rcs_text('#{long}', service_type => 'RCSLMS')->>'serviceType', rcs_text(repeat('가', 101), service_type => 'RCSSMS')->>'serviceType';
-- of the fallback: by bytes in CP949; what CP949 lacks is not the builder's business
SELECT n, rcs_fallback('{}', t)->'legacy'->>'serviceType' FROM (VALUES (1, repeat('가', 40)), (2, repeat('가', 40) || '.'),
	(3, repeat('a', 80)), (4, repeat('a', 81)), (5, repeat('똠', 40)), (6, '€😀'), (7, '')) AS v (n, t) ORDER BY n;
SELECT rcs_fallback('{}', '#{long}', service_type => 'LMS'), rcs_fallback('{}', repeat('가', 41), service_type => 'SMS')->'legacy'->>'serviceType';
SELECT v.* FROM rcs_validate(rcs_fallback(rcs_text('글'), '😀')) v;
-- a second fallback replaces the first
SELECT rcs_fallback(rcs_fallback('{"a": 1}', '하나', '제목'), '둘');

-- placeholders pass through: filling the message in and building it filled in are the same
SELECT n, rcs_render(template, '{"a": "가", "b": "https://example.com/b", "c": "01012345678", "d": "2026-01-31T09:00:00+09:00", "e": "maapfile://e"}') = filled
FROM (VALUES
	(1, rcs_text('#{a}', '#{a}', ARRAY[rcs_button_url('#{a}', '#{b}', '#{c}')], header => '#{a}', footer => '#{c}'),
		rcs_text('가', '가', ARRAY[rcs_button_url('가', 'https://example.com/b', '01012345678')], header => '가', footer => '01012345678')),
	(2, rcs_card('#{a}', '#{a}', '#{e}', ARRAY[rcs_button_dial('#{a}', '#{c}')]),
		rcs_card('가', '가', 'maapfile://e', ARRAY[rcs_button_dial('가', '01012345678')])),
	(3, rcs_carousel(ARRAY[rcs_card('#{a}', '#{a}', '#{e}', ARRAY[rcs_button_copy('#{a}', '#{c}')]), rcs_card('x', 'y', '#{e}')]),
		rcs_carousel(ARRAY[rcs_card('가', '가', 'maapfile://e', ARRAY[rcs_button_copy('가', '01012345678')]), rcs_card('x', 'y', 'maapfile://e')])),
	(4, rcs_button_map('#{a}', '#{c}', '#{c}', place => '#{a}', fallback_url => '#{b}'),
		rcs_button_map('가', '01012345678', '01012345678', place => '가', fallback_url => 'https://example.com/b')),
	(5, rcs_button_map('#{a}', query => '#{a}', fallback_url => '#{b}'),
		rcs_button_map('가', query => '가', fallback_url => 'https://example.com/b')),
	(6, rcs_button_calendar('#{a}', '#{a}', '#{a}', '#{d}', '#{d}'),
		rcs_button_calendar('가', '가', '가', '2026-01-31 00:00Z', '2026-01-31 09:00+09')),
	(7, rcs_button_compose('#{a}', '#{c}', '#{a}', '#{a}'), rcs_button_compose('가', '01012345678', '가', '가')),
	(8, rcs_button_reply('#{a}', '#{c}'), rcs_button_reply('가', '01012345678')),
	(9, rcs_fallback('{}', '#{a}', '#{a}'), rcs_fallback('{}', '가', '가')),
	(10, rcs_text('##{a}'), '{"serviceType": "RCSSMS", "body": {"description": "#{a}"}}')
) AS t (n, template, filled) ORDER BY n;

-- times: Korea's, whatever the settings are
SET TimeZone = 'America/New_York';
SET DateStyle = 'SQL, DMY';
SELECT rcs_button_calendar('일정', 't', NULL, timestamptz '2026-01-31 00:00Z', timestamptz '2026-06-30 15:00:59.9Z') #> '{action,calendarAction}';
SELECT rcs_button_calendar('일정', 't', NULL, '31/01/2026 00:00', '2026-06-30 15:00') #> '{action,calendarAction}';
SELECT rcs_button_calendar('일정', 't', NULL, date '2026-01-31', timestamp '2026-01-31 10:00') #> '{action,calendarAction}';
RESET TimeZone;
RESET DateStyle;

-- a button that replies is for chat: only the validator knows which message it is in
SELECT v.path, v.code FROM rcs_validate(rcs_text('질문', buttons => ARRAY[rcs_button_reply('네'), rcs_button_reply('아니오')])) v;
SELECT count(*) FROM rcs_validate(rcs_text('질문', buttons => ARRAY[rcs_button_reply('네'), rcs_button_reply('아니오')])
	|| '{"serviceType": "RCSCHAT", "replyId": "r1"}') v;
SELECT count(*) FROM rcs_validate(rcs_text('질문') || '{"serviceType": "RCSCHAT", "replyId": "r1"}'
	|| jsonb_build_object('chipList', ARRAY[rcs_button_reply('네'), rcs_button_reply('아니오')])) v;

-- odd arguments
SELECT pg_temp.try(s) FROM unnest(ARRAY[
	$$rcs_text(NULL)$$,
	$$rcs_text('글', service_type => 'RCSMMS')$$,
	$$rcs_text('글', buttons => ARRAY[ARRAY[rcs_button_copy('복사', 'X')]])$$,
	$$rcs_card('제목', '설명', NULL)$$,
	$$rcs_card('제목', '설명', 'maapfile://a', size => 'huge')$$,
	$$rcs_card('제목', '설명', 'maapfile://a', size => NULL)$$,
	$$rcs_carousel(NULL)$$,
	$$rcs_carousel('{}')$$,
	$$rcs_carousel(ARRAY[rcs_card('제목', '설명', 'maapfile://a'), NULL])$$,
	$$rcs_carousel(array_fill(rcs_card('제목', '설명', 'maapfile://a'), ARRAY[7]))$$,
	$$rcs_carousel(ARRAY[rcs_card('제목', '설명', 'maapfile://a'), rcs_card('제목', '설명', 'maapfile://a')], 'tall')$$,
	$$rcs_carousel(ARRAY[rcs_card('제목', '설명', 'maapfile://a'), rcs_text('글')])$$,
	$$rcs_carousel(ARRAY[rcs_card('제목', '설명', 'maapfile://a'), rcs_button_copy('복사', 'X')])$$,
	$$rcs_carousel(ARRAY[rcs_card('제목', '설명', 'maapfile://a'), '"x"'])$$,
	$$rcs_carousel(ARRAY[rcs_carousel(ARRAY[rcs_card('제목', '설명', 'maapfile://a'), rcs_card('제목', '설명', 'maapfile://a')])])$$,
	$$rcs_carousel(ARRAY[rcs_card('제목', '설명', 'maapfile://a') || '{"buttons": [{}, {}]}'])$$,
	$$rcs_carousel(ARRAY[NULL, rcs_card('제목', '설명', 'maapfile://a', size => 'tall', header => '1', footer => '080-123-4567')])$$,
	$$rcs_carousel(ARRAY[rcs_fallback(rcs_card('제목', '설명', 'maapfile://a'), '글')])$$,
	$$rcs_fallback(NULL, '글')$$,
	$$rcs_fallback('{}', NULL)$$,
	$$rcs_fallback('"글"', '글')$$,
	$$rcs_fallback('{}', '글', service_type => 'MMS')$$,
	$$rcs_button_url(NULL, 'https://example.com')$$,
	$$rcs_button_url('보기', NULL)$$,
	$$rcs_button_url('보기', 'https://example.com', half_view => true)$$,
	$$rcs_button_url('보기', 'https://example.com', in_app => NULL, half_view => NULL)$$,
	$$rcs_button_dial('전화', NULL)$$,
	$$rcs_button_map('지도', 37.5665, 126.978)$$,
	$$rcs_button_map('지도', fallback_url => 'https://example.com')$$,
	$$rcs_button_map('지도', 37.5665, fallback_url => 'https://example.com')$$,
	$$rcs_button_map('지도', 37.5665, 126.978, '서울시청', fallback_url => 'https://example.com')$$,
	$$rcs_button_calendar('일정', NULL, '설명', now(), now())$$,
	$$rcs_button_calendar('일정', '제목', '설명', NULL, now())$$,
	$$rcs_button_calendar('일정', '제목', '설명', now(), 'infinity'::timestamptz)$$,
	$$rcs_button_calendar('일정', '제목', '설명', '#{starts}', NULL)$$,
	$$rcs_button_calendar('일정', '제목', '설명', '#{starts}', '내일')$$,
	$$rcs_button_copy('복사', NULL)$$,
	$$rcs_button_compose('문의', NULL, '글')$$,
	$$rcs_button_compose('문의', '0212345678', NULL)$$,
	$$rcs_button_reply(NULL)$$
]) WITH ORDINALITY AS t (s, n) ORDER BY n;

-- what they give is sent: information unless it says otherwise, advertising with the chatbot's number
SELECT rcs_message(rcs_send('010-1234-5678', rcs_fallback(
	rcs_carousel(ARRAY[
		rcs_card('#{name}님의 셔츠', '면 100 %', 'maapfile://a', ARRAY[rcs_button_url('보기', 'https://example.com/#{name}')]),
		rcs_card('바지', '린넨', 'maapfile://b')]),
	'#{name}님, 셔츠'), params => '{"name": "홍길동"}', send_at => '2100-01-01'));
SELECT rcs_message(rcs_send('010-1234-5678', rcs_text('광고입니다', header => '1'), send_at => '2100-01-01'));
-- a campaign must say which, and no builder says it unasked
SELECT pg_temp.try($$rcs_campaign_create('가을', rcs_card('제목', '설명', 'maapfile://a'))$$);
SELECT rcs_campaign_create('가을', rcs_card('제목', '설명', 'maapfile://a', header => '0')) IS NOT NULL;

-- nothing is looked up in the caller's search_path, and everybody may call them
SET client_min_messages = warning;
CREATE ROLE regress_rcs_builder;
RESET client_min_messages;
CREATE SCHEMA regress_trap;
CREATE FUNCTION regress_trap.trap(jsonb, jsonb) RETURNS jsonb LANGUAGE sql AS $$SELECT '"trapped"'::jsonb$$;
CREATE OPERATOR regress_trap.|| (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = regress_trap.trap);
CREATE FUNCTION regress_trap.jsonb_strip_nulls(jsonb) RETURNS jsonb LANGUAGE sql AS $$SELECT '"trapped"'::jsonb$$;
CREATE FUNCTION regress_trap.array_remove(jsonb[], jsonb) RETURNS jsonb[] LANGUAGE sql AS $$SELECT '{}'::jsonb[]$$;
GRANT USAGE ON SCHEMA regress_trap TO PUBLIC;
SELECT rcs_fallback(rcs_carousel(ARRAY[rcs_card('셔츠', '면', 'maapfile://a', ARRAY[rcs_button_url('보기', 'https://example.com')]),
	rcs_card('바지', '린넨', 'maapfile://b')]), '글') AS made \gset
SET search_path = regress_trap, pg_catalog, public;
SET ROLE regress_rcs_builder;
SELECT rcs_fallback(rcs_carousel(ARRAY[rcs_card('셔츠', '면', 'maapfile://a', ARRAY[rcs_button_url('보기', 'https://example.com')]),
	rcs_card('바지', '린넨', 'maapfile://b')]), '글') = :'made';
RESET ROLE;
RESET search_path;

-- labels, comments and search_path of each; the times as text hang on settings, the rest on nothing
SELECT p.oid::regprocedure, p.provolatile, p.proparallel, p.proconfig, obj_description(p.oid) IS NOT NULL, p.proacl
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
WHERE p.proname ~ '^rcs_(text|card|carousel|fallback|button_.*)$' ORDER BY p.oid::regprocedure::text;

-- clean up
SET client_min_messages = warning;
DROP SCHEMA regress_trap CASCADE;
DROP ROLE regress_rcs_builder;
DELETE FROM rcs.batch;
DELETE FROM rcs.message;
DELETE FROM rcs.campaign_version;
DELETE FROM rcs.campaign_event;
DELETE FROM rcs.campaign;
DELETE FROM rcs.tally;
DELETE FROM rcs.chatbot;
DROP SERVER builders_kt CASCADE;
