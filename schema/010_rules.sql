-- Pure rules: phone numbers, message ids, templates.  They read no table and no setting.
-- C functions look nothing up by name, so they need no search_path of their own.

CREATE FUNCTION rcs_phone(phone text) RETURNS text
	AS 'MODULE_PATHNAME', 'rcs_phone_sql'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION rcs_phone(text)
	IS 'canonical national digits of a Korean phone number, or an error that says what is wrong';

CREATE FUNCTION rcs_phone_or_null(phone text) RETURNS text
	AS 'MODULE_PATHNAME', 'rcs_phone_or_null_sql'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION rcs_phone_or_null(text)
	IS 'canonical national digits of a Korean phone number, or null if nothing can be sent to it';

CREATE FUNCTION rcs_message_id(campaign uuid, phone text, epoch int DEFAULT 0) RETURNS uuid
	AS 'MODULE_PATHNAME', 'rcs_message_id_sql'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION rcs_message_id(uuid, text, int)
	IS 'id of the message of a campaign to a phone number; epoch counts deliberate re-sends';

CREATE FUNCTION rcs_render(message jsonb, params jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'rcs_render_sql'
	LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION rcs_render(jsonb, jsonb)
	IS 'the message with each #{name} in its strings replaced by the value of that name in params';

CREATE FUNCTION rcs_validate(message jsonb, OUT path text, OUT code text, OUT problem text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'rcs_validate'
	LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION rcs_validate(jsonb)
	IS 'all that is wrong with a message, in a fixed order; no row: it is valid, as far as it does not depend on who sends it';
