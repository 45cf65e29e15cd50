-- Queries of the listener, and metrics in the form of Prometheus.

CREATE FUNCTION rcs._listener(OUT pid int, OUT address text, OUT port int, OUT listening boolean, OUT problem text, OUT ok bigint,
	OUT bad bigint, OUT failed bigint, OUT stored bigint, OUT turned_away bigint, OUT cut bigint)
AS 'MODULE_PATHNAME', 'rcs_listener'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION rcs._listener() IS 'the listener of this server, and what it has counted since the server started';

-- One statement stores all that came in one turn of the listener: the statement costs more than the rows.
CREATE FUNCTION rcs._listener_receive(payloads pg_catalog.jsonb[], bad pg_catalog.bytea[] DEFAULT '{}') RETURNS pg_catalog.int4
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM rcs._keep_aside(bad);
	RETURN @extschema@.rcs_receive((SELECT coalesce(jsonb_agg(e), '[]')
		FROM unnest(payloads) p, jsonb_array_elements(rcs._pushed(p)) e));
END $$;
COMMENT ON FUNCTION rcs._listener_receive(pg_catalog.jsonb[], pg_catalog.bytea[])
	IS 'stores what was pushed to the listener, and keeps the elements of it that cannot be read; how many were new';

CREATE FUNCTION rcs._listener_health(OUT ok boolean, OUT body pg_catalog.jsonb)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT h.critical IS NULL, jsonb_build_object('status', CASE WHEN h.critical IS NULL THEN 'ok' ELSE 'critical' END)
		|| jsonb_strip_nulls(jsonb_build_object('critical', h.critical, 'warning', h.warning))
	FROM (SELECT jsonb_agg(DISTINCT x."check") FILTER (WHERE x.severity = 'critical') AS critical,
			jsonb_agg(DISTINCT x."check") FILTER (WHERE x.severity = 'warning') AS warning
		FROM @extschema@.rcs_health() x) h
$$;
COMMENT ON FUNCTION rcs._listener_health() IS 'rcs_health() in a few words, for GET /health';

-- Labels are ready to be printed; a null value is no sample.
CREATE FUNCTION rcs._label(name text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN name || '="' || replace(replace(replace(coalesce(value, ''), '\', '\\'), '"', '\"'), chr(10), '\n') || '"';
COMMENT ON FUNCTION rcs._label(text, text) IS 'a label of a metric, escaped';

CREATE FUNCTION rcs._metrics_queue() RETURNS TABLE (metric text, labels text, value numeric)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
	WITH d AS MATERIALIZED (SELECT * FROM rcs.queue_depth)
	SELECT 'rcs_queue_messages', rcs._label('lane', d.lane) || ',' || rcs._label('state', s.state), s.n::numeric
	FROM d CROSS JOIN LATERAL (VALUES ('ready', d.ready), ('delayed', d.delayed), ('leased', d.leased)) s(state, n)
	UNION ALL
	SELECT 'rcs_queue_oldest_ready_age_seconds', rcs._label('lane', d.lane), coalesce(extract(epoch FROM d.oldest_age), 0)::numeric
	FROM d
$$;
COMMENT ON FUNCTION rcs._metrics_queue() IS 'metrics of the queue';

-- At most 100 campaigns that have unsent messages, and the sum of the tallies of all.
CREATE FUNCTION rcs._metrics_campaigns() RETURNS TABLE (metric text, labels text, value numeric)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE open(no) AS (
		SELECT min(b.campaign_no) FROM rcs.batch b WHERE b.campaign_no > 0
		UNION ALL
		SELECT (SELECT min(b.campaign_no) FROM rcs.batch b WHERE b.campaign_no > o.no) FROM open o WHERE o.no IS NOT NULL),
	unsent AS MATERIALIZED (SELECT o.no FROM open o WHERE o.no IS NOT NULL)
	SELECT 'rcs_campaigns', rcs._label('state', x.state), count(y.state)::numeric
	FROM (VALUES ('draft'), ('scheduled'), ('running'), ('paused'), ('finished'), ('canceled')) x(state)
	LEFT JOIN (SELECT rcs._campaign_state(c, u.no IS NOT NULL) AS state
		FROM rcs.campaign c LEFT JOIN unsent u ON u.no = c.campaign_no) y ON y.state = x.state
	GROUP BY x.state
	UNION ALL
	SELECT 'rcs_campaign_results', rcs._label('status', t.what), sum(t.n)::numeric FROM rcs.tally t
	WHERE t.what <> 'total' GROUP BY t.what
	UNION ALL
	SELECT 'rcs_campaign_messages', rcs._label('campaign', c.id::text) || ',' || rcs._label('name', c.name) || ','
		|| rcs._label('status', s.status), s.n::numeric
	FROM (SELECT u.no FROM unsent u ORDER BY u.no DESC LIMIT 100) u
	JOIN rcs.campaign c ON c.campaign_no = u.no
	CROSS JOIN LATERAL (SELECT * FROM rcs._campaign_counts x WHERE x.campaign_no = u.no) k
	CROSS JOIN LATERAL (VALUES ('queued', k.queued), ('sending', k.sending), ('sent', k.sent), ('delivered', k.delivered),
		('fell_back', k.fell_back), ('failed', k.failed), ('uncertain', k.uncertain), ('canceled', k.canceled),
		('expired', k.expired), ('suppressed', k.suppressed)) s(status, n)
$$;
COMMENT ON FUNCTION rcs._metrics_campaigns() IS 'metrics of campaigns';

CREATE FUNCTION rcs._metrics_processes() RETURNS TABLE (metric text, labels text, value numeric)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
	WITH worker AS MATERIALIZED (
		SELECT w.* FROM rcs._workers() w
		WHERE w.pid IS NOT NULL AND w.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())),
	listener AS MATERIALIZED (SELECT * FROM rcs._listener())
	SELECT 'rcs_workers', rcs._label('kind', k.kind), count(w.pid)::numeric
	FROM (VALUES ('single'), ('campaign'), ('chat'), ('listener')) k(kind) LEFT JOIN worker w ON w.kind = k.kind GROUP BY k.kind
	UNION ALL
	SELECT 'rcs_requests_in_flight', rcs._label('kind', w.kind), sum(w.in_flight)::numeric
	FROM worker w WHERE w.kind IN ('single', 'campaign') GROUP BY w.kind
	UNION ALL
	SELECT 'rcs_worker_messages_total', rcs._label('kind', w.kind) || ',' || rcs._label('pid', w.pid::text) || ','
		|| rcs._label('outcome', o.outcome), o.n::numeric
	FROM worker w CROSS JOIN LATERAL (VALUES ('accepted', w.accepted), ('failed', w.failed)) o(outcome, n)
	WHERE w.kind IN ('single', 'campaign')
	UNION ALL
	SELECT 'rcs_listener_connections', '', coalesce(sum(w.in_flight), 0)::numeric FROM worker w WHERE w.kind = 'listener'
	UNION ALL
	SELECT 'rcs_listener_requests_total', rcs._label('code', c.code), c.n::numeric
	FROM listener l CROSS JOIN LATERAL (VALUES ('2xx', l.ok), ('4xx', l.bad), ('5xx', l.failed)) c(code, n)
	UNION ALL
	SELECT 'rcs_listener_stored_total', '', l.stored::numeric FROM listener l
	UNION ALL
	SELECT 'rcs_listener_connections_refused_total', rcs._label('reason', c.reason), c.n::numeric
	FROM listener l CROSS JOIN LATERAL (VALUES ('address', l.turned_away), ('slow', l.cut)) c(reason, n)
$$;
COMMENT ON FUNCTION rcs._metrics_processes() IS 'metrics of the processes of this database; of the listener of the server';

CREATE FUNCTION rcs._metrics_rest() RETURNS TABLE (metric text, labels text, value numeric)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'rcs_account_up', rcs._label('server', a.server), (a.state IN ('open', 'throttled', 'unused'))::int::numeric
	FROM rcs.account_status a
	UNION ALL
	SELECT 'rcs_account_rate_per_second', rcs._label('server', a.server), a.rate_per_minute / 60.0 FROM rcs.account_status a
	UNION ALL
	SELECT 'rcs_account_accepted_last_minute', rcs._label('server', a.server), a.accepted_last_minute::numeric
	FROM rcs.account_status a
	UNION ALL
	SELECT 'rcs_account_throttled_total', rcs._label('server', a.server), a.throttled::numeric FROM rcs.account_status a
	UNION ALL
	SELECT 'rcs_holds', '', count(*)::numeric FROM rcs.hold h WHERE h.released_at IS NULL
	UNION ALL
	SELECT 'rcs_reports_waiting', '', count(*)::numeric
	FROM (SELECT FROM rcs.event e WHERE NOT e.counted LIMIT 100000) x
	UNION ALL
	SELECT 'rcs_inbound_waiting', '', count(*)::numeric
	FROM (SELECT FROM rcs.inbound i WHERE i.handled_at IS NULL LIMIT 100000) x
	UNION ALL
	SELECT 'rcs_quarantined', rcs._label('kind', q.kind), count(*)::numeric FROM rcs.quarantine q GROUP BY q.kind
	UNION ALL
	SELECT 'rcs_health_ok', rcs._label('check', h."check"), bool_and(h.ok)::int::numeric
	FROM @extschema@.rcs_health() h GROUP BY h."check"
$$;
COMMENT ON FUNCTION rcs._metrics_rest() IS 'metrics of accounts, holds, reports and checks';

-- The lines of a metric stand together, as the form demands.
CREATE FUNCTION rcs_metrics() RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' SET jit = off
AS $$
	WITH described(place, metric, type, help) AS (VALUES
		(1, 'rcs_queue_messages', 'gauge', 'Messages that wait or are in the hands of a worker.'),
		(2, 'rcs_queue_oldest_ready_age_seconds', 'gauge', 'How long the oldest message that may be sent now has been due.'),
		(3, 'rcs_campaigns', 'gauge', 'Campaigns by state.'),
		(4, 'rcs_campaign_results', 'gauge', 'Messages of all campaigns by final status; accepted, duplicates and rejected besides.'),
		(5, 'rcs_campaign_messages', 'gauge', 'Messages by status, of campaigns with unsent ones, the latest 100.'),
		(6, 'rcs_workers', 'gauge', 'Processes of this database.'),
		(7, 'rcs_requests_in_flight', 'gauge', 'Requests open at the carrier.'),
		(8, 'rcs_worker_messages_total', 'counter', 'Messages that the carrier has taken from, or refused to, a process.'),
		(9, 'rcs_account_up', 'gauge', 'Whether a carrier account may send: 1, or 0 when it is set aside or unusable.'),
		(10, 'rcs_account_rate_per_second', 'gauge', 'Present limit of an account; no line: there is none.'),
		(11, 'rcs_account_accepted_last_minute', 'gauge', 'Messages that an account has taken in the last minute.'),
		(12, 'rcs_account_throttled_total', 'counter', 'How often the carrier said that an account is too fast.'),
		(13, 'rcs_holds', 'gauge', 'Holds in force.'),
		(14, 'rcs_reports_waiting', 'gauge', 'Reports that the counts of their campaigns do not know yet, counted up to 100000.'),
		(15, 'rcs_inbound_waiting', 'gauge', 'Messages of users that nobody has looked at yet, counted up to 100000.'),
		(16, 'rcs_quarantined', 'gauge', 'What the carrier sent and could not be used, of the latest 10000 that are JSON and 10000 that are not.'),
		(17, 'rcs_listener_connections', 'gauge', 'Connections open at the listener.'),
		(18, 'rcs_listener_requests_total', 'counter', 'Requests to the listener, by the answer they got.'),
		(19, 'rcs_listener_stored_total', 'counter', 'Reports and messages of users that the listener stored and that were new.'),
		(20, 'rcs_listener_connections_refused_total', 'counter', 'Connections closed for their address, or for being slow.'),
		(21, 'rcs_health_ok', 'gauge', 'Whether a check of rcs_health() is well.')),
	sample(metric, labels, value) AS (
		SELECT * FROM rcs._metrics_queue() UNION ALL SELECT * FROM rcs._metrics_campaigns()
		UNION ALL SELECT * FROM rcs._metrics_processes() UNION ALL SELECT * FROM rcs._metrics_rest())
	SELECT string_agg(format(E'# HELP %s %s\n# TYPE %s %s\n%s', d.metric, d.help, d.metric, d.type, s.lines), '' ORDER BY d.place)
	FROM described d
	JOIN (SELECT x.metric, string_agg(x.metric || CASE WHEN x.labels <> '' THEN '{' || x.labels || '}' ELSE '' END || ' '
			|| trim_scale(x.value)::text || E'\n', '' ORDER BY x.labels) AS lines
		FROM sample x WHERE x.value IS NOT NULL GROUP BY x.metric) s USING (metric)
$$;
COMMENT ON FUNCTION rcs_metrics() IS 'figures about this database in the text form of Prometheus';

CREATE FUNCTION rcs._listener_metrics() RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.rcs_metrics() $$;
COMMENT ON FUNCTION rcs._listener_metrics() IS 'rcs_metrics(), for GET /metrics';

REVOKE ALL ON FUNCTION rcs._listener(), rcs._listener_receive(pg_catalog.jsonb[], pg_catalog.bytea[]), rcs._listener_health(), rcs._label(text, text),
	rcs._metrics_queue(), rcs._metrics_campaigns(), rcs._metrics_processes(), rcs._metrics_rest(), rcs_metrics(),
	rcs._listener_metrics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rcs_metrics() TO pg_monitor;
