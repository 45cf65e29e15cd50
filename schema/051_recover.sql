-- Takes the leases of a dead worker apart. The rows on disk tell three cases apart: a message with a result is
-- done; one without an intent was never offered, and goes back into the queue; one with an intent and no result
-- is in doubt, because only the carrier knows whether it was offered.

CREATE FUNCTION rcs._doubt_ends(in_doubt text, since timestamptz, at timestamptz)
RETURNS boolean LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'rcs_doubt_ends';
COMMENT ON FUNCTION rcs._doubt_ends(text, timestamptz, timestamptz)
	IS 'must a message not be offered again at this moment, in doubt since another?';

CREATE FUNCTION rcs._recover_batch(b rcs.batch, settle interval)
RETURNS bigint LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	store bigint := coalesce(b.origin, b.batch_id);
	free int[];
	final jsonb;
	doubt record;
	n_doubt bigint := 0;
	held boolean;
	since timestamptz;
BEGIN
	SELECT array_agg(m.ord ORDER BY m.ord) INTO free
	FROM rcs.message m
	WHERE m.campaign_no = b.campaign_no AND m.batch_id = store
		AND (b.ords IS NULL OR m.ord = ANY (b.ords))
		AND NOT EXISTS (SELECT 1 FROM rcs.result r
			WHERE r.campaign_no = m.campaign_no AND r.batch_id = m.batch_id
				AND r.ord = m.ord AND r.attempt >= b.attempt)
		AND NOT EXISTS (SELECT 1 FROM rcs.intent i
			WHERE i.campaign_no = m.campaign_no AND i.batch_id = m.batch_id
				AND i.attempt = b.attempt AND m.ord = ANY (i.ords))
		-- handed back before, while others of the batch were under way
		AND NOT EXISTS (SELECT 1 FROM rcs.batch y
			WHERE y.campaign_no = m.campaign_no AND y.origin = store
				AND y.attempt > b.attempt AND m.ord = ANY (y.ords));

	IF cardinality(free) = b.n THEN
		UPDATE rcs.batch SET state = 'q', generation = NULL
		WHERE campaign_no = b.campaign_no AND batch_id = b.batch_id;
		RETURN 0;
	END IF;

	-- counted before this function writes results of its own
	SELECT jsonb_object_agg(x.outcome, x.n) INTO final FROM (
		SELECT r.outcome, count(*) AS n FROM rcs.result r
		WHERE r.campaign_no = b.campaign_no AND r.batch_id = store AND r.attempt = b.attempt
			AND (b.ords IS NULL OR r.ord = ANY (b.ords))
		GROUP BY r.outcome) x;

	-- before the batches behind it, which mostly have the same date: what was begun goes on
	IF cardinality(free) > 0 THEN
		INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, answers, origin, ords,
			version, unknown_since, server, chatbot, sender, urgent)
		VALUES (b.campaign_no, nextval('rcs.batch_id_seq'), cardinality(free), b.due_at - interval '1 ms',
			b.attempt + 1, b.answers, store, free, b.version, b.unknown_since, b.server, b.chatbot, b.sender, b.urgent);
	END IF;

	FOR doubt IN
		SELECT i.server, i.version, min(i.at) AS at, array_agg(o.ord ORDER BY o.ord) AS ords
		FROM rcs.intent i, unnest(i.ords) o(ord)
		WHERE i.campaign_no = b.campaign_no AND i.batch_id = store AND i.attempt = b.attempt
			AND (b.ords IS NULL OR o.ord = ANY (b.ords))
			AND NOT EXISTS (SELECT 1 FROM rcs.result r
				WHERE r.campaign_no = i.campaign_no AND r.batch_id = i.batch_id
					AND r.ord = o.ord AND r.attempt = b.attempt)
		GROUP BY i.server, i.version
	LOOP
		n_doubt := n_doubt + cardinality(doubt.ords);
		since := coalesce(b.unknown_since, doubt.at);
		held := rcs._doubt_ends((SELECT c.in_doubt FROM rcs.campaign c
			WHERE c.campaign_no = b.campaign_no), since, now() + settle);
		INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, server, reason)
		SELECT b.campaign_no, store, o, b.attempt, CASE WHEN held THEN 'u' ELSE 't' END, now(),
			doubt.server, 'the worker ended before the answer was recorded'
		FROM unnest(doubt.ords) o;
		IF held THEN
			final := coalesce(final, '{}') || jsonb_build_object('u',
				coalesce((final->>'u')::bigint, 0) + cardinality(doubt.ords));
		ELSE
			INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, answers, origin, ords,
				version, unknown_since, server, reason, chatbot, sender, urgent)
			VALUES (b.campaign_no, nextval('rcs.batch_id_seq'), cardinality(doubt.ords),
				now() + settle, b.attempt + 1, b.answers, store, doubt.ords,
				nullif(doubt.version, 0), since, doubt.server, 'outcome unknown', b.chatbot,
				b.sender, b.urgent);
		END IF;
	END LOOP;

	IF b.campaign_no > 0 THEN
		INSERT INTO rcs.tally (campaign_no, what, n)
		SELECT b.campaign_no, w.what, f.value::bigint
		FROM jsonb_each_text(final) f CROSS JOIN LATERAL unnest(rcs._counts_of(f.key::"char")) w(what);
	END IF;
	DELETE FROM rcs.batch WHERE campaign_no = b.campaign_no AND batch_id = b.batch_id;
	RETURN n_doubt;
END $$;
COMMENT ON FUNCTION rcs._recover_batch(rcs.batch, interval)
	IS 'takes one lease of a dead worker apart; returns how many messages are in doubt';

CREATE FUNCTION rcs._recover(dead bigint, settle_s float8)
RETURNS bigint LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	stream bigint;
	b rcs.batch;
	n bigint := 0;
BEGIN
	FOR stream IN SELECT DISTINCT campaign_no FROM rcs.batch WHERE state = 'l' AND generation = dead
	LOOP
		FOR b IN SELECT * FROM rcs.batch
			WHERE campaign_no = stream AND state = 'l' AND generation = dead
			FOR UPDATE SKIP LOCKED
		LOOP
			n := n + rcs._recover_batch(b, make_interval(secs => settle_s));
		END LOOP;
	END LOOP;
	RETURN n;
END $$;
COMMENT ON FUNCTION rcs._recover(bigint, float8)
	IS 'puts the leases of a dead worker back; returns how many messages are in doubt';

REVOKE ALL ON FUNCTION rcs._doubt_ends(text, timestamptz, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION rcs._recover_batch(rcs.batch, interval) FROM PUBLIC;
REVOKE ALL ON FUNCTION rcs._recover(bigint, float8) FROM PUBLIC;
