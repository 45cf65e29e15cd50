-- Ids of campaign messages are version-5 UUIDs of the canonical number.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
RESET client_min_messages;

\set campaign '''3b241101-e2bb-4255-8caf-4136c566a962'''

-- a fixed value: should it ever change, everybody would be sent to twice
SELECT rcs_message_id(:campaign, '010-1234-5678');

SELECT rcs_message_id(:campaign, p) = uuid_generate_v5(:campaign, '01012345678') AS same, p
FROM unnest(ARRAY['01012345678', '010-1234-5678', '+82 10-1234-5678', '０１０１２３４５６７８'])
	WITH ORDINALITY AS t (p, n) ORDER BY n;
SELECT epoch, rcs_message_id(:campaign, '010-1234-5678', epoch)
	= uuid_generate_v5(:campaign, '01012345678' || CASE WHEN epoch > 0 THEN ':' || epoch ELSE '' END) AS same
FROM unnest(ARRAY[0, 1, 2, 2147483647]) AS epoch;
SELECT count(DISTINCT rcs_message_id(c, p, e)) AS ids, count(*) AS of
FROM uuid_generate_v4() AS c, unnest(ARRAY['01012345678', '01012345679', '0212345678']) AS p, generate_series(0, 99) AS e;
SELECT rcs_message_id(campaign => uuid_nil(), phone => '01012345678') <> rcs_message_id(:campaign, '01012345678') AS differs;

SELECT rcs_message_id(:campaign, '010-1234-5678', -1);
SELECT rcs_message_id(:campaign, '010-1234-567');
SELECT rcs_message_id(NULL, '01012345678') IS NULL AS a, rcs_message_id(:campaign, NULL) IS NULL AS b,
	rcs_message_id(:campaign, '01012345678', NULL) IS NULL AS c;
