-- Carrier accounts and chatbots: what may stand in them, who may use them, what guards them.
SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS rcs; RESET client_min_messages;
\set SHOW_CONTEXT never

CREATE ROLE regress_rcs_plain;
CREATE ROLE regress_rcs_files;
CREATE ROLE regress_rcs_owner;
GRANT pg_read_server_files TO regress_rcs_files;
GRANT USAGE ON FOREIGN DATA WRAPPER rcs TO regress_rcs_plain, regress_rcs_files;

-- The servers there are.
CREATE VIEW regress_server AS
SELECT srvname, srvtype, srvoptions FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = srvfdw
WHERE fdwname = 'rcs' ORDER BY srvname COLLATE "C";

-- A server in full.
CREATE SERVER kt TYPE 'kt' FOREIGN DATA WRAPPER rcs
	OPTIONS (url 'https://agency.hermes.kt.com/corp/v1', query_url 'https://query.hermes.kt.com/corp/v1',
			 rate_per_minute '12000', connections '200', results 'push', ca_file '/etc/ssl/kt.pem');
CREATE SERVER data TYPE 'http' FOREIGN DATA WRAPPER rcs
	OPTIONS (url 'http://127.0.0.1:8080', timeout '10s', media_ttl '1 day', ca_file '/etc/ssl/data.pem');
SELECT * FROM regress_server;

-- TYPE and the options that fit it.
CREATE SERVER bad FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example');
\echo :SQLSTATE
CREATE SERVER bad TYPE 'skt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example');
CREATE SERVER bad TYPE 'kt' FOREIGN DATA WRAPPER rcs;
\echo :SQLSTATE
CREATE SERVER bad TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (timeout '1s');
CREATE SERVER bad TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example', media_ttl '1 day');
\echo :SQLSTATE
CREATE SERVER bad TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example', rate_per_minute '10');
CREATE SERVER bad TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example', speed '10');
\echo :SQLSTATE
CREATE SERVER bad TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example', rcs_secret 'in the wrong place');
ALTER SERVER kt OPTIONS (ADD timeout '1s');
ALTER SERVER kt OPTIONS (DROP url);
CREATE FOREIGN TABLE bad (a int) SERVER kt OPTIONS (url 'https://a.example');
ALTER FOREIGN DATA WRAPPER rcs OPTIONS (ADD url 'https://a.example');
SELECT srvname FROM regress_server;

-- Values: accepted, or the hint that goes with the refusal.
CREATE FUNCTION regress_accepted(p_option text, p_values text[]) RETURNS TABLE (value text, answer text, state text)
LANGUAGE plpgsql AS $$
BEGIN
	FOREACH value IN ARRAY p_values
	LOOP
		BEGIN
			PERFORM rcs._fdw_validator(ARRAY[p_option || '=' || value], 'pg_foreign_server'::regclass);
			answer := 'accepted';
			state := '';
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS answer = PG_EXCEPTION_HINT;
			state := SQLSTATE;
		END;
		value := left(value, 40);
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT * FROM regress_accepted('url', ARRAY[
	'https://agency.hermes.kt.com', 'https://a.example:8443/corp/v1', 'HTTPS://A.example/', 'https://[2001:db8::1]:443/x',
	'https://192.0.2.1', 'http://localhost', 'http://LOCALHOST:80/a', 'http://127.0.0.1:18080/corp/v1', 'http://127.8.9.10',
	'http://[::1]', 'http://[::1]:8080/a', 'https://xn--9n2bp8q.example']);
SELECT * FROM regress_accepted('url', ARRAY[
	'', 'agency.hermes.kt.com', 'ftp://a.example', 'file:///etc/passwd', 'https:/a.example', 'https://', 'https:///path',
	'https://user:pw@a.example', 'https://user@a.example', 'https://a.example/?q=1', 'https://a.example/#x', 'https://a b.example',
	E'https://a.example/\r\nX: y', E'https://a.example/\t', 'https://a.example\@b.example',
	'https://a.example:', 'https://a.example:0', 'https://a.example:65536', 'https://a.example:80a', 'https://[::1', 'https://[zz]',
	'https://[::1]x', 'https://a_b%41.example', 'https://' || repeat('a', 1024),
	'http://a.example', 'http://128.0.0.1', 'http://127.0.0.1.a.example', 'http://localhost.a.example', 'http://127.1', 'http://[::2]',
	'http://[::ffff:10.0.0.1]', 'http://0.0.0.0', 'http://2130706433']);
SELECT answer, state FROM regress_accepted('url', ARRAY['https://도메인.example']);
SELECT * FROM regress_accepted('query_url', ARRAY['https://query.hermes.kt.com', 'http://query.hermes.kt.com']);
SELECT * FROM regress_accepted('rate_per_minute',
	ARRAY['1', '6000000', '0', '-1', '6000001', '', '1.5', '1e3', ' 10', 'ten', '99999999999', '0x10']);
SELECT * FROM regress_accepted('connections', ARRAY['1', '1024', '0', '1025', 'all']);
SELECT * FROM regress_accepted('results', ARRAY['push', 'query', 'PUSH', '']);
SELECT * FROM regress_accepted('timeout', ARRAY['10s', '00:00:10', '500 ms', '0', '-1s', '0.0001s', '11 years', 'soon', '']);
SELECT * FROM regress_accepted('allow_private', ARRAY['true', 'off', '1', 'maybe', '']);
SELECT * FROM regress_accepted('media_ttl', ARRAY['1 day', '3 months', '-1 day']);
SELECT * FROM regress_accepted('ca_file', ARRAY['/etc/ca.pem', 'ca.pem', '', E'/etc/ca\n.pem', '/' || repeat('a', 1024)]);
DROP FUNCTION regress_accepted;
-- with the context of an interval's own message
CREATE SERVER bad TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example', timeout 'soon');
\echo :SQLSTATE

-- No rate is no limit of ours, which is said.
CREATE SERVER unlimited TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example');
ALTER SERVER unlimited OPTIONS (ADD rate_per_minute '60');
ALTER SERVER unlimited OPTIONS (DROP rate_per_minute);
ALTER SERVER unlimited RENAME TO spare;

-- Logins: for PUBLIC only, and whole.
CREATE USER MAPPING FOR CURRENT_USER SERVER kt OPTIONS (rcs_id 'shop', rcs_secret 'canary-secret');
\echo :SQLSTATE
CREATE USER MAPPING FOR regress_rcs_plain SERVER data OPTIONS (header 'X-Key: canary-secret');
CREATE USER MAPPING FOR PUBLIC SERVER kt;
\echo :SQLSTATE
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'shop');
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_secret_file '/etc/rcs/kt.secret');
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'shop', rcs_secret 'canary-secret', rcs_secret_file '/etc/rcs/kt.secret');
\echo :SQLSTATE
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'shop', rcs_secret '');
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'sh op', rcs_secret 'canary-secret');
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id '', rcs_secret 'canary-secret');
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'an-id-of-21-letters--', rcs_secret 'canary-secret');
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'shop', rcs_secret_file 'kt.secret');
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'shop', rcs_secret_file '/etc/rcs/kt.secret', header 'X-Key: canary-secret');
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (url 'https://a.example');
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'shop', rcs_secret 'canary-secret');
ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (DROP rcs_secret);
ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (ADD rcs_secret_file '/etc/rcs/kt.secret');
ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (DROP rcs_secret, ADD rcs_secret_file '/etc/rcs/kt.secret');
CREATE USER MAPPING FOR PUBLIC SERVER data;
CREATE USER MAPPING FOR PUBLIC SERVER data OPTIONS (rcs_id 'shop', rcs_secret 'canary-secret');
CREATE USER MAPPING FOR PUBLIC SERVER data OPTIONS (header 'canary-secret');
CREATE USER MAPPING FOR PUBLIC SERVER data OPTIONS (header 'X-Key:  ');
CREATE USER MAPPING FOR PUBLIC SERVER data OPTIONS (header ': canary-secret');
CREATE USER MAPPING FOR PUBLIC SERVER data OPTIONS (header 'X Key: canary-secret');
CREATE USER MAPPING FOR PUBLIC SERVER data OPTIONS (header E'X-Key: canary-secret\r\nX-Other: 1');
CREATE USER MAPPING FOR PUBLIC SERVER data OPTIONS (header 'X-Key: canary-secret', header_file '/etc/rcs/data.header');
CREATE USER MAPPING FOR PUBLIC SERVER data OPTIONS (header 'X[Key: canary-secret');
-- what belongs to the request itself is not theirs to set
CREATE FUNCTION regress_header(p_line text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v_hint text;
BEGIN
	PERFORM rcs._fdw_validator(ARRAY['header=' || p_line], 'pg_user_mapping'::regclass);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS v_hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ' ' || v_hint;
END $$;
SELECT regress_header(n || ': x') AS answer, string_agg(n, ' ') AS names FROM unnest('{Host,CONTENT-LENGTH,content-type,Content-Encoding,Transfer-Encoding,
	transfer-encoding,Connection,Keep-Alive,TE,Trailer,Upgrade,HTTP2-Settings,Expect,Proxy-Authorization,Proxy-Connection}'::text[]) n GROUP BY 1;
SELECT regress_header(n || ': x') AS answer, string_agg(n, ' ') AS names FROM unnest('{Authorization,X-Api-Key,X-Host,Hosts,Tea,Cookie,Proxy,Content}'::text[]) n GROUP BY 1;
SELECT l AS line, regress_header(l) FROM unnest(ARRAY[E'X-Key: a\tb', E'X-Key: a\rb', E'X-Key: a\x01b', E'Host\t: x', 'Host : x', 'X-Key:', 'X-Key;']) l;
DROP FUNCTION regress_header(text);
CREATE USER MAPPING FOR PUBLIC SERVER data OPTIONS (header 'Authorization: Bearer canary-secret');
SELECT srvname, usename, umoptions FROM pg_user_mappings WHERE srvname IN ('kt', 'data') ORDER BY srvname COLLATE "C";

-- Servers of other wrappers are none of our business.
CREATE FOREIGN DATA WRAPPER regress_other;
CREATE SERVER other FOREIGN DATA WRAPPER regress_other OPTIONS (speed '10');
CREATE USER MAPPING FOR regress_rcs_files SERVER other OPTIONS (anything 'goes');
ALTER SERVER other RENAME TO another;

-- Files of the server need the right to read them; the rest needs USAGE on the wrapper only.
SET ROLE regress_rcs_plain;
CREATE SERVER plain TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example', rate_per_minute '60', ca_file '/etc/ca.pem');
\echo :SQLSTATE
CREATE SERVER plain TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example', rate_per_minute '60');
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (rcs_id 'shop', rcs_secret_file '/etc/passwd');
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (rcs_id 'shop', rcs_secret 'canary-secret');
SET ROLE regress_rcs_files;
CREATE SERVER files TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://a.example', rate_per_minute '60', ca_file '/etc/ca.pem');
CREATE USER MAPPING FOR PUBLIC SERVER files OPTIONS (rcs_id 'shop', rcs_secret_file '/etc/rcs/kt.secret');
RESET ROLE;
-- A file of the server is used only if the owner of the foreign server, who says where it is sent, may read it too.
ALTER USER MAPPING FOR PUBLIC SERVER plain OPTIONS (DROP rcs_secret, ADD rcs_secret_file '/etc/rcs/kt.secret');
\echo :SQLSTATE
ALTER SERVER files OWNER TO regress_rcs_plain;
\echo :SQLSTATE
CREATE SERVER files_data TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1');
CREATE USER MAPPING FOR PUBLIC SERVER files_data OPTIONS (header_file '/etc/rcs/data.header');
ALTER SERVER files_data OWNER TO regress_rcs_plain;
ALTER SERVER files_data OWNER TO regress_rcs_files;
-- also when he has lost the right since, or has got the server in a way that no event trigger sees
REVOKE pg_read_server_files FROM regress_rcs_files;
SELECT rcs_fetch('files_data', '/x');
\echo :SQLSTATE
GRANT pg_read_server_files TO regress_rcs_files;
SET client_min_messages = warning; DROP SERVER files_data CASCADE; RESET client_min_messages;
SET ROLE regress_rcs_files;
-- Mappings and keys are hidden from those who own neither.
SELECT srvname, umoptions FROM pg_user_mappings WHERE srvname IN ('kt', 'files') ORDER BY srvname COLLATE "C";
SELECT agency_key FROM rcs.chatbot;
SELECT rcs._refuse_used_server('kt', 'drop');
SELECT rcs._fdw_validator('{}', 0);
RESET ROLE;

-- Chatbots name carrier accounts.
INSERT INTO rcs.chatbot (chatbot, servers, agency_key, brand_key) VALUES ('0212351235', '{kt}', 'AK.1', 'BK.1');
INSERT INTO rcs.chatbot (chatbot, servers, name, callback, footer, kisa_orig_code, fallback_prefix, cdr_id)
VALUES ('bot1', '{kt,spare}', '한글 이름', '02-1235-1235', '080-123-4567', '301230126', '[again]', 'cdr1');
SELECT chatbot, servers, agency_id, footer, owner FROM rcs.chatbot ORDER BY chatbot COLLATE "C";
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('b', '{kt,nowhere,data,another}');
\echo :SQLSTATE
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('b', '{kt,spare,kt}');
\echo :SQLSTATE
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('b', '{}');
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('b', NULL);
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('b', '{kt,NULL}');
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('b', '{{kt},{spare}}');
INSERT INTO rcs.chatbot (chatbot, servers) VALUES (NULL, '{kt}');
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('', '{kt}');
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('a b', '{kt}');
INSERT INTO rcs.chatbot (chatbot, servers) VALUES (E'a\n', '{kt}');
INSERT INTO rcs.chatbot (chatbot, servers) VALUES (repeat('1', 41), '{kt}');
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('가게', '{kt}');
UPDATE rcs.chatbot SET servers = '{nowhere}' WHERE chatbot = 'bot1';
-- no message shows a key
UPDATE rcs.chatbot SET footer = '080 123' WHERE chatbot = 'bot1';
UPDATE rcs.chatbot SET footer = '' WHERE chatbot = 'bot1';
UPDATE rcs.chatbot SET callback = '+82-2' WHERE chatbot = 'bot1';
UPDATE rcs.chatbot SET kisa_orig_code = '12345678' WHERE chatbot = 'bot1';
UPDATE rcs.chatbot SET fallback_prefix = '12345678901' WHERE chatbot = 'bot1';
-- a character that CP949 lacks; not every database can hold one
DO $$
BEGIN
	UPDATE rcs.chatbot SET fallback_prefix = convert_from('\xf09f9880', 'UTF8') WHERE chatbot = 'bot1';
	RAISE NOTICE 'accepted';
EXCEPTION WHEN check_violation OR untranslatable_character THEN
	RAISE NOTICE 'refused';
END $$;
UPDATE rcs.chatbot SET agency_id = '대행사' WHERE chatbot = 'bot1';
UPDATE rcs.chatbot SET agency_id = NULL WHERE chatbot = '0212351235';
UPDATE rcs.chatbot SET brand_key = 'canary key' WHERE chatbot = '0212351235';
UPDATE rcs.chatbot SET cdr_id = '' WHERE chatbot = '0212351235';
INSERT INTO rcs.chatbot (chatbot, servers, brand_key) VALUES ('bot1', '{kt}', 'canary-key');

-- The owner is a role that the writer is a member of.
UPDATE rcs.chatbot SET owner = 'regress_rcs_nobody' WHERE chatbot = 'bot1';
\echo :SQLSTATE
UPDATE rcs.chatbot SET owner = 'regress_rcs_owner' WHERE chatbot = 'bot1';
GRANT SELECT, INSERT, UPDATE ON rcs.chatbot TO regress_rcs_plain;
SET ROLE regress_rcs_plain;
INSERT INTO rcs.chatbot (chatbot, servers, owner) VALUES ('bot2', '{plain}', 'regress_rcs_owner');
\echo :SQLSTATE
INSERT INTO rcs.chatbot (chatbot, servers, owner) VALUES ('bot2', '{plain}', 'regress_rcs_plain');
-- what has an owner already may be changed by whoever was granted that, but is given to no other chatbot
UPDATE rcs.chatbot SET name = 'changed' WHERE chatbot = 'bot1';
\echo :SQLSTATE
UPDATE rcs.chatbot SET chatbot = 'bot3' WHERE chatbot = 'bot1';
\echo :SQLSTATE
RESET ROLE;
GRANT regress_rcs_owner TO regress_rcs_plain;
SET ROLE regress_rcs_plain;
UPDATE rcs.chatbot SET owner = 'regress_rcs_owner' WHERE chatbot = 'bot2';
RESET ROLE;
SELECT chatbot, owner FROM rcs.chatbot WHERE owner IS NOT NULL ORDER BY chatbot COLLATE "C";

-- A server in use stays, under its name, however one tries.
DROP SERVER kt CASCADE;
\echo :SQLSTATE
ALTER SERVER kt RENAME TO kt2;
\echo :SQLSTATE
DROP SERVER spare;
DROP OWNED BY regress_rcs_plain CASCADE;
DROP FOREIGN DATA WRAPPER rcs CASCADE;
DO $$ BEGIN DROP SERVER plain CASCADE; END $$;
SELECT srvname FROM regress_server;
-- what does not touch the name is free
ALTER SERVER kt OPTIONS (SET rate_per_minute '6000');
ALTER SERVER kt OWNER TO CURRENT_USER;
DROP USER MAPPING FOR PUBLIC SERVER plain;
-- and so is a server that no chatbot names any more
UPDATE rcs.chatbot SET servers = '{kt}' WHERE chatbot = 'bot1';
ALTER SERVER spare RENAME TO kt3;
DROP SERVER kt3;
DROP SERVER another CASCADE;
DELETE FROM rcs.chatbot WHERE chatbot = 'bot2';
DROP OWNED BY regress_rcs_plain CASCADE;
SELECT srvname FROM regress_server;

-- Dropping the extension takes accounts and chatbots along, used or not.
BEGIN;
SET LOCAL client_min_messages = warning;
DROP EXTENSION rcs CASCADE;
SELECT count(*) FROM pg_foreign_server WHERE srvname IN ('kt', 'data');
ROLLBACK;
SELECT srvname FROM regress_server;

-- No function of this part can be called by everybody, and none that acts as its owner follows the caller's search_path.
SELECT proname, prosecdef, proconfig, has_function_privilege('regress_rcs_plain', oid, 'EXECUTE')
FROM pg_proc WHERE pronamespace = 'rcs'::regnamespace
AND proname IN ('_fdw_validator', '_chatbot_check_form', '_chatbot_check_references', '_chatbot_hold_servers', '_refuse_used_server', '_account_ddl', '_account_drop')
ORDER BY proname COLLATE "C";

DELETE FROM rcs.chatbot;
DROP VIEW regress_server;
DROP FOREIGN DATA WRAPPER regress_other;
SET client_min_messages = warning;
DROP SERVER kt CASCADE;
DROP SERVER data CASCADE;
DROP SERVER files CASCADE;
RESET client_min_messages;
DROP OWNED BY regress_rcs_plain, regress_rcs_files;
DROP ROLE regress_rcs_plain, regress_rcs_files, regress_rcs_owner;
