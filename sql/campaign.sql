\set server campaign_kt
\i sql/setup/one_account.sql

-- what a campaign must have
SELECT pg_temp.try(format($$SELECT rcs_campaign_create(%s)$$, a))
FROM (VALUES
	($$NULL, '{}'$$),
	($$'x', NULL$$),
	($$' ', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}'$$),
	($$'x', '{"serviceType": "RCSSMS", "body": {"description": "x"}}'$$),
	($$'x', '{"serviceType": "RCSSMS", "header": "2", "body": {"description": "x"}}'$$),
	($$'x', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', start_at => 'infinity'$$),
	($$'x', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', expires_at => '2000-01-02'$$),
	($$'x', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', start_at => '2100-01-02', expires_at => '2100-01-01'$$),
	($$'x', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', rate_per_minute => 0$$),
	($$'x', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', in_doubt => 'maybe'$$),
	($$'x', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', chatbot => 'unknown'$$)) v(a);
SELECT rcs_campaign_create('spring', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "#{name}님 #{amount}원"}}',
	id => '5eed0000-0000-4000-8000-000000000001') AS c \gset
SELECT :'c';
SELECT pg_temp.try($$SELECT rcs_campaign_create('again', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}',
	id => '5eed0000-0000-4000-8000-000000000001')$$);
SELECT rcs_campaign_id('spring') = :'c';
SELECT pg_temp.try($$SELECT rcs_campaign_id('autumn')$$);

-- recipients from a query: other columns are params, and params given win
CREATE TABLE customer (phone text, name text, amount numeric, ref int);
INSERT INTO customer VALUES ('010-1111-0001', '김', 1.50, 1), ('+82 10 1111 0002', '이', 20, 2),
	('01011110001', 'again', 3, 3), ('010-11', 'bad', 4, 4), (NULL, 'none', 5, 5), ('01011110003', NULL, 6, 6);
SELECT * FROM rcs_campaign_add(:'c', 'SELECT * FROM customer ORDER BY ref');
SELECT * FROM rcs_campaign_add(:'c', 'SELECT * FROM customer ORDER BY ref;');
SELECT phone, ref, status, reason, version FROM rcs.message_status WHERE campaign = :'c' ORDER BY phone;
SELECT phone, params, ref, code, reason FROM rcs.rejected WHERE campaign = :'c' ORDER BY at, ref LIMIT 3;
SELECT id = rcs_message_id(:'c', '010 1111 0001') FROM rcs.message_status WHERE campaign = :'c' AND phone = '01011110001';
SELECT rcs_message(rcs_message_id(:'c', '010 1111 0001'));
SELECT * FROM rcs_campaign_add(:'c', $$SELECT '01011110004' AS phone, 'column' AS name, 1 AS amount, '{"name": "given"}'::jsonb AS params, true AS night_consent$$);
SELECT * FROM rcs_campaign_preview(:'c', 2);
SELECT * FROM rcs_campaign_preview(:'c', phone => '010-1111-0004');
SELECT * FROM rcs_campaign_preview(:'c', phone => '010-1111-9999');
SELECT pg_temp.try(format('SELECT rcs_campaign_preview(%L, phone => ''x'')', :'c'));
SELECT pg_temp.try(format($$SELECT rcs_campaign_add(%L, 'SELECT ''1'' AS phone, c.*, c.* FROM (SELECT 1 AS id) c')$$, :'c'));
-- every type a param may have
SELECT * FROM rcs_campaign_add(:'c', $$SELECT '01011110005' AS phone, 'x' AS name, 2 AS amount, 3::smallint AS s, 4::bigint AS b,
	1.5::float8 AS f, 'NaN'::float8 AS nan, 'infinity'::numeric AS inf, true AS t, '{"a": [1]}'::jsonb AS j, '"text"'::json AS js, date '2026-01-02' AS d,
	NULL::text AS missing, ARRAY[1, 2] AS a$$);
SELECT params FROM rcs.message WHERE id = rcs_message_id(:'c', '01011110005');
SELECT * FROM rcs_campaign_add(:'c', $$SELECT '01011110006' AS phone, '[1]'::jsonb AS params$$);

-- from arrays
SELECT * FROM rcs_campaign_add(:'c', ARRAY['010-1111-0007', '01011110007', NULL, '01011110008'],
	ARRAY['{"name": "a", "amount": 1}', '{"name": "b", "amount": 2}', '{}', NULL]::jsonb[]);
SELECT * FROM rcs_campaign_add(:'c', '{}'::text[]);
SELECT pg_temp.try(format($$SELECT rcs_campaign_add(%L, ARRAY['01011110009'], '{}'::jsonb[])$$, :'c'));

-- queries that are none
SELECT pg_temp.try(format('SELECT rcs_campaign_add(%L, %L)', :'c', q))
FROM (VALUES ('SELECT 1 AS telephone, 2 AS b'), ('SELECT'), (''), ('SELECT 1 AS phone; SELECT 2 AS phone'),
	('CREATE TABLE t (a int)'), ('DELETE FROM customer RETURNING phone'), ('EXPLAIN SELECT 1 AS phone'), ('{01012345678}'),
	('SELEC 1'), ('SELECT $1 AS phone'), ('SELECT ''010'' AS phone, 1 AS params'), ('SELECT ''010'' AS phone, 1 AS night_consent')) v(q);
SELECT pg_temp.try(format('SELECT rcs_campaign_add(%L, NULL::text)', :'c'));
SELECT pg_temp.try($$SELECT rcs_campaign_add(NULL, 'SELECT 1 AS phone')$$);
SELECT pg_temp.try($$SELECT rcs_campaign_add('00000000-0000-0000-0000-000000000000', 'SELECT 1 AS phone')$$);
SELECT count(*) FROM customer;

-- batches are full, across chunks and whoever is left out
SELECT rcs_campaign_create('big', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', in_doubt => 'hold', rate_per_minute => 600,
	id => '5eed0000-0000-4000-8000-000000000003') AS big \gset
SELECT * FROM rcs_campaign_add(:'big', $$SELECT '010' || 20000000 + i AS phone FROM generate_series(1, 100) i$$);
SELECT * FROM rcs_campaign_add(:'big', $$SELECT '010' || 20000000 + i / 2 AS phone FROM generate_series(2, 15001) i$$);
SELECT n, count(*) FROM rcs.batch b JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'big' GROUP BY n ORDER BY n;
SELECT count(*) FROM rcs.batch b JOIN rcs.campaign c USING (campaign_no)
WHERE c.id = :'big' AND b.n <> (SELECT max(m.ord) FROM rcs.message m WHERE m.campaign_no = b.campaign_no AND m.batch_id = b.batch_id);
SELECT state, total, queued, duplicates, rejected, percent, bar, rate_per_minute FROM rcs.campaign_progress WHERE campaign = :'big';

-- a failing query leaves nothing
SELECT pg_temp.try(format($$SELECT rcs_campaign_add(%L, 'SELECT ''010'' || 30000000 + i AS phone, 1 / (10000 - i) AS x FROM generate_series(1, 10000) i')$$, :'big'));
SELECT total FROM rcs.campaign_progress WHERE campaign = :'big';

-- start
SELECT rcs_campaign_create('empty', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}') AS empty \gset
SELECT rcs_campaign_create('later', '{"serviceType": "RCSSMS", "header": "1", "footer": "080-000-0000", "body": {"description": "x"}}', start_at => '2100-01-01',
	id => '5eed0000-0000-4000-8000-000000000004') AS later \gset
SELECT rcs_campaign_start(:'empty'), rcs_campaign_start(:'empty');
SELECT * FROM rcs_campaign_add(:'later', ARRAY['01011110001']);
SELECT state, state_reason = 'starts at ' || start_at FROM rcs.campaign_progress WHERE campaign = :'later';
SELECT status, reason = 'campaign is scheduled for ' || timestamptz '2100-01-01' FROM rcs.message_status WHERE campaign = :'later';
BEGIN;
SELECT rcs_campaign_start(:'later'), rcs_campaign_start(:'later');
SELECT state, total, queued FROM rcs.campaign_progress WHERE campaign = :'later';
ROLLBACK;
SELECT what, who = current_user FROM rcs.campaign_event e JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'empty' ORDER BY e.at;
UPDATE rcs.campaign SET paused_at = now() WHERE id = :'later';
SELECT pg_temp.try(format('SELECT rcs_campaign_start(%L)', :'later'));
SELECT added FROM rcs_campaign_add(:'later', ARRAY['01011110002']);
UPDATE rcs.campaign SET canceled_at = now() WHERE id = :'later';
SELECT pg_temp.try(format('SELECT rcs_campaign_start(%L)', :'later'));
SELECT pg_temp.try(format('SELECT rcs_campaign_add(%L, ARRAY[''01011110003''])', :'later'));
UPDATE rcs.campaign SET expires_at = now() - interval '1 second' WHERE id = :'big';
SELECT pg_temp.try(format('SELECT rcs_campaign_add(%L, ARRAY[''01011110003''])', :'big'));
SELECT pg_temp.try($$SELECT rcs_campaign_start('00000000-0000-0000-0000-000000000000')$$);
DROP TABLE customer;

-- clean up
\i sql/setup/clean.sql
