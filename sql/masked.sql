-- Masked numbers stay masked: a reader tries all 10,000 numbers that a mask leaves open against everything he can see.
-- Handles stand in the place of ids.
\set server masked_kt
\i sql/setup/one_account.sql
SET client_min_messages = warning;
CREATE ROLE regress_rcs_reading;
CREATE ROLE regress_rcs_team;
CREATE ROLE regress_rcs_team_reading IN ROLE regress_rcs_team;
CREATE ROLE regress_rcs_stranger;
RESET client_min_messages;
GRANT SELECT ON rcs.message_status_masked, rcs.campaign_progress, rcs.campaign_result, rcs.campaign_history, rcs.queue_depth
	TO regress_rcs_reading;
GRANT SELECT ON rcs.team_campaign_progress, rcs.team_campaign_result, rcs.team_campaign_history,
	rcs.team_message_status_masked TO regress_rcs_team;
INSERT INTO rcs.chatbot (chatbot, servers, callback, owner) VALUES ('0200000002', '{masked_kt}', '0212345678', 'regress_rcs_team');
SELECT rcs_campaign_create('masked', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', chatbot => '0200000001') AS c \gset
SELECT added FROM rcs_campaign_add(:'c', '{01023450001,01034560001,01045670001}'::text[]);
SELECT rejected FROM rcs_campaign_add(:'c', '{010234500012345}'::text[]);
SELECT rcs_campaign_create('team', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', chatbot => '0200000002') AS t \gset
SELECT added FROM rcs_campaign_add(:'t', '{01023450001}'::text[]);
SELECT rcs_send('01023450001', 'x', chatbot => '0200000001', send_at => '2100-01-01') AS single \gset
SELECT rcs_campaign_test(:'c', '01023450001') IS NOT NULL;

-- all that a role can read, as text
CREATE FUNCTION pg_temp.look(role text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	name text;
	rows text;
	seen text := '';
BEGIN
	FOR name IN SELECT c.oid::regclass::text FROM pg_class c
		WHERE c.relnamespace = 'rcs'::regnamespace AND c.relkind IN ('r', 'v') AND has_table_privilege(role, c.oid, 'SELECT')
	LOOP
		EXECUTE format('SET LOCAL ROLE %I', role);
		EXECUTE format('SELECT string_agg(to_jsonb(x)::text, '' '') FROM %s x', name) INTO rows;
		SET LOCAL ROLE NONE;
		seen := concat_ws(' ', seen, rows);
	END LOOP;
	RETURN seen;
END $$;
CREATE TABLE masked_seen AS
SELECT r AS who, pg_temp.look(r) AS what FROM unnest('{regress_rcs_reading,regress_rcs_team_reading}'::text[]) r
UNION ALL
SELECT 'console', concat_ws(' ', rcs._console('overview'), rcs._console('campaigns'), rcs._console('campaign', :'c'), rcs._console('messages', :'c'),
	rcs._console('message', handle => (SELECT handle FROM rcs.message_status_masked WHERE campaign = :'c' LIMIT 1)));
SELECT who, count(*) FILTER (WHERE word = '010-****-0001') AS masked FROM masked_seen, regexp_split_to_table(what, '"') word GROUP BY who ORDER BY who;
-- what might be made of a number, for every number that 010-****-0001 leaves open
CREATE TABLE masked_try AS
SELECT n.phone, w.word FROM (SELECT format('010%s0001', lpad(i::text, 4, '0')) AS phone FROM generate_series(0, 9999) i) n
CROSS JOIN LATERAL (SELECT rcs_message_id(:'c', phone) UNION ALL SELECT rcs_message_id(:'t', phone)) i(id)
CROSS JOIN LATERAL unnest(ARRAY[id::text, replace(id::text, '-', ''), encode(uuid_send(id), 'base64'), phone, md5(phone), md5(id::text),
	encode(sha256(phone::bytea), 'hex'), encode(sha256(uuid_send(id)), 'hex'), hashtext(phone)::text, hashtext(id::text)::text, uuid_hash(id)::text]) w(word);
-- none is there
SELECT s.who, count(DISTINCT t.phone) FROM masked_seen s CROSS JOIN LATERAL regexp_split_to_table(s.what, '[^-+/=0-9A-Za-z]+') seen(word)
JOIN masked_try t ON t.word = seen.word GROUP BY s.who ORDER BY s.who;
-- and the answers about the number of a recipient are those about another one
CREATE VIEW masked_ask AS SELECT ask FROM unnest('{rcs_message(%2$L),rcs_cancel(%2$L),"rcs_wait(''0 s'', %2$L)",rcs_trace(%3$L),rcs_trace_handle(%2$L),"rcs_resolve(%2$L, ''drop'')"}'::text[]
	|| $${"rcs_campaign_add(%1$L, ARRAY[%3$L])","rcs_campaign_test(%1$L, '01000000000', %3$L)","rcs_campaign_preview(%1$L, 1, %3$L)"}$$::text[]) ask;
GRANT SELECT ON masked_ask TO PUBLIC;
CREATE FUNCTION pg_temp.same(role text, campaign uuid, a text, b text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	question text;
	answers text[];
BEGIN
	FOR question IN SELECT ask FROM masked_ask LOOP
		EXECUTE format('SET LOCAL ROLE %I', role);
		answers := ARRAY(SELECT pg_temp.try(format('SELECT ' || question, campaign, rcs_message_id(campaign, p), p)) FROM unnest(ARRAY[a, b]) p);
		SET LOCAL ROLE NONE;
		IF answers[1] <> answers[2] OR answers[1] NOT SIMILAR TO '(P0002|42501) %' THEN
			RETURN NEXT question || ': ' || answers::text;
		END IF;
	END LOOP;
END $$;
-- the time of an answer in ticks of 5 ms, for a stranger who waits for a tick before he asks
CREATE FUNCTION pg_temp.ticks(question text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	asked timestamptz;
BEGIN
	SET LOCAL ROLE regress_rcs_stranger;
	PERFORM pg_temp.try('SELECT rcs_message(gen_random_uuid())');
	asked := clock_timestamp();
	PERFORM pg_temp.try(question);
	RETURN ceil(extract(epoch FROM clock_timestamp() - asked) * 1000 / 5 - 0.5);
END $$;
SELECT pg_temp.same('regress_rcs_reading', :'c', '01023450001', '01098760001');
SELECT pg_temp.same('regress_rcs_stranger', :'c', '01023450001', '01098760001');
-- nor is the time of the answer another: such answers come at ticks of 5 ms
SELECT q, min(median) >= 1 AS at_ticks FROM (
	SELECT q, p, percentile_disc(0.5) WITHIN GROUP (ORDER BY pg_temp.ticks(format('SELECT ' || q, rcs_message_id(:'c', p)))) AS median
	FROM unnest('{rcs_message(%L),rcs_cancel(%L),"rcs_wait(''0 s'', %L)"}'::text[]) q, unnest('{01023450001,01098760001}'::text[]) p, generate_series(1, 15)
	GROUP BY 1, 2) t GROUP BY 1 ORDER BY 1;
-- nor does the console take the id of a campaign's message
SELECT rcs._console('message', rcs_message_id(:'c', '01023450001')) IS NULL, rcs._console('message', :'single') -> 'message' ->> 'lane';

-- handles: one for each message, the same each time, for all readers, and whatever becomes of it
SELECT count(*), count(DISTINCT handle), bool_and(handle ~ '^[0-9a-f]{56}$') FROM rcs.message_status_masked;
CREATE TABLE masked_handle AS SELECT handle, campaign, lane FROM rcs.message_status_masked;
SELECT rcs_cancel(rcs_message_id(:'c', '01034560001'));
SELECT count(*) FROM rcs.message_status_masked JOIN masked_handle USING (handle, campaign) WHERE status = 'canceled';
SELECT count(*) FROM jsonb_array_elements(rcs._console('messages', :'c') -> 'messages') m JOIN masked_handle h ON h.handle = m ->> 'handle';
CREATE FUNCTION pg_temp.handle_of(id uuid) RETURNS text LANGUAGE sql
AS $$ SELECT rcs._handle(k.key, m.campaign_no, m.batch_id, m.ord) FROM rcs.message m, rcs._handle_key k WHERE m.id = handle_of.id $$;
SELECT pg_temp.handle_of(rcs_message_id(:'c', '01023450001')) AS h, pg_temp.handle_of(rcs_message_id(:'t', '01023450001')) AS th,
	pg_temp.handle_of(:'single') AS sh \gset
SELECT count(*) FROM masked_handle WHERE handle IN (:'h', :'th', :'sh');
SELECT rcs._console('message', handle => :'h') -> 'message' ->> 'handle' = :'h';
SELECT rcs._console('message', :'single') -> 'message' ->> 'handle' = :'sh';

-- rcs_trace_handle
SET ROLE regress_rcs_reading;
SELECT name, message, what, code, reason, phone FROM rcs_trace_handle(:'h');
SELECT campaign, what, reason <> '' AS reason, phone FROM rcs_trace_handle(upper(:'sh'));
SELECT what, phone FROM rcs_trace_handle(:'th');
SELECT pg_temp.try(format('SELECT rcs_trace_handle(%L)', g)) FROM unnest(ARRAY[NULL, '', 'x', left(:'h', -1), :'h' || '0', translate(:'h', '01', '10'),
	overlay(:'h' PLACING 'g' FROM 20), repeat('0', 56), repeat('f', 56), repeat(chr(233), 28), :'single', :'c']) g;
SELECT pg_temp.try('SELECT * FROM rcs._handle_key');
SELECT pg_temp.try(format('SELECT rcs._handle_place(%L, %L)', '\x00', :'h'));
RESET ROLE;
-- with the right to see full numbers the id comes, too
SELECT DISTINCT message = rcs_message_id(:'c', '01023450001') FROM rcs_trace_handle(:'h');
-- a team: its own
SET ROLE regress_rcs_team_reading;
SELECT handle = :'th' FROM rcs.team_message_status_masked;
SELECT name, message, what, phone FROM rcs_trace_handle(:'th');
SELECT pg_temp.try(format('SELECT rcs_trace_handle(%L)', h)) FROM unnest(ARRAY[:'h', 'x']) h;
SET ROLE regress_rcs_stranger;
SELECT pg_temp.try(format('SELECT rcs_trace_handle(%L)', h)) FROM unnest(ARRAY[:'h', 'x']) h;
RESET ROLE;

-- The key of a dump comes beside that of this database: handles of both are read, and made as they were in the older.
BEGIN;
INSERT INTO rcs._handle_key (made_at) VALUES ('2020-01-01');
SELECT count(*) FROM rcs.message_status_masked JOIN masked_handle USING (handle);
SELECT handle AS older FROM rcs.message_status_masked WHERE campaign = :'t' \gset
SELECT h, what FROM unnest(ARRAY['here', 'there'], ARRAY[:'th', :'older']) u(h, handle), rcs_trace_handle(handle);
ROLLBACK;
-- what is not kept any more
DELETE FROM rcs.message WHERE id = rcs_message_id(:'t', '01023450001');
SELECT pg_temp.try(format('SELECT rcs_trace_handle(%L)', :'th'));

-- clean up
DROP VIEW masked_ask;
DROP TABLE masked_seen, masked_try, masked_handle;
\i sql/setup/clean.sql
DROP OWNED BY regress_rcs_reading, regress_rcs_team;
DROP ROLE regress_rcs_reading, regress_rcs_team, regress_rcs_team_reading, regress_rcs_stranger;
