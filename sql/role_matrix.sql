-- Who may call and read what.  A new function or view of the extension shows up here as a difference:
-- think about who is to have it, then take the new line over.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
CREATE SERVER matrix_kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '600');
CREATE USER MAPPING FOR PUBLIC SERVER matrix_kt OPTIONS (rcs_id 'shop', rcs_secret 'none');
CREATE SERVER matrix_data TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', timeout '1s');
CREATE ROLE regress_rcs_plain;
CREATE ROLE regress_rcs_sender;
CREATE ROLE regress_rcs_operator;
CREATE ROLE regress_rcs_reader;
CREATE ROLE regress_rcs_team;
CREATE ROLE regress_rcs_member IN ROLE regress_rcs_team;
CREATE ROLE regress_rcs_console IN ROLE regress_rcs_team;
CREATE ROLE regress_rcs_monitor IN ROLE pg_monitor;
CREATE ROLE regress_rcs_super SUPERUSER;
CREATE ROLE regress_rcs_gone;
INSERT INTO rcs.chatbot (chatbot, servers, callback, owner) VALUES
	('0200000001', '{matrix_kt}', '0212345678', 'regress_rcs_team'), ('0200000002', '{matrix_kt}', '0212345678', NULL),
	('0200000003', '{matrix_kt}', '0212345678', 'regress_rcs_gone');
DROP ROLE regress_rcs_gone;
-- the grants of doc/operations.md
GRANT USAGE ON FOREIGN SERVER matrix_kt, matrix_data TO regress_rcs_sender;
GRANT USAGE ON FOREIGN SERVER matrix_kt TO regress_rcs_console;
GRANT EXECUTE ON FUNCTION rcs_priority TO regress_rcs_sender;
GRANT EXECUTE ON FUNCTION rcs_hold, rcs_resume, rcs_resolve, rcs_receive, rcs_receive_again, rcs_optin, rcs_erase, rcs_purge, rcs_changes TO regress_rcs_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON rcs.chatbot, rcs.reply_rule, rcs.result_code TO regress_rcs_operator;
GRANT SELECT ON rcs.message_status, rcs.rejected TO regress_rcs_operator;
GRANT SELECT ON rcs.message_status_masked, rcs.campaign_progress, rcs.campaign_result, rcs.campaign_history, rcs.queue_depth
	TO regress_rcs_reader;
GRANT SELECT ON rcs.team_campaign_progress, rcs.team_campaign_result, rcs.team_campaign_history,
	rcs.team_message_status_masked TO regress_rcs_team;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
\pset null <null>

CREATE VIEW matrix_role AS SELECT n AS name, 'regress_rcs_' || n AS rolname, place
FROM unnest('{plain,sender,operator,reader,member,console,monitor,super}'::text[]) WITH ORDINALITY AS r(n, place);
CREATE VIEW matrix_member AS SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'rcs';
CREATE VIEW matrix_function AS SELECT p.*, p.pronamespace = 'rcs'::regnamespace AS internal,
	CASE WHEN has_function_privilege('public', p.oid, 'EXECUTE') THEN 'everybody' ELSE (
		SELECT string_agg(r.name, ' ' ORDER BY r.place) FROM matrix_role r WHERE has_function_privilege(r.rolname, p.oid, 'EXECUTE')) END AS who
FROM pg_proc p JOIN matrix_member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid;
CREATE VIEW matrix_relation AS SELECT c.oid, c.oid::regclass AS name,
	CASE WHEN has_table_privilege('public', c.oid, 'SELECT') THEN 'everybody' ELSE (
		SELECT string_agg(r.name, ' ' ORDER BY r.place) FROM matrix_role r WHERE has_table_privilege(r.rolname, c.oid, 'SELECT')) END AS reads,
	(SELECT string_agg(r.name, ' ' ORDER BY r.place) FROM matrix_role r
		WHERE has_table_privilege(r.rolname, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')) AS writes
FROM pg_class c JOIN matrix_member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f');

-- who may call what is documented
SELECT oid::regprocedure, who FROM matrix_function WHERE NOT internal ORDER BY proname COLLATE "C", oid::regprocedure::text COLLATE "C";
-- and what else than a superuser may call of the rest.  rcs._console_steer is the listener's, called as
-- rcs.console_role; it has the rights of its caller and calls only what everybody may call.
SELECT oid::regprocedure, who FROM matrix_function WHERE internal AND who <> 'super' ORDER BY proname COLLATE "C", oid::regprocedure::text COLLATE "C";
SELECT name, reads, writes FROM matrix_relation WHERE reads <> 'super' OR writes <> 'super' ORDER BY name::text COLLATE "C";
-- what is right for all of it: no row
SELECT oid::regprocedure FROM matrix_function WHERE prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false);
SELECT oid::regprocedure FROM matrix_function
WHERE NOT coalesce(array_to_string(proconfig, ',') ~ 'search_path=pg_catalog, pg_temp', false)
AND prosrc <> '' AND prolang NOT IN (SELECT oid FROM pg_language WHERE lanname IN ('c', 'internal'));
SELECT name FROM matrix_relation WHERE has_table_privilege('public', oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')
	OR has_table_privilege('public', oid, 'SELECT') AND NOT EXISTS (SELECT FROM (VALUES ('rcs._kt_server'), ('rcs._data_server')) v(n) WHERE n::regclass = oid);
SELECT nspname FROM pg_namespace WHERE nspname = 'rcs' AND has_schema_privilege('public', oid, 'CREATE');

-- What happens.  A single message and a campaign of the sender, one of the team, all with the number 01099998888.
GRANT USAGE ON FOREIGN SERVER matrix_kt TO regress_rcs_member;
SET ROLE regress_rcs_sender;
SELECT rcs_send('01099998888', 'x', chatbot => '0200000002', send_at => '2100-01-01') AS message \gset
SELECT rcs_send('01099998888', 'x', chatbot => '0200000003', send_at => '2100-01-01') AS orphan \gset
SELECT rcs_campaign_create('senders', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', chatbot => '0200000002') AS theirs \gset
SELECT added FROM rcs_campaign_add(:'theirs', '{01099998888}'::text[]);
SET ROLE regress_rcs_member;
SELECT rcs_campaign_create('teams', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', chatbot => '0200000001') AS ours \gset
SELECT added FROM rcs_campaign_add(:'ours', '{01099998888}'::text[]);
SELECT rcs_send('01099998888', 'x', chatbot => '0200000001', send_at => '2100-01-01') AS single \gset
RESET ROLE;
SELECT rcs._handle(k.key, m.campaign_no, m.batch_id, m.ord) AS handle FROM rcs.message m, rcs._handle_key k WHERE m.id = :'single' \gset
SELECT rcs._handle(k.key, m.campaign_no, m.batch_id, m.ord) AS another FROM rcs.message m, rcs._handle_key k WHERE m.id = :'message' \gset
REVOKE USAGE ON FOREIGN SERVER matrix_kt FROM regress_rcs_member;
SELECT rcs_receive('{"eventType": "message", "replyId": "M1", "chatbotId": "0200000001", "userContact": "01099998888", "messageBody": {"textMessage": "x"}}');
SELECT id AS inbound FROM rcs.inbound WHERE reply_id = 'M1' \gset

-- Each by each role, and undone.  What gives no error is ok; a number in the answer is shown.
CREATE FUNCTION matrix_try(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE format('SELECT string_agg(x::text, '','') FROM (%s) x', statement) INTO answer;
	RAISE SQLSTATE 'RCSOK' USING MESSAGE = CASE WHEN answer ~ '9999.?8888' THEN 'number' ELSE 'ok' END;
EXCEPTION
	WHEN SQLSTATE 'RCSOK' THEN RETURN SQLERRM;
	WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
CREATE FUNCTION matrix_row(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(answer || ': ' || names, '; ' ORDER BY first) FROM (
		SELECT answer, string_agg(name, ' ' ORDER BY place) AS names, min(place) AS first FROM (
			SELECT r.name, r.place, matrix_try(r.rolname, statement) AS answer FROM matrix_role r) t
		GROUP BY answer) g
$$;
CREATE TABLE matrix_call (place int GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO matrix_call (call) VALUES
	($$rcs_send('01099998888', 'x', chatbot => '0200000001')$$),
	($$rcs_send('01099998888', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}'::jsonb, chatbot => '0200000001')$$),
	($$rcs_campaign_create('new', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', chatbot => '0200000001')$$),
	($$rcs_media('\x00', chatbot => '0200000001')$$), ($$rcs_account_check('matrix_kt')$$), ($$rcs_optout('01012345678', '0200000001')$$),
	($$rcs_optout('01012345678')$$), ($$rcs_optin('01012345678', '0200000001')$$), ($$rcs_fetch('matrix_data', '/x')$$),
	($$rcs_reply(INBOUND, '"x"')$$), ($$rcs_reply(-1, '"x"')$$), ($$rcs_cancel('MESSAGE')$$), ($$rcs_cancel('SINGLE')$$), ($$rcs_message('MESSAGE')$$), ($$rcs_message('SINGLE')$$),
	($$rcs_wait('0 s', 'OURS')$$), ($$rcs_resolve('SINGLE', 'drop')$$), ($$rcs_hold('x')$$), ($$rcs_resume()$$), ($$rcs_receive('{}')$$), ($$rcs_receive_again(0)$$), ($$rcs_purge('10 years')$$), ($$rcs_erase('01012345678')$$),
	($$rcs_changes()$$), ($$rcs_priority()$$), ($$rcs_trace('01099998888')$$), ($$rcs_trace_handle('HANDLE')$$), ($$rcs_trace_handle('ANOTHER')$$), ($$rcs_health()$$), ($$rcs_metrics()$$), ($$rcs_phone('010-1234-5678')$$),
	($$rcs_phone_or_null('x')$$), ($$rcs_message_id('OURS', '01012345678')$$), ($$rcs_validate('{}')$$), ($$rcs_render('"x"', '{}')$$),
	($$rcs_text('x')$$), ($$rcs_button_url('x', 'https://example.com')$$), ($$rcs_campaign_id('teams')$$),
	($$rcs_campaign_watch('OURS')$$), ($$rcs_campaign_test('OURS', '01012345678')$$),
	($$rcs._console('overview')$$), ($$rcs._console_steer('cancel', 'THEIRS') ->> 'sqlstate'$$);
INSERT INTO matrix_call (call)
SELECT format('rcs_campaign_%s(%L%s)', f, c, more)
FROM (VALUES (1, 'THEIRS'), (2, 'OURS')) c(a, c), (VALUES (1, 'add', $$, '{01012345679}'::text[]$$), (2, 'add', $$, 'SELECT ''01012345679'' AS phone'$$),
	(3, 'start', ''), (4, 'pause', ''), (5, 'resume', ''), (6, 'change', $$, name => 'x'$$), (7, 'check', ''), (8, 'preview', ''),
	(9, 'resend_failed', ''), (10, 'cancel', '')) f(b, f, more)
ORDER BY a, b;
SELECT call, matrix_row('SELECT ' || replace(replace(replace(replace(replace(replace(replace(call, 'INBOUND', :'inbound'), 'HANDLE', :'handle'), 'ANOTHER', :'another'), 'MESSAGE', :'message'), 'SINGLE', :'single'), 'OURS', :'ours'), 'THEIRS', :'theirs'))
FROM matrix_call ORDER BY place;
-- documented functions that are not called above, besides the builders: none
SELECT DISTINCT proname FROM matrix_function WHERE NOT internal AND proname !~ '^rcs_(button_|card|carousel|fallback)'
AND NOT EXISTS (SELECT FROM matrix_call WHERE starts_with(call, proname || '('));
-- what each reads, and where somebody else than operator and superuser sees a number: nowhere
SELECT name, matrix_row('SELECT * FROM ' || name) FROM matrix_relation WHERE reads <> 'super' ORDER BY name::text COLLATE "C";

-- A team sees its chatbots and no other's; nobody else sees a row.
SELECT r.name, (SELECT string_agg(x, ' ' ORDER BY x) FROM (
	SELECT matrix_try(r.rolname, format('SELECT 1 / count(*) FROM rcs.team_%s', v)) AS x) t) AS rows, v
FROM matrix_role r, unnest('{campaign_progress,campaign_result,campaign_history,message_status_masked}'::text[]) v
WHERE r.name IN ('reader', 'member', 'super') ORDER BY r.place, v;
SET ROLE regress_rcs_member;
SELECT name, chatbot, total FROM rcs.team_campaign_progress;
SELECT DISTINCT name, chatbot FROM rcs.team_campaign_result ORDER BY 1;
SELECT DISTINCT name, chatbot FROM rcs.team_campaign_history;
SELECT chatbot, phone, lane FROM rcs.team_message_status_masked ORDER BY lane;
SELECT count(*) FROM rcs.team_message_status_masked WHERE handle = :'handle';
SELECT count(*) FROM rcs.team_message_status_masked WHERE handle = :'another';
-- a function of the reader's, cheap and curious, is shown the team's rows and no others
CREATE FUNCTION pg_temp.curious(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	RAISE NOTICE 'saw %', $1;
	RETURN true;
END $$;
SELECT count(*) FROM rcs.team_campaign_progress WHERE pg_temp.curious(name);
SELECT count(*) FROM rcs.team_campaign_result WHERE pg_temp.curious(chatbot);
SELECT count(*) FROM rcs.team_campaign_history WHERE pg_temp.curious(name);
SELECT count(*) FROM rcs.team_message_status_masked WHERE pg_temp.curious(chatbot);
SELECT count(*) FROM rcs.team_message_status_masked WHERE handle = :'another' AND pg_temp.curious(chatbot);
RESET ROLE;
-- a campaign is looked up by the index; a handle by rcs_trace_handle
CREATE FUNCTION pg_temp.conditions(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found text := '';
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_bitmapscan = off;
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
		IF line ~ 'Index Cond: \(+id = ' AND found = '' THEN
			found := 'by its id';
		ELSIF line ~ 'Seq Scan on (message|campaign|batch|tally|result|intent|event)' THEN
			found := found || line;
		END IF;
	END LOOP;
	RETURN found;
END $$;
SET ROLE regress_rcs_member;
SELECT pg_temp.conditions(format('SELECT * FROM rcs.team_message_status_masked WHERE campaign = %L', :'ours'));
SELECT pg_temp.conditions(format('SELECT * FROM rcs.team_campaign_progress WHERE campaign = %L', :'ours'));
SELECT pg_temp.conditions(format('SELECT * FROM rcs.team_campaign_result WHERE campaign = %L', :'ours'));
SELECT pg_temp.conditions(format('SELECT * FROM rcs.team_campaign_history WHERE campaign = %L', :'ours'));
RESET ROLE;

-- clean up
SET client_min_messages = warning;
DROP TABLE matrix_call;
DROP FUNCTION matrix_row(text), matrix_try(text, text);
DROP VIEW matrix_relation, matrix_function, matrix_member, matrix_role;
DELETE FROM rcs.inbound;
\set server matrix_kt
\i sql/setup/clean.sql
DROP SERVER matrix_data CASCADE;
DROP OWNED BY regress_rcs_operator, regress_rcs_reader, regress_rcs_team, regress_rcs_sender, regress_rcs_member;
DROP ROLE regress_rcs_plain, regress_rcs_sender, regress_rcs_operator, regress_rcs_reader, regress_rcs_member,
	regress_rcs_console, regress_rcs_team, regress_rcs_monitor, regress_rcs_super;
