-- A role that is dropped has no successor of its name, and one that is renamed stays what it is.
\set server roles_kt
\i sql/setup/one_account.sql
SET client_min_messages = warning;
CREATE ROLE regress_roles_shop;
CREATE ROLE regress_roles_team;
CREATE ROLE regress_roles_member IN ROLE regress_roles_team;
CREATE ROLE regress_roles_admin SUPERUSER;
GRANT SELECT ON rcs.team_campaign_progress TO regress_roles_member;
RESET client_min_messages;
UPDATE rcs.chatbot SET owner = 'regress_roles_team';
GRANT USAGE ON FOREIGN SERVER roles_kt TO regress_roles_shop;
SET ROLE regress_roles_shop;
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') AS id \gset
SELECT rcs_campaign_create('old', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}') AS c \gset
SELECT added FROM rcs_campaign_add(:'c', ARRAY['01000000006']);
SELECT phone FROM rcs_campaign_preview(:'c');
RESET ROLE;

-- renamed: it keeps what it has
ALTER ROLE regress_roles_shop RENAME TO regress_roles_store;
ALTER ROLE regress_roles_team RENAME TO regress_roles_crew;
SET ROLE regress_roles_store;
SELECT phone FROM rcs_campaign_preview(:'c');
SELECT rcs_campaign_id('old') = :'c';
SELECT rcs_message(:'id') IS NOT NULL;
SET ROLE regress_roles_member;
SELECT rcs_message(:'id') IS NOT NULL;
SELECT name FROM rcs.team_campaign_progress;
RESET ROLE;
-- another role of the name it had: it has nothing, and its own is not mixed up with it
CREATE ROLE regress_roles_shop;
CREATE ROLE regress_roles_team;
CREATE ROLE regress_roles_second IN ROLE regress_roles_team;
GRANT USAGE ON FOREIGN SERVER roles_kt TO regress_roles_shop;
CREATE TEMP VIEW regress_tries AS
SELECT pg_temp.try(format('SELECT rcs_campaign_preview(%L)', c)) AS preview, pg_temp.try(format('SELECT rcs_campaign_cancel(%L)', c)) AS stop,
	pg_temp.try(format('SELECT rcs_message(%L)', id)) AS message, pg_temp.try(format('SELECT rcs_cancel(%L)', id)) AS cancel,
	pg_temp.try($$SELECT rcs_campaign_id('old')$$) AS found
FROM (VALUES (:'c'::uuid, :'id'::uuid)) v(c, id);
GRANT SELECT ON regress_tries TO PUBLIC;
\x on
SET ROLE regress_roles_shop;
SELECT * FROM regress_tries;
SET ROLE regress_roles_second;
SELECT * FROM regress_tries;
\x off
SET ROLE regress_roles_shop;
SELECT rcs_campaign_create('new', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}') AS n \gset
SELECT rcs_campaign_id('new') = :'n';
SET ROLE regress_roles_store;
SELECT pg_temp.try(format('SELECT rcs_campaign_cancel(%L)', :'n'));
RESET ROLE;
SELECT name, created_by FROM rcs.campaign ORDER BY campaign_no;
-- what a worker does once a minute
SELECT rcs._follow_roles();
SELECT name, created_by FROM rcs.campaign_progress ORDER BY created_at;
SELECT c.owner, c.owner_id = r.oid AS same FROM rcs.chatbot c JOIN pg_roles r ON r.rolname = 'regress_roles_crew' WHERE c.owner IS NOT NULL;

-- dropped and made anew
REVOKE ALL ON FOREIGN SERVER roles_kt FROM regress_roles_store;
DROP ROLE regress_roles_store, regress_roles_crew;
CREATE ROLE regress_roles_store;
CREATE ROLE regress_roles_crew;
GRANT regress_roles_crew TO regress_roles_member;
\x on
SET ROLE regress_roles_store;
SELECT * FROM regress_tries;
SET ROLE regress_roles_member;
SELECT * FROM regress_tries;
\x off
SELECT name FROM rcs.team_campaign_progress;
RESET ROLE;
SELECT rcs._follow_roles();
SELECT owner, owner_id FROM rcs.chatbot WHERE owner IS NOT NULL;
SELECT creator, role_name, role_id <> 0 AS there FROM rcs.creator WHERE creator LIKE 'regress_roles%' ORDER BY creator COLLATE "C";
-- changing something else gives it to nobody; who may, gives it to the new role
UPDATE rcs.chatbot SET footer = '080-000-0000';
SELECT owner_id FROM rcs.chatbot;
UPDATE rcs.chatbot SET owner_id = NULL;
SET ROLE regress_roles_member;
SELECT rcs_message(:'id') IS NOT NULL;
RESET ROLE;

-- A dump brings the oids of another server: the names count, a role that is gone stays gone, and one that is not here
-- has no successor later.
BEGIN;
INSERT INTO rcs.creator (creator, role_name, role_id) VALUES ('a', 'regress_roles_shop', 10), ('b', 'regress_roles_shop', 0), ('c', 'regress_roles_nobody', 10);
CREATE ROLE regress_roles_nobody;
SELECT c, rcs._creator_role(c)::regrole FROM unnest('{a,b,c,d}'::text[]) c;
-- a name for two is nobody's
INSERT INTO rcs.creator (creator, role_name) VALUES ('a', 'regress_roles_store');
SELECT rcs._creator_role('a');
-- a session that has just used its value hears of it, and of a value that was rolled back
SET ROLE regress_roles_shop;
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') AS own \gset
RESET ROLE;
INSERT INTO rcs.creator (creator, role_name) SELECT created_by, 'regress_roles_store' FROM rcs.message WHERE id = :'own';
SAVEPOINT s;
SET LOCAL ROLE regress_roles_shop;
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') AS later \gset
RESET ROLE;
SELECT id = :'own' AS first, created_by, rcs._creator_role(created_by)::regrole FROM rcs.message WHERE id IN (:'own', :'later') ORDER BY id <> :'own';
ROLLBACK TO s;
SET ROLE regress_roles_shop;
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') AS later \gset
RESET ROLE;
SELECT created_by, rcs._creator_role(created_by)::regrole FROM rcs.message WHERE id = :'later';
INSERT INTO rcs.chatbot (chatbot, servers, owner, owner_id) VALUES ('0211110001', '{roles_kt}', 'regress_roles_none', 10), ('0211110002', '{roles_kt}', 'regress_roles_shop', 10);
SELECT chatbot, owner, owner_id::regrole FROM rcs.chatbot WHERE chatbot LIKE '021111%' ORDER BY chatbot;
-- nor do they count where a subscription or a loader has kept the triggers off; rcs_resume() takes the names
ALTER TABLE rcs.chatbot DISABLE TRIGGER ALL;
UPDATE rcs.chatbot SET owner_id = 10 WHERE chatbot = '0211110002';
ALTER TABLE rcs.chatbot ENABLE TRIGGER ALL;
ALTER TABLE rcs.chatbot ENABLE ALWAYS TRIGGER chatbot_0_owner;
INSERT INTO rcs._origin VALUES (gen_random_uuid());
SELECT rcs._follow_roles();
SELECT owner, owner_id = 10 AS as_loaded FROM rcs.chatbot WHERE chatbot = '0211110002';
SET client_min_messages = error;
SELECT rcs._accept_contents();
SELECT owner, owner_id::regrole FROM rcs.chatbot WHERE chatbot = '0211110002';
ROLLBACK;

-- Rules.  A function is never run with rights that its owner lacks.
CREATE SCHEMA regress_shop AUTHORIZATION regress_roles_shop;
GRANT USAGE ON SCHEMA rcs TO regress_roles_shop, regress_roles_member;
GRANT SELECT, INSERT, UPDATE, DELETE ON rcs.reply_rule TO regress_roles_shop, regress_roles_member;
SET ROLE regress_roles_shop;
CREATE FUNCTION regress_shop.answer(rcs.inbound) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(current_user::text) $$;
SET ROLE regress_roles_admin;
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO rcs.reply_rule (handler) VALUES ('regress_shop.answer');
INSERT INTO rcs.reply_rule (handler, owner) VALUES ('regress_shop.answer', 'regress_roles_crew');
\set VERBOSITY terse
INSERT INTO rcs.reply_rule (handler, owner) VALUES ('regress_shop.answer', 'regress_roles_shop');
SELECT owner, owner_id::regrole, written_by, rcs._rule_lacks(r) FROM rcs.reply_rule r;
UPDATE rcs.reply_rule SET owner = current_user;
-- security definer: it runs as its owner whoever calls it
ALTER FUNCTION regress_shop.answer SECURITY DEFINER;
UPDATE rcs.reply_rule SET owner = current_user;
ALTER FUNCTION regress_shop.answer SECURITY INVOKER;
-- and when it runs
SELECT rcs._rule_lacks(r) FROM rcs.reply_rule r;
ALTER FUNCTION regress_shop.answer OWNER TO CURRENT_USER;
SELECT rcs._rule_lacks(r) FROM rcs.reply_rule r;
DELETE FROM rcs.reply_rule;

-- A rule rests when its writer is no member of its owner any more.
SET ROLE regress_roles_member;
INSERT INTO rcs.reply_rule (reply, owner, written_by) VALUES ('"x"', 'regress_roles_crew', 'regress_roles_crew');
-- who writes it cannot say that somebody else did
UPDATE rcs.reply_rule SET written_by = 'regress_roles_shop', writer_id = 10;
UPDATE rcs.reply_rule SET owner_id = 10;
SET ROLE regress_roles_admin;
CREATE VIEW regress_rule AS SELECT owner, written_by, rcs._rule_lacks(r), (SELECT count(*) FROM rcs._rule_role(r.owner_id, r.writer_id)) AS acts FROM rcs.reply_rule r;
SELECT * FROM regress_rule;
REVOKE regress_roles_crew FROM regress_roles_member;
SELECT * FROM regress_rule;
GRANT regress_roles_crew TO regress_roles_member;
ALTER ROLE regress_roles_member RENAME TO regress_roles_second_member;
SELECT rcs._follow_roles();
SELECT * FROM regress_rule;
-- or is gone, or its owner is
DROP OWNED BY regress_roles_second_member;
DROP ROLE regress_roles_second_member;
CREATE ROLE regress_roles_second_member IN ROLE regress_roles_crew;
SELECT * FROM regress_rule;
UPDATE rcs.reply_rule SET priority = 1;
SELECT written_by, _rule_lacks, acts FROM regress_rule;
DROP ROLE regress_roles_crew;
CREATE ROLE regress_roles_crew;
SELECT _rule_lacks, acts FROM regress_rule;
SELECT rcs._follow_roles();
SELECT _rule_lacks, acts FROM regress_rule;
\set VERBOSITY default
UPDATE rcs.reply_rule SET priority = 2;
\set VERBOSITY terse
UPDATE rcs.reply_rule SET owner_id = NULL;
SELECT _rule_lacks, acts FROM regress_rule;
-- a dump says who wrote it, and its roles need not be here
INSERT INTO rcs.reply_rule (reply, owner, owner_id, written_by, writer_id) VALUES ('"x"', 'regress_roles_none', 7, 'regress_roles_shop', 8);
SELECT * FROM regress_rule WHERE owner LIKE '%none';

RESET ROLE;
SET client_min_messages = warning;
DELETE FROM rcs.reply_rule;
DROP VIEW regress_tries, regress_rule;
DROP SCHEMA regress_shop CASCADE;
UPDATE rcs.chatbot SET owner = NULL;
REVOKE ALL ON FOREIGN SERVER roles_kt FROM regress_roles_shop;
DROP OWNED BY regress_roles_shop, regress_roles_second_member;
DROP ROLE regress_roles_admin, regress_roles_shop, regress_roles_store, regress_roles_team, regress_roles_crew, regress_roles_second, regress_roles_second_member;

-- clean up
\i sql/setup/clean.sql
