-- Single messages: send, cancel, show, wait, resolve.

CREATE FUNCTION rcs_send(phone pg_catalog.text, text pg_catalog.text,
	chatbot pg_catalog.text DEFAULT NULL, key pg_catalog.text DEFAULT NULL,
	send_at pg_catalog.timestamptz DEFAULT NULL, expires_at pg_catalog.timestamptz DEFAULT NULL,
	params pg_catalog.jsonb DEFAULT NULL, fallback pg_catalog.text DEFAULT NULL,
	on_error pg_catalog.text DEFAULT 'raise', urgent pg_catalog.bool DEFAULT false)
RETURNS pg_catalog.uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_send_text';
COMMENT ON FUNCTION rcs_send(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text,
	pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text, pg_catalog.bool)
	IS 'sends plain text to one phone when the transaction commits; gives the id of the message';

CREATE FUNCTION rcs_send(phone pg_catalog.text, message pg_catalog.jsonb,
	chatbot pg_catalog.text DEFAULT NULL, key pg_catalog.text DEFAULT NULL,
	send_at pg_catalog.timestamptz DEFAULT NULL, expires_at pg_catalog.timestamptz DEFAULT NULL,
	params pg_catalog.jsonb DEFAULT NULL, fallback pg_catalog.text DEFAULT NULL,
	on_error pg_catalog.text DEFAULT 'raise', urgent pg_catalog.bool DEFAULT false)
RETURNS pg_catalog.uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_send_message';
COMMENT ON FUNCTION rcs_send(pg_catalog.text, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text,
	pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text, pg_catalog.bool)
	IS 'sends any message to one phone when the transaction commits; gives the id of the message';

-- A right and nothing else: who may execute it may go before others.
CREATE FUNCTION rcs_priority() RETURNS pg_catalog.bool
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN true;
COMMENT ON FUNCTION rcs_priority()
	IS 'who may execute it may send urgent messages and give a campaign a weight above 10; it does nothing';
REVOKE ALL ON FUNCTION rcs_priority() FROM PUBLIC;

-- Writes a result for each of these messages of a batch whose row the caller has locked.  While an earlier offer of
-- them is in doubt, the messages end as uncertain.
CREATE FUNCTION rcs._end_in_batch(b rcs.batch, ords int[], code text, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, code, reason)
	SELECT b.campaign_no, coalesce(b.origin, b.batch_id), o, b.attempt, CASE WHEN b.unknown_since IS NULL THEN 'c' ELSE 'u' END,
		clock_timestamp(), _end_in_batch.code,
		_end_in_batch.reason || CASE WHEN b.unknown_since IS NULL THEN '' ELSE ' while an earlier offer was in doubt' END
	FROM unnest(_end_in_batch.ords) o;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;
COMMENT ON FUNCTION rcs._end_in_batch(rcs.batch, int[], text, text) IS 'ends messages of a batch without an offer; how many';

-- The row of the batch is locked first, as every transaction of a worker does: that lock decides between the two.
-- The worker reads "canceled" under the same lock before it writes an intent.
CREATE FUNCTION rcs._cancel_message(m rcs.message, wait boolean, code text, reason text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_batch_id bigint;
	b rcs.batch;
	latest rcs.result;
BEGIN
	-- of several batches that name the message, the latest retry has it
	SELECT x.batch_id INTO v_batch_id
	FROM (
		SELECT y.batch_id, y.attempt FROM rcs.batch y
		WHERE y.campaign_no = m.campaign_no AND y.origin = m.batch_id AND m.ord = ANY (y.ords)
		UNION ALL
		SELECT y.batch_id, y.attempt FROM rcs.batch y
		WHERE y.campaign_no = m.campaign_no AND y.batch_id = m.batch_id AND y.ords IS NULL) x
	ORDER BY x.attempt DESC LIMIT 1;
	IF wait THEN
		SELECT * INTO b FROM rcs.batch x WHERE x.campaign_no = m.campaign_no AND x.batch_id = v_batch_id FOR UPDATE;
	ELSE
		SELECT * INTO b FROM rcs.batch x WHERE x.campaign_no = m.campaign_no AND x.batch_id = v_batch_id AND x.state = 'q'
		FOR UPDATE SKIP LOCKED;
	END IF;

	-- read after the lock: while it was waited for, the batch may have ended, or the message may have left it
	SELECT * INTO latest FROM rcs.result r
	WHERE r.campaign_no = m.campaign_no AND r.batch_id = m.batch_id AND r.ord = m.ord ORDER BY r.attempt DESC LIMIT 1;
	IF rcs._ended_as(latest.outcome) IS NOT NULL THEN
		RETURN latest.outcome = 'c';
	ELSIF b.batch_id IS NULL OR latest.attempt >= b.attempt OR EXISTS (
		SELECT FROM rcs.batch y WHERE y.campaign_no = m.campaign_no AND y.origin = m.batch_id
			AND y.attempt > b.attempt AND m.ord = ANY (y.ords)) THEN
		RETURN NULL;
	ELSIF b.unknown_since IS NOT NULL OR EXISTS (
		SELECT FROM rcs.intent i WHERE i.campaign_no = m.campaign_no AND i.batch_id = m.batch_id
			AND i.attempt = b.attempt AND m.ord = ANY (i.ords)) THEN
		RETURN false;
	END IF;
	PERFORM rcs._end_in_batch(b, ARRAY[m.ord], code, reason);
	IF m.campaign_no = 0 THEN
		DELETE FROM rcs.batch x WHERE x.campaign_no = 0 AND x.batch_id = b.batch_id;
	ELSE
		UPDATE rcs.batch x SET canceled = array_append(x.canceled, m.ord)
		WHERE x.campaign_no = m.campaign_no AND x.batch_id = b.batch_id;
	END IF;
	RETURN true;
END $$;
COMMENT ON FUNCTION rcs._cancel_message(rcs.message, boolean, text, text)
	IS 'cancels a message of which nothing was offered in this attempt: true if it is canceled, now or before, false if that is too late; null: it is moving to another batch, or, without wait, somebody has its batch';
REVOKE ALL ON FUNCTION rcs._end_in_batch(rcs.batch, int[], text, text), rcs._cancel_message(rcs.message, boolean, text, text) FROM PUBLIC;

CREATE FUNCTION rcs_cancel(message pg_catalog.uuid)
RETURNS pg_catalog.bool
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_cancel';
COMMENT ON FUNCTION rcs_cancel(pg_catalog.uuid)
	IS 'true when the message was still unsent and now never will be';

CREATE FUNCTION rcs_message(message pg_catalog.uuid)
RETURNS pg_catalog.jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_message';
COMMENT ON FUNCTION rcs_message(pg_catalog.uuid)
	IS 'the message as it was or will be sent, without keys';

CREATE FUNCTION rcs_wait(timeout pg_catalog.interval DEFAULT '1 minute', id pg_catalog.uuid DEFAULT NULL)
RETURNS pg_catalog.bool
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_wait';
COMMENT ON FUNCTION rcs_wait(pg_catalog.interval, pg_catalog.uuid)
	IS 'waits until nothing that may be sent now is unsent, or that message, or that campaign; false when the time is over';

CREATE FUNCTION rcs_resolve(message pg_catalog.uuid, decision pg_catalog.text, note pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_resolve';
COMMENT ON FUNCTION rcs_resolve(pg_catalog.uuid, pg_catalog.text, pg_catalog.text)
	IS 'settles a message of uncertain outcome: sent, resend (under the same id) or drop; gives what it is then';

REVOKE ALL ON FUNCTION rcs_resolve(pg_catalog.uuid, pg_catalog.text, pg_catalog.text) FROM PUBLIC;
