-- The life of a campaign: start, pause, resume, cancel.

-- What no worker is there to end.  Batches that somebody holds are left to him: a worker hands them
-- back, or its successor does, and then ends them.  What is in doubt ends as uncertain.
CREATE FUNCTION rcs._end_unsent(stream pg_catalog.int8, reason pg_catalog.text) RETURNS pg_catalog.int8
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	b rcs.batch;
	ended bigint;
	n_canceled bigint := 0;
	n_uncertain bigint := 0;
BEGIN
	FOR b IN SELECT * FROM rcs.batch WHERE campaign_no = stream AND state = 'q' FOR UPDATE SKIP LOCKED LOOP
		INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, reason)
		SELECT m.campaign_no, m.batch_id, m.ord, b.attempt, CASE WHEN b.unknown_since IS NULL THEN 'c' ELSE 'u' END,
			clock_timestamp(), CASE WHEN b.unknown_since IS NULL THEN reason ELSE reason || ' while an earlier offer was in doubt' END
		FROM rcs.message m
		WHERE m.campaign_no = stream AND m.batch_id = coalesce(b.origin, b.batch_id)
			AND (b.ords IS NULL OR m.ord = ANY (b.ords)) AND (b.canceled IS NULL OR m.ord <> ALL (b.canceled));
		GET DIAGNOSTICS ended = ROW_COUNT;
		IF b.unknown_since IS NULL THEN
			n_canceled := n_canceled + ended;
		ELSE
			n_uncertain := n_uncertain + ended;
		END IF;
		n_canceled := n_canceled + coalesce(cardinality(b.canceled), 0);
		DELETE FROM rcs.batch WHERE campaign_no = stream AND batch_id = b.batch_id;
	END LOOP;
	INSERT INTO rcs.tally (campaign_no, what, n)
	SELECT stream, u.what, u.n FROM (VALUES ('canceled', n_canceled), ('uncertain', n_uncertain)) u(what, n) WHERE u.n > 0;
	RETURN n_canceled + n_uncertain;
END $$;
COMMENT ON FUNCTION rcs._end_unsent(pg_catalog.int8, pg_catalog.text)
	IS 'ends what is unsent of a canceled campaign when no worker does; how many messages';
REVOKE ALL ON FUNCTION rcs._end_unsent(pg_catalog.int8, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION rcs_campaign_start(campaign pg_catalog.uuid)
RETURNS pg_catalog.text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_start';
COMMENT ON FUNCTION rcs_campaign_start(pg_catalog.uuid) IS 'starts a campaign; gives its state';

CREATE FUNCTION rcs_campaign_pause(campaign pg_catalog.uuid)
RETURNS pg_catalog.text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_pause';
COMMENT ON FUNCTION rcs_campaign_pause(pg_catalog.uuid) IS 'stops a campaign until it is resumed; gives its state';

CREATE FUNCTION rcs_campaign_resume(campaign pg_catalog.uuid)
RETURNS pg_catalog.text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_resume';
COMMENT ON FUNCTION rcs_campaign_resume(pg_catalog.uuid) IS 'lets a paused campaign go on; gives its state';

CREATE FUNCTION rcs_campaign_cancel(campaign pg_catalog.uuid)
RETURNS pg_catalog.text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_cancel';
COMMENT ON FUNCTION rcs_campaign_cancel(pg_catalog.uuid) IS 'ends a campaign for good: nothing of it is sent any more; gives its state';
