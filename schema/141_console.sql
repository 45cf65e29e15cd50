-- Data of the web console as JSON: one function per page or panel.  A page asks every second, so each function takes a
-- few looks into an index, however long the queue is, and is in PL/pgSQL, which keeps its plans.  They give no full
-- phone number, no id of a campaign's message, which is made of one, no text with a person's data, and no internal number
-- of a campaign.

-- The latest campaigns, or those before a given one, and all that have unsent messages; each of those is found with one
-- look into the index.
CREATE FUNCTION rcs._console_campaigns(before uuid, n int) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		WITH RECURSIVE unsent(no, i) AS (
			SELECT (SELECT min(b.campaign_no) FROM rcs.batch b WHERE b.campaign_no > 0), 1
			UNION ALL
			SELECT (SELECT min(b.campaign_no) FROM rcs.batch b WHERE b.campaign_no > u.no), u.i + 1
			FROM unsent u WHERE u.no IS NOT NULL AND u.i < 200),
		wanted AS (
			SELECT u.no FROM unsent u WHERE before IS NULL
			UNION
			SELECT * FROM (
				SELECT c.campaign_no FROM rcs.campaign c
				WHERE before IS NULL OR c.campaign_no < (SELECT x.campaign_no FROM rcs.campaign x WHERE x.id = before)
				ORDER BY c.campaign_no DESC LIMIT n) latest)
		SELECT coalesce(jsonb_agg(to_jsonb(p) - 'bar' ORDER BY w.no DESC), '[]')
		FROM wanted w
		JOIN rcs.campaign c ON c.campaign_no = w.no
		CROSS JOIN LATERAL (SELECT * FROM rcs.campaign_progress x WHERE x.campaign = c.id) p);
END $$;
COMMENT ON FUNCTION rcs._console_campaigns(uuid, int) IS 'console: campaigns with their progress';

CREATE FUNCTION rcs._console_overview() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN jsonb_build_object(
		'at', extract(epoch FROM clock_timestamp()),
		'database', current_database(),
		'campaigns', rcs._console_campaigns(NULL, 30),
		'lanes', (SELECT jsonb_agg(jsonb_build_object('lane', q.lane, 'ready', q.ready, 'delayed', q.delayed,
				'leased', q.leased, 'oldest_s', extract(epoch FROM q.oldest_age)) ORDER BY q.lane DESC)
			FROM rcs.queue_depth q),
		'workers', (SELECT coalesce(jsonb_agg(to_jsonb(w) ORDER BY w.kind, w.pid), '[]') FROM rcs.worker_status w
			WHERE w.database IS NULL OR w.database = current_database()),
		'accounts', (SELECT coalesce(jsonb_agg(to_jsonb(a) - 'clock_ahead' ORDER BY a.server), '[]')
			FROM rcs.account_status a),
		'holds', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', h.at, 'who', h.who, 'reason', h.reason,
				'server', h.server) ORDER BY h.at), '[]')
			FROM rcs.hold h WHERE h.released_at IS NULL));
END $$;
COMMENT ON FUNCTION rcs._console_overview() IS 'console: campaigns, lanes, workers, accounts, holds';

-- The text is the template; no recipient's values are in it.
CREATE FUNCTION rcs._console_campaign(id uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT jsonb_build_object(
			'at', extract(epoch FROM clock_timestamp()),
			'progress', to_jsonb(p) - 'bar',
			'message', (SELECT v.message FROM rcs.campaign_version v
				WHERE v.campaign_no = c.campaign_no AND v.version = c.version),
			'version', c.version,
			'expires_at', c.expires_at,
			'history', (SELECT coalesce(jsonb_agg(to_jsonb(e) - 'campaign_no' ORDER BY e.at DESC), '[]')
				FROM (SELECT * FROM rcs.campaign_event x WHERE x.campaign_no = c.campaign_no
					ORDER BY x.at DESC LIMIT 50) e),
			'rejected', (SELECT coalesce(jsonb_agg(jsonb_build_object('phone', rcs._masked(r.phone), 'ref', r.ref,
					'code', r.code, 'reason', r.reason, 'at', r.at)), '[]')
				FROM (SELECT * FROM rcs.rejected x WHERE x.campaign = c.id LIMIT 10) r))
		FROM rcs.campaign c
		JOIN rcs.campaign_progress p ON p.campaign = c.id
		WHERE c.id = _console_campaign.id);
END $$;
COMMENT ON FUNCTION rcs._console_campaign(uuid) IS 'console: one campaign; null: there is none';

-- Messages of the latest failures, and their codes; without failures, messages of the latest results; before the first
-- result, some messages.
CREATE FUNCTION rcs._console_messages(id uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_no bigint := (SELECT c.campaign_no FROM rcs.campaign c WHERE c.id = _console_messages.id);
BEGIN
	IF v_no IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN (
		WITH latest AS MATERIALIZED (
			SELECT x.batch_id, x.ord, x.outcome, x.code FROM rcs.result x WHERE x.campaign_no = v_no
			ORDER BY x.batch_id DESC, x.ord DESC, x.attempt DESC LIMIT 20000),
		bad AS (SELECT l.* FROM latest l WHERE l.outcome IN ('f', 'u')),
		picked AS (
			(SELECT b.batch_id, b.ord FROM bad b LIMIT 20)
			UNION
			(SELECT l.batch_id, l.ord FROM (SELECT * FROM latest LIMIT 10) l WHERE NOT EXISTS (SELECT FROM bad))
			UNION
			(SELECT m.batch_id, m.ord FROM rcs.message m WHERE m.campaign_no = v_no AND NOT EXISTS (SELECT FROM latest)
			ORDER BY m.batch_id, m.ord LIMIT 10))
		SELECT jsonb_build_object(
			'codes', (SELECT coalesce(jsonb_agg(jsonb_build_object('code', c.code, 'n', c.n, 'advice', rcs._advice(c.code))
					ORDER BY c.n DESC), '[]')
				FROM (SELECT b.code, count(*) AS n FROM bad b GROUP BY b.code ORDER BY n DESC LIMIT 20) c),
			'messages', (SELECT coalesce(jsonb_agg(jsonb_build_object('handle', s.handle, 'phone', s.phone, 'ref', s.ref,
					'status', s.status, 'code', s.code, 'reason', s.reason) ORDER BY p.batch_id DESC, p.ord DESC), '[]')
				FROM picked p
				-- LIMIT forces one look into the index for each
				CROSS JOIN LATERAL (SELECT * FROM rcs._message_masked x
					WHERE x.campaign_no = v_no AND x.batch_id = p.batch_id AND x.ord = p.ord LIMIT 1) s)));
END $$;
COMMENT ON FUNCTION rcs._console_messages(uuid) IS 'console: messages of a campaign, what went wrong first; null: there is no such campaign';

-- The id of a single message is random.  That of a campaign's is not taken: who tries 10,000 finds the number.
CREATE FUNCTION rcs._console_message(id uuid, handle text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT jsonb_build_object('message', to_jsonb(s) - '{key,campaign_no,batch_id,ord}'::text[], 'campaign_name', c.name, 'advice', rcs._advice(s.code), 'history', (
			SELECT jsonb_agg(to_jsonb(h) ORDER BY h.at, h.rank, h.attempt)
			FROM (
				SELECT m.created_at AS at, 0 AS rank, 'created' AS what, NULL::int AS attempt, NULL AS server, NULL AS code,
					NULL AS reason
				UNION ALL
				SELECT i.at, 1, 'offered', i.attempt, i.server, NULL, NULL FROM rcs.intent i
				WHERE i.campaign_no = m.campaign_no AND i.batch_id = m.batch_id AND m.ord = ANY (i.ords)
				UNION ALL
				SELECT r.at, 2, CASE r.outcome WHEN 'a' THEN 'accepted' WHEN 'f' THEN 'failed' WHEN 'u' THEN 'uncertain'
					WHEN 'c' THEN 'canceled' WHEN 'x' THEN 'expired' WHEN 's' THEN 'suppressed' WHEN 'r' THEN 'refused'
					WHEN 't' THEN 'unknown' WHEN 'w' THEN 'withdrawn' END, r.attempt, r.server, r.code, r.reason
				FROM rcs.result r
				WHERE r.campaign_no = m.campaign_no AND r.batch_id = m.batch_id AND r.ord = m.ord
				UNION ALL
				SELECT e.received_at, 3, 'report ' || e.verdict, NULL, e.carrier, e.code, e.reason
				FROM rcs.event e WHERE e.message = m.id) h))
		FROM (
			SELECT x.* FROM rcs._message_of(_console_message.handle) x
			UNION ALL
			SELECT x.* FROM rcs.message x WHERE x.id = _console_message.id AND x.campaign_no = 0) m
		LEFT JOIN rcs.campaign c ON c.campaign_no = m.campaign_no
		CROSS JOIN LATERAL (SELECT * FROM rcs._message_masked x
			WHERE x.campaign_no = m.campaign_no AND x.batch_id = m.batch_id AND x.ord = m.ord LIMIT 1) s
		LIMIT 1);
END $$;
COMMENT ON FUNCTION rcs._console_message(uuid, text)
	IS 'console: what happened to one message, by its handle, a single one also by its id; null: there is none';

CREATE FUNCTION rcs._console_health() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT jsonb_agg(to_jsonb(h)) FROM @extschema@.rcs_health() h);
END $$;
COMMENT ON FUNCTION rcs._console_health() IS 'console: rcs_health()';

-- All accounts together, by minute; the page draws a missing minute as an empty one.
CREATE FUNCTION rcs._console_throughput(hours int) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT jsonb_build_object('at', extract(epoch FROM clock_timestamp()), 'minutes', coalesce((
			SELECT jsonb_agg(jsonb_build_array(extract(epoch FROM t.minute)::bigint, t.accepted, t.failed, t.throttled)
				ORDER BY t.minute)
			FROM (
				SELECT x.minute, sum(x.accepted) AS accepted, sum(x.failed) AS failed, sum(x.throttled) AS throttled
				FROM rcs.throughput x
				WHERE x.minute > statement_timestamp() - make_interval(hours => least(greatest(_console_throughput.hours, 1), 168))
				GROUP BY x.minute) t), '[]')));
END $$;
COMMENT ON FUNCTION rcs._console_throughput(int) IS 'console: messages by minute';

CREATE FUNCTION rcs._console(what text, id uuid DEFAULT NULL, hours int DEFAULT NULL, handle text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE what
		WHEN 'overview' THEN rcs._console_overview()
		WHEN 'campaigns' THEN rcs._console_campaigns(id, 50)
		WHEN 'campaign' THEN rcs._console_campaign(id)
		WHEN 'messages' THEN rcs._console_messages(id)
		WHEN 'message' THEN rcs._console_message(id, handle)
		WHEN 'health' THEN rcs._console_health()
		WHEN 'throughput' THEN rcs._console_throughput(hours)
	END;
END $$;
COMMENT ON FUNCTION rcs._console(text, uuid, int, text) IS 'what the web console shows; null: there is no such thing';

-- The listener calls it as rcs.console_role, so the rights of that role hold.  It adds no right to those of its
-- caller, so it is executable by everybody.
CREATE FUNCTION rcs._console_steer(what text, id uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_state text;
	v_message text;
	v_hint text;
BEGIN
	v_state := CASE what
		WHEN 'pause' THEN @extschema@.rcs_campaign_pause(id)
		WHEN 'resume' THEN @extschema@.rcs_campaign_resume(id)
		WHEN 'cancel' THEN @extschema@.rcs_campaign_cancel(id)
	END;
	RETURN jsonb_build_object('state', v_state);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT, v_hint = PG_EXCEPTION_HINT;
	RETURN jsonb_build_object('sqlstate', SQLSTATE, 'error', v_message, 'hint', nullif(v_hint, ''));
END $$;
COMMENT ON FUNCTION rcs._console_steer(text, uuid) IS 'console: pause, resume or cancel a campaign with the rights of the caller; the new state, or the error';

-- Notes a step that was taken through the console, in the same transaction.
CREATE FUNCTION rcs._console_noted(id uuid, role text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE rcs.campaign_event e SET detail = coalesce(e.detail, '{}') || '{"via": "console"}'
	FROM rcs.campaign c
	WHERE c.id = _console_noted.id AND e.campaign_no = c.campaign_no AND e.at >= now() AND e.who = _console_noted.role
$$;
COMMENT ON FUNCTION rcs._console_noted(uuid, text) IS 'console: the history of the campaign says that it was done through the console';

REVOKE ALL ON FUNCTION rcs._console_campaigns(uuid, int), rcs._console_overview(),
	rcs._console_campaign(uuid), rcs._console_messages(uuid), rcs._console_message(uuid, text), rcs._console_health(),
	rcs._console_throughput(int), rcs._console(text, uuid, int, text),
	rcs._console_noted(uuid, text) FROM PUBLIC;
