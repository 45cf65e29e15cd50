-- The life of a campaign: start, pause, resume, cancel.

-- For a campaign that was canceled while no worker runs.  A batch that is leased or locked is left alone: its worker,
-- or the successor of that, hands it back and then ends it.
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
		ended := rcs._end_in_batch(b, ARRAY(
			SELECT m.ord FROM rcs.message m
			WHERE m.campaign_no = stream AND m.batch_id = coalesce(b.origin, b.batch_id)
				AND (b.ords IS NULL OR m.ord = ANY (b.ords)) AND (b.canceled IS NULL OR m.ord <> ALL (b.canceled))), NULL, reason);
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

CREATE FUNCTION rcs_campaign_change(campaign pg_catalog.uuid, message pg_catalog.jsonb DEFAULT NULL,
	name pg_catalog.text DEFAULT NULL, start_at pg_catalog.timestamptz DEFAULT NULL,
	rate_per_minute pg_catalog.int4 DEFAULT NULL, expires_at pg_catalog.timestamptz DEFAULT NULL,
	weight pg_catalog.int4 DEFAULT NULL)
RETURNS pg_catalog.text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_change';
COMMENT ON FUNCTION rcs_campaign_change(pg_catalog.uuid, pg_catalog.jsonb, pg_catalog.text, pg_catalog.timestamptz,
	pg_catalog.int4, pg_catalog.timestamptz, pg_catalog.int4)
	IS 'changes what is given of a campaign; rate 0 is none, start_at infinity unscheduled; gives its state';

-- Queues definite failures again, under the ids of the next epoch.  The new row takes the place of the old one in
-- "total", so only "failed" changes.  Reports are counted first, and none is counted meanwhile, so that counts and
-- statuses agree.  Without codes all failures are queued but those of recipients who cannot be reached.
CREATE FUNCTION rcs._resend_failed(stream pg_catalog.int8, codes pg_catalog.text[], batch_size pg_catalog.int4)
RETURNS pg_catalog.int8
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	campaign uuid;
	failed uuid[];
	batches bigint[];
	total int;
BEGIN
	PERFORM rcs._turn('reports');
	WHILE rcs._count_events() > 0 LOOP
	END LOOP;
	SELECT c.id INTO campaign FROM rcs.campaign c WHERE c.campaign_no = stream;
	-- LATERAL and OFFSET 0 force one look into an index for each: as joins it took minutes for thousands
	SELECT array_agg(f.id ORDER BY m.batch_id, m.ord) INTO failed
	FROM (
		SELECT k.id FROM rcs.result r CROSS JOIN LATERAL (
			SELECT x.id FROM rcs.message x
			WHERE x.campaign_no = r.campaign_no AND x.batch_id = r.batch_id AND x.ord = r.ord OFFSET 0) k
		WHERE r.campaign_no = stream AND r.outcome = 'f'
		UNION
		SELECT e.message FROM rcs.event e WHERE e.campaign_no = stream AND e.verdict = 'failed') f
	CROSS JOIN LATERAL (
		SELECT x.batch_id, x.ord, x.phone, x.epoch FROM rcs.message x
		WHERE x.id = f.id AND x.campaign_no = stream OFFSET 0) m
	CROSS JOIN LATERAL (SELECT x.status, x.code FROM rcs.message_status x WHERE x.id = f.id OFFSET 0) s
	LEFT JOIN LATERAL (
		SELECT true AS there FROM rcs.message x
		WHERE x.id = @extschema@.rcs_message_id(campaign, m.phone, m.epoch + 1) AND x.campaign_no = stream OFFSET 0) later ON true
	WHERE s.status = 'failed' AND m.phone IS NOT NULL AND later.there IS NULL
		AND CASE WHEN codes IS NULL
			THEN NOT EXISTS (SELECT FROM rcs.result_code k WHERE k.code = s.code AND k.class = 'e')
			ELSE s.code = ANY (codes) END;
	total := coalesce(cardinality(failed), 0);
	IF total = 0 THEN
		RETURN 0;
	END IF;
	batches := ARRAY(SELECT nextval('rcs.batch_id_seq') FROM generate_series(1, (total + batch_size - 1) / batch_size));
	INSERT INTO rcs.message (campaign_no, batch_id, ord, epoch, night_consent, id, created_at, phone, ref, params)
	SELECT stream, batches[1 + (u.i - 1) / batch_size], 1 + (u.i - 1) % batch_size, m.epoch + 1, m.night_consent,
		@extschema@.rcs_message_id(campaign, m.phone, m.epoch + 1), now(), m.phone, m.ref, m.params
	FROM unnest(failed) WITH ORDINALITY u(id, i)
	CROSS JOIN LATERAL (SELECT x.* FROM rcs.message x WHERE x.id = u.id AND x.campaign_no = stream OFFSET 0) m;
	INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at)
	SELECT stream, b.id, least(batch_size, total - (b.i - 1) * batch_size), now()
	FROM unnest(batches) WITH ORDINALITY b(id, i);
	INSERT INTO rcs.tally (campaign_no, what, n, reported) VALUES (stream, 'failed', -total, true);
	UPDATE rcs.campaign SET resent_at = now() WHERE campaign_no = stream;
	RETURN total;
END $$;
COMMENT ON FUNCTION rcs._resend_failed(pg_catalog.int8, pg_catalog.text[], pg_catalog.int4)
	IS 'queues definite failures of a campaign again under new ids; how many';
REVOKE ALL ON FUNCTION rcs._resend_failed(pg_catalog.int8, pg_catalog.text[], pg_catalog.int4) FROM PUBLIC;

CREATE FUNCTION rcs_campaign_resend_failed(campaign pg_catalog.uuid, codes pg_catalog.text[] DEFAULT NULL)
RETURNS pg_catalog.int8
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_resend_failed';
COMMENT ON FUNCTION rcs_campaign_resend_failed(pg_catalog.uuid, pg_catalog.text[])
	IS 'offers definite failures again under the id of the next epoch, those with these codes, or all that can be cured; how many';

-- Estimates when so many messages have left.  The bound ones may leave inside the hours of advertising only.  Within
-- the hours both kinds leave in proportion, outside only the free ones.  Without a rate all leave at once.
CREATE FUNCTION rcs._ad_end(INOUT starts_at pg_catalog.timestamptz, bound pg_catalog.int8, "free" pg_catalog.int8,
	rate_per_minute pg_catalog.numeric, hours pg_catalog.text, margin_s pg_catalog.int4,
	OUT ends_at pg_catalog.timestamptz, OUT put_off pg_catalog.bool)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t timestamptz := starts_at;
	bound_s float8 := coalesce(60.0 * bound / rate_per_minute, 0);
	free_s float8 := coalesce(60.0 * "free" / rate_per_minute, 0);
	edge timestamptz;
	room_s float8;
BEGIN
	put_off := false;
	IF bound = 0 THEN
		ends_at := t + make_interval(secs => free_s);
		RETURN;
	ELSIF "free" = 0 THEN
		starts_at := NULL;
	END IF;
	FOR day IN 0 .. 3660 LOOP
		edge := rcs._ad_opening(t, hours, margin_s);
		IF edge > t THEN
			room_s := extract(epoch FROM edge - t);
			put_off := put_off OR free_s < room_s;
			free_s := greatest(free_s - room_s, 0);
			t := edge;
		END IF;
		edge := rcs._ad_closing(t, hours, margin_s);
		EXIT WHEN edge <= t; -- the margin is longer than the hours
		starts_at := coalesce(starts_at, t);
		IF t + make_interval(secs => bound_s + free_s) <= edge THEN
			ends_at := t + make_interval(secs => bound_s + free_s);
			RETURN;
		END IF;
		room_s := extract(epoch FROM edge - t);
		SELECT bound_s - bound_s * room_s / (bound_s + free_s), free_s - free_s * room_s / (bound_s + free_s)
		INTO bound_s, free_s;
		t := edge;
	END LOOP;
	put_off := true;
END $$;
COMMENT ON FUNCTION rcs._ad_end(pg_catalog.timestamptz, pg_catalog.int8, pg_catalog.int8, pg_catalog.numeric, pg_catalog.text, pg_catalog.int4)
	IS 'the first moment from a time on that some of so many messages may leave, the last of them, and whether the hours cost time; null: not in ten years';

-- A message is here if it was not offered in the attempt of its batch, and has not moved to another batch.  These are
-- the messages that are counted as queued, without recipients who were erased while leased.
CREATE VIEW rcs._queued_message AS
SELECT m.campaign_no, m.batch_id, m.ord, m.phone, m.night_consent, b.version
FROM rcs.batch b
JOIN rcs.message m ON m.campaign_no = b.campaign_no AND m.batch_id = coalesce(b.origin, b.batch_id)
	AND (b.ords IS NULL OR m.ord = ANY (b.ords)) AND (b.canceled IS NULL OR m.ord <> ALL (b.canceled))
WHERE b.unknown_since IS NULL AND m.phone IS NOT NULL AND (b.state = 'q' OR NOT (
	EXISTS (SELECT FROM rcs.result r
		WHERE r.campaign_no = m.campaign_no AND r.batch_id = m.batch_id AND r.ord = m.ord AND r.attempt >= b.attempt)
	OR EXISTS (SELECT FROM rcs.intent i
		WHERE i.campaign_no = m.campaign_no AND i.batch_id = m.batch_id AND i.attempt >= b.attempt AND m.ord = ANY (i.ords))
	OR EXISTS (SELECT FROM rcs.batch y
		WHERE y.campaign_no = m.campaign_no AND y.origin = m.batch_id AND y.attempt > b.attempt AND m.ord = ANY (y.ords))));
COMMENT ON VIEW rcs._queued_message IS 'messages that are to be offered and have not been in this attempt';

-- Judges recipients as a worker would at their first chance after "opens".  For a later day nothing counts against
-- rcs.ad_daily_cap yet.  Hashes of numbers are made only if there are refusals, or advertising that was counted.
CREATE FUNCTION rcs._check_people(c rcs.campaign, opens pg_catalog.timestamptz, ads pg_catalog.int4[],
	OUT would_send pg_catalog.int8, OUT suppressed pg_catalog.int8, OUT bound pg_catalog.int8)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	cap int := current_setting('rcs.ad_daily_cap');
	free_day date := rcs._ad_day(opens);
	bound_day date := rcs._ad_day(rcs._ad_opening(opens));
	v_key bytea;
BEGIN
	SELECT i.phone_key INTO v_key FROM rcs.installation i
	WHERE EXISTS (SELECT FROM rcs.refusal)
		OR cap > 0 AND EXISTS (SELECT FROM rcs.ad_sent s WHERE s.day IN (free_day, bound_day));
	SELECT count(*) FILTER (WHERE NOT u.unwanted), count(*) FILTER (WHERE u.unwanted),
		count(*) FILTER (WHERE u.bound AND NOT u.unwanted)
	INTO would_send, suppressed, bound
	FROM (
		SELECT m.bound, r.phone_hash IS NOT NULL OR s.phone_hash IS NOT NULL AND NOT EXISTS (
				SELECT FROM rcs.ad_sent o -- this message is counted already
				WHERE o.day = s.day AND o.phone_hash = s.phone_hash
					AND o.campaign_no = m.campaign_no AND o.batch_id = m.batch_id AND o.ord = m.ord) AS unwanted
		FROM (
			SELECT q.campaign_no, q.batch_id, q.ord, a.ad AND q.night_consent IS NOT TRUE AS bound,
				CASE WHEN a.ad AND v_key IS NOT NULL THEN sha256(v_key || convert_to(q.phone, 'UTF8')) END AS phone_hash
			FROM rcs._queued_message q
			CROSS JOIN LATERAL (SELECT coalesce(q.version, c.version) = ANY (ads) AS ad) a
			WHERE q.campaign_no = c.campaign_no OFFSET 0) m
		LEFT JOIN rcs._all_refused(c.chatbot) r(phone_hash) ON r.phone_hash = m.phone_hash
		LEFT JOIN (
			SELECT x.day, x.phone_hash FROM rcs.ad_sent x
			WHERE cap > 0 AND x.day IN (free_day, bound_day)
			GROUP BY x.day, x.phone_hash HAVING count(*) >= cap) s
			ON s.phone_hash = m.phone_hash AND s.day = CASE WHEN m.bound THEN bound_day ELSE free_day END) u;
END $$;
COMMENT ON FUNCTION rcs._check_people(rcs.campaign, pg_catalog.timestamptz, pg_catalog.int4[])
	IS 'what is queued of a campaign whose texts of these versions are advertising: how many would be sent, how many not, and how many of the former only inside the hours';

-- The account rate is the sum over the accounts that are not set aside, as if no other campaign used them.
CREATE FUNCTION rcs._campaign_check(stream pg_catalog.int8, OUT would_send pg_catalog.int8, OUT suppressed pg_catalog.int8,
	OUT rejected pg_catalog.int8, OUT starts_at pg_catalog.timestamptz, OUT ends_at pg_catalog.timestamptz,
	OUT limited_by pg_catalog.text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	c rcs.campaign;
	ads int[] := ARRAY(SELECT v.version FROM rcs.campaign_version v WHERE v.campaign_no = stream AND v.message->>'header' = '1');
	bound bigint := 0;
	account_rate numeric;
	unlimited boolean;
	closed text;
	v_rate numeric;
	opens timestamptz;
	put_off boolean;
BEGIN
	SELECT * INTO c FROM rcs.campaign x WHERE x.campaign_no = stream;
	opens := CASE WHEN c.started_at IS NULL THEN greatest(c.start_at, statement_timestamp()) ELSE statement_timestamp() END;
	SELECT x.queued, 0, x.rejected INTO would_send, suppressed, rejected FROM rcs._campaign_counts x WHERE x.campaign_no = stream;
	IF cardinality(ads) > 0 OR EXISTS (SELECT FROM rcs.erased e WHERE e.campaign_no = stream) THEN
		SELECT p.would_send, p.suppressed, p.bound INTO would_send, suppressed, bound FROM rcs._check_people(c, opens, ads) p;
	END IF;
	IF c.canceled_at IS NOT NULL OR c.expires_at <= statement_timestamp() THEN
		would_send := 0;
		limited_by := CASE WHEN c.canceled_at IS NOT NULL THEN 'canceled' ELSE 'expires_at' END;
		RETURN;
	ELSIF would_send = 0 THEN
		RETURN;
	END IF;

	SELECT sum(a.rate_per_minute) FILTER (WHERE a.open), coalesce(bool_or(a.rate_per_minute IS NULL) FILTER (WHERE a.open), false),
		CASE WHEN bool_or(a.open) IS NOT TRUE THEN 'account: ' || coalesce(min(a.last_error), 'it cannot be used') END
	INTO account_rate, unlimited, closed
	FROM (
		SELECT (SELECT o.option_value::int FROM pg_options_to_table(f.srvoptions) o WHERE o.option_name = 'rate_per_minute') AS rate_per_minute,
			s.state NOT IN ('closed', 'unusable') AS open, s.last_error
		FROM rcs.chatbot t JOIN pg_foreign_server f ON f.srvname = ANY (t.servers)
		JOIN rcs.account_status s ON s.server = f.srvname
		WHERE t.chatbot = c.chatbot) a;
	v_rate := least(c.rate_per_minute, CASE WHEN NOT unlimited THEN account_rate END);
	SELECT e.starts_at, e.ends_at, e.put_off INTO starts_at, ends_at, put_off
	FROM rcs._ad_end(opens, bound, would_send - bound, v_rate, current_setting('rcs.ad_hours'),
		extract(epoch FROM current_setting('rcs.ad_margin')::interval)::int) e;
	IF v_rate IS NULL THEN
		ends_at := NULL;
	END IF;
	limited_by := CASE
		WHEN EXISTS (SELECT FROM rcs.hold h WHERE h.released_at IS NULL AND h.server IS NULL) THEN 'hold'
		WHEN closed IS NOT NULL THEN closed
		WHEN ends_at > c.expires_at OR starts_at > c.expires_at THEN 'expires_at'
		WHEN put_off THEN 'ad_hours'
		WHEN v_rate = c.rate_per_minute THEN 'campaign rate'
		WHEN v_rate IS NOT NULL THEN 'account rate' END;
	IF limited_by = 'hold' OR closed IS NOT NULL THEN
		ends_at := NULL;
	END IF;
END $$;
COMMENT ON FUNCTION rcs._campaign_check(pg_catalog.int8) IS 'what sending the rest of a campaign would mean';
REVOKE ALL ON FUNCTION rcs._ad_end(pg_catalog.timestamptz, pg_catalog.int8, pg_catalog.int8, pg_catalog.numeric, pg_catalog.text, pg_catalog.int4),
	rcs._check_people(rcs.campaign, pg_catalog.timestamptz, pg_catalog.int4[]), rcs._campaign_check(pg_catalog.int8) FROM PUBLIC;

CREATE FUNCTION rcs_campaign_check(campaign pg_catalog.uuid, OUT would_send pg_catalog.int8, OUT suppressed pg_catalog.int8,
	OUT rejected pg_catalog.int8, OUT starts_at pg_catalog.timestamptz, OUT ends_at pg_catalog.timestamptz,
	OUT limited_by pg_catalog.text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_check';
COMMENT ON FUNCTION rcs_campaign_check(pg_catalog.uuid)
	IS 'a dry run: how many would be sent, when it would end, and what limits it, as if the accounts had nothing else to send and nobody got other advertising meanwhile';

CREATE FUNCTION rcs_campaign_test(campaign pg_catalog.uuid, phone pg_catalog.text, like_phone pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_test';
COMMENT ON FUNCTION rcs_campaign_test(pg_catalog.uuid, pg_catalog.text, pg_catalog.text)
	IS 'sends it to one phone now, as a single message with the params of a recipient; in no count of the campaign';

CREATE FUNCTION rcs_campaign_watch(campaign pg_catalog.uuid)
RETURNS pg_catalog.void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_watch';
COMMENT ON FUNCTION rcs_campaign_watch(pg_catalog.uuid)
	IS 'prints a progress bar as notices until nothing more moves by itself';
