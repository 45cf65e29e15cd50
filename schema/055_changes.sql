-- The feed of changes, while rcs.changes is on.  A transaction that changes something only appends a row, so
-- transactions do not wait for each other.  A worker numbers the rows that have been committed since its last look,
-- so the numbers follow the order of the commits: a transaction that commits late gets a late number.

CREATE TABLE rcs._change (
	xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
	id bigint GENERATED ALWAYS AS IDENTITY,
	campaign_no bigint NOT NULL,
	message uuid,
	status text NOT NULL,
	code text,
	at timestamptz NOT NULL,
	PRIMARY KEY (xid, id)
);
COMMENT ON TABLE rcs._change IS 'changes as they were made; a number makes them part of the feed. In no dump, since transaction ids mean nothing elsewhere';

CREATE TABLE rcs._change_mark (
	only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
	snapshot pg_snapshot NOT NULL,
	pruned xid8 NOT NULL,
	purged_seq bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE rcs._change_mark IS 'how far the changes are numbered; empty before the first';
COMMENT ON COLUMN rcs._change_mark.snapshot IS 'what it sees is numbered';
COMMENT ON COLUMN rcs._change_mark.pruned IS 'what is older is deleted from rcs._change';
COMMENT ON COLUMN rcs._change_mark.purged_seq IS 'numbers up to this one are no longer kept';

CREATE SEQUENCE rcs.change_seq;
CREATE TABLE rcs._change_feed (
	seq bigint PRIMARY KEY,
	campaign_no bigint NOT NULL,
	message uuid,
	status text NOT NULL,
	code text,
	at timestamptz NOT NULL
);
CREATE INDEX change_feed_message ON rcs._change_feed (message);
COMMENT ON TABLE rcs._change_feed IS 'numbered changes; kept until they are purged';
SELECT pg_catalog.pg_extension_config_dump('rcs.change_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcs._change_feed', '');

-- By row: to count reports is an INSERT of no row most of the time.
CREATE TRIGGER change_came AFTER INSERT ON rcs._change
FOR EACH ROW EXECUTE FUNCTION rcs._to_count_came();

-- ---------- where changes come from ----------

-- Rows that a restore loads are no changes: they are older than the installation of the extension here.
CREATE FUNCTION rcs._change_of_results() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO rcs._change (campaign_no, message, status, code, at)
	SELECT n.campaign_no, m.id, coalesce(rcs._ended_as(n.outcome), 'queued'),
		n.code, n.at
	FROM new_results n
	CROSS JOIN LATERAL (SELECT x.id FROM rcs.message x
		WHERE x.campaign_no = n.campaign_no AND x.batch_id = n.batch_id AND x.ord = n.ord OFFSET 0) m
	WHERE (rcs._ended_as(n.outcome) IS NOT NULL OR n.outcome = 't' AND n.code = 'resolved')
		AND n.at >= (SELECT i.installed_at FROM rcs._identity_written() i);
	RETURN NULL;
END $$;
COMMENT ON FUNCTION rcs._change_of_results() IS 'final outcomes, and what is queued again by rcs_resolve';
CREATE TRIGGER result_change AFTER INSERT ON rcs.result
REFERENCING NEW TABLE AS new_results FOR EACH STATEMENT
WHEN (pg_catalog.current_setting('rcs.changes', true) OPERATOR(pg_catalog.=) 'on')
EXECUTE FUNCTION rcs._change_of_results();

CREATE FUNCTION rcs._change_of_campaign() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO rcs._change (campaign_no, status, at)
	SELECT NEW.campaign_no, NEW.what, NEW.at
	WHERE NEW.at >= (SELECT i.installed_at FROM rcs._identity_written() i);
	RETURN NULL;
END $$;
COMMENT ON FUNCTION rcs._change_of_campaign() IS 'what was done to a campaign';
CREATE TRIGGER campaign_event_change AFTER INSERT ON rcs.campaign_event FOR EACH ROW
WHEN (pg_catalog.current_setting('rcs.changes', true) OPERATOR(pg_catalog.=) 'on')
EXECUTE FUNCTION rcs._change_of_campaign();

-- ---------- numbers ----------

-- Numbers the rows that this snapshot sees and the last one did not: those of later transactions, and of transactions
-- that were under way.  Only one process numbers at a time, and the next begins after its commit, so a reader that
-- sees a number sees all lower ones.  Rows are deleted by ranges that are never read again.
CREATE FUNCTION rcs._number_changes() RETURNS int
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mark rcs._change_mark;
	present pg_snapshot;
	n int;
BEGIN
	IF NOT rcs._try_turn('changes') THEN
		RETURN 0;
	END IF;
	-- the mark of another server is copied after its changes
	IF NOT EXISTS (SELECT FROM rcs._change) OR rcs._filled_by() IS NOT NULL THEN
		RETURN 0;
	END IF;
	INSERT INTO rcs._change_mark (snapshot, pruned) VALUES ('1:1:', '1') ON CONFLICT DO NOTHING;
	SELECT * INTO STRICT mark FROM rcs._change_mark;
	WITH numbered AS (
		INSERT INTO rcs._change_feed (seq, campaign_no, message, status, code, at)
		SELECT nextval('rcs.change_seq'), c.campaign_no, c.message, c.status, c.code, c.at
		FROM (
			SELECT x.* FROM rcs._change x
			WHERE (x.xid >= pg_snapshot_xmax(mark.snapshot)
					OR x.xid = ANY (ARRAY(SELECT pg_snapshot_xip(mark.snapshot))))
				-- a row that was written while its message was being erased: the id must not come back
				AND (x.message IS NULL
					OR NOT EXISTS (SELECT FROM rcs.erased e WHERE e.at > now() - interval '1 day')
					OR EXISTS (SELECT FROM rcs.message m WHERE m.id = x.message))
				AND rcs._filled_by() IS NULL
			ORDER BY x.id) c
		RETURNING 1)
	SELECT count(*), pg_current_snapshot() INTO n, present FROM numbered;
	IF n > 0 THEN
		DELETE FROM rcs._change c WHERE c.xid >= mark.pruned AND c.xid < pg_snapshot_xmin(mark.snapshot);
		UPDATE rcs._change_mark SET snapshot = present, pruned = pg_snapshot_xmin(mark.snapshot);
	END IF;
	RETURN n;
END $$;
COMMENT ON FUNCTION rcs._number_changes() IS 'makes changes that have committed part of the feed; how many';

-- SECURITY DEFINER, so that EXECUTE is the right to read the feed.
CREATE FUNCTION rcs_changes("after" bigint DEFAULT 0, max int DEFAULT 1000)
RETURNS TABLE (seq bigint, message uuid, campaign uuid, key text, ref text, status text, code text, at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF "after" IS NULL OR max IS NULL OR max < 1 THEN
		RAISE EXCEPTION 'after and max must not be null, and max not below 1' USING ERRCODE = 'invalid_parameter_value';
	ELSIF "after" > 0 AND "after" < (SELECT k.purged_seq FROM rcs._change_mark k) THEN
		RAISE EXCEPTION 'changes after % are no longer kept', "after" USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Read rcs.message_status once, then go on with rcs_changes(0).';
	END IF;
	RETURN QUERY
	SELECT f.seq, f.message, c.id, m.key, m.ref, f.status, f.code, f.at
	FROM (SELECT x.* FROM rcs._change_feed x WHERE x.seq > "after" ORDER BY x.seq LIMIT max) f
	LEFT JOIN rcs.campaign c ON c.campaign_no = f.campaign_no
	LEFT JOIN LATERAL (SELECT y.key, y.ref FROM rcs.message y WHERE y.id = f.message LIMIT 1) m ON true
	ORDER BY f.seq;
END $$;
COMMENT ON FUNCTION rcs_changes(bigint, int) IS 'what has changed since a number, in the order of the commits; a change of a whole campaign has no message';

REVOKE ALL ON FUNCTION rcs._change_of_results(), rcs._change_of_campaign(), rcs._number_changes(), rcs_changes(bigint, int) FROM PUBLIC;
