\set server rights_kt
\i sql/setup/one_account.sql
SET client_min_messages = warning;
CREATE ROLE regress_rcs_shop;
CREATE ROLE regress_rcs_other;
CREATE ROLE regress_rcs_team;
CREATE ROLE regress_rcs_member IN ROLE regress_rcs_team;
CREATE ROLE regress_rcs_reader;
CREATE TABLE regress_customer (phone text);
INSERT INTO regress_customer VALUES ('01000000009');
CREATE SCHEMA regress_shop AUTHORIZATION regress_rcs_shop;
RESET client_min_messages;
UPDATE rcs.chatbot SET owner = 'regress_rcs_team';

-- sending needs USAGE on every server of the chatbot, and nothing else
SET ROLE regress_rcs_shop;
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x')$$);
SELECT pg_temp.try($$SELECT rcs_send('bad', 'x', on_error => 'record')$$);
SELECT pg_temp.try($$SELECT rcs_campaign_create('c', '{"serviceType": "RCSSMS", "header": "0", "body": {}}')$$);
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER rights_kt TO regress_rcs_shop, regress_rcs_member;
SET ROLE regress_rcs_shop;
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01') AS id \gset
SELECT rcs_campaign_create('mine', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}') AS c \gset
SELECT rcs_message(:'id') IS NOT NULL;
-- going before others is not for everybody: neither by a message nor by a campaign; a weight up to 10 is
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', urgent => true)$$);
SELECT pg_temp.try($$SELECT rcs_send('01012345678', '{"serviceType": "RCSSMS", "body": {"description": "x"}}'::jsonb, urgent => true)$$);
-- nor is it recorded as a bad message
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', urgent => true, on_error => 'record')$$);
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01', urgent => NULL) IS NOT NULL AS null_is_false;
SELECT pg_temp.try($$SELECT rcs_campaign_create('c', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}', weight => 11)$$);
SELECT rcs_campaign_change(:'c', weight => 10);
SELECT pg_temp.try(format('SELECT rcs_campaign_change(%L, weight => 11)', :'c'));
SELECT pg_temp.try('SELECT rcs_priority()');
-- a function of that name that everybody may execute is not asked
CREATE FUNCTION regress_shop.rcs_priority() RETURNS boolean LANGUAGE sql RETURN true;
SET search_path = regress_shop, public;
SELECT pg_temp.try($$SELECT rcs_send('01012345678', 'x', urgent => true)$$);
RESET search_path;
RESET ROLE;
GRANT EXECUTE ON FUNCTION rcs_priority TO regress_rcs_shop;
SET ROLE regress_rcs_shop;
SELECT rcs_send('01012345678', 'x', send_at => '2100-01-01', urgent => true) AS urgent \gset
SELECT rcs_campaign_change(:'c', weight => 1000);
RESET ROLE;
SELECT b.chatbot = m.chatbot, b.sender, b.urgent FROM rcs.batch b JOIN rcs.message m USING (campaign_no, batch_id) WHERE m.id IN (:'id', :'urgent') ORDER BY b.urgent;
SELECT weight FROM rcs.campaign WHERE id = :'c';
REVOKE EXECUTE ON FUNCTION rcs_priority FROM regress_rcs_shop;
SET ROLE regress_rcs_shop;
-- the tables and views are not for everybody
SELECT pg_temp.try('SELECT count(*) FROM ' || t)
FROM unnest('{rcs.message,rcs.batch,rcs.campaign,rcs.rejected,rcs.chatbot,rcs.installation,rcs.message_status,rcs.message_status_masked,rcs.campaign_progress,rcs.queue_depth,rcs._open_counts}'::text[]) t;
-- the query runs with the caller's rights and search_path
SELECT pg_temp.try(format('SELECT rcs_campaign_add(%L, %L)', :'c', 'SELECT phone FROM regress_customer'));
SELECT pg_temp.try(format('SELECT rcs_campaign_add(%L, %L)', :'c', 'SELECT phone FROM rcs.message'));
CREATE TABLE regress_shop.list AS SELECT '01000000008' AS phone;
SET search_path = regress_shop, public;
SELECT * FROM rcs_campaign_add(:'c', 'SELECT phone FROM list');
SELECT * FROM rcs_campaign_add(:'c', $$SELECT '01000000007' AS phone WHERE current_user = 'regress_rcs_shop' AND current_setting('search_path') LIKE 'regress_shop%'$$);
RESET search_path;
SELECT current_user;
SELECT count(*) FROM rcs_campaign_preview(:'c');

-- a stranger may do nothing with it, though it may send
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER rights_kt TO regress_rcs_other;
SET ROLE regress_rcs_other;
SELECT pg_temp.try(format('SELECT rcs_cancel(%L)', :'id'));
SELECT pg_temp.try(format('SELECT rcs_message(%L)', :'id'));
SELECT pg_temp.try(format('SELECT rcs_cancel(%L)', rcs_message_id(:'c', '01000000008')));
-- nor does he learn whom a campaign was sent to: what is there gives the same answer as what is not
SELECT f, count(DISTINCT pg_temp.try(format('SELECT %s%L)', f, i))) = 1 AS same,
	min(pg_temp.try(format('SELECT %s%L)', f, i)) COLLATE "C") AS answer
FROM unnest('{rcs_message(,rcs_cancel(,"rcs_wait(''0 s'', "}'::text[]) f,
	unnest(ARRAY[:'id', rcs_message_id(:'c', '01000000008'), rcs_message_id(:'c', '01000000999'), gen_random_uuid()]) i
GROUP BY f ORDER BY f COLLATE "C";
SELECT pg_temp.try($$SELECT rcs_campaign_id('rights')$$);
SELECT pg_temp.try($$SELECT rcs_campaign_id('none')$$);
SELECT pg_temp.try(format('SELECT rcs_wait(''0 s'', %L)', :'c'));
SELECT pg_temp.try(format('SELECT rcs_campaign_add(%L, ARRAY[''01000000006''])', :'c'));
SELECT pg_temp.try(format('SELECT rcs_campaign_preview(%L)', :'c'));
SELECT pg_temp.try(format('SELECT rcs_campaign_start(%L)', :'c'));

-- members of the chatbot's owner may
SET ROLE regress_rcs_member;
SELECT rcs_message(:'id') IS NOT NULL;
SELECT phone FROM rcs_campaign_preview(:'c');
SELECT pg_temp.try(format('SELECT rcs_campaign_preview(%L, phone => ''01000000008'')', :'c'));
SELECT pg_temp.try(format('SELECT rcs_campaign_preview(%L, 101)', :'c'));
SELECT added FROM rcs_campaign_add(:'c', ARRAY['01000000006']);
SELECT rcs_cancel(:'id');
SELECT rcs_cancel(rcs_message_id(:'c', '01000000008'));

-- a reader of the view may look, and no more
RESET ROLE;
GRANT SELECT ON rcs.message_status TO regress_rcs_reader;
SET ROLE regress_rcs_reader;
SELECT rcs_message(:'id') IS NOT NULL;
SELECT phone FROM rcs_campaign_preview(:'c');
SELECT count(*) FROM rcs.message_status WHERE campaign = :'c';
SELECT pg_temp.try(format('SELECT rcs_cancel(%L)', rcs_message_id(:'c', '01000000006')));
RESET ROLE;

-- a right that was taken back
REVOKE USAGE ON FOREIGN SERVER rights_kt FROM regress_rcs_shop;
SET ROLE regress_rcs_shop;
SELECT pg_temp.try(format('SELECT rcs_campaign_add(%L, ARRAY[''01000000005''])', :'c'));
SELECT pg_temp.try(format('SELECT rcs_campaign_start(%L)', :'c'));
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA regress_shop CASCADE;
DROP TABLE regress_customer;
REVOKE ALL ON rcs.message_status FROM regress_rcs_reader;
REVOKE ALL ON FOREIGN SERVER rights_kt FROM regress_rcs_shop, regress_rcs_member, regress_rcs_other;
UPDATE rcs.chatbot SET owner = NULL;
DROP ROLE regress_rcs_shop, regress_rcs_other, regress_rcs_member, regress_rcs_team, regress_rcs_reader;

-- clean up
\i sql/setup/clean.sql
