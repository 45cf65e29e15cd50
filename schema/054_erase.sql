-- Erasure: a person's rows lose number, content and id (the id of a campaign message is made of the number, and
-- can be searched for); counts and refusals stay.  Messages that wait in the queue are canceled at once; otherwise
-- they would stay queued until they are due.  Leased messages are left to their worker, which cancels a message
-- that has no number.

CREATE TABLE rcs.erased (
	id_hash bytea PRIMARY KEY,
	campaign_no bigint NOT NULL,
	again_hash bytea,
	at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE INDEX erased_campaign ON rcs.erased (campaign_no);
CREATE INDEX erased_at ON rcs.erased (at);
COMMENT ON TABLE rcs.erased IS 'keyed hashes of the ids that erased messages had: a late report is not kept, and nobody is sent the same again';
COMMENT ON COLUMN rcs.erased.id_hash IS 'SHA-256 of the installation''s phone_key and the id';
COMMENT ON COLUMN rcs.erased.again_hash IS 'of a message with a key: the same of id and digest, to tell a repeat from another content';
SELECT pg_catalog.pg_extension_config_dump('rcs.erased', '');

CREATE FUNCTION rcs._was_erased(message pg_catalog.uuid) RETURNS pg_catalog.bool
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT EXISTS (SELECT FROM rcs.erased e
		WHERE e.id_hash OPERATOR(pg_catalog.=) rcs._phone_hash(message::pg_catalog.text));
END;
COMMENT ON FUNCTION rcs._was_erased(pg_catalog.uuid) IS 'was this the id of a message whose recipient was erased?';

-- The carrier's words about a message may repeat it; our own have no code of the carrier.
CREATE FUNCTION rcs._erase_texts(m rcs.message) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	codes text[];
	more text[];
BEGIN
	WITH gone AS (
		UPDATE rcs.event x SET reason = NULL WHERE x.message = m.id AND x.reason IS NOT NULL RETURNING x.code)
	SELECT array_agg(g.code) INTO codes FROM gone g;
	WITH gone AS (
		UPDATE rcs.result x SET reason = NULL
		WHERE x.campaign_no = m.campaign_no AND x.batch_id = m.batch_id AND x.ord = m.ord AND x.reason IS NOT NULL AND x.code ~ '^([0-9]+|http .*)$'
		RETURNING x.code)
	SELECT array_agg(g.code) INTO more FROM gone g;
	UPDATE rcs.unknown_code u SET reason = NULL WHERE u.code = ANY (codes || more) AND u.reason IS NOT NULL;
END $$;
COMMENT ON FUNCTION rcs._erase_texts(rcs.message) IS 'takes what the carrier said about a message';

-- Goes by the order of ids, in which reports are locked too (rcs._receive_reports).
CREATE FUNCTION rcs._erase_messages(digits text, OUT ids uuid[], OUT n bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m rcs.message;
	fresh uuid;
	new_ids uuid[] := '{}';
BEGIN
	ids := '{}';
	FOR m IN SELECT x.* FROM rcs._messages_of(digits) x ORDER BY x.id
	LOOP
		fresh := gen_random_uuid();
		UPDATE rcs.message x SET id = fresh, phone = NULL, params = NULL, message = NULL, ref = NULL, key = NULL, digest = NULL
		WHERE x.campaign_no = m.campaign_no AND x.batch_id = m.batch_id AND x.ord = m.ord AND x.id = m.id;
		CONTINUE WHEN NOT FOUND;
		PERFORM rcs._cancel_message(m, false, 'erased', 'the recipient was erased');
		PERFORM rcs._erase_texts(m);
		UPDATE rcs.event x SET message = fresh WHERE x.message = m.id;
		UPDATE rcs._change_feed x SET message = fresh WHERE x.message = m.id;
		INSERT INTO rcs.erased (id_hash, campaign_no, again_hash)
		VALUES (rcs._phone_hash(m.id::text), m.campaign_no, rcs._phone_hash(m.id || encode(m.digest, 'hex')))
		ON CONFLICT DO NOTHING;
		ids := ids || m.id;
		new_ids := new_ids || fresh;
	END LOOP;
	-- changes that are not numbered yet; a short table
	UPDATE rcs._change x SET message = u.fresh FROM unnest(ids, new_ids) AS u(id, fresh) WHERE x.message = u.id;
	-- rcs_campaign_test notes what it sent; a short table too
	UPDATE rcs.campaign_event x SET detail = x.detail || jsonb_build_object('message', u.fresh)
	FROM unnest(ids, new_ids) AS u(id, fresh) WHERE x.detail->>'message' = u.id::text;
	n := cardinality(ids);
END $$;
COMMENT ON FUNCTION rcs._erase_messages(text) IS 'takes number, content and id from the messages to a phone; the ids they had, and how many';

-- A report that is being stored must not keep the id: its transaction shares the first lock, or locks its messages
-- while an erasure has that.  Inbound messages come first, so that an answer that is being made is found among the
-- messages.
CREATE FUNCTION rcs._erase(phone text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	digits text := @extschema@.rcs_phone(phone);
	m record;
	n bigint;
	more bigint;
BEGIN
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION 'rcs_erase needs a READ COMMITTED transaction' USING ERRCODE = 'invalid_transaction_state',
			HINT = 'In another one it does not see what was written meanwhile.';
	END IF;
	PERFORM rcs._turn('erasure');
	INSERT INTO rcs.installation DEFAULT VALUES ON CONFLICT DO NOTHING;
	UPDATE rcs.inbound i SET phone = NULL, text = NULL, postback_data = NULL, file = NULL, location = NULL, payload = NULL,
		reply_message = NULL, handled_at = coalesce(i.handled_at, now()), problem = 'the sender was erased'
	WHERE i.phone = digits;
	GET DIAGNOSTICS n = ROW_COUNT;
	PERFORM rcs._turn('changes');
	SELECT * INTO m FROM rcs._erase_messages(digits);
	n := n + m.n;
	UPDATE rcs.rejected r SET phone = NULL, params = NULL, ref = NULL WHERE @extschema@.rcs_phone_or_null(r.phone) = digits;
	GET DIAGNOSTICS more = ROW_COUNT;
	n := n + more;
	UPDATE rcs.quarantine q SET payload = '"erased"', raw = NULL WHERE rcs._kept_names(q.payload, q.raw, digits, m.ids::text[]);
	GET DIAGNOSTICS more = ROW_COUNT;
	n := n + more;
	UPDATE rcs.refusal r SET phone = NULL, source = NULL
	WHERE r.phone_hash = rcs._phone_hash(digits) AND num_nonnulls(r.phone, r.source) > 0;
	GET DIAGNOSTICS more = ROW_COUNT;
	RETURN n + more;
END $$;
COMMENT ON FUNCTION rcs._erase(text) IS 'rcs_erase';

CREATE FUNCTION rcs_erase(phone text) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_erase';
COMMENT ON FUNCTION rcs_erase(text)
	IS 'takes number, content and id from all that is kept about a person; counts and refusals stay; how many rows';

REVOKE ALL ON FUNCTION rcs._was_erased(uuid), rcs._erase_texts(rcs.message), rcs._erase_messages(text), rcs._erase(text), rcs_erase(text) FROM PUBLIC;
