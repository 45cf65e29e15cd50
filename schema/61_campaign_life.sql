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

-- Definite failures again, under the ids of the next epoch.  The new row is in "total" for the old one,
-- so only "failed" changes.  Reports are counted first, and none meanwhile, so that the counts know what
-- the statuses say.  Without codes: all that can be cured, which is all but a recipient who cannot be reached.
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
	PERFORM pg_advisory_xact_lock('rcs.event'::regclass::oid::int, 1);
	WHILE rcs._count_events() > 0 LOOP
	END LOOP;
	SELECT c.id INTO campaign FROM rcs.campaign c WHERE c.campaign_no = stream;
	-- one look into an index for each, whatever the planner believes: as joins it took minutes for thousands
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

-- When so many seconds of sending are over, if it may go on only inside the hours of advertising.
CREATE FUNCTION rcs._ad_end(INOUT starts_at pg_catalog.timestamptz, seconds pg_catalog.float8, OUT ends_at pg_catalog.timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hours text[] := regexp_match(coalesce(nullif(current_setting('rcs.ad_hours', true), ''), '08:00-21:00 Asia/Seoul'),
		'^ *([0-9:]+) *- *([0-9:]+) *(.*)$');
	zone text := coalesce(nullif(hours[3], ''), 'Asia/Seoul');
	margin interval := coalesce(nullif(current_setting('rcs.ad_margin', true), ''), '10min')::interval;
	t timestamptz := starts_at;
	rest float8 := coalesce(seconds, 0);
	opens timestamptz;
	closes timestamptz;
	first timestamptz;
BEGIN
	FOR day IN 0 .. 3660 LOOP
		opens := ((starts_at AT TIME ZONE zone)::date + day + hours[1]::time) AT TIME ZONE zone;
		closes := ((starts_at AT TIME ZONE zone)::date + day + hours[2]::time) AT TIME ZONE zone - margin;
		t := greatest(t, opens);
		CONTINUE WHEN t >= closes;
		first := coalesce(first, t);
		IF t + make_interval(secs => rest) <= closes THEN
			starts_at := first;
			ends_at := t + make_interval(secs => rest);
			RETURN;
		END IF;
		rest := rest - extract(epoch FROM closes - t);
	END LOOP;
	starts_at := first;
END $$;
COMMENT ON FUNCTION rcs._ad_end(pg_catalog.timestamptz, pg_catalog.float8)
	IS 'the first moment from a time on that advertising may leave, and the last of so many seconds of it';

-- A dry run.  The rate is that of the accounts that are not set aside, as if nobody else used them.
CREATE FUNCTION rcs._campaign_check(stream pg_catalog.int8, OUT would_send pg_catalog.int8, OUT suppressed pg_catalog.int8,
	OUT rejected pg_catalog.int8, OUT starts_at pg_catalog.timestamptz, OUT ends_at pg_catalog.timestamptz,
	OUT limited_by pg_catalog.text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	c rcs.campaign;
	k record;
	advertising boolean;
	account_rate numeric;
	unlimited boolean;
	closed text;
	v_rate numeric;
	opens timestamptz;
BEGIN
	SELECT * INTO c FROM rcs.campaign x WHERE x.campaign_no = stream;
	SELECT * INTO k FROM rcs._campaign_counts x WHERE x.campaign_no = stream;
	SELECT v.message->>'header' = '1' INTO advertising FROM rcs.campaign_version v WHERE v.campaign_no = stream AND v.version = c.version;
	suppressed := 0;
	rejected := k.rejected;
	IF advertising AND EXISTS (SELECT FROM rcs.refusal) THEN
		SELECT count(*) INTO suppressed
		FROM rcs.batch b JOIN rcs.message m ON m.campaign_no = stream AND m.batch_id = coalesce(b.origin, b.batch_id)
			AND (b.ords IS NULL OR m.ord = ANY (b.ords)) AND (b.canceled IS NULL OR m.ord <> ALL (b.canceled))
		WHERE b.campaign_no = stream AND b.state = 'q' AND b.unknown_since IS NULL
			AND rcs._refused(rcs._phone_hash(m.phone), c.chatbot);
	END IF;
	would_send := k.queued - suppressed;
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
	starts_at := CASE WHEN c.started_at IS NULL THEN greatest(c.start_at, statement_timestamp()) ELSE statement_timestamp() END;
	opens := starts_at;
	IF advertising THEN
		SELECT e.starts_at, e.ends_at INTO starts_at, ends_at FROM rcs._ad_end(opens, coalesce(60.0 * would_send / v_rate, 0)) e;
	ELSE
		ends_at := starts_at + make_interval(secs => 60.0 * would_send / v_rate);
	END IF;
	IF v_rate IS NULL THEN
		ends_at := NULL;
	END IF;
	limited_by := CASE
		WHEN EXISTS (SELECT FROM rcs.hold h WHERE h.released_at IS NULL AND h.server IS NULL) THEN 'hold'
		WHEN closed IS NOT NULL THEN closed
		WHEN ends_at > c.expires_at OR starts_at > c.expires_at THEN 'expires_at'
		WHEN starts_at > opens OR ends_at > opens + make_interval(secs => 60.0 * would_send / v_rate + 1) THEN 'ad_hours'
		WHEN v_rate = c.rate_per_minute THEN 'campaign rate'
		WHEN v_rate IS NOT NULL THEN 'account rate' END;
	IF limited_by = 'hold' OR closed IS NOT NULL THEN
		ends_at := NULL;
	END IF;
END $$;
COMMENT ON FUNCTION rcs._campaign_check(pg_catalog.int8) IS 'what sending the rest of a campaign would mean';
REVOKE ALL ON FUNCTION rcs._ad_end(pg_catalog.timestamptz, pg_catalog.float8), rcs._campaign_check(pg_catalog.int8) FROM PUBLIC;

CREATE FUNCTION rcs_campaign_check(campaign pg_catalog.uuid, OUT would_send pg_catalog.int8, OUT suppressed pg_catalog.int8,
	OUT rejected pg_catalog.int8, OUT starts_at pg_catalog.timestamptz, OUT ends_at pg_catalog.timestamptz,
	OUT limited_by pg_catalog.text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_check';
COMMENT ON FUNCTION rcs_campaign_check(pg_catalog.uuid) IS 'a dry run: how many would be sent, when it would end, and what limits it';

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
