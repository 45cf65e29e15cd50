-- Carrier accounts as operators see them.

CREATE FUNCTION rcs._account_status(server text, OUT state text, OUT rate_per_minute int,
	OUT accepted_last_minute bigint, OUT throttled bigint, OUT limited_by text,
	OUT token_expires_at timestamptz, OUT last_error text, OUT clock_ahead_s float8)
AS 'MODULE_PATHNAME', 'rcs_account_status'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION rcs._account_status(text) IS 'what shared memory knows about an account';
REVOKE ALL ON FUNCTION rcs._account_status(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rcs._account_status(text) TO pg_monitor;

CREATE VIEW rcs.account_status AS
SELECT s.srvname::pg_catalog.text AS server,
	CASE WHEN h.reason IS NULL THEN a.state ELSE 'closed' END AS state,
	a.rate_per_minute, a.accepted_last_minute, a.throttled,
	CASE WHEN h.reason IS NULL THEN a.limited_by ELSE 'account' END AS limited_by,
	a.token_expires_at,
	COALESCE('on hold: ' OPERATOR(pg_catalog.||) h.reason,
		CASE WHEN a.state OPERATOR(pg_catalog.=) ANY ('{closed,probing,unusable}'::pg_catalog.text[]) THEN a.last_error END,
		p.problem, a.last_error) AS last_error,
	pg_catalog.make_interval(secs => a.clock_ahead_s) AS clock_ahead
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid OPERATOR(pg_catalog.=) s.srvfdw
CROSS JOIN LATERAL rcs._account_status(s.srvname::pg_catalog.text) a
LEFT JOIN LATERAL (
	SELECT x.reason FROM rcs.hold x
	WHERE x.released_at IS NULL AND x.server OPERATOR(pg_catalog.=) s.srvname::pg_catalog.text
	ORDER BY x.at LIMIT 1) h ON true
LEFT JOIN rcs.poll p ON p.server OPERATOR(pg_catalog.=) s.srvname::pg_catalog.text
WHERE w.fdwname OPERATOR(pg_catalog.=) 'rcs' AND s.srvtype OPERATOR(pg_catalog.=) 'kt';
COMMENT ON VIEW rcs.account_status IS 'one row a carrier account: is it open, how fast, what limits it, its last error. state: unused, unusable, open, throttled (campaigns pause after "too fast"), closed (set aside), probing. rate_per_minute: of campaigns at present; null = no limit of ours';
COMMENT ON COLUMN rcs.account_status.clock_ahead IS 'how far our clock is ahead of the carrier''s, by the date in its latest answer; null: not known';

GRANT SELECT ON rcs.account_status TO pg_monitor;

CREATE FUNCTION rcs_account_check(server text, OUT ok boolean, OUT detail text)
AS 'MODULE_PATHNAME', 'rcs_account_check'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION rcs_account_check(text)
	IS 'logs in to a carrier account now, through a delivery worker, and brings an account back that was set aside; needs USAGE on the server';
