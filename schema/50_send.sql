-- Single messages: send, cancel, show, wait.

CREATE FUNCTION rcs_send(phone pg_catalog.text, text pg_catalog.text,
	chatbot pg_catalog.text DEFAULT NULL, key pg_catalog.text DEFAULT NULL,
	send_at pg_catalog.timestamptz DEFAULT NULL, expires_at pg_catalog.timestamptz DEFAULT NULL,
	params pg_catalog.jsonb DEFAULT NULL, fallback pg_catalog.text DEFAULT NULL,
	on_error pg_catalog.text DEFAULT 'raise')
RETURNS pg_catalog.uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_send_text';
COMMENT ON FUNCTION rcs_send(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text,
	pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text)
	IS 'sends plain text to one phone when the transaction commits; gives the id of the message';

CREATE FUNCTION rcs_send(phone pg_catalog.text, message pg_catalog.jsonb,
	chatbot pg_catalog.text DEFAULT NULL, key pg_catalog.text DEFAULT NULL,
	send_at pg_catalog.timestamptz DEFAULT NULL, expires_at pg_catalog.timestamptz DEFAULT NULL,
	params pg_catalog.jsonb DEFAULT NULL, fallback pg_catalog.text DEFAULT NULL,
	on_error pg_catalog.text DEFAULT 'raise')
RETURNS pg_catalog.uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_send_message';
COMMENT ON FUNCTION rcs_send(pg_catalog.text, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text,
	pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text)
	IS 'sends any message to one phone when the transaction commits; gives the id of the message';

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
