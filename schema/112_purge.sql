-- Purges old messages in chunks, so that a worker can do it in many small transactions: finished campaigns as a
-- whole, finished single messages one by one.  Counts stay.

-- Only one purge runs at a time: two would add the same messages to the sums.
CREATE FUNCTION rcs._purge_turn(wait bool) RETURNS bool
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- a worker purges for some milliseconds at a time; a call of rcs_purge may take hours
	FOR i IN 1 .. CASE WHEN wait THEN 50 ELSE 1 END LOOP
		IF rcs._try_turn('purge') THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.1) WHERE wait;
	END LOOP;
	IF wait THEN
		RAISE EXCEPTION 'another purge is under way' USING ERRCODE = 'lock_not_available',
			HINT = 'One at a time is enough: each goes on where the other stopped.';
	END IF;
	RETURN false;
END $$;
COMMENT ON FUNCTION rcs._purge_turn(bool) IS 'may this transaction purge? if not, another one does: then false, or, after a wait, an error';

CREATE FUNCTION rcs._lock_adding(campaign_no bigint) RETURNS bool
AS 'MODULE_PATHNAME', 'rcs_campaign_try_lock_adding'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION rcs._lock_adding(bigint) IS 'keeps rcs_campaign_add out until the end of the transaction; false: somebody is adding';

-- Deletes the rows about messages that are stored under these batch ids.  It waits for no lock: messages that
-- rcs_resolve settles at this moment, or has queued again, stay.
CREATE FUNCTION rcs._purge_batches(no bigint, ids bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	busy bigint[];
	gone bigint[];
	n bigint;
BEGIN
	WITH free AS MATERIALIZED (
		SELECT r.batch_id, r.ord, r.attempt FROM rcs.result r
		WHERE r.campaign_no = no AND r.batch_id = ANY (ids) AND r.outcome = 'u' FOR UPDATE SKIP LOCKED)
	SELECT array_agg(r.batch_id) INTO busy FROM rcs.result r
	WHERE r.campaign_no = no AND r.batch_id = ANY (ids) AND r.outcome = 'u'
		AND (r.batch_id, r.ord, r.attempt) NOT IN (SELECT f.batch_id, f.ord, f.attempt FROM free f);
	SELECT array_agg(i.id) INTO gone FROM unnest(ids) AS i(id)
	WHERE i.id <> ALL (coalesce(busy, '{}'))
		AND NOT EXISTS (SELECT FROM rcs.batch b WHERE b.campaign_no = no AND b.batch_id = i.id)
		AND NOT EXISTS (SELECT FROM rcs.batch b WHERE b.campaign_no = no AND b.origin = i.id);

	INSERT INTO rcs._result_count (campaign_no, chatbot, status, code, carrier, service_type, n, billed)
	SELECT no, coalesce(s.chatbot, ''), s.status, s.code, s.carrier, s.service_type,
		count(*), count(*) FILTER (WHERE s.billed)
	FROM rcs._message_result s
	WHERE s.campaign_no = no AND s.batch_id = ANY (gone)
	GROUP BY s.chatbot, s.status, s.code, s.carrier, s.service_type;
	DELETE FROM rcs.event e USING rcs.message m
	WHERE m.campaign_no = no AND m.batch_id = ANY (gone) AND e.message = m.id;
	DELETE FROM rcs.result r WHERE r.campaign_no = no AND r.batch_id = ANY (gone);
	DELETE FROM rcs.intent i WHERE i.campaign_no = no AND i.batch_id = ANY (gone);
	DELETE FROM rcs.message m WHERE m.campaign_no = no AND m.batch_id = ANY (gone);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;
COMMENT ON FUNCTION rcs._purge_batches(bigint, bigint[]) IS 'deletes finished messages, and adds them to rcs._result_count; how many';

-- Purges the next chunk of this campaign after this place, or looks for the next campaign that was finished or
-- canceled before the cutoff and has no later report.  It remembers its place, since deleted rows are in the index
-- until it is vacuumed.  A purged campaign takes no more recipients, because its former ones are not known any more.
CREATE FUNCTION rcs._purge_campaign(cutoff timestamptz, INOUT no bigint, INOUT place bigint, most int, OUT purged bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
BEGIN
	purged := 0;
	ids := ARRAY(SELECT DISTINCT x.batch_id FROM (
		SELECT m.batch_id FROM rcs.message m WHERE no > 0 AND m.campaign_no = no AND m.batch_id > place
		ORDER BY m.batch_id LIMIT most) x);
	IF cardinality(ids) > 0 THEN
		place := (SELECT max(i) FROM unnest(ids) i);
		purged := rcs._purge_batches(no, ids);
		RETURN;
	END IF;
	no := (SELECT c.campaign_no FROM rcs.campaign c
		WHERE c.campaign_no > no
			AND EXISTS (SELECT FROM rcs.message m WHERE m.campaign_no = c.campaign_no)
			AND NOT EXISTS (SELECT FROM rcs.batch b WHERE b.campaign_no = c.campaign_no)
			AND rcs._campaign_state(c, false) IN ('finished', 'canceled')
			AND NOT EXISTS (SELECT FROM rcs.tally t WHERE t.campaign_no = c.campaign_no AND t.at >= cutoff)
			AND coalesce(greatest(c.started_at, c.canceled_at), c.created_at) < cutoff
		ORDER BY c.campaign_no LIMIT 1);
	-- a campaign to which recipients are being added, or which is being steered, stays
	place := 9223372036854775807;
	IF rcs._lock_adding(no) THEN
		UPDATE rcs.campaign c SET expires_at = least(c.expires_at, now())
		WHERE c.campaign_no = (SELECT x.campaign_no FROM rcs.campaign x
			WHERE x.campaign_no = no AND NOT EXISTS (SELECT FROM rcs.batch b WHERE b.campaign_no = no)
			FOR NO KEY UPDATE SKIP LOCKED);
		IF FOUND THEN
			place := 0;
		END IF;
	END IF;
END $$;
COMMENT ON FUNCTION rcs._purge_campaign(timestamptz, bigint, bigint, int)
	IS 'purges some messages of an old campaign, or goes on to the next; no is null at the end';

-- Goes through the messages in the order in which they came, up to the first that are too young; the next call
-- begins after "last".
CREATE FUNCTION rcs._purge_singles(cutoff timestamptz, "after" bigint, most int, OUT purged bigint, OUT last bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
BEGIN
	SELECT CASE WHEN min(x.created_at) < cutoff THEN max(x.batch_id) END,
		array_agg(x.batch_id) FILTER (WHERE x.created_at < cutoff AND x.at < cutoff) INTO last, ids
	FROM (
		SELECT m.batch_id, m.created_at, greatest(r.at, e.at) AS at
		FROM (SELECT y.* FROM rcs.message y WHERE y.campaign_no = 0 AND y.batch_id > "after"
			ORDER BY y.batch_id LIMIT most) m
		LEFT JOIN LATERAL (SELECT z.at FROM rcs.result z
			WHERE z.campaign_no = 0 AND z.batch_id = m.batch_id AND z.ord = m.ord ORDER BY z.attempt DESC LIMIT 1) r ON true
		LEFT JOIN LATERAL (SELECT max(z.received_at) AS at FROM rcs.event z WHERE z.message = m.id) e ON true) x;
	purged := CASE WHEN ids IS NULL THEN 0 ELSE rcs._purge_batches(0, ids) END;
END $$;
COMMENT ON FUNCTION rcs._purge_singles(timestamptz, bigint, int) IS 'purges some old single messages; last is null at the end';

-- All rows that are not about messages; that is fast.
CREATE FUNCTION rcs._purge_rest(cutoff timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seq_gone bigint;
BEGIN
	DELETE FROM rcs.rejected r WHERE r.at < cutoff;
	DELETE FROM rcs.inbound i WHERE i.received_at < cutoff AND i.handled_at IS NOT NULL;
	DELETE FROM rcs.quarantine q WHERE q.at < cutoff;
	-- hashes are needed while the campaign could take the person again, or the carrier report late
	DELETE FROM rcs.erased e WHERE e.at < least(cutoff, now() - interval '30 days')
		AND (e.campaign_no = 0 OR NOT EXISTS (SELECT FROM rcs.message m WHERE m.campaign_no = e.campaign_no));
	-- a report that came while its message was being purged
	DELETE FROM rcs.event e WHERE NOT e.counted AND e.received_at < cutoff
		AND NOT EXISTS (SELECT FROM rcs.message m WHERE m.id = e.message);
	SELECT max(f.seq) INTO seq_gone FROM rcs._change_feed f WHERE f.at < cutoff;
	IF seq_gone IS NOT NULL AND rcs._try_turn('changes') THEN
		DELETE FROM rcs._change_feed f WHERE f.seq <= seq_gone AND f.at < cutoff;
		INSERT INTO rcs._change_mark AS k (snapshot, pruned, purged_seq) VALUES ('1:1:', '1', seq_gone)
		ON CONFLICT (only_one) DO UPDATE SET purged_seq = greatest(k.purged_seq, EXCLUDED.purged_seq);
	END IF;
	WITH old AS (
		DELETE FROM rcs._result_count p WHERE p.campaign_no IN (
			SELECT x.campaign_no FROM rcs._result_count x GROUP BY 1 HAVING count(*) > 50)
		RETURNING p.*)
	INSERT INTO rcs._result_count (campaign_no, chatbot, status, code, carrier, service_type, n, billed)
	SELECT o.campaign_no, o.chatbot, o.status, o.code, o.carrier, o.service_type, sum(o.n), sum(o.billed)
	FROM old o GROUP BY 1, 2, 3, 4, 5, 6;
END $$;
COMMENT ON FUNCTION rcs._purge_rest(timestamptz) IS 'purges rejected recipients, inbound messages, changes; folds rcs._result_count';

CREATE FUNCTION rcs_purge(older_than interval) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cutoff timestamptz := now() - older_than;
	n bigint;
	total bigint := 0;
	no bigint := 0;
	place bigint := 0;
BEGIN
	IF older_than IS NULL OR older_than < interval '0' THEN
		RAISE EXCEPTION 'older_than must be an interval that is not negative' USING ERRCODE = 'invalid_parameter_value';
	ELSIF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
		-- in another one, recipients that are added meanwhile would not be seen
		RAISE EXCEPTION 'rcs_purge must run in a transaction that is READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
	END IF;
	PERFORM rcs._purge_turn(true);
	PERFORM rcs._count_events();
	LOOP
		SELECT p.no, p.place, p.purged INTO no, place, n FROM rcs._purge_campaign(cutoff, no, place, 1000) p;
		EXIT WHEN no IS NULL;
		total := total + n;
	END LOOP;
	place := 0;
	LOOP
		SELECT s.purged, s.last INTO n, place FROM rcs._purge_singles(cutoff, place, 1000) s;
		total := total + n;
		EXIT WHEN place IS NULL;
	END LOOP;
	PERFORM rcs._purge_rest(cutoff);
	RETURN total;
END $$;
COMMENT ON FUNCTION rcs_purge(interval)
	IS 'deletes what has been finished for so long, with all that is kept about it but the counts; how many messages';

REVOKE ALL ON FUNCTION rcs._purge_turn(bool), rcs._lock_adding(bigint), rcs._purge_batches(bigint, bigint[]),
	rcs._purge_campaign(timestamptz, bigint, bigint, int), rcs._purge_singles(timestamptz, bigint, int), rcs._purge_rest(timestamptz), rcs_purge(interval) FROM PUBLIC;
