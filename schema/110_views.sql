-- Views: statuses of messages, progress of campaigns, depth of the queue.

-- The status follows from the rows about a message and from nothing else: the outcome and number of its latest
-- result, the number of its latest intent, whether an offer has an unknown outcome, and the carrier's report.  The
-- function is pure, and views call it with the rights of their reader, so it stays executable by everybody.
CREATE FUNCTION rcs._status(outcome "char", result_attempt pg_catalog.int2, intent_attempt pg_catalog.int2,
	is_unknown pg_catalog.bool, verdict pg_catalog.text)
RETURNS pg_catalog.text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	-- it was never offered, so a report about it is wrong
	WHEN outcome OPERATOR(pg_catalog.=) 'c' AND intent_attempt IS NULL THEN 'canceled'
	WHEN verdict OPERATOR(pg_catalog.=) ANY ('{delivered,fell_back}'::pg_catalog.text[]) THEN verdict
	WHEN verdict IS NOT NULL AND outcome OPERATOR(pg_catalog.=) ANY ('{a,u}'::"char"[]) THEN verdict
	WHEN rcs._ended_as(outcome) IS NOT NULL THEN rcs._ended_as(outcome)
	WHEN is_unknown THEN 'sending'
	WHEN intent_attempt OPERATOR(pg_catalog.>) COALESCE(result_attempt, 0::pg_catalog.int2) THEN 'sending'
	ELSE 'queued'
END;
COMMENT ON FUNCTION rcs._status("char", pg_catalog.int2, pg_catalog.int2, pg_catalog.bool, pg_catalog.text)
	IS 'status of a message';

-- Of several reports the first in this order counts: a report that the message arrived is never taken back.
CREATE FUNCTION rcs._verdict_rank(verdict pg_catalog.text) RETURNS pg_catalog.int4
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.array_position('{delivered,fell_back,failed,uncertain}'::pg_catalog.text[], verdict);
COMMENT ON FUNCTION rcs._verdict_rank(pg_catalog.text) IS 'which of several reports about a message counts: the lowest';

CREATE FUNCTION rcs._queued_reason(c rcs.campaign, due_at pg_catalog.timestamptz, reason pg_catalog.text)
RETURNS pg_catalog.text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
	WHEN (c).canceled_at IS NOT NULL THEN 'campaign is canceled'
	WHEN (c).paused_at IS NOT NULL THEN 'campaign is paused'
	WHEN (c).campaign_no IS NOT NULL AND (c).started_at IS NULL AND (c).start_at IS NULL THEN 'campaign is a draft'
	WHEN (c).started_at IS NULL AND (c).start_at OPERATOR(pg_catalog.>) pg_catalog.statement_timestamp()
		THEN pg_catalog.concat('campaign is scheduled for ', (c).start_at)
	WHEN reason IS NOT NULL THEN reason
	WHEN due_at OPERATOR(pg_catalog.>) pg_catalog.statement_timestamp()
		THEN pg_catalog.concat('scheduled for ', due_at)
END;
COMMENT ON FUNCTION rcs._queued_reason(rcs.campaign, pg_catalog.timestamptz, pg_catalog.text)
	IS 'why a message is still queued';

-- Nothing is written about a single message that waits for its account, so why it waits is found when somebody looks.
CREATE FUNCTION rcs._account_waits(chatbot text, server text) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN a.n = 0 THEN 'its chatbot is not there any more'
		WHEN a.open THEN NULL
		WHEN a.error LIKE 'on hold: %' THEN a.error
		ELSE format('account %s refused: %s', a.server, a.error) END
	FROM (
		SELECT count(*) AS n, bool_or(x.state NOT IN ('closed', 'probing', 'unusable')) AS open,
			(array_agg(x.server ORDER BY s.i))[1] AS server, (array_agg(x.last_error ORDER BY s.i))[1] AS error
		FROM rcs.chatbot t
		CROSS JOIN LATERAL unnest(CASE WHEN _account_waits.server IS NULL THEN t.servers ELSE ARRAY[_account_waits.server] END)
			WITH ORDINALITY s(server, i)
		JOIN rcs.account_status x ON x.server = s.server
		WHERE t.chatbot = _account_waits.chatbot) a
$$;
COMMENT ON FUNCTION rcs._account_waits(text, text) IS 'why a single message that is due waits; null: an account may take it';

-- One look at each account, and none at a message.
CREATE FUNCTION rcs._waiting_chatbots() RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.chatbot FROM rcs.chatbot t
	WHERE t.servers <@ ARRAY(SELECT x.server FROM rcs.account_status x WHERE x.state IN ('closed', 'probing', 'unusable'))
$$;
COMMENT ON FUNCTION rcs._waiting_chatbots() IS 'chatbots of which no account is open: their single messages rest';

-- Each lateral part is one look into an index, for one message.
CREATE VIEW rcs._message_status AS
SELECT m.campaign_no, m.batch_id, m.ord,
	m.id,
	c.id AS campaign,
	coalesce(c.chatbot, m.chatbot) AS chatbot,
	m.phone,
	m.ref,
	m.key,
	CASE WHEN m.campaign_no = 0 THEN 'single' ELSE 'campaign' END AS lane,
	s.status,
	coalesce(CASE WHEN s.status = e.verdict THEN e.code END, r.code) AS code,
	CASE
		WHEN s.status = 'queued' THEN coalesce(
			(SELECT 'on hold: ' || h.reason FROM rcs.hold h
			WHERE h.released_at IS NULL AND (h.server IS NULL OR h.server = b.server OR EXISTS (
				SELECT FROM rcs.chatbot t
				WHERE t.chatbot = coalesce(c.chatbot, m.chatbot) AND h.server = ALL (t.servers)))
			ORDER BY h.at LIMIT 1),
			CASE WHEN m.campaign_no = 0 AND b.due_at <= statement_timestamp() THEN rcs._account_waits(m.chatbot, b.server) END,
			rcs._queued_reason(c, b.due_at, coalesce(b.reason, r.reason)))
		WHEN s.status = 'sending' AND r.is_unknown THEN 'outcome unknown, will be offered again'
		WHEN s.status = e.verdict THEN e.reason
		WHEN s.status <> 'sending' THEN r.reason
	END AS reason,
	coalesce(i.n, 0)::int - coalesce(r.withdrawn, 0)::int AS attempts,
	m.epoch,
	coalesce(i.version, c.version) AS version,
	i.server,
	e.carrier,
	nullif(e.service_type, '') AS service_type,
	m.created_at,
	coalesce(b.due_at, m.send_at, m.created_at) AS due_at,
	coalesce(m.expires_at, c.expires_at) AS expires_at,
	r.sent_at,
	CASE WHEN s.status NOT IN ('queued', 'sending', 'sent')
		THEN coalesce(e.carrier_at, e.received_at, r.at) END AS done_at,
	coalesce(e.billed, false) AS billed
FROM rcs.message m
LEFT JOIN rcs.campaign c ON c.campaign_no = m.campaign_no
LEFT JOIN LATERAL (
	-- 'stopped' (withdrawn while its campaign was paused) is no longer the reason once the campaign goes on
	SELECT x.outcome, x.attempt, nullif(x.code, 'stopped') AS code,
		CASE WHEN x.code IS DISTINCT FROM 'stopped' THEN x.reason END AS reason, x.at,
		count(*) FILTER (WHERE x.outcome = 'w') OVER () AS withdrawn,
		bool_or(x.outcome = 't') OVER () AS is_unknown,
		max(x.at) FILTER (WHERE x.outcome = 'a') OVER () AS sent_at
	FROM rcs.result x
	WHERE x.campaign_no = m.campaign_no AND x.batch_id = m.batch_id AND x.ord = m.ord
	ORDER BY x.attempt DESC LIMIT 1) r ON true
LEFT JOIN LATERAL (
	SELECT x.attempt, x.version, x.server, count(*) OVER () AS n
	FROM rcs.intent x
	WHERE x.campaign_no = m.campaign_no AND x.batch_id = m.batch_id AND m.ord = ANY (x.ords)
	ORDER BY x.attempt DESC LIMIT 1) i ON true
LEFT JOIN LATERAL (
	SELECT x.verdict, x.service_type, x.carrier, x.code, x.reason, x.carrier_at, x.received_at,
		bool_or(x.bill = 1) OVER () AS billed
	FROM rcs.event x
	WHERE x.message = m.id
	ORDER BY rcs._verdict_rank(x.verdict), x.received_at DESC LIMIT 1) e ON true
CROSS JOIN LATERAL (
	SELECT rcs._status(r.outcome, r.attempt, i.attempt, r.is_unknown, e.verdict) AS status) s
LEFT JOIN LATERAL (
	SELECT x.due_at, x.reason, x.server
	FROM (
		SELECT y.due_at, y.reason, y.server, y.attempt FROM rcs.batch y
		WHERE y.campaign_no = m.campaign_no AND y.origin = m.batch_id AND m.ord = ANY (y.ords)
		UNION ALL
		SELECT y.due_at, y.reason, y.server, y.attempt FROM rcs.batch y
		WHERE y.campaign_no = m.campaign_no AND y.batch_id = m.batch_id AND y.ords IS NULL) x
	WHERE s.status IN ('queued', 'sending')
	ORDER BY x.attempt DESC LIMIT 1) b ON true;
COMMENT ON VIEW rcs._message_status IS 'rcs.message_status, with the place of each message';

CREATE VIEW rcs.message_status AS
SELECT s.id, s.campaign, s.chatbot, s.phone, s.ref, s.key, s.lane, s.status, s.code, s.reason, s.attempts, s.epoch, s.version,
	s.server, s.carrier, s.service_type, s.created_at, s.due_at, s.expires_at, s.sent_at, s.done_at, s.billed
FROM rcs._message_status s;
COMMENT ON VIEW rcs.message_status IS 'one row per message, with full phone numbers';

CREATE FUNCTION rcs._masked(phone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.length(phone) OPERATOR(pg_catalog.>=) 9
	THEN pg_catalog.left(phone, 3) OPERATOR(pg_catalog.||) '-****-'::pg_catalog.text OPERATOR(pg_catalog.||) pg_catalog.right(phone, 4)
	WHEN phone IS NOT NULL THEN '****' END;
COMMENT ON FUNCTION rcs._masked(text) IS 'a phone number as readers see it';

-- One key for a query, not one look for each row.  The id of a campaign's message is made of its number: no masked view shows it, nor anything else made of a number.
CREATE VIEW rcs._message_masked AS
SELECT s.campaign_no, s.batch_id, s.ord,
	rcs._handle((SELECT k.key FROM rcs._handle_key k ORDER BY k.made_at, k.key LIMIT 1), s.campaign_no, s.batch_id, s.ord) AS handle,
	s.campaign, s.chatbot, rcs._masked(s.phone) AS phone,
	s.ref, s.key, s.lane, s.status, s.code, s.reason, s.attempts, s.epoch, s.version, s.server, s.carrier,
	s.service_type, s.created_at, s.due_at, s.expires_at, s.sent_at, s.done_at, s.billed
FROM rcs._message_status s;
COMMENT ON VIEW rcs._message_masked IS 'rcs.message_status_masked, with the place of each message';

CREATE VIEW rcs.message_status_masked AS
SELECT s.handle, s.campaign, s.chatbot, s.phone, s.ref, s.key, s.lane, s.status, s.code, s.reason, s.attempts, s.epoch, s.version,
	s.server, s.carrier, s.service_type, s.created_at, s.due_at, s.expires_at, s.sent_at, s.done_at, s.billed
FROM rcs._message_masked s;
COMMENT ON VIEW rcs.message_status_masked IS 'one row per message, with masked phone numbers';
COMMENT ON COLUMN rcs.message_status_masked.handle IS 'names the message for rcs_trace_handle and the web console; stays the same for ever';

CREATE FUNCTION rcs._message_of(handle text) RETURNS SETOF rcs.message
LANGUAGE sql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT m.* FROM rcs._handle_key k
	CROSS JOIN LATERAL rcs._handle_place(k.key, _message_of.handle) p
	JOIN rcs.message m ON m.campaign_no = p.campaign_no AND m.batch_id = p.batch_id AND m.ord = p.ord
	LIMIT 1;
$$;
COMMENT ON FUNCTION rcs._message_of(text) IS 'the message that a handle names; no row: none';
REVOKE ALL ON FUNCTION rcs._message_of(text) FROM PUBLIC;

-- A leased batch is counted by the results and intents of its own attempt.  A message with the outcome r, t or w has
-- moved to another batch and is not counted.  This is a function, because the planner's estimate for thousands of
-- batches made the views compile it for seconds (jit).  Views call it with the rights of their reader; it tells
-- nothing but numbers.
CREATE FUNCTION rcs._leased_counts(no bigint, id bigint, OUT queued bigint, OUT sending bigint, OUT accepted bigint,
	OUT failed bigint, OUT uncertain bigint, OUT canceled bigint, OUT expired bigint, OUT suppressed bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	SELECT CASE WHEN b.unknown_since IS NULL THEN b.n - l.all_results - o.n - m.n ELSE 0 END,
		CASE WHEN b.unknown_since IS NULL THEN 0 ELSE b.n - l.all_results - o.n - m.n END + o.n,
		l.accepted, l.failed, l.uncertain, l.canceled, l.expired, l.suppressed
	INTO queued, sending, accepted, failed, uncertain, canceled, expired, suppressed
	FROM rcs.batch b
	CROSS JOIN LATERAL (
		SELECT count(*) AS all_results,
			count(*) FILTER (WHERE x.outcome = 'a') AS accepted,
			count(*) FILTER (WHERE x.outcome = 'f') AS failed,
			count(*) FILTER (WHERE x.outcome = 'u') AS uncertain,
			count(*) FILTER (WHERE x.outcome = 'c') AS canceled,
			count(*) FILTER (WHERE x.outcome = 'x') AS expired,
			count(*) FILTER (WHERE x.outcome = 's') AS suppressed
		FROM rcs.result x
		WHERE x.campaign_no = b.campaign_no AND x.batch_id = coalesce(b.origin, b.batch_id)
			AND x.attempt = b.attempt AND (b.ords IS NULL OR x.ord = ANY (b.ords))) l
	CROSS JOIN LATERAL (
		SELECT count(*) AS n
		FROM (
			SELECT o.ord FROM rcs.intent i CROSS JOIN LATERAL unnest(i.ords) AS o(ord)
			WHERE i.campaign_no = b.campaign_no AND i.batch_id = coalesce(b.origin, b.batch_id)
				AND i.attempt = b.attempt AND (b.ords IS NULL OR o.ord = ANY (b.ords))
			EXCEPT
			SELECT y.ord FROM rcs.result y
			WHERE y.campaign_no = b.campaign_no AND y.batch_id = coalesce(b.origin, b.batch_id)
				AND y.attempt = b.attempt) unanswered) o
	CROSS JOIN LATERAL (
		-- messages handed back without an offer, while others of the batch are under way, are in a batch of their own
		SELECT count(*) AS n FROM (
			(SELECT o.ord FROM rcs.batch y CROSS JOIN LATERAL unnest(y.ords) AS o(ord)
			WHERE y.campaign_no = b.campaign_no AND y.origin = coalesce(b.origin, b.batch_id) AND y.attempt > b.attempt
			UNION
			SELECT y.ord FROM rcs.result y
			WHERE y.campaign_no = b.campaign_no AND y.batch_id = coalesce(b.origin, b.batch_id) AND y.attempt > b.attempt)
			EXCEPT
			SELECT y.ord FROM rcs.result y
			WHERE y.campaign_no = b.campaign_no AND y.batch_id = coalesce(b.origin, b.batch_id)
				AND y.attempt = b.attempt) moved
		WHERE b.ords IS NULL OR moved.ord = ANY (b.ords)) m
	WHERE b.campaign_no = no AND b.batch_id = id AND b.state = 'l';
END $$;
COMMENT ON FUNCTION rcs._leased_counts(bigint, bigint) IS 'the messages of a leased batch by status';

-- A waiting batch is counted by the number of its messages.
CREATE VIEW rcs._open_counts AS
SELECT b.campaign_no,
	CASE WHEN b.state = 'l' THEN l.queued WHEN b.unknown_since IS NULL THEN w.n ELSE 0 END AS queued,
	CASE WHEN b.state = 'l' THEN l.sending WHEN b.unknown_since IS NULL THEN 0 ELSE w.n END AS sending,
	coalesce(l.accepted, 0) AS accepted,
	coalesce(l.failed, 0) AS failed,
	coalesce(l.uncertain, 0) AS uncertain,
	CASE WHEN b.state = 'l' THEN l.canceled ELSE coalesce(cardinality(b.canceled), 0) END AS canceled,
	coalesce(l.expired, 0) AS expired,
	coalesce(l.suppressed, 0) AS suppressed
FROM rcs.batch b
CROSS JOIN LATERAL (SELECT b.n - coalesce(cardinality(b.canceled), 0) AS n) w
LEFT JOIN LATERAL (SELECT x.* FROM rcs._leased_counts(b.campaign_no, b.batch_id) x WHERE b.state = 'l' OFFSET 0) l ON true;
COMMENT ON VIEW rcs._open_counts IS 'one row per open batch: its messages by status';

CREATE VIEW rcs._campaign_counts AS
SELECT c.campaign_no,
	coalesce(t.total, 0) AS total,
	coalesce(o.queued, 0) AS queued,
	coalesce(o.sending, 0) AS sending,
	coalesce(t.sent, 0) + coalesce(o.accepted, 0) AS sent,
	coalesce(t.delivered, 0) AS delivered,
	coalesce(t.fell_back, 0) AS fell_back,
	coalesce(t.failed, 0) + coalesce(o.failed, 0) AS failed,
	coalesce(t.uncertain, 0) + coalesce(o.uncertain, 0) AS uncertain,
	coalesce(t.canceled, 0) + coalesce(o.canceled, 0) AS canceled,
	coalesce(t.expired, 0) + coalesce(o.expired, 0) AS expired,
	coalesce(t.suppressed, 0) + coalesce(o.suppressed, 0) AS suppressed,
	coalesce(t.accepted, 0) + coalesce(o.accepted, 0) AS accepted,
	coalesce(t.duplicates, 0) AS duplicates,
	coalesce(t.rejected, 0) AS rejected,
	o.has_unsent,
	t.recent,
	t.last_at
FROM rcs.campaign c
CROSS JOIN LATERAL (
	SELECT sum(x.n) FILTER (WHERE x.what = 'total')::bigint AS total,
		sum(x.n) FILTER (WHERE x.what = 'sent')::bigint AS sent,
		sum(x.n) FILTER (WHERE x.what = 'delivered')::bigint AS delivered,
		sum(x.n) FILTER (WHERE x.what = 'fell_back')::bigint AS fell_back,
		sum(x.n) FILTER (WHERE x.what = 'failed')::bigint AS failed,
		sum(x.n) FILTER (WHERE x.what = 'uncertain')::bigint AS uncertain,
		sum(x.n) FILTER (WHERE x.what = 'canceled')::bigint AS canceled,
		sum(x.n) FILTER (WHERE x.what = 'expired')::bigint AS expired,
		sum(x.n) FILTER (WHERE x.what = 'suppressed')::bigint AS suppressed,
		sum(x.n) FILTER (WHERE x.what = 'accepted')::bigint AS accepted,
		sum(x.n) FILTER (WHERE x.what = 'duplicates')::bigint AS duplicates,
		sum(x.n) FILTER (WHERE x.what = 'rejected')::bigint AS rejected,
		sum(x.recent) FILTER (WHERE x.what NOT IN ('total', 'duplicates', 'rejected', 'accepted') AND NOT x.reported) AS recent,
		max(x.at) FILTER (WHERE x.what NOT IN ('total', 'duplicates', 'rejected') AND NOT x.reported) AS last_at
	FROM (
		-- a campaign has thousands of rows while it is sent: they are added up before their names are compared
		SELECT y.what, y.reported, sum(y.n) AS n, max(y.at) AS at,
			sum(y.n) FILTER (WHERE y.at > statement_timestamp() - interval '30 seconds') AS recent
		FROM rcs.tally y WHERE y.campaign_no = c.campaign_no GROUP BY y.what, y.reported) x) t
CROSS JOIN LATERAL (
	SELECT sum(x.queued)::bigint AS queued, sum(x.sending)::bigint AS sending,
		sum(x.accepted)::bigint AS accepted, sum(x.failed)::bigint AS failed,
		sum(x.uncertain)::bigint AS uncertain, sum(x.canceled)::bigint AS canceled,
		sum(x.expired)::bigint AS expired, sum(x.suppressed)::bigint AS suppressed,
		count(*) > 0 AS has_unsent
	FROM rcs._open_counts x WHERE x.campaign_no = c.campaign_no) o;
COMMENT ON VIEW rcs._campaign_counts IS 'one row per campaign: its messages by status';

-- Characters of blocks by their numbers: a script with them could not be loaded in a database of another encoding.
CREATE FUNCTION rcs._bar(percent pg_catalog.numeric) RETURNS pg_catalog.text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	filled int := floor(percent / 5);
BEGIN
	IF getdatabaseencoding() = 'UTF8' THEN
		RETURN repeat(chr(9608), filled) || repeat(chr(9617), 20 - filled);
	END IF;
	RETURN repeat('#', filled) || repeat('.', 20 - filled);
END $$;
COMMENT ON FUNCTION rcs._bar(pg_catalog.numeric) IS 'a progress bar of 20 characters';

CREATE VIEW rcs.campaign_progress AS
SELECT c.id AS campaign,
	c.name,
	c.chatbot,
	s.state,
	CASE s.state
		WHEN 'scheduled' THEN concat('starts at ', c.start_at)
		WHEN 'paused' THEN concat('paused at ', c.paused_at, ': ' || c.pause_reason)
		WHEN 'canceled' THEN concat('canceled at ', c.canceled_at)
		WHEN 'running' THEN coalesce(
			(SELECT 'on hold: ' || h.reason FROM rcs.hold h
			WHERE h.released_at IS NULL AND h.server IS NULL ORDER BY h.at LIMIT 1),
			(SELECT b.reason FROM rcs.batch b
			WHERE b.campaign_no = c.campaign_no AND b.state = 'q' AND b.reason IS NOT NULL
			ORDER BY b.due_at DESC LIMIT 1))
	END AS state_reason,
	k.total, k.queued, k.sending, k.sent, k.delivered, k.fell_back, k.failed, k.uncertain, k.canceled,
	k.expired, k.suppressed, k.accepted, k.duplicates, k.rejected,
	p.percent,
	p.reported_percent,
	c.rate_per_minute,
	CASE WHEN s.state = 'running' AND v.per_second > 0
		THEN statement_timestamp() + interval '1 second' * ((k.total - p.done) / v.per_second) END AS eta,
	rcs._bar(p.percent) AS bar,
	coalesce((SELECT min(r.role_name COLLATE "C") FROM rcs.creator r WHERE r.creator = c.created_by), c.created_by) AS created_by,
	c.created_at,
	c.start_at,
	v.started_at,
	CASE WHEN s.state = 'finished' THEN greatest(k.last_at, v.started_at) END AS finished_at
FROM rcs.campaign c
JOIN rcs._campaign_counts k ON k.campaign_no = c.campaign_no
CROSS JOIN LATERAL (SELECT rcs._campaign_state(c, k.has_unsent) AS state) s
CROSS JOIN LATERAL (
	SELECT d.done,
		least(greatest(coalesce(floor(1000.0 * d.done / nullif(k.total, 0)) / 10, 0), 0), 100)::numeric(4, 1) AS percent,
		least(greatest(coalesce(floor(1000.0 * (d.done - k.sent) / nullif(k.total, 0)) / 10, 0), 0), 100)::numeric(4, 1) AS reported_percent
	FROM (SELECT k.total - k.queued - k.sending AS done) d) p
CROSS JOIN LATERAL (
	SELECT t.started_at,
		CASE WHEN k.recent > 0 THEN k.recent / least(t.seconds, 30) ELSE p.done / t.seconds END AS per_second
	FROM (
		SELECT u.started_at, greatest(extract(epoch FROM statement_timestamp() - u.started_at), 0.1) AS seconds
		FROM (
			SELECT coalesce(c.started_at,
				CASE WHEN c.start_at <= statement_timestamp() THEN c.start_at END) AS started_at) u) t) v;
COMMENT ON VIEW rcs.campaign_progress IS 'one row per campaign; the ten counts from queued to suppressed, sending and the rest, add up to total in every snapshot';
COMMENT ON COLUMN rcs.campaign_progress.percent IS 'messages that are neither queued nor sending';
COMMENT ON COLUMN rcs.campaign_progress.reported_percent IS 'messages of which nothing more is expected: neither queued, sending nor sent';
COMMENT ON COLUMN rcs.campaign_progress.eta IS 'when nothing will be unsent, at the speed of the last 30 seconds, or since the start';

CREATE VIEW rcs.queue_depth AS
SELECT l.lane,
	coalesce(sum(b.n) FILTER (WHERE b.state = 'q' AND b.ready), 0)::bigint AS ready,
	coalesce(sum(b.n) FILTER (WHERE b.state = 'q' AND NOT b.ready), 0)::bigint AS delayed,
	coalesce(sum(b.n) FILTER (WHERE b.state = 'l'), 0)::bigint AS leased,
	statement_timestamp() - min(b.due_at) FILTER (WHERE b.state = 'q' AND b.ready) AS oldest_age
FROM (VALUES ('single'), ('campaign')) AS l(lane)
LEFT JOIN (
	SELECT CASE WHEN x.campaign_no = 0 THEN 'single' ELSE 'campaign' END AS lane,
		-- a leased single message counts as one; a leased batch counts without messages handed back or answered
		CASE WHEN x.state = 'l' AND x.campaign_no > 0
			THEN (SELECT k.queued + k.sending FROM rcs._leased_counts(x.campaign_no, x.batch_id) k)
			ELSE x.n - coalesce(cardinality(x.canceled), 0) END AS n,
		x.state,
		x.due_at,
		x.due_at <= statement_timestamp()
			AND NOT EXISTS (SELECT FROM rcs.hold h WHERE h.released_at IS NULL AND h.server IS NULL)
			AND (x.campaign_no > 0 OR coalesce(x.chatbot, '') NOT IN (SELECT w.chatbot FROM rcs._waiting_chatbots() w(chatbot)))
			AND (x.campaign_no = 0 OR coalesce(
			c.canceled_at IS NULL AND c.paused_at IS NULL
			AND coalesce(c.started_at, c.start_at) <= statement_timestamp(), false)) AS ready
	FROM rcs.batch x LEFT JOIN rcs.campaign c ON c.campaign_no = x.campaign_no) b ON b.lane = l.lane
GROUP BY l.lane;
COMMENT ON VIEW rcs.queue_depth IS 'messages that wait or are leased, by lane; a single message whose accounts are all closed is delayed';
