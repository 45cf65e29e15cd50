-- What became of campaigns and of persons: sums that outlive the messages, who did what, one person's history.

CREATE TABLE rcs._result_count (
	campaign_no bigint NOT NULL,
	chatbot text NOT NULL,
	status text NOT NULL,
	code text,
	carrier text,
	service_type text,
	n bigint NOT NULL,
	billed bigint NOT NULL
);
CREATE INDEX result_count_campaign ON rcs._result_count (campaign_no);
COMMENT ON TABLE rcs._result_count IS 'messages that were purged, by what had become of them; insert-only, folded now and then';
SELECT pg_catalog.pg_extension_config_dump('rcs._result_count', '');

-- What rcs.message_status says of it, without what only a single message is asked for: of offers and of
-- earlier results no more is read than the status takes.
CREATE VIEW rcs._message_result AS
SELECT m.campaign_no,
	m.batch_id,
	c.id AS campaign,
	coalesce(c.chatbot, m.chatbot) AS chatbot,
	s.status,
	coalesce(CASE WHEN s.status = e.verdict THEN e.code END, r.code) AS code,
	e.carrier,
	e.service_type,
	e.billed
FROM rcs.message m
LEFT JOIN rcs.campaign c ON c.campaign_no = m.campaign_no
LEFT JOIN LATERAL (
	SELECT x.outcome, x.attempt, nullif(x.code, 'stopped') AS code FROM rcs.result x
	WHERE x.campaign_no = m.campaign_no AND x.batch_id = m.batch_id AND x.ord = m.ord
	ORDER BY x.attempt DESC LIMIT 1) r ON true
LEFT JOIN LATERAL (
	SELECT x.verdict, x.service_type, x.carrier, x.code, bool_or(x.bill = 1) OVER () AS billed FROM rcs.event x
	WHERE x.message = m.id
	ORDER BY rcs._verdict_rank(x.verdict), x.received_at DESC LIMIT 1) e ON true
CROSS JOIN LATERAL (
	SELECT CASE WHEN r.outcome IS NULL OR r.outcome IN ('c', 'r', 't', 'w') THEN (
			SELECT max(x.attempt) FROM rcs.intent x
			WHERE x.campaign_no = m.campaign_no AND x.batch_id = m.batch_id AND m.ord = ANY (x.ords)) END AS attempt,
		CASE WHEN r.outcome IN ('r', 't', 'w') THEN (
			SELECT bool_or(x.outcome = 't') FROM rcs.result x
			WHERE x.campaign_no = m.campaign_no AND x.batch_id = m.batch_id AND x.ord = m.ord) END AS is_unknown
	OFFSET 0) o
CROSS JOIN LATERAL (SELECT rcs._status(r.outcome, r.attempt, o.attempt, o.is_unknown, e.verdict) AS status) s;
COMMENT ON VIEW rcs._message_result IS 'what became of each message, for rcs.campaign_result and for what is purged';

CREATE VIEW rcs.campaign_result AS
SELECT x.campaign, c.name, x.chatbot, x.status, x.code, x.carrier, x.service_type,
	sum(x.n)::bigint AS n,
	sum(x.billed)::bigint AS billed
FROM (
	SELECT s.campaign, s.chatbot, s.status, s.code, s.carrier, s.service_type,
		count(*) AS n, count(*) FILTER (WHERE s.billed) AS billed
	FROM rcs._message_result s
	GROUP BY s.campaign, s.chatbot, s.status, s.code, s.carrier, s.service_type
	UNION ALL
	SELECT y.id, p.chatbot, p.status, p.code, p.carrier, p.service_type, p.n, p.billed
	FROM rcs._result_count p LEFT JOIN rcs.campaign y ON y.campaign_no = p.campaign_no) x
LEFT JOIN rcs.campaign c ON c.id = x.campaign
GROUP BY x.campaign, c.name, x.chatbot, x.status, x.code, x.carrier, x.service_type;
COMMENT ON VIEW rcs.campaign_result IS 'what became of the messages of each campaign, purged ones included; campaign is null for single messages';
COMMENT ON COLUMN rcs.campaign_result.n IS 'messages; of a campaign they add up to the total of rcs.campaign_progress, unless failures were sent again: then both messages are here';
COMMENT ON COLUMN rcs.campaign_result.billed IS 'of them, those that a report calls charged';

CREATE VIEW rcs.campaign_history AS
SELECT c.id AS campaign, c.name, c.chatbot, h.at, h.what, h.who, h.detail, h.message
FROM rcs.campaign c
CROSS JOIN LATERAL (
	SELECT e.at, e.what, e.who, e.detail, NULL::jsonb AS message
	FROM rcs.campaign_event e WHERE e.campaign_no = c.campaign_no
	UNION ALL
	SELECT v.created_at, 'text', v.created_by, jsonb_build_object('version', v.version), v.message
	FROM rcs.campaign_version v WHERE v.campaign_no = c.campaign_no) h;
COMMENT ON VIEW rcs.campaign_history IS 'who did what to a campaign, and each text it has had (what = text)';

-- ---------- one person ----------

-- What to do about a code.
CREATE FUNCTION rcs._advice(code pg_catalog.text) RETURNS pg_catalog.text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.concat_ws(': ', r.gloss, CASE r.class
		WHEN 'a' THEN 'repeated by itself with a new login'
		WHEN 'b' THEN 'repeated by itself, more slowly'
		WHEN 'c' THEN 'nothing to do if it was offered before'
		WHEN 'd' THEN 'repeated by itself, up to rcs.max_attempts'
		WHEN 'e' THEN 'this recipient cannot be reached; check the number, or give a fallback text'
		WHEN 'f' THEN CASE WHEN r.account THEN 'the account was refused, see rcs.account_status'
			ELSE 'put right what it says before it is sent again' END
		WHEN 'g' THEN 'it may have arrived; wait for a report, or settle it with rcs_resolve' END)
	FROM rcs.result_code r WHERE r.code OPERATOR(pg_catalog.=) _advice.code;
END;
COMMENT ON FUNCTION rcs._advice(pg_catalog.text) IS 'what a result code means and what to do about it';

-- Campaigns have no index on phone: a person's ids are derived, epoch after epoch as long as there is one.
CREATE FUNCTION rcs._messages_of(digits pg_catalog.text) RETURNS SETOF rcs.message
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE found AS (
		SELECT c.id AS campaign, m AS row FROM rcs.campaign c
		JOIN rcs.message m ON m.id = @extschema@.rcs_message_id(c.id, digits) AND m.campaign_no = c.campaign_no
		UNION ALL
		SELECT f.campaign, m FROM found f
		JOIN rcs.message m ON m.id = @extschema@.rcs_message_id(f.campaign, digits, (f.row).epoch + 1)
			AND m.campaign_no = (f.row).campaign_no)
	SELECT (f.row).* FROM found f
	UNION ALL
	SELECT m.* FROM rcs.message m WHERE m.campaign_no = 0 AND m.phone = digits;
$$;
COMMENT ON FUNCTION rcs._messages_of(pg_catalog.text) IS 'all messages to a phone number, in its canonical form';

CREATE FUNCTION rcs._trace_message(m rcs.message, OUT at timestamptz, OUT what text, OUT code text, OUT reason text)
RETURNS SETOF record LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT m.created_at, 'added', NULL, CASE WHEN m.send_at IS NOT NULL THEN concat('to be sent at ', m.send_at) END
	UNION ALL
	SELECT i.at, 'offered', NULL, concat('attempt ', i.attempt, ', through ', i.server) FROM rcs.intent i
	WHERE i.campaign_no = m.campaign_no AND i.batch_id = m.batch_id AND m.ord = ANY (i.ords)
	UNION ALL
	SELECT r.at, CASE r.outcome WHEN 'r' THEN 'refused for the moment' WHEN 't' THEN 'outcome unknown' WHEN 'w' THEN 'not offered'
			ELSE rcs._ended_as(r.outcome) END, r.code, r.reason
	FROM rcs.result r
	WHERE r.campaign_no = m.campaign_no AND r.batch_id = m.batch_id AND r.ord = m.ord
	UNION ALL
	SELECT coalesce(e.carrier_at, e.received_at), 'reported ' || e.verdict, e.code,
		nullif(concat_ws(', ', e.reason, e.carrier, e.service_type), '')
	FROM rcs.event e WHERE e.message = m.id;
$$;
COMMENT ON FUNCTION rcs._trace_message(rcs.message) IS 'all that is written about one message';

CREATE FUNCTION rcs._trace(phone text, since timestamptz)
RETURNS TABLE (at timestamptz, campaign uuid, name text, message uuid, what text, code text, reason text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH person AS (SELECT @extschema@.rcs_phone_or_null(_trace.phone) AS digits)
	SELECT x.at, x.campaign, c.name, x.message, x.what, x.code, x.reason, rcs._advice(x.code)
	FROM (
		SELECT t.at, y.id AS campaign, m.id AS message, t.what, t.code, t.reason
		FROM person p CROSS JOIN LATERAL rcs._messages_of(p.digits) m CROSS JOIN LATERAL rcs._trace_message(m) t
		LEFT JOIN rcs.campaign y ON y.campaign_no = m.campaign_no
		UNION ALL
		SELECT r.at, r.campaign, NULL, 'rejected', r.code, r.reason
		FROM rcs.rejected r, person p
		WHERE r.phone = _trace.phone OR @extschema@.rcs_phone_or_null(r.phone) = p.digits
		UNION ALL
		SELECT f.at, NULL, NULL, CASE WHEN f.refused THEN 'opted out' ELSE 'opted in' END, NULL,
			concat_ws(', ', 'of advertising of ' || coalesce('chatbot ' || f.chatbot, 'all chatbots'), 'by ' || f.who, f.source)
		FROM person p JOIN rcs.refusal f ON f.phone_hash = rcs._phone_hash(p.digits)
		UNION ALL
		SELECT i.received_at, NULL, i.reply_message, 'inbound ' || i.event, NULL,
			nullif(concat_ws(', ', coalesce(i.text, i.postback_data), i.problem), '')
		FROM person p JOIN rcs.inbound i ON i.phone = p.digits) x
	LEFT JOIN rcs.campaign c ON c.id = x.campaign
	WHERE since IS NULL OR x.at >= since
	ORDER BY x.at, x.message, x.what;
$$;
COMMENT ON FUNCTION rcs._trace(text, timestamptz) IS 'rcs_trace, of whoever may see everything';

CREATE FUNCTION rcs_trace(phone text, since timestamptz DEFAULT NULL)
RETURNS TABLE (at timestamptz, campaign uuid, name text, message uuid, what text, code text, reason text, advice text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_trace';
COMMENT ON FUNCTION rcs_trace(text, timestamptz)
	IS 'everything about one person, in order: messages, offers, results, reports, rejections, refusals of advertising, inbound messages';

REVOKE ALL ON FUNCTION rcs._advice(text), rcs._messages_of(text), rcs._trace_message(rcs.message),
	rcs._trace(text, timestamptz) FROM PUBLIC;
