-- Compares what the database says with what the carrier wrote down.
-- Reads two tables: carrier_offer, the ledger of the stand-in carrier, and single, the messages
-- sent one by one while the campaign ran, each with the time just before its COMMIT.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
SET client_min_messages = warning;

CREATE INDEX ON carrier_offer (msg_id);
ANALYZE carrier_offer, single;

-- Each message the carrier was offered, once.
CREATE TEMP TABLE carrier AS
SELECT o.msg_id::uuid AS id, s.id IS NOT NULL AS is_single, count(*) AS offers,
	count(*) FILTER (WHERE o.decision = 'accepted') AS accepted,
	count(*) FILTER (WHERE o.decision = 'throttled') AS throttled,
	count(*) FILTER (WHERE o.decision = 'duplicate') AS duplicates,
	min(o.phone) AS phone, min(o.time_us) AS first_us
FROM carrier_offer o LEFT JOIN single s ON s.id::text = o.msg_id
GROUP BY 1, 2;

CREATE TEMP TABLE here AS
SELECT m.id, m.status, m.lane = 'single' AS is_single FROM rcs.message_status m;

CREATE TEMP TABLE comparison AS
SELECT x.* FROM
	(SELECT * FROM rcs.campaign_progress WHERE campaign = rcs_campaign_id('demo')) p,
	(SELECT count(*) FILTER (WHERE is_single) AS singles,
		count(*) FILTER (WHERE is_single AND status = 'sent') AS singles_sent FROM here) h,
	(SELECT count(*) FILTER (WHERE accepted > 0 AND NOT is_single) AS campaign,
		count(*) FILTER (WHERE accepted > 0 AND is_single) AS singles,
		count(*) FILTER (WHERE accepted > 1) AS twice,
		sum(offers)::bigint AS offers, sum(throttled)::bigint AS throttled,
		sum(duplicates)::bigint AS duplicates FROM carrier) c,
	(SELECT count(*) AS n FROM (SELECT phone FROM carrier WHERE NOT is_single AND accepted > 0
		GROUP BY phone HAVING count(*) > 1) q) t,
	(SELECT count(*) AS n FROM customers) f,
LATERAL (VALUES
	(1, 'rows in the file', f.n, NULL::bigint, f.n = p.total + p.duplicates + p.rejected),
	(2, '  the same person again', p.duplicates, NULL, true),
	(3, '  number not valid (rcs.rejected)', p.rejected, NULL, true),
	(4, 'recipients of the campaign', p.total, NULL,
		p.total = p.queued + p.sending + p.sent + p.delivered + p.fell_back + p.failed + p.uncertain
			+ p.canceled + p.expired + p.suppressed),
	(5, '  accepted by the carrier', p.accepted, c.campaign, p.accepted = c.campaign),
	(6, '  failed', p.failed, NULL, true),
	(7, '  not sent yet, or uncertain', p.queued + p.sending + p.uncertain, NULL, p.queued + p.sending + p.uncertain = 0),
	(8, 'single messages', h.singles, NULL, true),
	(9, '  accepted by the carrier', h.singles_sent, c.singles, h.singles_sent = c.singles AND h.singles = c.singles),
	(10, 'offers, with repeats', NULL, c.offers, true),
	(11, '  answered "too fast", "seen before"', NULL, c.throttled + c.duplicates, true),
	(12, 'accepted twice: ids', NULL, c.twice, c.twice = 0),
	(13, 'accepted twice: phones', NULL, t.n, t.n = 0)
) AS x(place, what, here, carrier, agrees);

-- The sums could agree by chance, so the messages are compared one by one too.
INSERT INTO comparison
SELECT 14, 'sent here, unknown there', count(*), NULL, count(*) = 0
FROM here h LEFT JOIN carrier c ON c.id = h.id AND c.accepted > 0
WHERE h.status IN ('sent', 'delivered', 'fell_back') AND c.id IS NULL
UNION ALL
SELECT 15, 'accepted there, not sent here', NULL, count(*), count(*) = 0
FROM carrier c LEFT JOIN here h ON h.id = c.id AND h.status IN ('sent', 'delivered', 'fell_back')
WHERE c.accepted > 0 AND h.id IS NULL;

SELECT what AS " ", to_char(here, '99,999,990') AS "in the database",
	to_char(carrier, '99,999,990') AS "at the carrier",
	CASE WHEN NOT agrees THEN '<-- WRONG' WHEN here IS NULL OR carrier IS NULL THEN '' ELSE 'same' END AS " "
FROM comparison ORDER BY place;

SELECT to_char(count(*), 'FM999,990') AS "singles sent meanwhile",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 1) AS "p50 ms",
	round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 1) AS "p99 ms",
	round(max(ms)::numeric, 1) AS "max ms"
FROM (SELECT (c.first_us - s.time_us) / 1000.0 AS ms FROM single s JOIN carrier c USING (id)) l;

SELECT round(extract(epoch FROM finished_at - started_at), 1) AS "campaign: seconds",
	to_char(accepted / greatest(extract(epoch FROM finished_at - started_at), 0.001), 'FM999,999,990') AS "messages/s"
FROM rcs.campaign_progress WHERE campaign = rcs_campaign_id('demo');

SELECT bool_and(agrees) AS agree FROM comparison \gset
\if :agree
\echo they agree
\else
\echo THEY DO NOT AGREE
\endif
