-- Reply rules: what is checked when they are written, and what answers by hand refuse.
SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS rcs;
\set VERBOSITY terse
\set SHOW_CONTEXT never
BEGIN;

CREATE SERVER reply_kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1/corp/v1');
CREATE USER MAPPING FOR PUBLIC SERVER reply_kt OPTIONS (rcs_id 'shop', rcs_secret 'secret');
CREATE SERVER reply_data TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1/api');
INSERT INTO rcs.chatbot (chatbot, servers, agency_key, brand_key) VALUES ('0255550000', '{reply_kt}', 'AK', 'BK');
CREATE ROLE regress_rcs_rules;
CREATE ROLE regress_rcs_other;
CREATE SCHEMA regress_shop;
CREATE FUNCTION regress_shop.answer(rcs.inbound) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"hello"'::jsonb $$;
CREATE FUNCTION regress_shop.words(rcs.inbound) RETURNS text LANGUAGE sql AS $$ SELECT 'hello' $$;
CREATE FUNCTION regress_shop.many(rcs.inbound) RETURNS SETOF jsonb LANGUAGE sql AS $$ SELECT '"hello"'::jsonb $$;
CREATE FUNCTION regress_shop.secret(rcs.inbound) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"hello"'::jsonb $$;
REVOKE EXECUTE ON FUNCTION regress_shop.secret FROM PUBLIC;
GRANT USAGE ON SCHEMA regress_shop TO regress_rcs_rules;
GRANT USAGE ON SCHEMA rcs TO regress_rcs_rules;

CREATE FUNCTION regress_state(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	reason text;
	hint text;
BEGIN
	EXECUTE query;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || reason || '. ' || hint;
END
$$;
CREATE FUNCTION regress_rule(fields text, given text) RETURNS text LANGUAGE sql AS $$
	SELECT regress_state(format('INSERT INTO rcs.reply_rule (%s) VALUES (%s)', fields, given)) $$;

-- Nobody writes or reads rules without a grant.
SET ROLE regress_rcs_rules;
SELECT regress_rule('reply', $$'"x"'$$);
SELECT regress_state('SELECT count(*) FROM rcs.reply_rule');
RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON rcs.reply_rule TO regress_rcs_rules;

-- The form.
SELECT regress_rule(fields, given) FROM (VALUES
	('event', $$'typed'$$),
	('pattern', $$'(menu'$$),
	('reply, handler', $$'"x"', 'regress_shop.answer'$$),
	('reply', $$'7'$$),
	('reply', $$'["x"]'$$),
	('reply', $$'null'$$),
	('error_reply', $$'true'$$),
	('reply, data_server', $$'"x"', 'reply_data'$$),
	('reply, data_path', $$'"x"', '/menu'$$),
	('reply, data_server, data_path', $$'"x"', 'reply_data', 'menu'$$),
	('handler, data_server, data_path', $$'regress_shop.answer', 'reply_data', '/menu'$$),
	('reply, "each"', $$'{"body": {}}', 'items'$$),
	('reply, data_server, data_path, "each"', $$'"x"', 'reply_data', '/menu', 'items'$$),
	('reply, each_max', $$'"x"', 7$$),
	('reply, priority', $$'"x"', NULL$$)) v(fields, given);

-- Handler, server and owner.
SELECT regress_rule(fields, given) FROM (VALUES
	('handler', $$'answer'$$),
	('handler', $$'regress_shop.nothing'$$),
	('handler', $$'regress_shop.words'$$),
	('handler', $$'regress_shop.many'$$),
	('handler', $$'regress_shop.answer; DROP TABLE x'$$),
	('handler', $$'a.b.c'$$),
	('handler', $$''$$),
	('reply, data_server, data_path', $$'"x"', 'nowhere', '/menu'$$),
	('reply, data_server, data_path', $$'"x"', 'reply_kt', '/menu'$$),
	('owner', $$'regress_rcs_nobody'$$)) v(fields, given);
SET ROLE regress_rcs_rules;
SELECT regress_rule(fields, given) FROM (VALUES
	('owner', $$'regress_rcs_other'$$),
	('handler', $$'regress_shop.secret'$$),
	('reply, data_server, data_path', $$'"x"', 'reply_data', '/menu'$$),
	('handler', $$'regress_shop.answer'$$),
	('opt_out', 'true')) v(fields, given);
SELECT owner, handler, opt_out, priority, enabled, ignore_case, each_max FROM rcs.reply_rule ORDER BY rule_id;
SELECT regress_state($$UPDATE rcs.reply_rule SET owner = 'regress_rcs_other'$$);
RESET ROLE;
-- a superuser, as a restore is one, is warned
INSERT INTO rcs.reply_rule (owner, handler) VALUES ('regress_rcs_other', 'regress_shop.secret');
GRANT USAGE ON FOREIGN SERVER reply_data TO regress_rcs_rules;
SET ROLE regress_rcs_rules;
SELECT regress_rule('reply, data_server, data_path, "each"', $$'{"body": {"title": "#{item.name}"}}', 'reply_data', '/menu?q=#{inbound.text}', 'items'$$);
RESET ROLE;
DELETE FROM rcs.reply_rule;

-- Which rule.
INSERT INTO rcs.reply_rule (rule_id, priority, chatbot, event, pattern, ignore_case, enabled, reply) VALUES
	(1, 50, '0299999999', NULL, NULL, true, true, '"another room"'), (2, 50, NULL, NULL, 'menu', true, false, '"off"'),
	(3, 50, NULL, 'response', '^order:\d+$', true, true, '"order"'), (4, 50, NULL, 'message', '^menu$', true, true, '"menu"'),
	(5, 50, NULL, 'message', '^menu$', true, true, '"later"'), (6, 40, NULL, NULL, '^STOP$', false, true, '"stop"'),
	(7, 60, '0255550000', 'newUser', NULL, true, true, '"welcome"'), (8, 60, NULL, NULL, U&'^\D55C\AE00$', true, true, '"hangul"');
SELECT i.event, coalesce(i.postback_data, i.text) AS said, (rcs._rule_of(i)).rule_id
FROM (VALUES (1, 'message', 'menu', NULL), (2, 'message', E'  MENU\n', NULL), (3, 'message', 'the menu', NULL), (4, 'response', 'menu', 'order:7'),
	(5, 'response', 'order:7', 'x'), (6, 'message', 'STOP', NULL), (7, 'message', 'stop', NULL), (8, 'newUser', 'hi', NULL),
	(9, 'message', U&'\1112\1161\11AB\1100\1173\11AF', NULL), (10, 'message', NULL, NULL)) v(n, event, text, data),
	LATERAL jsonb_populate_record(NULL::rcs.inbound, jsonb_build_object('chatbot', '0255550000', 'event', v.event, 'text', v.text, 'postback_data', v.data)) i
ORDER BY v.n;
DELETE FROM rcs.reply_rule;

-- What a reply becomes.
SELECT rcs._as_reply(m, 'R1') FROM (VALUES ('"#{x} ok"'::jsonb), (rcs_card('t', 'd', 'maapfile://x')), (rcs_card('t', 'd', 'maapfile://x', size => 'tall')),
	(rcs_carousel(ARRAY[rcs_card('a', 'b', 'maapfile://x'), rcs_card('c', 'd', 'maapfile://y')], 'small'))) v(m);
SELECT regress_state($$SELECT rcs._as_reply('7', 'R1')$$);
SELECT rcs._url_encoded(U&'a b/?&%\D55C..~_-');
CREATE FUNCTION regress_cards(n int, most int DEFAULT 6, layout text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT rcs._carousel(jsonb_populate_record(NULL::rcs.reply_rule, jsonb_build_object('each', 'list.items', 'each_max', most, 'reply',
		jsonb_build_object('body', '{"title": "#{item.name}", "description": "#{inbound.text}", "media": "#{item.img}"}'::jsonb,
			'buttons', '[{"suggestions": [{"n": "#{item.name}"}]}]'::jsonb) || jsonb_strip_nulls(jsonb_build_object('messagebaseId', layout)))),
		jsonb_build_object('inbound', jsonb_build_object('text', 'said'), 'data', jsonb_build_object('list', jsonb_build_object('items',
			(SELECT coalesce(jsonb_agg(jsonb_build_object('name', 'N' || i, 'img', 'M' || i)), '[]') FROM generate_series(1, n) i))))) $$;
SELECT regress_cards(1);
SELECT regress_cards(2, layout => 'CCwShS0200');
SELECT regress_cards(9, 3);
SELECT regress_state('SELECT regress_cards(0)');

-- By hand.
SELECT rcs_receive(jsonb_build_array(
	'{"eventType":"message","replyId":"R1","chatbotId":"0255550000","userContact":"01012345678","timestamp":"x","messageBody":{"textMessage":"hi"}}'::jsonb,
	'{"eventType":"message","replyId":"R2","chatbotId":"0255550000","userContact":"unknown","messageBody":{"textMessage":"hi"}}'::jsonb,
	'{"eventType":"message","replyId":"R3","chatbotId":"0255550000","userContact":"01012345678","timestamp":"2020-01-01T00:00:00.000+09","messageBody":{"textMessage":"hi"}}'::jsonb,
	'{"eventType":"message","replyId":"R4","chatbotId":"0299990000","userContact":"01012345678","messageBody":{"textMessage":"hi"}}'::jsonb));
CREATE FUNCTION regress_reply(reply text, message text DEFAULT '"hello"') RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(regress_state(format('SELECT rcs_reply(%L, %L::jsonb)', (SELECT id FROM rcs.inbound WHERE reply_id = reply), message)),
		'message \d+', 'message N'), ' Chatbots are.*', '') $$;
SELECT regress_reply(reply, message) FROM (VALUES ('R2', '"x"'), ('R3', '"x"'), ('R4', '"x"'), ('R1', '7'), ('R1', '{"body": {"title": "no text"}}'), ('R1', NULL)) v(reply, message);
SELECT regress_state('SELECT rcs_reply(-1, ''"x"'')');
-- who may send as the chatbot, and knows nothing of its messages, is told the same of each id, and locks none
GRANT USAGE ON SCHEMA rcs TO regress_rcs_other;
GRANT USAGE ON FOREIGN SERVER reply_kt TO regress_rcs_other;
SELECT id AS r1, xmax AS locked_by FROM rcs.inbound WHERE reply_id = 'R1' \gset
CREATE FUNCTION regress_by_id(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT replace(regress_state(format('SELECT rcs_reply(%s, ''"hello"'')', id)), 'message ' || id, 'message N') $$;
SET ROLE regress_rcs_other;
SELECT regress_by_id(:r1);
SELECT regress_by_id(-1);
RESET ROLE;
SELECT xmax::text = :'locked_by' AS not_locked, handled_at FROM rcs.inbound WHERE id = :r1;
-- a member of the owner of the chatbot answers
SAVEPOINT owner;
UPDATE rcs.chatbot SET owner = 'regress_rcs_other' WHERE chatbot = '0255550000';
SET ROLE regress_rcs_other;
SELECT regress_by_id(:r1);
RESET ROLE;
ROLLBACK TO owner;
GRANT SELECT ON rcs.inbound TO regress_rcs_rules;
SET ROLE regress_rcs_rules;
SELECT regress_reply('R1');
RESET ROLE;
SELECT regress_reply('R1', '"#{hello}"');
SELECT regress_reply('R1');
SELECT i.handled_at IS NOT NULL AS handled, i.problem, i.rule_id, rcs_message(i.reply_message), m.key = 'inbound:' || i.id AS keyed
FROM rcs.inbound i JOIN rcs.message m ON m.id = i.reply_message WHERE i.reply_id = 'R1';

-- What rcs_fetch refuses before it asks.
SELECT regress_state(format('SELECT rcs_fetch(%L, %L)', server, path)) FROM (VALUES
	(NULL, '/x'), ('reply_data', NULL), ('nowhere', '/x'), ('reply_kt', '/x'), ('reply_data', 'x'), ('reply_data', '@evil/x'),
	('reply_data', '/a b'), ('reply_data', '/../x'), ('reply_data', '/%2e%2e/x')) v(server, path);
CREATE SERVER reply_broken TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1/api');
CREATE USER MAPPING FOR PUBLIC SERVER reply_broken OPTIONS (header_file '/nowhere/header');
SELECT regress_state($$SELECT rcs_fetch('reply_broken', '/x')$$);
SET ROLE regress_rcs_other;
SELECT regress_state(format('SELECT rcs_fetch(%L, ''/x'')', server)) FROM (VALUES ('reply_data'), ('reply_broken')) v(server);
RESET ROLE;

ROLLBACK;
