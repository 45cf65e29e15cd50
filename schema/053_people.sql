-- Refusals of advertising. Each is kept under a keyed hash of the phone number besides the number, so that rcs_erase
-- can take the number away and the refusal stays.

CREATE SEQUENCE rcs.refusal_id_seq;
CREATE TABLE rcs.refusal (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('rcs.refusal_id_seq'),
	phone_hash bytea NOT NULL,
	phone text,
	chatbot text,
	refused boolean NOT NULL,
	at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	who text NOT NULL,
	source text
);
CREATE INDEX refusal_phone_hash ON rcs.refusal (phone_hash, id);
COMMENT ON TABLE rcs.refusal IS 'each time that somebody was opted out of advertising, or in again; inserted once. The latest row that covers a chatbot counts';
COMMENT ON COLUMN rcs.refusal.phone_hash IS 'SHA-256 of the installation''s phone_key and the number';
COMMENT ON COLUMN rcs.refusal.phone IS 'null: erased';
COMMENT ON COLUMN rcs.refusal.chatbot IS 'null: all';
COMMENT ON COLUMN rcs.refusal.refused IS 'true: rcs_optout, false: rcs_optin';
COMMENT ON COLUMN rcs.refusal.who IS 'role that called the function';
SELECT pg_catalog.pg_extension_config_dump('rcs.refusal_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.refusal', '');

-- The key is random, has a fixed length and comes first, so a plain hash of key and number is a keyed hash.
CREATE FUNCTION rcs._phone_hash(phone pg_catalog.text) RETURNS pg_catalog.bytea
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.sha256(i.phone_key OPERATOR(pg_catalog.||) pg_catalog.convert_to(phone, 'UTF8')) FROM rcs.installation i;
END;
COMMENT ON FUNCTION rcs._phone_hash(pg_catalog.text)
	IS 'under what the refusals of a phone number are kept; null while nobody has refused anything';

CREATE FUNCTION rcs._refused(phone_hash pg_catalog.bytea, chatbot pg_catalog.text) RETURNS pg_catalog.bool
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE((SELECT r.refused FROM rcs.refusal r
		WHERE r.phone_hash OPERATOR(pg_catalog.=) _refused.phone_hash
			AND (r.chatbot IS NULL OR r.chatbot OPERATOR(pg_catalog.=) _refused.chatbot)
		ORDER BY r.id DESC LIMIT 1), false);
END;
COMMENT ON FUNCTION rcs._refused(pg_catalog.bytea, pg_catalog.text)
	IS 'may this person be sent no advertising of this chatbot?';

-- For very many people at once: one pass over the refusals, instead of a look for each.
CREATE FUNCTION rcs._all_refused(chatbot pg_catalog.text) RETURNS SETOF pg_catalog.bytea
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT l.phone_hash FROM (
		SELECT DISTINCT ON (r.phone_hash) r.phone_hash, r.refused FROM rcs.refusal r
		WHERE r.chatbot IS NULL OR r.chatbot OPERATOR(pg_catalog.=) _all_refused.chatbot
		ORDER BY r.phone_hash, r.id DESC) l
	WHERE l.refused;
END;
COMMENT ON FUNCTION rcs._all_refused(pg_catalog.text) IS 'everybody for whom rcs._refused is true';

CREATE VIEW rcs._refusal_in_force AS
SELECT r.* FROM rcs.refusal r
WHERE NOT EXISTS (
	SELECT FROM rcs.refusal x
	WHERE x.phone_hash = r.phone_hash AND x.id > r.id AND (x.chatbot IS NULL OR x.chatbot = r.chatbot));
COMMENT ON VIEW rcs._refusal_in_force IS 'what no later row has replaced';

CREATE VIEW rcs.optout AS
SELECT r.phone, r.chatbot, r.at, r.who, r.source,
	CASE WHEN r.chatbot IS NULL THEN (
		SELECT array_agg(x.chatbot ORDER BY x.chatbot) FROM rcs._refusal_in_force x
		WHERE x.phone_hash = r.phone_hash AND NOT x.refused) END AS except_chatbots
FROM rcs._refusal_in_force r
WHERE r.refused;
COMMENT ON VIEW rcs.optout IS 'the refusals of advertising in force';
COMMENT ON COLUMN rcs.optout.phone IS 'null: erased';
COMMENT ON COLUMN rcs.optout.chatbot IS 'null: all';
COMMENT ON COLUMN rcs.optout.except_chatbots IS 'of all, those that were allowed again later';

CREATE TABLE rcs.ad_sent (
	day date NOT NULL,
	phone_hash bytea NOT NULL,
	campaign_no bigint NOT NULL,
	batch_id bigint NOT NULL,
	ord int NOT NULL,
	PRIMARY KEY (day, phone_hash, campaign_no, batch_id, ord)
);
COMMENT ON TABLE rcs.ad_sent IS 'the advertising that was offered to a person on a day and the day before it, for rcs.ad_daily_cap; empty while that is 0';
SELECT pg_catalog.pg_extension_config_dump('rcs.ad_sent', '');

CREATE FUNCTION rcs._ad_opening(at timestamptz,
	hours text DEFAULT pg_catalog.current_setting('rcs.ad_hours'),
	margin_s int DEFAULT EXTRACT(epoch FROM pg_catalog.current_setting('rcs.ad_margin')::pg_catalog.interval)::pg_catalog.int4)
RETURNS timestamptz
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcs_ad_opening';
COMMENT ON FUNCTION rcs._ad_opening(timestamptz, text, int) IS 'the first moment from then on at which advertising may leave';

CREATE FUNCTION rcs._ad_closing(at timestamptz, hours text, margin_s int)
RETURNS timestamptz
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcs_ad_closing';
COMMENT ON FUNCTION rcs._ad_closing(timestamptz, text, int) IS 'until when advertising may leave from then on: the same moment if it may not, infinity if it always may';

CREATE FUNCTION rcs._ad_day(at timestamptz, hours text DEFAULT pg_catalog.current_setting('rcs.ad_hours'))
RETURNS date
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcs_ad_day';
COMMENT ON FUNCTION rcs._ad_day(timestamptz, text) IS 'the day of rcs.ad_sent that a moment lies in';

CREATE FUNCTION rcs._refuse(phone text, chatbot text, refused boolean, who text, source text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	digits text := @extschema@.rcs_phone(phone);
	hash bytea;
	changes boolean;
BEGIN
	IF length(_refuse.source) > 200 THEN
		RAISE EXCEPTION 'source has % characters, at most 200 are allowed', length(_refuse.source) USING ERRCODE = 'invalid_parameter_value';
	END IF;
	INSERT INTO rcs.installation DEFAULT VALUES ON CONFLICT DO NOTHING;
	hash := rcs._phone_hash(digits);
	IF _refuse.chatbot IS NOT NULL THEN
		changes := rcs._refused(hash, _refuse.chatbot) <> _refuse.refused;
	ELSE
		SELECT coalesce(bool_or(r.refused <> _refuse.refused), false)
			OR _refuse.refused AND NOT coalesce(bool_or(r.chatbot IS NULL), false)
		INTO changes
		FROM rcs._refusal_in_force r WHERE r.phone_hash = hash;
	END IF;
	IF changes THEN
		INSERT INTO rcs.refusal (phone_hash, phone, chatbot, refused, who, source)
		VALUES (hash, digits, _refuse.chatbot, _refuse.refused, _refuse.who, _refuse.source);
	END IF;
	RETURN changes;
END $$;
COMMENT ON FUNCTION rcs._refuse(text, text, boolean, text, text) IS 'writes down what somebody wants; false: it was so already';

CREATE FUNCTION rcs_optout(phone text, chatbot text DEFAULT NULL, source text DEFAULT NULL) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_optout';
COMMENT ON FUNCTION rcs_optout(text, text, text)
	IS 'no more advertising of this chatbot, or of any, to this phone once the transaction has committed; true if that changed something';

CREATE FUNCTION rcs_optin(phone text, chatbot text DEFAULT NULL, source text DEFAULT NULL) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_optin';
COMMENT ON FUNCTION rcs_optin(text, text, text)
	IS 'takes refusals of this chatbot, or of all, back; true if that changed something';

REVOKE ALL ON FUNCTION rcs._phone_hash(text), rcs._refused(bytea, text), rcs._refuse(text, text, boolean, text, text),
	rcs._all_refused(text), rcs._ad_opening(timestamptz, text, int), rcs._ad_closing(timestamptz, text, int), rcs._ad_day(timestamptz, text),
	rcs_optin(text, text, text) FROM PUBLIC;
