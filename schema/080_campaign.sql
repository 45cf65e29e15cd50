-- Campaigns: create, add recipients, look at them.

-- has_unsent: the campaign has a row in rcs.batch.  The function is pure, and views call it with the rights of their
-- reader, so it stays executable by everybody.  Its body is parsed here, once and for all.
CREATE FUNCTION rcs._campaign_state(c rcs.campaign, has_unsent pg_catalog.bool)
RETURNS pg_catalog.text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
	WHEN (c).canceled_at IS NOT NULL THEN 'canceled'
	WHEN NOT has_unsent AND (c).expires_at OPERATOR(pg_catalog.<=) pg_catalog.statement_timestamp() THEN 'finished'
	WHEN (c).paused_at IS NOT NULL THEN 'paused'
	WHEN (c).started_at IS NULL AND (c).start_at IS NULL THEN 'draft'
	WHEN (c).started_at IS NULL
		AND (c).start_at OPERATOR(pg_catalog.>) pg_catalog.statement_timestamp() THEN 'scheduled'
	WHEN has_unsent THEN 'running'
	ELSE 'finished'
END;
COMMENT ON FUNCTION rcs._campaign_state(rcs.campaign, pg_catalog.bool) IS 'state of a campaign';

CREATE FUNCTION rcs_campaign_create(name pg_catalog.text, message pg_catalog.jsonb,
	chatbot pg_catalog.text DEFAULT NULL, start_at pg_catalog.timestamptz DEFAULT NULL,
	rate_per_minute pg_catalog.int4 DEFAULT NULL, expires_at pg_catalog.timestamptz DEFAULT NULL,
	in_doubt pg_catalog.text DEFAULT NULL, id pg_catalog.uuid DEFAULT NULL,
	weight pg_catalog.int4 DEFAULT NULL)
RETURNS pg_catalog.uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_create';
COMMENT ON FUNCTION rcs_campaign_create(pg_catalog.text, pg_catalog.jsonb, pg_catalog.text,
	pg_catalog.timestamptz, pg_catalog.int4, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.uuid,
	pg_catalog.int4)
	IS 'makes a draft of a campaign; with start_at it starts by itself';

-- No SET clause: the query runs under the caller's search_path.
CREATE FUNCTION rcs_campaign_add(campaign pg_catalog.uuid, query pg_catalog.text,
	OUT added pg_catalog.int8, OUT duplicates pg_catalog.int8, OUT rejected pg_catalog.int8)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rcs_campaign_add_query';
COMMENT ON FUNCTION rcs_campaign_add(pg_catalog.uuid, pg_catalog.text)
	IS 'adds the recipients that a query returns; the query runs with the caller''s rights';

CREATE FUNCTION rcs_campaign_add(campaign pg_catalog.uuid, phones pg_catalog.text[],
	params pg_catalog.jsonb[] DEFAULT NULL,
	OUT added pg_catalog.int8, OUT duplicates pg_catalog.int8, OUT rejected pg_catalog.int8)
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_add_array';
COMMENT ON FUNCTION rcs_campaign_add(pg_catalog.uuid, pg_catalog.text[], pg_catalog.jsonb[])
	IS 'adds recipients from arrays';

CREATE FUNCTION rcs_campaign_preview(campaign pg_catalog.uuid, n pg_catalog.int4 DEFAULT 5,
	phone pg_catalog.text DEFAULT NULL)
RETURNS TABLE (phone pg_catalog.text, message pg_catalog.jsonb)
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_preview';
COMMENT ON FUNCTION rcs_campaign_preview(pg_catalog.uuid, pg_catalog.int4, pg_catalog.text)
	IS 'what would be sent to the first n recipients, or to one phone; sends nothing';

CREATE FUNCTION rcs_campaign_id(name pg_catalog.text)
RETURNS pg_catalog.uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_campaign_id';
COMMENT ON FUNCTION rcs_campaign_id(pg_catalog.text) IS 'id of the newest campaign of that name that the caller may see';
