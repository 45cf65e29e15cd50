-- What carrier accounts did, minute by minute.  Workers append; the view adds up.

CREATE TABLE rcs._throughput (
	minute timestamptz NOT NULL,
	server text NOT NULL,
	accepted bigint NOT NULL,
	failed bigint NOT NULL,
	throttled bigint NOT NULL,
	latency int[] NOT NULL
);
CREATE INDEX throughput_minute ON rcs._throughput (minute);
COMMENT ON TABLE rcs._throughput IS 'what a worker saw of an account in (a part of) a minute; kept for 7 days, and in no dump';
COMMENT ON COLUMN rcs._throughput.latency IS 'requests by the time of their answer: 54 ranges, of which the n-th (from 0) ends at 0.5 ms * 2^(n/3)';

-- Of ranges that may stand several times one after another.  Pure, and called with the rights of
-- whoever reads the view, so it stays executable by everybody.
CREATE FUNCTION rcs._percentile(latency pg_catalog.int4[], p pg_catalog.float8) RETURNS pg_catalog.numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT round((0.5 * 2 ^ ((c.range - 0.5) / 3))::numeric, 1)
		FROM (
			SELECT b.range, sum(b.n) OVER (ORDER BY b.range) AS up_to, sum(b.n) OVER () AS total
			FROM (
				SELECT (u.place - 1) % 54 AS range, sum(u.n) AS n
				FROM unnest(latency) WITH ORDINALITY AS u(n, place) GROUP BY 1) b) c
		WHERE c.total > 0 AND c.up_to >= p * c.total
		ORDER BY c.range LIMIT 1);
END $$;
COMMENT ON FUNCTION rcs._percentile(pg_catalog.int4[], pg_catalog.float8) IS 'time in ms within which this share of the requests was answered, from ranges';

CREATE VIEW rcs.throughput AS
SELECT t.minute,
	t.server,
	sum(t.accepted)::bigint AS accepted,
	sum(t.failed)::bigint AS failed,
	sum(t.throttled)::bigint AS throttled,
	rcs._percentile(array_agg(t.latency), 0.5) AS p50_ms,
	rcs._percentile(array_agg(t.latency), 0.99) AS p99_ms
FROM rcs._throughput t
GROUP BY t.minute, t.server;
COMMENT ON VIEW rcs.throughput IS 'one row per minute and carrier account, of the last 7 days; the running minute is up to 20 seconds behind';
COMMENT ON COLUMN rcs.throughput.accepted IS 'messages that the carrier took';
COMMENT ON COLUMN rcs.throughput.failed IS 'messages that it refused for good';
COMMENT ON COLUMN rcs.throughput.throttled IS 'requests that it refused as too fast; they were offered again';
COMMENT ON COLUMN rcs.throughput.p50_ms IS 'half of the answers came within this time, in milliseconds, give or take an eighth';
COMMENT ON COLUMN rcs.throughput.p99_ms IS '99 of 100 answers came within this time, likewise';

GRANT SELECT ON rcs.throughput TO pg_monitor;
