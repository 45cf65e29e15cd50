-- How much a caller may give: a worker holds a whole batch in memory.
\set server limits_kt
\i sql/setup/one_account.sql
CREATE FUNCTION pg_temp.long(bytes int) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('name', 'x', 'more', repeat('a', bytes)) $$;

-- single messages
SELECT rcs_send('01012345678', 'x', key => repeat('가', 200)) IS NOT NULL;
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', key => repeat('가', 201))$$);
SELECT rcs_send('01012345678', 'hello #{name}', params => pg_temp.long(65000)) IS NOT NULL;
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'hello #{name}', params => pg_temp.long(66000))$$);
SELECT rcs_send('01012345678', 'hello #{name}', params => pg_temp.long(66000), on_error => 'record');
SELECT code, params IS NULL AS dropped, reason FROM rcs.rejected;

-- campaigns
SELECT pg_temp.try($$SELECT rcs_campaign_create(repeat('n', 201), rcs_text('x'))$$);
SELECT rcs_campaign_create(repeat('이', 200), '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "hello #{name}"}}') AS c \gset
SELECT pg_temp.try(format('SELECT rcs_campaign_change(%L, name => repeat(''n'', 201))', :'c'));
SELECT * FROM rcs_campaign_add(:'c', $$
	SELECT '01000000001' AS phone, '{"name": "x"}'::jsonb AS params, repeat('가', 200) AS ref
	UNION ALL SELECT '01000000002', '{"name": "x"}', repeat('가', 201)
	UNION ALL SELECT '01000000003', jsonb_build_object('name', 'x', 'more', repeat('a', 66000)), 'long'$$);
SELECT phone, code, params IS NULL AS no_params, ref, reason FROM rcs.rejected WHERE campaign = :'c' ORDER BY phone;
-- a batch ends when its values are 1 MB
SELECT added FROM rcs_campaign_add(:'c', $$SELECT '010' || 10000000 + n AS phone, jsonb_build_object('name', 'x', 'more', repeat('a', 60000)) AS params
	FROM generate_series(1, 50) n$$);
SELECT max(n) AS most, sum(n) AS all FROM rcs.batch b JOIN rcs.campaign c USING (campaign_no) WHERE c.id = :'c' AND b.n > 1;

-- a few placeholders and one long value make a text of any length
SELECT pg_temp.try($$SELECT rcs_render(to_jsonb(repeat('#{x}', 1000000)), jsonb_build_object('x', repeat('a', 1000000)))$$);
SELECT pg_temp.try($$SELECT rcs_render(to_jsonb(repeat('#{x}', 1000000)), '{"x": 1e131071}')$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', repeat('#{x}', 500), params => jsonb_build_object('x', repeat('a', 60000)))$$);
SELECT rcs_campaign_create('blown up', jsonb_build_object('serviceType', 'RCSLMS', 'header', '0', 'body', jsonb_build_object('description', repeat('#{x}', 300)))) AS b \gset
SELECT * FROM rcs_campaign_add(:'b', $$SELECT '010' || 10000000 + n AS phone, jsonb_build_object('x', repeat('a', 60000)) AS params FROM generate_series(1, 1000) n$$);
SELECT DISTINCT code, reason FROM rcs.rejected WHERE campaign = :'b';
SELECT pg_temp.try($$SELECT rcs_optout('01012345678', source => repeat('s', 201))$$);

-- clean up
\i sql/setup/clean.sql
