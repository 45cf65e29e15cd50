SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
\pset null <null>
-- labels are escaped
SELECT rcs._label('name', E'a "b" \\ c\nd'), rcs._label('name', NULL);

BEGIN;
-- what other tests have left would be counted
DELETE FROM rcs.hold;
DELETE FROM rcs.quarantine;
DELETE FROM rcs.inbound;
SET LOCAL client_min_messages = warning;
CREATE SERVER metrics_kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '90');
CREATE USER MAPPING FOR PUBLIC SERVER metrics_kt OPTIONS (rcs_id 'metrics_shop', rcs_secret 'none');
INSERT INTO rcs.chatbot (chatbot, servers) VALUES ('0299990000', '{metrics_kt}');
SELECT rcs_campaign_create(E'quoted "name" \\ of\ntwo lines', '{"serviceType":"RCSSMS","header":"0","body":{"description":"#{name}"}}',
	chatbot => '0299990000', id => '5eed0000-0000-4000-8000-00000000000a');
SELECT * FROM rcs_campaign_add('5eed0000-0000-4000-8000-00000000000a', ARRAY['01022220001', '01022220002', '0'],
	ARRAY['{"name": "a"}', '{"name": "b"}', '{"name": "c"}']::jsonb[]);
INSERT INTO rcs.hold (who, reason) VALUES ('ops', 'wrong price');
SELECT rcs_receive('[{"msgId": "x"}, 5, {"replyId": "r1", "eventType": "message", "chatbotId": "0299990000", "userContact": "01022220001"}]');
CREATE TEMP TABLE line AS SELECT n, line FROM regexp_split_to_table(rcs_metrics(), E'\n') WITH ORDINALITY AS x(line, n);
SELECT line FROM line WHERE line ~ '^rcs_(campaign_messages.*00a"|holds|inbound_waiting|quarantined|account_.*metrics_kt|listener_connections )' ORDER BY n;
-- the campaign waits as all others do
SELECT line ~ ' [1-9]' FROM line WHERE line LIKE 'rcs\_queue\_messages{lane="campaign",state="delayed"}%' OR line LIKE 'rcs\_campaigns{state="draft"}%';
SELECT line FROM line WHERE line ~ '^rcs_health_ok.*(hold|clock)';

-- the form: HELP, TYPE, samples of that metric and of no other; a name stands once; it ends with a newline
SELECT line FROM line WHERE line !~ '^(# (HELP|TYPE) rcs_[a-z0-9_]+ .+|rcs_[a-z0-9_]+(\{([a-z]+="([^"\\]|\\["\\n])*",?)+\})? -?[0-9.]+)$' AND line <> '';
SELECT count(*) FROM line WHERE line = '' AND n <> (SELECT max(n) FROM line);
SELECT metric FROM (
	SELECT n, regexp_replace(line, '^(# (HELP|TYPE) )?([a-z0-9_]+).*', '\3') AS metric,
		lag(regexp_replace(line, '^(# (HELP|TYPE) )?([a-z0-9_]+).*', '\3')) OVER (ORDER BY n) AS before,
		line FROM line WHERE line <> '') x
WHERE (metric IS DISTINCT FROM before) <> (line LIKE '# HELP %');
SELECT count(*) = count(DISTINCT line) FROM line;
-- names end as their type and unit want it
SELECT line FROM line WHERE line LIKE '# TYPE %' AND (line LIKE '%\_total counter') <> (line LIKE '% counter');
SELECT line FROM line WHERE line ~ '0102222';
ROLLBACK;

-- who may
CREATE ROLE metrics_reader;
SET ROLE metrics_reader;
SELECT rcs_metrics();
RESET ROLE;
GRANT pg_monitor TO metrics_reader;
SET ROLE metrics_reader;
SELECT rcs_metrics() LIKE '# HELP rcs_queue_messages %';
RESET ROLE;
DROP ROLE metrics_reader;
